"""Combine neighboring cones into larger shared cones, and divide the responses among them.

In: distinct `~astroquery_mast.sky.position.Cone` values.  Out: a `SharedCone` for each request; from its response, the
rows and distances of each member.  Members whose rows are uncertain are left out and need requests of their own.

Only certain cases are decided here.  MAST's distances are those to the outline in ``s_region``: in the recorded
response ``caom.json`` of ``astroquery.mast``, all 18 distances to polygons agree to a millionth of an arcsecond with
the distances from the position of that query (23.34086, 60.6583).  All of them are distances to corners; whether MAST
joins the corners by great circles is not known.  MAST treats circles as polygons with corners on the circle: in
``advSearchPos.json``, circles of 2250 arcsec are up to 9 arcsec (0.4 percent) farther away than they should be.  Cases
within a margin of at least twice these amounts are left to MAST.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from ..exceptions import FootprintParseError
from ..sky.outlines import Outlines, outlines_of
from ..sky.position import Cone
from ..sky.region_filter import cone_filter
from ..sky.shapes import Shape, parse_s_region
from ..sky.sphere import distance_to_arcs, longitude_latitude, separation, unit_vectors
from ..tables.columns import plain_floats
from ..tables.mashup import Page
from ..tables.rows import Array, RowNumbers
from ..tables.table import RequestInfo, TableBuilder

FOOTPRINT = 0.05
"""The extent of a typical footprint beyond the circle that it touches, in degrees: the 3 arcmin of the imagers of HST
(https://hst-docs.stsci.edu) and NIRCam (https://jwst-docs.stsci.edu), which make most observations."""
LARGEST = 0.5
"""The largest radius of a shared cone, in degrees: MAST responds within seconds, even in crowded fields."""
# A shared cone is enlarged by an arcsecond (in degrees) and a thousandth of its radius, because MAST may compute
# distances differently.
_MARGIN, _MARGIN_OF_RADIUS = 1 / 3600, 1e-3
# Positions do not fit into one cone if a coordinate of their unit vectors differs by more than this.
_WIDEST = 2 * math.sin(math.radians(LARGEST))
# Splits targets at the same position in the middle (unit vectors; far smaller than any gap).
_TINY = 1e-15


@dataclass(frozen=True)
class SharedCone:
    """A cone that contains the cones of several targets, or the cone of a single target."""

    cone: Cone
    members: npt.NDArray[np.int64]

    @property
    def shared(self) -> bool:
        """Whether it contains several cones."""
        return len(self.members) > 1


def is_cheaper(reach: float, radii: Array) -> bool:
    """Return whether a large cone returns no more rows than its members together.

    The number of rows in a cone of radius r grows as (r + f)², where f is `FOOTPRINT`.  So n members of radius r (root
    mean square) may share a cone of radius R if (R + f)² ≤ n (r + f)².
    """
    typical = float(np.sqrt(np.mean(radii**2)))
    return reach <= LARGEST and (reach + FOOTPRINT) ** 2 <= len(radii) * (typical + FOOTPRINT) ** 2


def share_cones(cones: Sequence[Cone]) -> list[SharedCone]:
    """Return the cones to query, which together contain all given cones."""
    radii = np.array([cone.radius for cone in cones], dtype=float)
    points = unit_vectors([cone.ra for cone in cones], [cone.dec for cone in cones])
    waiting = [np.flatnonzero(radii <= LARGEST)]
    groups = [SharedCone(cones[place], np.array([place])) for place in np.flatnonzero(radii > LARGEST).tolist()]
    while waiting:
        members = waiting.pop()
        if len(members) < 2:
            groups += [SharedCone(cones[place], members) for place in members.tolist()]
            continue
        own = points[members]
        cone = _shared_cone(own, radii[members])
        if cone is None:
            waiting += _split(members, own[:, np.argmax(np.ptp(own, axis=0))])
        else:
            groups.append(SharedCone(cone, np.sort(members)))
    return sorted(groups, key=lambda group: int(group.members[0]))


def _shared_cone(points: Array, radii: Array) -> Cone | None:
    """Return the cone that contains those around some points; None if it is better to split them."""
    low, high = points.min(axis=0), points.max(axis=0)
    if (high - low).max() > _WIDEST:
        return None
    cone = _around(points, radii, (low + high) / 2)
    return cone if is_cheaper(cone.radius, radii) else None


def _around(points: Array, radii: Array, middle: Array) -> Cone:
    """Return the cone around other cones, with its center in a given direction."""
    center = middle / np.linalg.norm(middle)
    reach = float((np.degrees(separation(points, center)) + radii).max())
    ra, dec = longitude_latitude(middle)
    return Cone(float(ra), float(dec), reach * (1 + _MARGIN_OF_RADIUS) + _MARGIN)


def _split(members: Array, along: Array) -> list[Array]:
    """Split members into two parts, by their coordinate along an axis."""
    order = np.argsort(along, kind="stable")
    after = np.arange(1, len(order))
    gaps = np.diff(along[order]) + _TINY
    cut = int(np.argmax(gaps * np.minimum(after, len(order) - after))) + 1
    return [members[order[:cut]], members[order[cut:]]]


# -- dividing a response -----------------------------------------------------------------------------------------------

# The columns used; without s_region, all rows are uncertain.
_ANSWER_COLUMNS = ("s_ra", "s_dec", "s_region", "distance", "obsid")
# The margin: a fraction of an arcsecond, plus fractions of the radii of the cone and of a circular footprint.
_LEAST = np.radians(0.2 / 3600)
_OF_CONE, _OF_CIRCLE = 1e-3, 1e-2
# A side that is straight in right ascension and declination deviates from a great circle by its squared length times
# the tangent of its declination, divided by 8; the tangent is limited near the poles.
_OF_SIDE, _STEEPEST = 1 / 8, 10.0
# If MAST's own distances from the center of the shared cone differ from ours, the margin grows by twice the difference,
# because they may differ in the other direction elsewhere.
_OF_DEVIATION = 2.0
# For a polygon that extends farther than this, inside and outside cannot be distinguished.
_LARGEST = np.pi / 2


@dataclass(frozen=True)
class MemberRows:
    """The rows of a shared response that belong to one cone, and their distances (arcsec)."""

    rows: RowNumbers
    distance: npt.NDArray[np.float64]


def divide_pages(
    request: RequestInfo, pages: Sequence[Page], group: SharedCone, cones: Sequence[Cone], overlap: str
) -> dict[int, MemberRows]:
    """Divide the pages of the response for a shared cone among its members."""
    builder = TableBuilder(request, {})
    for page in pages:
        builder.add(replace(page, fields=tuple(column for column in page.fields if column[0] in _ANSWER_COLUMNS)))
    return divide_answer(builder.table(), group, cones, overlap)


def divide_answer(answer: Table, group: SharedCone, cones: Sequence[Cone], overlap: str) -> dict[int, MemberRows]:
    """Divide the rows of the response for a shared cone among its members."""
    if "s_region" not in answer.colnames:
        return {}
    ra, dec = _numbers(answer, "s_ra"), _numbers(answer, "s_dec")
    footprints = _Footprints.of(answer, group.cone)
    first = _ranks(answer)
    found: dict[int, MemberRows] = {}
    for member in group.members.tolist():
        cone = cones[member]
        wanted = _positions_in(cone, ra, dec) if overlap == "center" else np.ones(len(answer), dtype=bool)
        inside, doubtful, distance = footprints.compared_with(cone)
        if not (doubtful & wanted).any():
            rows = np.flatnonzero(inside & wanted)
            rows = rows[np.lexsort((first[rows], distance[rows]))]
            found[member] = MemberRows(rows, distance[rows])
    return found


def _numbers(answer: Table, name: str) -> npt.NDArray[np.float64]:
    """Return the values of a column; NaN if masked, or if the column is missing."""
    return plain_floats(answer[name]) if name in answer.colnames else np.full(len(answer), np.nan)


def _positions_in(cone: Cone, ra: Array, dec: Array) -> Array:
    """Return which positions are inside a cone."""
    placed = np.isfinite(ra) & np.isfinite(dec)
    inside = np.zeros(len(ra), dtype=bool)
    inside[placed] = cone_filter(cone).region.contains(unit_vectors(ra[placed], dec[placed]))
    return inside


@dataclass(frozen=True)
class _Footprints:
    """The distinct footprints of some rows."""

    outlines: Outlines
    uncertainty: Array
    of_row: RowNumbers
    count: int

    @classmethod
    def of(cls, answer: Table, cone: Cone) -> _Footprints:
        """Parse the footprints in a response, and compare their distances with those in the response."""
        places: dict[Any, int] = {}
        texts = answer["s_region"].tolist()
        of_row = np.array([places.setdefault(text, len(places)) for text in texts], dtype=np.int64)
        shapes = [_readable(text) for text in places]
        bare = np.array([not parts for parts in shapes], dtype=bool)
        nowhere = np.full(len(shapes), np.nan)
        outlines = outlines_of(shapes, nowhere, nowhere)
        uncertainty = np.where(outlines.reach < _LARGEST, _edge_uncertainty(outlines), np.inf)
        of_row[bare[of_row]] = len(shapes)
        footprints = cls(outlines, uncertainty, of_row, len(shapes) + 1)
        if "distance" not in answer.colnames:
            return footprints
        deviation = np.zeros(footprints.count)
        sent = np.radians(_numbers(answer, "distance") / 3600)
        known = np.flatnonzero(np.isfinite(sent))
        ours = footprints._distances(unit_vectors(cone.ra, cone.dec))
        np.maximum.at(deviation, of_row[known], np.abs(sent - ours[of_row])[known])
        return cls(outlines, uncertainty + _OF_DEVIATION * deviation[outlines.owner], of_row, footprints.count)

    def compared_with(self, cone: Cone) -> tuple[Array, Array, Array]:
        """Return whether each row's footprint meets a cone, whether that is uncertain, and the distance (arcsec)."""
        point, radius = unit_vectors(cone.ra, cone.dec), np.radians(cone.radius)
        margin = _LEAST + _OF_CONE * radius + self.uncertainty
        near = self.outlines.near(point, radius + float(margin.max(initial=0.0)))
        parts = self.outlines.take(near)
        away = _signed_distance(parts, point)
        inside, doubtful = np.zeros((2, self.count), dtype=bool)
        inside[parts.owner[away < radius - margin[near]]] = True
        doubtful[parts.owner[np.abs(away - radius) <= margin[near]]] = True
        doubtful[-1] = True
        distance = np.full(self.count, np.inf)
        np.minimum.at(distance, parts.owner, np.maximum(away, 0.0))
        of_row = self.of_row
        return inside[of_row], (doubtful & ~inside)[of_row], (np.degrees(distance) * 3600)[of_row]

    def _distances(self, point: Array) -> Array:
        """Return the distance of each footprint from a position (radians); 0 for the last, which is unknown."""
        distance = np.full(self.count, np.inf)
        np.minimum.at(distance, self.outlines.owner, np.maximum(_signed_distance(self.outlines, point), 0.0))
        return np.where(np.isfinite(distance), distance, 0.0)


def _edge_uncertainty(parts: Outlines) -> Array:
    """Return by how much MAST's edges may differ from those computed here, in radians."""
    if not len(parts):
        return np.zeros(0)
    begin, end, _ = parts.edges()
    sides, height = separation(begin, end), np.abs(begin[:, 2])
    tangent = height / np.maximum(np.sqrt(np.clip(1 - height**2, 0, None)), 1 / _STEEPEST)
    off = np.maximum.reduceat(sides**2, parts.first[:-1]) * np.maximum.reduceat(tangent, parts.first[:-1]) * _OF_SIDE
    return np.asarray(off + _OF_CIRCLE * np.maximum(parts.radius, 0))


def _signed_distance(parts: Outlines, point: Array) -> Array:
    """Return the distances of the edges from a position, in radians; negative if the position is inside."""
    if not len(parts):
        return np.zeros(0)
    to_edge = np.minimum.reduceat(distance_to_arcs(*parts.edges(), point), parts.first[:-1])
    to_edge = to_edge - np.maximum(parts.radius, 0)
    return np.where(parts.around(point), -to_edge, to_edge)


def _readable(text: Any) -> list[Shape]:
    """Return the shapes of a footprint; an empty list if any of them cannot be parsed."""
    try:
        return parse_s_region(text, errors="raise")
    except FootprintParseError:
        return []


def _ranks(answer: Table) -> Array:
    """Return the rank of each row by ``obsid``, so that rows at equal distances have a reproducible order."""
    ranks = np.arange(len(answer))
    if "obsid" in answer.colnames:
        texts: Array = np.ma.filled(np.ma.asarray(answer["obsid"], dtype=str), "")
        ranks[np.lexsort((texts, np.char.str_len(texts)))] = np.arange(len(answer))
    return ranks
