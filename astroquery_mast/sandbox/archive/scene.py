"""The simulated sky: galaxies, nebulae, clusters, and stars, the same in every image of a field.

Brightness is in arbitrary units: about 0.1 for the sky background, 1 to 100 for bright features.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .fields import FIELDS, MOVING, Field
from .geometry import separation, unit_vectors
from .observation import seed_of
from .pixelgrid import PixelGrid, axes

Array = NDArray[np.float64]
_STARS = {"deep": 60, "nebula": 700, "cluster": 2600, "elliptical": 250, "spiral": 380, "star": 40}
_STAR_FIELD = 0.14
_KNOTS = 1500
_WIDE_PIXEL = 5.0 / 3600.0
_STAMP = 9


def generator(*names: object) -> np.random.Generator:
    """Return a random number generator that depends only on the names."""
    return np.random.Generator(np.random.PCG64(seed_of(*names)))


@lru_cache(maxsize=2)
def brightness(grid: PixelGrid, wavelength: float, target: str | None) -> Array:
    """Return the brightness of the sky in every pixel."""
    image = _draw(grid, wavelength, target)
    image.flags.writeable = False
    return image


def _draw(grid: PixelGrid, wavelength: float, target: str | None) -> Array:
    field = _nearest(grid)
    image = np.full(grid.shape, 0.08)
    if target in MOVING:
        return image + _planet(grid)
    if field is None or grid.scale > _WIDE_PIXEL:
        _add_stars(image, *_wide_stars(grid))
        return image
    image += _extended(field, grid, wavelength)
    _add_stars(image, *_field_stars(field, grid, wavelength))
    return image


def _nearest(grid: PixelGrid) -> Field | None:
    here = unit_vectors(grid.ra, grid.dec)
    away = {name: float(separation(unit_vectors(field.ra, field.dec), here)) for name, field in FIELDS.items()}
    name = min(away, key=lambda known: away[known])
    return FIELDS[name] if away[name] < math.radians(0.5) else None


def _offsets(field: Field, grid: PixelGrid) -> tuple[Array, Array]:
    """Return offsets east and north of the field's center in arcmin."""
    center, east, north = axes(field.ra, field.dec)
    directions = grid.directions()
    depth = directions @ center
    return np.degrees(directions @ east / depth) * 60.0, np.degrees(directions @ north / depth) * 60.0


def _extended(field: Field, grid: PixelGrid, wavelength: float) -> Array:
    x, y = _offsets(field, grid)
    red = _redness(wavelength)
    if field.look == "spiral":
        return _spiral(field, x, y, red)
    if field.look == "elliptical":
        radius = np.hypot(x, y * 1.25) + 0.02
        return np.asarray((0.5 + red) * np.minimum(1.2 / radius**1.1, 60.0))
    if field.look == "nebula":
        return _nebula(field, x, y, red)
    if field.look == "deep":
        return _small_galaxies(field, grid, red)
    return np.zeros(grid.shape)


def _redness(wavelength: float) -> float:
    return float(np.clip(math.log10(wavelength / 300.0), 0.0, 1.5))


def _disk_size(field: Field) -> float:
    """Return the scale length of a galaxy's disk in arcmin."""
    return float(np.clip(field.extent * 60 / 9, 0.25, 1.5))


def _spiral(field: Field, x: Array, y: Array, red: float) -> Array:
    rng = generator("spiral", field.name)
    tilt, pitch, axis = rng.uniform(0, math.pi), rng.uniform(3.0, 4.2), rng.uniform(0.7, 0.95)
    size = _disk_size(field)
    u = (x * math.cos(tilt) + y * math.sin(tilt)) / size
    v = (-x * math.sin(tilt) + y * math.cos(tilt)) / (size * axis)
    radius, angle = np.hypot(u, v) + 1e-3, np.arctan2(v, u)
    wave = 0.5 + 0.5 * np.cos(2.0 * angle - pitch * np.log(radius + 0.15) * 1.6)
    grain = np.clip(1.0 + 0.55 * _noise_field(rng, u * 9.0, v * 9.0), 0.1, None)
    arms = wave**3 * np.exp(-radius / 1.1) * (1 - np.exp(-((radius / 0.25) ** 2))) * grain
    disk, bulge = np.exp(-radius / 0.9), np.exp(-radius / 0.09)
    dust = 1.0 - 0.45 * (0.5 + 0.5 * np.cos(2.0 * angle - pitch * np.log(radius + 0.15) * 1.6 + 0.9)) ** 6
    return np.asarray(((7.0 - 2.5 * red) * arms + (0.7 + red) * disk) * dust + (6.0 + 18.0 * red) * bulge)


def _noise_field(rng: np.random.Generator, x: Array, y: Array) -> Array:
    """Return smooth noise of unit amplitude, composed of plane waves of several wavelengths."""
    total = np.zeros_like(x)
    for octave in range(4):
        for _ in range(4):
            direction, phase = rng.uniform(0, 2 * math.pi, 2)
            wave = 2.0**octave * rng.uniform(0.8, 1.6)
            total += np.sin(wave * (x * math.cos(direction) + y * math.sin(direction)) + phase) / 2.0**octave
    return total / 2.4


def _nebula(field: Field, x: Array, y: Array, red: float) -> Array:
    rng = generator("nebula", field.name)
    u, v = x / 0.7, y / 0.7
    bend_u, bend_v = _noise_field(rng, u, v), _noise_field(rng, v, u)
    clouds = _noise_field(rng, u + 0.7 * bend_u, v + 0.7 * bend_v)
    ridges = 1.0 - np.abs(_noise_field(rng, 1.4 * u + bend_v, 1.4 * v + bend_u))
    edge = 1.0 / (1.0 + np.exp(-4.0 * (v + 0.5 * bend_u)))
    return np.asarray(
        (0.4 + (0.9 - 0.3 * red) * np.exp(0.9 * clouds) + (0.5 + red) * np.clip(ridges, 0, 1) ** 4) * (0.3 + edge)
    )


class Galaxies(NamedTuple):
    """Small galaxies of a deep field: positions (degrees), brightness, redness, and shape."""

    ra: Array
    dec: Array
    flux: Array
    color: Array
    width: Array
    axis: Array
    tilt: Array


def galaxies(field: Field) -> Galaxies:
    """Return the small galaxies of a deep field; ``flux * (1 + color * red)`` is their brightness in images."""
    rng = generator("galaxies", field.name)
    count = 9000
    ra, dec = _scatter(rng, field, count, 0.15)
    flux, color = 0.5 * rng.pareto(1.3, count) + 0.3, rng.uniform(-0.6, 1.0, count)
    width, axis, tilt = rng.uniform(0.8, 2.4, count), rng.uniform(0.35, 1.0, count), rng.uniform(0, math.pi, count)
    return Galaxies(ra, dec, flux, color, width, axis, tilt)


def _small_galaxies(field: Field, grid: PixelGrid, red: float) -> Array:
    ra, dec, flux, color, width, axis, tilt = galaxies(field)
    x, y = grid.pixels(ra, dec)
    image = np.zeros(grid.shape)
    for index in np.flatnonzero(_inside(x, y, grid.shape)):
        size = width[index] * (1.0 + 0.35 * math.log1p(min(flux[index], 30.0)))
        rows, columns, dy, dx = _stamp(image, x[index], y[index], int(9 * size))
        cosine, sine = math.cos(tilt[index]), math.sin(tilt[index])
        along, across = dx * cosine + dy * sine, (dy * cosine - dx * sine) / axis[index]
        image[rows, columns] += (
            min(flux[index], 40.0) * (1 + color[index] * red) * np.exp(-np.hypot(along, across) / size)
        )
    return image


def _planet(grid: PixelGrid) -> Array:
    rows, columns = grid.shape
    y, x = np.mgrid[0:rows, 0:columns]
    radius = np.hypot(x - columns / 2 + 0.5, y - rows / 2 + 0.5) / (0.18 * min(rows, columns))
    limb = np.sqrt(np.clip(1.0 - radius**2, 0.0, 1.0))
    bands = 1.0 + 0.3 * np.sin(y / rows * 60.0)
    return np.asarray(2.5 * limb * bands)


def _scatter(rng: np.random.Generator, field: Field, count: int, reach: float) -> tuple[Array, Array]:
    """Return random positions within ``reach`` degrees of a field's center."""
    east, north = rng.uniform(-reach, reach, (2, count))
    if field.look == "cluster":
        distance = 0.02 * np.sqrt(rng.pareto(1.1, count))
        angle = rng.uniform(0, 2 * math.pi, count)
        east, north = distance * np.cos(angle), distance * np.sin(angle)
    dec = np.clip(field.dec + north, -89.9, 89.9)
    return field.ra + east / np.cos(np.radians(dec)), dec


class Stars(NamedTuple):
    """Stars of a field: positions (degrees), brightness at 600 nm, and slope of its dependence on wavelength."""

    ra: Array
    dec: Array
    flux: Array
    slope: Array


def stars(field: Field) -> Stars:
    """Return the stars around a field's target; ``flux * (wavelength / 600 nm) ** slope`` is their brightness."""
    rng = generator("stars", field.name)
    count = _STARS[field.look]
    ra, dec = _scatter(rng, field, count, _STAR_FIELD)
    flux = np.clip(0.8 * rng.pareto(0.9, count) + 0.4, 0, 400)
    return Stars(ra, dec, flux, np.clip(rng.normal(0, 0.5, count), -1, 1))


def _field_stars(field: Field, grid: PixelGrid, wavelength: float) -> tuple[Array, Array, Array]:
    ra, dec, flux, slope = stars(field)
    flux = flux * (wavelength / 600.0) ** slope
    if field.look == "spiral":
        ra, dec, flux = (np.append(*pair) for pair in zip((ra, dec, flux), knots(field, wavelength), strict=True))
    if field.look == "star":
        ra, dec, flux = np.append(ra, field.ra), np.append(dec, field.dec), np.append(flux, 900.0)
    x, y = grid.pixels(ra, dec)
    return x, y, flux


def knots(field: Field, wavelength: float) -> tuple[Array, Array, Array]:
    """Return young clusters along the arms of a spiral galaxy: positions (degrees) and brightness."""
    rng = generator("spiral", field.name)
    tilt, pitch, axis = rng.uniform(0, math.pi), rng.uniform(3.0, 4.2), rng.uniform(0.7, 0.95)
    radius = rng.uniform(0.15, 2.6, _KNOTS)
    angle = 0.8 * pitch * np.log(radius + 0.15) + math.pi * rng.integers(0, 2, _KNOTS) + rng.normal(0, 0.16, _KNOTS)
    size = _disk_size(field) / 60.0
    u, v = size * radius * np.cos(angle), size * axis * radius * np.sin(angle)
    dec = field.dec + u * math.sin(tilt) + v * math.cos(tilt)
    ra = field.ra + (u * math.cos(tilt) - v * math.sin(tilt)) / np.cos(np.radians(dec))
    blue = (600.0 / wavelength) ** 0.7
    return ra, dec, blue * np.clip(0.25 * rng.pareto(1.2, _KNOTS) + 0.2, 0, 25)


def _wide_stars(grid: PixelGrid) -> tuple[Array, Array, Array]:
    rng = generator("wide", round(grid.ra, 3), round(grid.dec, 3))
    rows, columns = grid.shape
    count = min(6000, rows * columns // 60)
    return (
        rng.uniform(0, columns, count),
        rng.uniform(0, rows, count),
        np.clip(0.3 * rng.pareto(1.1, count) + 0.1, 0, 300),
    )


class Sources(NamedTuple):
    """Sources in an image: columns and rows (from 0), brightness, and width in pixels, which is 0 for point sources."""

    x: Array
    y: Array
    flux: Array
    width: Array


def sources(grid: PixelGrid, wavelength: float, target: str | None) -> Sources:
    """Return the stars, clusters, and small galaxies that `brightness` draws."""
    field = _nearest(grid)
    if target in MOVING:
        return Sources(*(np.array([value]) for value in ((grid.shape[1] - 1) / 2, (grid.shape[0] - 1) / 2, 2.5, 20.0)))
    if field is None or grid.scale > _WIDE_PIXEL:
        x, y, flux = _wide_stars(grid)
        found = Sources(x, y, flux, np.zeros(len(x)))
    else:
        x, y, flux = _field_stars(field, grid, wavelength)
        found = Sources(x, y, flux, np.zeros(len(x)))
        if field.look == "deep":
            small = galaxies(field)
            red = _redness(wavelength)
            seen = Sources(*grid.pixels(small.ra, small.dec), small.flux * (1 + small.color * red), small.width)
            found = Sources(*map(np.append, found, seen))
    inside = _inside(found.x, found.y, grid.shape, margin=-1)
    return Sources(*(values[inside] for values in found))


def _inside(x: Array, y: Array, shape: tuple[int, int], margin: int = _STAMP) -> NDArray[np.bool_]:
    return np.asarray((x > -margin) & (x < shape[1] + margin) & (y > -margin) & (y < shape[0] + margin))


def _stamp(image: Array, x: float, y: float, half: int) -> tuple[slice, slice, Array, Array]:
    """Return the part of an image around a position, and the offsets of its pixels, as a column and a row."""
    rows, columns = _within(y, half, image.shape[0]), _within(x, half, image.shape[1])
    return (
        rows,
        columns,
        np.arange(rows.start, rows.stop)[:, np.newaxis] - y,
        np.arange(columns.start, columns.stop) - x,
    )


def _within(middle: float, half: int, length: int) -> slice:
    """Return the pixels of an axis near a position; there are none if the position is too far outside."""
    first, stop = (min(max(int(middle) + step, 0), length) for step in (-half, half + 1))
    return slice(first, stop)


def _add_stars(image: Array, x: Array, y: Array, flux: Array) -> None:
    """Draw stars with the wide wings of a Moffat profile."""
    for index in np.flatnonzero(_inside(x, y, (image.shape[0], image.shape[1]))):
        half = _STAMP if flux[index] < 30 else 3 * _STAMP
        rows, columns, dy, dx = _stamp(image, x[index], y[index], half)
        profile = (1.0 + (dx**2 + dy**2) / 1.8) ** -2.6
        if flux[index] >= 30:
            profile = profile + 0.02 * (
                np.exp(-np.abs(dx) / 0.6 - np.abs(dy) / 9) + np.exp(-np.abs(dy) / 0.6 - np.abs(dx) / 9)
            )
        image[rows, columns] += flux[index] * profile
