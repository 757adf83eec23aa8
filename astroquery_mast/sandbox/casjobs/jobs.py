"""Jobs of CasJobs: their states, which advance with each status request, and the conditions that select them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..vo.jobs import FATE

#: The states, in the order of their numbers.
STATES = ("ready", "started", "canceling", "cancelled", "failed", "finished")
READY, STARTED, CANCELING, CANCELLED, FAILED, FINISHED = range(6)
__all__ = ["FATE", "STATES", "CasJob", "ConditionError", "selected"]


def _now() -> datetime:
    return datetime.now().replace(microsecond=0)


@dataclass
class CasJob:
    """A query or an extraction, and its state; ``questions`` is the number of status requests until it ends."""

    id: int
    wsid: int
    task: str
    query: str
    context: str
    type: str
    run: Callable[[CasJob], None]
    questions: int = 0
    fate: str = ""
    is_system: bool = False
    queue: int = 1
    status: int = READY
    submitted: datetime = field(default_factory=_now)
    started: datetime | None = None
    ended: datetime | None = None
    rows: int = 0
    error: str = ""
    created: str = ""
    output: str = ""

    def begin(self) -> None:
        """Run the job immediately, unless it is configured to take a while."""
        if self.questions == 0 and self._held is None:
            self._end()

    @property
    def _held(self) -> int | None:
        """State in which a fault holds the job forever, or None."""
        held = STATES.index(self.fate.partition(" ")[0]) if self.fate else FINISHED
        return held if held < CANCELLED else None

    def poll(self) -> int:
        """Return the state; each call advances the job."""
        if self.status == CANCELING and self.questions == 0:
            self._finish(CANCELLED)
        elif self.status == CANCELING:
            self.questions -= 1
        elif self.status < CANCELING:
            self._advance()
        return self.status

    def _advance(self) -> None:
        if self._held is not None:
            self._set_started(self._held)
        elif self.questions > 0:
            self.questions -= 1
            self._set_started(READY if self.started is None and self.questions > 0 else STARTED)
        else:
            self._end()

    def _set_started(self, status: int) -> None:
        if status == STARTED and self.started is None:
            self.started = _now()
        self.status = status

    def cancel(self) -> None:
        """Cancel a job that has not ended; this takes one status request if running takes any."""
        if self.status < CANCELING:
            self.status, self.questions = CANCELING, min(self.questions, 1)

    def _end(self) -> None:
        self.started = self.started or _now()
        word, _, message = self.fate.partition(" ")
        if word and STATES.index(word) < FINISHED:
            self.error = message
            self._finish(STATES.index(word))
            return
        self.run(self)
        self._finish(FAILED if self.error else FINISHED)

    def _finish(self, status: int) -> None:
        self.status, self.ended = status, _now()

    def summary(self) -> dict[str, object]:
        """Return the entry in the list of jobs, without missing values."""
        values = {
            "JobID": self.id,
            "Rows": self.rows,
            "WebServicesID": self.wsid,
            "TimeSubmit": self.submitted,
            "TimeStart": self.started,
            "TimeEnd": self.ended,
            "Status": self.status,
            "Queue": self.queue,
            "TaskName": self.task,
            "Query": self.query,
            "Context": self.context,
            "Type": self.type,
            "CreatedTable": self.created,
            "OutputLoc": self.output,
            "Error": self.error,
        }
        kept = {name: value for name, value in values.items() if value not in (None, "")}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in kept.items()}


class ConditionError(Exception):
    """Conditions that cannot be parsed."""


_NUMBERS = frozenset({"jobid", "rows", "status", "queue", "webservicesid"})
_TIMES: Mapping[str, str] = {"timesubmit": "submitted", "timestart": "started", "timeend": "ended"}
_TEXTS: Mapping[str, str] = {
    "taskname": "task",
    "error": "error",
    "query": "query",
    "context": "context",
    "type": "type",
    "outputloc": "output",
    "createdtable": "created",
}
_ATTRIBUTES: Mapping[str, str] = {
    "jobid": "id",
    "rows": "rows",
    "status": "status",
    "queue": "queue",
    "webservicesid": "wsid",
    **_TIMES,
    **_TEXTS,
}


def selected(jobs: list[CasJob], conditions: str) -> list[CasJob]:
    """Return the jobs that match conditions such as ``jobid : 5|7 ; status : 4,``."""
    for condition in filter(str.strip, conditions.split(";")):
        key, colon, choices = condition.partition(":")
        name = key.strip().lower()
        if not colon or name not in _ATTRIBUTES:
            raise ConditionError(f"Invalid condition: '{condition.strip()}'.")
        ranges = [_range(name, choice) for choice in choices.split("|")]
        jobs = [job for job in jobs if any(_meets(getattr(job, _ATTRIBUTES[name]), each) for each in ranges)]
    return jobs


Range = tuple[Any, Any]


def _range(name: str, text: str) -> Range:
    """Return the bounds of a condition; None is unbounded."""
    low, comma, high = (part.strip() for part in text.partition(","))
    first = _value(name, low)
    return (first, _value(name, high)) if comma else (first, first)


def _value(name: str, text: str) -> Any:
    if not text:
        return None
    try:
        if name in _NUMBERS:
            return int(text)
        return datetime.fromisoformat(text) if name in _TIMES else text.lower()
    except ValueError:
        raise ConditionError(f"Input string was not in a correct format: '{text}'.") from None


def _meets(value: Any, bounds: Range) -> bool:
    if value is None:
        return False
    value = value.lower() if isinstance(value, str) else value
    low, high = bounds
    return (low is None or low <= value) and (high is None or value <= high)
