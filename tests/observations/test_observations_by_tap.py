"""Observations by TAP: the same tables and rows as from the other query methods."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table, vstack

from astroquery_mast import VO, Observations
from astroquery_mast.exceptions import BadRequestError, InvalidQueryError, MaxResultsWarning, NoResultsWarning
from astroquery_mast.observations.tap import as_observations
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.service.connections import _SpooledBody
from astroquery_mast.tables.columns import snapshot

pytestmark = pytest.mark.usefixtures("mast_sandbox")

OBSERVATIONS = "SELECT * FROM dbo.obspointing WHERE "
FILES = (
    "SELECT o.obsid, o.obs_collection, o.obs_id, a.productfilename, a.datauri, a.contentlength, a.producttype "
    "FROM dbo.obspointing AS o JOIN dbo.caomartifact AS a ON a.planetid = o.objid "
    "WHERE o.proposal_id = '10452' AND o.calib_level = 3 AND a.productfilename LIKE '%drz.fits'"
)


def values(column: Any) -> list[Any]:
    """Return the cells of a column, with None for masked cells and empty text, which VOTables do not distinguish."""
    return [None if cell == "" else cell for cell in np.ma.asarray(column).tolist()]


@pytest.mark.parametrize("collection", ["HST", "JWST", "GALEX", "TESS", "Kepler"])
def test_columns_are_those_of_query_criteria(collection: str) -> None:
    """Names, types, units, descriptions and values are those of `query_criteria`."""
    by_tap = Observations.query_tap(f"{OBSERVATIONS} obs_collection = '{collection}'")
    by_portal = Observations.query_criteria(obs_collection=collection)
    assert len(by_tap) == len(by_portal) > 0
    assert by_tap.colnames == by_portal.colnames
    by_tap.sort("objID")
    by_portal.sort("objID")
    for name in by_portal.colnames:
        one, other = by_tap[name], by_portal[name]
        assert type(one) is type(other), name
        assert one.dtype.kind == other.dtype.kind, name
        assert one.dtype == other.dtype or one.dtype.kind == "U", name
        assert (one.unit, one.description) == (other.unit, other.description), name
        assert values(one) == values(other), name


def test_products_of_observations_by_tap_can_be_downloaded(tmp_path: Path) -> None:
    """`get_product_list` and `download_products` take observations found by TAP."""
    found = Observations.query_tap(f"{OBSERVATIONS} obs_id = 'j97c01010'")
    products = Observations.get_product_list(found)
    assert set(products["obsID"]) >= set(found["obsid"])
    manifest = Observations.download_products(
        found, download_dir=tmp_path, productSubGroupDescription="DRZ", extension="fits", verbose=False
    )
    assert manifest is not None
    assert list(manifest["Status"]) == ["COMPLETE"]


def test_a_join_returns_products_to_download(tmp_path: Path) -> None:
    """A join returns products with their sizes, which can be downloaded directly."""
    products = Observations.query_tap(FILES)
    listed = Observations.get_product_list(products["obsid"])
    sizes = dict(zip(listed["dataURI"], listed["size"], strict=True))
    assert {"dataURI", "productFilename", "productType", "size"} <= set(products.colnames)
    assert {uri: sizes[uri] for uri in products["dataURI"]} == dict(
        zip(products["dataURI"], products["size"], strict=True)
    )
    manifest = Observations.download_products(products[:2], download_dir=tmp_path, verbose=False)
    assert manifest is not None
    assert list(manifest["Status"]) == ["COMPLETE", "COMPLETE"]
    assert [Path(path).stat().st_size for path in manifest["Local Path"]] == list(products["size"][:2])


def test_a_join_to_planes_keeps_the_names_of_the_service() -> None:
    """Columns that no other query has keep their names in the service."""
    table = Observations.query_tap(
        "SELECT TOP 3 o.obsid, p.possamplesize, p.previewuri FROM dbo.obspointing AS o "
        "JOIN dbo.caomplane AS p ON p.planetid = o.objid WHERE o.obs_collection = 'HST'"
    )
    assert table.colnames == ["obsid", "possamplesize", "previewuri"]


def test_wavelengths_have_the_correct_unit() -> None:
    """Wavelengths have the correct unit, although the service declares meters for nanometers in one table."""
    where = "WHERE obs_id = 'j97c01010'"
    pointing = Observations.query_tap(f"SELECT em_min FROM dbo.obspointing {where}")
    obscore = Observations.query_tap(f"SELECT em_min FROM ivoa.obscore {where}")
    computed = Observations.query_tap(f"SELECT em_min / 1000 AS em_min FROM dbo.obspointing {where}")
    assert str(pointing["em_min"].unit) == "nm"
    assert obscore["em_min"].unit == "m"
    assert pointing["em_min"].quantity[0].to_value("nm") == pytest.approx(obscore["em_min"].quantity[0].to_value("nm"))
    assert computed["em_min"].unit is None
    assert computed["em_min"][0] == pytest.approx(pointing["em_min"][0] / 1000)


def test_aggregates_keep_their_names() -> None:
    """A histogram has the columns that the query names."""
    table = Observations.query_tap(
        "SELECT instrument_name, COUNT(*) AS number, MAX(t_exptime) AS longest FROM dbo.obspointing "
        "WHERE obs_collection = 'JWST' GROUP BY instrument_name ORDER BY number DESC"
    )
    assert table.colnames == ["instrument_name", "number", "longest"]
    assert sum(table["number"]) == Observations.query_criteria_count(obs_collection="JWST")


CONES: dict[str, tuple[str, str]] = {
    "M 51": ("202.47 47.20", "0.3 deg"),
    "across 0h": ("0.0 0.0", "40 deg"),
    "at a pole": ("90 -88", "25 deg"),
    "Large Magellanic Cloud": ("80.9 -69.8", "10 deg"),
    "half of the sky": ("150 2", "90 deg"),
    "all of the sky": ("150 2", "180 deg"),
}


@pytest.mark.parametrize("cone", CONES)
def test_a_cone_has_the_same_rows_by_tap_and_by_mashup(cone: str) -> None:
    """A cone condition finds the same observations as a Mashup query by center."""
    center, radius = CONES[cone]
    by_tap = Observations.query_tap(f"{OBSERVATIONS} {VO.cone_condition(center, radius)}")
    by_portal = Observations.query_region(center, radius=radius, overlap="center")
    # Mashup compares footprints first, so it does not find observations without one, such as many planned ones.
    with_footprint = by_tap[~by_tap["s_region"].mask]
    assert len(with_footprint) > 100
    assert len(with_footprint) == len(by_portal)
    assert set(with_footprint["obsid"]) == set(by_portal["obsid"])
    assert set(by_tap[by_tap["s_region"].mask]["calib_level"]) <= {-1}


def test_a_cone_by_tap_compares_positions() -> None:
    """A cone condition compares positions, so footprints that only overlap the cone do not match."""
    center, radius = "202.47 47.20", "0.05 deg"
    by_tap = Observations.query_tap(f"{OBSERVATIONS} {VO.cone_condition(center, radius)} AND calib_level >= 0")
    by_portal = Observations.query_region(center, radius=radius)
    assert set(by_tap["obsid"]) < set(by_portal["obsid"])
    place = SkyCoord(by_tap["s_ra"], by_tap["s_dec"])
    assert place.separation(SkyCoord(center, unit="deg")).max().deg <= 0.05


def test_large_results_are_retrieved_in_pages() -> None:
    """``limit=None`` returns every row once, in pages."""
    table = Observations.query_tap(f"{OBSERVATIONS} obs_collection = 'GALEX'", maxrec=50, limit=None)
    assert len(table) == len(set(table["objID"])) == Observations.query_criteria_count(obs_collection="GALEX")
    assert table["obsid"].dtype.kind == "U"
    with pytest.warns(MaxResultsWarning):
        assert len(Observations.query_tap(f"{OBSERVATIONS} obs_collection = 'GALEX'", limit=10)) == 10


def test_pages_are_freed_without_garbage_collection() -> None:
    """The bodies of pages are freed without waiting for garbage collection."""
    gc.collect()
    gc.disable()
    try:
        query = "SELECT obsid FROM dbo.obspointing WHERE obs_collection = 'GALEX'"
        pages = list(VO.query_tap_iter(query, maxrec=50, run_async=False))
        kept = [each for each in gc.get_objects() if type(each) is _SpooledBody and not each._file.closed]
    finally:
        gc.enable()
    assert len(pages) > 3
    assert not kept


def test_an_empty_result_keeps_its_columns() -> None:
    """An empty result has all columns and issues a warning."""
    with pytest.warns(NoResultsWarning):
        table = Observations.query_tap(f"{OBSERVATIONS} obs_collection = 'nothing'")
    assert len(table) == 0
    assert {"dataURL", "jpegURL", "obsid"} <= set(table.colnames)


def test_observations_by_tap_can_be_stacked_and_written(tmp_path: Path) -> None:
    """Tables by TAP can be stacked with other tables and written to files without warnings."""
    by_tap = Observations.query_tap(f"{OBSERVATIONS} proposal_id = '10452' AND calib_level = 3")
    by_portal = Observations.query_criteria(proposal_id="1201", obs_collection="JWST")
    both = vstack([by_tap, by_portal])
    assert len(both) == len(by_tap) + len(by_portal)
    assert both.colnames == by_portal.colnames
    assert by_tap.meta["rows"] == [len(by_tap)]
    assert by_tap.meta["mode"] == ["sync"]
    by_tap.write(tmp_path / "table.ecsv")
    again = Table.read(tmp_path / "table.ecsv")
    assert again.meta == by_tap.meta
    assert values(again["obsid"]) == list(map(str, values(by_tap["obsid"])))
    for name in ("s_ra", "filters", "jpegURL"):
        assert values(again[name]) == values(by_tap[name])


def test_a_payload_is_returned_and_not_sent(mast_sandbox: Sandbox) -> None:
    """``get_query_payload`` returns the request without sending it."""
    shown: Any = Observations.query_tap("SELECT TOP 1 obsid FROM dbo.obspointing", get_query_payload=True)
    assert shown["url"].endswith("/caom/sync")
    assert shown["QUERY"] == "SELECT TOP 1 obsid FROM dbo.obspointing"
    assert not mast_sandbox.requests.of("vo_tap")


def test_an_invalid_query_raises_the_message_of_the_service() -> None:
    """An invalid query raises an error with the message of the service."""
    with pytest.raises(BadRequestError, match="nothing_there"):
        Observations.query_tap("SELECT nothing_there FROM dbo.obspointing")
    with pytest.raises(InvalidQueryError, match="adql must be"):
        Observations.query_tap("")


@pytest.mark.parametrize("name", ["s_ra; DROP", "s_ra)", "", "1ra", None])
def test_a_cone_condition_only_accepts_column_names(name: Any) -> None:
    """A cone condition only accepts valid column names."""
    with pytest.raises(InvalidQueryError, match="is not a valid column name"):
        VO.cone_condition("10 0", ra=name)


def test_a_cone_condition_requires_a_position() -> None:
    """A cone condition requires a position."""
    with pytest.raises(InvalidQueryError, match="coordinates must be a SkyCoord, a coordinate frame with data, or"):
        VO.cone_condition(None)


def test_columns_of_a_cone_condition_can_have_a_table_prefix() -> None:
    """Columns of a cone condition can have a table prefix, for use in a join."""
    where = VO.cone_condition("202.47 47.20", "0.05 deg", ra="o.s_ra", dec='o."s_dec"')
    table = Observations.query_tap(f"SELECT o.obsid FROM dbo.obspointing AS o WHERE {where}")
    plain = VO.query_tap(f"SELECT obsid FROM dbo.obspointing WHERE {VO.cone_condition('202.47 47.20', '0.05 deg')}")
    assert sorted(map(int, table["obsid"])) == sorted(plain["obsid"])


# -- responses that the sandbox does not give --------------------------------------------------------------------------

COLUMNS = snapshot()["Mast.Caom.Cone"]


def answer(adql: str = "SELECT * FROM dbo.obspointing", **columns: Any) -> Table:
    """Return a response of the service as a table of observations."""
    return as_observations(Table(columns, meta={"adql": adql}), COLUMNS)


ODD: dict[str, tuple[Callable[[], Table], str, Any]] = {
    "bits are booleans": (lambda: answer(mtflag=np.array([0, 1], dtype=np.int16)), "mtFlag", [False, True]),
    "text for a number stays": (lambda: answer(t_exptime=["1.5", "x"]), "t_exptime", ["1.5", "x"]),
    "identifiers that are text": (lambda: answer(obsid=["1", "20"]), "obsid", ["1", "20"]),
    "no rows": (lambda: answer(obsid=np.zeros(0, dtype=np.int64)), "obsid", []),
    "numbers below zero": (lambda: answer(objid=np.array([-20, 3])), "objID", ["-20", "3"]),
    "spelled already": (lambda: answer(dataURL=["a"], dataurl=["b"]), "dataurl", ["b"]),
}


@pytest.mark.parametrize("case", ODD)
def test_unusual_types_keep_their_values(case: str) -> None:
    """Unusual types keep their values, converted to the usual type where possible."""
    make, name, expected = ODD[case]
    assert make()[name].tolist() == expected
