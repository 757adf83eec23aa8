"""Boxes and polygons on the sky, compared with footprints in the tangent plane at their center."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..archive.geometry import Circle, Shape, deproject, parse_region, project, separation, unit_vectors

if TYPE_CHECKING:
    from ..archive import Archive

Point = tuple[float, float]
Outline = Sequence[Point]
#: Corners of a polygon that approximates a circle of radius 1.
_ROUND = [(math.cos(math.radians(turn)), math.sin(math.radians(turn))) for turn in range(0, 360, 10)]


def nearest(rows: Sequence[Mapping[str, Any]], ra: float, dec: float, radius: float) -> list[dict[str, Any]]:
    """Return the observations whose position is in a cone, nearest first, with the distance in arcmin."""
    places = np.array([(row["s_ra"], row["s_dec"]) for row in rows], dtype=float).reshape(-1, 2)
    apart = np.degrees(separation(unit_vectors(*places.T), unit_vectors(ra, dec)))
    near = np.argsort(apart, kind="stable")[: np.count_nonzero(apart <= radius)]
    return [{**rows[index], "ang_sep": round(float(apart[index]) * 60, 6)} for index in near]


def _inside(point: Point, outline: Outline) -> bool:
    """Return whether a point is inside an outline (even-odd rule)."""
    x, y = point
    odd = False
    for (x0, y0), (x1, y1) in pairwise((*outline, outline[0])):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            odd = not odd
    return odd


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _cross(first: Outline, second: Outline) -> bool:
    """Return whether two outlines intersect."""
    return any(
        _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0
        for a, b in pairwise((*first, first[0]))
        for c, d in pairwise((*second, second[0]))
    )


def _overlaps(area: Outline, footprint: Outline) -> bool:
    return _inside(area[0], footprint) or _inside(footprint[0], area) or _cross(area, footprint)


def _covers(area: Outline, footprint: Outline) -> bool:
    return _inside(area[0], footprint) and not _cross(area, footprint)


def _enclosed(area: Outline, footprint: Outline) -> bool:
    return _covers(footprint, area)


#: Relations between an area and a footprint, as named by SIA; CENTER compares positions instead.
RELATIONS: Mapping[str, Callable[[Outline, Outline], bool]] = {
    "OVERLAPS": _overlaps,
    "COVERS": _covers,
    "ENCLOSED": _enclosed,
}


@dataclass(frozen=True)
class Area:
    """An outline in the tangent plane at a position; all in degrees."""

    ra: float
    dec: float
    outline: Outline

    @classmethod
    def box(cls, ra: float, dec: float, width: float, height: float) -> Area:
        """Return the box of an angular width and height around a position."""
        x, y = (math.degrees(math.tan(math.radians(side / 2))) for side in (width, height))
        return cls(ra, dec, ((-x, -y), (x, -y), (x, y), (-x, y)))

    @classmethod
    def polygon(cls, corners: Sequence[Point]) -> Area:
        """Return the polygon with these corners."""
        middle = unit_vectors(*zip(*corners, strict=True)).mean(axis=0)
        ra = math.degrees(math.atan2(middle[1], middle[0])) % 360.0
        dec = math.degrees(math.atan2(middle[2], math.hypot(middle[0], middle[1])))
        xs, ys = project(ra, dec, *zip(*corners, strict=True))
        return cls(ra, dec, tuple(zip(xs.tolist(), ys.tolist(), strict=True)))

    def observations(self, archive: Archive, relation: str = "OVERLAPS") -> set[int]:
        """Return ``objID`` of the observations in the area."""
        reach = max(math.degrees(math.atan(math.radians(math.hypot(*corner)))) for corner in self.outline)
        near = json.dumps(list(archive.within(self.ra, self.dec, reach)))
        sql = "SELECT objID, s_ra, s_dec, s_region FROM observation WHERE objID IN (SELECT value FROM json_each(?))"
        test = self._has_center if relation == "CENTER" else partial(self._has_footprint, RELATIONS[relation])
        return {row["objID"] for row in archive.query(sql, (near,)) if test(row)}

    def _has_center(self, row: Mapping[str, Any]) -> bool:
        xs, ys = project(self.ra, self.dec, [row["s_ra"]], [row["s_dec"]])
        return _inside((float(xs[0]), float(ys[0])), self.outline)

    def _has_footprint(self, holds: Callable[[Outline, Outline], bool], row: Mapping[str, Any]) -> bool:
        return any(holds(self.outline, self._outline(shape)) for shape in parse_region(row["s_region"]))

    def _outline(self, shape: Shape) -> Outline:
        """Return the outline of a footprint in this plane."""
        if isinstance(shape, Circle):
            radius = math.degrees(math.tan(math.radians(shape.radius)))
            corners = [deproject(shape.ra, shape.dec, radius * x, radius * y) for x, y in _ROUND]
        else:
            corners = list(shape.vertices)
        xs, ys = project(self.ra, self.dec, *zip(*corners, strict=True))
        return tuple(zip(xs.tolist(), ys.tolist(), strict=True))
