"""Instrument apertures and the footprints they leave on the sky.

In: an instrument configuration, a pointing and a position angle. Out: the corners of each detector, in the
order of the pixels, and the ``s_region`` text in any of the spellings that the archive knows. Sizes are those
of the instrument handbooks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .geometry import deproject
from .packaged import packaged

Corners = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Aperture:
    """A field of view: size in arcsec, number of detectors side by side, gap between them in arcsec."""

    width: float
    height: float
    detectors: int = 1
    gap: float = 0.0


APERTURES: dict[str, Aperture] = {name: Aperture(*line) for name, line in packaged("instruments")["apertures"].items()}

#: Spellings of a polygon, all of which every reader of ``s_region`` has to understand.
SPELLINGS = ("icrs", "gsc1", "j2000", "bare", "beyond", "lower", "open", "repeated", "union")


def detectors(aperture: Aperture, ra: float, dec: float, angle: float) -> list[Corners]:
    """Sky positions of the corners of each detector: lower left, lower right, upper right, upper left (degrees).

    ``angle`` is the position angle of the pixel columns (image "up"), degrees east of north.
    """
    height = (aperture.height - aperture.gap * (aperture.detectors - 1)) / aperture.detectors
    bottoms = [index * (height + aperture.gap) - aperture.height / 2 for index in range(aperture.detectors)]
    return [_corners(aperture.width / 2, bottom, bottom + height, ra, dec, angle) for bottom in bottoms]


def _corners(half_width: float, bottom: float, top: float, ra: float, dec: float, angle: float) -> Corners:
    sine, cosine = math.sin(math.radians(angle)) / 3600.0, math.cos(math.radians(angle)) / 3600.0
    pixels = ((-half_width, bottom), (half_width, bottom), (half_width, top), (-half_width, top))
    return [deproject(ra, dec, -x * cosine + y * sine, x * sine + y * cosine) for x, y in pixels]


def whole(aperture: Aperture, ra: float, dec: float, angle: float) -> Corners:
    """Corners of the whole field of view, gaps included, as a combined image shows it."""
    return detectors(Aperture(aperture.width, aperture.height), ra, dec, angle)[0]


def region(polygons: Sequence[Corners], spelling: str = "icrs") -> str:
    """``s_region`` of one or more polygons, in one of `SPELLINGS`."""
    texts = [_polygon(corners, spelling) for corners in polygons]
    return f"UNION ICRS ( {' '.join(texts)} )" if spelling == "union" else " ".join(texts)


def _polygon(corners: Corners, spelling: str) -> str:
    vertices = [*corners, corners[0]]
    if spelling == "open":
        vertices = vertices[:-1]
    elif spelling == "repeated":
        vertices.insert(2, corners[1])
    turn = {"bare": -360.0 if corners[0][0] > 180 else 0.0, "beyond": 360.0}.get(spelling, 0.0)
    word = {"gsc1": "POLYGON GSC1", "j2000": "POLYGON J2000", "bare": "POLYGON", "lower": "polygon icrs"}.get(
        spelling, "POLYGON ICRS"
    )
    between = "  " if spelling == "gsc1" else " "
    # Right ascensions of one polygon stay together when it crosses 0h, as they do in the archive's own negative ones.
    first = corners[0][0] + turn
    near = ((ra + turn + 360.0 * round((first - ra - turn) / 360.0), dec) for ra, dec in vertices)
    return f"{word} " + " ".join(f"{ra:.8f}{between}{dec:.8f}" for ra, dec in near)
