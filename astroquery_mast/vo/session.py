"""The session for the requests of pyvo: with the connections, deadlines, retries, pauses and limits of this package.

In: a call of pyvo.  Out: a complete response, or an error of this package.  pyvo itself has no deadlines and retries,
and reads the error page of a gateway as an invalid VOTable.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, cast

import pyvo
import requests

from ..exceptions import BadRequestError, IncompleteResultError, InvalidResponseError, MastError, ServerError
from ..service.http import HttpClient
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..service.token import Credentials
from ..tables.mashup import reading

# The part at either end of a document that is checked (bytes).
_ENDS = 2048
_COMMENTS = re.compile(rb"<!--.*?-->", re.DOTALL)
_ROOT = re.compile(rb"<([a-z_][\w.:-]*)", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>\s*([^<]*?)\s*</title", re.DOTALL | re.IGNORECASE)


class VOSession(requests.Session):
    """The session of one call to one service; it does not send a token.

    Parameters
    ----------
    service : MastService
            The service whose connections are used.
    deadline : Deadline
            The deadline of the call.
    what : str
            The name of the service, for messages.
    web_pages : bool
            Whether an HTML page is a valid response.
    **options
            Other options of `HttpClient.request`: ``patience``, ``hopeless``, ``allow_redirects``.
    """

    def __init__(
        self, service: MastService, deadline: Deadline, what: str, *, web_pages: bool = False, **options: Any
    ) -> None:
        super().__init__()
        self._http = HttpClient(partial(service.send, credentials=Credentials()), service.endpoints)
        self._web_pages = web_pages
        own = str(service.session.headers.get("User-Agent", ""))
        self._bodies: list[Any] = []
        headers = {"User-Agent": own if "pyVO" in own else f"{own} pyVO/{pyvo.__version__}".strip()}
        self._options = {"deadline": deadline, "service": what, "headers": headers, "spooled": True, **options}

    def request(self, method: Any, url: Any, **keywords: Any) -> requests.Response:  # type: ignore[override]
        """Send a request and return the response, or raise an error of this package."""
        sent: dict[str, Any] = {name: keywords.get(name) for name in ("params", "data")}
        response = self._http.request(method, url, **sent, **self._options, read=self._checked)
        self._bodies.append(response.raw)
        return response

    def close(self) -> None:
        """Release the responses in memory and on disk, which otherwise remain until garbage collection."""
        for body in self._bodies:
            body.close()
        super().close()

    def _checked(self, response: requests.Response) -> requests.Response:
        """Return the response if its body is complete and not a web page."""
        check_document(cast("BinaryIO", response.raw), self._options["service"], web_pages=self._web_pages)
        return response


def check_document(file: BinaryIO, what: str, *, web_pages: bool = False) -> None:
    """Raise if a document is truncated, or is the web page of a gateway."""
    head = _COMMENTS.sub(b"", file.read(_ENDS)).lstrip(b"\xef\xbb\xbf \t\r\n")
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _ENDS))
    tail = file.read()
    file.seek(0)
    root = _ROOT.search(head) if head.startswith(b"<") else None
    if root is None:
        return
    if root[1].lower() == b"html" and not web_pages:
        title = _TITLE.search(head)
        named = f" ({title[1].decode('utf-8', 'replace')})" if title else ""
        raise ServerError(f"{what} returned a web page instead of data{named}.", service=what)
    if b"</" + root[1] not in tail and not (size <= _ENDS and tail.rstrip().endswith(b"/>")):
        raise IncompleteResultError(f"The response of {what} was truncated after {size} bytes.", service=what)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Convert exceptions of pyvo, including those that wrap errors of this package, to errors of this package."""
    try:
        with reading(what, pyvo.DALAccessError):
            yield
    except pyvo.DALQueryError as err:
        raise BadRequestError(f"{what} refused the query: {_message(err)}", service=what) from err
    except pyvo.DALAccessError as err:
        cause = getattr(err, "cause", None)
        if isinstance(cause, MastError):
            raise cause from cause.__cause__
        kind = InvalidResponseError if isinstance(err, pyvo.DALFormatError) else ServerError
        raise kind(f"{what} returned an invalid response: {_message(err)}", service=what) from err


def _message(err: Exception) -> str:
    """Return the message of an exception of pyvo as a sentence."""
    return f"{' '.join(str(err).removeprefix('Query Error: ').split()).rstrip('.') or 'no reason given'}."
