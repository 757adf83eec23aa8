"""Read images: pixels with unit, sky coordinates, mask and uncertainty, from the extensions that missions use.

In: a product in any form, or a file.  Out: `~astropy.nddata.CCDData`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.nddata.bitmask import interpret_bit_flags
from astropy.wcs import WCS, FITSFixedWarning
from astroquery import log

from ..display.sky_image import ReducedImage, mean_plane, reduced_by_strips
from ..exceptions import CorruptDataWarning, InputWarning, InvalidArgumentError
from ..sky.north_up import sky_axes_of
from ..tables.columns import few_names, unit_of
from ..tables.rows import Array
from ..warn import warn_user
from .kinds import image_index, is_image, kind_of_file, numbered_hdus
from .opened import opened_fits
from .unreadable import one_product, product_name, reading_file

# Extensions that belong to an image, by the last word of their name ("CAMERA.CCD 1.1 uncert" in TESS files).
_ERRORS = frozenset({"ERR", "ERROR", "UNCERT", "UNCERTAINTY"})
_FLAGS, _WEIGHT = "DQ", "WHT"
# Data quality bits of bad pixels. JWST sets DO_NOT_USE for all pixels that should not be used. HST has no such bit, so
# any bit marks a bad pixel.
_DO_NOT_USE, _ANY = 1, -1
# Words in BUNIT keywords of the missions, in lower case, and their names in astropy.
_UNIT_WORDS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("electron", "electrons", "e-", "e"), "electron"),
        **dict.fromkeys(("count", "counts", "cts", "ct"), "ct"),
        **dict.fromkeys(("second", "seconds", "sec", "s"), "s"),
        **dict.fromkeys(("dn", "dns"), "DN"),
        "cps": "ct/s",
        "adu": "adu",
    }
)
# The type of `plane`.
Plane = int | Sequence[int]
# The index of a part of an array.
_Place = tuple[Any, ...]


def read_image(
    product: Any,
    *,
    client: Any = None,
    extension: int | str | tuple[str, int] | None = None,
    plane: Plane | None = None,
    flags: Any = None,
    quality: Any = None,
    unit: Any = None,
) -> CCDData:
    """Read an image with its unit, sky coordinates, mask and uncertainty.

    For a file at MAST, only the headers and the returned arrays are downloaded. The pixel values are not changed.

    Parameters
    ----------
    product : `~astropy.table.Row`, `~astropy.table.Table`, str, path-like or `~astropy.io.fits.HDUList`
        A FITS image: a row of a product table or manifest, a table with one row, a URI such as
        ``"mast:HST/product/j97c01010_drc.fits"``, a file, or an open HDU list.
    client : object, optional
        The client that opens the product, such as `MastMissions`. By default, it is inferred from the product.
    extension : int, str or tuple, optional
        The HDU with the pixels, as in `astropy.io.fits`: a number, a name, or a name and a version, such as
        ``("SCI", 2)`` for the second chip of ACS, WFC3 or WFPC2. Defaults to the first image in the file. A log message
        mentions it if there are other chips.
    plane : int or sequence of int, optional
        The plane to read from an image with more than two dimensions: the integration of a JWST ``rateints`` or
        ``calints`` file, or the integration and the group of an ``uncal`` file. Defaults to all planes.
    flags : int, str or list of int, optional
        The data quality bits that mask a pixel, as in `~astropy.nddata.bitmask.interpret_bit_flags`, such as
        ``4 + 16``, or ``"~4096"`` for all but one. With 0, the data quality is ignored. Defaults to ``DO_NOT_USE`` (1)
        for JWST and to any bit for other missions.
    quality : optional
        A separate product with the data quality in the same HDU: the ``c1m`` file of a WFPC2 ``c0m`` file.
    unit : str or `~astropy.units.Unit`, optional
        The unit of the pixels. Defaults to the unit in the header (``BUNIT``), or to a dimensionless image without one.

    Returns
    -------
    `~astropy.nddata.CCDData`
        The image. ``data`` has the type and shape of the pixels in the file: ``(ny, nx)``, or more dimensions. ``mask``
        is True for pixels that are bad according to ``flags``, have zero weight (``WHT``, in drizzled images), or are
        not finite. ``uncertainty`` is the standard deviation from the ``ERR`` extension, or None. ``flags`` is the data
        quality of all pixels, or None. ``wcs`` includes the distortions in the file; it is None if the header has no
        world coordinates for one of the axes, such as the integrations. ``meta`` combines the headers of the extension
        and of the file.

    Raises
    ------
    InvalidArgumentError
        If there are several products, if the file does not contain an image, the extension or the plane, if ``flags``
        or ``unit`` is not valid, or if the shape of ``quality`` does not match.
    InvalidResponseError
        If the file is damaged.

    Warns
    -----
    InputWarning
        If ``BUNIT`` is not a valid unit; the image is dimensionless then.
    CorruptDataWarning
        If the world coordinates in the header cannot be read.

    See Also
    --------
    astroquery_mast.display.quicklook : Plot an image.

    Examples
    --------
    >>> from astroquery_mast.readers import read_image
    >>> image = read_image("mast:HST/product/j97c01010_drc.fits")
    >>> image.shape, image.unit
    ((288, 288), Unit("electron / s"))
    >>> image.wcs.wcs.ctype[0], int(image.mask.sum())
    ('RA---TAN', 0)
    """
    bits, given_unit = _bits(flags), _given_unit(unit)
    product = one_product(product, "read_image")
    with reading_file(product_name(product)), opened_fits(product, client) as hdus:
        index = _science_index(hdus, extension)
        science = hdus[index]
        place = _place_of_plane(science, plane)
        data = _pixels(science, place)
        companions = _companions(hdus, index, chosen=extension is not None)
        error, weight, dq = (_companion(hdu, science, place) for hdu in companions)
        if quality is not None:
            dq = _other_quality(quality, client, index, place, data.shape)
        header = _joined_header(hdus, index)
        sky = _world_coordinates(science.header, hdus, data.ndim)
    if sky.problem:
        warn_user(sky.problem, CorruptDataWarning)
    return CCDData(
        data,
        unit=given_unit or _unit_of_header(header),
        wcs=sky.wcs,
        mask=_mask(data, weight, dq, _bits_of(header) if bits is None else bits),
        flags=dq,
        uncertainty=None if error is None else StdDevUncertainty(error),
        meta=header,
    )


def reduced_image(hdus: fits.HDUList) -> tuple[ReducedImage, fits.Header]:
    """Return the first image of a file, reduced to the size of a plot, and its header; only a few rows are in memory.

    Mask and coordinates are as in `read_image`. Images with more than two dimensions are averaged over the others.
    """
    index = _science_index(hdus, None)
    science, header = hdus[index], _joined_header(hdus, index)
    _, weight, dq = _companions(hdus, index, chosen=True)

    def strip(rows: slice) -> Array:
        """Return the given rows, with NaN for masked pixels."""
        place = (..., rows, slice(None))
        data = _pixels(science, place)
        weights, flags = (_companion(hdu, science, place) for hdu in (weight, dq))
        return mean_plane(data, _mask(data, weights, flags, _bits_of(header)))

    shape = science.shape[-2:]
    wcs = _world_coordinates(science.header, hdus, len(shape)).wcs
    return ReducedImage(reduced_by_strips(shape, strip), shape, sky_axes_of(wcs), _unit_of_header(header)), header


# -- arguments --------------------------------------------------------------------------------------------------------


def _bits(flags: Any) -> int | None:
    """Return the bits that mask a pixel, as one number."""
    try:
        bits = interpret_bit_flags(flags)
    except (TypeError, ValueError) as err:
        raise InvalidArgumentError(f"flags={flags!r} cannot be parsed as bit flags: {err}") from err
    return None if bits is None else int(bits)


def _given_unit(unit: Any) -> u.UnitBase | None:
    """Return the unit that the user specified."""
    if unit is None:
        return None
    try:
        return u.Unit(unit)
    except (TypeError, ValueError) as err:
        raise InvalidArgumentError(f"unit={unit!r} is not a unit: {err}") from err


def _science_index(hdus: fits.HDUList, extension: Any) -> int:
    """Return the number of the HDU with the pixels."""
    index = image_index(hdus) if extension is None else _index_of(hdus, extension)
    if index is None:
        raise InvalidArgumentError(f"The file has no image: {kind_of_file(hdus).value}.")
    if not is_image(hdus[index]):
        raise InvalidArgumentError(f"extension={extension!r} has no image. Images: {_images_in(hdus)}.")
    return index


def _index_of(hdus: fits.HDUList, extension: Any) -> int:
    """Return the number of an HDU from its number or name."""
    try:
        index = hdus.index_of(extension)
        hdus[index]
    except (KeyError, IndexError, TypeError, ValueError) as err:
        raise InvalidArgumentError(f"The file has no extension {extension!r}. Images: {_images_in(hdus)}.") from err
    return int(index)


def _images_in(hdus: fits.HDUList) -> str:
    """Return the list of images in a file for a message."""
    found = [(hdu.name, hdu.ver) if hdu.name else index for index, hdu in numbered_hdus(hdus) if is_image(hdu)]
    return few_names(found) or "none"


def _place_of_plane(hdu: Any, plane: Plane | None) -> tuple[int, ...]:
    """Return the index of a plane; raise if it does not exist."""
    if plane is None:
        return ()
    given = (plane,) if isinstance(plane, int | np.integer) else plane
    try:
        place = tuple(int(number) for number in given)
    except (TypeError, ValueError) as err:
        raise InvalidArgumentError(f"plane={plane!r} must be an integer or a sequence of integers.") from err
    outer = hdu.shape[:-2]
    if len(place) > len(outer) or any(not -size <= at < size for at, size in zip(place, outer, strict=False)):
        raise InvalidArgumentError(f"plane={plane!r} is not valid: the image has shape {hdu.shape}, or {outer} planes.")
    return tuple(at % size for at, size in zip(place, outer, strict=False))


# -- contents of the file ---------------------------------------------------------------------------------------------


def _pixels(hdu: Any, place: _Place) -> Array:
    """Return the pixels of an HDU, or of one plane of it, in the byte order of this computer."""
    # An HDU list created in memory has no sections.
    pixels = hdu.data[place] if not place or hdu.fileinfo() is None else hdu.section[place]
    return np.array(pixels, dtype=pixels.dtype.newbyteorder("="))


def _companions(hdus: fits.HDUList, index: int, *, chosen: bool) -> tuple[Any, Any, Any]:
    """Return the HDUs with the errors, weights and data quality of an image, or None for a missing one.

    All missions put them between the image and the next extension of the same name, so later headers are not read.
    """
    name, found = hdus[index].name, dict[str, Any]()
    for number, hdu in numbered_hdus(hdus, index + 1):
        if hdu.name == name:
            if not chosen:
                # Extensions of cutouts have a name but no version.
                other = number if hdu.ver == hdus[index].ver else (name, hdu.ver)
                log.info("Reading the first of several images in the file. Use extension=%r for the next one.", other)
            break
        last_word = hdu.name.rpartition(" ")[2]
        found.setdefault("ERR" if last_word in _ERRORS else last_word, hdu)
    return found.get("ERR"), found.get(_WEIGHT), found.get(_FLAGS)


def _companion(hdu: Any, science: Any, place: _Place) -> Array | None:
    """Return the array of an HDU that belongs to an image; None if its shape differs or it has no pixels."""
    if hdu is None or not hdu.is_image:
        return None
    if hdu.shape == science.shape:
        return _pixels(hdu, place)
    # HST writes a constant array as a header without data.
    sides = (hdu.header.get("NPIX2"), hdu.header.get("NPIX1"))
    if not hdu.shape and sides == science.shape and hdu.header.get("PIXVALUE"):
        return np.full(sides, hdu.header["PIXVALUE"])[place]
    return None


def _other_quality(quality: Any, client: Any, index: int, place: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """Return the data quality from a separate file."""
    with opened_fits(quality, client) as hdus:
        try:
            hdu = hdus[index]
        except IndexError:
            hdu = None
        pixels = _pixels(hdu, place) if hdu is not None and is_image(hdu) else np.zeros(0)
    if pixels.shape != shape or pixels.dtype.kind not in "iu":
        raise InvalidArgumentError(f"quality={quality!r:.200} has no data quality of shape {shape} in HDU {index}.")
    return pixels


def _mask(data: Array, weight: Array | None, dq: Array | None, bits: int) -> Array:
    """Return the mask of bad pixels."""
    mask = ~np.isfinite(data) if data.dtype.kind == "f" else np.zeros(data.shape, dtype=bool)
    if weight is not None:
        mask |= weight == 0
    if dq is not None:
        # The highest bit of a 16-bit integer makes it negative; with more bits, that bit is preserved.
        mask |= (dq.astype(np.int64) & bits) != 0
    return np.asarray(mask)


def _bits_of(header: fits.Header) -> int:
    """Return the default bits that mask a pixel."""
    return _DO_NOT_USE if header.get("TELESCOP") == "JWST" else _ANY


def _joined_header(hdus: fits.HDUList, index: int) -> fits.Header:
    """Return the header of an extension with additional keywords of the primary header."""
    header = hdus[index].header.copy(strip=True)
    if index:
        header.extend(hdus[0].header.copy(strip=True), unique=True)
    return header


def _unit_of_header(header: fits.Header) -> u.UnitBase:
    """Return the unit of the pixels."""
    text = str(header.get("BUNIT", "")).strip()
    words = re.sub(r"[A-Za-z]+-?(?![A-Za-z])", lambda word: _UNIT_WORDS.get(word[0].lower(), word[0]), text)
    with warnings.catch_warnings():
        # Warnings about discouraged syntax, such as two slashes: users cannot change the header.
        warnings.simplefilter("ignore", u.UnitsWarning)
        unit = unit_of(words)
    if unit is None and text:
        warn_user(f"BUNIT={text!r} is not a valid unit. The image is dimensionless; specify unit=.", InputWarning)
    return unit or u.dimensionless_unscaled


class _Sky(NamedTuple):
    """The world coordinates of an image, or None, and the problem if they cannot be read."""

    wcs: WCS | None
    problem: str = ""


def _world_coordinates(header: fits.Header, hdus: fits.HDUList, dimensions: int) -> _Sky:
    """Return the world coordinates of an image, with the distortions in the file."""
    with warnings.catch_warnings():
        # Corrections of headers by astropy, such as the format of a date.
        warnings.simplefilter("ignore", FITSFixedWarning)
        try:
            wcs = _wcs_with_distortions(header, hdus)
        # ValueError from astropy, MemoryError from wcslib, the others for a missing table of distortions.
        except (ValueError, MemoryError, KeyError, AssertionError) as err:
            return _Sky(None, f"The world coordinates of the header cannot be read: {err}")
        if wcs.naxis > dimensions and wcs.has_celestial:
            wcs = wcs.celestial
    return _Sky(wcs if wcs.naxis == dimensions and all(wcs.wcs.ctype) else None)


def _wcs_with_distortions(header: fits.Header, hdus: fits.HDUList) -> WCS:
    """Return the world coordinates; with distortions, they always have two axes."""
    is_distorted = any(name in header for name in ("A_ORDER", "CPDIS1", "CPDIS2", "D2IMDIS1", "D2IMDIS2", "AXISCORR"))
    return WCS(header, hdus, naxis=2 if is_distorted else None)
