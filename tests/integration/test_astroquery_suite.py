"""astroquery's own tests of ``astroquery.mast``, unmodified, on this package, with its recorded answers over HTTP.

The functions are those of the installed ``astroquery/mast/tests/test_mast.py``.  They replace the methods that send;
here those stay, and the sandbox sends the recorded answers and nothing else, so that whatever a client asks goes
through a socket.  `LISTED` holds the tests that cannot pass, with the reason; one of them that passes is an error.
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
# Whether the tests are those of the development version, 0.4.12.
IS_LATER = (FOLDER / "data" / "mission_count_only.json").is_file()
# Private names that the module imports, and that this package does not have.
ABSENT = {"services": "_json_to_table", "cloud": "CloudAccess"}


def _absent(name: str, *_arguments: object, **_keywords: object) -> None:
    """Stand for a function that is not there."""
    raise AttributeError(f"{name} is not part of this package")


def _suite() -> Any:
    """Return their module, whose ``astroquery.mast`` is this package."""
    spec = importlib.util.spec_from_file_location("astroquery_test_mast", str(FOLDER / "test_mast.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with compat.install():
        for home, name in ABSENT.items():
            setattr(sys.modules[f"astroquery.mast.{home}"], name, partial(_absent, name))
        spec.loader.exec_module(module)
    # What comes through a socket is a response of requests.
    vars(module)["MockResponse"] = requests.Response
    return module


SUITE = _suite()
TESTS = {name: test for name, test in vars(SUITE).items() if name.startswith("test_")}
FIXTURES = ("patch_boto3", "reset_cloud_state")

# -- what cannot pass --------------------------------------------------------------------------------------------------

CUT_SHORT = "The recording announces 45,762 rows and holds 26, which is an incomplete answer here"
PRIVATE = "Calls a private function, class or attribute that is not imitated: "
LATER_NAME = "The message names the argument object_name, as the later version does"
CLOUD_IS_OPEN = "Addresses in the cloud are given without enable_cloud_dataset(), so that nothing is refused"
NO_BOTO3 = "Has boto3 fail, which is not used here"
# By whether the installed tests are those of the development version, or of the release before; and those of both.
LISTED_IN_BOTH = {
    "test_missions_query_criteria_async_with_missing_results": "Expects the KeyError of its own stand-in",
    "test_login_logout": "A token is no cookie here, and _authenticated is not imitated",
    "test_observations_get_cloud_uri": CLOUD_IS_OPEN,
    "test_observations_get_cloud_uris": CLOUD_IS_OPEN,
    "test_catalogs_get_hsc_spectra_async": CUT_SHORT,
    "test_catalogs_get_hsc_spectra": CUT_SHORT,
    "test_catalogs_download_hsc_spectra": CUT_SHORT,
}
LISTED_IN_LATER = {
    "test_missions_parse_select_cols": f"{PRIVATE}_parse_select_cols",
    "test_missions_parse_multiple_targets": f"{PRIVATE}_parse_multiple_targets",
    "test_missions_get_product_list_async": "Numbers are taken as IDs of datasets, and not refused",
    "test_missions_radius_too_large": f"{PRIVATE}_max_query_radius",
    "test_observations_download_products": NO_BOTO3,
    "test_observations_download_file": "Uses the cloud before it is enabled, through boto3",
    "test_observations_download_file_not_found": "Expects a download that does nothing, and says so",
    "test_observations_list_cloud_missions_error": NO_BOTO3,
    "test_observations_get_cloud_uris_error": NO_BOTO3,
    "test_observations_enable_cloud_dataset": f"{PRIVATE}_cloud_connection",
    "test_observations_disable_cloud_dataset": f"{PRIVATE}_cloud_connection",
    "test_tesscut_get_cutouts_mt_no_sector_empty_results": "Replaces get_sectors, which no other method calls here",
    "test_tesscut_download_cutouts_mt_no_sector_empty_results": "Replaces get_sectors, as the one above",
    "test_json_to_table_fallback_type_coercion": f"{PRIVATE}_json_to_table",
    "test_cloud_access_init": f"{PRIVATE}CloudAccess",
    "test_download_file_from_cloud": f"{PRIVATE}CloudAccess",
    "test_download_file_from_cloud_not_found": f"{PRIVATE}CloudAccess",
    "test_download_file_from_cloud_existing": f"{PRIVATE}CloudAccess",
    "test_download_file_from_cloud_verbose": f"{PRIVATE}CloudAccess",
}
LISTED_IN_OLDER = {
    "test_missions_query_criteria": "A position alone is a query, as in the later version",
    "test_missions_get_product_list_async": "Gives a list of responses, as the later version does",
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


def test_every_listed_test_is_there() -> None:
    """The list does not outlive what it is about."""
    assert LISTED.keys() <= TESTS.keys()


globals().update({name: getattr(SUITE, name) for name in FIXTURES if hasattr(SUITE, name)})
globals().update(
    {n: pytest.mark.xfail(strict=True, reason=LISTED[n])(test) if n in LISTED else test for n, test in TESTS.items()}
)

pytestmark = [
    # The older tests use the older name of the argument, about which the newer astroquery.mast warns as well.
    pytest.mark.filterwarnings('ignore:"objectname" was deprecated'),
    # The recorded answer of the mission search announces 193 rows, and holds 10.
    pytest.mark.filterwarnings("ignore:Maximum results returned"),
    # Filters that leave nothing are told here, which astroquery.mast does for downloads only.
    pytest.mark.filterwarnings("ignore:None of .*products matches the filters."),
]

# -- the recorded answers ----------------------------------------------------------------------------------------------

Where = Callable[[RequestRecord], bool]
# Recordings for requests that hold a word, or for all requests of an endpoint; the first that fits is sent.
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
# Services without a recording of their own, and those whose rows look alike.
ALSO = {
    "Mast.Catalogs.GaiaDR3.Cone": "Mast.Catalogs.GaiaDR2.Cone",
    "Mast.Catalogs.Filtered.Tic.Position.Rows": "Mast.Catalogs.Filtered.Tic.Rows",
}
# Bytes that a FITS file has in its shortest header, and at a time.
BLOCK = 2880
LISTING = (
    '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>'
    "{}</ListBucketResult>"
)
FOLDERS = "".join(f"<CommonPrefixes><Prefix>{name}/</Prefix></CommonPrefixes>" for name in ("hst", "jwst", "mast"))


def holds(word: str, record: RequestRecord) -> bool:
    """Whether a request holds a word, in its address or in its body."""
    return word in f"{record.path} {dict(record.query)} {dict(record.form)} {record.body.decode()}"


def asks(service: str, record: RequestRecord) -> bool:
    """Whether a request is a question for a service of the portal."""
    return (record.mashup or {}).get("service") == service


def data(name: str) -> bytes:
    """A recorded answer, by the name that their tests have for it."""
    return bytes((FOLDER / "data" / SUITE.DATA_FILES[name]).read_bytes())


def answers(sandbox: Sandbox) -> Iterator[tuple[str, Fault, Where | None]]:
    """The answers, in the order in which they are tried."""
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
    """The products that are recorded, as file name → bytes."""
    products = json.loads(data("Mast.Caom.Products"))["data"] + json.loads(data("mission_products"))["products"]
    return {PurePosixPath(product.get("dataURI") or product["uri"]).name: product["size"] for product in products}


@cache
def file_of(size: int) -> Fault:
    """A FITS file of so many bytes: there are recordings of lists of files, not of files."""
    stream = io.BytesIO()
    fits.PrimaryHDU(np.zeros(size - BLOCK, "u1")).writeto(stream)
    return Fault.answer(stream.getvalue(), content_type="application/fits")


def resolved() -> Iterator[tuple[str, Fault, Where]]:
    """The positions of each name by itself, as the archive answers, and all that are recorded for several names."""
    document = json.loads(data("Mast.Name.Lookup"))
    entries = document["resolvedCoordinate"]
    for name in {entry["searchString"] for entry in entries}:
        own = [entry for entry in entries if entry["searchString"] == name]
        yield "resolver", Fault.answer({**document, "resolvedCoordinate": own}), partial(names, [name])
    yield "resolver", Fault.answer(document), lambda record: len(record.values("name")) > 1
    yield "resolver", Fault.answer({**document, "resolvedCoordinate": []}), lambda record: True


def names(wanted: list[str], record: RequestRecord) -> bool:
    """Whether a request is about these names of objects."""
    return [name.lower() for name in record.values("name")] == wanted


@pytest.fixture(autouse=True)
def patch_post(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Take the place of their fixture of this name, which replaces the methods that send."""
    for endpoint, answer, where in answers(mast_sandbox):
        mast_sandbox.faults.add(endpoint, answer, times=None, where=where)
    monkeypatch.chdir(tmp_path)
    # Some tests replace functions of boto3, which this package does not use.
    boto3 = types.ModuleType("boto3")
    vars(boto3).update(client=None, resource=None)
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    with compat.install():
        yield


def test_recorded_products_arrive(tmp_path: Path) -> None:
    """What their tests do not look at: every file of the recorded list comes, in its recorded size, and the script."""
    manifest = Observations.download_products("2003738726", download_dir=tmp_path, verbose=False)
    script = Observations.download_products("2003738726", download_dir=tmp_path, curl_flag=True, verbose=False)
    assert isinstance(manifest, Manifest)
    assert isinstance(script, Manifest)
    assert {*manifest["Status"], *script["Status"]} == {"COMPLETE"}
    listed = json.loads(data("Mast.Caom.Products"))["data"]
    assert sorted(manifest["Size"]) == sorted(product["size"] for product in listed)
