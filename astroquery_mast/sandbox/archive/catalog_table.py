"""One catalog: columns of values, found by position or by an SQL condition.

In: arrays, one per column. Out: `CatalogTable`: keys of rows (their places, from 0), and the cells of some of them as
values of JSON. Columns stay arrays, so that a catalog is built in milliseconds and only the rows of a page become
Python values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .geometry import separation, unit_vectors
from .packaged import Columns
from .search import Clause, RowSearch

__all__ = ["CatalogTable", "Columns", "Found", "plain", "texts", "words"]

Row = tuple[object, ...]
Keys = NDArray[np.intp]
# Slack of the pre-selection: cos() of a small angle cannot be told from 1 below about 1e-8.
_SLACK = 1e-12


def texts(values: Iterable[str | None]) -> NDArray[np.object_]:
    """Return text as a column; None is null."""
    return np.array([*values, None], dtype=object)[:-1]


def words(chosen: NDArray[np.bool_], first: str | None, second: str | None = None) -> NDArray[np.object_]:
    """Return a column of text: ``first`` where ``chosen``, elsewhere ``second``; None is null."""
    column = np.full(len(chosen), second, dtype=object)
    column[chosen] = first
    return column


def plain(cell: float) -> float | int:
    """Return a number as MAST writes it: a float without fraction is an integer, whatever its column declares."""
    return int(cell) if cell.is_integer() else cell


@dataclass(frozen=True)
class Found:
    """Rows of a catalog: their keys and, from a cone search, their distance in arcsec."""

    keys: Keys
    distance: NDArray[np.float64]

    def only(self, keys: Iterable[int]) -> Found:
        """Return those that are in ``keys``, in the same order."""
        kept = np.isin(self.keys, np.fromiter(keys, dtype=np.intp))
        return Found(self.keys[kept], self.distance[kept])

    def sorted_by(self, values: NDArray[Any], *, descending: bool = False) -> Found:
        """Return the rows in the order of one value for each; equal ones keep their order."""
        ranks = np.unique(values.astype(str) if values.dtype == object else values, return_inverse=True)[1]
        order = np.argsort(-ranks if descending else ranks, kind="stable")
        return Found(self.keys[order], self.distance[order])

    def first(self, count: int) -> Found:
        """Return the first rows."""
        return Found(self.keys[:count], self.distance[:count])


class CatalogTable:
    """A catalog: name to declared type and values, in order; ``hidden`` columns may be filtered but are in no answer.

    Null is NaN in arrays of floats, a mask on integers, None in arrays of objects. Without a position (degrees) there
    is no cone search.
    """

    def __init__(
        self,
        columns: Mapping[str, tuple[str, NDArray[Any]]],
        position: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
        hidden: Iterable[str] = (),
    ) -> None:
        self._values = {name: values for name, (_, values) in columns.items()}
        self.filterable: Columns = tuple((name, kind) for name, (kind, _) in columns.items())
        dropped = frozenset(hidden)
        self.columns: Columns = tuple(column for column in self.filterable if column[0] not in dropped)
        self._vectors = None if position is None else unit_vectors(*position)
        self._length = len(next(iter(self._values.values())))
        names = list(self._values)
        self._search = RowSearch(names, lambda: self.rows(slice(None), names))

    def __len__(self) -> int:
        return self._length

    def values(self, name: str) -> NDArray[Any]:
        """Return the values of a column as they were given."""
        return self._values[name]

    def rows(self, keys: Keys | slice, names: Sequence[str]) -> list[Row]:
        """Return the cells of some rows and columns as values of JSON."""
        return list(zip(*(_cells(self._values[name][keys]) for name in names), strict=True))

    def everything(self) -> Found:
        """Return all rows in the order of the catalog."""
        return Found(np.arange(self._length), np.zeros(self._length))

    def within(self, ra: float, dec: float, radius: float) -> Found:
        """Find the rows inside a cone (degrees), nearest first."""
        if self._vectors is None:
            raise ValueError("This catalog has no positions.")
        point = unit_vectors(ra, dec)
        cone = min(float(np.radians(radius)), np.pi)
        near = np.flatnonzero(self._vectors @ point >= np.cos(cone) - _SLACK)
        away = separation(self._vectors[near], point)
        inside = away <= cone
        near, away = near[inside], away[inside]
        order = np.argsort(away, kind="stable")
        return Found(near[order], np.degrees(away[order]) * 3600.0)

    def matching(self, clause: Clause) -> list[int]:
        """Return the keys of the rows that meet a condition, in rising order."""
        return self._search.matching(clause)


def _cells(values: NDArray[Any]) -> list[object]:
    if isinstance(values, np.ma.MaskedArray):
        return [None if hidden else cell for cell, hidden in zip(*_lists(values), strict=True)]
    if values.dtype.kind != "f":
        return list(values.tolist())
    return [None if math.isnan(cell) else plain(cell) for cell in values.tolist()]


def _lists(values: np.ma.MaskedArray[Any, Any]) -> tuple[list[object], list[bool]]:
    return values.data.tolist(), np.ma.getmaskarray(values).tolist()
