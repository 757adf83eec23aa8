"""Rows of the Hubble Source Catalog: matches of a cone, detections of a match, and the list of spectra.

In: a `HubbleCatalog`. Out: columns and rows as the services answer them. The columns of a cone depend on what it finds:
three for every filter that occurs in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from statistics import fmean

import numpy as np

from .catalog_hsc import HubbleCatalog, HubbleImage
from .catalog_sky import STAR
from .catalog_table import CatalogTable, Found, plain
from .columns import Columns
from .geometry import separation, unit_vectors
from .hst import hst_observations
from .observation import Observation
from .packaged import packaged

__all__ = ["MATCH_COLUMNS", "SPECTRUM_COLUMNS", "HubbleRows", "spectrum_rows"]

Row = tuple[object, ...]

SELECTED: Columns = (("_selected_", "boolean"),)
_LEADING: Columns = packaged("columns")["hsc"]
#: Columns of the detections of a match, and of the list of spectra.
MATCH_COLUMNS: Columns = packaged("columns")["hsc match"]
SPECTRUM_COLUMNS: Columns = packaged("columns")["hsc spectra"]
_MICROJANSKY_ZERO = 23.9
# Grism spectra per field, of its brightest matches, and one-dimensional ones of the spectrographs.
_GRISM_PER_TARGET, _SLIT_SPECTRA = 8, 120
_FIRST_SPECTRUM = 20_010
_GRISM, _SLIT = 2, 1
_SAME_SOURCE = np.radians(2.0 / 3600.0)


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
        self._dust = np.round(0.05 + 0.1 * sources.dice("HSC dust"), 6)

    @cached_property
    def _with_spectrum(self) -> frozenset[int]:
        """Places of the matches that have a grism spectrum."""
        return frozenset(place for place, _ in _grism_targets(self.catalog))

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
            "Y" if key in self._with_spectrum else "N",
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


def _grism_targets(catalog: HubbleCatalog) -> list[tuple[int, HubbleImage]]:
    """Matches with a grism spectrum: the brightest ones around each target of ACS, and an image that shows them."""
    brightest: dict[str, list[tuple[int, HubbleImage]]] = {}
    for key in np.argsort(catalog.sources.g_mag, kind="stable").tolist():
        image = catalog.images[int(catalog.of(key).image[0])]
        if image.column.startswith("A_"):
            brightest.setdefault(str(image.observation.target_name), []).append((key, image))
    return [pair for pairs in brightest.values() for pair in pairs[:_GRISM_PER_TARGET]]


def spectrum_rows(catalog: HubbleCatalog) -> list[Row]:
    """Return the rows of `SPECTRUM_COLUMNS`: grism spectra of matches, then those of the spectrographs."""
    ra, dec = catalog.positions()
    rows = [
        _grism_row(catalog, key, image, (float(ra[key]), float(dec[key]))) for key, image in _grism_targets(catalog)
    ]
    vectors = unit_vectors(ra, dec)
    for observation in _slit_spectra():
        away = separation(vectors, unit_vectors(observation.s_ra, observation.s_dec))
        nearest = int(np.argmin(away))
        match = int(catalog.match_ids[nearest]) if away[nearest] < _SAME_SOURCE else None
        rows.append(_slit_row(observation, match))
    return _plain([(_FIRST_SPECTRUM + place, *row) for place, row in enumerate(rows)])


def _grism_row(catalog: HubbleCatalog, key: int, image: HubbleImage, position: tuple[float, float]) -> Row:
    hours, sign = position[0] / 15.0, "-" if position[1] < 0 else "+"
    name = f"HAG_J{_clock(hours, 2)}{sign}{_clock(abs(position[1]), 1)}_{image.observation.obs_id.upper()}"
    exposure = image.observation.t_exptime
    return (
        f"{name}_V01.SPEC1D",
        int(catalog.match_ids[key]),
        *position,
        name,
        "",
        _GRISM,
        "ACS  GRISM G800L",
        "ACS/WFC",
        "",
        "G800L",
        0,
        exposure,
        int(image.observation.proposal_id or 0),
        "Y",
        None,
    )


def _clock(value: float, digits: int) -> str:
    ticks = int(value * 3600 * 10**digits)
    seconds, fraction = divmod(ticks, 10**digits)
    return f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}.{fraction:0{digits}d}"


def _slit_spectra() -> list[Observation]:
    spectra = [
        observation
        for observation in hst_observations()
        if observation.dataproduct_type == "spectrum"
        and observation.dataRights == "PUBLIC"
        and str(observation.instrument_name).startswith(("STIS", "COS"))
        and observation.calib_level > 0
        and observation.s_ra is not None
        and not observation.mtFlag
    ]
    return spectra[:_SLIT_SPECTRA]


def _slit_row(observation: Observation, match: int | None) -> Row:
    shortest, longest = observation.em_min or 0.0, observation.em_max or 0.0
    return (
        f"{observation.obs_id.upper()}_X1D",
        match,
        observation.s_ra,
        observation.s_dec,
        observation.target_name,
        str(observation.target_classification or "").partition(";")[0],
        _SLIT,
        str(observation.instrument_name).replace("/", "  "),
        observation.instrument_name,
        "0.2X0.2" if str(observation.instrument_name).startswith("STIS") else "PSA",
        observation.filters,
        round(5.0 * (shortest + longest), 3),
        observation.t_exptime,
        int(observation.proposal_id or 0),
        "N" if match is None else "Y",
        None,
    )
