"""Functions of ADQL that SQLite does not support."""

from __future__ import annotations

import math
import re
import sqlite3
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..archive.geometry import FootprintIndex, separation, unit_vectors

Vector = tuple[float, float, float]


def install(connection: sqlite3.Connection) -> None:
    """Register the functions with a connection."""
    for name, (count, function) in _FUNCTIONS.items():
        connection.create_function(name, count, function, deterministic=True)
    connection.create_aggregate("ivo_string_agg", 2, _Joined)  # type: ignore[arg-type]


@lru_cache(4096)
def _vector(ra: float, dec: float) -> Vector:
    lon, lat = math.radians(ra), math.radians(dec)
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


def _in_circle(ra: float, dec: float, ra0: float, dec0: float, radius: float) -> int:
    lon, lat = math.radians(ra), math.radians(dec)
    x, y, z = math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)
    x0, y0, z0 = _vector(ra0, dec0)
    apart, facing = math.hypot(x - x0, y - y0, z - z0), math.hypot(x + x0, y + y0, z + z0)
    return int(2.0 * math.atan2(apart, facing) <= math.radians(radius))


@lru_cache(256)
def _polygon(edges: tuple[float, ...]) -> tuple[FootprintIndex, tuple[float, float, float]]:
    """Return a polygon, and a circle around it as a fast pre-selection."""
    text = "POLYGON ICRS " + " ".join(map(str, edges))
    corners = unit_vectors(edges[::2], edges[1::2])
    x, y, z = (corners.sum(axis=0) / np.linalg.norm(corners.sum(axis=0))).tolist()
    ra, dec = math.degrees(math.atan2(y, x)), math.degrees(math.asin(z))
    reach = float(np.degrees(separation(corners, np.array([x, y, z])).max()))
    return FootprintIndex([(1, 0.0, 0.0, text)]), (ra, dec, reach + 1e-6)


def _in_polygon(ra: float, dec: float, *edges: float) -> int:
    polygon, around = _polygon(edges)
    return _in_circle(ra, dec, *around) and len(polygon.within(ra, dec, 0.0))


def _shuffled(seed: int, *values: Any) -> int:
    """Return a reproducible hash of the values; Python's hash of text differs between processes."""
    return hash((seed, *[zlib.crc32(value.encode()) if type(value) is str else value or 0 for value in values]))


def _hasword(text: str | None, words: str) -> int:
    known = set(re.findall(r"\w+", (text or "").lower()))
    return int(all(word in known for word in re.findall(r"\w+", words.lower())))


def _nocasematch(text: str | None, pattern: str) -> int:
    parts = (".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in pattern)
    return int(text is not None and re.fullmatch("".join(parts), text, re.IGNORECASE | re.DOTALL) is not None)


def _hashlist_has(hashlist: str | None, item: str) -> int:
    return int(item.lower() in (hashlist or "").lower().split("#"))


def _overlaps(low: float, high: float, other_low: float, other_high: float) -> int:
    return int(low <= other_high and other_low <= high)


def _of_known(function: Callable[..., int]) -> Callable[..., int]:
    """Return a condition that is false if any value is null."""
    return lambda *values: 0 if None in values else function(*values)


class _Joined:
    """The aggregate that joins text."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._separator = ""

    def step(self, text: object, separator: str) -> None:
        self._separator = separator
        if text is not None:
            self._texts.append(str(text))

    def finalize(self) -> str | None:
        return self._separator.join(self._texts) if self._texts else None


def _of_numbers(function: Callable[..., float]) -> Callable[..., float | None]:
    """Return a mathematical function that is null outside its domain, and if any argument is null."""

    def computed(*values: float | None) -> float | None:
        if None in values:
            return None
        try:
            result = function(*values)
        except (ValueError, OverflowError, ZeroDivisionError):
            return None
        return result if math.isfinite(result) else None

    return computed


def _truncated(value: float, digits: int = 0) -> float:
    return float(math.trunc(value * 10**digits) / 10**digits)


def _rounded(value: float, digits: int = 0) -> float:
    return float(np.round(value, int(digits)))


_FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "adql_in_circle": (5, _of_known(_in_circle)),
    "adql_in_polygon": (-1, _of_known(_in_polygon)),
    "adql_shuffled": (-1, _shuffled),
    "ivo_hasword": (2, _hasword),
    "ivo_nocasematch": (2, _nocasematch),
    "ivo_hashlist_has": (2, _hashlist_has),
    "ivo_interval_overlaps": (4, _of_known(_overlaps)),
    "ceiling": (1, _of_numbers(math.ceil)),
    "floor": (1, _of_numbers(math.floor)),
    "mod": (2, _of_numbers(math.fmod)),
    "pi": (0, lambda: math.pi),
    "power": (2, _of_numbers(pow)),
    "round": (-1, _of_numbers(_rounded)),
    "truncate": (-1, _of_numbers(_truncated)),
    "atan2": (2, _of_numbers(math.atan2)),
    "log": (1, _of_numbers(math.log)),
    **{
        name: (1, _of_numbers(getattr(math, name)))
        for name in ["acos", "asin", "atan", "cos", "degrees", "exp", "log10", "radians", "sin", "sqrt", "tan"]
    },
}
