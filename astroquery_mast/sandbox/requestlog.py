"""The request log of the sandbox: one `RequestRecord` per request, in order of arrival."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate

from .packaged import packaged

#: Names of the endpoints, by which requests are logged and faults are added.
ENDPOINTS = tuple(packaged("endpoints"))

#: Benchmarks may send several hundred thousand requests; only the newest records are kept.
MOST_RECORDS = 50_000


@dataclass(frozen=True)
class RequestRecord:
    """One request that the sandbox received, and its response.

    Attributes
    ----------
    endpoint : str
        One of `ENDPOINTS`.
    method, path : str
        HTTP method, and path of the URL.
    query, form : mapping of str to list of str
        Decoded arguments of the URL and of the posted form.
    headers : mapping of str to str
        Header fields, with names in lower case.
    body : bytes
        Body of the request.
    mashup : dict or None
        The decoded request of an ``invoke`` call; None for other endpoints, and if it is not a JSON object.
    status : int
        HTTP status of the response; 0 until there is one.
    sent : int
        Number of body bytes sent; 0 if the body is generated while it is sent.
    connection : int
        Serial number of the TCP connection, so that tests can check whether connections are reused.
    arrived, answered : float
        `time.monotonic` when the request was read and when its response was ready (0.0 until then).
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
        """Return all values of the argument ``name``: those of the URL, then those of the form."""
        return [*self.query.get(name, ()), *self.form.get(name, ())]

    def value(self, name: str) -> str | None:
        """Return the first value of the argument ``name``, or None."""
        return next(iter(self.values(name)), None)


class RequestLog:
    """The requests that a sandbox received, oldest first; thread-safe.

    Once a client has received the complete response, the log contains its request and status.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: OrderedDict[int, RequestRecord] = OrderedDict()
        self._next = 0

    def open(self, record: RequestRecord) -> int:
        """Append ``record`` and return a ticket for `close`."""
        with self._lock:
            ticket = self._next
            self._next += 1
            self._records[ticket] = record
            if len(self._records) > MOST_RECORDS:
                self._records.popitem(last=False)
            return ticket

    def close(self, ticket: int, *, status: int, sent: int) -> None:
        """Record the response to a request. Records that were cleared in the meantime are not restored."""
        with self._lock:
            record = self._records.get(ticket)
            if record is not None:
                answered = time.monotonic()
                self._records[ticket] = replace(record, status=status, sent=sent, answered=answered)

    def clear(self) -> None:
        """Remove all records."""
        with self._lock:
            self._records.clear()

    def of(self, endpoint: str) -> list[RequestRecord]:
        """Return the records of one endpoint (a name in `ENDPOINTS`), oldest first."""
        if endpoint not in ENDPOINTS:
            raise ValueError(f"unknown endpoint {endpoint!r}. Valid endpoints: {', '.join(ENDPOINTS)}")
        return [record for record in self if record.endpoint == endpoint]

    def most_at_once(self, endpoint: str) -> int:
        """Return the maximum number of concurrent requests of ``endpoint``, of those that have a response."""
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
