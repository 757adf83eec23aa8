"""The plan of a download, made before anything is transferred: an action and a reason for each file.

In: a product table, the destination, the files that exist there, and how to treat them. Out: a list of frozen
`PlannedFile`. The disk is accessed only through the given `FileSystem`. Part of the product flow, between "filters" and
"transfer".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from astropy.table import Table

from ..config import file_address
from ..exceptions import InvalidArgumentError
from .file_names import PART, PathTemplate, assign_paths, case_folded, column_as_text, file_name_parts, is_same_file
from .listing import unique_products

EXCLUSIVE = "EXCLUSIVE_ACCESS"
"""The ``dataRights`` of a file under exclusive access."""
_PUBLIC = "PUBLIC"
_MD5 = re.compile(r"[0-9a-f]{32}")
# No file is that large, and the integer columns of a manifest cannot store this number.
_TOO_LARGE = 2.0**63


# -- existing files --------------------------------------------------------------------------------------------------


class Overwrite(StrEnum):
    """How to treat files that exist on disk."""

    IF_WRONG = "if-wrong"
    """Keep files with the size in the catalog, or else with the size of the file at MAST."""
    NEVER = "never"
    """Always keep files, without a request to MAST."""
    IF_CHANGED = "if-changed"
    """Keep files if the file at MAST has the same size and is not newer."""
    ALWAYS = "always"
    """Download files again, and replace each one when the new file is complete."""


def as_overwrite(cache: bool, overwrite: str | None) -> Overwrite:
    """Return how to treat existing files, from two arguments of a download."""
    if overwrite is None:
        return Overwrite.IF_WRONG if cache else Overwrite.ALWAYS
    if overwrite not in set(Overwrite):
        raise InvalidArgumentError(
            f"overwrite must be 'never', 'if-changed', 'always', or None (decided by cache=), got {overwrite!r}."
        )
    if not cache and overwrite != Overwrite.ALWAYS:
        raise InvalidArgumentError(
            f"cache=False (download again) and overwrite={str(overwrite)!r} cannot be combined. Use one of them."
        )
    return Overwrite(overwrite)


class Action(StrEnum):
    """The action for a file."""

    FETCH = "fetch"
    """Request the complete file."""
    RESUME = "resume"
    """Resume from the part that an earlier attempt left, or request the complete file if the part cannot be used."""
    CHECK = "check"
    """A file exists, but the catalog does not confirm its size: compare it with MAST, and download it if it differs."""
    KEEP = "keep"
    """Keep the existing file, without a request."""
    REFUSE = "refuse"
    """The file cannot be downloaded, for the given reason."""
    SKIP = "skip"
    """Skip the file as requested."""


ASKED = frozenset({Action.FETCH, Action.RESUME, Action.CHECK})
"""The actions that send requests and may transfer bytes."""


class FileSystem(Protocol):
    """The information about the disk that the plan needs."""

    def size(self, path: Path) -> int | None:
        """Return the size of a file in bytes; None if it does not exist."""

    def is_dir(self, path: Path) -> bool:
        """Return whether a path is a folder."""

    def resolve(self, path: Path) -> Path:
        """Return the absolute path with symbolic links resolved; the path need not exist."""

    def trusts_links(self, folder: Path, base: Path) -> bool:
        """Return whether all links between ``base`` and a folder below it belong to the user or to root."""

    def recorded_names(self, folder: Path) -> Mapping[str, str]:
        """Return the registered URIs of the files in a folder, by name."""

    def md5(self, path: Path) -> str | None:
        """Return the MD5 digest of a file; None if it is not available."""


@dataclass(frozen=True)
class FileDecision:
    """The action for a file, and the reason."""

    action: Action
    reason: str
    compare_time: bool = False
    at_hand: int = 0


def _download_decision(path: Path, disk: FileSystem, reason: str) -> FileDecision:
    """Return the decision to download a file or the rest of it."""
    part = path.with_name(f"{path.name}{PART}")
    at_hand = disk.size(part)
    # Without its record, it is not known to which version of the file a part belongs.
    if at_hand and disk.size(part.with_name(f"{part.name}.json")):
        return FileDecision(
            Action.RESUME, f"{reason}; {at_hand} bytes are present from an earlier download", at_hand=at_hand
        )
    return FileDecision(
        Action.FETCH, f"{reason}; the partial file of an earlier download cannot be used" if at_hand else reason
    )


def decide_action(path: Path, size: int | None, overwrite: Overwrite, disk: FileSystem) -> FileDecision:
    """Return the decision for a file with an address and a unique path."""
    present = disk.size(path)
    if present is None:
        return _download_decision(path, disk, "not on disk")
    if disk.is_dir(path):
        return FileDecision(Action.REFUSE, f"{path} is a folder")
    match overwrite:
        case Overwrite.NEVER:
            return FileDecision(Action.KEEP, "on disk, not overwritten")
        case Overwrite.ALWAYS:
            return _download_decision(path, disk, "on disk, to be downloaded again")
        case Overwrite.IF_CHANGED:
            return FileDecision(
                Action.CHECK, f"{present} bytes on disk; the file in MAST may have changed", compare_time=True
            )
    return _compare(present, size)


def _compare(present: int, size: int | None) -> FileDecision:
    """Return the decision for an existing file by its size."""
    if size is None:
        return FileDecision(Action.CHECK, f"{present} bytes on disk; size not in the catalog")
    if present != size:
        return FileDecision(Action.CHECK, f"{present} bytes on disk, {size} in the catalog")
    return FileDecision(Action.KEEP, "on disk, with the size in the catalog")


@dataclass(frozen=True)
class FolderState:
    """Whether files can be saved in a folder."""

    path: Path
    exists: bool
    trouble: str | None = None


def inspect_folder(folder: Path, base: Path, disk: FileSystem) -> FolderState:
    """Check a folder, following links; links of other users may lead out of the download folder."""
    try:
        inside = disk.resolve(folder).is_relative_to(base) or disk.trusts_links(folder, base)
        exists = disk.is_dir(folder)
    except (OSError, RuntimeError) as err:  # path too long, no permission, circular links
        return FolderState(folder, False, f"Cannot use the folder {folder}: {err}")
    trouble = f"{folder} points outside the download folder {base}: it is a broken link, or a link of another user"
    return FolderState(folder, exists, None if inside else trouble)


class FileRecords:
    """The files in the folders below a base folder, as registered by earlier calls."""

    def __init__(self, base_dir: Path, disk: FileSystem) -> None:
        self._base_dir, self._disk = base_dir, disk
        self._known: dict[tuple[str, ...], Mapping[str, str]] = {}

    def within(self, folders: tuple[str, ...]) -> Mapping[str, str]:
        """Return the registered names in a folder, which are read once."""
        if folders not in self._known:
            self._known[folders] = self._disk.recorded_names(self._base_dir.joinpath(*folders))
        return self._known[folders]

    def owner(self, folders: tuple[str, ...], name: str) -> str | None:
        """Return the URI of the existing file with a name; None if it is not known or there is no file."""
        uri = self.within(folders).get(case_folded(name))
        # A file that was removed does not reserve its name.
        if uri is None or self._disk.size(self._base_dir.joinpath(*folders, name)) is None:
            return None
        return uri

    def is_known(self, folders: tuple[str, ...], name: str, uri: str) -> bool:
        """Return whether the existing file with a name is known to be this one."""
        owner = self.owner(folders, name)
        return owner is not None and is_same_file(owner, uri)


# -- the plan --------------------------------------------------------------------------------------------------------


class DownloadService(Protocol):
    """A source of files that are not all at one download service, for `data_url` and `escaped_url`."""

    def data_url(self, uri: str) -> str:
        """Return the address of a file for manifests."""

    def escaped_url(self, uri: str) -> str:
        """Return the escaped address of a file, for requests."""


def data_url(download_url: str | DownloadService, uri: str) -> str:
    """Return the address of a file for manifests."""
    return f"{download_url}?uri={uri}" if isinstance(download_url, str) else download_url.data_url(uri)


def escaped_url(download_url: str | DownloadService, uri: str) -> str:
    """Return the escaped address of a file, for requests."""
    if not isinstance(download_url, str):
        return download_url.escaped_url(uri)
    return file_address(download_url, uri)


@dataclass(frozen=True)
class PlannedFile:
    """One file of a download, and the action for it."""

    index: int
    uri: str | None
    data_url: str | None
    url: str | None
    local_path: Path
    size: int | None
    action: Action
    reason: str
    rights: str | None = None
    cloud_url: str | None = None
    checksum: str | None = None
    compare_time: bool = False
    at_hand: int = 0
    terms: str = ""
    note: bool = False
    download_dir: Path | None = None


def _md5(text: str) -> str | None:
    """Return the MD5 digest in a cell of the catalog; None for anything else."""
    digest = text.strip().lower().removeprefix("md5:")
    return digest if _MD5.fullmatch(digest) else None


@lru_cache(maxsize=4096)
def access_terms(program: str, release: str) -> str:
    """Return the program of an exclusive file and its release date (given as MJD), for messages, if they are known."""
    whose = f" for program {program}" if program else ""
    try:
        days = float(release)
    except ValueError:
        return whose
    # MJD 40587 is 1970-01-01; MAST uses dates far in the future if none is set.
    return f"{whose} until {date(1970, 1, 1) + timedelta(days=days - 40587)}" if 40587 < days < 2**21 else whose


def _size(text: str) -> int | None:
    """Return the size in the catalog; None if it is not valid, such as 0 or less, which MAST uses for unknown sizes."""
    try:
        size = float(text)
    except ValueError:
        return None
    return int(size) if 0 < size < _TOO_LARGE else None


@dataclass(frozen=True)
class _ProductRow:
    """The metadata of one file in a product table."""

    uri: str
    size: int | None
    rights: str | None
    checksum: str | None
    terms: str


def _product_rows(products: Table) -> list[_ProductRow]:
    """Return the metadata of each file in a product table."""
    columns = (
        column_as_text(products, name)
        for name in ("dataURI", "size", "dataRights", "checksum", "t_obs_release", "proposal_id")
    )
    return [
        _ProductRow(uri if uri.strip() else "", _size(size), rights or None, _md5(md5), access_terms(program, release))
        for uri, size, rights, md5, release, program in zip(*columns, strict=True)
    ]


def plan(
    products: Table,
    *,
    base_dir: Path,
    download_url: str | DownloadService,
    disk: FileSystem,
    download_dir: Path | None = None,
    flat: bool = False,
    path_template: PathTemplate | None = None,
    cache: bool = True,
    overwrite: str | None = None,
    cloud_urls: Mapping[str, str] | None = None,
) -> list[PlannedFile]:
    """Return the plan of a download; ``download_dir`` may be above the base folder for the files."""
    _check(products, flat, path_template)
    products, rule = unique_products(products), as_overwrite(cache, overwrite)
    download_dir = base_dir if download_dir is None else download_dir
    base = disk.resolve(download_dir)
    # Cached, because the files of an observation share their folder.
    inspect_once = lru_cache(maxsize=4096)(lambda folders: inspect_folder(base_dir.joinpath(*folders), base, disk))
    # Names are unique in <collection>/<obs_id>/; elsewhere another call may have used a name for another file.
    records = FileRecords(base_dir, disk) if flat or path_template is not None else None
    paths = _relative_paths(products, path_template, flat, records)
    planned = []
    for index, (row, (*within, name)) in enumerate(zip(_product_rows(products), paths, strict=True)):
        folder = inspect_once(tuple(within))
        known = records is None or records.is_known(tuple(within), name, row.uri)
        decision = _decide(row, folder, folder.path / name, rule, disk)
        if not known and decision.action is Action.CHECK:
            decision = replace(decision, reason=f"{decision.reason}; cannot confirm that it is this file")
        told = {"size": row.size, "rights": row.rights, "checksum": row.checksum, "terms": row.terms}
        place: dict[str, Any] = {"index": index, "note": not known, "download_dir": download_dir, **told}
        cloud_url = (cloud_urls or {}).get(row.uri)
        planned.append(_planned(row.uri, folder.path / name, decision, download_url, cloud_url, **place))
    return planned


def _check(products: Table, flat: bool, path_template: PathTemplate | None) -> None:
    """Raise if this is not a product table, or the arguments contradict each other."""
    if "dataURI" not in products.colnames:
        raise InvalidArgumentError(
            "This table has no column 'dataURI', so it is not a table of products. Pass it to get_product_list first."
        )
    if flat and path_template is not None:
        raise InvalidArgumentError("flat=True and path_template= cannot be combined. Use one of them.")


def _planned(
    uri: str,
    path: Path,
    decision: FileDecision,
    download_url: str | DownloadService,
    cloud_url: str | None,
    *,
    index: int = 0,
    size: int | None = None,
    **known: Any,
) -> PlannedFile:
    """Return the plan for one file."""
    return PlannedFile(
        index=index,
        uri=uri or None,
        data_url=data_url(download_url, uri) if uri else None,
        url=escaped_url(download_url, uri) if uri else None,
        local_path=path,
        size=size,
        action=decision.action,
        reason=decision.reason,
        cloud_url=cloud_url,
        compare_time=decision.compare_time,
        at_hand=decision.at_hand,
        **known,
    )


def _decide(row: _ProductRow, folder: FolderState, path: Path, rule: Overwrite, disk: FileSystem) -> FileDecision:
    """Return the decision for one file."""
    if not row.uri:
        return FileDecision(Action.REFUSE, "the product has no dataURI")
    if folder.trouble is not None:
        return FileDecision(Action.REFUSE, folder.trouble)
    if not folder.exists:
        return FileDecision(Action.FETCH, "not on disk")
    decision = decide_action(path, row.size, rule, disk)
    if decision.action is not Action.KEEP or row.checksum is None or rule is Overwrite.NEVER:
        return decision
    # Reprocessed files often have the same size.
    found = disk.md5(path)
    if found is not None and found != row.checksum:
        return _download_decision(path, disk, "on disk, MD5 differs from the catalog")
    return decision if found is None else replace(decision, reason="on disk, MD5 matches the catalog")


def _relative_paths(
    products: Table, path_template: PathTemplate | None, flat: bool, records: FileRecords | None
) -> list[tuple[str, ...]]:
    """Return the paths of the files relative to the base folder."""
    parts = file_name_parts(products, path_template)
    if records is None or not any(records.within(folders) for folders in {each.folders(flat) for each in parts}):
        return assign_paths(parts, flat=flat)
    return assign_paths(parts, flat=flat, existing_owner=records.owner)


def single_file(
    uri: str,
    local_path: Path,
    *,
    download_url: str | DownloadService,
    disk: FileSystem,
    cache: bool = True,
    overwrite: str | None = None,
    cloud_url: str | None = None,
) -> PlannedFile:
    """Return the plan for the download of one file, given only its dataURI."""
    decision = decide_action(local_path, None, as_overwrite(cache, overwrite), disk)
    recorded = disk.recorded_names(local_path.parent)
    owner = recorded.get(case_folded(local_path.name))
    known = owner is not None and is_same_file(owner, uri)
    if owner is not None and not known and decision.action is Action.CHECK:
        decision = FileDecision(Action.FETCH, f"on disk is {owner}")
    return _planned(uri, local_path, decision, download_url, cloud_url, note=bool(recorded) and not known)


def only_in_cloud(file: PlannedFile) -> PlannedFile:
    """Return the plan for a file from the cloud, or to skip it."""
    if file.action in {Action.KEEP, Action.REFUSE}:
        return file
    if file.cloud_url is None:
        return replace(file, action=Action.SKIP, reason="Product not found in cloud")
    return replace(file, url=file.cloud_url)


def is_accessible(file: PlannedFile, refusal: str | None) -> bool | None:
    """Return whether the user has access to a file; None if only MAST can tell.

    ``refusal`` is the reason why this user has no access to exclusive files, if it is known.
    """
    if file.rights == EXCLUSIVE and refusal is not None:
        return False
    return True if file.rights == _PUBLIC else None


def total_bytes(planned: Sequence[PlannedFile]) -> int:
    """Return the number of bytes that a plan will download, for files with a size in the catalog."""
    return sum(max(0, (file.size or 0) - file.at_hand) for file in planned if file.action in ASKED)
