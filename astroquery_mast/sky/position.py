"""Convert a position and a radius to the cone of a query.

In: coordinates as an object or a string, a radius as a Quantity, a string or a number.  Out: a frozen `Cone`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle, BaseCoordinateFrame, SkyCoord, SphericalRepresentation
from astropy.table import Table

from ..exceptions import InvalidArgumentError
from .radii import DEFAULT_RADIUS

# A distance at which the parallax is negligible.
_FAR = 1 * u.Gpc
# Two plain numbers are a position, even an invalid one.
_NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?(?:nan|inf|infinity))"
_TWO_NUMBERS = re.compile(rf"\s*{_NUMBER}(?:\s*,\s*|\s+){_NUMBER}\s*", re.IGNORECASE)
# Two numbers in hours or degrees, minutes and seconds, with any values.
_PARTS = r"[+-]?\d+ ?(?:[hd°] ?\d[\d.]* ?[m']?|: ?\d[\d.]*)(?: ?:? ?\d[\d.]* ?[s\"]?)?"
_THREE = r"[+-]?\d+\s+\d+\s+\d[\d.]*"
_SEXAGESIMAL = re.compile(rf"\s*{_PARTS}(?:\s*,\s*|\s+|(?=[+-])){_PARTS}\s*|\s*{_THREE}(?:\s*,\s*|\s+){_THREE}\s*")
# Source names from a position in hours without a decimal point: 1820-30, 0957+561.
_NAMED_AFTER_PLACE = re.compile(r"\s*\d+[+-]\d+\s*")


@dataclass(frozen=True)
class Cone:
    """A circle on the sky: center and radius in degrees, ICRS."""

    ra: float
    dec: float
    radius: float

    def position(self) -> str:
        """Return the string for ``...Filtered.Position`` services: ``"ra, dec, radius"`` in degrees."""
        return f"{self.ra}, {self.dec}, {self.radius}"

    def params(self) -> dict[str, float]:
        """Return the three numbers as parameters of cone search services."""
        return {"ra": self.ra, "dec": self.dec, "radius": self.radius}


def _parse(text: str) -> SkyCoord:
    """Parse a position from a string, with or without units.

    Without units, two plain numbers are in degrees.  In sexagesimal notation, with colons or as six numbers, right
    ascension is in hours.
    """
    if _NAMED_AFTER_PLACE.fullmatch(text):
        raise ValueError("it looks like an object name. Write a position as 'ra dec', separated by a space")
    plain = two_numbers(text)
    if plain is not None:
        return _in_degrees(*plain)
    text = text.replace(",", " ")
    try:
        return SkyCoord(text, frame="icrs")
    except ValueError as err:
        # Astropy may wrap the error about missing units.
        if not any(isinstance(each, u.UnitsError) for each in (err, err.__context__)):
            raise
    sexagesimal = ":" in text or len(text.split()) == 6 or text.lstrip()[:1].upper() == "J"
    return SkyCoord(text, unit=(u.hourangle, u.deg) if sexagesimal else u.deg, frame="icrs")


def _in_degrees(ra: float, dec: float) -> SkyCoord:
    """Return the position of two numbers; raise if they are out of range, because astropy would wrap them."""
    if not abs(ra) <= 360:
        raise ValueError(f"the right ascension {ra:g} is not between 0 and 360 degrees")
    if not abs(dec) <= 90:
        raise ValueError(f"the declination (latitude) {dec:g} is not between -90 and 90 degrees")
    return SkyCoord(ra, dec, unit="deg", frame="icrs")


def two_numbers(text: str) -> tuple[float, float] | None:
    """Return the two plain numbers of a string, or None for any other string."""
    found = _TWO_NUMBERS.fullmatch(text)
    return None if found is None else (float(found[1]), float(found[2]))


def tic_hint(name: object) -> str:
    """Return a hint that a bare number may be a TIC identifier; empty for anything else."""
    number = str(name).strip()
    return f" For a star of the TIC: 'TIC {number}'." if number.isdecimal() else ""


def looks_like_coordinates(text: str) -> bool:
    """Return whether a string is a position rather than an object name.

    Numbers are a position even if they are out of range, so that `as_coordinate` can report the error.
    """
    if two_numbers(text) is not None or _SEXAGESIMAL.fullmatch(text):
        return True
    try:
        _parse(text)
    except ValueError:
        return False
    return True


def is_place(name: str) -> bool:
    """Return whether a name is a position in numbers; ``"1820-30"`` and ``"J0613-0200"`` are names."""
    return name.strip()[0] in "+-.0123456789" and bool(set(" ,") & set(name.strip())) and looks_like_coordinates(name)


def as_coordinate(coordinates: Any) -> SkyCoord:
    """Return one position on the sky."""
    found = _as_sky(coordinates)
    if found.size != 1:
        raise InvalidArgumentError(f"coordinates must be one position, got {found.size}.")
    found = in_icrs(found.reshape(()))
    if np.any(getattr(found.ra, "mask", False)):
        raise InvalidArgumentError("coordinates is masked.")
    if not (math.isfinite(found.ra.deg) and math.isfinite(found.dec.deg)):
        raise InvalidArgumentError(f"coordinates={coordinates!r} is not a finite position.")
    return found


def in_icrs(positions: SkyCoord | BaseCoordinateFrame) -> SkyCoord:
    """Transform positions of any frame and representation to right ascension and declination in ICRS.

    Positions stay at their own epoch: proper motions are not applied.
    """
    try:
        placed = _directions(SkyCoord(positions)).icrs
    except (ValueError, TypeError, AttributeError, u.UnitsError) as err:
        said = "" if isinstance(err, AttributeError) else f": {str(err).rstrip('.')}"
        raise InvalidArgumentError(
            f"The coordinates {positions!r} cannot be transformed to ICRS (the frame may lack an obstime, "
            f"location or distance){said}."
        ) from err
    if "ra" not in placed.representation_component_names:
        placed.representation_type = "spherical"
    return placed


def _directions(positions: SkyCoord) -> SkyCoord:
    """Return positions without velocities, with a large distance where the distance is missing.

    Otherwise, a missing parallax or radial velocity would turn the direction into NaN in a transformation.
    """
    data = positions.data.without_differentials()
    if isinstance(data, SphericalRepresentation):
        data = SphericalRepresentation(data.lon, data.lat, _known_distances(data.distance))
    return SkyCoord(positions.frame.realize_frame(data))


def _known_distances(distance: u.Quantity) -> u.Quantity:
    """Return distances, with a large value where they are missing."""
    plain = getattr(distance, "unmasked", distance)
    unknown = ~np.isfinite(plain) | getattr(distance, "mask", False)
    far = _FAR if plain.unit.is_equivalent(_FAR) else 1 * plain.unit
    return np.where(unknown, far, plain)


def _as_sky(coordinates: Any) -> SkyCoord:
    """Convert the input to a SkyCoord of any frame and size."""
    if isinstance(coordinates, str):
        try:
            return _parse(coordinates)
        except ValueError as err:
            reason = err.__cause__ or err
            raise InvalidArgumentError(f"Cannot parse coordinates={coordinates!r} as a position: {reason}") from err
    if isinstance(coordinates, SkyCoord) or (isinstance(coordinates, BaseCoordinateFrame) and coordinates.has_data):
        return SkyCoord(coordinates)
    raise InvalidArgumentError(
        "coordinates must be a SkyCoord, a coordinate frame with data, or a string, got a "
        f"{type(coordinates).__name__}."
    )


def as_radius(radius: Any, unit: u.UnitBase = u.deg, name: str = "radius") -> Angle:
    """Convert the input to an angle from 0 to 180 degrees, such as the radius of a cone."""
    if radius is None:
        raise InvalidArgumentError(f"{name}=None is not a valid angle. Omit it to use the default.")
    try:
        angle = Angle(radius, unit, dtype=float)
    except (ValueError, TypeError, u.UnitsError) as err:
        advice = f" Write '{_corrected_angle(radius)}', for example." if isinstance(radius, str) else ""
        raise InvalidArgumentError(f"Cannot parse {name}={radius!r} as an angle: {err}.{advice}") from err
    if not angle.isscalar:
        raise InvalidArgumentError(f"{name} must be one angle, got {radius!r}.")
    degrees = float(angle.deg)
    if not 0 <= degrees <= 180:
        raise InvalidArgumentError(f"{name} must be between 0 and 180 degrees, got {radius!r} ({degrees} degrees).")
    return angle


def _corrected_angle(text: str) -> str:
    """Return an angle in the correct notation: "6 arcmin" for "6 arcminutes"."""
    number, word = re.fullmatch(r"\s*([\d.]*)\s*(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    unit = next((unit for unit in ("arcmin", "arcsec", "deg") if word.lower().startswith(unit)), "arcmin")
    return f"{number or 6} {unit}"


def cone_around(coordinates: Any, radius: Any) -> Cone:
    """Return the cone around a position; see `as_coordinate` and `as_radius`."""
    center = as_coordinate(coordinates)
    return Cone(float(center.ra.deg), float(center.dec.deg), float(as_radius(radius).deg))


def is_many(given: object) -> bool:
    """Return whether the input is a list, array or table of positions or names, of any length."""
    if isinstance(given, SkyCoord | BaseCoordinateFrame):
        return (isinstance(given, SkyCoord) or given.has_data) and not given.isscalar
    # The name of the class is enough: pandas and polars need not be imported.
    if isinstance(given, Table | list | tuple) or type(given).__name__ == "DataFrame":
        return True
    return isinstance(given, np.ndarray) and given.ndim > 0


def name_list(names: Any) -> Any:
    """Return the names in a set, generator or other iterable as a list, and anything else unchanged."""
    if not isinstance(names, Iterable) or isinstance(names, str | bytes | Sequence | np.ndarray | Table):
        return names
    if isinstance(names, SkyCoord | BaseCoordinateFrame):
        raise InvalidArgumentError("object_name is a position. Pass it as coordinates, or use query_region.")
    if isinstance(names, Mapping):
        raise InvalidArgumentError(f"Object names must be strings, got a {type(names).__name__}.")
    return list(names)


@dataclass(frozen=True)
class TargetInput:
    """The target as passed by the user; the fields are parameters of the query methods."""

    coordinates: Any = None
    object_name: Any = None
    radius: Any = DEFAULT_RADIUS
    resolver: str | None = None

    def __post_init__(self) -> None:
        """Read the names once, in case they come from an iterator."""
        object.__setattr__(self, "object_name", name_list(self.object_name))

    @property
    def many(self) -> bool:
        """Whether there are many targets."""
        return is_many(self.coordinates) or is_many(self.object_name)
