"""Large results: `query_criteria_iter`, and queries with fewer columns."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from astropy.table import Column as TableColumn
from astropy.table import Table, vstack
from astroquery.exceptions import InvalidQueryError, NoResultsWarning

from astroquery_mast import Observations, ObservationsClass, conf
from astroquery_mast.exceptions import IncompleteResultError, InvalidResponseError, QueryTimeoutError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord
from astroquery_mast.tables.rows import Rows

GALEX: dict[str, Any] = {"obs_collection": "GALEX"}
M51 = "202.47 47.20"


def stream(**keywords: Any) -> Iterator[Table]:
    """Return an iterator of tables with 50 rows."""
    found = Observations.query_criteria_iter(**{"pagesize": 50, **GALEX, **keywords})
    assert not isinstance(found, dict)
    return found


def page_of(record: RequestRecord) -> int:
    """Return the page that a request is for."""
    assert record.mashup is not None
    return int(str(record.mashup["page"]))


# -- table by table --------------------------------------------------------------------------------------------------


def test_the_stacked_tables_are_the_complete_result(mast_sandbox: Sandbox) -> None:
    """The stacked tables are equal to the result of `query_criteria`."""
    whole = Observations.query_criteria(**GALEX)
    tables = list(stream())
    assert [len(table) for table in tables] == [50, 50, 50, 50, len(whole) - 200]
    joined = vstack(tables)
    assert joined.colnames == whole.colnames
    for name in whole.colnames:
        # Masked cells become None.
        assert joined[name].tolist() == whole[name].tolist()
        assert (joined[name].unit, joined[name].description) == (whole[name].unit, whole[name].description)


def test_each_table_has_its_page_and_the_total_in_meta(mast_sandbox: Sandbox) -> None:
    """``meta`` of each table has its page and the total number of rows, and is kept by stacking."""
    tables = stream()
    first = next(tables)
    rows = Observations.query_criteria_count(**GALEX)
    assert (first.meta["page"], first.meta["total"], first.meta["rows"]) == ([1], [rows], [50])
    joined = vstack([first, *tables])
    assert joined.meta["page"] == [1, 2, 3, 4, 5]
    assert joined.meta["rows"] == [50, 50, 50, 50, rows - 200]


def test_pages_are_only_requested_when_read(mast_sandbox: Sandbox) -> None:
    """Creating the iterator sends no request, and reading requests only a few pages ahead."""
    tables = stream(max_workers=2)
    assert len(mast_sandbox.requests) == 0
    next(tables)
    assert len(mast_sandbox.requests.of("invoke")) == 1
    next(tables)
    assert len(mast_sandbox.requests.of("invoke")) <= 4
    assert mast_sandbox.requests.most_at_once("invoke") <= 2
    tables.close()  # type: ignore[attr-defined]


def test_closing_ends_the_requests(mast_sandbox: Sandbox) -> None:
    """After closing, running requests may finish, but no further pages or retries are sent."""
    late = Fault.delay(0.2) + Fault.status(503)
    mast_sandbox.faults.add("invoke", late, times=None, where=lambda record: page_of(record) > 2)
    tables = stream(max_workers=2)
    next(tables), next(tables)
    tables.close()  # type: ignore[attr-defined]
    for thread in threading.enumerate():
        if thread.name.startswith("astroquery_mast"):
            thread.join(10)
    pages = sorted(page_of(record) for record in mast_sandbox.requests.of("invoke"))
    # None or both of the running requests may have reached the server.
    assert pages[:2] == [1, 2]
    assert set(pages[2:]) <= {3, 4}
    assert len(set(pages)) == len(pages)
    assert list(tables) == []


def test_pages_are_freed_once_read(mast_sandbox: Sandbox) -> None:
    """While a table is in use, only the pages ahead are in memory."""

    def alive() -> int:
        gc.collect()
        return sum(isinstance(each, Rows) for each in gc.get_objects())

    before = alive()
    during = [alive() for _ in stream(max_workers=1)]
    assert len(during) == 5
    assert max(during[1:]) <= before


def test_missing_rows_are_an_error_at_the_end(mast_sandbox: Sandbox) -> None:
    """If rows are missing, the iteration ends with an error."""

    def lose_a_row(answer: dict[str, Any]) -> dict[str, Any]:
        answer["data"].pop()
        answer["paging"]["rows"] -= 1
        return answer

    mast_sandbox.faults.add("invoke", Fault.edit(lose_a_row), where=lambda record: page_of(record) == 3)
    tables = stream()
    assert [len(next(tables)) for _ in range(5)] == [50, 50, 49, 50, 48]
    with pytest.raises(IncompleteResultError, match="248 rows were announced and 247 received"):
        next(tables)


def test_a_page_that_fails_temporarily_is_retried(mast_sandbox: Sandbox) -> None:
    """A page that fails temporarily is retried."""
    mast_sandbox.faults.add("invoke", Fault.reset(), times=2, where=lambda record: page_of(record) == 4)
    assert sum(len(table) for table in stream()) == Observations.query_criteria_count(**GALEX)


def test_the_timeout_applies_to_each_page(mast_sandbox: Sandbox) -> None:
    """The timeout applies to each page, without the time between pages."""
    tables = stream(timeout=0.5)
    next(tables)
    mast_sandbox.faults.add("invoke", Fault.executing(), times=None, where=lambda record: page_of(record) == 4)
    with pytest.raises(QueryTimeoutError, match=r"^Timeout limit of 0\.5 s exceeded"):
        list(tables)


def test_invalid_arguments_are_refused_by_the_call(mast_sandbox: Sandbox) -> None:
    """Invalid arguments raise an error when the iterator is created."""
    for wrong in (
        {"instrument": "ACS"},
        {"radius": 1},
        {"columns": ["nonsense"]},
        {"max_workers": 0},
        {"pagesize": 0},
        {"timeout": -1},
        {"coordinates": ["1 2", "3 4"]},
        {"coordinates": "1 2", "object_name": "M51"},
    ):
        with pytest.raises(InvalidQueryError):
            stream(**wrong)
    with pytest.raises(InvalidQueryError, match="criterion"):
        Observations.query_criteria_iter(coordinates="1 2")
    assert mast_sandbox.requests.of("invoke") == []


def test_an_empty_result_is_one_table_without_rows(mast_sandbox: Sandbox) -> None:
    """An empty result is one table without rows, and the warning suggests values."""
    with pytest.warns(NoResultsWarning, match="did you mean 'MIRI/IMAGE'"):
        (table,) = Observations.query_criteria_iter(instrument_name="MIRI")
    assert len(table) == 0
    assert "s_ra" in table.colnames
    assert table.meta["total"] == [0]


def test_a_stream_around_a_position_has_the_same_rows(mast_sandbox: Sandbox) -> None:
    """Position and overlap select the same rows as in `query_criteria`."""
    asked: dict[str, Any] = {"coordinates": M51, "radius": 0.05, "obs_collection": ["HST", "JWST"]}
    whole = Observations.query_criteria(**asked, overlap="center")
    tables = list(Observations.query_criteria_iter(**asked, overlap="center", pagesize=100, columns=["distance"]))
    assert len(tables) > 2
    assert all(table.colnames == ["distance", "obsid"] for table in tables)
    assert [obsid for table in tables for obsid in table["obsid"]] == list(whole["obsid"])


def test_a_region_without_matches_issues_a_warning(mast_sandbox: Sandbox) -> None:
    """If no row is in the region, the warning says so, and all tables are empty."""
    ring = ["CIRCLE 202.47 47.6 0.0001", "CIRCLE 202.47 46.8 0.0001"]
    with pytest.warns(NoResultsWarning, match=r"0 of \d\d+ rows have a footprint that overlaps 2 shapes"):
        tables = list(Observations.query_criteria_iter(obs_collection="HST", region=ring, pagesize=100))
    assert {tuple(table.meta["rows"]) for table in tables} == {(0,)}
    assert [number for table in tables for number in table.meta["page"]] == list(range(1, len(tables) + 1))


def test_max_workers_takes_numpy_integers(mast_sandbox: Sandbox) -> None:
    """``max_workers`` takes NumPy integers."""
    assert sum(map(len, stream(max_workers=np.int64(2)))) == Observations.query_criteria_count(**GALEX)


def test_a_page_beyond_the_last_issues_a_warning(mast_sandbox: Sandbox) -> None:
    """The warning for a page beyond the last gives the number of pages."""
    with pytest.warns(NoResultsWarning, match="Page 99 does not exist: the result has 5 with 248 rows"):
        table = Observations.query_criteria(**GALEX, pagesize=50, page=99)
    assert len(table) == 0
    assert "s_ra" in table.colnames
    with pytest.warns(NoResultsWarning, match=r"no results\.$"):
        Observations.query_criteria(obs_collection="GALEX", proposal_id="nobody", page=2)


def test_the_payload_is_that_of_query_criteria(mast_sandbox: Sandbox) -> None:
    """``get_query_payload`` returns the same request as for `query_criteria`."""
    payload = Observations.query_criteria_iter(**GALEX, columns="t_min", get_query_payload=True)
    assert payload == Observations.query_criteria(**GALEX, columns="t_min", get_query_payload=True)
    assert len(mast_sandbox.requests) == 0


def test_a_result_above_the_limit_is_streamed_in_parts(mast_sandbox: Sandbox) -> None:
    """A result above the row limit of MAST is retrieved in parts, with the total of all parts."""
    rows = Observations.query_criteria_count(**GALEX)
    with Sandbox(row_limit=100), conf.set_temp("server_row_limit", 100):
        tables = list(stream(columns=["t_min"]))
    assert {tuple(table.meta["total"]) for table in tables} == {(rows,)}
    assert len(set(vstack(tables)["obsid"])) == rows


# -- fewer columns ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns", [["T_min", "target_name", "s_ra"], "t_min, target_name, s_ra", ("t_min", "target_name", "s_ra", "t_min")]
)
def test_selected_columns_are_returned_in_order(mast_sandbox: Sandbox, columns: Any) -> None:
    """The selected columns are returned in order, without duplicates, followed by ``obsid``."""
    table = Observations.query_criteria(**GALEX, columns=columns)
    assert table.colnames == ["t_min", "target_name", "s_ra", "obsid"]
    assert table["s_ra"].unit == "deg"
    (record,) = mast_sandbox.requests.of("invoke")
    assert record.mashup["params"]["columns"] == "t_min,target_name,s_ra,obsid"
    whole = Observations.query_criteria(**GALEX)
    assert (table["t_min"] == whole["t_min"]).all()
    assert table.meta["rows"] == [len(whole)]


def test_obsid_is_added_only_if_not_selected(mast_sandbox: Sandbox) -> None:
    """``obsid`` is added only if it is not selected."""
    table = Observations.query_criteria(**GALEX, columns=["obsid", "t_min"])
    assert table.colnames == ["obsid", "t_min"]


@pytest.mark.parametrize("columns", [None, "*", ["*"], ["obs_id", "*"], "obs_id,*", (name for name in "*")])
def test_all_columns_are_returned_by_default(mast_sandbox: Sandbox, columns: Any) -> None:
    """All columns are returned by default or with ``"*"``."""
    payload = Observations.query_criteria(**GALEX, columns=columns, get_query_payload=True)
    assert payload["params"]["columns"] == "*"


@pytest.mark.parametrize(
    "columns",
    [
        np.array(["t_min", "obs_id"]),
        np.array([b"t_min", b"obs_id"]),
        TableColumn(["t_min", "obs_id"]),
        "t_min,obs_id,",
        {"t_min": 1, "obs_id": 2},
        (name for name in ("t_min", "obs_id")),
    ],
    ids=[
        "array",
        "bytes",
        "column",
        "comma at the end",
        "mapping",
        "generator",
    ],
)
def test_column_names_can_be_any_iterable(mast_sandbox: Sandbox, columns: Any) -> None:
    """Column names can be any iterable, or text separated by commas."""
    payload = Observations.query_criteria(**GALEX, columns=columns, get_query_payload=True)
    assert payload["params"]["columns"] == "t_min,obs_id,obsid"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ((name for name in ["instrument"]), "Column 'instrument' not found. Did you mean 'instrument_name' or"),
        (["instrument"], "Column 'instrument' not found. Did you mean 'instrument_name' or"),
        ([], "columns is empty"),
        ("", "columns has .*must contain only strings"),
        ([None], "columns has None: .*only strings \\(column names\\)"),
        (7, "columns=7: .*iterable of column names"),
        (["distance"], "The column 'distance' requires a position. Specify coordinates or"),
        (["objID1"], "Column 'objID1' not found. Did you mean 'objID', 'obsid' or 'obs_id'"),
        (["zzz"], "Available: intentType"),
    ],
    ids=str,
)
def test_unknown_columns_are_refused(mast_sandbox: Sandbox, columns: Any, words: str) -> None:
    """Unknown columns raise an error with a suggestion before any query is sent."""
    with pytest.raises(InvalidQueryError, match=words):
        Observations.query_criteria(**GALEX, columns=columns)
    assert mast_sandbox.requests.of("invoke") == []


def test_selecting_columns_does_not_change_the_rows(mast_sandbox: Sandbox) -> None:
    """Selecting columns, which uses another service, does not change the rows."""
    whole = Observations.query_region(M51, radius=0.1)
    few = Observations.query_region(M51, radius=0.1, columns=["distance", "obs_id"])
    assert few.colnames == ["distance", "obs_id", "obsid"]
    assert sorted(few["obsid"]) == sorted(whole["obsid"])
    assert few["distance"].max() == whole["distance"].max()
    by_name = Observations.query_object("M51", radius=0.1, columns=["distance", "obs_id"])
    assert len(by_name) == len(Observations.query_object("M51", radius=0.1))


def test_columns_needed_only_for_the_region_are_dropped(mast_sandbox: Sandbox) -> None:
    """Columns needed only to remove rows outside the region are dropped."""
    whole = Observations.query_region(M51, radius=0.1, overlap="center")
    few = Observations.query_region(M51, radius=0.1, overlap="center", columns=["obs_id"])
    assert few.colnames == ["obs_id", "obsid"]
    assert list(few["obsid"]) == list(whole["obsid"])
    assert few.meta["cut"] == whole.meta["cut"]


def test_many_targets_with_few_columns(mast_sandbox: Sandbox) -> None:
    """For many targets, ``input_row`` precedes the selected columns."""
    table = Observations.query_criteria(coordinates=[M51, "10 20"], radius=0.1, calib_level=3, columns=["t_min"])
    assert table.colnames == ["input_row", "t_min", "obsid"]
    named = Observations.query_object(["M51", "M101"], radius=0.02, columns="obs_id")
    assert named.colnames == ["input_row", "target", "obs_id", "obsid"]


def test_products_of_a_table_with_few_columns(mast_sandbox: Sandbox) -> None:
    """Products can be listed for a table with any selected columns."""
    table = Observations.query_criteria(proposal_id=10452, calib_level=3, columns=["t_min"])
    assert len(Observations.get_product_list(table[:2], verbose=False)) > 2


def test_a_response_without_a_selected_column_is_an_error(mast_sandbox: Sandbox) -> None:
    """A response without a selected column raises InvalidResponseError."""

    def forget(answer: dict[str, Any]) -> dict[str, Any]:
        answer["fields"] = [entry for entry in answer["fields"] if entry["name"] != "t_min"]
        return answer

    mast_sandbox.faults.add("invoke", Fault.edit(forget))
    with pytest.raises(InvalidResponseError, match="t_min"):
        Observations.query_criteria(**GALEX, columns=["t_min"])


def test_a_new_column_at_mast_can_be_selected(mast_sandbox: Sandbox) -> None:
    """MAST's columns are retrieved before a selected column is rejected as unknown."""
    client = ObservationsClass()

    def one_more(columns: dict[str, Any]) -> dict[str, Any]:
        return {**columns, "Brand_new": {"text": "New", "type": "double"}}

    mast_sandbox.faults.add("columnsconfig", Fault.edit(one_more))
    payload = client.query_criteria(**GALEX, columns=["brand_new"], get_query_payload=True)
    assert payload["params"]["columns"] == "Brand_new,obsid"
