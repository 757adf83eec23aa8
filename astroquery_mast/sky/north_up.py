"""Rotate images so that north is up and east is left.

In: pixels and their world coordinates.  Out: pixels on another grid, accurate to a fraction of a pixel of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.coordinates import ICRS
from astropy.wcs import WCS
from astropy.wcs.utils import wcs_to_celestial_frame
from numpy.polynomial.polynomial import polygrid2d, polyvander2d

from ..tables.rows import Array

# Positions along each side of an image at which world coordinates are computed, and the degree of the polynomials that
# map one grid to the other; the distortions of all missions have a lower degree.
_NODES, _DEGREE = 16, 5
# The largest error of these polynomials as a fraction of the image size: half a pixel of a picture.
_PRECISION = 0.5e-3


@dataclass(frozen=True)
class Frame:
    """World coordinates (or None), and limits (left, right, bottom, top) in pixels."""

    wcs: Any
    limits: tuple[float, float, float, float]

    @property
    def size(self) -> tuple[float, float]:
        """The width and the height in pixels."""
        left, right, bottom, top = self.limits
        return right - left, top - bottom


def sky_axes_of(wcs: Any) -> WCS | None:
    """Return the celestial part of world coordinates; None if there is none, or if astropy does not know the frame.

    Maps of planets have such frames.
    """
    if not isinstance(wcs, WCS) or not wcs.has_celestial:
        return None
    celestial = wcs.celestial
    try:
        frame = wcs_to_celestial_frame(celestial)
    except ValueError:
        return None
    return celestial if frame.is_transformable_to(ICRS()) else None


def image_frame(wcs: WCS | None, shape: tuple[int, int]) -> Frame:
    """Return the frame of an image in its own orientation."""
    return Frame(wcs, (-0.5, shape[1] - 0.5, -0.5, shape[0] - 0.5))


def north_up_frame(wcs: WCS, shape: tuple[int, int]) -> Frame | None:
    """Return the smallest north-up frame that contains an image; None if the image is too wide for a plane."""
    middle = wcs.pixel_to_world((shape[1] - 1) / 2, (shape[0] - 1) / 2).icrs
    beside = wcs.pixel_to_world((shape[1] - 1) / 2 + np.array([1, 0]), (shape[0] - 1) / 2 + np.array([0, 1]))
    scale = float(np.sqrt(np.prod(middle.separation(beside).deg)))
    if not np.isfinite(scale) or scale <= 0:
        return None
    turned = WCS(naxis=2)
    turned.wcs.ctype, turned.wcs.radesys = ["RA---TAN", "DEC--TAN"], "ICRS"
    turned.wcs.crval, turned.wcs.crpix = [middle.ra.deg, middle.dec.deg], [1.0, 1.0]
    turned.wcs.cdelt = [-scale, scale]
    return frame_around(image_frame(wcs, shape), turned)


def frame_around(source: Frame, wcs: Any) -> Frame | None:
    """Return the smallest frame in ``wcs`` that contains a frame; None if ``wcs`` does not cover all of it."""
    place = _pixels_in(wcs, source, *_nodes(source))
    if place is None:
        return None
    (left, bottom), (right, top) = place.min(axis=1), place.max(axis=1)
    return Frame(wcs, (float(left), float(right), float(bottom), float(top)))


def resampled(pixels: Array, source: Frame, target: Frame, size: int) -> Array | None:
    """Resample an image to the grid of another frame, with NaN outside; None if no polynomial is accurate enough.

    ``pixels`` fill the limits of ``source``. Each pixel of the result has the value of the nearest input pixel. The
    longer side of the result has ``size`` pixels.
    """
    width, height = target.size
    scale = size / max(width, height)
    columns, rows = max(round(width * scale), 1), max(round(height * scale), 1)
    mappings = _grid_polynomials(source, target)
    if mappings is None:
        return None
    across, up = (2 * np.arange(columns) + 1) / columns - 1, (2 * np.arange(rows) + 1) / rows - 1
    # Relative position in the source, from 0 to 1, of each pixel of the result.
    part_x, part_y = (polygrid2d(across, up, mapping).T for mapping in mappings)
    inside = (part_x >= 0) & (part_x < 1) & (part_y >= 0) & (part_y < 1)
    found = np.full((rows, columns), np.nan, dtype=np.float32)
    at_y, at_x = (part_y[inside] * pixels.shape[0]).astype(int), (part_x[inside] * pixels.shape[1]).astype(int)
    found[inside] = pixels[at_y, at_x]
    return found


def _nodes(frame: Frame) -> tuple[Array, Array]:
    """Return pixel coordinates x and y on a grid over a frame, including its edges."""
    left, right, bottom, top = frame.limits
    grid = np.meshgrid(np.linspace(left, right, _NODES), np.linspace(bottom, top, _NODES))
    return grid[0].ravel(), grid[1].ravel()


def _pixels_in(wcs: Any, frame: Frame, x: Array, y: Array) -> Array | None:
    """Convert pixels of a frame to pixels of ``wcs``, ``(2, n)``; None if any has no position there."""
    place = np.array(wcs.world_to_pixel(frame.wcs.pixel_to_world(x, y)))
    return place if np.isfinite(place).all() else None


def _grid_polynomials(source: Frame, target: Frame) -> tuple[Any, Any] | None:
    """Return polynomials, for x and y, from positions in the target (-1 to 1) to positions in the source (0 to 1)."""
    x, y = _nodes(source)
    place = _pixels_in(target.wcs, source, x, y)
    if place is None:
        return None
    limits = np.reshape(target.limits, (2, 2))
    across, up = 2 * (place - limits[:, :1]) / np.ptp(limits, axis=1)[:, np.newaxis] - 1
    terms = polyvander2d(across, up, (_DEGREE, _DEGREE))
    (left, _, bottom, _), (width, height) = source.limits, source.size
    parts = np.column_stack([(x - left) / width, (y - bottom) / height])
    mappings = np.linalg.lstsq(terms, parts, rcond=None)[0]
    if np.abs(terms @ mappings - parts).max() > _PRECISION:
        return None
    found = mappings.reshape(_DEGREE + 1, _DEGREE + 1, 2)
    return found[..., 0], found[..., 1]
