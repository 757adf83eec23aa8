"""What a download will do, decided before anything is done: a row for every file, with an action and a reason.

In: a product table, where the files go, and what lies there already. Out: a list of frozen `PlannedFile`. Pure: the
disk is seen through a `Disk` that is handed in. Products flow, between "filters" and "transfer".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from ..exceptions import InvalidArgumentError
from .addresses import Source, data_url, escaped_url, is_same_file
from .file_names import folded, place
from .filters import unique_products
from .path_template import PathTemplate, column_as_text, file_name_parts
from .verdict import Action, Disk, FileDecision, Folder, as_overwrite, decide_action, look

__all__ = [
    "Action",
    "Disk",
    "PlannedFile",
    "Source",
    "data_url",
    "escaped_url",
    "plan",
    "plan_table",
    "single_file",
    "total_bytes",
]

# What may bring bytes over the network.
_FETCHED = frozenset({Action.FETCH, Action.RESUME, Action.CHECK})
_MD5 = re.compile(r"[0-9a-f]{32}")


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


def _md5(text: str) -> str | None:
    """The digest in a catalogue's cell; None where it holds something else."""
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
    """The catalogued size; None where it is not known, which the archive also writes as 0 or less."""
    try:
        size = float(text)
    except ValueError:
        return None
    return int(size) if math.isfinite(size) and size > 0 else None


@dataclass(frozen=True)
class _Cells:
    """What a product table says of one file."""

    uri: str
    size: int | None
    rights: str | None
    checksum: str | None
    release: str | None


def _cells(products: Table) -> list[_Cells]:
    """What the table says of each file."""
    columns = (
        column_as_text(products, name) for name in ("dataURI", "size", "dataRights", "checksum", "t_obs_release")
    )
    return [
        _Cells(uri if uri.strip() else "", _size(size), rights or None, _md5(checksum), _date(release))
        for uri, size, rights, checksum, release in zip(*columns, strict=True)
    ]


def plan(
    products: Table,
    *,
    base_dir: Path,
    download_url: str | Source,
    disk: Disk,
    flat: bool = False,
    path_template: PathTemplate | None = None,
    cache: bool = True,
    overwrite: str | None = None,
    cloud_urls: Mapping[str, str] | None = None,
) -> list[PlannedFile]:
    """Decide what a download will do."""
    if "dataURI" not in products.colnames:
        raise InvalidArgumentError(
            "This table has no column 'dataURI', so its rows are not products: pass it to get_product_list first."
        )
    if flat and path_template is not None:
        raise InvalidArgumentError("flat=True and path_template=... contradict each other: leave one of them out.")
    products, rule = unique_products(products), as_overwrite(cache, overwrite)
    base = disk.resolve(base_dir)
    # Asked once, for the files of an observation share their folder.
    look_once = lru_cache(maxsize=4096)(lambda parts: look(base_dir.joinpath(*parts), base, disk))

    def judge(uri: str, folder: Folder, path: Path, size: int | None) -> FileDecision:
        """Decide on one file."""
        if not uri:
            return FileDecision(Action.REFUSE, "the product has no dataURI")
        if folder.trouble is not None:
            return FileDecision(Action.REFUSE, folder.trouble)
        return decide_action(path, size, rule, disk) if folder.exists else FileDecision(Action.FETCH, "not on disk")

    # In <collection>/<obs_id>/ a name is the archive's own; elsewhere another call may have used it for another file.
    register = _Register(base_dir, disk) if flat or path_template is not None else None
    planned = []
    places = _places(products, path_template, flat, register)
    for index, (cells, (*within, name)) in enumerate(zip(_cells(products), places, strict=True)):
        folder = look_once(tuple(within))
        uri, path, size = cells.uri, folder.path / name, cells.size
        known = register is None or bool(register.lies(tuple(within), name, uri))
        verdict = judge(uri, folder, path, size)
        if not known and verdict.action is Action.CHECK:
            verdict = replace(verdict, reason=f"{verdict.reason}; nothing tells that it is this file")
        planned.append(
            PlannedFile(
                index,
                uri or None,
                data_url(download_url, uri) if uri else None,
                escaped_url(download_url, uri) if uri else None,
                path,
                size,
                verdict.action,
                verdict.reason,
                cells.rights,
                (cloud_urls or {}).get(uri),
                cells.checksum,
                verdict.compare_time,
                verdict.at_hand,
                cells.release,
                not known,
            )
        )
    return planned


class _Register:
    """What is known of the files in a download folder."""

    def __init__(self, base_dir: Path, disk: Disk) -> None:
        self._base_dir, self._disk = base_dir, disk
        self._known: dict[tuple[str, ...], Mapping[str, str]] = {}

    def of(self, within: tuple[str, ...]) -> Mapping[str, str]:
        """What is registered in a folder, read once."""
        if within not in self._known:
            self._known[within] = self._disk.holders(self._base_dir.joinpath(*within))
        return self._known[within]

    def lies(self, within: tuple[str, ...], name: str, uri: str) -> bool | None:
        """Whether it is this file that lies there, or another one; None if that is not known."""
        held = self.of(within).get(folded(name))
        # What was removed from the folder holds no name.
        if held is None or self._disk.size(self._base_dir.joinpath(*within, name)) is None:
            return None
        return is_same_file(held, uri)


def _places(
    products: Table, path_template: PathTemplate | None, flat: bool, register: _Register | None
) -> list[tuple[str, ...]]:
    """Where the files go."""
    named = file_name_parts(products, path_template)
    known = register is not None and any(register.of(within) for within in {each.folders(flat) for each in named})
    return place(named, flat=flat, lies=register.lies if register is not None and known else None)


def single_file(
    uri: str,
    local_path: Path,
    *,
    download_url: str | Source,
    disk: Disk,
    cache: bool = True,
    overwrite: str | None = None,
    cloud_url: str | None = None,
) -> PlannedFile:
    """Decide what the download of one file will do, of which nothing is known but its dataURI."""
    verdict = decide_action(local_path, None, as_overwrite(cache, overwrite), disk)
    registered = disk.holders(local_path.parent)
    held = registered.get(folded(local_path.name))
    known = held is not None and is_same_file(held, uri)
    if held is not None and not known and verdict.action is Action.CHECK:
        verdict = FileDecision(Action.FETCH, f"on disk is {held}")
    return PlannedFile(
        index=0,
        uri=uri,
        data_url=data_url(download_url, uri),
        url=escaped_url(download_url, uri),
        local_path=local_path,
        size=None,
        action=verdict.action,
        reason=verdict.reason,
        cloud_url=cloud_url,
        compare_time=verdict.compare_time,
        at_hand=verdict.at_hand,
        note=bool(registered) and not known,
    )


def plan_table(planned: Sequence[PlannedFile]) -> Table:
    """Return a plan as a table, to be looked at before anything is fetched."""
    fetched = [file for file in planned if file.action in _FETCHED]
    sizes = [file.size for file in planned]
    return Table(
        {
            "Local Path": Column([str(file.local_path) for file in planned], dtype=None if planned else "U1"),
            "URL": _masked(file.url for file in planned),
            "Cloud URL": _masked(file.cloud_url for file in planned),
            "Size": MaskedColumn(
                [size or 0 for size in sizes], mask=[size is None for size in sizes], dtype=np.int64, unit="byte"
            ),
            "Action": Column([str(file.action) for file in planned], dtype="U7"),
            "Reason": Column([file.reason for file in planned], dtype=None if planned else "U1"),
            "Rights": _masked(file.rights for file in planned),
        },
        meta={"total_bytes": total_bytes(planned), "unknown_sizes": sum(file.size is None for file in fetched)},
    )


def _masked(cells: Iterable[str | None]) -> MaskedColumn:
    """Texts, masked where there is none."""
    values = list(cells)
    return MaskedColumn([value or "" for value in values], mask=[value is None for value in values], dtype=str)


def total_bytes(planned: Sequence[PlannedFile]) -> int:
    """Return how many bytes a plan will fetch, as far as the catalogue tells."""
    return sum(max(0, (file.size or 0) - file.at_hand) for file in planned if file.action in _FETCHED)
