"""Smaller catalogs: GALEX, PLATO's input catalog, SDSS, 2MASS, and the library of WFC3 point spread functions.

In: the sky. Out: a catalog each. Their columns are the first and the most used ones of the public releases.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .catalog_gaia import gaia_numbers
from .catalog_sky import GALAXY, STAR, Array, Sky, sky
from .catalog_table import CatalogTable, galactic, texts, two_mass_names
from .scene import generator

Values = dict[str, NDArray[Any]]

_FAINTEST_NUV, _FAINTEST_FUV = 22.5, 22.0
_SURVEYS = np.array(["AIS", "AIS", "MIS", "DIS", "NGS"], dtype=object)
# Flux (microjansky) of AB magnitude 23.9.
_MICROJANSKY = 23.9
_PSF_COUNTS = {"Uvis": 600, "Ir": 360}
_PSF_FILTERS = {
    "Uvis": ("F275W", "F336W", "F438W", "F606W", "F814W"),
    "Ir": ("F105W", "F110W", "F125W", "F140W", "F160W"),
}
_PSF_PIXELS = {"Uvis": 4096, "Ir": 1014}


def galex() -> CatalogTable:
    """Return the GALEX catalog; the distance, in arcmin, is the first column of its answers."""
    everything = sky()
    sources = everything.where(everything.bands["NUV"] < _FAINTEST_NUV)
    ra, dec = (np.round(angle, 7) for angle in sources.at(2005.0))
    count = len(sources)
    numbers = sources.numbers("GALEX", 6_370_000_000_000_000_000, 6_390_000_000_000_000_000)
    longitude, latitude = galactic(ra, dec, 7)
    columns: dict[str, tuple[str, NDArray[Any]]] = {
        "objID": ("string", numbers),
        "survey": ("string", _SURVEYS[(5 * sources.dice("GALEX survey")).astype(int)]),
        "tilename": ("string", texts(f"AIS_{number % 500}_sg{number % 90:02d}" for number in numbers.tolist())),
        "tilenum": ("int", numbers % 50_000),
        "img": ("int", np.full(count, 1)),
        "IAUName": (
            "string",
            texts(f"GALEX J{right:09.5f}{north:+09.5f}" for right, north in zip(ra, dec, strict=True)),
        ),
        "ra": ("float", ra),
        "dec": ("float", dec),
        "glon": ("float", longitude),
        "glat": ("float", latitude),
        "fov_radius": ("float", np.round(0.6 * np.sqrt(sources.dice("GALEX field")), 7)),
        "e_bv": ("float", np.round(0.1 * sources.dice("ebv"), 7)),
        "band": ("int", np.where(sources.bands["FUV"] < _FAINTEST_FUV, 3, 1)),
    }
    for name, band, faintest in (("nuv", "NUV", _FAINTEST_NUV), ("fuv", "FUV", _FAINTEST_FUV)):
        columns |= _ultraviolet(sources, name, np.where(sources.bands[band] < faintest, sources.bands[band], np.nan))
    for name in ("nuv", "fuv"):
        columns[f"{name}_artifact"] = ("int", np.where(sources.dice("artifact", name) < 0.05, 2, 0))
    return CatalogTable(columns, (ra, dec))


def _ultraviolet(sources: Sky, name: str, magnitude: Array) -> dict[str, tuple[str, NDArray[Any]]]:
    flux = 10.0 ** (0.4 * (_MICROJANSKY - magnitude))
    error = 0.03 * flux + 0.2
    columns: dict[str, tuple[str, NDArray[Any]]] = {
        f"{name}_mag": ("float", np.round(magnitude, 6)),
        f"{name}_magerr": ("float", np.round(1.0857 * error / flux, 6)),
        f"{name}_flux": ("float", np.round(flux, 6)),
        f"{name}_fluxerr": ("float", np.round(error, 6)),
        f"{name}_fwhm_world": ("float", np.round(0.0015 + 0.0003 * sources.dice("fwhm", name), 7)),
    }
    for aperture in range(1, 8):
        share = 1.0 - 0.6 * 0.5**aperture
        columns[f"{name}_flux_aper_{aperture}"] = ("float", np.round(share * flux, 6))
    return columns


def plato() -> CatalogTable:
    """Return the PLATO input catalog: bright dwarfs, and cool ones somewhat fainter."""
    everything = sky()
    dwarf = (everything.kind == STAR) & ~everything.giant & (everything.plx > 0)
    bright = (everything.bands["V"] < 13.0) & (everything.physics["Teff"] < 7000)
    cool = (everything.bands["V"] < 16.0) & (everything.physics["Teff"] < 4000)
    sources = everything.where(dwarf & (bright | cool))
    ra, dec = sources.at(2016.0)
    longitude, latitude = galactic(ra, dec)
    numbers = sources.numbers("PIC", 1_000_000, 40_000_000)
    physics = sources.physics
    return CatalogTable(
        {
            "PICidDR1": ("string", numbers),
            "PICnameDR1": ("string", texts(f"PIC DR1 {number}" for number in numbers.tolist())),
            "starName": ("string", texts(f"Gaia DR3 {number}" for number in gaia_numbers(sources).tolist())),
            "gaiaIdDR3": ("string", gaia_numbers(sources)),
            "RAdeg": ("float", ra),
            "DECdeg": ("float", dec),
            "GLON": ("float", longitude),
            "GLAT": ("float", latitude),
            "pmRA": ("float", sources.pm_ra),
            "pmDEC": ("float", sources.pm_dec),
            "Plx": ("float", sources.plx),
            "gaiaGmag": ("float", np.round(sources.g_mag, 4)),
            "gaiaBPmag": ("float", np.round(sources.bands["BP"], 4)),
            "gaiaRPmag": ("float", np.round(sources.bands["RP"], 4)),
            "Vmag": ("float", np.round(sources.bands["V"], 3)),
            "PLATOmag": ("float", np.round(sources.bands["V"] - 0.2 * sources.color, 3)),
            "Teff": ("float", np.round(physics["Teff"])),
            "Radius": ("float", np.round(physics["rad"], 4)),
            "Mass": ("float", np.round(physics["mass"], 4)),
            "sourceFlag": ("int", np.where(physics["Teff"] < 4000, 4, 5)),
        },
        (ra, dec),
    )


def sdss() -> CatalogTable:
    """Return the part of SDSS that cross-matches find."""
    everything = sky()
    sources = everything.where((everything.dec > -10.0) & (everything.bands["g"] > 14.0))
    ra, dec = sources.at(2003.0)
    columns: dict[str, tuple[str, NDArray[Any]]] = {
        "objID": ("string", sources.numbers("SDSS", 1_237_645_000_000_000_000, 1_237_680_000_000_000_000)),
        "ra": ("float", ra),
        "dec": ("float", dec),
        "type": ("int", np.where(sources.kind == GALAXY, 3, 6)),
        "mode": ("int", np.full(len(sources), 1)),
    }
    for band in "ugriz":
        magnitude = np.round(sources.bands[band], 4)
        columns[f"psfMag_{band}"] = ("float", magnitude)
        columns[f"psfMagErr_{band}"] = ("float", np.round(0.01 + 0.002 * np.maximum(magnitude - 16, 0), 5))
    return CatalogTable(columns, (ra, dec))


def two_mass() -> CatalogTable:
    """Return the 2MASS point sources."""
    everything = sky()
    sources = everything.where(everything.bands["J"] < 16.5)
    ra, dec = (np.round(angle, 6) for angle in sources.at(1999.5))
    columns: dict[str, tuple[str, NDArray[Any]]] = {
        "designation": ("string", two_mass_names(ra, dec)),
        "ra": ("float", ra),
        "dec": ("float", dec),
    }
    for band in "jhk":
        magnitude = np.round(sources.bands[band.upper()], 3)
        columns[f"{band}_m"] = ("float", magnitude)
        columns[f"{band}_msigcom"] = ("float", np.round(0.02 + 0.01 * np.maximum(magnitude - 13, 0), 3))
    columns["ph_qual"] = ("string", np.full(len(sources), "AAA", dtype=object))
    columns["cc_flg"] = ("string", np.full(len(sources), "000", dtype=object))
    return CatalogTable(columns, (ra, dec))


def _point_spread(detector: str) -> CatalogTable:
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


wfc3_uvis, wfc3_ir = partial(_point_spread, "Uvis"), partial(_point_spread, "Ir")
