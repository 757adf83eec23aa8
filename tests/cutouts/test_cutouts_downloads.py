"""Cutouts on disk: complete files inside the folder, and a row for every file."""

from __future__ import annotations

import gc
import io
import json
import os
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
import requests
import responses
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from transfers import given_away

from astroquery_mast import Hapcut, Tesscut, Zcut, conf
from astroquery_mast.exceptions import (
    DownloadError,
    InputWarning,
    InvalidQueryError,
    InvalidResponseError,
    NoResultsWarning,
    RemoteServiceError,
    ServerError,
    TimeoutError,
)

SERVER = "https://mast.stsci.edu"
TESS = f"{SERVER}/tesscut/api/v0.1"
ZCUT = f"{SERVER}/zcut/api/v0.1"
HAPCUT = f"{SERVER}/hapcut/api/v0.1"
PLACE = "107.27 -70.0"
TPF = "astrocut_107.27_-70.0_5x5.zip"
TPF_NAME = "tess-s0001-4-3_107.27_-70.0_5x5_astrocut.fits"
PICTURES = "astrocut_189.49206_62.20615_100x100px.zip"
NOTHING = {"msg": "No data found for the given coordinates.", "results": []}
CONTENT = bytes(range(256)) * 20


@pytest.fixture
def archive() -> Iterator[responses.RequestsMock]:
    """Mock the URLs of MAST."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def zipped(*members: tuple[str, bytes]) -> bytes:
    """Return a zip file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return stream.getvalue()


def asked(request: requests.PreparedRequest) -> dict[str, str]:
    """Return the parameters of a request."""
    return dict(parse_qsl(urlsplit(str(request.url)).query))


def by_sector(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
    """Respond with a file for the requested sector; sector 2 has no data, and sector 3 fails."""
    sector = asked(request)["sector"]
    if sector == "2":
        return 200, {"Content-Type": "application/json"}, json.dumps(NOTHING).encode()
    if sector == "3":
        return 503, {}, b"too many"
    return 200, {"Content-Type": "application/zip"}, zipped((f"s{sector}.fits", sector.encode()))


def names(folder: Path) -> list[str]:
    """Return the contents of a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_recorded_cutout_is_unpacked(
    archive: responses.RequestsMock, recorded: Callable[[str], bytes], tmp_path: Path
) -> None:
    """The file has the name from the service in a new folder, without other files."""
    archive.get(f"{TESS}/astrocut", body=recorded(TPF), content_type="application/zip")
    folder = tmp_path / "a" / "b"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        manifest = Tesscut.download_cutouts(coordinates=PLACE, size=5, sector=np.int64(1), path=folder)
        gc.collect()
    assert isinstance(manifest, Table)
    assert manifest.colnames[:4] == ["Local Path", "Status", "Message", "URL"]
    assert manifest["Local Path"][0] == manifest[0][0] == str(folder / TPF_NAME)
    assert isinstance(manifest[0][0], str)
    assert manifest["Status"].tolist() == ["COMPLETE"]
    assert manifest["Message"][0] is None
    assert manifest["Size"][0] == 766080
    assert names(folder) == [TPF_NAME]
    with fits.open(manifest["Local Path"][0]) as cutout:
        assert cutout[1].data["FLUX"].shape[1:] == (5, 5)
    assert asked(archive.calls[0].request) == {
        "x": "5",
        "y": "5",
        "units": "px",
        "sector": "1",
        "ra": "107.27",
        "dec": "-70.0",
    }


def test_a_zip_file_is_kept_with_inflate_false(
    archive: responses.RequestsMock, recorded: Callable[[str], bytes], tmp_path: Path
) -> None:
    """Two calls in the same second give two files."""
    archive.get(f"{TESS}/astrocut", body=recorded(TPF), content_type="application/zip")
    paths = {
        Tesscut.download_cutouts(coordinates=PLACE, sector=1, path=str(tmp_path), inflate=False)["Local Path"][0]
        for _ in range(2)
    }
    assert sorted(os.path.basename(path) for path in paths) == names(tmp_path)  # noqa: PTH119 - the path is a string
    for path in paths:
        assert Path(path).name.startswith("tesscut_")
        assert Path(path).read_bytes() == recorded(TPF)


def test_the_current_folder_is_the_default(
    archive: responses.RequestsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths are relative if the folder is relative."""
    monkeypatch.chdir(tmp_path)
    archive.get(f"{HAPCUT}/astrocut", body=zipped(("hst_cutout.fits", CONTENT)))
    assert Hapcut.download_cutouts("351.3 28.4", size=(4, 6))["Local Path"].tolist() == ["hst_cutout.fits"]
    assert asked(archive.calls[0].request) == {"ra": "351.3", "dec": "28.4", "x": "6", "y": "4", "units": "px"}
    assert Path("hst_cutout.fits").read_bytes() == CONTENT


def test_images_are_requested_with_their_parameters(
    archive: responses.RequestsMock, recorded: Callable[[str], bytes], tmp_path: Path
) -> None:
    """Each image is a row, and all parameters are sent."""
    archive.get(f"{ZCUT}/astrocut", body=recorded(PICTURES))
    manifest = Zcut.download_cutouts(
        "189.49206 62.20615",
        size=100 * u.pix,
        survey="candels_gn_30mas",
        cutout_format="JPG",
        path=tmp_path,
        stretch="asinh",
        minmax_percent=[0.5, 99.5],
        invert=True,
    )
    assert len(manifest) == 3
    assert all(Path(path).read_bytes().startswith(b"\xff\xd8") for path in manifest["Local Path"])
    form = asked(archive.calls[0].request)
    assert form["cutout_format"] == "jpg"
    assert (form["stretch"], form["minmax_percent"], form["invert"]) == ("asinh", "[0.5, 99.5]", "True")
    assert (form["survey"], form["x"]) == ("candels_gn_30mas", "100")


def test_image_parameters_are_never_ignored_silently(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """A misspelled parameter or format raises, and a parameter without effect gives a warning."""
    archive.get(f"{ZCUT}/astrocut", body=zipped(("a.fits", CONTENT)))
    with pytest.warns(InputWarning, match="stretch has no effect"):
        Zcut.download_cutouts(PLACE, path=tmp_path, stretch="log")
    assert "stretch" not in asked(archive.calls[0].request)
    with pytest.warns(InputWarning, match="stretch, invert have no effect"):
        Zcut.download_cutouts(PLACE, path=tmp_path, stretch="log", invert=True)
    with pytest.raises(InvalidQueryError, match="Did you mean 'stretch'"):
        Zcut.download_cutouts(PLACE, path=tmp_path, cutout_format="png", strech="log")
    with pytest.raises(InvalidQueryError, match="cutout_format must be"):
        Zcut.download_cutouts(PLACE, path=tmp_path, cutout_format="gif")
    assert len(archive.calls) == 2


def test_an_old_file_is_replaced(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """A new cutout of the same name replaces the previous file."""
    (tmp_path / "a.fits").write_bytes(b"old")
    archive.get(f"{HAPCUT}/astrocut", body=zipped(("a.fits", CONTENT)))
    Hapcut.download_cutouts(PLACE, path=tmp_path)
    assert (tmp_path / "a.fits").read_bytes() == CONTENT
    assert names(tmp_path) == ["a.fits"]


def test_several_sectors_are_one_manifest(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """The rows are in the order of the sectors."""
    archive.add_callback("GET", f"{TESS}/astrocut", by_sector)
    manifest = Tesscut.download_cutouts(coordinates=PLACE, sector=[9, 4, 12], path=tmp_path, max_workers=2)
    assert [Path(path).name for path in manifest["Local Path"]] == ["s4.fits", "s9.fits", "s12.fits"]
    assert names(tmp_path) == ["s12.fits", "s4.fits", "s9.fits"]


def test_a_failed_sector_does_not_affect_others(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """Other files are kept, the failed sector is a row with the reason, and a sector without data gives a warning."""
    archive.add_callback("GET", f"{TESS}/astrocut", by_sector)
    with pytest.warns(NoResultsWarning, match="for sector 2: No data found"):
        manifest = Tesscut.download_cutouts(coordinates=PLACE, sector=[1, 2, 3], path=tmp_path)
    assert manifest["Status"].tolist() == ["COMPLETE", "ERROR"]
    assert "503" in manifest["Message"][1]
    assert manifest["URL"][1].startswith(TESS)
    assert manifest["Local Path"][1].endswith(".zip")
    assert names(tmp_path) == ["s1.fits"]


def test_a_moving_target_is_downloaded_by_sector(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """Sectors are listed first, then each is one request."""
    rows = [{"sectorName": "x", "sector": number, "camera": "1", "ccd": "1"} for number in ("23", "6", "6")]
    archive.post(f"{TESS}/moving_target/sector", json={"results": rows})
    archive.add_callback("GET", f"{TESS}/moving_target/astrocut", by_sector)
    manifest = Tesscut.download_cutouts(object_name="Eleonora", moving_target=True, path=tmp_path)
    assert [Path(path).name for path in manifest["Local Path"]] == ["s6.fits", "s23.fits"]
    assert asked(archive.calls[-1].request)["obj_id"] == "Eleonora"


def test_no_sector_is_an_empty_manifest(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """The list of sectors gives the warning, and no cutout is requested."""
    archive.post(f"{TESS}/sector", json={"results": []})
    with pytest.warns(NoResultsWarning, match="not in any TESS sector"):
        manifest = Tesscut.download_cutouts(coordinates=PLACE, path=tmp_path)
    assert len(manifest) == 0
    assert manifest.colnames[0] == "Local Path"
    assert len(archive.calls) == 1


@pytest.mark.parametrize("inflate", [True, False])
@pytest.mark.parametrize("body", [json.dumps(NOTHING).encode(), zipped()])
def test_missing_data_leave_no_files(
    archive: responses.RequestsMock, tmp_path: Path, body: bytes, inflate: bool
) -> None:
    """The manifest is empty, there is a warning, and no file remains."""
    archive.get(f"{HAPCUT}/astrocut", body=body)
    with pytest.warns(NoResultsWarning, match="No data found|returned an empty zip file"):
        assert len(Hapcut.download_cutouts(PLACE, path=tmp_path, inflate=inflate)) == 0
    assert names(tmp_path) == []


@pytest.mark.parametrize("inflate", [True, False])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"body": zipped(("a.fits", CONTENT))[:-30]}, InvalidResponseError),
        ({"body": b"<html>We are down</html>", "content_type": "text/html"}, DownloadError),
        ({"body": b"<html>We are down</html>", "content_type": "application/zip"}, InvalidResponseError),
        ({"body": b""}, InvalidResponseError),
        ({"json": {"detail": 1}}, InvalidResponseError),
        ({"json": {"msg": "Internal error"}}, ServerError),
        ({"json": {"msg": "size is too large"}}, InvalidQueryError),
        ({"status": 400, "body": "bad units"}, InvalidQueryError),
        ({"status": 504}, ServerError),
        ({"body": requests.ConnectionError("reset")}, RemoteServiceError),
    ],
)
def test_invalid_responses_raise_and_leave_no_files(
    archive: responses.RequestsMock, tmp_path: Path, answer: dict[str, Any], error: type[Exception], inflate: bool
) -> None:
    """No file remains, and the exception has the correct class."""
    archive.get(f"{ZCUT}/astrocut", **answer)
    with pytest.raises(error):
        Zcut.download_cutouts(PLACE, path=tmp_path, inflate=inflate)
    assert names(tmp_path) == []


def test_too_many_requests_are_retried(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """A request with status 503 is repeated later."""
    archive.get(f"{HAPCUT}/astrocut", status=503)
    archive.get(f"{HAPCUT}/astrocut", body=zipped(("a.fits", CONTENT)))
    assert Hapcut.download_cutouts(PLACE, path=tmp_path)["Status"].tolist() == ["COMPLETE"]


def test_a_damaged_file_does_not_affect_others(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """Files with correct checksums are written; a damaged file is a row with the reason, and its old file is kept."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("good.fits", b"good" * 50)
        packed.writestr("bad.fits", b"bad" * 50)
    (tmp_path / "bad.fits").write_bytes(b"old")
    archive.get(f"{HAPCUT}/astrocut", body=stream.getvalue().replace(b"badbad", b"badBAD", 1))
    manifest = Hapcut.download_cutouts(PLACE, path=tmp_path)
    assert manifest["Status"].tolist() == ["COMPLETE", "ERROR"]
    assert "Bad CRC" in manifest["Message"][1]
    assert (tmp_path / "bad.fits").read_bytes() == b"old"
    assert names(tmp_path) == ["bad.fits", "good.fits"]


def test_a_damaged_zip_file_is_not_kept(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """A zip file gets its final name only after all of its contents have been read."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("bad.fits", b"bad" * 50)
    archive.get(f"{HAPCUT}/astrocut", body=stream.getvalue().replace(b"badbad", b"badBAD", 1))
    with pytest.raises(InvalidResponseError, match="Bad CRC"):
        Hapcut.download_cutouts(PLACE, path=tmp_path, inflate=False)
    assert names(tmp_path) == []


def test_hostile_names_stay_inside(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """Files with names that lead out of the folder are written inside it, without collisions."""
    folder = tmp_path / "cutouts"
    hostile = ["../up.fits", "/abs.fits", "a/../../up.fits", "C:\\win.fits", "x.fits", "X.fits", ".."]
    archive.get(f"{HAPCUT}/astrocut", body=zipped(*((name, name.encode()) for name in hostile)))
    manifest = Hapcut.download_cutouts(PLACE, path=folder)
    assert manifest["Status"].tolist() == ["COMPLETE"] * len(hostile)
    assert names(tmp_path) == ["cutouts"]
    paths = [Path(path) for path in manifest["Local Path"]]
    assert all(path.resolve().is_relative_to(folder.resolve()) for path in paths)
    assert [path.read_bytes().decode() for path in paths] == hostile


def test_a_link_of_another_user_below_the_folder_is_not_followed(
    archive: responses.RequestsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder in the zip file that is a link of another user on disk is not used."""
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "cutouts"
    elsewhere.mkdir()
    folder.mkdir()
    (folder / "sub").symlink_to(elsewhere)
    given_away(folder / "sub", monkeypatch)
    archive.get(f"{HAPCUT}/astrocut", body=zipped(("sub/a.fits", CONTENT), ("b.fits", CONTENT)))
    manifest = Hapcut.download_cutouts(PLACE, path=folder)
    assert manifest["Status"].tolist() == ["ERROR", "COMPLETE"]
    assert "it is a broken link, or a link of another user" in manifest["Message"][0]
    assert not names(elsewhere)


def test_a_link_to_the_folder_is_followed(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """The download folder itself can be a link."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    archive.get(f"{HAPCUT}/astrocut", body=zipped(("a.fits", CONTENT)))
    assert Hapcut.download_cutouts(PLACE, path=tmp_path / "link")["Status"].tolist() == ["COMPLETE"]
    assert names(tmp_path / "disk") == ["a.fits"]


def test_a_folder_with_the_name_of_a_file_is_an_error(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """The folder is not changed, and no other files remain."""
    (tmp_path / "a.fits").mkdir()
    archive.get(f"{HAPCUT}/astrocut", body=zipped(("a.fits", CONTENT), ("b.fits", CONTENT)))
    manifest = Hapcut.download_cutouts(PLACE, path=tmp_path)
    assert manifest["Status"].tolist() == ["ERROR", "COMPLETE"]
    assert names(tmp_path) == ["a.fits", "b.fits"]


@pytest.mark.parametrize("path", ["a.fits", "memory://bucket"])
def test_a_path_other_than_a_folder_raises(
    archive: responses.RequestsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The error is raised before any request."""
    monkeypatch.chdir(tmp_path)
    Path("a.fits").touch()
    with pytest.raises(InvalidQueryError):
        Hapcut.download_cutouts(PLACE, path=path)
    with pytest.raises(InvalidQueryError):
        Tesscut.download_cutouts(object_name="M1", path=path)
    assert not archive.calls


def test_a_timeout_is_astroquerys_own(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """A call without a response in time raises the TimeoutError of astroquery."""
    archive.get(f"{HAPCUT}/astrocut", body=requests.exceptions.ReadTimeout())
    with pytest.raises(TimeoutError, match=r"^Timeout limit of .* exceeded by Hapcut"):
        Hapcut.download_cutouts(PLACE, path=tmp_path, timeout=1e-6)
    assert names(tmp_path) == []


def test_the_read_timeout_is_longer_for_cutouts(archive: responses.RequestsMock, tmp_path: Path) -> None:
    """The read timeout is three times the usual one."""
    waited = []

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        waited.append(request.req_kwargs["timeout"][1])  # type: ignore[attr-defined]
        return by_sector(request)

    archive.add_callback("GET", f"{TESS}/astrocut", answer)
    with conf.set_temp("read_timeout", 50.0):
        Tesscut.download_cutouts(coordinates=PLACE, sector=1, path=tmp_path)
    assert waited == [150]
