"""TAP collections: their tables, the columns of these, and whether they can be searched by position.

In: names as users write them.  Out: a `TapTable`, with everything that a query needs.  MAST lists the collections and
tables (see `~astroquery_mast.vo.discovery`).  This module selects the main table of a collection, translates old names
of collections, and finds the position and identifier columns of a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from astropy.table import Table
from pyvo.dal import TAPService

from ..exceptions import BadRequestError, InputWarning, InvalidArgumentError
from ..query.adql import AdqlQuery, circle_text, identifier, within_text
from ..query.known_catalogs import CATALOGS, DEFAULT_TABLES, OLD_ONLY, RENAMED
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..tables.columns import Column, Columns, Kind, find_column, find_name, kind_of, no_such, snapshot
from ..vo.discovery import Discovery
from ..vo.main_columns import column_properties, main_key, main_position
from ..vo.session import translated
from ..vo.tap import TapService
from ..warn import warn_user

_GEOMETRY = "ivo://ivoa.net/std/TAPRegExt#features-adqlgeo"
_NEEDED = frozenset({"POINT", "CIRCLE", "CONTAINS"})
_DESCRIBED = ("column_name", "datatype", "unit", "ucd", "description")
_CAOM = "Mast.Caom.Cone"
# UCDs of durations, which are not dates.
_SPANS = ("time.duration", "time.interval", "time.period", "time.scale", "time.resolution", "time.lifetime", "time.age")


@dataclass(frozen=True)
class TapTable:
    """A table of a TAP service, with what a query needs; ``position`` and ``key`` are names of columns."""

    collection: str
    name: str
    tap: TapService
    columns: Columns
    position: tuple[str, str] | None = None
    key: str | None = None

    @property
    def title(self) -> str:
        """The name of the table, for messages."""
        return f"{self.name} of collection {self.collection}"

    def probe(self) -> str:
        """Return a test query without rows, which a service accepts only if it can search around a position."""
        assert self.position is not None
        ra, dec = map(identifier, self.position)
        clause = within_text((ra, dec), circle_text(0, 0, 0.001))
        return AdqlQuery(self.name, clauses=(clause,), limit=0).text


class Collections:
    """Finds collections and tables by name."""

    def __init__(self, service: MastService) -> None:
        self.discovery = Discovery(service)
        # The keys include the address, because the configured server may change at any time.
        self._shapes: dict[str, frozenset[str]] = {}
        self._spatial: dict[tuple[str, str], bool] = {}

    # -- names ---------------------------------------------------------------------------------------------------

    def names(self, deadline: Deadline) -> list[str]:
        """Return the names of all collections."""
        return sorted(self.discovery.collections(deadline))

    def spelled(self, given: Any, deadline: Deadline) -> str:
        """Return the current name of a collection as MAST spells it; warn if it was renamed."""
        if not isinstance(given, str) or not given.strip():
            raise InvalidArgumentError(f"collection must be the name of a collection, such as 'tic', got {given!r}.")
        name = given.strip().lower()
        if name in RENAMED:
            warn_user(f"The collection {given!r} was renamed to {RENAMED[name]!r}.", InputWarning)
        found = RENAMED.get(name, name)
        return found if found in DEFAULT_TABLES else self._known(found, deadline)

    def _known(self, name: str, deadline: Deadline) -> str:
        """Verify with MAST the name of a collection that this package does not know."""
        if name in OLD_ONLY:
            shown = CATALOGS[name].name
            raise InvalidArgumentError(f"{name!r} is not a TAP collection. Use catalog={shown!r} in the query methods.")
        known = self.names(deadline)
        if name not in known:
            raise no_such(f"{name!r} is not a valid collection.", name, known, listed=True)
        return name

    def tables(self, collection: str, deadline: Deadline) -> Table:
        """Return the tables of a collection and their descriptions."""
        tap, schema = self.discovery.place(collection, deadline)
        return self.discovery.tables(tap, deadline, schema)

    def table_name(self, collection: str, given: str | None, deadline: Deadline) -> str:
        """Return the name of a table of a collection, with its schema; by default that of the main table."""
        tap, schema = self.discovery.place(collection, deadline)
        if given is not None and str(given).strip().lower() != collection:
            return self.discovery.table_name(tap, given, deadline, schema)
        listed = [str(each) for each in self.discovery.tables(tap, deadline, schema)["table_name"]]
        if not listed:
            raise InvalidArgumentError(f"The collection {collection!r} has no catalogs.")
        return find_name(DEFAULT_TABLES.get(collection, ""), listed) or listed[0]

    def table(self, collection: str, given: str | None, deadline: Deadline) -> TapTable:
        """Return a table of a collection, with its columns."""
        name = self.table_name(collection, given, deadline)
        tap, _ = self.discovery.place(collection, deadline)
        described = column_properties(self.discovery.columns(tap, name, deadline))
        if not described:
            raise InvalidArgumentError(f"The collection {collection!r} does not list the columns of {name!r}.")
        columns = {row["column_name"]: _column(row) for row in described}
        return TapTable(collection, name, tap, columns, main_position(described), main_key(described))

    def described(self, table: TapTable, deadline: Deadline) -> Table:
        """Return the columns of a table as a table for users."""
        return self.discovery.columns(table.tap, table.name, deadline)[list(_DESCRIBED)]

    # -- positions -----------------------------------------------------------------------------------------------

    def shapes(self, table: TapTable, deadline: Deadline) -> frozenset[str]:
        """Return the geometry functions that a service supports; empty if it cannot search around a position."""
        url = table.tap.url
        if url not in self._shapes:
            self._shapes[url] = _advertised(table.tap, deadline)
        return self._shapes[url] if self._shapes[url] >= _NEEDED else frozenset()

    def is_spatial(self, table: TapTable, deadline: Deadline) -> bool:
        """Return whether a table can be searched around a position.  A test query is sent once for each table."""
        if table.position is None or not self.shapes(table, deadline):
            return False
        key = table.tap.url, table.name
        if key not in self._spatial:
            try:
                table.tap.rows(table.probe(), deadline, run_async=False)
                self._spatial[key] = True
            except BadRequestError:
                self._spatial[key] = False
        return self._spatial[key]


def _advertised(tap: TapService, deadline: Deadline) -> frozenset[str]:
    """Return the geometry functions in the capabilities of a service."""
    with translated(tap.what):
        language = TAPService(tap.url, session=tap.session(deadline)).get_tap_capability().get_adql()
        return frozenset(str(each.form).strip().upper() for each in language.get_feature_list(_GEOMETRY))


# -- columns ---------------------------------------------------------------------------------------------------------


def _column(row: Mapping[str, str]) -> Column:
    """Make a column, which determines how its criteria are read."""
    name, kind = row["column_name"], kind_of(row["datatype"])
    return Column(
        name,
        name,
        row["datatype"],
        unit=row["unit"],
        description=row["description"],
        continuous=kind is Kind.FLOAT,
        is_time=_is_time(row, kind),
    )


def _is_time(row: Mapping[str, str], kind: Kind | None) -> bool:
    """Return whether a column holds times: dates, or numbers that are known to be Modified Julian Dates."""
    if kind is Kind.TEXT:
        return _is_date(row["datatype"].lower(), row["ucd"].lower())
    return kind is Kind.FLOAT and row["unit"] == "d" and _is_mjd(row["column_name"].lower(), row["description"].lower())


def _is_date(datatype: str, ucd: str) -> bool:
    return datatype.startswith(("date", "timestamp")) or (ucd.startswith("time.") and not ucd.startswith(_SPANS))


def _is_mjd(name: str, description: str) -> bool:
    """Return whether the name, the description, or the portal's column of this name indicates Modified Julian Dates."""
    portal = find_column(name, snapshot()[_CAOM])
    return "mjd" in name + description or "modified julian" in description or bool(portal and portal.is_time)
