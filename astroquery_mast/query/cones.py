"""Cone searches in ADQL: a box, for which databases can use an index, and the circle in it.

In: a circle in degrees, and the names of two columns.  Out: the condition to write after ``WHERE``.
"""

from __future__ import annotations

import math
import re

from ..exceptions import InvalidArgumentError
from .adql import circle_text, within_text

# The margin of the box on each side of the circle (degrees), so that rounding does not lose rows.
_MARGIN = 1e-7
# Boxes that reach a higher declination (degrees) include all right ascensions, since they are small anyway.
_POLAR = 89.9
_NAME = re.compile(r'(?:[A-Za-z_]\w*|"[^"]+")(?:\.(?:[A-Za-z_]\w*|"[^"]+"))*')


def cone_condition(ra: float, dec: float, radius: float, position: tuple[str, str]) -> str:
    """Return the condition that a position, given by its two columns, is in a circle (degrees)."""
    for name in position:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InvalidArgumentError(f"{name!r} is not a valid column name.")
    inside = within_text(position, circle_text(ra, dec, radius))
    return " AND ".join([*box_conditions(ra, dec, radius, position), inside])


def box_conditions(ra: float, dec: float, radius: float, position: tuple[str, str]) -> list[str]:
    """Return the conditions that a position is in the box around a circle of any size (degrees)."""
    ra_name, dec_name = position
    low, high = max(-90.0, dec - radius - _MARGIN), min(90.0, dec + radius + _MARGIN)
    found = [f"{dec_name} BETWEEN {_text(low)} AND {_text(high)}"]
    if max(-low, high) < _POLAR:
        half = math.degrees(math.asin(math.sin(math.radians(radius)) / math.cos(math.radians(dec)))) + _MARGIN
        found.append(_between(ra_name, ra - half, ra + half))
    return found


def _between(name: str, low: float, high: float) -> str:
    """The condition that a right ascension is in a range, which may cross 0h."""
    if low > 0 and high < 360:
        return f"{name} BETWEEN {_text(low)} AND {_text(high)}"
    return f"({name} >= {_text(low % 360)} OR {name} <= {_text(high % 360)})"


def _text(degrees: float) -> str:
    """An end of a box, rounded to less than its margin."""
    return repr(round(degrees, 8))
