"""The CasJobs login: where the user name and the password come from, and which servers may receive them.

In: the arguments of `login`, the environment, the system's keyring, or a prompt.  Out: an `Account`, and after CasJobs
has accepted it a `CasJobsUser`, which all clients of CasJobs in a process share.  The password exists only in memory
and in the bodies of requests: never in a representation, a log line, an exception, a pickle or a cache.
"""

from __future__ import annotations

import operator
import os
import threading
from dataclasses import dataclass, field
from typing import Any

from ..config import PROCESS_STATES, ProcessState
from ..exceptions import CredentialsError, InvalidArgumentError, keep_hidden
from ..service.token import Origin, may_receive_secrets, origin_of
from ..service.token_sources import HiddenText, is_given, prompt, read_keyring, write_keyring

# The environment variables with the name, the number and the password; "mastcasjobs" reads the same ones.
ENVIRONMENT_NAMES = ("CASJOBS_USERID", "CASJOBS_WSID", "CASJOBS_PW")
_USER, _NUMBER, _PASSWORD = ENVIRONMENT_NAMES
# The entry of the keyring: the password of each account, and the account that was stored last.
_KEYRING_ENTRY = "astroquery_mast.casjobs"
_LAST_STORED = "last stored account"
_NOT_LOGGED_IN = (
    "Not logged in to CasJobs. Call CasJobs.login(), which reads the user name and password from the "
    f"environment ({_USER} and {_PASSWORD}) or the keyring, or prompts for them."
)
_HOW = "pass it to CasJobs.login(), or set the environment variable"
_NO_NAME = f"No user name for CasJobs: {_HOW} {_USER}."


@dataclass(frozen=True)
class Account:
    """An account that CasJobs has not verified yet, identified by name or by number."""

    username: str | None
    wsid: str | None
    password: HiddenText

    @property
    def name(self) -> str:
        """The user name, or the number that CasJobs calls WSID."""
        return self.username or self.wsid or ""


@dataclass(frozen=True)
class CasJobsUser:
    """A user whom CasJobs has accepted."""

    wsid: str
    username: str | None
    password: HiddenText = field(repr=False)
    # The server that has accepted the user and receives the password.
    origin: Origin = field(repr=False)


class CasJobsLogin:
    """The CasJobs login of this process, with or without a user."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._user: CasJobsUser | None = None
        keep_hidden(self, "password")

    @property
    def user(self) -> CasJobsUser | None:
        """The user who is logged in, or None."""
        with self._lock:
            return self._user

    @property
    def password(self) -> str | None:
        """The password, which must not be shown."""
        user = self.user
        return None if user is None else user.password

    def keep(self, user: CasJobsUser | None) -> None:
        """Log in a user, or log out with None."""
        with self._lock:
            self._user = user

    def serves(self, url: str) -> bool:
        """Return whether a user is logged in to the server of a URL."""
        user = self.user
        return user is not None and user.origin == origin_of(url)

    def user_for(self, url: str) -> CasJobsUser:
        """Return the user whose password may be sent to a URL."""
        user = self.user
        if user is None:
            raise CredentialsError(_NOT_LOGGED_IN)
        if user.origin != origin_of(url):
            raise CredentialsError(
                f"You are logged in to a different server than {url}. Log in again with CasJobs.login()."
            )
        return user

    def __repr__(self) -> str:
        """Show whether a user is logged in, but not which one."""
        return f"<CasJobsLogin: {'no user' if self.user is None else 'a user'}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Omit the user when copied or pickled; the shared login is restored as the shared login."""
        return (_shared_login, ()) if self is SHARED_LOGIN else (CasJobsLogin, ())


SHARED_LOGIN = CasJobsLogin()
PROCESS_STATES.append(ProcessState(lambda: SHARED_LOGIN.user, SHARED_LOGIN.keep, None))


def _shared_login() -> CasJobsLogin:
    """Return the login of this process, for unpickling."""
    return SHARED_LOGIN


def check_address(url: str) -> None:
    """Raise if a password that is sent to a URL could be read by others."""
    if not may_receive_secrets(url):
        raise CredentialsError(f"Passwords are only sent over https, but the server is {url}")


# -- sources of the account ------------------------------------------------------------------------------------------


def find_account(
    username: str | None = None, password: str | None = None, wsid: int | str | None = None, *, reenter: bool = False
) -> Account:
    """Return the account from the arguments, the environment, the system's keyring, or a prompt, in this order."""
    name, number = _default_account() if username is None and wsid is None else _given_account(username, wsid)
    if name is None and number is None:
        name = prompt("CasJobs user name: ", _NO_NAME, hidden=False)
    account = (name or number or "").strip()
    secret = _found_password(account, reenter=reenter) if password is None else password
    return Account(None if name is None else account, number, _checked_password(secret))


def _given_account(username: str | None, wsid: int | str | None) -> tuple[str | None, str | None]:
    """Return the name or the number that a user has given."""
    if username is not None and wsid is not None:
        raise InvalidArgumentError("username and wsid cannot be combined. Use one of them.")
    if username is not None and not (isinstance(username, str) and is_given(username)):
        raise InvalidArgumentError(f"{username!r} is not a user name. Pass a number as wsid=.")
    return username, None if wsid is None else _checked_number(wsid)


def store_account(account: Account) -> None:
    """Store an account in the system's keyring; warn if there is no keyring."""
    mark = f"{'user' if account.username else 'wsid'} {account.name}"
    write_keyring(_KEYRING_ENTRY, {account.name: account.password, _LAST_STORED: mark}, "password")


def _default_account() -> tuple[str | None, str | None]:
    """Return the name or the number from the environment, or else of the account that was stored last."""
    name, number = (os.environ.get(each, "").strip() for each in (_USER, _NUMBER))
    if is_given(name):
        return name, None
    if is_given(number):
        return None, _checked_number(number)
    kind, _, stored = (read_keyring(_KEYRING_ENTRY, _LAST_STORED, "CasJobs account") or "").partition(" ")
    return (None, stored or None) if kind == "wsid" else (stored or None, None)


def _found_password(account: str, *, reenter: bool) -> str:
    """Return the password of an account."""
    missing = f"No password for the CasJobs user {account}: {_HOW} {_PASSWORD}."
    stored = None if reenter else _from_environment(account) or read_keyring(_KEYRING_ENTRY, account, "password")
    return stored or prompt(f"CasJobs password of {account}: ", missing)


def _from_environment(account: str) -> str | None:
    """Return the password from the environment, unless the environment names another account."""
    owners = [os.environ.get(each, "").strip() for each in (_USER, _NUMBER)]
    is_owner = not any(owners) or account in owners
    return HiddenText(os.environ.get(_PASSWORD, "")) if is_owner else None


def _checked_number(wsid: int | str) -> str:
    """Return a WSID as text for a form."""
    try:
        number = int(wsid) if isinstance(wsid, str) and wsid.strip().isdecimal() else operator.index(wsid)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 1:
        raise InvalidArgumentError(f"wsid must be a number, got {wsid!r}. Find it on the profile page of CasJobs.")
    return str(number)


def _checked_password(password: object) -> HiddenText:
    """Return a password as text whose representation hides it."""
    try:
        if isinstance(password, str) and password.encode():
            return HiddenText(password)
    except UnicodeEncodeError:
        pass
    raise CredentialsError("The password must be a non-empty string.")
