"""The mission searches over HTTP: ``/search/<mission>/api/v0.1/...`` and ``/search/util/api/v0.1/column_list``.

In: a `RequestRecord`. Out: a `Reply`: JSON in the manner of FastAPI, or a file.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .archive.mission_holdings import MISSIONS, RETRIEVING, MissionHoldings
from .downloads import Downloads
from .mission_request import MissionError, decoded, search_request, text_list, unprocessable
from .mission_search import search
from .reply import Reply, compact_json
from .requestlog import RequestRecord

__all__ = ["Missions", "mission_endpoint"]

_PATH = re.compile(r"/search/([a-z_]+)/api/v0\.1/(\w+)/?$")
_ENDPOINTS = {
    "search": "mission_search",
    "post_list_products": "mission_products",
    "list_products": "mission_products",
    "retrieve_product": "retrieve_product",
}
_METHODS = {"search": "POST", "post_list_products": "POST", "list_products": "GET"}
#: The search whose product lists are wrapped in a list once more.
NESTED = "roman"


def mission_endpoint(path: str) -> str | None:
    """Return the name under which requests of ``path`` are logged, None if the path is no mission search's."""
    parts = _PATH.match(path)
    if parts is None:
        return None
    if parts[1] == "util":
        return "mission_columns" if parts[2] == "column_list" else None
    return _ENDPOINTS.get(parts[2]) if parts[1] in MISSIONS else None


class Missions:
    """Answer the mission searches."""

    def __init__(self, holdings: MissionHoldings, downloads: Downloads) -> None:
        self._holdings = holdings
        self._downloads = downloads

    def search(self, record: RequestRecord) -> Reply:
        """Answer a search."""
        mission = _mission(record)
        return Reply.json(search(self._holdings.table(mission), search_request(record.body)))

    def columns(self, record: RequestRecord) -> Reply:
        """List the columns of a mission."""
        name = _required(record, "mission").lower()
        if name not in MISSIONS:
            raise MissionError(f"There is no mission {name!r}; known are {', '.join(MISSIONS)}.", 404)
        return Reply.json([column.entry() for column in self._holdings.table(name).columns if column.listed])

    def products(self, record: RequestRecord) -> Reply:
        """List the files of datasets; datasets that are unknown have none."""
        mission = _mission(record)
        if record.method == "POST":
            datasets = text_list(decoded(record.body), "dataset_ids")
        else:
            _required(record, "dataset_ids")
            datasets = tuple(name.strip() for text in record.values("dataset_ids") for name in text.split(","))
        found = [
            product.entry() for name in dict.fromkeys(datasets) for product in self._holdings.products(mission, name)
        ]
        return Reply.json({"products": [found] if mission == NESTED else found})

    def retrieve(self, record: RequestRecord) -> Reply:
        """Hand out a file by the name under which the product list has it."""
        mission = _mission(record)
        name = _required(record, "product_name")
        uri = self._holdings.named(mission, name) if mission in RETRIEVING else None
        if uri is None:
            raise MissionError(f"Product {name} was not found.", 404)
        reply = self._downloads.send(record, uri)
        if reply.status != 401:
            return reply
        body = compact_json({"detail": "Unauthorized: this file is available to its proposers only."})
        return replace(reply, headers=(("Content-Type", "application/json"),), body=body)


def _mission(record: RequestRecord) -> str:
    """Return the mission in the path."""
    parts = _PATH.match(record.path)
    mission, action = ("", "") if parts is None else parts.groups()
    if record.method not in (_METHODS.get(action, record.method), "HEAD"):
        raise MissionError("Method Not Allowed", 405)
    return mission


def _required(record: RequestRecord, name: str) -> str:
    value = record.value(name)
    if not value:
        raise unprocessable("missing", ["query", name], "Field required", None)
    return value
