"""Notifications that MAST mails to subscribers are read as changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from astroquery.exceptions import InvalidQueryError
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import MastMissions, read_notification
from astroquery_mast.sandbox import Sandbox


@pytest.fixture
def mailed(mast_sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return events of two missions, with keys that this package does not know."""
    records = []
    events = iter(["New", "First", "reprocessed", "PUBLIC", "Withdrawn", None])
    for mission, criteria in (("jwst", {"program": 1783}), ("hst", {"sci_pep_id": 10452})):
        datasets = MastMissions.query_criteria(mission=mission, limit=None, **criteria)
        products = MastMissions.get_product_list(datasets[:1], mission=mission)
        for row in products[:3]:
            place = {"fileset": row["dataset"]} if mission == "jwst" else {"dataset": row["dataset"], "uri": row["uri"]}
            event = {"event_type": event} if (event := next(events)) else {}
            told = {"mission": mission, **place, "filename": row["filename"]}
            records.append({**{key: str(value) for key, value in told.items()}, **event, "event_time": "2026-04-22"})
    records[1]["details"] = {"reason": ["a", 1]}
    return records


def test_events_are_changes(mailed: list[dict[str, Any]], tmp_path: Path) -> None:
    """Events of several missions become changes; unknown events and keys are kept."""
    path = tmp_path / "event_metadata_jwst-program-1783_hourly_20260422_143523.json"
    path.write_text(json.dumps(mailed), "utf-8")
    for given_as in (mailed, tuple(mailed), path, str(path)):
        changes = read_notification(given_as)
        assert changes["change"].tolist() == ["NEW", "NEW", "REPROCESSED", "PUBLIC NOW", "WITHDRAWN", "UNKNOWN"]
        assert changes["filename"].tolist() == [record["filename"] for record in mailed]
        assert set(changes["mission"]) == {"jwst", "hst"}
        assert {"event_time", "details", "fileset", "dataset"} <= set(changes.colnames)
        assert changes.exit_code == 1
        assert f"  jwst {mailed[0]['filename']}" in changes.as_text()
        assert changes.as_atom().count("<entry>") == 6


def test_files_of_a_notification_can_be_downloaded(mailed: list[dict[str, Any]], tmp_path: Path) -> None:
    """The files of all rows, or of one type of change, can be downloaded."""
    changes = read_notification(mailed)
    manifest = MastMissions.download_products(changes, download_dir=tmp_path, verbose=False)
    assert manifest["Status"].tolist() == ["COMPLETE"] * 6
    assert {Path(path).relative_to(tmp_path / "mastDownload").parts[0] for path in manifest["Local Path"]} == {
        "jwst",
        "hst",
    }
    new = changes[changes["change"] == "NEW"]
    assert len(MastMissions.download_products(new, download_dir=tmp_path, verbose=False)) == 2


def test_a_file_may_be_new_and_public_at_once() -> None:
    """A file that is new and public at once has a row for each event."""
    record = {"mission": "jwst", "fileset": "a", "filename": "a.fits"}
    changes = read_notification([{**record, "event_type": event} for event in ("New", "Public")])
    assert changes["change"].tolist() == ["NEW", "PUBLIC NOW"]


@pytest.mark.parametrize(
    "given_as", [None, 3, [], {}, [3], "absent.json", "text", [{"mission": "jwst"}], {"filename": 1}]
)
def test_other_input_than_notifications_is_refused(given_as: Any) -> None:
    """Other input than a notification raises an error."""
    with pytest.raises(InvalidQueryError):
        read_notification(given_as)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
RECORDS = st.dictionaries(st.sampled_from(["mission", "filename", "event_type", "change", "reason", "x"]), JSON)


@given(st.lists(RECORDS, max_size=4))
def test_any_list_is_read_or_refused(records: list[dict[str, Any]]) -> None:
    """Any list of records is read, or raises InvalidQueryError."""
    try:
        changes = read_notification(records)
    except InvalidQueryError:
        return
    assert len(changes) == len(records)
    assert changes.as_text()
    assert changes.as_atom()
