"""Downloads side by side with ``astroquery.mast`` and ``curl``: time as ratios, and how memory grows.

``python tests/benchmarks/downloads.py`` prints the table; ``--quick`` does less.  Each contestant runs in a process
of its own against the same server, one after the other, several rounds, and medians are compared: machines are noisy.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
WORKERS = 4


@contextmanager
def served(size: int, latency: float, rate: float) -> Iterator[str]:
    """Serve files of a size from another process; give the address."""
    options = {"--size": size, "--latency": latency, "--rate": rate}
    command = [sys.executable, str(HERE / "standin.py"), *(str(part) for pair in options.items() for part in pair)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()
            server.wait(10)


def run_ours(url: str, count: int, size: int, folder: str, workers: int) -> None:
    """Download with this package, in this process; print the seconds and the growth of memory."""
    from astropy.table import Table

    from astroquery_mast import Observations, conf

    conf.server = url
    products = Table(columns_of(count, size))
    measure(lambda: Observations.download_products(products, download_dir=folder, verbose=False, max_workers=workers))


def run_peer(url: str, count: int, size: int, folder: str, _workers: int) -> None:
    """Download with ``astroquery.mast``, in this process; print the same."""
    from astropy.table import Table
    from astroquery.mast import Observations

    Observations._portal_api_connection.MAST_DOWNLOAD_URL = f"{url}/api/v0.1/Download/file"
    products = Table(columns_of(count, size))
    Observations.disable_cloud_dataset()
    measure(lambda: Observations.download_products(products, download_dir=folder, verbose=True))


def columns_of(count: int, size: int) -> dict[str, list[object]]:
    """Make the columns of a product table."""
    names = [f"file{number:05d}_drc.fits" for number in range(count)]
    return {
        "obsID": ["1"] * count,
        "obs_collection": ["HST"] * count,
        "obs_id": ["bench"] * count,
        "dataURI": [f"mast:HST/product/{name}" for name in names],
        "productFilename": list(names),
        "size": [size] * count,
        "dataRights": ["PUBLIC"] * count,
    }


def measure(work: object) -> None:
    """Do the work and print its seconds and the growth of peak memory in MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    work()  # type: ignore[operator]
    seconds = time.perf_counter() - started
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"seconds": seconds, "grown": grown}), file=sys.stderr)


def in_process(who: str, url: str, count: int, size: int, folder: Path) -> dict[str, float]:
    """Run a contestant in a fresh process."""
    arguments = [who, url, str(count), str(size), str(folder), str(WORKERS)]
    command = [sys.executable, __file__, "--contestant", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stderr.strip().splitlines()[-1]))


def curl(url: str, count: int, folder: Path, *, checked: bool = False) -> dict[str, float]:
    """Fetch the same files with curl, as many at a time; to have the digests as well, run sha256sum afterwards."""
    lines = []
    for uri in columns_of(count, 0)["dataURI"]:
        target = folder / str(uri).rpartition("/")[2]
        lines += [f'url = "{url}/api/v0.1/Download/file?uri={uri}"', f'output = "{target}"']
    config = folder / "curl.txt"
    config.write_text("\n".join(lines))
    command = ["curl", "--silent", "--fail", "--parallel", "--parallel-max", str(WORKERS), "--config", str(config)]
    started = time.perf_counter()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    if checked:
        subprocess.run(["sha256sum", *folder.glob("*.fits")], check=True, stdout=subprocess.DEVNULL)
    return {"seconds": time.perf_counter() - started, "grown": 0.0}


def compare(title: str, count: int, size: int, rounds: int, *, latency: float = 0.0, rate: float = 0.0) -> None:
    """Let the contestants do the same work in turn, and print medians and ratios."""
    times: dict[str, list[float]] = {"ours": [], "peer": [], "curl": [], "curl, sha256sum": []}
    grown: dict[str, float] = {}
    with served(size, latency, rate) as url:
        for _ in range(rounds):
            for who, measured in times.items():
                folder = Path(tempfile.mkdtemp(prefix="bench-"))
                if who.startswith("curl"):
                    result = curl(url, count, folder, checked="sha256sum" in who)
                else:
                    result = in_process(who, url, count, size, folder)
                files = [path for path in folder.rglob("*.fits") if path.stat().st_size == size]
                assert len(files) == count, f"{who} left {len(files)} whole files of {count}"
                measured.append(result["seconds"])
                grown[who] = max(grown.get(who, 0.0), result["grown"])
                shutil.rmtree(folder)
    median = {who: statistics.median(seconds) for who, seconds in times.items()}
    print(f"{title}: {rounds} rounds, {WORKERS} connections")
    for who, seconds in median.items():
        print(
            f"  {who:15s} {seconds:7.2f} s  (from {min(times[who]):.2f} to {max(times[who]):.2f}), +{grown[who]:.0f} MB"
        )
    ratios = (f"{who} / ours = {seconds / median['ours']:.2f}" for who, seconds in median.items() if who != "ours")
    print(f"  {'; '.join(ratios)}\n")


def main() -> None:
    """Run one contestant, or all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of less work")
    parser.add_argument("--contestant", nargs=6)
    options = parser.parse_args()
    if options.contestant:
        who, url, count, size, folder, workers = options.contestant
        work = {"ours": run_ours, "peer": run_peer}[who]
        work(url, int(count), int(size), folder, int(workers))
        return
    rounds = 1 if options.quick else 3
    count = 40 if options.quick else 200
    compare(f"{count} files of 1 MB, 30 ms latency", count, 1_000_000, rounds, latency=0.03)
    compare("1 file of 200 MB, loopback", 1, 200_000_000, rounds)
    compare("1 file of 200 MB at 1 Gbit/s", 1, 200_000_000, rounds, rate=125e6)


if __name__ == "__main__":
    main()
