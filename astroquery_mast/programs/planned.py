"""Observations that are approved but not yet executed.

In: a position, instruments, filters.  Out: a `PlannedTable`, which shows a caveat wherever it is displayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Table
from astroquery import log

from ..exceptions import InvalidQueryError
from ..observations.associations.belonging import PLANNED
from ..observations.search import CAOM_CONE, Place, QueryArguments
from ..products.file_names import rows_where
from ..query.selection import first_rows, row_limit
from ..query.values import is_missing, members_of
from ..service.mast_service import MastService
from ..service.parallel import RunOptions
from ..sky.radii import DEFAULT_RADIUS
from ..tables.columns import plain_cells
from ..tables.mashup import reading
from ..tables.result_table import ResultTable
from ..tables.rows import Array
from ..warn import warn_no_results
from .fields import FieldSearch
from .program import known_mission
from .setups import as_filters, as_instrument, effective_elements, elements_of

CAVEAT = (
    "Planned observations: footprints are approximate (especially for mosaics and parallels), the telescope "
    "roll is unknown, and plans may change. For slits, apertures and dates, see the APT file "
    "(Programs.download_apt)."
)


class PlannedTable(ResultTable):
    """A table of planned observations, which is displayed with a caveat."""

    def __str__(self) -> str:
        """Return the table and the caveat as text."""
        return f"{super().__str__()}\n{CAVEAT}"

    def _repr_html_(self) -> str:
        """Return the table and the caveat as HTML for notebooks."""
        return f"{super()._repr_html_()}<p><i>{CAVEAT}</i></p>"


@dataclass(frozen=True)
class SetupFilter:
    """A filter by instrument and optical elements, of which MAST applies one part, and this package the rest."""

    instruments: tuple[str, ...]
    filters: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, instrument: Any, filters: Any, mission: str) -> SetupFilter:
        """Return the filter that a user specifies."""
        if mission != "JWST":
            return cls(_as_texts("instrument", instrument), tuple(map(elements_of, _as_texts("filters", filters))))
        names = () if instrument is None else tuple(map(as_instrument, _as_texts("instrument", instrument)))
        alone = names[0] if len(names) == 1 else None
        return cls(names, () if filters is None else tuple(as_filters(filters, alone)))

    def criteria(self) -> dict[str, Any]:
        """Return the criteria that MAST can apply."""
        criteria: dict[str, Any] = {}
        if len(self.instruments) == 1:
            criteria["instrument_name"] = f"{self.instruments[0]}*"
        if self.filters:
            # One element of a combination is sufficient here.  The others are checked in the result.
            criteria["filters"] = sorted({min(each, key=_openness) for each in self.filters})
        return criteria

    def matching(self, table: Table) -> Table:
        """Return the rows that match."""
        if self.instruments:
            table = rows_where(table, self._has_instrument, "instrument_name")
        return rows_where(table, self._has_filter, "filters") if self.filters else table

    def _has_instrument(self, name: str) -> bool:
        """Return whether an instrument matches."""
        return any(_is_mode(name.upper(), wanted) for wanted in self.instruments)

    def _has_filter(self, filters: str) -> bool:
        """Return whether optical elements include one of the combinations."""
        return any(wanted <= elements_of(filters) for wanted in self.filters)


def _as_texts(name: str, given: Any) -> tuple[str, ...]:
    """Return one name or a list of names as a tuple."""
    if given is None:
        return ()
    found = tuple(members_of(given))
    if not found or not all(isinstance(each, str) and each.strip() for each in found):
        raise InvalidQueryError(f"{name} must be a name or a list of names, got {given!r}.")
    return found


def _openness(token: str) -> tuple[bool, str]:
    """Return a sort key by which elements that block part of the light come first."""
    return not effective_elements(token), token


def _is_mode(name: str, wanted: str) -> bool:
    """Return whether an instrument is the wanted one, in any mode unless a mode is specified."""
    return name == wanted.upper() or name.startswith(f"{wanted.upper().rstrip('/')}/")


class PlannedSearch:
    """Searches for planned observations."""

    def __init__(self, service: MastService) -> None:
        self._service = service
        self._fields = FieldSearch(service)

    def table(
        self, place: Place, setup: SetupFilter, criteria: Mapping[str, Any], options: RunOptions, limit: int | None
    ) -> PlannedTable:
        """Return planned observations, with a warning if there are none."""
        deadline, wanted = self._service.deadline(options.timeout), row_limit(limit)
        combined = {**criteria, **setup.criteria()}
        if place.given:
            targets = self._fields.targets(place, deadline)
            table = self._fields.table(targets, combined, options, deadline)
        else:
            if place.radius is not DEFAULT_RADIUS:
                raise InvalidQueryError(
                    f"radius={place.radius!r} requires a position. Specify coordinates or object_name."
                )
            query = self._fields.search.query_anywhere(QueryArguments(Place(), combined))
            table = self._service.table(self._fields.search.request(query), deadline=deadline, columns_id=CAOM_CONE)
        with reading(CAOM_CONE):
            table = as_planned(setup.matching(table[is_unexecuted(table)]))
        if wanted is not None:
            table = as_planned(first_rows(table, wanted))
        if options.verbose:
            log.info("%d planned observations in %.1f s. %s", len(table), deadline.elapsed(), CAVEAT)
        if not len(table):
            warn_no_results(self._hints(combined, place))
        return table

    def _hints(self, combined: Mapping[str, Any], place: Place) -> list[str]:
        """Return advice for an empty result."""
        if place.given:
            return [
                "No planned observations found. Try a larger radius, or use Observations for executed observations."
            ]
        return self._fields.search.hints(self._fields.search.query_anywhere(QueryArguments(Place(), combined)).criteria)


def planned_criteria(mission: str, others: Mapping[str, Any]) -> dict[str, Any]:
    """Return the criteria for all planned observations of a mission, together with those of the user."""
    collection = known_mission(mission)
    fixed = next((name for name in others if name.lower() in {"calib_level", "obs_collection"}), None)
    if fixed is not None:
        raise InvalidQueryError(
            f"{fixed} cannot be used as a criterion here. Planned observations always have calib_level -1. "
            "To select the mission, use mission=."
        )
    intent = {} if any(name.lower() == "intenttype" for name in others) else {"intentType": "science"}
    return {"obs_collection": collection, "calib_level": PLANNED, **intent, **others}


def is_unexecuted(table: Table) -> Array:
    """Return which rows are unexecuted observations, including those with a masked level."""
    levels = plain_cells(table["calib_level"]) if len(table) else []
    return np.array([is_planned(level) for level in levels], dtype=bool)


def is_planned(level: Any) -> bool:
    """Return whether a calibration level is that of an unexecuted observation."""
    return is_missing(level) or int(level) == PLANNED


def as_planned(table: Table) -> PlannedTable:
    """Return observations as a table with the caveat."""
    planned = PlannedTable(table, copy=False)
    planned.meta = table.meta.copy()
    planned.meta["caveat"] = [CAVEAT]
    planned.meta["rows"] = [len(planned)]
    return planned
