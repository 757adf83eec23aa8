"""The TESS input catalog (TIC 8) and its candidate target list (CTL).

In: the sky. Out: two catalogs of the same columns. Star by star they agree with Gaia and 2MASS, and the stars of the
archive's light curves have the numbers under which they were observed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .catalog_gaia import gaia_numbers, hipparcos_numbers
from .catalog_sky import CLUSTER, GALAXY, STAR, Array, Sky, sky
from .catalog_table import CatalogTable, ecliptic, galactic, texts, two_mass_names, wise_names, words
from .packaged import Columns, packaged

COLUMNS: Columns = packaged("columns")["tic"]
_VERSION = "20190415"
_FAINTEST, _FAINTEST_EXTENDED_K = 18.0, 14.0
_FIRST_STAR, _LAST_STAR = 500_000_000, 2_000_000_000
_FIRST_EXTENDED, _LAST_EXTENDED = 10_000_000_000, 10_002_000_000
_FAINTEST_TYCHO = 11.5
# Limits of WISE, and of what the errors of a magnitude are made of.
_WISE = {"w1": 16.8, "w2": 16.2, "w3": 12.5, "w4": 9.0}
_BANDS = {
    **{f"{band}mag": band for band in "BVugrizJHKT"},
    **{f"w{n}mag": f"W{n}" for n in range(1, 5)},
    "GAIAmag": "G",
    "gaiabp": "BP",
    "gaiarp": "RP",
}
Values = dict[str, NDArray[Any]]


def tic() -> CatalogTable:
    """Return the TESS input catalog."""
    sources = _sources()
    return _table(sources, _values(sources))


def ctl() -> CatalogTable:
    """Return the candidate target list: what is bright enough for light curves at two minutes, and small."""
    sources = _sources()
    values = _values(sources)
    chosen = ~np.isnan(values["priority"])
    return _table(sources.where(chosen), {name: column[chosen] for name, column in values.items()})


def _sources() -> Sky:
    everything = sky()
    star = (everything.kind == STAR) & (everything.bands["T"] < _FAINTEST)
    galaxy = (everything.kind == GALAXY) & (everything.bands["K"] < _FAINTEST_EXTENDED_K)
    return everything.where((star | galaxy) & (everything.kind != CLUSTER))


def _table(sources: Sky, values: Values) -> CatalogTable:
    columns = {name: (kind, values.get(name, _nothing(kind, len(sources)))) for name, kind in COLUMNS}
    return CatalogTable(columns, (values["ra"], values["dec"]))


def _nothing(kind: str, count: int) -> NDArray[Any]:
    return texts([None] * count) if kind != "float" else np.full(count, np.nan)


def _values(sources: Sky) -> Values:
    star = sources.kind == STAR
    values = _identities(sources, star) | _astrometry(sources, star) | _photometry(sources, star)
    values |= _physics(sources, star)
    return values | _priorities(sources, star, values)


def _identities(sources: Sky, star: NDArray[np.bool_]) -> Values:
    ra, dec = sources.at(2000.0)
    bands = sources.bands
    numbers = np.where(star, sources.numbers("TIC", _FIRST_STAR, _LAST_STAR), 0)
    numbers = np.where(star, numbers, sources.numbers("TIC galaxy", _FIRST_EXTENDED, _LAST_EXTENDED))
    numbers = np.where(sources.tic > 0, sources.tic, numbers)
    gaia = gaia_numbers(sources)
    tycho = sources.numbers("TYC", 1, 9537 * 2500)
    sdss = sources.numbers("SDSS", 1_237_645_000_000_000_000, 1_237_680_000_000_000_000)
    in_sdss = (dec > -8.0) & (bands["g"] > 14.0)
    return {
        "ID": numbers,
        "version": texts([_VERSION] * len(sources)),
        "HIP": hipparcos_numbers(sources),
        "TYC": _where(star & (bands["V"] < _FAINTEST_TYCHO), [f"{n // 2500 + 1:04d}-{n % 2500:05d}-1" for n in tycho]),
        "UCAC": _where(star & (bands["r"] < 15.5), [f"{n // 9999:03d}-{n % 9999:06d}" for n in tycho]),
        "TWOMASS": _where(bands["J"] < 16.5, list(two_mass_names(ra, dec))),
        "SDSS": np.ma.masked_array(sdss, ~in_sdss),
        "ALLWISE": _where(bands["W1"] < _WISE["w1"], list(wise_names(ra, dec))),
        "GAIA": _where(star, [str(number) for number in gaia]),
        "APASS": _where(star & (bands["V"] > 9) & (bands["V"] < 16), [str(n) for n in tycho]),
        "objType": words(star, "STAR", "EXTENDED"),
        "typeSrc": words(star, "tmgaia2", "2mass"),
        "duplicate_id": np.ma.masked_array(numbers, mask=True),
        "objID": sources.numbers("TIC objID", 100_000_000, 1_500_000_000),
    }


def _where(chosen: NDArray[np.bool_], values: list[Any]) -> NDArray[np.object_]:
    return texts(value if keep else None for keep, value in zip(chosen.tolist(), values, strict=True))


def _astrometry(sources: Sky, star: NDArray[np.bool_]) -> Values:
    ra, dec = sources.at(2000.0)
    original_ra, original_dec = sources.at(2015.5)
    error = _error(sources, 0.02, 0.3)
    gallong, gallat = galactic(ra, dec)
    eclong, eclat = ecliptic(ra, dec)
    positive = np.where(sources.plx > 0, sources.plx, np.nan)
    flags = {"POSflag": ("tmgaia2", "2MASSEXT"), "PMflag": ("gaia2", None), "PARflag": ("gaia2", None)}
    return {
        "ra": ra,
        "dec": dec,
        "pmRA": sources.pm_ra,
        "e_pmRA": np.where(star, np.round(2.0 * error, 4), np.nan),
        "pmDEC": sources.pm_dec,
        "e_pmDEC": np.where(star, np.round(1.8 * error, 4), np.nan),
        "plx": positive,
        "e_plx": np.where(star, error, np.nan),
        "gallong": gallong,
        "gallat": gallat,
        "eclong": eclong,
        "eclat": eclat,
        "d": np.round(1000.0 / positive, 4),
        **dict.fromkeys(("e_d", "eneg_dist", "epos_dist"), np.round(1000.0 / positive**2 * error, 4)),
        "e_RA": np.round(20.0 * error, 5),
        "e_Dec": np.round(22.0 * error, 5),
        "RA_orig": np.where(star, original_ra, np.nan),
        "Dec_orig": np.where(star, original_dec, np.nan),
        "e_RA_orig": np.where(star, np.round(error, 5), np.nan),
        "e_Dec_orig": np.where(star, np.round(1.1 * error, 5), np.nan),
        "gaiaqflag": np.ma.masked_array((error < 0.3).astype(int), ~star),
        **{name: words(star, *pair) for name, pair in flags.items()},
    }


def _error(sources: Sky, floor: float, largest: float) -> Array:
    """An error that grows with the magnitude, rounded."""
    grown = floor * 10.0 ** (0.2 * np.maximum(sources.g_mag - 13.0, 0.0))
    return np.asarray(
        np.round(np.minimum(grown * (0.8 + 0.4 * sources.dice("TIC error", floor)), largest), 4), dtype=float
    )


def _photometry(sources: Sky, star: NDArray[np.bool_]) -> Values:
    values: Values = {}
    for name, band in _BANDS.items():
        column = np.round(sources.bands[band], 4 if name in {"GAIAmag", "Tmag", "gaiabp", "gaiarp"} else 3)
        hidden = column > _WISE[name[:2]] if name[:2] in _WISE else np.zeros(len(sources), dtype=bool)
        hidden |= ~star & (name not in {"Jmag", "Hmag", "Kmag", "Tmag"})
        values[name] = np.where(hidden, np.nan, column)
        floor = 0.0003 if name == "GAIAmag" else 0.02
        values[f"e_{name}"] = np.where(hidden, np.nan, _error(sources, floor, 1.0))
    faint = sources.bands["g"] < 14.0  # too bright for SDSS
    for band in "ugriz":
        values[f"{band}mag"] = np.where(faint, np.nan, values[f"{band}mag"])
        values[f"e_{band}mag"] = np.where(faint, np.nan, values[f"e_{band}mag"])
    quality = words(star, "AAA-222-111-000-0-0", "   -   -   -  0-0- ")
    return values | {
        "TWOMflag": _where(sources.bands["J"] < 16.5, list(quality)),
        "prox": np.round(10.0 + 300.0 * sources.dice("TIC prox"), 1),
        "TESSflag": words(star, "rered", "tor_jhk"),
        "VmagFlag": words(star, "gaia2"),
        "BmagFlag": words(star, "gaia2"),
    }


def _physics(sources: Sky, star: NDArray[np.bool_]) -> Values:
    known = star & (sources.plx > 0)
    values: Values = {}
    relative = {"Teff": 0.02, "rad": 0.05, "mass": 0.12, "rho": 0.25, "lum": 0.03}
    for name, part in relative.items():
        column = np.round(np.where(known, sources.physics[name], np.nan), 0 if name == "Teff" else 5)
        values |= {name: column, f"e_{name}": np.round(part * column, 0 if name == "Teff" else 6)}
    values["logg"] = np.where(known, np.round(sources.physics["logg"], 4), np.nan)
    values["e_logg"] = np.where(known, 0.08, np.nan)
    measured = known & (sources.bands["T"] < 10.0)
    values["MH"] = np.where(measured, np.round(0.5 * sources.dice("metals") - 0.3, 3), np.nan)
    values["e_MH"] = np.where(measured, 0.05, np.nan)
    values["ebv"] = np.where(known, np.round(0.1 * sources.dice("ebv"), 5), np.nan)
    values["e_ebv"] = np.round(0.1 * values["ebv"], 6)
    halves = {"EBV": "ebv", "Mass": "mass", "Rad": "rad", "rho": "rho", "logg": "logg", "lum": "lum", "Teff": "Teff"}
    for suffix, name in halves.items():
        values |= {f"eneg_{suffix}": values[f"e_{name}"], f"epos_{suffix}": values[f"e_{name}"]}
    values["lumclass"] = _where(known, list(words(sources.giant, "GIANT", "DWARF")))
    for name, flag in {"SPFlag": "gaia2", "EBVflag": "panstarrs", "distflag": "bj2018", "TeffFlag": "dered"}.items():
        values[name] = words(known, flag)
    values["raddflag"] = np.ma.masked_array((values["rad"] > 0).astype(int), ~known)
    values["wdflag"] = np.ma.masked_array(np.zeros(len(sources), dtype=int), ~star)
    return values


def _priorities(sources: Sky, star: NDArray[np.bool_], values: Mapping[str, NDArray[Any]]) -> Values:
    tess, teff = sources.bands["T"], np.nan_to_num(values["Teff"])
    cool = (teff < 4000) & (tess < 16.0)
    target = star & ~sources.giant & (teff > 0) & ((tess < 13.0) | cool)
    ranked = np.round(10.0 ** (-0.3 * np.maximum(tess, 4.0)) / np.maximum(values["rad"], 0.1) ** 1.5, 9)
    cluttered = np.where(target, np.round(0.4 * sources.dice("contamination") ** 4, 8), np.nan)
    numbers = np.round(40.0 * sources.dice("contaminants")).astype(int)
    return {
        "priority": np.where(target, ranked, np.nan),
        "contratio": cluttered,
        "numcont": np.ma.masked_array(numbers, ~target),
        "splists": words(cool, "cooldwarfs_v8"),
    }
