"""Duplications: observations of the same field as proposed ones, compared in mode, passband and depth.

In: targets, and the setups proposed for them.  Out: a table with a grade, and the reason for it, for each pair of a
target and an observation.  The tests are those of MAST's notebooks on duplications.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import MaskedColumn, Row, Table
from astroquery import log

from ..exceptions import InvalidArgumentError
from ..observations.associations.belonging import COMBINED, PLANNED
from ..observations.search import CAOM_CONE, Place
from ..products.manifest import text_column
from ..query.values import as_unicode, is_missing
from ..service.mast_service import MastService
from ..service.parallel import RunOptions
from ..sky.position import as_radius
from ..tables.columns import plain_cells
from ..tables.dataframes import as_astropy
from ..tables.mashup import reading
from ..tables.result_table import ResultTable
from ..tables.rows import Array
from ..warn import warn_no_results
from .comparison import (
    NO,
    POSSIBLE,
    Answer,
    FieldTest,
    ProposedSetup,
    compare_depth,
    compare_mode,
    compare_passband,
)
from .fields import ARCSEC, FieldSearch, FieldTargets, forget_targets
from .planned import PlannedTable, as_planned, is_planned
from .program import as_program
from .setups import field_of, known_setups

GRADES = ("duplication", "possible", "unlikely")
# The columns of an observation in the result, after the grade.
_COLUMNS = (
    "obs_id",
    "proposal_id",
    "proposal_pi",
    "target_name",
    "instrument_name",
    "filters",
    "t_exptime",
    "calib_level",
    "t_min",
    "t_obs_release",
    "s_ra",
    "s_dec",
    "s_region",
    "obsid",
)
_QUESTIONS = ("same_field", "same_mode", "same_passband", "same_depth")
_LINKS = ("program_url", "visits_url", "apt_url", "pdf_url")
_PROPOSED = ("instrument", "filters", "exptime")
# The columns that identify a product of level 3.
_PRODUCT = ("input_row", "proposal_id", "instrument_name", "filters", "target_name")


@dataclass(frozen=True)
class Proposed:
    """Targets, and what is proposed for all of them or, in the columns of a table, for each."""

    targets: Any
    instrument: Any = None
    filters: Any = None
    exptime: Any = None
    radius: Any = None
    resolver: str | None = None

    def setups(self, number: int) -> list[ProposedSetup]:
        """Return the setup that is proposed for each target."""
        given = {name: getattr(self, name) for name in _PROPOSED}
        common = ProposedSetup.of(*given.values())
        own = self._columns([name for name, value in given.items() if value is None])
        if not own:
            return [common] * number
        rows = ({**given, **{name: _cell(column, row) for name, column in own.items()}} for row in range(number))
        return [ProposedSetup.of(*row.values()) for row in rows]

    def _columns(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the columns of a table of targets that specify a setup for each."""
        table = as_astropy(Table(self.targets, masked=True) if isinstance(self.targets, Row) else self.targets)
        if not isinstance(table, Table):
            return {}
        columns = {name.lower(): name for name in table.colnames}
        return {name: table[columns[name]] for name in names if name in columns}

    def place(self, setups: Sequence[ProposedSetup]) -> Place:
        """Return the search region; the default radius is the distance at which two fields can touch."""
        name, given = _kind_of(self.targets)
        if self.radius is not None:
            radius = as_radius(self.radius)
        else:
            own = max(field_of(each.instrument or "")[0] for each in setups)
            radius = (own + field_of("")[0]) * u.arcsec
        return Place(**{name: given}, radius=radius, resolver=self.resolver)


def _cell(column: Any, row: int) -> Any:
    """Return a cell of a user's table with its unit."""
    value = column[row]
    unit = getattr(column, "unit", None)
    return value if is_missing(value) or isinstance(value, u.Quantity) or unit is None else float(value) * unit


def _kind_of(targets: Any) -> tuple[str, Any]:
    """Return the argument for the targets, which are names or positions, and the targets; a row becomes a table."""
    if isinstance(targets, Row):
        return "coordinates", Table(targets, masked=True)
    names = _texts_in(targets)
    return ("object_name", names) if names else ("coordinates", targets)


def _texts_in(targets: Any) -> list[str]:
    """Return the names in a list; an empty list if a member is not a name."""
    names = list(map(as_unicode, targets)) if isinstance(targets, list | tuple | set | np.ndarray) else []
    return names if all(isinstance(each, str) for each in names) else []  # type: ignore[return-value]


def _number_of(targets: Any) -> int:
    """Return the number of targets."""
    given = _kind_of(targets)[1]
    if isinstance(given, str) or getattr(given, "isscalar", False):
        return 1
    try:
        number = len(given)
    except TypeError:
        number = 0
    if not number:
        raise InvalidArgumentError(f"targets must be names, positions or a table of them, got {targets!r}.")
    return number


# -- the search ------------------------------------------------------------------------------------------------------


class DuplicationSearch:
    """Searches for possible duplications, and compares them."""

    def __init__(self, service: MastService) -> None:
        self._service = service
        self._fields = FieldSearch(service)

    def table(self, proposed: Proposed, options: RunOptions, *, planned_only: bool) -> PlannedTable:
        """Return the graded table, with a warning if it is empty."""
        deadline = self._service.deadline(options.timeout)
        setups = proposed.setups(_number_of(proposed.targets))
        targets = self._fields.targets(proposed.place(setups), deadline)
        level = {"calib_level": PLANNED} if planned_only else {}
        criteria = {"obs_collection": "JWST", "intentType": "science", **level}
        # The result must have the rows of the targets even for a single target.
        found = self._fields.table(replace(targets, many=True), criteria, options, deadline)
        with reading(CAOM_CONE):
            graded = _graded(_products(found), targets, setups, self._service.endpoints.programs_server)
        if not targets.many:
            forget_targets(graded)
        if options.verbose:
            counts = Counter(graded["grade"].tolist())
            log.info("%s.", ", ".join(f"{counts[grade]} {grade}" for grade in GRADES))
        if not len(graded):
            warn_no_results(["No executed or planned JWST observation is close enough to be a duplication."])
        return graded


def _products(found: Table) -> Table:
    """Return the rows, except exposures that are part of a level 3 product; an empty table gets its columns."""
    if not len(found):
        return _without_rows(found)
    kinds = zip(*(plain_cells(found[name]) for name in _PRODUCT), strict=True)
    pairs = list(zip(kinds, map(_level, plain_cells(found["calib_level"])), strict=True))
    combined = {kind for kind, level in pairs if level >= COMBINED}
    return found[np.array([not 0 <= level < COMBINED or kind not in combined for kind, level in pairs], dtype=bool)]


def _level(level: Any) -> int:
    """Return a calibration level, below zero for planned observations."""
    return PLANNED if is_planned(level) else int(level)


def _without_rows(found: Table) -> Table:
    """Return the same table, with the columns that are compared."""
    for name in ("input_row", "s_ra", "s_dec"):
        found[name] = MaskedColumn(np.zeros(0), dtype=int if name == "input_row" else float)
    for name in ("s_region", "proposal_id", "calib_level"):
        found[name] = MaskedColumn(np.zeros(0), dtype=str)
    return found


def _graded(found: Table, targets: FieldTargets, setups: Sequence[ProposedSetup], server: str) -> PlannedTable:
    """Return the observations with the results of the tests, the most likely duplications first."""
    fields = FieldTest(found, targets)
    owners = np.array(found["input_row"], dtype=int)
    answers = [_answers(fields, place, row, setups[owners[place]]) for place, row in enumerate(found)]
    grades = np.array(list(map(_grade, answers)), dtype=int)
    table = ResultTable(masked=True)
    table["input_row"] = found["input_row"]
    table["target"] = text_column([targets.names.get(int(owner), "") for owner in owners], "Target, as specified")
    table["grade"] = text_column([GRADES[grade] for grade in grades], "Likelihood of a duplication")
    table["reason"] = text_column(list(map(_reason, answers)), "Explanation")
    for place, name in enumerate(_QUESTIONS):
        table[name] = text_column([each[place].verdict for each in answers], "yes, possible or no")
    table["planned"] = np.array(list(map(is_planned, plain_cells(found["calib_level"]))), dtype=bool)
    table["separation"] = _separations(fields.separation)
    for name in filter(found.colnames.__contains__, _COLUMNS):
        table[name] = found[name]
    _add_links(table, server)
    table.meta = {**found.meta, "source": [known_setups()["source"]]}
    return as_planned(table[np.lexsort((np.nan_to_num(fields.separation), owners, _doubts(answers), grades))])


def _answers(fields: FieldTest, place: int, row: Row, own: ProposedSetup) -> tuple[Answer, ...]:
    """Return the answers of all tests for one observation."""
    return fields.answer(place, own), compare_mode(row, own), compare_passband(row, own), compare_depth(row, own)


def _separations(radians: Array) -> MaskedColumn:
    """Return the column of separations, masked where a separation is unknown."""
    about = "Distance from the target to the center of the observation"
    values = np.nan_to_num(radians * ARCSEC)
    return MaskedColumn(values, mask=~np.isfinite(radians), unit=u.arcsec, description=about)


def _reason(answers: Iterable[Answer]) -> str:
    return "; ".join(answer.reason for answer in answers if answer.reason)


def _add_links(table: Table, server: str) -> None:
    """Add the columns with links."""
    links = [_links(number, server) for number in plain_cells(table["proposal_id"])]
    for name in _LINKS:
        table[name] = text_column([each.get(name, "") for each in links], "URL with more information")


def _links(number: Any, server: str) -> Mapping[str, str]:
    """Return the links of a program; none if the number is not valid."""
    try:
        return as_program(None if is_missing(number) else str(number), "JWST").links(server)
    except InvalidArgumentError:
        return {}


def _doubts(answers: Sequence[Iterable[Answer]]) -> Array:
    """Return how unlikely a duplication is: first by the number of "no", then by the number of "possible"."""
    weights = {NO: len(_QUESTIONS) + 1, POSSIBLE: 1}
    return np.array([sum(weights.get(answer.verdict, 0) for answer in each) for each in answers], dtype=int)


def _grade(answers: Iterable[Answer]) -> int:
    """Return the index of the grade in `GRADES`."""
    verdicts = {answer.verdict for answer in answers}
    return 2 if NO in verdicts else 1 if POSSIBLE in verdicts else 0
