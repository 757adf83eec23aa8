"""The plan and the results of a download as tables.

In: a plan, or the results of the transfers.  Out: a table, or a `Manifest`, with one row per product in the order of
the products.  The last step of the product flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io.registry import UnifiedReadWriteMethod
from astropy.table import Column, MaskedColumn, Table
from astropy.table.connect import TableWrite

from ..tables.columns import plain_cells
from ..tables.result_table import ResultTable
from .plan import ASKED, EXCLUSIVE, PlannedFile, is_accessible, total_bytes

COLUMNS = (
    "Local Path",
    "Status",
    "Message",
    "URL",
    "Size",
    "SHA256",
    "Elapsed",
    "Attempts",
    "dataURI",
    "Catalog Size",
    "Checksum",
    "Rights",
)
"""The columns of a manifest; the first four are those of ``astroquery.mast``."""


class Status(StrEnum):
    """The status of a file in a manifest."""

    COMPLETE = "COMPLETE"
    """The file exists and is complete."""
    ERROR = "ERROR"
    """The download failed, as explained in the message; a file that existed before is unchanged."""
    SKIPPED = "SKIPPED"
    """The file was skipped as requested."""
    OK = "OK"
    """Verified later: the file is as recorded."""
    MISSING = "MISSING"
    """Verified later: the file does not exist."""
    CHANGED = "CHANGED"
    """Verified later: the file differs from the record."""


@dataclass(frozen=True)
class TransferResult:
    """The result of the transfer of one file."""

    index: int
    """Index of the product, from 0."""
    status: Status
    local_path: Path
    """Path of the file, even if the download failed."""
    message: str | None = None
    """Error message, or a note about a complete file."""
    url: str | None = None
    """The requested address, if the transfer failed."""
    size: int | None = None
    """Size on disk in bytes."""
    sha256: str | None = None
    """Digest of the received bytes; None if the file was not downloaded, because existing files are not read."""
    fetched: bool = False
    """Whether the file was downloaded."""
    elapsed: float | None = None
    """Elapsed time in seconds; None if there was nothing to do."""
    attempts: int = 0
    """Number of requests for the body."""
    uri: str | None = None
    """The dataURI, with which the file can be downloaded again."""
    catalog_size: int | None = None
    """Size in the catalog in bytes."""
    checksum: str | None = None
    """MD5 digest in the catalog."""
    rights: str | None = None
    """``dataRights`` of the product."""
    disk_full: bool = False
    """Whether the transfer failed because the disk is full."""


class _ManifestWrite(TableWrite):  # type: ignore[misc, unused-ignore]
    """Write a manifest to a file; see `~astropy.table.Table.write`."""

    _instance: Any

    def __call__(self, *args: Any, **options: Any) -> None:
        """Write the table; None in cells is kept only in ECSV, and masked in other formats."""
        where = str(args[0]).lower() if args else ""
        kind = args[1] if len(args) > 1 else options.get("format")
        is_ecsv = where.endswith(".ecsv") if kind is None else "ecsv" in str(kind)
        if not is_ecsv and isinstance(self._instance, Manifest):
            self._instance = _without_none(self._instance)
            if "votable" in str(kind):
                # VOTable would add an ID for a name with a space, and use it as the column name when reading.
                names = self._instance.colnames
                self._instance.rename_columns(names, [name.replace(" ", "_") for name in names])
        super().__call__(*args, **options)


class Manifest(ResultTable):
    """The results of a download: ``Local Path``, ``Status``, ``Message``, ``URL``, ``Size``, ``SHA256``, ``Elapsed``,
    ``Attempts``, ``dataURI``, and ``Catalog Size``, ``Checksum``, ``Rights`` from the product table.

    In ``meta``, ``workdir`` is the folder for relative paths, and ``base_dir`` is the download folder.  The first four
    columns are those of ``astroquery.mast``.  ``Message`` and ``URL`` are None if there was no error; the other columns
    are masked for unknown values, and ``Elapsed`` also if there was nothing to do.  A table written as ECSV is the same
    when it is read again; in other formats, ``Message`` and ``URL`` are masked instead of None.
    """

    write = UnifiedReadWriteMethod(_ManifestWrite)

    def insert_row(
        self, index: int, vals: Sequence[Any] | Mapping[str, Any] | None = None, mask: Sequence[bool] | None = None
    ) -> None:
        """Insert a row; columns after the first four may be omitted, for code written for ``astroquery.mast``.

        Parameters
        ----------
        index : int
            The index of the new row, as in `~astropy.table.Table.insert_row`.
        vals : sequence or mapping, optional
            The values of the row.
        mask : sequence of bool, optional
            Whether each value is masked.
        """
        short = vals is not None and not isinstance(vals, Mapping) and 4 <= len(vals) < len(self.colnames)
        if short and self.colnames[:4] == list(_FIRST):
            assert vals is not None
            absent = len(self.colnames) - len(vals)
            mask = [*(mask or [False] * len(vals)), *[True] * absent]
            vals = [*vals, *(np.zeros(1, self[name].dtype)[0] for name in self.colnames[-absent:])]
        super().insert_row(index, vals, mask)


_FIRST = COLUMNS[:4]


def _objects(values: Sequence[str | None]) -> np.ndarray[Any, np.dtype[Any]]:
    """Return an object array of texts and None."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def masked_column(
    values: Sequence[Any], dtype: str = "U", unit: str | None = None, description: str | None = None
) -> MaskedColumn:
    """Return a column of values with None masked."""
    absent = [value is None for value in values]
    empty = "" if dtype.startswith("U") else 0
    filled = [empty if value is None else value for value in values]
    # The width of a text column is that of its longest value.
    kind = None if dtype == "U" and filled else dtype
    return MaskedColumn(filled, mask=absent, dtype=kind, unit=unit, description=description)


def text_column(values: Iterable[str], description: str) -> MaskedColumn:
    """Return a column of text with empty texts masked."""
    return masked_column([value or None for value in values], description=description)


def _without_none(manifest: Table) -> Table:
    """Return the table with masked texts instead of None."""
    table = Table(manifest, copy=False)
    for name in table.colnames:
        if table[name].dtype.kind == "O":
            cells = plain_cells(table[name])
            table[name] = masked_column([cell if cell is None else str(cell) for cell in cells], "U")
    return table


def as_manifest(results: Iterable[TransferResult]) -> Manifest:
    """Return the results of a download as a table, one row per product in the order of the products."""
    rows = sorted(results, key=lambda result: result.index)
    cells = {field.name: [getattr(row, field.name) for row in rows] for field in fields(TransferResult)}
    return Manifest(
        {
            "Local Path": Column(list(map(str, cells["local_path"])), dtype=None if rows else "U1"),
            # Width for eight characters, so that a status assigned later is not truncated.
            "Status": Column(list(map(str, cells["status"])), dtype="U8"),
            "Message": Column(_objects(cells["message"])),
            "URL": Column(_objects(cells["url"])),
            "Size": masked_column(cells["size"], "i8", "byte"),
            "SHA256": masked_column(cells["sha256"], "U64"),
            "Elapsed": masked_column(cells["elapsed"], "f8", "s"),
            "Attempts": Column(cells["attempts"], dtype="i8"),
            "dataURI": masked_column(cells["uri"], "U"),
            "Catalog Size": masked_column(cells["catalog_size"], "i8", "byte"),
            "Checksum": masked_column(cells["checksum"], "U32"),
            "Rights": masked_column(cells["rights"], "U"),
        }
    )


def plan_table(planned: Sequence[PlannedFile], *, free: int | None = None, refusal: str | None = None) -> Table:
    """Return a plan as a table, for inspection before the download.

    ``free`` is the free disk space in bytes; ``refusal`` is the reason why the user has no access to exclusive files.
    """
    names = ("local_path", "url", "cloud_url", "size", "action", "rights")
    cells = {name: [getattr(file, name) for file in planned] for name in names}
    text_type = None if planned else "U1"
    asked = [file for file in planned if file.action in ASKED]
    return ResultTable(
        {
            "Local Path": Column(list(map(str, cells["local_path"])), dtype=text_type),
            "URL": masked_column(cells["url"], "U"),
            "Cloud URL": masked_column(cells["cloud_url"], "U"),
            "Size": masked_column(cells["size"], "i8", "byte"),
            "Action": Column(list(map(str, cells["action"])), dtype="U7"),
            "Reason": Column(list(map(_full_reason, planned)), dtype=text_type),
            "Rights": masked_column(cells["rights"], "U"),
            "Accessible": masked_column([is_accessible(file, refusal) for file in planned], "bool"),
        },
        meta={
            "files": len(asked),
            "total_bytes": total_bytes(planned),
            "unknown_sizes": sum(file.size is None for file in asked),
            "exclusive": sum(file.rights == EXCLUSIVE for file in asked),
            "free_bytes": free,
        },
    )


def _full_reason(file: PlannedFile) -> str:
    """Return the reason for the action, with the terms of an exclusive file."""
    if file.rights != EXCLUSIVE or file.action not in ASKED:
        return file.reason
    return f"{file.reason}; exclusive access{file.terms}"
