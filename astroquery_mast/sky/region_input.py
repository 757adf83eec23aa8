"""Convert all supported types of regions to one.

In: an ``s_region`` string, vertices as a `~astropy.coordinates.SkyCoord` or as pairs, regions of the ``regions``
package, a ``mocpy.MOC``, an `~astropy.wcs.WCS` with the shape of its image, shapes of this package, or a list of these.
Out: an `~astroquery_mast.sky.region.Region`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from numbers import Real
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import BaseCoordinateFrame, SkyCoord
from astropy.wcs import WCS
from astropy.wcs.wcsapi import BaseHighLevelWCS

from ..exceptions import FootprintParseError, InputWarning, InvalidArgumentError
from ..warn import warn_user
from .moc import MocRegion
from .position import in_icrs
from .region import Region, ShapeRegion
from .shapes import Circle, Point, Polygon, Shape, ellipse_corners, offset_positions, parse_s_region, polygon_of
from .sphere import sides_cross, unit_vectors

# Corners of the polygon that replaces an ellipse; its area is 0.02 % larger.
_CORNERS = 128
# Positions along each side of an image whose sides are not great circles.
_ALONG = 16
# STC-S frames that are transformed to ICRS, and their names in astropy.
_FRAMES = {"GALACTIC": "galactic", "GALACTIC_II": "galactic", "SUPER_GALACTIC": "supergalactic", "FK4": "fk4"}
_FRAME = re.compile(rf"\b({'|'.join(sorted(_FRAMES, key=len, reverse=True))})\b", re.IGNORECASE)
_ADVICE = (
    "use an s_region string, vertices as SkyCoord(ra, dec, unit='deg') or as pairs of degrees, a regions "
    "shape, a MOC, a WCS with its array shape, or a list of them"
)


def as_region(region: Any) -> Region:
    """Convert the input to a region."""
    if _comes_from(region, "mocpy"):
        if not hasattr(region, "contains_lonlat"):
            raise InvalidArgumentError(
                f"region is a {type(region).__name__}, which is not a region of the sky: {_ADVICE}."
            )
        return MocRegion(region)
    return ShapeRegion(tuple(_shapes(region)))


def as_strict_region(region: Any) -> Region:
    """Convert the input to a region; strings may name other frames, but must not have self-intersecting polygons."""
    return _from_text(region) if isinstance(region, str | bytes) else as_region(region)


def _from_text(region: str | bytes) -> ShapeRegion:
    """Return the region of a string, transformed to ICRS if it names another frame."""
    text = region.decode("ascii", "replace") if isinstance(region, bytes) else region
    words = [each.upper() for each in _FRAME.findall(text)]
    shapes = _transformed(text, words) if len(set(words)) == 1 else _parsed(text)
    return ShapeRegion(tuple(_simple_polygon(each) if isinstance(each, Polygon) else each for each in shapes))


def _transformed(text: str, words: Sequence[str]) -> list[Shape]:
    """Return the shapes of a string in a frame other than ICRS."""
    shapes = [_in_icrs(shape, _FRAMES[words[0]]) for shape in _parsed(_FRAME.sub(" ", text))]
    if len(words) < len(shapes) and not text.strip().upper().startswith("UNION"):
        raise InvalidArgumentError(f"region={text!r} has shapes without a frame. Name the frame of each shape.")
    return shapes


def _in_icrs(shape: Shape, frame: str) -> Shape:
    """Transform a shape from another frame to ICRS."""
    numbers = shape.vertices if isinstance(shape, Polygon) else ((shape.ra, shape.dec),)
    placed = in_icrs(SkyCoord(np.array(numbers), unit="deg", frame=frame))
    pairs = list(zip(placed.ra.deg.tolist(), placed.dec.deg.tolist(), strict=True))
    if isinstance(shape, Polygon):
        return polygon_of(pairs)
    return Circle(*pairs[0], shape.radius) if isinstance(shape, Circle) else Point(*pairs[0])


def _shapes(region: Any) -> Iterator[Shape]:
    """Yield the shapes of a region of any supported type."""
    if isinstance(region, Polygon | Circle | Point):
        yield region
    elif isinstance(region, str | bytes):
        yield from _parsed_with_warning(region)
    elif (vertices := _vertices(region)) is not None:
        yield _simple_polygon(_from_vertices(vertices))
    elif isinstance(region, BaseHighLevelWCS):
        yield _from_wcs(region, None)
    elif _is_sized_wcs(region):
        yield _from_wcs(*region)
    elif _comes_from(region, "regions"):
        # The list type of the package is not registered as an Iterable.
        yield from chain.from_iterable(map(_from_sky_region, getattr(region, "regions", [region])))
    elif isinstance(region, Iterable) and not isinstance(region, np.ndarray | u.Quantity):
        yield from chain.from_iterable(map(_shapes, region))
    else:
        raise InvalidArgumentError(f"region is a {type(region).__name__}: {_ADVICE}.")


def _vertices(region: Any) -> SkyCoord | None:
    """Return vertices from positions or from pairs of degrees; None if the region is of another type."""
    if isinstance(region, SkyCoord | BaseCoordinateFrame):
        return SkyCoord(region)
    pairs = region.tolist() if isinstance(region, np.ndarray) else region
    if not isinstance(pairs, list | tuple) or not pairs or not all(map(_is_pair, pairs)):
        return None
    try:
        return SkyCoord(np.array(pairs, dtype=float), unit="deg")
    except ValueError as err:  # beyond the pole
        raise InvalidArgumentError(f"region has a pair that is not a position: {err.__cause__ or err}.") from err


def _is_pair(pair: object) -> bool:
    """Return whether the item is a pair of plain numbers (RA, Dec)."""
    return isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(each, Real) for each in pair)


def _comes_from(region: object, package: str) -> bool:
    """Return whether the class of an object, or one of its bases, is from a package, without importing the package."""
    return any(base.__module__.partition(".")[0] == package for base in type(region).__mro__)


def _is_sized_wcs(region: object) -> bool:
    """Return whether the region is a WCS with the shape of an image."""
    return isinstance(region, tuple) and len(region) == 2 and isinstance(region[0], BaseHighLevelWCS)


def _parsed(text: str | bytes) -> list[Shape]:
    """Return the shapes in a string."""
    try:
        shapes = parse_s_region(text, errors="raise")
    except FootprintParseError as err:
        raise InvalidArgumentError(f"Cannot parse region: {err}") from err
    if not shapes:
        raise InvalidArgumentError(f"region={text!r} contains no shape, such as 'CIRCLE 10.7 41.3 0.5'.")
    return shapes


def _parsed_with_warning(text: str | bytes) -> list[Shape]:
    """Return the shapes in a string; warn if a polygon is self-intersecting."""
    shapes = _parsed(text)
    polygons = [shape for shape in shapes if isinstance(shape, Polygon)]
    if any(sides_cross(unit_vectors(*np.transpose(each.vertices))) for each in polygons):
        # Some footprints in MAST are self-intersecting, too.
        warn_user("region has a self-intersecting polygon. Check the order of its vertices.", InputWarning)
    return shapes


def _from_vertices(vertices: SkyCoord) -> Polygon:
    """Return the polygon with the given vertices."""
    if vertices.isscalar or vertices.size < 3:
        raise InvalidArgumentError(
            f"region has {vertices.size} position(s), but a polygon needs at least three. For a circle, use "
            "coordinates and radius."
        )
    if vertices.ndim > 1:
        raise InvalidArgumentError(
            f"region must be a 1D list of vertices of one polygon, got positions of shape {vertices.shape}."
        )
    placed = in_icrs(vertices)
    try:
        return polygon_of(zip(placed.ra.deg.tolist(), placed.dec.deg.tolist(), strict=True))
    except ValueError as err:  # not finite
        raise InvalidArgumentError(f"region is not a polygon on the sky: it {err}.") from err


def _simple_polygon(polygon: Polygon) -> Polygon:
    """Return the polygon; raise if it is self-intersecting, because its inside is ambiguous."""
    if sides_cross(unit_vectors(*np.transpose(polygon.vertices))):
        raise InvalidArgumentError("region is a self-intersecting polygon. List the vertices in order along its edge.")
    return polygon


# -- images ----------------------------------------------------------------------------------------------------------


def _from_wcs(wcs: BaseHighLevelWCS, shape: Any) -> Polygon:
    """Return the outline of an image along the outer edges of its pixels."""
    celestial = wcs.celestial if isinstance(wcs, WCS) and wcs.has_celestial else wcs
    low = celestial.low_level_wcs
    if low.pixel_n_dim != 2 or low.world_n_dim != 2:
        raise InvalidArgumentError("region is a WCS without celestial axes.")
    height, width = _image_size(low.array_shape if shape is None else shape)
    columns, rows = _border(width, height, 1 if _has_straight_sides(celestial) else _ALONG)
    return _from_vertices(celestial.pixel_to_world(columns, rows))


def _image_size(shape: Any) -> tuple[int, int]:
    """Return the height and width of an image: the last two numbers of the shape."""
    is_shape = isinstance(shape, tuple | list) or (isinstance(shape, np.ndarray) and shape.ndim == 1)
    numbers = list(shape)[-2:] if is_shape else []
    if len(numbers) == 2 and all(isinstance(number, int | np.integer) and number > 0 for number in numbers):
        return numbers[0], numbers[1]
    raise InvalidArgumentError(
        "region is a WCS without an image size. Set wcs.array_shape, or pass (wcs, array.shape)."
    )


def _border(width: int, height: int, along: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return pixel coordinates around the edge of an image, with ``along`` positions on each side."""
    steps = np.arange(along) / along
    zeros, ones = np.zeros(along), np.ones(along)
    columns = np.concatenate([steps, ones, 1 - steps, zeros]) * width - 0.5
    rows = np.concatenate([zeros, steps, ones, 1 - steps]) * height - 0.5
    return columns, rows


def _has_straight_sides(wcs: BaseHighLevelWCS) -> bool:
    """Return whether lines in the image are great circles: in a gnomonic projection without distortion."""
    return isinstance(wcs, WCS) and all(str(name).endswith("TAN") for name in wcs.wcs.ctype) and not wcs.has_distortion


# -- shapes of the package regions -------------------------------------------------------------------------------------


def _from_sky_region(sky_region: Any) -> Iterator[Shape]:
    """Yield the shapes of a region of the ``regions`` package."""
    name = type(sky_region).__name__
    if name.startswith("Compound"):
        if sky_region.operator is not operator.or_:
            raise InvalidArgumentError("region is an intersection or difference of regions. Only unions are supported.")
        yield from _from_sky_region(sky_region.region1)
        yield from _from_sky_region(sky_region.region2)
        return
    kind = next((kind for kind in _REGIONS if name in {f"{kind}SkyRegion", f"{kind}SphericalSkyRegion"}), None)
    if kind is None:
        raise InvalidArgumentError(
            f"region is a {name}, which is not supported. Supported regions: {', '.join(_REGIONS)}, and unions."
        )
    yield _REGIONS[kind](sky_region)


def _center(sky_region: Any) -> tuple[float, float]:
    """Return the position of a region in degrees."""
    center = sky_region.center.icrs
    return float(center.ra.deg), float(center.dec.deg)


def _circle(sky_region: Any) -> Circle:
    return Circle(*_center(sky_region), float(sky_region.radius.to_value(u.deg)))


def _ellipse(sky_region: Any) -> Polygon:
    width, height = (float(size.to_value(u.deg)) for size in (sky_region.width, sky_region.height))
    # At zero angle, the height is along north and the width along east.
    return _offset_polygon(sky_region, ellipse_corners(height / 2, width / 2, 0.0, _CORNERS))


def _rectangle(sky_region: Any) -> Polygon:
    width, height = (float(size.to_value(u.deg)) for size in (sky_region.width, sky_region.height))
    return _offset_polygon(
        sky_region, np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]) * (width / 2, height / 2)
    )


def _offset_polygon(sky_region: Any, offsets: np.ndarray[Any, Any]) -> Polygon:
    """Rotate offsets to the east and north by the region's angle, from north to east, and place them on the sky."""
    # The angle refers to the north of the region's own frame.
    frame = sky_region.center.frame
    here = sky_region.center.spherical
    angle = float(sky_region.angle.to_value(u.rad))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array(list(offset_positions((here.lon.deg, here.lat.deg), offsets @ turn.T))).T
    plain = frame.replicate_without_data()
    return _from_vertices(SkyCoord(plain.realize_frame(SkyCoord(*corners, unit="deg").data)))


_REGIONS: dict[str, Callable[[Any], Shape]] = {
    "Circle": _circle,
    "Ellipse": _ellipse,
    "Rectangle": _rectangle,
    "Polygon": lambda sky_region: _from_vertices(sky_region.vertices),
    "Point": lambda sky_region: Point(*_center(sky_region)),
}
