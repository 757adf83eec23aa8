"""``tap``: ADQL queries."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import astroquery_mast as mast

from ..command import MastCommand
from ..exits import usage_failure
from ..options import dry_run_option, limit_argument, limit_option, output_options

if TYPE_CHECKING:
    from ..session import Session


@click.command(
    "tap",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast tap "SELECT obs_id, t_exptime FROM ivoa.obscore" --limit 5
  $ astroquery-mast tap --file query.adql --limit 0 -o rows.ecsv
  $ astroquery-mast tap --tables
  $ astroquery-mast tap --describe ivoa.obscore""",
)
@click.argument("adql", required=False)
@click.option("--file", "query_file", metavar="FILE", help="Read the query from a file, or - for standard input.")
@click.option("--catalog", default="caom", show_default=True, metavar="NAME", help="The TAP service to query.")
@limit_option
@click.option("--async", "run_async", is_flag=True, help="Run the query as a job.  [default: if it takes too long]")
@click.option("--tables", is_flag=True, help="List the tables of the service.")
@click.option("--describe", metavar="TABLE", help="List the columns of a table.")
@dry_run_option
@output_options
@click.pass_obj
def tap_command(
    session: Session,
    /,
    adql: str | None,
    query_file: str | None,
    catalog: str,
    limit: int | None,
    run_async: bool,
    tables: bool,
    describe: str | None,
    dry_run: bool,
    **output: Any,
) -> None:
    """Run an ADQL query."""
    if tables:
        session.show(mast.VO.list_tables(catalog), output, "table")
        return
    if describe is not None:
        session.show(mast.VO.list_columns(describe, catalog), output, "column")
        return
    options: dict[str, Any] = {"catalog": catalog, "get_query_payload": dry_run, "verbose": session.bars}
    options |= limit_argument(limit)
    if run_async:
        options["run_async"] = True
    found = mast.VO.query_tap(_query(adql, query_file), **options)
    session.show(found, output)


def _query(adql: str | None, query_file: str | None) -> str:
    """Return the query from the command line or from a file."""
    if (adql is None) == (query_file is None):
        raise usage_failure("specify either a query or --file FILE.")
    if query_file is None:
        return str(adql)
    if query_file == "-":
        return sys.stdin.read()
    try:
        return Path(query_file).expanduser().read_text("utf-8")
    except (OSError, ValueError) as err:
        raise usage_failure(f"{query_file} cannot be read: {err}") from err
