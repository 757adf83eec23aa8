"""Minor planets that TESS has seen.

In: a name or number. Out: the `Asteroid` and its track, and the detectors it crossed. The motion is a plain one, round
the ecliptic at an even pace and up and down once per turn: inclinations and pace are the true ones, places are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .cutout_sectors import Detector, imaged_sectors, model_at
from .packaged import packaged
from .tess import SECTOR_DAYS, SECTORS

if TYPE_CHECKING:
    from .archive import Archive

Array = NDArray[np.float64]
#: Day from which tracks are counted: the middle of sector 6 (MJD).
_EPOCH = 58478.4
#: Full-frame images of a sector that are cut, and at whose times tracks are looked at.
CADENCES = 30


@dataclass(frozen=True, slots=True)
class Asteroid:
    """A minor planet: ecliptic longitude at the epoch (degrees), pace (degrees a day), inclination, node, e-/s."""

    number: int
    name: str
    longitude: float
    pace: float
    inclination: float
    node: float
    brightness: float

    def track(self, mjd: Array) -> tuple[Array, Array]:
        """Right ascension and declination at times (MJD), degrees."""
        from astropy import units  # noqa: PLC0415 - slow to import, and wanted for cutouts only
        from astropy.coordinates import SkyCoord  # noqa: PLC0415

        longitude = self.longitude + self.pace * (np.asarray(mjd, dtype=float) - _EPOCH)
        latitude = self.inclination * np.sin(np.radians(longitude - self.node))
        sky = SkyCoord(longitude, latitude, unit=units.deg, frame="barycentricmeanecliptic").icrs
        return np.round(sky.ra.deg, 8), np.round(sky.dec.deg, 8)


_ASTEROIDS = tuple(Asteroid(*line) for line in packaged("targets")["asteroids"])


@cache
def _known() -> dict[str, Asteroid]:
    names = {}
    for body in _ASTEROIDS:
        for name in (body.name, str(body.number), f"{body.number} {body.name}", f"({body.number}) {body.name}"):
            names[name.casefold()] = body
    return names


def asteroid(name: str) -> Asteroid | None:
    """Minor planet of a name, a number, or both; None for an unknown one."""
    return _known().get(" ".join(name.split()).casefold())


def sector_times(sector: int) -> Array:
    """Times (MJD) of a sector's images, spread evenly over it."""
    start = SECTORS[sector - 1][2]
    return np.round(start + SECTOR_DAYS * (np.arange(CADENCES) + 0.5) / CADENCES, 8)


def crossed(archive: Archive, body: Asteroid) -> list[Detector]:
    """Detectors that a minor planet crossed, in the order of time.

    Sectors whose images the archive has are left out: their footprints are not those of the model.
    """
    known = imaged_sectors(archive)
    return [detector for detector in _crossed(body) if detector.sector not in known]


@cache
def _crossed(body: Asteroid) -> list[Detector]:
    found: dict[str, Detector] = {}
    for sector in range(1, len(SECTORS) + 1):
        for ra, dec in zip(*body.track(sector_times(sector)), strict=True):
            for detector in model_at(float(ra), float(dec)):
                if detector.sector == sector:
                    found.setdefault(detector.name, detector)
    return list(found.values())
