"""What the sandbox is about to send: a status, headers, a body, and how honestly to put them on the wire."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

TEXT = "text/plain; charset=utf-8"

#: Statuses that never carry a body (RFC 9110, section 6.4.1).
BODILESS = frozenset({204, 304})

Framing = Literal["length", "chunked", "close"]


def compact_json(value: object) -> bytes:
    """Encode ``value`` as JSON without spaces, as MAST's services do."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Pace(NamedTuple):
    """How slowly a body is sent."""

    piece: int
    """Bytes at a time."""
    seconds: float
    """The pause after each piece."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer before it is sent; `connection` adds ``Content-Length``, ``Connection``, ``Date`` and ``Server``.

    ``declared`` is a ``Content-Length`` to claim in place of the true one. After ``cut`` bytes of body the connection
    is closed, with ``abort`` by a TCP reset; together with ``cut=0`` nothing at all is sent before it. A body that is
    made while it is sent comes in ``pieces``, in chunks, and once only; `whole` is for those who want to change it.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | memoryview = b""
    framing: Framing = "length"
    declared: int | None = None
    cut: int | None = None
    abort: bool = False
    pace: Pace | None = None
    pieces: Generator[bytes, None, None] | None = None

    @classmethod
    def json(cls, value: object, status: int = 200, content_type: str = "application/json") -> Reply:
        """Return ``value`` as a JSON answer."""
        return cls(status, (("Content-Type", content_type),), compact_json(value))

    @classmethod
    def text(cls, text: str, status: int = 200, content_type: str = TEXT) -> Reply:
        """Return ``text`` as an answer."""
        return cls(status, (("Content-Type", content_type),), text.encode())

    @classmethod
    def file(cls, content: bytes, name: str, content_type: str) -> Reply:
        """Return a file to be kept under a name, which is quoted as the service does it."""
        disposition = f"attachment; filename={name}"
        return cls(200, (("Content-Type", content_type), ("Content-Disposition", disposition)), content)

    def without(self, names: Iterable[str]) -> Reply:
        """Return the same answer without the headers ``names`` (lower case)."""
        dropped = frozenset(names)
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() not in dropped))

    def whole(self) -> Reply:
        """Return the same answer with its body in one piece."""
        return self if self.pieces is None else replace(self, body=b"".join(self.pieces), pieces=None, framing="length")

    @property
    def is_silent(self) -> bool:
        """Whether the connection is reset before anything is sent."""
        return self.abort and not self.cut

    @property
    def closes(self) -> bool:
        """Whether the connection cannot be used again after this answer."""
        broken = self.abort or self.cut is not None
        lies = self.declared is not None and self.declared != len(self.body)
        return broken or lies or self.framing == "close"

    def payload(self, method: str) -> memoryview:
        """Return the bytes of body that will really be sent in answer to ``method``."""
        if method == "HEAD" or self.status in BODILESS:
            return memoryview(b"")
        body = memoryview(self.body)
        return body if self.cut is None else body[: self.cut]


_TITLE = "504 Gateway Time-out"
#: What the gateway in front of the services says when it has given up on one.
GATEWAY_TIMEOUT = Reply.text(
    f"<html><head><title>{_TITLE}</title></head><body><h1>{_TITLE}</h1></body></html>", 504, "text/html"
)


class Refusal(Exception):
    """A request that cannot be answered: what the archive would say, and the status of the answer."""

    def __init__(self, detail: object = "", status: int = 400) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status

    def reply(self) -> Reply:
        """Return the refusal in the form of the service."""
        return Reply.json({"msg": str(self)}, self.status)


class ServiceError(Refusal):
    """The same of a Mashup service: HTTP 200 with ``status: ERROR``, as MAST does it."""

    def reply(self) -> Reply:
        """Return the refusal in the form of the service."""
        return Reply.json({"status": "ERROR", "msg": str(self)}, content_type=TEXT)
