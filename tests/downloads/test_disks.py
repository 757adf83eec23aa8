"""Disks that cannot lock, sync or rename at once, and locks that were left behind: the file comes all the same."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from astroquery_mast import Observations
from astroquery_mast.sandbox import Sandbox


@pytest.fixture
def product(mast_sandbox: Sandbox) -> Table:
    """Return a small product."""
    products = Observations.get_product_list(Observations.query_criteria(proposal_id="10452")[:1], verbose=False)
    return products[np.argsort(products["size"])][:1]


def without_locks(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the disk refuse to lock files, as NFS without its lock service does."""
    fcntl = pytest.importorskip("fcntl")

    def refuse(_handle: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.parametrize("content", [b"4507\nnode-042\n815394622434467538\n", b""], ids=["another host", "empty"])
def test_a_marker_that_was_left_behind_is_taken_over(
    product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """What a killed job on another computer has left does not make later calls wait."""
    without_locks(monkeypatch, errno.ENOLCK)
    planned = Observations.download_products(product, download_dir=tmp_path, dry_run=True)
    path = Path(planned["Local Path"][0])
    marker = path.with_name(f"{path.name}.part.soft")
    marker.parent.mkdir(parents=True)
    marker.write_bytes(content)
    os.utime(marker, (0, 0))
    manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False, timeout=60)
    assert manifest["Status"][0] == "COMPLETE"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_waiting_for_another_process_is_said_and_bounded(
    product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A marker that is in use is waited for until the time is over, and the log says for whom."""
    without_locks(monkeypatch, errno.ENOLCK)
    monkeypatch.setattr("astroquery_mast.downloads.destination._SAID_AFTER", 0.0)
    planned = Observations.download_products(product, download_dir=tmp_path, dry_run=True)
    path = Path(planned["Local Path"][0])
    path.parent.mkdir(parents=True)
    path.with_name(f"{path.name}.part.soft").write_text("4507\nnode-042\n815394622434467538\n")
    with caplog.at_level("INFO", logger="astroquery"):
        manifest = Observations.download_products(
            product, download_dir=tmp_path, verbose=False, timeout=0.5, on_error="ignore"
        )
    assert manifest["Status"][0] == "ERROR"
    assert "process 4507 on node-042" in caplog.text


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_disk_that_cannot_sync_gets_the_file(
    product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A shared folder that refuses fsync is no reason to throw away a whole file."""

    def refuse(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False)
    assert manifest["Status"][0] == "COMPLETE"


def test_a_rename_that_is_refused_once_is_tried_again(
    product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virus scanner that has the file open for a moment costs nothing; a lasting refusal is an error."""
    replace, refusals = Path.replace, [PermissionError(errno.EACCES, "in use")]

    def refuse_once(path: Path, target: Path) -> Path:
        if refusals and path.name.endswith(".part"):
            raise refusals.pop()
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse_once)
    manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False)
    assert manifest["Status"][0] == "COMPLETE"
    assert not refusals


def test_the_last_access_is_now(product: Table, tmp_path: Path) -> None:
    """The last change is the archive's, the last access is not: some disks remove what was not looked at for long."""
    manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False)
    found = Path(manifest["Local Path"][0]).stat()
    assert found.st_mtime < found.st_atime
    assert time.time() - found.st_atime < 3600


def test_too_little_space_is_told_before_anything_is_fetched(
    product: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The sizes in the catalog are compared with what the disk has left."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: usage._replace(free=1000))
    with caplog.at_level("WARNING", logger="astroquery"):
        Observations.download_products(product, download_dir=tmp_path / "new", verbose=False)
    assert "has 0.0 MB left" in caplog.text
