"""How the end of a transfer is told: a `TransferResult` for a file that is whole, and for every way to fail.

In: a planned file, and what happened.  Out: frozen results, in the words of `requests` where code may match on them.
Products flow, within "transfer".
"""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from ..exceptions import MastError
from ..products.manifest import Status, TransferResult
from ..products.plan import Action, PlannedFile
from ..service.failures import BrokenBodyError
from .checks import WrongContentError

__all__ = ["archive_failed", "broken", "complete", "failed", "size_of", "unconfirmed"]


def size_of(path: Path) -> int | None:
    """Tell the size of a file; None where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def complete(
    planned: PlannedFile, size: int, sha256: str | None = None, *, replaced: int | None = None
) -> TransferResult:
    """Tell of a whole file."""
    words = []
    if planned.size is not None and size != planned.size:
        # No failure: sizes in the catalogue are not reliable for every collection.
        words.append(f"The file has {size} bytes, as the archive sent it; the catalogue says {planned.size}.")
    if replaced is not None:
        words.append(f"It has taken the place of a file of {replaced} bytes that lay there.")
    return TransferResult(
        index=planned.index,
        status=Status.COMPLETE,
        local_path=planned.local_path,
        message=" ".join(words) or None,
        size=size,
        sha256=sha256,
        fetched=sha256 is not None,
    )


def unconfirmed(planned: PlannedFile, err: MastError) -> TransferResult | None:
    """Tell of a file on disk that nothing speaks against, when the archive cannot be reached to confirm it."""
    if planned.action is not Action.CHECK or err.status is not None:
        return None
    # That a file may have changed speaks less against it than a size that differs.
    if planned.size is not None and not planned.compare_time:
        return None
    present = size_of(planned.local_path)
    if present is None:
        return None
    message = f"The file was on disk and could not be compared with the archive: {err}"
    return TransferResult(planned.index, Status.COMPLETE, planned.local_path, message, size=present)


def archive_failed(planned: PlannedFile, err: MastError) -> TransferResult:
    """Tell of an address that could not be opened."""
    if err.status is None or err.status < 400:
        return failed(planned, f"{type(err).__name__}: {err}")
    side = "Client" if err.status < 500 else "Server"
    phrase = HTTPStatus(err.status).phrase if err.status in set(HTTPStatus) else "unknown status"
    return failed(planned, f"HTTPError: {err.status} {side} Error: {phrase} for url: {planned.url}. {err}")


def broken(planned: PlannedFile, err: Exception) -> TransferResult:
    """Tell of a body that is not the file."""
    kind = type(err).__name__
    if isinstance(err, BrokenBodyError):
        kind = "Wrong content" if isinstance(err, WrongContentError) else "Incomplete transfer"
    return failed(planned, f"{kind}: {err}")


def failed(planned: PlannedFile, message: str) -> TransferResult:
    """Tell of a file that did not come."""
    return TransferResult(planned.index, Status.ERROR, planned.local_path, message, planned.data_url)
