"""All catalogs by name, created on first use and shared by all archives of the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..caching import Cache
from . import catalog_stars, catalog_surveys
from .catalog_hsc import HubbleRows
from .catalog_panstarrs import SurveyTable, panstarrs
from .catalog_table import CatalogTable

_MAKERS: Mapping[str, Callable[[], CatalogTable]] = {
    "tic": catalog_stars.tic,
    "ctl": catalog_stars.ctl,
    **{f"gaia{name.lower()}": partial(catalog_stars.gaia, name) for name in ("DR1", "DR2", "DR3")},
    "tgas": partial(catalog_stars.gaia, "TGAS"),
    "diskdetective": catalog_surveys.disk_detective,
    "galex": catalog_surveys.galex,
    "plato": catalog_surveys.plato,
    "sdss": catalog_surveys.sdss,
    "2mass": catalog_surveys.two_mass,
    "gsc242": catalog_surveys.guide_stars,
    **{f"wfc3psf.{name.lower()}": partial(catalog_surveys.point_spread, name) for name in ("Uvis", "Ir")},
}
_made: Cache[Any] = Cache()


def catalog(name: str) -> CatalogTable:
    """Return a catalog; `KeyError` for an unknown name."""
    table: CatalogTable = _made.get(name, _MAKERS[name])
    return table


def hubble(version: int) -> HubbleRows:
    """Return version 2 or 3 of the Hubble Source Catalog."""
    rows: HubbleRows = _made.get(version, HubbleRows, version)
    return rows


def survey_table(release: str, table: str) -> SurveyTable:
    """Return a table of a Pan-STARRS data release; `KeyError` if it does not exist."""
    made: SurveyTable = _made.get((release, table), panstarrs, release, table)
    return made
