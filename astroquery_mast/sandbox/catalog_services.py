"""The Mashup services of catalogs (`services.json`): cones, filters, counts, cross-matches, the Hubble Source Catalog.

A row of a cross-match consists of the uploaded position, the match, its distance, and the columns of the catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from .answers import Dataset, catalog_all
from .archive import OBSERVATION_COLUMNS
from .archive.catalog_hsc import MATCH_COLUMNS, SPECTRUM_COLUMNS
from .archive.catalogs import catalog, hubble
from .packaged import Columns, packaged
from .parameters import (
    COUNT,
    Params,
    check_cone,
    count_dataset,
    finite,
    identifier,
    natural_number,
    number,
    requested_columns,
    where,
)
from .reply import ServiceError
from .rows import Distance, catalog_rows, observation_rows

if TYPE_CHECKING:
    from .archive import Archive
    from .archive.catalog_table import CatalogTable, Found

Row = tuple[object, ...]
Position = tuple[float, float]
Part = tuple[Columns, list[Row]]
Service = Callable[["Archive", Params], Dataset]

#: Name under which services find the uploaded table among their parameters.
UPLOAD = "data"
#: Default and maximum radius of a cross-match (degrees).
MATCH_RADIUS, LARGEST_MATCH_RADIUS = 0.002, 1.0
ARCSEC = Distance("dstArcSec")
_WHOLE_CAOM: Columns = (*OBSERVATION_COLUMNS, ("distance", "float"))


@dataclass(frozen=True)
class _Upload:
    """A parsed uploaded table: the names of its position columns, the positions, and the match radius (degrees)."""

    columns: Columns
    positions: tuple[Position, ...]
    radius: float

    def joined(self, matches: Callable[[Position], Iterable[Row]]) -> list[Row]:
        """Return every position with each of its matches."""
        return [(*position, *row) for position in self.positions for row in matches(position)]


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


def _positions(rows: Sequence[object], *names: str) -> Iterator[Position]:
    for row in rows:
        if not isinstance(row, Mapping):
            raise ServiceError("The rows of an uploaded table must be objects.")
        place = [_cell(row, name) for name in names]
        if None not in place:
            ra, dec = map(finite, names, place)
            yield ra, dec


def _cell(row: Mapping[str, object], name: str) -> object:
    if name not in row:
        raise ServiceError(f"The uploaded table has no column '{name}'.")
    return row[name]


def _crossmatch(
    archive: Archive, params: Params, *, name: str, number: str, spelling: tuple[str, str] = ("MatchRA", "MatchDEC")
) -> Dataset:
    """Match with a catalog; the TESS catalogs spell the column of the matched declination differently."""
    upload, table = _uploaded(params), catalog(name)
    own = (number, "ra", "dec")
    match = ("MatchID", dict(table.columns)[number]), (spelling[0], "float"), (spelling[1], "float")
    taken = {*own, *dict(upload.columns)}
    rest = tuple(column for column in table.columns if column[0] not in taken)
    listed = (*((name, "") for name in own), ARCSEC.column, *rest)
    matches = partial(_matches, table, upload.radius, listed)
    return Dataset((*upload.columns, *match, ARCSEC.column, *rest), upload.joined(matches))


def _matches(table: CatalogTable, radius: float, columns: Columns, position: Position) -> Iterable[Row]:
    return catalog_rows(table, table.within(*position, radius), columns, ARCSEC)


def _hubble_matched(archive: Archive, params: Params, *, aperture: bool) -> Dataset:
    """Return the matches in version 3; the columns cover all filters that occur."""
    upload, catalog = _uploaded(params), hubble(3)
    cones = {position: catalog.table.within(*position, upload.radius) for position in upload.positions}
    parts = {
        position: catalog.cone(found, aperture=aperture, images=1, most=len(found.keys))
        for position, found in cones.items()
    }
    columns = _union(columns for columns, _ in parts.values())
    return Dataset((*upload.columns, *columns), upload.joined(partial(_aligned, parts, columns)))


def _aligned(parts: Mapping[Position, Part], columns: Columns, position: Position) -> Iterator[Row]:
    """Return the rows of a position with the columns of all positions."""
    own, rows = parts[position]
    for row in rows:
        cells = dict(zip((name for name, _ in own), row, strict=True))
        yield tuple(cells.get(name) for name, _ in columns)


def _union(parts: Iterable[Columns]) -> Columns:
    """Return the columns of several results, each once; the selection column stays last."""
    known = dict(chain.from_iterable(parts))
    if "_selected_" in known:
        known["_selected_"] = known.pop("_selected_")
    return tuple(known.items())


def _observations(archive: Archive, params: Params) -> Dataset:
    """Return the observations whose footprint intersects each position."""
    upload = _uploaded(params)
    matches = partial(_observed, archive, upload.radius)
    return Dataset((*upload.columns, *_WHOLE_CAOM), upload.joined(matches))


def _observed(archive: Archive, radius: float, position: Position) -> Iterable[Row]:
    distances = archive.within(*position, radius)
    keys = sorted(sorted(distances), key=distances.__getitem__)
    return observation_rows(archive, _WHOLE_CAOM, keys, distances)


#: Maximum radius of a catalog cone (degrees); MAST would not finish a wider one.
LARGEST_RADIUS = 30.0
#: Default radius of cones (degrees), and maximum number of GALEX sources, from the descriptions of the services.
DEFAULT_RADIUS = 0.02
DEFAULT_MAXRECORDS = 10_000
GALEX_DISTANCE = Distance("distance_arcmin", 60.0)


def _within(name: str, params: Params, default_radius: float | None = None) -> Found:
    ra, dec, radius = number(params, "ra"), number(params, "dec"), number(params, "radius", default_radius)
    check_cone(dec, radius, LARGEST_RADIUS)
    return catalog(name).within(ra, dec, radius)


def _cone(
    archive: Archive,
    params: Params,
    *,
    name: str,
    distance: tuple[str, float] | None = None,
    radius: float | None = None,
) -> Dataset:
    """Return the rows of a cone, with an optional distance column; ``radius`` is the default radius, if any."""
    table, away = catalog(name), None if distance is None else Distance(*distance)
    columns = table.columns if away is None else (*table.columns, away.column)
    return Dataset(columns, catalog_rows(table, _within(name, params, radius), columns, away))


def _galex(archive: Archive, params: Params) -> Dataset:
    """Return the GALEX sources of a cone, nearest first, at most ``maxrecords``."""
    most = natural_number(params, "maxrecords", DEFAULT_MAXRECORDS)
    table = catalog("galex")
    columns = (GALEX_DISTANCE.column, *table.columns)
    found = _within("galex", params).first(most)
    return Dataset(columns, catalog_rows(table, found, columns, GALEX_DISTANCE))


def _filtered(
    archive: Archive,
    params: Params,
    *,
    name: str,
    positioned: bool = False,
    counts: bool = True,
    columns: str | None = None,
) -> Dataset:
    """Return the rows that match filters, optionally in a cone, or their number if the service supports counts."""
    table = catalog(name)
    condition = where(params.get("filters"), table.filterable)
    known = (*table.columns, ARCSEC.column) if positioned else table.columns
    asked = requested_columns(params, known, columns)
    if asked is None and not counts:
        raise ServiceError("Incorrect syntax near '*'.")
    found = _within(name, params) if positioned else table.everything()
    if params["filters"]:
        found = found.only(table.matching(condition))
    if asked is None:
        return count_dataset(len(found.keys))
    return Dataset(asked, catalog_rows(table, found, asked, ARCSEC if positioned else None))


def _counted(archive: Archive, params: Params, **options: Any) -> Dataset:
    return _filtered(archive, {**params, "columns": COUNT}, **options)


def _described(name: str, archive: Archive, params: Params) -> Dataset:
    return catalog_all(catalog(name))


#: Default values of parameters, from the description of the services.
MOST_ROWS, FEWEST_IMAGES, APERTURE, KRON = 50_000, 1, 1, 2
DEFAULT_MATCH = 11599418
#: Maximum radius of a cone (degrees).
LARGEST_HUBBLE_RADIUS = 3.0


def _hubble_cone(version: int, archive: Archive, params: Params) -> Dataset:
    """Return the matches of a cone, nearest first, with magnitudes in the filters that occur among them."""
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
    """Return the detections of a match."""
    match = identifier(str(params.get("input", DEFAULT_MATCH)).strip())
    return Dataset(MATCH_COLUMNS, hubble(version).detections(match))


def _hubble_spectra(archive: Archive, params: Params) -> Dataset:
    """Return the list of all spectra."""
    return Dataset(SPECTRUM_COLUMNS, packaged("spectra")["rows"])


_TABLES: Mapping[str, Mapping[str, Any]] = packaged("services")
CATALOG_SERVICES: dict[str, Service] = {
    **{service: partial(_cone, **options) for service, options in _TABLES["cones"].items()},
    **{service: partial(_filtered, **options) for service, options in _TABLES["filtered"].items()},
    **{service: partial(_counted, **options) for service, options in _TABLES["counts"].items()},
    **{service: partial(_crossmatch, **options) for service, options in _TABLES["crossmatches"].items()},
    **{service: partial(_described, name) for service, name in _TABLES["described"].items()},
    "mast.galex.catalog": _galex,
    "mast.caom.crossmatch": _observations,
    "mast.hsc.crossmatch.magaper2v3": partial(_hubble_matched, aperture=True),
    "mast.hsc.crossmatch.magautov3": partial(_hubble_matched, aperture=False),
    "mast.hscspectra.db.all": _hubble_spectra,
    **{f"mast.hsc.db.v{version}": partial(_hubble_cone, version) for version in (2, 3)},
    **{f"mast.hscmatches.db.v{version}": partial(_hubble_matches, version) for version in (2, 3)},
}
