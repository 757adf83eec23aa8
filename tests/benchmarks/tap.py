"""Many rows with TAP, compared with pyvo: one response, pages beyond the row limit, and a stream of pages.

``python tests/benchmarks/tap.py`` prints the table; ``--quick`` does less.  pyvo stops at the row limit; beyond it, it
is used in a loop over pages with ``obsid`` as the key, as a user would write it.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from sidebyside import Score, compete, in_process, measure, server

MODULE = "tap"
CAP = 100_000
COLUMNS = "obsid, obs_id, target_name, instrument_name, filters, s_ra, s_dec, t_min, t_exptime, em_min"
QUERY = f"SELECT {COLUMNS} FROM dbo.obspointing WHERE target_name LIKE 'BULK-%'"
CONTESTANTS = ("pyvo_alone", "ours", "ours_at_once", "ours_as_observations", "ours_page_by_page", "fetch_alone")


def pyvo_alone(url: str, rows: int) -> None:
    """Query with pyvo; beyond the row limit page by page, sequentially."""
    import pyvo
    from astropy.table import vstack

    service = pyvo.dal.TAPService(f"{url}/vo-tap/api/v0.1/caom")

    def page(after: int) -> Any:
        query = QUERY.replace("SELECT", f"SELECT TOP {CAP}") + f" AND obsid > {after} ORDER BY obsid"
        return service.run_sync(query, maxrec=CAP).to_table()

    def work() -> dict[str, Any]:
        if rows <= CAP:
            return checked(service.run_sync(QUERY, maxrec=CAP).to_table(), rows)
        pages = [page(0)]
        while len(pages[-1]) == CAP:
            pages.append(page(int(pages[-1]["obsid"][-1])))
        return checked(vstack(pages, metadata_conflicts="silent"), rows)

    measure(work)


def ours(url: str, rows: int, **options: Any) -> None:
    """Retrieve all rows with this package: in one response, or in pages by asynchronous jobs."""
    client = pointed_at(url)
    measure(lambda: checked(client.query_tap(QUERY, **limited(rows), **options), rows))


def ours_at_once(url: str, rows: int) -> None:
    """Retrieve pages with synchronous queries, as pyvo does here."""
    ours(url, rows, run_async=False)


def ours_as_observations(url: str, rows: int) -> None:
    """Retrieve the columns of the other queries for observations."""
    from astroquery_mast import Observations

    pointed_at(url)
    measure(lambda: checked(Observations.query_tap(QUERY, **limited(rows)), rows))


def ours_page_by_page(url: str, rows: int) -> None:
    """Retrieve page after page, without keeping them."""
    client = pointed_at(url)
    size = CAP if rows > CAP else rows // 10
    measure(lambda: {"rows": sum(map(len, client.query_tap_iter(QUERY, maxrec=size, run_async=False)))})


def fetch_alone(url: str, rows: int) -> None:
    """Only retrieve the body of one response."""
    import requests

    asked = {"LANG": "ADQL", "QUERY": QUERY, "MAXREC": str(min(rows, CAP))}
    address = f"{url}/vo-tap/api/v0.1/caom/sync"
    measure(lambda: {"MB": len(requests.post(address, data=asked, timeout=600).content) // 10**6})


def limited(rows: int) -> dict[str, Any]:
    """Return the options for one response, or for as many pages as needed."""
    return {} if rows <= CAP else {"limit": None}


def pointed_at(url: str) -> Any:
    """Return the client for the server."""
    from astroquery_mast import VO, conf

    conf.server, conf.timeout = url, 1800.0
    return VO


def checked(table: Any, rows: int) -> dict[str, Any]:
    """Return the number of rows after checking that they are unique."""
    number = len(np.unique(np.asarray(table["obsid"])))
    assert number == len(table) == rows, f"{number} of {len(table)} rows, {rows} wanted"
    return {"rows": number, "MB": round(sum(table[name].nbytes for name in table.colnames) / 1e6)}


def queried(rows: int, contestants: tuple[str, ...], rounds: int) -> dict[str, Score]:
    """Let the contestants retrieve the same rows in turn."""
    with server("--rows", rows, "--latency", 0) as url:
        asked = {"url": url, "rows": rows}
        for name in contestants:  # Warm up the server.
            in_process(MODULE, name, asked)
        return compete(f"{rows} rows by TAP, at most {CAP} in an answer", MODULE, contestants, asked, rounds)


def beyond_the_cap(quick: bool = False) -> dict[str, Score]:
    """Compare more rows than one answer has."""
    return queried(10_000 if quick else 250_000, ("ours", "pyvo_alone"), 1)


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of less work")
    quick = parser.parse_args().quick
    for rows in (10_000,) if quick else (10_000, 100_000, 250_000):
        queried(rows, CONTESTANTS, 1 if quick else 3)
    if not quick:
        queried(1_000_000, ("ours_page_by_page",), 1)


if __name__ == "__main__":
    main()
