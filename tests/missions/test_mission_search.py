"""Mission searches without a network: the list of columns, requests, responses, and the resulting tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from astroquery.exceptions import InputWarning
from astroquery.mast import services

from astroquery_mast.exceptions import IncompleteResultError, InvalidQueryError, InvalidResponseError
from astroquery_mast.missions.responses import (
    SearchTable,
    may_have_more,
    page_bounds,
    products_table,
    read_answer,
    read_products,
    total_rows,
)
from astroquery_mast.missions.search import column_list_table, columns_of_mission, selected_columns
from astroquery_mast.missions.search_query import Search, as_options, sorting
from astroquery_mast.query.request import ApiRequest
from astroquery_mast.tables.columns import Columns
from astroquery_mast.tables.mashup import Completeness

QUERY = ApiRequest("MAST search (hst)", "https://mast/search", {})
SEARCH = Search("hst", "https://mast/search")
MANY = tuple(f"{number}.0 0.0" for number in range(250))


@pytest.fixture
def hst(recorded: Callable[[str], bytes]) -> Columns:
    return columns_of_mission(json.loads(recorded("mission_columns.json")), "hst")


def answer(rows: list[Any], info: Any = None, **document: Any) -> bytes:
    return json.dumps({"info": info, "results": rows, "totalResults": len(rows), **document}).encode()


def table_of(*bodies: bytes, columns: Columns | None = None) -> Any:
    builder = SearchTable(QUERY, columns or {})
    for body in bodies:
        builder.add(read_answer(body, "s"))
    return builder.table()


# -- columns -------------------------------------------------------------------------------------------------------


def test_the_list_of_columns(hst: Columns) -> None:
    """Names, types and descriptions are in MAST's order, with units where MAST gives them."""
    table = column_list_table(hst)
    assert table.colnames == ["name", "data_type", "description"]
    assert len(table) == 57
    assert list(table["name"][:2]) == ["search_pos", "sci_data_set_name"]
    assert hst["ang_sep"].astropy_unit == "arcmin"
    assert hst["sci_central_wavelength"].astropy_unit == "Angstrom"
    assert hst["sci_dispersion"].astropy_unit is None
    assert [name for name, column in hst.items() if column.hidden] == ["search_pos", "search_key"]


@pytest.mark.parametrize("document", [None, {}, [], [1], [{}], [{"name": "x"}], "text"], ids=str)
def test_an_invalid_list_of_columns(document: object) -> None:
    """A response that is not a list of columns raises an error that names the mission (B41)."""
    with pytest.raises(InvalidResponseError, match="'xyz'"):
        columns_of_mission(document, "xyz")


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (None, None),
        ("sci_pep_id, sci_instrume", ["sci_pep_id", "sci_instrume", "sci_data_set_name"]),
        (["SCI_PEP_ID"], ["sci_pep_id", "sci_data_set_name"]),
        (iter(["sci_data_set_name", "sci_pep_id"]), ["sci_data_set_name", "sci_pep_id"]),
    ],
)
def test_columns_are_selected_in_any_form(hst: Columns, wanted: Any, chosen: list[str] | None) -> None:
    """The selected columns always include the dataset identifier."""
    assert selected_columns(wanted, hst, "hst", "sci_data_set_name") == chosen


def test_all_columns(hst: Columns) -> None:
    """`all` and `*` select every column."""
    for word in ("all", "ALL", "*", ["*"]):
        assert selected_columns(word, hst, "hst", "sci_data_set_name") == list(hst)


def test_columns_that_do_not_exist(hst: Columns) -> None:
    """An unknown column is skipped with a warning that suggests a similar name; if none is left, the call raises."""
    with pytest.warns(InputWarning, match="Column 'sci_pepid' not found. Did you mean 'sci_pep_id'"):
        assert selected_columns("sci_pepid,sci_ra", hst, "hst", None) == ["sci_ra"]
    with (
        pytest.warns(InputWarning, match="nothing"),
        pytest.raises(InvalidQueryError, match="select_cols='nothing' contains no column of mission 'hst'"),
    ):
        selected_columns("nothing", hst, "hst", "sci_data_set_name")
    for wrong in (3, ["sci_ra", 3], []):
        with pytest.raises(InvalidQueryError, match="select_cols"):
            selected_columns(wrong, hst, "hst", None)  # type: ignore[arg-type]


def test_ullyses_results_include_the_identifier() -> None:
    """The default columns for ULLYSES include the identifier, which MAST's own default lacks."""
    assert "observation_id" in (selected_columns(None, {}, "ullyses", "observation_id") or [])


# -- requests ------------------------------------------------------------------------------------------------------


def test_targets_are_sent_a_hundred_at_a_time() -> None:
    """All targets are sent in order, at most a hundred in a request."""
    requests = Search("hst", "u", targets=MANY, radius=60.0).requests()
    sent = [request.as_request().payload() for request in requests]
    assert [len(payload["target"]) for payload in sent] == [100, 100, 50]  # type: ignore[arg-type]
    assert [target for payload in sent for target in payload["target"]] == list(MANY)  # type: ignore[attr-defined]
    assert {(payload["radius"], payload["radius_units"]) for payload in sent} == {(60.0, "arcseconds")}


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0},
        {"limit": -1},
        {"limit": 2.5},
        {"limit": True},
        {"limit": "10"},
        {"offset": -1},
        {"offset": None},
        {"limit": None, "options": {"skip_count": True}},
        {"targets": MANY, "offset": 3},
        {"targets": MANY, "sort_by": ("a",), "sort_desc": (False,)},
    ],
    ids=str,
)
def test_invalid_limits_and_offsets(wrong: dict[str, Any]) -> None:
    """Arguments that would silently return other rows raise an error."""
    with pytest.raises(InvalidQueryError):
        Search("hst", "u", **wrong)


def test_all_rows_are_requested_in_a_unique_order() -> None:
    """For all rows, the order of rows is unique, so that pages do not overlap."""
    ordered = Search("hst", "u", targets=MANY[:2], limit=None).totally_ordered({}, ["id", None])
    assert ordered.requests()[0].as_request().payload()["sort_by"] == ["ang_sep", "id", "search_pos"]
    sorted_search = Search("hst", "u", limit=None, sort_by=("id", "x"), sort_desc=(True, False)).totally_ordered(
        {}, ["id", "k"]
    )
    payload = sorted_search.requests()[0].as_request().payload()
    assert (payload["sort_by"], payload["sort_desc"]) == (["id", "x", "k"], [True, False, False])
    assert SEARCH.totally_ordered({}, [None]) == SEARCH


@pytest.mark.parametrize(
    ("sort_by", "sort_desc", "sent"),
    [
        (None, None, ((), ())),
        ("sci_ra", None, (("sci_ra",), (False,))),
        ("sci_ra, SCI_DEC", True, (("sci_ra", "sci_dec"), (True, True))),
        (["sci_ra", "sci_dec"], [True, False], (("sci_ra", "sci_dec"), (True, False))),
    ],
)
def test_sorting(hst: Columns, sort_by: Any, sort_desc: Any, sent: Any) -> None:
    """`sort_desc` is one value for all columns, or one for each."""
    assert sorting(sort_by, sort_desc, hst) == sent


@pytest.mark.parametrize(
    ("sort_by", "sort_desc"),
    [
        (None, True),
        ("sci_rra", None),
        (["sci_ra"], [True, False]),
        ("sci_ra", "yes"),
        ([3], None),
        ("", None),
        ([], None),
    ],
)
def test_invalid_sorting(hst: Columns, sort_by: Any, sort_desc: Any) -> None:
    """Invalid sort arguments raise an error."""
    with pytest.raises(InvalidQueryError, match="sort"):
        sorting(sort_by, sort_desc, hst)


def test_options_of_the_request_are_not_criteria() -> None:
    """Options of a search are separated from criteria."""
    options, criteria = as_options({"skip_count": True, "search_key": "k", "user_fields": ["a"], "x": 1})
    assert options == {"skip_count": True, "search_key": ["k"], "user_fields": ["a"]}
    assert criteria == {"x": 1}


# -- responses -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("recorded_lately")
def test_the_recorded_response_is_the_table_of_astroquery(recorded: Callable[[str], bytes], hst: Columns) -> None:
    """Names, order, types and values are those of astroquery.mast, except that separations are numbers."""
    body = recorded("mission_results.json")
    ours, theirs = table_of(body, columns=hst), services._json_to_table(json.loads(body), "results")
    assert ours.colnames == theirs.colnames
    for name in set(ours.colnames) - {"ang_sep"}:
        assert ours[name].dtype.kind == theirs[name].dtype.kind
        assert ours[name].tolist() == theirs[name].tolist()
    assert ours["ang_sep"].tolist() == [float(text) for text in theirs["ang_sep"]]
    assert ours["ang_sep"].unit == "arcmin"
    assert ours["sci_instrume"][0] == "FOC   "
    assert ours["sci_pep_id"].description == ours["sci_pep_id"].meta["description"]
    assert ours.meta["search_params"]["limit"] == 10


def test_sentinel_values_are_kept() -> None:
    """Only null and absent keys are masked; -999, an empty text and false are values (B14)."""
    info = [{"name": "f", "type": "FLOAT"}, {"name": "i", "type": "INTEGER"}, {"name": "t", "type": "VARCHAR"}]
    table = table_of(answer([{"f": -999.0, "i": -999, "t": ""}, {"f": None, "i": None}], info))
    assert [table[name].mask.tolist() for name in "fit"] == [[False, True]] * 3
    assert (table["f"][0], table["i"][0], table["t"][0]) == (-999.0, -999, "")


def test_a_portal_column_that_no_row_has_is_dropped() -> None:
    """A portal column is dropped from tables, even if no row has it."""
    fields = [{"name": "a", "type": "FLOAT"}, {"name": "_selected_", "type": "BOOLEAN"}]
    assert table_of(answer([{"a": 1.5}], fields)).colnames == ["a"]


def test_declared_and_undeclared_columns() -> None:
    """Declared columns that no row has are dropped, as in astroquery.mast; undeclared columns are kept at the end."""
    info = [{"name": "search_key", "type": "VARCHAR"}, {"name": "b", "type": "FLOAT"}, {"name": "a", "type": "VARCHAR"}]
    table = table_of(answer([{"a": "x", "b": 1, "ang_sep": 0.5}, {"a": "y", "b": 2.5, "ang_sep": None}], info))
    assert table.colnames == ["b", "a", "ang_sep"]
    assert table["b"].dtype.kind == "f"
    assert table["ang_sep"].mask.tolist() == [False, True]


@pytest.mark.usefixtures("recorded_lately")
def test_an_empty_table_has_columns(recorded: Callable[[str], bytes], hst: Columns) -> None:
    """An empty table has the declared or the requested columns."""
    declared = table_of(answer([], [{"name": "a", "type": "FLOAT"}, {"name": "ang_sep", "type": "NULL"}]))
    assert (declared.colnames, len(declared)) == (["a", "ang_sep"], 0)
    assert declared["ang_sep"].dtype.kind == "f"
    asked = table_of(recorded("mission_count_only.json"), columns=hst)
    assert len(asked.colnames) == 21
    assert asked["sci_hapnum"].dtype.kind == "i"
    # If no columns are declared or repeated, those of the mission are used.
    assert table_of(b'{"results": []}', columns=hst).colnames[-1] == "search_key"


def test_pages_without_rows_do_not_determine_types() -> None:
    """The types of columns are those of the first page with rows."""
    table = table_of(
        answer([], [{"name": "x", "type": "NULL"}]),
        answer([{"x": 1}], [{"name": "x", "type": "INTEGER"}]),
        answer([{"x": 2}], [{"name": "x", "type": "FLOAT"}]),
    )
    assert table["x"].tolist() == [1, 2]
    assert table["x"].dtype.kind == "i"
    with pytest.raises(InvalidResponseError, match="differ"):
        table_of(answer([{"x": 1}]), answer([{"y": 1}]))


def test_rows_may_be_lists() -> None:
    """Rows may be lists in the order of the columns."""
    assert table_of(answer([[1, "a"], [2, None]], [{"column_name": "n", "db_type": "INTEGER"}, {"name": "t"}]))[
        "n"
    ].tolist() == [1, 2]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"results": null}',
        b'{"results": [1]}',
        b'{"results": [[1]], "info": []}',
        b'{"results": [], "info": [3]}',
        b'{"results": [], "info": 3}',
        b'{"results": [], "totalResults": "many"}',
    ],
)
def test_unreadable_responses(body: bytes) -> None:
    """An unreadable response raises an InvalidResponseError, never a KeyError."""
    with pytest.raises(InvalidResponseError):
        read_answer(body, "MAST search (hst)")


@pytest.mark.usefixtures("recorded_lately")
def test_the_count(recorded: Callable[[str], bytes]) -> None:
    """The number of rows is the one that MAST reports; a response without it is an error."""
    assert total_rows(read_answer(recorded("mission_count_only.json"), "s")) == 1066009
    with pytest.raises(InvalidResponseError, match="did not return the number of rows"):
        total_rows(read_answer(b'{"results": []}', "s"))


def test_the_server_may_apply_a_lower_limit() -> None:
    """If the server applies a lower limit than requested, it determines the size of a page."""
    page = read_answer(answer([{"x": 1}] * 3, search_params={"limit": 3, "offset": 0}, totalResults=7), "s")
    assert page_bounds(page, 10, 0) == (3, 0)
    assert may_have_more(page, 10, 0)
    assert not may_have_more(read_answer(answer([{"x": 1}] * 3), "s"), 3, 0)
    assert may_have_more(read_answer(answer([{"x": 1}] * 3, totalResults=None), "s"), 3, 0)


def test_missing_or_repeated_rows() -> None:
    """Pages that do not make up the complete result raise an error."""
    parts = Completeness("s")
    first = read_answer(answer([{"x": 1}, {"x": 2}], totalResults=4), "s")
    parts.add_slice(first, 0, 2, alone=False)
    with pytest.raises(IncompleteResultError, match="on two pages"):
        parts.add_slice(read_answer(answer([{"x": 2}, {"x": 3}], totalResults=4), "s"), 2, 2, alone=False)
    with pytest.raises(IncompleteResultError, match="2 rows were expected after row 2, got 1"):
        parts.add_slice(read_answer(answer([{"x": 3}], totalResults=4), "s"), 2, 2, alone=False)
    with pytest.raises(IncompleteResultError, match="changed from 4 to 5"):
        parts.add_slice(read_answer(answer([{"x": 3}, {"x": [4]}], totalResults=5), "s"), 2, 2, alone=False)


def test_missing_rows_in_a_page_without_a_total() -> None:
    """All pages together must have the number of rows that the first page reported."""
    parts = Completeness("s")
    parts.add_slice(read_answer(answer([{"x": 1}, {"x": 2}], totalResults=4), "s"), 0, 2, alone=False)
    parts.add_slice(read_answer(answer([{"x": 3}], totalResults=None), "s"), 2, 2, alone=False)
    with pytest.raises(IncompleteResultError, match="4 rows were expected after row 0, got 3"):
        parts.close()
    parts.add_slice(read_answer(answer([{"x": 4}], totalResults=None), "s"), 2, 2, alone=False)
    parts.close()


# -- products ------------------------------------------------------------------------------------------------------


def test_the_recorded_products(recorded: Callable[[str], bytes]) -> None:
    """Products have their columns in MAST's order, and sizes in bytes."""
    table = products_table(QUERY, [read_products(recorded("mission_products.json"), "s")], ["Z14Z0104T"])
    assert table.colnames == list(json.loads(recorded("mission_products.json"))["products"][0])
    assert table["size"].unit == "byte"
    assert table["size"].dtype.kind == "i"


def test_products_are_in_the_order_of_the_datasets() -> None:
    """Products are in the order of the requested datasets (B45), and within a dataset in MAST's order."""
    first = json.dumps({"products": [[{"dataset": "B", "filename": "2"}, {"dataset": "B", "filename": "1"}]]})
    second = json.dumps({"products": [{"dataset": "A", "filename": "3", "size": 5}]})
    pages = [read_products(body.encode(), "s") for body in (first, second)]
    table = products_table(QUERY, pages, ["a", "B"])
    assert table["filename"].tolist() == ["3", "2", "1"]
    assert table["size"].tolist() == [5, None, None]


def test_an_empty_product_list_has_columns() -> None:
    """An empty product list can be filtered."""
    table = products_table(QUERY, [read_products(b'{"products": []}', "s")], ["A"])
    assert {"filename", "dataset", "size", "uri"} <= set(table.colnames)
    assert len(table) == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"products": {}}', b'{"products": [1]}', b'{"products": [[1]]}'])
def test_unreadable_lists_of_products(body: bytes) -> None:
    """A response that is not a product list raises an InvalidResponseError."""
    with pytest.raises(InvalidResponseError):
        read_products(body, "s")


def test_records_with_different_columns_make_one_table() -> None:
    """The table has the columns of all records, masked where a record lacks one."""
    page = read_products(b'{"products": [{"a": 1}, {"b": "x", "a": null}]}', "s")
    table = products_table(QUERY, [page])
    assert table.colnames == ["a", "b"]
    assert np.ma.asarray(table["a"]).tolist() == [1, None]


@pytest.mark.parametrize("row", [{}, []], ids=str)
def test_an_empty_row_is_malformed(row: Any) -> None:
    """An empty row raises an error."""
    with pytest.raises(InvalidResponseError, match="a malformed row"):
        read_answer(answer([row]), "s")


def test_a_negative_row_count_is_invalid() -> None:
    """A negative number of rows raises an error."""
    with pytest.raises(InvalidResponseError, match="invalid row count: -1"):
        read_answer(answer([], totalResults=-1), "s")
