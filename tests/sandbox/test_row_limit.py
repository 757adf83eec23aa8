"""Results that are too large for MAST's server."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from astroquery_mast.sandbox import Sandbox

GALEX = [{"paramName": "obs_collection", "values": ["GALEX"]}]


def ask(sandbox: Sandbox, columns: str = "obsid", page: int = 1) -> dict[str, Any]:
    """Query observations of GALEX."""
    params = {"columns": columns, "filters": GALEX}
    request = {"service": "Mast.Caom.Filtered", "params": params, "format": "json", "page": page, "pagesize": 60}
    answer = requests.post(f"{sandbox.url}/api/v0/invoke", data={"request": json.dumps(request)}, timeout=20)
    return dict(answer.json())


def test_the_connection_is_dropped_beyond_the_limit() -> None:
    """No byte is sent; the count is returned, and so is a result at the limit."""
    with Sandbox(row_limit=100) as sandbox:
        number = int(ask(sandbox, "COUNT_BIG(*)")["data"][0]["Column1"])
        assert number > 100
        with pytest.raises(requests.ConnectionError):
            ask(sandbox)
    with Sandbox(row_limit=number) as sandbox:
        assert ask(sandbox)["paging"]["rowsFiltered"] == number


def test_the_result_is_truncated_on_request() -> None:
    """A truncated result looks like a smaller complete one."""
    with Sandbox(row_limit=100, cuts=True) as sandbox:
        first, second = ask(sandbox), ask(sandbox, page=2)
    assert {answer["paging"]["rowsFiltered"] for answer in (first, second)} == {100}
    assert [len(answer["data"]) for answer in (first, second)] == [60, 40]
