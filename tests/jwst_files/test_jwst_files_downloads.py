"""Downloads of JWST files, verified with the MD5 digests of MAST, from the table of a query."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits
from astropy.table import Table

from astroquery_mast import JwstFiles, JwstFilesClass, Observations
from astroquery_mast.exceptions import DownloadError, NoResultsWarning
from astroquery_mast.products.keyword_rows import files_as_products
from astroquery_mast.sandbox import Fault, Sandbox

GUIDING = {"program": 1386, "instrument": "GuideStar", "suffix": "gs-id_1_cal"}


@pytest.fixture
def table(mast_sandbox: Sandbox) -> Table:
    """Return a table of a few small files."""
    del mast_sandbox
    return JwstFiles.query_criteria(**GUIDING)[:3]


def wrong(name: str, value: Any) -> Fault:
    """Return a fault that replaces the values of a column in all rows."""
    return Fault.edit(lambda answer: {**answer, "data": [{**row, name: value} for row in answer["data"]]})


def files_in(folder: Path) -> list[Path]:
    """Return all files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_table_of_a_query_is_downloaded(table: Table, tmp_path: Path) -> None:
    """Files are complete, in the folders of their observations, and the manifest has the digests of the catalog."""
    manifest = JwstFiles.download_products(table, download_dir=tmp_path)
    assert list(manifest["Status"]) == ["COMPLETE"] * 3
    assert list(manifest["Checksum"]) == list(table["checksum"])
    assert list(manifest["Catalog Size"]) == list(table["fileSize"])
    for path, name, digest in zip(manifest["Local Path"], table["filename"], table["checksum"], strict=True):
        stem = name.rpartition("_")[0]
        assert Path(path) == tmp_path / "mastDownload" / "JWST" / stem / name
        assert hashlib.md5(Path(path).read_bytes()).hexdigest() == digest
        assert fits.getheader(path)["FILENAME"] == name


@pytest.mark.parametrize("form", ["table", "row", "rows", "columns", "few columns"])
def test_observations_accepts_the_same_forms(table: Table, tmp_path: Path, form: str) -> None:
    """The client for observations downloads and verifies the files in the same places."""
    forms = {
        "table": table,
        "row": table[0],
        "rows": list(table),
        "columns": list(table["dataURI"]),
        "few columns": table[["dataURI", "filename", "fileSize", "checksum"]],
    }
    manifest = Observations.download_products(forms[form], download_dir=tmp_path)
    assert set(manifest["Status"]) == {"COMPLETE"}
    stems = {path.parent.name for path in files_in(tmp_path)}
    assert stems <= {name.rpartition("_")[0] for name in table["filename"]}
    if form != "columns":
        assert list(manifest["Checksum"]) == list(table["checksum"])[: len(manifest)]


@pytest.mark.parametrize("client", [JwstFiles, Observations])
def test_a_wrong_md5_raises_and_leaves_no_file(mast_sandbox: Sandbox, tmp_path: Path, client: Any) -> None:
    """A file that differs from the catalog is not kept."""
    mast_sandbox.faults.add("invoke", wrong("checksum", "0" * 32), times=None)
    table = JwstFilesClass().query_criteria(**GUIDING)[:2]
    mast_sandbox.faults.clear()
    manifest = client.download_products(table, download_dir=tmp_path)
    assert set(manifest["Status"]) == {"ERROR"}
    assert all("MD5" in message and "from the catalog" in message for message in manifest["Message"])
    assert files_in(tmp_path) == []
    with pytest.raises(DownloadError, match="MD5"):
        client.download_products(table, download_dir=tmp_path, on_error="raise")


def test_changed_bytes_are_detected(table: Table, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A file of the same length with one different byte is downloaded again."""
    content = bytearray(mast_sandbox.archive.render(table["dataURI"][0]))
    content[-1] ^= 1
    spoiled = Fault.answer(bytes(content), content_type="application/fits")
    mast_sandbox.faults.add("download", spoiled, times=1)
    manifest = JwstFiles.download_products(table[:1], download_dir=tmp_path)
    assert list(manifest["Status"]) == ["COMPLETE"]
    assert hashlib.md5(Path(manifest["Local Path"][0]).read_bytes()).hexdigest() == table["checksum"][0]
    mast_sandbox.faults.add("download", spoiled, times=None)
    manifest = JwstFiles.download_products(table[:1], download_dir=tmp_path / "other")
    assert list(manifest["Status"]) == ["ERROR"]
    assert files_in(tmp_path / "other") == []


def test_a_verified_file_needs_no_request(table: Table, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A file on disk with MAST's digest is kept."""
    JwstFiles.download_products(table, download_dir=tmp_path)
    mast_sandbox.requests.clear()
    again = JwstFiles.download_products(table, download_dir=tmp_path)
    assert list(again["Status"]) == ["COMPLETE"] * 3
    assert mast_sandbox.requests.of("download") == []
    plan = JwstFiles.download_products(table, download_dir=tmp_path, dry_run=True)
    assert set(plan["Action"]) == {"keep"}
    assert set(plan["Reason"]) == {"on disk, MD5 matches the catalog"}


def test_an_old_file_of_the_same_size_is_downloaded_again(table: Table, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Reprocessed files often have the same size, and are recognized by their digest."""
    JwstFiles.download_products(table, download_dir=tmp_path)
    mast_sandbox.reprocess(table["filename"][0], same_size=True)
    new = JwstFilesClass().query_criteria(**GUIDING)[:3]
    assert list(new["fileSize"]) == list(table["fileSize"])
    plan = JwstFiles.download_products(new, download_dir=tmp_path, dry_run=True)
    assert list(plan["Action"]) == ["fetch", "keep", "keep"]
    manifest = JwstFiles.download_products(new, download_dir=tmp_path)
    assert hashlib.md5(Path(manifest["Local Path"][0]).read_bytes()).hexdigest() == new["checksum"][0]
    kept = JwstFiles.download_products(table, download_dir=tmp_path, overwrite="never", dry_run=True)
    assert set(kept["Action"]) == {"keep"}


def test_a_manifest_is_verified_and_retried(table: Table, tmp_path: Path) -> None:
    """The methods for manifests are those of all clients with files, and use the digest."""
    manifest = JwstFiles.download_products(table, download_dir=tmp_path)
    Path(manifest["Local Path"][1]).unlink()
    found = JwstFiles.verify_downloads(manifest)
    assert list(found["Status"]) == ["OK", "MISSING", "OK"]
    again = JwstFiles.retry_downloads(found)
    assert list(again["Status"]) == ["OK", "COMPLETE", "OK"]
    assert list(again["Checksum"]) == list(table["checksum"])


def test_exclusive_files_need_a_login(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The table marks them as restricted, and with a login they are downloaded and verified."""
    table = JwstFiles.query_criteria(program=6780, suffix="i2d", limit=None)[:1]
    assert table["isRestricted"][0]
    refused = JwstFiles.download_products(table, download_dir=tmp_path)
    assert list(refused["Status"]) == ["ERROR"]
    assert "6780" in refused["Message"][0]
    member = JwstFilesClass(mast_sandbox.token)
    assert list(member.download_products(table, download_dir=tmp_path)["Status"]) == ["COMPLETE"]


def test_tables_work_with_filters_and_path_templates(table: Table, tmp_path: Path) -> None:
    """Columns of the table can be used in filters and folder names."""
    manifest = JwstFiles.download_products(
        table, download_dir=tmp_path, path_template="{program}/{exp_type}/{productFilename}"
    )
    assert {Path(path).parent for path in manifest["Local Path"]} == {tmp_path / "1386" / "FGS_ID"}
    with pytest.warns(NoResultsWarning):
        assert JwstFiles.download_products(table, exp_type="FGS_ACQ1") is None


def test_other_tables_are_not_changed() -> None:
    """Only tables of the keyword services get the columns of products."""
    other = Table({"dataURI": ["mast:HST/product/a.fits"], "obs_id": ["a"]})
    assert files_as_products(other) is other
    listed = Table({"dataURI": ["mast:JWST/product/jw1_a.fits"], "filename": ["jw1_a.fits"], "fileSize": [3]})
    made = files_as_products(listed)
    assert made["obs_id"][0] == "jw1"
    assert made["size"][0] == 3
    assert listed.colnames == ["dataURI", "filename", "fileSize"]


def test_an_impossible_size_is_ignored(table: Table, tmp_path: Path) -> None:
    """A number that is larger than any file is treated as an unknown size."""
    table["fileSize"] = [2**64, 10**30, 3][: len(table)]
    manifest = JwstFiles.download_products(table[:2], download_dir=tmp_path)
    assert list(manifest["Status"]) == ["COMPLETE", "COMPLETE"]
    assert all(manifest["Catalog Size"].mask)
