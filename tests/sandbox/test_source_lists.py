"""Source catalogs: readable like those of the pipelines, with the sources in the images."""

from __future__ import annotations

import io

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from astroquery_mast.sandbox.archive.archive import Archive
from astroquery_mast.sandbox.server import shared_archive


@pytest.fixture(scope="module")
def archive() -> Archive:
    """The archive shared by all sandboxes."""
    return shared_archive()


def uris(archive: Archive, ending: str, collection: str, number: int = 4) -> list[str]:
    """Return some files with a file name ending."""
    sql = "SELECT dataURI FROM product WHERE dataURI LIKE ? AND obs_collection = ? GROUP BY dataURI ORDER BY dataURI"
    found = [row["dataURI"] for row in archive.query(sql, (f"%{ending}", collection))]
    return found[:: max(1, len(found) // number)]


def catalog(archive: Archive, uri: str) -> Table:
    """Return a catalog as read by astropy."""
    return Table.read(io.BytesIO(archive.render(uri)), format="ascii.ecsv")


def test_catalogs_of_jwst_have_the_columns_of_its_pipeline(archive: Archive) -> None:
    """Positions are a column of coordinates, fluxes are in jansky, and labels start with one."""
    for uri in uris(archive, "_cat.ecsv", "JWST"):
        table = catalog(archive, uri)
        assert isinstance(table["sky_centroid"], SkyCoord)
        assert table["label"].tolist() == list(range(1, len(table) + 1))
        assert str(table["aper_total_flux"].unit) == str(table["isophotal_flux"].unit) == "Jy"
        assert table["is_extended"].dtype.kind == "b"


@pytest.mark.parametrize(
    ("ending", "collection", "columns"),
    [
        ("_point-cat.ecsv", "HST", {"X-Center", "Y-Center", "RA", "DEC", "ID", "MagAp1", "CI", "Flags"}),
        ("_segment-cat.ecsv", "HST", {"X-Centroid", "Y-Centroid", "RA", "DEC", "ID", "MagAp2", "Area"}),
        ("_cat.ecsv", "HLSP", {"id", "ra", "dec", "mag", "mag_err"}),
    ],
)
def test_other_catalogs_have_positions_in_degrees(
    archive: Archive, ending: str, collection: str, columns: set[str]
) -> None:
    """Catalogs of HAP and of contributed images are tables with plain columns."""
    found = uris(archive, ending, collection)
    assert found
    for uri in found:
        table = catalog(archive, uri)
        assert columns <= set(table.colnames)
        assert {str(table[name].unit) for name in table.colnames if name.lower() in {"ra", "dec"}} == {"deg"}


def test_sources_are_where_the_image_is_bright(archive: Archive) -> None:
    """A catalog and its image agree on pixels, positions, and brightness."""
    for uri in uris(archive, "nircam_clear-f200w_cat.ecsv", "JWST"):
        table = catalog(archive, uri)
        with fits.open(io.BytesIO(archive.render(uri.replace("_cat.ecsv", "_i2d.fits")))) as hdus:
            x, y = WCS(hdus["SCI"].header).world_to_pixel(table["sky_centroid"])
            image = hdus["SCI"].data
        assert np.hypot(x - table["xcentroid"].value, y - table["ycentroid"].value).max() < 0.01
        bright = np.argsort(table["aper_total_flux"].value)[-20:]
        there = image[np.round(y[bright]).astype(int), np.round(x[bright]).astype(int)]
        assert np.median(there) > 2 * np.median(image)


def test_a_white_light_curve(archive: Archive) -> None:
    """Times increase, and the transit is less than one percent deep."""
    uri = uris(archive, "_whtlt.ecsv", "JWST")[0]
    table = catalog(archive, uri)
    assert (np.diff(table["MJD_UTC"]) > 0).all()
    assert 0.99 < table["whitelight_flux"].min() / np.median(table["whitelight_flux"]) < 0.999
