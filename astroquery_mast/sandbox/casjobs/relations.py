"""Tables, their columns, and functions that return tables, as queries see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .sqltypes import Cell, SqlType


class SqlError(Exception):
    """A statement that the database refuses, in the words of SQL Server."""


@dataclass(frozen=True)
class SqlColumn:
    """A column of a table or of a result; without a type that of its values is taken, without a name it has none."""

    name: str
    type: SqlType | None
    nullable: bool = True

    def stored(self, cells: Sequence[Cell]) -> Sequence[Cell]:
        """Return cells as the column keeps them: of its type; None is null."""
        if self.type is None:
            return cells
        if None not in cells:
            return self.type.convert_all(cells)
        known = iter(self.type.convert_all([cell for cell in cells if cell is not None]))
        return [None if cell is None else next(known) for cell in cells]


@dataclass(frozen=True)
class Relation:
    """A table; ``key`` is its name in SQLite, where those of its columns are in small letters."""

    key: str
    name: str
    columns: tuple[SqlColumn, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """The types of the columns by their names."""
        return {column.name.lower(): str(column.type) for column in self.columns}


@dataclass(frozen=True)
class TableFunction(Relation):
    """A function that returns a table: in SQLite, one of the name ``key`` that returns rows as JSON."""

    arguments: int = 0
