"""Samples of a mnemonic, read from the CSV of MAST; pure functions.

In: a body with lines of ``theTime,MJD,euvalue,sqldataType``.  Out: `Samples` as arrays, with times in microseconds, and
with numbers, text or booleans according to the type in each line.

Lines with numbers are read in large blocks.  Text may contain commas, quotes and line ends, and is read by the csv
module of the standard library.
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
    without_null_words,
)

_HEADER = ["thetime", "mjd", "euvalue", "sqldatatype"]
# The size of a block (bytes): it fits in the cache of a processor, and has about ten thousand lines.
_BLOCK = 1 << 20
_NUMBERS: Mapping[Kind | None, tuple[Callable[[bytes], float], type[np.generic]]] = {
    Kind.FLOAT: (float, np.float64),
    Kind.INTEGER: (int, np.int64),
}
_MICROSECONDS = np.dtype("datetime64[us]")


class Readable(Protocol):
    """The body of a response, or a file."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""


@dataclass(frozen=True)
class Samples:
    """Samples in order of time (UTC), with MAST's names of their types."""

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
        """Return a copy, which does not keep larger arrays in memory."""
        mask = None if self.mask is None else self.mask.copy()
        return Samples(self.times.copy(), self.values.copy(), mask, self.types)


NO_SAMPLES = Samples(np.empty(0, dtype=_MICROSECONDS), np.empty(0))


def join_samples(parts: Sequence[Samples]) -> Samples:
    """Return consecutive samples as one, with a type that fits all of them."""
    filled = list(filter(len, parts))
    if len(filled) < 2:
        return filled[0] if filled else NO_SAMPLES
    values, mask = joined([(part.values, part.mask) for part in filled])
    types = tuple(dict.fromkeys(chain.from_iterable(part.types for part in filled)))
    return Samples(np.concatenate([part.times for part in filled]), values, mask, types)


def read_samples(body: Readable, what: str) -> Samples:
    """Return the samples in a body."""
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
    """Yield blocks of complete lines; quoted text is not divided."""
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
    """Return the samples in some lines."""
    found = _numbers(block)
    return _cells(block, what) if found is None else found


def _in_order(samples: Samples) -> Samples:
    """Return samples in order of time; samples of the same time keep their order."""
    if bool((samples.times[1:] >= samples.times[:-1]).all()):
        return samples
    return samples[np.argsort(samples.times, kind="stable")]


# -- blocks of numbers -----------------------------------------------------------------------------------------------


def _numbers(block: bytes) -> Samples | None:
    """Return the samples of lines that all have a number of the same type; None for other lines."""
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


# -- times -----------------------------------------------------------------------------------------------------------

# The positions of the digits in 2022-02-02 22:24:57.
_YEAR, _MONTH, _DAY, _HOUR, _MINUTE, _SECOND = (slice(0, 4), *(slice(first, first + 2) for first in (5, 8, 11, 14, 17)))
_MARKS = {4: b"-", 7: b"-", 10: b" T", 13: b":", 16: b":", 19: b"."}
_WHOLE, _FRACTION = 19, 20


def _moments(texts: Sequence[bytes]) -> Array:
    """Return the times that some strings represent."""
    lengths = np.fromiter(map(len, texts), np.intp, len(texts))
    moments = np.empty(len(texts), dtype=_MICROSECONDS)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        same = texts if len(rows) == len(texts) else [texts[row] for row in rows.tolist()]
        moments[rows] = _moments_in(np.frombuffer(b"".join(same), dtype=np.uint8).reshape(len(rows), length))
    return moments


def _moments_in(texts: Array) -> Array:
    """Return the times in an array of characters, one row for each."""
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
    """Return whether each character is one of several marks."""
    return np.asarray(np.logical_or.reduce([characters == mark for mark in marks]))


def _number(digits: Array) -> Array:
    """Return the numbers in rows of digits."""
    values = digits - np.uint8(ord("0"))  # smaller characters become large numbers
    if (values > 9).any():
        raise ValueError(f"{digits[0].tobytes()!r} is not a number in a time")
    number = np.zeros(len(digits), dtype=np.int64)
    for place in range(digits.shape[1]):
        number = number * 10 + values[:, place]
    return number


# -- other lines -----------------------------------------------------------------------------------------------------


def _cells(block: bytes, what: str) -> Samples:
    """Return the samples in lines of any kind."""
    rows = _rows(block, what)
    moments = _moments([row[0].strip().encode() for row in rows])
    # A comma outside of quotes belongs to the text, because no other field can contain one.
    cells = [row[2] if len(row) == 4 else ",".join(row[2:-1]) for row in rows]
    types = tuple(dict.fromkeys(row[-1].strip() for row in rows))
    return Samples(moments, *_values(cells, types), types)


def _rows(block: bytes, what: str) -> list[list[str]]:
    """Return the fields of each line."""
    try:
        text = block.decode()
    except UnicodeDecodeError:
        text = block.decode("cp1252", "replace")
    try:
        rows = list(filter(None, csv.reader(io.StringIO(text, newline=""))))
    except csv.Error as err:
        raise InvalidResponseError(f"{what} contains lines that cannot be parsed: {err}.", service=what) from err
    # The last line of a truncated response may end anywhere.
    cut = not block.endswith(b"\n") and kind_of(rows[-1][-1]) is None
    broken = next((row for row in rows if len(row) < 4), rows[-1] if cut else None)
    if broken is not None:
        raise InvalidResponseError(f"{what} contains an incomplete line: {','.join(broken)!r}.", service=what)
    return rows


def _values(cells: Sequence[str], types: Sequence[str]) -> ColumnBlock:
    """Return the values of cells of text, in a type that fits all given types."""
    kinds = {kind_of(name) or Kind.TEXT for name in types}
    kind = Kind.TEXT
    if len(kinds) == 1:
        kind = kinds.pop()
    elif kinds <= {Kind.INTEGER, Kind.FLOAT}:
        kind = Kind.FLOAT
    texts, _ = without_null_words(cells, kind)
    try:
        return converted(texts, kind)
    except TypeMismatch:
        return _integers(cells) if kind is Kind.INTEGER else widen_type(cells, Kind.TEXT)


def _integers(cells: Sequence[str]) -> ColumnBlock:
    """Return integers that are written with a decimal point; other numbers as floats, and other values as text."""
    try:
        values, mask = converted(without_null_words(cells, Kind.FLOAT)[0], Kind.FLOAT)
    except TypeMismatch:
        return widen_type(cells, Kind.TEXT)
    numbers = values if mask is None else values[~mask]
    if not (np.abs(numbers) < EXACT).all():
        return widen_type(cells, Kind.TEXT)
    if not np.equal(numbers, np.trunc(numbers)).all():
        return values, mask
    return (values if mask is None else np.where(mask, -999, values)).astype(np.int64), mask
