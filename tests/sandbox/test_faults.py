"""Faults: their effect on a client, and the requests that they affect."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from requests.exceptions import ChunkedEncodingError

from astroquery_mast.sandbox import Fault, Sandbox

Invoke = Callable[..., dict[str, Any]]


def whoami(box: Sandbox) -> requests.Response:
    """Send a request on a new connection, so that no broken one is reused."""
    return requests.get(f"{box.url}/whoami", timeout=30, headers={"Accept-Encoding": "identity"})


def test_status_with_retry_after(box: Sandbox) -> None:
    """A status fault returns its code, header, and body once."""
    box.faults.add("whoami", Fault.status(503, retry_after=2, body=b"busy"))
    answer = whoami(box)
    assert (answer.status_code, answer.headers["Retry-After"], answer.text) == (503, "2", "busy")
    assert whoami(box).status_code == 200
    assert [record.status for record in box.requests] == [503, 200]


def test_faults_apply_in_the_order_of_addition(box: Sandbox) -> None:
    """The first fault is used up before the next one applies."""
    box.faults.add("whoami", Fault.status(500), times=2)
    box.faults.add("whoami", Fault.status(429))
    assert [whoami(box).status_code for _ in range(4)] == [500, 500, 429, 200]


def test_fault_for_ever_ends_with_clear(box: Sandbox) -> None:
    """A fault without a limit applies until it is cleared."""
    box.faults.add("whoami", Fault.status(500), times=None)
    assert [whoami(box).status_code for _ in range(5)] == [500] * 5
    box.faults.clear()
    assert whoami(box).status_code == 200
    assert len(box.faults) == 0


def test_times_is_exact_under_concurrency(box: Sandbox) -> None:
    """Of forty concurrent requests, exactly ten are affected by a fault with ``times=10``."""
    box.faults.add("whoami", Fault.status(503), times=10)
    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda _: whoami(box).status_code, range(40)))
    assert codes.count(503) == 10


def test_where_selects_requests(box: Sandbox) -> None:
    """A fault with a condition affects only the matching request."""
    box.faults.add("whoami", Fault.status(500), where=lambda record: record.value("n") == "2")
    codes = [requests.get(f"{box.url}/whoami", params={"n": n}, timeout=30).status_code for n in range(4)]
    assert codes == [200, 200, 500, 200]


def test_faults_affect_one_endpoint(box: Sandbox) -> None:
    """A fault affects only its endpoint."""
    box.faults.add("download", Fault.status(500), times=None)
    assert whoami(box).status_code == 200
    assert requests.get(f"{box.url}/api/v0.1/Download/file", timeout=30).status_code == 500


@pytest.mark.parametrize(("endpoint", "times"), [("invoked", 1), ("invoke", 0), ("invoke", -1)])
def test_fault_that_could_never_apply_is_refused(box: Sandbox, endpoint: str, times: int) -> None:
    """A misspelled endpoint, or a number below one, raises an error."""
    with pytest.raises(ValueError, match=r"unknown endpoint|positive"):
        box.faults.add(endpoint, Fault.garbage(), times=times)


def test_delay_lets_the_next_fault_apply_as_well(box: Sandbox) -> None:
    """A general delay is combined with the failures added after it."""
    box.faults.add("whoami", Fault.delay(0.01), times=None)
    box.faults.add("whoami", Fault.status(503))
    began = time.monotonic()
    assert [whoami(box).status_code for _ in range(2)] == [503, 200]
    assert time.monotonic() - began >= 0.02


def test_delay_ends_when_faults_are_cleared(box: Sandbox) -> None:
    """Clearing the faults ends a delayed response."""
    box.faults.add("whoami", Fault.delay(60))
    with ThreadPoolExecutor() as pool:
        held = pool.submit(whoami, box)
        while not box.requests:
            assert not held.done()
        # The wait may begin just after the record is written; waking it again is harmless.
        while not held.done():
            box.faults.clear()
        assert held.result().status_code == 200


def test_joined_faults_all_apply(box: Sandbox) -> None:
    """Faults combined with + apply to the same response, and have a combined repr."""
    fault = Fault.delay(0.01) + Fault.status(500, body=b"0123456789") + Fault.no_length()
    assert repr(fault) == "<Fault: delay 0.01 s + status 500 + no_length>"
    box.faults.add("whoami", fault)
    answer = whoami(box)
    assert (answer.status_code, answer.content) == (500, b"0123456789")
    assert answer.headers["Transfer-Encoding"] == "chunked"


def test_executing_then_the_result(box: Sandbox, invoke: Invoke) -> None:
    """A query that returns EXECUTING twice is complete at the third poll."""
    box.faults.add("invoke", Fault.executing(), times=2)
    answers = [invoke("Mast.Missions.List") for _ in range(3)]
    assert [answer["status"] for answer in answers] == ["EXECUTING", "EXECUTING", "COMPLETE"]
    assert "data" not in answers[0]


def test_error_is_http_200(box: Sandbox, invoke: Invoke) -> None:
    """An error of a service has HTTP status 200 and ``status: ERROR``, as at MAST."""
    box.faults.add("invoke", Fault.error("Timeout expired."))
    assert invoke("Mast.Missions.List") == {"status": "ERROR", "msg": "Timeout expired."}


def test_garbage_is_html(box: Sandbox) -> None:
    """The garbage fault returns an HTML page with status 200."""
    box.faults.add("whoami", Fault.garbage())
    answer = whoami(box)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_truncated_json_is_complete_for_http(box: Sandbox) -> None:
    """Half a response is valid HTTP, but invalid JSON."""
    box.faults.add("whoami", Fault.truncate_json())
    answer = whoami(box)
    assert len(answer.content) == int(answer.headers["Content-Length"])
    assert 2 * len(answer.content) in (len(whoami(box).content), len(whoami(box).content) - 1)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_edit_changes_the_answer(box: Sandbox, invoke: Invoke) -> None:
    """The decoded response is changed by the given function."""
    box.faults.add("invoke", Fault.edit(lambda answer: answer | {"paging": {"rowsFiltered": 7}}))
    answer = invoke("Mast.Missions.List")
    assert answer["paging"] == {"rowsFiltered": 7}
    assert answer["data"]


def test_cut_sends_a_short_body_under_the_true_length(box: Sandbox) -> None:
    """The response announces the full length, sends the first bytes, and closes the connection."""
    whole = whoami(box).content
    box.faults.add("whoami", Fault.cut(10))
    link = http.client.HTTPConnection("127.0.0.1", int(box.url.rpartition(":")[2]), timeout=30)
    link.request("GET", "/whoami")
    answer = link.getresponse()
    assert int(answer.headers["Content-Length"]) == len(whole)
    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    assert caught.value.partial == whole[:10]
    link.close()
    assert box.requests[-1].sent == 10


def test_reset_is_a_connection_reset(box: Sandbox) -> None:
    """A reset raises ConnectionResetError before a status line is received."""
    box.faults.add("whoami", Fault.reset())
    link = http.client.HTTPConnection("127.0.0.1", int(box.url.rpartition(":")[2]), timeout=30)
    link.request("GET", "/whoami")
    with pytest.raises(ConnectionResetError) as caught:
        link.getresponse()
    assert not isinstance(caught.value, http.client.RemoteDisconnected)
    link.close()


def test_reset_in_the_middle_of_the_body(box: Sandbox) -> None:
    """A late reset sends the first bytes before it resets the connection."""
    whole = whoami(box).content
    box.faults.add("whoami", Fault.reset(after=20))
    link = http.client.HTTPConnection("127.0.0.1", int(box.url.rpartition(":")[2]), timeout=30)
    link.request("GET", "/whoami")
    answer = link.getresponse()
    assert answer.read(20) == whole[:20]
    with pytest.raises(ConnectionResetError):
        answer.read()
    link.close()


def test_canned_answer_is_sent_as_given(box: Sandbox) -> None:
    """A canned response has the given status, type, and headers."""
    box.faults.add("whoami", Fault.answer(b"<a/>", status=203, content_type="text/xml", headers={"X-From": "tape"}))
    answer = whoami(box)
    assert (answer.status_code, answer.content) == (203, b"<a/>")
    assert (answer.headers["Content-Type"], answer.headers["X-From"]) == ("text/xml", "tape")


@pytest.mark.parametrize(("framing", "header"), [("chunked", "Transfer-Encoding"), ("close", "Connection")])
def test_no_length_sends_the_complete_body(box: Sandbox, framing: Any, header: str) -> None:
    """Without a length the body ends with its last chunk or with the connection, and is complete."""
    whole = whoami(box).content
    box.faults.add("whoami", Fault.no_length(framing))
    answer = whoami(box)
    assert "Content-Length" not in answer.headers
    assert header in answer.headers
    assert answer.content == whole


def test_cut_chunks_have_no_end(box: Sandbox) -> None:
    """A chunked response that is cut has no final chunk."""
    box.faults.add("whoami", Fault.no_length() + Fault.cut(5))
    with pytest.raises(ChunkedEncodingError):
        whoami(box)


def test_wrong_length(box: Sandbox) -> None:
    """Too large a length makes the body incomplete; too small a length truncates it."""
    box.faults.add("whoami", Fault.lie_length(100_000))
    with pytest.raises(ChunkedEncodingError):
        whoami(box)
    box.faults.add("whoami", Fault.lie_length(5))
    assert len(whoami(box).content) == 5


def test_connection_after_a_fault_is_in_sync(box: Sandbox, web: requests.Session) -> None:
    """After any fault, later responses in the same session are correct."""
    for fault in (Fault.lie_length(5), Fault.no_length(), Fault.no_length("close"), Fault.status(500, body=b"x")):
        box.faults.add("whoami", fault)
        assert web.get(f"{box.url}/whoami", timeout=30).content
        assert web.get(f"{box.url}/whoami", timeout=30).json()["anon"] is True


def test_redirect_leads_elsewhere(box: Sandbox) -> None:
    """The client follows the redirect."""
    box.faults.add("whoami", Fault.redirect(f"{box.url}/"))
    answer = whoami(box)
    assert answer.url == f"{box.url}/"
    assert [step.status_code for step in answer.history] == [302]


def test_head_of_a_faulty_answer_has_no_body(box: Sandbox, web: requests.Session) -> None:
    """HEAD returns the headers of the fault, and the connection remains usable."""
    box.faults.add("whoami", Fault.lie_length(12))
    answer = web.head(f"{box.url}/whoami", timeout=30)
    assert (answer.headers["Content-Length"], answer.content) == ("12", b"")
    assert web.get(f"{box.url}/whoami", timeout=30).status_code == 200


def test_no_range_sends_the_whole_file(box: Sandbox, web: requests.Session) -> None:
    """A server without range support returns the complete file with status 200 and does not advertise ranges."""
    row = box.archive.query("SELECT dataURI, size FROM product WHERE dataRights = 'PUBLIC' AND size > 100 LIMIT 1")[0]
    box.faults.add("download", Fault.no_range())
    url, asked = f"{box.url}/api/v0.1/Download/file", {"Range": "bytes=10-19"}
    whole = web.get(url, params={"uri": str(row["dataURI"])}, headers=asked, timeout=30)
    assert (whole.status_code, len(whole.content)) == (200, row["size"])
    assert "Accept-Ranges" not in whole.headers
    assert web.get(url, params={"uri": str(row["dataURI"])}, headers=asked, timeout=30).status_code == 206
