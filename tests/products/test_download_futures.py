"""Downloads as futures of the user's executor, and awaited."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pytest
from astropy.table import Table

from astroquery_mast import ObservationsClass
from astroquery_mast.exceptions import DownloadError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord


def test_each_file_can_be_a_future(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Calls from several threads share a client and a folder; an exception is set on its own future."""
    gone = str(products["dataURI"][1])
    mast_sandbox.faults.add("download", Fault.status(404), times=None, where=lambda asked: asked.value("uri") == gone)
    arguments = {"download_dir": tmp_path, "on_error": "raise", "verbose": False}
    with ThreadPoolExecutor(3) as pool:
        futures = {pool.submit(client.download_products, row, **arguments): str(row["dataURI"]) for row in products}
        ended = {futures[future]: future for future in as_completed(futures, timeout=120)}
    with pytest.raises(DownloadError, match="404"):
        ended.pop(gone).result()
    assert len(ended) == len(products) - 1
    for uri, future in ended.items():
        (row,) = future.result()
        assert (row["Status"], row["dataURI"]) == ("COMPLETE", uri)
        assert Path(row["Local Path"]).stat().st_size == row["Size"]


def test_files_are_awaited_while_other_tasks_run(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The event loop is not blocked during a download: another task lets the file arrive."""
    asked, released = threading.Event(), threading.Event()

    def held(_record: RequestRecord) -> bool:
        asked.set()
        assert released.wait(60)
        return False

    mast_sandbox.faults.add("download", Fault.status(500), times=None, where=held)

    async def release() -> None:
        """Run while the files are delayed."""
        while not asked.is_set():
            await asyncio.sleep(0)
        released.set()

    async def fetch() -> list[str]:
        """Return the paths, row by row."""
        rows = client.download_products_iter(products, download_dir=tmp_path, verbose=False)
        statuses = []
        while (row := await asyncio.to_thread(next, rows, None)) is not None:
            statuses.append(str(row["Status"]))
        return statuses

    async def both() -> list[str]:
        """Run the two tasks concurrently."""
        statuses, _ = await asyncio.gather(fetch(), release())
        return statuses

    assert asyncio.run(both()) == ["COMPLETE"] * len(products)
