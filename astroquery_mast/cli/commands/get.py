"""``get``: find observations and download their files in one command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

import astroquery_mast as mast

from ..command import MastCommand
from ..exits import CommandFailed, ExitCode
from ..options import chosen_filters, download_options, filter_options, form_options, position_options, with_options
from ..transfers import fetch_products
from .search import observation_query, query_place

if TYPE_CHECKING:
    from ..session import Session

_ALL = "all"


@click.command(
    "get",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast get -p 1783 -i 'NIRCAM*' --level 3 --dry-run
  $ astroquery-mast get -p 1783 -i 'NIRCAM*' --kind I2D -d m51 -o m51.ecsv
  $ astroquery-mast get M101 -r 1m filters=F814W --extension _drc.fits --yes

Observations are selected as in 'search', and their files as in 'products'. Only
science files are downloaded by default; use --type all for all files. Run the
same command again after Ctrl-C, or next week: complete files are kept.""",
)
@position_options
@click.option("-p", "--program", multiple=True, metavar="NUMBER", help="proposal_id of the observations.")
@click.option(
    "-i", "--instrument", multiple=True, metavar="NAME", help="instrument_name, such as 'NIRCAM*' or ACS/WFC."
)
@click.option("--collection", multiple=True, metavar="NAME", help="obs_collection: JWST, HST, TESS, HLSP, ...")
@filter_options
@download_options
@form_options
@click.pass_obj
def get_command(
    session: Session,
    /,
    words: tuple[str, ...],
    radius: str | None,
    region: str | None,
    resolver: str | None,
    program: tuple[str, ...],
    instrument: tuple[str, ...],
    collection: tuple[str, ...],
    mrp_only: bool,
    product_type: tuple[str, ...],
    extension: tuple[str, ...],
    level: tuple[int, ...],
    kind: tuple[str, ...],
    **options: Any,
) -> None:
    """Find observations and download their files.

    Use a program, an instrument and a level, or any criteria of 'search'.
    """
    place, criteria = query_place(words, radius, region, resolver)
    named = {"proposal_id": program, "instrument_name": instrument, "obs_collection": collection, "calib_level": level}
    criteria = with_options(criteria, named)
    client = mast.Observations
    observations = observation_query(place, criteria)(**place, **criteria)
    if not len(observations):
        raise CommandFailed("", ExitCode.INCOMPLETE)
    session.note(f"{len(observations):,} observation{'' if len(observations) == 1 else 's'} found.")
    filters = chosen_filters({}, _types(product_type), extension, level, kind)
    products = client.get_unique_product_list(observations, verbose=session.bars)
    fetch_products(session, products, {"mrp_only": mrp_only, **filters}, options, client.download_products)


def _types(chosen: tuple[str, ...]) -> tuple[str, ...]:
    """Return the types of products to download; science products by default."""
    return () if _ALL in chosen else chosen or ("SCIENCE",)
