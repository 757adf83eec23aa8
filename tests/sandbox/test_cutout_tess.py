"""TESScut over HTTP: sectors, target pixel files, minor planets."""

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

from astroquery_mast.sandbox import Fault, Sandbox

RECORDED = resources.files("astroquery.mast.tests") / "data"
PI_MEN = {"ra": 84.291187, "dec": -80.469125}
NOWHERE = {"ra": 10.0, "dec": 4.0}  # a degree from the ecliptic
COLUMNS = [
    *("TIME", "TIMECORR", "CADENCENO", "RAW_CNTS", "FLUX", "FLUX_ERR", "FLUX_BKG", "FLUX_BKG_ERR", "QUALITY"),
    *("POS_CORR1", "POS_CORR2", "FFI_FILE"),
]


def get(box: Sandbox, web: requests.Session, path: str, **arguments: Any) -> requests.Response:
    """Send a request to TESScut."""
    return web.get(f"{box.url}/tesscut/api/v0.1/{path}", params=arguments, timeout=60)


def sectors(box: Sandbox, web: requests.Session, path: str = "sector", **arguments: Any) -> list[dict[str, str]]:
    """Return the sectors of a position."""
    answer = get(box, web, path, **arguments)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, str]] = answer.json()["results"]
    return found


def files(answer: requests.Response) -> dict[str, bytes]:
    """Return the files of a ZIP by name."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_DEFLATED}
        return {name: archive.read(name) for name in archive.namelist()}


def opened(content: bytes) -> fits.HDUList:
    """Return a FITS file, verified by the standard and by its checksums."""
    units = fits.open(io.BytesIO(content), checksum=True, lazy_load_hdus=False)
    for unit in units:
        unit.verify("exception")
    return units


def test_sectors_match_a_recorded_response(box: Sandbox, web: requests.Session) -> None:
    """Sector, camera, and detector are text, and the name is composed of them."""
    real = json.loads((RECORDED / "tess_sector.json").read_text("utf-8"))["results"][0]
    found = sectors(box, web, **PI_MEN, radius="0d")
    assert len(found) > 5
    for entry in found:
        assert list(entry) == list(real)
        assert entry["sectorName"] == f"tess-s{int(entry['sector']):04d}-{entry['camera']}-{entry['ccd']}"
        assert entry["camera"] in "1234"
        assert entry["ccd"] in "1234"


def test_form_and_query_are_the_same(box: Sandbox, web: requests.Session) -> None:
    """Arguments can be in the URL or in a posted form."""
    posted = web.post(f"{box.url}/tesscut/api/v0.1/sector", data={**PI_MEN, "radius": 0.0}, timeout=30)
    assert posted.json()["results"] == sectors(box, web, **PI_MEN)


@pytest.mark.parametrize("radius", [0.0, 0.5])
def test_sectors_agree_with_the_full_frame_images(box: Sandbox, web: requests.Session, radius: float) -> None:
    """In sectors with images in the archive, the detectors are those whose footprint contains the position, or those of
    light curves.
    """
    sql = "SELECT * FROM observation WHERE obs_collection = 'TESS'"
    observed = {row["objID"]: row for row in box.archive.query(sql)}
    known = {row["sequence_number"] for row in observed.values() if row["target_name"] == "TESS FFI"}
    rng = np.random.default_rng(7)
    for ra, height in zip(rng.uniform(0, 360, 25), rng.uniform(-1, 1, 25), strict=True):
        dec = float(np.degrees(np.arcsin(height)))
        near = [observed[one] for one in box.archive.within(ra, dec, radius) if one in observed]
        images = {row["obs_id"] for row in near if row["target_name"] == "TESS FFI"}
        found = sectors(box, web, ra=ra, dec=dec, radius=radius)
        assert images <= {entry["sectorName"] for entry in found}
        further = {int(entry["sector"]) for entry in found if entry["sectorName"] not in images}
        assert further & known <= {row["sequence_number"] for row in near if row["dataproduct_type"] == "timeseries"}


def test_sectors_agree_with_the_light_curves(box: Sandbox, web: requests.Session) -> None:
    """A star with a light curve was observed in the sector of the light curve."""
    rows = box.archive.query(
        "SELECT s_ra, s_dec, sequence_number FROM observation WHERE obs_collection = 'TESS' "
        "AND dataproduct_type = 'timeseries' ORDER BY obsid LIMIT 30"
    )
    for row in rows:
        seen = [int(entry["sector"]) for entry in sectors(box, web, ra=row["s_ra"], dec=row["s_dec"])]
        assert row["sequence_number"] in seen


def test_many_sectors_at_the_poles_and_none_at_the_ecliptic(box: Sandbox, web: requests.Session) -> None:
    """The ecliptic poles were observed for a year, the ecliptic was not."""
    assert len({entry["sector"] for entry in sectors(box, web, ra=93.0, dec=-66.0)}) >= 9
    assert len({entry["sector"] for entry in sectors(box, web, ra=272.0, dec=66.0)}) >= 9
    assert sectors(box, web, **NOWHERE) == []


@pytest.mark.parametrize("radius", ["0.3", "0.3d", "18m", "1080s", "51.428571px", " 0.3 d"])
def test_radii(box: Sandbox, web: requests.Session, radius: str) -> None:
    """A radius is in degrees by default; a larger radius never finds fewer sectors."""
    place = {"ra": 100.0, "dec": -40.0}
    same = sectors(box, web, **place, radius=0.3)
    assert sectors(box, web, **place, radius=radius) == same
    names = {entry["sectorName"] for entry in same}
    assert names >= {entry["sectorName"] for entry in sectors(box, web, **place)}
    assert names <= {entry["sectorName"] for entry in sectors(box, web, **place, radius="3d")}


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("sector", {**PI_MEN, "radius": "3q"}),
        ("sector", {**PI_MEN, "radius": "-1d"}),
        ("sector", {**PI_MEN, "radius": "far"}),
        ("sector", {"ra": 10.0}),
        ("sector", {"ra": "M51", "dec": 0.0}),
        ("sector", {"ra": 10.0, "dec": 91.0}),
        ("astrocut", {**PI_MEN, "x": 5, "y": 5, "units": "furlong"}),
        ("astrocut", {**PI_MEN, "x": 0, "y": 5}),
        ("astrocut", {**PI_MEN, "x": "nan", "y": 5}),
        ("astrocut", {**PI_MEN, "x": 5, "y": 5000}),
        ("astrocut", {**PI_MEN, "sector": "first"}),
        ("moving_target/sector", {}),
        ("moving_target/sector", {"obj_id": "Eleonora", "obj_type": "comet"}),
    ],
)
def test_bad_arguments(box: Sandbox, web: requests.Session, path: str, arguments: dict[str, Any]) -> None:
    """Invalid arguments are refused with status 400 and a message."""
    answer = get(box, web, path, **arguments)
    assert (answer.status_code, list(answer.json())) == (400, ["msg"])


@pytest.mark.parametrize(("x", "y"), [(5, 5), (7, 3), (1, 1), (2, 4)])
def test_target_pixel_file(box: Sandbox, web: requests.Session, x: int, y: int) -> None:
    """A cutout has the units and columns of the recorded file, the requested shape, and the star at the right pixel."""
    cut = files(get(box, web, "astrocut", **PI_MEN, x=x, y=y, units="px", sector=3))
    (name, content), *others = cut.items()
    assert not others
    assert name == f"tess-s0003-1-1_84.291187_-80.469125_{x}x{y}_astrocut.fits"
    with opened(content) as units:
        assert [unit.name for unit in units] == ["PRIMARY", "PIXELS", "APERTURE"]
        pixels, aperture = units["PIXELS"], units["APERTURE"]
        assert pixels.columns.names == COLUMNS
        count = len(pixels.data)
        for column in COLUMNS[3:8]:
            assert pixels.data[column].shape == (count, y, x)
        assert aperture.data.shape == (y, x)
        assert 20 <= count <= 40
        world = WCS(aperture.header)
        column, row = world.all_world2pix([[PI_MEN["ra"], PI_MEN["dec"]]], 0)[0]
        assert (round(column), round(row)) == (x // 2, y // 2)
        brightest = np.unravel_index(np.argmax(pixels.data["FLUX"][0]), (y, x))
        assert brightest == (y // 2, x // 2)


def test_table_headers_have_the_same_coordinates(box: Sandbox, web: requests.Session) -> None:
    """The world coordinates of the FLUX column are those of the aperture image; detector pixels are included."""
    content = next(iter(files(get(box, web, "astrocut", **PI_MEN, x=5, y=5, sector=3)).values()))
    with opened(content) as units:
        table, image = units["PIXELS"].header, units["APERTURE"].header
        for axis in (1, 2):
            assert table[f"{axis}CRPX5"] == image[f"CRPIX{axis}"]
            assert table[f"{axis}CRVL5"] == image[f"CRVAL{axis}"]
            assert table[f"{axis}CTYP5"] == image[f"CTYPE{axis}"]
            assert table[f"{axis}CRV5P"] == image[f"CRVAL{axis}P"]
        assert table["11PC5"] == image["PC1_1"]
        assert 1 <= table["1CRV5P"] <= 2048
        assert [units[0].header[key] for key in ("SECTOR", "CAMERA", "CCD")] == [3, 1, 1]
        assert (units[0].header["TELESCOP"], units[0].header["RA_OBJ"]) == ("TESS", PI_MEN["ra"])


def test_times_and_sources(box: Sandbox, web: requests.Session) -> None:
    """Times increase through the sector, and each cadence has the name of its full-frame image."""
    content = next(iter(files(get(box, web, "astrocut", **PI_MEN, sector=3)).values()))
    with opened(content) as units:
        data, header = units["PIXELS"].data, units["PIXELS"].header
        assert np.all(np.diff(data["TIME"]) > 0)
        assert header["TSTART"] < data["TIME"][0] < data["TIME"][-1] < header["TSTOP"]
        assert len(set(data["FFI_FILE"])) == len(data)
        assert all("-s0003-1-1-0123-s_ffic.fits" in name for name in data["FFI_FILE"])
        assert data["QUALITY"].any()
        assert np.isfinite(data["FLUX"]).all()


def test_neighbors_show_the_same_sky(box: Sandbox, web: requests.Session) -> None:
    """A small cutout is the center of a larger one, except for noise."""
    images = []
    for side in (5, 21):
        content = next(iter(files(get(box, web, "astrocut", **PI_MEN, x=side, y=side, sector=3)).values()))
        with opened(content) as units:
            images.append(np.median(units["PIXELS"].data["FLUX"], axis=0))
    np.testing.assert_allclose(images[0], images[1][8:13, 8:13], atol=3.0)


def test_one_file_per_detector(box: Sandbox, web: requests.Session) -> None:
    """Without a sector there is one file per entry of the sector list."""
    expected = [entry["sectorName"] for entry in sectors(box, web, **PI_MEN)]
    assert [name.partition("_")[0] for name in files(get(box, web, "astrocut", **PI_MEN, x=1, y=1))] == expected


def test_angles_become_pixels(box: Sandbox, web: requests.Session) -> None:
    """A size in degrees is converted to pixels of 21 arcsec."""
    name = next(iter(files(get(box, web, "astrocut", **PI_MEN, x=0.04, y=0.02, units="d", sector=3))))
    assert name.endswith("_7x3_astrocut.fits")


def test_nothing_to_cut(box: Sandbox, web: requests.Session) -> None:
    """Without TESS data, or without data in the given sector, the response is a message with status 200."""
    for answer in (get(box, web, "astrocut", **NOWHERE), get(box, web, "astrocut", **PI_MEN, sector=99)):
        assert (answer.status_code, list(answer.json())) == (200, ["msg"])


def test_cuts_are_the_same_every_time(box: Sandbox, web: requests.Session) -> None:
    """Equal requests return equal bytes."""
    first, second = (get(box, web, "astrocut", **PI_MEN, sector=3).content for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["Eleonora", "eleonora", "354", "354 Eleonora", "Ceres", "Pallas", "Vesta"])
def test_minor_planets_are_known(box: Sandbox, web: requests.Session, name: str) -> None:
    """Minor planets are found by name and number; sectors have leading zeros in this list."""
    found = sectors(box, web, "moving_target/sector", obj_id=name, obj_type="smallbody")
    assert found
    assert all(len(entry["sector"]) == 4 for entry in found)
    assert sectors(box, web, "moving_target/sector", obj_id=name) == found


def test_unknown_bodies(box: Sandbox, web: requests.Session) -> None:
    """Other bodies are unknown, and so are minor planets requested as major bodies."""
    for arguments in ({"obj_id": "Nobody"}, {"obj_id": "Eleonora", "obj_type": "majorbody"}):
        assert sectors(box, web, "moving_target/sector", **arguments) == []
        answer = get(box, web, "moving_target/astrocut", **arguments)
        assert (answer.status_code, list(answer.json())) == (200, ["msg"])


def test_moving_target_pixel_file(box: Sandbox, web: requests.Session) -> None:
    """A cutout that follows a body has four additional columns, and the body in the central pixel."""
    entry = sectors(box, web, "moving_target/sector", obj_id="Eleonora")[0]
    assert (entry["sectorName"], entry["sector"]) == ("tess-s0006-1-1", "0006")
    answer = get(box, web, "moving_target/astrocut", obj_id="Eleonora", sector=6, x=5, y=3, units="px")
    (name, content), *others = files(answer).items()
    assert not others
    assert name.startswith("tess-s0006-1-1_")
    with opened(content) as units:
        data = units["PIXELS"].data
        assert units["PIXELS"].columns.names == [*COLUMNS, "TGT_X", "TGT_Y", "TGT_RA", "TGT_DEC"]
        assert data["FLUX"].shape[1:] == (3, 5)
        assert np.all(np.abs(np.diff(data["TGT_RA"])) > 0)
        assert np.all(np.median(data["FLUX"][:, 1, 2]) > np.median(data["FLUX"][:, 0, 0]) + 100)


def test_throttling_is_a_fault(box: Sandbox, web: requests.Session) -> None:
    """A fault can be added by the name of the service."""
    box.faults.add("tesscut", Fault.status(503), times=2)
    assert [get(box, web, path, **PI_MEN).status_code for path in ("sector", "astrocut", "sector")] == [503, 503, 200]
    assert len(box.requests.of("tesscut")) == 3
