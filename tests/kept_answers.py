"""What tests of the cache share: what was asked, what lies in the folder, and whether two answers are the same."""

from __future__ import annotations

from pathlib import Path

from astropy.table import Table

from astroquery_mast import MastClass
from astroquery_mast.sandbox import Sandbox


def asked(sandbox: Sandbox, endpoint: str = "invoke") -> int:
    """Return how many questions were sent since the last call."""
    number = len(sandbox.requests.of(endpoint))
    sandbox.requests.clear()
    return number


def kept(client: MastClass) -> list[Path]:
    """Return the files in the folder."""
    return sorted(Path(client.cache_location).iterdir())


def same(first: Table, second: Table) -> bool:
    """Return whether two tables have the same values and say the same of themselves, but for the time."""
    about = [{name: value for name, value in table.meta.items() if name != "time"} for table in (first, second)]
    return about[0] == about[1] and all(
        first[name].tolist() == second[name].tolist() and first[name].unit == second[name].unit
        for name in first.colnames
    )
