"""Downloads by other processes: a process pool, forked or spawned, and a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table
from transfers import plan_of

from astroquery_mast.downloads.download import FileDownloads, download, portable_download
from astroquery_mast.downloads.sessions import SessionRecipe
from astroquery_mast.downloads.transfer import download_file, silent
from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.products.manifest import TransferResult
from astroquery_mast.products.plan import PlannedFile
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service.executors import PortableWork
from astroquery_mast.service.parallel import RunOptions, SharedState
from astroquery_mast.service.retrying import Deadline

# Python 3.12 and later warn when a process with threads is forked; the sandbox has threads.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
STARTS = [
    "spawn",
    pytest.param("fork", marks=pytest.mark.skipif(sys.platform != "linux", reason="needs fork")),
]


def products(sandbox: Sandbox, rights: str, number: int) -> Table:
    return Table(
        sandbox.archive.query(
            "select dataURI, obs_collection, obs_id, productFilename, size, dataRights from product "
            f"where dataRights = '{rights}' and size > 2000 and dataURI like 'mast:%' "
            f"group by dataURI order by size limit {number}"
        )
    )


@pytest.fixture
def planned(mast_sandbox: Sandbox, tmp_path: Path) -> list[PlannedFile]:
    return plan_of(mast_sandbox, products(mast_sandbox, "PUBLIC", 8), tmp_path)


@pytest.fixture(params=STARTS)
def processes(request: pytest.FixtureRequest) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context(request.param)
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        yield executor


def test_processes_download_the_same_files(
    mast_sandbox: Sandbox, planned: list[PlannedFile], client: ObservationsClass, processes: ProcessPoolExecutor
) -> None:
    """Results are complete and in order, a failure is a row, and the executor is not shut down."""
    gone = planned[3].uri
    mast_sandbox.faults.add("download", Fault.status(404), times=None, where=lambda r: r.value("uri") == gone)
    results = download(
        planned, SessionRecipe.of(client._service), RunOptions(executor=processes, verbose=False, on_error="ignore")
    )
    assert [str(result.status) for result in results] == ["COMPLETE"] * 3 + ["ERROR"] + ["COMPLETE"] * 4
    assert [result.index for result in results] == list(range(8))
    for file in (*planned[:3], *planned[4:]):
        assert file.local_path.read_bytes() == mast_sandbox.archive.render(str(file.uri))
    assert len({record.connection for record in mast_sandbox.requests.of("download")}) <= 2
    assert processes.submit(abs, -1).result() == 1


def test_spawned_processes_look_for_a_token_themselves(
    mast_sandbox: Sandbox, client: ObservationsClass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exclusive file is downloaded if the client is logged in and the worker has a token; else the row says why."""
    exclusive = products(mast_sandbox, "EXCLUSIVE_ACCESS", 1)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    client.login(mast_sandbox.token)
    recipe = SessionRecipe.of(client._service)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        (refused,) = download(
            plan_of(mast_sandbox, exclusive, tmp_path / "a"),
            recipe,
            RunOptions(executor=executor, verbose=False, on_error="ignore"),
        )
    assert "HTTPError: 401" in str(refused.message)
    assert "You are logged in, but tokens are not passed to other processes" in str(refused.message)
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.token)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        found = download(
            plan_of(mast_sandbox, exclusive, tmp_path / "b"), recipe, RunOptions(executor=executor, verbose=False)
        )
    assert [str(result.status) for result in found] == ["COMPLETE"]
    client.logout()
    anonymous = SessionRecipe.of(client._service)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        (nobody,) = download(
            plan_of(mast_sandbox, exclusive, tmp_path / "c"),
            anonymous,
            RunOptions(executor=executor, verbose=False, on_error="ignore"),
        )
    assert "HTTPError: 401" in str(nobody.message)


@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
def test_forked_processes_are_logged_in(mast_sandbox: Sandbox, client: ObservationsClass, tmp_path: Path) -> None:
    """A process forked after the login has the token without receiving it."""
    exclusive = products(mast_sandbox, "EXCLUSIVE_ACCESS", 1)
    client.login(mast_sandbox.token)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as executor:
        results = download(
            plan_of(mast_sandbox, exclusive, tmp_path),
            SessionRecipe.of(client._service),
            RunOptions(executor=executor, verbose=False),
        )
    assert [str(result.status) for result in results] == ["COMPLETE"]


@pytest.mark.parametrize("own", [True, False], ids=["a token of its own", "the shared login"])
def test_a_task_contains_no_token(
    mast_sandbox: Sandbox, planned: list[PlannedFile], monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    """Data sent to another process contain no token and no header of the user's that may contain one."""
    client = ObservationsClass(mast_token=mast_sandbox.token if own else None)
    if not own:
        client.login(mast_sandbox.token)
    client._session.headers["Authorization"] = "Basic c2VjcmV0"
    client._session.headers["Cookie"] = "secret=secret"
    work = FileDownloads(SessionRecipe.of(client._service), download_file, SharedState(Deadline(60)))
    sent = pickle.dumps((PortableWork(work, {}), planned[0]))
    assert mast_sandbox.token.encode() not in sent
    assert b"c2VjcmV0" not in sent
    assert b"secret=secret" not in sent
    assert mast_sandbox.token not in repr(work)
    copy, file = pickle.loads(sent)
    assert (copy.work.opener, file) == (work.opener, planned[0])


def test_the_remaining_time_is_sent_with_a_task(client: ObservationsClass) -> None:
    """Work in another process has the remaining time of the call, and the list of servers that are down.

    From there it can be sent on, as the workers of Dask do.
    """
    slots = threading.Semaphore(1)
    state = SharedState(Deadline(50), {"http://x": "refused"})
    work = FileDownloads(SessionRecipe.of(client._service), download_file, state, pytest.fail, slots)  # type: ignore[arg-type]
    sent = pickle.loads(pickle.dumps(portable_download(work, ThreadPoolExecutor(1))))
    copy = pickle.loads(pickle.dumps(sent)).work
    assert 0 < copy.state.deadline.remaining() <= 50
    assert copy.state.down == {"http://x": "refused"}
    assert (work.shared, copy.shared) == (True, False)
    assert (copy.progress, copy.slots) == (silent, None)


def die(*_args: Any, **_keywords: Any) -> TransferResult:
    """End the process abruptly, as if it were out of memory."""
    os._exit(1)


@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
def test_a_worker_that_dies_does_not_lose_the_manifest(client: ObservationsClass, planned: list[PlannedFile]) -> None:
    """A pool whose process was killed gives a row for every file."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as executor:
        results = download(
            planned,
            SessionRecipe.of(client._service),
            RunOptions(executor=executor, verbose=False, on_error="ignore"),
            carry_out=die,
        )
    assert [str(result.status) for result in results] == ["ERROR"] * 8
    assert all("BrokenProcessPool" in str(result.message) for result in results)


def test_a_plain_function_cannot_be_sent_to_processes(planned: list[PlannedFile], client: ObservationsClass) -> None:
    """A function that cannot be sent to another process raises before the download; threads can use it."""
    with ProcessPoolExecutor(1) as executor, pytest.raises(TypeError, match="SessionRecipe"):
        download(planned, pytest.fail, RunOptions(executor=executor))  # type: ignore[arg-type]
    with ThreadPoolExecutor(3) as executor:
        results = download(
            planned,
            SessionRecipe.of(client._service).open_url(),
            RunOptions(executor=executor, max_workers=1, verbose=False),
        )
    assert [str(result.status) for result in results] == ["COMPLETE"] * 8


@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_downloads_the_same_files(
    mast_sandbox: Sandbox, planned: list[PlannedFile], client: ObservationsClass
) -> None:
    """The executor of a Dask client works like any other."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as dask,
    ):
        results = download(
            planned,
            SessionRecipe.of(client._service),
            RunOptions(executor=dask.get_executor(), max_workers=2, verbose=False, timeout=60),
        )
    assert [str(result.status) for result in results] == ["COMPLETE"] * 8
    for file in planned:
        assert file.local_path.read_bytes() == mast_sandbox.archive.render(str(file.uri))
