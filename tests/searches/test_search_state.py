"""The state of a search on disk is always complete, and damage is detected.

``SEARCH_KILLS=200 python -m pytest tests/searches/test_search_state.py`` kills a process two hundred times.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import QueryTimeoutError, SavedSearchError
from astroquery_mast.searches.comparison import Snapshot, plain_cell
from astroquery_mast.searches.state import StateFile, replace_file
from astroquery_mast.service.retrying import Deadline

KILLS = int(os.environ.get("SEARCH_KILLS", "20"))
HANGS = 60.0
ROWS = 2000

# A process that forks a child for each line it reads. The child writes states with increasing numbers until it is
# killed.
WRITERS = """
import os, sys
from pathlib import Path
from astroquery_mast.searches.comparison import Snapshot
from astroquery_mast.searches.state import StateFile
from astroquery_mast.service.retrying import Deadline

def work(path, rows):
    state = StateFile(Path(path), "x")
    while True:
        with state.locked(Deadline(60.0)):
            before = state.read()
            number = 0 if before is None else int(before.rows[0][0]) + 1
            state.write(Snapshot(float(number), ("n",), ("n", "text"), [[number, "x" * 80]] * rows))

for line in sys.stdin:
    path, rows = line.split()
    child = os.fork()
    if not child:
        work(path, int(rows))
    sys.stdout.write(f"{child}\\n")
    sys.stdout.flush()
    os.waitpid(child, 0)
    sys.stdout.write("ended\\n")
    sys.stdout.flush()
"""


@pytest.fixture
def writers() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", WRITERS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


def next_line(process: subprocess.Popen[str]) -> str:
    """Return the next line of a process, which is killed if it does not respond."""
    watchdog = threading.Timer(HANGS, os.killpg, (process.pid, signal.SIGKILL))
    watchdog.start()
    assert process.stdout is not None
    line = process.stdout.readline()
    watchdog.cancel()
    assert line, "the process has died"
    return line.strip()


def wait_for(path: Path, renamed: int, written: int) -> None:
    """Wait until a file was replaced a number of times, and a number of bytes of the next one were written."""
    until, part = time.monotonic() + HANGS, path.with_name(f".{path.name}.part")

    def found(place: Path) -> tuple[int, int]:
        with suppress(FileNotFoundError):
            return (there := place.stat()).st_ino, there.st_size
        return 0, 0

    for _ in range(renamed):
        before = found(path)
        while found(path) == before:
            assert time.monotonic() < until, "nothing is written"
            os.sched_yield()
    while found(part)[1] < written:
        assert time.monotonic() < until, "nothing is written"
        os.sched_yield()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 is a matter of POSIX systems")
def test_the_state_is_complete_if_a_process_is_killed(writers: subprocess.Popen[str], tmp_path: Path) -> None:
    """After ``kill -9`` at any moment, the state is complete and current, and the next process continues from it."""
    path = tmp_path / "x.state.json"
    state, dice = StateFile(path, "x"), random.Random(14)
    last, moved = -1, 0
    assert writers.stdin is not None
    for _ in range(KILLS):
        writers.stdin.write(f"{path} {ROWS}\n")
        writers.stdin.flush()
        pid = int(next_line(writers))
        wait_for(path, renamed=dice.randrange(3), written=dice.choice([0, 1, 100_000]))
        for _ in range(dice.randrange(300)):
            os.sched_yield()
        os.kill(pid, signal.SIGKILL)
        assert next_line(writers) == "ended"
        snapshot = state.read()
        number = -1 if snapshot is None else int(str(snapshot.rows[0][0]))
        assert number >= last
        assert snapshot is None or (len(snapshot.rows) == ROWS and snapshot.time == number)
        moved += number > last
        last = number
    assert moved
    # Files left behind do not matter.
    with state.locked(Deadline(10.0)):
        state.write(Snapshot(1.0, ("n",), ("n",), [[1]]))
    assert not path.with_name(f".{path.name}.part").exists()


CELLS = (st.none() | st.booleans() | st.integers() | st.floats() | st.text()).map(plain_cell)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=6), st.floats(40000, 90000))
def test_a_state_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list[object]], mjd: float) -> None:
    """The state is read back with the types of all cells, and the time to the last digit."""
    state = StateFile(tmp_path_factory.mktemp("state") / "x.state.json", "x")
    written = Snapshot(mjd, ("b",), ("a", "b", "c"), rows)  # type: ignore[arg-type]
    state.write(written)
    read = state.read()
    assert read == written
    assert repr(read) == repr(written)


def test_a_state_is_readable(tmp_path: Path) -> None:
    """The state is JSON with one row per line, so that text tools can compare two states."""
    state = StateFile(tmp_path / "x.state.json", "x")
    state.write(Snapshot(60000.0, ("n",), ("n", "text"), [[1, "é"], [2, None]]))
    text = state.path.read_text("utf-8")
    assert json.loads(text)["time"] == "2023-02-25T00:00:00Z"
    assert '[1, "é"],\n[2, null]\n' in text


@pytest.fixture
def state(tmp_path: Path) -> StateFile:
    """Return a stored state."""
    found = StateFile(tmp_path / "x.state.json", "x")
    found.write(Snapshot(60000.0, ("n",), ("n", "text"), [[1, "one"], [2, None]]))
    return found


def damaged(state: StateFile) -> Iterator[bytes]:
    """Yield damaged versions of a state."""
    whole = state.path.read_bytes()
    yield from (whole[:size] for size in range(0, len(whole) - 2, 7))
    yield whole + b"}"
    yield whole.replace(b"one", b"two")
    yield whole.replace(b'[1, "one"]', b"[1]")
    yield whole.replace(b'"mjd": 60000.0', b'"mjd": 60001.0')
    yield whole.replace(b'"n"', b'"m"', 1)
    yield whole.replace(b'"state of a saved search": 1', b'"state of a saved search": 2')
    yield whole.replace(b"null", b"{}")
    yield whole.replace(b"one", b"\xff\xfe")
    yield b"[" * 100_000
    yield b"null"
    yield b"<html>"


def test_a_damaged_state_is_refused(state: StateFile) -> None:
    """A damaged state raises an error that says how to recover, and the file is not changed."""
    for content in damaged(state):
        state.path.write_bytes(content)
        with pytest.raises(
            SavedSearchError,
            match="Restore a copy, or delete it to start over",
        ):
            state.read()
        assert state.path.read_bytes() == content


def test_the_state_of_another_search_is_refused(state: StateFile) -> None:
    """The state of another search raises an error."""
    with pytest.raises(SavedSearchError, match="of another search"):
        StateFile(state.path, "y").read()


def test_processes_wait_for_the_lock(state: StateFile) -> None:
    """A process waits for the lock until its timeout, which raises an error."""
    with state.locked(Deadline(10.0)):
        held = threading.Event()
        trouble: list[Exception] = []

        def wait() -> None:
            held.set()
            try:
                with StateFile(state.path, "x").locked(Deadline(0.05)):
                    pass
            except QueryTimeoutError as err:
                trouble.append(err)

        other = threading.Thread(target=wait)
        other.start()
        assert held.wait(10)
        other.join(10)
        assert len(trouble) == 1
        assert "Another process" in str(trouble[0])
    with state.locked(Deadline(10.0)):
        assert state.read() is not None


def test_the_old_file_is_kept_if_writing_fails(state: StateFile, tmp_path: Path) -> None:
    """If a file cannot be written, the old one is kept."""
    before = state.path.read_bytes()
    for path, text in (
        (tmp_path / "absent" / "x", "text"),
        (state.path, "\ud800"),
    ):
        with pytest.raises(SavedSearchError, match="Cannot write"):
            replace_file(path, text)
    (tmp_path / "folder").mkdir()
    with pytest.raises(SavedSearchError, match="Cannot write"):
        replace_file(tmp_path / "folder", "text")
    with pytest.raises(SavedSearchError, match="Cannot read"):
        StateFile(tmp_path / "folder", "x").read()
    with (
        pytest.raises(SavedSearchError, match="Cannot lock the search at"),
        StateFile(tmp_path / "x.state.json" / "y", "x").locked(Deadline(1.0)),
    ):
        pass
    assert state.path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "x.state.json"]
