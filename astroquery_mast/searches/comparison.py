"""Find what changed between two results of the same query.

In: two snapshots, each with the time at which it was taken.  Out: the changes, each with the old and the new values as
text.  Nothing is requested, read or written here.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from ..query.values import is_missing

Cell = bool | int | float | str | None
"""A cell of a snapshot; None if MAST has no value."""


class ChangeKind(StrEnum):
    """The types of changes of a row."""

    NEW = "NEW"
    """The row was not in the earlier result."""
    PUBLIC_NOW = "PUBLIC NOW"
    """The release date has passed, or the data rights have become public."""
    LEVEL_UP = "CALIBRATION LEVEL UP"
    """The calibration level is higher, including when a planned observation gets its first data."""
    REPROCESSED = "REPROCESSED"
    """The data were reprocessed, as the checksum, size or versions show."""
    GONE = "GONE"
    """The row is no longer in the result."""


_RIGHTS: Mapping[str, str] = {
    "dataRights": "public",
    "access": "public",
    "isRestricted": "false",
    "sci_status": "public",
}
_RELEASES = ("t_obs_release", "publicReleaseDate", "sci_release_date")
_LEVELS = ("calib_level", "productLevel")
# Columns that only differ if a file was reprocessed; the most readable ones come first.
_VERSIONS = (
    "cal_ver",
    "crds_ctx",
    "prvversion",
    "provenance_version",
    "fileSize",
    "size",
    "sci_generation_date",
    "checksum",
)
WATCHED = (*_RIGHTS, *_RELEASES, *_LEVELS, *_VERSIONS)
"""The columns that are compared."""
IDENTIFIERS = ("obsid", "ArchiveFileID")
"""Columns that distinguish rows with the same name; MAST may renumber them."""
# The limit of integers in state files.
_LARGEST = 2**63
_UNIX_EPOCH, _DAY = 40587.0, 86400.0
_LEVEL = re.compile(r"(-?\d+)([a-z]?)")
_PLANNED = (-1, "")


@dataclass(frozen=True)
class Snapshot:
    """The result of a search at one time."""

    time: float
    """The time of the query (MJD, UTC)."""
    key: tuple[str, ...]
    """The columns that identify a row; empty if there were no rows to determine them from."""
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    """The cells of each row, in the order of the columns."""

    def cells(self, index: int) -> dict[str, Cell]:
        """Return a row as a dictionary with the names of columns."""
        return dict(zip(self.columns, self.rows[index], strict=True))

    def names(self) -> list[tuple[str, ...]]:
        """Return the identifying cells of each row."""
        places = [self.columns.index(name) for name in self.key]
        return [tuple(_text(row[place]) for place in places) for row in self.rows]


@dataclass(frozen=True)
class Change:
    """One change of one row."""

    kind: ChangeKind
    name: tuple[str, ...]
    """The cells that identify the row."""
    reason: str
    """The old and the new values."""
    before: int | None
    """The index of the row in the earlier snapshot; None if it is new."""
    after: int | None
    """The index of the row in the later snapshot; None if it is gone."""


def plain_cell(value: Any) -> Cell:
    """Return a cell as a number, text or boolean; None if it has no value."""
    if is_missing(value):
        return None
    if isinstance(value, float) and math.isinf(value):
        return None
    if isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < _LARGEST):
        return value
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.encode("utf-8", "replace").decode("utf-8")


def changes_between(before: Snapshot, after: Snapshot) -> list[Change]:
    """Return all changes: first of current rows, in their order, then rows that are gone.

    Columns that only one of the snapshots has are not compared, because the tables at MAST or the search have changed.
    """
    names = (before.names(), after.names())
    compare = _Comparison(before, after)
    found: list[Change] = []
    for first, second in _pairs(before, after, names):
        if second is None:
            assert first is not None
            found.append(Change(ChangeKind.GONE, names[0][first], f"last seen on {day_of(before.time)}", first, None))
        elif first is None:
            found.append(Change(ChangeKind.NEW, names[1][second], described(after.cells(second)), None, second))
        else:
            both = compare.rows(first, second)
            found += [Change(kind, names[1][second], reason, first, second) for kind, reason in both.changes()]
    return sorted(found, key=lambda change: len(after.rows) if change.after is None else change.after)


def described(cells: Mapping[str, Cell]) -> str:
    """Return the level, data rights and release date of a row as text."""
    known = [(name, cells[name]) for name in (*_LEVELS, *_RIGHTS, *_RELEASES) if cells.get(name) is not None]
    return "; ".join(f"{name}: {_shown(name, value)}" for name, value in known)


# -- matching rows -----------------------------------------------------------------------------------------------------

_Indices = tuple[int | None, int | None]


def _pairs(
    before: Snapshot, after: Snapshot, names: tuple[Sequence[tuple[str, ...]], Sequence[tuple[str, ...]]]
) -> Iterator[_Indices]:
    """Yield the pairs of matching rows, and the rows without a match."""
    shared = next((name for name in IDENTIFIERS if name in before.columns and name in after.columns), None)
    groups: dict[tuple[str, ...], tuple[dict[str, int], dict[str, int]]] = defaultdict(lambda: ({}, {}))
    for side, snapshot in enumerate((before, after)):
        place = None if shared is None else snapshot.columns.index(shared)
        for index, (name, row) in enumerate(zip(names[side], snapshot.rows, strict=True)):
            # Duplicate rows count once, such as an observation near two targets.
            groups[name][side].setdefault("" if place is None else _text(row[place]), index)
    for first, second in groups.values():
        yield from _pairs_of_a_name(first, second)


def _pairs_of_a_name(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[_Indices]:
    """Yield pairs of rows with the same name: by identifier, and renumbered rows by their order."""
    yield from ((before[each], after[each]) for each in before if each in after)
    left = [index for each, index in before.items() if each not in after]
    right = [index for each, index in after.items() if each not in before]
    yield from zip_longest(left, right)


# -- changes of a row --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Both:
    """A row in both snapshots."""

    cells: Mapping[str, tuple[Cell, Cell]]
    times: tuple[float, float]

    def changes(self) -> Iterator[tuple[ChangeKind, str]]:
        """Yield each type of change and its reason."""
        tests: Mapping[ChangeKind, Callable[[], Iterable[str]]] = {
            ChangeKind.PUBLIC_NOW: self._made_public,
            ChangeKind.LEVEL_UP: self._level_raised,
            ChangeKind.REPROCESSED: self._reprocessed,
        }
        for kind, test in tests.items():
            reasons = list(test())
            if reasons:
                yield kind, "; ".join(reasons)

    def _among(self, names: Iterable[str]) -> Iterator[tuple[str, Cell, Cell]]:
        """Yield the columns that both snapshots have, with the old and the new values."""
        yield from ((name, *self.cells[name]) for name in names if name in self.cells)

    def _made_public(self) -> Iterator[str]:
        """Yield the reasons why a row has become public."""
        rights = list(self._among(_RIGHTS))
        if any(_is_public(name, was) for name, was, _ in rights):
            return
        yield from (_change_text(name, was, now) for name, was, now in rights if _is_public(name, now))
        for name, was, now in self._among(_RELEASES):
            if self._has_passed(was, now):
                yield f"{name}: {_shown(name, now)} has passed"
                return

    def _has_passed(self, was: Cell, now: Cell) -> bool:
        """Return whether a release date has passed since the earlier snapshot."""
        then, release = as_mjd(was), as_mjd(now)
        before, after = self.times
        return release is not None and release <= after and (then is None or then > before)

    def _level_raised(self) -> Iterator[str]:
        """Yield the calibration levels that increased; a missing old level counts as planned."""
        for name, was, now in self._among(_LEVELS):
            if was == now:
                continue
            lower, higher = _PLANNED if was is None else _level(was), _level(now)
            if lower is not None and higher is not None and higher > lower:
                yield _change_text(name, was, now)

    def _reprocessed(self) -> Iterator[str]:
        """Yield the values that show that the data were reprocessed: known in both snapshots, and different."""
        for name, was, now in self._among(_VERSIONS):
            if was is not None and now is not None and _text(was) != _text(now):
                yield _change_text(name, was, now)


class _Comparison:
    """Pairs rows of two snapshots, with the columns that both have."""

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        shared = [name for name in WATCHED if name in before.columns and name in after.columns]
        self._places = [(name, before.columns.index(name), after.columns.index(name)) for name in shared]
        self._before, self._after = before, after

    def rows(self, first: int, second: int) -> _Both:
        """Return the cells of a row in both snapshots."""
        was, now = self._before.rows[first], self._after.rows[second]
        cells = {name: (was[old], now[new]) for name, old, new in self._places}
        return _Both(cells, (self._before.time, self._after.time))


def _is_public(name: str, value: Cell) -> bool:
    """Return whether a column of data rights says that the data are public."""
    return value is not None and _text(value).casefold() in {_RIGHTS[name], *(("0",) if name == "isRestricted" else ())}


def _level(value: Cell) -> tuple[int, str] | None:
    """Return a calibration level, such as 2 or ``2b``, in a form that can be compared."""
    found = _LEVEL.fullmatch(_text(value).casefold())
    return None if found is None else (int(found[1]), found[2])


def _text(value: Cell) -> str:
    """Return a cell as text; the same for 3, 3.0 and ``3``."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _change_text(name: str, was: Cell, now: Cell) -> str:
    return f"{name}: {_shown(name, was)} -> {_shown(name, now)}"


def _shown(name: str, value: Cell) -> str:
    """Return a cell as text for display, with releases as dates."""
    if value is None:
        return "none"
    day = as_mjd(value) if name in _RELEASES else None
    return _text(value) if day is None else day_of(day)


# -- dates -------------------------------------------------------------------------------------------------------------


def as_mjd(value: Cell) -> float | None:
    """Return a date, which is an MJD or text (UTC) at MAST, as MJD; None if it is not a date."""
    if isinstance(value, str):
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(value.strip())
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return aware.timestamp() / _DAY + _UNIX_EPOCH
        return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def iso_of(mjd: float) -> str:
    """Return an MJD as an ISO date with time, to the second; as a number if it is outside the range of dates."""
    with suppress(ValueError, OverflowError):
        moment = datetime(1858, 11, 17, tzinfo=UTC) + timedelta(days=mjd)
        return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"MJD {mjd:g}"


def day_of(mjd: float) -> str:
    """Return an MJD as an ISO date without time."""
    return iso_of(mjd).partition("T")[0]
