"""The public cloud copies: lookups, listings and addresses, without a token or extra packages."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table, vstack
from astropy.utils.exceptions import AstropyDeprecationWarning
from astroquery.exceptions import InputWarning, InvalidQueryError, NoResultsWarning, RemoteServiceError
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import ObservationsClass, conf
from astroquery_mast.downloads.bucket import Bucket, lookup_batches, read_listing, read_paths
from astroquery_mast.exceptions import InvalidResponseError
from astroquery_mast.observations.product_source import CloudChoice
from astroquery_mast.sandbox import Fault, Sandbox

MISSING = "mast:HST/product/there_is_none.fits"


@pytest.fixture
def observations(mast_sandbox: Sandbox) -> ObservationsClass:
    """Return a client with its own cloud setting."""
    return ObservationsClass()


def products_of(sandbox: Sandbox, collection: str = "HST", count: int = 10, rights: str = "PUBLIC") -> Table:
    """Return a few products from the database of the sandbox."""
    sql = """SELECT dataURI, productFilename, productType, obs_collection, obs_id, size, productGroupDescription
             FROM product WHERE obs_collection = ? AND dataRights = ? GROUP BY dataURI ORDER BY dataURI LIMIT ?"""
    return Table(rows=sandbox.archive.query(sql, (collection, rights, count)))


# -- parsing -------------------------------------------------------------------------------------------------------


@given(st.lists(st.text(min_size=1, max_size=400)))
def test_batches_are_complete_and_short_enough(uris: list[str]) -> None:
    """No URI is lost or moved, and no request is longer than MAST's limit."""
    batches = list(lookup_batches(uris))
    assert [uri for batch in batches for uri in batch] == uris
    assert all(1 <= len(batch) <= 40 for batch in batches)
    for batch in batches:
        assert len(batch) == 1 or len(urlencode([("uri", uri) for uri in batch])) < 6100


def test_a_long_list_needs_few_requests() -> None:
    """URIs of the usual length are requested forty at a time."""
    uris = [f"mast:JWST/product/jw01039004001_02101_{n:05d}_nrcb1_cal.fits" for n in range(100)]
    assert [len(batch) for batch in lookup_batches(uris)] == [40, 40, 20]


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"status_code": 200, "path": "/hst/public/a.fits"}, "hst/public/a.fits"),
        ({"status_code": 200, "path": "//evil.example/a.fits"}, "evil.example/a.fits"),
        ({"status_code": 404, "path": None}, None),
        ({"status_code": 200, "path": ""}, None),
        ({"status_code": 200, "path": 7}, None),
        ({}, None),
        (None, None),
        ("text", None),
    ],
)
def test_every_entry_of_a_response_is_parsed(entry: Any, key: str | None) -> None:
    """An entry is a path or None; other values raise no TypeError (B34)."""
    assert read_paths(json.dumps({"u": entry}).encode(), ["u"]) == {"u": key}
    assert read_paths(b"{}", ["u"]) == {"u": None}


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"[]", b"null", b'{"u": {"path"', b"\xff\xfe"])
def test_an_invalid_response_raises(body: bytes) -> None:
    """Invalid JSON is an error of the service."""
    with pytest.raises(InvalidResponseError):
        read_paths(body, ["u"])


@pytest.mark.parametrize("body", [b"", b"{}", b"<html></html>", b"<Error><Code>AccessDenied</Code></Error>"])
def test_an_invalid_listing_raises(body: bytes) -> None:
    """Invalid XML is not an empty bucket."""
    with pytest.raises(InvalidResponseError):
        read_listing(body)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_key_is_recovered_from_its_addresses(key: str) -> None:
    """Both forms of an address give the key, for any characters in it."""
    bucket = Bucket("b", "https://b.example")
    assert bucket.key(bucket.uri(key)) == key
    assert bucket.key(bucket.url(key)) == key
    assert bucket.key("mast:HST/product/x.fits") is None
    assert bucket.key("s3://other/x.fits") is None


# -- addresses -----------------------------------------------------------------------------------------------------


def test_the_forms_of_an_address(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """The default is s3://; the key alone, or the https address, which serves the file, are options."""
    uri = str(products_of(mast_sandbox)["dataURI"][0])
    key = observations.get_cloud_uri(uri, include_bucket=False)
    assert key is not None
    assert key.startswith("hst/public/")
    assert observations.get_cloud_uri(uri) == f"s3://stpubdata/{key}"
    url = observations.get_cloud_uri(uri, include_bucket=False, full_url=True)
    assert url == f"{mast_sandbox.cloud_url}/{key}"
    with pytest.warns(InputWarning, match="full_url"):
        assert observations.get_cloud_uri(uri, full_url=True) == f"s3://stpubdata/{key}"


FORMS: dict[str, Callable[[Table], Any]] = {
    "table": lambda table: table,
    "twice the table": lambda table: vstack([table, table]),
    "row by row": lambda table: [table[number] for number in range(len(table))],
    "column": lambda table: table["dataURI"],
    "masked column": lambda table: MaskedColumn(table["dataURI"]),
    "array": lambda table: np.array(table["dataURI"]),
    "list": lambda table: list(table["dataURI"]),
    "numpy texts": lambda table: [np.str_(uri) for uri in table["dataURI"]],
    "generator": lambda table: (uri for uri in table["dataURI"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_products_in_any_form(mast_sandbox: Sandbox, observations: ObservationsClass, form: str) -> None:
    """Tables, rows, columns and lists give the same products, in their order, each once."""
    table = products_of(mast_sandbox)
    found = observations.get_cloud_uris(FORMS[form](table))
    assert isinstance(found, list)
    assert len(found) == len(table) == 10
    assert [address.rpartition("/")[2] for address in found] == list(table["productFilename"])


def test_a_row_is_one_product(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """A Row is not a list of its cells (B34)."""
    row = products_of(mast_sandbox)[3]
    one = observations.get_cloud_uri(row)
    assert one is not None
    assert one.endswith(row["productFilename"])
    assert observations.get_cloud_uris(row) == [one]
    with pytest.raises(InvalidQueryError, match="Expected one product"):
        observations.get_cloud_uri(products_of(mast_sandbox))


def test_products_without_a_copy_are_none_in_the_map_and_not_in_the_list(
    mast_sandbox: Sandbox, observations: ObservationsClass
) -> None:
    """One warning names them, and verbose=False gives none."""
    uri = str(products_of(mast_sandbox)["dataURI"][0])
    with pytest.warns(NoResultsWarning, match="1 of 2 .*there_is_none") as caught:
        mapped = observations.get_cloud_uris([MISSING, uri], return_uri_map=True)
    assert len(caught) == 1
    assert isinstance(mapped, dict)
    assert list(mapped) == [MISSING, uri]
    assert mapped[MISSING] is None
    assert observations.get_cloud_uris([MISSING, uri], verbose=False) == [mapped[uri]]
    with pytest.warns(NoResultsWarning):
        assert observations.get_cloud_uri(MISSING) is None


def test_many_products_are_looked_up_concurrently(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """There are forty products per request and four requests at a time, not one request per product (C1)."""
    table = products_of(mast_sandbox, count=300)
    mast_sandbox.faults.add("path_lookup", Fault.delay(0.05), times=None)
    found = observations.get_cloud_uris(table)
    assert isinstance(found, list)
    assert len(found) == 300
    assert len(mast_sandbox.requests.of("path_lookup")) == 8
    assert mast_sandbox.requests.most_at_once("path_lookup") > 1
    assert mast_sandbox.requests.of("cloud") == []


def test_existence_is_checked_on_request(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """With check=True, the bucket is queried for each object: a missing or private one is not a copy."""
    open_, closed = products_of(mast_sandbox, count=4), products_of(mast_sandbox, "JWST", 2, "EXCLUSIVE_ACCESS")
    uris = [*open_["dataURI"], *closed["dataURI"]]
    mast_sandbox.faults.add("cloud", Fault.status(404), where=lambda record: open_["productFilename"][0] in record.path)
    mapped = observations.get_cloud_uris(uris, return_uri_map=True, check=True, verbose=False)
    assert isinstance(mapped, dict)
    assert [address is not None for address in mapped.values()] == [False, True, True, True, False, False]
    assert {record.method for record in mast_sandbox.requests.of("cloud")} == {"HEAD"}
    assert len(mast_sandbox.requests.of("cloud")) == 6


def test_exclusive_products_are_left_out_with_a_warning(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Their copies are not public: a warning gives the reason, unless the bucket is queried."""
    open_, closed = products_of(mast_sandbox, count=2), products_of(mast_sandbox, "JWST", 2, "EXCLUSIVE_ACCESS")
    table = vstack([each["dataURI", "productFilename"] for each in (open_, closed)])
    table["dataRights"] = ["PUBLIC"] * 2 + ["EXCLUSIVE_ACCESS"] * 2
    with pytest.warns(
        NoResultsWarning,
        match="2 of 4 products, which are under exclusive access, so their cloud copies are not public yet",
    ):
        found = observations.get_cloud_uris(table)
    assert found == observations.get_cloud_uris(open_)
    with pytest.warns(
        NoResultsWarning, match=f"1 of 1 products, which are under exclusive access.*{closed['dataURI'][1]}"
    ):
        assert observations.get_cloud_uri(table[3]) is None
    # In an old table, the release date may have passed.
    assert observations.get_cloud_uri(table[0], check=True) == found[0]
    table["dataRights"] = "EXCLUSIVE_ACCESS"
    assert observations.get_cloud_uris(table[:2], check=True) == found


def test_a_bucket_that_fails_is_not_an_empty_one(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Errors of the bucket are raised after the usual retries."""
    mast_sandbox.faults.add("cloud", Fault.status(503), times=None)
    with pytest.raises(RemoteServiceError):
        observations.get_cloud_uris(products_of(mast_sandbox, count=1), check=True)
    with pytest.raises(RemoteServiceError):
        observations.list_cloud_datasets()


def test_a_lookup_is_retried(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """A temporary failure is invisible to the caller."""
    mast_sandbox.faults.add("path_lookup", Fault.status(502), times=2)
    found = observations.get_cloud_uris(products_of(mast_sandbox, count=3))
    assert found is not None
    assert len(found) == 3


# -- selection of products -----------------------------------------------------------------------------------------


def test_filters_are_applied(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Filters also work with an extension in filter_products, as in the example of astroquery.mast (B34)."""
    table = products_of(mast_sandbox, count=60)
    expected = [name for name in table["productFilename"] if name.endswith("_drc.fits")]
    assert expected
    for filters in ({"extension": "_drc.fits"}, {"filter_products": {"extension": ["_drc.fits"]}}):
        found = observations.get_cloud_uris(table, **filters)
        assert isinstance(found, list)
        assert [address.rpartition("/")[2] for address in found] == expected
    both = observations.get_cloud_uris(table, extension="fits", filter_products={"productType": "SCIENCE"})
    assert isinstance(both, list)
    science = table["productFilename"][table["productType"] == "SCIENCE"]
    assert [address.rpartition("/")[2] for address in both] == [name for name in science if name.endswith("fits")]


def test_products_of_observations_that_match_criteria(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Without products, the criteria select observations."""
    found = observations.get_cloud_uris(
        obs_collection="GALEX", target_name="AIS_100_*", extension="fits.gz", verbose=False
    )
    assert found
    assert all(address.startswith("s3://stpubdata/galex/") for address in found)


@pytest.mark.filterwarnings("ignore:Query returned no results")
def test_no_products(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """The result is None with a warning, as in astroquery.mast, and nothing is looked up."""
    table = products_of(mast_sandbox)
    with pytest.warns(NoResultsWarning, match=r"^No matching products"):
        assert observations.get_cloud_uris(table, extension="nosuch") is None
    with pytest.warns(NoResultsWarning, match=r"^No matching products"):
        assert observations.get_cloud_uris([]) is None
    assert observations.get_cloud_uris(obs_collection="HST", target_name="NO SUCH TARGET") is None
    assert mast_sandbox.requests.of("path_lookup") == []


def test_ignored_arguments_are_a_warning(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Filters with dataURIs, and criteria with products, cannot be applied."""
    table = products_of(mast_sandbox, count=1)
    with pytest.warns(InputWarning, match=r"^Filtering is not supported when providing a list of MAST URIs"):
        observations.get_cloud_uris(list(table["dataURI"]), extension="fits")
    with pytest.warns(InputWarning, match="obs_collection"):
        observations.get_cloud_uris(table, obs_collection="HST")


@pytest.mark.parametrize("wrong", [7, [7], [None, 3.5], Table({"a": ["1"]}), None], ids=repr)
def test_invalid_products_raise(mast_sandbox: Sandbox, observations: ObservationsClass, wrong: Any) -> None:
    """The error names the value, and no request is sent."""
    with pytest.raises(InvalidQueryError):
        observations.get_cloud_uris(wrong)
    assert len(mast_sandbox.requests) == 0


def test_observations_give_their_products(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """As in downloads, the products of observations are listed and filtered."""
    found = observations.query_criteria(obs_id="j97c01010")
    products = observations.filter_products(observations.get_product_list(found), extension="_drc.fits")
    for some in (found, found[0]):
        assert observations.get_cloud_uris(some, extension="_drc.fits") == observations.get_cloud_uris(products)


def test_masked_data_uris_are_skipped(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """A product without a dataURI has no copy, and does not affect the others."""
    table = Table(products_of(mast_sandbox, count=3), masked=True)
    table["dataURI"].mask[1] = True
    found = observations.get_cloud_uris(table)
    assert found is not None
    assert len(found) == 2


# -- enabling ------------------------------------------------------------------------------------------------------


def test_datasets_are_missions_and_projects(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Datasets are the folders of the bucket and those of projects below mast/hlsp, from all pages of the listing."""
    found = observations.list_cloud_datasets()
    assert {"hst", "jwst", "tess", "galex", "panstarrs"} <= set(found)
    assert "mast" not in found
    assert any(name.startswith("mast/hlsp/") for name in found)
    assert len(mast_sandbox.requests.of("cloud")) == 2


def test_a_listing_in_pages_is_read_to_the_end(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """The continuation token is used."""
    first = b"""<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>true</IsTruncated>
        <NextContinuationToken>a b&amp;c</NextContinuationToken><CommonPrefixes><Prefix>aaa/</Prefix></CommonPrefixes>
        </ListBucketResult>"""
    mast_sandbox.faults.add("cloud", Fault.answer(first, content_type="application/xml"))
    found = observations.list_cloud_datasets()
    assert found[0] == "aaa"
    assert "hst" in found
    assert mast_sandbox.requests.of("cloud")[1].value("continuation-token") == "a b&c"


def test_the_cloud_is_enabled_and_disabled(observations: ObservationsClass) -> None:
    """Nothing is requested before the first use, and the setting applies to one client only."""
    assert not observations._cloud.enabled
    observations.enable_cloud_dataset()
    assert observations._cloud.enabled
    assert not ObservationsClass()._cloud.enabled
    observations.disable_cloud_dataset()
    assert not observations._cloud.enabled


def test_old_arguments_of_enabling(observations: ObservationsClass) -> None:
    """A profile is deprecated as in astroquery.mast, and another provider is a warning."""
    with pytest.warns(AstropyDeprecationWarning, match="profile"):
        observations.enable_cloud_dataset(provider="AWS", profile="default", verbose=False)
    with pytest.warns(InputWarning, match="GCP"):
        observations.enable_cloud_dataset("GCP")


def test_the_bucket_never_gets_a_token(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Even after a login, requests to the bucket and for paths have no credentials."""
    observations.login(mast_sandbox.token)
    mast_sandbox.requests.clear()
    with conf.set_temp("cloud_server", mast_sandbox.cloud_url.replace("localhost", "127.0.0.1")):
        table = products_of(mast_sandbox, count=2)
        observations.get_cloud_uris(table, check=True)
        observations.list_cloud_datasets()
        address = observations.get_cloud_uri(table[0])
        with observations.open_product(address) as file:
            file.read(10)
    assert len(mast_sandbox.requests.of("cloud")) == 5
    assert all("authorization" not in record.headers for record in mast_sandbox.requests)
    assert all("cookie" not in record.headers for record in mast_sandbox.requests)


def test_addresses_for_downloads(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Products with a copy have an address; after a failed lookup, all files come from MAST."""
    table = products_of(mast_sandbox, count=3)
    observations.enable_cloud_dataset(verbose=False)
    found = observations._cloud.urls([*table["dataURI"], MISSING], CloudChoice())
    assert list(found) == list(table["dataURI"])
    assert all(address.startswith(mast_sandbox.cloud_url) for address in found.values())
    mast_sandbox.faults.add("path_lookup", Fault.garbage(), times=None)
    assert observations._cloud.urls(table["dataURI"], CloudChoice()) == {}


def test_no_cloud_package_is_imported(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Plain https is sufficient (C2)."""
    before = set(sys.modules)
    observations.enable_cloud_dataset()
    observations.get_cloud_uris(products_of(mast_sandbox, count=1), check=True)
    assert not {"boto3", "botocore", "s3fs", "fsspec", "upath"} & (set(sys.modules) - before)
