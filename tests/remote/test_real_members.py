"""What belongs together, asked of the real archive as users ask for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from astroquery_mast import Observations

pytestmark = pytest.mark.remote_data


def test_the_exposures_behind_a_drizzled_image_of_hst() -> None:
    """The first image of M51 has exposures of its visit, which went into it."""
    members = Observations.get_members("j97c01010")
    assert len(members) > 1
    assert all(name.lower().startswith("j97c01") for name in members["obs_id"])
    assert set(members["exptype"]) == {"science"}
    assert "j97c01010" in Observations.get_parents(members[:1])["obs_id"].tolist()


def test_the_exposures_behind_a_mosaic_of_jwst() -> None:
    """An image of level 3 has exposures, and the archive tells for a file of one of them that it went into it."""
    images = Observations.query_criteria(proposal_id="2736", instrument_name="NIRCAM/IMAGE", calib_level=3)
    mosaic = next(row for row in images if row["obs_id"].startswith("jw02736-o001"))
    members = Observations.get_members(mosaic)
    assert len(members) > 1
    assert "science" in set(members["exptype"])
    assert mosaic["obs_id"] in Observations.get_parents(members[:1])["obs_id"].tolist()


def test_an_association_of_hst_with_its_inputs(tmp_path: Path) -> None:
    """The plan has raw data of each exposure, and nothing is fetched."""
    plan = Observations.gather_association("j97c01010_asn.fits", download_dir=tmp_path, dry_run=True, verbose=False)
    names = [Path(path).name for path in plan["Local Path"]]
    assert sum(name.endswith("_raw.fits") for name in names) > 1
    assert not list(tmp_path.iterdir())
