"""The options that several subcommands have, as decorators.

In: a function.  Out: the same function with options.  Checks of values that need no archive are made here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import click

from .completion import complete_columns, complete_words
from .exits import usage_failure

F = TypeVar("F", bound=Callable[..., Any])

PRINTED_FORMATS = ("table", "csv", "ecsv", "json", "votable")
"""What can be written to standard output."""
SUFFIXES = {
    ".csv": "csv",
    ".ecsv": "ecsv",
    ".fits": "fits",
    ".json": "json",
    ".parquet": "parquet",
    ".vot": "votable",
    ".xml": "votable",
}
"""The formats of files, by the ends of their names."""
INPUT_HELP = "files of tables, dataURIs, obsids, or - for standard input"


def _decorated(*decorators: Callable[[Any], Any]) -> Callable[[F], F]:
    """Return one decorator for several, the first of which is listed first in the help."""
    return lambda function: reduce(lambda made, each: each(made), reversed(decorators), function)


def check_output(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Path | None:
    """Return the file to write, which must be in a folder and of a format that is known."""
    if value is None:
        return None
    path = Path(value).expanduser()
    if path.suffix.lower() not in SUFFIXES:
        raise click.BadParameter(f"the name of the file must end in one of {', '.join(SUFFIXES)}.")
    if not path.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {str(path.parent)!r}.")
    if path.is_dir():
        raise click.BadParameter(f"{value!r} is a folder.")
    if path.suffix.lower() == ".parquet":
        _check_parquet()
    return path


def _check_parquet() -> None:
    from importlib.util import find_spec  # noqa: PLC0415 - for one format only

    if find_spec("pyarrow") is None:
        raise click.BadParameter("parquet needs pyarrow: pip install 'astroquery_mast[parquet]' installs it.")


def check_positive(_ctx: click.Context, _param: click.Parameter, value: float | None) -> float | None:
    """Return a number that must not be negative."""
    if value is not None and not value >= 0:
        raise click.BadParameter("a negative number is not valid.")
    return value


def split_commas(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> list[str] | None:
    """Return the names of columns, which may be separated by commas; None if there are none."""
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    return names or None


file_option = click.option(
    "-o",
    "--output",
    "output_file",
    metavar="FILE",
    callback=check_output,
    help=f"Write the result to a file instead; the format follows its ending: {', '.join(SUFFIXES)}.",
)
columns_option = click.option(
    "-c",
    "--columns",
    metavar="NAMES",
    multiple=True,
    callback=split_commas,
    shell_complete=complete_columns,
    help="The columns to show, separated by commas; 'all' for all of them.",
)
_form_options = (
    click.option("--json", "as_json", is_flag=True, help="Print JSON: a list with an object for each row."),
    click.option(
        "-f", "--format", "output_format", type=click.Choice(PRINTED_FORMATS), help="What to print; a table by default."
    ),
    click.option(
        "--rows",
        type=int,
        metavar="N",
        callback=check_positive,
        help="Rows to print; 0 for all.  [default: those that fit]",
    ),
)

workers_option = click.option("-j", "--workers", type=int, metavar="N", help="Files to download at a time.")
output_options = _decorated(file_option, columns_option, *_form_options)
form_options = _decorated(file_option, *_form_options)
json_option = _form_options[0]
dry_run_option = click.option("-n", "--dry-run", is_flag=True, help="Show the request, and send nothing.")
limit_option = click.option(
    "--limit", type=int, metavar="N", callback=check_positive, help="The most rows to return; 0 for all."
)
sort_option = click.option(
    "--sort-by", multiple=True, metavar="COLUMN", help="Sort by a column; -COLUMN sorts in descending order."
)
radius_option = click.option("-r", "--radius", metavar="ANGLE", help="Radius with a unit, such as 6m, 30s, 0.1d.")
words_argument = click.argument("words", nargs=-1, metavar="[TARGET] [NAME=VALUE]...", shell_complete=complete_words)

mission_option = click.option("--mission", metavar="NAME", help="One mission, by its own columns: hst, jwst, iue, ...")
position_options = _decorated(
    words_argument,
    radius_option,
    click.option(
        "--region", metavar="TEXT", help="A region instead of a target: 'CIRCLE 202.5 47.2 0.1', 'POLYGON ...'."
    ),
    click.option("--resolver", metavar="NAME", help="Who resolves names: NED or SIMBAD."),
)
filter_options = _decorated(
    click.option("--type", "product_type", multiple=True, metavar="TYPE", help="productType: SCIENCE, PREVIEW, ..."),
    click.option("--extension", multiple=True, metavar="END", help="The end of the name: fits, _i2d.fits, jpg."),
    click.option("--level", type=int, multiple=True, metavar="N", help="calib_level: 0 to 4."),
    click.option("--kind", multiple=True, metavar="KIND", help="productSubGroupDescription: I2D, DRZ, X1D, ..."),
    click.option("--mrp", "mrp_only", is_flag=True, help="Minimum recommended products only."),
)
download_options = _decorated(
    click.option("-d", "--dir", "download_dir", metavar="FOLDER", help="Where files go.  [default: current folder]"),
    click.option("--flat", is_flag=True, help="Put all files into that folder, without folders in it."),
    click.option(
        "--template",
        "path_template",
        metavar="TEXT",
        help="Paths in that folder, such as '{proposal_id}/{productFilename}'.",
    ),
    click.option(
        "--overwrite",
        type=click.Choice(["never", "if-changed", "always"]),
        help="What to do with files on disk.  [default: keep those of the right size]",
    ),
    workers_option,
    click.option("-n", "--dry-run", is_flag=True, help="Show what would be downloaded, and download nothing."),
    click.option("-y", "--yes", is_flag=True, help="Do not ask before a large download."),
    click.option(
        "--ask-above",
        type=float,
        callback=check_positive,
        default=1.0,
        show_default=True,
        metavar="GB",
        help="The size from which on to ask.",
    ),
)


def chosen_filters(
    given: dict[str, Any],
    product_type: tuple[str, ...] = (),
    extension: tuple[str, ...] = (),
    level: tuple[int, ...] = (),
    kind: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the filters for products that options and ``NAME=VALUE`` ask for."""
    options = {
        "productType": product_type,
        "extension": extension,
        "calib_level": level,
        "productSubGroupDescription": kind,
    }
    return with_options(given, options)


def with_options(given: dict[str, Any], options: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return criteria with those that options stand for; both for one column is an error."""
    asked = {name: list(values) for name, values in options.items() if values}
    for name in asked:
        if name in given:
            raise usage_failure(f"{name} is given twice: as an option and as {name}=....")
    return {**given, **asked}


def given_only(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that the user has given; the others have the defaults of the client."""
    return {name: value for name, value in arguments.items() if value is not None}


def limit_argument(limit: int | None) -> dict[str, Any]:
    """Return the argument of a query for ``--limit``."""
    return {} if limit is None else {"limit": limit or None}


def sort_arguments(sort_by: tuple[str, ...]) -> dict[str, Any]:
    """Return the arguments of a query for ``--sort-by``."""
    if not sort_by:
        return {}
    names = [name.strip() for value in sort_by for name in value.split(",")]
    return {
        "sort_by": [name.removeprefix("-") for name in names],
        "sort_desc": [name.startswith("-") for name in names],
    }
