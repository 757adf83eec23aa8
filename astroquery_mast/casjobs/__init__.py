"""CasJobs, the SQL batch query service of MAST; see `~astroquery_mast.casjobs.client`."""
