"""Processing files during the download of others takes the longer of both times, and not their sum.

``python tests/benchmarks/overlap.py`` prints the table; ``--quick`` does less.  Every file has a latency, as from a
server on another continent, and is processed for some milliseconds of CPU time.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from downloads import columns_of, folder_of
from sidebyside import Score, compete, measure, server

MODULE = "overlap"
SIZE = 200_000
#: Latency of a file, and CPU time of the work on it, for each worker count (seconds).
CASES = {6: (0.6, 0.02), 1: (0.1, 0.03)}


def process(path: str, seconds: float) -> int:
    """Work on a file for some CPU time of this thread, and return its size in bytes."""
    import numpy as np

    values = np.fromfile(path, dtype="u1").astype(float)
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        np.sort(values)
    return len(values)


def fetched(url: str, folder: str, count: int, workers: int, as_they_come: bool) -> Any:
    """Return the rows of a download, at its end or as its files complete."""
    from astropy.table import Table

    from astroquery_mast import Observations, conf

    conf.server = url
    products = Table(columns_of(count, SIZE))
    fetch = Observations.download_products_iter if as_they_come else Observations.download_products
    return fetch(products, download_dir=folder, verbose=False, max_workers=workers)


def run(url: str, count: int, workers: int, seconds: float, *, as_they_come: bool = False) -> None:
    """Download files and work on each of them."""
    with folder_of(count, SIZE) as folder:
        # Imports for the first download are not measured.
        with folder_of(1, SIZE) as other:
            process(str(Path(other) / fetched(url, other, 1, 1, False)["Local Path"][0]), 0)

        def work() -> dict[str, Any]:
            rows = fetched(url, folder, count, workers, as_they_come)
            read = sum(process(row["Local Path"], seconds) for row in rows)
            return {"bytes": read}

        measure(work)


def as_they_come(url: str, count: int, workers: int, seconds: float) -> None:
    """Work on each file as soon as it is complete."""
    run(url, count, workers, seconds, as_they_come=True)


def one_after_the_other(url: str, count: int, workers: int, seconds: float) -> None:
    """Download all files, and then work on them."""
    run(url, count, workers, seconds)


def transfer_alone(url: str, count: int, workers: int, seconds: float) -> None:
    """Download all files, with almost no work on them."""
    run(url, count, workers, 0.0)


def work_alone(url: str, count: int, workers: int, seconds: float) -> None:
    """Work on existing files."""
    with folder_of(count, SIZE) as folder:
        fetched(url, folder, count, 6, False)
        paths = sorted(map(str, Path(folder).rglob("*.dat")))
        measure(lambda: {"bytes": sum(process(path, seconds) for path in paths)})


def overlapped(quick: bool = False) -> dict[int, dict[str, Score]]:
    """Compare the two orders, and download and work alone."""
    contestants = ("as_they_come", "one_after_the_other", "transfer_alone", "work_alone")
    count, scores = 20 if quick else 100, {}
    for workers, (latency, seconds) in CASES.items():
        title = f"{count} files, latency {latency * 1e3:.0f} ms, {seconds * 1e3:.0f} ms of work each, {workers} workers"
        with server("--size", SIZE, "--latency", latency) as url:
            arguments = {"url": url, "count": count, "workers": workers, "seconds": seconds}
            scores[workers] = compete(title, MODULE, contestants, arguments, 1 if quick else 3)
    return scores


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of a fifth of the files")
    overlapped(parser.parse_args().quick)


if __name__ == "__main__":
    main()
