"""New clients of the engineering database, and the result of a simple request."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from astroquery_mast import EngineeringClass
from astroquery_mast.sandbox import Sandbox

Plain = Callable[[str, str, str], list[tuple[str, str]]]


@pytest.fixture
def engineering(mast_sandbox: Sandbox, tmp_path: Path) -> EngineeringClass:
    """Return a client whose cache folder is that of the test."""
    client = EngineeringClass()
    client.cache_location = tmp_path / "cache"
    client.cache_location.mkdir(exist_ok=True)
    return client


@pytest.fixture
def plain(mast_sandbox: Sandbox) -> Plain:
    """Return a function that requests a span with requests and csv only, and returns the times and cells within it."""

    def ask(mnemonic: str, start: str, end: str) -> list[tuple[str, str]]:
        compact = [moment.replace("-", "").replace(":", "") for moment in (start, end)]
        uri = f"mast:jwstedb/{mnemonic}-{compact[0]}-{compact[1]}.csv"
        body = requests.get(f"{mast_sandbox.url}/api/v0.1/Download/file", params={"uri": uri}, timeout=60).content
        rows = [(row[0].replace(" ", "T"), row[2]) for row in csv.reader(io.StringIO(body.decode(), newline=""))][1:]
        mast_sandbox.requests.clear()
        return [row for row in rows if f"{start}.000000" <= row[0] <= f"{end}.000000"]

    return ask
