"""Pictures: a contact sheet of 200 observations from the sandbox, 10,000 footprints, and exposure maps.

``python tests/benchmarks/pictures.py`` prints seconds, CPU time in parentheses, and the growth of peak memory, until
the picture is saved; ``--quick`` does a tenth of it.  Each line is run in its own process; the server is another one,
with a latency of 30 ms.  It generates a preview at its first request, which takes most of the time in the first line.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from footprints import observed
from sidebyside import in_process, measure, server

MODULE = "pictures"
#: The maximum time for the contact sheet (seconds).
PATIENT = 10.0


def saved(draw: Callable[[], Any]) -> None:
    """Draw a picture, and save it."""

    def work() -> dict[str, Any]:
        ax = draw()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "picture.png"
            ax.figure.savefig(path)
            return {"title": ax.get_title(), "size": path.stat().st_size}

    measure(lambda: timed(work))


def timed(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do the work, and return its result and the CPU time in seconds."""
    started = time.process_time()
    return {**work(), "processor": time.process_time() - started}


def contact_sheet(url: str, count: int, file: bool) -> None:
    """Draw the previews of observations, or write them to an HTML file."""
    from astroquery_mast import Observations, conf

    conf.server = url
    found = Observations.query_region("202.4696 47.1952", radius="6 arcmin")
    table = found[[bool(address) for address in found["jpegURL"].filled("")]][:count]
    if file:
        measure(lambda: timed(lambda: written(table)))
    else:
        from astroquery_mast.display import plot_previews

        saved(lambda: plot_previews(table))


def written(table: Any) -> dict[str, Any]:
    """Write an HTML file."""
    from astroquery_mast.display import write_previews

    with tempfile.TemporaryDirectory() as folder:
        path = write_previews(table, Path(folder) / "previews.html")
        title = path.read_text("utf-8").partition("<title>")[2].partition("</title>")[0]
        return {"title": title, "size": path.stat().st_size}


def sky(url: str, name: str, fields: int, count: int) -> None:
    """Draw distinct footprints, or the map of their exposure times."""
    import numpy as np
    from astropy.visualization import wcsaxes  # noqa: F401 - its import is not counted
    from matplotlib import pyplot as plt

    from astroquery_mast import display

    plt.close(plt.figure())
    table = observed(fields, count)
    table["t_exptime"] = np.random.default_rng(5).uniform(10, 2000, count)
    table["t_exptime"].unit = "s"
    saved(lambda: getattr(display, name)(table))


def shown(what: str, found: dict[str, Any]) -> None:
    """Print one line."""
    notes = found["notes"]
    size = notes["size"] / 1e6
    seconds = f"{found['seconds']:6.2f} s ({notes['processor']:5.2f} s)"
    print(f"{what:44s} {seconds} {found['grown']:6.0f} MB {size:6.2f} MB  {notes['title']}", flush=True)


def main() -> None:
    """Print the table."""
    os.environ["MPLBACKEND"] = "Agg"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    part = 10 if parser.parse_args().quick else 1
    print(f"{'':44s} {'time':>18s} {'growth':>9s} {'file':>9s}")
    with server("--rows", 1) as url:
        for what, file in (("plot_previews", False), ("plot_previews again", False), ("write_previews", True)):
            found = in_process(MODULE, "contact_sheet", {"url": url, "count": 200 // part, "file": file})
            shown(f"{what}, {200 // part} observations", found)
            print(f"  {'within' if found['seconds'] < PATIENT else 'NOT WITHIN'} {PATIENT:g} s", flush=True)
    for name, fields, count in (
        ("plot_footprints", 1, 10_000),
        ("plot_footprints", 500, 10_000),
        ("plot_depth", 1, 10_000),
        ("plot_depth", 500, 10_000),
        ("plot_depth", 1, 40_000),
    ):
        found = in_process(MODULE, "sky", {"url": "", "name": name, "fields": fields, "count": count // part})
        where = "one field" if fields == 1 else f"{fields} fields"
        shown(f"{name}, {count // part:,} in {where}", found)


if __name__ == "__main__":
    main()
