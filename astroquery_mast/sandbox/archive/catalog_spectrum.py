"""The files of the list of HST spectra.

In: a row of the list. Out: a FITS file with one table: wavelength, flux and error, the same bytes in every process.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from .fitstable import binary_table
from .scene import generator

__all__ = ["spectrum_bytes"]

_POINTS = 300
_RANGES = {"G800L": (5500.0, 10500.0)}
_LINES = (1215.67, 1549.0, 2798.0, 4861.3, 5006.8, 6562.8, 9068.6)
_ANGSTROM, _FLUX = "Angstrom", "erg s-1 cm-2 Angstrom-1"
_UNIT = 1e-16


def spectrum_bytes(row: Mapping[str, Any]) -> bytes:
    """Render the spectrum of a row of the list."""
    # astropy.io.fits takes longer to import than the archive takes to build.
    from astropy.io import fits  # noqa: PLC0415

    rng = generator("HST spectrum", row["DatasetName"])
    center = float(row["Wavelength"]) or 5500.0
    shortest, longest = _RANGES.get(row["SpectralElement"], (0.8 * center, 1.2 * center))
    wavelength = np.round(np.linspace(shortest, longest, _POINTS), 4)
    shape = (wavelength / wavelength[_POINTS // 2]) ** rng.uniform(-1.5, 1.0)
    for line in _LINES:
        shape = shape * (1.0 + rng.uniform(-0.5, 2.0) * np.exp(-0.5 * ((wavelength - line) / (0.004 * line)) ** 2))
    flux = np.round(shape * (1.0 + 0.02 * rng.standard_normal(_POINTS)), 4)
    columns = [
        fits.Column("WAVELENGTH", "D", unit=_ANGSTROM, array=wavelength),
        fits.Column("FLUX", "E", unit=_FLUX, array=_UNIT * flux),
        fits.Column("ERROR", "E", unit=_FLUX, array=_UNIT * np.full(_POINTS, 0.02)),
    ]
    primary = fits.PrimaryHDU()
    described = {"TELESCOP": "HST", "TARGNAME": row["TargetName"], "DETECTOR": row["Detector"]}
    described |= {"RA_TARG": row["RA"], "DEC_TARG": row["Dec"], "EXPTIME": row["ExposureTime"]}
    primary.header.update(described | {"PROPOSID": row["PropID"], "FILTER": row["SpectralElement"]})
    buffer = io.BytesIO()
    fits.HDUList([primary, binary_table(columns, name="SPECTRUM")]).writeto(buffer)
    return buffer.getvalue()
