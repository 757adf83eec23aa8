"""Deliberate failures: a `Fault` changes a response, `Faults` selects the requests it affects and how often.

The server calls `Faults.take` once per request, waits if required, and passes its response through `Fault.bend`.

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
    """A deliberate failure of a response. Create it with the class methods; combine several with ``+``.

    Attributes
    ----------
    name : str
        Description for ``repr``.
    seconds : float
        Delay of the response in seconds.
    canned : Reply, optional
        Sent instead of the true response, which is then not computed.
    bends : tuple of callable
        Functions that are applied to the response in turn.
    ignores_range : bool
        Whether the ``Range`` header of the request is ignored.
    told : mapping of str to str
        Headers (in lower case) that are added to those of the request.
    """

    name: str
    seconds: float = 0.0
    canned: Reply | None = None
    bends: tuple[Bend, ...] = ()
    ignores_range: bool = False
    told: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: Fault) -> Fault:
        """Return a fault that combines both; if both have a canned response, the later one is used."""
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
        """Whether the fault delays the response and otherwise leaves it unchanged."""
        return self.canned is None and not self.bends

    def bend(self, reply: Reply) -> Reply:
        """Return ``reply`` as changed by this fault."""
        for bend in self.bends:
            reply = bend(reply)
        return reply

    @classmethod
    def delay(cls, seconds: float) -> Fault:
        """Delay the response by ``seconds``, or until the sandbox stops or its faults are cleared."""
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
        """Send a canned response: bytes or text unchanged, a mapping as JSON."""
        content = compact_json(body) if isinstance(body, Mapping) else body
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        reply = Reply(
            status, (("Content-Type", content_type), *pairs), content.encode() if isinstance(content, str) else content
        )
        return cls(f"answer {status}", canned=reply)

    @classmethod
    def status(cls, code: int, *, retry_after: float | str | None = None, body: bytes = b"") -> Fault:
        """Respond with the HTTP status ``code``; ``retry_after`` is a number of seconds or an HTTP date."""
        headers: dict[str, str] = {}
        if retry_after is not None:
            headers["Retry-After"] = retry_after if isinstance(retry_after, str) else f"{retry_after:g}"
        canned = cls.answer(body, status=code, content_type="text/plain; charset=utf-8", headers=headers)
        return replace(canned, name=f"status {code}")

    @classmethod
    def executing(cls) -> Fault:
        """Respond to an ``invoke`` request with EXECUTING: the query is still running, and the client must poll."""
        canned = cls.answer({"status": "EXECUTING", "msg": "", "percent complete": 0.3})
        return replace(canned, name="executing")

    @classmethod
    def error(cls, msg: str) -> Fault:
        """Respond to an ``invoke`` request with HTTP 200 and ``status: ERROR``, as MAST refuses requests."""
        return replace(cls.answer({"status": "ERROR", "msg": msg}), name="error")

    @classmethod
    def garbage(cls) -> Fault:
        """Respond with HTTP 200 and an HTML page instead of data."""
        return replace(cls.answer(GARBAGE, content_type="text/html"), name="garbage")

    @classmethod
    def redirect(cls, url: str, *, status: int = 302) -> Fault:
        """Redirect the client to ``url``."""
        canned = cls.answer(b"", status=status, content_type="text/plain", headers={"Location": url})
        return replace(canned, name=f"redirect {status}")

    @classmethod
    def truncate_json(cls) -> Fault:
        """Send half of the body with a matching ``Content-Length``: complete HTTP, invalid JSON."""
        return cls("truncate_json", bends=(_halve,))

    @classmethod
    def edit(cls, function: Edit) -> Fault:
        """Pass the decoded JSON object through ``function`` before it is sent."""
        return cls("edit", bends=(partial(_edited, function),))

    @classmethod
    def cut(cls, after: int) -> Fault:
        """Announce the true length, send ``after`` bytes of the body, and close the connection."""
        return cls(f"cut after {after}", bends=(partial(replace, cut=after),))

    @classmethod
    def reset(cls, after: int = 0) -> Fault:
        """Send ``after`` bytes of the body, then reset the connection; with 0, nothing at all is sent."""
        return cls(f"reset after {after}", bends=(partial(replace, cut=after, abort=True),))

    @classmethod
    def no_range(cls) -> Fault:
        """Ignore ``Range`` and do not advertise it: always send the complete file with status 200."""
        return cls("no_range", bends=(partial(Reply.without, names=("accept-ranges",)),), ignores_range=True)

    @classmethod
    def no_length(cls, framing: Framing = "chunked") -> Fault:
        """Send no ``Content-Length``: use chunks, or with ``'close'`` end the body by closing the connection."""
        return cls("no_length", bends=(partial(replace, framing=framing),))

    @classmethod
    def lie_length(cls, n: int) -> Fault:
        """Announce a ``Content-Length`` of ``n``, send the unchanged body, and close the connection."""
        return cls(f"lie_length {n}", bends=(partial(replace, declared=n),))

    @classmethod
    def slow(cls, piece: int, seconds: float) -> Fault:
        """Send the body ``piece`` bytes at a time, with a pause of ``seconds`` after each."""
        return cls(f"slow, {piece} bytes per {seconds:g} s", bends=(partial(replace, pace=Pace(piece, seconds)),))

    @classmethod
    def headers(cls, headers: Mapping[str, str]) -> Fault:
        """Add headers, replacing those with the same names."""
        return cls(f"headers {', '.join(headers)}", bends=(partial(_with_headers, headers),))

    @classmethod
    def changed(cls, *, heeds_if_range: bool = True) -> Fault:
        """Send a changed version of the file: same length, different bytes, different ETag and date.

        Parameters
        ----------
        heeds_if_range : bool
            Whether the complete new file is sent in response to a request for the rest of the old one, as it should be.
        """
        return cls("changed", bends=(_changed,), ignores_range=heeds_if_range)

    @classmethod
    def wrong_range(cls, shift: int = 1) -> Fault:
        """Claim in ``Content-Range`` that the bytes begin ``shift`` bytes later than they do."""
        return cls(f"wrong_range {shift:+}", bends=(partial(_shifted, shift),))

    @classmethod
    def no_content_range(cls) -> Fault:
        """Send a part of a file without ``Content-Range``."""
        return cls("no_content_range", bends=(partial(Reply.without, names=("content-range",)),))

    @classmethod
    def job(cls, phase: str, message: str = "") -> Fault:
        """End the job that a request creates in the given phase, such as ``'ERROR'``; ``'EXECUTING'`` never ends.

        For TAP use the endpoint ``'vo_tap'`` and
        ``where=lambda record: record.path.endswith("/async")``. For CasJobs use the endpoint ``'casjobs'`` and
        ``record.path.endswith("/SubmitJob")``; its phases are ``'failed'`` and ``'cancelled'``, and
        ``'ready'`` and ``'started'``, which never end.
        """
        return cls(f"job {phase}", told={"x-sandbox-job": f"{phase} {message}".strip()})

    @classmethod
    def firewall(cls, status: int = 403) -> Fault:
        """Respond with the HTML page of the firewall in front of CasJobs; its status is 403, or sometimes 200."""
        return replace(cls.answer(FIREWALL, status=status, content_type="text/html"), name="firewall")

    @classmethod
    def gateway_timeout(cls) -> Fault:
        """Respond with the HTML page of a gateway that gave up on the service, with status 504."""
        return cls("gateway_timeout", canned=GATEWAY_TIMEOUT)

    @classmethod
    def not_satisfiable(cls) -> Fault:
        """Respond to a range request with status 416; leave other responses unchanged."""
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

    def applies_to(self, record: RequestRecord) -> bool:
        if self.endpoint != record.endpoint or self.left == 0:
            return False
        return self.where is None or self.where(record)

    def count_down(self) -> None:
        if self.left is not None:
            self.left -= 1


class Faults:
    """The pending faults, in the order in which they were added.

    A request is affected by the first fault that selects it. If that fault only delays, the next matching fault applies
    as well, so that one delay can be added for all requests in addition to a list of single failures.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a `where` function may use the faults itself
        self._placed: list[_Placed] = []
        self._waking = threading.Event()

    def add(self, endpoint: str, fault: Fault, *, times: int | None = 1, where: Where | None = None) -> None:
        """Apply ``fault`` to the next requests of an endpoint.

        Parameters
        ----------
        endpoint : str
            A name of `~astroquery_mast.sandbox.requestlog.ENDPOINTS`: ``'invoke'``, ``'download'``, ``'bundle'``,
            ``'columnsconfig'``, ``'cloud'``, ``'path_lookup'``, ``'whoami'``, ``'resolver'``, ``'other'`` and more.
        fault : Fault
            The fault to apply.
        times : int or None
            Number of requests that are affected; None affects all until `clear`. Defaults to 1.
        where : callable, optional
            A function ``where(record) -> bool`` that selects requests. By default it selects all.

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
        """Return the fault that applies to this request and count it down, or None."""
        combined: Fault | None = None
        with self._lock:
            for placed in self._placed:
                if not placed.applies_to(record):
                    continue
                placed.count_down()
                combined = placed.fault if combined is None else combined + placed.fault
                if not placed.fault.only_delays:
                    break
            self._placed = [placed for placed in self._placed if placed.left != 0]
        return combined

    def wait(self, seconds: float) -> None:
        """Block the calling thread for ``seconds``, or until `end_waits`."""
        with self._lock:
            waking = self._waking
        waking.wait(seconds)

    def end_waits(self) -> None:
        """End all current delays, and allow no new ones until `allow_waits`."""
        with self._lock:
            self._waking.set()

    def allow_waits(self) -> None:
        """Allow delays again."""
        with self._lock:
            self._waking = threading.Event()

    def clear(self) -> None:
        """Remove all faults and end the current delays."""
        with self._lock:
            self._placed.clear()
            running = not self._waking.is_set()
            self._waking.set()
            if running:  # while a sandbox stops, delays stay disabled
                self._waking = threading.Event()

    def __len__(self) -> int:
        with self._lock:
            return len(self._placed)
