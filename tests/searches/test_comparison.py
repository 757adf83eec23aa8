"""The comparison of two snapshots finds exactly the changes between them.

``SEARCH_HISTORIES=10000 python -m pytest tests/searches/test_comparison.py`` tries ten thousand random histories.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.searches.comparison import (
    Cell,
    ChangeKind,
    Snapshot,
    as_mjd,
    changes_between,
    day_of,
    iso_of,
    plain_cell,
)

HISTORIES = int(os.environ.get("SEARCH_HISTORIES", "1500"))
STEPS = 4
KEY = ("obs_collection", "obs_id")
ALWAYS = (*KEY, "obsid")
COMPARED = ("calib_level", "dataRights", "t_obs_release", "size", "cal_ver", "checksum")

# -- a simulated archive that records its changes ----------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """An observation in the simulated archive."""

    name: str
    number: int
    level: int | None
    public: bool
    release: float | None
    size: int | None
    version: int
    target: str

    def cells(self, columns: tuple[str, ...]) -> list[Cell]:
        """Return the row of a table."""
        row: dict[str, Cell] = {
            "obs_collection": "HST" if self.number % 2 else "JWST",
            "obs_id": self.name,
            "obsid": str(self.number),
            "calib_level": self.level,
            "dataRights": None if self.level is None else "PUBLIC" if self.public else "EXCLUSIVE_ACCESS",
            "t_obs_release": self.release,
            "size": self.size,
            "cal_ver": None if self.level is None else f"1.{self.version}",
            "checksum": f"{self.version:032x}",
            "target_name": self.target,
        }
        return [row[column] for column in columns]


@dataclass
class History:
    """A simulated archive that changes over time and records its changes."""

    dice: random.Random
    time: float = 60000.0
    items: dict[str, Item] = field(default_factory=dict)
    columns: tuple[str, ...] = (*ALWAYS, *COMPARED, "target_name")
    made: int = 0

    def snapshot(self) -> Snapshot:
        """Return the result of a search, in random order."""
        rows = [item.cells(self.columns) for item in self.items.values()]
        self.dice.shuffle(rows)
        return Snapshot(self.time, KEY, self.columns, rows)

    def add(self) -> str:
        """Add a planned, exclusive or public observation."""
        self.made += 1
        planned, public = self.dice.random() < 0.3, self.dice.random() < 0.5
        release = None if planned or self.dice.random() < 0.2 else self.time + (-5.0 if public else 40.5)
        level, size = (None, None) if planned else (self.dice.randint(1, 2), 100)
        name = f"x{self.made}"
        self.items[name] = Item(name, self.made, level, public and not planned, release, size, 1, "M51")
        return name

    def pass_time(self) -> Counter[tuple[str, ChangeKind]]:
        """Change some observations at random; return the changes."""
        before_time, self.time = self.time, self.time + self.dice.choice([0.0, 1.0, 50.0])
        happened: Counter[tuple[str, ChangeKind]] = Counter()
        old = self.columns
        absent = self.dice.choice([*COMPARED, "", "", "", ""])
        self.columns = (*ALWAYS, *(name for name in COMPARED if name != absent), "target_name")
        seen = {*old} & {*self.columns}
        for name in list(self.items):
            if self.dice.random() < 0.15:
                del self.items[name]
                happened[name, ChangeKind.GONE] += 1
                continue
            happened.update((name, kind) for kind in self._change(name, before_time, seen))
        for _ in range(self.dice.choice([0, 0, 1, 3])):
            happened[self.add(), ChangeKind.NEW] += 1
        return happened

    def _change(self, name: str, before: float, seen: set[str]) -> Iterator[ChangeKind]:
        """Change one observation, and yield the changes that can be detected in the compared columns."""
        item = self.items[name]
        now = replace(item, target=self.dice.choice(["M51", "NGC 5194"]))
        if self.dice.random() < 0.3:
            now = replace(now, level=(item.level or 1) + 1, size=item.size or 100)
            if "calib_level" in seen:
                yield ChangeKind.LEVEL_UP
        if self.dice.random() < 0.3:
            now = replace(now, version=item.version + 1)
            if "checksum" in seen or ("cal_ver" in seen and item.level is not None):
                yield ChangeKind.REPROCESSED
        if self.dice.random() < 0.2 and now.level is not None:
            now = replace(now, public=True)
        # Exclusive data become public when their data rights change or their release date passes.
        was_public = item.public and item.level is not None and "dataRights" in seen
        listed = now.public and now.level is not None and "dataRights" in seen
        passed = item.release is not None and before < item.release <= self.time and "t_obs_release" in seen
        if not was_public and (listed or passed):
            yield ChangeKind.PUBLIC_NOW
        self.items[name] = now


@pytest.mark.parametrize("part", range(5))
def test_changes_are_exactly_those_that_happened(part: int) -> None:
    """In random histories, exactly the recorded changes are found, for any order of rows and set of columns."""
    total: Counter[ChangeKind] = Counter()
    for seed in range(part, HISTORIES, 5):
        history = History(random.Random(seed))
        for _ in range(4):
            history.add()
        before = history.snapshot()
        for _ in range(STEPS):
            expected = history.pass_time()
            after = history.snapshot()
            changes = changes_between(before, after)
            assert Counter((change.name[1], change.kind) for change in changes) == expected, seed
            assert all(after.rows[each.after][1] == each.name[1] for each in changes if each.after is not None), seed
            assert all(before.rows[each.before][1] == each.name[1] for each in changes if each.before is not None), seed
            assert changes_between(after, after) == [], seed
            total.update(change.kind for change in changes)
            before = after
    # Each type of change must occur often for the test to be meaningful.
    assert min(total[kind] for kind in ChangeKind) >= HISTORIES / 50


# -- single changes ----------------------------------------------------------------------------------------------------


def state(rows: list[dict[str, Any]], time: float = 60000.0) -> Snapshot:
    """Return a snapshot of rows with the same columns."""
    columns = tuple(rows[0]) if rows else KEY
    return Snapshot(time, ("obs_id",) if rows else (), columns, [list(row.values()) for row in rows])


def changes_of(before: dict[str, Any], after: dict[str, Any], later: float = 1.0) -> list[tuple[str, str]]:
    """Return the changes between two rows with the same name."""
    found = changes_between(state([{"obs_id": "a", **before}]), state([{"obs_id": "a", **after}], 60000.0 + later))
    return [(str(change.kind), change.reason) for change in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"dataRights": "EXCLUSIVE_ACCESS"}, {"dataRights": "PUBLIC"}, "dataRights: EXCLUSIVE_ACCESS -> PUBLIC"),
        ({"dataRights": None}, {"dataRights": "PUBLIC"}, "dataRights: none -> PUBLIC"),
        ({"isRestricted": True}, {"isRestricted": False}, "isRestricted: True -> False"),
        ({"isRestricted": 1}, {"isRestricted": 0}, "isRestricted: 1 -> 0"),
        ({"access": "RESTRICTED"}, {"access": "public"}, "access: RESTRICTED -> public"),
        ({"t_obs_release": 60000.5}, {"t_obs_release": 60000.5}, "t_obs_release: 2023-02-25 has passed"),
        ({"t_obs_release": 70000.0}, {"t_obs_release": 59000.0}, "t_obs_release: 2020-05-31 has passed"),
        ({"t_obs_release": None}, {"t_obs_release": 60001.0}, "t_obs_release: 2023-02-26 has passed"),
        (
            {"publicReleaseDate": "2023-02-25T12:00:00.0000000"},
            {"publicReleaseDate": "2023-02-25T12:00:00.0000000"},
            "publicReleaseDate: 2023-02-25 has passed",
        ),
        ({"dataRights": "PUBLIC", "t_obs_release": 60000.5}, {"dataRights": "PUBLIC", "t_obs_release": 60000.5}, None),
        ({"dataRights": "PUBLIC"}, {"dataRights": "EXCLUSIVE_ACCESS"}, None),
        ({"dataRights": "PUBLIC"}, {"dataRights": None}, None),
        ({"t_obs_release": 60000.0}, {"t_obs_release": 60000.0}, None),
        ({"t_obs_release": "soon"}, {"t_obs_release": "soon"}, None),
    ],
    ids=str,
)
def test_public_now(before: dict[str, Any], after: dict[str, Any], expected: str | None) -> None:
    """Rows are public now if their rights became public or their release date has passed since."""
    assert changes_of(before, after) == ([] if expected is None else [("PUBLIC NOW", expected)])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"calib_level": 2}, {"calib_level": 3}, "calib_level: 2 -> 3"),
        ({"calib_level": -1}, {"calib_level": 2}, "calib_level: -1 -> 2"),
        ({"calib_level": None}, {"calib_level": 2}, "calib_level: none -> 2"),
        ({"productLevel": "2a"}, {"productLevel": "2b"}, "productLevel: 2a -> 2b"),
        ({"productLevel": "2c"}, {"productLevel": 3}, "productLevel: 2c -> 3"),
        ({"calib_level": None}, {"calib_level": -1}, None),
        ({"calib_level": 3}, {"calib_level": 2}, None),
        ({"calib_level": 3}, {"calib_level": None}, None),
        ({"calib_level": 3}, {"calib_level": "three"}, None),
        ({"calib_level": 3.0}, {"calib_level": 3}, None),
    ],
    ids=str,
)
def test_calibration_level_up(before: dict[str, Any], after: dict[str, Any], expected: str | None) -> None:
    """Only higher calibration levels are reported, including those of planned observations."""
    assert changes_of(before, after) == ([] if expected is None else [("CALIBRATION LEVEL UP", expected)])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"cal_ver": "1.18.0"}, {"cal_ver": "1.19.1"}, "cal_ver: 1.18.0 -> 1.19.1"),
        ({"size": 1, "checksum": "a"}, {"size": 2, "checksum": "b"}, "size: 1 -> 2; checksum: a -> b"),
        ({"crds_ctx": "jwst_1.pmap"}, {"crds_ctx": "jwst_2.pmap"}, "crds_ctx: jwst_1.pmap -> jwst_2.pmap"),
        ({"prvversion": "1"}, {"prvversion": 2}, "prvversion: 1 -> 2"),
        ({"size": 1}, {"size": 1.0}, None),
        ({"size": "1 "}, {"size": 1}, None),
        ({"size": None}, {"size": 2}, None),
        ({"size": 2}, {"size": None}, None),
        ({"size": 1}, {"fileSize": 2}, None),
        ({"obsid": "1"}, {"obsid": "2"}, None),
    ],
    ids=str,
)
def test_reprocessed(before: dict[str, Any], after: dict[str, Any], expected: str | None) -> None:
    """Only values known in both snapshots show reprocessing; a new obsid does not."""
    assert changes_of(before, after) == ([] if expected is None else [("REPROCESSED", expected)])


def test_new_and_gone() -> None:
    """The reason describes a new row, and says when a row that is gone was last seen."""
    before = state([{"obs_id": "a", "calib_level": 2}, {"obs_id": None, "calib_level": None}])
    after = state([{"obs_id": "b", "calib_level": 3}, {"obs_id": None, "calib_level": None}], 60010.0)
    new, gone = changes_between(before, after)
    assert (new.kind, new.name, new.reason, new.before, new.after) == ("NEW", ("b",), "calib_level: 3", None, 0)
    assert (gone.kind, gone.name, gone.before, gone.after) == ("GONE", ("a",), 0, None)
    assert gone.reason == "last seen on 2023-02-25"
    assert [change.kind for change in changes_between(before, state([]))] == ["GONE", "GONE"]
    assert [change.kind for change in changes_between(state([]), after)] == ["NEW", "NEW"]
    assert changes_between(state([]), state([])) == []


def test_rows_with_the_same_name_are_matched_by_identifier() -> None:
    """Rows with the same name are matched by identifier, or by order if they are renumbered."""

    def rows(*pairs: tuple[str, int]) -> Snapshot:
        return state([{"obs_id": "a", "obsid": obsid, "calib_level": level} for obsid, level in pairs])

    before = rows(("1", 2), ("2", 2), ("3", 2))
    assert changes_between(before, rows(("3", 2), ("1", 2), ("2", 2))) == []
    (up,) = changes_between(before, rows(("3", 2), ("1", 2), ("2", 3)))
    assert (up.kind, up.before, up.after) == ("CALIBRATION LEVEL UP", 1, 2)
    (gone,) = changes_between(before, rows(("3", 2), ("1", 2)))
    assert (gone.kind, gone.before) == ("GONE", 1)
    (new,) = changes_between(before, rows(("0", 2), ("1", 2), ("2", 2), ("3", 2)))
    assert (new.kind, new.after) == ("NEW", 0)
    assert changes_between(before, rows(("7", 2), ("8", 2), ("9", 2))) == []
    # An observation near two targets is listed twice.
    assert changes_between(rows(("1", 2)), rows(("1", 2), ("1", 2))) == []


def test_several_changes_of_a_row_are_listed_separately() -> None:
    """Several changes of one row are listed separately, in the order of `ChangeKind`."""
    before = {"calib_level": 2, "dataRights": "EXCLUSIVE_ACCESS", "size": 1}
    assert [kind for kind, _ in changes_of(before, {"calib_level": 3, "dataRights": "PUBLIC", "size": 2})] == [
        "PUBLIC NOW",
        "CALIBRATION LEVEL UP",
        "REPROCESSED",
    ]


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary())
def test_any_value_becomes_a_plain_cell(value: Any) -> None:
    """Any value becomes a JSON value, and NaN and infinity become None."""
    cell = plain_cell(value)
    assert cell is None or isinstance(cell, bool | int | float | str)
    assert cell is None or not isinstance(cell, int) or abs(cell) < 2**63
    assert cell == cell  # noqa: PLR0124 - not NaN


@given(st.floats(-600000, 2_000_000))
def test_dates_are_read_back(mjd: float) -> None:
    """Dates are read back to the second; MJDs outside the range of dates are written as numbers."""
    text = iso_of(mjd)
    read = as_mjd(text)
    assert text.startswith("MJD") if read is None else abs(read - mjd) <= 1.001 / 86400
    assert day_of(mjd) in text


@pytest.mark.parametrize("value", ["", "soon", "2023-13-01", None, True])
def test_invalid_dates_give_none(value: Cell) -> None:
    """Text that is not a date gives None."""
    assert as_mjd(value) is None
