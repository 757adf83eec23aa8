"""``search`` and ``count``: find observations by position, name and criteria."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

import astroquery_mast as mast

from ..command import MastCommand
from ..criteria import refuse_arguments, refuse_options, target_and_criteria
from ..exits import CommandFailed, ExitCode, usage_failure
from ..options import (
    dry_run_option,
    given_only,
    json_option,
    limit_argument,
    limit_option,
    mission_option,
    output_options,
    position_options,
    sort_arguments,
    sort_option,
)

if TYPE_CHECKING:
    from ..session import Session

_OPTIONS = ("radius", "region", "resolver", "columns", "limit", "sort_by", "mission")
_targets_option = click.option("--targets", metavar="FILE", help="Search around each position of a table.")


def query_place(
    words: tuple[str, ...], radius: str | None, region: str | None, resolver: str | None, targets: Any = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments for the position or region, and the criteria."""
    target, criteria = target_and_criteria(words)
    refuse_options(criteria, _OPTIONS)
    if targets is not None and target is not None:
        raise usage_failure(f"the target {target!r} and --targets cannot be combined.")
    place = {"coordinates": target if targets is None else targets, "region": region, "radius": radius}
    place["resolver"] = resolver
    return given_only(place), criteria


def observation_query(place: dict[str, Any], criteria: dict[str, Any]) -> Any:
    """Return the method that queries observations; without criteria, a position is required."""
    client = mast.Observations
    refuse_arguments(criteria, client.query_criteria, ["overlap"])
    return client.query_criteria if criteria or not place else client.query_region


def mission_place(place: dict[str, Any], mission: str) -> dict[str, Any]:
    """Return the position arguments for `MastMissions`, which does not support regions."""
    if "region" in place:
        raise usage_failure("--region and --mission cannot be combined.")
    return {**place, "mission": mission}


@click.command(
    "search",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast search M51 -r 6m instrument_name='ACS/*'
  $ astroquery-mast search 202.47 47.195 -r 30s calib_level=[2,3]
  $ astroquery-mast search proposal_id=1783 't_exptime=(1000, None)'
  $ astroquery-mast search M51 dataRights='!EXCLUSIVE_ACCESS' -o obs.ecsv
  $ astroquery-mast search --region 'CIRCLE 202.47 47.195 0.05' --json
  $ astroquery-mast search M101 --mission hst sci_instrume=ACS --limit 5

Any column is a criterion. A value can be a list [2,3] or a range (100, None),
and can have wildcards. An exclamation mark before a value excludes it. Use
quotation marks where the shell requires them.""",
)
@position_options
@_targets_option
@mission_option
@limit_option
@sort_option
@dry_run_option
@output_options
@click.pass_obj
def search_command(
    session: Session,
    /,
    words: tuple[str, ...],
    radius: str | None,
    region: str | None,
    resolver: str | None,
    targets: str | None,
    mission: str | None,
    limit: int | None,
    sort_by: tuple[str, ...],
    dry_run: bool,
    **output: Any,
) -> None:
    """Search for observations by position and criteria."""
    table = None if targets is None else session.read_table(targets)
    place, criteria = query_place(words, radius, region, resolver, table)
    options = {"get_query_payload": dry_run, **limit_argument(limit), **sort_arguments(sort_by)}
    if mission is not None:
        refuse_arguments(criteria, mast.MastMissions.query_criteria)
        found = mast.MastMissions.query_criteria(
            select_cols=_requested_columns(output["columns"]), **mission_place(place, mission), **options, **criteria
        )
    else:
        query = observation_query(place, criteria)
        found = query(columns=_requested_columns(output["columns"]), **place, **options, **criteria)
    session.show(found, output, "data set" if mission else "observation")


def _requested_columns(columns: list[str] | None) -> list[str] | None:
    """Return the columns to request; None for all."""
    return None if columns == ["all"] else columns


@click.command(
    "count",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast count M51 -r 6m
  $ astroquery-mast count proposal_id=1783 calib_level=3
  $ astroquery-mast count M51 --mission hst""",
)
@position_options
@mission_option
@dry_run_option
@json_option
@click.pass_obj
def count_command(
    session: Session,
    /,
    words: tuple[str, ...],
    radius: str | None,
    region: str | None,
    resolver: str | None,
    mission: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Print the number of observations that 'search' would find."""
    place, criteria = query_place(words, radius, region, resolver)
    if mission is not None:
        refuse_arguments(criteria, mast.MastMissions.query_criteria)
        found = mast.MastMissions.query_criteria(
            count_only=True, get_query_payload=dry_run, **mission_place(place, mission), **criteria
        )
    else:
        refuse_arguments(criteria, mast.Observations.query_criteria_count, ["overlap"])
        found = mast.Observations.query_criteria_count(get_query_payload=dry_run, **place, **criteria)
    if dry_run or as_json:
        session.show_json(found)
    else:
        click.echo(str(found))
    if not dry_run and not found:
        raise CommandFailed("", ExitCode.INCOMPLETE)
