"""Conditions in SQL, and a search on rows in memory; values are only passed to SQLite as parameters."""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Clause:
    """A condition in SQL, and the parameters for its question marks."""

    sql: str
    parameters: tuple[object, ...] = ()

    @classmethod
    def any_of(cls, clauses: Sequence[Clause]) -> Clause:
        """Return a clause that is true where any of ``clauses`` is true."""
        return cls._joined(" OR ", clauses)

    @classmethod
    def all_of(cls, clauses: Sequence[Clause]) -> Clause:
        """Return a clause that is true where all of ``clauses`` are true; without clauses it is always true."""
        return cls._joined(" AND ", clauses) if clauses else cls("1")

    @classmethod
    def among(cls, left: str, values: Iterable[object]) -> Clause:
        """Return a clause that is true where ``left`` is one of any number of ``values``."""
        return cls(f"{left} IN (SELECT value FROM json_each(?))", (json.dumps(list(values)),))

    @classmethod
    def compared(cls, left: str, sign: str, value: object) -> Clause:
        """Return a comparison with a value; it is never true for null."""
        return cls(f"{left} {sign} ?", (value,))

    @classmethod
    def _joined(cls, word: str, clauses: Sequence[Clause]) -> Clause:
        sql = word.join(clause.sql for clause in clauses)
        return cls(f"({sql})", tuple(value for clause in clauses for value in clause.parameters))

    def negated(self) -> Clause:
        """Return a clause that is true where this one is false."""
        return Clause(f"NOT ({self.sql})", self.parameters)


def folded(value: T) -> T | str:
    """Return text as compared in mission searches: without case and trailing blanks."""
    return value.rstrip().casefold() if isinstance(value, str) else value


def without_zeros(text: str | None) -> str | None:
    """Return a date without trailing zeros in its fraction, so that text sorts by time."""
    return text.rstrip("0").rstrip(".") if text and "." in text else text


class RowSearch:
    """A search on rows; the database is filled on the first search."""

    def __init__(self, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        self._names = names
        self._rows = rows
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None

    def matching(self, clause: Clause) -> list[int]:
        """Return the indices of the rows that match a condition, in ascending order."""
        sql = f"SELECT json_group_array(rowid) FROM rows WHERE {clause.sql}"
        with self._lock:  # a single connection, because searches take only a millisecond or two
            if self._database is None:
                self._database = self._filled()
            keys: list[int] = json.loads(self._database.execute(sql, clause.parameters).fetchone()[0])
        return sorted(keys)

    def _filled(self) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        weakref.finalize(self, connection.close)
        connection.create_function("folded", 1, folded, deterministic=True)
        connection.create_function("without_zeros", 1, without_zeros, deterministic=True)
        quoted = ", ".join(f'"{name}"' for name in self._names)
        # Columns have no type: numbers stay unchanged, and text is compared as text.
        connection.execute(f"CREATE TABLE rows ({quoted})")
        marks = ", ".join("?" * (len(self._names) + 1))
        connection.execute("BEGIN")
        rows = ((key, *row) for key, row in enumerate(self._rows))
        connection.executemany(f"INSERT INTO rows (rowid, {quoted}) VALUES ({marks})", rows)
        connection.execute("COMMIT")
        return connection
