"""The answer for a large cone → what each of the cones in it would have been answered.

In: the observations in a large cone, and the cones that it holds.  Out: for each of these the rows that belong to it
and how far they are; nothing for one of which that cannot be told for sure, which is then asked for by itself.

Only what is clear is decided here.  The archive's distances are those to the outline in ``s_region``: in the recorded
answer ``caom.json`` of ``astroquery.mast`` all 18 from polygons agree to a millionth of an arcsecond, once the position
that was asked for is known (23.34086, 60.6583).  All of them are distances from corners; that the sides between are
great circles is not known.  Circles are polygons there, with corners on the circle: in ``advSearchPos.json`` those of
2250 arcsec are up to 9 arcsec (0.4 percent) farther away than they should be.  Within a margin of at least twice such
amounts it is left to the archive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from ..exceptions import FootprintParseError
from ..sky.outlines import Outlines, outlines_of
from ..sky.position import Cone
from ..sky.region import ShapeRegion
from ..sky.shapes import Circle, Shape, parse_s_region
from ..sky.sphere import Array, distance_to_arcs, separation, unit_vectors
from .neighbours import Group

__all__ = ["ANSWER_COLUMNS", "Share", "numbers", "positions_in", "shares"]

ANSWER_COLUMNS = ("s_ra", "s_dec", "s_region", "distance", "obsid")
"""The columns that are looked at; without ``s_region`` everything is in doubt."""
# The margin: some of an arcsecond, and parts of the radius of the cone, and of that of a circular footprint.
_LEAST = np.radians(0.2 / 3600)
_OF_CONE, _OF_CIRCLE = 1e-3, 1e-2
# A side that is straight in right ascension and declination is off a great circle by its squared length times the
# tangent of its declination, over 8; the tangent is not let grow without end at the poles.
_OF_SIDE, _STEEPEST = 1 / 8, 10.0
# Where the archive's own distances from the centre of the large cone are others, the margin is that much wider, and
# twice as much because they may be off to the other side elsewhere.
_OF_DEVIATION = 2.0
# A polygon that reaches farther could as well be what is outside of it.
_LARGEST = np.pi / 2

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Share:
    """What one cone gets of an answer."""

    rows: Rows
    distance: npt.NDArray[np.float64]


def shares(answer: Table, group: Group, cones: Sequence[Cone], overlap: str) -> dict[int, Share]:
    """Divide the answer for a group among its members."""
    if "s_region" not in answer.colnames:
        return {}
    ra, dec = numbers(answer, "s_ra"), numbers(answer, "s_dec")
    seen = _Seen.of(answer, group.cone)
    first = _ranks(answer)
    found: dict[int, Share] = {}
    for member in group.members.tolist():
        cone = cones[member]
        wanted = positions_in(cone, ra, dec) if overlap == "center" else np.ones(len(answer), dtype=bool)
        inside, doubtful, distance = seen.by(cone)
        if not (doubtful & wanted).any():
            rows = np.flatnonzero(inside & wanted)
            rows = rows[np.lexsort((first[rows], distance[rows]))]
            found[member] = Share(rows, distance[rows])
    return found


def numbers(answer: Table, name: str) -> npt.NDArray[np.float64]:
    """Return the values of a column, NaN where they are masked, or where there is no such column."""
    if name not in answer.colnames:
        return np.full(len(answer), np.nan)
    return np.asarray(np.ma.filled(np.ma.asarray(answer[name], dtype=float), np.nan))


def positions_in(cone: Cone, ra: Array, dec: Array) -> Array:
    """Tell which positions are in a cone."""
    placed = np.isfinite(ra) & np.isfinite(dec)
    inside = np.zeros(len(ra), dtype=bool)
    inside[placed] = ShapeRegion((Circle(cone.ra, cone.dec, cone.radius),)).contains(
        unit_vectors(ra[placed], dec[placed])
    )
    return inside


@dataclass(frozen=True)
class _Seen:
    """The footprints of some rows, each different one once."""

    outlines: Outlines
    slack: Array
    kind: Rows
    number: int

    @classmethod
    def of(cls, answer: Table, asked: Cone) -> _Seen:
        """Lay out the footprints of an answer, and see how they agree with the distances in it."""
        places: dict[Any, int] = {}
        texts = answer["s_region"].tolist()
        kind = np.array([places.setdefault(text, len(places)) for text in texts], dtype=np.int64)
        shapes = [_readable(text) for text in places]
        bare = np.array([not parts for parts in shapes], dtype=bool)
        nowhere = np.full(len(shapes), np.nan)
        outlines = outlines_of(shapes, nowhere, nowhere)
        slack = np.where(outlines.reach < _LARGEST, _slack(outlines), np.inf)
        kind[bare[kind]] = len(shapes)
        seen = cls(outlines, slack, kind, len(shapes) + 1)
        if "distance" not in answer.colnames:
            return seen
        deviation = np.zeros(seen.number)
        told = np.radians(numbers(answer, "distance") / 3600)
        known = np.flatnonzero(np.isfinite(told))
        ours = seen._distances(unit_vectors(asked.ra, asked.dec))
        np.maximum.at(deviation, kind[known], np.abs(told - ours[kind])[known])
        return cls(outlines, slack + _OF_DEVIATION * deviation[outlines.owner], kind, seen.number)

    def by(self, cone: Cone) -> tuple[Array, Array, Array]:
        """Tell for each row whether its footprint meets a cone, whether that is in doubt, and the distance (arcsec)."""
        point, radius = unit_vectors(cone.ra, cone.dec), np.radians(cone.radius)
        margin = _LEAST + _OF_CONE * radius + self.slack
        near = self.outlines.near(point, radius + float(margin.max(initial=0.0)))
        parts = self.outlines.take(near)
        away = _signed(parts, point)
        inside, doubtful = np.zeros((2, self.number), dtype=bool)
        inside[parts.owner[away < radius - margin[near]]] = True
        doubtful[parts.owner[np.abs(away - radius) <= margin[near]]] = True
        doubtful[-1] = True
        distance = np.full(self.number, np.inf)
        np.minimum.at(distance, parts.owner, np.maximum(away, 0.0))
        kind = self.kind
        return inside[kind], (doubtful & ~inside)[kind], (np.degrees(distance) * 3600)[kind]

    def _distances(self, point: Array) -> Array:
        """The distance of each footprint from a position, in radians; zero for the last, of which nothing is known."""
        distance = np.full(self.number, np.inf)
        np.minimum.at(distance, self.outlines.owner, np.maximum(_signed(self.outlines, point), 0.0))
        return np.where(np.isfinite(distance), distance, 0.0)


def _slack(parts: Outlines) -> Array:
    """By how much the archive's edges may be elsewhere, in radians."""
    if not len(parts):
        return np.zeros(0)
    begin, end, _ = parts.edges()
    sides, height = separation(begin, end), np.abs(begin[:, 2])
    tangent = height / np.maximum(np.sqrt(np.clip(1 - height**2, 0, None)), 1 / _STEEPEST)
    off = np.maximum.reduceat(sides**2, parts.first[:-1]) * np.maximum.reduceat(tangent, parts.first[:-1]) * _OF_SIDE
    return np.asarray(off + _OF_CIRCLE * np.maximum(parts.radius, 0))


def _signed(parts: Outlines, point: Array) -> Array:
    """How far the edges of some parts are from a position, in radians; negative if that is inside."""
    if not len(parts):
        return np.zeros(0)
    to_edge = np.minimum.reduceat(distance_to_arcs(*parts.edges(), point), parts.first[:-1])
    to_edge = to_edge - np.maximum(parts.radius, 0)
    return np.where(parts.around(point), -to_edge, to_edge)


def _readable(text: Any) -> list[Shape]:
    """The shapes of a footprint; none if not all of them can be read."""
    try:
        return parse_s_region(text, errors="raise")
    except FootprintParseError:
        return []


def _ranks(answer: Table) -> Array:
    """For each row its place by ``obsid``, so that the order of equally distant rows does not depend on the group."""
    ranks = np.arange(len(answer))
    if "obsid" in answer.colnames:
        texts: Array = np.ma.filled(np.ma.asarray(answer["obsid"], dtype=str), "")
        ranks[np.lexsort((texts, np.char.str_len(texts)))] = np.arange(len(answer))
    return ranks
