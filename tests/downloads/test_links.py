"""Links and odd files of other users in the download folder are not followed, and do not stop downloads."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from astropy.table import Table
from transfers import given_away

from astroquery_mast.downloads.destination import LOCAL_FILES, recorded_names
from astroquery_mast.downloads.part_file import part_path, record_path
from astroquery_mast.downloads.transfer import OpenUrl, download_file
from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.products.file_names import REGISTER
from astroquery_mast.products.plan import PlannedFile, plan

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no named pipes, and links need privileges")


@pytest.fixture
def planned(small_products: Table, service: str, tmp_path: Path) -> PlannedFile:
    """Return the plan for a file whose folder does not exist yet."""
    folder = tmp_path / "in"
    folder.mkdir()
    (file,) = plan(small_products[:1], base_dir=folder, download_url=service, disk=LOCAL_FILES)
    return file


@pytest.fixture
def plant(planned: PlannedFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Return a function that replaces the folder of the file by another user's link."""

    def put() -> Path:
        folder, elsewhere = planned.local_path.parent, tmp_path / "elsewhere"
        elsewhere.mkdir()
        if folder.exists():
            folder.rename(tmp_path / "away")
        folder.parent.mkdir(exist_ok=True)
        folder.symlink_to(elsewhere)
        given_away(folder, monkeypatch)
        return elsewhere

    return put


def test_a_link_planted_after_the_plan_is_not_followed(
    planned: PlannedFile, open_url: OpenUrl, plant: Callable[[], Path]
) -> None:
    """A link that belongs to another user when the file is opened is not followed, regardless of the plan."""
    elsewhere = plant()
    result = download_file(planned, open_url)
    assert result.status == "ERROR"
    assert "it is a broken link, or a link of another user" in str(result.message)
    assert not list(elsewhere.iterdir())


def test_a_link_planted_during_the_transfer_is_not_followed(
    planned: PlannedFile, open_url: OpenUrl, plant: Callable[[], Path]
) -> None:
    """The folder may be replaced at any time before the file is renamed."""
    planted: list[Path] = []

    def opened(url: str, headers: Mapping[str, str]) -> requests.Response:
        response = open_url(url, headers)
        planted.append(plant())
        return response

    result = download_file(planned, opened)
    assert result.status == "ERROR"
    assert not list(planted[0].iterdir())


def test_links_are_followed_once_for_each_file(
    planned: PlannedFile, open_url: OpenUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unchanged folder is not resolved again when the file is opened and renamed."""
    planned.local_path.parent.mkdir(parents=True)
    followed: list[Path] = []
    resolve = type(LOCAL_FILES).resolve

    def counted(disk: Any, path: Path) -> Path:
        followed.append(path)
        return resolve(disk, path)

    monkeypatch.setattr(type(LOCAL_FILES), "resolve", counted)
    assert download_file(planned, open_url).status == "COMPLETE"
    assert sorted(followed) == sorted([planned.download_dir, planned.local_path.parent])


def test_retry_does_not_follow_the_link_of_another_user(
    client: ObservationsClass, small_products: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that has become another user's link is not used when a file is downloaded again."""
    base, elsewhere = tmp_path / "in", tmp_path / "elsewhere"
    manifest = client.download_products(small_products[:1], download_dir=base, verbose=False)
    folder = Path(manifest["Local Path"][0]).parent
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    (elsewhere / Path(manifest["Local Path"][0]).name).unlink()
    given_away(folder, monkeypatch)
    retried = client.retry_downloads(client.verify_downloads(manifest, verbose=False), verbose=False, on_error="ignore")
    assert retried["Status"][0] == "ERROR"
    assert "it is a broken link, or a link of another user" in retried["Message"][0]
    assert not list(elsewhere.iterdir())


def test_another_users_link_for_the_base_folder_is_not_followed(
    client: ObservationsClass, small_products: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder mastDownload in the download folder is checked like the folders below it."""
    base, elsewhere = tmp_path / "in", tmp_path / "elsewhere"
    base.mkdir()
    elsewhere.mkdir()
    (base / "mastDownload").symlink_to(elsewhere)
    given_away(base / "mastDownload", monkeypatch)
    manifest = client.download_products(small_products[:1], download_dir=base, verbose=False, on_error="ignore")
    assert manifest["Status"][0] == "ERROR"
    assert not list(elsewhere.iterdir())


def pipe(path: Path) -> None:
    """Make a named pipe without reader or writer."""
    os.mkfifo(path)


def endless(path: Path) -> None:
    """Make a link to an endless device."""
    path.symlink_to("/dev/zero")


def nested(path: Path) -> None:
    """Write JSON that is nested too deeply to be read."""
    path.write_text("[" * 100_000)


ODD = pytest.mark.parametrize("odd", [pipe, endless, nested])


@ODD
def test_an_invalid_record_of_a_part_is_replaced(
    planned: PlannedFile, open_url: OpenUrl, odd: Callable[[Path], None]
) -> None:
    """Any other file under the name of the record is ignored, and the download starts from the first byte."""
    planned.local_path.parent.mkdir(parents=True)
    part_path(planned.local_path).write_bytes(b"begun")
    odd(record_path(planned.local_path))
    assert download_file(planned, open_url).status == "COMPLETE"
    assert [path.name for path in planned.local_path.parent.iterdir()] == [planned.local_path.name]


@ODD
def test_an_invalid_register_is_ignored(
    client: ObservationsClass, small_products: Table, tmp_path: Path, odd: Callable[[Path], None]
) -> None:
    """Files are downloaded, and identified by name and size."""
    odd(tmp_path / REGISTER)
    assert recorded_names(tmp_path) == {}
    manifest = client.download_products(small_products[:2], download_dir=tmp_path, flat=True, verbose=False)
    assert list(manifest["Status"]) == ["COMPLETE", "COMPLETE"]


def test_a_pipe_in_place_of_a_file_is_changed(client: ObservationsClass, small_products: Table, tmp_path: Path) -> None:
    """Verification does not block on a pipe."""
    manifest = client.download_products(small_products[:1], download_dir=tmp_path, verbose=False)
    path = Path(manifest["Local Path"][0])
    path.unlink()
    pipe(path)
    found = client.verify_downloads(manifest, verbose=False)
    assert found["Status"][0] == "CHANGED"
    assert found["Message"][0] == "Not a regular file."
