"""Observations fetched page by page: `StoredRows` knows which rows a result has and reads those of a page when asked.

A query over a large archive is answered as fast for its first page as for its last, and no result is held whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, overload

from .dataset import Columns

if TYPE_CHECKING:
    from .archive import Archive

__all__ = ["StoredRows"]

Row = tuple[object, ...]

#: Columns of an answer that are not stored under their name; distances are filled in afterwards.
COMPUTED = {"objID1": "objID", "distance": "NULL", "_selected_": "NULL"}


class StoredRows(Sequence[Row]):
    """The rows of some observations (``objID``, in order), as values of JSON, with distances in arcsec."""

    def __init__(
        self, archive: Archive, columns: Columns, keys: Sequence[int], distances: Mapping[int, float] | None = None
    ) -> None:
        self._archive = archive
        self._columns = columns
        self._keys = keys
        self._distances = distances

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, int):
            return self._fetch([self._keys[index]])[0]
        return self._fetch(self._keys[index])

    def _fetch(self, keys: Sequence[int]) -> list[Row]:
        listed = ", ".join(f'{_expression(name, kind)} AS "{name}"' for name, kind in self._columns)
        sql = f"SELECT {listed}, objID AS place FROM observation WHERE objID IN (SELECT value FROM json_each(?))"
        found = {}
        for row in self._archive.query(sql, (json.dumps(list(keys)),)):
            *values, place = row.values()
            found[place] = values
        names = [name for name, _ in self._columns]
        if "mtFlag" in names:
            _set_flags(found.values(), names.index("mtFlag"))
        if self._distances is not None and "distance" in names:
            at = names.index("distance")
            for key in keys:
                found[key][at] = _plain(self._distances[key])
        return [tuple(found[key]) for key in keys]


def _expression(name: str, kind: str) -> str:
    if name in COMPUTED:
        return COMPUTED[name]
    if kind != "float":
        return f'"{name}"'
    # MAST writes a float without fraction as an integer, whatever its column declares.
    whole = f'CAST("{name}" AS INTEGER)'
    return f'CASE WHEN "{name}" = {whole} THEN {whole} ELSE "{name}" END'


def _plain(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _set_flags(rows: Iterable[list[object]], at: int) -> None:
    for row in rows:
        if row[at] is not None:
            row[at] = bool(row[at])
