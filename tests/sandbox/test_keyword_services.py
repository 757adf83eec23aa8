"""Header keywords of JWST files: the Mashup services, and the API of MAST's viewers."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import requests

from astroquery_mast import Mast
from astroquery_mast.exceptions import ServerError
from astroquery_mast.sandbox import Fault, Sandbox

SERVICES = ("Nircam", "Niriss", "Nirspec", "Miri", "Fgs", "GuideStar", "Wss")
OBS_ID = "jw01783-o001_t006_nircam_clear-f115w"
URI = f"mast:JWST/product/{OBS_ID}_i2d.fits"
CORONAGRAPHY = 1386


def ask(box: Sandbox, service: str, columns: str = "*", **filters: object) -> dict[str, Any]:
    """Return the response of a keyword service."""
    listed = [{"paramName": name, "values": values} for name, values in filters.items()]
    request = {
        "service": f"Mast.Jwst.Filtered.{service}",
        "params": {"columns": columns, "filters": listed},
        "format": "json",
        "page": 1,
        "pagesize": 5000,
    }
    answer = requests.post(f"{box.url}/api/v0/invoke", data={"request": json.dumps(request)}, timeout=60)
    document: dict[str, Any] = answer.json()
    return document


def viz(box: Sandbox, path: str, **parameters: str) -> requests.Response:
    """Return the response of the API of the viewers."""
    return requests.get(f"{box.url}/viz/api/v0.1/{path}", params=parameters, timeout=60)


def test_one_row_for_each_fits_file(mast_sandbox: Sandbox) -> None:
    """The services together contain all FITS files of JWST, each once."""
    names: list[str] = []
    for service in SERVICES:
        names += [row["filename"] for row in ask(mast_sandbox, service, "filename")["data"]]
    sql = "SELECT DISTINCT productFilename FROM product WHERE obs_collection = 'JWST' AND productFilename LIKE '%.fits'"
    assert sorted(names) == sorted(row["productFilename"] for row in mast_sandbox.archive.query(sql))


def test_counts_are_those_of_the_rows(mast_sandbox: Sandbox) -> None:
    """COUNT_BIG(*) returns the number of rows with the same filters."""
    filters = {"program": [CORONAGRAPHY], "productLevel": ["3"]}
    rows = ask(mast_sandbox, "Nircam", "filename", **filters)["data"]
    assert ask(mast_sandbox, "Nircam", "COUNT_BIG(*)", **filters)["data"] == [{"Column1": len(rows)}]
    assert len(rows) == 6


def test_the_checksum_is_that_of_the_file(mast_sandbox: Sandbox) -> None:
    """MD5 and size in a row are those of the downloaded bytes, also after reprocessing."""
    for _ in range(2):
        (row,) = ask(mast_sandbox, "nircam", "checksum,fileSize,cal_ver", filename=[f"{OBS_ID}_i2d.fits"])["data"]
        sent = requests.get(f"{mast_sandbox.url}/api/v0.1/Download/file", params={"uri": URI}, timeout=30).content
        assert row["checksum"] == hashlib.md5(sent).hexdigest()
        assert row["fileSize"] == len(sent)
        mast_sandbox.reprocess(OBS_ID, cal_ver="1.19.1", crds_ctx="jwst_1400.pmap")
    (row,) = ask(mast_sandbox, "nircam", "cal_ver,crds_ctx", filename=[f"{OBS_ID}_i2d.fits"])["data"]
    assert row == {"cal_ver": "1.19.1", "crds_ctx": "jwst_1400.pmap"}


def test_a_checksum_finds_its_file(mast_sandbox: Sandbox) -> None:
    """The checksum can be used as a filter, although it is only calculated on request."""
    digest = mast_sandbox.archive.checksum("mast:JWST/product/jw01386001001_gs-id_1_cal.fits")
    found = ask(mast_sandbox, "GuideStar", "filename", program=[CORONAGRAPHY], checksum=[digest.upper()])["data"]
    assert found == [{"filename": "jw01386001001_gs-id_1_cal.fits"}]


def test_references_have_a_flag(mast_sandbox: Sandbox) -> None:
    """A coronagraphic program has references, whose flag is found in either case."""
    for service, exp_type in (("Nircam", "NRC_CORON"), ("Miri", "MIR_4QPM")):
        columns = "targprop,is_psf,exp_type"
        rows = ask(mast_sandbox, service, columns, program=[CORONAGRAPHY], is_psf=["T"])["data"]
        assert rows
        assert {(row["targprop"], row["is_psf"], row["exp_type"]) for row in rows} == {("HIP-68245", "t", exp_type)}
        science = ask(mast_sandbox, service, columns, program=[CORONAGRAPHY], is_psf=["f"])["data"]
        assert {row["targprop"] for row in science} == {"HIP-65426"}


def test_dates_agree_with_their_mjd(mast_sandbox: Sandbox) -> None:
    """The text of a date and its MJD column are the same time."""
    answer = ask(
        mast_sandbox, "Nircam", "date_obs,date_obs_mjd,publicReleaseDate,publicReleaseDate_mjd", program=[1783]
    )
    assert {"name": "date_obs", "type": "date"} in answer["fields"]
    for row in answer["data"][:20]:
        for name in ("date_obs", "publicReleaseDate"):
            milliseconds = int(row[name].removeprefix("/Date(").removesuffix(")/"))
            assert milliseconds == pytest.approx((row[f"{name}_mjd"] - 40587) * 86_400_000, abs=1)


def test_text_of_dates_has_no_range(mast_sandbox: Sandbox) -> None:
    """A range of date_obs is refused, but one of date_obs_mjd is accepted."""
    limits = [{"min": 59731.0, "max": 59795.0}]
    assert ask(mast_sandbox, "Nircam", "filename", date_obs=limits)["status"] == "ERROR"
    rows = ask(mast_sandbox, "Nircam", "date_obs_mjd", date_obs_mjd=limits)["data"]
    assert rows
    assert all(59731.0 <= row["date_obs_mjd"] <= 59795.0 for row in rows)


def test_programs_are_numbers(mast_sandbox: Sandbox) -> None:
    """Numbers can be sent as text with leading zeros."""
    counts = [ask(mast_sandbox, "Miri", "COUNT_BIG(*)", program=[each])["data"] for each in (1783, "1783", "01783")]
    assert counts[0] == counts[1] == counts[2] != [{"Column1": 0}]


def test_exclusive_files_are_restricted(mast_sandbox: Sandbox) -> None:
    """Rows of exclusive files are marked as restricted until their release."""
    (before,) = {row["isRestricted"] for row in ask(mast_sandbox, "Nircam", "isRestricted", program=[6780])["data"]}
    mast_sandbox.release("jw06780*")
    (after,) = {row["isRestricted"] for row in ask(mast_sandbox, "Nircam", "isRestricted", program=[6780])["data"]}
    assert (before, after) == (True, False)


def test_services_have_the_columns_of_their_instrument(mast_sandbox: Sandbox) -> None:
    """Only NIRSpec has gratings, and every service has the archive columns."""
    columns = {
        service: {field["name"] for field in ask(mast_sandbox, service, filename=["none"])["fields"]}
        for service in SERVICES
    }
    assert [service for service in SERVICES if "grating" in columns[service]] == ["Nirspec"]
    assert all({"filename", "checksum", "fileSize", "isRestricted"} <= names for names in columns.values())


def test_faults_apply_and_invalid_requests_are_refused(mast_sandbox: Sandbox) -> None:
    """The services fail like all Mashup services."""
    mast_sandbox.faults.add("invoke", Fault.error("Something is broken"), times=None)
    with pytest.raises(ServerError, match="Something is broken"):
        Mast.mast_query("Mast.Jwst.Filtered.Nircam", program=1783)
    mast_sandbox.faults.clear()
    assert ask(mast_sandbox, "Nircam", "filename", weather=["fine"])["msg"] == "Invalid column name 'weather'."


def test_keywords_of_a_file(mast_sandbox: Sandbox) -> None:
    """A file is found by its URI and by its name, with all columns of its service."""
    by_uri, by_name = (viz(mast_sandbox, "keywords/search", uri=uri).json() for uri in (URI, f"{OBS_ID}_i2d.fits"))
    assert by_uri == by_name == ask(mast_sandbox, "Nircam", filename=[f"{OBS_ID}_i2d.fits"])["data"][0]


def test_observation_of_a_file(mast_sandbox: Sandbox) -> None:
    """The observation of a file has additional members in this API."""
    found = viz(mast_sandbox, "parameters", uri=URI).json()
    assert (found["obs_id"], found["calib_level"], found["dataURL"]) == (OBS_ID, 3, URI)
    assert {"obsType", "pol_states", "metaDataRights"} <= found.keys()


def test_products_of_another_level(mast_sandbox: Sandbox) -> None:
    """An exposure leads to its mosaic, and a mosaic to its exposures."""
    exposure = "jw01783001001_02101_00001_nrca1_cal.fits"
    up = viz(mast_sandbox, "products", uri=exposure, level="3").json()
    assert f"{OBS_ID}_i2d.fits" in {row["productFilename"] for row in up[OBS_ID]}
    down = viz(mast_sandbox, "products", uri=URI, level="2").json()
    assert exposure in {row["productFilename"] for rows in down.values() for row in rows}
    assert up[OBS_ID][0]["exp_type"] == "NRC_IMAGE"


def test_keyword_descriptions(mast_sandbox: Sandbox) -> None:
    """The dictionary describes one keyword or all of them."""
    one = viz(mast_sandbox, "info/keywords", name="BKGDTARG").json()
    assert [list(entries) for entries in one.values()] == [["BKGDTARG"]]
    every = viz(mast_sandbox, "info/keywords").json()
    assert sum(map(len, every.values())) > 100


@pytest.mark.parametrize(("path", "uri", "status"), [
    ("keywords/search", "mast:JWST/product/none.fits", 404),
    ("keywords/search", "", 400),
    ("keywords/search", "jw06780-o001_t003_nircam_clear-f090w_i2d.fits", 401),
    ("elsewhere", URI, 404),
])  # fmt: skip
def test_refusals_of_the_viewers_api(mast_sandbox: Sandbox, path: str, uri: str, status: int) -> None:
    """Unknown and exclusive files are refused."""
    if status == 401:
        sql = "SELECT dataURI FROM product WHERE dataURI LIKE '%jw06780%_i2d.fits' LIMIT 1"
        uri = mast_sandbox.archive.query(sql)[0]["dataURI"]
    assert viz(mast_sandbox, path, uri=uri).status_code == status


def test_faults_of_the_viewers_api(mast_sandbox: Sandbox) -> None:
    """The API has its own endpoint for faults and in the log."""
    mast_sandbox.faults.add("viz", Fault.status(503))
    assert viz(mast_sandbox, "keywords/search", uri=URI).status_code == 503
    assert [record.path for record in mast_sandbox.requests.of("viz")] == ["/viz/api/v0.1/keywords/search"]
