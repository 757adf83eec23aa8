"""The CSV file of a time series. In: times and cells of values. Out: lines as bytes, many at a time.

A day at 16 Hz has 1.4 million lines, too many for a loop: each column is a matrix of characters, in which 0 is an
unused position, and the matrices are concatenated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..mjd import MJD_1970

HEADER = b"theTime,MJD,euvalue,sqldataType\r\n"
#: Characters of cells, one row each; 0 is an unused position.
Cells = NDArray[np.uint8]

SECOND, DAY = 1_000_000, 86_400_000_000
#: Resolution of MJD: ten decimals, each unit is 8.64 microseconds.
MJD_UNITS, MJD_DIGITS = 10_000_000_000, 10
DIGITS = np.array([b"%05d" % number for number in range(100_000)], dtype="S5").view(np.uint8).reshape(-1, 5)


def lines(times: NDArray[np.int64], cells: Cells, sql_type: str) -> bytes:
    """Return one line for each time (microseconds since 1970)."""
    parts: list[bytes | Cells] = [_moments(times), b",", _days(times), b",", cells, f",{sql_type}\r\n".encode()]
    widths = [len(part) if isinstance(part, bytes) else part.shape[1] for part in parts]
    whole = np.empty((len(times), sum(widths)), np.uint8)
    place = 0
    for part, width in zip(parts, widths, strict=True):
        whole[:, place : place + width] = np.frombuffer(part, np.uint8) if isinstance(part, bytes) else part
        place += width
    return (whole if cells.all() else whole[whole != 0]).tobytes()


def decimals(values: NDArray[np.float64]) -> Cells:
    """Return numbers with ten decimals; they must be below 10 million."""
    units = np.rint(values * 1e10).astype(np.int64)
    whole, rest = np.divmod(np.abs(units), MJD_UNITS)
    digits = max(1, len(str(whole.max(initial=0))))
    cells = np.empty((len(values), 1 + digits + 1 + MJD_DIGITS), np.uint8)
    cells[:, 0] = np.where(units < 0, ord("-"), 0)
    cells[:, 1 : 1 + digits] = _digits(whole, digits)
    for place in range(1, digits):
        cells[whole < 10 ** (digits - place), place] = 0
    cells[:, 1 + digits] = ord(".")
    cells[:, 2 + digits :] = _digits(rest, MJD_DIGITS)
    return cells


def as_cells(values: NDArray[np.int64] | NDArray[np.bytes_]) -> Cells:
    """Return integers or texts as cells."""
    texts = np.ascontiguousarray(values.astype(np.bytes_))
    return texts.view(np.uint8).reshape(len(texts), texts.dtype.itemsize)


def quoted(text: str) -> bytes:
    """Return text for CSV, quoted only if necessary."""
    needed = any(character in text for character in ',"\r\n')
    return ('"' + text.replace('"', '""') + '"' if needed else text).encode()


def _moments(times: NDArray[np.int64]) -> Cells:
    """Return dates such as ``2022-02-02 22:24:57.797000``; each distinct second is formatted only once."""
    seconds, rest = np.divmod(times, SECOND)
    different, which = np.unique(seconds, return_inverse=True)
    names = np.datetime_as_string(different.view("datetime64[s]")).astype("S19")
    cells = np.empty((len(times), 26), np.uint8)
    cells[:, :19] = as_cells(names)[which]
    cells[:, 10], cells[:, 19] = ord(" "), ord(".")
    cells[:, 20:] = _digits(rest, 6)
    return cells


def _days(times: NDArray[np.int64]) -> Cells:
    days, rest = np.divmod(times, DAY)
    units = days * MJD_UNITS + (rest * 100 + 432) // 864
    days, rest = np.divmod(units, MJD_UNITS)
    cells = np.empty((len(times), 5 + 1 + MJD_DIGITS), np.uint8)
    cells[:, :5] = _digits(days + MJD_1970, 5)
    cells[:, 5] = ord(".")
    cells[:, 6:] = _digits(rest, MJD_DIGITS)
    return cells


def _digits(numbers: NDArray[np.int64], count: int) -> Cells:
    """Return numbers with ``count`` digits, with leading zeros."""
    parts: list[Cells] = []
    for _ in range(0, count, 5):
        numbers, lower = np.divmod(numbers, 100_000)
        parts.insert(0, DIGITS[lower])
    return np.hstack(parts)[:, -count:]
