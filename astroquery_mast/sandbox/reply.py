"""Responses of the sandbox before they are sent: status, headers, body, and deliberate transmission errors."""

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
    """The speed at which a body is sent."""

    piece: int
    """Number of bytes per piece."""
    seconds: float
    """Pause after each piece, in seconds."""


@dataclass(frozen=True)
class Reply:
    """An HTTP response before it is sent; `connection` adds ``Content-Length``, ``Connection``, ``Date``, ``Server``.

    ``declared`` replaces the true ``Content-Length``. After ``cut`` bytes of body the connection is closed, or reset if
    ``abort`` is set; ``abort`` with ``cut=0`` sends nothing before the reset. ``pieces`` generates the body while it is
    sent, in chunks and only once; use `whole` to get the complete body.
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
        """Return ``value`` as a JSON response."""
        return cls(status, (("Content-Type", content_type),), compact_json(value))

    @classmethod
    def text(cls, text: str, status: int = 200, content_type: str = TEXT) -> Reply:
        """Return ``text`` as a response."""
        return cls(status, (("Content-Type", content_type),), text.encode())

    @classmethod
    def file(cls, content: bytes, name: str, content_type: str) -> Reply:
        """Return a file as an attachment; quote the name as the service does."""
        disposition = f"attachment; filename={name}"
        return cls(200, (("Content-Type", content_type), ("Content-Disposition", disposition)), content)

    def without(self, names: Iterable[str]) -> Reply:
        """Return the same response without the headers ``names`` (lower case)."""
        dropped = frozenset(names)
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() not in dropped))

    def whole(self) -> Reply:
        """Return the same response with its body in one piece."""
        return self if self.pieces is None else replace(self, body=b"".join(self.pieces), pieces=None, framing="length")

    @property
    def is_silent(self) -> bool:
        """Whether the connection is reset before anything is sent."""
        return self.abort and not self.cut

    @property
    def closes(self) -> bool:
        """Whether the connection cannot be reused after this response."""
        broken = self.abort or self.cut is not None
        lies = self.declared is not None and self.declared != len(self.body)
        return broken or lies or self.framing == "close"

    def payload(self, method: str) -> memoryview:
        """Return the bytes of the body that are actually sent in response to ``method``."""
        if method == "HEAD" or self.status in BODILESS:
            return memoryview(b"")
        body = memoryview(self.body)
        return body if self.cut is None else body[: self.cut]


_TITLE = "504 Gateway Time-out"
#: Response of the gateway in front of the services when a service does not respond in time.
GATEWAY_TIMEOUT = Reply.text(
    f"<html><head><title>{_TITLE}</title></head><body><h1>{_TITLE}</h1></body></html>", 504, "text/html"
)


class Refusal(Exception):
    """A request that is refused, with the message and the status of the response."""

    def __init__(self, detail: object = "", status: int = 400) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status

    def reply(self) -> Reply:
        """Return the refusal in the format of the service."""
        return Reply.json({"msg": str(self)}, self.status)


class ServiceError(Refusal):
    """A refusal of a Mashup service: HTTP 200 with ``status: ERROR``, as at MAST."""

    def reply(self) -> Reply:
        """Return the refusal in the format of the service."""
        return Reply.json({"status": "ERROR", "msg": str(self)}, content_type=TEXT)
