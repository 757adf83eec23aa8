"""Zcut and Hapcut over HTTP: surveys, FITS cutouts, and pictures."""

from __future__ import annotations

import io
import json
import zipfile
from importlib import resources
from typing import Any

import numpy as np
import pytest
import requests
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from astroquery_mast.sandbox import Fault, Sandbox

RECORDED = resources.files("astroquery.mast.tests") / "data"
GOODS_NORTH = {"ra": 189.49206, "dec": 62.20615}
M51 = {"ra": 202.469575, "dec": 47.195258}
NOWHERE = {"ra": 102.7, "dec": 70.5}


def get(box: Sandbox, web: requests.Session, path: str, **arguments: Any) -> requests.Response:
    """Send a request to a cutout service."""
    service, _, action = path.partition("/")
    return web.get(f"{box.url}/{service}/api/v0.1/{action}", params=arguments, timeout=60)


def files(answer: requests.Response, compression: int) -> dict[str, bytes]:
    """Return the files of a ZIP by name."""
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {compression}
        return {name: archive.read(name) for name in archive.namelist()}


def opened(content: bytes) -> fits.HDUList:
    """Return a FITS file, verified by the standard and by its checksums."""
    units = fits.open(io.BytesIO(content), checksum=True, lazy_load_hdus=False)
    for unit in units:
        unit.verify("exception")
    return units


def test_surveys_at_a_position(box: Sandbox, web: requests.Session) -> None:
    """The surveys at a position in GOODS-N are those of a recorded response, with and without a radius."""
    real = json.loads((RECORDED / "zcut_survey.json").read_text("utf-8"))
    assert get(box, web, "zcut/survey", **GOODS_NORTH, radius=0).json() == real
    posted = web.post(f"{box.url}/zcut/api/v0.1/survey", data={**GOODS_NORTH, "radius": "0d"}, timeout=30)
    assert posted.json() == real
    assert get(box, web, "zcut/survey", **NOWHERE).json() == {"surveys": []}


def test_default_radius_of_surveys(box: Sandbox, web: requests.Session) -> None:
    """The default radius finds surveys up to 0.2 degrees away."""
    near = {"ra": 189.228621, "dec": 62.238661 + 0.14 + 0.1}
    assert get(box, web, "zcut/survey", **near, radius="0d").json()["surveys"] == []
    assert "goods_north" in get(box, web, "zcut/survey", **near).json()["surveys"]


def test_survey_cutouts(box: Sandbox, web: requests.Session) -> None:
    """Each survey has a FITS file with one image per filter, centered on the position."""
    cut = files(get(box, web, "zcut/astrocut", **GOODS_NORTH, x=100.0, y=80.0, units="px"), zipfile.ZIP_STORED)
    assert list(cut) == [
        f"{survey}_189.492060_62.206150_100.0pix-x-80.0pix_astrocut.fits"
        for survey in ("candels_gn_60mas", "candels_gn_30mas", "goods_north")
    ]
    for name, content in cut.items():
        with opened(content) as units:
            images = units[1:]
            assert {unit.name for unit in images} == {"CUTOUT"}
            assert len({unit.header["ORIG_FLE"] for unit in images}) == len(images) > 2
            scale = 0.06 if "60mas" in name else 0.03
            for unit in images:
                assert unit.data.shape == (80, 100)
                world = WCS(unit.header)
                column, row = world.all_world2pix([[GOODS_NORTH["ra"], GOODS_NORTH["dec"]]], 0)[0]
                assert (round(column), round(row)) == (50, 40)
                assert world.proj_plane_pixel_scales()[0].to_value("arcsec") == pytest.approx(scale)


def test_one_survey_in_degrees(box: Sandbox, web: requests.Session) -> None:
    """A survey can be selected, and a size in degrees is converted to pixels of its scale."""
    for survey, side in (("candels_gn_60mas", 60), ("goods_north", 120)):
        answer = get(box, web, "zcut/astrocut", **GOODS_NORTH, x=0.001, y=0.001, units="d", survey=survey)
        (name, content), *others = files(answer, zipfile.ZIP_STORED).items()
        assert not others
        assert name == f"{survey}_189.492060_62.206150_0.001deg-x-0.001deg_astrocut.fits"
        with opened(content) as units:
            assert units[1].data.shape == (side, side)


def test_filters_show_the_same_galaxies(box: Sandbox, web: requests.Session) -> None:
    """The images of a survey are aligned, and show more than noise."""
    answer = get(box, web, "zcut/astrocut", ra=189.228621, dec=62.238661, x=800, y=800, survey="goods_north")
    with opened(next(iter(files(answer, zipfile.ZIP_STORED).values()))) as units:
        first, last = units[1].data, units[4].data
        assert np.count_nonzero(first > 0.5) > 50
        assert np.corrcoef(first.ravel(), last.ravel())[0, 1] > 0.5


@pytest.mark.parametrize(("kind", "format_"), [("jpg", "JPEG"), ("png", "PNG")])
def test_pictures(box: Sandbox, web: requests.Session, kind: str, format_: str) -> None:
    """There is one picture of the requested size per filter, named after the mosaic."""
    answer = get(box, web, "zcut/astrocut", **GOODS_NORTH, x=100.0, y=80.0, cutout_format=kind)
    cut = files(answer, zipfile.ZIP_STORED)
    name = f"hlsp_candels_hst_acs_gn-tot-30mas_f606w_v1.0_drz_189.492060_62.206150_100.0pix-x-80.0pix_astrocut.{kind}"
    assert name in cut
    assert len(cut) == 10
    for content in cut.values():
        with Image.open(io.BytesIO(content)) as image:
            assert (image.size, image.format) == ((100, 80), format_)


def test_looks_of_pictures(box: Sandbox, web: requests.Session) -> None:
    """Stretch and limits change the picture, and inversion inverts it exactly."""
    place = {**GOODS_NORTH, "x": 60, "y": 60, "cutout_format": "png", "survey": "goods_north"}

    def levels(**looks: Any) -> Any:
        content = next(iter(files(get(box, web, "zcut/astrocut", **place, **looks), zipfile.ZIP_STORED).values()))
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image).astype(int)

    plain = levels()
    np.testing.assert_array_equal(levels(invert="True"), 255 - plain)
    for looks in ({"stretch": "linear"}, {"minmax_percent": "[20, 80.0]"}, {"minmax_value": "[0,1]"}):
        assert not np.array_equal(levels(**looks), plain)


@pytest.mark.parametrize(
    "arguments",
    [
        {"x": 5, "y": 5, "units": "furlong"},
        {"cutout_format": "tiff"},
        {"cutout_format": "png", "stretch": "taffy"},
        {"cutout_format": "png", "minmax_percent": "[1]"},
        {"cutout_format": "png", "minmax_value": "[2,1]"},
        {"x": 1e6, "y": 5},
    ],
)
def test_bad_arguments(box: Sandbox, web: requests.Session, arguments: dict[str, Any]) -> None:
    """Invalid arguments are refused with status 400 and a message."""
    answer = get(box, web, "zcut/astrocut", **GOODS_NORTH, **arguments)
    assert (answer.status_code, list(answer.json())) == (400, ["msg"])


def test_nothing_to_cut(box: Sandbox, web: requests.Session) -> None:
    """Outside the surveys, or of the selected one, the response is a message with status 200."""
    for arguments in (NOWHERE, {**GOODS_NORTH, "survey": "goods_south"}):
        answer = get(box, web, "zcut/astrocut", **arguments)
        assert (answer.status_code, list(answer.json())) == (200, ["msg"])
    answer = get(box, web, "hapcut/astrocut", **NOWHERE)
    assert (answer.status_code, answer.json()["results"], "msg" in answer.json()) == (200, [], True)


def test_sky_cell_cutouts(box: Sandbox, web: requests.Session) -> None:
    """Hubble images are cut for each camera and filter, with a weight image for each."""
    cut = files(get(box, web, "hapcut/astrocut", **M51, x=60, y=40, units="px"), zipfile.ZIP_DEFLATED)
    names = [name.partition("_wfc")[0] for name in cut]
    assert len(cut) > 5
    assert all(name.startswith("hst_cutout_skycell-p2204x21y10-ra202d4696-decn47d1953") for name in names)
    assert any(name.endswith("_acs_wfc_f435w.fits") for name in cut)
    assert any("_wfc3_uvis_" in name for name in cut)
    for content in cut.values():
        with opened(content) as units:
            assert [unit.name for unit in units] == ["PRIMARY", "SCI", "WHT"]
            assert units["SCI"].data.shape == units["WHT"].data.shape == (40, 60)
            assert np.all(units["WHT"].data == np.float32(units[0].header["EXPTIME"]))
            column, row = WCS(units["SCI"].header).all_world2pix([[M51["ra"], M51["dec"]]], 0)[0]
            assert (round(column), round(row)) == (30, 20)


def test_sky_cell_cutouts_show_the_galaxy(box: Sandbox, web: requests.Session) -> None:
    """The nucleus of M51 is brighter than its surroundings, as in the images of the archive."""
    cut = files(get(box, web, "hapcut/astrocut", **M51, x=300, y=300, units="px"), zipfile.ZIP_DEFLATED)
    with opened(next(iter(cut.values()))) as units:
        data = units["SCI"].data
        assert np.median(data[140:160, 140:160]) > 2 * np.median(data[:20, :20])


def test_posted_json_is_the_same(box: Sandbox, web: requests.Session) -> None:
    """Hapcut also accepts JSON, and refuses invalid JSON."""
    url = f"{box.url}/hapcut/api/v0.1/astrocut"
    request = {**M51, "x": 5.0, "y": 5.0, "units": "px"}
    assert web.post(url, json=request, timeout=60).content == get(box, web, "hapcut/astrocut", **request).content
    headers = {"Content-Type": "application/json"}
    for body in (b"ra=1", b"[]", b""):
        assert web.post(url, data=body, headers=headers, timeout=30).status_code == 400


def test_faults_by_service(box: Sandbox, web: requests.Session) -> None:
    """Each service is a separate endpoint."""
    for service in ("zcut", "hapcut"):
        box.faults.add(service, Fault.status(503))
        assert get(box, web, f"{service}/astrocut", **NOWHERE).status_code == 503
        assert get(box, web, f"{service}/astrocut", **NOWHERE).status_code == 200
        assert len(box.requests.of(service)) == 2
