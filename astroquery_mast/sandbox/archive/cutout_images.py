"""Images cut out of mosaics: FITS units with world coordinates, and pictures.

In: a frame, a place, a size and a filter. Out: header and data units, or the bytes of a JPEG or PNG. The pixels are
those of the archive's scene, so a cutout shows what the images of the same field show.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.visualization import (
    AsinhStretch,
    AsymmetricPercentileInterval,
    BaseStretch,
    LinearStretch,
    LogStretch,
    ManualInterval,
    SinhStretch,
    SqrtStretch,
)
from numpy.typing import NDArray
from PIL import Image

from .bandpasses import limits
from .cutout_frame import Cards, Frame, world_coordinates
from .pixelgrid import PixelGrid
from .scene import brightness, generator

Array = NDArray[np.float64]
MADE = "2025-01-01"
STRETCHES: dict[str, BaseStretch] = {
    "asinh": AsinhStretch(),
    "sinh": SinhStretch(),
    "sqrt": SqrtStretch(),
    "log": LogStretch(),
    "linear": LinearStretch(),
}
_NOISE, _DECIMALS = 0.02, 4


@dataclass(frozen=True, slots=True)
class Looks:
    """How a picture is made of an image: stretch, the percentages or values shown as black and white, and inversion."""

    stretch: str = "asinh"
    percent: tuple[float, float] | None = None
    values: tuple[float, float] | None = None
    invert: bool = False


def wavelength(band: str) -> float:
    """Middle of an HST filter, nm."""
    shortest, longest = limits(band.upper(), "HST")
    return ((shortest or 500.0) + (longest or 700.0)) / 2.0


def pixels(frame: Frame, grid: PixelGrid, corner: tuple[int, int], band: str, name: str) -> Array:
    """Pixels of a cutout; zero where it reaches over the edge of the mosaic."""
    rows, columns = grid.shape
    noise = generator("cutout", name, corner, grid.shape).standard_normal(grid.shape)
    image = brightness(grid, wavelength(band), None) + _NOISE * noise
    inside_x = _inside(corner[0] + np.arange(columns), frame.side)
    inside_y = _inside(corner[1] + np.arange(rows), frame.side)
    return np.asarray(np.round(np.where(inside_y[:, None] & inside_x, image, 0.0), _DECIMALS))


def _inside(places: NDArray[np.int64], side: int) -> NDArray[np.bool_]:
    return np.asarray((places >= 1) & (places <= side))


def unit(data: Array, grid: PixelGrid, name: str, cards: Cards) -> Any:
    """Image unit with world coordinates."""
    made = fits.ImageHDU(data.astype(">f4"), name=name)
    made.header.extend([fits.Card(*card) for card in (*world_coordinates(grid), *cards)], update=True)
    return made


def fits_bytes(units: list[Any], cards: Cards) -> bytes:
    """FITS file of an empty primary unit with these cards, and of the image units."""
    primary = fits.PrimaryHDU()
    primary.header.extend([fits.Card(*card) for card in cards], update=True)
    for made in (primary, *units):
        made.add_checksum(when=f"{MADE}T00:00:00")
    content = io.BytesIO()
    fits.HDUList([primary, *units]).writeto(content, output_verify="exception")
    return content.getvalue()


def picture(data: Array, kind: str, looks: Looks) -> bytes:
    """JPEG or PNG of an image whose rows come from the bottom up."""
    if looks.values is not None:
        interval = ManualInterval(*looks.values)
    else:
        interval = AsymmetricPercentileInterval(*(looks.percent or (0.5, 99.5)))
    shown = STRETCHES[looks.stretch](interval(data))
    levels = np.clip(np.round(255.0 * np.nan_to_num(shown)), 0, 255).astype(np.uint8)
    if looks.invert:
        levels = 255 - levels
    content = io.BytesIO()
    # Pictures count rows from the top.
    Image.fromarray(np.ascontiguousarray(levels[::-1])).save(content, {"jpg": "JPEG", "png": "PNG"}[kind])
    return content.getvalue()
