"""Print tables, or write them to files.

In: a table and output options.  Out: text that fits the terminal, CSV, ECSV, VOTable or JSON; or a file.
"""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time
from astropy.utils.console import human_file_size

from ..exceptions import presentable
from ..tables.cell_texts import beginning, ending, justified, text_width
from ..tables.columns import known_name, plain_cells
from .exits import usage_failure
from .options import SUFFIXES

_ALL = "all"
_LINES_AT_ONCE = 50
# Default columns, most important first: of products, plans, manifests, data sets of HST and JWST, changes, and
# observations.  The first list whose first two columns are in the table is used.
_SHOWN = (
    ("productFilename", "size", "productSubGroupDescription", "calib_level", "productType", "dataRights", "obs_id"),
    ("Action", "Size", "Local Path", "Rights", "Reason"),
    ("Status", "Size", "Local Path", "Message", "Reason"),
    (
        *("sci_data_set_name", "sci_targname", "sci_instrume", "sci_aper_1234", "sci_spec_1234"),
        *("sci_actual_duration", "sci_start_time", "sci_pep_id", "ang_sep"),
    ),
    (
        *("fileSetName", "productLevel", "instrume", "opticalElements", "exp_type", "targprop", "duration"),
        *("date_obs", "program", "access", "ang_sep"),
    ),
    ("change", "reason", "obs_collection", "obs_id", "filename", "dataURI"),
    (
        *("obs_collection", "obs_id", "instrument_name", "filters", "target_name", "t_exptime", "calib_level"),
        *("dataRights", "proposal_id", "distance"),
    ),
)
# Rows of a terminal for the prompt, the header and the note, and the minimum number of rows to print.
_AROUND, _LEAST = 6, 10
# Minimum width of shortened columns.
_LEAST_WIDTH = 16
_PATH = "Local Path"
_SIZES = frozenset({"size", "Size", "fileSize", "Catalog Size"})
# Length of messages in a table; a warning has the full message.
_SENTENCE = 60
_GAP = "  "
_EMPTY = "-"
_NUMBERS = "iuf"


@dataclass(frozen=True)
class OutputChoice:
    """The user's options for the output of a table."""

    output_file: Path | None = None
    as_json: bool = False
    output_format: str | None = None
    rows: int | None = None
    columns: Sequence[str] | None = None

    @property
    def form(self) -> str:
        """The format to print."""
        if self.as_json and self.output_format not in {None, "json"}:
            raise usage_failure(f"--json and --format {self.output_format} cannot be combined.")
        return "json" if self.as_json else self.output_format or "table"


def show_table(table: Table, choice: OutputChoice, note: Callable[[str], None], what: str) -> None:
    """Print a table, or write it to a file."""
    form = choice.form
    chosen = table if choice.columns is None else table[_chosen(table, choice.columns)]
    if choice.output_file is not None:
        write_table(chosen, choice.output_file)
        note(f"{in_words(len(table), what)} written to {choice.output_file}.")
    elif form == "table":
        _print_table(chosen, choice, note, what)
    elif form == "json":
        _print_lines(_json_lines(chosen))
    else:
        _print_lines(_as_text(chosen, form).splitlines())


def in_words(number: int, what: str) -> str:
    """Return a number with a noun in singular or plural."""
    plural = f"{what}es" if what.endswith("ch") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"


def _chosen(table: Table, names: Sequence[str]) -> list[str]:
    """Return the selected columns of a table."""
    if list(names) == [_ALL]:
        return list(table.colnames)
    return list(dict.fromkeys(known_name(name, table.colnames, f"There is no column {name!r}.") for name in names))


def _print_lines(lines: Iterable[str]) -> None:
    """Print lines in small groups, because a long text may be lost without an error if output is not buffered."""
    waiting = iter(lines)
    while some := list(islice(waiting, _LINES_AT_ONCE)):
        click.echo("\n".join(some))


# -- text ------------------------------------------------------------------------------------------------------------


def _print_table(table: Table, choice: OutputChoice, note: Callable[[str], None], what: str) -> None:
    """Print the most useful columns, and only as many columns and rows as fit on a terminal."""
    names = list(table.colnames) if choice.columns is not None else _default_columns(table)
    size = _terminal_size() if sys.stdout is not None and sys.stdout.isatty() else None
    most = len(table)
    if choice.rows is not None:
        most = choice.rows or most
    elif size is not None:
        most = max(size.lines - _AROUND, _LEAST)
    lines = _lines(table[names][:most], None if size is None else size.columns, fixed=choice.columns is not None)
    hidden = len(table) - min(most, len(table))
    rest = f"; {hidden:,} are not shown (--rows 0 prints all)" if hidden else ""
    if len(table):
        _print_lines(lines)
        note(f"{in_words(len(table), what)}{rest}.")


def _terminal_size() -> os.terminal_size:
    """Return the size of the terminal itself, because readline may set a different size in the environment."""
    try:
        return os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return shutil.get_terminal_size()


def _default_columns(table: Table) -> list[str]:
    """Return the columns to print by default."""
    for names in _SHOWN:
        if all(name in table.colnames for name in names[:2]):
            found = [name for name in names if name in table.colnames and not _is_empty(table[name])]
            return [*(["input_row"] if "input_row" in table.colnames else []), *found]
    return list(table.colnames)


def _is_empty(column: Any) -> bool:
    """Return whether all values of a column are missing."""
    return len(column) > 0 and all(cell is None for cell in plain_cells(column))


def _lines(table: Table, width: int | None, *, fixed: bool) -> list[str]:
    """Return the lines of a table; to fit the width, long cells are shortened and the last columns dropped."""
    columns = [_column_lines(name, table[name]) for name in table.colnames]
    if width is not None and _width(columns) > width:
        natural = dict(zip(table.colnames, columns, strict=True))
        columns = [_shortened(name, column, max(_LEAST_WIDTH, width * 2 // 5)) for name, column in natural.items()]
        while not fixed and len(columns) > 1 and _width(columns) > width:
            columns.pop()
        columns = _widened(dict(list(natural.items())[: len(columns)]), columns, width - _width(columns))
    return [_GAP.join(cells).rstrip() for cells in zip(*columns, strict=True)]


def _width(columns: list[list[str]]) -> int:
    """Return the total width of columns."""
    return sum(text_width(column[0]) for column in columns) + len(_GAP) * (len(columns) - 1)


def _shortened(name: str, column: list[str], width: int) -> list[str]:
    """Shorten the cells of a column to a width, at the beginning of paths or in the middle of other text."""
    if text_width(column[0]) <= width:
        return column
    before = 0 if name == _PATH else (width - 1) // 2
    after = width - 1 - before
    texts = [cell.rstrip() for cell in column]
    cut = [text if text_width(text) <= width else f"{beginning(text, before)}…{ending(text, after)}" for text in texts]
    return [justified(text, width) for text in cut]


def _widened(natural: dict[str, list[str]], columns: list[list[str]], room: int) -> list[list[str]]:
    """Return the columns with the remaining width distributed to shortened columns, from the first one on."""
    widened = []
    for (name, column), cut in zip(natural.items(), columns, strict=True):
        more = min(max(room, 0), text_width(column[0]) - text_width(cut[0]))
        room -= more
        widened.append(_shortened(name, column, text_width(cut[0]) + more))
    return widened


def _column_lines(name: str, column: Any) -> list[str]:
    """Return the name and the cells of a column, all of the same width."""
    title = name if name in _SIZES or not getattr(column, "unit", None) else f"{name} [{column.unit}]"
    kind = getattr(getattr(column, "dtype", None), "kind", "O")
    cells = [title, *(_cell(name, cell) for cell in _plain(column))]
    width = max(map(text_width, cells))
    return [justified(cell, width, str.rjust if kind in _NUMBERS else str.ljust) for cell in cells]


def _cell(name: str, value: Any) -> str:
    """Return a cell as text."""
    if value is None:
        return _EMPTY
    if name in _SIZES and isinstance(value, int):
        return str(human_file_size(value)).strip()
    if isinstance(value, float):
        return f"{value:.7g}"
    text = presentable(value) or _EMPTY
    return f"{text[: _SENTENCE - 1]}…" if name == "Message" and len(text) > _SENTENCE else text


def _as_text(table: Table, form: str) -> str:
    """Return a table as text in a format of astropy."""
    if form == "votable":
        binary = io.BytesIO()
        _writable(table, form).write(binary, format=form)
        return binary.getvalue().decode()
    written = io.StringIO()
    _writable(table, form).write(written, format=_ASTROPY[form])
    return written.getvalue()


# -- JSON ------------------------------------------------------------------------------------------------------------


def _plain(column: Any) -> list[Any]:
    """Return the cells of a column as JSON values; None if missing."""
    if isinstance(column, SkyCoord):
        return [[_json_value(lon), _json_value(lat)] for lon, lat in zip(*_angles(column), strict=True)]
    if isinstance(column, Time):
        return [_json_value(cell) for cell in plain_cells(column.isot)]
    cells = column.value if hasattr(column, "unit") and not hasattr(column, "mask") else column
    return [_json_value(cell) for cell in plain_cells(cells)]


def _angles(positions: SkyCoord) -> tuple[list[float], list[float]]:
    """Return longitudes and latitudes in degrees."""
    spherical = positions.spherical
    return np.ravel(spherical.lon.deg).tolist(), np.ravel(spherical.lat.deg).tolist()


def _json_value(value: Any) -> Any:
    """Return a value that JSON supports."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _json_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json_value(each) for each in value]
    return _json_value(_of_python(value))


def _of_python(value: Any) -> Any:
    """Convert a numpy value or bytes to a Python value, and anything else to text."""
    if value is np.ma.masked:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _json_lines(table: Table) -> Iterator[str]:
    """Yield the lines of a JSON list with one object per row."""
    columns = {name: _plain(table[name]) for name in table.colnames}
    yield "["
    for row in range(len(table)):
        text = json.dumps({name: cells[row] for name, cells in columns.items()})
        yield f"  {text}{',' if row + 1 < len(table) else ''}"
    yield "]"


def write_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(_json_value(value), indent=2))


# -- files -----------------------------------------------------------------------------------------------------------

_ASTROPY = {"csv": "ascii.csv", "ecsv": "ascii.ecsv"}


def _writable(table: Table, form: str) -> Table:
    """Return the table with objects as text, unless the format supports objects."""
    if form in {"ecsv", "json"}:
        return table
    plain = table.copy(copy_data=False)
    for name in plain.colnames:
        if getattr(getattr(plain[name], "dtype", None), "kind", "") == "O":
            texts = [None if cell is None else str(cell) for cell in _plain(plain[name])]
            plain[name] = np.ma.MaskedArray([text or "" for text in texts], mask=[text is None for text in texts])
    return plain


def write_table(table: Table, path: Path) -> None:
    """Write a table to a file, replacing an existing file in a single step."""
    form = SUFFIXES[path.suffix.lower()]
    partial = path.with_name(f".{path.name}.part")
    try:
        if form == "json":
            partial.write_text("\n".join(_json_lines(table)) + "\n", "utf-8")
        else:
            _writable(table, form).write(str(partial), format=_ASTROPY.get(form, form), overwrite=True)
        partial.replace(path)
    except (ValueError, TypeError) as err:
        raise usage_failure(f"{path} cannot be written: {err}") from err
    finally:
        partial.unlink(missing_ok=True)
