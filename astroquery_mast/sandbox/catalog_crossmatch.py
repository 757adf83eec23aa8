"""The cross-match services: an uploaded table in, one row per position and match out.

A row starts with the position that was uploaded, under its own column names; then the match: its number, its position
and how far away it is; then the rest of the catalog's columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .answers import Dataset
from .archive import OBSERVATION_COLUMNS
from .archive.catalogs import catalog, hubble
from .archive.packaged import Columns
from .parameters import Params, check_cone, finite, number
from .reply import ServiceError
from .rows import Distance, catalog_rows, observation_rows

if TYPE_CHECKING:
    from .archive import Archive

__all__ = ["CROSSMATCH_SERVICES", "UPLOAD"]

Row = tuple[object, ...]
Position = tuple[float, float]

#: The name under which a service finds the uploaded table among its parameters.
UPLOAD = "data"
#: Radius of a request without one, and the largest one (degrees).
DEFAULT_RADIUS, LARGEST_RADIUS = 0.002, 1.0
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
    radius = number(params, "radius", DEFAULT_RADIUS)
    positions = tuple(_positions(table["data"], *names))
    for _, dec in positions:
        check_cone(dec, radius, LARGEST_RADIUS)
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


def _hubble(archive: Archive, params: Params, *, aperture: bool) -> Dataset:
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
        return _hubble(archive, params, aperture=kind == "aper2")

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
