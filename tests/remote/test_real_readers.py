"""Products of the real archive read without downloading them, and the first steps of a new user."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from astropy import units as u
from click.testing import CliRunner

from astroquery_mast import Observations
from astroquery_mast.cli.main import cli
from astroquery_mast.readers import read_catalog, read_image, read_light_curve

pytestmark = pytest.mark.remote_data


def products(ending: str, **criteria: object) -> object:
    """Return products with a file ending, of the first observation that matches criteria."""
    found = Observations.query_criteria(**criteria)
    return Observations.filter_products(Observations.get_product_list(found[:1], verbose=False), extension=ending)


def test_headers_are_read_without_the_files() -> None:
    """The headers of two drizzled images of M51 have filter and exposure time."""
    images = products("_drc.fits", obs_id="j97c01010")
    headers = Observations.get_headers(images, keywords=["EXPTIME", "FILTER1"], verbose=False)
    assert headers["EXPTIME"][0] > 1000
    assert not headers.meta.get("failed")


def test_an_image_has_its_unit_and_coordinates() -> None:
    """A drizzled image is in electrons per second, and its center is in M51."""
    image = read_image(products("_drc.fits", obs_id="j97c01010")[0])
    assert image.unit == u.electron / u.s
    center = image.wcs.pixel_to_world(image.shape[1] / 2, image.shape[0] / 2)
    assert center.separation(Observations.resolve_object("M51")) < 10 * u.arcmin


def test_a_light_curve_of_tess_has_times_and_fluxes() -> None:
    """The light curve of Pi Mensae in sector 1 spans the sector."""
    rows = products("_lc.fits", target_name="261136679", project="TESS", sequence_number=1, t_exptime=[100, 200])
    curve = read_light_curve(rows[0], as_time_series=True)
    assert 20 < (curve.time[-1] - curve.time[0]).to_value(u.day) < 30
    assert np.isfinite(np.asarray(curve["flux"].value)).sum() > 10_000 / 20


def test_a_spectrum_of_cos_has_its_units() -> None:
    """Wavelengths are in angstroms, fluxes in cgs units."""
    pytest.importorskip("specutils")
    from astroquery_mast.readers import read_spectrum

    rows = products("_x1dsum.fits", obs_collection="HST", instrument_name="COS/FUV", target_name="3C273", calib_level=3)
    spectra = read_spectrum(rows[0])
    first = spectra[0] if isinstance(spectra, list) else spectra
    assert first.spectral_axis.unit == u.AA
    assert first.flux.unit.is_equivalent(u.erg / u.s / u.cm**2 / u.AA)


def test_a_source_catalog_of_jwst_has_positions() -> None:
    """The catalog of a mosaic lists sources with sky coordinates."""
    rows = products(
        "_cat.ecsv", obs_collection="JWST", instrument_name="NIRCAM/IMAGE", proposal_id="2107", calib_level=3
    )
    catalog = read_catalog(rows[0])
    assert len(catalog) > 10
    assert {"sky_centroid"} & set(catalog.colnames)


def test_a_product_is_drawn() -> None:
    """The title of a quicklook names the instrument."""
    with mpl.rc_context({"backend": "agg"}):
        from astroquery_mast.display import quicklook

        ax = quicklook(products("_drc.fits", obs_id="j97c01010")[0])
    assert "ACS" in ax.get_title()


def test_services_respond() -> None:
    """Most services respond to a small request within ten seconds."""
    status = Observations.status(timeout=10)
    assert np.mean(np.asarray(status["status"]) == "ok") > 0.5


def test_the_command_line_counts() -> None:
    """The count is the only text on standard output."""
    result = CliRunner().invoke(cli, ["count", "M51", "-r", "6m", "obs_collection=HST"])
    assert result.exit_code == 0
    assert int(result.stdout) > 50
