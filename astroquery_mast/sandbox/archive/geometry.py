"""Spherical geometry shared by footprints, apertures and image rendering.

In: positions in degrees (ICRS). Out: unit vectors, gnomonic (TAN) offsets and positions. First step of
everything that has a place on the sky; knows nothing of observations.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]


def unit_vectors(ra: Any, dec: Any) -> Vectors:
    """Unit vectors of positions."""
    lon = np.radians(np.asarray(ra, dtype=float))
    lat = np.radians(np.asarray(dec, dtype=float))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def separation(first: Vectors, second: Vectors) -> Vectors:
    """Angle between unit vectors, exact for small and for large angles."""
    apart = np.linalg.norm(first - second, axis=-1)
    facing = np.linalg.norm(first + second, axis=-1)
    return np.asarray(2.0 * np.arctan2(apart, facing))


def deproject(ra0: float, dec0: float, xi: float, eta: float) -> tuple[float, float]:
    """Position of a tangent-plane offset (the FITS TAN projection)."""
    x, y = math.radians(xi), math.radians(eta)
    sin0, cos0 = math.sin(math.radians(dec0)), math.cos(math.radians(dec0))
    denominator = cos0 - y * sin0
    ra = ra0 + math.degrees(math.atan2(x, denominator))
    dec = math.degrees(math.atan2(sin0 + y * cos0, math.hypot(x, denominator)))
    return ra % 360.0, dec


def project(ra0: float, dec0: float, ra: Any, dec: Any) -> tuple[Vectors, Vectors]:
    """Tangent-plane offsets of positions (inverse of `deproject`)."""
    lon = np.radians(np.asarray(ra, dtype=float) - ra0)
    lat = np.radians(np.asarray(dec, dtype=float))
    sin0, cos0 = math.sin(math.radians(dec0)), math.cos(math.radians(dec0))
    depth = np.sin(lat) * sin0 + np.cos(lat) * cos0 * np.cos(lon)
    xi = np.cos(lat) * np.sin(lon) / depth
    eta = (np.sin(lat) * cos0 - np.cos(lat) * sin0 * np.cos(lon)) / depth
    return np.degrees(xi), np.degrees(eta)
