"""The transfer of one file: either the complete file appears under its name, or nothing changes there.

In: a `~astroquery_mast.products.plan.PlannedFile` and a callable that opens an address. Out: a frozen
`TransferResult`; a failure is a result, not an exception.

The body is written in pieces, so that memory does not grow with the size, to a file next to the target. It is renamed
only when it is complete and has been checked. On disk, an incomplete file is kept if the rest of exactly this file can
be requested; the next attempt, or the next call, resumes from there.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol

import filelock
import requests

from ..config import count_setting
from ..exceptions import AccessDeniedError, MastError, ResponseTooLargeError, presentable
from ..products.manifest import Status, TransferResult
from ..products.plan import EXCLUSIVE, Action, PlannedFile
from ..service.connections import body_pieces
from ..service.retrying import BODY_ATTEMPTS, BODY_ERRORS, BrokenBodyError, Deadline, StoppedError, retrying
from ..service.token import IF_EXCLUSIVE
from .checks import (
    AS_STORED,
    SIGNATURE_BYTES,
    FileSignature,
    WrongContentError,
    announced_checksums,
    announced_length,
    check_checksums,
    check_length,
    check_size,
    is_compressed,
    is_web_page,
    last_modified,
    quote_error_page,
    refuse_error_page,
)
from .destination import Sink, target_of
from .part_file import FileState, ResumePoint, part_path

# An attempt that receives fewer bytes than this makes no progress.
_MIN_PROGRESS = 1 << 20
# Statuses of responses with the complete file; 203 is one that a proxy has modified.
_WHOLE = {HTTPStatus.OK, HTTPStatus.NON_AUTHORITATIVE_INFORMATION}
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}

_PUBLIC = "PUBLIC"
_PUBLIC_REFUSED = "This file is public, but the server (or a proxy or firewall on the way to it) refused the request."
_CLOSED_COPY = "Its cloud copy is not public before the release date. Omit cloud_only and log in."

Progress = Callable[[int], None]


class OpenUrl(Protocol):
    """A function that opens an address: returns a response with a status below 400 and an unread body, or raises."""

    def __call__(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Open ``url``; the caller reads and closes the response."""


def silent(_: int) -> None:
    """Show no progress."""


def download_file(
    planned: PlannedFile,
    open_url: OpenUrl,
    *,
    progress: Progress = silent,
    deadline: Deadline | None = None,
    most: int | None = None,
) -> TransferResult:
    """Carry out the plan for one file, which may have ``most`` bytes if the catalog has no size."""
    most = count_setting("max_file_size") if most is None else most
    return FileTransfer(planned, open_url, progress, deadline or Deadline(), most).result()


class FileTransfer:
    """The transfer of one file; parameters as for `download_file`."""

    def __init__(
        self, planned: PlannedFile, open_url: OpenUrl, progress: Progress, deadline: Deadline, most: int
    ) -> None:
        self._planned = planned
        self._open_url = open_url
        self._progress = progress
        self._deadline = deadline
        self._most = most
        self._target = target_of(planned)
        self._attempts = 0
        # Bytes reported to progress that were not discarded.
        self._reported = 0
        # The largest number of bytes received, and the number of attempts since then without progress.
        self._furthest = 0
        self._fruitless = 0
        # Bytes from which a later call can resume.
        self._kept_size = 0
        # A note about a complete file.
        self._unusual: str | None = None

    def result(self) -> TransferResult:
        """Carry out the plan; the result includes failures, the elapsed time and the number of attempts."""
        started = time.monotonic()
        planned = self._planned
        if planned.action is Action.REFUSE:
            result = _failed(planned, planned.reason)
        elif planned.action is Action.SKIP:
            result = TransferResult(planned.index, Status.SKIPPED, planned.local_path, planned.reason)
        else:
            result = self._delivered()
        return replace(result, elapsed=time.monotonic() - started, attempts=self._attempts)

    def _delivered(self) -> TransferResult:
        """Download the file, or find that it exists; a failure is a result."""
        planned = self._planned
        try:
            before = self._target.present()
            if planned.action is Action.KEEP:
                return _complete(planned, before.size if before else 0)
            return self._kept(before) or self._download(before)
        except filelock.Timeout as err:
            return self._stopped(
                f" Another process holds {err.lock_file}. If that process is no longer running, delete the file."
            )
        except (StoppedError, MastError, *BODY_ERRORS, requests.exceptions.RequestException) as err:
            # The connection may have broken because the call was stopped.
            return self._stopped() if self._deadline.reached() else self._with_rest(_network_failed(planned, err))
        except OSError as err:
            failed = _failed(planned, f"Cannot write {planned.local_path}: {err}")
            return self._with_rest(replace(failed, disk_full=err.errno in _DISK_FULL))

    def _kept(self, present: FileState | None) -> TransferResult | None:
        """Return the result for an existing file if it matches the file at MAST; otherwise None."""
        planned = self._planned
        if planned.action is not Action.CHECK or present is None:
            return None
        if planned.compare_time and present.modified_ns is None:
            return None
        try:
            with self._open_url(self._addresses()[-1], AS_STORED) as response:
                return _complete(planned, present.size) if self._is_current(present, response.headers) else None
        except MastError as err:
            unconfirmed = None if self._deadline.reached() else _unconfirmed(planned, present, err)
            if unconfirmed is None:
                raise
            return unconfirmed

    def _is_current(self, present: FileState, headers: Mapping[str, str]) -> bool:
        """Return whether a response is for the same file as the existing one."""
        if announced_length(headers) != present.size:
            return False
        changed = last_modified(headers)
        if not self._planned.compare_time or changed is None or present.modified_ns is None:
            return True
        # Files saved by this package have the modification time at MAST, copies a later one.  Some file systems have a
        # resolution of 2 s.
        return changed.timestamp() <= present.modified_ns / 1e9 + 2

    def _download(self, before: FileState | None) -> TransferResult:
        """Download the file, unless another process has done so."""
        planned, target = self._planned, self._target
        with target.claimed(lambda: self._deadline.reached() is not None) as sink:
            if target.created_meanwhile(before):
                return self._by_another()
            try:
                with sink:
                    self._fetch(sink)
            finally:
                self._kept_size = sink.size if sink.resumable else 0
            target.register()
        replaced = before.size if before is not None and planned.note else None
        return _complete(planned, sink.size, sink.digest("sha256").hex(), replaced=replaced, unusual=self._unusual)

    def _by_another(self) -> TransferResult:
        """Return the result for a file that another process has downloaded."""
        held, present = self._target.other_file(), self._target.present()
        if held is None:
            return _complete(self._planned, present.size if present else 0)
        path = self._planned.local_path
        return _failed(
            self._planned,
            f"{path} was created by another process in the meantime ({held}). The next call uses another "
            "name for this file.",
        )

    # -- attempts --------------------------------------------------------------------------------------------------

    def _addresses(self) -> list[str]:
        """Return the addresses of the file, the cloud copy first."""
        return [url for url in dict.fromkeys((self._planned.cloud_url, self._planned.url)) if url]

    def _fetch(self, sink: Sink) -> None:
        """Download the file from the first address that works."""
        *others, last = self._addresses()
        for url in others:
            try:
                self._with_retries(sink, url)
            except (MastError, *BODY_ERRORS):
                self._deadline.check()
            else:
                return
        self._with_retries(sink, last)

    def _with_retries(self, sink: Sink, url: str) -> None:
        """Repeat the request until the file is complete or there is no progress."""
        sink.resume_from(url, self._deadline.check)
        self._furthest, self._fruitless = sink.size, 0
        retrying(
            lambda: self._attempt(sink, url),
            deadline=self._deadline,
            on_error=lambda err: isinstance(err, BODY_ERRORS) and not self._deadline.reached(),
            stop=lambda _: self._makes_no_progress(sink),
        )

    def _makes_no_progress(self, sink: Sink) -> bool:
        """Return whether to give up; the transfer of a large file may be interrupted often and still succeed."""
        if sink.resumable and sink.size >= self._furthest + _MIN_PROGRESS:
            self._furthest, self._fruitless = sink.size, 0
        else:
            self._fruitless += 1
        return self._fruitless >= BODY_ATTEMPTS

    def _attempt(self, sink: Sink, url: str) -> None:
        """Request the file or the missing part once, check it, and save it under its name."""
        self._deadline.check()
        self._attempts += 1
        with ExitStack() as if_it_fails, ExitStack() as opened:
            if_it_fails.callback(self._drop_unless_resumable, sink)
            response = self._ask_for_rest(sink, url, opened)
            # Not "or": a response with an error status is false.
            response = self._ask(sink, url, opened) if response is None else response
            try:
                self._receive(response, sink)
                # The next file can have the connection now: what follows needs only the disk.
                opened.close()
                self._check(response, sink)
            except (WrongContentError, ResponseTooLargeError):
                # Wrong bytes must not be used again.
                sink.reject()
                raise
            changed = last_modified(response.headers)
            sink.finish(None if changed is None else changed.timestamp())
            if_it_fails.pop_all()

    def _ask(self, sink: Sink, url: str, stack: ExitStack) -> requests.Response:
        """Request the complete file."""
        response = stack.enter_context(self._open_url(url, AS_STORED))
        if response.status_code not in _WHOLE:
            raise BrokenBodyError(f"the server returned HTTP {response.status_code} instead of the file")
        return self._begin_with(sink, url, response)

    def _ask_for_rest(self, sink: Sink, url: str, stack: ExitStack) -> requests.Response | None:
        """Request the missing bytes; None if that is not possible, and the complete file must be requested."""
        point = sink.resume_point
        if point is None or point.url != url or not sink.size:
            return None
        headers = {**AS_STORED, "Range": f"bytes={sink.size}-", "If-Range": point.validator}
        try:
            response = stack.enter_context(self._open_url(url, headers))
        except MastError as err:
            if err.status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            return None
        if response.status_code in _WHOLE:
            return self._begin_with(sink, url, response)
        partial = response.status_code == HTTPStatus.PARTIAL_CONTENT
        if partial and point.is_continued_by(response.headers, sink.size):
            return response
        response.close()
        return None

    def _begin_with(self, sink: Sink, url: str, response: requests.Response) -> requests.Response:
        """Start from the first byte of a response."""
        if is_web_page(response.headers, self._planned.uri or self._planned.local_path.name):
            words = quote_error_page(next(body_pieces(response), b""))
            raise BrokenBodyError(f"MAST returned a web page instead of the file{words}")
        self._subtract_progress()
        checksums = announced_checksums(response.headers, cataloged=self._planned.checksum)
        sink.begin(ResumePoint.of(url, response.headers), [checksum.algorithm for checksum in checksums])
        return response

    def _drop_unless_resumable(self, sink: Sink) -> None:
        """Discard the bytes unless a later attempt can resume from them."""
        if not sink.resumable:
            self._subtract_progress()
            sink.discard()

    def _subtract_progress(self) -> None:
        """Subtract discarded bytes from the progress."""
        if self._reported:
            self._progress(-self._reported)
        self._reported = 0

    # -- content ---------------------------------------------------------------------------------------------------

    def _receive(self, response: requests.Response, sink: Sink) -> None:
        """Write the body to the sink."""
        expected = sink.resume_point.total if sink.resume_point else announced_length(response.headers)
        check_size(expected or 0, self._planned.size, self._most)
        for piece in body_pieces(response):
            check_size(sink.size + len(piece), self._planned.size, self._most)
            sink.write(piece)
            self._reported += len(piece)
            self._progress(len(piece))
            if expected is not None and sink.size > expected:
                sink.reject()
                raise BrokenBodyError(f"received {sink.size} of {expected} bytes")
            if sink.size != expected:
                self._deadline.check()

    def _check(self, response: requests.Response, sink: Sink) -> None:
        """Raise unless signature, length and digests match the file and FITS files are not truncated."""
        planned, start = self._planned, sink.start(SIGNATURE_BYTES)
        signature = FileSignature.of(planned.uri or "", planned.local_path.name, packed=is_compressed(response.headers))
        if sink.size != planned.size:
            refuse_error_page(start, planned.local_path.name, signature, is_product=bool(planned.uri))
        if sink.resume_point is None:
            check_length(response.headers, sink.size, planned.size)
        elif sink.size != sink.resume_point.total:
            raise BrokenBodyError(f"received {sink.size} of {sink.resume_point.total} bytes")
        if not start and planned.size:
            raise BrokenBodyError(f"received 0 of {planned.size} bytes")
        self._check_signature(response, sink, signature)
        if sink.size < (planned.size or 0) and sink.is_truncated():
            sink.reject()
            raise BrokenBodyError(f"received {sink.size} of {planned.size} bytes: the FITS file is truncated")
        whole = response.status_code in _WHOLE
        checksums = announced_checksums(response.headers, whole=whole, cataloged=planned.checksum)
        check_checksums(checksums, sink.digest)

    def _check_signature(self, response: requests.Response, sink: Sink, signature: FileSignature) -> None:
        """Note an unexpected signature of a complete file; raise if it is not known to be complete."""
        if signature.fits(sink.start(SIGNATURE_BYTES)):
            return
        if announced_length(response.headers) is None and sink.size != self._planned.size:
            raise WrongContentError(f"MAST returned something that is not a {signature.kind} file")
        self._unusual = f"The file does not have the signature of a {signature.kind} file."

    # -- results ---------------------------------------------------------------------------------------------------

    def _stopped(self, state: str = "") -> TransferResult:
        """Return the result for a transfer that was stopped."""
        return self._with_rest(
            _failed(self._planned, f"{self._deadline.reached() or 'The download was stopped'}.{state}")
        )

    def _with_rest(self, result: TransferResult) -> TransferResult:
        """Return a result with a message about the bytes that are kept, if any."""
        if not self._kept_size:
            return result
        part = part_path(result.local_path).name
        words = f"{self._kept_size} bytes are kept in {part}. The next call resumes from there."
        return replace(result, message=f"{result.message} ({words})")


def _complete(
    planned: PlannedFile,
    size: int,
    sha256: str | None = None,
    *,
    replaced: int | None = None,
    unusual: str | None = None,
) -> TransferResult:
    """Return the result for a complete file."""
    words = [] if unusual is None else [unusual]
    if planned.size is not None and size != planned.size:
        # Not a failure: sizes in the catalog are not reliable for all collections.
        words.append(f"The file has {size} bytes as sent by MAST, but the catalog lists {planned.size}.")
    if replaced is not None:
        words.append(f"Replaced an existing file of {replaced} bytes.")
    return TransferResult(
        index=planned.index,
        status=Status.COMPLETE,
        local_path=planned.local_path,
        message=" ".join(words) or None,
        size=size,
        sha256=sha256,
        fetched=sha256 is not None,
    )


def _unconfirmed(planned: PlannedFile, present: FileState, err: MastError) -> TransferResult | None:
    """Return the result for an existing file if MAST cannot be reached; None if the file may be out of date."""
    # A file that may have changed is kept, but not one with a size that differs from the catalog.
    if err.status is not None or (planned.size is not None and not planned.compare_time):
        return None
    message = f"The file exists but could not be compared with MAST: {err}"
    return TransferResult(planned.index, Status.COMPLETE, planned.local_path, message, size=present.size)


def _network_failed(planned: PlannedFile, err: Exception) -> TransferResult:
    """Return the result for an address that could not be opened, or a body that is not the file."""
    status = err.status if isinstance(err, MastError) else None
    if planned.rights and isinstance(err.__cause__, AccessDeniedError):
        err = AccessDeniedError(_refusal(planned, err, err.__cause__), status=status)
    if status is not None and status >= HTTPStatus.BAD_REQUEST:
        side = "Client" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "Server"
        phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "unknown status"
        return _failed(planned, f"HTTPError: {status} {side} Error: {phrase} for url: {planned.url}. {err}")
    kind = type(err).__name__
    if isinstance(err, BrokenBodyError):
        kind = "Wrong content" if isinstance(err, WrongContentError) else "Incomplete transfer"
    return _failed(planned, f"{kind}: {err}")


def _refusal(planned: PlannedFile, err: Exception, said: AccessDeniedError) -> str:
    """Return the message for a refused file with known rights, with its terms and advice."""
    if planned.rights == _PUBLIC:  # no token helps here
        return f"{said} {_PUBLIC_REFUSED}"
    advice = str(err).removeprefix(str(said)).strip().replace(IF_EXCLUSIVE, "Please authenticate yourself: ")
    if planned.url == planned.cloud_url:
        advice = _CLOSED_COPY
    rights = "Exclusive access" if planned.rights == EXCLUSIVE else f"dataRights is {planned.rights}"
    # MAST's message for clients without a token adds nothing; other messages, such as of a firewall, are quoted.
    words = "" if said.status == HTTPStatus.UNAUTHORIZED else f"{said} "
    return f"{words}{rights}{planned.terms}. {advice[:1].upper()}{advice[1:]}"


def _failed(planned: PlannedFile, message: str) -> TransferResult:
    """Return the result for a failed download."""
    return TransferResult(planned.index, Status.ERROR, planned.local_path, presentable(message), planned.data_url)
