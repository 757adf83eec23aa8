"""The tests for a duplication: whether an observation has the same field, mode, passband and depth.

In: what is proposed for a target, and an observation near it.  Out: an `Answer`, "yes", "possible" or "no", with a
reason; an empty one if nothing was specified for the test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from astropy import units as u
from astropy.table import Row, Table

from ..exceptions import InvalidArgumentError
from ..query.values import is_missing
from ..sky.outlines import Outlines, outlines_of
from ..sky.region_filter import shapes_of
from ..sky.sphere import separation, unit_vectors
from ..tables.columns import plain_floats
from .fields import ARCSEC, FieldTargets
from .planned import is_planned
from .setups import (
    Passband,
    as_filters,
    as_instrument,
    effective_elements,
    elements_of,
    family_of,
    field_of,
    modes_of,
    overlap,
    overlaps_enough,
    passband,
)

YES, POSSIBLE, NO = "yes", "possible", "no"
# An observation with at least half of the exposure time has the same depth; one with less than a quarter does not.
_AS_DEEP, _SHALLOWER = 0.5, 0.25
_NM = 1000.0
_APERTURES = " (for slits and apertures see the APT file)"


class Answer(NamedTuple):
    """The result of a test, with the reason; both are empty if the test does not apply."""

    verdict: str
    reason: str


_NOT_TESTED = Answer("", "")


@dataclass(frozen=True)
class ProposedSetup:
    """The setup that is proposed for one target."""

    instrument: str | None = None
    filters: tuple[frozenset[str], ...] = ()
    seconds: float | None = None

    @classmethod
    def of(cls, instrument: Any, filters: Any, exptime: Any) -> ProposedSetup:
        """Return the setup that a user specifies."""
        name = None if is_missing(instrument) else as_instrument(instrument)
        wanted = () if is_missing(filters) else tuple(as_filters(filters, name))
        return cls(name, wanted, None if is_missing(exptime) else _seconds(exptime))


def _seconds(exptime: Any) -> float:
    """Return an exposure time in seconds."""
    try:
        seconds = float(u.Quantity(exptime, u.s).to_value(u.s))
    except (TypeError, ValueError, u.UnitsError) as err:
        raise InvalidArgumentError(f"Cannot parse exptime={exptime!r} as a time: {err}") from err
    if not 0 < seconds < math.inf:
        raise InvalidArgumentError(f"exptime must be a positive time, got {exptime!r}.")
    return seconds


# -- the field -------------------------------------------------------------------------------------------------------


class FieldTest:
    """Whether observations have the field of their targets, by footprint, and by distance for any roll."""

    def __init__(self, found: Table, targets: FieldTargets) -> None:
        self._found = found
        self._moving = targets.moving
        positions = targets.fixed.positions
        rows = np.asarray(found["input_row"], dtype=int)
        self._points = unit_vectors(positions.ra[rows], positions.dec[rows])
        centers = unit_vectors(plain_floats(found["s_ra"]), plain_floats(found["s_dec"]))
        self.separation = separation(centers, self._points)
        self._shapes = shapes_of(found["s_region"].tolist())
        nowhere = np.full(len(found), np.nan)
        self._outlines: Outlines = outlines_of(self._shapes, nowhere, nowhere)

    def answer(self, place: int, own: ProposedSetup) -> Answer:
        """Return the answer for one row."""
        row = self._found[place]
        if int(row["input_row"]) in self._moving:
            return Answer(YES, f"field: the target is {row['target_name']}")
        if not is_missing(row["mtFlag"]) and bool(row["mtFlag"]):
            return Answer(NO, f"field: {row['target_name']} is a moving target, observed elsewhere")
        instrument = _instrument_of(row) or ""
        reach = field_of(own.instrument or instrument)[0]
        away, distance = float(self.separation[place]) * ARCSEC, self._to_footprint(place)
        compare = compare_planned_field if is_planned(row["calib_level"]) else compare_field
        return compare(away, distance, reach, instrument)

    def _to_footprint(self, place: int) -> float | None:
        """Return the distance of the target from the footprint in arcsec: zero inside, None without a footprint."""
        if not self._shapes[place]:
            return None
        parts = self._outlines.take(np.flatnonzero(self._outlines.owner == place))
        return float(parts.distances(self._points[place]).min()) * ARCSEC


def compare_field(away: float, distance: float | None, reach: float, instrument: str) -> Answer:
    """Compare the field of an executed observation, from the distances of its center and its footprint in arcsec."""
    if distance is None:
        if away <= field_of(instrument)[0] + reach:
            return Answer(POSSIBLE, f"field: its center is {away:.1f} arcsec away, and it has no footprint")
        return Answer(NO, f"field: its center is {away:.1f} arcsec away")
    if distance <= 0:
        return Answer(YES, "field: the target is in its footprint")
    if distance <= reach:
        return Answer(POSSIBLE, f"field: its footprint is {distance:.1f} arcsec away, fields may overlap")
    return Answer(NO, f"field: its footprint is {distance:.1f} arcsec away")


def compare_planned_field(away: float, distance: float | None, reach: float, instrument: str) -> Answer:
    """Compare the field of a planned observation, by its approximate footprint, and for any roll around its center."""
    outer, inner = field_of(instrument)
    if away <= inner:
        return Answer(YES, f"field: {away:.1f} arcsec from its center, in the field at any roll")
    if distance is not None and distance <= 0:
        return Answer(POSSIBLE, f"field: in its approximate footprint, {away:.1f} arcsec from the center")
    if away <= outer:
        return Answer(POSSIBLE, f"field: {away:.1f} arcsec from its center, in the field at some rolls")
    if min(away - outer, math.inf if distance is None else distance) <= reach:
        return Answer(POSSIBLE, f"field: {away:.1f} arcsec from its center, fields may overlap")
    return Answer(NO, f"field: {away:.1f} arcsec from its center")


# -- the mode --------------------------------------------------------------------------------------------------------


def compare_mode(row: Row, own: ProposedSetup) -> Answer:
    """Compare the mode, which may be the same or similar."""
    if own.instrument is None:
        return _NOT_TESTED
    theirs = _instrument_of(row)
    if theirs is None:
        return Answer(POSSIBLE, "mode: instrument unknown")
    name = theirs.partition("/")[0]
    if theirs == own.instrument:
        return Answer(YES, f"mode: both {theirs}{_APERTURES if name == 'NIRSPEC' else ''}")
    if own.instrument == name:
        return Answer(POSSIBLE, f"mode: {theirs} is a mode of {name}")
    family = family_of(theirs)
    if family and family in map(family_of, modes_of(own.instrument)):
        return Answer(POSSIBLE, f"mode: {theirs} and {own.instrument} are both {family}")
    return Answer(NO, f"mode: {theirs} differs from {own.instrument}")


# -- the passband ----------------------------------------------------------------------------------------------------


def compare_passband(row: Row, own: ProposedSetup) -> Answer:
    """Compare the passband, which may be the same or overlap."""
    if not own.filters:
        return _NOT_TESTED
    theirs = elements_of(row["filters"])
    shown = ";".join(sorted(theirs)) or "its wavelength range (no filters are given)"
    if theirs and effective_elements(row["filters"]) in {effective_elements(";".join(each)) for each in own.filters}:
        return Answer(YES, f"passband: both {shown}")
    part = _shared_part(row, own)
    if part is None:
        return Answer(POSSIBLE, f"passband: {shown} unknown")
    if overlaps_enough(part):
        return Answer(POSSIBLE, f"passband: {shown} overlap by {100 * part:.0f} percent of the narrower one")
    return Answer(NO, f"passband: {shown} do not overlap")


def _shared_part(row: Row, own: ProposedSetup) -> float | None:
    """Return the largest fraction of a passband that is shared; None if a passband is unknown."""
    theirs = passband(elements_of(row["filters"]), _instrument_of(row), _limits(row))
    mine = [passband(each, own.instrument) for each in own.filters]
    if theirs is None or None in mine:
        return None
    return max(overlap(theirs, each) for each in filter(None, mine))


def _limits(row: Row) -> Passband | None:
    """Return MAST's limits of the wavelengths, in micrometers; None if they are missing or zero."""
    low, high = _number(row, "em_min") / _NM, _number(row, "em_max") / _NM
    return (low, high) if 0 < low < high else None


def _instrument_of(row: Row) -> str | None:
    """Return the instrument of an observation, with its mode, in upper case; None if it is missing."""
    return None if is_missing(row["instrument_name"]) else str(row["instrument_name"]).upper()


def _number(row: Row, name: str) -> float:
    """Return a number of a row, NaN if it is masked."""
    return math.nan if is_missing(row[name]) else float(row[name])


# -- the depth -------------------------------------------------------------------------------------------------------


def compare_depth(row: Row, own: ProposedSetup) -> Answer:
    """Compare the depth, by the time on target."""
    if own.seconds is None:
        return _NOT_TESTED
    seconds = _number(row, "t_exptime")
    if not seconds > 0:
        return Answer(POSSIBLE, "depth: exposure time unknown")
    part = seconds / own.seconds
    reason = f"depth: {seconds:.0f} s, {part:.2g} times the proposed exposure time"
    return Answer(YES if part >= _AS_DEEP else POSSIBLE if part >= _SHALLOWER else NO, reason)
