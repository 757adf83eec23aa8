"""Downloads of many files over real HTTP: every file has a result, in order, and timeouts are kept."""

from __future__ import annotations

import io
import json
import pickle
import re
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from astropy.table import Table
from astroquery import log
from transfers import plan_of

from astroquery_mast.downloads.destination import LOCAL_FILES
from astroquery_mast.downloads.download import DownloadBar, ServerWatch, download
from astroquery_mast.downloads.sessions import SessionRecipe
from astroquery_mast.downloads.transfer import OpenUrl
from astroquery_mast.exceptions import DownloadError, InvalidQueryError, MastError, RemoteServiceError
from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.products.manifest import Status, TransferResult
from astroquery_mast.products.plan import PlannedFile, plan
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service.parallel import DownServers, RunOptions, is_interactive

HANGS = 60.0
"""Delay of a silent server in seconds, longer than any test may take."""


def statuses(results: list[TransferResult]) -> list[str]:
    return [str(result.status) for result in results]


def all_whole(sandbox: Sandbox, planned: list[PlannedFile]) -> bool:
    return all(file.local_path.read_bytes() == sandbox.archive.render(str(file.uri)) for file in planned)


def left_over(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("workers", [1, 4, None])
def test_results_are_in_the_order_of_the_plan(
    mast_sandbox: Sandbox, planned: list[PlannedFile], transport: SessionRecipe, workers: int | None
) -> None:
    """Rows are in the order of the products for any number of workers, even if the first file is the last to arrive."""
    first = planned[0].uri
    mast_sandbox.faults.add("download", Fault.delay(0.1), where=lambda record: record.value("uri") == first)
    results = download(planned, transport, RunOptions(max_workers=workers, verbose=False))
    assert [result.index for result in results] == list(range(12))
    assert [result.uri for result in results] == [file.uri for file in planned]
    assert statuses(results) == ["COMPLETE"] * 12
    assert all(result.elapsed is not None and result.attempts == 1 for result in results)
    assert all_whole(mast_sandbox, planned)


def test_there_are_never_more_connections_than_workers(
    mast_sandbox: Sandbox, planned: list[PlannedFile], transport: SessionRecipe
) -> None:
    """Each worker has one connection, which is used for all its files and for those of the next call (D2)."""
    mast_sandbox.faults.add("download", Fault.delay(0.02), times=None)
    download(planned[:8], transport, RunOptions(max_workers=3, verbose=False))
    used = {record.connection for record in mast_sandbox.requests.of("download")}
    assert 1 < len(used) <= 3
    mast_sandbox.requests.clear()
    download(planned[8:], transport, RunOptions(max_workers=3, verbose=False))
    assert {record.connection for record in mast_sandbox.requests.of("download")} <= used


def test_connections_do_not_wait_for_the_disk(
    mast_sandbox: Sandbox, planned: list[PlannedFile], transport: SessionRecipe
) -> None:
    """While complete files are flushed to disk, their connections are used for other files."""
    on_disk = threading.Barrier(3)

    def slow_disk(file: PlannedFile, open_url: OpenUrl, **_how: object) -> TransferResult:
        with open_url(str(file.url), {}) as response:
            assert response.content
        on_disk.wait(10)
        return TransferResult(file.index, Status.COMPLETE, file.local_path)

    assert (
        statuses(download(planned, transport, RunOptions(max_workers=2, verbose=False), carry_out=slow_disk))
        == ["COMPLETE"] * 12
    )
    assert len({record.connection for record in mast_sandbox.requests.of("download")}) <= 2


def test_a_function_can_open_addresses_in_threads(
    mast_sandbox: Sandbox, planned: list[PlannedFile], transport: SessionRecipe
) -> None:
    """Addresses need not be opened by a SessionRecipe."""

    def open_url(url: str, headers: Mapping[str, str]) -> requests.Response:
        return requests.get(url, headers=dict(headers), stream=True, timeout=10)

    assert statuses(download(planned, open_url, RunOptions(verbose=False))) == ["COMPLETE"] * 12


def test_failures_do_not_affect_other_files(
    mast_sandbox: Sandbox, small_products: Table, planned: list[PlannedFile], transport: SessionRecipe, tmp_path: Path
) -> None:
    """A 404, a body that always breaks, and a folder in place of a file are rows; all others are downloaded (B25)."""
    gone, torn = planned[2].uri, planned[5].uri
    mast_sandbox.faults.add("download", Fault.status(404), times=None, where=lambda r: r.value("uri") == gone)
    torn_off = Fault.no_range() + Fault.cut(100)
    mast_sandbox.faults.add("download", torn_off, times=None, where=lambda r: r.value("uri") == torn)
    planned[7].local_path.mkdir(parents=True)
    planned = plan_of(mast_sandbox, small_products, tmp_path)
    results = download(planned, transport, RunOptions(verbose=False, on_error="ignore"))
    failed = [number for number, result in enumerate(results) if result.status is Status.ERROR]
    assert failed == [2, 5, 7]
    assert all(results[number].message for number in failed)


def test_a_busy_server_is_retried(mast_sandbox: Sandbox, planned: list[PlannedFile], transport: SessionRecipe) -> None:
    """Responses 503 and 429 with Retry-After do not affect the results (D6)."""
    mast_sandbox.faults.add("download", Fault.status(503, retry_after=1))
    mast_sandbox.faults.add("download", Fault.status(429, retry_after=1))
    assert statuses(download(planned[:4], transport, RunOptions(verbose=False))) == ["COMPLETE"] * 4
    assert len(mast_sandbox.requests.of("download")) == 6


def test_files_on_disk_need_neither_network_nor_time(
    mast_sandbox: Sandbox, small_products: Table, planned: list[PlannedFile], transport: SessionRecipe, tmp_path: Path
) -> None:
    """A complete file is COMPLETE without a request, even after the timeout (D3)."""
    download(planned, transport, RunOptions(verbose=False))
    mast_sandbox.requests.clear()
    again = plan(small_products, base_dir=tmp_path, download_url="http://127.0.0.1:9", disk=LOCAL_FILES)
    results = download(again, transport, RunOptions(verbose=False, timeout=1e-9))
    assert statuses(results) == ["COMPLETE"] * 12
    assert all(result.elapsed is None for result in results)
    assert len(mast_sandbox.requests) == 0


# -- time ----------------------------------------------------------------------------------------------------------


def test_a_timeout_returns_what_is_complete(
    mast_sandbox: Sandbox, planned: list[PlannedFile], transport: SessionRecipe, tmp_path: Path
) -> None:
    """A file without a response is an ERROR that names the timeout; the complete files are in the manifest."""
    silent = {planned[1].uri, planned[4].uri}
    mast_sandbox.faults.add("download", Fault.delay(HANGS), times=None, where=lambda r: r.value("uri") in silent)
    results = download(planned, transport, RunOptions(verbose=False, timeout=1.5, on_error="ignore"))
    assert statuses(results) == ["ERROR" if number in {1, 4} else "COMPLETE" for number in range(12)]
    for number in (1, 4):
        assert "1.5 s" in str(results[number].message)
        assert results[number].url == planned[number].data_url
    assert not list(tmp_path.rglob("*.part*"))


def test_a_timeout_ends_a_stalled_body(
    mast_sandbox: Sandbox, planned: list[PlannedFile], transport: SessionRecipe
) -> None:
    """A body that stalls for minutes is not waited for beyond the timeout."""
    mast_sandbox.faults.add("download", Fault.slow(500, 2), times=None)
    largest = sorted(planned, key=lambda file: file.size or 0)[-2:]
    started = time.monotonic()
    results = download(largest, transport, RunOptions(verbose=False, timeout=0.5, on_error="ignore"))
    assert time.monotonic() - started < HANGS / 2
    assert statuses(results) == ["ERROR", "ERROR"]
    assert all("0.5 s" in str(result.message) for result in results)


def test_files_that_were_not_requested_before_the_timeout_have_rows(
    mast_sandbox: Sandbox, planned: list[PlannedFile], transport: SessionRecipe
) -> None:
    """Files that were never requested are errors in the manifest."""
    mast_sandbox.faults.add("download", Fault.delay(HANGS), times=None)
    results = download(planned, transport, RunOptions(max_workers=2, verbose=False, timeout=0.3, on_error="ignore"))
    assert statuses(results) == ["ERROR"] * 12
    assert len(mast_sandbox.requests.of("download")) == 2
    assert all("Timed out after 0.3 s" in str(result.message) for result in results[2:])


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads on this system")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("fault", [Fault.delay(HANGS), Fault.slow(1000, 2)], ids=["no answer", "half a body"])
def test_ctrl_c_is_prompt_and_clean(
    mast_sandbox: Sandbox, planned: list[PlannedFile], transport: SessionRecipe, tmp_path: Path, fault: Fault
) -> None:
    """KeyboardInterrupt is raised while servers are silent; no worker and no partial file is left."""
    mast_sandbox.faults.add("download", fault, times=None)
    interrupted: list[float] = []

    def interrupt() -> None:
        for _ in range(2000):
            if len(mast_sandbox.requests.of("download")) >= 4:
                break
            threading.Event().wait(0.01)
        interrupted.append(time.monotonic())
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        download(planned[-4:], transport, RunOptions(max_workers=4, verbose=False, timeout=HANGS))
    assert time.monotonic() - interrupted[0] < HANGS / 4
    watcher.join(30)
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("astroquery_mast")]
    for thread in workers:
        thread.join(5)
    assert not any(thread.is_alive() for thread in workers)
    assert all(".part" in path.name for path in left_over(tmp_path))
    mast_sandbox.faults.clear()
    mast_sandbox.requests.clear()
    assert statuses(download(planned, transport, RunOptions(verbose=False))) == ["COMPLETE"] * 12
    assert all_whole(mast_sandbox, planned)
    assert not list(tmp_path.rglob("*.part*"))


# -- unreachable servers -------------------------------------------------------------------------------------------


def test_a_server_that_is_down_is_not_tried_for_every_file(
    small_products: Table, transport: SessionRecipe, tmp_path: Path
) -> None:
    """After three files in a row without a connection, the others fail at once with this reason."""
    planned = plan(small_products, base_dir=tmp_path, download_url="http://127.0.0.1:9/file", disk=LOCAL_FILES)
    results = download(planned, transport, RunOptions(max_workers=1, verbose=False, on_error="ignore"))
    assert statuses(results) == ["ERROR"] * 12
    assert all("Tried 4 times" in str(result.message) for result in results[:3])
    for result in results[3:]:
        assert "http://127.0.0.1:9 could not be reached for 3 files in a row" in str(result.message)


def test_existing_files_are_kept_during_an_outage(
    small_products: Table, transport: SessionRecipe, tmp_path: Path
) -> None:
    """Files that cannot be compared because the server is down are kept, with a message (B24)."""
    del small_products["size"]
    planned = plan(small_products, base_dir=tmp_path, download_url="http://127.0.0.1:9/file", disk=LOCAL_FILES)
    for file in planned:
        file.local_path.parent.mkdir(parents=True, exist_ok=True)
        file.local_path.write_bytes(b"older")
    planned = plan(small_products, base_dir=tmp_path, download_url="http://127.0.0.1:9/file", disk=LOCAL_FILES)
    results = download(planned, transport, RunOptions(max_workers=2, verbose=False))
    assert statuses(results) == ["COMPLETE"] * 12
    assert all("could not be compared" in str(result.message) for result in results)


def test_broken_connections_are_no_outage(
    mast_sandbox: Sandbox, planned: list[PlannedFile], transport: SessionRecipe
) -> None:
    """A server that resets connections is up; the files after the failed ones are requested."""
    unlucky = {file.uri for file in planned[:5]}
    mast_sandbox.faults.add("download", Fault.reset(), times=None, where=lambda r: r.value("uri") in unlucky)
    results = download(planned, transport, RunOptions(max_workers=1, verbose=False, on_error="ignore"))
    assert statuses(results) == ["ERROR"] * 5 + ["COMPLETE"] * 7


def test_a_response_resets_the_count_of_failures() -> None:
    """Only consecutive files count, separately for each server."""
    outages: DownServers[str] = DownServers(3)
    for reached in ({"a": "e"}, {"a": "e"}, {"a": None}, {"a": "e"}, {"a": "e"}, {"b": "e"}, {"b": None, "c": "x"}):
        outages.note(reached)
    assert outages.down == {}
    outages.note({"a": "refused"})
    assert outages.down == {"a": "refused"}
    opened = ServerWatch(lambda _url, _headers: requests.Response(), outages.down)
    with pytest.raises(RemoteServiceError, match="refused"):
        ServerWatch(pytest.fail, {"http://x:1": "refused"})("http://x:1/file?uri=mast:x", {})  # type: ignore[arg-type]
    assert opened("http://x:2/file", {}) is not None
    assert opened.reached == {"http://x:2": None}


# -- reports -------------------------------------------------------------------------------------------------------


def test_raise_waits_for_the_others_and_has_the_manifest(
    mast_sandbox: Sandbox, planned: list[PlannedFile], transport: SessionRecipe
) -> None:
    """on_error='raise' raises at the end a picklable RemoteServiceError with a row for every file (D5)."""
    gone = planned[0].uri
    mast_sandbox.faults.add("download", Fault.status(404), times=None, where=lambda r: r.value("uri") == gone)
    with pytest.raises(DownloadError, match="1 of 12 files could not be downloaded") as raised:
        download(planned, transport, RunOptions(verbose=False, on_error="raise"))
    assert isinstance(raised.value, MastError | RemoteServiceError)
    assert list(raised.value.manifest["Status"]) == ["ERROR"] + ["COMPLETE"] * 11
    copy = pickle.loads(pickle.dumps(raised.value))
    assert str(copy) == str(raised.value)
    assert list(copy.manifest["Status"]) == list(raised.value.manifest["Status"])


@pytest.mark.parametrize(
    ("on_error", "verbose", "lines"), [("warn", False, 1), ("ignore", False, 0), ("warn", True, 2)]
)
def test_a_download_logs_one_line_and_one_for_failures(
    mast_sandbox: Sandbox,
    planned: list[PlannedFile],
    transport: SessionRecipe,
    on_error: str,
    verbose: bool,
    lines: int,
) -> None:
    """The log has a summary, and a warning unless failures are ignored, but no line for each file."""
    mast_sandbox.faults.add("download", Fault.status(404), times=2)
    with log.log_to_list() as told:
        download(planned, transport, RunOptions(verbose=verbose, on_error=on_error))
    assert len(told) == lines
    assert sum("2 of 12 files could not be downloaded" in record.getMessage() for record in told) == min(lines, 1)
    assert sum("Files downloaded: 10 (" in record.getMessage() for record in told) == (1 if verbose else 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"on_error": "stop"},
        {"max_workers": 0},
        {"max_workers": 2.5},
        {"max_workers": "4"},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"executor": "threads"},
    ],
    ids=json.dumps,
)
def test_invalid_options_raise(transport: SessionRecipe, wrong: dict[str, object]) -> None:
    """An invalid option raises before anything is done, with its name."""
    with pytest.raises(InvalidQueryError, match=next(iter(wrong))):
        download([], transport, RunOptions(**wrong))  # type: ignore[arg-type]


def test_an_empty_plan_has_an_empty_result(transport: SessionRecipe) -> None:
    """Nothing is requested for an empty plan."""
    assert download([], transport, RunOptions(verbose=False)) == []


# -- progress bar --------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A standard error that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Replace standard error by a terminal for the rest of the test."""
    terminal = Terminal()
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_the_bar_counts_files_and_bytes(
    mast_sandbox: Sandbox, planned: list[PlannedFile], transport: SessionRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal, a download has one bar with files, bytes, rate and remaining time (D7)."""
    terminal = watched(monkeypatch)
    monkeypatch.setattr("astroquery_mast.service.parallel.DELAY", 0)
    mast_sandbox.faults.add("download", Fault.slow(2000, 0.02), times=None)
    download(planned, transport, RunOptions(max_workers=2))
    total = sum(file.size or 0 for file in planned)
    drawn = [line for line in terminal.getvalue().split("\r") if "Downloading" in line]
    last = re.fullmatch(
        r"Downloading: +\d+%\|.*\| ([\d.]+k?)/([\d.]+k) \[\d+:\d+<(\d+:\d+), +[\d.]+k?B/s, (\d+)/12 files\]\s*",
        drawn[-1],
    )
    assert last is not None, drawn[-1]
    assert float(last[2][:-1]) == pytest.approx(total / 1000, rel=0.01)
    assert 0 < int(last[4]) <= 12
    assert not terminal.getvalue().count("\n")


def test_the_bar_is_updated_at_its_own_rate(
    planned: list[PlannedFile], transport: SessionRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of small files do not redraw the bar thousands of times, and a short call does not draw it at all."""
    terminal = watched(monkeypatch)
    monkeypatch.setattr("astroquery_mast.service.parallel.DELAY", 0)
    with closing(DownloadBar(5000, None, shown=True)) as bar:
        for _ in range(5000):
            bar.finish()
    assert terminal.getvalue().count("Downloading") < 100
    monkeypatch.undo()
    short = watched(monkeypatch)
    download(planned[:2], transport, RunOptions())
    assert "Downloading" not in short.getvalue()


def test_no_bar_without_a_terminal_or_if_not_verbose(
    planned: list[PlannedFile], transport: SessionRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """verbose=False writes nothing to a terminal, and continuous integration shows no bar (D7)."""
    terminal = watched(monkeypatch)
    download(planned[:6], transport, RunOptions(verbose=False))
    assert terminal.getvalue() == ""
    assert is_interactive()
    monkeypatch.setenv("CI", "true")
    assert not is_interactive()


def test_a_notebook_shows_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar is shown in a notebook, whose standard error is not a terminal."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    shell = SimpleNamespace(config={"IPKernelApp": {}})
    assert not is_interactive()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[arg-type]
    assert is_interactive()
    shell.config.clear()
    assert not is_interactive()


def test_a_quiet_call_starts_no_thread_for_a_bar(
    client: ObservationsClass, small_products: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``verbose=False``, or no terminal, creates no bar: `tqdm` would start a monitor thread."""
    tqdm = pytest.importorskip("tqdm")

    class NotWanted(tqdm.tqdm):  # type: ignore[misc]
        def __new__(cls, *_arguments: object, **_options: object) -> Any:
            raise AssertionError("a bar was made")

    monkeypatch.setattr(tqdm, "tqdm", NotWanted)
    monkeypatch.setattr("tqdm.auto.tqdm", NotWanted)
    manifest = client.download_products(small_products[:3], download_dir=tmp_path, verbose=False)
    client.verify_downloads(manifest, verbose=False)
    client.download_file(str(small_products["dataURI"][0]), local_path=tmp_path / "x", verbose=False)
    with monkeypatch.context() as patch:
        patch.setenv("CI", "true")
        client.download_products(small_products[3:5], download_dir=tmp_path)
