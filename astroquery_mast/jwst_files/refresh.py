"""Updates of JWST files on disk: files that MAST has reprocessed are downloaded again.

In: a folder, a manifest, or files. Out: a manifest with a status and a reason for each file; new files in place of the
old ones, which are kept in another folder or discarded. There is a complete file under each name at all times.
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
"""The prefix of the names of folders for old files."""
_NOT_JWST = "not the name of a JWST FITS file"
_UNKNOWN = "not found in MAST"


@dataclass(frozen=True)
class _CheckedFile:
    """A file on disk with its status, the reason for it, and its entry in MAST."""

    path: Path
    status: Status
    reason: str
    archived: ArchivedFile | None = None

    @property
    def uri(self) -> str | None:
        """The dataURI of a file that is in MAST."""
        return None if self.archived is None else f"{URI_PREFIX}{self.archived.name}"

    def result(self, index: int) -> TransferResult:
        """Return the row of the manifest for the file."""
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
    """Updates files on disk."""

    def __init__(
        self, service: MastService, columns: InstrumentColumns, downloads: Downloads, options: RunOptions
    ) -> None:
        self._service, self._columns, self._downloads, self._options = service, columns, downloads, options

    def manifest(self, files: Any, *, keep_old: bool, dry_run: bool) -> Manifest:
        """Return the status of each file, after outdated files were downloaded unless this is a dry run."""
        deadline = self._options.deadline()
        folder, paths = local_files(files)
        names = [path.name for path in paths if JWST_FILE.fullmatch(path.name)]
        archived = archived_files(self._service, self._columns, names, Deadline.within(deadline))
        checked = self._checked(paths, archived)
        results = {index: each.result(index) for index, each in enumerate(checked)}
        olds = OldFiles(keep_old)
        if not dry_run:
            results |= self._updated(checked, folder, olds, deadline)
        table = _table(list(results.values()), checked, olds.copies, folder)
        _warn_of_unknown(checked)
        complain(list(results.values()), on_error=self._options.on_error, manifest=table)
        return table

    def _updated(
        self, checked: Sequence[_CheckedFile], folder: Path | None, olds: OldFiles, deadline: Deadline
    ) -> dict[int, TransferResult]:
        """Download the files that are outdated, and keep the old ones if requested."""
        results: dict[int, TransferResult] = {}
        changed = [(index, each) for index, each in enumerate(checked) if each.status is Status.CHANGED]
        with olds:
            planned = [olds.kept(self._planned(index, each, folder)) for index, each in changed]
            for result in self._fetched(planned, deadline):
                results[result.index] = result
                olds.note(result)
        return results

    def _checked(self, paths: Sequence[Path], archived: Mapping[str, ArchivedFile]) -> list[_CheckedFile]:
        """Return the status of each file; several files are read at the same time."""
        pairs = [(path, archived.get(path.name.lower())) for path in paths]
        return list(map_in_threads(_check, pairs, count_setting("max_workers")))

    def _fetched(self, planned: Sequence[PlannedFile], deadline: Deadline) -> list[TransferResult]:
        """Download MAST's files in place of the old ones."""
        options = replace(self._options, on_error="ignore").until(deadline)
        return self._downloads.run(planned, options) if planned else []

    def _planned(self, index: int, each: _CheckedFile, folder: Path | None) -> PlannedFile:
        """Return the plan for one file."""
        assert each.archived is not None
        assert each.uri is not None
        address = self._service.endpoints.download
        known = (each.uri, data_url(address, each.uri), escaped_url(address, each.uri), each.path, each.archived.size)
        checksum, rights = each.archived.checksum or None, each.archived.rights
        return PlannedFile(
            index, *known, Action.FETCH, each.reason, rights=rights, checksum=checksum, download_dir=folder
        )


# -- the files -----------------------------------------------------------------------------------------------------


def local_files(given: Any) -> tuple[Path | None, list[Path]]:
    """Return the files that a folder, a manifest or paths refer to, and the folder, if one is given."""
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
    """Yield the JWST files in a folder and its subfolders, except old files that were kept."""
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((SUPERSEDED, "."))]
        yield from (Path(where) / name for name in names if JWST_FILE.fullmatch(name))


def _paths_of(manifest: Table) -> list[Path]:
    """Return the paths of a manifest's files."""
    paths = [result.local_path for result in recorded_results(manifest)]
    remote = next((path for path in paths if is_remote(path)), None)
    if remote is not None:
        raise InvalidArgumentError(f"{remote} is remote storage. Only local files can be updated.")
    return list(dict.fromkeys(paths))


def _check(pair: tuple[Path, ArchivedFile | None]) -> _CheckedFile:
    """Return the status of one file."""
    path, archived = pair
    if not JWST_FILE.fullmatch(path.name):
        return _CheckedFile(path, Status.SKIPPED, _NOT_JWST)
    if archived is None:
        return _CheckedFile(path, Status.SKIPPED, _UNKNOWN)
    try:
        found = compared(path, archived)
    except FileNotFoundError:
        return _CheckedFile(path, Status.MISSING, "not on disk", archived)
    except OSError as err:
        return _CheckedFile(path, Status.ERROR, f"cannot read the file: {err}", archived)
    statuses = {True: Status.OK, False: Status.CHANGED, None: Status.SKIPPED}
    return _CheckedFile(path, statuses[found.same], found.reason, archived)


# -- old files -----------------------------------------------------------------------------------------------------


class OldFiles:
    """Keeps old files under a second name while new files replace them.

    On exit, the context manager removes the second names of files that were not replaced.
    """

    def __init__(self, wanted: bool) -> None:
        self._folder = f"{SUPERSEDED}{datetime.now(UTC).date().isoformat()}" if wanted else None
        self._replaced: set[int] = set()
        self.copies: dict[int, Path] = {}

    def kept(self, file: PlannedFile) -> PlannedFile:
        """Return the plan for a file after the old one is saved, or a refusal if it cannot be saved."""
        if self._folder is None:
            return file
        try:
            self.copies[file.index] = _second_name(file.local_path, self._folder)
        except OSError as err:
            return replace(file, action=Action.REFUSE, reason=f"cannot keep the old file: {err}")
        return file

    def note(self, result: TransferResult) -> None:
        """Record the result of a download."""
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
    """Return a second name for a file, in a subfolder next to it; a copy if the file system has no hard links."""
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


# -- the manifest --------------------------------------------------------------------------------------------------


def _table(
    results: Sequence[TransferResult], checked: Sequence[_CheckedFile], kept: Mapping[int, Path], folder: Path | None
) -> Manifest:
    """Return the manifest, with the reasons and the paths of old files."""
    table = as_manifest(results)
    table["Reason"] = masked_column([each.reason for each in checked], "U")
    places = [kept.get(index) for index in range(len(checked))]
    table["Kept As"] = masked_column([None if place is None else str(place) for place in places], "U")
    with suppress(FileNotFoundError):  # the working directory may have been removed
        table.meta["workdir"] = [str(Path.cwd())]
    if folder is not None:
        table.meta["base_dir"] = [str(folder)]
    return table


def _warn_of_unknown(checked: Sequence[_CheckedFile]) -> None:
    """Warn about the files that are not in MAST."""
    names = [each.path.name for each in checked if each.reason == _UNKNOWN]
    if names:
        warn_user(f"{len(names)} of {len(checked)} files not found in MAST: {few_names(names)}", InputWarning)
