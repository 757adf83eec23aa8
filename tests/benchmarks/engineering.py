"""Telemetry at 16 Hz, compared with a plain request read by csv or by astropy: time and growth of peak memory.

``python tests/benchmarks/engineering.py`` prints two tables: all contestants for two days (2.8 million samples), which
fit into memory even as a table of text; and this package alone for 30 days (41 million samples, 2.6 GB of CSV), as one
time series, day by day, and from the cache on disk.  ``--quick`` uses a fifteenth of both.  The server generates each
response on the same computer: ``fetch_alone`` shows its share of the time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sidebyside import compete, in_process, server
from sidebyside import measure as measure_all

MODULE = "engineering"
NAME = "SA_ZADUCMDX"
START = np.datetime64("2022-08-01T00:00:00")
RATE = 16
BESIDE = ("csv_alone", "astropy_alone", "fetch_alone", "ours", "ours_changes_only", "ours_day_by_day")
LONG = ("ours", "ours_changes_only", "ours_day_by_day", "ours_from_disk")


def measure(work: Callable[[], dict[str, Any]]) -> None:
    """Measure CPU time as well, which is more reliable on a busy computer."""

    def timed() -> dict[str, Any]:
        before = time.process_time()
        notes = work()
        return {**notes, "CPU s": round(time.process_time() - before, 1)}

    measure_all(timed)


def span(hours: float) -> tuple[str, str]:
    """Return the start and end of a period of hours."""
    return str(START), str(START + np.timedelta64(round(hours * 3600), "s"))


def body(url: str, hours: float) -> bytes:
    """Retrieve all samples in one request."""
    import requests

    start, end = (moment.replace("-", "").replace(":", "") for moment in span(hours))
    asked = {"uri": f"mast:jwstedb/{NAME}-{start}-{end}.csv"}
    return requests.get(f"{url}/api/v0.1/Download/file", params=asked, timeout=1800).content


def fetch_alone(url: str, hours: float) -> None:
    """Only retrieve the body."""
    measure(lambda: {"MB": len(body(url, hours)) // 10**6})


def csv_alone(url: str, hours: float) -> None:
    """Read the lines one by one, like the tools of the mission."""
    import csv
    import io
    from datetime import datetime

    from astropy.time import Time

    def work() -> dict[str, Any]:
        moments, values = [], []
        for row in csv.DictReader(io.StringIO(body(url, hours).decode())):
            moments.append(datetime.fromisoformat(row["theTime"]))
            values.append(float(row["euvalue"]))
        return checked(len(Time(moments)), len(values), hours, around=2)

    measure(work)


def astropy_alone(url: str, hours: float) -> None:
    """Read a table of text and numbers, and make a time series of it."""
    from astropy.table import Table
    from astropy.time import Time
    from astropy.timeseries import TimeSeries

    def work() -> dict[str, Any]:
        table = Table.read(body(url, hours).decode(), format="ascii.fast_csv")
        series = TimeSeries({NAME: table["euvalue"]}, time=Time(table["theTime"].tolist(), format="iso"))
        return checked(len(series), len(series), hours, around=2)

    measure(work)


def ours(url: str, hours: float, **options: Any) -> None:
    """Retrieve one time series with this package."""
    client = pointed_at(url)

    def work() -> dict[str, Any]:
        series = client.query_mnemonics(NAME, *span(hours), verbose=False, **options)
        size = series.time.jd1.nbytes + series.time.jd2.nbytes + series[NAME].nbytes
        changes = bool(options.get("changes_only"))
        counted = {"samples": len(series)} if changes else checked(len(series), len(series), hours)
        return {**counted, "MB": size // 10**6}

    measure(work)


def ours_changes_only(url: str, hours: float) -> None:
    """Omit samples equal to the previous one; a sensor with noise has few."""
    ours(url, hours, changes_only=True)


def ours_day_by_day(url: str, hours: float) -> None:
    """Process one day after the other, without keeping them."""
    client = pointed_at(url)

    def work() -> dict[str, Any]:
        number = sum(len(day) for day in client.query_mnemonics_iter(NAME, *span(hours)))
        return checked(number, number, hours)

    measure(work)


def ours_from_disk(url: str, hours: float) -> None:
    """Retrieve days that are cached on disk."""
    client = pointed_at(url)
    with tempfile.TemporaryDirectory() as folder:
        client.cache_location = folder
        for _ in client.query_mnemonics_iter(NAME, *span(hours), cache=True):
            pass

        def work() -> dict[str, Any]:
            series = client.query_mnemonics(NAME, *span(hours), verbose=False, cache=True)
            return checked(len(series), len(series), hours)

        measure(work)


def pointed_at(url: str) -> Any:
    """Return the client for the server, with the list of mnemonics loaded."""
    from astroquery_mast import Engineering, conf

    conf.server, conf.timeout = url, 1800.0
    Engineering.list_mnemonics()
    return Engineering


def checked(moments: int, values: int, hours: float, around: int = 0) -> dict[str, Any]:
    """Return the number of samples after checking it: there is a gap of seven hours every nine days."""
    most = hours * 3600 * RATE
    assert moments == values
    assert most * 0.94 - 7 * 3600 * RATE <= values - around <= most, f"{values} samples in {hours} hours"
    return {"samples": values - around}


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of a fifteenth")
    parser.add_argument("--rounds", type=int, default=3, help="of all contestants")
    options = parser.parse_args()
    quick, rounds = options.quick, options.rounds
    days: Callable[[float], float] = (lambda number: number * 24 / 15) if quick else (lambda number: number * 24.0)
    with server("--rows", 0, "--latency", 0) as url:
        for hours, contestants, often in ((days(2), BESIDE, 1 if quick else rounds), (days(30), LONG, 1)):
            asked = {"url": url, "hours": hours}
            in_process(MODULE, "ours", {**asked, "hours": 0.1})  # warm up the server
            compete(f"{hours:g} hours at {RATE} Hz", MODULE, contestants, asked, often)


if __name__ == "__main__":
    main()
