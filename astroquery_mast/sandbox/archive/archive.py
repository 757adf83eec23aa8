"""The holdings of the sandbox: a database of observations and products, and the content of files."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from ..caching import Cache
from ..packaged import OBSERVATION_COLUMNS, PRODUCT_COLUMNS, Columns
from .fields import resolve
from .geometry import FootprintIndex
from .hlsp import further_hlsp_observations, hlsp_observations
from .hst import hst_observations
from .jwst import jwst_observations
from .observation import OBSERVATION_NAMES, Observation, as_row, from_row
from .products import File, Revision, kind_of, product_rows
from .surveys import bulk_observations, galex_observations, older_observations, tess_observations

_SQL_TYPES = {"string": "TEXT", "float": "REAL", "int": "INTEGER", "boolean": "INTEGER"}
_STORED_PRODUCT: Columns = tuple(column for column in PRODUCT_COLUMNS if column[0] != "parent_obsid")
_NUMBERS = frozenset({"obsid", "obsID"})
_INDEXES = {
    "observation_obsid": "observation (obsid)",
    "observation_obs_id": "observation (obs_id COLLATE NOCASE)",
    "observation_target": "observation (target_name)",
    "product_obsid": "product (obsID)",
    "product_uri": "product (dataURI)",
    "membership_obsid": "membership (obsid)",
}


class Database:
    """A read-only database: ``fill`` writes it once, and ``prepare`` is called for every new connection."""

    def __init__(
        self,
        fill: Callable[[sqlite3.Connection], None],
        prepare: Callable[[sqlite3.Connection], None] | None = None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="mast-sandbox-", ignore_cleanup_errors=True)
        self.path = Path(self._folder.name) / "archive.sqlite"
        self._prepare = prepare
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        self._finalizer = weakref.finalize(self, _dispose, self._idle, self._folder)
        with self._filling() as connection:
            fill(connection)

    @contextmanager
    def _filling(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            # No other connection uses the file yet, and it is temporary, so no journal is needed.
            for setting in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE"):
                connection.execute(f"PRAGMA {setting}")
            yield connection
        finally:
            connection.close()

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Return the rows of a read-only statement."""
        with self.connection() as connection:
            cursor = connection.execute(sql, tuple(parameters))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection: each is used by one thread at a time, and reused when a short-lived thread ends."""
        with self._lock:
            if self._closed:
                raise RuntimeError("The archive has been closed.")
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            address = f"{self.path.as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
            if self._prepare is not None:
                self._prepare(connection)
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


def _fill(observations: Iterable[Observation], connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute(f'CREATE TABLE observation ({_declared(OBSERVATION_COLUMNS)}, "objID" INTEGER PRIMARY KEY)')
    connection.execute(f"CREATE TABLE product ({_declared(_STORED_PRODUCT)})")
    connection.execute("CREATE TABLE membership (obsid INTEGER, member_obsID INTEGER)")
    connection.execute(
        "CREATE TABLE revision "
        "(dataURI TEXT PRIMARY KEY, number INTEGER, version TEXT, context TEXT, day REAL, blocks INTEGER)"
    )
    everything = list(chain.from_iterable((whole, *whole.members) for whole in observations))
    _insert(connection, "observation", len(OBSERVATION_NAMES), map(as_row, everything))
    _insert(connection, "product", len(_STORED_PRODUCT), chain.from_iterable(map(product_rows, everything)))
    pairs = ((whole.obsid, each.obsid) for whole in everything for each in (*whole.members, *whole.references))
    _insert(connection, "membership", 2, pairs)
    for name, place in _INDEXES.items():
        connection.execute(f"CREATE INDEX {name} ON {place}")
    connection.execute("COMMIT")


def _declared(columns: Columns) -> str:
    """Return the SQL columns; observation ids are declared as text to clients, but stored as numbers."""
    return ", ".join(f'"{name}" {"INTEGER" if name in _NUMBERS else _SQL_TYPES[kind]}' for name, kind in columns)


def _insert(connection: sqlite3.Connection, table: str, width: int, rows: Iterable[Sequence[object]]) -> None:
    connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)


# First observation id of each collection, similar in size to the ids of the missions.
_FIRST_OBSID = {"HST": 24_000_000, "JWST": 83_000_000, "TESS": 60_800_000, "GALEX": 1_000_016_000, "HLSP": 31_000_000}
_FIRST_OTHER, _FIRST_BULK = 2_003_000_000, 500_000_000
_PLANE_OFFSET = 90_000_000


#: Checksums of files that any archive of this process has rendered.
_CHECKSUMS: Cache[str] = Cache()


class Archive(Database):
    """The holdings of the sandbox: tables ``observation``, ``product`` and ``membership``, cones, files, target names.

    The content is the same in every process. ``extra_observations`` adds simple rows (``target_name`` ``BULK-<n>``).
    """

    def __init__(self, *, extra_observations: int = 0) -> None:
        super().__init__(partial(_fill, chain(_numbered(_holdings()), _bulk(extra_observations))))
        #: Cache for objects derived from the archive.
        self.kept: Cache[Any] = Cache()

    def within(self, ra: float, dec: float, radius: float) -> dict[int, float]:
        """Map ``objID`` of the observations whose footprint intersects a cone (degrees) to their distance in arcsec."""
        index: FootprintIndex = self.kept.get("footprints", self._footprints)
        return index.within(ra, dec, radius)

    def _footprints(self) -> FootprintIndex:
        rows = self.query("SELECT objID, s_ra, s_dec, s_region FROM observation WHERE s_region IS NOT NULL")
        return FootprintIndex(tuple(row.values()) for row in rows)

    def product(self, uri: str) -> dict[str, Any] | None:
        """Return the product row of a URI (its first observation), without ``parent_obsid``; None if unknown."""
        rows = self.query("SELECT * FROM product WHERE dataURI = ? ORDER BY obsID LIMIT 1", (uri,))
        return rows[0] if rows else None

    def render(self, uri: str) -> bytes:
        """Return the content of a file, reproducible and of the listed ``size``; `KeyError` for an unknown URI."""
        row = self.product(uri)
        if row is None:
            raise KeyError(uri)
        # Rendering requires astropy.io.fits, which takes longer to import than the archive takes to build.
        from .rendering import render_file  # noqa: PLC0415

        owner = self._observation(row["obsID"])
        member_ids = "SELECT member_obsID FROM membership WHERE obsid = ?"
        sql = f"SELECT obs_id FROM observation WHERE obsid IN ({member_ids}) ORDER BY obsid"
        members = tuple(member["obs_id"] for member in self.query(sql, (owner.obsid,)))
        return render_file(File(uri, owner, kind_of(owner, uri), members, self.revision(uri)))

    def checksum(self, uri: str) -> str:
        """Return the MD5 checksum of a file, rendering each version once per process; `KeyError` for an unknown URI."""
        row = self.product(uri)
        if row is None:
            raise KeyError(uri)
        content = as_row(self._observation(row["obsID"])), astuple(self.revision(uri))
        return _CHECKSUMS.get((uri, *content), self._checksum, uri)

    def _checksum(self, uri: str) -> str:
        return hashlib.md5(self.render(uri)).hexdigest()

    def revision(self, uri: str) -> Revision:
        """Return the revision of a file, i.e. the result of reprocessing."""
        rows = self.query("SELECT number, version, context, day, blocks FROM revision WHERE dataURI = ?", (uri,))
        return Revision(**rows[0]) if rows else Revision()

    def _observation(self, obsid: int) -> Observation:
        return from_row(self.query("SELECT * FROM observation WHERE obsid = ?", (obsid,))[0])

    def resolve(self, name: str) -> list[dict[str, object]]:
        """Resolve a target name; see `fields.resolve`."""
        return resolve(name)


class ChangedArchive(Archive):
    """A changed copy of an archive; the original archive is not modified.

    ``happen`` receives a connection to the copy (see `changes`); its return value is stored in ``changed``.
    """

    changed: list[str]

    def __init__(self, source: Archive, happen: Callable[[sqlite3.Connection], list[str]]) -> None:
        Database.__init__(self, partial(self._copy, source, happen))
        self.kept = Cache()

    def _copy(
        self, source: Archive, happen: Callable[[sqlite3.Connection], list[str]], connection: sqlite3.Connection
    ) -> None:
        with source.connection() as original:
            original.backup(connection)
        connection.execute("BEGIN")
        self.changed = happen(connection)
        connection.execute("COMMIT")


def _holdings() -> Iterator[Observation]:
    return chain(
        hst_observations(),
        jwst_observations(),
        tess_observations(),
        galex_observations(),
        hlsp_observations(),
        older_observations(),
        further_hlsp_observations(),
    )


def _numbered(observations: Iterable[Observation]) -> Iterator[Observation]:
    """Assign ascending, non-consecutive ids to the observations."""
    following = dict(_FIRST_OBSID)
    for whole in observations:
        for observation in (whole, *whole.members):
            collection = observation.obs_collection if observation.obs_collection in _FIRST_OBSID else "other"
            number = following.setdefault(collection, _FIRST_OTHER)
            following[collection] = number + 7
            observation.obsid = number
            observation.objID = observation.objID or number + _PLANE_OFFSET
        yield whole


def _bulk(count: int) -> Iterator[Observation]:
    for number, observation in enumerate(bulk_observations(count), _FIRST_BULK):
        observation.obsid = number
        observation.objID = number + _PLANE_OFFSET
        yield observation
