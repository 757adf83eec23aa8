"""Spectra of all missions: values, units, uncertainties, masks and labels, compared with the files and specutils."""

from __future__ import annotations

import contextlib
import doctest
import gzip
import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("specutils")

from astropy import units as u
from astropy.io import fits
from astropy.nddata import StdDevUncertainty
from astropy.table import Row, Table
from hypothesis import given, settings
from hypothesis import strategies as st
from specutils import Spectrum, SpectrumCollection, SpectrumList

from astroquery_mast import MastMissions, Observations
from astroquery_mast.exceptions import (
    CorruptDataWarning,
    InvalidArgumentError,
    InvalidQueryError,
    InvalidResponseError,
    LoginError,
    RemoteServiceError,
)
from astroquery_mast.readers import read_spectrum
from astroquery_mast.readers.spectrum_units import spelled_unit
from astroquery_mast.sandbox import Sandbox

FLAM = u.erg / u.s / u.cm**2 / u.AA
KINDS: dict[str, tuple[dict[str, str], str]] = {
    "STIS": ({"instrument_name": "STIS/CCD", "filters": "G430L"}, "_x1d.fits"),
    "STIS echelle": ({"instrument_name": "STIS/FUV-MAMA", "filters": "E140M"}, "_x1d.fits"),
    "COS": ({"instrument_name": "COS/FUV"}, "_x1d.fits"),
    "COS sum": ({"instrument_name": "COS/NUV"}, "_x1dsum.fits"),
    "JWST": ({"obs_collection": "JWST", "dataproduct_type": "spectrum"}, "_x1d.fits"),
    "JWST series": ({"obs_collection": "JWST", "dataproduct_type": "timeseries"}, "_x1dints.fits"),
    "JWST rectified": ({"obs_collection": "JWST", "dataproduct_type": "spectrum"}, "_s2d.fits"),
    "IUE": ({"obs_collection": "IUE"}, ".mxlo.gz"),
    "FUSE": ({"obs_collection": "FUSE"}, "_vo.fits"),
    "CALSPEC": ({"provenance_name": "CALSPEC"}, "_sed.fits"),
    "coadded": ({"obs_collection": "HLSP", "provenance_name": "HSLA"}, "_spec.fits"),
}


def product_of(kind: str) -> Row:
    """Return the first public product of a type."""
    criteria, ending = KINDS[kind]
    found = Observations.query_criteria(**criteria)
    found = found[(found["dataRights"] == "PUBLIC") & (found["dataproduct_type"] != "image")]
    products = Observations.get_product_list(found[:3], verbose=False)
    return products[[str(name).endswith(ending) for name in products["productFilename"]]][0]


def content_of(sandbox: Sandbox, row: Row) -> fits.HDUList:
    """Return the file of a product from the sandbox, opened without the reader."""
    content = sandbox.archive.render(str(row["dataURI"]))
    return fits.open(io.BytesIO(gzip.decompress(content) if str(row["dataURI"]).endswith(".gz") else content))


def by_specutils(kind: Any, content: fits.HDUList, form: str, **options: Any) -> Any:
    """Return the spectrum from a reader of specutils."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kind.read(content, format=form, **options)


def assert_same(mine: Spectrum, theirs: Spectrum) -> None:
    """Compare flux, uncertainty and wavelengths."""
    np.testing.assert_array_equal(mine.spectral_axis.value, theirs.spectral_axis.to_value(mine.spectral_axis.unit))
    np.testing.assert_array_equal(mine.flux.value, theirs.flux.to_value(mine.flux.unit))
    np.testing.assert_array_equal(mine.uncertainty.array, theirs.uncertainty.quantity.to_value(mine.flux.unit))


# -- files of the sandbox ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_with_units(mast_sandbox: Sandbox, kind: str) -> None:
    """Each type of product gives spectra with calibrated units, uncertainties, a mask and the target name."""
    row = product_of(kind)
    found = read_spectrum(row)
    several = {"STIS echelle": 12, "COS": 2, "COS sum": 3, "JWST series": 40}
    assert isinstance(found, SpectrumList if kind in several else Spectrum)
    spectra = found if kind in several else [found]
    assert len(spectra) == several.get(kind, 1)
    with content_of(mast_sandbox, row) as hdus:
        target = hdus[0].header["TARGNAME"]
    flux = {"JWST": u.Jy, "JWST series": u.Jy, "JWST rectified": u.MJy / u.sr}.get(kind, FLAM)
    for one in spectra:
        assert one.flux.unit == flux
        assert one.spectral_axis.unit == (u.um if kind.startswith("JWST") else u.AA)
        assert isinstance(one.uncertainty, StdDevUncertainty)
        assert one.uncertainty.unit == flux
        assert one.mask.shape == one.flux.shape
        assert not np.isnan(one.flux.value[~one.mask]).any()
        assert one.meta["target"] == target
        assert one.meta["header"]["TARGNAME"] == target
        assert one.meta["product"]
        assert one.flux.value.dtype.isnative


def test_first_orders_equal_those_of_specutils(mast_sandbox: Sandbox) -> None:
    """STIS: flux, error, wavelengths, and the mask of serious flags are the same as in specutils."""
    row = product_of("STIS")
    mine = read_spectrum(row)
    with content_of(mast_sandbox, row) as hdus:
        theirs = by_specutils(Spectrum, hdus, "HST/STIS")
        data = hdus["SCI"].data
        np.testing.assert_array_equal(mine.mask, (data["DQ"][0] & 31743) != 0)
        assert (data["DQ"][0] == 1024).any()
        assert mine.mask.any()
    assert_same(mine, theirs)
    np.testing.assert_array_equal(mine.mask, theirs.mask)


def test_orders_equal_those_of_specutils(mast_sandbox: Sandbox) -> None:
    """STIS echelle: the orders are the same as in specutils, and each is labeled."""
    row = product_of("STIS echelle")
    mine = read_spectrum(row)
    with content_of(mast_sandbox, row) as hdus:
        theirs = by_specutils(SpectrumCollection, hdus, "HST/STIS multi")
        orders = hdus["SCI"].data["SPORDER"].tolist()
    assert [one.meta["order"] for one in mine] == orders
    for one, other in zip(mine, theirs, strict=True):
        assert_same(one, other)


def test_segments_are_parts_of_the_specutils_spectrum(mast_sandbox: Sandbox) -> None:
    """COS: specutils joins the segments without flags; the segments here are its parts, with flags."""
    row = product_of("COS")
    mine = read_spectrum(row)
    assert [one.meta["segment"] for one in mine] == ["FUVA", "FUVB"]
    with content_of(mast_sandbox, row) as hdus:
        theirs = by_specutils(Spectrum, hdus, "HST/COS")
        weight = hdus["SCI"].data["DQ_WGT"]
        flags, serious = hdus["SCI"].data["DQ"], hdus["SCI"].header["SDQFLAGS"]
    joined = sorted(mine, key=lambda one: one.spectral_axis[0])
    for name in ("flux", "spectral_axis"):
        parts = [getattr(one, name).value for one in joined]
        np.testing.assert_array_equal(np.concatenate(parts), getattr(theirs, name).value)
    for number, one in enumerate(mine):
        np.testing.assert_array_equal(one.mask, weight[number] == 0)
        np.testing.assert_array_equal(one.mask, (flags[number] & serious) != 0)
        assert one.meta["error_lower"].shape == one.flux.shape


def test_jwst_spectra_equal_those_of_specutils_with_flags(mast_sandbox: Sandbox) -> None:
    """JWST: flux and error are the same as in specutils; DO_NOT_USE masks points, and jumps do not."""
    row = product_of("JWST")
    mine = read_spectrum(row)
    with content_of(mast_sandbox, row) as hdus:
        theirs = by_specutils(SpectrumList, hdus, "JWST x1d multi")[0]
        flags = hdus["EXTRACT1D"].data["DQ"]
    assert_same(mine, theirs)
    np.testing.assert_array_equal(mine.mask, (flags & 1) != 0)
    assert ((flags == 4) & ~mine.mask).any()


def test_integrations_are_in_order(mast_sandbox: Sandbox) -> None:
    """Each integration of a time series is a spectrum, and can be selected by number."""
    row = product_of("JWST series")
    mine = read_spectrum(row)
    assert [one.meta["integration"] for one in mine] == list(range(1, 41))
    with content_of(mast_sandbox, row) as hdus:
        flux = hdus["EXTRACT1D"].data["FLUX"]
    for number, one in enumerate(mine):
        np.testing.assert_array_equal(one.flux.value, flux[number])
    np.testing.assert_array_equal(read_spectrum(row, integration=7).flux.value, flux[6])
    assert [one.meta["integration"] for one in read_spectrum(row, integration=range(3, 6))] == [3, 4, 5]


def test_a_rectified_spectrum_has_two_dimensions(mast_sandbox: Sandbox) -> None:
    """The image keeps its rows, and the wavelengths follow from the coordinates in the file."""
    row = product_of("JWST rectified")
    mine = read_spectrum(row)
    with content_of(mast_sandbox, row) as hdus:
        np.testing.assert_array_equal(mine.flux.value, hdus["SCI"].data)
        np.testing.assert_array_equal(mine.uncertainty.array, hdus["ERR"].data)
    assert mine.flux.ndim == 2
    observation = Observations.query_criteria(obs_id=str(row["obs_id"]))[0]
    ends = [observation["em_min"], observation["em_max"]] * u.nm
    np.testing.assert_allclose(mine.spectral_axis[[0, -1]].to_value(u.nm), ends.value, rtol=1e-6)


def test_iue_wavelengths_are_start_and_steps(mast_sandbox: Sandbox) -> None:
    """IUE low dispersion: wavelengths follow from start and step, and uncalibrated points are masked."""
    row = product_of("IUE")
    mine = read_spectrum(row)
    with content_of(mast_sandbox, row) as hdus:
        data = hdus["MELO"].data[0]
    np.testing.assert_allclose(mine.spectral_axis.value, data["WAVELENGTH"] + data["DELTAW"] * np.arange(640))
    np.testing.assert_array_equal(mine.flux.value, data["FLUX"])
    np.testing.assert_array_equal(mine.uncertainty.array, data["SIGMA"])
    np.testing.assert_array_equal(mine.mask, (data["QUALITY"] <= -16384) | (data["FLUX"] == 0))
    assert ((data["QUALITY"] == -16) & ~mine.mask).any()
    assert mine.meta["aperture"] == "LARGE"


def test_calspec_is_masked_by_its_quality(mast_sandbox: Sandbox) -> None:
    """CALSPEC: the uncertainty is the statistical error, FLAM and ANGSTROMS are units, and DATAQUAL 0 is bad."""
    row = product_of("CALSPEC")
    mine = read_spectrum(row)
    with content_of(mast_sandbox, row) as hdus:
        data = hdus[1].data
        np.testing.assert_array_equal(mine.flux.value, data["FLUX"])
        np.testing.assert_array_equal(mine.uncertainty.array, data["STATERROR"])
        np.testing.assert_array_equal(mine.mask, data["DATAQUAL"] == 0)
        assert mine.mask.any()


@pytest.mark.parametrize("mission", ["ullyses", "classy"])
def test_libraries_of_missions_are_read(mast_sandbox: Sandbox, mission: str) -> None:
    """Rows of mission products give spectra, and wavelengths without exposures are masked."""
    del mast_sandbox
    client = MastMissions(mission=mission)
    product = client.get_product_list(client.query_criteria(limit=None)[:1])[0]
    spectrum = read_spectrum(product, client=client)
    assert spectrum.flux.unit == FLAM
    assert spectrum.mask.sum() == 46
    assert spectrum.meta["mask_rule"].endswith("EFF_EXPTIME is 0")


def test_all_types_of_products_are_accepted(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A table with one row, a URI, a path, a file name and an open file give the same spectrum."""
    row = product_of("JWST")
    expected = read_spectrum(row)
    path = tmp_path / "x1d.fits"
    path.write_bytes(mast_sandbox.archive.render(str(row["dataURI"])))
    with fits.open(path) as opened:
        for given in (Table(row), str(row["dataURI"]), path, str(path), opened):
            np.testing.assert_array_equal(read_spectrum(given).flux.value, expected.flux.value)
        assert opened[1].data is not None


def test_a_table_is_read_without_images_in_the_file(mast_sandbox: Sandbox) -> None:
    """Only the part of the file with the spectrum is transferred."""
    row = product_of("JWST rectified")
    mast_sandbox.requests.clear()
    with pytest.raises(InvalidArgumentError, match="slit"):
        read_spectrum(row, slit="none")
    assert sum(record.sent for record in mast_sandbox.requests.of("download")) < 300_000


def test_exclusive_files_need_a_login(mast_sandbox: Sandbox) -> None:
    """Without a token, the reader raises the error of the client."""
    del mast_sandbox
    found = Observations.query_criteria(dataRights="EXCLUSIVE_ACCESS", instrument_name="COS/FUV")
    products = Observations.get_product_list(found[:1], verbose=False)
    product = products[[str(name).endswith("_x1dsum.fits") for name in products["productFilename"]]][0]
    with pytest.raises(LoginError):
        read_spectrum(product)


def test_files_without_spectra_raise(mast_sandbox: Sandbox) -> None:
    """The message lists the extensions and suggests a reader."""
    del mast_sandbox
    image = Observations.get_product_list(Observations.query_criteria(obs_id="j97c01010"), verbose=False)
    drizzled = image[[str(name) == "j97c01010_drz.fits" for name in image["productFilename"]]][0]
    with pytest.raises(InvalidQueryError, match=r"j97c01010_drz.fits has no spectrum: it contains .*SCI .*read_image"):
        read_spectrum(drizzled)
    found = Observations.query_criteria(obs_collection="TESS", dataproduct_type="timeseries")[:1]
    products = Observations.get_product_list(found, verbose=False)
    curve = products[[str(name).endswith("_lc.fits") for name in products["productFilename"]]][0]
    with pytest.raises(InvalidQueryError, match=r"LIGHTCURVE.*read_light_curve"):
        read_spectrum(curve)


def test_the_example_of_the_docstring_runs(mast_sandbox: Sandbox) -> None:
    """The example prints the documented output."""
    del mast_sandbox
    said: list[str] = []
    runner = doctest.DocTestRunner()
    for example in doctest.DocTestFinder().find(read_spectrum, "read_spectrum"):
        runner.run(example, out=said.append)
    assert runner.tries > 0
    assert not runner.failures, "".join(said)


# -- files made by hand --------------------------------------------------------------------------------------------


def made(
    columns: Mapping[str, tuple[str, str, Any]],
    *,
    name: str = "SCI",
    header: Mapping[str, Any] = {},
    primary: Mapping[str, Any] = {},
) -> fits.HDUList:
    """Return a file with a table, from names, formats, units and values."""
    listed = [
        fits.Column(key, form, unit or None, array=np.array(values)) for key, (form, unit, values) in columns.items()
    ]
    table = fits.BinTableHDU.from_columns(listed, name=name)
    table.header.update(header)
    first = fits.PrimaryHDU()
    first.header.update({"TELESCOP": "HST", **primary})
    return fits.HDUList([first, table])


def reopened(hdus: fits.HDUList) -> fits.HDUList:
    """Return the HDUs as read from a file, in big-endian order."""
    content = io.BytesIO()
    hdus.writeto(content)
    return fits.open(io.BytesIO(content.getvalue()))


PLAIN = {
    "WAVELENGTH": ("D", "Angstrom", [1.0, 2.0, 3.0, 4.0]),
    "FLUX": ("E", "erg/s/cm**2/Angstrom", [1.0, np.nan, 3.0, 4.0]),
    "ERROR": ("E", "erg/s/cm**2/Angstrom", [0.1, 0.2, 0.3, 0.4]),
}


def test_nonfinite_fluxes_are_masked_without_flags() -> None:
    """A file without flags has a mask of its nonfinite fluxes."""
    spectrum = read_spectrum(reopened(made(PLAIN)))
    assert spectrum.mask.tolist() == [False, True, False, False]
    assert spectrum.meta["mask_rule"] == "flux is not finite"
    assert spectrum.flux.value.dtype == np.dtype("f4")


def test_padding_is_removed() -> None:
    """Points after NELEM, and points with wavelength 0 or NaN, are not part of the spectrum."""
    counted = made(
        {
            "NELEM": ("J", "", [2, 4]),
            "WAVELENGTH": ("4D", "Angstrom", [[1, 2, 0, 0], [5, 6, 7, 8.0]]),
            "FLUX": ("4E", "", [[1, 2, 9, 9], [5, 6, 7, 8]]),
        }
    )
    assert [one.flux.value.tolist() for one in read_spectrum(counted)] == [[1, 2], [5, 6, 7, 8]]
    padded = made({"WAVELENGTH": ("4D", "nm", [[0, 1, 2, np.nan]]), "FLUX": ("4E", "Jy", [[9, 1, 2, 9]])})
    spectrum = read_spectrum(padded)
    assert spectrum.spectral_axis.value.tolist() == [1, 2]
    assert spectrum.flux.value.tolist() == [1, 2]


def test_serious_flags_are_those_of_the_header() -> None:
    """SDQFLAGS of each extension defines the flags that mask points; without it, the flags of CALSTIS do."""
    flagged = {**PLAIN, "FLUX": ("E", "Jy", [1.0] * 4), "DQ": ("I", "", [0, 1024, 16, 8])}
    assert read_spectrum(made(flagged)).mask.tolist() == [False, False, True, True]
    assert read_spectrum(made(flagged, header={"SDQFLAGS": 1032})).mask.tolist() == [False, True, False, True]


def test_cos_masks_by_its_weights() -> None:
    """Points with weight 0, which have no good exposure, are masked even without a flag."""
    summed = {**PLAIN, "FLUX": ("E", "Jy", [1.0] * 4), "DQ": ("I", "", [0, 0, 8, 0]), "DQ_WGT": ("E", "", [2, 0, 1, 0])}
    assert read_spectrum(made(summed, header={"SDQFLAGS": 8})).mask.tolist() == [False, True, False, True]


def test_flags_of_jwst() -> None:
    """Only DO_NOT_USE masks points, also in unsigned 32-bit flags."""
    flags = np.array([0, 1, 2**31, 2**31 + 1], dtype=np.uint32)
    hdus = made({**PLAIN, "FLUX": ("E", "Jy", [1.0] * 4)}, name="EXTRACT1D", primary={"TELESCOP": "JWST"})
    columns = [*hdus[1].columns, fits.Column("DQ", "J", bzero=2**31, array=flags)]
    hdus[1] = fits.BinTableHDU.from_columns(columns, name="EXTRACT1D")
    assert read_spectrum(reopened(hdus)).mask.tolist() == [False, True, False, True]


def test_fuse_masks_points_without_a_window() -> None:
    """Points with a QUALITY of 0, the used percentage of the extraction window, are masked."""
    fuse = made(
        {
            "WAVE": ("E", "ANGSTROMS", [905.0, 906, 907]),
            "FLUX": ("E", "ERG/CM2/S/A", [1.0, 2, 3]),
            "ERROR": ("E", "ERG/CM2/S/A", [0.1, 0.2, 0.3]),
            "QUALITY": ("I", "UNITLESS", [100, 40, 0]),
        },
        primary={"TELESCOP": "FUSE", "INSTRUME": "FUV"},
    )
    spectrum = read_spectrum(fuse)
    assert spectrum.mask.tolist() == [False, False, True]
    assert spectrum.flux.unit == FLAM
    np.testing.assert_array_equal(spectrum.uncertainty.array, np.array([0.1, 0.2, 0.3], dtype=np.float32))


def test_high_dispersion_of_iue_starts_at_a_pixel() -> None:
    """The spectrum has NPOINTS fluxes from STARTPIX, counted from 1, and no errors of the calibrated flux."""
    orders = made(
        {
            "ORDER": ("B", "", [100, 99]),
            "NPOINTS": ("I", "", [3, 2]),
            "WAVELENGTH": ("D", "ANGSTROM", [1380.0, 1394.0]),
            "STARTPIX": ("I", "", [2, 3]),
            "DELTAW": ("D", "ANGSTROM", [0.1, 0.2]),
            "NOISE": ("6E", "", np.ones((2, 6))),
            "QUALITY": ("6I", "", [[0, 0, -16384, 0, 0, 0], [0, 0, 0, -8, 0, 0]]),
            "ABS_CAL": ("6E", "ERG/CM2/S/A", [[9, 1, 2, 3, 9, 9], [9, 9, 4, 5, 9, 9]]),
        },
        name="MEHI",
        primary={"TELESCOP": "IUE"},
    )
    first, second = read_spectrum(orders)
    np.testing.assert_allclose(first.spectral_axis.value, [1380.0, 1380.1, 1380.2])
    np.testing.assert_allclose(second.spectral_axis.value, [1394.0, 1394.2])
    assert first.flux.value.tolist() == [1, 2, 3]
    assert second.flux.value.tolist() == [4, 5]
    assert first.mask.tolist() == [False, True, False]
    assert first.uncertainty is None
    assert (first.meta["order"], second.meta["order"]) == (100, 99)
    assert read_spectrum(orders, order=99).meta["order"] == 99


def test_extended_sources_are_read_as_surface_brightness() -> None:
    """The source type of the extension or row determines the flux column, unless flux_column is specified."""
    columns = {
        "WAVELENGTH": ("D", "micron", [1.0, 2.0]),
        "FLUX": ("D", "Jy", [1.0, 2.0]),
        "FLUX_ERROR": ("D", "Jy", [0.1, 0.2]),
        "SURF_BRIGHT": ("D", "MJy/sr", [10.0, 20.0]),
        "SB_ERROR": ("D", "MJy/sr", [3.0, 4.0]),
        "DQ": ("J", "", [0, 0]),
    }
    extended = made(columns, name="EXTRACT1D", header={"SRCTYPE": "EXTENDED"}, primary={"TELESCOP": "JWST"})
    spectrum = read_spectrum(extended)
    assert (spectrum.flux.unit, spectrum.uncertainty.array.tolist()) == (u.MJy / u.sr, [3.0, 4.0])
    spectrum = read_spectrum(extended, flux_column="flux")
    assert (spectrum.flux.unit, spectrum.uncertainty.array.tolist()) == (u.Jy, [0.1, 0.2])


def test_combined_spectra() -> None:
    """Errors of combined spectra are read from ERROR, as in specutils."""
    columns = {
        "WAVELENGTH": ("D", "um", [1.0, 2.0]),
        "FLUX": ("D", "Jy", [1.0, 2.0]),
        "ERROR": ("D", "Jy", [0.1, 0.2]),
        "SURF_BRIGHT": ("D", "MJy/sr", [10.0, 20.0]),
        "SB_ERROR": ("D", "MJy/sr", [3.0, 4.0]),
        "DQ": ("J", "", [0, 1]),
        "WEIGHT": ("D", "", [1.0, 1.0]),
        "N_INPUT": ("D", "", [2.0, 2.0]),
    }
    combined = made(columns, name="COMBINE1D", header={"SRCTYPE": "POINT"}, primary={"TELESCOP": "JWST"})
    mine = read_spectrum(combined)
    assert_same(mine, by_specutils(SpectrumList, combined, "JWST c1d multi")[0])
    assert mine.mask.tolist() == [False, True]


def test_sources_are_selected_by_number() -> None:
    """Slitless spectra have a row for each source, padded with NaN, and only selected rows are read."""
    count, points = 500, 6
    wavelength = np.tile(np.linspace(1.0, 2.0, points), (count, 1))
    wavelength[:, 4:] = np.nan
    sources = made(
        {
            "SOURCE_ID": ("J", "", np.arange(count)),
            "WAVELENGTH": (f"{points}D", "um", wavelength),
            "FLUX": (f"{points}D", "Jy", np.arange(count * points).reshape(count, points)),
            "FLUX_ERROR": (f"{points}D", "Jy", np.ones((count, points))),
            "DQ": (f"{points}J", "", np.zeros((count, points))),
            "NELEMENTS": ("J", "", np.full(count, 4)),
            "SOURCE_TYPE": ("20A", "", ["POINT"] * count),
        },
        name="EXTRACT1D",
        header={"SPORDER": 1},
        primary={"TELESCOP": "JWST"},
    )
    one = read_spectrum(sources, source_id=321)
    assert one.flux.value.tolist() == [1926, 1927, 1928, 1929]
    assert (one.meta["source_id"], one.meta["order"]) == (321, 1)
    assert [each.meta["source_id"] for each in read_spectrum(sources, source_id=[5, 3])] == [3, 5]
    assert len(read_spectrum(sources)) == count


def test_several_extensions_are_read_in_order() -> None:
    """Extensions of slits or integrations are labeled by their keywords."""
    hdus = made(PLAIN, name="EXTRACT1D", header={"SLTNAME": "S200A1", "SOURCEID": 7}, primary={"TELESCOP": "JWST"})
    hdus.append(made(PLAIN, name="EXTRACT1D", header={"SLTNAME": "S1600A1", "SOURCEID": 9})[1])
    spectra = read_spectrum(hdus)
    assert [(one.meta["slit"], one.meta["source_id"]) for one in spectra] == [("S200A1", 7), ("S1600A1", 9)]
    assert read_spectrum(hdus, slit="S1600A1").meta["source_id"] == 9


def test_missing_labels_raise() -> None:
    """Unknown labels, and labels without a spectrum, raise an error that lists the available ones."""
    hdus = made({**PLAIN, "SEGMENT": ("4A", "", ["FUVA"] * 4)}, header={"SPORDER": 3})
    with pytest.raises(InvalidArgumentError, match=r"'sgment' is not a label.*'segment'"):
        read_spectrum(hdus, sgment="FUVA")
    with pytest.raises(InvalidArgumentError, match=r"No spectrum has order=4: the file has 3\."):
        read_spectrum(hdus, order=4)
    with pytest.raises(InvalidArgumentError, match=r"aperture='SMALL': the file has no such label"):
        read_spectrum(hdus, aperture="SMALL")


def test_missing_or_wrong_units_raise() -> None:
    """The message names the argument, which overrides the unit in the file."""
    unknown = made({**PLAIN, "FLUX": ("E", "furlongs of light", [1.0, 2, 3, 4])})
    with pytest.raises(InvalidArgumentError, match=r"FLUX, 'furlongs of light', is not valid.*flux_unit"):
        read_spectrum(unknown)
    assert read_spectrum(unknown, flux_unit="mJy").flux.unit == u.mJy
    bare = made({**PLAIN, "WAVELENGTH": ("D", "", [1.0, 2.0, 3.0, 4.0])})
    with pytest.raises(InvalidArgumentError, match="spectral_unit"):
        read_spectrum(bare)
    assert read_spectrum(bare, spectral_unit=u.nm).spectral_axis.unit == u.nm
    with pytest.raises(InvalidArgumentError, match="flux_unit='nonsense' is not a unit"):
        read_spectrum(bare, flux_unit="nonsense")


def test_another_column_is_read_as_flux() -> None:
    """NET has no errors, and the errors of FLUX are not used for it."""
    hdus = made({**PLAIN, "NET": ("E", "count/s", [7.0, 8, 9, 10])})
    spectrum = read_spectrum(hdus, flux_column="NET")
    assert (spectrum.flux.unit, spectrum.uncertainty) == (u.ct / u.s, None)
    with pytest.raises(InvalidArgumentError, match="flux_column='GROSS' is not a column"):
        read_spectrum(hdus, flux_column="gross")


def test_errors_are_in_the_unit_of_the_flux() -> None:
    """Errors in other units are converted, and errors without a unit have the unit of the flux."""
    columns = {**PLAIN, "FLUX": ("D", "Jy", [1.0] * 4), "ERROR": ("D", "mJy", [1.0, 2, 3, 4])}
    np.testing.assert_allclose(read_spectrum(made(columns)).uncertainty.array, [0.001, 0.002, 0.003, 0.004])
    columns["ERROR"] = ("D", "", [1.0, 2, 3, 4])
    assert read_spectrum(made(columns)).uncertainty.array.tolist() == [1, 2, 3, 4]


def test_wavelengths_in_any_order() -> None:
    """Decreasing wavelengths are kept, unsorted ones are sorted, and only the first of repeated ones is kept."""
    falling = {**PLAIN, "WAVELENGTH": ("D", "AA", [4.0, 3, 2, 1])}
    assert read_spectrum(made(falling)).spectral_axis.value.tolist() == [4, 3, 2, 1]
    mixed = {**PLAIN, "WAVELENGTH": ("D", "AA", [3.0, 1, 4, 2])}
    spectrum = read_spectrum(made(mixed))
    assert spectrum.spectral_axis.value.tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(spectrum.flux.value, [np.nan, 4, 1, 3])
    twice = {**PLAIN, "WAVELENGTH": ("D", "AA", [1.0, 2, 2, 3])}
    with pytest.warns(CorruptDataWarning, match="1 of 4 points repeat a wavelength"):
        assert read_spectrum(made(twice)).flux.value.tolist()[2:] == [4.0]


def test_columns_by_the_spectral_model() -> None:
    """Columns with any name are identified by their IVOA utypes."""
    hdus = made(
        {"x": ("D", "nm", [1.0, 2]), "y": ("D", "Jy", [5.0, 6]), "z": ("D", "Jy", [0.5, 0.6])},
        header={
            "TUTYP1": "spec:Data.SpectralAxis.Value",
            "TUTYP2": "spec:Data.FluxAxis.Value",
            "TUTYP3": "spec:Data.FluxAxis.Accuracy.StatError",
        },
        primary={"TELESCOP": "HUT"},
    )
    spectrum = read_spectrum(hdus)
    assert spectrum.flux.value.tolist() == [5, 6]
    assert spectrum.uncertainty.array.tolist() == [0.5, 0.6]


@pytest.mark.parametrize(
    ("card", "medium"),
    [({"VACUUM": True}, "vacuum"), ({"AIRORVAC": "air"}, "air"), ({"WAVETYPE": "Vacuum"}, "vacuum"), ({}, None)],
)
def test_the_medium_is_read_from_the_header(card: dict[str, Any], medium: str | None) -> None:
    """The medium of wavelengths, vacuum or air, is in meta if a header specifies it."""
    assert read_spectrum(made(PLAIN, header=card)).meta.get("medium") == medium


def test_a_spectrum_of_padding_is_skipped() -> None:
    """Spectra without valid points are skipped, and the others are read."""
    columns = {
        "SEGMENT": ("4A", "", ["FUVA", "FUVB"]),
        "WAVELENGTH": ("2D", "Angstrom", [[0.0, 0], [1, 2]]),
        "FLUX": ("2E", "", [[0.0, 0], [1, 2]]),
    }
    assert read_spectrum(made(columns)).meta["segment"] == "FUVB"
    with pytest.raises(InvalidQueryError, match="all points are padding"):
        read_spectrum(made(columns), segment="FUVA")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"WAVELENGTH": ("D", "AA", [1.0, 2])}, "WAVELENGTH is a single number"),
        ({"WAVELENGTH": ("3D", "AA", np.ones((2, 3)))}, "FLUX has 2 values for 3 wavelengths"),
        ({"FLUX": ("2A", "", ["ab", "cd"])}, "FLUX is not numeric"),
        (
            {"NPOINTS": ("J", "", [9, 9]), "WAVELENGTH": ("D", "AA", [1.0, 2]), "DELTAW": ("D", "", [1.0, 2])},
            "2 values",
        ),
    ],
)
def test_inconsistent_tables_raise(changed: dict[str, Any], message: str) -> None:
    """The message names the inconsistent columns."""
    columns = {"WAVELENGTH": ("2D", "AA", [[1.0, 2], [3, 4]]), "FLUX": ("2E", "Jy", [[1.0, 2], [3, 4]]), **changed}
    with pytest.raises(InvalidResponseError, match=message):
        read_spectrum(made(columns))


def test_empty_tables_have_no_spectra() -> None:
    """A table without rows raises an error that there is no spectrum."""
    hdus = made({name: (form, unit, []) for name, (form, unit, _) in PLAIN.items()})
    with pytest.raises(InvalidQueryError, match=r"SCI \(table of 0 rows\).*read_catalog"):
        read_spectrum(hdus)


@pytest.mark.filterwarnings("ignore:.*truncated.*")
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_truncated_files_raise(tmp_path: Path, share: float) -> None:
    """A file that is truncated anywhere raises an error that says so."""
    columns = {name: ("D", unit, np.arange(1.0, 1001.0)) for name, (_, unit, _) in PLAIN.items()}
    path = tmp_path / "cut.fits"
    made(columns).writeto(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InvalidResponseError, match="cut"):
        read_spectrum(path)


def test_a_slit_that_is_not_rectified_raises(mast_sandbox: Sandbox) -> None:
    """Wavelengths that differ from row to row raise an error."""
    row = product_of("JWST rectified")
    with content_of(mast_sandbox, row) as hdus:
        document = hdus["ASDF"].data[0][0].tobytes()
        turned = document.replace(b"mapping: [1, 1, 0]", b"mapping: [0, 0, 1]")
        hdus["ASDF"].data[0][0][:] = np.frombuffer(turned, dtype=np.uint8)
        with pytest.raises(InvalidQueryError, match="not rectified"):
            read_spectrum(hdus)
        # The same coordinates are correct if the dispersion is along the other axis.
        hdus["SCI"].header["DISPAXIS"] = 2
        spectrum = read_spectrum(hdus)
        np.testing.assert_array_equal(spectrum.flux.value, hdus["SCI"].data.T)


def grouped(tmp_path: Path, **parts: Any) -> list[Path]:
    """Write the files of an FOS spectrum: two groups of three points, and an ASCII table as in files of MAST."""
    made_of = {
        "c0f": ("ANGSTROMS", [[1200.0, 1201, 1202], [1300, 1301, 1302]]),
        "c1f": ("ERGS/CM**2/S/A", [[1.0, 2, 3], [4, 5, 6]]),
        "c2f": ("ERGS/CM**2/S/A", [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]),
        "cqf": ("", [[0.0, 200, 100], [0, 0, 800]]),
        **parts,
    }
    paths = []
    for part, (unit, values) in made_of.items():
        first = fits.PrimaryHDU(np.array(values, dtype=np.float32))
        first.header.update({"INSTRUME": "FOS", "TELESCOP": "HST", "BUNIT": unit, "TARGNAME": "NGC4151"})
        table = fits.TableHDU.from_columns([fits.Column("CRVAL1", "D25.16", array=[1.0, 1.0])])
        paths.append(tmp_path / f"y0nv0101t_{part}.fits")
        fits.HDUList([first, table]).writeto(paths[-1])
    return paths


def test_files_of_fos_are_read_together(tmp_path: Path) -> None:
    """Four files in any order have wavelengths, fluxes, errors and flags, and each group is a spectrum."""
    paths = grouped(tmp_path)
    spectra = read_spectrum(paths[::-1])
    assert [one.meta["integration"] for one in spectra] == [1, 2]
    assert spectra[0].spectral_axis.value.tolist() == [1200, 1201, 1202]
    assert spectra[1].flux.value.tolist() == [4, 5, 6]
    assert spectra[1].flux.unit == FLAM
    np.testing.assert_array_equal(spectra[0].uncertainty.array, np.array([0.1, 0.2, 0.3], dtype=np.float32))
    assert [one.mask.tolist() for one in spectra] == [[False, True, False], [False, False, True]]
    assert read_spectrum(paths[:2], integration=2).meta["target"] == "NGC4151"


def test_files_of_fos_must_belong_together(tmp_path: Path) -> None:
    """A single file, two files of the same type, and files with different shapes raise an error."""
    paths = grouped(tmp_path, c2f=("", [[1.0, 2]]))
    with pytest.raises(InvalidQueryError, match=r"y0nv0101t_c1f.fits has no spectrum.*fluxes \(c1f\) together"):
        read_spectrum(paths[1])
    for given_paths in (paths[1:], [paths[0], paths[0], paths[1]]):
        with pytest.raises(InvalidArgumentError, match="must be one product, or the files c0f and c1f"):
            read_spectrum(given_paths)
    with pytest.raises(InvalidArgumentError, match=r"shapes are c0 \(2, 3\)"):
        read_spectrum(paths)
    for nothing in ([], fits.HDUList()):
        with pytest.raises(InvalidArgumentError, match="No product"):
            read_spectrum(nothing)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["STIS echelle", "COS", "JWST", "JWST rectified", "FUSE", "CALSPEC"])
def test_damaged_files_raise_or_are_read(mast_sandbox: Sandbox, tmp_path: Path, kind: str) -> None:
    """Files with changed bytes in headers and data give spectra, or an error of the package."""
    content = mast_sandbox.archive.render(str(product_of(kind)["dataURI"]))
    dice = np.random.default_rng(7)
    path = tmp_path / "damaged.fits"
    for _ in range(25):
        damaged = bytearray(content)
        for place in dice.integers(0, min(len(content), 20_000), 12):
            damaged[place] = dice.integers(32, 127)
        path.write_bytes(damaged)
        with contextlib.suppress(InvalidQueryError, RemoteServiceError):
            read_spectrum(path)


# -- units ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("erg/s/cm**2/Angstrom", FLAM),
        ("erg /s /cm**2 /Angstrom", FLAM),
        ("ERG/CM2/S/A", FLAM),
        ("erg cm-2 s-1 angstrom-1", FLAM),
        ("ergs/cm^2/s/Angstroms", FLAM),
        ("FLAM", FLAM),
        ("10**(-17) erg/cm2/s/AA", 1e-17 * FLAM),
        ("Jy", u.Jy),
        ("mJy", u.mJy),
        ("MJy/sr", u.MJy / u.sr),
        ("W/m^2/micron", u.W / u.m**2 / u.um),
        ("micron", u.um),
        ("ANGSTROMS", u.AA),
        ("Counts/s", u.ct / u.s),
        ("UNITLESS", u.dimensionless_unscaled),
        ("", u.dimensionless_unscaled),
    ],
)
def test_units_as_headers_spell_them(text: str, unit: u.UnitBase) -> None:
    """Units in MAST files, and similar spellings, are parsed; A is never the ampere."""
    found = spelled_unit(text)
    assert found is not None
    assert found.to(unit) == pytest.approx(1.0)


@given(
    st.sampled_from(["erg", "ERG", "Ergs"]),
    st.permutations(["s", "cm2", "A"]),
    st.sampled_from(["/", " / ", " /"]),
    st.booleans(),
)
def test_any_spelling_of_flux_density(erg: str, rest: list[str], slash: str, capitals: bool) -> None:
    """Order, spaces and case do not matter."""
    text = slash.join([erg, *(word.upper() if capitals else word for word in rest)])
    assert spelled_unit(text) == FLAM


@given(st.text(max_size=30))
def test_any_string_gives_a_unit_or_none(text: str) -> None:
    """Parsing a unit never raises."""
    found = spelled_unit(text)
    assert found is None or isinstance(found, u.UnitBase)


# -- arbitrary tables ----------------------------------------------------------------------------------------------

NAMES = ["WAVE", "ERROR", "DQ", "DQ_WGT", "QUALITY", "NELEM", "NPOINTS", "DELTAW", "STARTPIX"]
FORMATS = ["D", "E", "J", "I", "B", "3D", "3E", "3I", "2D", "4A", "L"]
UNITS = ["", "nm", "Jy", "?"]
COLUMN = st.tuples(st.sampled_from(FORMATS), st.sampled_from(UNITS))
COLUMNS = st.fixed_dictionaries({"WAVELENGTH": COLUMN, "FLUX": COLUMN}, optional=dict.fromkeys(NAMES, COLUMN))


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None)
@given(
    COLUMNS,
    st.integers(0, 3),
    st.binary(min_size=120, max_size=120),
    st.sampled_from(["HST", "JWST", "IUE", "FUSE", "?"]),
)
def test_any_table_gives_spectra_or_an_error_of_the_package(
    columns: dict[str, tuple[str, str]], rows: int, content: bytes, telescope: str
) -> None:
    """Any columns give consistent spectra, or an error class of astroquery."""
    listed = [fits.Column(name, form, unit or None) for name, (form, unit) in columns.items()]
    table = fits.BinTableHDU.from_columns(listed, nrows=rows, name="SCI")
    width = table.header["NAXIS1"]
    random = (content * (1 + rows * width // len(content)))[: rows * width]
    file = io.BytesIO()
    first = fits.PrimaryHDU()
    first.header["TELESCOP"] = telescope
    fits.HDUList([first, table]).writeto(file)
    whole = bytearray(file.getvalue())
    start = 2880 + len(table.header.tostring())
    whole[start : start + len(random)] = random
    with fits.open(io.BytesIO(bytes(whole))) as hdus:
        try:
            found = read_spectrum(hdus)
        except (InvalidQueryError, InvalidResponseError):
            return
    for one in found if isinstance(found, list) else [found]:
        assert one.flux.shape == one.spectral_axis.shape == one.mask.shape
