"""Arrays, lists and tables of targets are asked of a catalog side by side, and their answers are one table."""

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

# The first two are neighbors, the last is the first once more, and around the one before there is nothing.
PLACES = SkyCoord(
    [202.469575, 202.48, 210.8, 100.0, 202.469575], [47.195258, 47.2, 54.35, -80.0, 47.195258], unit="deg"
)
EMPTY = 3

ASKED: list[dict[str, Any]] = [
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


def of(table: Table, row: int) -> Table:
    """The answer for one target."""
    return table[table["input_row"] == row]


def same(part: Table, single: Table) -> bool:
    """Whether a part of a table is the answer to a single query, cell by cell; it may have more columns."""
    return len(part) == len(single) and all(
        part[name].tolist() == single[name].tolist() and part[name].unit == single[name].unit
        for name in single.colnames
    )


@pytest.mark.filterwarnings("ignore::astroquery.exceptions.NoResultsWarning")
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_each_part_is_the_single_answer(mast_sandbox: Sandbox, asked: dict[str, Any]) -> None:
    """Rows, their order and units are those of a query for the target alone, and equal targets share a request."""
    table = Catalogs.query_region(PLACES, **asked)
    endpoint = "catalogs" if asked["catalog"] == "panstarrs" else "invoke"
    sent = [each for each in mast_sandbox.requests.of(endpoint) if "metadata" not in each.path]
    assert len(sent) == 4
    assert table.colnames[0] == "input_row"
    assert len(of(table, 0)) > 0
    for row, place in enumerate(PLACES):
        assert same(of(table, row), Catalogs.query_region(place, **asked))
    assert table["input_row"].tolist() == sorted(table["input_row"])
    assert EMPTY in table.meta["unmatched"]
    assert table.meta["failed"] == table.meta["limited"] == []
    (told,) = map(json.loads, table.meta["request"])
    assert (told["targets"], told["requests"]) == (5, 4)
    assert not {"ra", "dec", "radius"} & {*told, *told.get("params", {})}


def test_any_form_of_many_is_taken() -> None:
    """Tables, lists and arrays of radii are understood as those for observations are."""
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
    assert same(of(wider, 1), Catalogs.query_region(PLACES[1], catalog="TIC", radius=0.1))


@pytest.mark.parametrize("catalog", ["TIC", "panstarrs"])
def test_names_stand_beside_their_entries(mast_sandbox: Sandbox, catalog: str) -> None:
    """Names are resolved together, and one that nobody knows is listed with one warning."""
    with pytest.warns(InputWarning, match="1 of 3 targets") as caught:
        table = Catalogs.query_object(["M51", "no such thing", "M101"], catalog=catalog, radius=0.02)
    assert len(caught) == 1
    assert len(mast_sandbox.requests.of("resolver")) == 1
    assert table.colnames[:2] == ["input_row", "target"]
    assert set(zip(table["input_row"].tolist(), table["target"].tolist(), strict=True)) == {(0, "M51"), (2, "M101")}
    assert same(of(table, 2), Catalogs.query_object("M101", catalog=catalog, radius=0.02))
    assert table.meta["failed"][0].startswith("row 1 (no such thing): ")
    with pytest.raises(ResolverError):
        Catalogs.query_object(["nobody", "no one"], catalog=catalog)


@pytest.mark.parametrize(
    "asked",
    [
        {"catalog": "TIC", "Tmag": "<15", "sort_by": "Tmag", "columns": ["ID", "Tmag"]},
        {"catalog": "TIC", "Tmag": [None, 16]},
        {"catalog": "Panstarrs", "nDetections": ">=5"},
    ],
    ids=str,
)
def test_criteria_hold_for_every_target(asked: dict[str, Any]) -> None:
    """Criteria and many positions, or many names, are the same as one after the other."""
    options: dict[str, Any] = {**asked, "radius": 0.05}
    table = Catalogs.query_criteria(coordinates=PLACES[:3], **options)
    for row in range(3):
        assert same(of(table, row), Catalogs.query_criteria(coordinates=PLACES[row], **options))
    named = Catalogs.query_criteria(object_name=["M51", "M101"], **options)
    assert same(of(named, 1), Catalogs.query_criteria(object_name="M101", **options))
    if "columns" in asked:
        assert named.colnames == ["input_row", "target", "ID", "Tmag"]


def test_counts_are_a_table_in_the_order_given(mast_sandbox: Sandbox) -> None:
    """Each target has its count, which is masked where it could not be had."""
    asked: dict[str, Any] = {"catalog": "TIC", "radius": 0.1, "Tmag": "<18"}
    counts = Catalogs.query_criteria_count(coordinates=PLACES, **asked)
    assert counts.colnames == ["input_row", "count"]
    listed = Catalogs.query_criteria(coordinates=PLACES, **asked)
    assert counts["count"].tolist() == [len(of(listed, row)) for row in range(5)]
    mast_sandbox.faults.add("invoke", Fault.error("deadlock"), times=None, where=lambda r: b"210.8" in r.body)
    with pytest.warns(InputWarning, match="deadlock"):
        assert Catalogs.query_criteria_count(coordinates=PLACES, **asked)["count"].mask.tolist() == [0, 0, 1, 0, 0]
    mast_sandbox.faults.clear()
    named = Catalogs.query_criteria_count(object_name=["M51"], **asked)
    assert named["count"].tolist() == [Catalogs.query_criteria_count(object_name="M51", **asked)]
    assert len(Catalogs.query_criteria_count(coordinates=PLACES, get_query_payload=True, **asked)) == 4


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"catalog": "HSC", "radius": 0.01, "nr": 20}, "nr"),
        ({"catalog": "Galex", "radius": 0.05, "maxrecords": 10}, "maxrecords"),
        ({"catalog": "panstarrs", "radius": 0.02, "pagesize": 10}, "pagesize"),
    ],
    ids=str,
)
def test_a_limit_is_one_for_each_target(asked: dict[str, Any], name: str) -> None:
    """One warning tells of all targets that may have more entries, and they are listed."""
    limit = asked[name]
    limited = rf"of 5 targets, the first is row 0: .* limited by {name}={limit}\."
    with pytest.warns(MaxResultsWarning, match=limited) as caught:
        table = Catalogs.query_region(PLACES, **asked)
    assert len(caught) == 1
    counts = [len(of(table, row)) for row in range(5)]
    assert max(counts) == limit
    assert table.meta["limited"] == [row for row, count in enumerate(counts) if count == limit]


@pytest.mark.parametrize(("catalog", "endpoint"), [("TIC", "invoke"), ("panstarrs", "catalogs")])
def test_one_failure_costs_one_target_and_all_failures_are_an_error(
    mast_sandbox: Sandbox, catalog: str, endpoint: str
) -> None:
    """The reason is listed, and the others are there."""
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


def test_a_catalog_that_there_is_not_is_an_error_with_a_hint() -> None:
    """The message is that of a single question."""
    with pytest.raises(BadRequestError, match="Did you mean 'Gaia'"):
        Catalogs.query_region(PLACES, catalog="gaja")


def test_pages_of_every_target_come(mast_sandbox: Sandbox) -> None:
    """Answers of Catalogs.MAST in pages are the same answers; a page that comes twice is told of."""
    whole = Catalogs.query_region(PLACES, catalog="panstarrs", radius=0.02)
    with conf.set_temp("pagesize", 10):
        assert same(Catalogs.query_region(PLACES, catalog="panstarrs", radius=0.02), whole)
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
def test_what_makes_no_sense_is_refused_unsent(mast_sandbox: Sandbox, catalog: str, options: dict[str, Any]) -> None:
    """Nothing is asked for."""
    with pytest.raises(InvalidQueryError):
        Catalogs.query_region(PLACES, catalog=catalog, **options)
    with pytest.raises(InvalidQueryError, match="Only one of"):
        Catalogs.query_criteria("TIC", coordinates=PLACES, object_name="M51", Tmag=[1, 2])
    assert not [each for each in mast_sandbox.requests if b"radius" in each.body]


def test_requests_are_returned_instead_of_sent(mast_sandbox: Sandbox) -> None:
    """One for each different target, and they are those of single questions."""
    for catalog in ("TIC", "panstarrs"):
        payloads = Catalogs.query_region(PLACES, catalog=catalog, get_query_payload=True)
        single = [Catalogs.query_region(place, catalog=catalog, get_query_payload=True) for place in PLACES[:4]]
        assert payloads == single
    assert len(mast_sandbox.requests.of("invoke")) == 0


def test_nothing_found_is_an_empty_table_with_columns() -> None:
    """There is one warning, and an array of one is an array."""
    for catalog in ("TIC", "panstarrs"):
        with pytest.warns(NoResultsWarning):
            table = Catalogs.query_region(PLACES[EMPTY:4], catalog=catalog, radius=0.001)
        assert table.colnames[0] == "input_row"
        assert len(table.colnames) > 10
        assert table.meta["unmatched"] == [0]


def test_any_executor_asks(mast_sandbox: Sandbox) -> None:
    """Threads of the caller's own and processes find the same, in catalogs of both kinds."""
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
    """A row without a position costs nobody else anything."""
    places = SkyCoord([202.469575, np.nan], [47.195258, 1.0], unit="deg")
    with pytest.warns(InputWarning, match="row 1: there is no position"):
        assert set(Catalogs.query_region(places, catalog="TIC", radius=0.02)["input_row"]) == {0}
