"""Updates of JWST files on disk: which files are downloaded or kept, and what is reported."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import JwstFiles, JwstFilesClass
from astroquery_mast.exceptions import DownloadError, InputWarning, InvalidQueryError, RemoteServiceError
from astroquery_mast.jwst_files.newest_files import JWST_FILE
from astroquery_mast.jwst_files.refresh import SUPERSEDED, local_files
from astroquery_mast.products.manifest import Manifest
from astroquery_mast.sandbox import Fault, Sandbox

GUIDING = {"program": 1386, "instrument": "GuideStar", "suffix": "gs-id_1_cal"}
NEW = {"cal_ver": "1.19.1", "crds_ctx": "jwst_1400.pmap"}


@pytest.fixture
def manifest(mast_sandbox: Sandbox, tmp_path: Path) -> Manifest:
    """Return the manifest of four files that are identical to those of MAST."""
    del mast_sandbox
    table = JwstFiles.query_criteria(**GUIDING)[:4]
    return JwstFiles.download_products(table, download_dir=tmp_path / "data", verbose=False)


def paths_of(manifest: Table) -> list[Path]:
    """Return the paths of files."""
    return [Path(path) for path in manifest["Local Path"]]


def kept_below(folder: Path) -> list[Path]:
    """Return the old files that were kept."""
    return [path for path in folder.rglob("*.fits") if path.parent.name.startswith(SUPERSEDED)]


def md5(path: Path) -> str:
    """Return the digest of a file."""
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_current_files_are_not_changed(manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Nothing is downloaded, and every file has a reason."""
    mast_sandbox.requests.clear()
    found = JwstFiles.refresh(tmp_path / "data")
    assert set(found["Status"]) == {"OK"}
    assert set(found["Reason"]) == {"MD5 matches MAST"}
    assert {*paths_of(found)} == {*paths_of(manifest)}
    assert mast_sandbox.requests.of("download") == []
    assert len(mast_sandbox.requests.of("invoke")) <= 2  # for the columns, on first use, and for the files


@pytest.mark.parametrize("same_size", [True, False])
def test_only_reprocessed_files_are_downloaded(
    manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path, same_size: bool
) -> None:
    """The new file replaces the old one, which is kept in a subfolder."""
    paths = paths_of(manifest)
    before = md5(paths[1])
    mast_sandbox.reprocess(paths[1].name, same_size=same_size, **NEW)
    mast_sandbox.requests.clear()
    found = JwstFiles.refresh(manifest)
    assert list(found["Status"]) == ["OK", "COMPLETE", "OK", "OK"]
    assert len({record.path for record in mast_sandbox.requests.of("download")}) == 1
    assert "CAL_VER 1.18.0 -> 1.19.1, CRDS_CTX jwst_1364.pmap -> jwst_1400.pmap" in found["Reason"][1]
    assert md5(paths[1]) == found["Checksum"][1] != before
    assert fits.getheader(paths[1])["CAL_VER"] == "1.19.1"
    (kept,) = kept_below(tmp_path)
    assert str(kept) == found["Kept As"][1]
    assert md5(kept) == before
    assert list(found["Kept As"].mask) == [True, False, True, True]
    assert set(JwstFiles.refresh(tmp_path / "data")["Status"]) == {"OK"}


def test_old_files_are_discarded_on_request(manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """With replace=True only the new file is left."""
    mast_sandbox.reprocess("jw01386*", **NEW)
    found = JwstFiles.refresh(manifest, replace=True)
    assert set(found["Status"]) == {"COMPLETE"}
    assert kept_below(tmp_path) == []
    assert [md5(path) for path in paths_of(manifest)] == list(found["Checksum"])


def test_old_files_of_the_same_day_are_kept_separately(
    manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """If a file changes twice on a day, both old files are kept."""
    path = paths_of(manifest)[0]
    digests = set()
    for _ in range(2):
        digests.add(md5(path))
        mast_sandbox.reprocess(path.name, same_size=True)
        JwstFiles.refresh(path)
    assert {md5(kept) for kept in kept_below(tmp_path)} == digests
    assert len(digests) == 2


def test_a_dry_run_downloads_nothing(manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Outdated files are listed, and can be downloaded with retry_downloads."""
    paths = paths_of(manifest)
    mast_sandbox.reprocess(paths[2].name, **NEW)
    before = {path: md5(path) for path in paths}
    mast_sandbox.requests.clear()
    found = JwstFiles.refresh(tmp_path / "data", dry_run=True)
    assert sorted(found["Status"]) == ["CHANGED", "OK", "OK", "OK"]
    assert mast_sandbox.requests.of("download") == []
    assert {path: md5(path) for path in paths} == before
    assert kept_below(tmp_path) == []
    again = JwstFiles.retry_downloads(found)
    assert sorted(again["Status"]) == ["COMPLETE", "OK", "OK", "OK"]
    assert md5(paths[2]) != before[paths[2]]


def test_files_that_are_not_in_mast_are_listed(manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Files that MAST does not have are not changed."""
    paths = paths_of(manifest)
    mast_sandbox.remove(paths[0].name)
    own = tmp_path / "data" / "jw99999001001_nrca1_mine.fits"
    own.write_bytes(b"mine")
    (tmp_path / "data" / "notes.fits").write_bytes(b"not looked at")
    with pytest.warns(InputWarning, match=f"2 of 5 files not found in MAST.*{paths[0].name}"):
        found = JwstFiles.refresh(tmp_path / "data")
    assert sorted(found["Status"]) == ["OK", "OK", "OK", "SKIPPED", "SKIPPED"]
    assert own.read_bytes() == b"mine"
    assert paths[0].exists()


def test_missing_and_other_files_in_a_manifest(manifest: Manifest) -> None:
    """A missing file is not downloaded, and files of other missions are not looked up."""
    paths_of(manifest)[0].unlink()
    other = Path(paths_of(manifest)[1].parent, "j97c01010_drc.fits")
    other.write_bytes(b"x")
    found = JwstFiles.refresh([*paths_of(manifest), other])
    assert list(found["Status"]) == ["MISSING", "OK", "OK", "OK", "SKIPPED"]
    assert found["Reason"][4] == "not the name of a JWST FITS file"


def test_a_damaged_file_is_replaced(manifest: Manifest, tmp_path: Path) -> None:
    """A file with different bytes is outdated, even if its versions are the same."""
    path = paths_of(manifest)[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    found = JwstFiles.refresh(tmp_path / "data")
    (row,) = found[found["Status"] == "COMPLETE"]
    assert row["Reason"] == "MD5 differs from MAST"
    assert md5(path) == row["Checksum"]


@pytest.mark.parametrize("again", [True, False])
def test_versions_are_compared_without_a_digest(manifest: Manifest, mast_sandbox: Sandbox, again: bool) -> None:
    """CAL_VER and CRDS_CTX of the header are compared with those of the catalog."""
    if again:
        mast_sandbox.reprocess(paths_of(manifest)[0].name, same_size=True, **NEW)
    unknown = Fault.edit(lambda answer: {**answer, "data": [{**row, "checksum": None} for row in answer["data"]]})
    mast_sandbox.faults.add("invoke", unknown, times=None)
    found = JwstFiles.refresh(manifest, replace=True)
    assert list(found["Status"]) == (["COMPLETE"] if again else ["OK"]) + ["OK"] * 3
    if again:
        assert found["Reason"][0] == "CAL_VER 1.18.0 -> 1.19.1, CRDS_CTX jwst_1364.pmap -> jwst_1400.pmap"


def test_a_file_without_versions_is_skipped(manifest: Manifest, mast_sandbox: Sandbox) -> None:
    """A file without versions in its header is not changed if MAST has no digest."""
    path = paths_of(manifest)[0]
    path.write_bytes(b"\0" * path.stat().st_size)
    unknown = Fault.edit(lambda answer: {**answer, "data": [{**row, "checksum": ""} for row in answer["data"]]})
    mast_sandbox.faults.add("invoke", unknown, times=None)
    found = JwstFiles.refresh(path)
    assert (found["Status"][0], found["Reason"][0]) == ("SKIPPED", "no size, MD5 or versions to compare")


@pytest.mark.parametrize("fault", [
    Fault.status(404), Fault.cut(3000), Fault.answer(b"<html>down</html>", content_type="text/html"),
])  # fmt: skip
def test_a_failed_download_keeps_the_old_file(
    manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path, fault: Fault
) -> None:
    """There is a complete file under its name at all times, and no copy is left."""
    before = {path: md5(path) for path in paths_of(manifest)}
    mast_sandbox.reprocess("jw01386*", **NEW)
    mast_sandbox.faults.add("download", fault, times=None)
    found = JwstFiles.refresh(manifest)
    assert set(found["Status"]) == {"ERROR"}
    assert all(found["Message"])
    assert {path: md5(path) for path in before} == before
    assert kept_below(tmp_path) == []
    assert not list(tmp_path.rglob(f"{SUPERSEDED}*"))
    with pytest.raises(DownloadError) as error:
        JwstFiles.refresh(manifest, on_error="raise")
    assert "Reason" in error.value.manifest.colnames


def test_a_wrong_digest_keeps_the_old_file(manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The downloaded file must have MAST's digest."""
    before = {path: md5(path) for path in paths_of(manifest)}
    mistaken = Fault.edit(lambda answer: {**answer, "data": [{**row, "checksum": "f" * 32} for row in answer["data"]]})
    mast_sandbox.faults.add("invoke", mistaken, times=None)
    found = JwstFiles.refresh(manifest)
    assert set(found["Status"]) == {"ERROR"}
    assert all("MD5" in message for message in found["Message"])
    assert {path: md5(path) for path in before} == before
    assert kept_below(tmp_path) == []


def test_a_file_is_not_replaced_if_the_old_one_cannot_be_kept(
    manifest: Manifest, mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without space for the old file, the new one is not downloaded."""
    before = {path: md5(path) for path in paths_of(manifest)}
    mast_sandbox.reprocess("jw01386*", **NEW)

    def full(self: Path, *_args: Any, **_keywords: Any) -> None:
        raise OSError(28, "No space left on device", str(self))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", full)
        found = JwstFiles.refresh(manifest)
    assert set(found["Status"]) == {"ERROR"}
    assert all("cannot keep the old file" in message for message in found["Message"])
    assert {path: md5(path) for path in before} == before


def test_old_files_are_copied_without_hard_links(
    manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old file is copied if the file system has no hard links."""
    before = {md5(path) for path in paths_of(manifest)}
    mast_sandbox.reprocess("jw01386*", **NEW)

    def refuse(*_args: Any, **_keywords: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert set(JwstFiles.refresh(manifest)["Status"]) == {"COMPLETE"}
    assert {md5(path) for path in kept_below(tmp_path)} == before


def test_file_names_without_a_known_instrument(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Such a name, or one with the wrong instrument, is searched for in all services."""
    del mast_sandbox
    table = JwstFiles.query_criteria(program=1386, suffix="i2d", instrument="MIRI")[:1]
    JwstFiles.download_products(table, download_dir=tmp_path, flat=True)
    assert list(JwstFiles.refresh(tmp_path)["Status"]) == ["OK"]


def test_invalid_responses_change_no_files(manifest: Manifest, mast_sandbox: Sandbox) -> None:
    """Without a valid response no file is changed."""
    before = {path: md5(path) for path in paths_of(manifest)}
    for fault in (Fault.garbage(), Fault.status(503), Fault.truncate_json()):
        mast_sandbox.faults.clear()
        mast_sandbox.faults.add("invoke", fault, times=None)
        with pytest.raises(RemoteServiceError):
            JwstFiles.refresh(manifest)
    assert {path: md5(path) for path in before} == before


@pytest.mark.parametrize("given", [None, 3, [], [1, 2], "nowhere", Table({"a": [1]}), "s3"])
def test_invalid_input_raises(mast_sandbox: Sandbox, given: Any) -> None:
    """The error is raised before a request."""
    if given == "s3":
        given = Table({"Local Path": ["s3://bucket/jw01386001001_a.fits"], "Status": ["COMPLETE"]})
        pytest.importorskip("upath")
    with pytest.raises(InvalidQueryError):
        JwstFiles.refresh(given)
    assert len(mast_sandbox.requests) == 0


def test_manifests_are_read_from_files(manifest: Manifest, tmp_path: Path) -> None:
    """The path of a manifest, its rows, and paths of files are accepted."""
    manifest.write(tmp_path / "m.ecsv")
    for form in (tmp_path / "m.ecsv", str(tmp_path / "m.ecsv"), manifest, manifest[:], paths_of(manifest)):
        assert list(JwstFiles.refresh(form)["Status"]) == ["OK"] * 4
    assert list(JwstFiles.refresh(manifest[1])["Local Path"]) == [manifest["Local Path"][1]]
    assert list(JwstFiles.refresh(str(paths_of(manifest)[2]))["Status"]) == ["OK"]


def test_an_empty_folder_is_valid(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """There are no files to check, and nothing is requested."""
    found = JwstFiles.refresh(tmp_path)
    assert len(found) == 0
    assert {"Status", "Reason", "Kept As"} <= set(found.colnames)
    assert len(mast_sandbox.requests) == 0


_CHILD = """
import sys
from astroquery_mast import JwstFiles, conf
conf.server = sys.argv[1]
JwstFiles.refresh(sys.argv[2], verbose=False)
"""


def test_files_are_complete_after_a_kill(manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """After kill -9 each file is the old or the new one, and the next call downloads the rest."""
    old = {path.name: md5(path) for path in paths_of(manifest)}
    mast_sandbox.reprocess("jw01386*", **NEW)
    new = {path.name: mast_sandbox.archive.checksum(f"mast:JWST/product/{path.name}") for path in paths_of(manifest)}
    mast_sandbox.requests.clear()
    # The process is killed during the download of the second file.
    mast_sandbox.faults.add("download", Fault.delay(30), times=None, where=lambda record: _second(record, manifest))
    child = subprocess.Popen([sys.executable, "-c", _CHILD, mast_sandbox.url, str(tmp_path / "data")])
    try:
        while len(mast_sandbox.requests.of("download")) < len(old) and child.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                child.wait(0.05)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
    mast_sandbox.faults.clear()
    for path in paths_of(manifest):
        assert md5(path) in {old[path.name], new[path.name]}
    JwstFiles.refresh(tmp_path / "data")
    assert {path.name: md5(path) for path in paths_of(manifest)} == new


def _second(record: Any, manifest: Manifest) -> bool:
    """Return whether a request is for the second file."""
    return str(record.value("uri")).endswith(paths_of(manifest)[1].name)


@given(st.lists(st.sampled_from(["jw01386001001_a.fits", "x.fits", "jw1.fits", "jw01386_b.FITS", "jw01386_c.jpg"])))
def test_names_of_jwst_files(names: list[str]) -> None:
    """A name has a program number and an extension, in any case."""
    matching = [name for name in names if JWST_FILE.fullmatch(name)]
    assert matching == [name for name in names if name.startswith("jw01386") and name.lower().endswith(".fits")]


def test_kept_files_and_hidden_folders_are_skipped(tmp_path: Path) -> None:
    """Old files that were kept are not updated."""
    for folder in ("a", f"a/{SUPERSEDED}2026-01-01", ".hidden"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "jw01386001001_x.fits").write_bytes(b"")
    folder, paths = local_files(tmp_path)
    assert paths == [tmp_path / "a" / "jw01386001001_x.fits"]
    assert folder == tmp_path


def test_a_client_with_a_token_refreshes_exclusive_files(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Exclusive files are downloaded with a login, and not changed without one."""
    member = JwstFilesClass(mast_sandbox.token)
    table = member.query_criteria(program=6780, suffix="i2d")[:1]
    member.download_products(table, download_dir=tmp_path)
    mast_sandbox.reprocess(table["filename"][0], **NEW)
    refused = JwstFiles.refresh(tmp_path)
    assert list(refused["Status"]) == ["ERROR"]
    assert "401" in refused["Message"][0]
    assert list(member.refresh(tmp_path)["Status"]) == ["COMPLETE"]
