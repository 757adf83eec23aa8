"""Servers with rate limits: all files are downloaded, and no request is sent before a pause is over."""

from __future__ import annotations

import pickle
import threading
import time
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import requests

from astroquery_mast import Observations
from astroquery_mast.config import Endpoints
from astroquery_mast.exceptions import ServerError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service import retrying
from astroquery_mast.service.connections import PACES, Pace
from astroquery_mast.service.http import HttpClient
from astroquery_mast.service.retrying import CallFile, Deadline
from astroquery_mast.service.retrying import pause as real_pause


class Limiter:
    """Decides which requests exceed the limit within a time window."""

    def __init__(self, limit: int, window: float) -> None:
        self.limit, self.window = limit, window
        self.lock = threading.Lock()
        self.taken: deque[float] = deque()

    def __call__(self, _record: object) -> bool:
        with self.lock:
            now = time.monotonic()
            while self.taken and now - self.taken[0] >= self.window:
                self.taken.popleft()
            if len(self.taken) < self.limit:
                self.taken.append(now)
                return False
            return True


@pytest.mark.parametrize("workers", [2, 20])
@pytest.mark.parametrize("told", [True, False], ids=["Retry-After", "no Retry-After"])
def test_a_rate_limit_loses_no_file(
    mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, told: bool
) -> None:
    """Responses that ask for a pause are not failures: all files are downloaded with any number of workers."""
    monkeypatch.setattr(retrying, "pause", real_pause)
    monkeypatch.setattr("astroquery_mast.service.http.PAUSE", 0.1)
    products = Observations.get_unique_product_list(Observations.query_criteria(proposal_id="10452"), verbose=False)
    small = products[products["size"] < 100_000][:24]
    fault = Fault.status(429, retry_after=0.1 if told else None)
    mast_sandbox.faults.add("download", fault, times=None, where=Limiter(2, 0.1))
    manifest = Observations.download_products(small, download_dir=tmp_path, max_workers=workers, verbose=False)
    assert set(manifest["Status"]) == {"COMPLETE"}


def test_a_rate_limit_loses_no_file_of_worker_processes(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Responses that ask for a pause are not failures in other processes, either."""
    products = Observations.get_unique_product_list(Observations.query_criteria(proposal_id="10452"), verbose=False)
    small = products[products["size"] < 100_000][:12]
    mast_sandbox.faults.add("download", Fault.status(429, retry_after=0.1), times=None, where=Limiter(2, 0.1))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        manifest = Observations.download_products(small, download_dir=tmp_path, executor=pool, verbose=False)
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert 429 in {record.status for record in mast_sandbox.requests.of("download")}


def test_worker_processes_of_a_call_pause_together(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause of one process holds for the others of the same call, but not for other calls or computers."""
    waits: list[float] = []
    monkeypatch.setattr(retrying, "pause", lambda seconds, _stopped: waits.append(seconds))
    call, other_call = CallFile.create(), CallFile.create()
    sent = pickle.dumps(call)
    copy = pickle.loads(sent)
    monkeypatch.setattr("socket.gethostname", lambda: "node-042")
    elsewhere = pickle.loads(sent)
    address, http = f"{mast_sandbox.url}/whoami", HttpClient(requests.Session().request, Endpoints(mast_sandbox.url))

    def ask(file: CallFile) -> list[float]:
        """Send requests as a process that has only the file of a call, and return the times that it waited."""
        PACES.clear()
        waits.clear()
        http.request("GET", address, deadline=Deadline(60, time.monotonic(), (file,)))
        return [round(wait) for wait in waits]

    try:
        mast_sandbox.faults.add("whoami", Fault.status(429, retry_after=7))
        mast_sandbox.faults.add("whoami", Fault.status(429, retry_after=3))
        assert ask(call)[0] == 7
        assert [ask(each) for each in (copy, other_call, elsewhere)] == [[7], [], []]
        call.set()
        assert CallFile.pause_left(copy) <= 0
    finally:
        call.set()
        other_call.set()


def test_an_unavailable_server_with_retry_after_is_waited_for(mast_sandbox: Sandbox) -> None:
    """503 with Retry-After does not count as an attempt, unlike 503 without it."""
    mast_sandbox.faults.add("invoke", Fault.status(503, retry_after=0.1), times=20)
    assert Observations.query_criteria_count(proposal_id=10452) == 126
    mast_sandbox.faults.add("invoke", Fault.status(503), times=None)
    with pytest.raises(ServerError, match="Tried 4 times"):
        Observations.query_criteria_count(proposal_id=10452)


def test_a_pause_longer_than_the_timeout_raises(mast_sandbox: Sandbox) -> None:
    """A server that asks for a pause of an hour ends the call, and the message has the time."""
    mast_sandbox.faults.add("invoke", Fault.status(503, retry_after=3600), times=None)
    with pytest.raises(ServerError, match=r"Tried once .* The server says to try again in 3600 s"):
        Observations.query_criteria_count(proposal_id=10452)
    assert len(mast_sandbox.requests) == 1


def test_a_pause_holds_for_all_threads_and_halves_concurrency(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a refusal and its pause, fewer requests are sent at a time; successful responses increase that again."""
    pace, deadline, waits = Pace(), Deadline(60), []
    monkeypatch.setattr(retrying, "pause", lambda seconds, _stopped: waits.append(seconds))
    with pace.turn(deadline), pace.turn(deadline), pace.turn(deadline):
        pace.slow_down(5)
        pace.slow_down(5)  # sent at the same time, refused at the same time
    assert waits == []
    with pace.turn(deadline), pace.turn(deadline):
        assert all(4 < wait <= 5 for wait in waits)
        assert len(waits) == 2
        late = Deadline(0.05)
        with pace.turn(late):  # no third request at a time until the end of the call
            assert late.remaining() <= 0
    for _ in range(5000):
        pace.speed_up()
    turns = [pace.turn(deadline) for _ in range(100)]
    for turn in turns:
        turn.__enter__()
    for turn in turns:
        turn.__exit__(None, None, None)


def test_a_quiet_download_does_not_log_retries(
    mast_sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``verbose=False`` prints nothing about a temporary failure; otherwise only the first retry is logged."""
    products = Observations.get_unique_product_list(Observations.query_criteria(proposal_id="10452")[:1], verbose=False)
    mast_sandbox.faults.add("download", Fault.status(503, retry_after=0.1), times=3)
    Observations.download_products(products[:1], download_dir=tmp_path, verbose=False)
    assert capsys.readouterr().out == ""
    mast_sandbox.faults.add("download", Fault.status(503, retry_after=0.1), times=3)
    Observations.download_products(products[:1], download_dir=tmp_path, cache=False)
    assert capsys.readouterr().out.count("Retrying in") == 1
