"""Conversion between tables and the CSV of CasJobs, in which values are encoded as words that survive unchanged.

In: a table and its `SqlColumn` objects, or text from CasJobs.  Out: CSV in pieces of bounded size, or a table.

The word of a string is ``t`` and the string if it has only letters, digits and ``_ . -``.  Otherwise it is ``x``
and the hexadecimal digits of its UTF-16.  The word of a time is ``t`` and the time in ISO 8601; CasJobs returns it
without the ``t``.  Numbers are written as they are, booleans as 1 and 0.  An empty word is NULL.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import Column, MaskedColumn, Table
from astropy.time import Time

from ..exceptions import CorruptDataWarning, InputWarning, InvalidResponseError
from ..tables.columns import Kind, kind_of
from ..tables.mashup import reading
from ..tables.result_table import ResultTable
from ..tables.rows import TRUTHS, ColumnBlock, converted, joined
from ..warn import warn_user
from .moments import iso_texts, times_from
from .sql import SqlColumn, cell_values, mask_of, null_mask, words_heading

_SERVICE = "CasJobs"
# Rows that are written or read at a time.
_BLOCK = 20_000
_PLAIN = re.compile(r"[-A-Za-z0-9_.]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Names, one per line.
_NAMES = re.compile(r"(?:(?!null$)[A-Z_][-A-Z0-9_.]*(?:\n(?!\Z)|\Z))+", re.ASCII | re.IGNORECASE | re.MULTILINE)
# Additional bytes that a percent-encoded character takes in the body of a POST request.
_GROWTH = 2
_NULLS = frozenset({"", "NULL", "null", "Null"})
# Marks a quoted text that would otherwise be read as NULL.  XML cannot contain this character.
_IN_QUOTES = "\0"
_QUOTED_NULL = re.compile(r'(?<![^,\n])"(null)"(?![^,\r\n])', re.IGNORECASE)
_HEADING = re.compile(r'\s*"?\[(.*?)\]:([A-Za-z]\w*)(?:\([^)]*\))?"?\s*(?:,|$)')
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][-+]?\d+)?|-?\.\d+(?:[eE][-+]?\d+)?")
# The .NET names of database types, where they differ.
_DOTNET = {
    "byte": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "integer": "int",
    "int64": "bigint",
    "single": "real",
    "double": "float",
    "boolean": "bit",
    "string": "nvarchar",
}
_DTYPES: dict[str, type[np.generic]] = {
    "tinyint": np.uint8,
    "smallint": np.int16,
    "int": np.int32,
    "bigint": np.int64,
    "real": np.float32,
}


Reader = Callable[[Sequence[str]], ColumnBlock]

# -- writing ---------------------------------------------------------------------------------------------------------


def warn_of_lost_numbers(table: Table) -> None:
    """Warn about numbers that the database cannot store, which become NULL."""
    numbers = {name: table[name] for name in table.colnames if not isinstance(table[name], Time)}
    numbers = {name: column for name, column in numbers.items() if cell_values(column).dtype.kind == "f"}
    lost = {name: _count(null_mask(column)) - _count(mask_of(column)) for name, column in numbers.items()}
    if any(lost.values()):
        counts = ", ".join(f"{count} in {name!r}" for name, count in lost.items() if count)
        warn_user(f"CasJobs does not support NaN and infinite values. They are stored as NULL: {counts}.", InputWarning)


def _count(places: npt.NDArray[np.bool_] | None) -> int:
    """Return the number of True values."""
    return 0 if places is None else int(np.count_nonzero(places))


def longest_row(table: Table) -> int:
    """Return the size of the longest row in the body of a request, in bytes, or a slightly larger number."""
    sizes = np.full(len(table), 3, dtype=np.int64)
    for name in table.colnames:
        values: Any = None if isinstance(table[name], Time) else cell_values(table[name])
        is_text = values is not None and values.dtype.kind in "US"
        sizes += 5 + 8 * np.char.str_len(values) if is_text else 60
    return int(sizes.max(initial=0))


def needs_words(table: Table, columns: Sequence[SqlColumn]) -> bool:
    """Return whether the values of a table must be sent as words because CasJobs could change them otherwise.

    Numbers need no words, and neither do strings that are names, provided that the table has two or more columns with
    plain names: a row of a single column could be an empty line.
    """
    if len(columns) < 2 or not all(_NAME.fullmatch(column.name) for column in columns):
        return True
    return any(column.is_moment or (column.is_text and not _are_names(table[column.name])) for column in columns)


def _are_names(column: Any) -> bool:
    """Return whether all strings of a column are names, and none of them is read as NULL."""
    if mask_of(column) is not None:
        return False
    for start in range(0, len(column), _BLOCK):
        texts = _decoded(cell_values(column[start : start + _BLOCK]))
        lines = "\n".join(texts)
        if lines.count("\n") != len(texts) - 1 or not _NAMES.fullmatch(lines):
            return False
    return True


def csv_pieces(
    table: Table, columns: Sequence[SqlColumn], largest: int, *, words: bool = True
) -> Iterator[tuple[str, int]]:
    """Yield the rows of a table as CSV in pieces, each with its number of rows.

    The cells are words, or the values themselves.  A piece has at least one row, and otherwise at most ``largest``
    bytes in the body of a POST request.
    """
    heading = words_heading(columns) if words else ",".join(column.name for column in columns)
    line_growth = _GROWTH * (len(columns) + 1 + 2 * sum(column.is_moment for column in columns)) + 1
    first = len(heading) + line_growth
    lines: list[str] = []
    size = first
    for line in _lines(table, columns, words=words):
        cost = len(line) + line_growth
        if lines and size + cost > largest:
            yield _piece(heading, lines), len(lines)
            lines, size = [], first
        lines.append(line)
        size += cost
    if lines:
        yield _piece(heading, lines), len(lines)


def _piece(heading: str, lines: Sequence[str]) -> str:
    """Return the CSV of some rows."""
    return "\n".join((heading, *lines, ""))


def _lines(table: Table, columns: Sequence[SqlColumn], *, words: bool) -> Iterator[str]:
    """Yield the rows of a table as lines; rows of words begin with the number of the row."""
    for start in range(0, len(table), _BLOCK):
        stop = min(start + _BLOCK, len(table))
        cells = (table[column.name][start:stop] for column in columns)
        if words:
            parts = [map(str, range(start, stop)), *map(_words, cells, columns)]
        else:
            parts = [
                _decoded(cell_values(part)) if column.is_text else _words(part, column)
                for part, column in zip(cells, columns, strict=True)
            ]
        yield from map(",".join, zip(*parts, strict=True))


def _words(cells: Any, column: SqlColumn) -> list[str]:
    """Return the words of some cells of a column; the word of a missing value is empty."""
    plain = cells if isinstance(cells, Time) else cell_values(cells)
    mask = null_mask(cells)
    if column.is_moment:
        words = [f"t{text}" for text in iso_texts(plain, mask, column.name)]
    else:
        words = _WRITERS[plain.dtype.kind](plain)
    for place in () if mask is None else np.flatnonzero(mask).tolist():
        words[place] = ""
    return words


def _words_of_floats(values: npt.NDArray[Any]) -> list[str]:
    """Return numbers with all significant digits, without the plus sign in exponents, which forms read as a blank."""
    write = "%.9g".__mod__ if values.itemsize <= 4 else repr
    return [word.replace("e+", "e") for word in map(write, values.tolist())]


def _words_of_texts(values: npt.NDArray[Any]) -> list[str]:
    """Return strings as words, which begin with a letter for the encoding."""
    texts = _decoded(values)
    if _PLAIN.fullmatch("".join(texts)):
        return [f"t{text}" for text in texts]
    return [f"t{text}" if _PLAIN.fullmatch(text) else f"x{_utf16(text).hex()}" for text in texts]


def _decoded(values: npt.NDArray[Any]) -> list[str]:
    """Return the strings of a column of text or bytes."""
    return [text.decode() for text in values.tolist()] if values.dtype.kind == "S" else list(values.tolist())


def _utf16(text: str) -> bytes:
    """Return a string in UTF-16; unpaired surrogates are allowed."""
    return text.encode("utf-16-le", "surrogatepass")


_WRITERS: dict[str, Callable[[npt.NDArray[Any]], list[str]]] = {
    "b": lambda values: np.where(values, "1", "0").tolist(),
    "i": lambda values: list(map(str, values.tolist())),
    "u": lambda values: list(map(str, values.tolist())),
    "f": _words_of_floats,
    "U": _words_of_texts,
    "S": _words_of_texts,
}


# -- reading ---------------------------------------------------------------------------------------------------------


def read_csv(text: str) -> Table:
    """Return the rows of a CasJobs response; the first line has the names and types of the columns."""
    with reading(_SERVICE):
        lines = lines_of(_QUOTED_NULL.sub(rf'"{_IN_QUOTES}\1"', text))
        columns = _headed(next(lines, ""))
        return _table(lines, len(text), columns, [_reader(column) for column in columns])


def table_of_words(lines: Iterator[str], size: int, columns: Sequence[SqlColumn]) -> Table:
    """Return the rows of CSV with words as cells, for the given columns; the first line is skipped."""
    with reading(_SERVICE):
        next(lines, "")
        readers = [_words_as_texts if column.is_text else _reader(column) for column in columns]
        return _table(lines, size, columns, readers)


def read_plain_csv(lines: Iterator[str], size: int) -> Table:
    """Return the rows of CSV without types; a column is numeric if all of its cells are numbers, and text otherwise."""
    with reading(_SERVICE):
        heading = next(lines, "")
        if heading.lstrip('"').startswith("["):
            return read_csv("".join((heading, *lines)))
        names = list(chain.from_iterable(_rows_of([heading])))
        columns = [SqlColumn(name or f"Column{number}", "nvarchar") for number, name in enumerate(names, start=1)]
        table = _table(lines, size, columns, [_texts] * len(columns))
        for name in table.colnames:
            table[name] = _as_numbers(table[name])
        return table


def _as_numbers(column: Column) -> Column:
    """Return a column of text as numbers if all of its cells are numbers, and unchanged otherwise."""
    mask = mask_of(column)
    cells = cell_values(column if mask is None else column[~mask]).tolist()
    for pattern, dtype in ((_INTEGER, np.int64), (_NUMBER, np.float64)):
        if cells and all(map(pattern.fullmatch, cells)):
            with suppress(OverflowError, ValueError):
                if mask is None:
                    return Column(np.array(cells, dtype=dtype))
                values = np.zeros(len(column), dtype=dtype)
                values[~mask] = np.array(cells, dtype=dtype)
                return MaskedColumn(values, mask=mask)
    return column


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a string without copying the string."""
    start = 0
    while stop := text.find("\n", start) + 1:
        yield text[start:stop]
        start = stop
    if start < len(text):
        yield text[start:]


def _headed(line: str) -> list[SqlColumn]:
    """Return the columns that a header line describes, such as ``[objID]:bigint,[ra]:float``."""
    columns: list[SqlColumn] = []
    place = 0
    while line[place:].strip():
        found = _HEADING.match(line, place)
        if found is None:
            raise InvalidResponseError(
                f"{_SERVICE} returned {line[:100]!r} instead of the names and types of the columns.", service=_SERVICE
            )
        type_name = found[2].lower()
        columns.append(SqlColumn(found[1] or f"Column{len(columns) + 1}", _DOTNET.get(type_name, type_name)))
        place = found.end()
    return columns


def _table(lines: Iterable[str], size: int, columns: Sequence[SqlColumn], readers: Sequence[Reader]) -> Table:
    """Return the table for some lines of CSV."""
    parts: list[list[ColumnBlock]] = [[] for _ in columns]
    for block in _blocks(lines, size, len(columns)):
        for part, reader, cells in zip(parts, readers, block, strict=True):
            part.append(reader(cells))
    made = ResultTable()
    for column, part, reader in zip(columns, parts, readers, strict=True):
        values, mask = joined(part or [reader(())])
        part.clear()
        made.add_column(_finished(column, values, mask), name=_free_name(column.name, made.colnames), copy=False)
    return made


def _blocks(lines: Iterable[str], size: int, width: int) -> Iterator[Sequence[Sequence[str]]]:
    """Yield the cells of some lines of CSV by column, in blocks of many rows."""
    # The limit applies to the whole process, so it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), size))
    reader = _rows_of(lines)
    while block := list(islice(reader, _BLOCK)):
        # In a table with one column, an empty line is an empty cell.
        rows = [row or [""] for row in block] if width == 1 else list(filter(None, block))
        if set(map(len, rows)) - {width}:
            odd = next(row for row in rows if len(row) != width)
            raise InvalidResponseError(
                f"{_SERVICE} returned a row with {len(odd)} values for {width} columns.", service=_SERVICE
            )
        if rows:
            yield list(zip(*rows, strict=True))


def _rows_of(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the cells of each line of CSV."""
    try:
        yield from csv.reader(lines)
    except csv.Error as err:
        raise InvalidResponseError(f"{_SERVICE} returned invalid CSV: {err}.", service=_SERVICE) from err


def _free_name(name: str, taken: Sequence[str]) -> str:
    """Return a column name that is not in use: a repeated name gets a number, as in other responses of CasJobs."""
    return next(
        each for each in (name, *(f"{name}{number}" for number in range(1, len(taken) + 2))) if each not in taken
    )


def _reader(column: SqlColumn) -> Reader:
    """Return the function that reads the cells of a column."""
    kind = kind_of(column.type_name)
    if column.is_text or kind is None or column.is_moment:
        return _texts
    dtype = _DTYPES.get(column.type_name)

    def read(cells: Sequence[str]) -> ColumnBlock:
        try:
            block = converted(_values(cells, _PARSERS[kind]), kind)
        except ValueError:
            warn_user(
                f"Column {column.name!r} is declared as {column.type_name} but contains other values. It is "
                "returned as text.",
                CorruptDataWarning,
            )
            return _texts(cells)
        return _narrowed(block, dtype)

    return read


def _values(cells: Sequence[str], parse: Callable[[str], Any]) -> list[Any]:
    """Return the values of some cells, with None for NULL."""
    if "_" in "".join(cells):  # Python accepts 1_000 as a number
        raise ValueError("_")
    try:
        return list(map(parse, cells))
    except ValueError:
        return [None if cell in _NULLS else parse(cell) for cell in cells]


def _truth(cell: str) -> bool:
    """Return the boolean value of a cell."""
    try:
        return TRUTHS[cell.lower()]
    except KeyError as err:
        raise ValueError(cell) from err


_PARSERS: dict[Kind, Callable[[str], Any]] = {Kind.INTEGER: int, Kind.FLOAT: float, Kind.BOOLEAN: _truth}


def _narrowed(block: ColumnBlock, dtype: type[np.generic] | None) -> ColumnBlock:
    """Return values in the dtype of their column, if that can represent them."""
    values, mask = block
    if dtype is None:
        return block
    if mask is not None:
        values[mask] = 0
    with np.errstate(over="ignore"):
        made = values.astype(dtype)
    return made if values.dtype.kind == "f" or (made == values).all() else values, mask


def _texts(cells: Sequence[str]) -> ColumnBlock:
    """Return the strings of some cells; a quoted NULL is a string."""
    return converted([_unmarked(cell) for cell in cells], Kind.TEXT)


def _unmarked(cell: str) -> str | None:
    """Return the text of a cell, with None for NULL."""
    if cell[:1] == _IN_QUOTES:
        return cell[1:]
    return None if cell in _NULLS and cell else cell


def _words_as_texts(cells: Sequence[str]) -> ColumnBlock:
    """Return the strings that some words encode."""
    return converted([None if cell in _NULLS else _text_of(cell) for cell in cells], Kind.TEXT)


def _text_of(word: str) -> str:
    """Return the string that a word encodes."""
    if word[0] == "t":
        return word[1:]
    if word[0] != "x":
        raise InvalidResponseError(f"{_SERVICE} returned {word[:50]!r} instead of an encoded string.", service=_SERVICE)
    return bytes.fromhex(word[1:]).decode("utf-16-le", "surrogatepass")


def _finished(column: SqlColumn, values: npt.NDArray[Any], mask: npt.NDArray[np.bool_] | None) -> Any:
    """Return the column of the table for the values of a column."""
    if column.is_moment:
        try:
            return times_from(values, mask)
        except ValueError:
            warn_user(
                f"Column {column.name!r} is declared as {column.type_name} but is not in ISO 8601 format. It "
                "is returned as text.",
                CorruptDataWarning,
            )
    return Column(values) if mask is None else MaskedColumn(values, mask=mask)
