"""Columns of table units.

In: a file and one of its table units. Out: FITS columns in the planned order. Light curves are in
`lightcurves`, spectra in `spectra`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from astropy.io import fits

from . import lightcurves, spectra
from .file import File
from .layout import Unit
from .scene import generator

Columns = Mapping[str, Any]


def columns(file: File, unit: Unit) -> list[Any]:
    """Columns of a table unit."""
    values = _TABLES[unit.name](file, unit)
    made = []
    for name, form, measure in unit.columns:
        array = np.asarray(values[name])
        dimension = f"({array.shape[2]},{array.shape[1]})" if array.ndim == 3 else None
        made.append(fits.Column(name=name, format=form, unit=measure or None, dim=dimension, array=array))
    return made


def _spectrum(file: File, unit: Unit) -> Columns:
    """HST's spectra are the tables that are called SCI."""
    return spectra.extracted(file, unit)


def _events(file: File, unit: Unit) -> Columns:
    rng = generator("events", file.uri)
    count = unit.shape[0]
    column = rng.integers(0, 16384, count)
    shortest, longest = (file.owner.em_min or 115.0) * 10, (file.owner.em_max or 180.0) * 10
    return {
        "TIME": np.sort(np.round(rng.uniform(0.0, file.owner.t_exptime or 1.0, count), 3)),
        "RAWX": column,
        "RAWY": np.clip(np.round(rng.normal(480.0, 6.0, count)), 0, 1023),
        "WAVELENGTH": np.round(shortest + (longest - shortest) * column / 16384, 4),
        "PHA": rng.integers(2, 30, count),
    }


def _members(file: File, unit: Unit) -> Columns:
    """Association table: the exposures, the product, and empty rows up to the planned number."""
    names = [*(member.upper() for member in file.members), file.owner.obs_id.upper()][-unit.shape[0] :]
    kinds = ["EXP-DTH"] * (len(names) - 1) + ["PROD-DTH"]
    empty = unit.shape[0] - len(names)
    return {
        "MEMNAME": names + [""] * empty,
        "MEMTYPE": kinds + [""] * empty,
        "MEMPRSNT": [True] * len(names) + [False] * empty,
    }


def _jitter(file: File, unit: Unit) -> Columns:
    rng = generator("jitter", file.uri)
    count = unit.shape[0]
    return {
        "SECONDS": np.round(np.linspace(0.0, file.owner.t_exptime or 1.0, count), 3),
        "V2_RMS": np.round(np.abs(rng.normal(0.004, 0.001, count)), 5),
        "V3_RMS": np.round(np.abs(rng.normal(0.004, 0.001, count)), 5),
        "RA": np.round((file.owner.s_ra or 0.0) + rng.normal(0, 1e-6, count), 8),
        "DEC": np.round((file.owner.s_dec or 0.0) + rng.normal(0, 1e-6, count), 8),
    }


def _light_curve(file: File, unit: Unit) -> Columns:
    if "KSPSAP_FLUX" in {name for name, _, _ in unit.columns}:
        return lightcurves.quick(file, unit.shape[0])
    return lightcurves.light_curve(file, unit.shape[0])


def _pixels(file: File, unit: Unit) -> Columns:
    return lightcurves.target_pixels(file, unit.shape[0])


_TABLES: dict[str, Callable[[File, Unit], Columns]] = {
    "SCI": _spectrum,
    "EVENTS": _events,
    "ASN": _members,
    "JIT": _jitter,
    "EXTRACT1D": spectra.extracted_1d,
    "LIGHTCURVE": _light_curve,
    "PIXELS": _pixels,
}
