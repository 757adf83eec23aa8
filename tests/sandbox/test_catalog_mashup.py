"""The catalog services of Mashup over HTTP: formats, declared types, cones, filters, counts, and limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.archive.catalogs import catalog

Invoke = Callable[..., dict[str, Any]]

M51 = {"ra": 202.469575, "dec": 47.195258, "radius": 0.05}
PI_MEN = {"ra": 84.291187, "dec": -80.469125, "radius": 0.05}
PI_MEN_NUMBER = 261136679
# Service, parameters, distance column (None: no such column), arcseconds in its unit, and its position.
CONES = [
    ("Mast.Catalogs.Tic.Cone", PI_MEN, "dstArcSec", 1.0, -1),
    ("Mast.Catalogs.Ctl.Cone", PI_MEN, "dstArcSec", 1.0, -1),
    ("Mast.Catalogs.GaiaDR1.Cone", PI_MEN, "distance", 60.0, -1),
    ("Mast.Catalogs.GaiaDR2.Cone", PI_MEN, "distance", 60.0, -1),
    ("Mast.Catalogs.GaiaDR3.Cone", PI_MEN, "distance", 60.0, -1),
    ("Mast.Catalogs.Tgas.Cone", PI_MEN, "distance", 60.0, -1),
    ("Mast.Catalogs.Plato.Cone", PI_MEN, "dstArcSec", 1.0, -1),
    ("Mast.Catalogs.DiskDetective.Cone", M51 | {"radius": 0.3}, None, 1.0, 0),
    ("Mast.Galex.Catalog", M51, "distance_arcmin", 60.0, 0),
    ("Mast.Hsc.Db.v2", M51, "Distance", 60.0, 1),
    ("Mast.Hsc.Db.v3", M51, "Distance", 60.0, 1),
]


def recorded(name: str) -> dict[str, Any]:
    """Return a recorded response of MAST from the tests of astroquery."""
    text = (files("astroquery.mast.tests") / "data" / name).read_text()
    answer: dict[str, Any] = json.loads(text)
    return answer


def names_of(answer: dict[str, Any]) -> list[str]:
    """Return the names of the columns of a response."""
    return [field["name"] for field in answer["fields"]]


def count(invoke: Invoke, service: str, **params: Any) -> int:
    """Return the result of a count."""
    answer = invoke(service, {"columns": "COUNT_BIG(*)", **params})
    assert answer["fields"] == [{"name": "Column1", "type": "string"}]
    number = answer["data"][0]["Column1"]
    assert isinstance(number, int)
    return number


def message(answer: dict[str, Any]) -> str:
    """Return the message of a refused request."""
    assert answer["status"] == "ERROR"
    assert "data" not in answer
    return str(answer["msg"])


@pytest.mark.parametrize(("service", "params", "column", "arcsec", "place"), CONES)
def test_cones_contain_nearby_rows(
    invoke: Invoke, service: str, params: dict[str, float], column: str | None, arcsec: float, place: int
) -> None:
    """A cone is not empty and is sorted by distance, and all rows are within the radius."""
    answer = invoke(service, params)
    assert answer["status"] == "COMPLETE"
    assert answer["data"]
    if column is None:
        return
    assert names_of(answer)[place] == column
    told = [row[column] for row in answer["data"]]
    assert told == sorted(told)
    assert told[-1] * arcsec <= params["radius"] * 3600


@pytest.mark.parametrize("service", [cone[0] for cone in CONES])
def test_cones_refuse_invalid_parameters(invoke: Invoke, service: str) -> None:
    """Missing and invalid parameters, and too large a radius, are errors."""
    assert "'ra' is missing" in message(invoke(service, {"dec": 1, "radius": 0.1}))
    assert "not a number" in message(invoke(service, {"ra": "M51", "dec": 1, "radius": 0.1}))
    assert "between -90 and 90" in message(invoke(service, {"ra": 1, "dec": 91, "radius": 0.1}))
    assert "negative" in message(invoke(service, {"ra": 1, "dec": 1, "radius": -0.1}))
    assert "not be larger" in message(invoke(service, {"ra": 1, "dec": 1, "radius": 100}))
    empty = invoke(service, {"ra": 1, "dec": 89, "radius": 0.01})
    assert (empty["status"], empty["data"], empty["paging"]["rowsFiltered"]) == ("COMPLETE", [], 0)
    assert empty["fields"]


@pytest.mark.parametrize(
    ("service", "name", "common"),
    [
        ("Mast.Catalogs.Tic.Cone", "tic.json", 88),
        ("Mast.Catalogs.DiskDetective.Cone", "dd.json", 64),
        ("Mast.Hsc.Db.v2", "hsc.json", 18),
        ("Mast.HscMatches.Db.v2", "matchid.json", 38),
        ("Mast.HscSpectra.Db.All", "spectra.json", 17),
    ],
)
def test_columns_are_those_of_recorded_responses(invoke: Invoke, service: str, name: str, common: int) -> None:
    """Names, declared types, and order of the columns match the recorded response of MAST."""
    answer = invoke(service, M51 | {"radius": 0.001})
    assert answer["fields"][:common] == recorded(name)["fields"][:common]
    assert answer["fields"][-1]["name"] == {"tic.json": "dstArcSec"}.get(name, recorded(name)["fields"][-1]["name"])


def test_ids_are_declared_as_text(invoke: Invoke) -> None:
    """Ids of sources are declared as text and sent as exact numbers; some are real text."""
    answer = invoke("Mast.Catalogs.Tic.Cone", PI_MEN)
    kinds = {field["name"]: field["type"] for field in answer["fields"]}
    row = answer["data"][0]
    assert {kinds[name] for name in ("ID", "objID", "SDSS", "GAIA", "version")} == {"string"}
    assert (row["ID"], row["dstArcSec"]) == (PI_MEN_NUMBER, 0)
    assert isinstance(row["objID"], int)
    assert (row["GAIA"], row["version"]) == ("4623036865373793408", "20190415")
    assert (kinds["Teff"], type(row["Teff"])) == ("float", int)  # a float without a fraction
    assert row["KIC"] is None
    gaia = invoke("Mast.Catalogs.GaiaDR2.Cone", PI_MEN)
    assert {"name": "source_id", "type": "string"} in gaia["fields"]
    found = [row["source_id"] for row in gaia["data"]]
    assert 4623036865373793408 in found


def test_nulls_are_null(invoke: Invoke) -> None:
    """Unknown values are null in all types, and -999 is a valid value."""
    stars = invoke("Mast.Catalogs.Tic.Cone", M51)["data"]
    assert {type(row["HIP"]) for row in stars} == {type(None)}
    assert any(row["umag"] is None for row in stars)
    assert any(row["SDSS"] is None for row in stars)
    disks = invoke("Mast.Catalogs.DiskDetective.Cone", M51 | {"radius": 0.3})["data"]
    assert any(row["P_yMeanPSFMagErr"] == -999 for row in disks)


def test_only_some_services_have_the_selection_column(invoke: Invoke) -> None:
    """Only results of the Hubble Source Catalog have the selection column, which is always null."""
    hubble = invoke("Mast.Hsc.Db.v3", M51)
    assert hubble["fields"][-1] == {"name": "_selected_", "type": "boolean"}
    assert {row["_selected_"] for row in hubble["data"]} == {None}
    for service in ("Mast.Catalogs.Tic.Cone", "Mast.Catalogs.DiskDetective.Cone", "Mast.Galex.Catalog"):
        assert "_selected_" not in names_of(invoke(service, M51))


def test_pages_are_windows(invoke: Invoke) -> None:
    """The pages of a cone add up to the complete cone."""
    whole = invoke("Mast.Catalogs.Tic.Cone", M51 | {"radius": 0.1}, page=1, pagesize=50000)
    pages = [invoke("Mast.Catalogs.Tic.Cone", M51 | {"radius": 0.1}, page=n, pagesize=7) for n in range(1, 20)]
    assert pages[0]["paging"]["pagesFiltered"] == -(-len(whole["data"]) // 7)
    assert [row for page in pages for row in page["data"]] == whole["data"]


def test_galex_limits_the_number_of_rows(invoke: Invoke) -> None:
    """``maxrecords`` limits the result to the nearest sources."""
    whole = invoke("Mast.Galex.Catalog", M51)["data"]
    assert len(whole) > 3
    assert invoke("Mast.Galex.Catalog", M51 | {"maxrecords": 3})["data"] == whole[:3]
    assert names_of(invoke("Mast.Galex.Catalog", M51))[:3] == ["distance_arcmin", "objID", "survey"]


# -- filters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Tic", "Ctl"])
def test_counts_and_rows_of_filters(invoke: Invoke, name: str) -> None:
    """The number of rows matches the count, and ``.Rows`` services refuse counts with a message of SQL Server."""
    bright = [{"paramName": "tmag", "values": [{"min": 7, "max": 9}]}]
    base = f"Mast.Catalogs.Filtered.{name}"
    number = count(invoke, base, filters=bright)
    assert number > 10
    for service, columns in ((base, "c.*"), (f"{base}.Rows", "*"), (f"{base}.Rows", None)):
        answer = invoke(service, {"filters": bright} | ({"columns": columns} if columns else {}))
        assert answer["paging"]["rowsFiltered"] == number
        assert all(7 <= row["Tmag"] <= 9 for row in answer["data"])
        assert "dstArcSec" not in names_of(answer)
    for service in (f"{base}.Rows", f"{base}.Position.Rows"):
        refused = invoke(service, {"columns": "COUNT_BIG(*)", "filters": bright} | PI_MEN)
        assert message(refused) == "Incorrect syntax near '*'."
    assert "'columns' is missing" in message(invoke(base, {"filters": bright}))


@pytest.mark.parametrize("name", ["Tic", "Ctl"])
def test_filters_with_a_position(invoke: Invoke, name: str) -> None:
    """The position consists of three numbers; the rows are those of the cone that match the filters."""
    base = f"Mast.Catalogs.Filtered.{name}.Position"
    cone = invoke(f"Mast.Catalogs.{name}.Cone", M51 | {"radius": 0.2})["data"]
    middle = sorted(row["Tmag"] for row in cone)[len(cone) // 2]
    filters = [{"paramName": "Tmag", "values": [{"min": None, "max": middle}]}]
    expected = [row["ID"] for row in cone if row["Tmag"] <= middle]
    assert 0 < len(expected) < len(cone)
    params = {"filters": filters, **M51, "radius": 0.2}
    assert count(invoke, base, **params) == len(expected)
    answer = invoke(f"{base}.Rows", {"columns": "*", **params})
    assert [row["ID"] for row in answer["data"]] == expected
    everything = invoke(f"{base}.Rows", {"columns": "r.*", **params, "filters": []})
    assert [row["ID"] for row in everything["data"]] == [row["ID"] for row in cone]
    assert "'dec' is missing" in message(invoke(base, {"columns": "*", "filters": [], "ra": 1, "radius": 1}))


@pytest.mark.parametrize(
    "given",
    [
        {"paramName": "ID", "values": [PI_MEN_NUMBER]},
        {"paramName": "id", "values": [str(PI_MEN_NUMBER)]},
        {"paramName": "ID", "values": [{"min": PI_MEN_NUMBER, "max": PI_MEN_NUMBER}]},
        {"paramName": "GAIA", "values": ["4623036865373793408"]},
        {"paramName": "GAIA", "values": [4623036865373793408]},
        {"paramName": "TWOMASS", "values": [], "freeText": "05370988%"},
        {"paramName": "HIP", "values": ["26394"]},
    ],
    ids=str,
)
def test_a_star_is_found_by_its_numbers(invoke: Invoke, given: dict[str, Any]) -> None:
    """Ids match as text and as numbers, names match patterns."""
    answer = invoke("Mast.Catalogs.Filtered.Tic.Rows", {"columns": "ID, Tmag", "filters": [given]})
    assert answer["data"] == [{"ID": PI_MEN_NUMBER, "Tmag": 5.105}]


def test_columns_are_chosen_and_refused(invoke: Invoke) -> None:
    """Column names are not case-sensitive; the service keeps its own order; an unknown column is an error."""
    star = [{"paramName": "ID", "values": [PI_MEN_NUMBER]}]
    answer = invoke("Mast.Catalogs.Filtered.Tic", {"columns": "c.tmag, DEC, id", "filters": star})
    assert names_of(answer) == ["ID", "dec", "Tmag"]
    assert "Invalid column name" in message(invoke("Mast.Catalogs.Filtered.Tic", {"columns": "x", "filters": star}))
    unknown = [{"paramName": "T_mag", "values": ["1"]}]
    assert "Invalid column name 'T_mag'" in message(invoke("Mast.Catalogs.Filtered.Tic.Rows", {"filters": unknown}))
    assert "filters" in message(invoke("Mast.Catalogs.Filtered.Tic.Rows", {"columns": "*"}))


def test_disk_detective_filters(invoke: Invoke) -> None:
    """Classifications can be filtered although they are not returned; text is not case-sensitive."""
    base = "Mast.Catalogs.Filtered.DiskDetective"
    whole = count(invoke, base, filters=[])
    numbers = {}
    for state in ("complete", "inactive", "active", "disabled"):
        filters = [{"paramName": "STATE", "values": [state.upper()]}]
        answer = invoke(base, {"filters": filters})
        numbers[state] = answer["paging"]["rowsFiltered"]
        assert invoke(f"{base}.Count", {"filters": filters})["data"] == [{"Column1": numbers[state]}]
        assert names_of(answer) == [field["name"] for field in recorded("dd.json")["fields"]]
    assert sum(numbers.values()) == whole
    assert min(numbers.values()) > 0
    ranges = [{"paramName": "oval", "values": [{"min": 3, "max": 7}]}, {"paramName": "state", "values": ["complete"]}]
    assert 0 < count(invoke, base, filters=ranges) < numbers["complete"]
    near = {"filters": [], **M51, "radius": 0.3}
    found = invoke(f"{base}.Position", near)
    assert invoke(f"{base}.Position.Count", near)["data"] == [{"Column1": len(found["data"])}]
    assert found["data"]


@pytest.mark.parametrize("spelling", ["Wfc3Psf", "Wfc3"])
@pytest.mark.parametrize(("detector", "band"), [("Uvis", "F606W"), ("Ir", "F160W")])
def test_point_spread_functions(invoke: Invoke, spelling: str, detector: str, band: str) -> None:
    """Both spellings of the service work, and the documented filters work."""
    filters = [
        {"paramName": "filter", "values": [band]},
        {"paramName": "psf_x_center", "values": [{"min": 100, "max": 800}]},
    ]
    service = f"Mast.Catalogs.Filtered.{spelling}.{detector}"
    answer = invoke(service, {"columns": "*", "filters": filters})
    assert answer["data"]
    assert all(row["filter"] == band and 100 <= row["psf_x_center"] <= 800 for row in answer["data"])
    assert count(invoke, service, filters=filters) == len(answer["data"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    column=st.sampled_from(["Tmag", "plx", "Teff", "HIP", "numcont", "umag"]),
    limits=st.tuples(st.none() | st.floats(-10, 7000), st.none() | st.floats(-10, 7000)),
)
def test_ranges(invoke: Invoke, column: str, limits: tuple[float | None, float | None]) -> None:
    """A range matches the values between its limits; nulls do not match."""
    low, high = limits
    number = count(
        invoke,
        "Mast.Catalogs.Filtered.Ctl",
        filters=[{"paramName": column, "values": [{"min": low, "max": high}]}],
    )
    cells = [row[0] for row in catalog("ctl").rows(slice(None), [column])]
    passed = [x for x in cells if x is not None and (low is None or x >= low) and (high is None or x <= high)]
    assert number == len(passed)


# -- descriptions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "name"), [("Tic", "ticcolumns_filtered.json"), ("DiskDetective", "ddcolumns_filtered.json")]
)
def test_descriptions_are_shaped_as_recorded(invoke: Invoke, service: str, name: str) -> None:
    """Histograms belong to the table, columns have null placeholders, and there are no rows and no pages."""
    answer = invoke(f"Mast.Catalogs.All.{service}", format="extjs")
    mine, theirs = answer["data"]["Tables"][0], recorded(name)["data"]["Tables"][0]
    assert set(answer) == set(recorded(name))
    assert set(mine) == set(theirs)
    assert (mine["Rows"], mine["ExtendedProperties"]["Paging"]) == ([], theirs["ExtendedProperties"]["Paging"])
    assert set(mine["ExtendedProperties"]) == set(theirs["ExtendedProperties"])
    shared = {column["text"]: column for column in theirs["Columns"]}
    assert all(column == shared[column["text"]] for column in mine["Columns"] if column["text"] in shared)
    for kind in ("discreteHistogram", "continuousHistogram"):
        told, known = mine["ExtendedProperties"][kind], theirs["ExtendedProperties"][kind]
        both = set(told) & set(known)
        assert len(both) > 2
        for column in both:
            assert ("type" in told[column]) == ("type" in known[column])
            assert isinstance(told[column]["hist"], type(known[column]["hist"]))
    continuous = mine["ExtendedProperties"]["continuousHistogram"]
    assert all(entry["type"] == "numeric" and entry["min"] <= entry["max"] for entry in continuous.values())


def test_histograms_count_every_row(invoke: Invoke) -> None:
    """The counts of a histogram add up to the number of non-null rows; null text is counted as ''."""
    table = invoke("Mast.Catalogs.All.Tic", format="extjs")["data"]["Tables"][0]["ExtendedProperties"]
    whole = count(invoke, "Mast.Catalogs.Filtered.Tic", filters=[])
    assert sum(entry["count"] for entry in table["continuousHistogram"]["Tmag"]["hist"]["hist"]) == whole
    classes = table["discreteHistogram"]["lumclass"]
    assert sum(entry["count"] for entry in classes["hist"]) == whole
    dwarfs = count(invoke, "Mast.Catalogs.Filtered.Tic", filters=[{"paramName": "lumclass", "values": ["dwarf"]}])
    assert classes["DWARF"] == {"count": dwarfs, "key": "DWARF"}


def columns_of(box: Sandbox, web: requests.Session, name: str) -> dict[str, Any]:
    """Return the column configuration of a service."""
    url = f"{box.url}/portal/Mashup/Mashup.asmx/columnsconfig"
    config: dict[str, Any] = web.post(url, data={"colConfigId": name}, timeout=10).json()
    return config


@pytest.mark.parametrize(
    ("name", "record"), [("Mast.Catalogs.Tess.Cone", "ticcolumns.json"), ("Mast.Catalogs.Dd.Cone", "ddcolumns.json")]
)
def test_columns_configuration(box: Sandbox, web: requests.Session, name: str, record: str) -> None:
    """Every recorded column has a description, its unit, and its numeric flags; most have no type."""
    mine, theirs = columns_of(box, web, name), recorded(record)
    obsolete = {"duplicate_i", "ecl_lat", "ecl_lon"}
    assert set(theirs) - obsolete <= set(mine)
    for column in set(theirs) - obsolete:
        for key in ("vot.unit", "treatNumeric", "remove", "type"):
            assert mine[column].get(key) == theirs[column].get(key), (column, key)
    assert [column for column, about in mine.items() if "vot.datatype" in about] == []


@pytest.mark.parametrize("name", ["Mast.Catalogs.Tic.Cone", "Mast.Hsc.Db.v3", "Mast.Galex.Catalog", "nonsense"])
def test_other_configurations_are_empty(box: Sandbox, web: requests.Session, name: str) -> None:
    """The configuration of an id without columns is an empty object."""
    assert columns_of(box, web, name) == {}


def test_unknown_catalogs_are_errors(invoke: Invoke) -> None:
    """An unknown catalog is an unknown service."""
    assert "Unknown service" in message(invoke("Mast.Catalogs.Nonsense.Cone", M51))


def test_other_formats(box: Sandbox, web: requests.Session) -> None:
    """A catalog is also available as extjs and csv."""

    def ask(form: str) -> requests.Response:
        request = {"service": "Mast.Catalogs.Tic.Cone", "params": PI_MEN, "format": form}
        return web.post(f"{box.url}/api/v0/invoke", data={"request": json.dumps(request)}, timeout=10)

    table = ask("extjs").json()["data"]["Tables"][0]
    assert table["Rows"][0][0] == PI_MEN_NUMBER
    assert ask("csv").text.splitlines()[1].startswith(f"{PI_MEN_NUMBER},20190415,")


def test_faults_apply_to_catalogs(box: Sandbox, invoke: Invoke) -> None:
    """A fault for one Mashup service affects only that service."""
    box.faults.add("invoke", Fault.executing(), where=lambda record: "Tic" in str(record.mashup))
    assert invoke("Mast.Catalogs.GaiaDR3.Cone", PI_MEN)["status"] == "COMPLETE"
    assert invoke("Mast.Catalogs.Tic.Cone", PI_MEN)["status"] == "EXECUTING"
    assert invoke("Mast.Catalogs.Tic.Cone", PI_MEN)["status"] == "COMPLETE"
