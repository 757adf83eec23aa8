"""Processes that die, share a folder, or meet a full disk: the files are whole, and nothing is fetched needlessly."""

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

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 is a matter of POSIX systems")

HANGS = 60.0
"""Seconds that no test waits for one answer."""

# A process that forks one child for every line it reads; the child carries out the transfers of that line and tells of
# each in a line of its own.  Importing everything once, before the forks, keeps the tests quick.
NURSERY = """
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
class Nursery:
    """A process whose children do transfers."""

    process: subprocess.Popen[str]

    def begin(self, files: list[tuple[str, str, Path]]) -> int:
        """Let a child carry out transfers; return its process id."""
        writer = self._pipe(self.process.stdin)
        writer.write(json.dumps([(uri, url, str(path)) for uri, url, path in files]) + "\n")
        writer.flush()
        told = self._line()
        # The child may be quicker than its parent, and is told of first.
        while "pid" not in told:
            self._early.append(told)
            told = self._line()
        return int(str(told["pid"]))

    def end(self) -> tuple[int, list[dict[str, object]]]:
        """Wait for the child; return how it ended, and its results."""
        results, self._early = self._early, []
        told = self._line()
        while "ended" not in told:
            results.append(told)
            told = self._line()
        return int(str(told["ended"])), results

    def __post_init__(self) -> None:
        self._early: list[dict[str, object]] = []

    def _line(self) -> dict[str, object]:
        # The children have the pipe open, too.
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


def nursery() -> Iterator[Nursery]:
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


one_process = pytest.fixture(scope="module")(nursery)
another_process = pytest.fixture(scope="module")(nursery)


def kill_when(pid: int, target: Path, size: int) -> None:
    """Kill a process once the part has so many bytes, or is the file already."""
    part, until = part_path(target), time.monotonic() + HANGS
    while not target.exists():
        assert time.monotonic() < until, "the transfer has not begun"
        os.sched_yield()
        try:
            if part.stat().st_size >= size:
                break
        except FileNotFoundError:
            continue
    # It may have come to its end by itself.
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_killed_at_any_moment_the_next_run_completes_what_is_there(
    mast_sandbox: Sandbox,
    large: str,
    one_process: Nursery,
    tmp_path: Path,
) -> None:
    """After kill -9 the final name is absent or whole; the second run fetches only what had not been written down."""
    content = mast_sandbox.archive.render(large)
    dice = random.Random(9)
    moments = sorted(dice.randrange(len(content)) for _ in range(20))
    fetched = []
    for number, moment in enumerate(moments):
        target = tmp_path / str(number) / "x.fits"
        mast_sandbox.faults.add("download", Fault.slow(1 << 18, 0.004))
        kill_when(one_process.begin([(large, address_of(mast_sandbox, large), target)]), target, moment)
        one_process.end()
        # A busy computer may be late, and the file whole by then.
        assert not target.exists() or target.read_bytes() == content
        kept = len(content) if target.exists() else part_path(target).stat().st_size
        mast_sandbox.requests.clear()
        one_process.begin([(large, address_of(mast_sandbox, large), target)])
        (_, (result,)) = one_process.end()
        assert result["status"] == "COMPLETE"
        assert target.read_bytes() == content
        assert [path.name for path in target.parent.iterdir()] == ["x.fits"]
        fetched.append(sum(record.sent for record in mast_sandbox.requests.of("download")))
        # Fetched again is what had come since the last line of the record, a megabyte and a bit.
        assert fetched[-1] <= len(content) - kept + (3 << 19)
    assert sum(fetched) < 0.8 * len(content) * len(moments)


@pytest.mark.parametrize("left_over", ["lock", "whole part", "record only", "file and record"])
def test_moments_that_are_too_short_to_be_met(
    mast_sandbox: Sandbox, large: str, one_process: Nursery, tmp_path: Path, left_over: str
) -> None:
    """What a process leaves that dies between two steps - before the first byte, around the rename - does no harm."""
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


def test_two_processes_share_a_folder(
    mast_sandbox: Sandbox, one_process: Nursery, another_process: Nursery, tmp_path: Path
) -> None:
    """Of 40 products that two processes fetch into one folder, each is whole, and was asked for once."""
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
    """Give a disk of 3 MB."""
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
def test_full_disk_is_an_error_and_leaves_nothing_corrupt(
    mast_sandbox: Sandbox, large: str, one_process: Nursery, small_disk: Path, tmp_path: Path, resumable: bool
) -> None:
    """A disk that fills up gives an ERROR; what is kept of the file is right, and is nothing if it is of no use."""
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
    # Room is made: here, by going on elsewhere.
    roomy = tmp_path / "x.fits"
    for where in (part_path, record_path):
        where(roomy).write_bytes(where(target).read_bytes())
    mast_sandbox.requests.clear()
    one_process.begin([(large, address_of(mast_sandbox, large), roomy)])
    (_, (result,)) = one_process.end()
    assert result["status"] == "COMPLETE"
    assert roomy.read_bytes() == content
    assert 0 < mast_sandbox.requests.of("download")[0].sent < len(content)
