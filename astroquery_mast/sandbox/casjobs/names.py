"""Resolution of names in a statement: tables of MyDB and contexts, functions, and ``INFORMATION_SCHEMA``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .contexts import CONTEXTS, context
from .relations import Relation, SqlColumn, SqlError, TableFunction
from .sqltypes import SqlType

Row = Sequence[Any]
MYDB = "MyDB"
NVARCHAR_MAX = SqlType("nvarchar", (-1,))


@dataclass(frozen=True)
class InformationTable(Relation):
    """A view of ``INFORMATION_SCHEMA``."""

    rows: Callable[[], Iterable[Row]] = field(default=tuple, compare=False)


class Names:
    """The names known in a context, for the owner of the tables ``mine``."""

    def __init__(self, mine: Mapping[str, Relation], where: str, numbered: Relation | None = None) -> None:
        self._mine = mine
        self._where = MYDB if where.lower() == MYDB.lower() else context(where).name
        self._numbered = numbered

    def with_row_numbers(self, table: Relation) -> Names:
        """Return the same names, with row numbers as an additional column of a table."""
        return Names(self._mine, self._where, table)

    def relation(self, parts: tuple[str, ...]) -> Relation:
        """Return a table; see `Catalog`."""
        where, schema, name = self._split(parts)
        if schema == "information_schema":
            return _information(self._listed(where), where, name, ".".join(parts))
        if schema != "dbo":
            raise SqlError(f"Invalid object name '{'.'.join(parts)}'.")
        found = self._listed(where).get(name.lower())
        if found is None:
            raise SqlError(f"Invalid object name '{'.'.join(parts)}'.")
        if self._numbered is not None and found.key == self._numbered.key:
            return replace(found, columns=(SqlColumn("_rowid_", SqlType("bigint")), *found.columns))
        return found

    def function(self, parts: tuple[str, ...]) -> TableFunction:
        """Return a function; see `Catalog`."""
        where, _, name = self._split(parts)
        found = None if where == MYDB else context(where).functions.get(name.lower())
        if found is None:
            raise SqlError(f"Invalid object name '{'.'.join(parts)}'.")
        return found

    def own(self, written: Any, action: str) -> str:
        """Return the name of a table of MyDB, the only database that can be changed."""
        parts = tuple(part.name for part in (written.args.get("catalog"), written.args.get("db")) if part)
        where, schema, name = self._split((*parts, written.name))
        if where != MYDB or schema != "dbo":
            raise SqlError(f"{action} permission denied in database '{where}'.")
        return name

    def _listed(self, where: str) -> Mapping[str, Relation]:
        return self._mine if where == MYDB else context(where).tables

    def _split(self, parts: tuple[str, ...]) -> tuple[str, str, str]:
        """Return database, schema, and name."""
        *before, name = [part for part in parts if part]
        databases = {each.lower(): each for each in (MYDB, *CONTEXTS)}
        where = databases.get(before[0].lower()) if before else None
        if where is not None:
            before = before[1:]
        return where or self._where, (before[0].lower() if before else "dbo"), name


_NAME = SqlType("nvarchar", (128,))


def _information(tables: Mapping[str, Relation], where: str, view: str, written: str) -> InformationTable:
    if view.lower() not in _VIEWS:
        raise SqlError(f"Invalid object name '{written}'.")
    columns, rows = _VIEWS[view.lower()]
    return InformationTable(f"information_{where}_{view}".lower(), view, columns, lambda: rows(where, tables.values()))


def _table_rows(where: str, tables: Iterable[Relation]) -> Iterator[Row]:
    for table in tables:
        yield where, "dbo", table.name, "VIEW" if getattr(table, "is_view", False) else "BASE TABLE"


def _column_rows(where: str, tables: Iterable[Relation]) -> Iterator[Row]:
    for table in tables:
        for place, column in enumerate(table.columns, 1):
            nullable = "YES" if column.nullable else "NO"
            kind = column.type or NVARCHAR_MAX
            yield where, "dbo", table.name, column.name, place, None, nullable, kind.name, *_sizes(kind)


def _sizes(kind: SqlType) -> Row:
    """Return characters and bytes of text, precision and scale of a number, and decimals of a second."""
    if kind.is_text:
        length = kind.length or 0
        return length, length if length < 0 or not kind.name.startswith("n") else 2 * length, None, None, None
    if kind.name == "decimal":
        return None, None, *(*kind.size, *(18, 0)[len(kind.size) :])[:2], None
    if kind.name == "datetime2":
        return None, None, None, None, (*kind.size, 7)[0]
    return None, None, _PRECISION.get(kind.name), None, None


_PRECISION = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 19, "real": 24, "float": 53}
_PLACE = tuple(SqlColumn(name, _NAME) for name in ("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME"))
_INT = SqlType("int")
_VIEWS: Mapping[str, tuple[tuple[SqlColumn, ...], Callable[[str, Iterable[Relation]], Iterator[Row]]]] = {
    "tables": ((*_PLACE, SqlColumn("TABLE_TYPE", SqlType("varchar", (10,)))), _table_rows),
    "columns": (
        (
            *_PLACE,
            SqlColumn("COLUMN_NAME", _NAME),
            SqlColumn("ORDINAL_POSITION", _INT),
            SqlColumn("COLUMN_DEFAULT", NVARCHAR_MAX),
            SqlColumn("IS_NULLABLE", SqlType("varchar", (3,))),
            SqlColumn("DATA_TYPE", _NAME),
            SqlColumn("CHARACTER_MAXIMUM_LENGTH", _INT),
            SqlColumn("CHARACTER_OCTET_LENGTH", _INT),
            SqlColumn("NUMERIC_PRECISION", SqlType("tinyint")),
            SqlColumn("NUMERIC_SCALE", _INT),
            SqlColumn("DATETIME_PRECISION", SqlType("smallint")),
        ),
        _column_rows,
    ),
}
