"""What a download will do, decided before anything is done: one row for each file, with an action and a reason.

In: a product table, where the files go, and what lies there already. Out: a list of frozen `PlannedFile`. Pure: the
disk is seen through a `FileSystem` that is handed in. Products flow, between "filters" and "transfer".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from astropy.table import Column, Table

from ..exceptions import InvalidArgumentError
from .existing_files import (
    Action,
    FileDecision,
    FileRecords,
    FileSystem,
    FolderState,
    Overwrite,
    as_overwrite,
    decide_action,
    inspect_folder,
)
from .file_names import PathTemplate, assign_paths, case_folded, column_as_text, file_name_parts, is_same_file
from .listing import unique_products
from .manifest import masked_column

# Actions that may transfer bytes.
_FETCHED = frozenset({Action.FETCH, Action.RESUME, Action.CHECK})
_MD5 = re.compile(r"[0-9a-f]{32}")


class DownloadService(Protocol):
    """Where files come from that not all have the same service; `data_url` and `escaped_url` take one."""

    def data_url(self, uri: str) -> str:
        """Return the address of a file as manifests show it."""

    def escaped_url(self, uri: str) -> str:
        """Return the address of a file as it is asked for."""


def data_url(download_url: str | DownloadService, uri: str) -> str:
    """The address of a file as manifests show it."""
    return f"{download_url}?uri={uri}" if isinstance(download_url, str) else download_url.data_url(uri)


def escaped_url(download_url: str | DownloadService, uri: str) -> str:
    """The address of a file as it is asked for: an unescaped ``&`` in a dataURI would end the parameter."""
    if not isinstance(download_url, str):
        return download_url.escaped_url(uri)
    return f"{download_url}?uri={quote(uri, safe=':/', errors='replace')}"


@dataclass(frozen=True)
class PlannedFile:
    """One file of a download, and what is to be done for it."""

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
    release: str | None = None
    note: bool = False
    download_dir: Path | None = None


def _md5(text: str) -> str | None:
    """The MD5 digest in a cell of the catalog; None where it holds something else."""
    digest = text.strip().lower().removeprefix("md5:")
    return digest if _MD5.fullmatch(digest) else None


@lru_cache(maxsize=4096)
def _date(mjd: str) -> str | None:
    """The day of a modified Julian date; None where there is none."""
    try:
        days = float(mjd)
    except ValueError:
        return None
    # Day 40587 is 1970-01-01; MAST writes dates far in the future where none is set.
    return (date(1970, 1, 1) + timedelta(days=days - 40587)).isoformat() if 40587 < days < 2**21 else None


def _size(text: str) -> int | None:
    """The size in the catalog; None where it is not known, which the archive also writes as 0 or less."""
    try:
        size = float(text)
    except ValueError:
        return None
    return int(size) if math.isfinite(size) and size > 0 else None


@dataclass(frozen=True)
class _ProductRow:
    """What a product table says of one file."""

    uri: str
    size: int | None
    rights: str | None
    checksum: str | None
    release: str | None


def _product_rows(products: Table) -> list[_ProductRow]:
    """What the table says of each file."""
    columns = (
        column_as_text(products, name) for name in ("dataURI", "size", "dataRights", "checksum", "t_obs_release")
    )
    return [
        _ProductRow(uri if uri.strip() else "", _size(size), rights or None, _md5(checksum), _date(release))
        for uri, size, rights, checksum, release in zip(*columns, strict=True)
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
    """Decide what a download will do; the folder that the user named may be above the one for the files."""
    _check(products, flat, path_template)
    products, rule = unique_products(products), as_overwrite(cache, overwrite)
    download_dir = base_dir if download_dir is None else download_dir
    base = disk.resolve(download_dir)
    # Asked once, for the files of an observation share their folder.
    inspect_once = lru_cache(maxsize=4096)(lambda folders: inspect_folder(base_dir.joinpath(*folders), base, disk))
    # In <collection>/<obs_id>/ a name is the archive's own; elsewhere another call may have used it for another file.
    records = FileRecords(base_dir, disk) if flat or path_template is not None else None
    paths = _relative_paths(products, path_template, flat, records)
    planned = []
    for index, (row, (*within, name)) in enumerate(zip(_product_rows(products), paths, strict=True)):
        folder = inspect_once(tuple(within))
        known = records is None or records.is_known(tuple(within), name, row.uri)
        decision = _decide(row, folder, folder.path / name, rule, disk)
        if not known and decision.action is Action.CHECK:
            decision = replace(decision, reason=f"{decision.reason}; nothing tells that it is this file")
        file = _planned(row.uri, folder.path / name, decision, download_url, (cloud_urls or {}).get(row.uri))
        planned.append(
            replace(
                file,
                index=index,
                size=row.size,
                rights=row.rights,
                checksum=row.checksum,
                release=row.release,
                note=not known,
                download_dir=download_dir,
            )
        )
    return planned


def _check(products: Table, flat: bool, path_template: PathTemplate | None) -> None:
    """Raise if these are not products, or the arguments contradict each other."""
    if "dataURI" not in products.colnames:
        raise InvalidArgumentError(
            "This table has no column 'dataURI', so its rows are not products: pass it to get_product_list first."
        )
    if flat and path_template is not None:
        raise InvalidArgumentError("flat=True and path_template=... contradict each other: leave one of them out.")


def _planned(
    uri: str, path: Path, decision: FileDecision, download_url: str | DownloadService, cloud_url: str | None
) -> PlannedFile:
    """The plan for one file, as far as its URI and its place tell."""
    return PlannedFile(
        index=0,
        uri=uri or None,
        data_url=data_url(download_url, uri) if uri else None,
        url=escaped_url(download_url, uri) if uri else None,
        local_path=path,
        size=None,
        action=decision.action,
        reason=decision.reason,
        cloud_url=cloud_url,
        compare_time=decision.compare_time,
        at_hand=decision.at_hand,
    )


def _decide(row: _ProductRow, folder: FolderState, path: Path, rule: Overwrite, disk: FileSystem) -> FileDecision:
    """Decide on one file."""
    if not row.uri:
        return FileDecision(Action.REFUSE, "the product has no dataURI")
    if folder.trouble is not None:
        return FileDecision(Action.REFUSE, folder.trouble)
    return decide_action(path, row.size, rule, disk) if folder.exists else FileDecision(Action.FETCH, "not on disk")


def _relative_paths(
    products: Table, path_template: PathTemplate | None, flat: bool, records: FileRecords | None
) -> list[tuple[str, ...]]:
    """Where the files go, below the base folder."""
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
    """Decide what the download of one file will do, of which nothing is known but its dataURI."""
    decision = decide_action(local_path, None, as_overwrite(cache, overwrite), disk)
    recorded = disk.recorded_names(local_path.parent)
    owner = recorded.get(case_folded(local_path.name))
    known = owner is not None and is_same_file(owner, uri)
    if owner is not None and not known and decision.action is Action.CHECK:
        decision = FileDecision(Action.FETCH, f"on disk is {owner}")
    file = _planned(uri, local_path, decision, download_url, cloud_url)
    return replace(file, note=bool(recorded) and not known)


def only_in_cloud(file: PlannedFile) -> PlannedFile:
    """Return the same file, from the cloud or not at all."""
    if file.action in {Action.KEEP, Action.REFUSE}:
        return file
    if file.cloud_url is None:
        return replace(file, action=Action.SKIP, reason="not in the cloud")
    return replace(file, url=file.cloud_url)


def plan_table(planned: Sequence[PlannedFile]) -> Table:
    """Return a plan as a table, to be looked at before anything is fetched."""
    names = ("local_path", "url", "cloud_url", "size", "action", "reason", "rights")
    cells = {name: [getattr(file, name) for file in planned] for name in names}
    text_type = None if planned else "U1"
    unknown = sum(file.size is None for file in planned if file.action in _FETCHED)
    return Table(
        {
            "Local Path": Column(list(map(str, cells["local_path"])), dtype=text_type),
            "URL": masked_column(cells["url"], "U"),
            "Cloud URL": masked_column(cells["cloud_url"], "U"),
            "Size": masked_column(cells["size"], "i8", "byte"),
            "Action": Column(list(map(str, cells["action"])), dtype="U7"),
            "Reason": Column(cells["reason"], dtype=text_type),
            "Rights": masked_column(cells["rights"], "U"),
        },
        meta={"total_bytes": total_bytes(planned), "unknown_sizes": unknown},
    )


def total_bytes(planned: Sequence[PlannedFile]) -> int:
    """Return how many bytes a plan will fetch, as far as the catalog tells."""
    return sum(max(0, (file.size or 0) - file.at_hand) for file in planned if file.action in _FETCHED)
