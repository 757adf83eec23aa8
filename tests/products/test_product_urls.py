"""Addresses of products: any program can download them, and all methods accept them."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from astroquery_mast import MastMissionsClass, ObservationsClass
from astroquery_mast.exceptions import InputWarning, InvalidQueryError, NoResultsWarning
from astroquery_mast.sandbox import Fault, Sandbox


@pytest.fixture
def in_cloud(client: ObservationsClass) -> ObservationsClass:
    client.enable_cloud_dataset(verbose=False)
    return client


def test_addresses_can_be_requested_unchanged(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox
) -> None:
    """There is one address per product, in order, which any program can request, even with special characters."""
    urls = client.get_product_urls(products)
    assert len(mast_sandbox.requests) == 0
    for uri, url in zip(products["dataURI"], urls, strict=True):
        assert requests.get(url, timeout=10).content == mast_sandbox.archive.render(uri)
    assert client.get_product_urls(list(products["dataURI"])) == urls
    assert client.get_product_urls(products[2]) == urls[2:3]


def test_addresses_of_observations_are_filtered(client: ObservationsClass, observations: Table) -> None:
    """Observations give their products, which are filtered."""
    urls = client.get_product_urls(observations[:2], extension="_drc.fits", verbose=False)
    assert urls
    assert all(url.endswith("_drc.fits") for url in urls)


def test_the_cloud_address_comes_first(in_cloud: ObservationsClass, products: Table, mast_sandbox: Sandbox) -> None:
    """The address of a copy is given as s3://, key or https; for other files, it is that of MAST, or none."""
    known = [uri for uri, key in in_cloud.get_cloud_uris(products, return_uri_map=True, verbose=False).items() if key]
    assert known
    mixed = [*known[:2], "mast:HLSP/nowhere/x.fits"]
    first, second, third = in_cloud.get_product_urls(mixed)
    assert first.startswith("s3://stpubdata/")
    assert third == f"{mast_sandbox.url}/api/v0.1/Download/file?uri=mast:HLSP/nowhere/x.fits"
    https = in_cloud.get_product_urls(mixed, include_bucket=False, full_url=True)
    assert https[0] == f"{mast_sandbox.cloud_url}/{first.removeprefix('s3://stpubdata/')}"
    assert in_cloud.get_product_urls(mixed, include_bucket=False)[1] == second.removeprefix("s3://stpubdata/")
    with pytest.warns(NoResultsWarning, match="1 of 3 products have no open copy in the cloud and are skipped"):
        assert in_cloud.get_product_urls(mixed, cloud_only=True) == [first, second]


def test_the_address_of_an_exclusive_product_is_that_of_mast(in_cloud: ObservationsClass, exclusive: Table) -> None:
    """The copy in the cloud is not accessible with any token."""
    assert all("/Download/file?uri=" in url for url in in_cloud.get_product_urls(exclusive))


def test_no_addresses_is_an_empty_list(client: ObservationsClass, products: Table) -> None:
    """Without products the list is empty, and a product without a URI is skipped, both with a warning."""
    with pytest.warns(NoResultsWarning, match="No products specified"):
        assert client.get_product_urls(products, productType=[]) == []
    table = Table({"dataURI": [str(products["dataURI"][0]), ""], "productFilename": ["a", "b"]})
    with pytest.warns(NoResultsWarning, match="1 of 2 products have no dataURI"):
        assert len(client.get_product_urls(table)) == 1
    with pytest.warns(InputWarning, match="not enabled"):
        assert len(client.get_product_urls(products[:1], cloud_only=True)) == 1
    with pytest.warns(InputWarning, match="full_url=True has no effect"):
        client.get_product_urls(products[:1], full_url=True)


def test_a_column_of_addresses_in_observations_is_accepted(
    client: ObservationsClass, observations: Table, caplog: pytest.LogCaptureFixture
) -> None:
    """The column dataURL of observations is a list of products, and missing values are skipped with a log message."""
    urls = [str(url) for url in observations["dataURL"]]
    column = MaskedColumn([*urls, ""], mask=[False] * len(urls) + [True])
    expected = client.get_product_urls(urls)
    assert len(expected) == len(set(urls))
    for given in (observations["dataURL"], column, [*urls, None], [float("nan"), *urls]):
        assert client.get_product_urls(given) == expected
    assert caplog.text.count(f"1 of {len(urls) + 1} dataURIs are missing and are skipped") == 3


# -- addresses as input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["url", "plan", "message", "s3", "https"])
def test_returned_addresses_are_accepted(
    client: ObservationsClass, mast_sandbox: Sandbox, tmp_path: Path, form: str
) -> None:
    """download_file, open_product and read_product accept addresses from get_product_urls, plans and get_cloud_uris."""
    (row,) = mast_sandbox.archive.query(
        "select dataURI from product where dataRights = 'PUBLIC' and dataURI like 'mast:HST/product/%.fits' "
        "order by size limit 1"
    )
    uri = str(row["dataURI"])
    if form == "message":
        mast_sandbox.faults.add("download", Fault.status(404))
        address = client.download_file(uri, local_path=tmp_path / "no.fits", verbose=False)[2]
    else:
        address = {
            "url": lambda: client.get_product_urls([uri])[0],
            "plan": lambda: client.download_products([uri], dry_run=True)["URL"][0],
            "s3": lambda: client.get_cloud_uri(uri),
            "https": lambda: client.get_cloud_uri(uri, include_bucket=False, full_url=True),
        }[form]()
    address = str(address)
    assert client.download_file(address, local_path=tmp_path, verbose=False) == ("COMPLETE", None, None)
    assert (tmp_path / uri.rpartition("/")[2]).read_bytes() == mast_sandbox.archive.render(uri)
    with client.open_product(address) as file:
        assert file.read(9) == b"SIMPLE  ="
    with client.read_product(address) as hdus:
        assert isinstance(hdus, fits.HDUList)


def test_a_list_of_addresses_is_downloaded_like_products(
    client: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """Addresses at MAST are used as dataURIs; others raise with the method that accepts them."""
    urls = client.get_product_urls(products)
    manifest = client.download_products(urls, download_dir=tmp_path, verbose=False)
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert list(manifest["dataURI"]) == list(products["dataURI"])
    for address in ("s3://stpubdata/hst/x.fits", "https://elsewhere.example/x.fits"):
        with pytest.raises(InvalidQueryError, match="Use download_file for a URL"):
            client.download_products([address])


def test_an_address_with_special_characters_is_accepted(
    client: ObservationsClass, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The ``&`` in the address of a file made on demand is part of the dataURI."""
    (row,) = mast_sandbox.archive.query("select dataURI from product where dataURI like '%&%' order by size limit 1")
    uri = str(row["dataURI"])
    (url,) = client.get_product_urls([uri])
    assert client.download_file(url, local_path=tmp_path / "x.dat", verbose=False)[0] == "COMPLETE"
    assert [record.value("uri") for record in mast_sandbox.requests.of("download")] == [uri]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "j97c01010_drc.fits",
            "is a file name.*'mast:HST/product/j97c01010_drc.fits'.*MastMissions also accepts file names",
        ),
        ("s3://elsewhere/x.fits", "is not in the MAST bucket s3://stpubdata"),
        ("", "A valid data product URI must be provided"),
    ],
)
def test_a_name_that_is_not_a_uri_raises_with_advice(
    client: ObservationsClass, mast_sandbox: Sandbox, tmp_path: Path, given: str, said: str
) -> None:
    """The error is raised before anything is sent, and says what to pass instead."""
    with pytest.raises(InvalidQueryError, match=said):
        client.download_file(given, local_path=tmp_path, verbose=False)
    if given:
        with pytest.raises(InvalidQueryError, match=said):
            client.open_product(given)
    assert len(mast_sandbox.requests) == 0


# -- missions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mission", ["hst", "jwst", "ullyses"])
def test_addresses_of_a_mission_are_accepted(mast_sandbox: Sandbox, tmp_path: Path, mission: str) -> None:
    """Any program can request them, and a client with another mission accepts them."""
    client = MastMissionsClass(mission=mission)
    products = client.get_product_list(client.query_criteria(limit=None)[:1], verbose=False)
    products.sort("size")
    (url,) = client.get_product_urls(products[:1])
    content = requests.get(url, timeout=10).content
    assert len(content) == products["size"][0]
    other = MastMissionsClass(mission="iue")
    assert other.download_file(url, local_path=tmp_path / "x.dat", verbose=False) == ("COMPLETE", None, None)
    assert (tmp_path / "x.dat").read_bytes() == content
    with client.open_product(products[0]) as one, other.open_product(url) as two:
        assert one.read() == two.read() == content


def test_a_cloud_address_is_accepted_by_missions_too(
    client: ObservationsClass, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The address works with a client other than the one that returned it."""
    (row,) = mast_sandbox.archive.query(
        "select dataURI from product where dataRights = 'PUBLIC' and dataURI like 'mast:HST/product/%.fits' "
        "order by size limit 1"
    )
    address = str(client.get_cloud_uri(str(row["dataURI"])))
    hst = MastMissionsClass()
    hst.login(mast_sandbox.token)
    assert hst.download_file(address, local_path=tmp_path / "x.fits", verbose=False) == ("COMPLETE", None, None)
    with hst.open_product(address) as file:
        assert file.read() == (tmp_path / "x.fits").read_bytes() == mast_sandbox.archive.render(str(row["dataURI"]))
    assert not any("authorization" in record.headers for record in mast_sandbox.requests.of("cloud"))
