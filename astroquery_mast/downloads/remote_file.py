"""A remote file that is read in parts: only the bytes that a reader needs are transferred.

In: an address and a callable that opens it with headers. Out: a buffered, seekable file. Each response is checked to be
the requested part of the file that was opened: if the file changes in the meantime, an error is raised.

If a server does not support range requests (for instance for files made on demand), the complete file is downloaded
into a temporary file. FITS files can also be opened with `fsspec`, as in ``fits.open(..., use_fsspec=True)``, which
never sends a token.
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
    CredentialsError,
    InvalidQueryError,
    InvalidResponseError,
    MastError,
    ResponseTooLargeError,
    ServerError,
)
from ..service.connections import read_body
from ..service.http import HttpClient
from ..service.retrying import BODY_ERRORS, BrokenBodyError, Deadline, retrying
from .checks import (
    AS_STORED,
    SIGNATURE_BYTES,
    FileSignature,
    announced_length,
    check_length,
    check_size,
    content_range,
    is_compressed,
    refuse_error_page,
    strong_validator,
)
from .transfer import OpenUrl

_PIECE = 1 << 20
_SERVICE = "MAST download"
_WEB = ("https://", "http://")

T = TypeVar("T")


def range_opener(http: HttpClient, whole: Deadline | None = None) -> OpenUrl:
    """Return a function that opens a part of a file, with ``conf.timeout`` seconds for each part."""

    def open_range(url: str, headers: Mapping[str, str]) -> Any:
        limit = Deadline.within(whole)
        return http.request("GET", url, headers=headers, deadline=limit, service=_SERVICE, stream=True)

    return open_range


def open_remote(url: str, open_url: OpenUrl, *, name: str, block_size: int) -> io.BufferedReader:
    """Open a file for reading without downloading it."""
    if block_size < 1:
        raise ValueError(f"block_size must be a positive number of bytes, got {block_size!r}.")
    parts = _Parts(url, open_url, name)
    first = parts.begin(block_size)
    raw = RemoteFile(parts, first) if first is not None else RemoteFile(_copy(url, open_url, name))
    return io.BufferedReader(raw, block_size)


class _Source(Protocol):
    """The source of the bytes of a remote file."""

    name: str
    size: int

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` up to ``stop``, which is not beyond the end of the file."""

    def close(self) -> None:
        """Release the resources."""


class RemoteFile(io.RawIOBase):
    """The unbuffered remote file: each read is one request, except of the part requested when it was opened."""

    def __init__(self, source: _Source, first: bytes = b"") -> None:
        super().__init__()
        self._source = source
        self._first = first
        self._position = 0
        # Readers such as astropy.io.fits need these attributes.
        self.name = source.name
        self.mode = "rb"

    @property
    def size(self) -> int:
        """Length of the file in bytes."""
        return self._source.size

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position; nothing is requested until the next read."""
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
        """Close the file; closing it again has no effect."""
        if not self.closed:
            self._source.close()
        super().close()

    def readinto(self, buffer: Any, /) -> int:
        """Read into a buffer, possibly fewer bytes than fit into it."""
        room = memoryview(buffer).cast("B")
        found = self._some(len(room))
        room[: len(found)] = found
        return len(found)

    def readall(self) -> bytes:
        """Read the rest with one request instead of one for each block."""
        pieces = iter(lambda: self._some(self.size), b"")
        return b"".join(pieces)

    def _some(self, most: int) -> bytes:
        """Return at most this number of the next bytes; empty at the end."""
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        stop = min(self._position + most, self.size)
        if stop <= self._position:
            return b""
        # Bytes in memory are not requested again, even if there are too few: the caller reads again for the rest.
        found = self._first[self._position : stop] or self._source.read(self._position, stop)
        self._position += len(found)
        return found


class _Parts:
    """The parts of one file at one address, checked to belong to the same version of the file."""

    def __init__(self, url: str, open_url: OpenUrl, name: str) -> None:
        self.name = name
        self.size = 0
        self._url = url
        self._open = open_url
        self._etag: str | None = None
        self._validator: str | None = None

    def begin(self, size: int) -> bytes | None:
        """Request the first bytes, size and validator of the file; None if range requests are not supported."""

        def ask() -> bytes | None:
            """Request them once."""
            with self._open(self._url, {**AS_STORED, "Range": f"bytes=0-{size - 1}"}) as response:
                if response.status_code != 206:
                    return None
                span = content_range(response.headers)
                if span is None or span[:2] != (0, min(size, span[2]) - 1):
                    raise _wrong_range(response, self.name, f"0-{size - 1}")
                self.size = span[2]
                self._etag, self._validator = response.headers.get("ETag"), strong_validator(response.headers)
                start = _content(response, span[1] + 1)
                _check_beginning(start, response, self.name)
                return start

        try:
            return _with_retries(ask, self.name)
        except MastError as err:
            # Only an empty file has no first byte (RFC 9110, section 14.1.2).
            if err.status == 416:
                return b""
            raise

    def read(self, start: int, stop: int) -> bytes:
        headers = {**AS_STORED, "Range": f"bytes={start}-{stop - 1}"}
        if self._validator is not None:
            headers["If-Range"] = self._validator

        def ask() -> bytes:
            """Request them once."""
            with self._open(self._url, headers) as response:
                self._check(response, start, stop)
                return _content(response, stop - start)

        return _with_retries(ask, self.name)

    def close(self) -> None:
        """Do nothing: no connection is open between reads."""

    def _check(self, response: requests.Response, start: int, stop: int) -> None:
        """Raise unless a response is the requested part of the file that was opened."""
        etag = response.headers.get("ETag")
        changed = self._etag is not None and etag is not None and etag != self._etag
        if response.status_code != 206 or changed:
            raise InvalidResponseError(f"{self.name} has changed since it was opened. Open it again.", service=_SERVICE)
        if content_range(response.headers) != (start, stop - 1, self.size):
            raise _wrong_range(response, self.name, f"{start}-{stop - 1}/{self.size}")


class _Copy:
    """A complete file, downloaded into an unnamed temporary file."""

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
    """Download a complete file, if the server does not support range requests."""
    log.info("The server does not support range requests for %s: downloading the complete file.", name)
    most = count_setting("max_file_size")

    def ask() -> _Copy:
        """Download it once."""
        with ExitStack() as if_it_fails:
            file = if_it_fails.enter_context(tempfile.TemporaryFile())
            with open_url(url, AS_STORED) as response:
                check_size(announced_length(response.headers) or 0, None, most)
                for piece in response.iter_content(_PIECE):
                    check_size(file.tell() + len(piece), None, most)
                    file.write(piece)
                check_length(response.headers, file.tell(), None)
                file.seek(0)
                _check_beginning(file.read(SIGNATURE_BYTES), response, name)
            if_it_fails.pop_all()  # closed by the returned file
        return _Copy(name, file)

    return _with_retries(ask, name)


def _check_beginning(start: bytes, response: requests.Response, name: str) -> None:
    """Raise if a message came in place of a file."""
    signature = FileSignature.of(name, packed=is_compressed(response.headers))
    refuse_error_page(start[:SIGNATURE_BYTES], name, signature, is_product=not name.startswith(_WEB))


def _with_retries(ask: Callable[[], T], name: str) -> T:
    """Repeat a request if the connection breaks during a response."""
    try:
        return retrying(ask, deadline=Deadline(), on_error=lambda err: isinstance(err, BODY_ERRORS))
    except BODY_ERRORS as err:
        said = str(err) if isinstance(err, BrokenBodyError) else f"{type(err).__name__}: {err}"
        raise ServerError(f"Cannot read {name}: {said}", service=_SERVICE) from err


def _content(response: requests.Response, size: int) -> bytes:
    """Return the body of a partial response after checking its length."""
    try:
        read_body(response, size)
    except ResponseTooLargeError as err:
        raise BrokenBodyError(f"received more than {size} bytes") from err
    if len(response.content) != size:
        raise BrokenBodyError(f"received {len(response.content)} of {size} bytes")
    return response.content


def _wrong_range(response: requests.Response, name: str, asked: str) -> InvalidResponseError:
    """Return the error for a response that is not the requested part."""
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


def _as_error_of_query(err: Exception, url: str, name: str) -> InvalidQueryError | CredentialsError | ServerError:
    """Return the error of this package for an exception of `fsspec`."""
    status = _http_status(err)
    if status in _UNAUTHORIZED:
        return CredentialsError(f"{name} is under exclusive access. Log in and open it without use_fsspec=True.")
    if status == HTTPStatus.NOT_FOUND:
        return BadRequestError(f"File {name} not found at {url}.", service="fsspec", status=status)
    if status is None and isinstance(err, OSError) and not isinstance(err, _fsspec_errors()[1:]):
        return InvalidQueryError(f"{name} is not a FITS file: {err}")
    said = f"fsspec could not read {name} (HTTP status {status or 'unknown'})."
    return ServerError(said, service="fsspec", status=status)


def _fsspec_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of `fsspec` and of its HTTP client, which is optional, if it is imported."""
    aiohttp = sys.modules.get("aiohttp")
    return (OSError,) if aiohttp is None else (OSError, aiohttp.ClientError)


def _http_status(err: BaseException | None) -> int | None:
    """Return the HTTP status in the causes of an exception: `fsspec` raises FileNotFoundError for every failure."""
    while err is not None:
        status = getattr(err, "status", None)
        if isinstance(status, int):
            return status
        err = err.__cause__ or err.__context__
    return None
