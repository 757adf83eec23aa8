"""Light curves and pixel time series of TESS and Kepler.

In: a file. Out: columns in the manner of the SPOC exporter. Stars have transits or flares of their own; the
period of known planets is the real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .file import File
from .scene import generator

# Period in days and depth of transits.
_PLANETS = {
    261136679: (6.26834, 0.0003),
    181949561: (4.05528, 0.021),
    100100827: (0.94145, 0.0095),
    22529346: (1.27493, 0.0155),
    160148385: (3.42526, 0.0138),
    420814525: (3.52475, 0.0146),
    256364928: (2.21858, 0.024),
    16740101: (1.48112, 0.0067),
    467929202: (1.58040, 0.0135),
    307210830: (3.69068, 0.0012),
    150428135: (9.97701, 0.0029),
}
_FLARE_STARS = {441420236, 388857263, 154101678, 325554331}
_TIME_ZERO = {"Kepler": 2454833, "K2": 2454833}
_GAP = (0.47, 0.53)
_STAMP = 11
Array = NDArray[np.float64]


def _times(file: File, count: int) -> Array:
    zero = _TIME_ZERO.get(file.owner.obs_collection, 2457000)
    start = (file.owner.t_min or 0.0) + 2400000.5 - zero
    end = (file.owner.t_max or 0.0) + 2400000.5 - zero
    return np.round(np.linspace(start, end, count), 8)


def _brightness(file: File, time: Array) -> Array:
    """Noiseless brightness of the star, 1 on average."""
    target = str(file.owner.target_name)
    number = int("".join(letter for letter in target if letter.isdigit()) or 0)
    rng = generator("star", target)
    period, depth = _PLANETS.get(number, (rng.uniform(0.6, 14.0), rng.choice([0.0, 0.001, 0.01])))
    rotation, amplitude = rng.uniform(2.0, 20.0), rng.uniform(0.0002, 0.004)
    phase = (time / period + rng.random()) % 1.0 - 0.5
    half = 0.07 / period
    dip = depth / (1.0 + np.exp((np.abs(phase) - half) / (half / 12.0)))
    flux = 1.0 + amplitude * np.sin(2 * np.pi * time / rotation) - dip
    if number in _FLARE_STARS:
        for start, height in zip(rng.uniform(time[0], time[-1], 14), 0.02 * (1 + rng.pareto(1.5, 14)), strict=True):
            since = time - start
            flux = flux + np.where(since >= 0, np.minimum(height, 0.6) * np.exp(-np.clip(since, 0, None) / 0.03), 0.0)
    return np.asarray(flux)


def _flags(count: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Quality flags, and the cadences that were lost while the spacecraft sent its data down."""
    quality = np.zeros(count, dtype=np.int32)
    lost = np.zeros(count, dtype=bool)
    lost[int(_GAP[0] * count) : int(_GAP[1] * count)] = True
    quality[lost] = 8
    quality[:: max(count // 12, 1)] |= 32
    return quality, lost


def light_curve(file: File, count: int) -> Mapping[str, Any]:
    """Light curve in the manner of SPOC (and of Kepler)."""
    rng = generator("light curve", file.uri)
    time = _times(file, count)
    quality, lost = _flags(count)
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
        "POS_CORR1": np.round(0.01 * rng.standard_normal(count), 5),
        "POS_CORR2": np.round(0.01 * rng.standard_normal(count), 5),
    }
    for axis, center in (("1", 1204.3), ("2", 518.6)):
        for method in ("PSF", "MOM"):
            columns[f"{method}_CENTR{axis}"] = np.round(center + 0.01 * rng.standard_normal(count), 6)
            columns[f"{method}_CENTR{axis}_ERR"] = np.full(count, 0.0005)
    return columns


def quick(file: File, count: int) -> Mapping[str, Any]:
    """Light curve in the manner of the quick-look pipeline: normalized, from full frames."""
    rng = generator("light curve", file.uri)
    time = _times(file, count)
    quality, lost = _flags(count)
    flux = np.round(_brightness(file, time) + 0.0008 * rng.standard_normal(count), 6)
    return {
        "TIME": time,
        "CADENCENO": np.arange(count) + 4600,
        "SAP_FLUX": np.where(lost, np.nan, flux),
        "KSPSAP_FLUX": np.where(lost, np.nan, flux),
        "KSPSAP_FLUX_ERR": np.full(count, 0.0008),
        "QUALITY": quality,
    }


def target_pixels(file: File, count: int) -> Mapping[str, Any]:
    """Stamp of eleven by eleven pixels around the star, cadence by cadence."""
    rng = generator("pixels", file.uri)
    time = _times(file, count)
    quality, lost = _flags(count)
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
