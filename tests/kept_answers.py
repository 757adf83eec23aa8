"""Shared parts of the tests of the cache: queries, requests, cached files, and the comparison of results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy.coordinates import SkyCoord
from astropy.table import Table

from astroquery_mast import CatalogsClass, MastClass, MastMissionsClass, ObservationsClass
from astroquery_mast.sandbox import Sandbox

M51 = "202.4696 47.1953"
PAIR = SkyCoord([202.469575, 202.6], [47.195258, 47.2], unit="deg")
MANY = SkyCoord([202.4696 + number / 1e4 for number in range(120)], [47.1953] * 120, unit="deg")
ENDPOINTS = ("invoke", "catalogs", "mission_search", "mission_products")

GALEX: dict[str, Any] = {"obs_collection": "GALEX", "columns": ["t_min", "obs_id"]}
STARS: dict[str, Any] = {"coordinates": M51, "catalog": "Panstarrs", "radius": 0.05}
ACS: dict[str, Any] = {"sci_instrume": "ACS", "sci_pep_id": [10452, 10501], "limit": None}


@dataclass(frozen=True)
class Kind:
    """A kind of service whose responses are cached: the client, a query, and its endpoint in the sandbox."""

    client: type[MastClass]
    question: dict[str, Any]
    endpoint: str = "invoke"
    pagesize: int = 100
    """Arguments with which the response has several pages."""
    method: str = "query_criteria"

    def ask(self, client: Any, **changes: Any) -> Table:
        """Send the query, or a changed one; criteria that are set to None are omitted."""
        asked = {**self.question, **changes}
        return getattr(client, self.method)(**{k: v for k, v in asked.items() if v is not None or k == "limit"})


KINDS = {
    "observations": Kind(ObservationsClass, GALEX),
    "Mashup catalog": Kind(
        CatalogsClass, {"coordinates": M51, "catalog": "TIC", "radius": 0.05}, pagesize=8, method="query_region"
    ),
    "Catalogs.MAST": Kind(CatalogsClass, STARS, "catalogs", 50, "query_region"),
    "mission": Kind(MastMissionsClass, ACS, "mission_search", 14),
}


_SMALL: dict[str, Any] = {"coordinates": "202.47 47.2", "radius": 0.01}
_TWO: dict[str, Any] = {"coordinates": ["202.47 47.2", "10 20"], "radius": 0.01}
_TIC: dict[str, Any] = {"catalog": "TIC", "coordinates": M51, "Tmag": [0, 14]}
_SORTED: dict[str, Any] = {"radius": 2, "select_cols": "sci_start_time", "sort_by": "sci_start_time"}
# Calls by client, and the number of queries that each sends.
CALLS: dict[type[MastClass], dict[str, tuple[Callable[..., Any], int]]] = {
    ObservationsClass: {
        "criteria": (lambda m, **how: m.query_criteria(**GALEX, **how), 1),
        "region": (lambda m, **how: m.query_region(**_SMALL, **how), 1),
        "regions": (lambda m, **how: m.query_region(**_TWO, **how), 2),
        "values": (lambda m, **how: m.list_values("filters", **how), 1),
        "values of a part": (lambda m, **how: m.list_values("filters", obs_collection="GALEX", **how), 2),
        "tables one by one": (lambda m, **how: list(m.query_criteria_iter(**GALEX, **how)), 1),
        "count": (lambda m, **how: m.query_criteria_count(obs_collection="GALEX", **how), 1),
        "count of a region": (lambda m, **how: m.query_region_count(**_SMALL, **how), 1),
        "count of centers": (lambda m, **how: m.query_region_count(**_SMALL, overlap="center", **how), 1),
        "count of an object": (lambda m, **how: m.query_object_count("M51", radius=0.01, **how), 1),
        "counts of regions": (lambda m, **how: m.query_region_count(**_TWO, **how), 2),
        "counts of objects": (lambda m, **how: m.query_object_count(["M51", "M101"], radius=0.01, **how), 2),
    },
    CatalogsClass: {
        "TIC": (lambda m, **how: m.query_region(M51, catalog="TIC", radius=0.05, **how), 1),
        "Gaia, object": (lambda m, **how: m.query_object("M51", catalog="Gaia", radius=0.05, **how), 1),
        "TIC, criteria": (lambda m, **how: m.query_criteria(**_TIC, **how), 1),
        "TIC, count": (lambda m, **how: m.query_criteria_count(**_TIC, **how), 1),
        "TIC, regions": (lambda m, **how: m.query_region(PAIR, catalog="TIC", radius=0.05, **how), 2),
        "TIC, counts": (lambda m, **how: m.query_criteria_count(**{**_TIC, "coordinates": PAIR}, radius=0.1, **how), 2),
        "stars": (lambda m, **how: m.query_region(**STARS, **how), 1),
        "stars, criteria": (lambda m, **how: m.query_criteria(**STARS, nDetections=">2", **how), 1),
        "stars, regions": (lambda m, **how: m.query_region(**{**STARS, "coordinates": PAIR}, **how), 2),
        "spectra": (lambda m, **how: m.get_hsc_spectra(**how), 1),
    },
    MastMissionsClass: {
        "mission": (lambda m, **how: m.query_criteria(**ACS, **how), 1),
        "mission, region": (lambda m, **how: m.query_region(M51, radius=2, **how), 1),
        "mission, object": (lambda m, **how: m.query_object("M51", **_SORTED, **how), 1),
        "mission, regions": (lambda m, **how: m.query_region(MANY[:3], radius=1, limit=None, **how), 1),
        "mission, count": (lambda m, **how: m.query_criteria(**ACS, count_only=True, **how), 1),
        "mission, count of an object": (lambda m, **how: m.query_object("M51", radius=2, count_only=True, **how), 1),
    },
}


def asked(sandbox: Sandbox) -> int:
    """Return the number of queries since the last call, without requests for columns."""
    records = [record for endpoint in ENDPOINTS for record in sandbox.requests.of(endpoint)]
    sandbox.requests.clear()
    return sum(not record.path.endswith("metadata.json") for record in records)


def kept(client: MastClass) -> list[Path]:
    """Return the files in the folder."""
    return sorted(Path(client.cache_location).iterdir())


def same(first: Any, second: Any) -> bool:
    """Return whether two results are equal, including the metadata of tables except for the time."""
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    if not isinstance(first, Table):
        return bool(first == second)
    about = [{name: value for name, value in table.meta.items() if name != "time"} for table in (first, second)]
    return about[0] == about[1] and all(
        first[name].tolist() == second[name].tolist() and first[name].unit == second[name].unit
        for name in first.colnames
    )
