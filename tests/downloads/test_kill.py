"""Killed processes, shared folders and full disks: files are complete, and nothing is downloaded needlessly."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest
from transfers import address_of

from astroquery_mast.downloads.destination import lock_path
from astroquery_mast.downloads.part_file import part_path, record_path
from astroquery_mast.sandbox import Fault, Sandbox

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="requires fork and SIGKILL")

HANGS = 60.0
"""Timeout for one response in seconds, longer than any test may take."""

# A process that forks a child for every line it reads; the child carries out the transfers in that line and reports
# each in a line.  Importing everything once, before the forks, keeps the tests fast.
FORKING_PROGRAM = """
import json, os, sys
from pathlib import Path
import requests
from astroquery_mast.products.plan import Action, PlannedFile
from astroquery_mast.downloads.transfer import download_file
from astroquery_mast.service import retrying as failures

failures.pause = lambda seconds, stopped: None

def work(files):
    session = requests.Session()
    def open_url(url, headers):
        response = session.get(url, headers=dict(headers), stream=True, timeout=30)
        response.raise_for_status()
        return response
    for index, (uri, url, path) in enumerate(files):
        planned = PlannedFile(index, uri, url, url, Path(path), None, Action.FETCH, "not on disk")
        result = download_file(planned, open_url)
        told = {"status": result.status, "message": result.message, "sha256": result.sha256,
                "fetched": result.fetched, "size": result.size}
        sys.stdout.write(json.dumps(told) + "\\n")
        sys.stdout.flush()

for line in sys.stdin:
    child = os.fork()
    if not child:
        work(json.loads(line))
        os._exit(0)
    sys.stdout.write(json.dumps({"pid": child}) + "\\n")
    sys.stdout.flush()
    _, status = os.waitpid(child, 0)
    sys.stdout.write(json.dumps({"ended": status}) + "\\n")
    sys.stdout.flush()
"""


@dataclass
class ForkingProcess:
    """A process whose children carry out transfers."""

    process: subprocess.Popen[str]

    def begin(self, files: list[tuple[str, str, Path]]) -> int:
        """Start a child that carries out transfers, and return its process id."""
        writer = self._pipe(self.process.stdin)
        writer.write(json.dumps([(uri, url, str(path)) for uri, url, path in files]) + "\n")
        writer.flush()
        told = self._line()
        # The child may report before its parent does.
        while "pid" not in told:
            self._early.append(told)
            told = self._line()
        return int(str(told["pid"]))

    def end(self) -> tuple[int, list[dict[str, object]]]:
        """Wait for the child, and return its exit status and results."""
        results, self._early = self._early, []
        told = self._line()
        while "ended" not in told:
            results.append(told)
            told = self._line()
        return int(str(told["ended"])), results

    def __post_init__(self) -> None:
        self._early: list[dict[str, object]] = []

    def _line(self) -> dict[str, object]:
        # The children also have the pipe open.
        watchdog = threading.Timer(HANGS, os.killpg, (self.process.pid, signal.SIGKILL))
        watchdog.start()
        line = self._pipe(self.process.stdout).readline()
        watchdog.cancel()
        assert line, "the process has died"
        found: dict[str, object] = json.loads(line)
        return found

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


def forking_process() -> Iterator[ForkingProcess]:
    with subprocess.Popen(
        [sys.executable, "-c", FORKING_PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield ForkingProcess(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


one_process = pytest.fixture(scope="module")(forking_process)
another_process = pytest.fixture(scope="module")(forking_process)


def kill_when(pid: int, target: Path, size: int) -> None:
    """Kill a process once the part has this number of bytes, or the file is complete."""
    part, until = part_path(target), time.monotonic() + HANGS
    while not target.exists():
        assert time.monotonic() < until, "the transfer did not start"
        os.sched_yield()
        try:
            if part.stat().st_size >= size:
                break
        except FileNotFoundError:
            continue
    # The process may have ended by itself.
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_after_a_kill_at_any_time_the_next_run_completes_the_file(
    mast_sandbox: Sandbox,
    large: str,
    one_process: ForkingProcess,
    tmp_path: Path,
) -> None:
    """After kill -9, the file is absent or complete, and the next run downloads only bytes without a record."""
    content = mast_sandbox.archive.render(large)
    dice = random.Random(9)
    moments = sorted(dice.randrange(len(content)) for _ in range(20))
    fetched = []
    for number, moment in enumerate(moments):
        target = tmp_path / str(number) / "x.fits"
        mast_sandbox.faults.add("download", Fault.slow(1 << 18, 0.004))
        kill_when(one_process.begin([(large, address_of(mast_sandbox, large), target)]), target, moment)
        one_process.end()
        # On a busy computer, the kill may be late, and the file complete.
        assert not target.exists() or target.read_bytes() == content
        kept = len(content) if target.exists() else part_path(target).stat().st_size
        mast_sandbox.requests.clear()
        one_process.begin([(large, address_of(mast_sandbox, large), target)])
        (_, (result,)) = one_process.end()
        assert result["status"] == "COMPLETE"
        assert target.read_bytes() == content
        assert [path.name for path in target.parent.iterdir()] == ["x.fits"]
        fetched.append(sum(record.sent for record in mast_sandbox.requests.of("download")))
        # Downloaded again are the bytes since the last line of the record: a little more than a megabyte.
        assert fetched[-1] <= len(content) - kept + (3 << 19)
    assert sum(fetched) < 0.8 * len(content) * len(moments)


@pytest.mark.parametrize("left_over", ["lock", "whole part", "record only", "file and record"])
def test_kills_at_moments_that_are_too_short_to_hit(
    mast_sandbox: Sandbox, large: str, one_process: ForkingProcess, tmp_path: Path, left_over: str
) -> None:
    """The files of a process that died between two steps, such as before and after the rename, do no harm."""
    target = tmp_path / "x.fits"
    content = mast_sandbox.archive.render(large)
    mast_sandbox.faults.add("download", Fault.cut(len(content) - 10))
    mast_sandbox.faults.add("download", Fault.status(404))
    one_process.begin([(large, address_of(mast_sandbox, large), target)])
    (_, (result,)) = one_process.end()
    assert result["status"] == "ERROR"
    assert part_path(target).stat().st_size == len(content) - 10
    mast_sandbox.requests.clear()
    if left_over == "lock":
        part_path(target).unlink()
        record_path(target).unlink()
        lock_path(target).touch()
    elif left_over == "whole part":
        part_path(target).write_bytes(content)
        mark = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        with record_path(target).open("a") as record:
            record.write(json.dumps(mark) + "\n")
    elif left_over == "record only":
        part_path(target).unlink()
    else:
        part_path(target).replace(target)
        target.write_bytes(content)
    one_process.begin([(large, address_of(mast_sandbox, large), target)])
    (_, (result,)) = one_process.end()
    assert result["status"] == "COMPLETE"
    assert target.read_bytes() == content
    sent = [record.sent for record in mast_sandbox.requests.of("download")]
    assert sent == {"whole part": [1], "file and record": []}.get(left_over, [len(content)])
    assert not part_path(target).exists()
    assert not lock_path(target).exists()


def test_two_processes_can_share_a_folder(
    mast_sandbox: Sandbox, one_process: ForkingProcess, another_process: ForkingProcess, tmp_path: Path
) -> None:
    """Of 40 products that two processes download into one folder, each is complete and was requested once."""
    rows = mast_sandbox.archive.query(
        "select distinct dataURI from product where dataRights = 'PUBLIC' and dataURI like '%_x1d.fits' "
        "order by dataURI limit 40"
    )
    uris = [str(row["dataURI"]) for row in rows]
    mast_sandbox.faults.add("download", Fault.slow(1 << 13, 0.002), times=None)
    files = [(uri, address_of(mast_sandbox, uri), tmp_path / f"{number}.fits") for number, uri in enumerate(uris)]
    one_process.begin(files)
    another_process.begin(files)
    results = [process.end()[1] for process in (one_process, another_process)]
    for first, second, (uri, _, path) in zip(*results, files, strict=True):
        assert (first["status"], second["status"]) == ("COMPLETE", "COMPLETE")
        assert path.read_bytes() == mast_sandbox.archive.render(uri)
        assert first["fetched"] is not second["fetched"]
        assert first["size"] == second["size"]
    asked = Counter(str(record.value("uri")) for record in mast_sandbox.requests.of("download"))
    assert asked == Counter(uris)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for *_, path in files)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a disk of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("resumable", [True, False], ids=["resumable", "not resumable"])
def test_a_full_disk_is_an_error_without_corrupt_files(
    mast_sandbox: Sandbox, large: str, one_process: ForkingProcess, small_disk: Path, tmp_path: Path, resumable: bool
) -> None:
    """A disk that fills up is an ERROR, and only bytes that are correct and useful later are kept."""
    target = small_disk / "x.fits"
    content = mast_sandbox.archive.render(large)
    if not resumable:
        mast_sandbox.faults.add("download", Fault.headers({"ETag": 'W/"weak"', "Last-Modified": "unknown"}))
    one_process.begin([(large, address_of(mast_sandbox, large), target)])
    (_, (result,)) = one_process.end()
    assert result["status"] == "ERROR"
    assert "No space left on device" in str(result["message"])
    assert not target.exists()
    assert not lock_path(target).exists()
    if not resumable:
        assert list(small_disk.iterdir()) == []
        return
    # Simulate free space by continuing in another folder.
    roomy = tmp_path / "x.fits"
    for where in (part_path, record_path):
        where(roomy).write_bytes(where(target).read_bytes())
    mast_sandbox.requests.clear()
    one_process.begin([(large, address_of(mast_sandbox, large), roomy)])
    (_, (result,)) = one_process.end()
    assert result["status"] == "COMPLETE"
    assert roomy.read_bytes() == content
    assert 0 < mast_sandbox.requests.of("download")[0].sent < len(content)
