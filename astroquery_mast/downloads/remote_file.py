"""A file that is read where it is: only the bytes that a reader asks for come over the network.

In: an address and a callable that opens it with headers. Out: a buffered, seekable file. Every part is proven to be the
part that was asked for, of the file that was opened: a file that changes while it is read is an error, not a mixture.

A server that does not serve parts (files made on demand, for instance) is read once, to the end, into a temporary file.
FITS files can also be opened by `fsspec`, as ``fits.open(..., use_fsspec=True)`` does it; that never sends a token.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from http import HTTPStatus
from typing import IO, Any, Protocol, TypeVar

import requests
from astropy.io import fits
from astroquery import log

from ..config import count_setting
from ..exceptions import (
    BadRequestError,
    InvalidQueryError,
    InvalidResponseError,
    LoginError,
    MastError,
    ResponseTooLargeError,
    ServerError,
)
from ..service.connections import read_body
from ..service.http import HttpClient
from ..service.retrying import BODY_ERRORS, BrokenBodyError, Deadline, retrying
from .checks import AS_STORED, announced_length, check_length, check_size, content_range, strong_validator
from .transfer import OpenUrl

_PIECE = 1 << 20
_SERVICE = "MAST download"

T = TypeVar("T")


def range_opener(http: HttpClient, whole: Deadline | None = None) -> OpenUrl:
    """Return what opens a part of a file; each has ``conf.timeout`` seconds, however long the reader takes between."""

    def open_range(url: str, headers: Mapping[str, str]) -> Any:
        limit = Deadline.within(whole)
        return http.request("GET", url, headers=headers, deadline=limit, service=_SERVICE, stream=True)

    return open_range


def open_remote(url: str, open_url: OpenUrl, *, name: str, block_size: int) -> io.BufferedReader:
    """Open a file for reading without fetching it."""
    if block_size < 1:
        raise ValueError(f"block_size must be a positive number of bytes, got {block_size!r}.")
    parts = _Parts(url, open_url, name)
    first = parts.begin(block_size)
    raw = RemoteFile(parts, first) if first is not None else RemoteFile(_copy(url, open_url, name))
    return io.BufferedReader(raw, block_size)


class _Source(Protocol):
    """Where the bytes of a remote file come from."""

    name: str
    size: int

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` up to ``stop``, none of which is beyond the end."""

    def close(self) -> None:
        """Give back what was needed for it."""


class RemoteFile(io.RawIOBase):
    """The raw side of a remote file: each read that the buffer cannot answer is one question."""

    def __init__(self, source: _Source, first: bytes = b"") -> None:
        super().__init__()
        self._source = source
        self._first = first
        self._position = 0
        # Readers such as astropy.io.fits ask files for these.
        self.name = source.name
        self.mode = "rb"

    @property
    def size(self) -> int:
        """Length of the file in bytes."""
        return self._source.size

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be sought in."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position; nothing is fetched until something is read there."""
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}.get(whence)
        if start is None:
            raise ValueError(f"whence must be 0, 1 or 2, got {whence!r}.")
        if start + offset < 0:
            raise ValueError(f"Cannot seek to a negative position ({start + offset}).")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def close(self) -> None:
        """Close the file; twice is no mistake."""
        if not self.closed:
            self._source.close()
        super().close()

    def readinto(self, buffer: Any, /) -> int:
        """Read as many bytes as there is room for, or fewer."""
        room = memoryview(buffer).cast("B")
        found = self._some(len(room))
        room[: len(found)] = found
        return len(found)

    def readall(self) -> bytes:
        """Read what is left, with one question and not with one for each block."""
        pieces = iter(lambda: self._some(self.size), b"")
        return b"".join(pieces)

    def _some(self, most: int) -> bytes:
        """Some of the next bytes; none at the end."""
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        stop = min(self._position + most, self.size)
        if stop <= self._position:
            return b""
        # What is at hand is not asked for again, even if it is less than is wanted: readers come back for the rest.
        found = self._first[self._position : stop] or self._source.read(self._position, stop)
        self._position += len(found)
        return found


class _Parts:
    """The parts of one file at one address, and the proof that they belong together."""

    def __init__(self, url: str, open_url: OpenUrl, name: str) -> None:
        self.name = name
        self.size = 0
        self._url = url
        self._open = open_url
        self._etag: str | None = None
        self._validator: str | None = None

    def begin(self, size: int) -> bytes | None:
        """Ask for the beginning, and learn what file this is; None if the server does not serve parts."""

        def ask() -> bytes | None:
            """Ask once."""
            with self._open(self._url, {**AS_STORED, "Range": f"bytes=0-{size - 1}"}) as response:
                if response.status_code != 206:
                    return None
                span = content_range(response.headers)
                if span is None or span[:2] != (0, min(size, span[2]) - 1):
                    raise _unasked(response, self.name, f"0-{size - 1}")
                self.size = span[2]
                self._etag, self._validator = response.headers.get("ETag"), strong_validator(response.headers)
                return _content(response, span[1] + 1)

        try:
            return _with_retries(ask, self.name)
        except MastError as err:
            # Only a file without bytes has no first byte (RFC 9110, section 14.1.2).
            if err.status == 416:
                return b""
            raise

    def read(self, start: int, stop: int) -> bytes:
        headers = {**AS_STORED, "Range": f"bytes={start}-{stop - 1}"}
        if self._validator is not None:
            headers["If-Range"] = self._validator

        def ask() -> bytes:
            """Ask once."""
            with self._open(self._url, headers) as response:
                self._check(response, start, stop)
                return _content(response, stop - start)

        return _with_retries(ask, self.name)

    def close(self) -> None:
        """Nothing is kept open between two reads."""

    def _check(self, response: requests.Response, start: int, stop: int) -> None:
        """Raise unless an answer is the part that was asked for, of the file that was opened."""
        etag = response.headers.get("ETag")
        changed = self._etag is not None and etag is not None and etag != self._etag
        if response.status_code != 206 or changed:
            raise InvalidResponseError(f"{self.name} has changed since it was opened. Open it again.", service=_SERVICE)
        if content_range(response.headers) != (start, stop - 1, self.size):
            raise _unasked(response, self.name, f"{start}-{stop - 1}/{self.size}")


class _Copy:
    """A whole file, fetched into a temporary one that nobody else sees."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name = name
        self.size = file.seek(0, io.SEEK_END)
        self._file = file

    def read(self, start: int, stop: int) -> bytes:
        self._file.seek(start)
        return self._file.read(stop - start)

    def close(self) -> None:
        self._file.close()


def _copy(url: str, open_url: OpenUrl, name: str) -> _Copy:
    """Fetch a file to its end, since it cannot be had in parts."""
    log.info("The server does not support range requests for %s: downloading the complete file.", name)
    most = count_setting("max_file_size")

    def ask() -> _Copy:
        """Fetch it once."""
        with ExitStack() as if_it_fails:
            file = if_it_fails.enter_context(tempfile.TemporaryFile())
            with open_url(url, AS_STORED) as response:
                check_size(announced_length(response.headers) or 0, None, most)
                for piece in response.iter_content(_PIECE):
                    check_size(file.tell() + len(piece), None, most)
                    file.write(piece)
                check_length(response.headers, file.tell(), None)
            if_it_fails.pop_all()  # closed by the file that is read
        return _Copy(name, file)

    return _with_retries(ask, name)


def _with_retries(ask: Callable[[], T], name: str) -> T:
    """Ask again if the connection breaks in the middle of an answer."""
    try:
        return retrying(ask, deadline=Deadline(), on_error=lambda err: isinstance(err, BODY_ERRORS))
    except BODY_ERRORS as err:
        message = f"Cannot read {name}: {type(err).__name__}: {err}"
        raise ServerError(message, service=_SERVICE) from err


def _content(response: requests.Response, size: int) -> bytes:
    """The body of an answer with a part, which must have a given length."""
    try:
        read_body(response, size)
    except ResponseTooLargeError as err:
        raise BrokenBodyError(f"received more than {size} bytes") from err
    if len(response.content) != size:
        raise BrokenBodyError(f"received {len(response.content)} of {size} bytes")
    return response.content


def _unasked(response: requests.Response, name: str, asked: str) -> InvalidResponseError:
    """The error for an answer that is not the part that was asked for."""
    given = response.headers.get("Content-Range")
    message = f"Cannot read {name} in parts: requested bytes {asked}, received {given!r}."
    return InvalidResponseError(message, service=_SERVICE)


# -- FITS files opened by fsspec -----------------------------------------------------------------------------------

_UNAUTHORIZED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def open_fits(url: str, *, name: str, block_size: int) -> fits.HDUList:
    """Open a FITS file at an address."""
    try:
        return fits.open(url, use_fsspec=True, fsspec_kwargs={"block_size": block_size})
    except ImportError as err:
        raise InvalidQueryError(
            f"use_fsspec=True requires optional packages ({err}). Install them with: pip install astroquery_mast[cloud]"
        ) from err
    except _fsspec_errors() as err:
        raise _as_error_of_query(err, url, name) from err


def _as_error_of_query(err: Exception, url: str, name: str) -> InvalidQueryError | LoginError | ServerError:
    """The error for one of `fsspec`'s."""
    status = _http_status(err)
    if status in _UNAUTHORIZED:
        return LoginError(f"{name} is under exclusive access. Log in and open it without use_fsspec=True.")
    if status == HTTPStatus.NOT_FOUND:
        return BadRequestError(f"File {name} not found at {url}.", service="fsspec", status=status)
    if status is None and isinstance(err, OSError) and not isinstance(err, _fsspec_errors()[1:]):
        return InvalidQueryError(f"{name} is not a FITS file: {err}")
    said = f"fsspec could not read {name} (HTTP status {status or 'unknown'})."
    return ServerError(said, service="fsspec", status=status)


def _fsspec_errors() -> tuple[type[Exception], ...]:
    """What `fsspec` raises, and the client behind it; looked up when something has gone wrong, for it is optional."""
    aiohttp = sys.modules.get("aiohttp")
    return (OSError,) if aiohttp is None else (OSError, aiohttp.ClientError)


def _http_status(err: BaseException | None) -> int | None:
    """The HTTP status behind an exception: `fsspec` says "not found" of every failure, and keeps the cause."""
    while err is not None:
        status = getattr(err, "status", None)
        if isinstance(status, int):
            return status
        err = err.__cause__ or err.__context__
    return None
