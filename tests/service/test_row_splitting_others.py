"""Other queries with too large results: many rows or positions are split in halves, others counted or refused."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astroquery.exceptions import InputWarning, MaxResultsWarning

from astroquery_mast import Catalogs, Mast, Observations, conf
from astroquery_mast.exceptions import IncompleteResultError, ServerError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord

LIMIT = 100
# Near each of these are more observations than the archives of these tests return at once.
PLACES = SkyCoord([202.47, 210.8], [47.2, 54.35], unit="deg")
M101 = "210.8 54.35"


@pytest.fixture(scope="module")
def archives() -> Iterator[dict[str, Sandbox]]:
    """Serve an archive without a limit, one that drops connections beyond a hundred rows, and one that truncates."""
    with ExitStack() as running:
        found = {
            "whole": Sandbox(),
            "drops": Sandbox(row_limit=LIMIT),
            "cuts": Sandbox(row_limit=LIMIT, cuts=True),
        }
        for sandbox in found.values():
            running.callback(sandbox.serve().stop)
        yield found


@pytest.fixture
def whole(archives: dict[str, Sandbox]) -> Sandbox:
    """Return the archive without a limit."""
    archives["whole"].reset()
    return archives["whole"]


@pytest.fixture(params=["drops", "cuts"])
def small(request: pytest.FixtureRequest, archives: dict[str, Sandbox]) -> Iterator[Sandbox]:
    """Use each of the archives with a limit."""
    yield from used(archives[request.param])


@pytest.fixture
def cutting(archives: dict[str, Sandbox]) -> Iterator[Sandbox]:
    """Use the archive that truncates silently."""
    yield from used(archives["cuts"])


@pytest.fixture
def dropping(archives: dict[str, Sandbox]) -> Iterator[Sandbox]:
    """Use the archive that drops connections."""
    yield from used(archives["drops"])


def used(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Use an archive for one test."""
    sandbox.reset()
    with sandbox.in_use(), conf.set_temp("server_row_limit", LIMIT):
        yield sandbox
    sandbox.reset()


def at_most(limit: int) -> Any:
    """Set the row limit of the configuration."""
    return conf.set_temp("server_row_limit", limit)


def is_count(record: RequestRecord) -> bool:
    """Return whether a request is for a count."""
    params = (record.mashup or {}).get("params")
    return isinstance(params, dict) and str(params.get("columns")).startswith("COUNT")


def stars(whole: Sandbox, number: int) -> SkyCoord:
    """Return the positions of stars in the TIC."""
    with whole.in_use(), at_most(500_000):
        found = Catalogs.query_region(M101, radius="0.2 deg", catalog="TIC", verbose=False)
    return SkyCoord(found["ra"], found["dec"], unit="deg")[:number]


def ordered(table: Table, *names: str) -> list[tuple[Any, ...]]:
    """Return some columns of a table as sorted rows."""
    return sorted(zip(*(table[name].tolist() for name in names), strict=True))


# -- uploads ---------------------------------------------------------------------------------------------------------


def test_an_upload_with_too_many_matches_is_halved(whole: Sandbox, small: Sandbox) -> None:
    """All matches are returned, whether the archive drops the connection or truncates the response."""
    positions = stars(whole, 200)
    with whole.in_use(), at_most(500_000):
        expected = Catalogs.crossmatch(positions, "TIC", radius="15 arcsec", verbose=False)
    assert len(expected) > 2 * LIMIT
    found = Catalogs.crossmatch(positions, "TIC", radius="15 arcsec", verbose=False, chunk_size=200)
    assert ordered(found, "input_row", "MatchID") == ordered(expected, "input_row", "MatchID")
    assert found.meta["unmatched"] == expected.meta["unmatched"] == []
    assert found.meta["failed"] == []


def test_a_crossmatch_with_observations_is_complete(whole: Sandbox, small: Sandbox) -> None:
    """A cross-match with observations is split, too."""
    positions = SkyCoord([210.86007, 210.75972, 210.8, 210.81], [54.37612, 54.33123, 54.35, 54.35], unit="deg")
    with whole.in_use(), at_most(500_000):
        expected = Observations.crossmatch(positions, verbose=False)
    rows = np.bincount(expected["input_row"])
    assert rows.max() < LIMIT < rows.sum()
    found = Observations.crossmatch(positions, verbose=False)
    assert ordered(found, "input_row", "obsid") == ordered(expected, "input_row", "obsid")


def test_a_position_with_too_many_matches_does_not_affect_others(cutting: Sandbox) -> None:
    """A single position cannot be split: it is listed with advice, and the others have their matches."""
    with pytest.warns(InputWarning, match=r"row 0: Mast.Caom.Crossmatch returned 100 rows and may have more"):
        found = Observations.crossmatch([PLACES[0], SkyCoord(210.86007, 54.37612, unit="deg")], verbose=False)
    assert len(found.meta["failed"]) == 1
    assert "smaller radius" in found.meta["failed"][0]
    assert set(found["input_row"]) == {1}


def test_an_upload_is_halved_as_often_as_necessary(whole: Sandbox) -> None:
    """If there are known to be too many rows, the number of divisions is not limited."""
    positions = stars(whole, 200)
    with whole.in_use(), at_most(500_000):
        expected = Catalogs.crossmatch(positions, "TIC", verbose=False)
    with Sandbox(row_limit=4, cuts=True) as sandbox, at_most(4):
        found = Catalogs.crossmatch(positions, "TIC", verbose=False, chunk_size=200)
        assert len(sandbox.requests.of("invoke")) > 100
    assert ordered(found, "input_row", "MatchID") == ordered(expected, "input_row", "MatchID")
    assert found.meta["failed"] == []


def test_a_large_upload_is_not_sent_repeatedly(whole: Sandbox, dropping: Sandbox) -> None:
    """After two broken connections, the upload is split."""
    positions = stars(whole, 120)
    Catalogs.crossmatch(positions, "TIC", radius="15 arcsec", verbose=False, chunk_size=120)
    bodies = [record.body for record in dropping.requests.of("invoke")]
    assert max(map(bodies.count, bodies)) == 2


def test_one_broken_connection_does_not_halve_the_upload(whole: Sandbox) -> None:
    """After a single broken connection, the same upload is sent again."""
    positions = stars(whole, 50)
    with whole.in_use():
        whole.requests.clear()
        whole.faults.add("invoke", Fault.reset())
        Catalogs.crossmatch(positions, "TIC", verbose=False)
        bodies = [record.body for record in whole.requests.of("invoke")]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


def test_other_processes_know_the_limit(whole: Sandbox, cutting: Sandbox) -> None:
    """The setting applies to the workers of an executor, too."""
    positions = stars(whole, 200)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        found = Catalogs.crossmatch(
            positions, "TIC", radius="15 arcsec", verbose=False, chunk_size=200, executor=executor
        )
    assert len(found) > 2 * LIMIT
    assert found.meta["unmatched"] == []


# -- many targets ----------------------------------------------------------------------------------------------------


def test_one_target_of_many_with_too_many_rows_is_split(whole: Sandbox, small: Sandbox) -> None:
    """Each target has the same result as a query for it alone."""
    with whole.in_use(), at_most(500_000):
        expected = Observations.query_region(PLACES, radius="3 arcmin")
    assert np.bincount(expected["input_row"]).min() > LIMIT
    found = Observations.query_region(PLACES, radius="3 arcmin")
    assert found.colnames == expected.colnames
    assert ordered(found, "input_row", "obsid", "distance") == ordered(expected, "input_row", "obsid", "distance")
    assert found.meta["failed"] == []


def test_counts_of_many_targets_are_not_rows(cutting: Sandbox) -> None:
    """The single row of a count is not taken for the first of many."""
    with at_most(1):
        assert min(Observations.query_region_count(PLACES, radius="3 arcmin")["count"]) > LIMIT


def test_one_target_of_a_catalog_with_too_many_entries_is_listed(cutting: Sandbox) -> None:
    """A target with too many entries is listed as failed, instead of returning a short table."""
    places = SkyCoord([210.8, 210.8], [54.35, 54.37], unit="deg")
    with pytest.warns(InputWarning, match=r"row 0: Mast.Catalogs.Tic.Cone has \d{3} rows, but MAST returns about 100"):
        found = Catalogs.query_region(places, radius=["0.3 deg", "0.01 deg"], catalog="TIC")
    assert set(found["input_row"]) == {1}


# -- products --------------------------------------------------------------------------------------------------------


def test_a_batch_with_too_many_products_is_halved(whole: Sandbox, small: Sandbox) -> None:
    """The list is complete and in the order of the observations, whether the archive drops connections or truncates."""
    with whole.in_use(), at_most(500_000):
        observations = Observations.query_criteria(obs_collection="JWST", proposal_id="1783")[:20]
        expected = Observations.get_product_list(observations, verbose=False)
    assert len(expected) > 2 * LIMIT
    found = Observations.get_product_list(observations, verbose=False)
    assert found["dataURI"].tolist() == expected["dataURI"].tolist()
    assert found["parent_obsid"].tolist() == expected["parent_obsid"].tolist()
    responses = Observations.get_product_list_async(observations)
    assert sum(len(response.json()["data"]) for response in responses) == len(expected)


def test_an_observation_with_too_many_products_is_an_error(cutting: Sandbox) -> None:
    """A list that may be incomplete is never returned."""
    observations = Observations.query_criteria(obs_collection="HST", calib_level=3, pagesize=2, page=1)
    with at_most(1), pytest.raises(IncompleteResultError, match=r"Mast.Caom.Products returned \d+ rows"):
        Observations.get_product_list(observations, verbose=False)


# -- catalogs, and any service -------------------------------------------------------------------------------------


@pytest.mark.parametrize("catalog", ["TIC", "CTL"])
def test_a_truncated_list_of_entries_is_an_error(catalog: str) -> None:
    """If MAST can count the entries, the error gives their number."""
    with at_most(5), Sandbox(row_limit=5, cuts=True):
        with pytest.raises(
            IncompleteResultError,
            match=r"has \d+ rows, but MAST returns about 5 .*smaller radius",
        ):
            Catalogs.query_region(M101, radius="0.3 deg", catalog=catalog)
        with pytest.raises(IncompleteResultError, match="rows, but MAST returns about 5 per request"):
            Catalogs.query_criteria(catalog, coordinates=M101, radius="0.3 deg", Tmag=[0, 99])


def test_entries_at_the_limit_may_be_complete(cutting: Sandbox) -> None:
    """The count shows this, for a region and for criteria."""
    few = {"radius": "0.05 deg", "catalog": "TIC", "verbose": False}
    rows = len(Catalogs.query_region(M101, **few))
    assert 1 < rows < LIMIT
    cutting.requests.clear()
    with at_most(rows):
        assert len(Catalogs.query_region(M101, **few)) == rows
        assert len(Catalogs.query_criteria("TIC", coordinates=M101, radius="0.05 deg", Tmag=[0, 99])) == rows
    assert [is_count(record) for record in cutting.requests.of("invoke")] == [False, True, False, True]


def test_without_a_count_a_response_at_the_limit_is_an_error(cutting: Sandbox) -> None:
    """The error says what to do if there are no more rows, which then works."""
    few = {"radius": "0.05 deg", "catalog": "Gaia", "verbose": False}
    rows = len(Catalogs.query_region(M101, **few))
    with (
        at_most(rows),
        pytest.raises(
            IncompleteResultError,
            match=r"may have more, .*increase conf.server_row_limit",
        ),
    ):
        Catalogs.query_region(M101, **few)
    with at_most(rows + 1):
        assert len(Catalogs.query_region(M101, **few)) == rows


def test_the_limit_of_a_query_is_respected(cutting: Sandbox) -> None:
    """A maximum number of rows in the query is respected, with the usual warning."""
    with at_most(5), pytest.warns(MaxResultsWarning, match="nr=5"):
        assert len(Catalogs.query_region(M101, radius="0.3 deg", catalog="HSC", nr=5)) == 5
    with pytest.raises(IncompleteResultError, match=r"Mast.Hsc.Db.v3 returned 100 rows"):
        Catalogs.query_region(M101, radius="0.3 deg", catalog="HSC", nr=LIMIT + 1)


def test_any_client_splits_queries_for_observations(whole: Sandbox, small: Sandbox) -> None:
    """A service that is queried by its name returns all rows."""
    params = {"columns": "obsid,t_min", "filters": [{"paramName": "obs_collection", "values": ["HST"]}]}
    table = Mast.service_request("Mast.Caom.Filtered", params)
    with whole.in_use():
        assert len(table) == Observations.query_criteria_count(obs_collection="HST") > LIMIT
    assert len(set(table["obsid"])) == len(table)


def test_a_requested_page_is_not_counted(cutting: Sandbox) -> None:
    """``page=`` requests a page of the existing result."""
    found = Catalogs.query_region(M101, radius="0.3 deg", catalog="TIC", pagesize=10, page=2, verbose=False)
    assert len(found) == 10


def test_a_connection_that_always_breaks_is_an_error(whole: Sandbox) -> None:
    """A query of one observation cannot be split, and fails after the usual number of attempts."""
    with whole.in_use():
        whole.faults.add("invoke", Fault.reset(), times=None)
        with conf.set_temp("max_attempts", 3), pytest.raises(ServerError, match=r"connection broke.*Tried 3 times"):
            Observations.get_product_list("24000000", verbose=False)
        assert len(whole.requests.of("invoke")) == 3
