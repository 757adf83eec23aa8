"""Which columns of the observations are wanted: names in, what is asked of the archive and a table of these out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from astropy.table import Table

from ..exceptions import InvalidCriterionError, UnreadableAnswerError
from .columns import PORTAL_COLUMNS, Column, Columns, closest
from .criteria import find_column

__all__ = ["Choice", "choose", "named_column"]

# Without it a table of observations cannot be asked for its products.
KEY = "obsid"
# Columns that only a search around a position has.
_POSITIONAL = frozenset({"distance"})


@dataclass(frozen=True)
class Choice:
    """The columns that are wanted.

    Parameters
    ----------
    wanted : tuple of str
        The columns of the table, in order.
    also : tuple of str
        Columns that are needed on the way.
    """

    wanted: tuple[str, ...]
    also: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is asked of the archive."""
        return ",".join(dict.fromkeys((*self.wanted, *self.also)))

    def of(self, table: Table) -> Table:
        """Return a table with the columns that are wanted.

        Parameters
        ----------
        table : `~astropy.table.Table`
            What came of the archive, perhaps with columns of our own before.

        Returns
        -------
        `~astropy.table.Table`
            Columns of our own first, then those wanted, in the order in which they were given; no copy.

        Raises
        ------
        UnreadableAnswerError
            If one did not come.
        """
        spelling = {name.lower(): name for name in table.colnames}
        missing = [name for name in self.wanted if name.lower() not in spelling]
        if missing:
            raise UnreadableAnswerError(f"The archive was asked for the columns {self.text} and left out {missing}.")
        asked = {name.lower() for name in (*self.wanted, *self.also)}
        own = [name for name in table.colnames if name.lower() not in asked]
        names = [*own, *(spelling[name.lower()] for name in self.wanted)]
        return Table([table.columns[name] for name in names], masked=True, copy=False, meta=table.meta)


def choose(columns: Any, known: Columns, *, positional: bool, also: Sequence[str] = ()) -> Choice | None:
    """Return the choice that a user describes.

    Parameters
    ----------
    columns : str, iterable of str, or None
        Names of columns, whatever their case, in a list or in one text with commas between them; None, or ``"*"``, for
        all.
    known : mapping
        The columns that there are.
    positional : bool
        Whether the search is one around a position.
    also : sequence of str
        Columns that are needed on the way.

    Returns
    -------
    Choice or None
        With ``obsid`` as the last column if it was not named; None for all columns.

    Raises
    ------
    InvalidCriterionError
        If there is no such column.
    """
    if columns is None or columns == "*":
        return None
    names = [_spelled(name, known, positional) for name in _names(columns)]
    return Choice(tuple(dict.fromkeys((*names, KEY))), tuple(also))


def _names(columns: Any) -> list[str]:
    """The names, as they were given."""
    if not isinstance(columns, Iterable):
        raise InvalidCriterionError(f"columns={columns!r}: names of columns are needed.")
    names = list(columns.split(",") if isinstance(columns, str) else columns)
    if not names:
        raise InvalidCriterionError("columns is empty: leave it out, or name columns.")
    wrong = [name for name in names if not isinstance(name, str) or not name.strip()]
    if wrong:
        raise InvalidCriterionError(f"columns has {wrong[0]!r} where the name of a column is needed.")
    return [name.strip() for name in names]


def named_column(name: str, known: Columns) -> Column:
    """Return a column by its name.

    Parameters
    ----------
    name : str
        The name, whatever its case.
    known : mapping
        The columns that there are.

    Returns
    -------
    Column

    Raises
    ------
    InvalidCriterionError
        If there is none; the message names the likeliest ones, or all.
    """
    column = find_column(name, known)
    if column is not None and not column.hidden and column.name not in PORTAL_COLUMNS:
        return column
    shown = [each.name for each in known.values() if not each.hidden and each.name not in PORTAL_COLUMNS]
    near = closest(name, shown)
    hint = f"Did you mean {', '.join(map(repr, near))}?" if near else f"There are: {', '.join(shown)}."
    raise InvalidCriterionError(f"There is no column '{name}'. {hint}")


def _spelled(name: str, known: Columns, positional: bool) -> str:
    """A column in the archive's spelling."""
    column = named_column(name, known)
    if column.name in _POSITIONAL and not positional:
        raise InvalidCriterionError(f"The column '{column.name}' needs a position: give coordinates or object_name.")
    return column.name
