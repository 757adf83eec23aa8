"""Which responses are cached: those of every method, if the cache is on, and in which folder."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from astroquery import cache_conf
from kept_answers import ACS, CALLS, ENDPOINTS, GALEX, M51, MANY, STARS, Kind, asked, kept, same

from astroquery_mast import (
    CatalogsClass,
    Mast,
    MastClass,
    MastMissions,
    MastMissionsClass,
    Observations,
    ObservationsClass,
    conf,
)
from astroquery_mast.sandbox import Fault, Sandbox

Maker = Callable[[type[MastClass]], Any]
EVERY = [pytest.param(client, *call, id=name) for client, calls in CALLS.items() for name, call in calls.items()]


@pytest.mark.parametrize(("client", "call", "questions"), EVERY)
def test_an_equal_query_is_sent_once(
    mast_sandbox: Sandbox, in_folder: Maker, client: type[MastClass], call: Callable[..., Any], questions: int
) -> None:
    """The second result equals the first, including descriptions, for every method, with one target or many."""
    keeping = in_folder(client)
    with conf.set_temp("cache", True):
        first, second = call(keeping), call(keeping)
    assert asked(mast_sandbox) == len(kept(keeping)) == questions
    assert first is not None
    assert same(first, second)


@pytest.mark.parametrize(("client", "call", "questions"), EVERY)
def test_each_call_can_override_the_configuration(
    mast_sandbox: Sandbox, in_folder: Maker, client: type[MastClass], call: Callable[..., Any], questions: int
) -> None:
    """The cache is off by default, although astroquery's is on; ``cache=`` overrides the configuration."""
    keeping = in_folder(client)
    assert cache_conf.cache_active
    call(keeping)
    call(keeping)
    assert kept(keeping) == []
    assert asked(mast_sandbox) == 2 * questions
    call(keeping, cache=True)
    call(keeping, cache=True)
    records = [record for endpoint in ENDPOINTS for record in mast_sandbox.requests.of(endpoint) if record.body]
    assert not any("cache" in (record.mashup or json.loads(record.body)) for record in records)
    assert asked(mast_sandbox) == questions
    with conf.set_temp("cache", True):
        call(keeping, cache=False)
        assert asked(mast_sandbox) == questions
        call(keeping)
        assert asked(mast_sandbox) == 0
        with cache_conf.set_temp("cache_active", False):
            call(keeping)
    assert asked(mast_sandbox) == questions


def test_astroquery_can_switch_off_the_cache(mast_sandbox: Sandbox, kind: Kind, keeping: MastClass) -> None:
    """Switching off all caches of astroquery also switches off this one."""
    with cache_conf.set_temp("cache_active", False):
        for _ in range(2):
            kind.ask(keeping)
    assert asked(mast_sandbox) == 2
    assert kept(keeping) == []


def test_the_keyword_is_not_in_the_payload(mast_sandbox: Sandbox, in_folder: Maker) -> None:
    """``cache`` is not part of the request."""
    catalogs = in_folder(CatalogsClass)
    for payload in (
        catalogs.query_region(**STARS, cache=True, get_query_payload=True),
        catalogs.query_region(M51, catalog="TIC", cache=True, get_query_payload=True),
        in_folder(MastClass).service_request("Mast.Missions.List", {}, cache=True, get_query_payload=True),
    ):
        assert "cache" not in json.dumps(payload)


def test_any_service_can_be_cached(mast_sandbox: Sandbox, in_folder: Maker) -> None:
    """``cache=`` is a property of the request that is not sent."""
    client = in_folder(MastClass)
    for _ in range(2):
        client.service_request("Mast.Missions.List", {}, cache=True)
        client.mast_query("Mast.Caom.Filtered", obs_collection="GALEX", cache=True)
    assert [("cache" in (record.mashup or {})) for record in mast_sandbox.requests.of("invoke")] == [False, False]


def test_counts_and_hints_are_cached(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Every Mashup query with a table as its response is cached."""
    for _ in range(2):
        observations.query_criteria_count(obs_collection="GALEX")
        observations.list_missions()
        observations.list_values("filters", obs_collection="GALEX")
    assert asked(mast_sandbox) == 3


def test_pages_are_cached_together(mast_sandbox: Sandbox, kind: Kind, keeping: MastClass) -> None:
    """All pages of a response are in one file, so that pages of two responses never mix."""
    with conf.set_temp("pagesize", kind.pagesize):
        first = kind.ask(keeping)
        assert asked(mast_sandbox) == -(-len(first) // kind.pagesize) > 2
        assert len(kept(keeping)) == 1
        assert same(first, kind.ask(keeping))
    assert asked(mast_sandbox) == 0


def test_cached_pages_are_responses(mast_sandbox: Sandbox, in_folder: Maker) -> None:
    """Cached pages are returned like those of MAST, each with its request."""
    observations, missions = in_folder(ObservationsClass), in_folder(MastMissionsClass)
    galex: dict[str, Any] = {"obs_collection": "GALEX", "pagesize": 50}
    with conf.set_temp("cache", True), conf.set_temp("pagesize", 7):
        rows = len(missions.query_criteria(**ACS)), len(observations.query_criteria(**galex))
        asked(mast_sandbox)
        replies, responses = missions.query_criteria_async(**ACS), observations.query_criteria_async(**galex)
    assert asked(mast_sandbox) == 0
    assert [json.loads(reply.request.body)["offset"] for reply in replies] == list(range(0, rows[0], 7))
    assert sum(len(reply.json()["results"]) for reply in replies) == rows[0]
    assert sum(len(response.json()["data"]) for response in responses) == rows[1]
    assert all(response.ok and response.url.endswith("/invoke") for response in responses)


def test_many_targets_are_cached_by_query(mast_sandbox: Sandbox, in_folder: Maker) -> None:
    """Each query of a call has its own file."""
    client = in_folder(MastMissionsClass)
    with conf.set_temp("cache", True):
        first = client.query_region(MANY, radius=0.1, limit=None)
        assert asked(mast_sandbox) == len(kept(client)) == 2
        assert same(first, client.query_region(MANY, radius=0.1, limit=None))
    assert asked(mast_sandbox) == 0


def test_products_are_cached_in_batches(mast_sandbox: Sandbox, in_folder: Maker) -> None:
    """The caching of product lists follows the configuration, like that of observations."""
    client = in_folder(MastMissionsClass)
    datasets = client.query_criteria(**ACS)[:4]
    asked(mast_sandbox)
    with conf.set_temp("cache", True):
        first, second = (client.get_product_list(datasets, batch_size=2) for _ in range(2))
    assert asked(mast_sandbox) == 2
    assert same(first, second)


def test_a_split_result_is_cached(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """The result of a split query is cached, and the next call sends no request."""
    with Sandbox(row_limit=100, cuts=True) as small, conf.set_temp("server_row_limit", 100):
        first = observations.query_criteria(**GALEX)
        assert asked(small) > 4
        second = observations.query_criteria(**GALEX)
        assert asked(small) == 0
    assert len(first) == 248
    assert same(first, second)


def test_a_retried_response_is_cached(mast_sandbox: Sandbox, kind: Kind, keeping: MastClass) -> None:
    """The response after a retry is cached completely."""
    mast_sandbox.faults.add(kind.endpoint, Fault.truncate_json())
    first = kind.ask(keeping)
    assert asked(mast_sandbox) == 2
    assert same(first, kind.ask(keeping))
    assert asked(mast_sandbox) == 0


def test_only_the_final_response_is_cached(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """An EXECUTING response is not cached; the final one is."""
    mast_sandbox.faults.add("invoke", Fault.executing(), times=2)
    assert len(observations.query_criteria(**GALEX)) == 248
    assert len(observations.query_criteria(**GALEX)) == 248
    assert asked(mast_sandbox) == 3


def test_threads_share_a_cache_folder(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """With equal and different queries at the same time, each gets its own response, and each file is complete."""
    names = ["GALEX", "FUSE", "K2", "Kepler", "PS1", "SWIFT", "IUE", "HLA"]
    with conf.set_temp("cache", False):
        expected = {name: observations.query_criteria_count(obs_collection=name) for name in names}
    barrier = threading.Barrier(8)

    def ask(name: str) -> int:
        return len(observations.query_criteria(obs_collection=name, pagesize=20))

    def ask_all_from(place: int) -> list[int]:
        barrier.wait(30)
        return [ask(names[(place + n) % 8]) for n in range(8)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask_all_from, range(8)))
    for place, lengths in enumerate(found):
        assert lengths == [expected[names[(place + n) % 8]] for n in range(8)]
    assert len(kept(observations)) == 8
    asked(mast_sandbox)
    assert [ask(name) for name in names] == list(expected.values())
    assert asked(mast_sandbox) == 0


# -- where -----------------------------------------------------------------------------------------------------------


def test_the_cache_folder_is_astroquerys(
    mast_sandbox: Sandbox, observations: ObservationsClass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cache_location is read on each use; reset_cache_location restores the folder of the class."""
    observations.cache_location = tmp_path / "elsewhere"
    observations.query_criteria(**GALEX)
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1
    monkeypatch.setattr("astroquery.query.paths.get_cache_dir", lambda: str(tmp_path / "home"))
    observations.reset_cache_location()
    observations.query_criteria(**GALEX)
    assert len(list((tmp_path / "home" / "astroquery" / "Observations").iterdir())) == 1
    assert asked(mast_sandbox) == 2


def test_a_read_only_folder_does_not_affect_queries(
    mast_sandbox: Sandbox, observations: ObservationsClass, tmp_path: Path
) -> None:
    """A response that cannot be cached is still returned."""
    (tmp_path / "file").write_text('Data product is missing "dataset" or "fileset" field, which names')
    observations.cache_location = tmp_path / "file" / "below"
    assert len(observations.query_criteria(**GALEX)) == 248
    observations.cache_location = tmp_path / "folder"
    observations.query_criteria(**GALEX)
    (path,) = kept(observations)
    path.unlink()
    (path / "taken").mkdir(parents=True)  # a folder is in place of the file
    assert len(observations.query_criteria(**GALEX)) == 248
    assert kept(observations) == [path]


def test_clients_can_be_copied(observations: ObservationsClass) -> None:
    """A copy caches its responses in its own folder."""
    assert copy.copy(observations).cache_location == observations.cache_location


def test_default_clients_cache_nothing(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The default clients cache nothing unless a user switches the cache on."""
    assert conf.cache is False
    asking: dict[MastClass, Callable[[], Any]] = {
        Mast: lambda: Mast.service_request("Mast.Missions.List", {}),
        Observations: lambda: Observations.query_criteria(**GALEX),
        MastMissions: lambda: MastMissions.query_criteria(sci_instrume="ACS", sci_pep_id=10452, count_only=True),
    }
    for client, ask in asking.items():
        client.cache_location = tmp_path
        try:
            assert ask()
        finally:
            client.reset_cache_location()
    assert list(tmp_path.iterdir()) == []
