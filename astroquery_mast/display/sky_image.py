"""Plot an image of the sky: north up, with a compass, a scale bar, a color bar, and a title.

In: pixels, reduced to the size of a plot, with their unit and coordinates.  Out: matplotlib axes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from astropy import units as u
from astropy.visualization import ImageNormalize, PercentileInterval
from astropy.visualization import stretch as stretches
from astropy.wcs import WCS

from ..exceptions import InvalidArgumentError
from ..sky.north_up import Frame, frame_around, image_frame, north_up_frame, resampled
from ..sky.picture import pyplot
from ..tables.columns import known_name
from ..tables.rows import Array
from .captions import unit_label

# Maximum number of pixels along the longer side of a plot; larger images are averaged first.
PICTURE_SIZE = 1200
_IMAGE_AXES = 2
# Number of pixels of an image to read at a time.
_STRIP = 1_000_000
_STRETCHES: dict[str, Callable[[], Any]] = {
    "linear": stretches.LinearStretch,
    "sqrt": stretches.SqrtStretch,
    "log": stretches.LogStretch,
    # With astropy's default of 0.1, faint outskirts of galaxies stay dark.
    "asinh": lambda: stretches.AsinhStretch(0.03),
    "sinh": stretches.SinhStretch,
}
_TICKS = 6
_WIDTH, _HEIGHT = 7.0, 6.0
# Lengths of scale bars in arcseconds, and their minimum length as a fraction of the width.
_LENGTHS = np.unique([n * unit for unit in (1e-3, 1e-2, 0.1, 1, 60, 3600) for n in (1, 2, 5, 10, 20, 30)])
_SHARE = 0.12
# The length of the compass arrows, and the distance of compass and scale bar from the edge, as fractions of the plot.
_ARROW, _EDGE = 0.08, 0.04
# Units of offsets; the first unit in which the image is larger than two is used.
_OFFSETS = (u.deg, u.arcmin, u.arcsec)
_COORDINATES = {
    "pos.eq.ra": "Right ascension",
    "pos.eq.dec": "Declination",
    "pos.galactic.lon": "Galactic longitude",
    "pos.galactic.lat": "Galactic latitude",
}


@dataclass(frozen=True)
class ReducedImage:
    """An image reduced to the size of a plot: the means of blocks of pixels, NaN if all of them are masked."""

    pixels: Array
    shape: tuple[int, int]
    wcs: WCS | None = None
    unit: u.UnitBase | None = None


def mean_plane(pixels: Array, mask: Array | None) -> Array:
    """Average an image over all but the last two dimensions, without masked pixels; NaN if all are masked."""
    values = pixels.astype(np.float32) if mask is None else np.where(mask, np.float32(np.nan), pixels)
    if values.ndim == _IMAGE_AXES:
        return values
    planes = values.reshape(-1, *values.shape[-2:])
    known = np.isfinite(planes)
    counts = known.sum(axis=0)
    return np.asarray(np.where(known, planes, 0).sum(axis=0) / np.where(counts > 0, counts, np.nan))


def reduced_by_strips(shape: tuple[int, int], strip_of: Callable[[slice], Array]) -> Array:
    """Return the means of blocks of pixels of an image that is read a few rows at a time."""
    if 0 in shape:
        return np.full(shape, np.nan, dtype=np.float32)
    size = _block_size(shape)
    rows = size * max(_STRIP // (size * shape[1]), 1)
    starts = range(0, shape[0], rows)
    return np.concatenate([_block_means(strip_of(slice(start, start + rows)), size) for start in starts])


def _block_size(shape: tuple[int, int]) -> int:
    """Return the number of pixels along each side of a block."""
    return max(-(-max(shape) // PICTURE_SIZE), 1)


def _block_means(pixels: Array, size: int) -> Array:
    """Return the means of blocks of pixels without NaN; blocks at the right and upper edges may be smaller."""
    if size == 1:
        return np.asarray(pixels, dtype=np.float32)
    rows, columns = (np.arange(0, length, size) for length in pixels.shape)
    known = np.isfinite(pixels)
    sums, counts = np.where(known, pixels, 0.0).astype(float), known.astype(float)
    for axis, starts in enumerate((rows, columns)):
        sums, counts = np.add.reduceat(sums, starts, axis=axis), np.add.reduceat(counts, starts, axis=axis)
    with np.errstate(invalid="ignore"):
        return (sums / np.where(counts > 0, counts, np.nan)).astype(np.float32)


def draw_image(
    image: ReducedImage, ax: Any, *, stretch: Any, percent: float, cmap: Any, north_up: bool, title: str
) -> Any:
    """Plot an image; return the axes."""
    norm, cmap = _norm(image.pixels, stretch, percent), _color_map(cmap)
    plane = _plane_of(image, ax, north_up=north_up)
    ax = _axes(ax, plane)
    extent = plane.frame.limits if hasattr(ax, "wcs") or not plane.is_rotated else _offsets(ax, plane.frame)
    drawn = ax.imshow(plane.pixels, norm=norm, cmap=cmap, origin="lower", interpolation="nearest", extent=extent)
    ax.set_title(title, fontsize="medium")
    bar = ax.figure.colorbar(drawn, ax=ax, label=unit_label("Pixel value", image.unit), fraction=0.046, pad=0.03)
    numbers, texts = _ticks(norm)
    bar.set_ticks(numbers, labels=texts)
    bar.ax.minorticks_off()
    if plane.frame.wcs is not None:
        _draw_compass(ax, plane.frame)
        _draw_scale(ax, plane.frame)
    return ax


def _norm(pixels: Array, stretch: Any, percent: float) -> Any:
    """Return the normalization of pixel values."""
    if isinstance(stretch, str):
        stretch = _STRETCHES[known_name(stretch, _STRETCHES, f"stretch={stretch!r} is not valid.", listed=True)]()
    if not isinstance(stretch, stretches.BaseStretch):
        raise InvalidArgumentError(f"stretch={stretch!r:.60} must be a name or a stretch of astropy.visualization.")
    if not isinstance(percent, Real) or not 0 < percent <= 100:
        raise InvalidArgumentError(f"percent={percent!r} must be a number greater than 0 and at most 100.")
    if not np.isfinite(pixels).any():
        raise InvalidArgumentError("The image has no valid pixels to plot.")
    low, high = PercentileInterval(percent).get_limits(pixels)
    # The range of a constant image is zero.
    return ImageNormalize(vmin=low, vmax=high if high > low else low + 1.0, stretch=stretch)


def _color_map(cmap: Any) -> Any:
    """Return a matplotlib color map."""
    try:
        return pyplot().get_cmap(cmap)
    except (TypeError, ValueError) as err:
        raise InvalidArgumentError(f"cmap={cmap!r:.60} is not a color map: {err}") from err


def _ticks(norm: Any) -> tuple[Array, list[str]]:
    """Return the ticks of the color bar, evenly spaced in color rather than in value, and their labels."""
    numbers = np.asarray(norm.inverse(np.linspace(0, 1, _TICKS)), dtype=float)
    # Two digits are enough, and no label needs to be finer than a thousandth of the range.
    finest = 10.0 ** (np.floor(np.log10(norm.vmax - norm.vmin)) - 2)
    texts = {f"{round(float(f'{number:.2g}') / finest) * finest:,.6g}": number for number in numbers}
    return np.array(list(texts.values())), list(texts)


# -- axes and orientation ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plane:
    """The pixels to draw, their frame, and whether north is up in it."""

    pixels: Array
    frame: Frame
    is_rotated: bool = False


def _plane_of(image: ReducedImage, ax: Any, *, north_up: bool) -> _Plane:
    """Return an image in the coordinates of the user's axes, with north up, or in its own coordinates."""
    source = image_frame(image.wcs, image.shape)
    if image.wcs is None:
        return _Plane(image.pixels, source)
    if hasattr(ax, "wcs"):
        target = frame_around(source, ax.wcs)
        rotated = None if target is None else resampled(image.pixels, source, target, PICTURE_SIZE)
        if target is None or rotated is None:
            raise InvalidArgumentError("The image cannot be drawn in the sky coordinates of these axes.")
        return _Plane(rotated, target)
    target = north_up_frame(image.wcs, image.shape) if north_up else None
    rotated = None if target is None else resampled(image.pixels, source, target, PICTURE_SIZE)
    return (
        _Plane(image.pixels, source) if target is None or rotated is None else _Plane(rotated, target, is_rotated=True)
    )


def _axes(ax: Any, plane: _Plane) -> Any:
    """Return the user's axes, or new ones, with labels."""
    wcs = plane.frame.wcs
    if ax is None:
        options = {} if wcs is None else {"projection": wcs}
        ax = pyplot().figure(figsize=(_WIDTH, _HEIGHT), layout="constrained").add_subplot(**options)
        if wcs is not None:
            _label_sky(ax, is_rotated=plane.is_rotated)
            return ax
    if not hasattr(ax, "imshow") or (wcs is None and hasattr(ax, "wcs")):
        raise InvalidArgumentError(f"ax={ax!r:.60} must be matplotlib axes, with sky coordinates only for an image.")
    if not hasattr(ax, "wcs") and not plane.is_rotated:
        ax.set(xlabel="x (pixels)", ylabel="y (pixels)")
    return ax


def _label_sky(ax: Any, *, is_rotated: bool) -> None:
    """Label the coordinates; with north up, right ascension is at the bottom and declination at the left."""
    kinds = [str(kind) for kind in ax.wcs.world_axis_physical_types]
    for coordinate, kind, place in zip(ax.coords, kinds, "bl", strict=True):
        coordinate.set_axislabel(_COORDINATES.get(kind, kind.rpartition(".")[2]))
        coordinate.set_ticklabel(exclude_overlapping=True, size="small")
        if is_rotated:
            for set_place in (coordinate.set_ticks_position, coordinate.set_ticklabel_position):
                set_place(place)
            coordinate.set_axislabel_position(place)
    ax.coords.grid(color="0.5", alpha=0.35, linestyle="dotted")


def _offsets(ax: Any, frame: Frame) -> tuple[float, float, float, float]:
    """Label axes without sky coordinates with offsets from the center; return the limits of the image in offsets."""
    scale = abs(frame.wcs.wcs.cdelt[1]) * u.deg
    unit = next((unit for unit in _OFFSETS if max(frame.size) * scale > 2 * unit), u.arcsec)
    left, right, bottom, top = np.array(frame.limits) * scale.to_value(unit)
    ax.set(xlabel=f"Offset in right ascension ({unit})", ylabel=f"Offset in declination ({unit})")
    # The reference pixel of the frame is its first pixel, number 0; east is at the left.
    return -left, -right, bottom, top


# -- compass and scale ------------------------------------------------------------------------------------------------


def _outline_style() -> dict[str, Any]:
    """Return the style of symbols that are visible on dark and bright backgrounds."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415 - an optional dependency

    return {"color": "black", "path_effects": [withStroke(linewidth=2.5, foreground="white")]}


def _draw_compass(ax: Any, frame: Frame) -> None:
    """Draw arrows to north and east in the lower right corner, so that both stay inside the plot."""
    center = frame.wcs.pixel_to_world(*_middle(frame)).icrs
    step = _length_of_pixels(frame, 0.01 * min(frame.size))
    arrows = {}
    for letter, angle in ("N", 0), ("E", 90):
        beside = np.array(frame.wcs.world_to_pixel(center.directional_offset_by(angle * u.deg, step))).ravel()
        direction = beside - _middle(frame)
        arrows[letter] = direction / np.hypot(*direction)
    # Fractions of the axes have different lengths in the two directions.
    form = min(frame.size) / np.array(frame.size)
    ends = {letter: _ARROW * direction * form for letter, direction in arrows.items()}
    reach = 1.5 * np.array([*ends.values(), (0, 0)])
    start = np.array([1 - _EDGE, _EDGE]) - (reach[:, 0].max(), reach[:, 1].min())
    style = _outline_style()
    for letter, end in ends.items():
        arrow = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, **style}
        ax.annotate("", start + end, start, "axes fraction", "axes fraction", arrowprops=arrow)
        place = start + 1.35 * end
        ax.text(*place, letter, transform=ax.transAxes, ha="center", va="center", size="small", **style)


def _draw_scale(ax: Any, frame: Frame) -> None:
    """Draw a scale bar of a round length, with a label, in the lower left corner."""
    width = _length_of_pixels(frame, frame.size[0]).to_value(u.arcsec)
    longer = _LENGTHS[_SHARE * width <= _LENGTHS]
    if not len(longer):
        return
    share, style = longer[0] / width, _outline_style()
    bar = {"transform": ax.transAxes, "linewidth": 2, "scalex": False, "scaley": False, **style}
    ax.plot([_EDGE, _EDGE + share], [_EDGE, _EDGE], **bar)
    middle = (_EDGE + share / 2, _EDGE + 0.015)
    ax.text(*middle, _angle_text(longer[0]), transform=ax.transAxes, ha="center", va="bottom", size="small", **style)


def _angle_text(arcseconds: float) -> str:
    """Return an angle in the largest unit in which it is at least 1."""
    degrees, minutes = arcseconds / 3600, arcseconds / 60
    return f"{degrees:g}°" if degrees >= 1 else f"{minutes:g}'" if minutes >= 1 else f'{arcseconds:g}"'


def _middle(frame: Frame) -> Array:
    """Return the pixel in the middle of a frame."""
    return np.asarray(np.reshape(frame.limits, (2, 2)).mean(axis=1))


def _length_of_pixels(frame: Frame, number: float) -> u.Quantity:
    """Return the length on the sky of a number of pixels along x through the middle."""
    x, y = _middle(frame)
    # Measure a tenth of the length, over which the sky is flat enough and within all projections.
    ends = frame.wcs.pixel_to_world(x + 0.05 * number * np.array([-1, 1]), [y, y])
    return 10 * ends[0].separation(ends[1])
