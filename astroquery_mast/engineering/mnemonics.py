"""The inventory of mnemonics: what the archive has telemetry of, in which units, and what it means.

In: names, or a pattern.  Out: `Mnemonic` objects, or a table of them.  Two services of MAST have the same list; the
second is asked when the first cannot be had.
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
# Under which name the list is kept.
_INVENTORY = "JWST Engineering Database"
_WORD = re.compile(r"\w+", re.ASCII)
# A line that closes the list.
_END_OF_LIST = "ZZZZZZ"
# The columns of text in tables of mnemonics, and where a mnemonic has them.
_TEXTS = {
    "tlmMnemonic": "name",
    "subsystem": "subsystem",
    "description": "description",
    "unit": "unit",
    "sqlDataType": "type_name",
}
# Spellings of units that are not astropy's, in capital letters; no telemetry is in coulomb or farad.
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
    """One mnemonic: the name of a quantity that is measured on board, and what is known of it."""

    subsystem: str = ""
    identifier: int | None = None

    @property
    def astropy_unit(self) -> u.UnitBase | None:
        """Its unit, None if it has none that astropy knows."""
        text = self.unit.strip().upper()
        if text in _UNITS and self.kind not in {Kind.TEXT, Kind.BOOLEAN}:
            return _UNITS[text]
        return super().astropy_unit


def as_mnemonics(names: Any) -> list[str]:
    """Return the names of mnemonics that a user gives: words, each once, without a look at the inventory."""
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
    """The question for the whole list of the newer service, which takes it as an address."""

    def http_request(self, _endpoints: Endpoints) -> HttpRequest:
        """Return what is sent."""
        return HttpRequest(self.url, "", {"Accept": "application/json"}, "GET")


def _read_viz(body: bytes, service: str) -> Page:
    """Read the list as the newer service sends it."""
    rows = json_object(body).get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidResponseError(f"{service} was not returned as a list.", service=service)
    return Page(service, "COMPLETE", (("tlmMnemonic", "string"),), rows)


def _inventory_of(rows: Iterable[Mapping[str, Any]], service: str) -> dict[str, Mnemonic]:
    """The mnemonics in rows of a list."""
    known = [_mnemonic(row) for row in rows]
    found = {each.name: each for each in known if each.name not in {"", _END_OF_LIST}}
    if not found:
        raise InvalidResponseError(f"{service} contains no mnemonics.", service=service)
    return found


def _mnemonic(row: Mapping[str, Any]) -> Mnemonic:
    """One mnemonic as the services tell of it."""

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
    """Asks the archive for the list of mnemonics; a `~astroquery_mast.service.mast_service.ColumnSource`."""

    service: MastService

    def server(self, _name: str) -> str:
        """Return the server that is asked."""
        return self.service.endpoints.server

    def fetch(self, _name: str, deadline: Deadline) -> Columns:
        """Ask for the list, the newer service first."""
        url = f"{self.service.endpoints.viz}/info/mnemonics"
        try:
            return self._ask(_VizRequest(_VIZ, url, reader=_read_viz), deadline.part(deadline.remaining() / 2))
        except MastError as err:
            log.debug("Requesting the list of mnemonics from another service: %s", err)
        return self._ask(self.service.request_for(_MASHUP, {}, None, None), deadline)

    def _ask(self, question: Question, deadline: Deadline) -> Columns:
        """Ask one of the services."""
        rows = [row for answer in self.service.pages(question, deadline=deadline) for row in answer.page.rows]
        return _inventory_of(rows, question.service)


# -- what is looked up -----------------------------------------------------------------------------------------------


class Inventory:
    """The list of mnemonics, asked for when it is needed, and remembered."""

    def __init__(self, service: MastService) -> None:
        self._metadata = ColumnMetadata(MnemonicSource(service))

    def all(self, deadline: Deadline) -> Mapping[str, Mnemonic]:
        """Return all mnemonics; raises if the archive cannot say."""
        return _typed(self._metadata.known(_INVENTORY) or self._metadata.refresh(_INVENTORY, deadline))

    def of(self, names: Sequence[str], deadline: Deadline) -> list[Mnemonic]:
        """Return some mnemonics; with no more than their names, and a warning, if the archive cannot say."""
        known = _typed(self._metadata.newest(_INVENTORY, deadline))
        if known:
            return [_found(name, known) for name in names]
        warn_user(
            "Could not retrieve the list of mnemonics. Samples are returned without units and descriptions.",
            CorruptDataWarning,
        )
        return [Mnemonic(name.upper()) for name in names]


def _typed(columns: Columns) -> dict[str, Mnemonic]:
    """The mnemonics among columns: all of them are."""
    return {name: column for name, column in columns.items() if isinstance(column, Mnemonic)}


def _found(name: str, known: Mapping[str, Mnemonic]) -> Mnemonic:
    """The mnemonic of a name, in whatever case."""
    found = find_name(name, known)
    if found is not None:
        return known[found]
    said = f"'{name}' is not a mnemonic of the {_INVENTORY}."
    near = closest(name, known) or [each for each in known if name.upper() in each][:3]
    if near:
        raise no_such(said, name, known, near=near)
    raise InvalidArgumentError(f"{said} Use list_mnemonics('*word*') to search names and descriptions.")


def found_mnemonics(known: Mapping[str, Mnemonic], pattern: str | None = None, subsystem: Any = None) -> list[Mnemonic]:
    """Return the mnemonics with a pattern in their name or description, of some subsystems, in order of their names."""
    wanted = _subsystems(subsystem, known)
    fits = _pattern_test("*" if pattern is None else pattern)
    return [
        each
        for _, each in sorted(known.items())
        if each.subsystem in wanted and (fits(each.name) or fits(each.description))
    ]


def _pattern_test(pattern: object) -> Any:
    """What tells whether a text has a pattern in it, whatever the case."""
    text = as_unicode(pattern)
    if not isinstance(text, str) or not text.strip():
        raise InvalidArgumentError(f"pattern must be a string such as '*temp*', or None for all, got {pattern!r}.")
    lowered = text.strip().lower()
    matches = wildcard_test(lowered if "*" in lowered else f"*{lowered}*")
    return lambda each: matches(each.lower())


def _subsystems(given: Any, known: Mapping[str, Mnemonic]) -> set[str]:
    """The subsystems that are meant, all of them if none is given."""
    subsystems = {each.subsystem for each in known.values()}
    if given is None:
        return subsystems
    names = [str(as_unicode(member)).strip() for member in as_members("subsystem", as_unicode(given))]
    there = sorted(filter(None, subsystems))
    said = "subsystem={!r} is not a valid subsystem."
    return {known_name(name, there, said.format(name), listed=True) for name in names}


def mnemonics_table(mnemonics: Sequence[Mnemonic]) -> Table:
    """Return mnemonics as a table, with the archive's names of the columns."""
    texts = {
        name: np.array([getattr(each, part) for each in mnemonics], dtype=np.str_) for name, part in _TEXTS.items()
    }
    table = ResultTable(texts)
    table["tlmIdentifier"] = masked_column([each.identifier for each in mnemonics], "i8")
    return table
