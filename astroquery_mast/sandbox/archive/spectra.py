"""Tables of spectra as written by pipelines: STIS orders, COS segments, JWST, IUE, FUSE, and spectral atlases.

The spectrum depends on the target, the noise on the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..packaged import text
from .products import File, Unit
from .scene import generator

Array = NDArray[np.float64]
Columns = Mapping[str, Any]

_FLUX_UNIT, _JANSKY, _STERADIAN = 1e-14, 1e-3, 0.04
# Spectral lines in nm: Lyman alpha, Si IV, C IV, He II, Mg II, H beta, [O III], H alpha, He I, Paschen and Brackett
# alpha, PAH, and [Ne II].
_LINES = (121.567, 139.376, 154.82, 164.04, 279.55, 486.13, 500.68, 656.28, 1083.0, 1875.1, 4051.2, 7700.0, 12813.5)
_RESOLUTION = 700.0
_FINE = 4096
_DAY = 86400.0
# Flags that CALCOS considers serious: hot spots, poor calibration, low response, out of bounds, gain sag.
_SERIOUS = 8346


def _profile(file: File, wavelength: Array) -> Array:
    """Return the flux of the target in units of its continuum, at wavelengths (nm) in any order."""
    rng = generator("spectrum", file.owner.target_name)
    fine = np.linspace(wavelength.min(), wavelength.max(), _FINE)
    slope = rng.uniform(-1.5, 1.0)
    flux = (fine / fine.mean()) ** slope
    for line in _LINES:
        width = line / _RESOLUTION
        strength = rng.uniform(-0.6, 4.0)
        flux = flux + flux * strength * np.exp(-0.5 * ((fine - line) / width) ** 2)
    for absorber in rng.uniform(fine[0], fine[-1], 25):
        flux = flux * (1.0 - 0.5 * np.exp(-0.5 * ((fine - absorber) / (absorber / 4000.0)) ** 2))
    return np.asarray(np.interp(wavelength, fine, np.clip(flux, 0.0, None)))


def _pieces(file: File, rows: int, points: int, overlap: float) -> Array:
    """Return wavelengths (nm) of consecutive parts of the band, which overlap, or leave a gap for ``overlap`` < 0."""
    shortest, longest = file.owner.band(115.0, 180.0)
    width = (longest - shortest) / (rows - overlap * (rows - 1))
    starts = shortest + width * (1.0 - overlap) * np.arange(rows)
    return np.asarray(starts[:, None] + np.linspace(0.0, width, points))


def _noisy(file: File, wavelength: Array) -> tuple[Array, Array]:
    """Return noisy flux and its error, in units of the continuum."""
    rng = generator("spectrum noise", file.uri)
    flux = _profile(file, wavelength)
    error = np.round(0.05 * np.sqrt(flux + 0.1), 4)
    return np.round(flux + error * rng.standard_normal(flux.shape), 4), error


def flux_curve(file: File, points: int) -> Array:
    """Return the flux at equal steps across the band."""
    return _noisy(file, np.linspace(*file.owner.band(115.0, 180.0), points))[0]


def _flags(file: File, shape: tuple[int, ...], flags: tuple[int, ...]) -> NDArray[np.int64]:
    """Return flags, which are set at a few points."""
    rng = generator("spectrum flags", file.uri)
    return np.asarray(np.where(rng.random(shape) < 0.01, rng.choice(flags, shape), 0))


def _length(unit: Unit, name: str = "FLUX") -> int:
    """Return the number of points per row of a table of vectors."""
    return next(int(form[:-1]) for column, form, _ in unit.columns if column == name)


def _counts(file: File, flux: Array) -> Columns:
    """Return gross, net, and background count rates for a flux."""
    background = np.round(0.02 + 0.005 * generator("background", file.uri).random(flux.shape), 5)
    net = np.round(3.0 * flux, 3)
    return {"NET": net, "BACKGROUND": background, "GROSS": net + background}


def _orders(file: File, unit: Unit) -> Columns:
    """Return a spectrum as from CALSTIS: one row for the first order, or one per order of an echelle."""
    rows, points = unit.shape[0], _length(unit)
    wavelength = _pieces(file, rows, points, 0.15)
    flux, error = _noisy(file, wavelength)
    bottom = 1 if rows == 1 else 86
    order = np.arange(bottom + rows - 1, bottom - 1, -1)
    single = np.ones(rows)
    return {
        **_counts(file, flux),
        "SPORDER": order,
        "NELEM": np.full(rows, points),
        "WAVELENGTH": np.round(10.0 * wavelength, 5),
        "FLUX": _FLUX_UNIT * flux,
        "ERROR": _FLUX_UNIT * error,
        # A small blemish (1024) is not serious, a high dark rate (16) is.
        "DQ": _flags(file, flux.shape, (16, 1024)),
        "A2CENTER": 100.0 + 24.0 * np.arange(rows),
        "EXTRSIZE": 7.0 * single,
        "MAXSRCH": 10 * single,
        "BK1SIZE": 5.0 * single,
        "BK2SIZE": 5.0 * single,
        "BK1OFFST": -20.0 * single,
        "BK2OFFST": 20.0 * single,
        "EXTRLOCY": np.repeat(100.0 + 24.0 * np.arange(rows), points).reshape(rows, points),
        "OFFSET": 0.5 * single,
    }


def _segments(file: File, unit: Unit) -> Columns:
    """Return a spectrum as from CALCOS: one row per segment or stripe, with points off the detector at both ends."""
    rows, points = unit.shape[0], _length(unit)
    wavelength = _pieces(file, rows, points, -0.05)
    names = ["FUVB", "FUVA"] if rows == 2 else ["NUVA", "NUVB", "NUVC"]
    flux, error = _noisy(file, wavelength)
    flags = _flags(file, flux.shape, (8, 4))
    edge = points // 40
    off = np.zeros(flux.shape, dtype=bool)
    off[:, :edge] = off[:, -edge:] = True
    flags[off] = 128
    flux, error = np.where(off, 0.0, flux), np.where(off, 0.0, error)
    weight = ((flags & _SERIOUS) == 0).astype(float)
    seconds = file.owner.seconds or 1.0
    made = {
        **_counts(file, flux),
        "SEGMENT": np.array(names),
        "EXPTIME": np.full(rows, seconds),
        "NELEM": np.full(rows, points),
        "WAVELENGTH": np.round(10.0 * wavelength, 5),
        "FLUX": _FLUX_UNIT * flux,
        "ERROR": _FLUX_UNIT * error,
        "ERROR_LOWER": _FLUX_UNIT * np.round(0.9 * error, 4),
        "GCOUNTS": np.round(3.0 * flux * seconds),
        "DQ": flags,
        "DQ_WGT": weight,
    }
    # CALCOS writes segment A first, which has the longer wavelengths.
    return {name: array[::-1] for name, array in made.items()} if rows == 2 else made


def extension_facts(file: File, unit: Unit) -> Mapping[str, object]:
    """Return header facts of a table of spectra besides its columns; None for keywords that it does not have."""
    cos, stis = "DQ_WGT" in _names(unit), "SPORDER" in _names(unit)
    jwst = unit.name == "EXTRACT1D" or file.kind.layout == "rectified"
    return {
        "flags": _SERIOUS if cos else 31743 if stis else None,
        "source type": "POINT" if jwst else None,
        "slit": "S200A1" if jwst and file.owner.configuration[0] == "NIRSPEC" else None,
        "direction": 1 if file.kind.layout == "rectified" else None,
    }


def _names(unit: Unit) -> set[str]:
    return {name for name, _, _ in unit.columns}


def _coadded(file: File, unit: Unit) -> Columns:
    """Return a spectrum as from ULLYSES: a single row, with a gap not covered by any exposure."""
    points = _length(unit)
    wavelength = _pieces(file, 1, points, 0.0)
    flux, error = _noisy(file, wavelength)
    gap = np.zeros(flux.shape, dtype=bool)
    gap[:, points // 2 : points // 2 + points // 50] = True
    flux, error = np.where(gap, 0.0, flux), np.where(gap, 0.0, error)
    return {
        "WAVELENGTH": np.round(10.0 * wavelength, 4),
        "FLUX": _FLUX_UNIT * flux,
        "ERROR": _FLUX_UNIT * error,
        "SNR": np.where(gap, 0.0, np.round(flux / np.where(gap, 1.0, error), 2)),
        "EFF_EXPTIME": np.where(gap, 0.0, file.owner.seconds or 1.0),
    }


def _provenance(file: File, unit: Unit) -> Columns:
    """Return the coadded exposures."""
    instrument, _ = file.owner.configuration
    return {
        "FILENAME": [f"{file.owner.obs_id[:9]}_x1d.fits"],
        "INSTRUMENT": [instrument],
        "DISPERSER": [file.owner.filters or ""],
        "XPOSURE": [file.owner.seconds],
    }


def _atlas(file: File, unit: Unit) -> Columns:
    """Return a spectrum as from CALSPEC: one row per point."""
    points = unit.shape[0]
    wavelength = np.linspace(*file.owner.band(115.0, 180.0), points)
    flux, error = _noisy(file, wavelength)
    flags = _flags(file, flux.shape, (1,))
    return {
        "WAVELENGTH": np.round(10.0 * wavelength, 4),
        "FLUX": _FLUX_UNIT * flux,
        "STATERROR": _FLUX_UNIT * error,
        "SYSERROR": _FLUX_UNIT * np.round(0.01 * np.abs(flux), 5),
        "FWHM": np.full(points, 2.0),
        "DATAQUAL": 1 - flags,
        "TOTEXP": np.full(points, file.owner.seconds),
    }


def _low_dispersion(file: File, unit: Unit) -> Columns:
    """Return a spectrum as from NEWSIPS: wavelengths as start and step, no absolute calibration at both ends."""
    points = _length(unit)
    shortest, longest = (round(10.0 * limit, 2) for limit in file.owner.band(115.0, 198.0))
    step = round((longest - shortest) / (points - 1), 4)
    flux, error = _noisy(file, np.asarray((shortest + step * np.arange(points, dtype=np.float64)) / 10.0))
    flags = _flags(file, flux.shape, (-16, -16384))
    flux[:10] = flux[-10:] = 0.0
    flags[:10] = flags[-10:] = -2
    return {
        "APERTURE": ["LARGE"],
        "NPOINTS": [points],
        "WAVELENGTH": [shortest],
        "DELTAW": [step],
        "NET": np.round(30.0 * flux, 2)[None],
        "BACKGROUND": np.full((1, points), 5.0),
        "SIGMA": _FLUX_UNIT * error[None],
        "QUALITY": flags[None],
        "FLUX": _FLUX_UNIT * flux[None],
    }


def _far_ultraviolet(file: File, unit: Unit) -> Columns:
    """Return a spectrum of all channels as from CalFUSE: a single row, without flags."""
    wavelength = _pieces(file, 1, _length(unit), 0.0)
    flux, error = _noisy(file, wavelength)
    return {"WAVE": np.round(10.0 * wavelength, 4), "FLUX": _FLUX_UNIT * flux, "ERROR": _FLUX_UNIT * error}


def _extracted(file: File, unit: Unit) -> Columns:
    """Return a spectrum as from CALJWST: micrometers and janskys."""
    points = unit.shape[0]
    wavelength = np.linspace(*file.owner.band(115.0, 180.0), points)
    return {**_calibrated(file, wavelength, np.ones(points)), "NPIXELS": np.full(points, 5.0)}


def _calibrated(file: File, wavelength: Array, transit: Array) -> dict[str, Any]:
    """Return the columns of a JWST spectrum, in which one percent of the points are bad."""
    rng = generator("spectrum noise", file.uri)
    flux, scatter = _profile(file, wavelength) * transit, 0.004
    bad = rng.random(flux.shape) < 0.01
    error = np.where(bad, np.nan, np.round(_JANSKY * scatter * (flux + 0.1), 10))
    flux = np.where(bad, np.nan, np.round(_JANSKY * flux * (1 + scatter * rng.standard_normal(flux.shape)), 9))
    background = np.round(0.1 + 0.01 * rng.random(flux.shape), 6)
    return {
        "WAVELENGTH": np.round(wavelength * 1e-3, 7),
        "FLUX": flux,
        "FLUX_ERROR": error,
        "SURF_BRIGHT": flux / _STERADIAN,
        "SB_ERROR": error / _STERADIAN,
        "DQ": np.where(bad, 1, np.where(rng.random(flux.shape) < 0.01, 4, 0)),
        "BACKGROUND": background,
        "BKGD_ERROR": np.full(flux.shape, 0.01),
        **_variances("FLUX", error),
        **_variances("SB", error / _STERADIAN),
        **_variances("BKGD", np.full(flux.shape, 0.01)),
    }


def _variances(stem: str, error: Array) -> Columns:
    shares = {"POISSON": 0.7, "RNOISE": 0.2, "FLAT": 0.1}
    return {f"{stem}_VAR_{source}": share * error**2 for source, share in shares.items()}


def _extracted_series(file: File, unit: Unit) -> Columns:
    """Return time-series spectra as from CALJWST: one row per integration."""
    rows, points = unit.shape[0], _length(unit)
    wavelength = np.tile(np.linspace(*file.owner.band(115.0, 180.0), points), (rows, 1))
    number = np.arange(1, rows + 1)
    # The transit covers the middle third.
    transit = np.where(np.abs(number - rows / 2) < rows / 6, 0.979, 1.0)
    start, end = file.owner.span
    step = max(end - start, rows / _DAY) / rows
    begin = start + step * (number - 1)
    return {
        **_calibrated(file, wavelength, transit[:, None]),
        "NPIXELS": np.full((rows, points), 5.0),
        "INT_NUM": number,
        "NELEMENTS": np.full(rows, points),
        "SEGMENT": np.ones(rows),
        "MJD-BEG": np.round(begin, 8),
        "MJD-AVG": np.round(begin + step / 2, 8),
        "MJD-END": np.round(begin + step, 8),
        "TDB-BEG": np.round(begin + 0.0008, 8),
        "TDB-MID": np.round(begin + step / 2 + 0.0008, 8),
        "TDB-END": np.round(begin + step + 0.0008, 8),
    }


def _metadata(file: File, unit: Unit) -> Columns:
    """Return the ASDF tree of a JWST file, with the coordinates of a rectified spectrum."""
    document = text("jwst_meta.asdf").format(file=file.name)
    if file.kind.layout == "rectified":
        rows, columns = file.units[1].shape
        shortest, longest = (limit * 1e-3 for limit in file.owner.band(1000.0, 2000.0))
        ra, dec = file.owner.place
        facts = {"ra": ra, "dec": dec, "start": round(shortest, 6), "rows": rows - 0.5, "columns": columns - 0.5}
        step = round((longest - shortest) / (columns - 1), 9)
        document = text("jwst_rectified.asdf").format(file=file.name, step=step, **facts)
    length = _length(unit, "ASDF_METADATA")
    content = document.encode().ljust(length - len(_END), b" ") + _END
    return {"ASDF_METADATA": np.frombuffer(content, dtype=np.uint8)[None]}


_END = b"\n...\n"
#: Names of the tables of this module.
SPECTRAL_UNITS = ("SCI", "SCIENCE", "PROVENANCE", "SPECTRUM", "MELO", "EXTRACT1D", "ASDF")
_BY_LAYOUT: dict[str, Callable[[File, Unit], Columns]] = {
    "first_order": _orders,
    "echelle": _orders,
    "cos_fuv": _segments,
    "cos_nuv": _segments,
    "coadded": _coadded,
    "atlas": _atlas,
    "low_dispersion": _low_dispersion,
    "far_ultraviolet": _far_ultraviolet,
    "extracted": _extracted,
    "extracted_series": _extracted_series,
}


def spectral_columns(file: File, unit: Unit) -> Columns:
    """Return the columns of a table in a file with spectra."""
    further = {"ASDF": _metadata, "PROVENANCE": _provenance}
    return (further.get(unit.name) or _BY_LAYOUT[file.kind.layout])(file, unit)
