"""Tables, their columns, and table-valued functions, as used by queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .sqltypes import Cell, SqlType


class SqlError(Exception):
    """A statement that the database refuses, in the words of SQL Server."""


@dataclass(frozen=True)
class SqlColumn:
    """A column of a table or of a result; its type may depend on its values, and its name may be empty."""

    name: str
    type: SqlType | None
    nullable: bool = True

    def stored(self, cells: Sequence[Cell]) -> Sequence[Cell]:
        """Return cells converted to the type of the column; None is null."""
        if self.type is None:
            return cells
        if None not in cells:
            return self.type.convert_all(cells)
        known = iter(self.type.convert_all([cell for cell in cells if cell is not None]))
        return [None if cell is None else next(known) for cell in cells]


@dataclass(frozen=True)
class Relation:
    """A table; ``key`` is its name in SQLite, where column names are in lower case."""

    key: str
    name: str
    columns: tuple[SqlColumn, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """The types of the columns by name."""
        return {column.name.lower(): str(column.type) for column in self.columns}


@dataclass(frozen=True)
class TableFunction(Relation):
    """A table-valued function; in SQLite it is a function ``key`` that returns rows as JSON."""

    arguments: int = 0
