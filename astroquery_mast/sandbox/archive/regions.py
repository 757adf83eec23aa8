"""The ``s_region`` grammar: footprint text to shapes.

In: the text of an observation's ``s_region``. Out: a tuple of `Circle` and `Polygon`. Second step of the sky
search; `footprint` turns the shapes into arrays.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

#: Frame words of footprints; at footprint accuracy all of them are ICRS.
FRAMES = frozenset({"ICRS", "J2000", "FK5", "GSC1", "GSC2"})
_WRAPPERS = frozenset({"UNION"})
_PUNCTUATION = str.maketrans("(),", "   ")
_WORD = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Circle:
    """A small circle: center and radius in degrees."""

    ra: float
    dec: float
    radius: float


@dataclass(frozen=True, slots=True)
class Polygon:
    """A spherical polygon; vertices in degrees, not closed, without repeated neighbors."""

    vertices: tuple[tuple[float, float], ...]


Shape = Circle | Polygon


def parse_region(text: str | None) -> tuple[Shape, ...]:
    """Read a footprint."""
    if text is None:
        return ()
    tokens = text.translate(_PUNCTUATION).split()
    shapes: list[Shape] = []
    word, numbers = "", []
    for token in tokens:
        if not _WORD.match(token):
            numbers.append(token)
            continue
        name = token.upper()
        if name in FRAMES and not numbers:
            continue
        if word:
            shapes.append(_shape(word, numbers, text))
        elif numbers:
            raise ValueError(f"Footprint starts with numbers: {text!r}")
        word, numbers = ("" if name in _WRAPPERS else name), []
    if word or numbers:
        shapes.append(_shape(word, numbers, text))
    return tuple(shapes)


def _shape(word: str, numbers: list[str], text: str) -> Shape:
    try:
        values = [float(number) for number in numbers]
    except ValueError as err:
        raise ValueError(f"Not a number in footprint {text!r}") from err
    if not all(map(math.isfinite, values)):
        raise ValueError(f"Number out of range in footprint {text!r}")
    if word == "CIRCLE" and len(values) == 3 and values[2] >= 0 and abs(values[1]) <= 90:
        return Circle(*values)
    if word == "POLYGON" and len(values) % 2 == 0:
        return _polygon(values, text)
    raise ValueError(f"Not a circle or polygon: {text!r}")


def _polygon(values: list[float], text: str) -> Polygon:
    vertices: list[tuple[float, float]] = []
    for vertex in zip(values[::2], values[1::2], strict=True):
        if not vertices or vertex != vertices[-1]:
            vertices.append(vertex)
    if len(vertices) > 1 and vertices[0] == vertices[-1]:
        vertices.pop()
    if len(vertices) < 3:
        raise ValueError(f"A polygon needs three vertices: {text!r}")
    if any(abs(dec) > 90 for _, dec in vertices):
        raise ValueError(f"Declination beyond a pole in footprint {text!r}")
    return Polygon(tuple(vertices))
