"""FITS files out of a plan.

In: a `File`. Out: its bytes: units in the planned order, headers of the planned length, valid checksums.
"""

from __future__ import annotations

import io
import threading
from typing import Any

from astropy.io import fits

from . import headers, images, tables
from .layout import Unit
from .pixelgrid import PixelGrid, grids
from .products import File

__all__ = ["binary_table"]

_TURN = threading.Lock()


def binary_table(columns: Any, **names: Any) -> fits.BinTableHDU:
    """Make a binary table; the arguments are those of `astropy.io.fits.BinTableHDU.from_columns`."""
    with _TURN:
        return fits.BinTableHDU.from_columns(columns, **names)


_CARDS_PER_BLOCK = 36
# Checksum comments carry a date by default; a fixed one keeps the bytes the same.
_CHECKSUM_DATE = "2025-01-01T00:00:00"


def fits_bytes(file: File) -> bytes:
    """Render a FITS file."""
    units = file.units
    pixels = _grids(file, units)
    hdus = fits.HDUList([_hdu(file, unit, pixels.get(unit.version)) for unit in units])
    hdus[0].header["NEXTEND"] = (len(units) - 1, "number of extensions")
    for hdu, unit in zip(hdus, units, strict=True):
        _finish(hdu, unit.blocks)
    buffer = io.BytesIO()
    hdus.writeto(buffer, output_verify="exception")
    return buffer.getvalue()


def _grids(file: File, units: tuple[Unit, ...]) -> dict[int, PixelGrid]:
    """Pixel grid of each detector (``EXTVER``) of a file with sky images."""
    images_ = {unit.version: unit.shape[-2:] for unit in units if unit.dtype and len(unit.shape) > 1}
    made = grids(file.owner, [(shape[0], shape[1]) for shape in images_.values()])
    return dict(zip(images_, made, strict=False))


def _hdu(file: File, unit: Unit, grid: PixelGrid | None) -> Any:
    if unit.columns:
        hdu = binary_table(tables.columns(file, unit), name=unit.name, ver=unit.version)
    else:
        data = images.pixels(file, unit, grid) if unit.dtype else None
        hdu = fits.ImageHDU(data, name=unit.name, ver=unit.version) if unit.name else fits.PrimaryHDU(data)
    if not unit.name:
        hdu.header.extend(headers.primary(file), update=True)
    else:
        hdu.header.extend(headers.extension(file, unit), update=True)
    if unit.dtype and grid is not None:
        hdu.header.extend(headers.world_coordinates(file, unit, grid), update=True)
    return hdu


def _finish(hdu: Any, blocks: int) -> None:
    """Pad the header to its planned number of blocks and sign the unit."""
    hdu.header["CHECKSUM"] = ("0" * 16, "")
    hdu.header["DATASUM"] = ("0", "")
    used = len(hdu.header.tostring(sep="", endcard=False, padding=False)) // 80
    for _ in range(_CARDS_PER_BLOCK * blocks - 1 - used):
        hdu.header.append(fits.Card(), end=True)
    hdu.add_checksum(when=_CHECKSUM_DATE)
