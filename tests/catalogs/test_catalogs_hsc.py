"""The Hubble Source Catalog: detections of an object, and downloads of spectra."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import requests
import responses
from astropy.table import Table
from astroquery.exceptions import InputWarning, InvalidQueryError, NoResultsWarning, RemoteServiceError

from astroquery_mast import Catalogs, CatalogsClass, conf
from astroquery_mast.exceptions import DownloadError

INVOKE = "https://mast.stsci.edu/api/v0/invoke"
CONFIG = "https://mast.stsci.edu/portal/Mashup/Mashup.asmx/columnsconfig"
HLA = "https://hla.stsci.edu/cgi-bin"


@pytest.fixture
def archive() -> Iterator[responses.RequestsMock]:
    """Mock MAST's real addresses."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(CONFIG, body=b"{}")
        yield mock


def spectra(*rows: tuple[Any, Any]) -> Table:
    """Return spectra with the given names and types."""
    return Table(rows=list(rows), names=("DatasetName", "SpectrumType"), masked=True)


def fits(address: str) -> bytes:
    """Return the body of a file that depends on its address."""
    card = f"SIMPLE  = {'T':>20}".ljust(80) + "END".ljust(80)
    return (card.ljust(2880) + address[:2880].ljust(2880, "\0")).encode("latin-1", "replace")


@pytest.fixture
def files(archive: responses.RequestsMock) -> list[str]:
    """Serve every spectrum; return the requested addresses."""
    seen: list[str] = []

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        seen.append(str(request.url))
        if "missing" in str(request.url):
            return 404, {}, b"no such file"
        return 200, {"Content-Type": "application/octet-stream"}, b"SIMPLE  = " + str(request.url).encode()

    for name in ("getdata.cgi", "ecfproxy"):
        archive.add_callback(responses.GET, f"{HLA}/{name}", answer)
        archive.add_callback(responses.HEAD, f"{HLA}/{name}", answer)
    return seen


# -- detections ----------------------------------------------------------------------------------------------------


def test_the_recorded_detections_of_an_object(
    archive: responses.RequestsMock, recorded: Callable[[str], bytes]
) -> None:
    """A row of the catalog and every form of its identifier make the same request."""
    archive.post(INVOKE, body=recorded("matchid.json"))
    row = Table({"MatchID": [82371983], "Distance": [0.1]})[0]
    for match in (82371983, "82371983", np.int64(82371983), row, Table({"MatchID": ["82371983"]})[0]):
        request = Catalogs.query_hsc_matchid(match, version=2, get_query_payload=True)
        assert request["service"] == "Mast.HscMatches.Db.v2"
        assert request["params"] == {"input": "82371983"}
    table = Catalogs.query_hsc_matchid(row)
    assert set(table["MatchID"]) == {82371983}
    assert len(Catalogs.query_hsc_matchid_async(row)) == 1


@pytest.mark.parametrize("match", ["", "M15", 1.5, None, True, [1, 2], -3, Table({"ID": ["1"]})[0]], ids=repr)
def test_an_invalid_match_id_sends_no_request(archive: responses.RequestsMock, match: Any) -> None:
    """Anything but a MatchID raises an error."""
    with pytest.raises(InvalidQueryError, match="match must be a MatchID, or a row of the catalog with a MatchID, got"):
        Catalogs.query_hsc_matchid(match)
    assert not archive.calls


def test_an_unknown_version_of_the_matches_warns() -> None:
    """An unknown version is replaced by the latest, with a warning."""
    with pytest.warns(InputWarning, match="Invalid HSC version number"):
        request = Catalogs.query_hsc_matchid(1, version=5, get_query_payload=True)
    assert request["service"] == "Mast.HscMatches.Db.v3"
    assert Catalogs.query_hsc_matchid(1, version=None, get_query_payload=True)["service"].endswith("v3")


# -- spectra -------------------------------------------------------------------------------------------------------


def test_the_recorded_spectra_are_listed(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """All spectra are returned as one table, or a requested page of them."""
    answer = json.loads(recorded("spectra.json"))
    answer["paging"].update(rows=26, rowsFiltered=26, rowsTotal=26)
    archive.post(INVOKE, json=answer)
    table = Catalogs.get_hsc_spectra()
    assert len(table) == 26
    assert {"DatasetName", "SpectrumType"} <= set(table.colnames)
    assert len(Catalogs.get_hsc_spectra_async(page=1)) == 1
    assert Catalogs.get_hsc_spectra(pagesize=7, page=2, get_query_payload=True)["page"] == 2


def test_spectra_are_written_to_the_paths_of_astroquery(files: list[str], tmp_path: Path) -> None:
    """Both types of spectra have their own addresses, with special characters escaped."""
    wanted = spectra(("HST_10", 1), ("HAG_J072655.67+691648.9_V01.SPEC1D", 2))
    manifest = Catalogs.download_hsc_spectra(wanted, download_dir=str(tmp_path), verbose=False)
    assert manifest.colnames[:4] == ["Local Path", "Status", "Message", "URL"]
    assert manifest["Status"].tolist() == ["COMPLETE", "COMPLETE"]
    folder = tmp_path / "mastDownload" / "HSC"
    assert manifest["Local Path"].tolist() == [str(folder / f"{name}.fits") for name in wanted["DatasetName"]]
    first = f"{HLA}/getdata.cgi?config=ops&dataset=HST_10"
    second = f"{HLA}/ecfproxy?file_id=HAG_J072655.67%2B691648.9_V01.SPEC1D.fits"
    assert set(files) == {first, second}
    assert Path(manifest["Local Path"][1]).read_bytes() == b"SIMPLE  = " + second.encode()


def test_spectra_may_be_rows(files: list[str], tmp_path: Path) -> None:
    """A row is one spectrum, and a list of rows several."""
    wanted = spectra(("a", 1), ("b", 1), ("c", 2))
    for given, count in ((wanted[1], 1), ([wanted[0], wanted[2]], 2), (wanted[:0], 0)):
        if count:
            assert len(Catalogs.download_hsc_spectra(given, download_dir=tmp_path, verbose=False)) == count
        else:
            with pytest.warns(NoResultsWarning):
                assert len(Catalogs.download_hsc_spectra(given, download_dir=tmp_path)) == 0
    assert len(files) == 3


def test_files_on_disk_are_kept_with_cache(files: list[str], tmp_path: Path) -> None:
    """With cache=True, a file on disk needs no request; with False, it is downloaded again."""
    wanted = spectra(("a", 1))
    path = tmp_path / "mastDownload" / "HSC" / "a.fits"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"old")
    assert Catalogs.download_hsc_spectra(wanted, download_dir=tmp_path, verbose=False)["Status"][0] == "COMPLETE"
    assert (files, path.read_bytes()) == ([], b"old")
    Catalogs.download_hsc_spectra(wanted, download_dir=tmp_path, cache=False, verbose=False)
    assert path.read_bytes().startswith(b"SIMPLE")


def test_failed_spectra_can_be_retried(archive: responses.RequestsMock, files: list[str], tmp_path: Path) -> None:
    """Every spectrum has a row in the manifest, and failed ones can be downloaded later."""
    wanted = spectra(("missing", 1), ("b", 1))
    manifest = Catalogs.download_hsc_spectra(wanted, download_dir=tmp_path, verbose=False, on_error="ignore")
    assert manifest["Status"].tolist() == ["ERROR", "COMPLETE"]
    assert "404" in manifest["Message"][0]
    with pytest.raises(DownloadError):
        Catalogs.download_hsc_spectra(wanted, download_dir=tmp_path, verbose=False, on_error="raise")
    files.clear()
    again = Catalogs.retry_downloads(manifest, verbose=False, on_error="ignore")
    assert again["Status"].tolist() == ["ERROR", "COMPLETE"]
    assert set(files) == {f"{HLA}/getdata.cgi?config=ops&dataset=missing"}
    assert Catalogs.verify_downloads(again, verbose=False)["Status"].tolist() == ["MISSING", "OK"]


@pytest.mark.parametrize("name", ["../../../escaped", "/etc/passwd", "a/../../b", "..", "C:\\x"])
def test_no_name_leads_outside_the_folder(files: list[str], tmp_path: Path, name: str) -> None:
    """Whatever name a spectrum has, its path is in the download folder (B42)."""
    plan = Catalogs.download_hsc_spectra(spectra((name, 1)), download_dir=tmp_path, dry_run=True)
    folder = tmp_path / "mastDownload" / "HSC"
    assert Path(plan["Local Path"][0]).resolve().is_relative_to(folder)
    assert not files


def test_two_spectra_never_share_a_path(tmp_path: Path) -> None:
    """Names that differ only in case get different paths."""
    plan = Catalogs.download_hsc_spectra(spectra(("abc", 1), ("ABC", 1)), download_dir=tmp_path, dry_run=True)
    assert len({path.lower() for path in plan["Local Path"]}) == 2
    assert plan["Action"].tolist() == ["fetch", "fetch"]


def test_a_spectrum_without_a_name_or_a_type_is_an_error_in_the_manifest(files: list[str], tmp_path: Path) -> None:
    """A spectrum without an address is an error, and the others are downloaded."""
    wanted = spectra(("a", 1), ("b", 1), ("c", 1))
    wanted["DatasetName"].mask[0] = True
    wanted["SpectrumType"].mask[1] = True
    manifest = Catalogs.download_hsc_spectra(wanted, download_dir=tmp_path, verbose=False, on_error="ignore")
    assert manifest["Status"].tolist() == ["ERROR", "ERROR", "COMPLETE"]
    assert len(files) == 1


@pytest.mark.parametrize("given", [None, "x", 3, [], Table({"obsid": ["1"]}), Table({"DatasetName": ["a"]})], ids=repr)
def test_invalid_spectra_raise(given: Any, tmp_path: Path) -> None:
    """Anything but a table of spectra raises an error."""
    with pytest.raises(InvalidQueryError, match="spectra must be a table from get_hsc_spectra, got"):
        Catalogs.download_hsc_spectra(given, download_dir=tmp_path)


# -- script --------------------------------------------------------------------------------------------------------


def test_a_script_is_downloaded(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """Spectra that MAST does not include in the script are errors in the manifest."""
    stage = "https://mast.stsci.edu/portal/Download/stage/anonymous/public/1/mastDownload.sh"
    left_out = f"{HLA}/ecfproxy?file_id=b%2B.fits"
    states = {f"{HLA}/getdata.cgi?config=ops&dataset=a": "COMPLETE", left_out: "ERROR"}
    archive.post(INVOKE, json={"status": "COMPLETE", "msg": "", "url": stage, "statusList": states})
    for method in (archive.get, archive.head):
        method(stage, body=b"#!/bin/bash\ncurl ...\n")
    manifest = Catalogs.download_hsc_spectra(
        spectra(("a", 1), ("b+", 2)), download_dir=tmp_path / "new", curl_flag=True, verbose=False, on_error="ignore"
    )
    assert manifest["Status"].tolist() == ["COMPLETE", "ERROR"]
    assert "MAST did not include this file in the script" in manifest["Message"][1]
    path = Path(manifest["Local Path"][0])
    assert path.read_bytes().startswith(b"#!/bin/bash")
    assert (path.parent, path.suffix) == (tmp_path / "new", ".sh")
    body = archive.calls[0].request.body
    request = json.loads(unquote(str(body)).removeprefix("request="))
    assert request["service"] == "Mast.Bundle.Request"
    assert request["params"] == {
        "urlList": ",".join(states),
        "filename": path.stem,
        "pathList": f"{path.stem}/HSC/a.fits,{path.stem}/HSC/b+.fits",
        "descriptionList": ["", ""],
        "productTypeList": ["spectrum", "spectrum"],
        "extension": "curl",
    }


@pytest.mark.parametrize("answer", [{"status": "COMPLETE"}, {"status": "COMPLETE", "url": "file:///etc/passwd"}])
def test_a_response_without_a_script_raises(
    archive: responses.RequestsMock, tmp_path: Path, answer: dict[str, Any]
) -> None:
    """The address of the script must begin with http:// or https://."""
    archive.post(INVOKE, json=answer)
    with pytest.raises(RemoteServiceError, match="returned no script URL"):
        Catalogs.download_hsc_spectra(spectra(("a", 1)), download_dir=tmp_path, curl_flag=True)


def test_the_addresses_follow_the_configuration(tmp_path: Path) -> None:
    """The server of the spectra is read from the configuration when it is used (B7)."""
    with conf.set_temp("hla_server", "http://127.0.0.1:1/"):
        plan = CatalogsClass().download_hsc_spectra(spectra(("a", 2)), download_dir=tmp_path, dry_run=True)
    assert plan["URL"].tolist() == ["http://127.0.0.1:1/cgi-bin/ecfproxy?file_id=a.fits"]
