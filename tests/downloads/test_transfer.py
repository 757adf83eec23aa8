"""Transfers of one file over real HTTP: it is complete under its name, or absent."""

from __future__ import annotations

import errno
import hashlib
import io
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from transfers import address_of, files_in, response, service_of, to_fetch

from astroquery_mast.downloads.destination import LOCAL_FILES, local_target
from astroquery_mast.downloads.download import download
from astroquery_mast.downloads.transfer import OpenUrl, download_file
from astroquery_mast.exceptions import AccessDeniedError, BadRequestError, ServerError
from astroquery_mast.products.manifest import Status, TransferResult
from astroquery_mast.products.plan import Action, PlannedFile, single_file
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service.parallel import RunOptions


def planned_for(sandbox: Sandbox, uri: str, path: Path, size: int | None = None, *, cache: bool = True) -> PlannedFile:
    if size is not None:
        return to_fetch(path, uri, address_of(sandbox, uri), size=size)
    return single_file(uri, path, download_url=service_of(sandbox), cache=cache, disk=LOCAL_FILES)


def bring(planned: PlannedFile, open_url: Callable[..., requests.Response]) -> TransferResult:
    return download_file(planned, open_url)


def test_a_complete_file_has_its_digest(
    mast_sandbox: Sandbox, uri: str, content: bytes, tmp_path: Path, open_url: OpenUrl
) -> None:
    """The bytes on disk are those of MAST, the result has their number and digest, and no .part file is left."""
    target = tmp_path / "new" / "folders" / "x.fits"
    seen: list[int] = []
    result = download_file(planned_for(mast_sandbox, uri, target, len(content)), open_url, progress=seen.append)
    assert target.read_bytes() == content
    digest = hashlib.sha256(content).hexdigest()
    expected = TransferResult(0, Status.COMPLETE, target, size=len(content), sha256=digest, fetched=True)
    assert replace(result, elapsed=None) == replace(expected, attempts=1)
    assert result.elapsed is not None
    assert sum(seen) == len(content)
    assert files_in(tmp_path) == ["x.fits"]


@pytest.mark.parametrize("fault", [Fault.cut(5000), Fault.reset(5000)], ids=str)
def test_a_truncated_body_leaves_no_file_under_the_final_name(
    mast_sandbox: Sandbox, uri: str, tmp_path: Path, open_url: OpenUrl, fault: Fault
) -> None:
    """A body that always breaks off is tried a few times, and is then an ERROR without a file (B25)."""
    mast_sandbox.faults.add("download", fault, times=None)
    counted: list[int] = []
    result = download_file(planned_for(mast_sandbox, uri, tmp_path / "x.fits"), open_url, progress=counted.append)
    assert result.status is Status.ERROR
    assert result.url == f"{mast_sandbox.url}/api/v0.1/Download/file?uri={uri}"
    assert files_in(tmp_path) == ["x.fits.mast.part", "x.fits.mast.part.json"]
    assert sum(counted) == (tmp_path / "x.fits.mast.part").stat().st_size
    assert (result.attempts, len(mast_sandbox.requests.of("download"))) == (3, 3)


@pytest.mark.parametrize("fault", [Fault.cut(5000), Fault.reset(70000)], ids=str)
def test_a_broken_body_is_requested_again(
    mast_sandbox: Sandbox,
    uri: str,
    content: bytes,
    tmp_path: Path,
    open_url: OpenUrl,
    fault: Fault,
) -> None:
    """A body that breaks off once or twice is complete after the third attempt."""
    mast_sandbox.faults.add("download", fault, times=2)
    result = bring(planned_for(mast_sandbox, uri, tmp_path / "x.fits"), open_url)
    assert result.status is Status.COMPLETE
    assert (tmp_path / "x.fits").read_bytes() == content


def test_a_failed_transfer_keeps_the_older_file(
    mast_sandbox: Sandbox, uri: str, tmp_path: Path, open_url: OpenUrl
) -> None:
    """The existing file is unchanged, byte for byte, if the new one is not complete (B21)."""
    (tmp_path / "x.fits").write_bytes(b"older")
    mast_sandbox.faults.add("download", Fault.cut(5000), times=None)
    result = bring(planned_for(mast_sandbox, uri, tmp_path / "x.fits", cache=False), open_url)
    assert result.status is Status.ERROR
    assert (tmp_path / "x.fits").read_bytes() == b"older"
    assert files_in(tmp_path) == ["x.fits", "x.fits.mast.part", "x.fits.mast.part.json"]


def test_a_shorter_older_file_is_replaced_and_not_appended_to(
    mast_sandbox: Sandbox, uri: str, content: bytes, tmp_path: Path, open_url: OpenUrl
) -> None:
    """A file with another length is downloaded again from its first byte (B21, B22)."""
    (tmp_path / "x.fits").write_bytes(b"junk" * 100)
    assert bring(planned_for(mast_sandbox, uri, tmp_path / "x.fits"), open_url).status is Status.COMPLETE
    assert (tmp_path / "x.fits").read_bytes() == content
    assert all("range" not in record.headers for record in mast_sandbox.requests.of("download"))


def test_a_file_of_unknown_size_is_kept_if_it_has_the_size_at_mast(
    mast_sandbox: Sandbox, uri: str, content: bytes, tmp_path: Path, open_url: OpenUrl
) -> None:
    """If the catalog has no size, one request compares the sizes, and nothing is written."""
    target = tmp_path / "x.fits"
    target.write_bytes(bytes(len(content)))
    result = bring(planned_for(mast_sandbox, uri, target), open_url)
    assert (result.status, result.fetched, result.size) == (Status.COMPLETE, False, len(content))
    assert target.read_bytes() == bytes(len(content))


def test_a_wrong_size_in_the_catalog_is_a_note_and_not_a_failure(
    mast_sandbox: Sandbox, uri: str, content: bytes, tmp_path: Path, open_url: OpenUrl
) -> None:
    """Sizes in the catalog are not always right: a complete body of another length is COMPLETE with a message."""
    result = bring(planned_for(mast_sandbox, uri, tmp_path / "x.fits", len(content) + 7), open_url)
    assert result.status is Status.COMPLETE
    assert str(len(content) + 7) in str(result.message)
    assert result.url is None


def test_a_body_without_length_is_complete(
    mast_sandbox: Sandbox, uri: str, content: bytes, tmp_path: Path, open_url: OpenUrl
) -> None:
    """A generated file has no Content-Length, and is downloaded completely."""
    mast_sandbox.faults.add("download", Fault.no_length())
    result = bring(planned_for(mast_sandbox, uri, tmp_path / "x.fits", len(content)), open_url)
    assert result.status is Status.COMPLETE
    assert (tmp_path / "x.fits").read_bytes() == content


def test_a_body_that_ends_with_the_connection_must_have_the_cataloged_size(tmp_path: Path) -> None:
    """Without an end marker, a body shorter than in the catalog may be truncated, and is not accepted."""
    planned = to_fetch(tmp_path / "x", size=10)
    result = bring(planned, lambda _url, _headers: response(b"12345"))
    assert (result.status, files_in(tmp_path)) == (Status.ERROR, [])
    assert "received 5 of 10 bytes" in str(result.message)
    marked = bring(planned, lambda _url, _headers: response(b"12345", {"Transfer-Encoding": "identity"}))
    assert marked.status is Status.COMPLETE


@pytest.mark.parametrize("announced", ["4", "9"])
def test_a_wrong_content_length_is_an_error(tmp_path: Path, announced: str) -> None:
    """More bytes than announced are an error, like fewer, even if the HTTP library accepts them."""
    result = bring(to_fetch(tmp_path / "x"), lambda _url, _headers: response(b"12345", {"Content-Length": announced}))
    assert (result.status, files_in(tmp_path)) == (Status.ERROR, [])
    assert f"received 5 of {announced} bytes" in str(result.message)


class Zeros(io.RawIOBase):
    """A body of a given length that is generated as it is read."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = min(self.left, len(buffer))
        buffer[:size] = bytes(size)
        self.left -= size
        return size


def test_a_large_file_is_never_held_in_memory(tmp_path: Path) -> None:
    """A transfer needs memory for a few pieces, for any file size, without a progress bar (B26)."""
    size = 48 << 20
    answer = response(io.BufferedReader(Zeros(size)), {"Content-Length": str(size)})
    planned = to_fetch(tmp_path / "x", size=size)
    tracemalloc.start()
    try:
        (result,) = download([planned], lambda _url, _headers: answer, RunOptions(verbose=False))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (result.status, result.size) == (Status.COMPLETE, size)
    assert peak < size / 4


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            BadRequestError("no such file", status=404),
            "HTTPError: 404 Client Error: Not Found for url: u?uri=mast:x",
        ),
        (AccessDeniedError("log in", status=401), "HTTPError: 401 Client Error: Unauthorized for url"),
        (ServerError("busy", status=503), "HTTPError: 503 Server Error: Service Unavailable for url"),
        (ServerError("odd", status=599), "HTTPError: 599 Server Error"),
        (ServerError("could not be reached"), "could not be reached"),
        (requests.exceptions.ConnectionError("refused"), "ConnectionError: refused"),
        (requests.exceptions.TooManyRedirects("loop"), "TooManyRedirects: loop"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
    ],
)
def test_a_failure_to_open_is_a_result(tmp_path: Path, error: Exception, words: str) -> None:
    """For every exception, the result has the words that user code may match, and the address."""

    def open_url(_url: str, _headers: Mapping[str, str]) -> requests.Response:
        raise error

    planned = to_fetch(tmp_path / "x")
    result = bring(planned, open_url)
    assert (result.status, result.url) == (Status.ERROR, "u?uri=mast:x")
    assert words in str(result.message)


class Body:
    """A body that raises an exception in the middle."""

    def __init__(self, error: BaseException) -> None:
        self.error, self.headers, self.closed = error, {"Content-Length": "10"}, False
        self.status_code = 200

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_args: object) -> None:
        self.closed = True

    def iter_content(self, _size: int) -> object:
        yield b"12345"
        raise self.error


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """An OSError during the transfer is an ERROR with its reason; neither the file nor a .part file is left."""
    body = Body(OSError(errno.ENOSPC, "No space left on device"))
    planned = to_fetch(tmp_path / "x")
    counted: list[int] = []
    result = download_file(planned, lambda _url, _headers: body, progress=counted.append)  # type: ignore[arg-type, return-value]
    assert "No space left on device" in str(result.message)
    assert counted == [5, -5]
    assert files_in(tmp_path) == []
    assert body.closed


def test_ctrl_c_is_raised_after_cleaning_up(tmp_path: Path) -> None:
    """KeyboardInterrupt is raised, the connection is closed, and no .part file is left."""
    body = Body(KeyboardInterrupt())
    planned = to_fetch(tmp_path / "x")
    with pytest.raises(KeyboardInterrupt):
        bring(planned, lambda _url, _headers: body)  # type: ignore[arg-type, return-value]
    assert files_in(tmp_path) == []
    assert body.closed


def test_a_folder_made_in_place_of_the_file_is_an_error(
    tmp_path: Path,
    mast_sandbox: Sandbox,
    uri: str,
    open_url: OpenUrl,
) -> None:
    """A folder made after the plan is not taken for a file that another process has downloaded."""
    target = tmp_path / "x.fits"
    planned = planned_for(mast_sandbox, uri, target)
    target.mkdir()
    result = bring(planned, open_url)
    assert result.status is Status.ERROR
    assert "a folder with this name exists" in (result.message or "")
    assert list(target.iterdir()) == []


def test_a_file_in_place_of_a_folder_is_a_result(tmp_path: Path) -> None:
    """A folder that cannot be made is an ERROR, and not an exception."""
    (tmp_path / "taken").write_text("a file")
    planned = to_fetch(tmp_path / "taken" / "x")
    result = bring(planned, lambda _url, _headers: response(b"12345"))
    assert result.status is Status.ERROR
    assert (tmp_path / "taken").read_text() == "a file"


def test_a_refused_file_has_the_reason(tmp_path: Path) -> None:
    """A file that the plan refuses is an ERROR with the reason of the plan, and is not requested."""
    planned = PlannedFile(3, None, None, None, tmp_path / "x", None, Action.REFUSE, "the product has no dataURI")
    (result,) = download([planned], pytest.fail, RunOptions(verbose=False))  # type: ignore[arg-type]
    assert (result.index, result.status, result.message) == (3, Status.ERROR, "the product has no dataURI")


def test_an_existing_file_serves_when_mast_is_unavailable(tmp_path: Path) -> None:
    """A file that may be current is kept with a message; one of a wrong size is an ERROR, unchanged (B24)."""

    def away(_url: str, _headers: Mapping[str, str]) -> requests.Response:
        raise ServerError("could not be reached")

    target = tmp_path / "x"
    target.write_bytes(b"12345")
    unknown = single_file("mast:x", target, download_url="u", cache=True, disk=LOCAL_FILES)
    result = bring(unknown, away)
    assert (result.status, result.size) == (Status.COMPLETE, 5)
    assert "could not be compared" in str(result.message)
    differing = to_fetch(target, size=6, action=Action.CHECK)
    assert bring(differing, away).status is Status.ERROR
    assert target.read_bytes() == b"12345"


def test_a_file_that_is_known_to_differ_is_not_unconfirmed(tmp_path: Path) -> None:
    """If MAST sent another length before it became unavailable, the existing file is not kept."""
    target = tmp_path / "x.bin"
    target.write_bytes(b"12345")
    answers: list[requests.Response | Exception] = [response(b"", {"Content-Length": "6"})]

    def open_url(_url: str, _headers: Mapping[str, str]) -> requests.Response:
        answer = answers.pop() if answers else ServerError("could not be reached")
        if isinstance(answer, Exception):
            raise answer
        return answer

    result = bring(to_fetch(target, action=Action.CHECK), open_url)
    assert (result.status, result.message) == (Status.ERROR, "ServerError: could not be reached")
    assert target.read_bytes() == b"12345"


def test_downloads_to_disk_do_not_import_stores() -> None:
    """The module for stores is imported only when an address of a store is given."""
    code = (
        "import sys, astroquery_mast; from astroquery_mast.downloads import destination as d, product_flow; "
        "d.destination('x'); d.file_system_at(d.destination('~')); d.local_target(None, 'x.fits'); "
        "assert 'astroquery_mast.downloads.store' not in sys.modules and 'fsspec' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("local_path", "expected"),
    [
        (None, "f.fits"),
        ("here.fits", "here.fits"),
        ("folder", "folder/f.fits"),
        ("run_v0.4", "run_v0.4/f.fits"),
        ("new_v0.5/", "new_v0.5/f.fits"),
        ("README", "README"),
        ("new", "new/f.fits"),
        ("nope/g.fits", "nope/g.fits"),
    ],
)
def test_local_path_is_a_file_or_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local_path: str | None, expected: str
) -> None:
    """An existing path is what it is; otherwise a trailing separator or a missing extension means a folder (B43)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "run_v0.4").mkdir()
    (tmp_path / "README").write_text("a file without an ending")
    assert local_target(local_path, "f.fits") == Path(expected)
    if local_path and not local_path.endswith("/"):
        assert local_target(Path(local_path), "f.fits") == Path(expected)
