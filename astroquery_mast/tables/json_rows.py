"""JSON in, values out: whole documents, and rows that are decoded block by block when they are used.

In: the body of an answer.  Out: what it holds; a list of rows under ``data`` becomes `Rows`.  Step "response" of the
flow, before it.

A page of 50,000 rows is 40 MB of text and two million values.  Decoded at once into dictionaries they fill the memory,
and every later step waits for it: whoever goes through them column by column touches all of it for each column.  `Rows`
keeps the text, and decodes a few hundred rows at a time, which stay in the processor's cache until they are arrays.
msgspec decodes three times as fast as the standard library, and reads rows of known columns without dictionaries;
where it refuses what the standard library takes (NaN, lone surrogates), the latter decides.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, overload

import msgspec

from ..exceptions import InvalidResponseError

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
        self._raw = raw
        self._service = service

    def __len__(self) -> int:
        return len(self._raw)

    @overload
    def __getitem__(self, index: int) -> _Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[_Row]: ...
    def __getitem__(self, index: int | slice) -> _Row | Sequence[_Row]:
        if isinstance(index, slice):
            return Rows(self._raw[index], self._service)
        return self._decoded(b"[%b]" % self._raw[index])[0]

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
        for first in range(0, len(self._raw), size):
            yield b"[%b]" % b",".join(self._raw[first : first + size])


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
        # The others are looked at when they are used: to look at each of them here takes a tenth of the whole.
        if any(memoryview(row)[0] != _OBJECT for row in rows[:1] + rows[-1:]) or not rows:
            return decoded(body, service, status)
        document = {name: msgspec.json.decode(raw) for name, raw in members.items() if name != "data"}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError):
        return decoded(body, service, status)
    document["data"] = Rows(rows, service)
    return document
