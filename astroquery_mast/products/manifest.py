"""What a download will do for every file, and its result, as tables.

In: a plan, or the results of the transfers.  Out: a table, or a `Manifest`, one row per product in the order of the
products.  Products flow, last step.
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
    """How a transfer ended."""

    COMPLETE = "COMPLETE"
    """The file is there, and whole."""
    ERROR = "ERROR"
    """It is not, or what is there is what was there before; the message says why."""
    SKIPPED = "SKIPPED"
    """It was left out as the caller asked."""
    OK = "OK"
    """Looked at later, it is as it was recorded."""
    MISSING = "MISSING"
    """Looked at later, it is not there."""
    CHANGED = "CHANGED"
    """Looked at later, it is not what was recorded."""


@dataclass(frozen=True)
class TransferResult:
    """How the transfer of one file ended."""

    index: int
    """Its place among the products, from 0."""
    status: Status
    local_path: Path
    """Where the file is, or would have been."""
    message: str | None = None
    """What went wrong, or what is worth knowing of a file that is whole."""
    url: str | None = None
    """The address asked, where the transfer failed."""
    size: int | None = None
    """Bytes on disk."""
    sha256: str | None = None
    """Digest of the bytes received; None where nothing was received, because a file that is kept is not read."""
    fetched: bool = False
    """Return whether the bytes came over the network."""
    elapsed: float | None = None
    """Seconds that it took; None where there was nothing to do."""
    attempts: int = 0
    """How often the body was asked for."""
    uri: str | None = None
    """The dataURI, by which the file can be fetched again."""
    catalog_size: int | None = None
    """Bytes that the catalog says the file has."""
    checksum: str | None = None
    """MD5 digest that the catalog says it has."""
    rights: str | None = None
    """Its ``dataRights``."""
    disk_full: bool = False
    """Return whether it failed for want of room on the disk."""


class _ManifestWrite(TableWrite):  # type: ignore[misc, unused-ignore]
    """Write a manifest to a file, as `~astropy.table.Table.write`; see there."""

    _instance: Any

    def __call__(self, *args: Any, **options: Any) -> None:
        """Write the table; only ECSV knows cells that hold None, everywhere else these are masked."""
        where = str(args[0]).lower() if args else ""
        kind = args[1] if len(args) > 1 else options.get("format")
        is_ecsv = where.endswith(".ecsv") if kind is None else "ecsv" in str(kind)
        if not is_ecsv and isinstance(self._instance, Manifest):
            self._instance = _without_none(self._instance)
            if "votable" in str(kind):
                # Where a name has a blank the format needs another one beside it, and is read with that.
                names = self._instance.colnames
                self._instance.rename_columns(names, [name.replace(" ", "_") for name in names])
        super().__call__(*args, **options)


class Manifest(ResultTable):
    """A download's results: ``Local Path``, ``Status``, ``Message``, ``URL``, ``Size``, ``SHA256``, ``Elapsed``,
    ``Attempts``, ``dataURI``, and ``Catalog Size``, ``Checksum``, ``Rights``, which are what the products said.

    In ``meta``, ``workdir`` is the folder from which relative paths are counted, and ``base_dir`` the one to which
    everything was downloaded.  The first four columns are those of ``astroquery.mast``.  ``Message`` and ``URL`` are
    None where nothing went wrong; the later ones are masked where they are not known, ``Elapsed`` also where there was
    nothing to do.  Written as ECSV and read again, the table is the same; in other formats these two columns are
    masked where nothing went wrong.
    """

    write = UnifiedReadWriteMethod(_ManifestWrite)

    def insert_row(
        self, index: int, vals: Sequence[Any] | Mapping[str, Any] | None = None, mask: Sequence[bool] | None = None
    ) -> None:
        """Insert a row; the last columns may be left out, as code written for four columns does.

        Parameters
        ----------
        index : int
            Where, as in `~astropy.table.Table.insert_row`.
        vals : sequence or mapping, optional
            The values.
        mask : sequence of bool, optional
            Which of them are masked.
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
    """Texts and Nones, as they are."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def masked_column(
    values: Sequence[Any], dtype: str = "U", unit: str | None = None, description: str | None = None
) -> MaskedColumn:
    """Return a column of values, masked where there is None."""
    absent = [value is None for value in values]
    empty = "" if dtype.startswith("U") else 0
    filled = [empty if value is None else value for value in values]
    # A text column takes the width of its longest value.
    kind = None if dtype == "U" and filled else dtype
    return MaskedColumn(filled, mask=absent, dtype=kind, unit=unit, description=description)


def text_column(values: Iterable[str], description: str) -> MaskedColumn:
    """Return a column of text, masked where it is empty."""
    return masked_column([value or None for value in values], description=description)


def _without_none(manifest: Table) -> Table:
    """The same table with masked texts in place of None."""
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
            # Room for eight letters, so that a status written into a cell later is not cut.
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
    """Return a plan as a table, to be looked at before anything is fetched.

    ``free`` is what the disk has left, in bytes; ``refusal`` says why exclusive files are refused to the user.
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
    """Why something is done for a file, and whose the file is if that counts."""
    if file.rights != EXCLUSIVE or file.action not in ASKED:
        return file.reason
    return f"{file.reason}; exclusive access{file.terms}"
