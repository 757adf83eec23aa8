"""What a cutout request asks for: place, size, radius, and how pictures look.

In: the arguments of a `RequestRecord`, from the URL, a form or a JSON body. Out: numbers, or a `CutoutError`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from .reply import Refusal
from .requestlog import RequestRecord

__all__ = ["Arguments", "CutoutError", "Size"]

#: Degrees in a unit of an angle.
ANGLES = {"d": 1.0, "m": 1.0 / 60.0, "s": 1.0 / 3600.0}
#: What file names call the units.
NAMES = {"px": "pix", "d": "deg", "m": "arcmin", "s": "arcsec"}
_ANGLE = re.compile(r"\s*([^\s a-z]*(?:e[+-]?\d+)?)\s*([a-z]*)\s*$", re.IGNORECASE)
_PAIR = re.compile(r"[^\s,\[\]()]+")
_TRUE = frozenset({"true", "1", "yes"})


class CutoutError(Refusal):
    """A request that cannot be answered, with the message of the answer; its status is 400."""


@dataclass(frozen=True, slots=True)
class Size:
    """Columns and rows of a cutout, in pixels (``px``) or in angles (``d``, ``m``, ``s``)."""

    x: float
    y: float
    units: str

    def shape(self, scale: float, most: int) -> tuple[int, int]:
        """Rows and columns for a size of the pixels."""
        factor = 1.0 if self.units == "px" else ANGLES[self.units] / scale
        rows, columns = (max(round(length * factor), 1) for length in (self.y, self.x))
        if max(rows, columns) > most:
            raise CutoutError(f"A cutout may have at most {most} x {most} pixels, not {columns} x {rows}.")
        return rows, columns

    @property
    def text(self) -> str:
        """The size as file names have it, e.g. ``100.0pix-x-100.0pix``."""
        name = NAMES[self.units]
        return f"{self.x}{name}-x-{self.y}{name}"


class Arguments:
    """The arguments of a request."""

    def __init__(self, record: RequestRecord, *, takes_json: bool = False) -> None:
        self._record = record
        posted = record.method == "POST" and "json" in record.headers.get("content-type", "")
        self._json = _decoded(record.body) if posted and takes_json else {}

    def text(self, name: str) -> str | None:
        """Return an argument, None if it is missing or blank."""
        value = self._json.get(name)
        found = self._record.value(name) if value is None else str(value)
        return found.strip() or None if found is not None else None

    def required(self, name: str) -> str:
        """Return an argument that must be there."""
        found = self.text(name)
        if found is None:
            raise CutoutError(f"Parameter {name} is missing.")
        return found

    def _number(self, name: str, text: str) -> float:
        try:
            number = float(text)
        except ValueError as err:
            raise CutoutError(f"Parameter {name} must be a number, not {text!r}.") from err
        if not math.isfinite(number):
            raise CutoutError(f"Parameter {name} cannot be {text!r}.")
        return number

    def place(self) -> tuple[float, float]:
        """Return ``ra`` and ``dec``, degrees."""
        ra, dec = (self._number(name, self.required(name)) for name in ("ra", "dec"))
        if not (-360.0 <= ra <= 360.0 and -90.0 <= dec <= 90.0):
            raise CutoutError(f"There is no place {ra:g} {dec:g} on the sky.")
        return ra % 360.0, dec

    def size(self) -> Size:
        """Return ``x``, ``y`` and ``units``; five pixels by default."""
        units = (self.text("units") or "px").lower()
        if units not in NAMES:
            raise CutoutError(f"Parameter units must be one of {', '.join(NAMES)}, not {units!r}.")
        x, y = (self._number(name, self.text(name) or "5") for name in ("x", "y"))
        if not (x > 0.0 and y > 0.0):
            raise CutoutError("A cutout must have a positive size.")
        return Size(x, y, units)

    def radius(self, default: str, pixel: float) -> float:
        """Return ``radius`` in degrees; ``pixel`` is the size of a pixel, for radii in pixels."""
        text = self.text("radius") or default
        parts = _ANGLE.match(text)
        unit = parts[2].lower() or "d" if parts else ""
        if parts is None or unit not in NAMES:
            raise CutoutError(f"Parameter radius must end in one of {', '.join(NAMES)}: {text!r}.")
        radius = self._number("radius", parts[1]) * (pixel if unit == "px" else ANGLES[unit])
        if not 0.0 <= radius <= 180.0:
            raise CutoutError(f"The radius cannot be {text!r}.")
        return radius

    def whole(self, name: str) -> int | None:
        """Return a whole number, None if the argument is missing."""
        text = self.text(name)
        if text is None:
            return None
        number = self._number(name, text)
        if not number.is_integer():
            raise CutoutError(f"Parameter {name} must be a whole number, not {text!r}.")
        return int(number)

    def pair(self, name: str) -> tuple[float, float] | None:
        """Return two numbers, the smaller one first, None if the argument is missing."""
        text = self.text(name)
        if text is None:
            return None
        numbers = [self._number(name, word) for word in _PAIR.findall(text)]
        if len(numbers) != 2 or numbers[0] >= numbers[1]:
            raise CutoutError(f"Parameter {name} must be a smaller and a larger number, not {text!r}.")
        return numbers[0], numbers[1]

    def choice(self, name: str, default: str, known: tuple[str, ...]) -> str:
        """Return an argument that must be one of those known."""
        found = (self.text(name) or default).lower()
        if found not in known:
            raise CutoutError(f"Parameter {name} must be one of {', '.join(known)}, not {found!r}.")
        return found

    def flag(self, name: str) -> bool:
        """Return whether an argument is true."""
        return (self.text(name) or "").lower() in _TRUE


def _decoded(body: bytes) -> Mapping[str, object]:
    try:
        value = json.loads(body)
    except ValueError as err:
        raise CutoutError("The body is no JSON.") from err
    if not isinstance(value, dict):
        raise CutoutError("The body is no JSON object.")
    return value
