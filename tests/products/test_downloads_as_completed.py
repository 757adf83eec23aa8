"""download_products_iter: rows as files complete, during the download of others."""

from __future__ import annotations

import threading
from contextlib import closing
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Row, Table, vstack

from astroquery_mast import MastMissionsClass, ObservationsClass
from astroquery_mast.exceptions import DownloadError, InvalidQueryError, NoResultsWarning
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord
from astroquery_mast.service.parallel import THREAD_NAME


def test_rows_are_those_of_the_manifest(client: ObservationsClass, products: Table, tmp_path: Path) -> None:
    """Each file has the same row as from download_products, and the stacked rows can be verified."""
    rows = list(client.download_products_iter(products, download_dir=tmp_path, verbose=False))
    assert all(isinstance(row, Row) for row in rows)
    path, status, message, address, *_ = rows[0]
    assert (Path(path).is_file(), status, message, address) == (True, "COMPLETE", None, None)
    manifest = vstack([Table(row) for row in rows], metadata_conflicts="silent")
    assert sorted(manifest["dataURI"]) == sorted(products["dataURI"])
    assert set(client.verify_downloads(manifest, verbose=False)["Status"]) == {"OK"}
    again = client.download_products(products, download_dir=tmp_path, verbose=False)
    assert manifest.colnames == again.colnames
    assert sorted(manifest["Local Path"]) == sorted(again["Local Path"])
    assert set(manifest.meta["base_dir"]) == set(again.meta["base_dir"])


def test_a_row_is_yielded_before_the_slowest_file(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A file that does not arrive does not block the others; leaving the loop ends the download and its connections."""
    slow = str(products["dataURI"][0])
    mast_sandbox.faults.add("download", Fault.delay(60), times=None, where=lambda record: record.value("uri") == slow)
    rows = client.download_products_iter(products, download_dir=tmp_path, max_workers=2, verbose=False)
    first = list(islice(rows, len(products) - 1))
    assert slow not in {row["dataURI"] for row in first}
    assert {row["Status"] for row in first} == {"COMPLETE"}
    rows.close()
    assert not list(tmp_path.rglob("*.part*"))


@pytest.mark.parametrize(("kept", "asked"), [(0, 2), (2, 1)], ids=["none on disk", "two on disk"])
def test_the_next_file_is_downloaded_while_the_first_is_processed(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path, kept: int, asked: int
) -> None:
    """Even with one worker, or while an existing file is processed, the next file does not wait for the next row."""
    if kept:
        client.download_products(products[:kept], download_dir=tmp_path, verbose=False)
    begun = threading.Semaphore(0)

    def notice(_record: RequestRecord) -> bool:
        begun.release()
        return False

    mast_sandbox.faults.add("download", Fault.status(500), times=None, where=notice)
    rows = client.download_products_iter(products, download_dir=tmp_path, max_workers=1, verbose=False)
    with closing(rows):
        assert next(rows)["dataURI"] == products["dataURI"][0]
        assert all(begun.acquire(timeout=60) for _ in range(asked))


def test_closing_cancels_running_downloads(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """No other file is saved or requested afterwards, and no thread is left."""
    # The first file to be requested is not known: workers wait for a connection in no particular order.
    asked = count()
    mast_sandbox.faults.add("download", Fault.delay(600), times=None, where=lambda _: next(asked) > 0)
    with closing(client.download_products_iter(products, download_dir=tmp_path, max_workers=2, verbose=False)) as rows:
        first = next(rows)
    working = [thread for thread in threading.enumerate() if thread.name.startswith(THREAD_NAME)]
    for thread in working:
        thread.join(60)
    assert not any(thread.is_alive() for thread in working)
    # No worker is left.  A request sent while the loop was left may be counted late.
    assert len(mast_sandbox.requests.of("download")) <= 3 < len(products)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [Path(first["Local Path"])]
    assert list(rows) == []


def test_files_are_downloaded_only_as_rows_are_taken(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Nothing is requested before the first row is taken, and then only a few files ahead."""
    rows = client.download_products_iter(products, download_dir=tmp_path, max_workers=1, verbose=False)
    assert mast_sandbox.requests.of("download") == []
    next(iter(rows))
    assert 1 <= len(mast_sandbox.requests.of("download")) <= 3
    rows.close()


def test_a_failed_file_has_a_row(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The others are not affected; with on_error="raise", the error with the manifest follows the last row."""
    gone = str(products["dataURI"][1])
    mast_sandbox.faults.add("download", Fault.status(404), times=None, where=lambda record: record.value("uri") == gone)
    rows = []
    with pytest.raises(DownloadError, match="1 of 6 files could not be downloaded") as caught:
        for row in client.download_products_iter(products, download_dir=tmp_path, on_error="raise", verbose=False):
            rows.append(row)
    assert {row["dataURI"] for row in rows if row["Status"] == "ERROR"} == {gone}
    assert len(rows) == 6
    assert list(caught.value.manifest["dataURI"]) == list(products["dataURI"])
    assert caught.value.manifest.meta["base_dir"] == [str(tmp_path)]


def test_invalid_arguments_raise_in_the_call(client: ObservationsClass, products: Table, mast_sandbox: Sandbox) -> None:
    """The error is not delayed to the first row; if no product is left, the iterator is empty, with a warning."""
    with pytest.raises(InvalidQueryError, match="max_workers"):
        client.download_products_iter(products, max_workers=0)
    with pytest.raises(InvalidQueryError, match="not found in product table"):
        client.download_products_iter(products, product_type="SCIENCE")
    with pytest.raises(InvalidQueryError, match="cannot be combined"):
        client.download_products_iter(products, cache=False, overwrite="never")
    with pytest.warns(NoResultsWarning, match="No products to download"):
        rows = client.download_products_iter(products, productType=[])
    with closing(rows):
        assert list(rows) == []
    assert len(mast_sandbox.requests) == 0


def test_the_file_of_a_row_can_be_read_at_once(
    client: ObservationsClass, observations: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """read_product accepts the row, and reads from disk."""
    pictures = client.get_unique_product_list(observations[:1])
    for row in client.download_products_iter(
        pictures, extension="jpg", download_dir=tmp_path, max_workers=1, verbose=False
    ):
        uri = str(row["dataURI"])
        mast_sandbox.faults.add(
            "download", Fault.status(404), times=None, where=lambda record, uri=uri: record.value("uri") == uri
        )
        assert client.read_product(row).format == "JPEG"
        mast_sandbox.faults.clear()


def test_rows_of_missions_have_their_mission(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Each row can be used to download its file again."""
    client = MastMissionsClass()
    products = client.get_unique_product_list(client.query_object("M51", sci_instrume="WFC3")[:2], verbose=False)
    public = products[products["access"] == "PUBLIC"]
    small = public[np.argsort(public["size"])][:3]
    rows = list(client.download_products_iter(small, download_dir=tmp_path, verbose=False))
    assert {row["mission"] for row in rows} == {"hst"}
    Path(rows[1]["Local Path"]).unlink()
    missing = client.verify_downloads(rows[1], verbose=False)
    assert client.retry_downloads(missing, verbose=False)["Status"].tolist() == ["COMPLETE"]


def test_files_stay_together_if_the_working_directory_changes(
    client: ObservationsClass, products: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative folder is resolved at the time of the call."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    for row in client.download_products_iter(products, download_dir="here", max_workers=1, verbose=False):
        assert Path(row["Local Path"]).is_relative_to(tmp_path / "here")
        monkeypatch.chdir(tmp_path / "elsewhere")
    assert len([path for path in (tmp_path / "here").rglob("*") if path.is_file()]) == 6
    assert not list((tmp_path / "elsewhere").iterdir())
