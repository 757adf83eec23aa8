"""Sectors, surveys, and cutouts in memory, with the URLs of MAST and recorded responses."""

from __future__ import annotations

import gc
import io
import json
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
import requests
import responses
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits

from astroquery_mast import Hapcut, Tesscut, TesscutClass, Zcut, conf
from astroquery_mast.exceptions import (
    InvalidQueryError,
    InvalidResponseError,
    NoResultsWarning,
    ServerError,
    TimeoutError,
)

SERVER = "https://mast.stsci.edu"
TESS = f"{SERVER}/tesscut/api/v0.1"
ZCUT = f"{SERVER}/zcut/api/v0.1"
HAPCUT = f"{SERVER}/hapcut/api/v0.1"
PLACE = "107.27 -70.0"
TPF = "astrocut_107.27_-70.0_5x5.zip"
NOTHING = {"msg": "No data found for the given coordinates.", "results": []}


@pytest.fixture
def archive() -> Iterator[responses.RequestsMock]:
    """Mock the URLs of MAST."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def sent(archive: responses.RequestsMock, number: int = -1) -> dict[str, str]:
    """Return the form of a request."""
    return dict(parse_qsl(str(archive.calls[number].request.body), keep_blank_values=True))


def small_fits(sector: int) -> bytes:
    """Return a FITS file with its sector in the header."""
    stream = io.BytesIO()
    fits.PrimaryHDU(header=fits.Header({"SECTOR": sector})).writeto(stream)
    return stream.getvalue()


def zipped(**members: bytes) -> bytes:
    """Return a zip file of FITS files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(f"{name}.fits", content)
    return stream.getvalue()


def by_sector(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
    """Respond with a cutout of the requested sector."""
    sector = int(dict(parse_qsl(str(request.body)))["sector"])
    return 200, {"Content-Type": "application/zip"}, zipped(**{f"s{sector}": small_fits(sector)})


def sectors_of(*numbers: int) -> dict[str, Any]:
    """Return a response with a list of sectors."""
    rows = [{"sectorName": f"tess-s{n:04}-1-3", "sector": f"{n:04}", "camera": "1", "ccd": "3"} for n in numbers]
    return {"results": rows}


def test_a_recorded_cutout_opens(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """The cutout is a target pixel file with the name from the service, and no file stays open."""
    archive.post(f"{TESS}/astrocut", body=recorded(TPF))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cutouts = Tesscut.get_cutouts(coordinates=PLACE, size=5, sector=1)
        (cutout,) = cutouts
        assert [hdu.name for hdu in cutout] == ["PRIMARY", "PIXELS", "APERTURE"]
        assert cutout["PIXELS"].data["FLUX"].shape[1:] == (5, 5)
        assert cutout.filename == "tess-s0001-4-3_107.27_-70.0_5x5_astrocut.fits"
        assert cutout.filename() == cutout.filename
        del cutout, cutouts
        gc.collect()
    assert sent(archive) == {"x": "5", "y": "5", "units": "px", "sector": "1", "ra": "107.27", "dec": "-70.0"}


def test_each_sector_is_one_request(archive: responses.RequestsMock) -> None:
    """Without ``sector``, the sectors are listed first, and each is requested once and returned in order."""
    archive.post(f"{TESS}/sector", json=sectors_of(9, 2, 9, 33))
    archive.add_callback("POST", f"{TESS}/astrocut", by_sector)
    cutouts = Tesscut.get_cutouts(coordinates=PLACE, size=(3, 4) * u.arcmin)
    assert [cutout[0].header["SECTOR"] for cutout in cutouts] == [2, 9, 33]
    assert len(archive.calls) == 4
    assert (float(sent(archive)["y"]), float(sent(archive)["x"])) == pytest.approx((3 / 60, 4 / 60))
    assert sent(archive)["units"] == "d"


@pytest.mark.parametrize("sector", [(9, 2), np.array([9, 2, 2]), ["9", "2"], range(2, 10, 7)])
def test_several_sectors(archive: responses.RequestsMock, sector: Any) -> None:
    """Only the specified sectors are requested."""
    archive.add_callback("POST", f"{TESS}/astrocut", by_sector)
    cutouts = Tesscut.get_cutouts(coordinates=PLACE, sector=sector)
    assert [cutout[0].header["SECTOR"] for cutout in cutouts] == [2, 9]
    assert len(archive.calls) == 2


def test_simultaneous_requests_are_limited(archive: responses.RequestsMock) -> None:
    """The limit is ``max_workers``, but at most ten."""
    lock, now, most = threading.Lock(), [0], [0]

    def counted(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        answer = by_sector(request)
        with lock:
            now[0] -= 1
        return answer

    archive.add_callback("POST", f"{TESS}/astrocut", counted)
    for wanted, allowed in ((1, 1), (3, 3), (1000, 10)):
        most[0] = 0
        assert len(Tesscut.get_cutouts(coordinates=PLACE, sector=range(1, 31), max_workers=wanted)) == 30
        assert 1 <= most[0] <= allowed


def test_a_moving_target_has_its_own_urls(archive: responses.RequestsMock) -> None:
    """Sectors are listed first, then each is one request."""
    archive.post(f"{TESS}/moving_target/sector", json=sectors_of(6, 23))
    archive.add_callback("POST", f"{TESS}/moving_target/astrocut", by_sector)
    cutouts = Tesscut.get_cutouts(object_name="Eleonora", moving_target=True, mt_type="small_body", size=5)
    assert [cutout[0].header["SECTOR"] for cutout in cutouts] == [6, 23]
    assert sent(archive)["obj_id"] == "Eleonora"
    assert sent(archive)["obj_type"] == "smallbody"


def test_missing_data_give_an_empty_list_and_a_warning(archive: responses.RequestsMock) -> None:
    """The warning has the message of the service, by sector if there are several."""
    archive.post(f"{TESS}/astrocut", json=NOTHING)
    archive.post(f"{ZCUT}/astrocut", json={"msg": NOTHING["msg"]})
    archive.post(f"{HAPCUT}/astrocut", json=NOTHING)
    with pytest.warns(NoResultsWarning, match=r"^No data found"):
        assert Tesscut.get_cutouts(coordinates=PLACE, sector=1) == []
    with pytest.warns(NoResultsWarning, match="for sector 1: No data found.*for sector 2: No data"):
        assert Tesscut.get_cutouts(coordinates=PLACE, sector=[1, 2]) == []
    with pytest.warns(NoResultsWarning, match=r"^No data found") as caught:
        assert Zcut.get_cutouts(PLACE) == []
    assert caught[0].filename.startswith(__file__[: __file__.rindex("/")])
    with pytest.warns(NoResultsWarning, match=r"^No data found"):
        assert Hapcut.get_cutouts(PLACE) == []


def test_a_rejected_request_with_status_200_is_an_invalid_query(archive: responses.RequestsMock) -> None:
    """The error has the message of the service, and the request is not retried."""
    archive.post(f"{TESS}/astrocut", json={"msg": "Invalid sector: 999."})
    with pytest.raises(InvalidQueryError, match="Invalid sector: 999"):
        Tesscut.get_cutouts(coordinates=PLACE, sector=999)
    assert len(archive.calls) == 1


def test_a_rejected_request_with_status_400_is_an_invalid_query(archive: responses.RequestsMock) -> None:
    """The error has the message of this service (B40)."""
    archive.post(f"{TESS}/sector", status=400, body="bad unit")
    with pytest.raises(InvalidQueryError, match="bad unit"):
        Tesscut.get_sectors(coordinates=PLACE)


@pytest.mark.parametrize(
    "body", [b"<html>We are down</html>", b"PK\x03\x04", zipped(a=small_fits(1))[:-30], b"", b'{"detail": 1}']
)
def test_invalid_responses_raise_a_remote_error(archive: responses.RequestsMock, body: bytes) -> None:
    """HTML, truncated zip files and other responses are retried, and then raise an error."""
    archive.post(f"{TESS}/astrocut", body=body)
    with pytest.raises(InvalidResponseError, match="TESScut for sector 1"):
        Tesscut.get_cutouts(coordinates=PLACE, sector=1)
    assert len(archive.calls) == conf.max_attempts


def test_a_truncated_response_is_retried(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """A truncated zip file is requested again."""
    archive.post(f"{TESS}/astrocut", body=recorded(TPF)[:-100])
    archive.post(f"{TESS}/astrocut", body=recorded(TPF))
    assert len(Tesscut.get_cutouts(coordinates=PLACE, sector=1)) == 1


def test_a_file_other_than_fits_raises_a_remote_error(archive: responses.RequestsMock) -> None:
    """The message names the file."""
    archive.post(f"{HAPCUT}/astrocut", body=zipped(a=b"no FITS"))
    with pytest.raises(InvalidResponseError, match=r"'a\.fits', which is not a valid FITS file"):
        Hapcut.get_cutouts(PLACE)


def test_an_empty_zip_file_gives_no_cutouts(archive: responses.RequestsMock) -> None:
    """A zip file without files gives a warning, and no error."""
    archive.post(f"{ZCUT}/astrocut", body=zipped())
    with pytest.warns(NoResultsWarning, match="returned an empty zip file"):
        assert Zcut.get_cutouts(PLACE) == []


def test_too_many_requests_are_retried(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """The service responds with 503 above five requests per second, and the request is repeated later."""
    archive.post(f"{TESS}/astrocut", status=503, headers={"Retry-After": "1"})
    archive.post(f"{TESS}/astrocut", status=503)
    archive.post(f"{TESS}/astrocut", body=recorded(TPF))
    assert len(Tesscut.get_cutouts(coordinates=PLACE, sector=1)) == 1


def test_a_service_that_stays_down_is_a_remote_error(archive: responses.RequestsMock) -> None:
    """The message has the status code, for which other code searches."""
    archive.post(f"{TESS}/astrocut", status=504)
    with pytest.raises(ServerError, match="504"):
        Tesscut.get_cutouts(coordinates=PLACE, sector=[1, 2, 3], max_workers=1)
    assert len(archive.calls) == conf.max_attempts


def test_a_failed_sector_stops_the_others(archive: responses.RequestsMock) -> None:
    """The call raises, because a list cannot show what is missing, and no more requests are sent."""
    begun, raised, asked = threading.Event(), threading.Event(), []

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        sector = dict(parse_qsl(str(request.body)))["sector"]
        asked.append(sector)
        if sector == "1":
            assert begun.wait(10)
            return 400, {}, b"no"
        begun.set()
        assert raised.wait(10)
        return 503, {}, b"busy"

    archive.add_callback("POST", f"{TESS}/astrocut", answer)
    with pytest.raises(InvalidQueryError):
        Tesscut.get_cutouts(coordinates=PLACE, sector=[1, 2], max_workers=2)
    raised.set()
    for thread in threading.enumerate():
        if thread.name.startswith("astroquery_mast"):
            thread.join(10)
    assert sorted(asked) == ["1", "2"]


def test_the_read_timeout_is_longer_for_cutouts(archive: responses.RequestsMock) -> None:
    """The read timeout is three times the usual one, but not longer than the timeout of the call."""
    waited = []

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        waited.append(request.req_kwargs["timeout"][1])  # type: ignore[attr-defined]
        return by_sector(request)

    archive.add_callback("POST", f"{TESS}/astrocut", answer)
    with conf.set_temp("read_timeout", 50.0):
        Tesscut.get_cutouts(coordinates=PLACE, sector=1)
        Tesscut.get_cutouts(coordinates=PLACE, sector=1, timeout=30 * u.s)
    assert waited[0] == 150
    assert 29 < waited[1] <= 30


def test_a_timeout_is_astroquerys_own(archive: responses.RequestsMock) -> None:
    """A call without a response in time raises the TimeoutError of astroquery."""
    archive.post(f"{HAPCUT}/astrocut", body=requests.exceptions.ReadTimeout())
    with pytest.raises(TimeoutError, match="Hapcut"):
        Hapcut.get_cutouts(PLACE, timeout=1e-9)


def test_surveys_have_cutouts(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """The survey is sent if it is specified."""
    archive.post(f"{ZCUT}/astrocut", body=recorded("astrocut_189.49206_62.20615_100x100px_f.zip"))
    (cutout,) = Zcut.get_cutouts(SkyCoord(189.49206, 62.20615, unit="deg"), size=(200, 100), survey="candels_gn_30mas")
    assert cutout[1].data.shape == (100, 100)
    form = sent(archive)
    assert (form["y"], form["x"], form["survey"]) == ("200", "100", "candels_gn_30mas")
    for survey in ("", " ", ["a"], 5):
        with pytest.raises(InvalidQueryError, match="survey must be"):
            Zcut.get_cutouts(PLACE, survey=survey)  # type: ignore[arg-type]


def test_hapcut_requests_are_json(archive: responses.RequestsMock) -> None:
    """All numbers are sent as floats."""
    archive.post(f"{HAPCUT}/astrocut", body=zipped(a=small_fits(1)))
    assert len(Hapcut.get_cutouts("351.3 28.4", size=np.int64(7))) == 1
    request = archive.calls[0].request
    assert request.headers["Content-Type"] == "application/json"
    assert request.body == '{"ra": 351.3, "dec": 28.4, "x": 7.0, "y": 7.0, "units": "px"}'
    assert json.loads(request.body)["x"] == 7


def test_another_server_is_queried(archive: responses.RequestsMock) -> None:
    """The URL is determined at call time, from the configuration or for a single client."""
    archive.post("https://mirror.example/tesscut/api/v0.1/sector", json=sectors_of(1))
    with conf.set_temp("server", "https://mirror.example"):
        assert len(Tesscut.get_sectors(coordinates=PLACE)) == 1
    assert len(TesscutClass(server="https://mirror.example/").get_sectors(coordinates=PLACE)) == 1
