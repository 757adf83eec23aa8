"""A crossmatch of a catalog with all planned observations: the positions that are, or may be, in their fields.

In: positions, a radius, and criteria for the observations.  Out: a `PlannedTable` of pairs.  One request retrieves all
planned observations, which are matched with the positions here, by their footprints and for any roll.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Table
from astroquery import log

from ..observations.search import CAOM_CONE, ObservationSearch, Place, QueryArguments
from ..query.values import is_missing
from ..service.mast_service import MastService
from ..service.parallel import RunOptions
from ..sky.cone_match import match_cones
from ..sky.outlines import outlines_of
from ..sky.position import Cone, as_radius
from ..sky.positions import Positions
from ..sky.region_filter import shapes_of
from ..sky.shapes import Circle, Shape
from ..tables.columns import plain_cells, plain_floats
from ..tables.mashup import reading
from ..tables.rows import Array, Floats, RowNumbers
from ..targets.batch import TargetMeta, with_leading_columns
from ..targets.pairs import Matches, expanded, nearest_of, separations
from ..targets.targets import ManyTargets, targets_of, warn_of_failures
from ..warn import warn_no_results
from .planned import CAVEAT, PlannedTable, SetupFilter, as_planned, is_unexecuted
from .setups import field_of

ANY_ROLL, FOOTPRINT, SOME_ROLLS = "any roll", "footprint", "some rolls"


@dataclass(frozen=True)
class _PlannedFields:
    """Planned observations, grouped by field."""

    table: Table
    # For each field: the center, the radius that contains the field, and the radius covered at any roll (degrees).
    ra: Floats
    dec: Floats
    outer: Floats
    inner: Floats
    shapes: list[list[Shape]]
    # The rows of the table in the order of the fields, and the first position of each field in that order.
    order: RowNumbers
    first: RowNumbers

    @classmethod
    def of(cls, table: Table) -> _PlannedFields:
        """Group observations of the same field, such as those in several filters."""
        ra, dec = (plain_floats(table[name]) for name in ("s_ra", "s_dec"))
        instruments = ["" if is_missing(name) else str(name).upper() for name in plain_cells(table["instrument_name"])]
        texts = table["s_region"].tolist()
        kinds: dict[Any, int] = {}
        cells = zip(map(repr, ra.tolist()), map(repr, dec.tolist()), instruments, texts, strict=True)
        kind = np.array([kinds.setdefault(cell, len(kinds)) for cell in cells], dtype=np.int64)
        order = np.argsort(kind, kind="stable")
        first = np.searchsorted(kind[order], np.arange(len(kinds) + 1))
        rows = order[first[:-1]]
        reach = {name: field_of(name) for name in set(instruments)}
        sizes = np.array([reach[instruments[row]] for row in rows]).reshape(-1, 2) / 3600
        shapes = shapes_of([texts[row] for row in rows])
        return cls(table, ra[rows], dec[rows], sizes[:, 0], sizes[:, 1], shapes, order, first)

    def pairs(self, cones: Sequence[Cone]) -> tuple[RowNumbers, RowNumbers, Array]:
        """Return the pairs of cones and fields that intersect, sorted by cone, and whether they intersect as drawn."""
        drawn = match_cones(outlines_of(self.shapes, self.ra, self.dec), cones)
        known = np.flatnonzero(np.isfinite(self.ra) & np.isfinite(self.dec))
        circles = [[Circle(*(float(values[place]) for values in (self.ra, self.dec, self.outer)))] for place in known]
        nowhere = np.full(len(known), np.nan)
        rolled = match_cones(outlines_of(circles, nowhere, nowhere), cones)
        number = np.append(drawn.cones, rolled.cones)
        field = np.append(drawn.rows, known[rolled.rows])
        # A pair may be found twice; the one with the footprint as drawn is kept.
        _, first = np.unique(number * len(self.shapes) + field, return_index=True)
        return number[first], field[first], first < len(drawn.cones)

    def rows(self, fields: RowNumbers) -> tuple[RowNumbers, RowNumbers]:
        """Return the rows of some fields, and for each row the index of its field."""
        place, taken = expanded(self.first[fields], np.diff(self.first)[fields])
        return place, self.order[taken]

    def coverage(self, fields: RowNumbers, away: Floats, drawn: Array) -> Array:
        """Return how positions at these distances from the centers are covered: at any roll, as drawn, or at some."""
        as_drawn = drawn & np.fromiter(map(bool, self.shapes), dtype=bool, count=len(self.shapes))[fields]
        return np.where(away <= self.inner[fields], ANY_ROLL, np.where(as_drawn, FOOTPRINT, SOME_ROLLS))


class PlannedMatch:
    """Matches positions with planned observations."""

    def __init__(self, service: MastService) -> None:
        self._service = service
        self._search = ObservationSearch(service)

    def table(
        self,
        given: Any,
        radius: Any,
        setup: SetupFilter,
        criteria: Mapping[str, Any],
        options: RunOptions,
        *,
        best: bool,
        columns: Mapping[str, str | None],
    ) -> PlannedTable:
        """Return the pairs of positions and observations, with a warning if there are none."""
        deadline, degrees = self._service.deadline(options.timeout), float(as_radius(radius).deg)
        positions = ManyTargets(self._service).positions(given, None, None, deadline, **columns)
        query = self._search.query_anywhere(QueryArguments(Place(), {**criteria, **setup.criteria()}))
        every = self._service.table(self._search.request(query), deadline=deadline, columns_id=CAOM_CONE)
        with reading(CAOM_CONE):
            every = setup.matching(every[is_unexecuted(every) & _fixed(every)])
            result = _pairs(every, positions, degrees, best=best)
        failed = positions.failures()
        unmatched = np.setdiff1d(positions.known, result["input_row"]).tolist()
        result.meta = TargetMeta(result.meta, rows=[len(result)], caveat=[CAVEAT])
        result.meta.note(failed=failed, unmatched=unmatched)
        warn_of_failures(failed, len(positions), "positions")
        if options.verbose:
            counts = len(result), len(positions), len(every), deadline.elapsed()
            log.info("%d pairs of %d positions and %d planned observations in %.1f s. %s", *counts, CAVEAT)
        if not len(result):
            warn_no_results(["No planned observations found. Use Observations.crossmatch for executed observations."])
        return result


def _fixed(table: Table) -> Array:
    """Return which observations have fixed targets; the position of a moving target is of little use."""
    return np.array([is_missing(flag) or not bool(flag) for flag in plain_cells(table["mtFlag"])], dtype=bool)


def _pairs(table: Table, positions: Positions, radius: float, *, best: bool) -> PlannedTable:
    """Return the table of pairs."""
    targets = targets_of(positions, np.full(len(positions), radius))
    fields = _PlannedFields.of(table)
    cone, field, drawn = fields.pairs(list(targets.cones))
    # Equal positions, and observations of the same field, are matched only once.
    starts = np.searchsorted(cone, np.arange(len(targets.cones) + 1))
    place, pair = expanded(starts[:-1][targets.cone_of], np.diff(starts)[targets.cone_of])
    which, rows = fields.rows(field[pair])
    inputs, pair = targets.rows[place][which], pair[which]
    center = fields.ra[field[pair]], fields.dec[field[pair]]
    away = separations(positions.ra[inputs], positions.dec[inputs], *center)
    order = np.lexsort((away, inputs))
    found = Matches(order, inputs[order], away[order])
    if best:
        found = nearest_of(found)
    pair = pair[found.rows]
    result = with_leading_columns(
        table,
        rows[found.rows],
        {
            "input_row": (found.inputs, None, "Row number of the input position"),
            "separation": (
                found.separation * 3600,
                u.arcsec,
                "Angle between the position and the observation's center",
            ),
            "coverage": (
                fields.coverage(field[pair], found.separation, drawn[pair]),
                None,
                "Whether the position is in the field: at any roll, by the footprint, or at some rolls",
            ),
        },
    )
    result["separation"].mask = ~np.isfinite(found.separation)
    return as_planned(result)
