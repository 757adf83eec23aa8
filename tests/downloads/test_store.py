"""Downloads into stores, in memory and on a mock S3 server: complete, or no change."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from astropy.io import fits
from astropy.table import Table
from transfers import PART, SIZES, content_of, names, response, to_fetch

from astroquery_mast import Observations
from astroquery_mast.downloads.destination import destination
from astroquery_mast.downloads.store import StoreFileSystem, StoreStream, size_in_store
from astroquery_mast.downloads.transfer import download_file
from astroquery_mast.exceptions import BadRequestError
from astroquery_mast.products.manifest import Status
from astroquery_mast.products.plan import Action, PlannedFile, plan
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.service.retrying import Deadline

fsspec = pytest.importorskip("fsspec")
upath = pytest.importorskip("upath")

URL = "https://x.example/file"
CLOUD = "https://cloud.example/file"


class Server:
    """A function that opens addresses: returns one response after the other, and repeats the last one."""

    def __init__(self, *answers: bytes | Exception, headers: Mapping[str, str] | None = None, short: int = 0) -> None:
        self.answers = list(answers)
        self.headers = headers or {}
        self.short = short
        self.asked: list[str] = []

    def __call__(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Respond to a request."""
        self.asked.append(url)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        body = answer[: len(answer) // 2] if self.short else answer
        self.short = max(0, self.short - 1)
        return response(body, {"Content-Length": str(len(answer)), **self.headers})


def planned(place: Path, **changes: Any) -> PlannedFile:
    """Return the plan to download a file."""
    return to_fetch(place / "sub" / "a.bin", url=URL, reason="more were not found, either", **changes)


def brought(file: PlannedFile, server: Server, **options: Any) -> Any:
    """Carry out a plan without pauses."""
    return download_file(file, server, **options)


def stored(file: PlannedFile) -> bytes:
    """Return the bytes of a file in a store."""
    where: Any = file.local_path
    where.fs.invalidate_cache()
    return bytes(where.fs.cat_file(where.path))


# -- transfer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_a_file_is_downloaded(address: str, size: int) -> None:
    """The store has the bytes, and the result has their number and digest."""
    content, file, seen = content_of(size), planned(destination(address)), [0]

    def progress(number: int) -> None:
        seen[0] += number

    result = brought(file, Server(content), progress=progress)
    assert (result.status, result.message, result.size) == (Status.COMPLETE, None, size)
    assert result.sha256 == hashlib.sha256(content).hexdigest()
    assert (result.fetched, result.attempts, seen[0]) == (True, 1, size)
    assert stored(file) == content
    assert str(result.local_path) == f"{address}/sub/a.bin"


def test_a_truncated_body_is_requested_again(address: str) -> None:
    """A truncated file never appears, and progress is subtracted."""
    content, file, seen = content_of(3000), planned(destination(address)), [0]

    def progress(number: int) -> None:
        seen[0] += number

    result = brought(file, Server(content, short=2), progress=progress)
    assert (result.status, result.attempts, seen[0]) == (Status.COMPLETE, 3, 3000)
    other = replace(file, local_path=file.local_path.with_name("b.bin"))
    result = brought(other, Server(content, short=9), progress=progress)
    assert (result.status, result.attempts, seen[0]) == (Status.ERROR, 3, 3000)
    assert result.message == "Incomplete transfer: received 1500 of 3000 bytes"
    assert names(destination(address)) == ["a.bin"]


def fits_file() -> bytes:
    """Return a FITS file with an image, and an extension larger than a part of an upload."""
    stream = io.BytesIO()
    long = fits.ImageHDU(np.arange(PART // 4 + 9, dtype=np.int32))
    fits.HDUList([fits.PrimaryHDU(np.ones((30, 40))), long]).writeto(stream)
    return stream.getvalue()


@pytest.mark.parametrize("before", [None, b"as it was"])
def test_a_truncated_fits_file_is_not_saved(address: str, before: bytes | None) -> None:
    """A FITS file truncated by the server is requested again, and the old file stays."""
    content = fits_file()
    file, short = planned(destination(address), size=len(content)), content[: len(content) - 3000]
    if before is not None:
        assert brought(replace(file, size=None), Server(before)).status is Status.COMPLETE
    result = brought(file, Server(short))
    assert (result.status, result.attempts) == (Status.ERROR, 3)
    assert str(result.message).endswith(f"received {len(short)} of {len(content)} bytes: the FITS file is truncated")
    assert names(destination(address)) == ([] if before is None else ["a.bin"])
    assert size_in_store(file.local_path) == (None if before is None else len(before))
    again = brought(file, Server(short, content))
    assert (again.status, again.attempts, again.size) == (Status.COMPLETE, 2, len(content))
    assert stored(file) == content


def test_a_wrong_size_in_the_catalog_does_not_fail_a_complete_file(memory: str) -> None:
    """A FITS file with the length in its headers is complete, and other files cannot be checked."""
    content, file = fits_file(), planned(destination(memory))
    for body in content, b"text":
        result = brought(replace(file, size=len(body) + 5), Server(body))
        assert (result.status, result.attempts) == (Status.COMPLETE, 1)
        assert stored(file) == body


def test_a_wrong_checksum_is_an_error(memory: str) -> None:
    """The digest of the response or of the catalog must match; otherwise the old file stays."""
    content, file = content_of(3000), planned(destination(memory))
    assert brought(file, Server(b"old")).status is Status.COMPLETE
    right = hashlib.md5(content).hexdigest()
    wrong = brought(replace(file, checksum="0" * 32), Server(content))
    assert wrong.status is Status.ERROR
    assert right in str(wrong.message)
    assert stored(file) == b"old"
    assert brought(replace(file, checksum=right), Server(content)).status is Status.COMPLETE
    header = {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    assert brought(file, Server(content, headers=header)).status is Status.ERROR


def test_a_refusal_is_reported_as_for_disks(memory: str) -> None:
    """The message has the wording of requests, with the address."""
    result = brought(planned(destination(memory)), Server(BadRequestError("no such file", status=404)))
    assert result.status is Status.ERROR
    assert str(result.message).startswith(f"HTTPError: 404 Client Error: Not Found for url: {URL}")
    assert result.url == URL


def test_the_actions_of_a_plan(memory: str) -> None:
    """Files to keep, refuse or skip are not requested; files to check are downloaded if they differ."""
    file, server = planned(destination(memory)), Server(b"12345")
    refused = brought(replace(file, action=Action.REFUSE, reason="no address"), server)
    assert (refused.status, refused.message) == (Status.ERROR, "no address")
    assert brought(replace(file, action=Action.SKIP), server).status is Status.SKIPPED
    assert server.asked == []
    assert brought(file, server).fetched
    kept = brought(replace(file, action=Action.KEEP), server)
    assert (kept.status, kept.size, kept.fetched, len(server.asked)) == (Status.COMPLETE, 5, False, 1)
    checked = brought(replace(file, action=Action.CHECK), server)
    assert (checked.status, checked.size, checked.fetched) == (Status.COMPLETE, 5, False)
    assert brought(replace(file, action=Action.CHECK), Server(b"123456")).fetched
    assert brought(replace(file, action=Action.CHECK, compare_time=True), Server(b"654321")).fetched
    assert stored(file) == b"654321"


def test_the_cloud_copy_is_requested_first(memory: str) -> None:
    """If the cloud copy fails, the file is requested from MAST."""
    file = planned(destination(memory), cloud_url=CLOUD)
    server = Server(b"12345")
    assert brought(file, server).status is Status.COMPLETE
    assert server.asked == [CLOUD]
    server = Server(BadRequestError("more were not found, either", status=404), b"12345")
    assert brought(file, server).status is Status.COMPLETE
    assert server.asked == [CLOUD, URL]


def test_the_caller_can_stop_it(memory: str) -> None:
    """A transfer can be stopped before and during the download, and nothing is left."""
    file, deadline = planned(destination(memory)), Deadline()
    result = brought(file, Server(content_of(5 << 20)), deadline=deadline, progress=lambda _: deadline.stop())
    assert (result.status, result.message) == (Status.ERROR, "The download was cancelled.")
    result = brought(file, Server(b"1"), deadline=Deadline.start(-1))
    assert "Timed out after" in str(result.message)
    assert names(destination(memory)) == []


def test_a_failing_store_is_a_result(s3: str) -> None:
    """No exception of the store's client is raised: no such bucket, no connection, no credentials."""
    place = destination(s3.replace("bucket", "nobody-has-this-one"))
    result = brought(planned(place), Server(b"12345"))
    assert result.status is Status.ERROR
    assert "Cannot write" in str(result.message)


def test_a_store_that_cannot_be_reached_is_an_error(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is listening on this port."""
    place = upath.UPath(s3, endpoint_url="http://127.0.0.1:9", config_kwargs={"retries": {"max_attempts": 0}})
    result = brought(planned(destination(place)), Server(b"12345"))
    assert result.status is Status.ERROR
    assert "Cannot write" in str(result.message)


# -- the plan ------------------------------------------------------------------------------------------------------


def products(count: int = 3) -> Table:
    """Return a product table."""
    return Table(
        {
            "dataURI": [f"mast:HST/product/{number}.bin" for number in range(count)],
            "productFilename": [f"{number}.bin" for number in range(count)],
            "obs_collection": ["HST"] * count,
            "obs_id": ["a"] * count,
            "size": [5] * count,
        }
    )


def test_the_plan_uses_the_files_in_the_store(address: str) -> None:
    """Files with the cataloged size are kept, others are checked, and missing ones are downloaded."""

    def decide() -> list[PlannedFile]:
        place = destination(address)
        return plan(products(), base_dir=place, download_url=URL, disk=StoreFileSystem())

    assert [file.action for file in decide()] == [Action.FETCH] * 3
    first, second, _ = decide()
    assert str(first.local_path) == f"{address}/HST/a/0.bin"
    brought(first, Server(b"12345"))
    brought(second, Server(b"1234567"))
    assert [file.action for file in decide()] == [Action.KEEP, Action.CHECK, Action.FETCH]
    results = [brought(file, Server(b"12345")) for file in decide()]
    assert [result.fetched for result in results] == [False, True, True]
    assert [file.action for file in decide()] == [Action.KEEP] * 3


def test_names_from_the_server_stay_in_the_download_folder(memory: str) -> None:
    """No name in a product table leads out of the folder."""
    table = products(4)
    table["productFilename"] = ["../../evil", "/etc/passwd", "..", "a/../../b"]
    table["obs_id"] = ["..", "../..", "/", "."]
    for file in plan(table, base_dir=destination(memory), download_url=URL, disk=StoreFileSystem()):
        assert file.action is Action.FETCH
        assert str(file.local_path.resolve()).startswith(f"{memory}/")


def test_a_folder_is_listed_once(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan for many files does not send a request to the store for each."""
    asked: list[str] = []
    kind = type(fsspec.filesystem("memory"))
    original: Callable[..., Any] = kind.ls

    def ls(self: Any, path: str, *args: Any, **options: Any) -> Any:
        asked.append(path)
        return original(self, path, *args, **options)

    place = destination(memory)
    brought(replace(planned(place), local_path=place / "HST" / "a" / "0.bin"), Server(b"12345"))
    monkeypatch.setattr(kind, "ls", ls)
    decided = plan(products(200), base_dir=place, download_url=URL, disk=StoreFileSystem())
    assert [file.action for file in decided].count(Action.KEEP) == 1
    assert len(asked) == 1


def test_a_folder_with_the_name_of_a_file_is_detected(memory: str) -> None:
    """A file cannot replace it."""
    place = destination(memory)
    with StoreStream(place / "HST" / "a" / "0.bin" / "inner") as stream:
        stream.begin(None)
        stream.write(b"x")
        stream.finish(None)
    decided = plan(products(1), base_dir=place, download_url=URL, disk=StoreFileSystem())
    assert decided[0].action is Action.REFUSE


def test_a_manifest_of_a_store_can_be_verified_and_retried(mast_sandbox: Sandbox, memory: str, tmp_path: Path) -> None:
    """Files in a store are verified and downloaded again, also with a saved manifest."""
    rows = mast_sandbox.archive.query(
        "SELECT * FROM product WHERE dataURI LIKE '%_drc.fits' AND size < 2000000 LIMIT 2"
    )
    names = ("dataURI", "productFilename", "obs_collection", "obs_id", "size")
    products = Table({name: [row[name] for row in rows] for name in names})
    manifest = Observations.download_products(products, download_dir=memory, verbose=False)
    manifest.write(tmp_path / "m.ecsv")
    again = Table.read(tmp_path / "m.ecsv")
    assert list(Observations.verify_downloads(again, verbose=False)["Status"]) == ["OK", "OK"]
    upath.UPath(str(manifest["Local Path"][0])).write_bytes(b"spoilt")
    checked = Observations.verify_downloads(again, verbose=False)
    assert list(checked["Status"]) == ["CHANGED", "OK"]
    mended = Observations.retry_downloads(checked, verbose=False)
    assert mended["Status"][0] == "COMPLETE"
    assert upath.UPath(str(manifest["Local Path"][0])).stat().st_size == manifest["Size"][0]
    assert not list(tmp_path.rglob("*.fits"))
