"""Which positions lie in which footprints: both may be many, the positions may move, and may come in chunks.

In: the shapes of each observation and its time; chunks of positions.  Out: pairs of row numbers, or for each position the
first observation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..tables.rows import Floats, RowNumbers
from .outlines import Outlines, outlines_of
from .pair_distances import PairDistances
from .point_chunks import PointChunk
from .shapes import Shape
from .sphere import TOUCHING
from .zones import near_pairs


@dataclass(frozen=True)
class FootprintMatch:
    """Footprints, ready for one chunk of positions after the other."""

    outlines: Outlines
    test: PairDistances
    # When each part was observed, MJD; NaN where that is unknown.
    times: Floats
    # How far outside a position may be, in radians.
    limit: float

    @classmethod
    def of(cls, shapes: Sequence[Sequence[Shape]], times: Floats, margin: float) -> FootprintMatch:
        """Prepare the footprints; the margin is in degrees."""
        nowhere = np.full(len(shapes), np.nan)
        outlines = outlines_of(shapes, nowhere, nowhere)
        limit = float(np.radians(margin)) + TOUCHING
        return cls(outlines, PairDistances.of(outlines), times[outlines.owner], limit)

    def all_pairs(self, chunk: PointChunk) -> tuple[RowNumbers, RowNumbers]:
        """Return the pairs of a row of the chunk and an observation, sorted; each of them once."""
        # One number for each pair is sorted faster than two.
        span = int(self.outlines.owner.max(initial=0)) + 1
        found = [np.empty(0, dtype=np.int64)]
        found += [places * span + rows for places, rows in self._pairs(chunk)]
        keys = np.concatenate(found)
        keys.sort()
        keys = keys[np.diff(keys, prepend=-1) > 0]
        places, rows = np.divmod(keys, span)
        return chunk.rows[places], rows

    def first_pairs(self, chunk: PointChunk) -> tuple[RowNumbers, RowNumbers]:
        """Return for each row of the chunk that is in any footprint the first such observation."""
        none = np.iinfo(np.int64).max
        first = np.full(len(chunk.rows), none)
        for places, rows in self._pairs(chunk):
            np.minimum.at(first, places, rows)
        matched = np.flatnonzero(first < none)
        return chunk.rows[matched], first[matched]

    def _pairs(self, chunk: PointChunk) -> Iterator[tuple[RowNumbers, RowNumbers]]:
        """Give blocks of pairs of a position and an observation; more than once if several of its shapes hold it."""
        reach = np.full(len(chunk.vectors), self.limit)
        known = self.times[np.isfinite(self.times)]
        if len(known):
            reach = reach + chunk.farthest(float(known.min()), float(known.max()))
        for parts, places in near_pairs(self.outlines, chunk.vectors, np.minimum(reach, np.pi)):
            limits = np.full(len(parts), self.limit)
            distances = self.test.within(parts, chunk.moved(places, self.times[parts]), limits)
            met = np.flatnonzero(distances < np.inf)
            yield places[met], self.outlines.owner[parts[met]]
