"""CasJobs: a SQL Server with catalogs, and a personal database (MyDB) for each user."""
