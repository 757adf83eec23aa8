"""The part of a file, its record and its lock: which bytes are used again, and which are not."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast.downloads.destination import exclusive_lock, lock_path
from astroquery_mast.downloads.part_file import PartFile, ResumePoint, part_path, record_path

CONTENT = bytes(range(256)) * 8192  # 2 MiB
SOURCE = ResumePoint("u", '"tag"', len(CONTENT))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "x.fits"


def go_on() -> None:
    """Do not stop reading."""


def leave_part(target: Path, size: int, source: ResumePoint | None = SOURCE) -> None:
    """Leave a part of this size, as an interrupted call does."""
    with PartFile(target) as part:
        part.begin(source)
        for start in range(0, size, 100_000):
            part.write(CONTENT[start : min(start + 100_000, size)])


def resumed_size(target: Path, url: str = "u") -> int:
    """Return the number of bytes of a part that are used again, after checking them by finishing the file."""
    with PartFile(target) as part:
        part.resume_from(url, go_on)
        size = part.size
        if not part.resumable:
            part.begin(SOURCE)
        part.write(CONTENT[part.size :])
        assert part.digest("sha256") == hashlib.sha256(CONTENT).digest()
        assert part.digest("md5") == hashlib.md5(CONTENT).digest()
        part.finish(86400.0)
    assert target.read_bytes() == CONTENT
    assert target.stat().st_mtime == 86400
    assert not part_path(target).exists()
    assert not record_path(target).exists()
    return size


@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, len(CONTENT)))
def test_a_part_is_resumed(size: int) -> None:
    """All bytes are used again, except the last byte of a file, which is always requested."""
    with tempfile.TemporaryDirectory() as folder:
        leave_part(Path(folder) / "x.fits", size)
        assert resumed_size(Path(folder) / "x.fits") == min(size, len(CONTENT) - 1)


@settings(max_examples=60, deadline=None)
@given(
    cut=st.integers(0, 1_500_000),
    flipped=st.none() | st.integers(0, 1_499_999),
    record=st.none() | st.integers(0, 1200),
    junk=st.binary(max_size=40),
)
def test_damage_never_reaches_the_file(cut: int, flipped: int | None, record: int | None, junk: bytes) -> None:
    """The file becomes correct even if the part or its record is truncated or corrupt."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "x.fits"
        leave_part(target, 1_500_000)
        with part_path(target).open("r+b") as stream:
            if flipped is not None:
                stream.seek(flipped)
                byte = stream.read(1)
                stream.seek(flipped)
                stream.write(bytes([byte[0] ^ 1]))
            stream.truncate(1_500_000 - cut)
        if record is not None:
            record_path(target).write_bytes(record_path(target).read_bytes()[:record] + junk)
        assert resumed_size(target) <= 1_500_000 - cut


def test_a_part_without_record_is_never_used(target: Path) -> None:
    """A part of unknown origin, such as another program's, is replaced."""
    part_path(target).write_bytes(b"junk" * 1000)
    assert resumed_size(target) == 0


@pytest.mark.parametrize(
    "record",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"url": "u"}',
        json.dumps({"url": "u", "validator": "x", "total": "many"}),
        json.dumps({"url": "u", "validator": "x", "total": 5, "more": 1}),
    ],
)
def test_an_invalid_record_is_ignored(target: Path, record: str) -> None:
    """A record with another content causes a fresh start, without an exception."""
    leave_part(target, 500_000)
    marks = record_path(target).read_text().splitlines()[1:]
    record_path(target).write_text("\n".join([record, *marks]) + "\n")
    assert resumed_size(target) == 0


def test_a_part_from_another_address_is_not_used(target: Path) -> None:
    """Bytes from another address are replaced."""
    leave_part(target, 500_000)
    assert resumed_size(target, "elsewhere") == 0


def test_a_part_that_cannot_be_resumed_is_removed(target: Path) -> None:
    """Without a validator, no part is left."""
    leave_part(target, 500_000, None)
    assert list(target.parent.iterdir()) == []


def test_a_part_that_is_a_link_is_not_written_through(target: Path, tmp_path: Path) -> None:
    """The target of a link in place of the part is unchanged."""
    precious = tmp_path / "precious"
    leave_part(target, 500_000)
    part_path(target).rename(precious)
    before = precious.read_bytes()
    part_path(target).symlink_to(precious)
    assert resumed_size(target) == 0
    assert precious.read_bytes() == before


def test_a_stop_while_the_part_is_read_keeps_it(target: Path) -> None:
    """Ctrl-C while a long part is checked does not lose any of it."""

    def stop() -> None:
        raise KeyboardInterrupt

    leave_part(target, 500_000)
    with pytest.raises(KeyboardInterrupt), PartFile(target) as part:
        part.resume_from("u", stop)
    assert resumed_size(target) == 500_000


def test_the_record_grows_during_the_transfer(target: Path) -> None:
    """When a process is killed, its record has all bytes but the last megabyte."""
    found = target.with_name("found.fits")
    with PartFile(target) as part:
        part.begin(SOURCE)
        part.write(CONTENT[:1_100_000])
        part.write(CONTENT[1_100_000:1_100_100])
        # Nothing is closed here, as for another process after kill -9.
        shutil.copy(part_path(target), part_path(found))
        shutil.copy(record_path(target), record_path(found))
    assert resumed_size(found) == 1_100_000


def test_the_lock_is_exclusive_and_its_file_is_removed(target: Path) -> None:
    """Only one of many threads holds the lock at a time, and no lock file is left."""
    alone: list[bool] = []
    held = threading.Lock()

    def work() -> None:
        for _ in range(5):
            with exclusive_lock(target, lambda: False):
                is_alone = held.acquire(blocking=False)
                alone.append(is_alone)
                # Give another thread time to acquire the lock.
                threading.Event().wait(0.005)
                if is_alone:
                    held.release()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert alone == [True] * 30
    assert list(target.parent.iterdir()) == []


def can_lock(target: Path) -> bool:
    """Return whether another thread can acquire the lock without waiting."""

    def come_in() -> bool:
        try:
            with exclusive_lock(target, lambda: True):
                return True
        except filelock.Timeout:
            return False

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(come_in).result()


def test_waiting_for_a_lock_can_be_stopped(target: Path) -> None:
    """While waiting, the caller is asked whether to continue."""
    with exclusive_lock(target, lambda: False):
        assert not can_lock(target)
    assert not lock_path(target).exists()
    assert can_lock(target)


def test_a_disk_without_locks_gets_a_lock_file(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system has no locks, the existence of a file is used as a lock."""
    fcntl = pytest.importorskip("fcntl")

    def no_locks(_fd: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with exclusive_lock(target, lambda: False):
        assert not can_lock(target)
    assert list(target.parent.iterdir()) == []
