"""Files of JWST on disk, brought up to date: only those are fetched that the archive has made anew.

In: a folder, a manifest, or files. Out: a manifest with a status and a reason for each file; new files in the places of
the old ones, which are kept beside them or given up. At every moment there is a whole file under its name.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from astropy.table import Row, Table

from ..config import count_setting
from ..downloads.destination import is_remote
from ..downloads.download import complain
from ..downloads.methods import as_read
from ..downloads.product_flow import Downloads
from ..downloads.verify_and_retry import as_written, recorded_results
from ..exceptions import InputWarning, InvalidArgumentError
from ..products.manifest import Manifest, Status, TransferResult, as_manifest, masked_column
from ..products.plan import Action, PlannedFile, data_url, escaped_url
from ..service.mast_service import MastService
from ..service.parallel import RunOptions, map_in_threads
from ..service.retrying import Deadline
from ..tables.columns import few_names
from ..warn import warn_user
from .keyword_columns import InstrumentColumns
from .keyword_search import URI_PREFIX
from .newest_files import JWST_FILE, ArchivedFile, archived_files, compared

SUPERSEDED = "superseded-"
"""How the names of folders begin in which old files are kept."""
_NOT_JWST = "not the name of a JWST FITS file"
_UNKNOWN = "not found in MAST"


@dataclass(frozen=True)
class _Judged:
    """What is known of a file on disk: how it stands, why, and what the archive has."""

    path: Path
    status: Status
    reason: str
    archived: ArchivedFile | None = None

    @property
    def uri(self) -> str | None:
        """The dataURI of a file that the archive knows."""
        return None if self.archived is None else f"{URI_PREFIX}{self.archived.name}"

    def result(self, index: int) -> TransferResult:
        """How it stands, as a row of a manifest."""
        size = None
        with suppress(OSError):
            size = self.path.stat().st_size
        message = None if self.status is Status.OK else self.reason
        result = TransferResult(index, self.status, self.path, message, size=size, uri=self.uri)
        known = self.archived
        if known is None:
            return result
        return replace(result, catalog_size=known.size, checksum=known.checksum or None, rights=known.rights)


class Refresh:
    """Brings files on disk up to date."""

    def __init__(
        self, service: MastService, columns: InstrumentColumns, downloads: Downloads, options: RunOptions
    ) -> None:
        self._service, self._columns, self._downloads, self._options = service, columns, downloads, options

    def manifest(self, files: Any, *, keep_old: bool, dry_run: bool) -> Manifest:
        """Return how each file stands, after those that are out of date were fetched, unless that is not wanted."""
        deadline = self._options.deadline()
        folder, paths = local_files(files)
        names = [path.name for path in paths if JWST_FILE.fullmatch(path.name)]
        archived = archived_files(self._service, self._columns, names, Deadline.within(deadline))
        judged = self._judged(paths, archived)
        results = {index: each.result(index) for index, each in enumerate(judged)}
        olds = OldFiles(keep_old)
        if not dry_run:
            results |= self._brought(judged, folder, olds, deadline)
        table = _table(list(results.values()), judged, olds.copies, folder)
        _warn_of_unknown(judged)
        complain(list(results.values()), on_error=self._options.on_error, manifest=table)
        return table

    def _brought(
        self, judged: Sequence[_Judged], folder: Path | None, olds: OldFiles, deadline: Deadline
    ) -> dict[int, TransferResult]:
        """Fetch the files that are out of date, and keep the old ones as is wanted."""
        results: dict[int, TransferResult] = {}
        changed = [(index, each) for index, each in enumerate(judged) if each.status is Status.CHANGED]
        with olds:
            planned = [olds.kept(self._planned(index, each, folder)) for index, each in changed]
            for result in self._fetched(planned, deadline):
                results[result.index] = result
                olds.note(result)
        return results

    def _judged(self, paths: Sequence[Path], archived: Mapping[str, ArchivedFile]) -> list[_Judged]:
        """How each file stands; several are read at a time."""
        pairs = [(path, archived.get(path.name.lower())) for path in paths]
        return list(map_in_threads(_judge, pairs, count_setting("max_workers")))

    def _fetched(self, planned: Sequence[PlannedFile], deadline: Deadline) -> list[TransferResult]:
        """Fetch the archive's files to the places of the old ones."""
        options = replace(self._options, on_error="ignore").until(deadline)
        return self._downloads.run(planned, options) if planned else []

    def _planned(self, index: int, each: _Judged, folder: Path | None) -> PlannedFile:
        """What is to be done for one file."""
        assert each.archived is not None
        assert each.uri is not None
        address = self._service.endpoints.download
        known = (each.uri, data_url(address, each.uri), escaped_url(address, each.uri), each.path, each.archived.size)
        checksum, rights = each.archived.checksum or None, each.archived.rights
        return PlannedFile(
            index, *known, Action.FETCH, each.reason, rights=rights, checksum=checksum, download_dir=folder
        )


# -- which files ---------------------------------------------------------------------------------------------------


def local_files(given: Any) -> tuple[Path | None, list[Path]]:
    """Return the files that a folder, a manifest or paths stand for, and the folder, if it is one."""
    if isinstance(given, str | os.PathLike):
        path = Path(given)
        if path.is_dir():
            return path.absolute(), sorted(_files_below(path))
        if JWST_FILE.fullmatch(path.name):
            return None, [path]
        given = as_read(given)
    if isinstance(given, Table | Row):
        return None, _paths_of(as_written(given))
    if isinstance(given, Iterable):
        members = list(given)
        if members and all(isinstance(each, str | os.PathLike) for each in members):
            return None, list(dict.fromkeys(map(Path, members)))
    raise InvalidArgumentError(f"Expected a folder, a manifest or paths of files, got {given!r:.80}.")


def _files_below(folder: Path) -> Iterator[Path]:
    """The files of JWST in a folder and in those below it, without those that were kept of old."""
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((SUPERSEDED, "."))]
        yield from (Path(where) / name for name in names if JWST_FILE.fullmatch(name))


def _paths_of(manifest: Table) -> list[Path]:
    """The places of a manifest's files."""
    paths = [result.local_path for result in recorded_results(manifest)]
    remote = next((path for path in paths if is_remote(path)), None)
    if remote is not None:
        raise InvalidArgumentError(f"{remote} is remote storage. Only local files can be updated.")
    return list(dict.fromkeys(paths))


def _judge(pair: tuple[Path, ArchivedFile | None]) -> _Judged:
    """Say how one file stands."""
    path, archived = pair
    if not JWST_FILE.fullmatch(path.name):
        return _Judged(path, Status.SKIPPED, _NOT_JWST)
    if archived is None:
        return _Judged(path, Status.SKIPPED, _UNKNOWN)
    try:
        found = compared(path, archived)
    except FileNotFoundError:
        return _Judged(path, Status.MISSING, "not on disk", archived)
    except OSError as err:
        return _Judged(path, Status.ERROR, f"cannot read the file: {err}", archived)
    statuses = {True: Status.OK, False: Status.CHANGED, None: Status.SKIPPED}
    return _Judged(path, statuses[found.same], found.reason, archived)


# -- the old ones --------------------------------------------------------------------------------------------------


class OldFiles:
    """Keeps old files under second names while new ones take their places.

    As a context manager it takes the second names of those away that are still in their places at the end.
    """

    def __init__(self, wanted: bool) -> None:
        self._folder = f"{SUPERSEDED}{datetime.now(UTC).date().isoformat()}" if wanted else None
        self._replaced: set[int] = set()
        self.copies: dict[int, Path] = {}

    def kept(self, file: PlannedFile) -> PlannedFile:
        """Return what is to be done for a file, once the old one is safe; nothing if it cannot be kept."""
        if self._folder is None:
            return file
        try:
            self.copies[file.index] = _second_name(file.local_path, self._folder)
        except OSError as err:
            return replace(file, action=Action.REFUSE, reason=f"cannot keep the old file: {err}")
        return file

    def note(self, result: TransferResult) -> None:
        """Take down that a new file is there, if it is."""
        if result.status is Status.COMPLETE:
            self._replaced.add(result.index)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for index in self.copies.keys() - self._replaced:
            kept = self.copies.pop(index)
            with suppress(OSError):
                kept.unlink()
                kept.parent.rmdir()


def _second_name(path: Path, folder: str) -> Path:
    """A second name for a file, in a folder beside it; a copy of it where a disk has no such thing."""
    number = 1
    while True:
        kept = path.parent / (folder if number == 1 else f"{folder}-{number}") / path.name
        if not os.path.lexists(kept):
            break
        number += 1
    kept.parent.mkdir(exist_ok=True)
    try:
        os.link(path.resolve(), kept)
    except OSError:
        shutil.copy2(path, kept)
    return kept


# -- what comes back -----------------------------------------------------------------------------------------------


def _table(
    results: Sequence[TransferResult], judged: Sequence[_Judged], kept: Mapping[int, Path], folder: Path | None
) -> Manifest:
    """The manifest, with the reasons and where old files are."""
    table = as_manifest(results)
    table["Reason"] = masked_column([each.reason for each in judged], "U")
    places = [kept.get(index) for index in range(len(judged))]
    table["Kept As"] = masked_column([None if place is None else str(place) for place in places], "U")
    with suppress(FileNotFoundError):  # a working directory that was removed meanwhile
        table.meta["workdir"] = [str(Path.cwd())]
    if folder is not None:
        table.meta["base_dir"] = [str(folder)]
    return table


def _warn_of_unknown(judged: Sequence[_Judged]) -> None:
    """Name the files that the archive does not know."""
    names = [each.path.name for each in judged if each.reason == _UNKNOWN]
    if names:
        warn_user(f"{len(names)} of {len(judged)} files not found in MAST: {few_names(names)}", InputWarning)
