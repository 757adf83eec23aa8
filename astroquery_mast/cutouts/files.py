"""Cutouts on disk: the zip files that came, unpacked or kept, and a row for every file.

In: questions and the results of their transfers.  Out: results for a manifest, and the service's message where it had
nothing to cut out.  After "transfer", before "manifest".

An answer is fetched under a name of its own, which it loses as soon as it has been looked at: a name that ends in
``.zip`` is given to nothing but a readable zip file, and two calls in one second never share it.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode
from zipfile import ZipInfo

import filelock
import requests

from ..downloads.destination import destination, is_remote
from ..downloads.transfer import OpenUrl, download_file
from ..exceptions import InvalidArgumentError, InvalidResponseError, MastError
from ..products.manifest import Status, TransferResult
from ..products.plan import Action, PlannedFile
from ..query.request import ApiRequest
from ..service.retrying import Deadline, StoppedError, retrying
from .protocol import message_for_nothing
from .zip_files import ArchiveFile, begins_as_zip, places_of, write_whole, zipped_files

# Longer than any message of the services.
_WORDS = 1 << 20
# What may go wrong with one file of an archive file.
_TROUBLES = (MastError, StoppedError, filelock.Timeout, OSError)


def as_folder(path: str | os.PathLike[str] | None) -> Path:
    """Return the folder that cutouts go to."""
    folder = destination(path)
    if is_remote(folder):
        raise InvalidArgumentError(
            f"path={str(path)!r} is not a local folder. Cutouts can only be saved to a local folder."
        )
    try:
        is_file = folder.exists() and not folder.is_dir()
    except OSError as err:
        raise InvalidArgumentError(f"Cannot use path={str(path)!r}: {err}") from err
    if is_file:
        raise InvalidArgumentError(f"path must be a folder, got the file {str(path)!r}.")
    return folder


class CutoutFiles:
    """The answers to the questions of one call, on disk; as a context manager it leaves nothing but results there."""

    def __init__(self, questions: Sequence[ApiRequest], folder: Path, prefix: str) -> None:
        self.messages: dict[str, str] = {}
        self.error: Exception | None = None
        self._questions = questions
        self._folder = folder
        stamp = time.strftime("%Y%m%d%H%M%S")
        self._zips = [folder / f"{prefix}_{stamp}_{secrets.token_hex(4)}.zip" for _ in questions]
        self._incoming = [path.with_name(f"{path.name}.incoming") for path in self._zips]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for path in self._incoming:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def planned(self) -> list[PlannedFile]:
        """Return what is to be fetched: one file for each question."""
        files = []
        for index, (question, path) in enumerate(zip(self._questions, self._incoming, strict=True)):
            url = f"{question.url}?{urlencode(question.payload())}"
            files.append(PlannedFile(index, None, url, url, path, None, Action.FETCH, "not on disk"))
        return files

    def carry_out(self, planned: PlannedFile, open_url: OpenUrl, **how: Any) -> TransferResult:
        """Fetch one answer, again if it cannot be read."""

        def noting(url: str, headers: Mapping[str, str]) -> requests.Response:
            """Open an address, and remember why that failed."""
            try:
                response = open_url(url, headers)
            except MastError as err:
                self._note(err)
                raise
            # A cutout is made anew each time: the rest of an earlier one cannot be asked for.
            for validator in ("ETag", "Last-Modified"):
                response.headers.pop(validator, None)
            return response

        def attempt() -> TransferResult:
            """Fetch the answer anew."""
            # What came before is not "made meanwhile" by somebody else.
            planned.local_path.unlink(missing_ok=True)
            return download_file(planned, noting, **how)

        deadline: Deadline = how["deadline"]
        return retrying(
            attempt, deadline=deadline, on_result=lambda result: not deadline.reached() and self._is_broken(result)
        )

    def _is_broken(self, result: TransferResult) -> bool:
        """Whether what came may be whole the next time."""
        if result.status is not Status.COMPLETE:
            return False
        try:
            self._members(result)
        except InvalidResponseError:
            return True
        except _TROUBLES:
            return False
        return False

    def results(self, fetched: Sequence[TransferResult], *, inflate: bool, deadline: Deadline) -> list[TransferResult]:
        """Unpack what was fetched, or give it its name."""
        held = [self._looked_at(result) for result in fetched]
        places = iter(_places_in(held) if inflate else ())
        rows: list[TransferResult] = []
        for result, members in zip(fetched, held, strict=True):
            if isinstance(members, TransferResult):
                rows.append(members)
            elif members:
                unpacked = self._unpacked(result, members, places, deadline)
                rows.extend(unpacked if inflate else [self._kept(result, deadline)])
        return [replace(row, index=index) for index, row in enumerate(rows)]

    # -- one answer ----------------------------------------------------------------------------------------------

    def _looked_at(self, result: TransferResult) -> list[ZipInfo] | TransferResult:
        """The files in an answer; a failed result if it cannot be read."""
        if result.status is not Status.COMPLETE:
            return replace(result, local_path=self._zips[result.index])
        try:
            members = self._members(result)
        except _TROUBLES as err:
            return self._failed(result, self._zips[result.index], err)
        if isinstance(members, str):
            self.messages[self._questions[result.index].service] = members
            return []
        return members

    def _members(self, result: TransferResult) -> list[ZipInfo] | str:
        """The files in an answer, or the message that there is nothing."""
        service = self._questions[result.index].service
        with result.local_path.open("rb") as stream:
            start = stream.read(_WORDS)
        if not begins_as_zip(start):
            return message_for_nothing(start, service)
        with self._opened(result) as archive:
            return list(archive.members) or f"{service} returned an empty zip file."

    @contextmanager
    def _opened(self, result: TransferResult) -> Iterator[ArchiveFile]:
        """The zip file that came."""
        service = self._questions[result.index].service
        with result.local_path.open("rb") as stream, zipped_files(stream, service) as archive:
            yield archive

    def _kept(self, result: TransferResult, deadline: Deadline) -> TransferResult:
        """Give a zip file its name when all that it holds has been read once."""
        path = self._zips[result.index]
        try:
            with self._opened(result) as archive:
                for member in archive.members:
                    for _ in archive.pieces(member):
                        deadline.check()
            result.local_path.replace(path)
        except _TROUBLES as err:
            return self._failed(result, path, err)
        return replace(result, local_path=path)

    def _unpacked(
        self, result: TransferResult, members: Sequence[ZipInfo], places: Iterator[tuple[str, ...]], deadline: Deadline
    ) -> Iterator[TransferResult]:
        """Unpack a zip file; one file that is broken spoils none of the others."""
        with self._opened(result) as archive:
            for member in members:
                *within, name = next(places)
                target = self._folder.joinpath(*within, name)
                try:
                    size, sha256 = write_whole(archive.pieces(member), target, self._folder, deadline)
                except _TROUBLES as err:
                    yield self._failed(result, target, err)
                else:
                    yield replace(result, local_path=target, size=size, sha256=sha256)

    # -- failures ------------------------------------------------------------------------------------------------

    def _note(self, err: Exception) -> None:
        """Keep what went wrong first."""
        if self.error is None:
            self.error = err

    def _failed(self, result: TransferResult, path: Path, err: Exception) -> TransferResult:
        """The result for a file that could not be written."""
        if not isinstance(err, StoppedError | filelock.Timeout):
            self._note(err)
        message = f"Cannot write {path}: {err}" if isinstance(err, OSError) else f"{type(err).__name__}: {err}"
        url = self._questions[result.index].url
        return replace(
            result,
            status=Status.ERROR,
            local_path=path,
            message=message,
            url=url,
            size=None,
            sha256=None,
            fetched=False,
        )


def _places_in(held: Sequence[list[ZipInfo] | TransferResult]) -> list[tuple[str, ...]]:
    """The place of every file in some answers."""
    return places_of([member.filename for members in held if isinstance(members, list) for member in members])
