"""Spectra: wavelength and flux of a target.

In: a file and its table unit. Out: columns. The spectrum belongs to the target, the noise to the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .file import File
from .layout import SERIES, Unit
from .scene import generator

_FLUX_UNIT, _JANSKY = 1e-14, 1e-3
# Lines of gas and of active stars, nm: Lyman alpha, Si IV, C IV, He II, Mg II, H beta, [O III], H alpha, He
# I, Paschen and Brackett alpha, PAH and [Ne II].
_LINES = (121.567, 139.376, 154.82, 164.04, 279.55, 486.13, 500.68, 656.28, 1083.0, 1875.1, 4051.2, 7700.0, 12813.5)
_RESOLUTION = 700.0


def _profile(file: File, wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Flux of the target in units of its continuum."""
    rng = generator("spectrum", file.owner.target_name)
    slope = rng.uniform(-1.5, 1.0)
    middle = (wavelength[0] + wavelength[-1]) / 2
    flux = (wavelength / middle) ** slope
    for line in _LINES:
        width = line / _RESOLUTION
        strength = rng.uniform(-0.6, 4.0)
        flux = flux + flux * strength * np.exp(-0.5 * ((wavelength - line) / width) ** 2)
    absorbers = rng.uniform(wavelength[0], wavelength[-1], 25)
    for absorber in absorbers:
        flux = flux * (1.0 - 0.5 * np.exp(-0.5 * ((wavelength - absorber) / (absorber / 4000.0)) ** 2))
    return np.asarray(np.clip(flux, 0.0, None))


def _wavelength(file: File, count: int) -> NDArray[np.float64]:
    return np.linspace(file.owner.em_min or 115.0, file.owner.em_max or 180.0, count)


def extracted(file: File, unit: Unit) -> Mapping[str, Any]:
    """Spectrum in the manner of CALSTIS and CALCOS: angstroms and erg/s/cm2/angstrom."""
    count = unit.shape[0]
    wavelength = _wavelength(file, count)
    rng = generator("spectrum noise", file.uri)
    flux = _profile(file, wavelength)
    error = 0.05 * np.sqrt(flux + 0.1)
    noisy = flux + error * rng.standard_normal(count)
    return {
        "WAVELENGTH": np.round(10.0 * wavelength, 5),
        "FLUX": _FLUX_UNIT * np.round(noisy, 4),
        "ERROR": _FLUX_UNIT * np.round(error, 4),
        "NET": np.round(noisy * 3.0, 3),
        "BACKGROUND": np.round(0.02 + 0.005 * rng.random(count), 5),
        "DQ": np.where(rng.random(count) < 0.002, 8, 0),
    }


def extracted_1d(file: File, unit: Unit) -> Mapping[str, Any]:
    """Spectrum in the manner of CALJWST: micrometers and janskys; one after the other for a time series."""
    series = unit.columns[0][0] == "INT_NUM"
    visits, points = SERIES if series else (1, unit.shape[0])
    wavelength = _wavelength(file, points)
    rng = generator("spectrum noise", file.uri)
    flux = np.tile(_profile(file, wavelength), visits)
    integration = np.repeat(np.arange(1, visits + 1), points)
    if series:
        # A transit takes the middle third.
        flux = flux * np.where(np.abs(integration - visits / 2) < visits / 6, 0.979, 1.0)
    count = visits * points
    return {
        "INT_NUM": integration,
        "WAVELENGTH": np.round(np.tile(wavelength, visits) * 1e-3, 7),
        "FLUX": np.round(_JANSKY * flux * (1 + 0.004 * rng.standard_normal(count)), 9),
        "FLUX_ERROR": np.round(_JANSKY * 0.004 * flux, 10),
        "BACKGROUND": np.round(0.1 + 0.01 * rng.random(count), 6),
        "DQ": np.where(rng.random(count) < 0.002, 1, 0),
    }
