"""The exceptions of this package, which extend those of `astroquery.exceptions`.

::

    astroquery.exceptions.InvalidQueryError      the request is not valid; nothing was sent
    ├── InvalidArgumentError                     an argument: its value, its type, or its combination with others
    │   └── InvalidCriterionError                a criterion: its name, its value, or both
    │       └── UnsupportedCriterionError        a valid criterion that this service does not support
    └── BadRequestError                          MAST rejected the request: a 4xx status, or an ERROR of the service

    astroquery.exceptions.RemoteServiceError     MAST failed; trying again later may help
    ├── ServerError                              5xx, an ERROR status of the service, or a broken connection
    │   └── NetworkError                         a connection that cannot be made, which retries do not help
    ├── InvalidResponseError                     a response that does not follow the protocol
    │   └── ResponseTooLargeError                a response larger than the limit for reading it into memory
    ├── IncompleteResultError                    rows that differ from those that MAST announced
    │   └── TooManyRowsError                     more rows than MAST returns in one response
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

Code that catches astroquery's own classes therefore catches these, too.  Exceptions that derive from `MastError` have
the service or address, the HTTP status, and the elapsed seconds as attributes; those that do not apply are ``None``.
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


# Objects that hold a secret, which must not be shown, and the name of the attribute that contains it.
_holders: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
_lock = threading.Lock()
# Secrets shorter than this are hidden only as separate words, because other words may contain them.
_SHORT_SECRET = 8


def keep_hidden(holder: Any, attribute: str = "token") -> None:
    """Hide the token or password of an object in all text that is shown to the user."""
    with _lock:
        _holders[holder] = attribute


def presentable(words: Any) -> str:
    """Return a server's text without tokens and passwords, and with control characters escaped."""
    text = without_secrets(str(words))
    return text if text.isprintable() else "".join(map(_visible, text))


def without_secrets(text: str) -> str:
    """Return a text with its tokens and passwords removed."""
    with _lock:
        secrets = [getattr(holder, attribute) for holder, attribute in _holders.items()]
    for secret in filter(None, secrets):
        # Forms and web pages escape some characters.
        for written in {secret, quote_plus(secret), html.escape(secret)}:
            if written in text:
                text = _without(written, text)
    return text


def _without(secret: str, text: str) -> str:
    """A text with a secret replaced by an ellipsis."""
    if len(secret) >= _SHORT_SECRET:
        return text.replace(secret, "…")
    return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "…", text)


def _visible(character: str) -> str:
    """A character, escaped if it moves the cursor, begins a line, or changes the direction of writing."""
    if character in "\t\n\r":
        return " "
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return ascii(character)[1:-1] if hidden else character


class ShortTraceback(Exception):
    """An exception whose traceback in IPython ends at the user's own line, and is complete everywhere else."""

    def _render_traceback_(self) -> list[str]:
        """Show only the user's own lines in IPython and in notebooks, or all with ``%xmode Verbose``."""
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if ipython is not None else None
        if shell is None:
            return traceback.format_exception(self)
        formatter = shell.InteractiveTB
        shown = self.__traceback__ if formatter.mode == "Verbose" else _users_frames(self.__traceback__)
        lines: list[str] = formatter.structured_traceback(type(self), self, shown, tb_offset=0)
        return lines


class MastError(ShortTraceback):
    """Base class of the exceptions about requests, arguments, responses and files.

    Parameters
    ----------
    message : str
        The message.
    service : str, optional
        The Mashup service, or the address of the request.
    status : int, optional
        The HTTP status of the response.
    elapsed : float, optional
        The seconds since the start of the call.
    retry_after : float, optional
        The seconds to wait before the next attempt, as requested by the server.
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
# The path of IPython, which runs the user's lines, and the module that can be between these and this package.
_SHELL, _BETWEEN = f"{os.sep}IPython{os.sep}", f"astropy{os.sep}utils{os.sep}decorators.py"


def _users_frames(frames: TracebackType | None) -> TracebackType | None:
    """The frames from the user's first line to the last one before this package; all frames if there are none."""
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
    """Raised before anything is sent or written, when an argument is not valid."""


class InvalidCriterionError(InvalidArgumentError):
    """Raised before anything is sent, when a criterion or a filter is not valid."""


class UnsupportedCriterionError(InvalidCriterionError):
    """Raised before anything is sent, when a service cannot apply a criterion that another service may support."""


class BadRequestError(MastError, InvalidQueryError):
    """Raised when MAST rejects a request (4xx), except for the statuses 401, 403 and 429."""


class ServerError(MastError, RemoteServiceError):
    """Raised when MAST fails to respond after all retries.  Not raised for a request that MAST rejects."""


class NetworkError(ServerError):
    """Raised when no connection can be made and retries do not help, e.g. because of an invalid certificate."""


class InvalidResponseError(MastError, RemoteServiceError):
    """Raised when a response does not follow the protocol: HTML, truncated JSON, or missing parts."""


class ResponseTooLargeError(InvalidResponseError):
    """Raised when a response is larger than the memory, ``conf.max_response_size`` or ``conf.max_file_size``."""


class FootprintParseError(MastError, ValueError):
    """Raised for a footprint that does not describe a shape on the sky.  Queries skip such footprints instead."""


class SavedSearchError(MastError, ValueError):
    """Raised when the file of a saved search or of its state is damaged, or cannot be read or written."""


class IncompleteResultError(MastError, RemoteServiceError):
    """Raised instead of returning an incomplete table, when the rows received differ from those MAST announced."""


class TooManyRowsError(IncompleteResultError):
    """Raised when a response has as many rows as MAST returns at once, so that there may be more."""


class DownloadError(MastError, RemoteServiceError):
    """Raised at the end of a download with ``on_error="raise"``, if a file could not be downloaded.

    Parameters
    ----------
    message : str
        The message.
    manifest : `~astropy.table.Table`
        The manifest with the result of each file, which is also the attribute ``manifest``.
    """

    def __init__(self, message: str, manifest: Any = None) -> None:
        super().__init__(message)
        self.manifest = manifest

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the manifest when pickled."""
        return type(self), (*self.args, self.manifest)


class QueryTimeoutError(MastError, TimeoutError):
    """Raised when a call takes longer than its timeout.  Never raised once the response is complete."""


class AccessDeniedError(MastError, LoginError):
    """Raised for the statuses 401 and 403; the message says whether to log in, renew the token, or request access."""


class CredentialsError(ShortTraceback, LoginError):
    """Raised for a token or a password that is missing, not valid, or may not be sent to the server."""


class UnresolvedNameError(ShortTraceback, ResolverError):
    """Raised for the name of an object for which no position is known, and for an unknown resolver."""
