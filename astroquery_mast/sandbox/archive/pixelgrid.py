"""Pixel grids of footprints: the corners of the grid are the corners of the footprint."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import Circle, Polygon, Shape, parse_region, project, unit_vectors
from .instruments import Corners
from .observation import Observation

Array = NDArray[np.float64]
_SMALLEST = 5.0 / 3600.0


@dataclass(frozen=True, slots=True)
class PixelGrid:
    """Tangent point (degrees), reference pixel (FITS, from 1), degrees per pixel (``cd[i][j]``), rows and columns."""

    ra: float
    dec: float
    crpix: tuple[float, float]
    cd: tuple[tuple[float, float], tuple[float, float]]
    shape: tuple[int, int]

    @property
    def scale(self) -> float:
        """Pixel size in degrees."""
        return math.sqrt(abs(self.cd[0][0] * self.cd[1][1] - self.cd[0][1] * self.cd[1][0]))

    def directions(self) -> Array:
        """Return vectors (not normalized) from the observer to every pixel, shape ``(rows, columns, 3)``."""
        rows, columns = self.shape
        y, x = np.mgrid[1 : rows + 1, 1 : columns + 1]
        dx, dy = x - self.crpix[0], y - self.crpix[1]
        xi = np.radians(self.cd[0][0] * dx + self.cd[0][1] * dy)
        eta = np.radians(self.cd[1][0] * dx + self.cd[1][1] * dy)
        center, east, north = axes(self.ra, self.dec)
        return np.asarray(center + xi[..., None] * east + eta[..., None] * north)

    def pixels(self, ra: Array, dec: Array) -> tuple[Array, Array]:
        """Return columns and rows (from 0) of positions in degrees."""
        xi, eta = project(self.ra, self.dec, ra, dec)
        inverse = np.linalg.inv(np.array(self.cd))
        x = inverse[0, 0] * xi + inverse[0, 1] * eta + self.crpix[0] - 1
        y = inverse[1, 0] * xi + inverse[1, 1] * eta + self.crpix[1] - 1
        return x, y

    def positions(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return right ascension and declination in degrees of columns and rows (from 0)."""
        dx, dy = x + 1 - self.crpix[0], y + 1 - self.crpix[1]
        xi = np.radians(self.cd[0][0] * dx + self.cd[0][1] * dy)
        eta = np.radians(self.cd[1][0] * dx + self.cd[1][1] * dy)
        sin0, cos0 = math.sin(math.radians(self.dec)), math.cos(math.radians(self.dec))
        depth = cos0 - eta * sin0
        dec = np.arctan2(sin0 + eta * cos0, np.hypot(xi, depth))
        return (self.ra + np.degrees(np.arctan2(xi, depth))) % 360.0, np.degrees(dec)


def axes(ra: float, dec: float) -> tuple[Array, Array, Array]:
    """Return the unit vectors towards a position, and towards east and north there."""
    lon = math.radians(ra)
    center = unit_vectors(ra, dec)
    east = np.array([-math.sin(lon), math.cos(lon), 0.0])
    return center, east, np.cross(center, east)


def grids(observation: Observation, shapes: list[tuple[int, int]]) -> list[PixelGrid]:
    """Return the pixel grids of the detectors of an observation."""
    if observation.s_ra is None or observation.s_dec is None:
        return []
    at = (observation.s_ra, observation.s_dec)
    parts = parse_region(observation.s_region) or (Circle(*at, _SMALLEST),)
    quads = [_corners(part) for part in parts]
    if len(quads) != len(shapes):
        quads = _share_out(quads[0], len(shapes))
    return [_grid(at, quad, shape) for quad, shape in zip(quads, shapes, strict=True)]


def _corners(part: Shape) -> Corners:
    if isinstance(part, Polygon) and len(part.vertices) == 4:
        return list(part.vertices)
    if isinstance(part, Circle):
        return _box(part.ra, part.dec, part.radius)
    ra, dec = part.vertices[0]
    xi, eta = project(ra, dec, *np.array(part.vertices).T)
    return _box(ra, dec, float(max(np.ptp(xi), np.ptp(eta))))


def _box(ra: float, dec: float, radius: float) -> Corners:
    """Return the corners of a square around a circle, north up, in pixel order; accurate enough for an image."""
    half = max(radius, _SMALLEST)
    stretch = half / max(math.cos(math.radians(dec)), 0.01)
    low, high = max(dec - half, -90.0), min(dec + half, 90.0)
    return [(ra + stretch, low), (ra - stretch, low), (ra - stretch, high), (ra + stretch, high)]


def _share_out(quad: Corners, count: int) -> list[Corners]:
    """Divide a footprint into one strip per detector, from the bottom up."""
    strips = []
    for index in range(count):
        (bottom_left, bottom_right), (top_left, top_right) = (_row(quad, (index + end) / count) for end in (0, 1))
        strips.append([bottom_left, bottom_right, top_right, top_left])
    return strips


def _row(quad: Corners, fraction: float) -> Corners:
    """Return the left and right end of a row of pixels, at a fraction of the height."""
    (left0, right0, right1, left1) = [np.array(corner) for corner in quad]
    left, right = left0 + (left1 - left0) * fraction, right0 + (right1 - right0) * fraction
    return [(float(left[0]), float(left[1])), (float(right[0]), float(right[1]))]


def _grid(at: tuple[float, float], quad: Corners, shape: tuple[int, int]) -> PixelGrid:
    rows, columns = shape
    sky = np.stack(project(*at, *np.array(quad).T), axis=1)
    pixels = np.array([(0.5, 0.5), (columns + 0.5, 0.5), (columns + 0.5, rows + 0.5), (0.5, rows + 0.5)])
    design = np.column_stack([pixels, np.ones(4)])
    solution, *_ = np.linalg.lstsq(design, sky, rcond=None)
    cd = solution[:2].T
    crpix = -np.linalg.solve(cd, solution[2])
    # Rounded, so that headers do not depend on the last digit of a linear algebra library.
    (a, b), (c, d) = np.round(cd, 14).tolist()
    return PixelGrid(*at, (round(float(crpix[0]), 6), round(float(crpix[1]), 6)), ((a, b), (c, d)), shape)


def grid_facts(grid: PixelGrid) -> dict[str, object]:
    """Return the values of a grid's world coordinates (RA---TAN, DEC--TAN) for header tables."""
    scale = round(grid.scale, 14)
    matrix = {f"{row}{column}": grid.cd[row - 1][column - 1] for row in (1, 2) for column in (1, 2)}
    return {
        "ra": grid.ra,
        "dec": grid.dec,
        "x": grid.crpix[0],
        "y": grid.crpix[1],
        "scale": scale,
        **{f"cd{place}": value for place, value in matrix.items()},
        **{f"pc{place}": round(value / scale, 12) for place, value in matrix.items()},
    }
