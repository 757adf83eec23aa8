"""The pages of the response to a query, from the cache or from MAST, in order and verified to be complete.

In: a `~astroquery_mast.query.request.Question`, and the limits of the requests.  Out: its pages.  If the response has
more rows than MAST returns at once, the query is split: see `~astroquery_mast.service.row_splitting`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import requests
from astroquery import cache_conf, log

from ..config import conf
from ..exceptions import InvalidResponseError, MastError, ServerError
from ..query.request import Question
from ..tables.mashup import Page
from .cache import UNREADABLE, CachedResponse, CacheEntry
from .http import AnswerPage, HttpClient, PageLimits, Parts, fetch_pages
from .retrying import connection_dropped

if TYPE_CHECKING:
    from .row_splitting import RowSplitter


def get_pages(client: HttpClient, question: Question, limits: PageLimits) -> Generator[AnswerPage]:
    """Yield the pages of a response, verified to be complete, from the cache if it has them."""
    limits = limits.resolved()
    size = _SizeCheck(client, question, limits)
    entry = _entry(client, question)
    if entry is None:
        # Yield directly, without keeping a used page, which may have tens of megabytes.
        yield from _requested(client, question, limits, size)
        return
    known = False
    for page in _read_cached(client, question, entry, size):
        known = True
        yield page
    if not known:
        yield from _cached(entry, _requested(client, question, limits, size))


# -- from MAST -----------------------------------------------------------------------------------------------------


def _requested(client: HttpClient, question: Question, limits: PageLimits, size: _SizeCheck) -> Parts:
    """The pages from MAST, of a split query if there are more rows than MAST returns at once."""
    if not question.row_limited:
        return (yield from fetch_pages(client, question, limits))
    if not size.exceeded:
        with closing(fetch_pages(client, question, limits, size.broke)) as pages:
            try:
                first = next(pages)
            except ServerError:
                if not size.exceeded:
                    raise
            else:
                if not size.reached(first.page):
                    yield first
                    # Do not keep a used page, which may have tens of megabytes.
                    del first
                    return (yield from pages)
    return (yield from size.splitter.pages())


class _SizeCheck:
    """Checks whether a response exceeds the number of rows that MAST returns; the splitter is created if needed."""

    def __init__(self, client: HttpClient, question: Question, limits: PageLimits) -> None:
        self._client = client
        self._question = question
        self._limits = limits
        self._splitter: RowSplitter | None = None

    @property
    def splitter(self) -> RowSplitter:
        """The object that counts rows, and splits the query."""
        if self._splitter is None:
            # Imported here, because only responses at the limit need it.
            from .row_splitting import RowSplitter  # noqa: PLC0415

            self._splitter = RowSplitter(self._client, self._question, self._limits)
        return self._splitter

    @property
    def exceeded(self) -> bool:
        """Whether the response is known to be larger."""
        return self._splitter is not None and self._splitter.exceeded

    def broke(self, error: MastError) -> bool:
        """Return whether a connection broke because the response is too large, so that retries do not help."""
        return connection_dropped(error) and self.splitter.counted_after_break()

    def reached(self, page: Page) -> bool:
        """Return whether the first page shows that the query must be split."""
        total = None if page.paging is None else page.paging.total
        if not self._question.row_limited or total is None or total < (self._limits.rows or math.inf):
            return False
        return self.splitter.counted_at_limit(total)


# -- from the cache --------------------------------------------------------------------------------------------------


def _entry(client: HttpClient, question: Question) -> CacheEntry | None:
    """The cache entry of a query; None if the query is not to be cached."""
    wanted = conf.cache and cache_conf.cache_active if question.cache is None else question.cache
    if not wanted or client.cache is None:
        return None
    key = question.cache_key()
    return None if key is None else client.cache.entry(key, question.http_request(client.endpoints).url)


def _read_cached(client: HttpClient, question: Question, entry: CacheEntry, size: _SizeCheck) -> Iterator[AnswerPage]:
    """The pages of a cached response; none if it does not exist, or cannot be read completely."""
    if not entry.usable:
        return
    with ExitStack() as opened:
        try:
            kept = opened.enter_context(entry.reading())
            recalled = _CachedPages(client, question, kept)
            first = recalled.page(0)
            kept.check()
        except (*UNREADABLE, MastError) as err:
            log.debug("Cannot read a cached response: %s", err)
            return
        if recalled.total is None and size.reached(first.page):
            return
        log.debug("Using the response of %s cached on %s in %s", question.service, kept.time, entry.path)
        yield first
        for place in range(1, kept.pages):
            try:
                page = recalled.page(place)
            except (*UNREADABLE, MastError) as err:
                message = (
                    f"The cached response of {question.service} changed while it was being read: {err}. Run the "
                    "query again."
                )
                raise InvalidResponseError(message, service=question.service) from err
            yield page


class _CachedPages:
    """A cached response, which matches each page with its request."""

    def __init__(self, client: HttpClient, question: Question, kept: CachedResponse) -> None:
        self.total: int | None = kept.about.get("total")
        self._client = client
        self._question = question
        self._cached = kept
        self._requested = question
        self._following: deque[Question] = deque([question])

    def page(self, place: int) -> AnswerPage:
        """Return a page; call this for all pages in order."""
        body = self._cached.body(place)
        if self._following:
            self._requested = self._following.popleft()
        page = self._requested.read(body)
        if page.executing:
            raise ValueError("MAST was still working on this query")
        if not self._following:
            self._following.extend(self._requested.after(page))
        answer = AnswerPage(self._response(body), replace(page, time=self._cached.time))
        if self.total is None:
            return answer
        from .row_splitting import as_part  # noqa: PLC0415 - only responses beyond the limit need it

        return as_part(self._question, answer, self.total)

    def _response(self, body: bytes) -> requests.Response:
        """An HTTP response with a body."""
        sent = self._requested.http_request(self._client.endpoints)
        response = requests.Response()
        response.status_code, response.reason, response.encoding = 200, "OK", "utf-8"
        response.url, response.request = sent.url, requests.Request(sent.method, sent.url, data=sent.data).prepare()
        # The private attributes of `requests`, since there is no public way to set the body.
        response._content, response._content_consumed = body, True  # type: ignore[attr-defined]
        return response


def _cached(entry: CacheEntry, parts: Parts) -> Iterator[AnswerPage]:
    """Yield the pages of a response, and cache them with its metadata if it is complete."""
    with closing(entry.writing()) as writer, closing(parts):
        while True:
            try:
                answer = next(parts)
            except StopIteration as end:
                about = cast("Mapping[str, object] | None", end.value)
                break
            writer.add(answer.response.content)
            yield answer
        if about is not None:
            writer.commit(about)
