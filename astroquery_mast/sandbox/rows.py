"""Lazily read rows of a result: only the requested page is read, and the last page is as fast as the first one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from .archive.catalog_table import CatalogTable, Found, plain
from .packaged import Columns

if TYPE_CHECKING:
    from .archive import Archive

Row = tuple[object, ...]

#: Columns of observations that are not stored under their own name; distances are filled in later.
COMPUTED = {"objID1": "objID", "distance": "NULL", "_selected_": "NULL"}


@dataclass(frozen=True)
class Distance:
    """The distance column of a service, and the number of arcseconds in its unit."""

    name: str
    arcsec: float = 1.0

    @property
    def column(self) -> tuple[str, str]:
        """The name and type of the column."""
        return self.name, "float"

    def cells(self, arcsec: NDArray[np.float64]) -> list[object]:
        """Convert distances to JSON values in the unit of the column."""
        return [plain(round(each / self.arcsec, 12)) for each in arcsec.tolist()]


class LazyRows(Sequence[Row]):
    """A sequence of rows; ``read`` returns the rows of a slice."""

    def __init__(self, length: int, read: Callable[[slice], list[Row]]) -> None:
        self._length = length
        self._read = read

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        return self._read(slice(index, index + 1 or None))[0] if isinstance(index, int) else self._read(index)


def catalog_rows(table: CatalogTable, found: Found, columns: Columns, distance: Distance | None = None) -> LazyRows:
    """Return rows of a catalog, with distances in the column ``distance`` if that is among the columns."""
    names = [name for name, _ in columns]
    return LazyRows(len(found.keys), partial(_catalog, table, found, names, distance))


def _catalog(
    table: CatalogTable, found: Found, names: Sequence[str], distance: Distance | None, index: slice
) -> list[Row]:
    known = {} if distance is None else {distance.name: distance.cells(found.distance[index])}
    cells = (known[name] if name in known else table.cells(name, found.keys[index]) for name in names)
    return list(zip(*cells, strict=True))


def observation_rows(
    archive: Archive, columns: Columns, keys: Sequence[int], distances: Mapping[int, float] | None = None
) -> LazyRows:
    """Return the rows of observations (``objID``, in order), with distances in arcsec if the columns include them."""
    return LazyRows(len(keys), partial(_observations, archive, columns, keys, distances or {}))


def _observations(
    archive: Archive, columns: Columns, keys: Sequence[int], distances: Mapping[int, float], index: slice
) -> list[Row]:
    wanted = keys[index]
    listed = ", ".join(f'{_expression(name, kind)} AS "{name}"' for name, kind in columns)
    sql = f"SELECT {listed}, objID AS key FROM observation WHERE objID IN (SELECT value FROM json_each(?))"
    found: dict[object, dict[str, object]] = {}
    for row in archive.query(sql, (json.dumps(list(wanted)),)):
        key = row.pop("key")
        if row.get("mtFlag") is not None:
            row["mtFlag"] = bool(row["mtFlag"])
        if "distance" in row:
            row["distance"] = plain(distances[key])
        found[key] = row
    return [tuple(found[key].values()) for key in wanted]


def _expression(name: str, kind: str) -> str:
    if name in COMPUTED:
        return COMPUTED[name]
    if kind != "float":
        return f'"{name}"'
    # MAST writes a float without a fraction as an integer, whatever the type of its column.
    whole = f'CAST("{name}" AS INTEGER)'
    return f'CASE WHEN "{name}" = {whole} THEN {whole} ELSE "{name}" END'
