"""Program pages at www.stsci.edu, and planned observations of the real archive."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from astroquery_mast import Programs
from astroquery_mast.exceptions import MaxResultsWarning

pytestmark = pytest.mark.remote_data


@pytest.mark.parametrize("program", ["JWST 2736", "HST 13937"])
def test_the_visits_of_an_old_program(program: str) -> None:
    """An executed program has visits with a status, and several have a start time."""
    visits = Programs.get_visits(program)
    assert len(visits) > 1
    assert not visits["status"].mask.any()
    assert (~visits["start"].mask).sum() > 1


def test_the_page_of_an_old_program() -> None:
    """The PI of the first deep field is found."""
    program = Programs.get_program(2736)
    assert "Pontoppidan" in program.pi
    assert program.title


def test_the_apt_file_is_a_zip_file(tmp_path: Path) -> None:
    """The APT file is a ZIP file with the proposal."""
    manifest = Programs.download_apt(2736, download_dir=tmp_path, on_error="raise", verbose=False)
    with zipfile.ZipFile(manifest["Local Path"][0]) as proposal:
        assert any(name.endswith(".xml") for name in proposal.namelist())


def test_planned_observations_are_found() -> None:
    """Planned observations have calibration level -1."""
    with pytest.warns(MaxResultsWarning):
        planned = Programs.query_planned(instrument="NIRCAM/IMAGE", limit=10)
    assert len(planned) == 10
    assert set(planned["calib_level"].filled(-1).tolist()) == {-1}


def test_a_famous_field_is_a_duplication() -> None:
    """Proposing the first deep field again is found to be a duplication."""
    found = Programs.find_duplications("110.8267 -73.4546", instrument="NIRCAM/IMAGE", filters="F200W")
    assert "2736" in found["proposal_id"][found["grade"] == "duplication"].tolist()
