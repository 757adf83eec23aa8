"""Observations of many targets: neighbors share a request, but each target gets the rows of its own cone search.

In: `~astroquery_mast.observations.search.QueryArguments` with many targets.  Out: one table for all targets, or a table
of counts.  There are three steps.  Neighbors share a request where that is cheaper.  The response is divided among the
targets for which the matching rows are certain.  Each remaining target gets a request of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from astropy.table import MaskedColumn, Table
from astroquery import log

from ..exceptions import InvalidArgumentError
from ..query.selection import ColumnSelection
from ..service.mast_service import CallOptions, MastService
from ..service.parallel import RunOptions
from ..service.retrying import Deadline
from ..sky.position import Cone
from ..sky.region_filter import CUT_COLUMNS, cone_filter, rows_in_region
from ..tables.rows import RowNumbers
from ..tables.table import table_meta
from ..targets.batch import AnswerCollector, AskedTargets, IndivisibleQuestion, PartialAnswer
from ..targets.targets import (
    POSITIONAL,
    ManyTargets,
    RequestFor,
    Targets,
    raise_if_all,
    refuse_page,
    table_of_counts,
    table_of_targets,
)
from ..warn import warn_no_results
from .search import CAOM_CONE, TWO_PLACES, ObservationQuery, ObservationSearch, Place, QueryArguments

if TYPE_CHECKING:
    from .neighbors import MemberRows, SharedCone


# The columns used to divide a shared response; those that can be selected.
_DIVIDING = (*CUT_COLUMNS, "distance")
_CUT = "Rows outside the circle around their target were removed"
_OURS = "computed here, from s_region, where neighbors shared a request"


class ManyObservations:
    """Queries MAST for observations of many targets."""

    def __init__(self, service: MastService, search: ObservationSearch) -> None:
        self._service = service
        self._search = search
        self._targets = ManyTargets(service)

    def table(self, arguments: QueryArguments, options: CallOptions) -> Table | list[dict[str, object]]:
        """Return the observations of all targets, or the requests; warn if there are no matches."""
        query, job, groups = self._prepared(arguments, options)
        if options.get_query_payload:
            return _payloads(job.targets, groups, self._request_maker(query))
        table = self._found(query, job, groups)
        if not len(table):
            warn_no_results(self._search.hints(query.criteria))
        return query.for_many().finished(table)

    def covering(self, arguments: QueryArguments, options: CallOptions) -> Table:
        """Return the observations of all targets, without a warning if there are no matches."""
        query, job, groups = self._prepared(arguments, options)
        return query.for_many().finished(self._found(query, job, groups))

    def _prepared(
        self, arguments: QueryArguments, options: CallOptions
    ) -> tuple[ObservationQuery, _Job, Sequence[SharedCone]]:
        """Return the query, its targets, and the groups of targets that share a request."""
        arguments.require_criterion()
        query = self._search.query_anywhere(arguments)
        job = self._job(arguments, options)
        groups = _shared_cones(job.targets) if arguments.merge_nearby else []
        return _with_needed_columns(query, groups), job, groups

    def _found(self, query: ObservationQuery, job: _Job, groups: Sequence[SharedCone]) -> Table:
        """Query the observations of all targets."""
        answers, errors = self._ask(job, groups, self._request_maker(query))
        table, found, distances = answers.table(job.place.overlap)
        table = table_of_targets(job.place, job.targets, (table, found), errors)
        _put_distances(table, job.targets.values_by_target(found, distances))
        if job.place.overlap == "center":
            table.meta["cut"] = [_CUT]
        if job.options.verbose:
            log.info(
                "%d rows for %d targets, with %d requests in %.1f s.",
                *(len(table), len(job.targets.positions), answers.asked.requests, job.deadline.elapsed()),
            )
        return table

    def count(self, arguments: QueryArguments, options: CallOptions) -> Table | list[dict[str, object]]:
        """Return the number of observations of each target, or the requests."""
        query = self._search.query_anywhere(arguments)
        if arguments.place.overlap == "footprint":
            _refuse_for_many(arguments)
            return self._targets.counts(
                arguments.place,
                lambda cone: self._search.count_request(replace(query, cone=cone)),
                options.for_run(),
                payload=options.get_query_payload,
            )
        # MAST only counts footprints, so the rows are retrieved, with the columns needed to count them.
        job = self._job(arguments, options)
        request_for = self._request_maker(replace(query, columns=ColumnSelection((), _DIVIDING)))
        groups = _shared_cones(job.targets)
        if options.get_query_payload:
            return _payloads(job.targets, groups, request_for)
        answers, errors = self._ask(job, groups, request_for)
        table, found, _ = answers.table(job.place.overlap)
        counts = {cone: len(rows) for cone, rows in found.items()}
        meta = table_meta(answers.asked, len(job.targets.positions), table.meta.get("time", ()))
        return table_of_counts(job.place, job.targets, counts, errors, meta)

    def _job(self, arguments: QueryArguments, options: CallOptions) -> _Job:
        """Start the clock and resolve the positions of the targets."""
        _refuse_for_many(arguments)
        run_options = options.for_run()
        deadline = run_options.deadline()
        return _Job(arguments.place, self._targets.targets(arguments.place, deadline), run_options, deadline)

    def _request_maker(self, query: ObservationQuery) -> RequestFor:
        """Return a function that makes the request for a cone."""
        return lambda cone: self._search.request(replace(query, cone=cone, limit=None))

    def _ask(
        self, job: _Job, groups: Sequence[SharedCone], request_for: RequestFor
    ) -> tuple[_Answers, dict[int, Exception]]:
        """Query neighbors together, then each remaining cone; return the responses, and the errors by cone."""
        shared = [group for group in groups if group.shared]
        cones = job.targets.cones
        asked = AskedTargets(request_for(cones[0]), len(job.targets.positions), 0, POSITIONAL, len(shared))
        answers = _Answers(job.targets, asked, AnswerCollector(asked, self._service.columns.get(CAOM_CONE)))
        if shared:
            self._ask_together(job, shared, request_for, answers)
        left = answers.left()

        def take(place: int, part: PartialAnswer[IndivisibleQuestion]) -> None:
            """Add the response for a single cone."""
            answers.blocks.add(left[place], part.pages)

        singles = [IndivisibleQuestion(request_for(cones[cone])) for cone in left]
        failed = self._targets.ask_all(singles, job.options, job.deadline, take)
        asked.requests = len(shared) + len(singles)
        raise_if_all(failed, len(cones))
        return answers, {left[place]: error for place, error in failed.items()}

    def _ask_together(
        self, job: _Job, shared: Sequence[SharedCone], request_for: RequestFor, answers: _Answers
    ) -> None:
        """Query neighbors together, and divide the responses where that is certain."""
        from .neighbors import divide_pages  # noqa: PLC0415 - only neighbors need it

        def divide(place: int, part: PartialAnswer[IndivisibleQuestion]) -> None:
            """Add the response for a group of neighbors."""
            divided = divide_pages(part.asked.request, part.pages, shared[place], job.targets.cones, job.place.overlap)
            answers.take_divided(place, part, divided)

        # Use at most half of the time, to leave some for targets that need requests of their own.
        limit = job.deadline.part(job.deadline.remaining() / 2)
        questions = [IndivisibleQuestion(request_for(group.cone), shared=True) for group in shared]
        for place, error in self._targets.ask_all(questions, job.options, limit, divide, "group").items():
            log.info("%d neighboring targets are queried separately: %s", len(shared[place].members), error)


@dataclass(frozen=True)
class _Job:
    """The targets of a call, with its time limit and workers."""

    place: Place
    targets: Targets
    options: RunOptions
    deadline: Deadline


@dataclass
class _Answers:
    """The responses for single cones and for groups of neighbors; groups are numbered after all cones."""

    targets: Targets
    asked: AskedTargets
    blocks: AnswerCollector
    divided: dict[int, tuple[int, MemberRows]] = field(default_factory=dict)

    def take_divided(
        self, place: int, part: PartialAnswer[IndivisibleQuestion], divided: dict[int, MemberRows]
    ) -> None:
        """Add the response for a group of neighbors, unless it could not be divided."""
        if divided:
            number = len(self.targets.cones) + place
            self.blocks.add(number, part.pages)
            self.divided.update({member: (number, rows) for member, rows in divided.items()})

    def left(self) -> list[int]:
        """Return the cones that need requests of their own."""
        return [cone for cone in range(len(self.targets.cones)) if cone not in self.divided]

    def table(self, overlap: str) -> tuple[Table, dict[int, RowNumbers], dict[int, npt.NDArray[np.float64]]]:
        """Return all rows, the rows of each cone, and the distances of cones for which they were computed here."""
        table, answered = self.blocks.table()
        cones = range(len(self.targets.cones))
        found = {cone: answered[cone] for cone in cones if cone in answered}
        if overlap == "center":
            found = {cone: _centered(table, rows, self.targets.cones[cone]) for cone, rows in found.items()}
        found |= {cone: answered[number][member.rows] for cone, (number, member) in self.divided.items()}
        return table, found, {cone: member.distance for cone, (_, member) in self.divided.items()}


def _refuse_for_many(arguments: QueryArguments) -> None:
    """Raise `InvalidQueryError` if many targets are combined with an argument for a single result."""
    if arguments.place.region is not None:
        raise InvalidArgumentError(TWO_PLACES)
    refuse_page(arguments.page)


def _shared_cones(targets: Targets) -> list[SharedCone]:
    """Return the cones to query; neighbors share one where that is cheaper."""
    from .neighbors import share_cones  # noqa: PLC0415 - only neighbors need it

    return share_cones(targets.cones)


def _payloads(targets: Targets, groups: Sequence[SharedCone], request_for: RequestFor) -> list[dict[str, object]]:
    """Return the requests that would be sent first."""
    cones = [group.cone for group in groups] or targets.cones
    return [request_for(cone).payload() for cone in cones]


def _with_needed_columns(query: ObservationQuery, groups: Sequence[SharedCone]) -> ObservationQuery:
    """Return the query with the columns needed to divide responses for several targets."""
    if query.columns is None or not any(group.shared for group in groups):
        return query
    return replace(query, columns=replace(query.columns, also=(*query.columns.also, *_DIVIDING)))


def _centered(table: Table, rows: RowNumbers, cone: Cone) -> RowNumbers:
    """Return the rows whose position is inside a cone."""
    if not len(rows):
        return rows
    kept, _ = rows_in_region(table["s_ra", "s_dec"][rows], cone_filter(cone).region, "center")
    return np.asarray(rows[kept])


def _put_distances(table: Table, distances: npt.NDArray[np.float64]) -> None:
    """Fill in the distances computed here, because those from MAST refer to the center of the shared cone."""
    known = np.isfinite(distances)
    if "distance" not in table.colnames or not known.any():
        return
    sent = table["distance"]
    if sent.dtype.kind not in "iuf":  # strings instead of numbers
        sent = MaskedColumn(np.zeros(len(table)), mask=True, unit=sent.unit, description=sent.description)
    column = MaskedColumn(sent, name="distance", dtype=float)
    column[known] = distances[known]
    column.description = f"{column.description}; {_OURS}" if column.description else _OURS.capitalize()
    table["distance"] = column
