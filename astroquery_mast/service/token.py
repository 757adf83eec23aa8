"""Who the user is: which addresses may receive a token, the login, and what a refusal means.

A token is held by `Credentials` and put into a request by `TokenAuth`, at the last moment and for MAST's hosts only.
It is never part of a session, a cookie jar, a representation, a log line, an exception or a pickle.  `Login` has a
token checked by the archive before it is kept.

See https://auth.mast.stsci.edu/ for tokens: one expires after ten days without use, and sixty days after it was made.
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

# Ends of the addresses of single files, and of bundles of them.
_FILES = ("/Download/file", "/bundle.sh", "/bundle.zip", "/bundle.tar.gz", "/retrieve_product")

# What a token has to be made for, so that exclusive files can be had with it.
_EXCLUSIVE_SCOPE = "mast:exclusive_access"

IF_EXCLUSIVE = "Please authenticate yourself if these data are exclusive: "
"""How advice begins where it is not known whether they are."""
_REFUSED = "The request was refused by the server, or by a firewall or proxy on the way to it."
_UNAUTHORIZED = "You are not authorized to download this file."
_NOT_LOGGED_IN = f"Not logged in. Use login(), or set the environment variable {ENVIRONMENT[0]}"
_LACKS_SCOPE = f"The token does not have the scope {_EXCLUSIVE_SCOPE}, which exclusive-access files require"
_UNSENT = "No token was sent, because this is not one of the configured MAST servers over https."

_PORTS = {"https": 443, "http": 80}


Origin: TypeAlias = tuple[str, str, int | None]
"""Scheme, host and port of an address."""
CredentialsState: TypeAlias = tuple[str | None, str, frozenset[Origin] | None, frozenset[str] | None]
"""Token, owner, the servers that accepted it, and its scopes, as far as they are known."""


class Credentials:
    """A token in memory, which all clients that were given no token of their own share.

    It belongs to the servers that were configured when it was accepted, and is not sent to others.
    """

    def __init__(self, token: str | None = None) -> None:
        self._lock = threading.Lock()
        # To be changed by `keep` alone.
        self.token = None if token is None else normalize_token(token)
        self._owner = ""
        self._origins: frozenset[Origin] | None = None
        self._scopes: frozenset[str] | None = None
        keep_hidden(self)

    @property
    def owner(self) -> str | None:
        """Whose token it is: empty if there is no token, and None if the owner is not known."""
        with self._lock:
            return "" if self.token is None else self._owner or None

    @property
    def lacks_exclusive_scope(self) -> bool:
        """Whether it is known that the token was made without access to exclusive data."""
        with self._lock:
            return self._scopes is not None and _EXCLUSIVE_SCOPE not in self._scopes

    def keep(
        self,
        token: str | None,
        owner: str = "",
        accepted_at: Endpoints | None = None,
        scopes: frozenset[str] | None = None,
    ) -> None:
        """Keep a token, or none, from now on, for the servers at which it was accepted."""
        with self._lock:
            self.token, self._owner = None if token is None else HiddenText(token), owner
            self._origins = None if accepted_at is None else _origins(accepted_at)
            self._scopes = scopes

    def serves(self, endpoints: Endpoints) -> bool:
        """Tell whether there is a token that the server of these addresses has accepted, or that is to be tried."""
        return self.token_for(endpoints.server, endpoints, checked=False) is not None

    def token_for(self, url: str, endpoints: Endpoints, *, checked: bool = True) -> str | None:
        """Return the token if a request to an address may carry it."""
        with self._lock:
            token, origins = self.token, self._origins
        if token is None or (checked and not may_receive_token(url, endpoints)):
            return None
        return token if origins is None or origin_of(url) in origins else None

    def read_state(self) -> CredentialsState:
        """Return what is kept, to be kept again by `write_state`."""
        with self._lock:
            return self.token, self._owner, self._origins, self._scopes

    def write_state(self, state: CredentialsState) -> None:
        """Keep what was kept at another time."""
        with self._lock:
            self.token, self._owner, self._origins, self._scopes = state

    def __bool__(self) -> bool:
        """Tell whether there is a token."""
        return self.token is not None

    def __repr__(self) -> str:
        """Say whether there is a token, never which."""
        return f"<Credentials: {'a' if self else 'no'} token>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave the token behind when copied or pickled; the shared credentials stay the shared ones."""
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
    """The servers that are configured to receive the token."""
    return frozenset(origin_of(server) for server in (endpoints.server, endpoints.catalogs_server))


def may_receive_token(url: str, endpoints: Endpoints) -> bool:
    """Tell whether a request to an address may carry the token."""
    return origin_of(url) in _origins(endpoints) and may_receive_secrets(url)


def may_receive_secrets(url: str) -> bool:
    """Tell whether nobody can read along what is sent to an address: it is https, or this computer."""
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
    """Say what to do about a refusal."""
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
    # Single files are exclusive; a query is refused for other reasons, by a firewall as well as by the archive.
    return f"{_UNAUTHORIZED if is_file else _REFUSED} {advice}".rstrip()


def _login_advice(endpoints: Endpoints, *, is_file: bool) -> str:
    """How to log in."""
    condition = IF_EXCLUSIVE if is_file else "To log in anyway, "
    return (
        f"{condition}log in with a token, using login(token) or the environment variable {ENVIRONMENT[0]}. "
        f"Create a token at {endpoints.token_page}"
    )


def _no_access(user: Mapping[str, Any] | None) -> str:
    """What to do about exclusive data of others."""
    owner = (user or {}).get("ezid") or (user or {}).get("eppn") or "a user"
    return (
        f"You are logged in as {owner}. You do not have access to download this data: contact the principal "
        "investigator or the MAST help desk for access, or wait for the release date."
    )


_SERVICE = "MAST whoami"


class AskedOnce:
    """What was found out about the user of a call, for all refusals of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, Any] | MastError | None = None

    def get(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what is known, or ask; one that fails is not asked again."""
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
        """Know nothing in another process."""
        return AskedOnce, ()


class Login:
    """The user of one client."""

    def __init__(
        self,
        send: Callable[..., requests.Response],
        endpoints: Endpoints,
        credentials: Credentials,
        user: AskedOnce | None = None,
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
        """Find a token, have it checked, keep it, and store it if that is wanted."""
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
        """Why exclusive files will be refused, as far as that is known without asking; None if they may come."""
        if self.accepted:
            return _LACKS_SCOPE if self.credentials.lacks_exclusive_scope else None
        # A download logs in with the token of the environment if it needs one.
        return None if environment_has_token() else _NOT_LOGGED_IN

    def whoami(self, credentials: Credentials | None = None, *, attempts: int | None = None) -> dict[str, Any]:
        """Ask the archive to whom a token belongs."""
        asked = self.credentials if credentials is None else credentials
        if asked.serves(self._endpoints) and not may_receive_token(self._endpoints.whoami, self._endpoints):
            raise CredentialsError(f"Tokens are only sent over https, but the server is {self._endpoints.server}")

        def send(method: str, url: str, **keywords: Any) -> requests.Response:
            """Send with the token that is asked about."""
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
        """Say what to do about a refusal, after asking whether the token is still good."""
        user = None
        if self.accepted and may_receive_token(url, self._endpoints):
            ask = partial(self.whoami, attempts=1)
            try:
                user = ask() if self._user is None else self._user.get(ask)
            except MastError as err:
                return f"Could not check whether the token is still valid: {err}"
        return refusal_advice(url, self.credentials, self._endpoints, user, status)


def _scopes_of(user: Mapping[str, Any]) -> frozenset[str] | None:
    """What a token may be used for; None where the archive does not say."""
    scopes = user.get("scopes")
    return frozenset(map(str, scopes)) if isinstance(scopes, list) and scopes else None


def _masked(value: Any, token: str | None) -> Any:
    """A value of the user's record without the token, under whatever name."""
    if isinstance(value, dict):
        return {key: _masked(each, token) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, token) for each in value]
    return value.replace(token, f"{token[:4]}…") if token and isinstance(value, str) else value


def _read_user(response: requests.Response) -> dict[str, Any]:
    """The user in an answer; one that is unreadable is asked for again."""
    user = decoded(response.content, _SERVICE)
    if not isinstance(user, dict):
        raise InvalidResponseError(f"{_SERVICE} returned no user record.", service=_SERVICE)
    return user
