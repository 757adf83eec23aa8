"""What proposed observations may duplicate: observations of the same field, compared in mode, passband and depth.

In: targets and what is proposed for them.  Out: a table with a grade and the reason for it in words for each pair of a
target and an observation.  The questions are those of MAST's notebooks on duplications; the answers are "yes",
"possible" or "no", and none where nothing was given to compare.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from astropy import units as u
from astropy.table import MaskedColumn, Row, Table
from astroquery import log

from ..exceptions import InvalidArgumentError
from ..observations.search import CAOM_CONE, Place
from ..query.values import as_unicode, is_missing
from ..service.mast_service import MastService
from ..service.parallel import RunOptions
from ..sky.outlines import Outlines, outlines_of
from ..sky.position import as_radius
from ..sky.region_filter import shapes_of
from ..sky.sphere import separation, unit_vectors
from ..tables.columns import plain_cells, plain_floats
from ..tables.dataframes import as_astropy
from ..tables.mashup import reading
from ..warn import warn_no_results
from .fields import FieldSearch, FieldTargets
from .planned import PlannedTable, as_planned, is_planned
from .program import as_program
from .setups import (
    as_filters,
    as_instrument,
    effective_tokens,
    family_of,
    field_of,
    known_setups,
    overlap,
    overlaps_enough,
    passband,
    tokens_of,
)

YES, POSSIBLE, NO = "yes", "possible", "no"
GRADES = ("duplication", "possible", "unlikely")
# An observation of at least half the time is as deep, and one of less than a quarter is not.
_AS_DEEP, _SHALLOWER = 0.5, 0.25
_NM = 1000.0
_ARCSEC = math.degrees(1) * 3600
# What the answer has of an observation, behind the verdict on it.
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


class Answer(NamedTuple):
    """The answer to one of the questions, and why; the answer is empty if it was not asked."""

    verdict: str
    reason: str


_UNASKED = Answer("", "")


@dataclass(frozen=True)
class Exposure:
    """What is proposed for one target."""

    instrument: str | None = None
    filters: tuple[frozenset[str], ...] = ()
    seconds: float | None = None

    @classmethod
    def of(cls, instrument: Any, filters: Any, exptime: Any) -> Exposure:
        """Read what the user wrote."""
        name = None if is_missing(instrument) else as_instrument(instrument)
        wanted = () if is_missing(filters) else tuple(as_filters(filters, name))
        return cls(name, wanted, None if is_missing(exptime) else _seconds(exptime))


@dataclass(frozen=True)
class Proposed:
    """Targets, and what is proposed for all of them or, in the columns of a table, for each."""

    targets: Any
    instrument: Any = None
    filters: Any = None
    exptime: Any = None
    radius: Any = None
    resolver: str | None = None

    def exposures(self, number: int) -> list[Exposure]:
        """Return what is proposed for each target."""
        table = as_astropy(self.targets)
        given = {"instrument": self.instrument, "filters": self.filters, "exptime": self.exptime}
        columns = {} if not isinstance(table, Table) else {name.lower(): name for name in table.colnames}
        own = {name: table[columns[name]] for name, value in given.items() if value is None and name in columns}
        whole = Exposure.of(*(given[name] for name in given))
        if not own:
            return [whole] * number
        rows = [{**given, **{name: _cell(column, row) for name, column in own.items()}} for row in range(number)]
        return [Exposure.of(*(row[name] for name in given)) for row in rows]

    def place(self, exposures: Sequence[Exposure]) -> Place:
        """Return where to look: as far as two fields can touch, if no radius is given."""
        name, given = _kind_of(self.targets)
        if self.radius is not None:
            radius = as_radius(self.radius)
        else:
            largest = field_of("")[0]
            own = max(field_of(each.instrument or "")[0] for each in exposures)
            radius = (own + largest) * u.arcsec
        return Place(**{name: given}, radius=radius, resolver=self.resolver)


def _cell(column: Any, row: int) -> Any:
    """A cell of a user's table with its unit."""
    value = column[row]
    unit = getattr(column, "unit", None)
    return value if is_missing(value) or isinstance(value, u.Quantity) or unit is None else float(value) * unit


def _seconds(exptime: Any) -> float:
    """An exposure time in seconds."""
    try:
        seconds = float(u.Quantity(exptime, u.s).to_value(u.s))
    except (TypeError, ValueError, u.UnitsError) as err:
        raise InvalidArgumentError(f"exptime={exptime!r} cannot be read as a time: {err}") from err
    if not 0 < seconds < math.inf:
        raise InvalidArgumentError(f"exptime={exptime!r}: a time above zero is needed.")
    return seconds


def _kind_of(targets: Any) -> tuple[str, Any]:
    """Whether targets are names or positions; a row of a table is a table of one row."""
    if isinstance(targets, Row):
        return "coordinates", Table(targets, masked=True)
    if isinstance(targets, list | tuple | set) or (isinstance(targets, np.ndarray) and targets.dtype.kind in "UOS"):
        names = [as_unicode(each) for each in targets]
        if names and all(isinstance(each, str) for each in names):
            return "object_name", names
    return "coordinates", targets


# -- the search ------------------------------------------------------------------------------------------------------


class DuplicationSearch:
    """Looks for what may be duplicated, and compares it."""

    def __init__(self, service: MastService) -> None:
        self._service = service
        self._fields = FieldSearch(service)

    def table(self, proposed: Proposed, options: RunOptions, *, planned_only: bool) -> PlannedTable:
        """Return the graded table, with a warning if nothing is there."""
        deadline = self._service.deadline(options.timeout)
        exposures = proposed.exposures(_number_of(proposed.targets))
        targets = self._fields.targets(proposed.place(exposures), deadline)
        criteria: dict[str, Any] = {"obs_collection": "JWST", "intentType": "science"}
        if planned_only:
            criteria["calib_level"] = -1
        # The rows are to be told apart by target in any case.
        found = self._fields.table(replace(targets, many=True), criteria, options, deadline)
        with reading(CAOM_CONE):
            found = found[_highest_levels(found)]
            graded = _graded(found, targets, exposures, self._service.endpoints.programs_server)
        if not targets.many:
            for name in ("failed", "nomatch"):
                graded.meta.pop(name, None)
        if options.verbose:
            counts = Counter(graded["grade"].tolist())
            log.info("%s.", ", ".join(f"{counts[grade]} {grade}" for grade in GRADES))
        if not len(graded):
            warn_no_results(["No JWST observation, made or planned, is near enough to be a duplication."])
        return graded


def _number_of(targets: Any) -> int:
    """How many targets there are."""
    given = _kind_of(targets)[1]
    if isinstance(given, str) or getattr(given, "isscalar", False):
        return 1
    try:
        return len(given)
    except TypeError:
        raise InvalidArgumentError(f"targets={targets!r}: names, positions or a table of them are needed.") from None


def _highest_levels(table: Table) -> Any:
    """Tell which rows are not made again at a higher level: single exposures are in the products of level 3."""
    if not len(table):
        return np.zeros(0, dtype=bool)
    names = ("input_row", "proposal_id", "instrument_name", "filters", "target_name")
    kinds = list(zip(*(plain_cells(table[name]) for name in names), strict=True))
    levels = [-1 if is_planned(level) else int(level) for level in plain_cells(table["calib_level"])]
    combined = {kind for kind, level in zip(kinds, levels, strict=True) if level >= 3}
    return np.array(
        [level < 0 or level >= 3 or kind not in combined for kind, level in zip(kinds, levels, strict=True)], dtype=bool
    )


def _graded(found: Table, targets: FieldTargets, exposures: Sequence[Exposure], server: str) -> PlannedTable:
    """The observations with the verdicts on them, the likeliest duplications first."""
    fields = _FieldTest(found, targets)
    answers: list[tuple[Answer, ...]] = []
    for place, row in enumerate(found):
        own = exposures[int(row["input_row"])]
        answers.append((fields.answer(place, own), _mode(row, own), _passband(row, own), _depth(row, own)))
    grades = [_grade([answer.verdict for answer in each]) for each in answers]
    table = Table(masked=True)
    table["input_row"] = found["input_row"] if len(found) else MaskedColumn(np.zeros(0, dtype=int))
    table["target"] = _text([targets.names.get(int(row), "") for row in table["input_row"]], "Target, as it was given")
    table["grade"] = _text([GRADES[grade] for grade in grades], "How likely it is a duplication")
    table["reason"] = _text(["; ".join(a.reason for a in each if a.reason) for each in answers], "Why, in words")
    for place, name in enumerate(_QUESTIONS):
        table[name] = _text([each[place].verdict for each in answers], "yes, possible or no")
    table["planned"] = [is_planned(level) for level in plain_cells(found["calib_level"])] if len(found) else []
    table["separation"] = MaskedColumn(
        np.nan_to_num(fields.separation * _ARCSEC),
        mask=~np.isfinite(fields.separation),
        unit=u.arcsec,
        description="From the target to the center of the observation",
    )
    for name in _COLUMNS:
        if name in found.colnames:
            table[name] = found[name]
    for name, links in _links(found, server).items():
        table[name] = _text(links, "Where to read on")
    order = np.lexsort((np.nan_to_num(fields.separation), np.asarray(table["input_row"]), np.array(grades, dtype=int)))
    table.meta = {**found.meta, "source": [known_setups()["source"]]}
    return as_planned(table[order])


def _text(values: Sequence[str], description: str) -> MaskedColumn:
    """A column of text, masked where there is none."""
    return MaskedColumn(values, mask=[not value for value in values], dtype=str, description=description)


def _links(found: Table, server: str) -> Mapping[str, list[str]]:
    """Where to read on, for each row."""
    numbers = plain_cells(found["proposal_id"]) if len(found) else []
    known: dict[Any, dict[str, str]] = {}
    for number in set(numbers):
        try:
            known[number] = as_program(None if is_missing(number) else str(number), "JWST").links(server)
        except InvalidArgumentError:
            known[number] = {}
    names = ("program_url", "visits_url", "apt_url", "pdf_url")
    return {name: [known[number].get(name, "") for number in numbers] for name in names}


def _grade(verdicts: Iterable[str]) -> int:
    """The place of the grade in `GRADES`."""
    asked = {verdict for verdict in verdicts if verdict}
    return 2 if NO in asked else 1 if POSSIBLE in asked else 0


# -- the questions ---------------------------------------------------------------------------------------------------


class _FieldTest:
    """Whether observations are of the field of their targets: by footprint, and by distance for any roll."""

    def __init__(self, found: Table, targets: FieldTargets) -> None:
        self._found = found
        self._moving = targets.moving
        positions = targets.fixed.positions
        rows = np.asarray(found["input_row"], dtype=int) if len(found) else np.zeros(0, dtype=int)
        self._points = unit_vectors(positions.ra[rows], positions.dec[rows])
        ra, dec = (plain_floats(found[name]) if len(found) else np.zeros(0) for name in ("s_ra", "s_dec"))
        self.separation = separation(unit_vectors(ra, dec), self._points)
        self._shapes = shapes_of(found["s_region"].tolist()) if len(found) else []
        nowhere = np.full(len(found), np.nan)
        self._outlines: Outlines = outlines_of(self._shapes, nowhere, nowhere)

    def answer(self, place: int, own: Exposure) -> Answer:
        """Answer for one row."""
        row = self._found[place]
        number = int(row["input_row"])
        if number in self._moving:
            return Answer(YES, f"field: the target is {row['target_name']}")
        away = float(self.separation[place]) * _ARCSEC
        if not is_missing(row["mtFlag"]) and bool(row["mtFlag"]):
            return Answer(NO, f"field: {row['target_name']} moves, and was or will be there at another time")
        reach = field_of(own.instrument or str(row["instrument_name"]).upper())[0]
        distance = self._to_footprint(place)
        if not is_planned(row["calib_level"]):
            return _made(away, distance, reach, str(row["instrument_name"]).upper())
        return _planned_field(away, distance, reach, str(row["instrument_name"]).upper())

    def _to_footprint(self, place: int) -> float | None:
        """How far the target is from the footprint, in arcsec; zero inside, None without one."""
        if not self._shapes[place]:
            return None
        parts = self._outlines.take(np.flatnonzero(self._outlines.owner == place))
        return float(parts.distances(self._points[place]).min()) * _ARCSEC


def _made(away: float, distance: float | None, reach: float, instrument: str) -> Answer:
    """Whether what was made is of the field."""
    if distance is None:
        outer = field_of(instrument)[0]
        if away <= outer + reach:
            return Answer(POSSIBLE, f"field: its center is {away:.1f} arcsec away, and it has no footprint")
        return Answer(NO, f"field: its center is {away:.1f} arcsec away")
    if distance <= 0:
        return Answer(YES, "field: the target is in its footprint")
    if distance <= reach:
        return Answer(POSSIBLE, f"field: its footprint is {distance:.1f} arcsec away, and fields may overlap")
    return Answer(NO, f"field: its footprint is {distance:.1f} arcsec away")


def _planned_field(away: float, distance: float | None, reach: float, instrument: str) -> Answer:
    """Whether what is planned is of the field, by its approximate footprint and for any roll around its position."""
    outer, inner = field_of(instrument)
    if away <= inner:
        return Answer(YES, f"field: {away:.1f} arcsec from its center, which is in its field at any roll")
    if distance is not None and distance <= 0:
        return Answer(POSSIBLE, f"field: in its approximate footprint, {away:.1f} arcsec from the center")
    if away <= outer:
        return Answer(POSSIBLE, f"field: {away:.1f} arcsec from its center, which some rolls bring into its field")
    if min(away - outer, math.inf if distance is None else distance) <= reach:
        return Answer(POSSIBLE, f"field: {away:.1f} arcsec from its center, and fields may overlap")
    return Answer(NO, f"field: {away:.1f} arcsec from its center")


def _mode(row: Row, own: Exposure) -> Answer:
    """Whether it is the same mode, or one that is alike."""
    if own.instrument is None:
        return _UNASKED
    if is_missing(row["instrument_name"]):
        return Answer(POSSIBLE, "mode: its instrument is not known")
    theirs = str(row["instrument_name"]).upper()
    name = theirs.partition("/")[0]
    if theirs == own.instrument:
        apertures = " (for slits and apertures see the APT file)" if theirs.startswith("NIRSPEC/") else ""
        return Answer(YES, f"mode: both {theirs}{apertures}")
    if own.instrument == name:
        return Answer(POSSIBLE, f"mode: {theirs} is a mode of {name}")
    family = family_of(theirs)
    families = {family_of(each) for each in _modes_of(own.instrument)}
    if family and family in families:
        return Answer(POSSIBLE, f"mode: {theirs} and {own.instrument} both make {family}")
    return Answer(NO, f"mode: {theirs} is not like {own.instrument}")


def _modes_of(instrument: str) -> list[str]:
    """An instrument with its mode, or with each of its modes."""
    modes = known_setups()["modes"]
    return [instrument] if "/" in instrument else [each for each in modes if each.startswith(f"{instrument}/")]


def _passband(row: Row, own: Exposure) -> Answer:
    """Whether it is the same passband, or one that overlaps."""
    if not own.filters:
        return _UNASKED
    theirs = tokens_of(row["filters"])
    name = None if is_missing(row["instrument_name"]) else str(row["instrument_name"]).upper()
    shown = ";".join(sorted(theirs)) or "its wavelength range (no filters are given)"
    same = next((each for each in own.filters if _effective(each) == effective_tokens(row["filters"])), None)
    if same is not None and theirs:
        return Answer(YES, f"passband: both {shown}")
    band = passband(str(row["filters"]) if theirs else None, name, _limits(row))
    mine = [passband(";".join(sorted(each)), own.instrument) for each in own.filters]
    parts = [overlap(band, each) for each in mine if band is not None and each is not None]
    if len(parts) < len(mine):
        return Answer(POSSIBLE, f"passband: what passes {shown} is not known")
    best = max(parts)
    if overlaps_enough(best):
        return Answer(POSSIBLE, f"passband: {shown} overlaps by {100 * best:.0f} percent of the narrower")
    return Answer(NO, f"passband: {shown} does not overlap")


def _effective(tokens: frozenset[str]) -> frozenset[str]:
    return effective_tokens(";".join(tokens))


def _limits(row: Row) -> tuple[float, float] | None:
    """The archive's own limits of the wavelengths, in micrometers; zero is no limit."""
    low, high = (
        0.0 if name not in row.colnames or is_missing(row[name]) else float(row[name]) / _NM
        for name in ("em_min", "em_max")
    )
    return (low, high) if 0 < low < high else None


def _depth(row: Row, own: Exposure) -> Answer:
    """Whether it is as deep, by the time on target."""
    if own.seconds is None:
        return _UNASKED
    if is_missing(row["t_exptime"]) or not float(row["t_exptime"]) > 0:
        return Answer(POSSIBLE, "depth: its exposure time is not known")
    part = float(row["t_exptime"]) / own.seconds
    said = f"depth: {float(row['t_exptime']):.0f} s, {part:.2g} times what is proposed"
    return Answer(YES if part >= _AS_DEEP else POSSIBLE if part >= _SHALLOWER else NO, said)
