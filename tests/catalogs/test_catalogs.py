"""Catalogs by position, name and criteria: what is sent, and what is made of the archive's answers."""

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
    """The real addresses, answered from memory."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(CONFIG, body=b"{}")
        yield mock


def payload(**arguments: Any) -> dict[str, Any]:
    """Return the request of a region."""
    found = Catalogs.query_region(M15, radius=0.01, get_query_payload=True, **arguments)
    assert isinstance(found, dict)
    return found


def criteria(catalog: str, **arguments: Any) -> dict[str, Any]:
    """Return the request of criteria."""
    found = Catalogs.query_criteria(catalog, get_query_payload=True, **arguments)
    assert isinstance(found, dict)
    return found


# -- what is sent --------------------------------------------------------------------------------------------------

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
def test_regions_are_asked_as_astroquery_asks_them(
    arguments: dict[str, Any], service: str, params: dict[str, int]
) -> None:
    """Service and parameters are those of the catalog."""
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
def test_criteria_are_asked_as_astroquery_asks_them(arguments: tuple[str, dict[str, Any]], service: str) -> None:
    """The catalog may be given by its place, in any case; a position goes along as three numbers."""
    catalog, given = arguments
    request = criteria(catalog, **given)
    name = next(iter(given))
    position = {"ra", "dec", "radius"} if "coordinates" in given else set()
    columns = set() if "disk" in catalog.lower() else {"columns"}
    assert request["service"] == service
    assert set(request["params"]) == {"filters"} | position | columns
    assert request["params"]["filters"] == [{"paramName": name, "values": [{"min": given[name][0], "max": 10}]}]


def test_an_object_is_its_position(archive: responses.RequestsMock) -> None:
    """A name is resolved, and then all is as for coordinates."""
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
def test_what_cannot_be_asked_is_refused_before_a_query_is_sent(
    archive: responses.RequestsMock, catalog: str, given: dict[str, Any], text: str
) -> None:
    """Nothing but metadata are asked for before criteria are refused (Q2, B6)."""
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
def test_what_a_region_cannot_be_asked_is_refused_unsent(
    archive: responses.RequestsMock, arguments: dict[str, Any], text: str
) -> None:
    """Parameters that a catalog does not have are refused, with the likely ones."""
    archive.get(f"{PANSTARRS}/dr2/mean/metadata.json", status=503)
    for ask in (Catalogs.query_region, Catalogs.query_region_async):
        with pytest.raises(InvalidQueryError, match=text):
            ask(M15, **arguments)
    assert not asked(archive)


def test_a_position_is_needed() -> None:
    """None is no position."""
    with pytest.raises(InvalidQueryError, match="position"):
        Catalogs.query_region(None, catalog="TIC")


# -- what comes back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recording", "arguments", "separation", "unit"),
    [
        ("hsc.json", {"version": 2}, "Distance", "arcmin"),
        ("tic.json", {"catalog": "TIC"}, "Tmag", "mag"),
        ("dd.json", {"catalog": "DiskDetective"}, "A_dstArcSec", "arcsec"),
    ],
)
def test_recorded_answers_have_units(
    archive: responses.RequestsMock,
    recorded: Callable[[str], bytes],
    recording: str,
    arguments: dict[str, Any],
    separation: str,
    unit: str,
) -> None:
    """A recorded table keeps the archive's columns in order, all of them masked columns, with units where known."""
    archive.post(INVOKE, body=recorded(recording))
    table = Catalogs.query_region(M15, radius=0.01, **arguments)
    names = [field["name"] for field in json.loads(recorded(recording))["fields"]]
    assert table.colnames == [name for name in names if name != "_selected_"]
    assert all(isinstance(column, MaskedColumn) for column in table.itercols())
    assert table[separation].unit == unit


def test_the_recorded_tic_has_its_columns_where_code_expects_them(
    archive: responses.RequestsMock, recorded: Callable[[str], bytes]
) -> None:
    """Identifiers are text, and positions among the columns are the archive's."""
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
    """Every catalog measures separations in a unit of its own, and the column says which."""
    rows_of(archive, 3, column)
    table = Catalogs.query_region(M15, radius=0.01, catalog=catalog)
    assert table[column].unit == unit


def test_a_catalog_is_complete_over_all_pages(archive: responses.RequestsMock) -> None:
    """All pages are fetched, or the one that is asked for."""
    rows_of(archive, 25)
    table = Catalogs.query_region(M15, catalog="TIC", pagesize=10)
    assert table["ID"].tolist() == [str(n) for n in range(25)]
    page = Catalogs.query_region(M15, catalog="TIC", pagesize=10, page=3)
    assert page["ID"].tolist() == [str(n) for n in range(20, 25)]
    assert len(Catalogs.query_region_async(M15, catalog="TIC", pagesize=10)) == 3


def test_sorting_and_selecting_where_the_service_does_not(archive: responses.RequestsMock) -> None:
    """Columns and order are the user's, for every catalog."""
    rows_of(archive, 4)
    table = Catalogs.query_region(M15, catalog="Gaia", columns=["id"], sort_by="desc.distance")
    assert table.colnames == ["ID"]
    assert table["ID"].tolist() == ["3", "2", "1", "0"]
    with pytest.raises(InvalidQueryError, match="Did you mean 'distance'"):
        Catalogs.query_region(M15, catalog="Gaia", sort_by="distanc")
    request = criteria("TIC", Tmag="<9", columns="id, ra", sort_by="desc.Tmag")
    assert request["params"]["columns"] == "ID, ra, Tmag"


def test_the_row_limit_is_that_of_the_call(archive: responses.RequestsMock) -> None:
    """A limit that was reached is told, and that of an earlier call has no say (B37)."""
    rows_of(archive, 30)
    with pytest.warns(
        MaxResultsWarning, match="Maximum catalog results returned: 5 rows of HSC, limited by nr=5.* Increase nr"
    ):
        assert len(Catalogs.query_region(M15, nr=5)) == 5
    with pytest.warns(MaxResultsWarning, match=r"of Galex, .* maxrecords=30"):
        assert len(Catalogs.query_region(M15, catalog="Galex", maxrecords=30)) == 30
    assert len(Catalogs.query_region(M15, catalog="Gaia", pagesize=30)) == 30
    assert len(Catalogs.query_region(M15, nr=31)) == 30


def test_nothing_found_is_an_empty_table_with_columns(archive: responses.RequestsMock) -> None:
    """No rows are a warning and a table (T5)."""
    rows_of(archive, 0)
    with pytest.warns(NoResultsWarning, match=r"Query returned no results\."):
        table = Catalogs.query_region(M15, catalog="TIC")
    assert (len(table), table.colnames) == (0, ["ID", "distance"])


def test_versions_that_do_not_exist_are_told(archive: responses.RequestsMock) -> None:
    """The latest version stands in, with a warning."""
    with pytest.warns(InputWarning, match="Invalid HSC version number"):
        assert payload(version=5)["service"] == "Mast.Hsc.Db.v3"
    with pytest.warns(InputWarning, match="Pan-STARRS"):
        assert payload(catalog="panstarrs", version=1)["ra"] == CONE["ra"]


def test_a_count_is_a_number(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """Rows are counted by the services that can, with the same filters."""
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


def test_an_error_of_mashup_is_told_in_its_own_words(archive: responses.RequestsMock) -> None:
    """The archive's message reaches the user."""
    archive.post(INVOKE, json={"status": "ERROR", "msg": "Incorrect syntax near '*'."})
    with pytest.raises(RemoteServiceError, match=r"Incorrect syntax near '\*'\.$"):
        Catalogs.query_region(M15, catalog="TIC")
    for ask in (Catalogs.query_region, Catalogs.query_region_async):
        with pytest.raises(RemoteServiceError, match=r"Did you mean 'Galex'\?$"):
            ask(M15, catalog="Galexx")


# -- the peer's surface --------------------------------------------------------------------------------------------

METHODS = ["query_region", "query_object", "query_criteria", "query_hsc_matchid", "get_hsc_spectra"]


@pytest.mark.parametrize("name", METHODS)
def test_tables_and_responses_are_asked_with_the_same_arguments(name: str) -> None:
    """The method that returns a table takes what the asynchronous one does, and says whether it is to be sent."""
    own = inspect.signature(getattr(CatalogsClass, name)).parameters
    other = inspect.signature(getattr(CatalogsClass, f"{name}_async")).parameters
    for_many = {"max_workers", "executor"} if "coordinates" in own or "object_name" in own else set()
    by_tap = {each.name for each in fields(TapOptions)} & set(own)
    assert set(own) - set(other) == {"get_query_payload", "verbose", "cache"} | for_many | by_tap
    assert set(other) <= set(own)


def test_tables_are_astropys(archive: responses.RequestsMock) -> None:
    """A ready-made client and one of one's own give tables of astropy, whose identifiers are text."""
    rows_of(archive, 2)
    for client in (Catalogs, Catalogs(), CatalogsClass()):
        table = client.query_region(M15, catalog="Tic", verbose=True)
        assert type(table) is ResultTable
        assert isinstance(table["ID"][0], str)
