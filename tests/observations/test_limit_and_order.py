"""``limit``, ``sort_by`` and ``sort_desc`` of observation queries: correct rows with as few pages as possible."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from astropy.table import Table

from astroquery_mast import Catalogs, Observations, conf
from astroquery_mast.exceptions import (
    IncompleteResultError,
    InvalidQueryError,
    MaxResultsWarning,
    NoResultsWarning,
)
from astroquery_mast.sandbox import Fault, Sandbox

GALEX: dict[str, Any] = {"obs_collection": "GALEX"}
M51 = "202.47 47.20"
MORE = "Maximum results returned: there are more than these {} rows"


def sizes(archive: Sandbox) -> list[tuple[int, int]]:
    """Return the page and page size of each request for rows."""
    found = [record.mashup for record in archive.requests.of("invoke") if record.mashup]
    return sorted((each["page"], each["pagesize"]) for each in found)


def same_rows(table: Table, other: Table) -> bool:
    """Return whether two tables have the same rows in the same order."""
    return table.colnames == other.colnames and list(table["obsid"]) == list(other["obsid"])


def test_limit_requests_one_page_of_that_size(mast_sandbox: Sandbox) -> None:
    """With ``limit=10``, one page of ten rows is requested, and a warning says that there are more."""
    whole = Observations.query_criteria(**GALEX)
    mast_sandbox.requests.clear()
    with pytest.warns(MaxResultsWarning, match=MORE.format(10).replace(".", r"\.")):
        table = Observations.query_criteria(**GALEX, limit=10)
    assert same_rows(table, whole[:10])
    assert table.meta["rows"] == [10]
    assert sizes(mast_sandbox) == [(1, 10)]


@pytest.mark.parametrize(("limit", "asked"), [(100, [(1, 50), (2, 50)]), (101, [(1, 34), (2, 34), (3, 34)])])
def test_limit_above_the_page_size_requests_only_the_pages_needed(
    mast_sandbox: Sandbox, limit: int, asked: list[tuple[int, int]]
) -> None:
    """Pages do not exceed ``pagesize``, and no page beyond the limit is requested."""
    whole = Observations.query_criteria(**GALEX)
    mast_sandbox.requests.clear()
    with pytest.warns(MaxResultsWarning):
        table = Observations.query_criteria(**GALEX, limit=np.int64(limit), pagesize=50)
    assert same_rows(table, whole[:limit])
    assert sizes(mast_sandbox) == asked


def test_limit_above_the_number_of_rows_returns_all_without_warning(mast_sandbox: Sandbox) -> None:
    """A limit above the number of rows returns all rows without a warning or requests for missing pages."""
    rows = Observations.query_criteria_count(**GALEX)
    for limit in (rows, rows + 1, 10 * rows):
        mast_sandbox.requests.clear()
        assert len(Observations.query_criteria(**GALEX, limit=limit, pagesize=100)) == rows
        assert [page for page, _ in sizes(mast_sandbox)] == list(
            range(1, math.ceil(rows / sizes(mast_sandbox)[0][1]) + 1)
        )


def test_all_queries_take_a_limit(mast_sandbox: Sandbox) -> None:
    """`query_region` and `query_object` also take ``limit``."""
    with pytest.warns(MaxResultsWarning):
        assert len(Observations.query_region(M51, radius=0.1, limit=7)) == 7
    with pytest.warns(MaxResultsWarning):
        table = Observations.query_object("M51", radius=0.1, limit=7, columns=["t_min"])
    assert (len(table), table.colnames) == (7, ["t_min", "obsid"])


def test_limit_counts_the_rows_in_the_region(mast_sandbox: Sandbox) -> None:
    """Rows outside the region do not count toward the limit."""
    asked: dict[str, Any] = {"region": "CIRCLE 202.47 47.2 0.05", "overlap": "center"}
    whole = Observations.query_region(**asked)
    with pytest.warns(MaxResultsWarning, match="than these 5 rows"):
        assert same_rows(Observations.query_region(**asked, limit=5), whole[:5])
    assert len(Observations.query_region(**asked, limit=len(whole))) == len(whole)


def test_limit_above_the_server_row_limit_is_retrieved_in_parts(mast_sandbox: Sandbox) -> None:
    """A limit above the row limit of MAST is retrieved in parts."""
    with Sandbox(row_limit=100), conf.set_temp("server_row_limit", 100), pytest.warns(MaxResultsWarning):
        table = Observations.query_criteria(**GALEX, limit=150)
    assert len(set(table["obsid"])) == 150


def test_a_short_page_below_the_limit_is_an_error(mast_sandbox: Sandbox) -> None:
    """A page that lacks a row raises an error instead of passing for the last page."""

    def lose_a_row(answer: dict[str, Any]) -> dict[str, Any]:
        answer["data"].pop()
        answer["paging"]["rows"] -= 1
        return answer

    mast_sandbox.faults.add("invoke", Fault.edit(lose_a_row), where=lambda record: record.mashup["page"] == 2)
    with pytest.raises(IncompleteResultError, match="expected 100 rows, received 99"):
        Observations.query_criteria(**GALEX, limit=100, pagesize=50)


@pytest.mark.parametrize("limit", [0, -1, 2.5, "10", True])
def test_an_invalid_limit_is_refused(mast_sandbox: Sandbox, limit: Any) -> None:
    """An invalid limit raises an error before any request is sent."""
    with pytest.raises(InvalidQueryError, match=r"limit must be an integer >= 1, got"):
        Observations.query_criteria(**GALEX, limit=limit)
    assert len(mast_sandbox.requests) == 0


@pytest.mark.parametrize(
    ("sort_by", "sort_desc", "keys"),
    [
        ("t_min", None, [("t_min", False)]),
        ("T_MIN", True, [("t_min", True)]),
        (("desc", "t_min"), None, [("t_min", True)]),
        ("t_exptime.desc, obs_id", None, [("t_exptime", True), ("obs_id", False)]),
        (["t_exptime", "obs_id"], [True, False], [("t_exptime", True), ("obs_id", False)]),
        (["calib_level", "obsid"], None, [("calib_level", False), ("obsid", False)]),
    ],
)
def test_all_rows_are_sorted_before_the_limit_applies(
    mast_sandbox: Sandbox, sort_by: Any, sort_desc: Any, keys: list[tuple[str, bool]]
) -> None:
    """Rows of all pages are sorted together, in both directions, with obsids as numbers, before the limit applies."""
    whole = Observations.query_criteria(**GALEX)
    cells = {name: np.array(whole[name].tolist(), dtype=int) if name == "obsid" else whole[name] for name, _ in keys}
    rows = list(range(len(whole)))
    for name, descending in reversed(keys):
        rows.sort(key=lambda row: cells[name][row], reverse=descending)
    table = Observations.query_criteria(**GALEX, sort_by=sort_by, sort_desc=sort_desc, pagesize=50)
    for name, _ in keys:
        assert list(table[name]) == list(whole[name][rows])
    with pytest.warns(MaxResultsWarning):
        first = Observations.query_criteria(**GALEX, sort_by=sort_by, sort_desc=sort_desc, pagesize=50, limit=60)
    assert same_rows(first, table[:60])


def test_rows_without_a_value_come_last(mast_sandbox: Sandbox) -> None:
    """Rows without a value come last in both directions."""
    for descending in (False, True):
        table = Observations.query_criteria(obs_collection="JWST", sort_by="t_min", sort_desc=descending)
        missing = np.ma.getmaskarray(table["t_min"])
        assert 0 < missing.sum() < len(table)
        assert missing[-missing.sum() :].all()


def test_rows_can_be_sorted_by_an_unselected_column(mast_sandbox: Sandbox) -> None:
    """Rows can be sorted by a column that is not in the result."""
    table = Observations.query_region(M51, radius=0.1, columns=["t_min"], sort_by="distance")
    whole = Observations.query_region(M51, radius=0.1, sort_by="distance")
    assert table.colnames == ["t_min", "obsid"]
    assert sorted(table["obsid"]) == sorted(whole["obsid"])
    assert (np.diff(whole["distance"]) >= 0).all()


def test_rows_are_sorted_and_limited_per_target(mast_sandbox: Sandbox) -> None:
    """For many targets, rows are sorted and limited per target, even if neighbors share a request."""
    places = [M51, "202.47 47.21", "10.68 41.27"]
    asked: dict[str, Any] = {"radius": 0.05, "sort_by": ["distance", "obsid"]}
    alone = [Observations.query_region(place, **asked) for place in places]
    for columns in (None, ["t_min"]):
        every = Observations.query_region(places, **asked, columns=columns, merge_nearby=False)
        assert [list(every[every["input_row"] == row]["obsid"]) for row in range(3)] == [
            list(t["obsid"]) for t in alone
        ]
        with pytest.warns(MaxResultsWarning):
            few = Observations.query_region(places, **asked, columns=columns, limit=3)
        assert list(few["input_row"]) == [row for row, table in enumerate(alone) for _ in table[:3]]
        assert "distance" not in few.colnames or list(few["distance"]) == sorted(few["distance"][:3]) + list(
            few["distance"][3:]
        )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"sort_by": "t_mim"}, "sort_by: column 't_mim' not found. Did you mean 't_min' or 't_max'"),
        ({"sort_by": "distance"}, "The column 'distance' requires a position"),
        ({"sort_desc": True}, "sort_desc=True requires sort_by"),
        ({"sort_by": "t_min", "sort_desc": "down"}, "True or False"),
        ({"sort_by": "t_min", "page": 2}, "page=2 cannot be combined with limit or sort_by"),
        ({"limit": 10, "page": 2}, "page=2 cannot be combined with limit or sort_by"),
    ],
    ids=str,
)
def test_invalid_sort_arguments_are_refused(mast_sandbox: Sandbox, wrong: dict[str, Any], words: str) -> None:
    """Invalid sort arguments raise an error before any query is sent."""
    with pytest.raises(InvalidQueryError, match=words):
        Observations.query_criteria(**GALEX, **wrong)
    assert mast_sandbox.requests.of("invoke") == []


def test_an_empty_result_can_be_sorted(mast_sandbox: Sandbox) -> None:
    """An empty result keeps its columns and its warning when sorted."""
    with pytest.warns(NoResultsWarning):
        table = Observations.query_criteria(obs_id="nothing", sort_by="t_min", limit=3)
    assert (len(table), "t_min" in table.colnames) == (0, True)


def test_catalogs_sort_identifiers_as_numbers(mast_sandbox: Sandbox) -> None:
    """Numeric text is sorted by number: 99 comes before 100, as for observations."""
    table = Catalogs.query_region(M51, radius="10 arcmin", catalog="TIC", sort_by="ID")
    numbers = [int(text) for text in table["ID"]]
    assert len(table) > 2
    assert numbers == sorted(numbers)


def test_the_payload_has_the_page_size_of_the_limit(mast_sandbox: Sandbox) -> None:
    """The payload has the reduced page size, and nothing is sent."""
    payload = Observations.query_criteria(**GALEX, limit=10, get_query_payload=True)
    assert (payload["page"], payload["pagesize"]) == (1, 10)
    sorted_ = Observations.query_criteria(**GALEX, limit=10, sort_by="t_min", get_query_payload=True)
    assert sorted_["pagesize"] == conf.pagesize
    assert len(mast_sandbox.requests) == 0
