"""A catalog table, searched by position or condition; conversion of coordinates; source names from positions.

Columns are arrays, so that a catalog is built within milliseconds and only the rows of a page become Python values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..packaged import Columns
from .catalog_sky import Array, Sky
from .geometry import separation, unit_vectors
from .search import Clause, RowSearch

Row = tuple[object, ...]
#: Columns, flags, and values from which columns are derived, by name.
Values = dict[str, NDArray[Any]]
Keys = NDArray[np.intp]
# Margin of the pre-selection: cos() of angles below about 1e-8 cannot be distinguished from 1.
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
    """Return a number as MAST writes it: floats without a fraction become integers, whatever the type of the column."""
    return int(cell) if cell.is_integer() else cell


@dataclass(frozen=True)
class Found:
    """Rows of a catalog: their keys and, for a cone search, their distances in arcsec."""

    keys: Keys
    distance: NDArray[np.float64]

    def only(self, keys: Iterable[int]) -> Found:
        """Return the rows whose keys are in ``keys``, in the same order."""
        kept = np.isin(self.keys, np.fromiter(keys, dtype=np.intp))
        return Found(self.keys[kept], self.distance[kept])

    def sorted_by(self, values: NDArray[Any], *, descending: bool = False) -> Found:
        """Return the rows sorted by one value each; the sort is stable."""
        ranks = np.unique(values.astype(str) if values.dtype == object else values, return_inverse=True)[1]
        order = np.argsort(-ranks if descending else ranks, kind="stable")
        return Found(self.keys[order], self.distance[order])

    def first(self, count: int) -> Found:
        """Return the first ``count`` rows."""
        return Found(self.keys[:count], self.distance[:count])


class CatalogTable:
    """A catalog: declared type and values by column name; ``hidden`` columns can be filtered but are not returned.

    Null is NaN in arrays of floats, masked in arrays of integers, None in arrays of objects. Without a position
    (degrees) cone searches are not supported.
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
        self._search = RowSearch(names, self._all_rows())

    def __len__(self) -> int:
        return self._length

    def values(self, name: str) -> NDArray[Any]:
        """Return the array of values of a column."""
        return self._values[name]

    def rows(self, keys: Keys | slice, names: Sequence[str]) -> list[Row]:
        """Return the cells of rows and columns as JSON values."""
        return list(zip(*(self.cells(name, keys) for name in names), strict=True))

    def cells(self, name: str, keys: Keys | slice) -> list[object]:
        """Return the cells of rows of a column as JSON values."""
        values = self._values[name][keys]
        if values.dtype.kind != "f":
            return list(values.tolist())
        return [None if math.isnan(cell) else plain(cell) for cell in values.tolist()]

    def everything(self) -> Found:
        """Return all rows in the order of the catalog."""
        return Found(np.arange(self._length), np.zeros(self._length))

    def _all_rows(self) -> Iterator[Row]:
        yield from self.rows(slice(None), list(self._values))

    def within(self, ra: float, dec: float, radius: float) -> Found:
        """Return the rows inside a cone (degrees), nearest first."""
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
        """Return the keys of the rows that match a condition, in ascending order."""
        return self._search.matching(clause)


# Rows: the axes of the galactic frame (ESA 1997, The Hipparcos and Tycho Catalogs, volume 1, section 1.5.3).
_GALACTIC = np.array(
    [
        (-0.0548755604, -0.8734370902, -0.4838350155),
        (0.4941094279, -0.4448296300, 0.7469822445),
        (-0.8676661490, -0.1980763734, 0.4559837762),
    ]
)
_TILT = np.radians(23.4392911)
_ECLIPTIC = np.array([(1, 0, 0), (0, np.cos(_TILT), np.sin(_TILT)), (0, -np.sin(_TILT), np.cos(_TILT))])


def galactic(ra: Array, dec: Array, digits: int = 6) -> tuple[Array, Array]:
    """Galactic longitude and latitude, degrees."""
    return _turned(_GALACTIC, ra, dec, digits)


def ecliptic(ra: Array, dec: Array, digits: int = 6) -> tuple[Array, Array]:
    """Ecliptic longitude and latitude, degrees."""
    return _turned(_ECLIPTIC, ra, dec, digits)


def _turned(axes: Array, ra: Array, dec: Array, digits: int) -> tuple[Array, Array]:
    x, y, z = (unit_vectors(ra, dec) @ axes.T).T
    longitude = np.degrees(np.arctan2(y, x)) % 360.0
    return np.round(longitude, digits), np.round(np.degrees(np.arcsin(np.clip(z, -1.0, 1.0))), digits)


def _sexagesimal(value: float, digits: int, mark: str) -> str:
    """Return hours or degrees, minutes, and seconds without separators, truncated as in source names."""
    scale = 10**digits
    ticks = int(value * 3600 * scale + 1e-6)
    seconds, fraction = divmod(ticks, scale)
    whole = f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"
    return f"{whole}{mark}{fraction:0{digits}d}" if digits else whole


def _named(ra: Array, dec: Array, name: Callable[[float, float, str], str]) -> NDArray[np.object_]:
    places = zip(ra.tolist(), dec.tolist(), strict=True)
    return texts(name(right / 15.0, abs(north), "-" if north < 0 else "+") for right, north in places)


def two_mass_names(ra: Array, dec: Array) -> NDArray[np.object_]:
    """Names such as ``16573094-0405387``."""
    return _named(ra, dec, lambda h, d, sign: f"{_sexagesimal(h, 2, '')}{sign}{_sexagesimal(d, 1, '')}")


def wise_names(ra: Array, dec: Array) -> NDArray[np.object_]:
    """Names such as ``J165736.15-035619.8``."""
    return _named(ra, dec, lambda h, d, sign: f"J{_sexagesimal(h, 2, '.')}{sign}{_sexagesimal(d, 1, '.')}")


def panstarrs_names(ra: Array, dec: Array) -> NDArray[np.object_]:
    """Names such as ``PSO J254.2873-04.1006``."""
    places = zip(ra.tolist(), dec.tolist(), strict=True)
    return texts(f"PSO J{right:08.4f}{north:+08.4f}" for right, north in places)


class ColumnRules:
    """Columns generated by the rules of a table in the package data.

    A rule starts with a constant (``is``), random numbers (``dice``), distinct integers (``numbers``), or the values of
    a name (``of``: an earlier column, a ``given`` array, or an attribute of the sources). The values are relative to a
    zero point (``above``) or compared with a limit (``below``), raised to a ``power``, scaled and shifted (``scale``,
    ``plus``), used to select from a pair (``either``), and rounded. Where the flag named by ``for`` is false, the value
    is null. A column without a rule is the given one of the same name, or null everywhere.
    """

    def __init__(self, sources: Sky, given: Mapping[str, NDArray[Any]], null: int | None = None) -> None:
        self._sources = sources
        self._known = dict(given)
        self._null = null

    def columns(self, lines: Iterable[Sequence[Any]]) -> dict[str, tuple[str, NDArray[Any]]]:
        """Return the columns for lines of name, type and, optionally, rule."""
        return {name: (kind, self._column(name, kind, *rule)) for name, kind, *rule in lines}

    def _column(self, name: str, kind: str, rule: Mapping[str, Any] | None = None) -> NDArray[Any]:
        if rule is not None:
            self._known[name] = self._null_outside(rule, _changed(rule, self._start(rule)))
        return self._known[name] if name in self._known else self._nothing(kind)

    def _start(self, rule: Mapping[str, Any]) -> NDArray[Any]:
        if "dice" in rule:
            return self._sources.dice(*rule["dice"])
        if "numbers" in rule:
            return self._sources.numbers(*rule["numbers"])
        if "is" in rule:
            return np.full(len(self._sources), rule["is"], dtype=object if isinstance(rule["is"], str) else None)
        return self._values(rule["of"])

    def _values(self, name: str) -> NDArray[Any]:
        group, _, member = name.partition(".")
        if member:
            return np.asarray(getattr(self._sources, group)[member])
        return self._known[name] if name in self._known else np.asarray(getattr(self._sources, name))

    def _null_outside(self, rule: Mapping[str, Any], values: NDArray[Any]) -> NDArray[Any]:
        if "for" not in rule:
            return values
        chosen = self._values(rule["for"])
        if self._null is None and values.dtype.kind != "f":
            return (
                np.ma.masked_array(values, ~chosen)
                if values.dtype != object
                else np.where(chosen, values, np.array(None))
            )
        return np.where(chosen, values, np.nan if self._null is None else self._null)

    def _nothing(self, kind: str) -> NDArray[Any]:
        count = len(self._sources)
        if kind == "float" and self._null is None:
            return np.full(count, np.nan)
        if self._null is None or kind == "string":  # such a survey writes its placeholder as text, too
            return texts([None if self._null is None else str(self._null)] * count)
        return np.full(count, self._null)


def _changed(rule: Mapping[str, Any], values: NDArray[Any]) -> NDArray[Any]:
    for word, change in _CHANGES.items():
        if word in rule:
            values = change(values, rule[word])
    return values


def _above(values: NDArray[Any], zero: float) -> NDArray[Any]:
    return np.maximum(values - zero, 0)


def _either(chosen: NDArray[Any], pair: tuple[Any, Any]) -> NDArray[Any]:
    return words(chosen, *pair) if isinstance(pair[0], str) else np.where(chosen, *pair)


def _significant(values: NDArray[Any], count: int) -> NDArray[Any]:
    digits = 10.0 ** (count - 1 - np.floor(np.log10(np.maximum(values, 1e-30))))
    return np.asarray(np.round(values * digits) / digits)


def _integer(values: NDArray[Any], _yes: bool) -> NDArray[Any]:
    return values.astype(int)


#: Operations of a rule, in the order of their application.
_CHANGES: Mapping[str, Callable[[NDArray[Any], Any], NDArray[Any]]] = {
    "above": _above,
    "below": np.less,
    "power": np.power,
    "scale": np.multiply,
    "plus": np.add,
    "either": _either,
    "significant": _significant,
    "digits": np.round,
    "integer": _integer,
}
