"""The stars that TESS sees: those with light curves, those of the fields, and a background of faint ones.

In: a pixel grid of a full-frame image. Out: an image, electrons per second. The background belongs to the sky, cell by
cell, so neighboring cutouts show the same stars. At 21 arcsec a pixel the scene of the other telescopes is a point.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .fields import FIELDS, MOVING
from .geometry import deproject
from .pixelgrid import PixelGrid
from .scene import generator, stars

if TYPE_CHECKING:
    from .archive import Archive

Array = NDArray[np.float64]
#: Size of a cell of the background and number of stars in it; degrees.
_CELL, _PER_CELL = 0.25, 50
_TARGET_FLUX, _FIELD_FLUX = 4000.0, 12.0
#: Width of the image of a star (standard deviation) and how far it is drawn, pixels.
_WIDTH, _DRAWN = 0.75, 6.0
_BACKGROUND = 120.0


class Stars:
    """Sources around a place: positions in degrees and brightness in electrons per second."""

    def __init__(self, ra: Array, dec: Array, flux: Array) -> None:
        self.ra, self.dec, self.flux = ra, dec, flux

    def image(self, grid: PixelGrid) -> Array:
        """What a detector with these pixels shows of them."""
        x, y = grid.pixels(self.ra, self.dec)
        rows, columns = grid.shape
        near = (np.abs(x - columns / 2) < columns / 2 + _DRAWN) & (np.abs(y - rows / 2) < rows / 2 + _DRAWN)
        across = _profile(np.arange(columns) - x[near, None])
        along = _profile(np.arange(rows) - y[near, None])
        return np.asarray(_BACKGROUND + np.einsum("s,si,sj->ij", self.flux[near], along, across))


def _profile(offset: Array) -> Array:
    """One axis of the image of a star, whose sum is 1."""
    return np.asarray(np.exp(-0.5 * (offset / _WIDTH) ** 2) / (_WIDTH * math.sqrt(2.0 * math.pi)))


def stars_around(archive: Archive, grid: PixelGrid) -> Stars:
    """Sources that can be seen in the pixels of a grid."""
    rows, columns = grid.shape
    middle = ((columns + 1) / 2 - grid.crpix[0], (rows + 1) / 2 - grid.crpix[1])
    (a, b), (c, d) = grid.cd
    ra, dec = deproject(grid.ra, grid.dec, a * middle[0] + b * middle[1], c * middle[0] + d * middle[1])
    radius = grid.scale * (0.5 * math.hypot(rows, columns) + _DRAWN)
    pieces = [*_background(ra, dec, radius), *_of_fields(ra, dec, radius), _targets(archive, ra, dec, radius)]
    return Stars(*(np.concatenate(part) for part in zip(*pieces, strict=True)))


def _targets(archive: Archive, ra: float, dec: float, radius: float) -> tuple[Array, Array, Array]:
    """Stars with light curves; each of them once, however many sectors it was seen in."""
    near = sorted(archive.within(ra, dec, radius))
    sql = (
        "SELECT DISTINCT target_name, s_ra, s_dec FROM observation WHERE obs_collection = 'TESS' "
        f"AND dataproduct_type = 'timeseries' AND objID IN ({', '.join('?' * len(near))}) ORDER BY target_name"
    )
    found = archive.query(sql, near)
    places = np.array([(row["s_ra"], row["s_dec"]) for row in found], dtype=float).reshape(-1, 2)
    flux = [_TARGET_FLUX * generator("TESS star", row["target_name"]).uniform(0.5, 2.0) for row in found]
    return places[:, 0], places[:, 1], np.array(flux, dtype=float)


def _of_fields(ra: float, dec: float, radius: float) -> Iterator[tuple[Array, Array, Array]]:
    """Stars of the fields nearby, the same as in images of the other telescopes."""
    for field in FIELDS.values():
        if field.name in MOVING or abs(field.dec - dec) > radius + 0.2:
            continue
        away = abs((field.ra - ra + 180.0) % 360.0 - 180.0) * math.cos(math.radians(dec))
        if away <= radius + 0.2:
            known = stars(field)
            yield known.ra, known.dec, _FIELD_FLUX * known.flux


def _background(ra: float, dec: float, radius: float) -> Iterator[tuple[Array, Array, Array]]:
    bands = range(math.floor((dec - radius) / _CELL), math.floor((dec + radius) / _CELL) + 1)
    for band in bands:
        if not -90.0 <= band * _CELL < 90.0:
            continue
        middle = math.cos(math.radians((band + 0.5) * _CELL))
        count = max(round(360.0 * middle / _CELL), 1)
        reach = min(radius / max(middle, 1e-3), 180.0)
        first, last = (math.floor((ra + side * reach) * count / 360.0) for side in (-1.0, 1.0))
        for cell in sorted({number % count for number in range(first, min(last, first + count - 1) + 1)}):
            yield _cell(band, cell, count)


@lru_cache(maxsize=512)
def _cell(band: int, cell: int, count: int) -> tuple[Array, Array, Array]:
    rng = generator("TESS stars", band, cell)
    ra = (cell + rng.random(_PER_CELL)) * 360.0 / count
    dec = (band + rng.random(_PER_CELL)) * _CELL
    return ra, dec, np.clip(40.0 * rng.pareto(1.2, _PER_CELL) + 5.0, 0.0, 5000.0)
