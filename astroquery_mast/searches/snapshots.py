"""Extract from a table the columns that reveal changes.

In: the table of a query.  Out: a `Snapshot` with the columns that identify its rows, and those that are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from astropy.table import Table

from ..exceptions import InvalidArgumentError
from ..missions.search import DATASET_COLUMNS
from ..tables.columns import no_such, plain_cells
from .comparison import IDENTIFIERS, WATCHED, Snapshot, plain_cell

# Columns that identify rows; the first set that a table has completely is used.
_KEYS: tuple[tuple[str, ...], ...] = (
    ("dataURI",),
    ("obs_collection", "obs_id"),
    ("dataset", "filename"),
    *((name,) for name in dict.fromkeys(DATASET_COLUMNS.values())),
    ("obs_id",),
    ("obs_publisher_did",),
)
# Other columns that describe rows that are gone, or that downloads need.
_DESCRIBING = (
    "target_name",
    "targname",
    "sci_targname",
    "targprop",
    "instrument_name",
    "instrume",
    "filters",
    "filename",
)


def take_snapshot(table: Table, time: float, row_key: Sequence[str] | None, before: Snapshot | None) -> Snapshot:
    """Return a snapshot of a table that was requested at a time (MJD)."""
    key = _key_of(table, row_key, before)
    wanted = dict.fromkeys((*key, *IDENTIFIERS, *WATCHED, *_DESCRIBING))
    columns = tuple(name for name in wanted if name in table.colnames and is_plain(table[name]))
    cells = [map(plain_cell, plain_cells(table[name])) for name in columns]
    snapshot = Snapshot(time, key, columns, list(map(list, zip(*cells, strict=True))))
    if row_key is not None:
        _refuse_same_names(snapshot)
    return snapshot


def is_plain(column: Any) -> bool:
    """Return whether a column is an array with one cell per row, not an object such as `~astropy.time.Time`."""
    return isinstance(column, np.ndarray) and column.ndim == 1


def _key_of(table: Table, row_key: Sequence[str] | None, before: Snapshot | None) -> tuple[str, ...]:
    """Return the columns that identify a row: those given, those used before, or the first known ones."""
    wished = tuple(row_key or (() if before is None else before.key))
    absent = next((name for name in wished if name not in table.colnames or not is_plain(table[name])), None)
    if not len(table):
        return wished if absent is None else ()
    if absent is not None:
        said = f"Column '{absent}' of row_key not found in the result."
        raise no_such(said, absent, table.colnames)
    return wished or _known_key(table.colnames)


def _known_key(names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that identify a row of observations, files or datasets."""
    found = next((key for key in _KEYS if {*key} <= {*names}), None)
    if found is None:
        raise InvalidArgumentError(
            f"Cannot determine which of the columns {', '.join(names)} identify a row. Specify row_key."
        )
    return found


def _refuse_same_names(snapshot: Snapshot) -> None:
    """Raise if the columns that the user chose do not identify rows uniquely."""
    twice, number = next(iter(Counter(snapshot.names()).most_common(1)), ((), 0))
    if number > 1:
        raise InvalidArgumentError(f"row_key={list(snapshot.key)} is not unique: {number} have {' '.join(twice)!r}.")


def as_row_key(given: Any) -> tuple[str, ...] | None:
    """Return the column names that a user gives, or None."""
    names: Iterable[Any] | None = [given] if isinstance(given, str) else given
    if names is None:
        return None
    if not isinstance(names, Iterable) or not (listed := list(names)) or not all(isinstance(x, str) for x in listed):
        raise InvalidArgumentError(f"row_key must be one or more column names, got {given!r}.")
    return tuple(listed)
