"""Manifests of earlier downloads: verifies the files on disk, and downloads failed files again.

In: a manifest, as returned by `~astroquery_mast.ObservationsClass.download_products` or read from a file.
Out: another manifest with the same rows.  Part of the product flow, after "manifest".
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from ..config import count_setting
from ..exceptions import InvalidArgumentError
from ..products.bundle import is_bundle_of
from ..products.file_names import case_folded, is_same_file
from ..products.listing import as_table
from ..products.manifest import COLUMNS, Manifest, Status, TransferResult, as_manifest
from ..products.plan import Action, DownloadService, PlannedFile, data_url, escaped_url
from ..service.parallel import RunOptions, map_in_threads, progress_bar
from ..tables.columns import plain_cells
from .destination import LOCAL_FILES, is_remote, recorded_names, recorded_place
from .download import complain, download
from .sessions import SessionRecipe
from .transfer import OpenUrl

_NEEDED = COLUMNS[:2]
# Column names in file formats that do not allow spaces in names.
_WRITTEN = {name.replace(" ", "_"): name for name in COLUMNS if " " in name}
# The fields of a result in the order of the columns of a manifest.
_FIELDS = (
    *("local_path", "status", "message", "url", "size", "sha256"),
    *("elapsed", "attempts", "uri", "catalog_size", "checksum", "rights"),
)
_INTEGERS = ("size", "attempts", "catalog_size")
_STATUSES = {str(status): status for status in Status}
_TO_FETCH = frozenset({Status.ERROR, Status.MISSING, Status.CHANGED})


@dataclass(frozen=True)
class _Verification:
    """The status of a verified file."""

    status: Status
    message: str | None = None


def _cells(manifest: Table, name: str) -> list[Any]:
    """Return the cells of a column, with None for missing values and empty texts, or for all if it does not exist."""
    if name not in manifest.colnames:
        return [None] * len(manifest)
    return [None if cell == "" else cell for cell in plain_cells(manifest[name])]


def as_written(manifest: object) -> Table:
    """Return a manifest, or a row of one, with the original column names and text types if it was read from a file."""
    table = as_table(manifest)
    if table is None:
        raise InvalidArgumentError(f"manifest must be the manifest of a download, got {manifest!r}.")
    renamed = [name for name in table.colnames if name in _WRITTEN]
    if renamed or any(table[name].dtype.kind == "S" for name in table.colnames):
        table = table.copy()
        for name in renamed:
            table.rename_column(name, _WRITTEN[name])
        table.convert_bytestring_to_unicode()
    return table


def recorded_results(manifest: Table) -> list[TransferResult]:
    """Return the rows of a manifest as results."""
    absent = [name for name in _NEEDED if name not in manifest.colnames]
    if absent:
        raise InvalidArgumentError(
            f"This table is not a manifest: column(s) {' and '.join(map(repr, absent))} missing."
        )
    rows = zip(*(_cells(manifest, name) for name in COLUMNS), strict=True)
    workdir = _workdir(manifest)
    return [_result(index, row, workdir) for index, row in enumerate(rows)]


def recorded_path(manifest: Table) -> Path:
    """Return the path of the file in a manifest with one row, relative to the recorded working directory."""
    place = recorded_place(str(_cells(manifest, COLUMNS[0])[0] or ""))
    return place if is_remote(place) else _workdir(manifest) / place


def _workdir(manifest: Table) -> Path:
    """Return the folder for relative paths: the recorded working directory if it exists, or the current one."""
    recorded = _meta_text(manifest, "workdir")
    return Path(recorded) if recorded and os.path.isdir(recorded) else Path()  # noqa: PTH112 - never raises


def _result(index: int, cells: Sequence[Any], workdir: Path) -> TransferResult:
    """Return the result for a row, whose cells are in the order of the columns of a manifest."""
    known = dict(zip(_FIELDS, cells, strict=True))
    place = recorded_place(str(known["local_path"] or ""))
    known["local_path"] = place if is_remote(place) else workdir / place
    # A file with a status written by the user's own code is not downloaded.
    known["status"] = _STATUSES.get(str(known["status"]), Status.SKIPPED)
    # Integers may have been read as floats.
    known |= {name: int(known[name]) for name in _INTEGERS if known[name] is not None}
    return TransferResult(index, **{**known, "attempts": known["attempts"] or 0})


def _meta_text(manifest: Table, name: str) -> str | None:
    """Return a folder recorded in the metadata of a manifest."""
    cells = manifest.meta.get(name)
    text = cells[0] if isinstance(cells, list) and cells else cells
    return text if isinstance(text, str) else None


# -- verify --------------------------------------------------------------------------------------------------------


def verify_downloads(manifest: Table, *, verbose: bool = True) -> Manifest:
    """Compare the files of a manifest on disk with the recorded sizes and digests."""
    manifest = as_written(manifest)
    rows = recorded_results(manifest)
    table = _copy(manifest)
    with progress_bar(sum(row.size or 0 for row in rows), "Verifying", "B", shown=verbose) as bar:
        for index, found in enumerate(map_in_threads(_verified, rows, count_setting("max_workers"))):
            table["Status"][index] = str(found.status)
            table["Message"][index] = found.message
            bar.update(rows[index].size or 0)
    return table


def _verified(row: TransferResult) -> _Verification:
    """Return the status of one file, compared with its row."""
    path = row.local_path
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            return _Verification(Status.CHANGED, "Not a regular file.")
        difference = _size_mismatch(row, state.st_size) or _digest_mismatch(row)
    except FileNotFoundError:
        return _Verification(Status.MISSING, row.message)
    except OSError as err:
        difference = f"Cannot read the file: {err}"
    return _Verification(Status.CHANGED, difference) if difference else _Verification(Status.OK)


def _size_mismatch(row: TransferResult, size: int) -> str | None:
    """Return a message if the size of a file does not match its row."""
    if row.status is Status.ERROR:
        return f"Not downloaded. An older file of {size} bytes is present. {row.message}"
    if row.size is not None and size != row.size:
        return f"The file has {size} bytes, expected {row.size}."
    if row.catalog_size is not None and size < row.catalog_size:
        return f"The file has {size} bytes, but the catalog lists {row.catalog_size}."
    return None


def _digest_mismatch(row: TransferResult) -> str | None:
    """Return a message if the digest of a file does not match its row."""
    if row.sha256 is None:
        return None
    with row.local_path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    return None if found == row.sha256 else f"SHA-256 mismatch: got {found}, expected {row.sha256}."


def _copy(manifest: Table) -> Manifest:
    """Return a copy of a manifest that can store any status and message."""
    table = Manifest(manifest, copy=True)
    table["Status"] = table["Status"].astype("U8")
    messages = np.empty(len(table), dtype=object)
    messages[:] = _cells(table, "Message")
    table["Message"] = messages
    return table


# -- retry ---------------------------------------------------------------------------------------------------------


def retry_downloads(
    manifest: Table,
    opener: SessionRecipe | OpenUrl,
    *,
    download_url: str | DownloadService,
    options: RunOptions,
) -> Manifest:
    """Download the files of a manifest that failed, or that `verify_downloads` found to be missing or changed."""
    manifest = as_written(manifest)
    rows = recorded_results(manifest)
    sharing = Counter(row.local_path for row in rows)
    registers = cache(recorded_names)
    wanted = [
        _planned(row, download_url, _download_dir(manifest, row.local_path), sharing[row.local_path], registers)
        for row in rows
        if row.status in _TO_FETCH
    ]
    results = download(wanted, opener, replace(options, on_error="ignore"))
    fetched = [_compared(result, rows[result.index]) for result in results]
    merged = {result.index: result for result in (*rows, *fetched)}
    table = _merged(manifest, list(merged.values()), {result.index for result in fetched})
    complain(fetched, on_error=options.on_error, manifest=table)
    return table


def _planned(
    row: TransferResult,
    download_url: str | DownloadService,
    download_dir: Path | None,
    sharing: int,
    registers: Callable[[Path], Mapping[str, str]],
) -> PlannedFile:
    """Return the plan for a row."""
    path, uri = row.local_path, row.uri
    if uri is None:
        return _file_of(row, Action.REFUSE, "The manifest has no dataURI for this file.")
    registered = {} if is_remote(path) else registers(path.parent)
    held = registered.get(case_folded(path.name))
    own = held is not None and is_same_file(held, uri)
    trouble = _path_error(path, download_dir) or _retry_error(path, uri, sharing, None if own else held)
    if trouble is not None:
        return _file_of(row, Action.REFUSE, trouble)
    reason = "not on disk" if row.status is Status.MISSING else "to be downloaded again"
    return replace(
        _file_of(row, Action.FETCH, reason),
        data_url=data_url(download_url, uri),
        url=escaped_url(download_url, uri),
        note=bool(registered) and not own,
        download_dir=download_dir,
    )


def _download_dir(manifest: Table, path: Path) -> Path | None:
    """Return the folder that must contain a file: the recorded one, or the current one if the files were moved."""
    if is_remote(path):
        return None
    recorded = _meta_text(manifest, "base_dir")
    if recorded and (path.is_absolute() or os.path.isdir(recorded)):  # noqa: PTH112 - never raises
        return Path(recorded)
    return None if path.is_absolute() else Path.cwd()


def _path_error(path: Path, download_dir: Path | None) -> str | None:
    """Return a message if a path in a manifest is not valid for downloads; links are checked during the download."""
    if is_remote(path):
        return None
    if ".." in path.parts or path.name.startswith("."):
        return f"{path} is not a valid download path."
    if download_dir is not None and not path.absolute().is_relative_to(download_dir):
        return f"{path} is not in the download folder of the manifest, {download_dir}."
    return None


def _compared(result: TransferResult, before: TransferResult) -> TransferResult:
    """Return a result, with a note if the file differs from the recorded one."""
    same = before.sha256 is None or result.sha256 is None or before.sha256 == result.sha256
    if result.status is not Status.COMPLETE or (same and before.size in {None, result.size}):
        return result
    said = f"The file differs from the recorded file of {before.size} bytes."
    return replace(result, message=f"{result.message} {said}" if result.message else said)


def _retry_error(path: Path, uri: str, sharing: int, another: str | None) -> str | None:
    """Return a message if a file cannot be downloaded again, for example because another product has its path."""
    if sharing > 1:
        return f"{sharing} rows have the path {path}: files of a bundle cannot be downloaded one by one."
    if is_bundle_of(path, uri):
        return f"{path.name} is a bundle or script of products, not a single product. Request a new one."
    if another is not None and LOCAL_FILES.size(path) is not None:
        return f"{path} is now {another}. Download the product again to save it under another name."
    return None


def _file_of(row: TransferResult, action: Action, reason: str) -> PlannedFile:
    """Return the plan for a row, without an address."""
    known = (row.index, row.uri, row.url, None, row.local_path, row.catalog_size)
    return PlannedFile(*known, action, reason, rights=row.rights, checksum=row.checksum)


def _merged(manifest: Table, results: Sequence[TransferResult], new: Collection[int]) -> Manifest:
    """Return the manifest with the new results in some of its rows."""
    table = as_manifest(results)
    table["Local Path"] = manifest["Local Path"]
    for index, status in enumerate(_cells(manifest, "Status")):
        if index not in new:
            # This keeps a status written by the user's own code.
            table["Status"][index] = str(status or "")
    for name in manifest.colnames:
        if name not in table.colnames:
            table[name] = manifest[name]
    table.meta.update(manifest.meta)
    return table
