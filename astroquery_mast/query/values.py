"""Convert the values of criteria to the plain numbers or text that MAST compares.

In: a number, text, `~astropy.units.Quantity`, `~astropy.time.Time`, `datetime.datetime` or numpy scalar.  Out: a float
in the unit of the column, a date as text, or a value of a discrete column as text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeGuard, TypeVar, cast

import numpy as np
from astropy import units as u
from astropy.time import ScaleValueError, Time, TimeDelta

from ..exceptions import InputWarning, InvalidCriterionError
from ..tables.columns import Column, Kind
from ..tables.rows import TRUTHS
from ..warn import warn_user
from .request import as_plain

T = TypeVar("T")

# Numbers that are probably years, and not Modified Julian Dates, which would be days in 1864.
_YEARS = (1900, 2100)
# The UTC offset at the end of an ISO 8601 date, which Time does not support.
_OFFSET = re.compile(r"[+-]\d\d:?\d\d$")
WHOLE = re.compile(r"\s*[+-]?\d+\s*")
"""An integer written as text."""
# The smallest integers that floating-point numbers of these types may not represent exactly.
_INEXACT_FROM = ((np.float16, 2**11), (np.float32, 2**24), (float | np.floating, 2**53))


def is_missing(value: object) -> bool:
    """Return whether a value is missing: None, masked, or NaN."""
    return value is None or value is np.ma.masked or (isinstance(value, float | np.floating) and math.isnan(value))


def is_integer(value: object, least: float = -math.inf) -> TypeGuard[int]:
    """Return whether a value is an integer that is not less than ``least``; True and False are not integers."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64) and bool(value >= least)


def as_integer(name: str, value: int | str, bits: int = 64) -> int:
    """Return an integer, which may be text; integer columns have 64 bits, and floats are below 2**1024."""
    with suppress(ValueError):  # more digits than Python reads
        if abs(number := int(value)) < 2**bits:
            return number
    raise InvalidCriterionError(
        f"'{name}' is an integer of more than {bits} bits, which is larger than any value in MAST."
    )


def sign_of_infinity(value: object) -> int:
    """Return 1 or -1 for an infinite number, with or without a unit, and 0 for any other value."""
    number = value.value if isinstance(value, u.Quantity) and value.isscalar else value
    return int(np.sign(number)) if isinstance(number, float | np.floating) and math.isinf(number) else 0


def as_unicode(value: object) -> object:
    """Return bytes, such as from FITS files, as text; any other value unchanged."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def as_members(name: str, value: Any, *, empty: bool = False) -> list[Any]:
    """Return the members of an iterable, sorted for a set, or a scalar as the only member; raise an error if empty."""
    if isinstance(value, np.ma.MaskedArray) and value.ndim > 0 and np.ma.is_masked(value):
        raise InvalidCriterionError(f"'{name}' contains masked values. Remove them.")
    members = members_of(value)
    if not members and not empty:
        raise InvalidCriterionError(
            f"'{name}' is an empty list, which matches no rows. Omit the criterion, or add values."
        )
    return members


def members_of(value: Any) -> list[Any]:
    """Return the members of an iterable, or a scalar (also a zero-dimensional array) as the only member."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return [value]
    if isinstance(value, u.Quantity | Time | np.ndarray) and value.ndim == 0:
        return [value if isinstance(value, u.Quantity | Time) else value[()]]
    try:
        return sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
    except TypeError:  # scalar positions and durations claim to be iterable
        return [value]


def in_batches(members: Sequence[T], size: int) -> list[list[T]]:
    """Return the members of a sequence in batches."""
    return [list(members[start : start + size]) for start in range(0, len(members), size)]


def refuse_missing(name: str, value: object) -> None:
    """Raise an error if a value is missing."""
    if is_missing(value):
        shown = "masked" if value is np.ma.masked else value
        raise InvalidCriterionError(
            f"'{name}' contains a missing value ({shown}), which matches no rows. Omit it, or use a value."
        )


# The relative error of a number that was converted to another unit and back: a few roundings of 1.1e-16.
_ROUNDING = 2e-15
# The direction in which to move the end of a range by this error, so that it still includes (or excludes) the original.
OUTWARD = {"gte": -1, "gt": 1, "lte": 1, "lt": -1}


def without_rounding_error(number: float, outward: int = 0) -> float:
    """Return a converted number without the error of its last digits: 0.5 micron is 5000 Angstrom, not 4999.99...

    A number with more digits than users would write is instead moved up or down by its possible error.
    """
    short = float(f"{number:.14g}")
    if short == float(f"{number:.12g}"):
        return short
    return number + outward * _ROUNDING * abs(number)


def refuse_lost_digits(name: str, value: object) -> None:
    """Raise an error for a floating-point number that is too large for an exact integer, such as an identifier."""
    limit = next((limit for kind, limit in _INEXACT_FROM if isinstance(value, kind)), None)
    if limit is not None and limit <= abs(float(cast("float", value))) < math.inf:
        raise InvalidCriterionError(
            f"'{name}'={value!r} is a {type(value).__name__}, which cannot represent such a large integer "
            "exactly. Use an integer or a string. (pandas converts integer columns with missing values to "
            "float.)"
        )


def as_number(name: str, value: Any, column: Column, outward: int = 0) -> float:
    """Return a value as a number in the unit of the column; see `OUTWARD`."""
    number = _number(name, value, column)
    if math.isnan(number):
        raise InvalidCriterionError(f"'{name}' is NaN, which matches no rows.")
    converted = isinstance(value, Time) or (isinstance(value, u.Quantity) and value.unit != column.astropy_unit)
    return without_rounding_error(number, outward) if converted else number


def as_iso(name: str, moment: Time | date | datetime | np.datetime64) -> str:
    """Return a time as text in the format in which MAST compares dates."""
    if type(moment) is date:
        return moment.isoformat()
    text = str(Time(as_utc(name, moment if isinstance(moment, Time) else _as_time(name, moment)), precision=6).isot)
    return text.rstrip("0").removesuffix(".")


def _number(name: str, value: Any, column: Column) -> float:
    for kinds, read in _READERS:
        if isinstance(value, kinds):
            return read(name, value, column)
    # These would convert to float, but not to what they mean.
    if isinstance(value, bool | np.bool_ | np.complexfloating) or np.ma.is_masked(value):
        raise InvalidCriterionError(f"'{name}' must be a number, got {value!r}.")
    try:
        number = float(as_integer(name, value, 1024) if is_integer(value) else value)
    except (TypeError, ValueError, OverflowError) as err:
        said = f"'{name}' must be a number, got {value!r} ({type(value).__name__})."
        raise InvalidCriterionError(said) from err
    _warn_of_year(name, number, column)
    return number


def _warn_of_year(name: str, number: float, column: Column) -> None:
    """Warn that a number is read as a Modified Julian Date, and not as a year."""
    if column.is_time and _YEARS[0] <= number < _YEARS[1]:
        warn_user(
            f"{name}={number:g} is interpreted as a Modified Julian Date (in the year 1864). For the year, "
            f"use '{int(number)}-01-01'.",
            InputWarning,
        )


def _duration(name: str, span: TimeDelta | timedelta | np.timedelta64, column: Column) -> float:
    """A duration of astropy, Python or numpy in the unit of the column."""
    unit = column.astropy_unit
    if column.is_time or unit is None or not unit.is_equivalent(u.s):
        raise InvalidCriterionError(f"'{name}' is not a duration, got {span!r} ({type(span).__name__}).")
    if isinstance(span, timedelta):
        return _in_column_unit(name, span.total_seconds() * u.s, column)
    if isinstance(span, np.timedelta64):
        return _in_column_unit(name, float(span / np.timedelta64(1, "us")) * u.us, column)
    return _in_column_unit(name, span.to(u.s), column)


def _moment(name: str, moment: date | datetime | np.datetime64 | str, column: Column) -> float:
    """A time that is not a `~astropy.time.Time` as a Modified Julian Date."""
    return _mjd(name, _as_time(name, moment), column)


def _as_time(name: str, moment: date | datetime | np.datetime64 | str) -> Time:
    """A time from Python, numpy or text; a date means midnight UTC."""
    if type(moment) is date:
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if isinstance(moment, np.datetime64):
        # Time does not support all units of numpy.
        moment = moment.astype("datetime64[us]")
    try:
        if isinstance(moment, str):
            moment = moment.strip()
            # Time does not support time zones, but datetime does.
            moment = datetime.fromisoformat(moment) if _OFFSET.search(moment) and ":" in moment else moment
        return Time(moment)
    except ValueError as err:
        raise InvalidCriterionError(
            f"'{name}' must be a date such as '2012-03-14' or a Modified Julian Date, got {moment!r}."
        ) from err


def _mjd(name: str, moment: Time, column: Column) -> float:
    """A time as a Modified Julian Date (UTC)."""
    if not column.is_time:
        raise InvalidCriterionError(f"'{name}' is not a time column and cannot be compared with {moment!r}.")
    return float(as_utc(name, moment).mjd)


def as_utc(name: str, moment: Time) -> Time:
    """Return a scalar time in UTC."""
    if moment.size != 1 or np.any(moment.mask):
        raise InvalidCriterionError(f"'{name}' must have one scalar time per limit of the range, got {moment!r}.")
    try:
        return moment.reshape(()).utc
    except (ValueError, IndexError, ScaleValueError) as err:  # IndexError: no Earth rotation data for that day
        raise InvalidCriterionError(f"'{name}' must be a time that can be converted to UTC, got {moment!r}.") from err


def _in_column_unit(name: str, quantity: u.Quantity, column: Column) -> float:
    """A quantity in the unit of the column; a dimensionless one is valid only for columns without a unit."""
    unit = column.astropy_unit or u.dimensionless_unscaled
    _refuse_several(name, quantity)
    spectral = u.spectral() if is_spectral(quantity, column) else []
    try:
        with np.errstate(divide="ignore"):  # a frequency of zero
            return float(quantity.to_value(unit, spectral))
    except u.UnitConversionError as err:
        raise InvalidCriterionError(
            f"'{name}' has {f'the unit {unit}' if str(unit) else 'no unit'}, and {quantity} cannot be converted to it."
        ) from err


def is_spectral(value: object, column: Column) -> bool:
    """Return whether a value is a frequency, energy or wavenumber for a column of wavelengths."""
    unit = column.astropy_unit
    if unit is None or not isinstance(value, u.Quantity) or not column.name.lower().startswith("em_"):
        return False
    return not value.unit.is_equivalent(unit) and bool(value.unit.is_equivalent(unit, u.spectral()))


def _refuse_several(name: str, quantity: u.Quantity) -> None:
    """Raise an error unless the quantity is a scalar and is not masked."""
    if np.ma.is_masked(quantity) or np.any(getattr(quantity, "mask", False)):
        raise InvalidCriterionError(f"'{name}' must be a number, got a masked value.")
    if not quantity.isscalar:
        raise InvalidCriterionError(f"'{name}' must have one scalar quantity per limit of the range, got {quantity!r}.")


def _from_text(name: str, text: str, column: Column) -> float:
    """A number written as text, or a date if the column is a time."""
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        _warn_of_year(name, number, column)
        return number
    if column.is_time:
        return _moment(name, text, column)
    raise InvalidCriterionError(f"'{name}' must be a number, got {text!r}.")


# Types that are not plain numbers, and the functions that convert them.
_READERS: Sequence[tuple[tuple[type, ...], Callable[[str, Any, Column], float]]] = (
    ((Time,), _mjd),
    ((date, np.datetime64), _moment),
    ((TimeDelta, timedelta, np.timedelta64), _duration),
    ((u.Quantity,), _in_column_unit),
    ((str,), _from_text),
)


# -- right ascensions ----------------------------------------------------------------------------------------------

_RIGHT_ASCENSION = re.compile(r"(?:.*_)?(?:ra|matchra)(?:mean|stack|deg|_?j2000|_?icrs|_orig)?", re.IGNORECASE)
_FULL_TURN = 360.0


def _is_right_ascension(column: Column) -> bool:
    """Whether a column contains right ascensions in degrees."""
    named = column.type_name.lower() == "ra" or bool(_RIGHT_ASCENSION.fullmatch(column.name))
    return named and column.astropy_unit in {None, u.deg}


def turned_ranges(low: Any, high: Any, column: Column) -> list[tuple[Any, Any]]:
    """Return a range of right ascensions as ranges between 0 and 360 degrees, two if it crosses 0h.

    A range of any other column is returned unchanged.
    """
    closed = all(isinstance(each, int | float) and abs(each) < math.inf for each in (low, high))
    return _turned(low, high) if closed and _is_right_ascension(column) else [(low, high)]


def _turned(low: float, high: float) -> list[tuple[float, float]]:
    """The equivalent ranges between 0 and 360 degrees."""
    if high - low >= _FULL_TURN:
        return [(0.0, _FULL_TURN)]
    if 0 <= low <= high <= _FULL_TURN or (low > high and not 0 <= high < low <= _FULL_TURN):
        return [(low, high)]
    low, high = low % _FULL_TURN, high % _FULL_TURN
    return [(low, high)] if low <= high else [(low, _FULL_TURN), (0.0, high)]


# -- values of discrete columns ------------------------------------------------------------------------------------


def as_text(name: str, value: Any, column: Column) -> str:
    """Return a value of a discrete column as text."""
    if isinstance(value, bytes):
        value = as_plain(value, name)
    if column.kind is Kind.BOOLEAN:
        return _truth(name, value)
    whole = column.kind in {Kind.INTEGER, Kind.BYTE}
    if isinstance(value, str):
        return _whole_text(name, value) if whole else str(value)
    refuse_missing(name, value)
    return _plain_text(name, value, whole)


def _plain_text(name: str, value: Any, whole: bool) -> str:
    """A number or a truth value as text, for a column of integers or of text."""
    if isinstance(value, bool | np.bool_) and not whole:
        return str(bool(value))
    if is_integer(value):
        return str(as_integer(name, value))
    if isinstance(value, float | np.floating):
        refuse_lost_digits(name, value)
        return _whole_or_text(name, float(value), whole)
    raise InvalidCriterionError(f"'{name}' cannot be compared with {value!r} ({type(value).__name__}).")


def _whole_text(name: str, text: str) -> str:
    """An integer in text, in the format that MAST reads; or a pattern."""
    if "*" in text or "%" in text:
        return str(text)
    if WHOLE.fullmatch(text):  # an identifier of 19 digits must not pass through a float
        return str(as_integer(name, text))
    number = math.nan
    with suppress(ValueError):
        number = float(text)
    if number.is_integer():
        return str(as_integer(name, int(number)))
    raise InvalidCriterionError(f"'{name}' is an integer column, got {text!r}.")


def _whole_or_text(name: str, number: float, whole: bool) -> str:
    """A floating-point number as text; 3 and 3.0 are the same."""
    if number.is_integer():
        return str(int(number))
    if math.isfinite(number) and not whole:
        return repr(number)
    raise InvalidCriterionError(f"'{name}' is a column of integers or text and cannot be compared with {number!r}.")


def _truth(name: str, value: Any) -> str:
    """A truth value in MAST's spelling."""
    spelled = str(value).strip().lower()
    truth = {**TRUTHS, "yes": True, "no": False}.get(spelled)
    if truth is None:
        raise InvalidCriterionError(f"'{name}' must be True or False, got {value!r}.")
    return str(truth)


# -- text with wildcards --------------------------------------------------------------------------------------------


# Names of stars in SIMBAD contain asterisks: "V* EV Lac", "* alf Cen", "** STF 60".
_ASTERISK_OF_STAR = re.compile(r"[A-Za-z]{0,3}\*{1,2} (?=\S)")


def has_wildcards(text: str) -> bool:
    """Return whether a text contains wildcards (``*`` or ``%``), not counting the asterisks in names of stars."""
    star = _ASTERISK_OF_STAR.match(text)
    rest = text if star is None else text[star.end() :]
    return "*" in rest or "%" in rest


def wildcard_test(pattern: str, wildcards: str = "*") -> Callable[[str], bool]:
    """Return a function that tests whether a text matches a pattern, by searching each part once from the left.

    A regular expression would try all ways to split the text, which takes minutes for many wildcards.
    """
    first, *middle = re.split(f"[{re.escape(wildcards)}]+", pattern)
    if not middle:
        return pattern.__eq__
    *inner, last = middle

    def matches(text: str) -> bool:
        if not text.startswith(first):
            return False
        place = len(first)
        for part in inner:
            found = text.find(part, place)
            if found < 0:
                return False
            place = found + len(part)
        return len(text) - len(last) >= place and text.endswith(last)

    return matches
