"""``watch``: saved searches, and the changes since their last run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import astroquery_mast as mast

from ..command import MastCommand
from ..criteria import refuse_arguments
from ..exits import CommandFailed, ExitCode, usage_failure
from ..options import form_options, output_options, position_options
from ..settings import user_folder
from .search import observation_query, query_place

if TYPE_CHECKING:
    from ..session import Session

_STATE = ".state.json"
_folder_option = click.option(
    "--dir", "folder", metavar="FOLDER", help="Folder of the saved searches.  [default: the user's settings]"
)


def searches_folder(folder: str | None) -> Path:
    """Return the folder of the saved searches."""
    return user_folder() / "searches" if folder is None else Path(folder).expanduser()


def _search_files(folder: Path) -> list[Path]:
    """Return the files of the searches in a folder."""
    return sorted(path for path in folder.glob("*.json") if not path.name.endswith(_STATE))


@click.group("watch")
def watch_command() -> None:
    """Save searches, and show what has changed since their last run."""


@watch_command.command(
    "add",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast watch add m51 M51 -r 6m obs_collection=JWST
  $ astroquery-mast watch add mosaics --files program=1783 suffix=i2d
  $ astroquery-mast watch add visits --products proposal_id=1783 calib_level=3""",
)
@click.argument("name")
@position_options
@click.option("--products", is_flag=True, help="Watch the files of the observations for reprocessing.")
@click.option("--files", is_flag=True, help="Search JWST files by header keywords instead of observations.")
@_folder_option
@click.pass_obj
def add_command(
    session: Session,
    /,
    name: str,
    words: tuple[str, ...],
    radius: str | None,
    region: str | None,
    resolver: str | None,
    products: bool,
    files: bool,
    folder: str | None,
) -> None:
    """Save a search under a name."""
    place, criteria = query_place(words, radius, region, resolver)
    if files and place:
        raise usage_failure("--files supports only criteria, such as program=1783.")
    if files:
        query: Any = mast.JwstFiles.query_criteria
        refuse_arguments(criteria, query, ["instrument", "suffix"])
    else:
        query = observation_query(place, criteria)
    if not place and not criteria:
        raise usage_failure("specify a target or a criterion.")
    path = searches_folder(folder)
    path.mkdir(parents=True, exist_ok=True)
    search = mast.SavedSearch(path / name, query, watch_products=products, **place, **criteria)
    session.note(f"Saved as {search.path}. 'astroquery-mast watch run {search.name}' runs it.")


@watch_command.command(
    "run",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast watch run m51
  $ astroquery-mast watch run --quiet
  $ astroquery-mast watch run mosaics --peek --exit-code

The first run of a search records the results. Later runs print the changes since then, if any.""",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--peek", is_flag=True, help="Show changes without recording them.")
@click.option("--exit-code", is_flag=True, help="Exit with code 1 if there are changes, like 'git diff --exit-code'.")
@click.option("--atom", is_flag=True, help="Print an Atom feed of one search instead of text.")
@_folder_option
@form_options
@click.pass_obj
def run_command(
    session: Session,
    /,
    names: tuple[str, ...],
    peek: bool,
    exit_code: bool,
    atom: bool,
    folder: str | None,
    **output: Any,
) -> None:
    """Run the named searches, or all of them, and print what has changed."""
    in_form = any(output.values())
    paths = _chosen_searches(names, folder, one=atom or in_form)
    code = 0
    for path in paths:
        search = mast.SavedSearch.open(path)
        changes = search.peek() if peek else search.changes()
        code = max(code, changes.exit_code)
        if atom:
            click.echo(changes.as_atom(), nl=False)
        elif not len(changes):
            session.note(changes.as_text())
        elif in_form:
            session.show(changes, output, "change")
        else:
            click.echo(changes.as_text())
    if exit_code and code:
        raise CommandFailed("", ExitCode.INCOMPLETE)


def _chosen_searches(names: tuple[str, ...], folder: str | None, *, one: bool) -> list[Path]:
    """Return the files of the searches to run."""
    place = searches_folder(folder)
    paths = [place / name for name in names] or _search_files(place)
    if not paths:
        raise usage_failure(f"there are no saved searches in {place}. Use 'astroquery-mast watch add' to save one.")
    if one and len(paths) > 1:
        raise usage_failure("this format requires the name of one search.")
    return paths


@watch_command.command(
    "list",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast watch list""",
)
@_folder_option
@output_options
@click.pass_obj
def list_command(session: Session, /, folder: str | None, **output: Any) -> None:
    """List the saved searches."""
    from astropy.table import Table  # noqa: PLC0415 - help and completion do not need astropy

    place = searches_folder(folder)
    if not _search_files(place):
        session.note(f"There are no saved searches in {place}.")
    searches = [mast.SavedSearch.open(path) for path in _search_files(place)]
    table = Table(
        {
            "name": [search.name for search in searches],
            "runs": ["yes" if search.state_path.exists() else "not yet" for search in searches],
            "file": [str(search.path) for search in searches],
        },
        dtype=["U", "U", "U"],
    )
    session.show(table, output, "search")
