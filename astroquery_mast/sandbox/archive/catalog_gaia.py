"""Gaia: data releases 1, 2 and 3, and TGAS.

In: the sky. Out: four catalogs. Columns are the first and the most used ones of ``gaia_source`` in each release,
in its order. Identifiers are declared as text and written as numbers, as everywhere in the portal.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .catalog_sky import STAR, Array, Sky, sky
from .catalog_table import CatalogTable, ecliptic, galactic, texts, words
from .packaged import packaged

_EPOCHS = {"DR1": 2015.0, "TGAS": 2015.0, "DR2": 2015.5, "DR3": 2016.0}
_SOLUTIONS = {
    "DR1": 1635378410781933568,
    "TGAS": 1635378410781933568,
    "DR2": 1635721458409799680,
    "DR3": 1636148068921376768,
}
_FAINTEST, _FAINTEST_TGAS = 20.7, 11.5
_FAINTEST_HIPPARCOS = 8.0
_PI_MEN, _GAIA_PI_MEN, _HIP_PI_MEN = 261136679, 4623036865373793408, 26394
# Zero points of the Gaia magnitudes (VEGAMAG, DR2).
_ZERO = {"g": 25.6884, "bp": 25.3514, "rp": 24.7619}
Values = dict[str, NDArray[Any]]


def gaia_numbers(sources: Sky) -> NDArray[np.int64]:
    """``source_id`` of each source in Gaia DR2 and DR3; it depends on the place only, as the real ones do."""
    # The zone of the sky counts in the leading digits.
    zone = (np.round(sources.dec * 1e6).astype(np.int64) + 90_000_000) * 24_000_000_000
    return np.asarray(
        np.where(sources.tic == _PI_MEN, _GAIA_PI_MEN, zone + np.round(sources.ra * 6e7).astype(np.int64))
    )


def hipparcos_numbers(sources: Sky) -> np.ma.MaskedArray[Any, Any]:
    """Hipparcos number of each source, masked for those too faint for that catalog."""
    numbers = np.where(sources.tic == _PI_MEN, _HIP_PI_MEN, sources.numbers("HIP", 26_400, 118_000))
    return np.ma.masked_array(numbers, (sources.kind != STAR) | (sources.bands["V"] > _FAINTEST_HIPPARCOS))


def _catalog(release: str) -> CatalogTable:
    everything = sky()
    faintest = _FAINTEST_TGAS if release == "TGAS" else _FAINTEST
    chosen = (everything.kind == STAR) & (everything.g_mag < faintest) & (everything.g_mag > 1.7)
    if release == "TGAS":
        chosen &= everything.plx > 0
    sources = everything.where(chosen)
    values = _astrometry(sources, release) | _photometry(sources) | _flags(sources)
    columns = {name: (kind, values[name]) for name, kind in packaged("columns")[f"gaia {release}"]}
    return CatalogTable(columns, (values["ra"], values["dec"]))


dr1, dr2, dr3, tgas = (partial(_catalog, release) for release in ("DR1", "DR2", "DR3", "TGAS"))


def _astrometry(sources: Sky, release: str) -> Values:
    ra, dec = sources.at(_EPOCHS[release])
    error = np.round(0.02 * 10.0 ** (0.2 * np.maximum(sources.g_mag - 13.0, 0.0)), 6)
    numbers = gaia_numbers(sources)
    # Release 1 has no motions but for the stars of Tycho.
    still = (sources.g_mag > _FAINTEST_TGAS) & (release in {"DR1", "TGAS"})
    longitude, latitude = galactic(ra, dec, 9)
    ecl_lon, ecl_lat = ecliptic(ra, dec, 9)
    moving: dict[str, NDArray[Any]] = {
        "parallax": sources.plx,
        "parallax_error": error,
        "parallax_over_error": np.round(sources.plx / error, 5),
        "pm": np.round(np.hypot(sources.pm_ra, sources.pm_dec), 6),
        "pmra": sources.pm_ra,
        "pmra_error": np.round(1.8 * error, 6),
        "pmdec": sources.pm_dec,
        "pmdec_error": np.round(1.6 * error, 6),
    }
    return {
        "solution_id": np.full(len(sources), _SOLUTIONS[release]),
        "designation": texts(f"Gaia {release} {number}" for number in numbers),
        "source_id": numbers,
        "random_index": sources.numbers("Gaia random", 0, 1_811_709_771),
        "hip": hipparcos_numbers(sources),
        "tycho2_id": texts(f"{n // 2500 + 1}-{n % 2500}-1" for n in sources.numbers("TYC", 1, 9537 * 2500)),
        "ref_epoch": np.full(len(sources), _EPOCHS[release]),
        "ra": ra,
        "ra_error": error,
        "dec": dec,
        "dec_error": np.round(0.9 * error, 6),
        "l": longitude,
        "b": latitude,
        "ecl_lon": ecl_lon,
        "ecl_lat": ecl_lat,
        "astrometric_excess_noise": np.round(0.3 * sources.dice("noise") ** 3, 6),
        "visibility_periods_used": np.round(8 + 15 * sources.dice("visits")).astype(int),
        "ruwe": np.round(0.9 + 0.3 * sources.dice("ruwe"), 7),
        **{name: np.where(still, np.nan, column) for name, column in moving.items()},
    }


def _photometry(sources: Sky) -> Values:
    values: Values = {}
    for name, band in {"g": "G", "bp": "BP", "rp": "RP"}.items():
        magnitude = np.round(sources.bands[band], 6)
        flux = np.round(10.0 ** (0.4 * (_ZERO[name] - magnitude)), 5)
        error = np.round(0.001 * flux + 0.3, 5)
        values |= {
            f"phot_{name}_n_obs": np.round(60 + 200 * sources.dice("observations", name)).astype(int),
            f"phot_{name}_mean_flux": flux,
            f"phot_{name}_mean_flux_error": error,
            f"phot_{name}_mean_flux_over_error": np.round(flux / error, 4),
            f"phot_{name}_mean_mag": magnitude,
        }
    blue, green, red = (values[f"phot_{name}_mean_mag"] for name in ("bp", "g", "rp"))
    colors = {"bp_rp": blue - red, "bp_g": blue - green, "g_rp": green - red}
    values |= {name: np.round(column, 6) for name, column in colors.items()}
    values["phot_bp_rp_excess_factor"] = np.round(1.15 + 0.06 * sources.color, 6)
    return values


def _flags(sources: Sky) -> Values:
    count = len(sources)
    bright, known = sources.g_mag < 13.0, (sources.g_mag < 17.0) & (sources.plx > 0)
    speed = np.round(60.0 * sources.dice("velocity") - 30.0, 5)
    physics = {
        "teff_val": ("Teff", 2),
        "teff_gspphot": ("Teff", 2),
        "radius_val": ("rad", 5),
        "lum_val": ("lum", 5),
        "logg_gspphot": ("logg", 4),
    }
    return {
        "radial_velocity": np.where(bright, speed, np.nan),
        "radial_velocity_error": np.where(bright, np.round(0.2 + sources.dice("velocity error"), 5), np.nan),
        "phot_variable_flag": words(sources.dice("variable") < 0.02, "VARIABLE", "NOT_AVAILABLE"),
        "duplicated_source": sources.dice("duplicated") < 0.01,
        "in_qso_candidates": sources.plx == 0,
        "in_galaxy_candidates": np.zeros(count, dtype=bool),
        "non_single_star": np.where(sources.dice("double") < 0.01, 1, 0),
        "has_xp_continuous": sources.g_mag < 17.6,
        "has_rvs": sources.g_mag < 10.0,
        "mh_gspphot": np.where(known, np.round(0.5 * sources.dice("metals") - 0.3, 4), np.nan),
        "distance_gspphot": np.where(known, np.round(1000.0 / np.where(known, sources.plx, np.nan), 4), np.nan),
        **{name: _rounded(sources.physics[of], digits, known) for name, (of, digits) in physics.items()},
    }


def _rounded(values: Array, digits: int, known: NDArray[np.bool_]) -> Array:
    return np.asarray(np.where(known, np.round(values, digits), np.nan), dtype=float)
