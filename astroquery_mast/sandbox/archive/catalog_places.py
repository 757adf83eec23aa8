"""Places of sources in other words: galactic and ecliptic coordinates, and names made of coordinates.

In: equatorial positions in degrees. Out: angles in degrees, rounded, or designations in the manner of 2MASS, WISE and
Pan-STARRS.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .catalog_light import Array
from .catalog_table import texts
from .geometry import unit_vectors

# Rows: the axes of the galactic frame (ESA 1997, The Hipparcos and Tycho Catalogs, volume 1, section 1.5.3).
_GALACTIC = np.array(
    [
        (-0.0548755604, -0.8734370902, -0.4838350155),
        (0.4941094279, -0.4448296300, 0.7469822445),
        (-0.8676661490, -0.1980763734, 0.4559837762),
    ]
)
_TILT = np.radians(23.4392911)
_ECLIPTIC = np.array([(1, 0, 0), (0, np.cos(_TILT), np.sin(_TILT)), (0, -np.sin(_TILT), np.cos(_TILT))])


def galactic(ra: Array, dec: Array, digits: int = 6) -> tuple[Array, Array]:
    """Galactic longitude and latitude, degrees."""
    return _turned(_GALACTIC, ra, dec, digits)


def ecliptic(ra: Array, dec: Array, digits: int = 6) -> tuple[Array, Array]:
    """Ecliptic longitude and latitude, degrees."""
    return _turned(_ECLIPTIC, ra, dec, digits)


def _turned(axes: Array, ra: Array, dec: Array, digits: int) -> tuple[Array, Array]:
    x, y, z = (unit_vectors(ra, dec) @ axes.T).T
    longitude = np.degrees(np.arctan2(y, x)) % 360.0
    return np.round(longitude, digits), np.round(np.degrees(np.arcsin(np.clip(z, -1.0, 1.0))), digits)


def _sexagesimal(value: float, digits: int, mark: str) -> str:
    """Hours or degrees, minutes and seconds in a row, cut (not rounded) as the names of sources are."""
    scale = 10**digits
    ticks = int(value * 3600 * scale + 1e-6)
    seconds, fraction = divmod(ticks, scale)
    whole = f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"
    return f"{whole}{mark}{fraction:0{digits}d}" if digits else whole


def _named(ra: Array, dec: Array, name: Callable[[float, float, str], str]) -> NDArray[np.object_]:
    places = zip(ra.tolist(), dec.tolist(), strict=True)
    return texts(name(right / 15.0, abs(north), "-" if north < 0 else "+") for right, north in places)


def two_mass_names(ra: Array, dec: Array) -> NDArray[np.object_]:
    """Names such as ``16573094-0405387``."""
    return _named(ra, dec, lambda h, d, sign: f"{_sexagesimal(h, 2, '')}{sign}{_sexagesimal(d, 1, '')}")


def wise_names(ra: Array, dec: Array) -> NDArray[np.object_]:
    """Names such as ``J165736.15-035619.8``."""
    return _named(ra, dec, lambda h, d, sign: f"J{_sexagesimal(h, 2, '.')}{sign}{_sexagesimal(d, 1, '.')}")


def panstarrs_names(ra: Array, dec: Array) -> NDArray[np.object_]:
    """Names such as ``PSO J254.2873-04.1006``."""
    places = zip(ra.tolist(), dec.tolist(), strict=True)
    return texts(f"PSO J{right:08.4f}{north:+08.4f}" for right, north in places)
