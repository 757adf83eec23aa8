"""Preview images: JPEG files padded to their cataloged length with comment segments, which viewers skip."""

from __future__ import annotations

import io
import struct
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .pixelgrid import PixelGrid, grids
from .products import File, frame_of
from .scene import brightness
from .spectra import flux_curve

_SIDES = {"picture": 300, "thumbnail": 100}
_QUALITIES = (90, 80, 65, 45, 25, 10)
_SEGMENT = 65535
_WAVELENGTH = 600.0


def picture(file: File, length: int) -> bytes:
    """Return the JPEG preview of an observation."""
    side = _SIDES[file.kind.layout]
    plotted = file.owner.dataproduct_type in {"spectrum", "timeseries"}
    image = Image.fromarray(_plot(file, side)) if plotted else _sky(file, side)
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        content = buffer.getvalue()
        if length - len(content) == 0 or length - len(content) >= 4:
            break
    return _fill_up(content, length)


def _fill_up(content: bytes, length: int) -> bytes:
    """Insert comment segments (marker FFFE, length, text) after the start marker."""
    segments = []
    missing = length - len(content)
    while missing > 0:
        # A segment has at least four bytes, so a remainder of one to three bytes must be avoided.
        part = missing if missing <= _SEGMENT else min(_SEGMENT, missing - 4)
        segments.append(b"\xff\xfe" + struct.pack(">H", part - 2) + b" " * (part - 4))
        missing -= part
    return content[:2] + b"".join(segments) + content[2:]


def _sky(file: File, side: int) -> Image.Image:
    """Return the sky in false colors.

    It is computed at a third of the resolution and enlarged, and cached for all filters of a pointing, so that hundreds
    of previews take seconds, not a minute.
    """
    rows, columns = frame_of(file.owner.instrument_name, file.owner.obs_id)
    size = (max(side * columns // rows, 16), side)
    found = grids(file.owner, [(side // 3, max(size[0] // 3, 8))])
    if not found:
        return Image.new("RGB", size, (40, 40, 40))
    return Image.fromarray(_false_colors(found[0], file.owner.target_name)).resize(size, Image.Resampling.BICUBIC)


@lru_cache(maxsize=32)
def _false_colors(grid: PixelGrid, target: str | None) -> NDArray[np.uint8]:
    """Return an image of blue, yellow, and red light with a logarithmic stretch."""
    bands = [brightness(grid, wavelength, target) for wavelength in (1600.0, _WAVELENGTH, 350.0)]
    stretched = [np.log1p(12.0 * np.clip(band - 0.07, 0, None)) / np.log1p(12.0 * 12.0) for band in bands]
    pixels = np.clip(255 * np.stack(stretched, axis=-1), 0, 255).astype(np.uint8)
    # The rows of pictures are ordered from top to bottom.
    return np.ascontiguousarray(pixels[::-1])


def _plot(file: File, side: int) -> NDArray[np.uint8]:
    """Return a plot of a spectrum or light curve as a line on white."""
    columns = side * 3 // 2
    values = flux_curve(file, columns)
    low, high = float(np.min(values)), float(np.max(values))
    heights = ((values - low) / ((high - low) or 1.0) * (side - 20) + 10).astype(int)
    canvas = np.full((side, columns, 3), 255, dtype=np.uint8)
    previous = heights[0]
    for column, height in enumerate(heights):
        canvas[min(previous, height) : max(previous, height) + 2, column] = (30, 60, 140)
        previous = height
    canvas[2, :], canvas[:, 2] = 0, 0
    return np.ascontiguousarray(canvas[::-1])
