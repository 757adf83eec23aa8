"""Catalogs.MAST over HTTP: rows, conditions, order, pages, formats, column descriptions, and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
import requests
from astropy.io.votable import parse_single_table

from astroquery_mast.sandbox import Fault, Sandbox

M51 = {"ra": 202.469575, "dec": 47.195258, "radius": 0.05}
TABLES = ["dr1/mean", "dr1/stack", "dr1/forced_mean", "dr2/mean", "dr2/stack", "dr2/detection", "dr2/forced_mean"]

Ask = Callable[..., requests.Response]


def recorded(name: str) -> Any:
    """Return a recorded response of Catalogs.MAST from the tests of astroquery."""
    return json.loads((files("astroquery.mast.tests") / "data" / name).read_text())


@pytest.fixture(scope="session")
def ask(box: Sandbox, web: requests.Session) -> Ask:
    """Send a request to Catalogs.MAST."""

    def get(path: str, method: str = "GET", **options: Any) -> requests.Response:
        return web.request(method, f"{box.url}/api/v0.1/panstarrs/{path}", timeout=30, **options)

    return get


def rows(answer: requests.Response) -> list[dict[str, Any]]:
    """Return the rows as dictionaries by column."""
    assert answer.status_code == 200, answer.text
    names = [column["name"] for column in answer.json()["info"]]
    return [dict(zip(names, row, strict=True)) for row in answer.json()["data"]]


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_rows(ask: Ask, table: str) -> None:
    """Each table has rows around a position, with the distance in degrees last, and long integers as text."""
    answer = ask(f"{table}.json", params=M51)
    found = rows(answer)
    info = answer.json()["info"]
    assert set(answer.json()) == {"info", "data"}
    assert found
    assert info[-1]["name"] == "distance"
    assert all(0 <= row["distance"] <= M51["radius"] for row in found)
    long = [column["name"] for column in info if column["type"] == "long"]
    assert "objID" in long
    assert all(isinstance(row[name], str) and row[name].lstrip("-").isdigit() for row in found for name in long)


def test_the_response_matches_the_recorded_one(ask: Ask) -> None:
    """``info`` describes the columns in the order of the rows, as in the recorded response."""
    theirs = recorded("panstarrs.json")
    columns = [column["name"] for column in theirs["info"]]
    mine = ask("dr2/mean.json", params=M51 | {"columns": columns}).json()
    keys = ("type", "db_type")
    assert [column["name"].lower() for column in mine["info"]] == [name.lower() for name in columns]
    assert [[a[key] for key in keys] for a in mine["info"]] == [[b[key] for key in keys] for b in theirs["info"]]
    assert [type(cell) for cell in mine["data"][0]] == [type(cell) for cell in theirs["data"][0]]


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_metadata_match_the_recorded_ones(ask: Ask, suffix: str) -> None:
    """The mean table has the recorded columns, types, units, and positions; all values are text."""
    mine, theirs = ask(f"dr2/mean/metadata{suffix}").json(), recorded("panstarrs_columns.json")
    assert [list(column) for column in mine] == [list(column) for column in theirs]
    keys = ("name", "db_type", "column_name", "unit", "type", "datatype", "size", "arraysize", "column_index")
    assert [[column[key] for key in keys] for column in mine] == [[column[key] for key in keys] for column in theirs]
    assert {type(value) for column in mine for value in column.values()} == {str}


@pytest.mark.parametrize("table", TABLES)
def test_metadata_are_those_of_the_rows(ask: Ask, table: str) -> None:
    """The described columns are the returned ones."""
    described = [column["name"] for column in ask(f"{table}/metadata.json").json()]
    sent = [column["name"] for column in ask(f"{table}.json", params={"pagesize": 1}).json()["info"]]
    assert sent == described


def test_four_ways_to_query(ask: Ask) -> None:
    """A query may be in the URL, in a form, or in JSON, and GET and POST return the same."""
    query: dict[str, Any] = {**M51, "nDetections.gte": 50, "columns": ["objName", "objID", "distance"]}
    query["sort_by"] = ["asc.distance"]
    answers = [
        ask("dr2/mean.json", params=query),
        ask("dr2/mean.json", "POST", params=query),
        ask("dr2/mean.json", "POST", data=query),
        ask("dr2/mean.json", "POST", json=query),
        ask("DR2/Mean", "POST", json=query),
    ]
    assert len({answer.text for answer in answers}) == 1
    assert len(rows(answers[0])) > 3


CONDITIONS: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
    ({"gMeanPSFMag.lt": 18}, lambda row: row["gMeanPSFMag"] < 18),
    ({"gMeanPSFMag.max": "18", "gMeanPSFMag.min": 15}, lambda row: 15 <= row["gMeanPSFMag"] <= 18),
    ({"gMeanPSFMag.gt": 15, "rMeanPSFMag.lte": 18}, lambda row: row["gMeanPSFMag"] > 15 and row["rMeanPSFMag"] <= 18),
    ({"qualityflag": 60}, lambda row: row["qualityFlag"] == 60),
    ({"ng": [9, 10, 11]}, lambda row: row["ng"] in {9, 10, 11}),
    ({"ng.neq": 10}, lambda row: row["ng"] != 10),
    ({"ng.eq": "10"}, lambda row: row["ng"] == 10),
    ({"objName.like": "PSO J202.4%"}, lambda row: row["objName"].startswith("PSO J202.4")),
    ({"objName.contains": "j202.4"}, lambda row: "J202.4" in row["objName"]),
    ({"yMeanPSFMag": -999}, lambda row: row["yMeanPSFMag"] == -999),
]


@pytest.mark.parametrize(("conditions", "passes"), CONDITIONS, ids=lambda value: str(value)[:50])
def test_conditions(ask: Ask, conditions: dict[str, Any], passes: Callable[[dict[str, Any]], bool]) -> None:
    """Values of one parameter are alternatives, different parameters are combined by AND; names are in any case."""
    cone = M51 | {"radius": 0.2}
    whole = rows(ask("dr2/mean.json", params=cone))
    expected = [row["objID"] for row in whole if passes(row)]
    assert 0 < len(expected) < len(whole)
    assert [row["objID"] for row in rows(ask("dr2/mean.json", "POST", json=cone | conditions))] == expected


def test_an_object_is_found_by_its_number(ask: Ask) -> None:
    """All 18 digits of an id are significant, as text and as a number; no position is required."""
    number = rows(ask("dr2/mean.json", params=M51))[0]["objID"]
    for spelled in (number, int(number)):
        found = rows(ask("dr2/mean.json", "POST", json={"objID": spelled}))
        assert [row["objID"] for row in found] == [number]
        assert "distance" not in found[0]
    assert rows(ask("dr2/mean.json", params={"objID": str(int(number) + 1)})) == []
    seen = rows(ask("dr2/detection.json", params=M51))[0]["objID"]
    assert len(rows(ask("dr2/detection.json", params={"objID": seen}))) == 4


def test_order(ask: Ask) -> None:
    """Rows are sorted by the first column, and by the next one where it is equal."""
    query = M51 | {"columns": ["ng", "gMeanPSFMag"], "sort_by": ["desc.ng", "gMeanPSFMag"]}
    found = [(-row["ng"], row["gMeanPSFMag"]) for row in rows(ask("dr2/mean.json", "POST", json=query))]
    assert found == sorted(found)
    assert len({number for number, _ in found}) > 3


def test_pages(ask: Ask) -> None:
    """Pages are parts of the same rows; there are none after the last page."""
    query = M51 | {"columns": "objID", "sort_by": "desc.distance"}
    whole = rows(ask("dr2/mean.json", params=query))
    pages = [rows(ask("dr2/mean.json", params=query | {"pagesize": 10, "page": page})) for page in range(1, 15)]
    assert [row for page in pages for row in page] == whole
    assert pages[-1] == []


def test_formats_of_rows(ask: Ask) -> None:
    """Rows can be objects, and the column descriptions can be omitted."""
    columns = {"columns": "[objName, nDetections]", "pagesize": 2}
    flat = ask("dr2/mean.json", params=M51 | columns).json()["data"]
    answer = ask("dr2/mean.json", params=M51 | columns | {"flatten_response": "false", "include_info": "false"}).json()
    assert answer == {"data": [{"objName": name, "nDetections": number} for name, number in flat]}


def test_other_formats(ask: Ask, tmp_path: Any) -> None:
    """A suffix, a parameter, or a header selects CSV or VOTable."""
    query = M51 | {"columns": "objName,objID", "pagesize": 3}
    plain = rows(ask("dr2/mean.json", params=query))
    expected = ["objName,objID", *(f"{row['objName']},{row['objID']}" for row in plain)]
    texts = [
        ask("dr2/mean.csv", params=query).text,
        ask("dr2/mean", params=query | {"format": "csv"}).text,
        ask("dr2/mean", params=query, headers={"Accept": "text/csv"}).text,
    ]
    assert [text.splitlines() for text in texts] == [expected] * 3
    path = tmp_path / "rows.xml"
    path.write_bytes(ask("dr2/mean.votable", params=query).content)
    assert parse_single_table(path).to_table().colnames == ["objName", "objID"]


@pytest.mark.parametrize(
    ("path", "query", "status", "words"),
    [
        ("dr2/mean.json", {**M51, "nonsense": 1}, 400, "no column 'nonsense'"),
        ("dr2/mean.json", {**M51, "columns": ["objID", "nonsense"]}, 400, "no column 'nonsense'"),
        ("dr2/mean.json", {**M51, "sort_by": ["desc.nonsense"]}, 400, "no column 'nonsense'"),
        ("dr2/mean.json", {**M51, "sort_by": ["objID.desc"]}, 400, "asc"),
        ("dr2/mean.json", {"sort_by": ["asc.distance"], "ng": 1}, 400, "no column 'distance'"),
        ("dr2/mean.json", {**M51, "ng.about": 1}, 400, "no operator 'about'"),
        ("dr2/mean.json", {**M51, "ng": "many"}, 400, "must be a number"),
        ("dr2/mean.json", {**M51, "radius": 0.6}, 400, "0.5"),
        ("dr2/mean.json", {**M51, "radius": "wide"}, 400, "must be a number"),
        ("dr2/mean.json", {**M51, "dec": 91}, 400, "between -90 and 90"),
        ("dr2/mean.json", {"ra": 1, "dec": 1}, 400, "radius"),
        ("dr2/mean.json", {**M51, "page": 0}, 400, "page"),
        ("dr2/mean.json", {**M51, "pagesize": 100_000}, 400, "pagesize"),
        ("dr2/mean", {**M51, "format": "pdf"}, 400, "format"),
        ("dr2/mean.pdf", M51, 404, "format"),
        ("dr3/mean.json", M51, 404, "dr3"),
        ("dr2/nonsense.json", M51, 404, "nonsense"),
        ("dr1/detection.json", M51, 404, "detection"),
        ("dr2/mean/nonsense", M51, 404, "mean/nonsense"),
    ],
)
def test_refusals(ask: Ask, path: str, query: dict[str, Any], status: int, words: str) -> None:
    """Invalid queries are refused with a status and a message in JSON."""
    answer = ask(path, "POST", json=query)
    assert answer.status_code == status
    assert words in answer.json()["message"]


@pytest.mark.parametrize("body", ["{", "[1]"])
def test_bodies_that_are_not_objects(ask: Ask, body: str) -> None:
    """A body that is not a JSON object is refused."""
    answer = ask("dr2/mean.json", "POST", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, "JSON" in answer.json()["message"]) == (400, True)


def test_the_south_is_empty(ask: Ask) -> None:
    """The survey ends at declination -30: further south a result is empty, but has columns."""
    answer = ask("dr2/mean.json", params={"ra": 84.291187, "dec": -80.469125, "radius": 0.1})
    assert answer.json()["data"] == []
    assert len(answer.json()["info"]) == 125


def test_requests_are_logged_and_faults_apply(box: Sandbox, ask: Ask) -> None:
    """Catalogs.MAST has its own name for faults and in the log."""
    box.faults.add("catalogs", Fault.status(503, retry_after=1))
    assert ask("dr2/mean.json", params=M51).status_code == 503
    assert ask("dr2/mean.json", params=M51).status_code == 200
    assert [record.status for record in box.requests.of("catalogs")] == [503, 200]
