"""The Mashup services of catalogs: cones, filters, counts and descriptions, cross-matches, the Hubble Source Catalog.

In: the parameters of a request. Out: a `Dataset`, or `ServiceError`. `CATALOG_SERVICES` maps the name of a service
(lower case) to its function. Catalogs depend on the sky alone: the archive that every service is given is used by the
cross-match with observations only. A row of a cross-match starts with the position that was uploaded, under its own
column names; then the match: its number, its position and how far away it is; then the rest of the catalog's columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from .answers import Dataset, catalog_all
from .archive import OBSERVATION_COLUMNS
from .archive.catalog_hsc import MATCH_COLUMNS, SPECTRUM_COLUMNS
from .archive.catalogs import catalog, hubble
from .archive.packaged import Columns, packaged
from .parameters import (
    Params,
    check_cone,
    columns_asked,
    count_dataset,
    finite,
    identifier,
    natural_number,
    number,
    where,
)
from .reply import ServiceError
from .rows import Distance, catalog_rows, observation_rows

if TYPE_CHECKING:
    from .archive import Archive
    from .archive.catalog_table import Found

__all__ = ["CATALOG_SERVICES", "CROSSMATCH_SERVICES", "UPLOAD"]

Row = tuple[object, ...]
Position = tuple[float, float]

#: The name under which a service finds the uploaded table among its parameters.
UPLOAD = "data"
#: Radius of a request without one, and the largest one (degrees).
MATCH_RADIUS, LARGEST_MATCH_RADIUS = 0.002, 1.0
_DISTANCE = Distance("dstArcSec")
_WHOLE_CAOM: Columns = (*OBSERVATION_COLUMNS, ("distance", "float"))


@dataclass(frozen=True)
class _Upload:
    """An uploaded table, read: the names of its position columns, the positions, and the radius of the matches."""

    columns: Columns
    positions: tuple[Position, ...]
    radius: float


def _uploaded(params: Params) -> _Upload:
    table = params.get(UPLOAD)
    if not isinstance(table, Mapping) or not isinstance(table.get("data"), list):
        raise ServiceError("A cross-match needs a table in the request's 'data', with 'fields' and 'data'.")
    names = str(params.get("raColumn", "ra")), str(params.get("decColumn", "dec"))
    radius = number(params, "radius", MATCH_RADIUS)
    positions = tuple(_positions(table["data"], *names))
    for _, dec in positions:
        check_cone(dec, radius, LARGEST_MATCH_RADIUS)
    return _Upload(tuple((name, "float") for name in names), positions, radius)


def _positions(rows: Sequence[object], ra_name: str, dec_name: str) -> Iterator[Position]:
    for row in rows:
        if not isinstance(row, Mapping):
            raise ServiceError("The rows of an uploaded table must be objects.")
        for name in (ra_name, dec_name):
            if name not in row:
                raise ServiceError(f"The uploaded table has no column '{name}'.")
        if row[ra_name] is not None and row[dec_name] is not None:
            yield finite(ra_name, row[ra_name]), finite(dec_name, row[dec_name])


@dataclass(frozen=True)
class _Crossmatch:
    """A cross-match with a catalog."""

    name: str
    number: str
    place: tuple[str, str] = ("ra", "dec")
    spelling: tuple[str, str] = ("MatchRA", "MatchDEC")

    def __call__(self, archive: Archive, params: Params) -> Dataset:
        upload, table = _uploaded(params), catalog(self.name)
        kinds = dict(table.columns)
        taken = {self.number, *self.place, *(name for name, _ in upload.columns)}
        match = (
            ("MatchID", kinds[self.number]),
            *((spelled, "float") for spelled in self.spelling),
            _DISTANCE.column,
        )
        rest = tuple(column for column in table.columns if column[0] not in taken)
        listed = (*((name, "") for name in (self.number, *self.place)), _DISTANCE.column, *rest)
        rows: list[Row] = []
        for position in upload.positions:
            found = table.within(*position, upload.radius)
            rows.extend((*position, *row) for row in catalog_rows(table, found, listed, _DISTANCE))
        return Dataset((*upload.columns, *match, *rest), rows)


def _hubble_matched(archive: Archive, params: Params, *, aperture: bool) -> Dataset:
    """Return the matches of version 3; their columns are those of all the filters that occur."""
    upload, catalog = _uploaded(params), hubble(3)
    cones = [catalog.table.within(*position, upload.radius) for position in upload.positions]
    parts = [catalog.cone(found, aperture=aperture, images=1, most=len(found.keys)) for found in cones]
    columns = _union([columns for columns, _ in parts])
    rows: list[Row] = []
    for position, (own, found_rows) in zip(upload.positions, parts, strict=True):
        for row in found_rows:
            cells = dict(zip((name for name, _ in own), row, strict=True))
            rows.append((*position, *(cells.get(name) for name, _ in columns)))
    return Dataset((*upload.columns, *columns), rows)


def _union(parts: Sequence[Columns]) -> Columns:
    """Columns of several answers, each once; the portal's tick stays last."""
    known = dict(column for columns in parts for column in columns)
    tick = {name: kind for name, kind in known.items() if name == "_selected_"}
    return tuple(({name: kind for name, kind in known.items() if name not in tick} | tick).items())


def _observations(archive: Archive, params: Params) -> Dataset:
    """Return the observations whose footprint meets each position."""
    upload = _uploaded(params)
    rows: list[Row] = []
    for position in upload.positions:
        distances = archive.within(*position, upload.radius)
        keys = sorted(distances, key=lambda key: (distances[key], key))
        rows.extend((*position, *row) for row in observation_rows(archive, _WHOLE_CAOM, keys, distances)[:])
    return Dataset((*upload.columns, *_WHOLE_CAOM), rows)


def _magnitudes_of(kind: str) -> Callable[[Archive, Params], Dataset]:
    def matched(archive: Archive, params: Params) -> Dataset:
        return _hubble_matched(archive, params, aperture=kind == "aper2")

    return matched


CROSSMATCH_SERVICES: dict[str, Callable[[Archive, Params], Dataset]] = {
    # The TESS catalogs spell one letter in another way.
    **{f"mast.{name}.crossmatch": _Crossmatch(name, "ID", spelling=("MatchRa", "MatchDEC")) for name in ("tic", "ctl")},
    **{f"mast.{name}.crossmatch": _Crossmatch(name, "source_id") for name in ("gaiadr1", "gaiadr2", "gaiadr3", "tgas")},
    **{f"mast.{name}.crossmatch": _Crossmatch(name, "objID") for name in ("galex", "sdss")},
    "mast.2mass.crossmatch": _Crossmatch("2mass", "designation"),
    **{f"mast.hsc.crossmatch.mag{kind}v3": _magnitudes_of(kind) for kind in ("aper2", "auto")},
    "mast.caom.crossmatch": _observations,
}


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
    most = natural_number(params, "maxrecords", DEFAULT_MAXRECORDS)
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
    kind = natural_number(params, "magtype", APERTURE)
    if kind not in {APERTURE, KRON}:
        raise ServiceError(f"The parameter 'magtype' must be 1 or 2, not {kind}.")
    most = natural_number(params, "nr", MOST_ROWS)
    fewest = natural_number(params, "ni", FEWEST_IMAGES)
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
