"""Which query uses which cached response: only an equal query of the same user, with the same warnings."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses
from astropy.table import Table
from astroquery.exceptions import MaxResultsWarning, NoResultsWarning
from kept_answers import ACS, GALEX, KINDS, MANY, STARS, Kind, asked, kept

from astroquery_mast import CatalogsClass, MastClass, MastMissionsClass, ObservationsClass, conf
from astroquery_mast.sandbox import Sandbox

Maker = Callable[[type[MastClass]], Any]
MEAN = "https://catalogs.mast.stsci.edu/api/v0.1/panstarrs/dr2/mean.json"
HST: dict[str, Any] = {"obs_collection": "HST", "calib_level": [2, 3], "instrument_name": ["ACS/WFC", "ACS/SBC"]}


@pytest.mark.parametrize(
    ("client", "key", "questions"),
    [
        (
            ObservationsClass,
            "obsid",
            [
                {**HST, "columns": "*"},
                {"Instrument_name": {"ACS/SBC", "ACS/WFC"}, "CALIB_LEVEL": [3, 2], "obs_collection": "HST"},
                {**HST, "calib_level": (3, 2), "obs_collection": ["HST"], "timeout": 9},
            ],
        ),
        (
            CatalogsClass,
            "objID",
            [
                {**STARS, "ng": [9, 10, 11], "nDetections": ">2"},
                {"nDetections": ">2", "ng": [11, 9, 10], **STARS},
            ],
        ),
        (
            MastMissionsClass,
            "sci_data_set_name",
            [
                {"sci_instrume": ["ACS", "WFC3"], "sci_pep_id": [10452, 10501]},
                {"sci_pep_id": [10501, 10452], "sci_instrume": ["WFC3", "ACS"]},
                {"SCI_PEP_ID": "10452,10501", "Sci_Instrume": "WFC3, ACS", "mission": "HST", "timeout": 50},
            ],
        ),
    ],
)
def test_equivalent_queries_share_a_response(
    mast_sandbox: Sandbox, in_folder: Maker, client: type[MastClass], key: str, questions: list[dict[str, Any]]
) -> None:
    """The order of criteria and of values and the case of names do not matter."""
    keeping = in_folder(client)
    tables = [keeping.query_criteria(**question, cache=True) for question in questions]
    assert asked(mast_sandbox) == 1
    assert len(tables[0])
    assert all(table[key].tolist() == tables[0][key].tolist() for table in tables)


CHANGES: dict[str, list[dict[str, Any]]] = {
    "observations": [
        {"obs_collection": "FUSE"},
        {"calib_level": 2},
        {"columns": ["obs_id", "t_min"]},
        {"pagesize": 300},
        {"page": 1},
        {"coordinates": "10 10", "radius": 90},
    ],
    "Catalogs.MAST": [
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
    "mission": [
        {"sci_pep_id": 10452},
        {"sci_pep_id": "!10452"},
        {"limit": 5000},
        {"offset": 1},
        {"sort_by": "sci_start_time"},
        {"select_cols": "sci_start_time"},
        {"coordinates": "202.47 47.2", "radius": 30},
        {"mission": "jwst", "sci_instrume": None, "sci_pep_id": None, "program": 1039},
    ],
}


@pytest.mark.parametrize(("name", "other"), [(name, other) for name in CHANGES for other in CHANGES[name]], ids=str)
def test_different_queries_do_not_share_a_response(
    mast_sandbox: Sandbox, in_folder: Maker, name: str, other: dict[str, Any]
) -> None:
    """Each property that may change the response leads to another file."""
    kind = KINDS[name]
    client = in_folder(kind.client)
    with conf.set_temp("cache", True):
        kind.ask(client)
        kind.ask(client, **other)
    assert asked(mast_sandbox) == len(kept(client)) == 2


@pytest.mark.parametrize(
    ("name", "argument", "columns"),
    [
        ("Catalogs.MAST", "columns", ["objID", "raMean", "decMean"]),
        ("mission", "select_cols", ["sci_start_time", "sci_spec_1234"]),
    ],
)
def test_the_order_of_columns_is_part_of_the_query(
    mast_sandbox: Sandbox, in_folder: Maker, name: str, argument: str, columns: list[str]
) -> None:
    """The properties that determine the order of columns are part of the query."""
    client = in_folder(KINDS[name].client)
    with conf.set_temp("cache", True):
        tables = [KINDS[name].ask(client, **{argument: names}) for names in (columns, columns[::-1])]
    assert [table.colnames[: len(columns)] for table in tables] == [columns, columns[::-1]]
    assert asked(mast_sandbox) == 2


def test_the_order_of_targets_is_part_of_the_query(mast_sandbox: Sandbox, in_folder: Maker) -> None:
    """The properties that determine the order of rows are part of the query."""
    client = in_folder(MastMissionsClass)
    for places in ([0, 119], [119, 0]):
        client.query_region(MANY[places], radius=1, cache=True)
    assert asked(mast_sandbox) == 2


def test_cached_counts_are_not_used_for_tables(mast_sandbox: Sandbox, in_folder: Maker) -> None:
    """A cached count is not used for a table, nor a table for a count."""
    client = in_folder(MastMissionsClass)
    with conf.set_temp("cache", True):
        counts = [client.query_criteria(**ACS, count_only=True) for _ in range(2)]
        assert asked(mast_sandbox) == 1
        assert counts == [len(client.query_criteria(**ACS))] * 2


def test_a_cached_part_is_not_used_for_all_rows(mast_sandbox: Sandbox, in_folder: Maker) -> None:
    """The requests for the first five rows and for all rows in pages of five may be equal."""
    client = in_folder(MastMissionsClass)
    with conf.set_temp("cache", True), conf.set_temp("pagesize", 5):
        for _ in range(2):
            with pytest.warns(MaxResultsWarning):
                assert len(client.query_criteria(**{**ACS, "limit": 5}, sort_by="sci_data_set_name")) == 5
        assert asked(mast_sandbox) == 1
        assert len(client.query_criteria(**ACS, sort_by="sci_data_set_name")) > 5


# -- whose -----------------------------------------------------------------------------------------------------------


def test_servers_do_not_share_responses(mast_sandbox: Sandbox, kind: Kind, keeping: MastClass) -> None:
    """Responses of a test server are not used for MAST."""
    kind.ask(keeping)
    with Sandbox() as other:
        kind.ask(keeping)
        assert asked(other) == 1


def test_users_do_not_share_responses(mast_sandbox: Sandbox, kind: Kind, keeping: MastClass) -> None:
    """A user's responses are not used for others or without a login; no token is stored; only the owner has access."""
    kind.ask(keeping)
    for token in mast_sandbox.token, mast_sandbox.outsider_token:
        keeping.login(token)
        kind.ask(keeping)
        kind.ask(keeping)
    keeping.logout()
    kind.ask(keeping)
    assert asked(mast_sandbox) == 3
    assert len(kept(keeping)) == 3
    for path in kept(keeping):
        with zipfile.ZipFile(path) as archive:
            texts = [archive.read(name) for name in archive.namelist()]
        for text in (path.read_bytes(), path.name.encode(), *texts):
            assert mast_sandbox.token.encode() not in text
            assert mast_sandbox.outsider_token.encode() not in text
        if os.name == "posix":
            assert path.stat().st_mode & 0o077 == 0


# -- what is said of it ----------------------------------------------------------------------------------------------


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Change the time of all cached responses to another day; return the time that tables must have."""
    monkeypatch.setattr("astroquery_mast.service.cache.now_iso", lambda: "2026-01-02T03:04:05")
    return ["2026-01-02T03:04:05"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.query_criteria(**GALEX, pagesize=100),
        lambda client: client.list_values("filters"),
        lambda client: client.list_values("filters", obs_collection="JWST"),
        lambda client: client.list_columns(),
        lambda client: client.query_region_count(["202.47 47.2", "10 20"], radius=0.01),
        lambda client: client.query_region_count(["202.47 47.2", "10 20"], radius=0.01, overlap="center"),
        lambda client: client.get_product_list("24000000", verbose=False),
        lambda client: client.crossmatch(["202.47 47.2"], verbose=False),
    ],
    ids=["pages", "values", "values of a part", "columns", "counts", "counts of centers", "products", "cross-match"],
)
def test_tables_have_the_time_of_the_cached_response(
    mast_sandbox: Sandbox, observations: ObservationsClass, old: list[str], ask: Callable[..., Table]
) -> None:
    """``meta["time"]`` of old values is not the current time, also for tables that are computed by the package."""
    assert ask(observations).meta["time"] != old
    asked(mast_sandbox)
    assert ask(observations).meta["time"] == old
    assert asked(mast_sandbox) == 0


def test_a_list_of_products_is_as_old_as_its_oldest_batch(
    mast_sandbox: Sandbox, in_folder: Maker, old: list[str]
) -> None:
    """Datasets and products of a mission have the time of the response, too."""
    client = in_folder(MastMissionsClass)
    with conf.set_temp("cache", True):
        datasets = client.query_criteria(**ACS)
        assert datasets.meta["time"] != old
        client.get_product_list(datasets[3:4])
        assert client.query_criteria(**ACS).meta["time"] == old
        # The first of two batches is new, the second one is not.
        mixed = client.get_product_list(datasets[2:4], batch_size=1)
    assert mixed.meta["time"] == old


# -- of a service that does not count --------------------------------------------------------------------------------


@pytest.fixture
def archive() -> Iterator[responses.RequestsMock]:
    """Replace the server by responses from memory, for clients that cache."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock, conf.set_temp("cache", True):
        yield mock


@pytest.fixture
def client(in_folder: Maker) -> Any:
    """Return a client that caches its responses in a folder of the test."""
    return in_folder(CatalogsClass)


def stars(archive: responses.RequestsMock, count: int, pages: bool = True) -> list[int]:
    """Let Pan-STARRS return that many rows; return the pages that are requested."""
    seen: list[int] = []

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        body = json.loads(request.body or b"")
        seen.append(body["page"])
        size, page = body["pagesize"], body["page"] if pages else 1
        rows = [[str(n)] for n in range(count)][(page - 1) * size : page * size]
        return 200, {}, json.dumps({"info": [{"name": "objID", "type": "long"}], "data": rows})

    archive.add_callback(responses.POST, MEAN, answer)
    return seen


def test_all_pages_of_catalogs_are_in_one_file(archive: responses.RequestsMock, client: Any) -> None:
    """The empty page that follows a full last page is in the file, too."""
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


def test_possibly_incomplete_responses_are_not_cached(archive: responses.RequestsMock, client: Any) -> None:
    """If a page is repeated, there may be more rows, which is reported each time."""
    seen = stars(archive, 30, pages=False)
    for _ in range(2):
        with conf.set_temp("pagesize", 10), pytest.warns(MaxResultsWarning, match="returned page 1 again as page 2"):
            assert len(client.query_region(**STARS)) == 10
    assert seen == [1, 2, 1, 2]
    assert kept(client) == []


def test_cached_responses_warn_about_limits(archive: responses.RequestsMock, client: Any) -> None:
    """The first rows are cached for queries with the same limit, with the same warning; so is a single page."""
    seen = stars(archive, 25)
    for _ in range(2):
        with pytest.warns(MaxResultsWarning, match="pagesize=15"):
            assert len(client.query_region(**STARS, pagesize=15)) == 15
        assert client.query_region(**STARS, pagesize=10, page=3)["objID"].tolist() == list(range(20, 25))
        with conf.set_temp("pagesize", 10), pytest.warns(MaxResultsWarning, match="more than the 10 rows"):
            assert len(client.query_region_async(**STARS).json()["data"]) == 10
    assert seen == [1, 3, 1]


def test_a_cached_page_is_not_used_for_all_pages(archive: responses.RequestsMock, client: Any) -> None:
    """The requests for one page as a response and for all pages as a table may be equal."""
    stars(archive, 25)
    with conf.set_temp("pagesize", 10):
        with pytest.warns(MaxResultsWarning):
            client.query_region_async(**STARS)
        assert len(client.query_region(**STARS)) == 25


def test_an_empty_response_is_cached(archive: responses.RequestsMock, client: Any) -> None:
    """An empty response is cached, and warns each time."""
    seen = stars(archive, 0)
    for _ in range(2):
        with pytest.warns(NoResultsWarning):
            assert client.query_region(**STARS).colnames == ["objID"]
    assert seen == [1]
