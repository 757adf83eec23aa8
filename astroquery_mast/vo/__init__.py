"""The services of the Virtual Observatory that MAST has: see `~astroquery_mast.vo.client`."""
