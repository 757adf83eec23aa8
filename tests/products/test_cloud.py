"""The public cloud copy: lookups, listings and addresses, without a token and without a package for it."""

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
    """Return a client whose cloud setting is nobody else's."""
    return ObservationsClass()


def products_of(sandbox: Sandbox, collection: str = "HST", count: int = 10, rights: str = "PUBLIC") -> Table:
    """Return a few products, straight from the sandbox's database."""
    sql = """SELECT dataURI, productFilename, productType, obs_collection, obs_id, size, productGroupDescription
             FROM product WHERE obs_collection = ? AND dataRights = ? GROUP BY dataURI ORDER BY dataURI LIMIT ?"""
    return Table(rows=sandbox.archive.query(sql, (collection, rights, count)))


# -- pure ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.text(min_size=1, max_size=400)))
def test_batches_are_all_of_it_and_short_enough(uris: list[str]) -> None:
    """Nothing is lost or moved, and no question is longer than the archive takes."""
    batches = list(lookup_batches(uris))
    assert [uri for batch in batches for uri in batch] == uris
    assert all(1 <= len(batch) <= 40 for batch in batches)
    for batch in batches:
        assert len(batch) == 1 or len(urlencode([("uri", uri) for uri in batch])) < 6100


def test_a_long_list_needs_few_questions() -> None:
    """Names of the usual length go forty at a time."""
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
def test_every_entry_of_an_answer_is_read(entry: Any, key: str | None) -> None:
    """An entry is a path or none; whatever else it is, it is no TypeError (B34)."""
    assert read_paths(json.dumps({"u": entry}).encode(), ["u"]) == {"u": key}
    assert read_paths(b"{}", ["u"]) == {"u": None}


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"[]", b"null", b'{"u": {"path"', b"\xff\xfe"])
def test_an_answer_that_is_none_is_said_to_be_unreadable(body: bytes) -> None:
    """Garbage is the archive's failure."""
    with pytest.raises(InvalidResponseError):
        read_paths(body, ["u"])


@pytest.mark.parametrize("body", [b"", b"{}", b"<html></html>", b"<Error><Code>AccessDenied</Code></Error>"])
def test_a_listing_that_is_none_is_said_to_be_unreadable(body: bytes) -> None:
    """Garbage is not an empty bucket."""
    with pytest.raises(InvalidResponseError):
        read_listing(body)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_key_is_found_again_in_its_addresses(key: str) -> None:
    """Both forms of an address lead back to the key, whatever letters it has."""
    bucket = Bucket("b", "https://b.example")
    assert bucket.key(bucket.uri(key)) == key
    assert bucket.key(bucket.url(key)) == key
    assert bucket.key("mast:HST/product/x.fits") is None
    assert bucket.key("s3://other/x.fits") is None


# -- addresses -----------------------------------------------------------------------------------------------------


def test_the_forms_of_an_address(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """By default s3://, else the key alone or the https address, which has the file."""
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
    """Tables, rows, columns and lists mean the same products, in their order, each once."""
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


def test_what_has_no_copy_is_none_in_the_map_and_left_out_of_the_list(
    mast_sandbox: Sandbox, observations: ObservationsClass
) -> None:
    """One warning names what is missing, and verbose=False gives none."""
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


def test_many_products_are_looked_up_side_by_side(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Forty with a question, four questions at a time, and no question for each product (C1)."""
    table = products_of(mast_sandbox, count=300)
    mast_sandbox.faults.add("path_lookup", Fault.delay(0.05), times=None)
    found = observations.get_cloud_uris(table)
    assert isinstance(found, list)
    assert len(found) == 300
    assert len(mast_sandbox.requests.of("path_lookup")) == 8
    assert mast_sandbox.requests.most_at_once("path_lookup") > 1
    assert mast_sandbox.requests.of("cloud") == []


def test_existence_is_asked_where_it_is_wanted(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """With check=True the bucket is asked for each: what is not there, or not public, has no copy."""
    open_, closed = products_of(mast_sandbox, count=4), products_of(mast_sandbox, "JWST", 2, "EXCLUSIVE_ACCESS")
    uris = [*open_["dataURI"], *closed["dataURI"]]
    mast_sandbox.faults.add("cloud", Fault.status(404), where=lambda record: open_["productFilename"][0] in record.path)
    mapped = observations.get_cloud_uris(uris, return_uri_map=True, check=True, verbose=False)
    assert isinstance(mapped, dict)
    assert [address is not None for address in mapped.values()] == [False, True, True, True, False, False]
    assert {record.method for record in mast_sandbox.requests.of("cloud")} == {"HEAD"}
    assert len(mast_sandbox.requests.of("cloud")) == 6


def test_exclusive_products_are_not_given_without_a_word(
    mast_sandbox: Sandbox, observations: ObservationsClass
) -> None:
    """Their copies are open to nobody: they are left out with a warning that says why, unless the bucket is asked."""
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
    # A table may be old, and the day of release over.
    assert observations.get_cloud_uri(table[0], check=True) == found[0]
    table["dataRights"] = "EXCLUSIVE_ACCESS"
    assert observations.get_cloud_uris(table[:2], check=True) == found


def test_a_bucket_that_fails_is_not_an_empty_one(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Errors of the bucket are errors, after the usual retries."""
    mast_sandbox.faults.add("cloud", Fault.status(503), times=None)
    with pytest.raises(RemoteServiceError):
        observations.get_cloud_uris(products_of(mast_sandbox, count=1), check=True)
    with pytest.raises(RemoteServiceError):
        observations.list_cloud_datasets()


def test_a_lookup_is_retried(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """A failure that passes is not seen."""
    mast_sandbox.faults.add("path_lookup", Fault.status(502), times=2)
    found = observations.get_cloud_uris(products_of(mast_sandbox, count=3))
    assert found is not None
    assert len(found) == 3


# -- which products ------------------------------------------------------------------------------------------------


def test_filters_are_applied(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Also an extension among filter_products, as the peer's own example has it (B34)."""
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


def test_products_of_observations_that_meet_criteria(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Without products the criteria find them."""
    found = observations.get_cloud_uris(
        obs_collection="GALEX", target_name="AIS_100_*", extension="fits.gz", verbose=False
    )
    assert found
    assert all(address.startswith("s3://stpubdata/galex/") for address in found)


@pytest.mark.filterwarnings("ignore:Query returned no results")
def test_nothing_to_look_for(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """None and a warning, as in the peer; nothing is looked up."""
    table = products_of(mast_sandbox)
    with pytest.warns(NoResultsWarning, match=r"^No matching products"):
        assert observations.get_cloud_uris(table, extension="nosuch") is None
    with pytest.warns(NoResultsWarning, match=r"^No matching products"):
        assert observations.get_cloud_uris([]) is None
    assert observations.get_cloud_uris(obs_collection="HST", target_name="NO SUCH TARGET") is None
    assert mast_sandbox.requests.of("path_lookup") == []


def test_what_is_not_applied_is_said(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Filters with dataURIs, and criteria with products, cannot be applied."""
    table = products_of(mast_sandbox, count=1)
    with pytest.warns(InputWarning, match=r"^Filtering is not supported when providing a list of MAST URIs"):
        observations.get_cloud_uris(list(table["dataURI"]), extension="fits")
    with pytest.warns(InputWarning, match="obs_collection"):
        observations.get_cloud_uris(table, obs_collection="HST")


@pytest.mark.parametrize("wrong", [7, [7], [None, 3.5], Table({"a": ["1"]}), None], ids=repr)
def test_what_is_no_product_is_refused(mast_sandbox: Sandbox, observations: ObservationsClass, wrong: Any) -> None:
    """What was given is named, and nothing is asked."""
    with pytest.raises(InvalidQueryError):
        observations.get_cloud_uris(wrong)
    assert len(mast_sandbox.requests) == 0


def test_observations_are_taken_for_their_products(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """As in downloads, the products of observations are listed and filtered."""
    found = observations.query_criteria(obs_id="j97c01010")
    products = observations.filter_products(observations.get_product_list(found), extension="_drc.fits")
    for some in (found, found[0]):
        assert observations.get_cloud_uris(some, extension="_drc.fits") == observations.get_cloud_uris(products)


def test_masked_data_uris_are_left_out(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """A product without an address has no copy either, and stops nobody."""
    table = Table(products_of(mast_sandbox, count=3), masked=True)
    table["dataURI"].mask[1] = True
    found = observations.get_cloud_uris(table)
    assert found is not None
    assert len(found) == 2


# -- the switch ----------------------------------------------------------------------------------------------------


def test_datasets_are_missions_and_projects(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Folders of the bucket; those of projects below mast/hlsp; all pages of the listing."""
    found = observations.list_cloud_datasets()
    assert {"hst", "jwst", "tess", "galex", "panstarrs"} <= set(found)
    assert "mast" not in found
    assert any(name.startswith("mast/hlsp/") for name in found)
    assert len(mast_sandbox.requests.of("cloud")) == 2


def test_a_listing_in_pages_is_read_to_its_end(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """The continuation is followed."""
    first = b"""<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>true</IsTruncated>
        <NextContinuationToken>a b&amp;c</NextContinuationToken><CommonPrefixes><Prefix>aaa/</Prefix></CommonPrefixes>
        </ListBucketResult>"""
    mast_sandbox.faults.add("cloud", Fault.answer(first, content_type="application/xml"))
    found = observations.list_cloud_datasets()
    assert found[0] == "aaa"
    assert "hst" in found
    assert mast_sandbox.requests.of("cloud")[1].value("continuation-token") == "a b&c"


def test_the_cloud_is_switched_on_and_off(observations: ObservationsClass) -> None:
    """Nothing is asked before it is wanted, and one client's switch is its own."""
    assert not observations._cloud.enabled
    observations.enable_cloud_dataset()
    assert observations._cloud.enabled
    assert not ObservationsClass()._cloud.enabled
    observations.disable_cloud_dataset()
    assert not observations._cloud.enabled


def test_old_arguments_of_the_switch(observations: ObservationsClass) -> None:
    """A profile is deprecated as in the peer, and another provider is not served in silence."""
    with pytest.warns(AstropyDeprecationWarning, match="profile"):
        observations.enable_cloud_dataset(provider="AWS", profile="default", verbose=False)
    with pytest.warns(InputWarning, match="GCP"):
        observations.enable_cloud_dataset("GCP")


def test_the_bucket_never_sees_a_token(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Whoever is logged in, requests to the bucket and for paths carry no credentials."""
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
    """Those with a copy; a lookup that fails leaves all files to the archive itself."""
    table = products_of(mast_sandbox, count=3)
    observations.enable_cloud_dataset(verbose=False)
    found = observations._cloud.urls([*table["dataURI"], MISSING], CloudChoice())
    assert list(found) == list(table["dataURI"])
    assert all(address.startswith(mast_sandbox.cloud_url) for address in found.values())
    mast_sandbox.faults.add("path_lookup", Fault.garbage(), times=None)
    assert observations._cloud.urls(table["dataURI"], CloudChoice()) == {}


def test_no_package_of_the_cloud_is_imported(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Plain https is enough (C2)."""
    before = set(sys.modules)
    observations.enable_cloud_dataset()
    observations.get_cloud_uris(products_of(mast_sandbox, count=1), check=True)
    assert not {"boto3", "botocore", "s3fs", "fsspec", "upath"} & (set(sys.modules) - before)
