"""What a FITS file holds, as far as its headers say: an image, a light curve, a spectrum, target pixels, a table.

In: an open `~astropy.io.fits.HDUList`.  Out: its kind, and the place of its image.
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
    """What a file holds; the value is what to do with it."""

    IMAGE = "read_image reads it"
    LIGHT_CURVE = "it holds a light curve, which read_light_curve reads"
    SPECTRUM = "it holds a spectrum, which read_spectrum reads"
    TARGET_PIXELS = "it holds target pixels, which lightkurve.read reads from a downloaded file"
    TABLE = "it holds a table, which read_catalog reads"
    OTHER = "open_product gives its contents"


def kind_of_file(hdus: fits.HDUList) -> FileKind:
    """Return what a file holds: its first image or table decides. Of the others not even the headers are read."""
    for _, hdu in numbered_hdus(hdus):
        if is_image(hdu):
            return FileKind.IMAGE
        if isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
            return _kind_of_table(hdu)
    return FileKind.OTHER


def image_index(hdus: fits.HDUList) -> int | None:
    """Return the place of the first image of a file; None if a table comes before it, or nothing but tables."""
    for index, hdu in numbered_hdus(hdus):
        if is_image(hdu):
            return index
        if isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
            return None
    return None


def numbered_hdus(hdus: fits.HDUList, first: int = 0) -> Iterator[tuple[int, Any]]:
    """Give the HDUs of a file with their numbers; each header is read when it is reached."""
    for index in count(first):
        try:
            yield index, hdus[index]
        except IndexError:
            return


def is_image(hdu: Any) -> bool:
    """Tell whether an HDU has pixels in two dimensions or more."""
    return bool(hdu.is_image) and len(hdu.shape) >= _IMAGE_DIMENSIONS


def _kind_of_table(hdu: Any) -> FileKind:
    """Return what a table holds, by the names of its columns."""
    names = {name.lower() for name in hdu.columns.names}
    if names & _WAVELENGTHS:
        return FileKind.SPECTRUM
    if not names & _TIMES:
        return FileKind.TABLE
    has_pixels = any(column.name.lower() == "flux" and column.dim for column in hdu.columns)
    return FileKind.TARGET_PIXELS if has_pixels else FileKind.LIGHT_CURVE
