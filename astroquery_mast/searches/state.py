"""The files of saved searches: small and readable, and replaced atomically.

In: text to write to a file; a snapshot.  Out: the snapshot, read back and verified.  Damaged files raise errors that
say how to recover.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import filelock
import msgspec

from ..downloads.part_file import sync_folder
from ..exceptions import QueryTimeoutError, SavedSearchError
from ..service.retrying import Deadline
from .comparison import Cell, Snapshot, iso_of

_VERSION = 1
_LOOK_AGAIN = 0.05


class _StoredState(msgspec.Struct, forbid_unknown_fields=True, rename={"version": "state of a saved search"}):
    """The contents of a state file."""

    version: Annotated[int, msgspec.Meta(ge=_VERSION, le=_VERSION)]
    search: str
    time: str
    mjd: float
    key: list[str]
    columns: list[str]
    digest: str
    rows: list[list[Cell]]


class StateFile:
    """The results of a search when its changes were last requested.

    Parameters
    ----------
    path : Path
        The path of the file.
    search : str
        The identifier of the search; the state of another search raises an error.
    """

    def __init__(self, path: Path, search: str) -> None:
        self.path, self._search = path, search

    def read(self) -> Snapshot | None:
        """Return the stored snapshot; None if the file does not exist yet."""
        try:
            stored = msgspec.json.decode(self.path.read_bytes(), type=_StoredState)
        except FileNotFoundError:
            return None
        except OSError as err:
            raise SavedSearchError(f"Cannot read the state of the search from {self.path}: {err}") from err
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as err:
            raise self._damaged(str(err)) from err
        snapshot = Snapshot(stored.mjd, tuple(stored.key), tuple(stored.columns), stored.rows)
        self._check(stored, snapshot)
        return snapshot

    def write(self, snapshot: Snapshot) -> None:
        """Replace the stored snapshot."""
        head = {
            "state of a saved search": _VERSION,
            "search": self._search,
            "time": iso_of(snapshot.time),
            "mjd": snapshot.time,
            "key": snapshot.key,
            "columns": snapshot.columns,
            "digest": _digest(snapshot),
        }
        rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in snapshot.rows)
        replace_file(self.path, json.dumps(head, ensure_ascii=False, indent=1)[:-2] + f',\n "rows": [\n{rows}\n]}}\n')

    @contextmanager
    def locked(self, deadline: Deadline) -> Iterator[None]:
        """Keep other processes from using the file within the context."""
        path = self.path.with_name(f".{self.path.name}.lock")
        try:
            lock = filelock.FileLock(path)
            lock.acquire(timeout=max(0.0, min(deadline.remaining(), 1e9)), poll_interval=_LOOK_AGAIN)
        except filelock.Timeout as err:
            raise QueryTimeoutError(
                f"Another process is running this search (waited for {deadline.elapsed():.0f} s). If no "
                f"other process is running it, delete {path}.",
                elapsed=deadline.elapsed(),
            ) from err
        except (OSError, NotImplementedError) as err:
            raise SavedSearchError(f"Cannot lock the search at {path}: {err}") from err
        try:
            yield
        finally:
            lock.release()

    def _check(self, stored: _StoredState, snapshot: Snapshot) -> None:
        """Raise if the parts of the file are inconsistent."""
        if stored.search != self._search:
            raise SavedSearchError(
                f"{self.path} is the state of another search: the file of this search has changed. Delete "
                "the state to start over."
            )
        if any(len(row) != len(stored.columns) for row in stored.rows) or not {*stored.key} <= {*stored.columns}:
            raise self._damaged("rows and columns do not match")
        if stored.digest != _digest(snapshot):
            raise self._damaged("checksum mismatch")

    def _damaged(self, reason: str) -> SavedSearchError:
        return SavedSearchError(
            f"The state of the search in {self.path} is damaged ({reason}). Nothing was changed. Restore a "
            "copy, or delete it to start over."
        )


def _digest(snapshot: Snapshot) -> str:
    """Return the checksum of a snapshot."""
    content = [snapshot.time, [*snapshot.key], [*snapshot.columns], [[*row] for row in snapshot.rows]]
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def replace_file(path: Path, text: str) -> None:
    """Write a file atomically: at every moment the old or the new file exists, even after a power failure.

    The caller holds the lock of the search, so a part file left by a killed process can be overwritten.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except (OSError, UnicodeEncodeError) as err:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise SavedSearchError(f"Cannot write {path}: {err}") from err
