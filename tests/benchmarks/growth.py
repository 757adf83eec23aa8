"""Growth of time and memory with the number of rows, targets and files; a figure for the documentation.

``python tests/benchmarks/growth.py`` prints the numbers and writes ``docs/pictures/growth.png``; ``--quick`` omits the
largest of each.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from many import LATENCY
from queries import warm
from sidebyside import HERE, in_process, server

PICTURE = HERE.parent.parent / "docs" / "pictures" / "growth.png"
#: Address and size → the arguments of a contestant.
Arguments = Callable[[str, int], Mapping[str, Any]]


def ours_files(url: str, count: int) -> None:
    """Download files of 100 kB."""
    import downloads
    from astropy.table import Table
    from sidebyside import measure

    from astroquery_mast import Observations, conf

    conf.server = url
    products = Table(downloads.columns_of(count, 100_000))
    with tempfile.TemporaryDirectory() as folder:

        def work() -> dict[str, Any]:
            manifest = Observations.download_products(products, download_dir=folder, verbose=False)
            assert isinstance(manifest, Table)
            return {"whole": int((manifest["Status"] == "COMPLETE").sum())}

        measure(work)


def run(module: str, name: str, sizes: Sequence[int], url: str, arguments: Arguments) -> list[dict[str, Any]]:
    """Run a contestant for each size."""
    shown = []
    for size in sizes:
        result = in_process(module, name, arguments(url, size))
        seconds, grown = result["seconds"], result["grown"]
        print(f"  {name} {size:>9,d}: {seconds:8.2f} s, +{grown:6.0f} MB  {result['notes']}", flush=True)
        shown.append({"size": size, **result})
    return shown


def counted(url: str, size: int) -> dict[str, Any]:
    """Return the arguments of most contestants."""
    return {"url": url, "count": size}


def paged(url: str, size: int) -> dict[str, Any]:
    """Return the arguments of a query."""
    return {"url": url, "rows": size, "pagesize": 50_000}


def draw(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Draw time and memory against size, both logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for axis, key, label in zip(axes, ("seconds", "grown"), ("time (s)", "growth of peak memory (MB)"), strict=True):
        for number, (name, points) in enumerate(curves.items()):
            values = [max(point[key], 0.01 if key == "seconds" else 1) for point in points]
            axis.plot([point["size"] for point in points], values, marker="osD^"[number % 4], label=name)
        axis.set(xscale="log", yscale="log", xlabel="rows, targets or files", ylabel=label)
        axis.grid(alpha=0.3)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize="small")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110)


def main() -> None:
    """Run everything and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the largest sizes")
    last = -1 if parser.parse_args().quick else None
    rows, targets = [1000, 10_000, 100_000, 1_000_000][:last], [10, 100, 1000, 10_000][:last]
    files = [10, 100, 1000][:last]
    curves: dict[str, list[dict[str, Any]]] = {}
    for size in rows:
        with server("--rows", size) as url:
            warm(url, size, 50_000)
            shown = run("queries", "ours_query", [size], url, paged)
            curves.setdefault("rows of a query", []).extend(shown)
    with server("--rows", 0, "--latency", LATENCY) as url:
        curves["targets cross-matched"] = run("many", "ours_crossmatch", targets, url, counted)
        curves["targets, a cone each"] = run("many", "ours_cones", targets, url, counted)
    with server("--size", 100_000, "--latency", 0.03) as url:
        curves["files of 100 kB"] = run("growth", "ours_files", files, url, counted)
    draw(curves)
    print(f"{PICTURE.relative_to(Path.cwd()) if PICTURE.is_relative_to(Path.cwd()) else PICTURE.name} is written.")


if __name__ == "__main__":
    main()
