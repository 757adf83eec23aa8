"""Every fault with files of every size: the file has the right bytes, or is absent."""

from __future__ import annotations

import base64
import hashlib
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest
import requests
from transfers import address_of, files_in, to_fetch

from astroquery_mast.config import Endpoints, conf
from astroquery_mast.downloads.transfer import OpenUrl, download_file
from astroquery_mast.products.manifest import Status, TransferResult
from astroquery_mast.products.plan import PlannedFile
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.archive import Archive
from astroquery_mast.sandbox.server import shared_archive
from astroquery_mast.service.http import HttpClient
from astroquery_mast.service.retrying import Deadline

SIZES = {"0 B": 0, "1 B": 1, "1 MB": 1_000_000, "64 MB": 64_000_000}
PREFIX = "mast:SIZE/product/"


@lru_cache(maxsize=4)
def body_of(size: int) -> bytes:
    """Return the content of the file with a size."""
    return random.Random(size).randbytes(size)


@lru_cache(maxsize=64)
def sha256_of(size: int, content: Callable[[bytes], bytes]) -> str:
    """Return the digest of the file with a size, unchanged or after a change."""
    return hashlib.sha256(content(body_of(size))).hexdigest()


def as_it_was(body: bytes) -> bytes:
    """Return the content of an unchanged file."""
    return body


def changed(body: bytes) -> bytes:
    """Return the content of a file after `Fault.changed`."""
    return body.translate(bytes(reversed(range(256))))


class SizedFiles:
    """The archive of the sandbox, plus a file of every requested size."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def __getattr__(self, name: str) -> object:
        return getattr(self._archive, name)

    def product(self, uri: str) -> dict[str, object] | None:
        if not uri.startswith(PREFIX):
            return self._archive.product(uri)
        size = int(uri.removeprefix(PREFIX).removesuffix(".bin"))
        return {"dataURI": uri, "productFilename": f"{size}.bin", "size": size, "dataRights": "PUBLIC"}

    def render(self, uri: str) -> bytes:
        return body_of(int(uri.removeprefix(PREFIX).removesuffix(".bin")))


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    sandbox = Sandbox(archive=SizedFiles(shared_archive()))  # type: ignore[arg-type]
    sandbox.serve()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def archive(server: Sandbox) -> Iterator[Sandbox]:
    server.reset()
    with server.in_use():
        yield server
    server.reset()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder that is removed after the test: pytest would keep the gigabytes of three runs."""
    yield tmp_path
    shutil.rmtree(tmp_path)


def opener() -> OpenUrl:
    """Return a function that opens addresses like the client: an HTTP error status is an exception."""
    wire = HttpClient(requests.Session().request, Endpoints(str(conf.server)))

    def open_url(url: str, headers: Mapping[str, str]) -> requests.Response:
        return wire.request("GET", url, headers=headers, deadline=Deadline(30), service="MAST download", stream=True)

    return open_url


def planned_for(sandbox: Sandbox, size: int, folder: Path, checksum: str | None = None) -> PlannedFile:
    uri = f"{PREFIX}{size}.bin"
    url = address_of(sandbox, uri)
    return to_fetch(folder / "x.bin", uri, url, size=size, reason="not on disk", checksum=checksum)


@dataclass(frozen=True)
class Row:
    """A row of the table: a fault, how often it occurs, and the expected result."""

    name: str
    faults: Callable[[Sandbox, int], list[tuple[Fault, int | None]]]
    status: Status = Status.COMPLETE
    content: Callable[[bytes], bytes] = as_it_was
    empty_is_well: bool = False
    """Whether the fault has no effect on an empty file."""


def once(fault: Callable[[int], Fault]) -> Callable[[Sandbox, int], list[tuple[Fault, int | None]]]:
    return lambda _sandbox, size: [(fault(size), 1)]


def always(fault: Callable[[int], Fault]) -> Callable[[Sandbox, int], list[tuple[Fault, int | None]]]:
    return lambda _sandbox, size: [(fault(size), None)]


def after_a_cut(fault: Fault, times: int | None = 1) -> Callable[[Sandbox, int], list[tuple[Fault, int | None]]]:
    return lambda _sandbox, size: [(Fault.cut(size // 2), 1), (fault, times)]


def moved(host: str) -> Callable[[Sandbox, int], list[tuple[Fault, int | None]]]:
    def faults(sandbox: Sandbox, size: int) -> list[tuple[Fault, int | None]]:
        server = sandbox.url.replace("127.0.0.1", host)
        return [(Fault.redirect(f"{server}/jwst/api/v0.1/download/file?uri={PREFIX}{size}.bin"), 1)]

    return faults


def checksum(size: int, *, right: bool) -> Fault:
    digest = hashlib.md5(body_of(size) if right else b"something else").digest()
    return Fault.headers({"Content-MD5": base64.b64encode(digest).decode()})


ROWS = [
    Row("nothing", lambda _sandbox, _size: []),
    Row("cut at half, once", once(lambda size: Fault.cut(size // 2))),
    Row("cut at half, every time", always(lambda size: Fault.cut((size + 1) // 2))),
    Row("cut at 0, every time", always(lambda _size: Fault.cut(0)), Status.ERROR, empty_is_well=True),
    Row("reset at half, once", once(lambda size: Fault.reset(size // 2))),
    Row("reset, every time", always(lambda _size: Fault.reset(0)), Status.ERROR),
    Row("longer length, once", once(lambda size: Fault.lie_length(size + 7))),
    Row("longer length, every time", always(lambda size: Fault.lie_length(size + 7)), Status.ERROR),
    Row("chunked, no length", once(lambda _size: Fault.no_length())),
    Row("no length, ends with the connection", once(lambda _size: Fault.no_length("close"))),
    Row(
        "no length, cut at half, every time",
        always(lambda size: Fault.no_length("close") + Fault.cut(size // 2)),
        Status.ERROR,
        empty_is_well=True,
    ),
    Row("chunked, cut at half, once", once(lambda size: Fault.no_length() + Fault.cut(size // 2))),
    Row("Range ignored after a cut", after_a_cut(Fault.no_range())),
    Row("file changed after a cut", after_a_cut(Fault.changed(), None), content=changed),
    Row(
        "file changed after a cut, If-Range ignored",
        after_a_cut(Fault.changed(heeds_if_range=False), None),
        content=changed,
    ),
    Row("wrong Content-Range after a cut", after_a_cut(Fault.wrong_range())),
    Row("no Content-Range after a cut", after_a_cut(Fault.no_content_range())),
    Row("416 after a cut", after_a_cut(Fault.not_satisfiable())),
    Row("redirect", moved("127.0.0.1")),
    Row("redirect to another host", moved("localhost")),
    Row("503 with Retry-After", once(lambda _size: Fault.status(503, retry_after=1))),
    Row("429 after a cut", after_a_cut(Fault.status(429, retry_after=1))),
    Row("500 every time", always(lambda _size: Fault.status(500)), Status.ERROR),
    Row("401", always(lambda _size: Fault.status(401)), Status.ERROR),
    Row("404", always(lambda _size: Fault.status(404)), Status.ERROR),
    Row("204", always(lambda _size: Fault.status(204)), Status.ERROR),
    Row("206 unasked", always(lambda _size: Fault.status(206, body=b"x")), Status.ERROR),
    Row("web page, once", once(lambda _size: Fault.garbage())),
    Row("web page, every time", always(lambda _size: Fault.garbage()), Status.ERROR),
    Row("delay", once(lambda _size: Fault.delay(0.02))),
    Row("slow", once(lambda size: Fault.slow(max(1, size // 8), 0.002))),
    Row("right Content-MD5", always(lambda size: checksum(size, right=True))),
    Row("wrong Content-MD5, once", once(lambda size: checksum(size, right=False))),
    Row("wrong Content-MD5, every time", always(lambda size: checksum(size, right=False)), Status.ERROR),
]


def play(row: Row, size: int, sandbox: Sandbox, folder: Path) -> TransferResult:
    """Carry out a transfer with a fault."""
    for fault, times in row.faults(sandbox, size):
        sandbox.faults.add("download", fault, times=times)
    return download_file(planned_for(sandbox, size, folder), opener())


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_file_has_the_right_bytes_or_is_absent(row: Row, size: int, archive: Sandbox, folder: Path) -> None:
    """For every fault, a COMPLETE file has the SHA-256 of that at MAST, and an ERROR leaves no file."""
    result = play(row, size, archive, folder)
    target = folder / "x.bin"
    if row.status is Status.COMPLETE or (row.empty_is_well and not size):
        assert (result.status, result.message, result.size) == (Status.COMPLETE, None, size)
        assert result.sha256 == sha256_of(size, row.content)
        same = target.read_bytes() == row.content(body_of(size))
        assert same, "the bytes on disk are not those of the digest"
        assert files_in(folder) == ["x.bin"]
    else:
        assert result.status is Status.ERROR
        assert result.message
        assert not target.exists()


def test_a_shorter_content_length_is_noted_and_found_by_a_checksum(archive: Sandbox, tmp_path: Path) -> None:
    """A response that is consistently too short cannot be distinguished from a shorter file, except by a digest."""
    size = SIZES["1 MB"]
    archive.faults.add("download", Fault.lie_length(size - 7), times=None)
    unknown = download_file(planned_for(archive, size, tmp_path), opener())
    assert (unknown.status, unknown.size) == (Status.COMPLETE, size - 7)
    assert f"bytes as sent by MAST, but the catalog lists {size}" in str(unknown.message)
    (tmp_path / "x.bin").unlink()
    digest = hashlib.md5(body_of(size)).hexdigest()
    known = download_file(planned_for(archive, size, tmp_path, digest), opener())
    assert known.status is Status.ERROR
    assert "from the catalog" in str(known.message)
    assert files_in(tmp_path) == []
