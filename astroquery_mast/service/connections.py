"""Connections that end when the call's time is over, and that a forked process does not share with its parent.

In: a session, and the deadline of whatever the current thread does.  Out: a session whose sockets look at that deadline
each time they wait for bytes.  `requests` bounds only the silence between two pieces, so that a server that sends one
byte now and then could hold a call forever.  No thread has to hang up on another: whoever waits for a server sees
within a fraction of a second that the call was given up.

When a server asks for a pause, no thread of the process sends anything to it before the pause is over, and then fewer
requests at a time: see `Pace`.  Other processes of the same call pause, too.
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

# Names of this computer.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# How long it may go unnoticed that a call was given up (seconds).
_GLANCE = 0.25
# A socket takes no time of zero, or less.
_SHORTEST = 1e-3
# What is read of a body that says only why there is no answer (bytes).
_WORDS = 65_536
# What is read at a time of a body whose length is not known beforehand (bytes).
_PIECE = 1_048_576
# What is held in memory of a body that may be long (bytes).
_IN_MEMORY = 1 << 24
# Bytes of a file that are written at a time at most: what kill -9 can cost beyond the last line of the record.
_FILE_PIECE = 1 << 18

_BROKEN_BODIES = (
    (urllib3.exceptions.ProtocolError, requests.exceptions.ChunkedEncodingError),
    (urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError),
    (urllib3.exceptions.ReadTimeoutError, requests.exceptions.ReadTimeout),
)

_current = threading.local()


@contextmanager
def within(deadline: Deadline) -> Iterator[None]:
    """Let what this thread receives count against a deadline; so does a body that it reads later."""
    before = getattr(_current, "deadline", None)
    _current.deadline = deadline
    try:
        yield
    finally:
        _current.deadline = before


class _DeadlineReader(io.RawIOBase):
    """The bytes of a socket, until the time is over or the server has been silent for too long."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline
        silence = sock.gettimeout()
        self._silence = math.inf if silence is None else silence
        # The socket stays open for as long as a file made of it, even if its connection is closed.
        self._open = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for bytes, in short pieces of time."""
        patience = time.monotonic() + self._silence
        while True:
            left = min(self._deadline.remaining(), patience - time.monotonic())
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(max(_SHORTEST, min(left, _GLANCE)))
            with suppress(TimeoutError):
                return self._sock.recv_into(buffer)

    def close(self) -> None:
        """Let go of the socket."""
        self._open.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """A response that is received within the deadline of the thread that waits for it."""

    def __init__(self, sock: socket.socket, *args: Any, **keywords: Any) -> None:
        super().__init__(sock, *args, **keywords)
        deadline = getattr(_current, "deadline", None)
        if deadline is not None:
            self.fp.close()
            self.fp = io.BufferedReader(_DeadlineReader(sock, deadline))


class TimedAdapter(HTTPAdapter):
    """An adapter whose connections know the deadline, and whose errors and redirects bring few words."""

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        """Make timed connections."""
        super().init_poolmanager(*args, **keywords)
        _time_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **keywords: Any) -> Any:
        """Make timed connections to a proxy."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **keywords)
        if not known:
            _time_connections(manager)
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **keywords: Any) -> requests.Response:
        """Send, without a proxy to a server on this computer: the token would leave the computer in clear text."""
        if urlsplit(request.url or "").hostname in LOOPBACK:
            request.headers.pop("Proxy-Authorization", None)
            args, keywords = args[:4], {**keywords, "proxies": {}}
        return super().send(request, *args, **keywords)

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Read the body of a redirect here, as far as it is worth it: `requests` would read it to its end."""
        response = super().build_response(req, resp)
        if response.is_redirect:
            read_words(response)
        return response


def _time_connections(manager: Any) -> None:
    """Let the pools of a manager make connections whose responses are timed."""
    manager.pool_classes_by_scheme = {
        scheme: type(pool.__name__, (pool,), {"ConnectionCls": _timed(pool.ConnectionCls)})
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _timed(connection: type[Any]) -> type[Any]:
    """The same class of connections, with timed responses; its name is part of messages."""
    return type(connection.__name__, (connection,), {"response_class": _TimedResponse})


# -- bodies --------------------------------------------------------------------------------------------------------


def read_body(response: requests.Response, most: int) -> None:
    """Read the body of a response, so that ``response.content`` is there; refuse one of more bytes than ``most``.

    `requests` takes a body in pieces of 10 kB, which for a page of 40 MB takes longer than its way through the network
    of an institute.  `urllib3` can read much at once; what it raises is turned into what `requests` would raise.
    """
    if not isinstance(response.raw, urllib3.HTTPResponse):  # a stand-in
        _ = response.content
        return
    with response:
        keep_body(response, _received(response.raw, most, whole=True))


def body_pieces(response: requests.Response) -> Iterator[bytes]:
    """Give a body as it arrives: what had come when the connection broke is not lost, and slow bodies can be ended."""
    raw = response.raw if isinstance(response, requests.Response) else None
    read1 = getattr(raw, "read1", None) if isinstance(raw, urllib3.HTTPResponse) else None
    if read1 is None:  # urllib3 1.26, or a stand-in
        yield from response.iter_content(_FILE_PIECE)
        return
    while piece := read1(_FILE_PIECE, decode_content=True):
        yield piece


class _SpooledBody:
    """A decoded body, in memory or on disk, which is removed with this object: whoever reads it need not close it."""

    def __init__(self) -> None:
        file = self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed with this object
        self.write, self.seek, self.close = file.write, file.seek, file.close
        weakref.finalize(self, file.close)

    def read(self, size: int = -1, decode_content: bool | None = None) -> bytes:
        """Read as from ``response.raw``; it is decoded already."""
        return self._file.read(size)


def spool_body(response: requests.Response, most: int) -> None:
    """Receive a body without holding it in memory; ``response.raw`` gives it from its beginning."""
    body, size = _SpooledBody(), 0
    with response, _errors_of_requests():
        for piece in body_pieces(response):
            size += body.write(piece)
            if size > most:
                raise _too_large(most)
    body.seek(0)
    response.raw = body


class _BodyReader(io.RawIOBase):
    """A spooled body as a file, for code that wants all that files can do."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self._body = body

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from any place."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read as much as there is room for."""
        piece = self._body.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        return int(self._body.seek(offset, whence))

    def close(self) -> None:
        """Let go of the body."""
        self._body.close()
        super().close()


def spooled_file(response: requests.Response) -> io.BufferedReader:
    """Return a body that `spool_body` has received as a file."""
    return io.BufferedReader(_BodyReader(response.raw))


def read_words(response: requests.Response) -> None:
    """Read the beginning of a body that is no answer, and leave the rest."""
    if not isinstance(response.raw, urllib3.HTTPResponse):
        _ = response.content
        return
    keep_body(response, _received(response.raw, _WORDS, whole=False))
    if len(response.content) >= _WORDS:
        response.raw.close()


def keep_body(response: requests.Response, body: bytes) -> None:
    """Give a response its body, where `requests` itself keeps it; there is no other way in."""
    response._content, response._content_consumed = body, True  # type: ignore[attr-defined]


def _received(raw: urllib3.HTTPResponse, most: int, *, whole: bool) -> bytes:
    """The decoded body; ``whole`` says whether more bytes than ``most`` are an error, or left unread."""
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
    """The error for a body that is not read any further."""
    return ResponseTooLargeError(
        f"The response exceeds {most} bytes. Narrow the query, or increase conf.max_response_size."
    )


@contextmanager
def _errors_of_requests() -> Iterator[None]:
    """Raise what `requests` would raise for an error of `urllib3`."""
    try:
        yield
    except urllib3.exceptions.HTTPError as err:
        kinds = (kind for theirs, kind in _BROKEN_BODIES if isinstance(err, theirs))
        raise next(kinds, requests.exceptions.ConnectionError)(err) from err


# -- pace ---------------------------------------------------------------------------------------------------------

TOO_MANY_REQUESTS, UNAVAILABLE = 429, 503
PAUSE = 1.0
"""Seconds of a pause for which the server names no time."""
# With so many at a time there is no limit any more.
_FREE = 64.0
_MOST = 10_000


class Pace:
    """The pace of one server."""

    def __init__(self) -> None:
        self._room = threading.Condition()
        self._until = -math.inf
        self._allowed = math.inf
        self._under_way = 0

    @contextmanager
    def turn(self, deadline: Deadline) -> Iterator[None]:
        """Wait until one more request may be sent, and count it until it is answered."""
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
        """Send nothing for a while, and half as much at a time afterwards."""
        with self._room:
            now = time.monotonic()
            if now >= self._until:  # what was sent together is refused together, and counts once
                self._allowed = max(1.0, min(self._allowed, self._under_way + 1.0) / 2)
            self._until = max(self._until, now + seconds)

    def speed_up(self) -> None:
        """Allow more at a time, after an answer."""
        if self._allowed < math.inf:
            with self._room:
                self._allowed += 1 / self._allowed
                if self._allowed >= _FREE:
                    self._allowed = math.inf
                self._room.notify()


PACES: dict[str, Pace] = {}


def pace_of(url: str) -> Pace:
    """Return the pace of the server of an address."""
    parts = urlsplit(url)
    return PACES.setdefault(f"{parts.scheme}://{parts.netloc}", Pace())


# -- sessions ------------------------------------------------------------------------------------------------------

# Connections kept open to one host: enough for several calls at once, each with its own side-by-side pages.
_POOL = 32
_sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()


def prepare_session(session: requests.Session) -> requests.Session:
    """Time the connections of a session, and let forked processes have their own; adapters of other classes stay."""
    for prefix, adapter in list(session.adapters.items()):
        if type(adapter) is HTTPAdapter:
            state: dict[str, Any] = cast("Any", adapter).__getstate__()
            timed = TimedAdapter()
            _start_anew(timed, {**state, "_pool_maxsize": max(_POOL, state["_pool_maxsize"])})
            session.mount(prefix, timed)
    _sessions.add(session)
    return session


class _NoCookies(http.cookiejar.DefaultCookiePolicy):
    """Takes no cookie of any server; sends those that the user has put there."""

    def set_ok(self, cookie: http.cookiejar.Cookie, request: Any) -> bool:
        """Refuse a cookie."""
        return False


class MastSession(requests.Session):
    """A session of this package: without cookies of servers, and without ``.netrc`` on redirects."""

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(_NoCookies())
        prepare_session(self)

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Drop the token on a redirect to another server; `requests` would also put a password in its place."""
        url, before = prepared_request.url or "", response.request.url or ""
        if cast("Any", self).should_strip_auth(before, url):
            prepared_request.headers.pop("Authorization", None)


def _start_anew(adapter: HTTPAdapter, state: dict[str, Any]) -> None:
    """Let an adapter make its pools anew, as after unpickling."""
    cast("Any", adapter).__setstate__(state)


def _forget_connections() -> None:
    """In a forked process: the open connections are the parent's, and its answers would come to whoever reads first."""
    # Their locks may be held by threads that this process does not have.
    PACES.clear()
    for session in list(_sessions):
        for adapter in session.adapters.values():
            if isinstance(adapter, HTTPAdapter):
                _start_anew(adapter, cast("Any", adapter).__getstate__())
            else:
                adapter.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)
