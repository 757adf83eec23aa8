"""Spherical geometry shared by footprints, apertures and images, and the ``s_region`` grammar.

In: positions in degrees (ICRS), or the text of a footprint. Out: unit vectors, gnomonic (TAN) offsets and positions;
a tuple of `Circle` and `Polygon`. First step of everything that has a place on the sky; knows nothing of observations.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]


def unit_vectors(ra: Any, dec: Any) -> Vectors:
    """Unit vectors of positions."""
    lon = np.radians(np.asarray(ra, dtype=float))
    lat = np.radians(np.asarray(dec, dtype=float))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def separation(first: Vectors, second: Vectors) -> Vectors:
    """Angle between unit vectors, exact for small and for large angles."""
    apart = np.linalg.norm(first - second, axis=-1)
    facing = np.linalg.norm(first + second, axis=-1)
    return np.asarray(2.0 * np.arctan2(apart, facing))


def deproject(ra0: float, dec0: float, xi: float, eta: float) -> tuple[float, float]:
    """Position of a tangent-plane offset (the FITS TAN projection)."""
    x, y = math.radians(xi), math.radians(eta)
    sin0, cos0 = math.sin(math.radians(dec0)), math.cos(math.radians(dec0))
    denominator = cos0 - y * sin0
    ra = ra0 + math.degrees(math.atan2(x, denominator))
    dec = math.degrees(math.atan2(sin0 + y * cos0, math.hypot(x, denominator)))
    return ra % 360.0, dec


def project(ra0: float, dec0: float, ra: Any, dec: Any) -> tuple[Vectors, Vectors]:
    """Tangent-plane offsets of positions (inverse of `deproject`)."""
    lon = np.radians(np.asarray(ra, dtype=float) - ra0)
    lat = np.radians(np.asarray(dec, dtype=float))
    sin0, cos0 = math.sin(math.radians(dec0)), math.cos(math.radians(dec0))
    depth = np.sin(lat) * sin0 + np.cos(lat) * cos0 * np.cos(lon)
    xi = np.cos(lat) * np.sin(lon) / depth
    eta = (np.sin(lat) * cos0 - np.cos(lat) * sin0 * np.cos(lon)) / depth
    return np.degrees(xi), np.degrees(eta)


#: Frame words of footprints; at footprint accuracy all of them are ICRS.
FRAMES = frozenset({"ICRS", "J2000", "FK5", "GSC1", "GSC2"})
_WRAPPERS = frozenset({"UNION"})
_PUNCTUATION = str.maketrans("(),", "   ")
_WORD = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Circle:
    """A small circle: center and radius in degrees."""

    ra: float
    dec: float
    radius: float


@dataclass(frozen=True, slots=True)
class Polygon:
    """A spherical polygon; vertices in degrees, not closed, without repeated neighbors."""

    vertices: tuple[tuple[float, float], ...]


Shape = Circle | Polygon


def parse_region(text: str | None) -> tuple[Shape, ...]:
    """Read a footprint."""
    if text is None:
        return ()
    tokens = text.translate(_PUNCTUATION).split()
    shapes: list[Shape] = []
    word, numbers = "", []
    for token in tokens:
        if not _WORD.match(token):
            numbers.append(token)
            continue
        name = token.upper()
        if name in FRAMES and not numbers:
            continue
        if word:
            shapes.append(_shape(word, numbers, text))
        elif numbers:
            raise ValueError(f"Footprint starts with numbers: {text!r}")
        word, numbers = ("" if name in _WRAPPERS else name), []
    if word or numbers:
        shapes.append(_shape(word, numbers, text))
    return tuple(shapes)


def _shape(word: str, numbers: list[str], text: str) -> Shape:
    try:
        values = [float(number) for number in numbers]
    except ValueError as err:
        raise ValueError(f"Not a number in footprint {text!r}") from err
    if not all(map(math.isfinite, values)):
        raise ValueError(f"Number out of range in footprint {text!r}")
    if word == "CIRCLE" and len(values) == 3 and values[2] >= 0 and abs(values[1]) <= 90:
        return Circle(*values)
    if word == "POLYGON" and len(values) % 2 == 0:
        return _polygon(values, text)
    raise ValueError(f"Not a circle or polygon: {text!r}")


def _polygon(values: list[float], text: str) -> Polygon:
    vertices: list[tuple[float, float]] = []
    for vertex in zip(values[::2], values[1::2], strict=True):
        if not vertices or vertex != vertices[-1]:
            vertices.append(vertex)
    if len(vertices) > 1 and vertices[0] == vertices[-1]:
        vertices.pop()
    if len(vertices) < 3:
        raise ValueError(f"A polygon needs three vertices: {text!r}")
    if any(abs(dec) > 90 for _, dec in vertices):
        raise ValueError(f"Declination beyond a pole in footprint {text!r}")
    return Polygon(tuple(vertices))
