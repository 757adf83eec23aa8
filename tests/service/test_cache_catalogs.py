"""Answers of catalogs kept on disk, those of Mashup and those of Catalogs.MAST, for one position or many."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astroquery.exceptions import MaxResultsWarning, NoResultsWarning, RemoteServiceError
from kept_answers import kept

from astroquery_mast import CatalogsClass, conf
from astroquery_mast.sandbox import Fault, Sandbox

M51 = SkyCoord(202.469575, 47.195258, unit="deg")
PAIR = SkyCoord([202.469575, 202.6], [47.195258, 47.2], unit="deg")
MEAN = "https://catalogs.mast.stsci.edu/api/v0.1/panstarrs/dr2/mean.json"
STARS: dict[str, Any] = {"coordinates": M51, "catalog": "Panstarrs", "radius": 0.05}

Call = Callable[..., Any]


@pytest.fixture
def client(tmp_path: Path) -> CatalogsClass:
    """Give a client whose answers go to a folder of the test."""
    found = CatalogsClass()
    found.cache_location = tmp_path
    return found


@pytest.fixture
def keeping(mast_sandbox: Sandbox, client: CatalogsClass) -> Iterator[CatalogsClass]:
    """Give a client that keeps its answers."""
    with conf.set_temp("cache", True):
        yield client


def asked(sandbox: Sandbox) -> int:
    """Return how many questions were sent since the last call."""
    number = len(sandbox.requests.of("invoke")) + len(posts(sandbox))
    sandbox.requests.clear()
    return number


def posts(sandbox: Sandbox) -> list[Any]:
    """Return the questions to Catalogs.MAST that are none after its columns."""
    return [record for record in sandbox.requests.of("catalogs") if not record.path.endswith("metadata.json")]


def same(first: Any, second: Any) -> bool:
    """Return whether two answers are equal; of tables also what they say of themselves, but for the time."""
    if not isinstance(first, Table):
        return bool(first == second)
    about = [{name: value for name, value in table.meta.items() if name != "time"} for table in (first, second)]
    return about[0] == about[1] and all(
        first[name].tolist() == second[name].tolist() and first[name].unit == second[name].unit
        for name in first.colnames
    )


# -- every method ----------------------------------------------------------------------------------------------------


def counts(client: CatalogsClass, **how: Any) -> list[int]:
    """Return the counts around two positions."""
    return client.query_criteria_count("TIC", coordinates=PAIR, radius=0.1, Tmag=[0, 14], **how)["count"].tolist()


CALLS: dict[str, tuple[Call, int]] = {
    "region": (lambda client, **how: client.query_region(M51, catalog="TIC", radius=0.05, **how), 1),
    "object": (lambda client, **how: client.query_object("M51", catalog="Gaia", radius=0.05, **how), 1),
    "criteria": (lambda client, **how: client.query_criteria("TIC", coordinates=M51, Tmag=[0, 14], **how), 1),
    "count": (lambda client, **how: client.query_criteria_count("TIC", coordinates=M51, Tmag=[0, 14], **how), 1),
    "stars": (lambda client, **how: client.query_region(**STARS, **how), 1),
    "stars by criteria": (lambda client, **how: client.query_criteria(**STARS, nDetections=">2", **how), 1),
    "spectra": (lambda client, **how: client.get_hsc_spectra(**how), 1),
    "many": (lambda client, **how: client.query_region(PAIR, catalog="TIC", radius=0.05, **how), 2),
    "many counts": (counts, 2),
    "many stars": (lambda client, **how: client.query_region(**{**STARS, "coordinates": PAIR}, **how), 2),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_question_is_sent_once(mast_sandbox: Sandbox, keeping: CatalogsClass, name: str) -> None:
    """The second answer is that of the first, for every method and both kinds of service."""
    call, questions = CALLS[name]
    first, second = call(keeping), call(keeping)
    assert asked(mast_sandbox) == len(kept(keeping)) == questions
    assert same(first, second)


@pytest.mark.parametrize("name", CALLS)
def test_each_call_may_say_otherwise(mast_sandbox: Sandbox, client: CatalogsClass, name: str) -> None:
    """Off by default; cache=True keeps whatever the configuration says, and cache=False asks the archive."""
    call, questions = CALLS[name]
    call(client)
    call(client)
    assert kept(client) == []
    assert asked(mast_sandbox) == 2 * questions
    call(client, cache=True)
    call(client, cache=True)
    assert asked(mast_sandbox) == questions
    with conf.set_temp("cache", True):
        call(client, cache=False)
    assert asked(mast_sandbox) == questions


def test_the_keyword_is_not_sent(mast_sandbox: Sandbox, client: CatalogsClass) -> None:
    """Neither is it in the payload that a user looks at."""
    for payload in (
        client.query_region(**STARS, cache=True, get_query_payload=True),
        client.query_region(M51, catalog="TIC", cache=True, get_query_payload=True),
    ):
        assert "cache" not in json.dumps(payload)
    client.query_region(**STARS, cache=True)
    assert "cache" not in json.loads(posts(mast_sandbox)[0].body)


@pytest.mark.parametrize(
    "other",
    [
        {"radius": 0.06},
        {"table": "stack"},
        {"data_release": "dr1"},
        {"nDetections": ">2"},
        {"columns": ["objID"]},
        {"sort_by": "distance"},
        {"sort_by": "desc.distance"},
        {"pagesize": 4000},
        {"page": 1},
    ],
    ids=str,
)
def test_another_question_is_another(mast_sandbox: Sandbox, keeping: CatalogsClass, other: dict[str, Any]) -> None:
    """Whatever may change the answer makes another file."""
    keeping.query_region(**STARS)
    keeping.query_region(**{**STARS, **other})
    assert asked(mast_sandbox) == len(kept(keeping)) == 2


def test_a_question_in_other_words_is_the_same(mast_sandbox: Sandbox, keeping: CatalogsClass) -> None:
    """Neither the order of criteria nor that of alternatives makes a difference; that of columns does."""
    criteria: dict[str, Any] = {**STARS, "ng": [9, 10, 11], "nDetections": ">2"}
    keeping.query_criteria(**criteria)
    keeping.query_criteria(**{**dict(reversed(criteria.items())), "ng": [11, 9, 10]})
    assert asked(mast_sandbox) == 1
    columns = ["objID", "raMean", "decMean"]
    tables = [keeping.query_region(**STARS, columns=names) for names in (columns, columns[::-1])]
    assert [table.colnames[:3] for table in tables] == [columns, columns[::-1]]


# -- only if complete ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [Fault.garbage(), Fault.truncate_json(), Fault.status(500), Fault.answer('{"status": "EXECUTING"}')],
    ids=repr,
)
def test_a_failure_is_not_kept(mast_sandbox: Sandbox, keeping: CatalogsClass, fault: Fault) -> None:
    """Nothing that is no answer is there the next time."""
    mast_sandbox.faults.add("catalogs", fault, times=int(conf.max_attempts))
    with pytest.raises(RemoteServiceError):
        keeping.query_region(**STARS)
    assert kept(keeping) == []
    mast_sandbox.faults.clear()
    assert len(keeping.query_region(**STARS)) > 0
    assert len(kept(keeping)) == 1


@pytest.fixture
def archive() -> Iterator[responses.RequestsMock]:
    """The real address, answered from memory, by what keeps answers."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock, conf.set_temp("cache", True):
        yield mock


def stars(archive: responses.RequestsMock, count: int, bad: int | None = None, pages: bool = True) -> list[int]:
    """Let Pan-STARRS answer with that many rows, but not on a bad page; return the pages that are asked for."""
    seen: list[int] = []

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        body = json.loads(request.body or b"")
        seen.append(body["page"])
        if body["page"] == bad:
            return 200, {}, '{"info": [{"na'
        size, page = body["pagesize"], body["page"] if pages else 1
        rows = [[str(n)] for n in range(count)][(page - 1) * size : page * size]
        return 200, {}, json.dumps({"info": [{"name": "objID", "type": "long"}], "data": rows})

    archive.add_callback(responses.POST, MEAN, answer)
    return seen


def test_all_pages_are_in_one_file(archive: responses.RequestsMock, client: CatalogsClass) -> None:
    """Also if the last page is full, so that an empty one comes after it."""
    for count, pages in (25, 3), (20, 3):
        archive.reset()
        client.clear_cache()
        seen = stars(archive, count)
        with conf.set_temp("pagesize", 10):
            first = client.query_region(**STARS)
            assert len(kept(client)) == 1
            second = client.query_region(**STARS)
        assert seen == list(range(1, pages + 1))
        assert first["objID"].tolist() == second["objID"].tolist() == list(range(count))


def test_an_answer_of_which_a_page_fails_is_not_kept(archive: responses.RequestsMock, client: CatalogsClass) -> None:
    """The pages before it are not, either."""
    stars(archive, 25, bad=3)
    with conf.set_temp("pagesize", 10), pytest.raises(RemoteServiceError):
        client.query_region(**STARS)
    assert kept(client) == []


def test_what_may_be_a_part_is_not_kept(archive: responses.RequestsMock, client: CatalogsClass) -> None:
    """A page that came twice leaves open whether there are more rows, which is told each time."""
    seen = stars(archive, 30, pages=False)
    for _ in range(2):
        with conf.set_temp("pagesize", 10), pytest.warns(MaxResultsWarning, match="page 1 once more as page 2"):
            assert len(client.query_region(**STARS)) == 10
    assert seen == [1, 2, 1, 2]
    assert kept(client) == []


def test_limits_are_told_of_kept_answers_too(archive: responses.RequestsMock, client: CatalogsClass) -> None:
    """The first rows are an answer to who wants no more, with the same warning; so is a single page."""
    seen = stars(archive, 25)
    for _ in range(2):
        with pytest.warns(MaxResultsWarning, match="pagesize=15"):
            assert len(client.query_region(**STARS, pagesize=15)) == 15
        assert client.query_region(**STARS, pagesize=10, page=3)["objID"].tolist() == list(range(20, 25))
        with conf.set_temp("pagesize", 10), pytest.warns(MaxResultsWarning, match="more than the 10 rows"):
            assert len(client.query_region_async(**STARS).json()["data"]) == 10
    assert seen == [1, 3, 1]


def test_the_first_page_is_not_taken_for_all(archive: responses.RequestsMock, client: CatalogsClass) -> None:
    """The response to one page and the table of all pages may be asked for alike."""
    stars(archive, 25)
    with conf.set_temp("pagesize", 10):
        with pytest.warns(MaxResultsWarning):
            client.query_region_async(**STARS)
        assert len(client.query_region(**STARS)) == 25


def test_nothing_is_an_answer(archive: responses.RequestsMock, client: CatalogsClass) -> None:
    """That there are no rows is told each time, and asked for once."""
    seen = stars(archive, 0)
    for _ in range(2):
        with pytest.warns(NoResultsWarning):
            assert client.query_region(**STARS).colnames == ["objID"]
    assert seen == [1]
