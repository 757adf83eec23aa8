"""Regions from ``regions`` and ``mocpy`` objects, compared with the results of these packages."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from astroquery_mast.exceptions import InvalidArgumentError
from astroquery_mast.sky.moc import MocRegion, cover_cells
from astroquery_mast.sky.outlines import outlines_of
from astroquery_mast.sky.region import ShapeRegion
from astroquery_mast.sky.region_input import as_region
from astroquery_mast.sky.shapes import Circle, Point, Polygon, Shape, parse_s_region, polygon_of
from astroquery_mast.sky.sphere import separation, unit_vectors

regions = pytest.importorskip("regions")
mocpy = pytest.importorskip("mocpy")

CENTERS = [SkyCoord(0.1, 20, unit="deg"), SkyCoord(200, -89.5, unit="deg"), SkyCoord(266, -29, unit="deg").galactic]


def plane(center: SkyCoord) -> WCS:
    """Return image coordinates in the frame of a position, with the north of this frame up."""
    wcs = WCS(naxis=2)
    names = ["RA---TAN", "DEC--TAN"] if center.frame.name == "icrs" else ["GLON-TAN", "GLAT-TAN"]
    wcs.wcs.ctype, wcs.wcs.cdelt = names, [-1e-4, 1e-4]
    wcs.wcs.crval = [center.spherical.lon.deg, center.spherical.lat.deg]
    return wcs


def around(center: SkyCoord, radius: float, count: int = 4000) -> SkyCoord:
    """Draw positions within a number of degrees around a center."""
    rng = np.random.default_rng(5)
    return center.directional_offset_by(
        rng.uniform(0, 360, count) * u.deg, radius * np.sqrt(rng.uniform(0, 1, count)) * u.deg
    )


def holds(region: Any, places: SkyCoord) -> np.ndarray[Any, Any]:
    """Return which positions are in a region."""
    return as_region(region).contains(unit_vectors(places.icrs.ra.deg, places.icrs.dec.deg))


def meets(region: Any, shapes: list[list[Shape]]) -> list[bool]:
    """Return which footprints overlap a region."""
    outlines = outlines_of(shapes, *np.full((2, len(shapes)), np.nan))
    found = np.zeros(len(shapes), dtype=bool)
    found[outlines.owner[as_region(region).overlaps(outlines)]] = True
    return found.tolist()


# -- regions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("center", CENTERS, ids=str)
@pytest.mark.parametrize(
    "make",
    [
        lambda center: regions.CircleSkyRegion(center, 0.1 * u.deg),
        lambda center: regions.RectangleSkyRegion(center, 0.1 * u.deg, 0.2 * u.deg, 30 * u.deg),
        lambda center: regions.EllipseSkyRegion(center, 0.1 * u.deg, 0.2 * u.deg, 100 * u.deg),
        lambda center: regions.PolygonSkyRegion(center.directional_offset_by([0, 70, 200] * u.deg, 0.1 * u.deg)),
        lambda center: (
            regions.CircleSkyRegion(center, 0.05 * u.deg)
            | regions.RectangleSkyRegion(center, 0.01 * u.deg, 0.2 * u.deg, 30 * u.deg)
        ),
    ],
    ids=["circle", "rectangle", "ellipse", "polygon", "union"],
)
def test_regions_contain_the_same_positions(make: Any, center: SkyCoord) -> None:
    """The positions inside are those that ``regions`` finds in an image, for any angle and frame."""
    region = make(center)
    places = around(center, 0.12)
    expected = region.contains(places, plane(center))
    assert 100 < expected.sum() < 3900
    # An ellipse is a polygon around it, and a circle is one on the sphere; both differ by 0.02 % of the radius.
    assert (holds(region, places) != expected).sum() <= 4


@pytest.mark.parametrize(
    ("region", "reason"),
    [
        (
            lambda c: regions.CircleAnnulusSkyRegion(c, 1 * u.deg, 2 * u.deg),
            "region is a CircleAnnulusSkyRegion, which is not supported",
        ),
        (
            lambda c: regions.CircleSkyRegion(c, 1 * u.deg) & regions.CircleSkyRegion(c, 2 * u.deg),
            "Only unions are supported",
        ),
        (
            lambda _: regions.CirclePixelRegion(regions.PixCoord(1, 2), 3),
            "region is a CirclePixelRegion, which is not supported",
        ),
        (lambda c: [regions.CircleSkyRegion(c, 1 * u.deg), 7], "is a int"),
    ],
)
def test_unsupported_regions_raise(region: Any, reason: str) -> None:
    """The message lists the supported regions."""
    with pytest.raises(InvalidArgumentError, match=reason):
        as_region(region(CENTERS[0]))


def test_a_list_of_regions_is_their_union() -> None:
    """Regions can be a ``Regions`` object or a list, also mixed with other types."""
    two = [regions.CircleSkyRegion(CENTERS[0], 1 * u.deg), regions.PointSkyRegion(CENTERS[1])]
    for region in (two, regions.Regions(two), [two[0], "POINT 200 -89.5"]):
        made = as_region(region)
        assert isinstance(made, ShapeRegion)
        circle, point = made.shapes
        assert isinstance(circle, Circle)
        assert isinstance(point, Point)
        assert (circle.ra, circle.radius, point.ra, point.dec) == pytest.approx((0.1, 1.0, 200.0, -89.5))


# -- MOC ---------------------------------------------------------------------------------------------------------------


def drawn(rng: np.random.Generator, center: SkyCoord, size: float) -> Polygon:
    """Draw a nonconvex polygon around a position."""
    angles = np.arange(7) * 51.4 + rng.uniform(0, 40, 7)
    corners = center.directional_offset_by(angles * u.deg, size * rng.uniform(0.2, 1, 7) * u.deg)
    return polygon_of(zip(corners.ra.deg.tolist(), corners.dec.deg.tolist(), strict=True))


def moc_of(polygon: Polygon, order: int) -> Any:
    """Return the cells that a polygon touches."""
    vertices = np.array(polygon.vertices).T
    return mocpy.MOC.from_polygon(*(vertices * u.deg), max_depth=order)


@pytest.mark.parametrize("place", [(0.0, 0.0), (45.0, 41.8), (359.9, 89.0), (120.0, -89.99), (266.0, -29.0)])
def test_polygons_overlap_if_their_cells_do(place: tuple[float, float]) -> None:
    """Polygons that overlap have fine cells in common, and polygons with common cells overlap or nearly so."""
    rng = np.random.default_rng(int(place[0]))
    center = SkyCoord(*place, unit="deg")
    region = drawn(rng, center, 3.0)
    places = center.directional_offset_by(rng.uniform(0, 360, 40) * u.deg, rng.uniform(0, 5, 40) * u.deg)
    footprints = [drawn(rng, each, 1.0) for each in places]
    found = meets(region, [[each] for each in footprints])
    assert 5 < sum(found) < 38
    whole = moc_of(region, 11)
    common = [not whole.intersection(moc_of(each, 11)).empty() for each in footprints]
    assert not any(one and not cells for one, cells in zip(found, common, strict=True))
    assert sum(cells and not one for one, cells in zip(found, common, strict=True)) <= 3


def test_positions_in_polygons_are_those_in_their_cells() -> None:
    """Positions in a polygon are in its cells, except near the border."""
    rng = np.random.default_rng(8)
    center = SkyCoord(10, 88, unit="deg")
    region, places = drawn(rng, center, 3.0), around(center, 3.0)
    inside = moc_of(region, 13).contains_skycoords(places)
    assert 100 < inside.sum() < 3900
    assert (holds(region, places) != inside).sum() < 12


@pytest.mark.parametrize("order", [5, 9, 13])
def test_footprints_overlap_a_moc_in_a_cell(order: int) -> None:
    """A footprint overlaps a MOC if it touches one of its cells, as when it is converted separately."""
    rng = np.random.default_rng(order)
    center = SkyCoord(359.5, 60, unit="deg")
    moc = moc_of(drawn(rng, center, 2.0), order)
    places = center.directional_offset_by(rng.uniform(0, 360, 60) * u.deg, rng.uniform(0, 4, 60) * u.deg)
    shapes: list[Shape] = [drawn(rng, each, 0.5) for each in places[:40]]
    shapes += [Circle(float(each.ra.deg), float(each.dec.deg), 0.4) for each in places[40:50]]
    shapes += [Point(float(each.ra.deg), float(each.dec.deg)) for each in places[50:]]
    found = meets(moc, [[shape] for shape in shapes])
    assert 10 < sum(found) < 58
    for shape, each in zip(shapes[:40], found, strict=False):
        assert isinstance(shape, Polygon)
        assert each is not moc.intersection(moc_of(shape, order)).empty()
    inside = moc.contains_skycoords(places[50:])
    assert found[50:] == inside.tolist()
    for shape, each in zip(shapes[40:50], found[40:50], strict=True):
        assert isinstance(shape, Circle)
        cells = mocpy.MOC.from_cone(
            lon=shape.ra * u.deg, lat=shape.dec * u.deg, radius=0.4 * u.deg, max_depth=order, delta_depth=3
        )
        assert each is not moc.intersection(cells).empty()


def test_many_footprints_overlap_a_moc_as_each_alone() -> None:
    """The results do not depend on batches, or on the number of parts of a footprint."""
    rng = np.random.default_rng(3)
    moc = mocpy.MOC.from_cone(lon=10 * u.deg, lat=10 * u.deg, radius=1 * u.deg, max_depth=9)
    ra, dec = rng.uniform(8, 12, 600), rng.uniform(8, 12, 600)
    texts = [
        f"POLYGON {x} {y} {x + 0.3} {y} {x} {y + 0.3} CIRCLE {20 - x} {y} 0.05" for x, y in zip(ra, dec, strict=True)
    ]
    shapes = [parse_s_region(text, errors="raise") for text in texts]
    found = meets(moc, shapes)
    assert 100 < sum(found) < 500
    assert found[::50] == [meets(moc, [each])[0] for each in shapes[::50]]


def test_a_large_footprint_overlaps_a_moc_with_tiny_cells() -> None:
    """A footprint of degrees is not converted to the milliarcsecond cells of a MOC."""
    moc = mocpy.MOC.from_cone(lon=10 * u.deg, lat=10 * u.deg, radius=1 * u.mas, max_depth=27)
    around_it = polygon_of([(0, 0), (20, 0), (20, 20), (0, 20)])
    elsewhere = polygon_of([(30, 0), (40, 0), (40, 20), (30, 20)])
    assert meets(moc, [[around_it], [elsewhere], [Circle(11, 10, 2)]]) == [True, False, True]


@pytest.mark.parametrize(
    "moc",
    [
        mocpy.MOC.from_cone(lon=10 * u.deg, lat=89 * u.deg, radius=3 * u.deg, max_depth=8),
        mocpy.MOC.from_cone(lon=10 * u.deg, lat=0 * u.deg, radius=3 * u.deg, max_depth=8).union(
            mocpy.MOC.from_cone(lon=30 * u.deg, lat=20 * u.deg, radius=0.2 * u.deg, max_depth=10)
        ),
        mocpy.MOC.from_string("0/0-11"),
    ],
    ids=["pole", "two", "sky"],
)
def test_the_cone_of_a_moc_encloses_its_cells(moc: Any) -> None:
    """The cone extends beyond the farthest corner, and is close to the smallest one."""
    cone = as_region(moc).cone()
    farthest = moc.largest_distance_from_coo_to_vertices(SkyCoord(cone.ra, cone.dec, unit="deg")).to_value("deg")
    assert farthest < cone.radius < 1.03 * farthest or cone.radius == 180
    if moc.sky_fraction < 0.01:
        ends = unit_vectors([10, 30], [0, 20])
        widest = 3.3 if cone.dec > 80 else (math.degrees(separation(*ends)) + 3.2) / 2
        assert cone.radius < 1.05 * widest


@pytest.mark.parametrize("name", ["sky", "all but a disc", "a cell between others"])
def test_no_part_of_a_large_moc_is_outside_of_its_cone(name: str) -> None:
    """The farthest position may be inside a cell, or on a side between two corners."""
    disc = mocpy.MOC.from_cone(lon=10 * u.deg, lat=5 * u.deg, radius=3 * u.deg, max_depth=8)
    cells = mocpy.MOC.from_json({"1": [32, 33, 34, 35, 36, 37, 38]})
    moc = {"sky": mocpy.MOC.from_string("0/0-11"), "all but a disc": disc.complement()}.get(name, cells)
    rng = np.random.default_rng(4)
    places = SkyCoord(rng.uniform(0, 360, 50_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 50_000))), unit="deg")
    cone = as_region(moc).cone()
    away = places[moc.contains_skycoords(places)].separation(SkyCoord(cone.ra, cone.dec, unit="deg")).deg
    assert away.max() <= cone.radius
    assert cone.radius == 180 or name == "a cell between others"


@pytest.mark.parametrize("order", [4, 9])
def test_batches_do_not_change_mocs(order: int) -> None:
    """Footprints with different numbers of corners give the same MOCs together as separately."""
    random = np.random.default_rng(2)
    shapes: list[list[Shape]] = [[Circle(50, 1, 2)]]
    for corners in (3, 4, 12, 5, 3, 4, 12):
        ring = SkyCoord(*random.uniform(0, 40, 2), unit="deg").directional_offset_by(
            np.arange(corners) * 360 / corners * u.deg, 2 * u.deg
        )
        shapes.append([polygon_of(zip(ring.ra.deg.tolist(), ring.dec.deg.tolist(), strict=True))])
    nowhere = np.full(len(shapes), np.nan)
    together = cover_cells(outlines_of(shapes, nowhere, nowhere), order)
    alone = [cover_cells(outlines_of([each], nowhere[:1], nowhere[:1]), order) for each in shapes]
    assert [[each] for each in together] == alone
    assert together[1] == moc_of(shapes[1][0], order)  # type: ignore[arg-type]


def test_invalid_mocs_raise() -> None:
    """An empty MOC and a time MOC raise an error."""
    with pytest.raises(InvalidArgumentError, match="region is an empty MOC"):
        as_region(mocpy.MOC.new_empty(5))
    with pytest.raises(InvalidArgumentError, match="is a TimeMOC"):
        as_region(mocpy.TimeMOC.new_empty(5))
    assert str(as_region(mocpy.MOC.from_string("3/1"))) == "a MOC of order 3"
    assert isinstance(as_region(mocpy.MOC.from_string("3/1")), MocRegion)
