"""Valid and broken responses of all kinds: the bytes become a page or an exception of the package."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import (
    AccessDeniedError,
    BadRequestError,
    IncompleteResultError,
    InvalidResponseError,
    MastError,
    ServerError,
)
from astroquery_mast.tables.mashup import (
    Completeness,
    Page,
    Paging,
    check_status,
    histograms,
    parse_page,
    retry_after_seconds,
)

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
FIELDS = [{"name": "obsid", "type": "string"}, {"name": "s_ra", "type": "float"}]
ROWS = [{"obsid": 1, "s_ra": 2.5}, {"s_ra": None}]
PAGING = {"page": 1, "pageSize": 2, "pagesFiltered": 3, "rows": 2, "rowsFiltered": 5, "rowsTotal": 5}
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "COMPLETE", "EXECUTING", "ERROR", "a", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "type", "Fields", "Rows", "Tables", "Paging", "ExtendedProperties", "rows", "page"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
MEMBERS = ["status", "msg", "data", "fields", "paging", "resolvedCoordinate"]


def read(document: object, status: int = 200) -> Page:
    """Return the page in a response with a document."""
    return parse_page(status, {"Content-Type": "application/json"}, json.dumps(document).encode(), "Mast.Caom.Cone")


def extjs(**table: Any) -> dict[str, Any]:
    """Return a response in the extjs format."""
    return {"status": "COMPLETE", "data": {"Tables": [table]}}


def test_page_has_rows_columns_and_number() -> None:
    """A complete response has its rows, its columns in order, and the number of the page."""
    page = read({"status": "COMPLETE", "msg": "", "data": ROWS, "fields": FIELDS, "paging": PAGING})
    assert list(page.rows) == ROWS
    assert page.fields == (("obsid", "string"), ("s_ra", "float"))
    assert page.paging == Paging(page=1, pages=3, rows=2, total=5)
    assert not page.executing


@given(body=st.binary(max_size=200))
def test_arbitrary_bytes_give_only_errors_of_the_package(body: bytes) -> None:
    """No garbage from a server or proxy raises another exception."""
    for status in (200, 503):
        try:
            page = parse_page(status, {}, body, "Mast.Caom.Cone")
        except MastError as err:
            assert "Mast.Caom.Cone" in str(err)
        else:
            assert isinstance(page, Page)


@given(document=ODD | st.dictionaries(st.sampled_from(MEMBERS), ODD, max_size=6))
def test_arbitrary_json_gives_only_errors_of_the_package(document: object) -> None:
    """Any JSON becomes a page that can be counted, or an error of the package."""
    try:
        page = read(document)
        tally = Completeness(page.service)
        tally.add(page, 1)
        tally.close()
    except MastError:
        return
    assert all(isinstance(row, dict) for row in page.rows)
    assert page.paging is None or page.paging.rows == len(page.rows)


@given(table=ODD)
def test_arbitrary_extjs_gives_only_errors_of_the_package(table: object) -> None:
    """The same holds for the extjs format and its histograms."""
    for read_it in (read, histograms):
        try:
            read_it({"data": {"Tables": [table]}})
        except MastError:
            continue


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"data":' * 100_000])
def test_too_deep_nesting_is_invalid(body: bytes) -> None:
    """Too deeply nested JSON is an invalid response."""
    with pytest.raises(InvalidResponseError, match="did not return JSON"):
        parse_page(200, {}, body, "Mast.Caom.Cone")


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b'{"status":"COMPLETE","data":[{"a":1},{', b"[]", b"3"])
def test_foreign_or_truncated_responses_are_invalid(body: bytes) -> None:
    """HTML, truncated or empty responses, or JSON that is not an object, are never taken for a result."""
    with pytest.raises(InvalidResponseError, match=r"Mast\.Caom\.Cone (did not return|returned)"):
        parse_page(200, {}, body, "Mast.Caom.Cone")


@pytest.mark.parametrize("data", ["oops", 3, True, None])
def test_columns_without_rows_are_not_an_empty_result(data: object) -> None:
    """A response with columns, but without a list of rows, is invalid, not empty."""
    with pytest.raises(InvalidResponseError, match="no list of rows"):
        read({"status": "COMPLETE", "data": data, "fields": FIELDS})


def test_null_rows_are_an_empty_result_if_announced() -> None:
    """Null instead of rows requires paging that announces no rows."""
    page = read({"status": "COMPLETE", "data": None, "fields": FIELDS, "paging": {"rows": 0, "rowsFiltered": 0}})
    assert list(page.rows) == []
    assert page.paging is not None
    assert page.paging.total == 0


def test_response_without_status_or_fields_is_read() -> None:
    """A missing status means complete, and missing columns are taken from the rows."""
    page = read({"data": [{"a": 1}, {"b": 2, "a": 3}]})
    assert page.status == "COMPLETE"
    assert page.fields == (("a", ""), ("b", ""))


def test_response_without_a_table_keeps_its_document() -> None:
    """The response of a service without rows is a page without columns."""
    page = read({"status": "COMPLETE", "url": "https://mast.stsci.edu/x.sh", "statusList": {}})
    assert (page.fields, list(page.rows)) == ((), [])
    assert page.document is not None
    assert page.document["url"].endswith("x.sh")


def test_name_resolution_rows_have_their_own_name() -> None:
    """The rows of a name resolution are those of resolvedCoordinate, even if the status is empty."""
    page = read({"resolvedCoordinate": [{"ra": 1.0, "decl": 2.0}], "status": ""})
    assert list(page.rows) == [{"ra": 1.0, "decl": 2.0}]


def test_duplicate_column_is_kept_once() -> None:
    """If a column is declared twice, the first declaration is used."""
    page = read({"data": [], "fields": [{"name": "a", "type": "int"}, {"name": "a", "type": "float"}]})
    assert page.fields == (("a", "int"),)


@pytest.mark.parametrize("state", ["EXECUTING", "executing"])
def test_executing_response_may_be_empty(state: str) -> None:
    """An unfinished response is recognized without data, columns or paging."""
    assert read({"status": state, "percent complete": 0.3}).executing


def test_page_with_fewer_rows_than_announced_is_incomplete() -> None:
    """Fewer rows than the page announces are an error, not a short table."""
    with pytest.raises(IncompleteResultError, match="announced 2 rows on page 1, but returned 1"):
        read({"status": "COMPLETE", "data": ROWS[:1], "fields": FIELDS, "paging": PAGING})


def test_paging_without_rows_still_announces_more_pages() -> None:
    """Paging without a row count still announces the pages that follow."""
    page = read({"data": ROWS, "fields": FIELDS, "paging": {"page": 1, "pagesFiltered": 3, "rowsFiltered": 5}})
    assert page.paging == Paging(page=1, pages=3, rows=2, total=5)


@pytest.mark.parametrize("number", [float("inf"), "many", None, [1], {}])
@pytest.mark.parametrize("member", ["rows", "page", "pagesFiltered", "rowsFiltered"])
def test_unreadable_paging_is_an_error(member: str, number: object) -> None:
    """Paging with a count that is not a number is an error, not a single page."""
    with pytest.raises(InvalidResponseError, match="paging"):
        read({"data": ROWS, "fields": FIELDS, "paging": {**PAGING, member: number}})


@pytest.mark.parametrize("paging", [None, {}, [], "none"])
def test_missing_paging_means_a_single_page(paging: object) -> None:
    """Services without pages return no paging, or an empty object."""
    assert read({"data": ROWS, "fields": FIELDS, "paging": paging}).paging is None


def test_error_status_has_the_message_of_mast() -> None:
    """The exception for an ERROR in a 200 has MAST's message."""
    with pytest.raises(ServerError, match=r"Incorrect syntax near '\*'") as caught:
        read({"status": "ERROR", "msg": "Incorrect syntax near '*'."})
    assert (caught.value.service, caught.value.status) == ("Mast.Caom.Cone", 200)


@pytest.mark.parametrize("message", [None, "", 3, ["x"]])
def test_error_status_without_a_message_is_an_error(message: object) -> None:
    """An ERROR with a missing or odd message is an error."""
    with pytest.raises(ServerError, match="reported an error"):
        read({"status": "ERROR", "msg": message})


def test_error_about_rights_is_a_login_error() -> None:
    """A message about missing access rights is a login error."""
    with pytest.raises(AccessDeniedError):
        read({"status": "ERROR", "msg": "User is not authorized for this data"})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (404, BadRequestError),
        (401, AccessDeniedError),
        (403, AccessDeniedError),
        (408, ServerError),
        (425, ServerError),
        (429, ServerError),
        (500, ServerError),
        (503, ServerError),
        (599, ServerError),
    ],
)
def test_http_status_determines_the_exception(status: int, kind: type[MastError]) -> None:
    """4xx means an invalid request, 401 and 403 missing access, others a server error; the message is in one line."""
    with pytest.raises(kind, match=rf"\(HTTP {status}\): no such\s\w+\.$") as caught:
        check_status(status, {"Retry-After": "7"}, b"no such\n  column", "missions")
    assert type(caught.value) is kind
    assert (caught.value.service, caught.value.status) == ("missions", status)
    assert caught.value.retry_after == (7.0 if kind is ServerError else None)


def test_html_of_a_proxy_is_not_quoted() -> None:
    """An HTML page is not quoted, and long text is shortened."""
    with pytest.raises(ServerError, match=r"\(HTTP 502\)\.$"):
        check_status(502, {"Content-Type": "text/HTML"}, b"<html>" * 1000, "s")
    with pytest.raises(ServerError) as caught:
        check_status(502, {}, b"\xff" * 10_000, "s")
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("status", [200, 204, 302, 399])
def test_status_below_400_raises_no_error(status: int) -> None:
    """A successful status raises no error."""
    check_status(status, {}, b"", "s")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 0.5 ", 0.5),
        ("-3", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("Wed, 01 May 2024 12:00:30 GMT", 30.0),
        ("Wed, 01 May 2024 12:00:30 -0000", 30.0),
        ("Wed, 01 May 2024 14:00:30 +0200", 30.0),
        ("Wed, 01 May 2024 11:00:00 GMT", 0.0),
        ("Mon, 99 Foo 99999 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_formats(text: str, seconds: float | None) -> None:
    """Seconds and dates are read, a time in the past means now, and an invalid one is None."""
    assert retry_after_seconds({"Retry-After": text}, NOW) == seconds


@given(text=st.text() | st.floats().map(str) | st.integers().map(str))
def test_retry_after_is_finite_and_not_negative(text: str) -> None:
    """Whatever the header, the pause is a finite number that is not negative, or None."""
    seconds = retry_after_seconds({"Retry-After": text}, NOW)
    assert seconds is None or 0 <= seconds < float("inf")


@given(ahead=st.integers(-(10**8), 10**8))
def test_retry_after_dates_count_from_now(ahead: int) -> None:
    """A date gives the seconds until then."""
    header = format_datetime(NOW + timedelta(seconds=ahead), usegmt=True)
    assert retry_after_seconds({"Retry-After": header}, NOW) == max(0, ahead)


def test_missing_retry_after_is_none() -> None:
    """Without the header, the result is None."""
    assert retry_after_seconds({}) is None


def test_extjs_rows_are_named_by_the_fields() -> None:
    """Arrays become rows with names, and if a name occurs twice, the first value is used."""
    fields = [{"name": "a", "type": "int"}, {"name": "b", "type": "string"}, {"name": "a", "type": "int"}]
    page = read(extjs(Fields=fields, Rows=[[1, "x", 9], [2, None, 8]]))
    assert page.fields == (("a", "int"), ("b", "string"))
    assert list(page.rows) == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


@pytest.mark.parametrize(
    "table",
    [
        {"Fields": FIELDS, "Rows": [[1]]},
        {"Fields": FIELDS, "Rows": [{"obsid": 1, "s_ra": 2}]},
        {"Fields": FIELDS, "Rows": ["ab"]},
        {"Fields": FIELDS, "Rows": None},
        {"Fields": FIELDS, "Rows": [], "ExtendedProperties": [1]},
        {"Fields": "ab", "Rows": []},
        {"Rows": []},
    ],
)
def test_unreadable_extjs_table_is_an_error(table: dict[str, Any]) -> None:
    """An extjs table with rows that do not match its columns is never read into wrong cells."""
    with pytest.raises(InvalidResponseError):
        read(extjs(**table))


def test_histograms_count_discrete_columns_only() -> None:
    """The values of discrete columns are counted; continuous columns, and those without properties, are omitted."""
    columns = [
        {"dataIndex": "project", "ExtendedProperties": {"histObj": {"hist": [{"key": "HST", "count": 3}], "HST": {}}}},
        {"dataIndex": "s_ra", "ExtendedProperties": {"histObj": {"hist": {"hist": [{"key": 0, "count": 1}]}}}},
        {"dataIndex": "obsid"},
    ]
    assert histograms(extjs(Columns=columns)) == {"project": {"HST": 3}}


def test_null_is_not_a_value() -> None:
    """MAST counts rows with missing values under a key that is not text."""
    counts = [{"key": None, "count": 5}, {"key": "HST", "count": 3}, {"key": "None", "count": 1}]
    columns = [{"dataIndex": "project", "ExtendedProperties": {"histObj": {"hist": counts}}}]
    assert histograms(extjs(Columns=columns)) == {"project": {"HST": 3, "None": 1}}


@pytest.mark.parametrize("document", [{}, {"data": [], "fields": []}, {"msg": "busy"}, {"status": None, "data": []}])
def test_a_response_without_any_content_is_not_an_empty_result(document: dict[str, Any]) -> None:
    """Without status, columns and rows, the response is not a valid empty result."""
    with pytest.raises(InvalidResponseError, match="neither a status nor columns nor rows"):
        read(document)


def test_an_unknown_name_is_an_empty_result() -> None:
    """The response for an unknown name has an empty status, and no list."""
    page = parse_page(200, {}, b'{"status": ""}', "Mast.Name.Lookup")
    assert list(page.rows) == []
