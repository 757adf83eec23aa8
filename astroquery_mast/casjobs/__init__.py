"""CasJobs, MAST's batch queries in SQL: see `~astroquery_mast.casjobs.client`."""
