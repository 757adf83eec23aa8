"""Positions, footprints and regions on the sphere, without input or output."""
