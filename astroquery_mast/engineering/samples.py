"""Samples of a mnemonic, from the lines of CSV in which the archive sends them.  Pure.

In: a body with the lines ``theTime,MJD,euvalue,sqldataType``.  Out: `Samples`, as arrays: moments in microseconds, and
numbers, text or truth values, as the archive's type of each line says.

Lines of numbers are read many at a time.  Text may hold commas, quotes and ends of lines: the standard library's reader
of CSV takes it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np

from ..exceptions import InvalidResponseError
from ..tables.columns import Kind, kind_of
from ..tables.rows import (
    EXACT,
    Array,
    ColumnBlock,
    TypeMismatch,
    converted,
    joined,
    widen_type,
    without_words_for_nothing,
)

_HEADER = ["thetime", "mjd", "euvalue", "sqldatatype"]
# What is read at a time (bytes): little enough for a processor's cache, with some ten thousand lines.
_BLOCK = 1 << 20
_NUMBERS: Mapping[Kind | None, tuple[Callable[[bytes], float], type[np.generic]]] = {
    Kind.FLOAT: (float, np.float64),
    Kind.INTEGER: (int, np.int64),
}
_MICROSECONDS = np.dtype("datetime64[us]")


class Readable(Protocol):
    """A body that is being received, or a file."""

    def read(self, size: int = -1, /) -> bytes:
        """Give the next bytes."""


@dataclass(frozen=True)
class Samples:
    """Samples in the order of their moments (UTC), with the archive's names of their types."""

    times: Array
    values: Array
    mask: Array | None = None
    types: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, rows: slice | Array) -> Samples:
        mask = None if self.mask is None else self.mask[rows]
        return Samples(self.times[rows], self.values[rows], mask, self.types)

    def copy(self) -> Samples:
        """Return the same samples without a hold on the larger arrays of which they may be a part."""
        mask = None if self.mask is None else self.mask.copy()
        return Samples(self.times.copy(), self.values.copy(), mask, self.types)


NO_SAMPLES = Samples(np.empty(0, dtype=_MICROSECONDS), np.empty(0))


def join_samples(parts: Sequence[Samples]) -> Samples:
    """Return samples that follow each other as one, of the type that all of them can be."""
    filled = list(filter(len, parts))
    if len(filled) < 2:
        return filled[0] if filled else NO_SAMPLES
    values, mask = joined([(part.values, part.mask) for part in filled])
    types = tuple(dict.fromkeys(chain.from_iterable(part.types for part in filled)))
    return Samples(np.concatenate([part.times for part in filled]), values, mask, types)


def read_samples(body: Readable, what: str) -> Samples:
    """Read the samples in a body."""
    blocks = _blocks(body)
    first = next(blocks, b"")
    header, _, rest = first.partition(b"\n")
    if [name.strip().lower() for name in header.decode("utf-8-sig", "replace").split(",")] != _HEADER:
        start = first[:80].decode("utf-8", "replace")
        raise InvalidResponseError(
            f"{what} does not contain samples. The response starts with {start!r}.", service=what
        )
    parts = [_read_block(block, what) for block in chain([rest], blocks) if block.strip()]
    return _in_order(join_samples(parts))


def _blocks(body: Readable) -> Iterator[bytes]:
    """The lines of a body, many at a time; what stands in quotes is not divided."""
    rest = b""
    while piece := body.read(_BLOCK):
        rest += piece
        end = rest.rfind(b"\n") + 1
        if end and rest.count(b'"', 0, end) % 2 == 0:
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest


def _read_block(block: bytes, what: str) -> Samples:
    """The samples of some lines."""
    found = _numbers(block)
    return _cells(block, what) if found is None else found


def _in_order(samples: Samples) -> Samples:
    """The samples in the order of time; those of one moment as they came."""
    if bool((samples.times[1:] >= samples.times[:-1]).all()):
        return samples
    return samples[np.argsort(samples.times, kind="stable")]


# -- numbers, many at a time -----------------------------------------------------------------------------------------


def _numbers(block: bytes) -> Samples | None:
    """The samples of lines that all hold a number of the same type; None if they may be something else."""
    ending = b"\r\n" if block.endswith(b"\r\n") else b"\n"
    type_name = block[block.rfind(b",") + 1 :].strip()
    read = _NUMBERS.get(kind_of(type_name.decode("utf-8", "replace")))
    if read is None or b'"' in block:
        return None
    *fields, _ = block.replace(ending, b",").split(b",")
    count = len(fields) // 4
    if len(fields) != 4 * count or fields[3::4].count(type_name) != count:
        return None
    try:
        values = np.fromiter(map(read[0], fields[2::4]), read[1], count)
    except (ValueError, OverflowError):
        return None
    return Samples(_moments(fields[::4]), values, None, (type_name.decode(),))


# -- moments ---------------------------------------------------------------------------------------------------------

# Where the digits of 2022-02-02 22:24:57 stand.
_YEAR, _MONTH, _DAY, _HOUR, _MINUTE, _SECOND = (slice(0, 4), *(slice(first, first + 2) for first in (5, 8, 11, 14, 17)))
_MARKS = {4: b"-", 7: b"-", 10: b" T", 13: b":", 16: b":", 19: b"."}
_WHOLE, _FRACTION = 19, 20


def _moments(texts: Sequence[bytes]) -> Array:
    """The moments that some texts are."""
    lengths = np.fromiter(map(len, texts), np.intp, len(texts))
    moments = np.empty(len(texts), dtype=_MICROSECONDS)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        same = texts if len(rows) == len(texts) else [texts[row] for row in rows.tolist()]
        moments[rows] = _moments_in(np.frombuffer(b"".join(same), dtype=np.uint8).reshape(len(rows), length))
    return moments


def _moments_in(texts: Array) -> Array:
    """The moments in a table of characters."""
    length = texts.shape[1]
    if length < _WHOLE or length == _FRACTION:
        raise ValueError(f"{texts[0].tobytes()!r} is not a time")
    numbers = [_number(texts[:, place]) for place in (_YEAR, _MONTH, _DAY, _HOUR, _MINUTE, _SECOND)]
    year, month, day, hour, minute, second = numbers
    fraction = texts[:, _FRACTION : _FRACTION + 6]
    microseconds = _number(fraction) * 10 ** (6 - fraction.shape[1]) if fraction.shape[1] else 0
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    right = [_one_of(texts[:, place], mark) for place, mark in _MARKS.items() if place < length]
    right += [(month > 0) & (month <= 12), days.astype("datetime64[M]") == months, hour < 24, minute < 60, second < 60]
    if not all(map(np.all, right)):
        raise ValueError("a line has a date or a time that does not exist")
    since_midnight = ((hour * 60 + minute) * 60 + second) * 1_000_000 + microseconds
    return np.asarray(days.astype(_MICROSECONDS) + since_midnight)


def _one_of(characters: Array, marks: bytes) -> Array:
    """Whether characters are some marks."""
    return np.asarray(np.logical_or.reduce([characters == mark for mark in marks]))


def _number(digits: Array) -> Array:
    """The numbers that rows of digits are."""
    values = digits - np.uint8(ord("0"))  # smaller characters become large numbers
    if (values > 9).any():
        raise ValueError(f"{digits[0].tobytes()!r} is not a number in a time")
    number = np.zeros(len(digits), dtype=np.int64)
    for place in range(digits.shape[1]):
        number = number * 10 + values[:, place]
    return number


# -- anything, line by line ------------------------------------------------------------------------------------------


def _cells(block: bytes, what: str) -> Samples:
    """The samples of any lines."""
    rows = _rows(block, what)
    moments = _moments([row[0].strip().encode() for row in rows])
    # A comma that is not in quotes belongs to the text as well: nothing else of a line can have one.
    cells = [row[2] if len(row) == 4 else ",".join(row[2:-1]) for row in rows]
    types = tuple(dict.fromkeys(row[-1].strip() for row in rows))
    return Samples(moments, *_values(cells, types), types)


def _rows(block: bytes, what: str) -> list[list[str]]:
    """The fields of each line."""
    try:
        text = block.decode()
    except UnicodeDecodeError:
        text = block.decode("cp1252", "replace")
    try:
        rows = list(filter(None, csv.reader(io.StringIO(text, newline=""))))
    except csv.Error as err:
        raise InvalidResponseError(f"{what} contains lines that cannot be parsed: {err}.", service=what) from err
    # The last line of an answer that was cut off ends anywhere.
    cut = not block.endswith(b"\n") and kind_of(rows[-1][-1]) is None
    broken = next((row for row in rows if len(row) < 4), rows[-1] if cut else None)
    if broken is not None:
        raise InvalidResponseError(f"{what} contains an incomplete line: {','.join(broken)!r}.", service=what)
    return rows


def _values(cells: Sequence[str], types: Sequence[str]) -> ColumnBlock:
    """The values in cells of text, as what all of the types can be."""
    kinds = {kind_of(name) or Kind.TEXT for name in types}
    kind = Kind.TEXT
    if len(kinds) == 1:
        kind = kinds.pop()
    elif kinds <= {Kind.INTEGER, Kind.FLOAT}:
        kind = Kind.FLOAT
    told, _ = without_words_for_nothing(cells, kind)
    try:
        return converted(told, kind)
    except TypeMismatch:
        return _whole_numbers(cells) if kind is Kind.INTEGER else widen_type(cells, Kind.TEXT)


def _whole_numbers(cells: Sequence[str]) -> ColumnBlock:
    """Integers that are written with a decimal point; as they are if they are none."""
    try:
        values, mask = converted(without_words_for_nothing(cells, Kind.FLOAT)[0], Kind.FLOAT)
    except TypeMismatch:
        return widen_type(cells, Kind.TEXT)
    told = values if mask is None else values[~mask]
    if not (np.abs(told) < EXACT).all():
        return widen_type(cells, Kind.TEXT)
    if not np.equal(told, np.trunc(told)).all():
        return values, mask
    return (values if mask is None else np.where(mask, -999, values)).astype(np.int64), mask
