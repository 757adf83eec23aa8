"""Depth maps: how often, or how long, each pixel of a picture was observed.

In: outlines, a weight for each observation, and the positions of the pixels.  Out: exact sums and counts at the pixel
centers, ``(ny, nx)``.

In the gnomonic projection, which all smaller fields use, great circles are straight lines.  A footprint is then a few
runs of pixels in each row, and many footprints cost little.  In other projections each pixel near a footprint is
tested.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..tables.rows import Array, Floats, RowNumbers
from .outlines import Outlines
from .pair_distances import PairDistances
from .sphere import TOUCHING, separation
from .zones import near_pairs

# Number of crossings of sides with rows, or of pairs of footprints and pixels, that are processed together.
_BLOCK = 1 << 20
# Largest deviation of pixels from a plane, in pixels.
_FLAT = 1e-5


def depth_sums(
    outlines: Outlines, weights: Floats, vectors: Array, nearest: RowNumbers, tangent: Array | None
) -> tuple[Floats, Floats]:
    """Return for each pixel the sum of the weights of the observations that contain its center, and their number.

    There is one weight per observation, whose footprint is the union of its parts.  A footprint without any pixel
    center is counted in its nearest pixel, which ``nearest`` has for each part (-1 outside of the picture).  The
    vectors, ``(ny, nx, 3)``, are NaN where there is no sky.  The tangent point of the projection is None if the
    projection cannot be gnomonic.
    """
    shape = vectors.shape[:2]
    sums, counts = np.zeros(shape), np.zeros(shape)
    seen = np.zeros(len(weights), dtype=bool)
    plane = None if tangent is None else _plane(vectors, tangent)
    straight = np.zeros(len(outlines), dtype=bool)
    if plane is not None and tangent is not None:
        beyond = outlines.owner[~_in_front(outlines, tangent)]
        straight = ~np.isin(outlines.owner, beyond)
        runs = _Runs(np.linalg.inv(plane), plane, *shape)
        sums, counts = runs.sums_and_counts(outlines.take(np.flatnonzero(straight)), weights, seen)
    for owners, pixels in _tested_pairs(outlines.take(np.flatnonzero(~straight)), vectors.reshape(-1, 3)):
        seen[owners] = True
        _add(sums, counts, pixels, weights[owners])
    small = np.flatnonzero(~seen[outlines.owner] & (nearest >= 0))
    owners, pixels = _distinct_pairs(outlines.owner[small], nearest[small], sums.size)
    _add(sums, counts, pixels, weights[owners])
    return np.where(counts > 0, sums, 0.0), counts


def _add(sums: Floats, counts: Floats, pixels: RowNumbers, weights: Floats) -> None:
    """Add weights at pixels."""
    sums += np.bincount(pixels, weights, minlength=sums.size).reshape(sums.shape)
    counts += np.bincount(pixels, minlength=sums.size).reshape(sums.shape)


def _distinct_pairs(owners: RowNumbers, pixels: RowNumbers, size: int) -> tuple[RowNumbers, RowNumbers]:
    """Return the pairs of an observation and a pixel without duplicates."""
    return np.divmod(np.unique(owners.astype(np.int64) * size + pixels), size)


# -- any projection --------------------------------------------------------------------------------------------------


def _tested_pairs(outlines: Outlines, points: Array) -> Iterator[tuple[RowNumbers, RowNumbers]]:
    """Yield the pairs of an observation and a pixel in its footprint, without duplicates."""
    sky = np.flatnonzero(np.isfinite(points).all(axis=1))
    for parts in _groups(outlines, _expected(outlines, points[sky])):
        some = outlines.take(parts)
        test = PairDistances.of(some)
        found = [np.empty((2, 0), dtype=np.int64)]
        for each, places in near_pairs(some, points[sky], np.zeros(len(sky))):
            within = np.flatnonzero(test.within(each, points[sky[places]], TOUCHING) < np.inf)
            found.append(np.stack([some.owner[each[within]], sky[places[within]]]))
        owners, pixels = np.concatenate(found, axis=1)
        yield _distinct_pairs(owners, pixels, len(points))


def _expected(outlines: Outlines, points: Array) -> Floats:
    """Return the approximate number of pixels in the circle around each part."""
    if len(points) < 2:
        return np.ones(len(outlines))
    size = max(float(np.median(separation(points[1:], points[:-1]))), TOUCHING)
    return np.asarray(np.minimum(2 * np.pi * (1 - np.cos(outlines.reach)) / size**2, len(points)) + 1)


def _groups(outlines: Outlines, costs: Array) -> Iterator[RowNumbers]:
    """Yield the parts in groups of similar cost; the parts of an observation stay together."""
    order = np.argsort(outlines.owner, kind="stable")
    group = (np.cumsum(costs[order]) // _BLOCK).astype(np.int64)
    # All parts of an observation are in the group of the first one.
    _, first, which = np.unique(outlines.owner[order], return_index=True, return_inverse=True)
    group = group[first][which]
    for number in np.unique(group):
        yield order[group == number]


# -- a plane in which great circles are straight ---------------------------------------------------------------------


def _plane(vectors: Array, tangent: Array) -> Array | None:
    """Return the matrix from pixels ``(x, y, 1)`` to directions; None if the pixels are not in the tangent plane."""
    ny, nx = vectors.shape[:2]
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = vectors / (vectors @ tangent)[..., np.newaxis]
    origin = flat[0, 0]
    across, up = (flat[0, -1] - origin) / (nx - 1), (flat[-1, 0] - origin) / (ny - 1)
    expected = origin + np.arange(nx)[:, np.newaxis] * across + np.arange(ny)[:, np.newaxis, np.newaxis] * up
    away = np.abs(flat - expected).max()
    is_flat = away <= _FLAT * np.linalg.norm(across) and (vectors @ tangent).min() > 0
    return np.stack([across, up, origin], axis=1) if is_flat else None


def _in_front(outlines: Outlines, tangent: Array) -> Array:
    """Return a mask of the parts that are completely in the hemisphere of the plane, with a margin."""
    return np.asarray(separation(outlines.center, tangent) + outlines.reach < np.pi / 2 - 0.01)


@dataclass(frozen=True)
class _Runs:
    """The pixel rows of the picture as lines in the plane."""

    to_pixels: Array
    to_sky: Array
    ny: int
    nx: int

    def sums_and_counts(self, outlines: Outlines, weights: Floats, seen: Array) -> tuple[Floats, Floats]:
        """Return the sums and counts of all pixels; set ``seen`` for the observations that have any."""
        size = self.ny * (self.nx + 1)
        sums, counts = np.zeros(size), np.zeros(size)
        low, high = self._heights(outlines)
        sides = np.diff(outlines.first)
        for parts in _groups(outlines, (high - low) * sides + 1.0):
            some = outlines.take(parts)
            round_ = np.flatnonzero(~some.polygonal)
            spans = [self._across_polygons(some), self._across_circles(some, round_, low[parts], high[parts])]
            owners, rows, begin, end = self._merged(*np.concatenate(spans, axis=1))
            seen[owners] = True
            for column, sign in ((begin, 1.0), (end, -1.0)):
                places = rows * (self.nx + 1) + column
                sums += np.bincount(places, sign * weights[owners], minlength=size)
                counts += np.bincount(places, minlength=size) * sign
        shape = (self.ny, self.nx + 1)
        return sums.reshape(shape).cumsum(axis=1)[:, :-1], counts.reshape(shape).cumsum(axis=1)[:, :-1]

    def _pixels(self, vectors: Array) -> Array:
        """Return the pixel coordinates of directions, ``(n, 2)``."""
        placed = vectors @ self.to_pixels.T
        return np.asarray(placed[:, :2] / placed[:, 2:])

    def _heights(self, outlines: Outlines) -> tuple[RowNumbers, RowNumbers]:
        """Return the first row that each part may cross, and the row after the last."""
        if not len(outlines):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        y = self._pixels(outlines.vertices)[:, 1]
        low, high = (end.reduceat(y, outlines.first[:-1]) for end in (np.minimum, np.maximum))
        # The projection stretches a circle most in the direction away from the tangent point.
        radius = np.maximum(outlines.radius, 0.0)
        tangent = np.cross(self.to_sky[:, 0], self.to_sky[:, 1])
        row = np.linalg.norm(tangent) / np.linalg.norm(self.to_sky[:, 0])
        away = separation(outlines.center, tangent / np.linalg.norm(tangent) * np.sign(tangent @ self.to_sky[:, 2]))
        stretch = np.where(radius > 0, (np.tan(np.minimum(away + radius, 1.57)) - np.tan(away)) / row + 1, 0.0)
        return tuple(np.clip(np.ceil(each), 0, self.ny).astype(np.int64) for each in (low - stretch, high + stretch))

    def _across_polygons(self, outlines: Outlines) -> RowNumbers:
        """Return the runs of pixels inside polygons: owner, row, first pixel, and the pixel after the last."""
        polygon = np.repeat(outlines.polygonal, np.diff(outlines.first))
        part = np.repeat(np.arange(len(outlines)), np.diff(outlines.first))[polygon]
        at = self._pixels(outlines.vertices)
        (x, y), (x2, y2) = at[polygon].T, at[outlines.following()[polygon]].T
        low, high = (
            np.clip(np.ceil(end), 0, self.ny).astype(np.int64) for end in (np.minimum(y, y2), np.maximum(y, y2))
        )
        side, rows = _rows_of(low, high)
        crossing = x[side] + (rows - y[side]) * (x2 - x)[side] / (y2 - y)[side]
        order = np.lexsort((crossing, rows, part[side]))
        pixel = np.clip(np.ceil(crossing[order]), 0, self.nx).astype(np.int64)
        first = order[::2]
        return np.stack([outlines.owner[part[side[first]]], rows[first], pixel[::2], pixel[1::2]])

    def _across_circles(self, outlines: Outlines, parts: RowNumbers, low: RowNumbers, high: RowNumbers) -> RowNumbers:
        """Return the runs of pixels inside circles, between the roots of a quadratic equation for each row."""
        each, rows = _rows_of(low[parts], high[parts])
        part = parts[each]
        center, sine = outlines.center[part], np.sin(outlines.radius[part]) ** 2
        across = np.broadcast_to(self.to_sky[:, 0], center.shape)
        start = self.to_sky[:, 2] + rows[:, np.newaxis] * self.to_sky[:, 1]
        beside, along = np.cross(center, start), np.cross(center, across)
        a = (along**2).sum(axis=1) - sine * (across**2).sum(axis=1)
        b = (along * beside).sum(axis=1) - sine * (across * start).sum(axis=1)
        c = (beside**2).sum(axis=1) - sine * (start**2).sum(axis=1)
        met = np.flatnonzero((b**2 >= a * c) & (a > 0))
        root = np.sqrt(b[met] ** 2 - a[met] * c[met])
        ends = [(-b[met] + sign * root) / a[met] for sign in (-1, 1)]
        begin, end = (np.clip(np.ceil(each), 0, self.nx).astype(np.int64) for each in ends)
        return np.stack([outlines.owner[part[met]], rows[met], begin, end])

    def _merged(self, owners: RowNumbers, rows: RowNumbers, begin: RowNumbers, end: RowNumbers) -> RowNumbers:
        """Merge the runs of each observation so that no pixel is in two of them."""
        kept = np.flatnonzero(begin < end)
        line = np.tile(owners[kept] * self.ny + rows[kept], 2)
        column = np.concatenate([begin[kept], end[kept]])
        step = np.repeat([1, -1], len(kept))
        order = np.lexsort((-step, column, line))
        open_, step = np.cumsum(step[order]), step[order]
        first, last = order[(step > 0) & (open_ == 1)], order[(step < 0) & (open_ == 0)]
        owner, row = np.divmod(line[first], self.ny)
        return np.stack([owner, row, column[first], column[last]])


def _rows_of(low: RowNumbers, high: RowNumbers) -> tuple[RowNumbers, RowNumbers]:
    """Return, for each row from ``low`` to ``high``, the index of the item and the row."""
    counts = high - low
    each = np.repeat(np.arange(len(counts)), counts)
    return each, np.arange(len(each)) - np.repeat(np.cumsum(counts) - counts - low, counts)
