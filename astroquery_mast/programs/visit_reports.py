"""Visit reports of www.stsci.edu: the status of each visit, read from XML or a web page.

Content that is not understood raises an error, so that no value can appear in the wrong column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any
from xml.etree import ElementTree

from bs4 import BeautifulSoup, Tag

from ..exceptions import InvalidResponseError
from .program import ProgramId
from .site import check_page

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Month names are parsed here because those of ``strptime`` depend on the locale.
_DAY = r"([A-Za-z]{3})[a-z]*\.? +(\d{1,2}), *(\d{4})"
_MOMENT = re.compile(rf"{_DAY} +(\d\d?):(\d\d):(\d\d)")
_WINDOW = re.compile(rf"{_DAY} *[-\N{{EN DASH}}] *{_DAY}(?: *\([^)]*\))?")
_REPORT_TIME = re.compile(r"([A-Z][a-z]{2}) +(\d\d?) +(\d\d):(\d\d):(\d\d) +([A-Z]{3}) +(\d{4})")
# Hours by which each time zone is behind UTC: that of Baltimore, and UTC itself.
_ZONES = {"EST": 5, "EDT": 4, "UTC": 0, "GMT": 0}
# The columns of the page: the beginning of the heading, and the name of the content.
_HEADINGS = (
    ("observation", "observation"),
    ("visit", "visit"),
    ("status", "status"),
    ("target", "targets"),
    ("template", "configurations"),
    ("config", "configurations"),
    ("instrument", "configurations"),
    ("science instrument", "configurations"),
    ("hours", "hours"),
    ("start", "start"),
    ("end", "end"),
    ("plan window", "windows"),
    ("repeat", "repeat"),
)
_DIGIT = re.compile(r"\d")
Moments = tuple[datetime, datetime]


@dataclass(frozen=True)
class Repeat:
    """The other visit of a repetition, and the number of the problem report that led to it."""

    other: str
    problem: str


@dataclass(frozen=True)
class VisitStatus:
    """The status of a visit in a report; times are UTC."""

    observation: str
    visit: str
    status: str = ""
    targets: tuple[str, ...] = ()
    configurations: tuple[str, ...] = ()
    hours: float | None = None
    start: datetime | None = None
    end: datetime | None = None
    windows: tuple[Moments, ...] = ()
    plan_status: str = ""
    repeat_of: Repeat | None = None
    repeated_by: Repeat | None = None
    pending: str = ""


@dataclass(frozen=True)
class VisitReport:
    """All visits of a program, and the time of the report."""

    visits: Sequence[VisitStatus]
    made: datetime | None = None


def read_report(body: bytes, program: ProgramId) -> VisitReport:
    """Read a report in XML or HTML."""
    text = body.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    is_xml = text.startswith("<?xml") or "<visitStatusReport" in text[:2000]
    is_page = "<html" in text[:2000].lower()
    report = _read_xml(text, program) if is_xml and not is_page else _read_page(text, program)
    if report.visits and not any(visit.status for visit in report.visits):
        raise changed_form("none of the visits has a status")
    # A page groups visits by status.
    return replace(report, visits=sorted(report.visits, key=_order))


def _order(visit: VisitStatus) -> tuple[int, int, str]:
    """Return a sort key by which 2 precedes 10, and numbers precede letters."""
    observation, name = (int(text) if text.isdecimal() else 10**9 for text in (visit.observation, visit.visit))
    return observation, name, visit.visit


def changed_form(what: str) -> InvalidResponseError:
    """Return the error for a report that cannot be parsed."""
    return InvalidResponseError(f"The format of the report has changed: {what}.")


# -- XML -------------------------------------------------------------------------------------------------------------


def _read_xml(text: str, program: ProgramId) -> VisitReport:
    """Return the visits in an XML report."""
    try:
        # Expat itself limits the expansion of entities.
        root = ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError) as err:
        raise changed_form(f"it is not XML ({err})") from err
    if root.tag != "visitStatusReport":
        raise changed_form(f"expected <visitStatusReport>, got <{root.tag}>")
    _check_program(root, program)
    visits = [_visit_of(element, program) for element in root.iterfind("visit")]
    return VisitReport(visits, _report_time(root.findtext("reportTime") or ""))


def _check_program(root: ElementTree.Element, program: ProgramId) -> None:
    """Raise if a report is about another program."""
    number, mission = root.get("id", "").strip(), root.get("observatory", "").strip().upper()
    if number and number.lstrip("0") != str(program.number):
        raise changed_form(f"it is about program {number}")
    if mission and mission != program.mission:
        raise changed_form(f"it is about a program of {mission}")


def _visit_of(element: ElementTree.Element, program: ProgramId) -> VisitStatus:
    """Return the visit that an element describes."""
    visit = _named_visit(element.get("observation", ""), element.get("visit", ""), program)
    pending = element.find("approvedRepeat")
    return replace(
        visit,
        status=" - ".join(_texts(element, "status")),
        targets=tuple(_texts(element, "target")),
        configurations=tuple(_texts(element, "configuration")),
        hours=_hours(_one(element, "hours")),
        start=_moment(_one(element, "startTime")),
        end=_moment(_one(element, "endTime")),
        **_plans(_texts(element, "planWindow"), _texts(element, "longRangePlanStatus")),
        repeat_of=_repeat(element.find("repeatOf")),
        repeated_by=_repeat(element.find("repeatedBy")),
        pending="" if pending is None else _one(pending, "problemID"),
    )


def _texts(element: ElementTree.Element, name: str) -> list[str]:
    """Return the text of all elements with a name."""
    found = (" ".join((child.text or "").split()) for child in element.iterfind(name))
    return [text for text in found if text]


def _one(element: ElementTree.Element, name: str) -> str:
    """Return the text of the first element with a name; empty if there is none."""
    return next(iter(_texts(element, name)), "")


def _repeat(element: ElementTree.Element | None) -> Repeat | None:
    if element is None:
        return None
    return Repeat(_other(_one(element, "observation"), _one(element, "visit")), _one(element, "problemID"))


# -- the page --------------------------------------------------------------------------------------------------------


def _read_page(text: str, program: ProgramId) -> VisitReport:
    """Return the visits in the tables of a web page, one table for each status."""
    page = BeautifulSoup(text, "html.parser")
    check_page(page, program)
    tables = [table for table in page.find_all("table") if table.find_parent("table") is None]
    found = [rows for rows in map(_rows, tables) if rows is not None]
    if not found:
        raise changed_form("the page has no table of visits")
    visits = [_visit_in(row, program) for row in chain.from_iterable(found)]
    return VisitReport(visits, _report_time(page.get_text(" ")))


def _rows(table: Tag) -> list[Mapping[str, list[str]]] | None:
    """Return the rows of a table, with the lines of each cell by the name of the column; None for other tables."""
    lines = [[_lines(cell) for cell in row.find_all(["td", "th"])] for row in table.find_all("tr")]
    names = [_column_name(" ".join(cell)) for cell in lines[0]] if lines else []
    if not {"visit", "status"} <= set(names):
        return None
    known = list(filter(None, names))
    if len(set(known)) < len(known):
        raise changed_form("two of its columns have the same heading")
    return [_row_by_column(names, line) for line in lines[1:] if any(line)]


def _row_by_column(names: Sequence[str | None], line: Sequence[list[str]]) -> Mapping[str, list[str]]:
    """Return one row, with the lines of each cell by the name of the column."""
    if len(line) != len(names):
        raise changed_form("a row does not match the header of its table")
    return {name: cell for name, cell in zip(names, line, strict=True) if name is not None}


def _lines(cell: Tag) -> list[str]:
    """Return the lines in a cell."""
    for line_break in cell.find_all("br"):
        line_break.replace_with("\n")
    found = (" ".join(line.split()) for line in cell.get_text().split("\n"))
    return [line for line in found if line]


def _column_name(heading: str) -> str | None:
    """Return the name of the column with a heading; None if it is unknown."""
    text = heading.lower().strip()
    return next((name for begin, name in _HEADINGS if text.startswith(begin)), None)


def _visit_in(row: Mapping[str, list[str]], program: ProgramId) -> VisitStatus:
    """Return the visit that a row describes."""
    texts = {name: " ".join(lines) for name, lines in row.items()}
    visit = _named_visit(texts.get("observation", ""), texts.get("visit", ""), program)
    return replace(
        visit,
        status=texts["status"],
        targets=tuple(row.get("targets", ())),
        configurations=tuple(row.get("configurations", ())),
        hours=_hours(texts.get("hours", "")),
        start=_moment(texts.get("start", "")),
        end=_moment(texts.get("end", "")),
        **_plans(row.get("windows", ())),
        **_repeats_in(texts.get("repeat", "")),
    )


def _repeats_in(text: str) -> dict[str, Any]:
    """Return the repetitions that a cell describes; raise if the wording is unknown."""
    matches = ((name, pattern.search(text), read) for name, pattern, read in _REPEATS)
    found = {name: read(match) for name, match, read in matches if match is not None}
    if text and not found:
        raise changed_form(f"{text!r} is not a known description of a repetition")
    return found


def _other(observation: str | None, visit: str) -> str:
    """Return the name of another visit of the program."""
    return ":".join(filter(None, (observation, visit)))


# The wordings of repetitions on the page, with the fields and values that they specify.
_REPEATS: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], Any]], ...] = (
    (
        "repeated_by",
        re.compile(r"Rescheduled by [A-Z]+ (\d+) as (?:observation (\S+) )?visit (\S+)"),
        lambda by: Repeat(_other(by[2], by[3]), by[1]),
    ),
    (
        "repeat_of",
        re.compile(r"Repeat of (?:observation (\S+) )?visit(?:\(s\)|s)? (.+?) in .*? by [A-Z]+ (\d+)"),
        lambda of: Repeat(_other(of[1], of[2]), of[3]),
    ),
    ("pending", re.compile(r"Repeat visit implementation pending by [A-Z]+ (\d+)"), lambda pending: pending[1]),
)


# -- cells -----------------------------------------------------------------------------------------------------------


def _named_visit(observation: str, visit: str, program: ProgramId) -> VisitStatus:
    """Return a visit with its name only."""
    names = (observation.strip(), visit.strip())
    if not names[1] or (program.mission == "JWST" and not all(name.isdecimal() for name in names)):
        raise changed_form(f"observation {names[0]!r}, visit {names[1]!r} is not a visit of {program.mission}")
    return VisitStatus(*names)


def _hours(text: str) -> float | None:
    if not text:
        return None
    try:
        hours = float(text)
    except ValueError:
        hours = -1.0
    if not 0 <= hours < 1e5:
        raise changed_form(f"{text!r} is not a number of hours")
    return hours


def _moment(text: str) -> datetime | None:
    """Return a time, or None for an empty string."""
    if not text:
        return None
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise changed_form(f"{text!r} is not a time")
    return _day(found[1], found[2], found[3], text) + timedelta(
        hours=int(found[4]), minutes=int(found[5]), seconds=int(found[6])
    )


def _plans(texts: Sequence[str], words: Sequence[str] = ()) -> dict[str, Any]:
    """Return the plan windows in some strings, and the text that replaces a plan window."""
    windows, others = [], list(words)
    for text in texts:
        if _DIGIT.search(text):
            windows.append(_window(text))
        else:
            others.append(text)
    return {"windows": tuple(windows), "plan_status": "; ".join(others)}


def _window(text: str) -> Moments:
    """Return a plan window, from the beginning of its first day to the last second of its last day."""
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise changed_form(f"{text!r} is not a plan window")
    first, last = (_day(found[place], found[place + 1], found[place + 2], text) for place in (1, 4))
    if last < first:
        raise changed_form(f"the plan window {text!r} ends before it starts")
    return first, last + timedelta(days=1, seconds=-1)


def _day(month: str, day: str, year: str, text: str) -> datetime:
    """Return the beginning of a day."""
    try:
        return datetime(int(year), _MONTHS.index(month.lower()) + 1, int(day), tzinfo=UTC)
    except ValueError:
        raise changed_form(f"{text!r} is not a date") from None


def _report_time(text: str) -> datetime | None:
    """Return the time of the report; None if it is missing or in an unknown form."""
    found = _REPORT_TIME.search(text)
    if found is None or found[6] not in _ZONES or found[1].lower() not in _MONTHS:
        return None
    hours, minutes, seconds = (int(found[place]) for place in (3, 4, 5))
    day = _day(found[1], found[2], found[7], text[:100])
    return day + timedelta(hours=hours + _ZONES[found[6]], minutes=minutes, seconds=seconds)
