"""Pan-STARRS, which is served by Catalogs.MAST: requests, tables, pages and failures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses
from astropy.coordinates import SkyCoord
from astroquery.exceptions import InvalidQueryError, MaxResultsWarning, NoResultsWarning, RemoteServiceError
from astroquery.mast import services as peer_services

from astroquery_mast import Catalogs, CatalogsClass, conf

PANSTARRS = "https://catalogs.mast.stsci.edu/api/v0.1/panstarrs"
M15 = SkyCoord(322.49324, 12.16683, unit="deg")
CONE = {"ra": 322.49324, "dec": 12.16683, "radius": 0.01}


@pytest.fixture
def archive() -> Iterator[responses.RequestsMock]:
    """Mock the real address of Catalogs.MAST."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def test_requests_have_columns_and_operators(archive: responses.RequestsMock) -> None:
    """The request is a flat dictionary of criteria, columns, order and page."""
    request = Catalogs.query_criteria(
        catalog="PANSTARRS",
        coordinates=M15,
        radius=0.01,
        table="mean",
        data_release="dr2",
        nStackDetections=[("gte", 2)],
        gMeanPSFMag="15..20",
        columns=["objname", "distance"],
        sort_by=[("desc", "distance")],
        pagesize=15,
        get_query_payload=True,
    )
    assert isinstance(request, dict)
    assert not archive.calls
    assert {name: request.pop(name) for name in CONE} == pytest.approx(CONE)
    assert request == {
        "nStackDetections.gte": 2,
        "gMeanPSFMag.gte": 15,
        "gMeanPSFMag.lte": 20,
        "columns": ["objName", "distance"],
        "sort_by": ["desc.distance"],
        "pagesize": 15,
        "page": 1,
    }


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({}, "dr2/mean"),
        ({"data_release": "DR1", "table": "Stack"}, "dr1/stack"),
        ({"table": "forced_mean"}, "dr2/forced_mean"),
        ({"Table": "detection"}, "dr2/detection"),
    ],
    ids=str,
)
def test_release_and_table_of_pan_starrs_are_in_the_address(
    archive: responses.RequestsMock, arguments: dict[str, Any], path: str
) -> None:
    """The release and the table are part of the address; a query by position needs no metadata."""
    archive.post(f"{PANSTARRS}/{path}.json", json={"info": [{"name": "objID", "type": "long"}], "data": [["12"]]})
    table = Catalogs.query_region(M15, catalog="Panstarrs", radius=0.01, **arguments)
    assert table["objID"].tolist() == [12]
    assert len(archive.calls) == 1


def test_the_columns_of_another_table_are_requested_once(
    archive: responses.RequestsMock, recorded: Callable[[str], bytes]
) -> None:
    """Criteria on a table unknown to the package are checked against MAST's list of columns."""
    client = CatalogsClass()
    metadata = archive.get(f"{PANSTARRS}/dr1/mean/metadata.json", body=recorded("panstarrs_columns.json"))
    for _ in range(2):
        request = client.query_criteria("panstarrs", data_release="dr1", RAMEAN=[1, 2], get_query_payload=True)
        assert (request["raMean.gte"], request["raMean.lte"]) == (1, 2)
    with pytest.raises(InvalidQueryError, match="Did you mean 'raMean'"):
        client.query_criteria("panstarrs", data_release="dr1", raMeen=[1, 2])
    assert metadata.call_count == 1
    assert len(client.get_metadata("panstarrs", data_release="dr1")) == 124


@pytest.mark.parametrize(
    ("answer", "text"), [({"status": 503}, "HTTP 503"), ({"body": b"<html>"}, "did not return JSON")]
)
def test_unverified_columns_are_not_sent(archive: responses.RequestsMock, answer: dict[str, Any], text: str) -> None:
    """Without a list of columns, criteria raise an error with the reason (B41); a query by position works."""
    archive.get(f"{PANSTARRS}/dr2/stack/metadata.json", **answer)
    archive.post(f"{PANSTARRS}/dr2/stack.json", json={"info": [{"name": "objID", "type": "long"}], "data": [["1"]]})
    client = CatalogsClass()
    with pytest.raises(RemoteServiceError, match=text):
        client.query_criteria("panstarrs", table="stack", gPSFMag=[1, 2])
    assert len(client.query_region(M15, catalog="panstarrs", table="stack")) == 1


def test_the_recorded_response_is_the_table_of_astroquery(
    archive: responses.RequestsMock, recorded: Callable[[str], bytes]
) -> None:
    """Identifiers sent as text become integers with all digits, and only null is masked."""
    archive.post(f"{PANSTARRS}/dr2/mean.json", body=recorded("panstarrs.json"))
    table = Catalogs.query_region(M15, catalog="panstarrs", table="mean", radius=0.002)
    document = json.loads(recorded("panstarrs.json"))
    peer = peer_services._json_to_table(document)
    assert table.colnames == peer.colnames
    assert [table[n].dtype.kind for n in table.colnames] == [peer[n].dtype.kind for n in peer.colnames]
    assert [list(row) for row in table] == [list(map(type_of, row, table.dtype.fields)) for row in document["data"]]
    assert not any(column.mask.any() for column in table.itercols())
    assert str(table["iMeanApMag"].unit) == "mag"
    assert table.meta["service"] == ["Catalogs.MAST panstarrs/dr2/mean"]


def type_of(value: Any, name: str) -> Any:
    """Return a value as the table holds it."""
    return int(value) if name == "objID" else value


def test_minus_999_is_a_value_and_null_is_masked(archive: responses.RequestsMock) -> None:
    """The catalog's own value for missing data is kept; only null is masked (T3, B14)."""
    info = [{"name": "gMeanPSFMag", "type": "float"}, {"name": "ng", "type": "short"}]
    archive.post(f"{PANSTARRS}/dr2/mean.json", json={"info": info, "data": [[-999.0, -999], [None, None]]})
    table = Catalogs.query_region(M15, catalog="panstarrs")
    assert table["gMeanPSFMag"].mask.tolist() == table["ng"].mask.tolist() == [False, True]
    assert (table["gMeanPSFMag"][0], table["ng"][0]) == (-999, -999)


def pan_starrs(archive: responses.RequestsMock, count: int, cap: int = 10**9, pages: bool = True) -> list[Any]:
    """Serve the given number of rows, at most ``cap`` in a page; return the list of requests."""
    seen: list[Any] = []

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        body = json.loads(request.body or b"")
        seen.append(body)
        size, page = min(body["pagesize"], cap), body["page"] if pages else 1
        rows = [[str(n)] for n in range(count)][(page - 1) * size : page * size]
        return 200, {}, json.dumps({"info": [{"name": "objID", "type": "long"}], "data": rows})

    archive.add_callback(responses.POST, f"{PANSTARRS}/dr2/mean.json", answer)
    return seen


@pytest.mark.parametrize(
    ("count", "cap", "expected"),
    [
        (7, 10**9, [(1, 10)]),
        (10, 10**9, [(1, 10), (2, 10)]),
        (25, 10**9, [(1, 10), (2, 10), (3, 10)]),
        (0, 10**9, [(1, 10)]),
    ],
)
def test_all_pages_are_requested(
    archive: responses.RequestsMock, count: int, cap: int, expected: list[tuple[int, int]]
) -> None:
    """Pages are requested until one is not full, because their number is unknown."""
    seen = pan_starrs(archive, count, cap)
    with conf.set_temp("pagesize", 10):
        if count:
            table = Catalogs.query_region(M15, catalog="panstarrs")
        else:
            with pytest.warns(NoResultsWarning):
                table = Catalogs.query_region(M15, catalog="panstarrs")
    assert table["objID"].tolist() == list(range(count))
    assert [(body["page"], body["pagesize"]) for body in seen] == expected


def test_a_lower_limit_of_the_server_does_not_end_paging(archive: responses.RequestsMock) -> None:
    """If a short page may be due to the server's own limit, the next page is requested."""
    seen = pan_starrs(archive, 250, cap=100)
    assert Catalogs.query_region(M15, catalog="panstarrs")["objID"].tolist() == list(range(250))
    assert [(body["page"], body["pagesize"]) for body in seen] == [(1, 50000), (2, 100), (3, 100)]


def test_a_repeated_page_ends_paging(archive: responses.RequestsMock) -> None:
    """A page that is sent twice ends the query, with a warning that there may be more rows."""
    pan_starrs(archive, 30, pages=False)
    with conf.set_temp("pagesize", 10), pytest.warns(MaxResultsWarning, match="returned page 1 again as page 2"):
        assert len(Catalogs.query_region(M15, catalog="panstarrs")) == 10


def test_pagesize_limits_the_rows(archive: responses.RequestsMock) -> None:
    """As in astroquery, pagesize without page is a row limit; a warning is issued if it is reached."""
    seen = pan_starrs(archive, 25)
    with pytest.warns(MaxResultsWarning, match="pagesize=15"):
        assert len(Catalogs.query_region(M15, catalog="panstarrs", pagesize=15)) == 15
    assert len(Catalogs.query_region(M15, catalog="panstarrs", pagesize=30)) == 25
    page = Catalogs.query_region(M15, catalog="panstarrs", pagesize=10, page=3)
    assert page["objID"].tolist() == list(range(20, 25))
    assert [body["page"] for body in seen] == [1, 1, 3]


def test_async_methods_return_one_response(archive: responses.RequestsMock) -> None:
    """As in astroquery, there is only one response, with a warning if there are more rows."""
    pan_starrs(archive, 12)
    response = Catalogs.query_region_async(M15, catalog="panstarrs", table="mean")
    assert isinstance(response, requests.Response)
    assert len(response.json()["data"]) == 12
    with conf.set_temp("pagesize", 10), pytest.warns(MaxResultsWarning, match="more than the 10 rows"):
        Catalogs.query_criteria_async("panstarrs", coordinates=M15, nDetections=">2")
    with pytest.warns(MaxResultsWarning, match="pagesize=5"):
        Catalogs.query_region_async(M15, catalog="panstarrs", pagesize=5)
    assert isinstance(Catalogs.query_region_async(M15, catalog="panstarrs", pagesize=5, page=2), requests.Response)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, InvalidQueryError), (500, RemoteServiceError), (503, RemoteServiceError)]
)
def test_errors_include_the_message_of_the_server(
    archive: responses.RequestsMock, status: int, kind: type[Exception]
) -> None:
    """Server errors and invalid queries are distinguished, and both include the server's message (B40)."""
    archive.post(f"{PANSTARRS}/dr2/mean.json", status=status, body="column gMeanPSFMagg is not known")
    with pytest.raises(kind, match="gMeanPSFMagg") as caught:
        Catalogs.query_region(M15, catalog="panstarrs")
    assert "MastMissions" not in str(caught.value)
    assert "dr2/mean" in str(caught.value)


def test_an_html_response_is_retried(archive: responses.RequestsMock) -> None:
    """An HTML page instead of JSON is retried."""
    archive.post(f"{PANSTARRS}/dr2/mean.json", body=b"<html>busy</html>")
    archive.post(f"{PANSTARRS}/dr2/mean.json", json={"info": [{"name": "objID", "type": "long"}], "data": [["1"]]})
    assert len(Catalogs.query_region(M15, catalog="panstarrs")) == 1
