"""Rendered files: length, validity, coordinates, and content of each kind."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
from astropy.io import ascii as ascii_tables
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from astroquery_mast.sandbox.archive import Archive
from astroquery_mast.sandbox.archive.geometry import Polygon, parse_region
from astroquery_mast.sandbox.archive.products import gzip_size
from astroquery_mast.sandbox.archive.rendering import gzip_stored

Row = dict[str, object]
JOINED = "product p JOIN observation o ON o.obsid = p.obsID"


@pytest.fixture(scope="module")
def archive() -> Iterator[Archive]:
    """The default holdings."""
    made = Archive()
    yield made
    made.close()


@pytest.fixture(scope="module")
def samples(archive: Archive) -> list[tuple[Row, bytes]]:
    """One file of each kind: collection, instrument, role, and file name ending."""
    sql = f"SELECT p.*, o.instrument_name, o.s_region FROM {JOINED} ORDER BY p.obsID"
    chosen: dict[object, Row] = {}
    for row in archive.query(sql):
        ending = re.split(r"[_-]", str(row["productFilename"]))[-1]
        exposure = ending in {"flt.fits", "drz.fits"}
        family = row["instrument_name"] if exposure else row["dataproduct_type"]
        if ending.endswith("jpg"):
            family = None
        if row["obs_collection"] in {"Kepler", "GALEX", "SWIFT"} or "HLSP" in str(row["dataURI"]):
            ending = ending.rpartition(".")[2]
        chosen.setdefault((row["obs_collection"], family, ending), row)
    return [(row, archive.render(str(row["dataURI"]))) for row in chosen.values()]


def opened(row: Row, content: bytes) -> fits.HDUList | None:
    """Return the FITS file of a sample, or None for other formats."""
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    return fits.open(io.BytesIO(content), checksum=True) if content.startswith(b"SIMPLE") else None


def test_lengths_are_as_cataloged(samples: list[tuple[Row, bytes]]) -> None:
    """The length of a rendered file is the one in its product row."""
    assert len(samples) > 80
    for row, content in samples:
        assert row["size"] in {None, len(content)}, row["dataURI"]


def test_fits_files_are_valid(samples: list[tuple[Row, bytes]]) -> None:
    """Every FITS file opens without a warning, has valid checksums, and contains data."""
    count = 0
    for row, content in samples:
        hdus = opened(row, content)
        if hdus is None:
            continue
        with hdus:
            hdus.verify("exception")
            assert any(hdu.data is not None for hdu in hdus), row["dataURI"]
            assert hdus[0].header["TELESCOP"]
            assert hdus[0].header["FILENAME"] == str(row["productFilename"])[:60]
        count += 1
    assert count > 50


def test_other_files_match_their_extensions(samples: list[tuple[Row, bytes]]) -> None:
    """Pictures, associations, tables, and logs can be read by standard readers."""
    seen = set()
    for row, content in samples:
        kind = str(row["productFilename"]).rpartition(".")[2]
        if kind == "jpg":
            with Image.open(io.BytesIO(content)) as image:
                image.load()
                assert min(image.size) >= 60
        elif kind == "json":
            assert json.loads(content)["products"][0]["members"]
        elif kind == "ecsv":
            assert len(ascii_tables.read(content.decode(), format="ecsv"))
        elif kind in {"txt", "csv"}:
            assert content.decode().strip()
        seen.add(kind)
    assert seen >= {"fits", "jpg", "json", "ecsv", "txt", "csv", "gz"}


def test_pixel_corners_are_footprint_corners(samples: list[tuple[Row, bytes]]) -> None:
    """The corners of each image, according to astropy's WCS, are within a pixel of a corner of the footprint."""
    checked = 0
    for row, content in samples:
        shapes = parse_region(row["s_region"])  # type: ignore[arg-type]
        corners = [
            vertex
            for shape in shapes
            if isinstance(shape, Polygon) and len(shape.vertices) == 4
            for vertex in shape.vertices
        ]
        hdus = opened(row, content) if corners else None
        for header in _image_headers(hdus):
            wcs = WCS(header).celestial
            columns, rows = header["NAXIS1"], header["NAXIS2"]
            pixels = [(-0.5, -0.5), (columns - 0.5, -0.5), (columns - 0.5, rows - 0.5), (-0.5, rows - 0.5)]
            on_image = np.array(wcs.wcs_world2pix(np.array(corners), 0))
            for pixel in pixels:
                away = np.hypot(*(on_image - pixel).T).min()
                assert away < 1.0, (row["dataURI"], pixel, away)
            checked += 1
    assert checked > 60


def _image_headers(hdus: fits.HDUList | None) -> list[fits.Header]:
    return [
        hdu.header for hdu in hdus or () if hdu.is_image and hdu.header.get("CTYPE1") == "RA---TAN" and hdu.name != "DQ"
    ]


def one(archive: Archive, ending: str, where: str = "1") -> fits.HDUList:
    """Open the first file with an ending."""
    sql = f"SELECT p.dataURI u FROM {JOINED} WHERE p.dataURI LIKE ? AND {where} LIMIT 1"
    uri = str(archive.query(sql, (f"%{ending}",))[0]["u"])
    return fits.open(io.BytesIO(archive.render(uri)), checksum=True)


def test_drizzled_image(archive: Archive) -> None:
    """A drizzled ACS image has SCI, WHT, and CTX, the keywords of its program, and visible sources."""
    with one(archive, "_drc.fits", "o.target_name = 'M51' AND o.proposal_id = '10452' AND o.project = 'HST'") as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "SCI", "WHT", "CTX"]
        header = hdus[0].header
        assert (header["INSTRUME"], header["DETECTOR"], header["PROPOSID"], header["PR_INV_L"]) == (
            "ACS",
            "WFC",
            10452,
            "Beckwith",
        )
        data = hdus["SCI"].data
        assert np.isfinite(data).all()
        assert data.max() > 5 * np.median(data) > 0


def test_exposure_has_two_detectors(archive: Archive) -> None:
    """An ACS/WFC exposure has SCI, ERR, and DQ for both detectors, and unsigned raw counts."""
    with one(archive, "_flc.fits", "o.instrument_name = 'ACS/WFC'") as hdus:
        assert [(hdu.name, hdu.ver) for hdu in hdus[1:]] == [
            (name, ver) for ver in (1, 2) for name in ("SCI", "ERR", "DQ")
        ]
    with one(archive, "_raw.fits", "o.instrument_name = 'ACS/WFC'") as hdus:
        assert hdus["SCI", 1].data.dtype == np.uint16


def test_a_small_galaxy_outside_an_image_is_skipped(archive: Archive) -> None:
    """An image is rendered even if the stamp of a galaxy is entirely outside of it."""
    with fits.open(io.BytesIO(archive.render("mast:HST/product/j7ti0eahq_flt.fits"))) as hdus:
        assert np.isfinite(hdus["SCI", 1].data).all()


def test_light_curve(archive: Archive) -> None:
    """A light curve has the keywords and columns required by readers of SPOC files, and a gap in time."""
    with one(archive, "0000000261136679-0120-s_lc.fits") as hdus:
        assert (hdus[0].header["TELESCOP"], hdus[0].header["OBJECT"], hdus[0].header["TICID"]) == (
            "TESS",
            "TIC 261136679",
            261136679,
        )
        assert hdus[0].header["SECTOR"] == 1
        header, data = hdus["LIGHTCURVE"].header, hdus["LIGHTCURVE"].data
        assert header["BJDREFI"] == 2457000
        assert {"TIME", "SAP_FLUX", "PDCSAP_FLUX", "QUALITY", "CADENCENO"} <= set(data.names)
        times = data["TIME"][np.isfinite(data["TIME"])]
        assert 0 < len(times) < len(data)
        assert (np.diff(times) > 0).all()
        assert 1325 < times[0] < 1326


def test_a_planet_with_a_long_period_does_not_overflow(archive: Archive) -> None:
    """The light curve of a star with a long-period planet is rendered without a warning."""
    tic = "0000/0001/5042/8135"
    uri = f"mast:HLSP/qlp/s0001/{tic}/hlsp_qlp_tess_ffi_s0001-{tic.replace('/', '')}_tess_v01_llc.fits"
    with fits.open(io.BytesIO(archive.render(uri))) as units:
        assert np.nanmin(units[1].data["SAP_FLUX"]) > 0.9


def test_target_pixels(archive: Archive) -> None:
    """A target pixel file has one stamp per cadence."""
    with one(archive, "_tp.fits") as hdus:
        assert hdus["PIXELS"].data["FLUX"].shape[1:] == hdus["APERTURE"].data.shape


def test_some_files_are_large(archive: Archive) -> None:
    """Most files are small, and a few are large enough to observe a download."""
    small, large, total = (
        archive.query(f"SELECT COUNT(*) n FROM product WHERE {where}")[0]["n"]
        for where in ("size < 1200000", "size > 5e6", "1")
    )
    assert small > 0.9 * total
    assert 4 <= large < 100


def test_generated_files_have_a_query_in_their_uri(archive: Archive) -> None:
    """HLA files have URIs with ?, =, and &, but plain file names."""
    rows = archive.query("SELECT dataURI, productFilename FROM product WHERE obs_collection = 'HLA'")
    assert rows
    for row in rows:
        assert set("?=&") <= set(str(row["dataURI"]))
        assert not set("?=&/") & set(str(row["productFilename"]))


@given(content=st.binary(max_size=200_000))
def test_stored_gzip(content: bytes) -> None:
    """Decompression of a gzip file returns the original content, and its length is known in advance."""
    packed = gzip_stored(content)
    assert gzip.decompress(packed) == content
    assert len(packed) == gzip_size(len(content))
