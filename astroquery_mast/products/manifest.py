"""What became of every file of a download, as a table.

In: the results of the transfers.  Out: a `Manifest`, one row per product in the order of the products.  Products flow,
last step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table

__all__ = ["Manifest", "Status", "TransferResult", "as_manifest"]


class Status(StrEnum):
    """How a transfer ended."""

    COMPLETE = "COMPLETE"
    """The file is there, and whole."""
    ERROR = "ERROR"
    """It is not, or what is there is what was there before; the message says why."""
    SKIPPED = "SKIPPED"
    """It was left out as the caller asked."""


@dataclass(frozen=True)
class TransferResult:
    """What became of one file.

    Parameters
    ----------
    index : int
        Its place among the products, from 0.
    status : Status
        How it ended.
    local_path : `~pathlib.Path`
        Where the file lies, or would have.
    message : str or None
        What went wrong, or what is worth knowing of a file that is whole.
    url : str or None
        The address asked, where the transfer failed.
    size : int or None
        Bytes on disk.
    sha256 : str or None
        Digest of the bytes received; None where nothing was received, because a file that is kept is not read.
    fetched : bool
        Whether the bytes came over the network.
    """

    index: int
    status: Status
    local_path: Path
    message: str | None = None
    url: str | None = None
    size: int | None = None
    sha256: str | None = None
    fetched: bool = False


class Manifest(Table):
    """A download's results: ``Local Path``, ``Status``, ``Message``, ``URL``, ``Size``, ``SHA256``.

    The first four columns are those of ``astroquery.mast``.  ``Message`` and ``URL`` are None where nothing went wrong,
    ``Size`` and ``SHA256`` masked where they are not known.
    """

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


_FIRST = ("Local Path", "Status", "Message", "URL")


def _objects(values: Sequence[str | None]) -> np.ndarray[Any, np.dtype[Any]]:
    """Texts and Nones, as they are."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def as_manifest(results: Iterable[TransferResult]) -> Manifest:
    """Make the manifest of a download.

    Parameters
    ----------
    results : iterable of TransferResult
        One for each product, in any order.

    Returns
    -------
    Manifest
        One row per product, in the order of the products.
    """
    rows = sorted(results, key=lambda result: result.index)
    paths, statuses = [str(row.local_path) for row in rows], [str(row.status) for row in rows]
    sizes, digests = [row.size for row in rows], [row.sha256 for row in rows]
    return Manifest(
        {
            # Room for eight letters, so that a status written into a cell later is not cut.
            "Local Path": Column(paths, dtype=None if paths else "U1"),
            "Status": Column(statuses, dtype="U8"),
            "Message": Column(_objects([row.message for row in rows])),
            "URL": Column(_objects([row.url for row in rows])),
            "Size": MaskedColumn(
                [size or 0 for size in sizes], mask=[size is None for size in sizes], dtype=np.int64, unit="byte"
            ),
            "SHA256": MaskedColumn(
                [digest or "" for digest in digests], mask=[digest is None for digest in digests], dtype="U64"
            ),
        }
    )
