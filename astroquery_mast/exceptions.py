"""What can go wrong, as a tree on top of `astroquery.exceptions`.

::

    astroquery.exceptions.InvalidQueryError      the request is not valid as it stands; nothing was sent
    ├── InvalidArgumentError                     an argument: its value, its type, or its combination with others
    │   └── InvalidCriterionError                a criterion: its name, its value, or both
    │       └── UnsupportedCriterionError        a valid criterion that this service cannot apply; another one may
    └── BadRequestError                          the archive answered 4xx, or an ERROR that blames the request

    astroquery.exceptions.RemoteServiceError     the archive failed; trying again later may help
    ├── ServerError                              5xx, an ERROR status of the service, or a broken connection
    │   └── NetworkError                         a connection that cannot be made, however often it is tried
    ├── InvalidResponseError                     a response that does not follow the protocol
    │   └── ResponseTooLargeError                more bytes than are read into memory
    ├── IncompleteResultError                    fewer or other rows than the archive itself announced
    │   └── TooManyRowsError                     more rows than the archive sends in one response
    └── DownloadError                            files that could not be downloaded; the manifest lists them

    astroquery.exceptions.TimeoutError
    └── QueryTimeoutError                        the call took longer than its timeout

    astroquery.exceptions.LoginError
    ├── AccessDeniedError                        a token is missing, has expired, or gives no access
    └── CredentialsError                         a token or a password that is missing, not valid, or cannot be sent

    astroquery.exceptions.ResolverError
    └── UnresolvedNameError                      no position is known for a name

    ValueError
    ├── FootprintParseError                      an s_region that does not describe a shape on the sky
    └── SavedSearchError                         a file of a saved search that is damaged, or cannot be read or written

Code that catches astroquery's own classes therefore catches these too. Every `MastError` carries what is needed to act
on it: the service or address, the HTTP status and the seconds spent, each ``None`` where it does not apply.
"""

from __future__ import annotations

import html
import os
import re
import sys
import threading
import traceback
import unicodedata
import weakref
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote_plus

from astroquery.exceptions import (
    AuthenticationWarning,
    CorruptDataWarning,
    InputWarning,
    InvalidQueryError,
    LoginError,
    MaxResultsWarning,
    NoResultsWarning,
    RemoteServiceError,
    ResolverError,
    TimeoutError,
)

__all__ = [
    "AccessDeniedError",
    "AuthenticationWarning",
    "BadRequestError",
    "CorruptDataWarning",
    "CredentialsError",
    "DownloadError",
    "FootprintParseError",
    "IncompleteResultError",
    "InputWarning",
    "InvalidArgumentError",
    "InvalidCriterionError",
    "InvalidQueryError",
    "InvalidResponseError",
    "LoginError",
    "MastError",
    "MaxResultsWarning",
    "NetworkError",
    "NoResultsWarning",
    "QueryTimeoutError",
    "RemoteServiceError",
    "ResolverError",
    "ResponseTooLargeError",
    "SavedSearchError",
    "ServerError",
    "TimeoutError",
    "TooManyRowsError",
    "UnresolvedNameError",
    "UnsupportedCriterionError",
]


# What must not be shown: whoever has a secret, and the name of the attribute that is it.
_holders: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
_lock = threading.Lock()
# A shorter secret than this is hidden where it stands alone, for it may be a part of other words.
_SHORT_SECRET = 8


def keep_hidden(holder: Any, attribute: str = "token") -> None:
    """Hide what an object has as its token, or its password, in all words that are shown to the user."""
    with _lock:
        _holders[holder] = attribute


def presentable(words: Any) -> str:
    """Return a server's words without tokens and passwords, and with control characters made visible."""
    text = without_secrets(str(words))
    return text if text.isprintable() else "".join(map(_visible, text))


def without_secrets(text: str) -> str:
    """Return a text without the tokens and passwords that are in it."""
    with _lock:
        secrets = [getattr(holder, attribute) for holder, attribute in _holders.items()]
    for secret in filter(None, secrets):
        # Also as forms and pages write it.
        for written in {secret, quote_plus(secret), html.escape(secret)}:
            if written in text:
                text = _without(written, text)
    return text


def _without(secret: str, text: str) -> str:
    """A text without a secret."""
    if len(secret) >= _SHORT_SECRET:
        return text.replace(secret, "…")
    return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "…", text)


def _visible(character: str) -> str:
    """A character as it can be shown: none that moves the cursor, begins a line or changes the direction."""
    if character in "\t\n\r":
        return " "
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return ascii(character)[1:-1] if hidden else character


class ShortTraceback(Exception):
    """An exception whose traceback in IPython ends at the user's own line, and is whole everywhere else."""

    def _render_traceback_(self) -> list[str]:
        """Show in IPython and in notebooks the user's own lines; with ``%xmode Verbose`` all."""
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if ipython is not None else None
        if shell is None:
            return traceback.format_exception(self)
        formatter = shell.InteractiveTB
        shown = self.__traceback__ if formatter.mode == "Verbose" else _users_frames(self.__traceback__)
        lines: list[str] = formatter.structured_traceback(type(self), self, shown, tb_offset=0)
        return lines


class MastError(ShortTraceback):
    """What all exceptions of this package have in common.

    Parameters
    ----------
    message : str
        A sentence for the reader.
    service : str, optional
        The Mashup service or the address that was asked.
    status : int, optional
        The HTTP status of the answer.
    elapsed : float, optional
        Seconds from the start of the call.
    retry_after : float, optional
        Seconds after which the archive asks to be tried again.
    """

    def __init__(
        self,
        message: str,
        *,
        service: str | None = None,
        status: int | None = None,
        elapsed: float | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(presentable(message))
        self.service = service
        self.status = status
        self.elapsed = elapsed
        self.retry_after = retry_after


_PACKAGE = f"{Path(__file__).parent}{os.sep}"
# Where IPython runs what users write, and what may stand between the user's line and this package.
_SHELL, _BETWEEN = f"{os.sep}IPython{os.sep}", f"astropy{os.sep}utils{os.sep}decorators.py"


def _users_frames(frames: TracebackType | None) -> TracebackType | None:
    """The frames from the user's first line to the last before this package; all if there are none."""
    found: list[TracebackType] = []
    each = frames
    while each is not None and not each.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        if not each.tb_frame.f_code.co_filename.endswith(_BETWEEN) and not _is_shell(each):
            found.append(each)
        each = each.tb_next
    shown = None
    for each in reversed(found):
        shown = TracebackType(shown, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return shown or frames


def _is_shell(frame: TracebackType) -> bool:
    return _SHELL in frame.tb_frame.f_code.co_filename


class InvalidArgumentError(MastError, InvalidQueryError):
    """Raised before anything is sent or written, when an argument cannot be used as given."""


class InvalidCriterionError(InvalidArgumentError):
    """Raised before anything is sent, when a criterion or a filter cannot be applied as given."""


class UnsupportedCriterionError(InvalidCriterionError):
    """Raised before anything is sent, when a service cannot apply a criterion that another service may support."""


class BadRequestError(MastError, InvalidQueryError):
    """Raised when the archive refuses the question itself (4xx). Not raised for 401 and 403, nor for 429."""


class ServerError(MastError, RemoteServiceError):
    """Raised when the archive could not answer, after the retries. Not raised for a question that it refuses."""


class NetworkError(ServerError):
    """Raised when no connection can be made and trying again does not help, e.g. for an invalid certificate."""


class InvalidResponseError(MastError, RemoteServiceError):
    """Raised when an answer arrived whole but is not what the protocol promises: HTML, cut JSON, missing parts."""


class ResponseTooLargeError(InvalidResponseError):
    """Raised when a response is larger than memory, ``conf.max_response_size`` or ``conf.max_file_size`` allows."""


class FootprintParseError(MastError, ValueError):
    """Raised for the text of a footprint that is no shape on the sky. Never raised by queries, which skip it."""


class SavedSearchError(MastError, ValueError):
    """Raised when the file of a saved search, or of its state, is damaged, or cannot be read or written."""


class IncompleteResultError(MastError, RemoteServiceError):
    """Raised instead of returning a short table: the rows received are not those that the archive announced."""


class TooManyRowsError(IncompleteResultError):
    """Raised when a response has as many rows as the archive sends at once: there may be more of them."""


class DownloadError(MastError, RemoteServiceError):
    """Raised at the end of a download, only where ``on_error="raise"`` asks for it, when a file did not come.

    Parameters
    ----------
    message : str
        A sentence for the reader.
    manifest : `~astropy.table.Table`
        The result of every file, as the call returns it otherwise; kept as the attribute of that name.
    """

    def __init__(self, message: str, manifest: Any = None) -> None:
        super().__init__(message)
        self.manifest = manifest

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the manifest when pickled."""
        return type(self), (*self.args, self.manifest)


class QueryTimeoutError(MastError, TimeoutError):
    """Raised when the call's deadline passes, whatever it was waiting for. Never raised once the answer is complete."""


class AccessDeniedError(MastError, LoginError):
    """Raised for 401 and 403; the message says whether to log in, to renew the token or to ask for access."""


class CredentialsError(ShortTraceback, LoginError):
    """Raised for a token or a password that is missing, not valid, or may not be sent to the server."""


class UnresolvedNameError(ShortTraceback, ResolverError):
    """Raised for the name of an object for which no position is known, and for an unknown resolver."""
