"""Target pixel files cut out of TESS full-frame images.

In: a detector, a place or a minor planet, and a size. Out: the name and the bytes of a FITS file with the units
PRIMARY, PIXELS and APERTURE, in the manner of TESScut. A sector has a few dozen cadences here instead of thousands.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits
from astropy.time import Time
from numpy.typing import NDArray

from .cutout_asteroids import CADENCES, Asteroid, sector_times
from .cutout_frame import Cards, world_coordinates
from .cutout_sectors import Detector
from .cutout_stars import Stars, stars_around
from .fitstable import binary_table
from .pixelgrid import PixelGrid
from .scene import generator
from .tess import SECTOR_DAYS, SECTORS

if TYPE_CHECKING:
    from .archive import Archive

Array = NDArray[np.float64]
#: Barycentric date from which TESS counts (its fraction of the modified Julian date is 0.5).
_ZERO_MJD = 56999.5
_MADE = "2025-01-01"
_GAIN, _READ_NOISE, _SECONDS = 1.0, 0.4, 1425.6
#: Cadences with a quality flag: impulsive outlier, scattered light.
_FLAGS = {4: 512, CADENCES // 2: 4096}
#: Columns of images, which carry world coordinates.
_IMAGES = ("RAW_CNTS", "FLUX", "FLUX_ERR", "FLUX_BKG", "FLUX_BKG_ERR")


def place_cutout(
    archive: Archive, detector: Detector, at: tuple[float, float], shape: tuple[int, int]
) -> tuple[str, bytes]:
    """Cut a place out of a detector's images."""
    grid, corner = detector.frame.cutout(*at, shape)
    image = stars_around(archive, grid).image(grid)
    flux = np.broadcast_to(image, (CADENCES, *shape))
    times = sector_times(detector.sector)
    name = f"{detector.name}_{at[0]:.6f}_{at[1]:.6f}_{shape[1]}x{shape[0]}_astrocut.fits"
    return name, _file(detector, name, times, flux, (grid, corner), at, {})


def track_cutout(archive: Archive, detector: Detector, body: Asteroid, shape: tuple[int, int]) -> tuple[str, bytes]:
    """Follow a minor planet across a detector; cadences in which it was elsewhere are left out."""
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
    """A target pixel file; ``flux`` has the shape (cadences, rows, columns)."""
    grid, corner = cut
    shared = _shared(detector, at, further)
    primary = fits.PrimaryHDU()
    _extend(primary, [("NEXTEND", 2, "number of standard extensions"), ("EXTNAME", "PRIMARY", "name"), *shared])
    pixels = binary_table(_columns(detector, name, times, flux, further), name="PIXELS")
    for index, column in enumerate(pixels.columns.names, 1):
        if column in _IMAGES:
            _extend(pixels, [*_table_coordinates(index, grid), *_physical(index, corner)])
    _extend(pixels, [*_clock(times), *shared])
    aperture = fits.ImageHDU(np.ones(grid.shape, dtype=">i4"), name="APERTURE")
    _extend(aperture, [*world_coordinates(grid), *_physical_image(corner), *shared])
    for unit in (primary, pixels, aperture):
        unit.add_checksum(when=f"{_MADE}T00:00:00")
    content = io.BytesIO()
    fits.HDUList([primary, pixels, aperture]).writeto(content, output_verify="exception")
    return content.getvalue()


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
    values: dict[str, tuple[str, str | None, Any]] = {
        "TIME": ("D", "BJD - 2457000, days", np.round(times - _ZERO_MJD, 8)),
        "TIMECORR": ("E", "d", np.round(0.003 * np.sin(times / 27.0), 6)),
        "CADENCENO": ("J", None, np.arange(1, count + 1)),
        "RAW_CNTS": ("J", "count", np.full(clean.shape, -1, dtype=np.int32)),
        "FLUX": ("E", "e-/s", flux),
        "FLUX_ERR": ("E", "e-/s", np.round(error, 4)),
        "FLUX_BKG": ("E", "e-/s", nothing),
        "FLUX_BKG_ERR": ("E", "e-/s", nothing),
        "QUALITY": ("J", None, quality),
        "POS_CORR1": ("E", "pixel", shift[0]),
        "POS_CORR2": ("E", "pixel", shift[1]),
        "FFI_FILE": ("44A", None, _sources(detector, times)),
    }
    units = {"TGT_X": "pixel", "TGT_Y": "pixel", "TGT_RA": "deg", "TGT_DEC": "deg"}
    values |= {column: ("D", units[column], array) for column, array in further.items()}
    made = []
    for column, (form, unit, array) in values.items():
        if column in _IMAGES:
            width, null = f"{rows * columns}{form}", -1 if form == "J" else None
            dimensions = f"({columns},{rows})"
            made.append(fits.Column(column, width, unit, null, dim=dimensions, array=array))
        else:
            made.append(fits.Column(column, form, unit, array=array))
    return made


def _sources(detector: Detector, times: Array) -> list[str]:
    """Names of the full-frame images, which hold the time of each."""
    configuration = SECTORS[detector.sector - 1][1]
    stamps = Time(times, format="mjd").strftime("%Y%j%H%M%S")
    where = f"s{detector.sector:04d}-{detector.camera}-{detector.ccd}-{configuration}-s"
    return [f"tess{stamp}-{where}_ffic.fits" for stamp in stamps]


def _table_coordinates(index: int, grid: PixelGrid) -> Cards:
    """World coordinates of the images in a table's column (FITS standard, bintable vector notation)."""
    keywords = {
        "WCSAXES": f"WCAX{index}",
        "CTYPE1": f"1CTYP{index}",
        "CTYPE2": f"2CTYP{index}",
        "CRPIX1": f"1CRPX{index}",
        "CRPIX2": f"2CRPX{index}",
        "CRVAL1": f"1CRVL{index}",
        "CRVAL2": f"2CRVL{index}",
        "CUNIT1": f"1CUNI{index}",
        "CUNIT2": f"2CUNI{index}",
        "CDELT1": f"1CDLT{index}",
        "CDELT2": f"2CDLT{index}",
        "PC1_1": f"11PC{index}",
        "PC1_2": f"12PC{index}",
        "PC2_1": f"21PC{index}",
        "PC2_2": f"22PC{index}",
    }
    return [(keywords[name], value, note) for name, value, note in world_coordinates(grid) if name in keywords]


def _physical(index: int, corner: tuple[int, int]) -> Cards:
    """Column and row of the detector at the first pixel, for the images in a table's column."""
    cards: Cards = [
        (f"WCSN{index}P", "PHYSICAL", "name of the detector's coordinates"),
        (f"WCAX{index}P", 2, "their number of axes"),
    ]
    for axis, (letter, start) in enumerate(zip("XY", corner, strict=True), 1):
        cards += [
            (f"{axis}CTY{index}P", f"RAW{letter}", "column or row of the detector"),
            (f"{axis}CUN{index}P", "PIXEL", "unit"),
            (f"{axis}CRV{index}P", start, "value at the reference pixel"),
            (f"{axis}CDL{index}P", 1.0, "step"),
            (f"{axis}CRP{index}P", 1, "reference pixel"),
        ]
    return cards


def _physical_image(corner: tuple[int, int]) -> Cards:
    cards: Cards = [("WCSNAMEP", "PHYSICAL", "name of the detector's coordinates"), ("WCSAXESP", 2, "axes")]
    for axis, (letter, start) in enumerate(zip("XY", corner, strict=True), 1):
        cards += [
            (f"CTYPE{axis}P", f"RAW{letter}", "column or row of the detector"),
            (f"CUNIT{axis}P", "PIXEL", "unit"),
            (f"CRPIX{axis}P", 1, "reference pixel"),
            (f"CRVAL{axis}P", start, "value at the reference pixel"),
            (f"CDELT{axis}P", 1.0, "step"),
        ]
    return cards


def _clock(times: Array) -> Cards:
    return [
        ("EXPOSURE", round(len(times) * _SECONDS / 86400.0, 8), "[d] time on source"),
        ("TIMEREF", "SOLARSYSTEM", "barycentric correction applied to times"),
        ("TASSIGN", "SPACECRAFT", "where time is assigned"),
        ("TIMESYS", "TDB", "time system"),
        ("BJDREFI", 2457000, "integer part of the reference date"),
        ("BJDREFF", 0.0, "fraction of the reference date"),
        ("TIMEUNIT", "d", "unit of TIME, TSTART and TSTOP"),
        ("NUM_FRM", 720, "frames per time stamp"),
    ]


def _shared(detector: Detector, at: tuple[float, float], further: dict[str, Array]) -> Cards:
    """Keywords that all units have."""
    _, configuration, start = SECTORS[detector.sector - 1]
    end = start + SECTOR_DAYS
    return [
        ("SIMDATA", True, "file is based on simulated data"),
        ("ORIGIN", "STScI/MAST", "institution that this file imitates"),
        ("DATE", _MADE, "file creation date"),
        ("TSTART", round(start - _ZERO_MJD, 8), "observation start time in BTJD"),
        ("TSTOP", round(end - _ZERO_MJD, 8), "observation stop time in BTJD"),
        ("DATE-OBS", f"{Time(start, format='mjd').isot}Z", "TSTART as calendar date"),
        ("DATE-END", f"{Time(end, format='mjd').isot}Z", "TSTOP as calendar date"),
        ("MJD-OBS", start, "[d] start (MJD)"),
        ("MJD-END", round(end, 8), "[d] end (MJD)"),
        ("CREATOR", "astrocut (sandbox)", "program that made this file"),
        ("PROCVER", "sandbox", "version of the program"),
        ("FILEVER", "1.0", "version of the format"),
        ("TELESCOP", "TESS", "telescope"),
        ("INSTRUME", "TESS Photometer", "detector type"),
        ("DATA_REL", detector.sector, "data release"),
        ("ASTATE", True, "archive state"),
        ("SCCONFIG", int(configuration), "spacecraft configuration"),
        ("RADESYS", "ICRS", "reference frame of celestial coordinates"),
        ("EQUINOX", 2000.0, "equinox of celestial coordinates"),
        ("SECTOR", detector.sector, "observing sector"),
        ("CAMERA", detector.camera, "camera number"),
        ("CCD", detector.ccd, "detector number"),
        ("RA_OBJ", at[0], "[deg] right ascension"),
        ("DEC_OBJ", at[1], "[deg] declination"),
        ("OBJECT", "moving target" if further else "", "target"),
        ("TESSMAG", 0.0, "[mag] TESS magnitude"),
        ("TEFF", 0.0, "[K] effective temperature"),
        ("RADIUS", 0.0, "[solar radii] stellar radius"),
    ]
