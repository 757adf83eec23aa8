"""The Mashup services of catalogs: cones, filters, counts and descriptions.

In: the parameters of a request. Out: a `Dataset`, or `ServiceError`. `CATALOG_SERVICES` maps the name of a service
(lower case) to its function. Catalogs depend on the sky alone: the archive that every service is given is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from .answers import Dataset
from .archive.catalog_hsc_rows import MATCH_COLUMNS, SPECTRUM_COLUMNS
from .archive.catalogs import catalog, hubble
from .archive.packaged import packaged
from .catalog_crossmatch import CROSSMATCH_SERVICES
from .histograms import catalog_all
from .parameters import Params, check_cone, columns_asked, count_dataset, identifier, number, where, whole_number
from .reply import ServiceError
from .rows import Distance, catalog_rows

if TYPE_CHECKING:
    from .archive import Archive
    from .archive.catalog_table import Found

__all__ = ["CATALOG_SERVICES"]

Service = Callable[["Archive", Params], Dataset]

#: No cone of a catalog may be wider (degrees): MAST would not finish it.
LARGEST_RADIUS = 30.0
#: Radius of cones whose request has none (degrees), and most sources of GALEX, from the descriptions of the services.
DEFAULT_RADIUS = 0.02
DEFAULT_MAXRECORDS = 10_000
ARCSEC, ARCMIN = Distance("dstArcSec"), Distance("distance", 60.0)
GALEX_DISTANCE = Distance("distance_arcmin", 60.0)


@dataclass(frozen=True)
class _Cone:
    """A cone search: name of the catalog, its distance (None: not told), and the default radius (None: required)."""

    name: str
    distance: Distance | None = None
    radius: float | None = None

    def __call__(self, archive: Archive, params: Params) -> Dataset:
        table = catalog(self.name)
        columns = table.columns if self.distance is None else (*table.columns, self.distance.column)
        return Dataset(columns, catalog_rows(table, _within(self.name, params, self.radius), columns, self.distance))


def galex(archive: Archive, params: Params) -> Dataset:
    """Return the GALEX sources of a cone, nearest first, not more than ``maxrecords``."""
    most = whole_number(params, "maxrecords", DEFAULT_MAXRECORDS)
    table = catalog("galex")
    columns = (GALEX_DISTANCE.column, *table.columns)
    found = _within("galex", params, None).first(most)
    return Dataset(columns, catalog_rows(table, found, columns, GALEX_DISTANCE))


@dataclass(frozen=True)
class _Filtered:
    """A filtered search."""

    name: str
    positioned: bool = False
    counts: bool = True
    columns: str | None = None

    def __call__(self, archive: Archive, params: Params) -> Dataset:
        table = catalog(self.name)
        condition = where(params.get("filters"), table.filterable)
        known = (*table.columns, ARCSEC.column) if self.positioned else table.columns
        columns = columns_asked(params, known, self.columns)
        if columns is None and not self.counts:
            raise ServiceError("Incorrect syntax near '*'.")
        found = _within(self.name, params, None) if self.positioned else table.everything()
        if params["filters"]:
            found = found.only(table.matching(condition))
        if columns is None:
            return count_dataset(len(found.keys))
        return Dataset(columns, catalog_rows(table, found, columns, ARCSEC if self.positioned else None))


def _counted(search: _Filtered, archive: Archive, params: Params) -> Dataset:
    return search(archive, {**params, "columns": "COUNT_BIG(*)"})


def _within(name: str, params: Params, default_radius: float | None) -> Found:
    ra, dec, radius = number(params, "ra"), number(params, "dec"), number(params, "radius", default_radius)
    check_cone(dec, radius, LARGEST_RADIUS)
    return catalog(name).within(ra, dec, radius)


def _tess(name: str) -> Iterator[tuple[str, Service]]:
    """The services of the input catalog (Tic) or of the target list (Ctl)."""
    yield f"mast.catalogs.{name}.cone", _Cone(name, ARCSEC, DEFAULT_RADIUS)
    base = f"mast.catalogs.filtered.{name}"
    yield base, _Filtered(name)
    yield f"{base}.rows", _Filtered(name, counts=False, columns="*")
    yield f"{base}.position", _Filtered(name, positioned=True)
    yield f"{base}.position.rows", _Filtered(name, positioned=True, counts=False, columns="*")


def _disk_detective() -> Iterator[tuple[str, Service]]:
    yield "mast.catalogs.diskdetective.cone", _Cone("diskdetective", None, DEFAULT_RADIUS)
    base = "mast.catalogs.filtered.diskdetective"
    for suffix, search in (
        ("", _Filtered("diskdetective", columns="*")),
        (".position", _Filtered("diskdetective", positioned=True, columns="*")),
    ):
        yield f"{base}{suffix}", search
        yield f"{base}{suffix}.count", partial(_counted, search)


def _others() -> Iterator[tuple[str, Service]]:
    for name in ("GaiaDR1", "GaiaDR2", "GaiaDR3", "Tgas"):
        yield f"mast.catalogs.{name}.cone".lower(), _Cone(name.lower(), ARCMIN)
    yield "mast.catalogs.plato.cone", _Cone("plato", ARCSEC)
    yield "mast.galex.catalog", galex
    for detector in ("uvis", "ir"):
        # Two pages of MAST's documentation spell this service in two ways.
        for spelling in ("wfc3psf", "wfc3"):
            yield f"mast.catalogs.filtered.{spelling}.{detector}", _Filtered(f"wfc3psf.{detector}")
    for name in ("tic", "diskdetective"):
        yield f"mast.catalogs.all.{name}", partial(_described, name)


def _described(name: str, archive: Archive, params: Params) -> Dataset:
    return catalog_all(catalog(name))


#: What a request without these parameters asks for, from the description of the services.
MOST_ROWS, FEWEST_IMAGES, APERTURE, KRON = 50_000, 1, 1, 2
DEFAULT_MATCH = 11599418
#: No cone may be wider (degrees).
LARGEST_HUBBLE_RADIUS = 3.0


def _hubble_cone(version: int, archive: Archive, params: Params) -> Dataset:
    """Return the matches of a cone, nearest first, with the magnitudes of the filters that occur among them."""
    ra, dec, radius = number(params, "ra"), number(params, "dec"), number(params, "radius", DEFAULT_RADIUS)
    check_cone(dec, radius, LARGEST_HUBBLE_RADIUS)
    kind = whole_number(params, "magtype", APERTURE)
    if kind not in {APERTURE, KRON}:
        raise ServiceError(f"The parameter 'magtype' must be 1 or 2, not {kind}.")
    most = whole_number(params, "nr", MOST_ROWS)
    fewest = whole_number(params, "ni", FEWEST_IMAGES)
    rows = hubble(version)
    found = rows.table.within(ra, dec, radius)
    return Dataset(*rows.cone(found, aperture=kind == APERTURE, images=fewest, most=most))


def _hubble_matches(version: int, archive: Archive, params: Params) -> Dataset:
    """Return the detections that a match is made of."""
    match = identifier(str(params.get("input", DEFAULT_MATCH)).strip())
    return Dataset(MATCH_COLUMNS, hubble(version).detections(match))


def _hubble_spectra(archive: Archive, params: Params) -> Dataset:
    """Return the list of all spectra."""
    return Dataset(SPECTRUM_COLUMNS, packaged("spectra")["rows"])


HUBBLE_SERVICES: dict[str, Service] = {
    **{f"mast.hsc.db.v{version}": partial(_hubble_cone, version) for version in (2, 3)},
    **{f"mast.hscmatches.db.v{version}": partial(_hubble_matches, version) for version in (2, 3)},
    "mast.hscspectra.db.all": _hubble_spectra,
}

CATALOG_SERVICES: dict[str, Service] = {
    **dict(_tess("tic")),
    **dict(_tess("ctl")),
    **dict(_disk_detective()),
    **dict(_others()),
    **HUBBLE_SERVICES,
    **CROSSMATCH_SERVICES,
}
