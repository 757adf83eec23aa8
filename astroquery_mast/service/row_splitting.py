"""Queries with more rows than MAST returns at once: count the rows, split the query, and join the parts.

In: a Mashup query whose response reaches the limit, or whose connection broke.  Out: the pages of its parts, in order;
or an error if the number of rows is unknown.  The module is imported only for such a query.

MAST can return about 500,000 rows (``conf.server_row_limit``); for more, its server drops the connection.  The query is
split by time, else by position, else by identifier, until each part is within the limit.  Counts verify every step: a
part that is larger than the limit is divided further, and the counts of the parts must add up to the total.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import cast

from astroquery import log

from ..exceptions import BadRequestError, IncompleteResultError, MastError, ServerError, TooManyRowsError
from ..query.request import MashupRequest, Question
from ..tables.mashup import Completeness, first_value
from .http import AnswerPage, HttpClient, PageLimits, Parts, fetch_pages
from .parallel import map_in_threads, map_or_stop
from .row_ranges import (
    CONE,
    Interval,
    RangeOfRows,
    RowCounts,
    as_filtered,
    as_parts,
    counting,
    counting_entries,
    limits_itself,
    pieces_for,
    restricted_to,
    spans_of,
    split_columns,
)

# Columns that the filtered service has in addition to those of the cone search.
_FILTERED_ONLY = frozenset({"objID", "objID1"})
# The number of broken connections after which the caller splits a query, if it can; a single one may be an accident.
_BREAKS = 2


class RowSplitter:
    """Counts the rows of one query, splits it, and requests the parts."""

    def __init__(self, client: HttpClient, question: Question, limits: PageLimits) -> None:
        assert isinstance(question, MashupRequest)
        self._client = client
        self._question = question
        self._limits = limits
        self._limit = math.inf if limits.rows is None else limits.rows
        # The same query in the form that can be split and counted.
        self._filtered = None if limits.divisible else as_filtered(question)
        self._breaks = 0
        self._total = 0

    @property
    def exceeded(self) -> bool:
        """Whether the response is known to be larger than the limit, and the query can be split."""
        return self._filtered is not None and self._total > self._limit

    # -- how many rows -------------------------------------------------------------------------------------------

    def counted_after_break(self) -> bool:
        """Return whether a connection broke because the response is too large; rows are counted once only."""
        self._breaks += 1
        if self._limits.divisible:
            return self._breaks >= _BREAKS
        if self._filtered is None or self._breaks > 1:
            return False
        try:
            self._total = self._count(self._filtered, once=True)
        except MastError as err:
            log.debug("Could not count the rows: %s", err)
        return self.exceeded

    def counted_at_limit(self, announced: int) -> bool:
        """Return whether a query whose response reaches the limit must be split."""
        if self._filtered is not None:
            self._total = max(announced, self._count(self._filtered))
            return self.exceeded
        if not limits_itself(self._question, announced):
            self._refuse_more(announced)
        return False

    def _refuse_more(self, announced: int) -> None:
        """Raise `TooManyRowsError` unless a response that reaches the limit is known to have all rows."""
        rows = None if self._limits.divisible else self._entries()
        if rows is not None and rows <= announced:
            return
        service = self._question.service
        known = f"returned {announced} rows and may have more" if rows is None else f"has {rows} rows"
        raise TooManyRowsError(
            f"{service} {known}, but MAST returns about {self._limit} per request (conf.server_row_limit). "
            "Narrow the query with a smaller radius or more criteria. If you know that the limit is higher, "
            "increase conf.server_row_limit.",
            service=service,
        )

    def _entries(self) -> int | None:
        """The number of catalog entries of the query; None if they cannot be counted."""
        asking = counting_entries(self._question)
        try:
            return None if asking is None else self._request_count(asking, once=True)
        except MastError as err:
            log.debug("Could not count the rows: %s", err)
            return None

    def _count(self, request: MashupRequest, *, once: bool = False) -> int:
        """The number of rows of a filtered query."""
        return self._request_count(counting(request), once=once)

    def _request_count(self, asking: MashupRequest, *, once: bool) -> int:
        """The result of a count; with ``once``, it is not retried."""
        answer = self._client.page(asking, self._limits.page_deadline, (lambda _error: True) if once else None)
        return first_value(answer.page)

    # -- which parts ---------------------------------------------------------------------------------------------

    def _parts(self, request: MashupRequest) -> list[RangeOfRows]:
        """The parts of the query."""
        columns = tuple(split_columns(request))
        parts = self._divided(request, self._total, columns)
        if parts is None:
            raise IncompleteResultError(
                f"{request.service} has {self._total} rows, but MAST returns {self._limit} per request and "
                f"the query could not be split by {', '.join(columns)} (the counts do not add up). Narrow "
                "the query with more criteria.",
                service=request.service,
            )
        return parts

    def _divided(self, request: MashupRequest, total: int, columns: Sequence[str]) -> list[RangeOfRows] | None:
        """The parts of a query by the first column that can split it; None if no column can."""
        for number, column in enumerate(columns, 1):
            try:
                parts = self._by(column, request, total, columns[number:])
            except (ServerError, BadRequestError) as err:
                if isinstance(err, ServerError) and err.status != 200:
                    raise
                log.debug("MAST refused to filter by %s: %s", column, err)
                continue
            if parts is not None:
                return parts
        return None

    def _by(self, column: str, request: MashupRequest, total: int, others: Sequence[str]) -> list[RangeOfRows] | None:
        """The parts of a query by one column; None if rows have no value in it, or too many have the same value."""
        final = self._final_counts(column, request, total)
        if final is None:
            return None
        limit = int(self._limit)
        small = sorted((each for each in final if each[1] <= limit), key=lambda each: each[0].low)
        parts = as_parts(request, column, small, limit)
        for span, rows in (each for each in final if each[1] > limit):
            further = self._divided(restricted_to(request, column, [span]), rows, others)
            if further is None:
                return None
            parts += further
        return parts or None

    def _final_counts(self, column: str, request: MashupRequest, total: int) -> RowCounts | None:
        """The ranges within the limit, or that cannot be divided further; None if they do not include all rows."""
        final: RowCounts = []
        spans, expected = spans_of(request, column), total
        core, limit = split_columns(request)[column], int(self._limit)
        while spans:
            counts = self._counted(column, request, spans)
            if sum(rows for _, rows in counts) != expected:
                return None
            spans, expected = [], 0
            for span, rows in counts:
                if rows <= limit or span.is_single_value(core):
                    final.append((span, rows))
                else:
                    expected += rows
                    spans += span.divided(pieces_for(rows, limit), core)
        return final

    def _counted(self, column: str, request: MashupRequest, spans: Sequence[Interval]) -> RowCounts:
        """The number of rows in each range, counted concurrently."""

        def count(span: Interval) -> int:
            """Count the rows of a range."""
            return self._count(restricted_to(request, column, [span]))

        workers = min(self._limits.workers or 1, len(spans))
        return list(zip(spans, map_in_threads(count, spans, workers), strict=True))

    # -- what is in them -----------------------------------------------------------------------------------------

    def pages(self) -> Parts:
        """Request all parts, yield their pages, and verify that they have as many rows as were counted."""
        assert self._filtered is not None
        parts = self._parts(self._filtered)
        log.info("%d rows exceed the limit per request: splitting the query into %d parts.", self._total, len(parts))
        found = Completeness(self._filtered.service, self._total)

        def counted(answer: AnswerPage) -> AnswerPage:
            """Count the rows of a page, and return it as a page of the complete response."""
            answer = as_part(self._question, answer, self._total)
            found.add(answer.page)
            return answer

        with closing(cast("Generator[AnswerPage]", self._joined(parts))) as joined:
            yield from map(counted, joined)
        if found.rows != self._total:
            raise IncompleteResultError(
                f"The {len(parts)} parts of the result have {found.rows} rows, but {self._total} were "
                "expected. Run the query again: the data in MAST may have changed in the meantime.",
                service=self._filtered.service,
            )
        return {"total": self._total}

    def _joined(self, parts: Sequence[RangeOfRows]) -> Iterator[AnswerPage]:
        """The pages of all parts, in order; while one part is read, the first pages of the next are fetched."""
        most = self._limits.workers or 1
        ahead = max(1, most // 2)
        limits = replace(self._limits, workers=max(1, most - ahead))

        def begin(part: RangeOfRows) -> tuple[AnswerPage, Parts]:
            """The first page of a part, and its other pages, which are not requested yet."""
            stream = fetch_pages(self._client, part.request, limits)
            return next(stream), stream

        with closing(map_or_stop(self._limits.deadline, begin, parts, ahead)) as begun:
            for first, stream in begun:
                with closing(stream):
                    yield first
                    del first
                    yield from stream


def as_part(question: Question, answer: AnswerPage, total: int) -> AnswerPage:
    """Return a page of a part as a page of the complete response: with its total rows and the service's columns."""
    page = answer.page
    if page.paging is not None:
        page = replace(page, paging=replace(page.paging, total=total))
    if question.service == CONE:
        page = replace(page, fields=tuple(field for field in page.fields if field[0] not in _FILTERED_ONLY))
    return replace(answer, page=page)
