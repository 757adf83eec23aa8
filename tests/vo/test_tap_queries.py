"""Synchronous ADQL queries: the requests and the results."""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
import pytest
import responses
from astropy.table import Column, MaskedColumn
from astroquery.exceptions import InputWarning, InvalidQueryError, MaxResultsWarning, NoResultsWarning
from tap_catalogs import Serve, queries, sources

from astroquery_mast import VO, Observations, VOClass, conf
from astroquery_mast.exceptions import BadRequestError, InvalidArgumentError, InvalidResponseError
from astroquery_mast.sandbox import Sandbox

query: Any = VO.query_tap
SOME = "SELECT id, name, ra, mag FROM dbo.sources WHERE id < 8 ORDER BY id"
URL = "https://tap.example/base"


def recorded(name: str) -> bytes:
    """Return a document of pyvo's own tests."""
    return (resources.files("pyvo.dal.tests") / "data" / name).read_bytes()


def test_a_result_has_units_descriptions_and_masks(serve: Serve) -> None:
    """Every column has its metadata; only missing values are masked."""
    catalog = serve(sources(100))
    table = query(SOME, catalog=catalog)
    assert list(table["id"]) == list(range(8))
    assert (table["id"].dtype.kind, table["name"].dtype.kind, table["mag"].dtype.kind) == ("i", "U", "f")
    assert (table["ra"].unit, table["mag"].unit) == ("deg", "mag")
    assert table["id"].description == "Number of the source"
    assert table["ra"].meta["ucd"] == "pos.eq.ra;meta.main"
    assert list(np.flatnonzero(table["mag"].mask)) == [0, 7]
    assert table.meta == {
        "adql": SOME,
        "service": f"{conf.server}/vo-tap/api/v0.1/{catalog}",
        "mode": "sync",
        "overflow": False,
    }


@pytest.mark.parametrize("names", [["a", "b"], ["a", None], [None, None], ["", "bb"], ["it's <&>", "日本"]])
def test_text_columns_are_strings(serve: Serve, names: list[str | None]) -> None:
    """Text columns have a string dtype, as in other queries, and NULL is masked."""
    table = query(
        "SELECT name FROM dbo.sources ORDER BY id", catalog=serve([(k, n, 1.0, 2.0, 3.0) for k, n in enumerate(names)])
    )
    column = table["name"]
    assert column.dtype.kind == "U"
    assert isinstance(column, MaskedColumn if None in names or "" in names else Column)
    assert [None if cell is np.ma.masked else str(cell) for cell in column] == [name or None for name in names]


def test_tap_returns_the_same_observations_as_the_portal(mast_sandbox: Sandbox) -> None:
    """Two services of MAST agree on values and missing values."""
    by_portal: Any = Observations.query_criteria(obs_collection="JWST")
    columns = "obsid, obs_id, t_exptime, filters, s_ra"
    by_tap = query(f"SELECT {columns} FROM dbo.obspointing WHERE obs_collection = 'JWST'")
    by_portal.sort("obsid")
    by_tap["obsid"] = by_tap["obsid"].astype(str)
    by_tap.sort("obsid")
    for name in columns.split(", "):
        mine, theirs = by_tap[name], by_portal[name]
        assert list(np.ma.filled(mine, mine.dtype.type(0))) == list(np.ma.filled(theirs, theirs.dtype.type(0))), name


@pytest.mark.parametrize("options", [{"maxrec": 10}, {"limit": 10}, {"limit": 10, "maxrec": 50}])
def test_more_rows_than_the_limit_cause_a_warning(serve: Serve, options: dict[str, int]) -> None:
    """The warning also occurs if the user sets the limit, where pyvo does not warn."""
    catalog = serve(sources(100))
    with pytest.warns(MaxResultsWarning, match="more than these 10 rows"):
        table = query("SELECT * FROM dbo.sources", catalog=catalog, **options)
    assert len(table) == 10
    assert table.meta["overflow"]


def test_exactly_as_many_rows_as_the_limit_cause_no_warning(serve: Serve) -> None:
    """The service reports whether there are more rows."""
    assert len(query("SELECT * FROM dbo.sources", catalog=serve(sources(10)), maxrec=10)) == 10


def test_an_empty_result_causes_a_warning(serve: Serve) -> None:
    """The empty table has its columns."""
    with pytest.warns(NoResultsWarning):
        table = query("SELECT id, mag FROM dbo.sources WHERE id < 0", catalog=serve(sources(10)))
    assert table.colnames == ["id", "mag"]


@pytest.mark.parametrize(
    ("adql", "message"),
    [("SELECT idd FROM dbo.sources", "idd"), ("SELECT FROM", "syntax|query"), ("SELECT 1 FROM nowhere", "nowhere")],
)
def test_a_rejected_query_raises_the_message_of_the_service(
    mast_sandbox: Sandbox, serve: Serve, adql: str, message: str
) -> None:
    """The query is neither repeated nor sent as a job."""
    catalog = serve(sources(3))
    with pytest.raises(InvalidQueryError, match=message) as caught:
        query(adql, catalog=catalog)
    assert isinstance(caught.value, BadRequestError)
    # Tables and columns are requested for the advice.
    assert len([record for record in queries(mast_sandbox) if b"tap_schema" not in record.body]) == 1


@pytest.mark.parametrize("adql", ["", "  ", None, 5, ["SELECT 1"], b"SELECT 1"])
def test_a_value_that_is_not_a_query_is_not_sent(mast_sandbox: Sandbox, adql: Any) -> None:
    """The error says what is required."""
    with pytest.raises(InvalidArgumentError, match="adql must be a query that starts with SELECT, got"):
        query(adql)
    assert not mast_sandbox.requests.of("vo_tap")


def test_get_query_payload_returns_the_request(mast_sandbox: Sandbox) -> None:
    """The payload is the request that would be sent."""
    payload = query(SOME, maxrec=7, get_query_payload=True)
    assert payload == {
        "url": f"{mast_sandbox.url}/vo-tap/api/v0.1/caom/sync",
        "REQUEST": "doQuery",
        "LANG": "ADQL",
        "MAXREC": 7,
        "QUERY": SOME,
    }
    assert query(SOME, run_async=True, get_query_payload=True)["url"].endswith("/caom/async")
    assert not mast_sandbox.requests.of("vo_tap")


def test_no_token_is_sent(mast_sandbox: Sandbox) -> None:
    """No token is sent, even if the user is logged in, with queries or jobs."""
    client: Any = VOClass()
    client.login(mast_sandbox.token)
    for run_async in False, True:
        client.query_tap("SELECT TOP 1 obs_id FROM dbo.obspointing", run_async=run_async)
    records = mast_sandbox.requests.of("vo_tap")
    assert len(records) > 5
    assert not [record for record in records if {"authorization", "cookie"} & {name.lower() for name in record.headers}]


def test_a_long_query_is_sent(serve: Serve) -> None:
    """A long list of identifiers is sent in the body of a request."""
    wanted = ", ".join(map(str, range(0, 40_000, 2)))
    assert len(query(f"SELECT id FROM dbo.sources WHERE id IN ({wanted})", catalog=serve(sources(100)))) == 50


@pytest.mark.parametrize("kind", ["overflowstatus", "basic", "tableinfo", "rootinfo"])
@responses.activate
def test_recorded_results_of_other_services_are_read(kind: str) -> None:
    """The status is found anywhere in a document."""
    responses.post(f"{URL}/sync", recorded(f"query/{kind}.xml"))
    if kind == "overflowstatus":
        with pytest.warns(MaxResultsWarning):
            table = query("SELECT 1", service=URL)
    else:
        table = query("SELECT 1", service=URL)
    assert len(table.colnames) > 0


@pytest.mark.parametrize("kind", ["missingtable", "missingresource", "missingcolumns"])
@responses.activate
def test_recorded_documents_without_a_table_raise(kind: str) -> None:
    """The error describes the document."""
    responses.post(f"{URL}/sync", recorded(f"query/{kind}.xml"))
    with pytest.raises(InvalidResponseError):
        query("SELECT 1", service=URL)


@responses.activate
def test_a_recorded_error_raises() -> None:
    """An error with HTTP status 200 is recognized."""
    responses.post(f"{URL}/sync", recorded("query/errorstatus.xml"))
    with pytest.raises(InvalidQueryError, match=r"refused the query: ERROR\."):
        query("SELECT 1", service=URL)


@responses.activate
def test_recorded_observations_of_another_archive_are_read() -> None:
    """An ObsCore document keeps its units."""
    responses.post(f"{URL}/sync", recorded("tap/obscore-image.xml"))
    table = query("SELECT 1", service=URL)
    assert len(table) == 10
    assert table["s_ra"].unit == "deg"


@pytest.mark.usefixtures("mast_sandbox")
def test_wavelengths_have_the_correct_unit() -> None:
    """The service declares nanometers as meters in one table; if two tables are joined, no unit is set."""
    where = "WHERE o.obs_id = 'j97c01010'"
    pointing = VO.query_tap(f"SELECT o.em_min AS shortest, o.s_ra FROM dbo.obspointing AS o {where}")
    assert pointing["shortest"].unit == "nm"
    assert pointing["s_ra"].unit == "deg"
    obscore = VO.query_tap(f"SELECT o.em_min FROM ivoa.obscore AS o {where}")
    assert obscore["em_min"].unit == "m"
    assert obscore["em_min"].quantity[0].to_value("nm") == pytest.approx(pointing["shortest"][0])
    columns = VO.list_columns("dbo.obspointing")
    assert set(columns["unit"][np.isin(columns["column_name"], ["em_min", "em_max"])]) == {"nm"}
    with pytest.warns(InputWarning, match=r"'em_min', 'shortest': in nm if from dbo.obspointing, in m if"):
        both = VO.query_tap(
            "SELECT c.em_min, o.em_min AS shortest FROM dbo.obspointing AS o "
            f"JOIN ivoa.obscore AS c ON c.obs_id = o.obs_id {where}"
        )
    assert {both["em_min"].unit, both["shortest"].unit} == {None}
