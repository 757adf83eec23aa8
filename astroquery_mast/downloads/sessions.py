"""How a worker reaches the archive: a recipe that can be sent to another process, and the session made from it there.

In: a client.  Out: a `SessionRecipe`, picklable and without any token; `SessionRecipe.open_url` gives a worker what
opens addresses.  Products flow, before "download".

A session serves one worker at a time.  When an answer is read it waits for the next worker, its connections still open,
so that neither a file nor a call pays for new connections without need.
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
from ..service.token import AskedOnce, Login
from ..service.token_sources import stored_token
from .transfer import OpenUrl

_SERVICE = "MAST download"
# Headers that may hold a secret stay behind: a session of the user's own may have them.
_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})
# How long a call that was given up may go unnoticed by a worker that waits for a connection slot (seconds).
_GLANCE = 0.5
_OWN_ADAPTERS = (HTTPAdapter, TimedAdapter)
_ATTRIBUTES = ("verify", "cert", "trust_env", "max_redirects")


@dataclass(frozen=True)
class SessionRecipe:
    """The recipe of a session: everything that a worker needs except the token, which it has or finds by itself.

    A session of the user's own is used as it is by all workers of this process, with its hooks, parameters, cookies and
    whatever its class does.  In another process there is one like it, as far as these fields tell.

    A worker in this process, or forked from it, has the login.  Another one looks where `login` does, in the
    environment variable ``MAST_API_TOKEN`` and the system's keyring, and only if the client was logged in.
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
    # Whether the token is still good is asked once for all refusals of a call.
    user: AskedOnce = field(default_factory=AskedOnce, compare=False)
    own: requests.Session | None = field(default=None, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the user's session behind, which holds connections of this process."""
        return {**vars(self), "own": None}

    @classmethod
    def of(cls, service: MastService) -> SessionRecipe:
        """Make the recipe of a client's session."""
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

    def stays_behind(self) -> list[str]:
        """Return what the user's session has that other processes do not get."""
        return [] if self.own is None else _extras(self.own)

    def open_url(
        self,
        deadline: Deadline | None = None,
        *,
        connection_slots: threading.Semaphore | None = None,
    ) -> WorkerSession:
        """Give a worker what opens addresses, with a session that it shares with nobody."""
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
    """The same session, ready for downloads, if it is one of the user's own."""
    is_own = type(session) is not MastSession or _extras(session)
    return prepare_session(session) if is_own else None


def _extras(session: requests.Session) -> list[str]:
    """What a session has that a recipe does not tell."""
    has = {"params": session.params, "cookies": len(session.cookies), "hooks": any(session.hooks.values())}
    kind = [] if type(session) in {requests.Session, MastSession} else [f"the class {type(session).__name__}"]
    return [*kind, *(name for name, value in has.items() if value)]


@lru_cache(maxsize=1)
def _of_this_process() -> auth.Credentials:
    """The token of a process that nobody has logged in; nobody is asked for one."""
    try:
        return auth.Credentials(stored_token())
    except LoginError:
        return auth.Credentials()


def _text(value: str | bytes) -> str:
    """A header's value as text."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


class _FixedEndpoints(Endpoints):
    """The addresses at the time of the call: in another process the configuration may be another."""

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
        """Open an address, the body unread."""
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
        """Begin a file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the session to the next, whatever was not closed."""
        self._leave()

    def _begin(self) -> None:
        """Wait for a connection slot, unless one is held for another answer of this file."""
        self._unread += 1
        if self._connection_slots is None or self._has_slot:
            return
        while not self._has_slot and self._deadline.remaining() > 0:
            self._has_slot = self._connection_slots.acquire(timeout=_GLANCE)

    def _end(self) -> None:
        """Count an answer that is done with."""
        self._unread -= 1
        if self._unread <= 0:
            self._leave()

    def _leave(self) -> None:
        """Let the next one have the session and the slot: what is still to be done needs only the disk."""
        self._unread = 0
        session, self._session = self._session, None
        if session is not None and session is not self._recipe.own:
            _IDLE.give(self._recipe, session)
        if self._has_slot and self._connection_slots is not None:
            self._has_slot = False
            self._connection_slots.release()

    @property
    def wire(self) -> HttpClient:
        """The conversation with the archive, for answers that are read as a whole."""
        return self._wire

    def _send(
        self, method: str, url: str, *, credentials: auth.Credentials | None = None, **keywords: Any
    ) -> requests.Response:
        """Send through the session, with the token where it may be seen."""
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
        """Say what to do about a refusal."""
        advice = Login(self._send, self._endpoints, self._credentials, self._recipe.user).advice(url, status)
        if self._recipe.logged_in and not self._credentials:
            return f"{advice} You are logged in, but tokens are not passed to other processes. Set the token there."
        return advice


def _closing_once(close: Callable[[], None], tell: Callable[[], None]) -> Callable[[], None]:
    """Return what closes a response, and tells of it the first time."""
    told = False

    def closed() -> None:
        nonlocal told
        close()
        if not told:
            told = True
            tell()

    return closed


class IdleSessions:
    """Sessions that wait for their next worker."""

    # So many, each with a few connections; more come when they are needed, and are closed afterwards.
    MOST = 16

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: list[tuple[Hashable, requests.Session]] = []

    def take(self, key: Hashable, make: Callable[[], requests.Session]) -> requests.Session:
        """Return the session of a kind that was used last, or a new one."""
        with self._lock:
            for place in reversed(range(len(self._sessions))):
                if self._sessions[place][0] == key:
                    return self._sessions.pop(place)[1]
        return make()

    def give(self, key: Hashable, session: requests.Session) -> None:
        """Take a session back, and close the one that has waited longest if there are too many."""
        with self._lock:
            self._sessions.append((key, session))
            oldest = self._sessions.pop(0)[1] if len(self._sessions) > self.MOST else None
        if oldest is not None:
            oldest.close()

    def forget(self) -> None:
        """Begin anew in a forked process: the connections are the parent's, and the lock may be held there."""
        self._lock = threading.Lock()
        self._sessions = []


_IDLE = IdleSessions()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_IDLE.forget)


# -- other ways to the archive ----------------------------------------------------------------------------------------


def anonymous_http(service: MastService) -> HttpClient:
    """Return an HTTP client that never sends the token, whatever the address."""
    return HttpClient(partial(service.send, credentials=auth.Credentials()), service.endpoints)


@dataclass(frozen=True)
class PostedForm:
    """The way to a file that is made of what is posted; a `~astroquery_mast.downloads.download.Way`."""

    http: HttpClient
    form: Sequence[tuple[str, str]]
    seconds: float

    @contextmanager
    def open_url(
        self, deadline: Deadline, *, connection_slots: threading.Semaphore | None = None
    ) -> Generator[OpenUrl]:
        """Give what opens an address by posting to it, and hangs up when the call ends."""
        del connection_slots  # there is one file

        def post(url: str, headers: Mapping[str, str]) -> requests.Response:
            limit = deadline.part(self.seconds)
            return self.http.request(
                "POST", url, data=self.form, headers=headers, deadline=limit, service=_SERVICE, stream=True
            )

        yield post
