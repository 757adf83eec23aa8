"""MAST's services of the Virtual Observatory; see `~astroquery_mast.vo.client`."""
