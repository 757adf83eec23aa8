"""Trouble on request: a `Fault` says how an answer goes wrong, `Faults` which requests it strikes and how often.

The server asks `Faults.take` once per request, waits as told, and passes its answer through `Fault.bend`.

>>> from astroquery_mast.sandbox import Fault
>>> fault = Fault.delay(0.2) + Fault.status(503, retry_after=1)
>>> fault
<Fault: delay 0.2 s + status 503>
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from .reply import GATEWAY_TIMEOUT, Framing, Pace, Reply, compact_json
from .requestlog import ENDPOINTS, RequestRecord

Bend = Callable[[Reply], Reply]
Edit = Callable[[dict[str, object]], dict[str, object]]
Where = Callable[[RequestRecord], bool]

GARBAGE = b"<html><head><title>Service</title></head><body><h1>We will be back soon</h1></body></html>"
FIREWALL = (
    b'<html style="height:100%"><head><META NAME="ROBOTS" CONTENT="NOINDEX, NOFOLLOW"></head><body>\n'
    b"<h2>403 Response Code</h2><br><p>Request unsuccessful. Incapsula incident ID: 533000120119861-244713498.\n"
    b"Please contact our technical support with Request ID: 533000120119861 &nbsp;</p><iframe src=//x></body></html>"
)


@dataclass(frozen=True, repr=False)
class Fault:
    """One way for an answer to go wrong. Build it with the class methods; join several with ``+``.

    Attributes
    ----------
    name : str
        What it does, for ``repr``.
    seconds : float
        How long the answer is held back.
    canned : Reply, optional
        Sent in place of the true answer, which is then not even computed.
    bends : tuple of callable
        Applied in turn to the answer.
    ignores_range : bool
        The request's ``Range`` is not looked at.
    told : mapping of str to str
        Headers (in lower case) that the request seems to have beside its own.
    """

    name: str
    seconds: float = 0.0
    canned: Reply | None = None
    bends: tuple[Bend, ...] = ()
    ignores_range: bool = False
    told: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: Fault) -> Fault:
        """Return a fault that does both; of two canned answers the later wins."""
        return Fault(
            f"{self.name} + {other.name}",
            seconds=self.seconds + other.seconds,
            canned=other.canned or self.canned,
            bends=self.bends + other.bends,
            ignores_range=self.ignores_range or other.ignores_range,
            told={**self.told, **other.told},
        )

    def __repr__(self) -> str:
        return f"<Fault: {self.name}>"

    @property
    def only_delays(self) -> bool:
        """Whether the fault holds the answer back and leaves it alone otherwise."""
        return self.canned is None and not self.bends

    def bend(self, reply: Reply) -> Reply:
        """Return ``reply`` as this fault lets it out."""
        for bend in self.bends:
            reply = bend(reply)
        return reply

    @classmethod
    def delay(cls, seconds: float) -> Fault:
        """Hold the answer back for ``seconds``, or until the sandbox stops or its faults are cleared."""
        return cls(f"delay {seconds:g} s", seconds=seconds)

    @classmethod
    def answer(
        cls,
        body: bytes | str | Mapping[str, object],
        *,
        status: int = 200,
        content_type: str = "application/json",
        headers: Iterable[tuple[str, str]] | Mapping[str, str] | None = None,
    ) -> Fault:
        """Send a canned answer: bytes or text as they are, a mapping as JSON."""
        content = compact_json(body) if isinstance(body, Mapping) else body
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        reply = Reply(
            status, (("Content-Type", content_type), *pairs), content.encode() if isinstance(content, str) else content
        )
        return cls(f"answer {status}", canned=reply)

    @classmethod
    def status(cls, code: int, *, retry_after: float | str | None = None, body: bytes = b"") -> Fault:
        """Answer with the HTTP status ``code``; ``retry_after`` is a number of seconds or an HTTP date."""
        headers: dict[str, str] = {}
        if retry_after is not None:
            headers["Retry-After"] = retry_after if isinstance(retry_after, str) else f"{retry_after:g}"
        canned = cls.answer(body, status=code, content_type="text/plain; charset=utf-8", headers=headers)
        return replace(canned, name=f"status {code}")

    @classmethod
    def executing(cls) -> Fault:
        """Answer an ``invoke`` call with EXECUTING: the query is still running, ask again."""
        canned = cls.answer({"status": "EXECUTING", "msg": "", "percent complete": 0.3})
        return replace(canned, name="executing")

    @classmethod
    def error(cls, msg: str) -> Fault:
        """Answer an ``invoke`` call with HTTP 200 and ``status: ERROR``, MAST's way to refuse."""
        return replace(cls.answer({"status": "ERROR", "msg": msg}), name="error")

    @classmethod
    def garbage(cls) -> Fault:
        """Answer HTTP 200 with an HTML page where data are expected."""
        return replace(cls.answer(GARBAGE, content_type="text/html"), name="garbage")

    @classmethod
    def redirect(cls, url: str, *, status: int = 302) -> Fault:
        """Send the client to ``url``."""
        canned = cls.answer(b"", status=status, content_type="text/plain", headers={"Location": url})
        return replace(canned, name=f"redirect {status}")

    @classmethod
    def truncate_json(cls) -> Fault:
        """Send half of the body with a ``Content-Length`` that agrees: whole for HTTP, broken for JSON."""
        return cls("truncate_json", bends=(_halve,))

    @classmethod
    def edit(cls, function: Edit) -> Fault:
        """Pass the decoded JSON object through ``function`` before it is sent."""
        return cls("edit", bends=(partial(_edited, function),))

    @classmethod
    def cut(cls, after: int) -> Fault:
        """Announce the true length, send ``after`` bytes of the body, close the connection."""
        return cls(f"cut after {after}", bends=(partial(replace, cut=after),))

    @classmethod
    def reset(cls, after: int = 0) -> Fault:
        """Send ``after`` bytes of the body, then reset the connection; with 0 not even the status line is sent."""
        return cls(f"reset after {after}", bends=(partial(replace, cut=after, abort=True),))

    @classmethod
    def no_range(cls) -> Fault:
        """Ignore ``Range`` and do not offer it: always the whole file with status 200."""
        return cls("no_range", bends=(partial(Reply.without, names=("accept-ranges",)),), ignores_range=True)

    @classmethod
    def no_length(cls, framing: Framing = "chunked") -> Fault:
        """Send no ``Content-Length``: in chunks, or with ``'close'`` until the connection ends."""
        return cls("no_length", bends=(partial(replace, framing=framing),))

    @classmethod
    def lie_length(cls, n: int) -> Fault:
        """Claim a ``Content-Length`` of ``n``; the body stays as it is, and the connection is closed after it."""
        return cls(f"lie_length {n}", bends=(partial(replace, declared=n),))

    @classmethod
    def slow(cls, piece: int, seconds: float) -> Fault:
        """Send the body ``piece`` bytes at a time, with a pause of ``seconds`` after each."""
        return cls(f"slow, {piece} bytes per {seconds:g} s", bends=(partial(replace, pace=Pace(piece, seconds)),))

    @classmethod
    def headers(cls, headers: Mapping[str, str]) -> Fault:
        """Send these headers in place of those of the same names."""
        return cls(f"headers {', '.join(headers)}", bends=(partial(_with_headers, headers),))

    @classmethod
    def changed(cls, *, heeds_if_range: bool = True) -> Fault:
        """Send the file as it is after a change: as many bytes, but others, with another ETag and date.

        Parameters
        ----------
        heeds_if_range : bool
            Whether a request for the rest of the older file is answered with the whole new one, as it should be.
        """
        return cls("changed", bends=(_changed,), ignores_range=heeds_if_range)

    @classmethod
    def wrong_range(cls, shift: int = 1) -> Fault:
        """Claim in ``Content-Range`` that the bytes begin ``shift`` further on than they do."""
        return cls(f"wrong_range {shift:+}", bends=(partial(_shifted, shift),))

    @classmethod
    def no_content_range(cls) -> Fault:
        """Send a part of a file without saying which."""
        return cls("no_content_range", bends=(partial(Reply.without, names=("content-range",)),))

    @classmethod
    def job(cls, phase: str, message: str = "") -> Fault:
        """Let the job that a request creates end in a phase such as ``'ERROR'``; in ``'EXECUTING'`` it never ends.

        The endpoint of TAP is ``'vo_tap'``; select the request by
        ``where=lambda record: record.path.endswith("/async")``. The phases of CasJobs are ``'failed'`` and
        ``'cancelled'``, and ``'ready'`` and ``'started'``, which never end; select a request of ``'casjobs'`` by
        ``record.path.endswith("/SubmitJob")``.
        """
        return cls(f"job {phase}", told={"x-sandbox-job": f"{phase} {message}".strip()})

    @classmethod
    def firewall(cls, status: int = 403) -> Fault:
        """Answer with the HTML page of the firewall in front of CasJobs, with status 403, or 200 as it also happens."""
        return replace(cls.answer(FIREWALL, status=status, content_type="text/html"), name="firewall")

    @classmethod
    def gateway_timeout(cls) -> Fault:
        """Answer with the page of a gateway that has given up on the service: status 504, HTML."""
        return cls("gateway_timeout", canned=GATEWAY_TIMEOUT)

    @classmethod
    def not_satisfiable(cls) -> Fault:
        """Answer a request for a range with status 416, and leave other answers alone."""
        return cls("not_satisfiable", bends=(_unsatisfied,))


def _with_headers(headers: Mapping[str, str], reply: Reply) -> Reply:
    others = reply.without([name.lower() for name in headers])
    return replace(others, headers=(*others.headers, *headers.items()))


def _changed(reply: Reply) -> Reply:
    other = bytes(reply.body).translate(bytes(reversed(range(256))))
    headers = {"ETag": '"changed"', "Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT"}
    return _with_headers(headers, replace(reply, body=other))


def _shifted(shift: int, reply: Reply) -> Reply:
    claimed = dict(reply.headers).get("Content-Range")
    if claimed is None:
        return reply
    first, last, total = (int(number) for number in re.findall(r"\d+", claimed))
    return _with_headers({"Content-Range": f"bytes {first + shift}-{last + shift}/{total + shift}"}, reply)


def _unsatisfied(reply: Reply) -> Reply:
    claimed = dict(reply.headers).get("Content-Range")
    if claimed is None:
        return reply
    headers = (("Content-Type", "text/plain"), ("Content-Range", f"bytes */{claimed.rpartition('/')[2]}"))
    return Reply(416, headers, b"Requested range not satisfiable.")


def _halve(reply: Reply) -> Reply:
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def _edited(function: Edit, reply: Reply) -> Reply:
    return replace(reply, body=compact_json(function(json.loads(bytes(reply.body)))))


@dataclass
class _Placed:
    endpoint: str
    fault: Fault
    left: int | None
    where: Where | None = field(default=None)

    def strikes(self, record: RequestRecord) -> bool:
        if self.endpoint != record.endpoint or self.left == 0:
            return False
        return self.where is None or self.where(record)

    def count_down(self) -> None:
        if self.left is not None:
            self.left -= 1


class Faults:
    """The faults in waiting, struck in the order in which they were added.

    A request meets the first fault that selects it. A fault that only delays lets the request meet the next one as
    well, so that "slow" can be added once for all calls beside a list of single failures.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a `where` may look at the faults itself
        self._placed: list[_Placed] = []
        self._waking = threading.Event()

    def add(self, endpoint: str, fault: Fault, *, times: int | None = 1, where: Where | None = None) -> None:
        """Let ``fault`` strike the next requests of an endpoint.

        Parameters
        ----------
        endpoint : str
            A name of `~astroquery_mast.sandbox.requestlog.ENDPOINTS`: ``'invoke'``, ``'download'``, ``'bundle'``,
            ``'columnsconfig'``, ``'cloud'``, ``'path_lookup'``, ``'whoami'``, ``'resolver'``, ``'other'`` and more.
        fault : Fault
        times : int or None
            How many requests it strikes; None for all until `clear`.
        where : callable, optional
            ``where(record) -> bool`` selects requests.

        Raises
        ------
        ValueError
            If the endpoint is unknown or ``times`` is not positive.
        """
        if endpoint not in ENDPOINTS:
            raise ValueError(f"unknown endpoint {endpoint!r}. Valid endpoints: {', '.join(ENDPOINTS)}")
        if times is not None and times < 1:
            raise ValueError(f"times must be positive or None, got {times}")
        with self._lock:
            self._placed.append(_Placed(endpoint, fault, times, where))

    def take(self, record: RequestRecord) -> Fault | None:
        """Return what strikes this request, counting it down, or None."""
        struck: Fault | None = None
        with self._lock:
            for placed in self._placed:
                if not placed.strikes(record):
                    continue
                placed.count_down()
                struck = placed.fault if struck is None else struck + placed.fault
                if not placed.fault.only_delays:
                    break
            self._placed = [placed for placed in self._placed if placed.left != 0]
        return struck

    def wait(self, seconds: float) -> None:
        """Hold the calling thread for ``seconds``, or until the waits are ended."""
        with self._lock:
            waking = self._waking
        waking.wait(seconds)

    def end_waits(self) -> None:
        """End every delay that is under way, and let none begin until `allow_waits`."""
        with self._lock:
            self._waking.set()

    def allow_waits(self) -> None:
        """Let delays begin."""
        with self._lock:
            self._waking = threading.Event()

    def clear(self) -> None:
        """Remove every fault and end the delays that are under way."""
        with self._lock:
            self._placed.clear()
            running = not self._waking.is_set()
            self._waking.set()
            if running:  # a sandbox that is stopping stays awake
                self._waking = threading.Event()

    def __len__(self) -> int:
        with self._lock:
            return len(self._placed)
