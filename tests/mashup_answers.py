"""What tests of catalogs share: rows of an archive that answers from memory, and what it was asked."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import requests
import responses

INVOKE = "https://mast.stsci.edu/api/v0/invoke"


def rows_of(archive: responses.RequestsMock, count: int, service: str = "distance") -> None:
    """Let the archive answer with that many rows, in pages as it is asked."""

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
    """Return what a Mashup request asks."""
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
    found: dict[str, Any] = json.loads(unquote(body.removeprefix("request=")))
    return found


def asked(archive: responses.RequestsMock) -> list[dict[str, Any]]:
    """Return all Mashup requests."""
    return [sent(call.request) for call in archive.calls if call.request.url == INVOKE]
