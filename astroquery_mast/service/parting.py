"""How many rows a question has, and into which parts it falls if these are more than the archive sends at once.

In: a question.  Out: a count of the archive, or an error where nobody knows it; and
`~astroquery_mast.service.split.Part` objects, each within the limit.  Every step is proven by counts: a part that is
larger than the limit is divided further, and the counts of the parts must add up to that of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from astroquery import log

from ..config import count_setting
from ..exceptions import BadRequestError, IncompleteResultError, MastError, ServerError, TooManyRowsError
from ..query.request import MashupRequest
from ..tables.table import first_value
from .deadline import Deadline
from .http import HttpClient
from .parallel import map_in_threads
from .split import (
    SPLIT_COLUMNS,
    Part,
    Span,
    as_parts,
    counting,
    counting_entries,
    pieces_for,
    spans_of,
    stops_by_itself,
    within,
)

__all__ = ["PageLimits", "RowSplitter"]


@dataclass(frozen=True)
class PageLimits:
    """How fast, and how long."""

    deadline: Deadline
    page_seconds: float = math.inf
    workers: int | None = None

    @property
    def most(self) -> int:
        """How many requests at a time."""
        return count_setting("max_workers") if self.workers is None else max(1, int(self.workers))


class RowSplitter:
    """Counts what questions have, and finds their parts."""

    def __init__(self, wire: HttpClient, limit: int, pace: PageLimits) -> None:
        self._wire = wire
        self._limit = limit
        self._pace = pace

    def count(self, request: MashupRequest, *, once: bool = False) -> int:
        """Return how many rows a filtered question has."""
        return self._answered(counting(request), once=once)

    def proven(self, request: MashupRequest, filtered: MashupRequest | None, announced: int, *, divisible: bool) -> int:
        """Return how many rows a question has whose answer reaches the limit."""
        if filtered is not None:
            return max(announced, self.count(filtered))
        if stops_by_itself(request, announced):
            return announced
        rows = None if divisible else self._entries(request)
        if rows is not None and rows <= announced:
            return announced
        known = f"has sent {announced} rows, and may have more" if rows is None else f"has {rows} rows"
        raise TooManyRowsError(
            f"{request.service} {known}: the archive sends about {self._limit} at once "
            "(conf.server_row_limit). Ask for less at a time, with a smaller radius or further criteria; if you know "
            "that it sends more, raise conf.server_row_limit.",
            service=request.service,
        )

    def _entries(self, request: MashupRequest) -> int | None:
        """How many entries of a catalogue a question has; None if the archive does not tell."""
        asking = counting_entries(request)
        try:
            return None if asking is None else self._answered(asking, once=True)
        except MastError as err:
            log.debug("The rows could not be counted: %s", err)
            return None

    def _answered(self, asking: MashupRequest, *, once: bool) -> int:
        """The number that the archive answers."""
        deadline = self._pace.deadline.part(self._pace.page_seconds)
        return first_value(self._wire.page(asking, deadline, _always if once else None).page)

    def parts(self, request: MashupRequest, total: int) -> list[Part]:
        """Return the parts of a question."""
        parts = self._divided(request, total, tuple(SPLIT_COLUMNS))
        if parts is None:
            raise IncompleteResultError(
                f"{request.service} has {total} rows, the archive sends {self._limit} at once, and the counts of parts "
                f"by {', '.join(SPLIT_COLUMNS)} do not add up. Ask for less at a time, by further criteria.",
                service=request.service,
            )
        return parts

    def _divided(self, request: MashupRequest, total: int, columns: Sequence[str]) -> list[Part] | None:
        """The parts of a question by the first of some columns that will do."""
        for number, column in enumerate(columns, 1):
            try:
                parts = self._by(column, request, total, columns[number:])
            except (ServerError, BadRequestError) as err:
                if isinstance(err, ServerError) and err.status != 200:
                    raise
                log.debug("The archive refuses to filter by %s: %s", column, err)
                continue
            if parts is not None:
                return parts
        return None

    def _by(self, column: str, request: MashupRequest, total: int, others: Sequence[str]) -> list[Part] | None:
        """The parts of a question by one column; None if rows lack a value there, or too many have the same."""
        small: list[tuple[Span, int]] = []
        same: list[tuple[Span, int]] = []
        spans, expected = spans_of(request, column), total
        core = SPLIT_COLUMNS[column]
        while spans:
            counts = self._counted(column, request, spans)
            if sum(rows for _, rows in counts) != expected:
                return None
            small += [(span, rows) for span, rows in counts if rows <= self._limit]
            large = [(span, rows) for span, rows in counts if rows > self._limit]
            same += [(span, rows) for span, rows in large if span.is_point(core)]
            large = [(span, rows) for span, rows in large if not span.is_point(core)]
            expected = sum(rows for _, rows in large)
            spans = [piece for span, rows in large for piece in span.divided(pieces_for(rows, self._limit), core)]
        parts = as_parts(request, column, sorted(small, key=lambda each: each[0].low), self._limit)
        for span, rows in same:
            further = self._divided(within(request, column, [span]), rows, others)
            if further is None:
                return None
            parts += further
        return parts or None

    def _counted(self, column: str, request: MashupRequest, spans: Sequence[Span]) -> list[tuple[Span, int]]:
        """How many rows each range has, several asked for at a time."""

        def count(span: Span) -> int:
            """Count the rows of a range."""
            return self.count(within(request, column, [span]))

        return list(zip(spans, map_in_threads(count, spans, min(self._pace.most, len(spans))), strict=True))


def _always(_error: MastError) -> bool:
    """Give up at the first failure, whatever it is."""
    return True
