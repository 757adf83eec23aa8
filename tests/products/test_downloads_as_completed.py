"""download_products_iter: rows as files come, while others are on their way."""

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
    """All files come, each with the row that download_products has for it; stacked they can be verified."""
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


def test_row_comes_before_the_slowest_file(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A file that does not come holds back no other; leaving the loop ends the download and hangs up."""
    slow = str(products["dataURI"][0])
    mast_sandbox.faults.add("download", Fault.delay(60), times=None, where=lambda record: record.value("uri") == slow)
    rows = client.download_products_iter(products, download_dir=tmp_path, max_workers=2, verbose=False)
    first = list(islice(rows, len(products) - 1))
    assert slow not in {row["dataURI"] for row in first}
    assert {row["Status"] for row in first} == {"COMPLETE"}
    rows.close()
    assert not list(tmp_path.rglob("*.part*"))


@pytest.mark.parametrize(("kept", "asked"), [(0, 2), (2, 1)], ids=["none on disk", "two on disk"])
def test_next_file_is_on_its_way_while_the_first_is_processed(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path, kept: int, asked: int
) -> None:
    """With one worker, too, and while what was on disk is processed: whoever has a row need not take another one."""
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


def test_closing_cancels_what_is_on_its_way(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """No other file comes afterwards, none is asked for, and no thread is left at work."""
    # Which file is asked for first is not known: waiting for a connection has no order.
    asked = count()
    mast_sandbox.faults.add("download", Fault.delay(600), times=None, where=lambda _: next(asked) > 0)
    with closing(client.download_products_iter(products, download_dir=tmp_path, max_workers=2, verbose=False)) as rows:
        first = next(rows)
    working = [thread for thread in threading.enumerate() if thread.name.startswith(THREAD_NAME)]
    for thread in working:
        thread.join(60)
    assert not any(thread.is_alive() for thread in working)
    # Nobody is left who could ask: a request that was on its way as the loop was left may be counted late.
    assert len(mast_sandbox.requests.of("download")) <= 3 < len(products)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [Path(first["Local Path"])]
    assert list(rows) == []


def test_files_are_fetched_only_as_rows_are_taken(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Nothing is fetched before the first row is wanted, and a few files ahead of it afterwards."""
    rows = client.download_products_iter(products, download_dir=tmp_path, max_workers=1, verbose=False)
    assert mast_sandbox.requests.of("download") == []
    next(iter(rows))
    assert 1 <= len(mast_sandbox.requests.of("download")) <= 3
    rows.close()


def test_failed_file_has_its_row(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """It stops no other; with on_error="raise" the error comes after the last row, with the whole manifest."""
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


def test_what_makes_no_sense_is_refused_by_the_call(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox
) -> None:
    """Not by the first row; and no product left is an empty iterator with the usual warning."""
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


def test_file_of_a_row_is_read_as_it_comes(
    client: ObservationsClass, observations: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """read_product takes the row, and reads from disk."""
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
    """Each row can be used to fetch its file again."""
    client = MastMissionsClass()
    products = client.get_unique_product_list(client.query_object("M51", sci_instrume="WFC3")[:2], verbose=False)
    public = products[products["access"] == "PUBLIC"]
    small = public[np.argsort(public["size"])][:3]
    rows = list(client.download_products_iter(small, download_dir=tmp_path, verbose=False))
    assert {row["mission"] for row in rows} == {"hst"}
    Path(rows[1]["Local Path"]).unlink()
    missing = client.verify_downloads(rows[1], verbose=False)
    assert client.retry_downloads(missing, verbose=False)["Status"].tolist() == ["COMPLETE"]


def test_files_stay_together_though_the_working_directory_changes(
    client: ObservationsClass, products: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative folder is that of the call, whatever the loop does."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    for row in client.download_products_iter(products, download_dir="here", max_workers=1, verbose=False):
        assert Path(row["Local Path"]).is_relative_to(tmp_path / "here")
        monkeypatch.chdir(tmp_path / "elsewhere")
    assert len([path for path in (tmp_path / "here").rglob("*") if path.is_file()]) == 6
    assert not list((tmp_path / "elsewhere").iterdir())
