"""Rectified two-dimensional spectra of JWST, with wavelengths from the coordinates that the pipeline stores as ASDF.

In: a FITS file.  Out: `Candidate` spectra.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits

from ..exceptions import InvalidQueryError, InvalidResponseError
from .spectrum_tables import Candidate, Numbers, SpectrumArrays, label_values, native
from .spectrum_units import spelled_unit

# Largest relative difference in wavelength between the rows of a rectified spectrum.
_TOLERANCE = 1e-6
# Where files with several slits store the coordinates of each slit.
_SLITS = ("slits", "products", "exposures")


def rectified_spectra(hdus: fits.HDUList) -> Iterator[Candidate]:
    """Yield the rectified spectra of a file: images with a dispersion direction."""
    images = [hdu for hdu in hdus if hdu.name == "SCI" and hdu.is_image and len(hdu.shape) == 2]
    if "ASDF" not in hdus:
        return
    for number, hdu in enumerate(images):
        direction = hdu.header.get("DISPAXIS", hdus[0].header.get("DISPAXIS"))
        if direction in {1, 2}:
            yield Candidate(label_values(hdu.header), hdu.header, partial(_read, hdus, hdu, number, direction == 2))


def _read(hdus: fits.HDUList, hdu: Any, number: int, is_vertical: bool) -> SpectrumArrays:
    """Return the arrays of a rectified spectrum, with the dispersion along the last axis."""

    def turned(name: str) -> Numbers | None:
        key = (name, hdu.ver)
        data = None if key not in hdus else np.asarray(hdus[key].data)
        if data is not None and data.shape != hdu.shape:
            raise InvalidResponseError(f"The image {name} has shape {data.shape}, but SCI has shape {hdu.shape}.")
        return data.T if data is not None and is_vertical else data

    coordinates = _coordinates(hdus["ASDF"], number)
    wavelength = _wavelength(coordinates, hdu.shape, is_vertical)
    flux, error, weight = np.asarray(turned("SCI")), turned("ERR"), turned("WHT")
    known = np.isfinite(wavelength.value)
    mask = ~np.isfinite(flux) | (False if weight is None else weight == 0)
    unit = spelled_unit(str(hdu.header.get("BUNIT", ""))) or u.dimensionless_unscaled
    return SpectrumArrays(
        wavelength=wavelength[known],
        flux=native(flux[:, known]) * unit,
        error=None if error is None else native(error[:, known]) * unit,
        mask=mask[:, known],
        meta={
            "flux_column": "SCI",
            "error_column": None if error is None else "ERR",
            "mask_rule": "flux is not finite" if weight is None else "flux is not finite, or WHT is 0",
        },
    )


def _coordinates(hdu: Any, number: int) -> Any:
    """Return the coordinates of a slit; other parts of the tree are not loaded, because they require more packages."""
    import asdf  # noqa: PLC0415 - specutils needs it, too

    content = io.BytesIO(np.asarray(hdu.data[0][0]).tobytes())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with asdf.open(content, lazy_tree=True, lazy_load=False) as tree:
                slits = next((tree[name] for name in _SLITS if name in tree), None)
                coordinates = (tree if slits is None else slits[number])["meta"]["wcs"]
    except (OSError, ValueError, LookupError, TypeError) as err:
        raise InvalidResponseError(f"The wavelengths of the rectified spectrum cannot be read: {err}") from err
    if not callable(coordinates):
        message = "The coordinates of the two-dimensional spectrum require the package stdatamodels."
        raise InvalidQueryError(message)
    return coordinates


def _wavelength(coordinates: Any, shape: tuple[int, int], is_vertical: bool) -> u.Quantity:
    """Return the wavelengths along the dispersion direction, which must be the same in all rows."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    wavelength = np.asarray(coordinates(columns, rows)[-1], dtype=np.float64)
    wavelength = wavelength.T if is_vertical else wavelength
    with warnings.catch_warnings():
        # Columns may be completely outside of the slit.
        warnings.simplefilter("ignore", RuntimeWarning)
        along = np.nanmedian(wavelength, axis=0)
    if (np.abs(wavelength - along) > _TOLERANCE * along).any():
        message = "The spectrum is not rectified: its wavelengths differ from row to row. Use the s2d file."
        raise InvalidQueryError(message)
    return along * u.Unit(coordinates.output_frame.unit[-1])
