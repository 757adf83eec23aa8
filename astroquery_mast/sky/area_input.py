"""What users may give for an area, and the one form in which it is used.

In: text in the manner of ``s_region``, vertices as a `~astropy.coordinates.SkyCoord`, shapes of the package
``regions``, a ``mocpy.MOC``, an `~astropy.wcs.WCS` with the shape of its image, shapes of this package, or several of
these.  Out: an `~astroquery_mast.sky.area.Area`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import BaseCoordinateFrame, SkyCoord
from astropy.wcs import WCS
from astropy.wcs.wcsapi import BaseHighLevelWCS

from ..exceptions import InvalidCriterionError, UnreadableFootprintError
from .area import Area, ShapeArea
from .moc import MocArea
from .shapes import Circle, Point, Polygon, Shape, beside, ellipse_corners, parse_s_region, polygon_of

__all__ = ["as_area"]

# Corners of the polygon that stands for an ellipse: it is larger than the ellipse by 0.02 %.
_CORNERS = 128
# Positions along each side of an image whose sides are no great circles.
_ALONG = 16
_GIVE = (
    "give s_region text, vertices as a SkyCoord, a regions shape, a MOC, a WCS with its array shape, or a list of them"
)


def as_area(area: Any) -> Area:
    """Return an area."""
    if _comes_from(area, "mocpy"):
        if not hasattr(area, "contains_lonlat"):
            raise InvalidCriterionError(f"area is a {type(area).__name__}, which is no part of the sky: {_GIVE}.")
        return MocArea(area)
    return ShapeArea(tuple(_shapes(area)))


def _shapes(area: Any) -> Iterator[Shape]:
    """Give the shapes of whatever was given."""
    if isinstance(area, Polygon | Circle | Point):
        yield area
    elif isinstance(area, str | bytes):
        yield from _read(area)
    elif isinstance(area, SkyCoord | BaseCoordinateFrame):
        yield _from_vertices(SkyCoord(area))
    elif isinstance(area, BaseHighLevelWCS):
        yield _from_wcs(area, None)
    elif _is_sized_wcs(area):
        yield _from_wcs(*area)
    elif _comes_from(area, "regions"):
        # A list of theirs does not say that it can be iterated.
        for region in getattr(area, "regions", [area]):
            yield from _from_region(region)
    elif isinstance(area, Iterable) and not isinstance(area, np.ndarray | u.Quantity):
        for member in area:
            yield from _shapes(member)
    else:
        raise InvalidCriterionError(f"area is a {type(area).__name__}: {_GIVE}.")


def _comes_from(area: object, package: str) -> bool:
    """Whether an object is of a class of a package, or of one derived from such; the package is not imported."""
    return any(base.__module__.partition(".")[0] == package for base in type(area).__mro__)


def _is_sized_wcs(area: object) -> bool:
    """Whether something is a WCS together with the shape of an image."""
    return isinstance(area, tuple) and len(area) == 2 and isinstance(area[0], BaseHighLevelWCS)


def _read(text: str | bytes) -> list[Shape]:
    try:
        shapes = parse_s_region(text, errors="raise")
    except UnreadableFootprintError as err:
        raise InvalidCriterionError(f"area cannot be read: {err}") from err
    if not shapes:
        raise InvalidCriterionError(f"area={text!r} names no shape, such as 'CIRCLE 10.7 41.3 0.5'.")
    return shapes


def _from_vertices(vertices: SkyCoord) -> Polygon:
    """Return the polygon with some vertices."""
    if vertices.isscalar or vertices.size < 3:
        raise InvalidCriterionError(
            f"area has {vertices.size} position(s), and a polygon needs three: "
            "give coordinates and radius for a circle around a position."
        )
    if vertices.ndim > 1:
        raise InvalidCriterionError(f"area has positions of shape {vertices.shape}: give those of one polygon.")
    try:
        placed = vertices.icrs
        return polygon_of(zip(placed.ra.deg.tolist(), placed.dec.deg.tolist(), strict=True))
    except (ValueError, TypeError, AttributeError) as err:  # not finite; a frame that lacks its place, time, distance
        raise InvalidCriterionError(f"area is no polygon on the sky: it {err}.") from err


# -- images ----------------------------------------------------------------------------------------------------------


def _from_wcs(wcs: BaseHighLevelWCS, shape: Any) -> Polygon:
    """Return the outline of an image, along the outer edges of its pixels."""
    celestial = wcs.celestial if isinstance(wcs, WCS) and wcs.has_celestial else wcs
    low = celestial.low_level_wcs
    if low.pixel_n_dim != 2 or low.world_n_dim != 2:
        raise InvalidCriterionError("area is a WCS without an image of the sky.")
    size = low.array_shape if shape is None else _sizes(shape)
    if size is None or len(size) != 2 or None in size or not all(number > 0 for number in size):
        raise InvalidCriterionError(
            "area is a WCS that does not know the size of its image: set wcs.array_shape, or give (wcs, array.shape)."
        )
    columns, rows = _border(size[1], size[0], 1 if _has_straight_sides(celestial) else _ALONG)
    return _from_vertices(celestial.pixel_to_world(columns, rows))


def _sizes(shape: Any) -> tuple[int, ...]:
    """Return the last two sizes of an array's shape; nothing if it is none."""
    numbers = (
        list(shape) if isinstance(shape, tuple | list) or (isinstance(shape, np.ndarray) and shape.ndim == 1) else []
    )
    return tuple(numbers[-2:]) if all(isinstance(number, int | np.integer) for number in numbers) else ()


def _border(width: int, height: int, along: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return pixel coordinates around an image, each side divided into a number of parts."""
    steps = np.arange(along) / along
    zeros, ones = np.zeros(along), np.ones(along)
    columns = np.concatenate([steps, ones, 1 - steps, zeros]) * width - 0.5
    rows = np.concatenate([zeros, steps, ones, 1 - steps]) * height - 0.5
    return columns, rows


def _has_straight_sides(wcs: BaseHighLevelWCS) -> bool:
    """Whether straight lines in the image are great circles: in gnomonic projection, and without distortion."""
    return isinstance(wcs, WCS) and all(str(name).endswith("TAN") for name in wcs.wcs.ctype) and not wcs.has_distortion


# -- shapes of the package regions -------------------------------------------------------------------------------------


def _from_region(region: Any) -> Iterator[Shape]:
    """Give the shapes of a region; an angle is counted from west to north, as in an image with north up."""
    name = type(region).__name__
    if name.startswith("Compound"):
        if region.operator is not operator.or_:
            raise InvalidCriterionError("area is the intersection or difference of regions; only unions can be used.")
        yield from _from_region(region.region1)
        yield from _from_region(region.region2)
        return
    kind = next((kind for kind in _REGIONS if name in {f"{kind}SkyRegion", f"{kind}SphericalSkyRegion"}), None)
    if kind is None:
        raise InvalidCriterionError(f"area is a {name}; of regions there can be {', '.join(_REGIONS)}, and unions.")
    yield _REGIONS[kind](region)


def _centre(region: Any) -> tuple[float, float]:
    """Return the position of a region in degrees."""
    centre = region.center.icrs
    return float(centre.ra.deg), float(centre.dec.deg)


def _circle(region: Any) -> Circle:
    return Circle(*_centre(region), float(region.radius.to_value(u.deg)))


def _ellipse(region: Any) -> Polygon:
    width, height = (float(size.to_value(u.deg)) for size in (region.width, region.height))
    # The height is along north, and the width along east, if the angle is zero.
    return _placed(region, ellipse_corners(height / 2, width / 2, 0.0, _CORNERS))


def _rectangle(region: Any) -> Polygon:
    width, height = (float(size.to_value(u.deg)) for size in (region.width, region.height))
    return _placed(region, np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]) * (width / 2, height / 2))


def _placed(region: Any, offsets: np.ndarray[Any, Any]) -> Polygon:
    """Turn offsets to the east and north by the region's angle, from north to east, and put them on the sky."""
    # The angle is that of the region's own frame, whose north may be another one.
    frame = region.center.frame
    here = region.center.spherical
    angle = float(region.angle.to_value(u.rad))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array(list(beside((here.lon.deg, here.lat.deg), offsets @ turn.T))).T
    plain = frame.replicate_without_data()
    return _from_vertices(SkyCoord(plain.realize_frame(SkyCoord(*corners, unit="deg").data)))


_REGIONS: dict[str, Callable[[Any], Shape]] = {
    "Circle": _circle,
    "Ellipse": _ellipse,
    "Rectangle": _rectangle,
    "Polygon": lambda region: _from_vertices(region.vertices),
    "Point": lambda region: Point(*_centre(region)),
}
