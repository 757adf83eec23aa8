"""The Hubble Source Catalog, versions 2 and 3: what the archive's HST images show of the sources of the sky.

In: the sky, and the combined images of ACS, WFC3 and WFPC2. Out: `HubbleCatalog`: one detection per source and image
that covers it, and the matches that they make up. A position in the catalog is therefore always on an image, whose
date, exposure time, program and filter the detection repeats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .catalog_sky import GALAXY, STAR, Array, Sky, at_wavelength, sky
from .geometry import Polygon, parse_region, project, unit_vectors
from .hst import hst_observations
from .observation import Observation
from .packaged import packaged
from .scene import generator
from .surveys import older_observations

__all__ = ["Detections", "HubbleCatalog", "HubbleImage", "hubble_catalog"]

#: Letter of an instrument in the names of magnitudes.
_CAMERAS: Mapping[str, str] = {"ACS/WFC": "A", "ACS/HRC": "A", "WFC3/UVIS": "W3", "WFC3/IR": "W3", "WFPC2/WFC": "W2"}
#: Version 2 was made of what was public in the middle of 2016, version 3 of two more years.
_LAST_IMAGE = {2: 57540.0, 3: 58300.0}
_FIRST_MATCH = {2: 82_000_000, 3: 8_000_000}
_BRIGHTEST, _FAINTEST = 12.0, 25.5
# Share of the sources on an image that its catalog has.
_SEEN = 0.97
_NEAR = np.cos(np.radians(0.2))
_EPOCH = 2009.0
# Kron magnitudes hold the light that an aperture of two pixels misses.
_MISSED = {STAR: 0.25, GALAXY: 0.7}
_PIXEL: Mapping[str, float] = packaged("instruments")["pixels"]["HSC"]


@dataclass(frozen=True)
class HubbleImage:
    """A combined image; ``column`` is camera and filter (``A_F606W``), ``wavelength`` is in nm."""

    observation: Observation
    number: int
    column: str
    wavelength: float

    @property
    def filter(self) -> str:
        """The filter alone."""
        return self.column.partition("_")[2]

    @property
    def pixel(self) -> float:
        """Size of a pixel, arcsec."""
        return _PIXEL[self.observation.instrument_name or ""]

    @property
    def name(self) -> str:
        """The name of the image, made of program, visit, camera and filter."""
        observation = self.observation
        if observation.obs_collection == "HLA":
            return observation.obs_id
        camera = str(observation.instrument_name).replace("/", "_").lower()
        program = str(observation.proposal_id or 0).zfill(5)
        return f"hst_{program}_{observation.obs_id[4:6]}_{camera}_{self.filter.lower()}"


@dataclass(frozen=True)
class Detections:
    """Detections, as arrays of the same length: places of source and image, AB magnitudes in an aperture and Kron."""

    source: NDArray[np.int64]
    image: NDArray[np.int64]
    aperture: Array
    kron: Array

    def where(self, chosen: NDArray[Any]) -> Detections:
        """Return the chosen ones."""
        return Detections(self.source[chosen], self.image[chosen], self.aperture[chosen], self.kron[chosen])


@dataclass(frozen=True)
class HubbleCatalog:
    """A version of the catalog: one source per match, and its detections sorted by source and image.

    ``detections[first[i]:first[i + 1]]`` are those of source i.
    """

    version: int
    images: tuple[HubbleImage, ...]
    sources: Sky
    match_ids: NDArray[np.int64]
    detections: Detections
    first: NDArray[np.intp]

    def place_of(self, match_id: int) -> int | None:
        """Return the place of a match, None for an unknown ``MatchID``."""
        found = np.flatnonzero(self.match_ids == match_id)
        return int(found[0]) if len(found) else None

    def of(self, place: int) -> Detections:
        """Return the detections of a match."""
        return self.detections.where(np.arange(self.first[place], self.first[place + 1]))

    def positions(self) -> tuple[Array, Array]:
        """Right ascension and declination of each match, degrees."""
        return self.sources.at(_EPOCH)


def hubble_catalog(version: int) -> HubbleCatalog:
    """Return a version of the catalog (2 or 3)."""
    everything = sky()
    images = tuple(_images(version))
    detections = _sorted(_detections(everything, images))
    places, first = np.unique(detections.source, return_index=True)
    sources = everything.where(np.isin(everything.index, places))
    numbers = sources.numbers(f"HSC v{version}", _FIRST_MATCH[version], 2 * _FIRST_MATCH[version])
    return HubbleCatalog(version, images, sources, numbers, detections, np.append(first, len(detections.source)))


def _sorted(detections: Detections) -> Detections:
    return detections.where(np.lexsort((detections.image, detections.source)))


def _images(version: int) -> Iterator[HubbleImage]:
    number = 1_000_000 * version
    for observation in _combined_images():
        if (observation.t_max or np.inf) >= _LAST_IMAGE[version]:
            continue
        camera, name = _CAMERAS[str(observation.instrument_name)], _filter(observation)
        number += 1
        digits = float(name[1:4])
        wavelength = 10.0 * digits if observation.instrument_name == "WFC3/IR" else digits
        yield HubbleImage(observation, number, f"{camera}_{name}", wavelength)


@cache
def _combined_images() -> tuple[Observation, ...]:
    """Public images of the sky through one filter, made of all exposures of a visit."""
    everything = chain(hst_observations(), older_observations())
    return tuple(observation for observation in everything if _is_combined_image(observation))


def _is_combined_image(observation: Observation) -> bool:
    combined = observation.calib_level == 3 or observation.obs_collection == "HLA"
    science = observation.dataproduct_type == "image" and observation.intentType == "science"
    public = observation.dataRights == "PUBLIC" and not observation.mtFlag
    return combined and science and public and observation.instrument_name in _CAMERAS and bool(_filter(observation))


def _filter(observation: Observation) -> str:
    """The filter that the light passed through; nothing for several filters, or none."""
    names = [name for name in str(observation.filters).split(";") if not name.startswith("CLEAR")]
    return names[0] if len(names) == 1 and names[0][1:4].isdigit() else ""


def _detections(everything: Sky, images: tuple[HubbleImage, ...]) -> Detections:
    position = everything.at(_EPOCH)
    vectors = unit_vectors(*position)
    light = {image.column: at_wavelength(everything.bands, image.wavelength) for image in images}
    missed = np.where(everything.kind == STAR, _MISSED[STAR], _MISSED[GALAXY])
    made = []
    for place, image in enumerate(images):
        covered = _covered(image, position, vectors)
        rng = generator("HSC image", image.name)
        noise, luck = rng.random((2, len(covered)))
        aperture = np.round(light[image.column][covered] + 0.1 * (noise - 0.5), 4)
        kept = (aperture > _BRIGHTEST) & (aperture < _FAINTEST) & (luck < _SEEN)
        found = covered[kept]
        made.append((found, np.full(len(found), place), aperture[kept], np.round(aperture[kept] - missed[found], 4)))
    joined = (np.concatenate(column) for column in zip(*made, strict=True))
    return Detections(*joined)


def _covered(image: HubbleImage, position: tuple[Array, Array], vectors: Array) -> NDArray[np.int64]:
    """Places of the sources that lie on an image."""
    center = image.observation.s_ra or 0.0, image.observation.s_dec or 0.0
    near = np.flatnonzero(vectors @ unit_vectors(*center) > _NEAR)
    x, y = project(*center, position[0][near], position[1][near])
    inside = np.zeros(len(near), dtype=bool)
    for part in parse_region(image.observation.s_region):
        if isinstance(part, Polygon):
            inside |= _inside(np.transpose(project(*center, *np.array(part.vertices).T)), x, y)
    return near[inside]


def _inside(corners: Array, x: Array, y: Array) -> NDArray[np.bool_]:
    """Whether points of a plane lie inside a polygon: a ray from inside crosses its edges an odd number of times."""
    inside = np.zeros(len(x), dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        crossing = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
        inside ^= ((y0 > y) != (y1 > y)) & (x < crossing)
    return inside
