"""Cutouts on disk: zip files that are unpacked or kept, and a manifest row for every file.

In: queries and the results of their transfers.  Out: results for a manifest, and the messages of the service about
missing data.  This step follows "transfer" and precedes "manifest".

Responses are downloaded to unique temporary names.  Only a readable zip file gets a name that ends in ``.zip``, and two
calls in the same second never use the same name.
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
from .protocol import no_data_message
from .zip_files import ArchiveFile, is_zip_start, unpacked_paths, write_atomically, zipped_files

# Number of bytes that is larger than any message of the services.
_WORDS = 1 << 20
# Errors that affect only one file of a zip file.
_TROUBLES = (MastError, StoppedError, filelock.Timeout, OSError)


def as_folder(path: str | os.PathLike[str] | None) -> Path:
    """Return the local folder for cutouts."""
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
    """The responses of one call on disk; as a context manager, it removes the temporary files."""

    def __init__(self, queries: Sequence[ApiRequest], folder: Path, prefix: str) -> None:
        self.messages: dict[str, str] = {}
        self.error: Exception | None = None
        self._queries = queries
        self._folder = folder
        stamp = time.strftime("%Y%m%d%H%M%S")
        self._zips = [folder / f"{prefix}_{stamp}_{secrets.token_hex(4)}.zip" for _ in queries]
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
        """Return the files to download: one for each query."""
        files = []
        for index, (query, path) in enumerate(zip(self._queries, self._incoming, strict=True)):
            url = f"{query.url}?{urlencode(query.payload())}"
            files.append(PlannedFile(index, None, url, url, path, None, Action.FETCH, "not on disk"))
        return files

    def carry_out(self, planned: PlannedFile, open_url: OpenUrl, **how: Any) -> TransferResult:
        """Download one response; retry if it cannot be read."""

        def open_noting(url: str, headers: Mapping[str, str]) -> requests.Response:
            """Open a URL, and note the error if that fails."""
            try:
                response = open_url(url, headers)
            except MastError as err:
                self._note(err)
                raise
            # The service creates a new cutout each time, so a partial download cannot be resumed.
            for validator in ("ETag", "Last-Modified"):
                response.headers.pop(validator, None)
            return response

        def attempt() -> TransferResult:
            """Download the response again."""
            # Otherwise the previous response would be taken for a file that another process created meanwhile.
            planned.local_path.unlink(missing_ok=True)
            return download_file(planned, open_noting, **how)

        deadline: Deadline = how["deadline"]
        return retrying(
            attempt, deadline=deadline, on_result=lambda result: not deadline.reached() and self._is_broken(result)
        )

    def _is_broken(self, result: TransferResult) -> bool:
        """Return whether a retry may fix the response."""
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
        """Unpack the downloaded zip files, or rename them to their final names."""
        held = [self._examined(result) for result in fetched]
        places = iter(_unpacked_paths_in(held) if inflate else ())
        rows: list[TransferResult] = []
        for result, members in zip(fetched, held, strict=True):
            if isinstance(members, TransferResult):
                rows.append(members)
            elif members:
                unpacked = self._unpacked(result, members, places, deadline)
                rows.extend(unpacked if inflate else [self._kept(result, deadline)])
        return [replace(row, index=index) for index, row in enumerate(rows)]

    # -- one response --------------------------------------------------------------------------------------------

    def _examined(self, result: TransferResult) -> list[ZipInfo] | TransferResult:
        """Return the files in a response, or a failed result if it cannot be read."""
        if result.status is not Status.COMPLETE:
            return replace(result, local_path=self._zips[result.index])
        try:
            members = self._members(result)
        except _TROUBLES as err:
            return self._failed(result, self._zips[result.index], err)
        if isinstance(members, str):
            self.messages[self._queries[result.index].service] = members
            return []
        return members

    def _members(self, result: TransferResult) -> list[ZipInfo] | str:
        """Return the files in a response, or the message that there is no data."""
        service = self._queries[result.index].service
        with result.local_path.open("rb") as stream:
            start = stream.read(_WORDS)
        if not is_zip_start(start):
            return no_data_message(start, service)
        with self._opened(result) as archive:
            return list(archive.members) or f"{service} returned an empty zip file."

    @contextmanager
    def _opened(self, result: TransferResult) -> Iterator[ArchiveFile]:
        """Open the downloaded zip file."""
        service = self._queries[result.index].service
        with result.local_path.open("rb") as stream, zipped_files(stream, service) as archive:
            yield archive

    def _kept(self, result: TransferResult, deadline: Deadline) -> TransferResult:
        """Rename a zip file to its final name once all of its contents could be read."""
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
        """Unpack a zip file; a damaged file does not affect the others."""
        with self._opened(result) as archive:
            for member in members:
                *within, name = next(places)
                target = self._folder.joinpath(*within, name)
                try:
                    size, sha256 = write_atomically(archive.pieces(member), target, self._folder, deadline)
                except _TROUBLES as err:
                    yield self._failed(result, target, err)
                else:
                    yield replace(result, local_path=target, size=size, sha256=sha256)

    # -- failures ------------------------------------------------------------------------------------------------

    def _note(self, err: Exception) -> None:
        """Keep the first error."""
        if self.error is None:
            self.error = err

    def _failed(self, result: TransferResult, path: Path, err: Exception) -> TransferResult:
        """Return the result of a file that could not be written."""
        if not isinstance(err, StoppedError | filelock.Timeout):
            self._note(err)
        message = f"Cannot write {path}: {err}" if isinstance(err, OSError) else f"{type(err).__name__}: {err}"
        url = self._queries[result.index].url
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


def _unpacked_paths_in(held: Sequence[list[ZipInfo] | TransferResult]) -> list[tuple[str, ...]]:
    """Return the relative path of every file in the responses."""
    return unpacked_paths([member.filename for members in held if isinstance(members, list) for member in members])
