"""Remote files: only the needed bytes are read, and never bytes of two versions."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import requests
from astropy.io import fits
from astroquery.exceptions import InvalidQueryError, LoginError, RemoteServiceError
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast import ObservationsClass
from astroquery_mast.downloads.remote_file import open_remote
from astroquery_mast.exceptions import BadRequestError, InvalidResponseError, MastError
from astroquery_mast.sandbox import Fault, Sandbox

BIG = "mast:HLSP/m51/m51/hlsp_m51_hst_acs_m51_f435w_v1.0_drz.fits"
CONTENT = random.Random(7).randbytes(100_000)


@pytest.fixture
def observations(mast_sandbox: Sandbox) -> ObservationsClass:
    """Return a client with its own cloud setting."""
    return ObservationsClass()


def sent(sandbox: Sandbox) -> int:
    """Return the number of bytes of files that the sandbox has sent."""
    return sum(record.sent for record in (*sandbox.requests.of("download"), *sandbox.requests.of("cloud")))


def small_file(sandbox: Sandbox, rights: str = "PUBLIC", least: int = 200_000) -> str:
    """Return the dataURI of a file of a few hundred thousand bytes."""
    sql = """SELECT dataURI FROM product WHERE dataRights = ? AND size BETWEEN ? AND 2000000
             AND productFilename LIKE '%.fits' AND obs_collection IN ('HST', 'JWST') ORDER BY size LIMIT 1"""
    return str(sandbox.archive.query(sql, (rights, least))[0]["dataURI"])


# -- file interface ------------------------------------------------------------------------------------------------


class Server:
    """A server of one file in memory, with configurable responses."""

    def __init__(self, content: bytes, *, parts: bool = True) -> None:
        self.content = content
        self.parts = parts
        self.headers: dict[str, str] = {"ETag": '"1"'}
        self.asked: list[str | None] = []
        self.lose = 0
        self.answers: list[Mapping[str, Any]] = []

    def __call__(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Respond to a request."""
        span = headers.get("Range")
        self.asked.append(span)
        body, status, told = self.content, 200, dict(self.headers)
        if self.parts and span is not None:
            first, last = (int(number) for number in span.removeprefix("bytes=").split("-"))
            if first >= len(self.content):
                raise BadRequestError("beyond the end", status=416)
            body = self.content[first : last + 1]
            status = 206
            told["Content-Range"] = f"bytes {first}-{first + len(body) - 1}/{len(self.content)}"
        told["Content-Length"] = str(len(body))
        if self.lose:
            self.lose -= 1
            body = body[:-1]
        special = self.answers.pop(0) if self.answers else {}
        response = requests.Response()
        response.status_code = special.get("status", status)
        response.headers.update({**told, **special.get("headers", {})})
        response.raw = io.BytesIO(special.get("body", body))
        return response


def opened(server: Server, block_size: int = 1000) -> io.BufferedReader:
    """Open a file on a server."""
    return open_remote("https://x.example/f", server, name="f", block_size=block_size)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(-1, 5000)),
        st.tuples(st.just("set"), st.integers(0, 5500)),
        st.tuples(st.just("end"), st.integers(-5000, 100)),
        st.tuples(st.just("skip"), st.integers(-300, 3000)),
        st.tuples(st.just("line"), st.just(0)),
        st.tuples(st.just("peek"), st.just(0)),
    ),
    max_size=12,
)


@given(steps=STEPS, size=st.integers(0, 5000), block=st.integers(1, 6000), parts=st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_remote_file_behaves_like_a_file_on_disk(
    steps: list[tuple[str, int]], size: int, block: int, parts: bool
) -> None:
    """For any sequence of reads and seeks, the bytes and positions are those of a local file."""
    content = CONTENT[:size]
    ours, theirs = opened(Server(content, parts=parts), block), io.BytesIO(content)
    with ours:
        for step, number in steps:
            match step:
                case "read":
                    assert ours.read(number) == theirs.read(number)
                case "line":
                    assert ours.readline() == theirs.readline()
                case "peek":
                    assert ours.peek(1)[:1] == content[theirs.tell() : theirs.tell() + 1]
                case "set":
                    assert ours.seek(number) == theirs.seek(number)
                case "end" if size + number >= 0:
                    assert ours.seek(number, io.SEEK_END) == theirs.seek(number, io.SEEK_END)
                case "skip" if theirs.tell() + number >= 0:
                    assert ours.seek(number, io.SEEK_CUR) == theirs.seek(number, io.SEEK_CUR)
            assert ours.tell() == theirs.tell()


def test_the_file_interface() -> None:
    """The file has the attributes that readers need, raises for unsupported operations, and can be closed twice."""
    file = opened(Server(CONTENT))
    assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
    assert (file.name, file.mode) == ("f", "rb")
    with pytest.raises(ValueError, match=r"negative position \(-1\)"):
        file.seek(-1)
    with pytest.raises(ValueError, match="whence"):
        file.seek(0, 9)
    with pytest.raises(io.UnsupportedOperation):
        file.fileno()
    file.close()
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.read(1)
    with pytest.raises(ValueError, match="block_size"):
        opened(Server(CONTENT), 0)


def test_seeking_sends_no_request() -> None:
    """One request opens the file; then only reads send requests, and only for bytes not in memory."""
    server = Server(CONTENT)
    with opened(server) as file:
        assert server.asked == ["bytes=0-999"]
        file.seek(0, io.SEEK_END)
        file.seek(50_000)
        file.seek(10)
        assert file.read(900) == CONTENT[10:910]
        assert len(server.asked) == 1
        file.seek(50_000)
        assert file.read(10) + file.read(900) == CONTENT[50_000:50_910]
        assert server.asked == ["bytes=0-999", "bytes=50000-50999"]


def test_an_empty_file_is_empty() -> None:
    """A file without bytes is not an error."""
    with opened(Server(b"")) as file:
        assert (file.read(), file.seek(0, io.SEEK_END)) == (b"", 0)


def test_a_broken_connection_is_retried() -> None:
    """An incomplete part is requested again, and in the end an error is raised."""
    server = Server(CONTENT)
    server.lose = 2
    with opened(server) as file:
        server.lose = 2
        file.seek(5000)
        assert file.read(100) == CONTENT[5000:5100]
        server.lose = 99
        file.seek(90_000)
        with pytest.raises(RemoteServiceError, match="received 999 of 1000 bytes"):
            file.read(100)
        server.lose = 0
        assert file.seek(90_000) == 90_000
        assert file.read(100) == CONTENT[90_000:90_100]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 200}, "changed"),
        ({"headers": {"ETag": '"2"'}}, "changed"),
        ({"headers": {"Content-Range": "bytes 0-999/100000"}}, "5000-5999"),
        ({"headers": {"Content-Range": "bytes 5000-5999/100001"}}, "5000-5999"),
        ({"headers": {"Content-Range": "nonsense"}}, "nonsense"),
        ({"headers": {"Content-Encoding": "br"}}, "5000-5999"),
    ],
    ids=["whole", "another", "elsewhere", "longer", "nonsense", "compressed"],
)
def test_bytes_of_another_part_or_file_are_rejected(answer: Mapping[str, Any], words: str) -> None:
    """The response must be the requested part of the file that was opened."""
    server = Server(CONTENT)
    with opened(server) as file:
        server.answers = [answer]
        file.seek(5000)
        with pytest.raises(InvalidResponseError, match=words):
            file.read(10)


def test_a_first_response_with_another_part_raises() -> None:
    """The first response is checked, too."""
    server = Server(CONTENT)
    server.answers = [{"headers": {"Content-Range": "bytes 1-1000/100000"}}]
    with pytest.raises(InvalidResponseError, match="0-999"):
        opened(server)


# -- over HTTP -----------------------------------------------------------------------------------------------------


def test_only_what_is_needed_is_read(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """The headers of a 17 MB image need a few hundred kilobytes, and ten of its rows not much more."""
    size = observations._service.http.request(
        "HEAD", f"{mast_sandbox.url}/api/v0.1/Download/file?uri={BIG}", deadline=observations._service.deadline(None)
    ).headers["Content-Length"]
    whole = mast_sandbox.archive.render(BIG)
    mast_sandbox.requests.clear()
    with observations.open_product(BIG) as file, fits.open(file) as ours, fits.open(io.BytesIO(whole)) as theirs:
        number = next(index for index, hdu in enumerate(theirs) if hdu.header.get("NAXIS") == 2)
        assert ours[number].header["NAXIS1"] == theirs[number].header["NAXIS1"]
        assert ours.filename() == BIG
        assert 0 < sent(mast_sandbox) < 400_000
        rows = ours[number].section[1000:1010]
        np.testing.assert_array_equal(rows, theirs[number].data[1000:1010])
        assert int(size) == len(whole) > 16_000_000
        assert sent(mast_sandbox) < 1_000_000
        assert {record.status for record in mast_sandbox.requests.of("download")} == {206}


def test_the_complete_file_can_be_read(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Reading to the end returns the file."""
    uri = small_file(mast_sandbox)
    with observations.open_product(uri) as file:
        assert file.read() == mast_sandbox.archive.render(uri)
    assert sent(mast_sandbox) == len(mast_sandbox.archive.render(uri))
    assert len(mast_sandbox.requests.of("download")) == 2


def test_a_server_without_range_requests(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """The file is downloaded once, completely, and read locally."""
    uri = small_file(mast_sandbox)
    mast_sandbox.faults.add("download", Fault.no_range(), times=None)
    with observations.open_product(uri) as file, fits.open(file) as hdus:
        assert len(hdus) > 0
        file.seek(0)
        assert file.read() == mast_sandbox.archive.render(uri)
    assert len(mast_sandbox.requests.of("download")) == 2


def test_an_incomplete_copy_is_downloaded_again(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """An incomplete download is not used as the file."""
    uri = small_file(mast_sandbox)
    mast_sandbox.faults.add("download", Fault.no_range())
    mast_sandbox.faults.add("download", Fault.no_range() + Fault.cut(1000), times=2)
    mast_sandbox.faults.add("download", Fault.no_range(), times=None)
    with observations.open_product(uri) as file:
        assert file.read() == mast_sandbox.archive.render(uri)


@pytest.mark.parametrize(
    ("body", "kind"),
    [("<!DOCTYPE html><p>Down for maintenance</p>", "text/html"), ('{"msg": "Down for maintenance"}', "text/plain")],
)
@pytest.mark.parametrize("headers", [{}, {"Content-Range": "bytes 0-{last}/{size}"}])
def test_a_page_with_status_200_is_not_taken_for_the_file(
    mast_sandbox: Sandbox, observations: ObservationsClass, body: str, kind: str, headers: dict[str, str]
) -> None:
    """The error quotes it, whether the server serves parts or not; a page that passes is asked for again."""
    uri, size = small_file(mast_sandbox), len(body)
    told = {name: text.format(last=size - 1, size=size) for name, text in headers.items()}
    page = Fault.answer(body, status=206 if told else 200, content_type=kind, headers=told)
    mast_sandbox.faults.add("download", page, times=None)
    with pytest.raises(RemoteServiceError, match=r"error message instead of the file: Down for maintenance"):
        observations.open_product(uri)
    mast_sandbox.faults.clear()
    mast_sandbox.faults.add("download", page, times=2)
    with observations.open_product(uri) as file:
        assert file.read(9) == b"SIMPLE  ="


def test_broken_connections_are_retried_over_http(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Truncated responses and connection resets are invisible to the reader."""
    uri = small_file(mast_sandbox)
    mast_sandbox.faults.add("download", Fault.cut(500))
    mast_sandbox.faults.add("download", Fault.reset(500))
    with observations.open_product(uri, block_size=10_000) as file:
        mast_sandbox.faults.add("download", Fault.reset())
        mast_sandbox.faults.add("download", Fault.cut(7))
        assert file.read() == mast_sandbox.archive.render(uri)


def test_a_file_that_changes_while_it_is_read(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """If the server sends the new file instead of the part, an error is raised."""
    uri = small_file(mast_sandbox)
    with observations.open_product(uri, block_size=10_000) as file:
        mast_sandbox.faults.add("download", Fault.no_range())
        file.seek(50_000)
        with pytest.raises(InvalidResponseError, match="changed"):
            file.read(10)
        assert "if-range" in mast_sandbox.requests.of("download")[-1].headers


def test_exclusive_files_need_a_token(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Without a token, the error says to log in; with one, it is sent to MAST for every part."""
    uri = small_file(mast_sandbox, "EXCLUSIVE_ACCESS")
    with pytest.raises(LoginError, match="log in"):
        observations.open_product(uri)
    observations.login(mast_sandbox.token)
    mast_sandbox.requests.clear()
    with observations.open_product(uri, block_size=50_000) as file:
        first = file.read(60_000)
        assert first + file.read() == mast_sandbox.archive.render(uri)
    parts = mast_sandbox.requests.of("download")
    assert len(parts) > 2
    assert {record.headers.get("authorization") for record in parts} == {f"token {mast_sandbox.token}"}


def test_invalid_products_raise(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """An unknown file or an invalid product raises at once."""
    with pytest.raises(InvalidQueryError):
        observations.open_product("mast:HST/product/there_is_none.fits")
    for wrong in (["mast:a", "mast:b"], [], 7):
        with pytest.raises(InvalidQueryError):
            observations.open_product(wrong)
    with pytest.raises(InvalidQueryError, match="contradict"):
        observations.open_product(BIG, cloud_only=True, force_on_prem=True)


# -- cloud ---------------------------------------------------------------------------------------------------------


def test_the_cloud_is_used_after_it_was_enabled(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """It is not used before, or with force_on_prem."""
    uri = small_file(mast_sandbox)
    observations.open_product(uri).close()
    assert mast_sandbox.requests.of("cloud") == mast_sandbox.requests.of("path_lookup") == []
    observations.enable_cloud_dataset(verbose=False)
    with observations.open_product(uri) as file:
        assert file.read() == mast_sandbox.archive.render(uri)
    assert len(mast_sandbox.requests.of("download")) == 1
    assert mast_sandbox.requests.of("cloud")
    mast_sandbox.requests.clear()
    observations.open_product(uri, force_on_prem=True).close()
    assert mast_sandbox.requests.of("cloud") == []


def test_an_address_in_the_cloud_can_be_opened(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Both forms returned by get_cloud_uri can be opened."""
    uri = small_file(mast_sandbox)
    for options in ({}, {"full_url": True, "include_bucket": False}):
        address = observations.get_cloud_uri(uri, **options)
        with observations.open_product(address) as file:
            assert file.read(80) == mast_sandbox.archive.render(uri)[:80]
    assert mast_sandbox.requests.of("download") == []


def test_mast_is_used_if_the_cloud_fails(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """If a copy cannot be read, the file is read from MAST, except with cloud_only."""
    uri = small_file(mast_sandbox)
    observations.enable_cloud_dataset(verbose=False)
    mast_sandbox.faults.add("cloud", Fault.status(404), times=None)
    with observations.open_product(uri) as file:
        assert file.read(80) == mast_sandbox.archive.render(uri)[:80]
    with pytest.raises(MastError):
        observations.open_product(uri, cloud_only=True)
    mast_sandbox.faults.clear()
    with pytest.raises(InvalidQueryError, match="was not found in the cloud"):
        observations.open_product("mast:FUSE/product/no.fits", cloud_only=True)
