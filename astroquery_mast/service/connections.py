"""Connections that end at the deadline of a call, and that a forked process does not share with its parent.

In: a session, and the deadline of the current thread.  Out: a session whose sockets check the deadline while they wait
for bytes.  The timeout of `requests` limits only the time between two pieces of data, so that a server that sends one
byte now and then could block a call forever.  No thread has to close the connection of another: a thread that waits for
a server notices within a fraction of a second that the call was stopped.

When a server requests a pause, no thread of the process sends anything to it until the pause is over; afterwards, fewer
requests are sent at a time: see `Pace`.  Other processes of the same call pause, too.
"""

from __future__ import annotations

import http.client
import http.cookiejar
import io
import math
import os
import socket
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ..exceptions import ResponseTooLargeError
from . import retrying
from .retrying import Deadline

# Host names of this computer.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# Time within which a waiting thread notices that its call was stopped (seconds).
_GLANCE = 0.25
# Sockets do not accept a timeout of zero or less (seconds).
_SHORTEST = 1e-3
# The number of bytes read from the body of an error or a redirect.
_WORDS = 65_536
# The number of bytes read at a time from a body of unknown length.
_PIECE = 1_048_576
# The number of bytes of a spooled body that are kept in memory, before it is moved to disk.
_IN_MEMORY = 1 << 24
# The largest number of bytes of a file that are written at a time, which is what kill -9 can lose of a partial file.
_FILE_PIECE = 1 << 18

_BROKEN_BODIES = (
    (urllib3.exceptions.ProtocolError, requests.exceptions.ChunkedEncodingError),
    (urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError),
    (urllib3.exceptions.ReadTimeoutError, requests.exceptions.ReadTimeout),
)

_current = threading.local()


@contextmanager
def within(deadline: Deadline) -> Iterator[None]:
    """Apply a deadline to the responses that this thread receives, including bodies that it reads later."""
    before = getattr(_current, "deadline", None)
    _current.deadline = deadline
    try:
        yield
    finally:
        _current.deadline = before


class _DeadlineReader(io.RawIOBase):
    """The bytes of a socket, up to the deadline or a too long silence of the server."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline
        silence = sock.gettimeout()
        self._silence = math.inf if silence is None else silence
        # A socket stays open as long as there is a file of it, even if its connection is closed.
        self._open = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for bytes, in short intervals."""
        patience = time.monotonic() + self._silence
        while True:
            left = min(self._deadline.remaining(), patience - time.monotonic())
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(max(_SHORTEST, min(left, _GLANCE)))
            with suppress(TimeoutError):
                return self._sock.recv_into(buffer)

    def close(self) -> None:
        """Release the socket."""
        self._open.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """A response that is received within the deadline of the current thread."""

    def __init__(self, sock: socket.socket, *args: Any, **keywords: Any) -> None:
        super().__init__(sock, *args, **keywords)
        deadline = getattr(_current, "deadline", None)
        if deadline is not None:
            self.fp.close()
            self.fp = io.BufferedReader(_DeadlineReader(sock, deadline))


class TimedAdapter(HTTPAdapter):
    """An adapter whose connections observe the deadline, and which reads only the beginning of redirects."""

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        """Create timed connections."""
        super().init_poolmanager(*args, **keywords)
        _time_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **keywords: Any) -> Any:
        """Create timed connections to a proxy."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **keywords)
        if not known:
            _time_connections(manager)
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **keywords: Any) -> requests.Response:
        """Send a request; to this computer without a proxy, which would send the token elsewhere in clear text."""
        if urlsplit(request.url or "").hostname in LOOPBACK:
            request.headers.pop("Proxy-Authorization", None)
            args, keywords = args[:4], {**keywords, "proxies": {}}
        return super().send(request, *args, **keywords)

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Read the beginning of the body of a redirect, which `requests` would read to its end."""
        response = super().build_response(req, resp)
        if response.is_redirect:
            read_words(response)
        return response


def _time_connections(manager: Any) -> None:
    """Make the pools of a manager create connections with timed responses."""
    manager.pool_classes_by_scheme = {
        scheme: type(pool.__name__, (pool,), {"ConnectionCls": _timed(pool.ConnectionCls)})
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _timed(connection: type[Any]) -> type[Any]:
    """A subclass of a connection class, with timed responses; it keeps the name, which is part of messages."""
    return type(connection.__name__, (connection,), {"response_class": _TimedResponse})


# -- bodies --------------------------------------------------------------------------------------------------------


def read_body(response: requests.Response, most: int) -> None:
    """Read the body of a response into ``response.content``; raise an error if it has more bytes than ``most``.

    `requests` reads a body in pieces of 10 kB, which for a page of 40 MB takes longer than the transfer in the network
    of an institute.  `urllib3` can read large pieces; its exceptions are converted to those that `requests` raises.
    """
    if not isinstance(response.raw, urllib3.HTTPResponse):  # a mock
        _ = response.content
        return
    with response:
        set_body(response, _received(response.raw, most, whole=True))


def body_pieces(response: requests.Response) -> Iterator[bytes]:
    """Yield a body as it arrives, so that no data are lost if the connection breaks, and slow bodies can be stopped."""
    raw = response.raw if isinstance(response, requests.Response) else None
    read1 = getattr(raw, "read1", None) if isinstance(raw, urllib3.HTTPResponse) else None
    if read1 is None:  # urllib3 1.26, or a mock
        yield from response.iter_content(_FILE_PIECE)
        return
    while piece := read1(_FILE_PIECE, decode_content=True):
        yield piece


class _SpooledBody:
    """A decoded body, in memory or on disk, which is removed with this object, so that readers need not close it."""

    def __init__(self) -> None:
        file = self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed with this object
        self.write, self.seek, self.close = file.write, file.seek, file.close
        weakref.finalize(self, file.close)

    def read(self, size: int = -1, decode_content: bool | None = None) -> bytes:
        """Read bytes as from ``response.raw``; the body is already decoded."""
        return self._file.read(size)


def spool_body(response: requests.Response, most: int) -> None:
    """Receive a body without keeping it in memory; ``response.raw`` then reads it from the beginning."""
    body, size = _SpooledBody(), 0
    with response, _errors_of_requests():
        for piece in body_pieces(response):
            size += body.write(piece)
            if size > most:
                raise _too_large(most)
    body.seek(0)
    response.raw = body


class _BodyReader(io.RawIOBase):
    """A spooled body as a file object, for code that requires the complete interface of files."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self._body = body

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read bytes into the buffer."""
        piece = self._body.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position in the file."""
        return int(self._body.seek(offset, whence))

    def close(self) -> None:
        """Release the body."""
        self._body.close()
        super().close()


def spooled_file(response: requests.Response) -> io.BufferedReader:
    """Return a body that `spool_body` received as a file object."""
    return io.BufferedReader(_BodyReader(response.raw))


def read_words(response: requests.Response) -> None:
    """Read only the beginning of the body of an error or a redirect."""
    if not isinstance(response.raw, urllib3.HTTPResponse):
        _ = response.content
        return
    set_body(response, _received(response.raw, _WORDS, whole=False))
    if len(response.content) >= _WORDS:
        response.raw.close()


def set_body(response: requests.Response, body: bytes) -> None:
    """Set the body of a response, in the private attributes of `requests`, since there is no public way."""
    response._content, response._content_consumed = body, True  # type: ignore[attr-defined]


def _received(raw: urllib3.HTTPResponse, most: int, *, whole: bool) -> bytes:
    """The decoded body; if it has more bytes than ``most``, raise an error if ``whole``, else leave them unread."""
    length, packed = raw.length_remaining, "content-encoding" in raw.headers
    with _errors_of_requests():
        if whole and length is not None and length <= most and not packed:
            return raw.read()
        pieces, size = [], 0
        while size < most + whole and (piece := raw.read(min(_PIECE, most + whole - size), decode_content=True)):
            pieces.append(piece)
            size += len(piece)
    if size > most:
        raise _too_large(most)
    return b"".join(pieces)


def _too_large(most: int) -> ResponseTooLargeError:
    """The error for a body that is too large."""
    return ResponseTooLargeError(
        f"The response exceeds {most} bytes. Narrow the query, or increase conf.max_response_size."
    )


@contextmanager
def _errors_of_requests() -> Iterator[None]:
    """Convert exceptions of `urllib3` to those that `requests` raises."""
    try:
        yield
    except urllib3.exceptions.HTTPError as err:
        kinds = (kind for theirs, kind in _BROKEN_BODIES if isinstance(err, theirs))
        raise next(kinds, requests.exceptions.ConnectionError)(err) from err


# -- pace ---------------------------------------------------------------------------------------------------------

TOO_MANY_REQUESTS, UNAVAILABLE = 429, 503
PAUSE = 1.0
"""Seconds to pause if the server does not specify a time."""
# The limit of concurrent requests is removed when it reaches this number.
_FREE = 64.0
_MOST = 10_000


class Pace:
    """The limits on requests to one server: a pause, and a number of concurrent requests."""

    def __init__(self) -> None:
        self._room = threading.Condition()
        self._until = -math.inf
        self._allowed = math.inf
        self._under_way = 0

    @contextmanager
    def turn(self, deadline: Deadline) -> Iterator[None]:
        """Wait until another request may be sent, and count it as active until its response arrives."""
        left = max(self._until - time.monotonic(), deadline.pause_left())
        if left > 0:
            retrying.pause(deadline.at_most(left), deadline.stopped)
        with self._room:
            while self._under_way >= max(1, int(min(self._allowed, _MOST))) and deadline.remaining() > 0:
                self._room.wait(min(_GLANCE, max(deadline.remaining(), 0.0)))
            self._under_way += 1
        try:
            yield
        finally:
            with self._room:
                self._under_way -= 1
                self._room.notify()

    def slow_down(self, seconds: float) -> None:
        """Send nothing for some seconds, and half as many requests at a time afterwards."""
        with self._room:
            now = time.monotonic()
            if now >= self._until:  # requests that were sent together are refused together, and count once
                self._allowed = max(1.0, min(self._allowed, self._under_way + 1.0) / 2)
            self._until = max(self._until, now + seconds)

    def speed_up(self) -> None:
        """Allow more requests at a time, after a response."""
        if self._allowed < math.inf:
            with self._room:
                self._allowed += 1 / self._allowed
                if self._allowed >= _FREE:
                    self._allowed = math.inf
                self._room.notify()


PACES: dict[str, Pace] = {}


def pace_of(url: str) -> Pace:
    """Return the pace of the server of a URL."""
    parts = urlsplit(url)
    return PACES.setdefault(f"{parts.scheme}://{parts.netloc}", Pace())


# -- sessions ------------------------------------------------------------------------------------------------------

# The number of connections kept open to one host, enough for several concurrent calls with concurrent pages.
_POOL = 32
_sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()


def prepare_session(session: requests.Session) -> requests.Session:
    """Make the connections of a session timed, and separate in forked processes; keep adapters of other classes."""
    for prefix, adapter in list(session.adapters.items()):
        if type(adapter) is HTTPAdapter:
            state: dict[str, Any] = cast("Any", adapter).__getstate__()
            timed = TimedAdapter()
            _reset_pools(timed, {**state, "_pool_maxsize": max(_POOL, state["_pool_maxsize"])})
            session.mount(prefix, timed)
    _sessions.add(session)
    return session


class _NoCookies(http.cookiejar.DefaultCookiePolicy):
    """Accept no cookies from servers; send those that the user has set."""

    def set_ok(self, cookie: http.cookiejar.Cookie, request: Any) -> bool:
        """Refuse a cookie."""
        return False


class MastSession(requests.Session):
    """A session without cookies from servers, and without ``.netrc`` on redirects."""

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(_NoCookies())
        prepare_session(self)

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Drop the token on a redirect to another server; `requests` would also add a password from ``.netrc``."""
        url, before = prepared_request.url or "", response.request.url or ""
        if cast("Any", self).should_strip_auth(before, url):
            prepared_request.headers.pop("Authorization", None)


def _reset_pools(adapter: HTTPAdapter, state: dict[str, Any]) -> None:
    """Make an adapter create new pools, as after unpickling."""
    cast("Any", adapter).__setstate__(state)


def _forget_connections() -> None:
    """Replace the connections in a forked process, which would otherwise read responses to requests of its parent."""
    # Threads that this process does not have may hold their locks.
    PACES.clear()
    for session in list(_sessions):
        for adapter in session.adapters.values():
            if isinstance(adapter, HTTPAdapter):
                _reset_pools(adapter, cast("Any", adapter).__getstate__())
            else:
                adapter.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)
