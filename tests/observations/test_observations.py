"""Observations by position, name and criteria, on the sandbox over HTTP."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Column, MaskedColumn
from astropy.time import Time
from astroquery.exceptions import InputWarning, InvalidQueryError, ResolverError
from astroquery.mast import MastClass as PeerMast
from astroquery.mast import ObservationsClass as PeerObservations

from astroquery_mast import Mast, MastClass, Observations, ObservationsClass
from astroquery_mast.exceptions import IncompleteResultError, MaxResultsWarning
from astroquery_mast.sandbox import Fault, Sandbox

M51 = SkyCoord(202.469575, 47.195258, unit="deg")


def filters_sent(**criteria: Any) -> dict[str, Any]:
    """Return the filters of a query by name, without sending it."""
    payload = Observations.query_criteria(**criteria, get_query_payload=True)
    return {entry["paramName"]: entry for entry in payload["params"]["filters"]}


# -- by position ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "coordinates",
    [
        M51,
        M51.galactic,
        M51.fk5,
        M51.frame,
        "202.469575 47.195258",
        "202.469575, 47.195258",
        "13h29m52.698s +47d11m42.93s",
        "13:29:52.698 +47:11:42.93 ",
        "M51",
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "radius", [0.1, 0.1 * u.deg, "0.1 deg", "6 arcmin", "360s", 6 * u.arcmin, np.float32(0.1)], ids=str
)
def test_every_form_of_a_position_finds_the_same(mast_sandbox: Sandbox, coordinates: Any, radius: Any) -> None:
    """The same position in any frame, unit or spelling gives the same request."""
    if isinstance(coordinates, str) and "13:29" in coordinates:
        coordinates = SkyCoord(coordinates, unit=("hourangle", "deg"))
    payload = Observations.query_region(coordinates, radius=radius, get_query_payload=True)
    assert payload["service"] == "Mast.Caom.Cone"
    params = payload["params"]
    assert params["ra"] == pytest.approx(202.4696, abs=1e-3)
    assert params["dec"] == pytest.approx(47.1953, abs=1e-3)
    assert params["radius"] == pytest.approx(0.1, abs=1e-6)


def test_region_name_and_criteria_find_the_same(mast_sandbox: Sandbox) -> None:
    """Queries by region, by name and by criteria around one position return the same observations."""
    by_region = Observations.query_region(M51, radius=0.05)
    by_name = Observations.query_object("M51", radius=0.05)
    by_criteria = Observations.query_criteria(coordinates=M51, radius=0.05, intentType=["science", "calibration"])
    assert len(by_region) > 50
    assert set(by_region["obsid"]) == set(by_name["obsid"]) == set(by_criteria["obsid"])
    assert by_region["distance"].unit == "arcsec"


def test_radius_zero_finds_footprints_that_contain_the_position(mast_sandbox: Sandbox) -> None:
    """With a radius of 0, only footprints that contain the position match."""
    table = Observations.query_region(M51, radius=0)
    assert 0 < len(table) < len(Observations.query_region(M51, radius=0.1))
    assert (table["distance"] == 0).all()


@pytest.mark.parametrize("radius", [-1, "wide", float("nan"), 181, [0.1, 0.2], 3 * u.s, None], ids=str)
def test_an_invalid_radius_is_refused(mast_sandbox: Sandbox, radius: Any) -> None:
    """A radius that is not an angle between 0 and 180 deg raises an error before any request is sent."""
    with pytest.raises(InvalidQueryError, match="radius"):
        Observations.query_region(M51, radius=radius)
    assert len(mast_sandbox.requests) == 0


@pytest.mark.parametrize(
    "coordinates", [SkyCoord([], [], unit="deg"), SkyCoord(np.nan, 1, unit="deg"), 42, (1, 2)], ids=str
)
def test_invalid_coordinates_are_refused(mast_sandbox: Sandbox, coordinates: Any) -> None:
    """Numbers and empty arrays as coordinates raise an error before any request is sent (B12)."""
    for ask in (Observations.query_region, Observations.query_region_count):
        with pytest.raises(InvalidQueryError, match="coordinates"):
            ask(coordinates)
    with pytest.raises(InvalidQueryError, match="coordinates"):
        Observations.query_criteria(coordinates=coordinates, obs_collection="HST")
    assert len(mast_sandbox.requests) == 0


def test_radius_without_a_position_is_refused(mast_sandbox: Sandbox) -> None:
    """A radius without a position raises an error, instead of a query of the whole collection (B6)."""
    for ask in (Observations.query_criteria, Observations.query_criteria_count):
        with pytest.raises(InvalidQueryError, match="Specify coordinates or object_name as well"):
            ask(radius=0.1, obs_collection="HST")
        with pytest.raises(InvalidQueryError, match="Specify coordinates or object_name as well"):
            ask(radius=0.2 * u.deg, obs_collection="HST")
    assert len(mast_sandbox.requests) == 0


def test_two_positions_are_refused(mast_sandbox: Sandbox) -> None:
    """Coordinates and a name cannot be combined."""
    with pytest.raises(InvalidQueryError, match="Only one of"):
        Observations.query_criteria(coordinates=M51, object_name="M51", obs_collection="HST")


def test_an_unknown_object_is_a_resolver_error(mast_sandbox: Sandbox) -> None:
    """A name that cannot be resolved raises ResolverError."""
    with pytest.raises(ResolverError, match="Could not resolve"):
        Observations.query_object("No Such Galaxy 7")


# -- by criteria ---------------------------------------------------------------------------------------------------


def test_a_typical_query(mast_sandbox: Sandbox) -> None:
    """A query for HST ACS/WFC images around M51 returns only such images."""
    table = Observations.query_criteria(
        object_name="M51",
        radius="0.1 deg",
        obs_collection="HST",
        instrument_name="ACS/WFC",
        dataproduct_type="image",
    )
    assert len(table) > 50
    assert set(table["obs_collection"]) == {"HST"}
    assert set(table["instrument_name"]) == {"ACS/WFC"}
    assert set(table["dataproduct_type"]) == {"image"}
    assert all(isinstance(table[name], MaskedColumn) for name in table.colnames)
    assert all(isinstance(obsid, str) for obsid in table["obsid"])


@pytest.mark.parametrize(
    "criteria",
    [
        {"obs_collection": ["HST", "JWST"], "calib_level": 3},
        {"instrument_name": "NIRCAM*"},
        {"instrument_name": "acs*", "filters": ["F435W", "F814W"]},
        {"t_min": [Time("2004-01-01"), Time("2006-01-01")], "obs_collection": "HST"},
        {"t_exptime": [10 * u.min, 1 * u.hour], "obs_collection": "HST"},
        {"t_exptime": (None, 100), "obs_collection": "HST"},
        {"em_min": [0.5 * u.um, None], "em_max": [None, 900], "obs_collection": "HST"},
        {"proposal_id": 10452},
        {"proposal_id": ["10452", "9073"]},
        {"dataRights": "exclusive_access"},
        {"calib_level": np.array([2, 3]), "obs_collection": "JWST"},
        {"sequence_number": {1, 2}},
        {"s_dec": np.array([-90.0, 0.0]), "obs_collection": "GALEX"},
        {"mtFlag": True},
        {"target_name": "*NGC*", "dataproduct_type": "IMAGE"},
    ],
    ids=str,
)
def test_count_is_the_length_of_the_result(mast_sandbox: Sandbox, criteria: dict[str, Any]) -> None:
    """The count equals the number of rows of the same query."""
    count = Observations.query_criteria_count(**criteria)
    assert type(count) is int
    assert count == len(Observations.query_criteria(**criteria)) > 0


def test_counts_of_regions_and_objects(mast_sandbox: Sandbox) -> None:
    """Counts by position equal the numbers of rows, and page arguments are ignored (B13)."""
    rows = len(Observations.query_region(M51, radius=0.05))
    for count in (
        Observations.query_region_count(M51, radius=0.05),
        Observations.query_region_count(M51, radius=0.05, page=2, pagesize=5),
        Observations.query_object_count("M51", radius=0.05, page=3),
        Observations.query_criteria_count(coordinates=M51, radius=0.05, page=2),
    ):
        assert type(count) is int
        assert count == rows


def test_an_empty_response_to_a_count_is_an_error(mast_sandbox: Sandbox) -> None:
    """An empty response to a count raises RemoteServiceError instead of IndexError (B13)."""
    from astroquery.exceptions import RemoteServiceError

    reply = {"status": "COMPLETE", "msg": "", "data": [], "fields": [{"name": "Column1", "type": "string"}]}
    mast_sandbox.faults.add("invoke", Fault.answer(reply), times=None)
    with pytest.raises(RemoteServiceError, match="count"):
        Observations.query_criteria_count(obs_collection="HST")


def test_a_query_without_criteria_is_refused(mast_sandbox: Sandbox) -> None:
    """A criteria query without criteria raises an error before any request is sent."""
    with pytest.raises(InvalidQueryError, match="At least one non-positional criterion"):
        Observations.query_criteria(object_name="M51")
    with pytest.raises(InvalidQueryError, match="At least one non-positional criterion"):
        Observations.query_criteria_count()
    assert len(mast_sandbox.requests) == 0


def test_a_second_wildcard_is_refused(mast_sandbox: Sandbox) -> None:
    """Two wildcards raise an error instead of being dropped or sent as literals (B3); only values are requested."""
    with pytest.raises(InvalidQueryError, match=r"^Only one wildcarded value may be used per filter"):
        Observations.query_criteria(obs_id=["A*", "B*", "C"])
    assert [record.mashup["service"] for record in mast_sandbox.requests if record.mashup] == ["Mast.Caom.All"]


def test_a_single_value_of_a_float_column_issues_a_warning(mast_sandbox: Sandbox) -> None:
    """A single exposure time selects exactly that value, with a warning (B4)."""
    with pytest.warns(InputWarning, match=r"^t_exptime is continuous"):
        table = Observations.query_criteria(t_exptime=120, obs_collection="TESS")
    assert set(table["t_exptime"]) == {120}
    with pytest.warns(InputWarning, match=r"^t_exptime is continuous"):
        assert filters_sent(t_exptime=[120])["t_exptime"]["values"] == [{"min": 120, "max": 120}]


@pytest.mark.parametrize("value", [[], None, float("nan"), [None], np.array([]), np.ma.masked, [1, 2, 3]], ids=str)
@pytest.mark.parametrize("name", ["proposal_id", "t_exptime", "calib_level"])
def test_values_that_cannot_be_applied_are_refused(mast_sandbox: Sandbox, name: str, value: Any) -> None:
    """Values that cannot be applied raise an error instead of being dropped (B4, B5)."""
    if isinstance(value, list) and len(value) == 3 and name != "t_exptime":
        assert filters_sent(**{name: value})[name]["values"] == ["1", "2", "3"]
        return
    with pytest.raises(InvalidQueryError, match=name):
        Observations.query_criteria(**{name: value})
    assert len(mast_sandbox.requests) == 0


def test_an_unknown_criterion_is_refused_with_a_suggestion(mast_sandbox: Sandbox) -> None:
    """An unknown criterion raises an error that suggests a column, and no query is sent."""
    with pytest.raises(InvalidQueryError, match=r"Filter 'instrument' does not exist\. Did you mean 'instrument_name'"):
        Observations.query_criteria(instrument="ACS/WFC")
    with pytest.raises(InvalidQueryError, match=r"Available: .*obs_collection"):
        Observations.query_criteria(zzzzqqq=1)
    assert not mast_sandbox.requests.of("invoke")


def test_a_new_column_at_mast_can_be_used(mast_sandbox: Sandbox) -> None:
    """MAST's columns are retrieved before a criterion is rejected as unknown."""

    def with_new_column(config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "s_newcol": {"text": "New", "vot.datatype": "char"}}

    mast_sandbox.faults.add("columnsconfig", Fault.edit(with_new_column))
    payload = ObservationsClass().query_criteria(s_newcol="x", get_query_payload=True)
    assert payload["params"]["filters"] == [{"paramName": "s_newcol", "values": ["x"]}]


def test_criteria_are_not_modified(mast_sandbox: Sandbox) -> None:
    """Lists and dictionaries passed as criteria are not modified."""
    values, params = ["HST", "J*"], {"obsid": "24000000"}
    Observations.query_criteria(obs_collection=values, get_query_payload=True)
    Mast.service_request("Mast.Caom.Products", params)
    assert values == ["HST", "J*"]
    assert params == {"obsid": "24000000"}


def test_the_payload_is_the_request(mast_sandbox: Sandbox) -> None:
    """``get_query_payload`` returns exactly the request that would be sent."""
    question = {"obs_collection": "HST", "t_min": [53000, None], "coordinates": M51}
    payload = Observations.query_criteria(**question, get_query_payload=True)
    assert len(mast_sandbox.requests) == 0
    Observations.query_criteria(**question)
    sent = mast_sandbox.requests.of("invoke")[0].mashup
    assert sent is not None
    assert {key: value for key, value in sent.items() if key != "cacheBreaker"} == payload
    assert payload["service"] == "Mast.Caom.Filtered.Position"
    for method, arguments in (
        (Observations.query_region, {"coordinates": M51}),
        (Observations.query_region_count, {"coordinates": M51}),
        (Observations.query_criteria_count, {"obs_collection": "HST"}),
        (Mast.service_request, {"service": "Mast.Missions.List", "params": {}}),
        (Mast.mast_query, {"service": "Mast.Caom.Cone", "ra": 1, "dec": 2}),
    ):
        assert set(method(**arguments, get_query_payload=True)) >= {"service", "params", "format", "page", "pagesize"}


# -- missions and metadata ---------------------------------------------------------------------------------------------


def test_missions_and_metadata(mast_sandbox: Sandbox) -> None:
    """Missions are a sorted list of names; metadata exist for two types of query, case-insensitive."""
    missions = Observations.list_missions()
    assert missions == sorted(missions)
    assert {"HST", "JWST", "TESS", "GALEX", "HLSP"} <= set(missions)
    assert len(Observations.get_metadata("Observations")) > 30
    assert "dataURI" in Observations.get_metadata("products")["Column Name"]
    with pytest.raises(InvalidQueryError, match="'observations' and 'products'"):
        Observations.get_metadata("planets")


def test_async_methods_return_responses(mast_sandbox: Sandbox) -> None:
    """The ``*_async`` methods return one `requests.Response` per page."""
    for responses in (
        Observations.query_region_async(M51, radius=0.05, pagesize=20),
        Observations.query_object_async("M51", radius=0.05, pagesize=20),
        Observations.query_criteria_async(obs_collection="GALEX", pagesize=50),
        Mast.service_request_async("Mast.Caom.Cone", {"ra": 202.47, "dec": 47.2, "radius": 0.05}, pagesize=20),
    ):
        assert len(responses) > 1
        assert [response.json()["paging"]["page"] for response in responses] == list(range(1, len(responses) + 1))


# -- the interface of astroquery.mast ------------------------------------------------------------------------------

PEER_METHODS = [
    *((ObservationsClass, PeerObservations, name) for name in dir(PeerObservations)),
    *((MastClass, PeerMast, name) for name in dir(PeerMast)),
]
# Deprecated in astroquery.mast, without effect: only observations have copies in the cloud.
WITHOUT_EFFECT = {(MastClass, "enable_cloud_dataset"), (MastClass, "disable_cloud_dataset")}


@pytest.mark.parametrize(
    ("ours", "peers", "name"),
    [
        (ours, peers, name)
        for ours, peers, name in PEER_METHODS
        if not name.startswith("_") and (ours, name) not in WITHOUT_EFFECT and callable(getattr(peers, name))
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_every_public_method_has_the_astroquery_parameters(ours: type, peers: type, name: str) -> None:
    """Every public method has the parameters of ``astroquery.mast``, with the same defaults."""
    theirs = inspect.signature(getattr(peers, name)).parameters
    own = inspect.signature(getattr(ours, name)).parameters
    for parameter in theirs.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            continue  # decorators of astroquery hide the parameters
        if parameter.name.startswith("_"):
            continue  # private to astroquery
        taken = parameter.name.replace("objectname", "object_name")  # the older name is deprecated
        if taken not in own:
            assert any(p.kind is p.VAR_KEYWORD for p in own.values()) or taken == "kwargs", taken
        elif parameter.default is not parameter.empty:
            assert str(own[taken].default) == str(parameter.default), taken


def test_instances_can_be_called_and_accept_attributes(mast_sandbox: Sandbox) -> None:
    """Calling an instance returns a new one, and attributes that old scripts set are accepted."""
    fresh = Observations()
    assert isinstance(fresh, ObservationsClass)
    assert fresh is not Observations
    fresh.TIMEOUT = 1200
    fresh.PAGESIZE = 10
    assert len(fresh.query_criteria(obs_collection="FUSE")) > 0


def test_a_column_of_a_table_is_a_list_of_values(mast_sandbox: Sandbox) -> None:
    """Columns, arrays and sets are lists of values, in a reproducible order."""
    table = Observations.query_criteria(obs_collection="FUSE")
    again = Observations.query_criteria(obs_id=table["obs_id"])
    assert set(again["obs_id"]) == set(table["obs_id"])
    assert filters_sent(obs_id=Column(["a", "b"]))["obs_id"]["values"] == ["a", "b"]
    assert filters_sent(obs_id={"b", "a"})["obs_id"]["values"] == ["a", "b"]


@pytest.mark.parametrize("columns", [None, ["t_min"]])
def test_a_page_that_repeats_another_is_an_error(mast_sandbox: Sandbox, columns: Any) -> None:
    """A page that repeats the rows of another page raises an error."""
    first: list[Any] = []

    def repeated(answer: dict[str, Any]) -> dict[str, Any]:
        first.append(answer["data"])
        answer["data"] = first[0]
        return answer

    mast_sandbox.faults.add("invoke", Fault.edit(repeated), times=None)
    with pytest.raises(IncompleteResultError, match="a row is on two pages, so another row may be missing"):
        Observations.query_criteria(obs_collection="GALEX", columns=columns, pagesize=124)


def test_identical_rows_are_not_an_error(mast_sandbox: Sandbox) -> None:
    """Identical rows without an identifier are not an error."""
    table = Mast.mast_query("Mast.Caom.Filtered", columns="obs_collection", obs_collection="GALEX", pagesize=50)
    assert set(table["obs_collection"]) == {"GALEX"}
    assert len(table) == Observations.query_criteria_count(obs_collection="GALEX")


def test_a_full_page_without_paging_issues_a_warning(mast_sandbox: Sandbox) -> None:
    """A full page in a response without paging information issues a warning that rows may be missing."""

    def silent(answer: dict[str, Any]) -> dict[str, Any]:
        del answer["paging"]
        return answer

    mast_sandbox.faults.add("invoke", Fault.edit(silent))
    with pytest.warns(MaxResultsWarning, match="returned a full page of 100 rows"):
        assert len(Observations.query_criteria(obs_collection="GALEX", pagesize=100)) == 100
    mast_sandbox.faults.clear()
    mast_sandbox.faults.add("invoke", Fault.edit(silent))
    with pytest.warns(MaxResultsWarning, match="there are more than these 10 rows"):
        assert len(Observations.query_criteria(obs_collection="GALEX", limit=10)) == 10
    mast_sandbox.faults.add("invoke", Fault.edit(silent))
    rows = Observations.query_criteria(obs_collection="GALEX", pagesize=1000)
    assert len(rows) == Observations.query_criteria_count(obs_collection="GALEX")
