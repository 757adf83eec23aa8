"""Programs, and the addresses of their pages and files at www.stsci.edu.

In: a number, a string such as ``"GO-1783"`` or ``"JWST 1783"``, or a row of a table of observations.
Out: a `ProgramId`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from astropy.table import Row

from ..config import program_pages
from ..exceptions import InvalidArgumentError
from ..query.values import as_unicode, is_integer, is_missing

MISSIONS = ("JWST", "HST")
# A mission, the kind of the program, and its number, with any separators.
_WRITTEN = re.compile(r"(?:(JWST|HST)[\s:_-]*)?(?:[A-Z][A-Z0-9/]*?[A-Z][\s:_#-]*)?0*([1-9]\d{0,5})", re.IGNORECASE)
# The names of files and observations of JWST begin with the number of the program.
_FILE = re.compile(r"jw(\d{5})(?:\D|\d{6}).*", re.IGNORECASE)
_COLUMNS = ("proposal_id", "program", "program_id")
Address = tuple[str, Mapping[str, str]]


@dataclass(frozen=True)
class ProgramId:
    """A program of a mission."""

    mission: str
    number: int

    def __str__(self) -> str:
        """Return the mission and the number."""
        return f"{self.mission} {self.number}"

    @property
    def _folder(self) -> str:
        return self.mission.lower()

    def links(self, server: str) -> dict[str, str]:
        """Return the URLs of the page of the program, its visits, and its proposal."""
        pages, files = program_pages(server, self.mission), f"{server}/{self._folder}/phase2-public"
        return {
            "program_url": f"{pages}/program/?program={self.number}",
            "visits_url": f"{pages}/visits/?program={self.number}",
            "apt_url": f"{files}/{self.apt_name}",
            "pdf_url": f"{files}/{self.number}.pdf",
        }

    @property
    def apt_name(self) -> str:
        """The file name of the proposal for APT."""
        return f"{self.number}.{'aptx' if self.mission == 'JWST' else 'apt'}"

    def program_addresses(self, server: str) -> list[Address]:
        """Return the addresses of the page of the program, the newest first."""
        old = {"id": str(self.number), "observatory": self.mission}
        return [
            (f"{program_pages(server, self.mission)}/program/", {"program": str(self.number)}),
            (f"{server}/cgi-bin/get-proposal-info", old),
        ]

    def visit_addresses(self, server: str) -> list[Address]:
        """Return the addresses of the report of visits: as XML at the new and the old address, then as a page."""
        new, old = f"{program_pages(server, self.mission)}/visits/", f"{server}/cgi-bin/get-visit-status"
        number = str(self.number)
        page = {"markupFormat": "html", "observatory": self.mission, "pi": "1"}
        return [
            (new, {"program": number, "download": "", "pi": "1"}),
            (old, {"id": number, "markupFormat": "xml", "observatory": self.mission}),
            (new, {"program": number, **page}),
            (old, {"id": number, **page}),
        ]

    def file_addresses(self, server: str, kind: str) -> list[str]:
        """Return the addresses of a file of the proposal, ``"apt"`` or ``"pdf"``, the one with a file name first."""
        return [
            self.links(server)[f"{kind}_url"],
            f"{program_pages(server, self.mission)}/download/{self._folder}/{kind}/{self.number}/",
        ]


def as_program(given: Any, mission: str | None = None) -> ProgramId:
    """Return the program that a user specifies; a number alone is a program of JWST."""
    wanted = None if mission is None else known_mission(mission)
    if isinstance(given, Row):
        return _of_row(given, wanted)
    text = as_unicode(given)
    if is_integer(text):
        text = str(int(text))
    if not isinstance(text, str):
        raise InvalidArgumentError(f"program must be a number, a string such as 'JWST 1783', or a row, got {given!r}.")
    named, number = _read(text)
    return ProgramId(_consistent_mission(named, wanted, f"program={given!r} is a program") or MISSIONS[0], number)


def _consistent_mission(named: str | None, wanted: str | None, what: str) -> str | None:
    """Return the mission of a program or the mission that is given; raise if they differ."""
    if named and wanted and named != wanted:
        raise InvalidArgumentError(f"{what} of {named}, which contradicts mission={wanted!r}.")
    return named or wanted


def _read(text: str) -> tuple[str | None, int]:
    """Return the mission, if the text contains it, and the number."""
    found = _FILE.fullmatch(text.strip())
    if found is not None and int(found[1]):
        return MISSIONS[0], int(found[1])
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise InvalidArgumentError(f"program={text!r} is not a valid program. Use 1783 or 'JWST 1783', for example.")
    return None if found[1] is None else found[1].upper(), int(found[2])


def known_mission(given: Any) -> str:
    """Return the name of a mission with programs in upper case."""
    text = str(as_unicode(given)).strip().upper()
    if text not in MISSIONS:
        raise InvalidArgumentError(f"mission must be {' or '.join(map(repr, MISSIONS))}, got {given!r}.")
    return text


def _of_row(row: Row, wanted: str | None) -> ProgramId:
    """Return the program of an observation or a visit."""
    name = next((name for name in _COLUMNS if name in row.colnames and not is_missing(row[name])), None)
    if name is None:
        raise InvalidArgumentError("program is a row without a program: 'proposal_id' is missing or empty.")
    mission = _mission_of(row)
    if mission is not None and mission not in MISSIONS:
        raise InvalidArgumentError(f"program is a row of {mission}. Only programs of JWST and HST have pages.")
    return as_program(str(row[name]), _consistent_mission(mission, wanted, "program is a row"))


def _mission_of(row: Row) -> str | None:
    """Return the mission of an observation, or None if the row does not have it."""
    mission = row["obs_collection"] if "obs_collection" in row.colnames else None
    return None if is_missing(mission) else str(mission).upper()
