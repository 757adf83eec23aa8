"""Changes as a table, as text, as a feed, and as an exit code."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from astroquery.exceptions import InvalidQueryError
from hypothesis import example, given
from hypothesis import strategies as st

from astroquery_mast import Changes
from astroquery_mast.searches.changes import changes_table
from astroquery_mast.searches.comparison import Snapshot, changes_between
from astroquery_mast.searches.snapshots import take_snapshot

ATOM = "{http://www.w3.org/2005/Atom}"
UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
COLUMNS = ("obs_collection", "obs_id", "calib_level", "target_name", "t_min")


def table(*rows: tuple[Any, ...]) -> Table:
    """Return a table of observations, with None for masked cells."""
    cells = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    return Table(
        {
            name: MaskedColumn(
                ["" if cell is None and kind == "U" else 0 if cell is None else cell for cell in column],
                mask=[cell is None for cell in column],
                dtype=None if column and kind == "U" else kind,
            )
            for name, column, kind in zip(COLUMNS, cells, ("U", "U", "i8", "U", "f8"), strict=True)
        }
    )


def compared(before: Table, now: Table) -> Changes:
    """Return the changes between two tables."""
    first = take_snapshot(before, 60000.0, None, None)
    second = take_snapshot(now, 60001.0, None, first)
    changes = changes_table(changes_between(first, second), first, second, now)
    changes.meta.update(search="m51", id="x")
    return changes


OLD = (("HST", "a", 2, "M51", 1.5), ("HST", "b", None, None, None), ("JWST", "a", 3, "M51", 2.5))
NEW = (("HST", "a", 3, "M51", 1.5), ("HST", "c", 3, "NGC 5194", 9.5), ("JWST", "a", 3, "M51", 2.5))
CHANGES = compared(table(*OLD), table(*NEW))


def test_each_change_has_a_row() -> None:
    """Each change has a row: current rows have all columns, and unknown cells of rows that are gone are masked."""
    assert CHANGES.colnames == ["change", "obs_collection", "obs_id", "reason", "calib_level", "target_name", "t_min"]
    assert CHANGES["change"].tolist() == ["CALIBRATION LEVEL UP", "NEW", "GONE"]
    assert CHANGES["obs_id"].tolist() == ["a", "c", "b"]
    assert CHANGES["calib_level"].tolist() == [3, 3, None]
    assert CHANGES["t_min"].tolist() == [1.5, 9.5, None]
    assert CHANGES["calib_level"].dtype == np.int64
    assert CHANGES["reason"].tolist() == ["calib_level: 2 -> 3", "calib_level: 3", "last seen on 2023-02-25"]
    assert CHANGES.meta["since"] == "2023-02-25T00:00:00Z"
    assert CHANGES.meta["until"] == "2023-02-26T00:00:00Z"
    assert (CHANGES.meta["found"], CHANGES.meta["key"]) == (3, ["obs_collection", "obs_id"])
    assert isinstance(CHANGES[CHANGES["change"] == "NEW"], Changes)


def test_a_table_without_changes() -> None:
    """Without changes, the table has no rows but the same columns, and the exit code is 0."""
    none = compared(table(*OLD), table(*OLD))
    assert none.colnames == CHANGES.colnames
    assert (len(none), none.exit_code, CHANGES.exit_code) == (0, 0, 1)
    assert none.as_text() == "m51: no changes since 2023-02-25T00:00:00Z"
    assert len(ET.fromstring(none.as_atom()).findall(f"{ATOM}entry")) == 0


def test_all_rows_can_be_gone() -> None:
    """All rows can be gone, even if the result has no columns."""
    for now in (table(), Table()):
        gone = compared(table(*OLD), now)
        assert gone["change"].tolist() == ["GONE"] * 3
        assert gone["obs_id"].tolist() == ["a", "b", "a"]


def test_unusual_columns_are_handled() -> None:
    """Columns with a changed type, a name used by `Changes`, or arrays are handled."""
    before, now = table(*OLD), table(("HST", "a", 2, "M51", 1.5))
    now["t_min"] = ["text"]
    now["calib_level"] = ["2"]
    now["reason"] = ["theirs"]
    now["many"] = [[1, 2]]
    before["change"] = "theirs"
    changes = compared(before, now)
    assert changes["change"].tolist() == ["GONE", "GONE"]
    assert changes["reason"].tolist() == ["last seen on 2023-02-25"] * 2
    assert changes["reason_"].mask.all()


def test_object_columns_are_masked_for_rows_that_are_gone() -> None:
    """Times, positions and arrays are kept for current rows, and masked for rows that are gone."""
    before, now = table(*OLD), table(*NEW)
    now["window"] = Time([59000.0, 59001.0, 59002.0], format="mjd")
    now["coord"] = SkyCoord([1, 2, 3], [4, 5, 6], unit="deg")
    now["many"] = np.ones((3, 2))
    changes = compared(before, now)
    assert changes["change"].tolist() == ["CALIBRATION LEVEL UP", "NEW", "GONE"]
    assert changes["window"].mjd[1] == 59001.0
    assert changes["coord"].ra.deg[0] == 1
    assert changes["window"].mask.tolist() == [False, False, True]
    assert changes["many"].mask.all(axis=1).tolist() == [False, False, True]
    assert "GONE (1)" in changes.as_text()
    assert compared(now, now[:0])["change"].tolist() == ["GONE"] * 3


def test_text() -> None:
    """The text has a headline and the changes by type."""
    assert CHANGES.as_text().splitlines() == [
        "m51: 3 changes since 2023-02-25T00:00:00Z",
        "",
        "NEW (1)",
        "  HST c: calib_level: 3",
        "",
        "CALIBRATION LEVEL UP (1)",
        "  HST a: calib_level: 2 -> 3",
        "",
        "GONE (1)",
        "  HST b: last seen on 2023-02-25",
    ]


def feed(changes: Changes, **options: Any) -> tuple[ET.Element, list[ET.Element]]:
    """Parse a feed and check the requirements of RFC 4287."""
    root = ET.fromstring(changes.as_atom(**options))
    entries = root.findall(f"{ATOM}entry")
    assert root.tag == f"{ATOM}feed"
    assert root.find(f"{ATOM}author/{ATOM}name") is not None
    for element in (root, *entries):
        for name in ("title", "id", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1
        assert UUID.fullmatch(element.findtext(f"{ATOM}id") or "")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", element.findtext(f"{ATOM}updated") or "")
    assert all(entry.find(f"{ATOM}content") is not None for entry in entries)
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    return root, entries


def test_feed() -> None:
    """The feed is valid Atom, with identifiers that do not change when it is written again or filtered."""
    root, entries = feed(CHANGES)
    assert root.findtext(f"{ATOM}title") == "m51"
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == [
        "NEW: HST c",
        "CALIBRATION LEVEL UP: HST a",
        "GONE: HST b",
    ]
    assert CHANGES.as_atom() == compared(table(*OLD), table(*NEW)).as_atom()
    only, (entry,) = feed(CHANGES[CHANGES["change"] == "GONE"])
    assert entry.findtext(f"{ATOM}id") == entries[2].findtext(f"{ATOM}id")
    assert only.findtext(f"{ATOM}id") == root.findtext(f"{ATOM}id")
    _, (later,) = feed(compared(table(*OLD[:2]), table(OLD[0])))
    assert later.findtext(f"{ATOM}title") == "GONE: HST b"


def test_many_changes_are_summarized() -> None:
    """More changes than ``limit`` are summarized in text and feed; the table has all rows."""
    old = table(*(("HST", f"o{number}", 2, "M51", 1.0) for number in range(300)))
    now = table(*(("HST", f"o{number}", 3, "M51", 1.0) for number in range(299)))
    changes = compared(old, now)
    assert len(changes) == 300
    text = changes.as_text()
    assert len(text.splitlines()) == 7
    assert "CALIBRATION LEVEL UP (299)\n  299 of 299 rows. So many changes at once may mean" in text
    assert "GONE (1)\n  HST o299: " in text
    assert len(changes.as_text(limit=None).splitlines()) == 305
    _, entries = feed(changes)
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == [
        "CALIBRATION LEVEL UP: 299 rows",
        "GONE: HST o299",
    ]
    assert len(feed(changes, limit=None)[1]) == 300
    assert len(changes.as_text(limit=0).splitlines()) == 7
    for limit in (-1, 1.5, "many", True):
        with pytest.raises(InvalidQueryError, match="limit must be"):
            changes.as_text(limit=limit)  # type: ignore[arg-type]


@example("\n", "")
@given(st.text(min_size=1, max_size=10), st.text(max_size=10))
def test_any_name_gives_a_valid_feed_and_text(name: str, target: str) -> None:
    """Any characters in names give a valid feed and text."""
    changes = Changes({"change": ["NEW"], "reason": [target], "obs_id": [name]})
    changes.meta.update(search=name, key=["obs_id"])
    feed(changes)
    assert len(changes.as_text().split("\n")) == 4


def test_a_snapshot_has_the_compared_columns() -> None:
    """A snapshot has the compared columns, without arrays and objects."""
    wide = table(*OLD)
    wide["s_region"] = "CIRCLE 1 2 3"
    wide["dataRights"] = np.zeros((3, 2))
    found = take_snapshot(wide, 60000.0, None, None)
    assert found == Snapshot(
        60000.0,
        ("obs_collection", "obs_id"),
        ("obs_collection", "obs_id", "calib_level", "target_name"),
        [["HST", "a", 2, "M51"], ["HST", "b", None, None], ["JWST", "a", 3, "M51"]],
    )
