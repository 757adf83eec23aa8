"""The holdings of the TAP services, which agree with those of the other services."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from astropy.io.votable import parse
from astropy.table import Table

from astroquery_mast.sandbox import Sandbox

Query = Callable[..., Table]

#: The main table of each service, and its minimum number of rows.
TABLES = {
    "caom": ("dbo.obspointing", 7000),
    "classy": ("dbo.targets", 20),
    "gaiadr3": ("dbo.gaia_source", 10_000),
    "hsc": ("dbo.SumMagAper2CatView", 3000),
    "hscv2": ("dbo.SumMagAper2CatView", 3000),
    "mast_catalogs": ("tic_v82.source", 10_000),
    "missionmast": ("dbo.hst_science_missionmast", 1000),
    "ps1dr1": ("dbo.MeanObjectView", 10_000),
    "ps1dr2": ("dbo.MeanObjectView", 10_000),
    "tic": ("dbo.CatalogRecord", 10_000),
    "ullyses": ("dbo.sciencemetadata", 30),
}
RA, DEC, RADIUS = 202.469575, 47.195258, 0.1


@pytest.fixture(scope="session")
def query(box: Sandbox, web: requests.Session) -> Query:
    """Return the rows of a synchronous query of a service."""

    def rows(name: str, adql: str) -> Table:
        address = f"{box.url}/vo-tap/api/v0.1/{name}/sync"
        answer = web.post(address, data={"LANG": "ADQL", "QUERY": adql}, timeout=60)
        assert answer.status_code == 200, answer.text
        return parse(io.BytesIO(answer.content)).get_first_table().to_table()

    return rows


def around(ra: str, dec: str) -> str:
    """Return the condition of a cone."""
    return f"CONTAINS(POINT('ICRS', {ra}, {dec}), CIRCLE('ICRS', {RA}, {DEC}, {RADIUS})) = 1"


def test_every_service_is_tested(box: Sandbox, web: requests.Session) -> None:
    """The services of the API are those in this file, and the registry, which has its own tests."""
    document = web.get(f"{box.url}/vo-tap/api/v0.1/openapi.json", timeout=30).json()
    assert set(document["components"]["schemas"]["CatalogName"]["enum"]) == {*TABLES, "registry"}


@pytest.mark.parametrize("name", TABLES)
def test_a_service_describes_and_serves_its_tables(query: Query, name: str) -> None:
    """TAP_SCHEMA lists the main table first, and every column as returned by a query."""
    tables = query(
        name, "SELECT table_name FROM tap_schema.tables WHERE schema_name != 'tap_schema' ORDER BY table_index"
    )
    main, least = TABLES[name]
    assert tables["table_name"][0] == main
    assert query(name, f"SELECT COUNT(*) AS n FROM {main}")["n"][0] >= least
    for table in tables["table_name"]:
        listed = query(
            name,
            f"SELECT column_name, datatype FROM tap_schema.columns WHERE table_name = '{table}' ORDER BY column_index",
        )
        found = query(name, f"SELECT TOP 3 * FROM {table}")
        assert len(found) == 3
        assert found.colnames == list(listed["column_name"]) == [column.lower() for column in found.colnames]


@pytest.mark.parametrize("name", TABLES)
def test_positions_are_marked(box: Sandbox, web: requests.Session, query: Query, name: str) -> None:
    """Clients find the position by its UCD; a service without positions does not advertise or accept geometry."""
    main, _ = TABLES[name]
    columns = (
        "SELECT column_name, unit, ucd FROM tap_schema.columns "
        f"WHERE table_name = '{main}' AND ucd LIKE 'pos.eq.%;meta.main'"
    )
    found = {row["ucd"]: row["column_name"] for row in query(name, columns)}
    address = f"{box.url}/vo-tap/api/v0.1/{name}"
    advertised = "<form>CIRCLE</form>" in web.get(f"{address}/capabilities", timeout=30).text
    assert advertised == (name != "ullyses") == bool(found)
    ra, dec = (found.get(f"pos.eq.{kind};meta.main", kind) for kind in ("ra", "dec"))
    params = {"LANG": "ADQL", "QUERY": f"SELECT TOP 0 * FROM {main} WHERE {around(ra, dec)}"}
    assert web.get(f"{address}/sync", params=params, timeout=30).status_code == (200 if advertised else 400)


@pytest.mark.parametrize(
    ("service", "number", "name", "main", "position"),
    [
        ("Mast.Catalogs.Tic.Cone", "ID", "mast_catalogs", "tic_v82.source", ("ra", "dec")),
        ("Mast.Catalogs.GaiaDR3.Cone", "source_id", "gaiadr3", "dbo.gaia_source", ("ra", "dec")),
        ("Mast.Hsc.Db.v3", "MatchID", "hsc", "dbo.SumMagAper2CatView", ("matchra", "matchdec")),
    ],
)
def test_a_cone_is_that_of_mashup(
    query: Query,
    invoke: Callable[..., dict[str, Any]],
    service: str,
    number: str,
    name: str,
    main: str,
    position: tuple[str, str],
) -> None:
    """Both services find the same rows, with the same values in common columns."""
    mashup = invoke(service, {"ra": RA, "dec": DEC, "radius": RADIUS, "nr": 50_000}, pagesize=50_000)["data"]
    wanted = {row[number]: {key.lower(): value for key, value in row.items()} for row in mashup}
    found = query(name, f"SELECT * FROM {main} WHERE {around(*position)}")
    assert len(found) == len(wanted) > 20
    numbers = [column for column in found.colnames if found[column].dtype.kind == "f"]
    for row in found:
        for column in numbers:
            value = wanted[row[number.lower()]].get(column)
            assert value is None or row[column] == pytest.approx(value)


def test_a_cone_is_that_of_catalogs_mast(box: Sandbox, web: requests.Session, query: Query) -> None:
    """Pan-STARRS has the same sources by TAP, under both names of its tables, and by Catalogs.MAST."""
    params = {"ra": RA, "dec": DEC, "radius": RADIUS, "pagesize": 50_000}
    old = web.get(f"{box.url}/api/v0.1/panstarrs/dr2/mean.json", params=params, timeout=30).json()
    place = [column["name"] for column in old["info"]].index("objID")
    wanted = sorted(int(row[place]) for row in old["data"])
    for name, main in ("ps1dr2", "dbo.MeanObjectView"), ("mast_catalogs", "ps1_dr2.mean_object"):
        found = query(name, f"SELECT objid FROM {main} WHERE {around('ramean', 'decmean')} ORDER BY objid")
        assert found["objid"].tolist() == wanted
    assert len(wanted) > 20


def test_detections_of_a_star(query: Query) -> None:
    """The detections of an object are joined to it by its id."""
    found = query(
        "ps1dr2",
        "SELECT m.objid, d.filtertype, d.psfflux FROM dbo.MeanObjectView AS m "
        f"JOIN dbo.Detection AS d ON d.objid = m.objid WHERE {around('m.ramean', 'm.decmean')}",
    )
    assert len(found) > 4
    assert len(found) == 4 * len(set(found["objid"]))


def test_filters_are_joined_to_detections_by_their_number(query: Query) -> None:
    """Published notebooks use a NATURAL JOIN."""
    found = query(
        "ps1dr2",
        "SELECT TOP 20 objID, Detection.filterID AS filterID, Filter.filterType, obsTime "
        "FROM Detection NATURAL JOIN Filter ORDER BY filterID, obsTime",
    )
    assert found.colnames == ["objid", "filterid", "filtertype", "obstime"]
    assert set(found["filtertype"]) == {"g"}


def test_the_mission_table_has_what_the_mission_search_has(box: Sandbox, web: requests.Session, query: Query) -> None:
    """The number of datasets of an instrument is that of the HST search, and dates are timestamps."""
    condition = {"conditions": [{"sci_instrume": "WFC3"}], "limit": 5000, "select_cols": ["sci_data_set_name"]}
    answer = web.post(f"{box.url}/search/hst/api/v0.1/search", data=json.dumps(condition), timeout=30).json()
    found = query("missionmast", "SELECT * FROM dbo.hst_science_missionmast WHERE sci_instrume = 'wfc3'")
    assert len(found) == answer["totalResults"] > 50
    kinds = query("missionmast", "SELECT xtype FROM tap_schema.columns WHERE column_name = 'sci_start_time'")
    assert kinds["xtype"][0] == "timestamp"
    (latest,) = query("missionmast", "SELECT MAX(sci_start_time) AS latest FROM dbo.hst_science_missionmast")
    later = f"SELECT * FROM dbo.hst_science_missionmast WHERE sci_start_time >= '{latest['latest']}'"
    assert len(query("missionmast", later)) >= 1


def test_wavelengths_of_obspointing_are_in_nanometers(query: Query) -> None:
    """Columns of ``dbo.obspointing`` claim meters but are in nanometers; those of ``ivoa.obscore`` are in meters."""
    both = query(
        "caom",
        "SELECT p.em_min AS nm, c.em_min AS m FROM dbo.obspointing AS p JOIN ivoa.obscore AS c ON p.obs_id = c.obs_id "
        "WHERE p.em_min > 0 AND p.obs_collection = 'JWST'",
    )
    assert both["nm"].unit == both["m"].unit == "m"
    assert both["nm"].min() > 100
    assert both["nm"].tolist() == pytest.approx((both["m"] * 1e9).tolist())
