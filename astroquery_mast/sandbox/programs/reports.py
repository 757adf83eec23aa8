"""Visit reports: XML for programs, and a page for people.

In: the visits of a program.  Out: text.  Both formats are those of www.stsci.edu, as inferred from the software that
reads them; the page for HST uses different words, and has neither observations nor hours.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from html import escape
from xml.etree import ElementTree  # only written here, never read

from ..packaged import packaged
from .visits import Visit

REPORT_TIME: str = packaged("visits")["report time"]
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FIRST_DAY = dt.datetime(1858, 11, 17)
_DONE = frozenset({"Archived", "Executed", "Failed", "Failed - Archived"})


def _day(moment: dt.datetime) -> str:
    return f"{_MONTHS[moment.month - 1]} {moment.day}, {moment.year}"


def _time(mjd: float) -> str:
    """Return a date as written in the reports: ``Jun 21, 2022 02:41:18``."""
    moment = _FIRST_DAY + dt.timedelta(seconds=round(mjd * 86400))
    return f"{_day(moment)} {moment:%H:%M:%S}"


def _written(write: Callable[[float], str], number: float | None) -> list[str]:
    """Return a formatted number, or nothing for None."""
    return [] if number is None else [write(number)]


def _window(first: int, last: int) -> str:
    """Return a plan window: its dates, and the same dates as day of year."""
    days = [_FIRST_DAY + dt.timedelta(days=day) for day in (first, last)]
    counted = " - ".join(f"{day:%Y.%j}" for day in days)
    return f"{_day(days[0])} - {_day(days[1])} ({counted})"


# -- XML -------------------------------------------------------------------------------------------------------------


def xml_report(mission: str, number: str, visits: Sequence[Visit]) -> str:
    """Return the report as XML."""
    root = ElementTree.Element("visitStatusReport", {"observatory": mission, "id": number})
    _add(root, "title", "Visit Information")
    _add(root, "reportTime", REPORT_TIME)
    for visit in visits:
        names = {"observation": visit.observation, "visit": visit.visit}
        _fill(ElementTree.SubElement(root, "visit", {name: text for name, text in names.items() if text}), visit)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False)


def _fill(element: ElementTree.Element, visit: Visit) -> None:
    texts = {
        "status": [visit.status],
        "target": visit.targets,
        "configuration": visit.configurations,
        "hours": _written("{:.2f}".format, visit.hours),
        "startTime": _written(_time, visit.start),
        "endTime": _written(_time, visit.end),
        "planWindow": [_window(*days) for days in visit.windows],
        "longRangePlanStatus": [visit.plan_status] * bool(visit.plan_status),
    }
    for name, found in texts.items():
        for text in found:
            _add(element, name, text)
    for name, other in (("repeatOf", visit.repeat_of), ("repeatedBy", visit.repeated_by)):
        if other:
            _add_repeat(element, name, other)
    if visit.approved_repeat:
        _add(ElementTree.SubElement(element, "approvedRepeat"), "problemID", visit.approved_repeat)


def _add_repeat(element: ElementTree.Element, name: str, other: Sequence[str]) -> None:
    repeat = ElementTree.SubElement(element, name)
    for part, text in zip(("observation", "visit", "problemID"), other, strict=True):
        if text:
            _add(repeat, part, text)


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text


# -- HTML ------------------------------------------------------------------------------------------------------------


def html_report(mission: str, number: str, visits: Sequence[Visit]) -> str:
    """Return the report as a page with tables of executed, planned, and other visits."""
    groups = ([], [], [])  # type: tuple[list[Visit], list[Visit], list[Visit]]
    for visit in visits:
        groups[0 if visit.status in _DONE else 1 if visit.windows or visit.plan_status else 2].append(visit)
    tables = "".join(_table(mission, group, kind) for kind, group in enumerate(groups) if group)
    return (
        f"<!DOCTYPE html>\n<html><head><title>Visit Information</title></head><body><main>\n<h1>{mission} "
        f"Program {number}</h1>\n<h5>Visit status report: {REPORT_TIME}</h5>\n{tables}</main></body></html>\n"
    )


def _table(mission: str, visits: Sequence[Visit], kind: int) -> str:
    names = ["Observation", "Visit", "Status", "Target(s)", "Template", "Hours"]
    if mission == "HST":
        names = ["Visit", "Status", "Targets", "Configs"]
    names += (["Start UT", "End UT"], ["Plan Windows"], [])[kind]
    names += ["Repeat"] * any(map(_repeat, visits))
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = "".join(_row([_cell(visit, name) for name in names]) for visit in visits)
    return f'<table id="visits{kind + 1}"><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>\n'


def _row(cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"


def _cell(visit: Visit, name: str) -> str:
    texts: dict[str, Sequence[str]] = {
        "Observation": [visit.observation],
        "Visit": [visit.visit],
        "Status": [visit.status],
        "Hours": _written("{:.2f}".format, visit.hours),
        "Start UT": _written(_time, visit.start),
        "End UT": _written(_time, visit.end),
        "Plan Windows": [_window(*days) for days in visit.windows] or [visit.plan_status],
        "Repeat": [_repeat(visit)],
        **dict.fromkeys(("Target(s)", "Targets"), visit.targets),
        **dict.fromkeys(("Template", "Configs"), visit.configurations),
    }
    return "<br/>".join(map(escape, texts[name]))


def _repeat(visit: Visit) -> str:
    """Return the text about repetitions on the page."""
    if visit.repeated_by:
        return f"Rescheduled by WOPR {visit.repeated_by[2]} as {_named(visit.repeated_by, 'visit')} in this program"
    if visit.repeat_of:
        return f"Repeat of {_named(visit.repeat_of, 'visit(s)')} in this program by WOPR {visit.repeat_of[2]}"
    if visit.approved_repeat:
        return f"Repeat visit implementation pending by WOPR {visit.approved_repeat}"
    return ""


def _named(other: Sequence[str], word: str) -> str:
    return f"observation {other[0]} {word} {other[1]}" if other[0] else f"{word} {other[1]}"
