"""The sources from which all catalogs are generated, with positions, magnitudes, colors, and proper motions.

All surveys derive their positions and magnitudes from the same sources, so that catalogs agree with one another and
with the images: all magnitudes follow from a Gaia magnitude and a color.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..packaged import packaged
from . import scene
from .fields import FIELDS, MOVING, TIC_NUMBERS, Field
from .scene import generator
from .surveys import tess_observations

Array = NDArray[np.float64]

# The main sequence: color (BP - RP), effective temperature (K), absolute G magnitude, radius and mass (solar units),
# rounded values from the tables maintained by E. Mamajek at the University of Rochester.
_SEQUENCE = np.array(packaged("instruments")["main_sequence"]).T

# Gaia DR2 documentation, section 5.3.7: G minus a magnitude as a polynomial of BP - RP, valid between 0 and 3.
_FROM_GAIA: Mapping[str, tuple[float, ...]] = packaged("instruments")["gaia"]
# Stassun et al. 2019 (AJ 158, 138), equation 1: T - G.
_TESS = (0.0324473, -0.633923, 0.0891337, -0.00522555)

#: Central wavelength (nm) of bands between which spectra are interpolated, and AB minus Vega magnitude of each.
SPECTRUM: Mapping[str, tuple[float, float]] = packaged("instruments")["bands"]


def magnitudes(g_mag: Array, color: Array, extended: NDArray[np.bool_]) -> dict[str, Array]:
    """Return magnitudes in all bands, from Gaia G and BP - RP; young stars make ``extended`` sources bright in the UV.

    The bands are ``G BP RP T`` (Gaia and TESS), ``B V`` (Johnson), ``u g r i z`` (SDSS), ``J H K`` (2MASS),
    ``W1 ... W4`` (WISE), ``FUV NUV`` (GALEX), and ``Pg Pr Pi Pz Py`` (Pan-STARRS).
    """
    x = np.clip(color, -0.2, 3.0)
    bands = {band: g_mag - _polynomial(terms, x) for band, terms in _FROM_GAIA.items()}
    red = g_mag - (0.62 * x - 0.07 * x**2)
    bands |= {"G": g_mag, "RP": red, "BP": red + x, "T": g_mag + _polynomial(_TESS, x)}
    bands["B"] = bands["V"] + np.minimum(0.8 * x, 1.75)
    bands["u"] = bands["g"] + 0.95 + 0.55 * x
    bands["z"] = bands["i"] - 0.12 * x
    bands["W1"] = bands["K"] - 0.04 - 0.02 * x
    bands["W2"] = bands["W1"] + 0.03 - 0.03 * x
    bands["W3"] = bands["W2"] - 0.04 * x
    bands["W4"] = bands["W3"] - 0.05
    bands["NUV"] = g_mag + np.where(extended, 1.6, 0.6 + 5.2 * np.maximum(x, 0.0))
    bands["FUV"] = bands["NUV"] + np.where(extended, 0.5, 0.4 + 3.5 * np.maximum(x, 0.0))
    # Tonry et al. 2012 (ApJ 750, 99), table 6, from SDSS to Pan-STARRS.
    slope = bands["g"] - bands["r"]
    offsets = {"g": (-0.012, -0.139), "r": (0.000, -0.007), "i": (0.004, -0.014), "z": (-0.013, 0.039)}
    bands |= {f"P{band}": bands[band] + zero + rise * slope for band, (zero, rise) in offsets.items()}
    bands["Py"] = bands["z"] + 0.031 - 0.106 * slope
    return bands


def _polynomial(terms: tuple[float, ...], x: Array) -> Array:
    return np.asarray(sum(term * x**power for power, term in enumerate(terms)))


def physics(color: Array, giant: NDArray[np.bool_]) -> dict[str, Array]:
    """Return ``Teff`` (K), ``M_G``, ``rad``, ``mass``, ``lum``, ``rho`` (solar), ``logg`` (cgs) of stars by BP - RP."""
    sequence, *values = _SEQUENCE
    teff, absolute, radius, mass = (np.interp(color, sequence, each) for each in values)
    absolute = np.where(giant, 0.6, absolute)
    radius = np.where(giant, 10.0 + 6.0 * np.maximum(color - 1.1, 0.0), radius)
    mass = np.where(giant, 1.3, mass)
    return {
        "Teff": teff,
        "M_G": absolute,
        "rad": radius,
        "mass": mass,
        "lum": radius**2 * (teff / 5772.0) ** 4,
        "logg": 4.438 + np.log10(mass / radius**2),
        "rho": mass / radius**3,
    }


def color_of(teff: Any) -> Array:
    """Return BP - RP of a main-sequence star by its effective temperature (K)."""
    return np.asarray(np.interp(teff, _SEQUENCE[1][::-1], _SEQUENCE[0][::-1]))


def at_wavelength(bands: Mapping[str, Array], wavelength: float) -> Array:
    """Return AB magnitudes at a wavelength (nm), interpolated between the bands of `SPECTRUM`."""
    names = list(SPECTRUM)
    centers = [SPECTRUM[name][0] for name in names]
    place = float(np.interp(wavelength, centers, np.arange(len(centers))))
    below = min(int(place), len(names) - 2)
    first, second = (bands[name] + SPECTRUM[name][1] for name in names[below : below + 2])
    return np.asarray(first + (place - below) * (second - first))


STAR, CLUSTER, GALAXY = 0, 1, 2
Flags = NDArray[np.bool_]

# Number of sources per field that are bright enough for the catalogs.
_STARS_PER_FIELD, _CLUSTERS_PER_FIELD, _GALAXIES_PER_FIELD = 240, 120, 150
# Magnitude of a source whose brightness in the images is 1.
_STAR_ZERO, _CLUSTER_ZERO, _GALAXY_ZERO = 18.6, 21.0, 24.0
_NEIGHBORS = 6
_MAS_PER_DEGREE = 3.6e6

# TESS magnitude, effective temperature (K), parallax (mas) and proper motion (mas/yr, east and north) of well-known
# targets, rounded from the TESS Input Catalog and SIMBAD.
_KNOWN: dict[str, tuple[float, int, float, float, float]] = packaged("targets")["stars"]
_QUASAR = (13.0, 9000, 0.0, 0.0, 0.0)
# Magnitude of a galaxy in the catalogs, that of its nucleus.
_NUCLEUS = 12.5


@dataclass(frozen=True)
class Sky:
    """Sources, as arrays of equal length.

    ICRS positions at epoch 2000 (degrees), Gaia G and BP - RP, parallax (mas) and proper motion (mas/yr; NaN for
    clusters and galaxies), `STAR`, `CLUSTER` or `GALAXY`, TIC id (0 if the archive's observations do not define one),
    and the index in the full sky, by which a source has the same random numbers in every catalog.
    """

    ra: Array
    dec: Array
    g_mag: Array
    color: Array
    plx: Array
    pm_ra: Array
    pm_dec: Array
    kind: NDArray[np.int64]
    giant: Flags
    tic: NDArray[np.int64]
    index: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ra)

    @cached_property
    def bands(self) -> dict[str, Array]:
        """Magnitudes in all bands; see `magnitudes`."""
        return magnitudes(self.g_mag, self.color, self.kind != STAR)

    @cached_property
    def physics(self) -> dict[str, Array]:
        """Stellar parameters; see `physics`."""
        return physics(self.color, self.giant)

    def where(self, chosen: Flags) -> Sky:
        """Return the sources selected by ``chosen``."""
        return Sky(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def at(self, year: float) -> tuple[Array, Array]:
        """Return positions at an epoch in degrees, rounded to 1e-8 (0.04 mas) as in catalogs."""
        years = year - 2000.0
        dec = self.dec + years * np.nan_to_num(self.pm_dec) / _MAS_PER_DEGREE
        east = years * np.nan_to_num(self.pm_ra) / _MAS_PER_DEGREE
        return np.round((self.ra + east / np.cos(np.radians(self.dec))) % 360.0, 8), np.round(dec, 8)

    def dice(self, *names: object) -> Array:
        """Return random numbers between 0 and 1, one per source."""
        return np.asarray(generator("catalog", *names).random(len(sky()))[self.index])

    def numbers(self, name: object, low: int, high: int) -> NDArray[np.int64]:
        """Return distinct integers from ``low`` up to ``high``, one per source, in random order."""
        rng, total = generator("catalog numbers", name), len(sky())
        step = (high - low) // total
        return np.asarray(rng.permutation(low + step * np.arange(total) + rng.integers(0, step, total))[self.index])


@cache
def sky() -> Sky:
    """Return all sources; they are the same in every process."""
    parts = [_field(field) for field in FIELDS.values() if field.name not in MOVING]
    parts.append(_light_curve_stars())
    whole = _joined(parts)
    return replace(whole, index=np.arange(len(whole)))


def _joined(parts: list[Sky]) -> Sky:
    return Sky(**{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Sky)})


def _field(field: Field) -> Sky:
    return _joined(list(_contents(field)))


def _contents(field: Field) -> Iterator[Sky]:
    stars = scene.stars(field)
    chosen = np.argsort(-stars.flux, kind="stable")[:_STARS_PER_FIELD]
    color = np.clip(1.05 + 0.85 * stars.slope[chosen], -0.1, 2.8)
    g_mag = np.round(_STAR_ZERO - 2.5 * np.log10(stars.flux[chosen]), 4)
    yield _stars(stars.ra[chosen], stars.dec[chosen], g_mag, color, field.name)
    if field.look == "star":
        yield _target(field)
    elif field.look == "spiral":
        yield _extended(*scene.knots(field, 600.0), CLUSTER, _CLUSTER_ZERO, _CLUSTERS_PER_FIELD)
    elif field.look == "deep":
        far = scene.galaxies(field)
        yield _extended(far.ra, far.dec, far.flux, GALAXY, _GALAXY_ZERO, _GALAXIES_PER_FIELD, 0.9 + 0.8 * far.color)
    if field.look in {"spiral", "elliptical"}:
        here = np.array([field.ra]), np.array([field.dec]), np.ones(1)
        yield _extended(*here, GALAXY, _NUCLEUS, 1, np.array([1.1]))


def _stars(ra: Array, dec: Array, g_mag: Array, color: Array, name: object) -> Sky:
    """Return the stars of the field or neighborhood ``name``."""
    count = len(ra)
    rng = generator("catalog stars", name)
    giant = (rng.random(count) < 0.12) & (color > 1.0)
    absolute = physics(color, giant)["M_G"]
    plx = np.round(10.0 ** ((absolute - g_mag + 10.0) / 5.0), 4)
    # Transverse velocities of about 30 km/s.
    pm_ra, pm_dec = np.round(rng.normal(0.0, 30.0, (2, count)) / 4.74 * plx, 3)
    nothing = np.zeros(count, dtype=np.int64)
    colors = np.round(color, 4)
    return Sky(ra % 360.0, dec, g_mag, colors, plx, pm_ra, pm_dec, nothing + STAR, giant, nothing, nothing)


def _target(field: Field) -> Sky:
    tess, teff, plx, pm_ra, pm_dec = _KNOWN.get(field.name, _QUASAR)
    color = float(color_of(teff))
    offset = magnitudes(np.zeros(1), np.array([color]), np.zeros(1, dtype=bool))["T"][0]
    values = (field.ra, field.dec, tess - offset, color, plx, pm_ra, pm_dec)
    ra, dec, g_mag, colors, parallax, east, north = (np.array([round(float(value), 8)]) for value in values)
    number, nothing = np.array([TIC_NUMBERS.get(field.name, 0)]), np.zeros(1, dtype=np.int64)
    return Sky(ra, dec, g_mag, colors, parallax, east, north, nothing + STAR, nothing > 0, number, nothing)


def _extended(
    ra: Array, dec: Array, flux: Array, kind: int, zero: float, count: int, color: Array | None = None
) -> Sky:
    chosen = np.argsort(-flux, kind="stable")[:count]
    colors = np.full(len(chosen), 0.25) if color is None else color[chosen]
    unknown, nothing = np.full(len(chosen), np.nan), np.zeros(len(chosen), dtype=np.int64)
    return Sky(
        ra=ra[chosen] % 360.0,
        dec=dec[chosen],
        g_mag=np.round(zero - 2.5 * np.log10(flux[chosen]), 4),
        color=np.round(colors, 4),
        plx=unknown,
        pm_ra=unknown,
        pm_dec=unknown,
        kind=nothing + kind,
        giant=nothing > 0,
        tic=nothing,
        index=nothing,
    )


def _light_curve_stars() -> Sky:
    """Return the stars with TESS light curves, apart from the named ones, and a few neighbors of each."""
    named = frozenset(TIC_NUMBERS.values())
    targets: dict[int, tuple[float, float]] = {}
    for observation in tess_observations():
        number = str(observation.target_name)
        if number.isdigit() and int(number) not in named:
            targets[int(number)] = observation.place
    rng = generator("catalog light curves")
    ra, dec = np.array(list(targets.values())).T
    bright = _stars(ra, dec, np.round(rng.uniform(7.0, 13.0, len(ra)), 4), rng.uniform(0.3, 2.4, len(ra)), "bright")
    bright = replace(bright, tic=np.array(list(targets)))
    east, north = rng.uniform(-0.08, 0.08, (2, len(ra), _NEIGHBORS))
    dec_near = np.clip(dec[:, None] + north, -89.9, 89.9)
    ra_near = (ra[:, None] + east / np.cos(np.radians(dec_near))) % 360.0
    g_mag = np.round(rng.uniform(12.0, 19.0, ra_near.size), 4)
    near = _stars(ra_near.ravel(), dec_near.ravel(), g_mag, rng.uniform(0.4, 2.6, ra_near.size), "near")
    return _joined([bright, near])
