"""Find the pairs of many positions and many footprints that need an exact test.

In: the outlines of footprints, and positions with a radius each.  Out: blocks of pairs: all that are close enough, and
some that are not.  The sky is divided into zones of declination.  Within a zone, positions are sorted by right
ascension, so that those near a footprint are next to each other (Gray et al. 2006, "The Zones Algorithm").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..tables.rows import Array, Floats, RowNumbers
from .outlines import Outlines
from .sphere import TOUCHING, longitude_latitude

# Number of pairs per block: enough for fast array operations, few enough for the processor cache.
_BLOCK = 1 << 18
# The smallest height of a zone in degrees, and the ratio of sizes of footprints, or of radii, that share zones.
_LOWEST, _SIZES = 0.01, 4.0
# Tolerance for rounding errors in degrees, added to all limits.
_SLACK = np.degrees(10 * TOUCHING)
# Step in right ascension from one zone to the next in the sort keys, in degrees; more than a full turn.
_TURN = 400.0


@dataclass(frozen=True)
class _Zones:
    """Positions sorted by zone and right ascension; the key is the zone number plus a fraction for the latter."""

    height: float
    order: RowNumbers
    keys: Floats

    @classmethod
    def of(cls, height: float, places: RowNumbers, ra: Floats, dec: Floats) -> _Zones:
        """Sort the given positions."""
        keys = np.floor((dec[places] + 90.0) / height) + ra[places] / _TURN
        order = np.argsort(keys)
        return cls(height, places[order], keys[order])

    def ranges(self, parts: RowNumbers, at: tuple[Floats, Floats], reach: Floats) -> tuple[RowNumbers, Array, Array]:
        """Return the parts, once for each zone that they cross, with the range of positions in it."""
        ra, dec = at
        lowest, highest = (
            np.floor((np.clip(dec + side * reach, -90.0, 90.0) + 90.0) / self.height).astype(np.int64)
            for side in (-1, 1)
        )
        counts = highest - lowest + 1
        zone = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts - lowest, counts)
        each = np.repeat(np.arange(len(parts)), counts)
        width = _half_width(dec, reach)
        west, east = (ra - width)[each], (ra + width)[each]
        # The part beyond 0h is a second range.
        spans = [(np.maximum(west, 0.0), np.minimum(east, 360.0))]
        spans += [(np.where(west < 0, west + 360.0, 0.0), np.where(west < 0, 360.0, east - 360.0))]
        beyond = (width < 180.0)[each] & ((west < 0) | (east > 360.0))
        zones = np.concatenate([zone, zone])
        first = np.searchsorted(self.keys, zones + np.concatenate([low for low, _ in spans]) / _TURN, side="left")
        last = np.searchsorted(self.keys, zones + np.concatenate([high for _, high in spans]) / _TURN, side="right")
        kept = np.flatnonzero((last > first) & np.concatenate([np.ones(len(each), dtype=bool), beyond]))
        return parts[np.concatenate([each, each])[kept]], first[kept], last[kept]


def _half_width(dec: Floats, reach: Floats) -> Floats:
    """Return the half widths of circles in right ascension, in degrees; 360 for a circle that contains a pole."""
    around = np.abs(dec) + reach >= 90.0 - _SLACK
    sine = np.sin(np.radians(np.where(around, 0.0, reach))) / np.cos(np.radians(np.where(around, 0.0, dec)))
    return np.where(around, 360.0, np.degrees(np.arcsin(np.minimum(sine, 1.0))) + _SLACK)


def near_pairs(outlines: Outlines, points: Array, radii: Floats) -> Iterator[tuple[RowNumbers, RowNumbers]]:
    """Yield blocks of pairs of a part and a position, including all pairs within the radius of the position."""
    ra, dec = longitude_latitude(points)
    centers = longitude_latitude(outlines.center)
    reach = np.degrees(outlines.reach)
    # Handle large and small ones separately, so that zones are about as high as the circles that are searched in them.
    for places in _by_size(np.degrees(radii)):
        margin = float(np.degrees(radii[places].max()))
        for kind in _by_size(reach + margin):
            parts, within = kind, reach[kind] + margin + _SLACK
            zones = _Zones.of(max(_LOWEST, float(within.max()) / _SIZES), places, ra, dec)
            # Keep polygons with the same number of sides together.
            order = np.argsort(np.diff(outlines.first)[parts], kind="stable")
            parts, within = parts[order], np.minimum(within[order], 180.0)
            at = centers[0][parts], centers[1][parts]
            for pairs, found in _blocks(*zones.ranges(parts, at, within)):
                yield pairs, zones.order[found]


def _by_size(sizes: Floats) -> Iterator[RowNumbers]:
    """Yield groups of indices of similar sizes, in degrees."""
    kinds = np.floor(np.log(np.maximum(sizes, _LOWEST)) / np.log(_SIZES))
    for kind in np.unique(kinds):
        yield np.flatnonzero(kinds == kind).astype(np.int64)


def _blocks(parts: RowNumbers, first: Array, last: Array) -> Iterator[tuple[RowNumbers, RowNumbers]]:
    """Yield all pairs in the ranges, in blocks of limited size."""
    ends = np.cumsum(last - first)
    begins = ends - (last - first)
    total = int(ends[-1]) if len(ends) else 0
    for start in range(0, total, _BLOCK):
        stop = min(start + _BLOCK, total)
        some = slice(np.searchsorted(ends, start, side="right"), np.searchsorted(begins, stop, side="left"))
        begun = np.maximum(begins[some], start)
        counts = np.minimum(ends[some], stop) - begun
        offsets = first[some] + begun - begins[some] - (begun - start)
        yield np.repeat(parts[some], counts), np.arange(stop - start) + np.repeat(offsets, counts)
