"""Large results: one table or a stream of tables, one or several responses, disk or network.

``python tests/benchmarks/large.py`` prints the table; ``--quick`` does less.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from typing import Any

from queries import warm
from sidebyside import compete, measure, server

from astroquery_mast.sandbox import Sandbox

MODULE = "large"
BULK = "BULK-*"


def client(url: str) -> Any:
    """Return the client for the server."""
    from astroquery_mast import Observations, conf

    conf.server, conf.timeout = url, 900.0
    return Observations


def whole(url: str, rows: int, pagesize: int) -> None:
    """Retrieve one table, and count its rows."""
    observations = client(url)
    measure(lambda: counted([observations.query_criteria(target_name=BULK, pagesize=pagesize)], rows))


def stream(url: str, rows: int, pagesize: int) -> None:
    """Retrieve a stream of tables, and count their rows."""
    observations = client(url)
    measure(lambda: counted(observations.query_criteria_iter(target_name=BULK, pagesize=pagesize), rows))


def two_columns(url: str, rows: int, pagesize: int) -> None:
    """Retrieve one table with two columns and the identifier."""
    observations = client(url)
    measure(
        lambda: counted(
            [observations.query_criteria(target_name=BULK, pagesize=pagesize, columns=["s_ra", "s_dec"])], rows
        )
    )


def counted(tables: Any, rows: int) -> dict[str, Any]:
    """Count the rows without keeping the tables."""
    number = sum(len(table) for table in tables)
    assert number == rows, f"{number} rows of {rows}"
    return {"rows": number}


def splitting(rows: int, limit: int) -> None:
    """Query a server with a row limit, in this process, and print its requests."""
    from astroquery_mast import conf

    with (
        Sandbox(extra_observations=rows, row_limit=limit, cuts=True) as box,
        conf.set_temp("server_row_limit", limit),
    ):
        seconds, table = timed(lambda: client(box.url).query_criteria(target_name=BULK))
        asked = [str(record.mashup["params"]["columns"]) for record in box.requests.of("invoke") if record.mashup]
    counts = sum(columns.startswith("COUNT") for columns in asked)
    assert len(set(table["obsid"])) == len(table) == rows
    print(f"{rows} rows, {limit} at most in an answer: {seconds:.2f} s, {counts} counts, {len(asked) - counts} pages\n")


def keeping(rows: int) -> None:
    """Query twice with the cache, in this process."""
    with tempfile.TemporaryDirectory() as folder, Sandbox(extra_observations=rows) as box:
        observations = client(box.url)
        observations.cache_location = folder
        timed(lambda: observations.query_criteria(target_name=BULK))  # let the server generate its pages
        without, _ = timed(lambda: observations.query_criteria(target_name=BULK))
        first, _ = timed(lambda: observations.query_criteria(target_name=BULK, cache=True))
        second, _ = timed(lambda: observations.query_criteria(target_name=BULK, cache=True))
        size = sum(path.stat().st_size for path in observations.cache_location.iterdir()) / 1e6
        observations.reset_cache_location()
    print(
        f"{rows} rows: {without:.2f} s without the cache, {first:.2f} s kept ({size:.1f} MB), {second:.2f} s from it\n"
    )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that a function takes, and its result."""
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less work")
    quick = parser.parse_args().quick
    rows = 20_000 if quick else 200_000
    for pagesize in (rows // 4, rows // 20):
        with server("--rows", rows, "--latency", 0) as url:
            warm(url, rows, pagesize)
            asked = {"url": url, "rows": rows, "pagesize": pagesize}
            compete(f"{rows} rows in pages of {pagesize}", MODULE, ("whole", "stream", "two_columns"), asked, 1)
    splitting(rows=6_000 if quick else 60_000, limit=500 if quick else 5_000)
    keeping(rows=5_000 if quick else 50_000)


if __name__ == "__main__":
    main()
