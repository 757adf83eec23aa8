"""The TESS detectors that observed a position, sector by sector, and those that a minor planet crossed.

In sectors with full-frame images in the archive, these images define the coverage. Other sectors follow a model: four
cameras in a row from near the ecliptic to its pole, thirteen sectors per year, the southern hemisphere first. Minor
planets move along the ecliptic at constant speed and oscillate once per revolution in latitude: inclinations and speeds
are real, positions are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..packaged import packaged
from .cutout_images import Frame
from .geometry import deproject, unit_vectors
from .instruments import APERTURES
from .observation import dice, hash_digit
from .surveys import SECTOR_DAYS, SECTORS

if TYPE_CHECKING:
    from .archive import Archive

SIDE = 2048
SCALE = APERTURES["Photometer"].width / 3600.0 / SIDE
_FULL_FRAME = re.compile(r"tess-s(\d{4})-(\d)-(\d)$")
#: Ecliptic latitude of the cameras in degrees, and longitude of the first sector of each year.
_CAMERAS = (18.0, 42.0, 66.0, 90.0)
_SOUTH_FROM, _NORTH_FROM = 315.8, 270.0
_SECTORS_PER_YEAR = 13
_QUADRANTS = ((1, 1), (-1, 1), (-1, -1), (1, -1))
#: Offset of the detectors from the center of a camera, in degrees.
_APART = 6.0
#: Maximum distance of the edge of a detector from its center, in degrees.
_REACH = 9.0


@dataclass(frozen=True, slots=True)
class Detector:
    """One of the sixteen detectors during one sector."""

    sector: int
    camera: int
    ccd: int
    frame: Frame

    @property
    def name(self) -> str:
        """Name of its full-frame images, e.g. ``tess-s0001-1-3``."""
        return f"tess-s{self.sector:04d}-{self.camera}-{self.ccd}"


def detectors_at(archive: Archive, ra: float, dec: float, radius: float = 0.0) -> list[Detector]:
    """Return the detectors that observed a cone (degrees)."""
    found = list(_imaged(archive, ra, dec, radius))
    seen = {detector.sector for detector in found} | imaged_sectors(archive)
    for detector in model_at(ra, dec, radius):
        if detector.sector not in seen:
            found.append(detector)
    return sorted(found, key=lambda detector: detector.name)


def imaged_sectors(archive: Archive) -> set[int]:
    """Return the sectors with full-frame images in the archive, outside which nothing was observed."""
    sql = "SELECT DISTINCT sequence_number FROM observation WHERE target_name = 'TESS FFI'"
    return {row["sequence_number"] for row in archive.query(sql)}


def _imaged(archive: Archive, ra: float, dec: float, radius: float) -> Iterator[Detector]:
    """Return the detectors of the archive's observations; the first light curve of a sector defines its detector."""
    near = archive.within(ra, dec, radius)
    sql = (
        "SELECT objID, obs_id, sequence_number, s_ra, s_dec FROM observation WHERE obs_collection = 'TESS' "
        "ORDER BY dataproduct_type, obsid"
    )
    sectors = set()
    for row in archive.query(sql):
        if row["objID"] not in near:
            continue
        sector, obs_id = row["sequence_number"], row["obs_id"]
        at = (row["s_ra"], row["s_dec"])
        image = _FULL_FRAME.match(obs_id)
        if image:
            yield Detector(sector, int(image[2]), int(image[3]), Frame(*at, SCALE, 10.0 * sector, SIDE))
        elif sector not in sectors:
            yield _of_star(obs_id, sector, at)
        sectors.add(sector)


def _of_star(obs_id: str, sector: int, at: tuple[float, float]) -> Detector:
    """Return the detector of a star with a light curve, as named in the header of the light curve."""
    number = 1 + hash_digit(obs_id, 4)
    rng = dice("TESS detector", obs_id)
    ra, dec = deproject(*at, rng.uniform(-4.0, 4.0), rng.uniform(-4.0, 4.0))
    frame = Frame(round(ra, 8), round(dec, 8), SCALE, round(rng.uniform(0.0, 360.0), 3), SIDE)
    return Detector(sector, number, number, frame)


def model_at(ra: float, dec: float, radius: float = 0.0) -> list[Detector]:
    """Return the detectors of the model survey that observed a cone (degrees)."""
    detectors, centers = _model()
    reach = np.cos(np.radians(min(_REACH + radius, 180.0)))
    near = np.flatnonzero(centers @ unit_vectors(ra, dec) >= reach)
    return [detectors[index] for index in near if detectors[index].frame.near(ra, dec, radius)]


@cache
def _model() -> tuple[list[Detector], np.ndarray]:
    """Return all detectors of all sectors, and the unit vectors of their centers."""
    from astropy import units  # noqa: PLC0415 - slow to import, and only used for cutouts
    from astropy.coordinates import SkyCoord  # noqa: PLC0415

    keys, middles, uppers = zip(*_pointings(), strict=True)
    middle, above = (
        SkyCoord(*np.array(places).T, unit=units.deg, frame="barycentricmeanecliptic").icrs
        for places in (middles, uppers)
    )
    angles = middle.position_angle(above).deg
    places = np.round(np.column_stack([middle.ra.deg, middle.dec.deg, angles]), 8).tolist()
    detectors = [
        Detector(sector, camera, ccd, Frame(ra, dec, SCALE, angle, SIDE))
        for (sector, camera, ccd), (ra, dec, angle) in zip(keys, places, strict=True)
    ]
    return detectors, unit_vectors(middle.ra.deg, middle.dec.deg)


def _pointings() -> Iterator[tuple[tuple[int, int, int], tuple[float, float], tuple[float, float]]]:
    """Generate sector, camera, and detector; ecliptic position of the detector's center and of a point above it."""
    for sector in range(1, len(SECTORS) + 1):
        turns, side = (sector - 1, -1.0) if sector <= _SECTORS_PER_YEAR else (sector - _SECTORS_PER_YEAR - 1, 1.0)
        first = _SOUTH_FROM if side < 0 else _NORTH_FROM
        longitude = (first + 360.0 / _SECTORS_PER_YEAR * turns) % 360.0
        for camera, latitude in enumerate(_CAMERAS, 1):
            for ccd, (east, north) in enumerate(_QUADRANTS, 1):
                # Slightly off the pole, where a longitude would not define the orientation of the camera.
                boresight = (longitude, side * min(latitude, 89.999))
                place = (_APART * east, _APART * north)
                yield (
                    (sector, camera, ccd),
                    deproject(*boresight, *place),
                    deproject(*boresight, place[0], place[1] + 0.01),
                )


Array = NDArray[np.float64]
#: Reference epoch of the tracks: the middle of sector 6 (MJD).
_EPOCH = 58478.4
#: Number of full-frame images per sector, at whose times tracks are evaluated.
CADENCES = 30


@dataclass(frozen=True, slots=True)
class Asteroid:
    """A minor planet: ecliptic longitude at the epoch, daily motion, inclination, node (degrees), brightness (e-/s)."""

    number: int
    name: str
    longitude: float
    pace: float
    inclination: float
    node: float
    brightness: float

    def track(self, mjd: Array) -> tuple[Array, Array]:
        """Return right ascension and declination in degrees at times (MJD)."""
        from astropy import units  # noqa: PLC0415 - slow to import, and only used for cutouts
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
    """Return a minor planet by name, number, or both; None for an unknown one."""
    return _known().get(" ".join(name.split()).casefold())


def sector_times(sector: int) -> Array:
    """Return the times (MJD) of the images of a sector, evenly spaced."""
    start = SECTORS[sector - 1][2]
    return np.round(start + SECTOR_DAYS * (np.arange(CADENCES) + 0.5) / CADENCES, 8)


def crossed(archive: Archive, body: Asteroid) -> list[Detector]:
    """Return the detectors that a minor planet crossed, in time order, except in sectors with images in the archive."""
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
