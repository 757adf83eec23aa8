"""Rows of a catalog as an answer has them: `CatalogRows` becomes Python values page by page.

In: a catalog, the rows found, the columns asked for. Out: a sequence of rows, with the distance from the position
where the service gives one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from .archive.catalog_table import CatalogTable, Found, plain
from .dataset import Columns

__all__ = ["CatalogRows", "Distance"]

Row = tuple[object, ...]


@dataclass(frozen=True)
class Distance:
    """How a service tells the distance."""

    name: str
    arcsec: float = 1.0

    @property
    def column(self) -> tuple[str, str]:
        """Name and type."""
        return self.name, "float"


class CatalogRows(Sequence[Row]):
    """The rows found in a catalog."""

    def __init__(self, table: CatalogTable, found: Found, columns: Columns, distance: Distance | None = None) -> None:
        self._table = table
        self._found = found
        names = [name for name, _ in columns]
        self._distance = distance
        self._place = names.index(distance.name) if distance is not None and distance.name in names else None
        self._names = [name for place, name in enumerate(names) if place != self._place]

    def __len__(self) -> int:
        return len(self._found.keys)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, int):
            return self[index : index + 1 or None][0]
        rows: list[Row] = self._table.rows(self._found.keys[index], self._names)
        if self._place is None or self._distance is None:
            return rows or [()] * len(self._found.keys[index])
        place, unit = self._place, self._distance.arcsec
        away = [plain(round(arcsec / unit, 12)) for arcsec in self._found.distance[index].tolist()]
        rows = rows or [()] * len(away)
        return [(*row[:place], distance, *row[place:]) for row, distance in zip(rows, away, strict=True)]
