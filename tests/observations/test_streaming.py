"""Observations table by table, and with fewer columns: for results that do not fit."""

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
    """Ask for tables of 50 rows."""
    found = Observations.query_criteria_iter(**{"pagesize": 50, **GALEX, **keywords})
    assert not isinstance(found, dict)
    return found


def page_of(record: RequestRecord) -> int:
    """Return the page that a request asked for."""
    assert record.mashup is not None
    return int(str(record.mashup["page"]))


# -- table by table --------------------------------------------------------------------------------------------------


def test_the_tables_together_are_the_whole(mast_sandbox: Sandbox) -> None:
    """Stacked, the tables are what query_criteria returns, with units, masks and all."""
    whole = Observations.query_criteria(**GALEX)
    tables = list(stream())
    assert [len(table) for table in tables] == [50, 50, 50, 50, len(whole) - 200]
    joined = vstack(tables)
    assert joined.colnames == whole.colnames
    for name in whole.colnames:
        # A masked cell is None here.
        assert joined[name].tolist() == whole[name].tolist()
        assert (joined[name].unit, joined[name].description) == (whole[name].unit, whole[name].description)


def test_each_table_knows_its_place_and_the_total(mast_sandbox: Sandbox) -> None:
    """The number of all rows is known from the first table, and stacking keeps what each says."""
    tables = stream()
    first = next(tables)
    rows = Observations.query_criteria_count(**GALEX)
    assert (first.meta["page"], first.meta["total"], first.meta["rows"]) == ([1], [rows], [50])
    joined = vstack([first, *tables])
    assert joined.meta["page"] == [1, 2, 3, 4, 5]
    assert joined.meta["rows"] == [50, 50, 50, 50, rows - 200]


def test_nothing_is_fetched_that_nobody_reads(mast_sandbox: Sandbox) -> None:
    """Making the iterator sends nothing, and reading is followed by few requests ahead."""
    tables = stream(max_workers=2)
    assert len(mast_sandbox.requests) == 0
    next(tables)
    assert len(mast_sandbox.requests.of("invoke")) == 1
    next(tables)
    assert len(mast_sandbox.requests.of("invoke")) <= 4
    assert mast_sandbox.requests.most_at_once("invoke") <= 2
    tables.close()  # type: ignore[attr-defined]


def test_closing_ends_the_requests(mast_sandbox: Sandbox) -> None:
    """What is under way may finish, but nothing more is sent: neither the next pages nor a second try."""
    late = Fault.delay(0.2) + Fault.status(503)
    mast_sandbox.faults.add("invoke", late, times=None, where=lambda record: page_of(record) > 2)
    tables = stream(max_workers=2)
    next(tables), next(tables)
    tables.close()  # type: ignore[attr-defined]
    for thread in threading.enumerate():
        if thread.name.startswith("astroquery_mast"):
            thread.join(10)
    pages = sorted(page_of(record) for record in mast_sandbox.requests.of("invoke"))
    # Of those under way, none or both may have reached the server.
    assert pages[:2] == [1, 2]
    assert set(pages[2:]) <= {3, 4}
    assert len(set(pages)) == len(pages)
    assert list(tables) == []


def test_no_page_is_kept_once_it_is_read(mast_sandbox: Sandbox) -> None:
    """While a table is in use there are no other pages in memory than those ahead of it."""

    def alive() -> int:
        gc.collect()
        return sum(isinstance(each, Rows) for each in gc.get_objects())

    before = alive()
    during = [alive() for _ in stream(max_workers=1)]
    assert len(during) == 5
    assert max(during[1:]) <= before


def test_missing_rows_are_an_error_at_the_end(mast_sandbox: Sandbox) -> None:
    """A stream that is too short does not end as if it were whole."""

    def lose_a_row(answer: dict[str, Any]) -> dict[str, Any]:
        answer["data"].pop()
        answer["paging"]["rows"] -= 1
        return answer

    mast_sandbox.faults.add("invoke", Fault.edit(lose_a_row), where=lambda record: page_of(record) == 3)
    tables = stream()
    assert [len(next(tables)) for _ in range(5)] == [50, 50, 49, 50, 48]
    with pytest.raises(IncompleteResultError, match="248 rows were announced and 247 received"):
        next(tables)


def test_a_page_that_fails_for_a_while_is_asked_for_again(mast_sandbox: Sandbox) -> None:
    """A stream survives what a query survives."""
    mast_sandbox.faults.add("invoke", Fault.reset(), times=2, where=lambda record: page_of(record) == 4)
    assert sum(len(table) for table in stream()) == Observations.query_criteria_count(**GALEX)


def test_the_time_is_that_of_a_page(mast_sandbox: Sandbox) -> None:
    """What is done between the pages does not count, and a page that takes too long is an error."""
    tables = stream(timeout=0.5)
    next(tables)
    mast_sandbox.faults.add("invoke", Fault.executing(), times=None, where=lambda record: page_of(record) == 4)
    with pytest.raises(QueryTimeoutError, match=r"^Timeout limit of 0\.5 s exceeded"):
        list(tables)


def test_what_cannot_be_asked_is_refused_at_the_call(mast_sandbox: Sandbox) -> None:
    """Not only when the first table is read."""
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


def test_nothing_found_is_one_table_without_rows(mast_sandbox: Sandbox) -> None:
    """It has the columns, and the warning names what may have been meant."""
    with pytest.warns(NoResultsWarning, match="did you mean 'MIRI/IMAGE'"):
        (table,) = Observations.query_criteria_iter(instrument_name="MIRI")
    assert len(table) == 0
    assert "s_ra" in table.colnames
    assert table.meta["total"] == [0]


def test_a_stream_around_a_position_is_cut_page_by_page(mast_sandbox: Sandbox) -> None:
    """Region and overlap mean what they mean for the whole."""
    asked: dict[str, Any] = {"coordinates": M51, "radius": 0.05, "obs_collection": ["HST", "JWST"]}
    whole = Observations.query_criteria(**asked, overlap="center")
    tables = list(Observations.query_criteria_iter(**asked, overlap="center", pagesize=100, columns=["distance"]))
    assert len(tables) > 2
    assert all(table.colnames == ["distance", "obsid"] for table in tables)
    assert [obsid for table in tables for obsid in table["obsid"]] == list(whole["obsid"])


def test_a_region_that_leaves_nothing_of_a_stream_is_told(mast_sandbox: Sandbox) -> None:
    """The warning is that of query_criteria, and the tables say how many rows remain of them."""
    ring = ["CIRCLE 202.47 47.6 0.0001", "CIRCLE 202.47 46.8 0.0001"]
    with pytest.warns(NoResultsWarning, match=r"0 of \d\d+ rows have a footprint that overlaps 2 shapes"):
        tables = list(Observations.query_criteria_iter(obs_collection="HST", region=ring, pagesize=100))
    assert {tuple(table.meta["rows"]) for table in tables} == {(0,)}
    assert [number for table in tables for number in table.meta["page"]] == list(range(1, len(tables) + 1))


def test_numbers_of_numpy_are_numbers_of_workers(mast_sandbox: Sandbox) -> None:
    """As anywhere else."""
    assert sum(map(len, stream(max_workers=np.int64(2)))) == Observations.query_criteria_count(**GALEX)


def test_a_page_beyond_the_last_is_told_from_an_empty_result(mast_sandbox: Sandbox) -> None:
    """The warning says how many pages there are."""
    with pytest.warns(NoResultsWarning, match="Page 99 does not exist: the result has 5 with 248 rows"):
        table = Observations.query_criteria(**GALEX, pagesize=50, page=99)
    assert len(table) == 0
    assert "s_ra" in table.colnames
    with pytest.warns(NoResultsWarning, match=r"no results\.$"):
        Observations.query_criteria(obs_collection="GALEX", proposal_id="nobody", page=2)


def test_the_request_can_be_looked_at(mast_sandbox: Sandbox) -> None:
    """It is that of query_criteria."""
    payload = Observations.query_criteria_iter(**GALEX, columns="t_min", get_query_payload=True)
    assert payload == Observations.query_criteria(**GALEX, columns="t_min", get_query_payload=True)
    assert len(mast_sandbox.requests) == 0


def test_a_result_above_the_limit_is_streamed_in_parts(mast_sandbox: Sandbox) -> None:
    """The total is that of all parts, and all rows come."""
    rows = Observations.query_criteria_count(**GALEX)
    with Sandbox(row_limit=100), conf.set_temp("server_row_limit", 100):
        tables = list(stream(columns=["t_min"]))
    assert {tuple(table.meta["total"]) for table in tables} == {(rows,)}
    assert len(set(vstack(tables)["obsid"])) == rows


# -- fewer columns ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns", [["T_min", "target_name", "s_ra"], "t_min, target_name, s_ra", ("t_min", "target_name", "s_ra", "t_min")]
)
def test_columns_come_as_asked(mast_sandbox: Sandbox, columns: Any) -> None:
    """In that order, in the archive's spelling, each once; and the identifier, without which there are no products."""
    table = Observations.query_criteria(**GALEX, columns=columns)
    assert table.colnames == ["t_min", "target_name", "s_ra", "obsid"]
    assert table["s_ra"].unit == "deg"
    (record,) = mast_sandbox.requests.of("invoke")
    assert record.mashup["params"]["columns"] == "t_min,target_name,s_ra,obsid"
    whole = Observations.query_criteria(**GALEX)
    assert (table["t_min"] == whole["t_min"]).all()
    assert table.meta["rows"] == [len(whole)]


def test_the_identifier_stays_where_it_was_named(mast_sandbox: Sandbox) -> None:
    """It is added only if it was left out."""
    table = Observations.query_criteria(**GALEX, columns=["obsid", "t_min"])
    assert table.colnames == ["obsid", "t_min"]


@pytest.mark.parametrize("columns", [None, "*", ["*"], ["obs_id", "*"], "obs_id,*", (name for name in "*")])
def test_all_columns_are_all(mast_sandbox: Sandbox, columns: Any) -> None:
    """The default, and the archive's own word for it."""
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
def test_names_of_columns_come_in_any_iterable(mast_sandbox: Sandbox, columns: Any) -> None:
    """Arrays and columns of tables as well, and text with a comma too many."""
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
def test_columns_that_do_not_exist_are_refused(mast_sandbox: Sandbox, columns: Any, words: str) -> None:
    """Before a query is sent, with the name that may have been meant."""
    with pytest.raises(InvalidQueryError, match=words):
        Observations.query_criteria(**GALEX, columns=columns)
    assert mast_sandbox.requests.of("invoke") == []


def test_a_region_with_few_columns_has_the_same_rows(mast_sandbox: Sandbox) -> None:
    """The service of cones has no choice of columns; another one has, and finds the same."""
    whole = Observations.query_region(M51, radius=0.1)
    few = Observations.query_region(M51, radius=0.1, columns=["distance", "obs_id"])
    assert few.colnames == ["distance", "obs_id", "obsid"]
    assert sorted(few["obsid"]) == sorted(whole["obsid"])
    assert few["distance"].max() == whole["distance"].max()
    by_name = Observations.query_object("M51", radius=0.1, columns=["distance", "obs_id"])
    assert len(by_name) == len(Observations.query_object("M51", radius=0.1))


def test_a_cut_uses_columns_that_are_not_wanted(mast_sandbox: Sandbox) -> None:
    """Footprints are fetched for the cut, and dropped after it."""
    whole = Observations.query_region(M51, radius=0.1, overlap="center")
    few = Observations.query_region(M51, radius=0.1, overlap="center", columns=["obs_id"])
    assert few.colnames == ["obs_id", "obsid"]
    assert list(few["obsid"]) == list(whole["obsid"])
    assert few.meta["cut"] == whole.meta["cut"]


def test_many_targets_with_few_columns(mast_sandbox: Sandbox) -> None:
    """The row of the target comes first, then what was asked for."""
    table = Observations.query_criteria(coordinates=[M51, "10 20"], radius=0.1, calib_level=3, columns=["t_min"])
    assert table.colnames == ["input_row", "t_min", "obsid"]
    named = Observations.query_object(["M51", "M101"], radius=0.02, columns="obs_id")
    assert named.colnames == ["input_row", "target", "obs_id", "obsid"]


def test_products_of_a_table_with_few_columns(mast_sandbox: Sandbox) -> None:
    """Whatever was asked for, the table can be used to list products."""
    table = Observations.query_criteria(proposal_id=10452, calib_level=3, columns=["t_min"])
    assert len(Observations.get_product_list(table[:2], verbose=False)) > 2


def test_a_column_that_does_not_come_is_an_error(mast_sandbox: Sandbox) -> None:
    """A table without it would fail later."""

    def forget(answer: dict[str, Any]) -> dict[str, Any]:
        answer["fields"] = [entry for entry in answer["fields"] if entry["name"] != "t_min"]
        return answer

    mast_sandbox.faults.add("invoke", Fault.edit(forget))
    with pytest.raises(InvalidResponseError, match="t_min"):
        Observations.query_criteria(**GALEX, columns=["t_min"])


def test_a_column_that_the_package_does_not_know_is_asked_for(mast_sandbox: Sandbox) -> None:
    """A column that the archive has got meanwhile is looked for before it is refused."""
    client = ObservationsClass()

    def one_more(columns: dict[str, Any]) -> dict[str, Any]:
        return {**columns, "Brand_new": {"text": "New", "type": "double"}}

    mast_sandbox.faults.add("columnsconfig", Fault.edit(one_more))
    payload = client.query_criteria(**GALEX, columns=["brand_new"], get_query_payload=True)
    assert payload["params"]["columns"] == "Brand_new,obsid"
