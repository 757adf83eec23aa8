"""Collections of high-level science products (HLSP): the numbers of their observations, and known facts about them.

In: names of collections and missions.  Out: a table of collections; for one that the MAST search does not include, an
error that gives its page and its scripts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from astropy import units as u
from astropy.table import Table
from astroquery import log

from ...exceptions import InvalidArgumentError, InvalidQueryError, MastError
from ...products.manifest import masked_column
from ...query.adql import quoted
from ...query.selection import names_of
from ...service.mast_service import MastService
from ...service.parallel import map_all
from ...service.retrying import Deadline
from ...tables.columns import closest, find_name, known_name, no_such, plain_cells
from ...tables.mashup import reading
from ...tables.result_table import ResultTable
from ...vo.discovery import Discovery
from ...vo.tap import TapService
from ..search import ObservationSearch
from .facts import hlsp_facts, known_names, telescopes_in
from .page import HlspPage, fetch_page

COLLECTION = "HLSP"
# The maximum number of pages in a warning.
_MOST_PAGES = 3
_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
_SPELLED = {"HST": "HST", "JWST": "JWST", "TESS": "TESS", "KEPLER": "Kepler", "K2": "K2", "GALEX": "GALEX"}
_GROUPED = (
    "SELECT provenance_name, instrument_name, COUNT(*) AS observations, MIN(obs_id) AS example "
    "FROM dbo.obspointing WHERE {} GROUP BY provenance_name, instrument_name"
)


@dataclass
class _Held:
    """The observations of a collection at MAST: their number and missions."""

    observations: int = 0
    missions: set[str] = field(default_factory=set)

    def add(self, number: int, obs_id: str) -> None:
        """Add a number of observations; ``obs_id`` is the name of one of them, which contains the mission."""
        self.observations += number
        self.missions.update(_SPELLED.get(each, each) for each in telescopes_in(obs_id))


def collection_names(given: Any, argument: str) -> list[str]:
    """Return the collection names that a user gives, without the ``hlsp_`` prefix of file names."""
    names = [re.sub("^hlsp_", "", name.strip(), flags=re.IGNORECASE) for name in names_of(given, argument)]
    for name in names:
        if not _NAME.fullmatch(name):
            raise InvalidArgumentError(f"{argument} must be the name of a collection, such as 'QLP', got {name!r}.")
    return list(dict.fromkeys(names))


class HlspCollections:
    """Queries MAST for the collections of high-level science products."""

    def __init__(self, service: MastService, search: ObservationSearch) -> None:
        self._service = service
        self._search = search
        self._discovery = Discovery(service)

    def listed(self, name: Any, mission: Any, timeout: float | u.Quantity | None) -> Table:
        """Return a table of collections with known facts; for those given by name, also what their pages say."""
        deadline = self._service.deadline(timeout)
        names, missions = collection_names(name, "name"), names_of(mission, "mission")
        tap, _ = self._discovery.place("caom", deadline)
        held, adql = self._held(names, tap, deadline)
        pages = self._pages(names, deadline)
        for each in names:
            if find_name(each, held) is None:
                if pages.get(each) is None:
                    raise self._unknown(each, deadline)
                held[hlsp_facts(each).name] = _Held()
        kept = _of_missions(held, missions)
        found = {key: page for each, page in pages.items() if page and (key := find_name(each, kept))}
        table = _table(kept, found, self._service.endpoints.hlsp_page)
        table.meta = {"rows": [len(table)], "adql": [adql], "service": [tap.url]}
        return table

    def _held(self, names: Sequence[str], tap: TapService, deadline: Deadline) -> tuple[dict[str, _Held], str]:
        """Return the observations of each collection, and the ADQL of the query."""
        which = f" AND provenance_name IN ({', '.join(map(quoted, names))})" if names else ""
        adql = _GROUPED.format(f"obs_collection = {quoted(COLLECTION)}{which}")
        rows = tap.rows(adql, deadline)
        held: dict[str, _Held] = {}
        with reading(tap.what):
            cells = [plain_cells(rows[column]) for column in ("provenance_name", "observations", "example")]
            for collection, number, example in zip(*cells, strict=True):
                if collection:
                    held.setdefault(str(collection), _Held()).add(int(number), str(example or ""))
        return dict(sorted(held.items(), key=lambda item: item[0].upper())), adql

    def _pages(self, names: Sequence[str], deadline: Deadline) -> dict[str, HlspPage | None]:
        """Return the pages of collections, None where there is no page; pages that cannot be read now are omitted."""

        def fetch(name: str) -> HlspPage | MastError | None:
            try:
                return fetch_page(self._service.http, self._service.endpoints.hlsp_page(name), deadline)
            except MastError as err:
                return err

        found = dict(zip(names, map_all(deadline, fetch, names), strict=True))
        for name, page in found.items():
            if isinstance(page, MastError):
                log.warning("Cannot read the page of %s: %s", name, page)
        return {name: page for name, page in found.items() if not isinstance(page, MastError)}

    def _unknown(self, name: str, deadline: Deadline) -> InvalidQueryError:
        """Return the error for a name that is not a known collection."""
        values = self._search.values(deadline).get("provenance_name", {})
        if find_name(name, values) is not None:
            return InvalidArgumentError(
                f"'{name}' is not a collection of high-level science products. Use "
                f"query_criteria(provenance_name='{name}') to find its observations."
            )
        near = closest(name, [*values, *(each for each in known_names() if each not in values)])
        said = f"'{name}' is not a collection of high-level science products."
        if not near:
            return InvalidArgumentError(f"{said} list_hlsp() lists the names.")
        return no_such(said, name, values, near=near)

    def elsewhere(self, names: Sequence[str]) -> list[str]:
        """Return a hint with the pages of collections, since the MAST search may lack some of their observations."""
        pages = ", ".join(map(self._service.endpoints.hlsp_page, names[:_MOST_PAGES]))
        return [f"For files that are not in the search, see the page of the collection: {pages}"] if pages else []

    def not_in_search(self, name: str, deadline: Deadline) -> InvalidQueryError:
        """Return the error for a collection that the MAST search does not include."""
        url = self._service.endpoints.hlsp_page(name)
        try:
            page = fetch_page(self._service.http, url, deadline)
        except MastError as err:
            return InvalidArgumentError(
                f"The MAST search has no observations of '{name}'. Its page may be {url}, but it could not "
                f"be read: {err}"
            )
        if page is None:
            return self._unknown(name, deadline)
        bulk = (
            f"Scripts for bulk downloads: {', '.join(page.scripts)}." if page.scripts else "The page lists no scripts."
        )
        return InvalidArgumentError(
            f"The MAST search has no observations of '{name}'. See its page for the files: {url}. {bulk}"
        )


def _of_missions(held: Mapping[str, _Held], missions: Sequence[str]) -> dict[str, _Held]:
    """Return the collections of some missions, or all collections if none are given; raise for an unknown mission."""
    if not missions:
        return dict(held)
    there = sorted({mission for each in held.values() for mission in each.missions})
    wanted = {known_name(each, there, f"No collection found for mission '{each}'.", listed=True) for each in missions}
    return {name: each for name, each in held.items() if each.missions & wanted}


_COLUMNS = {
    "name": ("U", "Collection, the provenance_name of its observations"),
    "missions": ("U", "Missions whose data were used"),
    "observations": ("i8", "Number of observations in the MAST search"),
    "title": ("U", "Title, if known"),
    "doi": ("U", "Digital object identifier, if known"),
    "page": ("U", "Page of the collection"),
    "source": ("U", "Source of title and DOI"),
}


def _table(held: Mapping[str, _Held], pages: Mapping[str, HlspPage], page_of: Callable[[str], str]) -> Table:
    """Return a table with one row per collection."""
    rows = [(*_about(name, each, pages.get(name)), page_of(name)) for name, each in held.items()]
    order = ("name", "missions", "observations", "title", "doi", "source", "page")
    cells = dict(zip(order, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(order, ())
    table = ResultTable(masked=True)
    for name, (dtype, description) in _COLUMNS.items():
        table[name] = masked_column(cells[name], dtype, description=description)
    return table


def _about(name: str, held: _Held, page: HlspPage | None) -> tuple[Any, ...]:
    """Return a row of the table: observations, title and DOI of a collection, and the source of the title and DOI."""
    known, missions = hlsp_facts(name), ";".join(sorted(held.missions)) or None
    if page is None or page.doi is None:
        return name, missions, held.observations, known.title, known.doi, known.source
    return name, missions, held.observations, known.title, page.doi, page.url
