"""All performance goals in one table: this package compared with ``astroquery.mast`` and with lower bounds.

``python tests/benchmarks/speed.py`` runs the comparisons in the other files, one after the other, and prints their
results and then the table; ``--quick`` does less.  Everything runs in turn with one server on this computer.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import downloads
import many
import queries
from sidebyside import Score

Scores = Mapping[str, Score]


@dataclass(frozen=True)
class Goal:
    """A goal: a minimum ratio of the seconds (or MB) of another contestant to ours.

    Parameters
    ----------
    work : str
        The work that is measured.
    compare : callable
        Function that runs the comparison.
    ours, other : str
        Names of the contestants.
    least : float or None
        Minimum ratio; None if it is only reported.
    memory : bool
        Whether to compare the growth of peak memory instead of time.
    quoted : float or None
        Quoted time or memory of the other contestant, if the goal refers to it and not to a measurement here.
    """

    work: str
    compare: Callable[[bool], Scores]
    ours: str
    other: str
    least: float | None = None
    memory: bool = False
    quoted: float | None = None

    def line(self, scores: Scores) -> str:
        """Return the line of the table."""
        first = self.amount(scores[self.ours])
        second = self.amount(scores[self.other]) if self.quoted is None else self.quoted
        ratio = second / first if first else float("inf")
        wanted = "" if self.least is None else f"{self.least:6.2f}  {'met' if ratio >= self.least else 'NOT MET'}"
        unit = "MB" if self.memory else "s "
        requests = scores[self.ours].notes.get("requests", "")
        numbers = f"{first:8.2f} {unit} {second:8.2f} {unit} {self.other:15s} {ratio:6.2f}"
        return f"{self.work:52s} {numbers} {wanted:16s} {requests}"

    def amount(self, score: Score) -> float:
        """Return the seconds, or the MB."""
        return max(score.grown) if self.memory else score.median


GOALS = (
    Goal("50,000-row page, request to table", queries.one_page, "ours_query", "peer_query", 4.0),
    Goal("  beside decoding with msgspec alone", queries.one_page, "ours_query", "msgspec_alone", 1 / 2.2),
    Goal("  beside decoding with json alone", queries.one_page, "ours_query", "json_alone", 1 / 2.2),
    Goal("200,000-row query", queries.many_rows, "ours_query", "peer_query"),
    Goal("  peak memory", queries.many_rows, "ours_query", "peer_query", memory=True),
    Goal(
        "  peak memory, a quarter of 2.4 GB", queries.many_rows, "ours_query", "quoted", 4.0, memory=True, quoted=2400
    ),
    Goal("12 pages, 100 ms latency", queries.twelve_pages, "ours_query", "peer_query", 4.0),
    Goal("  beside fetching them one after the other", queries.twelve_pages, "ours_query", "fetch_alone"),
    Goal("products of 2,000 observations, 100 ms latency", queries.product_list, "ours_products", "peer_products", 4.0),
    Goal("200 files of 1 MB, 30 ms latency", downloads.small_files, "ours", "peer", 6.0),
    Goal("  beside curl --parallel", downloads.small_files, "ours", "curl", 0.9),
    Goal("1 file of 200 MB, loopback", downloads.large_file, "ours", "curl", 0.9),
    Goal("  beside curl and sha256sum", downloads.large_file, "ours", "curl_sha256sum", 0.9),
    Goal("1 file of 200 MB, 1 Gbit/s", downloads.large_file_at_a_rate, "ours", "curl", 0.9),
    Goal("import, beside astroquery.query", queries.imports, "ours", "base", 1 / 1.1),
    Goal("import, beside astroquery.mast", queries.imports, "ours", "peer"),
    Goal("10,000 positions matched with the TIC, 50 ms", many.matched, "ours_crossmatch", "peer_crossmatch"),
    Goal("1,000 cones, 50 ms", many.around, "ours_cones", "peer_cones"),
    Goal("  each with a request of its own", many.around, "ours_cones", "ours_cones_one_by_one"),
    Goal("1,000 names, 50 ms", many.named, "ours_names", "peer_names"),
)


def main() -> None:
    """Run all comparisons, each once, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of less work")
    quick = parser.parse_args().quick
    shown = {compare: compare(quick) for compare in dict.fromkeys(goal.compare for goal in GOALS)}
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors")
    print(f"{'work':52s} {'ours':>8s}    {'other':>8s}    {'':15s}  ratio   goal           requests")
    for goal in GOALS:
        print(goal.line(shown[goal.compare]))


if __name__ == "__main__":
    main()
