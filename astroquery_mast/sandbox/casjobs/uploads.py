"""Text uploads into tables, including known problems of the service: blanks, missing types, and words for null.

In: CSV with a header line. Out: names, columns of cells, and the rows of a table of known types.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from .relations import Relation, SqlColumn, SqlError
from .sqltypes import FLOAT, Cell, ConversionError, SqlType

_NOTHING = frozenset({"", "NULL", "null", "Null"})


@dataclass(frozen=True)
class Upload:
    """Names of columns, and their cells as text; None is null."""

    names: tuple[str, ...]
    columns: tuple[tuple[str | None, ...], ...]

    def guessed(self) -> list[SqlColumn]:
        """Return the columns that the service would create from the upload."""
        return [SqlColumn(name, _guess(cells)) for name, cells in zip(self.names, self.columns, strict=True)]

    def rows(self, table: Relation) -> Iterator[tuple[Cell, ...]]:
        """Return the rows converted to the types of a table; columns are matched by name, missing ones are null."""
        known = {column.name.lower() for column in table.columns}
        strange = [name for name in self.names if name.lower() not in known]
        if strange:
            raise SqlError(f"The given ColumnName '{strange[0]}' does not match up with any column in data source.")
        given = {name.lower(): cells for name, cells in zip(self.names, self.columns, strict=True)}
        nothing: tuple[None, ...] = (None,) * len(self.columns[0])
        cells = [_typed(column, given.get(column.name.lower(), nothing)) for column in table.columns]
        return zip(*cells, strict=True)


def read_upload(data: str) -> Upload:
    """Parse an upload; `SqlError` if it is malformed."""
    text = data.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if " " in text:
        broken = text[: text.index(" ")].count("\n") + 1
        raise SqlError(f"Error loading data: line {broken} has a different number of columns than the header.")
    lines: list[list[str]]
    lines = list(csv.reader(io.StringIO(text))) if '"' in text else [line.split(",") for line in text.split("\n")]
    header, *body = [line for line in lines if line]
    for number, line in enumerate(body, 2):
        if len(line) != len(header):
            raise SqlError(f"Error loading data: line {number} has a different number of columns than the header.")
    columns = zip(*body, strict=True) if body else [()] * len(header)
    return Upload(tuple(header), tuple(map(_known, columns)))


def _known(cells: Sequence[str]) -> tuple[str | None, ...]:
    return tuple(None if cell in _NOTHING else cell for cell in cells)


def _guess(cells: Sequence[str | None]) -> SqlType:
    known = [cell for cell in cells if cell is not None]
    if known:
        for kind in (SqlType("int"), SqlType("bigint"), FLOAT):
            with suppress(ConversionError):
                kind.convert_all(known)
                return kind
    return SqlType("nvarchar", (max(map(len, known), default=50),))


def _typed(column: SqlColumn, cells: Sequence[str | None]) -> Sequence[Cell]:
    if not column.nullable and None in cells:
        raise SqlError(f"Column '{column.name}' does not allow DBNull.Value.")
    return column.stored(cells)
