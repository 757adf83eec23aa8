"""Parse footprints: an ``s_region`` string in, polygons, circles and points out.

Footprints in MAST come in many spellings: with or without a frame, in upper or lower case, with negative right
ascensions, closed or open, with several shapes in a row or as a union.  All of them are converted to one form here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..exceptions import FootprintParseError
from ..query.values import is_missing

# How missing values are spelled in tables that were written to a file and read again.
_MISSING = frozenset({"", "--", "NONE", "NULL", "NAN", "N/A"})
# A word; the letter of an exponent follows a digit or a decimal point.
_WORD = re.compile(r"(?<![0-9.])([A-Z_][A-Z0-9_]*)")
_SEPARATORS = str.maketrans("(),;\t\n\r", "       ")
# Words of STC-S (IVOA Note of 2009, section 3) that are not supported: anything but unions of shapes in ICRS.
_UNSUPPORTED = {
    **dict.fromkeys(("NOT", "INTERSECTION", "DIFFERENCE"), "is not a union of shapes"),
    **dict.fromkeys(("ECLIPTIC", "GALACTIC", "GALACTIC_II", "SUPER_GALACTIC", "FK4", "B1950"), "is not in ICRS"),
    **dict.fromkeys(("ARCMIN", "ARCSEC", "RAD", "HOURANGLE"), "is not in degrees"),
}
# Tolerance for declinations beyond a pole due to rounding, in degrees.
_SLACK = 1e-6
# Vertices closer than this, in degrees, are identical: a ten-thousandth of a milliarcsecond.
_SAME = 3e-11
# Corners of the polygon that replaces an ellipse.
_CORNERS = 72


@dataclass(frozen=True, slots=True)
class Polygon:
    """A polygon on the sky whose sides are great circles.

    Parameters
    ----------
    vertices : tuple of (float, float)
        Right ascension (0 to 360) and declination of three or more vertices in degrees, ICRS.  The first vertex is not
        repeated at the end.  The inside is the smaller of the two parts into which the polygon divides the sky.
    """

    vertices: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle on the sky: right ascension and declination of its center, and its radius, in degrees, ICRS."""

    ra: float
    dec: float
    radius: float


@dataclass(frozen=True, slots=True)
class Point:
    """A position on the sky: right ascension and declination in degrees, ICRS."""

    ra: float
    dec: float


Shape: TypeAlias = Polygon | Circle | Point


def parse_s_region(text: Any, *, errors: str = "skip") -> list[Shape]:
    """Return the shapes of a footprint.

    Parameters
    ----------
    text : str, bytes, or None
        An ``s_region``.  None, a masked value, NaN and blank text mean that there is no footprint.
    errors : {"skip", "raise"}, default "skip"
        How to treat a shape that cannot be parsed: skip it, or raise an error.

    Returns
    -------
    list of Polygon, Circle or Point
        The shapes; empty if there is no footprint.

    Raises
    ------
    FootprintParseError
        With ``errors="raise"``, if a shape cannot be parsed; a subclass of ``ValueError``.

    Notes
    -----
    The frames ICRS, J2000, FK5, GSC1 and unknown ones are treated as identical, because they agree within the accuracy
    of footprints.  Angles are in degrees.  Three STC-S shapes that MAST is not known to use are converted.  ``BOX ra
    dec width height`` becomes a polygon with sides along right ascension and declination at its center.  ``ELLIPSE ra
    dec a b angle``, with the semi-major axis ``a`` at the position angle (east of north), becomes a polygon with 72
    corners.  ``POSITION`` becomes a point.

    Examples
    --------
    >>> from astroquery_mast.footprints import parse_s_region
    >>> parse_s_region("CIRCLE 10 0 0.1")[0].radius
    0.1
    """
    if errors not in {"skip", "raise"}:
        raise ValueError(f"errors must be 'skip' or 'raise', got {errors!r}.")
    strict = errors == "raise"
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace")
    if not isinstance(text, str):
        if strict and not is_missing(text):
            raise FootprintParseError(f"A footprint must be a string, got {text!r}.")
        return []
    try:
        return list(_shapes_in(text, strict))
    except _Unreadable as err:
        if strict:
            raise FootprintParseError(f"The footprint {_short(text)} {err}.") from err
        return []


def polygon_of(vertices: Iterable[tuple[float, float]]) -> Polygon:
    """Return the polygon with the given vertices.

    Parameters
    ----------
    vertices : iterable of (float, float)
        Right ascension and declination in degrees; any vertex may be repeated.

    Returns
    -------
    Polygon
        The polygon, without repeated vertices.

    Raises
    ------
    ValueError
        If there are fewer than three different vertices, or one is not a valid position.
    """
    kept: list[tuple[float, float]] = []
    for ra, dec in vertices:
        here = _position(ra, dec)
        if not kept or _differ(kept[-1], here):
            kept.append(here)
    while len(kept) > 1 and not _differ(kept[0], kept[-1]):
        kept.pop()
    if len(kept) < 3:
        raise ValueError("has fewer than three vertices")
    return Polygon(tuple(kept))


def region_text(shapes: Sequence[Shape]) -> str:
    """Return the ``s_region`` of shapes in strict STC-S, which other software can read.

    Parameters
    ----------
    shapes : sequence of Polygon, Circle or Point
        The shapes.

    Returns
    -------
    str
        ``POLYGON ICRS ra dec ...``, ``CIRCLE ICRS ra dec radius`` or ``POSITION ICRS ra dec``; for several shapes,
        ``UNION ICRS (POLYGON ra dec ... )``; an empty string without shapes.
    """
    parts = [_stcs_words(shape) for shape in shapes]
    if len(parts) < 2:
        return "".join(f"{word} ICRS {numbers}" for word, numbers in parts)
    return f"UNION ICRS ({' '.join(f'{word} {numbers}' for word, numbers in parts)})"


def _shapes_in(text: str, strict: bool) -> Iterator[Shape]:
    """Yield the shapes in a string; a shape that cannot be parsed is skipped, or an error if ``strict``."""
    for word, numbers in _parts(text):
        try:
            yield _SHAPES[word](numbers)
        except ValueError as err:
            if strict:
                raise FootprintParseError(f"The {word.lower()} in {_short(text)} {err}.") from err


class _Unreadable(ValueError):
    """The string as a whole cannot be parsed; the message is a predicate that continues "The footprint ..."."""


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


def _parts(text: str) -> Iterator[tuple[str, list[float]]]:
    """Yield the shape words of a string with their numbers; NaN if not a number."""
    upper = text.upper()
    if upper.strip() in _MISSING:
        return
    before, *pieces = _WORD.split(upper)
    _check_words(pieces[::2])
    if before.translate(_SEPARATORS).strip():
        raise _Unreadable("does not start with a shape")
    parts = _parts_of(pieces[::2], pieces[1::2])
    if any(numbers and not word for word, numbers in parts):
        raise _Unreadable("has numbers without a shape")
    yield from (part for part in parts if part[0])


def _parts_of(words: Sequence[str], betweens: Sequence[str]) -> list[tuple[str, list[float]]]:
    """Return each shape word with the numbers that follow it; the word is empty at the start and after "UNION"."""
    parts: list[tuple[str, list[float]]] = [("", [])]
    for word, between in zip(words, betweens, strict=True):
        if word in _SHAPES or word == "UNION":
            parts.append((word if word in _SHAPES else "", []))
        numbers = parts[-1][1]
        if numbers:  # a word between numbers, such as "nan"
            numbers.append(math.nan)
        numbers += _numbers(between)
    return parts


def _check_words(words: Sequence[str]) -> None:
    """Raise if a word would change the meaning of the numbers, or if no word is a shape."""
    for word in words:
        if word in _UNSUPPORTED:
            raise _Unreadable(_UNSUPPORTED[word])
    if not any(word in _SHAPES for word in words):
        raise _Unreadable("contains no shape")


def _numbers(text: str) -> list[float]:
    """Return the numbers between two words."""
    members = text.translate(_SEPARATORS).split()
    try:
        return [float(member) for member in members]
    except ValueError:
        return [*map(_number, members)]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _position(ra: float, dec: float) -> tuple[float, float]:
    """Return a valid position, with the right ascension wrapped to the range 0 to 360."""
    if 0 <= ra < 360 and -90 <= dec <= 90:
        return ra, dec
    if not (-math.inf < ra < math.inf and -90 - _SLACK <= dec <= 90 + _SLACK):
        raise ValueError("has an invalid position")
    # The remainder of a tiny negative number rounds to 360.
    wrapped = ra % 360.0 % 360.0
    return wrapped, dec if -90 <= dec <= 90 else math.copysign(90.0, dec)


def _differ(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether two vertices differ, also across 0h."""
    return abs(one[1] - other[1]) > _SAME or _SAME < abs(one[0] - other[0]) < 360.0 - _SAME


def _polygon(numbers: Sequence[float]) -> Polygon:
    if len(numbers) % 2:
        raise ValueError("has an odd number of coordinates")
    return polygon_of(zip(numbers[::2], numbers[1::2], strict=True))


def _circle(numbers: Sequence[float]) -> Circle:
    _expect(numbers, 3)
    if not 0 <= numbers[2] <= 180:
        raise ValueError("has an invalid radius")
    return Circle(*_position(numbers[0], numbers[1]), numbers[2])


def _point(numbers: Sequence[float]) -> Point:
    _expect(numbers, 2)
    return Point(*_position(*numbers))


def _box(numbers: Sequence[float]) -> Polygon:
    _expect(numbers, 4)
    center, (width, height) = _position(numbers[0], numbers[1]), _sizes(numbers[2:])
    corners = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]) * (width / 2, height / 2)
    return polygon_of(offset_positions(center, corners))


def _ellipse(numbers: Sequence[float]) -> Polygon:
    _expect(numbers, 5)
    center, (major, minor) = _position(numbers[0], numbers[1]), _sizes(numbers[2:4])
    if not math.isfinite(numbers[4]):
        raise ValueError("has an invalid angle")
    return polygon_of(offset_positions(center, ellipse_corners(major, minor, numbers[4], _CORNERS)))


def _expect(numbers: Sequence[float], count: int) -> None:
    if len(numbers) != count:
        raise ValueError(f"has {len(numbers)} numbers instead of {count}")


def _sizes(sizes: Sequence[float]) -> Sequence[float]:
    """Return the sizes; raise if the shape would not fit into a hemisphere."""
    if not all(0 < size < 90 for size in sizes):
        raise ValueError("has an invalid size")
    return sizes


_SHAPES: dict[str, Any] = {
    "POLYGON": _polygon,
    "CIRCLE": _circle,
    "POINT": _point,
    "POSITION": _point,
    "BOX": _box,
    "ELLIPSE": _ellipse,
}


def ellipse_corners(major: float, minor: float, angle: float, count: int) -> np.ndarray[Any, Any]:
    """Return corners of a polygon around an ellipse in the tangent plane.

    Parameters
    ----------
    major, minor : float
        The semi-axes.
    angle : float
        The position angle of the first axis in degrees, from north to east.
    count : int
        The number of corners.

    Returns
    -------
    numpy.ndarray
        Offsets to the east and to the north, ``(count, 2)``, in the unit of the axes.  The polygon contains the whole
        ellipse, which touches its sides.
    """
    around = 2 * np.pi * np.arange(count) / count
    grown = 1 / math.cos(math.pi / count)
    along, across = grown * major * np.cos(around), grown * minor * np.sin(around)
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    return np.column_stack([along * sine + across * cosine, along * cosine - across * sine])


def offset_positions(center: tuple[float, float], offsets: np.ndarray[Any, Any]) -> Iterator[tuple[float, float]]:
    """Yield the positions at offsets in the tangent plane of a center (gnomonic projection).

    Parameters
    ----------
    center : (float, float)
        Right ascension and declination in degrees.
    offsets : numpy.ndarray
        Offsets to the east and to the north, ``(n, 2)``, in degrees.

    Yields
    ------
    (float, float)
        Right ascension and declination in degrees.
    """
    east, north = np.radians(offsets).T
    sine, cosine = math.sin(math.radians(center[1])), math.cos(math.radians(center[1]))
    towards = cosine - north * sine
    ra = center[0] + np.degrees(np.arctan2(east, towards))
    dec = np.degrees(np.arctan2(sine + north * cosine, np.hypot(east, towards)))
    yield from zip(ra.tolist(), dec.tolist(), strict=True)


def _stcs_words(shape: Shape) -> tuple[str, str]:
    """Return the word and the numbers of a shape."""
    if isinstance(shape, Polygon):
        return "POLYGON", " ".join(f"{ra!r} {dec!r}" for ra, dec in shape.vertices)
    if isinstance(shape, Circle):
        return "CIRCLE", f"{shape.ra!r} {shape.dec!r} {shape.radius!r}"
    return "POSITION", f"{shape.ra!r} {shape.dec!r}"
