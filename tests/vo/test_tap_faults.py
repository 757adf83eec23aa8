"""Failures of TAP queries, and the errors and messages that a user sees."""

from __future__ import annotations

import http.server
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from astroquery.exceptions import InvalidQueryError, RemoteServiceError, TimeoutError
from tap_catalogs import Serve, edit_text, of_jobs, queries, sources

from astroquery_mast import VO, conf
from astroquery_mast.exceptions import BadRequestError, MastError, ServerError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord

query: Any = VO.query_tap
ALL = "SELECT id, name, mag FROM dbo.sources ORDER BY id"


def at_once(record: RequestRecord) -> bool:
    """Select the synchronous requests."""
    return record.path.endswith("/sync")


def created(record: RequestRecord) -> bool:
    """Select the requests that create a job."""
    return record.method == "POST" and record.path.endswith("/async")


def watched(record: RequestRecord) -> bool:
    """Select the requests for the status of a job."""
    return record.method == "GET" and "/async/" in record.path and "/results" not in record.path


def result(record: RequestRecord) -> bool:
    """Select the requests for the result of a job."""
    return "/results" in record.path


# -- failures that are recovered -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.gateway_timeout(), Fault.status(504), Fault.status(524), Fault.delay(2)])
def test_a_slow_query_is_sent_again_as_a_job(
    mast_sandbox: Sandbox, serve: Serve, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """After a timeout of the gateway or no response, the query runs as a job, and a message says so."""
    catalog = serve(sources(20))
    VO.list_tables(catalog)
    before = len(queries(mast_sandbox))
    mast_sandbox.faults.add("vo_tap", fault, where=at_once)
    with conf.set_temp("read_timeout", 0.3), caplog.at_level(logging.INFO):
        table = query(ALL, catalog=catalog)
    assert (len(table), table.meta["mode"]) == (20, "async")
    assert [record.path.rpartition("/")[2] for record in queries(mast_sandbox)[before:]] == ["sync", "async"]
    assert f"TAP service {catalog} did not respond in time" in caplog.text


@pytest.mark.parametrize("where", [at_once, created, watched, result])
@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(503),
        Fault.status(429, retry_after=1),
        Fault.status(500),
        Fault.garbage(),
        Fault.reset(),
        Fault.cut(100),
        Fault.cut(20) + Fault.no_length(),
    ],
    ids=repr,
)
def test_a_transient_failure_is_retried(mast_sandbox: Sandbox, serve: Serve, where: Any, fault: Fault) -> None:
    """The request is sent again, whichever it is, and a job is not lost."""
    catalog = serve(sources(20))
    VO.list_tables(catalog)
    struck: list[RequestRecord] = []

    def strikes(record: RequestRecord) -> bool:
        struck.extend([record] * where(record))
        return bool(where(record))

    mast_sandbox.faults.add("vo_tap", fault, times=1, where=strikes)
    assert len(query(ALL, catalog=catalog, run_async=where is not at_once)) == 20
    assert struck


@pytest.mark.parametrize("times", [1, 5, 30])
def test_a_job_is_monitored_during_an_outage(mast_sandbox: Sandbox, serve: Serve, times: int) -> None:
    """The status is requested until the timeout, however often it cannot be read."""
    job = query(ALL, catalog=serve(sources(20)), job=True)
    mast_sandbox.faults.add("vo_tap", Fault.status(503), times=times, where=watched)
    assert len(job.result()) == 20
    assert len([record for record in of_jobs(mast_sandbox) if watched(record)]) > times


def test_a_requested_pause_applies_to_all_services(
    mast_sandbox: Sandbox, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause has the length that the server requests, and applies to its other services as well."""
    from astroquery_mast.service import retrying

    waited: list[float] = []
    monkeypatch.setattr(retrying, "pause", lambda seconds, _stopped: waited.append(seconds))
    mast_sandbox.faults.add("vo_tap", Fault.status(429, retry_after=7), times=1, where=at_once)
    assert len(query(ALL, catalog=serve(sources(20)), run_async=False)) == 20
    assert max(waited) == pytest.approx(7, abs=0.5)


# -- failures that are raised --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (Fault.gateway_timeout(), ServerError, r"HTTP 504\)\. Tried once .* run_async=True"),
        (Fault.status(503), ServerError, r"HTTP 503\)\. Tried 4 times"),
        (Fault.garbage(), ServerError, r"a web page instead of data \(Service\)\. Tried 4 times"),
        (Fault.status(200, body=b"<html><h1>hello</h1></html>"), ServerError, "a web page instead of data"),
        (Fault.status(200, body=b"{}"), RemoteServiceError, "invalid response"),
        (Fault.status(200, body=b""), RemoteServiceError, "invalid response"),
        (
            edit_text(lambda text: text[:-300]),
            RemoteServiceError,
            "was truncated after",
        ),
        (edit_text(lambda text: text.replace("</TABLEDATA>", "")), RemoteServiceError, "invalid response"),
        (Fault.cut(300), RemoteServiceError, "Tried 4 times"),
        (
            Fault.status(422, body=b'{"detail":[{"loc":["body","LANG"],"msg":"Field required"}]}'),
            BadRequestError,
            "LANG",
        ),
        (Fault.status(404), InvalidQueryError, "404"),
    ],
    ids=repr,
)
def test_a_persistent_failure_raises_an_error_of_the_package(
    mast_sandbox: Sandbox, serve: Serve, fault: Fault, kind: type[Exception], message: str
) -> None:
    """The error says what the service did, and is not an exception of pyvo or Python."""
    catalog = serve(sources(20))
    VO.list_tables(catalog)
    mast_sandbox.faults.add("vo_tap", fault, times=None)
    with pytest.raises(kind, match=message) as caught:
        query(ALL, catalog=catalog, run_async=False)
    assert isinstance(caught.value, MastError)
    assert catalog in str(caught.value)


@pytest.mark.parametrize(
    ("phase", "kind", "message"),
    [
        ("ERROR Something broke", BadRequestError, "could not run the query: Something broke"),
        ("ABORTED", ServerError, "is ABORTED"),
    ],
)
def test_a_failed_job_raises_the_reason(
    mast_sandbox: Sandbox, serve: Serve, phase: str, kind: type[Exception], message: str
) -> None:
    """The message is that of the server."""
    mast_sandbox.faults.add("vo_tap", Fault.job(*phase.split(" ", 1)), where=created)
    with pytest.raises(kind, match=message):
        query(ALL, catalog=serve(sources(20)), run_async=True)


def test_a_transient_failure_of_a_job_is_not_an_error_of_the_query(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The server distinguishes between the two."""
    mast_sandbox.faults.add("vo_tap", Fault.job("ERROR", "Busy"), where=created)
    passing = edit_text(lambda text: text.replace('type="fatal"', 'type="transient"'))
    mast_sandbox.faults.add("vo_tap", passing, times=None, where=watched)
    with pytest.raises(ServerError, match="Busy"):
        query(ALL, catalog=serve(sources(20)), run_async=True)


def test_a_job_that_does_not_finish_continues(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The call ends in time, the error has the URL of the job, and the job is not removed."""
    mast_sandbox.faults.add("vo_tap", Fault.job("EXECUTING"), where=created)
    with pytest.raises(TimeoutError, match=r"status: EXECUTING.*VO\.get_job\('http"):
        query(ALL, catalog=serve(sources(20)), run_async=True, timeout=1)
    assert not [record for record in of_jobs(mast_sandbox) if record.method == "DELETE"]


def test_a_job_whose_status_cannot_be_read_is_not_lost(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The timeout error has the URL of the job."""
    job = query(ALL, catalog=serve(sources(20)), job=True)
    mast_sandbox.faults.add("vo_tap", Fault.status(503), times=None, where=watched)
    with pytest.raises(TimeoutError, match=r"status: UNKNOWN.*VO\.get_job\('http"):
        job.result(timeout=0.3)


def test_a_silent_service_does_not_exceed_the_timeout(mast_sandbox: Sandbox, serve: Serve) -> None:
    """Half of the time is used for the synchronous request, and half for the job."""
    catalog = serve(sources(20))
    VO.list_tables(catalog)
    mast_sandbox.faults.add("vo_tap", Fault.delay(30), times=None)
    with pytest.raises(TimeoutError, match=r"0\.6 s"):
        query(ALL, catalog=catalog, timeout=0.6)
    assert [at_once(record) for record in queries(mast_sandbox)][-2:] == [True, False]


def test_an_unreachable_server_raises(mast_sandbox: Sandbox) -> None:
    """No job is submitted if there is no connection."""
    with pytest.raises(RemoteServiceError, match="could not be reached"):
        query(ALL, service="http://127.0.0.1:9/tap")


def started(record: RequestRecord) -> bool:
    """Select the requests that start a job."""
    return record.method == "POST" and record.path.endswith("/phase")


def test_a_job_that_is_already_running_is_not_an_error(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The server may refuse a repeated request to start a job that is running."""
    refused = Fault("refused", bends=(lambda reply: replace(reply, status=400, headers=()),))
    mast_sandbox.faults.add("vo_tap", refused, where=started)
    assert len(query(ALL, catalog=serve(sources(20)), run_async=True)) == 20


def test_a_job_that_does_not_start_raises(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The call does not wait for the job."""
    mast_sandbox.faults.add("vo_tap", Fault.status(400, body=b"not today"), where=started)
    with pytest.raises(InvalidQueryError, match="not today"):
        query(ALL, catalog=serve(sources(20)), run_async=True)


# -- large responses -----------------------------------------------------------------------------------------------

HEAD = (
    b'<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
    b'<RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/><TABLE><FIELD name="id" datatype="long"/>'
    b"<DATA><TABLEDATA>"
)
TAIL = b"</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
ROWS, BLOCK = 1_000_000, 10_000


class Huge(http.server.BaseHTTPRequestHandler):
    """Sends a million rows of 150 bytes each."""

    def do_POST(self) -> None:
        """Respond to any query."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(HEAD)
        for start in range(0, ROWS, BLOCK):
            self.wfile.write(b"".join(b"<TR><TD>%130d</TD></TR>" % k for k in range(start, start + BLOCK)))
        self.wfile.write(TAIL)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def huge() -> Iterator[str]:
    """Serve it."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Huge)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/tap"
    server.shutdown()
    server.server_close()
    thread.join()


# The peak of this process; that of `resource` includes the process that started it.
_MEASURED = """
import re, sys
from pathlib import Path
from astroquery_mast import VO

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

before = peak()
table = VO.query_tap("SELECT id FROM x", service=sys.argv[1], maxrec=2_000_000, run_async=False)
print(len(table), table["id"][-1], peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="/proc/self/status is required to measure memory")
def test_a_large_response_is_not_kept_in_memory_as_text(huge: str) -> None:
    """A million rows are read, and memory grows by much less than the 150 MB of the response."""
    ran = subprocess.run([sys.executable, "-c", _MEASURED, huge], check=True, capture_output=True, text=True)
    rows, last, grown = map(int, ran.stdout.split())
    assert (rows, last) == (ROWS, ROWS - 1)
    assert 8_000_000 < grown < 100_000_000


def test_a_response_beyond_the_size_limit_raises(huge: str) -> None:
    """The error names the setting to raise, and the request is not repeated."""
    with conf.set_temp("max_response_size", 1_000_000), pytest.raises(RemoteServiceError, match="max_response_size"):
        query("SELECT id FROM x", service=huge, run_async=False)
