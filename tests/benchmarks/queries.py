"""Queries side by side with ``astroquery.mast``: pages, memory, latency, product lists, import.

``python tests/benchmarks/queries.py`` prints the table; ``--quick`` does less.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from typing import Any
from urllib.parse import urlsplit

from sidebyside import compete, measure, server

MODULE = "queries"


def ours_query(url: str, rows: int, pagesize: int) -> None:
    """Ask this package for the rows."""
    from astroquery_mast import Observations, conf

    # The limit of the real archive is not what is measured here.
    conf.server, conf.timeout, conf.row_limit = url, 900.0, 10**9
    observations = Observations
    measure(lambda: checked(observations.query_criteria(target_name="BULK-*", pagesize=pagesize), rows))


def peer_query(url: str, rows: int, pagesize: int) -> None:
    """Ask ``astroquery.mast`` for the rows."""
    observations = peer(url)
    measure(lambda: checked(observations.query_criteria(target_name="BULK-*", pagesize=pagesize), rows))


def ours_products(url: str, observations: int) -> None:
    """List the products of observations with this package."""
    from astroquery_mast import Observations, conf

    conf.server = url
    obsids = obsids_of(url, observations)
    measure(lambda: {"rows": len(Observations.get_product_list(obsids, verbose=False))})


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


def orjson_alone(url: str, rows: int, pagesize: int) -> None:
    """Only decode the bodies, with orjson."""
    decode_alone(importlib.import_module("orjson").loads, url, rows, pagesize)


def decode_alone(decode: Any, url: str, rows: int, pagesize: int) -> None:
    """Fetch the bodies by the bare session, and measure what decodes them."""
    bodies = [fetched(url, page, pagesize) for page in range(1, -(-rows // pagesize) + 1)]

    def work() -> dict[str, Any]:
        return {"rows": sum(len(decode(body)["data"]) for body in bodies)}

    measure(work)


def fetch_alone(url: str, rows: int, pagesize: int) -> None:
    """Only fetch the bodies."""
    pages = range(1, -(-rows // pagesize) + 1)
    measure(lambda: {"MB": sum(len(fetched(url, page, pagesize)) for page in pages) // 10**6})


def fetched(url: str, page: int, pagesize: int) -> bytes:
    """Fetch a page without any client."""
    import requests

    filters = [{"paramName": "target_name", "values": [], "freeText": "BULK-%"}]
    params = {"columns": "*", "filters": filters}
    asked = {"service": "Mast.Caom.Filtered", "params": params, "format": "json", "pagesize": pagesize, "page": page}
    return requests.post(f"{url}/api/v0/invoke", data={"request": json.dumps(asked)}, timeout=600).content


def peer(url: str) -> Any:
    """Give ``Observations`` of ``astroquery.mast``; all that it sends to MAST goes to the server."""
    import requests
    from astroquery.mast import Observations

    class Redirecting(requests.adapters.HTTPAdapter):
        def send(self, request: Any, *arguments: Any, **keywords: Any) -> Any:
            parts = urlsplit(request.url)
            request.url = f"{url}{parts.path}" + (f"?{parts.query}" if parts.query else "")
            # Looked up now: the requests of both sides are counted there.
            return requests.adapters.HTTPAdapter.send(self, request, *arguments, **keywords)

    adapter = Redirecting()
    requests.Session.get_adapter = lambda *_, **__: adapter  # type: ignore[method-assign]
    return Observations


def obsids_of(url: str, count: int) -> list[str]:
    """Ask for observations that have products."""
    import requests

    filters = [{"paramName": "calib_level", "values": ["1", "2", "3", "4"]}]
    params = {"columns": "*", "filters": filters}
    asked = {"service": "Mast.Caom.Filtered", "params": params, "format": "json", "pagesize": count, "page": 1}
    answer = requests.post(f"{url}/api/v0/invoke", data={"request": json.dumps(asked)}, timeout=600).json()
    return [str(row["obsid"]) for row in answer["data"]]


def checked(table: Any, rows: int) -> dict[str, Any]:
    """Refuse a table that is short."""
    assert len(table) == rows, f"{len(table)} rows of {rows}"
    return {"rows": len(table)}


def imports(rounds: int) -> None:
    """Compare the time of imports."""
    base = "import astroquery.query"
    statements = {
        "ours": "from astroquery_mast import Observations",
        "peer": "from astroquery.mast import Observations",
    }
    # Installed packages have their bytecode; a developer's may be told to keep none.
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times: dict[str, list[float]] = {"base": [], **{name: [] for name in statements}}
    for _ in range(max(rounds, 5)):
        for name, statement in {"base": base, **statements}.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True, env=settings)
            times[name].append(time.perf_counter() - started)
    fastest = {name: min(seconds) for name, seconds in times.items()}
    print(f"import, best of {max(rounds, 5)}")
    print("\n".join(f"  {name:22s} {s:8.3f} s, {s / fastest['base']:.2f} x {base}" for name, s in fastest.items()))


def warm(url: str, rows: int, pagesize: int) -> None:
    """Let the server make its pages, so that nobody waits for them."""
    for page in range(1, -(-rows // pagesize) + 1):
        fetched(url, page, pagesize)


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of less work")
    quick = parser.parse_args().quick
    rounds, page, many = (1, 10_000, 20_000) if quick else (3, 50_000, 200_000)
    bare = ("json_alone", "msgspec_alone", "orjson_alone", "fetch_alone")
    with server("--rows", page) as url:
        warm(url, page, page)
        asked = {"url": url, "rows": page, "pagesize": page}
        compete(f"one page of {page} rows", MODULE, ("ours_query", "peer_query", *bare), asked, rounds)
    with server("--rows", many) as url:
        warm(url, many, 50_000)
        asked = {"url": url, "rows": many, "pagesize": 50_000}
        compete(f"{many} rows", MODULE, ("ours_query", "peer_query"), asked, 1)
    with server("--rows", 12_000, "--latency", 0.1) as url:
        warm(url, 12_000, 1000)
        asked = {"url": url, "rows": 12_000, "pagesize": 1000}
        compete("12 pages, 100 ms latency", MODULE, ("ours_query", "peer_query", "fetch_alone"), asked, rounds)
    with server("--rows", 10, "--latency", 0.1) as url:
        count = 500 if quick else 2000
        title = f"products of {count} observations, 100 ms latency"
        compete(title, MODULE, ("ours_products", "peer_products"), {"url": url, "observations": count}, rounds)
    imports(rounds)


if __name__ == "__main__":
    main()
