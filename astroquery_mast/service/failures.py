"""Failures of the network: which there are, which of them may pass, and the one loop that tries a call again.

In: a call that may fail.  Out: its result or its last error, and errors in the package's own terms.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from typing import TypeVar

import requests
import tenacity
import urllib3

from ..exceptions import (
    IncompleteResultError,
    InvalidResponseError,
    MastError,
    NetworkError,
    ServerError,
    TooManyRowsError,
)
from .deadline import Deadline

__all__ = [
    "BACKOFF",
    "BODY_ATTEMPTS",
    "BODY_ERRORS",
    "BrokenBodyError",
    "RetryState",
    "connection_dropped",
    "is_transient",
    "network_error",
    "pause",
    "retrying",
]

T = TypeVar("T")
RetryState = tenacity.RetryCallState

# Between two tries: half a second, then twice as long each time, some randomness so that many clients do not come back
# together, and never more than 20 s.
BACKOFF = tenacity.wait_exponential(multiplier=0.5, max=20) + tenacity.wait_random(0, 0.5)
# How many times a body that breaks off is requested; opening an address has retries of its own.
BODY_ATTEMPTS = 3
_AFTER_BODY_ATTEMPTS = tenacity.stop_after_attempt(BODY_ATTEMPTS)

# Failures of the network that will not go away by trying again.
_HOPELESS = (
    requests.exceptions.SSLError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.TooManyRedirects,
)


class BrokenBodyError(Exception):
    """A body that is not the whole file; asking again may help."""


# What a connection that breaks in the middle of a body looks like.
BODY_ERRORS = (
    BrokenBodyError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    urllib3.exceptions.HTTPError,
    http.client.IncompleteRead,
)


def network_error(what: str, err: requests.exceptions.RequestException) -> ServerError:
    """Return the error for a connection that could not be made, or broke."""
    kind = NetworkError if isinstance(err, _HOPELESS) else ServerError
    return kind(f"{what} could not be reached, or the connection broke: {err}.", service=what)


def is_transient(error: BaseException) -> bool:
    """Tell whether a failure may be gone at the next try."""
    if isinstance(error, NetworkError | TooManyRowsError):
        return False
    if isinstance(error, ServerError):
        return error.status != 200  # with 200 the service itself said ERROR, and would again
    return isinstance(error, InvalidResponseError | IncompleteResultError)


def connection_dropped(error: MastError) -> bool:
    """Tell whether a connection was there, and broke: that is what the archive does when an answer is too large."""
    cause = error.__cause__
    if isinstance(cause, requests.exceptions.ChunkedEncodingError):
        return True
    reason = cause.args[0] if isinstance(cause, requests.exceptions.ConnectionError) and cause.args else None
    return isinstance(reason, urllib3.exceptions.ProtocolError)


def pause(seconds: float, stopped: threading.Event) -> None:
    """Wait, or until the call is stopped; all waiting between tries happens here, so that tests can do without."""
    stopped.wait(seconds)


def retrying(
    attempt: Callable[[], T],
    *,
    deadline: Deadline,
    on_error: Callable[[BaseException], bool] = lambda _: False,
    on_result: Callable[[T], bool] = lambda _: False,
    stop: Callable[[RetryState], bool] = _AFTER_BODY_ATTEMPTS,
    wait: Callable[[RetryState], float] = BACKOFF,
    before_sleep: Callable[[RetryState], None] | None = None,
) -> T:
    """Call ``attempt`` until nothing asks for another try, or `stop` says so; return or raise what came last."""
    loop = tenacity.Retrying(
        retry=tenacity.retry_if_exception(on_error) | tenacity.retry_if_result(on_result),
        stop=stop,
        wait=wait,
        sleep=lambda seconds: pause(deadline.at_most(seconds), deadline.stopped),
        before_sleep=before_sleep,
        # The error itself, and not one about the retries.
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    return loop(attempt)
