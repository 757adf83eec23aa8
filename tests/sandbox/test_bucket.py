"""The public cloud copy, accessed by a plain HTTP client."""

from __future__ import annotations

from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import pytest
import requests

from astroquery_mast.sandbox import Fault, Sandbox


def key_of(box: Sandbox, web: requests.Session, uri: str) -> str:
    """Return the key of a file from the path lookup."""
    address = f"{box.url}/api/v0.1/path_lookup/"
    answer = web.get(address, params={"uri": uri, "use_cloud_path": "True"}, timeout=30).json()
    return str(answer[uri]["path"]).lstrip("/")


def some_uri(box: Sandbox, rights: str, collection: str = "HST") -> str:
    """Return the URI of the smallest file of a collection with the given rights."""
    sql = "SELECT dataURI FROM product WHERE dataRights = ? AND obs_collection = ? ORDER BY size LIMIT 1"
    return str(box.archive.query(sql, (rights, collection))[0]["dataURI"])


@pytest.mark.parametrize("collection", ["HST", "TESS", "GALEX", "HLSP", "Kepler", "PS1"])
def test_an_object_is_the_file_of_the_archive(box: Sandbox, web: requests.Session, collection: str) -> None:
    """The bucket and the download service return the same bytes."""
    uri = some_uri(box, "PUBLIC", collection)
    address = f"{box.cloud_url}/{quote(key_of(box, web, uri))}"
    copy = web.get(address, timeout=30)
    original = web.get(f"{box.url}/api/v0.1/Download/file", params={"uri": uri}, timeout=30)
    assert (copy.status_code, copy.content) == (200, original.content)
    assert "Content-Disposition" not in copy.headers
    part = web.get(address, headers={"Range": "bytes=10-19"}, timeout=30)
    assert (part.status_code, part.content) == (206, original.content[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(original.content)}"
    head = web.head(address, timeout=30)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(original.content)))


def test_refusals_are_those_of_a_store(box: Sandbox, web: requests.Session) -> None:
    """A missing key is 404, an exclusive file is 403 with any token, a range beyond the end is 416."""
    missing = web.get(f"{box.cloud_url}/hst/public/none.fits", timeout=30)
    assert (missing.status_code, b"NoSuchKey" in missing.content) == (404, True)
    uri = some_uri(box, "EXCLUSIVE_ACCESS", "JWST")
    address = f"{box.cloud_url}/{key_of(box, web, uri)}"
    refused = web.get(address, headers={"Authorization": f"token {box.token}"}, timeout=30)
    assert (refused.status_code, b"AccessDenied" in refused.content) == (403, True)
    public = f"{box.cloud_url}/{key_of(box, web, some_uri(box, 'PUBLIC'))}"
    beyond = web.get(public, headers={"Range": "bytes=999999999-"}, timeout=30)
    assert beyond.status_code == 416
    assert beyond.headers["Content-Range"].startswith("bytes */")
    assert web.post(public, timeout=30).status_code == 405


def test_folders_are_listed_page_by_page(box: Sandbox, web: requests.Session) -> None:
    """A listing with a delimiter contains each folder once, in consecutive pages."""
    names: list[str] = []
    params = {"list-type": "2", "delimiter": "/", "max-keys": "3"}
    while True:
        root = ElementTree.fromstring(web.get(f"{box.cloud_url}/", params=params, timeout=30).content)
        page = [element.text or "" for element in root.iterfind("{*}CommonPrefixes/{*}Prefix")]
        assert len(page) <= 3
        names += page
        token = root.findtext("{*}NextContinuationToken")
        if root.findtext("{*}IsTruncated") != "true" or token is None:
            break
        params["continuation-token"] = token
    assert {"hst/", "jwst/", "tess/", "galex/", "mast/"} <= set(names)
    assert names == sorted(set(names))
    files = web.get(f"{box.cloud_url}/", params={"list-type": "2", "prefix": "mast/hlsp/"}, timeout=30)
    assert files.content.count(b"<Key>mast/hlsp/") == files.content.count(b"<Contents>") > 0
    assert web.get(f"{box.cloud_url}/", timeout=30).status_code == 501


def test_the_bucket_is_another_host_with_its_own_faults(box: Sandbox, web: requests.Session) -> None:
    """Its requests are logged, and its faults applied, separately from those of the archive."""
    assert urlsplit(box.cloud_url).hostname != urlsplit(box.url).hostname
    box.faults.add("cloud", Fault.status(503))
    address = f"{box.cloud_url}/{key_of(box, web, some_uri(box, 'PUBLIC'))}"
    assert web.get(address, timeout=30).status_code == 503
    assert web.get(address, timeout=30).status_code == 200
    assert [record.status for record in box.requests.of("cloud")] == [503, 200]
