"""Footprints as regions and MOCs, and queries by these, on the sandbox."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from astroquery_mast import Observations
from astroquery_mast.exceptions import FootprintParseError
from astroquery_mast.footprints import footprints, within_region
from astroquery_mast.sandbox import Sandbox

regions = pytest.importorskip("regions")
mocpy = pytest.importorskip("mocpy")

M51 = SkyCoord(202.469575, 47.195258, unit="deg")
TEXTS = ["POLYGON 359 0 1 0 1 1", "CIRCLE 10 89 2", "", "POLYGON 0 0 1 0 1 1 CIRCLE 5 5 1 POINT 7 7", "CIRCLE 1 2"]


def test_a_region_for_each_row() -> None:
    """Each row gives a polygon, a circle, None, or a union."""
    polygon, circle, nothing, union, unreadable = footprints(TEXTS)
    assert isinstance(polygon, regions.PolygonSkyRegion)
    assert polygon.vertices.ra.deg.tolist() == [359.0, 1.0, 1.0]
    assert isinstance(circle, regions.CircleSkyRegion)
    assert (circle.center.dec.deg, circle.radius) == (89, 2 * u.deg)
    assert nothing is None
    assert unreadable is None
    assert isinstance(union, regions.CompoundSkyRegion)
    assert isinstance(union.region2, regions.PointSkyRegion)
    with pytest.raises(FootprintParseError):
        footprints(TEXTS, errors="raise")


def test_footprints_as_regions_can_be_used_as_regions() -> None:
    """An observation overlaps the region of its own footprint."""
    for region, text in zip(footprints(TEXTS[:4]), TEXTS, strict=False):
        if region is not None:
            (itself,) = within_region_of([text], region)
            assert itself


def within_region_of(texts: list[str], region: object) -> list[bool]:
    """Return which footprints overlap a region."""
    from astropy.table import Table

    table = Table({"row": range(len(texts)), "s_ra": [np.nan] * len(texts), "s_dec": [np.nan] * len(texts)})
    table["s_region"] = texts
    kept = within_region(table, region)["row"].tolist()
    return [row in kept for row in range(len(texts))]


def test_a_moc_for_each_row_or_for_all() -> None:
    """Each MOC contains the same positions as its footprint, and the union contains all of them."""
    mocs = footprints(TEXTS, kind="moc", max_depth=9)
    assert [moc.empty() for moc in mocs] == [False, False, True, False, True]
    assert all(moc.max_order == 9 for moc in mocs)
    inside = SkyCoord([0, 200, 0.9, 5, 7], [0.3, 88, 0.5, 5.5, 7], unit="deg")
    assert mocs[0].contains_skycoords(inside).tolist() == [True, False, True, False, False]
    assert mocs[1].contains_skycoords(inside).tolist() == [False, False, False, False, False]
    assert mocs[3].contains_skycoords(inside).tolist() == [False, False, True, True, True]
    everything = footprints(TEXTS, kind="moc", max_depth=9, union=True)
    assert everything == mocs[0].union(mocs[1], mocs[3])
    assert mocs[1].sky_fraction == pytest.approx((1 - np.cos(np.radians(2))) / 2, rel=0.2)
    assert footprints([], kind="moc", union=True).empty()
    assert footprints([], kind="moc") == []


def test_polygons_with_different_numbers_of_corners_become_mocs() -> None:
    """A table of triangles and quadrangles can be filtered by a MOC, and converted to MOCs."""
    texts = ["POLYGON 0 0 1 0 1 1", "POLYGON 0 0 1 0 1 1 0 1", "POLYGON 50 0 51 0 51 1 50.5 1.2 50 1"]
    mocs = footprints(texts, kind="moc", max_depth=9)
    assert within_region_of(texts, mocs[0]) == [True, True, False]
    assert within_region_of(texts, mocs[2]) == [False, False, True]


def test_mocpy_reads_strict_stcs() -> None:
    """The STC-S of a footprint gives the same region in mocpy."""
    for text, moc in zip(footprints(TEXTS[:2], kind="stcs"), footprints(TEXTS[:2], kind="moc"), strict=True):
        assert mocpy.MOC.from_stcs(text, 14).symmetric_difference(moc).sky_fraction < 1e-6
    union = footprints(["POLYGON 0 0 1 0 1 1 CIRCLE 5 5 1"], kind="stcs")[0]
    assert mocpy.MOC.from_stcs(union, 10).contains_skycoords(SkyCoord(5, 5.9, unit="deg"))


def test_a_query_by_a_sky_region(mast_sandbox: Sandbox) -> None:
    """A query by a region returns the rows of a wide circle that overlap the region."""
    region = regions.RectangleSkyRegion(M51, 1 * u.arcmin, 9 * u.arcmin, 40 * u.deg)
    wide = Observations.query_region(M51, radius=0.3)
    table = Observations.query_region(region=region)
    assert 0 < len(table) < len(wide)
    assert set(table["obsid"]) == set(within_region(wide, region)["obsid"])
    assert Observations.query_region_count(region=region) == len(table)


def test_a_query_by_a_moc(mast_sandbox: Sandbox) -> None:
    """The coverage of MIRI as a MOC selects the Hubble observations that overlap it."""
    webb = Observations.query_criteria(obs_collection="JWST", target_name="M51", instrument_name="MIRI*")
    covered = footprints(webb, kind="moc", union=True)
    hubble = Observations.query_criteria(obs_collection="HST", coordinates=M51, radius=0.3)
    table = Observations.query_criteria(region=covered, obs_collection="HST")
    assert 0 < len(table) < len(hubble)
    mocs = footprints(hubble, kind="moc")
    expected = [not moc.intersection(covered).empty() for moc in mocs]
    assert set(table["obsid"]) == set(hubble["obsid"][expected])
