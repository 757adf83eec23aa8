"""Columns of table units: light curves and pixel time series, events, associations, and pointing histories.

Known planets have their real periods.  Spectra have their own module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from ..packaged import packaged
from .associations import association_table
from .products import File, Unit
from .scene import generator
from .spectra import SPECTRAL_UNITS, spectral_columns

# Period in days, and depth of transits.
_PLANETS: Mapping[str, tuple[float, float]] = packaged("targets")["planets"]
_FLARE_STARS = frozenset(packaged("targets")["flares"])
_GAP = (0.47, 0.53)
# Far outside the transit, where the exponential does not overflow yet.
_FAR = 700.0
_STAMP = 11
Array = NDArray[np.float64]


def _brightness(file: File, time: Array) -> Array:
    """Return the noiseless brightness of the star, normalized to 1."""
    target = str(file.owner.target_name)
    number = int(re.sub(r"\D", "", target) or 0)
    rng = generator("star", target)
    period, depth = _PLANETS.get(str(number), (rng.uniform(0.6, 14.0), rng.choice([0.0, 0.001, 0.01])))
    rotation, amplitude = rng.uniform(2.0, 20.0), rng.uniform(0.0002, 0.004)
    phase = (time / period + rng.random()) % 1.0 - 0.5
    half = 0.07 / period
    outside = (np.abs(phase) - half) / (half / 12.0)
    dip = depth / (1.0 + np.exp(np.minimum(outside, _FAR)))
    flux = 1.0 + amplitude * np.sin(2 * np.pi * time / rotation) - dip
    if number in _FLARE_STARS:
        for start, height in zip(rng.uniform(time[0], time[-1], 14), 0.02 * (1 + rng.pareto(1.5, 14)), strict=True):
            since = time - start
            flux = flux + np.where(since >= 0, np.minimum(height, 0.6) * np.exp(-np.clip(since, 0, None) / 0.03), 0.0)
    return np.asarray(flux)


def _cadences(file: File, count: int) -> tuple[Array, NDArray[np.int32], NDArray[np.bool_]]:
    """Return times, quality flags, and the cadences lost during data downlink."""
    quality = np.zeros(count, dtype=np.int32)
    lost = np.zeros(count, dtype=bool)
    lost[int(_GAP[0] * count) : int(_GAP[1] * count)] = True
    quality[lost] = 8
    quality[:: max(count // 12, 1)] |= 32
    # A cosmic ray in the aperture of TESS, or a glow on the detector of Kepler: these cadences are still usable.
    quality[7 :: max(count // 40, 1)] |= 64
    return np.round(np.linspace(*file.days, count), 8), quality, lost


def light_curve(file: File, count: int) -> Mapping[str, Any]:
    """Return a light curve as from SPOC (and Kepler)."""
    rng = generator("light curve", file.uri)
    time, quality, lost = _cadences(file, count)
    level = 10000.0 + 400.0 * generator("level", file.owner.target_name).random()
    clean = level * _brightness(file, time)
    corrected = np.round(clean + 6.0 * rng.standard_normal(count), 2)
    drift = 1.0 + 0.004 * np.sin(np.linspace(0.0, 9.0, count))
    simple = np.round(corrected * 0.93 * drift, 2)
    corrected[lost], simple[lost] = np.nan, np.nan
    columns: dict[str, Any] = {
        "TIME": np.where(lost, np.nan, time),
        "TIMECORR": np.full(count, 0.002),
        "CADENCENO": np.arange(count) * 5 + 70000,
        "SAP_FLUX": simple,
        "SAP_FLUX_ERR": np.full(count, 5.5),
        "SAP_BKG": np.round(250.0 + 20.0 * rng.random(count), 2),
        "SAP_BKG_ERR": np.full(count, 1.1),
        "PDCSAP_FLUX": corrected,
        "PDCSAP_FLUX_ERR": np.full(count, 6.0),
        "QUALITY": quality,
        "SAP_QUALITY": quality,
        "POS_CORR1": np.round(0.01 * rng.standard_normal(count), 5),
        "POS_CORR2": np.round(0.01 * rng.standard_normal(count), 5),
    }
    for axis, center in (("1", 1204.3), ("2", 518.6)):
        for method in ("PSF", "MOM"):
            columns[f"{method}_CENTR{axis}"] = np.round(center + 0.01 * rng.standard_normal(count), 6)
            columns[f"{method}_CENTR{axis}_ERR"] = np.full(count, 0.0005)
    return columns


def quick(file: File, count: int) -> Mapping[str, Any]:
    """Return a light curve as from the quick-look pipeline: normalized, from full-frame images."""
    rng = generator("light curve", file.uri)
    time, quality, lost = _cadences(file, count)
    flux = np.round(_brightness(file, time) + 0.0008 * rng.standard_normal(count), 6)
    return {
        "TIME": time,
        "CADENCENO": np.arange(count) + 4600,
        "SAP_FLUX": np.where(lost, np.nan, flux),
        "KSPSAP_FLUX": np.where(lost, np.nan, flux),
        "KSPSAP_FLUX_ERR": np.full(count, 0.0008),
        "QUALITY": quality,
        "ORBITID": 2 * (file.owner.sequence_number or 0) + 7 + (np.arange(count) > count / 2),
        "SAP_X": np.round(1204.3 + 0.01 * rng.standard_normal(count), 4),
        "SAP_Y": np.round(518.6 + 0.01 * rng.standard_normal(count), 4),
        "SAP_BKG": np.round(20.0 * rng.standard_normal(count), 2),
        "SAP_BKG_ERR": np.full(count, 110.0),
        **{
            f"KSPSAP_FLUX_{aperture}": np.where(lost, np.nan, flux + np.round(noise * rng.standard_normal(count), 6))
            for aperture, noise in (("SML", 0.0006), ("LAG", 0.0004))
        },
    }


def crowded(file: File, count: int) -> Mapping[str, Any]:
    """Return a light curve as from TGLC: aperture and PSF photometry, raw and normalized."""
    rng = generator("light curve", file.uri)
    time, quality, lost = _cadences(file, count)
    clean = _brightness(file, time)
    psf, aperture = (np.round(clean + noise * rng.standard_normal(count), 6) for noise in (0.0012, 0.0015))
    psf[lost], aperture[lost] = np.nan, np.nan
    return {
        "time": time,
        "psf_flux": np.round(900.0 * psf, 3),
        "aperture_flux": np.round(700.0 * aperture, 3),
        "background": np.round(80.0 + 3.0 * rng.random(count), 3),
        "cadence_num": np.arange(count) + 4600,
        "cal_psf_flux": psf,
        "cal_aper_flux": aperture,
        "TESS_flags": quality,
        "TGLC_flags": np.where(lost, 1, 0),
    }


def target_pixels(file: File, unit: Unit) -> Mapping[str, Any]:
    """Return 11 x 11 pixels around the star for each cadence."""
    rng, count = generator("pixels", file.uri), unit.shape[0]
    time, quality, lost = _cadences(file, count)
    rows, columns = np.mgrid[0:_STAMP, 0:_STAMP] - _STAMP // 2
    spread = np.exp(-(rows**2 + columns**2) / (2 * 1.1**2))
    shape = (count, _STAMP, _STAMP)
    flux = 1500.0 * _brightness(file, time)[:, None, None] * spread + 4.0 * rng.standard_normal(shape)
    flux = np.round(flux, 2)
    flux[lost] = np.nan
    return {
        "TIME": np.where(lost, np.nan, time),
        "TIMECORR": np.full(count, 0.002),
        "CADENCENO": np.arange(count) * 60 + 70000,
        "RAW_CNTS": np.where(np.isnan(flux), -1, np.nan_to_num(flux) * 60 + 5000).astype(np.int32),
        "FLUX": flux,
        "FLUX_ERR": np.full(shape, 4.0),
        "FLUX_BKG": np.round(90.0 + 5.0 * rng.random(shape), 2),
        "FLUX_BKG_ERR": np.full(shape, 0.5),
        "QUALITY": quality,
        "POS_CORR1": np.round(0.01 * rng.standard_normal(count), 5),
        "POS_CORR2": np.round(0.01 * rng.standard_normal(count), 5),
    }


Columns = Mapping[str, Any]


def columns(file: File, unit: Unit) -> list[Any]:
    """Return the columns of a table unit."""
    values = _TABLES[unit.name](file, unit)
    made = []
    for name, form, measure in unit.columns:
        array = np.asarray(values[name])
        dimension = f"({array.shape[2]},{array.shape[1]})" if array.ndim == 3 else None
        made.append(fits.Column(name=name, format=form, unit=measure or None, dim=dimension, array=array))
    return made


def _events(file: File, unit: Unit) -> Columns:
    rng = generator("events", file.uri)
    count = unit.shape[0]
    column = rng.integers(0, 16384, count)
    shortest, longest = (limit * 10 for limit in file.owner.band(115.0, 180.0))
    return {
        "TIME": np.sort(np.round(rng.uniform(0.0, file.owner.t_exptime or 1.0, count), 3)),
        "RAWX": column,
        "RAWY": np.clip(np.round(rng.normal(480.0, 6.0, count)), 0, 1023),
        "WAVELENGTH": np.round(shortest + (longest - shortest) * column / 16384, 4),
        "PHA": rng.integers(2, 30, count),
    }


def _members(file: File, unit: Unit) -> Columns:
    return association_table(file, unit.shape[0])


def _jitter(file: File, unit: Unit) -> Columns:
    rng = generator("jitter", file.uri)
    count = unit.shape[0]
    ra, dec = file.owner.place
    return {
        "SECONDS": np.round(np.linspace(0.0, file.owner.t_exptime or 1.0, count), 3),
        "V2_RMS": np.round(np.abs(rng.normal(0.004, 0.001, count)), 5),
        "V3_RMS": np.round(np.abs(rng.normal(0.004, 0.001, count)), 5),
        "RA": np.round(ra + rng.normal(0, 1e-6, count), 8),
        "DEC": np.round(dec + rng.normal(0, 1e-6, count), 8),
    }


def _light_curves(file: File, unit: Unit) -> Columns:
    names = {name for name, _, _ in unit.columns}
    make = quick if "KSPSAP_FLUX" in names else crowded if "psf_flux" in names else light_curve
    return make(file, unit.shape[0])


_TABLES: dict[str, Callable[[File, Unit], Columns]] = {
    **dict.fromkeys(SPECTRAL_UNITS, spectral_columns),
    "EVENTS": _events,
    "ASN": _members,
    "JIT": _jitter,
    "LIGHTCURVE": _light_curves,
    "PIXELS": target_pixels,
}
