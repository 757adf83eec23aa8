"""A two-gigabyte FITS file of two blank images that takes almost no memory: only its headers are ever written.

No product list has it, but it can be downloaded by its URI, like the large mosaics of surveys.
"""

from __future__ import annotations

import mmap
from functools import cache

URI = "mast:HLSP/deep/jwst/nircam/hlsp_deep_jwst_nircam_cosmos_f444w_v1_mosaic.fits"
SIDE = 16_000
NAMES = ("SCI", "WHT")
PRODUCT: dict[str, object] = {
    "obs_collection": "HLSP",
    "obs_id": "hlsp_deep_jwst_nircam_cosmos_f444w",
    "productFilename": URI.rpartition("/")[2],
    "size": None,
    "dataRights": "PUBLIC",
}
_BLOCK = 2880
_PIXEL = 0.03 / 3600


@cache
def content() -> memoryview:
    """Return the bytes of the file; only the memory pages of its headers are written."""
    headers = [_primary(), *map(_extension, NAMES)]
    data = [0, *(_padded(4 * SIDE**2) for _ in NAMES)]
    whole = _memory(sum(map(len, headers)) + sum(data))
    place = 0
    for header, length in zip(headers, data, strict=True):
        whole[place : place + len(header)] = header
        place += len(header) + length
    return whole.toreadonly()


def _padded(length: int) -> int:
    return -(-length // _BLOCK) * _BLOCK


def _memory(length: int) -> memoryview:
    """Return zeros that take no memory until they are written, on systems with private mappings."""
    private = getattr(mmap, "MAP_PRIVATE", None)
    if private is None:
        return memoryview(mmap.mmap(-1, length))
    return memoryview(mmap.mmap(-1, length, flags=private | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)))


def _primary() -> bytes:
    from astropy.io import fits  # noqa: PLC0415 - takes long to import

    header = fits.PrimaryHDU().header
    header.update(TELESCOP="JWST", INSTRUME="NIRCAM", FILTER="F444W", TARGNAME="COSMOS", EXPTIME=84000.0)
    return bytes(header.tostring().encode("ascii"))


def _extension(name: str) -> bytes:
    from astropy.io import fits  # noqa: PLC0415 - takes long to import

    header = fits.ImageHDU().header
    header.update(BITPIX=-32, NAXIS=2)
    header.insert("NAXIS", ("NAXIS1", SIDE), after=True)
    header.insert("NAXIS1", ("NAXIS2", SIDE), after=True)
    header["EXTNAME"] = name
    header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CUNIT1="deg", CUNIT2="deg", CRVAL1=150.1192, CRVAL2=2.2058)
    header.update(CRPIX1=SIDE / 2, CRPIX2=SIDE / 2, CDELT1=-_PIXEL, CDELT2=_PIXEL)
    if name == "SCI":
        header["BUNIT"] = "MJy/sr"
    return bytes(header.tostring().encode("ascii"))
