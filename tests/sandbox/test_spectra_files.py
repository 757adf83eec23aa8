"""Files of spectra have the extensions, columns, units, keywords, and flags of the pipelines."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pytest
from astropy.io import fits

from astroquery_mast.sandbox import Sandbox

# Configuration, file name ending, table, number of rows, and points per spectrum.
KINDS = [
    ("STIS/CCD", "_x1d.fits", "SCI", 1, 1024),
    ("STIS/FUV-MAMA", "_x1d.fits", "SCI", 12, 130),
    ("COS/FUV", "_x1d.fits", "SCI", 2, 650),
    ("COS/NUV", "_x1dsum.fits", "SCI", 3, 430),
    ("NIRSPEC/MSA", "_x1d.fits", "EXTRACT1D", 267, 267),
    ("NIRISS/SOSS", "_x1dints.fits", "EXTRACT1D", 40, 114),
    ("LWP", ".mxlo.gz", "MELO", 1, 640),
    ("FUV", "_vo.fits", "SPECTRUM", 1, 4500),
]


def opened(sandbox: Sandbox, instrument: str, ending: str) -> fits.HDUList:
    """Open the first file of a kind, which must have the listed length and valid checksums."""
    found = sandbox.archive.query(
        "SELECT dataURI, size FROM product JOIN observation ON product.obsID = observation.obsid"
        " WHERE instrument_name = ? AND dataURI LIKE ? AND observation.dataproduct_type <> 'image' LIMIT 1",
        (instrument, f"%{ending}"),
    )
    content = sandbox.archive.render(found[0]["dataURI"])
    assert found[0]["size"] in {None, len(content)}
    return fits.open(io.BytesIO(gzip.decompress(content) if ending.endswith(".gz") else content), checksum=True)


@pytest.mark.parametrize(("instrument", "ending", "table", "rows", "points"), KINDS)
def test_tables_have_the_shapes_of_the_pipelines(
    box: Sandbox, instrument: str, ending: str, table: str, rows: int, points: int
) -> None:
    """There is one row per order, segment, or integration; single JWST spectra have one row per wavelength."""
    with opened(box, instrument, ending) as hdus:
        data = hdus[table].data
        assert len(data) == rows
        assert np.size(data["FLUX"]) == (points if rows == points else rows * points)
        assert np.nanmax(data["FLUX"]) > 0
        assert hdus[table].columns["FLUX"].unit


def test_orders_segments_and_integrations_are_numbered(box: Sandbox) -> None:
    """Orders decrease with wavelength, segment A has longer wavelengths, integrations are in time order."""
    with opened(box, "STIS/FUV-MAMA", "_x1d.fits") as hdus:
        data = hdus["SCI"].data
        assert (np.diff(data["SPORDER"]) == -1).all()
        assert (np.diff(data["WAVELENGTH"][:, 0]) > 0).all()
        assert (data["WAVELENGTH"][1:, 0] < data["WAVELENGTH"][:-1, -1]).all()
        assert (hdus[0].header["X1DCORR"], hdus["SCI"].header["SDQFLAGS"]) == ("COMPLETE", 31743)
    with opened(box, "COS/FUV", "_x1d.fits") as hdus:
        data = hdus["SCI"].data
        assert data["SEGMENT"].tolist() == ["FUVA", "FUVB"]
        assert data["WAVELENGTH"][0, 0] > data["WAVELENGTH"][1, -1]
    with opened(box, "NIRISS/SOSS", "_x1dints.fits") as hdus:
        data = hdus["EXTRACT1D"].data
        assert data["INT_NUM"].tolist() == list(range(1, 41))
        assert (np.diff(data["MJD-AVG"]) > 0).all()
        middle, rim = (np.nanmean(data["FLUX"][part]) for part in (slice(18, 22), slice(0, 4)))
        assert middle < 0.99 * rim


def test_flags_are_serious_or_not(box: Sandbox) -> None:
    """Some flags are serious and others are not; the weights of COS are zero for serious ones."""
    with opened(box, "STIS/CCD", "_x1d.fits") as hdus:
        assert set(np.unique(hdus["SCI"].data["DQ"])) == {0, 16, 1024}
    with opened(box, "COS/FUV", "_x1d.fits") as hdus:
        data = hdus["SCI"].data
        serious = (data["DQ"] & hdus["SCI"].header["SDQFLAGS"]) != 0
        np.testing.assert_array_equal(serious, data["DQ_WGT"] == 0)
        assert ((data["DQ"] != 0) & ~serious).any()
        assert (data["FLUX"][data["DQ"] == 128] == 0).all()
    with opened(box, "NIRSPEC/MSA", "_x1d.fits") as hdus:
        data = hdus["EXTRACT1D"].data
        np.testing.assert_array_equal(np.isnan(data["FLUX"]), data["DQ"] == 1)
        assert (data["DQ"] == 4).any()


def test_jwst_files_end_with_an_asdf_tree(box: Sandbox) -> None:
    """The last extension is an ASDF document; that of a rectified spectrum has coordinates."""
    for ending, words in (("_x1d.fits", b"telescope: JWST"), ("_s2d.fits", b"!<tag:stsci.edu:gwcs/wcs-1.0.0>")):
        with opened(box, "NIRSPEC/MSA", ending) as hdus:
            document = hdus[-1].data["ASDF_METADATA"][0].tobytes()
            assert hdus[-1].name == "ASDF"
            assert document.startswith(b"#ASDF 1.0.0\n")
            assert document.endswith(b"\n...\n")
            assert words in document


def test_libraries_list_their_exposures(box: Sandbox) -> None:
    """A coadded spectrum is one row of arrays with a gap; another table lists its exposures."""
    with opened(box, "COS/FUV", "_spec.fits") as hdus:
        science = hdus["SCIENCE"].data
        assert len(science) == len(hdus["PROVENANCE"].data) == 1
        assert (science["EFF_EXPTIME"][0] == 0).sum() == 46
        assert (science["FLUX"][0][science["EFF_EXPTIME"][0] == 0] == 0).all()
