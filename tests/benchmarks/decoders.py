"""JSON decoders on a page of 50,000 rows, for the choice of the one used by this package.

``python tests/benchmarks/decoders.py`` prints the seconds of each installed decoder; ``--quick`` uses a smaller page.
``in blocks`` is the method of the package: msgspec, directly into columns, a few hundred rows at a time.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import time
from collections.abc import Callable
from typing import Any

from queries import fetched
from sidebyside import server

ROUNDS = 5


def by_json(body: bytes) -> int:
    """Decode with the standard library."""
    return len(json.loads(body)["data"])


def by_orjson(body: bytes) -> int:
    """Decode with orjson."""
    return len(importlib.import_module("orjson").loads(body)["data"])


def by_msgspec(body: bytes) -> int:
    """Decode with msgspec, into dictionaries."""
    return len(importlib.import_module("msgspec").json.decode(body)["data"])


def by_simdjson(body: bytes) -> int:
    """Decode with simdjson, into dictionaries."""
    return len(importlib.import_module("simdjson").Parser().parse(body).as_dict()["data"])


def by_pyarrow(body: bytes) -> int:
    """Decode with pyarrow, into its own columns; it reads one row per line."""
    rows = json_rows(body)
    return int(importlib.import_module("pyarrow.json").read_json(io.BytesIO(b"\n".join(rows))).num_rows)


def in_blocks(body: bytes) -> int:
    """Decode with the method of the package."""
    from astroquery_mast.tables.mashup import parse_page

    page = parse_page(200, {}, body, "decoders")
    names = [name for name, _ in page.fields]
    return sum(len(block[0]) for block in page.rows.cells(names))  # type: ignore[attr-defined]


def json_rows(body: bytes) -> Any:
    """Return the text of each row."""
    import msgspec

    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.decode(members["data"], type=list[msgspec.Raw])


def fastest(decode: Callable[[bytes], int], body: bytes) -> tuple[float, int]:
    """Return the seconds of the fastest of several rounds, and the number of rows."""
    seconds, rows = [], 0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        rows = decode(body)
        seconds.append(time.perf_counter() - started)
    return min(seconds), rows


def main() -> None:
    """Time all decoders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a page of 5,000 rows")
    rows = 5000 if parser.parse_args().quick else 50_000
    with server("--rows", rows, "--latency", 0) as url:
        body = fetched(url, 1, rows)
    print(f"{rows} rows, {len(body) / 1e6:.1f} MB, the fastest of {ROUNDS} rounds")
    for decode in (by_json, by_orjson, by_msgspec, by_simdjson, by_pyarrow, in_blocks):
        name = decode.__name__.replace("_", " ")
        try:
            seconds, found = fastest(decode, body)
        except ImportError:
            print(f"  {name:12s} is not installed")
            continue
        assert found == rows, f"{name}: {found} rows"
        print(f"  {name:12s} {seconds:.3f} s")


if __name__ == "__main__":
    main()
