"""Catalog queries by position, name and criteria: requests, and the tables made from responses."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import pytest
import responses
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn
from astropy.utils.exceptions import AstropyDeprecationWarning
from astroquery.exceptions import (
    InputWarning,
    InvalidQueryError,
    MaxResultsWarning,
    NoResultsWarning,
    RemoteServiceError,
)
from mashup_answers import INVOKE, asked, rows_of

from astroquery_mast import Catalogs, CatalogsClass, ResultTable
from astroquery_mast.catalogs.search import TapOptions

CONFIG = "https://mast.stsci.edu/portal/Mashup/Mashup.asmx/columnsconfig"
PANSTARRS = "https://catalogs.mast.stsci.edu/api/v0.1/panstarrs"
RESOLVER = "https://mastresolver.stsci.edu/Santa-war/query"
M15 = SkyCoord(322.49324, 12.16683, unit="deg")


@pytest.fixture
def archive() -> Iterator[responses.RequestsMock]:
    """Mock MAST's real addresses."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(CONFIG, body=b"{}")
        yield mock


def payload(**arguments: Any) -> dict[str, Any]:
    """Return the request of a region query."""
    found = Catalogs.query_region(M15, radius=0.01, get_query_payload=True, **arguments)
    assert isinstance(found, dict)
    return found


def criteria(catalog: str, **arguments: Any) -> dict[str, Any]:
    """Return the request of a criteria query."""
    found = Catalogs.query_criteria(catalog, get_query_payload=True, **arguments)
    assert isinstance(found, dict)
    return found


# -- requests ------------------------------------------------------------------------------------------------------

CONE = {"ra": 322.49324, "dec": 12.16683, "radius": 0.01}


@pytest.mark.parametrize(
    ("arguments", "service", "params"),
    [
        ({}, "Mast.Hsc.Db.v3", {"nr": 50000, "ni": 1, "magtype": 1}),
        ({"catalog": "HSC", "version": 2, "magtype": 2}, "Mast.Hsc.Db.v2", {"nr": 50000, "ni": 1, "magtype": 2}),
        ({"catalog": "Galex", "maxrecords": 9}, "Mast.Galex.Catalog", {"maxrecords": 9}),
        ({"catalog": "Gaia"}, "Mast.Catalogs.GaiaDR3.Cone", {}),
        ({"catalog": "gaia", "version": 1}, "Mast.Catalogs.GaiaDR1.Cone", {}),
        ({"catalog": "TIC"}, "Mast.Catalogs.Tic.Cone", {}),
        ({"catalog": "ctl"}, "Mast.Catalogs.Ctl.Cone", {}),
        ({"catalog": "DiskDetective"}, "Mast.Catalogs.DiskDetective.Cone", {}),
        ({"catalog": "plato"}, "Mast.Catalogs.Plato.Cone", {}),
        ({"catalog": "Sample"}, "Mast.Catalogs.Sample.Cone", {}),
    ],
    ids=str,
)
def test_region_requests_are_those_of_astroquery(
    arguments: dict[str, Any], service: str, params: dict[str, int]
) -> None:
    """The service and its parameters are those of the catalog."""
    request = payload(**arguments)
    assert request["service"] == service
    assert request["params"] == pytest.approx({**CONE, **params})
    assert (request["pagesize"], request["page"]) == (50000, 1)


@pytest.mark.parametrize(
    ("arguments", "service"),
    [
        (("TIC", {"Tmag": [8, 10]}), "Mast.Catalogs.Filtered.Tic.Rows"),
        (("Tic", {"Tmag": [8, 10], "coordinates": M15}), "Mast.Catalogs.Filtered.Tic.Position.Rows"),
        (("ctl", {"Tmag": [8, 10]}), "Mast.Catalogs.Filtered.Ctl.Rows"),
        (("CTL", {"Tmag": [8, 10], "coordinates": M15}), "Mast.Catalogs.Filtered.Ctl.Position.Rows"),
        (("DiskDetective", {"oval": [8, 10]}), "Mast.Catalogs.Filtered.DiskDetective"),
        (("diskdetective", {"oval": [8, 10], "coordinates": M15}), "Mast.Catalogs.Filtered.DiskDetective.Position"),
    ],
    ids=str,
)
def test_criteria_requests_are_those_of_astroquery(arguments: tuple[str, dict[str, Any]], service: str) -> None:
    """Catalog names are case-insensitive; a position is sent as three numbers."""
    catalog, given = arguments
    request = criteria(catalog, **given)
    name = next(iter(given))
    position = {"ra", "dec", "radius"} if "coordinates" in given else set()
    columns = set() if "disk" in catalog.lower() else {"columns"}
    assert request["service"] == service
    assert set(request["params"]) == {"filters"} | position | columns
    assert request["params"]["filters"] == [{"paramName": name, "values": [{"min": given[name][0], "max": 10}]}]


def test_an_object_is_resolved_to_its_position(archive: responses.RequestsMock) -> None:
    """The request for the name of an object is that for its coordinates."""
    found = {"resolvedCoordinate": [{"searchString": "m15", "resolver": "NED", "ra": M15.ra.deg, "decl": M15.dec.deg}]}
    archive.get(RESOLVER, json={**found, "status": ""})
    expected = payload(catalog="TIC")
    assert Catalogs.query_object("M15", radius=0.01, catalog="TIC", get_query_payload=True) == expected
    with pytest.warns(AstropyDeprecationWarning, match="objectname"):
        assert Catalogs.query_object(objectname="M15", radius=0.01, catalog="TIC", get_query_payload=True) == expected
    with pytest.warns(AstropyDeprecationWarning, match="objectname"):
        request = criteria("tic", objectname="M15", radius="36 arcsec", Tmag="<9")
    assert request["params"]["radius"] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("catalog", "given", "text"),
    [
        ("tic", {}, "non-positional"),
        ("tic", {"coordinates": M15}, "non-positional"),
        ("panstarrs", {}, "non-positional"),
        ("panstarrs", {"coordinates": M15}, "non-positional"),
        ("panstarrs", {"table": "mean"}, "non-positional"),
        ("SampleFail", {}, "query not available"),
        ("Galex", {"objID": 3}, "query not available for Galex"),
        ("tic", {"Tmag": [1, 2], "radius": 0.1}, "Specify coordinates or object_name as well"),
        ("tic", {"Tmag": [1, 2], "object_name": "M15", "coordinates": M15}, "one of object_name and coordinates"),
        ("panstarrs", {"objType": 1, "object_name": "M15", "coordinates": M15}, "one of object_name and coordinates"),
        ("tic", {"Tmag": [1, 2], "columns": "Tmagg"}, "Did you mean 'Tmag'"),
        (
            "panstarrs",
            {"nDetections": 1, "columns": ["objName", "distance"]},
            "columns: column 'distance' not found. Did you mean 'decStackErr'",
        ),
        (
            "panstarrs",
            {"nDetections": 1, "data_release": "dr9"},
            "data_release='dr9' is not valid for Pan-STARRS. Valid: dr1, dr2",
        ),
        ("ctl", {"objectType": "STAR"}, "Did you mean 'objType'"),
        ("tic", {"not_a_keyword": "TESS"}, "Filter 'not_a_keyword' does not exist."),
        ("panstarrs", {"coordinates": M15, "obj_name": "x"}, "objName"),
        ("tic", {"Tmag": [1, 2], "timeout": 0}, "timeout"),
        ("tic", {"Tmag": [1, 2], "pagesize": 0}, "pagesize"),
    ],
    ids=str,
)
def test_invalid_criteria_send_no_query(
    archive: responses.RequestsMock, catalog: str, given: dict[str, Any], text: str
) -> None:
    """Invalid criteria raise after at most a request for metadata (Q2, B6)."""
    archive.get(f"{PANSTARRS}/dr2/mean/metadata.json", status=503)
    for ask in (Catalogs.query_criteria, Catalogs.query_criteria_async):
        with pytest.raises(InvalidQueryError, match=text):
            ask(catalog, **given)
    assert {request["service"] for request in asked(archive)} <= {"Mast.Catalogs.All.Tic"}
    assert not [call for call in archive.calls if call.request.url.endswith("mean.json")]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"catalog": "HSC", "invalid": 2}, "Filter 'invalid' does not exist for catalog HSC."),
        ({"catalog": "TIC", "Tmag": [1, 2]}, "query_criteria"),
        ({"catalog": "Gaia", "nr": 3}, "no parameters"),
        ({"catalog": None}, "name of a catalog|No catalog specified"),
        ({"catalog": "TIC", "columns": ["Tmagg"]}, "Did you mean 'Tmag'"),
        ({"catalog": "panstarrs", "nope": 1}, "Filter 'nope' does not exist"),
        ({"radius": "wide"}, "radius"),
        ({"sort_by": []}, "sort_by"),
    ],
    ids=str,
)
def test_invalid_region_arguments_send_no_request(
    archive: responses.RequestsMock, arguments: dict[str, Any], text: str
) -> None:
    """Parameters that a catalog does not have raise an error with suggestions."""
    archive.get(f"{PANSTARRS}/dr2/mean/metadata.json", status=503)
    for ask in (Catalogs.query_region, Catalogs.query_region_async):
        with pytest.raises(InvalidQueryError, match=text):
            ask(M15, **arguments)
    assert not asked(archive)


def test_a_position_is_required() -> None:
    """None as a position raises an error."""
    with pytest.raises(InvalidQueryError, match="position"):
        Catalogs.query_region(None, catalog="TIC")


# -- responses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recording", "arguments", "separation", "unit"),
    [
        ("hsc.json", {"version": 2}, "Distance", "arcmin"),
        ("tic.json", {"catalog": "TIC"}, "Tmag", "mag"),
        ("dd.json", {"catalog": "DiskDetective"}, "A_dstArcSec", "arcsec"),
    ],
)
def test_recorded_responses_have_units(
    archive: responses.RequestsMock,
    recorded: Callable[[str], bytes],
    recording: str,
    arguments: dict[str, Any],
    separation: str,
    unit: str,
) -> None:
    """A recorded table has masked columns in MAST's order, with units where known."""
    archive.post(INVOKE, body=recorded(recording))
    table = Catalogs.query_region(M15, radius=0.01, **arguments)
    names = [field["name"] for field in json.loads(recorded(recording))["fields"]]
    assert table.colnames == [name for name in names if name != "_selected_"]
    assert all(isinstance(column, MaskedColumn) for column in table.itercols())
    assert table[separation].unit == unit


def test_the_recorded_tic_keeps_the_order_of_columns(
    archive: responses.RequestsMock, recorded: Callable[[str], bytes]
) -> None:
    """Identifiers are text, and columns have the same index as at MAST."""
    archive.post(INVOKE, body=recorded("tic.json"))
    table = Catalogs.query_criteria(catalog="Tic", Bmag=[30, 50], objType="STAR")
    assert table["ID"].dtype.kind == "U"
    assert [table.colnames[place] for place in (13, 14, 64, 66, 70, 72)] == ["ra", "dec", "Teff", "logg", "rad", "mass"]
    assert table["rad"].unit == u.solRad
    assert table["ID"].description


@pytest.mark.parametrize(
    ("catalog", "column", "unit"),
    [
        ("HSC", "Distance", "arcmin"),
        ("Gaia", "distance", "arcmin"),
        ("GaiaDR2", "distance", "arcmin"),
        ("TIC", "dstArcSec", "arcsec"),
        ("Galex", "distance_arcmin", "arcmin"),
        ("Sample", "dstArcSec", "arcsec"),
    ],
)
def test_separations_have_units(archive: responses.RequestsMock, catalog: str, column: str, unit: str) -> None:
    """The separation has the unit of the catalog."""
    rows_of(archive, 3, column)
    table = Catalogs.query_region(M15, radius=0.01, catalog=catalog)
    assert table[column].unit == unit


def test_all_pages_are_returned(archive: responses.RequestsMock) -> None:
    """All pages are returned, or the requested one."""
    rows_of(archive, 25)
    table = Catalogs.query_region(M15, catalog="TIC", pagesize=10)
    assert table["ID"].tolist() == [str(n) for n in range(25)]
    page = Catalogs.query_region(M15, catalog="TIC", pagesize=10, page=3)
    assert page["ID"].tolist() == [str(n) for n in range(20, 25)]
    assert len(Catalogs.query_region_async(M15, catalog="TIC", pagesize=10)) == 3


def test_local_sorting_and_selection_of_columns(archive: responses.RequestsMock) -> None:
    """Columns and order can be selected for every catalog."""
    rows_of(archive, 4)
    table = Catalogs.query_region(M15, catalog="Gaia", columns=["id"], sort_by="desc.distance")
    assert table.colnames == ["ID"]
    assert table["ID"].tolist() == ["3", "2", "1", "0"]
    with pytest.raises(InvalidQueryError, match="Did you mean 'distance'"):
        Catalogs.query_region(M15, catalog="Gaia", sort_by="distanc")
    request = criteria("TIC", Tmag="<9", columns="id, ra", sort_by="desc.Tmag")
    assert request["params"]["columns"] == "ID, ra, Tmag"


def test_the_row_limit_is_that_of_the_call(archive: responses.RequestsMock) -> None:
    """A limit that is reached issues a warning; limits of earlier calls have no effect (B37)."""
    rows_of(archive, 30)
    with pytest.warns(
        MaxResultsWarning, match="Maximum catalog results returned: 5 rows of HSC, limited by nr=5.* Increase nr"
    ):
        assert len(Catalogs.query_region(M15, nr=5)) == 5
    with pytest.warns(MaxResultsWarning, match=r"of Galex, .* maxrecords=30"):
        assert len(Catalogs.query_region(M15, catalog="Galex", maxrecords=30)) == 30
    assert len(Catalogs.query_region(M15, catalog="Gaia", pagesize=30)) == 30
    assert len(Catalogs.query_region(M15, nr=31)) == 30


def test_an_empty_result_has_columns(archive: responses.RequestsMock) -> None:
    """An empty result is a table with columns, and a warning (T5)."""
    rows_of(archive, 0)
    with pytest.warns(NoResultsWarning, match=r"Query returned no results\."):
        table = Catalogs.query_region(M15, catalog="TIC")
    assert (len(table), table.colnames) == (0, ["ID", "distance"])


def test_unknown_versions_warn(archive: responses.RequestsMock) -> None:
    """An unknown version is replaced by the latest, with a warning."""
    with pytest.warns(InputWarning, match="Invalid HSC version number"):
        assert payload(version=5)["service"] == "Mast.Hsc.Db.v3"
    with pytest.warns(InputWarning, match="Pan-STARRS"):
        assert payload(catalog="panstarrs", version=1)["ra"] == CONE["ra"]


def test_a_count_is_a_number(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """Rows are counted by a service that can count, with the same filters."""
    archive.post(INVOKE, body=recorded("countsResp.json"))
    count = Catalogs.query_criteria_count("TIC", Tmag=[8, 10], coordinates=M15, radius=0.01)
    assert type(count) is int
    assert count == 599
    request = asked(archive)[0]
    assert request["service"] == "Mast.Catalogs.Filtered.Tic.Position"
    assert request["params"]["columns"] == "COUNT_BIG(*)"
    rows = criteria("TIC", Tmag=[8, 10], coordinates=M15, radius=0.01)
    assert request["params"]["filters"] == rows["params"]["filters"]
    with pytest.raises(InvalidQueryError, match="Count not available"):
        Catalogs.query_criteria_count("panstarrs", nDetections=3)


def test_an_error_includes_the_message_of_mashup(archive: responses.RequestsMock) -> None:
    """The error includes MAST's message, or a similar name for an unknown catalog."""
    archive.post(INVOKE, json={"status": "ERROR", "msg": "Incorrect syntax near '*'."})
    with pytest.raises(RemoteServiceError, match=r"Incorrect syntax near '\*'\.$"):
        Catalogs.query_region(M15, catalog="TIC")
    for ask in (Catalogs.query_region, Catalogs.query_region_async):
        with pytest.raises(RemoteServiceError, match=r"Did you mean 'Galex'\?$"):
            ask(M15, catalog="Galexx")


# -- the interface of astroquery -----------------------------------------------------------------------------------

METHODS = ["query_region", "query_object", "query_criteria", "query_hsc_matchid", "get_hsc_spectra"]


@pytest.mark.parametrize("name", METHODS)
def test_async_methods_have_the_same_arguments(name: str) -> None:
    """Methods that return tables accept all arguments of the asynchronous ones."""
    own = inspect.signature(getattr(CatalogsClass, name)).parameters
    other = inspect.signature(getattr(CatalogsClass, f"{name}_async")).parameters
    for_many = {"max_workers", "executor"} if "coordinates" in own or "object_name" in own else set()
    by_tap = {each.name for each in fields(TapOptions)} & set(own)
    assert set(own) - set(other) == {"get_query_payload", "verbose", "cache"} | for_many | by_tap
    assert set(other) <= set(own)


def test_results_are_astropy_tables(archive: responses.RequestsMock) -> None:
    """Default and new clients return the same kind of table, with text identifiers."""
    rows_of(archive, 2)
    for client in (Catalogs, Catalogs(), CatalogsClass()):
        table = client.query_region(M15, catalog="Tic", verbose=True)
        assert type(table) is ResultTable
        assert isinstance(table["ID"][0], str)
