"""Rows of the Hubble Source Catalog: matches of a cone, and detections of a match.

In: a `HubbleCatalog`. Out: columns and rows as the services answer them. The columns of a cone depend on what it finds:
three for every filter that occurs in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

import numpy as np

from .catalog_hsc import HubbleCatalog, HubbleImage
from .catalog_sky import STAR
from .catalog_table import CatalogTable, Found, plain
from .packaged import Columns, packaged

__all__ = ["MATCH_COLUMNS", "SPECTRUM_COLUMNS", "HubbleRows"]

Row = tuple[object, ...]

SELECTED: Columns = (("_selected_", "boolean"),)
_LEADING: Columns = packaged("columns")["hsc"]
#: Columns of the detections of a match, and of the list of spectra.
MATCH_COLUMNS: Columns = packaged("columns")["hsc match"]
SPECTRUM_COLUMNS: Columns = packaged("columns")["hsc spectra"]
_MICROJANSKY_ZERO = 23.9


class HubbleRows:
    """Answers from a version of the catalog."""

    def __init__(self, catalog: HubbleCatalog) -> None:
        self.catalog = catalog
        ra, dec = catalog.positions()
        self.table = CatalogTable({"MatchID": ("int", catalog.match_ids)}, (ra, dec))
        # Lists: a row is put together from single numbers, which arrays give slowly.
        self._image_of = catalog.detections.image.tolist()
        self._aperture, self._kron = catalog.detections.aperture.tolist(), catalog.detections.kron.tolist()
        self._first: list[int] = catalog.first.tolist()
        self._place = list(zip(ra.tolist(), dec.tolist(), strict=True))
        sources = catalog.sources
        star = sources.kind == STAR
        self._spread = np.round(30.0 * sources.dice("HSC spread") ** 2, 6)
        self._index = np.round(np.where(star, 1.0, 1.5) + 0.3 * sources.dice("HSC concentration"), 6)
        self._radius = np.round(np.where(star, 0.16, 0.4) + 0.2 * sources.dice("HSC Kron"), 6)
        # Matches that have a grism spectrum.
        self._with_spectrum = frozenset(packaged("spectra")["matches"][str(catalog.version)])
        self._dust = np.round(0.05 + 0.1 * sources.dice("HSC dust"), 6)

    def cone(self, found: Found, *, aperture: bool, images: int, most: int) -> tuple[Columns, list[Row]]:
        """Return columns and rows of the matches of a cone: at least ``images`` images each, at most ``most`` rows."""
        numbers = np.diff(self.catalog.first)[found.keys]
        keys, away = found.keys[numbers >= images][:most], found.distance[numbers >= images][:most]
        measured = [self._magnitudes(int(key), aperture=aperture) for key in keys]
        filters = sorted({name for each in measured for name in each}, key=_by_wavelength)
        spread = "Sigma" if self.catalog.version == 2 else "MAD"
        triples = tuple(
            column
            for name in filters
            for column in ((name, "float"), (f"{name}_{spread}", "float"), (f"{name}_N", "int"))
        )
        rows = [
            (*self._leading(int(key), float(distance)), *_triples(each, filters), None)
            for key, distance, each in zip(keys, away, measured, strict=True)
        ]
        return (*_LEADING, *triples, *SELECTED), _plain(rows)

    def _images(self, key: int) -> list[HubbleImage]:
        return [self.catalog.images[self._image_of[serial]] for serial in self._serials(key)]

    def _serials(self, key: int) -> range:
        """Places of the detections of a match."""
        return range(self._first[key], self._first[key + 1])

    def _magnitudes(self, key: int, *, aperture: bool) -> dict[str, list[float]]:
        values = self._aperture if aperture else self._kron
        by_filter: dict[str, list[float]] = {}
        for image, serial in zip(self._images(key), self._serials(key), strict=True):
            by_filter.setdefault(image.column, []).append(values[serial])
        return by_filter

    def _leading(self, key: int, distance: float) -> Row:
        images = self._images(key)
        observations = [image.observation for image in images]
        ra, dec = self._place[key]
        return (
            int(self.catalog.match_ids[key]),
            round(distance / 60.0, 9),
            ra,
            dec,
            float(self._spread[key]) if len(images) > 1 else 0,
            "Y",
            len({image.column for image in images}),
            len({observation.obs_id[:6] for observation in observations}),
            len(images),
            min(observation.t_min or 0.0 for observation in observations),
            max(observation.t_max or 0.0 for observation in observations),
            observations[0].target_name,
            float(self._index[key]),
            round(0.02 * float(self._index[key]), 6) if len(images) > 1 else 0,
            float(self._radius[key]),
            0.002 if len(images) > 1 else 0,
            float(self._dust[key]),
            "Y" if int(self.catalog.match_ids[key]) in self._with_spectrum else "N",
        )

    def detections(self, match_id: int) -> list[Row]:
        """Return the rows of a match's detections (`MATCH_COLUMNS`); none for an unknown match."""
        key = self.catalog.place_of(match_id)
        if key is None:
            return []
        return _plain([self._detection(key, member) for member in range(len(self._serials(key)))])

    def _detection(self, key: int, member: int) -> Row:
        serial, image = self._serials(key)[member], self._images(key)[member]
        ra, dec = self._place[key]
        shift = 2e-7 * (serial % 11 - 5)
        observation = image.observation
        magnitude = self._aperture[serial]
        camera, _, detector = str(observation.instrument_name).partition("/")
        return (
            280_000_000 + serial,
            int(self.catalog.match_ids[key]),
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
    observation, middle = image.observation, _size(image) / 2
    east = (position[0] - (observation.s_ra or 0.0)) * float(np.cos(np.radians(position[1])))
    north = position[1] - (observation.s_dec or 0.0)
    scale = 3600.0 / image.pixel
    return round(middle - east * scale, 4), round(middle + north * scale, 4)


def _world(image: HubbleImage) -> tuple[str, str, str, str]:
    """The world coordinates of the image as the catalog writes them: words in a row."""
    size, step = _size(image), image.pixel / 3600.0
    center = f"{image.observation.s_ra:.8f} {image.observation.s_dec:.8f}"
    return f"{size} {size}", f"{size / 2:.2f} {size / 2:.2f}", center, f"{-step:.5e} 0.0 0.0 {step:.5e}"
