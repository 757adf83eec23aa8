"""The server for the benchmarks: the sandbox in its own process, with a latency.

``python tests/benchmarks/standin.py --size 1000000 --latency 0.03`` serves files with this size, and ``--rows 50000``
the sandbox's archive with this number of additional observations.  It prints its address and serves until its standard
input is closed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any, cast

from astroquery_mast.sandbox import Fault, Sandbox, mashup
from astroquery_mast.sandbox.archive.products import Revision
from astroquery_mast.sandbox.vo import tap

_PIECE = 1 << 20


class Files:
    """A minimal archive for the server, whose files all have the same bytes."""

    def __init__(self, size: int) -> None:
        self._content = bytes(range(256)) * (size // 256 + 1)
        self._size = size

    def query(self, _sql: str, _parameters: object = ()) -> list[dict[str, object]]:
        """Return no observations."""
        return []

    def within(self, _ra: float, _dec: float, _radius: float) -> dict[int, float]:
        """Return no matches."""
        return {}

    def resolve(self, _name: str) -> list[dict[str, object]]:
        """Return no positions."""
        return []

    def product(self, uri: str) -> dict[str, object]:
        """Return a product for every URI."""
        return {"dataURI": uri, "size": self._size, "dataRights": "PUBLIC", "productFilename": uri.rpartition("/")[2]}

    def revision(self, _uri: str) -> Revision:
        """Return the first revision of every file."""
        return Revision()

    def render(self, _uri: str) -> bytes:
        """Return the bytes of every file."""
        return self._content[: self._size]

    def close(self) -> None:
        """Do nothing."""


def kept(make: Callable[..., Any]) -> Callable[..., Any]:
    """Cache the results of TAP queries, because the clients are compared and not the server."""
    known: dict[Any, Any] = {}

    def result(asked: Any, query: Any, *rest: Any, **options: Any) -> Any:
        if query not in known:
            # Complete, for any options: a stream can be sent only once.
            known[query] = make(asked, query, *rest, **dict.fromkeys(options, False))
        return known[query]

    return result


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, help="observations besides the sandbox's own, target BULK-<n>")
    parser.add_argument("--latency", type=float, default=0.03)
    parser.add_argument("--rate", type=float, default=0.0, help="bytes per second of one connection; 0 for no limit")
    options = parser.parse_args()
    if options.rows is None:
        sandbox = Sandbox(archive=cast(Any, Files(options.size)))
    else:
        # Pages are cached, because the clients are compared and not the server.
        mashup.KEPT_BYTES = 4 << 30
        tap.result = kept(tap.result)
        sandbox = Sandbox(extra_observations=options.rows, row_limit=10**9)
    sandbox.serve()
    if options.latency:
        for endpoint in ("download", "invoke", "columnsconfig", "resolver"):
            sandbox.faults.add(endpoint, Fault.delay(options.latency), times=None)
    if options.rate:
        sandbox.faults.add("download", Fault.slow(_PIECE, _PIECE / options.rate), times=None)
    print(sandbox.url, flush=True)
    sys.stdin.read()
    sandbox.stop()


if __name__ == "__main__":
    main()
