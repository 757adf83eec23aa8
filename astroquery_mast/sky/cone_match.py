"""Match many circles, up to about a hundred thousand, to as many footprints.

In: the outlines of footprints, and cones.  Out: the overlapping pairs of a cone and a row, and their distances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..tables.rows import Array, Floats, RowNumbers
from .outlines import Outlines
from .pair_distances import PairDistances
from .position import Cone
from .sphere import TOUCHING, unit_vectors
from .zones import near_pairs


@dataclass(frozen=True)
class ConePairs:
    """Pairs of a cone and a row of footprints, sorted by cone and row; distances in radians, zero inside."""

    cones: RowNumbers
    rows: RowNumbers
    distances: Floats

    def by_cone(self, number: int) -> list[tuple[RowNumbers, Floats]]:
        """Return the rows and distances of each cone, for a number of cones."""
        ends = np.searchsorted(self.cones, np.arange(number + 1))
        return [(self.rows[a:b], self.distances[a:b]) for a, b in pairwise(ends)]


def match_cones(outlines: Outlines, cones: Sequence[Cone]) -> ConePairs:
    """Return the pairs of cones and footprints that overlap."""
    points = unit_vectors([cone.ra for cone in cones], [cone.dec for cone in cones])
    limits = np.radians([cone.radius for cone in cones]) + TOUCHING
    test = PairDistances.of(outlines)
    found = [np.zeros((3, 0))]
    for parts, places in near_pairs(outlines, points, limits):
        distances = test.within(parts, points.take(places, axis=0), limits[places])
        met = np.flatnonzero(np.isfinite(distances))
        found.append(np.stack([places[met], outlines.owner[parts[met]], distances[met]]))
    return _pairs(np.concatenate(found, axis=1))


def _pairs(found: Array) -> ConePairs:
    """Return the pairs without duplicates, each with the distance of the nearest part."""
    cones, rows = (found[place].astype(np.int64) for place in (0, 1))
    order = np.lexsort((found[2], rows, cones))
    cones, rows, distances = cones[order], rows[order], found[2][order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (cones[1:] != cones[:-1]) | (rows[1:] != rows[:-1])
    return ConePairs(cones[first], rows[first], distances[first])
