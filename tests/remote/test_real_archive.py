"""Observations and files of the real archive; run with ``pytest --remote-data=any tests/remote``.

The expected values do not change as the archive grows: old programs, orders of magnitude, relations of results.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astroquery.exceptions import InvalidQueryError, NoResultsWarning, RemoteServiceError, ResolverError

from astroquery_mast import MastClass, ObservationsClass
from astroquery_mast.tables.columns import snapshot

pytestmark = pytest.mark.remote_data

# Any, because the type that a call returns depends on its arguments.
Mast: Any = MastClass()
Observations: Any = ObservationsClass()

M51 = SkyCoord(202.469575, 47.195258, unit="deg")
# ACS/WFC mosaic of M51, taken in January 2005 for the Hubble Heritage program.
HERITAGE = {"obs_collection": "HST", "proposal_id": "10452", "instrument_name": "ACS/WFC"}


def test_m51_is_resolved() -> None:
    """All resolvers give the position of M51."""
    for resolver in (None, "NED", "SIMBAD"):
        assert Mast.resolve_object("M51", resolver=resolver).separation(M51).arcsec < 30
    assert {"NED", "SIMBAD"} <= set(Mast.resolve_object("M51", resolve_all=True))
    with pytest.raises(ResolverError):
        Mast.resolve_object("no such object 4242")


def test_heritage_program_is_complete() -> None:
    """An old program has its exposures, and the count agrees."""
    table = Observations.query_criteria(**HERITAGE)
    assert len(table) >= 50
    assert len(table) == Observations.query_criteria_count(**HERITAGE)
    assert set(table["proposal_id"]) == {"10452"}
    assert table["t_min"].min() > 53000


def test_cone_and_filtered_position_agree() -> None:
    """The two services for a position find the same observations."""
    cone = Observations.query_region(M51, radius="10 arcsec")
    count = Observations.query_region_count(M51, radius="10 arcsec")
    assert len(cone) == count > 100
    assert (cone["distance"] >= 0).all()


def test_pages_give_the_complete_result() -> None:
    """Small pages and one large page give the same observations in the same order."""
    whole = Observations.query_criteria(**HERITAGE)
    paged = Observations.query_criteria(**HERITAGE, pagesize=20)
    assert list(whole["obsid"]) == list(paged["obsid"])


def test_open_ranges_are_applied() -> None:
    """The counts below and above a limit add up to the total."""
    before = Observations.query_criteria_count(**HERITAGE, t_exptime=(None, 1000))
    after = Observations.query_criteria_count(**HERITAGE, t_exptime=(1000.0001, None))
    assert before + after == Observations.query_criteria_count(**HERITAGE)


def test_wildcards_and_no_results() -> None:
    """Wildcards match, and a value that does not exist issues a warning with a similar one."""
    assert Observations.query_criteria_count(instrument_name="NIRCAM*", calib_level=3) > 100
    with pytest.warns(NoResultsWarning, match="MIRI/"):
        Observations.query_criteria(instrument_name="MIRI", obs_collection="JWST")
    with pytest.raises(InvalidQueryError):
        Observations.query_criteria(instrument="MIRI")


def test_known_columns_agree_with_mast() -> None:
    """The columns known to the package agree with MAST's columns in separator and type."""
    observed = {config_id: known for config_id, known in snapshot().items() if config_id.startswith("Mast.Caom")}
    assert observed
    for config_id, known in observed.items():
        live = MastClass()._service.columns.refresh(config_id)
        for name in known.keys() & live.keys():
            assert known[name].separator == live[name].separator, name
            assert known[name].continuous == live[name].continuous, name
        assert not {name for name, column in live.items() if not column.hidden} - known.keys() - {"_selected_"}


def test_missions_are_listed() -> None:
    """The large missions are listed."""
    assert {"HST", "JWST", "TESS", "Kepler", "GALEX"} <= set(Observations.list_missions())


def test_an_error_has_the_message_of_mast() -> None:
    """A service that does not exist raises RemoteServiceError with MAST's message."""
    with pytest.raises(RemoteServiceError, match="error"):
        Mast.service_request("Mast.No.Such.Service", {})


def test_previews_are_downloaded(tmp_path: Path) -> None:
    """The previews of a drizzled image are found and downloaded."""
    observations = Observations.query_criteria(**HERITAGE, calib_level=3)
    products = Observations.get_product_list(observations[:1])
    manifest = Observations.download_products(
        products, productType=["PREVIEW", "THUMBNAIL"], extension="jpg", download_dir=tmp_path, verbose=False
    )
    assert set(manifest["Status"]) == {"COMPLETE"}


@pytest.mark.real_only
def test_a_file_by_its_uri(tmp_path: Path) -> None:
    """An image is downloaded by its dataURI and can be opened."""
    status, message, _ = Observations.download_file(
        "mast:HST/product/u9o40504m_c3m.fits", local_path=tmp_path / "u9o40504m_c3m.fits", verbose=False
    )
    assert (status, message) == ("COMPLETE", None)
    with fits.open(tmp_path / "u9o40504m_c3m.fits") as hdus:
        assert hdus[0].header["INSTRUME"] == "WFPC2"


def test_a_user_without_a_token_is_anonymous() -> None:
    """Without a token, the user is anonymous."""
    info = ObservationsClass().session_info(verbose=False)
    assert info["anon"] is True
    assert info["ezid"] == "anonymous"


@pytest.mark.skipif("MAST_API_TOKEN" not in os.environ, reason="needs a token in MAST_API_TOKEN")
def test_a_real_token_is_accepted() -> None:
    """The token in the environment logs in."""
    client = ObservationsClass()
    assert client.login() is True
    assert client.session_info(verbose=False)["anon"] is False
    client.logout()


def test_exclusive_files_are_refused_with_advice() -> None:
    """Downloading an exclusive file without a token gives a message that says to log in."""
    exclusive = Observations.query_criteria(
        obs_collection="JWST", dataRights="EXCLUSIVE_ACCESS", calib_level=3, page=1, pagesize=1
    )
    products = Observations.get_product_list(exclusive[:1])
    files = products[products["dataRights"] == "EXCLUSIVE_ACCESS"]
    status, message, _ = Observations.download_file(str(files["dataURI"][0]), local_path=os.devnull, verbose=False)
    assert status == "ERROR"
    assert message is not None
    assert "log in" in message
