"""Authentication: which addresses may receive a token, the login, and advice on refused requests.

In: a token, and the configured servers.  Out: requests with the token, and sentences for the user.  `Credentials` keeps
a token, and `TokenAuth` adds it to a request, at the last moment and for MAST's hosts only.  The token is never part of
a session, a cookie jar, a representation, a log line, an exception or a pickle.  `Login` lets MAST verify a token
before it is kept.

See https://auth.mast.stsci.edu/ for tokens, which expire after ten days without use, or sixty days after creation.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import requests
from astroquery import log
from requests.auth import AuthBase

from ..config import PROCESS_STATES, Endpoints, ProcessState
from ..exceptions import (
    CredentialsError,
    InvalidResponseError,
    MastError,
    keep_hidden,
    presentable,
)
from ..tables.rows import decoded
from .connections import LOOPBACK
from .http import HttpClient
from .retrying import Deadline
from .token_sources import (
    ENVIRONMENT,
    HiddenText,
    environment_has_token,
    find_token,
    normalize_token,
    store_token,
)

# Ends of the addresses of files and bundles.
_FILES = ("/Download/file", "/bundle.sh", "/bundle.zip", "/bundle.tar.gz", "/retrieve_product")

# The scope that a token must have to download exclusive-access files.
_EXCLUSIVE_SCOPE = "mast:exclusive_access"

IF_EXCLUSIVE = "Please authenticate yourself if these data are exclusive: "
"""The beginning of the advice if it is not known whether the files are exclusive."""
_REFUSED = "The request was refused by the server, or by a firewall or proxy on the way to it."
_UNAUTHORIZED = "You are not authorized to download this file."
_NOT_LOGGED_IN = f"Not logged in. Use login(), or set the environment variable {ENVIRONMENT[0]}"
_LACKS_SCOPE = f"The token does not have the scope {_EXCLUSIVE_SCOPE}, which exclusive-access files require"
_UNSENT = "No token was sent, because this is not one of the configured MAST servers over https."

_PORTS = {"https": 443, "http": 80}


Origin: TypeAlias = tuple[str, str, int | None]
"""The scheme, host and port of an address."""
CredentialsState: TypeAlias = tuple[str | None, str, frozenset[Origin] | None, frozenset[str] | None]
"""The token, its owner, the servers that accepted it, and its scopes, if known."""


class Credentials:
    """A token in memory, shared by all clients without a token of their own.

    The token is sent only to the servers that were configured when it was accepted.
    """

    def __init__(self, token: str | None = None) -> None:
        self._lock = threading.Lock()
        # Changed only by `keep` and `write_state`.
        self.token = None if token is None else normalize_token(token)
        self._owner = ""
        self._origins: frozenset[Origin] | None = None
        self._scopes: frozenset[str] | None = None
        keep_hidden(self)

    @property
    def owner(self) -> str | None:
        """The owner of the token: empty if there is no token, and None if the owner is unknown."""
        with self._lock:
            return "" if self.token is None else self._owner or None

    @property
    def lacks_exclusive_scope(self) -> bool:
        """Whether the token is known to lack access to exclusive data."""
        with self._lock:
            return self._scopes is not None and _EXCLUSIVE_SCOPE not in self._scopes

    def keep(
        self,
        token: str | None,
        owner: str = "",
        accepted_at: Endpoints | None = None,
        scopes: frozenset[str] | None = None,
    ) -> None:
        """Set or discard the token, for the servers that accepted it."""
        with self._lock:
            self.token, self._owner = None if token is None else HiddenText(token), owner
            self._origins = None if accepted_at is None else _origins(accepted_at)
            self._scopes = scopes

    def serves(self, endpoints: Endpoints) -> bool:
        """Return whether there is a token that the server accepted, or that has not been verified yet."""
        return self.token_for(endpoints.server, endpoints, checked=False) is not None

    def token_for(self, url: str, endpoints: Endpoints, *, checked: bool = True) -> str | None:
        """Return the token if a request to an address may contain it."""
        with self._lock:
            token, origins = self.token, self._origins
        if token is None or (checked and not may_receive_token(url, endpoints)):
            return None
        return token if origins is None or origin_of(url) in origins else None

    def read_state(self) -> CredentialsState:
        """Return the state, which `write_state` can restore."""
        with self._lock:
            return self.token, self._owner, self._origins, self._scopes

    def write_state(self, state: CredentialsState) -> None:
        """Restore a state from `read_state`."""
        with self._lock:
            self.token, self._owner, self._origins, self._scopes = state

    def __bool__(self) -> bool:
        """Return whether there is a token."""
        return self.token is not None

    def __repr__(self) -> str:
        """Show whether there is a token, but not the token."""
        return f"<Credentials: {'a' if self else 'no'} token>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy or pickle without the token; a copy of the shared credentials is the shared credentials."""
        return (_shared, ()) if self is SHARED else (Credentials, ())


SHARED = Credentials()
PROCESS_STATES.append(ProcessState(SHARED.read_state, SHARED.write_state, (None, "", None, None)))


def _shared() -> Credentials:
    """Return the shared credentials of this process, for unpickling."""
    return SHARED


def origin_of(url: str) -> Origin:
    """Return the origin of an address."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)


def _origins(endpoints: Endpoints) -> frozenset[Origin]:
    """The configured servers that receive the token."""
    return frozenset(origin_of(server) for server in (endpoints.server, endpoints.catalogs_server))


def may_receive_token(url: str, endpoints: Endpoints) -> bool:
    """Return whether a request to an address may contain the token."""
    return origin_of(url) in _origins(endpoints) and may_receive_secrets(url)


def may_receive_secrets(url: str) -> bool:
    """Return whether requests to an address are protected from eavesdropping: by https, or on this computer."""
    origin = origin_of(url)
    return origin[0] == "https" or origin[1] in LOOPBACK


class TokenAuth(AuthBase):
    """Adds the token to a request, if there is one and the address may receive it."""

    def __init__(self, credentials: Credentials, endpoints: Endpoints) -> None:
        self._credentials = credentials
        self._endpoints = endpoints

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header; requests drops it by itself on a redirect to another host, port or scheme."""
        token = self._credentials.token_for(request.url or "", self._endpoints)
        if token is not None:
            request.headers["Authorization"] = HiddenText(f"token {token}")
        return request


def refusal_advice(
    url: str,
    credentials: Credentials,
    endpoints: Endpoints,
    user: Mapping[str, Any] | None,
    status: int | None = None,
) -> str:
    """Return advice about a refused request."""
    is_file = urlsplit(url).path.endswith(_FILES)
    if not may_receive_token(url, endpoints):
        advice = _UNSENT if is_file else ""
    elif not credentials.serves(endpoints):
        advice = _login_advice(endpoints, is_file=is_file) if is_file or status == 401 else ""
    elif (user or {}).get("anon", True):
        advice = (
            "The token has expired (tokens expire after 10 days without use, or 60 days after creation). "
            f"Renew it at {endpoints.token_page}"
        )
    else:
        advice = _no_access(user) if is_file else ""
    # Files are refused because they are exclusive; queries for other reasons, by MAST or by a firewall.
    return f"{_UNAUTHORIZED if is_file else _REFUSED} {advice}".rstrip()


def _login_advice(endpoints: Endpoints, *, is_file: bool) -> str:
    """Advice on how to log in."""
    condition = IF_EXCLUSIVE if is_file else "To log in anyway, "
    return (
        f"{condition}log in with a token, using login(token) or the environment variable {ENVIRONMENT[0]}. "
        f"Create a token at {endpoints.token_page}"
    )


def _no_access(user: Mapping[str, Any] | None) -> str:
    """Advice about exclusive data of others."""
    owner = (user or {}).get("ezid") or (user or {}).get("eppn") or "a user"
    return (
        f"You are logged in as {owner}. You do not have access to download this data: contact the principal "
        "investigator or the MAST help desk for access, or wait for the release date."
    )


_SERVICE = "MAST whoami"


class UserLookup:
    """The record of the user of a call, requested once for all refused requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, Any] | MastError | None = None

    def get(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the record, requesting it the first time; a failed request is not repeated."""
        with self._lock:
            if self._found is None:
                try:
                    self._found = ask()
                except MastError as err:
                    self._found = err
        if isinstance(self._found, MastError):
            raise self._found
        return self._found

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy without the record, which another process requests itself."""
        return UserLookup, ()


class Login:
    """The login of one client."""

    def __init__(
        self,
        send: Callable[..., requests.Response],
        endpoints: Endpoints,
        credentials: Credentials,
        user: UserLookup | None = None,
    ) -> None:
        self._user = user
        self._send = send
        self._endpoints = endpoints
        self.credentials = credentials

    @property
    def accepted(self) -> bool:
        """Whether there is a token for the server of this client."""
        return self.credentials.serves(self._endpoints)

    def login(self, token: str | None = None, *, store: bool = False, reenter: bool = False) -> None:
        """Find a token, verify it, and keep it; store it in the keyring if ``store`` is True."""
        found = find_token(token, reenter=reenter, page=self._endpoints.token_page)
        user = self.whoami(Credentials(found.text))
        if user.get("anon", True):
            raise CredentialsError(
                f"MAST API token invalid! MAST does not accept {found.source}; it may have expired or been "
                f"copied incompletely. Create a new one at {self._endpoints.token_page}"
            )
        owner = str(user.get("ezid") or user.get("eppn") or "")
        self.credentials.keep(found.text, owner, self._endpoints, _scopes_of(user))
        if store:
            store_token(found.text)
        attributes = user.get("attrib")
        name = attributes.get("display_name") if isinstance(attributes, dict) else None
        lacks = f" {_LACKS_SCOPE}." if self.credentials.lacks_exclusive_scope else ""
        log.info("MAST API token accepted, welcome %s.%s", presentable(name or user.get("ezid")), lacks)

    @property
    def exclusive_refusal(self) -> str | None:
        """Why MAST will refuse exclusive files, if that is known without a request; None if it may send them."""
        if self.accepted:
            return _LACKS_SCOPE if self.credentials.lacks_exclusive_scope else None
        # A download logs in with the token from the environment if necessary.
        return None if environment_has_token() else _NOT_LOGGED_IN

    def whoami(self, credentials: Credentials | None = None, *, attempts: int | None = None) -> dict[str, Any]:
        """Return MAST's record of the owner of a token, with the token shortened."""
        asked = self.credentials if credentials is None else credentials
        if asked.serves(self._endpoints) and not may_receive_token(self._endpoints.whoami, self._endpoints):
            raise CredentialsError(f"Tokens are only sent over https, but the server is {self._endpoints.server}")

        def send(method: str, url: str, **keywords: Any) -> requests.Response:
            """Send a request with the token to check."""
            return self._send(method, url, credentials=asked, **keywords)

        user = HttpClient(send, self._endpoints).request(
            "GET",
            self._endpoints.whoami,
            headers={"Accept": "application/json"},
            deadline=Deadline.start(None),
            service=_SERVICE,
            attempts=attempts,
            read=_read_user,
        )
        if user.get("token"):
            user["token"] = f"{str(user['token'])[:4]}…"
        return {key: _masked(value, asked.token) for key, value in user.items()}

    def advice(self, url: str, status: int | None = None) -> str:
        """Return advice about a refused request, after checking whether the token is still valid."""
        user = None
        if self.accepted and may_receive_token(url, self._endpoints):
            ask = partial(self.whoami, attempts=1)
            try:
                user = ask() if self._user is None else self._user.get(ask)
            except MastError as err:
                return f"Could not check whether the token is still valid: {err}"
        return refusal_advice(url, self.credentials, self._endpoints, user, status)


def _scopes_of(user: Mapping[str, Any]) -> frozenset[str] | None:
    """The scopes of a token; None if MAST does not list them."""
    scopes = user.get("scopes")
    return frozenset(map(str, scopes)) if isinstance(scopes, list) and scopes else None


def _masked(value: Any, token: str | None) -> Any:
    """A value of the user's record with the token shortened, wherever it occurs."""
    if isinstance(value, dict):
        return {key: _masked(each, token) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, token) for each in value]
    return value.replace(token, f"{token[:4]}…") if token and isinstance(value, str) else value


def _read_user(response: requests.Response) -> dict[str, Any]:
    """The user's record in a response; an unreadable response is requested again."""
    user = decoded(response.content, _SERVICE)
    if not isinstance(user, dict):
        raise InvalidResponseError(f"{_SERVICE} returned no user record.", service=_SERVICE)
    return user
