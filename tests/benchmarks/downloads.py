"""Downloads compared with ``astroquery.mast`` and ``curl``: ratios of times, and growth of memory.

``python tests/benchmarks/downloads.py`` prints the table; ``--quick`` does less.  All contestants download complete
files.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sidebyside import Score, compete, measure, server

MODULE = "downloads"
# The default of ``conf.max_workers``.
WORKERS = 6
CONTESTANTS = ("ours", "peer", "curl", "curl_sha256sum")


def ours(url: str, count: int, size: int) -> None:
    """Download with this package."""
    from astropy.table import Table

    from astroquery_mast import Observations, conf

    conf.server = url
    products = Table(columns_of(count, size))
    with folder_of(count, size) as folder:

        def fetch(**options: Any) -> None:
            Observations.download_products(products, download_dir=folder, verbose=False, max_workers=WORKERS, **options)

        # Import what ``astroquery.mast`` imports from the start.
        fetch(dry_run=True)
        measure(fetch)


def peer(url: str, count: int, size: int) -> None:
    """Download with ``astroquery.mast``."""
    from astropy.table import Table
    from astroquery.mast import Observations

    Observations._portal_api_connection.MAST_DOWNLOAD_URL = f"{url}/api/v0.1/Download/file"
    products = Table(columns_of(count, size))
    Observations.disable_cloud_dataset()
    with folder_of(count, size) as folder:
        measure(lambda: nothing(Observations.download_products(products, download_dir=folder, verbose=True)))


def curl(url: str, count: int, size: int) -> None:
    """Download the same files with curl, with the same number at a time."""
    by_curl(url, count, size, lambda _: None)


def curl_sha256sum(url: str, count: int, size: int) -> None:
    """Download with curl, and compute the digests that a manifest has."""

    def digests(folder: str) -> None:
        files = list(Path(folder).glob("*.dat"))
        subprocess.run(["sha256sum", *files], check=True, stdout=subprocess.DEVNULL)

    by_curl(url, count, size, digests)


def by_curl(url: str, count: int, size: int, afterwards: Callable[[str], None]) -> None:
    """Download the files with curl, and call a function afterwards."""
    with folder_of(count, size) as folder:
        lines = []
        for uri in columns_of(count, 0)["dataURI"]:
            target = Path(folder) / str(uri).rpartition("/")[2]
            lines += [f'url = "{url}/api/v0.1/Download/file?uri={uri}"', f'output = "{target}"']
        config = Path(folder) / "curl.txt"
        config.write_text("\n".join(lines))
        command = ["curl", "--silent", "--fail", "--parallel", "--parallel-max", str(WORKERS), "--config", str(config)]

        def work() -> None:
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            afterwards(folder)

        measure(work)


@contextmanager
def folder_of(count: int, size: int) -> Iterator[str]:
    """Yield a folder, and check that it has the files in the end."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield folder
        files = [path for path in Path(folder).rglob("*.dat") if path.stat().st_size == size]
        assert len(files) == count, f"{len(files)} whole files of {count}"


def columns_of(count: int, size: int) -> dict[str, list[object]]:
    """Return the columns of a product table."""
    names = [f"file{number:05d}_drc.dat" for number in range(count)]
    return {
        "obsID": ["1"] * count,
        "obs_collection": ["HST"] * count,
        "obs_id": ["bench"] * count,
        "dataURI": [f"mast:HST/product/{name}" for name in names],
        "productFilename": list(names),
        "size": [size] * count,
        "dataRights": ["PUBLIC"] * count,
    }


def nothing(_: Any) -> None:
    """Do nothing with a manifest."""


def fetched(title: str, count: int, size: int, quick: bool, **options: float) -> dict[str, Score]:
    """Let the contestants download the same files in turn."""
    given = [word for name, value in {"latency": 0.0, **options}.items() for word in (f"--{name}", value)]
    with server("--size", size, *given) as url:
        return compete(title, MODULE, CONTESTANTS, {"url": url, "count": count, "size": size}, 1 if quick else 3)


def small_files(quick: bool = False) -> dict[str, Score]:
    """Compare many small files."""
    count = 40 if quick else 200
    return fetched(f"{count} files of 1 MB, 30 ms latency, {WORKERS} connections", count, 10**6, quick, latency=0.03)


def large_file(quick: bool = False) -> dict[str, Score]:
    """Compare one large file, at the maximum speed of the computer."""
    return fetched("1 file of 200 MB, loopback", 1, 2 * 10**8, quick)


def large_file_at_a_rate(quick: bool = False) -> dict[str, Score]:
    """Compare one large file, at the speed of a good network."""
    return fetched("1 file of 200 MB at 1 Gbit/s", 1, 2 * 10**8, quick, rate=125e6)


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of less work")
    quick = parser.parse_args().quick
    for compare in (small_files, large_file, large_file_at_a_rate):
        compare(quick)


if __name__ == "__main__":
    main()
