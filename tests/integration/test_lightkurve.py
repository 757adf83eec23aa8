"""lightkurve, unmodified, on this package and the sandbox: search, download and read."""

from __future__ import annotations

import re
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits

from astroquery_mast import compat, conf
from astroquery_mast.exceptions import RemoteServiceError
from astroquery_mast.sandbox import Fault, Sandbox

with warnings.catch_warnings():
    # lightkurve warns about its optional parts when imported.
    warnings.simplefilter("ignore")
    lightkurve = pytest.importorskip("lightkurve")

PAGE = Path(__file__).parents[2] / "docs" / "compat.rst"
# Bright stars of the sandbox: one seen in 13 sectors, one with a deep transit, one in a full-frame image.
MANY, TRANSIT, IMAGED = "TIC 261136679", "TIC 181949561", "TIC 100100827"
PERIOD = 4.05528
# lightkurve uses the older name of an argument, and leaves target pixel files open.
pytestmark = [
    pytest.mark.filterwarnings('ignore:"objectname" was deprecated:astropy.utils.exceptions.AstropyDeprecationWarning'),
    pytest.mark.filterwarnings("ignore:unclosed file.*_tp.fits:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed file.*astrocut.fits:ResourceWarning"),
]


@pytest.fixture(autouse=True)
def in_place(mast_sandbox: Sandbox) -> Iterator[Sandbox]:
    """Install this package as ``astroquery.mast``, and clear the cached searches of lightkurve."""
    searches = (lightkurve.search_lightcurve, lightkurve.search_targetpixelfile, lightkurve.search_tesscut)
    with compat.install():
        for search in searches:
            search.cache_clear()
        yield mast_sandbox


def endpoints(archive: Sandbox) -> list[str]:
    """Return the endpoints of all requests, in order."""
    return [record.endpoint for record in archive.requests]


def test_a_search_sends_two_requests(mast_sandbox: Sandbox) -> None:
    """A search finds all light curves of a star with two requests: for observations and for products."""
    found = lightkurve.search_lightcurve(MANY)
    assert len(found) == 13
    assert found.table["sequence_number"].tolist() == list(range(1, 14))
    assert set(found.author) == {"SPOC"}
    assert set(found.exptime.value) == {120}
    assert endpoints(mast_sandbox) == ["invoke", "invoke"]


@pytest.mark.parametrize("kind", ["lightcurve", "targetpixelfile"])
@pytest.mark.parametrize(
    ("words", "number"),
    [
        ({"exptime": "short"}, 13),
        ({"exptime": "SHORT"}, 13),
        ({"exptime": "shortest"}, 13),
        ({"exptime": "longest"}, 13),
        ({"exptime": "long"}, 0),
        ({"exptime": "fast"}, 0),
        ({"cadence": "long"}, 0),
        ({"cadence": "short"}, 13),
        ({"exptime": 120}, 13),
        ({"exptime": (100, 200)}, 13),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:.*is continuous:astroquery.exceptions.InputWarning")
def test_exposure_times_can_be_words(kind: str, words: dict[str, Any], number: int) -> None:
    """Words of lightkurve such as ``exptime="short"`` select among the products."""
    search = getattr(lightkurve, f"search_{kind}")
    assert len(search(MANY, author="SPOC", **words)) == number


def test_a_light_curve_has_the_values_of_its_file(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Times, fluxes and names are those in the file, and a second download sends no request."""
    found = lightkurve.search_lightcurve(MANY, author="SPOC", sector=1)
    curve = found.download(download_dir=str(tmp_path), quality_bitmask="none")
    path = next(tmp_path.rglob("*_lc.fits"))
    assert path.relative_to(tmp_path).parts[:2] == ("mastDownload", "TESS")
    assert (curve.meta["LABEL"], curve.meta["SECTOR"], curve.meta["TICID"]) == (MANY, 1, 261136679)
    assert curve.flux.unit == u.electron / u.s
    assert curve.time.format == "btjd"
    with fits.open(path) as hdus:
        data = hdus["LIGHTCURVE"].data
        seen = np.isfinite(data["TIME"])
        np.testing.assert_array_equal(curve.flux.value, data["PDCSAP_FLUX"][seen])
        np.testing.assert_array_equal(curve.time.value, data["TIME"][seen])
    mast_sandbox.requests.clear()
    again = lightkurve.search_lightcurve(MANY, author="SPOC", sector=1).download(download_dir=str(tmp_path))
    assert len(again) > 3000
    assert endpoints(mast_sandbox) == []


def test_light_curves_can_be_stitched(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Several sectors are downloaded and stitched together."""
    found = lightkurve.search_lightcurve(MANY, sector=[1, 2, 3])
    curves = found.download_all(download_dir=str(tmp_path))
    assert [curve.meta["SECTOR"] for curve in curves] == [1, 2, 3]
    stitched = curves.stitch()
    assert len(stitched) == sum(len(curve) for curve in curves)
    assert float(np.nanmedian(np.asarray(stitched.flux.value))) == pytest.approx(1.0, abs=0.001)
    assert endpoints(mast_sandbox).count("download") == 3


def test_a_planet_is_found(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The light curve of a hot Jupiter has transits with the known period."""
    curve = lightkurve.search_lightcurve(TRANSIT).download(download_dir=str(tmp_path))
    flat = curve.remove_nans().flatten(window_length=401)
    periods = np.linspace(3.5, 4.6, 400)
    found = flat.to_periodogram(method="bls", period=periods, duration=0.12).period_at_max_power
    assert found.value == pytest.approx(PERIOD, abs=0.02)


def test_a_target_pixel_file_is_centered_on_its_star(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Pixels, aperture and world coordinates of a target pixel file are consistent."""
    pixels = lightkurve.search_targetpixelfile(TRANSIT).download(download_dir=str(tmp_path))
    with pixels.hdu:
        assert pixels.shape[1:] == (11, 11)
        assert pixels.targetid == 181949561
        brightest = np.unravel_index(np.nanargmax(np.nanmedian(pixels.flux.value, axis=0)), (11, 11))
        assert brightest == (5, 5)
        assert pixels.pipeline_mask[brightest]
        ra, dec = pixels.get_coordinates(cadence=0)
        star = SkyCoord(pixels.ra, pixels.dec, unit="deg")
        assert SkyCoord(ra[brightest], dec[brightest], unit="deg").separation(star) < 21 * u.arcsec
        assert SkyCoord(ra[0, 0], dec[0, 0], unit="deg").separation(star) > 100 * u.arcsec
        curve = pixels.to_lightcurve(aperture_mask="pipeline")
        assert len(curve) == pixels.shape[0]
        assert np.nanstd(curve.flux.value) < 0.05 * np.nanmedian(curve.flux.value)
        assert pixels.cutout((5, 5), 3).shape[1:] == (3, 3)


@pytest.mark.parametrize("target", [SkyCoord(217.326652, -3.44451, unit="deg"), "217.326652 -3.44451", "WASP-39"])
def test_a_star_is_found_by_position_and_name(mast_sandbox: Sandbox, target: Any) -> None:
    """A cone search by position or name finds the star with its distance."""
    found = lightkurve.search_lightcurve(target, radius=5)
    assert TRANSIT.removeprefix("TIC ") in set(found.target_name)
    assert (found.distance.value < 5).all()


def test_a_cutout_is_read(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A cutout of a full-frame image is found, downloaded once, and read."""
    found = lightkurve.search_tesscut(IMAGED, sector=2)
    assert found.author.tolist() == ["TESScut"]
    for fetched in (1, 1):
        pixels = found.download(download_dir=str(tmp_path), cutout_size=5)
        with pixels.hdu:
            assert pixels.shape[1:] == (5, 5)
            assert np.isfinite(pixels.flux.value).any()
            ra, dec = pixels.get_coordinates(cadence=0)
        star = SkyCoord("24.354283 -45.677905", unit="deg")
        assert SkyCoord(ra[2, 2], dec[2, 2], unit="deg").separation(star) < 42 * u.arcsec
        assert len(list(tmp_path.rglob("*astrocut.fits"))) == fetched
    cutouts = [record for record in mast_sandbox.requests if record.path.endswith("/astrocut")]
    assert len(cutouts) == 1


def test_an_unknown_star_is_an_empty_result(mast_sandbox: Sandbox) -> None:
    """An unknown name gives an empty result, because the exception is that of astroquery."""
    assert len(lightkurve.search_lightcurve("no such star anywhere")) == 0


def test_a_star_without_light_curves_is_an_empty_result(mast_sandbox: Sandbox) -> None:
    """A star without light curves gives an empty result."""
    assert len(lightkurve.search_lightcurve("M51")) == 0


def test_a_failing_service_is_an_error(mast_sandbox: Sandbox) -> None:
    """A failing service raises an error instead of an empty result."""
    mast_sandbox.faults.add("invoke", Fault.status(503), times=None)
    with conf.set_temp("max_attempts", 2), pytest.raises(RemoteServiceError):
        lightkurve.search_lightcurve(MANY)


def test_a_missing_file_is_an_error(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The message of a failed download reaches the user in lightkurve's exception."""
    found = lightkurve.search_lightcurve(MANY, sector=1)
    mast_sandbox.faults.add("download", Fault.status(404), times=None)
    with pytest.raises(lightkurve.utils.LightkurveError, match=r"MAST returns ERROR: HTTPError: 404 Client Error"):
        found.download(download_dir=str(tmp_path))
    assert list(tmp_path.rglob("*.fits")) == []


def test_the_example_of_the_page_runs(mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example in the documentation runs."""
    monkeypatch.setenv("LIGHTKURVE_CACHE_DIR", str(tmp_path))
    text = PAGE.read_text("utf-8")
    blocks = re.findall(r"::\n\n((?:    .*\n|\n)+)", text)
    example = textwrap.dedent(next(block for block in blocks if "lightkurve" in block))
    space: dict[str, Any] = {}
    exec(example, space)
    assert space["curve"].meta["TICID"] == 261136679
