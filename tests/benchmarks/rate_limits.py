"""Downloads from a server with a rate limit: their time compared with the shortest possible time.

``python tests/benchmarks/rate_limits.py`` prints a table: requests per second, workers (threads, or processes of a
pool), files, failed downloads, seconds, and the ratio to the ideal.  Requests above the limit get 429 and
``Retry-After: 1``.  Each file is requested once before the measurement: the sandbox generates it then, which takes up
to a second, and caches it.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections import deque
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

import requests
from astropy.table import Table

from astroquery_mast import Observations
from astroquery_mast.sandbox import Fault, Sandbox

LIMITS, WORKERS, PROCESSES = (1, 2, 5, 10), (2, 6, 20), (2, 6)
SECONDS = 10


class Limiter:
    """Decides which requests exceed the limit within a time window."""

    def __init__(self, limit: int, window: float = 1.0) -> None:
        self.limit, self.window = limit, window
        self.lock = threading.Lock()
        self.taken: deque[float] = deque()
        self.refused = 0

    def __call__(self, _record: object) -> bool:
        with self.lock:
            now = time.monotonic()
            while self.taken and now - self.taken[0] >= self.window:
                self.taken.popleft()
            if len(self.taken) < self.limit:
                self.taken.append(now)
                return False
            self.refused += 1
            return True


def small_products(archive: Sandbox, count: int) -> Table:
    """Return small products that the sandbox has already generated."""
    observations = Observations.query_criteria(proposal_id="10452")
    products = Observations.get_unique_product_list(observations, verbose=False)
    small = products[products["size"] < 100_000][:count]
    with requests.Session() as session:
        for uri in small["dataURI"]:
            session.get(f"{archive.url}/api/v0.1/Download/file", params={"uri": uri}, timeout=60).raise_for_status()
    return small


def measure(archive: Sandbox, limit: int, workers: int, executor: Executor | None = None) -> None:
    """Print a row of the table."""
    products, limiter = small_products(archive, limit * SECONDS), Limiter(limit)
    archive.faults.add("download", Fault.status(429, retry_after=1), times=None, where=limiter)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        manifest = Observations.download_products(
            products, download_dir=folder, max_workers=workers, executor=executor, verbose=False, on_error="ignore"
        )
    elapsed = time.monotonic() - started
    archive.faults.clear()
    failed = sum(status != "COMPLETE" for status in manifest["Status"])
    ideal = (len(products) - 1) // limit
    kind = "threads" if executor is None else "processes"
    sys.stdout.write(
        f"{limit:7d}  {workers:7d}  {kind:9s}  {len(products):5d}  {failed:6d}  {elapsed:7.1f}"
        f"  {ideal:6.1f}  {elapsed / ideal:5.2f}  {limiter.refused:7d}\n"
    )
    sys.stdout.flush()


def main() -> None:
    """Print the table."""
    sys.stdout.write("limit/s  workers  of         files  failed  seconds   ideal  ratio  refused\n")
    with Sandbox() as archive:
        for limit in LIMITS:
            for workers in WORKERS:
                measure(archive, limit, workers)
            for workers in PROCESSES:
                with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                    # They import the package before the measurement.
                    list(pool.map(has_begun, range(4 * workers)))
                    measure(archive, limit, workers, pool)


def has_begun(_number: int) -> None:
    """Import this module, and with it the package, in another process."""
    time.sleep(0.1)


if __name__ == "__main__":
    main()
