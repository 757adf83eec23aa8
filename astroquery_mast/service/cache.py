"""Answers kept on disk, for those who ask for it: a question that was answered is not sent again until that expires.

In: a `~astroquery_mast.query.request.MashupRequest`, or an `~astroquery_mast.query.request.ApiRequest` of a service
that answers with rows of JSON.  Out: the exchanges of `HttpClient`, from the disk or from the archive.  Off by
default, as in ``astroquery.mast``; ``conf.cache`` and astroquery's own ``cache_conf`` switch it on and set its expiry,
and each question may say otherwise.

One file holds one whole answer, all of its pages: pages of two answers never mix; see
`~astroquery_mast.service.answer_file`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import requests
from astroquery import cache_conf, log

from ..config import Endpoints, conf
from ..exceptions import InvalidResponseError, MastError
from ..query.request import ApiRequest, MashupRequest
from ..tables.mashup import Page, parse_page
from ..tables.table import now_iso
from .answer_file import BROKEN, SUFFIX, AnswerReader, AnswerWriter, age, expiry, reading, remove
from .deadline import Deadline
from .http import AnswerPage, HttpClient

__all__ = ["AnswerCache", "CachingClient", "Parts"]

_FORM = 2  # of what is written; to be changed with it
# They change how the archive works, and not what it answers.
_IRRELEVANT = frozenset({"timeout", "clearcache", "removecache"})
# Lists of JSON services whose order may be that of rows or columns; any other list holds conditions or alternatives.
_ORDERED = frozenset(
    {"columns", "select_cols", "sort_by", "sort_desc", "target", "search_key", "user_fields", "dataset_ids"}
)
_UNREADABLE = (*BROKEN, MastError)

Parts = Generator[AnswerPage, None, bool]
"""The parts of an answer as they come from the archive; returns whether they are proven to be all of it."""


@dataclass(frozen=True)
class _Question:
    """A question as the cache sees it."""

    service: str
    url: str
    key: Mapping[str, object]
    wanted: bool | None
    read: Callable[[bytes], Page]
    fresh: bool = False
    asked: Callable[[int], str] | None = None


@dataclass(frozen=True)
class _Entry:
    """The place of an answer: its file, whose it is, and what it answers."""

    path: Path
    owner: str
    question: _Question


class AnswerCache:
    """The folder of kept answers."""

    def __init__(self, folder: Callable[[], Path], endpoints: Endpoints, owner: Callable[[], str | None]) -> None:
        self._folder = folder
        self._endpoints = endpoints
        self._owner = owner

    def of_mashup(self, request: MashupRequest, every_page: bool, *, in_parts: bool = False) -> _Entry | None:
        """Return the place of an answer of Mashup's, or of the parts it came in; None if it is not to be kept."""
        if request.format.lower() not in {"json", "extjs"}:
            return None
        properties = {name: value for name, value in request.properties.items() if name not in _IRRELEVANT}
        key = {
            "service": request.service.lower(),
            "params": _filters_in_order(request.params),
            "format": request.format.lower(),
            "pages": [request.pagesize, request.page, every_page],
            "properties": properties,
            **({"in_parts": True} if in_parts else {}),
        }
        question = _Question(
            request.service,
            self._endpoints.invoke,
            key,
            request.cache,
            lambda body: parse_page(200, {}, body, request.service),
            fresh=str(request.properties.get("clearcache", "")).lower() in {"true", "1"},
            # Not stored: among the properties may be a token.
            asked=lambda place: request.at_page(request.page + place).body(),
        )
        return self._entry(question)

    def of_rows(self, request: ApiRequest, read: Callable[[bytes, str], Page], every_part: bool) -> _Entry | None:
        """Return the place of an answer of a JSON service, or None if it is not to be kept."""
        key = {"service": request.service, "params": _lists_in_order(request.params), "pages": every_part}
        question = _Question(request.service, request.url, key, request.cache, lambda body: read(body, request.service))
        return self._entry(question)

    def _entry(self, question: _Question) -> _Entry | None:
        """The place of an answer."""
        wanted = conf.cache and cache_conf.cache_active if question.wanted is None else question.wanted
        owner = self._owner()
        if not wanted or owner is None:
            return None
        try:
            folder = self._folder()
        except OSError as err:
            log.info("There is no folder to keep answers in: %s", err)
            return None
        key = json.dumps({"form": _FORM, "server": question.url, "owner": owner, **question.key}, sort_keys=True)
        return _Entry(folder / f"{hashlib.sha256(key.encode()).hexdigest()}{SUFFIX}", owner, question)

    def recall(self, entry: _Entry) -> Iterator[AnswerPage]:
        """Give the pages of a kept answer; none at all if there is no such answer, or it cannot be read whole."""
        question = entry.question
        if question.fresh or age(entry.path) > expiry():
            return
        with ExitStack() as opened:
            try:
                kept = opened.enter_context(reading(entry.path))
                first = _exchange(kept, question, 0)
                kept.check()
            except _UNREADABLE as err:
                log.debug("A kept answer cannot be read: %s", err)
                return
            log.debug("The answer of %s is of %s, from %s", question.service, kept.about["time"], entry.path)
            yield first
            for place in range(1, kept.pages):
                try:
                    exchange = _exchange(kept, question, place)
                except _UNREADABLE as err:
                    message = f"The kept answer of {question.service} changed while it was read: {err}. Ask again."
                    raise InvalidResponseError(message, service=question.service) from err
                yield exchange

    def keep(self, entry: _Entry, parts: Parts, **about: object) -> Iterator[AnswerPage]:
        """Pass on the pages of an answer, and keep them, and what is known about it, if all of them have come."""
        asked: list[str] = []
        with closing(AnswerWriter(entry.path)) as writer, closing(parts):
            while True:
                try:
                    exchange = next(parts)
                except StopIteration as end:
                    proven = end.value
                    break
                writer.add(exchange.response.content)
                if entry.question.asked is None:
                    asked.append(_text_of(exchange.response.request.body))
                yield exchange
            # A page may have been sent with another token than the one before.
            if proven and self._owner() == entry.owner:
                writer.commit({"time": now_iso(), "service": entry.question.service, "asked": asked, **about})
        remove(entry.path.parent, only_old=True)

    def clear(self) -> None:
        """Remove all kept answers."""
        remove(self._folder(), only_old=False)


class CachingClient(HttpClient):
    """The conversation with the archive, from which answers are kept."""

    def __init__(
        self,
        send: Callable[..., requests.Response],
        endpoints: Endpoints,
        advice: Callable[[str, int | None], str] | None,
        cache: AnswerCache,
    ) -> None:
        super().__init__(send, endpoints, advice)
        self._cache = cache

    def pages(
        self,
        request: MashupRequest,
        *,
        deadline: Deadline,
        every_page: bool = True,
        workers: int | None = None,
        page_seconds: float = math.inf,
        hopeless: Callable[[MastError], bool] | None = None,
    ) -> Iterator[AnswerPage]:
        """Give the pages of an answer, as `HttpClient.pages`, if it is not kept."""
        # Each page by itself is not to be kept as well.
        ask = partial(
            super().pages,
            replace(request, cache=False),
            deadline=deadline,
            every_page=every_page,
            workers=workers,
            page_seconds=page_seconds,
            hopeless=hopeless,
        )
        entry = self._cache.of_mashup(request, every_page)
        # If nothing is kept nothing comes between: a page may be tens of megabytes, and is let go once it was used.
        yield from ask() if entry is None else self._kept(entry, lambda: _tables(ask()))

    def page(
        self, request: MashupRequest, deadline: Deadline, hopeless: Callable[[MastError], bool] | None = None
    ) -> AnswerPage:
        """Give one page, as `HttpClient.page`, if it is not kept."""
        if self._cache.of_mashup(request, every_page=False) is None:
            return super().page(request, deadline, hopeless)
        (exchange,) = self.pages(request, deadline=deadline, every_page=False, hopeless=hopeless)
        return exchange

    def split(self, request: MashupRequest) -> Iterator[AnswerPage]:
        """Give the pages that `keep_split` has kept, if it has; each says how many rows all of them have."""
        entry = self._cache.of_mashup(request, every_page=True, in_parts=True)
        if entry is not None:
            yield from self._cache.recall(entry)

    def keep_split(self, request: MashupRequest, parts: Parts, total: int) -> Iterator[AnswerPage]:
        """Pass on the pages of an answer that is larger than the archive sends, and keep it if that is wanted."""
        entry = self._cache.of_mashup(request, every_page=True, in_parts=True)
        yield from parts if entry is None else self._cache.keep(entry, parts, total=total)

    def parts(
        self, request: ApiRequest, read: Callable[[bytes, str], Page], ask: Callable[[], Parts], *, every_part: bool
    ) -> Iterator[AnswerPage]:
        """Give the parts of an answer of a JSON service, if it is not kept."""
        entry = self._cache.of_rows(request, read, every_part)
        yield from ask() if entry is None else self._kept(entry, ask)

    def part(self, request: ApiRequest, read: Callable[[bytes, str], Page], *, deadline: Deadline) -> AnswerPage:
        """Give an answer that is one part, as `HttpClient.ask`, if it is not kept."""

        def ask() -> Parts:
            """The one part, which is all there is."""
            yield self.ask(request, read, deadline=deadline)
            return True

        (exchange,) = self.parts(request, read, ask, every_part=False)
        return exchange

    def _kept(self, entry: _Entry, ask: Callable[[], Parts]) -> Iterator[AnswerPage]:
        """The pages of an answer, from where it is to be had."""
        known = False
        for exchange in self._cache.recall(entry):
            known = True
            yield exchange
        if not known:
            yield from self._cache.keep(entry, ask())


def _tables(exchanges: Iterator[AnswerPage]) -> Parts:
    """The pages of Mashup's; what is no table is an action of the archive, such as the staging of files."""
    tables = True
    with closing(cast("Generator[AnswerPage]", exchanges)):
        for exchange in exchanges:
            tables = tables and bool(exchange.page.fields)
            yield exchange
    return tables


def _exchange(kept: AnswerReader, question: _Question, place: int) -> AnswerPage:
    """One page of a kept answer."""
    body = kept.body(place)
    sent = kept.about["asked"][place] if question.asked is None else question.asked(place)
    response = requests.Response()
    response.status_code, response.reason, response.encoding = 200, "OK", "utf-8"
    response.url, response.request = question.url, requests.Request("POST", question.url, data=sent).prepare()
    # Where `requests` itself keeps it; there is no other way in.
    response._content, response._content_consumed = body, True  # type: ignore[attr-defined]
    page = replace(question.read(body), time=str(kept.about["time"]))
    if "total" in kept.about and page.paging is not None:
        page = replace(page, paging=replace(page.paging, total=int(kept.about["total"])))
    return AnswerPage(response, page)


def _filters_in_order(params: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a service; the order of filters and of their values, and the case of names, mean nothing."""
    filters = params.get("filters")
    if not isinstance(filters, list):
        return dict(params)
    spelled = []
    for each in filters:
        if isinstance(each, Mapping):
            name, values = str(each.get("paramName", "")).lower(), each.get("values")
            listed = sorted(map(_text, values)) if isinstance(values, list) else values
            spelled.append(_text({**each, "paramName": name, "values": listed}))
        else:
            spelled.append(_text(each))
    return {**params, "filters": sorted(spelled)}


def _lists_in_order(params: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a JSON service; the order of conditions and of alternatives means nothing."""
    return {
        name: sorted(map(_condition, value)) if isinstance(value, list) and name not in _ORDERED else value
        for name, value in params.items()
    }


def _condition(condition: object) -> str:
    """A condition of a mission's search, whose alternatives are separated by commas; anything else as it is."""
    if not isinstance(condition, Mapping):
        return _text(condition)
    return _text(
        {name: sorted(value.split(",")) if isinstance(value, str) else value for name, value in condition.items()}
    )


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _text_of(body: Any) -> str:
    """What was sent, as text."""
    return body.decode() if isinstance(body, bytes) else str(body or "")
