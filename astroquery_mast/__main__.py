"""Run the command line as ``python -m astroquery_mast``."""

from .cli.main import cli

if __name__ == "__main__":
    cli(prog_name="astroquery-mast")
