"""The command ``astroquery-mast``: each subcommand builds one call of a client and shows what it returns."""
