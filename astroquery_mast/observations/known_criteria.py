"""The criteria of observations, with the values known without a request.

In: the columns and values known in this session, and ``known_criteria.json``, which has the groups in which criteria
are shown and the values known to the package, with their sources.  Out: one object with all criteria, which has a
display.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

from astropy import units as u

from ..query.criterion import CriteriaNamespace, CriteriaSource, Criterion, portal_forms
from ..service.mast_service import MastService
from ..tables.columns import Columns, snapshot
from .search import CAOM_CONE, KNOWN_VALUES, OBSERVATION_ARGUMENTS, ObservationSearch
from .values import counted

_HINT = (
    'Observations.help("filters") describes one criterion, with examples and known values. To search by '
    "position, use coordinates, object_name or region, with radius."
)


@cache
def _facts() -> Mapping[str, Any]:
    """Return the groups of criteria and the known values."""
    text = resources.files("astroquery_mast.observations").joinpath("known_criteria.json").read_text("utf-8")
    facts: Mapping[str, Any] = json.loads(text)
    return facts


class ObservationCriteria:
    """Describes the criteria of observations."""

    def __init__(self, service: MastService, search: ObservationSearch) -> None:
        self._service = service
        self._search = search

    def every(self) -> CriteriaNamespace:
        """Return all criteria, as known without a request."""
        server = self._service.endpoints.server
        columns = self._service.columns.known(CAOM_CONE) or {}
        since, listed = KNOWN_VALUES.get(server, (0.0, {}))
        made = _MADE.get(server)
        # Kept because each completion with Tab needs them, and MAST may have listed very many values.
        if made is None or made[0] is not columns or made[1] != since:
            made = _MADE[server] = columns, since, _criteria(server, columns, listed)
        return made[2]

    def help(
        self, name: str | None, *, values: bool, timeout: float | u.Quantity | None
    ) -> Criterion | CriteriaNamespace:
        """Return one criterion, or all criteria; with ``values``, query MAST for the values, at most once an hour."""
        if name is not None:
            self.every()[name]  # raise before any request is sent
        if values:
            self._search.values(self._service.deadline(timeout))
        every = self.every()
        return every if name is None else every[name]


# Server → columns and time of the values of the latest criteria, and these criteria.
_MADE: dict[str, tuple[Columns, float, CriteriaNamespace]] = {}


def _criteria(server: str, columns: Columns, listed: Mapping[str, Mapping[str, int]]) -> CriteriaNamespace:
    """Return the criteria for a server, from its columns and the values it has listed."""
    values = {**_facts()["values"], **_listed_values(listed, columns)}

    def note(name: str) -> str:
        if name in listed:
            return f"As listed by {server} in this session, most frequent first."
        if name in values:
            return f'Known to this version of the package. help("{name}", values=True) queries MAST.'
        return ""

    source = CriteriaSource(
        title=f"Criteria of Observations.query_criteria, at {server}",
        call="Observations.query_criteria",
        forms=portal_forms,
        groups=_facts()["groups"],
        values=values,
        note=note,
        hint=_HINT,
        arguments=OBSERVATION_ARGUMENTS,
    )
    return CriteriaNamespace(_with_own_examples(columns), source)


def _with_own_examples(columns: Columns) -> Columns:
    """Return the columns with the package's own examples, because MAST's examples are full sentences."""
    own = snapshot()[CAOM_CONE]
    return {name: replace(each, example=own[name].example if name in own else "") for name, each in columns.items()}


def _listed_values(listed: Mapping[str, Mapping[str, int]], columns: Columns) -> dict[str, Sequence[Any]]:
    """Return the values that MAST has listed, split where a cell has several values."""
    return {
        name: tuple(counted(cells.items(), columns[name]))
        for name, cells in listed.items()
        if name in columns and not columns[name].continuous
    }
