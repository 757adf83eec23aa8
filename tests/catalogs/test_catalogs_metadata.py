"""The columns of catalogs: those known to the package, and those requested from MAST."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
import responses
from astropy.coordinates import SkyCoord
from astroquery.exceptions import (
    InvalidQueryError,
)
from mashup_answers import INVOKE, rows_of

from astroquery_mast import Catalogs, CatalogsClass

CONFIG = "https://mast.stsci.edu/portal/Mashup/Mashup.asmx/columnsconfig"
M15 = SkyCoord(322.49324, 12.16683, unit="deg")


@pytest.fixture
def archive() -> Iterator[responses.RequestsMock]:
    """Mock MAST's real addresses."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(CONFIG, body=b"{}")
        yield mock


def test_criteria_need_no_metadata(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """Criteria on known columns need no request for metadata."""
    archive.replace(responses.POST, CONFIG, status=503)
    archive.post(INVOKE, body=recorded("tic.json"))
    assert len(Catalogs.query_criteria("TIC", Bmag=[30, 50], objType="STAR"))
    assert [call.request.url for call in archive.calls] == [INVOKE]


def test_failed_metadata_do_not_affect_queries(archive: responses.RequestsMock) -> None:
    """A query succeeds if MAST's metadata are unavailable (R1, B38)."""
    archive.replace(responses.POST, CONFIG, status=503)
    rows_of(archive, 3)
    assert len(CatalogsClass().query_region(M15, catalog="Galex")) == 3


def test_an_unknown_column_is_looked_up(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """The name of an unknown column is taken from MAST's list, and its kind from the histograms."""
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
