"""Holdings in SQLite, filled on first use, and the execution of queries."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice

from ..archive.archive import Database
from ..caching import Cache
from . import functions
from .adql import QueryError, Translation, translate
from .tables import Holding, Table
from .votable import Field

Row = Sequence[object]
_SQL_TYPES = {"char": "TEXT COLLATE NOCASE", "float": "REAL", "double": "REAL"}
#: Allowed actions of a query: select, read, call functions, recursion.
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
#: Steps of SQLite between two checks of the clock.
_STEPS = 20_000
#: Number of rows that determine the type of a column that does not come from a table.
_PEEKED = 1000


class QueryTimeout(QueryError):
    """A query that exceeds its time limit."""


@dataclass(frozen=True)
class Answer:
    """The columns of a result, its rows, which are read from the database lazily, and whether there are many rows."""

    fields: tuple[Field, ...]
    rows: Iterator[Row]
    is_large: bool


class Engine:
    """Answer queries of a holding."""

    def __init__(self, holding: Holding) -> None:
        self.holding = holding
        self._database = Database(self._fill, self._prepare)
        self.connection = self._database.connection
        self._apart: Cache[Database] = Cache()

    def answer(
        self,
        adql: str,
        most: int | None = None,
        seconds: float = 60.0,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Answer:
        """Return the result of a query with at most ``most`` rows, within at most ``seconds``.

        Raises
        ------
        QueryError
            If the query is refused.
        """
        translation = translate(adql, self.holding, most)
        rows = self._rows(translation, seconds, stopped)
        first = list(islice(rows, _PEEKED))
        fields = (_typed(field, place, first) for place, field in enumerate(translation.fields))
        return Answer(tuple(fields), chain(first, rows), len(first) == _PEEKED)

    def _rows(self, translation: Translation, seconds: float, stopped: Callable[[], bool]) -> Iterator[Row]:
        with self.connection() as connection:
            self._attach(connection, translation.tables)
            until = time.monotonic() + seconds
            connection.set_progress_handler(lambda: stopped() or time.monotonic() > until, _STEPS)
            try:
                yield from connection.execute(translation.sql)
            except sqlite3.Error as error:
                raise _query_error(error, seconds) from error
            finally:
                connection.set_progress_handler(None, 0)

    def _attach(self, connection: sqlite3.Connection, names: Iterable[str]) -> None:
        """Attach the separately stored tables to a connection; they are filled on first use."""
        connection.set_authorizer(None)
        attached = {name for _, name, _ in connection.execute("PRAGMA database_list")}
        for name in sorted({name for name in names if self.holding.by_key[name].apart} - attached):
            table = self.holding.by_key[name]
            database = self._apart.get(name, lambda table=table: Database(partial(_store, table)))
            connection.execute(f'ATTACH ? AS "{name}"', (f"{database.path.as_uri()}?mode=ro&immutable=1",))
        connection.set_authorizer(_authorized)

    def _fill(self, connection: sqlite3.Connection) -> None:
        for table in self.holding.by_key.values():
            if not table.apart:
                _store(table, connection)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Prepare a new connection for read-only queries."""
        if self.holding.attached is not None:
            connection.execute("ATTACH ? AS archive", (f"{self.holding.attached.as_uri()}?mode=ro&immutable=1",))
        for table in self.holding.tables:
            if table.view:
                connection.execute(f'CREATE TEMP VIEW "{table.key}" AS {table.view}')
        functions.install(connection)
        connection.execute("PRAGMA query_only = ON")
        connection.set_authorizer(_authorized)


def _authorized(action: int, *_names: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _store(table: Table, connection: sqlite3.Connection) -> None:
    if table.rows is None:
        return
    declared = ", ".join(f'"{column.name}" {_SQL_TYPES.get(column.datatype, "INTEGER")}' for column in table.columns)
    marks = ", ".join("?" * len(table.columns))
    connection.execute("BEGIN")
    connection.execute(f'CREATE TABLE "{table.key}" ({declared})')
    connection.executemany(f'INSERT INTO "{table.key}" VALUES ({marks})', map(tuple, table.rows()))
    for column in table.columns:
        if column.indexed:
            connection.execute(f'CREATE INDEX "{table.key}.{column.name}" ON "{table.key}" ("{column.name}")')
    connection.execute("COMMIT")


def _typed(field: Field, place: int, rows: Sequence[Row]) -> Field:
    """Return a column with a type, which is determined by its values if it is unknown."""
    if field.datatype:
        return field
    kinds = {type(row[place]) for row in rows} - {type(None)}
    return replace(
        field, datatype="long" if kinds == {int} else "double" if kinds and kinds <= {int, float} else "char"
    )


def _query_error(error: sqlite3.Error, seconds: float) -> QueryError:
    if "interrupted" in str(error):
        return QueryTimeout(f"The query took longer than {seconds:g} s and was stopped.")
    return QueryError(f"The query cannot be answered: {error}.")
