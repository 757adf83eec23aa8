"""``catalog`` and ``crossmatch``: catalog sources around a position, and at each position of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

import astroquery_mast as mast

from ..command import MastCommand
from ..criteria import refuse_arguments
from ..exits import usage_failure
from ..options import (
    dry_run_option,
    given_only,
    limit_argument,
    limit_option,
    output_options,
    position_options,
    radius_option,
    sort_arguments,
    sort_option,
)
from .search import query_place

if TYPE_CHECKING:
    from ..session import Session


@click.command(
    "catalog",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast catalog M51 --catalog TIC -r 3m -c ID,ra,dec,Tmag
  $ astroquery-mast catalog M101 --catalog Gaia -r 1m --json
  $ astroquery-mast catalog M101 --catalog TIC -r 0.2d 'Tmag<12'
  $ astroquery-mast catalog --list""",
)
@position_options
@click.option("--catalog", metavar="NAME", help="TIC, CTL, Gaia, HSC, Galex, Panstarrs, PLATO, ...")
@click.option("--collection", metavar="NAME", help="A collection of catalogs from --list, queried by TAP.")
@click.option("--list", "listed", is_flag=True, help="List the collections, or the catalogs in --collection.")
@limit_option
@sort_option
@dry_run_option
@output_options
@click.pass_obj
def catalog_command(
    session: Session,
    /,
    words: tuple[str, ...],
    radius: str | None,
    region: str | None,
    resolver: str | None,
    catalog: str | None,
    collection: str | None,
    listed: bool,
    limit: int | None,
    sort_by: tuple[str, ...],
    dry_run: bool,
    **output: Any,
) -> None:
    """Find the sources of a catalog around a target."""
    if listed:
        _list_catalogs(session, collection, output)
        return
    if catalog is None and collection is None:
        raise usage_failure("--catalog NAME is missing, such as --catalog TIC.")
    client: Any = mast.Catalogs
    place, criteria = query_place(words, radius, region, resolver)
    options: dict[str, Any] = {"get_query_payload": dry_run, **limit_argument(limit), **sort_arguments(sort_by)}
    options |= given_only({"catalog": catalog, "collection": collection})
    refuse_arguments(criteria, client.query_criteria)
    query = client.query_criteria if criteria or not place else client.query_region
    if query == client.query_region:
        place.pop("resolver", None)
    found = query(**place, **options, **criteria)
    session.show(found, output, "source")


def _list_catalogs(session: Session, collection: str | None, output: dict[str, Any]) -> None:
    """Show the collections, or the catalogs in one collection."""
    if collection is None:
        session.show(mast.Catalogs.get_collections(), output, "collection")
    else:
        session.show(mast.Catalogs.get_catalogs(collection), output, "catalog")


@click.command(
    "crossmatch",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast catalog M101 --catalog TIC -r 1m -c ID,ra,dec -o stars.csv
  $ astroquery-mast crossmatch stars.csv --catalog Gaia -r 2s --best
  $ astroquery-mast crossmatch stars.csv --observations -r 0s

TABLE is a file with columns of positions, or - for standard input.""",
)
@click.argument("table")
@click.option("--catalog", metavar="NAME", help="TIC, CTL, Gaia, HSC, GALEX, SDSS, 2MASS, ...")
@click.option("--observations", is_flag=True, help="Match with the footprints of all observations.")
@radius_option
@click.option("--best", is_flag=True, help="Only the nearest match of each position.")
@click.option("--ra", "ra_column", metavar="COLUMN", help="Column of right ascension, if not found automatically.")
@click.option("--dec", "dec_column", metavar="COLUMN", help="Column of declination.")
@dry_run_option
@output_options
@click.pass_obj
def crossmatch_command(
    session: Session,
    /,
    table: str,
    catalog: str | None,
    observations: bool,
    radius: str | None,
    best: bool,
    ra_column: str | None,
    dec_column: str | None,
    dry_run: bool,
    **output: Any,
) -> None:
    """Find the sources or observations at each position of a table."""
    if (catalog is None) != observations:
        raise usage_failure("specify either --catalog NAME or --observations.")
    positions = session.read_table(table)
    options: dict[str, Any] = {"best": best, "get_query_payload": dry_run, "verbose": session.bars}
    given = {"radius": radius, "ra_column": ra_column, "dec_column": dec_column}
    options |= given_only(given)
    if catalog is None:
        found = mast.Observations.crossmatch(positions, **options)
    else:
        found = mast.Catalogs.crossmatch(positions, catalog, **options)
    session.show(found, output, "match" if catalog else "observation")
