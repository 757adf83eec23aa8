"""Smaller catalogs: GALEX, PLATO, SDSS, 2MASS, the library of WFC3 point spread functions, and Disk Detective."""

from __future__ import annotations

import numpy as np

from ..packaged import packaged
from .catalog_sky import GALAXY, STAR, Array, Sky, sky
from .catalog_stars import gaia_numbers
from .catalog_table import CatalogTable, ColumnRules, Values, galactic, texts, two_mass_names, wise_names
from .observation import base36
from .scene import generator

_FAINTEST = {"nuv": 22.5, "fuv": 22.0}
_SURVEYS = np.array(["AIS", "AIS", "MIS", "DIS", "NGS"], dtype=object)
# AB magnitude of 1 microjansky.
_MICROJANSKY = 23.9
_PSF_COUNTS = {"Uvis": 600, "Ir": 360}
_PSF_FILTERS = {
    "Uvis": ("F275W", "F336W", "F438W", "F606W", "F814W"),
    "Ir": ("F105W", "F110W", "F125W", "F140W", "F160W"),
}
_PSF_PIXELS = {"Uvis": 4096, "Ir": 1014}


def _table(name: str, sources: Sky, position: tuple[Array, Array], given: Values) -> CatalogTable:
    return CatalogTable(ColumnRules(sources, given).columns(packaged("columns")[name]), position)


def galex() -> CatalogTable:
    """Return the GALEX catalog; the first column of its results is the distance in arcmin."""
    everything = sky()
    sources = everything.where(everything.bands["NUV"] < _FAINTEST["nuv"])
    ra, dec = (np.round(angle, 7) for angle in sources.at(2005.0))
    numbers = sources.numbers("GALEX", 6_370_000_000_000_000_000, 6_390_000_000_000_000_000)
    longitude, latitude = galactic(ra, dec, 7)
    given: Values = {
        "objID": numbers,
        "survey": _SURVEYS[(5 * sources.dice("GALEX survey")).astype(int)],
        "tilename": texts(f"AIS_{number % 500}_sg{number % 90:02d}" for number in numbers.tolist()),
        "tilenum": numbers % 50_000,
        "IAUName": texts(f"GALEX J{right:09.5f}{north:+09.5f}" for right, north in zip(ra, dec, strict=True)),
        "ra": ra,
        "dec": dec,
        "glon": longitude,
        "glat": latitude,
    }
    for name, faintest in _FAINTEST.items():
        band = sources.bands[name.upper()]
        magnitude = np.where(band < faintest, band, np.nan)
        flux = 10.0 ** (0.4 * (_MICROJANSKY - magnitude))
        error = 0.03 * flux + 0.2
        given |= {name: magnitude, f"{name} flux": flux, f"{name} error": error}
        given[f"{name}_magerr"] = np.round(1.0857 * error / flux, 6)
    return _table("galex", sources, (ra, dec), given)


def plato() -> CatalogTable:
    """Return the PLATO Input Catalog: bright dwarfs, and somewhat fainter cool ones."""
    everything = sky()
    dwarf = (everything.kind == STAR) & ~everything.giant & (everything.plx > 0)
    bright = (everything.bands["V"] < 13.0) & (everything.physics["Teff"] < 7000)
    cool = (everything.bands["V"] < 16.0) & (everything.physics["Teff"] < 4000)
    sources = everything.where(dwarf & (bright | cool))
    ra, dec = sources.at(2016.0)
    longitude, latitude = galactic(ra, dec)
    gaia = gaia_numbers(sources)
    numbers = sources.numbers("PIC", 1_000_000, 40_000_000).tolist()
    given: Values = {
        "PICnameDR1": texts(f"PIC DR1 {number}" for number in numbers),
        "starName": texts(f"Gaia DR3 {number}" for number in gaia.tolist()),
        "gaiaIdDR3": gaia,
        "RAdeg": ra,
        "DECdeg": dec,
        "GLON": longitude,
        "GLAT": latitude,
        "PLATOmag": np.round(sources.bands["V"] - 0.2 * sources.color, 3),
    }
    return _table("plato", sources, (ra, dec), given)


def sdss() -> CatalogTable:
    """Return the part of SDSS used by cross-matches."""
    everything = sky()
    sources = everything.where((everything.dec > -10.0) & (everything.bands["g"] > 14.0))
    ra, dec = sources.at(2003.0)
    return _table("sdss", sources, (ra, dec), {"ra": ra, "dec": dec, "galaxy": sources.kind == GALAXY})


def two_mass() -> CatalogTable:
    """Return the 2MASS point sources."""
    everything = sky()
    sources = everything.where(everything.bands["J"] < 16.5)
    ra, dec = (np.round(angle, 6) for angle in sources.at(1999.5))
    return _table("2mass", sources, (ra, dec), {"ra": ra, "dec": dec, "designation": two_mass_names(ra, dec)})


def guide_stars() -> CatalogTable:
    """Return the Guide Star Catalog, version 2.4.2."""
    everything = sky()
    sources = everything.where(everything.bands["r"] < 20.5)
    ra, dec = sources.at(2000.0)
    given: Values = {
        "hstID": texts(f"N{index:09d}" for index in sources.index.tolist()),
        "ra": ra,
        "dec": dec,
        "extended": sources.kind != STAR,
    }
    return CatalogTable(ColumnRules(sources, given).columns(packaged("dal")["gsc"]), (ra, dec))


def point_spread(detector: str) -> CatalogTable:
    """Return the library of point spread functions of a WFC3 detector (``Uvis``, ``Ir``)."""
    count, pixels = _PSF_COUNTS[detector], _PSF_PIXELS[detector]
    rng = generator("WFC3 PSF", detector)
    filters = np.array(_PSF_FILTERS[detector], dtype=object)
    x, y = np.round(rng.uniform(0, pixels, (2, count)), 3)
    letters = rng.integers(0, 26, (count, 4))
    roots = ["i" + "".join(chr(97 + letter) for letter in row) + f"{n % 100:02d}kq" for n, row in enumerate(letters)]
    return CatalogTable(
        {
            "id": ("int", np.arange(1, count + 1)),
            "rootname": ("string", texts(roots)),
            "filter": ("string", filters[rng.integers(0, len(filters), count)]),
            "aperture": ("string", np.full(count, "UVIS" if detector == "Uvis" else "IR", dtype=object)),
            "chip": ("int", rng.integers(1, 3, count) if detector == "Uvis" else np.ones(count, dtype=int)),
            "exptime": ("float", np.round(rng.uniform(5, 1300, count), 1)),
            "mjd": ("float", np.round(rng.uniform(55000, 59500, count), 5)),
            "psf_x_center": ("float", x),
            "psf_y_center": ("float", y),
            "midx": ("int", x.astype(int)),
            "midy": ("int", y.astype(int)),
            "psf_flux": ("float", np.round(1e3 * (1 + rng.pareto(1.1, count)), 2)),
            "sky": ("float", np.round(rng.uniform(0, 40, count), 3)),
            "qfit": ("float", np.round(rng.uniform(0.005, 0.1, count), 4)),
            "subarray": ("string", np.where(rng.random(count) < 0.1, "T", "F").astype(object)),
        }
    )


#: Columns about the classification of a subject, which can be filtered but are not returned.
_HIDDEN: tuple[str, ...] = packaged("columns")["diskdetective hidden"]
# Error columns of APASS.
_ERRORS = ("A_Verr", "A_B_Verr", "A_Berr", "A_gErr", "A_rErr", "A_iErr")
_VOTES = ("good", "multi", "oval", "empty", "extended", "shift")
_CHOSEN, _FAINTEST_K = 0.35, 12.0
_STATES = np.array(["complete", "complete", "complete", "inactive", "active", "disabled"], dtype=object)
_SUBJECTS = "https://talk.diskdetective.org/#/subjects/"
_SEDS = "http://mastweb.stsci.edu/CasOutPut/DD/"
# Where Pan-STARRS is saturated, errors are unknown and replaced by this number.
_UNKNOWN, _SATURATED = -999.0, 14.0


def disk_detective() -> CatalogTable:
    """Return the Disk Detective catalog."""
    everything = sky()
    chosen = (everything.kind == STAR) & (everything.bands["K"] < _FAINTEST_K) & (everything.bands["K"] > 3.0)
    sources = everything.where(chosen & (everything.dice("disk") < _CHOSEN))
    given = _names(sources) | _votes(sources) | _infrared(sources) | _optical(sources)
    columns = ColumnRules(sources, given).columns(packaged("columns")["diskdetective"])
    return CatalogTable(columns, (given["ra"], given["dec"]), hidden=_HIDDEN)


def _names(sources: Sky) -> Values:
    ra, dec = (np.round(angle, 7) for angle in sources.at(2010.5))
    numbers = sources.numbers("SED", 100_000, 999_999).tolist()
    subjects = [f"AWI{base36(number, 7)}" for number in sources.numbers("subject", 36**4, 36**5).tolist()]
    return {
        "designation": wise_names(ra, dec),
        "ZooniverseID": texts(subjects),
        "ra": ra,
        "dec": dec,
        **dict(zip(("glon", "glat"), galactic(ra, dec, 7), strict=True)),
        **dict.fromkeys(("G_source_id", "G_objid"), gaia_numbers(sources)),
        "previewURL": texts(f"{_SEDS}seds_{number % 16}/{number}_thumb.png" for number in numbers),
        "sedURL": texts(f"{_SEDS}seds_{number % 16}/{number}.png" for number in numbers),
        "ZooniverseURL": texts(f"{_SUBJECTS}{subject}" for subject in subjects),
    }


def _votes(sources: Sky) -> Values:
    state = _STATES[(6 * sources.dice("state")).astype(int)]
    classifiers = np.where(state == "inactive", 0, 5 + (25 * sources.dice("classifiers")).astype(int))
    votes = {vote: np.round(classifiers * sources.dice("vote", vote) ** 2).astype(int) for vote in _VOTES}
    fractions = {f"{vote}Fraction": np.round(votes[vote] / np.maximum(classifiers, 1), 4) for vote in _VOTES}
    return {"state": state, "classifiers": classifiers} | votes | fractions


def _infrared(sources: Sky) -> Values:
    bands = sources.bands
    # Excess of the disk: none at 3 micrometers, up to four magnitudes at 22.
    excess = 0.5 + 3.5 * sources.dice("excess")
    wise = {"w1": bands["W1"], "w2": bands["W2"] - 0.02 * excess, "w3": bands["W3"] - 0.4 * excess}
    wise["w4"] = bands["W4"] - excess
    values = wise | {f"{name}sigmpro": _error(sources, magnitude, name) for name, magnitude in wise.items()}
    values |= {f"{band}_msig_2mass": _error(sources, bands[band.upper()], band) for band in "jhk"}
    j, h, k = (np.round(bands[band], 3) for band in "JHK")
    return values | {"j_h": j - h, "h_k": h - k}


def _error(sources: Sky, magnitude: Array, name: str) -> Array:
    return np.round(0.018 + 0.004 * np.maximum(magnitude - 8.0, 0.0) + 0.02 * sources.dice("DD error", name), 3)


def _optical(sources: Sky) -> Values:
    bands = sources.bands
    known = (bands["V"] > 7.0) & (bands["V"] < 17.0)
    values: Values = {name: np.where(known, _error(sources, bands["V"], name), np.nan) for name in _ERRORS}
    for band in "giryz":
        error = np.round(0.001 + 0.02 * sources.dice("P error", band), 6)
        values[f"P_{band}MeanPSFMagErr"] = np.where(bands[f"P{band}"] < _SATURATED, _UNKNOWN, error)
    return values | {
        "in APASS": known,
        "B-V": bands["B"] - bands["V"],
        "near": sources.plx > 5.0,
        "measured": sources.plx > 0,
    }
