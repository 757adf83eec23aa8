"""What users may give for a region, and the one form in which it is used.

In: text in the manner of ``s_region``, vertices as a `~astropy.coordinates.SkyCoord` or as pairs, shapes of the package
``regions``, a ``mocpy.MOC``, an `~astropy.wcs.WCS` with the shape of its image, shapes of this package, or several of
these.  Out: an `~astroquery_mast.sky.region.Region`.
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

# Corners of the polygon that stands for an ellipse: it is larger than the ellipse by 0.02 %.
_CORNERS = 128
# Positions along each side of an image whose sides are no great circles.
_ALONG = 16
# Frames of STC-S that are turned into ICRS: word → what astropy calls it.
_FRAMES = {"GALACTIC": "galactic", "GALACTIC_II": "galactic", "SUPER_GALACTIC": "supergalactic", "FK4": "fk4"}
_FRAME = re.compile(rf"\b({'|'.join(sorted(_FRAMES, key=len, reverse=True))})\b", re.IGNORECASE)
_GIVE = (
    "use an s_region string, vertices as SkyCoord(ra, dec, unit='deg') or as pairs of degrees, a regions "
    "shape, a MOC, a WCS with its array shape, or a list of them"
)


def as_region(region: Any) -> Region:
    """Return a region."""
    if _comes_from(region, "mocpy"):
        if not hasattr(region, "contains_lonlat"):
            raise InvalidArgumentError(
                f"region is a {type(region).__name__}, which is not a region of the sky: {_GIVE}."
            )
        return MocRegion(region)
    return ShapeRegion(tuple(_shapes(region)))


def as_strict_region(region: Any) -> Region:
    """Return a region; text may be in other frames than ICRS, and polygons whose sides cross are refused there, too."""
    return _from_text(region) if isinstance(region, str | bytes) else as_region(region)


def _from_text(region: str | bytes) -> ShapeRegion:
    """The region of a text, whose place must be clear."""
    text = region.decode("ascii", "replace") if isinstance(region, bytes) else region
    words = [each.upper() for each in _FRAME.findall(text)]
    shapes = _turned(text, words) if len(set(words)) == 1 else _parsed(text)
    return ShapeRegion(tuple(_in_order(each) if isinstance(each, Polygon) else each for each in shapes))


def _turned(text: str, words: Sequence[str]) -> list[Shape]:
    """The shapes of a text that names another frame than ICRS."""
    shapes = [_in_icrs(shape, _FRAMES[words[0]]) for shape in _parsed(_FRAME.sub(" ", text))]
    if len(words) < len(shapes) and not text.strip().upper().startswith("UNION"):
        raise InvalidArgumentError(f"region={text!r} has shapes without a frame. Name the frame of each shape.")
    return shapes


def _in_icrs(shape: Shape, frame: str) -> Shape:
    """A shape whose numbers are in another frame."""
    numbers = shape.vertices if isinstance(shape, Polygon) else ((shape.ra, shape.dec),)
    placed = in_icrs(SkyCoord(np.array(numbers), unit="deg", frame=frame))
    pairs = list(zip(placed.ra.deg.tolist(), placed.dec.deg.tolist(), strict=True))
    if isinstance(shape, Polygon):
        return polygon_of(pairs)
    return Circle(*pairs[0], shape.radius) if isinstance(shape, Circle) else Point(*pairs[0])


def _shapes(region: Any) -> Iterator[Shape]:
    """Give the shapes of whatever was given."""
    if isinstance(region, Polygon | Circle | Point):
        yield region
    elif isinstance(region, str | bytes):
        yield from _read(region)
    elif (vertices := _vertices(region)) is not None:
        yield _in_order(_from_vertices(vertices))
    elif isinstance(region, BaseHighLevelWCS):
        yield _from_wcs(region, None)
    elif _is_sized_wcs(region):
        yield _from_wcs(*region)
    elif _comes_from(region, "regions"):
        # A list of theirs does not say that it can be iterated.
        yield from chain.from_iterable(map(_from_sky_region, getattr(region, "regions", [region])))
    elif isinstance(region, Iterable) and not isinstance(region, np.ndarray | u.Quantity):
        yield from chain.from_iterable(map(_shapes, region))
    else:
        raise InvalidArgumentError(f"region is a {type(region).__name__}: {_GIVE}.")


def _vertices(region: Any) -> SkyCoord | None:
    """The corners of a polygon that are given as positions, or as pairs of degrees; None if it is something else."""
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
    """Whether this is a right ascension and a declination, as plain numbers."""
    return isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(each, Real) for each in pair)


def _comes_from(region: object, package: str) -> bool:
    """Whether an object is of a class of a package, or of one derived from such; the package is not imported."""
    return any(base.__module__.partition(".")[0] == package for base in type(region).__mro__)


def _is_sized_wcs(region: object) -> bool:
    """Whether something is a WCS together with the shape of an image."""
    return isinstance(region, tuple) and len(region) == 2 and isinstance(region[0], BaseHighLevelWCS)


def _parsed(text: str | bytes) -> list[Shape]:
    """The shapes that a text names."""
    try:
        shapes = parse_s_region(text, errors="raise")
    except FootprintParseError as err:
        raise InvalidArgumentError(f"Cannot parse region: {err}") from err
    if not shapes:
        raise InvalidArgumentError(f"region={text!r} contains no shape, such as 'CIRCLE 10.7 41.3 0.5'.")
    return shapes


def _read(text: str | bytes) -> list[Shape]:
    """The same, with a warning of polygons whose sides cross."""
    shapes = _parsed(text)
    polygons = [shape for shape in shapes if isinstance(shape, Polygon)]
    if any(sides_cross(unit_vectors(*np.transpose(each.vertices))) for each in polygons):
        # Footprints of the archive itself may be so.
        warn_user("region has a self-intersecting polygon. Check the order of its vertices.", InputWarning)
    return shapes


def _from_vertices(vertices: SkyCoord) -> Polygon:
    """Return the polygon with some vertices."""
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


def _in_order(polygon: Polygon) -> Polygon:
    """Return a polygon, or refuse it if its sides cross, because it is not clear then what is inside."""
    if sides_cross(unit_vectors(*np.transpose(polygon.vertices))):
        raise InvalidArgumentError("region is a self-intersecting polygon. List the vertices in order along its edge.")
    return polygon


# -- images ----------------------------------------------------------------------------------------------------------


def _from_wcs(wcs: BaseHighLevelWCS, shape: Any) -> Polygon:
    """Return the outline of an image, along the outer edges of its pixels."""
    celestial = wcs.celestial if isinstance(wcs, WCS) and wcs.has_celestial else wcs
    low = celestial.low_level_wcs
    if low.pixel_n_dim != 2 or low.world_n_dim != 2:
        raise InvalidArgumentError("region is a WCS without celestial axes.")
    height, width = _image_size(low.array_shape if shape is None else shape)
    columns, rows = _border(width, height, 1 if _has_straight_sides(celestial) else _ALONG)
    return _from_vertices(celestial.pixel_to_world(columns, rows))


def _image_size(shape: Any) -> tuple[int, int]:
    """Return the height and the width of an image, the last two sizes of an array's shape."""
    is_shape = isinstance(shape, tuple | list) or (isinstance(shape, np.ndarray) and shape.ndim == 1)
    numbers = list(shape)[-2:] if is_shape else []
    if len(numbers) == 2 and all(isinstance(number, int | np.integer) and number > 0 for number in numbers):
        return numbers[0], numbers[1]
    raise InvalidArgumentError(
        "region is a WCS without an image size. Set wcs.array_shape, or pass (wcs, array.shape)."
    )


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


def _from_sky_region(sky_region: Any) -> Iterator[Shape]:
    """Give the shapes of a region; an angle is counted from west to north, as in an image with north up."""
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
    # The height is along north, and the width along east, if the angle is zero.
    return _placed(sky_region, ellipse_corners(height / 2, width / 2, 0.0, _CORNERS))


def _rectangle(sky_region: Any) -> Polygon:
    width, height = (float(size.to_value(u.deg)) for size in (sky_region.width, sky_region.height))
    return _placed(sky_region, np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]) * (width / 2, height / 2))


def _placed(sky_region: Any, offsets: np.ndarray[Any, Any]) -> Polygon:
    """Turn offsets to the east and north by the region's angle, from north to east, and put them on the sky."""
    # The angle is that of the region's own frame, whose north may be another one.
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
