"""How far positions are from footprints, exactly, for many pairs of one of each at a time.

In: outlines, and pairs.  Out: distances, zero inside.  What is the same for all pairs of a part is computed once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..tables.rows import Array, Floats, RowNumbers
from .outlines import Outlines
from .sphere import TOUCHING, distance_to_arcs, separation, tangents


@dataclass(frozen=True)
class PairDistances:
    """The sides of footprints, laid out so that a position meets them one after the other.

    The hemisphere around the center of a polygon is laid out in a plane in which great circles are straight (gnomonic
    projection).  Only the heights in it are needed: the normal of a side tells on which side of it a position is.
    """

    outlines: Outlines
    # One direction in the plane of each part, and the heights of its corners.
    up: Array
    heights: Floats
    # For each side, its normal and the corner where it ends.
    normals: Array
    following: RowNumbers
    # How far from its center no side of a part comes (the square of a chord), and whether the center is inside.
    clear: Floats
    filled: Array

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
        clear = (2 * np.sin(np.maximum(nearest - 2 * TOUCHING, 0.0) / 2)) ** 2
        return cls(outlines, up, heights, normals, outlines.following(), clear, outlines.around(outlines.center))

    def within(self, parts: RowNumbers, points: Array, limits: Floats) -> Floats:
        """Return how far each position is from its part, in radians; infinite beyond the limit of the pair."""
        outlines = self.outlines
        chords = _square(points - outlines.center[parts])
        farthest = 2 * np.sin(np.minimum(outlines.reach[parts] + limits + TOUCHING, np.pi) / 2)
        found = np.full(len(parts), np.inf)
        near = np.flatnonzero(chords <= farthest**2 * (1 + 1e-12))
        polygonal = outlines.polygonal[parts[near]]
        circles, polygons = near[~polygonal], near[polygonal]
        # Around the center, whatever is nearer than all sides is on the same side of them.
        clear = self.filled[parts[polygons]] & (chords[polygons] < self.clear[parts[polygons]])
        found[polygons[clear]] = 0.0
        polygons = polygons[~clear]
        large = outlines.reach[parts[polygons]] >= np.pi / 2
        for some, distances in (
            (circles, self._to_circles),
            (polygons[large], self._to_large),
            (polygons[~large], self._to_polygons),
        ):
            if len(some):
                found[some] = distances(parts[some], points[some], limits[some])
        return np.where(found <= limits, found, np.inf)

    def _to_circles(self, parts: RowNumbers, points: Array, limits: Floats) -> Floats:
        away = separation(points, self.outlines.center[parts])
        return np.asarray(np.maximum(away - self.outlines.radius[parts], 0.0))

    def _to_large(self, parts: RowNumbers, points: Array, limits: Floats) -> Floats:
        return np.asarray(self.outlines.take(parts).distances(points))

    def _to_polygons(self, parts: RowNumbers, points: Array, limits: Floats) -> Floats:
        """The distances from polygons that lie on one side of the sky."""
        first, counts = self.outlines.first[parts], np.diff(self.outlines.first)[parts]
        depth = _dot(points, self.outlines.center[parts])
        with np.errstate(divide="ignore", invalid="ignore"):
            height = _dot(points, self.up[parts]) / depth
        # As an angle from the great circle of a side, it is less than that from the side.
        closest = np.sin(np.minimum(limits, np.pi / 2)) + TOUCHING
        odd = np.zeros(len(parts), dtype=bool)
        nearest = np.full(len(parts), np.inf)
        some: Array | slice = slice(None)
        for side in range(int(counts.max())):
            if counts.min() <= side:
                some = np.flatnonzero(counts > side)
            begin = first[some] + side
            end = self.following[begin]
            beside = _dot(self.normals[begin], points[some])
            rising = self.heights[end] > self.heights[begin]
            here = height[some]
            crossed = (self.heights[begin] > here) != (self.heights[end] > here)
            odd[some] ^= crossed & ((beside > 0) == rising)
            self._lessen(nearest, some, (begin, end), points, np.abs(beside) <= closest[some])
        return np.where(odd & (depth > 0), 0.0, nearest)

    def _lessen(
        self, nearest: Floats, some: Array | slice, side: tuple[RowNumbers, RowNumbers], points: Array, close: Array
    ) -> None:
        """Note the distances from a side where it may be close enough."""
        places = np.flatnonzero(close)
        if len(places):
            begin, end = side[0][places], side[1][places]
            rows = places if isinstance(some, slice) else some[places]
            vertices = self.outlines.vertices
            away = distance_to_arcs(vertices[begin], vertices[end], self.normals[begin], points[rows])
            nearest[rows] = np.minimum(nearest[rows], away)


def _dot(one: Array, other: Array) -> Floats:
    return np.asarray(np.einsum("ij,ij->i", one, other))


def _square(vectors: Array) -> Floats:
    return _dot(vectors, vectors)
