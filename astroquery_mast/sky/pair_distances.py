"""Exact distances of positions from footprints, for many pairs at a time.

In: outlines, and pairs of a part and a position.  Out: distances, zero inside.  Quantities that depend only on the part
are computed once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..tables.rows import Array, Floats, RowNumbers
from .outlines import Outlines
from .sphere import TOUCHING, distance_to_arcs, separation, tangents


@dataclass(frozen=True)
class PairDistances:
    """The sides of footprints, arranged for testing positions against one side after the other.

    The hemisphere around the center of a polygon is projected to a plane in which great circles are straight (gnomonic
    projection).  Only the heights in this plane are needed, because the normal of a side shows on which side of it a
    position is.
    """

    outlines: Outlines
    # A direction in the plane of each part, and the heights of the corners along it.
    up: Array
    heights: Floats
    # The normal of each side, and the index of the corner at its end.
    normals: Array
    following: RowNumbers
    # Positions closer to the center than this are inside (squared chord length).
    clear: Floats

    @classmethod
    def of(cls, outlines: Outlines) -> PairDistances:
        """Prepare the sides of all footprints."""
        counts = np.diff(outlines.first)
        owner = np.repeat(np.arange(len(outlines)), counts)
        up = tangents(outlines.center)[:, 1]
        depth = _dot(outlines.vertices, outlines.center[owner])
        heights = _dot(outlines.vertices, up[owner]) / np.where(depth > 0, depth, np.nan)
        begin, end, normals = outlines.edges()
        away = distance_to_arcs(begin, end, normals, outlines.center[owner])
        nearest = np.minimum.reduceat(away, outlines.first[:-1]) if len(outlines) else np.zeros(0)
        # If the center is inside, so are all positions closer to it than the nearest side.
        inside = np.where(outlines.around(outlines.center), nearest, np.maximum(outlines.radius, 0.0))
        clear = (2 * np.sin(np.minimum(inside, np.pi) / 2)) ** 2 * (1 - 1e-9)
        return cls(outlines, up, heights, normals, outlines.following(), clear)

    def within(self, parts: RowNumbers, points: Array, limit: Floats | float) -> Floats:
        """Return the distances in radians; infinite beyond the limit (one for all pairs, or one per pair)."""
        outlines = self.outlines
        chords = _square(points - outlines.center.take(parts, axis=0))  # faster than an index, for rows
        limits = np.broadcast_to(limit, len(parts))
        one = np.ndim(limit) == 0
        farthest = (
            _chord_squares(outlines.reach + limit)[parts] if one else _chord_squares(outlines.reach[parts] + limit)
        )
        found = np.full(len(parts), np.inf)
        near = np.flatnonzero(chords <= farthest)
        clear = chords[near] < self.clear[parts[near]]
        found[near[clear]] = 0.0
        near = near[~clear]
        polygonal, large = outlines.polygonal[parts[near]], outlines.reach[parts[near]] >= np.pi / 2
        for some, distances in (
            (near[~polygonal], self._to_circles),
            (near[polygonal & large], self._to_large),
            (near[polygonal & ~large], self._to_polygons),
        ):
            if len(some):
                found[some] = distances(parts[some], points.take(some, axis=0), limits[some])
        return np.where(found <= limits, found, np.inf)

    def _to_circles(self, parts: RowNumbers, points: Array, limits: Floats) -> Floats:
        away = separation(points, self.outlines.center.take(parts, axis=0))
        return np.asarray(np.maximum(away - self.outlines.radius[parts], 0.0))

    def _to_large(self, parts: RowNumbers, points: Array, limits: Floats) -> Floats:
        return np.asarray(self.outlines.take(parts).distances(points))

    def _to_polygons(self, parts: RowNumbers, points: Array, limits: Floats) -> Floats:
        """Return the distances from polygons within a hemisphere."""
        first, counts = self.outlines.first[parts], np.diff(self.outlines.first)[parts]
        depth = _dot(points, self.outlines.center.take(parts, axis=0))
        with np.errstate(divide="ignore", invalid="ignore"):
            height = _dot(points, self.up.take(parts, axis=0)) / depth
        # The distance from the great circle of a side is a lower limit on the distance from the side.
        closest = np.sin(np.minimum(limits, np.pi / 2)) + TOUCHING
        odd = np.zeros(len(parts), dtype=bool)
        nearest = np.full(len(parts), np.inf)
        fewest, here = int(counts.min()), height
        some: Array | slice = slice(None)
        for side in range(int(counts.max())):
            if side >= fewest:
                some = np.flatnonzero(counts > side)
                here = height[some]
            begin = first[some] + side
            end = self.following[begin]
            beside = _dot(self.normals.take(begin, axis=0), points[some])
            begins, ends = self.heights[begin], self.heights[end]
            odd[some] ^= ((begins > here) != (ends > here)) & ((beside > 0) == (ends > begins))
            close = np.flatnonzero(np.abs(beside) <= closest[some])
            if len(close):
                rows = close if isinstance(some, slice) else some[close]
                nearest[rows] = np.minimum(nearest[rows], self._from_sides(begin[close], end[close], points[rows]))
        return np.where(odd & (depth > 0), 0.0, nearest)

    def _from_sides(self, begin: RowNumbers, end: RowNumbers, points: Array) -> Floats:
        """Return the distance of each position from one side."""
        vertices = self.outlines.vertices
        return np.asarray(distance_to_arcs(vertices[begin], vertices[end], self.normals[begin], points))


def _dot(one: Array, other: Array) -> Floats:
    return np.asarray(np.einsum("ij,ij->i", one, other))


def _chord_squares(angles: Floats) -> Floats:
    """Return squared chord lengths, slightly enlarged for rounding errors."""
    return np.asarray((2 * np.sin(np.minimum(angles + TOUCHING, np.pi) / 2)) ** 2 * (1 + 1e-12))


def _square(vectors: Array) -> Floats:
    return _dot(vectors, vectors)
