"""Queries for arrays, lists and tables of targets: concurrent requests, and one table of results."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table, vstack
from astroquery.exceptions import InputWarning, InvalidQueryError, NoResultsWarning, ResolverError

from astroquery_mast import Observations, conf
from astroquery_mast.exceptions import CorruptDataWarning, QueryTimeoutError, ServerError
from astroquery_mast.sandbox import Fault, Sandbox

pytestmark = pytest.mark.usefixtures("mast_sandbox")

NAMES = ["M51", "M101", "M31", "Crab"]
PLACES = SkyCoord(
    [202.4696, 210.8023, 10.6847, 202.4696, 100.0], [47.1952, 54.3489, 41.2688, 47.1952, -80.0], unit="deg"
)
EMPTY = 4


def rows_of_target(table: Table, row: int) -> Table:
    """Return the rows of one target."""
    return table[table["input_row"] == row]


def equal_tables(part: Table, single: Table) -> bool:
    """Return whether a part of a table is equal to the result of a single query, cell by cell."""
    columns = [name for name in part.colnames if name not in {"input_row", "target"}]
    if columns != single.colnames or len(part) != len(single):
        return False
    return all(
        (np.ma.getmaskarray(part[name]) == np.ma.getmaskarray(single[name])).all()
        and np.ma.asarray(part[name]).tolist() == np.ma.asarray(single[name]).tolist()
        for name in columns
    )


def test_each_part_is_equal_to_a_single_query(mast_sandbox: Sandbox) -> None:
    """Rows, order, masks and distances of each target are those of a query for it alone."""
    table = Observations.query_region(PLACES, radius="0.05 deg")
    assert table.colnames[0] == "input_row"
    for row in range(4):
        assert equal_tables(rows_of_target(table, row), Observations.query_region(PLACES[row], radius="0.05 deg"))
    assert table.meta["unmatched"] == [EMPTY]
    assert table.meta["failed"] == []
    assert table["input_row"].tolist() == sorted(table["input_row"])
    assert table["distance"].unit == u.arcsec


def test_equal_positions_are_requested_once(mast_sandbox: Sandbox) -> None:
    """Equal positions share a request, unless their radii differ."""
    Observations.query_region(PLACES, radius="0.05 deg")
    assert len(mast_sandbox.requests.of("invoke")) == 4
    mast_sandbox.requests.clear()
    table = Observations.query_region(PLACES, radius=[0.05, 0.05, 0.05, 0.02, 0.05] * u.deg, merge_nearby=False)
    assert len(mast_sandbox.requests.of("invoke")) == 5
    assert equal_tables(rows_of_target(table, 3), Observations.query_region(PLACES[3], radius=0.02))


@pytest.mark.parametrize("form", ["galactic", "list", "texts", "table", "mixin"])
def test_any_form_of_targets(form: str) -> None:
    """The result does not depend on the form of the targets."""
    three = PLACES[:3]
    given: Any = {
        "galactic": three.galactic,
        "list": list(three),
        "texts": [f"{place.ra.deg} {place.dec.deg}" for place in three],
        "table": Table({"RAJ2000": three.ra.deg, "DEJ2000": three.dec.deg}),
        "mixin": Table({"name": NAMES[:3], "coord": three}),
    }[form]
    table = Observations.query_region(given, radius="0.05 deg")
    plain = Observations.query_region(three, radius="0.05 deg")
    assert table["input_row", "obsid"].as_array().tolist() == plain["input_row", "obsid"].as_array().tolist()


def test_names_among_coordinates_are_resolved(mast_sandbox: Sandbox) -> None:
    """Text in a list that is not a position is resolved as a name."""
    named = Observations.query_region(["M101", "10 -45", "M51"], radius="0.05 deg")
    assert equal_tables(rows_of_target(named, 2), Observations.query_region("M51", radius="0.05 deg"))
    assert named.meta["unmatched"] == [1]
    assert mast_sandbox.requests.of("resolver")[0].values("name") == ["M101", "M51"]


@pytest.mark.parametrize("size", [1, 2])
def test_an_array_of_one_is_an_array(size: int) -> None:
    """The kind of the result depends on the form of the input, not on its length."""
    table = Observations.query_region(PLACES[:size], radius=0.01)
    assert set(table["input_row"]) == set(range(size))
    assert len(Observations.query_region(PLACES[:size], get_query_payload=True)) == size
    assert "input_row" not in Observations.query_region(PLACES[0], radius=0.01).colnames


def test_names_are_resolved_together(mast_sandbox: Sandbox) -> None:
    """Many names are resolved in one request, and each row has its name."""
    table = Observations.query_object([*NAMES, "M51"], radius="0.05 deg")
    assert len(mast_sandbox.requests.of("resolver")) == 1
    assert len(mast_sandbox.requests.of("invoke")) == 4
    assert table.colnames[:2] == ["input_row", "target"]
    assert [NAMES[row] if row < 4 else "M51" for row in table["input_row"]] == table["target"].tolist()
    assert equal_tables(rows_of_target(table, 1), Observations.query_object("M101", radius="0.05 deg"))
    column = MaskedColumn(NAMES, mask=[False, True, False, False])
    with pytest.warns(InputWarning, match=r"1 of 4 targets.*row 1: there is no name"):
        assert 1 not in Observations.query_object(column, radius="0.05 deg")["input_row"]


def test_unknown_names_are_listed_with_one_warning() -> None:
    """Unknown names are listed as failed with one warning; the other targets are returned."""
    with pytest.warns(InputWarning) as caught:
        table = Observations.query_object(["nobody", "M51", "no one"], radius="0.05 deg")
    assert len(caught) == 1
    assert table.meta["failed"][0].startswith('row 0 (nobody): Could not resolve "nobody"')
    assert table.meta["failed"][1].startswith("row 2 (no one): ")
    assert set(table["input_row"]) == {1}
    with pytest.raises(ResolverError, match="any of the given"):
        Observations.query_object(["nobody", "no one"])


def test_criteria_hold_for_every_target() -> None:
    """Criteria with many positions give the results of single queries."""
    query: dict[str, Any] = {"obs_collection": "HST", "calib_level": 3, "radius": "0.05 deg"}
    table = Observations.query_criteria(coordinates=PLACES, **query)
    assert set(table["obs_collection"]) == {"HST"}
    for row in (0, 1):
        assert equal_tables(rows_of_target(table, row), Observations.query_criteria(coordinates=PLACES[row], **query))
    named = Observations.query_criteria(object_name=NAMES, **query)
    assert equal_tables(rows_of_target(named, 1), Observations.query_criteria(object_name="M101", **query))


def test_counts_are_in_the_order_of_the_input() -> None:
    """Each target has its count, which may be zero, and is masked if it failed."""
    region = Observations.query_region_count(PLACES, radius="0.05 deg")
    assert region.colnames == ["input_row", "count"]
    table = Observations.query_region(PLACES, radius="0.05 deg")
    assert region["count"].tolist() == [len(rows_of_target(table, row)) for row in range(5)]
    with pytest.warns(InputWarning, match="nobody"):
        counts = Observations.query_object_count(["M51", "nobody"], radius="0.05 deg")
    assert counts.colnames == ["input_row", "target", "count"]
    assert counts["count"].tolist() == [Observations.query_object_count("M51", radius="0.05 deg"), None]
    criteria = Observations.query_criteria_count(coordinates=PLACES, radius="0.05 deg", obs_collection="HST")
    assert criteria["count"][0] == Observations.query_criteria_count(
        coordinates=PLACES[0], radius="0.05 deg", obs_collection="HST"
    )


def test_targets_without_a_position_are_listed() -> None:
    """A target with NaN is listed as failed; if no target has a position, the call raises."""
    with pytest.warns(InputWarning, match="row 1: there is no position"):
        table = Observations.query_region(SkyCoord([202.4696, np.nan], [47.1952, 1.0], unit="deg"), radius=0.01)
    assert set(table["input_row"]) == {0}
    with pytest.raises(InvalidQueryError, match="None of the 2"):
        Observations.query_region(SkyCoord([np.nan] * 2, [0, 1], unit="deg"))


def test_one_failed_target_does_not_affect_the_others(mast_sandbox: Sandbox) -> None:
    """A failed target is listed with its error, and the others are returned."""
    mast_sandbox.faults.add("invoke", Fault.error("deadlock"), times=None, where=lambda r: b"210.8023" in r.body)
    with pytest.warns(InputWarning, match="1 of 5 targets"):
        table = Observations.query_region(PLACES, radius="0.05 deg")
    (line,) = table.meta["failed"]
    assert line.startswith("row 1: ")
    assert "deadlock" in line
    assert table.meta["unmatched"] == [EMPTY]
    with pytest.warns(InputWarning):
        counts = Observations.query_region_count(PLACES, radius="0.05 deg")
    assert counts["count"].mask.tolist() == [False, True, False, False, False]


def test_the_call_raises_if_all_targets_fail(mast_sandbox: Sandbox) -> None:
    """If all requests fail, the first error is raised."""
    mast_sandbox.faults.add("invoke", Fault.error("deadlock"), times=None)
    for ask in (Observations.query_region, Observations.query_region_count):
        with pytest.raises(ServerError, match="deadlock"):
            ask(PLACES)


def test_an_outage_stops_the_queries(mast_sandbox: Sandbox) -> None:
    """After several failures in a row, the remaining targets are not queried, and are listed."""
    many = SkyCoord(np.linspace(0, 300, 200), np.zeros(200), unit="deg")
    first = b"%22ra%22%3A%200.0%2C"
    mast_sandbox.faults.add("invoke", Fault.status(503), times=None, where=lambda r: first not in r.body)
    with conf.set_temp("max_attempts", 1), pytest.warns((InputWarning, NoResultsWarning)):
        table = Observations.query_region(many, radius=0.001)
    assert len(table.meta["failed"]) == 199
    assert "queries in a row failed" in table.meta["failed"][-1]
    assert len(mast_sandbox.requests.of("invoke")) < 50


def test_the_timeout_applies_to_all_targets(mast_sandbox: Sandbox) -> None:
    """Targets that are not finished in time are listed as failed; if none is finished, the call raises."""
    mast_sandbox.faults.add("invoke", Fault.delay(30), times=None, where=lambda r: b"202.4696" not in r.body)
    with pytest.warns(InputWarning, match="3 of 5 targets"):
        table = Observations.query_region(PLACES, radius="0.05 deg", timeout=0.8)
    assert set(table["input_row"]) == {0, 3}
    mast_sandbox.faults.clear()
    mast_sandbox.faults.add("invoke", Fault.delay(30), times=None)
    with pytest.raises(QueryTimeoutError):
        Observations.query_region(PLACES, timeout=0.3 * u.s)


def test_all_pages_of_all_targets_are_returned() -> None:
    """Responses in pages give the same table."""
    whole = Observations.query_region(PLACES, radius="0.05 deg")
    paged = Observations.query_region(PLACES, radius="0.05 deg", pagesize=20)
    assert equal_tables(paged, whole[[name for name in whole.colnames if name != "input_row"]])


def test_max_workers_limits_concurrent_requests(mast_sandbox: Sandbox) -> None:
    """Requests run concurrently, but never more than max_workers."""
    lock, state = threading.Lock(), {"now": 0, "most": 0}
    original = mast_sandbox._routes.answer

    def answer(*arguments: Any) -> Any:
        with lock:
            state["now"] += 1
            state["most"] = max(state.values())
        mast_sandbox.faults.wait(0.05)
        try:
            return original(*arguments)
        finally:
            with lock:
                state["now"] -= 1

    many = SkyCoord(np.linspace(0, 300, 12), np.zeros(12), unit="deg")
    mast_sandbox._routes.answer = answer  # type: ignore[method-assign]
    try:
        Observations.query_region_count(many, max_workers=3)
    finally:
        mast_sandbox._routes.answer = original  # type: ignore[method-assign]
    assert 1 < state["most"] <= 3


def test_an_empty_result_has_columns() -> None:
    """An empty result has the columns of a single query, and one warning is issued."""
    with pytest.warns(NoResultsWarning):
        table = Observations.query_region(PLACES[EMPTY:], radius=0.001)
    assert table.colnames[:2] == ["input_row", "intentType"]
    assert table.meta["unmatched"] == [0]
    with pytest.warns(NoResultsWarning, match="Did you mean|did you mean|HST"):
        Observations.query_criteria(coordinates=PLACES, radius=0.001, obs_collection="HSTT")


@pytest.mark.parametrize(
    "options",
    [
        {"page": 2},
        {"radius": [0.1, 0.2]},
        {"radius": -1},
        {"max_workers": 0},
        {"timeout": 0},
        {"executor": 3},
        {"region": "CIRCLE 1 2 3"},
        {"overlap": "middle"},
    ],
    ids=str,
)
def test_invalid_arguments_send_no_request(mast_sandbox: Sandbox, options: dict[str, Any]) -> None:
    """Arguments that are invalid, or only for one target, raise before anything is sent."""
    with pytest.raises(InvalidQueryError):
        Observations.query_region(PLACES, **options)
    with pytest.raises(InvalidQueryError, match="Only one of"):
        Observations.query_criteria(coordinates=PLACES, object_name="M51", obs_collection="HST")
    assert len(mast_sandbox.requests) == 0


def test_meta_survives_stacking_and_fits(tmp_path: Path) -> None:
    """The failed targets are kept when tables are written, read and stacked."""
    with pytest.warns(InputWarning):
        table = Observations.query_object(["M51", "nobody"], radius=0.01)
    assert len(vstack([table, table]).meta["failed"]) == 2
    table.write(tmp_path / "many.fits")
    assert "row 1 (nobody)" in str(Table.read(tmp_path / "many.fits").meta["FAILED"])


def test_an_executor_is_used_and_left_open() -> None:
    """The given executor runs the requests, and remains open."""
    with ThreadPoolExecutor(2) as executor:
        table = Observations.query_region(PLACES, radius=0.05, executor=executor)
        assert equal_tables(rows_of_target(table, 1), Observations.query_region(PLACES[1], radius=0.05))
        assert executor.submit(abs, -1).result() == 1


def test_many_names_are_resolved_in_batches(mast_sandbox: Sandbox) -> None:
    """Names are resolved once, thirty at a time, and a failed batch affects only its own names."""
    names = [*(f"unknown {number}" for number in range(70)), *NAMES, *NAMES]
    mast_sandbox.faults.add("resolver", Fault.status(400), times=None, where=lambda r: "unknown 3" in r.values("name"))
    with pytest.warns(InputWarning, match="70 of 78"):
        table = Observations.query_object(names, radius=0.01)
    assert len(mast_sandbox.requests.of("resolver")) == 3
    assert "HTTP 400" in table.meta["failed"][3]
    assert "Could not resolve" in table.meta["failed"][45]
    assert set(table["input_row"]) == set(range(70, 78))


# -- malformed responses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("overlap", ["footprint", "center"])
@pytest.mark.parametrize("odd", ["west", [1, 2], {"a": 1}])
def test_invalid_positions_in_a_response(mast_sandbox: Sandbox, odd: Any, overlap: str, merge: bool) -> None:
    """All rows are returned, with the column as text if one of its values is not a number."""
    places = ["202.47 47.20", "202.48 47.20", "210.80 54.35"]
    query: dict[str, Any] = {"radius": 0.02, "overlap": overlap, "merge_nearby": merge}
    plain = Observations.query_region(places, **query)

    def changed(answer: dict[str, Any]) -> dict[str, Any]:
        answer["data"][0]["s_ra"] = odd
        return answer

    mast_sandbox.faults.add("invoke", Fault.edit(changed), times=None)
    with pytest.warns(CorruptDataWarning, match="s_ra"):
        table = Observations.query_region(places, **query)
    assert table.meta["failed"] == []
    missing = len(plain) - len(table)
    assert missing == 0 if overlap == "footprint" else 0 <= missing <= 3
    assert set(table["obsid"]) <= set(plain["obsid"])


def test_a_column_of_another_type_in_one_response(mast_sandbox: Sandbox) -> None:
    """A column declared as text for one target is text for all, with a warning."""
    plain = Observations.query_region(PLACES[:3], radius=0.02)

    def renamed(answer: dict[str, Any]) -> dict[str, Any]:
        for entry in answer["fields"]:
            if entry["name"] == "t_exptime":
                entry["type"] = "string"
        return answer

    mast_sandbox.faults.add("invoke", Fault.edit(renamed))
    with pytest.warns(CorruptDataWarning, match="Column 't_exptime' is text in some of the results and not in others"):
        table = Observations.query_region(PLACES[:3], radius=0.02)
    assert list(table["obsid"]) == list(plain["obsid"])
    numbers = [None if text is None else float(text) for text in table["t_exptime"].tolist()]
    assert numbers == plain["t_exptime"].tolist()
