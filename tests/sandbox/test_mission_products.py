"""Product lists and files of the mission searches over HTTP."""

from __future__ import annotations

import io
import json
from importlib import resources
from typing import Any
from urllib.parse import quote

import pytest
import requests
from astropy.io import fits

from astroquery_mast.sandbox import Fault, Sandbox

RECORDED = resources.files("astroquery.mast.tests") / "data"
DATASETS = {
    "hst": "J97C01010",
    "jwst": "jw01783-o001_t006_nircam_clear-f115w",
    "roman": "r0000301001001001001_0001",
    "classy": "J0021+0052",
    "ullyses": "ullyses_hst_cos_av-75_g130m",
    "iue": "LWP13000",
}


def listing(box: Sandbox, web: requests.Session, mission: str, *datasets: str) -> list[dict[str, Any]]:
    """Return the files of datasets in a flat list."""
    url = f"{box.url}/search/{mission}/api/v0.1/post_list_products"
    answer = web.post(url, json={"dataset_ids": list(datasets)}, timeout=30)
    assert answer.status_code == 200, answer.text
    products: list[Any] = answer.json()["products"]
    return products[0] if products and isinstance(products[0], list) else products


def retrieve(
    box: Sandbox, web: requests.Session, mission: str, name: str, method: str = "GET", **headers: str
) -> requests.Response:
    """Request a file by name."""
    url = f"{box.url}/search/{mission}/api/v0.1/retrieve_product?product_name={quote(name, safe='')}"
    return web.request(method, url, headers=headers, timeout=30)


def test_product_matches_a_recorded_one(box: Sandbox, web: requests.Session) -> None:
    """The keys of a product, their order, and their types are those of a real response."""
    real = json.loads((RECORDED / "mission_products.json").read_text("utf-8"))["products"][0]
    for product in listing(box, web, "hst", "J97C01010"):
        assert {name: type(value) for name, value in product.items() if name not in {"size"}} == {
            name: type(value) for name, value in real.items() if name not in {"size"}
        }
        assert list(product) == list(real)
        assert product["product_key"] == f"J97C01010_{product['filename']}"
        assert product["uri"] == f"J97C01010/{product['filename']}"


@pytest.mark.parametrize("mission", DATASETS)
def test_every_mission_lists_files(box: Sandbox, web: requests.Session, mission: str) -> None:
    """Posted ids and ids in the URL return the same files; only those of Roman are nested."""
    dataset = DATASETS[mission]
    posted = listing(box, web, mission, dataset)
    url = f"{box.url}/search/{mission}/api/v0.1/list_products"
    asked = web.get(url, params={"dataset_ids": f"{dataset},unknown"}, timeout=30).json()["products"]
    assert asked == ([posted] if mission == "roman" else posted)
    assert {product["dataset"] for product in posted} == {dataset}


def test_every_dataset_has_files(box: Sandbox, web: requests.Session) -> None:
    """All datasets found by a search have files, in one request for a thousand datasets."""
    for mission, column in (("hst", "sci_data_set_name"), ("jwst", "fileSetName")):
        url = f"{box.url}/search/{mission}/api/v0.1/search"
        rows = web.post(url, json={"select_cols": [column], "limit": 1000}, timeout=30).json()["results"]
        names = [row[column] for row in rows]
        assert {product["dataset"] for product in listing(box, web, mission, *names)} == set(names)


def test_files_belong_to_several_datasets(box: Sandbox, web: requests.Session) -> None:
    """The files of a member are listed with the association and with the member; the pool with every product."""
    whole, member = (listing(box, web, "hst", name) for name in ("J97C01010", "J97C01AAQ"))
    assert member
    assert {product["filename"] for product in member} < {product["filename"] for product in whole}
    assert {product["authz_primary_identifier"] for product in whole} > {"J97C01AAQ"}
    combined = [DATASETS["jwst"], DATASETS["jwst"].replace("f115w", "f150w")]
    pools = [product for product in listing(box, web, "jwst", *combined) if "pool" in product["filename"]]
    assert len(pools) == 2
    assert len({product["filename"] for product in pools}) == 1


def test_order_is_that_of_the_ids(box: Sandbox, web: requests.Session) -> None:
    """Datasets are listed in the requested order, each once."""
    names = ["J97C01020", "J97C01010", "J97C01020"]
    listed = [product["dataset"] for product in listing(box, web, "hst", *names)]
    assert list(dict.fromkeys(listed)) == names[:2]
    assert listed == sorted(listed, reverse=True)


def test_unknown_datasets_have_no_files(box: Sandbox, web: requests.Session) -> None:
    """An unknown dataset is not an error."""
    assert [listing(box, web, mission, "nothing") for mission in DATASETS] == [[]] * len(DATASETS)


@pytest.mark.parametrize("body", [{}, {"dataset_ids": "J97C01010"}, {"dataset_ids": [1]}, []])
def test_malformed_ids(box: Sandbox, web: requests.Session, body: object) -> None:
    """Ids must be a list of strings."""
    answer = web.post(f"{box.url}/search/hst/api/v0.1/post_list_products", json=body, timeout=30)
    assert answer.status_code == 422
    assert web.get(f"{box.url}/search/hst/api/v0.1/list_products", timeout=30).status_code == 422


@pytest.mark.parametrize("mission", ["hst", "jwst", "roman"])
def test_retrieved_file_is_the_listed_one(box: Sandbox, web: requests.Session, mission: str) -> None:
    """A file is retrieved by its uri and has the listed length, also according to HEAD."""
    for product in listing(box, web, mission, DATASETS[mission])[:6]:
        answer = retrieve(box, web, mission, product["uri"])
        assert answer.status_code == 200
        assert product["size"] in (None, len(answer.content))
        head = retrieve(box, web, mission, product["uri"], "HEAD")
        assert (int(head.headers["Content-Length"]), head.content) == (len(answer.content), b"")


def test_retrieved_bytes_are_the_archives(box: Sandbox, web: requests.Session) -> None:
    """A mission search returns the same bytes as the download service, also for ranges."""
    uri = "mast:HST/product/j97c01010_drz.fits"
    answer = retrieve(box, web, "hst", "J97C01010/j97c01010_drz.fits")
    assert answer.content == box.archive.render(uri)
    part = retrieve(box, web, "hst", "J97C01010/j97c01010_drz.fits", Range="bytes=100-199")
    assert (part.status_code, part.content) == (206, answer.content[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(answer.content)}"


def test_roman_files_are_asdf(box: Sandbox, web: requests.Session) -> None:
    """A Roman file is an ASDF document with the metadata of its file set."""
    product = listing(box, web, "roman", DATASETS["roman"])[0]
    content = retrieve(box, web, "roman", product["uri"]).content
    assert content.startswith(b"#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n")
    assert b"\n    program: 3\n" in content
    assert content.endswith(b"\n...\n")


@pytest.mark.parametrize(
    ("mission", "name"),
    [
        ("hst", "j97c01010_drz.fits"),
        ("hst", "J97C01020/j97c01010_drz.fits"),
        ("jwst", "nothing.fits"),
        ("jwst", "set/jw01783-o001_t006_nircam_clear-f115w_i2d.fits"),
        ("roman", "nothing.asdf"),
        ("iue", "lwp13000.mxlo.gz"),
    ],
)
def test_unknown_files(box: Sandbox, web: requests.Session, mission: str, name: str) -> None:
    """Unknown names are 404, as are names of files that the mission search does not send itself."""
    answer = retrieve(box, web, mission, name)
    assert (answer.status_code, list(answer.json())) == (404, ["detail"])


def test_name_is_required(box: Sandbox, web: requests.Session) -> None:
    """A request without a file name is malformed."""
    assert web.get(f"{box.url}/search/hst/api/v0.1/retrieve_product", timeout=30).status_code == 422


@pytest.mark.parametrize("mission", ["hst", "jwst"])
def test_exclusive_files_require_a_token(box: Sandbox, web: requests.Session, mission: str) -> None:
    """An exclusive file is 401 without an authorized token, but listed as restricted."""
    column, access = {"hst": ("sci_data_set_name", "sci_status"), "jwst": ("fileSetName", "access")}[mission]
    url = f"{box.url}/search/{mission}/api/v0.1/search"
    request = {"conditions": [{access: "!PUBLIC"}], "select_cols": [column], "limit": 1}
    dataset = web.post(url, json=request, timeout=30).json()["results"][0][column]
    product = next(one for one in listing(box, web, mission, dataset) if one["access"] != "PUBLIC")
    for headers in ({}, {"Authorization": f"token {box.outsider_token}"}):
        refused = retrieve(box, web, mission, product["uri"], **headers)
        assert (refused.status_code, list(refused.json())) == (401, ["detail"])
    granted = retrieve(box, web, mission, product["uri"], Authorization=f"Bearer {box.token}")
    assert (granted.status_code, len(granted.content)) == (200, product["size"])


@pytest.mark.parametrize("mission", ["classy", "ullyses", "iue"])
def test_other_files_come_by_uri(box: Sandbox, web: requests.Session, mission: str) -> None:
    """Files of the spectral libraries are downloaded by their mast: URI and have the listed length."""
    for product in listing(box, web, mission, DATASETS[mission]):
        assert product["uri"].startswith("mast:")
        address = f"{box.url}/api/v0.1/Download/file?uri={quote(product['uri'], safe=':/')}"
        answer = web.get(address, timeout=30)
        assert (answer.status_code, len(answer.content)) == (200, product["size"])
        if mission != "iue":
            with fits.open(io.BytesIO(answer.content), checksum=True) as units:
                assert units["SCIENCE"].columns.names[:2] == ["WAVELENGTH", "FLUX"]
                assert units[0].header["TARGNAME"].lower() in product["filename"]


def test_library_files_can_be_bundled(box: Sandbox, web: requests.Session) -> None:
    """Files known only to a mission search can be bundled."""
    uri = listing(box, web, "ullyses", DATASETS["ullyses"])[0]["uri"]
    answer = web.post(f"{box.url}/api/v0.1/Download/bundle.zip", data={"uri": uri}, timeout=30)
    assert uri.rpartition("/")[2].encode() in answer.content


def test_faults_apply_to_products_and_files(box: Sandbox, web: requests.Session) -> None:
    """Product lists and files are separate endpoints."""
    box.faults.add("mission_products", Fault.status(500))
    url = f"{box.url}/search/hst/api/v0.1/list_products"
    assert web.get(url, params={"dataset_ids": "J97C01010"}, timeout=30).status_code == 500
    box.faults.add("retrieve_product", Fault.no_range())
    answer = retrieve(box, web, "hst", "J97C01010/j97c01010_asn.fits", Range="bytes=0-9")
    assert (answer.status_code, "Accept-Ranges" in answer.headers) == (200, False)
    assert len(box.requests.of("retrieve_product")) == 1
