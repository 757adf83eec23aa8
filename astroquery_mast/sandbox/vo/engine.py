"""Holdings in SQLite, filled when they are first asked for, and the answers to queries."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from ..archive.archive import Database
from . import functions
from .adql import QueryError, translate
from .tables import Holding, Table
from .votable import Field

Row = Sequence[object]
_SQL_TYPES = {"char": "TEXT COLLATE NOCASE", "float": "REAL", "double": "REAL"}
#: What a query may do: select, read, call functions, recur.
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
#: Steps of SQLite between two looks at the clock.
_STEPS = 20_000
#: How many rows tell the type of a column that follows from no table.
_PEEKED = 1000


class TimedOut(QueryError):
    """A query that took longer than it may."""


@dataclass(frozen=True)
class Answer:
    """The columns of a result, and its rows, which are read from the database as they are taken."""

    fields: tuple[Field, ...]
    rows: Iterator[Row]


class Engine:
    """Answer queries of a holding."""

    def __init__(self, holding: Holding) -> None:
        self.holding = holding
        self._database = Database(self._fill, self._prepare)

    def answer(
        self,
        adql: str,
        most: int | None = None,
        seconds: float = 60.0,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Answer:
        """Return the result of a query, of at most so many rows and after at most so many seconds.

        Raises
        ------
        QueryError
            If the query is none that the service can answer.
        """
        translation = translate(adql, self.holding, most)
        rows = self._rows(translation.sql, seconds, stopped)
        first = list(islice(rows, _PEEKED))
        fields = (_typed(field, place, first) for place, field in enumerate(translation.fields))
        return Answer(tuple(fields), chain(first, rows))

    def _rows(self, sql: str, seconds: float, stopped: Callable[[], bool]) -> Iterator[Row]:
        until = time.monotonic() + seconds
        with self._database.connection() as connection:
            connection.set_progress_handler(lambda: stopped() or time.monotonic() > until, _STEPS)
            try:
                yield from connection.execute(sql)
            except sqlite3.Error as error:
                raise _told(error, seconds) from error
            finally:
                connection.set_progress_handler(None, 0)

    def _fill(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        for table in self.holding.by_key.values():
            if table.rows is not None:
                _store(connection, table)
        connection.execute("COMMIT")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make a connection that has just been opened one for queries alone."""
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


def _store(connection: sqlite3.Connection, table: Table) -> None:
    declared = ", ".join(f'"{column.name}" {_SQL_TYPES.get(column.datatype, "INTEGER")}' for column in table.columns)
    connection.execute(f'CREATE TABLE "{table.key}" ({declared})')
    marks = ", ".join("?" * len(table.columns))
    assert table.rows is not None
    connection.executemany(f'INSERT INTO "{table.key}" VALUES ({marks})', map(tuple, table.rows()))
    for column in table.columns:
        if column.indexed:
            connection.execute(f'CREATE INDEX "{table.key}.{column.name}" ON "{table.key}" ("{column.name}")')


def _typed(field: Field, place: int, rows: Sequence[Row]) -> Field:
    """Return a column with a type, that of its values if nothing else tells it."""
    if field.datatype:
        return field
    kinds = {type(row[place]) for row in rows} - {type(None)}
    return replace(
        field, datatype="long" if kinds == {int} else "double" if kinds and kinds <= {int, float} else "char"
    )


def _told(error: sqlite3.Error, seconds: float) -> QueryError:
    if "interrupted" in str(error):
        return TimedOut(f"The query took longer than {seconds:g} s and was stopped.")
    return QueryError(f"The query cannot be answered: {error}.")
