"""Catalog queries by TAP on the sandbox: collections, the choice of the service, and equal results of both services."""

from __future__ import annotations

import pickle
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table, vstack
from astropy.utils.exceptions import AstropyDeprecationWarning
from astroquery.exceptions import (
    InputWarning,
    InvalidQueryError,
    MaxResultsWarning,
    NoResultsWarning,
    RemoteServiceError,
)

from astroquery_mast import Catalogs, CatalogsClass, Observations, ResultTable
from astroquery_mast.catalogs import tap as catalogs_tap
from astroquery_mast.exceptions import InvalidCriterionError, UnsupportedCriterionError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service import parallel

M51 = SkyCoord(202.469575, 47.195258, unit="deg")
M101 = SkyCoord(210.8023, 54.3490, unit="deg")
TRIANGLE = [(202.3, 47.0), (202.7, 47.1), (202.5, 47.4)]


def services(table: Any) -> list[str]:
    """Return the services from which a table comes."""
    found: list[str] = table.meta["service"]
    return found


def sent(sandbox: Sandbox) -> set[str]:
    """Return the endpoints of the requests."""
    return {record.endpoint for record in sandbox.requests}


# -- lists -------------------------------------------------------------------------------------------------------------


def test_collections_of_all_services_are_listed(mast_sandbox: Sandbox) -> None:
    """A service with several collections is listed as these."""
    names = Catalogs.available_collections
    assert {"caom", "hsc", "tic", "tic_v82", "ps1_dr2", "gaiadr3"} <= set(names)
    assert not {"mast_catalogs", "tap_schema"} & set(names)
    assert Catalogs.get_collections()["collection_name"].tolist() == names


def test_catalogs_are_the_tables_of_a_collection(mast_sandbox: Sandbox) -> None:
    """The tables are listed by schema if a service has several; the default collection is the Hubble Source Catalog."""
    assert Catalogs.get_catalogs("TIC_V82")["catalog_name"].tolist() == ["tic_v82.source"]
    default = Catalogs.get_catalogs()
    assert default.colnames == ["catalog_name", "description"]
    assert "dbo.SumMagAper2CatView" in default["catalog_name"]


def test_columns_are_described(mast_sandbox: Sandbox) -> None:
    """Columns have names, types, units, UCDs and descriptions; catalog names are case-insensitive."""
    columns = Catalogs.get_column_metadata("tic", "catalogRECORD")
    assert columns.colnames == ["column_name", "datatype", "unit", "ucd", "description"]
    (position,) = columns[columns["column_name"] == "ra"]
    assert (position["unit"], position["ucd"]) == ("deg", "pos.eq.ra;meta.main")
    with pytest.raises(InvalidQueryError, match="source"):
        Catalogs.get_column_metadata("tic_v82", "sourse")


@pytest.mark.parametrize(("collection", "spatial"), [("tic", True), ("ps1_dr2", True), ("ullyses", False)])
def test_supports_spatial_queries(mast_sandbox: Sandbox, collection: str, spatial: bool) -> None:
    """The capabilities, the columns and a test query decide; the result is remembered."""
    assert Catalogs.supports_spatial_queries(collection) is spatial
    requests = len(mast_sandbox.requests)
    assert Catalogs.supports_spatial_queries(collection.upper()) is spatial
    assert len(mast_sandbox.requests) == requests
    if not spatial:
        with pytest.raises(InvalidQueryError, match="cannot be searched by position"):
            Catalogs.query_region(M51, collection=collection)


def test_a_rejected_test_query_means_no_spatial_queries(mast_sandbox: Sandbox) -> None:
    """A service may reject circles that it advertises; a server error is not a rejection."""
    client = CatalogsClass()
    client.get_column_metadata("tic")
    assert client._tap.collections.shapes(client._table("tic", None), client._service.deadline(None))
    mast_sandbox.faults.add("vo_tap", Fault.status(400))
    assert client.supports_spatial_queries("tic") is False
    client = CatalogsClass()
    client.get_column_metadata("tic")
    mast_sandbox.faults.add("vo_tap", Fault.status(500), times=None)
    with pytest.raises(RemoteServiceError):
        client.supports_spatial_queries("tic")


@pytest.mark.parametrize(
    ("collection", "message"),
    [
        ("tik", r"'tik' is not a valid collection. Did you mean 'tic'\? Available: .*caom"),
        ("ctl", "Use catalog='CTL' in the query methods"),
        (" ", "collection must be the name of a collection, such as 'tic', got"),
        ("", "collection must be the name of a collection, such as 'tic', got"),
        (5, "collection must be the name of a collection, such as 'tic', got"),
    ],
)
def test_an_unknown_collection_raises_with_a_suggestion(mast_sandbox: Sandbox, collection: Any, message: str) -> None:
    """The error suggests a similar name and lists all collections."""
    with pytest.raises(InvalidQueryError, match=message):
        Catalogs.get_catalogs(collection)


@pytest.mark.parametrize(("old", "new"), [("panstarrs", "ps1_dr2"), ("GAIA", "gaiadr3")])
def test_a_renamed_collection_warns(mast_sandbox: Sandbox, old: str, new: str) -> None:
    """The old name of a collection works, with a warning."""
    with pytest.warns(InputWarning, match=f"was renamed to '{new}'"):
        table = Catalogs.query_region(M51, radius=0.02, collection=old)
    assert table.meta["collection"] == new


def test_a_client_with_a_renamed_collection_keeps_its_catalog(mast_sandbox: Sandbox) -> None:
    """The client's catalog is used if its collection is given by its old name."""
    client = CatalogsClass(" PanSTARRS ", "detection")
    with pytest.warns(InputWarning, match="was renamed to 'ps1_dr2'"):
        assert client.query_region_count(M51, radius=0.1) > 0
    with pytest.warns(InputWarning, match="was renamed to 'ps1_dr2'"):
        assert client.query_region(M51, radius=0.1).meta["catalog"] == "ps1_dr2.detection"


# -- defaults of a client ----------------------------------------------------------------------------------------------


def test_creating_a_client_sends_no_request(mast_sandbox: Sandbox) -> None:
    """The collection and the catalog are verified when they are first used."""
    client = CatalogsClass(collection="TIC_V82", catalog="Source")
    wrong = CatalogsClass("no such")
    assert len(mast_sandbox.requests) == 0
    assert client.catalog == "tic_v82.source"
    table = client.query_criteria(tmag="<8", limit=None)
    assert services(table) == ["TAP service mast_catalogs"]
    with pytest.raises(InvalidQueryError, match="'no such' is not a valid collection"):
        wrong.query_criteria(tmag="<8")


def test_setting_the_collection(mast_sandbox: Sandbox) -> None:
    """Values are verified; a catalog outside a new collection is replaced; None restores the older services."""
    client = CatalogsClass()
    assert (client.collection, client.catalog) == (None, None)
    client.collection = "Ps1_DR2"
    client.catalog = "MEAN_object"
    assert (client.collection, client.catalog) == ("ps1_dr2", "ps1_dr2.mean_object")
    assert client.query_region(M51, radius=0.02).meta["catalog"] == "ps1_dr2.mean_object"
    assert client.query_criteria_count(coordinates=M51, radius=0.02) > 0
    client.collection = "tic"
    assert client.catalog == "dbo.CatalogRecord"
    for name, value in ("collection", "nothing"), ("collection", "goods"), ("catalog", "nothing"):
        with pytest.raises(InvalidQueryError, match=value):
            setattr(client, name, value)
    assert client.catalog == "dbo.CatalogRecord"
    client.collection = None
    assert services(client.query_region(M51, radius=0.01)) == ["Mast.Hsc.Db.v3"]


def test_the_catalog_of_a_call_takes_precedence(mast_sandbox: Sandbox) -> None:
    """A call may use another table, another collection, or an older catalog that is not in TAP."""
    client = CatalogsClass("tic")
    assert client.query_region(M51, radius=0.02, catalog="Gaia").meta["collection"] == "gaiadr3"
    assert services(client.query_region(M51, radius=0.1, catalog="ctl")) == ["Mast.Catalogs.Ctl.Cone"]
    assert client.query_region(M51, radius=0.1, catalog="CatalogRecord").meta["collection"] == "tic"
    assert client.query_region(M51, radius=0.1, collection="tic_v82").meta["catalog"] == "tic_v82.source"
    with pytest.raises(InvalidQueryError, match="Table 'Gaia' not found"):
        client.query_region(M51, radius=0.1, collection="tic_v82", catalog="Gaia")


def test_responses_are_those_of_the_older_services(mast_sandbox: Sandbox) -> None:
    """Methods that return responses raise if a collection is set."""
    client = CatalogsClass("tic")
    with pytest.raises(InvalidQueryError, match="collection='tic' is set"):
        client.query_region_async(M51, radius=0.1)
    client.collection = None
    assert len(client.query_region_async(M51, radius=0.01, catalog="TIC")) == 1


def test_clients_can_be_copied_and_pickled(mast_sandbox: Sandbox) -> None:
    """Copies of a client keep its collection and catalog."""
    client = CatalogsClass("tic")
    assert client.catalog == "dbo.CatalogRecord"
    for other in (deepcopy(client), pickle.loads(pickle.dumps(client))):
        assert (other.collection, other.catalog) == ("tic", "dbo.CatalogRecord")


# -- choice of the service ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "service"),
    [
        ({}, "Mast.Hsc.Db.v3"),
        ({"catalog": "Hsc", "version": 2}, "Mast.Hsc.Db.v2"),
        ({"catalog": "TIC", "columns": "ID", "sort_by": [("desc", "Tmag")]}, "Mast.Catalogs.Tic.Cone"),
        ({"catalog": "ctl"}, "Mast.Catalogs.Ctl.Cone"),
        ({"collection": "ctl"}, "Mast.Catalogs.Ctl.Cone"),
        ({"collection": "GALEX"}, "Mast.Galex.Catalog"),
        ({"catalog": "Gaia", "pagesize": 1000}, "Mast.Catalogs.GaiaDR3.Cone"),
        ({"catalog": "Panstarrs", "nDetections": ">=5"}, "Catalogs.MAST panstarrs/dr2/mean"),
    ],
    ids=str,
)
def test_calls_without_tap_arguments_use_the_older_services(
    mast_sandbox: Sandbox, arguments: dict[str, Any], service: str
) -> None:
    """A call without TAP arguments sends no request to TAP."""
    assert services(Catalogs.query_region(M51, radius=0.2, **arguments)) == [service]
    assert "vo_tap" not in sent(mast_sandbox)


@pytest.mark.parametrize(
    ("arguments", "service"),
    [
        ({"collection": "hsc"}, "TAP service hsc"),
        ({"catalog": "tic_v82.source"}, "TAP service mast_catalogs"),
        ({"catalog": "dbo.SumMagAper2CatView"}, "TAP service hsc"),
        ({"catalog": "ps1_dr2"}, "TAP service mast_catalogs"),
        ({"catalog": "TIC", "limit": None}, "TAP service tic"),
        ({"catalog": "TIC", "limit": 5000}, "TAP service tic"),
        ({"catalog": "Gaia", "select_cols": "ra"}, "TAP service gaiadr3"),
        ({"catalog": "Hsc", "sort_by": "matchra", "sort_desc": True}, "TAP service hsc"),
        ({"catalog": "Hsc", "filters": {"numimages": ">2"}}, "TAP service hsc"),
        ({"filters": {"numimages": ">2"}, "version": 2}, "TAP service hscv2"),
        ({"catalog": "Pan-STARRS", "run_async": True}, "TAP service mast_catalogs"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:version is deprecated")
def test_tap_arguments_use_tap(mast_sandbox: Sandbox, arguments: dict[str, Any], service: str) -> None:
    """An argument or catalog that requires TAP selects TAP, as the table shows."""
    table = Catalogs.query_region(M51, radius=0.05, **arguments)
    assert len(table) > 0
    assert services(table) == [service]
    assert sent(mast_sandbox) == {"vo_tap"}


def test_criteria_and_counts_of_hsc_and_gaia_use_tap(mast_sandbox: Sandbox) -> None:
    """Criteria and counts that the older services do not support use TAP."""
    near = {"coordinates": M51, "radius": 0.2}
    table = Catalogs.query_criteria("Gaia", **near, parallax=">0.5")
    assert services(table) == ["TAP service gaiadr3"]
    assert Catalogs.query_criteria_count("Gaia", **near, parallax=">0.5") == len(table) > 0
    assert table["parallax"].min() > 0.5
    for catalog in ("HSC", "Gaia"):
        rows = len(Catalogs.query_region(M51, radius=0.05, catalog=catalog))
        assert Catalogs.query_region_count(M51, radius=0.05, catalog=catalog) == rows > 0
        assert Catalogs.query_object_count("M51", radius=0.05, catalog=catalog) == rows
    with pytest.raises(InvalidQueryError, match="version=2 is not valid for this query through TAP"):
        Catalogs.query_region(M51, catalog="Gaia", version=2, limit=10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"catalog": "ctl", "limit": 5}, "limit can only be used with TAP, which has no catalog 'ctl'"),
        (
            {"catalog": "Plato", "count_only": True, "offset": 3},
            "offset, count_only can only be used with TAP, which has no catalog",
        ),
        ({"catalog": "NoSuch", "region": "CIRCLE 1 2 3"}, "region can only be used with TAP, which has no catalog"),
        ({"catalog": "dbo.Nothing"}, "Specify collection= as well"),
        ({"catalog": "ctl", "collection": "tic"}, "Table 'ctl' not found"),
        ({"catalog": "TIC", "collection": ""}, "collection must be the name of a collection, such as 'tic', got"),
        ({"collection": ["tic"]}, "collection must be the name of a collection, such as 'tic', got"),
        ({"collection": "tic", "filters": {3: 4}}, "Filter '3' does not exist"),
    ],
    ids=str,
)
def test_unsupported_combinations_raise(mast_sandbox: Sandbox, arguments: dict[str, Any], message: str) -> None:
    """Arguments that no service supports raise an error."""
    with pytest.raises(InvalidQueryError, match=message):
        Catalogs.query_region(M51, **arguments)
    assert "invoke" not in sent(mast_sandbox)


@pytest.mark.parametrize(
    ("catalog", "criteria", "collection"),
    [
        ("TIC", {"objType": "!STAR"}, "tic"),
        ("tic", {"Tmag": ["<8", ">16"]}, "tic"),
        ("panstarrs", {"objName": ["PSO*", "!PSO J1*"]}, "ps1_dr2"),
    ],
    ids=str,
)
def test_an_unsupported_criterion_suggests_tap(
    mast_sandbox: Sandbox, catalog: str, criteria: dict[str, Any], collection: str
) -> None:
    """The error suggests a collection that supports the criterion, if there is one."""
    with pytest.raises(InvalidQueryError, match=f"TAP supports this query: use collection='{collection}'"):
        Catalogs.query_criteria(catalog, **criteria)
    assert Catalogs.query_criteria_count(collection=collection, **criteria) > 0
    with pytest.raises(InvalidQueryError, match="excludes") as caught:
        Catalogs.query_criteria("ctl", objType="!STAR")
    assert "TAP" not in str(caught.value)


@pytest.mark.parametrize("criteria", [{"Tmag": "wildcarded"}, {"excludes": 1}], ids=str)
def test_a_word_in_a_refused_value_does_not_lead_to_tap(mast_sandbox: Sandbox, criteria: dict[str, Any]) -> None:
    """Only a criterion that TAP may support does, whatever the message quotes."""
    with pytest.raises(InvalidCriterionError) as caught:
        Catalogs.query_criteria("tic", **criteria)
    assert not isinstance(caught.value, UnsupportedCriterionError)
    assert "TAP" not in str(caught.value)


def test_a_catalog_is_required(mast_sandbox: Sandbox) -> None:
    """Criteria without a catalog raise an error."""
    for ask in (Catalogs.query_criteria, Catalogs.query_criteria_count):
        with pytest.raises(InvalidQueryError, match="Use a name such as"):
            ask(tmag="<10")


def test_tap_is_imported_when_it_is_used(mast_sandbox: Sandbox) -> None:
    """The modules for TAP are imported only when they are used."""
    code = "import sys; from astroquery_mast import Catalogs; print([m for m in sys.modules if '_mast.vo' in m])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


# -- comparison of the services ----------------------------------------------------------------------------------------

CONES: list[tuple[dict[str, Any], dict[str, Any], tuple[str, str]]] = [
    ({"catalog": "TIC", "radius": 0.3}, {"collection": "tic"}, ("ID", "id")),
    ({"catalog": "TIC", "radius": 0.3}, {"collection": "tic_v82"}, ("ID", "id")),
    ({"catalog": "Gaia", "radius": 0.2}, {"collection": "gaiadr3"}, ("source_id", "source_id")),
    ({"catalog": "HSC", "radius": 0.05}, {"collection": "hsc"}, ("MatchID", "matchid")),
    ({"catalog": "HSC", "version": 2, "radius": 0.05}, {"collection": "hscv2"}, ("MatchID", "matchid")),
    ({"catalog": "Panstarrs", "radius": 0.1}, {"catalog": "ps1_dr2.mean_object"}, ("objID", "objid")),
    ({"catalog": "Panstarrs", "radius": 0.1, "data_release": "dr1"}, {"collection": "ps1dr1"}, ("objID", "objid")),
]


@pytest.mark.parametrize(("older", "newer", "key"), CONES, ids=[str(newer) for _, newer, _ in CONES])
def test_both_services_return_the_same_rows(
    mast_sandbox: Sandbox, older: dict[str, Any], newer: dict[str, Any], key: tuple[str, str]
) -> None:
    """TAP and the older services return the same rows for the same cone."""
    before = Catalogs.query_region(M51, **older)
    after = Catalogs.query_region(M51, radius=older["radius"], **newer, limit=None)
    assert len(after) > 0
    assert sorted(map(int, before[key[0]])) == sorted(map(int, after[key[1]]))


def test_both_services_return_the_same_values(mast_sandbox: Sandbox) -> None:
    """Values, units and masks for the same criteria are equal."""
    query: dict[str, Any] = {"coordinates": M51, "radius": 0.5, "Tmag": [10, 14], "Teff": (4 * u.kK, None)}
    before = Catalogs.query_criteria("TIC", **query, sort_by="ID")
    after = Catalogs.query_criteria(collection="tic", **query, limit=None, sort_by="id")
    assert after["id"].tolist() == [int(number) for number in before["ID"]]
    for name in ("ra", "Tmag", "Teff", "d"):
        one, other = np.ma.MaskedArray(before[name]), np.ma.MaskedArray(after[name.lower()])
        assert np.array_equal(np.ma.getmaskarray(one), np.ma.getmaskarray(other))
        assert np.ma.allclose(one, other)
        assert before[name].unit == after[name.lower()].unit


# -- positions and regions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("collection", ["tic", "ps1_dr2"])
def test_a_polygon_is_filtered_locally(mast_sandbox: Sandbox, collection: str) -> None:
    """Exactly the rows in the polygon are returned and counted, also with a limit."""
    table = Catalogs.query_region(region=TRIANGLE, collection=collection, limit=None)
    around = Catalogs.query_region(M51, radius=1.0, collection=collection, limit=None)
    names = ("ra", "dec") if collection == "tic" else ("ramean", "decmean")
    corners = SkyCoord(TRIANGLE, unit="deg").cartesian.xyz.T.value
    normals = np.cross(corners, np.roll(corners, -1, axis=0))
    points = SkyCoord(around[names[0]], around[names[1]], unit="deg").cartesian.xyz.T.value
    expected = (points @ normals.T > 0).all(axis=1)
    key = "id" if collection == "tic" else "objid"
    assert 0 < len(table) < len(around)
    assert sorted(table[key]) == sorted(around[key][expected])
    assert Catalogs.query_region_count(region=TRIANGLE, collection=collection) == len(table)
    with pytest.warns(MaxResultsWarning):
        some = Catalogs.query_region(
            region=TRIANGLE, collection=collection, limit=3, select_cols=key, sort_by=names[1], sort_desc=True
        )
    assert some.colnames == [key]
    assert some[key].tolist() == table[key][np.argsort(-table[names[1]])][:3].tolist()


def test_a_polygon_is_sent_if_supported(mast_sandbox: Sandbox) -> None:
    """The service of observations supports polygons, which are sent in one query."""
    text = Catalogs.query_region(region=TRIANGLE, collection="caom", return_adql=True, limit=10)
    assert "POLYGON('ICRS', 202.3, 47, 202.7, 47.1, 202.5, 47.4)" in text
    several = [*[[TRIANGLE]], "CIRCLE 10 20 0.1"]
    text = Catalogs.query_region(region=several, collection="caom", return_adql=True)
    assert text.count("CONTAINS(") == 2
    assert " OR " in text


def test_a_circle_is_sent_with_a_box(mast_sandbox: Sandbox) -> None:
    """A circle is preceded by a box, for which the database uses its indices."""
    text = Catalogs.query_region("0 60", radius="36 arcsec", collection="caom", return_adql=True)
    box = "s_dec BETWEEN 59.9899999 AND 60.0100001 AND (s_ra >= 359.9799999 OR s_ra <= 0.0200001)"
    assert f"WHERE {box} AND CONTAINS(POINT('ICRS', s_ra, s_dec), CIRCLE('ICRS', 0, 60, 0.01)) = 1" in text


def test_observations_are_those_of_the_portal(mast_sandbox: Sandbox) -> None:
    """TAP returns the observations whose centers Mashup finds around a position."""
    table = Catalogs.query_region(M51, radius=0.05, collection="caom", limit=None)
    before = Observations.query_region(M51, radius=0.05, overlap="center")
    # Mashup does not find observations without a footprint.
    placed = ~np.ma.getmaskarray(table["s_region"])
    assert sorted(table["obsid"][placed]) == sorted(map(int, before["obsid"]))
    assert Catalogs.query_region_count(M51, radius=0.05, collection="caom") == len(table) > 0


def test_shapes_of_other_packages_are_regions(mast_sandbox: Sandbox) -> None:
    """Circles of ``regions`` and maps of ``mocpy`` can be searched."""
    regions, mocpy = pytest.importorskip("regions"), pytest.importorskip("mocpy")
    plain = sorted(Catalogs.query_region(M51, radius=0.1, collection="tic")["id"])
    circle = regions.CircleSkyRegion(M51.galactic, 0.1 * u.deg)
    assert sorted(Catalogs.query_region(region=circle, collection="tic")["id"]) == plain
    moc = mocpy.MOC.from_cone(lon=M51.ra, lat=M51.dec, radius=0.1 * u.deg, max_depth=16)
    found = Catalogs.query_region(region=moc, collection="tic", limit=None)
    assert 0 < len(found) <= len(plain) + 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "or region"),
        ({"coordinates": M51, "region": "CIRCLE 1 2 3"}, "Only one of"),
        ({"region": "SQUARE 1 2 3"}, "The footprint 'SQUARE 1 2 3' contains no shape"),
        ({"region": 5}, "region is a int"),
        ({"region": "CIRCLE 1 2 3", "radius": 0.1}, "radius"),
        ({"coordinates": "10 95"}, "declination"),
    ],
    ids=str,
)
def test_an_ambiguous_position_raises(mast_sandbox: Sandbox, arguments: dict[str, Any], message: str) -> None:
    """A missing, ambiguous or invalid position raises before a query is sent."""
    with pytest.raises(InvalidQueryError, match=message):
        Catalogs.query_region(collection="tic", **arguments)


def test_objects_are_resolved(mast_sandbox: Sandbox) -> None:
    """One or more names are resolved to positions."""
    table = Catalogs.query_object("M51", radius=0.1, collection="tic")
    place = Catalogs.query_region("M51", radius=0.1, collection="tic")
    assert sorted(table["id"]) == sorted(place["id"])
    many = Catalogs.query_object(["M51", "M101"], radius=0.1, collection="tic", limit=None)
    assert many.colnames[:3] == ["input_row", "search_pos", "target"]
    assert set(many["target"]) == {"M51", "M101"}
    with pytest.raises(InvalidQueryError, match="object_name"):
        Catalogs.query_criteria(collection="tic", object_name="M51", coordinates=M51)


# -- many targets ------------------------------------------------------------------------------------------------------


def test_each_of_many_targets_is_counted_and_limited(mast_sandbox: Sandbox) -> None:
    """Counts are in the order of the input; the limit applies to each target, and the table lists those it cut off."""
    places = SkyCoord([M51, M101, SkyCoord(10, -80, unit="deg"), M51])
    counts = Catalogs.query_region_count(places, collection="tic", radius=0.1)
    alone = [Catalogs.query_region_count(place, collection="tic", radius=0.1) for place in places]
    assert counts["count"].tolist() == alone
    with pytest.warns(MaxResultsWarning, match="of 4 targets"):
        table = Catalogs.query_region(places, collection="tic", radius=0.1, limit=5, select_cols="id")
    assert table.colnames == ["input_row", "search_pos", "id"]
    assert [int((table["input_row"] == row).sum()) for row in range(4)] == [min(5, number) for number in alone]
    assert table.meta["limited"] == [row for row, number in enumerate(alone) if number > 5]
    assert table.meta["unmatched"] == [row for row, number in enumerate(alone) if not number]
    assert table.meta["collection"] == "tic"
    queries = Catalogs.query_region(places, collection="tic", radius=0.1, return_adql=True)
    assert len(queries) == 3
    assert all(query.startswith("SELECT TOP 5000 * FROM") for query in queries)
    payloads = Catalogs.query_region(places, collection="tic", radius=0.1, get_query_payload=True)
    assert [each["QUERY"] for each in payloads] == queries


def test_one_failed_target_does_not_stop_the_others(mast_sandbox: Sandbox) -> None:
    """Failed targets are listed; if all fail, the call raises, and an outage stops further requests."""
    Catalogs.supports_spatial_queries("tic")
    places = SkyCoord([M51, M101])
    mast_sandbox.faults.add("vo_tap", Fault.status(400))
    with pytest.warns(InputWarning, match="1 of 2 targets failed"):
        table = Catalogs.query_region(places, collection="tic", radius=0.1, max_workers=1)
    assert set(table["input_row"]) == {1}
    assert len(table.meta["failed"]) == 1
    mast_sandbox.faults.add("vo_tap", Fault.status(500), times=None)
    mast_sandbox.requests.clear()
    many = SkyCoord(np.linspace(0, 300, 40), 10, unit="deg")
    with pytest.raises(RemoteServiceError, match="500"):
        Catalogs.query_region(many, collection="tic", radius=0.1, max_workers=2)
    assert len(mast_sandbox.requests) < 60
    with pytest.raises(InvalidQueryError, match="region cannot be combined with several targets in a TAP query"):
        Catalogs.query_criteria(collection="tic", coordinates=places, region="CIRCLE 1 2 3")


@pytest.mark.parametrize("verbose", [True, False])
def test_the_progress_of_many_targets_is_shown_on_request(
    mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verbose: bool
) -> None:
    """With verbose=True, a progress bar counts the targets."""
    monkeypatch.setattr(parallel, "is_interactive", lambda: True)
    monkeypatch.setattr(parallel, "DELAY", 0)
    Catalogs.query_region(SkyCoord([M51, M101]), collection="tic", radius=0.1, verbose=verbose)
    assert ("Querying" in capsys.readouterr().err) is verbose


# -- rows, columns, order ----------------------------------------------------------------------------------------------


def test_the_metadata_of_a_table(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Columns have the service's metadata; meta has the query and the catalog, also in files."""
    table = Catalogs.query_criteria(collection="TIC", tmag="<9", limit=None)
    assert type(table) is ResultTable
    assert all(isinstance(column, MaskedColumn) for column in table.itercols())
    assert (table["tmag"].unit, table["tmag"].meta["ucd"]) == (u.mag, "phot.mag")
    assert table.meta["adql_query"] == "SELECT * FROM dbo.CatalogRecord WHERE tmag < 9"
    assert (table.meta["collection"], table.meta["catalog"]) == ("tic", "dbo.CatalogRecord")
    assert table.meta.get("nothing") is None
    other = Catalogs.query_criteria(collection="tic", tmag="9..9.5", limit=None)
    both = vstack([table, other])
    assert both.meta["adql"] == [table.meta["adql_query"], other.meta["adql_query"]]
    both.write(tmp_path / "stars.fits")
    again = Table.read(tmp_path / "stars.fits")
    assert again["tmag"].tolist() == both["tmag"].tolist()
    assert list(again.meta["ADQL"]) == both.meta["adql"]


def test_an_empty_result_has_columns(mast_sandbox: Sandbox) -> None:
    """An empty table has columns, and a warning is issued."""
    with pytest.warns(NoResultsWarning):
        table = Catalogs.query_criteria(collection="tic", tmag="<-20", select_cols=["id", "tmag"])
    assert (len(table), table.colnames) == (0, ["id", "tmag"])
    with pytest.warns(NoResultsWarning):
        assert (
            len(Catalogs.query_region(SkyCoord([10, 11], [-80, -81], unit="deg"), radius=1e-4, collection="tic")) == 0
        )


def test_unknown_columns_warn_or_raise(mast_sandbox: Sandbox) -> None:
    """An unknown column among others is skipped with a warning; otherwise it raises."""
    with pytest.warns(InputWarning, match="Column 'tmagg' not found. Did you mean 'tmag'"):
        table = Catalogs.query_criteria(collection="tic", tmag="<9", select_cols=["ID", "tmagg"])
    assert table.colnames == ["id"]
    for arguments in (
        {"select_cols": "tmagg"},
        {"columns": ["id", "tmagg"]},
        {"sort_by": "tmagg"},
        {"columns": "id", "select_cols": "ra"},
        {"select_cols": []},
        {"sort_desc": True},
        {"sort_by": ["tmag", "ra"], "sort_desc": [True, False, True]},
    ):
        with pytest.raises(InvalidQueryError):
            Catalogs.query_criteria(collection="tic", tmag="<9", **arguments)


def test_rows_are_sorted_by_the_service_or_locally(mast_sandbox: Sandbox) -> None:
    """`sort_desc` is one value or one for each column; columns that are not selected can be used."""
    query: dict[str, Any] = {"collection": "tic", "tmag": "<10", "sort_by": ["objtype", "tmag"]}
    text = Catalogs.query_criteria(**query, sort_desc=[True, False], return_adql=True)
    assert text.endswith("ORDER BY objtype DESC, tmag ASC, id ASC")
    text = Catalogs.query_criteria(**query, sort_desc=True, return_adql=True)
    assert text.endswith("ORDER BY objtype DESC, tmag DESC, id ASC")
    everything = Catalogs.query_criteria(collection="tic", tmag="<10", limit=None, select_cols=["id", "tmag"])
    order = np.argsort(-np.asarray(everything["tmag"]), kind="stable")
    found = Catalogs.query_criteria(
        collection="tic", tmag="<10", limit=None, select_cols="id", sort_by="tmag", sort_desc=True
    )
    assert found.colnames == ["id"]
    assert found["id"].tolist()[:5] == everything["id"][order].tolist()[:5]


@pytest.mark.filterwarnings("ignore:Maximum results:astroquery.exceptions.MaxResultsWarning")
@pytest.mark.parametrize("descending", [False, True])
def test_missing_values_are_sorted_last(mast_sandbox: Sandbox, descending: bool) -> None:
    """With a limit, rows are in the same order as without, and missing values come last."""
    query: dict[str, Any] = {"collection": "tic", "select_cols": ["id", "teff"], "sort_desc": descending}
    everything = Catalogs.query_criteria(**query, sort_by="teff", limit=None)
    blank = np.ma.getmaskarray(everything["teff"])
    values = int((~blank).sum())
    assert 0 < values < len(everything)
    assert not blank[:values].any()
    expected = [row["id"] for row in sorted(everything[:values], key=lambda row: (row["teff"], row["id"]))]
    if descending:
        expected = [row["id"] for row in sorted(everything[:values], key=lambda row: (-row["teff"], row["id"]))]
    expected += sorted(everything["id"][blank].tolist())
    for offset, limit in [(0, 5), (7, 5), (values - 3, 3), (values - 3, 6), (values, 4), (values + 2, 4), (0, values)]:
        page = Catalogs.query_criteria(**query, sort_by="teff", limit=limit, offset=offset)
        assert page.colnames == ["id", "teff"]
        assert page["id"].tolist() == expected[offset : offset + limit], (offset, limit)
    coolest = Catalogs.query_criteria(collection="tic", select_cols="id", sort_by="teff", sort_desc=descending, limit=5)
    assert coolest.colnames == ["id"]
    assert coolest["id"].tolist() == expected[:5]


@pytest.mark.filterwarnings("ignore:Maximum results:astroquery.exceptions.MaxResultsWarning")
@pytest.mark.parametrize("sort_by", [None, "objtype"])
def test_all_pages_have_the_same_order(mast_sandbox: Sandbox, sort_by: str | None) -> None:
    """Pages do not overlap, because all of them are also sorted by the identifier."""
    query: dict[str, Any] = {"collection": "tic", "sort_by": sort_by, "select_cols": "id"}
    first = Catalogs.query_criteria(**query, offset=0, limit=10, return_adql=True)
    second = Catalogs.query_criteria(**query, offset=10, limit=10, return_adql=True)
    assert "id ASC" in first
    assert second == f"{first} OFFSET 10"
    Catalogs.query_criteria(**query, offset=10, limit=10)
    counted = [record for record in mast_sandbox.requests if b"COUNT" in record.body]
    assert len(counted) == (sort_by is not None)
    pages = [Catalogs.query_criteria(**query, tmag="<9", offset=start, limit=50)["id"].tolist() for start in (0, 50)]
    everything = Catalogs.query_criteria(**query, tmag="<9", offset=0, limit=None)
    assert pages[0] + pages[1] == everything["id"][:100].tolist()


def test_the_version_of_another_catalog_is_respected(mast_sandbox: Sandbox) -> None:
    """The requested version is used, or the call raises."""
    client = CatalogsClass("tic")
    with pytest.warns(AstropyDeprecationWarning, match="Using 'hscv2'"):
        assert client.query_region(M51, radius=0.02, catalog="HSC", version=2).meta["collection"] == "hscv2"
    with pytest.raises(
        InvalidQueryError, match=r"version=2 is not valid for this query through TAP. Available: Gaia 3"
    ):
        client.query_region(M51, radius=0.02, catalog="Gaia", version=2)


@pytest.mark.parametrize("name", ["data_release", "table"])
def test_older_pan_starrs_arguments_raise_with_a_suggestion(mast_sandbox: Sandbox, name: str) -> None:
    """An argument of the older service cannot be combined with TAP; the error suggests a replacement."""
    with pytest.raises(
        InvalidQueryError,
        match=f"{name} belongs to the older Pan-STARRS service.*For TAP, use collection= and catalog=, such as",
    ):
        Catalogs.query_region(M51, radius=0.02, catalog="Panstarrs", limit=10, **{name: "dr1"})


def test_the_catalog_of_a_client_without_a_collection(mast_sandbox: Sandbox) -> None:
    """The client's catalog is used if a call does not name one."""
    client = CatalogsClass(catalog="TIC")
    assert services(client.query_region(M51, radius=0.02)) == ["Mast.Catalogs.Tic.Cone"]
    assert services(client.query_criteria(Tmag="<5")) == ["Mast.Catalogs.Filtered.Tic.Rows"]
    assert len(client.query_region_async(M51, radius=0.02)) == 1
    assert services(client.query_region(M51, radius=0.02, catalog="HSC")) == ["Mast.Hsc.Db.v3"]
    assert client.query_region(M51, radius=0.02, collection="gaiadr3").meta["collection"] == "gaiadr3"
    client = CatalogsClass(catalog="tic_v82.source")
    assert client.query_region(M51, radius=0.02).meta["collection"] == "tic_v82"
    assert client.query_criteria_count(tmag="<5") > 0
    with pytest.raises(InvalidQueryError, match="Specify collection= as well"):
        CatalogsClass(catalog="dbo.DetailedCatalog").query_region(M51, radius=0.02)


def test_all_rows_are_returned_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results above the server's row limit are complete, without duplicates, sorted and limited."""
    monkeypatch.setattr(catalogs_tap, "ROW_CAP", 1000)
    with Sandbox(tap_rows=4500):
        client = CatalogsClass("big")
        everything = client.query_criteria(limit=None)
        assert everything["id"].tolist() == [7 * number + 1000 for number in range(4500)]
        brightest = client.query_criteria(limit=None, sort_by="mag", select_cols="id")
        assert brightest.colnames == ["id"]
        assert brightest["id"].tolist() == everything["id"][np.argsort(everything["mag"], kind="stable")].tolist()
        last = client.query_criteria(limit=None, offset=4490)
        assert last["id"].tolist() == everything["id"].tolist()[4490:]
        with pytest.warns(MaxResultsWarning, match="more than these 2500 rows"):
            some = client.query_criteria(limit=2500, sort_by="dec", sort_desc=True, select_cols=["id", "dec"])
        assert some["id"].tolist() == everything["id"].tolist()[:-2501:-1]
        half = client.query_region(region="CIRCLE 0 90 90", limit=None)
        assert len(half) == client.query_region_count(region="CIRCLE 0 90 90") == int((everything["dec"] > 0).sum())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": 0}, "limit must be"),
        ({"limit": "5"}, "limit must be"),
        ({"offset": -1}, "offset must be"),
        ({"offset": True}, "offset must be"),
        ({"filters": "tmag<3"}, "filters must be"),
        ({"filters": {"TMAG": "<3"}}, "'TMAG' is specified twice, in filters and as a criterion"),
        ({"limits": 5}, "'limits' does not exist. Did you mean 'limit'"),
    ],
    ids=str,
)
def test_invalid_arguments_raise(mast_sandbox: Sandbox, arguments: dict[str, Any], message: str) -> None:
    """An invalid argument raises an error that names it."""
    with pytest.raises(InvalidQueryError, match=message):
        Catalogs.query_criteria(collection="tic", tmag="<9", **arguments)


def test_filters_for_columns_named_like_arguments(mast_sandbox: Sandbox) -> None:
    """``filters`` takes criteria on columns that have the name of an argument."""
    text = Catalogs.query_criteria(collection="tic", filters={"Version": "20190415", "tmag": "<9"}, return_adql=True)
    assert text.endswith("WHERE version = '20190415' AND tmag < 9")


def test_pages_become_limits(mast_sandbox: Sandbox) -> None:
    """Pagesize and page become a limit and an offset, with a deprecation warning, unless a limit is given."""
    with pytest.warns(AstropyDeprecationWarning, match="limit and offset"):
        text = Catalogs.query_criteria(collection="tic", tmag="<9", pagesize=10, page=3, return_adql=True)
    assert text == "SELECT TOP 10 * FROM dbo.CatalogRecord WHERE tmag < 9 ORDER BY id ASC OFFSET 20"
    with pytest.warns(AstropyDeprecationWarning):
        text = Catalogs.query_criteria(collection="tic", tmag="<9", pagesize=10, page=3, limit=7, return_adql=True)
    assert text == "SELECT TOP 7 * FROM dbo.CatalogRecord WHERE tmag < 9 ORDER BY id ASC"
    with pytest.warns(InputWarning, match="ignored without pagesize"):
        text = Catalogs.query_criteria(collection="tic", tmag="<9", page=3, return_adql=True)
    assert text == "SELECT TOP 5000 * FROM dbo.CatalogRecord WHERE tmag < 9"
    with pytest.warns(AstropyDeprecationWarning, match="Using 'gaiadr3'"):
        Catalogs.query_region(M51, collection="gaiadr3", version=2, radius=0.05)


def test_the_request_is_shown_without_being_sent(mast_sandbox: Sandbox) -> None:
    """The query is returned as text, or as the complete request."""
    Catalogs.get_column_metadata("tic")
    mast_sandbox.requests.clear()
    text = Catalogs.query_criteria(collection="tic", tmag="<9", return_adql=True)
    payload = Catalogs.query_criteria(collection="tic", tmag="<9", get_query_payload=True)
    count = Catalogs.query_criteria_count(collection="tic", tmag="<9", get_query_payload=True)
    assert payload["QUERY"] == text
    assert payload["MAXREC"] == 5000
    assert str(payload["url"]).endswith("/vo-tap/api/v0.1/tic/sync")
    assert count["QUERY"] == "SELECT COUNT(*) AS count_all FROM dbo.CatalogRecord WHERE tmag < 9"
    assert len(mast_sandbox.requests) == 0


def test_run_async(mast_sandbox: Sandbox) -> None:
    """A query that runs as a job returns the same rows."""
    now = Catalogs.query_criteria(collection="tic", tmag="<9", limit=None)
    job = Catalogs.query_criteria(collection="tic", tmag="<9", run_async=True)
    assert sorted(now["id"]) == sorted(job["id"])
    assert any("/async" in record.path for record in mast_sandbox.requests)


def test_a_rejected_query_raises_with_the_message(mast_sandbox: Sandbox) -> None:
    """A query that the service rejects raises InvalidQueryError with its message."""
    Catalogs.get_column_metadata("tic")
    mast_sandbox.faults.add("vo_tap", Fault.status(400, body=b"no such function"))
    with pytest.raises(InvalidQueryError, match="no such function"):
        Catalogs.query_criteria(collection="tic", tmag="<9")
