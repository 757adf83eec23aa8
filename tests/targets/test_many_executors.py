"""Queries for many targets run by other processes: a process pool, and a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astroquery.exceptions import InputWarning, NoResultsWarning

from astroquery_mast import Catalogs, Observations
from astroquery_mast.downloads.sessions import SessionRecipe
from astroquery_mast.exceptions import ServerError
from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.query.request import MashupRequest
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service.parallel import RunOptions, SharedState
from astroquery_mast.service.retrying import Deadline
from astroquery_mast.targets.batch import IndivisibleQuestion, QueryWork, portable_query

PLACES = SkyCoord([202.4696, 210.8023, 10.6847, 100.0], [47.1952, 54.3489, 41.2688, -80.0], unit="deg")


@pytest.fixture
def processes() -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of two processes that share nothing with this one."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


def equal(one: Table, other: Table) -> bool:
    """Return whether two tables are equal, cell by cell."""
    return one.colnames == other.colnames and one.as_array().tolist() == other.as_array().tolist()


def test_processes_return_the_same(mast_sandbox: Sandbox, processes: ProcessPoolExecutor) -> None:
    """Regions, counts and cross-matches are those of this process, and failures are listed."""
    options = {"radius": "0.05 deg", "executor": processes}
    found = Observations.query_region(PLACES, **options)
    assert equal(found, Observations.query_region(PLACES, radius="0.05 deg"))
    assert found.meta["unmatched"] == [3]
    mast_sandbox.faults.add("invoke", Fault.error("deadlock"), times=None, where=lambda r: b"210.8023" in r.body)
    with pytest.warns(InputWarning, match="deadlock"):
        counts = Observations.query_region_count(PLACES, **options)
    assert counts["count"].mask.tolist() == [False, True, False, False]
    mast_sandbox.faults.clear()
    near = SkyCoord(np.full(30, 210.8023), 54.3489 + np.linspace(0, 0.1, 30), unit="deg")
    plain = Catalogs.crossmatch(near, "TIC", radius="20 arcsec", verbose=False)
    there = Catalogs.crossmatch(near, "TIC", radius="20 arcsec", verbose=False, chunk_size=10, executor=processes)
    assert equal(there, plain)
    grouped = Observations.query_region(near, radius="5 arcsec", executor=processes)
    assert equal(grouped, Observations.query_region(near, radius="5 arcsec"))
    assert processes.submit(abs, -1).result() == 1


def test_a_terminated_worker_raises(mast_sandbox: Sandbox, processes: ProcessPoolExecutor) -> None:
    """A worker that terminates raises an error instead of blocking."""
    processes.submit(os._exit, 1)
    with pytest.raises(ServerError, match="Worker failed"):
        Observations.query_region(PLACES, executor=processes)


def test_tasks_do_not_contain_the_token(mast_sandbox: Sandbox) -> None:
    """The work that is sent to another process does not contain the token."""
    client = ObservationsClass(mast_token=mast_sandbox.token)
    question = IndivisibleQuestion(MashupRequest("Mast.Caom.Cone"))
    work = QueryWork(client._service.http, SharedState(Deadline(60)), 60.0, 500_000)
    sent = pickle.dumps((portable_query(work, client._service, RunOptions(executor=ThreadPoolExecutor(1))), question))
    assert mast_sandbox.token.encode() not in sent
    there, unpickled = pickle.loads(sent)
    assert unpickled == question
    assert there.work.http is None
    assert there.work.recipe == SessionRecipe.of(client._service)
    assert 0 < there.work.state.deadline.remaining() <= 60


def test_a_cluster_returns_the_same(mast_sandbox: Sandbox) -> None:
    """A Dask executor returns the same rows."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol="inproc://"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor()
        found = Observations.query_region(PLACES[:2], radius="0.05 deg", executor=executor)
        assert equal(found, Observations.query_region(PLACES[:2], radius="0.05 deg"))
        with pytest.warns(NoResultsWarning):
            assert len(Observations.query_region(PLACES[3:], radius=0.001, executor=executor)) == 0
