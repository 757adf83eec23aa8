"""Regions and footprints on the sphere, compared with independent methods, and rotated to any position on the sky."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import assume, example, given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidArgumentError
from astroquery_mast.sky.outlines import outlines_of
from astroquery_mast.sky.region import ShapeRegion
from astroquery_mast.sky.shapes import Circle, Point, Polygon, Shape, polygon_of
from astroquery_mast.sky.sphere import (
    TOUCHING,
    distance_to_arcs,
    longitude_latitude,
    min_enclosing_circle,
    normals_of,
    separation,
    unit_vectors,
)
from astroquery_mast.tables.rows import Array

SEEDS = st.integers(0, 2**32 - 1)


def turned(rng: np.random.Generator) -> Array:
    """Draw a rotation of the sky."""
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return rotation * np.linalg.det(rotation)


def shape_of(vectors: Array) -> Polygon:
    """Return the polygon with the given corners."""
    return polygon_of(zip(*map(list, longitude_latitude(vectors)), strict=True))


def star(rng: np.random.Generator, size: float, *, convex: bool = False) -> Array:
    """Draw corners around the pole, ordered by position angle, within a number of degrees."""
    count = int(rng.integers(3, 8))
    angles = np.sort(rng.uniform(0, 360, count))
    while np.diff(angles, append=angles[0] + 360).max() > 170:  # the pole is inside
        angles = np.sort(rng.uniform(0, 360, count))
    away = size * (np.ones(count) if convex else rng.uniform(0.2, 1, count))
    return unit_vectors(angles, 90 - away)


def beside_pole(rng: np.random.Generator, corners: Array, distance: float) -> Array:
    """Move corners from around the pole to a distance from it, in degrees, in a random direction."""
    angle, tilt = rng.uniform(0, 2 * np.pi, 2), math.radians(distance)
    spin = [np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) for a in angle]
    lean = np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])
    return np.asarray(corners @ (spin[0] @ lean @ spin[1]).T)


def meets(region: Shape | list[Shape], *footprint: Shape) -> bool:
    """Return whether a footprint overlaps a region."""
    outlines = outlines_of([footprint], np.array([np.nan]), np.array([np.nan]))
    return bool(ShapeRegion(tuple(region) if isinstance(region, list) else (region,)).overlaps(outlines).any())


def depth_of_overlap(one: Array, other: Array) -> float:
    """Return the negative distance of two convex polygons, or zero if they overlap.

    The corners of their intersection are corners of either polygon, or crossings of great circles.  If there is an
    intersection, one of these is on the inner side of all sides of both.
    """
    inner = []
    for corners in (one, other):
        normals = normals_of(corners, np.roll(corners, -1, axis=0))
        inner.append(normals * np.sign(normals @ corners.mean(axis=0))[:, np.newaxis])
    crossings = np.cross(inner[0][:, np.newaxis], inner[1][np.newaxis]).reshape(-1, 3)
    crossings /= np.linalg.norm(crossings, axis=1, keepdims=True)
    candidates = np.concatenate([one, other, crossings, -crossings])
    return min(0.0, float((candidates @ np.concatenate(inner).T).min(axis=1).max()))


def fan(corners: Array, middle: Array, rng: np.random.Generator, count: int) -> Array:
    """Draw positions in the triangles between a central position and the sides of a polygon."""
    weights = rng.dirichlet(np.ones(3), (len(corners), count))
    triangles = np.stack([corners, np.roll(corners, -1, axis=0), np.broadcast_to(middle, corners.shape)], axis=1)
    points = (weights @ triangles).reshape(-1, 3)
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


# -- polygons ----------------------------------------------------------------------------------------------------------


@given(SEEDS)
@example(1547)
def test_convex_polygons_overlap_if_their_hemispheres_do(seed: int) -> None:
    """The test by sides and corners agrees with an intersection of hemispheres."""
    rng = np.random.default_rng(seed)
    size, other_size = 10 ** rng.uniform(-3, 1.5, 2)
    other = beside_pole(rng, star(rng, other_size, convex=True), rng.uniform(0, 1.3) * (size + other_size))
    rotation = turned(rng)
    one, other = star(rng, size, convex=True) @ rotation.T, other @ rotation.T
    depth = depth_of_overlap(one, other)
    # Polygons closer than `TOUCHING` may or may not count as touching.
    assume(not -2 * TOUCHING < depth < -1e-12)
    expected = depth > -1e-12
    assert meets(shape_of(one), shape_of(other)) == expected
    assert meets(shape_of(other), shape_of(one)) == expected


@given(SEEDS)
def test_positions_in_both_of_two_polygons_make_them_overlap(seed: int) -> None:
    """Random positions in a nonconvex polygon are inside; if one is also in another polygon, the two overlap."""
    rng = np.random.default_rng(seed)
    size, rotation = 10 ** rng.uniform(-3, 1.6), turned(rng)
    one = star(rng, size) @ rotation.T
    other = beside_pole(rng, star(rng, size * rng.uniform(0.2, 2)), rng.uniform(0, 2.5) * size) @ rotation.T
    points = fan(one, rotation @ np.array([0.0, 0.0, 1.0]), rng, 100)
    assert ShapeRegion((shape_of(one),)).contains(points).all()
    if ShapeRegion((shape_of(other),)).contains(points).any():
        assert meets(shape_of(one), shape_of(other))
        assert meets(shape_of(other), shape_of(one))


@given(SEEDS)
def test_rotations_of_the_sky_do_not_change_overlaps(seed: int) -> None:
    """Rotating the sky, over the poles and across 0h, does not change any result."""
    rng = np.random.default_rng(seed)
    region = star(rng, 10.0)
    shapes = [beside_pole(rng, star(rng, rng.uniform(0.1, 4)), rng.uniform(0, 15)) for _ in range(12)]
    answers = []
    for rotation in (np.eye(3), turned(rng), turned(rng)):
        outlines = outlines_of([[shape_of(each @ rotation.T)] for each in shapes], *np.full((2, 12), np.nan))
        answers.append(ShapeRegion((shape_of(region @ rotation.T),)).overlaps(outlines).tolist())
    assert answers[0] == answers[1] == answers[2]


@given(SEEDS, st.integers(0, 6), st.booleans())
def test_a_footprint_overlaps_itself(seed: int, start: int, reverse: bool) -> None:
    """A polygon overlaps itself for any size, position, first corner and orientation."""
    rng = np.random.default_rng(seed)
    corners = star(rng, 10 ** rng.uniform(-4, 1.9)) @ turned(rng).T
    again = np.roll(corners, start, axis=0)[:: -1 if reverse else 1]
    assert meets(shape_of(corners), shape_of(again))
    circle = Circle(*map(float, longitude_latitude(corners[0])), float(rng.uniform(0, 180)))
    assert meets(circle, circle)
    assert meets(Point(circle.ra, circle.dec), Point(circle.ra, circle.dec))
    assert meets(shape_of(corners), circle)
    assert meets(circle, shape_of(corners))


@pytest.mark.parametrize(
    ("region", "footprint", "overlap"),
    [
        # across 0h
        ([(359, -1), (1, -1), (1, 1), (359, 1)], [(0.5, 0), (3, 0), (3, 0.5)], True),
        ([(359, -1), (1, -1), (1, 1), (359, 1)], [(358, 0), (358.5, 0), (358.5, 0.5)], False),
        # around a pole
        ([(0, 80), (120, 80), (240, 80)], [(0, 89), (90, 89), (180, 89), (270, 89)], True),
        ([(0, 80), (120, 80), (240, 80)], [(60, 81), (61, 81), (61, 82)], False),
        ([(0, -80), (120, -80), (240, -80)], [(0, 89), (90, 89), (180, 89), (270, 89)], False),
        # one inside the other, and a cross without a corner inside
        ([(10, 10), (20, 10), (20, 20), (10, 20)], [(14, 14), (15, 14), (15, 15)], True),
        ([(10, 10), (20, 10), (20, 20), (10, 20)], [(0, 0), (30, 0), (30, 30), (0, 30)], True),
        ([(-9, -1), (9, -1), (9, 1), (-9, 1)], [(-1, -9), (1, -9), (1, 9), (-1, 9)], True),
        # a great circle between two corners of one declination rises above it
        ([(0, 60), (90, 60), (45, 89)], [(44, 61), (46, 61), (45, 62)], False),
        ([(0, 60), (90, 60), (45, 89)], [(44, 68), (46, 68), (45, 67)], True),
        # a common side, a common corner, sides on one great circle
        ([(0, 0), (1, 0), (1, 1), (0, 1)], [(1, 0), (2, 0), (2, 1), (1, 1)], True),
        ([(0, 0), (1, 0), (1, 1), (0, 1)], [(1, 0), (2, -1), (1, -1)], True),
        ([(0, 0), (2, 0), (2, 1), (0, 1)], [(1, 0), (3, 0), (3, 1), (1, 1)], True),
        ([(0, 0), (1, 0), (1, 1), (0, 1)], [(3, 0), (4, 0), (4, 1), (3, 1)], False),
        ([(0, 0), (10, 0), (10, 10), (0, 10)], [(10.2, 0), (16, 0), (13, 5)], False),
        # in the bay of a nonconvex region
        ([(0, 0), (9, 0), (9, 9), (8, 9), (8, 1), (0, 1)], [(2, 4), (3, 4), (3, 5)], False),
    ],
)
def test_polygons_at_special_places(
    region: list[tuple[float, float]], footprint: list[tuple[float, float]], overlap: bool
) -> None:
    """Shapes that touch overlap, also at the poles, at 0h, and on great circles."""
    assert meets(polygon_of(region), polygon_of(footprint)) is overlap
    assert meets(polygon_of(footprint), polygon_of(region)) is overlap


def test_the_antipode_is_outside() -> None:
    """The antipode of a position inside a polygon is not inside."""
    outlines = outlines_of([[polygon_of([(10, 10), (20, 10), (20, 20)])]], np.array([np.nan]), np.array([np.nan]))
    assert outlines.around(unit_vectors(18.0, 12.0)).tolist() == [True]
    assert outlines.around(unit_vectors(198.0, -12.0)).tolist() == [False]


# -- circles -----------------------------------------------------------------------------------------------------------


@given(SEEDS)
def test_circles_overlap_polygons_by_their_distance(seed: int) -> None:
    """A circle overlaps a polygon if a position on a side is close enough, or if its center is inside."""
    rng = np.random.default_rng(seed)
    size, rotation = 10 ** rng.uniform(-3, 1.5), turned(rng)
    corners = star(rng, size, convex=True) @ rotation.T
    away = rng.uniform(0, 3) * size
    center = rotation @ beside_pole(rng, np.array([[0.0, 0.0, 1.0]]), away)[0]
    radius = rng.uniform(0, 2) * size
    steps = np.linspace(0, 1, 2000)[:, np.newaxis, np.newaxis]
    sides = (1 - steps) * corners + steps * np.roll(corners, -1, axis=0)
    nearest = separation(sides / np.linalg.norm(sides, axis=-1, keepdims=True), center).min()
    normals = normals_of(corners, np.roll(corners, -1, axis=0))
    sides_of = (normals @ center) * np.sign(normals @ corners.mean(axis=0))
    assume(abs(nearest - math.radians(radius)) > 1e-5 * math.radians(size))
    expected = bool((sides_of > 0).all() or nearest < math.radians(radius))
    circle = Circle(*map(float, longitude_latitude(center)), radius)
    assert meets(circle, shape_of(corners)) is expected
    assert meets(shape_of(corners), circle) is expected


@given(SEEDS)
def test_circles_overlap_by_their_radii(seed: int) -> None:
    """Two circles overlap if astropy's separation of their centers is smaller than the sum of their radii."""
    rng = np.random.default_rng(seed)
    (ra, ra2), radii = rng.uniform(0, 360, 2), rng.uniform(0, 120, 2)
    dec, dec2 = np.degrees(np.arcsin(rng.uniform(-1, 1, 2)))
    apart = SkyCoord(ra, dec, unit="deg").separation(SkyCoord(ra2, dec2, unit="deg")).deg
    one, other = Circle(float(ra), float(dec), float(radii[0])), Circle(float(ra2), float(dec2), float(radii[1]))
    assert meets(one, other) is bool(apart <= radii.sum())
    points = unit_vectors([ra2], [dec2])
    assert bool(ShapeRegion((one,)).contains(points)[0]) is bool(apart <= radii[0])


# -- unions, and rows with several parts -----------------------------------------------------------------------------


def test_a_union_overlaps_if_any_of_its_shapes_does() -> None:
    """Footprints overlap a region of several shapes if any part overlaps any shape."""
    region: list[Shape] = [Circle(10, 10, 1), polygon_of([(50, 0), (52, 0), (52, 2)])]
    assert meets(region, Circle(11.5, 10, 1))
    assert meets(region, Circle(200, 10, 1), Point(51.5, 1))
    assert not meets(region, Circle(200, 10, 1), Point(50.2, 1.5))
    assert not meets(region)


def test_a_row_without_a_footprint_has_its_position() -> None:
    """A row without a footprint is a point at its position; without a position, it does not overlap anything."""
    outlines = outlines_of([[], [], [Point(99.0, 0.0)]], np.array([10.0, np.nan, 10.0]), np.array([10.0, 10.0, 10.0]))
    assert outlines.owner.tolist() == [0, 2]
    assert ShapeRegion((Circle(10, 10, 1),)).overlaps(outlines).tolist() == [True, False]


@pytest.mark.parametrize("count", [0, 1])
def test_tables_without_footprints(count: int) -> None:
    """A table without any footprint gives an empty result."""
    outlines = outlines_of([[]] * count, *np.full((2, count), np.nan))
    for shape in (Circle(10, 10, 1), polygon_of([(50, 0), (52, 0), (52, 2)])):
        assert ShapeRegion((shape,)).overlaps(outlines).tolist() == []
        assert ShapeRegion((shape,)).contains(np.empty((0, 3))).tolist() == []


# -- the query circle ------------------------------------------------------------------------------------------------


@given(SEEDS, st.integers(1, 12))
def test_no_smaller_circle_encloses_all_positions(seed: int, count: int) -> None:
    """Moving the center of the smallest circle always requires a larger radius."""
    rng = np.random.default_rng(seed)
    size = 10 ** rng.uniform(-4, 1.8)
    points = unit_vectors(rng.uniform(0, 360, count), 90 - size * rng.uniform(0, 1, count)) @ turned(rng).T
    found = min_enclosing_circle(points)
    assert found is not None
    center, radius = found
    assert separation(points, center).max() <= radius + 1e-12
    for step in 10 ** rng.uniform(-6, 0, 30):
        moved = center + step * math.radians(size) * rng.normal(size=3)
        assert separation(points, moved / np.linalg.norm(moved)).max() >= radius - 2e-10


def test_positions_all_over_the_sky_have_no_smallest_circle() -> None:
    """If no hemisphere encloses all positions, the result is None."""
    assert min_enclosing_circle(np.concatenate([np.eye(3), -np.eye(3)])) is None
    assert min_enclosing_circle(unit_vectors([0, 120, 240, 0], [-10, -10, -10, 90])) is None
    assert min_enclosing_circle(unit_vectors([0, 120, 240], [0, 0, 0])) is None


@given(SEEDS)
def test_the_cone_encloses_the_region_closely(seed: int) -> None:
    """All shapes are inside the cone, whose radius is that of the smallest circle plus an arcsecond."""
    rng = np.random.default_rng(seed)
    shapes: list[Shape] = [shape_of(star(rng, 3.0) @ turned(rng).T) for _ in range(rng.integers(1, 3))]
    if seed % 2:
        shapes.append(Circle(float(rng.uniform(0, 360)), float(rng.uniform(-90, 90)), float(rng.uniform(0, 20))))
    cone = ShapeRegion(tuple(shapes)).cone()
    assert cone.radius <= 180
    whole = Circle(cone.ra, cone.dec, cone.radius)
    for shape in shapes:
        assert meets(whole, shape)
        corners = unit_vectors(*np.transpose(shape.vertices)) if isinstance(shape, Polygon) else None
        if corners is None:
            assert isinstance(shape, Circle)
            reach = separation(unit_vectors(shape.ra, shape.dec), unit_vectors(cone.ra, cone.dec)) + math.radians(
                shape.radius
            )
        else:
            reach = separation(corners, unit_vectors(cone.ra, cone.dec)).max()
        assert min(180.0, math.degrees(reach)) <= cone.radius + 1e-9
    if len(shapes) == 1 and isinstance(shapes[0], Polygon):
        smallest = min_enclosing_circle(unit_vectors(*np.transpose(shapes[0].vertices)))
        assert smallest is not None
        assert cone.radius == pytest.approx(math.degrees(smallest[1]) + 1 / 3600, abs=1e-7)


def test_the_cone_of_two_circles_encloses_both() -> None:
    """The radius is half of the distance plus both radii, within the accuracy of 64 positions on a circle."""
    cone = ShapeRegion((Circle(10, 0, 1), Circle(16, 0, 3))).cone()
    assert (cone.ra, cone.dec) == pytest.approx((14, 0), abs=1e-2)
    assert cone.radius == pytest.approx(5, abs=1e-2)
    assert cone.radius >= 5
    only = ShapeRegion((Circle(10, 80, 1),)).cone()
    assert (only.ra, only.dec, only.radius) == (10, 80, pytest.approx(1 + 1 / 3600))


def test_the_cone_of_a_region_in_both_hemispheres_is_the_whole_sky() -> None:
    """Opposite positions need a cone of the whole sky."""
    region = ShapeRegion((Circle(0, 0, 10), Circle(180, 0, 10), Circle(90, 0, 10), Circle(270, 0, 10)))
    assert region.cone().radius == 180


@pytest.mark.parametrize(
    ("shapes", "reason"),
    [
        ((), "empty"),
        (
            (polygon_of([(0, -5), (90, -5), (180, -5), (270, -5), (300, 60)]),),
            "region has a polygon larger than a hemisphere, so its interior is",
        ),
        (
            (polygon_of([(0, 0), (120, 0), (240, 0), (240, 10), (120, 10), (0, -10)]),),
            "region has a polygon larger than a hemisphere, so its interior is",
        ),
    ],
)
def test_invalid_regions_raise(shapes: tuple[Shape, ...], reason: str) -> None:
    """Empty regions, and polygons with an ambiguous inside, raise an error."""
    with pytest.raises(InvalidArgumentError, match=reason):
        ShapeRegion(shapes)


def test_distances_to_arcs() -> None:
    """The distance is to the great circle next to an arc, and to its end beyond the ends."""
    begin, end = unit_vectors([0.0], [0.0]), unit_vectors([10.0], [0.0])
    points = unit_vectors([5, 5, 12, -3, 185], [2, -2, 0, 4, 0])
    found = np.degrees(distance_to_arcs(begin, end, normals_of(begin, end), points))
    corner = SkyCoord(0 * u.deg, 0 * u.deg).separation(SkyCoord(-3 * u.deg, 4 * u.deg)).deg
    assert found == pytest.approx([2, 2, 2, corner, 175], abs=1e-9)
