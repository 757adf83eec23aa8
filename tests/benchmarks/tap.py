"""Many rows by TAP, beyond the cap of a service, beside pyvo alone.

``python tests/benchmarks/tap.py`` prints the table; ``--quick`` does less.  pyvo ends at the cap, so that beyond it the
pages are a loop here, as somebody would write it who knows that ``obsid`` is a key.
"""

from __future__ import annotations

import argparse
from typing import Any

from sidebyside import compete, measure, server

MODULE = "tap"
CAP = 100_000
COLUMNS = "obsid, obs_id, s_ra, s_dec, t_exptime"


def query(rows: int) -> str:
    """Return the query for so many rows."""
    return f"SELECT {COLUMNS} FROM dbo.obspointing WHERE target_name LIKE 'BULK-%' AND target_name <> 'BULK-{rows}'"


def pyvo_alone(url: str, rows: int) -> None:
    """Ask with pyvo, page by page."""
    import pyvo
    from astropy.table import vstack

    service = pyvo.dal.TAPService(f"{url}/vo-tap/api/v0.1/caom")

    def work() -> dict[str, Any]:
        pages: list[Any] = []
        while not pages or len(pages[-1]) == CAP:
            after = f" AND obsid > {pages[-1]['obsid'][-1]}" if pages else ""
            text = query(rows).replace("SELECT", f"SELECT TOP {CAP}") + f"{after} ORDER BY obsid"
            pages.append(service.run_sync(text, maxrec=CAP).to_table())
        return checked(vstack(pages, metadata_conflicts="silent"), rows)

    measure(work)


def ours(url: str, rows: int, run_async: bool | None) -> None:
    """Ask with this package for all rows."""
    from astroquery_mast import VO, conf

    conf.server, conf.timeout = url, 900.0
    measure(lambda: checked(VO.query_tap(query(rows), limit=None, run_async=run_async), rows))


def ours_at_once(url: str, rows: int) -> None:
    """Ask for pages at once."""
    ours(url, rows, run_async=False)


def ours_as_jobs(url: str, rows: int) -> None:
    """Ask for pages as jobs, which is what happens by itself if there are several."""
    ours(url, rows, run_async=True)


def ours_page_by_page(url: str, rows: int) -> None:
    """Ask for pages of a tenth, and let each go."""
    from astroquery_mast import VO, conf

    conf.server, conf.timeout = url, 900.0

    def work() -> dict[str, Any]:
        pages = VO.query_tap_iter(query(rows), maxrec=min(CAP, rows // 10), run_async=False)
        return {"rows": sum(map(len, pages))}

    measure(work)


def checked(table: Any, rows: int) -> dict[str, Any]:
    """Count the rows, each once."""
    number = len(set(table["obsid"]))
    assert number == len(table) == rows, f"{number} of {len(table)} rows, {rows} wanted"
    return {"rows": number, "MB": round(sum(table[name].nbytes for name in table.colnames) / 1e6)}


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less work")
    quick = parser.parse_args().quick
    for rows in (2_000, 10_000) if quick else (10_000, 100_000, 250_000):
        with server("--rows", rows, "--latency", 0) as url:
            contestants = ("pyvo_alone", "ours_at_once", "ours_as_jobs", "ours_page_by_page")
            compete(f"{rows} rows by TAP", MODULE, contestants, {"url": url, "rows": rows}, 1)


if __name__ == "__main__":
    main()
