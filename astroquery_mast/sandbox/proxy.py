"""A proxy in front of the sandbox, as institutes use them: it connects every host name to the sandbox.

It accepts requests in absolute form (``GET http://mast.example.org/whoami``). It opens no tunnels, because clients use
TLS in them, which the sandbox does not support.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from .connection import LoopbackServer, SandboxRequest
from .reply import TEXT, Reply

#: Interval at which a proxy checks whether it must stop (seconds).
POLL_INTERVAL = 0.02


@dataclass(frozen=True)
class ProxyRecord:
    """One request that the proxy received, and the status of its response.

    Attributes
    ----------
    method : str
        HTTP method.
    target : str
        The full URL, or host and port for ``CONNECT``.
    headers : mapping of str to str
        Header fields, with names in lower case.
    status : int
        HTTP status of the response.
    """

    method: str
    target: str
    headers: dict[str, str]
    status: int


class Proxy:
    """A proxy on 127.0.0.1; created by `Sandbox.proxy`.

    Attributes
    ----------
    requests : list of ProxyRecord
        The received requests, in the order of their responses.
    """

    def __init__(
        self,
        respond: Callable[[SandboxRequest], Reply],
        keep: Callable[[BaseException], None],
        login: str | None = None,
    ) -> None:
        self.requests: list[ProxyRecord] = []
        self._respond = respond
        self._login = login
        self._server = LoopbackServer(0, self._answer, keep)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_INTERVAL,), name="mast-sandbox-proxy", daemon=True
        )

    @property
    def address(self) -> str:
        """Address of the proxy without the login, as a value of ``http_proxy``."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def url(self) -> str:
        """Address of the proxy, including the login if it requires one."""
        return self.address.replace("//", f"//{self._login}@") if self._login else self.address

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.close_connections()

    def __repr__(self) -> str:
        return f"<Proxy at {self.address}>"

    def _answer(self, request: SandboxRequest) -> Reply:
        target, headers = request.environ["REQUEST_URI"], dict(request.environ["sandbox.headers"])
        reply = self._refusal(request.method, target, headers) or self._forwarded(request, target)
        self.requests.append(ProxyRecord(request.method, target, headers, reply.status))
        return reply

    def _refusal(self, method: str, target: str, headers: dict[str, str]) -> Reply | None:
        wanted = None if self._login is None else f"Basic {base64.b64encode(self._login.encode()).decode()}"
        if wanted not in {None, headers.get("proxy-authorization")}:
            wants = ("Proxy-Authenticate", 'Basic realm="sandbox"')
            return Reply(407, (("Content-Type", TEXT), wants), b"This proxy requires a login.")
        if method == "CONNECT":
            return Reply.text("This proxy does not support tunnels.", 403)
        return None if urlsplit(target).netloc else Reply.text("A proxy requires the full URL.", 400)

    def _forwarded(self, request: SandboxRequest, target: str) -> Reply:
        _, _, path = target.partition("://")[2].partition("/")
        request.environ["REQUEST_URI"] = f"/{path}"
        request.environ["sandbox.headers"].pop("proxy-authorization", None)
        return self._respond(request)
