"""One file: from an address to a whole file under its final name, or to nothing at all under it.

In: a `~astroquery_mast.products.plan.PlannedFile` and a callable that opens an address. Out: a frozen
`TransferResult`; a failure is a result, not an exception. Products flow, between "plan" and "manifest".

The body goes to a neighbour of the target whose name ends in ``.part``, in pieces, so that memory stays flat whatever
the size. Only when all of it is on the disk does one atomic rename give it its name. What breaks off is kept if the
archive can be asked for exactly the rest of exactly this file; the next try, or the next call, goes on from there.
"""

from __future__ import annotations

import errno
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import filelock
import requests

from ..exceptions import MastError
from ..products.file_names import case_folded, is_same_file
from ..products.manifest import Status, TransferResult
from ..products.plan import Action, PlannedFile
from ..service.deadline import Deadline, StoppedError
from ..service.failures import BODY_ATTEMPTS, BODY_ERRORS, BrokenBodyError, retrying
from .beginning import LOOKED_AT, Beginning, quoted
from .body import continues, pieces, source_of
from .checks import (
    AS_STORED,
    WrongContentError,
    announced_checksums,
    announced_length,
    check_checksums,
    check_length,
    is_packed,
    is_web_page,
    last_modified,
)
from .fitsend import breaks_off
from .outcome import archive_failed, broken, complete, failed, size_of, unconfirmed
from .part_file import PartFile, exclusive_lock, part_path
from .register import holders, note

__all__ = ["FileTransfer", "OpenUrl", "Progress", "silent", "transfer"]

# A try that brings less than this of what was missing was in vain.
_PROGRESS = 1 << 20
# Statuses of an answer that holds the whole file; 203 is one that a proxy has touched.
_WHOLE = {HTTPStatus.OK, HTTPStatus.NON_AUTHORITATIVE_INFORMATION}

Progress = Callable[[int], None]


class OpenUrl(Protocol):
    """What opens an address: returns a response with a status below 400 whose body is unread, or raises."""

    def __call__(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Open ``url``; the caller reads and closes the response."""


def silent(_: int) -> None:
    """Show no progress."""


def transfer(
    planned: PlannedFile,
    open_url: OpenUrl,
    *,
    progress: Progress = silent,
    deadline: Deadline | None = None,
) -> TransferResult:
    """Bring one file to disk."""
    return _Transfer(planned, open_url, progress, deadline or Deadline()).result()


class FileTransfer:
    """One file on its way, wherever it goes; parameters as `transfer`."""

    def __init__(self, planned: PlannedFile, open_url: OpenUrl, progress: Progress, deadline: Deadline) -> None:
        self.attempts = 0
        self._planned = planned
        self._open_url = open_url
        self._progress = progress
        self._deadline = deadline

    def result(self) -> TransferResult:
        """Carry out the plan; what goes wrong is a result, and so are the time and the tries that it took."""
        started = time.monotonic()
        planned = self._planned
        if planned.action is Action.REFUSE:
            result = failed(planned, planned.reason)
        elif planned.action is Action.SKIP:
            result = TransferResult(planned.index, Status.SKIPPED, planned.local_path, planned.reason)
        else:
            result = self._delivered()
        return replace(result, elapsed=time.monotonic() - started, attempts=self.attempts)

    @abstractmethod
    def _delivered(self) -> TransferResult:
        """Bring the file, or say that it is there."""


class _Transfer(FileTransfer):
    """One file on its way to the disk."""

    # Bytes that progress was told of and that are still in the part.
    _told = 0
    # How far the part has come at most, and how many tries since then have not brought it much further.
    _furthest = 0
    _fruitless = 0
    # Bytes that a later call can go on from.
    _left = 0

    def _delivered(self) -> TransferResult:
        """Carry out the plan; what goes wrong is a result."""
        planned = self._planned
        if planned.action is Action.KEEP:
            return complete(planned, size_of(planned.local_path) or 0)
        try:
            return self._bring()
        except filelock.Timeout:
            return self._stopped(f"Another process was at work on {planned.local_path}")
        except (StoppedError, MastError, *BODY_ERRORS, requests.exceptions.RequestException) as err:
            # A connection may break because the caller has ended it.
            return self._stopped(None) if self._deadline.reached() else self._network_failed(err)
        except OSError as err:
            return self._kept(failed(planned, f"{planned.local_path} could not be written: {err}"))

    # -- one process at a time -------------------------------------------------------------------------------------

    def _bring(self) -> TransferResult:
        """Fetch the file, unless it is there, or somebody else fetches it."""
        path = self._planned.local_path
        before = _identity(path)
        if self._planned.action is Action.CHECK and self._confirmed():
            return complete(self._planned, size_of(path) or 0)
        path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(path, lambda: self._deadline.reached() is not None):
            if self._made_meanwhile(before):
                return self._by_another() or complete(self._planned, size_of(path) or 0)
            part = PartFile(path)
            try:
                with part:
                    self._fetch(part)
            finally:
                self._left = part.size if part.resumable else 0
            if self._planned.note and self._planned.uri:
                note(path, self._planned.uri)
        replaced = before[0] if before is not None and self._planned.note else None
        return complete(self._planned, part.size, part.digest("sha256").hex(), replaced=replaced)

    def _made_meanwhile(self, before: tuple[int, ...] | None) -> bool:
        """Whether another process has brought the file since this one looked."""
        now = _identity(self._planned.local_path)
        # The plan says "on disk" of a file that is to be replaced; what was not there then, somebody has made whole.
        return now is not None and (now != before or self._planned.reason.startswith("not on disk"))

    def _by_another(self) -> TransferResult | None:
        """The result if what has come meanwhile is another file of the same name."""
        path, uri = self._planned.local_path, self._planned.uri
        held = holders(path.parent).get(case_folded(path.name)) if self._planned.note else None
        if held is None or uri is None or is_same_file(held, uri):
            return None
        return failed(self._planned, f"{path} has become {held} meanwhile; the next call gives this file another name.")

    def _confirmed(self) -> bool:
        """Ask the archive whether the file on disk is its file."""
        address = self._planned.url or self._planned.cloud_url
        assert address is not None
        present = _identity(self._planned.local_path)
        with self._open_url(address, AS_STORED) as response:
            if present is None or announced_length(response.headers) != present[0]:
                return False
            changed = last_modified(response.headers)
            # A file from here has the archive's time, one from elsewhere a later one; some disks count in twos.
            return not (self._planned.compare_time and changed and changed.timestamp() > present[1] / 1e9 + 2)

    # -- again and again -------------------------------------------------------------------------------------------

    def _fetch(self, part: PartFile) -> None:
        """Fetch the file from the first address that gives it."""
        *others, last = [url for url in (self._planned.cloud_url, self._planned.url) if url]
        for url in others:
            try:
                self._persist(part, url)
            except (MastError, *BODY_ERRORS):
                self._deadline.check()
            else:
                return
        self._persist(part, last)

    def _persist(self, part: PartFile, url: str) -> None:
        """Ask until the file is whole, or nothing more comes."""
        part.take_up(url, self._deadline.check)
        self._furthest, self._fruitless = part.size, 0
        retrying(
            lambda: self._attempt(part, url),
            deadline=self._deadline,
            on_error=lambda err: isinstance(err, BODY_ERRORS) and not self._deadline.reached(),
            stop=lambda _: self._in_vain(part),
        )

    def _in_vain(self, part: PartFile) -> bool:
        """Whether the tries lead nowhere: a file of many gigabytes may break off often, and come all the same."""
        if part.resumable and part.size >= self._furthest + _PROGRESS:
            self._furthest, self._fruitless = part.size, 0
        else:
            self._fruitless += 1
        return self._fruitless >= BODY_ATTEMPTS

    def _attempt(self, part: PartFile, url: str) -> None:
        """Ask for the file once, or for what is missing of it, and give it its name."""
        self._deadline.check()
        self.attempts += 1
        with ExitStack() as if_it_fails, ExitStack() as opened:
            if_it_fails.callback(self._drop_unless_resumable, part)
            response = self._ask_for_rest(part, url, opened)
            # Not "or": a response is false unless its status is good.
            response = self._ask(part, url, opened) if response is None else response
            self._receive(response, part)
            self._check(response, part)
            if_it_fails.pop_all()
        changed = last_modified(response.headers)
        part.finish(None if changed is None else changed.timestamp())

    def _ask(self, part: PartFile, url: str, stack: ExitStack) -> requests.Response:
        """Ask for the whole file."""
        response = stack.enter_context(self._open_url(url, AS_STORED))
        if response.status_code not in _WHOLE:
            raise BrokenBodyError(f"the answer has HTTP status {response.status_code}, and not the file")
        self._begin_with(part, url, response)
        return response

    def _ask_for_rest(self, part: PartFile, url: str, stack: ExitStack) -> requests.Response | None:
        """Ask for what is missing; None if there is no such answer, and the file must be asked for anew."""
        if part.source is None or part.source.url != url or not part.size:
            return None
        headers = {**AS_STORED, "Range": f"bytes={part.size}-", "If-Range": part.source.validator}
        try:
            response = stack.enter_context(self._open_url(url, headers))
        except MastError as err:
            if err.status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            return None
        if response.status_code in _WHOLE:
            self._begin_with(part, url, response)
            return response
        if response.status_code == HTTPStatus.PARTIAL_CONTENT and continues(part, response.headers):
            return response
        response.close()
        return None

    def _drop_unless_resumable(self, part: PartFile) -> None:
        """Throw away what is of no use."""
        if not part.resumable:
            self._take_back()
            part.discard()

    def _begin_with(self, part: PartFile, url: str, response: requests.Response) -> None:
        """Begin with the first byte."""
        if is_web_page(response.headers, self._planned.uri or self._planned.local_path.name):
            words = quoted(next(pieces(response), b""))
            raise BrokenBodyError(f"the archive answered with a web page, and not with the file{words}")
        self._take_back()
        part.begin(source_of(url, response.headers))

    def _take_back(self) -> None:
        """Bytes that were told of are not there any more."""
        if self._told:
            self._progress(-self._told)
        self._told = 0

    # -- the bytes -------------------------------------------------------------------------------------------------

    def _receive(self, response: requests.Response, part: PartFile) -> None:
        """Write the body."""
        expected = part.source.total if part.source else announced_length(response.headers)
        for piece in pieces(response):
            part.write(piece)
            self._told += len(piece)
            self._progress(len(piece))
            if expected is not None and part.size > expected:
                part.reject()
                raise BrokenBodyError(f"{part.size} bytes of {expected} arrived")
            if part.size != expected:
                self._deadline.check()

    def _check(self, response: requests.Response, part: PartFile) -> None:
        """Raise unless the part is the whole file."""
        names = self._planned.uri or "", self._planned.local_path.name
        beginning, start = Beginning.of(*names, packed=is_packed(response.headers)), part.start(LOOKED_AT)
        try:
            beginning.check(start)
        except WrongContentError:
            part.reject()
            raise
        if part.source is None:
            check_length(response.headers, part.size, self._planned.size)
        elif part.size != part.source.total:
            raise BrokenBodyError(f"{part.size} bytes of {part.source.total} arrived")
        beginning.check_whole(start, self._planned.size)
        if part.size < (self._planned.size or 0) and breaks_off(part.flushed()):
            part.reject()
            raise BrokenBodyError(f"{part.size} bytes of {self._planned.size} arrived, and the FITS file breaks off")
        whole = response.status_code in _WHOLE
        checksums = announced_checksums(response.headers, whole=whole, catalogued=self._planned.checksum)
        try:
            check_checksums(checksums, part.digest)
        except WrongContentError:
            part.reject()
            raise

    # -- what is said of it ----------------------------------------------------------------------------------------

    def _stopped(self, state: str | None) -> TransferResult:
        """The result for a transfer that the caller has ended."""
        reason = self._deadline.reached() or "The download was ended"
        return self._kept(failed(self._planned, f"{reason}." if state is None else f"{reason}. {state}."))

    def _network_failed(self, err: Exception) -> TransferResult:
        """The result for a file that could not be had."""
        if isinstance(err, MastError):
            return unconfirmed(self._planned, err) or self._kept(archive_failed(self._planned, err))
        return self._kept(broken(self._planned, err))

    def _kept(self, result: TransferResult) -> TransferResult:
        """The same result, and a word about what is left of it."""
        if not self._left:
            return result
        kept = part_path(result.local_path).name
        words = f"{self._left} bytes are kept in {kept}, and the next call goes on from there."
        return replace(result, message=f"{result.message} ({words})")


def _identity(path: Path) -> tuple[int, int, int] | None:
    """What tells a file from another one that takes its place: size, time, number; None where there is none."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder lies there", str(path))
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
