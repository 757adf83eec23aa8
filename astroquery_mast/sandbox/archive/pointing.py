"""Observing programs of HST and JWST, and common properties of their exposures: pointing, times, filters, rights.

Programs, targets, and filters are real, titles are short descriptions, dates and exposure times are approximate.
Planned and exclusive programs are examples.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..packaged import packaged
from .fields import MOVING, TARGETS, Field
from .geometry import deproject
from .instruments import APERTURES, SPELLINGS, Aperture, detectors, limits, region, spectral_region, whole
from .observation import Observation


class Program(NamedTuple):
    """One line of a program: ``visits`` pointings, each with one composite observation per filter out of ``exposures``.

    ``mjd`` is the first day; ``rights`` is ``""`` for public data, ``exclusive``, ``planned`` or ``planned mosaic``.
    """

    number: int
    investigator: str
    title: str
    kind: str
    target: str
    instrument: str
    filters: tuple[str, ...]
    visits: int
    exposures: int
    seconds: float
    mjd: float
    rights: str = ""


HST_PROGRAMS, JWST_PROGRAMS = (tuple(Program(*line) for line in packaged("programs")[name]) for name in ("HST", "JWST"))


#: Maximum offset of the visits of a mosaic from the target, in arcmin.
_SPREAD = {"deep": 5.0, "nebula": 3.5, "cluster": 2.0, "elliptical": 1.5, "spiral": 2.2, "star": 0.0}
#: Kinds of data by configuration, filter, or instrument; all others are images.
_DATA_KINDS: Mapping[str, str] = packaged("products")["data kinds"]
#: Exclusive data of the sandbox stay exclusive for years: their release is after this date (MJD).
FAR_RELEASE = 62000.0


def point(program: Program, visit: int, rng: random.Random) -> tuple[float, float, float]:
    """Return right ascension, declination, and position angle of a visit in degrees; the first is near the target."""
    field = TARGETS[program.target]
    spread = _SPREAD[field.look] / 60.0 * (0.15 if visit == 1 else 1.0)
    drift = 2.5 if program.target in MOVING else 0.0
    offsets = (rng.uniform(-1, 1) * spread + rng.uniform(-1, 1) * drift for _ in "xy")
    ra, dec = deproject(field.ra, field.dec, *offsets)
    return round(ra, 10), round(dec, 10), round(rng.uniform(0.0, 360.0), 3)


def footprint(instrument: str, at: tuple[float, float, float], rng: random.Random, *, combined: bool) -> str:
    """Return the ``s_region`` of a pointing: one polygon for a combined image, one per detector for an exposure."""
    aperture = APERTURES[instrument]
    polygons = [whole(aperture, *at)] if combined else detectors(aperture, *at)
    spelling = SPELLINGS[int(rng.random() * len(SPELLINGS))] if rng.random() < 0.3 else "icrs"
    return region(polygons, spelling)


def product_kind(instrument: str, filters: str) -> str:
    """Return the ``dataproduct_type`` of an instrument configuration."""
    names = (instrument, filters, instrument.partition("/")[0])
    return next((_DATA_KINDS[name] for name in names if name in _DATA_KINDS), "image")


def describe(program: Program, filters: str, mission: str) -> dict[str, Any]:
    """Return the columns shared by all observations of a program line with one filter."""
    field: Field = TARGETS[program.target]
    shortest, longest = limits(filters, mission)
    return {
        "obs_collection": mission,
        "project": mission,
        "instrument_name": program.instrument,
        "target_name": program.target,
        "target_classification": field.classification,
        "dataproduct_type": product_kind(program.instrument, filters),
        "filters": filters,
        "wavelength_region": spectral_region(shortest, longest),
        "em_min": shortest,
        "em_max": longest,
        "proposal_pi": program.investigator,
        "proposal_id": str(program.number),
        "proposal_type": program.kind,
        "obs_title": program.title,
        "mtFlag": program.target in MOVING,
    }


def times(program: Program, start: float, seconds: float) -> dict[str, Any]:
    """Return start, end, exposure time, release, and rights of an observation that begins at ``start`` (MJD)."""
    begin = round(start, 8)
    end = round(start + seconds / 86400.0, 8)
    months = 0.0 if program.kind in {"DD", "SM4/ERO", "ERS", "COM"} else 365.0
    release = round(end + months, 8)
    rights = "PUBLIC"
    if program.rights == "exclusive":
        rights, release = "EXCLUSIVE_ACCESS", round(max(end + months, FAR_RELEASE + begin % 100), 8)
    return {
        "t_min": begin,
        "t_max": end,
        "t_exptime": round(seconds, 3),
        "t_obs_release": release,
        "dataRights": rights,
    }


def planned(
    shared: Mapping[str, Any],
    obs_id: str,
    at: tuple[float, float, float],
    rng: random.Random,
    begins: float,
    *,
    mosaic: bool = False,
    seconds: float | None = None,
) -> Observation:
    """Return an approved observation that was not executed yet: no files, often neither times nor footprint.

    The footprint of a mosaic is approximate: a single outline of all its tiles.
    """
    instrument = str(shared["instrument_name"])
    dated, placed = rng.random() < 0.4, rng.random() < 0.6
    known: dict[str, Any] = {"dataRights": None}
    if dated:
        known = {"t_min": round(begins, 4), "t_max": round(begins + 0.2, 4), "dataRights": "EXCLUSIVE_ACCESS"}
    region_text = footprint(instrument, at, rng, combined=True) if placed else None
    if mosaic:
        tiles = APERTURES[instrument]
        region_text = region([whole(Aperture(3 * tiles.width, 2 * tiles.height), *at)], "icrs")
    return Observation(
        **shared,
        **known,
        obs_id=obs_id,
        calib_level=-1,
        provenance_name="APT",
        s_ra=at[0],
        s_dec=at[1],
        s_region=region_text,
        sequence_number=-999,
        t_exptime=seconds,
    )
