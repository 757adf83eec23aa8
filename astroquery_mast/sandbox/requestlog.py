"""The sandbox's memory of what it was asked: one `RequestRecord` per request, in order of arrival."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate

from .packaged import packaged

#: The names under which requests are logged and faults are placed.
ENDPOINTS = tuple(packaged("endpoints"))

#: A benchmark may ask a few hundred thousand times; the oldest records make room for the newest.
MOST_RECORDS = 50_000


@dataclass(frozen=True)
class RequestRecord:
    """One request as the sandbox received it, and how it was answered.

    Attributes
    ----------
    endpoint : str
        One of `ENDPOINTS`.
    method, path : str
    query, form : mapping of str to list of str
        Decoded arguments of the URL and of a posted form.
    headers : mapping of str to str
        Names in lower case.
    body : bytes
    mashup : dict or None
        The decoded request of an ``invoke`` call; None elsewhere, and when it is no JSON object.
    status : int
        The status answered; 0 as long as the request has no answer.
    sent : int
        Bytes of body handed to the connection; 0 if the body is made while it is sent.
    connection : int
        Serial number of the TCP connection, so that a test can tell whether connections are used again.
    arrived, answered : float
        `time.monotonic` when the request was read and when its answer was ready (0.0 before).
    """

    endpoint: str
    method: str
    path: str
    query: Mapping[str, list[str]]
    form: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    mashup: dict[str, object] | None = None
    status: int = 0
    sent: int = 0
    connection: int = 0
    arrived: float = field(default_factory=time.monotonic)
    answered: float = 0.0

    def values(self, name: str) -> list[str]:
        """Return every value of the argument ``name``, posted ones after those of the URL."""
        return [*self.query.get(name, ()), *self.form.get(name, ())]

    def value(self, name: str) -> str | None:
        """Return the first value of the argument ``name``, or None."""
        return next(iter(self.values(name)), None)


class RequestLog:
    """The requests a sandbox has received, oldest first; safe to read while it serves.

    A client that holds its complete answer always finds the record of its request here, with its status.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: OrderedDict[int, RequestRecord] = OrderedDict()
        self._next = 0

    def open(self, record: RequestRecord) -> int:
        """Append ``record`` and return the ticket with which its answer is noted later."""
        with self._lock:
            ticket = self._next
            self._next += 1
            self._records[ticket] = record
            if len(self._records) > MOST_RECORDS:
                self._records.popitem(last=False)
            return ticket

    def close(self, ticket: int, *, status: int, sent: int) -> None:
        """Note how the request was answered. A record cleared in the meantime stays away."""
        with self._lock:
            record = self._records.get(ticket)
            if record is not None:
                answered = time.monotonic()
                self._records[ticket] = replace(record, status=status, sent=sent, answered=answered)

    def clear(self) -> None:
        """Forget every record."""
        with self._lock:
            self._records.clear()

    def of(self, endpoint: str) -> list[RequestRecord]:
        """Return the records of one endpoint (a name of `ENDPOINTS`), oldest first."""
        if endpoint not in ENDPOINTS:
            raise ValueError(f"unknown endpoint {endpoint!r}. Valid endpoints: {', '.join(ENDPOINTS)}")
        return [record for record in self if record.endpoint == endpoint]

    def most_at_once(self, endpoint: str) -> int:
        """Return the largest number of answered requests of ``endpoint`` that were open at the same time."""
        answered = [record for record in self.of(endpoint) if record.status]
        events = [(record.arrived, 1) for record in answered] + [(record.answered, -1) for record in answered]
        return max(accumulate(step for _, step in sorted(events)), default=0)

    def __len__(self) -> int:
        with self._lock:
            return len(self._records)

    def __iter__(self) -> Iterator[RequestRecord]:
        with self._lock:
            return iter(list(self._records.values()))

    def __getitem__(self, index: int) -> RequestRecord:
        return list(self)[index]

    def __repr__(self) -> str:
        return f"<RequestLog of {len(self)} requests>"
