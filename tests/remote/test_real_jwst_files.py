"""The real services for header keywords of JWST files; run with ``pytest --remote-data=any tests/remote``.

The tests use old programs, whose files are complete.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from astropy.time import Time

from astroquery_mast import JwstFiles
from astroquery_mast.jwst_files.keyword_columns import INSTRUMENTS

pytestmark = pytest.mark.remote_data

# Coronagraphy of a planet with its references, July 2022; star clusters in M51.
CORONAGRAPHY, CLUSTERS = 1386, 1783


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_each_service_has_the_required_columns(instrument: str) -> None:
    """Each service has the columns needed for downloads and refreshes."""
    columns = {name.lower() for name in JwstFiles.list_columns(instrument)["name"]}
    assert {"filename", "checksum", "filesize"} <= columns


def test_all_mosaics_of_a_program() -> None:
    """Each file is listed once, as many as MAST counts."""
    criteria = {"program": CLUSTERS, "instrument": "NIRCam", "productLevel": "3", "suffix": "i2d"}
    table = JwstFiles.query_criteria(**criteria)
    assert len(table) == len(set(table["filename"])) == JwstFiles.query_criteria_count(**criteria) > 3
    assert set(table["instrume"]) == {"NIRCAM"}
    assert all(name.endswith("_i2d.fits") for name in table["filename"])


def test_boolean_criteria_are_applied() -> None:
    """Boolean criteria select references and science exposures."""
    criteria = {"program": CORONAGRAPHY, "instrument": "NIRCam", "suffix": "cal"}
    references = JwstFiles.query_criteria_count(is_psf=True, **criteria)
    science = JwstFiles.query_criteria_count(is_psf=False, **criteria)
    assert references > 0
    assert science > 0
    assert references + science <= JwstFiles.query_criteria_count(**criteria)


def test_dates_are_applied() -> None:
    """Dates are applied as criteria, and agree with the MJD in the same row."""
    limits = (Time("2022-07-01"), Time("2022-09-01"))
    table = JwstFiles.query_criteria(
        program=CORONAGRAPHY, date_obs=limits, suffix="i2d", columns="date_obs,date_obs_mjd,instrume"
    )
    assert len(table) > 0
    assert Time(list(table["date_obs"])).mjd == pytest.approx(table["date_obs_mjd"], abs=1e-3)
    assert all(limits[0].mjd <= moment <= limits[1].mjd for moment in table["date_obs_mjd"])


def test_a_file_has_the_checksum_of_mast_and_is_current(tmp_path: Path) -> None:
    """A downloaded file has MAST's checksum, and no newer version exists."""
    table = JwstFiles.query_criteria(program=CORONAGRAPHY, instrument="GuideStar", sort_by="fileSize", limit=None)
    manifest = JwstFiles.download_products(table[:1], download_dir=tmp_path, verbose=False)
    assert list(manifest["Status"]) == ["COMPLETE"]
    digest = hashlib.md5(Path(manifest["Local Path"][0]).read_bytes()).hexdigest()
    assert digest == table["checksum"][0].lower()
    assert list(JwstFiles.refresh(tmp_path, dry_run=True)["Status"]) == ["OK"]
