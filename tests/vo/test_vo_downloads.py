"""Downloads of the files in tables of images and spectra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pyvo
import requests
from astropy.table import MaskedColumn, Row, Table

from astroquery_mast import VO, Observations
from astroquery_mast.exceptions import InvalidArgumentError
from astroquery_mast.products.addresses import addressed_products
from astroquery_mast.sandbox import Sandbox

PLACE, QUASAR = "202.4696 47.1952", "187.2779 2.0524"


@pytest.mark.parametrize("version", [1, 2])
def test_images_are_downloaded(mast_sandbox: Sandbox, tmp_path: Path, version: int) -> None:
    """URLs of MAST are converted to dataURIs, and the files have the same paths as other products."""
    images = VO.query_sia(PLACE, "10 arcsec", collection="HST", version=version)[:3]
    manifest = Observations.download_products(images, download_dir=tmp_path, verbose=False)
    assert set(manifest["Status"]) == {"COMPLETE"}
    for path, uri in zip(manifest["Local Path"], manifest["dataURI"], strict=True):
        assert uri.startswith("mast:HST/product/")
        assert Path(path).read_bytes() == mast_sandbox.archive.render(uri)
        assert Path(path).parts[-3] == "HST"


def test_spectra_are_downloaded_from_other_servers(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Files of another server are downloaded from it, kept if unchanged, and downloaded again if missing."""
    spectra = VO.query_ssa(QUASAR, "5 arcmin", collection="HST")[:2]
    manifest = Observations.download_products(spectra, download_dir=tmp_path, verbose=False)
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert list(manifest["dataURI"]) == list(spectra["access_url"])
    assert len(mast_sandbox.requests.of("vo_file")) == 2
    assert len(mast_sandbox.requests.of("download")) == 0
    Path(manifest["Local Path"][1]).unlink()
    checked = Observations.verify_downloads(manifest)
    assert list(checked["Status"]) == ["OK", "MISSING"]
    again = Observations.retry_downloads(checked)
    assert list(again["Status"]) == ["OK", "COMPLETE"]
    assert len(mast_sandbox.requests.of("vo_file")) == 3
    assert {Path(path).parts[-3] for path in again["Local Path"]} == {"HST"}


def test_tables_of_pyvo_are_downloaded(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Columns are identified by their metadata, regardless of their names."""
    with requests.Session() as session:
        images = pyvo.dal.SIAService(f"{mast_sandbox.url}/portal_vo/Mashup/VoQuery.asmx/SiaV1", session=session)
        spectra = pyvo.dal.SSAService(f"{mast_sandbox.url}/ssap/search2.php", session=session)
        tables = [images.search((202.4696, 47.1952), size=0.0), spectra.search((187.2779, 2.0524), diameter=0.1)]
    for table in (each.to_table()[:2] for each in tables):
        assert "access_url" not in table.colnames
        manifest = Observations.download_products(table, download_dir=tmp_path, verbose=False)
        assert list(manifest["Status"]) == ["COMPLETE"] * 2


def test_images_are_filtered_like_products(mast_sandbox: Sandbox) -> None:
    """The columns of a service can be used as filters, and the input table is not changed."""
    images = VO.query_sia(PLACE, "1 arcmin", collection="HST", version=1)
    columns = list(images.colnames)
    plan = Observations.download_products(
        images, productType="SCIENCE", filters="*F435W", extension="drc.fits", dry_run=True, verbose=False
    )
    assert plan is not None
    assert 0 < len(plan) < len(images)
    assert all(str(path).endswith("drc.fits") for path in plan["Local Path"])
    assert images.colnames == columns


def test_files_of_other_servers_are_not_bundled(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """MAST cannot bundle such files; the error is raised before a request, and the cloud is not searched."""
    spectra = VO.query_ssa(QUASAR, "5 arcmin", collection="HST")[:1]
    with pytest.raises(
        InvalidArgumentError,
        match="MAST can only bundle its own files, and 1 are on other servers, such as",
    ):
        Observations.download_products(spectra, bundle="zip", download_dir=tmp_path, verbose=False)
    Observations.enable_cloud_dataset(verbose=False)
    Observations.download_products(spectra, download_dir=tmp_path, verbose=False)
    for endpoint in ("bundle", "path_lookup", "cloud"):
        assert len(mast_sandbox.requests.of(endpoint)) == 0
    Observations.disable_cloud_dataset()


@pytest.mark.parametrize("form", ["row", "rows"])
def test_rows_of_images_are_downloaded(mast_sandbox: Sandbox, form: str) -> None:
    """A row and a list of rows are accepted."""
    images = VO.query_sia(PLACE, "10 arcsec", collection="HST")
    given: Any = images[0] if form == "row" else [images[0], images[2]]
    assert isinstance(images[0], Row)
    plan = Observations.download_products(given, dry_run=True, verbose=False)
    assert plan is not None
    assert [str(path).rpartition("/")[2] for path in plan["Local Path"]] == [
        str(address).rpartition("/")[2] for address in images["access_url"][[0] if form == "row" else [0, 2]]
    ]


def test_rows_without_a_url_are_skipped(caplog: pytest.LogCaptureFixture) -> None:
    """The other files are downloaded, each URL once, and the number of skipped rows is logged."""
    table = Table(
        {"access_url": MaskedColumn(["https://a.org/x/b.fits", "-", "https://a.org/x/b.fits"], mask=[0, 1, 0])}
    )
    products = addressed_products(table, ("dataURI",), "https://mast/file?uri=")
    assert isinstance(products, Table)
    assert list(products["dataURI"]) == list(products["access_url"]) == ["https://a.org/x/b.fits"]
    assert list(products["productFilename"]) == ["b.fits"]
    assert list(products["obs_collection"]) == ["a.org"]
    assert "1 of 3 rows have no access_url" in caplog.text


def test_observations_are_not_converted() -> None:
    """A table with obsid or dataURI is not changed, regardless of its other columns."""
    for name in ("obsid", "dataURI"):
        table = Table({name: ["1"], "access_url": ["https://a.org/b.fits"]})
        assert addressed_products(table, ("dataURI",), "x") is table
    missions = Table({"access_url": ["https://a.org/b.fits"]})
    assert addressed_products(missions, ("filename", "uri"), "x") is missions
