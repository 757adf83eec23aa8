"""Catalog queries for arrays, lists and tables of targets: concurrent requests, and one table of results."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astroquery.exceptions import (
    InputWarning,
    InvalidQueryError,
    MaxResultsWarning,
    NoResultsWarning,
    ResolverError,
)

from astroquery_mast import Catalogs, conf
from astroquery_mast.exceptions import BadRequestError
from astroquery_mast.sandbox import Fault, Sandbox

pytestmark = pytest.mark.usefixtures("mast_sandbox")

# The first two are close together, the last is equal to the first, and the one before it has no objects around it.
PLACES = SkyCoord(
    [202.469575, 202.48, 210.8, 100.0, 202.469575], [47.195258, 47.2, 54.35, -80.0, 47.195258], unit="deg"
)
EMPTY = 3

QUERIES: list[dict[str, Any]] = [
    {"catalog": "TIC", "radius": 0.1},
    {"catalog": "ctl", "radius": 0.1, "sort_by": ["objType", "desc.Tmag"], "columns": "ID,Tmag"},
    {"catalog": "Gaia", "version": 2, "radius": 0.05, "sort_by": ("desc", "phot_g_mean_mag"), "columns": ["ra"]},
    {"catalog": "HSC", "radius": 0.01, "magtype": 2},
    {"catalog": "HSC", "version": 2, "radius": 0.01, "sort_by": "Distance"},
    {"catalog": "Galex", "radius": 0.05},
    {"catalog": "Mast.Catalogs.GaiaDR1.Cone", "radius": 0.1},
    {"catalog": "panstarrs", "radius": 0.02},
    {
        "catalog": "panstarrs",
        "radius": 0.02,
        "table": "stack",
        "columns": ["objID", "raMean"],
        "sort_by": "desc.raMean",
    },
    {"catalog": "panstarrs", "radius": 0.02, "nDetections": ">=5", "gMeanPSFMag": [15, 22]},
]


def rows_of_target(table: Table, row: int) -> Table:
    """Return the rows of one target."""
    return table[table["input_row"] == row]


def equal_tables(part: Table, single: Table) -> bool:
    """Return whether a part of a table is equal to the result of a single query; it may have additional columns."""
    return len(part) == len(single) and all(
        part[name].tolist() == single[name].tolist() and part[name].unit == single[name].unit
        for name in single.colnames
    )


@pytest.mark.filterwarnings("ignore::astroquery.exceptions.NoResultsWarning")
@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_each_part_is_equal_to_a_single_query(mast_sandbox: Sandbox, query: dict[str, Any]) -> None:
    """Rows, order and units of each target are those of a single query, and equal targets share a request."""
    table = Catalogs.query_region(PLACES, **query)
    endpoint = "catalogs" if query["catalog"] == "panstarrs" else "invoke"
    sent = [each for each in mast_sandbox.requests.of(endpoint) if "metadata" not in each.path]
    assert len(sent) == 4
    assert table.colnames[0] == "input_row"
    assert len(rows_of_target(table, 0)) > 0
    for row, place in enumerate(PLACES):
        assert equal_tables(rows_of_target(table, row), Catalogs.query_region(place, **query))
    assert table["input_row"].tolist() == sorted(table["input_row"])
    assert EMPTY in table.meta["unmatched"]
    assert table.meta["failed"] == table.meta["limited"] == []
    (request,) = map(json.loads, table.meta["request"])
    assert (request["targets"], request["requests"]) == (5, 4)
    assert not {"ra", "dec", "radius"} & {*request, *request.get("params", {})}


def test_any_form_of_targets() -> None:
    """The result does not depend on the form of the targets; each may have its own radius."""
    plain = Catalogs.query_region(PLACES[:3], catalog="TIC", radius="0.05 deg")
    given: list[Any] = [
        Table({"RAJ2000": PLACES.ra.deg[:3], "DEJ2000": PLACES.dec.deg[:3]}),
        [f"{place.ra.deg} {place.dec.deg}" for place in PLACES[:3]],
        list(PLACES[:3].galactic),
    ]
    for form in given:
        assert Catalogs.query_region(form, catalog="TIC", radius=[3, 3, 3] * u.arcmin)["ID"].tolist() == (
            plain["ID"].tolist()
        )
    wider = Catalogs.query_region(PLACES[:2], catalog="TIC", radius=[0.02, 0.1] * u.deg)
    assert equal_tables(rows_of_target(wider, 1), Catalogs.query_region(PLACES[1], catalog="TIC", radius=0.1))


@pytest.mark.parametrize("catalog", ["TIC", "panstarrs"])
def test_rows_have_the_names_of_their_targets(mast_sandbox: Sandbox, catalog: str) -> None:
    """Names are resolved together, and an unknown one is listed with one warning."""
    with pytest.warns(InputWarning, match="1 of 3 targets") as caught:
        table = Catalogs.query_object(["M51", "no such thing", "M101"], catalog=catalog, radius=0.02)
    assert len(caught) == 1
    assert len(mast_sandbox.requests.of("resolver")) == 1
    assert table.colnames[:2] == ["input_row", "target"]
    assert set(zip(table["input_row"].tolist(), table["target"].tolist(), strict=True)) == {(0, "M51"), (2, "M101")}
    assert equal_tables(rows_of_target(table, 2), Catalogs.query_object("M101", catalog=catalog, radius=0.02))
    assert table.meta["failed"][0].startswith("row 1 (no such thing): ")
    with pytest.raises(ResolverError):
        Catalogs.query_object(["nobody", "no one"], catalog=catalog)


@pytest.mark.parametrize(
    "query",
    [
        {"catalog": "TIC", "Tmag": "<15", "sort_by": "Tmag", "columns": ["ID", "Tmag"]},
        {"catalog": "TIC", "Tmag": [None, 16]},
        {"catalog": "Panstarrs", "nDetections": ">=5"},
    ],
    ids=str,
)
def test_criteria_hold_for_every_target(query: dict[str, Any]) -> None:
    """Criteria with many positions or names give the results of single queries."""
    options: dict[str, Any] = {**query, "radius": 0.05}
    table = Catalogs.query_criteria(coordinates=PLACES[:3], **options)
    for row in range(3):
        assert equal_tables(rows_of_target(table, row), Catalogs.query_criteria(coordinates=PLACES[row], **options))
    named = Catalogs.query_criteria(object_name=["M51", "M101"], **options)
    assert equal_tables(rows_of_target(named, 1), Catalogs.query_criteria(object_name="M101", **options))
    if "columns" in query:
        assert named.colnames == ["input_row", "target", "ID", "Tmag"]


def test_counts_are_in_the_order_of_the_input(mast_sandbox: Sandbox) -> None:
    """Each target has its count, which is masked if it failed."""
    query: dict[str, Any] = {"catalog": "TIC", "radius": 0.1, "Tmag": "<18"}
    counts = Catalogs.query_criteria_count(coordinates=PLACES, **query)
    assert counts.colnames == ["input_row", "count"]
    listed = Catalogs.query_criteria(coordinates=PLACES, **query)
    assert counts["count"].tolist() == [len(rows_of_target(listed, row)) for row in range(5)]
    mast_sandbox.faults.add("invoke", Fault.error("deadlock"), times=None, where=lambda r: b"210.8" in r.body)
    with pytest.warns(InputWarning, match="deadlock"):
        assert Catalogs.query_criteria_count(coordinates=PLACES, **query)["count"].mask.tolist() == [0, 0, 1, 0, 0]
    mast_sandbox.faults.clear()
    named = Catalogs.query_criteria_count(object_name=["M51"], **query)
    assert named["count"].tolist() == [Catalogs.query_criteria_count(object_name="M51", **query)]
    assert len(Catalogs.query_criteria_count(coordinates=PLACES, get_query_payload=True, **query)) == 4


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"catalog": "HSC", "radius": 0.01, "nr": 20}, "nr"),
        ({"catalog": "Galex", "radius": 0.05, "maxrecords": 10}, "maxrecords"),
        ({"catalog": "panstarrs", "radius": 0.02, "pagesize": 10}, "pagesize"),
    ],
    ids=str,
)
def test_a_limit_applies_to_each_target(query: dict[str, Any], name: str) -> None:
    """One warning is issued for all targets that may have more rows, and they are listed."""
    limit = query[name]
    limited = rf"of 5 targets, the first is row 0: .* limited by {name}={limit}\."
    with pytest.warns(MaxResultsWarning, match=limited) as caught:
        table = Catalogs.query_region(PLACES, **query)
    assert len(caught) == 1
    counts = [len(rows_of_target(table, row)) for row in range(5)]
    assert max(counts) == limit
    assert table.meta["limited"] == [row for row, count in enumerate(counts) if count == limit]


@pytest.mark.parametrize(("catalog", "endpoint"), [("TIC", "invoke"), ("panstarrs", "catalogs")])
def test_failed_targets(mast_sandbox: Sandbox, catalog: str, endpoint: str) -> None:
    """A failed target is listed with its error; if all fail, the call raises."""
    Catalogs.query_region(PLACES[0], catalog=catalog, radius=0.02)
    mast_sandbox.faults.add(endpoint, Fault.status(400), times=None, where=lambda r: b"210.8" in r.body)
    with pytest.warns(InputWarning, match="1 of 5 targets"):
        table = Catalogs.query_region(PLACES, catalog=catalog, radius=0.02)
    assert "HTTP 400" in table.meta["failed"][0]
    assert set(table["input_row"]) == {0, 1, 4}
    assert table.meta["unmatched"] == [EMPTY]
    mast_sandbox.faults.add(endpoint, Fault.status(400), times=None)
    with pytest.raises(BadRequestError):
        Catalogs.query_region(PLACES, catalog=catalog, radius=0.02)


def test_an_unknown_catalog_raises_with_a_suggestion() -> None:
    """The error is that of a single query."""
    with pytest.raises(BadRequestError, match="Did you mean 'Gaia'"):
        Catalogs.query_region(PLACES, catalog="gaja")


def test_all_pages_of_all_targets_are_returned(mast_sandbox: Sandbox) -> None:
    """Responses in pages give the same table; a repeated page issues a warning."""
    whole = Catalogs.query_region(PLACES, catalog="panstarrs", radius=0.02)
    with conf.set_temp("pagesize", 10):
        assert equal_tables(Catalogs.query_region(PLACES, catalog="panstarrs", radius=0.02), whole)
        page = {"info": [{"name": "objID", "type": "long"}], "data": [[str(number)] for number in range(10)]}
        mast_sandbox.faults.add("catalogs", Fault.answer(page), times=None)
        with pytest.warns(MaxResultsWarning, match="There may be more rows") as caught:
            table = Catalogs.query_region(PLACES[:3], catalog="panstarrs", radius=0.02)
    assert len(caught) == 1
    assert len(table) == 30


@pytest.mark.parametrize(
    "options",
    [
        {"page": 2},
        {"radius": [0.1, 0.2]},
        {"max_workers": 0},
        {"timeout": -1},
        {"executor": 3},
        {"columns": ["no_such_column"]},
        {"nosuch": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("catalog", ["TIC", "panstarrs"])
def test_invalid_arguments_send_no_request(mast_sandbox: Sandbox, catalog: str, options: dict[str, Any]) -> None:
    """An invalid argument raises before anything is sent."""
    with pytest.raises(InvalidQueryError):
        Catalogs.query_region(PLACES, catalog=catalog, **options)
    with pytest.raises(InvalidQueryError, match="Only one of"):
        Catalogs.query_criteria("TIC", coordinates=PLACES, object_name="M51", Tmag=[1, 2])
    assert not [each for each in mast_sandbox.requests if b"radius" in each.body]


def test_get_query_payload(mast_sandbox: Sandbox) -> None:
    """One request is returned for each different target, and it is that of a single query."""
    for catalog in ("TIC", "panstarrs"):
        payloads = Catalogs.query_region(PLACES, catalog=catalog, get_query_payload=True)
        single = [Catalogs.query_region(place, catalog=catalog, get_query_payload=True) for place in PLACES[:4]]
        assert payloads == single
    assert len(mast_sandbox.requests.of("invoke")) == 0


def test_an_empty_result_has_columns() -> None:
    """An empty result has columns, and an array of one target is an array."""
    for catalog in ("TIC", "panstarrs"):
        with pytest.warns(NoResultsWarning):
            table = Catalogs.query_region(PLACES[EMPTY:4], catalog=catalog, radius=0.001)
        assert table.colnames[0] == "input_row"
        assert len(table.colnames) > 10
        assert table.meta["unmatched"] == [0]


def test_any_executor_can_be_used(mast_sandbox: Sandbox) -> None:
    """Threads and processes return the same rows, for catalogs of both kinds."""
    with (
        ThreadPoolExecutor(2) as own,
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes,
    ):
        for catalog in ("TIC", "panstarrs"):
            plain = Catalogs.query_region(PLACES, catalog=catalog, radius=0.02)
            for executor in (own, processes):
                there = Catalogs.query_region(PLACES, catalog=catalog, radius=0.02, executor=executor)
                assert there.colnames == plain.colnames
                assert there.as_array().tolist() == plain.as_array().tolist()


def test_missing_positions_are_listed() -> None:
    """A target without a position is listed as failed, and the others are returned."""
    places = SkyCoord([202.469575, np.nan], [47.195258, 1.0], unit="deg")
    with pytest.warns(InputWarning, match="row 1: there is no position"):
        assert set(Catalogs.query_region(places, catalog="TIC", radius=0.02)["input_row"]) == {0}
