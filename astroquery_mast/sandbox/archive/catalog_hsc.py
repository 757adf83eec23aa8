"""The Hubble Source Catalog, versions 2 and 3: sources detected in the archive's HST images.

Each source has one detection per image that covers it; the detections of a source form a match.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..packaged import Columns, packaged
from .catalog_sky import GALAXY, STAR, Array, Sky, at_wavelength, sky
from .catalog_table import CatalogTable, Found, plain
from .geometry import Polygon, parse_region, project, unit_vectors
from .hst import hst_observations
from .observation import Observation
from .scene import generator
from .surveys import older_observations

#: Instrument code in the names of magnitude columns.
_CAMERAS: Mapping[str, str] = {"ACS/WFC": "A", "ACS/HRC": "A", "WFC3/UVIS": "W3", "WFC3/IR": "W3", "WFPC2/WFC": "W2"}
#: Version 2 contains images that were public in mid-2016, version 3 those of two more years.
_LAST_IMAGE = {2: 57540.0, 3: 58300.0}
_FIRST_MATCH = {2: 82_000_000, 3: 8_000_000}
_BRIGHTEST, _FAINTEST = 12.0, 25.5
# Fraction of the sources in an image that are in its catalog.
_SEEN = 0.97
_NEAR = np.cos(np.radians(0.2))
_EPOCH = 2009.0
# Kron magnitudes include the flux outside an aperture of two pixels.
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
        """The filter without the camera."""
        return self.column.partition("_")[2]

    @property
    def pixel(self) -> float:
        """Size of a pixel in arcsec."""
        return _PIXEL[self.observation.instrument_name or ""]

    @property
    def name(self) -> str:
        """The name of the image, composed of program, visit, camera, and filter."""
        observation = self.observation
        if observation.obs_collection == "HLA":
            return observation.obs_id
        camera = str(observation.instrument_name).replace("/", "_").lower()
        program = str(observation.proposal_id or 0).zfill(5)
        return f"hst_{program}_{observation.obs_id[4:6]}_{camera}_{self.filter.lower()}"


@dataclass(frozen=True)
class Detections:
    """Detections, as arrays of equal length: indices of source and image, aperture and Kron AB magnitudes."""

    source: NDArray[np.int64]
    image: NDArray[np.int64]
    aperture: Array
    kron: Array

    def where(self, chosen: NDArray[Any]) -> Detections:
        """Return the selected detections."""
        return Detections(self.source[chosen], self.image[chosen], self.aperture[chosen], self.kron[chosen])


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
    """Return the public single-filter images of the sky that combine all exposures of a visit."""
    everything = chain(hst_observations(), older_observations())
    return tuple(observation for observation in everything if _is_combined_image(observation))


def _is_combined_image(observation: Observation) -> bool:
    combined = observation.calib_level == 3 or observation.obs_collection == "HLA"
    described = (observation.dataproduct_type, observation.intentType, observation.dataRights)
    public = described == ("image", "science", "PUBLIC") and not observation.mtFlag
    return combined and public and observation.instrument_name in _CAMERAS and bool(_filter(observation))


def _filter(observation: Observation) -> str:
    """Return the filter, or an empty string for no filter or several filters."""
    names = [name for name in str(observation.filters).split(";") if not name.startswith("CLEAR")]
    return names[0] if len(names) == 1 and names[0][1:4].isdigit() else ""


def _detections(everything: Sky, images: tuple[HubbleImage, ...]) -> Detections:
    """Return the detections, sorted by source and image."""
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
    joined = Detections(*(np.concatenate(column) for column in zip(*made, strict=True)))
    return joined.where(np.lexsort((joined.image, joined.source)))


def _covered(image: HubbleImage, position: tuple[Array, Array], vectors: Array) -> NDArray[np.int64]:
    """Return the indices of the sources covered by an image."""
    center = image.observation.place
    near = np.flatnonzero(vectors @ unit_vectors(*center) > _NEAR)
    x, y = project(*center, position[0][near], position[1][near])
    inside = np.zeros(len(near), dtype=bool)
    for part in parse_region(image.observation.s_region):
        if isinstance(part, Polygon):
            inside |= _inside(np.transpose(project(*center, *np.array(part.vertices).T)), x, y)
    return near[inside]


def _inside(corners: Array, x: Array, y: Array) -> NDArray[np.bool_]:
    """Return whether points of a plane are inside a polygon (even-odd rule)."""
    inside = np.zeros(len(x), dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        crossing = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
        inside ^= ((y0 > y) != (y1 > y)) & (x < crossing)
    return inside


Row = tuple[object, ...]

SELECTED: Columns = (("_selected_", "boolean"),)
_LEADING: Columns = packaged("columns")["hsc"]
#: Columns of the detections of a match, and of the list of spectra.
MATCH_COLUMNS: Columns = packaged("columns")["hsc match"]
SPECTRUM_COLUMNS: Columns = packaged("columns")["hsc spectra"]
_MICROJANSKY_ZERO = 23.9


class HubbleRows:
    """A version of the catalog (2 or 3), and the rows returned by its services."""

    def __init__(self, version: int) -> None:
        everything = sky()
        self._version = version
        self._images = tuple(_images(version))
        detections = _detections(everything, self._images)
        places, first = np.unique(detections.source, return_index=True)
        sources = everything.where(np.isin(everything.index, places))
        self.match_ids = sources.numbers(f"HSC v{version}", _FIRST_MATCH[version], 2 * _FIRST_MATCH[version])
        ra, dec = sources.at(_EPOCH)
        self.table = CatalogTable({"MatchID": ("int", self.match_ids)}, (ra, dec))
        # Rows are composed of single numbers, which are faster to get from lists than from arrays. The detections of
        # match i are those from first[i] up to first[i + 1].
        self._first = [*first.tolist(), len(detections.source)]
        self._image_of = detections.image.tolist()
        self._aperture, self._kron = detections.aperture.tolist(), detections.kron.tolist()
        self._place = list(zip(ra.tolist(), dec.tolist(), strict=True))
        star = sources.kind == STAR
        self._spread = np.round(30.0 * sources.dice("HSC spread") ** 2, 6)
        self._index = np.round(np.where(star, 1.0, 1.5) + 0.3 * sources.dice("HSC concentration"), 6)
        self._radius = np.round(np.where(star, 0.16, 0.4) + 0.2 * sources.dice("HSC Kron"), 6)
        self._dust = np.round(0.05 + 0.1 * sources.dice("HSC dust"), 6)
        # Matches with a grism spectrum.
        self._with_spectrum = frozenset(packaged("spectra")["matches"][str(version)])

    def cone(self, found: Found, *, aperture: bool, images: int, most: int) -> tuple[Columns, list[Row]]:
        """Return columns and rows of the matches in a cone: at least ``images`` images each, at most ``most`` rows."""
        numbers = np.diff(self._first)[found.keys]
        keys, away = found.keys[numbers >= images][:most], found.distance[numbers >= images][:most]
        measured = [self._magnitudes(int(key), aperture=aperture) for key in keys]
        filters = sorted(set().union(*measured), key=_by_wavelength)
        spread = "Sigma" if self._version == 2 else "MAD"
        triples = (((name, "float"), (f"{name}_{spread}", "float"), (f"{name}_N", "int")) for name in filters)
        rows = [
            (*self._leading(int(key), float(distance)), *_triples(each, filters), None)
            for key, distance, each in zip(keys, away, measured, strict=True)
        ]
        return (*_LEADING, *chain.from_iterable(triples), *SELECTED), _plain(rows)

    def _images_of(self, key: int) -> list[HubbleImage]:
        return [self._images[self._image_of[serial]] for serial in self._serials(key)]

    def _serials(self, key: int) -> range:
        """Return the indices of the detections of a match."""
        return range(self._first[key], self._first[key + 1])

    def _magnitudes(self, key: int, *, aperture: bool) -> dict[str, list[float]]:
        values = self._aperture if aperture else self._kron
        by_filter: dict[str, list[float]] = {}
        for image, serial in zip(self._images_of(key), self._serials(key), strict=True):
            by_filter.setdefault(image.column, []).append(values[serial])
        return by_filter

    def _leading(self, key: int, distance: float) -> Row:
        images = self._images_of(key)
        index = float(self._index[key])
        scatter = (float(self._spread[key]), round(0.02 * index, 6), 0.002) if len(images) > 1 else (0, 0, 0)
        observations = [image.observation for image in images]
        begins, ends = zip(*(observation.span for observation in observations), strict=True)
        ra, dec = self._place[key]
        return (
            int(self.match_ids[key]),
            round(distance / 60.0, 9),
            ra,
            dec,
            scatter[0],
            "Y",
            len({image.column for image in images}),
            len({observation.obs_id[:6] for observation in observations}),
            len(images),
            min(begins),
            max(ends),
            observations[0].target_name,
            index,
            scatter[1],
            float(self._radius[key]),
            scatter[2],
            float(self._dust[key]),
            "Y" if int(self.match_ids[key]) in self._with_spectrum else "N",
        )

    def detections(self, match_id: int) -> list[Row]:
        """Return the rows of the detections of a match (`MATCH_COLUMNS`); none for an unknown match."""
        keys = np.flatnonzero(self.match_ids == match_id).tolist()
        return _plain([self._detection(key, member) for key in keys for member in range(len(self._serials(key)))])

    def _detection(self, key: int, member: int) -> Row:
        serial, image = self._serials(key)[member], self._images_of(key)[member]
        ra, dec = self._place[key]
        shift = 2e-7 * (serial % 11 - 5)
        observation = image.observation
        magnitude = self._aperture[serial]
        camera, detector = observation.configuration
        return (
            280_000_000 + serial,
            int(self.match_ids[key]),
            member + 1,
            6_500_000_000 + serial,
            image.number,
            "Y",
            ra,
            dec,
            round(ra + shift, 8),
            round(dec - shift, 8),
            round(abs(shift) * 3.6e6, 6),
            float(self._spread[key]),
            "Y",
            *_pixel_place(image, (ra, dec)),
            image.name,
            camera,
            "ACCUM",
            f"{camera}/{detector}",
            detector,
            observation.t_exptime,
            observation.t_min,
            observation.t_max,
            round(10.0 * image.wavelength, 4),
            image.filter,
            observation.target_name,
            float(f"{10.0 ** (0.4 * (_MICROJANSKY_ZERO - magnitude)):.6g}"),
            magnitude,
            self._kron[serial],
            int(observation.proposal_id or 0),
            float(self._index[key]),
            float(self._radius[key]),
            serial % 7 // 6,
            *_world(image),
            None,
        )


def _plain(rows: list[Row]) -> list[Row]:
    return [tuple(plain(cell) if isinstance(cell, float) else cell for cell in row) for row in rows]


def _by_wavelength(name: str) -> tuple[float, str]:
    camera, _, band = name.partition("_")
    number = float(re.findall(r"\d+", band)[0])
    return (10.0 * number if number < 200 else number), camera


def _triples(measured: Mapping[str, Sequence[float]], filters: Sequence[str]) -> Iterator[object]:
    for name in filters:
        values = measured.get(name, ())
        yield round(fmean(values), 6) if values else None
        yield round(_scatter(values), 6) if len(values) > 1 else 0 if values else None
        yield len(values)


def _scatter(values: Sequence[float]) -> float:
    mean = fmean(values)
    return math.sqrt(fmean((value - mean) ** 2 for value in values))


def _size(image: HubbleImage) -> int:
    return 4200 if image.pixel < 0.06 else 1600


def _pixel_place(image: HubbleImage, position: tuple[float, float]) -> tuple[float, float]:
    middle, (ra, dec) = _size(image) / 2, image.observation.place
    east = (position[0] - ra) * float(np.cos(np.radians(position[1])))
    north = position[1] - dec
    scale = 3600.0 / image.pixel
    return round(middle - east * scale, 4), round(middle + north * scale, 4)


def _world(image: HubbleImage) -> tuple[str, str, str, str]:
    """Return the world coordinates of the image as in the catalog: numbers separated by spaces."""
    size, step = _size(image), image.pixel / 3600.0
    center = f"{image.observation.s_ra:.8f} {image.observation.s_dec:.8f}"
    return f"{size} {size}", f"{size / 2:.2f} {size / 2:.2f}", center, f"{-step:.5e} 0.0 0.0 {step:.5e}"
