"""Whether a server can be reached at all: what one worker finds out spares the others their retries.

In: what happened when addresses were opened.  Out: which servers are down, and why.  Products flow, around "transfer".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
import urllib3

from ..exceptions import MastError, ServerError
from .transfer import OpenUrl

__all__ = ["Contacts", "DownServers"]

# So many files in a row, each tried as often as `conf.max_attempts` says, find nobody there: then it is not by chance.
_IN_A_ROW = 3


def _server(url: str) -> str:
    """The server of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _cannot_connect(error: BaseException) -> bool:
    """Whether no connection could be made at all, rather than that one broke or was silent."""
    cause = error.__cause__ if isinstance(error, MastError) else error
    if not isinstance(cause, requests.exceptions.ConnectionError) or not cause.args:
        return False
    # requests makes one error of both, and keeps urllib3's: this one for a connection that was not made.
    return isinstance(cause.args[0], urllib3.exceptions.MaxRetryError)


@dataclass
class Contacts:
    """Opens addresses, but not of servers that are down, and remembers whether servers could be reached."""

    open_url: OpenUrl
    down: Mapping[str, str]
    reached: dict[str, str | None] = field(default_factory=dict)

    def __call__(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Open an address."""
        server = _server(url)
        if server in self.down:
            raise ServerError(
                f"{server} could not be reached for {_IN_A_ROW} files in a row, so that it was not asked for this one: "
                f"{self.down[server]}",
                service=server,
            )
        try:
            response = self.open_url(url, headers)
        except (MastError, requests.exceptions.RequestException) as err:
            self.reached[server] = str(err) if _cannot_connect(err) else None
            raise
        self.reached[server] = None
        return response


class DownServers:
    """What the files of one download have found out about the servers."""

    def __init__(self) -> None:
        self.down: dict[str, str] = {}
        self._in_a_row: dict[str, int] = {}

    def note(self, reached: Mapping[str, str | None]) -> None:
        """Take in what one file has found out."""
        for server, error in reached.items():
            self._in_a_row[server] = 0 if error is None else self._in_a_row.get(server, 0) + 1
            if error is not None and self._in_a_row[server] >= _IN_A_ROW:
                self.down.setdefault(server, error)
