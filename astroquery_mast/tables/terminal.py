"""Tables as lines of text that fit on the terminal.

In: a table.  Out: text, as ``repr`` and ``print`` show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from shutil import get_terminal_size

from astropy.table import Table
from astropy.utils.console import conf

from .cell_texts import MASKED, ShownColumn, beginning, justified, shortened, text_width
from .table_view import Room, TableView, view_of

# The number of lines other than rows: heading, units, dashes, dots, the summary, the footer, and the prompt.
_OTHER_LINES, _FEWEST_ROWS, _FEWEST_CHARACTERS = 8, 4, 20


def terminal_text(table: Table) -> str:
    """Return a table as text that fits on the terminal, or in ``astropy.conf.max_lines`` and ``max_width``."""
    screen = get_terminal_size()
    lines = screen.lines if conf.max_lines is None else conf.max_lines
    width = screen.columns if conf.max_width is None else conf.max_width
    room = Room(
        None if lines < 0 else max(_FEWEST_ROWS, lines - _OTHER_LINES),
        1_000_000 if width < 0 else max(_FEWEST_CHARACTERS, width),
    )
    view = view_of(table, room)
    return "\n".join(filter(None, (view.summary, *_lines(view), view.footer)))


def _lines(view: TableView) -> list[str]:
    """The heading and the rows."""
    columns = [_cells(column, view) for column in view.columns]
    return [" ".join(cells).rstrip() for cells in zip(*columns, strict=True)]


def _cells(column: ShownColumn, view: TableView) -> Sequence[str]:
    """The heading and the cells of a column, padded to the same width."""
    cells = [shortened(MASKED if cell is None else cell, column.width) for cell in column.cells]
    if view.gap is not None:
        cells.insert(view.gap, "..."[: column.width])
    justify = str.ljust if column.is_text else str.rjust
    units = [_heading(column.unit, column.width)] if any(each.unit for each in view.columns) else []
    body = [justified(cell, column.width, justify) for cell in cells]
    return [_heading(column.name, column.width), *units, "-" * column.width, *body]


def _heading(text: str, width: int) -> str:
    """A name or unit, shortened at its end, since names are recognized by their beginning."""
    shown = text if text_width(text) <= width else beginning(text, width - 3) + "..."
    return justified(shown, width, str.center)
