"""Axes with sky coordinates, with the search drawn on them and an image behind them.

In: the outlines of footprints, the search, an image with its WCS.  Out: axes that show all footprints, the search
circle, or the image; positions as pixels of these axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from ..exceptions import InvalidArgumentError, InvalidQueryError
from ..tables.rows import Array
from .outlines import Outlines
from .picture import faint_lines, ink, pyplot
from .position import as_coordinate, as_radius
from .shapes import Circle
from .sphere import longitude_latitude, min_enclosing_circle, separation, tangents, unit_vectors

# Pixels from the center of the picture to its edge, and the factor for the margin around the footprints.
_HALF, _ROOM = 500.0, 1.08
# Radii in degrees beyond which a tangent plane, or a disc, is stretched too much.
_WIDE, _HEMISPHERE = 40.0, 90.0
# The smallest radius of a picture in degrees, used if there are only points.
_SMALLEST = 1 / 3600
# Number of corners of a circle in a plot.
_ROUND = 90
# An outline is torn at the edge of the sky, where it moves across the picture this many times faster than elsewhere.
_TORN = 10.0


def search_circle(coordinates: Any, radius: Any) -> Circle | None:
    """Return the circle that was searched; the radius is 0 if there is only a center."""
    if coordinates is None:
        if radius is not None:
            raise InvalidArgumentError("radius requires coordinates, the center of the circle.")
        return None
    center = _center(coordinates)
    return Circle(center.ra.deg, center.dec.deg, 0.0 if radius is None else float(as_radius(radius).deg))


def _center(coordinates: Any) -> SkyCoord:
    """Return the center of a circle; raise for an object name, because plots do not resolve names."""
    try:
        return as_coordinate(coordinates)
    except InvalidArgumentError as err:
        if not isinstance(coordinates, str) or not any(map(str.isalpha, coordinates)):
            raise
        raise InvalidArgumentError(
            f"{str(err).rstrip('.')}. Object names are not resolved here: use "
            f"coordinates=Observations.resolve_object({coordinates!r})."
        ) from err


def check_sky_axes(ax: Any) -> Any:
    """Return the user's axes; raise if they have no sky coordinates."""
    if not hasattr(ax, "wcs"):
        raise InvalidQueryError("ax has no sky coordinates. Create it with projection=wcs.")
    return ax


@dataclass(frozen=True)
class SkyView:
    """The part of the sky that new axes show: the circle around all footprints, or the search."""

    center: Array
    # In degrees.
    reach: float

    @classmethod
    def of(cls, outlines: Outlines, search: Circle | None) -> SkyView:
        """Return the view of the search circle, or else of all footprints and the target."""
        if search is not None and search.radius > 0:
            return cls(unit_vectors(search.ra, search.dec), search.radius)
        centers, reaches, vertices = outlines.center, outlines.reach, outlines.vertices
        if search is not None:
            target = unit_vectors([search.ra], [search.dec])
            centers, vertices = np.concatenate([centers, target]), np.concatenate([vertices, target])
            reaches = np.append(reaches, 0.0)
        cap = min_enclosing_circle(vertices)
        center = centers[0] if cap is None else cap[0]
        return cls(center, min(180.0, float(np.degrees((separation(centers, center) + reaches).max()))))

    @property
    def width(self) -> float:
        """The width in degrees with a margin; not zero, even if there are only points."""
        return min(360.0, 2 * _ROOM * max(self.reach, _SMALLEST))

    def new_axes(self) -> Any:
        """Return axes of a new figure."""
        size = (8.0, 4.6) if self.reach > _HEMISPHERE else (8.0, 6.0)
        return self.add_axes(pyplot().figure(figsize=size, layout="constrained"))

    def add_axes(self, figure: Any, *place: int) -> Any:
        """Add axes to a figure; ``place`` are the arguments of ``add_subplot``."""
        from astropy.visualization.wcsaxes.frame import EllipticalFrame  # noqa: PLC0415 - needs matplotlib

        whole = self.reach > _HEMISPHERE
        options = {"frame_class": EllipticalFrame} if whole else {}
        wcs, height = self._projection()
        ax = figure.add_subplot(*place, projection=wcs, xlim=(-_HALF, _HALF), ylim=(-height, height), **options)
        # In a map of the whole sky, axis labels would be in the middle of the map.
        names = {"xlabel": " ", "ylabel": " "} if whole else {"xlabel": "Right ascension", "ylabel": "Declination"}
        ax.set(**names, aspect="equal")
        ax.coords[0].set_ticklabel(exclude_overlapping=True)
        ax.grid(**faint_lines())
        return ax

    def _projection(self) -> tuple[WCS, float]:
        """Return the WCS of a picture around the center, and half its height in pixels."""
        ra, dec = (float(degrees) for degrees in longitude_latitude(self.center))
        if self.reach < _WIDE:
            code, at_edge = "TAN", np.degrees(np.tan(np.radians(self.reach)))
        elif self.reach <= _HEMISPHERE:
            code, at_edge = "ZEA", np.degrees(2 * np.sin(np.radians(self.reach) / 2))
        else:
            code, at_edge, dec = "AIT", np.degrees(np.sqrt(8)), 0.0
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = [f"RA---{code}", f"DEC--{code}"]
        wcs.wcs.crval, wcs.wcs.crpix = [ra, dec], [1.0, 1.0]
        scale = max(float(at_edge), _SMALLEST) * (1.0 if code == "AIT" else _ROOM) / _HALF
        wcs.wcs.cdelt = [-scale, scale]
        return wcs, _HALF / 2 if code == "AIT" else _HALF


# -- images ----------------------------------------------------------------------------------------------------------


def image_axes(image: Any, wcs: Any, search: Circle | None) -> Any:
    """Return the axes of a new figure with an image, limited to the search circle."""
    pixels = _as_pixels(image, wcs)
    ax = pyplot().figure(figsize=(8, 6), layout="constrained").add_subplot(projection=wcs.celestial)
    _show(ax, pixels)
    if search is not None and search.radius > 0:
        line = circle_line(unit_vectors(search.ra, search.dec), np.radians(search.radius * _ROOM))
        corners = axes_pixels(ax, line)
        (left, low), (right, high) = np.nanmin(corners, axis=0), np.nanmax(corners, axis=0)
        ax.set(xlim=(left, right), ylim=(low, high))
    if str(wcs.celestial.wcs.ctype[0]).startswith("RA"):
        ax.set(xlabel="Right ascension", ylabel="Declination")
    # The layout needs the positions of the coordinate labels, which are known only after drawing.
    ax.figure.draw_without_rendering()
    return ax


def _as_pixels(image: Any, wcs: Any) -> Array:
    """Return an image as an array; masked pixels of a grayscale image are NaN."""
    if image is None or not isinstance(wcs, WCS) or not wcs.has_celestial:
        raise InvalidArgumentError("image and wcs must be used together: a 2D array and its celestial WCS.")
    try:
        pixels: Any = np.ma.asarray(image, dtype=float if np.ndim(image) == 2 else None)
    except (TypeError, ValueError) as err:
        raise InvalidArgumentError("image is not a numeric array.") from err
    if pixels.ndim not in {2, 3} or (pixels.ndim == 3 and pixels.shape[2] not in {3, 4}):
        raise InvalidArgumentError(f"image must have the shape (ny, nx) or (ny, nx, 3), got {pixels.shape}.")
    return np.asarray(pixels.filled(np.nan) if pixels.ndim == 2 else pixels.data)


def _show(ax: Any, pixels: Array) -> None:
    """Draw an image; grayscale images are dark on white, so that colored outlines stand out."""
    from astropy.visualization import simple_norm  # noqa: PLC0415 - needs matplotlib

    gray = pixels.ndim == 2 and np.isfinite(pixels).any()
    norm = simple_norm(pixels, "asinh", percent=99.5) if gray else None
    ax.imshow(pixels, norm=norm, cmap="gray_r", origin="lower")


# -- lines -----------------------------------------------------------------------------------------------------------


def draw_search(ax: Any, search: Circle, *, on_image: bool = False) -> None:
    """Draw the search circle and a cross at its center."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415 - an optional dependency

    # Black with a white edge is visible on any image.
    color, edge = ("black", "white") if on_image else (ink(), pyplot().rcParams["axes.facecolor"])
    style: dict[str, Any] = {"color": color, "zorder": 4, "scalex": False, "scaley": False}
    style["path_effects"] = [withStroke(linewidth=3, foreground=edge, alpha=0.7)]
    center = unit_vectors(search.ra, search.dec)
    target = axes_pixels(ax, center[np.newaxis]).T
    ax.plot(*target, marker="+", markersize=11, linestyle="none", label="target", **style)
    if search.radius > 0:
        line = circle_line(center, np.radians(search.radius))
        ax.plot(*torn_line(line, axes_pixels(ax, line)).T, linestyle=":", linewidth=1.2, label="search", **style)


def axes_pixels(ax: Any, positions: Array) -> Array:
    """Return the pixel coordinates of unit vectors, ``(n, 2)``."""
    ra, dec = longitude_latitude(positions)
    return np.column_stack(ax.wcs.world_to_pixel(SkyCoord(ra, dec, unit="deg")))


def circle_line(center: Array, radius: float) -> Array:
    """Return positions along a circle with a radius in radians, closed: the last position is the first."""
    around = 2 * np.pi * np.arange(_ROUND + 1) / _ROUND
    aside = np.column_stack([np.cos(around), np.sin(around)]) @ tangents(center)
    return np.asarray(np.cos(radius) * center + np.sin(radius) * aside)


def torn_line(line: Array, pixels: Array) -> Array:
    """Return the pixels of an outline, with a gap where it leaves the map on one side and enters on another."""
    moved = np.linalg.norm(np.diff(pixels, axis=0), axis=1)
    speed = moved / np.maximum(np.linalg.norm(np.diff(line, axis=0), axis=1), np.finfo(float).tiny)
    jumps = np.flatnonzero(speed > _TORN * np.nanmedian(speed)) + 1
    return np.insert(pixels, jumps, np.nan, axis=0)


def angle_text(degrees: float) -> str:
    """Return an angle in the largest unit in which it is at least 1."""
    for scale, unit in ((1, "deg"), (60, "arcmin")):
        if degrees * scale >= 1 - 1e-9:
            return f"{degrees * scale:.4g} {unit}"
    return f"{degrees * 3600:.4g} arcsec"
