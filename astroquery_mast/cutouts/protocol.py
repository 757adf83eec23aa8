"""The protocol of the cutout services: parameters of requests, and messages in responses.

In: sizes, sectors, targets and image parameters as passed by users; a decoded JSON response, or the bytes received
instead of a zip file.  Out: a frozen `CutoutSize`, tuples of sectors, a frozen `CutoutTarget`, parameters; a `Page` of
sectors, names of surveys, or the message of the service.  Values that the services would misinterpret raise an error
here, and so do messages of rejected requests and of failures.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from astropy import units as u

from ..exceptions import BadRequestError, InvalidArgumentError, InvalidQueryError, InvalidResponseError, ServerError
from ..sky.position import Cone
from ..tables.columns import Column, no_such
from ..tables.mashup import Page

_SIZES = "Use one or two numbers of pixels or angles: size=10, size=(ny, nx), size=[1, 2] * u.arcmin."

FORMATS = ("fits", "jpg", "png")
"""The formats of cutouts of surveys."""

# https://astrocut.readthedocs.io: the parameters of `img_cut` that Zcut passes on.
IMAGE_PARAMS = ("stretch", "minmax_percent", "minmax_value", "invert")
"""The parameters of images (JPG and PNG)."""
# Former names of arguments in astroquery.mast.
_FORMER = {"form": ["cutout_format"]}
_STRETCHES = ("asinh", "sinh", "sqrt", "log", "linear")
_MOVING = ("majorbody", "smallbody")


# -- size ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CutoutSize:
    """The size of a cutout."""

    y: float
    x: float
    units: str

    def params(self) -> dict[str, object]:
        """Return the parameters of a request."""
        return {"x": self.x, "y": self.y, "units": self.units}


def as_size(size: Any) -> CutoutSize:
    """Convert the input to the size of a cutout."""
    sides = [_side(side, size) for side in _listed(size, "size", _SIZES)]
    if len(sides) not in {1, 2}:
        raise InvalidArgumentError(
            f"Too many dimensions in cutout size: size={size!r} has {len(sides)} sides. {_SIZES}"
        )
    (y, units), (x, others) = sides[0], sides[-1]
    if units != others:
        raise InvalidArgumentError(f"size={size!r} mixes pixels and angles. {_SIZES}")
    return CutoutSize(y, x, units)


def refuse_other_units(size: CutoutSize, units: Any) -> None:
    """Raise if the separate argument ``units`` contradicts the units of the size."""
    if units is not None and units != size.units:
        raise InvalidArgumentError(f"units={units!r} does not match the units of size, {size.units!r}. {_SIZES}")


def _listed(value: Any, name: str, advice: str) -> list[Any]:
    """Return one or several values as a list."""
    if np.ma.is_masked(value):
        raise InvalidArgumentError(f"{name}={value!r} is masked. {advice}")
    if getattr(value, "unit", None) is not None:  # also a column of a table
        value = u.Quantity(value)
    if isinstance(value, str | Real) or getattr(value, "shape", None) == ():
        return [value if isinstance(value, u.Quantity | str) else np.asarray(value).item()]
    if isinstance(value, Mapping | set | frozenset | bytes):
        raise InvalidArgumentError(f"{name}={value!r} is a {type(value).__name__}. {advice}")
    try:
        return list(value)
    except TypeError as err:
        raise InvalidArgumentError(f"{name}={value!r} is a {type(value).__name__}. {advice}") from err


def _side(side: Any, size: Any) -> tuple[float, str]:
    """Return the length of a side of a cutout, and its units in a request."""
    if isinstance(side, u.Quantity) and side.isscalar:
        number, units = _measured(side, size)
    elif isinstance(side, Real) and not isinstance(side, bool):
        number, units = float(side), "px"
    else:
        raise InvalidArgumentError(f"size={size!r}: {side!r} is neither a number nor an angle. {_SIZES}")
    if not 0 < number < math.inf:
        raise InvalidArgumentError(f"size={size!r}: {side!r} is not positive. {_SIZES}")
    return (int(number) if units == "px" and number.is_integer() else number), units


def _measured(side: u.Quantity, size: Any) -> tuple[float, str]:
    """Return the length of a side with a unit."""
    for unit, units in ((u.pix, "px"), (u.deg, "d")):
        if side.unit is not None and side.unit.is_equivalent(unit):
            with np.errstate(over="ignore", under="ignore"):  # the caller rejects infinity and zero
                return float(side.to_value(unit)), units
    raise InvalidArgumentError(f"Cutout size must be in pixels or angular quantity, got size={size!r}. {_SIZES}")


# -- sectors and targets -------------------------------------------------------------------------------------------


def as_sectors(sector: Any) -> tuple[int, ...] | None:
    """Convert the input to sorted TESS sectors; None stays None."""
    if sector is None:
        return None
    advice = "Use an integer >= 1, a list of integers, or None for all sectors."
    given = list(sector) if isinstance(sector, set | frozenset) else sector
    numbers = {_sector(value, sector, advice) for value in _listed(given, "sector", advice)}
    if not numbers:
        raise InvalidArgumentError(f"sector={sector!r} is empty. {advice}")
    return tuple(sorted(numbers))


def _sector(value: Any, sector: Any, advice: str) -> int:
    """Convert a value to the number of a sector."""
    text = isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal()
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    integral = isinstance(value, float | np.floating) and value.is_integer()
    number = int(value) if text or whole or integral else 0
    if number < 1:
        raise InvalidArgumentError(f"sector={sector!r}: {value!r} is not a sector. {advice}")
    return number


@dataclass(frozen=True)
class CutoutTarget:
    """The target at the center of cutouts."""

    prefix: str
    params: Mapping[str, object]

    @property
    def moves(self) -> bool:
        """Whether this is a moving target."""
        return bool(self.prefix)

    @classmethod
    def at(cls, cone: Cone) -> CutoutTarget:
        """Return the target at the center of a cone; the radius is ignored."""
        return cls("", {"ra": cone.ra, "dec": cone.dec})


def moving_target_named(object_name: Any, mt_type: str | None) -> CutoutTarget:
    """Return a moving target."""
    name = str(object_name).strip() if isinstance(object_name, str | Integral) else ""
    if not name or isinstance(object_name, bool):
        raise InvalidArgumentError(
            f"object_name={object_name!r}: Please specify the object name or ID of an asteroid, comet or "
            "planet, as used by https://ssd.jpl.nasa.gov/horizons."
        )
    if mt_type is None:
        return CutoutTarget("moving_target/", {"obj_id": name})
    kind = str(mt_type).lower().translate(str.maketrans("", "", "_- "))
    if kind not in _MOVING:
        raise InvalidArgumentError(f"mt_type must be 'majorbody', 'smallbody' or None, got {mt_type!r}.")
    return CutoutTarget("moving_target/", {"obj_id": name, "obj_type": kind})


def one_target(coordinates: Any, object_name: Any, moving: bool) -> None:
    """Raise unless exactly one target is specified."""
    if moving and coordinates is not None:
        raise InvalidQueryError(
            "Only one of moving_target and coordinates may be specified. "
            "Please remove coordinates if using moving_target and object_name."
        )
    if coordinates is not None and object_name is not None:
        raise InvalidQueryError(
            "Only one of object_name and coordinates may be specified. Please remove object_name if using coordinates."
        )
    if coordinates is None and object_name is None:
        wanted = "Please specify the object name or ID" if moving else "Specify either object_name or coordinates"
        raise InvalidQueryError(f"{wanted}.")


# -- image parameters ----------------------------------------------------------------------------------------------


def as_format(cutout_format: Any) -> str:
    """Convert the input, in any case, to one of `FORMATS`."""
    name = str(cutout_format).strip().lower().lstrip(".")
    if name == "jpeg":
        name = "jpg"
    if name not in FORMATS:
        raise InvalidArgumentError(
            f"cutout_format must be one of {', '.join(map(repr, FORMATS))}, got {cutout_format!r}."
        )
    return name


def image_params(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the image parameters of a request."""
    sent = {}
    for name, value in given.items():
        if name not in IMAGE_PARAMS:
            raise no_such(f"{name!r} is not a valid parameter.", name, IMAGE_PARAMS, near=_FORMER.get(name, ()))
        if value is not None:
            sent[name] = _image_param(name, value)
    return sent


def _image_param(name: str, value: Any) -> str:
    """Return the value of an image parameter in a request."""
    if name == "stretch":
        if str(value).lower() not in _STRETCHES:
            raise InvalidArgumentError(f"stretch must be one of {', '.join(map(repr, _STRETCHES))}, got {value!r}.")
        return str(value).lower()
    if name == "invert":
        if not isinstance(value, bool | np.bool_):
            raise InvalidArgumentError(f"invert must be True or False, got {value!r}.")
        return str(bool(value))
    low, high = _pair(name, value)
    if name == "minmax_percent" and not (low >= 0 and high <= 100):
        raise InvalidArgumentError(f"minmax_percent must be between 0 and 100, got {value!r}.")
    return f"[{low}, {high}]"


def _pair(name: str, value: Iterable[Any]) -> tuple[float, float]:
    """Return a pair of increasing numbers."""
    advice = "Use two numbers in increasing order."
    numbers = _listed(value, name, advice)
    if len(numbers) != 2 or not all(isinstance(number, Real) for number in numbers):
        raise InvalidArgumentError(f"{name}={value!r} is not a pair of numbers. {advice}")
    low, high = map(float, numbers)
    if not -math.inf < low < high < math.inf:
        raise InvalidArgumentError(f"{name}={value!r} is not a range. {advice}")
    return low, high


# -- responses -----------------------------------------------------------------------------------------------------

NO_SECTOR = "Coordinates are not in any TESS sector."
NO_SURVEY = "Coordinates are not in an available deep field survey."

SECTOR_COLUMNS = {
    column.name: column
    for column in (
        Column("sectorName", type_name="string", description="Sector, camera and CCD, as in the names of cutouts"),
        Column("sector", type_name="int", description="Number of the observing sector"),
        Column("camera", type_name="int", description="Number of the camera, 1 to 4"),
        Column("ccd", type_name="int", description="Number of the CCD of the camera, 1 to 4"),
    )
}

# The services respond with status 200 and a message in all cases.  With an empty list of results, the message means "no
# data".  Without a list, the kind of message follows from its words; unknown messages mean "no data", as all messages
# do in astroquery.mast.  Observed: "No FFIs found for input target. Cutout not performed.", and the same with "Missing
# HAP files".
_NO_DATA = re.compile(
    r"\bcutouts? not performed\b|\bno [\w\s]{0,80}\bfound\b"
    r"|\bno (\w+ )?(data|results?|cutouts?|images?|files?|sectors?|surveys?|footprints?|match\w*)\b"
    r"|\bnot (in|on|within|found|observed|available|covered)\b|\boutside\b",
    re.IGNORECASE,
)
_REJECTED = re.compile(
    r"\b(invalid|illegal|malformed|required|unsupported|unrecogni[sz]ed|must|exceed\w*|cannot be parsed)\b"
    r"|\bmissing (parameter|argument|value|field)s?\b"
    r"|\btoo (large|big|many|small|long)\b|\bnot (a |an )?(valid|supported|allowed|permitted)\b",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"\b(internal|unexpected|server) error\b|\b(exception|traceback|timed out|time-?out|failed|failure)\b"
    r"|\b(temporarily|currently) unavailable\b|\btry again\b",
    re.IGNORECASE,
)
_EXCERPT = 80


def no_data_message(body: bytes, service: str) -> str:
    """Return the message of a service without data for a cutout."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise _unreadable(service, body) from err
    message = message_of(document, service)
    if message is None and _is_empty(document):
        return f"{service} found no data for a cutout."
    if message is None:
        raise _unreadable(service, body)
    return message


def _unreadable(service: str, body: bytes) -> InvalidResponseError:
    """Return the error for a response that is neither cutouts nor a message."""
    start = body[:_EXCERPT].decode("utf-8", "replace")
    message = f"{service} did not return cutouts. The response starts with {start!r}."
    return InvalidResponseError(message, service=service, status=200)


def message_of(document: Any, service: str) -> str | None:
    """Return the message in a JSON response; raise if it is about a rejected request or a failure."""
    message = document.get("msg") if isinstance(document, dict) else None
    if not isinstance(message, str) or not message.strip():
        return None
    message = " ".join(message.split())
    if not _is_empty(document) and not _NO_DATA.search(message):
        if _REJECTED.search(message):
            raise BadRequestError(f"{service} refused the request: {message}", service=service, status=200)
        if _FAILED.search(message):
            raise ServerError(f"{service} failed: {message}", service=service, status=200)
    return message


def _is_empty(document: Any) -> bool:
    """Return whether the list of results is empty."""
    return isinstance(document, dict) and document.get("results") == []


def sector_page(document: Any, service: str) -> Page:
    """Return the sectors in a response."""
    rows = [_sector_row(entry, service) for entry in _list_of(document, "results", service)]
    fields = tuple((column.name, column.type_name) for column in SECTOR_COLUMNS.values())
    return Page(service, "COMPLETE", fields, rows, document={"fields": fields})


def _list_of(document: Any, key: str, service: str) -> list[Any]:
    """Return a list from a response; empty if the response has a message instead."""
    found = document.get(key) if isinstance(document, dict) else None
    if found is None and message_of(document, service) is not None:
        return []
    if not isinstance(found, list):
        raise InvalidResponseError(f"{service} returned no list of {key!r}.", service=service)
    return found


def _sector_row(entry: Any, service: str) -> Mapping[str, object]:
    """Return a row; MAST sends numbers as strings, some with leading zeros."""
    if not isinstance(entry, dict):
        raise InvalidResponseError(f"{service} returned {entry!r} instead of a sector.", service=service)
    row: dict[str, object] = {"sectorName": entry.get("sectorName")}
    for name in ("sector", "camera", "ccd"):
        value = entry.get(name)
        try:
            row[name] = None if value is None else int(value)
        except (TypeError, ValueError, OverflowError) as err:
            raise InvalidResponseError(
                f"{service} returned an invalid number for {name}: {value!r}.", service=service
            ) from err
    return row


def available_names(document: Any, name: str, service: str) -> list[str]:
    """Return the sectors or surveys in a response, sorted, for a message."""
    if name == "survey":
        return sorted(surveys(document, service))
    numbers = {row["sector"] for row in sector_page(document, service).rows if row["sector"] is not None}
    return list(map(str, sorted(numbers)))


def surveys(document: Any, service: str) -> list[str]:
    """Return the surveys in a response."""
    return [str(name) for name in _list_of(document, "surveys", service)]
