"""Opening products and files for the readers."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from astroquery_mast import VO, JwstFiles, MastMissions, MastMissionsClass, Observations
from astroquery_mast.display import quicklook
from astroquery_mast.exceptions import InvalidArgumentError, InvalidQueryError, InvalidResponseError
from astroquery_mast.readers import read_catalog, read_image, read_light_curve
from astroquery_mast.readers.opened import opened_fits
from astroquery_mast.sandbox import Sandbox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a small FITS file."""
    fits.PrimaryHDU(np.array([1.0])).writeto(tmp_path / "x.fits")
    return tmp_path / "x.fits"


def product_rows() -> Table:
    """Return drizzled images of M51."""
    found = Observations.query_criteria(object_name="M51", obs_collection="HST", instrument_name="ACS/WFC")
    products = Observations.get_product_list(found[:1], verbose=False)
    return Observations.filter_products(products, extension="fits", productType="SCIENCE")


def mission_rows() -> Table:
    """Return public files of a mission search."""
    rows = MastMissions.get_unique_product_list(MastMissions.query_object("M51", sci_instrume="WFC3")[:1])
    return MastMissions.filter_products(rows, extension="fits", access="PUBLIC")


ROWS = {
    "observations": product_rows,
    "missions": mission_rows,
    "jwst files": lambda: JwstFiles.query_criteria(program=1386, instrument="MIRI", suffix="i2d", filter="F1140C"),
    "images of VO": lambda: VO.query_sia("M51", radius="0.1 deg"),
    "spectra of VO": lambda: VO.query_ssa("187.2779 2.0524", "5 arcmin", collection="HST"),
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_a_row_of_any_client_is_opened(mast_sandbox: Sandbox, rows: Any) -> None:
    """Rows, and tables with one row, are opened, with partial transfers if possible."""
    table = rows()
    for given in (table[0], table[:1]):
        with opened_fits(given) as hdus:
            assert hdus[0].header["SIMPLE"] is True
    assert mast_sandbox.requests


@pytest.mark.parametrize("column", ["Local Path", "Local_Path"])
@pytest.mark.parametrize("rows", [product_rows, mission_rows])
def test_a_row_of_a_manifest_is_opened(mast_sandbox: Sandbox, tmp_path: Path, rows: Any, column: str) -> None:
    """The file is opened on disk, or at MAST if it has been deleted; the column may have the name used in files."""
    client = MastMissions if rows is mission_rows else Observations
    manifest = client.download_products(rows()[:1], download_dir=tmp_path, verbose=False)
    path = Path(manifest["Local Path"][0])
    manifest.rename_column("Local Path", column)
    mast_sandbox.requests.clear()
    with opened_fits(manifest[0]) as hdus:
        assert hdus[0].header["TELESCOP"] == "HST"
    assert len(mast_sandbox.requests) == 0
    path.unlink()
    with opened_fits(manifest[0]) as hdus:
        assert hdus[0].header["TELESCOP"] == "HST"


def test_strings_are_opened(mast_sandbox: Sandbox) -> None:
    """A dataURI, a URL at MAST, an S3 URL, and a file name with its client are opened."""
    row = product_rows()[0]
    uri = str(row["dataURI"])
    for given in (uri, f"{mast_sandbox.url}/api/v0.1/Download/file?uri={uri}", Observations.get_cloud_uri(uri)):
        with opened_fits(given) as hdus:
            assert hdus[0].header["TELESCOP"] == "HST"
    missions = MastMissionsClass(mission="hst")
    with opened_fits(str(mission_rows()["uri"][0]), missions) as hdus:
        assert hdus[0].header["TELESCOP"] == "HST"


def test_files_and_open_hdu_lists_are_accepted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are opened by name, and open files stay open."""
    monkeypatch.chdir(path.parent)
    with fits.open(path) as mine:
        with opened_fits(mine) as hdus:
            assert hdus is mine
        assert mine[0].data.tolist() == [1.0]
    for given in (path, str(path), "x.fits"):
        with opened_fits(given) as hdus:
            assert hdus[0].data.tolist() == [1.0]
    for file in (path.open("rb"), io.BytesIO(path.read_bytes())):
        with file:
            for _ in range(2):
                file.seek(0)
                with opened_fits(file) as hdus:
                    assert hdus[0].data.tolist() == [1.0]
                assert not file.closed


def test_arguments_go_to_astropy(path: Path) -> None:
    """The options of `astropy.io.fits.open` are passed on."""
    with opened_fits(path, memmap=False, lazy_load_hdus=False) as hdus:
        assert hdus[0].data.tolist() == [1.0]


def test_files_other_than_fits_raise(tmp_path: Path) -> None:
    """Other types of files, damaged files, and invalid products raise, and no file stays open."""
    (tmp_path / "x.json").write_text("{}")
    (tmp_path / "x.fits").write_bytes(b"<html>")
    with pytest.raises(InvalidArgumentError, match=r"x\.json.* is not a FITS file"), opened_fits(tmp_path / "x.json"):
        pass
    with pytest.raises(InvalidResponseError, match=r"Cannot read x\.fits"), opened_fits(str(tmp_path / "x.fits")):
        pass
    for given in (7, None, "x" * 5000, "no such file.fits", Table({"a": [1]}), []):
        with pytest.raises(InvalidQueryError), opened_fits(given):
            pass


@pytest.mark.parametrize("reader", [read_image, read_catalog, read_light_curve, quicklook])
def test_an_empty_hdu_list_raises(reader: Callable[[Any], object]) -> None:
    """An empty HDU list is an invalid argument, not a damaged file."""
    with pytest.raises(InvalidArgumentError):
        reader(fits.HDUList())


@pytest.mark.parametrize(
    "path", ["data/missing.fits", "/missing.fits", "./missing.fits", "../missing.fits", "~/missing.fits"]
)
def test_a_path_of_a_missing_file_is_not_sent_to_mast(path: str, mast_sandbox: Sandbox) -> None:
    """A wrong path raises an error, and the names of the user's folders are not sent."""
    before = len(mast_sandbox.requests)
    for call in (read_image, Observations.open_product, Observations.get_headers):
        with pytest.raises(InvalidArgumentError, match="There is no file"):
            call(path if call is not Observations.get_headers else [path])
    assert len(mast_sandbox.requests) == before


def test_a_damaged_keyword_with_a_wildcard_is_ignored(path: Path) -> None:
    """A keyword with a wildcard would match other keywords, or be an invalid pattern."""
    path.write_bytes(path.read_bytes().replace(b"EXTEND  =", b"EX*(ND  ="))
    headers = Observations.get_headers([path], verbose=False)
    assert headers["NAXIS"].tolist() == [1]
    assert "EX*(ND" not in headers.colnames
