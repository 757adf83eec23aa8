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
    """A position is a position, in whatever frame, unit or spelling."""
    if isinstance(coordinates, str) and "13:29" in coordinates:
        coordinates = SkyCoord(coordinates, unit=("hourangle", "deg"))
    payload = Observations.query_region(coordinates, radius=radius, get_query_payload=True)
    assert payload["service"] == "Mast.Caom.Cone"
    params = payload["params"]
    assert params["ra"] == pytest.approx(202.4696, abs=1e-3)
    assert params["dec"] == pytest.approx(47.1953, abs=1e-3)
    assert params["radius"] == pytest.approx(0.1, abs=1e-6)


def test_region_name_and_criteria_find_the_same(mast_sandbox: Sandbox) -> None:
    """Three ways to ask for one place give the same observations."""
    by_region = Observations.query_region(M51, radius=0.05)
    by_name = Observations.query_object("M51", radius=0.05)
    by_criteria = Observations.query_criteria(coordinates=M51, radius=0.05, intentType=["science", "calibration"])
    assert len(by_region) > 50
    assert set(by_region["obsid"]) == set(by_name["obsid"]) == set(by_criteria["obsid"])
    assert by_region["distance"].unit == "arcsec"


def test_radius_zero_finds_what_contains_the_point(mast_sandbox: Sandbox) -> None:
    """A radius of zero is a radius."""
    table = Observations.query_region(M51, radius=0)
    assert 0 < len(table) < len(Observations.query_region(M51, radius=0.1))
    assert (table["distance"] == 0).all()


@pytest.mark.parametrize("radius", [-1, "wide", float("nan"), 181, [0.1, 0.2], 3 * u.s, None], ids=str)
def test_a_radius_that_is_none_is_refused_unsent(mast_sandbox: Sandbox, radius: Any) -> None:
    """A radius must be an angle between 0 and 180 degrees."""
    with pytest.raises(InvalidQueryError, match="radius"):
        Observations.query_region(M51, radius=radius)
    assert len(mast_sandbox.requests) == 0


@pytest.mark.parametrize(
    "coordinates", [SkyCoord([], [], unit="deg"), SkyCoord(np.nan, 1, unit="deg"), 42, (1, 2)], ids=str
)
def test_what_is_no_position_is_refused_unsent(mast_sandbox: Sandbox, coordinates: Any) -> None:
    """Numbers, and arrays without a position, are not sent as text with brackets (B12)."""
    for ask in (Observations.query_region, Observations.query_region_count):
        with pytest.raises(InvalidQueryError, match="coordinates"):
            ask(coordinates)
    with pytest.raises(InvalidQueryError, match="coordinates"):
        Observations.query_criteria(coordinates=coordinates, obs_collection="HST")
    assert len(mast_sandbox.requests) == 0


def test_radius_without_a_position_is_refused(mast_sandbox: Sandbox) -> None:
    """A radius that could not be applied never widens a query to the whole collection (B6)."""
    for ask in (Observations.query_criteria, Observations.query_criteria_count):
        with pytest.raises(InvalidQueryError, match="Specify coordinates or object_name as well"):
            ask(radius=0.1, obs_collection="HST")
        with pytest.raises(InvalidQueryError, match="Specify coordinates or object_name as well"):
            ask(radius=0.2 * u.deg, obs_collection="HST")
    assert len(mast_sandbox.requests) == 0


def test_two_positions_are_refused(mast_sandbox: Sandbox) -> None:
    """Either coordinates or a name."""
    with pytest.raises(InvalidQueryError, match="Only one of"):
        Observations.query_criteria(coordinates=M51, object_name="M51", obs_collection="HST")


def test_an_unknown_object_is_a_resolver_error(mast_sandbox: Sandbox) -> None:
    """A name without position ends the query."""
    with pytest.raises(ResolverError, match="Could not resolve"):
        Observations.query_object("No Such Galaxy 7")


# -- by criteria ---------------------------------------------------------------------------------------------------


def test_the_main_road_query(mast_sandbox: Sandbox) -> None:
    """HST ACS/WFC images around M51: everything that was asked for, and nothing else."""
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
    """The count and the query are the same question, and both have answers."""
    count = Observations.query_criteria_count(**criteria)
    assert type(count) is int
    assert count == len(Observations.query_criteria(**criteria)) > 0


def test_counts_of_regions_and_objects(mast_sandbox: Sandbox) -> None:
    """Counts by position agree with the queries, and page arguments change nothing (B13)."""
    rows = len(Observations.query_region(M51, radius=0.05))
    for count in (
        Observations.query_region_count(M51, radius=0.05),
        Observations.query_region_count(M51, radius=0.05, page=2, pagesize=5),
        Observations.query_object_count("M51", radius=0.05, page=3),
        Observations.query_criteria_count(coordinates=M51, radius=0.05, page=2),
    ):
        assert type(count) is int
        assert count == rows


def test_a_count_without_an_answer_is_an_error_of_the_package(mast_sandbox: Sandbox) -> None:
    """An empty reply to a count is no IndexError (B13)."""
    from astroquery.exceptions import RemoteServiceError

    reply = {"status": "COMPLETE", "msg": "", "data": [], "fields": [{"name": "Column1", "type": "string"}]}
    mast_sandbox.faults.add("invoke", Fault.answer(reply), times=None)
    with pytest.raises(RemoteServiceError, match="count"):
        Observations.query_criteria_count(obs_collection="HST")


def test_no_criterion_is_refused(mast_sandbox: Sandbox) -> None:
    """A query without criteria is not a query for everything."""
    with pytest.raises(InvalidQueryError, match="At least one non-positional criterion"):
        Observations.query_criteria(object_name="M51")
    with pytest.raises(InvalidQueryError, match="At least one non-positional criterion"):
        Observations.query_criteria_count()
    assert len(mast_sandbox.requests) == 0


def test_second_wildcard_is_refused_and_nothing_is_sent(mast_sandbox: Sandbox) -> None:
    """Neither of two wildcards is dropped or sent as a literal (B3); only the values of the archive are asked for."""
    with pytest.raises(InvalidQueryError, match=r"^Only one wildcarded value may be used per filter"):
        Observations.query_criteria(obs_id=["A*", "B*", "C"])
    assert [record.mashup["service"] for record in mast_sandbox.requests if record.mashup] == ["Mast.Caom.All"]


def test_single_value_on_a_float_column_is_applied_and_said(mast_sandbox: Sandbox) -> None:
    """A single exposure time selects exactly that, with a warning that begins as the peer's (B4)."""
    with pytest.warns(InputWarning, match=r"^t_exptime is continuous"):
        table = Observations.query_criteria(t_exptime=120, obs_collection="TESS")
    assert set(table["t_exptime"]) == {120}
    with pytest.warns(InputWarning, match=r"^t_exptime is continuous"):
        assert filters_sent(t_exptime=[120])["t_exptime"]["values"] == [{"min": 120, "max": 120}]


@pytest.mark.parametrize("value", [[], None, float("nan"), [None], np.array([]), np.ma.masked, [1, 2, 3]], ids=str)
@pytest.mark.parametrize("name", ["proposal_id", "t_exptime", "calib_level"])
def test_values_that_cannot_be_applied_are_refused_unsent(mast_sandbox: Sandbox, name: str, value: Any) -> None:
    """Nothing that would be dropped is accepted (B4, B5); three values are values only of a discrete column."""
    if isinstance(value, list) and len(value) == 3 and name != "t_exptime":
        assert filters_sent(**{name: value})[name]["values"] == ["1", "2", "3"]
        return
    with pytest.raises(InvalidQueryError, match=name):
        Observations.query_criteria(**{name: value})
    assert len(mast_sandbox.requests) == 0


def test_unknown_criterion_names_the_closest(mast_sandbox: Sandbox) -> None:
    """A misspelt column is refused with the likely one, and no query is sent."""
    with pytest.raises(InvalidQueryError, match=r"Filter 'instrument' does not exist\. Did you mean 'instrument_name'"):
        Observations.query_criteria(instrument="ACS/WFC")
    with pytest.raises(InvalidQueryError, match=r"Available: .*obs_collection"):
        Observations.query_criteria(zzzzqqq=1)
    assert not mast_sandbox.requests.of("invoke")


def test_a_column_that_is_new_at_the_archive_can_be_used(mast_sandbox: Sandbox) -> None:
    """Before a keyword is refused, the archive is asked whether it has such a column by now."""

    def with_new_column(config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "s_newcol": {"text": "New", "vot.datatype": "char"}}

    mast_sandbox.faults.add("columnsconfig", Fault.edit(with_new_column))
    payload = ObservationsClass().query_criteria(s_newcol="x", get_query_payload=True)
    assert payload["params"]["filters"] == [{"paramName": "s_newcol", "values": ["x"]}]


def test_criteria_are_not_changed_under_the_caller(mast_sandbox: Sandbox) -> None:
    """Lists and dictionaries that were given stay as they were."""
    values, params = ["HST", "J*"], {"obsid": "24000000"}
    Observations.query_criteria(obs_collection=values, get_query_payload=True)
    Mast.service_request("Mast.Caom.Products", params)
    assert values == ["HST", "J*"]
    assert params == {"obsid": "24000000"}


def test_payload_is_what_is_sent(mast_sandbox: Sandbox) -> None:
    """get_query_payload gives the request without sending it, and sending it sends just that."""
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


# -- about the archive ---------------------------------------------------------------------------------------------


def test_missions_and_metadata(mast_sandbox: Sandbox) -> None:
    """The missions are a sorted list of names; metadata exist for two kinds of query, in any case of letters."""
    missions = Observations.list_missions()
    assert missions == sorted(missions)
    assert {"HST", "JWST", "TESS", "GALEX", "HLSP"} <= set(missions)
    assert len(Observations.get_metadata("Observations")) > 30
    assert "dataURI" in Observations.get_metadata("products")["Column Name"]
    with pytest.raises(InvalidQueryError, match="'observations' and 'products'"):
        Observations.get_metadata("planets")


def test_async_methods_give_the_responses(mast_sandbox: Sandbox) -> None:
    """The *_async methods give one requests.Response per page, whose JSON is the archive's."""
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
# Deprecated there, and without effect: only observations have copies in the cloud.
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
def test_every_public_call_of_the_peer_is_taken(ours: type, peers: type, name: str) -> None:
    """Every public method has the peer's parameters, in order, with the peer's defaults."""
    theirs = inspect.signature(getattr(peers, name)).parameters
    own = inspect.signature(getattr(ours, name)).parameters
    for parameter in theirs.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            continue  # the peer's decorators hide what they pass on
        if parameter.name.startswith("_"):
            continue  # the peer's own business
        taken = parameter.name.replace("objectname", "object_name")  # the older name is taken with a deprecation
        if taken not in own:
            assert any(p.kind is p.VAR_KEYWORD for p in own.values()) or taken == "kwargs", taken
        elif parameter.default is not parameter.empty:
            assert str(own[taken].default) == str(parameter.default), taken


def test_instances_can_be_called_and_marked(mast_sandbox: Sandbox) -> None:
    """An instance makes a fresh one when called, and attributes that old scripts set do not fail."""
    fresh = Observations()
    assert isinstance(fresh, ObservationsClass)
    assert fresh is not Observations
    fresh.TIMEOUT = 1200
    fresh.PAGESIZE = 10
    assert len(fresh.query_criteria(obs_collection="FUSE")) > 0


def test_a_column_of_a_table_is_a_list_of_values(mast_sandbox: Sandbox) -> None:
    """Columns, arrays and sets are values like lists, in an order that does not change."""
    table = Observations.query_criteria(obs_collection="FUSE")
    again = Observations.query_criteria(obs_id=table["obs_id"])
    assert set(again["obs_id"]) == set(table["obs_id"])
    assert filters_sent(obs_id=Column(["a", "b"]))["obs_id"]["values"] == ["a", "b"]
    assert filters_sent(obs_id={"b", "a"})["obs_id"]["values"] == ["a", "b"]


@pytest.mark.parametrize("columns", [None, ["t_min"]])
def test_a_page_that_repeats_another_is_noticed(mast_sandbox: Sandbox, columns: Any) -> None:
    """Page 2 with the rows of page 1, under its own number, would be the right number of wrong rows."""
    first: list[Any] = []

    def repeated(answer: dict[str, Any]) -> dict[str, Any]:
        first.append(answer["data"])
        answer["data"] = first[0]
        return answer

    mast_sandbox.faults.add("invoke", Fault.edit(repeated), times=None)
    with pytest.raises(IncompleteResultError, match="a row came in two parts, so that another one may be missing"):
        Observations.query_criteria(obs_collection="GALEX", columns=columns, pagesize=124)


def test_rows_that_are_alike_are_no_repetition(mast_sandbox: Sandbox) -> None:
    """A column without an identifier may have the same values on all pages."""
    table = Mast.mast_query("Mast.Caom.Filtered", columns="obs_collection", obs_collection="GALEX", pagesize=50)
    assert set(table["obs_collection"]) == {"GALEX"}
    assert len(table) == Observations.query_criteria_count(obs_collection="GALEX")


def test_a_full_page_without_paging_may_not_be_all(mast_sandbox: Sandbox) -> None:
    """The archive always says how many pages there are; where it does not, a full page is no proof."""

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
