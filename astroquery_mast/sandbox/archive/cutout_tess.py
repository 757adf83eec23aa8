"""Target pixel files cut out of TESS full-frame images, as by TESScut, with a few dozen cadences per sector.

Faint stars have fixed positions, generated per sky cell, so that neighboring cutouts show the same stars.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits
from astropy.time import Time
from numpy.typing import NDArray

from ..packaged import Cards, cards, packaged
from .cutout_images import MADE, fits_bytes, world_coordinates
from .cutout_sectors import CADENCES, Asteroid, Detector, sector_times
from .fields import FIELDS, MOVING
from .fitsfile import binary_table
from .geometry import deproject
from .pixelgrid import PixelGrid, grid_facts
from .scene import generator, stars
from .surveys import SECTOR_DAYS, SECTORS

if TYPE_CHECKING:
    from .archive import Archive

Array = NDArray[np.float64]
#: Size of a background cell in degrees, and number of stars per cell.
_CELL, _PER_CELL = 0.25, 50
_TARGET_FLUX, _FIELD_FLUX = 4000.0, 12.0
#: Width of the image of a star (standard deviation) and radius to which it is drawn, in pixels.
_WIDTH, _DRAWN = 0.75, 6.0
_BACKGROUND = 120.0


class Stars:
    """Sources around a position: positions in degrees and brightness in electrons per second."""

    def __init__(self, ra: Array, dec: Array, flux: Array) -> None:
        self.ra, self.dec, self.flux = ra, dec, flux

    def image(self, grid: PixelGrid) -> Array:
        """Return the image of the sources in the pixels of a grid."""
        x, y = grid.pixels(self.ra, self.dec)
        rows, columns = grid.shape
        near = (np.abs(x - columns / 2) < columns / 2 + _DRAWN) & (np.abs(y - rows / 2) < rows / 2 + _DRAWN)
        across = _profile(np.arange(columns) - x[near, None])
        along = _profile(np.arange(rows) - y[near, None])
        return np.asarray(_BACKGROUND + np.einsum("s,si,sj->ij", self.flux[near], along, across))


def _profile(offset: Array) -> Array:
    """Return one axis of the image of a star, normalized to a sum of 1."""
    return np.asarray(np.exp(-0.5 * (offset / _WIDTH) ** 2) / (_WIDTH * math.sqrt(2.0 * math.pi)))


def stars_around(archive: Archive, grid: PixelGrid) -> Stars:
    """Return the sources that are visible in the pixels of a grid."""
    rows, columns = grid.shape
    middle = ((columns + 1) / 2 - grid.crpix[0], (rows + 1) / 2 - grid.crpix[1])
    (a, b), (c, d) = grid.cd
    ra, dec = deproject(grid.ra, grid.dec, a * middle[0] + b * middle[1], c * middle[0] + d * middle[1])
    radius = grid.scale * (0.5 * math.hypot(rows, columns) + _DRAWN)
    pieces = [*_background(ra, dec, radius), *_of_fields(ra, dec, radius), _light_curve_stars(archive, ra, dec, radius)]
    return Stars(*(np.concatenate(part) for part in zip(*pieces, strict=True)))


def _light_curve_stars(archive: Archive, ra: float, dec: float, radius: float) -> tuple[Array, Array, Array]:
    """Return the stars with light curves, each once even if it was observed in several sectors."""
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
    """Generate the stars of nearby fields, which also appear in images of the other telescopes."""
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


#: Zero point of TESS times as MJD (the zero point of BJD is an integer, hence the fraction 0.5).
_ZERO_MJD = 56999.5
_GAIN, _READ_NOISE, _SECONDS = 1.0, 0.4, 1425.6
#: Cadences with a quality flag: impulsive outlier, scattered light.
_FLAGS = {4: 512, CADENCES // 2: 4096}
#: Image columns, which have world coordinates.
_IMAGES = ("RAW_CNTS", "FLUX", "FLUX_ERR", "FLUX_BKG", "FLUX_BKG_ERR")
_COLUMNS: tuple[tuple[str, str, str], ...] = packaged("instruments")["cutout columns"]


def place_cutout(
    archive: Archive, detector: Detector, at: tuple[float, float], shape: tuple[int, int]
) -> tuple[str, bytes]:
    """Return a cutout at a fixed position from the images of a detector."""
    grid, corner = detector.frame.cutout(*at, shape)
    image = stars_around(archive, grid).image(grid)
    flux = np.broadcast_to(image, (CADENCES, *shape))
    times = sector_times(detector.sector)
    name = f"{detector.name}_{at[0]:.6f}_{at[1]:.6f}_{shape[1]}x{shape[0]}_astrocut.fits"
    return name, _file(detector, name, times, flux, (grid, corner), at, {})


def track_cutout(archive: Archive, detector: Detector, body: Asteroid, shape: tuple[int, int]) -> tuple[str, bytes]:
    """Return a cutout that follows a minor planet; cadences in which it was outside the detector are omitted."""
    times = sector_times(detector.sector)
    ra, dec = body.track(times)
    seen = np.array([detector.frame.near(*place) for place in zip(ra.tolist(), dec.tolist(), strict=True)])
    times, ra, dec = times[seen], ra[seen], dec[seen]
    images, pixels = [], []
    for place in zip(ra.tolist(), dec.tolist(), strict=True):
        grid, _ = detector.frame.cutout(*place, shape)
        moving = Stars(*(np.array([value]) for value in (*place, body.brightness)))
        images.append(stars_around(archive, grid).image(grid) + moving.image(grid))
        pixels.append(detector.frame.pixel(*place))
    middle = len(times) // 2
    at = (float(ra[middle]), float(dec[middle]))
    columns = np.round(np.array(pixels), 4)
    further = {"TGT_X": columns[:, 0], "TGT_Y": columns[:, 1], "TGT_RA": ra, "TGT_DEC": dec}
    name = f"{detector.name}_{body.name}_{shape[1]}x{shape[0]}_astrocut.fits"
    cut = detector.frame.cutout(*at, shape)
    return name, _file(detector, name, times, np.array(images), cut, at, further)


def _file(
    detector: Detector,
    name: str,
    times: Array,
    flux: Array,
    cut: tuple[PixelGrid, tuple[int, int]],
    at: tuple[float, float],
    further: dict[str, Array],
) -> bytes:
    """Return a target pixel file; ``flux`` has the shape (cadences, rows, columns)."""
    grid, corner = cut
    shared, place = _shared(detector, at, further), {"column": corner[0], "row": corner[1]}
    pixels = binary_table(_columns(detector, name, times, flux, further), name="PIXELS")
    for index, column in enumerate(pixels.columns.names, 1):
        if column in _IMAGES:
            _extend(pixels, cards("cutout column", grid_facts(grid) | place, index))
    _extend(pixels, [*cards("clock", {"days": round(len(times) * _SECONDS / 86400.0, 8)}), *shared])
    aperture = fits.ImageHDU(np.ones(grid.shape, dtype=">i4"), name="APERTURE")
    _extend(aperture, [*world_coordinates(grid), *cards("detector", place), *shared])
    primary: Cards = [("NEXTEND", 2, "number of standard extensions"), ("EXTNAME", "PRIMARY", "name"), *shared]
    return fits_bytes([pixels, aperture], primary)


def _extend(unit: Any, cards: Cards) -> None:
    unit.header.extend([fits.Card(*card) for card in cards], update=True)


def _columns(detector: Detector, name: str, times: Array, clean: Array, further: dict[str, Array]) -> list[fits.Column]:
    rng = generator("TESS cutout", name)
    count, rows, columns = clean.shape
    error = np.sqrt(np.clip(clean, 0.0, None) * _GAIN / _SECONDS + _READ_NOISE**2)
    flux = np.round(clean + error * rng.standard_normal(clean.shape), 4)
    nothing, quality = np.zeros(clean.shape), np.zeros(count, dtype=np.int32)
    for cadence, flag in _FLAGS.items():
        quality[cadence:][:1] = flag
    shift = np.round(0.01 * rng.standard_normal((2, count)), 5)
    values: dict[str, Any] = {
        "TIME": np.round(times - _ZERO_MJD, 8),
        "TIMECORR": np.round(0.003 * np.sin(times / 27.0), 6),
        "CADENCENO": np.arange(1, count + 1),
        "RAW_CNTS": np.full(clean.shape, -1, dtype=np.int32),
        "FLUX": flux,
        "FLUX_ERR": np.round(error, 4),
        "FLUX_BKG": nothing,
        "FLUX_BKG_ERR": nothing,
        "QUALITY": quality,
        "POS_CORR1": shift[0],
        "POS_CORR2": shift[1],
        "FFI_FILE": _sources(detector, times),
        **further,
    }
    return [_column(line, values[line[0]], (rows, columns)) for line in _COLUMNS if line[0] in values]


def _column(line: tuple[str, str, str], values: Any, shape: tuple[int, int]) -> fits.Column:
    name, form, unit = line
    if name not in _IMAGES:
        return fits.Column(name, form, unit or None, array=values)
    width, null = f"{shape[0] * shape[1]}{form}", -1 if form == "J" else None
    return fits.Column(name, width, unit or None, null, dim=f"({shape[1]},{shape[0]})", array=values)


def _sources(detector: Detector, times: Array) -> list[str]:
    """Return the names of the full-frame images, which contain their times."""
    configuration = SECTORS[detector.sector - 1][1]
    stamps = Time(times, format="mjd").strftime("%Y%j%H%M%S")
    where = f"s{detector.sector:04d}-{detector.camera}-{detector.ccd}-{configuration}-s"
    return [f"tess{stamp}-{where}_ffic.fits" for stamp in stamps]


def _shared(detector: Detector, at: tuple[float, float], further: dict[str, Array]) -> Cards:
    """Return the keywords of all units."""
    _, configuration, start = SECTORS[detector.sector - 1]
    end = start + SECTOR_DAYS
    facts = {
        "made": MADE,
        "begin": round(start - _ZERO_MJD, 8),
        "finish": round(end - _ZERO_MJD, 8),
        "date": f"{Time(start, format='mjd').isot}Z",
        "last date": f"{Time(end, format='mjd').isot}Z",
        "start": start,
        "end": round(end, 8),
        "configuration": int(configuration),
        "sector": detector.sector,
        "camera": detector.camera,
        "ccd": detector.ccd,
        "ra": at[0],
        "dec": at[1],
        "object": "moving target" if further else "",
    }
    return cards("TESScut", facts)
