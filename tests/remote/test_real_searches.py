"""Saved searches on the real archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from astroquery_mast import JwstFiles, MastMissions, Observations, SavedSearch

pytestmark = pytest.mark.remote_data


@pytest.mark.parametrize("place", range(3))
def test_a_second_run_finds_no_changes(place: int, tmp_path: Path) -> None:
    """A second run right after the first finds no changes."""
    query, criteria = (
        (Observations.query_criteria, {"obs_collection": "JWST", "proposal_id": "1783"}),
        (JwstFiles.query_criteria, {"program": 1783, "suffix": "i2d"}),
        (MastMissions.query_criteria, {"mission": "jwst", "program": 1783}),
    )[place]
    search = SavedSearch(tmp_path / "real", query, **criteria)
    assert len(search.changes()) == 0
    assert search.changes().meta["found"] > 0
    assert len(SavedSearch.open(search.path).changes()) == 0
