"""Detectors and mosaics from which cutouts are taken.

In: where an image lies on the sky. Out: `Frame`, whose `cutout` is the piece around a position, as a `PixelGrid` that
knows its world coordinates, and `world_coordinates`, the header cards of a grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .geometry import separation, unit_vectors
from .pixelgrid import PixelGrid

Cards = list[tuple[str, object, str]]


@dataclass(frozen=True, slots=True)
class Frame:
    """A square image on the sky, projected onto the plane that touches it in its middle.

    Middle and pixel size are in degrees; ``angle`` is that of the pixel columns, degrees east of north.
    """

    ra: float
    dec: float
    scale: float
    angle: float
    side: int

    def grid(self, corner: tuple[int, int], shape: tuple[int, int]) -> PixelGrid:
        """Pixels of a piece of the image; its corner is column and row of the first pixel, from 1."""
        middle = (self.side + 1) / 2.0
        sine, cosine = math.sin(math.radians(self.angle)), math.cos(math.radians(self.angle))
        # Rounded, so that mathematical libraries cannot disagree about the last digit in a header.
        along, across = round(self.scale * cosine, 14), round(self.scale * sine, 14)
        crpix = (middle - corner[0] + 1, middle - corner[1] + 1)
        return PixelGrid(self.ra, self.dec, crpix, ((-along, across), (across, along)), shape)

    def pixel(self, ra: float, dec: float) -> tuple[float, float]:
        """Column and row of a position, from 1; infinite for the far side of the sky."""
        if float(separation(unit_vectors(ra, dec), unit_vectors(self.ra, self.dec))) > 1.0:
            return math.inf, math.inf
        x, y = self.grid((1, 1), (1, 1)).pixels(np.array(ra), np.array(dec))
        return float(x) + 1.0, float(y) + 1.0

    def near(self, ra: float, dec: float, radius: float = 0.0) -> bool:
        """Whether a cone (degrees) reaches the image."""
        low, high = 0.5, self.side + 0.5
        outside = [max(low - place, place - high, 0.0) for place in self.pixel(ra, dec)]
        return math.hypot(*outside) * self.scale <= radius

    def cutout(self, ra: float, dec: float, shape: tuple[int, int]) -> tuple[PixelGrid, tuple[int, int]]:
        """The piece around a position, and the column and row of its first pixel (from 1).

        The position's pixel is the middle one, or with an even number the one after the middle.
        """
        x, y = self.pixel(ra, dec)
        corner = (round(x) - shape[1] // 2, round(y) - shape[0] // 2)
        return self.grid(corner, shape), corner


def world_coordinates(grid: PixelGrid) -> Cards:
    """World coordinates of a grid (RA---TAN, DEC--TAN) as header cards."""
    scale = round(grid.scale, 14)
    (a, b), (c, d) = grid.cd
    matrix = {"PC1_1": a, "PC1_2": b, "PC2_1": c, "PC2_2": d}
    return [
        ("WCSAXES", 2, "number of axes"),
        ("CTYPE1", "RA---TAN", "projection"),
        ("CTYPE2", "DEC--TAN", "projection"),
        ("CRVAL1", grid.ra, "[deg] right ascension at reference pixel"),
        ("CRVAL2", grid.dec, "[deg] declination at reference pixel"),
        ("CRPIX1", grid.crpix[0], "reference pixel"),
        ("CRPIX2", grid.crpix[1], "reference pixel"),
        ("CUNIT1", "deg", "unit"),
        ("CUNIT2", "deg", "unit"),
        ("CDELT1", scale, "[deg] size of a pixel"),
        ("CDELT2", scale, "[deg] size of a pixel"),
        *((name, round(value / scale, 12), "rotation") for name, value in matrix.items()),
        ("RADESYS", "ICRS", "reference frame"),
    ]
