"""Observing programs: planned observations, the status of visits, and duplications."""
