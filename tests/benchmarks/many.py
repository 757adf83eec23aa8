"""Many targets: cross-match, cones and names, compared with the loops that ``astroquery.mast`` needs.

``python tests/benchmarks/many.py`` prints the table; ``--quick`` does less.  Every response has a latency of 50 ms,
which is less than that of MAST.  A loop of ``astroquery.mast`` that would take minutes is run for some of the targets,
as the line says: its seconds must be multiplied.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from queries import ours, peer
from sidebyside import Score, compete, measure, server

MODULE = "many"
LATENCY = 0.05


def places(count: int) -> Any:
    """Return positions in and around the fields of the sandbox."""
    import numpy as np
    from astropy.coordinates import SkyCoord

    dice = np.random.default_rng(5)
    centers = np.array([(202.47, 47.195), (53.159, -27.781), (210.8, 54.35), (150.1, 2.2), (10.68, 41.27)])
    chosen = centers[dice.integers(len(centers), size=count)]
    return SkyCoord(chosen + dice.normal(scale=0.05, size=(count, 2)), unit="deg")


def names(count: int) -> list[str]:
    """Return names that can be resolved in the sandbox, which differ by case."""
    known = ["Whirlpool Galaxy", "Andromeda Galaxy", "Triangulum Galaxy", "Pinwheel Galaxy", "Sombrero Galaxy"]
    known += ["Tarantula Nebula", "Southern Ring Nebula", "Butterfly Nebula", "Trapezium", "Bocaprins"]
    return [spelled(known[number % len(known)], number // len(known)) for number in range(count)]


def spelled(name: str, number: int) -> str:
    """Return a name with the letters in upper case whose bits are set in a number."""
    return "".join(each.upper() if number >> place & 1 else each.lower() for place, each in enumerate(name))


def ours_crossmatch(url: str, count: int) -> None:
    """Match positions with the TIC."""
    from astroquery_mast import Catalogs, conf

    conf.server = url
    positions = places(count)
    measure(lambda: {"rows": len(Catalogs.crossmatch(positions, "TIC", radius="20 arcsec", verbose=False))})


def peer_crossmatch(url: str, count: int) -> None:
    """Match with a cone search for each position."""
    client, positions = peer(url), places(count)
    from astroquery.mast import Catalogs

    def work() -> dict[str, Any]:
        tables = [Catalogs.query_region(one, radius=20 / 3600, catalog="TIC") for one in positions]
        return {"rows": sum(map(len, tables)), "of": count}

    del client
    measure(work)


def ours_cones(url: str, count: int, merge_nearby: bool = True) -> None:
    """Query observations around many positions; nearby positions share a request."""
    from astroquery_mast import conf

    conf.server = url
    client, positions = ours(), places(count)
    measure(lambda: {"rows": len(client.query_region(positions, radius="5 arcsec", merge_nearby=merge_nearby))})


def ours_cones_one_by_one(url: str, count: int) -> None:
    """Query observations with a request for each position."""
    ours_cones(url, count, merge_nearby=False)


def peer_cones(url: str, count: int) -> None:
    """Query observations sequentially."""
    client, positions = peer(url), places(count)
    measure(lambda: {"rows": sum(len(client.query_region(one, radius="5 arcsec")) for one in positions), "of": count})


def ours_names(url: str, count: int) -> None:
    """Resolve many names."""
    from astroquery_mast import conf

    conf.server = conf.resolver_server = url
    client, given = ours(), names(count)
    measure(lambda: {"names": len(client.resolve_object(given))})


def peer_names(url: str, count: int) -> None:
    """Resolve many names with ``astroquery.mast``."""
    client, given = peer(url), names(count)
    measure(lambda: {"names": len(client.resolve_object(given))})


def beside_a_loop(title: str, ours: str, loops: Mapping[str, int], count: int, quick: bool) -> dict[str, Score]:
    """Compare one call with loops, which are run for some of the targets; their seconds are multiplied."""
    many = count // 10 if quick else count
    with server("--rows", 0, "--latency", LATENCY) as url:
        scores = compete(title.format(many), MODULE, (ours,), {"url": url, "count": many}, 1)
        for loop, part in loops.items():
            few = {"url": url, "count": many // part}
            score = compete(f"  {many // part} of them", MODULE, (loop,), few, 1)[loop]
            score.seconds = [seconds * part for seconds in score.seconds]
            scores[loop] = score
    return scores


def matched(quick: bool = False) -> dict[str, Score]:
    """Compare a cross-match with cones."""
    title = "cross-match of {} positions with the TIC"
    return beside_a_loop(title, "ours_crossmatch", {"peer_crossmatch": 100}, 10_000, quick)


def around(quick: bool = False) -> dict[str, Score]:
    """Compare many cones."""
    loops = {"ours_cones_one_by_one": 10, "peer_cones": 10}
    return beside_a_loop("{} cones of 5 arcsec", "ours_cones", loops, 1000, quick)


def named(quick: bool = False, latency: float = LATENCY) -> dict[str, Score]:
    """Compare many names."""
    count = 20 if quick else 200
    with server("--rows", 0, "--latency", latency) as url:
        title, given = f"{count} names, {latency * 1000:.0f} ms latency", {"url": url, "count": count}
        return compete(title, MODULE, ("ours_names", "peer_names"), given, 1 if quick else 5)


def named_nearby(quick: bool = False) -> dict[str, Score]:
    """Compare many names, without latency."""
    return named(quick, 0.0)


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the targets")
    quick = parser.parse_args().quick
    for compare in (matched, around, named, named_nearby):
        compare(quick)


if __name__ == "__main__":
    main()
