"""Disks that cannot lock, sync or rename, and stale locks: the file is downloaded in spite of them."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest
from astropy.table import Table

from astroquery_mast import Observations, Zcut
from astroquery_mast.downloads.destination import lock_path
from astroquery_mast.exceptions import InvalidArgumentError
from astroquery_mast.sandbox import Sandbox


@pytest.fixture
def product(mast_sandbox: Sandbox) -> Table:
    """Return a small product."""
    products = Observations.get_product_list(Observations.query_criteria(proposal_id="10452")[:1], verbose=False)
    return products[np.argsort(products["size"])][:1]


def without_locks(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Make the disk refuse locks, as NFS without its lock service does."""
    fcntl = pytest.importorskip("fcntl")

    def refuse(_handle: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)


OTHER = b"filelock/2\npid=4507\nhost=node-042\nmode=lease\ntoken=ab\nduration=0.2\n"


def planned_path(product: Table, folder: Path) -> Path:
    """Return the path of a product, in a folder that exists."""
    planned = Observations.download_products(product, download_dir=folder, dry_run=True)
    path = Path(planned["Local Path"][0])
    path.parent.mkdir(parents=True)
    return path


def test_a_stale_soft_lock_is_taken_over(product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of a killed job on another computer does not block later calls."""
    without_locks(monkeypatch, errno.ENOLCK)
    monkeypatch.setattr("astroquery_mast.downloads.destination._LEASE", 0.2)
    path = planned_path(product, tmp_path)
    path.with_name(f"{path.name}.mast.part.soft").write_bytes(OTHER)
    manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False, timeout=60)
    assert manifest["Status"][0] == "COMPLETE"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_waiting_for_another_process_is_logged(
    product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The call waits for a soft lock until its timeout, and the log names the holder."""
    without_locks(monkeypatch, errno.ENOLCK)
    monkeypatch.setattr("astroquery_mast.downloads.destination._LOG_AFTER", 0.0)
    path = planned_path(product, tmp_path)
    marker = path.with_name(f"{path.name}.mast.part.soft")
    marker.write_bytes(OTHER.replace(b"0.2", b"60.0"))
    with caplog.at_level("INFO", logger="astroquery"):
        manifest = Observations.download_products(
            product, download_dir=tmp_path, verbose=False, timeout=0.5, on_error="ignore"
        )
    assert manifest["Status"][0] == "ERROR"
    assert f"Another process holds {marker}" in manifest["Message"][0]
    assert "process 4507 on node-042" in caplog.text


def test_an_empty_soft_lock_is_named(product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock file without a process id may still be in use, so the message names it and the user decides."""
    without_locks(monkeypatch, errno.ENOLCK)
    monkeypatch.setattr("astroquery_mast.downloads.destination._IDLE", 0.1)
    path = planned_path(product, tmp_path)
    marker = path.with_name(f"{path.name}.mast.part.soft")
    marker.touch()
    manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False, on_error="ignore")
    assert f"{marker} and has written nothing" in manifest["Message"][0]


def test_waiting_ends_without_a_time_limit(product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the other process writes nothing, the message names the lock file to delete, and the lock stays."""
    monkeypatch.setattr("astroquery_mast.downloads.destination._IDLE", 0.1)
    path = planned_path(product, tmp_path)
    held = lock_path(path)
    with filelock.FileLock(held):
        manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False, on_error="ignore")
        assert f"another process holds the lock {held} and has written nothing" in manifest["Message"][0]
        assert "If that process is no longer running, delete the lock file" in manifest["Message"][0]
        assert held.exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EACCES])
def test_a_disk_without_locks_gets_the_file(
    product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """For every error code that means "no locks", the file is downloaded without messages or extra files."""
    without_locks(monkeypatch, number)
    manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False)
    path = Path(manifest["Local Path"][0])
    assert manifest["Status"][0] == "COMPLETE"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_soft_lock_that_cannot_be_renewed_is_an_error_of_the_file(
    product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without locks and threads, the file is an error in the manifest, and the call continues."""
    without_locks(monkeypatch, errno.ENOLCK)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False, on_error="ignore")
    assert manifest["Status"][0] == "ERROR"
    assert "can't start new thread" in manifest["Message"][0]


def test_another_lock_error_is_reported(product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other error of the lock is reported, and no lock file is left."""
    without_locks(monkeypatch, errno.EIO)
    manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False, on_error="ignore")
    assert "cannot lock j97c01010_trl.txt.mast.part.lock" in manifest["Message"][0]
    assert not list(Path(manifest["Local Path"][0]).parent.iterdir())


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_disk_that_cannot_sync_gets_the_file(
    product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A shared folder that refuses fsync does not fail a complete download."""

    def refuse(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False)
    assert manifest["Status"][0] == "COMPLETE"


def test_a_rename_that_is_refused_once_is_tried_again(
    product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that a virus scanner has open for a moment is renamed later; a lasting refusal is an error."""
    replace, refusals = Path.replace, [PermissionError(errno.EACCES, "in use")]

    def refuse_once(path: Path, target: Path) -> Path:
        if refusals and path.name.endswith(".part"):
            raise refusals.pop()
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse_once)
    manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False)
    assert manifest["Status"][0] == "COMPLETE"
    assert not refusals


def test_the_access_time_is_now(product: Table, tmp_path: Path) -> None:
    """The modification time is that of MAST, but not the access time: some disks delete files not accessed for long."""
    manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False)
    found = Path(manifest["Local Path"][0]).stat()
    assert found.st_mtime < found.st_atime
    assert time.time() - found.st_atime < 3600


def test_too_little_space_is_a_warning_before_the_download(
    product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The sizes in the catalog are compared with the free space."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: usage._replace(free=1000))
    with caplog.at_level("WARNING", logger="astroquery"):
        shown = Observations.download_products(product, download_dir=tmp_path / "new", dry_run=True, verbose=False)
    assert shown.meta["free_bytes"] == 1000
    assert caplog.text.count("has only 0.0 MB left") == 1
    Observations.download_products(product, download_dir=tmp_path / "new", verbose=False)
    assert caplog.text.count("has only 0.0 MB left") == 2


def test_unknown_free_space_is_none(
    product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that does not report its free space causes no error or warning."""

    def refuse(_place: object) -> None:
        raise OSError(errno.EACCES, "not to be looked at")

    monkeypatch.setattr(shutil, "disk_usage", refuse)
    shown = Observations.download_products(product, download_dir=tmp_path, dry_run=True, verbose=False)
    assert shown.meta["free_bytes"] is None
    assert "left" not in caplog.text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_stops_further_downloads(
    small_products: Table, mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """After three files in a row without space, the others are not requested; a retry downloads all later."""

    def full(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        manifest = Observations.download_products(
            small_products, download_dir=tmp_path, max_workers=1, verbose=False, on_error="ignore"
        )
    assert manifest["Status"].tolist() == ["ERROR"] * 12
    assert len(mast_sandbox.requests.of("download")) == 3
    assert [os.strerror(number) in message for message in manifest["Message"]] == [True] * 12
    told = [
        message.startswith("Not downloaded: the disk was full for 3 files in a row") for message in manifest["Message"]
    ]
    assert told == [False] * 3 + [True] * 9
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and ".part" not in path.name]
    again = Observations.retry_downloads(manifest, verbose=False)
    assert again["Status"].tolist() == ["COMPLETE"] * 12


def test_a_disk_with_space_for_some_files_gets_them(
    small_products: Table, mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large files that do not fit do not stop small files that do."""
    sync, calls = os.fsync, count()

    def sometimes_full(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode) and next(calls) % 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    monkeypatch.setattr(os, "fsync", sometimes_full)
    manifest = Observations.download_products(
        small_products, download_dir=tmp_path, max_workers=1, verbose=False, on_error="ignore"
    )
    assert manifest["Status"].tolist() == ["COMPLETE", "ERROR", "ERROR"] * 4


def test_files_that_are_flushed_to_disk_hold_no_connection(
    small_products: Table, mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two connections, a third file arrives while two others are flushed to disk."""
    sync, on_disk = os.fsync, threading.Barrier(3)

    def slow(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            on_disk.wait(10)
        sync(handle)

    monkeypatch.setattr(os, "fsync", slow)
    manifest = Observations.download_products(small_products, download_dir=tmp_path, max_workers=2, verbose=False)
    assert manifest["Status"].tolist() == ["COMPLETE"] * 12
    assert len({record.connection for record in mast_sandbox.requests.of("download")}) <= 2


def test_an_existing_file_needs_no_space(
    small_products: Table, mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk, existing files are still compared with MAST."""
    last = small_products[-1:]
    Observations.download_products(last, download_dir=tmp_path, verbose=False)

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    manifest = Observations.download_products(
        small_products,
        download_dir=tmp_path,
        overwrite="if-changed",
        max_workers=1,
        verbose=False,
        on_error="ignore",
    )
    assert manifest["Status"].tolist() == ["ERROR"] * 11 + ["COMPLETE"]


@pytest.fixture(params=["forbidden", "too long"])
def unusable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Yield a folder that this process has no permission to access."""
    if request.param == "too long":
        yield tmp_path / ("x" * 300)
        return
    folder, user = tmp_path / "forbidden", getattr(os, "geteuid", None)
    if user is None:
        pytest.skip("no such rights on this system")
    folder.mkdir(mode=0)
    is_root = user() == 0
    if is_root:  # root may access any folder
        os.seteuid(65534)
    yield folder / "below"
    if is_root:
        os.seteuid(0)
    folder.chmod(0o700)


@pytest.fixture
def at_hand(product: Table, tmp_path: Path) -> Table:
    """Return a product after one download, which imports all modules before permissions are changed."""
    for bundle in (None, "zip"):
        Observations.download_products(product, download_dir=tmp_path / "first", verbose=False, bundle=bundle)
    Zcut.download_cutouts("189.49206 62.20615", size=2, path=tmp_path / "first")
    return product


@pytest.mark.parametrize("options", [{}, {"bundle": "zip"}, {"bundle": "tar.gz"}, {"curl_flag": True}, {"flat": True}])
def test_an_inaccessible_folder_is_an_error_of_each_file(
    at_hand: Table, unusable: Path, options: dict[str, Any]
) -> None:
    """The manifest has a row with the reason for each file, and the call does not raise."""
    manifest = Observations.download_products(
        at_hand, download_dir=unusable, verbose=False, on_error="ignore", **options
    )
    assert list(manifest["Status"]) == ["ERROR"]
    assert "ermission denied" in manifest["Message"][0] or "too long" in manifest["Message"][0]
    assert list(Observations.retry_downloads(manifest, verbose=False, on_error="ignore")["Status"]) == ["ERROR"]
    Observations.verify_downloads(manifest, verbose=False)


def test_a_single_file_that_cannot_be_written_is_a_status(at_hand: Table, unusable: Path) -> None:
    """``download_file`` returns the status and the reason, and does not raise."""
    status, message, _ = Observations.download_file(at_hand["dataURI"][0], local_path=unusable, verbose=False)
    assert status == "ERROR"
    assert "ermission denied" in str(message) or "too long" in str(message)


def test_an_inaccessible_folder_for_cutouts_raises_before_the_request(
    at_hand: Table, unusable: Path, mast_sandbox: Sandbox
) -> None:
    """No request is sent if the files cannot be written."""
    mast_sandbox.requests.clear()
    with pytest.raises(InvalidArgumentError, match=r"Cannot use path='"):
        Zcut.download_cutouts("189.49206 62.20615", size=2, path=unusable)
    assert not len(mast_sandbox.requests)


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot remove a working directory")
def test_a_removed_working_directory_does_not_break_the_manifest(
    product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A download to another folder works after the working directory was removed."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    manifest = Observations.download_products(product, download_dir=tmp_path / "there", verbose=False)
    assert list(manifest["Status"]) == ["COMPLETE"]
