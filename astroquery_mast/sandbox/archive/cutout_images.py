"""Images cut out of detectors and mosaics: pixels with world coordinates, FITS units, and pictures.

The pixels show the same simulated sky as the archive's images of the field.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import visualization
from astropy.io import fits
from numpy.typing import NDArray
from PIL import Image

from ..packaged import Cards, cards
from .geometry import separation, unit_vectors
from .instruments import limits
from .pixelgrid import PixelGrid, grid_facts
from .scene import brightness, generator


@dataclass(frozen=True, slots=True)
class Frame:
    """A square image in the tangent plane at its center: center and pixel size in degrees, and the ``angle`` of the
    pixel columns, in degrees east of north.
    """

    ra: float
    dec: float
    scale: float
    angle: float
    side: int

    def grid(self, corner: tuple[int, int], shape: tuple[int, int]) -> PixelGrid:
        """Return the pixels of a part of the image; its corner is column and row of the first pixel, counted from 1."""
        middle = (self.side + 1) / 2.0
        sine, cosine = math.sin(math.radians(self.angle)), math.cos(math.radians(self.angle))
        # Rounded, so that headers do not depend on the last digit of a mathematical library.
        along, across = round(self.scale * cosine, 14), round(self.scale * sine, 14)
        crpix = (middle - corner[0] + 1, middle - corner[1] + 1)
        return PixelGrid(self.ra, self.dec, crpix, ((-along, across), (across, along)), shape)

    def pixel(self, ra: float, dec: float) -> tuple[float, float]:
        """Return column and row of a position, counted from 1; infinite on the opposite side of the sky."""
        if float(separation(unit_vectors(ra, dec), unit_vectors(self.ra, self.dec))) > 1.0:
            return math.inf, math.inf
        x, y = self.grid((1, 1), (1, 1)).pixels(np.array(ra), np.array(dec))
        return float(x) + 1.0, float(y) + 1.0

    def near(self, ra: float, dec: float, radius: float = 0.0) -> bool:
        """Return whether a cone (degrees) intersects the image."""
        low, high = 0.5, self.side + 0.5
        outside = [max(low - place, place - high, 0.0) for place in self.pixel(ra, dec)]
        return math.hypot(*outside) * self.scale <= radius

    def cutout(self, ra: float, dec: float, shape: tuple[int, int]) -> tuple[PixelGrid, tuple[int, int]]:
        """Return the part around a position, and column and row of its first pixel (counted from 1)."""
        x, y = self.pixel(ra, dec)
        corner = (round(x) - shape[1] // 2, round(y) - shape[0] // 2)
        return self.grid(corner, shape), corner


def world_coordinates(grid: PixelGrid) -> Cards:
    """Return the world coordinates of a grid (RA---TAN, DEC--TAN) as header cards."""
    return cards("cutout", grid_facts(grid))


Array = NDArray[np.float64]
MADE = "2025-01-01"
STRETCHES: dict[str, visualization.BaseStretch] = {
    "asinh": visualization.AsinhStretch(),
    "sinh": visualization.SinhStretch(),
    "sqrt": visualization.SqrtStretch(),
    "log": visualization.LogStretch(),
    "linear": visualization.LinearStretch(),
}
_NOISE, _DECIMALS = 0.02, 4


@dataclass(frozen=True, slots=True)
class Looks:
    """Display options of a picture: stretch, limits as percentiles or values, and inversion."""

    stretch: str = "asinh"
    percent: tuple[float, float] | None = None
    values: tuple[float, float] | None = None
    invert: bool = False


def wavelength(band: str) -> float:
    """Return the central wavelength of an HST filter in nm."""
    shortest, longest = limits(band.upper(), "HST")
    return ((shortest or 500.0) + (longest or 700.0)) / 2.0


def pixels(frame: Frame, grid: PixelGrid, corner: tuple[int, int], band: str, name: str) -> Array:
    """Return the pixels of a cutout; they are zero outside the mosaic."""
    rows, columns = grid.shape
    noise = generator("cutout", name, corner, grid.shape).standard_normal(grid.shape)
    image = brightness(grid, wavelength(band), None) + _NOISE * noise
    inside_x = _inside(corner[0] + np.arange(columns), frame.side)
    inside_y = _inside(corner[1] + np.arange(rows), frame.side)
    return np.asarray(np.round(np.where(inside_y[:, None] & inside_x, image, 0.0), _DECIMALS))


def _inside(places: NDArray[np.int64], side: int) -> NDArray[np.bool_]:
    return np.asarray((places >= 1) & (places <= side))


def unit(data: Array, grid: PixelGrid, name: str, further: Cards) -> Any:
    """Return an image unit with world coordinates."""
    made = fits.ImageHDU(data.astype(">f4"), name=name)
    made.header.extend([fits.Card(*card) for card in (*world_coordinates(grid), *further)], update=True)
    return made


def fits_bytes(units: list[Any], described: Cards) -> bytes:
    """Return a FITS file of an empty primary unit with the given cards, and of the image units."""
    primary = fits.PrimaryHDU()
    primary.header.extend([fits.Card(*card) for card in described], update=True)
    for made in (primary, *units):
        made.add_checksum(when=f"{MADE}T00:00:00")
    content = io.BytesIO()
    fits.HDUList([primary, *units]).writeto(content, output_verify="exception")
    return content.getvalue()


def picture(data: Array, kind: str, looks: Looks) -> bytes:
    """Return the JPEG or PNG of an image whose rows are ordered from bottom to top."""
    if looks.values is not None:
        interval = visualization.ManualInterval(*looks.values)
    else:
        interval = visualization.AsymmetricPercentileInterval(*(looks.percent or (0.5, 99.5)))
    shown = STRETCHES[looks.stretch](interval(data))
    levels = np.clip(np.round(255.0 * np.nan_to_num(shown)), 0, 255).astype(np.uint8)
    if looks.invert:
        levels = 255 - levels
    content = io.BytesIO()
    # The rows of pictures are ordered from top to bottom.
    Image.fromarray(np.ascontiguousarray(levels[::-1])).save(content, {"jpg": "JPEG", "png": "PNG"}[kind])
    return content.getvalue()
