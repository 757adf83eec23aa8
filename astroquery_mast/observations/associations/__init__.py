"""Associations of observations: their members, and the products that contain an exposure."""
