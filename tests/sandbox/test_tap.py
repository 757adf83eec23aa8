"""The TAP services over HTTP: requests that pyvo does not send, refuses, or hides."""

from __future__ import annotations

import contextlib
import io
import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from xml.etree import ElementTree

import pytest
import requests
from astropy.io.votable import parse
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.server import shared_archive
from astroquery_mast.sandbox.vo import tap
from astroquery_mast.sandbox.vo.adql import QueryError
from astroquery_mast.sandbox.vo.holdings import engine

Ask = Callable[..., requests.Response]
Query = Callable[..., Table]

ADQL = {"LANG": "ADQL"}
OBSERVATIONS = "SELECT obs_id FROM dbo.obspointing"


@pytest.fixture(scope="session")
def ask(box: Sandbox, web: requests.Session) -> Ask:
    """Send a request to a TAP service without following redirects."""

    def send(path: str, method: str = "GET", **options: Any) -> requests.Response:
        address = f"{box.url}/vo-tap/api/v0.1/{path}"
        return web.request(method, address, timeout=30, allow_redirects=False, **options)

    return send


@pytest.fixture(scope="session")
def query(ask: Ask) -> Query:
    """Return the rows of a synchronous query."""

    def rows(adql: str, name: str = "caom", **params: object) -> Table:
        answer = ask(f"{name}/sync", "POST", data=ADQL | {"QUERY": adql} | params)
        assert answer.status_code == 200, answer.text
        return parse(io.BytesIO(answer.content)).get_first_table().to_table()

    return rows


def refusal(answer: requests.Response) -> str:
    """Return the message of a refused query."""
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/x-votable+xml"
    (info,) = parse(io.BytesIO(answer.content)).resources[0].infos
    assert info.value == "ERROR"
    return str(info.content)


@pytest.mark.parametrize(
    ("params", "place", "kind"),
    [
        ({"QUERY": OBSERVATIONS}, "lang", "missing"),
        ({"LANG": "SQL", "QUERY": OBSERVATIONS}, "lang", "enum"),
        (ADQL, "query", "missing"),
        (ADQL | {"QUERY": OBSERVATIONS, "MAXREC": "many"}, "maxrec", "int_parsing"),
        (ADQL | {"QUERY": OBSERVATIONS, "MAXREC": "-1"}, "maxrec", "int_parsing"),
        (ADQL | {"QUERY": OBSERVATIONS, "MAXREC": "100001"}, "maxrec", "less_than_equal"),
        (ADQL | {"QUERY": OBSERVATIONS, "FORMAT": "fits"}, "format", "enum"),
        (ADQL | {"QUERY": OBSERVATIONS, "RESPONSEFORMAT": "fits"}, "responseformat", "enum"),
        (ADQL | {"QUERY": OBSERVATIONS, "RUNID": "x" * 65}, "runid", "string_too_long"),
    ],
)
def test_bad_parameters_are_refused_in_json(ask: Ask, params: dict[str, str], place: str, kind: str) -> None:
    """Invalid parameters return status 422 and the JSON of FastAPI, in the query and in the body."""
    for method, how, where in ("GET", "params", "query"), ("POST", "data", "body"):
        answer = ask("caom/sync", method, **{how: params})
        assert answer.status_code == 422
        assert [(entry["loc"], entry["type"]) for entry in answer.json()["detail"]] == [([where, place], kind)]


def test_an_unknown_service_is_refused_with_the_list(ask: Ask) -> None:
    """The names are those in openapi.json."""
    answer = ask("nothing/sync", params=ADQL | {"QUERY": "SELECT 1"})
    names = ask("openapi.json").json()["components"]["schemas"]["CatalogName"]["enum"]
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["msg"] == "Input should be " + ", ".join(f"'{name}'" for name in names)
    assert {"caom", "tic", "mast_catalogs"} <= set(names)


@pytest.mark.parametrize("path", ["", "/nothing", "/tables/nothing", "/async/nothing", "/sync/nothing"])
def test_unknown_paths_are_not_found(ask: Ask, path: str) -> None:
    """Unknown paths return status 404 and JSON."""
    answer = ask(f"caom{path}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


def test_the_other_formats(ask: Ask) -> None:
    """Rows are also available in CSV, and in JSON with column metadata; nulls are empty or null."""
    params = ADQL | {"QUERY": "SELECT TOP 2 obs_id, t_min, srcden FROM dbo.obspointing ORDER BY obs_id"}
    table = ask("caom/sync", params=params | {"FORMAT": "csv"})
    decoded = ask("caom/sync", params=params | {"RESPONSEFORMAT": "json", "FORMAT": "csv"}).json()
    assert table.headers["Content-Type"].startswith("text/csv")
    lines = table.text.split("\r\n")
    assert lines[0] == "obs_id,t_min,srcden"
    assert lines[1:3] == [",".join("" if cell is None else str(cell) for cell in row) for row in decoded["data"]]
    assert [column["unit"] for column in decoded["info"]] == ["", "d", ""]
    assert decoded["data"][0][2] is None
    documents = {ask("caom/sync", params=params | {"FORMAT": name}).content for name in ("votable", "xml")}
    assert documents == {ask("caom/sync", params=params).content}


@pytest.mark.parametrize(
    ("adql", "message"),
    [
        ("SELECT obs_id FROM dbo.obspointing; DROP TABLE observation", "Only one statement"),
        ("DROP TABLE observation", "Only one statement"),
        ("INSERT INTO dbo.obspointing VALUES (1)", "Only one statement"),
        ("UPDATE dbo.obspointing SET obsid = 1", "Only one statement"),
        ("ATTACH 'x' AS y", "Incorrect syntax"),
        ("PRAGMA query_only = OFF", "Only one statement"),
        ("", "Only one statement"),
        ("SELECT * INTO x FROM dbo.obspointing", "INTO is not supported"),
        ("SELECT load_extension('x') FROM dbo.obspointing", "'LOAD_EXTENSION' is not a function"),
        ("SELECT adql_shuffled(1) FROM dbo.obspointing", "'ADQL_SHUFFLED' is not a function"),
        ("SELECT obs_id FROM archive.observation", "Invalid object name 'archive.observation'"),
        ("SELECT name FROM sqlite_master", "Invalid object name 'sqlite_master'"),
        ("SELECT obs_id FROM dbo.obspointing LIMIT 5", "Incorrect syntax"),
        ("SELECT TOP 5 PERCENT obs_id FROM dbo.obspointing", "not supported|syntax"),
        ("SELECT TOP x obs_id FROM dbo.obspointing", "an integer|syntax"),
        ("SELECT obs_id FROM dbo.obspointing WHERE obs_id LIKE 'a' ESCAPE '!'", "ESCAPE is not supported"),
        ("SELECT obs_id FROM dbo.obspointing WHERE s_ra < '<5'", "Error converting data type varchar to numeric"),
        ("SELECT obs_id FROM dbo.obspointing WHERE s_ra IN (1, 'x')", "Error converting data type varchar to numeric"),
        ("SELECT nothing FROM dbo.obspointing", "'nothing' could not be resolved"),
        ("SELECT obs_id FROM dbo.obspointing JOIN ivoa.obscore ON 1 = 1", "(?i)ambiguous|could not be resolved"),
        ("SELECT obs_id FROM" + "(" * 3000, "nested"),
        ("SELECT " + "1+" * 3000 + "1 FROM dbo.obspointing", "nested|cannot be answered"),
        ("SELECT " + " " * 500_000, "longer than"),
        ("SELECT 'x FROM dbo.obspointing", "Incorrect syntax"),
        ("SELECT \x00 FROM dbo.obspointing", "Incorrect syntax|resolved"),
    ],
)
def test_bad_queries_are_refused(ask: Ask, adql: str, message: str) -> None:
    """Anything but a single SELECT on the tables of the service returns an error in a VOTable."""
    assert re.search(message, refusal(ask("caom/sync", "POST", data=ADQL | {"QUERY": adql})))


TIC, CIRCLE = "POINT('ICRS', ra, dec)", "CIRCLE('ICRS', 1, 1, 1)"
CAOM = "POINT('ICRS', s_ra, s_dec)"


@pytest.mark.parametrize(
    ("name", "condition", "message"),
    [
        ("tic", f"CONTAINS({TIC}, POLYGON('ICRS', 1, 1, 2, 1, 2, 2)) = 1", "'POLYGON' is not a function"),
        ("tic", f"DISTANCE({TIC}, POINT('ICRS', 1, 1)) < 1", "'DISTANCE' is not a function"),
        ("tic", f"INTERSECTS({CIRCLE}, {CIRCLE}) = 1", "'INTERSECTS' is not a function"),
        ("tic", f"CONTAINS(POINT('GALACTIC', ra, dec), {CIRCLE}) = 1", "frame 'GALACTIC' is not supported"),
        ("tic", f"CONTAINS({TIC}, CIRCLE('ICRS', 1, 1)) = 1", "needs a center and a radius"),
        ("tic", f"CONTAINS(POINT('ICRS', ra), {CIRCLE}) = 1", "needs two coordinates"),
        ("tic", f"CONTAINS({CIRCLE}, {TIC}) = 1", "needs a POINT"),
        ("tic", f"CONTAINS({TIC}) = 1", "needs 2 arguments"),
        ("tic", f"{TIC} = 1", "may only be used within CONTAINS"),
        ("caom", f"CONTAINS({CAOM}, POLYGON('ICRS', 1, 1, 2, 2)) = 1", "at least three vertices"),
        ("caom", f"CONTAINS({CAOM}, POLYGON('ICRS', 1, 1, 2, 91, 2, 2)) = 1", "cannot be answered"),
    ],
)
def test_geometry_that_is_not_advertised_is_refused(ask: Ask, name: str, condition: str, message: str) -> None:
    """Geometry that is not in the capabilities, and invalid shapes, are errors."""
    table = {"tic": "dbo.catalogrecord", "caom": "dbo.obspointing"}[name]
    answer = ask(f"{name}/sync", params=ADQL | {"QUERY": f"SELECT * FROM {table} WHERE {condition}"})
    assert message in refusal(answer)


def test_rows_come_in_no_order(query: Query) -> None:
    """Without ORDER BY the order of rows, and the rows of TOP, depend only on the text of the query."""
    condition = "FROM dbo.obspointing WHERE obs_collection = 'JWST'"
    whole = list(query(f"SELECT obs_id {condition}")["obs_id"])
    other = list(query(f"SELECT obs_id  {condition}")["obs_id"])
    assert list(query(f"SELECT obs_id {condition}")["obs_id"]) == whole
    assert sorted(whole) == sorted(other)
    assert whole not in (other, sorted(whole), sorted(whole, reverse=True))
    pages = [list(query(f"SELECT TOP 100 obs_id {condition} OFFSET {start}")["obs_id"]) for start in range(0, 500, 100)]
    assert len(set().union(*pages)) < 500  # some are repeated, others are missing
    sorted_pages = [
        list(query(f"SELECT TOP 100 obs_id {condition} ORDER BY obsid OFFSET {start}")["obs_id"])
        for start in range(0, 500, 100)
    ]
    assert len(set().union(*sorted_pages)) == 500


@pytest.mark.parametrize(
    ("adql", "rows"),
    [
        ("SELECT DISTINCT TOP 2 obs_collection FROM dbo.obspointing", 2),
        ("SELECT obs_collection, COUNT(*) AS n, AVG(t_exptime) FROM dbo.obspointing GROUP BY obs_collection", 12),
        ("SELECT obs_collection FROM dbo.obspointing GROUP BY obs_collection HAVING COUNT(*) > 1000", 2),
        (
            "SELECT TOP 5 obs_id FROM dbo.obspointing WHERE project IN ('hst', 'JWST') AND s_ra BETWEEN 1 AND 300",
            5,
        ),
        ("SELECT TOP 5 obs_id FROM dbo.obspointing WHERE obs_id LIKE 'JW%' AND t_min IS NOT NULL", 5),
        ("SELECT obs_id FROM dbo.obspointing WHERE obsid = (SELECT MAX(obsid) FROM dbo.obspointing)", 1),
        (
            "SELECT TOP 5 o.obs_id FROM dbo.obspointing o WHERE EXISTS (SELECT 1 FROM ivoa.obscore c "
            "WHERE c.obs_id = o.obs_id)",
            5,
        ),
        ("SELECT TOP 5 CASE WHEN s_dec < 0 THEN 'south' ELSE 'north' END AS half FROM dbo.obspointing", 5),
        ("SELECT half, COUNT(*) FROM (SELECT FLOOR(s_dec / 90) AS half FROM dbo.obspointing) AS t GROUP BY half", 3),
        ("SELECT obs_collection FROM dbo.obspointing UNION SELECT collection FROM dbo.caomobservation", 12),
        ("SELECT TOP 3 a.obs_id FROM dbo.obspointing AS a LEFT JOIN dbo.caomplane AS b ON a.objid = b.planetid", 3),
        ("WITH few AS (SELECT TOP 7 obs_id FROM dbo.obspointing) SELECT * FROM few", 7),
        ("(SELECT TOP 2 obs_id FROM dbo.obspointing) UNION ALL (SELECT TOP 3 obs_id FROM ivoa.obscore)", 5),
        ("SELECT TOP 2 obs_id FROM dbo.obspointing UNION ALL SELECT TOP 3 obs_id FROM ivoa.obscore ORDER BY obs_id", 5),
        ("SELECT COUNT(*) FROM obspointing", 1),
        ('SELECT TOP 1 "OBS_ID" AS "Number" FROM "DBO"."ObsPointing" -- in any case', 1),
        ("SELECT 7 / 2, ROUND(PI(), 2), POWER(2, 3), MOD(7, 4), SQRT(-1), ABS(-1), ATAN2(1, 1)", 1),
    ],
)
def test_queries_of_many_forms(query: Query, adql: str, rows: int) -> None:
    """All features of ADQL work."""
    table = query(adql)
    assert len(table) == rows
    assert table.colnames == [name.lower() for name in table.colnames]


def test_long_conditions(query: Query) -> None:
    """Many alternatives do not count as nesting, and lists can have thousands of values."""
    ids = [int(row["obsid"]) for row in query("SELECT TOP 5000 obsid FROM dbo.obspointing")]
    chained = " OR ".join(f"obsid = {number}" for number in ids[:500])
    assert len(query(f"SELECT obsid FROM dbo.obspointing WHERE {chained}")) == 500
    listed = ", ".join(map(str, ids))
    assert len(query(f"SELECT obsid FROM dbo.obspointing WHERE obsid IN ({listed})")) == 5000


def test_computed_values(query: Query) -> None:
    """Integer division is that of SQL Server, text comparison is not case-sensitive, mathematics is standard."""
    (row,) = query(
        "SELECT 7 / 2 AS a, 7 / 2.0 AS b, ROUND(PI(), 2) AS c, POWER(2, 3) AS d, SQRT(-1) AS e, 'a' || 'b' AS f"
    )
    assert tuple(row[name] for name in "abcdf") == (3, 3.5, 3.14, 8, "ab")
    assert row["e"] == ""
    (counts,) = query("SELECT COUNT(*) AS n FROM dbo.obspointing WHERE obs_collection = 'jwst' OR obs_id LIKE 'JW0%'")
    (wanted,) = query("SELECT COUNT(*) AS n FROM dbo.obspointing WHERE obs_collection = 'JWST' OR obs_id LIKE 'jw0%'")
    assert counts["n"] == wanted["n"] > 1000


def test_a_polygon_contains_the_centers_inside(query: Query) -> None:
    """A polygon across RA 0, in either vertex order, contains the centers inside it."""
    inside = "SELECT COUNT(*) AS n FROM dbo.obspointing WHERE CONTAINS(POINT('ICRS', s_ra, s_dec), {}) = 1"
    box = "SELECT COUNT(*) AS n FROM dbo.obspointing WHERE s_dec BETWEEN 46 AND 48 AND s_ra BETWEEN 201 AND 203"
    polygon = "POLYGON('ICRS', 201, 46, 203, 46, 203, 48, 201, 48)"
    turned = "POLYGON('ICRS', 201, 48, 203, 48, 203, 46, 201, 46)"
    counts = {int(query(adql)["n"][0]) for adql in (inside.format(polygon), inside.format(turned), box)}
    assert len(counts) == 1
    assert counts.pop() > 100


def test_a_hundred_thousand_rows_are_the_maximum(ask: Ask) -> None:
    """TOP and MAXREC cannot exceed the limit; an overflow is reported after the table."""
    adql = "SELECT TOP 150000 artifactid FROM dbo.caomartifact, tap_schema.schemas"  # 150,000 and some
    answer = ask("caom/sync", params=ADQL | {"QUERY": adql})
    result = parse(io.BytesIO(answer.content)).resources[0]
    assert len(result.tables[0].array) == 100_000
    assert [info.value for info in result.infos if info.name == "QUERY_STATUS"] == ["OK", "OVERFLOW"]


def test_results_without_rows(ask: Ask) -> None:
    """TOP 0 and MAXREC 0 return columns only; only the latter is an overflow."""
    for adql, params, status in (
        ("SELECT TOP 0 * FROM dbo.obspointing", {}, "OK"),
        ("SELECT * FROM dbo.obspointing", {"MAXREC": "0"}, "OVERFLOW"),
    ):
        result = parse(io.BytesIO(ask("caom/sync", params=ADQL | {"QUERY": adql} | params).content)).resources[0]
        assert (len(result.tables[0].array), len(result.tables[0].fields)) == (0, 33)
        assert [info.value for info in result.infos if info.name == "QUERY_STATUS"][-1] == status


UWS = {"uws": "http://www.ivoa.net/xml/UWS/v1.0"}


@pytest.fixture
def job(ask: Ask) -> str:
    """The path of a new job."""
    answer = ask("caom/async", "POST", data=ADQL | {"QUERY": OBSERVATIONS, "RUNID": "mine", "MAXREC": "3"})
    assert answer.status_code == 303
    return answer.headers["Location"].partition("/v0.1/")[2]


def test_the_parts_of_a_job(ask: Ask, job: str) -> None:
    """Each part is plain text; results exist once the job is completed, and there is no error."""
    parts = {name: ask(f"{job}/{name}").text for name in ("phase", "quote", "owner", "executionduration")}
    assert parts == {"phase": "PENDING", "quote": "", "owner": "", "executionduration": "600"}
    assert ask(f"{job}/destruction").text.endswith("Z")
    assert 'id="QUERY">SELECT obs_id' in ask(f"{job}/parameters").text
    assert ask(f"{job}/results/result").status_code == ask(f"{job}/error").status_code == 404
    started = ask(f"{job}/phase", "POST", data={"PHASE": "RUN"})
    assert (started.status_code, started.headers["Location"].partition("/v0.1/")[2]) == (303, job)
    document = ElementTree.fromstring(ask(job, params={"WAIT": "30"}).content)
    assert document.findtext("uws:phase", None, UWS) == "COMPLETED"
    assert document.findtext("uws:runId", None, UWS) == "mine"
    result = document.find("uws:results/uws:result", UWS)
    assert result is not None
    address = result.get("{http://www.w3.org/1999/xlink}href", "")
    assert address.endswith(f"{job}/results/result")
    table = parse(io.BytesIO(ask(address.partition("/v0.1/")[2]).content)).resources[0]
    assert (len(table.tables[0].array), table.infos[-1].value) == (3, "OVERFLOW")
    assert ask(f"{job}/error").status_code == 404


def test_a_job_may_start_at_once(ask: Ask) -> None:
    """PHASE=RUN in the submission saves a request."""
    location = ask("caom/async", "POST", data=ADQL | {"QUERY": "SELECT TOP 1 x FROM y", "PHASE": "RUN"}).headers[
        "Location"
    ]
    job = location.partition("/v0.1/")[2]
    assert "<uws:phase>ERROR</uws:phase>" in ask(job, params={"WAIT": "-1"}).text
    assert "Invalid object name 'y'" in ask(f"{job}/error").text


@pytest.mark.parametrize(
    ("part", "data", "kind"),
    [
        ("phase", {"PHASE": "SLEEP"}, "enum"),
        ("phase", {}, "missing"),
        ("destruction", {"DESTRUCTION": "tomorrow"}, "datetime_parsing"),
        ("executionduration", {"EXECUTIONDURATION": "long"}, "int_parsing"),
        ("parameters", {"MAXREC": "100001"}, "less_than_equal"),
    ],
)
def test_bad_changes_of_a_job_are_refused(ask: Ask, job: str, part: str, data: dict[str, str], kind: str) -> None:
    """Invalid changes return status 422, and the job is unchanged."""
    answer = ask(f"{job}/{part}", "POST", data=data)
    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, kind)
    assert ask(f"{job}/phase").text == "PENDING"


def test_a_job_that_has_run_takes_no_parameters(ask: Ask, job: str) -> None:
    """The query of a job cannot be changed after it has run."""
    ask(f"{job}/phase", "POST", data={"PHASE": "RUN"})
    ask(job, params={"WAIT": "-1"})
    assert ask(f"{job}/parameters", "POST", data={"QUERY": "SELECT 1"}).status_code == 422


def test_a_long_poll_ends_with_the_phase_and_with_its_time(box: Sandbox, ask: Ask) -> None:
    """WAIT ends when the phase differs from the one the client knows; otherwise it lasts for the requested time."""
    box.faults.add("vo_tap", Fault.job("EXECUTING"), where=lambda record: record.path.endswith("/async"))
    data = ADQL | {"QUERY": OBSERVATIONS, "PHASE": "RUN"}
    job = ask("caom/async", "POST", data=data).headers["Location"].partition("/v0.1/")[2]
    assert "EXECUTING" in ask(job, params={"WAIT": "30", "PHASE": "QUEUED"}).text
    assert ask(job, params={"WAIT": "1"}).elapsed.total_seconds() > 0.9
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, job, params={"WAIT": "-1"})
        ask(f"{job}/phase", "POST", data={"PHASE": "ABORT"})
        assert "ABORTED" in waiting.result(timeout=20).text


@pytest.mark.parametrize(("method", "data"), [("DELETE", None), ("POST", {"ACTION": "DELETE"})])
def test_a_deleted_job_is_gone(ask: Ask, job: str, method: str, data: dict[str, str] | None) -> None:
    """Both ways of deletion redirect to the list, which does not contain the job."""
    answer = ask(job, method, data=data)
    assert (answer.status_code, answer.headers["Location"].partition("/v0.1/")[2]) == (303, "caom/async")
    assert ask(job).status_code == 404
    assert job.rpartition("/")[2] not in ask("caom/async").text


def test_a_job_past_its_destruction_is_gone(ask: Ask, job: str) -> None:
    """A destruction time in the past deletes the job."""
    ask(f"{job}/destruction", "POST", data={"DESTRUCTION": "2020-01-01T00:00:00Z"})
    assert ask(job).status_code == 404


def test_jobs_of_other_services_are_not_seen(ask: Ask, job: str) -> None:
    """A job belongs to the service where it was created."""
    assert ask(job.replace("caom", "tic")).status_code == 404


def test_reset_deletes_jobs(box: Sandbox, ask: Ask, job: str) -> None:
    """A reset deletes the jobs of earlier tests."""
    box.reset()
    assert ask(job).status_code == 404


@pytest.fixture(scope="module")
def big() -> Iterator[str]:
    """The URL of a service with a large table and a small limit."""
    sandbox = Sandbox(tap_rows=30_000, tap_limit=20_000).serve()
    yield f"{sandbox.url}/vo-tap/api/v0.1/mast_catalogs/sync"
    sandbox.stop()


def test_a_large_result_is_streamed(big: str, web: requests.Session) -> None:
    """A large result is chunked, and ends with its status; a small one has a length."""
    adql = "SELECT id, ra, dec FROM big.source ORDER BY id"
    answer = web.get(big, params=ADQL | {"QUERY": adql}, timeout=60)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    result = parse(io.BytesIO(answer.content)).resources[0]
    assert result.tables[0].array["id"].tolist() == [*range(1000, 1000 + 7 * 20_000, 7)]
    assert result.infos[-1].value == "OVERFLOW"
    few = web.get(big, params=ADQL | {"QUERY": "SELECT COUNT(*) AS n FROM big.source"}, timeout=60)
    assert int(few.headers["Content-Length"]) == len(few.content)
    assert parse(io.BytesIO(few.content)).get_first_table().array["n"][0] == 30_000
    assert web.head(big, params=ADQL | {"QUERY": adql}, timeout=60).content == b""
    assert web.get(big, params=ADQL | {"QUERY": adql, "MAXREC": "30000"}, timeout=60).status_code == 422


def test_a_large_result_may_be_left_unread(big: str, web: requests.Session) -> None:
    """A client that disconnects is not an error, and the next request succeeds."""
    with web.get(big, params=ADQL | {"QUERY": "SELECT * FROM big.source"}, timeout=60, stream=True) as answer:
        next(answer.iter_content(100))
    few = web.get(big, params=ADQL | {"QUERY": "SELECT TOP 5 * FROM big.source"}, timeout=60)
    assert len(parse(io.BytesIO(few.content)).get_first_table().array) == 5


def test_a_fault_applies_to_a_streamed_result(web: requests.Session) -> None:
    """A fault that changes a response receives all of it."""
    sandbox = Sandbox(tap_rows=30_000).serve()
    address = f"{sandbox.url}/vo-tap/api/v0.1/mast_catalogs/sync"
    params = ADQL | {"QUERY": "SELECT id FROM big.source"}
    sandbox.faults.add("vo_tap", Fault.truncate_json())
    half, whole = (web.get(address, params=params, timeout=60).content for _ in range(2))
    assert len(half) == len(whole) // 2
    assert whole.startswith(half)
    sandbox.stop()


def test_the_big_table_is_optional(ask: Ask) -> None:
    """A sandbox without it does not list it."""
    assert "big.source" not in ask("mast_catalogs/tables").text


ENDLESS = "SELECT COUNT(*) FROM dbo.caomartifact AS a, dbo.caomartifact AS b, dbo.caomartifact AS c"


def test_a_query_that_takes_too_long_ends_at_the_gateway(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A synchronous query that takes too long returns the HTML page of a gateway, and is stopped."""
    monkeypatch.setattr(tap, "LONGEST", 0.05)
    answer = ask("caom/sync", params=ADQL | {"QUERY": ENDLESS})
    assert (answer.status_code, answer.headers["Content-Type"]) == (504, "text/html")


def test_a_job_that_takes_too_long_is_stopped(ask: Ask) -> None:
    """EXECUTIONDURATION limits a job, and ABORT stops a running one."""
    data = ADQL | {"QUERY": ENDLESS, "PHASE": "RUN"}
    slow, slower = (
        ask("caom/async", "POST", data=data | {"EXECUTIONDURATION": seconds}).headers["Location"].partition("/v0.1/")[2]
        for seconds in ("1", "600")
    )
    assert ask(f"{slower}/phase").text == "EXECUTING"
    ask(f"{slower}/phase", "POST", data={"PHASE": "ABORT"})
    assert ask(f"{slower}/phase").text == "ABORTED"
    assert "took longer than 1 s" in ask(slow, params={"WAIT": "30"}).text


@pytest.mark.parametrize(
    "sql",
    [
        'DELETE FROM "tap_schema.tables"',
        'DROP TABLE "tap_schema.tables"',
        "CREATE TEMP TABLE x (y)",
        "ATTACH ':memory:' AS other",
        "DETACH archive",
        "PRAGMA query_only = OFF",
        "SELECT load_extension('x')",
    ],
)
def test_the_database_is_read_only(box: Sandbox, sql: str) -> None:
    """The database itself refuses statements that write."""
    with (
        engine(box.archive, "caom").connection() as connection,
        pytest.raises(sqlite3.DatabaseError, match=r"not authorized|prohibited|readonly"),
    ):
        connection.execute(sql).fetchall()


WORDS = [
    *(
        "SELECT",
        "TOP",
        "5",
        "-1",
        "*",
        "obs_id",
        "s_ra",
        "FROM",
        "dbo.obspointing",
        "ivoa.obscore",
        "AS",
        "a",
        "b",
        ",",
    ),
    *("(", ")", "WHERE", "=", "<", "'x'", "NULL", "IS", "NOT", "AND", "OR", "IN", "LIKE", "BETWEEN", "GROUP", "BY"),
    *("ORDER", "HAVING", "COUNT(*)", "MAX", "JOIN", "LEFT", "NATURAL", "ON", "USING", "UNION", "ALL", "DISTINCT"),
    *("CONTAINS", "POINT", "CIRCLE", "CASE", "WHEN", "THEN", "END", "OFFSET", "WITH", "EXISTS", "CAST", "INTEGER", "+"),
    *("/", "||", '"q"', ".", ";", "--", "/*", "LIMIT", "@x", ":y", "?", "[", "]", "{", "#", "%", "~", "\\", "`", "1e5"),
    *("0x1", "é", "\0"),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12), st.integers(0, 8))
def test_any_query_is_answered_or_refused(words: list[str], place: int) -> None:
    """No query raises an unexpected error."""
    begin = ["SELECT", "TOP", "5", "obs_id", "FROM", "dbo.obspointing", "WHERE", "s_ra", "<", "5"]
    with contextlib.suppress(QueryError):
        list(engine(shared_archive(), "caom").answer(" ".join([*begin[:place], *words, *begin[place:]]), 100, 2.0).rows)
