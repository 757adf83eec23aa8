"""What has changed between two answers to the same question.

In: two snapshots, each with the time at which it was taken. Out: the changes, each with what was and what is in words.
Pure: nothing is asked, read or written here.
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
"""A cell of a snapshot; None where the archive has no value."""


class ChangeKind(StrEnum):
    """What has happened to a row."""

    NEW = "NEW"
    """It was not there."""
    PUBLIC_NOW = "PUBLIC NOW"
    """Its release has passed, or its rights have become public."""
    LEVEL_UP = "CALIBRATION LEVEL UP"
    """Its calibration level is higher; the first data of a planned observation among them."""
    REPROCESSED = "REPROCESSED"
    """It was made anew, as its checksum, size or versions prove."""
    GONE = "GONE"
    """It is not there any more."""


_RIGHTS: Mapping[str, str] = {
    "dataRights": "public",
    "access": "public",
    "isRestricted": "false",
    "sci_status": "public",
}
_RELEASES = ("t_obs_release", "publicReleaseDate", "sci_release_date")
_LEVELS = ("calib_level", "productLevel")
# What cannot differ unless a file was made anew; what readers understand comes first.
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
"""The columns that tell of changes."""
IDENTIFIERS = ("obsid", "ArchiveFileID")
"""Columns that tell rows apart which have the same names; the archive may number them anew."""
# Files keep integers of so many bits.
_LARGEST = 2**63
_UNIX_EPOCH, _DAY = 40587.0, 86400.0
_LEVEL = re.compile(r"(-?\d+)([a-z]?)")
_PLANNED = (-1, "")


@dataclass(frozen=True)
class Snapshot:
    """What was found at one time."""

    time: float
    """When the archive was asked (MJD, UTC)."""
    key: tuple[str, ...]
    """The columns that name a row; none if there were no rows from which to tell."""
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    """The cells of each row, in the order of the columns."""

    def cells(self, index: int) -> dict[str, Cell]:
        """Return a row by the names of columns."""
        return dict(zip(self.columns, self.rows[index], strict=True))

    def names(self) -> list[tuple[str, ...]]:
        """Return the name of each row."""
        places = [self.columns.index(name) for name in self.key]
        return [tuple(_text(row[place]) for place in places) for row in self.rows]


@dataclass(frozen=True)
class Change:
    """One thing that has happened to one row."""

    kind: ChangeKind
    name: tuple[str, ...]
    """The row, by the columns that name it."""
    reason: str
    """What was and what is."""
    before: int | None
    """The place of the row in the first snapshot; None if it was not there."""
    after: int | None
    """Its place in the second."""


def plain_cell(value: Any) -> Cell:
    """Return a cell as a number, text or truth value; None if it has no value."""
    if is_missing(value):
        return None
    if isinstance(value, float) and math.isinf(value):
        return None
    if isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < _LARGEST):
        return value
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.encode("utf-8", "replace").decode("utf-8")


def changes_between(before: Snapshot, after: Snapshot) -> list[Change]:
    """Return all changes: in the order of the rows that are there, then those that are gone.

    Columns that only one of the two has are not compared: they are those of another version of the archive, or of the
    search.
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
    """Return what a row says of its level, its rights and its release."""
    known = [(name, cells[name]) for name in (*_LEVELS, *_RIGHTS, *_RELEASES) if cells.get(name) is not None]
    return "; ".join(f"{name}: {_shown(name, value)}" for name, value in known)


# -- which rows are the same -----------------------------------------------------------------------------------------

_Indices = tuple[int | None, int | None]


def _pairs(
    before: Snapshot, after: Snapshot, names: tuple[Sequence[tuple[str, ...]], Sequence[tuple[str, ...]]]
) -> Iterator[_Indices]:
    """Give the rows that are the same in both, and those that have no other."""
    shared = next((name for name in IDENTIFIERS if name in before.columns and name in after.columns), None)
    groups: dict[tuple[str, ...], tuple[dict[str, int], dict[str, int]]] = defaultdict(lambda: ({}, {}))
    for side, snapshot in enumerate((before, after)):
        place = None if shared is None else snapshot.columns.index(shared)
        for index, (name, row) in enumerate(zip(names[side], snapshot.rows, strict=True)):
            # A row that comes twice, as one near two targets does, counts once.
            groups[name][side].setdefault("" if place is None else _text(row[place]), index)
    for first, second in groups.values():
        yield from _pairs_of_a_name(first, second)


def _pairs_of_a_name(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[_Indices]:
    """Pair rows of one name: by their identifiers, and those that were numbered anew in their order."""
    yield from ((before[each], after[each]) for each in before if each in after)
    left = [index for each, index in before.items() if each not in after]
    right = [index for each, index in after.items() if each not in before]
    yield from zip_longest(left, right)


# -- what has happened to a row ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Both:
    """A row as it was and as it is."""

    cells: Mapping[str, tuple[Cell, Cell]]
    times: tuple[float, float]

    def changes(self) -> Iterator[tuple[ChangeKind, str]]:
        """Give what has happened, and the reason."""
        tests: Mapping[ChangeKind, Callable[[], Iterable[str]]] = {
            ChangeKind.PUBLIC_NOW: self._made_public,
            ChangeKind.LEVEL_UP: self._raised,
            ChangeKind.REPROCESSED: self._made_anew,
        }
        for kind, test in tests.items():
            reasons = list(test())
            if reasons:
                yield kind, "; ".join(reasons)

    def _among(self, names: Iterable[str]) -> Iterator[tuple[str, Cell, Cell]]:
        """Give the columns that both have, with what was and what is."""
        yield from ((name, *self.cells[name]) for name in names if name in self.cells)

    def _made_public(self) -> Iterator[str]:
        """Give the signs that a row is public now and was not."""
        rights = list(self._among(_RIGHTS))
        if any(_is_public(name, was) for name, was, _ in rights):
            return
        yield from (_told(name, was, now) for name, was, now in rights if _is_public(name, now))
        for name, was, now in self._among(_RELEASES):
            if self._has_passed(was, now):
                yield f"{name}: {_shown(name, now)} has passed"
                return

    def _has_passed(self, was: Cell, now: Cell) -> bool:
        """Tell whether a release is in the past now, and was not."""
        then, release = as_mjd(was), as_mjd(now)
        before, after = self.times
        return release is not None and release <= after and (then is None or then > before)

    def _raised(self) -> Iterator[str]:
        """Give the levels that are higher; what has none is planned."""
        for name, was, now in self._among(_LEVELS):
            if was == now:
                continue
            lower, higher = _PLANNED if was is None else _level(was), _level(now)
            if lower is not None and higher is not None and higher > lower:
                yield _told(name, was, now)

    def _made_anew(self) -> Iterator[str]:
        """Give the proofs that a row was made anew: what is known of both and differs."""
        for name, was, now in self._among(_VERSIONS):
            if was is not None and now is not None and _text(was) != _text(now):
                yield _told(name, was, now)


class _Comparison:
    """Brings rows of two snapshots together, with the columns that both have."""

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        shared = [name for name in WATCHED if name in before.columns and name in after.columns]
        self._places = [(name, before.columns.index(name), after.columns.index(name)) for name in shared]
        self._before, self._after = before, after

    def rows(self, first: int, second: int) -> _Both:
        """Return a row as it was and as it is."""
        was, now = self._before.rows[first], self._after.rows[second]
        cells = {name: (was[old], now[new]) for name, old, new in self._places}
        return _Both(cells, (self._before.time, self._after.time))


def _is_public(name: str, value: Cell) -> bool:
    """Tell whether a column of rights says that everybody may have the data."""
    return value is not None and _text(value).casefold() in {_RIGHTS[name], *(("0",) if name == "isRestricted" else ())}


def _level(value: Cell) -> tuple[int, str] | None:
    """A calibration level that can be compared: 2, ``2b``."""
    found = _LEVEL.fullmatch(_text(value).casefold())
    return None if found is None else (int(found[1]), found[2])


def _text(value: Cell) -> str:
    """A cell as text, the same for 3, 3.0 and ``3``."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _told(name: str, was: Cell, now: Cell) -> str:
    return f"{name}: {_shown(name, was)} -> {_shown(name, now)}"


def _shown(name: str, value: Cell) -> str:
    """A cell for the reader; releases as dates."""
    if value is None:
        return "none"
    day = as_mjd(value) if name in _RELEASES else None
    return _text(value) if day is None else day_of(day)


# -- dates -------------------------------------------------------------------------------------------------------------


def as_mjd(value: Cell) -> float | None:
    """Return a date, which the archive gives as MJD or as text (UTC), as MJD; None if it is none."""
    if isinstance(value, str):
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(value.strip())
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return aware.timestamp() / _DAY + _UNIX_EPOCH
        return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def iso_of(mjd: float) -> str:
    """Return MJD as a date in ISO form, to the second; as a number if no calendar reaches so far."""
    with suppress(ValueError, OverflowError):
        moment = datetime(1858, 11, 17, tzinfo=UTC) + timedelta(days=mjd)
        return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"MJD {mjd:g}"


def day_of(mjd: float) -> str:
    """Return MJD as a date without the time."""
    return iso_of(mjd).partition("T")[0]
