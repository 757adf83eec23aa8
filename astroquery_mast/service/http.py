"""The conversation with the archive: send → read → poll → page, within a deadline, with retries.  Knows no service.

In: an HTTP request, or a `~astroquery_mast.query.request.Question`.  Out: a response, a page, or all pages, those after
the first fetched side by side.  `HttpClient` is given a callable that sends; it never sees a session or a token.
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
from .cache import AnswerCache
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

# How the body of an answer is received: so that the response has it, of so many bytes at most.
Receive = Callable[[requests.Response, int], None]

# Between two questions after a job that the archive is still working on.  The archive itself holds each question for up
# to 20 s, so that short pauses here cost it little, and a quick job is not kept waiting.
POLL = tenacity.wait_exponential(multiplier=0.1, max=10, exp_base=1.6) + tenacity.wait_random(0, 0.1)


# So many answers that ask for patience are taken for one request.
_MOST_LIMITED = 1000
# What `requests` raises besides its own errors: for addresses, proxies and certificates that make no sense.
_UNSENDABLE = (ValueError, TypeError, LookupError, AttributeError, OSError, urllib3.exceptions.HTTPError)


@dataclass(frozen=True)
class AnswerPage:
    """A response and the page that was read from it."""

    response: requests.Response
    page: Page


class _Options(TypedDict, total=False):
    """What `HttpClient.request` is told besides the address."""

    deadline: Required[Deadline]
    service: str | None
    params: Any
    data: Any
    headers: Mapping[str, str] | None
    stream: bool
    # Whether a long body is kept on disk, from where ``response.raw`` gives it.
    spooled: bool
    allow_redirects: bool
    attempts: int | None
    patience: float | None
    hopeless: Callable[[MastError], bool] | None


class HttpClient:
    """The conversation with the archive, and the answers of it that are kept."""

    def __init__(
        self,
        send: Callable[..., requests.Response],
        endpoints: Endpoints,
        advice: Callable[[str, int | None], str] | None = None,
        attempts: int | None = None,
        cache: AnswerCache | None = None,
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
        # What raises the error that an answer is.
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
        """Send one request, again if it fails in a way that may pass, and return an answer that is no error."""
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

        return self._persist(attempt, deadline, what, options.get("attempts"), options.get("hopeless"))

    def page(
        self, question: Question, deadline: Deadline, hopeless: Callable[[MastError], bool] | None = None
    ) -> AnswerPage:
        """Ask for one page, and ask again until the archive has finished working on it."""
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
            self._late(deadline, question.service, "MAST was still working on it")
        return answer

    def _persist(
        self,
        attempt: Callable[[], T],
        deadline: Deadline,
        what: str,
        attempts: int | None = None,
        hopeless: Callable[[MastError], bool] | None = None,
    ) -> T:
        """Try until it works, fails for good, has been tried often enough, or the next try would come too late."""
        own = attempts if attempts is not None else self._attempts
        most = count_setting("max_attempts") if own is None else own
        tries = limited = 0

        def counted() -> T:
            nonlocal tries, limited
            try:
                tries += 1
                return attempt()
            except ServerError as err:
                # That a server asks for patience is no failure, as long as there is time.
                if most > 1 and is_limited(err) and limited < _MOST_LIMITED:
                    tries, limited = tries - 1, limited + 1
                raise

        def worth_another(error: BaseException) -> bool:
            known = hopeless is not None and isinstance(error, MastError) and hopeless(error)
            return is_transient(error) and not known

        try:
            return retrying(
                counted,
                deadline=deadline,
                on_error=worth_another,
                stop=lambda state: tries >= most or state.upcoming_sleep >= deadline.remaining(),
                wait=_wait,
                before_sleep=self._tell,
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
        """Send a request once; raise unless its answer is an answer."""
        left = deadline.remaining()
        if left <= 0:
            self._late(deadline, what, "no result was received")
        silence = min(left, seconds_setting("read_timeout") if patience is None else patience)
        timeout = (deadline.for_socket(seconds_setting("connect_timeout")), deadline.for_socket(silence))
        try:
            with within(deadline), reading(what, requests.exceptions.RequestException):
                return self._exchange(method, url, what, deadline, {**keywords, "timeout": timeout}, receive)
        except requests.exceptions.RequestException as err:
            if deadline.remaining() <= 0:
                self._late(deadline, what, "no response was received", alone(err))
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
        """Send a request and receive its answer, all of it unless it is wanted as a stream."""
        pace = pace_of(url) if self._paced else Pace()
        try:
            with pace.turn(deadline):
                response = self._send(method, url, **{**keywords, "stream": True})
        except requests.exceptions.RequestException:
            raise
        except _UNSENDABLE as err:
            # What proxies, certificates and addresses may lead to; `requests` passes it on as it is.
            raise network_error(what, err) from alone(err)
        if response.status_code >= 400:
            with response:
                read_words(response)
            self._refuse(response, pace, what, deadline)
        pace.speed_up()
        if receive is not None:
            receive(response, count_setting("max_response_size"))
        return response

    def _tell(self, state: RetryState) -> None:
        """Log why there is another try; only at DEBUG level after the first, or where there is no connection at all."""
        told_at_the_end = self._quiet or state.attempt_number > 1 or never_connected(_error_of(state))
        level = logging.DEBUG if told_at_the_end else logging.INFO
        seconds, number = state.upcoming_sleep, state.attempt_number + 1
        log.log(level, "%s Retrying in %.1f s (attempt %d).", _error_of(state), seconds, number)

    def _refuse(self, response: requests.Response, pace: Pace, what: str, deadline: Deadline) -> None:
        """Raise the error that an answer is, and slow down if the server asks for it."""
        try:
            self._check(response.status_code, response.headers, response.content, what)
        except ServerError as err:
            if is_limited(err):
                seconds = PAUSE if err.retry_after is None else err.retry_after
                pace.slow_down(seconds)
                deadline.put_off(seconds)
            raise

    def _advised(self, error: AccessDeniedError, url: str) -> AccessDeniedError:
        """The same refusal, with what can be done about it."""
        if self._advice is None:
            return error
        told = f"{error} {self._advice(url, error.status)}"
        return AccessDeniedError(told, service=error.service, status=error.status)

    @staticmethod
    def _late(deadline: Deadline, what: str, state: str, cause: Exception | None = None) -> Any:
        """Raise the error of a deadline that has passed."""
        raise QueryTimeoutError(
            f"Timeout limit of {deadline.seconds:g} s exceeded by {what}: after {deadline.elapsed():.1f} s "
            f"{state}. Increase timeout= (or conf.timeout), or narrow the query: a smaller radius, more "
            "criteria, fewer identifiers.",
            service=what,
            elapsed=deadline.elapsed(),
        ) from cause


def is_limited(error: BaseException) -> bool:
    """Tell whether a server asks for fewer requests, rather than that it fails."""
    if not isinstance(error, ServerError):
        return False
    return error.status == TOO_MANY_REQUESTS or (error.status == UNAVAILABLE and error.retry_after is not None)


def _summary(tries: int, error: MastError) -> str:
    """How often something was tried, and when to try again."""
    often = "once" if tries == 1 else f"{tries} times"
    later = "Try again later"
    if error.retry_after is not None and error.retry_after > (error.elapsed or 0):
        later = f"The server says to try again in {error.retry_after:.0f} s"
    return f"Tried {often} in {error.elapsed:.1f} s. {later}."


def _error_of(state: RetryState) -> BaseException | None:
    """Why a try failed."""
    return state.outcome.exception() if state.outcome else None


def _wait(state: RetryState) -> float:
    """The seconds to the next try: what the server asks for, or ever more."""
    error = _error_of(state)
    asked = getattr(error, "retry_after", None)
    if asked is None and error is not None and is_limited(error):
        asked = PAUSE
    return float(BACKOFF(state)) if asked is None else float(asked)


# -- pages ------------------------------------------------------------------------------------------------------

Hopeless = Callable[[MastError], bool]
Parts = Generator[AnswerPage, None, Mapping[str, object] | None]
"""Pages as they come from the archive; returns what is to be kept with them, None if they may not be all."""


def warn_of_more(message: str) -> None:
    """Warn that there may be more rows than are returned."""
    warn_user(message, MaxResultsWarning)


@dataclass(frozen=True)
class PageLimits:
    """How long, how much at a time, and whom to tell that there may be more."""

    deadline: Deadline
    page_seconds: float = math.inf
    workers: int | None = None
    rows: int | None = None
    # Whether the caller asks for less at a time if the answer is too large.
    divisible: bool = False
    tell: Callable[[str], object] = warn_of_more

    def resolved(self) -> PageLimits:
        """Return the same limits, with the settings of now where nothing else was said."""
        workers = count_setting("max_workers") if self.workers is None else max(1, int(self.workers))
        rows = count_setting("server_row_limit") if self.rows is None else self.rows
        return replace(self, workers=workers, rows=rows)

    @property
    def page_deadline(self) -> Deadline:
        """The deadline of a page that is asked for now."""
        return self.deadline if math.isinf(self.page_seconds) else self.deadline.part(self.page_seconds)


def ask_pages(client: HttpClient, question: Question, limits: PageLimits, hopeless: Hopeless | None = None) -> Parts:
    """Ask for the pages of an answer of which the archive sends all rows; ``hopeless`` ends the tries for the first."""
    walk = _Walk(question, limits)
    first = True
    while walk.batch:
        fetched = _fetched(client, walk.batch, limits, hopeless if first else None)
        with closing(fetched):
            # No page is held here; and what is fetched is read to its end, or the call would be given up.
            yield from filter(None, map(walk.take, fetched, walk.batch))
        walk.advance()
        first = False
    return walk.close()


class _Walk:
    """Goes through the pages of one answer, and proves that they are all of it."""

    def __init__(self, question: Question, limits: PageLimits) -> None:
        self.batch: Sequence[Question] = (question,)
        self._every_page = question.every_page
        self._tell = limits.tell
        self._completeness = Completeness(question.service)
        self._following: Sequence[Question] = ()

    def take(self, answer: AnswerPage, question: Question) -> AnswerPage | None:
        """Take a page into account; None if it is no part of the answer."""
        if not question.check(answer.page, self._completeness):
            self._following = ()
            return None
        self._following = question.after(answer.page) if question is self.batch[-1] else ()
        return answer

    def advance(self) -> None:
        """Go on with the pages that follow."""
        self.batch, self._following = self._following, ()

    def close(self) -> Mapping[str, object] | None:
        """Prove that no page is missing; what to keep with the answer, None if it is not known to be all."""
        found = self._completeness
        if found.doubt:
            self._tell(found.doubt)
        if self._every_page:
            found.close()
        return {} if found.proven and not found.doubt else None


def _fetched(
    client: HttpClient, batch: Sequence[Question], limits: PageLimits, hopeless: Hopeless | None
) -> Generator[AnswerPage]:
    """The answers to some questions, asked side by side, in order."""
    if len(batch) == 1:
        yield client.page(batch[0], limits.page_deadline, hopeless)
        return

    def fetch(question: Question) -> AnswerPage:
        """Ask for one page."""
        return client.page(question, limits.page_deadline)

    yield from map_or_stop(limits.deadline, fetch, batch, min(limits.workers or 1, len(batch)))
