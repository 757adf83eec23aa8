"""Cutouts from the sandbox over HTTP, with all types of failures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits

from astroquery_mast import Hapcut, Observations, Tesscut, Zcut, conf
from astroquery_mast.exceptions import (
    DownloadError,
    InvalidQueryError,
    NoResultsWarning,
    RemoteServiceError,
    ResolverError,
    TimeoutError,
)
from astroquery_mast.sandbox import Fault, Sandbox

# A star with light curves.
STAR = "TIC 261136679"
# A star on two detectors in sector 14, and on one in sector 17.
TWICE = "HD 209458"
DEEP = "189.49206 62.20615"
SURVEY = "candels_gn_30mas"
GALAXY = "M51"


def paths(archive: Sandbox, service: str) -> list[tuple[str, str]]:
    """Return the method and the last part of the path of each request."""
    return [(record.method, record.path.partition("/v0.1/")[2]) for record in archive.requests.of(service)]


def names(folder: Path) -> list[str]:
    """Return the contents of a folder."""
    return sorted(path.name for path in folder.iterdir())


# -- TESScut -------------------------------------------------------------------------------------------------------


def test_sectors_of_a_star_are_those_of_its_light_curves(mast_sandbox: Sandbox) -> None:
    """A star with a light curve has its sector, by name and by position."""
    by_name = Tesscut.get_sectors(object_name=STAR)
    position = Observations.resolve_object(STAR)
    assert isinstance(position, SkyCoord)
    by_position = Tesscut.get_sectors(coordinates=position)
    assert by_name["sectorName"].tolist() == by_position["sectorName"].tolist()
    seen = Observations.query_criteria(target_name="261136679", obs_collection="TESS", dataproduct_type="timeseries")
    assert set(seen["sequence_number"].tolist()) <= set(by_name["sector"].tolist())


def test_a_larger_radius_has_more_sectors(mast_sandbox: Sandbox) -> None:
    """A larger radius includes more detectors."""
    here, around = (Tesscut.get_sectors(coordinates="107.27 -70", radius=radius) for radius in ("0d", 60 * u.arcmin))
    assert set(here["sectorName"]) < set(around["sectorName"])


def test_cutouts_of_all_sectors(mast_sandbox: Sandbox) -> None:
    """The sectors are listed once, and each is requested once, even with several detectors."""
    sectors = Tesscut.get_sectors(object_name=TWICE)["sector"].tolist()
    assert len(set(sectors)) < len(sectors)
    mast_sandbox.requests.clear()
    cutouts = Tesscut.get_cutouts(object_name=TWICE, size=(3, 5))
    assert [cutout[0].header["SECTOR"] for cutout in cutouts] == sectors
    assert paths(mast_sandbox, "tesscut") == [("POST", "sector")] + [("POST", "astrocut")] * len(set(sectors))
    for cutout in cutouts:
        flux = cutout["PIXELS"].data["FLUX"]
        assert flux.shape[1:] == (3, 5)
        assert np.isfinite(flux).any()


def test_files_of_all_sectors(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """All files can be opened, and with max_workers=1 there is one request at a time."""
    manifest = Tesscut.download_cutouts(object_name=TWICE, size=3, path=tmp_path / "new", max_workers=1)
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert sorted(Path(path).name for path in manifest["Local Path"]) == names(tmp_path / "new")
    assert mast_sandbox.requests.most_at_once("tesscut") == 1
    for path, size in zip(manifest["Local Path"], manifest["Size"], strict=True):
        assert Path(path).stat().st_size == size
        with fits.open(path) as cutout:
            assert cutout["PIXELS"].data["FLUX"].shape[1:] == (3, 3)


def test_moving_targets(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A minor planet has cutouts along its path; an unknown one has none."""
    sectors = Tesscut.get_sectors(object_name="Eleonora", moving_target=True)
    cutouts = Tesscut.get_cutouts(object_name="Eleonora", moving_target=True, mt_type="smallbody", size=3)
    assert [cutout[0].header["SECTOR"] for cutout in cutouts] == sectors["sector"].tolist()
    manifest = Tesscut.download_cutouts(
        object_name="354", moving_target=True, sector=sectors["sector"][:1], path=tmp_path
    )
    assert len(manifest) == 1
    with pytest.warns(NoResultsWarning, match="not in any TESS sector"):
        assert Tesscut.get_cutouts(object_name="Nobody", moving_target=True) == []
    assert not mast_sandbox.requests.of("resolver")


def test_an_unknown_name_raises_a_resolver_error(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The name of a moving target cannot be resolved without ``moving_target=True``."""
    for call in (Tesscut.get_sectors, Tesscut.get_cutouts, Tesscut.download_cutouts):
        with pytest.raises(ResolverError, match='Could not resolve "nonexistent object 42"'):
            call(object_name="nonexistent object 42")
    assert not mast_sandbox.requests.of("tesscut")


def test_a_sector_without_the_target_gives_no_cutouts(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The list and the manifest are empty, with a warning each."""
    with pytest.warns(NoResultsWarning, match="No TESS data"):
        assert Tesscut.get_cutouts(object_name=STAR, sector=90) == []
    with pytest.warns(NoResultsWarning, match="sector 90: No TESS data"):
        assert len(Tesscut.download_cutouts(object_name=STAR, sector=[1, 90], path=tmp_path)) == 1
    assert len(names(tmp_path)) == 1


def test_a_cutout_that_is_too_large_is_an_invalid_query(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The message has the largest size, and the request is not retried."""
    with pytest.raises(InvalidQueryError, match="at most 100 x 100"):
        Tesscut.get_cutouts(object_name=STAR, sector=1, size=101)
    with pytest.raises(InvalidQueryError, match="at most 100 x 100"):
        Tesscut.download_cutouts(object_name=STAR, sector=1, size=101, path=tmp_path)
    assert len(mast_sandbox.requests.of("tesscut")) == 2
    assert names(tmp_path) == []


# -- Zcut and Hapcut -----------------------------------------------------------------------------------------------


def test_surveys_and_their_cutouts(mast_sandbox: Sandbox) -> None:
    """All surveys at a position have a cutout; with ``survey``, there is only one."""
    surveys = Zcut.get_surveys(DEEP)
    cutouts = Zcut.get_cutouts(DEEP, size=(10, 20))
    assert [cutout.filename.partition("_189")[0] for cutout in cutouts] == surveys
    assert all(hdu.data.shape == (10, 20) for hdu in cutouts[0][1:])
    assert len(Zcut.get_cutouts(DEEP, survey=surveys[0])) == 1
    with pytest.warns(NoResultsWarning, match="No survey"):
        assert Zcut.get_cutouts(DEEP, survey="no_such_survey") == []
    with pytest.warns(NoResultsWarning, match="not in an available deep field"):
        assert Zcut.get_surveys("10 10") == []


@pytest.mark.parametrize(("cutout_format", "start"), [("jpg", b"\xff\xd8"), ("png", b"\x89PNG")])
def test_images(mast_sandbox: Sandbox, tmp_path: Path, cutout_format: str, start: bytes) -> None:
    """Each image parameter is accepted, and changes the image."""
    found = {}
    for label, params in {
        "plain": {},
        "stretch": {"stretch": "log"},
        "percent": {"minmax_percent": (20, 80)},
        "value": {"minmax_value": [0, 1]},
        "invert": {"invert": True},
    }.items():
        manifest = Zcut.download_cutouts(
            DEEP, size=20, cutout_format=cutout_format, path=tmp_path / label, survey="goods_north", **params
        )
        found[label] = Path(manifest["Local Path"][0]).read_bytes()
        assert found[label].startswith(start)
    assert len(set(found.values())) == len(found)


def test_mosaics(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The cutouts in memory and on disk are the same."""
    cutouts = Hapcut.get_cutouts(GALAXY, size=[4, 6])
    manifest = Hapcut.download_cutouts(GALAXY, size=[4, 6], path=tmp_path)
    assert [cutout.filename for cutout in cutouts] == [Path(path).name for path in manifest["Local Path"]]
    assert [hdu.name for hdu in cutouts[0]][1:] == ["SCI", "WHT"]
    assert cutouts[0]["SCI"].data.shape == (4, 6)
    assert paths(mast_sandbox, "hapcut") == [("POST", "astrocut"), ("GET", "astrocut")]
    with pytest.warns(NoResultsWarning, match="No Hubble advanced products"):
        assert Hapcut.get_cutouts("10 10") == []
    with pytest.warns(NoResultsWarning, match="No Hubble advanced products"):
        assert len(Hapcut.download_cutouts("10 10", path=tmp_path)) == 0


def test_an_angle_is_converted_to_pixels(mast_sandbox: Sandbox) -> None:
    """The first of two angles is along the rows."""
    (cutout,) = Zcut.get_cutouts(DEEP, size=(0.6, 1.2) * u.arcsec, survey="candels_gn_60mas")
    assert cutout[1].data.shape == (10, 20)


# -- faults --------------------------------------------------------------------------------------------------------

PASSING = [Fault.status(503, retry_after=1), Fault.cut(200), Fault.reset(), Fault.no_length("close") + Fault.cut(500)]


@pytest.mark.parametrize("fault", PASSING, ids=repr)
@pytest.mark.parametrize("inflate", [None, True, False])
def test_transient_failures_are_retried(
    mast_sandbox: Sandbox, tmp_path: Path, fault: Fault, inflate: bool | None
) -> None:
    """After too many requests, or truncated or broken connections, a retry returns the same cutout."""
    mast_sandbox.faults.add("zcut", fault, times=2)
    if inflate is None:
        assert len(Zcut.get_cutouts(DEEP, survey=SURVEY)) == 1
    else:
        manifest = Zcut.download_cutouts(DEEP, survey=SURVEY, path=tmp_path, inflate=inflate)
        assert set(manifest["Status"]) == {"COMPLETE"}
        assert len(names(tmp_path)) == len(manifest) == 1
    assert len(mast_sandbox.requests.of("zcut")) == 3


@pytest.mark.parametrize("fault", [*PASSING[:3], Fault.garbage(), Fault.no_length() + Fault.cut(500)], ids=repr)
def test_persistent_failures_raise_and_leave_no_files(mast_sandbox: Sandbox, tmp_path: Path, fault: Fault) -> None:
    """No file remains, and the errors are the same in memory and on disk."""
    mast_sandbox.faults.add("zcut", fault, times=None)
    with pytest.raises(RemoteServiceError):
        Zcut.get_cutouts(DEEP, survey=SURVEY)
    for inflate in (True, False):
        with pytest.raises(RemoteServiceError):
            Zcut.download_cutouts(DEEP, survey=SURVEY, path=tmp_path, inflate=inflate)
    assert names(tmp_path) == []


def test_a_truncated_body_without_a_length_is_detected(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Without a Content-Length, only the zip file shows that it is truncated."""
    mast_sandbox.faults.add("zcut", Fault.no_length("close") + Fault.cut(2000), times=None)
    with pytest.raises(RemoteServiceError, match="cannot be read"):
        Zcut.get_cutouts(DEEP, survey=SURVEY)
    with pytest.raises(RemoteServiceError, match="cannot be read"):
        Zcut.download_cutouts(DEEP, survey=SURVEY, path=tmp_path, inflate=False)
    assert names(tmp_path) == []


def test_a_failed_sector_is_a_row_or_an_exception(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The manifest has a row for the failed sector; in memory, the call raises."""
    mast_sandbox.faults.add(
        "tesscut", Fault.status(500), times=None, where=lambda record: record.value("sector") == "2"
    )
    manifest = Tesscut.download_cutouts(object_name=STAR, sector=[1, 2, 3], path=tmp_path)
    assert manifest["Status"].tolist() == ["COMPLETE", "ERROR", "COMPLETE"]
    assert len(names(tmp_path)) == 2
    with pytest.raises(RemoteServiceError, match="sector 2"):
        Tesscut.get_cutouts(object_name=STAR, sector=[1, 2, 3])


def test_timeout_limits_the_whole_call(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The call raises after ``timeout``, whatever the service is doing."""
    mast_sandbox.faults.add("zcut", Fault.delay(30), times=None)
    with pytest.raises(TimeoutError, match="Zcut"):
        Zcut.get_cutouts(DEEP, survey=SURVEY, timeout=0.2)
    with pytest.raises(TimeoutError, match="Zcut"):
        Zcut.download_cutouts(DEEP, survey=SURVEY, path=tmp_path, timeout=0.2)
    assert names(tmp_path) == []


def test_a_request_is_retried_after_the_read_timeout(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """After three times the usual read timeout, the request is sent again, and succeeds."""
    with conf.set_temp("read_timeout", 0.1):
        mast_sandbox.faults.add("zcut", Fault.delay(30))
        assert len(Zcut.get_cutouts(DEEP, survey=SURVEY)) == 1
        mast_sandbox.faults.add("zcut", Fault.delay(30))
        assert len(Zcut.download_cutouts(DEEP, survey=SURVEY, path=tmp_path)) == 1
    # On a busy computer, the sandbox itself may take that long.
    assert len(mast_sandbox.requests.of("zcut")) >= 4


def test_a_download_error_has_the_manifest(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """If there is no exception of the service, the rows have the reasons."""
    mast_sandbox.faults.add("zcut", Fault.cut(200), times=None)
    with pytest.raises(DownloadError) as caught:
        Zcut.download_cutouts(DEEP, survey=SURVEY, path=tmp_path)
    assert caught.value.manifest["Status"].tolist() == ["ERROR"]
