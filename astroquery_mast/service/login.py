"""Logging in: a token is checked with the archive before it is kept, and a refusal is explained.

In: a token, or where to find one.  Out: who the user is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from astroquery import log

from ..config import Endpoints
from ..exceptions import InvalidResponseError, LoginError, MastError
from ..tables.mashup import decoded
from . import token as auth
from .deadline import Deadline
from .http import HttpClient

__all__ = ["Login"]

_SERVICE = "MAST whoami"


class Login:
    """The user of one client."""

    def __init__(
        self, send: Callable[..., requests.Response], endpoints: Endpoints, credentials: auth.Credentials
    ) -> None:
        self._send = send
        self._endpoints = endpoints
        self.credentials = credentials

    def login(self, token: str | None = None, *, store: bool = False, reenter: bool = False) -> None:
        """Find a token, have it checked, keep it, and store it if that is wanted."""
        found = auth.find_token(token, reenter=reenter, page=self._endpoints.token_page)
        user = self.whoami(auth.Credentials(found))
        if user.get("anon", True):
            raise LoginError(
                "MAST does not accept this token; it may have expired, or lack a character. "
                f"A new one is made at {self._endpoints.token_page}"
            )
        self.credentials.keep(found, str(user.get("ezid") or user.get("eppn") or ""))
        if store:
            auth.store(found)
        name = (user.get("attrib") or {}).get("display_name") or user.get("ezid")
        log.info("MAST API token accepted, welcome %s.", name)

    def whoami(self, credentials: auth.Credentials | None = None, *, attempts: int | None = None) -> dict[str, Any]:
        """Ask the archive to whom a token belongs."""
        asked = self.credentials if credentials is None else credentials
        if asked and not auth.may_receive_token(self._endpoints.whoami, self._endpoints):
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
        if self.credentials and auth.may_receive_token(url, self._endpoints):
            try:
                user = self.whoami(attempts=1)
            except MastError as err:
                return f"Whether the token is still valid could not be found out: {err}"
        return auth.refusal_advice(url, self.credentials, self._endpoints, user, status)


def _read_user(response: requests.Response) -> dict[str, Any]:
    """The user in an answer; one that is unreadable is asked for again."""
    user = decoded(response.content, _SERVICE)
    if not isinstance(user, dict):
        raise InvalidResponseError(f"{_SERVICE} sent no user record.", service=_SERVICE)
    return user
