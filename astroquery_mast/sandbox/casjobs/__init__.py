"""CasJobs: a SQL Server with catalogs, and a database of one's own (MyDB) for every user."""
