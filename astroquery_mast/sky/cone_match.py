"""Which of many circles meet which of many footprints: both may be a hundred thousand.

In: the outlines of footprints, and cones.  Out: the pairs of a cone and a row that meet, and how far apart they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..tables.rows import Array, Floats, RowNumbers
from .outlines import Outlines
from .position import Cone
from .sphere import TOUCHING, distance_to_arcs, normals_of, separation, unit_vectors, within_polygon


@dataclass(frozen=True)
class ConePairs:
    """Pairs of a cone and a row of footprints, sorted by cone and row; distances in radians, zero inside."""

    cones: RowNumbers
    rows: RowNumbers
    distances: Floats

    def by_cone(self, number: int) -> list[tuple[RowNumbers, Floats]]:
        """Return the rows and the distances of each of so many cones."""
        ends = np.searchsorted(self.cones, np.arange(number + 1))
        return [(self.rows[a:b], self.distances[a:b]) for a, b in pairwise(ends)]


def match_cones(outlines: Outlines, cones: Sequence[Cone]) -> ConePairs:
    """Return which cones meet which footprints."""
    points = unit_vectors([cone.ra for cone in cones], [cone.dec for cone in cones])
    radii = np.radians([cone.radius for cone in cones])
    # Sorted by declination, the cones that may meet a footprint are neighbors.
    order = np.argsort(points[:, 2])
    heights = points[order, 2]
    largest = float(radii.max(initial=0.0))
    found = [np.zeros((3, 0))]
    for part in range(len(outlines)):
        first, last = np.searchsorted(heights, _span(outlines, part, largest))
        near = order[first:last]
        reach = outlines.reach[part] + radii[near] + 2 * TOUCHING
        near = near[separation(points[near], outlines.center[part]) <= reach]
        if len(near):
            distances = _distances(outlines, part, points[near])
            met = distances <= radii[near] + TOUCHING
            owner = np.full(int(met.sum()), outlines.owner[part])
            found.append(np.stack([near[met], owner, distances[met]]))
    return _pairs(np.concatenate(found, axis=1))


def _span(outlines: Outlines, part: int, largest: float) -> tuple[float, float]:
    """Between which heights above the equator's plane the centers of cones are that may meet a part."""
    latitude = math.asin(max(-1.0, min(1.0, float(outlines.center[part][2]))))
    reach = float(outlines.reach[part]) + largest + 3 * TOUCHING
    low, high = latitude - reach, latitude + reach
    slack = 1e-12
    return (
        -2.0 if low <= -math.pi / 2 else math.sin(low) - slack,
        2.0 if high >= math.pi / 2 else math.sin(high) + slack,
    )


def _distances(outlines: Outlines, part: int, points: Array) -> Floats:
    """How far a part is from each of some positions; zero inside."""
    vertices = outlines.vertices[outlines.first[part] : outlines.first[part + 1]]
    if not outlines.polygonal[part]:
        return np.asarray(np.maximum(separation(points, vertices[0]) - outlines.radius[part], 0.0))
    if outlines.reach[part] >= np.pi / 2:
        alone = outlines.take(np.array([part]))
        return np.array([alone.distances(point)[0] for point in points])
    nearest = np.full(len(points), np.inf)
    for begin, end in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
        nearest = np.minimum(nearest, distance_to_arcs(begin, end, normals_of(begin, end), points))
    return np.where(within_polygon(points, vertices, outlines.center[part]), 0.0, nearest)


def _pairs(found: Array) -> ConePairs:
    """Each pair once, with the distance of the part that is nearest."""
    cones, rows = (found[place].astype(np.int64) for place in (0, 1))
    order = np.lexsort((found[2], rows, cones))
    cones, rows, distances = cones[order], rows[order], found[2][order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (cones[1:] != cones[:-1]) | (rows[1:] != rows[:-1])
    return ConePairs(cones[first], rows[first], distances[first])
