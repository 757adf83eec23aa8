"""The Mashup services of the Hubble Source Catalog: cones, detections of a match, and the list of spectra."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from .answers import Dataset
from .archive.catalog_hsc_rows import MATCH_COLUMNS, SPECTRUM_COLUMNS
from .archive.catalogs import hubble, spectra
from .parameters import Params, check_cone, identifier, number, whole_number
from .reply import ServiceError

if TYPE_CHECKING:
    from .archive import Archive

__all__ = ["HUBBLE_SERVICES"]

#: What a request without these parameters asks for, from the description of the services.
DEFAULT_RADIUS = 0.02
MOST_ROWS, FEWEST_IMAGES, APERTURE, KRON = 50_000, 1, 1, 2
DEFAULT_MATCH = 11599418
#: No cone may be wider (degrees).
LARGEST_RADIUS = 3.0


def _cone(version: int, archive: Archive, params: Params) -> Dataset:
    """Return the matches of a cone, nearest first, with the magnitudes of the filters that occur among them."""
    ra, dec, radius = number(params, "ra"), number(params, "dec"), number(params, "radius", DEFAULT_RADIUS)
    check_cone(dec, radius, LARGEST_RADIUS)
    kind = whole_number(params, "magtype", APERTURE)
    if kind not in {APERTURE, KRON}:
        raise ServiceError(f"The parameter 'magtype' must be 1 or 2, not {kind}.")
    most = whole_number(params, "nr", MOST_ROWS)
    fewest = whole_number(params, "ni", FEWEST_IMAGES)
    rows = hubble(version)
    found = rows.table.within(ra, dec, radius)
    return Dataset(*rows.cone(found, aperture=kind == APERTURE, images=fewest, most=most))


def _matches(version: int, archive: Archive, params: Params) -> Dataset:
    """Return the detections that a match is made of."""
    match = identifier(str(params.get("input", DEFAULT_MATCH)).strip())
    return Dataset(MATCH_COLUMNS, hubble(version).detections(match))


def _spectra(archive: Archive, params: Params) -> Dataset:
    """Return the list of all spectra."""
    return Dataset(SPECTRUM_COLUMNS, spectra())


HUBBLE_SERVICES: dict[str, Callable[[Archive, Params], Dataset]] = {
    **{f"mast.hsc.db.v{version}": partial(_cone, version) for version in (2, 3)},
    **{f"mast.hscmatches.db.v{version}": partial(_matches, version) for version in (2, 3)},
    "mast.hscspectra.db.all": _spectra,
}
