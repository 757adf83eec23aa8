"""All goals of speed in one table: this package beside ``astroquery.mast`` and beside what no client can do better.

``python tests/benchmarks/speed.py`` runs the comparisons of the other files, one after the other, and prints what each
has shown, and then the table; ``--quick`` does less.  Everything runs in turn against one server on this computer.
``--csv FILE`` writes the table to a file, from which the documentation makes its table and its picture.
"""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import downloads
import footprints
import many
import queries
import tap
from sidebyside import Score

Scores = Mapping[str, Score]
#: Contestants, as the table names them.
NAMES = {
    "peer": "astroquery.mast",
    "base": "astroquery.query",
    "curl": "curl",
    "curl_sha256sum": "curl and sha256sum",
    "fetch_decode": "fetching and decoding",
    "fetch_parallel": "fetching",
    "table": "the table itself",
    "limit": "the limit",
    "pyvo_alone": "a loop with pyvo",
    "ours_cones_one_by_one": "one request each",
}


@dataclass(frozen=True)
class Goal:
    """A goal: the seconds (or MB) of somebody, divided by ours, at least.

    Parameters
    ----------
    work : str
        What is done.
    compare : callable
        Runs the comparison.
    ours, other : str
        Contestants.
    least : float or None
        The ratio to be reached; None where it is only told.
    memory : bool
        Whether the growth of peak memory is compared, instead of time.
    """

    work: str
    compare: Callable[[bool], Scores]
    ours: str
    other: str
    least: float | None = None
    memory: bool = False

    def row(self, scores: Scores) -> dict[str, str]:
        """Return the row of the table."""
        first, second = self.amount(scores[self.ours]), self.amount(scores[self.other])
        ratio = second / first if first else float("inf")
        name = self.other.removesuffix("_products") if self.other.startswith("fetch") else self.other
        # Tables of the documentation do not break the line before the unit.
        unit = "\N{NO-BREAK SPACE}" + ("MB" if self.memory else "s")
        return {
            "task": self.work,
            "astroquery_mast": f"{number(first)}{unit}",
            "other": f"{number(second)}{unit}",
            "compared with": NAMES.get(name) or NAMES[name.partition("_")[0]],
            "ratio": f"{ratio:.2f}",
            "goal": "" if self.least is None else f"{self.least:.2f}",
            "met": "" if self.least is None else ("yes" if ratio >= self.least else "no"),
        }

    def amount(self, score: Score) -> float:
        """Return the seconds, or the MB."""
        return max(score.grown) if self.memory else score.median


# Each row of the goals, and what nobody can do better: it may take so many times as long.
GOALS = (
    Goal("50,000 rows, from request to table", queries.one_page, "ours_query", "peer_query", 5.0),
    Goal("50,000 rows, from request to table", queries.one_page, "ours_query", "fetch_decode", 1 / 1.5),
    Goal("200,000 rows", queries.many_rows, "ours_query", "peer_query"),
    Goal("200,000 rows, memory", queries.many_rows, "ours_query", "peer_query", memory=True),
    Goal("200,000 rows, memory", queries.many_rows, "ours_query", "table", 1 / 1.6, memory=True),
    Goal("60,000 rows in 6 pages", queries.six_pages, "ours_query", "peer_query", 5.0),
    Goal("60,000 rows in 6 pages", queries.six_pages, "ours_query", "fetch_parallel", 1 / 1.2),
    Goal("12 pages, 100 ms latency", queries.twelve_pages, "ours_query", "peer_query", 5.0),
    Goal("12 pages, 100 ms latency", queries.twelve_pages, "ours_query", "fetch_parallel", 1 / 1.2),
    Goal("products of 2,000 observations, 100 ms", queries.product_list, "ours_products", "peer_products", 4.0),
    Goal(
        "products of 2,000 observations, 100 ms",
        queries.product_list,
        "ours_products",
        "fetch_decode_products",
        1 / 1.5,
    ),
    Goal("200 files of 1 MB, 30 ms latency", downloads.small_files, "ours", "peer", 10.0),
    Goal("200 files of 1 MB, 30 ms latency", downloads.small_files, "ours", "curl", 0.9),
    Goal("1 file of 200 MB at 1 Gbit/s", downloads.large_file_at_a_rate, "ours", "peer", 1.0),
    Goal("1 file of 200 MB at 1 Gbit/s", downloads.large_file_at_a_rate, "ours", "curl", 0.95),
    Goal("1 file of 200 MB, memory", downloads.large_file_at_a_rate, "ours", "peer", memory=True),
    Goal("1 file of 200 MB, loopback", downloads.large_file, "ours", "curl_sha256sum", 0.9),
    Goal("200 names", many.named_nearby, "ours_names", "peer_names", 1.0),
    Goal("200 names, 50 ms latency", many.named, "ours_names", "peer_names", 5.0),
    Goal("import of Observations", queries.imports, "ours", "peer", 1.0),
    Goal("import of Observations", queries.imports, "ours", "base", 1 / 1.15),
    Goal("250,000 rows by TAP, at most 100,000 each", tap.beyond_the_cap, "ours", "pyvo_alone"),
    Goal("60,000 positions in 40,000 footprints", footprints.crowded, "matched", "limit", 1.0),
    Goal("60,000 positions in 40,000 footprints, memory", footprints.crowded, "matched", "limit", 1.0, memory=True),
    Goal("10,000 positions matched with the TIC, 50 ms", many.matched, "ours_crossmatch", "peer_crossmatch", 100.0),
    Goal("1,000 cone searches, 50 ms", many.around, "ours_cones", "peer_cones"),
    Goal("1,000 cone searches, 50 ms", many.around, "ours_cones", "ours_cones_one_by_one"),
)


def number(amount: float) -> str:
    """Return seconds or MB with three digits, or all digits before the decimal point."""
    return f"{amount:.0f}" if amount >= 100 else f"{amount:.3g}"


def printed(rows: Sequence[Mapping[str, str]]) -> None:
    """Print the table."""
    widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}
    for row in ({key: key for key in widths}, *rows):
        print("  ".join(row[key].ljust(width) for key, width in widths.items()).rstrip())


def main() -> None:
    """Run all comparisons, each once, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of less work")
    parser.add_argument("--csv", type=Path, help="write the table to this file")
    options = parser.parse_args()
    shown = {compare: compare(options.quick) for compare in dict.fromkeys(goal.compare for goal in GOALS)}
    rows = [goal.row(shown[goal.compare]) for goal in GOALS]
    peer = importlib.metadata.version("astroquery")
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, astroquery {peer}")
    printed(rows)
    if options.csv:
        with options.csv.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
