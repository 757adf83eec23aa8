"""Conditions in SQL, and rows in memory that are found by them; values reach SQLite as parameters only."""

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
    """A condition in SQL and the parameters for its question marks."""

    sql: str
    parameters: tuple[object, ...] = ()

    @classmethod
    def any_of(cls, clauses: Sequence[Clause]) -> Clause:
        """Return a clause that holds where one of ``clauses`` does."""
        return cls._joined(" OR ", clauses)

    @classmethod
    def all_of(cls, clauses: Sequence[Clause]) -> Clause:
        """Return a clause that holds where all of ``clauses`` do; with none of them, everywhere."""
        return cls._joined(" AND ", clauses) if clauses else cls("1")

    @classmethod
    def among(cls, left: str, values: Iterable[object]) -> Clause:
        """Return a clause that holds where ``left`` is one of ``values``, of which there may be any number."""
        return cls(f"{left} IN (SELECT value FROM json_each(?))", (json.dumps(list(values)),))

    @classmethod
    def compared(cls, left: str, sign: str, value: object) -> Clause:
        """Return a comparison with a value; null passes none."""
        return cls(f"{left} {sign} ?", (value,))

    @classmethod
    def _joined(cls, word: str, clauses: Sequence[Clause]) -> Clause:
        sql = word.join(clause.sql for clause in clauses)
        return cls(f"({sql})", tuple(value for clause in clauses for value in clause.parameters))

    def negated(self) -> Clause:
        """Return a clause that holds where this one does not."""
        return Clause(f"NOT ({self.sql})", self.parameters)


def folded(value: T) -> T | str:
    """Return text as mission searches compare it: without regard to case and to blanks at its end."""
    return value.rstrip().casefold() if isinstance(value, str) else value


def without_zeros(text: str | None) -> str | None:
    """Return a date without zeros at the end of its fraction, so that the order of texts is that of times."""
    return text.rstrip("0").rstrip(".") if text and "." in text else text


class RowSearch:
    """Rows by their places, from 0; they are put into a database when the first condition comes."""

    def __init__(self, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        self._names = names
        self._rows = rows
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None

    def matching(self, clause: Clause) -> list[int]:
        """Return the keys of the rows that meet a condition, in rising order."""
        sql = f"SELECT json_group_array(rowid) FROM rows WHERE {clause.sql}"
        with self._lock:  # one connection: conditions are answered in a millisecond or two
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
        # No types: a number stays what it is, text is compared as text.
        connection.execute(f"CREATE TABLE rows ({quoted})")
        marks = ", ".join("?" * (len(self._names) + 1))
        connection.execute("BEGIN")
        rows = ((key, *row) for key, row in enumerate(self._rows))
        connection.executemany(f"INSERT INTO rows (rowid, {quoted}) VALUES ({marks})", rows)
        connection.execute("COMMIT")
        return connection
