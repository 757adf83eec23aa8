"""Run astroquery's own tests of ``astroquery.mast``, unmodified, on this package, with its recorded responses.

The functions are those of the installed ``astroquery/mast/tests/test_mast.py``.  They replace the methods that send
requests.  Here these methods stay, and the sandbox sends only the recorded responses, so that every request goes
through a socket.  `LISTED` has the tests that cannot pass, with the reason; if one of them passes, this is an error.
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import types
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import requests
from astropy.io import fits

from astroquery_mast import Observations, compat
from astroquery_mast.products.manifest import Manifest
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import ENDPOINTS, RequestRecord

FOLDER = resources.files("astroquery.mast.tests")
# Whether the tests are from the development version 0.4.12.
IS_LATER = (FOLDER / "data" / "mission_count_only.json").is_file()
# Private names that the module imports, but this package does not have.
ABSENT = {"services": "_json_to_table", "cloud": "CloudAccess"}


def _absent(name: str, *_arguments: object, **_keywords: object) -> None:
    """Stand in for a function that does not exist."""
    raise AttributeError(f"{name} is not part of this package")


def _suite() -> Any:
    """Return the module of tests, with this package as its ``astroquery.mast``."""
    spec = importlib.util.spec_from_file_location("astroquery_test_mast", str(FOLDER / "test_mast.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with compat.install():
        for home, name in ABSENT.items():
            setattr(sys.modules[f"astroquery.mast.{home}"], name, partial(_absent, name))
        spec.loader.exec_module(module)
    # Responses through a socket are of the type of requests.
    vars(module)["MockResponse"] = requests.Response
    return module


SUITE = _suite()
TESTS = {name: test for name, test in vars(SUITE).items() if name.startswith("test_")}
FIXTURES = ("patch_boto3", "reset_cloud_state")

# -- tests that cannot pass --------------------------------------------------------------------------------------------

CUT_SHORT = "The recording announces 45,762 rows but has 26, which is an incomplete response here"
PRIVATE = "Uses a private function, class or attribute that this package does not have: "
LATER_NAME = "The message names the argument object_name, as the later version does"
CLOUD_IS_OPEN = "Cloud addresses are returned without enable_cloud_dataset(), so no error is raised"
NO_BOTO3 = "Makes boto3 fail, which is not used here"
# Tests of both versions, of the development version, and of the last release.
LISTED_IN_BOTH = {
    "test_missions_query_criteria_async_with_missing_results": "Expects the KeyError of its own mock",
    "test_login_logout": "Tokens are not cookies here, and there is no _authenticated",
    "test_observations_get_cloud_uri": CLOUD_IS_OPEN,
    "test_observations_get_cloud_uris": CLOUD_IS_OPEN,
    "test_catalogs_get_hsc_spectra_async": CUT_SHORT,
    "test_catalogs_get_hsc_spectra": CUT_SHORT,
    "test_catalogs_download_hsc_spectra": CUT_SHORT,
}
LISTED_IN_LATER = {
    "test_missions_parse_select_cols": f"{PRIVATE}_parse_select_cols",
    "test_missions_parse_multiple_targets": f"{PRIVATE}_parse_multiple_targets",
    "test_missions_get_product_list_async": "Numbers are accepted as dataset IDs",
    "test_missions_radius_too_large": f"{PRIVATE}_max_query_radius",
    "test_observations_download_products": NO_BOTO3,
    "test_observations_download_file": "Uses the cloud before it is enabled, through boto3",
    "test_observations_download_file_not_found": "Expects a download that does nothing, with a warning",
    "test_observations_list_cloud_missions_error": NO_BOTO3,
    "test_observations_get_cloud_uris_error": NO_BOTO3,
    "test_observations_enable_cloud_dataset": f"{PRIVATE}_cloud_connection",
    "test_observations_disable_cloud_dataset": f"{PRIVATE}_cloud_connection",
    "test_tesscut_get_cutouts_mt_no_sector_empty_results": "Replaces get_sectors, which no other method calls here",
    "test_tesscut_download_cutouts_mt_no_sector_empty_results": "Replaces get_sectors, as above",
    "test_json_to_table_fallback_type_coercion": f"{PRIVATE}_json_to_table",
    "test_cloud_access_init": f"{PRIVATE}CloudAccess",
    "test_download_file_from_cloud": f"{PRIVATE}CloudAccess",
    "test_download_file_from_cloud_not_found": f"{PRIVATE}CloudAccess",
    "test_download_file_from_cloud_existing": f"{PRIVATE}CloudAccess",
    "test_download_file_from_cloud_verbose": f"{PRIVATE}CloudAccess",
}
LISTED_IN_OLDER = {
    "test_missions_query_criteria": "A position is sufficient for a query, as in the later version",
    "test_missions_get_product_list_async": "Returns a list of responses, as the later version does",
    **dict.fromkeys(
        (
            "test_observations_query_criteria",
            "test_observations_query_criteria_count",
            "test_catalogs_query_criteria_async",
            "test_tesscut_get_sector",
            "test_tesscut_download_cutouts",
            "test_tesscut_get_cutouts",
            "test_parse_input_location",
        ),
        LATER_NAME,
    ),
}
LISTED = LISTED_IN_BOTH | (LISTED_IN_LATER if IS_LATER else LISTED_IN_OLDER)


def test_every_listed_test_exists() -> None:
    """Each listed test exists in the installed astroquery."""
    assert LISTED.keys() <= TESTS.keys()


globals().update({name: getattr(SUITE, name) for name in FIXTURES if hasattr(SUITE, name)})
globals().update(
    {n: pytest.mark.xfail(strict=True, reason=LISTED[n])(test) if n in LISTED else test for n, test in TESTS.items()}
)

pytestmark = [
    # The older tests use the older name of the argument, which is deprecated in the newer astroquery.mast as well.
    pytest.mark.filterwarnings('ignore:"objectname" was deprecated'),
    # The recorded response of the mission search announces 193 rows, but has 10.
    pytest.mark.filterwarnings("ignore:Maximum results returned"),
    # Filters without matches issue a warning here; astroquery.mast only does so for downloads.
    pytest.mark.filterwarnings("ignore:None of .*products matches the filters."),
]

# -- recorded responses ------------------------------------------------------------------------------------------------

Where = Callable[[RequestRecord], bool]
# Recordings for requests that contain a word, or for all requests to an endpoint; the first match is sent.
RECORDED = (
    ("columnsconfig", "Mast.Catalogs.Tess.Cone", "ticcolumns"),
    ("columnsconfig", "Mast.Catalogs.Dd.Cone", "ddcolumns"),
    ("columnsconfig", "", "columnsconfig"),
    ("invoke", "Mast.Catalogs.All.Tic", "ticcol_filtered"),
    ("invoke", "Mast.Catalogs.All.DiskDetective", "ddcol_filtered"),
    ("invoke", "COUNT_BIG", "Counts"),
    ("mission_columns", "", "mission_columns"),
    ("mission_search", '"count_only": true', "mission_count_only"),
    ("mission_search", "", "mission_search_results"),
    ("mission_products", "", "mission_products"),
    ("tesscut", "/sector", "tess_sector"),
    ("tesscut", "", "tess_cutout"),
    ("zcut", "/survey", "z_survey"),
    ("zcut", "jpg", "z_cutout_jpg"),
    ("zcut", "", "z_cutout_fit"),
    ("catalogs", "metadata", "panstarrs_columns"),
    ("catalogs", "", "panstarrs"),
    ("path_lookup", "", "get_cloud_paths" if IS_LATER else "mast_relative_path"),
)
# Services without a recording of their own, and services with similar rows.
ALSO = {
    "Mast.Catalogs.GaiaDR3.Cone": "Mast.Catalogs.GaiaDR2.Cone",
    "Mast.Catalogs.Filtered.Tic.Position.Rows": "Mast.Catalogs.Filtered.Tic.Rows",
}
# The size of a FITS block, and of the shortest header.
BLOCK = 2880
LISTING = (
    '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>'
    "{}</ListBucketResult>"
)
FOLDERS = "".join(f"<CommonPrefixes><Prefix>{name}/</Prefix></CommonPrefixes>" for name in ("hst", "jwst", "mast"))


def holds(word: str, record: RequestRecord) -> bool:
    """Return whether a request contains a word in its address or body."""
    return word in f"{record.path} {dict(record.query)} {dict(record.form)} {record.body.decode()}"


def asks(service: str, record: RequestRecord) -> bool:
    """Return whether a request is for a service of the Portal."""
    return (record.mashup or {}).get("service") == service


def data(name: str) -> bytes:
    """Return a recorded response by its name in the tests."""
    return bytes((FOLDER / "data" / SUITE.DATA_FILES[name]).read_bytes())


def answers(sandbox: Sandbox) -> Iterator[tuple[str, Fault, Where | None]]:
    """Yield the recorded responses, in the order in which they are tried."""
    for endpoint, word, name in RECORDED:
        if name in SUITE.DATA_FILES:
            yield endpoint, Fault.answer(data(name)), partial(holds, word)
    for name in SUITE.DATA_FILES:
        yield "invoke", Fault.answer(data(name)), partial(asks, name)
    for name, like in ALSO.items():
        yield "invoke", Fault.answer(data(like)), partial(asks, name)
    yield from resolved()
    user = SUITE.session_info_mockreturn(None)
    yield "whoami", Fault.answer(user), lambda record: "authorization" in record.headers
    yield "whoami", Fault.answer({**user, "anon": True}), None
    yield "cloud", Fault.answer(LISTING.format(FOLDERS), content_type="application/xml"), partial(holds, "list-type")
    yield "bundle", Fault.answer("#!/bin/bash\n", content_type="text/plain"), None
    for endpoint in ("download", "retrieve_product", "cloud"):
        yield endpoint, Fault.status(401), partial(holds, "unauthorized")
        for name, size in sizes().items():
            yield endpoint, file_of(size), partial(holds, name)
        yield endpoint, file_of(2 * BLOCK), None
    yield from ((endpoint, Fault.status(501, body=b"no answer was recorded"), None) for endpoint in ENDPOINTS)


def sizes() -> dict[str, int]:
    """Return the recorded products as file name → bytes."""
    products = json.loads(data("Mast.Caom.Products"))["data"] + json.loads(data("mission_products"))["products"]
    return {PurePosixPath(product.get("dataURI") or product["uri"]).name: product["size"] for product in products}


@cache
def file_of(size: int) -> Fault:
    """Return a FITS file of a given size, because only product lists are recorded."""
    stream = io.BytesIO()
    fits.PrimaryHDU(np.zeros(size - BLOCK, "u1")).writeto(stream)
    return Fault.answer(stream.getvalue(), content_type="application/fits")


def resolved() -> Iterator[tuple[str, Fault, Where]]:
    """Yield the recorded position of each name, as MAST returns it, and all recorded positions for several names."""
    document = json.loads(data("Mast.Name.Lookup"))
    entries = document["resolvedCoordinate"]
    for name in {entry["searchString"] for entry in entries}:
        own = [entry for entry in entries if entry["searchString"] == name]
        yield "resolver", Fault.answer({**document, "resolvedCoordinate": own}), partial(names, [name])
    yield "resolver", Fault.answer(document), lambda record: len(record.values("name")) > 1
    yield "resolver", Fault.answer({**document, "resolvedCoordinate": []}), lambda record: True


def names(wanted: list[str], record: RequestRecord) -> bool:
    """Return whether a request is for these names of objects."""
    return [name.lower() for name in record.values("name")] == wanted


@pytest.fixture(autouse=True)
def patch_post(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Replace their fixture of this name, which replaces the methods that send requests."""
    for endpoint, answer, where in answers(mast_sandbox):
        mast_sandbox.faults.add(endpoint, answer, times=None, where=where)
    monkeypatch.chdir(tmp_path)
    # Some tests replace functions of boto3, which this package does not use.
    boto3 = types.ModuleType("boto3")
    vars(boto3).update(client=None, resource=None)
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    with compat.install():
        yield


def test_recorded_products_are_downloaded(tmp_path: Path) -> None:
    """All recorded products are downloaded with their recorded sizes, and so is the script."""
    manifest = Observations.download_products("2003738726", download_dir=tmp_path, verbose=False)
    script = Observations.download_products("2003738726", download_dir=tmp_path, curl_flag=True, verbose=False)
    assert isinstance(manifest, Manifest)
    assert isinstance(script, Manifest)
    assert {*manifest["Status"], *script["Status"]} == {"COMPLETE"}
    listed = json.loads(data("Mast.Caom.Products"))["data"]
    assert sorted(manifest["Size"]) == sorted(product["size"] for product in listed)
