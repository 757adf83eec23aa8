"""JWST files on disk, brought up to date: what is fetched, what is kept, what is said."""

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
    """Four files that are the archive's."""
    del mast_sandbox
    table = JwstFiles.query_criteria(**GUIDING)[:4]
    return JwstFiles.download_products(table, download_dir=tmp_path / "data", verbose=False)


def paths_of(manifest: Table) -> list[Path]:
    """The places of files."""
    return [Path(path) for path in manifest["Local Path"]]


def kept_below(folder: Path) -> list[Path]:
    """Old files that were kept."""
    return [path for path in folder.rglob("*.fits") if path.parent.name.startswith(SUPERSEDED)]


def md5(path: Path) -> str:
    """The digest of a file."""
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_files_that_are_the_archives_are_left_alone(manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Nothing is fetched, and every file has a reason."""
    mast_sandbox.requests.clear()
    found = JwstFiles.refresh(tmp_path / "data")
    assert set(found["Status"]) == {"OK"}
    assert set(found["Reason"]) == {"MD5 matches MAST"}
    assert {*paths_of(found)} == {*paths_of(manifest)}
    assert mast_sandbox.requests.of("download") == []
    assert len(mast_sandbox.requests.of("invoke")) <= 2  # for the columns, the first time, and for the files


@pytest.mark.parametrize("same_size", [True, False])
def test_only_what_was_processed_again_is_fetched(
    manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path, same_size: bool
) -> None:
    """The new file takes the place of the old one, which is kept beside it."""
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


def test_old_files_are_given_up_on_request(manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """With replace=True the new file is all that is left."""
    mast_sandbox.reprocess("jw01386*", **NEW)
    found = JwstFiles.refresh(manifest, replace=True)
    assert set(found["Status"]) == {"COMPLETE"}
    assert kept_below(tmp_path) == []
    assert [md5(path) for path in paths_of(manifest)] == list(found["Checksum"])


def test_old_files_of_one_day_do_not_meet(manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A file that changes twice in a day leaves two old ones."""
    path = paths_of(manifest)[0]
    digests = set()
    for _ in range(2):
        digests.add(md5(path))
        mast_sandbox.reprocess(path.name, same_size=True)
        JwstFiles.refresh(path)
    assert {md5(kept) for kept in kept_below(tmp_path)} == digests
    assert len(digests) == 2


def test_a_dry_run_only_tells(manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """What is out of date is named and can be fetched by retry_downloads."""
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


def test_files_that_the_archive_does_not_know_are_named(
    manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Files of one's own, and those that are gone from the archive, are left as they are."""
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


def test_missing_and_foreign_files_of_a_manifest(manifest: Manifest) -> None:
    """What is not there is not fetched, and what is not of JWST is not asked for."""
    paths_of(manifest)[0].unlink()
    other = Path(paths_of(manifest)[1].parent, "j97c01010_drc.fits")
    other.write_bytes(b"x")
    found = JwstFiles.refresh([*paths_of(manifest), other])
    assert list(found["Status"]) == ["MISSING", "OK", "OK", "OK", "SKIPPED"]
    assert found["Reason"][4] == "not the name of a JWST FITS file"


def test_a_damaged_file_is_replaced(manifest: Manifest, tmp_path: Path) -> None:
    """Bytes that differ are no longer the archive's, whatever the versions say."""
    path = paths_of(manifest)[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    found = JwstFiles.refresh(tmp_path / "data")
    (row,) = found[found["Status"] == "COMPLETE"]
    assert row["Reason"] == "MD5 differs from MAST"
    assert md5(path) == row["Checksum"]


@pytest.mark.parametrize("again", [True, False])
def test_versions_tell_where_the_archive_has_no_digest(manifest: Manifest, mast_sandbox: Sandbox, again: bool) -> None:
    """Then CAL_VER and CRDS_CTX of the header are compared with those of the catalog."""
    if again:
        mast_sandbox.reprocess(paths_of(manifest)[0].name, same_size=True, **NEW)
    unknown = Fault.edit(lambda answer: {**answer, "data": [{**row, "checksum": None} for row in answer["data"]]})
    mast_sandbox.faults.add("invoke", unknown, times=None)
    found = JwstFiles.refresh(manifest, replace=True)
    assert list(found["Status"]) == (["COMPLETE"] if again else ["OK"]) + ["OK"] * 3
    if again:
        assert found["Reason"][0] == "CAL_VER 1.18.0 -> 1.19.1, CRDS_CTX jwst_1364.pmap -> jwst_1400.pmap"


def test_nothing_to_compare_by_is_said(manifest: Manifest, mast_sandbox: Sandbox) -> None:
    """A file whose header says nothing is left alone where the archive has no digest."""
    path = paths_of(manifest)[0]
    path.write_bytes(b"\0" * path.stat().st_size)
    unknown = Fault.edit(lambda answer: {**answer, "data": [{**row, "checksum": ""} for row in answer["data"]]})
    mast_sandbox.faults.add("invoke", unknown, times=None)
    found = JwstFiles.refresh(path)
    assert (found["Status"][0], found["Reason"][0]) == ("SKIPPED", "no size, MD5 or versions to compare")


@pytest.mark.parametrize("fault", [
    Fault.status(404), Fault.cut(3000), Fault.answer(b"<html>down</html>", content_type="text/html"),
])  # fmt: skip
def test_what_fails_leaves_the_old_file(
    manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path, fault: Fault
) -> None:
    """The file under its name is whole at every moment, and no copy of it is left."""
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


def test_a_wrong_digest_leaves_the_old_file(manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """What is fetched has to have the digest that the archive gave."""
    before = {path: md5(path) for path in paths_of(manifest)}
    mistaken = Fault.edit(lambda answer: {**answer, "data": [{**row, "checksum": "f" * 32} for row in answer["data"]]})
    mast_sandbox.faults.add("invoke", mistaken, times=None)
    found = JwstFiles.refresh(manifest)
    assert set(found["Status"]) == {"ERROR"}
    assert all("MD5" in message for message in found["Message"])
    assert {path: md5(path) for path in before} == before
    assert kept_below(tmp_path) == []


def test_old_files_that_cannot_be_kept_are_not_replaced(
    manifest: Manifest, mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without room for the old file there is no new one."""
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


def test_disks_without_links_have_copies(
    manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old file is copied where it cannot have a second name."""
    before = {md5(path) for path in paths_of(manifest)}
    mast_sandbox.reprocess("jw01386*", **NEW)

    def refuse(*_args: Any, **_keywords: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert set(JwstFiles.refresh(manifest)["Status"]) == {"COMPLETE"}
    assert {md5(path) for path in kept_below(tmp_path)} == before


def test_names_whose_instrument_is_not_told(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A name that tells nothing, or another instrument, is looked for everywhere."""
    del mast_sandbox
    table = JwstFiles.query_criteria(program=1386, suffix="i2d", instrument="MIRI")[:1]
    JwstFiles.download_products(table, download_dir=tmp_path, flat=True)
    assert list(JwstFiles.refresh(tmp_path)["Status"]) == ["OK"]


def test_broken_answers_fetch_nothing(manifest: Manifest, mast_sandbox: Sandbox) -> None:
    """Without the archive's word no file is touched."""
    before = {path: md5(path) for path in paths_of(manifest)}
    for fault in (Fault.garbage(), Fault.status(503), Fault.truncate_json()):
        mast_sandbox.faults.clear()
        mast_sandbox.faults.add("invoke", fault, times=None)
        with pytest.raises(RemoteServiceError):
            JwstFiles.refresh(manifest)
    assert {path: md5(path) for path in before} == before


@pytest.mark.parametrize("given", [None, 3, [], [1, 2], "nowhere", Table({"a": [1]}), "s3"])
def test_what_is_neither_files_nor_a_manifest(mast_sandbox: Sandbox, given: Any) -> None:
    """Nothing is asked."""
    if given == "s3":
        given = Table({"Local Path": ["s3://bucket/jw01386001001_a.fits"], "Status": ["COMPLETE"]})
        pytest.importorskip("upath")
    with pytest.raises(InvalidQueryError):
        JwstFiles.refresh(given)
    assert len(mast_sandbox.requests) == 0


def test_manifests_are_read_from_their_files(manifest: Manifest, tmp_path: Path) -> None:
    """The name of a manifest's file will do, and so will rows and names of files."""
    manifest.write(tmp_path / "m.ecsv")
    for form in (tmp_path / "m.ecsv", str(tmp_path / "m.ecsv"), manifest, manifest[:], paths_of(manifest)):
        assert list(JwstFiles.refresh(form)["Status"]) == ["OK"] * 4
    assert list(JwstFiles.refresh(manifest[1])["Local Path"]) == [manifest["Local Path"][1]]
    assert list(JwstFiles.refresh(str(paths_of(manifest)[2]))["Status"]) == ["OK"]


def test_an_empty_folder_is_no_mistake(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """There is nothing to do, and nothing is asked."""
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


def test_killed_at_any_moment_every_file_is_whole(manifest: Manifest, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """After kill -9 each name holds the old file or the new one, and the next call brings the rest."""
    old = {path.name: md5(path) for path in paths_of(manifest)}
    mast_sandbox.reprocess("jw01386*", **NEW)
    new = {path.name: mast_sandbox.archive.checksum(f"mast:JWST/product/{path.name}") for path in paths_of(manifest)}
    mast_sandbox.requests.clear()
    # The process dies while the second file is under way.
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
    """Whether a request is for the second file."""
    return str(record.value("uri")).endswith(paths_of(manifest)[1].name)


@given(st.lists(st.sampled_from(["jw01386001001_a.fits", "x.fits", "jw1.fits", "jw01386_b.FITS", "jw01386_c.jpg"])))
def test_names_of_files_of_jwst(names: list[str]) -> None:
    """Program number and ending, whatever the case."""
    matching = [name for name in names if JWST_FILE.fullmatch(name)]
    assert matching == [name for name in names if name.startswith("jw01386") and name.lower().endswith(".fits")]


def test_kept_files_and_hidden_folders_are_not_looked_at(tmp_path: Path) -> None:
    """What was superseded is not brought up to date."""
    for folder in ("a", f"a/{SUPERSEDED}2026-01-01", ".hidden"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "jw01386001001_x.fits").write_bytes(b"")
    folder, paths = local_files(tmp_path)
    assert paths == [tmp_path / "a" / "jw01386001001_x.fits"]
    assert folder == tmp_path


def test_a_client_of_its_own_refreshes_with_its_token(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Exclusive files are fetched with a login, and left alone without one."""
    member = JwstFilesClass(mast_sandbox.token)
    table = member.query_criteria(program=6780, suffix="i2d")[:1]
    member.download_products(table, download_dir=tmp_path)
    mast_sandbox.reprocess(table["filename"][0], **NEW)
    refused = JwstFiles.refresh(tmp_path)
    assert list(refused["Status"]) == ["ERROR"]
    assert "401" in refused["Message"][0]
    assert list(member.refresh(tmp_path)["Status"]) == ["COMPLETE"]
