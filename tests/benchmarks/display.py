"""The time to display a table of 100,000 rows, compared with astropy.

``python tests/benchmarks/display.py`` prints the seconds of ``repr`` and of ``_repr_html_``, best of several, for
observations, products and a manifest, and the time to create a `ResultTable` instead of a plain table.
"""

from __future__ import annotations

import argparse
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np
from astropy.table import MaskedColumn, Table

from astroquery_mast import Observations, ResultTable
from astroquery_mast.products.manifest import Status, TransferResult, as_manifest
from astroquery_mast.sandbox import Sandbox


def seconds(work: Callable[[], object], times: int = 5) -> float:
    """Return the best of several times, which excludes work done only once, such as imports."""
    return min(timeit.repeat(work, number=1, repeat=times))


def repeated(table: ResultTable, rows: int) -> ResultTable:
    """Return a table with the rows of another one repeated."""
    return table[np.arange(rows) % len(table)]


def main() -> None:
    """Make the tables and print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with Sandbox():
        observations = Observations.query_object("M51")
        products = Observations.get_product_list(observations[:5])
        files = [
            TransferResult(n, Status("ERROR" if n % 9 else "COMPLETE"), Path(f"a/{n}.fits"), size=n)
            for n in range(rows)
        ]
        tables = {
            "observations": repeated(observations, rows),
            "products": repeated(products, rows),
            "manifest": as_manifest(files),
        }
        print(f"{'table of ' + format(rows, ','):<28}{'repr':>10}{'notebook':>10}{'astropy':>10}{'notebook':>10}  (ms)")
        for name, table in tables.items():
            plain = Table(table, copy=False)
            works = (table.__repr__, table._repr_html_, plain.__repr__, plain._repr_html_)
            print(f"{name:<28}" + "".join(f"{1000 * seconds(work):10.1f}" for work in works))
    columns = {f"c{n}": MaskedColumn(np.arange(rows), name=f"c{n}") for n in range(35)}
    for cls in (Table, ResultTable):
        made = seconds(lambda cls=cls: cls(list(columns.values()), copy=False, masked=True))
        print(f"{'made: ' + cls.__name__:<28}{1000 * made:10.1f}")


if __name__ == "__main__":
    main()
