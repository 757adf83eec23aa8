"""Regions on the sky: the circle to query, and the exact test of the results.

In: polygons, circles and points (`~astroquery_mast.sky.region_input.as_region` makes them from user input).  Out: a
frozen `ShapeRegion`, whose methods test many positions or footprints at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from ..exceptions import InvalidArgumentError
from ..tables.rows import Array
from .outlines import Outlines
from .position import Cone
from .shapes import Circle, Point, Polygon, Shape
from .sphere import (
    TOUCHING,
    arcs_intersect,
    distance_to_arcs,
    longitude_latitude,
    min_enclosing_circle,
    normals_of,
    separation,
    tangents,
    unit_vectors,
    within_polygon,
)

# Margin of the query circle in degrees: an arcsecond, because MAST may compute the sides of footprints differently.
_MARGIN = 1 / 3600
# Positions that represent a circle in the search for the smallest circle around several shapes.
_SAMPLES = 64
# Radius of the circle around the corners of the largest valid polygon, in radians.
_LARGEST = math.radians(89.9)


class Region(Protocol):
    """A part of the sky."""

    def cone(self) -> Cone:
        """Return a circle that encloses the region, close to the smallest one."""

    def contains(self, points: Array) -> Array:
        """Return a mask of the positions, unit vectors ``(n, 3)``, that are in the region."""

    def overlaps(self, outlines: Outlines) -> Array:
        """Return a mask of the footprint parts that overlap or touch the region."""

    def __str__(self) -> str:
        """Describe the region in a few words."""


@dataclass(frozen=True)
class ShapeRegion:
    """The union of shapes."""

    shapes: tuple[Shape, ...]

    def __post_init__(self) -> None:
        """Check the shapes."""
        if not self.shapes:
            raise InvalidArgumentError("region is empty.")
        for shape in self.shapes:
            if isinstance(shape, Polygon):
                _outline(shape)

    def __str__(self) -> str:
        """Describe the region in a few words."""
        if len(self.shapes) > 1:
            return f"{len(self.shapes)} shapes"
        shape = self.shapes[0]
        if isinstance(shape, Polygon):
            return f"a polygon of {len(shape.vertices)} vertices"
        return f"a circle of {shape.radius:.6g} deg" if isinstance(shape, Circle) else "a point"

    def cone(self) -> Cone:
        """Return a circle that encloses the region, close to the smallest one."""
        only = self.shapes[0] if len(self.shapes) == 1 else None
        if only is not None and not isinstance(only, Polygon):
            return Cone(only.ra, only.dec, min(180.0, math.degrees(_disc(only)[1]) + _MARGIN))
        points = np.concatenate([_samples(shape) for shape in self.shapes])
        cap = min_enclosing_circle(points)
        # Without an enclosing circle, the region extends over more than a hemisphere, and any center will do.
        center = _samples(self.shapes[0])[0] if cap is None else cap[0]
        return cone_of(center, max(_farthest(shape, center) for shape in self.shapes))

    def contains(self, points: Array) -> Array:
        """Return a mask of the positions in the region."""
        inside = np.zeros(len(points), dtype=bool)
        for shape in self.shapes:
            if isinstance(shape, Polygon):
                vertices, axis, _ = _outline(shape)
                inside |= within_polygon(points, vertices, axis)
            else:
                center, radius = _disc(shape)
                inside |= separation(points, center) <= radius + TOUCHING
        return inside

    def overlaps(self, outlines: Outlines) -> Array:
        """Return a mask of the footprint parts that overlap or touch the region."""
        met = np.zeros(len(outlines), dtype=bool)
        for shape in self.shapes:
            if isinstance(shape, Polygon):
                _, center, radius = _outline(shape)
            else:
                center, radius = _disc(shape)
            near = outlines.near(center, radius)
            near = near[~met[near]]
            parts = outlines.take(near)
            met[near] = _overlapping(shape, parts) if isinstance(shape, Polygon) else parts.within(center, radius)
        return met


def cone_of(center: Array, reach: float) -> Cone:
    """Return the query circle of a radius, in radians, around a center, with the margin added."""
    ra, dec = longitude_latitude(center)
    return Cone(float(ra), float(dec), min(180.0, math.degrees(reach) + _MARGIN))


def _overlapping(polygon: Polygon, parts: Outlines) -> Array:
    """Return a mask of the parts that overlap a polygon.

    If no sides touch, one of the two is completely inside or outside the other, so testing one corner is enough.
    """
    vertices, axis, _ = _outline(polygon)
    met = within_polygon(parts.vertices[parts.first[:-1]], vertices, axis)
    left = np.flatnonzero(~met)
    parts = parts.take(left)
    met[left] = parts.around(vertices[0]) | _sides_touch(vertices, parts)
    return met


def _sides_touch(vertices: Array, parts: Outlines) -> Array:
    """Return a mask of the parts with a side that touches a side of the polygon."""
    begin, end, normals = parts.edges()
    met = np.zeros(len(parts), dtype=bool)
    round_ = np.flatnonzero(~parts.polygonal)
    centers, radii = parts.vertices[parts.first[round_]], parts.radius[round_] + TOUCHING
    for arc in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
        met |= parts.any_of(arcs_intersect(arc, begin, end, normals))
        met[round_] |= distance_to_arcs(*arc, normals_of(*arc), centers) <= radii
    return met


@lru_cache(maxsize=1024)
def _outline(polygon: Polygon) -> tuple[Array, Array, float]:
    """Return the corners of a polygon, and the center and radius of the smallest circle around them."""
    vertices = unit_vectors(*np.transpose(polygon.vertices))
    cap = min_enclosing_circle(vertices)
    if cap is None or cap[1] > _LARGEST:
        raise InvalidArgumentError(
            "region has a polygon larger than a hemisphere, so its interior is ambiguous. Split it, or use a MOC."
        )
    return vertices, *cap


def _disc(shape: Circle | Point) -> tuple[Array, float]:
    """Return the center, a unit vector, and the radius, in radians, of a circle or point."""
    return unit_vectors(shape.ra, shape.dec), math.radians(shape.radius) if isinstance(shape, Circle) else 0.0


def _samples(shape: Shape) -> Array:
    """Return positions on the edge of a shape."""
    if isinstance(shape, Polygon):
        return _outline(shape)[0]
    center, radius = _disc(shape)
    if not radius:
        return center[np.newaxis]
    around = 2 * np.pi * np.arange(_SAMPLES) / _SAMPLES
    return np.asarray(
        math.cos(radius) * center
        + math.sin(radius) * (np.column_stack([np.cos(around), np.sin(around)]) @ tangents(center))
    )


def _farthest(shape: Shape, center: Array) -> float:
    """Return the largest angle between a position and a shape."""
    if not isinstance(shape, Polygon):
        middle, radius = _disc(shape)
        return float(separation(middle, center)) + radius
    vertices, middle, radius = _outline(shape)
    to_corners = float(separation(vertices, center).max())
    # If corners are more than 90 degrees away, sides may bulge outward as seen from the center.
    return to_corners if to_corners < np.pi / 2 else float(separation(middle, center)) + radius
