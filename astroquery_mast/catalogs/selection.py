"""What of a catalogue's answer is wanted: which columns, in which order of rows, how many rows at a time.

In: what users give as ``columns``, ``sort_by``, ``pagesize`` and ``page``.  Out: a frozen `Selection`, and tables that
are arranged by it where the service itself does not.  Catalogues flow, beside the criteria.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.table import Table

from ..exceptions import InvalidArgumentError
from ..query.columns_wanted import names_of
from ..tables.columns import Columns, find_column
from ..tables.names import no_such

__all__ = ["Selection", "SortKey", "arranged"]

_DIRECTIONS = ("asc", "desc")
_PAIR = 2


@dataclass(frozen=True)
class SortKey:
    """A column by which rows are sorted."""

    column: str
    descending: bool = False

    def __str__(self) -> str:
        """Spell it as Catalogs.MAST does."""
        return f"{_DIRECTIONS[self.descending]}.{self.column}"


@dataclass(frozen=True)
class Selection:
    """What of an answer is wanted, and whether one that was kept will do."""

    columns: tuple[str, ...] = ()
    order: tuple[SortKey, ...] = ()
    pagesize: int | None = None
    page: int | None = None
    cache: bool | None = None

    @classmethod
    def of(cls, columns: Any, sort_by: Any, pagesize: Any, page: Any, cache: bool | None = None) -> Selection:
        """Return the selection that a user describes."""
        return cls(
            tuple(dict.fromkeys(names_of(columns))),
            tuple(_sort_key(key) for key in _sort_keys(sort_by)),
            _number("pagesize", pagesize),
            _number("page", page),
            cache,
        )

    def spelled(self, columns: Columns) -> Selection:
        """Return the same selection in the spelling of a catalogue's columns."""
        return replace(
            self,
            columns=tuple(_spelled("columns", name, columns) for name in self.columns),
            order=tuple(SortKey(_spelled("sort_by", key.column, columns), key.descending) for key in self.order),
        )

    @property
    def named(self) -> tuple[str, ...]:
        """All columns that are named: those wanted, and those by which rows are sorted."""
        return tuple(dict.fromkeys((*self.columns, *(key.column for key in self.order))))

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that must be in the answer; all if empty."""
        return self.named if self.columns else ()


def _several(argument: str, names: Any) -> list[Any]:
    """The members of a list that may be left out, but not empty."""
    if names is None:
        return []
    if not isinstance(names, Iterable):
        raise InvalidArgumentError(f"{argument}={names!r}: names of columns are needed.")
    found = list(names)
    if not found:
        raise InvalidArgumentError(f"{argument} is empty: leave it out, or name columns.")
    return found


def _name(argument: str, name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise InvalidArgumentError(f"{argument} has {name!r} where the name of a column is needed.")
    return str(name).strip()


def _number(argument: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InvalidArgumentError(f"{argument}={value!r}: a whole number from 1 is needed.")
    return int(value)


def _is_direction(text: Any) -> bool:
    return isinstance(text, str) and text.strip().lower() in _DIRECTIONS


def _sort_keys(sort_by: Any) -> list[Any]:
    """The keys, of which a single one needs no list."""
    if isinstance(sort_by, str):
        return [sort_by]
    if isinstance(sort_by, tuple) and len(sort_by) == _PAIR and any(map(_is_direction, sort_by)):
        return [sort_by]
    return _several("sort_by", sort_by)


def _sort_key(given: Any) -> SortKey:
    """One key.  Real code has the direction in either place, so both are understood."""
    parts = given
    if isinstance(given, str):
        first, dot, rest = given.partition(".")
        parts = (first, rest) if dot and (_is_direction(first) or _is_direction(rest)) else (given, "asc")
    if not isinstance(parts, tuple | list) or len(parts) != _PAIR or not any(map(_is_direction, parts)):
        raise InvalidArgumentError(f"sort_by has {given!r}: give a column, or a column and 'asc' or 'desc'.")
    column, direction = parts if _is_direction(parts[1]) else (parts[1], parts[0])
    return SortKey(_name("sort_by", column), direction.strip().lower() == "desc")


def _spelled(argument: str, name: str, columns: Columns) -> str:
    """The spelling of a catalogue's column."""
    column = find_column(name, columns)
    if column is not None and not column.hidden:
        return column.name
    raise _missing(argument, name, columns)


def _missing(argument: str, name: str, known: Iterable[str]) -> InvalidArgumentError:
    return no_such(f"{argument}: there is no column '{name}'.", name, known)


def arranged(table: Table, selection: Selection) -> Table:
    """Return a table with the rows sorted and the columns selected."""
    spelling = {name.lower(): name for name in reversed(table.colnames)}
    for argument, names in ("columns", selection.columns), ("sort_by", [key.column for key in selection.order]):
        for name in names:
            if name.lower() not in spelling:
                raise _missing(argument, name, table.colnames)
    if selection.order and len(table):
        ranks = [_ranks(table, spelling[key.column.lower()], key.descending) for key in selection.order]
        table = table[np.lexsort(ranks[::-1])]
    if selection.columns:
        wanted = {spelling[name.lower()] for name in selection.columns}
        table.keep_columns([name for name in table.colnames if name in wanted])
    return table


def _ranks(table: Table, name: str, descending: bool) -> np.ndarray[Any, np.dtype[np.int64]]:
    """For each row the place of its value among those of the column."""
    values = np.ma.asarray(table[name])
    missing = np.ma.getmaskarray(values)
    if values.dtype.kind == "f":
        missing = missing | np.isnan(values.data)
    _, places = np.unique(values.data, return_inverse=True)
    ranks = (-places if descending else places).astype(np.int64)
    ranks[missing] = len(table)
    return ranks
