"""Answers of the missions search kept on disk: whole ones only, and each for the one who asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astroquery import cache_conf
from astroquery.exceptions import MaxResultsWarning, RemoteServiceError
from kept_answers import asked, kept, same

from astroquery_mast import MastMissionsClass, conf
from astroquery_mast.sandbox import Fault, Sandbox

ACS: dict[str, Any] = {"sci_instrume": "ACS", "sci_pep_id": [10452, 10501], "limit": None}
MANY = SkyCoord([202.4696 + number / 1e4 for number in range(120)], [47.1953] * 120, unit="deg")


@pytest.fixture
def client(mast_sandbox: Sandbox, tmp_path: Path) -> Iterator[MastMissionsClass]:
    """Give a client that keeps its answers in a folder of the test."""
    found = MastMissionsClass()
    found.cache_location = tmp_path
    with conf.set_temp("cache", True):
        yield found


# -- whether ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.query_criteria(**ACS),
        lambda client: client.query_region("202.4696 47.1953", radius=2),
        lambda client: client.query_object("M51", radius=2, select_cols="sci_start_time", sort_by="sci_start_time"),
        lambda client: client.query_region(MANY[:3], radius=1, limit=None),
    ],
    ids=["criteria", "region", "object", "many"],
)
def test_a_question_is_sent_once(
    mast_sandbox: Sandbox, client: MastMissionsClass, ask: Callable[[MastMissionsClass], Table]
) -> None:
    """The second table is the first one, descriptions and all."""
    first, second = ask(client), ask(client)
    assert asked(mast_sandbox, "mission_search") == 1
    assert len(kept(client)) == 1
    assert len(first) > 0
    assert same(first, second)


def test_counts_are_kept_too(mast_sandbox: Sandbox, client: MastMissionsClass) -> None:
    """And they are not taken for tables, nor tables for them."""
    counts = [client.query_criteria(**ACS, count_only=True) for _ in range(2)]
    assert asked(mast_sandbox, "mission_search") == 1
    assert counts == [len(client.query_criteria(**ACS))] * 2


def test_each_call_may_say_otherwise(mast_sandbox: Sandbox, client: MastMissionsClass) -> None:
    """cache=False asks the archive; cache=True keeps, whatever the configuration says; neither is sent."""
    calls: list[Callable[..., Any]] = [
        lambda **how: client.query_criteria(**ACS, **how),
        lambda **how: client.query_region("202.4696 47.1953", radius=2, **how),
        lambda **how: client.query_object("M51", radius=2, count_only=True, **how),
    ]
    for call in calls:
        call()
        call(cache=False)
    assert asked(mast_sandbox, "mission_search") == 6
    for path in kept(client):
        path.unlink()
    with conf.set_temp("cache", False):
        for call in calls:
            call(cache=True)
            call(cache=True)
    assert not any("cache" in json.loads(record.body) for record in mast_sandbox.requests.of("mission_search"))
    assert asked(mast_sandbox, "mission_search") == 3
    with cache_conf.set_temp("cache_active", False):
        calls[0]()
    assert asked(mast_sandbox, "mission_search") == 1


def test_the_time_of_a_kept_answer_is_that_of_the_archive(
    mast_sandbox: Sandbox, client: MastMissionsClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meta does not claim that old values are of now, neither for datasets nor for products."""
    monkeypatch.setattr("astroquery_mast.service.cache.now_iso", lambda: "2026-01-02T03:04:05")
    datasets = client.query_criteria(**ACS)
    assert datasets.meta["time"] != ["2026-01-02T03:04:05"]
    client.get_product_list(datasets[3:4])
    assert client.query_criteria(**ACS).meta["time"] == ["2026-01-02T03:04:05"]
    # The first of two batches is new, and the second one is not.
    mixed = client.get_product_list(datasets[2:4], batch_size=1)
    assert mixed.meta["time"] == ["2026-01-02T03:04:05"]


# -- what is the same ------------------------------------------------------------------------------------------------


def test_a_question_in_other_words_is_the_same(mast_sandbox: Sandbox, client: MastMissionsClass) -> None:
    """Neither the order of criteria, nor that of values, nor the case of names makes a difference."""
    first = client.query_criteria(sci_instrume=["ACS", "WFC3"], sci_pep_id=[10452, 10501])
    client.query_criteria(sci_pep_id=[10501, 10452], sci_instrume=["WFC3", "ACS"])
    last = client.query_criteria(SCI_PEP_ID="10452,10501", Sci_Instrume="WFC3, ACS", mission="HST", timeout=50)
    assert asked(mast_sandbox, "mission_search") == 1
    assert first["sci_data_set_name"].tolist() == last["sci_data_set_name"].tolist()


@pytest.mark.parametrize(
    "other",
    [
        {"sci_pep_id": 10452},
        {"sci_pep_id": "!10452"},
        {"limit": 5000},
        {"offset": 1},
        {"sort_by": "sci_start_time"},
        {"select_cols": "sci_start_time"},
        {"coordinates": "202.47 47.2", "radius": 30},
        {"mission": "jwst", "sci_instrume": None, "sci_pep_id": None, "program": 1039},
    ],
    ids=str,
)
def test_another_question_is_another(mast_sandbox: Sandbox, client: MastMissionsClass, other: dict[str, Any]) -> None:
    """Whatever may change the answer makes another file."""
    client.query_criteria(**ACS)
    changed = {**ACS, **other}
    client.query_criteria(**{name: value for name, value in changed.items() if value is not None or name == "limit"})
    assert asked(mast_sandbox, "mission_search") == 2
    assert len(kept(client)) == 2


def test_the_order_of_columns_and_targets_is_that_of_the_call(mast_sandbox: Sandbox, client: MastMissionsClass) -> None:
    """What decides on the order of columns or rows is part of the question."""
    columns = ["sci_start_time", "sci_spec_1234"]
    tables = [client.query_criteria(**ACS, select_cols=names) for names in (columns, columns[::-1])]
    assert [table.colnames[:2] for table in tables] == [columns, columns[::-1]]
    client.query_region(MANY[[0, 119]], radius=1)
    client.query_region(MANY[[119, 0]], radius=1)
    assert asked(mast_sandbox, "mission_search") == 4


def test_part_of_an_answer_is_not_taken_for_all(mast_sandbox: Sandbox, client: MastMissionsClass) -> None:
    """The first five rows and all rows in pages of five may be asked for alike."""
    with conf.set_temp("pagesize", 5):
        with pytest.warns(MaxResultsWarning):
            assert len(client.query_criteria(**{**ACS, "limit": 5}, sort_by="sci_data_set_name")) == 5
        with pytest.warns(MaxResultsWarning):
            assert len(client.query_criteria(**{**ACS, "limit": 5}, sort_by="sci_data_set_name")) == 5
        assert asked(mast_sandbox, "mission_search") == 1
        assert len(client.query_criteria(**ACS, sort_by="sci_data_set_name")) > 5


def test_all_parts_are_in_one_file(mast_sandbox: Sandbox, client: MastMissionsClass) -> None:
    """Rows that were asked for in portions are kept together, and the responses tell what was asked for each."""
    with conf.set_temp("pagesize", 7):
        first = client.query_criteria(**ACS)
        sent = asked(mast_sandbox, "mission_search")
        assert sent == -(-len(first) // 7) > 2
        assert len(kept(client)) == 1
        assert same(first, client.query_criteria(**ACS))
        replies = client.query_criteria_async(**ACS)
    assert asked(mast_sandbox, "mission_search") == 0
    assert [json.loads(reply.request.body)["offset"] for reply in replies] == list(range(0, len(first), 7))
    assert sum(len(reply.json()["results"]) for reply in replies) == len(first)


def test_more_targets_than_one_question_takes(mast_sandbox: Sandbox, client: MastMissionsClass) -> None:
    """Each question of a call has a file of its own."""
    first = client.query_region(MANY, radius=0.1, limit=None)
    assert asked(mast_sandbox, "mission_search") == len(kept(client)) == 2
    assert same(first, client.query_region(MANY, radius=0.1, limit=None))
    assert asked(mast_sandbox, "mission_search") == 0


def test_products_are_kept_batch_by_batch(mast_sandbox: Sandbox, client: MastMissionsClass) -> None:
    """Lists of products follow the configuration, as those of observations."""
    datasets = client.query_criteria(**ACS)[:4]
    first = client.get_product_list(datasets, batch_size=2)
    second = client.get_product_list(datasets, batch_size=2)
    assert asked(mast_sandbox, "mission_products") == 2
    assert same(first, second)


# -- only if complete ------------------------------------------------------------------------------------------------


def lose_a_row(document: dict[str, Any]) -> dict[str, Any]:
    """Leave a row out."""
    return {**document, "results": document["results"][:-1]}


def no_total(document: dict[str, Any]) -> dict[str, Any]:
    """Do not tell how many rows there are."""
    return {**document, "totalResults": None}


FAILURES = [
    Fault.garbage(),
    Fault.truncate_json(),
    Fault.status(500),
    Fault.reset(),
    Fault.answer('{"status": "ERROR", "msg": "no"}'),
    Fault.answer('{"status": "EXECUTING"}'),
    Fault.edit(lose_a_row),
]


@pytest.mark.parametrize("fault", [*FAILURES, Fault.edit(no_total)], ids=repr)
def test_a_failure_is_not_kept(mast_sandbox: Sandbox, client: MastMissionsClass, fault: Fault) -> None:
    """Nothing that is no answer, or not all of it, is there the next time."""
    mast_sandbox.faults.add("mission_search", fault, times=int(conf.max_attempts))
    with pytest.raises(RemoteServiceError):
        client.query_criteria(**ACS)
    assert kept(client) == []
    mast_sandbox.faults.clear()
    assert len(client.query_criteria(**ACS)) > 0
    assert len(kept(client)) == 1


@pytest.mark.parametrize("fault", [*FAILURES, Fault.edit(lambda found: no_total(lose_a_row(found)))], ids=repr)
def test_a_failure_of_a_later_part_is_not_kept(mast_sandbox: Sandbox, client: MastMissionsClass, fault: Fault) -> None:
    """Parts that came before it are not, either."""
    mast_sandbox.faults.add(
        "mission_search", fault, times=None, where=lambda record: json.loads(record.body)["offset"] == 14
    )
    with conf.set_temp("pagesize", 7), pytest.raises(RemoteServiceError):
        client.query_criteria(**ACS)
    assert kept(client) == []


def test_what_may_be_a_part_is_not_kept(mast_sandbox: Sandbox, client: MastMissionsClass) -> None:
    """Without a count of the rows nobody knows whether all have come."""
    for _ in range(2):
        assert len(client.query_region("202.4696 47.1953", radius=2, skip_count=True)) > 0
    assert asked(mast_sandbox, "mission_search") == 2
    mast_sandbox.faults.add("mission_search", Fault.edit(no_total))
    client.query_criteria_async(**{**ACS, "limit": 5000})
    assert kept(client) == []


def test_a_second_try_is_kept(mast_sandbox: Sandbox, client: MastMissionsClass) -> None:
    """What came in the end is whole."""
    mast_sandbox.faults.add("mission_search", Fault.truncate_json(), times=1)
    first = client.query_criteria(**ACS)
    assert asked(mast_sandbox, "mission_search") == 2
    assert same(first, client.query_criteria(**ACS))
    assert asked(mast_sandbox, "mission_search") == 0


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_damaged_file_is_as_good_as_none(mast_sandbox: Sandbox, client: MastMissionsClass, place: float) -> None:
    """Wherever the damage is: nothing of it is used, and it is replaced."""
    with conf.set_temp("pagesize", 7):
        whole = client.query_criteria(**ACS)
        (path,) = kept(client)
        damaged = bytearray(path.read_bytes())
        at = int(len(damaged) * place)
        damaged[at : at + 40] = bytes(byte ^ 0x5A for byte in damaged[at : at + 40])
        path.write_bytes(damaged)
        sent = asked(mast_sandbox, "mission_search")
        assert same(whole, client.query_criteria(**ACS))
        assert asked(mast_sandbox, "mission_search") == sent
        assert same(whole, client.query_criteria(**ACS))
        assert asked(mast_sandbox, "mission_search") == 0
