"""Points in footprints: 60,000 positions and 40,000 observations in 500 fields, and in 20 crowded fields.

``python tests/benchmarks/footprints.py`` prints pairs, seconds and the growth of peak memory, also for stars with
proper motion and for 10^7 positions in a parquet file (with pyarrow); ``--quick`` does a tenth of it.  Each line is run
in its own process; the seconds in parentheses are CPU time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sidebyside import Score, compete, in_process, measure

MODULE = "footprints"
# The radius of a field, and half the side of a footprint, in degrees.
FIELD, HALF = 0.5, 0.093


def places(fields: int, count: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return positions around the centers of fields, which are the same for all calls."""
    centers = np.random.default_rng(1)
    ra, dec = centers.uniform(0, 360, fields), np.degrees(np.arcsin(centers.uniform(-1, 1, fields)))
    chosen = rng.integers(0, fields, count)
    away, angle = FIELD * np.sqrt(rng.uniform(0, 1, count)), rng.uniform(0, 2 * np.pi, count)
    dec = np.clip(dec[chosen] + away * np.sin(angle), -89.9, 89.9)
    return (ra[chosen] + away * np.cos(angle) / np.cos(np.radians(dec))) % 360, dec


def observed(fields: int, count: int) -> Any:
    """Return observations, each with its own square footprint."""
    from astropy.table import Table

    rng = np.random.default_rng(2)
    ra, dec = places(fields, count, rng)
    turned = rng.uniform(0, 2 * np.pi, count)[:, np.newaxis] + np.arange(4) * np.pi / 2
    corner_dec = dec[:, np.newaxis] + HALF * 2**0.5 * np.sin(turned)
    corner_ra = ra[:, np.newaxis] + HALF * 2**0.5 * np.cos(turned) / np.cos(np.radians(dec))[:, np.newaxis]
    corners = np.stack([corner_ra, np.clip(corner_dec, -90, 90)], axis=-1).reshape(count, 8)
    texts = ["POLYGON ICRS " + " ".join(f"{value:.8f}" for value in row) for row in corners.tolist()]
    return Table({"s_region": texts, "t_min": rng.uniform(51_000, 61_000, count)})


def matched(url: str, fields: int, points: int, observations: int, moving: bool, which: str) -> None:
    """Match positions in memory."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord
    from astropy.time import Time

    from astroquery_mast.footprints import match_footprints

    rng = np.random.default_rng(3)
    ra, dec = places(fields, points, rng)
    motion: dict[str, Any] = {}
    if moving:
        east, north = rng.normal(0, 10, (2, points)) * u.mas / u.yr
        motion = {"pm_ra_cosdec": east, "pm_dec": north, "obstime": Time("J2016")}
    given, table = SkyCoord(ra, dec, unit="deg", **motion), observed(fields, observations)
    measure(lambda: timed(lambda: match_footprints(given, table, which=which)))


def streamed(url: str, path: str, fields: int, observations: int) -> None:
    """Match the positions in a file."""
    import pyarrow.parquet  # noqa: F401 - its memory is not counted

    from astroquery_mast.footprints import match_footprints

    table = observed(fields, observations)
    measure(lambda: timed(lambda: match_footprints(path, table, which="first")))


def crowded(quick: bool = False) -> dict[str, Score]:
    """Match many positions and crowded footprints; the goal is a number of seconds and of MB."""
    part = 10 if quick else 1
    arguments = {"fields": 20, "points": 60_000 // part, "observations": 40_000 // part, "moving": False}
    scores = compete("positions in footprints", MODULE, ("matched",), {"url": "", **arguments, "which": "all"}, 1)
    return {**scores, "limit": Score([3.0], [1000.0])}


def timed(match: Callable[[], Any]) -> dict[str, Any]:
    """Match, and return the number of pairs and the CPU time in seconds."""
    started = time.process_time()
    return {"pairs": len(match()), "processor": time.process_time() - started}


def written(path: Path, points: int) -> None:
    """Write a parquet file of positions, a million at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("source_id", pa.int64()), ("ra", pa.float64()), ("dec", pa.float64())])
    rng = np.random.default_rng(4)
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, points, 10**6):
            count = min(10**6, points - start)
            ra, dec = rng.uniform(0, 360, count), np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
            writer.write_batch(pa.record_batch([pa.array(np.arange(count)), pa.array(ra), pa.array(dec)], schema))


def shown(what: str, found: dict[str, Any]) -> None:
    """Print one line."""
    notes = found["notes"]
    seconds = f"{found['seconds']:7.2f} s ({notes['processor']:5.2f} s)"
    print(f"{what:48s} {notes['pairs']:>10,} pairs {seconds} {found['grown']:7.0f} MB", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    part = 10 if parser.parse_args().quick else 1
    points, observations = 60_000 // part, 40_000 // part
    for fields in (500, 20):
        for moving in (False, True):
            for which in ("all", "first"):
                arguments = {"fields": fields, "points": points, "observations": observations}
                found = in_process(MODULE, "matched", {"url": "", **arguments, "moving": moving, "which": which})
                shown(f"{fields} fields, {which}{', moving' if moving else ''}", found)
    try:
        import pyarrow  # noqa: F401 - optional
    except ImportError:
        print("Without pyarrow, no parquet file.")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "points.parquet"
        written(path, 10**7 // part)
        found = in_process(
            MODULE, "streamed", {"url": "", "path": str(path), "fields": 500, "observations": observations}
        )
        shown(f"{10**7 // part:,} positions of a parquet file, first", found)


if __name__ == "__main__":
    main()
