"""When a call is tried again, and when it has to end: deadlines, failures that may pass, and the one loop of retries.

In: seconds that a call may take, and a call that may fail.  Out: a `Deadline`, which all parts of the call share, and
the result of the call or its last error, in the terms of the package.
"""

from __future__ import annotations

import http.client
import math
import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import requests
import tenacity
import urllib3
from astropy import units as u

from ..config import seconds_setting
from ..exceptions import (
    IncompleteResultError,
    InvalidArgumentError,
    InvalidResponseError,
    MastError,
    NetworkError,
    ResponseTooLargeError,
    ServerError,
    TooManyRowsError,
)
from ..tables.mashup import PROXY_LOGIN

# A socket takes no time of zero, or less.
_SHORTEST = 1e-3
# How long it may go unnoticed that a call is over (seconds).
_GLANCE = 0.25


def as_seconds(given: Any, name: str = "timeout") -> float | None:
    """Return how long a call may take, as users write it."""
    if given is None:
        return None
    try:
        span = u.Quantity(given) if isinstance(given, str) else given
        # Text without a unit is no number here: 0.0 is added, and not float() called.
        seconds = float((span.to_value(u.s) if isinstance(span, u.Quantity) else span) + 0.0)
    except (TypeError, ValueError):  # also an array, or a unit that is none of time
        seconds = math.nan
    if not seconds > 0:
        raise InvalidArgumentError(
            f"{name} must be a positive time, got {given!r}. Use seconds, a Quantity, or a string such as '1 min'."
        )
    return seconds


class CallFile(threading.Event):
    """What processes of one computer that work for a call share: when it is over, and until when they pause.

    The call is over when its file is gone, and the time of the file is the moment until which nothing is sent.

    Nobody but its owner ends an executor, and whoever leaves one waits for what its processes do: they have to hear
    that it is in vain.  One on another computer, or with another folder for temporary files, does not hear of it.
    """

    def __init__(self, path: Path | None = None, place: tuple[str, int, int] | None = None) -> None:
        super().__init__()
        self._path, self._place = path, place
        self._is_here = path is not None and place == _place_of(path)

    @classmethod
    def create(cls) -> Self:
        """Make the file, if there is a place for it."""
        try:
            handle, name = tempfile.mkstemp(prefix="astroquery_mast-")
        except OSError:
            return cls()
        os.close(handle)
        # The time of this computer, which the one that has the disk may not share.
        os.utime(name, (time.time(), time.time()))
        return cls(Path(name), _place_of(Path(name)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Take the way to the file along."""
        return CallFile, (self._path, self._place)

    def set(self) -> None:
        """Remove the file."""
        super().set()
        with suppress(OSError):
            if self._path is not None:
                self._path.unlink(missing_ok=True)

    def is_set(self) -> bool:
        """Tell whether the file is gone."""
        return super().is_set() or (self._is_here and self._path is not None and not self._path.exists())

    def put_off(self, seconds: float) -> None:
        """Let all who have the file send nothing for a while."""
        until = time.time() + seconds
        with suppress(OSError):
            if self._path is not None and self._is_here and self._path.stat().st_mtime < until:
                os.utime(self._path, (until, until))

    def pause_left(self) -> float:
        """Return for how many seconds nothing is to be sent."""
        with suppress(OSError):
            if self._path is not None and self._is_here:
                return self._path.stat().st_mtime - time.time()
        return 0.0

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the file is gone."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = _GLANCE if until is None else until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, _GLANCE))
        return True


def _place_of(path: Path) -> tuple[str, int, int] | None:
    """What tells the folder of a file from all others, also from those of other computers."""
    try:
        found = path.parent.stat()
    except OSError:
        return None
    return socket.gethostname(), found.st_dev, found.st_ino


class StoppedError(Exception):
    """The caller wants no more of it, or the time is over."""


@dataclass(frozen=True)
class Deadline:
    """The moment by which a call must be done, or a part of one; it can be stopped before, from any thread."""

    seconds: float = math.inf
    started: float = field(default_factory=time.monotonic)
    # The event of the whole call first, that of this part of it last: whoever stops a part leaves the others alone.
    _stops: tuple[threading.Event, ...] = field(default_factory=lambda: (threading.Event(),), repr=False, compare=False)

    @classmethod
    def start(cls, seconds: float | None) -> Deadline:
        """Start the clock; None takes ``conf.timeout``."""
        return cls(seconds_setting("timeout") if seconds is None else float(seconds))

    @classmethod
    def within(cls, whole: Deadline | None) -> Deadline:
        """Start the clock of a part of a call: ``conf.timeout``, or what is left of the whole call if that is less."""
        return cls.start(None) if whole is None else whole.part(seconds_setting("timeout"))

    def __reduce__(self) -> tuple[Any, ...]:
        """Take along to another process what is left of the time."""
        return Deadline, (self.remaining(),)

    def part(self, seconds: float) -> Deadline:
        """Start the clock of a part that has so many seconds of its own, and ends when the whole ends."""
        left = self.remaining()
        own = (seconds, time.monotonic()) if seconds < left else (self.seconds, self.started)
        return Deadline(*own, (*self._stops, threading.Event()))

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.started

    def remaining(self) -> float:
        """Return the seconds left; negative once the deadline has passed, or the call was stopped."""
        return -1.0 if self._was_stopped() else self.seconds - self.elapsed()

    def at_most(self, seconds: float) -> float:
        """Return how many of these seconds may be waited."""
        return max(0.0, min(seconds, self.remaining()))

    def for_socket(self, seconds: float) -> float | None:
        """Return how long a socket may wait, at most so many seconds; None for a time without end."""
        limit = min(seconds, self.remaining())
        return None if math.isinf(limit) else max(limit, _SHORTEST)

    def stop(self) -> None:
        """End the call now: what is under way in other threads may finish, but nothing more is sent."""
        if self.elapsed() < self.seconds:
            # Otherwise the time is the reason, and everybody sees that without being told.
            self._stops[-1].set()

    def put_off(self, seconds: float) -> None:
        """Let other processes that work for the call send nothing for a while."""
        for stop in self._stops:
            if isinstance(stop, CallFile):
                stop.put_off(seconds)

    def pause_left(self) -> float:
        """Return for how long another process of the call was told to wait."""
        return max((stop.pause_left() for stop in self._stops if isinstance(stop, CallFile)), default=0.0)

    @property
    def stopped(self) -> threading.Event:
        """What is set when the whole call is stopped, to wait for."""
        return self._stops[0]

    def reached(self) -> str | None:
        """Tell why a download has to end; None if it may go on."""
        if self._was_stopped():
            return "The download was cancelled"
        return f"Timed out after {self.seconds:g} s" if self.elapsed() >= self.seconds else None

    def check(self) -> None:
        """Raise `StoppedError` if a download has to end."""
        reason = self.reached()
        if reason is not None:
            raise StoppedError(reason)

    def _was_stopped(self) -> bool:
        """Whether this part, or a whole that it is a part of, was stopped."""
        return any(stop.is_set() for stop in self._stops)


T = TypeVar("T")
E = TypeVar("E", bound=Exception)
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


# With these a gateway says that an answer takes longer than it waits.
_GATEWAY_TIMES = {408, 504, 524}
# How a proxy says that it makes no tunnel.
_PROXY_REFUSES = re.compile(r"Tunnel connection failed: (403|407)\b")
_PROXY_ADDRESS = (
    " The proxy address (HTTP_PROXY, HTTPS_PROXY) is not valid. It must look like http://user:password@host:port."
)
_CERTIFICATE = (
    " If your network uses its own certificates, set REQUESTS_CA_BUNDLE to a file that contains them "
    "(SSL_CERT_FILE is ignored)."
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


def network_error(what: str, err: Exception) -> ServerError:
    """Return the error for a connection that could not be made, or broke."""
    advice = _advice_for_connection(err)
    passing = isinstance(err, requests.exceptions.RequestException) and not isinstance(err, _HOPELESS)
    kind = ServerError if passing and not advice else NetworkError
    address = getattr(getattr(err, "request", None), "url", None)
    host = f" at {urlsplit(address).netloc}" if address else ""
    said = ": the connection broke" if _was_connected(err) else " could not be reached"
    return kind(f"{what}{host}{said}: {_reason(_innermost(err))}{advice}", service=what)


def alone(err: E) -> E:
    """Return an error of the HTTP libraries without those that it wraps: its message has what they say.

    As the cause of an error of this package it is one line then, instead of some hundred of four or five exceptions.
    """
    err.__cause__ = err.__context__ = err.__traceback__ = None
    return err


def never_connected(error: BaseException | None) -> bool:
    """Tell whether an error of the package is one of a connection that could not be made."""
    cause = error.__cause__ if isinstance(error, ServerError) else None
    return isinstance(cause, requests.exceptions.ConnectionError) and not _was_connected(cause)


def _reason(err: BaseException) -> str:
    """Why there is no connection, in the words of the computer."""
    words = str((isinstance(err, OSError) and err.strerror) or err).rstrip(".?")
    return f"{words}. Are you offline?" if isinstance(err, socket.gaierror) else f"{words}."


def _innermost(err: BaseException) -> BaseException:
    """What the exceptions of the HTTP libraries are about, which wrap each other."""
    inside = (err.__cause__, getattr(err, "reason", None), *reversed(err.args))
    found = next((each for each in inside if isinstance(each, BaseException)), None)
    return err if found is None else _innermost(found)


def _advice_for_connection(err: Exception) -> str:
    """What to do about a proxy or a certificate; empty if the failure may be another one."""
    if isinstance(err, requests.exceptions.ProxyError) and (refused := _PROXY_REFUSES.search(str(err))):
        return f" {PROXY_LOGIN}" if refused[1] == "407" else " The proxy refused this request."
    if isinstance(err, requests.exceptions.SSLError):
        return _CERTIFICATE
    return _PROXY_ADDRESS if isinstance(err, TypeError) and "NoneType" in str(err) else ""


def is_transient(error: BaseException) -> bool:
    """Tell whether a failure may be gone at the next try."""
    if isinstance(error, NetworkError | TooManyRowsError | ResponseTooLargeError):
        return False
    if isinstance(error, ServerError):
        return error.status != 200  # with 200 the service itself said ERROR, and would again
    return isinstance(error, InvalidResponseError | IncompleteResultError)


def took_too_long(error: MastError) -> bool:
    """Tell whether an answer took longer than somebody waits, so that a job on the server may help."""
    if not isinstance(error, ServerError):
        return False
    return error.status in _GATEWAY_TIMES or isinstance(error.__cause__, requests.exceptions.ReadTimeout)


def connection_dropped(error: MastError) -> bool:
    """Tell whether a connection was there, and broke: that is what the archive does when an answer is too large."""
    return _was_connected(error.__cause__)


def _was_connected(err: BaseException | None) -> bool:
    """Whether an error of `requests` is one of a connection that broke."""
    if isinstance(err, requests.exceptions.ChunkedEncodingError):
        return True
    reason = err.args[0] if isinstance(err, requests.exceptions.ConnectionError) and err.args else None
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
