"""Resumed and stopped transfers, and files that other processes download in the meantime."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from astropy.table import Table
from transfers import address_of, files_in, response

from astroquery_mast.downloads.destination import LOCAL_FILES, exclusive_lock
from astroquery_mast.downloads.part_file import part_path, record_path
from astroquery_mast.downloads.transfer import OpenUrl, download_file
from astroquery_mast.exceptions import ServerError
from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.products.manifest import Status
from astroquery_mast.products.plan import Action, PlannedFile, single_file
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service import retrying as failures
from astroquery_mast.service.retrying import Deadline

SOME = 200_000


@pytest.fixture
def planned(service: str, uri: str, tmp_path: Path) -> PlannedFile:
    return single_file(uri, tmp_path / "x.fits", download_url=service, cache=True, disk=LOCAL_FILES)


def failing(_url: str, _headers: Mapping[str, str]) -> requests.Response:
    raise ServerError("could not be reached")


def interrupt_transfer(sandbox: Sandbox, planned: PlannedFile, open_url: OpenUrl, after: int = SOME) -> None:
    """Interrupt a first call after some bytes."""
    sandbox.faults.add("download", Fault.cut(after))
    openers = [failing, open_url]

    def one_after_the_other(url: str, headers: Mapping[str, str]) -> requests.Response:
        return openers.pop()(url, headers)

    result = download_file(planned, one_after_the_other)
    assert (result.status, result.attempts) == (Status.ERROR, 2)
    assert f"{after} bytes are kept in x.fits.mast.part" in str(result.message)
    sandbox.requests.clear()


def test_the_next_call_requests_the_rest_of_the_same_file(
    mast_sandbox: Sandbox, planned: PlannedFile, content: bytes, open_url: OpenUrl
) -> None:
    """The second call sends Range and If-Range, gets 206, and its digest is that of the complete file."""
    interrupt_transfer(mast_sandbox, planned, open_url)
    seen: list[int] = []
    result = download_file(planned, open_url, progress=seen.append)
    assert (result.status, result.size, result.attempts) == (Status.COMPLETE, len(content), 1)
    assert result.sha256 == hashlib.sha256(content).hexdigest()
    assert planned.local_path.read_bytes() == content
    (record,) = mast_sandbox.requests.of("download")
    assert (record.status, record.sent) == (206, len(content) - SOME) == (206, sum(seen))
    assert record.headers["range"] == f"bytes={SOME}-"
    assert record.headers["if-range"].startswith('"')


def test_without_an_etag_the_date_is_the_validator(
    mast_sandbox: Sandbox, planned: PlannedFile, content: bytes, open_url: OpenUrl
) -> None:
    """A weak ETag is not used; a date that is old enough is as good as a strong ETag."""
    mast_sandbox.faults.add("download", Fault.headers({"ETag": 'W/"weak"'}) + Fault.cut(SOME))
    mast_sandbox.faults.add("download", Fault.headers({"ETag": 'W/"weak"'}))
    result = download_file(planned, open_url)
    assert (result.status, planned.local_path.read_bytes() == content) == (Status.COMPLETE, True)
    second = mast_sandbox.requests.of("download")[1]
    assert second.status == 206
    assert second.headers["if-range"].endswith("GMT")


@pytest.mark.parametrize(
    "headers", [{"ETag": 'W/"weak"', "Last-Modified": ""}, {"ETag": "unquoted", "Last-Modified": "yesterday"}]
)
def test_without_a_validator_nothing_is_kept(
    mast_sandbox: Sandbox, planned: PlannedFile, open_url: OpenUrl, headers: dict[str, str]
) -> None:
    """Bytes that the server cannot identify later are removed when a call fails, and subtracted from the progress."""
    mast_sandbox.faults.add("download", Fault.headers(headers) + Fault.cut(SOME), times=None)
    seen: list[int] = []
    result = download_file(planned, open_url, progress=seen.append)
    assert result.status is Status.ERROR
    assert list(planned.local_path.parent.iterdir()) == []
    assert sum(seen) == 0
    assert all("range" not in record.headers for record in mast_sandbox.requests.of("download"))


def test_a_file_that_is_often_interrupted_completes_as_long_as_it_grows(
    mast_sandbox: Sandbox, planned: PlannedFile, large: str, open_url: OpenUrl, tmp_path: Path
) -> None:
    """Attempts with a megabyte of progress do not count: five interruptions do not fail a file of eight megabytes."""
    mast_sandbox.faults.add("download", Fault.cut(1_500_000), times=5)
    result = download_file(replace(planned, uri=large, url=address_of(mast_sandbox, large)), open_url)
    assert (result.status, result.attempts) == (Status.COMPLETE, 6)
    assert (tmp_path / "x.fits").read_bytes() == mast_sandbox.archive.render(large)


def test_a_file_has_the_modification_time_at_mast(
    mast_sandbox: Sandbox, planned: PlannedFile, open_url: OpenUrl
) -> None:
    """Last-Modified is the modification time of the file, so that it can be compared later."""
    mast_sandbox.faults.add("download", Fault.headers({"Last-Modified": "Wed, 01 Jan 2020 00:00:00 GMT"}))
    assert download_file(planned, open_url).status is Status.COMPLETE
    assert planned.local_path.stat().st_mtime == 1577836800


@pytest.mark.parametrize(("compare_time", "anew"), [(True, True), (False, False)])
def test_a_file_of_the_same_length_is_compared_by_time_on_request(
    mast_sandbox: Sandbox, planned: PlannedFile, content: bytes, open_url: OpenUrl, compare_time: bool, anew: bool
) -> None:
    """'if-changed' downloads a file that has changed at MAST, and keeps one with the same time."""
    assert download_file(planned, open_url).status is Status.COMPLETE
    check = replace(planned, action=Action.CHECK, reason="on disk", compare_time=compare_time)
    assert not download_file(check, open_url).fetched
    planned.local_path.write_bytes(bytes(len(content)))
    os.utime(planned.local_path, (0, 0))
    result = download_file(check, open_url)
    assert (result.status, result.fetched) == (Status.COMPLETE, anew)
    assert (planned.local_path.read_bytes() == content) is anew


def test_a_read_only_shared_folder_can_be_used(
    mast_sandbox: Sandbox, planned: PlannedFile, content: bytes, open_url: OpenUrl
) -> None:
    """Confirming a file writes nothing, not even a lock."""
    assert download_file(planned, open_url).status is Status.COMPLETE
    before = planned.local_path.parent.stat().st_mtime_ns
    result = download_file(replace(planned, action=Action.CHECK, reason="on disk"), open_url)
    assert (result.status, result.size) == (Status.COMPLETE, len(content))
    assert planned.local_path.parent.stat().st_mtime_ns == before


@pytest.mark.parametrize("reason", ["not on disk", "not on disk; 5 bytes are present from an earlier download"])
def test_a_file_that_another_process_downloaded_is_not_requested_again(
    mast_sandbox: Sandbox, planned: PlannedFile, open_url: OpenUrl, reason: str
) -> None:
    """A file that did not exist at the time of the plan, and exists now, is complete."""
    planned.local_path.write_bytes(b"brought meanwhile")
    result = download_file(replace(planned, reason=reason), open_url)
    assert (result.status, result.fetched, result.size, result.attempts) == (Status.COMPLETE, False, 17, 0)
    assert not mast_sandbox.requests.of("download")


def test_the_plan_says_which_files_did_not_exist(planned: PlannedFile, uri: str, tmp_path: Path) -> None:
    """The transfer relies on the first words of the reason in the plan."""
    assert planned.reason.startswith("not on disk")
    (tmp_path / "x.fits").write_bytes(b"older")
    anew = single_file(uri, tmp_path / "x.fits", download_url="u", cache=False, disk=LOCAL_FILES)
    assert anew.action is Action.FETCH
    assert not anew.reason.startswith("not on disk")


def test_a_cancelled_transfer_stops_between_two_pieces(
    mast_sandbox: Sandbox, planned: PlannedFile, content: bytes, open_url: OpenUrl
) -> None:
    """When the caller cancels, the transfer is an ERROR; its bytes are kept, and used by the next call."""
    deadline = Deadline()
    seen: list[int] = []

    def progress(size: int) -> None:
        seen.append(size)
        deadline.stop()

    mast_sandbox.faults.add("download", Fault.slow(100_000, 0.01))
    result = download_file(planned, open_url, progress=progress, deadline=deadline)
    assert result.status is Status.ERROR
    assert "The download was cancelled" in str(result.message)
    assert len(seen) == 1
    assert part_path(planned.local_path).stat().st_size == seen[0] < len(content)
    mast_sandbox.requests.clear()
    assert download_file(planned, open_url).status is Status.COMPLETE
    assert mast_sandbox.requests.of("download")[0].sent == len(content) - seen[0]


def test_a_transfer_cancelled_before_its_start_sends_nothing(
    mast_sandbox: Sandbox, planned: PlannedFile, open_url: OpenUrl
) -> None:
    """Nothing is sent or written."""
    deadline = Deadline()
    deadline.stop()
    assert download_file(planned, open_url, deadline=deadline).status is Status.ERROR
    assert not mast_sandbox.requests.of("download")
    assert list(planned.local_path.parent.iterdir()) == []


def test_a_cancelled_connection_is_reported_as_cancelled(planned: PlannedFile) -> None:
    """A socket closed by a cancelled call is not a network failure, and is not retried."""
    deadline = Deadline()
    tries: list[str] = []

    def open_url(url: str, _headers: Mapping[str, str]) -> requests.Response:
        tries.append(url)
        deadline.stop()
        raise requests.exceptions.ConnectionError("shut down")

    result = download_file(planned, open_url, deadline=deadline)
    assert result.message == "The download was cancelled."
    assert len(tries) == 1


def test_the_deadline_ends_the_attempts(planned: PlannedFile) -> None:
    """After the deadline, the transfer ends with a message about the timeout."""
    deadline = Deadline(60)

    def open_url(_url: str, _headers: Mapping[str, str]) -> requests.Response:
        object.__setattr__(deadline, "started", deadline.started - 60)
        raise requests.exceptions.ConnectionError("no")

    result = download_file(planned, open_url, deadline=deadline)
    assert (result.status, result.message) == (Status.ERROR, "Timed out after 60 s.")


def test_a_pause_between_attempts_ends_with_the_deadline(planned: PlannedFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause is longer than the remaining time."""
    pauses: list[float] = []
    monkeypatch.setattr(failures, "pause", lambda seconds, _stopped: pauses.append(seconds))

    def open_url(_url: str, _headers: Mapping[str, str]) -> requests.Response:
        raise requests.exceptions.ConnectionError("no")

    download_file(planned, open_url, deadline=Deadline(0.25))
    assert pauses
    assert max(pauses) <= 0.25


def test_waiting_for_another_process_ends_when_cancelled(planned: PlannedFile) -> None:
    """A cancelled call does not wait for another process that is downloading the file."""
    deadline = Deadline()
    results: list[object] = []

    def work() -> None:
        results.append(download_file(planned, pytest.fail, deadline=deadline))  # type: ignore[arg-type]

    with exclusive_lock(planned.local_path, lambda: False):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
        deadline.stop()
        thread.join(10)
    (result,) = results
    assert "Another process holds" in str(getattr(result, "message", None))


def test_ctrl_c_keeps_the_received_bytes(planned: PlannedFile, content: bytes, open_url: OpenUrl) -> None:
    """KeyboardInterrupt is raised; the part and its record are kept for the next call, and the lock is removed."""

    def progress(_size: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_file(planned, open_url, progress=progress)
    assert files_in(planned.local_path.parent) == ["x.fits.mast.part", "x.fits.mast.part.json"]
    assert content.startswith(part_path(planned.local_path).read_bytes())
    assert download_file(planned, open_url).status is Status.COMPLETE


def test_the_cloud_copy_is_requested_first_and_then_mast(
    mast_sandbox: Sandbox, planned: PlannedFile, content: bytes, open_url: OpenUrl
) -> None:
    """If the cloud copy fails, MAST is requested, and bytes of the two are never combined."""
    assert planned.url is not None
    cloud = planned.url.replace("/api/v0.1/Download/file", "/jwst/api/v0.1/download/file")
    mast_sandbox.faults.add("download", Fault.cut(SOME), where=lambda record: record.path.startswith("/jwst"))
    mast_sandbox.faults.add("download", Fault.reset(), times=None, where=lambda record: record.path.startswith("/jwst"))
    result = download_file(replace(planned, cloud_url=cloud), open_url)
    assert (result.status, planned.local_path.read_bytes() == content) == (Status.COMPLETE, True)
    paths = [record.path for record in mast_sandbox.requests.of("download")]
    assert [path.startswith("/jwst") for path in paths] == [True, True, True, False]
    assert "range" not in mast_sandbox.requests.of("download")[-1].headers


def test_a_body_longer_than_announced_is_discarded(planned: PlannedFile) -> None:
    """More bytes than announced belong to another file: none of them is kept, even with a validator."""
    result = download_file(planned, lambda _url, _headers: response(b"12345", {"ETag": '"x"', "Content-Length": "4"}))
    assert "received 5 of 4 bytes" in str(result.message)
    assert list(planned.local_path.parent.iterdir()) == []


def test_the_record_has_the_source_of_the_bytes(planned: PlannedFile) -> None:
    """The record of a part has the address, the validator and the length, and nothing else from the request."""
    download_file(planned, lambda _url, _headers: response(b"SIMPL", {"ETag": '"x"', "Content-Length": "9"}))
    first = record_path(planned.local_path).read_text().splitlines()[0]
    assert first == f'{{"url": "{planned.url}", "validator": "\\"x\\"", "total": 9}}'


FOREIGN = {f"x.fits.part{ending}": f"mine{ending}" for ending in ("", ".json", ".lock", ".soft")}


@pytest.mark.parametrize("resumable", [True, False])
def test_a_part_file_of_another_program_is_left_alone(
    mast_sandbox: Sandbox, client: ObservationsClass, uri: str, tmp_path: Path, resumable: bool
) -> None:
    """A ``.part`` file of a browser or user is unchanged while the download is interrupted, resumed and repeated."""
    for name, content in FOREIGN.items():
        (tmp_path / name).write_text(content)
    product = Table({"dataURI": [uri], "obs_id": ["o"], "productFilename": ["x.fits"]})
    broken = Fault.cut(5000) if resumable else Fault.cut(5000) + Fault.headers({"ETag": 'W/"a"', "Last-Modified": ""})
    mast_sandbox.faults.add("download", broken, times=3)
    for cache, action, status in (
        (True, "fetch", "ERROR"),
        (True, "resume" if resumable else "fetch", "COMPLETE"),
        (False, "fetch", "COMPLETE"),
    ):
        where = {"download_dir": tmp_path, "flat": True, "cache": cache}
        shown = client.download_products(product, dry_run=True, **where)
        assert (shown["Action"][0], "part" in shown["Reason"][0]) == (action, False)
        manifest = client.download_products(product, verbose=False, on_error="ignore", **where)
        assert manifest["Status"][0] == status
    assert (tmp_path / "x.fits").read_bytes() == mast_sandbox.archive.render(uri)
    assert {name: (tmp_path / name).read_text() for name in FOREIGN} == FOREIGN
