"""One file: from an address to a whole file under its final name, or to nothing at all under it.

In: a `~astroquery_mast.products.plan.PlannedFile` and a callable that opens an address. Out: a frozen
`TransferResult`; a failure is a result, not an exception. Products flow, between "plan" and "manifest".

The body goes to a neighbour of the target whose name ends in ``.part``, in pieces, so that memory stays flat whatever
the size. Only when all of it is on the disk does one atomic rename give it its name.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import requests
import tenacity

from ..exceptions import MastError
from .manifest import Status, TransferResult
from .plan import Action, PlannedFile

__all__ = ["WAIT", "OpenUrl", "Pause", "Progress", "transfer"]

_PIECE = 1 << 20
# How often a body is asked for, and how long is waited in between; opening an address has retries of its own.
_ATTEMPTS = 3
_BACKOFF = tenacity.wait_exponential(multiplier=0.5, max=10) + tenacity.wait_random(0, 0.5)
# Bytes that arrive must be the bytes on disk: their number is compared with Content-Length.
_HEADERS: Mapping[str, str] = {"Accept-Encoding": "identity"}

Progress = Callable[[int], None]
Pause = Callable[[float], None]
WAIT: Pause = tenacity.nap.sleep


class OpenUrl(Protocol):
    """What opens an address: returns a response with a status below 400 whose body is unread, or raises."""

    def __call__(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Open ``url``; the caller reads and closes the response."""


class _BrokenBodyError(Exception):
    """A body that ended before its time."""


# What a connection that breaks in mid-body looks like.
_BROKEN = (
    _BrokenBodyError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    http.client.IncompleteRead,
)


@dataclass(frozen=True)
class _Received:
    """What was written: its length and digest; nothing of it if the file on disk proved to be the same."""

    size: int
    sha256: str | None


def _silent(_: int) -> None:
    """Show no progress."""


def transfer(
    planned: PlannedFile,
    open_url: OpenUrl,
    *,
    progress: Progress = _silent,
    pause: Pause = WAIT,
) -> TransferResult:
    """Bring one file to disk.

    Parameters
    ----------
    planned : PlannedFile
        What to fetch, and where to.
    open_url : callable
        Opens an address; called with the headers to send.
    progress : callable
        Told the number of bytes of every piece, and a negative number when bytes are thrown away for another try.
    pause : callable
        Waits between two tries, given the seconds.

    Returns
    -------
    TransferResult
        ``COMPLETE`` with the whole file under its name, or ``ERROR`` with the name as it was before.
    """
    if planned.action is Action.REFUSE:
        return _failed(planned, planned.reason)
    if planned.action is Action.KEEP:
        return _complete(planned, _Received(_size_of(planned.local_path) or 0, None))
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_BROKEN),
        wait=_BACKOFF,
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        sleep=pause,
        reraise=True,
    )
    try:
        return _complete(planned, retrying(_fetch, planned, open_url, progress))
    except MastError as err:
        return _unconfirmed(planned, err) or _archive_failed(planned, err)
    except _BrokenBodyError as err:
        return _failed(planned, f"Incomplete transfer: {err}")
    except (*_BROKEN, requests.exceptions.RequestException) as err:
        return _failed(planned, f"{type(err).__name__}: {err}")
    except OSError as err:
        return _failed(planned, f"{planned.local_path} could not be written: {err}")


def _fetch(planned: PlannedFile, open_url: OpenUrl, progress: Progress) -> _Received:
    """Ask for the file once, and put it in its place."""
    assert planned.url is not None
    planned.local_path.parent.mkdir(parents=True, exist_ok=True)
    with open_url(planned.url, _HEADERS) as response:
        present = _size_of(planned.local_path)
        if planned.action is Action.CHECK and present is not None and _announced(response) == present:
            return _Received(present, None)
        with _counted(progress) as count, _part_of(planned.local_path) as part:
            received = _write(response, part, count)
            _check_whole(response, received.size, planned.size)
            part.replace(planned.local_path)
    return received


@contextmanager
def _part_of(path: Path) -> Iterator[Path]:
    """A name beside the target, which is gone at the end whatever happens, Ctrl-C included."""
    part = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _counted(progress: Progress) -> Iterator[Progress]:
    """Progress that is taken back if the file does not become whole."""
    pieces: list[int] = [0]

    def count(size: int) -> None:
        pieces[0] += size
        progress(size)

    whole = False
    try:
        yield count
        whole = True
    finally:
        if not whole:
            progress(-pieces[0])


def _write(response: requests.Response, part: Path, progress: Progress) -> _Received:
    """Write the body, down to the disk."""
    digest, size = hashlib.sha256(), 0
    with part.open("xb") as stream:
        for piece in response.iter_content(_PIECE):
            stream.write(piece)
            digest.update(piece)
            size += len(piece)
            progress(len(piece))
        stream.flush()
        # Without it the rename could survive a power cut that the content does not.
        os.fsync(stream.fileno())
    return _Received(size, digest.hexdigest())


def _announced(response: requests.Response) -> int | None:
    """The length of the file according to the answer; None where it says nothing, or speaks of a compressed body."""
    length = response.headers.get("Content-Length", "")
    if not length.isdecimal() or response.headers.get("Content-Encoding", "identity").lower() != "identity":
        return None
    return int(length)


def _check_whole(response: requests.Response, size: int, catalogued: int | None) -> None:
    """Raise if the body is known to be cut."""
    expected = _announced(response)
    if expected is not None:
        if size != expected:
            raise _BrokenBodyError(f"{size} bytes of {expected} arrived")
        return
    # A chunked or compressed body carries its own end mark. A body that ends with the connection does not: then the
    # catalogue, though not always right, is the only witness.
    marked = response.headers.get("Transfer-Encoding") or response.headers.get("Content-Encoding")
    if not marked and catalogued is not None and size < catalogued:
        raise _BrokenBodyError(f"{size} bytes of {catalogued} arrived, and the archive did not announce the length")


def _size_of(path: Path) -> int | None:
    """Size of a file; None where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _complete(planned: PlannedFile, received: _Received) -> TransferResult:
    """The result for a whole file."""
    message = None
    if planned.size is not None and received.size != planned.size:
        # No failure: sizes in the catalogue are not reliable for every collection.
        message = f"The file has {received.size} bytes, as the archive sent it; the catalogue says {planned.size}."
    return TransferResult(
        index=planned.index,
        status=Status.COMPLETE,
        local_path=planned.local_path,
        message=message,
        size=received.size,
        sha256=received.sha256,
        fetched=received.sha256 is not None,
    )


def _unconfirmed(planned: PlannedFile, err: MastError) -> TransferResult | None:
    """The result for a file on disk that nothing speaks against, when the archive cannot be reached to confirm it."""
    if planned.action is not Action.CHECK or planned.size is not None or err.status is not None:
        return None
    present = _size_of(planned.local_path)
    if present is None:
        return None
    message = f"The file was on disk and could not be compared with the archive: {err}"
    return TransferResult(planned.index, Status.COMPLETE, planned.local_path, message, size=present)


def _archive_failed(planned: PlannedFile, err: MastError) -> TransferResult:
    """The result for an address that could not be opened; an HTTP status is told in the words of `requests`."""
    if err.status is None or err.status < 400:
        return _failed(planned, f"{type(err).__name__}: {err}")
    side = "Client" if err.status < 500 else "Server"
    phrase = HTTPStatus(err.status).phrase if err.status in set(HTTPStatus) else "unknown status"
    return _failed(planned, f"HTTPError: {err.status} {side} Error: {phrase} for url: {planned.url}. {err}")


def _failed(planned: PlannedFile, message: str) -> TransferResult:
    """The result for a file that did not come."""
    return TransferResult(planned.index, Status.ERROR, planned.local_path, message, planned.data_url)
