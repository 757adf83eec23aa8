"""Servers that never finish, and forked processes: every call ends, and with its own response."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from astroquery_mast import MastClass, Observations, conf
from astroquery_mast.exceptions import (
    BadRequestError,
    InvalidResponseError,
    MastError,
    NetworkError,
    QueryTimeoutError,
    ResponseTooLargeError,
    ServerError,
)
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service.connections import TimedAdapter

QUESTION = {"service": "Mast.Caom.Filtered", "params": {"columns": "*", "filters": []}}


class Babbler:
    """A server that responds to every request with the same bytes, followed by a piece again and again."""

    def __init__(self, begins: bytes, goes_on: bytes = b"", pause: float = 0.0) -> None:
        self.begins, self.goes_on, self.pause = begins, goes_on, pause
        self.ended = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._listen)]
        self.threads[0].start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self._babble, args=[connection]))
            self.threads[-1].start()

    def _babble(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(self.begins)
                while self.goes_on and not self.ended.wait(self.pause):
                    connection.sendall(self.goes_on)
            except OSError:
                return

    def close(self) -> None:
        self.ended.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(10)


@pytest.fixture
def babbler() -> Iterator[Callable[..., Babbler]]:
    """Start such a server, and configure the clients to use it."""
    with ExitStack() as stack:

        def start(*args: Any) -> Babbler:
            server = Babbler(*args)
            stack.callback(server.close)
            stack.enter_context(conf.set_temp("server", server.url))
            return server

        yield start


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begins", "goes_on"),
    [
        (OK, b"X-More: y\r\n"),
        (OK + b"Content-Length: 100000\r\n\r\n{", b" "),
        (OK + b"\r\n", b" "),
        (CHUNKED, b"1\r\n \r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 302 There\r\nLocation: /there\r\nContent-Length: 100000\r\n\r\n", b"x"),
    ],
    ids=["headers", "body", "body without length", "chunks", "continue", "error", "redirect"],
)
def test_a_slow_server_does_not_exceed_the_timeout(
    babbler: Callable[..., Babbler], begins: bytes, goes_on: bytes
) -> None:
    """``timeout=`` ends the call although the server is never silent for long."""
    babbler(begins, goes_on, 0.05)
    started = time.monotonic()
    with pytest.raises(QueryTimeoutError, match=r"0\.4 s"):
        Observations.query_criteria(obs_collection="HST", timeout=0.4)
    assert time.monotonic() - started < 5


def test_a_slow_page_does_not_exceed_the_timeout(mast_sandbox: Sandbox) -> None:
    """Receiving a page a few rows at a time takes no longer than ``timeout=``."""
    mast_sandbox.faults.add("invoke", Fault.slow(200, 0.1), times=None)
    with pytest.raises(QueryTimeoutError):
        Observations.query_criteria(proposal_id=10452, timeout=0.5)


PACKED = gzip.compress(bytes(50_000_000))


@pytest.mark.parametrize(
    ("begins", "goes_on"),
    [
        (OK + b"\r\n", b" " * 65536),
        (CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"),
        (OK + b"Content-Length: 10000000\r\n\r\n", b" " * 65536),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED, b""),
    ],
    ids=["body", "chunks", "length", "packed"],
)
def test_an_endless_response_is_not_read_into_memory(
    babbler: Callable[..., Babbler], monkeypatch: pytest.MonkeyPatch, begins: bytes, goes_on: bytes
) -> None:
    """A response of more decoded bytes than ``conf.max_response_size`` is an error, and is not requested again."""
    monkeypatch.setattr(conf, "max_response_size", 1_000_000)
    server = babbler(begins, goes_on)
    with pytest.raises(ResponseTooLargeError, match="1000000 bytes"):
        Observations.query_criteria(obs_collection="HST")
    assert len(server.threads) == 2


def test_an_impossible_length_is_an_error_of_the_package(babbler: Callable[..., Babbler]) -> None:
    """No memory is allocated because a server announces a terabyte."""
    babbler(OK + b"Content-Length: 1000000000000\r\n\r\n{}")
    with pytest.raises(ServerError):
        Observations.query_criteria(obs_collection="HST")


def test_only_the_beginning_of_an_endless_error_is_read(babbler: Callable[..., Babbler]) -> None:
    """Only the beginning of the body of an error is read."""
    babbler(b"HTTP/1.1 400 No\r\nContent-Type: text/plain\r\n\r\nNot like this.", b" " * 65536)
    with pytest.raises(BadRequestError, match="Not like this"):
        Observations.query_criteria(obs_collection="HST", timeout=20)


def test_the_body_of_a_redirect_is_not_read(mast_sandbox: Sandbox, babbler: Callable[..., Babbler]) -> None:
    """A redirect with an endless body is followed all the same."""
    place = f"Location: {mast_sandbox.url}/whoami\r\n".encode()
    babbler(b"HTTP/1.1 307 There\r\n" + place + b"\r\n", b" " * 65536)
    assert MastClass().session_info(verbose=False)["anon"] is True


@pytest.mark.parametrize("place", [b"http://[::1", b"http://\xff\xfe/", b"http://a..b/", b"ftp://x/"])
def test_a_redirect_to_an_invalid_address_is_an_error_of_the_package(
    babbler: Callable[..., Babbler], place: bytes
) -> None:
    """All exceptions of the session for an invalid address are converted to one error of the package."""
    babbler(b"HTTP/1.1 302 There\r\nLocation: " + place + b"\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(MastError):
        Observations.query_criteria(obs_collection="HST")


def test_missing_certificates_are_an_error_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bare OSError of `requests` for missing certificates is converted to a `NetworkError`."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/certificates")
    client = MastClass(server="https://127.0.0.1:1")
    with pytest.raises(NetworkError, match="nonexistent"):
        client.session_info(verbose=False)


def test_unforeseen_exceptions_are_reported_as_an_unreadable_response(mast_sandbox: Sandbox) -> None:
    """Unforeseen exceptions are converted to an error of the package, with their cause."""
    mast_sandbox.faults.add("invoke", Fault.answer(b"{}"), times=None)
    client, what = MastClass(), "x"

    def read(_response: requests.Response) -> object:
        return {}["missing"]

    http = client._service.http
    with pytest.raises(InvalidResponseError, match="KeyError") as raised:
        http.request("GET", conf.server, deadline=client._service.deadline(5), service=what, read=read)
    assert isinstance(raised.value.__cause__, KeyError)


# -- the user's session --------------------------------------------------------------------------------------------


def test_other_adapters_of_a_session_are_kept() -> None:
    """Adapters of other classes belong to the user and are not changed; plain ones keep their settings."""

    class Own(HTTPAdapter):
        """A user's adapter."""

    session, own = requests.Session(), Own()
    session.mount("https://", own)
    session.mount("http://", HTTPAdapter(max_retries=3))
    client = MastClass(session=session)
    assert client._session is session
    assert session.get_adapter("https://x/") is own
    timed = session.get_adapter("http://x/")
    assert isinstance(timed, TimedAdapter)
    assert timed.max_retries.total == 3


# -- processes -----------------------------------------------------------------------------------------------------

FORKING = """
import multiprocessing, sys
from concurrent.futures import ThreadPoolExecutor
from astroquery_mast import Observations, conf
conf.server = conf.catalogs_server = conf.resolver_server = sys.argv[1]
conf.read_timeout = 60
PROGRAMS = (10452, 10501, 1039, 1783)
NAMES = ("M51", "M101", "HUDF", "M87")

def ask(number):
    kind, which = number // 4 % 4, number % 4
    if kind == 0:
        found = Observations.query_criteria(proposal_id=PROGRAMS[which], columns=["proposal_id"])
        return set(found["proposal_id"]), len(found)
    if kind == 1:
        found = Observations.get_product_list([OBSIDS[which]], verbose=False)
        return set(found["parent_obsid"]), len(found)
    if kind == 2:
        place = Observations.resolve_object(NAMES[which])
        return float(place.ra.deg), float(place.dec.deg)
    return Observations.query_criteria_count(proposal_id=PROGRAMS[which])

OBSIDS = sorted(Observations.query_criteria(proposal_id=10452)["obsid"])[:4]

def main(start):
    expected = [ask(number) for number in range(16)]
    for which in range(4):
        assert expected[which][0] == {str(PROGRAMS[which])}
        assert expected[4 + which][0] == {OBSIDS[which]}
    assert len(set(expected[8:12])) == len(set(expected[12:])) == 4
    numbers = range(int(sys.argv[3]))
    if start == "threads":
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(ask, numbers))
    else:
        with multiprocessing.get_context(start).Pool(4) as pool:
            found = pool.map(ask, numbers, chunksize=1)
    right = sum(each == expected[number % 16] for number, each in zip(numbers, found, strict=True))
    assert [ask(number) for number in range(16)] == expected
    sys.stdout.write(f"{right} of {len(found)}")

if __name__ == "__main__":
    main(sys.argv[2])
"""


@pytest.mark.parametrize("start", ["fork", "spawn", "threads"])
def test_every_worker_gets_its_own_responses(mast_sandbox: Sandbox, tmp_path: Path, start: str) -> None:
    """In 400 queries, product lists, names and counts, each of four workers and their parent gets its own response."""
    script = tmp_path / "forking.py"
    script.write_text(FORKING)
    done = subprocess.run(
        [sys.executable, str(script), mast_sandbox.url, start, "400"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.stdout == "400 of 400", done.stderr


INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from astroquery_mast import Observations, conf
conf.server = sys.argv[1]
with conf.set_temp("pagesize", 20):
    Observations.query_criteria(proposal_id=10452)
"""


def test_ctrl_c_in_a_paged_query_ends_the_process(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Threads that wait for a silent server do not keep the interpreter alive."""
    mast_sandbox.faults.add(
        "invoke", Fault.delay(100), times=None, where=lambda record: (record.mashup or {}).get("page") != 1
    )
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    process = subprocess.Popen([sys.executable, str(script), mast_sandbox.url], stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(3000):
            if len(mast_sandbox.requests.of("invoke")) > 2 or process.poll() is not None:
                break
            threading.Event().wait(0.01)
        started = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert "KeyboardInterrupt" in errors
    assert time.monotonic() - started < 10
