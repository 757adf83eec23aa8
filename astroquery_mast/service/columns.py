"""Where the metadata of columns comes from: the package's snapshot first, MAST when that is not enough.

A query never depends on the archive's metadata: if they cannot be had, columns have no units and descriptions, and
types are those that the answer itself declares.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from astroquery import log

from ..config import Endpoints
from ..exceptions import InvalidResponseError, MastError
from ..tables.columns import Columns, columns_of, find_name, snapshot
from .http import HttpClient
from .retrying import Deadline

# Metadata are small and never worth waiting for longer.
_PATIENCE = 20.0
# After a failure the archive is left alone for this long, so that not every query waits for another failure.
_REST = 60.0
# Of the columns that the package knows at least this part must be in a list that is to be believed: of those recorded
# the one with the least, of disk detectives, has 47 %.
_KNOWN_PART = 0.25


class NoColumnsError(InvalidResponseError):
    """An answer without columns: what the archive sends for a name that it does not know."""


class ColumnSource(Protocol):
    """Asks one of the archive's services for columns; `ColumnMetadata` does the rest."""

    def fetch(self, name: str, deadline: Deadline) -> Columns:
        """Ask for the columns that have a name, such as that of a service or a mission."""

    def server(self, name: str) -> str:
        """Return the server that is asked."""


class ColumnMetadata:
    """Gives the columns of services, and remembers what the archive said."""

    def __init__(self, source: ColumnSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        # By server, too, because the configuration may be pointed elsewhere at any time.
        self._read: dict[tuple[str, str], Columns] = {}
        self._failed: dict[tuple[str, str], float] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy without what was read, which can be read again."""
        return type(self), (self._source,)

    def columns_for(self, name: str, wanted: Iterable[str]) -> Columns:
        """Return the columns that are known under a name, and the newest if one that is wanted is not among them.

        If nothing is known and the archive cannot say, the reason is raised: names that nobody can check are not sent.
        """
        names = list(wanted)
        if not names:
            return self.known(name) or {}
        columns = self.get(name) or self.refresh(name)
        if any(find_name(each, columns) is None for each in names):
            columns = {**columns, **self.newest(name)}
        return columns

    def known(self, name: str) -> Columns | None:
        """Return what is known of a service's columns without asking, or None."""
        with self._lock:
            read = self._read.get(self._key(name))
        return read if read is not None else snapshot().get(name)

    def get(self, name: str) -> Columns:
        """Return the columns of a service, asking the archive if they are not known; empty if it cannot say."""
        known = self.known(name)
        return self.newest(name) if known is None else known

    def newest(self, name: str, deadline: Deadline | None = None) -> Columns:
        """Return the columns as the archive has them now, asking once in a session; those known if it cannot say."""
        key = self._key(name)
        with self._lock:
            read, failed = self._read.get(key), self._failed.get(key)
        if read is not None:
            return read
        if failed is None or time.monotonic() - failed >= _REST:
            try:
                self.refresh(name, deadline)
            except MastError as err:
                log.debug("No column metadata for %s: %s", name, err)
                with self._lock:
                    self._failed[key] = time.monotonic()
        return self.known(name) or {}

    def read(self) -> dict[str, Columns]:
        """Return what the archive was asked for: its name of the columns → columns."""
        with self._lock:
            return {name: columns for (_, name), columns in self._read.items()}

    def forget(self) -> None:
        """Forget what was read, so that it is asked for anew."""
        with self._lock:
            self._read.clear()
            self._failed.clear()

    def refresh(self, name: str, deadline: Deadline | None = None) -> Columns:
        """Ask the archive for the columns of a service."""
        columns = self._source.fetch(name, Deadline.within(deadline).part(_PATIENCE))
        known = snapshot().get(name, {})
        # What the package knows stays known: the archive's list may add to it, and never take from it.
        every = {**_described_as_before(columns, known), **{key: c for key, c in known.items() if key not in columns}}
        with self._lock:
            self._read[self._key(name)] = every
        return columns

    def _key(self, name: str) -> tuple[str, str]:
        return self._source.server(name), name


def _described_as_before(columns: Columns, known: Columns) -> Columns:
    """The columns with the descriptions that tables have had so far: with others they would not stack quietly."""
    return {
        name: replace(column, description=known[name].description, label=known[name].label) if name in known else column
        for name, column in columns.items()
    }


@dataclass(frozen=True)
class MashupColumns:
    """The columns of Mashup's services."""

    http: HttpClient
    endpoints: Endpoints

    def server(self, name: str) -> str:
        """Return the server that is asked."""
        return self.endpoints.server

    def fetch(self, name: str, deadline: Deadline) -> Columns:
        """Ask for the columns of a service."""
        response = self.http.request(
            "POST",
            self.endpoints.columns_config,
            data={"colConfigId": name},
            headers={"Accept": "text/plain"},
            deadline=deadline,
            service=f"columnsconfig of {name}",
            attempts=1,
        )
        return columns_of(_decoded(response.content, name))


def _decoded(body: bytes, config_id: str) -> Mapping[str, object]:
    """The configuration in an answer; for a name that it does not know the archive sends an empty one."""
    try:
        config = json.loads(body) if body.strip() else {}
    except ValueError as err:
        raise InvalidResponseError(f"The columns of {config_id} came as something else than JSON.") from err
    if not isinstance(config, dict) or not config:
        raise NoColumnsError(f"The archive has no columns under the name {config_id}.")
    _check_columns(config, config_id)
    return config


def _check_columns(config: Mapping[str, object], config_id: str) -> None:
    """Raise unless this is a configuration of columns, and of those that the package knows by that name."""
    if not all(isinstance(entry, Mapping) for entry in config.values()):
        said = ", ".join(f"{name}: {entry}" for name, entry in config.items() if isinstance(entry, str))
        raise InvalidResponseError(f"The columns of {config_id} came as something else: {said[:200]}")
    known = snapshot().get(config_id, {})
    if len(config.keys() & known.keys()) < _KNOWN_PART * len(known):
        raise InvalidResponseError(f"What came as the columns of {config_id} has hardly any of its columns.")
