"""What tests of the cache share: what was asked, what lies in the folder, and whether two answers are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy.table import Table

from astroquery_mast import CatalogsClass, MastClass, MastMissionsClass, ObservationsClass
from astroquery_mast.sandbox import Sandbox

M51 = "202.4696 47.1953"


@dataclass(frozen=True)
class Kind:
    """A kind of service whose answers are kept: the client, a question to it, and where the sandbox is asked."""

    client: type[MastClass]
    ask: Callable[[Any], Table]
    endpoint: str = "invoke"


KINDS = {
    "observations": Kind(
        ObservationsClass, lambda client: client.query_criteria(obs_collection="GALEX", columns=["t_min", "obs_id"])
    ),
    "Mashup catalog": Kind(CatalogsClass, lambda client: client.query_region(M51, catalog="TIC", radius=0.05)),
    "Catalogs.MAST": Kind(
        CatalogsClass, lambda client: client.query_region(M51, catalog="Panstarrs", radius=0.05), "catalogs"
    ),
    "mission": Kind(
        MastMissionsClass,
        lambda client: client.query_criteria(sci_instrume="ACS", sci_pep_id=[10452, 10501], limit=None),
        "mission_search",
    ),
}


def asked(sandbox: Sandbox, endpoint: str = "invoke") -> int:
    """Return how many questions were sent since the last call; those after columns do not count."""
    number = sum(not record.path.endswith("metadata.json") for record in sandbox.requests.of(endpoint))
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
