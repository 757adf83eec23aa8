"""Shared parts of the tests of transfers: files to download, responses from memory, and the contents of folders."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import requests
from astropy.table import Table
from urllib3 import HTTPResponse

from astroquery_mast.downloads.destination import LOCAL_FILES
from astroquery_mast.products.plan import Action, PlannedFile, plan
from astroquery_mast.sandbox import Sandbox

# The minimum size of a part in a multipart upload to S3.
PART = 5 << 20
# Sizes of files that need no part, one part, and several parts of an upload.
SIZES = [0, 1, PART + 1]


def given_away(link: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a link to another user: root can change the owner, and for other users their identity is replaced."""
    user = os.geteuid()
    if user == 0:
        os.chown(link, 65534, -1, follow_symlinks=False)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)


def small_files(sandbox: Sandbox, number: int) -> Table:
    """Return small products."""
    return Table(
        sandbox.archive.query(
            "select dataURI, obs_collection, obs_id, productFilename, size from product "
            "where dataRights = 'PUBLIC' and size between 2000 and 60000 and dataURI like 'mast:%' "
            f"group by dataURI order by size limit {number}"
        )
    )


def service_of(sandbox: Sandbox) -> str:
    """Return the address from which a sandbox serves files."""
    return f"{sandbox.url}/api/v0.1/Download/file"


def address_of(sandbox: Sandbox, uri: str) -> str:
    """Return the address of a file in a sandbox."""
    return f"{service_of(sandbox)}?uri={uri}"


def to_fetch(path: Path, uri: str = "mast:x", url: str = "u?uri=mast:x", **others: Any) -> PlannedFile:
    """Return a file to download, or with another action."""
    return replace(PlannedFile(0, uri, url, url, path, None, Action.FETCH, ""), **others)


def plan_of(sandbox: Sandbox, products: Table, folder: Path) -> list[PlannedFile]:
    """Return the plan for products of a sandbox."""
    return plan(products, base_dir=folder, download_url=service_of(sandbox), disk=LOCAL_FILES)


def response(body: bytes | BinaryIO, headers: Mapping[str, str] | None = None) -> requests.Response:
    """Return a response whose body ends with the connection, as in HTTP/1.0, whatever its headers are."""
    found = requests.Response()
    found.status_code = 200
    found.headers.update(headers or {})
    found.raw = HTTPResponse(io.BytesIO(body) if isinstance(body, bytes) else body, preload_content=False)
    return found


def files_in(folder: Path) -> list[str]:
    """Return the names of all files in a folder and its subfolders."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def content_of(size: int) -> bytes:
    """Return bytes that differ between positions."""
    return (b"".join(number.to_bytes(4, "big") for number in range(size // 4 + 1)))[:size]


def names(place: Path) -> list[str]:
    """Return the names of all files in a folder of a store, as currently listed."""
    found: Any = place
    found.fs.invalidate_cache()
    return sorted(name.rpartition("/")[2] for name in found.fs.find(found.path))
