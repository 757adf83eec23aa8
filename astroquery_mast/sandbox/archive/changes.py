"""Changes of an archive over time: files are reprocessed, data become public, observations are added or removed.

In: a connection to a copy of an archive (see `ChangedArchive`), a change, and the names it applies to. Out: the
changed copy, and the affected names. A name is an ``obs_id`` or, if no such observation exists, the name of a file; it
may have shell-style wildcards.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from fnmatch import fnmatchcase
from typing import Any

from .observation import OBSERVATION_NAMES, as_row, from_row
from .products import BLOCK, Revision, product_rows

_STEP = 7
_FITS = (".fits", ".fits.gz")


@dataclass(frozen=True)
class _Matched:
    """Matches of a pattern: observations with their files, or files if no observation matches."""

    names: list[str]
    obsids: list[int]
    uris: list[str]


def _rows(connection: sqlite3.Connection, sql: str, *parameters: object) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _matched(connection: sqlite3.Connection, pattern: str) -> _Matched:
    connection.create_function("matches", 2, _matches, deterministic=True)
    sql = "SELECT obsid, obs_id FROM observation WHERE matches(obs_id, ?) ORDER BY obsid"
    observations = _rows(connection, sql, pattern.casefold())
    if observations:
        obsids = [row["obsid"] for row in observations]
        return _Matched([row["obs_id"] for row in observations], obsids, _files_of(connection, obsids))
    sql = "SELECT DISTINCT dataURI, productFilename AS name FROM product WHERE matches(name, ?) ORDER BY dataURI"
    files = _rows(connection, sql, pattern.casefold())
    if not files:
        raise ValueError(f"No observation or file matches {pattern!r}.")
    return _Matched([row["name"] for row in files], [], [row["dataURI"] for row in files])


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name.casefold(), pattern)


def _files_of(connection: sqlite3.Connection, obsids: list[int]) -> list[str]:
    """Return the URIs of the files of observations that are not shared with other observations."""
    asked = "SELECT value FROM json_each(?)"
    sql = (
        f"SELECT DISTINCT dataURI FROM product WHERE obsID IN ({asked}) AND NOT EXISTS (SELECT 1 FROM product AS other "
        f"WHERE other.dataURI = product.dataURI AND other.obsID NOT IN ({asked})) ORDER BY rowid"
    )
    listed = json.dumps(obsids)
    return [row["dataURI"] for row in _rows(connection, sql, listed, listed)]


def reprocess(connection: sqlite3.Connection, pattern: str, made: Revision, calib_level: int | None) -> list[str]:
    """Create new versions of FITS files, and change the calibration level of the observations if one is given."""
    matched = _matched(connection, pattern)
    uris = [uri for uri in matched.uris if uri.lower().endswith(_FITS)]
    if calib_level is not None:
        for obsid in matched.obsids:
            _raise_level(connection, obsid, calib_level)
    elif not uris:
        raise ValueError(f"No FITS file matches {pattern!r}.")
    for uri in uris:
        _revise(connection, uri, made)
    return matched.names


def _raise_level(connection: sqlite3.Connection, obsid: int, level: int) -> None:
    """Set the calibration level of an observation, and replace its files by those of that level."""
    (row,) = _rows(connection, "SELECT * FROM observation WHERE obsid = ?", obsid)
    known = {"dataRights": row["dataRights"] or "PUBLIC", "t_obs_release": row["t_obs_release"] or row["t_max"]}
    observation = from_row({**row, **known, "calib_level": level})
    _update(connection, "observation", obsid, {**known, "calib_level": level})
    connection.execute("DELETE FROM product WHERE obsID = ?", (obsid,))
    _insert(connection, "product", product_rows(observation))


def _revise(connection: sqlite3.Connection, uri: str, made: Revision) -> None:
    connection.execute(
        "INSERT INTO revision VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (dataURI) DO UPDATE SET number = number + 1, "
        "version = COALESCE(excluded.version, version), context = COALESCE(excluded.context, context), "
        "day = excluded.day, blocks = blocks + excluded.blocks",
        (uri, *astuple(made)),
    )
    connection.execute(
        "UPDATE product SET size = size + ?, prvversion = COALESCE(?, prvversion) WHERE dataURI = ?",
        (BLOCK * made.blocks, made.version, uri),
    )


def release(connection: sqlite3.Connection, pattern: str, day: float) -> list[str]:
    """Make observations and their files, or single files, public."""
    matched = _matched(connection, pattern)
    for obsid in matched.obsids:
        _update(connection, "observation", obsid, {"dataRights": "PUBLIC", "t_obs_release": day})
        _update(connection, "product", obsid, {"dataRights": "PUBLIC"})
    for uri in matched.uris:
        connection.execute("UPDATE product SET dataRights = 'PUBLIC' WHERE dataURI = ?", (uri,))
    return matched.names


def remove(connection: sqlite3.Connection, pattern: str) -> list[str]:
    """Remove observations and their files, or single files."""
    matched = _matched(connection, pattern)
    for obsid in matched.obsids:
        connection.execute("DELETE FROM observation WHERE obsid = ?", (obsid,))
        connection.execute("DELETE FROM product WHERE obsID = ?", (obsid,))
        connection.execute("DELETE FROM membership WHERE obsid = ? OR member_obsID = ?", (obsid, obsid))
    for uri in matched.uris:
        connection.execute("DELETE FROM product WHERE dataURI = ?", (uri,))
        connection.execute("DELETE FROM revision WHERE dataURI = ?", (uri,))
    return matched.names


def add(connection: sqlite3.Connection, like: str, obs_id: str, columns: Mapping[str, object]) -> list[str]:
    """Add an observation that copies another one except for its name and the given columns, with its own files."""
    if unknown := set(columns) - (set(OBSERVATION_NAMES) - {"obs_id", "obsid", "objID"}):
        raise ValueError(f"{min(unknown)!r} is not a column of an observation that can be set.")
    if _rows(connection, "SELECT 1 FROM observation WHERE obs_id = ? COLLATE NOCASE", obs_id):
        raise ValueError(f"The observation {obs_id!r} already exists.")
    rows = _rows(connection, "SELECT * FROM observation WHERE obs_id = ? COLLATE NOCASE ORDER BY obsid", like)
    if not rows:
        raise ValueError(f"Observation {like!r} not found.")
    observation = from_row({**_renamed(rows[0], obs_id), **columns, **_numbers(connection, rows[0])})
    _insert(connection, "observation", [as_row(observation)])
    _insert(connection, "product", product_rows(observation))
    return [observation.obs_id]


def _renamed(row: Mapping[str, Any], obs_id: str) -> dict[str, Any]:
    """Return a row with another name, also in the URIs of its files."""
    before = row["obs_id"]
    moved = {
        name: row[name] and row[name].replace(before, obs_id).replace(before.lower(), obs_id.lower())
        for name in ("jpegURL", "dataURL")
    }
    return {**row, **moved, "obs_id": obs_id}


def _numbers(connection: sqlite3.Connection, row: Mapping[str, Any]) -> dict[str, int]:
    """Return the next free ids of a collection."""
    sql = "SELECT MAX(obsid) AS obsid FROM observation WHERE obs_collection = ?"
    obsid = _rows(connection, sql, row["obs_collection"])[0]["obsid"] + _STEP
    return {"obsid": obsid, "objID": obsid + (row["objID"] - row["obsid"])}


def _update(connection: sqlite3.Connection, table: str, obsid: int, columns: Mapping[str, object]) -> None:
    listed = ", ".join(f'"{name}" = ?' for name in columns)
    connection.execute(f"UPDATE {table} SET {listed} WHERE obsid = ?", (*columns.values(), obsid))


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    for row in rows:
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
