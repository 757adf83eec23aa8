"""Mission searches: criteria → requests → table, responses or count; and the columns of a mission.

In: the arguments of one call.  Out: a `~astroquery_mast.missions.search_query.Search`, and its result.  From MAST's
list of a mission's columns: `~astroquery_mast.tables.columns.Column` objects, the table of columns for users, and the
names of selected columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astroquery import log

from ..config import Endpoints, count_setting
from ..exceptions import InputWarning, InvalidArgumentError, InvalidCriterionError, InvalidResponseError, MastError
from ..query.criterion import CriteriaNamespace
from ..query.selection import names_of
from ..service.http import AnswerPage, HttpClient
from ..service.mast_service import ColumnMetadata, MastService
from ..service.resolver import warn_unused_resolver
from ..service.retrying import Deadline
from ..sky.positions import Positions, as_names, as_targets, join_positions
from ..tables.columns import Column, Columns, Kind, did_you_mean, find_column, kind_of
from ..tables.result_table import ResultTable
from ..tables.rows import decoded
from ..warn import warn_no_results, warn_of_limit, warn_user
from .conditions import argument_like, build_conditions, comma_hints
from .known_criteria import mission_criteria
from .responses import ANG_SEP, SearchTable, total_rows
from .search_query import DEFAULT_MISSION_RADIUS, PAGE, Search, SearchRequest, arcseconds, as_options, sorting

KNOWN_MISSIONS = frozenset(
    {"hst", "jwst", "classy", "ullyses", "roman", "roman_spectra", "roman_cgi", "iue", "all_missions"}
)
"""The missions known to this version of the package."""
_NICKNAMES = {"hubble": "hst", "webb": "jwst"}
_DOCS = "MAST mission search"
# URL of the list → the missions listed there.
_LISTED: dict[str, list[str]] = {}
# The documentation page links to the API of each mission.
_MISSION_LINK = re.compile(r"/search/([a-z0-9_]+)/api")
# The column that holds the dataset identifier of a mission, where it is known.
DATASET_COLUMNS: Mapping[str, str] = {
    "hst": "sci_data_set_name",
    "jwst": "fileSetName",
    "roman": "fileSetName",
    "classy": "Target",
    "ullyses": "observation_id",
    "iue": "iue_data_id",
}
# Columns that, with the dataset, identify a row: a JWST file set has several files.
ROW_COLUMNS: Mapping[str, tuple[str, ...]] = {"jwst": ("ArchiveFileID",)}
# MAST's default selection for these missions lacks essential columns, so the package has its own.
_INSTEAD_OF_DEFAULT: Mapping[str, str] = {
    "ullyses": "target_name_ullyses target_classification targ_ra targ_dec host_galaxy_name spectral_type bmv0_mag "
    "u_mag b_mag v_mag gaia_g_mean_mag star_mass instrument grating filter observation_id"
}
# The lists of columns have no units; many descriptions end in ", in degrees" or similar.
_UNIT = re.compile(r"\bin (degrees|seconds|Angstroms?|microns?|arcsec|arcmin|days)\b(?!/)")
_UNIT_NAMES = {"microns": "micron", "days": "d"}


class MissionSearch:
    """Builds and checks mission searches, and returns their tables, responses or counts."""

    def __init__(self, service: MastService) -> None:
        self._service = service
        self._columns = ColumnMetadata(MissionColumns(service.http, service.endpoints))

    def column_list(self, mission: str) -> Table:
        """Return the columns of a mission as a table."""
        return column_list_table(self._columns.known(mission) or self._columns.refresh(mission))

    # -- query ---------------------------------------------------------------------------------------------------

    def criteria(self, mission: str, deadline: Deadline | None = None) -> CriteriaNamespace:
        """Return the criteria of a mission.  Unknown columns are requested from MAST only if a deadline is given."""
        columns = self._columns.known(mission)
        if columns is None and deadline is not None:
            if mission not in KNOWN_MISSIONS:
                self._refuse_unknown(mission, deadline)
            columns = self._columns.refresh(mission, deadline)
        return mission_criteria(mission, columns, self._service.endpoints.server)

    def query(
        self,
        deadline: Deadline,
        *,
        mission: str,
        dataset_column: str | None,
        coordinates: Any = None,
        object_names: Any = None,
        radius: Any = DEFAULT_MISSION_RADIUS,
        resolver: str | None = None,
        limit: int | None = PAGE,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        count_only: bool = False,
        sort_by: str | Iterable[str] | None = None,
        sort_desc: bool | Iterable[bool] | None = None,
        cache: bool | None = None,
        **criteria: Any,
    ) -> Search:
        """Build the search of a call; arguments are checked before names are resolved."""
        options, wanted = as_options(criteria)
        targets = search_targets(coordinates, object_names, radius, wanted)
        arcsec = 0.0 if targets is None else arcseconds(radius)
        columns = self._known_columns(mission, wanted, select_cols, deadline)
        by, descending = sorting(sort_by, sort_desc, columns)
        search = Search(
            mission=mission,
            url=f"{self._service.endpoints.mission(mission)}/search",
            columns=columns,
            # Only the number of targets counts until the names are resolved.
            targets=("",) * len(targets or ()),
            radius=arcsec,
            conditions=build_conditions(wanted, columns),
            limit=limit,
            offset=offset,
            select_cols=selected_columns(select_cols, columns, mission, dataset_column),
            sort_by=by,
            sort_desc=descending,
            count_only=bool(count_only),
            options=options,
            cache=cache,
            hints=comma_hints(wanted, columns),
        )
        if targets:
            search = search.at_targets(self._located_targets(targets, resolver, deadline))
        elif resolver is not None:
            warn_unused_resolver(resolver)
        if limit is None and not count_only:
            search = search.totally_ordered(columns, (dataset_column, *ROW_COLUMNS.get(mission, ())))
        return search

    def _known_columns(
        self, mission: str, criteria: Mapping[str, Any], select_cols: Any, deadline: Deadline
    ) -> Columns:
        """Return the columns of a mission; empty, with a warning if there are criteria that cannot be checked."""
        if isinstance(select_cols, str) and select_cols.strip().lower() in {"all", "*"}:
            # All columns cannot be requested without the list.
            return self._columns.known(mission) or self._columns.refresh(mission, deadline)
        columns = self._columns.newest(mission, deadline)
        if not columns and mission not in KNOWN_MISSIONS:
            self._refuse_unknown(mission, deadline)
        if criteria and not columns:
            warn_user(
                f"Could not retrieve the column list of mission '{mission}'. The criteria "
                f"{', '.join(criteria)} are not validated.",
                InputWarning,
            )
        return columns

    def _refuse_unknown(self, mission: str, deadline: Deadline) -> None:
        """Raise if MAST has no such mission."""
        missions = self.available_missions(deadline)
        if mission not in missions:
            meant = _NICKNAMES.get(mission, mission)
            raise InvalidArgumentError(
                f"'{mission}' is not a valid mission. {did_you_mean(meant, missions, listed=True)}"
            )

    @property
    def _docs(self) -> str:
        """The address of the page that lists the missions."""
        return f"{self._service.endpoints.server}/search/docs"

    def available_missions(self, deadline: Deadline) -> list[str]:
        """Return the missions that can be searched; those known to this package if MAST does not list them."""
        try:
            page = self._service.http.request("GET", self._docs, deadline=deadline, service=_DOCS, attempts=1)
        except MastError as err:
            log.debug("Could not retrieve the list of missions: %s", err)
            return sorted(KNOWN_MISSIONS)
        # Mission names are ASCII, regardless of the declared encoding of the page.
        text = page.content.decode("ascii", "replace")
        _LISTED[self._docs] = sorted(set(_MISSION_LINK.findall(text)) or KNOWN_MISSIONS)
        return self.known_missions()

    def known_missions(self) -> list[str]:
        """Return the missions that the archive has listed in this session, or those known to this package."""
        return list(_LISTED.get(self._docs, ())) or sorted(KNOWN_MISSIONS)

    def _located_targets(self, targets: Positions, resolver: str | None, deadline: Deadline) -> list[str]:
        """Return the positions of all targets, in order.  Of several names, unresolved ones are skipped (warning)."""
        names = list(dict.fromkeys(targets.names.values()))
        if len(names) > 1:
            targets = _with_positions(targets, self._service.resolver.many(names, deadline=deadline, resolver=resolver))
        elif names:
            found = {names[0]: self._service.resolver.one(names[0], deadline=deadline, resolver=resolver)}
            targets = _with_positions(targets, found)
        elif resolver is not None:
            warn_unused_resolver(resolver)
        known = targets.known
        places = zip(targets.ra[known].tolist(), targets.dec[known].tolist(), strict=True)
        # MAST's format: "ra dec" in degrees, ICRS.
        return list(dict.fromkeys(f"{ra} {dec}" for ra, dec in places))

    # -- result --------------------------------------------------------------------------------------------------

    def _pages(self, search: Search, deadline: Deadline) -> Iterator[AnswerPage]:
        """Return the pages of all requests of a search, in order."""
        return self._service.pages_of_all(self._requests(search), deadline=deadline)

    def _requests(self, search: Search) -> list[SearchRequest]:
        """Return the first request of each query."""
        return search.requests(min(PAGE, count_setting("pagesize")))

    def payload(self, search: Search) -> dict[str, object] | list[dict[str, object]]:
        """Return the request, or a list of requests if the targets need several."""
        payloads = [request.as_request().payload() for request in self._requests(search)]
        return payloads[0] if len(payloads) == 1 else payloads

    def responses(self, search: Search, deadline: Deadline) -> requests.Response | list[requests.Response]:
        """Return the responses, or a single response if only one request is needed."""
        answers = [answer.response for answer in self._pages(search, deadline)]
        return answers[0] if search.limit is not None and search.parts == 1 else answers

    def count(self, search: Search, deadline: Deadline) -> int:
        """Return the number of rows."""
        return sum(total_rows(answer.page) for answer in self._pages(search, deadline))

    def table(self, search: Search, deadline: Deadline, *, verbose: bool = False) -> Table:
        """Return the rows; warn if the result is empty, or if there may be more rows."""
        builder, more = SearchTable(search.query, search.columns), False
        for answer in self._pages(search, deadline):
            builder.add(answer.page)
            more = more or search.stops_before_end(answer.page)
        table = builder.table()
        if search.is_exceeded_by(len(table)):
            table, more = table[: search.limit], True
            table.meta["rows"] = [len(table)]
        if more:
            warn_of_limit(len(table))
        if not len(table):
            warn_no_results(search.hints)
        if verbose:
            log.info("%d rows in %.1f s.", len(table), deadline.elapsed())
        return table


def search_targets(coordinates: Any, object_names: Any, radius: Any, criteria: Iterable[str]) -> Positions | None:
    """Return the targets from positions and names, or None; raise if only a radius is given."""
    parts = [] if coordinates is None else [as_targets(coordinates)]
    if object_names is not None:
        parts.append(_object_names(object_names))
    if not parts:
        _refuse_radius(radius, criteria)
        return None
    targets = join_positions(parts)
    if targets.problems:
        raise InvalidArgumentError(f"coordinates has no position in {targets.failures()[0]}. Remove it.")
    return targets


def _refuse_radius(radius: Any, criteria: Iterable[str]) -> None:
    """Raise if a radius is given without a position."""
    if radius is not DEFAULT_MISSION_RADIUS:
        meant = next((f" Did you mean {like} for {name}?" for name in criteria if (like := argument_like(name))), "")
        raise InvalidArgumentError(
            f"radius={radius!r} requires a position. Specify coordinates or object_names as well.{meant}"
        )


def _object_names(given: Any) -> Positions:
    """Return the names of objects; masked names are skipped, with a warning."""
    names = as_names(_name_cells(given))
    if names.problems and names.names:
        warn_user(f"{len(names.problems)} of {len(names)} object names are missing and are skipped.", InputWarning)
    elif names.problems:
        raise InvalidArgumentError("No targets were provided: all object names are missing.")
    return as_names(list(names.names.values()))


def _name_cells(given: Any) -> list[Any]:
    """Return the names in an iterable, or in a text with commas."""
    members = given.split(",") if isinstance(given, str) else given
    if not isinstance(members, Iterable):
        raise InvalidArgumentError(f"Object names must be strings, got {given!r}.")
    cells = [name.strip() if isinstance(name, str) else name for name in members]
    if any(isinstance(cell, str) and not cell for cell in cells):
        raise InvalidArgumentError(f"No targets were provided: {given!r} contains an empty object name.")
    return cells


def _with_positions(targets: Positions, found: Mapping[str, SkyCoord]) -> Positions:
    """Return the same targets with the positions of their names."""
    return targets.resolved({name: (float(at.ra.deg), float(at.dec.deg)) for name, at in found.items()}, {})


# -- columns ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MissionColumns:
    """The columns of missions."""

    http: HttpClient
    endpoints: Endpoints

    def server(self, mission: str) -> str:
        """Return the server of a mission."""
        return self.endpoints.server

    def fetch(self, mission: str, deadline: Deadline) -> Columns:
        """Request the columns of a mission."""
        service = f"The list of columns of mission '{mission}'"
        return self.http.request(
            "GET",
            self.endpoints.mission_columns,
            params={"mission": mission},
            headers={"Accept": "application/json"},
            deadline=deadline,
            service=service,
            attempts=1,
            read=lambda response: columns_of_mission(decoded(response.content, service), mission),
        )


def columns_of_mission(document: object, mission: str) -> dict[str, Column]:
    """Read MAST's list of the columns of a mission."""
    if not isinstance(document, list) or not all(_is_column(entry) for entry in document):
        raise InvalidResponseError(f"MAST returned an unreadable column list for mission '{mission}'.")
    if not document:
        raise InvalidResponseError(f"MAST lists no columns for mission '{mission}'. Check the name of the mission.")
    return {str(entry["column_name"]): _column(entry) for entry in document}


def _is_column(entry: object) -> bool:
    return isinstance(entry, Mapping) and bool(entry.get("column_name"))


def _column(entry: Mapping[str, object]) -> Column:
    """Make a column from its entry in MAST's list."""

    def text(key: str) -> str:
        value = entry.get(key)
        return value.strip() if isinstance(value, str) else ""

    name, description = text("column_name"), text("description")
    type_name = text("qual_type") or text("datatype")
    numeric = kind_of(type_name) in {Kind.FLOAT, Kind.INTEGER}
    return Column(
        name=name,
        label=text("field_name") or name,
        type_name=type_name,
        unit=ANG_SEP.unit if name == ANG_SEP.name else text("unit") or (_unit_in(description) if numeric else ""),
        description=description,
        is_time=numeric and (name.lower().endswith("mjd") or "modified julian" in description.lower()),
        hidden=text("queryable").lower() == "no",
    )


def _unit_in(description: str) -> str:
    """Return the unit in a description; empty if there is none, or more than one."""
    found = set(_UNIT.findall(description))
    unit = found.pop() if len(found) == 1 else ""
    return _UNIT_NAMES.get(unit, unit)


def column_list_table(columns: Columns) -> Table:
    """Return the columns of a mission as a table for users."""
    rows = [(column.name, column.type_name, column.description) for column in columns.values()]
    return ResultTable(rows=rows, names=["name", "data_type", "description"])


def selected_columns(
    wanted: str | Iterable[str] | None, columns: Columns, mission: str, dataset_column: str | None
) -> list[str] | None:
    """Return the names of the columns to request; None for MAST's default selection."""
    if wanted is None:
        return _INSTEAD_OF_DEFAULT[mission].split() if mission in _INSTEAD_OF_DEFAULT else None
    names = names_of(wanted, "select_cols")
    if not names or [name.lower() for name in names] == ["all"]:
        return list(columns)
    found = list(filter(None, (_spelled(name, columns) for name in names)))
    if not found:
        raise InvalidCriterionError(
            f"select_cols={wanted!r} contains no column of mission '{mission}'. Omit it for the default "
            "columns, or see get_column_list()."
        )
    return list(dict.fromkeys([*found, *filter(None, [dataset_column])]))


def _spelled(name: str, columns: Columns) -> str | None:
    """Return a column name as MAST spells it, or None with a warning if there is no such column."""
    if not columns:
        return name
    column = find_column(name, columns)
    if column is not None:
        return column.name
    warn_user(f"Column '{name}' not found. {did_you_mean(name, columns)}", InputWarning)
    return None
