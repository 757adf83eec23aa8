"""Select the rows and columns of a table to show, and format their cells.

In: a table, and the available room.  Out: a `TableView`.  For each kind of table, ``display.json`` lists the most
important columns, and those with links, dates or sizes.  Only shown cells are formatted, so that large tables are shown
as fast as small ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from ..exceptions import presentable
from .cell_texts import MASKED, Indices, ShownColumn, cell_texts, display_rules, readable_size, shown_column

# The maximum number of selected columns.
_MOST_COLUMNS = 11
# The maximum widths of text in the first column and in others if room is limited, of text otherwise, and of the name of
# a column if room is limited (characters).
_FIRST, _SHORT, _LONG, _NAME = 20, 10, 60, 15
_FEW_STATES = 10
# The minimum number of columns that a table shares with its kind.
_ENOUGH = 2


@dataclass(frozen=True)
class TableKind:
    """The description of a kind of table in display.json."""

    columns: Sequence[str] = ()
    required: Sequence[str] = ()
    """A table is of this kind if and only if it has all of these columns; if empty, the best match is used."""
    links: Mapping[str, str] = field(default_factory=dict)
    mission: str = ""
    count: str = ""
    failed: Sequence[str] = ()
    sum: str = ""
    summed: Sequence[str] = ()
    sum_text: str = "{}"


@dataclass(frozen=True)
class TableView:
    """The part of a table that is shown."""

    columns: Sequence[ShownColumn]
    rows: Indices
    gap: int | None
    """The number of shown rows before those that are omitted."""
    kind: TableKind
    summary: str
    footer: str


@dataclass(frozen=True)
class Room:
    """The room for a table: lines for rows, characters for columns, and characters between them."""

    rows: int | None
    width: int | None
    between: int = 1
    whole_names: bool = False
    all_columns: bool = False


def kind_of_table(table: Table) -> TableKind:
    """Return the kind of a table: the one whose required columns it has, or with which it shares the most columns."""
    names = {name.lower() for name in table.colnames}
    kinds = [TableKind(**kind) for kind in display_rules()["kinds"].values()]
    best = max(kinds, key=lambda kind: _score(kind, names))
    return best if _score(best, names) >= _ENOUGH else TableKind()


def _score(kind: TableKind, names: set[str]) -> float:
    """How well a kind matches the columns of a table."""
    if kind.required:
        return np.inf if names.issuperset(kind.required) else 0
    return len(names.intersection(kind.columns))


def view_of(table: Table, room: Room) -> TableView:
    """Return the part of a table that fits into the available room."""
    kind = kind_of_table(table)
    rows, gap = _rows(table, kind, room.rows)
    columns = list(_columns(table, kind, rows, room))
    return TableView(columns, rows, gap, kind, _summary(table, kind), _footer(table, len(rows), len(columns)))


# -- rows --------------------------------------------------------------------------------------------------------------


def _rows(table: Table, kind: TableKind, most: int | None) -> tuple[Indices, int | None]:
    """The rows to show, and the position of the gap if some are omitted, in which case failed files come first."""
    count = len(table)
    if most is None or count <= most:
        return np.arange(count), None
    order = _failed_first(table, kind)
    head, tail = most - most // 2, most // 2
    if order is None:
        return np.concatenate([np.arange(head), np.arange(count - tail, count)]), head
    return np.concatenate([order[:head], order[count - tail :]]), head


def _failed_first(table: Table, kind: TableKind) -> Indices | None:
    """The order of rows with failed files first; None if the table does not list files."""
    name = _name_of(table, kind.count)
    return None if name is None else np.argsort(~_is_any(_plain(table[name]), kind.failed), kind="stable")


def _plain(column: Any) -> npt.NDArray[Any]:
    """The values of a column, with masked text replaced by dashes."""
    values = np.ma.asarray(column)
    return np.asarray(values.filled(MASKED) if values.dtype.kind in "US" else values.data)


def _is_any(values: npt.NDArray[Any], words: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Whether each value is one of several words."""
    found = np.zeros(len(values), dtype=np.bool_)
    for word in words:
        found |= values == word
    return found


def _name_of(table: Table, lowered: str) -> str | None:
    """The column with a name in lower case."""
    return next((name for name in table.colnames if name.lower() == lowered), None) if lowered else None


def texts_below(table: Table, lowered: str, rows: Indices) -> list[str]:
    """Return the cells of a column, given by its name in lower case, as text; empty for missing values."""
    name = _name_of(table, lowered)
    return [""] * len(rows) if name is None else [cell or "" for cell in cell_texts(table[name][rows])]


# -- columns -----------------------------------------------------------------------------------------------------------


def _columns(table: Table, kind: TableKind, rows: Indices, room: Room) -> Iterator[ShownColumn]:
    """The columns to show with their widths: all if they fit, or else the most important ones."""
    names = _included(table)
    if room.all_columns or room.width is None:
        return (shown_column(table, name, rows, raw=True) for name in names)
    as_they_are = _that_fit(table, names, rows, room)
    if as_they_are is not None:
        return iter(as_they_are)
    chosen = _chosen(table, names, kind, rows, room) or _chosen(table, names, TableKind(), rows, room)
    return iter(_widened(chosen, room))


def _included(table: Table) -> list[str]:
    """The columns that the user did not exclude by ``pprint_include_names`` and ``pprint_exclude_names``."""
    only, without = table.pprint_include_names() or ("*",), table.pprint_exclude_names() or ()
    return [
        name
        for name in table.colnames
        if any(fnmatchcase(name, glob) for glob in only) and not any(fnmatchcase(name, glob) for glob in without)
    ]


def _that_fit(table: Table, names: Sequence[str], rows: Indices, room: Room) -> list[ShownColumn] | None:
    """All columns in order; None if they fit only with shortened cells."""
    assert room.width is not None
    found, used = [], -room.between
    for name in names:
        column = shown_column(table, name, rows)
        used += room.between + column.width
        if used > room.width or column.width > _LONG:
            return None
        found.append(column)
    return found


def _chosen(table: Table, names: Sequence[str], kind: TableKind, rows: Indices, room: Room) -> list[ShownColumn]:
    """The most important columns with their minimum widths; for a known kind, narrower ones may follow a wide one."""
    assert room.width is not None
    found: list[ShownColumn] = []
    left = room.width
    for column in _candidates(table, names, kind, rows):
        narrow = _narrowed(column, _SHORT if found else _FIRST, whole_name=room.whole_names)
        if narrow.width <= left or not found:
            found.append(narrow)
            left -= narrow.width + room.between
        elif not kind.columns:
            break
    return found[:_MOST_COLUMNS]


def _candidates(table: Table, names: Sequence[str], kind: TableKind, rows: Indices) -> Iterator[ShownColumn]:
    """The columns by importance; for a known kind, only those with values in the shown rows."""
    columns = (shown_column(table, name, rows) for name in _by_importance(names, kind))
    return (column for column in columns if not (kind.columns and column.is_empty))


def _by_importance(names: Sequence[str], kind: TableKind) -> list[str]:
    """The columns of a kind, or all if it is unknown; leading ones, which explain why a row is listed, come first."""
    if not kind.columns:
        return list(names)
    known = {name.lower(): name for name in names}
    leading = [name for name in display_rules()["leading"] if name not in kind.columns]
    return [known[name] for name in (*leading, *kind.columns) if name in known]


def _narrowed(column: ShownColumn, most: int, *, whole_name: bool) -> ShownColumn:
    """A column with its minimum width; numbers are never shortened."""
    heading = column.heading_width if whole_name else min(column.heading_width, _NAME)
    return replace(column, width=max(heading, min(column.longest, most) if column.is_text else column.longest))


def _widened(columns: Sequence[ShownColumn], room: Room) -> list[ShownColumn]:
    """Distribute the remaining room among shortened columns: each in turn gets half of it, or what it needs."""
    assert room.width is not None
    widths = [column.width for column in columns]
    wishes = [max(column.heading_width, min(column.longest, _LONG)) for column in columns]
    left = room.width - sum(widths) - room.between * (len(columns) - 1)
    while left > 0 and any(width < wish for width, wish in zip(widths, wishes, strict=True)):
        for place, wish in enumerate(wishes):
            more = max(0, min((left + 1) // 2, wish - widths[place]))
            widths[place] += more
            left -= more
    return [replace(column, width=width) for column, width in zip(columns, widths, strict=True)]


# -- summary and footer ------------------------------------------------------------------------------------------------


def _summary(table: Table, kind: TableKind) -> str:
    """For tables of files, their number, statuses and total size; empty for other tables."""
    name, sizes = _name_of(table, kind.count), _name_of(table, kind.sum)
    if name is None:
        return ""
    states = _plain(table[name])
    found = _counts(states).most_common()
    counts = ", ".join(f"{count} {presentable(state)}" for state, count in found)
    words = f"{_counted(len(table), 'file')}: {counts}" if found else _counted(0, "file")
    if sizes is None or not len(table) or table[sizes].dtype.kind not in "iuf":
        return words
    known = np.ma.filled(np.ma.MaskedArray(table[sizes], dtype=np.float64), 0.0)
    total = float(np.nansum(known[_is_any(states, kind.summed)] if kind.summed else known))
    return f"{words} ({kind.sum_text.format(readable_size(total))})"


def _counts(values: npt.NDArray[Any]) -> Counter[str]:
    """The number of rows with each value; faster than sorting, since most columns have few distinct values."""
    counts: Counter[str] = Counter()
    while len(values) and len(counts) < _FEW_STATES:
        same = values == values[0]
        counts[str(values[0])] += int(same.sum())
        values = values[~same]
    return counts + Counter(map(str, values.tolist()))


def _counted(number: int, what: str) -> str:
    """A number with a noun."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _footer(table: Table, rows: int, columns: int) -> str:
    """The size of the table, and how to show the rest."""
    words = f"{_counted(len(table), 'row')} x {_counted(len(table.colnames), 'column')}"
    if (rows, columns) == (len(table), len(table.colnames)):
        return words
    return f"{words} ({rows} x {columns} shown); show_all() shows everything"
