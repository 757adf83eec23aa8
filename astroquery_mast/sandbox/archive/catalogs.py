"""Every catalog by its name, made when it is first asked for and kept as long as the process lives.

In: a name. Out: a `CatalogTable`, `HubbleRows`, or a table of Pan-STARRS. They depend on nothing but the sky, so all
archives of a process share them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from . import catalog_stars, catalog_surveys
from .catalog_hsc import HubbleRows, hubble_catalog
from .catalog_panstarrs import SurveyTable, panstarrs
from .catalog_stars import ctl, tic
from .catalog_surveys import disk_detective
from .catalog_table import CatalogTable

__all__ = ["catalog", "hubble", "survey_table"]

P = ParamSpec("P")
T = TypeVar("T")

_MAKERS: Mapping[str, Callable[[], CatalogTable]] = {
    "tic": tic,
    "ctl": ctl,
    "gaiadr1": catalog_stars.dr1,
    "gaiadr2": catalog_stars.dr2,
    "gaiadr3": catalog_stars.dr3,
    "tgas": catalog_stars.tgas,
    "diskdetective": disk_detective,
    "galex": catalog_surveys.galex,
    "plato": catalog_surveys.plato,
    "sdss": catalog_surveys.sdss,
    "2mass": catalog_surveys.two_mass,
    "wfc3psf.uvis": catalog_surveys.wfc3_uvis,
    "wfc3psf.ir": catalog_surveys.wfc3_ir,
}
# Making one may ask for another, in the same thread.
_making = threading.RLock()


def _once(make: Callable[P, T]) -> Callable[P, T]:
    """Make each value once, however many threads ask for it."""
    made = cache(make)

    @wraps(make)
    def get(*args: P.args, **kwargs: P.kwargs) -> T:
        with _making:
            return made(*args, **kwargs)  # type: ignore[arg-type]  # names and numbers are hashable

    return get


@_once
def catalog(name: str) -> CatalogTable:
    """Return a catalog; `KeyError` for an unknown name."""
    return _MAKERS[name]()


@_once
def hubble(version: int) -> HubbleRows:
    """Return version 2 or 3 of the Hubble Source Catalog."""
    return HubbleRows(hubble_catalog(version))


@_once
def survey_table(release: str, table: str) -> SurveyTable:
    """Return a table of a data release of Pan-STARRS; `KeyError` if there is none."""
    return panstarrs(release, table)
