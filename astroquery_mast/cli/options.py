"""Options of several subcommands, as decorators.

In: a function.  Out: the same function with options.  Values are checked here if that is possible without a request.
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
"""The formats of standard output."""
SUFFIXES = {
    ".csv": "csv",
    ".ecsv": "ecsv",
    ".fits": "fits",
    ".json": "json",
    ".parquet": "parquet",
    ".vot": "votable",
    ".xml": "votable",
}
"""The formats of files, by suffix."""
INPUT_HELP = "files with tables, dataURIs, obsids, or - for standard input"


def _decorated(*decorators: Callable[[Any], Any]) -> Callable[[F], F]:
    """Combine decorators of options; the help lists the options in this order."""
    return lambda function: reduce(lambda made, each: each(made), reversed(decorators), function)


def check_output(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Path | None:
    """Return the path of the output file; its folder must exist, and its format must be supported."""
    if value is None:
        return None
    path = Path(value).expanduser()
    if path.suffix.lower() not in SUFFIXES:
        raise click.BadParameter(f"the name of the file must end in one of {', '.join(SUFFIXES)}.")
    if not path.absolute().parent.is_dir():
        raise click.BadParameter(f"the folder {str(path.parent)!r} does not exist.")
    if path.is_dir():
        raise click.BadParameter(f"{value!r} is a folder.")
    if path.suffix.lower() == ".parquet":
        _check_parquet()
    return path


def _check_parquet() -> None:
    from importlib.util import find_spec  # noqa: PLC0415 - only for one format

    if find_spec("pyarrow") is None:
        raise click.BadParameter("parquet requires pyarrow: pip install 'astroquery_mast[parquet]'")


def check_positive(_ctx: click.Context, _param: click.Parameter, value: float | None) -> float | None:
    """Return a number; raise if it is negative."""
    if value is not None and not value >= 0:
        raise click.BadParameter("a negative number is not valid.")
    return value


def split_commas(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> list[str] | None:
    """Return column names, which may be separated by commas; None if there are none."""
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    return names or None


file_option = click.option(
    "-o",
    "--output",
    "output_file",
    metavar="FILE",
    callback=check_output,
    help=f"Write the result to a file, in the format of its suffix: {', '.join(SUFFIXES)}.",
)
columns_option = click.option(
    "-c",
    "--columns",
    metavar="NAMES",
    multiple=True,
    callback=split_commas,
    shell_complete=complete_columns,
    help="Columns to show, separated by commas, or 'all'.",
)
_form_options = (
    click.option("--json", "as_json", is_flag=True, help="Print JSON: a list with an object for each row."),
    click.option(
        "-f", "--format", "output_format", type=click.Choice(PRINTED_FORMATS), help="Output format.  [default: table]"
    ),
    click.option(
        "--rows",
        type=int,
        metavar="N",
        callback=check_positive,
        help="Number of rows to print; 0 for all.  [default: as many as fit]",
    ),
)

workers_option = click.option("-j", "--workers", type=int, metavar="N", help="Number of simultaneous downloads.")
output_options = _decorated(file_option, columns_option, *_form_options)
form_options = _decorated(file_option, *_form_options)
json_option = _form_options[0]
dry_run_option = click.option("-n", "--dry-run", is_flag=True, help="Show the request without sending it.")
limit_option = click.option(
    "--limit", type=int, metavar="N", callback=check_positive, help="Maximum number of rows; 0 for all."
)
sort_option = click.option(
    "--sort-by", multiple=True, metavar="COLUMN", help="Sort by a column; -COLUMN sorts in descending order."
)
radius_option = click.option("-r", "--radius", metavar="ANGLE", help="Radius with a unit, such as 6m, 30s, 0.1d.")
words_argument = click.argument("words", nargs=-1, metavar="[TARGET] [NAME=VALUE]...", shell_complete=complete_words)

mission_option = click.option("--mission", metavar="NAME", help="Use the search of one mission: hst, jwst, iue, ...")
position_options = _decorated(
    words_argument,
    radius_option,
    click.option(
        "--region", metavar="TEXT", help="Region instead of a target: 'CIRCLE 202.5 47.2 0.1', 'POLYGON ...'."
    ),
    click.option("--resolver", metavar="NAME", help="Name resolver: NED or SIMBAD."),
)
filter_options = _decorated(
    click.option("--type", "product_type", multiple=True, metavar="TYPE", help="productType: SCIENCE, PREVIEW, ..."),
    click.option("--extension", multiple=True, metavar="END", help="End of the file name: fits, _i2d.fits, jpg."),
    click.option("--level", type=int, multiple=True, metavar="N", help="calib_level: 0 to 4."),
    click.option("--kind", multiple=True, metavar="KIND", help="productSubGroupDescription: I2D, DRZ, X1D, ..."),
    click.option("--mrp", "mrp_only", is_flag=True, help="Minimum recommended products only."),
)
download_options = _decorated(
    click.option("-d", "--dir", "download_dir", metavar="FOLDER", help="Download folder.  [default: current folder]"),
    click.option("--flat", is_flag=True, help="Put all files into the download folder, without subfolders."),
    click.option(
        "--template",
        "path_template",
        metavar="TEXT",
        help="Paths in the download folder, such as '{proposal_id}/{productFilename}'.",
    ),
    click.option(
        "--overwrite",
        type=click.Choice(["never", "if-changed", "always"]),
        help="When to replace existing files.  [default: if their size is wrong]",
    ),
    workers_option,
    click.option("-n", "--dry-run", is_flag=True, help="Show what would be downloaded, without downloading it."),
    click.option("-y", "--yes", is_flag=True, help="Do not ask before large downloads."),
    click.option(
        "--ask-above",
        type=float,
        callback=check_positive,
        default=1.0,
        show_default=True,
        metavar="GB",
        help="Ask before downloads larger than this.",
    ),
)


def chosen_filters(
    given: dict[str, Any],
    product_type: tuple[str, ...] = (),
    extension: tuple[str, ...] = (),
    level: tuple[int, ...] = (),
    kind: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the product filters from options and from ``NAME=VALUE``."""
    options = {
        "productType": product_type,
        "extension": extension,
        "calib_level": level,
        "productSubGroupDescription": kind,
    }
    return with_options(given, options)


def with_options(given: dict[str, Any], options: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return criteria with those from options; raise if a column is in both."""
    chosen = {name: list(values) for name, values in options.items() if values}
    for name in chosen:
        if name in given:
            raise usage_failure(f"{name} is specified twice: as an option and as {name}=....")
    return {**given, **chosen}


def given_only(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that are not None; the client has defaults for the others."""
    return {name: value for name, value in arguments.items() if value is not None}


def limit_argument(limit: int | None) -> dict[str, Any]:
    """Return the query argument for ``--limit``."""
    return {} if limit is None else {"limit": limit or None}


def sort_arguments(sort_by: tuple[str, ...]) -> dict[str, Any]:
    """Return the query arguments for ``--sort-by``."""
    if not sort_by:
        return {}
    names = [name.strip() for value in sort_by for name in value.split(",")]
    return {
        "sort_by": [name.removeprefix("-") for name in names],
        "sort_desc": [name.startswith("-") for name in names],
    }
