"""All supported types of regions, except for objects of optional packages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, Galactic, SkyCoord
from astropy.table import MaskedColumn, Table
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InputWarning, InvalidArgumentError
from astroquery_mast.sky.region import Region, ShapeRegion
from astroquery_mast.sky.region_filter import RegionFilter, check_overlap, rows_in_region
from astroquery_mast.sky.region_input import as_region, as_strict_region
from astroquery_mast.sky.shapes import Circle, Point, Polygon
from astroquery_mast.sky.sphere import sides_cross, unit_vectors

SQUARE = SkyCoord([10, 12, 12, 10], [40, 40, 42, 42], unit="deg")


def image(projection: str = "TAN", **settings: Any) -> WCS:
    """Return the WCS of an image of 200 x 100 pixels of 36 arcsec near the pole."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{projection}", f"DEC--{projection}"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = [30.0, 89.9], [100.5, 50.5], [-0.01, 0.01]
    wcs.array_shape = (100, 200)
    for name, value in settings.items():
        setattr(wcs.wcs, name, value)
    return wcs


def shapes_of(region: Any, reader: Callable[[Any], Region] = as_region) -> tuple[Any, ...]:
    """Return the shapes of a region."""
    made = reader(region)
    assert isinstance(made, ShapeRegion)
    return made.shapes


def corners_of(region: Any) -> SkyCoord:
    """Return the corners of a polygonal region."""
    (shape,) = shapes_of(region)
    assert isinstance(shape, Polygon)
    return SkyCoord(shape.vertices, unit="deg")


def test_strings_are_parsed_as_s_region() -> None:
    """A string can have one or several shapes, in any spelling."""
    assert shapes_of("CIRCLE 10.7 41.3 0.5") == (Circle(10.7, 41.3, 0.5),)
    two = shapes_of("POLYGON ICRS 1 1 2 1 2 2 POINT 5 6")
    assert two == (Polygon(((1.0, 1.0), (2.0, 1.0), (2.0, 2.0))), Point(5.0, 6.0))
    assert shapes_of(["CIRCLE 1 2 3", Point(5.0, 6.0)]) == (Circle(1.0, 2.0, 3.0), Point(5.0, 6.0))


@pytest.mark.parametrize(
    "vertices", [SQUARE, SQUARE.galactic, SQUARE.fk5, SQUARE.frame, SQUARE.galactic.frame], ids=repr
)
def test_coordinates_are_corners(vertices: Any) -> None:
    """Vertices can be in any frame."""
    assert corners_of(vertices).separation(SQUARE).max() < 1 * u.uas


def test_pairs_of_degrees_are_corners() -> None:
    """Vertices can be a list of pairs, or an array with two columns; invalid positions raise an error."""
    pairs = np.transpose([SQUARE.ra.deg, SQUARE.dec.deg])
    for vertices in (pairs, pairs.tolist(), list(map(tuple, pairs.tolist()))):
        assert corners_of(vertices).separation(SQUARE).max() < 1 * u.uas
    with pytest.raises(InvalidArgumentError, match="self-intersecting polygon"):
        as_region(pairs[[0, 1, 3, 2]])
    with pytest.raises(InvalidArgumentError, match="not a position"):
        as_region([(1, 91), (2, 2), (3, 3)])


def test_an_image_covers_its_pixels() -> None:
    """The region extends to the outer edges of the first and last pixels, and may contain the pole."""
    wcs = image()
    corners = corners_of(wcs)
    expected = wcs.pixel_to_world([-0.5, 199.5, 199.5, -0.5], [-0.5, -0.5, 99.5, 99.5])
    assert corners.separation(expected).max() < 1 * u.uas
    assert as_region(wcs).contains(np.array([[0.0, 0.0, 1.0]])).all()
    bare = image()
    bare.pixel_shape = None
    assert corners_of((bare, (3, 100, 200))).separation(expected).max() < 1 * u.uas


def test_sides_that_are_not_great_circles_are_sampled() -> None:
    """In projections other than gnomonic, the sides of an image have many positions."""
    wcs = image("CAR", crval=[0.0, 0.0], crpix=[100.5, -6999.5])
    corners = corners_of(wcs)
    assert len(corners) > 20
    top = wcs.pixel_to_world(50, 99.5)
    assert corners.separation(top).min() < 0.1 * u.deg


def test_other_axes_of_an_image_are_ignored() -> None:
    """A cube, and an image with declination first, cover the same region."""
    cube = WCS(naxis=3)
    cube.wcs.ctype = ["DEC--TAN", "WAVE", "RA---TAN"]
    cube.wcs.crval, cube.wcs.crpix, cube.wcs.cdelt = [89.9, 1e-6, 30.0], [50.5, 1, 100.5], [0.01, 1e-9, -0.01]
    cube.pixel_shape = (100, 7, 200)
    expected = corners_of(image())
    assert all(corner.separation(expected).min() < 1 * u.uas for corner in corners_of(cube))


@pytest.mark.parametrize(
    ("region", "reason"),
    [
        ("M51", "contains no shape"),
        ("", "contains no shape"),
        ("POLYGON 1 2 3 4", "fewer than three"),
        ("CIRCLE GALACTIC 1 2 3", "not in ICRS"),
        ([], "empty"),
        (42, "is a int"),
        (None, "is a NoneType"),
        (np.arange(6.0), "is a ndarray"),
        ([1.0, 2.0, 3.0], "is a float"),
        ((image(), np.zeros((100, 200))), "Set wcs.array_shape, or pass"),
        ((image(), 100), "Set wcs.array_shape, or pass"),
        ((image(), (100, 2.5)), "Set wcs.array_shape, or pass"),
        (SkyCoord(1, 2, unit="deg"), "For a circle, use coordinates and radius"),
        (SQUARE[:2], "but a polygon needs at least three"),
        (SQUARE[[0, 0, 1, 1]], "fewer than three"),
        (SQUARE.reshape(2, 2), "of one polygon"),
        (SkyCoord([1, np.nan, 3], [1, 2, 3], unit="deg"), "invalid position"),
        (SkyCoord([1, 2, 3], [1, 2, 3], unit="deg", frame=AltAz()), "obstime, location or distance"),
        (WCS(naxis=2), "region is a WCS without an image size|region is a WCS without celestial axes"),
        (WCS(naxis=1), "region is a WCS without celestial axes"),
        ((image(), (0, 5)), "region is a WCS without an image size"),
        ((image(), (5,)), "region is a WCS without an image size"),
        (
            (image("CAR", cdelt=[-1.8, 1.8], crval=[0.0, 0.0]), (100, 200)),
            "region has a polygon larger than a hemisphere, so its interior is",
        ),
        ((image("SIN", cdelt=[-1.8, 1.8], crval=[0.0, 0.0]), (100, 200)), "invalid position"),
    ],
    ids=str,
)
def test_invalid_regions_raise_with_advice(region: Any, reason: str) -> None:
    """The message lists the supported types."""
    with pytest.raises(InvalidArgumentError, match=reason):
        as_region(region)


# -- the filter --------------------------------------------------------------------------------------------------------


def observations() -> Table:
    """Return a table of observations in and around the square."""
    rows = [
        ("inside", 11.0, 41.0, "CIRCLE 11 41 0.1"),
        ("reaches in", 9.9, 41.0, "CIRCLE 9.9 41 0.2"),
        ("outside", 9.0, 41.0, "CIRCLE 9 41 0.2"),
        ("points outside, looks inside", 5.0, 41.0, "POLYGON 11 41 11.1 41 11.1 41.1 POLYGON 5 41 5 42 6 42"),
        ("unreadable, inside", 11.0, 41.0, "SQUARE 1 2 3"),
        ("nothing, inside", 11.0, 41.0, None),
        ("nothing, outside", 9.0, 41.0, None),
        ("nowhere", np.nan, np.nan, None),
    ]
    names, ra, dec, texts = zip(*rows, strict=True)
    lost = np.isnan(ra)
    return Table(
        {
            "obs_id": names,
            "s_ra": MaskedColumn(ra, mask=lost, unit="deg"),
            "s_dec": MaskedColumn(dec, mask=lost, unit="deg"),
            "s_region": MaskedColumn([text or "" for text in texts], mask=[text is None for text in texts]),
        },
        masked=True,
        meta={"rows": [8]},
    )


def test_the_filter_uses_footprints_and_describes_the_result() -> None:
    """Rows without a footprint are selected by position, with a note; rows without a position are removed."""
    table = observations()
    cut = RegionFilter(as_region(SQUARE), "footprint").of(table)
    assert cut["obs_id"].tolist() == [
        "inside",
        "reaches in",
        "points outside, looks inside",
        "unreadable, inside",
        "nothing, inside",
    ]
    assert cut.meta["rows"] == [5]
    assert cut.meta["cut"] == [
        "5 of 8 rows have a footprint that overlaps a polygon of 4 vertices; 3 without a readable footprint were "
        "selected by position; 1 without a position were removed"
    ]
    assert "cut" not in table.meta
    assert cut["s_ra"].unit == "deg"
    assert cut["s_region"].mask.tolist() == [False] * 4 + [True]


def test_the_filter_by_center_uses_positions() -> None:
    """With overlap="center", footprints are not required."""
    table = observations()
    table.remove_column("s_region")
    cut = RegionFilter(as_region(SQUARE), "center").of(table)
    assert cut["obs_id"].tolist() == ["inside", "unreadable, inside", "nothing, inside"]
    again = RegionFilter(as_region("CIRCLE 11 41 0.01"), "center").of(cut)
    assert [text.split(";")[0] for text in again.meta["cut"]] == [
        "3 of 8 rows have a position in a polygon of 4 vertices",
        "3 of 3 rows have a position in a circle of 0.01 deg",
    ]


def test_the_filter_requires_its_columns() -> None:
    """A table without them raises an error that names the column."""
    with pytest.raises(InvalidArgumentError, match="Column 's_region', with the positions of the observations, not"):
        rows_in_region(observations()["s_ra", "s_dec"], as_region(SQUARE), "footprint")
    with pytest.raises(InvalidArgumentError, match="Column 's_ra'"):
        rows_in_region(Table({"ra": [1.0]}), as_region(SQUARE), "center")


def test_an_empty_table_stays_empty() -> None:
    """Filtering an empty table gives an empty table."""
    assert len(RegionFilter(as_region(SQUARE), "footprint").of(observations()[:0])) == 0


def test_invalid_overlap_raises() -> None:
    """The message lists the two valid values."""
    with pytest.raises(InvalidArgumentError, match="'footprint' or 'center'"):
        check_overlap("middle")


def test_polygons_in_galactic_coordinates() -> None:
    """A polygon in galactic coordinates contains the positions that are inside in these coordinates."""
    region = as_region(SkyCoord([0, 10, 10, 0], [-5, -5, 5, 5], unit="deg", frame=Galactic()))
    inside = SkyCoord([1, 9, 359, 11], [1, -4, 0, 0], unit="deg", frame=Galactic()).icrs
    vectors = inside.cartesian.xyz.value.T
    assert region.contains(vectors).tolist() == [True, True, False, False]


def test_corners_in_raster_order_raise() -> None:
    """Self-intersecting polygons raise an error, because their inside is ambiguous."""
    raster = SQUARE[[0, 1, 3, 2]]
    with pytest.raises(InvalidArgumentError, match="self-intersecting polygon"):
        as_region(raster)
    assert len(shapes_of(SQUARE)) == 1


def test_self_intersecting_polygons_in_strings_give_a_warning() -> None:
    """A warning is enough for strings, because some footprints in MAST are self-intersecting."""
    with pytest.warns(InputWarning, match="self-intersecting polygon"):
        assert len(shapes_of("POLYGON 10 40 12 40 10 42 12 42")) == 1


@given(st.integers(3, 40), st.floats(0, 360), st.floats(-90, 90), st.floats(0.001, 60))
def test_sides_of_a_star_shaped_polygon_do_not_cross(corners: int, ra: float, dec: float, size: float) -> None:
    """Ordered corners at any distances around a center are a valid polygon anywhere on the sky."""
    angles = np.linspace(0, 360, corners, endpoint=False)
    radii = size * np.where(np.arange(corners) % 2, 1.0, 0.6)
    center = SkyCoord(ra, dec, unit="deg")
    star, circle = (center.directional_offset_by(angles * u.deg, each * u.deg) for each in (radii, size))
    assert not sides_cross(unit_vectors(star.ra.deg, star.dec.deg))
    around = unit_vectors(circle.ra.deg, circle.dec.deg)
    assert not sides_cross(around)
    assert sides_cross(around[[1, 0, *range(2, corners)]]) == (corners > 3)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("CIRCLE GALACTIC 1 2 3", SkyCoord(1, 2, unit="deg", frame="galactic")),
        ("circle Super_Galactic 1 2 3", SkyCoord(1, 2, unit="deg", frame="supergalactic")),
        (b"UNION GALACTIC (CIRCLE 1 2 3 CIRCLE 1 2 3)", SkyCoord(1, 2, unit="deg", frame="galactic")),
        ("CIRCLE FK4 1 2 3", SkyCoord(1, 2, unit="deg", frame="fk4")),
        ("CIRCLE ICRS 1 2 3", SkyCoord(1, 2, unit="deg")),
    ],
)
def test_strings_in_another_frame_are_transformed(text: str | bytes, position: SkyCoord) -> None:
    """A shape in another frame is transformed to ICRS."""
    for shape in shapes_of(text, as_strict_region):
        assert isinstance(shape, Circle)
        assert SkyCoord(shape.ra, shape.dec, unit="deg").separation(position.icrs).arcsec < 1e-6
        assert shape.radius == 3


def test_a_polygon_in_another_frame_is_transformed() -> None:
    """All corners of a polygon in another frame are transformed to ICRS."""
    (polygon,) = shapes_of("POLYGON GALACTIC 10 0 11 0 11 1", as_strict_region)
    assert isinstance(polygon, Polygon)
    corners = SkyCoord([10, 11, 11], [0, 0, 1], unit="deg", frame="galactic").icrs
    assert np.allclose(polygon.vertices, np.column_stack([corners.ra.deg, corners.dec.deg]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("POLYGON 0 0 1 1 1 0 0 1", "self-intersecting polygon"),
        ("POLYGON GALACTIC 0 0 1 1 1 0 0 1", "self-intersecting polygon"),
        ("CIRCLE ECLIPTIC 1 2 3", "not in ICRS"),
        ("CIRCLE GALACTIC 1 2 3 CIRCLE 4 5 6", "shapes without a frame"),
        ("CIRCLE GALACTIC 1 2 3 CIRCLE FK4 4 5 6", "not in ICRS"),
        ("-1 2 1 2 1 3", "contains no shape"),
    ],
)
def test_ambiguous_strings_raise(text: str, said: str) -> None:
    """Self-intersecting polygons and missing frames raise an error."""
    with pytest.raises(InvalidArgumentError, match=said):
        as_strict_region(text)


def test_other_types_are_converted_as_usual() -> None:
    """Only strings can name a frame; other types are converted as by as_region."""
    pairs = [(359.0, -1.0), (1.0, -1.0), (1.0, 1.0)]
    assert as_strict_region(pairs) == as_region(pairs)
