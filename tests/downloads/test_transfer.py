"""One file over real HTTP: it is whole under its name, or it is not there."""

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


def test_whole_file_arrives_with_its_digest(
    mast_sandbox: Sandbox, uri: str, content: bytes, tmp_path: Path, open_url: OpenUrl
) -> None:
    """The bytes on disk are the archive's, the result carries their number and digest, and no .part is left."""
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
def test_truncated_body_leaves_no_file_under_the_final_name(
    mast_sandbox: Sandbox, uri: str, tmp_path: Path, open_url: OpenUrl, fault: Fault
) -> None:
    """A body that always breaks off is tried a few times, and then an ERROR without the final name (B25)."""
    mast_sandbox.faults.add("download", fault, times=None)
    counted: list[int] = []
    result = download_file(planned_for(mast_sandbox, uri, tmp_path / "x.fits"), open_url, progress=counted.append)
    assert result.status is Status.ERROR
    assert result.url == f"{mast_sandbox.url}/api/v0.1/Download/file?uri={uri}"
    assert files_in(tmp_path) == ["x.fits.mast.part", "x.fits.mast.part.json"]
    assert sum(counted) == (tmp_path / "x.fits.mast.part").stat().st_size
    assert (result.attempts, len(mast_sandbox.requests.of("download"))) == (3, 3)


@pytest.mark.parametrize("fault", [Fault.cut(5000), Fault.reset(70000)], ids=str)
def test_broken_body_is_asked_for_again(
    mast_sandbox: Sandbox,
    uri: str,
    content: bytes,
    tmp_path: Path,
    open_url: OpenUrl,
    fault: Fault,
) -> None:
    """A body that breaks off once or twice comes whole at the third try."""
    mast_sandbox.faults.add("download", fault, times=2)
    result = bring(planned_for(mast_sandbox, uri, tmp_path / "x.fits"), open_url)
    assert result.status is Status.COMPLETE
    assert (tmp_path / "x.fits").read_bytes() == content


def test_failed_transfer_keeps_the_older_file(
    mast_sandbox: Sandbox, uri: str, tmp_path: Path, open_url: OpenUrl
) -> None:
    """What was there before stays, byte for byte, when the new one does not become whole (B21)."""
    (tmp_path / "x.fits").write_bytes(b"older")
    mast_sandbox.faults.add("download", Fault.cut(5000), times=None)
    result = bring(planned_for(mast_sandbox, uri, tmp_path / "x.fits", cache=False), open_url)
    assert result.status is Status.ERROR
    assert (tmp_path / "x.fits").read_bytes() == b"older"
    assert files_in(tmp_path) == ["x.fits", "x.fits.mast.part", "x.fits.mast.part.json"]


def test_shorter_older_file_is_replaced_and_not_appended_to(
    mast_sandbox: Sandbox, uri: str, content: bytes, tmp_path: Path, open_url: OpenUrl
) -> None:
    """A file of another length is fetched anew, from its first byte (B21, B22)."""
    (tmp_path / "x.fits").write_bytes(b"junk" * 100)
    assert bring(planned_for(mast_sandbox, uri, tmp_path / "x.fits"), open_url).status is Status.COMPLETE
    assert (tmp_path / "x.fits").read_bytes() == content
    assert all("range" not in record.headers for record in mast_sandbox.requests.of("download"))


def test_file_of_unknown_size_is_kept_if_the_archive_has_as_many_bytes(
    mast_sandbox: Sandbox, uri: str, content: bytes, tmp_path: Path, open_url: OpenUrl
) -> None:
    """Where the catalog does not tell, one request compares, and nothing is written."""
    target = tmp_path / "x.fits"
    target.write_bytes(bytes(len(content)))
    result = bring(planned_for(mast_sandbox, uri, target), open_url)
    assert (result.status, result.fetched, result.size) == (Status.COMPLETE, False, len(content))
    assert target.read_bytes() == bytes(len(content))


def test_wrong_size_in_the_catalog_is_told_and_no_failure(
    mast_sandbox: Sandbox, uri: str, content: bytes, tmp_path: Path, open_url: OpenUrl
) -> None:
    """Cataloged sizes are not always right: a whole body of another length is complete, with a message."""
    result = bring(planned_for(mast_sandbox, uri, tmp_path / "x.fits", len(content) + 7), open_url)
    assert result.status is Status.COMPLETE
    assert str(len(content) + 7) in str(result.message)
    assert result.url is None


def test_body_without_length_comes_whole(
    mast_sandbox: Sandbox, uri: str, content: bytes, tmp_path: Path, open_url: OpenUrl
) -> None:
    """A generated file has no Content-Length; it comes whole all the same."""
    mast_sandbox.faults.add("download", Fault.no_length())
    result = bring(planned_for(mast_sandbox, uri, tmp_path / "x.fits", len(content)), open_url)
    assert result.status is Status.COMPLETE
    assert (tmp_path / "x.fits").read_bytes() == content


def test_body_that_only_ends_with_the_connection_must_reach_the_cataloged_size(tmp_path: Path) -> None:
    """Without any mark of its end a body shorter than cataloged may be cut, and is not taken for whole."""
    planned = to_fetch(tmp_path / "x", size=10)
    result = bring(planned, lambda _url, _headers: response(b"12345"))
    assert (result.status, files_in(tmp_path)) == (Status.ERROR, [])
    assert "received 5 of 10 bytes" in str(result.message)
    marked = bring(planned, lambda _url, _headers: response(b"12345", {"Transfer-Encoding": "identity"}))
    assert marked.status is Status.COMPLETE


@pytest.mark.parametrize("announced", ["4", "9"])
def test_length_that_lies_is_an_error(tmp_path: Path, announced: str) -> None:
    """More bytes than announced are as suspect as fewer, whether or not the HTTP library minds."""
    result = bring(to_fetch(tmp_path / "x"), lambda _url, _headers: response(b"12345", {"Content-Length": announced}))
    assert (result.status, files_in(tmp_path)) == (Status.ERROR, [])
    assert f"received 5 of {announced} bytes" in str(result.message)


class Zeros(io.RawIOBase):
    """A body of a given length that exists nowhere at once."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = min(self.left, len(buffer))
        buffer[:size] = bytes(size)
        self.left -= size
        return size


def test_large_file_is_never_held_in_memory(tmp_path: Path) -> None:
    """The memory of a transfer is that of a few pieces, whatever the size of the file, and with no bar shown (B26)."""
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
def test_failure_to_open_is_a_result(tmp_path: Path, error: Exception, words: str) -> None:
    """Whatever stops the transfer, the result says so in the words that code matches on, and names the address."""

    def open_url(_url: str, _headers: Mapping[str, str]) -> requests.Response:
        raise error

    planned = to_fetch(tmp_path / "x")
    result = bring(planned, open_url)
    assert (result.status, result.url) == (Status.ERROR, "u?uri=mast:x")
    assert words in str(result.message)


class Body:
    """A body that does something in its middle."""

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


def test_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """An OSError in mid-body is an ERROR with its reason; neither the name nor a .part is left."""
    body = Body(OSError(errno.ENOSPC, "No space left on device"))
    planned = to_fetch(tmp_path / "x")
    counted: list[int] = []
    result = download_file(planned, lambda _url, _headers: body, progress=counted.append)  # type: ignore[arg-type, return-value]
    assert "No space left on device" in str(result.message)
    assert counted == [5, -5]
    assert files_in(tmp_path) == []
    assert body.closed


def test_ctrl_c_passes_through_after_cleaning_up(tmp_path: Path) -> None:
    """KeyboardInterrupt reaches the caller, the connection is closed, and no .part is left."""
    body = Body(KeyboardInterrupt())
    planned = to_fetch(tmp_path / "x")
    with pytest.raises(KeyboardInterrupt):
        bring(planned, lambda _url, _headers: body)  # type: ignore[arg-type, return-value]
    assert files_in(tmp_path) == []
    assert body.closed


def test_folder_made_in_place_of_the_file_is_an_error(
    tmp_path: Path,
    mast_sandbox: Sandbox,
    uri: str,
    open_url: OpenUrl,
) -> None:
    """A folder that came to lie there after the plan is not taken for a file that somebody else has brought."""
    target = tmp_path / "x.fits"
    planned = planned_for(mast_sandbox, uri, target)
    target.mkdir()
    result = bring(planned, open_url)
    assert result.status is Status.ERROR
    assert "a folder with this name exists" in (result.message or "")
    assert list(target.iterdir()) == []


def test_file_where_a_folder_is_needed_is_a_result(tmp_path: Path) -> None:
    """A path that cannot be made is an ERROR, and not an exception."""
    (tmp_path / "taken").write_text("a file")
    planned = to_fetch(tmp_path / "taken" / "x")
    result = bring(planned, lambda _url, _headers: response(b"12345"))
    assert result.status is Status.ERROR
    assert (tmp_path / "taken").read_text() == "a file"


def test_refused_file_says_why(tmp_path: Path) -> None:
    """What the plan refuses is an ERROR with the plan's reason, and no request."""
    planned = PlannedFile(3, None, None, None, tmp_path / "x", None, Action.REFUSE, "the product has no dataURI")
    (result,) = download([planned], pytest.fail, RunOptions(verbose=False))  # type: ignore[arg-type]
    assert (result.index, result.status, result.message) == (3, Status.ERROR, "the product has no dataURI")


def test_local_copy_serves_when_the_archive_is_away(tmp_path: Path) -> None:
    """A file that nothing speaks against is used, with a message; one of a wrong size is an ERROR, untouched (B24)."""

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


def test_a_file_that_is_known_to_differ_is_not_taken_for_unconfirmed(tmp_path: Path) -> None:
    """An archive that has told another length, and then cannot be reached, has spoken against the file on disk."""
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


def test_files_on_disk_need_nothing_of_stores() -> None:
    """The module of stores is not imported before somebody names one."""
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
def test_local_path_is_a_file_or_a_folder_as_it_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local_path: str | None, expected: str
) -> None:
    """What exists is what it is; of what does not, a separator or a missing ending makes a folder (B43)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "run_v0.4").mkdir()
    (tmp_path / "README").write_text("a file without an ending")
    assert local_target(local_path, "f.fits") == Path(expected)
    if local_path and not local_path.endswith("/"):
        assert local_target(Path(local_path), "f.fits") == Path(expected)
