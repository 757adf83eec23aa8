"""``products``, ``download``, ``retry`` and ``verify``: list, download and check the files of observations."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

import astroquery_mast as mast

from ..command import MastCommand
from ..criteria import refuse_arguments, split_words
from ..exits import usage_failure
from ..options import (
    INPUT_HELP,
    chosen_filters,
    download_options,
    filter_options,
    form_options,
    mission_option,
    output_options,
    workers_option,
)
from ..transfers import fetch_products, report_manifest, write_manifest

if TYPE_CHECKING:
    from astropy.table import Table

    from ..session import Session

_inputs_argument = click.argument("words", nargs=-1, required=True, metavar="INPUT... [NAME=VALUE]...")


def product_inputs(session: Session, words: tuple[str, ...]) -> tuple[list[Any], dict[str, Any]]:
    """Return the observations or products, and the filters, in the words of the command line."""
    others, filters = split_words(words)
    if not others:
        raise usage_failure(f"specify an input: {INPUT_HELP}.")
    return session.read_inputs(others), filters


@click.command(
    "products",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast search proposal_id=1783 calib_level=3 -o obs.ecsv
  $ astroquery-mast products obs.ecsv --type SCIENCE -o products.ecsv
  $ astroquery-mast products 24000000 productFilename='*_drc.fits'
  $ astroquery-mast search M51 --mission hst -o hst.ecsv
  $ astroquery-mast products hst.ecsv --mission hst --extension drc.fits

INPUT is a file written by 'search', an obsid, or - for standard input.""",
)
@_inputs_argument
@filter_options
@mission_option
@click.option("--repeat", is_flag=True, help="List a file again for each observation that it belongs to.")
@output_options
@click.pass_obj
def products_command(
    session: Session,
    /,
    words: tuple[str, ...],
    mrp_only: bool,
    repeat: bool,
    mission: str | None,
    product_type: tuple[str, ...],
    extension: tuple[str, ...],
    level: tuple[int, ...],
    kind: tuple[str, ...],
    **output: Any,
) -> None:
    """List the files of observations."""
    observations, named = product_inputs(session, words)
    filters = chosen_filters(named, product_type, extension, level, kind)
    refuse_arguments(named, mast.Observations.filter_products, ["extension"])
    products = _list_products(session, observations, mission, repeat=repeat)
    if filters or mrp_only:
        products = _filter(products, mission, {"mrp_only": True, **filters} if mrp_only else filters)
    session.show(products, output, "file")


def _list_products(session: Session, observations: list[Any], mission: str | None, *, repeat: bool = False) -> Table:
    """Return the products of observations, or of the data sets of a mission."""
    if mission is not None:
        missions = mast.MastMissions
        listed: Any = missions.get_product_list if repeat else missions.get_unique_product_list
        return listed(observations, mission=mission, verbose=session.bars)
    client = mast.Observations
    listed = client.get_product_list if repeat else client.get_unique_product_list
    return listed(observations, verbose=session.bars)


def _filter(products: Table, mission: str | None, filters: dict[str, Any]) -> Table:
    """Return the products that match the filters."""
    client: Any = mast.Observations if mission is None else mast.MastMissions
    return client.filter_products(products, **filters)


@click.command(
    "download",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast download products.ecsv -d data -o manifest.ecsv
  $ astroquery-mast download mast:HST/product/j97c01010_drc.fits --flat
  $ astroquery-mast search M51 -r 1m filters=F115W calib_level=3 -f ecsv |
      astroquery-mast download - --type SCIENCE --dry-run

INPUT is a file written by 'products' or 'search', a dataURI, an obsid, or - for
standard input. After Ctrl-C, run the same command again: complete files are
kept, and partial files are resumed.""",
)
@_inputs_argument
@filter_options
@download_options
@mission_option
@click.option("--bundle", type=click.Choice(["zip", "tar.gz"]), help="Download all files in one archive file.")
@click.option("--cloud", is_flag=True, help="Download from the public cloud copy if there is one.")
@form_options
@click.pass_obj
def download_command(
    session: Session,
    /,
    words: tuple[str, ...],
    mrp_only: bool,
    product_type: tuple[str, ...],
    extension: tuple[str, ...],
    level: tuple[int, ...],
    kind: tuple[str, ...],
    mission: str | None,
    cloud: bool,
    bundle: str | None,
    **options: Any,
) -> None:
    """Download files."""
    products, named = product_inputs(session, words)
    filters = chosen_filters(named, product_type, extension, level, kind)
    refuse_arguments(named, mast.Observations.download_products, ["extension"])
    own = {"mrp_only": mrp_only, "bundle": bundle}
    filters |= {name: value for name, value in own.items() if value}
    if cloud:
        mast.Observations.enable_cloud_dataset(verbose=session.bars)
    if not any(map(_is_product, products)):
        products = [_list_products(session, products, mission)]
    download: Any = mast.Observations.download_products
    if mission is not None:
        download = partial(mast.MastMissions.download_products, mission=mission)
    fetch_products(session, products, filters, options, download)


def _is_product(given: Any) -> bool:
    """Return whether an input is a product or a table of products, and not an observation."""
    if isinstance(given, str):
        return not given.isdigit()
    return "dataURI" in given.colnames or "uri" in given.colnames


_manifest_argument = click.argument("manifest")


@click.command(
    "retry",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast retry manifest.ecsv
  $ astroquery-mast verify manifest.ecsv -o checked.ecsv
  $ astroquery-mast retry checked.ecsv""",
)
@_manifest_argument
@workers_option
@form_options
@click.pass_obj
def retry_command(session: Session, /, manifest: str, workers: int | None, **output: Any) -> None:
    """Download the files of a manifest that failed or are missing.

    MANIFEST is a file written by 'download -o', 'get -o' or 'verify -o'. It is updated unless --output is set.
    """
    table = session.read_table(manifest)
    session.log_in_if_stored()
    client: Any = mast.MastMissions if "mission" in table.colnames else mast.Observations
    retried = client.retry_downloads(table, max_workers=workers, verbose=session.bars)
    if output["output_file"] is None and manifest != "-":
        write_manifest(retried, manifest)
    report_manifest(session, retried, output)


@click.command(
    "verify",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast verify manifest.ecsv
  $ astroquery-mast verify manifest.ecsv --json""",
)
@_manifest_argument
@form_options
@click.pass_obj
def verify_command(session: Session, /, manifest: str, **output: Any) -> None:
    """Compare files on disk with their manifest: sizes and SHA-256.

    MANIFEST is a file written by 'download -o' or 'get -o'. No requests are sent to MAST.
    """
    checked = mast.Observations.verify_downloads(session.read_table(manifest), verbose=session.bars)
    report_manifest(session, checked, output)
