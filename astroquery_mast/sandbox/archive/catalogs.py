"""Every catalog by its name, made when it is first asked for and kept as long as the process lives.

In: a name. Out: a `CatalogTable`, `HubbleRows`, or a table of Pan-STARRS. They depend on nothing but the sky, so all
archives of a process share them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import cache

from . import catalog_gaia, catalog_surveys
from .catalog_diskdetective import disk_detective
from .catalog_hsc import hubble_catalog
from .catalog_hsc_rows import HubbleRows, spectrum_rows
from .catalog_panstarrs import SurveyTable, panstarrs
from .catalog_table import CatalogTable
from .catalog_tic import ctl, tic

__all__ = ["catalog", "hubble", "spectra", "survey_table"]

_MAKERS: Mapping[str, Callable[[], CatalogTable]] = {
    "tic": tic,
    "ctl": ctl,
    "gaiadr1": catalog_gaia.dr1,
    "gaiadr2": catalog_gaia.dr2,
    "gaiadr3": catalog_gaia.dr3,
    "tgas": catalog_gaia.tgas,
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


def catalog(name: str) -> CatalogTable:
    """Return a catalog."""
    with _making:
        return _catalog(name)


def hubble(version: int) -> HubbleRows:
    """Return version 2 or 3 of the Hubble Source Catalog."""
    with _making:
        return _hubble(version)


def spectra() -> tuple[tuple[object, ...], ...]:
    """Return the rows of the list of HST spectra."""
    with _making:
        return _spectra()


def survey_table(release: str, table: str) -> SurveyTable:
    """Return a table of a data release of Pan-STARRS."""
    with _making:
        return _survey_table(release, table)


@cache
def _catalog(name: str) -> CatalogTable:
    return _MAKERS[name]()


@cache
def _hubble(version: int) -> HubbleRows:
    return HubbleRows(hubble_catalog(version))


@cache
def _spectra() -> tuple[tuple[object, ...], ...]:
    return tuple(spectrum_rows(_hubble(3).catalog))


@cache
def _survey_table(release: str, table: str) -> SurveyTable:
    return panstarrs(release, table)
