"""Serve the sandbox until Ctrl-C: ``python -m astroquery_mast.sandbox``; ``--help`` lists the options."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Sequence

from .packaged import text
from .server import Sandbox


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m astroquery_mast.sandbox", description="A small mock of MAST on the loopback interface."
    )
    parser.add_argument("--port", type=int, default=0, help="port (default: a free port)")
    parser.add_argument(
        "--observations", type=int, default=0, metavar="N", help="add N synthetic observations to the holdings"
    )
    parser.add_argument(
        "--tap-rows", type=int, default=0, metavar="N", help="add a table big.source of N rows to TAP's mast_catalogs"
    )
    options = parser.parse_args(arguments)
    finished = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: finished.set())
    sandbox = Sandbox(port=options.port, extra_observations=options.observations, tap_rows=options.tap_rows).serve()
    guide = text("guide.txt").format(
        url=sandbox.url,
        token=sandbox.token,
        outsider=sandbox.outsider_token,
        expired=sandbox.expired_token,
        user=sandbox.casjobs_user,
        password=sandbox.casjobs_password,
    )
    print(guide, end="", flush=True)
    # Wait in short intervals, because Windows cannot interrupt an unlimited wait.
    while not finished.wait(1.0):
        pass
    sandbox.stop()


if __name__ == "__main__":
    main()
