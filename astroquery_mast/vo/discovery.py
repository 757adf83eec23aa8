"""What can be asked by TAP: the collections of the archive, their tables, and the columns of these.

In: names as users write them.  Out: the TAP service that has a collection, and tables of what is there.  Two of the
services hold many collections each, told apart by the first part of the names of their tables.
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

# Services with tables of their own that need not be looked for; what others there are the archive itself says.
_KNOWN = "caom classy gaiadr3 hsc hscv2 missionmast ps1dr1 ps1dr2 registry skymapperdr4 tic ullyses goods candels 3dhst"
_KNOWN_SERVICES = frozenset([*_KNOWN.split(), "deepspace", "mast_catalogs", "roman_catalogs"])
# How the names of the services end that hold many collections.
_GROUPED = "_catalogs"
_OF_THE_SERVICE = "tap_schema"
_TABLE_COLUMNS = ("table_name", "description")
_COLUMN_COLUMNS = ("column_name", "datatype", "unit", "ucd", "description", "indexed", "principal")


class Discovery:
    """Finds services, tables and columns, and remembers what it was told.

    Parameters
    ----------
    service : MastService
        The client's conversation with the archive.
    """

    def __init__(self, service: MastService) -> None:
        self._service = service
        self._told: dict[tuple[str, ...], Any] = {}

    def collections(self, deadline: Deadline) -> Mapping[str, str]:
        """Return the collections of the archive: name → the service that has it."""
        found: dict[str, str] = self._remembered(("collections", self._base), lambda: self._collections(deadline))
        return found

    def place(self, collection: str, deadline: Deadline) -> tuple[TapService, str | None]:
        """Return the TAP service that has a collection, whose name may be written in any case, and its schema there.

        The schema is None if the collection has the service for itself.
        """
        name = str(collection).strip().lower()
        found, service = (name, name) if name in _KNOWN_SERVICES else self._found(name, deadline)
        return self._named(service), None if service == found else found

    def _found(self, name: str, deadline: Deadline) -> tuple[str, str]:
        """A collection, by the name that the archive has for it, and its service; if it is new the list is, too."""
        for _ in range(2):
            collections = self.collections(deadline)
            found = find_name(name, collections)
            if found is not None:
                return found, collections[found]
            self._told.pop(("collections", self._base), None)
        raise no_such(f"Catalog {name!r} not found.", name, collections)

    def tables(self, tap: TapService, deadline: Deadline, schema: str | None = None) -> Table:
        """Return the tables of a service but those that describe it, or the tables of one of its schemas."""
        told = self._remembered(("tables", tap.url), lambda: _tables(tap, deadline))
        schemas = [str(name).partition(".")[0].lower() for name in told["table_name"]]
        keep = [each == schema.lower() if schema else each != _OF_THE_SERVICE for each in schemas]
        return told[np.array(keep, dtype=bool)]

    def table_name(self, tap: TapService, given: str, deadline: Deadline, schema: str | None = None) -> str:
        """Return the name of a table as the service has it, given in any case, and without schema if only one fits."""
        name = str(given).strip()
        if name.lower().startswith(f"{_OF_THE_SERVICE}."):
            return name.lower()
        names = [str(each) for each in self.tables(tap, deadline, schema)["table_name"]]
        found = find_name(name, names)
        fits = [found] if found else [each for each in names if each.lower().rpartition(".")[2] == name.lower()]
        if len(fits) > 1:
            raise InvalidArgumentError(f"Table {name!r} is ambiguous. Use one of {', '.join(fits)}.")
        if not fits:
            raise no_such(f"{tap.what} has no table {name!r}.", name, names)
        return fits[0]

    def columns(self, tap: TapService, table: str, deadline: Deadline) -> Table:
        """Return the columns of a table, whose name may be written in any case; no rows if there is none."""
        return self._remembered(("columns", tap.url, table.lower()), lambda: _columns(tap, table, deadline))

    @property
    def _base(self) -> str:
        return self._service.endpoints.tap

    def _named(self, name: str) -> TapService:
        return TapService(self._service, f"{self._base}/{name}", f"TAP service {name}")

    def _remembered(self, key: tuple[str, ...], ask: Callable[[], Any]) -> Any:
        """What was told before, or else is told now."""
        told = self._told.get(key)
        if told is None:
            told = self._told[key] = ask()
        return told.copy()

    def _collections(self, deadline: Deadline) -> dict[str, str]:
        """Ask for the services, and for the collections of those that have many."""
        what = "list of TAP services"
        with translated(what):
            document = json_object(VOSession(self._service, deadline, what).get(f"{self._base}/openapi.json").content)
            names = document["components"]["schemas"]["CatalogName"]["enum"]
        found: dict[str, str] = {}
        for name in names:
            schemas = {name}
            if name.endswith(_GROUPED):
                schemas = {each.partition(".")[0] for each in self.tables(self._named(name), deadline)["table_name"]}
            found |= dict.fromkeys(sorted(schemas), name)
        return found


def _tables(tap: TapService, deadline: Deadline) -> Table:
    """Ask for the tables of a service."""
    return _told(tap, "SELECT table_name, description FROM tap_schema.tables", _TABLE_COLUMNS, deadline)


def _columns(tap: TapService, table: str, deadline: Deadline) -> Table:
    """Ask for the columns of a table."""
    names = ", ".join(map(quoted, dict.fromkeys((table, table.lower()))))
    query = f"SELECT * FROM tap_schema.columns WHERE table_name IN ({names})"
    told = _told(tap, query, _COLUMN_COLUMNS, deadline)
    if table.lower().endswith(f".{IN_NANOMETERS}"):
        told["unit"] = np.where(told["unit"] == "m", "nm", told["unit"])
    return told


def _told(tap: TapService, query: str, names: tuple[str, ...], deadline: Deadline) -> Table:
    """Ask a service about itself; columns that it does not have are empty."""
    told = tap.rows(query, deadline)
    if told.meta["overflow"]:
        warn_of_limit(len(told))
    if names[0] not in told.colnames:
        raise InvalidResponseError(f"{tap.what} has no {names[0]} in its tap_schema.", service=tap.what)
    if "column_index" in told.colnames:  # Without an order of its own an answer has any.
        told.sort("column_index")
    for name in set(names).difference(told.colnames):
        told[name] = MaskedColumn(np.zeros(len(told), dtype="U1"), mask=True)
    return told[list(names)]
