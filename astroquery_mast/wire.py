"""How the archive is talked to: send → poll → page, within a deadline, with retries.  Knows no service.

In: an HTTP request, or a `~astroquery_mast.query.request.MashupRequest`.  Out: responses, and pages in order.  `Wire`
is given a callable that sends; it never sees a session or a token.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests
import tenacity
from astroquery import log

from .config import Endpoints, conf
from .exceptions import (
    AccessDeniedError,
    DeadlineError,
    IncompleteResultError,
    MastError,
    ServiceFailedError,
    UnreadableAnswerError,
)
from .query.request import MashupRequest
from .query.response import Page, Tally, check_status, parse_page

__all__ = ["Deadline", "Exchange", "Wire", "in_order"]

T = TypeVar("T")
S = TypeVar("S")

# Between two tries: half a second, then twice as long each time, some randomness so that many clients do not come back
# together, and never more than 20 s.
_BACKOFF = tenacity.wait_exponential(multiplier=0.5, max=20) + tenacity.wait_random(0, 0.5)
# Between two questions after a job that the archive is still working on.  The archive itself holds each question for up
# to 20 s, so that short pauses here cost it little, and a quick job is not kept waiting.
_POLL = tenacity.wait_exponential(multiplier=0.1, max=10, exp_base=1.6) + tenacity.wait_random(0, 0.1)

# Failures of the network that will not go away by trying again.
_HOPELESS = (
    requests.exceptions.SSLError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.TooManyRedirects,
)


@dataclass(frozen=True)
class Deadline:
    """The moment by which a whole call must be done.

    Parameters
    ----------
    seconds : float
        How long the call may take; infinite for no limit.
    """

    seconds: float
    started: float = field(default_factory=time.monotonic)
    _given_up: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)

    @classmethod
    def start(cls, seconds: float | None) -> Deadline:
        """Start the clock; None takes ``conf.timeout``."""
        return cls(float(conf.timeout if seconds is None else seconds))

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.started

    def remaining(self) -> float:
        """Return the seconds left; negative once the deadline has passed, or the call was given up."""
        return -1.0 if self._given_up.is_set() else self.seconds - self.elapsed()

    def give_up(self) -> None:
        """End the call now: what is under way in other threads may finish, but nothing more is sent."""
        self._given_up.set()


@dataclass(frozen=True)
class Exchange:
    """A response and the page that was read from it."""

    response: requests.Response
    page: Page


def in_order(work: Callable[[S], T], items: Iterable[S], workers: int) -> Iterator[T]:
    """Do the same work for many items, several at a time, and give the results in the order of the items.

    Parameters
    ----------
    work : callable
        Takes one item; called from worker threads.
    items : iterable
        The items; read no faster than results are taken, so that few results wait in memory.
    workers : int
        How many at a time.

    Yields
    ------
    object
        The result for each item, in order.  The first exception ends the work; what had not begun is dropped.
    """
    if workers <= 1:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="astroquery_mast")
    under_way: deque[Future[T]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(work, item))
            if len(under_way) > workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        # Not waiting makes Ctrl-C prompt; a request under way ends by its own timeout.
        pool.shutdown(wait=False, cancel_futures=True)


class Wire:
    """The conversation with the archive.

    Parameters
    ----------
    send : callable
        ``send(method, url, **keywords) -> requests.Response``, as `requests.Session.request`, safe to call from several
        threads; it decides what credentials go along.
    endpoints : Endpoints
        The addresses.
    advice : callable, optional
        Called with the address when access is refused; returns what the reader should do.
    """

    # All waiting is done by this function, so that tests can do without.
    pause: Callable[[float], None] = staticmethod(tenacity.nap.sleep)

    def __init__(
        self,
        send: Callable[..., requests.Response],
        endpoints: Endpoints,
        advice: Callable[[str], str] | None = None,
    ) -> None:
        self._send = send
        self._endpoints = endpoints
        self._advice = advice

    def request(
        self,
        method: str,
        url: str,
        *,
        deadline: Deadline,
        service: str | None = None,
        params: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
        attempts: int | None = None,
    ) -> requests.Response:
        """Send one request, again if it fails in a way that may pass, and return an answer that is no error.

        Parameters
        ----------
        method, url : str
            As for `requests.Session.request`, like ``params``, ``data``, ``headers`` and ``stream``.
        deadline : Deadline
            When to give up.
        service : str, optional
            What is asked, for messages; the address if not given.
        params, data, headers : object, optional
            See above.
        stream : bool
            Whether the body is left unread; the caller then reads and closes it.
        attempts : int, optional
            How often to try; ``conf.attempts`` if not given.

        Returns
        -------
        `requests.Response`
            With a status below 400.

        Raises
        ------
        MastError
            `AccessDeniedError`, `RefusedRequestError`, `ServiceFailedError` or `DeadlineError`.
        """
        what = service or url
        keywords = {"params": params, "data": data, "headers": headers, "stream": stream}
        return self._persist(lambda: self._once(method, url, deadline, what, keywords), deadline, what, attempts)

    def pages(
        self, request: MashupRequest, *, deadline: Deadline, every_page: bool = True, workers: int | None = None
    ) -> Iterator[Exchange]:
        """Ask a Mashup service and give the pages of its answer in order, the later ones fetched side by side.

        Parameters
        ----------
        request : MashupRequest
            The question.
        deadline : Deadline
            When all pages must be there.
        every_page : bool
            Whether to fetch the pages after the one asked for.
        workers : int, optional
            How many pages at a time; ``conf.max_workers`` if not given.

        Yields
        ------
        Exchange
            One per page.

        Raises
        ------
        MastError
            As `request`; `IncompleteResultError`, at the end, if the rows are not those that were announced.
        """
        tally = Tally(request.service)
        first = self.page(request, deadline)
        tally.add(first.page, request.page)
        yield first
        if every_page:
            yield from self._later_pages(request, first.page, tally, deadline, workers)
            tally.close()

    def _later_pages(
        self, request: MashupRequest, first: Page, tally: Tally, deadline: Deadline, workers: int | None
    ) -> Iterator[Exchange]:
        """Fetch the pages after the first, side by side, and give them in order."""
        last = first.paging.pages if first.paging else 1
        numbers = range(request.page + 1, last + 1)
        limit = int(conf.max_workers if workers is None else workers)
        fetched = in_order(
            lambda number: self.page(request.at_page(number), deadline), numbers, min(limit, len(numbers))
        )
        complete = False
        try:
            for number, exchange in zip(numbers, fetched, strict=True):
                tally.add(exchange.page, number)
                yield exchange
            complete = True
        finally:
            if not complete:
                deadline.give_up()

    def page(self, request: MashupRequest, deadline: Deadline) -> Exchange:
        """Ask for one page, and ask again until the archive has finished working on it.

        Parameters
        ----------
        request : MashupRequest
            The question.
        deadline : Deadline
            When to give up.

        Returns
        -------
        Exchange
            A complete page.
        """

        def poll() -> Exchange:
            return self._persist(lambda: self._mashup(request, deadline), deadline, request.service)

        polling = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda exchange: exchange.page.executing),
            wait=lambda state: min(_POLL(state), max(0.0, deadline.remaining())),
            stop=lambda _: deadline.remaining() <= 0,
            sleep=self.pause,
            retry_error_callback=lambda _: self._late(deadline, request.service, "the archive was still working on it"),
        )
        return polling(poll)

    def _mashup(self, request: MashupRequest, deadline: Deadline) -> Exchange:
        """Post a Mashup request once, and read the answer."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/plain"}
        keywords = {"data": request.body(), "headers": headers}
        response = self._once("POST", self._endpoints.invoke, deadline, request.service, keywords)
        if request.format.lower() not in {"json", "extjs"}:
            # In csv and votable the state of the job cannot be seen; the text is the caller's to read.
            return Exchange(response, Page(request.service, "COMPLETE"))
        page = parse_page(response.status_code, response.headers, response.content, request.service)
        return Exchange(response, page)

    def _persist(self, attempt: Callable[[], T], deadline: Deadline, what: str, attempts: int | None = None) -> T:
        """Try until it works, fails for good, has been tried often enough, or the next try would come too late."""
        most = int(conf.attempts) if attempts is None else attempts

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = getattr(error, "retry_after", None)
            return float(_BACKOFF(state)) if asked is None else float(asked)

        def tell(state: tenacity.RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            log.info("%s Trying again in %.1f s (try %d).", error, state.upcoming_sleep, state.attempt_number + 1)

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_pass),
            wait=wait,
            stop=lambda state: state.attempt_number >= most or state.upcoming_sleep >= deadline.remaining(),
            sleep=self.pause,
            before_sleep=tell,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except MastError as err:
            err.elapsed = deadline.elapsed()
            err.service = err.service or what
            if _may_pass(err):
                tries = retrying.statistics["attempt_number"]
                err.args = (f"{err} Tried {tries} times in {err.elapsed:.1f} s: try again later.",)
            raise

    def _once(
        self, method: str, url: str, deadline: Deadline, what: str, keywords: Mapping[str, Any]
    ) -> requests.Response:
        """Send a request once; raise unless its answer is an answer."""
        left = deadline.remaining()
        if left <= 0:
            self._late(deadline, what, "no time was left to ask again")
        silence = min(left, float(conf.read_timeout))
        timeout = (min(left, float(conf.connect_timeout)), None if math.isinf(silence) else silence)
        try:
            response = self._send(method, url, timeout=timeout, **keywords)
            if response.status_code >= 400:
                with response:
                    check_status(response.status_code, response.headers, response.content, what)
        except requests.exceptions.Timeout as err:
            if deadline.remaining() <= 0:
                self._late(deadline, what, "no answer came", err)
            raise ServiceFailedError(f"{what} did not answer within {silence:.0f} s.", service=what) from err
        except requests.exceptions.RequestException as err:
            raise _broken(what, err) from err
        except AccessDeniedError as err:
            raise self._advised(err, url) from err
        return response

    def _advised(self, error: AccessDeniedError, url: str) -> AccessDeniedError:
        """The same refusal, with what can be done about it."""
        if self._advice is None:
            return error
        return AccessDeniedError(f"{error} {self._advice(url)}", service=error.service, status=error.status)

    @staticmethod
    def _late(deadline: Deadline, what: str, state: str, cause: Exception | None = None) -> Any:
        """Raise the error of a deadline that has passed."""
        raise DeadlineError(
            f"{what} was given {deadline.seconds:g} s, and after {deadline.elapsed():.1f} s {state}. Allow more time "
            "(timeout=, or conf.timeout), or ask for less: a smaller radius, more criteria, fewer identifiers.",
            service=what,
            elapsed=deadline.elapsed(),
        ) from cause


class _NetworkError(ServiceFailedError):
    """A connection that failed in a way that will not pass."""


def _broken(what: str, err: requests.exceptions.RequestException) -> ServiceFailedError:
    """The error for a connection that could not be made, or broke."""
    kind = _NetworkError if isinstance(err, _HOPELESS) else ServiceFailedError
    return kind(f"{what} could not be reached, or the connection broke: {err}.", service=what)


def _may_pass(error: BaseException) -> bool:
    """Whether a failure may be gone at the next try: overload, restarts, broken connections, cut or foreign answers."""
    if isinstance(error, _NetworkError):
        return False
    if isinstance(error, ServiceFailedError):
        return error.status != 200  # with 200 the service itself said ERROR, and would again
    return isinstance(error, UnreadableAnswerError | IncompleteResultError)
