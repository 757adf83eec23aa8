"""Sessions of workers: a recipe that can be sent to another process, and the session that is made from it there.

In: a client.  Out: a `SessionRecipe`, which is picklable and contains no token; `SessionRecipe.open_url` returns a
function that opens addresses for a worker.  Part of the product flow, before "download".

A session is used by one worker at a time.  After a response has been read, the session is kept for the next worker with
its connections open, so that new connections are made only if needed.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter

from ..config import Endpoints, count_setting, seconds_setting
from ..exceptions import LoginError
from ..service import token as auth
from ..service.connections import MastSession, TimedAdapter, prepare_session
from ..service.http import HttpClient
from ..service.mast_service import MastService, has_token, send_with_token
from ..service.retrying import Deadline
from ..service.token import Login, UserLookup
from ..service.token_sources import stored_token
from .transfer import OpenUrl

_SERVICE = "MAST download"
# Headers that may contain a secret, which a user's own session may have; they are not sent to other processes.
_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})
# How often a worker that waits for a connection slot checks whether the call has been stopped (seconds).
_GLANCE = 0.5
_OWN_ADAPTERS = (HTTPAdapter, TimedAdapter)
_ATTRIBUTES = ("verify", "cert", "trust_env", "max_redirects")


@dataclass(frozen=True)
class SessionRecipe:
    """The recipe of a session: everything that a worker needs, except the token.

    A user's own session is used unchanged by all workers of this process, with its hooks, parameters, cookies and
    class.  Other processes make a similar session from these fields.

    Workers in this process, or forked from it, share the login.  If the client is logged in, other workers look for the
    token like `login`: in the environment variable ``MAST_API_TOKEN`` and the keyring of the system.
    """

    server: str
    catalogs_server: str
    credentials: auth.Credentials = field(compare=False)
    logged_in: bool
    attributes: tuple[tuple[str, Any], ...]
    headers: tuple[tuple[str, str], ...]
    proxies: tuple[tuple[str, str], ...]
    adapters: tuple[tuple[str, Any], ...]
    timeout: float
    connect_timeout: float
    read_timeout: float
    attempts: int
    quiet: bool = False
    # Whether the token is still valid is checked once per call, if a request is refused.
    user: UserLookup = field(default_factory=UserLookup, compare=False)
    own: requests.Session | None = field(default=None, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the user's session, which has connections of this process."""
        return {**vars(self), "own": None}

    @classmethod
    def of(cls, service: MastService) -> SessionRecipe:
        """Return the recipe for a client's session."""
        session, endpoints = service.session, service.endpoints
        return cls(
            server=endpoints.server,
            catalogs_server=endpoints.catalogs_server,
            credentials=service.login.credentials,
            logged_in=has_token(service.login.credentials, endpoints),
            attributes=tuple((name, getattr(session, name)) for name in _ATTRIBUTES),
            headers=tuple((k, _text(v)) for k, v in session.headers.items() if k.lower() not in _SECRET),
            proxies=tuple(session.proxies.items()),
            adapters=tuple((at, each) for at, each in session.adapters.items() if type(each) not in _OWN_ADAPTERS),
            timeout=seconds_setting("timeout"),
            connect_timeout=seconds_setting("connect_timeout"),
            read_timeout=seconds_setting("read_timeout"),
            attempts=count_setting("max_attempts"),
            own=_own(session),
        )

    def unshared_settings(self) -> list[str]:
        """Return the settings of the user's session that other processes do not get."""
        return [] if self.own is None else _extras(self.own)

    def open_url(
        self,
        deadline: Deadline | None = None,
        *,
        connection_slots: threading.Semaphore | None = None,
    ) -> WorkerSession:
        """Return a function that opens addresses for one worker, with a session of its own."""
        return WorkerSession(self, deadline or Deadline(), connection_slots)

    def session(self) -> requests.Session:
        """Make a session."""
        session = MastSession()
        for name, value in self.attributes:
            setattr(session, name, value)
        session.headers.clear()
        session.headers.update(self.headers)
        session.proxies.update(self.proxies)
        for prefix, adapter in self.adapters:
            session.mount(prefix, adapter)
        return prepare_session(session)

    def found_credentials(self) -> auth.Credentials:
        """Return the credentials of this worker."""
        if self.logged_in and not self.credentials:
            return _of_this_process()
        return self.credentials


def _own(session: requests.Session) -> requests.Session | None:
    """Return the session, prepared for downloads, if it is a user's own; otherwise None."""
    is_own = type(session) is not MastSession or _extras(session)
    return prepare_session(session) if is_own else None


def _extras(session: requests.Session) -> list[str]:
    """Return the settings of a session that are not part of a recipe."""
    has = {"params": session.params, "cookies": len(session.cookies), "hooks": any(session.hooks.values())}
    kind = [] if type(session) in {requests.Session, MastSession} else [f"the class {type(session).__name__}"]
    return [*kind, *(name for name, value in has.items() if value)]


@lru_cache(maxsize=1)
def _of_this_process() -> auth.Credentials:
    """Return the stored token in a process without a login, without a prompt."""
    try:
        return auth.Credentials(stored_token())
    except LoginError:
        return auth.Credentials()


def _text(value: str | bytes) -> str:
    """Return the value of a header as text."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


class _FixedEndpoints(Endpoints):
    """The endpoints at the time of the call: the configuration of another process may differ."""

    def __init__(self, server: str, catalogs_server: str) -> None:
        super().__init__(server)
        self._catalogs_server = catalogs_server

    @property
    def catalogs_server(self) -> str:
        """Address of the Catalogs.MAST server."""
        return self._catalogs_server


class WorkerSession:
    """Opens addresses for one worker; an `~astroquery_mast.downloads.transfer.OpenUrl`."""

    def __init__(
        self, recipe: SessionRecipe, deadline: Deadline, connection_slots: threading.Semaphore | None = None
    ) -> None:
        self._recipe = recipe
        self._deadline = deadline
        self._connection_slots = connection_slots
        self._has_slot = False
        self._unread = 0
        self._session: requests.Session | None = None
        self._endpoints = _FixedEndpoints(recipe.server, recipe.catalogs_server)
        self._credentials = recipe.found_credentials()
        self._wire = HttpClient(self._send, self._endpoints, self._advice, recipe.attempts, quiet=recipe.quiet)

    def __call__(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Open an address without reading the body."""
        self._begin()
        with ExitStack() as if_it_fails:
            if_it_fails.callback(self._end)
            response = self._wire.request(
                "GET",
                url,
                headers=headers,
                deadline=self._deadline.part(self._recipe.timeout),
                service=_SERVICE,
                stream=True,
                attempts=self._recipe.attempts,
                patience=self._recipe.read_timeout,
            )
            if_it_fails.pop_all()
        response.close = _closing_once(response.close, self._end)  # type: ignore[method-assign]
        return response

    def __enter__(self) -> Self:
        """Start a file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the session and the connection slot, even if a response was not closed."""
        self._leave()

    def _begin(self) -> None:
        """Wait for a connection slot, unless one is already held for another response for this file."""
        self._unread += 1
        if self._connection_slots is None or self._has_slot:
            return
        while not self._has_slot and self._deadline.remaining() > 0:
            self._has_slot = self._connection_slots.acquire(timeout=_GLANCE)

    def _end(self) -> None:
        """Count a response as read; after the last one, release the session."""
        self._unread -= 1
        if self._unread <= 0:
            self._leave()

    def _leave(self) -> None:
        """Release the session and the connection slot: the rest of the work needs only the disk."""
        self._unread = 0
        session, self._session = self._session, None
        if session is not None and session is not self._recipe.own:
            _IDLE.give(self._recipe, session)
        if self._has_slot and self._connection_slots is not None:
            self._has_slot = False
            self._connection_slots.release()

    @property
    def wire(self) -> HttpClient:
        """The HTTP client, for responses that are read completely."""
        return self._wire

    def _send(
        self, method: str, url: str, *, credentials: auth.Credentials | None = None, **keywords: Any
    ) -> requests.Response:
        """Send a request with the session, and the token if the address may receive it."""
        connect, read = keywords.pop("timeout")
        recipe = self._recipe
        timeout = (
            self._deadline.for_socket(min(connect or math.inf, recipe.connect_timeout)),
            self._deadline.for_socket(min(read or math.inf, recipe.read_timeout)),
        )
        own = self._credentials if credentials is None else credentials
        if self._session is None:
            self._session = _IDLE.take(recipe, recipe.session) if recipe.own is None else recipe.own
        return send_with_token(self._session, own, self._endpoints, method, url, timeout=timeout, **keywords)

    def _advice(self, url: str, status: int | None) -> str:
        """Return advice about a refused request, for messages."""
        advice = Login(self._send, self._endpoints, self._credentials, self._recipe.user).advice(url, status)
        if self._recipe.logged_in and not self._credentials:
            return f"{advice} You are logged in, but tokens are not passed to other processes. Set the token there."
        return advice


def _closing_once(close: Callable[[], None], tell: Callable[[], None]) -> Callable[[], None]:
    """Return a function that closes a response, and calls ``tell`` the first time."""
    told = False

    def closed() -> None:
        nonlocal told
        close()
        if not told:
            told = True
            tell()

    return closed


class IdleSessions:
    """Sessions that are not in use, kept for the next worker."""

    # The number of sessions to keep, each with a few connections; more are made if needed, and closed afterwards.
    MOST = 16

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: list[tuple[Hashable, requests.Session]] = []

    def take(self, key: Hashable, make: Callable[[], requests.Session]) -> requests.Session:
        """Return the most recently used session for a key, or a new one."""
        with self._lock:
            for place in reversed(range(len(self._sessions))):
                if self._sessions[place][0] == key:
                    return self._sessions.pop(place)[1]
        return make()

    def give(self, key: Hashable, session: requests.Session) -> None:
        """Keep a session, and close the one that has been idle the longest if there are too many."""
        with self._lock:
            self._sessions.append((key, session))
            oldest = self._sessions.pop(0)[1] if len(self._sessions) > self.MOST else None
        if oldest is not None:
            oldest.close()

    def forget(self) -> None:
        """Start over in a forked process: the connections are the parent's, and the lock may be held there."""
        self._lock = threading.Lock()
        self._sessions = []


_IDLE = IdleSessions()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_IDLE.forget)


# -- other ways to send requests --------------------------------------------------------------------------------------


def anonymous_http(service: MastService) -> HttpClient:
    """Return an HTTP client that never sends the token."""
    return HttpClient(partial(service.send, credentials=auth.Credentials()), service.endpoints)


@dataclass(frozen=True)
class PostedForm:
    """Requests a file by posting a form; a `~astroquery_mast.downloads.download.UrlOpener`."""

    http: HttpClient
    form: Sequence[tuple[str, str]]
    seconds: float

    @contextmanager
    def open_url(
        self, deadline: Deadline, *, connection_slots: threading.Semaphore | None = None
    ) -> Generator[OpenUrl]:
        """Yield a function that opens an address with a POST request."""
        del connection_slots  # there is one file

        def post(url: str, headers: Mapping[str, str]) -> requests.Response:
            limit = deadline.part(self.seconds)
            return self.http.request(
                "POST", url, data=self.form, headers=headers, deadline=limit, service=_SERVICE, stream=True
            )

        yield post
