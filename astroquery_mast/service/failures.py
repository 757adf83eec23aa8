"""Which failures of the network there are, and which of them may be gone at the next try."""

from __future__ import annotations

import requests
import urllib3

from ..exceptions import (
    IncompleteResultError,
    InvalidResponseError,
    MastError,
    NetworkError,
    ServerError,
    TooManyRowsError,
)

__all__ = ["broken", "connection_dropped", "is_transient"]

# Failures of the network that will not go away by trying again.
_HOPELESS = (
    requests.exceptions.SSLError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.TooManyRedirects,
)


def broken(what: str, err: requests.exceptions.RequestException) -> ServerError:
    """Return the error for a connection that could not be made, or broke."""
    kind = NetworkError if isinstance(err, _HOPELESS) else ServerError
    return kind(f"{what} could not be reached, or the connection broke: {err}.", service=what)


def is_transient(error: BaseException) -> bool:
    """Tell whether a failure may be gone at the next try."""
    if isinstance(error, NetworkError | TooManyRowsError):
        return False
    if isinstance(error, ServerError):
        return error.status != 200  # with 200 the service itself said ERROR, and would again
    return isinstance(error, InvalidResponseError | IncompleteResultError)


def connection_dropped(error: MastError) -> bool:
    """Tell whether a connection was there, and broke: that is what the archive does when an answer is too large."""
    cause = error.__cause__
    if isinstance(cause, requests.exceptions.ChunkedEncodingError):
        return True
    reason = cause.args[0] if isinstance(cause, requests.exceptions.ConnectionError) and cause.args else None
    return isinstance(reason, urllib3.exceptions.ProtocolError)
