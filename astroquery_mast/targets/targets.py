"""The same query for many targets, for public methods that are given arrays, lists or tables.

In: positions or names, and the query for each.  Out: one table for all targets, with the input row of the target in
each row, or a table of counts.  Its ``meta`` lists the targets that failed, and those for which nothing was found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import Angle
from astropy.table import MaskedColumn, Table

from ..exceptions import InputWarning, InvalidArgumentError, MastError, UnresolvedNameError
from ..query.request import MashupRequest
from ..service.mast_service import MastService, refuse_two_positions
from ..service.parallel import RunOptions
from ..service.resolver import warn_unused_resolver
from ..service.retrying import Deadline
from ..sky.position import Cone, TargetInput, as_radius
from ..sky.positions import Positions, as_names, as_positions
from ..tables.mashup import first_value, reading
from ..tables.result_table import ResultTable
from ..tables.rows import Floats, RowNumbers
from ..tables.table import table_meta
from ..warn import warn_user
from .batch import (
    AnyQuestion,
    AskedTargets,
    IndivisibleQuestion,
    PartialAnswer,
    TargetMeta,
    run_queries,
    with_leading_columns,
)

POSITIONAL = ("ra", "dec", "radius", "position")
"""The parameters in which the requests for many targets differ."""


_SHOWN = 3
_INPUT_ROW = "Row number of the input target"


RequestFor = Callable[[Cone], MashupRequest]


def unique_rows(*columns: npt.NDArray[Any]) -> tuple[RowNumbers, RowNumbers]:
    """Return the first row of each distinct combination of values, and the index of the combination of each row."""
    _, first, kind = np.unique(np.column_stack(columns), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return first[order].astype(np.int64), rank[np.ravel(kind)]


def as_radii(radius: Any, number: int) -> Floats:
    """Return the radii of many cones in degrees."""
    if isinstance(radius, str) or np.ndim(radius) == 0:
        return np.full(number, float(as_radius(radius).deg))
    try:
        degrees = np.asarray(Angle(radius, u.deg, dtype=float).to_value(u.deg))
    except (ValueError, TypeError, u.UnitsError) as err:
        raise InvalidArgumentError(f"Cannot parse radius={radius!r} as angles: {err}") from err
    if degrees.shape != (number,):
        raise InvalidArgumentError(
            f"radius must be one angle, or one per target: got {degrees.size} angles for {number} targets."
        )
    wrong = degrees[~((degrees >= 0) & (degrees <= 180))]
    if wrong.size:
        raise InvalidArgumentError(f"radius must be between 0 and 180 degrees, got {wrong[0]} degrees.")
    return degrees


@dataclass(frozen=True)
class Targets:
    """Targets, and the cones to search around them; equal cones are searched once."""

    positions: Positions
    cones: Sequence[Cone]
    rows: RowNumbers
    cone_of: RowNumbers

    def expand_to_input(self, found: Mapping[int, RowNumbers]) -> tuple[RowNumbers, RowNumbers]:
        """Return the rows of the combined table, target by target, and the target of each."""
        nothing = np.empty(0, dtype=np.int64)
        parts = [found.get(int(cone), nothing) for cone in self.cone_of]
        return np.concatenate([nothing, *parts]), np.repeat(self.rows, [len(part) for part in parts])

    def values_by_target(self, found: Mapping[int, RowNumbers], values: Mapping[int, Floats]) -> Floats:
        """Return the values of the rows in the order of `expand_to_input`; NaN where unknown."""
        known = {cone: values.get(cone, np.full(len(rows), np.nan)) for cone, rows in found.items()}
        return np.concatenate([np.empty(0), *(known[cone] for cone in self.cone_of.tolist() if cone in found)])

    def of_cones(self, reasons: Mapping[int, str]) -> dict[int, str]:
        """Return target → reason, from cone → reason."""
        pairs = zip(self.rows.tolist(), self.cone_of.tolist(), strict=True)
        return {row: reasons[cone] for row, cone in pairs if cone in reasons}

    def without_rows(self, found: Mapping[int, RowNumbers]) -> list[int]:
        """Return the targets whose result is empty."""
        pairs = zip(self.rows.tolist(), self.cone_of.tolist(), strict=True)
        return [row for row, cone in pairs if cone in found and not len(found[cone])]

    def names(self) -> npt.NDArray[np.str_]:
        """Return the name of each target, empty if it has none."""
        return np.array([self.positions.names.get(row, "") for row in range(len(self.positions))], dtype=np.str_)


def targets_of(positions: Positions, radii: Floats) -> Targets:
    """Return targets with a cone around each position."""
    rows = positions.known
    if not len(rows):
        return Targets(positions, (), rows, rows)
    columns = [values[rows] for values in (positions.ra, positions.dec, radii)]
    first, cone_of = unique_rows(*columns)
    ra, dec, radius = ([float(value) for value in column[first]] for column in columns)
    cones = [Cone(*numbers) for numbers in zip(ra, dec, radius, strict=True)]
    return Targets(positions, cones, rows, cone_of)


class ManyTargets:
    """Queries a service for many targets."""

    def __init__(self, service: MastService) -> None:
        self._service = service

    def positions(
        self,
        coordinates: Any,
        object_name: Any,
        resolver: str | None,
        deadline: Deadline,
        **columns: str | None,
    ) -> Positions:
        """Return the positions of many targets; names are resolved together."""
        given = as_names(object_name) if object_name is not None else as_positions(coordinates, **columns)
        errors: Mapping[str, Exception] = {}
        if given.names:
            limit = Deadline.within(deadline)
            found, errors = self._service.resolver.positions(given.names.values(), deadline=limit, resolver=resolver)
            given = given.resolved(found, {name: str(error) for name, error in errors.items()})
        elif resolver is not None:
            warn_unused_resolver(resolver)
        if not len(given.known):
            first = next(iter(errors.values()), None)
            if first is not None:
                message = "Could not resolve any of the given object names to sky positions."
                raise first if isinstance(first, MastError) else UnresolvedNameError(message)
            raise InvalidArgumentError(f"None of the {len(given)} targets has a valid position: {given.failures()[0]}")
        return given

    def targets(self, where: TargetInput, deadline: Deadline) -> Targets:
        """Return many targets with their cones."""
        refuse_two_positions(where.coordinates, where.object_name)
        number = len(where.object_name if where.object_name is not None else _flat(where.coordinates))
        radii = as_radii(where.radius, number)
        positions = self.positions(where.coordinates, where.object_name, where.resolver, deadline)
        return targets_of(positions, radii)

    def counts(
        self, where: TargetInput, request_for: RequestFor, options: RunOptions, *, payload: bool = False
    ) -> Table | list[dict[str, object]]:
        """Return a table with the count for each target, or the requests."""
        deadline = options.deadline()
        targets = self.targets(where, deadline)
        requests = [request_for(cone) for cone in targets.cones]
        if payload:
            return [request.payload() for request in requests]
        counts: dict[int, int] = {}
        times: list[str | None] = []

        def take(place: int, part: PartialAnswer[IndivisibleQuestion]) -> None:
            """Add the count for a cone."""
            (page,) = part.pages
            counts[place] = first_value(page)
            times.append(page.time)

        errors = self.ask_all([IndivisibleQuestion(request) for request in requests], options, deadline, take)
        raise_if_all(errors, len(requests))
        requested = AskedTargets(requests[0], len(targets.positions), len(requests), POSITIONAL)
        meta = table_meta(requested, len(targets.positions), times)
        return table_of_counts(where, targets, counts, errors, meta)

    def ask_all(
        self,
        questions: Sequence[AnyQuestion],
        options: RunOptions,
        deadline: Deadline,
        take: Callable[[int, PartialAnswer[AnyQuestion]], None],
        unit: str = "target",
    ) -> dict[int, Exception]:
        """Run queries that cannot be split, pass each response to ``take``, and return the errors."""
        errors: dict[int, Exception] = {}
        if not questions:
            return errors
        answers = run_queries(questions, self._service, options, deadline, "Querying", unit)
        for place, (part,) in enumerate(answers):
            try:
                if part.error is not None:
                    raise part.error
                with reading(part.asked.request.service):
                    take(place, part)
            except MastError as err:
                errors[place] = err
        return errors


def table_of_counts(
    where: TargetInput,
    targets: Targets,
    counts: Mapping[int, int],
    errors: Mapping[int, Exception],
    meta: dict[str, list[Any]],
) -> Table:
    """Return the table of counts, from the count for each cone."""
    values = np.ma.MaskedArray(np.zeros(len(targets.positions), dtype=np.int64), mask=True)
    for row, cone in zip(targets.rows.tolist(), targets.cone_of.tolist(), strict=True):
        if cone in counts:
            values[row] = counts[cone]
    first = target_columns(where, targets, np.arange(len(values)))
    columns = [MaskedColumn(data, name=name, description=text) for name, (data, _, text) in first.items()]
    columns.append(MaskedColumn(values, name="count", description="Number of rows; masked if unknown"))
    table = ResultTable(columns, masked=True, copy=False, meta=meta)
    _note_failures(table, targets, errors)
    return table


def table_of_targets(
    where: TargetInput,
    targets: Targets,
    answers: tuple[Table, Mapping[int, RowNumbers]],
    errors: Mapping[int, Exception],
) -> Table:
    """Return one table, target by target, from the rows of all cones and the numbers of the rows of each cone."""
    table, found = answers
    rows, of_target = targets.expand_to_input(found)
    table = with_leading_columns(table, rows, target_columns(where, targets, of_target))
    table.meta["rows"] = [len(table)]
    _note_failures(table, targets, errors, targets.without_rows(found))
    return table


def target_columns(where: TargetInput, targets: Targets, of_target: RowNumbers) -> dict[str, tuple[Any, Any, str]]:
    """Return the columns that identify the target of a row."""
    columns: dict[str, tuple[Any, Any, str]] = {"input_row": (of_target, None, _INPUT_ROW)}
    if where.object_name is not None:
        columns["target"] = (targets.names()[of_target], None, "Requested name")
    return columns


def refuse_page(page: int | None) -> None:
    """Raise if a page is requested for many targets."""
    if page is not None:
        raise InvalidArgumentError(f"page={page!r} cannot be used with several targets. Omit it to get all rows.")


def _flat(coordinates: Any) -> Any:
    """Flatten an array of positions, so that its length is their number."""
    return coordinates.ravel() if hasattr(coordinates, "ravel") else coordinates


def raise_if_all(errors: Mapping[int, Exception], number: int) -> None:
    """Raise the first error if all queries failed."""
    if errors and len(errors) == number:
        raise errors[min(errors)]


def _note_failures(
    table: Table, targets: Targets, errors: Mapping[int, Exception], unmatched: list[int] | None = None
) -> None:
    """Record the failed targets, and those without rows, in the table's ``meta``; warn of the failed ones."""
    reasons = targets.of_cones({cone: str(error) for cone, error in errors.items()})
    failed = targets.positions.failures(reasons)
    table.meta = TargetMeta(table.meta)
    table.meta.note(failed=failed, unmatched=unmatched)
    warn_of_failures(failed, len(targets.positions), "targets")


def warn_of_failures(failed: list[str], number: int, what: str) -> None:
    """Warn of failures, once for the whole result."""
    if failed:
        shown = "; ".join(failed[:_SHOWN]) + ("; ..." if len(failed) > _SHOWN else "")
        message = f"{len(failed)} of {number} {what} failed. See meta['failed']: {shown}"
        warn_user(message, InputWarning)
