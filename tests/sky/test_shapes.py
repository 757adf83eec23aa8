"""Footprint strings in all spellings of MAST."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import FootprintParseError, MastError
from astroquery_mast.sky.shapes import Circle, Point, Polygon, Shape, parse_s_region, polygon_of, region_text

SQUARE = Polygon(((10.0, 0.0), (11.0, 0.0), (11.0, 1.0), (10.0, 1.0)))

RA = st.floats(0, 359.9999, allow_nan=False)
DEC = st.floats(-90, 90)
VERTICES = st.lists(st.tuples(RA, DEC), min_size=3, max_size=9, unique_by=lambda at: (round(at[0], 6), round(at[1], 6)))
POLYGONS = VERTICES.map(polygon_of)
FRAMES = st.sampled_from(["", " ICRS", " J2000", " FK5", " GSC1", " icrs"])
SHAPES = st.lists(
    st.one_of(POLYGONS, st.builds(Circle, RA, DEC, st.floats(0, 180)), st.builds(Point, RA, DEC)),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize(
    "text",
    [
        "POLYGON ICRS 10 0 11 0 11 1 10 1",
        "POLYGON 10 0 11 0 11 1 10 1",
        "POLYGON ICRS 10 0 11 0 11 1 10 1 10 0",
        "POLYGON ICRS 10 0 11 0 11 1 10 1 10 0 10 0",
        "POLYGON ICRS 10 0 10 0 11 0 11 1 11 1 10 1",
        "POLYGON GSC1 10.0  0.0 11.0  0.0 11.0  1.0 10.0  1.0 10.0  0.0",
        "POLYGON J2000 1e1 0 1.1e1 0 +11 1 10. 1",
        "POLYGON FK5 10 0 11 0 11 1 10 1",
        "POLYGON -350 0 -349 0 -349 1 -350 1",
        "POLYGON 370 0 371 -0 371 1 370 1 10 0",
        "polygon icrs 10 0 11 0 11 1 10 1",
        "  Polygon ICRS\t10 0\n11 0 11 1 10 1 ",
        "Union ICRS (Polygon 10 0 11 0 11 1 10 1)",
        "UNION(POLYGON 10 0 11 0 11 1 10 1)",
        "POLYGON ICRS TOPOCENTER SPHERICAL2 10 0 11 0 11 1 10 1",
        "POLYGON ICRS 10,0, 11,0, 11,1, 10,1",
        b"POLYGON ICRS 10 0 11 0 11 1 10 1",
        np.str_("POLYGON ICRS 10 0 11 0 11 1 10 1"),
    ],
)
def test_every_spelling_of_a_polygon_is_one_shape(text: str) -> None:
    """Frame, case, blanks, closing and repeated vertices, and full turns do not change the polygon."""
    assert parse_s_region(text, errors="raise") == [SQUARE]


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("CIRCLE ICRS 210.9  54.5 0.625", [Circle(210.9, 54.5, 0.625)]),
        ("circle 210.9 54.5 .625", [Circle(210.9, 54.5, 0.625)]),
        ("CIRCLE -149.1 54.5 0", [Circle(210.9, 54.5, 0.0)]),
        ("POINT ICRS 1 2", [Point(1.0, 2.0)]),
        ("POSITION 361 -2", [Point(1.0, -2.0)]),
        ("POINT -1e-20 0", [Point(0.0, 0.0)]),
        ("Circle 1 90.0000001 2", [Circle(1.0, 90.0, 2.0)]),
    ],
)
def test_circles_and_points(text: str, shapes: list[Shape]) -> None:
    """Circles and points are parsed with or without a frame, with wrapped right ascensions."""
    assert parse_s_region(text, errors="raise") == pytest.approx(shapes)


@pytest.mark.parametrize(
    "text",
    [
        "POLYGON 10 0 11 0 11 1 10 1 POLYGON 1 1 2 1 2 2 CIRCLE 5 5 1",
        "POLYGON ICRS 10 0 11 0 11 1 10 1 10 0 POLYGON ICRS 1 1 2 1 2 2 1 1 CIRCLE ICRS 5 5 1",
        "Union ICRS (Polygon 10 0 11 0 11 1 10 1 Polygon 1 1 2 1 2 2 Circle 5 5 1)",
        "UNION ICRS ( POLYGON ICRS 10 0 11 0 11 1 10 1 UNION ( POLYGON 1 1 2 1 2 2 CIRCLE 5 5 1 ) )",
    ],
)
def test_several_shapes_in_one_string(text: str) -> None:
    """The shapes can follow each other, or form a union."""
    assert parse_s_region(text, errors="raise") == [
        SQUARE,
        Polygon(((1.0, 1.0), (2.0, 1.0), (2.0, 2.0))),
        Circle(5.0, 5.0, 1.0),
    ]


@pytest.mark.parametrize("text", [None, "", "  ", "null", "None", "nan", "--", math.nan, np.ma.masked, b""])
def test_missing_values_are_no_footprint(text: object) -> None:
    """The spellings of missing values in tables give no shapes and no error."""
    assert parse_s_region(text, errors="raise") == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("POLYGON ICRS 10 0 11 0", "fewer than three"),
        ("POLYGON 1 1 1 1 361 1 1 1", "fewer than three"),
        ("POLYGON 10 0 11 0 11", "odd number"),
        ("POLYGON", "fewer than three"),
        ("POLYGON 10 0 11 0 11 100", "invalid position"),
        ("POLYGON nan 0 11 0 11 1", "odd number|invalid position"),
        ("POLYGON 10 nan 11 0 11 1", "invalid position"),
        ("POLYGON 1e400 0 11 0 11 1", "invalid position"),
        ("POLYGON 10 0 11 zero 11 1", "invalid position"),
        ("POLYGON 1.2.3 0 11 0 11 1", "invalid position"),
        ("CIRCLE ICRS 10 0", "2 numbers instead of 3"),
        ("CIRCLE 10 0 -1", "radius"),
        ("CIRCLE 10 95 1", "invalid position"),
        ("POINT 10", "1 numbers instead of 2"),
        ("ELLIPSE 10 0 1 2", "4 numbers instead of 5"),
        ("ELLIPSE 10 0 1 -2 0", "size"),
        ("BOX 10 0 0 1", "size"),
        ("10 0 11 0 11 1", "contains no shape"),
        ("5 POLYGON 10 0 11 0 11 1", "The footprint '5 POLYGON 10 0 11 0 11 1' does not start with a shape"),
        ("ICRS 10 0 POLYGON 10 0 11 0 11 1", "without a shape"),
        ("TRAPEZOID 10 0 11 0 11 1", "contains no shape"),
        ("POLYGON GALACTIC 10 0 11 0 11 1", "not in ICRS"),
        ("NOT (POLYGON ICRS 10 0 11 0 11 1)", "not a union"),
        ("CIRCLE ICRS UNIT ARCSEC 10 0 11", "not in degrees"),
        (12.5, "A footprint must be a string, got 12.5"),
    ],
)
def test_invalid_footprints_are_skipped_or_raise(text: object, reason: str) -> None:
    """Invalid strings never give a wrong shape, and raise only with errors="raise"."""
    assert parse_s_region(text) == []
    with pytest.raises(FootprintParseError, match=reason) as caught:
        parse_s_region(text, errors="raise")
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, MastError)


def test_an_invalid_shape_does_not_affect_others() -> None:
    """The other shapes of the string are kept."""
    assert parse_s_region("POLYGON 10 0 CIRCLE 5 5 1") == [Circle(5.0, 5.0, 1.0)]


def test_invalid_errors_argument_raises() -> None:
    """Only "skip" and "raise" are valid."""
    with pytest.raises(ValueError, match="'skip' or 'raise'"):
        parse_s_region("", errors="ignore")


def test_box_and_ellipse_become_polygons() -> None:
    """A box has sides along right ascension and declination, and an ellipse its first axis at the position angle."""
    (box,) = parse_s_region("BOX ICRS 150 60 2 1")
    assert isinstance(box, Polygon)
    corners = SkyCoord(box.vertices, unit="deg")
    offsets = SkyCoord(150 * u.deg, 60 * u.deg).skyoffset_frame()
    near = corners.transform_to(offsets)
    assert np.abs(near.lon.deg) == pytest.approx(np.ones(4), abs=2e-3)
    assert np.abs(near.lat.deg) == pytest.approx(np.full(4, 0.5), abs=2e-3)

    (ellipse,) = parse_s_region("ELLIPSE ICRS 150 60 2 1 30")
    assert isinstance(ellipse, Polygon)
    center = SkyCoord(150, 60, unit="deg")
    corners = SkyCoord(ellipse.vertices, unit="deg")
    away = center.separation(corners).deg
    assert away.max() == pytest.approx(2, rel=3e-3)
    assert away.min() == pytest.approx(1, rel=3e-3)
    assert center.position_angle(corners[np.argmax(away)]).deg % 180 == pytest.approx(30, abs=0.1)


@given(SHAPES)
def test_shapes_are_written_and_parsed_again(shapes: list[Shape]) -> None:
    """Parsing the string of shapes gives the same shapes."""
    assert parse_s_region(region_text(shapes), errors="raise") == shapes


@given(POLYGONS, FRAMES, st.booleans(), st.integers(-2, 2), st.sampled_from([" ", "  ", "\t", "\n "]))
def test_spellings_do_not_change_polygons(polygon: Polygon, frame: str, closed: bool, turns: int, blank: str) -> None:
    """Frame, case, white space, closing vertex and full turns do not change the corners by a microarcsecond."""
    vertices = [*polygon.vertices, polygon.vertices[0]] if closed else polygon.vertices
    numbers = blank.join(f"{ra + 360 * turns!r}{blank}{dec!r}" for ra, dec in vertices)
    for word in ("POLYGON", "polygon", "Polygon"):
        (read,) = parse_s_region(f"{word}{frame}{blank}{numbers}{blank}", errors="raise")
        assert isinstance(read, Polygon)
        assert len(read.vertices) == len(polygon.vertices)
        for (ra, dec), (ra0, dec0) in zip(read.vertices, polygon.vertices, strict=True):
            assert 0 <= ra < 360
            assert dec == dec0
            assert min(abs(ra - ra0), 360 - abs(ra - ra0)) < 3e-10


@given(st.one_of(st.text(), st.text(alphabet="POLYGNCIREUX 0123456789.-+eE()", max_size=60), st.none(), st.floats()))
def test_any_string_gives_valid_shapes_or_the_documented_error(text: object) -> None:
    """Any string gives shapes on the sky, or raises the documented error with errors="raise"."""
    for shape in parse_s_region(text):
        vertices = shape.vertices if isinstance(shape, Polygon) else ((shape.ra, shape.dec),)
        assert all(0 <= ra < 360 and -90 <= dec <= 90 for ra, dec in vertices)
    try:
        parse_s_region(text, errors="raise")
    except FootprintParseError as err:
        assert str(err).endswith(".")
