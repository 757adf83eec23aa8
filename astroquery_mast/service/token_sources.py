"""Sources of tokens: an argument, the environment, a file named there, the keyring, or a prompt.

In: an argument, or nothing.  Out: a token without the quotes, blanks and marks that copying adds, as text that
tracebacks with variables do not show.  The keyring and the prompt also serve the passwords of other services.
"""

from __future__ import annotations

import getpass
import os
import re
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from astroquery import log

from ..exceptions import AuthenticationWarning, CredentialsError, LoginError, presentable
from ..warn import warn_user

# The environment variables with a token: the usual name, and one that some tools of the community use.
ENVIRONMENT = ("MAST_API_TOKEN", "MAST_TOKEN")
# The environment variable with the path of a file that contains the token, as is usual for secrets of containers.
TOKEN_FILE = "MAST_API_TOKEN_FILE"  # noqa: S105 - a name, not a secret

# The keyring entry of ``astroquery.mast``, so that a token stored by it is found.
_KEYRING_SERVICE = "astroquery:mast.stsci.edu.token"
_KEYRING_USER = "masttoken"

_OPEN_FILE = (
    "Every user of this computer can read your MAST token in {0} ({1}): run chmod 600 {0}, or use mode 0400 "
    "if it is a container secret."
)

# What copying and scripts may add to a token besides blanks and quotes: invisible characters and the name of a scheme.
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060"))
_SCHEME = re.compile(r"(?:token|bearer)\s+", re.IGNORECASE)


class HiddenText(str):
    """Text that is hidden where variables are shown, such as in tracebacks."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Show an ellipsis."""
        return "'…'"


def without_repr(token: str | None) -> str | None:
    """Return a token that tracebacks with variables do not show."""
    return HiddenText(token) if isinstance(token, str) else token


def normalize_token(token: str) -> str:
    """Return a token without quotes, blanks, invisible characters, and the name of a scheme."""
    text = token.translate(_INVISIBLE).strip() if isinstance(token, str) else ""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    text = _SCHEME.sub("", text, count=1) if _SCHEME.match(text) else text
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise CredentialsError("This is not a MAST token. A token is a single word of letters and digits.")
    return HiddenText(text)


@dataclass(frozen=True)
class FoundToken:
    """A token, and a description of its source for messages."""

    text: str
    source: str = "this token"


def find_token(token: str | None = None, *, reenter: bool = False, page: str = "") -> FoundToken:
    """Find a token: the argument, the environment, the system's keyring, or a prompt, in that order."""
    if token is not None:
        return FoundToken(normalize_token(token))
    found = None if reenter else _stored()
    return _normalized(found or FoundToken(_from_prompt(page)))


def stored_token() -> str | None:
    """Return the token from the environment or the system's keyring, or None; never prompt for one."""
    found = _stored()
    return None if found is None else _normalized(found).text


def environment_has_token() -> bool:
    """Return whether the environment has a token, or names a file with one; blank variables are ignored."""
    return any(is_given(os.environ.get(name)) for name in (*ENVIRONMENT, TOKEN_FILE))


def is_given(text: str | None) -> bool:
    """Return whether a text contains more than blanks and quotes."""
    return bool((text or "").translate(_INVISIBLE).strip().strip("\"'").strip())


def _normalized(found: FoundToken) -> FoundToken:
    """The same token, normalized."""
    try:
        return FoundToken(normalize_token(found.text), found.source)
    except LoginError as err:
        where = f" It is {found.source}." if found.source.startswith("the token in") else ""
        raise CredentialsError(f"{err}{where}") from None


def _stored() -> FoundToken | None:
    """The token from the environment, the file named there, or the keyring, as written there."""
    for name in ENVIRONMENT:
        if is_given(text := os.environ.get(name, "")):
            return FoundToken(HiddenText(text), f"the token in the environment variable {name}")
    return _from_file() or _from_keyring()


def _from_file() -> FoundToken | None:
    """The token in the file named in the environment."""
    path = os.environ.get(TOKEN_FILE, "").strip()
    if not path:
        return None
    try:
        file = Path(path).expanduser()
        text = file.read_text("utf-8-sig")
        is_open = _is_open_to_others(file)
    except (OSError, ValueError, RuntimeError) as err:
        raise CredentialsError(f"Cannot read the file set in {TOKEN_FILE}: {err}") from err
    if is_open and is_given(text):
        warn_user(_OPEN_FILE.format(path, TOKEN_FILE), AuthenticationWarning)
    return FoundToken(HiddenText(text), f"the token in {path} ({TOKEN_FILE})") if is_given(text) else None


def _is_open_to_others(file: Path) -> bool:
    """Whether all users of this computer can read a file, by the modes of the file and of every parent folder."""
    if not hasattr(os, "geteuid"):  # where modes do not show this, as on Windows
        return False
    place = file.resolve()
    return bool(place.stat().st_mode & stat.S_IROTH) and all(
        folder.stat().st_mode & stat.S_IXOTH for folder in place.parents
    )


def _from_keyring() -> FoundToken | None:
    """The token in the system's keyring; None without an error if there is no keyring."""
    found = read_keyring(_KEYRING_SERVICE, _KEYRING_USER, "token")
    return FoundToken(HiddenText(found), "the token in the system's keyring") if is_given(found) else None


def store_token(token: str) -> None:
    """Write a token to the system's keyring."""
    write_keyring(_KEYRING_SERVICE, {_KEYRING_USER: token}, "token")


def read_keyring(service: str, user: str, what: str) -> str | None:
    """Return the keyring's secret for a user of a service; None without an error if there is no keyring."""
    found, error = _call_keyring("get_password", service, user)
    if error is not None:
        log.debug("The keyring has no %s: %s", what, presentable(f"{type(error).__name__}: {error}"))
    return found


def write_keyring(service: str, entries: Mapping[str, str], what: str) -> None:
    """Write user → secret to the system's keyring; only warn if that fails, since the login itself succeeded."""
    errors = (_call_keyring("set_password", service, *entry)[1] for entry in entries.items())
    error = next(filter(None, errors), None)
    if error is not None:
        warn_user(f"The {what} was not stored: {error}", AuthenticationWarning)


def _call_keyring(do: str, *arguments: str) -> tuple[str | None, Exception | None]:
    """Call a function of the keyring; return its result and the exception that it raised."""
    try:
        import keyring  # noqa: PLC0415 - slow, and rarely needed

        return getattr(keyring, do)(*arguments), None
    except Exception as err:  # noqa: BLE001 - the backends of third parties may raise anything
        return None, err


def _from_prompt(page: str) -> str:
    """Prompt for a token."""
    missing = (
        "No MAST token found. Pass one to login(), or set the environment variable MAST_API_TOKEN. Create a "
        f"token at {page}"
    )
    return prompt(f"MAST API token (create one at {page}): ", missing)


def prompt(question: str, missing: str, *, hidden: bool = True) -> str:
    """Prompt on the terminal or in the notebook; do not show the typed text if ``hidden`` is True."""
    if not (sys.stdin is not None and sys.stdin.isatty()) and "ipykernel" not in sys.modules:
        raise CredentialsError(missing)
    try:
        return HiddenText(getpass.getpass(question)) if hidden else input(question)
    except (NotImplementedError, EOFError, OSError) as err:  # a notebook that runs without a user
        raise CredentialsError(missing) from err
