"""Rows of JSON as they come from the archive, read in blocks straight into numpy columns.

In: the body of an answer.  Out: the document without its rows, and a column of values and a mask for each field, of the
widest type that its values need.
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

# Rows decoded at once: few enough for a processor's cache, many enough that an array per column costs little.
_BLOCK = 300
_OBJECT = ord("{")
_PIECE = 1 << 20
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])

_Row = Mapping[str, Any]


class Rows(Sequence[_Row]):
    """The rows of a page as they came; each is a dictionary when it is looked at."""

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
        """Decode the rows block by block."""
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
            raise InvalidResponseError(f"{self._service} sent rows that are not objects.", service=self._service)
        return list(rows)

    def _blocks(self, size: int) -> Iterator[bytes]:
        """The text of blocks of rows, each a JSON list."""
        for first in range(0, len(self.raw), size):
            yield b"[%b]" % b",".join(self.raw[first : first + size])


@lru_cache(maxsize=32)
def _reader(names: tuple[str, ...]) -> Callable[[bytes], list[Sequence[Any]] | None]:
    """What reads rows of these columns from JSON, column by column; it returns None if it cannot."""
    keys = [f"c{number}" for number in range(len(names))]
    try:
        members = [(key, Any, msgspec.field(default=None, name=name)) for key, name in zip(keys, names, strict=True)]
        record = msgspec.defstruct("Record", members, gc=False)
    except ValueError:  # names that msgspec does not take: quotes, control characters
        return lambda _: None
    decoder = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]

    def read(block: bytes) -> list[Sequence[Any]] | None:
        """Read a block; None if it is beyond msgspec."""
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
        pass  # the standard library takes more, and tells more
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as err:  # also UnicodeDecodeError, and nesting without end
        start = body[:80].decode("utf-8", "replace")
        raise InvalidResponseError(
            f"{service} answered with something else than JSON, beginning {start!r}.",
            service=service,
            status=status,
        ) from err


def _is_utf8(body: bytes) -> bool:
    """Whether a body is text; found out now, when it can be asked for again, and not when a row is used."""
    if body.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(body)
    try:
        # Piece by piece, because the whole as text takes up to four times the memory.
        for start in range(0, len(view), _PIECE):
            decoder.decode(view[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def decoded_with_rows(body: bytes, service: str, status: int | None = None) -> Any:
    """Decode a JSON body, but not yet the objects in a list under ``data``."""
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
    """Whether the first and the last are objects: to look at each of them here takes a tenth of the whole."""
    return bool(rows) and all(memoryview(row)[0] == _OBJECT for row in (rows[0], rows[-1]))


Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
RowNumbers = npt.NDArray[np.int64]
# Values, and where there are none; None if all are there, as in most blocks.
ColumnBlock = tuple[Array, Array | None]

# What lies under the mask of a missing cell, as in ``astroquery.mast``, whose users read ``column.data.data``.
_FILLS: dict[Kind, Any] = {Kind.TEXT: "", Kind.FLOAT: np.nan, Kind.INTEGER: -999, Kind.BOOLEAN: False, Kind.BYTE: 0}
_EMPTY = {
    Kind.TEXT: np.dtype("U1"),
    Kind.FLOAT: np.dtype(np.float64),
    Kind.INTEGER: np.dtype(np.int64),
    Kind.BOOLEAN: np.dtype(bool),
    Kind.BYTE: np.dtype(np.uint8),
}
# The kinds of column, by the kinds of their arrays.
_KIND_OF_ARRAY = {dtype.kind: kind for kind, dtype in _EMPTY.items()}
_KIND_OF_TYPE = {bool: Kind.BOOLEAN, int: Kind.INTEGER, float: Kind.FLOAT}
_is_none = partial(operator.is_, None)
# Integers below are exact as floating-point numbers.
EXACT = 2**53
# What archives write where they have no number.
_NOTHING = frozenset({"", "none", "null", "nan", "na", "n/a", "-", "--"})
_NUMBERS = frozenset({Kind.BYTE, Kind.INTEGER, Kind.FLOAT})
TRUTHS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
"""How archives and people write yes and no."""


class TypeMismatch(ValueError):
    """The values of a column are not of its declared kind; the message says of what kind they are."""


def converted(values: Sequence[Any], kind: Kind) -> ColumnBlock:
    """Return the values of a column as what it is."""
    if not len(values):
        return np.empty(0, dtype=_EMPTY[kind]), None
    if values[0] is None and values.count(None) == len(values):
        return np.full(len(values), _FILLS[kind], dtype=_EMPTY[kind]), np.ones(len(values), dtype=bool)
    at_once = _AT_ONCE.get(kind)
    array = None if at_once is None else at_once(values)
    return _one_by_one(values, kind) if array is None else (array, None)


def _one_by_one(values: Sequence[Any], kind: Kind) -> ColumnBlock:
    """Values that are not all there, or did not come as what the column is."""
    mask = _nulls(values)
    return _CONVERTERS[kind](values if mask is None else _without_nulls(values, _FILLS[kind])), mask


def fits(value: Any, kind: Kind) -> bool:
    """Tell whether a value is what its column is declared to hold."""
    try:
        converted([value], kind)
    except TypeMismatch:
        return False
    return True


def without_words_for_nothing(values: Sequence[Any], kind: Kind) -> tuple[Sequence[Any], list[str]]:
    """Return the values of a column with null in the place of words that say so, and these words."""
    if kind is Kind.TEXT:
        return values, []
    words = [value for value in values if says_nothing(value) and not fits(value, kind)]
    return [None if says_nothing(value) and not fits(value, kind) else value for value in values], words


def says_nothing(value: Any) -> bool:
    """Tell whether a value is a word for null."""
    return isinstance(value, str) and value.strip().casefold() in _NOTHING


def guessed(values: Sequence[Any]) -> Kind:
    """Return what to take a column for whose type is not declared."""
    types = set(map(type, values)) - {type(None)}
    if types == {int, float}:
        return Kind.FLOAT
    return _KIND_OF_TYPE.get(types.pop(), Kind.TEXT) if len(types) == 1 else Kind.TEXT


def widen_type(values: Sequence[Any], kind: Kind) -> ColumnBlock:
    """Return values that are not of their declared kind, as numbers if they all are, else as text; nothing is lost."""
    return _widened(values, kind), _nulls(values)


def joined(chunks: Sequence[ColumnBlock]) -> ColumnBlock:
    """Return the parts of a column, one after the other, as what all of them can be."""
    if len(chunks) == 1:
        return chunks[0]
    kind = _kind_of_parts(chunks)
    arrays = [_as_kind(values, mask, kind) for values, mask in chunks]
    return np.concatenate(arrays), _joined_masks(chunks)


def _kind_of_parts(chunks: Sequence[ColumnBlock]) -> Kind:
    """What all parts of a column can be; a part without values has no say in it."""
    telling = [values for values, mask in chunks if not _is_void(values, mask)]
    return _common_kind(telling or [values for values, _ in chunks])


def _joined_masks(chunks: Sequence[ColumnBlock]) -> Array | None:
    """The masks of the parts of a column, one after the other; None if all values are there."""
    if all(mask is None for _, mask in chunks):
        return None
    return np.concatenate([np.zeros(values.size, dtype=bool) if mask is None else mask for values, mask in chunks])


def _nulls(values: Sequence[Any]) -> Array | None:
    """Where values are null; None if there is no null."""
    if None not in values:
        return None
    return np.fromiter(map(_is_none, values), dtype=bool, count=len(values))


def _without_nulls(values: Sequence[Any], fill: Any) -> list[Any]:
    """The values, with something else in the place of null."""
    return [fill if value is None else value for value in values]


def _widened(values: Sequence[Any], kind: Kind) -> Array:
    if kind is Kind.BYTE:
        with suppress(TypeMismatch):  # not integers either
            return _integers(_without_nulls(values, _FILLS[Kind.INTEGER]))
    if kind is not Kind.FLOAT and _are_exact([value for value in values if value is not None]):
        return np.array(_without_nulls(values, np.nan), dtype=np.float64)
    return _texts(_without_nulls(values, ""))


def _are_exact(values: Sequence[Any]) -> bool:
    """Whether values are numbers that stay what they are as floating-point numbers."""
    return {type(value) for value in values} <= {int, float} and all(map(_is_exact, values))


def _is_exact(value: float) -> bool:
    """Whether a number stays what it is as a floating-point number, also when it came as a whole one."""
    return abs(value) < EXACT or not (isinstance(value, int) or math.isfinite(value))


def _texts(values: Sequence[Any]) -> Array:
    try:
        return _filled(values)
    except TypeError:
        spell = _as_text if set(map(type, values)) & {dict, list} else str
        return _filled(list(map(spell, values)))


def _texts_at_once(values: Sequence[Any]) -> Array | None:
    """Texts, if they all are; in most blocks of most columns it is the same one again and again."""
    first = values[0]
    if type(first) is str and first == values[-1] and values.count(first) == len(values):
        return np.full(len(values), first, dtype=f"U{len(first) or 1}")
    try:
        return _filled(values)
    except TypeError:
        return None


def _filled(values: Sequence[str]) -> Array:
    """The array of some texts, which holds UTF-32 filled up with NUL; made here in half of the time of numpy.

    Raises `TypeError` if one of them is something else.
    """
    width = max(map(len, values), default=0) or 1
    filled = "".join(map(str.ljust, values, repeat(width), repeat("\0")))
    # What a server sends may hold half a pair of surrogates, which numpy takes as well.
    return np.frombuffer(filled.encode("utf-32-le", "surrogatepass"), dtype=f"<U{width}").astype(f"=U{width}")


def _as_text(value: Any) -> str:
    """A value of a text column that did not come as text; numbers keep all their digits."""
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _floats(values: Sequence[Any]) -> Array:
    try:
        array = np.array(values, dtype=np.float64)  # also reads numbers that came as text
    except (TypeError, ValueError, OverflowError) as err:
        raise TypeMismatch("values that are not numbers") from err
    if array.ndim != 1:
        raise TypeMismatch("lists")
    return array


def _floats_at_once(values: Sequence[Any]) -> Array | None:
    """Numbers, if they all are: numpy makes NaN of None."""
    array = _floats(values)
    return None if np.isnan(array).any() else array


def _integers(values: Sequence[Any]) -> Array:
    try:
        array = np.array(values)
        if array.dtype.kind == "U":
            array = np.array([int(value) if type(value) is str else value for value in values])
        if _are_whole(array):
            # Each by itself: in an array with floating-point numbers large whole ones have lost digits.
            array = np.array(list(map(int, values)))
    except (ValueError, OverflowError) as err:
        raise TypeMismatch("values that are not integers") from err
    if array.ndim != 1 or array.dtype.kind not in "ib":
        raise TypeMismatch("numbers with a fraction, or beyond 64 bits, or no numbers")
    return array.astype(np.int64, copy=False)


def _are_whole(array: Array) -> bool:
    """Whether an array holds floating-point numbers without a fraction."""
    return array.dtype.kind == "f" and array.ndim == 1 and bool(np.equal(array, np.trunc(array)).all())


def _integers_at_once(values: Sequence[Any]) -> Array | None:
    """Integers, if they all are and fit."""
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
        raise TypeMismatch("other values than true and false") from err


def _booleans_at_once(values: Sequence[Any]) -> Array | None:
    """Truth values, if they all are."""
    return np.array(values) if set(map(type, values)) == {bool} else None


_CONVERTERS: dict[Kind, Callable[[Sequence[Any]], Array]] = {
    Kind.TEXT: _texts,
    Kind.FLOAT: _floats,
    Kind.INTEGER: _integers,
    Kind.BOOLEAN: _booleans,
    Kind.BYTE: _bytes,
}
# For values without null that came as they should: None if they did not.
_AT_ONCE: dict[Kind, Callable[[Sequence[Any]], Array | None]] = {
    Kind.TEXT: _texts_at_once,
    Kind.FLOAT: _floats_at_once,
    Kind.INTEGER: _integers_at_once,
    Kind.BOOLEAN: _booleans_at_once,
}


def _is_void(values: Array, mask: Array | None) -> bool:
    """Whether a part has no values at all."""
    return not values.size or (mask is not None and bool(mask.all()))


def _common_kind(arrays: Sequence[Array]) -> Kind:
    """What several arrays can all be without a change of value."""
    kinds = {_KIND_OF_ARRAY[array.dtype.kind] for array in arrays}
    if len(kinds) == 1:
        return kinds.pop()
    if kinds == {Kind.BYTE, Kind.INTEGER}:
        return Kind.INTEGER
    return Kind.FLOAT if kinds <= _NUMBERS and all(map(_is_exact_array, arrays)) else Kind.TEXT


def _is_exact_array(array: Array) -> bool:
    """Whether the numbers of an array stay what they are as floating-point numbers."""
    return array.dtype.kind == "f" or bool(((array > -EXACT) & (array < EXACT)).all())


def _as_kind(values: Array, mask: Array | None, kind: Kind) -> Array:
    """A part's array as what the column is; what lies under its mask changes with it."""
    if _KIND_OF_ARRAY[values.dtype.kind] is kind:
        return values
    if _is_void(values, mask):
        return np.full(values.size, _FILLS[kind], dtype=_EMPTY[kind])
    made = _texts(values.tolist()) if kind is Kind.TEXT else values.astype(_EMPTY[kind])
    if mask is not None:
        made[mask] = _FILLS[kind]
    return made
