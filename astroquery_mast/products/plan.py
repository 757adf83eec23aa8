"""What a download will do, decided before anything is done: a row for every file, with an action and a reason.

In: a product table, where the files go, and what lies there already. Out: a list of frozen `PlannedFile`. Pure: the
disk is seen through a `Disk` that is handed in. Products flow, between "filters" and "transfer".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import quote

import numpy as np
from astropy.table import Table

from ..exceptions import InvalidCriterionError
from .filters import unique_products
from .paths import Naming, place

__all__ = ["Action", "Disk", "PlannedFile", "data_url", "escaped_url", "plan", "single_file", "total_bytes"]


class Action(StrEnum):
    """What is to be done for a file."""

    FETCH = "fetch"
    """Ask for the whole file."""
    CHECK = "check"
    """There is a file whose size the catalogue does not confirm: ask the archive, and fetch it if it differs."""
    KEEP = "keep"
    """The file is there already, and whole; nothing is asked."""
    REFUSE = "refuse"
    """It cannot be fetched, for the reason given."""


@dataclass(frozen=True)
class PlannedFile:
    """One file of a download, and what is to be done for it.

    Parameters
    ----------
    index : int
        Its place among the products, from 0.
    uri : str or None
        Its dataURI.
    data_url : str or None
        The address of the file as manifests show it: with the dataURI as it is.
    url : str or None
        The address to ask, percent-encoded.
    local_path : `~pathlib.Path`
        Where it lies, or will lie.
    size : int or None
        Size in bytes according to the catalogue, which is not always right.
    action : Action
        What is to be done.
    reason : str
        Why.
    rights : str or None
        ``dataRights`` of the product: ``PUBLIC`` or ``EXCLUSIVE_ACCESS``.
    """

    index: int
    uri: str | None
    data_url: str | None
    url: str | None
    local_path: Path
    size: int | None
    action: Action
    reason: str
    rights: str | None = None


class Disk(Protocol):
    """What the plan has to know about the disk."""

    def size(self, path: Path) -> int | None:
        """Size of a file in bytes; None where there is nothing."""

    def is_dir(self, path: Path) -> bool:
        """Whether a folder lies there."""

    def resolve(self, path: Path) -> Path:
        """The absolute path, symbolic links followed; the path need not exist."""


def data_url(download_url: str, uri: str) -> str:
    """The address of a file as manifests show it.

    Parameters
    ----------
    download_url : str
        Address of the download service.
    uri : str
        The dataURI.

    Returns
    -------
    str
    """
    return f"{download_url}?uri={uri}"


def escaped_url(download_url: str, uri: str) -> str:
    """The address of a file as it is asked for: an unescaped ``&`` in a dataURI would end the parameter.

    Parameters
    ----------
    download_url : str
        Address of the download service.
    uri : str
        The dataURI.

    Returns
    -------
    str
    """
    return f"{download_url}?uri={quote(uri, safe=':/', errors='replace')}"


def _text(cell: object) -> str:
    """A cell as text; empty where it holds no value."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)


def _texts(products: Table, name: str) -> list[str]:
    """A column as texts; empty ones where the table has no such column or a cell no value."""
    if name not in products.colnames:
        return [""] * len(products)
    # tolist() of a masked array gives None for its masked cells.
    return [_text(cell) for cell in np.ma.asarray(products[name]).tolist()]


def _size(text: str) -> int | None:
    """The catalogued size; None where it is not known, which the archive also writes as 0 or less."""
    try:
        size = float(text)
    except ValueError:
        return None
    return int(size) if math.isfinite(size) and size > 0 else None


def _namings(products: Table) -> list[Naming]:
    """What decides where the files lie."""
    columns = (_texts(products, name) for name in ("dataURI", "productFilename", "obs_collection", "obs_id"))
    return [
        Naming(
            uri=uri if uri.strip() else "",
            # Archive names hold no path normally; where one does, its last part is the name.
            filename=PurePosixPath(filename).name or PurePosixPath(uri).name,
            collection=collection,
            obs_id=obs_id,
        )
        for uri, filename, collection, obs_id in zip(*columns, strict=True)
    ]


def _decide(path: Path, size: int | None, cache: bool, disk: Disk) -> tuple[Action, str]:
    """What to do for a file that has an address and a place of its own."""
    if disk.is_dir(path):
        return Action.REFUSE, f"{path} is a folder"
    present = disk.size(path)
    if present is None:
        return Action.FETCH, "not on disk"
    if not cache:
        return Action.FETCH, "on disk, to be fetched anew"
    if size is None:
        return Action.CHECK, f"{present} bytes on disk; the catalogue does not tell the size"
    if present != size:
        return Action.CHECK, f"{present} bytes on disk, {size} in the catalogue"
    return Action.KEEP, "on disk, with the catalogued size"


def plan(
    products: Table,
    *,
    base_dir: Path,
    download_url: str,
    disk: Disk,
    flat: bool = False,
    cache: bool = True,
) -> list[PlannedFile]:
    """Decide what a download will do.

    Parameters
    ----------
    products : `~astropy.table.Table`
        Products; a dataURI that is listed more than once is planned once.
    base_dir : `~pathlib.Path`
        The folder that no file may leave.
    download_url : str
        Address of the download service.
    disk : Disk
        What lies on disk.
    flat : bool
        Put all files into ``base_dir`` itself, instead of ``<obs_collection>/<obs_id>/``.
    cache : bool
        Keep files that are on disk.

    Returns
    -------
    list of PlannedFile
        One for every file, in the order of the products.

    Raises
    ------
    InvalidCriterionError
        If the table has no column ``dataURI``.
    """
    if "dataURI" not in products.colnames:
        raise InvalidCriterionError(
            "This table has no column 'dataURI', so its rows are not products: pass it to get_product_list first."
        )
    products = unique_products(products)
    rows = zip(
        _texts(products, "dataURI"),
        map(_size, _texts(products, "size")),
        _texts(products, "dataRights"),
        place(_namings(products), flat=flat),
        strict=True,
    )
    base = disk.resolve(base_dir)
    # The files of an observation share its folder, and following links takes a look at the disk for each of its parts.
    stays_inside = lru_cache(maxsize=4096)(lambda folder: disk.resolve(folder).is_relative_to(base))

    def decide(uri: str, path: Path, size: int | None) -> tuple[Action, str]:
        if not uri.strip():
            return Action.REFUSE, "the product has no dataURI"
        if not stays_inside(path.parent):
            return Action.REFUSE, f"{path.parent} leads out of the download folder {base_dir}"
        return _decide(path, size, cache, disk)

    planned = []
    for index, (uri, size, rights, where) in enumerate(rows):
        action, reason = decide(uri, base_dir / where, size)
        shown, asked = (data_url(download_url, uri), escaped_url(download_url, uri)) if uri else (None, None)
        planned.append(
            PlannedFile(index, uri or None, shown, asked, base_dir / where, size, action, reason, rights or None)
        )
    return planned


def single_file(uri: str, local_path: Path, *, download_url: str, cache: bool, disk: Disk) -> PlannedFile:
    """Decide what the download of one file will do, of which nothing is known but its dataURI.

    Parameters
    ----------
    uri : str
        The dataURI.
    local_path : `~pathlib.Path`
        Where it goes; the caller's own choice, and not a server's.
    download_url, cache, disk
        As `plan`.

    Returns
    -------
    PlannedFile
    """
    action, reason = _decide(local_path, None, cache, disk)
    address, escaped = data_url(download_url, uri), escaped_url(download_url, uri)
    return PlannedFile(0, uri, address, escaped, local_path, None, action, reason)


def total_bytes(planned: Sequence[PlannedFile]) -> int:
    """Bytes that a plan will fetch, as far as the catalogue tells.

    Parameters
    ----------
    planned : sequence of PlannedFile
        The plan.

    Returns
    -------
    int
    """
    return sum(file.size or 0 for file in planned if file.action in {Action.FETCH, Action.CHECK})
