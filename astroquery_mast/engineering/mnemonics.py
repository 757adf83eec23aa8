"""The inventory of mnemonics, with their units and descriptions.

In: names, or a pattern.  Out: `Mnemonic` objects, or a table of them.  Two services of MAST have the same list; the
second is queried if the first fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Table
from astroquery import log

from ..config import Endpoints
from ..exceptions import CorruptDataWarning, InvalidArgumentError, InvalidResponseError, MastError
from ..products.manifest import masked_column
from ..query.request import ApiRequest, HttpRequest, Question
from ..query.values import as_members, as_unicode, wildcard_test
from ..service.mast_service import ColumnMetadata, MastService
from ..service.retrying import Deadline
from ..tables.columns import Column, Columns, Kind, closest, find_name, known_name, no_such
from ..tables.mashup import Page, json_object
from ..tables.result_table import ResultTable
from ..warn import warn_user

_VIZ = "The list of mnemonics"
_MASHUP = "Mast.JwstEdb.Mnemonics"
# The name of the list in the cache.
_INVENTORY = "JWST Engineering Database"
_WORD = re.compile(r"\w+", re.ASCII)
# The name in the last row of the list.
_END_OF_LIST = "ZZZZZZ"
# The text columns in tables of mnemonics, with the attributes of a mnemonic.
_TEXTS = {
    "tlmMnemonic": "name",
    "subsystem": "subsystem",
    "description": "description",
    "unit": "unit",
    "sqlDataType": "type_name",
}
# Spellings of units that astropy does not read, in upper case.  No telemetry is in coulomb or farad.
_UNITS = {
    "C": u.deg_C,
    "DEGC": u.deg_C,
    "DEG C": u.deg_C,
    "F": None,
    "COUNTS": u.ct,
    "CNTS": u.ct,
    "VOLTS": u.V,
    "AMPS": u.A,
    "SECONDS": u.s,
    "SEC": u.s,
    "PERCENT": u.percent,
}


@dataclass(frozen=True)
class Mnemonic(Column):
    """A mnemonic: the name of a quantity that is measured on board, with its description, unit and type."""

    subsystem: str = ""
    identifier: int | None = None

    @property
    def astropy_unit(self) -> u.UnitBase | None:
        """The unit, or None if there is no unit that astropy supports."""
        text = self.unit.strip().upper()
        if text in _UNITS and self.kind not in {Kind.TEXT, Kind.BOOLEAN}:
            return _UNITS[text]
        return super().astropy_unit


def as_mnemonics(names: Any) -> list[str]:
    """Return the names of mnemonics that a user gives, without duplicates; they are not compared with the inventory."""
    members = [as_unicode(name) for name in as_members("names", as_unicode(names), empty=True)]
    if not members:
        raise InvalidArgumentError("names is empty. Specify at least one mnemonic.")
    for name in members:
        if not (isinstance(name, str) and _WORD.fullmatch(name.strip())):
            raise InvalidArgumentError(
                f"{name!r} is not a mnemonic such as 'SA_ZFGOUTFOV'. Use list_mnemonics() to search for mnemonics."
            )
    return list({str(name).strip().upper(): str(name).strip() for name in members}.values())


# -- the two services ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _VizRequest(ApiRequest):
    """The GET request for the list from the newer service."""

    def http_request(self, _endpoints: Endpoints) -> HttpRequest:
        """Return the HTTP request."""
        return HttpRequest(self.url, "", {"Accept": "application/json"}, "GET")


def _read_viz(body: bytes, service: str) -> Page:
    """Read the list of the newer service."""
    rows = json_object(body).get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidResponseError(f"{service} was not returned as a list.", service=service)
    return Page(service, "COMPLETE", (("tlmMnemonic", "string"),), rows)


def _inventory_of(rows: Iterable[Mapping[str, Any]], service: str) -> dict[str, Mnemonic]:
    """Return the mnemonics in the rows of a list."""
    known = [_mnemonic(row) for row in rows]
    found = {each.name: each for each in known if each.name not in {"", _END_OF_LIST}}
    if not found:
        raise InvalidResponseError(f"{service} contains no mnemonics.", service=service)
    return found


def _mnemonic(row: Mapping[str, Any]) -> Mnemonic:
    """Return the mnemonic in a row of a list."""

    def text(key: str) -> str:
        value = row.get(key)
        return "" if value is None else str(value).strip()

    number = text("tlmIdentifier")
    return Mnemonic(
        name=text("tlmMnemonic").upper(),
        type_name=text("sqlDataType"),
        unit=text("unit"),
        description=text("description"),
        subsystem=text("subsystem"),
        identifier=int(number) if number.isdecimal() else None,
    )


@dataclass(frozen=True)
class MnemonicSource:
    """The source of the list of mnemonics; a `~astroquery_mast.service.mast_service.ColumnSource`."""

    service: MastService

    def server(self, _name: str) -> str:
        """Return the server that is queried."""
        return self.service.endpoints.server

    def fetch(self, _name: str, deadline: Deadline) -> Columns:
        """Return the list, from the newer service if possible."""
        url = f"{self.service.endpoints.viz}/info/mnemonics"
        try:
            return self._query(_VizRequest(_VIZ, url, reader=_read_viz), deadline.part(deadline.remaining() / 2))
        except MastError as err:
            log.debug("Requesting the list of mnemonics from another service: %s", err)
        return self._query(self.service.request_for(_MASHUP, {}, None, None), deadline)

    def _query(self, question: Question, deadline: Deadline) -> Columns:
        """Query one of the services."""
        rows = [row for answer in self.service.pages(question, deadline=deadline) for row in answer.page.rows]
        return _inventory_of(rows, question.service)


# -- the inventory ---------------------------------------------------------------------------------------------------


class Inventory:
    """The list of mnemonics, which is retrieved when it is needed first."""

    def __init__(self, service: MastService) -> None:
        self._metadata = ColumnMetadata(MnemonicSource(service))

    def all(self, deadline: Deadline) -> Mapping[str, Mnemonic]:
        """Return all mnemonics, or raise if the list cannot be retrieved."""
        return _typed(self._metadata.known(_INVENTORY) or self._metadata.refresh(_INVENTORY, deadline))

    def of(self, names: Sequence[str], deadline: Deadline) -> list[Mnemonic]:
        """Return some mnemonics; if the list cannot be retrieved, these have only names, and a warning is issued."""
        known = _typed(self._metadata.newest(_INVENTORY, deadline))
        if known:
            return [_found(name, known) for name in names]
        warn_user(
            "Could not retrieve the list of mnemonics. Samples are returned without units and descriptions.",
            CorruptDataWarning,
        )
        return [Mnemonic(name.upper()) for name in names]


def _typed(columns: Columns) -> dict[str, Mnemonic]:
    """Return columns as mnemonics, which all of them are."""
    return {name: column for name, column in columns.items() if isinstance(column, Mnemonic)}


def _found(name: str, known: Mapping[str, Mnemonic]) -> Mnemonic:
    """Return the mnemonic with a name in any case."""
    found = find_name(name, known)
    if found is not None:
        return known[found]
    message = f"'{name}' is not a mnemonic of the {_INVENTORY}."
    near = closest(name, known) or [each for each in known if name.upper() in each][:3]
    if near:
        raise no_such(message, name, known, near=near)
    raise InvalidArgumentError(f"{message} Use list_mnemonics('*word*') to search names and descriptions.")


def found_mnemonics(known: Mapping[str, Mnemonic], pattern: str | None = None, subsystem: Any = None) -> list[Mnemonic]:
    """Return the mnemonics of some subsystems with a pattern in their name or description, sorted by name."""
    wanted = _subsystems(subsystem, known)
    fits = _pattern_test("*" if pattern is None else pattern)
    return [
        each
        for _, each in sorted(known.items())
        if each.subsystem in wanted and (fits(each.name) or fits(each.description))
    ]


def _pattern_test(pattern: object) -> Any:
    """Return a function that tests whether a string contains a pattern, in any case."""
    text = as_unicode(pattern)
    if not isinstance(text, str) or not text.strip():
        raise InvalidArgumentError(f"pattern must be a string such as '*temp*', or None for all, got {pattern!r}.")
    lowered = text.strip().lower()
    matches = wildcard_test(lowered if "*" in lowered else f"*{lowered}*")
    return lambda each: matches(each.lower())


def _subsystems(given: Any, known: Mapping[str, Mnemonic]) -> set[str]:
    """Return the subsystems that a user specifies, or all of them by default."""
    subsystems = {each.subsystem for each in known.values()}
    if given is None:
        return subsystems
    names = [str(as_unicode(member)).strip() for member in as_members("subsystem", as_unicode(given))]
    available = sorted(filter(None, subsystems))
    message = "subsystem={!r} is not a valid subsystem."
    return {known_name(name, available, message.format(name), listed=True) for name in names}


def mnemonics_table(mnemonics: Sequence[Mnemonic]) -> Table:
    """Return a table of mnemonics, with MAST's names for the columns."""
    texts = {
        name: np.array([getattr(each, part) for each in mnemonics], dtype=np.str_) for name, part in _TEXTS.items()
    }
    table = ResultTable(texts)
    table["tlmIdentifier"] = masked_column([each.identifier for each in mnemonics], "i8")
    return table
