"""The Mashup service over HTTP: envelopes, types, paging, filters, cones, products, column descriptions."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast.sandbox import Sandbox
from astroquery_mast.sandbox.archive import COLUMNS_CONFIG, OBSERVATION_COLUMNS, PRODUCT_COLUMNS

Invoke = Callable[..., dict[str, Any]]

NAMES = [name for name, _ in OBSERVATION_COLUMNS]


def rows_of(box: Sandbox, condition: str = "1", *parameters: object) -> list[dict[str, Any]]:
    """Return observations from the database of the archive."""
    return box.archive.query(f"SELECT * FROM observation WHERE {condition} ORDER BY objID", parameters)


@pytest.fixture(scope="module")
def observations(box: Sandbox) -> list[dict[str, Any]]:
    """All observations of the archive."""
    return rows_of(box)


def located(box: Sandbox) -> dict[str, Any]:
    """Return an observation whose footprint contains its own position."""
    rows = rows_of(box, "s_ra IS NOT NULL AND s_dec IS NOT NULL AND obs_collection = 'HST'")
    return next(row for row in rows if box.archive.within(row["s_ra"], row["s_dec"], 0).get(row["objID"]) == 0)


def count(invoke: Invoke, *filters: dict[str, Any]) -> int:
    """Return the number of observations that match filters."""
    answer = invoke("Mast.Caom.Filtered", {"columns": "COUNT_BIG(*)", "filters": list(filters)})
    assert answer["fields"] == [{"name": "Column1", "type": "string"}]
    number = answer["data"][0]["Column1"]
    assert isinstance(number, int)
    return number


def test_json_envelope(invoke: Invoke) -> None:
    """A JSON response has exactly the members of a recorded one."""
    answer = invoke("Mast.Missions.List")
    assert set(answer) == {"status", "msg", "data", "fields", "paging"}
    assert (answer["status"], answer["msg"]) == ("COMPLETE", "")
    assert set(answer["paging"]) == {"page", "pageSize", "pagesFiltered", "rows", "rowsFiltered", "rowsTotal"}
    assert answer["fields"] == [{"name": "distinctValue", "type": "string"}]
    assert {"distinctValue": "HST"} in answer["data"]


def test_cone_columns_types_and_order(box: Sandbox, invoke: Invoke) -> None:
    """A cone ends with obsid, distance, and selection; ids are declared as text but are numbers; nearest first."""
    at = located(box)
    answer = invoke("Mast.Caom.Cone", {"ra": at["s_ra"], "dec": at["s_dec"], "radius": 0.1}, page=1, pagesize=50000)
    assert answer["fields"] == [
        *({"name": name, "type": kind} for name, kind in OBSERVATION_COLUMNS),
        {"name": "distance", "type": "float"},
        {"name": "_selected_", "type": "boolean"},
    ]
    assert at["obsid"] in [row["obsid"] for row in answer["data"]]
    assert all(row["_selected_"] is None for row in answer["data"])
    distances = [row["distance"] for row in answer["data"]]
    assert distances == sorted(distances) and distances[0] == 0
    assert {row["obsid"]: row["distance"] for row in answer["data"]} == {
        row["obsid"]: found
        for objid, found in box.archive.within(at["s_ra"], at["s_dec"], 0.1).items()
        for row in rows_of(box, "objID = ?", objid)
    }


def test_filtered_and_position_end_with_their_own_columns(box: Sandbox, invoke: Invoke) -> None:
    """Filtered ends with objID, the position query with objID, its copy, and the distance; both without selection."""
    at = located(box)
    one = [{"paramName": "obsid", "values": [str(at["obsid"])]}]
    plain = invoke("Mast.Caom.Filtered", {"columns": "*", "filters": one})
    assert [field["name"] for field in plain["fields"]] == [*NAMES, "objID"]
    placed = invoke(
        "Mast.Caom.Filtered.Position",
        {"columns": "*", "filters": one, "position": f"{at['s_ra']}, {at['s_dec']}, 0.01"},
    )
    assert [field["name"] for field in placed["fields"]] == [*NAMES, "objID", "objID1", "distance"]
    assert [row["objID1"] for row in placed["data"]] == [row["objID"] for row in plain["data"]]


def test_values_are_those_of_the_archive(box: Sandbox, invoke: Invoke) -> None:
    """All values are as stored: nulls as null, flags as true or false, floats without a fraction as integers."""
    answer = invoke("Mast.Caom.Filtered", {"columns": "*", "filters": []}, page=1, pagesize=100_000)
    stored = rows_of(box)
    assert len(answer["data"]) == len(stored)
    assert [list(row.values()) for row in answer["data"]] == [
        [row[name] for name in [*NAMES, "objID"]] for row in stored
    ]
    assert {type(row["mtFlag"]) for row in answer["data"]} <= {bool, type(None)}
    assert int in {type(row["t_exptime"]) for row in answer["data"]}


def test_chosen_columns_come_in_the_order_of_the_service(invoke: Invoke) -> None:
    """Selected columns, in any case and order, are returned in the order and spelling of the service."""
    answer = invoke("Mast.Caom.Filtered", {"columns": "OBJID, s_dec,obs_collection", "filters": []})
    assert [field["name"] for field in answer["fields"]] == ["obs_collection", "s_dec", "objID"]
    assert set(answer["data"][0]) == {"obs_collection", "s_dec", "objID"}


@pytest.mark.parametrize("pagesize", [1, 7, 100])
def test_pages_add_up_to_the_result(invoke: Invoke, pagesize: int) -> None:
    """The pages add up to the complete result, each with a correct paging record."""
    params = {"columns": "obsid", "filters": [{"paramName": "obs_collection", "values": ["TESS", "GALEX", "JWST"]}]}
    whole = invoke("Mast.Caom.Filtered", params, page=1, pagesize=100_000)["data"][: 5 * pagesize]
    pages = [invoke("Mast.Caom.Filtered", params, page=n, pagesize=pagesize) for n in range(1, 6)]
    assert [row for page in pages for row in page["data"]] == whole
    for number, page in enumerate(pages, 1):
        paging = page["paging"]
        assert (paging["page"], paging["pageSize"], paging["rows"]) == (number, pagesize, len(page["data"]))
        assert paging["pagesFiltered"] == -(-paging["rowsFiltered"] // pagesize)


def test_page_past_the_end_and_empty_result_have_fields(invoke: Invoke) -> None:
    """A response without rows has all fields."""
    nothing = [{"paramName": "obs_collection", "values": ["no such mission"]}]
    empty = invoke("Mast.Caom.Filtered", {"columns": "*", "filters": nothing})
    beyond = invoke("Mast.Missions.List", page=99, pagesize=10)
    assert (empty["data"], empty["paging"]["rowsFiltered"], len(empty["fields"])) == ([], 0, len(NAMES) + 1)
    assert (beyond["data"], beyond["paging"]["rows"], beyond["fields"][0]["name"]) == ([], 0, "distinctValue")


def test_pagesize_requires_page(invoke: Invoke) -> None:
    """Without a page number a page has 1000 rows regardless of pagesize; with one, pagesize is used."""
    params = {"columns": "obsid", "filters": []}
    assert len(invoke("Mast.Caom.Filtered", params, pagesize=3)["data"]) > 3
    assert invoke("Mast.Caom.Filtered", params, pagesize=3)["paging"]["pageSize"] == 1000
    assert len(invoke("Mast.Caom.Filtered", params, page="2", pagesize="3")["data"]) == 3


def test_extjs_is_the_default_format(box: Sandbox, web: requests.Session) -> None:
    """By default the rows are arrays in a data set with paging, fields, and columns."""
    request = json.dumps({"service": "mast.missions.list", "params": {}})
    answer = web.get(f"{box.url}/api/v0/invoke", params={"request": request}, timeout=30).json()
    table = answer["data"]["Tables"][0]
    assert ["HST"] in table["Rows"]
    assert table["Fields"] == [{"name": "distinctValue", "type": "string"}]
    assert table["Columns"] == [{"text": "distinctValue", "dataIndex": "distinctValue", "ignoreValue": ""}]
    assert table["ExtendedProperties"]["Paging"]["rows"] == len(table["Rows"])


@pytest.mark.parametrize("form", ["csv", "votable"])
def test_tables_of_other_formats_hold_the_same_rows(
    box: Sandbox, web: requests.Session, invoke: Invoke, form: str
) -> None:
    """CSV and VOTable have the names, rows, and nulls of the JSON response."""
    at = located(box)
    request = {"service": "Mast.Caom.Cone", "params": {"ra": at["s_ra"], "dec": at["s_dec"], "radius": 0.05}}
    expected = invoke(request["service"], request["params"])
    body = {"request": json.dumps(request | {"format": form})}
    content = web.post(f"{box.url}/api/v0/invoke", data=body, timeout=30).content
    names = [field["name"] for field in expected["fields"]]
    if form == "csv":
        header, *rows = csv.reader(io.StringIO(content.decode()))
        assert header == names
        assert [row[names.index("obsid")] for row in rows] == [str(row["obsid"]) for row in expected["data"]]
    else:
        table = Table.read(io.BytesIO(content), format="votable")
        assert table.colnames == names
        assert table["obsid"].tolist() == [row["obsid"] for row in expected["data"]]
        assert table["_selected_"].mask.all()


def test_null_columns_are_removed_on_request(invoke: Invoke) -> None:
    """With removenullcolumns, columns without values are omitted."""
    params = {"columns": "*", "filters": [{"paramName": "obs_collection", "values": ["GALEX"]}]}
    kept = invoke("Mast.Caom.Filtered", params, removenullcolumns=True)
    assert all(any(row[field["name"]] is not None for row in kept["data"]) for field in kept["fields"])
    assert len(kept["fields"]) < len(NAMES) + 1


@pytest.mark.parametrize(
    ("service", "params", "msg"),
    [
        ("Mast.No.Such", {}, "Mast.No.Such"),
        (
            "Mast.Caom.Filtered",
            {"columns": "*", "filters": [{"paramName": "x", "values": ["1"]}]},
            "Invalid column name 'x'.",
        ),
        ("Mast.Caom.Filtered", {"columns": "obsid,y", "filters": []}, "Invalid column name 'y'."),
        ("Mast.Caom.Filtered", {"columns": "*"}, "filters"),
        ("Mast.Caom.Filtered", {"filters": []}, "columns"),
        ("Mast.Caom.Filtered", {"columns": "*", "filters": [{"paramName": "obsid", "values": []}]}, "syntax"),
        ("Mast.Caom.Filtered", {"columns": "*", "filters": [{"paramName": "obsid", "values": "1"}]}, "list"),
        ("Mast.Caom.Filtered", {"columns": "*", "filters": [{"values": ["1"]}]}, "paramName"),
        ("Mast.Caom.Filtered", {"columns": "*", "filters": [{"paramName": "t_min", "values": ["soon"]}]}, "soon"),
        ("Mast.Caom.Filtered", {"columns": "*", "filters": [{"paramName": "mtFlag", "values": ["maybe"]}]}, "maybe"),
        ("Mast.Caom.Filtered", {"columns": "*", "filters": [{"paramName": "t_min", "values": [{"mni": 1}]}]}, "mni"),
        (
            "Mast.Caom.Filtered",
            {"columns": "*", "filters": [{"paramName": "project", "values": [{"min": 1}]}]},
            "range",
        ),
        ("Mast.Caom.Filtered.Position", {"columns": "*", "filters": [], "position": "1, 2"}, "position"),
        ("Mast.Caom.Cone", {"ra": 1}, "dec"),
        ("Mast.Caom.Cone", {"ra": "nan", "dec": 1}, "ra"),
        ("Mast.Caom.Cone", {"ra": 1, "dec": 91}, "91"),
        ("Mast.Caom.Cone", {"ra": 1, "dec": 1, "radius": -1}, "negative"),
        ("Mast.Caom.Products", {"obsid": "u9o40504m"}, "u9o40504m"),
        ("Mast.Caom.Filtered", {"columns": "*", "filters": [{"paramName": "t_min", "values": ["1e999"]}]}, "overflow"),
        ("Mast.Caom.Filtered", {"columns": "*", "filters": [{"paramName": "t_min", "values": [10**30]}]}, "overflow"),
        ("Mast.Caom.Filtered", {"columns": "*", "filters": [{"paramName": "t_min", "values": [[1]]}]}, "[1]"),
        ("Mast.Caom.Filtered", {"columns": "*", "filters": [{"paramName": "project", "values": [[1]]}]}, "syntax"),
        ("Mast.Caom.Products", {"obsid": "1,"}, "bigint"),
        ("Mast.Caom.Products", {"obsid": "9" * 5000}, "bigint"),
        ("Mast.Caom.Products", {}, "bigint"),
        ("Mast.Name.Lookup", {}, "input"),
    ],
)
def test_invalid_requests_are_errors_with_http_200(
    invoke: Invoke, service: str, params: dict[str, Any], msg: str
) -> None:
    """Unknown names and invalid values are refused with status ERROR and a message that contains them."""
    answer = invoke(service, params)
    assert set(answer) == {"status", "msg"}
    assert answer["status"] == "ERROR"
    assert msg in answer["msg"]


@pytest.mark.parametrize("options", [{"format": "xml"}, {"page": 0}, {"page": "x"}, {"page": 1, "pagesize": -1}])
def test_invalid_options_are_an_error(invoke: Invoke, options: dict[str, Any]) -> None:
    """An invalid page, size, or format is refused."""
    assert invoke("Mast.Missions.List", **options)["status"] == "ERROR"


@pytest.mark.parametrize(
    "body",
    ["", "request=", "request={", "request=[1]", 'request={"params":{"ra":NaN}}', r'request={"service":"\ud800"}'],
)
def test_request_that_is_not_a_json_object_is_an_error(box: Sandbox, web: requests.Session, body: str) -> None:
    """A body without a JSON object is a service error, and the log has no decoded request."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = web.post(f"{box.url}/api/v0/invoke", data=body, headers=form, timeout=30)
    assert (answer.status_code, answer.json()["status"]) == (200, "ERROR")
    assert box.requests[-1].mashup is None


def test_filters_and_between_or_inside(box: Sandbox, invoke: Invoke) -> None:
    """Several filters are combined by AND, several values by OR."""
    found = count(
        invoke,
        {"paramName": "obs_collection", "values": ["hst", "Jwst"]},
        {"paramName": "CALIB_LEVEL", "values": ["2", 3.0]},
        {"paramName": "t_min", "values": [{"min": "50000", "max": None}]},
    )
    assert found == len(rows_of(box, "obs_collection IN ('HST', 'JWST') AND calib_level IN (2, 3) AND t_min >= 50000"))
    assert found > 0


def test_separator_matches_one_token(box: Sandbox, invoke: Invoke) -> None:
    """With a separator a value matches one of several tokens; otherwise it must equal the complete text."""
    row = rows_of(box, "filters LIKE '%;%'")[0]
    token = row["filters"].split(";")[1]
    with_token = count(invoke, {"paramName": "filters", "values": [token.lower()], "separator": ";"})
    assert with_token == sum(token in (row["filters"] or "").split(";") for row in rows_of(box))
    whole = count(invoke, {"paramName": "filters", "values": [row["filters"]]})
    assert whole == sum(other["filters"] == row["filters"] for other in rows_of(box))
    assert count(invoke, {"paramName": "filters", "values": [token[:-1]], "separator": ";"}) < with_token


def test_free_text_is_an_alternative_pattern(box: Sandbox, invoke: Invoke) -> None:
    """A pattern with % matches any text, is not case-sensitive, and is an alternative to the values."""
    found = count(invoke, {"paramName": "instrument_name", "values": ["GALEX"], "freeText": "acs%"})
    assert found == len(rows_of(box, "instrument_name = 'GALEX' OR instrument_name LIKE 'ACS%'"))
    numbers = count(invoke, {"paramName": "obsid", "values": [], "freeText": "%1%"})
    assert numbers == sum("1" in str(row["obsid"]) for row in rows_of(box))


def test_flags_and_nulls(box: Sandbox, invoke: Invoke) -> None:
    """Flags are given as words or numbers; nulls match neither value, and null matches nothing."""
    yes = count(invoke, {"paramName": "mtFlag", "values": ["True"]})
    no = count(invoke, {"paramName": "mtFlag", "values": ["false", 0]})
    assert yes + no == len(rows_of(box, "mtFlag IS NOT NULL"))
    assert count(invoke, {"paramName": "mtFlag", "values": [None]}) == 0
    open_range = {"paramName": "t_exptime", "values": [{"min": None, "max": None}]}
    assert count(invoke, open_range) == len(rows_of(box, "t_exptime IS NOT NULL"))


@settings(max_examples=40, deadline=None)
@given(bounds=st.tuples(st.floats(40_000, 65_000), st.floats(40_000, 65_000)))
def test_ranges_are_inclusive(box: Sandbox, invoke: Invoke, bounds: tuple[float, float]) -> None:
    """A range includes its limits."""
    low, high = bounds
    found = count(invoke, {"paramName": "t_min", "values": [{"min": low, "max": high}]})
    assert found == len(rows_of(box, "t_min >= ? AND t_min <= ?", low, high))


@settings(max_examples=60, deadline=None)
@given(text=st.text(min_size=1, max_size=30), separator=st.sampled_from([None, ";"]))
def test_no_text_can_break_out_of_its_filter(
    observations: list[dict[str, Any]], invoke: Invoke, text: str, separator: str | None
) -> None:
    """Quotes, patterns, and SQL in a value are compared as plain text."""
    one = {"paramName": "target_name", "values": [text]} | ({"separator": separator} if separator else {})
    expected = sum((row["target_name"] or "").lower() == text.lower() for row in observations)
    assert count(invoke, one) == expected


def test_quotes_and_patterns_are_plain_text(invoke: Invoke) -> None:
    """A value that looks like SQL or a pattern matches nothing and causes no error."""
    for text in ("' OR 1=1 --", '" OR ""="', "%", "_", "M%", "x') OR (1", "\\", "\x00"):
        assert count(invoke, {"paramName": "target_name", "values": [text]}) == 0
        assert count(invoke, {"paramName": "target_name", "values": [text], "separator": ";"}) == 0


def test_thousands_of_values_in_one_filter(box: Sandbox, invoke: Invoke) -> None:
    """A filter with more values than the parameter limit of SQLite works."""
    known = [str(row["obsid"]) for row in rows_of(box)]
    assert count(invoke, {"paramName": "obsid", "values": known + [str(n) for n in range(40_000)]}) >= len(known)


def test_products_of_an_observation_and_its_members(box: Sandbox, invoke: Invoke) -> None:
    """A list has the files of the observation and of its members, with the requested id."""
    asked, member = (box.archive.query("SELECT obsid, member_obsID FROM membership LIMIT 1")[0]).values()
    answer = invoke("Mast.Caom.Products", {"obsid": str(asked)}, page=1, pagesize=50_000)
    assert [field["name"] for field in answer["fields"]] == [*(name for name, _ in PRODUCT_COLUMNS), "_selected_"]
    assert {row["parent_obsid"] for row in answer["data"]} == {asked}
    assert {asked, member} <= {row["obsID"] for row in answer["data"]}
    own = box.archive.query("SELECT dataURI FROM product WHERE obsID = ?", (asked,))
    assert [row["dataURI"] for row in answer["data"] if row["obsID"] == asked] == [row["dataURI"] for row in own]


def test_products_of_several_observations_in_order(box: Sandbox, invoke: Invoke) -> None:
    """Comma-separated ids are listed in order, each with all its files; unknown ids have none."""
    ids = [
        int(str(row["obsID"]))
        for row in box.archive.query("SELECT DISTINCT obsID FROM product ORDER BY 1 DESC LIMIT 5")
    ]
    answer = invoke("Mast.Caom.Products", {"obsid": ",".join(map(str, [*ids, 7]))}, page=1, pagesize=50_000)
    assert list(dict.fromkeys(row["parent_obsid"] for row in answer["data"])) == ids
    single = invoke("Mast.Caom.Products", {"obsid": ids[1]}, page=1, pagesize=50_000)
    assert single["data"] == [row for row in answer["data"] if row["parent_obsid"] == ids[1]]
    assert invoke("Mast.Caom.Products", {"obsid": 7})["data"] == []


def test_position_count_agrees_with_rows(box: Sandbox, invoke: Invoke) -> None:
    """The count of a position query is the number of its rows."""
    at = located(box)
    params = {"columns": "obsid", "filters": [], "position": f"{at['s_ra']}, {at['s_dec']}, 0.2"}
    rows = invoke("Mast.Caom.Filtered.Position", params, page=1, pagesize=50_000)["data"]
    counted = invoke("Mast.Caom.Filtered.Position", params | {"columns": "COUNT_BIG(*)"})["data"]
    assert counted == [{"Column1": len(rows)}]


def test_histograms_hold_the_missions(box: Sandbox, web: requests.Session) -> None:
    """The extjs response of Mast.Caom.All has the number of observations of each mission, and binned numbers."""
    body = {"request": json.dumps({"service": "Mast.Caom.All", "params": {}, "format": "extjs"})}
    table = web.post(f"{box.url}/api/v0/invoke", data=body, timeout=30).json()["data"]["Tables"][0]
    columns = {column["text"]: column["ExtendedProperties"] for column in table["Columns"]}
    missions = columns["obs_collection"]["histObj"]
    stored = {row["obs_collection"] for row in rows_of(box)}
    assert set(missions) - {"hist"} == stored
    assert missions["HST"] == {"count": len(rows_of(box, "obs_collection = 'HST'")), "key": "HST"}
    times = columns["t_min"]["histObj"]
    assert sum(entry["count"] for entry in times["hist"]["hist"]) == len(rows_of(box, "t_min IS NOT NULL"))
    assert table["Rows"] == [] and table["ExtendedProperties"]["Paging"]["rowsTotal"] == 0


@pytest.mark.parametrize(
    ("asked", "config"),
    [
        ("Mast.Caom.Cone", "Mast.Caom.Cone"),
        ("mast.caom.filtered.position", "Mast.Caom.Cone"),
        ("Mast.Caom.Products", "Mast.Caom.Products"),
        ("Mast.No.Such", None),
    ],
)
def test_columnsconfig(box: Sandbox, web: requests.Session, asked: str, config: str | None) -> None:
    """The columns of a service are described; an unknown service has none."""
    url = f"{box.url}/portal/Mashup/Mashup.asmx/columnsconfig"
    answer = web.post(url, data={"colConfigId": asked}, timeout=30)
    assert answer.json() == (COLUMNS_CONFIG[config] if config else {})


def test_cache_breaker_does_not_change_the_result(box: Sandbox, invoke: Invoke) -> None:
    """Requests that differ only in the cache breaker return the same rows, and each is logged with its own."""
    first = invoke("Mast.Missions.List", cacheBreaker="a")
    assert invoke("Mast.Missions.List", {"cachebreaker": "c"}, cacheBreaker="b") == first
    assert [(record.mashup or {})["cacheBreaker"] for record in box.requests] == ["a", "b"]
