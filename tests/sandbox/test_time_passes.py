"""Changes of the holdings over time: reprocessed files, released data, added and removed observations."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator

import pytest
import requests
from astropy.io import fits

from astroquery_mast import VO, MastMissions, Observations
from astroquery_mast.sandbox import Sandbox

OBS_ID = "jw01783-o001_t006_nircam_clear-f115w"
URI = f"mast:JWST/product/{OBS_ID}_i2d.fits"
EXCLUSIVE = "jw06780*"


@pytest.fixture
def box(mast_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The shared sandbox, whose archive must be unchanged after a reset."""
    before = mast_sandbox.archive
    yield mast_sandbox
    mast_sandbox.reset()
    assert mast_sandbox.archive is before


def file_of(box: Sandbox, uri: str = URI) -> requests.Response:
    """Download the file of a URI."""
    return requests.get(f"{box.url}/api/v0.1/Download/file", params={"uri": uri}, timeout=30)


def count(**criteria: object) -> int:
    """Return the number of JWST observations."""
    found = Observations.query_criteria_count(obs_collection="JWST", **criteria)
    assert isinstance(found, int)
    return found


def test_a_reprocessed_file_has_other_bytes_and_a_longer_header(box: Sandbox) -> None:
    """Bytes, length, ETag, and date of a file change, and its header has the new versions."""
    before = file_of(box)
    assert box.reprocess(OBS_ID, cal_ver="1.19.1", crds_ctx="jwst_1400.pmap", date="2026-01-02T03:04:05") == [OBS_ID]
    after = file_of(box)
    assert len(after.content) == len(before.content) + 2880
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.headers["Last-Modified"] == "Fri, 02 Jan 2026 03:04:05 GMT"
    with fits.open(io.BytesIO(after.content), checksum=True) as file:
        file.verify("exception")
        header = file[0].header
    assert (header["CAL_VER"], header["CRDS_CTX"], header["REVISION"]) == ("1.19.1", "jwst_1400.pmap", 1)
    assert header["DATE"] == "2026-01-02T03:04:05.000"


def test_a_file_can_change_without_changing_its_length(box: Sandbox) -> None:
    """With ``same_size`` only the bytes of the file differ."""
    before = file_of(box)
    box.reprocess(OBS_ID, same_size=True)
    after = file_of(box)
    assert len(after.content) == len(before.content)
    assert after.content != before.content
    assert after.headers["ETag"] != before.headers["ETag"]


def test_the_checksum_is_that_of_the_file_that_is_served(box: Sandbox) -> None:
    """The MD5 checksum in the archive matches each new version of a file."""
    seen = set()
    for _ in range(3):
        digest = hashlib.md5(file_of(box).content).hexdigest()
        assert box.archive.checksum(URI) == digest
        seen.add(digest)
        box.reprocess(OBS_ID, same_size=True)
    assert len(seen) == 3


def test_products_have_the_new_versions(box: Sandbox) -> None:
    """Sizes and versions of products are those of the new files; other files are unchanged."""
    observation = Observations.query_criteria(obs_id=OBS_ID)
    before = Observations.get_product_list(observation)
    box.reprocess(OBS_ID, cal_ver="1.19.1")
    after = Observations.get_product_list(observation)
    assert list(before["dataURI"]) == list(after["dataURI"])
    new = [name.startswith(OBS_ID) and name.endswith(".fits") for name in after["productFilename"]]
    assert list(after["prvversion"] == "1.19.1") == new
    assert list(after["size"] - before["size"]) == [2880 * each for each in new]


def test_a_single_file_is_reprocessed(box: Sandbox) -> None:
    """A pattern that matches no observation selects files (not case-sensitive)."""
    assert box.reprocess("JW01783001001_*_cal.FITS")
    changed = box.archive.query("SELECT dataURI FROM revision")
    assert changed
    assert all(row["dataURI"].endswith("_cal.fits") for row in changed)


def test_the_mission_search_and_tap_are_updated(box: Sandbox) -> None:
    """All services return the changed data."""
    first = MastMissions.query_criteria(mission="jwst", program=1783, select_cols="cal_ver,fileSetName")
    assert set(first["cal_ver"]) == {"1.18.0"}
    box.reprocess(OBS_ID, cal_ver="1.19.1")
    second = MastMissions.query_criteria(mission="jwst", program=1783, select_cols="cal_ver,fileSetName")
    assert set(second["fileSetName"][second["cal_ver"] == "1.19.1"]) == {OBS_ID}
    query = f"SELECT COUNT(*) AS n FROM dbo.ObsPointing WHERE obs_id = '{OBS_ID}'"
    assert VO.query_tap(query, catalog="caom")["n"][0] == 1
    box.remove(OBS_ID)
    assert VO.query_tap(query, catalog="caom")["n"][0] == 0


def test_observations_are_released(box: Sandbox) -> None:
    """Exclusive observations become public, with accessible files and a new release date."""
    exclusive = count(dataRights="EXCLUSIVE_ACCESS")
    (uri,) = box.archive.query("SELECT dataURI FROM product WHERE dataURI LIKE '%jw06780%_i2d.fits' LIMIT 1")[
        0
    ].values()
    assert file_of(box, uri).status_code == 401
    released = box.release(EXCLUSIVE, date="2026-06-01")
    assert count(dataRights="EXCLUSIVE_ACCESS") == exclusive - len(released)
    assert file_of(box, uri).status_code == 200
    assert set(Observations.query_criteria(obs_id=EXCLUSIVE)["t_obs_release"]) == {61192.0}


def test_observations_are_added(box: Sandbox) -> None:
    """An added observation has its own name, ids, and files."""
    before = count()
    new = "jw01783-o099_t006_nircam_clear-f115w"
    assert box.add(OBS_ID, new, t_min=61000.5, target_name="ELSEWHERE") == [new]
    assert count() == before + 1
    (row,) = Observations.query_criteria(obs_id=new)
    assert (row["t_min"], row["target_name"], row["dataURL"]) == (
        61000.5,
        "ELSEWHERE",
        f"mast:JWST/product/{new}_i2d.fits",
    )
    assert file_of(box, row["dataURL"]).status_code == 200
    assert len({*Observations.query_criteria(obs_id=[OBS_ID, new])["obsid"]}) == 2


def test_observations_are_removed_with_their_files(box: Sandbox) -> None:
    """A removed observation is not returned by queries, and its file is not found."""
    before = count()
    assert box.remove(OBS_ID) == [OBS_ID]
    assert count() == before - 1
    assert file_of(box).status_code == 404


def test_a_planned_observation_is_executed(box: Sandbox) -> None:
    """A new calibration level of an observation adds products."""
    planned = box.archive.query("SELECT obs_id FROM observation WHERE obs_collection = 'JWST' AND calib_level = -1")
    obs_id = planned[0]["obs_id"]
    box.reprocess(obs_id, calib_level=3)
    (row,) = Observations.query_criteria(obs_id=obs_id)
    assert (row["calib_level"], row["dataRights"]) == (3, "PUBLIC")
    products = Observations.get_product_list(row)
    assert len(products) > 3
    science = products[products["productType"] == "SCIENCE"]["dataURI"][0]
    assert file_of(box, science).status_code == 200


def test_a_reset_undoes_everything(box: Sandbox) -> None:
    """After a reset the archive is unchanged."""
    before, number = file_of(box).content, count()
    box.reprocess(OBS_ID)
    box.release(EXCLUSIVE)
    box.add(OBS_ID, "jw01783-o099_t006_nircam_clear-f115w")
    box.remove("jw01039*")
    box.reset()
    assert file_of(box).content == before
    assert count() == number


def test_other_sandboxes_do_not_notice(box: Sandbox) -> None:
    """Sandboxes of one process share their archive only until one of them is changed."""
    with Sandbox() as other:
        assert other.archive is box.archive
        box.remove(OBS_ID)
        assert file_of(other).status_code == 200
        assert file_of(box).status_code == 404


@pytest.mark.parametrize("happening", ["reprocess", "release", "remove"])
def test_a_pattern_without_matches_is_refused(box: Sandbox, happening: str) -> None:
    """A wrong pattern in a test raises an error."""
    with pytest.raises(ValueError, match="No observation or file matches 'jw99999"):
        getattr(box, happening)("jw99999*")


def test_invalid_changes_are_refused(box: Sandbox) -> None:
    """Names must be new, columns must exist, and pictures cannot be reprocessed."""
    with pytest.raises(ValueError, match="already"):
        box.add(OBS_ID, OBS_ID.upper())
    with pytest.raises(ValueError, match="Observation 'nothing' not found"):
        box.add("nothing", "something")
    with pytest.raises(ValueError, match="'weather' is not a column"):
        box.add(OBS_ID, "something", weather="fine")
    with pytest.raises(ValueError, match="No FITS file"):
        box.reprocess(f"{OBS_ID}_i2d.jpg")
    assert file_of(box).status_code == 200
