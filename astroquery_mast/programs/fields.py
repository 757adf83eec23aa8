"""Observations of fields: around positions, also those without a footprint, and of moving targets by name.

In: targets and criteria.  Out: a table of observations, with the row of the target of each.

MAST finds observations by their footprints.  Planned observations may have none, and are therefore searched by position
as well.  Moving targets have no fixed position, and are searched by name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from astropy.table import MaskedColumn, Table, vstack

from ..exceptions import InvalidQueryError
from ..observations.associations.belonging import PLANNED
from ..observations.search import CAOM_CONE, TWO_PLACES, ObservationQuery, ObservationSearch, Place, QueryArguments
from ..query.request import MashupRequest
from ..query.values import as_unicode, is_missing
from ..service.mast_service import MastService, refuse_two_positions
from ..service.parallel import RunOptions
from ..service.retrying import Deadline
from ..sky.cone_match import match_cones
from ..sky.outlines import outlines_of
from ..sky.position import Cone, is_many, looks_like_coordinates
from ..sky.positions import PAIRS, Positions, as_positions, pair_among
from ..sky.radii import DEFAULT_RADIUS
from ..sky.region import Region, ShapeRegion
from ..sky.region_filter import RegionFilter, rows_in_region, shapes_of
from ..sky.region_input import as_region
from ..sky.shapes import Circle
from ..sky.sphere import separation, unit_vectors
from ..tables.columns import plain_cells, plain_floats
from ..tables.dataframes import as_astropy
from ..tables.mashup import reading
from ..tables.rows import Floats, RowNumbers
from ..targets.batch import AnswerCollector, AskedTargets, IndivisibleQuestion, PartialAnswer
from ..targets.targets import (
    POSITIONAL,
    ManyTargets,
    Targets,
    as_radii,
    raise_if_all,
    table_of_targets,
    targets_of,
)
from .solar_system import is_moving, is_named, pattern_of

# Columns of users' tables with the names of the targets.
_NAME_COLUMNS = ("target_name", "target", "name", "object", "object_name")
_NOTHING = np.empty(0, dtype=np.int64)
MANY = 60
"""From this number of positions on, one request for all planned observations is faster than one for each."""
# The margin of the box around a circle, in degrees.
_MARGIN = 1 / 3600
ARCSEC = math.degrees(1) * 3600
"""Arcseconds in a radian."""


@dataclass(frozen=True)
class FieldTargets:
    """The targets of a search: positions on the sky, and the names of moving targets."""

    place: Place
    many: bool
    fixed: Targets
    moving: Mapping[int, str] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    region: RegionFilter | None = None

    def region_of(self, cone: Cone) -> Region:
        """Return the region in which an observation must be."""
        if self.region is not None:
            return self.region.region
        return ShapeRegion((Circle(cone.ra, cone.dec, cone.radius),))


class FieldSearch:
    """Searches for observations of fields."""

    def __init__(self, service: MastService) -> None:
        self._service = service
        self._many = ManyTargets(service)
        self.search = ObservationSearch(service)

    # -- targets -------------------------------------------------------------------------------------------------

    def targets(self, place: Place, deadline: Deadline) -> FieldTargets:
        """Return the targets of a search; names are resolved, except those of moving targets."""
        refuse_two_positions(place.coordinates, place.object_name)
        if place.region is not None:
            return _in_region(place)
        given, by_name = _given_targets(place)
        many = is_many(given)
        members = given if many else [given]
        radii = as_radii(place.radius, _number_of(members))
        names = _names(members, by_name=by_name)
        placed = _rows_with_position(members)
        # Names are part of the result.
        place = replace(place, coordinates=None, object_name=list(names.values())) if names else place
        moving = {row: name for row, name in names.items() if row not in placed and is_moving(name)}
        if len(moving) == len(radii):
            nowhere = [(math.nan, math.nan)] * len(radii)
            return FieldTargets(place, many, _targets_at(nowhere, radii), moving, names)
        positions = self._positions(members, names, moving, place.resolver, deadline, by_name=by_name)
        return FieldTargets(place, many, targets_of(positions, radii), moving, names)

    def _positions(
        self,
        members: Any,
        names: Mapping[int, str],
        moving: Mapping[int, str],
        resolver: str | None,
        deadline: Deadline,
        *,
        by_name: bool,
    ) -> Positions:
        """Return the positions of all targets that do not move."""
        if not by_name:
            found = self._many.positions(members, None, resolver, deadline)
            problems = {row: why for row, why in found.problems.items() if row not in moving}
            return Positions(found.ra, found.dec, problems, names or found.names)
        given = np.array(_cells(members), dtype=object)
        rest = np.array(sorted(set(range(len(given))) - set(moving)), dtype=int)
        found = self._many.positions(None, given[rest].tolist(), resolver, deadline)
        ra, dec = np.full(len(given), np.nan), np.full(len(given), np.nan)
        ra[rest], dec[rest] = found.ra, found.dec
        return Positions(ra, dec, {int(rest[row]): why for row, why in found.problems.items()}, names)

    # -- observations --------------------------------------------------------------------------------------------

    def table(
        self, targets: FieldTargets, criteria: Mapping[str, Any], options: RunOptions, deadline: Deadline
    ) -> Table:
        """Return the observations of all targets, sorted by target, without a warning if there are none.

        If there are many targets, all planned observations are requested at once, and matched with the targets here.
        """
        if criteria.get("calib_level") == PLANNED and len(targets.fixed.cones) > MANY:
            request = self.search.request(self.search.query_anywhere(QueryArguments(Place(), criteria)))
            every = self._service.table(request, deadline=deadline, columns_id=CAOM_CONE)
            with reading(CAOM_CONE):
                return _matched(every, targets)
        query = self.search.query_anywhere(QueryArguments(Place(), criteria))
        fixed = targets.fixed
        placed = [self.search.request(_at(query, cone)) for cone in fixed.cones]
        others = [self._box(criteria, cone) for cone in fixed.cones]
        named = [self._by_name(criteria, name) for name in targets.moving.values()]
        requests = [*placed, *others, *named]
        requested = AskedTargets(requests[0], len(fixed.positions), len(requests), (*POSITIONAL, "filters"))
        blocks = AnswerCollector(requested, self._service.columns.get(CAOM_CONE))

        def take(place: int, part: PartialAnswer[IndivisibleQuestion]) -> None:
            """Add the result of a request."""
            blocks.add(place, part.pages)

        questions = [IndivisibleQuestion(request) for request in requests]
        errors = self._many.ask_all(questions, options, deadline, take)
        raise_if_all(errors, len(requests))
        with reading(CAOM_CONE):
            return self._joined(targets, blocks, errors)

    def _joined(self, targets: FieldTargets, blocks: AnswerCollector, errors: Mapping[int, Exception]) -> Table:
        """Return one table of all results: by footprint, by position, and by name."""
        table, answered = blocks.table()
        cones = targets.fixed.cones
        # A cone has two requests, and needs the results of both.
        failed = {number % len(cones): error for number, error in errors.items() if number < 2 * len(cones)}
        if not targets.moving:
            raise_if_all(failed, len(cones))
        found = _found(table, answered, targets, failed)
        numbers = {row: 2 * len(cones) + place for place, row in enumerate(targets.moving)}
        named = {row: answered[number] for row, number in numbers.items() if number in answered}
        failures = {row: str(errors[number]) for row, number in numbers.items() if number in errors}
        result = table_of_targets(targets.place, targets.fixed, (table, found), failed)
        return _with_named(result, table, targets, _by_name(table, targets, named), failures)

    def _box(self, criteria: Mapping[str, Any], cone: Cone) -> MashupRequest:
        """Return the request for observations with positions in a box around a cone."""
        low, high = max(-90.0, cone.dec - cone.radius), min(90.0, cone.dec + cone.radius)
        box: dict[str, Any] = {"s_dec": [low, high]}
        # A circle has its largest extent in right ascension at the side towards the pole.
        narrow = math.cos(math.radians(max(abs(low), abs(high))))
        span = math.sin(math.radians(min(cone.radius, 90.0)))
        if span < narrow:
            half = math.degrees(math.asin(span / narrow)) + _MARGIN
            box["s_ra"] = [cone.ra - half, cone.ra + half]
        query = self.search.query_anywhere(QueryArguments(Place(), {**criteria, **box}))
        return self.search.request(query)

    def _by_name(self, criteria: Mapping[str, Any], name: str) -> MashupRequest:
        """Return the request for observations of a target by name."""
        wanted = {**criteria, "target_name": pattern_of(name)}
        return self.search.request(self.search.query_anywhere(QueryArguments(Place(), wanted)))


def _at(query: ObservationQuery, cone: Cone) -> ObservationQuery:
    return ObservationQuery(query.criteria, cone)


def _in_region(place: Place) -> FieldTargets:
    """Return a region as the only target."""
    if place.coordinates is not None or place.object_name is not None:
        raise InvalidQueryError(TWO_PLACES)
    if place.radius is not DEFAULT_RADIUS:
        raise InvalidQueryError(f"radius={place.radius!r} cannot be combined with region. It requires a position.")
    kept = RegionFilter(as_region(place.region), "footprint")
    cone = kept.region.cone()
    return FieldTargets(place, False, _targets_at([(cone.ra, cone.dec)], np.array([cone.radius])), region=kept)


def _targets_at(places: Sequence[tuple[float, float]], radii: Any) -> Targets:
    """Return the cones around positions; an unknown position is NaN."""
    ra, dec = (np.array(values, dtype=float) for values in zip(*places, strict=True))
    return targets_of(Positions(ra, dec), radii)


def _given_targets(place: Place) -> tuple[Any, bool]:
    """Return the targets, and whether they are names: text that is not a position, or tables that have only names."""
    if place.object_name is not None:
        return place.object_name, True
    given = place.coordinates
    if isinstance(given, str):
        return given, not looks_like_coordinates(given)
    table = as_astropy(given)
    if isinstance(table, Table) and pair_among(table.colnames, PAIRS) is None and _name_column(table) is not None:
        return plain_cells(table[_name_column(table)]), True
    return given, False


def _name_column(table: Table) -> str | None:
    """Return the column with the names of targets, or None."""
    return next((name for name in table.colnames if name.lower() in _NAME_COLUMNS), None)


def _number_of(members: Any) -> int:
    """Return the number of targets."""
    return len(members.ravel() if hasattr(members, "ravel") and not isinstance(members, Table) else members)


def _cells(members: Any) -> list[Any]:
    return plain_cells(members.ravel()) if isinstance(members, np.ndarray) else list(members)


def _names(members: Any, *, by_name: bool) -> dict[int, str]:
    """Return the names of targets by row: those that were given, or those in the column of a table with names."""
    named = enumerate(map(as_unicode, _cells(members) if by_name else _cells_of_names(as_astropy(members))))
    return {row: name for row, name in named if isinstance(name, str) and name.strip()}


def _cells_of_names(table: Any) -> list[Any]:
    """Return the cells of the column of a table with names."""
    column = _name_column(table) if isinstance(table, Table) else None
    return [] if column is None else plain_cells(table[column])


def _rows_with_position(members: Any) -> frozenset[int]:
    """Return the rows of a table that have a position, and therefore need no name."""
    table = as_astropy(members)
    return frozenset(as_positions(table).known.tolist()) if isinstance(table, Table) else frozenset()


# -- all planned observations ------------------------------------------------------------------------------------


def _matched(table: Table, targets: FieldTargets) -> Table:
    """Return the rows of a table in the fields of targets, and those with the names of moving targets."""
    ra, dec = (plain_floats(table[name]) for name in ("s_ra", "s_dec"))
    texts = table["s_region"].tolist()
    # Observations of a field in several filters share a footprint.
    kinds: dict[Any, int] = {}
    kind = np.array([kinds.setdefault(key, len(kinds)) for key in zip(ra.tolist(), dec.tolist(), texts, strict=True)])
    firsts = np.unique(kind, return_index=True)[1]
    outlines = outlines_of(shapes_of([texts[row] for row in firsts]), ra[firsts], dec[firsts])
    cones = targets.fixed.cones
    rows_of = _groups(kind, len(kinds))
    found: dict[int, RowNumbers] = {}
    distances: dict[int, Floats] = {}
    for number, (places, away) in enumerate(match_cones(outlines, cones).by_cone(len(cones))):
        groups = [rows_of[place] for place in places]
        found[number] = np.concatenate([np.empty(0, dtype=np.int64), *groups])
        distances[number] = np.repeat(away, list(map(len, groups))) * ARCSEC
    result = table_of_targets(targets.place, targets.fixed, (table, found), {})
    values = np.round(targets.fixed.values_by_target(found, distances), 6)
    result["distance"] = MaskedColumn(values, unit="arcsec", description="Distance of the footprint from the target")
    named = dict.fromkeys(targets.moving, np.arange(len(table)))
    return _with_named(result, table, targets, _by_name(table, targets, named), {})


def _groups(kind: RowNumbers, number: int) -> list[RowNumbers]:
    """Return the rows of each kind."""
    order = np.argsort(kind, kind="stable")
    return np.split(order, np.searchsorted(kind[order], np.arange(1, number)))


# -- rows of the targets -----------------------------------------------------------------------------------------


def _found(
    table: Table, answered: Mapping[int, RowNumbers], targets: FieldTargets, failed: Mapping[int, Exception]
) -> dict[int, RowNumbers]:
    """Return the rows of each cone for which both requests succeeded."""
    cones = targets.fixed.cones
    found = {}
    for number, cone in enumerate(cones):
        if number not in failed:
            own, others = (answered.get(place, _NOTHING) for place in (number, len(cones) + number))
            found[number] = _field_rows(table, own, others, targets, cone)
    return found


def _field_rows(table: Table, own: RowNumbers, others: RowNumbers, targets: FieldTargets, cone: Cone) -> RowNumbers:
    """Return the rows of a field: those found by footprint, and those without a footprint in the box."""
    region = targets.region_of(cone)
    if targets.region is not None:
        own = _rows_inside(table, own, region)
    others = _rows_inside(table, _without_footprint(table, others), region)
    known = set(table["obsid"][own].tolist()) if len(own) else set()
    fresh = [obsid not in known for obsid in table["obsid"][others].tolist()] if len(others) else []
    return np.concatenate([own, others[np.array(fresh, dtype=bool)]])


def _without_footprint(table: Table, rows: RowNumbers) -> RowNumbers:
    """Return the rows whose footprint is missing or cannot be read."""
    if not len(rows):
        return rows
    shapes = shapes_of(table["s_region"][rows].tolist())
    return np.asarray(rows[~np.fromiter(map(bool, shapes), dtype=bool, count=len(shapes))])


def _rows_inside(table: Table, rows: RowNumbers, region: Region) -> RowNumbers:
    """Return the rows that are in a region."""
    if not len(rows):
        return rows
    kept, _ = rows_in_region(table["s_ra", "s_dec", "s_region"][rows], region, "footprint")
    return np.asarray(rows[kept])


def _by_name(table: Table, targets: FieldTargets, rows: Mapping[int, RowNumbers]) -> list[tuple[int, RowNumbers]]:
    """Return, of the rows that may have the names of moving targets, those that do."""
    return [(row, _rows_named(table, rows[row], name)) for row, name in targets.moving.items() if row in rows]


def _rows_named(table: Table, rows: RowNumbers, name: str) -> RowNumbers:
    """Return the rows whose target has a name."""
    names = plain_cells(table["target_name"][rows]) if len(rows) else []
    kept = [not is_missing(each) and is_named(name, str(each)) for each in names]
    return np.asarray(rows[np.array(kept, dtype=bool)])


def _with_named(
    result: Table,
    table: Table,
    targets: FieldTargets,
    by_name: Sequence[tuple[int, RowNumbers]],
    failures: Mapping[int, str],
) -> Table:
    """Return the table with the rows found by name, in the order of the targets, and with all known distances."""
    meta = result.meta
    own = [_with_target(table[found], row, targets, result.colnames) for row, found in by_name if len(found)]
    if own:
        result = _in_order([result, *own] if len(result) else own)
        result.meta = meta
    if "distance" in result.colnames and len(result):
        _fill_distances(result, targets)
    if targets.moving:
        _record_problems(meta, by_name, targets.moving, failures)
    meta["rows"] = [len(result)]
    return result if targets.many else _without_targets(result)


def _in_order(parts: Sequence[Table]) -> Table:
    """Return the rows of several tables, sorted by target."""
    stacked = vstack(parts, metadata_conflicts="silent")
    return stacked[np.argsort(stacked["input_row"], kind="stable")]


def _record_problems(
    meta: Any, by_name: Sequence[tuple[int, RowNumbers]], names: Mapping[int, str], failures: Mapping[int, str]
) -> None:
    """Record the names without observations, and those whose request failed."""
    meta["nomatch"] = sorted({*meta.get("nomatch", ()), *(row for row, found in by_name if not len(found))})
    meta["failed"] = [*meta.get("failed", ()), *(f"row {row} ({names[row]}): {why}" for row, why in failures.items())]


def _with_target(found: Table, row: int, targets: FieldTargets, columns: Sequence[str]) -> Table:
    """Return the rows found by the name of a target, with the columns for the target."""
    found.add_column(MaskedColumn(np.full(len(found), row), name="input_row"), index=0)
    if "target" in columns:
        found.add_column(MaskedColumn([targets.moving[row]] * len(found), name="target"), index=1)
    return found


def _without_targets(result: Table) -> Table:
    """Return the table without the columns and metadata for several targets."""
    result.remove_columns([name for name in ("input_row", "target") if name in result.colnames])
    forget_targets(result)
    return result


def forget_targets(result: Table) -> None:
    """Remove the metadata of single targets."""
    for name in ("failed", "nomatch"):
        result.meta.pop(name, None)


def _fill_distances(result: Table, targets: FieldTargets) -> None:
    """Add the distances of observations without a footprint from their targets, in arcsec."""
    distance = MaskedColumn(result["distance"])
    positions = targets.fixed.positions
    rows = np.asarray(result["input_row"])
    ra, dec = plain_floats(result["s_ra"]), plain_floats(result["s_dec"])
    lacking = np.ma.getmaskarray(distance.data) & np.isfinite(ra) & np.isfinite(positions.ra[rows])
    if lacking.any():
        here = unit_vectors(ra[lacking], dec[lacking])
        there = unit_vectors(positions.ra[rows[lacking]], positions.dec[rows[lacking]])
        distance[lacking] = np.round(separation(here, there) * ARCSEC, 6)
        result["distance"] = distance
