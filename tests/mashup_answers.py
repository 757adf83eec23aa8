"""Shared parts of the tests of catalogs: responses from memory, and their requests."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import requests
import responses

INVOKE = "https://mast.stsci.edu/api/v0/invoke"


def rows_of(archive: responses.RequestsMock, count: int, service: str = "distance") -> None:
    """Return a number of rows, in pages as requested."""

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        asked = sent(request)
        size, page = asked["pagesize"], asked["page"]
        cut = min(count, asked["params"].get("nr", count), asked["params"].get("maxrecords", count))
        rows = [{"ID": n, service: 0.1 * n} for n in range(cut)][(page - 1) * size : page * size]
        paging = {"page": page, "pageSize": size, "pagesFiltered": -(-cut // size), "rows": len(rows)}
        fields = [{"name": "ID", "type": "string"}, {"name": service, "type": "float"}]
        document = {"status": "COMPLETE", "msg": "", "data": rows, "fields": fields}
        document["paging"] = {**paging, "rowsFiltered": cut, "rowsTotal": cut}
        return 200, {}, json.dumps(document)

    archive.add_callback(responses.POST, INVOKE, answer)


def sent(request: requests.PreparedRequest) -> dict[str, Any]:
    """Return the contents of a Mashup request."""
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
    found: dict[str, Any] = json.loads(unquote(body.removeprefix("request=")))
    return found


def asked(archive: responses.RequestsMock) -> list[dict[str, Any]]:
    """Return the contents of all Mashup requests."""
    return [sent(call.request) for call in archive.calls if call.request.url == INVOKE]
