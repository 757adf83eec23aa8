"""Upload and download of complete tables in MyDB, compared with mastcasjobs, with one sandbox.

``python tests/benchmarks/mydb.py`` prints the table; ``--quick`` does less.  mastcasjobs has three ways to download: a
quick query, a file, and the fast service of MAST, which this package does not use.  The notes have the number of
columns equal to the uploaded ones in type and values.  (A module ``casjobs`` in this folder would hide that package.)
"""

from __future__ import annotations

import argparse
import contextlib
import io
from typing import Any

import numpy as np
from sidebyside import Score, compete, in_process, measure, server

from astroquery_mast.sandbox import Sandbox

MODULE = "mydb"
KEPT = "kept"
SENT = "sent"
UP = ("mastcasjobs_up", "ours_up")
DOWN = ("mastcasjobs_down", "mastcasjobs_file", "mastcasjobs_fast", "ours_down", "fetch_alone")


def sample(rows: int) -> Any:
    """Return a catalog with a 64-bit key, positions, magnitudes, flags and names, and missing values."""
    from astropy.table import MaskedColumn, Table

    random = np.random.default_rng(13)
    numbers = np.arange(rows)
    return Table(
        {
            "objID": random.integers(2**62, 2**63 - 1, rows),
            "raMean": random.uniform(0, 360, rows),
            "decMean": random.uniform(-30, 90, rows),
            "gMeanPSFMag": MaskedColumn(random.normal(20, 2, rows).astype("f4"), mask=numbers % 10 == 0),
            "nDetections": random.integers(1, 100, rows).astype("i2"),
            "isGood": random.random(rows) > 0.5,
            "filter": np.array(["g", "r", "i", "z", "y"])[numbers % 5],
            "name": np.char.add("PSO_J", numbers.astype("U7")),
        }
    )


def theirs(url: str) -> Any:
    """Return mastcasjobs, logged in."""
    from mastcasjobs import MastCasJobs

    user, password = Sandbox.casjobs_user, Sandbox.casjobs_password
    base = f"{url}/ps1casjobs"
    return MastCasJobs(
        user,
        password,
        context="MYDB",
        base_url=f"{base}/services/jobs.asmx",
        wsid_url=f"{base}/casusers.asmx/GetWebServiceId",
        fast_url=f"{url}/cgi-bin/quick_casjobs.cgi",
    )


def our_client(url: str) -> Any:
    """Return the client of this package, logged in."""
    from astroquery_mast import CasJobs, conf

    conf.server, conf.casjobs_server, conf.timeout = url, url, 1800.0
    with contextlib.redirect_stdout(io.StringIO()):
        CasJobs.login(Sandbox.casjobs_user, Sandbox.casjobs_password)
    return CasJobs


def mastcasjobs_up(url: str, rows: int) -> None:
    """Upload with mastcasjobs, which leaves the types to the service."""
    client, table = theirs(url), sample(rows)
    client.drop_table_if_exists(SENT)
    measure(lambda: sized(table, client.upload_table(SENT, table)))


def ours_up(url: str, rows: int, name: str = SENT) -> None:
    """Upload with this package."""
    client, table = our_client(url), sample(rows)
    client.drop(name, missing_ok=True)
    measure(lambda: sized(table, client.upload(table, name)))


def mastcasjobs_down(url: str, rows: int) -> None:
    """Download with a quick query of mastcasjobs."""
    client, table = theirs(url), sample(rows)
    measure(lambda: compared(client.quick(f"SELECT * FROM {KEPT}"), table))


def mastcasjobs_file(url: str, rows: int) -> None:
    """Download a file with mastcasjobs, its method for queries too slow for the quick queue."""
    client, table = theirs(url), sample(rows)
    client.quick = refused
    client.monitor = lambda job: (5, "finished")
    measure(lambda: compared(client.get_table(KEPT, format="FITS"), table))


def refused(query: str, *_arguments: Any, **_options: Any) -> None:
    """Return only that the table exists."""
    if "top 0" not in query:
        raise TimeoutError


def mastcasjobs_fast(url: str, rows: int) -> None:
    """Download with the fast service."""
    client, table = theirs(url), sample(rows)
    measure(lambda: compared(client.fast_table(KEPT), table))


def ours_down(url: str, rows: int) -> None:
    """Download with this package."""
    client, table = our_client(url), sample(rows)
    measure(lambda: compared(client.download(KEPT), table))


def fetch_alone(url: str, rows: int) -> None:
    """Only retrieve the text of a quick query."""
    client = theirs(url)
    measure(lambda: {"MB": len(client.quick(f"SELECT * FROM {KEPT}", astropy=False)) // 10**6})


def sized(table: Any, _done: None) -> dict[str, Any]:
    """Return the size of a table."""
    return {"rows": len(table), "MB": round(sum(table[name].nbytes for name in table.colnames) / 1e6)}


def compared(back: Any, table: Any) -> dict[str, Any]:
    """Return the number of columns with the same type and values as before."""
    assert len(back) == len(table), f"{len(back)} rows, {len(table)} wanted"
    return {"rows": len(back), "equal columns": sum(is_equal(back[name], table[name]) for name in table.colnames)}


def is_equal(back: Any, column: Any) -> bool:
    """Return whether two columns have the same kind of type, cells and masks."""
    values, mask = np.ma.getdata(back), np.ma.getmaskarray(back)
    wanted, wanted_mask = np.ma.getdata(column), np.ma.getmaskarray(column)
    if values.dtype.kind != wanted.dtype.kind or (mask != wanted_mask).any():
        return False
    return bool((values[~mask] == wanted[~mask]).all())


def uploaded(rows: int, rounds: int) -> None:
    """Let the contestants upload and download the same rows in turn."""
    with server("--rows", 0, "--latency", 0) as url:
        asked = {"url": url, "rows": rows}
        compete(f"{rows} rows up to MyDB", MODULE, UP, asked, rounds)
        in_process(MODULE, "ours_up", {**asked, "name": KEPT})
        scores: dict[str, Score] = compete(f"{rows} rows down from MyDB", MODULE, DOWN, asked, rounds)
        assert scores["ours_down"].notes["equal columns"] == 8


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of less work")
    quick = parser.parse_args().quick
    for rows in (20_000,) if quick else (20_000, 300_000):
        uploaded(rows, 1 if quick else 3)


if __name__ == "__main__":
    main()
