"""Deadlines, transient errors, and the retry loop.

In: the time that a call may take, and a function that may fail.  Out: a `Deadline`, which all parts of the call share,
and the result of the function or its last error, as an exception of this package.
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

# Sockets do not accept a timeout of zero or less (seconds).
_SHORTEST = 1e-3
# Time within which a waiting thread notices that its call is over (seconds).
_GLANCE = 0.25


def as_seconds(given: Any, name: str = "timeout") -> float | None:
    """Return a timeout in seconds, from a number, a Quantity, or a string."""
    if given is None:
        return None
    try:
        span = u.Quantity(given) if isinstance(given, str) else given
        # Adding 0.0 rejects text that float() would convert, such as bytes.
        seconds = float((span.to_value(u.s) if isinstance(span, u.Quantity) else span) + 0.0)
    except (TypeError, ValueError):  # also for an array, or a unit that is not a unit of time
        seconds = math.nan
    if not seconds > 0:
        raise InvalidArgumentError(
            f"{name} must be a positive time, got {given!r}. Use seconds, a Quantity, or a string such as '1 min'."
        )
    return seconds


class CallFile(threading.Event):
    """A file by which the processes of a call on one computer share the end of the call and pauses.

    The call is over when the file is removed.  Its modification time is the time until which nothing is sent.

    Only its owner shuts down an executor, and leaving it waits for its processes, which therefore must learn that the
    call is over.  A process on another computer, or with another folder for temporary files, does not.
    """

    def __init__(self, path: Path | None = None, place: tuple[str, int, int] | None = None) -> None:
        super().__init__()
        self._path, self._place = path, place
        self._is_here = path is not None and place == _place_of(path)

    @classmethod
    def create(cls) -> Self:
        """Create the file, if there is a folder for it."""
        try:
            handle, name = tempfile.mkstemp(prefix="astroquery_mast-")
        except OSError:
            return cls()
        os.close(handle)
        # Set the time by the clock of this computer, which may differ from that of a file server.
        os.utime(name, (time.time(), time.time()))
        return cls(Path(name), _place_of(Path(name)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Include the path of the file."""
        return CallFile, (self._path, self._place)

    def set(self) -> None:
        """Remove the file."""
        super().set()
        with suppress(OSError):
            if self._path is not None:
                self._path.unlink(missing_ok=True)

    def is_set(self) -> bool:
        """Return whether the call is over."""
        return super().is_set() or (self._is_here and self._path is not None and not self._path.exists())

    def put_off(self, seconds: float) -> None:
        """Make all processes that share the file pause their requests."""
        until = time.time() + seconds
        with suppress(OSError):
            if self._path is not None and self._is_here and self._path.stat().st_mtime < until:
                os.utime(self._path, (until, until))

    def pause_left(self) -> float:
        """Return the remaining seconds of the pause, negative if it is over."""
        with suppress(OSError):
            if self._path is not None and self._is_here:
                return self._path.stat().st_mtime - time.time()
        return 0.0

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the call is over."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = _GLANCE if until is None else until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, _GLANCE))
        return True


def _place_of(path: Path) -> tuple[str, int, int] | None:
    """The identity of the folder of a file: its host, device and inode, unique across computers."""
    try:
        found = path.parent.stat()
    except OSError:
        return None
    return socket.gethostname(), found.st_dev, found.st_ino


class StoppedError(Exception):
    """The call was stopped, or its time is over."""


@dataclass(frozen=True)
class Deadline:
    """The deadline of a call or of a part of it, which any thread can also stop earlier."""

    seconds: float = math.inf
    started: float = field(default_factory=time.monotonic)
    # The event of the complete call first, and that of this part last, so that a part can be stopped by itself.
    _stops: tuple[threading.Event, ...] = field(default_factory=lambda: (threading.Event(),), repr=False, compare=False)

    @classmethod
    def start(cls, seconds: float | None) -> Deadline:
        """Start the clock; None means ``conf.timeout``."""
        return cls(seconds_setting("timeout") if seconds is None else float(seconds))

    @classmethod
    def within(cls, whole: Deadline | None) -> Deadline:
        """Start the clock of a part of a call: ``conf.timeout``, or the remaining time of the call if that is less."""
        return cls.start(None) if whole is None else whole.part(seconds_setting("timeout"))

    def __reduce__(self) -> tuple[Any, ...]:
        """Include the remaining time, for another process."""
        return Deadline, (self.remaining(),)

    def part(self, seconds: float) -> Deadline:
        """Start the clock of a part of the call, with its own time limit; it also ends when the call ends."""
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
        """Return the number of seconds to wait, limited to the remaining time."""
        return max(0.0, min(seconds, self.remaining()))

    def for_socket(self, seconds: float) -> float | None:
        """Return the timeout for a socket, limited to the remaining time; None for no limit."""
        limit = min(seconds, self.remaining())
        return None if math.isinf(limit) else max(limit, _SHORTEST)

    def stop(self) -> None:
        """End the call now: active requests in other threads may finish, but no more are sent."""
        if self.elapsed() < self.seconds:
            # After the deadline, all threads stop anyway, and the timeout is the reason.
            self._stops[-1].set()

    def put_off(self, seconds: float) -> None:
        """Make other processes of the call pause their requests."""
        for stop in self._stops:
            if isinstance(stop, CallFile):
                stop.put_off(seconds)

    def pause_left(self) -> float:
        """Return the remaining seconds of a pause that another process of the call requested."""
        return max((stop.pause_left() for stop in self._stops if isinstance(stop, CallFile)), default=0.0)

    @property
    def stopped(self) -> threading.Event:
        """The event that is set when the complete call is stopped."""
        return self._stops[0]

    def reached(self) -> str | None:
        """Return why a download must end; None if it may continue."""
        if self._was_stopped():
            return "The download was cancelled"
        return f"Timed out after {self.seconds:g} s" if self.elapsed() >= self.seconds else None

    def check(self) -> None:
        """Raise `StoppedError` if a download must end."""
        reason = self.reached()
        if reason is not None:
            raise StoppedError(reason)

    def _was_stopped(self) -> bool:
        """Whether this part of the call, or the call that it belongs to, was stopped."""
        return any(stop.is_set() for stop in self._stops)


T = TypeVar("T")
E = TypeVar("E", bound=Exception)
RetryState = tenacity.RetryCallState

# The pause between two attempts: half a second, doubled each time up to 20 s, with some randomness so that many clients
# do not return at the same time.
BACKOFF = tenacity.wait_exponential(multiplier=0.5, max=20) + tenacity.wait_random(0, 0.5)
# The number of attempts for a body that breaks off; opening a connection has its own retries.
BODY_ATTEMPTS = 3
_AFTER_BODY_ATTEMPTS = tenacity.stop_after_attempt(BODY_ATTEMPTS)

# Network errors that retries do not help.
_HOPELESS = (
    requests.exceptions.SSLError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.TooManyRedirects,
)


# Statuses by which a gateway reports that the response takes longer than its timeout.
_GATEWAY_TIMES = {408, 504, 524}
# The message of a proxy that refuses a tunnel.
_PROXY_REFUSES = re.compile(r"Tunnel connection failed: (403|407)\b")
_PROXY_ADDRESS = (
    " The proxy address (HTTP_PROXY, HTTPS_PROXY) is not valid. It must look like http://user:password@host:port."
)
_CERTIFICATE = (
    " If your network uses its own certificates, set REQUESTS_CA_BUNDLE to a file that contains them "
    "(SSL_CERT_FILE is ignored)."
)


class BrokenBodyError(Exception):
    """A body that is not the complete file; another request may help."""


# The exceptions of a connection that breaks in the middle of a body.
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
    """Return the error for a connection that could not be made or that broke."""
    advice = _advice_for_connection(err)
    passing = isinstance(err, requests.exceptions.RequestException) and not isinstance(err, _HOPELESS)
    kind = ServerError if passing and not advice else NetworkError
    address = getattr(getattr(err, "request", None), "url", None)
    host = f" at {urlsplit(address).netloc}" if address else ""
    said = ": the connection broke" if _was_connected(err) else " could not be reached"
    return kind(f"{what}{host}{said}: {_reason(_innermost(err))}{advice}", service=what)


def alone(err: E) -> E:
    """Return an error of the HTTP libraries without the exceptions that it wraps, which its message repeats.

    As the cause of an error of this package, it then takes one line instead of about a hundred.
    """
    err.__cause__ = err.__context__ = err.__traceback__ = None
    return err


def never_connected(error: BaseException | None) -> bool:
    """Return whether an error of this package is due to a connection that could not be made."""
    cause = error.__cause__ if isinstance(error, ServerError) else None
    return isinstance(cause, requests.exceptions.ConnectionError) and not _was_connected(cause)


def _reason(err: BaseException) -> str:
    """The reason for a failed connection, as the operating system gives it."""
    words = str((isinstance(err, OSError) and err.strerror) or err).rstrip(".?")
    return f"{words}. Are you offline?" if isinstance(err, socket.gaierror) else f"{words}."


def _innermost(err: BaseException) -> BaseException:
    """The innermost of the exceptions of the HTTP libraries, which wrap each other."""
    inside = (err.__cause__, getattr(err, "reason", None), *reversed(err.args))
    found = next((each for each in inside if isinstance(each, BaseException)), None)
    return err if found is None else _innermost(found)


def _advice_for_connection(err: Exception) -> str:
    """Advice about a proxy or a certificate; empty if the error has another reason."""
    if isinstance(err, requests.exceptions.ProxyError) and (refused := _PROXY_REFUSES.search(str(err))):
        return f" {PROXY_LOGIN}" if refused[1] == "407" else " The proxy refused this request."
    if isinstance(err, requests.exceptions.SSLError):
        return _CERTIFICATE
    return _PROXY_ADDRESS if isinstance(err, TypeError) and "NoneType" in str(err) else ""


def is_transient(error: BaseException) -> bool:
    """Return whether another attempt may succeed."""
    if isinstance(error, NetworkError | TooManyRowsError | ResponseTooLargeError):
        return False
    if isinstance(error, ServerError):
        return error.status != 200  # with 200, the service itself reported an ERROR, and would do so again
    return isinstance(error, InvalidResponseError | IncompleteResultError)


def took_too_long(error: MastError) -> bool:
    """Return whether a response took longer than the timeout of a client or gateway, so that a job may help."""
    if not isinstance(error, ServerError):
        return False
    return error.status in _GATEWAY_TIMES or isinstance(error.__cause__, requests.exceptions.ReadTimeout)


def connection_dropped(error: MastError) -> bool:
    """Return whether an established connection broke, which is how MAST's server fails on too large responses."""
    return _was_connected(error.__cause__)


def _was_connected(err: BaseException | None) -> bool:
    """Whether an error of `requests` is due to an established connection that broke."""
    if isinstance(err, requests.exceptions.ChunkedEncodingError):
        return True
    reason = err.args[0] if isinstance(err, requests.exceptions.ConnectionError) and err.args else None
    return isinstance(reason, urllib3.exceptions.ProtocolError)


def pause(seconds: float, stopped: threading.Event) -> None:
    """Wait, or until the call is stopped; this is the only pause between attempts, so that tests can skip it."""
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
    """Call ``attempt`` until it succeeds or ``stop`` returns True; return or raise its last result or error."""
    loop = tenacity.Retrying(
        retry=tenacity.retry_if_exception(on_error) | tenacity.retry_if_result(on_result),
        stop=stop,
        wait=wait,
        sleep=lambda seconds: pause(deadline.at_most(seconds), deadline.stopped),
        before_sleep=before_sleep,
        # Raise the error itself instead of tenacity's RetryError.
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    return loop(attempt)
