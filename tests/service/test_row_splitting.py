"""Results with more rows than MAST returns at once: the query is split, and the parts are counted and joined."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from astroquery_mast import Observations, ObservationsClass, conf
from astroquery_mast.exceptions import IncompleteResultError, ServerError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord

LIMIT = 300
# Few columns make small pages; the tests do not depend on them.
BRIEF = ["t_min", "s_ra"]
CRITERIA: dict[str, Any] = {"obs_collection": "JWST", "calib_level": [1, 2, 3]}
MANY: dict[str, Any] = {**CRITERIA, "columns": BRIEF}
FEW: dict[str, Any] = {"obs_collection": "GALEX"}


@pytest.fixture(scope="module")
def archives() -> Iterator[dict[str, Sandbox]]:
    """Serve two archives that return up to a few hundred rows: for more, one drops the connection, one truncates."""
    with ExitStack() as running:
        found = {}
        for name, cuts in ("drops", False), ("cuts", True):
            found[name] = Sandbox(row_limit=LIMIT, cuts=cuts).serve()
            running.callback(found[name].stop)
        yield found


@pytest.fixture(params=["drops", "cuts"])
def small(request: pytest.FixtureRequest, archives: dict[str, Sandbox]) -> Iterator[Sandbox]:
    """Return each of these archives, with no requests yet."""
    yield from fresh(archives[request.param])


@pytest.fixture
def cutting(archives: dict[str, Sandbox]) -> Iterator[Sandbox]:
    """Return the archive that truncates silently."""
    yield from fresh(archives["cuts"])


def fresh(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Use an archive for one test."""
    sandbox.reset()
    with sandbox.in_use(), conf.set_temp("server_row_limit", LIMIT):
        yield sandbox
    sandbox.reset()


def is_count(record: RequestRecord) -> bool:
    """Return whether a request is for a count."""
    params = (record.mashup or {}).get("params")
    return isinstance(params, dict) and str(params.get("columns")).startswith("COUNT")


def whole(mast_sandbox: Sandbox, **criteria: Any) -> list[str]:
    """Return the identifiers of an archive without such a limit."""
    with mast_sandbox.in_use(), conf.set_temp("server_row_limit", 500_000):
        return sorted(Observations.query_criteria(**criteria)["obsid"].tolist())


@pytest.mark.parametrize(
    "criteria",
    [
        MANY,
        {"obs_collection": "JWST", "t_min": [50000, 60000], "columns": BRIEF},
        {"obs_collection": "JWST", "T_MIN": [[59000, 59700], [59600, 60000], [60000, 60300]], "columns": BRIEF},
        {"obs_collection": "JWST", "s_ra": [100, 300], "s_dec": [0, 90], "columns": BRIEF},
        {"object_name": "M51", "radius": 1, "calib_level": [1, 2, 3]},
    ],
    ids=str,
)
def test_a_large_result_is_complete_without_duplicates(
    mast_sandbox: Sandbox, small: Sandbox, criteria: dict[str, Any]
) -> None:
    """The joined parts have the same rows as without a limit, whether the archive drops the connection or truncates."""
    expected = whole(mast_sandbox, **criteria)
    assert len(expected) > LIMIT
    with small.in_use():
        table = Observations.query_criteria(**criteria)
    assert sorted(table["obsid"].tolist()) == expected
    sent = [record.sent for record in small.requests.of("invoke") if not is_count(record)]
    assert len(sent) > 2


def test_rows_are_counted_after_the_first_broken_connection(archives: dict[str, Sandbox]) -> None:
    """The complete query is not retried if its size is the reason for the broken connection."""
    for sandbox in fresh(archives["drops"]):
        Observations.query_criteria(**MANY)
        asked = [is_count(record) for record in sandbox.requests.of("invoke")]
        whole = [record for record in sandbox.requests.of("invoke") if "max" not in str(record.mashup)]
        assert asked[:2] == [False, True]
        assert len(whole) == 2


def test_rows_without_a_time_or_position_are_not_lost(mast_sandbox: Sandbox, cutting: Sandbox) -> None:
    """If rows have no value in a column, the counts do not add up, and the identifier is used."""
    # Planned programs have no time, and darks and flats have no position.
    criteria = {"obs_collection": ["HST", "JWST"], "calib_level": [-1, 1], "columns": BRIEF}
    expected = whole(mast_sandbox, **criteria)
    with cutting.in_use():
        table = Observations.query_criteria(**criteria)
    assert table["t_min"].mask.any()
    assert table["s_ra"].mask.any()
    assert sorted(table["obsid"].tolist()) == expected


def test_a_cone_is_split_and_has_its_columns(mast_sandbox: Sandbox, small: Sandbox) -> None:
    """A region with too many rows gives the same table as an archive without a limit, in another order."""
    with mast_sandbox.in_use(), conf.set_temp("server_row_limit", 500_000):
        expected = Observations.query_region("M51", radius=1)
    assert len(expected) > LIMIT
    with small.in_use():
        table = Observations.query_region("M51", radius=1)
    assert table.colnames == expected.colnames
    for each in table, expected:
        each.sort("obsid")
    assert (table["distance"] == expected["distance"]).all()
    assert table["distance"].unit == "arcsec"


def test_many_rows_with_one_time_are_split_by_another_column(cutting: Sandbox) -> None:
    """Rows with the same time are split by position or by identifier."""
    limit = 20
    criteria = {"obs_collection": "TESS", "t_min": [58000, 58500], "columns": BRIEF}
    with cutting.in_use():
        expected = Observations.query_criteria(**criteria)
    times = expected["t_min"].tolist()
    assert max(times.count(time) for time in times) > limit
    with Sandbox(row_limit=limit, cuts=True), conf.set_temp("server_row_limit", limit):
        table = Observations.query_criteria(**criteria)
    assert sorted(table["obsid"].tolist()) == sorted(expected["obsid"].tolist())


def test_parts_are_in_order_of_time(cutting: Sandbox) -> None:
    """The order is stable: the parts follow each other."""
    criteria = {"obs_collection": "JWST", "t_min": [50000, 60000], "columns": BRIEF}
    first, second = (Observations.query_criteria(**criteria) for _ in range(2))
    assert list(first["obsid"]) == list(second["obsid"])
    parts = [
        record.mashup["params"]["filters"][-1]["values"][0]
        for record in cutting.requests.of("invoke")
        if record.mashup and not is_count(record) and len(record.mashup["params"]["filters"]) == 2
    ]
    starts = sorted({part["min"] for part in parts})
    places = [sum(start <= time for start in starts) for time in first["t_min"].tolist()]
    assert places == sorted(places)


def test_neighboring_parts_are_disjoint(cutting: Sandbox) -> None:
    """MAST's ranges include both ends, so each part ends before the next one begins."""
    Observations.query_criteria(obs_collection="JWST", columns=BRIEF, calib_level=3)
    filters = [record.mashup["params"]["filters"] for record in cutting.requests.of("invoke") if not is_count(record)]
    ranges = sorted((value["min"], value["max"]) for each in filters[1:] for value in each[-1]["values"])
    assert len(ranges) > 2
    for before, after in itertools.pairwise(ranges):
        assert after[0] > before[1]


def test_a_small_result_is_not_counted(cutting: Sandbox) -> None:
    """A query below the limit needs no additional request."""
    Observations.query_criteria(**FEW)
    assert len(cutting.requests.of("invoke")) == 1


def test_a_small_result_does_not_import_the_splitter(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module is not imported for an ordinary query."""
    name = "astroquery_mast.service.row_splitting"
    monkeypatch.delitem(sys.modules, name, raising=False)
    assert len(Observations.query_criteria(**FEW)) > 0
    assert name not in sys.modules


def test_a_response_at_the_limit_is_counted_and_not_split(cutting: Sandbox) -> None:
    """A response with as many rows as the limit may be complete or truncated, which the count shows."""
    rows = Observations.query_criteria_count(**FEW)
    cutting.requests.clear()
    with conf.set_temp("server_row_limit", rows):
        assert len(Observations.query_criteria(**FEW)) == rows
    assert [is_count(record) for record in cutting.requests.of("invoke")] == [False, True]


def test_a_single_page_is_not_split(cutting: Sandbox) -> None:
    """``page=`` requests one page of the existing result, and nothing is split."""
    assert len(Observations.query_criteria(**MANY, pagesize=50, page=2)) == 50
    assert len(cutting.requests.of("invoke")) == 1


def test_the_number_of_concurrent_requests_is_limited(cutting: Sandbox) -> None:
    """Parts and pages together do not exceed conf.max_workers."""

    def first(record: RequestRecord) -> bool:
        return not is_count(record) and record.mashup is not None and record.mashup["page"] == 1

    cutting.faults.add("invoke", Fault.delay(0.1), times=None, where=first)
    with conf.set_temp("max_workers", 3):
        Observations.query_criteria(**MANY, pagesize=40)
    assert 2 <= cutting.requests.most_at_once("invoke") <= 3


def test_one_worker_sends_one_request_at_a_time(cutting: Sandbox) -> None:
    """With one worker, there is one active request."""
    with conf.set_temp("max_workers", 1):
        table = Observations.query_criteria(**MANY)
    assert len(table) > LIMIT
    assert cutting.requests.most_at_once("invoke") == 1


def test_responses_of_all_parts_are_returned(cutting: Sandbox) -> None:
    """The method that returns responses returns those of the parts, not the truncated one."""
    responses = Observations.query_criteria_async(**CRITERIA)
    rows = sum(len(response.json()["data"]) for response in responses)
    assert rows == Observations.query_criteria_count(**CRITERIA) > LIMIT


def test_a_connection_that_broke_for_another_reason_is_an_error(mast_sandbox: Sandbox) -> None:
    """If there are few rows, their number is not the reason for the broken connection."""
    mast_sandbox.faults.add("invoke", Fault.reset(), times=None, where=lambda record: not is_count(record))
    with pytest.raises(ServerError, match="connection broke"):
        Observations.query_criteria(**FEW)
    assert sum(map(is_count, mast_sandbox.requests.of("invoke"))) == 1


def test_an_error_message_does_not_lead_to_a_count(mast_sandbox: Sandbox) -> None:
    """An error message of MAST is raised without a count."""
    mast_sandbox.faults.add("invoke", Fault.error("Out of order."), times=None)
    with pytest.raises(ServerError, match="Out of order"):
        Observations.query_criteria(**FEW)
    assert len(mast_sandbox.requests.of("invoke")) == 1


def test_parts_that_do_not_add_up_are_an_error(cutting: Sandbox) -> None:
    """If no column can split the query, an error is raised instead of returning a short table."""

    def one_less(answer: dict[str, Any]) -> dict[str, Any]:
        answer["data"][0]["Column1"] -= 1
        return answer

    def ranged(record: RequestRecord) -> bool:
        return is_count(record) and "max" in str(record.mashup)

    cutting.faults.add("invoke", Fault.edit(one_less), times=None, where=ranged)
    with pytest.raises(
        IncompleteResultError,
        match="Narrow the query with more criteria",
    ):
        Observations.query_criteria(**MANY)


def test_a_column_that_cannot_be_filtered_is_skipped(cutting: Sandbox) -> None:
    """If MAST refuses to filter by time, the next column is used."""

    def on_time(record: RequestRecord) -> bool:
        return is_count(record) and "t_min" in str(record.mashup)

    cutting.faults.add("invoke", Fault.error("Invalid column name 't_min'."), times=None, where=on_time)
    assert len(Observations.query_criteria(**MANY)) == Observations.query_criteria_count(**CRITERIA)


def test_an_outage_during_counts_is_raised(cutting: Sandbox) -> None:
    """A failure that is unrelated to the column is raised."""
    cutting.faults.add("invoke", Fault.status(503), times=None, where=lambda record: "max" in str(record.mashup))
    with pytest.raises(ServerError, match="503"):
        Observations.query_criteria(**MANY)


def test_rows_that_change_between_count_and_part_are_an_error(cutting: Sandbox) -> None:
    """An error is raised if all parts are complete, but do not have the rows that were counted."""

    def one_row_less(answer: dict[str, Any]) -> dict[str, Any]:
        answer["data"].pop()
        paging = answer["paging"]
        answer["paging"] = {**paging, **{name: paging[name] - 1 for name in ("rows", "rowsFiltered", "rowsTotal")}}
        return answer

    def part(record: RequestRecord) -> bool:
        return not is_count(record) and "max" in str(record.mashup)

    cutting.faults.add("invoke", Fault.edit(one_row_less), where=part)
    with pytest.raises(IncompleteResultError, match="parts of the result have"):
        Observations.query_criteria(**MANY)


def test_products_are_never_split(cutting: Sandbox) -> None:
    """Products cannot be filtered or counted."""
    observation = Observations.query_criteria(obs_collection="HST", calib_level=3, pagesize=1, page=1)
    cutting.requests.clear()
    with conf.set_temp("server_row_limit", 1), pytest.raises(IncompleteResultError, match="may have more"):
        Observations.get_product_list(observation, verbose=False)
    assert len(cutting.requests.of("invoke")) == 1


@pytest.fixture
def keeping(tmp_path: Path) -> ObservationsClass:
    """Return a client that caches its responses in a folder of the test."""
    client = ObservationsClass()
    client.cache_location = tmp_path
    return client


def test_a_wrong_count_is_not_cached(cutting: Sandbox, keeping: ObservationsClass) -> None:
    """With ``cache=True``, a wrong count does not persist until it expires."""

    def one_more(answer: dict[str, Any]) -> dict[str, Any]:
        answer["data"][0]["Column1"] += 1
        return answer

    cutting.faults.add("invoke", Fault.edit(one_more), where=is_count)
    with pytest.raises(IncompleteResultError, match="do not add up"):
        keeping.query_criteria(**MANY, cache=True)
    assert len(keeping.query_criteria(**MANY, cache=True)) == Observations.query_criteria_count(**CRITERIA)


def test_parts_of_different_times_are_not_mixed(cutting: Sandbox, keeping: ObservationsClass) -> None:
    """Neither the counts nor the parts of an interrupted query are cached."""
    with conf.set_temp("cache", True):
        tables = keeping.query_criteria_iter(**MANY)
        next(tables), next(tables)
        tables.close()
        assert list(Path(keeping.cache_location).iterdir()) == []
        assert len(keeping.query_criteria(**MANY)) == Observations.query_criteria_count(**CRITERIA)
    assert len(list(Path(keeping.cache_location).iterdir())) == 1


@pytest.mark.parametrize("criteria", [MANY, {"object_name": "M51", "radius": 1, "calib_level": [1, 2, 3]}], ids=str)
def test_a_split_response_is_cached_as_one(
    cutting: Sandbox, keeping: ObservationsClass, criteria: dict[str, Any]
) -> None:
    """The next time, no request is sent, and pages, totals and columns are the same."""
    with conf.set_temp("cache", True):
        first = list(keeping.query_criteria_iter(**criteria, pagesize=200))
        cutting.requests.clear()
        second = list(keeping.query_criteria_iter(**criteria, pagesize=200))
        assert cutting.requests.of("invoke") == []
    total = sum(map(len, first))
    assert total > LIMIT
    for one, other in zip(first, second, strict=True):
        assert one.colnames == other.colnames
        assert one["obsid"].tolist() == other["obsid"].tolist()
        assert one.meta["total"] == other.meta["total"] == [total]


def test_a_split_region_is_cached_with_its_columns(cutting: Sandbox, keeping: ObservationsClass) -> None:
    """The cached response of another service has the same columns as before."""
    first, second = (keeping.query_region("M51", radius=1, cache=True) for _ in range(2))
    assert len(first) > LIMIT
    assert first.colnames == second.colnames
    assert first["distance"].tolist() == second["distance"].tolist()


def test_a_cached_response_at_the_limit_is_counted_again(cutting: Sandbox, keeping: ObservationsClass) -> None:
    """A cached response at the limit was complete when it was cached, but there may be more rows now."""
    rows = Observations.query_criteria_count(**FEW)

    def one_more(answer: dict[str, Any]) -> dict[str, Any]:
        answer["data"][0]["Column1"] += 1
        return answer

    with conf.set_temp("server_row_limit", rows):
        assert len(keeping.query_criteria(**FEW, cache=True)) == rows
        cutting.requests.clear()
        assert len(keeping.query_criteria(**FEW, cache=True)) == rows
        assert [is_count(record) for record in cutting.requests.of("invoke")] == [True]
        cutting.faults.add("invoke", Fault.edit(one_more), where=is_count)
        with pytest.raises(IncompleteResultError, match=f"has {rows + 1} rows"):
            keeping.query_criteria(**FEW, cache=True)


def test_an_infinite_end_is_not_sent(cutting: Sandbox) -> None:
    """All ends of ranges are numbers that JSON supports."""
    Observations.query_criteria(**MANY)
    for record in cutting.requests.of("invoke"):
        for each in record.mashup["params"]["filters"] if record.mashup else ():
            ends = [end for value in each["values"] if isinstance(value, dict) for end in value.values()]
            assert all(math.isfinite(end) for end in ends)
