"""Sectors and surveys around a target, and invalid targets and arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
import responses
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.utils.exceptions import AstropyDeprecationWarning

from astroquery_mast import Tesscut, Zcut
from astroquery_mast.exceptions import InputWarning, InvalidQueryError, NoResultsWarning

SERVER = "https://mast.stsci.edu"
TESS = f"{SERVER}/tesscut/api/v0.1"
ZCUT = f"{SERVER}/zcut/api/v0.1"
PLACE = "107.27 -70.0"


@pytest.fixture
def archive() -> Iterator[responses.RequestsMock]:
    """Mock the URLs of MAST."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def sent(archive: responses.RequestsMock, number: int = -1) -> dict[str, str]:
    """Return the form of a request."""
    return dict(parse_qsl(str(archive.calls[number].request.body), keep_blank_values=True))


def sectors_of(*numbers: int) -> dict[str, Any]:
    """Return a response with a list of sectors."""
    rows = [{"sectorName": f"tess-s{n:04}-1-3", "sector": f"{n:04}", "camera": "1", "ccd": "3"} for n in numbers]
    return {"results": rows}


@pytest.mark.parametrize(
    "coordinates",
    [PLACE, "107.27, -70.0", SkyCoord(107.27, -70, unit="deg"), SkyCoord(107.27, -70, unit="deg").galactic],
)
def test_sectors_of_a_position(
    archive: responses.RequestsMock, recorded: Callable[[str], bytes], coordinates: Any
) -> None:
    """The recorded response becomes a table of integers, and the request is a form with three numbers."""
    archive.post(f"{TESS}/sector", body=recorded("tess_sector.json"))
    table = Tesscut.get_sectors(coordinates=coordinates)
    assert table.colnames == ["sectorName", "sector", "camera", "ccd"]
    assert list(table[0]) == ["tess-s0001-1-3", 1, 1, 3]
    assert [table[name].dtype.kind for name in table.colnames] == ["U", "i", "i", "i"]
    assert table.meta["service"] == ["TESScut"]
    assert all(table[name].description for name in table.colnames)
    form = {name: float(value) for name, value in sent(archive).items()}
    assert form == pytest.approx({"ra": 107.27, "dec": -70.0, "radius": 0.0})


@pytest.mark.parametrize("radius", [0.2, 0.2 * u.deg, "0.2 deg", "12m", 12 * u.arcmin])
def test_a_radius_is_an_angle(archive: responses.RequestsMock, radius: Any) -> None:
    """The radius is sent in degrees."""
    archive.post(f"{TESS}/sector", json=sectors_of(6))
    assert Tesscut.get_sectors(coordinates=PLACE, radius=radius)["sector"][0] == 6
    assert float(sent(archive)["radius"]) == pytest.approx(0.2)


def test_no_sector_is_an_empty_table_and_a_warning(archive: responses.RequestsMock) -> None:
    """The empty table has the usual columns and types."""
    archive.post(f"{TESS}/sector", json={"results": []})
    with pytest.warns(NoResultsWarning, match="Coordinates are not in any TESS sector") as caught:
        table = Tesscut.get_sectors(coordinates=PLACE)
    assert len(table) == 0
    assert table.colnames == ["sectorName", "sector", "camera", "ccd"]
    assert table["sector"].dtype.kind == "i"
    assert caught[0].filename.startswith(__file__[: __file__.rindex("/")])


def test_sectors_of_a_moving_target(archive: responses.RequestsMock) -> None:
    """The name and type are sent, and the name is not resolved."""
    archive.post(f"{TESS}/moving_target/sector", json=sectors_of(23, 6, 6))
    table = Tesscut.get_sectors(object_name="Ceres", moving_target=True, mt_type="small_body")
    assert table["sector"].tolist() == [23, 6, 6]
    assert sent(archive) == {"obj_id": "Ceres", "obj_type": "smallbody"}
    assert len(archive.calls) == 1


def test_an_unknown_moving_target_gives_the_message_of_the_service(archive: responses.RequestsMock) -> None:
    """The warning starts with the sentence that warning filters match."""
    archive.post(f"{TESS}/moving_target/sector", json={"results": [], "msg": "No such body."})
    with pytest.warns(NoResultsWarning, match=r"^Coordinates are not in any TESS sector\. No such body\.$"):
        assert len(Tesscut.get_sectors(object_name="Nobody", moving_target=True)) == 0


def test_arguments_without_effect_give_a_warning(archive: responses.RequestsMock) -> None:
    """Two arguments that astroquery.mast ignores silently give warnings."""
    archive.post(f"{TESS}/moving_target/sector", json=sectors_of(6))
    archive.post(f"{TESS}/sector", json=sectors_of(6))
    with pytest.warns(InputWarning, match="radius has no effect"):
        Tesscut.get_sectors(object_name="Ceres", moving_target=True, radius=1)
    with pytest.warns(InputWarning, match="mt_type has no effect"):
        Tesscut.get_sectors(coordinates=PLACE, mt_type="majorbody")


@pytest.mark.parametrize("method", ["get_sectors", "get_cutouts", "download_cutouts"])
@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({}, "object_name or coordinates"),
        ({"coordinates": PLACE, "object_name": "M1"}, "Please remove object_name if using coordinates"),
        ({"coordinates": PLACE, "moving_target": True}, "Only one of moving_target and coordinates"),
        ({"moving_target": True}, "Please specify the object name or ID"),
        ({"object_name": "", "moving_target": True}, "Please specify the object name or ID"),
        ({"object_name": "Ceres", "moving_target": True, "mt_type": "comet"}, "majorbody"),
        ({"coordinates": 107.27}, "coordinates must be a SkyCoord, a coordinate frame with data, or"),
        ({"coordinates": SkyCoord([1, 2], [1, 2], unit="deg")}, "coordinates must be one position, got 2"),
        ({"coordinates": PLACE, "timeout": 0}, "timeout"),
    ],
)
def test_invalid_targets_raise_before_any_request(
    archive: responses.RequestsMock, method: str, target: dict[str, Any], words: str
) -> None:
    """A call without a target, with two, or with an invalid one sends no request."""
    with pytest.raises(InvalidQueryError, match=words):
        getattr(Tesscut, method)(**target)
    assert not archive.calls


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"size": -1}, "size="),
        ({"size": (5, 5, 5)}, "size="),
        ({"size": float("nan")}, "size="),
        ({"sector": 0}, "sector="),
        ({"sector": []}, "sector="),
        ({"max_workers": 0}, "max_workers must be"),
        ({"max_workers": 1.5}, "max_workers must be"),
    ],
)
@pytest.mark.parametrize("method", ["get_cutouts", "download_cutouts"])
def test_invalid_arguments_raise_before_any_request(
    archive: responses.RequestsMock, method: str, arguments: dict[str, Any], words: str
) -> None:
    """The name is not resolved, either."""
    with pytest.raises(InvalidQueryError, match=words):
        getattr(Tesscut, method)(object_name="M1", **arguments)
    assert not archive.calls


def test_an_invalid_radius_raises_before_the_name_is_resolved(archive: responses.RequestsMock) -> None:
    """All arguments are checked before the first request."""
    with pytest.raises(InvalidQueryError, match="radius must be"):
        Tesscut.get_sectors(object_name="M1", radius=-1)
    assert not archive.calls


@pytest.mark.parametrize("method", ["get_sectors", "get_cutouts", "download_cutouts"])
def test_old_arguments_still_work(archive: responses.RequestsMock, method: str) -> None:
    """``objectname`` and ``product`` give a deprecation warning, and TICA raises an error."""
    archive.post(f"{TESS}/moving_target/sector", json={"results": []})
    with (
        pytest.warns(AstropyDeprecationWarning, match="object_name"),
        pytest.warns(AstropyDeprecationWarning, match="Tesscut no longer supports products other than"),
        pytest.warns(NoResultsWarning),
    ):
        assert len(getattr(Tesscut, method)(objectname="Ceres", moving_target=True, product="spoc")) == 0
    with (
        pytest.warns(AstropyDeprecationWarning, match="TICA"),
        pytest.raises(InvalidQueryError, match=r"Input product must be SPOC\."),
    ):
        getattr(Tesscut, method)(coordinates=PLACE, product="TICA")
    assert len(archive.calls) == 1


def test_surveys(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """The recorded response becomes a list of names."""
    archive.post(f"{ZCUT}/survey", body=recorded("zcut_survey.json"))
    assert Zcut.get_surveys("189.49206 62.20615", radius="0.1d")[-1] == "goods_north"
    assert float(sent(archive)["radius"]) == pytest.approx(0.1)


def test_no_survey_is_an_empty_list_and_a_warning(archive: responses.RequestsMock) -> None:
    """Missing surveys give a warning and no error."""
    archive.post(f"{ZCUT}/survey", json={"surveys": []})
    with pytest.warns(NoResultsWarning, match="not in an available deep field survey"):
        assert Zcut.get_surveys(PLACE) == []
