"""The status of MAST's services: send one small request to each, all at the same time, within a timeout.

In: the service object of a client, and a timeout.  Out: a table with a row for each service.  There are no retries, no
token is sent, and a failure is a row of the table and not an error.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import requests
from astropy import units as u
from astropy.table import MaskedColumn, Table

from ..config import Endpoints
from ..exceptions import InvalidResponseError, MastError, QueryTimeoutError, presentable
from ..query.request import COUNT_COLUMNS
from ..tables.mashup import check_status
from ..tables.result_table import ResultTable
from .connections import read_words
from .http import HttpClient
from .mast_service import MastService
from .parallel import JobFailure, RunOptions, SharedState, UnfinishedError, run
from .retrying import Deadline, as_seconds
from .token import Credentials

OK, FAILED, TIMED_OUT = "ok", "failed", "timed out"
"""The statuses of a service."""
PATIENCE = 5.0
"""The default timeout for all services together, in seconds."""

_JSON = re.compile(rb"\s*[\[{]")
_VOTABLE = re.compile(rb"<(\w+:)?VOTABLE\b", re.IGNORECASE)
_AVAILABLE = re.compile(rb"<(\w+:)?available>\s*true\s*<", re.IGNORECASE)
_ANYTHING = re.compile(rb"")
# Statuses by which services refuse a request without required parameters, which shows that they work.
_INCOMPLETE = frozenset({400, 404, 405, 422})
# The number of bytes of an unexpected response that are shown.
_EXCERPT = 60


@dataclass(frozen=True)
class Probe:
    """A small request to a service, and a pattern for its response if the service works.

    ``refusals`` are the error statuses that a working service returns, if it is expected to refuse the request.
    """

    service: str
    url: str
    pattern: re.Pattern[bytes] = _JSON
    method: str = "GET"
    params: Mapping[str, str] | None = None
    data: Any = None
    headers: Mapping[str, str] | None = None
    refusals: frozenset[int] = field(default=frozenset())

    def check(self, status: int, headers: Mapping[str, str], body: bytes, service: str) -> None:
        """Raise the error that a response describes, unless it is the expected refusal."""
        if status not in self.refusals or (status >= 500 and not self.pattern.search(body)):
            check_status(status, headers, body, service)

    def read(self, response: requests.Response) -> None:
        """Raise an error unless the beginning of a response is as expected."""
        if response.status_code in self.refusals:
            return
        with response:
            read_words(response)
        if not self.pattern.search(response.content):
            said = presentable(response.content[:_EXCERPT].decode("utf-8", "replace")).strip()
            words = f": {said!r}" if said else ""
            raise InvalidResponseError(
                f"{self.service} returned an unexpected response (HTTP {response.status_code}){words}.",
                service=self.service,
            )


def probes(service: MastService) -> list[Probe]:
    """Return a request for each service that the clients of this package use."""
    endpoints = service.endpoints
    return [
        _mashup(service),
        Probe("downloads", endpoints.download, method="HEAD", refusals=_INCOMPLETE, pattern=re.compile(rb"(?!)")),
        Probe("login", endpoints.whoami, headers={"Accept": "application/json"}),
        Probe("name resolver", endpoints.resolver, params={"name": "M101", "outputFormat": "json"}),
        Probe("mission search", endpoints.mission_columns, params={"mission": "hst"}),
        Probe("Pan-STARRS catalogs", f"{endpoints.catalogs}/panstarrs/dr2/mean/metadata.json"),
        Probe("viewer API", f"{endpoints.viz}/parameters", refusals=_INCOMPLETE),
        *_cutout_probes(endpoints),
        *_vo_probes(endpoints),
        Probe(
            "CasJobs",
            f"{endpoints.casjobs}/services/jobs.asmx/GetJobStatus",
            pattern=re.compile(rb"[Mm]issing parameter"),
            refusals=frozenset({500}),
        ),
        Probe(
            "program pages",
            f"{endpoints.programs_server}/jwst-program-info/program/",
            method="HEAD",
            params={"program": "1073"},
            pattern=_ANYTHING,
        ),
        Probe(
            "HLA spectra",
            f"{endpoints.hla_server}/cgi-bin/getdata.cgi",
            method="HEAD",
            pattern=_ANYTHING,
            refusals=_INCOMPLETE,
        ),
        Probe(
            "cloud",
            f"{endpoints.cloud_server}/",
            params={"list-type": "2", "max-keys": "1", "prefix": "no such file"},
            pattern=re.compile(rb"<ListBucketResult\b"),
            refusals=frozenset({403}),
        ),
    ]


def _mashup(service: MastService) -> Probe:
    """A count of the observations with one obsid, of which there is at most one."""
    params = {"columns": COUNT_COLUMNS, "filters": [{"paramName": "obsid", "values": ["1"]}]}
    asked = service.request_for("Mast.Caom.Filtered", params, 1, 1).http_request(service.endpoints)
    return Probe(
        "queries (Mashup)",
        asked.url,
        re.compile(rb'"status"\s*:\s*"(COMPLETE|EXECUTING)"'),
        asked.method,
        data=asked.data,
        headers=asked.headers,
    )


def _cutout_probes(endpoints: Endpoints) -> list[Probe]:
    """Requests to the cutout services, for the data that cover a position."""
    place = {"ra": "202.47", "dec": "47.2"}
    return [
        Probe("TESScut", f"{endpoints.cutouts('tesscut')}/sector", params={**place, "radius": "0"}),
        Probe("Zcut", f"{endpoints.cutouts('zcut')}/survey", params=place),
        Probe("HAPcut", f"{endpoints.cutouts('hapcut')}/astrocut", refusals=_INCOMPLETE),
    ]


def _vo_probes(endpoints: Endpoints) -> list[Probe]:
    """Requests to the services of the Virtual Observatory, for their availability or a tiny result."""
    return [
        Probe("TAP", f"{endpoints.tap}/caom/availability", _AVAILABLE),
        Probe("VO registry", f"{endpoints.registry}/availability", _AVAILABLE),
        Probe("VO images", endpoints.images[1], _VOTABLE, params={"POS": "CIRCLE 202.47 47.2 0.001", "MAXREC": "1"}),
        Probe("VO spectra", endpoints.spectra, _VOTABLE, params={"REQUEST": "queryData", "FORMAT": "METADATA"}),
        Probe(
            "VO cone search",
            endpoints.cones,
            _VOTABLE,
            params={"CAT": "GSC242", "RA": "202.47", "DEC": "47.2", "SR": "0.001"},
        ),
    ]


def status_table(service: MastService, timeout: float | u.Quantity | None) -> Table:
    """Query all services, and return the table of their statuses."""
    seconds = as_seconds(timeout) or PATIENCE
    asked = probes(service)
    deadline = Deadline.start(seconds)
    options = RunOptions(verbose=False, max_workers=len(asked))
    # Do not wait for threads that are blocked at the end of the time, such as in a DNS lookup.
    state = SharedState(deadline)
    with closing(run(asked, partial(_probed, service, deadline), options, state, ordered=True, grace=0)) as outcomes:
        rows = [(job.item, *_row(outcome, seconds)) for job, outcome in outcomes]
    return _table(rows, service.endpoints.server, seconds)


def _probed(service: MastService, deadline: Deadline, probe: Probe) -> tuple[str, float, str]:
    """The status of one service, its response time in milliseconds, and the error message."""
    send = partial(service.send, credentials=Credentials())
    # Without pacing, a server that requested a pause is checked, too.
    client = HttpClient(send, service.endpoints, attempts=1, quiet=True, paced=False, check=probe.check)
    since = time.monotonic()
    status, message = OK, ""
    try:
        client.request(
            probe.method,
            probe.url,
            params=probe.params,
            data=probe.data,
            headers=probe.headers,
            deadline=deadline,
            service=probe.service,
            stream=True,
            read=probe.read,
        )
    except QueryTimeoutError:
        status, message = TIMED_OUT, _no_response(deadline.seconds)
    except MastError as err:
        status, message = FAILED, re.sub(r" Tried once in .*", "", str(err))
    return status, (time.monotonic() - since) * 1000, message


def _row(outcome: tuple[str, float, str] | JobFailure, seconds: float) -> tuple[str, float, str]:
    """The cells of a service."""
    if not isinstance(outcome, JobFailure):
        return outcome
    if isinstance(outcome.error, UnfinishedError):
        return TIMED_OUT, np.nan, _no_response(seconds)
    return FAILED, np.nan, presentable(f"{type(outcome.error).__name__}: {outcome.error}")


def _no_response(seconds: float) -> str:
    return f"No response within {seconds:g} s."


def _table(rows: list[tuple[Probe, str, float, str]], server: str, seconds: float) -> Table:
    """The table of all services."""
    asked, statuses, times, messages = zip(*rows, strict=True)
    late = np.isnan(times) | (np.array(statuses) == TIMED_OUT)
    spent = np.ma.MaskedArray(np.rint(np.nan_to_num(times)), mask=late)
    hosts = [urlsplit(each.url).netloc for each in asked]
    columns = {"service": [each.service for each in asked], "status": statuses, "server": hosts, "message": messages}
    table = ResultTable(
        [MaskedColumn(list(cells), name=name, dtype=str) for name, cells in columns.items()], masked=True
    )
    table.add_column(MaskedColumn(spent, name="time", unit=u.ms, dtype=np.int64), index=2)
    told = {
        "service": "Name of the service",
        "status": f"'{OK}', '{FAILED}', or '{TIMED_OUT}'",
        "time": "Response time",
        "server": "Host that was queried",
        "message": "Reason why the service did not respond",
    }
    for name, description in told.items():
        table[name].description = description
    table.meta = {"server": server, "timeout": seconds}
    return table
