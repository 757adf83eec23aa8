"""Who the user is: where tokens come from, which addresses may receive them, the login, and what a refusal means.

A token is held by `Credentials` and put into a request by `TokenAuth`, at the last moment and for MAST's hosts only.
It is never part of a session, a cookie jar, a representation, a log line, an exception or a pickle.  `Login` has a
token checked by the archive before it is kept.

See https://auth.mast.stsci.edu/ for tokens: one expires after ten days without use, and sixty days after it was made.
"""

from __future__ import annotations

import getpass
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from astroquery import log
from requests.auth import AuthBase

from ..config import Endpoints
from ..exceptions import AuthenticationWarning, InvalidResponseError, LoginError, MastError
from ..tables.rows import decoded
from ..warn import warn_user
from .http import HttpClient
from .retrying import Deadline

# Where tokens are looked for, the usual name first; some tools of the community use the second.
ENVIRONMENT = ("MAST_API_TOKEN", "MAST_TOKEN")

# The entry of the system's keyring in which ``astroquery.mast`` keeps a token, so that one stored by it is found.
_KEYRING_SERVICE = "astroquery:mast.stsci.edu.token"
_KEYRING_USER = "masttoken"

# Ends of the addresses of single files, and of bundles of them.
_FILES = ("/Download/file", "/bundle.sh", "/bundle.zip", "/bundle.tar.gz", "/retrieve_product")

_REFUSED = "The server refuses the question, or something before it, such as a firewall or proxy."
_UNSENT = "No token was sent, because this is not one of the configured MAST servers over https."

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"https": 443, "http": 80}


class Credentials:
    """A token in memory, which all clients that were given no token of their own share."""

    def __init__(self, token: str | None = None) -> None:
        self._lock = threading.Lock()
        # To be changed by `keep` alone.
        self.token = None if token is None else normalize_token(token)
        self._owner = ""

    @property
    def owner(self) -> str | None:
        """Whose token it is: empty if there is no token, and None if the owner is not known."""
        with self._lock:
            return "" if self.token is None else self._owner or None

    def keep(self, token: str | None, owner: str = "") -> None:
        """Keep a token, or none, from now on."""
        with self._lock:
            self.token, self._owner = token, owner

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


def _shared() -> Credentials:
    """Return the shared credentials of this process, for unpickling."""
    return SHARED


def normalize_token(token: str) -> str:
    """Return a token without the blanks that copying adds."""
    text = token.strip() if isinstance(token, str) else ""
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise LoginError("That is not a MAST token: a token is one word of letters and digits.")
    return text


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address."""
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)


def may_receive_token(url: str, endpoints: Endpoints) -> bool:
    """Tell whether a request to an address may carry the token."""
    origin = _origin(urlsplit(url))
    configured = {_origin(urlsplit(server)) for server in (endpoints.server, endpoints.catalogs_server)}
    return origin in configured and (origin[0] == "https" or origin[1] in LOOPBACK)


class TokenAuth(AuthBase):
    """Adds the token to a request, if there is one and the address may receive it."""

    def __init__(self, credentials: Credentials, endpoints: Endpoints) -> None:
        self._credentials = credentials
        self._endpoints = endpoints

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header; requests drops it by itself on a redirect to another host, port or scheme."""
        token = self._credentials.token
        if token is not None and may_receive_token(request.url or "", self._endpoints):
            request.headers["Authorization"] = f"token {token}"
        return request


def find_token(token: str | None = None, *, reenter: bool = False, page: str = "") -> str:
    """Find a token: the argument, the environment, the system's keyring, or a prompt, in that order."""
    if token is not None:
        return normalize_token(token)
    found = None if reenter else stored_token()
    return normalize_token(found if found else _from_prompt(page))


def stored_token() -> str | None:
    """Return the token of the environment or of the system's keyring; None if there is none; never ask for one."""
    return _from_environment() or _from_keyring()


def _from_environment() -> str | None:
    return next((os.environ[name] for name in ENVIRONMENT if os.environ.get(name)), None)


def _from_keyring() -> str | None:
    """The token in the system's keyring; a machine without one is not an error."""
    import keyring  # noqa: PLC0415 - slow, and needed by few
    import keyring.errors  # noqa: PLC0415

    try:
        return keyring.get_password(_KEYRING_SERVICE, _KEYRING_USER) or None
    except keyring.errors.KeyringError:
        return None


def store_token(token: str) -> None:
    """Write a token to the system's keyring; warn if there is none, for the login itself has worked."""
    import keyring  # noqa: PLC0415 - slow, and needed by few
    import keyring.errors  # noqa: PLC0415

    try:
        keyring.set_password(_KEYRING_SERVICE, _KEYRING_USER, token)
    except keyring.errors.KeyringError as err:
        warn_user(f"The token was not stored: {err}", AuthenticationWarning)


def _from_prompt(page: str) -> str:
    """Ask on the terminal or in the notebook, without showing what is typed."""
    if not (sys.stdin is not None and sys.stdin.isatty()) and "ipykernel" not in sys.modules:
        raise LoginError(
            "There is no MAST token: give one to login(), or set the environment variable MAST_API_TOKEN. "
            f"A token is made at {page}"
        )
    return getpass.getpass(f"MAST API token (made at {page}): ")


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
    elif not credentials:
        advice = _login_advice(endpoints, is_file=is_file) if is_file or status == 401 else ""
    elif (user or {}).get("anon", True):
        advice = (
            "The token is not valid any more (it expires after 10 days without use, and 60 days after it was made): "
            f"renew it at {endpoints.token_page}"
        )
    else:
        advice = _no_access(user) if is_file else ""
    # Single files are exclusive; a query is refused for other reasons, by a firewall as well as by the archive.
    return advice if is_file else f"{_REFUSED} {advice}".rstrip()


def _login_advice(endpoints: Endpoints, *, is_file: bool) -> str:
    """How to log in."""
    what = "These data are exclusive: log in" if is_file else "If a login is wanted, log in"
    return (
        f"{what} with a token, by login(token) or the environment variable {ENVIRONMENT[0]}. A token is made at "
        f"{endpoints.token_page}"
    )


def _no_access(user: Mapping[str, Any] | None) -> str:
    """What to do about exclusive data of others."""
    owner = (user or {}).get("ezid") or (user or {}).get("eppn") or "a user"
    return (
        f"You are logged in as {owner}, who has no access to these data: "
        "ask the principal investigator or the archive's help desk for access, or wait for the release date."
    )


_SERVICE = "MAST whoami"


class Login:
    """The user of one client."""

    def __init__(self, send: Callable[..., requests.Response], endpoints: Endpoints, credentials: Credentials) -> None:
        self._send = send
        self._endpoints = endpoints
        self.credentials = credentials

    def login(self, token: str | None = None, *, store: bool = False, reenter: bool = False) -> None:
        """Find a token, have it checked, keep it, and store it if that is wanted."""
        found = find_token(token, reenter=reenter, page=self._endpoints.token_page)
        user = self.whoami(Credentials(found))
        if user.get("anon", True):
            raise LoginError(
                "MAST does not accept this token; it may have expired, or lack a character. "
                f"A new one is made at {self._endpoints.token_page}"
            )
        self.credentials.keep(found, str(user.get("ezid") or user.get("eppn") or ""))
        if store:
            store_token(found)
        name = (user.get("attrib") or {}).get("display_name") or user.get("ezid")
        log.info("MAST API token accepted, welcome %s.", name)

    def whoami(self, credentials: Credentials | None = None, *, attempts: int | None = None) -> dict[str, Any]:
        """Ask the archive to whom a token belongs."""
        asked = self.credentials if credentials is None else credentials
        if asked and not may_receive_token(self._endpoints.whoami, self._endpoints):
            raise LoginError(f"A token is sent over https only, and the server is {self._endpoints.server}")

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
        return user

    def advice(self, url: str, status: int | None = None) -> str:
        """Say what to do about a refusal, after asking whether the token is still good."""
        user = None
        if self.credentials and may_receive_token(url, self._endpoints):
            try:
                user = self.whoami(attempts=1)
            except MastError as err:
                return f"Whether the token is still valid could not be found out: {err}"
        return refusal_advice(url, self.credentials, self._endpoints, user, status)


def _read_user(response: requests.Response) -> dict[str, Any]:
    """The user in an answer; one that is unreadable is asked for again."""
    user = decoded(response.content, _SERVICE)
    if not isinstance(user, dict):
        raise InvalidResponseError(f"{_SERVICE} sent no user record.", service=_SERVICE)
    return user
