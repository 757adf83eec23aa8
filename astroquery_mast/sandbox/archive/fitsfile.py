"""FITS files: units in the planned order, headers of the planned length, valid checksums, and the image pixels."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from astropy.io import fits

from . import headers, tables
from .pixelgrid import PixelGrid, grids
from .products import File, Unit
from .scene import brightness, generator

_NOISE, _BIAS, _GAIN = 0.05, 2000.0, 40.0
_DECIMALS = 4
_BAD_PIXELS = 0.002
Pixels = Any


def pixels(file: File, unit: Unit, grid: PixelGrid | None) -> Pixels:
    """Return the data of an image unit."""
    fill = _FILLS.get(unit.name, _science)
    data = fill(file, unit, grid)
    if unit.dtype.startswith(">f"):
        # Rounding hides the last digits, which depend on the mathematical library of the platform.
        data = np.round(data, _DECIMALS)
    elif unit.dtype == ">u2":
        data = np.clip(np.round(data), 0, 65535)
    return np.ascontiguousarray(np.broadcast_to(data, unit.shape)).astype(np.dtype(unit.dtype))


def sky(file: File, grid: PixelGrid | None, shape: tuple[int, int]) -> Pixels:
    """Return a noiseless image of the sky, or zeros for a calibration exposure."""
    owner = file.owner
    if grid is None:
        return np.zeros(shape)
    return brightness(grid, sum(owner.band()) / 2, owner.target_name)


def _noise(file: File, unit: Unit) -> Pixels:
    rng = generator("noise", file.uri, unit.name, unit.version)
    return np.asarray(rng.standard_normal(unit.shape, dtype=np.float32))


def _science(file: File, unit: Unit, grid: PixelGrid | None) -> Pixels:
    if len(unit.shape) == 1:
        return np.round(1000 * _noise(file, unit))
    shape = (unit.shape[-2], unit.shape[-1])
    if "jitter" in file.kind.layout:
        return _blob(shape)
    seen = _spectral(file, shape) if file.owner.dataproduct_type == "spectrum" else sky(file, grid, shape)
    if unit.dtype == ">u2":
        return _counts(file, unit, seen)
    if file.kind.layout == "cube":
        return _cube(file, unit, seen)
    depth = 1.0 if file.kind.layout in {"drizzled", "resampled", "mosaic", "large_mosaic"} else 2.0
    return seen + depth * _NOISE * (1 + 0.3 * np.sqrt(np.clip(seen, 0, None))) * _noise(file, unit)


def _counts(file: File, unit: Unit, seen: Pixels) -> Pixels:
    """Return raw counts: bias level plus signal; the signal increases with each read of a ramp."""
    reads = unit.shape[-3] if len(unit.shape) > 2 else 1
    rise = np.arange(1, reads + 1).reshape(-1, 1, 1) / reads if reads > 1 else np.ones(1)
    return _BIAS + _GAIN * rise * seen + 5.0 * _noise(file, unit)


def _cube(file: File, unit: Unit, seen: Pixels) -> Pixels:
    """Return a cube with a continuum, and a line at one third of the band."""
    planes = np.arange(unit.shape[0]).reshape(-1, 1, 1)
    line = 4.0 * np.exp(-0.5 * ((planes - unit.shape[0] / 3) / 1.5) ** 2)
    glow = _blob((unit.shape[1], unit.shape[2]))
    return (0.2 + glow / 100.0) * (1 + line) + 0.2 * seen + _NOISE * _noise(file, unit)


def _spectral(file: File, shape: tuple[int, int]) -> Pixels:
    """Return an image with traces of spectra across the detector."""
    rng = generator("traces", file.owner.target_name)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    image = np.full(shape, 0.05)
    several = str(file.owner.instrument_name) in {"NIRSPEC/MSA", "NIRISS/WFSS", "NIRCAM/GRISM"}
    for center in rng.uniform(0.15, 0.85, 12 if several else 1):
        line = center * shape[0] + 4.0 * (columns / shape[1] - 0.5)
        continuum = (
            6.0
            + 2.0 * np.sin(columns / 17.0 + 9 * center)
            + 20.0 * np.exp(-(((columns - shape[1] * center) / 2.0) ** 2))
        )
        image = image + continuum * np.exp(-0.5 * ((rows - line) / 1.3) ** 2)
    return image


def _blob(shape: tuple[int, int]) -> Pixels:
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    squared = (rows - shape[0] / 2) ** 2 + (columns - shape[1] / 2) ** 2
    return np.round(100.0 * np.exp(-squared / (2.0 * (shape[0] / 8) ** 2)))


def _error(file: File, unit: Unit, grid: PixelGrid | None) -> Pixels:
    shape = (unit.shape[-2], unit.shape[-1])
    return _NOISE * (1 + 0.3 * np.sqrt(np.clip(sky(file, grid, shape), 0, None)))


def _flags(file: File, unit: Unit, grid: PixelGrid | None) -> Pixels:
    rng = generator("flags", file.uri, unit.version)
    bad = rng.random(unit.shape) < _BAD_PIXELS
    return np.where(bad, 1024 if unit.dtype == ">i4" else 16, 0)


def _weight(file: File, unit: Unit, grid: PixelGrid | None) -> Pixels:
    seconds = file.owner.t_exptime or 1.0
    return np.clip(seconds * (1.0 + 0.02 * _noise(file, unit)), 0.0, None)


def _context(file: File, unit: Unit, grid: PixelGrid | None) -> Pixels:
    count = max(len(file.members), 1)
    return np.full(unit.shape, 2 ** min(count, 30) - 1)


def _aperture(file: File, unit: Unit, grid: PixelGrid | None) -> Pixels:
    rows, columns = np.mgrid[0 : unit.shape[0], 0 : unit.shape[1]]
    near = np.hypot(rows - unit.shape[0] // 2, columns - unit.shape[1] // 2) < 2.5
    # Bits of the SPOC aperture mask: 1 collected, 2 in the photometric aperture, 64 used for the centroid.
    return np.where(near, 1 + 2 + 64, 1)


_FILLS: dict[str, Callable[[File, Unit, PixelGrid | None], Pixels]] = {
    "ERR": _error,
    "DQ": _flags,
    "WHT": _weight,
    "CTX": _context,
    "APERTURE": _aperture,
}


_TURN = threading.Lock()


def binary_table(columns: Any, **names: Any) -> fits.BinTableHDU:
    """Create a binary table; the arguments are those of `astropy.io.fits.BinTableHDU.from_columns`."""
    with _TURN:
        return fits.BinTableHDU.from_columns(columns, **names)


_CARDS_PER_BLOCK = 36
# Checksum comments contain the current date by default; a fixed one makes the bytes reproducible.
_CHECKSUM_DATE = "2025-01-01T00:00:00"


def fits_bytes(file: File) -> bytes:
    """Render a FITS file."""
    units = file.units
    made = _grids(file, units)
    hdus = fits.HDUList([_hdu(file, unit, made.get(unit.version)) for unit in units])
    hdus[0].header["NEXTEND"] = (len(units) - 1, "number of extensions")
    for hdu, unit in zip(hdus, units, strict=True):
        _finish(hdu, unit.blocks)
    buffer = io.BytesIO()
    hdus.writeto(buffer, output_verify="exception")
    return buffer.getvalue()


def _grids(file: File, units: tuple[Unit, ...]) -> dict[int, PixelGrid]:
    """Return the pixel grid of each detector (``EXTVER``) of a file with sky images."""
    images_ = {unit.version: unit.shape[-2:] for unit in units if unit.dtype and len(unit.shape) > 1}
    made = grids(file.owner, [(shape[0], shape[1]) for shape in images_.values()])
    return dict(zip(images_, made, strict=False))


def _hdu(file: File, unit: Unit, grid: PixelGrid | None) -> Any:
    if unit.columns:
        hdu = binary_table(tables.columns(file, unit), name=unit.name, ver=unit.version)
    else:
        data = pixels(file, unit, grid) if unit.dtype else None
        hdu = fits.ImageHDU(data, name=unit.name, ver=unit.version) if unit.name else fits.PrimaryHDU(data)
    hdu.header.extend(headers.extension(file, unit) if unit.name else headers.primary(file), update=True)
    if unit.dtype and grid is not None:
        hdu.header.extend(headers.world_coordinates(file, unit, grid), update=True)
    return hdu


def _finish(hdu: Any, blocks: int) -> None:
    """Pad the header to its planned number of blocks, and add checksums to the unit."""
    hdu.header["CHECKSUM"] = ("0" * 16, "")
    hdu.header["DATASUM"] = ("0", "")
    used = len(hdu.header.tostring(sep="", endcard=False, padding=False)) // 80
    for _ in range(_CARDS_PER_BLOCK * blocks - 1 - used):
        hdu.header.append(fits.Card(), end=True)
    hdu.add_checksum(when=_CHECKSUM_DATE)
