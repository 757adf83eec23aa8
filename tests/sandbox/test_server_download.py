"""Files, bundles, and cloud paths over HTTP."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast.sandbox import Sandbox


def product(box: Sandbox, condition: str) -> dict[str, Any]:
    """Return the first product row that matches a condition."""
    return box.archive.query(f"SELECT * FROM product WHERE {condition} ORDER BY obsID LIMIT 1")[0]


def public(box: Sandbox) -> dict[str, Any]:
    """Return a public file of more than a few bytes that is not created on demand."""
    return product(box, "dataRights = 'PUBLIC' AND size > 1000 AND dataURI LIKE 'mast:HST/product/%'")


def fetch(box: Sandbox, web: requests.Session, uri: Any, method: str = "GET", **headers: str) -> requests.Response:
    """Request a file with the URI in the query."""
    given_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{box.url}/api/v0.1/Download/file"
    return web.request(method, url, params={"uri": str(uri)}, headers=given_headers, timeout=30)


def test_complete_file_with_its_headers(box: Sandbox, web: requests.Session) -> None:
    """A file is sent completely, with length, name, validators, and Accept-Ranges."""
    row = public(box)
    answer = fetch(box, web, row["dataURI"])
    assert (answer.status_code, answer.content) == (200, box.archive.render(row["dataURI"]))
    assert int(answer.headers["Content-Length"]) == row["size"]
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={row['productFilename']}"
    assert answer.headers["ETag"].startswith('"')
    assert answer.headers["Last-Modified"].endswith("GMT")


def test_head_has_the_same_headers_and_no_body(box: Sandbox, web: requests.Session) -> None:
    """HEAD returns all headers of a file, but no bytes."""
    uri = public(box)["dataURI"]
    head, whole = fetch(box, web, uri, "HEAD"), fetch(box, web, uri)
    assert head.content == b""
    for name in ("Content-Length", "ETag", "Last-Modified", "Accept-Ranges", "Content-Disposition", "Content-Type"):
        assert head.headers[name] == whole.headers[name]


def test_posted_uri_is_the_same_file(box: Sandbox, web: requests.Session) -> None:
    """The URI can be in a form, and the JWST path works as well."""
    uri = public(box)["dataURI"]
    posted = web.post(f"{box.url}/api/v0.1/Download/file", data={"uri": uri}, timeout=30)
    alias = web.get(f"{box.url}/jwst/api/v0.1/download/file", params={"uri": uri}, timeout=30)
    assert posted.content == alias.content == fetch(box, web, uri).content


@pytest.fixture(scope="module")
def whole_file(box: Sandbox) -> tuple[str, bytes]:
    """URI and content of a public file."""
    uri = public(box)["dataURI"]
    return uri, box.archive.render(uri)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_range_is_that_slice(
    box: Sandbox, web: requests.Session, whole_file: tuple[str, bytes], data: st.DataObject
) -> None:
    """Every satisfiable range, open or closed, returns exactly its bytes and the Content-Range."""
    uri, whole = whole_file
    size = len(whole)
    start = data.draw(st.integers(0, size - 1))
    stop = data.draw(st.none() | st.integers(start, size + 100))
    answer = fetch(box, web, uri, Range=f"bytes={start}-{'' if stop is None else stop}")
    last = size - 1 if stop is None else min(stop, size - 1)
    assert (answer.status_code, answer.content) == (206, whole[start : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {start}-{last}/{size}"


def test_last_bytes(box: Sandbox, web: requests.Session) -> None:
    """A suffix range returns the end of the file."""
    row = public(box)
    answer = fetch(box, web, row["dataURI"], Range="bytes=-7")
    assert (answer.status_code, answer.content) == (206, box.archive.render(row["dataURI"])[-7:])


def test_range_past_the_end_is_416(box: Sandbox, web: requests.Session) -> None:
    """A range that begins at the end is refused, and the response contains the length of the file."""
    row = public(box)
    answer = fetch(box, web, row["dataURI"], Range=f"bytes={row['size']}-")
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{row['size']}")


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "junk"])
def test_invalid_range_is_ignored(box: Sandbox, web: requests.Session, asked: str) -> None:
    """A malformed or multiple range returns the complete file."""
    row = public(box)
    answer = fetch(box, web, row["dataURI"], Range=asked)
    assert (answer.status_code, len(answer.content)) == (200, row["size"])


def test_if_range_decides(box: Sandbox, web: requests.Session) -> None:
    """A range is only used with a validator of the current file."""
    uri = public(box)["dataURI"]
    whole = fetch(box, web, uri)
    for validator, status in (
        (whole.headers["ETag"], 206),
        (whole.headers["Last-Modified"], 206),
        ('"another"', 200),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 200),
    ):
        assert fetch(box, web, uri, Range="bytes=5-9", If_Range=validator).status_code == status


def test_unknown_and_missing_uri(box: Sandbox, web: requests.Session) -> None:
    """An unknown file is not found; a missing URI is a bad request."""
    assert fetch(box, web, "mast:HST/product/does_not_exist.fits").status_code == 404
    assert web.get(f"{box.url}/api/v0.1/Download/file", timeout=30).status_code == 400


def test_exclusive_file_requires_an_authorized_token(box: Sandbox, web: requests.Session) -> None:
    """Exclusive data are 401 without an authorized token, and complete with one."""
    row = product(box, "dataRights = 'EXCLUSIVE_ACCESS'")
    refused = [
        {},
        {"Authorization": f"token {box.outsider_token}"},
        {"Authorization": f"token {box.expired_token}"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": f"Basic {box.token}"},
        {"Cookie": f"mast_token={box.outsider_token}"},
    ]
    for headers in refused:
        assert fetch(box, web, row["dataURI"], **headers).status_code == 401
    for headers in (
        {"Authorization": f"token {box.token}"},
        {"Authorization": f"Bearer {box.token}"},
        {"Cookie": f"other=1; mast_token={box.token}"},
    ):
        answer = fetch(box, web, row["dataURI"], **headers)
        assert (answer.status_code, len(answer.content)) == (200, row["size"])


def test_file_made_on_demand_has_no_length(box: Sandbox, web: requests.Session) -> None:
    """HLA files have no length and no ranges; a URI without its arguments returns text with status 200."""
    rows = box.archive.query("SELECT * FROM product WHERE dataURI LIKE 'mast:HLA/url/cgi-bin/%' LIMIT 1")
    for row in rows:
        answer = fetch(box, web, row["dataURI"], Range="bytes=0-1")
        assert (answer.status_code, len(answer.content)) == (200, row["size"])
        assert not {"Content-Length", "Accept-Ranges"} & set(answer.headers)
        assert "Content-Length" not in fetch(box, web, row["dataURI"], "HEAD").headers
    lost = web.get(f"{box.url}/api/v0.1/Download/file?uri=mast:HLA/url/cgi-bin/getdata.cgi?download=1&a=b", timeout=30)
    assert (lost.status_code, lost.text) == (200, "dataset parameter is required\n")


def test_bundles_contain_the_files_in_their_folders(box: Sandbox, web: requests.Session) -> None:
    """A zip and a tar.gz contain all accessible files, and a manifest of all requested ones."""
    row, exclusive = public(box), product(box, "dataRights = 'EXCLUSIVE_ACCESS'")
    asked = {"uri": [row["dataURI"], exclusive["dataURI"], "mast:HST/product/nothing.fits"]}
    packed = web.post(f"{box.url}/api/v0.1/Download/bundle.zip", data=asked, timeout=30).content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    packed = web.post(f"{box.url}/api/v0.1/Download/bundle.tar.gz", data=asked, timeout=30).content
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        names = archive.getnames()
    place = f"{row['obs_collection']}/{row['obs_id']}/{row['productFilename']}"
    for found in (list(contents), names):
        assert [name.partition("/")[2] for name in found] == [place, "MANIFEST.HTML"]
    page = next(text.decode() for name, text in contents.items() if name.endswith("HTML"))
    assert [page.count(word) for word in ("COMPLETE", "UNAUTHORIZED", "NOT FOUND")] == [1, 1, 1]
    assert box.archive.render(row["dataURI"]) in contents.values()


def test_bundle_of_an_observation_without_previews(box: Sandbox, web: requests.Session) -> None:
    """The files of an observation can be requested by its id, optionally without previews."""
    row = product(box, "productType = 'PREVIEW' AND dataRights = 'PUBLIC'")
    url = f"{box.url}/api/v0.1/Download/bundle.zip"
    sizes = []
    for previews in ("true", "false"):
        asked = {"obsid": str(row["obsID"]), "previews": previews}
        with zipfile.ZipFile(io.BytesIO(web.get(url, params=asked, timeout=30).content)) as archive:
            sizes.append([name.rpartition("/")[2] for name in archive.namelist()])
    assert row["productFilename"] in sizes[0]
    assert row["productFilename"] not in sizes[1]


def test_bundle_of_nothing_is_a_bad_request(box: Sandbox, web: requests.Session) -> None:
    """A bundle requires at least one file."""
    assert web.post(f"{box.url}/api/v0.1/Download/bundle.sh", timeout=30).status_code == 400


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="bash and curl run the script")
def test_script_downloads_with_the_token_of_the_environment(
    box: Sandbox, web: requests.Session, tmp_path: Path
) -> None:
    """The script contains no token; it downloads all files with the token in the environment, and fails without."""
    rows = [public(box), product(box, "dataRights = 'EXCLUSIVE_ACCESS'")]
    answer = web.post(
        f"{box.url}/api/v0.1/Download/bundle.sh",
        data={"uri": [row["dataURI"] for row in rows]},
        headers={"Authorization": f"token {box.token}"},
        timeout=30,
    )
    assert box.token not in answer.text
    assert all(f"download {row['dataURI']} " in answer.text for row in rows)
    (tmp_path / "get.sh").write_bytes(answer.content)
    path = {"PATH": "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin"}
    run = [shutil.which("bash") or "bash", "get.sh"]
    refused = subprocess.run(run, cwd=tmp_path, env=path, capture_output=True, timeout=60, check=False)
    assert refused.returncode == 1
    done = subprocess.run(
        run, cwd=tmp_path, env=path | {"MAST_API_TOKEN": box.token}, capture_output=True, timeout=60, check=True
    )
    assert done.stdout.count(b"<<< Downloading File: ") == 2
    for row in rows:
        (file,) = tmp_path.glob(f"MAST_*/{row['obs_collection']}/{row['obs_id']}/{row['productFilename']}")
        assert file.read_bytes() == box.archive.render(row["dataURI"])


def test_cloud_paths(box: Sandbox, web: requests.Session) -> None:
    """The response has status 200 and an entry per URI: a path for known ones, 404 for others."""
    uri, missing = public(box)["dataURI"], "mast:HST/product/does_not_exist.fits"
    answer = web.get(f"{box.url}/api/v0.1/path_lookup/", params={"uri": [uri, missing]}, timeout=30)
    assert answer.status_code == 200
    found = answer.json()
    assert list(found) == [uri, missing]
    assert found[missing] == {"status_code": 404, "path": None}
    assert found[uri]["status_code"] == 200
    assert found[uri]["path"].startswith("/hst/public/") and found[uri]["path"].endswith(uri.rpartition("/")[2])


@pytest.mark.parametrize(
    ("collection", "cloud", "prefix"),
    [
        ("GALEX", "True", "/galex/"),
        ("GALEX", "", "/mast/galex/"),
        ("JWST", "", "/jwst/public/jw"),
        ("TESS", "", "/tess/public/"),
        ("HLSP", "", "/mast/hlsp/"),
    ],
)
def test_cloud_paths_by_collection(
    box: Sandbox, web: requests.Session, collection: str, cloud: str, prefix: str
) -> None:
    """Every collection has its own folder in the cloud."""
    rows = box.archive.query("SELECT dataURI FROM product WHERE dataURI LIKE ? LIMIT 3", (f"mast:{collection}/%",))
    asked = {"uri": [str(row["dataURI"]) for row in rows], "use_cloud_path": cloud}
    answer = web.get(f"{box.url}/api/v0.1/path_lookup", params=asked, timeout=30).json()
    assert rows
    assert all(entry["path"].startswith(prefix) for entry in answer.values())


def test_too_long_a_list_of_uris_is_414(box: Sandbox, web: requests.Session) -> None:
    """A request line above about 8 kB is refused, and the connection remains usable."""
    url = f"{box.url}/api/v0.1/path_lookup/"
    uris = [f"mast:HST/product/{'x' * 180}{n}.fits" for n in range(40)]
    assert web.get(url, params={"uri": uris}, timeout=30).status_code == 414
    assert web.get(url, params={"uri": uris[:30]}, timeout=30).status_code == 200
