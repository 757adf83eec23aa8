"""The visits of a program as a table.

In: the status of each visit in a report.  Out: an `~astropy.table.Table` with times as `~astropy.time.Time`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import numpy as np
from astropy.table import Table
from astropy.time import Time

from ..products.manifest import masked_column, text_column
from ..service.retrying import Deadline
from ..tables.result_table import ResultTable
from ..tables.table import now_iso
from ..warn import warn_no_results
from .program import ProgramId
from .site import ProgramSite
from .visit_reports import Repeat, VisitReport, VisitStatus, read_report

# The value of a masked time.
_UNDER_MASK = "2000-01-01 00:00:00"


def _other(repeat: Repeat | None) -> str:
    return "" if repeat is None else repeat.other


def _problem(visit: VisitStatus) -> str:
    repeat = visit.repeated_by or visit.repeat_of
    return visit.pending if repeat is None else repeat.problem


_TEXTS: tuple[tuple[str, str, Callable[[VisitStatus], str]], ...] = (
    ("status", "Status of the visit", lambda visit: visit.status),
    ("target", "Targets, as the proposers named them", lambda visit: "; ".join(visit.targets)),
    ("configuration", "Instruments and modes", lambda visit: "; ".join(visit.configurations)),
)
_REPEATS: tuple[tuple[str, str, Callable[[VisitStatus], str]], ...] = (
    ("plan_status", "Text of the report instead of a plan window", lambda visit: visit.plan_status),
    ("repeat_of", "The visit that this one repeats", lambda visit: _other(visit.repeat_of)),
    ("repeated_by", "The visit by which this one is repeated", lambda visit: _other(visit.repeated_by)),
    ("problem", "Number of the problem report that leads to a repetition", _problem),
)


def visits_table(site: ProgramSite, program: ProgramId, deadline: Deadline) -> Table:
    """Return the table of visits from the first report that can be read."""

    def read(body: bytes) -> VisitReport:
        return read_report(body, program)

    addresses = program.visit_addresses(site.server)
    report, url = site.first_readable(program, "report of visits", addresses, read, deadline)
    table = table_of_visits(report, program)
    table.meta = {
        "service": ["Program visits"],
        "url": [url],
        "time": [now_iso()],
        "rows": [len(table)],
        "observatory": [program.mission],
        "report_time": ["" if report.made is None else report.made.strftime("%Y-%m-%dT%H:%M:%S")],
    }
    if not len(table):
        warn_no_results([f"{program} has no visits yet, or they are not listed in the report: {url}"])
    return table


def table_of_visits(report: VisitReport, program: ProgramId) -> Table:
    """Return a report as a table."""
    visits = report.visits
    columns: dict[str, Any] = {
        "proposal_id": text_column([str(program.number)] * len(visits), "Number of the program"),
        "observation": masked_column(
            list(map(_observation, visits)), "i8", None, "Number of the observation; HST has none"
        ),
        "visit": text_column(map(attrgetter("visit"), visits), "Visit"),
        "visit_id": text_column(
            [_visit_id(visit, program) for visit in visits], "Start of the names of its files (JWST)"
        ),
    }
    columns |= {name: text_column(map(part, visits), about) for name, about, part in _TEXTS}
    columns["hours"] = masked_column(list(map(attrgetter("hours"), visits)), "f8", "h", "Charged time")
    columns["start"] = _times(map(attrgetter("start"), visits))
    columns["end"] = _times(map(attrgetter("end"), visits))
    columns |= _plans(visits)
    columns |= {name: text_column(map(part, visits), about) for name, about, part in _REPEATS}
    columns["repeat_pending"] = np.array([bool(visit.pending) for visit in visits], dtype=bool)
    table = ResultTable(columns, masked=True)
    for name, about in _ABOUT_TIMES.items():
        table[name].info.description = about
    return table


def _plans(visits: Sequence[VisitStatus]) -> dict[str, Time]:
    """Return the columns of plan windows: the start and end of all windows together, and each window."""
    return {
        "plan_start": _times([min((begin for begin, _ in visit.windows), default=None) for visit in visits]),
        "plan_end": _times([max((end for _, end in visit.windows), default=None) for visit in visits]),
        "plan_windows": _windows(visits),
    }


_ABOUT_TIMES = {
    "start": "Start of the visit (UTC)",
    "end": "End of the visit (UTC)",
    "plan_start": "Start of the first plan window (UTC)",
    "plan_end": "End of the last plan window (UTC)",
    "plan_windows": "All plan windows, as pairs of start and end (UTC)",
    "repeat_pending": "Whether a repetition is approved and not yet planned",
}


def _observation(visit: VisitStatus) -> int | None:
    """Return the number of the observation."""
    return int(visit.observation) if visit.observation.isdecimal() else None


def _visit_id(visit: VisitStatus, program: ProgramId) -> str:
    """Return the beginning of a visit's file names; empty for HST, whose names do not contain the program."""
    if program.mission != "JWST":
        return ""
    return f"jw{program.number:05d}{int(visit.observation):03d}{int(visit.visit):03d}"


def _times(moments: Iterable[datetime | None]) -> Time:
    """Return a column of times, masked where there is no time."""
    return _as_time(np.array(list(map(_iso, moments)), dtype="U19"))


def _windows(visits: Sequence[VisitStatus]) -> Time:
    """Return the plan windows as (visit, window, start and end), masked where a visit has fewer windows."""
    most = max((len(visit.windows) for visit in visits), default=0) or 1
    texts = np.full((len(visits), most, 2), "", dtype="U19")
    for row, visit in enumerate(visits):
        for place, window in enumerate(visit.windows):
            texts[row, place] = list(map(_iso, window))
    return _as_time(texts)


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")


def _as_time(texts: np.ndarray[Any, Any]) -> Time:
    unknown = texts == ""
    times = Time(np.where(unknown, _UNDER_MASK, texts), format="iso", scale="utc", precision=0)
    if unknown.any():
        times[unknown] = np.ma.masked
    return times
