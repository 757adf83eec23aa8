"""The holdings of a TAP service: tables, their columns and keys, and the tables of TAP_SCHEMA that describe them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .votable import Field

Row = Sequence[object]


@dataclass(frozen=True)
class Column(Field):
    """A column of a table; ``indexed`` columns can be searched fast, ``principal`` columns are shown first."""

    indexed: bool = False
    principal: bool = False
    std: bool = False

    def schema_row(self) -> Row:
        """Return the row of TAP_SCHEMA without the name of the table and the position."""
        size = "*" if self.datatype == "char" else None
        words = (word or None for word in (self.xtype, self.utype, self.unit, self.ucd, self.description))
        flags = map(int, (self.principal, self.indexed, self.std))
        return (self.name, self.datatype, size, None, *words, *flags)


@dataclass(frozen=True)
class Table:
    """A table with schema and name (``dbo.obspointing``), and its rows, or the view that selects them from the archive.

    A table with ``apart`` has its own database, which is filled on first use; a holding may have
    only a few of them.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    rows: Callable[[], Iterable[Row]] | None = None
    view: str = ""
    utype: str = ""
    apart: bool = False

    @property
    def key(self) -> str:
        """The name used for comparison."""
        return self.name.lower()

    @property
    def schema(self) -> str:
        """The schema of the table."""
        return self.name.partition(".")[0]

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}


@dataclass(frozen=True)
class Key:
    """A column of one table that references a column of another."""

    source: str
    target: str
    source_column: str
    target_column: str
    description: str = ""


@dataclass(frozen=True)
class Holding:
    """All tables of one service; ``shapes`` are the supported shapes of position searches.

    ``attached`` is the database from which the views select.
    """

    name: str
    title: str
    tables: tuple[Table, ...]
    keys: tuple[Key, ...] = ()
    shapes: tuple[str, ...] = ("CIRCLE",)
    attached: Path | None = None

    @cached_property
    def by_key(self) -> dict[str, Table]:
        """All tables by name in lower case, including those of TAP_SCHEMA."""
        return {table.key: table for table in (*self.tables, *self._schema_tables())}

    @property
    def schemas(self) -> dict[str, list[Table]]:
        """The tables of each schema."""
        found: dict[str, list[Table]] = {}
        for table in self.by_key.values():
            found.setdefault(table.schema, []).append(table)
        return found

    def _schema_tables(self) -> tuple[Table, ...]:
        return (
            _described("schemas", "Schemas of this service", self._schema_rows),
            _described("tables", "Tables of this service", self._table_rows),
            _described("columns", "Columns of the tables of this service", self._column_rows),
            _described("keys", "Keys between the tables of this service", self._key_rows),
            _described("key_columns", "Columns of the keys", self._key_column_rows),
        )

    def _schema_rows(self) -> Iterator[Row]:
        for name in self.schemas:
            yield name, None, self.title if name != "tap_schema" else "Description of the tables", None

    def _table_rows(self) -> Iterator[Row]:
        for place, table in enumerate(self.by_key.values()):
            yield table.schema, table.name, "table", table.utype or None, table.description, place

    def _column_rows(self) -> Iterator[Row]:
        for table in self.by_key.values():
            yield from ((table.name, *column.schema_row(), place) for place, column in enumerate(table.columns))

    def _key_rows(self) -> Iterator[Row]:
        for number, key in enumerate(self.keys):
            yield str(number), key.source, key.target, key.description, None

    def _key_column_rows(self) -> Iterator[Row]:
        for number, key in enumerate(self.keys):
            yield str(number), key.source_column, key.target_column


def _described(name: str, description: str, rows: Callable[[], Iterable[Row]]) -> Table:
    columns = (Column(word, kind, description=told, std=True) for word, kind, told in TAP_SCHEMA[name])
    return Table(f"tap_schema.{name}", description, tuple(columns), rows)


#: The columns of TAP_SCHEMA (TAP 1.1, section 4): name, type, description.
TAP_SCHEMA: dict[str, tuple[tuple[str, str, str], ...]] = {
    "schemas": (
        ("schema_name", "char", "Name of the schema"),
        ("utype", "char", "Its role in a data model"),
        ("description", "char", "Description"),
        ("schema_index", "int", "Position in lists"),
    ),
    "tables": (
        ("schema_name", "char", "Schema of the table"),
        ("table_name", "char", "Name of the table, as in queries"),
        ("table_type", "char", "Table or view"),
        ("utype", "char", "Its role in a data model"),
        ("description", "char", "Description"),
        ("table_index", "int", "Position in lists"),
    ),
    "columns": (
        ("table_name", "char", "Table of the column"),
        ("column_name", "char", "Name of the column, as in queries"),
        ("datatype", "char", "Type, as in VOTables"),
        ("arraysize", "char", "Number of values in a cell"),
        ("size", "int", "Number of values in a cell (deprecated)"),
        ("xtype", "char", "Extended type of the value"),
        ("utype", "char", "Its role in a data model"),
        ("unit", "char", "Unit"),
        ("ucd", "char", "UCD of the column"),
        ("description", "char", "Description"),
        ("principal", "int", "Whether it is one of the main columns"),
        ("indexed", "int", "Whether the column is indexed"),
        ("std", "int", "Whether it is defined by a standard"),
        ("column_index", "int", "Position in the table"),
    ),
    "keys": (
        ("key_id", "char", "Name of the key"),
        ("from_table", "char", "Referencing table"),
        ("target_table", "char", "Referenced table"),
        ("description", "char", "Description of the key"),
        ("utype", "char", "Its role in a data model"),
    ),
    "key_columns": (
        ("key_id", "char", "Name of the key"),
        ("from_column", "char", "Referencing column"),
        ("target_column", "char", "Referenced column"),
    ),
}
