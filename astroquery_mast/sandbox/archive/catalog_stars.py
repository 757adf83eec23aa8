"""Stars: Gaia (data releases 1, 2, 3, and TGAS), and the TESS Input Catalog with its Candidate Target List (CTL).

The TIC agrees with Gaia and 2MASS for each star; the stars of the archive's light curves have their TIC ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..packaged import packaged
from .catalog_sky import CLUSTER, GALAXY, STAR, Array, Sky, sky
from .catalog_table import CatalogTable, ColumnRules, Values, ecliptic, galactic, texts, two_mass_names, wise_names

_EPOCHS = {"DR1": 2015.0, "TGAS": 2015.0, "DR2": 2015.5, "DR3": 2016.0}
_FAINTEST_GAIA, _FAINTEST_TGAS = 20.7, 11.5
_FAINTEST_HIPPARCOS = 8.0
_PI_MEN, _GAIA_PI_MEN, _HIP_PI_MEN = 261136679, 4623036865373793408, 26394
# Zero points of the Gaia magnitudes (VEGAMAG, DR2).
_ZERO = {"bp": 25.3514, "g": 25.6884, "rp": 24.7619}


def gaia_numbers(sources: Sky) -> NDArray[np.int64]:
    """Return ``source_id`` in Gaia DR2 and DR3; like the real one, it depends only on the position."""
    # The declination zone determines the leading digits.
    zone = (np.round(sources.dec * 1e6).astype(np.int64) + 90_000_000) * 24_000_000_000
    return np.asarray(
        np.where(sources.tic == _PI_MEN, _GAIA_PI_MEN, zone + np.round(sources.ra * 6e7).astype(np.int64))
    )


def hipparcos_numbers(sources: Sky) -> np.ma.MaskedArray[Any, Any]:
    """Return Hipparcos numbers, masked for stars that are too faint for that catalog."""
    numbers = np.where(sources.tic == _PI_MEN, _HIP_PI_MEN, sources.numbers("HIP", 26_400, 118_000))
    return np.ma.masked_array(numbers, (sources.kind != STAR) | (sources.bands["V"] > _FAINTEST_HIPPARCOS))


def gaia(release: str) -> CatalogTable:
    """Return a data release of Gaia (``DR1``, ``DR2``, ``DR3``), or ``TGAS``."""
    everything = sky()
    faintest = _FAINTEST_TGAS if release == "TGAS" else _FAINTEST_GAIA
    chosen = (everything.kind == STAR) & (everything.g_mag < faintest) & (everything.g_mag > 1.7)
    if release == "TGAS":
        chosen &= everything.plx > 0
    sources = everything.where(chosen)
    given = _gaia_astrometry(sources, release) | _gaia_photometry(sources)
    columns = ColumnRules(sources, given).columns(packaged("columns")[f"gaia {release}"])
    return CatalogTable(columns, (given["ra"], given["dec"]))


def _gaia_astrometry(sources: Sky, release: str) -> Values:
    ra, dec = sources.at(_EPOCHS[release])
    error = np.round(0.02 * 10.0 ** (0.2 * np.maximum(sources.g_mag - 13.0, 0.0)), 6)
    numbers = gaia_numbers(sources)
    known = (sources.g_mag < 17.0) & (sources.plx > 0)
    return {
        "designation": texts(f"Gaia {release} {number}" for number in numbers),
        "source_id": numbers,
        "hip": hipparcos_numbers(sources),
        "tycho2_id": texts(f"{n // 2500 + 1}-{n % 2500}-1" for n in sources.numbers("TYC", 1, 9537 * 2500)),
        "ra": ra,
        "dec": dec,
        **dict(zip(("l", "b"), galactic(ra, dec, 9), strict=True)),
        **dict(zip(("ecl_lon", "ecl_lat"), ecliptic(ra, dec, 9), strict=True)),
        "error": error,
        "parallax_over_error": np.round(sources.plx / error, 5),
        "pm": np.round(np.hypot(sources.pm_ra, sources.pm_dec), 6),
        # Release 1 has proper motions only for the stars of Tycho.
        "moving": sources.g_mag <= _FAINTEST_TGAS,
        "bright": sources.g_mag < 13.0,
        "known": known,
        "distance": 1000.0 / np.where(known, sources.plx, np.nan),
        "in_qso_candidates": sources.plx == 0,
    }


def _gaia_photometry(sources: Sky) -> Values:
    values: Values = {}
    blue, green, red = magnitudes = [np.round(sources.bands[band], 6) for band in ("BP", "G", "RP")]
    for (name, zero), magnitude in zip(_ZERO.items(), magnitudes, strict=True):
        flux = np.round(10.0 ** (0.4 * (zero - magnitude)), 5)
        error = np.round(0.001 * flux + 0.3, 5)
        values |= {
            f"phot_{name}_mean_flux": flux,
            f"phot_{name}_mean_flux_error": error,
            f"phot_{name}_mean_flux_over_error": np.round(flux / error, 4),
        }
    colors = {"bp_rp": blue - red, "bp_g": blue - green, "g_rp": green - red}
    return values | {name: np.round(column, 6) for name, column in colors.items()}


_FAINTEST, _FAINTEST_EXTENDED_K = 18.0, 14.0
_FIRST_STAR, _LAST_STAR = 500_000_000, 2_000_000_000
_FIRST_EXTENDED, _LAST_EXTENDED = 10_000_000_000, 10_002_000_000
_FAINTEST_TYCHO = 11.5
# Magnitude limits of WISE.
_WISE = {"w1": 16.8, "w2": 16.2, "w3": 12.5, "w4": 9.0}
_BANDS = {
    **{f"{band}mag": band for band in "BVugrizJHKT"},
    **{f"w{n}mag": f"W{n}" for n in range(1, 5)},
    "GAIAmag": "G",
    "gaiabp": "BP",
    "gaiarp": "RP",
}


def tic() -> CatalogTable:
    """Return the TESS Input Catalog."""
    sources = _sources()
    return _table(sources, _given(sources))


def ctl() -> CatalogTable:
    """Return the Candidate Target List: small stars that are bright enough for two-minute light curves."""
    sources = _sources()
    given = _given(sources)
    chosen = given["target"]
    return _table(sources.where(chosen), {name: column[chosen] for name, column in given.items()})


def _sources() -> Sky:
    everything = sky()
    star = (everything.kind == STAR) & (everything.bands["T"] < _FAINTEST)
    galaxy = (everything.kind == GALAXY) & (everything.bands["K"] < _FAINTEST_EXTENDED_K)
    return everything.where((star | galaxy) & (everything.kind != CLUSTER))


def _table(sources: Sky, given: Values) -> CatalogTable:
    columns = ColumnRules(sources, given).columns(packaged("columns")["tic"])
    return CatalogTable(columns, (given["ra"], given["dec"]))


def _given(sources: Sky) -> Values:
    star = sources.kind == STAR
    values = _identities(sources, star) | _positions(sources) | _photometry(sources, star)
    return values | _targets(sources, star)


def _identities(sources: Sky, star: NDArray[np.bool_]) -> Values:
    ra, dec = sources.at(2000.0)
    bands = sources.bands
    numbers = np.where(star, sources.numbers("TIC", _FIRST_STAR, _LAST_STAR), 0)
    numbers = np.where(star, numbers, sources.numbers("TIC galaxy", _FIRST_EXTENDED, _LAST_EXTENDED))
    numbers = np.where(sources.tic > 0, sources.tic, numbers)
    tycho = sources.numbers("TYC", 1, 9537 * 2500)
    return {
        "star": star,
        "in SDSS": (dec > -8.0) & (bands["g"] > 14.0),
        "in 2MASS": bands["J"] < 16.5,
        "ID": numbers,
        "HIP": hipparcos_numbers(sources),
        "TYC": _where(star & (bands["V"] < _FAINTEST_TYCHO), (f"{n // 2500 + 1:04d}-{n % 2500:05d}-1" for n in tycho)),
        "UCAC": _where(star & (bands["r"] < 15.5), (f"{n // 9999:03d}-{n % 9999:06d}" for n in tycho)),
        "TWOMASS": _where(bands["J"] < 16.5, two_mass_names(ra, dec)),
        "ALLWISE": _where(bands["W1"] < _WISE["w1"], wise_names(ra, dec)),
        "GAIA": _where(star, map(str, gaia_numbers(sources))),
        "APASS": _where(star & (bands["V"] > 9) & (bands["V"] < 16), map(str, tycho)),
    }


def _where(chosen: NDArray[np.bool_], values: Iterable[Any]) -> NDArray[np.object_]:
    return texts(value if keep else None for keep, value in zip(chosen.tolist(), values, strict=True))


def _positions(sources: Sky) -> Values:
    ra, dec = sources.at(2000.0)
    error = _error(sources, 0.02, 0.3)
    positive = np.where(sources.plx > 0, sources.plx, np.nan)
    return {
        "ra": ra,
        "dec": dec,
        **dict(zip(("gallong", "gallat"), galactic(ra, dec), strict=True)),
        **dict(zip(("eclong", "eclat"), ecliptic(ra, dec), strict=True)),
        **dict(zip(("original ra", "original dec"), sources.at(2015.5), strict=True)),
        "error": error,
        "positive": positive,
        "distance": 1000.0 / positive,
        "distance error": 1000.0 / positive**2 * error,
    }


def _error(sources: Sky, floor: float, largest: float) -> Array:
    """Return rounded errors that grow with magnitude."""
    grown = floor * 10.0 ** (0.2 * np.maximum(sources.g_mag - 13.0, 0.0))
    return np.asarray(
        np.round(np.minimum(grown * (0.8 + 0.4 * sources.dice("TIC error", floor)), largest), 4), dtype=float
    )


def _photometry(sources: Sky, star: NDArray[np.bool_]) -> Values:
    values: Values = {}
    bright = sources.bands["g"] < 14.0  # too bright for SDSS
    for name, band in _BANDS.items():
        column = np.round(sources.bands[band], 4 if name in {"GAIAmag", "Tmag", "gaiabp", "gaiarp"} else 3)
        hidden = column > _WISE[name[:2]] if name[:2] in _WISE else np.zeros(len(sources), dtype=bool)
        hidden |= ~star & (name not in {"Jmag", "Hmag", "Kmag", "Tmag"}) | bright & (band in "ugriz")
        values[name] = np.where(hidden, np.nan, column)
        values[f"e_{name}"] = np.where(hidden, np.nan, _error(sources, 0.0003 if name == "GAIAmag" else 0.02, 1.0))
    return values


def _targets(sources: Sky, star: NDArray[np.bool_]) -> Values:
    """Return flags of sources with known stellar parameters, and of candidates for two-minute light curves."""
    tess, known = sources.bands["T"], star & (sources.plx > 0)
    teff = np.where(known, np.round(sources.physics["Teff"]), 0.0)
    radius = np.where(known, np.round(sources.physics["rad"], 5), np.nan)
    cool = (teff < 4000) & (tess < 16.0)
    return {
        "known": known,
        "measured": known & (tess < 10.0),
        "cool": cool,
        "target": star & ~sources.giant & (teff > 0) & ((tess < 13.0) | cool),
        "rank": 10.0 ** (-0.3 * np.maximum(tess, 4.0)) / np.maximum(radius, 0.1) ** 1.5,
    }
