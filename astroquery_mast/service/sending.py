"""Sessions that keep nothing of a server, and requests that carry the token only as far as it may go.

In: a request and the credentials of a client.  Out: a response that neither shows nor holds the token.
"""

from __future__ import annotations

import http.cookiejar
import logging
from typing import Any, cast

import requests
from astroquery import log

from ..config import Endpoints
from ..exceptions import presentable
from .connections import prepare_session
from .token import Credentials, TokenAuth


class _NoCookies(http.cookiejar.DefaultCookiePolicy):
    """Takes no cookie of any server; sends those that the user has put there."""

    def set_ok(self, cookie: http.cookiejar.Cookie, request: Any) -> bool:
        """Refuse a cookie."""
        return False


class MastSession(requests.Session):
    """A session of this package: without cookies of servers, and without ``.netrc`` on redirects."""

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(_NoCookies())
        prepare_session(self)

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Drop the token on a redirect to another server; `requests` would also put a password in its place."""
        url, before = prepared_request.url or "", response.request.url or ""
        if cast("Any", self).should_strip_auth(before, url):
            prepared_request.headers.pop("Authorization", None)


def send_with_token(
    session: requests.Session, credentials: Credentials, endpoints: Endpoints, method: str, url: str, **keywords: Any
) -> requests.Response:
    """Send through a session; the token is neither in what is raised, nor in the response, nor in what is logged."""
    token = TokenAuth(credentials, endpoints) if credentials.serves(endpoints) else _no_token
    try:
        response: requests.Response = session.request(method, url, auth=token, **keywords)
    except requests.RequestException as err:
        _strip_token(err.request)
        _strip_history(err.response)
        if isinstance(err.__context__, requests.RequestException):
            _strip_history(err.__context__.response)
        raise
    if log.isEnabledFor(logging.DEBUG):
        _log_exchange(response)
    _strip_history(response)
    return response


def _no_token(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add nothing; without this, requests would send what the user's ``.netrc`` has for the host."""
    return request


def _strip_history(response: requests.Response | None) -> None:
    """Take the token out of all requests that have led to a response."""
    if response is not None:
        for each in (*response.history, response):
            _strip_token(each.request)


def _strip_token(request: requests.Request | requests.PreparedRequest | None) -> None:
    """Take the token out of a request, so that what remembers it can be printed or pickled."""
    if request is not None:
        request.headers.pop("Authorization", None)


def _log_exchange(response: requests.Response) -> None:
    """Log an exchange at DEBUG level, without headers that hold secrets and without decoding the body."""
    for each in (*response.history, response):
        size = presentable(each.headers.get("Content-Length", "?"))
        log.debug("%s %s → %s, %s bytes", each.request.method, presentable(each.request.url), each.status_code, size)
