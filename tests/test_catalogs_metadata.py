"""What is known of the columns of catalogues, and what is asked of the archive for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pytest
import requests
import responses
from astropy.coordinates import SkyCoord
from astroquery.exceptions import (
    InvalidQueryError,
)

from astroquery_mast import Catalogs, CatalogsClass

INVOKE = "https://mast.stsci.edu/api/v0/invoke"
CONFIG = "https://mast.stsci.edu/portal/Mashup/Mashup.asmx/columnsconfig"
M15 = SkyCoord(322.49324, 12.16683, unit="deg")


@pytest.fixture
def archive() -> Iterator[responses.RequestsMock]:
    """The real addresses, answered from memory."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(CONFIG, body=b"{}")
        yield mock


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


def test_criteria_need_no_metadata(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """Columns that the package knows are filtered without asking for them, whether the archive could tell or not."""
    archive.replace(responses.POST, CONFIG, status=503)
    archive.post(INVOKE, body=recorded("tic.json"))
    assert len(Catalogs.query_criteria("TIC", Bmag=[30, 50], objType="STAR"))
    assert [call.request.url for call in archive.calls] == [INVOKE]


def test_metadata_that_fail_cost_no_query(archive: responses.RequestsMock) -> None:
    """A query does not depend on the archive's metadata (R1, B38)."""
    archive.replace(responses.POST, CONFIG, status=503)
    rows_of(archive, 3)
    assert len(CatalogsClass().query_region(M15, catalog="Galex")) == 3


def test_a_column_that_only_the_archive_knows_is_filtered_as_what_it_is(
    archive: responses.RequestsMock, recorded: Callable[[str], bytes]
) -> None:
    """What the package does not know is asked for: names from the configuration, kinds from the histograms."""
    client = CatalogsClass()
    new = {"newmag": {"text": "New", "vot.unit": "mag"}, "newflag": {"text": "Flag"}, "cx": {"remove": True}}
    archive.replace(responses.POST, CONFIG, json={**json.loads(recorded("ticcolumns.json")), **new})
    extjs = {"Fields": [], "Columns": [], "Rows": []}
    extjs["ExtendedProperties"] = {"discreteHistogram": {"newflag": {}}, "continuousHistogram": {"newmag": {}}}
    archive.post(INVOKE, json={"status": "COMPLETE", "data": {"Tables": [extjs]}})
    request = client.query_criteria("tic", newmag=[1, 2], newflag=[1, 2], get_query_payload=True)
    assert request["params"]["filters"] == [
        {"paramName": "newmag", "values": [{"min": 1, "max": 2}]},
        {"paramName": "newflag", "values": ["1", "2"]},
    ]
    with pytest.raises(InvalidQueryError, match="'cx' does not exist"):
        client.query_criteria("tic", cx=[1, 2])
    table = client.get_metadata("tic")
    assert {"ID", "newmag", "newflag"} <= set(table["Column Name"])
    assert "cx" not in table["Column Name"]
