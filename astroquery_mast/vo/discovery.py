"""The collections that can be queried with TAP, their tables and their columns.

In: names as users write them.  Out: the TAP service of a collection, and tables of names and descriptions.  Two of the
services contain many collections each, which are the schemas of their tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from astropy.table import MaskedColumn, Table

from ..exceptions import InvalidArgumentError, InvalidResponseError
from ..query.adql import quoted
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..tables.columns import find_name, no_such
from ..tables.mashup import json_object
from ..warn import warn_of_limit
from .results import IN_NANOMETERS
from .session import VOSession, translated
from .tap import TapService

# Services that exist for certain.  Others are looked up in the list of MAST.
_KNOWN = "caom classy gaiadr3 hsc hscv2 missionmast ps1dr1 ps1dr2 registry skymapperdr4 tic ullyses goods candels 3dhst"
_KNOWN_SERVICES = frozenset([*_KNOWN.split(), "deepspace", "mast_catalogs", "roman_catalogs"])
# The ending of the names of services that contain many collections.
_GROUPED = "_catalogs"
_OF_THE_SERVICE = "tap_schema"
_TABLE_COLUMNS = ("table_name", "description")
_COLUMN_COLUMNS = ("column_name", "datatype", "unit", "ucd", "description", "indexed", "principal")


class Discovery:
    """Finds services, tables and columns, and keeps the results in memory.

    Parameters
    ----------
    service : MastService
        The service that sends the requests.
    """

    def __init__(self, service: MastService) -> None:
        self._service = service
        self._cache: dict[tuple[str, ...], Any] = {}

    def collections(self, deadline: Deadline) -> Mapping[str, str]:
        """Return the collections of MAST, with the service of each."""
        found: dict[str, str] = self._cached(("collections", self._base), lambda: self._collections(deadline))
        return found

    def place(self, collection: str, deadline: Deadline) -> tuple[TapService, str | None]:
        """Return the TAP service of a collection, whose name may be in any case, and the schema of the collection.

        The schema is None if the service contains no other collection.
        """
        name = str(collection).strip().lower()
        found, service = (name, name) if name in _KNOWN_SERVICES else self._find_collection(name, deadline)
        return self._tap_service(service), None if service == found else found

    def _find_collection(self, name: str, deadline: Deadline) -> tuple[str, str]:
        """Return the name and the service of a collection; the list is requested again if the name is missing."""
        for _ in range(2):
            collections = self.collections(deadline)
            found = find_name(name, collections)
            if found is not None:
                return found, collections[found]
            self._cache.pop(("collections", self._base), None)
        raise no_such(f"Catalog {name!r} not found.", name, collections)

    def tables(self, tap: TapService, deadline: Deadline, schema: str | None = None) -> Table:
        """Return the tables of a service, without those that describe it, or the tables of one of its schemas."""
        rows = self._cached(("tables", tap.url), lambda: _tables(tap, deadline))
        schemas = [str(name).partition(".")[0].lower() for name in rows["table_name"]]
        keep = [each == schema.lower() if schema else each != _OF_THE_SERVICE for each in schemas]
        return rows[np.array(keep, dtype=bool)]

    def table_name(self, tap: TapService, given: str, deadline: Deadline, schema: str | None = None) -> str:
        """Return the exact name of a table; its case is ignored, and so is a missing schema if the name is unique."""
        name = str(given).strip()
        if name.lower().startswith(f"{_OF_THE_SERVICE}."):
            return name.lower()
        names = [str(each) for each in self.tables(tap, deadline, schema)["table_name"]]
        found = find_name(name, names)
        fits = [found] if found else [each for each in names if each.lower().rpartition(".")[2] == name.lower()]
        if len(fits) > 1:
            raise InvalidArgumentError(f"Table {name!r} is ambiguous. Use one of {', '.join(fits)}.")
        if not fits:
            raise no_such(f"Table {name!r} not found in {tap.what}.", name, names)
        return fits[0]

    def columns(self, tap: TapService, table: str, deadline: Deadline) -> Table:
        """Return the columns of a table, whose name may be in any case; empty if there is no such table."""
        return self._cached(("columns", tap.url, table.lower()), lambda: _columns(tap, table, deadline))

    @property
    def _base(self) -> str:
        return self._service.endpoints.tap

    def _tap_service(self, name: str) -> TapService:
        return TapService(self._service, f"{self._base}/{name}", f"TAP service {name}")

    def _cached(self, key: tuple[str, ...], request: Callable[[], Any]) -> Any:
        """Return a copy of the value in memory, which is requested if it is missing."""
        value = self._cache.get(key)
        if value is None:
            value = self._cache[key] = request()
        return value.copy()

    def _collections(self, deadline: Deadline) -> dict[str, str]:
        """Request the list of services, and the collections of those that contain many."""
        what = "list of TAP services"
        with translated(what):
            document = json_object(VOSession(self._service, deadline, what).get(f"{self._base}/openapi.json").content)
            names = document["components"]["schemas"]["CatalogName"]["enum"]
        found: dict[str, str] = {}
        for name in names:
            schemas = {name}
            if name.endswith(_GROUPED):
                schemas = {
                    each.partition(".")[0] for each in self.tables(self._tap_service(name), deadline)["table_name"]
                }
            found |= dict.fromkeys(sorted(schemas), name)
        return found


def _tables(tap: TapService, deadline: Deadline) -> Table:
    """Request the tables of a service."""
    return _schema_rows(tap, "SELECT table_name, description FROM tap_schema.tables", _TABLE_COLUMNS, deadline)


def _columns(tap: TapService, table: str, deadline: Deadline) -> Table:
    """Request the columns of a table."""
    names = ", ".join(map(quoted, dict.fromkeys((table, table.lower()))))
    query = f"SELECT * FROM tap_schema.columns WHERE table_name IN ({names})"
    rows = _schema_rows(tap, query, _COLUMN_COLUMNS, deadline)
    if table.lower().endswith(f".{IN_NANOMETERS}"):
        rows["unit"] = np.where(rows["unit"] == "m", "nm", rows["unit"])
    return rows


def _schema_rows(tap: TapService, query: str, names: tuple[str, ...], deadline: Deadline) -> Table:
    """Query the description of a service; columns that it lacks are added with masked values."""
    rows = tap.rows(query, deadline)
    if rows.meta["overflow"]:
        warn_of_limit(len(rows))
    if names[0] not in rows.colnames:
        raise InvalidResponseError(f"{tap.what} has no {names[0]} in its tap_schema.", service=tap.what)
    if "column_index" in rows.colnames:  # The rows are in arbitrary order otherwise.
        rows.sort("column_index")
    for name in set(names).difference(rows.colnames):
        rows[name] = MaskedColumn(np.zeros(len(rows), dtype="U1"), mask=True)
    return rows[list(names)]
