"""Identify the contents of a FITS file from its headers: an image, light curve, spectrum, target pixels, or table.

In: an open `~astropy.io.fits.HDUList`.  Out: its kind, and the index of its image.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from itertools import count
from typing import Any

from astropy.io import fits

_TIMES = frozenset({"time", "time_bjd", "bjd", "btjd", "bjd_tdb", "jd", "mjd", "hjd", "t"})
_WAVELENGTHS = frozenset({"wavelength", "wave", "lambda", "wlen", "wavelengths"})
_IMAGE_DIMENSIONS = 2


class FileKind(Enum):
    """The kind of a file; the value tells users how to read it."""

    IMAGE = "it contains an image (use read_image)"
    LIGHT_CURVE = "it contains a light curve (use read_light_curve)"
    SPECTRUM = "it contains a spectrum (use read_spectrum)"
    TARGET_PIXELS = "it contains target pixels (download it and use lightkurve.read)"
    TABLE = "it contains a table (use read_catalog)"
    OTHER = "open_product returns its contents"


def kind_of_file(hdus: fits.HDUList) -> FileKind:
    """Return the kind of a file, from its first image or table; later headers are not read."""
    for _, hdu in numbered_hdus(hdus):
        if is_image(hdu):
            return FileKind.IMAGE
        if isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
            return _kind_of_table(hdu)
    return FileKind.OTHER


def image_index(hdus: fits.HDUList) -> int | None:
    """Return the index of the first image in a file; None if a table comes first, or without images."""
    for index, hdu in numbered_hdus(hdus):
        if is_image(hdu):
            return index
        if isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
            return None
    return None


def numbered_hdus(hdus: fits.HDUList, first: int = 0) -> Iterator[tuple[int, Any]]:
    """Yield the numbers and HDUs of a file; headers are read one at a time."""
    for index in count(first):
        try:
            yield index, hdus[index]
        except IndexError:
            return


def is_image(hdu: Any) -> bool:
    """Return whether an HDU has pixels in at least two dimensions."""
    return bool(hdu.is_image) and len(hdu.shape) >= _IMAGE_DIMENSIONS


def _kind_of_table(hdu: Any) -> FileKind:
    """Return the kind of a table from its column names."""
    names = {name.lower() for name in hdu.columns.names}
    if names & _WAVELENGTHS:
        return FileKind.SPECTRUM
    if not names & _TIMES:
        return FileKind.TABLE
    has_pixels = any(column.name.lower() == "flux" and column.dim for column in hdu.columns)
    return FileKind.TARGET_PIXELS if has_pixels else FileKind.LIGHT_CURVE
