"""Asynchronous queries: jobs as defined by UWS 1.1, each in its own thread."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ..reply import Reply
from ..requestlog import RequestRecord
from .engine import Engine
from .parameters import InvalidParameter, NotFound, Query, given
from .vosi import RETENTION
from .votable import error, escape

ACTIVE = frozenset({"PENDING", "QUEUED", "EXECUTING"})
#: Maximum run time of a job, and maximum time that a request waits for one (seconds).
LONGEST_RUN, LONGEST_WAIT = 600, 60
#: Header by which a fault ends a job in a given phase with a message, or keeps it from ending.
FATE = "x-sandbox-job"

_NAMESPACES = (
    'xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="1.1"'
)
_XML = "application/xml"
Answer = Callable[[Engine, Query, float, Callable[[], bool]], Reply]


def _now() -> datetime:
    return datetime.now(UTC)


def _written(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _read(text: str) -> datetime:
    """Return the date sent by a client; the default time zone is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidParameter(
            "body", "destruction", "datetime_parsing", "Input should be a valid datetime", text
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass
class Job:
    """A query and its state."""

    engine: Engine
    params: dict[str, str]
    fate: str = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    phase: str = "PENDING"
    duration: int = LONGEST_RUN
    created: datetime = field(default_factory=_now)
    started: datetime | None = None
    ended: datetime | None = None
    destruction: datetime = field(default_factory=lambda: _now() + timedelta(seconds=RETENTION))
    result: Reply | None = None
    message: str = ""

    def xml(self, address: str) -> str:
        """Return the job as a document; ``address`` is the URL of the job."""
        times = (("startTime", self.started), ("endTime", self.ended))
        told = "".join(_optional(name, _written(moment)) for name, moment in times)
        failed = f"<uws:message>{escape(self.message)}</uws:message>"
        summary = f'<uws:errorSummary type="fatal" hasDetail="true">{failed}</uws:errorSummary>' if self.message else ""
        return (
            f"<uws:job {_NAMESPACES}>\n<uws:jobId>{self.id}</uws:jobId>"
            f"{_optional('runId', self.params.get('RUNID', ''))}{_optional('ownerId', '')}"
            f"<uws:phase>{self.phase}</uws:phase>{_optional('quote', '')}"
            f"<uws:creationTime>{_written(self.created)}</uws:creationTime>{told}"
            f"<uws:executionDuration>{self.duration}</uws:executionDuration>"
            f"<uws:destruction>{_written(self.destruction)}</uws:destruction>\n"
            f"{self.parameters()}\n{self.results(address, '')}\n{summary}</uws:job>\n"
        )

    def parameters(self, namespaces: str = "") -> str:
        """Return the list of parameters."""
        listed = (
            f'<uws:parameter id="{escape(n)}">{escape(value)}</uws:parameter>' for n, value in self.params.items()
        )
        return f"<uws:parameters {namespaces}>{''.join(listed)}</uws:parameters>"

    def results(self, address: str, namespaces: str = _NAMESPACES) -> str:
        """Return the list of results, which has one entry once the job is completed."""
        if self.result is None:
            return f"<uws:results {namespaces}/>"
        kind, size = dict(self.result.headers)["Content-Type"], len(self.result.body)
        href = f'xlink:type="simple" xlink:href="{address}/results/result"'
        listed = f'<uws:result id="result" {href} mime-type="{kind}" size="{size}"/>'
        return f"<uws:results {namespaces}>{listed}</uws:results>"

    def entry(self, address: str) -> str:
        """Return the entry in the list of jobs."""
        return (
            f'<uws:jobref id="{self.id}" xlink:type="simple" xlink:href="{address}/{self.id}">'
            f"<uws:phase>{self.phase}</uws:phase>{_optional('runId', self.params.get('RUNID', ''))}"
            f"{_optional('ownerId', '')}<uws:creationTime>{_written(self.created)}</uws:creationTime></uws:jobref>\n"
        )


def _optional(name: str, value: str) -> str:
    return f"<uws:{name}>{escape(value)}</uws:{name}>" if value else f'<uws:{name} xsi:nil="true"/>'


class Jobs:
    """The jobs of all services."""

    def __init__(self, answer: Answer, limit: int) -> None:
        self._answer = answer
        self._limit = limit
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._settings: Mapping[str, Callable[[Job, str], None]] = {
            "phase": self._set_phase,
            "executionduration": _set_duration,
            "destruction": _set_destruction,
        }

    def end(self) -> None:
        """Abort and delete all jobs, and end all waits."""
        with self._changed:
            for job in self._jobs.values():
                self._finish(job, "ABORTED")
            self._jobs.clear()
            self._changed.notify_all()
            threads, self._threads = self._threads, []
        for thread in threads:
            thread.join()

    def respond(self, record: RequestRecord, engine: Engine, rest: str, address: str) -> Reply:
        """Answer a request; ``rest`` is the part of its path after ``async``, ``address`` is the URL of the list."""
        name, _, inner = rest.partition("/")
        if name:
            job = self._job(name, engine)
            return self._of_job(record, job, inner, f"{address}/{name}")
        if record.method == "POST":
            return self._created(record, engine, address)
        return self._listed(record, engine, address)

    def _job(self, name: str, engine: Engine) -> Job:
        with self._changed:
            job = self._jobs.get(name)
            if job is not None and job.destruction < _now():
                self._delete(job)
                job = None
        if job is None or job.engine is not engine:
            raise NotFound
        return job

    def _created(self, record: RequestRecord, engine: Engine, address: str) -> Reply:
        params = given(record)
        phase = params.pop("PHASE", "")
        Query.of({"LANG": "ADQL", "QUERY": "", **params}, "body", self._limit)
        job = Job(engine, params, record.headers.get(FATE, ""))
        if "EXECUTIONDURATION" in params:
            _set_duration(job, params["EXECUTIONDURATION"])
        with self._changed:
            self._jobs[job.id] = job
        if phase:
            self._set_phase(job, phase)
        return _see(f"{address}/{job.id}")

    def _listed(self, record: RequestRecord, engine: Engine, address: str) -> Reply:
        query = {name.upper(): values for name, values in record.query.items()}
        with self._changed:
            jobs = _narrowed([job for job in self._jobs.values() if job.engine is engine], query)
        listed = "".join(job.entry(address) for job in jobs)
        return Reply.text(f"<uws:jobs {_NAMESPACES}>\n{listed}</uws:jobs>\n", content_type=_XML)

    def _of_job(self, record: RequestRecord, job: Job, part: str, address: str) -> Reply:
        if record.method == "DELETE" or given(record).get("ACTION", "").upper() == "DELETE":
            with self._changed:
                self._delete(job)
            return _see(address.rpartition("/")[0])
        if record.method == "POST":
            return self._posted(record, job, part, address)
        if not part:
            self._wait(job, given(record))
            return Reply.text(job.xml(address), content_type=_XML)
        return _part(job, part, address)

    def _posted(self, record: RequestRecord, job: Job, part: str, address: str) -> Reply:
        params = given(record)
        if part == "parameters":
            if job.phase != "PENDING":
                raise InvalidParameter(
                    "body", "phase", "forbidden", f"A job in phase {job.phase} does not accept parameters"
                )
            Query.of({"LANG": "ADQL", "QUERY": "", **job.params, **params}, "body", self._limit)
            job.params |= params
            return _see(address)
        if part not in self._settings:
            raise NotFound
        if part.upper() not in params:
            raise InvalidParameter("body", part, "missing", "Field required")
        self._settings[part](job, params[part.upper()])
        return _see(address)

    def _set_phase(self, job: Job, phase: str) -> None:
        if phase == "ABORT":
            with self._changed:
                self._finish(job, "ABORTED")
        elif phase != "RUN":
            raise InvalidParameter("body", "phase", "enum", "Input should be 'RUN', 'ABORT'", phase)
        else:
            self._start(job)

    def _start(self, job: Job) -> None:
        with self._changed:
            if job.phase != "PENDING":
                return
            job.phase, job.started = "EXECUTING", _now()
            if job.fate in ACTIVE:  # it never ends
                job.phase = job.fate
                return
            thread = threading.Thread(target=self._run, args=(job,), name="mast-sandbox-job", daemon=True)
            self._threads = [other for other in self._threads if other.is_alive()] + [thread]
            thread.start()

    def _run(self, job: Job) -> None:
        phase, reply, message = "COMPLETED", None, ""
        try:
            query = Query.of(job.params, "body", self._limit)
            reply = self._answer(job.engine, query, job.duration, lambda: job.phase != "EXECUTING")
        except Exception as failure:  # noqa: BLE001 - every failure is reported by the job
            phase, message = "ERROR", str(failure)
        if job.fate:
            (phase, _, message), reply = job.fate.partition(" "), None
        with self._changed:
            if job.phase in ACTIVE:
                job.result, job.message = reply, message
            self._finish(job, phase)

    def _finish(self, job: Job, phase: str) -> None:
        """End a job that has not ended yet; the caller holds the lock."""
        if job.phase in ACTIVE:
            job.phase, job.ended = phase, _now()
            self._changed.notify_all()

    def _delete(self, job: Job) -> None:
        self._finish(job, "ABORTED")
        self._jobs.pop(job.id, None)

    def _wait(self, job: Job, params: Mapping[str, str]) -> None:
        """Hold a request until the phase of an active job changes, if the request has WAIT."""
        if "WAIT" not in params:
            return
        seen = params.get("PHASE", job.phase)
        forever = params["WAIT"].strip() == "-1"
        seconds = LONGEST_WAIT if forever else min(_natural("wait", params["WAIT"]), LONGEST_WAIT)
        with self._changed:
            self._changed.wait_for(lambda: job.phase != seen or job.phase not in ACTIVE, seconds)


def _narrowed(jobs: list[Job], query: Mapping[str, list[str]]) -> list[Job]:
    """Return the jobs in given phases, created after a date, or only the last few, latest first."""
    if phases := query.get("PHASE"):
        jobs = [job for job in jobs if job.phase in phases]
    if after := query.get("AFTER"):
        moment = _read(after[0])
        jobs = [job for job in jobs if job.created > moment]
    if last := query.get("LAST"):
        jobs = jobs[::-1][: _natural("last", last[0])]
    return jobs


def _natural(name: str, text: str) -> int:
    if not text.strip().isdecimal():
        raise InvalidParameter("query", name, "int_parsing", "Input should be a valid integer", text)
    return int(text)


def _set_duration(job: Job, text: str) -> None:
    """Set the maximum run time of the job; 0 and values above the limit select the limit."""
    job.duration = min(_natural("executionduration", text) or LONGEST_RUN, LONGEST_RUN)


def _set_destruction(job: Job, text: str) -> None:
    """Set when the job is deleted, at the latest after the default retention time."""
    job.destruction = min(_read(text), job.created + timedelta(seconds=RETENTION))


def _part(job: Job, part: str, address: str) -> Reply:
    documents = {"results": job.results(address), "parameters": job.parameters(_NAMESPACES)}
    plain = {
        "phase": job.phase,
        "quote": "",
        "owner": "",
        "executionduration": str(job.duration),
        "destruction": _written(job.destruction),
    }
    parts = {
        "results/result": job.result,
        "error": error(job.message, 200) if job.message else None,
        **{name: Reply.text(document, content_type=_XML) for name, document in documents.items()},
        **{name: Reply.text(value) for name, value in plain.items()},
    }
    found = parts.get(part)
    if found is None:
        raise NotFound
    return found


def _see(address: str) -> Reply:
    return Reply(303, (("Location", address), ("Content-Type", "text/plain")))
