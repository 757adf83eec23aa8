"""The command ``astroquery-mast``: each subcommand makes one call of a client and shows the result."""
