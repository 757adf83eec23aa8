"""Gaia: data releases 1, 2 and 3, and TGAS.

In: the sky. Out: four catalogs. Columns are the first and the most used ones of ``gaia_source`` in each release,
in its order. Identifiers are declared as text and written as numbers, as everywhere in the portal.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .catalog_sky import STAR, Sky, sky
from .catalog_table import CatalogTable, ColumnRules, Values, ecliptic, galactic, texts
from .packaged import packaged

_EPOCHS = {"DR1": 2015.0, "TGAS": 2015.0, "DR2": 2015.5, "DR3": 2016.0}
_FAINTEST, _FAINTEST_TGAS = 20.7, 11.5
_FAINTEST_HIPPARCOS = 8.0
_PI_MEN, _GAIA_PI_MEN, _HIP_PI_MEN = 261136679, 4623036865373793408, 26394
# Zero points of the Gaia magnitudes (VEGAMAG, DR2).
_ZERO = {"bp": 25.3514, "g": 25.6884, "rp": 24.7619}


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
    given = _astrometry(sources, release) | _photometry(sources)
    columns = ColumnRules(sources, given).columns(packaged("columns")[f"gaia {release}"])
    return CatalogTable(columns, (given["ra"], given["dec"]))


dr1, dr2, dr3, tgas = (partial(_catalog, release) for release in ("DR1", "DR2", "DR3", "TGAS"))


def _astrometry(sources: Sky, release: str) -> Values:
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
        # Release 1 has motions for the stars of Tycho only.
        "moving": sources.g_mag <= _FAINTEST_TGAS,
        "bright": sources.g_mag < 13.0,
        "known": known,
        "distance": 1000.0 / np.where(known, sources.plx, np.nan),
        "in_qso_candidates": sources.plx == 0,
    }


def _photometry(sources: Sky) -> Values:
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
