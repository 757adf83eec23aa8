"""Spherical geometry, the ``s_region`` grammar, and cone searches on footprints. Positions are in degrees (ICRS)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..reading import real

Vectors = NDArray[np.float64]


def unit_vectors(ra: Any, dec: Any) -> Vectors:
    """Return the unit vectors of positions."""
    lon = np.radians(np.asarray(ra, dtype=float))
    lat = np.radians(np.asarray(dec, dtype=float))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def separation(first: Vectors, second: Vectors) -> Vectors:
    """Return the angle between unit vectors in radians, accurate for small and large angles."""
    apart = np.linalg.norm(first - second, axis=-1)
    facing = np.linalg.norm(first + second, axis=-1)
    return np.asarray(2.0 * np.arctan2(apart, facing))


def deproject(ra0: float, dec0: float, xi: float, eta: float) -> tuple[float, float]:
    """Return the position of a tangent-plane offset (the FITS TAN projection)."""
    x, y = math.radians(xi), math.radians(eta)
    sin0, cos0 = math.sin(math.radians(dec0)), math.cos(math.radians(dec0))
    denominator = cos0 - y * sin0
    ra = ra0 + math.degrees(math.atan2(x, denominator))
    dec = math.degrees(math.atan2(sin0 + y * cos0, math.hypot(x, denominator)))
    return ra % 360.0, dec


def project(ra0: float, dec0: float, ra: Any, dec: Any) -> tuple[Vectors, Vectors]:
    """Return tangent-plane offsets of positions (inverse of `deproject`)."""
    lon = np.radians(np.asarray(ra, dtype=float) - ra0)
    lat = np.radians(np.asarray(dec, dtype=float))
    sin0, cos0 = math.sin(math.radians(dec0)), math.cos(math.radians(dec0))
    depth = np.sin(lat) * sin0 + np.cos(lat) * cos0 * np.cos(lon)
    xi = np.cos(lat) * np.sin(lon) / depth
    eta = (np.sin(lat) * cos0 - np.cos(lat) * sin0 * np.cos(lon)) / depth
    return np.degrees(xi), np.degrees(eta)


#: Reference frames of footprints; at footprint accuracy they are all equivalent to ICRS.
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
    """Parse a footprint."""
    text = text or ""
    return tuple(_shape(word, numbers, text) for word, numbers in _parts(text) if word or numbers)


def _parts(text: str) -> Iterator[tuple[str, list[str]]]:
    """Generate the names of shapes, each with its numbers."""
    word, numbers = "", []
    for token in text.translate(_PUNCTUATION).split():
        name = token.upper()
        if not _WORD.match(token):
            numbers.append(token)
        elif numbers or name not in FRAMES:
            yield word, numbers
            word, numbers = "" if name in _WRAPPERS else name, []
    yield word, numbers


def _shape(word: str, numbers: list[str], text: str) -> Shape:
    values = [value for value in map(real, numbers) if value is not None]
    if len(values) < len(numbers):
        raise ValueError(f"Not a number, or out of range, in footprint {text!r}")
    if word not in _SHAPES:
        raise ValueError(f"Not a circle or polygon: {text!r}")
    return _SHAPES[word](values, text)


def _circle(values: list[float], text: str) -> Circle:
    if len(values) != 3 or values[2] < 0 or abs(values[1]) > 90:
        raise ValueError(f"Not a circle: {text!r}")
    return Circle(*values)


def _polygon(values: list[float], text: str) -> Polygon:
    corners = [corner for corner, _ in groupby(zip(values[::2], values[1::2], strict=False))]
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()
    if len(values) % 2 or len(corners) < 3:
        raise ValueError(f"A polygon needs three vertices: {text!r}")
    if max(map(abs, values[1::2])) > 90:
        raise ValueError(f"Beyond a pole in footprint {text!r}")
    return Polygon(tuple(corners))


_SHAPES: Mapping[str, Callable[[list[float], str], Shape]] = {"CIRCLE": _circle, "POLYGON": _polygon}


# A position on an edge counts as inside; this is the rounding error of unit vectors in radians (about 0.2
# milliarcseconds).
_EDGE = 1e-9
# Margin of the pre-selection in radians: cos() of angles below about 1e-8 cannot be distinguished from 1.
_SLACK = 1e-6
_Indices = NDArray[np.intp]
#: ``objID``, ``s_ra``, ``s_dec`` and ``s_region`` of an observation.
Placed = tuple[int, float | None, float | None, str | None]


class FootprintIndex:
    """Search index of all footprints of an archive."""

    def __init__(self, observations: Iterable[Placed]) -> None:
        ids: list[int] = []
        owners: list[int] = []
        shapes: list[Shape] = []
        for identifier, ra, dec, region in observations:
            parts = () if ra is None or dec is None else parse_region(region)
            owners.extend([len(ids)] * len(parts))
            shapes.extend(parts)
            ids.append(identifier)
        self._ids = ids
        self._owners = np.array(owners, dtype=np.intp)
        self._circle = np.array([isinstance(shape, Circle) for shape in shapes], dtype=bool)
        self._load(shapes)

    def _load(self, shapes: Sequence[Shape]) -> None:
        """Store the shapes as arrays: ``first[i]:first[i + 1]`` are the vertices (one for a circle) of part i."""
        corners = [shape.vertices if isinstance(shape, Polygon) else ((shape.ra, shape.dec),) for shape in shapes]
        self._first = np.concatenate([[0], np.cumsum([len(part) for part in corners], dtype=np.intp)]).astype(np.intp)
        flat = np.array([vertex for part in corners for vertex in part], dtype=float).reshape(-1, 2)
        self._vertices = unit_vectors(flat[:, 0], flat[:, 1])
        self._following = np.arange(1, len(flat) + 1, dtype=np.intp)
        if shapes:
            self._following[self._first[1:] - 1] = self._first[:-1]
        self._centers, self._reach = self._caps(shapes)

    def _caps(self, shapes: Sequence[Shape]) -> tuple[Vectors, Vectors]:
        """Return the bounding cap of each part (for a circle: the circle itself)."""
        if not shapes:
            return np.empty((0, 3)), np.empty(0)
        sums = np.add.reduceat(self._vertices, self._first[:-1], axis=0)
        centers = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        lengths = np.diff(self._first)
        away = separation(np.repeat(centers, lengths, axis=0), self._vertices)
        reach = np.maximum.reduceat(away, self._first[:-1])
        radii = [shape.radius if isinstance(shape, Circle) else 0.0 for shape in shapes]
        return centers, reach + np.radians(radii)

    def within(self, ra: float, dec: float, radius: float) -> dict[int, float]:
        """Return the observations whose footprint intersects a cone, with their distances in arcsec."""
        point = unit_vectors(ra, dec)
        cone = float(np.radians(radius))
        reach = np.minimum(self._reach + cone + _SLACK, np.pi)
        near = np.flatnonzero(self._centers @ point >= np.cos(reach) - _SLACK**2)
        gap = self._gap(near, point)
        found = gap <= cone + _EDGE
        owners = self._owners[near[found]]
        smallest = np.full(len(self._ids), np.inf)
        np.minimum.at(smallest, owners, gap[found])
        hits = np.unique(owners)
        away = np.degrees(smallest[hits]) * 3600.0
        distance = np.where(smallest[hits] <= _EDGE, 0.0, np.round(away, 6))
        return {self._ids[hit]: float(value) for hit, value in zip(hits, distance, strict=True)}

    def _gap(self, parts: _Indices, point: Vectors) -> Vectors:
        """Return the angle from the point to each part in radians, 0 inside."""
        gap = np.empty(len(parts))
        round_ = self._circle[parts]
        circles, polygons = parts[round_], parts[~round_]
        gap[round_] = np.maximum(separation(self._centers[circles], point) - self._reach[circles], 0.0)
        if len(polygons):
            gap[~round_] = self._polygon_gap(polygons, point)
        return gap

    def _polygon_gap(self, parts: _Indices, point: Vectors) -> Vectors:
        lengths = self._first[parts + 1] - self._first[parts]
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.intp)
        edges = np.arange(lengths.sum()) + np.repeat(self._first[parts] - starts, lengths)
        begin, end = self._vertices[edges], self._vertices[self._following[edges]]
        to_edge = np.minimum.reduceat(edge_distance(begin, end, point), starts)
        turn = np.add.reduceat(_turn(begin, end, point), starts)
        # A polygon also winds around the antipode of its interior: only points in its bounding cap can be inside.
        inside = (np.abs(turn) > np.pi) & (
            self._centers[parts] @ point > np.cos(np.minimum(self._reach[parts] + _SLACK, np.pi))
        )
        return np.where(inside, 0.0, to_edge)


def edge_distance(begin: Vectors, end: Vectors, point: Vectors) -> Vectors:
    """Return the angle from a point to great-circle arcs."""
    normal = np.cross(begin, end)
    size = np.linalg.norm(normal, axis=-1)
    beside = (np.cross(normal, begin) @ point >= 0) & (np.cross(end, normal) @ point >= 0) & (size > 0)
    across = np.abs(normal @ point) / np.where(size > 0, size, 1.0)
    to_circle = np.arcsin(np.clip(across, 0.0, 1.0))
    to_ends = np.minimum(separation(begin, point), separation(end, point))
    return np.where(beside, to_circle, to_ends)


def _turn(begin: Vectors, end: Vectors, point: Vectors) -> Vectors:
    """Return the signed angle at the point subtended by each edge; these add up to a full turn around a closed path."""
    sine = np.cross(begin, end) @ point
    cosine = np.einsum("ij,ij->i", begin, end) - (begin @ point) * (end @ point)
    return np.asarray(np.arctan2(sine, cosine))
