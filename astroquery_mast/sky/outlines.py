"""The footprints of many observations as flat arrays, for fast tests of all footprints at a time.

In: a list of shapes for each row, and the position of each row.  Out: `Outlines`, whose parts have the row as owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from ..tables.rows import Array, RowNumbers
from .shapes import Circle, Polygon, Shape
from .sphere import TOUCHING, distance_to_arcs, min_enclosing_circle, normals_of, separation, tangents, unit_vectors


@dataclass(frozen=True)
class Outlines:
    """Polygons and circles; a point is a circle of radius zero."""

    owner: Array
    first: Array
    vertices: Array
    radius: Array
    center: Array
    reach: Array

    def __len__(self) -> int:
        """Return the number of parts."""
        return len(self.owner)

    @property
    def polygonal(self) -> Array:
        """A mask of the parts that are polygons."""
        return self.radius < 0

    def take(self, parts: Array) -> Outlines:
        """Return the parts with the given indices."""
        counts = np.diff(self.first)[parts]
        first = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
        places = np.arange(first[-1]) + np.repeat(self.first[parts] - first[:-1], counts)
        return Outlines(
            self.owner[parts],
            first,
            self.vertices[places],
            self.radius[parts],
            self.center[parts],
            self.reach[parts],
        )

    def near(self, center: Array, radius: float) -> Array:
        """Return the indices of the parts that may touch a circle."""
        return np.flatnonzero(separation(self.center, center) <= self.reach + radius + 2 * TOUCHING)

    def edges(self) -> tuple[Array, Array, Array]:
        """Return the ends and normals of all polygon sides; a circle has one side of zero length."""
        end = self.vertices[self.following()]
        return self.vertices, end, normals_of(self.vertices, end)

    def following(self) -> RowNumbers:
        """Return the index of the next vertex of the part for each vertex."""
        following = np.arange(1, len(self.vertices) + 1)
        following[self.first[1:] - 1] = self.first[:-1]
        return following

    def any_of(self, sides: Array) -> Array:
        """Return a mask of the parts with any side in a mask of sides."""
        return np.logical_or.reduceat(sides, self.first[:-1]) if len(self) else np.zeros(0, dtype=bool)

    def around(self, point: Array) -> Array:
        """Return a mask of the polygons that contain a position, one for all or one for each, ``(n, 3)``.

        A half great circle from the position to its antipode crosses the sides of a polygon an odd number of times if
        one of the two is inside.  It is the position that is inside if it lies in the circle around the polygon.
        """
        x, y = np.moveaxis((tangents(self._per_vertex(point)) @ self.vertices[..., np.newaxis])[..., 0], -1, 0)
        following = self.following()
        x2, y2 = x[following], y[following]
        crossed = ((y >= 0) != (y2 >= 0)) & ((x * y2 - x2 * y > 0) == (y2 > y))
        odd = np.add.reduceat(crossed.astype(np.int8), self.first[:-1]) % 2 == 1 if len(self) else crossed
        here = separation(self.center, point) <= np.minimum(self.reach + TOUCHING, np.pi / 2)
        return np.asarray(odd & here & self.polygonal)

    def distances(self, point: Array) -> Array:
        """Return the distance of each part from a position (one for all or one for each) in radians; zero inside."""
        begin, end, normals = self.edges()
        to_sides = distance_to_arcs(begin, end, normals, self._per_vertex(point))
        nearest = np.minimum.reduceat(to_sides, self.first[:-1]) if len(self) else np.zeros(0)
        outside = np.maximum(nearest - np.maximum(self.radius, 0), 0.0)
        return np.where(self.around(point), 0.0, outside)

    def _per_vertex(self, points: Array) -> Array:
        """Repeat the position of each part for its vertices; a single position is returned unchanged."""
        return np.repeat(points, np.diff(self.first), axis=0) if points.ndim > 1 else points

    def within(self, point: Array, radius: float) -> Array:
        """Return a mask of the parts within a radius of a position."""
        return np.asarray(self.distances(point) <= radius + TOUCHING)


def outlines_of(shapes: Sequence[Sequence[Shape]], ra: Array, dec: Array) -> Outlines:
    """Arrange footprints as arrays; a row without shapes is a point at its position, if it has one."""
    placed = np.isfinite(ra) & np.isfinite(dec)
    owner: list[int] = []
    corners: list[Sequence[tuple[float, float]]] = []
    radius: list[float] = []
    for row, parts in enumerate(shapes):
        for shape in parts:
            owner.append(row)
            corners.append(shape.vertices if isinstance(shape, Polygon) else ((shape.ra, shape.dec),))
            radius.append(_radius(shape))
        if not parts and placed[row]:
            owner.append(row)
            corners.append(((float(ra[row]), float(dec[row])),))
            radius.append(0.0)
    return _as_arrays(owner, corners, np.radians(np.array(radius, dtype=float)))


def _radius(shape: Shape) -> float:
    if isinstance(shape, Polygon):
        return -1.0
    return shape.radius if isinstance(shape, Circle) else 0.0


def _as_arrays(owner: Iterable[int], corners: Sequence[Sequence[tuple[float, float]]], radius: Array) -> Outlines:
    counts = np.fromiter(map(len, corners), dtype=np.intp, count=len(corners))
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
    degrees = np.fromiter(chain.from_iterable(chain.from_iterable(corners)), dtype=float, count=2 * int(first[-1]))
    vertices = unit_vectors(degrees[::2], degrees[1::2])
    if not len(counts):
        return Outlines(np.zeros(0, dtype=np.intp), first, vertices, radius, vertices, radius)
    sums = np.add.reduceat(vertices, first[:-1], axis=0)
    center = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.finfo(float).tiny)
    away = separation(vertices, np.repeat(center, counts, axis=0))
    reach = np.maximum.reduceat(away, first[:-1]) + np.maximum(radius, 0)
    for part in np.flatnonzero((radius < 0) & (reach >= np.pi / 2)):
        # If the circle around the corners is larger than a hemisphere, sides may bulge out of it.
        cap = min_enclosing_circle(vertices[first[part] : first[part + 1]])
        center[part], reach[part] = (center[part], np.pi) if cap is None else cap
    return Outlines(np.array([*owner], dtype=np.intp), first, vertices, radius, center, reach)
