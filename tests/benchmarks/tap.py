"""Queries by TAP, side by side with pyvo alone: one answer, pages beyond the cap, and a stream of pages.

``python tests/benchmarks/tap.py`` prints the table; ``--quick`` does less.
"""

from __future__ import annotations

import argparse
from typing import Any

from queries import checked
from sidebyside import Score, compete, in_process, measure, server

MODULE = "tap"
CAP = 100_000
COLUMNS = "obsid, obs_id, target_name, instrument_name, filters, s_ra, s_dec, t_min, t_exptime, em_min"
QUERY = f"SELECT {COLUMNS} FROM dbo.obspointing WHERE target_name LIKE 'BULK-%'"


def ours(url: str, rows: int) -> None:
    """Ask this package for all rows."""
    client = pointed_at(url)
    measure(lambda: checked(client.query_tap(QUERY, **limited(rows)), rows))


def ours_as_observations(url: str, rows: int) -> None:
    """Ask for them in the columns of the other queries for observations."""
    from astroquery_mast import Observations

    pointed_at(url)
    measure(lambda: checked(Observations.query_tap(QUERY, **limited(rows)), rows))


def limited(rows: int) -> dict[str, Any]:
    """Ask for one answer, or for as many pages as it takes."""
    return {} if rows <= CAP else {"limit": None}


def ours_page_by_page(url: str, rows: int) -> None:
    """Ask for page after page, and let each go."""
    client = pointed_at(url)
    measure(lambda: {"rows": sum(map(len, client.query_tap_iter(QUERY, maxrec=CAP if rows > CAP else rows // 10)))})


def pyvo_alone(url: str, rows: int) -> None:
    """Ask pyvo; beyond the cap by a loop over an identifier, as users write it, one answer after the other."""
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


def fetch_alone(url: str, rows: int) -> None:
    """Only fetch the body of one answer."""
    import requests

    asked = {"LANG": "ADQL", "QUERY": QUERY, "MAXREC": str(min(rows, CAP))}
    address = f"{url}/vo-tap/api/v0.1/caom/sync"
    measure(lambda: {"MB": len(requests.post(address, data=asked, timeout=600).content) // 10**6})


def pointed_at(url: str) -> Any:
    """Give the client, pointed at the server."""
    from astroquery_mast import VO, conf

    conf.server, conf.timeout = url, 1800.0
    return VO


def queried(rows: int, contestants: tuple[str, ...], rounds: int) -> dict[str, Score]:
    """Let the contestants ask for the same rows in turn."""
    with server("--rows", rows, "--latency", 0) as url:
        asked = {"url": url, "rows": rows}
        for name in contestants:  # Once before, so that nobody waits for the server to make its answers.
            in_process(MODULE, name, asked)
        return compete(f"{rows} rows by TAP, {CAP} at most in an answer", MODULE, contestants, asked, rounds)


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of less work")
    quick = parser.parse_args().quick
    contestants = ("ours", "pyvo_alone", "ours_as_observations", "ours_page_by_page", "fetch_alone")
    for rows in (10_000,) if quick else (10_000, 100_000, 250_000):
        queried(rows, contestants, 1 if quick else 3)
    if not quick:
        queried(1_000_000, ("ours_page_by_page",), 1)


if __name__ == "__main__":
    main()
