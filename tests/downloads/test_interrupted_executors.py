"""Interrupted calls with processes of the user: the processes stop working, and the program ends."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Container
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from astropy.table import Table

from astroquery_mast import Observations
from astroquery_mast.sandbox import Fault, RequestRecord, Sandbox
from astroquery_mast.service.retrying import CallFile

HANGS = 60.0
"""Delay of a silent server in seconds, longer than any test may take."""

# Prints the ids of its worker processes, and then has them request files, or observations around positions.
SCRIPT = """
import signal, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from astropy.coordinates import SkyCoord
from astropy.table import Table

from astroquery_mast import Observations, conf

def work(pool, what, folder, uris):
    list(pool.map(abs, range(8)))
    sys.stdout.write(" ".join(map(str, pool._processes)) + "\\n")
    sys.stdout.flush()
    options = {"executor": pool, "verbose": False}
    if what == "files":
        products = Table({"dataURI": uris, "obs_id": uris})
        Observations.download_products(products, download_dir=folder, **options)
    else:
        Observations.query_region(SkyCoord([10, 90, 200], [0, 50, -50], unit="deg"), radius=0.1, **options)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    start, owner, what, conf.server, folder, *uris = sys.argv[1:]
    pool = ProcessPoolExecutor(2, mp_context=get_context(start))
    if owner == "with":
        with pool:
            work(pool, what, folder, uris)
    else:
        work(pool, what, folder, uris)
"""


class SlowServer:
    """A server that answers some requests only after a minute, and counts them."""

    def __init__(self, sandbox: Sandbox, endpoint: str, uris: Container[str] | None = None) -> None:
        self._come = threading.Semaphore(0)
        self._uris = uris
        sandbox.faults.add(endpoint, Fault.delay(HANGS), times=None, where=self._strikes)

    def _strikes(self, record: RequestRecord) -> bool:
        if self._uris is not None and record.value("uri") not in self._uris:
            return False
        self._come.release()
        return True

    def wait_for(self, number: int) -> None:
        """Wait until this number of requests has arrived."""
        for _ in range(number):
            assert self._come.acquire(timeout=HANGS / 2), "the workers did not start"


def is_running(pid: int) -> bool:
    """Return whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="requires fork and signals on Linux")
@pytest.mark.parametrize(
    ("start", "owner", "what", "to_all"),
    [
        ("spawn", "with", "files", False),
        ("spawn", "nobody", "files", True),
        ("fork", "with", "files", False),
        ("fork", "nobody", "files", True),
        ("spawn", "with", "observations", False),
    ],
)
def test_ctrl_c_ends_a_program_with_a_process_pool(
    mast_sandbox: Sandbox, small_products: Table, tmp_path: Path, start: str, owner: str, what: str, to_all: bool
) -> None:
    """The program and its workers end soon, whether the signal goes to the program alone or also to its workers."""
    endpoint = "download" if what == "files" else "invoke"
    slow_server = SlowServer(mast_sandbox, endpoint)
    script, temporary = tmp_path / "script.py", tmp_path / "temporary"
    script.write_text(SCRIPT)
    temporary.mkdir()
    command = [sys.executable, str(script), start, owner, what, mast_sandbox.url, str(tmp_path / "files")]
    with subprocess.Popen(
        [*command, *small_products["dataURI"]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    ) as process:
        try:
            assert process.stdout is not None
            workers = [int(pid) for pid in process.stdout.readline().split()]
            assert len(workers) == 2
            assert all(map(is_running, workers))
            slow_server.wait_for(2)
            (os.killpg if to_all else os.kill)(process.pid, signal.SIGINT)
            _, said = process.communicate(timeout=HANGS / 2)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in said
    assert not any(map(is_running, workers))
    assert len(mast_sandbox.requests.of(endpoint)) == 2
    assert not [path for path in temporary.iterdir() if path.name.startswith("astroquery_mast")]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_leaving_a_loop_stops_other_processes(
    mast_sandbox: Sandbox, small_products: Table, tmp_path: Path, temporary: Path
) -> None:
    """The process is available at once for other work, and the file of the call is removed."""
    slow_server = SlowServer(mast_sandbox, "download", {small_products["dataURI"][1]})
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        rows = Observations.download_products_iter(
            small_products[:2], download_dir=tmp_path / "files", executor=pool, verbose=False
        )
        with closing(rows):  # type: ignore[type-var]
            assert next(rows)["Status"] == "COMPLETE"
            slow_server.wait_for(1)
            assert len(list(temporary.glob("astroquery_mast-*"))) == 1
        assert pool.submit(abs, -1).result(timeout=HANGS / 2) == 1
    assert not list(temporary.glob("astroquery_mast-*"))


def test_a_computer_without_temporary_folder_can_use_processes(
    mast_sandbox: Sandbox, small_products: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the signal for the end of a call is missing."""

    def refuse(**_options: str) -> None:
        raise FileNotFoundError("No usable temporary directory found")

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(abs, -1).result() == 1
        monkeypatch.setattr(tempfile, "mkstemp", refuse)
        manifest = Observations.download_products(small_products, download_dir=tmp_path, executor=pool, verbose=False)
    assert set(manifest["Status"]) == {"COMPLETE"}


def test_the_end_of_a_call_is_seen_in_all_processes(temporary: Path) -> None:
    """A copy that was sent to another process, and from there to a third, sees the end and stops waiting."""
    call = CallFile.create()
    copy = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(call))))
    assert not copy.is_set()
    assert not copy.wait(0.01)
    waiting = threading.Thread(target=copy.wait)
    waiting.start()
    call.set()
    call.set()
    assert copy.is_set()
    waiting.join(HANGS / 2)
    assert not waiting.is_alive()
    assert not list(temporary.iterdir())


def test_a_missing_file_on_another_computer_is_not_the_end_of_a_call(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker on another computer, or with another folder for temporary files, continues."""
    sent = pickle.dumps(CallFile.create())
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("socket.gethostname", lambda: "node-042")
        other = pickle.loads(sent)
    temporary.rename(tmp_path / "of another job")
    gone = pickle.loads(sent)
    temporary.mkdir()
    empty = pickle.loads(sent)
    assert [each.is_set() for each in (other, gone, empty)] == [False] * 3
