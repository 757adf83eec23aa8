"""Queries compared with ``astroquery.mast``: pages, memory, latency, product lists, imports.

``python tests/benchmarks/queries.py`` prints the table; ``--quick`` does less.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from sidebyside import ENVIRONMENT, Score, compete, in_process, measure, server

MODULE = "queries"
# The default of ``conf.max_workers``.
CONNECTIONS = 6


def ours_query(url: str, rows: int, pagesize: int) -> None:
    """Retrieve the rows with this package."""
    from astroquery_mast import conf

    # The row limit of MAST is not part of this measurement.
    conf.server, conf.timeout, conf.server_row_limit = url, 900.0, 10**9
    observations = ours()
    measure(lambda: checked(observations.query_criteria(target_name="BULK-*", pagesize=pagesize), rows))


def peer_query(url: str, rows: int, pagesize: int) -> None:
    """Retrieve the rows with ``astroquery.mast``."""
    observations = peer(url)
    measure(lambda: checked(observations.query_criteria(target_name="BULK-*", pagesize=pagesize), rows))


def ours_products(url: str, observations: int) -> None:
    """List the products of observations with this package."""
    from astroquery_mast import conf

    conf.server = url
    client, obsids = ours(), obsids_of(url, observations)
    measure(lambda: {"rows": len(client.get_product_list(obsids, verbose=False))})


def peer_products(url: str, observations: int) -> None:
    """List them with ``astroquery.mast``."""
    client, obsids = peer(url), obsids_of(url, observations)
    measure(lambda: {"rows": len(client.get_product_list(obsids))})


def json_alone(url: str, rows: int, pagesize: int) -> None:
    """Only decode the bodies, with the standard library."""
    decode_alone(json.loads, url, rows, pagesize)


def msgspec_alone(url: str, rows: int, pagesize: int) -> None:
    """Only decode the bodies, with msgspec."""
    decode_alone(importlib.import_module("msgspec").json.decode, url, rows, pagesize)


def decode_alone(decode: Any, url: str, rows: int, pagesize: int) -> None:
    """Retrieve the bodies with a plain session, and measure the decoding."""
    bodies = [fetched(url, page, pagesize) for page in range(1, -(-rows // pagesize) + 1)]

    def work() -> dict[str, Any]:
        return {"rows": sum(len(decode(body)["data"]) for body in bodies)}

    measure(work)


def fetch_alone(url: str, rows: int, pagesize: int) -> None:
    """Only retrieve the bodies."""
    pages = range(1, -(-rows // pagesize) + 1)
    measure(lambda: {"MB": sum(len(fetched(url, page, pagesize)) for page in pages) // 10**6})


def fetch_decode(url: str, rows: int, pagesize: int) -> None:
    """Fetch the bodies one after the other, and decode each to dictionaries with msgspec."""
    decode, pages = importlib.import_module("msgspec").json.decode, range(1, -(-rows // pagesize) + 1)
    measure(lambda: {"rows": sum(len(decode(fetched(url, page, pagesize))["data"]) for page in pages)})


def fetch_parallel(url: str, rows: int, pagesize: int) -> None:
    """Fetch the first page, which says how many there are, and the others with as many connections as this package."""
    others = range(2, -(-rows // pagesize) + 1)

    def work() -> dict[str, Any]:
        first = len(fetched(url, 1, pagesize))
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return {"MB": (first + sum(map(len, pool.map(lambda page: fetched(url, page, pagesize), others)))) // 10**6}

    measure(work)


def fetch_decode_products(url: str, observations: int) -> None:
    """Fetch the products of as many observations in each request as this package, and decode them with msgspec."""
    decode, obsids = importlib.import_module("msgspec").json.decode, obsids_of(url, observations)
    size = -(-observations // CONNECTIONS)
    batches = [",".join(obsids[first : first + size]) for first in range(0, observations, size)]

    def work() -> dict[str, Any]:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            bodies = pool.map(lambda batch: invoked(url, "Mast.Caom.Products", {"obsid": batch}, 50_000, 1), batches)
            return {"rows": sum(len(decode(body)["data"]) for body in bodies)}

    measure(work)


def invoked(url: str, service: str, params: dict[str, Any], pagesize: int, page: int) -> bytes:
    """Send a query without any client."""
    import requests

    query = {"service": service, "params": params, "format": "json", "pagesize": pagesize, "page": page}
    return requests.post(f"{url}/api/v0/invoke", data={"request": json.dumps(query)}, timeout=600).content


def fetched(url: str, page: int, pagesize: int) -> bytes:
    """Fetch a page without any client."""
    filters = [{"paramName": "target_name", "values": [], "freeText": "BULK-%"}]
    return invoked(url, "Mast.Caom.Filtered", {"columns": "*", "filters": filters}, pagesize, page)


def ours() -> Any:
    """Return ``Observations`` after its lazy imports, which ``astroquery.mast`` does at once."""
    from astroquery_mast import Observations

    # These trigger the lazy imports.
    Observations.authenticated()
    Observations._search, Observations._product_flow()
    return Observations


def peer(url: str) -> Any:
    """Return ``Observations`` of ``astroquery.mast``, with all requests redirected to the server."""
    import requests
    from astroquery.mast import Observations

    class Redirecting(requests.adapters.HTTPAdapter):
        def send(self, request: Any, *arguments: Any, **keywords: Any) -> Any:
            parts = urlsplit(request.url)
            request.url = f"{url}{parts.path}" + (f"?{parts.query}" if parts.query else "")
            # Looked up now, because the requests of both packages are counted there.
            return requests.adapters.HTTPAdapter.send(self, request, *arguments, **keywords)

    adapter = Redirecting()
    requests.Session.get_adapter = lambda *_, **__: adapter  # type: ignore[method-assign]
    return Observations


def obsids_of(url: str, count: int) -> list[str]:
    """Ask for observations that have products."""
    filters = [{"paramName": "calib_level", "values": ["1", "2", "3", "4"]}]
    body = invoked(url, "Mast.Caom.Filtered", {"columns": "*", "filters": filters}, count, 1)
    return [str(row["obsid"]) for row in json.loads(body)["data"]]


def checked(table: Any, rows: int) -> dict[str, Any]:
    """Refuse a table that is short; return its rows, and its size in MB."""
    assert len(table) == rows, f"{len(table)} rows of {rows}"
    size = sum(column.nbytes + column.mask.nbytes for column in table.itercols())
    return {"rows": len(table), "MB": round(size / 1e6)}


def imports(quick: bool = False) -> dict[str, Score]:
    """Compare the time of imports."""
    base = "import astroquery.query"
    statements = {
        "base": base,
        "ours": "from astroquery_mast import Observations",
        "peer": "from astroquery.mast import Observations",
    }
    scores = {name: Score() for name in statements}
    rounds = 3 if quick else 9
    for _ in range(rounds):
        for name, statement in statements.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True, env=ENVIRONMENT)
            scores[name].seconds.append(time.perf_counter() - started)
    print(f"import ({rounds} rounds)")
    for name, score in scores.items():
        print(f"  {name:22s} {score.median:8.3f} s, {score.median / scores['base'].median:.2f} x {base}")
    print(flush=True)
    return scores


# Contestants for queries of several pages.
IN_PAGES = ("ours_query", "peer_query", "fetch_parallel")


def warm(url: str, rows: int, pagesize: int) -> None:
    """Let the server generate its pages, so that this is not measured."""
    for page in range(1, -(-rows // pagesize) + 1):
        fetched(url, page, pagesize)


def queried(
    title: str, rows: int, pagesize: int, contestants: Sequence[str], rounds: int, latency: float = 0.0
) -> dict[str, Score]:
    """Let the contestants retrieve the same rows in turn."""
    with server("--rows", rows, "--latency", latency) as url:
        warm(url, rows, pagesize)
        return compete(title, MODULE, contestants, {"url": url, "rows": rows, "pagesize": pagesize}, rounds)


def one_page(quick: bool = False) -> dict[str, Score]:
    """Compare one large page."""
    rows = 10_000 if quick else 50_000
    contestants = ("ours_query", "peer_query", "fetch_decode", "json_alone", "msgspec_alone", "fetch_alone")
    return queried(f"one page of {rows} rows", rows, rows, contestants, 1 if quick else 3)


def many_rows(quick: bool = False) -> dict[str, Score]:
    """Compare many rows, for the memory that they take, also with that of the table itself."""
    rows = 20_000 if quick else 200_000
    scores = queried(f"{rows} rows", rows, 50_000, ("ours_query", "peer_query", "json_alone"), 1 if quick else 3)
    return {**scores, "table": Score([0.0], [scores["ours_query"].notes["MB"]])}


def twelve_pages(quick: bool = False) -> dict[str, Score]:
    """Compare many pages that are far away."""
    return queried("12 pages, 100 ms latency", 12_000, 1000, IN_PAGES, 1 if quick else 3, 0.1)


def six_pages(quick: bool = False) -> dict[str, Score]:
    """Compare large pages, without latency."""
    rows = 12_000 if quick else 60_000
    return queried(f"{rows} rows in 6 pages", rows, rows // 6, IN_PAGES, 1 if quick else 3)


def product_list(quick: bool = False) -> dict[str, Score]:
    """Compare the products of many observations."""
    count = 500 if quick else 2000
    contestants = ("ours_products", "peer_products", "fetch_decode_products")
    title = f"products of {count} observations, 100 ms latency"
    with server("--rows", 10, "--latency", 0.1) as url:
        asked = {"url": url, "observations": count}
        # Once before, so that nobody waits for the server to make its pages.
        for name in contestants:
            in_process(MODULE, name, asked)
        return compete(title, MODULE, contestants, asked, 1 if quick else 5)


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of less work")
    quick = parser.parse_args().quick
    for compare in (one_page, many_rows, six_pages, twelve_pages, product_list, imports):
        compare(quick)


if __name__ == "__main__":
    main()
