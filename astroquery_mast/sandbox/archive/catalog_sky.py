"""The sources of the sky, from which every catalogue is made.

In: the stars, clusters and galaxies of the scenes that images show, and the stars that TESS has light curves of. Out:
`Sky`, one row per source: where it is, how bright, what colour, how it moves. A survey reads its own magnitudes and
positions off the same source, so that catalogues agree with one another and with the images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from . import scene
from .catalog_light import Array, colour_of, magnitudes, physics
from .fields import FIELDS, MOVING, TIC_NUMBERS, Field
from .scene import generator
from .tess import tess_observations

STAR, CLUSTER, GALAXY = 0, 1, 2
Flags = NDArray[np.bool_]

# How many of a field's sources are bright enough for the catalogues.
_STARS_PER_FIELD, _CLUSTERS_PER_FIELD, _GALAXIES_PER_FIELD = 240, 120, 150
# Magnitude of a source whose brightness in the images is 1.
_STAR_ZERO, _CLUSTER_ZERO, _GALAXY_ZERO = 18.6, 21.0, 24.0
_NEIGHBOURS = 6
_MAS_PER_DEGREE = 3.6e6

# TESS magnitude, effective temperature (K), parallax (mas) and proper motion (mas/yr, east and north) of well-known
# targets, rounded from the TESS input catalogue and SIMBAD.
_KNOWN: dict[str, tuple[float, int, float, float, float]] = {
    "PI-MEN": (5.105, 6037, 54.71, 311.2, 1048.8),
    "WASP-39": (11.378, 5400, 4.64, -16.8, -0.3),
    "WASP-18": (8.832, 6400, 8.09, 25.2, 20.6),
    "WASP-121": (10.051, 6460, 3.68, 5.6, -18.9),
    "WASP-96": (11.56, 5540, 2.81, 26.0, -2.0),
    "TRAPPIST-1": (13.853, 2600, 80.45, 930.9, -479.4),
    "HD209458": (7.132, 6065, 20.67, 29.8, -18.0),
    "HD189733": (6.864, 5050, 50.57, -3.3, -250.2),
    "L98-59": (9.393, 3415, 94.14, 94.8, -340.1),
    "TOI-700": (10.910, 3480, 32.1, -102.8, 161.8),
    "AU-MIC": (6.755, 3700, 102.83, 281.4, -359.9),
    "BETA-PIC": (3.696, 8052, 51.44, 4.7, 83.1),
    "BARNARD": (6.870, 3220, 547.45, -801.6, 10362.5),
    "KELT-9": (7.582, 10170, 4.86, 16.4, 22.0),
    "GJ1214": (12.180, 3250, 68.27, 580.5, -749.6),
    "PROXIMA-CEN": (7.578, 3040, 768.5, -3781.3, 769.8),
    "EV-LAC": (7.730, 3330, 198.01, -706.1, -458.9),
    "\u03b1-CEN": (0.2, 5790, 750.8, -3679.3, 473.7),
}
_QUASAR = (13.0, 9000, 0.0, 0.0, 0.0)
# Light that a galaxy shows a catalogue: its nucleus.
_NUCLEUS = 12.5


@dataclass(frozen=True)
class Sky:
    """Sources, as arrays of the same length.

    ICRS positions at epoch 2000 (degrees), Gaia G and BP - RP, parallax (mas) and proper motion (mas/yr; NaN for
    clusters and galaxies), `STAR`, `CLUSTER` or `GALAXY`, TIC number (0 if the archive's observations give none), and
    the place in the whole sky, by which a source has the same random numbers in every catalog.
    """

    ra: Array
    dec: Array
    g_mag: Array
    colour: Array
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
        """Magnitudes in every band; see `catalog_light.magnitudes`."""
        return magnitudes(self.g_mag, self.colour, self.kind != STAR)

    @cached_property
    def physics(self) -> dict[str, Array]:
        """What kind of star each is; see `catalog_light.physics`."""
        return physics(self.colour, self.giant)

    def where(self, chosen: Flags) -> Sky:
        """Return the sources for which ``chosen`` holds."""
        return Sky(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def at(self, year: float) -> tuple[Array, Array]:
        """Positions at an epoch, degrees, rounded as catalogues round them (0.04 mas)."""
        years = year - 2000.0
        dec = self.dec + years * np.nan_to_num(self.pm_dec) / _MAS_PER_DEGREE
        east = years * np.nan_to_num(self.pm_ra) / _MAS_PER_DEGREE
        return np.round((self.ra + east / np.cos(np.radians(self.dec))) % 360.0, 8), np.round(dec, 8)

    def dice(self, *names: object) -> Array:
        """Random numbers between 0 and 1, one per source."""
        return np.asarray(generator("catalog", *names).random(len(sky()))[self.index])

    def numbers(self, name: object, low: int, high: int) -> NDArray[np.int64]:
        """Different whole numbers from ``low`` up to ``high``, one per source, in no order."""
        rng, total = generator("catalog numbers", name), len(sky())
        step = (high - low) // total
        return np.asarray(rng.permutation(low + step * np.arange(total) + rng.integers(0, step, total))[self.index])


@cache
def sky() -> Sky:
    """Every source of the sky, the same in every process."""
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
    colour = np.clip(1.05 + 0.85 * stars.slope[chosen], -0.1, 2.8)
    g_mag = np.round(_STAR_ZERO - 2.5 * np.log10(stars.flux[chosen]), 4)
    yield _stars(stars.ra[chosen], stars.dec[chosen], g_mag, colour, field.name)
    if field.look == "star":
        yield _target(field)
    elif field.look == "spiral":
        yield _extended(*scene.knots(field, 600.0), CLUSTER, _CLUSTER_ZERO, _CLUSTERS_PER_FIELD)
    elif field.look == "deep":
        far = scene.galaxies(field)
        yield _extended(far.ra, far.dec, far.flux, GALAXY, _GALAXY_ZERO, _GALAXIES_PER_FIELD, 0.9 + 0.8 * far.colour)
    if field.look in {"spiral", "elliptical"}:
        here = np.array([field.ra]), np.array([field.dec]), np.ones(1)
        yield _extended(*here, GALAXY, _NUCLEUS, 1, np.array([1.1]))


def _stars(ra: Array, dec: Array, g_mag: Array, colour: Array, name: object) -> Sky:
    """Stars of the field or the neighbourhood called ``name``."""
    count = len(ra)
    rng = generator("catalog stars", name)
    giant = (rng.random(count) < 0.12) & (colour > 1.0)
    absolute = physics(colour, giant)["M_G"]
    plx = np.round(10.0 ** ((absolute - g_mag + 10.0) / 5.0), 4)
    # A transverse velocity of some 30 km/s.
    pm_ra, pm_dec = np.round(rng.normal(0.0, 30.0, (2, count)) / 4.74 * plx, 3)
    nothing = np.zeros(count, dtype=np.int64)
    colours = np.round(colour, 4)
    return Sky(ra % 360.0, dec, g_mag, colours, plx, pm_ra, pm_dec, nothing + STAR, giant, nothing, nothing)


def _target(field: Field) -> Sky:
    tess, teff, plx, pm_ra, pm_dec = _KNOWN.get(field.name, _QUASAR)
    colour = float(colour_of(teff))
    offset = magnitudes(np.zeros(1), np.array([colour]), np.zeros(1, dtype=bool))["T"][0]
    values = (field.ra, field.dec, tess - offset, colour, plx, pm_ra, pm_dec)
    ra, dec, g_mag, colours, parallax, east, north = (np.array([round(float(value), 8)]) for value in values)
    number, nothing = np.array([TIC_NUMBERS.get(field.name, 0)]), np.zeros(1, dtype=np.int64)
    return Sky(ra, dec, g_mag, colours, parallax, east, north, nothing + STAR, nothing > 0, number, nothing)


def _extended(
    ra: Array, dec: Array, flux: Array, kind: int, zero: float, count: int, colour: Array | None = None
) -> Sky:
    chosen = np.argsort(-flux, kind="stable")[:count]
    colours = np.full(len(chosen), 0.25) if colour is None else colour[chosen]
    unknown, nothing = np.full(len(chosen), np.nan), np.zeros(len(chosen), dtype=np.int64)
    return Sky(
        ra=ra[chosen] % 360.0,
        dec=dec[chosen],
        g_mag=np.round(zero - 2.5 * np.log10(flux[chosen]), 4),
        colour=np.round(colours, 4),
        plx=unknown,
        pm_ra=unknown,
        pm_dec=unknown,
        kind=nothing + kind,
        giant=nothing > 0,
        tic=nothing,
        index=nothing,
    )


def _light_curve_stars() -> Sky:
    """The stars that TESS has light curves of, apart from the named ones, and a few neighbours of each."""
    named = frozenset(TIC_NUMBERS.values())
    targets: dict[int, tuple[float, float]] = {}
    for observation in tess_observations():
        number = str(observation.target_name)
        if number.isdigit() and int(number) not in named:
            targets[int(number)] = (observation.s_ra or 0.0, observation.s_dec or 0.0)
    rng = generator("catalog light curves")
    ra, dec = np.array(list(targets.values())).T
    bright = _stars(ra, dec, np.round(rng.uniform(7.0, 13.0, len(ra)), 4), rng.uniform(0.3, 2.4, len(ra)), "bright")
    bright = replace(bright, tic=np.array(list(targets)))
    east, north = rng.uniform(-0.08, 0.08, (2, len(ra), _NEIGHBOURS))
    dec_near = np.clip(dec[:, None] + north, -89.9, 89.9)
    ra_near = (ra[:, None] + east / np.cos(np.radians(dec_near))) % 360.0
    g_mag = np.round(rng.uniform(12.0, 19.0, ra_near.size), 4)
    near = _stars(ra_near.ravel(), dec_near.ravel(), g_mag, rng.uniform(0.4, 2.6, ra_near.size), "near")
    return _joined([bright, near])
