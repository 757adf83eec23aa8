"""Read positions for a match with footprints, as unit vectors with proper motions, in chunks.

In: positions of any supported type, an iterator of these, or the path of a parquet file.  Out: one `PointChunk` after
the other, so that only one is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import (
    BaseCoordinateFrame,
    RadialDifferential,
    SkyCoord,
    UnitSphericalCosLatDifferential,
    UnitSphericalRepresentation,
)
from astropy.table import Table

from ..exceptions import InvalidArgumentError
from ..tables.dataframes import as_astropy, needed_for_parquet
from ..tables.rows import Array, Floats, RowNumbers
from .positions import as_positions, filled_with_nan, position_columns, sky_column
from .sphere import unit_vectors

# Number of positions of a parquet file in memory at a time.
_CHUNK = 500_000
_PARQUET = (".parquet", ".parq", ".pq")


@dataclass(frozen=True)
class PointChunk:
    """Unit vectors of positions and their velocities."""

    # Row numbers of the valid positions in the input, and the number of rows of the chunk.
    rows: RowNumbers
    size: int
    vectors: Array
    # Velocities in radians per day, and the epochs of the positions, MJD; None without proper motions.
    velocity: Array | None = None
    epoch: Floats | None = None

    def farthest(self, begin: float, end: float) -> Floats:
        """Return the largest distance, in radians, of each point from its position at times between the two."""
        if self.velocity is None or self.epoch is None:
            return np.zeros(len(self.vectors))
        days = np.maximum(np.abs(begin - self.epoch), np.abs(end - self.epoch))
        return np.asarray(np.linalg.norm(self.velocity, axis=1) * days)

    def moved(self, places: RowNumbers, times: Floats) -> Array:
        """Propagate some of the positions along straight lines, each to a time; no motion if the time is NaN."""
        vectors = self.vectors.take(places, axis=0)
        if self.velocity is None or self.epoch is None:
            return vectors
        days = np.nan_to_num(times - self.epoch[places], nan=0.0)
        vectors = vectors + self.velocity.take(places, axis=0) * days[:, np.newaxis]
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def point_chunks(points: Any, ra_column: str | None, dec_column: str | None) -> Iterator[PointChunk]:
    """Yield the positions in chunks."""
    start = 0
    for part in _parts(points, ra_column, dec_column):
        chunk = _chunk(part, start, ra_column, dec_column)
        start += chunk.size
        yield chunk
    if not start:
        raise InvalidArgumentError("No positions specified: points is empty.")


def _parts(points: Any, ra_column: str | None, dec_column: str | None) -> Iterator[Any]:
    """Yield the parts of the input: batches of a file, non-empty items of an iterator, or the input itself."""
    if isinstance(points, str | PathLike):
        yield from _parquet(fspath(points), ra_column, dec_column)
    elif isinstance(points, Iterator):
        yield from (part for part in points if not hasattr(part, "__len__") or len(part))
    else:
        yield points


def _parquet(path: str, ra_column: str | None, dec_column: str | None) -> Iterator[Any]:
    """Yield batches of the two position columns of a parquet file."""
    if not path.lower().endswith(_PARQUET):
        raise InvalidArgumentError(
            f"points must be a SkyCoord, a table, or the path of a file that ends in {', '.join(_PARQUET)}, "
            f"got {path!r}."
        )
    parquet = needed_for_parquet("pyarrow.parquet", path)
    try:
        with parquet.ParquetFile(path) as file:
            names = position_columns(as_astropy(file.schema_arrow.empty_table()), ra_column, dec_column)
            yield from file.iter_batches(batch_size=_CHUNK, columns=list(dict.fromkeys(names)))
    except InvalidArgumentError:
        raise
    except ValueError as err:  # pyarrow's error for a damaged file is a ValueError
        raise InvalidArgumentError(f"Cannot read {path!r} as a parquet file: {err}") from err


def _chunk(part: Any, start: int, ra_column: str | None, dec_column: str | None) -> PointChunk:
    part = as_astropy(part)
    positions = as_positions(part, ra_column=ra_column, dec_column=dec_column)
    if positions.names:
        name = next(iter(positions.names.values()))
        raise InvalidArgumentError(f"points: {name!r} is not a position. Object names are not resolved here.")
    known = positions.known
    sky = sky_column(part, ra_column, dec_column) if isinstance(part, Table) else part
    vectors = unit_vectors(positions.ra[known], positions.dec[known])
    motion = _motion(sky, known) if isinstance(sky, SkyCoord | BaseCoordinateFrame) else (None, None)
    return PointChunk(known + start, len(positions), vectors, *motion)


def _motion(given: SkyCoord | BaseCoordinateFrame, rows: RowNumbers) -> tuple[Array | None, Floats | None]:
    """Return the velocities of the given rows, in radians per day, and their epochs, MJD; None without motions."""
    sky = SkyCoord(given).ravel()
    velocity = sky.frame.data.differentials.get("s")
    if velocity is None or isinstance(velocity, RadialDifferential):
        return None, None
    if sky.obstime is None:
        raise InvalidArgumentError(
            "points have proper motions but no epoch. Set obstime of the SkyCoord, such as obstime=Time('J2016')."
        )
    epoch = np.broadcast_to(sky.obstime.tt.mjd, sky.shape)[rows]
    return _velocities(sky[rows]), np.asarray(epoch, dtype=float)


def _velocities(sky: SkyCoord) -> Array:
    """Return velocities on the sky in ICRS, in radians per day; zero if unknown."""
    try:
        along = sky.frame.represent_as(UnitSphericalRepresentation, UnitSphericalCosLatDifferential)
        motion = along.differentials["s"]
        rates = (_per_day(motion.d_lon_coslat), _per_day(motion.d_lat))
        differential = UnitSphericalCosLatDifferential(*rates)
        position = UnitSphericalRepresentation(along.lon, along.lat, differentials=differential)
        icrs = SkyCoord(sky.frame.realize_frame(position)).icrs
        east, north = (_per_day(rate).value for rate in (icrs.pm_ra_cosdec, icrs.pm_dec))
    except (ValueError, TypeError, AttributeError, u.UnitsError) as err:
        raise InvalidArgumentError(f"The proper motions of points cannot be transformed to ICRS: {err}") from err
    ra, dec = icrs.ra.rad, icrs.dec.rad
    to_east = np.stack([-np.sin(ra), np.cos(ra), np.zeros_like(ra)], axis=-1)
    to_north = np.stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)], axis=-1)
    return np.asarray(east[:, np.newaxis] * to_east + north[:, np.newaxis] * to_north)


def _per_day(rate: Any) -> u.Quantity:
    """Return proper motions in radians per day, zero if unknown."""
    return u.Quantity(np.nan_to_num(filled_with_nan(rate.to_value(u.rad / u.day))), u.rad / u.day)
