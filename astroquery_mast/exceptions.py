"""What can go wrong, as a tree on top of `astroquery.exceptions`.

::

    astroquery.exceptions.InvalidQueryError      the question cannot be asked as it stands; nothing was sent
    ├── InvalidCriterionError                    one criterion: its name, its value, or both
    └── RefusedRequestError                      the archive answered 4xx, or an ERROR that blames the question

    astroquery.exceptions.RemoteServiceError     the archive failed; asking again later may help
    ├── ServiceFailedError                       5xx, or an ERROR status of the service, or no connection at all
    ├── UnreadableAnswerError                    an answer that is not what the protocol promises
    ├── IncompleteResultError                    fewer or other rows than the archive itself announced
    └── DownloadError                            some files of a download did not come; the manifest says which and why

    astroquery.exceptions.TimeoutError           the deadline of the call passed
    └── DeadlineError

    ValueError
    └── UnreadableFootprintError                 an s_region that is no shape on the sky, not to be skipped

    astroquery.exceptions.LoginError             the archive wants a token, a fresh one, or another one
    └── AccessDeniedError

    astroquery.exceptions.ResolverError          a name has no position

Code that catches astroquery's own classes therefore catches these too. Every class carries what is needed to act on it:
the service or address, the HTTP status and the seconds spent, each ``None`` where it does not apply.
"""

from __future__ import annotations

from typing import Any

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
    "CorruptDataWarning",
    "DeadlineError",
    "DownloadError",
    "IncompleteResultError",
    "InputWarning",
    "InvalidCriterionError",
    "InvalidQueryError",
    "LoginError",
    "MastError",
    "MaxResultsWarning",
    "NoResultsWarning",
    "RefusedRequestError",
    "RemoteServiceError",
    "ResolverError",
    "ServiceFailedError",
    "TimeoutError",
    "UnreadableAnswerError",
    "UnreadableFootprintError",
]


class MastError(Exception):
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
        super().__init__(message)
        self.service = service
        self.status = status
        self.elapsed = elapsed
        self.retry_after = retry_after


class InvalidCriterionError(MastError, InvalidQueryError):
    """Raised before anything is sent, when a criterion cannot be applied as given. Never raised for an answer."""


class RefusedRequestError(MastError, InvalidQueryError):
    """Raised when the archive refuses the question itself (4xx). Not raised for 401 and 403, nor for 429."""


class ServiceFailedError(MastError, RemoteServiceError):
    """Raised when the archive could not answer, after the retries. Not raised for a question that it refuses."""


class UnreadableAnswerError(MastError, RemoteServiceError):
    """Raised when an answer arrived whole but is not what the protocol promises: HTML, cut JSON, missing parts."""


class UnreadableFootprintError(MastError, ValueError):
    """Raised for the text of a footprint that is no shape on the sky. Never raised by queries, which skip it."""


class IncompleteResultError(MastError, RemoteServiceError):
    """Raised instead of returning a short table: the rows received are not those that the archive announced."""


class DownloadError(MastError, RemoteServiceError):
    """Raised at the end of a download, only where ``on_error="raise"`` asks for it, when a file did not come.

    Parameters
    ----------
    message : str
        A sentence for the reader.
    manifest : `~astropy.table.Table`
        What became of every file, as the call returns it otherwise; kept as the attribute of that name.
    """

    def __init__(self, message: str, manifest: Any = None) -> None:
        super().__init__(message)
        self.manifest = manifest

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the manifest when pickled."""
        return type(self), (*self.args, self.manifest)


class DeadlineError(MastError, TimeoutError):
    """Raised when the call's deadline passes, whatever it was waiting for. Never raised once the answer is complete."""


class AccessDeniedError(MastError, LoginError):
    """Raised for 401 and 403; the message says whether to log in, to renew the token or to ask for access."""
