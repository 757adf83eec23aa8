"""HTTP requests to MAST: send, read, poll, and page, within a deadline and with retries, independent of the service.

In: an HTTP request, or a `~astroquery_mast.query.request.Question`.  Out: a response, a page, or all pages, of which
those after the first are fetched concurrently.  `HttpClient` sends by a callable, and has no access to the session or
the token.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Required, TypedDict, TypeVar, Unpack, overload

import requests
import tenacity
import urllib3
from astroquery import log

from ..config import Endpoints, count_setting, seconds_setting
from ..exceptions import (
    AccessDeniedError,
    MastError,
    MaxResultsWarning,
    QueryTimeoutError,
    ServerError,
)
from ..query.request import Question
from ..tables.mashup import Completeness, Page, check_status, reading
from ..warn import warn_user
from .cache import ResponseCache
from .connections import (
    PAUSE,
    TOO_MANY_REQUESTS,
    UNAVAILABLE,
    Pace,
    pace_of,
    read_body,
    read_words,
    spool_body,
    within,
)
from .parallel import map_or_stop
from .retrying import BACKOFF, Deadline, RetryState, alone, is_transient, network_error, never_connected, retrying

T = TypeVar("T")

# Reads the body of a response into it; the second argument is the maximum number of bytes.
Receive = Callable[[requests.Response, int], None]

# The pause between two polls of a query that MAST is still working on.  MAST itself holds each request for up to 20 s,
# so that short pauses are cheap for it, and quick queries are not delayed.
POLL = tenacity.wait_exponential(multiplier=0.1, max=10, exp_base=1.6) + tenacity.wait_random(0, 0.1)


# The largest number of responses to one request that may tell the client to wait, such as those with status 429.
_MOST_LIMITED = 1000
# Exceptions that `requests` raises in addition to its own, for invalid addresses, proxies and certificates.
_UNSENDABLE = (ValueError, TypeError, LookupError, AttributeError, OSError, urllib3.exceptions.HTTPError)


@dataclass(frozen=True)
class AnswerPage:
    """A response and the page that was read from it."""

    response: requests.Response
    page: Page


class _Options(TypedDict, total=False):
    """Options of `HttpClient.request`."""

    deadline: Required[Deadline]
    service: str | None
    params: Any
    data: Any
    headers: Mapping[str, str] | None
    stream: bool
    # Whether a long body is kept on disk, to be read from ``response.raw``.
    spooled: bool
    allow_redirects: bool
    attempts: int | None
    patience: float | None
    hopeless: Callable[[MastError], bool] | None


class HttpClient:
    """A client that sends requests, with retries and deadlines, and has a cache of responses."""

    def __init__(
        self,
        send: Callable[..., requests.Response],
        endpoints: Endpoints,
        advice: Callable[[str, int | None], str] | None = None,
        attempts: int | None = None,
        cache: ResponseCache | None = None,
        *,
        quiet: bool = False,
        paced: bool = True,
        check: Callable[[int, Mapping[str, str], bytes, str], None] = check_status,
    ) -> None:
        self._send = send
        self.endpoints = endpoints
        self.cache = cache
        self._advice = advice
        self._attempts = attempts
        self._quiet = quiet
        self._paced = paced
        # Raises the error that a response describes.
        self._check = check

    @overload
    def request(self, method: str, url: str, **options: Unpack[_Options]) -> requests.Response: ...
    @overload
    def request(
        self, method: str, url: str, *, read: Callable[[requests.Response], T], **options: Unpack[_Options]
    ) -> T: ...
    def request(
        self,
        method: str,
        url: str,
        *,
        read: Callable[[requests.Response], Any] | None = None,
        **options: Unpack[_Options],
    ) -> Any:
        """Send a request, retry it after transient errors, and return the successful response."""
        what, deadline = options.get("service") or url, options["deadline"]
        keywords = {name: options.get(name) for name in ("params", "data", "headers")}
        keywords["allow_redirects"] = options.get("allow_redirects", True)
        receive = None if options.get("stream") else spool_body if options.get("spooled") else read_body

        def attempt() -> Any:
            response = self._once(method, url, deadline, what, keywords, receive, options.get("patience"))
            if read is None:
                return response
            with reading(what):
                return read(response)

        return self._with_retries(attempt, deadline, what, options.get("attempts"), options.get("hopeless"))

    def page(
        self, question: Question, deadline: Deadline, hopeless: Callable[[MastError], bool] | None = None
    ) -> AnswerPage:
        """Request one page, and poll until MAST has finished working on it."""
        sent = question.http_request(self.endpoints)

        def poll() -> AnswerPage:
            return self.request(
                sent.method,
                sent.url,
                data=sent.data,
                headers=sent.headers,
                deadline=deadline,
                service=question.service,
                hopeless=hopeless,
                read=lambda response: AnswerPage(response, question.read(response.content)),
            )

        answer = retrying(
            poll,
            deadline=deadline,
            on_result=lambda answer: answer.page.executing,
            stop=lambda _: deadline.remaining() <= 0,
            wait=POLL,
        )
        if answer.page.executing:
            self._raise_timeout(deadline, question.service, "MAST was still working on it")
        return answer

    def _with_retries(
        self,
        attempt: Callable[[], T],
        deadline: Deadline,
        what: str,
        attempts: int | None = None,
        hopeless: Callable[[MastError], bool] | None = None,
    ) -> T:
        """Retry until an attempt succeeds or fails permanently, or until attempts or time run out."""
        own = attempts if attempts is not None else self._attempts
        most = count_setting("max_attempts") if own is None else own
        tries = limited = 0

        def counted() -> T:
            nonlocal tries, limited
            try:
                tries += 1
                return attempt()
            except ServerError as err:
                # A server that limits the rate of requests has not failed, as long as there is time.
                if most > 1 and is_limited(err) and limited < _MOST_LIMITED:
                    tries, limited = tries - 1, limited + 1
                raise

        def may_help(error: BaseException) -> bool:
            known = hopeless is not None and isinstance(error, MastError) and hopeless(error)
            return is_transient(error) and not known

        try:
            return retrying(
                counted,
                deadline=deadline,
                on_error=may_help,
                stop=lambda state: tries >= most or state.upcoming_sleep >= deadline.remaining(),
                wait=_wait,
                before_sleep=self._log_retry,
            )
        except MastError as err:
            err.elapsed = deadline.elapsed()
            err.service = err.service or what
            if is_transient(err):
                err.args = (f"{err} {_summary(tries + limited, err)}",)
            raise

    def _once(
        self,
        method: str,
        url: str,
        deadline: Deadline,
        what: str,
        keywords: Mapping[str, Any],
        receive: Receive | None,
        patience: float | None = None,
    ) -> requests.Response:
        """Send a request once; raise an error if it fails."""
        left = deadline.remaining()
        if left <= 0:
            self._raise_timeout(deadline, what, "no result was received")
        silence = min(left, seconds_setting("read_timeout") if patience is None else patience)
        timeout = (deadline.for_socket(seconds_setting("connect_timeout")), deadline.for_socket(silence))
        try:
            with within(deadline), reading(what, requests.exceptions.RequestException):
                return self._exchange(method, url, what, deadline, {**keywords, "timeout": timeout}, receive)
        except requests.exceptions.RequestException as err:
            if deadline.remaining() <= 0:
                self._raise_timeout(deadline, what, "no response was received", alone(err))
            if isinstance(err, requests.exceptions.Timeout):
                raise ServerError(f"{what} did not respond within {silence:.0f} s.", service=what) from alone(err)
            raise network_error(what, err) from alone(err)
        except AccessDeniedError as err:
            raise self._advised(err, url) from err

    def _exchange(
        self,
        method: str,
        url: str,
        what: str,
        deadline: Deadline,
        keywords: Mapping[str, Any],
        receive: Receive | None,
    ) -> requests.Response:
        """Send a request and receive its response, including the body unless it is streamed."""
        pace = pace_of(url) if self._paced else Pace()
        try:
            with pace.turn(deadline):
                response = self._send(method, url, **{**keywords, "stream": True})
        except requests.exceptions.RequestException:
            raise
        except _UNSENDABLE as err:
            # Invalid proxies, certificates and addresses raise these, which `requests` does not convert.
            raise network_error(what, err) from alone(err)
        if response.status_code >= 400:
            with response:
                read_words(response)
            self._raise_http_error(response, pace, what, deadline)
        pace.speed_up()
        if receive is not None:
            receive(response, count_setting("max_response_size"))
        return response

    def _log_retry(self, state: RetryState) -> None:
        """Log why a request is retried; at DEBUG level after the first retry, or if there is no connection at all."""
        reported_later = self._quiet or state.attempt_number > 1 or never_connected(_error_of(state))
        level = logging.DEBUG if reported_later else logging.INFO
        seconds, number = state.upcoming_sleep, state.attempt_number + 1
        log.log(level, "%s Retrying in %.1f s (attempt %d).", _error_of(state), seconds, number)

    def _raise_http_error(self, response: requests.Response, pace: Pace, what: str, deadline: Deadline) -> None:
        """Raise the error that a response describes, and slow down if the server requests it."""
        try:
            self._check(response.status_code, response.headers, response.content, what)
        except ServerError as err:
            if is_limited(err):
                seconds = PAUSE if err.retry_after is None else err.retry_after
                pace.slow_down(seconds)
                deadline.put_off(seconds)
            raise

    def _advised(self, error: AccessDeniedError, url: str) -> AccessDeniedError:
        """The same error, with advice on what to do."""
        if self._advice is None:
            return error
        told = f"{error} {self._advice(url, error.status)}"
        return AccessDeniedError(told, service=error.service, status=error.status)

    @staticmethod
    def _raise_timeout(deadline: Deadline, what: str, state: str, cause: Exception | None = None) -> Any:
        """Raise the error for a deadline that has passed."""
        raise QueryTimeoutError(
            f"Timeout limit of {deadline.seconds:g} s exceeded by {what}: after {deadline.elapsed():.1f} s "
            f"{state}. Increase timeout= (or conf.timeout), or narrow the query: a smaller radius, more "
            "criteria, fewer identifiers.",
            service=what,
            elapsed=deadline.elapsed(),
        ) from cause


def is_limited(error: BaseException) -> bool:
    """Return whether an error means that the server requests a lower rate, rather than that it failed."""
    if not isinstance(error, ServerError):
        return False
    return error.status == TOO_MANY_REQUESTS or (error.status == UNAVAILABLE and error.retry_after is not None)


def _summary(tries: int, error: MastError) -> str:
    """A sentence on the number of attempts, and one on when to try again."""
    often = "once" if tries == 1 else f"{tries} times"
    later = "Try again later"
    if error.retry_after is not None and error.retry_after > (error.elapsed or 0):
        later = f"The server says to try again in {error.retry_after:.0f} s"
    return f"Tried {often} in {error.elapsed:.1f} s. {later}."


def _error_of(state: RetryState) -> BaseException | None:
    """The exception of the last attempt."""
    return state.outcome.exception() if state.outcome else None


def _wait(state: RetryState) -> float:
    """The seconds until the next attempt: the time that the server requests, or an exponential backoff."""
    error = _error_of(state)
    asked = getattr(error, "retry_after", None)
    if asked is None and error is not None and is_limited(error):
        asked = PAUSE
    return float(BACKOFF(state)) if asked is None else float(asked)


# -- pages ------------------------------------------------------------------------------------------------------

Hopeless = Callable[[MastError], bool]
Parts = Generator[AnswerPage, None, Mapping[str, object] | None]
"""Pages in the order of the response; returns the metadata to cache with them, or None if pages may be missing."""


def warn_of_more(message: str) -> None:
    """Warn that there may be more rows than are returned."""
    warn_user(message, MaxResultsWarning)


@dataclass(frozen=True)
class PageLimits:
    """The deadline, the concurrency, the maximum number of rows, and the function to call if there may be more."""

    deadline: Deadline
    page_seconds: float = math.inf
    workers: int | None = None
    rows: int | None = None
    # Whether the caller splits the query if the response is too large.
    divisible: bool = False
    tell: Callable[[str], object] = warn_of_more

    def resolved(self) -> PageLimits:
        """Return the same limits, with the current settings as defaults."""
        workers = count_setting("max_workers") if self.workers is None else max(1, int(self.workers))
        rows = count_setting("server_row_limit") if self.rows is None else self.rows
        return replace(self, workers=workers, rows=rows)

    @property
    def page_deadline(self) -> Deadline:
        """The deadline of a page that is requested now."""
        return self.deadline if math.isinf(self.page_seconds) else self.deadline.part(self.page_seconds)


def fetch_pages(client: HttpClient, question: Question, limits: PageLimits, hopeless: Hopeless | None = None) -> Parts:
    """Yield the pages of a response that MAST returns completely; ``hopeless`` ends the retries of the first page."""
    walk = _Walk(question, limits)
    first = True
    while walk.batch:
        fetched = _fetched(client, walk.batch, limits, hopeless if first else None)
        with closing(fetched):
            # No page is kept here.  `closing` stops the requests if the caller stops iterating.
            yield from filter(None, map(walk.take, fetched, walk.batch))
        walk.advance()
        first = False
    return walk.close()


class _Walk:
    """Iterates over the pages of one response, and verifies that none is missing."""

    def __init__(self, question: Question, limits: PageLimits) -> None:
        self.batch: Sequence[Question] = (question,)
        self._every_page = question.every_page
        self._log_retry = limits.tell
        self._completeness = Completeness(question.service)
        self._following: Sequence[Question] = ()

    def take(self, answer: AnswerPage, question: Question) -> AnswerPage | None:
        """Check a page and find those that follow; return None if it is not part of the response."""
        if not question.check(answer.page, self._completeness):
            self._following = ()
            return None
        self._following = question.after(answer.page) if question is self.batch[-1] else ()
        return answer

    def advance(self) -> None:
        """Continue with the pages that follow."""
        self.batch, self._following = self._following, ()

    def close(self) -> Mapping[str, object] | None:
        """Verify that no page is missing; return the metadata to cache, or None if completeness is not certain."""
        found = self._completeness
        if found.doubt:
            self._log_retry(found.doubt)
        if self._every_page:
            found.close()
        return {} if found.proven and not found.doubt else None


def _fetched(
    client: HttpClient, batch: Sequence[Question], limits: PageLimits, hopeless: Hopeless | None
) -> Generator[AnswerPage]:
    """The responses to several queries, requested concurrently, in order."""
    if len(batch) == 1:
        yield client.page(batch[0], limits.page_deadline, hopeless)
        return

    def fetch(question: Question) -> AnswerPage:
        """Request one page."""
        return client.page(question, limits.page_deadline)

    yield from map_or_stop(limits.deadline, fetch, batch, min(limits.workers or 1, len(batch)))
