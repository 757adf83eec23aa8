"""Positions, footprints and regions on the sphere; pure."""
