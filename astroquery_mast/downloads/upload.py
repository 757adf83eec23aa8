"""One file into a store: from an address to a whole object in its place, or to nothing new there.

In: a `~astroquery_mast.products.plan.PlannedFile` whose place is in a store, and a callable that opens an address. Out:
a frozen `TransferResult`, as of `~astroquery_mast.downloads.transfer.transfer`. Products flow, between "plan" and
"manifest".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import requests

from ..exceptions import MastError
from ..products.manifest import TransferResult
from ..products.plan import Action, PlannedFile
from ..service.deadline import Deadline, StoppedError
from ..service.failures import BODY_ERRORS, BrokenBodyError, retrying
from .beginning import LOOKED_AT, Beginning, quoted
from .checks import (
    AS_STORED,
    Checksum,
    announced_checksums,
    announced_length,
    check_checksums,
    check_length,
    is_packed,
    is_web_page,
)
from .fitsend import FitsLength
from .outcome import archive_failed, broken, complete, failed
from .store import size_in_store, whole_or_absent
from .transfer import FileTransfer, OpenUrl, Progress, silent

__all__ = ["transfer_to"]

_PIECE = 1 << 20


def transfer_to(
    planned: PlannedFile,
    open_url: OpenUrl,
    *,
    progress: Progress = silent,
    deadline: Deadline | None = None,
) -> TransferResult:
    """Bring one file into a store."""
    return _Upload(planned, open_url, progress, deadline or Deadline()).result()


class _Upload(FileTransfer):
    """One file on its way into a store."""

    def _delivered(self) -> TransferResult:
        """Carry out the plan; what goes wrong is a result."""
        planned = self._planned
        try:
            return self._bring()
        except (StoppedError, MastError, *BODY_ERRORS, requests.exceptions.RequestException) as err:
            if isinstance(err, StoppedError) or self._deadline.reached():
                return failed(planned, f"{self._deadline.reached() or 'The download was ended'}.")
            if isinstance(err, MastError):
                return archive_failed(planned, err)
            return broken(planned, err)
        except OSError as err:
            return failed(planned, f"{planned.local_path} could not be written: {err}")

    def _bring(self) -> TransferResult:
        """Fetch the file, unless it is there."""
        planned = self._planned
        present = None if planned.action in {Action.FETCH, Action.RESUME} else size_in_store(planned.local_path)
        if planned.action is Action.KEEP or (planned.action is Action.CHECK and self._confirmed(present)):
            return complete(planned, present or 0)
        return complete(planned, *self._fetch())

    def _confirmed(self, present: int | None) -> bool:
        """Ask the archive whether the file in the store is its file."""
        # A store's own time says when the file was written there, and not how old it is: "if-changed" fetches anew.
        if present is None or self._planned.compare_time:
            return False
        with self._open_url(self._addresses()[-1], AS_STORED) as response:
            return announced_length(response.headers) == present

    def _addresses(self) -> list[str]:
        """Where the file can be had, the copy in the cloud first."""
        return [url for url in (self._planned.cloud_url, self._planned.url) if url]

    def _fetch(self) -> tuple[int, str]:
        """Fetch the file from the first address that gives it; return its length and digest."""
        *others, last = self._addresses()
        for url in others:
            try:
                return self._persist(url)
            except (MastError, *BODY_ERRORS):
                self._deadline.check()
        return self._persist(last)

    def _persist(self, url: str) -> tuple[int, str]:
        """Ask until the file is whole, or has been asked for often enough."""
        return retrying(
            lambda: self._attempt(url),
            deadline=self._deadline,
            on_error=lambda err: isinstance(err, BODY_ERRORS) and not self._deadline.reached(),
        )

    def _attempt(self, url: str) -> tuple[int, str]:
        """Ask for the file once, and put it into its place."""
        self._deadline.check()
        self.attempts += 1
        place = self._planned.local_path
        with ExitStack() as if_it_fails:
            with self._open_url(url, AS_STORED) as response, whole_or_absent(place) as stream:
                self._refuse_page(response)
                came = _Came(
                    announced_checksums(response.headers, catalogued=self._planned.checksum),
                    Beginning.of(*self._names(), packed=is_packed(response.headers)),
                )
                if_it_fails.callback(lambda: self._progress(-came.size))
                for piece in response.iter_content(_PIECE):
                    stream.write(piece)
                    came.add(piece)
                    self._progress(len(piece))
                    self._deadline.check()
                came.check(response.headers, self._planned.size)
            stored = size_in_store(place)
            if stored != came.size:
                raise OSError(f"{came.size} bytes were written, and the store has {stored}")
            if_it_fails.pop_all()
        return came.size, came.sha256()

    def _names(self) -> tuple[str, str]:
        """The names by which the kind of the file is known."""
        return self._planned.uri or "", self._planned.local_path.name

    def _refuse_page(self, response: requests.Response) -> None:
        """Raise if a page for people came in place of the file."""
        if is_web_page(response.headers, self._planned.uri or self._planned.local_path.name):
            words = quoted(next(response.iter_content(LOOKED_AT), b""))
            raise BrokenBodyError(f"the archive answered with a web page, and not with the file{words}")


class _Came:
    """The bytes that have come, as far as they must be known: they cannot be read before they are in their place."""

    def __init__(self, checksums: Sequence[Checksum], beginning: Beginning) -> None:
        self.size = 0
        self._start = b""
        self._beginning = beginning
        self._checksums = checksums
        names = {"sha256", *(checksum.algorithm for checksum in checksums)}
        self._digests = {name: hashlib.new(name, usedforsecurity=False) for name in names}
        self._end = FitsLength()

    def add(self, piece: bytes) -> None:
        """Take the next bytes."""
        self.size += len(piece)
        self._start += piece[: LOOKED_AT - len(self._start)]
        self._end.add(piece)
        for digest in self._digests.values():
            digest.update(piece)

    def check(self, headers: Mapping[str, str], catalogued: int | None) -> None:
        """Raise `BrokenBodyError` unless they are the whole file."""
        self._beginning.check(self._start)
        check_length(headers, self.size, catalogued)
        self._beginning.check_whole(self._start, catalogued)
        if self.size < (catalogued or 0) and self._end.breaks_off():
            raise BrokenBodyError(f"{self.size} bytes of {catalogued} arrived, and the FITS file breaks off")
        check_checksums(self._checksums, lambda name: self._digests[name].digest())

    def sha256(self) -> str:
        """Return their SHA-256."""
        return self._digests["sha256"].hexdigest()
