"""MyDB, the database of a user, and the statements that run in it and in the contexts.

In: a batch of T-SQL and the context in which names are resolved. Out: the rows of its last SELECT, or the number of
rows that it changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from .contexts import ConeFunction, ContextTable, create_table, quoted
from .functions import Functions
from .names import NVARCHAR_MAX, InformationTable, Names, Row
from .relations import Relation, SqlColumn, SqlError
from .sqltypes import CasJobsSql, Cell, ConversionError, SqlType, sql_type, type_of_values
from .tsql import select, statements

_STEPS = 1000
#: Maximum number of rows of an INSERT ... VALUES.
_MOST_VALUES = 1000
_AFFECTED = (SqlColumn("Rows Affected", SqlType("int")),)


class QueryTimeout(SqlError):
    """A query that exceeds its time limit."""


@dataclass(frozen=True)
class Result:
    """Columns and rows of a result, and the name of a created table."""

    columns: tuple[SqlColumn, ...]
    rows: Sequence[Row]
    created: str = ""

    @property
    def count(self) -> int:
        """Number of rows found or written."""
        return max(int(self.rows[0][0]), 0) if self.columns is _AFFECTED else len(self.rows)


class UserDatabase:
    """The tables of one user."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("file::memory:", uri=True, check_same_thread=False, isolation_level=None)
        self._functions = Functions(self._connection)
        self._tables: dict[str, Relation] = {}
        self._made = 0

    def close(self) -> None:
        """Delete all tables."""
        self._connection.close()

    @property
    def tables(self) -> Mapping[str, Relation]:
        """The tables by name in lower case."""
        return self._tables

    def execute(self, text: str, where: str, most_steps: float | None = None) -> Result:
        """Run a batch in a context, in at most ``most_steps`` steps of SQLite."""
        result = Result(_AFFECTED, [(0,)])
        with self._limited(most_steps):
            for statement in statements(text):
                result = self._run(statement, Names(self._tables, where))
        return result

    def rows(self, name: str) -> Result:
        """Return all rows of a table."""
        table = self.table(name)
        return Result(table.columns, self._connection.execute(f'SELECT * FROM "{table.key}"').fetchall())

    def table(self, name: str) -> Relation:
        """Return a table; `SqlError` if it does not exist."""
        found = self._tables.get(name.lower())
        if found is None:
            raise SqlError(f"Invalid object name '{name}'.")
        return found

    def create(self, name: str, columns: Sequence[SqlColumn], rows: Iterable[Row] = ()) -> Relation:
        """Create a table and insert rows."""
        self._check_new(name, columns)
        self._made += 1
        table = Relation(f"mydb_{self._made}", name, tuple(columns))
        with self._transaction():
            self._connection.execute(create_table(table))
            self._insert(table, rows)
        self._tables[name.lower()] = table
        return table

    def append(self, name: str, rows: Iterable[Row]) -> None:
        """Append rows, whose cells have the types of the columns, to a table."""
        with self._transaction():
            self._insert(self.table(name), rows)

    def _insert(self, table: Relation, rows: Iterable[Row]) -> None:
        marks = ", ".join("?" * len(table.columns))
        self._connection.executemany(f'INSERT INTO "{table.key}" VALUES ({marks})', rows)

    def _check_new(self, name: str, columns: Sequence[SqlColumn]) -> None:
        if name.lower() in self._tables:
            raise SqlError(f"There is already an object named '{name}' in the database.")
        seen: set[str] = set()
        for column in columns:
            if not column.name:
                raise SqlError(
                    "An object or column name is missing or empty. For SELECT INTO statements, "
                    "verify each column has a name."
                )
            if column.name.lower() in seen:
                raise SqlError(
                    f"Column names in each table must be unique. Column name '{column.name}' in table '{name}' "
                    "is specified more than once."
                )
            seen.add(column.name.lower())

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def _limited(self, most_steps: float | None) -> Iterator[None]:
        done = 0

        def over() -> bool:
            nonlocal done
            done += _STEPS
            return most_steps is not None and done > most_steps

        self._connection.set_progress_handler(over, _STEPS)
        try:
            yield
        except sqlite3.Error as error:
            raise self._sql_error(error) from error
        except ConversionError as error:
            raise SqlError(str(error)) from error
        finally:
            self._connection.set_progress_handler(None, 0)

    def _sql_error(self, error: sqlite3.Error) -> SqlError:
        if "interrupted" in str(error):
            return QueryTimeout(
                "Timeout expired.  The timeout period elapsed prior to completion of the operation "
                "or the server is not responding."
            )
        return SqlError(self._functions.take_message() or f"The query cannot be run: {error}.")

    def _run(self, statement: Any, names: Names) -> Result:
        runner = next((run for kind, run in _RUNNERS.items() if isinstance(statement, kind)), None)
        if runner is None:
            raise SqlError(f"Incorrect syntax near '{statement.sql(CasJobsSql)[:60]}'.")
        return runner(self, statement, names)

    def select(self, tree: Any, names: Names) -> Result:
        """Run a SELECT, and store its result if it has INTO."""
        into = tree.args.get("into")
        if into is not None:
            _check_lasting(into.this)
            tree.set("into", None)
        found = self._selected(tree, names)
        if into is None:
            return found
        columns = [SqlColumn(column.name, column.type or NVARCHAR_MAX) for column in found.columns]
        table = self.create(names.own(into.this, "CREATE TABLE"), columns, found.rows)
        return Result(_AFFECTED, [(len(found.rows),)], table.name)

    def _selected(self, tree: Any, names: Names) -> Result:
        selection = select(tree, names)
        self._prepare(selection.relations)
        rows = self._connection.execute(selection.sql).fetchall()
        columns = tuple(
            column if column.type is not None else replace(column, type=type_of_values(row[place] for row in rows))
            for place, column in enumerate(selection.columns)
        )
        return Result(columns, rows)

    def _prepare(self, relations: Iterable[Relation]) -> None:
        """Make relations outside MyDB available to the connection."""
        attached = {name for _, name, _ in self._connection.execute("PRAGMA database_list")}
        wanted = {relation.key for relation in relations}
        for name in attached - wanted - {"main", "temp"}:
            self._connection.execute(f'DETACH "{name}"')
        for relation in relations:
            if isinstance(relation, ContextTable) and relation.key not in attached:
                self._connection.execute(f'ATTACH ? AS "{relation.key}"', (_address(relation),))
            elif isinstance(relation, ConeFunction):
                self._connection.create_function(relation.key, relation.arguments, relation.call, deterministic=True)
            elif isinstance(relation, InformationTable):
                self._connection.execute(f'DROP TABLE IF EXISTS temp."{relation.key}"')
                self._connection.execute(create_table(relation, "TEMP"))
                self._insert(relation, relation.rows())

    def create_statement(self, tree: Any, names: Names) -> Result:
        """Create an empty table."""
        schema = tree.this
        if tree.args.get("kind") != "TABLE" or not isinstance(schema, exp.Schema):
            raise SqlError("Incorrect syntax near the keyword 'CREATE'.")
        columns = [_defined(column) for column in schema.expressions if isinstance(column, exp.ColumnDef)]
        table = self.create(names.own(schema.this, "CREATE TABLE"), columns)
        return Result(_AFFECTED, [(-1,)], table.name)

    def drop(self, tree: Any, names: Names) -> Result:
        """Drop tables."""
        if tree.args.get("kind") != "TABLE":
            raise SqlError("Incorrect syntax near the keyword 'DROP'.")
        for written in tree.args.get("tables") or [tree.this]:
            self._drop(names.own(written, "DROP TABLE"), if_exists=bool(tree.args.get("exists")))
        return Result(_AFFECTED, [(-1,)])

    def _drop(self, name: str, *, if_exists: bool) -> None:
        table = self._tables.pop(name.lower(), None)
        if table is not None:
            self._connection.execute(f'DROP TABLE "{table.key}"')
        elif not if_exists:
            raise SqlError(f"Cannot drop the table '{name}', because it does not exist or you do not have permission.")

    def insert(self, tree: Any, names: Names) -> Result:
        """Insert rows."""
        target = tree.this
        listed = [column.name for column in target.expressions] if isinstance(target, exp.Schema) else None
        table = self.table(names.own(target.this if isinstance(target, exp.Schema) else target, "INSERT"))
        places = _places(table, listed)
        source = tree.expression
        rows = self._values(source, names) if isinstance(source, exp.Values) else self._selected(source, names).rows
        if rows and len(rows[0]) != len(places):
            raise SqlError("Column name or number of supplied values does not match table definition.")
        stored = list(_stored(table, places, rows))
        with self._transaction():
            self._insert(table, stored)
        return Result(_AFFECTED, [(len(stored),)])

    def _values(self, source: exp.Values, names: Names) -> list[Row]:
        if len(source.expressions) > _MOST_VALUES:
            raise SqlError(
                "The number of row value expressions in the INSERT statement exceeds the maximum allowed number of "
                f"{_MOST_VALUES} row values."
            )
        rows: list[Row] = []
        for row in source.expressions:
            constants = [_constant(value) for value in row.expressions]
            plain = all(known for known, _ in constants)
            picked = exp.Select(expressions=[value.copy() for value in row.expressions])
            rows.append([value for _, value in constants] if plain else self._selected(picked, names).rows[0])
        if len(set(map(len, rows))) > 1:
            raise SqlError("All the VALUES rows must have the same number of expressions.")
        return rows

    def update(self, tree: Any, names: Names) -> Result:
        """Update rows."""
        table = self.table(names.own(tree.this, "UPDATE"))
        places = _places(table, [change.this.name for change in tree.expressions])
        changes = [change.expression.copy() for change in tree.expressions]
        picked = exp.Select(expressions=[exp.column("_rowid_"), *changes]).from_(tree.this.copy())
        return self._changed(picked, tree, table, places, names)

    def _changed(self, picked: Any, tree: Any, table: Relation, places: list[int], names: Names) -> Result:
        if tree.args.get("where") is not None:
            picked.set("where", tree.args["where"].copy())
        found = self._selected(picked, names.with_row_numbers(table)).rows
        types = [table.columns[place].type for place in places]
        columns = ", ".join(f'"{quoted(table.columns[place].name.lower())}" = ?' for place in places)
        stored = [(*(_fit(kind, value) for kind, value in zip(types, row[1:], strict=True)), row[0]) for row in found]
        with self._transaction():
            self._connection.executemany(f'UPDATE "{table.key}" SET {columns} WHERE rowid = ?', stored)
        return Result(_AFFECTED, [(len(stored),)])

    def delete(self, tree: Any, names: Names) -> Result:
        """Delete rows."""
        table = self.table(names.own(tree.this, "DELETE"))
        picked = exp.Select(expressions=[exp.column("_rowid_")]).from_(tree.this.copy())
        if tree.args.get("where") is not None:
            picked.set("where", tree.args["where"].copy())
        found = self._selected(picked, names.with_row_numbers(table)).rows
        with self._transaction():
            self._connection.executemany(f'DELETE FROM "{table.key}" WHERE rowid = ?', found)
        return Result(_AFFECTED, [(len(found),)])

    def alter(self, tree: Any, names: Names) -> Result:
        """Drop columns."""
        table = self.table(names.own(tree.this, "ALTER TABLE"))
        for action in tree.args["actions"]:
            if not isinstance(action, exp.Drop) or action.args.get("kind") != "COLUMN":
                raise SqlError("Incorrect syntax near the keyword 'ALTER'.")
            for written in action.args.get("tables") or [action.this]:
                place = _places(table, [written.name])[0]
                self._connection.execute(f'ALTER TABLE "{table.key}" DROP COLUMN "{quoted(written.name.lower())}"')
                table = replace(table, columns=(*table.columns[:place], *table.columns[place + 1 :]))
                self._tables[table.name.lower()] = table
        return Result(_AFFECTED, [(-1,)])

    def procedure(self, tree: Any, names: Names) -> Result:
        """Run a stored procedure; only ``sp_rename`` is supported, which renames a table."""
        if tree.this.name.lower() != "sp_rename" or len(tree.expressions) != 2:
            raise SqlError(f"Could not find stored procedure '{tree.this.name}'.")
        old, new = (argument.name for argument in tree.expressions)
        table = self.table(old.rpartition(".")[2].strip("[]"))
        self._check_new(new, ())
        del self._tables[table.name.lower()]
        self._tables[new.lower()] = replace(table, name=new)
        return Result(_AFFECTED, [(-1,)])


_RUNNERS: Mapping[Any, Callable[[UserDatabase, Any, Any], Result]] = {
    exp.Query: UserDatabase.select,
    exp.Create: UserDatabase.create_statement,
    exp.Drop: UserDatabase.drop,
    exp.Insert: UserDatabase.insert,
    exp.Update: UserDatabase.update,
    exp.Delete: UserDatabase.delete,
    exp.Alter: UserDatabase.alter,
    exp.Execute: UserDatabase.procedure,
}


def _address(table: ContextTable) -> str:
    return f"{table.file().as_uri()}?mode=ro&immutable=1"


def _check_lasting(table: exp.Table) -> None:
    """Refuse a temporary table, which the service loses before the next statement."""
    if isinstance(table.this, exp.Identifier) and table.this.args.get("temporary"):
        raise SqlError("Could not find prepared statement with handle -1.")


def _defined(column: exp.ColumnDef) -> SqlColumn:
    kind = sql_type(column.args["kind"])
    if kind is None:
        raise SqlError(f"Cannot find data type {column.args['kind'].sql(CasJobsSql)}.")
    rules = [each.args["kind"] for each in column.args.get("constraints") or ()]
    nullable = not any(
        isinstance(rule, exp.NotNullColumnConstraint) and not rule.args.get("allow_null") for rule in rules
    )
    return SqlColumn(column.name, kind, nullable)


def _places(table: Relation, names: Sequence[str] | None) -> list[int]:
    """Return the indices of columns in a table; without names, those of all columns."""
    if names is None:
        return list(range(len(table.columns)))
    known = {column.name.lower(): place for place, column in enumerate(table.columns)}
    for name in names:
        if name.lower() not in known:
            raise SqlError(f"Invalid column name '{name}'.")
    return [known[name.lower()] for name in names]


def _stored(table: Relation, places: Sequence[int], rows: Sequence[Row]) -> Iterator[Row]:
    """Return rows converted to the types of the table, column by column; columns that are not given are null."""
    given = dict(zip(places, zip(*rows, strict=True), strict=True)) if rows else {}
    nothing = (None,) * len(rows)
    fitted = [_fitted(table, column, given.get(place, nothing)) for place, column in enumerate(table.columns)]
    return zip(*fitted, strict=True)


def _fitted(table: Relation, column: SqlColumn, cells: Sequence[Cell]) -> Sequence[Cell]:
    if None not in cells:
        return cells if column.type is None else column.type.convert_all(cells)
    if not column.nullable:
        raise SqlError(
            f"Cannot insert the value NULL into column '{column.name}', table '{table.name}'; "
            "column does not allow nulls. INSERT fails."
        )
    return [_fit(column.type, value) for value in cells]


def _fit(kind: SqlType | None, value: Cell) -> Cell:
    return value if kind is None else kind.convert(value)


def _constant(node: Any) -> tuple[bool, Cell]:
    """Return whether an expression is a constant, and its value."""
    if isinstance(node, exp.Null):
        return True, None
    if isinstance(node, exp.National) or (isinstance(node, exp.Literal) and node.is_string):
        return True, node.name
    if isinstance(node, exp.Neg):
        known, value = _constant(node.this)
        return known and isinstance(value, (int, float)), -value if isinstance(value, (int, float)) else None
    if isinstance(node, exp.Literal):
        return True, int(node.name) if node.name.isdecimal() else float(node.name)
    return False, None
