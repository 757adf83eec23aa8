"""Answers kept on disk are whole: nothing else is written, and what is damaged is not read."""

from __future__ import annotations

import os
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table
from astroquery.exceptions import RemoteServiceError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kept_answers import asked, kept, same

from astroquery_mast import ObservationsClass, conf
from astroquery_mast.sandbox import Fault, Sandbox

GALEX: dict[str, Any] = {"obs_collection": "GALEX", "columns": ["t_min", "obs_id"]}


@pytest.fixture
def client(mast_sandbox: Sandbox, tmp_path: Path) -> Iterator[ObservationsClass]:
    """Give a client that keeps its answers in a folder of the test."""
    found = ObservationsClass()
    found.cache_location = tmp_path
    with conf.set_temp("cache", True):
        yield found


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.list_values("filters"),
        lambda client: client.list_values("filters", obs_collection="JWST"),
        lambda client: client.list_columns(),
        lambda client: client.query_region_count(["202.47 47.2", "10 20"], radius=0.01),
        lambda client: client.query_region_count(["202.47 47.2", "10 20"], radius=0.01, overlap="center"),
        lambda client: client.get_product_list("24000000", verbose=False),
        lambda client: client.crossmatch(["202.47 47.2"], verbose=False),
    ],
    ids=["values", "values of a part", "columns", "counts", "counts of centers", "products", "cross-match"],
)
def test_tables_tell_the_time_of_kept_answers(
    mast_sandbox: Sandbox, client: ObservationsClass, monkeypatch: pytest.MonkeyPatch, ask: Callable[..., Table]
) -> None:
    """Also those that are computed here do not claim that old answers are of now."""
    monkeypatch.setattr("astroquery_mast.service.cache.now_iso", lambda: "2026-01-02T03:04:05")
    assert ask(client).meta["time"] != ["2026-01-02T03:04:05"]
    sent = len(mast_sandbox.requests.of("invoke"))
    assert ask(client).meta["time"] == ["2026-01-02T03:04:05"]
    assert len(mast_sandbox.requests.of("invoke")) == sent


def test_a_failure_is_not_kept(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """Neither an ERROR nor an answer that cannot be read is there the next time."""
    for fault in Fault.error("Out of order."), Fault.garbage(), Fault.status(500):
        mast_sandbox.faults.add("invoke", fault, times=int(conf.max_attempts))
        with pytest.raises(RemoteServiceError):
            client.query_criteria(**GALEX)
        mast_sandbox.faults.clear()
        assert kept(client) == []
    assert len(client.query_criteria(**GALEX)) == 248


def test_an_answer_in_the_making_is_not_kept(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """EXECUTING is no answer."""
    mast_sandbox.faults.add("invoke", Fault.executing(), times=2)
    assert len(client.query_criteria(**GALEX)) == 248
    assert len(client.query_criteria(**GALEX)) == 248
    assert asked(mast_sandbox) == 3


def test_an_incomplete_answer_is_not_kept(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """A page that fails, or rows that are missing, leave nothing behind."""

    def lose_a_row(answer: dict[str, Any]) -> dict[str, Any]:
        answer["data"].pop()
        answer["paging"]["rows"] -= 1
        return answer

    for fault in Fault.edit(lose_a_row), Fault.error("Out of order."):
        mast_sandbox.faults.add("invoke", fault, where=lambda record: record.mashup["page"] == 3)
        with pytest.raises(RemoteServiceError):
            client.query_criteria(**GALEX, pagesize=50)
        assert kept(client) == []


def test_a_stream_that_is_closed_early_is_not_kept(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """What nobody has read is not known to be complete."""
    tables = client.query_criteria_iter(**GALEX, pagesize=50)
    next(tables)
    assert len(kept(client)) == 1
    tables.close()
    assert kept(client) == []


@pytest.mark.parametrize("size", [0, 1, 100, -30])
def test_a_file_that_is_cut_is_as_good_as_none(mast_sandbox: Sandbox, client: ObservationsClass, size: int) -> None:
    """It is passed over, and replaced."""
    whole = client.query_criteria(**GALEX, pagesize=100)
    (path,) = kept(client)
    path.write_bytes(path.read_bytes()[:size])
    assert asked(mast_sandbox) == 3
    assert len(client.query_criteria(**GALEX, pagesize=100)) == len(whole)
    assert asked(mast_sandbox) == 3
    assert len(client.query_criteria(**GALEX, pagesize=100)) == len(whole)
    assert asked(mast_sandbox) == 0


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_damaged_file_is_as_good_as_none(mast_sandbox: Sandbox, client: ObservationsClass, place: float) -> None:
    """Wherever the damage is, also on a later page: nothing of it is used."""
    whole = client.query_criteria(**GALEX, pagesize=100)
    (path,) = kept(client)
    damaged = bytearray(path.read_bytes())
    at = int(len(damaged) * place)
    damaged[at : at + 40] = bytes(byte ^ 0x5A for byte in damaged[at : at + 40])
    path.write_bytes(damaged)
    asked(mast_sandbox)
    again = client.query_criteria(**GALEX, pagesize=100)
    assert asked(mast_sandbox) == 3
    assert list(again["obsid"]) == list(whole["obsid"])


def test_a_file_that_lacks_a_page_is_as_good_as_none(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """A sound archive of another content is not taken for an answer."""
    client.query_criteria(**GALEX, pagesize=100)
    (path,) = kept(client)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for gone in members:
        with zipfile.ZipFile(path, "w") as archive:
            for name in members.keys() - {gone}:
                archive.writestr(name, members[name])
        asked(mast_sandbox)
        assert len(client.query_criteria(**GALEX, pagesize=100)) == 248
        assert asked(mast_sandbox) == 3


def test_a_folder_that_cannot_be_written_costs_no_query(
    mast_sandbox: Sandbox, client: ObservationsClass, tmp_path: Path
) -> None:
    """Not keeping an answer is no reason to have none."""
    (tmp_path / "file").write_text("no folder")
    client.cache_location = tmp_path / "file" / "below"
    assert len(client.query_criteria(**GALEX)) == 248
    client.cache_location = tmp_path / "folder"
    client.query_criteria(**GALEX)
    (path,) = kept(client)
    path.unlink()
    (path / "taken").mkdir(parents=True)  # a folder has the place of the file
    assert len(client.query_criteria(**GALEX)) == 248
    assert kept(client) == [path]


def test_threads_share_a_folder(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """The same and other questions, at the same time: each gets its own answer, and each file is whole."""
    collections = ["GALEX", "FUSE", "K2", "Kepler", "PS1", "SWIFT", "IUE", "HLA"]
    with conf.set_temp("cache", False):
        expected = {name: client.query_criteria_count(obs_collection=name) for name in collections}
    barrier = threading.Barrier(8)

    def ask(place: int) -> list[int]:
        barrier.wait(30)
        return [len(client.query_criteria(obs_collection=collections[(place + n) % 8], pagesize=20)) for n in range(8)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    for place, lengths in enumerate(found):
        assert lengths == [expected[collections[(place + n) % 8]] for n in range(8)]
    assert len(kept(client)) == 8
    asked(mast_sandbox)
    assert ask_all(client, collections) == list(expected.values())
    assert asked(mast_sandbox) == 0


def ask_all(client: ObservationsClass, collections: list[str]) -> list[int]:
    """Return the number of rows of each collection."""
    return [len(client.query_criteria(obs_collection=name, pagesize=20)) for name in collections]


def test_a_large_result_is_kept(mast_sandbox: Sandbox, client: ObservationsClass) -> None:
    """A result that was split is there the next time, and nothing is asked."""
    with Sandbox(row_limit=100, cuts=True) as small, conf.set_temp("server_row_limit", 100):
        first = client.query_criteria(**GALEX)
        assert asked(small) > 4
        second = client.query_criteria(**GALEX)
        assert asked(small) == 0
    assert len(first) == 248
    assert same(first, second)


# -- files that nobody has written in good faith -------------------------------------------------------------------

ABOUTS = [
    "[]",
    "null",
    "5",
    '"text"',
    '{"time": "t", "pages": null, "total": null}',
    '{"time": "t", "pages": [1], "total": null}',
    '{"time": "t", "pages": 1e999, "total": null}',
    '{"time": "t", "pages": 1000000000, "total": null}',
    '{"time": "t", "pages": 1.5, "total": null}',
    "[" * 100_000,
]


@pytest.mark.parametrize("about", ABOUTS, ids=lambda text: text[:45])
def test_any_document_about_an_answer_is_as_good_as_none(
    mast_sandbox: Sandbox, client: ObservationsClass, about: str
) -> None:
    """A file whose contents are not what was written is passed over, and asked for anew."""
    whole = client.query_criteria(**GALEX)
    (path,) = kept(client)
    with zipfile.ZipFile(path) as archive:
        page = archive.read("0")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0", page)
        archive.writestr("answer.json", about)
    mast_sandbox.requests.clear()
    assert len(client.query_criteria(**GALEX)) == len(whole)
    assert asked(mast_sandbox) == 1


def test_a_page_that_is_still_in_the_making_is_as_good_as_none(
    mast_sandbox: Sandbox, client: ObservationsClass
) -> None:
    """EXECUTING in a kept file is not waited for."""
    client.query_criteria(**GALEX)
    (path,) = kept(client)
    with zipfile.ZipFile(path) as archive:
        about = archive.read("answer.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0", '{"status": "EXECUTING"}')
        archive.writestr("answer.json", about)
    mast_sandbox.requests.clear()
    assert len(client.query_criteria(**GALEX)) == 248
    assert asked(mast_sandbox) == 1


@given(place=st.integers(0, 100_000), change=st.binary(min_size=1, max_size=4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_gives_the_right_rows(
    mast_sandbox: Sandbox, client: ObservationsClass, place: int, change: bytes
) -> None:
    """Bytes changed anywhere in a kept file never lead to other rows, or to an exception."""
    client.query_criteria(**GALEX)
    (path,) = kept(client)
    content = bytearray(path.read_bytes())
    start = place % len(content)
    content[start : start + len(change)] = change
    path.write_bytes(bytes(content))
    assert len(client.query_criteria(**GALEX)) == 248


@pytest.mark.parametrize("years", [10, 0.01])
def test_an_answer_of_the_future_is_not_used(mast_sandbox: Sandbox, client: ObservationsClass, years: float) -> None:
    """A clock that was wrong once does not keep an answer for years."""
    client.query_criteria(**GALEX)
    (path,) = kept(client)
    later = time.time() + years * 365 * 86400
    os.utime(path, (later, later))
    mast_sandbox.requests.clear()
    assert len(client.query_criteria(**GALEX)) == 248
    assert asked(mast_sandbox) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owners there")
def test_an_answer_of_another_user_is_not_believed(
    mast_sandbox: Sandbox, client: ObservationsClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody else has put into a shared folder is asked for anew."""
    client.query_criteria(**GALEX)
    (path,) = kept(client)
    if os.geteuid() == 0:
        os.chown(path, 65534, -1)
    else:
        user = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    mast_sandbox.requests.clear()
    assert len(client.query_criteria(**GALEX)) == 248
    assert asked(mast_sandbox) == 1
