"""Members, parents and associations of the real archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from astroquery_mast import Observations

pytestmark = pytest.mark.remote_data


def test_members_of_a_drizzled_hst_image() -> None:
    """The members of an HST image of M51 are exposures of its visit, and the image is their parent."""
    members = Observations.get_members("j97c01010")
    assert len(members) > 1
    assert all(name.lower().startswith("j97c01") for name in members["obs_id"])
    assert set(members["exptype"]) == {"science"}
    assert "j97c01010" in Observations.get_parents(members[:1])["obs_id"].tolist()


def test_members_of_a_jwst_mosaic() -> None:
    """The members of a JWST mosaic are exposures, and the mosaic is their parent."""
    images = Observations.query_criteria(proposal_id="2736", instrument_name="NIRCAM/IMAGE", calib_level=3)
    mosaic = next(row for row in images if row["obs_id"].startswith("jw02736-o001"))
    members = Observations.get_members(mosaic)
    assert len(members) > 1
    assert "science" in set(members["exptype"])
    assert mosaic["obs_id"] in Observations.get_parents(members[:1])["obs_id"].tolist()


def test_inputs_of_an_hst_association(tmp_path: Path) -> None:
    """The plan has raw data of several exposures, and nothing is downloaded."""
    plan = Observations.gather_association("j97c01010_asn.fits", download_dir=tmp_path, dry_run=True, verbose=False)
    names = [Path(path).name for path in plan["Local Path"]]
    assert sum(name.endswith("_raw.fits") for name in names) > 1
    assert not list(tmp_path.iterdir())
