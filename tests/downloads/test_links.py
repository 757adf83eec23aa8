"""Links and odd files in the download folder: what somebody else has put there leads nowhere, and stops nothing."""

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

pytestmark = pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there, and there are no pipes")


@pytest.fixture
def planned(small_products: Table, service: str, tmp_path: Path) -> PlannedFile:
    """Return the plan for a file, whose folder is not there yet."""
    folder = tmp_path / "in"
    folder.mkdir()
    (file,) = plan(small_products[:1], base_dir=folder, download_url=service, disk=LOCAL_FILES)
    return file


@pytest.fixture
def plant(planned: PlannedFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Return what puts another user's link in the place of the file's folder."""

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
    """What belongs to somebody else when the file is opened leads nowhere, whatever the plan saw."""
    elsewhere = plant()
    result = download_file(planned, open_url)
    assert result.status == "ERROR"
    assert "it is a broken link, or a link of another user" in str(result.message)
    assert not list(elsewhere.iterdir())


def test_a_link_planted_while_the_bytes_come_is_not_followed(
    planned: PlannedFile, open_url: OpenUrl, plant: Callable[[], Path]
) -> None:
    """The folder may be replaced at any time before the file has its name."""
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
    """A folder that is still the same is not walked through again when the file is opened, and when it is named."""
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
    """A folder that has become another user's link since is as good as none, for a file that is to come again."""
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


def test_another_users_link_for_the_whole_folder_is_not_followed(
    client: ObservationsClass, small_products: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder mastDownload lies in the one that the user named, and is no safer than the others."""
    base, elsewhere = tmp_path / "in", tmp_path / "elsewhere"
    base.mkdir()
    elsewhere.mkdir()
    (base / "mastDownload").symlink_to(elsewhere)
    given_away(base / "mastDownload", monkeypatch)
    manifest = client.download_products(small_products[:1], download_dir=base, verbose=False, on_error="ignore")
    assert manifest["Status"][0] == "ERROR"
    assert not list(elsewhere.iterdir())


def pipe(path: Path) -> None:
    """Make a pipe that nobody reads or writes."""
    os.mkfifo(path)


def endless(path: Path) -> None:
    """Make a link to a device that never ends."""
    path.symlink_to("/dev/zero")


def nested(path: Path) -> None:
    """Write JSON of more levels than can be read."""
    path.write_text("[" * 100_000)


ODD = pytest.mark.parametrize("odd", [pipe, endless, nested])


@ODD
def test_an_odd_record_of_a_part_is_replaced(
    planned: PlannedFile, open_url: OpenUrl, odd: Callable[[Path], None]
) -> None:
    """What lies in the place of the record is no record, and the file comes from its first byte."""
    planned.local_path.parent.mkdir(parents=True)
    part_path(planned.local_path).write_bytes(b"begun")
    odd(record_path(planned.local_path))
    assert download_file(planned, open_url).status == "COMPLETE"
    assert [path.name for path in planned.local_path.parent.iterdir()] == [planned.local_path.name]


@ODD
def test_an_odd_register_is_passed_over(
    client: ObservationsClass, small_products: Table, tmp_path: Path, odd: Callable[[Path], None]
) -> None:
    """Files come, and are known by their names and sizes."""
    odd(tmp_path / REGISTER)
    assert recorded_names(tmp_path) == {}
    manifest = client.download_products(small_products[:2], download_dir=tmp_path, flat=True, verbose=False)
    assert list(manifest["Status"]) == ["COMPLETE", "COMPLETE"]


def test_a_pipe_in_the_place_of_a_file_is_changed(
    client: ObservationsClass, small_products: Table, tmp_path: Path
) -> None:
    """A check of what was downloaded does not wait for somebody to write into a pipe."""
    manifest = client.download_products(small_products[:1], download_dir=tmp_path, verbose=False)
    path = Path(manifest["Local Path"][0])
    path.unlink()
    pipe(path)
    found = client.verify_downloads(manifest, verbose=False)
    assert found["Status"][0] == "CHANGED"
    assert found["Message"][0] == "Not a regular file."
