"""Answers kept on disk: only when asked for, only complete ones, only for the one who asked."""

from __future__ import annotations

import copy
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table
from astroquery import cache_conf
from kept_answers import KINDS, Kind, asked, kept, same

from astroquery_mast import Mast, MastClass, MastMissions, Observations, ObservationsClass, conf
from astroquery_mast.sandbox import Sandbox

GALEX: dict[str, Any] = {"obs_collection": "GALEX", "columns": ["t_min", "obs_id"]}


@pytest.fixture
def client(mast_sandbox: Sandbox, tmp_path: Path) -> Iterator[ObservationsClass]:
    """Give a client that keeps its answers in a folder of the test."""
    found = ObservationsClass()
    found.cache_location = tmp_path
    with conf.set_temp("cache", True):
        yield found


# -- for every kind of service ---------------------------------------------------------------------------------------


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, mast_sandbox: Sandbox) -> Kind:
    """Give each kind of service."""
    return KINDS[request.param]


@pytest.fixture
def keeping(kind: Kind, tmp_path: Path) -> Iterator[MastClass]:
    """Give a client of this kind that keeps its answers in a folder of the test."""
    found = kind.client()
    found.cache_location = tmp_path
    with conf.set_temp("cache", True):
        yield found


def test_nothing_is_kept_unless_asked_for(mast_sandbox: Sandbox, kind: Kind, keeping: MastClass) -> None:
    """Off by default, as in astroquery.mast, although astroquery's own switch is on."""
    assert cache_conf.cache_active
    with conf.set_temp("cache", False):
        for _ in range(2):
            kind.ask(keeping)
    assert asked(mast_sandbox, kind.endpoint) == 2
    assert kept(keeping) == []


def test_another_server_is_another(mast_sandbox: Sandbox, kind: Kind, keeping: MastClass) -> None:
    """Answers of a test server are not taken for those of the archive."""
    kind.ask(keeping)
    with Sandbox() as other:
        kind.ask(keeping)
        assert asked(other, kind.endpoint) == 1


def test_who_is_logged_in_has_answers_of_their_own(mast_sandbox: Sandbox, kind: Kind, keeping: MastClass) -> None:
    """What one user may see is not shown to another, nor to nobody; no token is stored, and nobody else may read."""
    kind.ask(keeping)
    for token in mast_sandbox.token, mast_sandbox.outsider_token:
        keeping.login(token)
        kind.ask(keeping)
        kind.ask(keeping)
    keeping.logout()
    kind.ask(keeping)
    assert asked(mast_sandbox, kind.endpoint) == 3
    assert len(kept(keeping)) == 3
    for path in kept(keeping):
        with zipfile.ZipFile(path) as archive:
            texts = [archive.read(name) for name in archive.namelist()]
        for text in (path.read_bytes(), path.name.encode(), *texts):
            assert mast_sandbox.token.encode() not in text
            assert mast_sandbox.outsider_token.encode() not in text
        if os.name == "posix":
            assert path.stat().st_mode & 0o077 == 0


def test_clear_cache_removes_all_answers(mast_sandbox: Sandbox, kind: Kind, keeping: MastClass) -> None:
    """And what astroquery keeps in the same folder."""
    folder = Path(keeping.cache_location)
    (folder / "other.pickle").write_bytes(b"x")
    (folder / "mine.txt").write_bytes(b"x")
    kind.ask(keeping)
    keeping.clear_cache()
    assert [path.name for path in kept(keeping)] == ["mine.txt"]
    kind.ask(keeping)
    assert asked(mast_sandbox, kind.endpoint) == 2


# -- whether ---------------------------------------------------------------------------------------------------------


def test_a_question_is_sent_once(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """The second answer is that of the first."""
    first = client.query_criteria(**GALEX)
    assert len(kept(client)) == 1
    second = client.query_criteria(**GALEX)
    assert asked(mast_sandbox) == 1
    assert same(first, second)


def test_the_time_of_a_kept_answer_is_that_of_the_archive(
    mast_sandbox: Sandbox, client: ObservationsClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meta does not claim that old values are of now."""
    monkeypatch.setattr("astroquery_mast.service.cache.now_iso", lambda: "2026-01-02T03:04:05")
    client.query_criteria(**GALEX, pagesize=100)
    assert client.query_criteria(**GALEX, pagesize=100).meta["time"] == ["2026-01-02T03:04:05"]


def test_each_call_may_say_otherwise(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """cache=False asks the archive; cache=True keeps, whatever the configuration says."""
    client.query_criteria(**GALEX)
    client.query_criteria(**GALEX, cache=False)
    assert asked(mast_sandbox) == 2
    with conf.set_temp("cache", False):
        client.query_criteria(**GALEX)
        assert asked(mast_sandbox) == 1
        client.query_criteria(**GALEX, cache=True)
        client.query_region("202.47 47.2", radius=0.01, cache=True)
        client.query_region("202.47 47.2", radius=0.01, cache=True)
        client.list_values("filters", cache=True)
        client.list_values("filters", cache=True)
        list(client.query_criteria_iter(**GALEX, cache=True, pagesize=100))
        list(client.query_criteria_iter(**GALEX, cache=True, pagesize=100))
    assert asked(mast_sandbox) == 1 + 1 + 3


@pytest.mark.parametrize(
    ("count", "questions"),
    [
        (lambda client, **how: client.query_criteria_count(obs_collection="GALEX", **how), 1),
        (lambda client, **how: client.query_region_count("202.47 47.2", radius=0.01, **how), 1),
        (lambda client, **how: client.query_region_count("202.47 47.2", radius=0.01, overlap="center", **how), 1),
        (lambda client, **how: client.query_object_count("M51", radius=0.01, **how), 1),
        (lambda client, **how: client.query_region_count(["202.47 47.2", "10 20"], radius=0.01, **how), 2),
        (lambda client, **how: client.query_object_count(["M51", "M101"], radius=0.01, **how), 2),
    ],
    ids=["criteria", "region", "centers", "object", "regions", "objects"],
)
def test_each_count_may_say_otherwise(
    mast_sandbox: Sandbox, client: ObservationsClass, count: Callable[..., Any], questions: int
) -> None:
    """The counts have the keyword of the queries, for one target and for many."""
    first = count(client)
    count(client)
    assert asked(mast_sandbox) == questions
    count(client, cache=False)
    assert asked(mast_sandbox) == questions
    client.clear_cache()
    with conf.set_temp("cache", False):
        for _ in range(2):
            found = count(client, cache=True)
    assert asked(mast_sandbox) == questions
    assert found["count"].tolist() == first["count"].tolist() if isinstance(found, Table) else found == first


def test_any_service_can_be_kept(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """cache= is a property of the request that is not sent."""
    client = MastClass()
    client.cache_location = tmp_path
    for _ in range(2):
        client.service_request("Mast.Missions.List", {}, cache=True)
        client.mast_query("Mast.Caom.Filtered", obs_collection="GALEX", cache=True)
    assert [("cache" in (record.mashup or {})) for record in mast_sandbox.requests.of("invoke")] == [False, False]
    payload = client.service_request("Mast.Missions.List", {}, cache=True, get_query_payload=True)
    assert "cache" not in payload


def test_astroquery_switches_it_off(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """Who has switched off all caches of astroquery has switched off this one."""
    with cache_conf.set_temp("cache_active", False):
        client.query_criteria(**GALEX)
        client.query_criteria(**GALEX)
        assert asked(mast_sandbox) == 2
        assert kept(client) == []


def test_answers_expire(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """After astroquery's cache_timeout the archive is asked again, and never if that is -1."""
    client.query_criteria(**GALEX)
    (path,) = kept(client)
    old = time.time() - 1000
    os.utime(path, (old, old))
    with cache_conf.set_temp("cache_timeout", -1):
        client.query_criteria(**GALEX)
    with cache_conf.set_temp("cache_timeout", 1100):
        client.query_criteria(**GALEX)
    assert asked(mast_sandbox) == 1
    with cache_conf.set_temp("cache_timeout", 900):
        client.query_criteria(**GALEX)
        assert asked(mast_sandbox) == 1
        client.query_criteria(**GALEX)
    assert asked(mast_sandbox) == 0
    assert kept(client) == [path]


def test_what_has_expired_is_removed(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """Whenever an answer is kept, old ones go, and so does what a killed process left; other files stay."""
    client.query_criteria(**GALEX)
    (path,) = kept(client)
    folder = path.parent
    left, foreign = folder / "tmp1234.mast.part", folder / "mine.pickle"
    for each in left, foreign:
        each.write_bytes(b"x")
    for each in path, left, foreign:
        os.utime(each, (1e9, 1e9))
    client.query_criteria(obs_collection="FUSE")
    assert len(kept(client)) == 2
    assert foreign.exists()
    assert not path.exists()


# -- what ------------------------------------------------------------------------------------------------------------


def test_the_same_question_in_other_words_is_the_same(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """Neither the order of criteria, nor that of values, nor the case of names makes a difference."""
    client.query_criteria(obs_collection="HST", calib_level=[2, 3], instrument_name=["ACS/WFC", "ACS/SBC"], columns="*")
    client.query_criteria(Instrument_name={"ACS/SBC", "ACS/WFC"}, CALIB_LEVEL=[3, 2], obs_collection="HST")
    client.query_criteria(calib_level=(3, 2), obs_collection=["HST"], instrument_name=["ACS/SBC", "ACS/WFC"], timeout=9)
    assert asked(mast_sandbox) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"obs_collection": "FUSE"},
        {"calib_level": 2},
        {"columns": ["obs_id", "t_min"]},
        {"pagesize": 300},
        {"page": 1},
        {"coordinates": "10 10", "radius": 90},
    ],
    ids=str,
)
def test_another_question_is_another(mast_sandbox: Sandbox, client: ObservationsClass, other: dict[str, Any]) -> None:
    """Whatever may change the answer makes another file."""
    client.query_criteria(**GALEX)
    client.query_criteria(**{**GALEX, **other})
    assert asked(mast_sandbox) == 2
    assert len(kept(client)) == 2


def test_counts_and_hints_are_kept_too(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """Every question to a Mashup service that has a table for an answer."""
    for _ in range(2):
        client.query_criteria_count(obs_collection="GALEX")
        client.list_missions()
        client.list_values("filters", obs_collection="GALEX")
    assert asked(mast_sandbox) == 3


def test_a_staged_file_is_not_kept(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """An answer that is no table is something that the archive did."""
    client = MastClass()
    client.cache_location = tmp_path
    params = {
        "urlList": "https://hla.stsci.edu/cgi-bin/ecfproxy?file_id=a.fits",
        "filename": "spectra",
        "pathList": "a.fits",
        "descriptionList": [""],
        "productTypeList": ["spectrum"],
        "extension": "curl",
    }
    for _ in range(2):
        client.service_request_async("Mast.Bundle.Request", params, cache=True)
    assert asked(mast_sandbox) == 2
    assert kept(client) == []


def test_text_formats_are_not_kept(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """In csv it cannot be seen whether the archive has finished."""
    client = MastClass()
    client.cache_location = tmp_path
    for _ in range(2):
        client.service_request_async("Mast.Missions.List", {}, format="csv", cache=True)
    assert asked(mast_sandbox) == 2
    assert kept(client) == []


def test_pages_are_kept_together(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """All pages of an answer are in one file, so that those of two answers never mix."""
    first = client.query_criteria(**GALEX, pagesize=50)
    assert asked(mast_sandbox) == 5
    assert len(kept(client)) == 1
    second = client.query_criteria(**GALEX, pagesize=50)
    responses = client._service.responses(
        client._service.request_for("Mast.Caom.Filtered", *_params(), 50, None), deadline=client._service.deadline(None)
    )
    assert asked(mast_sandbox) == 0
    assert same(first, second)
    assert sum(len(response.json()["data"]) for response in responses) == len(first)
    assert all(response.ok and response.url.endswith("/invoke") for response in responses)


def _params() -> tuple[dict[str, Any]]:
    filters = [{"paramName": "obs_collection", "separator": ";", "values": ["GALEX"]}]
    return ({"columns": "t_min,obs_id,obsid", "filters": filters},)


def test_clearcache_asks_again_and_keeps_the_new_answer(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The property with which the archive's own memory is passed over passes over this one, too."""
    client = MastClass()
    client.cache_location = tmp_path
    for clear in (False, True, False):
        client.service_request("Mast.Missions.List", {}, cache=True, clearcache=clear)
    assert asked(mast_sandbox) == 2
    assert len(kept(client)) == 1


def test_many_targets_are_kept(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """Each of their questions by itself."""
    for _ in range(2):
        client.query_region(["202.47 47.2", "10 20"], radius=0.01)
    assert asked(mast_sandbox) == 2


# -- whose -----------------------------------------------------------------------------------------------------------


def test_a_token_of_nobody_known_keeps_nothing(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Where it is not known whose the token is, nothing is read and nothing is kept."""
    client = ObservationsClass(mast_sandbox.token)
    client.cache_location = tmp_path
    client._service.login.credentials.keep(mast_sandbox.token)
    for _ in range(2):
        client.query_criteria(**GALEX, cache=True)
    assert asked(mast_sandbox) == 2
    assert kept(client) == []


def test_an_answer_is_not_kept_if_the_user_changed_meanwhile(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """A page may have been sent with the new token."""
    tables = client.query_criteria_iter(**GALEX, pagesize=100)
    next(tables)
    client.login(mast_sandbox.token)
    assert len(list(tables)) == 2
    client.logout()
    assert kept(client) == []


# -- astroquery's methods --------------------------------------------------------------------------------------------


def test_the_folder_is_astroquerys(
    mast_sandbox: Sandbox, client: ObservationsClass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cache_location is read when it is needed; reset_cache_location leads back to the folder of the class."""
    client.cache_location = tmp_path / "elsewhere"
    client.query_criteria(**GALEX)
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1
    monkeypatch.setattr("astroquery.query.paths.get_cache_dir", lambda: str(tmp_path / "home"))
    client.reset_cache_location()
    client.query_criteria(**GALEX)
    assert len(list((tmp_path / "home" / "astroquery" / "Observations").iterdir())) == 1
    assert asked(mast_sandbox) == 2


def test_clients_can_be_copied(client: ObservationsClass) -> None:
    """A copy keeps its answers in its own folder."""
    other = copy.copy(client)
    assert other.cache_location == client.cache_location


def test_the_ready_made_clients_keep_nothing(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Unless somebody switches it on."""
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
