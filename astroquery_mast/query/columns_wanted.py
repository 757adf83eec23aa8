"""Which columns of the observations are wanted: names in, what is asked of the archive and a table of these out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from astropy.table import Table

from ..exceptions import InvalidArgumentError, InvalidResponseError
from ..tables.columns import Column, Columns, find_column
from ..tables.names import no_such
from .request import as_plain

__all__ = ["ColumnSelection", "named_column", "names_of", "select_columns"]

# Without it a table of observations cannot be asked for its products.
KEY = "obsid"
# Columns that only a search around a position has.
_POSITIONAL = frozenset({"distance"})


@dataclass(frozen=True)
class ColumnSelection:
    """The columns that are wanted."""

    wanted: tuple[str, ...]
    also: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is asked of the archive."""
        return ",".join(dict.fromkeys((*self.wanted, *self.also)))

    def of(self, table: Table) -> Table:
        """Return a table with the columns that are wanted."""
        spelling = {name.lower(): name for name in table.colnames}
        missing = [name for name in self.wanted if name.lower() not in spelling]
        if missing:
            raise InvalidResponseError(f"The archive was asked for the columns {self.text} and left out {missing}.")
        asked = {name.lower() for name in (*self.wanted, *self.also)}
        own = [name for name in table.colnames if name.lower() not in asked]
        names = [*own, *(spelling[name.lower()] for name in self.wanted)]
        return Table([table.columns[name] for name in names], masked=True, copy=False, meta=table.meta)


def select_columns(
    columns: Any, known: Columns, *, positional: bool, also: Sequence[str] = ()
) -> ColumnSelection | None:
    """Return the choice that a user describes."""
    given = names_of(columns)
    if not given:
        return None
    names = [_spelled(name, known, positional) for name in given]
    return ColumnSelection(tuple(dict.fromkeys((*names, KEY))), tuple(also))


def names_of(columns: Any) -> list[str]:
    """Return the names of columns that a user gives."""
    if columns is None:
        return []
    if not isinstance(columns, Iterable):
        raise InvalidArgumentError(f"columns={columns!r}: names of columns are needed.")
    if isinstance(columns, str | bytes):
        first, *others = str(as_plain(columns, "columns")).split(",")
        columns = [first, *(others[:-1] if others and not others[-1].strip() else others)]
    names = [as_plain(name, "columns") if isinstance(name, bytes) else name for name in columns]
    if not names:
        raise InvalidArgumentError("columns is empty: leave it out, or name columns.")
    wrong = [name for name in names if not isinstance(name, str) or not name.strip()]
    if wrong:
        raise InvalidArgumentError(f"columns has {wrong[0]!r} where the name of a column is needed.")
    spelled = [str(name).strip() for name in names]
    return [] if "*" in spelled else spelled


def named_column(name: str, known: Columns) -> Column:
    """Return a column by its name."""
    column = find_column(name, known)
    if column is not None and column.shown:
        return column
    shown = [each.name for each in known.values() if each.shown]
    raise no_such(f"There is no column '{name}'.", name, shown)


def _spelled(name: str, known: Columns, positional: bool) -> str:
    """A column in the archive's spelling."""
    column = named_column(name, known)
    if column.name in _POSITIONAL and not positional:
        raise InvalidArgumentError(f"The column '{column.name}' needs a position: give coordinates or object_name.")
    return column.name
