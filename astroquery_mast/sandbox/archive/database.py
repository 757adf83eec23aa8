"""The archive's tables in SQLite.

In: observations. Out: a database file with the tables ``observation``, ``product`` and ``membership``, read
by any number of threads.
"""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from .columns import OBSERVATION_COLUMNS, PRODUCT_COLUMNS
from .observation import OBSERVATION_NAMES, Observation, as_row
from .products import product_rows

_SQL_TYPES = {"string": "TEXT", "float": "REAL", "int": "INTEGER", "boolean": "INTEGER"}
_STORED_PRODUCT_NAMES = tuple(name for name, _ in PRODUCT_COLUMNS if name != "parent_obsid")
_INDEXES = {
    "observation_obsid": "observation (obsid)",
    "observation_target": "observation (target_name)",
    "product_obsid": "product (obsID)",
    "product_uri": "product (dataURI)",
    "membership_obsid": "membership (obsid)",
}


class Database:
    """A read-only database of observations and their products."""

    def __init__(self, observations: Iterable[Observation]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="mast-sandbox-", ignore_cleanup_errors=True)
        self._path = Path(self._folder.name) / "archive.sqlite"
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        self._finalizer = weakref.finalize(self, _dispose, self._idle, self._folder)
        with self._filling() as connection:
            _fill(connection, observations)

    @contextmanager
    def _filling(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            # Nobody else sees the file yet, and it is thrown away at the end: no journal is needed.
            for setting in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE"):
                connection.execute(f"PRAGMA {setting}")
            yield connection
        finally:
            connection.close()

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, object]]:
        """Answer a read-only statement."""
        with self._connection() as connection:
            cursor = connection.execute(sql, tuple(parameters))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection: no two threads use one at the same time, and a server's short-lived threads
        leave none behind.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("The archive has been closed.")
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            address = f"{self._path.as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
        try:
            yield connection
        finally:
            with self._lock:
                keep = not self._closed
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    def close(self) -> None:
        """Close all connections and delete the file."""
        with self._lock:
            self._closed = True
        self._finalizer()


def _dispose(idle: list[sqlite3.Connection], folder: tempfile.TemporaryDirectory[str]) -> None:
    while idle:
        idle.pop().close()
    folder.cleanup()


def _fill(connection: sqlite3.Connection, observations: Iterable[Observation]) -> None:
    columns = ", ".join(
        f'"{name}" {"INTEGER" if name == "obsid" else _SQL_TYPES[kind]}' for name, kind in OBSERVATION_COLUMNS
    )
    product_columns = ", ".join(
        f'"{name}" {"INTEGER" if name == "obsID" else _SQL_TYPES[kind]}'
        for name, kind in PRODUCT_COLUMNS
        if name != "parent_obsid"
    )
    connection.execute("BEGIN")
    connection.execute(f'CREATE TABLE observation ({columns}, "objID" INTEGER PRIMARY KEY)')
    connection.execute(f"CREATE TABLE product ({product_columns})")
    connection.execute("CREATE TABLE membership (obsid INTEGER, member_obsID INTEGER)")
    everything = list(chain.from_iterable((whole, *whole.members) for whole in observations))
    _insert(connection, "observation", len(OBSERVATION_NAMES), map(as_row, everything))
    _insert(connection, "product", len(_STORED_PRODUCT_NAMES), chain.from_iterable(map(product_rows, everything)))
    pairs = ((whole.obsid, member.obsid) for whole in everything for member in whole.members)
    _insert(connection, "membership", 2, pairs)
    for name, place in _INDEXES.items():
        connection.execute(f"CREATE INDEX {name} ON {place}")
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, table: str, width: int, rows: Iterable[Sequence[object]]) -> None:
    connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)
