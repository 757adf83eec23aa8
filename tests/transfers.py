"""What tests of transfers share: files to fetch, answers from memory, and what lies in a folder or a store."""

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

# The smallest part of an upload that S3 takes.
PART = 5 << 20
# None, one, and more than one part of an upload in parts.
SIZES = [0, 1, PART + 1]


def given_away(link: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a link be another user's: root can give it away, and anybody else is another user from now on."""
    user = os.geteuid()
    if user == 0:
        os.chown(link, 65534, -1, follow_symlinks=False)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)


def small_files(sandbox: Sandbox, number: int) -> Table:
    """Return products that are quickly fetched."""
    return Table(
        sandbox.archive.query(
            "select dataURI, obs_collection, obs_id, productFilename, size from product "
            "where dataRights = 'PUBLIC' and size between 2000 and 60000 and dataURI like 'mast:%' "
            f"group by dataURI order by size limit {number}"
        )
    )


def service_of(sandbox: Sandbox) -> str:
    """Return where a sandbox serves files."""
    return f"{sandbox.url}/api/v0.1/Download/file"


def address_of(sandbox: Sandbox, uri: str) -> str:
    """Return where a sandbox serves a file."""
    return f"{service_of(sandbox)}?uri={uri}"


def to_fetch(path: Path, uri: str = "mast:x", url: str = "u?uri=mast:x", **others: Any) -> PlannedFile:
    """Return a file that is to be fetched, or to be treated otherwise."""
    return replace(PlannedFile(0, uri, url, url, path, None, Action.FETCH, ""), **others)


def plan_of(sandbox: Sandbox, products: Table, folder: Path) -> list[PlannedFile]:
    """Return the plan for products of a sandbox."""
    return plan(products, base_dir=folder, download_url=service_of(sandbox), disk=LOCAL_FILES)


def response(body: bytes | BinaryIO, headers: Mapping[str, str] | None = None) -> requests.Response:
    """Return a response whose body ends with the connection, as HTTP/1.0 has them, whatever its headers say."""
    found = requests.Response()
    found.status_code = 200
    found.headers.update(headers or {})
    found.raw = HTTPResponse(io.BytesIO(body) if isinstance(body, bytes) else body, preload_content=False)
    return found


def files_in(folder: Path) -> list[str]:
    """Return the names of all files below a folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def content_of(size: int) -> bytes:
    """Return bytes that differ from place to place."""
    return (b"".join(number.to_bytes(4, "big") for number in range(size // 4 + 1)))[:size]


def names(place: Path) -> list[str]:
    """Return the names of all files below a folder of a store, as the store has them now."""
    found: Any = place
    found.fs.invalidate_cache()
    return sorted(name.rpartition("/")[2] for name in found.fs.find(found.path))
