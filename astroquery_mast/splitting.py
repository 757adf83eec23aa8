"""Results that are larger than one answer of the archive can be: asked for in parts, joined, and counted.

In: a request for observations.  Out: the pages of its answer, or of the answers to its parts, in order.

The archive can send about 500,000 rows (``conf.row_limit``); beyond, its server drops the connection.  An answer that
reaches the limit, or a connection that breaks, is the reason to ask for the count; and the count is the reason to split
the question by time, else by position, else by identifier, until each part is within the limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, cast

import requests
import urllib3
from astroquery import log

from .config import conf
from .deadline import Deadline
from .exceptions import IncompleteResultError, MastError, RefusedRequestError, ServiceFailedError
from .pacing import in_order
from .query.request import MashupRequest
from .query.split import (
    CONE,
    SPLIT_COLUMNS,
    Part,
    Span,
    as_filtered,
    as_parts,
    counting,
    pieces_for,
    spans_of,
    within,
)
from .query.table import first_value
from .wire import Exchange, Wire

__all__ = ["Pace", "Sent", "Splitter"]

# Columns that the filtered service has in addition to those of a cone.
_FILTERED_ONLY = frozenset({"objID", "objID1"})


@dataclass(frozen=True)
class Pace:
    """How fast, and how long.

    Parameters
    ----------
    deadline : Deadline
        When all must be there.
    page_seconds : float
        How long each page may take.
    workers : int or None
        How many requests at a time; ``conf.max_workers`` if None.
    """

    deadline: Deadline
    page_seconds: float = math.inf
    workers: int | None = None

    @property
    def most(self) -> int:
        """How many requests at a time."""
        return max(1, int(conf.max_workers if self.workers is None else self.workers))


class Sent(NamedTuple):
    """A page, and how many rows all pages have; None if that is not known."""

    exchange: Exchange
    total: int | None


class Splitter:
    """Gives the pages of answers of any size.

    Parameters
    ----------
    wire : Wire
        The conversation with the archive.
    once : Wire
        The same, without retries.
    """

    def __init__(self, wire: Wire, once: Wire) -> None:
        self._wire = wire
        self._once = once

    def pages(self, request: MashupRequest, pace: Pace) -> Iterator[Sent]:
        """Give all pages of an answer.

        Parameters
        ----------
        request : MashupRequest
            A question for observations.
        pace : Pace
            How.

        Yields
        ------
        Sent
            In order; if the question had to be split, part by part.

        Raises
        ------
        MastError
            As `Wire.pages`; `IncompleteResultError` also if the question cannot be split, or if the parts are not the
            whole.
        """
        asked = as_filtered(request)
        limit = int(conf.row_limit)
        total: int | None
        suspect = _Suspect(_Parting(self._once, limit, pace), limit, asked)
        with closing(_opened(self._wire, request, pace, pace.most, suspect)) as stream:
            try:
                first = next(stream)
            except ServiceFailedError:
                if suspect.total is None:
                    raise
                total = suspect.total
            else:
                total = _announced(first)
                if asked is not None and total is not None and total >= limit:
                    total = max(total, _Parting(self._wire, limit, pace).count(asked))
                if asked is None or total is None or total <= limit:
                    yield Sent(first, total)
                    # No page is held here once it has been used: it may be tens of megabytes.
                    del first
                    yield from map(partial(_sent, total), stream)
                    return
        assert asked is not None
        pages = self._parted(asked, total, limit, pace)
        yield from map(partial(_sent, total), map(_as_cone, pages) if request.service == CONE else pages)

    def _parted(self, request: MashupRequest, total: int, limit: int, pace: Pace) -> Iterator[Exchange]:
        """The pages of all parts of a question."""
        parts = _Parting(self._wire, limit, pace).parts(request, total)
        log.info("%d rows are more than the archive sends at once: asking for %d parts.", total, len(parts))
        tally = _Counter()
        with closing(cast("Generator[Exchange]", _joined(self._wire, parts, pace))) as joined:
            yield from map(tally.count, joined)
        if tally.rows != total:
            raise IncompleteResultError(
                f"The {len(parts)} parts of the answer have {tally.rows} rows, and {total} were counted. Ask again: "
                "the archive may have changed meanwhile.",
                service=request.service,
            )


class _Parting:
    """Finds the parts of questions.

    Parameters
    ----------
    wire : Wire
        The conversation with the archive.
    limit : int
        How many rows a part may have.
    pace : Pace
        How.
    """

    def __init__(self, wire: Wire, limit: int, pace: Pace) -> None:
        self._wire = wire
        self._limit = limit
        self._pace = pace

    def count(self, request: MashupRequest) -> int:
        """Return how many rows a filtered question has."""
        return first_value(self._wire.page(counting(request), self._pace.deadline.part(self._pace.page_seconds)).page)

    def parts(self, request: MashupRequest, total: int) -> list[Part]:
        """Return the parts of a question that has so many rows."""
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
            except (ServiceFailedError, RefusedRequestError) as err:
                if isinstance(err, ServiceFailedError) and err.status != 200:
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
            return self.count(within(request, column, [span]))

        return list(zip(spans, in_order(count, spans, min(self._pace.most, len(spans))), strict=True))


class _Suspect:
    """Finds out, when a connection breaks for the first time, whether the answer is too large for the archive.

    Parameters
    ----------
    parting : _Parting
        What counts.
    limit : int
        How many rows an answer may have.
    request : MashupRequest or None
        The question; None if it cannot be split.
    """

    def __init__(self, parting: _Parting, limit: int, request: MashupRequest | None) -> None:
        self._parting = parting
        self._limit = limit
        self._request = request
        self.total: int | None = None

    def __call__(self, error: MastError) -> bool:
        """Tell whether it is; then ``total`` is the number of its rows."""
        if self._request is None or not _was_dropped(error):
            return False
        request, self._request = self._request, None
        try:
            rows = self._parting.count(request)
        except MastError as err:
            log.debug("The rows could not be counted: %s", err)
            return False
        self.total = rows if rows > self._limit else None
        return self.total is not None


class _Counter:
    """Counts rows as they pass."""

    def __init__(self) -> None:
        self.rows = 0

    def count(self, exchange: Exchange) -> Exchange:
        """Count the rows of a page, and pass it on."""
        self.rows += len(exchange.page.rows)
        return exchange


def _sent(total: int | None, exchange: Exchange) -> Sent:
    """A page, and how many rows all have."""
    return Sent(exchange, total)


def _announced(exchange: Exchange) -> int | None:
    """How many rows the archive says that all pages have."""
    return None if exchange.page.paging is None else exchange.page.paging.total


def _was_dropped(err: MastError) -> bool:
    """Whether a connection was there, and broke: that is what the archive does when an answer is too large."""
    cause = err.__cause__
    if isinstance(cause, requests.exceptions.ChunkedEncodingError):
        return True
    reason = cause.args[0] if isinstance(cause, requests.exceptions.ConnectionError) and cause.args else None
    return isinstance(reason, urllib3.exceptions.ProtocolError)


def _opened(
    wire: Wire, request: MashupRequest, pace: Pace, workers: int, hopeless: Callable[[MastError], bool] | None = None
) -> Generator[Exchange]:
    """The pages of one answer."""
    pages = wire.pages(
        request, deadline=pace.deadline, workers=workers, page_seconds=pace.page_seconds, hopeless=hopeless
    )
    return cast("Generator[Exchange]", pages)


def _joined(wire: Wire, parts: Sequence[Part], pace: Pace) -> Iterator[Exchange]:
    """The pages of all parts, in order: while one part is read, the first pages of the next are fetched."""
    ahead = max(1, pace.most // 2)
    workers = max(1, pace.most - ahead)

    def begin(part: Part) -> tuple[Exchange, Generator[Exchange]]:
        """The first page of a part, and its other pages, which are not yet asked for."""
        stream = _opened(wire, part.request, pace, workers)
        return next(stream), stream

    complete = False
    begun = cast("Generator[tuple[Exchange, Generator[Exchange]]]", in_order(begin, parts, ahead))
    try:
        with closing(begun):
            for first, stream in begun:
                with closing(stream):
                    yield first
                    del first
                    yield from stream
        complete = True
    finally:
        if not complete:
            pace.deadline.give_up()


def _as_cone(exchange: Exchange) -> Exchange:
    """A page of the filtered service with the columns of a cone."""
    fields = tuple(field for field in exchange.page.fields if field[0] not in _FILTERED_ONLY)
    return replace(exchange, page=replace(exchange.page, fields=fields))
