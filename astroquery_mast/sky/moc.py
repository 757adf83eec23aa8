"""Regions from a MOC (multi-order coverage map, IVOA): cells of the sky, and the footprints that overlap them.

In: a ``mocpy.MOC``.  Out: a frozen `MocRegion`.  ``mocpy`` does the work; it is installed if the user passes a MOC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle, Latitude, Longitude, SkyCoord

from ..exceptions import InvalidArgumentError
from ..tables.rows import Array
from .outlines import Outlines
from .position import Cone
from .region import cone_of
from .sphere import longitude_latitude, tangents, unit_vectors

# Number of cells along the radius of a footprint if the MOC itself has finer cells.
_RESOLUTION = 512
# Side of a cell of order 0, in radians; each order halves it.
_CELL = np.sqrt(np.pi / 3)
_DEEPEST = 29
# Sides of cells are not great circles, so a cell may bulge out of a circle through its corners by this fraction of its
# side.  The maximum in a few hundred random sets of cells was 0.012.
_BULGE = 0.02
# Orders by which circles are sampled more finely than in the resulting MOC.
_FINER = 3
# Number of polygons that are converted at a time.
_BATCH = 256
# Maximum number of steps to improve the center of the circle around a MOC.
_STEPS = 40


@dataclass(frozen=True)
class MocRegion:
    """The cells of a MOC."""

    moc: Any

    def __post_init__(self) -> None:
        """Raise if the MOC is empty."""
        if self.moc.empty():
            raise InvalidArgumentError("region is an empty MOC.")

    def __str__(self) -> str:
        """Describe the region in a few words."""
        return f"a MOC of order {self.moc.max_order}"

    def cone(self) -> Cone:
        """Return a circle that encloses the region.

        Starting from the barycenter, the center is moved as long as the circle around all cells gets smaller.  If a
        corner is more than 90 degrees from the center, the farthest position may be inside a cell, so that the circle
        is the whole sky.
        """
        center = unit_vectors(*_degrees(self.moc.barycenter()))
        reach = self._reach(center)
        step = reach / 2
        for _ in range(_STEPS):
            tried = _neighbors(center, step)
            reaches = [self._reach(moved) for moved in tried]
            best = int(np.argmin(reaches))
            if reaches[best] < reach:
                center, reach = tried[best], reaches[best]
            else:
                step /= 2
                if step < reach / 100:
                    break
        coarsest = min(map(int, self.moc.serialize("json")))
        reach += _BULGE * _CELL / 2**coarsest
        return cone_of(center, reach if reach < np.pi / 2 else np.pi)

    def _reach(self, center: Array) -> float:
        """Return the distance of the farthest corner of a cell in radians."""
        ra, dec = longitude_latitude(center)
        farthest = self.moc.largest_distance_from_coo_to_vertices(SkyCoord(ra, dec, unit="deg"))
        return float(farthest.to_value(u.rad))

    def contains(self, points: Array) -> Array:
        """Return a mask of the positions in the region."""
        ra, dec = longitude_latitude(points)
        return np.asarray(self.moc.contains_lonlat(lon=Longitude(ra, u.deg), lat=Latitude(dec, u.deg)))

    def overlaps(self, outlines: Outlines) -> Array:
        """Return a mask of the footprint parts that overlap a cell.

        Each footprint is converted to cells of the size of the MOC's, or of a limited resolution if these are smaller.
        """
        met = outlines.any_of(self.contains(outlines.vertices)) if len(outlines) else np.zeros(0, dtype=bool)
        left = np.flatnonzero(~met & (outlines.reach > 0))
        parts = outlines.take(left)
        order = np.minimum(self.moc.max_order, _order_of(parts.reach / _RESOLUTION))
        for each in np.unique(order):
            same = np.flatnonzero(order == each)
            met[left[same]] = self._share_cells(cover_cells(parts.take(same), int(each)))
        return met

    def _share_cells(self, drawn: list[Any]) -> Array:
        """Return a mask of the MOCs that share a cell with this one, from ranges of cells of the deepest order."""
        begin, end = self.moc.to_depth29_ranges.T.astype(np.uint64)
        ranges = [moc.to_depth29_ranges for moc in drawn]
        own_begin, own_end = np.concatenate(ranges).T.astype(np.uint64)
        following = np.searchsorted(end, own_begin, side="right")
        # A sentinel after the last range.
        starts = np.append(begin, np.iinfo(np.uint64).max)[following]
        first = np.cumsum([0, *map(len, ranges[:-1])])
        return np.asarray(np.logical_or.reduceat(starts < own_end, first))


def cover_cells(parts: Outlines, order: int) -> list[Any]:
    """Return the MOC of the cells that each part touches."""
    from mocpy import MOC  # noqa: PLC0415 - an optional dependency

    made: list[Any] = [None] * len(parts)
    discs = np.flatnonzero(~parts.polygonal)
    ra, dec = longitude_latitude(parts.vertices)
    for batch in _in_batches(parts):
        places = parts.first[batch][:, np.newaxis] + np.arange(parts.first[batch[0] + 1] - parts.first[batch[0]])
        corners = np.stack([ra[places], dec[places]], axis=1).reshape(2 * len(batch), -1)
        for part, moc in zip(batch.tolist(), MOC.from_polygons(corners, max_depth=order), strict=True):
            made[part] = moc
    at = parts.first[discs]
    drawn = MOC.from_cones(
        lon=Longitude(ra[at], u.deg),
        lat=Latitude(dec[at], u.deg),
        radius=Angle(parts.radius[discs], u.rad),
        max_depth=order,
        delta_depth=min(_FINER, _DEEPEST - order),
    )
    for place, moc in zip(discs.tolist(), drawn, strict=True):
        made[place] = moc
    return made


def _in_batches(parts: Outlines) -> Iterator[Array]:
    """Yield batches of polygons with the same number of corners, because ``mocpy`` takes them as one array."""
    corners = np.diff(parts.first)
    for count in np.unique(corners[parts.polygonal]):
        alike = np.flatnonzero(parts.polygonal & (corners == count))
        # The batches are small, because the time of a call grows with the square of the number of polygons.
        for start in range(0, len(alike), _BATCH):
            yield alike[start : start + _BATCH]


def _order_of(size: Array) -> Array:
    """Return the lowest order whose cells are not larger than a size in radians."""
    return np.asarray(np.clip(np.ceil(np.log2(_CELL / size)), 0, _DEEPEST).astype(int))


def _degrees(place: SkyCoord) -> tuple[float, float]:
    return float(place.ra.deg), float(place.dec.deg)


def _neighbors(center: Array, step: float) -> list[Array]:
    """Return positions around a center in four directions."""
    moved = [center + np.tan(min(step, 1.0)) * sign * axis for axis in tangents(center) for sign in (-1, 1)]
    return [each / np.linalg.norm(each) for each in moved]
