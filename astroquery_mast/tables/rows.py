"""Read the rows of a JSON response in blocks, directly into numpy columns.

In: the body of a response.  Out: the document without its rows, and for each field a column of values and a mask, of
the type that its values require.
"""

from __future__ import annotations

import codecs
import json
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from itertools import repeat
from typing import Any, overload

import msgspec
import numpy as np
import numpy.typing as npt

from ..exceptions import InvalidResponseError
from .columns import Kind

# The number of rows decoded at once: few enough for the processor's cache, enough to make an array per column cheap.
_BLOCK = 300
_OBJECT = ord("{")
_PIECE = 1 << 20
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])

_Row = Mapping[str, Any]


class Rows(Sequence[_Row]):
    """The rows of a page, which are decoded to dictionaries on access."""

    def __init__(self, raw: Sequence[msgspec.Raw], service: str) -> None:
        self.raw = raw
        self._service = service

    def __len__(self) -> int:
        return len(self.raw)

    @overload
    def __getitem__(self, index: int) -> _Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[_Row]: ...
    def __getitem__(self, index: int | slice) -> _Row | Sequence[_Row]:
        if isinstance(index, slice):
            return Rows(self.raw[index], self._service)
        return self._decoded(b"[%b]" % self.raw[index])[0]

    def __iter__(self) -> Iterator[_Row]:
        for block in self._blocks(_BLOCK):
            yield from self._decoded(block)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def cells(self, names: Sequence[str], size: int = _BLOCK) -> Iterator[list[Sequence[Any]]]:
        """Yield the cells of columns, decoded block by block."""
        decode = _reader(tuple(names))
        for block in self._blocks(size):
            columns = decode(block)
            if columns is None:
                rows = self._decoded(block)
                columns = [[row.get(name) for row in rows] for name in names]
            yield columns

    def _decoded(self, block: bytes) -> list[_Row]:
        """The rows in a block."""
        rows = decoded(block, self._service)
        if not all(isinstance(row, dict) for row in rows):
            raise InvalidResponseError(f"{self._service} returned rows that are not objects.", service=self._service)
        return list(rows)

    def _blocks(self, size: int) -> Iterator[bytes]:
        """The text of blocks of rows, each a JSON list."""
        for first in range(0, len(self.raw), size):
            yield b"[%b]" % b",".join(self.raw[first : first + size])


@lru_cache(maxsize=32)
def _reader(names: tuple[str, ...]) -> Callable[[bytes], list[Sequence[Any]] | None]:
    """A function that decodes rows with these columns from JSON, column by column; it returns None if it cannot."""
    keys = [f"c{number}" for number in range(len(names))]
    try:
        members = [(key, Any, msgspec.field(default=None, name=name)) for key, name in zip(keys, names, strict=True)]
        record = msgspec.defstruct("Record", members, gc=False)
    except ValueError:  # names that msgspec does not support: quotes, control characters
        return lambda _: None
    decoder = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]

    def read(block: bytes) -> list[Sequence[Any]] | None:
        """Return the columns of a block; None if msgspec cannot decode it."""
        try:
            records = decoder.decode(block)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return list(zip(*map(msgspec.structs.astuple, records), strict=True))

    return read


def decoded(body: bytes, service: str, status: int | None = None) -> Any:
    """Decode a JSON body."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass  # the standard library accepts more, and has better error messages
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as err:  # also for UnicodeDecodeError, and too deep nesting
        start = body[:80].decode("utf-8", "replace")
        raise InvalidResponseError(
            f"{service} did not return JSON. The response begins with {start!r}.",
            service=service,
            status=status,
        ) from err


def _is_utf8(body: bytes) -> bool:
    """Whether a body is text, checked before rows are used, while the request can still be repeated."""
    if body.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(body)
    try:
        # In pieces, because the complete text would take up to four times the memory.
        for start in range(0, len(view), _PIECE):
            decoder.decode(view[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def decoded_with_rows(body: bytes, service: str, status: int | None = None) -> Any:
    """Decode a JSON body, except for the objects in the list ``data``."""
    if not _is_utf8(body):
        return decoded(body, service, status)
    try:
        members = _MEMBERS.decode(body)
        rows = _LIST.decode(members["data"])
        if not _are_objects(rows):
            return decoded(body, service, status)
        document = {name: msgspec.json.decode(raw) for name, raw in members.items() if name != "data"}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError):
        return decoded(body, service, status)
    document["data"] = Rows(rows, service)
    return document


def _are_objects(rows: Sequence[msgspec.Raw]) -> bool:
    """Whether the first and the last row are objects; to check all would take a tenth of the total time."""
    return bool(rows) and all(memoryview(row)[0] == _OBJECT for row in (rows[0], rows[-1]))


Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
RowNumbers = npt.NDArray[np.int64]
# Values, and the mask of missing ones; None if no value is missing, as in most blocks.
ColumnBlock = tuple[Array, Array | None]

# The values under the mask of missing cells, as in ``astroquery.mast``, whose users read ``column.data.data``.
_FILLS: dict[Kind, Any] = {Kind.TEXT: "", Kind.FLOAT: np.nan, Kind.INTEGER: -999, Kind.BOOLEAN: False, Kind.BYTE: 0}
_EMPTY = {
    Kind.TEXT: np.dtype("U1"),
    Kind.FLOAT: np.dtype(np.float64),
    Kind.INTEGER: np.dtype(np.int64),
    Kind.BOOLEAN: np.dtype(bool),
    Kind.BYTE: np.dtype(np.uint8),
}
# The kinds of columns by the kinds of their arrays.
_KIND_OF_ARRAY = {dtype.kind: kind for kind, dtype in _EMPTY.items()}
_KIND_OF_TYPE = {bool: Kind.BOOLEAN, int: Kind.INTEGER, float: Kind.FLOAT}
_is_none = partial(operator.is_, None)
# Integers below this are exact as floating-point numbers.
EXACT = 2**53
# Text that archives use for missing numbers.
_NOTHING = frozenset({"", "none", "null", "nan", "na", "n/a", "-", "--"})
_NUMBERS = frozenset({Kind.BYTE, Kind.INTEGER, Kind.FLOAT})
TRUTHS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
"""The spellings of true and false of archives and users."""


class TypeMismatch(ValueError):
    """The values of a column are not of its declared kind; the message describes them."""


def converted(values: Sequence[Any], kind: Kind) -> ColumnBlock:
    """Return the values of a column as an array of its kind, and their mask."""
    if not len(values):
        return np.empty(0, dtype=_EMPTY[kind]), None
    if values[0] is None and values.count(None) == len(values):
        return np.full(len(values), _FILLS[kind], dtype=_EMPTY[kind]), np.ones(len(values), dtype=bool)
    at_once = _AT_ONCE.get(kind)
    array = None if at_once is None else at_once(values)
    return _one_by_one(values, kind) if array is None else (array, None)


def _one_by_one(values: Sequence[Any], kind: Kind) -> ColumnBlock:
    """Convert values of which some are missing or of another type."""
    mask = _nulls(values)
    return _CONVERTERS[kind](values if mask is None else _without_nulls(values, _FILLS[kind])), mask


def fits(value: Any, kind: Kind) -> bool:
    """Return whether a value can be converted to the declared kind of its column."""
    try:
        converted([value], kind)
    except TypeMismatch:
        return False
    return True


def without_null_words(values: Sequence[Any], kind: Kind) -> tuple[Sequence[Any], list[str]]:
    """Return the values of a column with null instead of words for null, and these words."""
    if kind is Kind.TEXT:
        return values, []
    words = [value for value in values if is_null_word(value) and not fits(value, kind)]
    return [None if is_null_word(value) and not fits(value, kind) else value for value in values], words


def is_null_word(value: Any) -> bool:
    """Return whether a value is a word for null."""
    return isinstance(value, str) and value.strip().casefold() in _NOTHING


def guessed(values: Sequence[Any]) -> Kind:
    """Return the kind of a column whose type is not declared, by its values."""
    types = set(map(type, values)) - {type(None)}
    if types == {int, float}:
        return Kind.FLOAT
    return _KIND_OF_TYPE.get(types.pop(), Kind.TEXT) if len(types) == 1 else Kind.TEXT


def widen_type(values: Sequence[Any], kind: Kind) -> ColumnBlock:
    """Return values that are not of their declared kind as numbers if all are numbers, else as text, without loss."""
    return _widened(values, kind), _nulls(values)


def joined(chunks: Sequence[ColumnBlock]) -> ColumnBlock:
    """Return the concatenated parts of a column, as a kind that can represent all of them."""
    if len(chunks) == 1:
        return chunks[0]
    kind = _kind_of_parts(chunks)
    arrays = [_as_kind(values, mask, kind) for values, mask in chunks]
    return np.concatenate(arrays), _joined_masks(chunks)


def _kind_of_parts(chunks: Sequence[ColumnBlock]) -> Kind:
    """The kind that can represent all parts of a column; parts without values are ignored."""
    telling = [values for values, mask in chunks if not _is_void(values, mask)]
    return _common_kind(telling or [values for values, _ in chunks])


def _joined_masks(chunks: Sequence[ColumnBlock]) -> Array | None:
    """The concatenated masks of the parts of a column; None if no value is missing."""
    if all(mask is None for _, mask in chunks):
        return None
    return np.concatenate([np.zeros(values.size, dtype=bool) if mask is None else mask for values, mask in chunks])


def _nulls(values: Sequence[Any]) -> Array | None:
    """The mask of null values; None if there are none."""
    if None not in values:
        return None
    return np.fromiter(map(_is_none, values), dtype=bool, count=len(values))


def _without_nulls(values: Sequence[Any], fill: Any) -> list[Any]:
    """The values, with null replaced by a fill value."""
    return [fill if value is None else value for value in values]


def _widened(values: Sequence[Any], kind: Kind) -> Array:
    if kind is Kind.BYTE:
        with suppress(TypeMismatch):  # if they are not integers either
            return _integers(_without_nulls(values, _FILLS[Kind.INTEGER]))
    if kind is not Kind.FLOAT and _are_exact([value for value in values if value is not None]):
        return np.array(_without_nulls(values, np.nan), dtype=np.float64)
    return _texts(_without_nulls(values, ""))


def _are_exact(values: Sequence[Any]) -> bool:
    """Whether values are numbers that floating-point numbers represent exactly."""
    return {type(value) for value in values} <= {int, float} and all(map(_is_exact, values))


def _is_exact(value: float) -> bool:
    """Whether a floating-point number represents a number exactly, including integers."""
    return abs(value) < EXACT or not (isinstance(value, int) or math.isfinite(value))


def _texts(values: Sequence[Any]) -> Array:
    try:
        return _filled(values)
    except TypeError:
        spell = _as_text if set(map(type, values)) & {dict, list} else str
        return _filled(list(map(spell, values)))


def _texts_at_once(values: Sequence[Any]) -> Array | None:
    """Convert values if all are text; most blocks of most columns repeat the same text."""
    first = values[0]
    if type(first) is str and first == values[-1] and values.count(first) == len(values):
        return np.full(len(values), first, dtype=f"U{len(first) or 1}")
    try:
        return _filled(values)
    except TypeError:
        return None


def _filled(values: Sequence[str]) -> Array:
    """An array of text, which is UTF-32 padded with NUL; this takes half of the time of numpy.

    Raises `TypeError` if a value is not text.
    """
    width = max(map(len, values), default=0) or 1
    filled = "".join(map(str.ljust, values, repeat(width), repeat("\0")))
    # Responses may contain unpaired surrogates, which numpy accepts, too.
    return np.frombuffer(filled.encode("utf-32-le", "surrogatepass"), dtype=f"<U{width}").astype(f"=U{width}")


def _as_text(value: Any) -> str:
    """A value of a text column that is not text; numbers keep all their digits."""
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _floats(values: Sequence[Any]) -> Array:
    try:
        array = np.array(values, dtype=np.float64)  # also converts numbers in text
    except (TypeError, ValueError, OverflowError) as err:
        raise TypeMismatch("values that are not numbers") from err
    if array.ndim != 1:
        raise TypeMismatch("lists")
    return array


def _floats_at_once(values: Sequence[Any]) -> Array | None:
    """Convert values if all are numbers; numpy converts None to NaN."""
    array = _floats(values)
    return None if np.isnan(array).any() else array


def _integers(values: Sequence[Any]) -> Array:
    try:
        array = np.array(values)
        if array.dtype.kind == "U":
            array = np.array([int(value) if type(value) is str else value for value in values])
        if _are_whole(array):
            # One by one, because large integers have lost digits in an array with floating-point numbers.
            array = np.array(list(map(int, values)))
    except (ValueError, OverflowError) as err:
        raise TypeMismatch("values that are not integers") from err
    if array.ndim != 1 or array.dtype.kind not in "ib":
        raise TypeMismatch("fractions, integers of more than 64 bits, or values that are not numbers")
    return array.astype(np.int64, copy=False)


def _are_whole(array: Array) -> bool:
    """Whether an array contains only integral floating-point numbers."""
    return array.dtype.kind == "f" and array.ndim == 1 and bool(np.equal(array, np.trunc(array)).all())


def _integers_at_once(values: Sequence[Any]) -> Array | None:
    """Convert values if all are integers of up to 64 bits."""
    try:
        array = np.array(values)
    except (ValueError, OverflowError):
        return None
    return array if array.dtype == np.int64 and array.ndim == 1 else None


def _bytes(values: Sequence[Any]) -> Array:
    array = _integers(values)
    if ((array < 0) | (array > 255)).any():
        raise TypeMismatch("numbers outside 0 to 255")
    return array.astype(np.uint8)


def _booleans(values: Sequence[Any]) -> Array:
    try:
        return np.array([value if type(value) is bool else TRUTHS[str(value).strip().lower()] for value in values])
    except KeyError as err:
        raise TypeMismatch("values other than true and false") from err


def _booleans_at_once(values: Sequence[Any]) -> Array | None:
    """Convert values if all are booleans."""
    return np.array(values) if set(map(type, values)) == {bool} else None


_CONVERTERS: dict[Kind, Callable[[Sequence[Any]], Array]] = {
    Kind.TEXT: _texts,
    Kind.FLOAT: _floats,
    Kind.INTEGER: _integers,
    Kind.BOOLEAN: _booleans,
    Kind.BYTE: _bytes,
}
# Fast converters for values that are not null and have the right type; they return None for others.
_AT_ONCE: dict[Kind, Callable[[Sequence[Any]], Array | None]] = {
    Kind.TEXT: _texts_at_once,
    Kind.FLOAT: _floats_at_once,
    Kind.INTEGER: _integers_at_once,
    Kind.BOOLEAN: _booleans_at_once,
}


def _is_void(values: Array, mask: Array | None) -> bool:
    """Whether all values of a part are missing."""
    return not values.size or (mask is not None and bool(mask.all()))


def _common_kind(arrays: Sequence[Array]) -> Kind:
    """The kind that represents all arrays without changing values."""
    kinds = {_KIND_OF_ARRAY[array.dtype.kind] for array in arrays}
    if len(kinds) == 1:
        return kinds.pop()
    if kinds == {Kind.BYTE, Kind.INTEGER}:
        return Kind.INTEGER
    return Kind.FLOAT if kinds <= _NUMBERS and all(map(_is_exact_array, arrays)) else Kind.TEXT


def _is_exact_array(array: Array) -> bool:
    """Whether floating-point numbers represent the numbers of an array exactly."""
    return array.dtype.kind == "f" or bool(((array > -EXACT) & (array < EXACT)).all())


def _as_kind(values: Array, mask: Array | None, kind: Kind) -> Array:
    """The array of a part converted to the kind of the column, with its fill value under the mask."""
    if _KIND_OF_ARRAY[values.dtype.kind] is kind:
        return values
    if _is_void(values, mask):
        return np.full(values.size, _FILLS[kind], dtype=_EMPTY[kind])
    made = _texts(values.tolist()) if kind is Kind.TEXT else values.astype(_EMPTY[kind])
    if mask is not None:
        made[mask] = _FILLS[kind]
    return made
