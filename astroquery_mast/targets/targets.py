"""The same question for many targets: what the public methods do when they are given arrays, lists or tables.

In: positions or names, and what is asked about each.  Out: one table for all, with the row of the target beside each
answer, or a table of counts.  Which targets failed, and which were asked for in vain, stands in its ``meta``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from astropy.table import MaskedColumn, Table

from ..exceptions import InputWarning, InvalidArgumentError, MastError, ResolverError
from ..query.request import MashupRequest
from ..service.deadline import Deadline
from ..service.mast_service import MastService, refuse_two_positions
from ..service.parallel import RunOptions
from ..service.resolver import warn_unused_resolver
from ..sky.position import Cone, TargetInput
from ..sky.positions import Positions, as_names, as_positions
from ..tables.table import first_value, table_meta
from ..warn import warn_user
from .ask import DivisibleQuestion, IndivisibleQuestion, PartialAnswer, ask_many
from .match_targets import Targets, as_radii, targets_of
from .one_table import Asked, TargetMeta, with_first

__all__ = [
    "POSITIONAL",
    "ManyTargets",
    "RequestFor",
    "raise_if_all",
    "refuse_page",
    "table_of_counts",
    "table_of_targets",
    "target_columns",
    "warn_of_failures",
]

POSITIONAL = ("ra", "dec", "radius", "position")
"""The parameters in which the requests for many targets differ."""

Q = TypeVar("Q", bound=DivisibleQuestion)
Rows = npt.NDArray[np.int64]

_SHOWN = 3
_INPUT_ROW = "Row of the target in what was asked for"


RequestFor = Callable[[Cone], MashupRequest]


class ManyTargets:
    """Asks one service about many targets at once."""

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
        """Return the positions of many targets; names are looked up, many at a time."""
        given = as_names(object_name) if object_name is not None else as_positions(coordinates, **columns)
        errors: Mapping[str, Exception] = {}
        if not given.names:
            warn_unused_resolver(resolver)
        else:
            limit = Deadline.within(deadline)
            found, errors = self._service.resolver.positions(given.names.values(), deadline=limit, resolver=resolver)
            given = given.resolved(found, {name: str(error) for name, error in errors.items()})
        if not len(given.known):
            first = next(iter(errors.values()), None)
            if first is not None:
                message = "Could not resolve any of the given object names to sky positions."
                raise first if isinstance(first, MastError) else ResolverError(message)
            raise InvalidArgumentError(f"None of the {len(given)} targets has a position: {given.failures()[0]}")
        return given

    def targets(self, where: TargetInput, deadline: Deadline) -> Targets:
        """Return the cones around many targets."""
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
            """Take the answer for a cone."""
            (page,) = part.pages
            counts[place] = first_value(page)
            times.append(page.time)

        errors = self.ask_all([IndivisibleQuestion(request) for request in requests], options, deadline, take)
        raise_if_all(errors, len(requests))
        asked = Asked(requests[0], len(targets.positions), len(requests), POSITIONAL)
        meta = table_meta(asked, len(targets.positions), times)
        return table_of_counts(where, targets, counts, errors, meta)

    def ask_all(
        self,
        questions: Sequence[Q],
        options: RunOptions,
        deadline: Deadline,
        take: Callable[[int, PartialAnswer[Q]], None],
        unit: str = "target",
    ) -> dict[int, Exception]:
        """Ask questions that cannot be made smaller, hand over the answer to each, and return why some have none."""
        errors: dict[int, Exception] = {}
        if not questions:
            return errors
        answers = ask_many(questions, self._service, options, deadline, "Asking", unit)
        for place, (part,) in enumerate(answers):
            try:
                if part.error is not None:
                    raise part.error
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
    columns.append(MaskedColumn(values, name="count", description="Number of rows; masked where it is not known"))
    table = Table(columns, masked=True, copy=False, meta=meta)
    _note_failures(table, targets, errors)
    return table


def table_of_targets(
    where: TargetInput,
    targets: Targets,
    answers: tuple[Table, Mapping[int, Rows]],
    errors: Mapping[int, Exception],
) -> Table:
    """Return one table, target by target, from the rows of all cones and which of them belong to which cone."""
    table, found = answers
    rows, of_target = targets.distributed(found)
    table = with_first(table, rows, target_columns(where, targets, of_target))
    table.meta["rows"] = [len(table)]
    _note_failures(table, targets, errors, targets.without_rows(found))
    return table


def target_columns(where: TargetInput, targets: Targets, of_target: Rows) -> dict[str, tuple[Any, Any, str]]:
    """Return the columns that say of which target a row tells."""
    columns: dict[str, tuple[Any, Any, str]] = {"input_row": (of_target, None, _INPUT_ROW)}
    if where.object_name is not None:
        columns["target"] = (targets.names()[of_target], None, "Name that was asked for")
    return columns


def refuse_page(page: int | None) -> None:
    """Raise if a page is asked for where there are many answers."""
    if page is not None:
        raise InvalidArgumentError(f"page={page!r}: there are many answers, each with pages of its own; ask for all.")


def _flat(coordinates: Any) -> Any:
    """Positions as something whose length is their number."""
    return coordinates.ravel() if hasattr(coordinates, "ravel") else coordinates


def raise_if_all(errors: Mapping[int, Exception], number: int) -> None:
    """Raise the first error if there are as many errors as questions."""
    if errors and len(errors) == number:
        raise errors[min(errors)]


def _note_failures(
    table: Table, targets: Targets, errors: Mapping[int, Exception], unmatched: list[int] | None = None
) -> None:
    """List the targets without an answer, or without a row, in the table's ``meta``, and warn of the former once."""
    reasons = targets.of_cones({cone: str(error) for cone, error in errors.items()})
    failed = targets.positions.failures(reasons)
    table.meta = TargetMeta(table.meta)
    table.meta.note(failed=failed, unmatched=unmatched)
    warn_of_failures(failed, len(targets.positions), "targets")


def warn_of_failures(failed: list[str], number: int, what: str) -> None:
    """Warn once of what is missing in a result."""
    if failed:
        shown = "; ".join(failed[:_SHOWN]) + ("; ..." if len(failed) > _SHOWN else "")
        message = f"{len(failed)} of {number} {what} have no answer, see meta['failed']: {shown}"
        warn_user(message, InputWarning)
