"""Sources detected at given positions, from the source catalogs of observations."""
