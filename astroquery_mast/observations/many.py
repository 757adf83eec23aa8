"""Observations of many targets: neighbours share a request, and each target gets what it would be answered alone.

In: targets, and what is asked about each.  Out: one table for all, or a table of counts.  Three steps: what is worth it
is asked in groups; the answers are divided where that is beyond doubt; everybody else is asked for alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from astropy.table import MaskedColumn, Table
from astroquery import log

from ..query.columns_wanted import ColumnSelection
from ..query.filters import Criteria
from ..query.request import MashupRequest
from ..service.deadline import Deadline
from ..sky.position import Cone
from ..sky.region_filter import CUT_COLUMNS
from ..tables.mashup import Page
from ..tables.table import RequestInfo, TableBuilder, table_meta
from ..targets.ask import Effort
from ..targets.many_task import Part, Single
from ..targets.match_targets import Targets
from ..targets.one_table import Asked, Blocks
from ..targets.targets import POSITIONAL, Where, raise_if_all
from ..warn import warn_no_results
from .groups_answer import ANSWER_COLUMNS, Share, numbers, positions_in, shares
from .neighbours import Group, alone, grouped
from .search import ObservationRequests

__all__ = ["ObservationMany", "ObservationOptions"]

Rows = npt.NDArray[np.int64]
RequestFor = Callable[[Cone], MashupRequest]

# What a group's answer is divided by, of the columns that can be chosen.
_DIVIDING = (*CUT_COLUMNS, "distance")
_CUT = "Rows whose position is not in the circle around their target were left out"
_OURS = "for targets that were asked for together computed here, from s_region"


@dataclass(frozen=True)
class ObservationOptions:
    """What of the observations of many targets is wanted; parameters as those of the query methods."""

    choice: ColumnSelection | None = None
    overlap: str = "footprint"
    merge_nearby: bool = True
    pagesize: int | None = None
    cache: bool | None = None
    payload: bool = False

    def needing(self, groups: Sequence[Group]) -> ObservationOptions:
        """Return the same with the columns that are needed on the way to it."""
        if self.choice is None:
            return self
        also: tuple[str, ...] = CUT_COLUMNS if self.overlap == "center" else ()
        if any(group.shared for group in groups):
            also = _DIVIDING
        return replace(self, choice=replace(self.choice, also=also))


@dataclass
class _Answers:
    """What has been answered, for cones and for groups of them; a group's answer has a number above all cones'."""

    targets: Targets
    asked: Asked
    blocks: Blocks
    shares: dict[int, tuple[int, Share]] = field(default_factory=dict)

    def divide(self, place: int, group: Group, request: RequestInfo, pages: Sequence[Page], overlap: str) -> None:
        """Take the answer for a group, as far as it is that for its members."""
        divided = shares(_dividing(request, pages), group, self.targets.cones, overlap)
        if not divided:
            return
        number = len(self.targets.cones) + place
        self.blocks.add(number, pages)
        self.shares.update({member: (number, share) for member, share in divided.items()})

    def left(self) -> list[int]:
        """Return the cones that are to be asked for by themselves."""
        return [cone for cone in range(len(self.targets.cones)) if cone not in self.shares]

    def table(self, overlap: str) -> tuple[Table, dict[int, Rows], dict[int, npt.NDArray[np.float64]]]:
        """Return all rows, cone → its rows, and cone → their distances where these were computed here."""
        table, answered = self.blocks.table()
        cones = range(len(self.targets.cones))
        found = {cone: answered[cone] for cone in cones if cone in answered}
        if overlap == "center":
            found = {cone: _centred(table, rows, self.targets.cones[cone]) for cone, rows in found.items()}
        found |= {cone: answered[number][share.rows] for cone, (number, share) in self.shares.items()}
        return table, found, {cone: share.distance for cone, (_, share) in self.shares.items()}


class ObservationMany(ObservationRequests):
    """Observations of many targets; see `MastClass` for parameters."""

    def _observed_many(
        self, where: Where, criteria: Criteria | None, effort: Effort, wanted: ObservationOptions
    ) -> Table | list[dict[str, object]]:
        """Return the observations of many targets, with a warning if there are none; or the requests."""
        deadline = effort.clock()
        targets = self._many_targets(where, deadline)
        groups = grouped(targets.cones) if wanted.merge_nearby else alone(targets.cones)
        wanted = wanted.needing(groups)
        request_for = self._request_maker(criteria, wanted)
        if wanted.payload:
            return [request_for(group.cone).payload() for group in groups]
        answers, errors = self._ask_in_groups(targets, groups, request_for, wanted, (effort, deadline))
        table, found, away = answers.table(wanted.overlap)
        table = self._table_of_targets(where, targets, (table, found), errors)
        _put_distances(table, targets.beside(found, away))
        if wanted.overlap == "center":
            table.meta["cut"] = [_CUT]
        if effort.verbose:
            log.info(
                "%d rows for %d targets, with %d requests in %.1f s.",
                *(len(table), len(targets.positions), answers.asked.requests, deadline.elapsed()),
            )
        if not len(table):
            warn_no_results(self._hints(criteria) if criteria is not None else ())
        return table if wanted.choice is None else wanted.choice.of(table)

    def _counted_many(
        self,
        where: Where,
        criteria: Criteria,
        effort: Effort,
        *,
        overlap: str = "footprint",
        payload: bool = False,
        cache: bool | None = None,
    ) -> Table | list[dict[str, object]]:
        """Return the number of observations of each of many targets."""
        if overlap == "footprint":
            return self._counts_of_many(
                where, lambda cone: self._count_request(criteria, cone, None, cache), effort, payload=payload
            )
        # The archive counts footprints only: the rows are fetched, as far as they are needed to count.
        wanted = ObservationOptions(ColumnSelection((), _DIVIDING), overlap, cache=cache)
        deadline = effort.clock()
        targets = self._many_targets(where, deadline)
        groups = grouped(targets.cones)
        request_for = self._request_maker(criteria, wanted)
        if payload:
            return [request_for(group.cone).payload() for group in groups]
        answers, errors = self._ask_in_groups(targets, groups, request_for, wanted, (effort, deadline))
        table, found, _ = answers.table(overlap)
        counts = {cone: len(rows) for cone, rows in found.items()}
        meta = table_meta(answers.asked, len(targets.positions), table.meta.get("time", ()))
        return self._table_of_counts(where, targets, counts, errors, meta)

    def _request_maker(self, criteria: Criteria | None, wanted: ObservationOptions) -> RequestFor:
        """Return what makes the request for a cone."""

        def request_for(cone: Cone) -> MashupRequest:
            """Return the request for a cone."""
            if criteria is None:
                request = self._cone_request(cone, wanted.pagesize, None, wanted.choice)
            else:
                named = "*" if wanted.choice is None else wanted.choice.text
                request = self._filtered_request(criteria, cone, pagesize=wanted.pagesize, columns=named)
            return replace(request, cache=wanted.cache)

        return request_for

    def _ask_in_groups(
        self,
        targets: Targets,
        groups: Sequence[Group],
        request_for: RequestFor,
        wanted: ObservationOptions,
        how: tuple[Effort, Deadline],
    ) -> tuple[_Answers, dict[int, Exception]]:
        """Ask for groups, then for each cone that has no answer yet; return the answers, and why some have none."""
        effort, deadline = how
        shared = [group for group in groups if group.shared]
        asked = Asked(request_for(groups[0].cone), len(targets.positions), 0, POSITIONAL, len(shared))
        answers = _Answers(targets, asked, Blocks(asked, self._service.columns.get(self._caom_cone)))
        questions = [Single(request_for(group.cone), shared=True) for group in shared]

        def divide(place: int, part: Part[Single]) -> None:
            """Take the answer for a group."""
            answers.divide(place, shared[place], part.asked.request, part.pages, wanted.overlap)

        # Groups may have half of the time, so that some is left for their members.
        limit = Deadline(math.inf if effort.seconds is None else deadline.remaining() / 2)
        for place, error in self._ask_all(questions, effort, limit, divide, "group").items():
            log.info("A group of %d targets is asked for one by one: %s", len(shared[place].members), error)
        left = answers.left()

        def take(place: int, part: Part[Single]) -> None:
            """Take the answer for a cone that was asked for by itself."""
            answers.blocks.add(left[place], part.pages)

        singles = [Single(request_for(targets.cones[cone])) for cone in left]
        failed = self._ask_all(singles, effort, deadline, take)
        asked.requests = len(questions) + len(singles)
        raise_if_all(failed, len(targets.cones))
        return answers, {left[place]: error for place, error in failed.items()}


def _dividing(request: RequestInfo, pages: Sequence[Page]) -> Table:
    """The columns by which an answer is divided."""
    builder = TableBuilder(request, {})
    for page in pages:
        builder.add(replace(page, fields=tuple(column for column in page.fields if column[0] in ANSWER_COLUMNS)))
    return builder.table()


def _centred(table: Table, rows: Rows, cone: Cone) -> Rows:
    """Those rows whose position is in a cone."""
    if not len(rows):
        return rows
    return np.asarray(rows[positions_in(cone, numbers(table, "s_ra")[rows], numbers(table, "s_dec")[rows])])


def _put_distances(table: Table, distances: npt.NDArray[np.float64]) -> None:
    """Put those distances in place that are known; the archive's would be those from the centre of a group."""
    known = np.isfinite(distances)
    if "distance" not in table.colnames or not known.any():
        return
    column = MaskedColumn(table["distance"], dtype=float)
    column[known] = distances[known]
    column.description = f"{column.description}; {_OURS}" if column.description else _OURS.capitalize()
    table["distance"] = column
