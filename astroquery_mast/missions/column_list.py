"""Where the columns of a mission's search come from: the archive's list, read once in a session.

A search never depends on that list: without it criteria are sent as they are, and tables have no descriptions.
"""

from __future__ import annotations

import time

from astroquery import log

from ..config import Endpoints, seconds_setting
from ..exceptions import MastError
from ..service.columns import ColumnMetadata
from ..service.deadline import Deadline
from ..service.http import HttpClient
from ..tables.columns import Columns
from ..tables.mashup import decoded
from .columns import columns_of_mission

__all__ = ["MissionColumnMetadata"]

# The list is small and never worth waiting for longer.
_PATIENCE = 20.0
# After a failure searches do without the list for this long, so that not each of them waits for it in vain.
_REST = 60.0


class MissionColumnMetadata(ColumnMetadata):
    """Gives the columns of missions, and remembers what the archive said; see `ColumnMetadata` for parameters."""

    def __init__(self, wire: HttpClient, endpoints: Endpoints) -> None:
        super().__init__(wire, endpoints)
        self._failed: dict[tuple[str, str], float] = {}

    def newest(self, mission: str, deadline: Deadline | None = None) -> Columns:
        """Return the columns of a mission; empty if the archive cannot say now."""
        known = self.known(mission)
        if known:
            return known
        with self._lock:
            failed = self._failed.get(self._key(mission))
        if failed is not None and time.monotonic() - failed < _REST:
            return {}
        try:
            return self.refresh(mission, deadline)
        except MastError as err:
            log.debug("No list of columns for mission %s: %s", mission, err)
        with self._lock:
            self._failed[self._key(mission)] = time.monotonic()
        return {}

    def refresh(self, mission: str, deadline: Deadline | None = None) -> Columns:
        """Ask the archive for the columns of a mission."""
        service = f"The list of columns of mission '{mission}'"
        whole = seconds_setting("timeout") if deadline is None else deadline.remaining()
        response = self._wire.request(
            "GET",
            self._endpoints.mission_columns,
            params={"mission": mission},
            headers={"Accept": "application/json"},
            deadline=Deadline(min(_PATIENCE, whole)),
            service=service,
            attempts=1,
        )
        return self._remember(mission, columns_of_mission(decoded(response.content, service), mission))
