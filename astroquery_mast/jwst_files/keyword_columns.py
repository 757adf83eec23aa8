"""The columns of the services for the header keywords of JWST files, one service for each instrument.

In: the names of instruments as users write them. Out: services, and their current columns, which MAST sends with each
response, even one without rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from astropy.table import Table

from ..exceptions import InvalidArgumentError, InvalidResponseError
from ..query.filters import Filter
from ..query.values import as_members
from ..service.mast_service import ColumnMetadata, MastService
from ..service.parallel import map_all
from ..service.retrying import Deadline
from ..tables.columns import Column, Columns, Kind, find_name, kind_of, no_such, shown_columns, snapshot
from ..tables.result_table import ResultTable

PREFIX = "Mast.Jwst.Filtered"
INSTRUMENTS: Mapping[str, str] = {
    "NIRCam": f"{PREFIX}.Nircam",
    "NIRISS": f"{PREFIX}.Niriss",
    "NIRSpec": f"{PREFIX}.Nirspec",
    "MIRI": f"{PREFIX}.Miri",
    "FGS": f"{PREFIX}.Fgs",
    "GuideStar": f"{PREFIX}.GuideStar",
    "Wss": f"{PREFIX}.Wss",
}
"""The services by the names of instruments; the last two are for guide star and wavefront files."""
SCIENCE = tuple(INSTRUMENTS)[:5]
"""The instruments that are queried by default."""
MJD = "_mjd"
"""The suffix of columns that have the time of another column as a number."""
NO_FILE = "none"
"""A name that no file has: a response without rows still describes the columns."""


def services_of(instrument: Any) -> list[str]:
    """Return the services of one or several instruments; by default, of all science instruments."""
    names = SCIENCE if instrument is None else as_members("instrument", instrument)
    return list(dict.fromkeys(map(_service_of, names)))


def _service_of(name: object) -> str:
    """Return the service of an instrument; a mode, as in ``NIRCAM/IMAGE``, has no service."""
    if not isinstance(name, str):
        raise InvalidArgumentError(f"instrument must be a name such as 'NIRCam', or a list of names, got {name!r}.")
    found = find_name(name.strip(), INSTRUMENTS)
    if found is None:
        raise no_such(f"'{name}' is not a valid instrument.", name.partition("/")[0], INSTRUMENTS)
    return INSTRUMENTS[found]


def instrument_of(service: str) -> str:
    """Return the instrument of a service."""
    return next(name for name, known in INSTRUMENTS.items() if known == service)


@dataclass(frozen=True)
class KeywordColumns:
    """Requests the columns of the services; a `~astroquery_mast.service.mast_service.ColumnSource`."""

    service: MastService

    def server(self, name: str) -> str:
        """Return the server that is queried."""
        return self.service.endpoints.server

    def fetch(self, name: str, deadline: Deadline) -> Columns:
        """Request the columns of a service."""
        params = {"columns": "*", "filters": [Filter("filename", (NO_FILE,)).payload()]}
        page = self.service.page(self.service.request_for(name, params, 1, 1), deadline).page
        if not page.fields:
            raise InvalidResponseError(f"{name} returned no columns.", service=name)
        return {column: _described(column, type_name) for column, type_name in page.fields}


def _described(name: str, type_name: str) -> Column:
    """Return a column with its description; a time in days has the description of the corresponding text column."""
    known = snapshot()[PREFIX].get(name) or snapshot()[PREFIX].get(name.removesuffix(MJD)) or Column(name)
    type_name = type_name or known.type_name
    is_time = name.endswith(MJD) or (known.unit == "d" and known.name == name)
    return replace(
        known,
        name=name,
        type_name=type_name,
        unit="d" if is_time else known.unit,
        continuous=kind_of(type_name) is Kind.FLOAT,
        is_time=is_time,
    )


def known_columns() -> Columns:
    """Return the columns of all instruments that are part of the package."""
    return snapshot()[PREFIX]


class InstrumentColumns:
    """The columns of the services, requested in parallel, and kept in memory."""

    def __init__(self, service: MastService) -> None:
        self._columns = ColumnMetadata(KeywordColumns(service))

    def of(self, services: Iterable[str], deadline: Deadline) -> dict[str, Columns]:
        """Return the columns of each service."""
        names = list(services)
        return dict(zip(names, map_all(deadline, self._columns_of, names), strict=True))

    def _columns_of(self, service: str) -> Columns:
        return self._columns.get(service) or self._columns.refresh(service)


def column_list(columns: Mapping[str, Columns]) -> Table:
    """Return the columns of services as one table, with the instruments that have each column."""
    instruments: dict[str, list[str]] = {}
    known: dict[str, Column] = {}
    for service, own in columns.items():
        for column in shown_columns(own):
            known.setdefault(column.name, column)
            instruments.setdefault(column.name, []).append(instrument_of(service))
    rows = [
        (each.name, each.kind_name, each.unit_text, each.description, ", ".join(instruments[each.name]))
        for each in known.values()
    ]
    return ResultTable(rows=rows, names=("name", "kind", "unit", "description", "instruments"), masked=True)
