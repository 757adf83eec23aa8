"""Manifests of earlier downloads: the state of the files, and retries of failed files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import Table

from astroquery_mast import Observations
from astroquery_mast.downloads.destination import LOCAL_FILES
from astroquery_mast.downloads.download import download
from astroquery_mast.downloads.sessions import SessionRecipe
from astroquery_mast.downloads.verify_and_retry import retry_downloads, verify_downloads
from astroquery_mast.exceptions import DownloadError, InvalidQueryError
from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.products.manifest import Manifest, Status, TransferResult, as_manifest
from astroquery_mast.products.plan import plan
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service.parallel import RunOptions


@pytest.fixture
def products(small_products: Table) -> Table:
    return small_products[:5]


def bring(client: ObservationsClass, products: Table, service: str, folder: Path) -> Manifest:
    planned = plan(products, base_dir=folder, download_url=service, disk=LOCAL_FILES)
    return as_manifest(
        download(planned, SessionRecipe.of(client._service), RunOptions(verbose=False, on_error="ignore"))
    )


@pytest.fixture
def manifest(client: ObservationsClass, products: Table, service: str, tmp_path: Path) -> Manifest:
    return bring(client, products, service, tmp_path)


def test_unchanged_files_are_ok(manifest: Manifest) -> None:
    """All rows are kept, and only the status differs; the given manifest is not modified."""
    found = verify_downloads(manifest)
    assert set(found["Status"]) == {"OK"}
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert list(found["SHA256"]) == list(manifest["SHA256"])
    assert all(message is None for message in found["Message"])


def test_missing_and_changed_files_are_found(manifest: Manifest, tmp_path: Path) -> None:
    """A deleted file, a shorter one, and one with a different byte are found (B2, D11)."""
    paths = [Path(path) for path in manifest["Local Path"]]
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes()[:-1])
    content = bytearray(paths[2].read_bytes())
    content[len(content) // 2] ^= 1
    paths[2].write_bytes(content)
    manifest.write(tmp_path / "m.ecsv")
    for given in (manifest, Table.read(tmp_path / "m.ecsv")):
        found = verify_downloads(given, verbose=False)
        assert list(found["Status"]) == ["MISSING", "CHANGED", "CHANGED", "OK", "OK"]
        assert f"expected {manifest['Size'][1]}" in found["Message"][1]
        assert f"expected {manifest['SHA256'][2]}" in found["Message"][2]


def test_a_file_kept_from_an_earlier_call_is_compared_by_size(
    client: ObservationsClass, products: Table, service: str, manifest: Manifest, tmp_path: Path
) -> None:
    """A file that was already on disk has no digest, so its size is compared."""
    kept = bring(client, products, service, tmp_path)
    assert kept["SHA256"].mask.all()
    Path(kept["Local Path"][0]).write_bytes(b"x")
    assert list(verify_downloads(kept)["Status"]) == ["CHANGED", *["OK"] * 4]


def test_a_failed_file_is_not_ok(tmp_path: Path) -> None:
    """An ERROR row is MISSING, or CHANGED if an older file exists, and its message is kept."""
    (tmp_path / "b").write_bytes(b"older")
    rows = [
        TransferResult(number, Status.ERROR, tmp_path / name, "HTTPError: 404", "u")
        for number, name in enumerate(["a", "b"])
    ]
    found = verify_downloads(as_manifest(rows))
    assert list(found["Status"]) == ["MISSING", "CHANGED"]
    assert all("HTTPError: 404" in message for message in found["Message"])


def test_a_folder_in_place_of_a_file_is_changed(tmp_path: Path) -> None:
    """A file that cannot be read is reported without an exception."""
    (tmp_path / "a").mkdir()
    row = TransferResult(0, Status.COMPLETE, tmp_path / "a", sha256="00" * 32)
    assert verify_downloads(as_manifest([row]))["Status"][0] == "CHANGED"


def test_a_manifest_of_astroquery_mast_can_be_verified(tmp_path: Path) -> None:
    """Four columns are enough to check which files exist."""
    (tmp_path / "a").write_bytes(b"a")
    paths = [str(tmp_path / name) for name in "ab"]
    peer = Table({"Local Path": paths, "Status": ["COMPLETE"] * 2, "Message": [None] * 2, "URL": [None] * 2})
    assert list(verify_downloads(peer)["Status"]) == ["OK", "MISSING"]


def test_a_table_that_is_not_a_manifest_raises(client: ObservationsClass) -> None:
    """Another table raises a query error that names the missing columns."""
    with pytest.raises(InvalidQueryError, match="'Local Path'"):
        verify_downloads(Table({"a": [1]}))
    with pytest.raises(InvalidQueryError, match="'Status'"):
        retry_downloads(
            Table({"Local Path": ["x"]}), SessionRecipe.of(client._service), download_url="u", options=RunOptions()
        )


def test_only_failed_rows_are_downloaded_again(
    client: ObservationsClass, products: Table, service: str, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A manifest read from a file downloads only what failed, without other requests (D5)."""
    unlucky = [str(products["dataURI"][number]) for number in (1, 3)]
    mast_sandbox.faults.add(
        "download", Fault.status(404), times=None, where=lambda record: record.value("uri") in unlucky
    )
    manifest = bring(client, products, service, tmp_path / "files")
    assert list(manifest["Status"]) == ["COMPLETE", "ERROR", "COMPLETE", "ERROR", "COMPLETE"]
    manifest.meta["night"] = "a bad one"
    manifest["mine"] = np.arange(5)
    manifest.write(tmp_path / "m.ecsv")
    mast_sandbox.faults.clear()
    mast_sandbox.requests.clear()
    again = retry_downloads(
        Table.read(tmp_path / "m.ecsv"),
        SessionRecipe.of(client._service),
        download_url=service,
        options=RunOptions(verbose=False),
    )
    assert sorted(record.value("uri") or "" for record in mast_sandbox.requests.of("download")) == sorted(unlucky)
    assert set(again["Status"]) == {"COMPLETE"}
    assert list(again["Local Path"]) == list(manifest["Local Path"])
    assert list(again["mine"]) == list(range(5))
    assert again.meta["night"] == "a bad one"
    for row, uri in zip(again, products["dataURI"], strict=True):
        assert Path(row["Local Path"]).read_bytes() == mast_sandbox.archive.render(str(uri))
    assert all(message is None for message in again["Message"])
    assert set(verify_downloads(again)["Status"]) == {"OK"}


def test_missing_and_changed_files_are_downloaded_again(
    client: ObservationsClass, manifest: Manifest, service: str, mast_sandbox: Sandbox
) -> None:
    """A missing and a changed file are downloaded, and unchanged ones are not requested."""
    paths = [Path(path) for path in manifest["Local Path"]]
    paths[0].unlink()
    paths[1].write_bytes(bytes(paths[1].stat().st_size))
    mast_sandbox.requests.clear()
    again = retry_downloads(
        verify_downloads(manifest),
        SessionRecipe.of(client._service),
        download_url=service,
        options=RunOptions(verbose=False),
    )
    assert list(again["Status"]) == ["COMPLETE", "COMPLETE", "OK", "OK", "OK"]
    assert len(mast_sandbox.requests.of("download")) == 2
    assert set(verify_downloads(again)["Status"]) == {"OK"}


def test_rows_that_fail_again_stay_errors(client: ObservationsClass, service: str, tmp_path: Path) -> None:
    """Rows that fail again, or cannot be requested, have the reason; on_error='raise' has all rows (D5)."""
    rows = [
        TransferResult(0, Status.COMPLETE, tmp_path / "a", size=1),
        TransferResult(1, Status.ERROR, tmp_path / "b", "reset", uri="mast:HST/product/absent.fits"),
        TransferResult(2, Status.ERROR, tmp_path / "c", "reset"),
        TransferResult(3, Status.ERROR, tmp_path / "all.zip", "reset", uri="mast:HST/product/d.fits"),
        TransferResult(4, Status.ERROR, tmp_path / "all.zip", "reset", uri="mast:HST/product/e.fits"),
    ]
    with pytest.raises(DownloadError, match="4 of 4 files") as raised:
        retry_downloads(
            as_manifest(rows),
            SessionRecipe.of(client._service),
            download_url=service,
            options=RunOptions(on_error="raise", verbose=False),
        )
    again = raised.value.manifest
    assert list(again["Status"]) == ["COMPLETE", *["ERROR"] * 4]
    assert "404" in again["Message"][1]
    assert "no dataURI" in again["Message"][2]
    assert "2 rows have the path" in again["Message"][3]


@pytest.mark.parametrize("kind", ["fits", "votable", "ascii.csv", "ascii.ecsv"])
def test_manifest_of_every_format_can_be_verified_and_retried(
    client: ObservationsClass, products: Table, service: str, mast_sandbox: Sandbox, tmp_path: Path, kind: str
) -> None:
    """A manifest written in any format and read back is equivalent to the original."""
    mast_sandbox.faults.add("download", Fault.status(404), times=1)
    manifest = bring(client, products, service, tmp_path / "files")
    manifest.write(tmp_path / "m", format=kind)
    read = Table.read(tmp_path / "m", format=kind)
    found = verify_downloads(read, verbose=False)
    assert list(found["Status"]) == ["MISSING" if status == "ERROR" else "OK" for status in manifest["Status"]]
    again = retry_downloads(
        read, SessionRecipe.of(client._service), download_url=service, options=RunOptions(verbose=False)
    )
    assert set(again["Status"]) == {"COMPLETE"}
    assert list(again["Local Path"]) == list(manifest["Local Path"])
    assert set(verify_downloads(again, verbose=False)["Status"]) == {"OK"}


def test_a_row_of_a_manifest_can_be_verified(client: ObservationsClass, manifest: Manifest) -> None:
    """A row is a manifest of one file, and anything but a table raises a query error."""
    assert list(client.verify_downloads(manifest[1], verbose=False)["Status"]) == ["OK"]
    assert list(client.retry_downloads(manifest[1], verbose=False)["Status"]) == ["COMPLETE"]
    for wrong in (None, "m.ecsv", 5):
        with pytest.raises(InvalidQueryError, match="manifest"):
            client.verify_downloads(wrong)
        with pytest.raises(InvalidQueryError, match="manifest"):
            client.retry_downloads(wrong)


@pytest.mark.parametrize("how", [{"bundle": "zip"}, {"bundle": "tar.gz"}, {"curl_flag": True}], ids=str)
@pytest.mark.parametrize("came", [True, False])
def test_a_product_is_not_written_under_the_name_of_a_bundle(
    client: ObservationsClass,
    products: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    how: dict[str, Any],
    came: bool,
) -> None:
    """A bundle of a single product, or one that failed, is not replaced by the bytes of the product."""
    if not came:
        mast_sandbox.faults.add("bundle", Fault.status(404))
    manifest = client.download_products(products[:1], download_dir=tmp_path, verbose=False, on_error="ignore", **how)
    path = Path(manifest["Local Path"][0])
    path.unlink(missing_ok=True)
    mast_sandbox.requests.clear()
    again = client.retry_downloads(client.verify_downloads(manifest, verbose=False), verbose=False, on_error="ignore")
    assert again["Status"][0] == "ERROR"
    assert "bundle" in again["Message"][0]
    assert not path.exists()
    assert len(mast_sandbox.requests) == 0


def test_a_custom_status_is_left_alone(client: ObservationsClass, service: str, tmp_path: Path) -> None:
    """A status written by the user's own code is kept, and such rows are not downloaded."""
    manifest = as_manifest([TransferResult(0, Status.COMPLETE, tmp_path / "a", uri="mast:HST/product/a.fits")])
    manifest["Status"][0] = "LOCAL"
    assert (
        retry_downloads(
            manifest, SessionRecipe.of(client._service), download_url=service, options=RunOptions(verbose=False)
        )["Status"][0]
        == "LOCAL"
    )


# -- catalog metadata ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [Fault.cut(after=5_000) + Fault.no_length("close"), Fault.answer(b"SIMPLE  =" + bytes(2871))],
    ids=["cut without a length", "short with its own length"],
)
def test_a_retry_rejects_what_the_first_call_rejects(mast_sandbox: Sandbox, tmp_path: Path, fault: Fault) -> None:
    """A truncated body is an error for `retry_downloads` as well, because the manifest has the cataloged size."""
    products = some_products()
    mast_sandbox.faults.add("download", Fault.status(404), times=None)
    failed = Observations.download_products(products, download_dir=tmp_path, verbose=False, on_error="ignore")
    assert failed["Catalog Size"].tolist() == products["size"].tolist()
    mast_sandbox.faults.clear()
    mast_sandbox.faults.add("download", fault, times=None)
    again = Observations.retry_downloads(failed, verbose=False, on_error="ignore")
    assert set(again["Status"]) == {"ERROR"}
    assert set(Observations.verify_downloads(again, verbose=False)["Status"]) == {"MISSING"}
    mast_sandbox.faults.clear()
    whole = Observations.retry_downloads(again, verbose=False)
    assert set(whole["Status"]) == {"COMPLETE"}
    assert whole["Size"].tolist() == products["size"].tolist()


def test_verify_does_not_accept_a_partial_file(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A file shorter than in the catalog is CHANGED, even if its size was not recorded."""
    manifest = Observations.download_products(some_products(), download_dir=tmp_path, verbose=False)
    path = Path(manifest["Local Path"][0])
    path.write_bytes(path.read_bytes()[:1000])
    manifest["Size"].mask, manifest["SHA256"].mask = True, True
    checked = Observations.verify_downloads(manifest, verbose=False)
    assert checked["Status"][0] == "CHANGED"
    assert "The file has 1000 bytes, but the catalog lists" in checked["Message"][0]


def test_a_retried_file_that_differs_from_the_record_has_a_note(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A file that differs from the recorded one is kept with a message."""
    products = some_products()
    products.remove_columns(["size"])
    manifest = Observations.download_products(products, download_dir=tmp_path, verbose=False)
    before = int(manifest["Size"][0])
    Path(manifest["Local Path"][0]).unlink()
    mast_sandbox.faults.add("download", Fault.changed(), times=None)
    again = Observations.retry_downloads(Observations.verify_downloads(manifest, verbose=False), verbose=False)
    assert again["Status"][0] == "COMPLETE"
    assert f"The file differs from the recorded file of {before} bytes" in again["Message"][0]


def test_a_manifest_has_the_folder_in_which_it_was_made(
    mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From another folder, and read from a file, it verifies and downloads the same files."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    manifest = Observations.download_products(some_products(), verbose=False)
    manifest.write("m.ecsv")
    monkeypatch.chdir(there)
    read = Table.read(here / "m.ecsv")
    assert set(Observations.verify_downloads(read, verbose=False)["Status"]) == {"OK"}
    (here / manifest["Local Path"][0]).unlink()
    again = Observations.retry_downloads(Observations.verify_downloads(read, verbose=False), verbose=False)
    assert again["Local Path"].tolist() == manifest["Local Path"].tolist()
    assert (here / manifest["Local Path"][0]).exists()
    assert list(there.iterdir()) == []


@pytest.mark.parametrize("place", ["../elsewhere.fits", ".bashrc", "/elsewhere/x.fits"])
def test_a_retry_writes_only_to_the_recorded_folder(mast_sandbox: Sandbox, tmp_path: Path, place: str) -> None:
    """A path outside the recorded folder, or a hidden file, is refused."""
    manifest = Observations.download_products(some_products(), download_dir=tmp_path, verbose=False)
    manifest["Local Path"] = [
        str(tmp_path / place) if number == 0 else each for number, each in enumerate(manifest["Local Path"])
    ]
    manifest["Status"][0] = "MISSING"
    mast_sandbox.requests.clear()
    again = Observations.retry_downloads(manifest, verbose=False, on_error="ignore")
    assert again["Status"][0] == "ERROR"
    assert mast_sandbox.requests.of("download") == []


def some_products() -> Table:
    """Return two small images of one observation."""
    products = Observations.get_product_list(Observations.query_criteria(proposal_id="10452")[:1])
    images = products[[name.endswith(".fits") for name in products["productFilename"]]]
    return images[np.argsort(images["size"])][:2]
