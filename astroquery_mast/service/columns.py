"""Where the metadata of columns comes from: the package's snapshot first, the archive when that is not enough.

A query never depends on the archive's metadata: if they cannot be had, columns have no units and descriptions, and
types are those that the answer itself declares.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import replace

from astroquery import log

from ..config import Endpoints, seconds_setting
from ..exceptions import InvalidResponseError, MastError
from ..tables.columns import Columns, columns_of, snapshot
from .deadline import Deadline
from .http import HttpClient

__all__ = ["ColumnMetadata", "NoColumnsError"]

# Metadata are small and never worth waiting for longer.
_PATIENCE = 20.0
# Of the columns that the package knows at least this part must be in a list that is to be believed: of those recorded
# the one with the least, of disk detectives, has 47 %.
_KNOWN_PART = 0.25


class NoColumnsError(InvalidResponseError):
    """An answer without columns: what the archive sends for a name that it does not know."""


class ColumnMetadata:
    """Gives the columns of services, and remembers what the archive said."""

    def __init__(self, wire: HttpClient, endpoints: Endpoints) -> None:
        self._wire = wire
        self._endpoints = endpoints
        self._lock = threading.Lock()
        # By server, too, because the configuration may be pointed elsewhere at any time.
        self._read: dict[tuple[str, str], Columns] = {}

    def __reduce__(self) -> tuple[type[ColumnMetadata], tuple[HttpClient, Endpoints]]:
        """Copy without what was read, which can be read again."""
        return type(self), (self._wire, self._endpoints)

    def known(self, config_id: str) -> Columns | None:
        """Return what is known of a service's columns without asking, or None."""
        with self._lock:
            read = self._read.get(self._key(config_id))
        return read if read is not None else snapshot().get(config_id)

    def get(self, config_id: str) -> Columns:
        """Return the columns of a service, asking the archive if they are not known; empty if it cannot say."""
        known = self.known(config_id)
        return self.newest(config_id) if known is None else known

    def newest(self, config_id: str) -> Columns:
        """Return the columns as the archive has them now, asking at most once in a session and server."""
        with self._lock:
            read = self._read.get(self._key(config_id))
        if read is not None:
            return read
        try:
            return self.refresh(config_id)
        except MastError as err:
            log.debug("No column metadata for %s: %s", config_id, err)
        return self._remember(config_id, snapshot().get(config_id, {}))

    def read(self) -> dict[str, Columns]:
        """Return what the archive was asked for: its name of the columns → columns."""
        with self._lock:
            return {name: columns for (_, name), columns in self._read.items()}

    def forget(self) -> None:
        """Forget what was read, so that it is asked for anew."""
        with self._lock:
            self._read.clear()

    def refresh(self, config_id: str) -> Columns:
        """Ask the archive for the columns of a service."""
        deadline = Deadline.start(min(_PATIENCE, seconds_setting("timeout")))
        response = self._wire.request(
            "POST",
            self._endpoints.columns_config,
            data={"colConfigId": config_id},
            headers={"Accept": "text/plain"},
            deadline=deadline,
            service=f"columnsconfig of {config_id}",
            attempts=1,
        )
        columns = columns_of(_decoded(response.content, config_id))
        self._remember(config_id, _described_as_before(columns, snapshot().get(config_id, {})))
        return columns

    def _remember(self, config_id: str, columns: Columns) -> Columns:
        # What the package knows stays known: the archive's list may add to it, and never take from it.
        columns = {**columns, **{name: c for name, c in snapshot().get(config_id, {}).items() if name not in columns}}
        with self._lock:
            self._read[self._key(config_id)] = columns
        return columns

    def _key(self, config_id: str) -> tuple[str, str]:
        return self._endpoints.server, config_id


def _described_as_before(columns: Columns, known: Columns) -> Columns:
    """The columns with the descriptions that tables have had so far: with others they would not stack quietly."""
    return {
        name: replace(column, description=known[name].description, label=known[name].label) if name in known else column
        for name, column in columns.items()
    }


def _decoded(body: bytes, config_id: str) -> Mapping[str, object]:
    """The configuration in an answer; for a name that it does not know the archive sends an empty one."""
    try:
        config = json.loads(body) if body.strip() else {}
    except ValueError as err:
        raise InvalidResponseError(f"The columns of {config_id} came as something else than JSON.") from err
    if not isinstance(config, dict) or not config:
        raise NoColumnsError(f"The archive has no columns under the name {config_id}.")
    if not all(isinstance(entry, Mapping) for entry in config.values()):
        said = ", ".join(f"{name}: {entry}" for name, entry in config.items() if isinstance(entry, str))
        raise InvalidResponseError(f"The columns of {config_id} came as something else: {said[:200]}")
    known = snapshot().get(config_id, {})
    if len(config.keys() & known.keys()) < _KNOWN_PART * len(known):
        raise InvalidResponseError(f"What came as the columns of {config_id} has hardly any of its columns.")
    return config
