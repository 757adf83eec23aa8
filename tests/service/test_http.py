"""Sending, polling and paging, when MAST is slow, busy, broken or wrong."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import responses
from astroquery import exceptions as astroquery_exceptions
from astroquery import log

from astroquery_mast import Mast, MastClass, Observations, conf
from astroquery_mast.exceptions import IncompleteResultError, InvalidResponseError, QueryTimeoutError, ServerError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord
from astroquery_mast.service.retrying import Deadline

CRITERIA: dict[str, Any] = {"obs_collection": "GALEX"}


def many_pages(sandbox: Sandbox, **keywords: Any) -> Any:
    """Query a result that takes several pages."""
    return Observations.query_criteria(**CRITERIA, pagesize=50, **keywords)


def test_all_pages_are_returned_in_order(mast_sandbox: Sandbox) -> None:
    """A result in several pages is the same table as a result in one page."""
    whole = Observations.query_criteria(**CRITERIA)
    paged = many_pages(mast_sandbox)
    assert len(mast_sandbox.requests.of("invoke")) > 4
    assert list(paged["obsid"]) == list(whole["obsid"])
    assert paged.dtype.names == whole.dtype.names


def test_pages_of_a_call_share_a_cache_breaker(mast_sandbox: Sandbox) -> None:
    """All pages of a call have the same cache breaker, and another call has another one."""
    many_pages(mast_sandbox)
    first = {record.mashup["cacheBreaker"] for record in mast_sandbox.requests.of("invoke")}
    mast_sandbox.requests.clear()
    many_pages(mast_sandbox)
    second = {record.mashup["cacheBreaker"] for record in mast_sandbox.requests.of("invoke")}
    assert len(first) == len(second) == 1
    assert first != second


def test_later_pages_are_fetched_concurrently_within_the_limit(mast_sandbox: Sandbox) -> None:
    """Pages after the first are requested concurrently, but never more than conf.max_workers."""
    mast_sandbox.faults.add("invoke", Fault.delay(0.05), times=None)
    with conf.set_temp("max_workers", 3):
        many_pages(mast_sandbox)
    assert 2 <= mast_sandbox.requests.most_at_once("invoke") <= 3


def test_a_single_page_can_be_requested(mast_sandbox: Sandbox) -> None:
    """page=2 returns that page, with one request."""
    whole = Observations.query_criteria(**CRITERIA)
    mast_sandbox.requests.clear()
    page = many_pages(mast_sandbox, page=2)
    assert list(page["obsid"]) == list(whole["obsid"][50:100])
    assert len(mast_sandbox.requests.of("invoke")) == 1


def test_missing_rows_are_an_error(mast_sandbox: Sandbox) -> None:
    """Fewer rows than rowsFiltered raise an error, even if each page is consistent."""

    def lose_a_row(answer: dict[str, Any]) -> dict[str, Any]:
        answer["data"].pop()
        answer["paging"]["rows"] -= 1
        return answer

    mast_sandbox.faults.add("invoke", Fault.edit(lose_a_row), where=lambda record: record.mashup["page"] == 3)
    with pytest.raises(IncompleteResultError, match=r"announced and .* received"):
        many_pages(mast_sandbox)


def test_the_same_page_twice_is_an_error(mast_sandbox: Sandbox) -> None:
    """A page with another number than the requested one is an error."""

    def first_again(answer: dict[str, Any]) -> dict[str, Any]:
        answer["paging"]["page"] = 1
        return answer

    mast_sandbox.faults.add("invoke", Fault.edit(first_again), where=lambda record: record.mashup["page"] == 2)
    with pytest.raises(IncompleteResultError, match="requested page 2, got page 1"):
        many_pages(mast_sandbox)


def test_a_result_that_changes_between_pages_is_an_error(mast_sandbox: Sandbox) -> None:
    """Pages with different total numbers of rows belong to different results."""

    def one_more(answer: dict[str, Any]) -> dict[str, Any]:
        answer["paging"]["rowsFiltered"] += 1
        return answer

    mast_sandbox.faults.add("invoke", Fault.edit(one_more), where=lambda record: record.mashup["page"] == 2)
    with pytest.raises(IncompleteResultError, match="changed"):
        many_pages(mast_sandbox)


def test_executing_is_polled_with_the_identical_request(mast_sandbox: Sandbox) -> None:
    """While MAST is working, the identical request is sent again, including the cache breaker."""

    def is_ours(record: RequestRecord) -> bool:
        """Return whether a request belongs to this query, and not to an unfinished one of an earlier test."""
        return b"GALEX" in record.body

    mast_sandbox.faults.add("invoke", Fault.executing(), times=4, where=is_ours)
    assert len(Observations.query_criteria(**CRITERIA)) > 0
    bodies = [record.body for record in mast_sandbox.requests.of("invoke") if is_ours(record)]
    assert len(bodies) == 5
    assert len(set(bodies)) == 1


def test_polling_backs_off(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pause between polls is longer than the previous one, up to a limit."""
    from astroquery_mast.service import retrying as failures

    pauses: list[float] = []
    monkeypatch.setattr(failures, "pause", lambda seconds, _stopped: pauses.append(seconds))
    mast_sandbox.faults.add("invoke", Fault.executing(), times=14)
    Observations.query_criteria(**CRITERIA)
    assert len(pauses) == 14
    assert pauses[0] >= 0.1
    assert pauses[8] > 2 * pauses[4] > 2 * pauses[0]
    assert max(pauses) <= 10.1


def test_a_late_complete_response_is_returned(mast_sandbox: Sandbox) -> None:
    """A response that arrives shortly before the deadline is returned."""
    mast_sandbox.faults.add("invoke", Fault.executing(), times=1)
    assert len(Observations.query_criteria(**CRITERIA, timeout=5)) > 0


def test_a_query_that_never_ends_reaches_the_deadline(mast_sandbox: Sandbox) -> None:
    """Permanent EXECUTING raises astroquery's TimeoutError, with the service, the time, and advice."""
    mast_sandbox.faults.add("invoke", Fault.executing(), times=None)
    with pytest.raises(
        astroquery_exceptions.TimeoutError, match=r"^Timeout limit of 0.3 s exceeded by Mast.Caom.Filtered: .*timeout="
    ):
        Observations.query_criteria(**CRITERIA, timeout=0.3)


def test_a_silent_server_reaches_the_deadline(mast_sandbox: Sandbox) -> None:
    """A stalled connection ends at the deadline."""
    mast_sandbox.faults.add("invoke", Fault.delay(30), times=None)
    with pytest.raises(QueryTimeoutError) as caught:
        Observations.query_criteria(**CRITERIA, timeout=0.3)
    assert caught.value.elapsed < 5
    assert caught.value.service == "Mast.Caom.Filtered"


def test_a_silent_connection_is_retried_before_the_deadline(mast_sandbox: Sandbox) -> None:
    """conf.read_timeout ends a silent connection, and the next attempt may succeed."""
    mast_sandbox.faults.add("invoke", Fault.delay(30), times=1)
    with conf.set_temp("read_timeout", 0.3):
        assert len(Observations.query_criteria(**CRITERIA)) > 0


def test_timeout_is_read_when_the_call_is_made(mast_sandbox: Sandbox) -> None:
    """conf.timeout set after import applies to existing clients."""
    mast_sandbox.faults.add("invoke", Fault.executing(), times=None)
    with conf.set_temp("timeout", 0.2), pytest.raises(QueryTimeoutError, match=r"0\.2 s"):
        Observations.query_criteria(**CRITERIA)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(503),
        Fault.status(502),
        Fault.status(504),
        Fault.status(500),
        Fault.status(429, retry_after=2),
        Fault.reset(),
        Fault.reset(after=200),
        Fault.cut(100),
        Fault.garbage(),
        Fault.truncate_json(),
    ],
    ids=repr,
)
def test_a_transient_failure_is_retried(mast_sandbox: Sandbox, fault: Fault) -> None:
    """Transient overload, broken connections and garbage lead to a retry, and the query succeeds."""
    mast_sandbox.faults.add("invoke", fault, times=2)
    assert len(Observations.query_criteria(**CRITERIA)) > 0
    assert len(mast_sandbox.requests.of("invoke")) == 3


def test_retry_after_is_respected(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause is as long as the server requests."""
    from astroquery_mast.service import retrying as failures

    pauses: list[float] = []
    monkeypatch.setattr(failures, "pause", lambda seconds, _stopped: pauses.append(seconds))
    mast_sandbox.faults.add("invoke", Fault.status(503, retry_after=7))
    Observations.query_criteria(**CRITERIA)
    assert pauses[0] == 7
    assert all(6 < pause <= 7 for pause in pauses)  # no other request is sent before, either


def test_retry_after_beyond_the_deadline_is_not_waited_for(mast_sandbox: Sandbox) -> None:
    """If the server requests a pause beyond the deadline, the call ends at once, and the error says how long it is."""
    mast_sandbox.faults.add("invoke", Fault.status(503, retry_after=3600), times=None)
    with pytest.raises(ServerError) as caught:
        Observations.query_criteria(**CRITERIA, timeout=10)
    assert caught.value.retry_after == 3600
    assert len(mast_sandbox.requests.of("invoke")) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.status(503, body=b"The archive is down for maintenance."), ServerError),
        (Fault.reset(), ServerError),
        (Fault.garbage(), InvalidResponseError),
    ],
    ids=repr,
)
def test_a_permanent_failure_is_a_remote_service_error(mast_sandbox: Sandbox, fault: Fault, error: type) -> None:
    """After all attempts, the RemoteServiceError has the service, their number, the time, and advice."""
    mast_sandbox.faults.add("invoke", fault, times=None)
    with pytest.raises(error, match=r"Mast\.Caom\.Filtered.*Tried 4 times in \d+\.\d s\. Try again later") as caught:
        Observations.query_criteria(**CRITERIA)
    assert isinstance(caught.value, astroquery_exceptions.RemoteServiceError)
    # After a broken connection, the rows are counted once, because there may be too many for one response.
    tries = [record for record in mast_sandbox.requests.of("invoke") if record.mashup["params"]["columns"] == "*"]
    assert len(tries) == conf.max_attempts


def test_a_refusal_is_an_invalid_query_with_the_servers_message(mast_sandbox: Sandbox) -> None:
    """4xx is not retried, and the error has the server's message."""
    mast_sandbox.faults.add("invoke", Fault.status(400, body=b"Radius is too large."), times=None)
    with pytest.raises(astroquery_exceptions.InvalidQueryError, match="Radius is too large"):
        Observations.query_criteria(**CRITERIA)
    assert len(mast_sandbox.requests.of("invoke")) == 1


def test_an_error_status_has_the_servers_message(mast_sandbox: Sandbox) -> None:
    """HTTP 200 with the status ERROR is a RemoteServiceError, without retries."""
    with pytest.raises(ServerError, match=r"Mast\.No\.Such\.Service"):
        Mast.service_request("Mast.No.Such.Service", {})
    assert len(mast_sandbox.requests.of("invoke")) == 1


def test_an_error_status_about_rights_is_a_login_error(mast_sandbox: Sandbox) -> None:
    """A missing authorization is a login error."""
    mast_sandbox.faults.add("invoke", Fault.error("User must be logged in to access this service."))
    with pytest.raises(astroquery_exceptions.LoginError, match="must be logged in"):
        Observations.query_criteria(**CRITERIA)


@pytest.mark.parametrize(
    "edit",
    [
        lambda answer: {key: value for key, value in answer.items() if key != "fields"},
        lambda answer: {key: value for key, value in answer.items() if key != "status"},
        lambda answer: {key: value for key, value in answer.items() if key != "paging"},
        lambda answer: {"status": "COMPLETE"},
        lambda answer: {**answer, "data": "none"},
        lambda answer: {**answer, "fields": [1, 2]},
        lambda answer: {**answer, "paging": {"rows": "many"}},
        lambda answer: {**answer, "data": [[1, 2]]},
    ],
)
def test_a_malformed_response_raises_no_internal_exception(mast_sandbox: Sandbox, edit: Any) -> None:
    """Missing parts lead to a table or a RemoteServiceError, never to KeyError, TypeError or AttributeError."""
    mast_sandbox.faults.add("invoke", Fault.edit(edit), times=None)
    try:
        table = Observations.query_criteria(**CRITERIA)
    except astroquery_exceptions.RemoteServiceError:
        return
    assert "obs_id" in table.colnames


def test_queries_work_without_the_metadata_service(mast_sandbox: Sandbox) -> None:
    """The query works when columnsconfig returns 503, with and without a snapshot (B38)."""
    mast_sandbox.faults.add("columnsconfig", Fault.status(503), times=None)
    assert len(MastClass().service_request("Mast.Missions.List", {})) > 5
    table = Observations.query_criteria(**CRITERIA)
    assert table["t_exptime"].unit == "s"
    assert "obs_id" in Observations.get_metadata("observations")["Column Name"]


def test_an_ordinary_query_requests_no_metadata(mast_sandbox: Sandbox) -> None:
    """The columns in the package are not requested again."""
    MastClass()  # a new client has not read any columns
    Observations.query_criteria(**CRITERIA)
    assert [record.endpoint for record in mast_sandbox.requests] == ["invoke"]


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_no_body_is_decoded_for_a_message(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    """Logging never decodes a body of many megabytes, at any level (B32)."""
    decoded = property(lambda _response: pytest.fail("a body was decoded for the log"))
    monkeypatch.setattr(requests.Response, "text", decoded)
    monkeypatch.setattr(log, "level", logging.getLevelName(level))
    assert len(Observations.query_criteria(**CRITERIA)) > 0


def test_server_set_after_import_is_used(mast_sandbox: Sandbox) -> None:
    """conf.server is read for each request, and one client may have another server (B7)."""
    with Sandbox() as other:
        Observations.query_criteria(**CRITERIA)
        assert len(other.requests.of("invoke")) == 1
        pinned = MastClass(server=mast_sandbox.url)
        pinned.service_request("Mast.Missions.List", {})
        assert len(mast_sandbox.requests.of("invoke")) == 1


def test_pagesize_and_default_pages_come_from_the_configuration(mast_sandbox: Sandbox) -> None:
    """conf.pagesize applies to the next call."""
    with conf.set_temp("pagesize", 100):
        Observations.query_criteria(**CRITERIA)
    assert {record.mashup["pagesize"] for record in mast_sandbox.requests.of("invoke")} == {100}


def test_an_unknown_host_is_a_remote_service_error() -> None:
    """Without a connection, the error after the retries has the address."""
    with responses.RequestsMock() as mock:
        mock.post("https://mast.stsci.edu/api/v0/invoke", body=requests.ConnectionError("no route to host"))
        with pytest.raises(ServerError, match=r"could not be reached.*no route to host"):
            Observations.query_criteria(**CRITERIA)
        assert len(mock.calls) == conf.max_attempts


def test_an_invalid_address_is_not_retried() -> None:
    """Permanent errors are not retried."""
    with responses.RequestsMock() as mock, pytest.raises(ServerError):
        MastClass(server="nonsense").service_request("Mast.Missions.List", {})
    assert len(mock.calls) <= 1


def test_invalid_pages_raise_before_sending() -> None:
    """Page numbers start at one."""
    for keywords in ({"page": 0}, {"page": 1.5}, {"pagesize": -1}, {"pagesize": True}):
        with pytest.raises(astroquery_exceptions.InvalidQueryError, match=r"page(size)? must be"):
            Observations.query_criteria(**CRITERIA, **keywords)
    for timeout in (0, -1, float("nan")):
        with pytest.raises(astroquery_exceptions.InvalidQueryError, match="timeout"):
            Observations.query_criteria(**CRITERIA, timeout=timeout)


def test_sixteen_threads_get_the_same_tables_as_one(mast_sandbox: Sandbox) -> None:
    """Concurrent mixed queries of one client return the same tables as sequential ones (B39)."""
    questions: list[Any] = [
        lambda: Observations.query_criteria(obs_collection="JWST", instrument_name="MIRI*"),
        lambda: Observations.query_criteria(obs_collection="GALEX", pagesize=40),
        lambda: Observations.query_region("202.47 47.2", radius=0.05),
        lambda: Observations.query_object("M101", radius="0.1 deg"),
        lambda: Observations.query_criteria(proposal_id="10452"),
        lambda: Mast.service_request("Mast.Missions.List", {}),
        lambda: Observations.get_product_list(["24000000", "24000028"]),
        lambda: Observations.query_criteria(obs_collection="TESS", sequence_number=[1, 2]),
    ] * 4
    expected = [question() for question in questions]
    with ThreadPoolExecutor(16) as pool:
        tables = list(pool.map(lambda question: question(), questions))
    for table, alone in zip(tables, expected, strict=True):
        assert table.colnames == alone.colnames
        for name in alone.colnames:
            assert table[name].dtype == alone[name].dtype
            assert (table[name].mask == alone[name].mask).all()
            assert table[name].filled().tolist() == alone[name].filled().tolist() or table[name].dtype.kind == "f"


def test_deadline_counts_down() -> None:
    """The remaining and the elapsed time add up to the given time."""
    deadline = Deadline.start(100)
    assert 99 < deadline.remaining() <= 100
    assert deadline.remaining() + deadline.elapsed() == pytest.approx(100, abs=1e-3)


def test_a_byte_that_is_not_text_leads_to_a_retry(mast_sandbox: Sandbox) -> None:
    """One broken byte leads to a second request, and the query succeeds."""
    whole = Observations.query_criteria(**CRITERIA)
    good = Mast.service_request_async("Mast.Missions.List", {})[0].content
    mast_sandbox.faults.add("invoke", Fault.answer(good.replace(b"HST", b"H\xffT", 1), content_type="text/plain"))
    assert len(Observations.query_criteria(**CRITERIA)) == len(whole)
