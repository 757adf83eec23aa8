"""Wavelength ranges of filters and gratings, and footprints of apertures.

Limits and sizes are rounded values from the instrument handbooks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..packaged import packaged
from .geometry import deproject

_SPECIAL: dict[str, tuple[float, float]] = packaged("instruments")["bandpasses"]
_RELATIVE_WIDTH = {"W": 0.14, "M": 0.05, "N": 0.006, "LP": 0.2}
_NUMBERED = re.compile(r"F(\d{3,4})(W|M|N|LP)$")
_OPEN = frozenset(
    {"CLEAR", "CLEAR1L", "CLEAR2L", "CLEAR1S", "CLEAR2S", "GRISMR", "GRISMC", "GR150C", "GR150R", "MASKRND"}
)


def limits(filters: str, mission: str) -> tuple[float, float]:
    """Return the wavelength limits (nm) of filters joined by ``;``; `ValueError` if none of them is known."""
    if filters in _SPECIAL:
        return _SPECIAL[filters]
    bands = [_single(name, mission) for name in filters.split(";") if name not in _OPEN]
    if not bands:
        raise ValueError(f"No bandpass in {filters!r}")
    # Light passes all elements of a combination, so the narrowest one determines the limits.
    return min(bands, key=lambda band: band[1] - band[0])


def _single(name: str, mission: str) -> tuple[float, float]:
    numbered = _NUMBERED.match(name)
    if name in _SPECIAL and not (numbered and mission == "JWST"):
        return _SPECIAL[name]
    if numbered is None:
        raise ValueError(f"Unknown filter {name!r}")
    number, width = int(numbered[1]), _RELATIVE_WIDTH[numbered[2]]
    center = number * 10.0 if mission == "JWST" or number < 200 else float(number)
    return round(center * (1 - width), 1), round(center * (1 + width), 1)


def spectral_region(shortest: float, longest: float) -> str:
    """Return the name of the spectral region (``wavelength_region``) of a wavelength range in nm."""
    middle = (shortest + longest) / 2
    regions = ((10, "XRAY"), (100, "EUV"), (320, "UV"), (1000, "OPTICAL"))
    name = next((region for limit, region in regions if middle < limit), "INFRARED")
    if name == "OPTICAL" and shortest < 320:
        return "UV;OPTICAL"
    return name


Corners = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Aperture:
    """A field of view: size in arcsec, number of adjacent detectors, gap between them in arcsec."""

    width: float
    height: float
    detectors: int = 1
    gap: float = 0.0


APERTURES: dict[str, Aperture] = {name: Aperture(*line) for name, line in packaged("instruments")["apertures"].items()}

#: Spellings of a polygon, all of which readers of ``s_region`` must understand.
SPELLINGS = ("icrs", "gsc1", "j2000", "bare", "beyond", "lower", "open", "repeated", "union")


def detectors(aperture: Aperture, ra: float, dec: float, angle: float) -> list[Corners]:
    """Return the corners of each detector on the sky: lower left, lower right, upper right, upper left (degrees).

    ``angle`` is that of the pixel columns, in degrees east of north.
    """
    height = (aperture.height - aperture.gap * (aperture.detectors - 1)) / aperture.detectors
    bottoms = [index * (height + aperture.gap) - aperture.height / 2 for index in range(aperture.detectors)]
    return [_corners(aperture.width / 2, bottom, bottom + height, ra, dec, angle) for bottom in bottoms]


def _corners(half_width: float, bottom: float, top: float, ra: float, dec: float, angle: float) -> Corners:
    sine, cosine = math.sin(math.radians(angle)) / 3600.0, math.cos(math.radians(angle)) / 3600.0
    pixels = ((-half_width, bottom), (half_width, bottom), (half_width, top), (-half_width, top))
    return [deproject(ra, dec, -x * cosine + y * sine, x * sine + y * cosine) for x, y in pixels]


def whole(aperture: Aperture, ra: float, dec: float, angle: float) -> Corners:
    """Return the corners of the entire field of view, including gaps, as in a combined image."""
    return detectors(Aperture(aperture.width, aperture.height), ra, dec, angle)[0]


def region(polygons: Sequence[Corners], spelling: str = "icrs") -> str:
    """Return the ``s_region`` of one or more polygons, in one of the `SPELLINGS`."""
    texts = [_polygon(corners, spelling) for corners in polygons]
    return f"UNION ICRS ( {' '.join(texts)} )" if spelling == "union" else " ".join(texts)


def _polygon(corners: Corners, spelling: str) -> str:
    spelled = {"open": corners, "repeated": [*corners[:2], *corners[1:], corners[0]]}
    vertices = spelled.get(spelling, [*corners, corners[0]])
    turn = {"bare": -360.0 if corners[0][0] > 180 else 0.0, "beyond": 360.0}.get(spelling, 0.0)
    word = {"gsc1": "POLYGON GSC1", "j2000": "POLYGON J2000", "bare": "POLYGON", "lower": "polygon icrs"}.get(
        spelling, "POLYGON ICRS"
    )
    between = "  " if spelling == "gsc1" else " "
    # The right ascensions of a polygon are continuous across 0h, as in the archive, where some are negative.
    first = corners[0][0] + turn
    near = ((ra + turn + 360.0 * round((first - ra - turn) / 360.0), dec) for ra, dec in vertices)
    return f"{word} " + " ".join(f"{ra:.8f}{between}{dec:.8f}" for ra, dec in near)
