"""Where a mission's search looks: one target or many, in any of the forms in which users hold them.

In: coordinates and names of objects.  Out: positions as the archive takes them, and names that are still to be
resolved, in the order given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import BaseCoordinateFrame, SkyCoord
from astropy.table import Row, Table

from ..exceptions import InvalidArgumentError
from ..sky.position import as_coordinate, as_radius, looks_like_coordinates

__all__ = ["DEFAULT_MISSION_RADIUS", "Name", "arcseconds", "object_targets", "sky_targets", "target_text"]

# The default of the search methods, compared by identity as `~astroquery_mast.sky.position.DEFAULT_RADIUS`.
DEFAULT_MISSION_RADIUS = 3 * u.arcmin
# What is not to be taken apart: positions in one object, and what is no list of positions at all.
_WHOLE = Table | Row | SkyCoord | BaseCoordinateFrame | Mapping
# The archive's own limit.
_MOST = 30.0
# Names of the columns in which tables of objects and of observations have positions.
_PAIRS = (("ra", "dec"), ("s_ra", "s_dec"), ("sci_ra", "sci_dec"), ("targ_ra", "targ_dec"), ("_raj2000", "_dej2000"))


class Name(str):
    """The name of an object, as opposed to a position written as text."""

    __slots__ = ()


def target_text(position: SkyCoord) -> str:
    """Return a position as the archive takes it: ``"ra dec"`` in degrees, ICRS."""
    return f"{float(position.ra.deg)} {float(position.dec.deg)}"


def arcseconds(radius: Any) -> float:
    """Return the radius of a search."""
    angle = as_radius(radius, u.arcmin)
    # Conversions of exactly 30 arcmin may end a hair above, which the archive would refuse.
    if angle.arcmin > _MOST * (1 + 1e-12):
        raise InvalidArgumentError(
            f"radius={radius!r} is {angle.arcmin:g} arcmin; the archive allows {_MOST:g} arcmin."
        )
    return min(float(angle.arcsec), 60 * _MOST)


def object_targets(names: Any) -> list[Name]:
    """Return the names of objects."""
    given = names.split(",") if isinstance(names, str) else names
    if not isinstance(given, Iterable):
        raise InvalidArgumentError(f"Names of objects must be text, not {names!r}.")
    members = list(given)
    wrong = [name for name in members if not isinstance(name, str) or not name.strip()]
    if wrong or not members:
        what = f"{wrong[0]!r} is no name" if wrong else "there is none"
        raise InvalidArgumentError(f"No targets were provided: of the names of objects {what}.")
    return [Name(name.strip()) for name in members]


def sky_targets(coordinates: Any) -> list[str | Name]:
    """Return targets given by coordinates."""
    targets = [target for part in _parts(coordinates) for target in _targets(part)]
    if not targets:
        raise InvalidArgumentError("No targets were provided: coordinates is empty.")
    return targets


def _parts(coordinates: Any) -> list[Any]:
    """The members of whatever was given."""
    if isinstance(coordinates, str):
        return list(_texts(coordinates))
    if isinstance(coordinates, _WHOLE) or not isinstance(coordinates, Iterable):
        return [coordinates]
    members = list(coordinates)
    if len(members) == 2 and all(isinstance(member, str) and _is_number(member) for member in members):
        # One position in two parts, as code written against ``astroquery.mast`` may have it.
        return [" ".join(members)]
    return [part for member in members for part in (_texts(member) if isinstance(member, str) else [member])]


def _texts(text: str) -> list[str]:
    """The positions in a text; a comma stands between two of them, or between the two numbers of one."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > 1 and not all(map(looks_like_coordinates, parts)) and looks_like_coordinates(text):
        return [text]
    return parts


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _targets(part: Any) -> list[str | Name]:
    """The targets in one part."""
    if isinstance(part, str):
        return [target_text(as_coordinate(part)) if looks_like_coordinates(part) else Name(part)]
    if isinstance(part, Table | Row):
        part = _of_table(Table(part, copy=False))
    if not isinstance(part, SkyCoord | BaseCoordinateFrame) or part.isscalar:
        return [target_text(as_coordinate(part))]
    try:
        positions = SkyCoord(part).ravel().icrs
    except (ValueError, TypeError, AttributeError) as err:  # a frame that lacks its place, time or distance
        raise InvalidArgumentError(f"coordinates={part!r} cannot be turned into ICRS: {err}") from err
    ra, dec = np.ma.asarray(positions.ra.deg), np.ma.asarray(positions.dec.deg)
    wrong = np.flatnonzero(~(np.isfinite(ra.filled(np.nan)) & np.isfinite(dec.filled(np.nan))))
    if wrong.size:
        raise InvalidArgumentError(f"coordinates has no position in place {int(wrong[0])}: leave it out.")
    return [f"{float(x)} {float(y)}" for x, y in zip(ra, dec, strict=True)]


def _of_table(table: Table) -> SkyCoord:
    """The positions in a table."""
    ready = [column for column in table.itercols() if isinstance(column, SkyCoord)]
    if len(ready) == 1:
        return ready[0]
    by_name = {name.lower(): name for name in table.colnames}
    pair = next(((by_name[ra], by_name[dec]) for ra, dec in _PAIRS if ra in by_name and dec in by_name), None)
    if pair is None or ready:
        raise InvalidArgumentError(
            "A table of targets has one column of SkyCoord, or columns 'ra' and 'dec'; this one has "
            f"{', '.join(table.colnames)}."
        )
    return _of_columns(*(table[name] for name in pair))


def _of_columns(ra: Any, dec: Any) -> SkyCoord:
    """Positions from two columns; without a unit numbers are degrees, and texts hours and degrees."""
    usual = (u.deg, u.deg) if np.asarray(ra).dtype.kind in "iuf" else (u.hourangle, u.deg)
    units = [getattr(column, "unit", None) or unit for column, unit in zip((ra, dec), usual, strict=True)]
    values = [_filled(column) for column in (ra, dec)]
    try:
        return SkyCoord(*values, unit=units, frame="icrs")
    except (ValueError, TypeError, u.UnitsError) as err:
        raise InvalidArgumentError(f"The positions in the table cannot be read: {err}") from err


def _filled(column: Any) -> Any:
    """A column as plain values, NaN where a number is missing."""
    values = np.ma.asarray(getattr(column, "value", column))
    return values.filled(np.nan) if values.dtype.kind == "f" else values.data
