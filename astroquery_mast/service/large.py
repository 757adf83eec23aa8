"""Results that are larger than one answer of the archive can be: asked for in parts, joined, and counted.

In: a request, for observations or anything else.  Out: the pages of its answer, or of the answers to its parts, in
order.  What counts and finds the parts is `~astroquery_mast.service.parting`.

The archive can send about 500,000 rows (``conf.server_row_limit``); beyond, its server drops the connection.  An
answer that reaches the limit, or a connection that breaks, is the reason to ask for the count; and the count is the
reason to split the question by time, else by position, else by identifier, until each part is within the limit.  What
cannot be split here is an error as soon as it reaches the limit, unless a count proves it to be whole.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import NamedTuple, cast

from astroquery import log

from ..config import count_setting
from ..exceptions import IncompleteResultError, MastError, ServerError
from ..query.request import MashupRequest
from .cache import CachingClient, Parts
from .failures import connection_dropped
from .http import AnswerPage, HttpClient
from .parallel import map_in_threads
from .parting import PageLimits, RowSplitter
from .split import CONE, Part, as_filtered

__all__ = ["CountedPage", "LargeAnswer", "PageLimits"]

# Columns that the filtered service has in addition to those of a cone.
_FILTERED_ONLY = frozenset({"objID", "objID1"})
# So many broken connections are taken for a sign that less should be asked for, where that can be done: one happens.
_BREAKS = 2


class CountedPage(NamedTuple):
    """A page, and how many rows all pages have; None if that is not known."""

    exchange: AnswerPage
    total: int | None


class LargeAnswer:
    """Gives the pages of answers of any size."""

    def __init__(self, wire: HttpClient, limit: int | None = None) -> None:
        self._wire = wire
        self._limit = limit

    def pages(self, request: MashupRequest, pace: PageLimits, *, divisible: bool = False) -> Iterator[CountedPage]:
        """Give all pages of an answer."""
        asked = None if divisible else as_filtered(request)
        if asked is not None and isinstance(self._wire, CachingClient):
            kept = None
            for kept in self._wire.split(request):
                yield CountedPage(_like(request, kept), _announced(kept))
            if kept is not None:
                return
        yield from self._asked(request, asked, pace, divisible=divisible)

    def _asked(
        self, request: MashupRequest, asked: MashupRequest | None, pace: PageLimits, *, divisible: bool
    ) -> Iterator[CountedPage]:
        """The pages of an answer of the archive; the second question is the first as it can be split."""
        limit = count_setting("server_row_limit") if self._limit is None else self._limit
        total: int | None
        parting = RowSplitter(self._wire, limit, pace)
        suspect = _TooLargeDetector(parting, limit, asked, divisible=divisible)
        with closing(_opened(self._wire, request, pace, pace.most, suspect)) as stream:
            try:
                first = next(stream)
            except ServerError:
                if suspect.total is None:
                    raise
                total = suspect.total
            else:
                total = _announced(first)
                if total is not None and total >= limit:
                    total = parting.proven(request, asked, total, divisible=divisible)
                if asked is None or total is None or total <= limit:
                    yield CountedPage(first, total)
                    # No page is held here once it has been used: it may be tens of megabytes.
                    del first
                    yield from map(partial(_sent, total), stream)
                    return
        assert asked is not None
        # The parts of one answer are of one time: none is taken from the disk, or kept there by itself.
        parts = self._parted(replace(asked, cache=False), total, parting, pace)
        kept = self._wire.keep_split(request, parts, total) if isinstance(self._wire, CachingClient) else parts
        yield from map(partial(_sent, total), map(partial(_like, request), kept))

    def _parted(self, request: MashupRequest, total: int, parting: RowSplitter, pace: PageLimits) -> Parts:
        """The pages of all parts of a question."""
        parts = parting.parts(request, total)
        log.info("%d rows are more than the archive sends at once: asking for %d parts.", total, len(parts))
        tally = _Counter()
        with closing(cast("Generator[AnswerPage]", _joined(self._wire, parts, pace))) as joined:
            yield from map(tally.count, joined)
        if tally.rows != total:
            raise IncompleteResultError(
                f"The {len(parts)} parts of the answer have {tally.rows} rows, and {total} were counted. Ask again: "
                "the archive may have changed meanwhile.",
                service=request.service,
            )
        return True


class _TooLargeDetector:
    """Finds out, when a connection breaks for the first time, whether the answer is too large for the archive."""

    def __init__(self, parting: RowSplitter, limit: int, request: MashupRequest | None, *, divisible: bool) -> None:
        self._parting = parting
        self._limit = limit
        self._request = request
        self._divisible = divisible
        self._breaks = 0
        self.total: int | None = None

    def __call__(self, error: MastError) -> bool:
        """Tell whether it seems so; where it could be counted ``total`` is the number of its rows."""
        if not connection_dropped(error):
            return False
        self._breaks += 1
        if self._divisible:
            return self._breaks >= _BREAKS
        request, self._request = self._request, None
        if request is None:
            return False
        try:
            rows = self._parting.count(request, once=True)
        except MastError as err:
            log.debug("The rows could not be counted: %s", err)
            return False
        self.total = rows if rows > self._limit else None
        return self.total is not None


class _Counter:
    """Counts rows as they pass."""

    def __init__(self) -> None:
        self.rows = 0

    def count(self, exchange: AnswerPage) -> AnswerPage:
        """Count the rows of a page, and pass it on."""
        self.rows += len(exchange.page.rows)
        return exchange


def _sent(total: int | None, exchange: AnswerPage) -> CountedPage:
    """A page, and how many rows all have."""
    return CountedPage(exchange, total)


def _announced(exchange: AnswerPage) -> int | None:
    """How many rows the archive says that all pages have."""
    return None if exchange.page.paging is None else exchange.page.paging.total


def _opened(
    wire: HttpClient,
    request: MashupRequest,
    pace: PageLimits,
    workers: int,
    hopeless: Callable[[MastError], bool] | None = None,
) -> Generator[AnswerPage]:
    """The pages of one answer."""
    pages = wire.pages(
        request, deadline=pace.deadline, workers=workers, page_seconds=pace.page_seconds, hopeless=hopeless
    )
    return cast("Generator[AnswerPage]", pages)


def _joined(wire: HttpClient, parts: Sequence[Part], pace: PageLimits) -> Iterator[AnswerPage]:
    """The pages of all parts, in order: while one part is read, the first pages of the next are fetched."""
    ahead = max(1, pace.most // 2)
    workers = max(1, pace.most - ahead)

    def begin(part: Part) -> tuple[AnswerPage, Generator[AnswerPage]]:
        """The first page of a part, and its other pages, which are not yet asked for."""
        stream = _opened(wire, part.request, pace, workers)
        return next(stream), stream

    complete = False
    begun = cast("Generator[tuple[AnswerPage, Generator[AnswerPage]]]", map_in_threads(begin, parts, ahead))
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
            pace.deadline.stop()


def _like(request: MashupRequest, exchange: AnswerPage) -> AnswerPage:
    """A page of the filtered service with the columns of the one that was meant."""
    if request.service != CONE:
        return exchange
    fields = tuple(field for field in exchange.page.fields if field[0] not in _FILTERED_ONLY)
    return replace(exchange, page=replace(exchange.page, fields=fields))
