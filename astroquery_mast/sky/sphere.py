"""Geometry on the sphere, for many positions and great circles at a time.

In and out: unit vectors, ``(..., 3)``, and angles in radians.  Only the two conversion functions use right ascension
and declination, so that the poles and 0h need no special handling.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from ..tables.rows import Array

# Positions closer than this touch, in radians: 0.02 milliarcseconds, far above the rounding errors of unit vectors and
# far below the accuracy of any footprint.
TOUCHING = 1e-10
# Limit on the iterations for the smallest enclosing circle, more than are ever needed.
_STEPS = 500


def unit_vectors(ra: npt.ArrayLike, dec: npt.ArrayLike) -> Array:
    """Return the unit vectors of positions in degrees, ``(..., 3)``."""
    longitude, latitude = np.radians(ra), np.radians(dec)
    across = np.cos(latitude)
    return np.stack([across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude)], axis=-1)


def longitude_latitude(vectors: Array) -> tuple[Array, Array]:
    """Return the right ascensions (0 to 360) and declinations of vectors in degrees."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.degrees(np.arctan2(y, x)) % 360.0 % 360.0, np.degrees(np.arctan2(z, np.hypot(x, y)))


def separation(one: Array, other: Array) -> Array:
    """Return the angles between unit vectors, accurate also near 0 and 180 degrees."""
    half = np.linalg.norm(one - other, axis=-1), np.linalg.norm(one + other, axis=-1)
    return np.asarray(2 * np.arctan2(*half))


def normals_of(begin: Array, end: Array) -> Array:
    """Return the unit normals of the great circles through pairs of positions; zero for identical positions."""
    normals = np.cross(begin, end)
    lengths = np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.asarray(np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0))


def distance_to_arcs(begin: Array, end: Array, normals: Array, points: Array) -> Array:
    """Return the angles between positions and great-circle arcs."""
    beside = (_dot(np.cross(normals, begin), points) > 0) & (_dot(np.cross(end, normals), points) > 0)
    to_circle = np.arcsin(np.clip(np.abs(_dot(normals, points)), 0.0, 1.0))
    to_ends = np.minimum(separation(begin, points), separation(end, points))
    return np.where(beside, to_circle, to_ends)


def arcs_intersect(arc: tuple[Array, Array], begin: Array, end: Array, normals: Array) -> Array:
    """Return a mask of the great-circle arcs that cross or touch a given arc.

    Two arcs cross if the ends of each are on opposite sides of the other's great circle, in the order that
    distinguishes the crossing from its antipode.  Arcs on the same great circle are not counted: where they overlap, an
    arc next to one of them touches the other.
    """
    normal = normals_of(*arc)
    sides = -(begin @ normal), end @ normal, -(normals @ arc[1]), normals @ arc[0]
    lowest, highest = np.minimum.reduce(sides), np.maximum.reduce(sides)
    return np.asarray(((lowest >= -TOUCHING) | (highest <= TOUCHING)) & (highest - lowest > 2 * TOUCHING))


def sides_cross(vertices: Array) -> bool:
    """Return whether two sides of a polygon, which must fit into a hemisphere, cross other than at a corner."""
    # Signed distances of the corners from the great circles of the sides.
    heights = normals_of(vertices, np.roll(vertices, -1, axis=0)) @ vertices.T
    heights[np.abs(heights) <= TOUCHING] = 0
    parted = heights * np.roll(heights, -1, axis=1) < 0
    crossed = parted & parted.T
    return bool(crossed[~np.eye(len(vertices), dtype=bool)].any())


def within_polygon(points: Array, vertices: Array, axis: Array) -> Array:
    """Return a mask of the positions inside a polygon.

    The hemisphere around the axis is projected to a plane in which great circles are straight (gnomonic projection).
    """
    frame = tangents(axis)
    depth = points @ axis
    front = np.flatnonzero(depth > 0)
    x, y = (points[front] @ frame.T / depth[front, np.newaxis]).T
    corners = vertices @ frame.T / (vertices @ axis)[:, np.newaxis]
    odd = np.zeros(len(front), dtype=bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 != y2:
            odd ^= ((y1 > y) != (y2 > y)) & (x < x1 + (x2 - x1) / (y2 - y1) * (y - y1))
    inside = np.zeros(len(points), dtype=bool)
    inside[front] = odd
    return inside


def tangents(axis: Array) -> Array:
    """Return two unit vectors, ``(..., 2, 3)``, perpendicular to an axis and to each other."""
    first = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis), axis=-1)])
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    return np.stack([first, np.cross(axis, first)], axis=-2)


def min_enclosing_circle(points: Array) -> tuple[Array, float] | None:
    """Return the center and radius of the smallest circle around positions; None if it is not within a hemisphere.

    A few positions define the circle: starting from one, the farthest position is added until all are inside, and
    positions no longer needed are dropped (as in Gärtner's pivoting for the smallest enclosing ball; the circle grows
    with each step).
    """
    support, center = points[:1], points[0]
    for _ in range(_STEPS):
        found = _cap_of_few(support)
        # If rounding errors leave no solution, use a circle around the mean, which is never much larger.
        center, radius, support = (points.mean(axis=0), 0.0, support) if found is None else found
        center = center / max(float(np.linalg.norm(center)), np.finfo(float).tiny)
        away = separation(points, center)
        farthest = int(np.argmax(away))
        if found is None or away[farthest] <= radius + TOUCHING:
            break
        support = np.concatenate([support, points[farthest : farthest + 1]])
    reach = float(separation(points, center).max())
    return (center, reach) if reach < np.pi / 2 else None


def _cap_of_few(points: Array) -> tuple[Array, float, Array] | None:
    """Return the smallest circle around up to four positions, and the positions that define it."""
    best = None
    for count in range(1, min(3, len(points)) + 1):
        for chosen in combinations(range(len(points)), count):
            deciding = points[list(chosen)]
            center = _center_of(deciding)
            if center is None:
                continue
            radius = float(separation(deciding, center).max())
            holds = separation(points, center).max() <= radius + TOUCHING / 10
            if holds and (best is None or radius < best[1]) and radius < np.pi / 2:
                best = center, radius, deciding
    return best


def _center_of(points: Array) -> Array | None:
    """Return the center of the circle through up to three positions; None if it is undefined."""
    if len(points) < 3:
        axis = points.sum(axis=0)
    else:
        axis = np.cross(points[1] - points[0], points[2] - points[0])
        axis = axis * np.sign(axis @ points[0])
    length = float(np.linalg.norm(axis))
    return axis / length if length > 0 else None


def _dot(one: Array, other: Array) -> Array:
    return np.asarray((one * other).sum(axis=-1))
