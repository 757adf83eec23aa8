"""Mission searches by position, name and criteria, on the sandbox over HTTP and with recorded responses."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import requests
import responses
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time
from astropy.utils.exceptions import AstropyDeprecationWarning
from astroquery.exceptions import (
    InputWarning,
    InvalidQueryError,
    MaxResultsWarning,
    NoResultsWarning,
    ResolverError,
    TimeoutError,
)

from astroquery_mast import MastMissions, MastMissionsClass, conf
from astroquery_mast.exceptions import IncompleteResultError, InvalidResponseError
from astroquery_mast.sandbox import Fault, Sandbox

M51 = SkyCoord(202.469575, 47.195258, unit="deg")
ALL = ("hst", "jwst", "roman", "roman_spectra", "roman_cgi", "classy", "ullyses", "iue")
SEARCH = "https://mast.stsci.edu/search/hst/api/v0.1/search"
COLUMNS = "https://mast.stsci.edu/search/util/api/v0.1/column_list"


@pytest.fixture
def client(mast_sandbox: Sandbox) -> MastMissionsClass:
    return MastMissionsClass()


@pytest.fixture
def archive(recorded: Callable[[str], bytes]) -> Iterator[responses.RequestsMock]:
    """Mock MAST's real addresses, with the recorded list of columns."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(COLUMNS, body=recorded("mission_columns.json"))
        yield mock


def sent(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the bodies of the search requests."""
    return [json.loads(record.body) for record in sandbox.requests.of("mission_search")]


# -- by position and name ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "coordinates",
    [M51, M51.galactic, "202.469575 47.195258", "202.469575, 47.195258", ["202.469575", "47.195258"], [M51], "M51"],
    ids=str,
)
def test_every_form_of_a_position_is_equal(client: MastMissionsClass, coordinates: Any) -> None:
    """Every form of a position returns the same rows; the radius and the separation are in arcmin."""
    table = client.query_region(coordinates, radius=3)
    expected = client.query_criteria(coordinates=M51, radius=3 * u.arcmin)
    assert 0 < len(table) == len(expected)
    assert table["sci_data_set_name"].tolist() == expected["sci_data_set_name"].tolist()
    assert table["ang_sep"].unit == "arcmin"
    assert table["ang_sep"].max() <= 3
    there = SkyCoord(table["sci_ra"], table["sci_dec"])
    assert np.allclose(there.separation(M51).arcmin, table["ang_sep"], atol=1e-3)


def test_query_region_and_query_object_return_the_same(client: MastMissionsClass) -> None:
    """The default radius is the same for a position and for the name of the object."""
    by_name = client.query_object("M51")
    assert by_name["sci_data_set_name"].tolist() == client.query_region(M51)["sci_data_set_name"].tolist()
    assert client.query_object("M51", count_only=True) == len(by_name)


def test_many_targets_of_all_kinds_in_one_call(client: MastMissionsClass, mast_sandbox: Sandbox) -> None:
    """Positions and names are sent in one search, and each row has its target."""
    table = client.query_criteria(coordinates=[M51, "210.802 54.349"], object_names=["HUDF", "M51"], radius=2)
    assert len(sent(mast_sandbox)) == 1
    assert len(set(table["search_pos"])) >= 3
    alone = client.query_object("HUDF", radius=2)
    assert set(alone["sci_data_set_name"]) < set(table["sci_data_set_name"])


def test_an_unknown_name_among_several(client: MastMissionsClass) -> None:
    """An unknown name is skipped with a warning, or raises an error if it is the only one."""
    with pytest.warns(InputWarning, match="Xyzzy"):
        table = client.query_object(["M51", "Xyzzy"])
    assert len(table) == len(client.query_region(M51))
    with pytest.raises(ResolverError, match="Xyzzy"):
        client.query_object("Xyzzy")


@pytest.mark.parametrize(
    "arguments",
    [
        {"coordinates": M51, "radius": 31},
        {"coordinates": []},
        {"coordinates": M51, "radius": "wide"},
        {"radius": 2},
        {"object_names": " "},
        {"coordinates": M51, "limit": 0},
        {"coordinates": M51, "timeout": 0},
        {"mission": "../etc"},
        {"mission": 3},
        {"coordinates": M51, "sort_by": "sci_rra"},
        {"no_such_column": 3},
    ],
    ids=str,
)
def test_invalid_arguments_send_no_request(
    client: MastMissionsClass, mast_sandbox: Sandbox, arguments: dict[str, Any]
) -> None:
    """An invalid argument raises InvalidQueryError, and no search is sent."""
    with pytest.raises(InvalidQueryError):
        client.query_criteria(**arguments)
    assert not sent(mast_sandbox)
    assert not mast_sandbox.requests.of("resolver")


@pytest.mark.parametrize("method", ["query_region", "query_object", "query_region_async", "query_object_async"])
def test_none_is_not_a_target(client: MastMissionsClass, method: str) -> None:
    """None as a target raises an error instead of searching the whole sky."""
    with pytest.raises(InvalidQueryError, match="None"):
        getattr(client, method)(None)


def test_two_hundred_and_fifty_targets(client: MastMissionsClass, mast_sandbox: Sandbox) -> None:
    """Targets are sent a hundred at a time, and the results are in their order."""
    away = M51.directional_offset_by(np.linspace(0, 360, 250) * u.deg, np.linspace(0, 1, 250) * u.arcmin)
    table = client.query_region(away, radius=0.5, limit=None)
    assert [len(body["target"]) for body in sorted(sent(mast_sandbox), key=lambda body: -len(body["target"]))] == [
        100,
        100,
        50,
    ]
    order = list(dict.fromkeys(table["search_pos"].tolist()))
    places = [f"{float(each.ra.deg)} {float(each.dec.deg)}" for each in away]
    assert order == [place for place in places if place in set(order)]
    assert client.query_region(away, radius=0.5, count_only=True) == len(table)
    with pytest.warns(MaxResultsWarning):
        cut = client.query_region(away, radius=0.5, limit=len(table) - 3)
    assert cut["sci_data_set_name"].tolist() == table["sci_data_set_name"][:-3].tolist()
    assert cut.meta["rows"] == [len(cut)]
    payloads = client.query_region(away, radius=0.5, get_query_payload=True)
    assert [len(payload["target"]) for payload in payloads] == [100, 100, 50]


# -- by criteria ---------------------------------------------------------------------------------------------------


def test_criteria_are_applied(client: MastMissionsClass) -> None:
    """Every row meets every criterion, in each form."""
    table = client.query_criteria(
        sci_instrume=["ACS", "WFC3"],
        sci_actual_duration=(100 * u.s, 1 * u.h),
        sci_start_time=(Time("2005-01-01"), None),
        sci_targname="M*",
        sci_pep_id="!13340",
        select_cols="sci_instrume, sci_actual_duration, sci_start_time, sci_targname, sci_pep_id",
        sort_by="sci_start_time",
        sort_desc=True,
    )
    assert len(table) > 5
    assert {name.strip() for name in table["sci_instrume"]} <= {"ACS", "WFC3"}
    assert table["sci_actual_duration"].min() >= 100
    assert table["sci_actual_duration"].max() <= 3600
    assert min(table["sci_start_time"]) >= "2005"
    assert all(name.startswith("M") for name in table["sci_targname"])
    assert 13340 not in table["sci_pep_id"]
    assert table["sci_start_time"].tolist() == sorted(table["sci_start_time"], reverse=True)
    assert "sci_data_set_name" in table.colnames


@pytest.mark.parametrize("mission", ALL)
def test_every_mission_is_searched(client: MastMissionsClass, mission: str) -> None:
    """Columns, count and rows of each mission are consistent, and the rows have the dataset identifier."""
    columns = client.get_column_list(mission=mission)
    table = client.query_criteria(mission=mission, limit=None)
    assert 0 < len(table) == client.query_criteria(mission=mission, count_only=True)
    assert {name.lower() for name in table.colnames} <= {name.lower() for name in columns["name"]} | {"sci_hslanum"}
    keyword = client.get_dataset_kwd(mission=mission)
    assert keyword is None or keyword in table.colnames


def test_all_columns(client: MastMissionsClass) -> None:
    """`*` returns all columns of the list."""
    table = client.query_region(M51, select_cols="*", limit=None)
    assert set(table.colnames) == set(client.get_column_list()["name"])
    assert table["sci_ra"].unit == "deg"
    assert table["sci_actual_duration"].description


def test_pass_id_is_sent_as_pass(client: MastMissionsClass, mast_sandbox: Sandbox) -> None:
    """Roman's column `pass` is a Python keyword, and is given as `pass_id`."""
    table = client.query_criteria(mission="roman", pass_id=1, select_cols="pass")
    assert set(table["pass"]) == {1}
    assert sent(mast_sandbox)[-1]["conditions"] == [{"pass": 1}]


def test_no_rows(client: MastMissionsClass) -> None:
    """An empty result is a table with columns, and a warning."""
    with pytest.warns(NoResultsWarning, match="Query returned no results"):
        table = client.query_criteria(sci_pep_id=1)
    assert len(table) == 0
    assert table["sci_ra"].dtype.kind == "f"
    assert client.query_criteria(sci_pep_id=1, count_only=True) == 0


def test_unknown_criteria_suggest_similar_names(client: MastMissionsClass) -> None:
    """An unknown criterion raises an error that suggests a similar column."""
    with pytest.raises(InvalidQueryError, match=r"Filter 'sci_instrum' does not exist\. Did you mean 'sci_instrume'"):
        client.query_criteria(sci_instrum="ACS")


# -- limits and pages ----------------------------------------------------------------------------------------------


def test_all_rows_are_returned_in_pages(client: MastMissionsClass, mast_sandbox: Sandbox) -> None:
    """limit=None returns every row once, with a bounded number of concurrent requests."""
    whole = client.query_criteria(sci_instrume="ACS", limit=5000, sort_by="sci_data_set_name")
    mast_sandbox.faults.add("mission_search", Fault.delay(0.02), times=None)
    with conf.set_temp("pagesize", 37), conf.set_temp("max_workers", 3):
        paged = client.query_criteria(sci_instrume="ACS", limit=None)
    assert paged["sci_data_set_name"].tolist() == whole["sci_data_set_name"].tolist()
    asked = sent(mast_sandbox)[1:]
    assert [body["offset"] for body in sorted(asked, key=lambda body: body["offset"])] == list(range(0, len(whole), 37))
    assert 2 <= mast_sandbox.requests.most_at_once("mission_search") <= 3
    mast_sandbox.faults.clear()
    with conf.set_temp("pagesize", 37):
        later = client.query_criteria(sci_instrume="ACS", limit=None, offset=len(whole) - 50)
        replies = client.query_criteria_async(sci_instrume="ACS", limit=None)
    assert later["sci_data_set_name"].tolist() == whole["sci_data_set_name"][-50:].tolist()
    assert len(replies) == len(asked)


def test_limit_and_offset(client: MastMissionsClass) -> None:
    """A limit that cuts off rows issues a warning; one that does not is silent."""
    order = {"sort_by": "sci_data_set_name"}
    whole = client.query_region(M51, radius=10, **order)
    with pytest.warns(MaxResultsWarning, match="Maximum results returned"):
        first = client.query_region(M51, radius=10, limit=5, **order)
    rest = client.query_region(M51, radius=10, offset=5, **order)
    exactly = client.query_region(M51, radius=10, limit=len(whole), **order)
    assert [*first["sci_data_set_name"], *rest["sci_data_set_name"]] == whole["sci_data_set_name"].tolist()
    assert len(exactly) == len(whole)


def test_a_repeated_page_raises(archive: responses.RequestsMock) -> None:
    """Overlapping pages raise an error, even if the number of rows is correct."""
    page = {"info": [], "results": [{"sci_data_set_name": str(n)} for n in range(3)], "totalResults": 6}
    archive.post(SEARCH, json=page)
    with conf.set_temp("pagesize", 3), pytest.raises(IncompleteResultError, match="is on two pages"):
        MastMissions.query_criteria(limit=None)


def test_missing_rows_raise(client: MastMissionsClass, mast_sandbox: Sandbox) -> None:
    """Fewer rows than MAST reports raise an error, with and without a limit."""

    def shorter(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "results": document["results"][:-1]}

    for limit in (5000, 10, None):
        mast_sandbox.faults.add("mission_search", Fault.edit(shorter))
        with pytest.raises(IncompleteResultError, match="rows were expected"):
            client.query_region(M51, limit=limit)
    mast_sandbox.faults.add("mission_search", Fault.edit(lambda document: {**document, "totalResults": None}))
    with pytest.raises(InvalidResponseError, match="did not return the number of rows"):
        client.query_region(M51, limit=None)


def test_skip_count(client: MastMissionsClass, mast_sandbox: Sandbox) -> None:
    """skip_count is sent to MAST, and cannot be combined with limit=None."""
    assert len(client.query_region(M51, skip_count=True)) == len(client.query_region(M51))
    assert sent(mast_sandbox)[0]["skip_count"] is True
    with pytest.raises(InvalidQueryError, match="skip_count"):
        client.query_region(M51, skip_count=True, limit=None)


# -- the client ----------------------------------------------------------------------------------------------------


def test_the_mission_of_an_instance_and_of_the_default_client(mast_sandbox: Sandbox) -> None:
    """Calling the default client creates another one, and setting a mission changes only that client."""
    other = MastMissions(mission="JWST")
    assert (other.mission, MastMissions.mission) == ("jwst", "hst")
    assert isinstance(other, MastMissionsClass)
    MastMissions.mission = "IUE"
    try:
        assert MastMissions.get_dataset_kwd() == "iue_data_id"
        assert "iue_data_id" in MastMissions.query_criteria(limit=None).colnames
        assert "iue" in repr(MastMissions)
    finally:
        MastMissions.mission = "hst"


def test_calls_in_threads_keep_their_mission(client: MastMissionsClass) -> None:
    """Concurrent calls with different missions, and changes of the attribute, do not affect each other."""

    def ask(mission: str) -> tuple[str, int]:
        client.mission = "hst"  # other threads do so at the same time
        return mission, len(client.query_criteria(mission=mission, limit=None))

    expected = {name: client.query_criteria(mission=name, count_only=True) for name in ALL}
    with ThreadPoolExecutor(8) as pool:
        assert all(expected[mission] == rows for mission, rows in pool.map(ask, ALL * 2))


def test_get_query_payload(client: MastMissionsClass, mast_sandbox: Sandbox) -> None:
    """get_query_payload returns the request and sends nothing."""
    payload = client.query_region(M51, radius=3, sci_instrume="ACS", limit=7, get_query_payload=True)
    assert payload == {
        "limit": 7,
        "offset": 0,
        "select_cols": None,
        "target": ["202.469575 47.195258"],
        "radius": 180.0,
        "radius_units": "arcseconds",
        "conditions": [{"sci_instrume": "ACS"}],
    }
    assert not sent(mast_sandbox)


def test_async_methods_return_responses(client: MastMissionsClass) -> None:
    """The methods named `_async` return the HTTP response."""
    for reply in (
        client.query_region_async(M51),
        client.query_object_async("M51"),
        client.query_criteria_async(coordinates=M51),
        client.query_criteria_async(coordinates=M51, count_only=True),
    ):
        assert isinstance(reply, requests.Response)
        assert reply.json()["totalResults"] > 0


def test_the_older_name_of_an_argument(client: MastMissionsClass) -> None:
    """`objectname` is accepted with a deprecation warning."""
    expected = len(client.query_object("M51"))
    for method in (client.query_object, client.query_criteria):
        with pytest.warns(AstropyDeprecationWarning, match="object_names"):
            assert len(method(objectname="M51")) == expected
    with pytest.warns(AstropyDeprecationWarning, match="object_names"):
        assert client.query_object_async(objectname="M51").status_code == 200


def test_a_table_of_a_query_is_a_list_of_targets(client: MastMissionsClass) -> None:
    """The result of a query can be used as the targets of the next."""
    found: Table = client.query_region(M51)[:3]
    assert len(client.query_region(found, radius=0.1)) >= len(found)
    assert len(client.query_region(found[0], radius=0.1)) > 0


def test_the_time_of_a_call_is_limited(client: MastMissionsClass, mast_sandbox: Sandbox) -> None:
    """A call that takes longer than `timeout` raises TimeoutError."""
    mast_sandbox.faults.add("mission_columns", Fault.delay(5))
    with pytest.raises(TimeoutError, match=r"0\.1 s"):
        client.query_region(M51, timeout=0.1)
    mast_sandbox.faults.clear()
    client.get_column_list()
    mast_sandbox.faults.add("mission_search", Fault.delay(5), times=None)
    with pytest.raises(TimeoutError, match=r"0\.2 s"):
        client.query_region(M51, timeout=0.2)


def test_clients_can_be_pickled(client: MastMissionsClass) -> None:
    """A copy of a client keeps the mission, and requests its columns itself."""
    client.mission = "jwst"
    client.get_column_list()
    copy = pickle.loads(pickle.dumps(client))
    assert copy.mission == "jwst"
    assert len(copy.get_column_list()) > 10


# -- available missions --------------------------------------------------------------------------------------------


def test_missions_that_can_be_searched_are_listed(mast_sandbox: Sandbox) -> None:
    """The missions are listed from MAST's documentation page, or from the package if that fails."""
    listed = MastMissions.get_available_missions()
    assert {"hst", "jwst", "roman"} <= set(listed)
    assert listed == sorted(listed) == MastMissions.available_missions
    mast_sandbox.faults.add("mission_docs", Fault.status(404), times=None)
    assert {"hst", "jwst", "all_missions"} <= set(MastMissions.get_available_missions())


def test_looking_at_the_attribute_sends_no_request(mast_sandbox: Sandbox) -> None:
    """Completion and `hasattr` evaluate it; it lists what is known."""
    known = MastMissions.available_missions
    assert hasattr(MastMissions, "available_missions")
    assert repr(MastMissions)
    assert dir(MastMissions)
    assert not mast_sandbox.requests
    assert {"hst", "jwst", "all_missions"} <= set(known)
    known.clear()
    assert "hst" in MastMissions.available_missions


@pytest.mark.parametrize(("name", "meant"), [("jwstt", "jwst"), ("hubble", "hst"), ("webb", "jwst")])
def test_an_unknown_mission_raises_with_a_suggestion(mast_sandbox: Sandbox, name: str, meant: str) -> None:
    """A misspelled mission raises before anything is searched, without a warning about its columns."""
    with pytest.raises(InvalidQueryError, match=rf"'{name}' is not a valid mission\. Did you mean '{meant}'"):
        MastMissions.query_criteria(mission=name, program=1039)
    assert mast_sandbox.requests.of("mission_search") == []


def test_get_column_list_takes_the_mission_as_positional(mast_sandbox: Sandbox) -> None:
    """``get_column_list("jwst")`` is the same as ``get_column_list(mission="jwst")``."""
    assert MastMissions.get_column_list("jwst")["name"].tolist() == (
        MastMissions.get_column_list(mission="jwst")["name"].tolist()
    )


def test_all_missions_are_searched_at_once(mast_sandbox: Sandbox) -> None:
    """The mission `all_missions` is listed, and returns datasets of several missions with their products."""
    assert "all_missions" in MastMissions.get_available_missions()
    found = MastMissions.query_region("202.4696 47.1952", radius="1 arcmin", mission="all_missions")
    assert set(found["mission"]) == {"HST", "JWST"}
    products = MastMissions.get_product_list(found[:2], mission="all_missions")
    assert set(products["dataset"]) == set(found["dataset"][:2])
