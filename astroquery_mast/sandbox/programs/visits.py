"""The visits of a program: those with observations in the archive, and others that were skipped or failed.

In: a mission and a program number.  Out: the lines of the program in the program list, and its visits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..archive.pointing import HST_PROGRAMS, JWST_PROGRAMS, Program
from ..packaged import packaged

if TYPE_CHECKING:
    from ..archive import Archive

_LISTS = {"HST": HST_PROGRAMS, "JWST": JWST_PROGRAMS}
_ALSO: Mapping[str, Sequence[Mapping[str, Any]]] = packaged("visits")["also"]
_CONFIGURATIONS: Mapping[str, str] = packaged("visits")["configurations"]
#: Status of a visit without a plan window.
NOT_PLANNED = "Ready for long range planning, plan window not yet assigned"
# Length of a plan window, and interval to the next one, in days.
_WINDOW, _NEXT = 9, 160


@dataclass(frozen=True)
class Visit:
    """A visit; times are MJD, repetitions are (observation, visit, number of the problem report)."""

    observation: str
    visit: str
    status: str = ""
    targets: Sequence[str] = ()
    configurations: Sequence[str] = ()
    hours: float | None = None
    start: float | None = None
    end: float | None = None
    windows: Sequence[tuple[int, int]] = ()
    plan_status: str = ""
    repeat_of: Sequence[str] = ()
    repeated_by: Sequence[str] = ()
    approved_repeat: str = ""


def lines_of(mission: str, number: str) -> list[Program]:
    """Return the lines of a program; there are none for an unknown program."""
    return [line for line in _LISTS.get(mission, ()) if str(line.number) == number.lstrip("0")]


def visits_of(archive: Archive, mission: str, number: str) -> list[Visit]:
    """Return the visits of a program in order."""
    number = number.lstrip("0")
    found = {(visit.observation, visit.visit): visit for visit in _archived(archive, mission, number)}
    for other in _ALSO.get(f"{mission} {number}", ()):
        key = str(other.get("observation", "")), str(other["visit"])
        found[key] = replace(found.get(key, Visit(*key)), **{name: other[name] for name in other})
    return [found[key] for key in sorted(found, key=lambda key: (int(key[0] or 0), key[1]))]


def _archived(archive: Archive, mission: str, number: str) -> Iterator[Visit]:
    """Generate the visits with executed or planned observations."""
    rows = archive.query(
        "SELECT obs_id, target_name, instrument_name, calib_level, t_min, t_max, t_exptime FROM observation "
        "WHERE obs_collection = ? AND proposal_id = ? AND intentType = 'science' ORDER BY obs_id",
        (mission, number),
    )
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(_key_of(mission, row["obs_id"]), []).append(row)
    for key, group in grouped.items():
        if key[1]:
            yield _visit(mission, key, group)


def _key_of(mission: str, obs_id: str) -> tuple[str, str]:
    """Return observation and visit of an ``obs_id``: ``jw01783-o001_...`` for JWST, ``j97c01010`` for HST."""
    if mission == "HST":
        return "", obs_id[4:6].upper()
    return (str(int(obs_id[9:12])), "1") if obs_id[7:9] == "-o" else ("", "")


def _hours(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the duration of a visit: exposures plus overhead."""
    return round(0.6 + 1.3 * sum(row["t_exptime"] or 900.0 for row in rows) / 3600.0, 2)


def _different(rows: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    return sorted({str(row[name]) for row in rows})


def _visit(mission: str, key: tuple[str, str], rows: Sequence[Mapping[str, Any]]) -> Visit:
    instruments, targets = (_different(rows, name) for name in ("instrument_name", "target_name"))
    visit = Visit(*key, targets=targets, configurations=instruments)
    if mission == "JWST":
        names = [_CONFIGURATIONS.get(name, name) for name in instruments]
        visit = replace(visit, configurations=names, hours=_hours(rows))
    if any(row["calib_level"] < 0 for row in rows):
        return _planned(visit, "Flight Ready" if mission == "JWST" else "Scheduling")
    start, end = min(row["t_min"] for row in rows), max(row["t_max"] for row in rows)
    return replace(visit, status="Archived", start=start, end=end)


def _planned(visit: Visit, ready: str) -> Visit:
    """Return the visit before its execution: with one plan window, two, or none."""
    number = int("".join(filter(str.isdigit, visit.observation or visit.visit)) or 1)
    if number % 3 == 0:
        return replace(visit, status="Implementation", plan_status=NOT_PLANNED)
    first = 61700 + 11 * number
    starts = (first, first + _NEXT)[: number % 3]
    return replace(visit, status=ready, windows=[(start, start + _WINDOW) for start in starts])
