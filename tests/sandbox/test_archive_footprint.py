"""The footprint grammar and cone searches, compared with astropy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast.sandbox.archive.geometry import Circle, FootprintIndex, Polygon, deproject, parse_region, project
from astroquery_mast.sandbox.archive.instruments import SPELLINGS, Aperture, detectors, region, whole

RA = st.floats(0, 359.999)
DEC = st.floats(-89.5, 89.5)
ANGLE = st.floats(0, 360)


def search(text: str | None, ra: float, dec: float, radius: float, at: tuple[float, float] = (0.0, 0.0)) -> bool:
    """Return whether a single footprint is found."""
    return 1 in FootprintIndex([(1, *at, text)]).within(ra, dec, radius)


def apart(ra1: float, dec1: float, ra2: float, dec2: float) -> float:
    """Return the separation in degrees, calculated by astropy."""
    return float(SkyCoord(ra1, dec1, unit="deg").separation(SkyCoord(ra2, dec2, unit="deg")).deg)


@pytest.mark.parametrize(
    "text",
    [
        "POLYGON ICRS 10 0 11 0 11 1 10 1",
        "POLYGON GSC1 10.0  0.0 11.0  0.0 11.0  1.0 10.0  1.0 10.0  0.0",
        "POLYGON J2000 10 0 10 0 11 0 11 1 10 1 10 0",
        "polygon icrs 10 0 11 0 11 0 11 1 10 1",
        "POLYGON 10 0 11 0 11 1 10 1 10 0",
        "Polygon FK5 10 0 11 0\t11 1\n10 1",
        "UNION ICRS ( POLYGON ICRS 10 0 11 0 11 1 10 1 )",
        "UNION(POLYGON 10 0 11 0 11 1 10 1)",
    ],
)
def test_polygon_spellings_are_one_shape(text: str) -> None:
    """Frame, case, closing vertex, repeated vertices, and white space do not change a polygon."""
    assert parse_region(text) == (Polygon(((10.0, 0.0), (11.0, 0.0), (11.0, 1.0), (10.0, 1.0))),)


@pytest.mark.parametrize(
    "text", ["CIRCLE ICRS 210.9  54.5 0.625", "CIRCLE 210.9 54.5 0.625", "circle j2000 210.9 54.5 .625"]
)
def test_circle_spellings_are_one_shape(text: str) -> None:
    """A circle is parsed with or without a frame, in any case."""
    assert parse_region(text) == (Circle(210.9, 54.5, 0.625),)


@pytest.mark.parametrize("text", [None, "", "   "])
def test_no_footprint_is_no_shape(text: str | None) -> None:
    """Null and blank footprints have no shapes."""
    assert parse_region(text) == ()


def test_several_shapes_in_one_text() -> None:
    """All polygons and circles in one text are parsed."""
    shapes = parse_region("POLYGON 0 0 1 0 1 1 POLYGON ICRS 2 0 3 0 3 1 CIRCLE ICRS 5 5 1")
    assert [type(shape) for shape in shapes] == [Polygon, Polygon, Circle]


@pytest.mark.parametrize(
    "text",
    [
        "POLYGON ICRS 10 0 11 0",
        "POLYGON 10 0 11 0 11",
        "CIRCLE ICRS 10 0",
        "CIRCLE 10 0 -1",
        "CIRCLE 10 95 1",
        "ELLIPSE 10 0 1 2 3",
        "10 0 11 0 11 1",
        "POLYGON 10 0 11 0 11 100",
        "POLYGON nan 0 11 0 11 1",
        "POLYGON 1e400 0 11 0 11 1",
        "POLYGON 10 0 11 zero 11 1",
        "POLYGON 1.2.3 0 11 0 11 1",
        "POLYGON 1 1 1 1 1 1 1 1",
        "POLYGON",
    ],
)
def test_bad_footprints_are_refused(text: str) -> None:
    """A malformed footprint raises an error."""
    with pytest.raises(ValueError, match=r".+"):
        parse_region(text)


@given(ra=RA, dec=DEC, angle=ANGLE, spelling=st.sampled_from(SPELLINGS))
def test_written_footprints_are_read_back(ra: float, dec: float, angle: float, spelling: str) -> None:
    """All spellings written by the archive are parsed to the original corners, modulo full turns."""
    corners = detectors(Aperture(200.0, 200.0, 2, 2.5), ra, dec, angle)
    shapes = parse_region(region(corners, spelling))
    assert len(shapes) == 2
    for shape, expected in zip(shapes, corners, strict=True):
        assert isinstance(shape, Polygon)
        for got, wanted in zip(shape.vertices, expected, strict=True):
            assert apart(*got, *wanted) < 1e-7


@given(ra=RA, dec=DEC, xi=st.floats(-1, 1), eta=st.floats(-1, 1))
def test_projection_there_and_back(ra: float, dec: float, xi: float, eta: float) -> None:
    """The tangent-plane projection is the inverse of the deprojection."""
    back = project(ra, dec, *deproject(ra, dec, xi, eta))
    assert float(back[0]) == pytest.approx(xi, abs=1e-9)
    assert float(back[1]) == pytest.approx(eta, abs=1e-9)


@given(ra=RA, dec=DEC, size=st.floats(0.001, 5), radius=st.floats(0, 5), ra2=RA, dec2=st.floats(-90, 90))
@settings(max_examples=60)
def test_circles_overlap_when_separation_says_so(
    ra: float, dec: float, size: float, radius: float, ra2: float, dec2: float
) -> None:
    """A circle intersects a cone if and only if the separation of the centers is less than the sum of the radii."""
    gap = apart(ra, dec, ra2, dec2) - (size + radius)
    if abs(gap) > 1e-6:
        assert search(f"CIRCLE ICRS {ra!r} {dec!r} {size!r}", ra2, dec2, radius) == (gap < 0)


@given(ra=RA, dec=DEC, angle=ANGLE, x=st.floats(-3, 3), y=st.floats(-3, 3))
@settings(max_examples=150)
def test_points_inside_rectangles(ra: float, dec: float, angle: float, x: float, y: float) -> None:
    """A point is in a rectangle if and only if its pixel coordinates are, also near 0h and the poles."""
    half = 0.5
    corners = whole(Aperture(2 * half * 3600, 2 * half * 3600), ra, dec, angle)
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    point = deproject(ra, dec, -x * cosine + y * sine, x * sine + y * cosine)
    if min(abs(abs(x) - half), abs(abs(y) - half)) > 1e-6:
        assert search(region([corners]), *point, 0.0) == (abs(x) < half and abs(y) < half)


@given(ra=RA, dec=DEC, angle=ANGLE, x=st.floats(-4, 4), y=st.floats(-4, 4), radius=st.floats(0, 3))
@settings(max_examples=100, deadline=None)
def test_cones_meet_rectangles(ra: float, dec: float, angle: float, x: float, y: float, radius: float) -> None:
    """A cone intersects a rectangle if and only if its center is inside, or closer to the outline than the radius."""
    half = 0.5
    corners = whole(Aperture(2 * half * 3600, 2 * half * 3600), ra, dec, angle)
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    point = SkyCoord(*deproject(ra, dec, -x * cosine + y * sine, x * sine + y * cosine), unit="deg")
    nearest = min(_distance_to_arc(point, corners[i], corners[(i + 1) % 4]) for i in range(4))
    inside = abs(x) < half and abs(y) < half
    if abs(nearest - radius) > 2e-3:  # half of the distance between two samples
        assert search(region([corners]), point.ra.deg, point.dec.deg, radius) == (inside or nearest < radius)


def _distance_to_arc(point: SkyCoord, begin: tuple[float, float], end: tuple[float, float]) -> float:
    """Return the separation from a finely sampled great-circle arc in degrees."""
    first, last = (SkyCoord(*corner, unit="deg") for corner in (begin, end))
    steps = np.linspace(0, 1, 401) * first.separation(last)
    samples = first.directional_offset_by(first.position_angle(last), steps)
    return float(point.separation(samples).min().deg)


def test_across_zero_hours() -> None:
    """A footprint across 0h is found from both sides, regardless of how its right ascensions are written."""
    for text in ("POLYGON 359 -1 361 -1 361 1 359 1", "POLYGON -1 -1 1 -1 1 1 -1 1", "POLYGON 359 -1 1 -1 1 1 359 1"):
        assert search(text, 359.5, 0.0, 0.0)
        assert search(text, 0.5, 0.0, 0.0)
        assert search(text, 360.5, 0.0, 0.0)
        assert not search(text, 180.0, 0.0, 1.0)
        assert not search(text, 2.0, 0.0, 0.5)


def test_around_a_pole() -> None:
    """A polygon around the pole contains the pole, but not its antipode."""
    text = "POLYGON ICRS 0 80 90 80 180 80 270 80"
    assert search(text, 123.0, 90.0, 0.0)
    assert search(text, 45.0, 85.0, 0.0)
    assert not search(text, 123.0, -90.0, 0.0)
    assert not search(text, 0.0, 75.0, 1.0)


def test_reversed_vertices_are_the_same_footprint() -> None:
    """The order of the vertices, clockwise or counterclockwise, does not matter."""
    assert search("POLYGON 10 0 10 1 11 1 11 0", 10.5, 0.5, 0.0)
    assert search("POLYGON 11 0 11 1 10 1 10 0", 10.5, 0.5, 0.0)


def test_gap_between_detectors_is_no_footprint() -> None:
    """A position between two detectors is outside of both."""
    text = "POLYGON 10 0 11 0 11 0.4 10 0.4 POLYGON 10 0.6 11 0.6 11 1 10 1"
    assert not search(text, 10.5, 0.5, 0.0)
    assert search(text, 10.5, 0.5, 0.11)


def test_whole_sky_finds_everything_with_a_footprint() -> None:
    """A cone of 180 degrees finds all rows with a footprint, and no others."""
    rows = [
        (1, 0.0, 0.0, "CIRCLE 0 0 1"),
        (2, 180.0, -45.0, "CIRCLE 180 -45 0.1"),
        (3, 1.0, 1.0, None),
        (4, None, None, "CIRCLE 0 0 1"),
    ]
    assert set(FootprintIndex(rows).within(33.0, 20.0, 180.0)) == {1, 2}


def test_no_footprints_at_all() -> None:
    """An index without footprints returns an empty result."""
    assert FootprintIndex([(1, 0.0, 0.0, None)]).within(0.0, 0.0, 10.0) == {}


@given(ra=RA, dec=DEC)
@settings(max_examples=30)
def test_distance_is_zero_inside_and_to_the_edge_outside(ra: float, dec: float) -> None:
    """The distance is 0 inside a footprint, and the separation from its edge in arcsec outside."""
    index = FootprintIndex([(7, ra, dec, f"CIRCLE {ra!r} {dec!r} 0.1")])
    center = SkyCoord(ra, dec, unit="deg")
    inside, outside = (center.directional_offset_by(0.3 * u.rad, away * u.deg) for away in (0.05, 0.2))
    assert index.within(inside.ra.deg, inside.dec.deg, 0.2) == {7: 0.0}
    found = index.within(outside.ra.deg, outside.dec.deg, 0.2)
    assert found[7] == pytest.approx(360.0, abs=1e-3)
