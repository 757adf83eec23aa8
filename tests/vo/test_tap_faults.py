"""What goes wrong with queries by TAP, and what the user sees of it: a row of a table each."""

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
    """Tell whether a request wants an answer at once."""
    return record.path.endswith("/sync")


def created(record: RequestRecord) -> bool:
    """Tell whether a request makes a job."""
    return record.method == "POST" and record.path.endswith("/async")


def watched(record: RequestRecord) -> bool:
    """Tell whether a request asks for the state of a job."""
    return record.method == "GET" and "/async/" in record.path and "/results" not in record.path


def result(record: RequestRecord) -> bool:
    """Tell whether a request fetches the result of a job."""
    return "/results" in record.path


# -- what the user does not notice, but for a message ---------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.gateway_timeout(), Fault.status(504), Fault.status(524), Fault.delay(2)])
def test_a_query_that_takes_too_long_is_sent_again_as_a_job(
    mast_sandbox: Sandbox, serve: Serve, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """The gateway gives up, or nothing comes: once, then the server works on it, and a message says so."""
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
def test_a_failure_of_a_moment_is_not_noticed(mast_sandbox: Sandbox, serve: Serve, where: Any, fault: Fault) -> None:
    """Wherever it strikes, the request is sent again; a job is not lost by it."""
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
def test_a_job_is_watched_through_an_outage(mast_sandbox: Sandbox, serve: Serve, times: int) -> None:
    """However often its state cannot be read, it is watched until the time is over."""
    job = query(ALL, catalog=serve(sources(20)), job=True)
    mast_sandbox.faults.add("vo_tap", Fault.status(503), times=times, where=watched)
    assert len(job.result()) == 20
    assert len([record for record in of_jobs(mast_sandbox) if watched(record)]) > times


def test_a_server_that_asks_for_a_pause_gets_one_from_all(
    mast_sandbox: Sandbox, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause is what the server asks for, and counts for its other services as well."""
    from astroquery_mast.service import retrying

    waited: list[float] = []
    monkeypatch.setattr(retrying, "pause", lambda seconds, _stopped: waited.append(seconds))
    mast_sandbox.faults.add("vo_tap", Fault.status(429, retry_after=7), times=1, where=at_once)
    assert len(query(ALL, catalog=serve(sources(20)), run_async=False)) == 20
    assert max(waited) == pytest.approx(7, abs=0.5)


# -- what is an error ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
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
def test_what_does_not_pass_is_an_error_of_the_package(
    mast_sandbox: Sandbox, serve: Serve, fault: Fault, kind: type[Exception], said: str
) -> None:
    """It says what the service did, and never is one of pyvo's or Python's."""
    catalog = serve(sources(20))
    VO.list_tables(catalog)
    mast_sandbox.faults.add("vo_tap", fault, times=None)
    with pytest.raises(kind, match=said) as caught:
        query(ALL, catalog=catalog, run_async=False)
    assert isinstance(caught.value, MastError)
    assert catalog in str(caught.value)


@pytest.mark.parametrize(
    ("phase", "kind", "said"),
    [
        ("ERROR Something broke", BadRequestError, "could not run the query: Something broke"),
        ("ABORTED", ServerError, "is ABORTED"),
    ],
)
def test_a_job_that_fails_says_why(
    mast_sandbox: Sandbox, serve: Serve, phase: str, kind: type[Exception], said: str
) -> None:
    """The words are those of the server."""
    mast_sandbox.faults.add("vo_tap", Fault.job(*phase.split(" ", 1)), where=created)
    with pytest.raises(kind, match=said):
        query(ALL, catalog=serve(sources(20)), run_async=True)


def test_a_job_that_fails_for_the_moment_is_no_fault_of_the_query(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The server tells the two apart."""
    mast_sandbox.faults.add("vo_tap", Fault.job("ERROR", "Busy"), where=created)
    passing = edit_text(lambda text: text.replace('type="fatal"', 'type="transient"'))
    mast_sandbox.faults.add("vo_tap", passing, times=None, where=watched)
    with pytest.raises(ServerError, match="Busy"):
        query(ALL, catalog=serve(sources(20)), run_async=True)


def test_a_job_that_never_ends_is_left_to_itself(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The call ends in time, and its error has the address of the job, which is not removed."""
    mast_sandbox.faults.add("vo_tap", Fault.job("EXECUTING"), where=created)
    with pytest.raises(TimeoutError, match=r"status: EXECUTING.*VO\.get_job\('http"):
        query(ALL, catalog=serve(sources(20)), run_async=True, timeout=1)
    assert not [record for record in of_jobs(mast_sandbox) if record.method == "DELETE"]


def test_a_job_that_cannot_be_watched_for_good_is_not_lost(mast_sandbox: Sandbox, serve: Serve) -> None:
    """When the time is over the error has its address."""
    job = query(ALL, catalog=serve(sources(20)), job=True)
    mast_sandbox.faults.add("vo_tap", Fault.status(503), times=None, where=watched)
    with pytest.raises(TimeoutError, match=r"status: UNKNOWN.*VO\.get_job\('http"):
        job.result(timeout=0.3)


def test_a_service_that_is_silent_is_not_waited_for_longer_than_the_timeout(
    mast_sandbox: Sandbox, serve: Serve
) -> None:
    """Half of the time is for the answer at once, half for the job."""
    catalog = serve(sources(20))
    VO.list_tables(catalog)
    mast_sandbox.faults.add("vo_tap", Fault.delay(30), times=None)
    with pytest.raises(TimeoutError, match=r"0\.6 s"):
        query(ALL, catalog=catalog, timeout=0.6)
    assert [at_once(record) for record in queries(mast_sandbox)][-2:] == [True, False]


def test_a_server_that_cannot_be_reached_is_told(mast_sandbox: Sandbox) -> None:
    """No job is tried where there is no connection."""
    with pytest.raises(RemoteServiceError, match="could not be reached"):
        query(ALL, service="http://127.0.0.1:9/tap")


def started(record: RequestRecord) -> bool:
    """Tell whether a request starts a job."""
    return record.method == "POST" and record.path.endswith("/phase")


def test_a_job_that_runs_already_is_not_refused_for_that(mast_sandbox: Sandbox, serve: Serve) -> None:
    """A request to run it, whose first answer was lost, may be refused: the job runs."""
    refused = Fault("refused", bends=(lambda reply: replace(reply, status=400, headers=()),))
    mast_sandbox.faults.add("vo_tap", refused, where=started)
    assert len(query(ALL, catalog=serve(sources(20)), run_async=True)) == 20


def test_a_job_that_the_server_does_not_start_is_an_error(mast_sandbox: Sandbox, serve: Serve) -> None:
    """Nobody waits for it."""
    mast_sandbox.faults.add("vo_tap", Fault.status(400, body=b"not today"), where=started)
    with pytest.raises(InvalidQueryError, match="not today"):
        query(ALL, catalog=serve(sources(20)), run_async=True)


# -- an answer that is huge ----------------------------------------------------------------------------------------

HEAD = (
    b'<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
    b'<RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/><TABLE><FIELD name="id" datatype="long"/>'
    b"<DATA><TABLEDATA>"
)
TAIL = b"</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
ROWS, BLOCK = 1_000_000, 10_000


class Huge(http.server.BaseHTTPRequestHandler):
    """Sends a million rows, 150 bytes each, as they are made."""

    def do_POST(self) -> None:
        """Answer any query."""
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


# The peak of this process alone; that of `resource` is at least what the process had that has started it.
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


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="memory is measured where Linux tells it")
def test_a_million_rows_never_are_in_memory_as_text(huge: str) -> None:
    """All of them arrive, and memory grows by far less than the 150 MB of the answer."""
    ran = subprocess.run([sys.executable, "-c", _MEASURED, huge], check=True, capture_output=True, text=True)
    rows, last, grown = map(int, ran.stdout.split())
    assert (rows, last) == (ROWS, ROWS - 1)
    assert 8_000_000 < grown < 100_000_000


def test_an_answer_that_is_too_large_is_refused_with_the_setting_to_raise(huge: str) -> None:
    """It ends where the limit is, and is not asked for again."""
    with conf.set_temp("max_response_size", 1_000_000), pytest.raises(RemoteServiceError, match="max_response_size"):
        query("SELECT id FROM x", service=huge, run_async=False)
