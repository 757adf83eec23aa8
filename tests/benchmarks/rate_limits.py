"""Downloads from a server that limits its clients: how long they take, beside the shortest time that the limit allows.

``python tests/benchmarks/rate_limits.py`` prints a table: requests per second, workers, files, failed downloads,
seconds, and the ratio to the ideal.  Requests above the limit are answered with 429 and ``Retry-After: 1``.  Each file
is asked for once before the clock starts: the sandbox makes it then, which takes up to a second, and keeps it.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections import deque

import requests
from astropy.table import Table

from astroquery_mast import Observations
from astroquery_mast.sandbox import Fault, Sandbox

LIMITS, WORKERS = (1, 2, 5, 10), (2, 6, 20)
SECONDS = 10


class Limiter:
    """Tells which requests are too many: more than so many within a second."""

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
    """Return small products, which the sandbox has made."""
    observations = Observations.query_criteria(proposal_id="10452")
    products = Observations.get_unique_product_list(observations, verbose=False)
    small = products[products["size"] < 100_000][:count]
    with requests.Session() as session:
        for uri in small["dataURI"]:
            session.get(f"{archive.url}/api/v0.1/Download/file", params={"uri": uri}, timeout=60).raise_for_status()
    return small


def main() -> None:
    """Print the table."""
    sys.stdout.write("limit/s  workers  files  failed  seconds   ideal  ratio  refused\n")
    with Sandbox() as archive:
        for limit in LIMITS:
            products = small_products(archive, limit * SECONDS)
            for workers in WORKERS:
                limiter = Limiter(limit)
                archive.faults.add("download", Fault.status(429, retry_after=1), times=None, where=limiter)
                started = time.monotonic()
                with tempfile.TemporaryDirectory() as folder:
                    manifest = Observations.download_products(
                        products, download_dir=folder, max_workers=workers, verbose=False, on_error="ignore"
                    )
                elapsed = time.monotonic() - started
                archive.faults.clear()
                failed = sum(status != "COMPLETE" for status in manifest["Status"])
                ideal = (len(products) - 1) // limit
                sys.stdout.write(
                    f"{limit:7d}  {workers:7d}  {len(products):5d}  {failed:6d}  {elapsed:7.1f}  {ideal:6.1f}"
                    f"  {elapsed / ideal:5.2f}  {limiter.refused:7d}\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    main()
