"""Queries by region on the sandbox over HTTP, and footprints as objects without optional packages."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table, vstack
from astropy.utils.masked import Masked
from astropy.wcs import WCS
from astroquery.exceptions import InvalidQueryError, NoResultsWarning

from astroquery_mast import Observations
from astroquery_mast.footprints import (
    Circle,
    FootprintParseError,
    Polygon,
    footprints,
    parse_s_region,
    within_region,
)
from astroquery_mast.sandbox import Sandbox

M51 = SkyCoord(202.469575, 47.195258, unit="deg")
STRIP = M51.directional_offset_by([10, 20, 190, 200] * u.deg, 0.08 * u.deg)
TEXT = f"CIRCLE ICRS {M51.ra.deg} {M51.dec.deg} 0.01"


def image() -> WCS:
    """Return the coordinates of a small image of M51's nucleus."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-1e-4, 1e-4]
    wcs.wcs.crval, wcs.wcs.crpix = [202.47, 47.20], [50.5, 50.5]
    wcs.array_shape = (100, 100)
    return wcs


@pytest.mark.parametrize(
    "region", [STRIP, TEXT, image(), ["POINT 202.46 47.2", image()]], ids=["corners", "text", "image", "list"]
)
@pytest.mark.parametrize("overlap", ["footprint", "center"])
def test_a_region_selects_from_a_wide_circle(mast_sandbox: Sandbox, region: Any, overlap: str) -> None:
    """A query by region returns the rows of a much larger circle after filtering; rows, count and criteria agree."""
    wide = Observations.query_region(M51, radius=0.5)
    expected = within_region(wide, region, overlap=overlap)
    table = Observations.query_region(region=region, overlap=overlap)
    assert 0 < len(table) < len(wide)
    assert set(table["obsid"]) == set(expected["obsid"])
    assert Observations.query_region_count(region=region, overlap=overlap) == len(table)
    by_criteria = Observations.query_criteria(region=region, overlap=overlap, obs_collection=["HST", "JWST"])
    assert set(by_criteria["obsid"]) == {row["obsid"] for row in table if row["obs_collection"] in {"HST", "JWST"}}
    count = Observations.query_criteria_count(region=region, overlap=overlap, obs_collection=["HST", "JWST"])
    assert count == len(by_criteria)


def test_the_smallest_circle_is_queried(mast_sandbox: Sandbox) -> None:
    """The request is an ordinary cone search, and its radius depends only on the size of the region."""
    params = Observations.query_region(region=TEXT, get_query_payload=True)["params"]
    assert params == {"ra": M51.ra.deg, "dec": M51.dec.deg, "radius": pytest.approx(0.01 + 1 / 3600)}
    payload = Observations.query_criteria(region=STRIP, obs_collection="HST", get_query_payload=True)
    assert payload["service"] == "Mast.Caom.Filtered.Position"
    ra, dec, radius = map(float, payload["params"]["position"].split(", "))
    assert M51.separation(SkyCoord(ra, dec, unit="deg")) < 1 * u.arcsec
    assert radius == pytest.approx(0.08 + 1 / 3600, abs=1e-6)
    count = Observations.query_region_count(region=STRIP, get_query_payload=True)
    assert count["params"]["columns"] == "s_ra,s_dec,s_region"
    assert len(mast_sandbox.requests) == 0


def test_the_filter_is_described_in_meta(mast_sandbox: Sandbox) -> None:
    """The metadata have the number of rows before and after the filter, also for stacked tables."""
    table = Observations.query_region(region=STRIP)
    (said,) = table.meta["cut"]
    cone = Observations.query_region(region=STRIP, get_query_payload=True)["params"]
    sent = Observations.query_region_count(f"{cone['ra']} {cone['dec']}", radius=cone["radius"])
    assert said.startswith(f"{len(table)} of {sent} rows have a footprint that overlaps a polygon of 4")
    assert sent > len(table)
    both = vstack([table, Observations.query_region(region=TEXT, overlap="center")])
    assert len(both.meta["cut"]) == 2
    assert "cut" not in Observations.query_region(M51, radius=0.01).meta


def test_cone_searches_can_be_filtered_by_center(mast_sandbox: Sandbox) -> None:
    """The result has all rows with a position within the radius, and no others."""
    wide = Observations.query_region(M51, radius=0.3)
    away = SkyCoord(wide["s_ra"], wide["s_dec"]).separation(M51).deg
    table = Observations.query_region(M51, radius=0.03, overlap="center")
    assert set(table["obsid"]) == set(wide["obsid"][away <= 0.03])
    assert len(table) < len(Observations.query_region(M51, radius=0.03))
    assert Observations.query_region_count(M51, radius=0.03, overlap="center") == len(table)
    assert set(Observations.query_object("M51", radius=0.03, overlap="center")["obsid"]) == set(table["obsid"])
    assert Observations.query_object_count("M51", radius=0.03, overlap="center") == len(table)
    hubble = Observations.query_criteria(coordinates=M51, radius=0.03, overlap="center", obs_collection="HST")
    assert len(hubble) == np.sum(table["obs_collection"] == "HST")
    assert Observations.query_criteria_count(
        coordinates=M51, radius=0.03, overlap="center", obs_collection="HST"
    ) == len(hubble)


def test_footprint_overlap_is_the_default_of_mast(mast_sandbox: Sandbox) -> None:
    """With the default overlap, the requests do not change, and MAST counts the rows."""
    for ask in (Observations.query_region, Observations.query_region_count):
        plain = ask(M51, radius=0.03, get_query_payload=True)
        assert ask(M51, radius=0.03, overlap="footprint", get_query_payload=True) == plain
    assert plain["params"]["columns"] == "COUNT_BIG(*)"


def test_a_region_outside_of_all_footprints_has_no_results(mast_sandbox: Sandbox) -> None:
    """The warning has the number of rows from MAST, and the empty table keeps its columns."""
    beside = M51.directional_offset_by([0, 0.1, 0.1] * u.deg, [0.55, 0.55, 0.551] * u.deg)
    ring = [beside, M51.directional_offset_by([180, 180.1, 180.1] * u.deg, [0.55, 0.55, 0.551] * u.deg)]
    with pytest.warns(NoResultsWarning, match=r"0 of \d\d+ rows have a position in 2 shapes"):
        table = Observations.query_region(region=ring, overlap="center")
    assert len(table) == 0
    assert "s_region" in table.colnames
    assert table.meta["rows"] == [0]
    assert Observations.query_region_count(region=ring, overlap="center") == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"coordinates": M51, "region": TEXT}, "Only one of"),
        ({"region": TEXT, "radius": 0.1}, "cannot be combined with region"),
        ({"region": "M51"}, "The footprint 'M51' contains no shape"),
        ({"region": STRIP[:2]}, "but a polygon needs at least three"),
        ({"coordinates": M51, "overlap": "all"}, "overlap must be 'footprint' or 'center', got 'all'"),
        ({"coordinates": STRIP, "region": TEXT}, "Only one of"),
    ],
)
def test_invalid_combinations_raise_before_any_request(mast_sandbox: Sandbox, arguments: Any, reason: str) -> None:
    """A region cannot be combined with a position or a radius."""
    for ask in (Observations.query_region, Observations.query_region_count):
        with pytest.raises(InvalidQueryError, match=reason):
            ask(**arguments)
    for ask in (Observations.query_criteria, Observations.query_criteria_count):
        with pytest.raises(InvalidQueryError, match=reason):
            ask(obs_collection="HST", **arguments)
    assert len(mast_sandbox.requests) == 0


def test_a_position_or_region_is_required(mast_sandbox: Sandbox) -> None:
    """A query without a position or region raises an error."""
    for ask in (Observations.query_region, Observations.query_region_count):
        with pytest.raises(InvalidQueryError, match="Specify coordinates"):
            ask()
    with pytest.raises(InvalidQueryError, match="requires coordinates, object_name or region"):
        Observations.query_criteria(obs_collection="HST", overlap="center")
    with pytest.raises(InvalidQueryError, match="non-positional criterion"):
        Observations.query_criteria(region=TEXT)
    assert Observations.query_criteria_count(region=TEXT, get_query_payload=True)["params"]["filters"] == []
    assert len(mast_sandbox.requests) == 0


def test_a_page_of_a_region_is_filtered_separately(mast_sandbox: Sandbox) -> None:
    """A single page has the rows of that page that are in the region."""
    table = Observations.query_region(region=STRIP, pagesize=20, page=2)
    assert table.meta["cut"][0].startswith(f"{len(table)} of 20 rows")


def test_rows_are_counted_after_the_filter(mast_sandbox: Sandbox) -> None:
    """The row counts in the metadata are correct for single queries and for stacked tables."""
    table = Observations.query_region(region=STRIP)
    assert table.meta["rows"] == [len(table)]
    one, two = (Observations.query_criteria(coordinates=M51, obs_collection=name) for name in ("HST", "JWST"))
    both = within_region(vstack([one, two]), STRIP)
    assert both.meta["rows"] == [len(within_region(each, STRIP)) for each in (one, two)]
    assert sum(both.meta["rows"]) == len(both)


@pytest.mark.parametrize("overlap", ["footprint", "center"])
def test_tables_of_quantities_are_filtered_as_others(mast_sandbox: Sandbox, overlap: str) -> None:
    """Units are converted, and masked positions are in no region."""
    table = Observations.query_criteria(coordinates=M51, obs_collection=["HST", "JWST"])
    expected = within_region(table, STRIP, overlap=overlap)["obsid"].tolist()
    quantities = QTable(table)
    assert within_region(quantities, STRIP, overlap=overlap)["obsid"].tolist() == expected
    for name in ("s_ra", "s_dec"):
        quantities[name] = quantities[name].to("arcmin")
        table[name] = table[name].filled() * 60
        table[name].unit = "arcmin"
    assert within_region(quantities, STRIP, overlap=overlap)["obsid"].tolist() == expected
    assert within_region(table, STRIP, overlap=overlap)["obsid"].tolist() == expected
    mask = np.isin(quantities["obsid"], expected[:1])
    quantities["s_ra"] = Masked(quantities["s_ra"], mask=mask)
    kept = within_region(quantities, STRIP, overlap="center")["obsid"].tolist()
    assert kept == [each for each in within_region(table, STRIP, overlap="center")["obsid"] if each != expected[0]]


def test_a_single_row_is_filtered_as_a_table(mast_sandbox: Sandbox) -> None:
    """A row gives a table, and input other than observations raises an error."""
    table = Observations.query_region(region=STRIP)
    assert len(within_region(table[0], STRIP)) == 1
    for wrong in (None, "M51", [table]):
        with pytest.raises(InvalidQueryError, match="table must be a table of observations, got a"):
            within_region(wrong, STRIP)  # type: ignore[arg-type]


# -- footprints as objects -------------------------------------------------------------------------------------------


def test_all_footprints_of_the_sandbox_are_parsed(mast_sandbox: Sandbox) -> None:
    """All spellings of footprints are parsed, and written in strict STC-S."""
    table = Observations.query_criteria(obs_collection=["HST", "JWST", "TESS", "GALEX", "HLA"])
    texts = table["s_region"].tolist()
    shapes = footprints(table, kind="shapes", errors="raise")
    assert [bool(text) for text in texts] == [bool(each) for each in shapes]
    assert any(text is None for text in texts)
    assert {type(shape) for each in shapes for shape in each} == {Polygon, Circle}
    assert max(map(len, shapes)) > 1
    strict = footprints(table, kind="stcs")
    assert {text.split()[0] for text in strict if text} == {"POLYGON", "CIRCLE", "UNION"}
    assert footprints(strict, kind="shapes") == shapes


@pytest.mark.parametrize(
    "source",
    [
        Table({"s_region": ["CIRCLE 1 2 3"]}),
        Table({"s_region": ["CIRCLE 1 2 3"]})[0],
        Table({"s_region": ["CIRCLE 1 2 3"]})["s_region"],
        np.array(["CIRCLE 1 2 3"]),
        ["CIRCLE 1 2 3"],
        ("CIRCLE 1 2 3",),
        iter(["CIRCLE 1 2 3"]),
        "CIRCLE 1 2 3",
    ],
    ids=lambda source: type(source).__name__,
)
def test_footprints_come_from_tables_columns_and_text(source: Any) -> None:
    """Tables, rows, columns, lists and strings give the same footprints."""
    assert footprints(source, kind="shapes") == [[Circle(1.0, 2.0, 3.0)]]


def test_missing_and_unreadable_footprints() -> None:
    """A missing value is no footprint, and neither is unreadable text, unless errors are raised."""
    texts = [None, "", "CIRCLE 1 2", np.ma.masked]
    assert footprints(texts, kind="shapes") == [[], [], [], []]
    assert footprints(texts, kind="stcs") == ["", "", "", ""]
    with pytest.raises(FootprintParseError, match="circle"):
        footprints(texts, kind="shapes", errors="raise")
    assert footprints([], kind="shapes") == []


def test_lists_of_shapes_are_independent() -> None:
    """Changing the shapes of one row does not change other rows."""
    first, second = footprints(["CIRCLE 1 2 3", "CIRCLE 1 2 3"], kind="shapes")
    first.clear()
    assert second == parse_s_region("CIRCLE 1 2 3")


@pytest.mark.parametrize(
    ("source", "options", "reason"),
    [
        ("", {"kind": "wkt"}, "kind must be one of 'regions', 'moc', 'shapes', 'stcs', got 'wkt'"),
        ("", {"kind": "shapes", "union": True}, "union=True requires kind='moc', got kind="),
        ("", {"kind": "moc", "max_depth": 30}, "from 0 to 29"),
        ("", {"kind": "moc", "max_depth": "9"}, "max_depth must be"),
        ("", {"kind": "moc", "max_depth": 9.5}, "integer from 0"),
        (Table({"ra": [1.0]}), {"kind": "shapes"}, "Column 's_region' not found in the table"),
        (42, {"kind": "shapes"}, "Footprints must be a table, a column or a string, got a int"),
    ],
)
def test_invalid_arguments_of_footprints_raise(source: Any, options: Any, reason: str) -> None:
    """The message lists the valid values."""
    with pytest.raises(InvalidQueryError, match=reason):
        footprints(source, **options)


@pytest.mark.parametrize(("kind", "package"), [("regions", "regions"), ("moc", "mocpy")])
def test_a_package_that_is_not_installed_is_named(kind: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message also names the extra that installs it."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InvalidQueryError, match=rf"requires {package}\..*astroquery_mast\[sky\]"):
        footprints("CIRCLE 1 2 3", kind=kind)
