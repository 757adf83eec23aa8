"""Convert the criteria of a mission search: keyword arguments in, conditions of the search API out.

==============================  ============================================================================
a criterion                     matches
==============================  ============================================================================
``sci_instrume="ACS"``          text; ``*`` matches any characters
``sci_pep_id=[12556, 8794]``    any of the values; also text with commas, ``"STIS, ACS"``
``sci_instrume="!COS"``         any other value; in a list, excluded values apply in addition to the alternatives
``sci_actual_duration=">=5"``   ``<``, ``<=``, ``>``, ``>=``, with a number or a date
``sci_start_time="a..b"``       a range that includes both ends
``sci_ra=(10, 20)``             a range; ``None`` leaves an end open
==============================  ============================================================================

A list holds alternatives.  A tuple is a range for columns of numbers and dates, and a list for columns of text.  A
range of right ascensions across 0h, such as ``(350, 10)`` or ``"350..10"``, is split into two ranges.  Quantities are
converted to the unit of the column, and times and dates to its format.  A value that cannot be converted raises
`InvalidCriterionError` before anything is sent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeAlias

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle
from astropy.time import Time

from ..exceptions import InputWarning, InvalidCriterionError
from ..query.conditions import NUMBER, is_operation, split_text
from ..query.request import as_plain
from ..query.selection import unknown_filter
from ..query.values import (
    as_integer,
    as_iso,
    as_members,
    as_number,
    as_text,
    refuse_lost_digits,
    refuse_missing,
    sign_of_infinity,
    turned_ranges,
    without_rounding_error,
)
from ..tables.columns import Column, Columns, Kind, closest, find_column
from ..warn import warn_user

# The arguments that define the position of a search.  An unknown keyword may be a misspelling of one of them.
MISSION_ARGUMENTS = ("coordinates", "object_names", "radius")

# "pass" is a column of the Roman mission and a Python keyword.
_ALIASES = {"pass_id": "pass"}
_DATE = re.compile(r"\d{4}(?:-|$)")
_DIGIT = re.compile(r"\d")
_YEARS = range(1000, 10000)
# How to write the operators of Catalogs.MAST in a mission search; "{}" is replaced by an example of a value.
_WRITTEN = {
    **dict.fromkeys(("min", "gte"), "'>={}'"),
    **dict.fromkeys(("max", "lte"), "'<={}'"),
    "gt": "'>{}'",
    "lt": "'<{}'",
    "eq": "the value alone",
    "neq": "'!value'",
    "like": "a pattern such as 'NGC*'",
    "contains": "a pattern such as '*NGC*'",
}
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:]+(?:\.\d+)?")
# Positions may be written in hours, minutes and seconds.
_SEXAGESIMAL: Mapping[str, u.UnitBase] = {"ra": u.hourangle, "dec": u.deg}
_NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT})
# Columns whose values contain commas, such as "Last, First".  MAST separates the values of a criterion by commas, too.
_COMMA_COLUMNS = frozenset({"pi_name", "productLevel", "opticalElements"})
_TimeLike: TypeAlias = Time | date | np.datetime64


def column_named(name: str, columns: Columns) -> Column | None:
    """Return the column that a keyword names, or None."""
    column = find_column(name, columns)
    return column if column is not None or name not in _ALIASES else find_column(_ALIASES[name], columns)


def argument_like(name: str) -> str | None:
    """Return the position argument of which a keyword may be a misspelling, or None."""
    near = closest(name, MISSION_ARGUMENTS, 1)
    return near[0] if near else None


def build_conditions(criteria: Mapping[str, Any], columns: Columns) -> list[dict[str, object]]:
    """Convert keyword arguments to conditions."""
    return [_condition(name, value, columns) for name, value in criteria.items()]


def _condition(name: str, value: Any, columns: Columns) -> dict[str, object]:
    """Return the condition for one keyword argument."""
    column = column_named(name, columns)
    if column is None and columns:
        raise unknown_filter(name, columns, MISSION_ARGUMENTS)
    if column is not None and column.hidden:
        raise InvalidCriterionError(
            f"Column '{column.name}' cannot be used as a criterion. It is only returned in results."
        )
    known = column or Column(_ALIASES.get(name, name))
    return {known.name: _expression(name, value, known)}


def _expression(name: str, value: Any, column: Column) -> object:
    """Return the value of a criterion in MAST's syntax."""
    _refuse_operation(name, value, column)
    if isinstance(value, str | bytes):
        return ",".join(_alternatives(name, value, column))
    if _is_range(value, column):
        return _range(name, value, column)
    if isinstance(value, Mapping):
        raise InvalidCriterionError(f"'{name}' is a mapping. Use (minimum, maximum) for a range.")
    if isinstance(value, u.Quantity | Time) and value.shape == (2,):
        return _range(name, (value[0], value[1]), column)
    return _listed(name, value, column)


def _refuse_operation(name: str, value: object, column: Column) -> None:
    """Raise for a pair of an operator and a value, which MAST would read as two values or a range."""
    if isinstance(value, tuple) and is_operation(value, column):
        operator = str(value[0]).strip().lower()
        _, example, _ = _form_of(column) or ("", "10", None)
        written = _WRITTEN.get(operator, f"a comparison such as {_WRITTEN['gte']}").format(example)
        raise InvalidCriterionError(
            f"'{name}' has the operator {operator!r}, which is not available in mission searches. Use {written}."
        )


def _listed(name: str, value: Any, column: Column) -> object:
    """Return one value, or several values joined by commas."""
    members = [_member(name, member, column) for member in as_members(name, value)]
    if len(members) == 1:
        return members[0]
    texts = list(dict.fromkeys(map(str, members)))
    if all(_is_exact(text, column) for text in texts):
        warn_user(
            f"{name} is continuous, so only rows with exactly {' or '.join(texts)} match. Use (minimum, "
            "maximum) for a range.",
            InputWarning,
        )
    return ",".join(texts)


def _is_exact(text: str, column: Column) -> bool:
    """Return whether a text is an exact value of a continuous column.  A date without a time matches a full day."""
    pattern = _DATE_AND_TIME if _holds_dates(column) else NUMBER if column.kind is Kind.FLOAT else None
    return pattern is not None and bool(pattern.fullmatch(text))


def comma_hints(criteria: Mapping[str, Any], columns: Columns) -> list[str]:
    """Return hints for an empty result: one for each text with commas, which may be meant as a single value."""
    found = ((name, value, column_named(name, columns)) for name, value in criteria.items())
    return [
        f"{name}={value!r} is interpreted as the values {' and '.join(map(repr, _parts(value)))}. If the "
        f"comma is part of a value, replace it with *: {'*'.join(_parts(value))!r}."
        for name, value, column in found
        if isinstance(value, str) and "," in value and column and _is_text(column) and not _has_commas(column)
    ]


def _is_text(column: Column) -> bool:
    return column.kind in {Kind.TEXT, None} and not _holds_dates(column)


def _has_commas(column: Column) -> bool:
    """Return whether the values of a column are known to contain commas."""
    return column.name in _COMMA_COLUMNS and _is_text(column)


def _is_range(value: object, column: Column) -> bool:
    """Return whether a value is a range.  For a column of text, a tuple is a list."""
    if not isinstance(value, tuple):
        return False
    return _takes_ranges(column) if column.type_name else not all(isinstance(end, str | bytes) for end in value)


def _takes_ranges(column: Column) -> bool:
    return column.kind is not Kind.TEXT or _holds_dates(column)


def _alternatives(name: str, value: str | bytes, column: Column) -> list[str]:
    """Split a text at its commas.  If values contain commas, add the text with each comma replaced by a wildcard."""
    text = str(as_plain(value, name))
    parts = _parts(text)
    if not all(parts):
        raise InvalidCriterionError(f"'{name}'={text!r} is empty or contains an empty value. Remove it.")
    whole = "*".join(parts)
    if not _has_commas(column) or any(part.startswith("!") for part in parts[1:]):
        return [_checked(name, part, column) for part in parts]
    return [whole] if whole.startswith("!") else list(dict.fromkeys([*parts, whole]))


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _checked(name: str, text: str, column: Column) -> str:
    """Return a user's text in MAST's syntax; raise if it is not valid for the column."""
    if "*" in text or "null" in text.lower():
        return text
    sign, plain = "!" * text.startswith("!"), text.removeprefix("!").strip()
    _refuse_words(name, plain, column)
    ends = _text_ends(plain, column)
    if ends is not None:
        return ",".join(sign + each for each in _range(name, ends, column).split(","))
    whole = column.kind is Kind.INTEGER and split_text(plain) is None
    return sign + as_text(name, plain, column) if whole else text


def _refuse_words(name: str, text: str, column: Column) -> None:
    """Raise unless a text is a valid value, comparison or range for a column of numbers, dates or angles."""
    form = _form_of(column)
    if form is None:
        return
    what, example, is_one = form
    parts = split_text(text)
    if not all(map(is_one, [text] if parts is None else [operand for _, operand in parts])):
        raise InvalidCriterionError(
            f"'{name}' must be a {what[:-1]}, got {text!r}. You can also use a comparison such as "
            f"'>={example}', a range such as '{example}..', or a list of these."
        )


def _form_of(column: Column) -> tuple[str, str, Callable[[str], bool]] | None:
    """Return what a column holds, an example, and a function that checks a text; None for columns of text."""
    if _holds_dates(column):
        return "dates", "2012-03-14", _is_date
    if _is_numeric(column):
        return "numbers", "10", _is_finite
    if column.type_name.lower() in _SEXAGESIMAL:
        return "angles", "10", _is_angle
    return None


def _is_finite(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None and math.isfinite(float(text))


def _is_angle(text: str) -> bool:
    """Return whether a text may be an angle, in any format."""
    return _is_finite(text) if NUMBER.fullmatch(text) else _DIGIT.search(text) is not None


def _is_date(text: str) -> bool:
    """Return whether a text may be a date.  MAST checks the format; a plain number must have 4 or 8 digits."""
    if NUMBER.fullmatch(text):
        return text.isdecimal() and len(text) in {4, 8}
    return _DIGIT.search(text) is not None


def _text_ends(text: str, column: Column) -> tuple[str | None, str | None] | None:
    """Return the ends of a range such as "5..10", None for an open end; None if the text is not a range."""
    low, dots, high = (part.strip() for part in text.partition(".."))
    ranged = _takes_ranges(column) if column.type_name else split_text(text)
    return (low or None, high or None) if dots and ranged else None


def _is_numeric(column: Column) -> bool:
    """Return whether a column accepts only plain numbers."""
    return column.kind in _NUMBERS and column.type_name.lower() not in _SEXAGESIMAL


def _holds_dates(column: Column) -> bool:
    return column.type_name.lower().startswith("date")


def _member(name: str, value: Any, column: Column) -> object:
    """Return one of several alternatives in MAST's syntax."""
    _refuse_operation(name, value, column)
    if isinstance(value, str | bytes):
        return _text_member(name, value, column)
    if _is_range(value, column):
        return _range(name, value, column)
    low, high = (_single(name, value, column, side) for side in (-1, 1))
    if column.kind is Kind.INTEGER and low == high and isinstance(low, float):
        raise InvalidCriterionError(f"'{name}' is an integer column, got {value!r}.")
    return low if low == high else f"{low}..{high}"


def _text_member(name: str, value: str | bytes, column: Column) -> str:
    """Return a text in a list, where a comma does not separate values."""
    parts = _alternatives(name, value, column)
    if len(parts) > 1 and (not _has_commas(column) or parts[-1].startswith("!")):
        raise InvalidCriterionError(
            f"'{name}' has the value {value!r} in a list, but a comma separates values. List them one by "
            "one, or replace the comma with *."
        )
    return parts[-1]


def _range(name: str, ends: tuple[Any, ...], column: Column) -> str:
    """Return a range in MAST's syntax; an end may be open."""
    if len(ends) != 2:
        raise InvalidCriterionError(
            f"'{name}' is a tuple of length {len(ends)}. Use (minimum, maximum) for a range, and a list for "
            "several values."
        )
    low, high = (_bound(name, end, column, side) for end, side in zip(ends, (-1, 1), strict=True))
    if low == -math.inf and high == math.inf:
        raise InvalidCriterionError(f"'{name}' has a range without limits. Omit the criterion.")
    ranges = turned_ranges(low, high, column)
    if math.inf == low or high == -math.inf or any(_is_after(*each) for each in ranges):
        raise InvalidCriterionError(f"'{name}' has an empty range: minimum {ends[0]!r} > maximum {ends[1]!r}.")
    return ",".join(_spelled(*each) for each in ranges)


def _spelled(low: object, high: object) -> str:
    """Write a range in MAST's syntax; an infinite end is open."""
    if high == math.inf:
        return f">={low}"
    return f"<={high}" if low == -math.inf else f"{low}..{high}"


def _bound(name: str, end: Any, column: Column, side: int) -> object:
    """Return the lower (side -1) or upper (side 1) end of a range; an open end is infinite."""
    sign = side if end is None else sign_of_infinity(end)
    return sign * math.inf if sign else _end(name, end, column, side)


def _end(name: str, end: Any, column: Column, outward: int) -> object:
    """Return a finite end of a range."""
    if isinstance(end, str | bytes):
        text = str(as_plain(end, name)).strip()
        if text and text[0] not in "!<>=" and not any(mark in text for mark in (",", "..", "*")):
            return _text_end(name, text, column)
    elif not isinstance(end, list | tuple | set | Mapping | bool):
        return _single(name, end, column, outward)
    raise InvalidCriterionError(f"'{name}' has an invalid range limit: must be a number or a date, got {end!r}.")


def _text_end(name: str, text: str, column: Column) -> object:
    """Return the end of a range that is given as text: a number if it is one, degrees for an angle, or the text."""
    checked = _checked(name, text, column)
    if _is_numeric(column) or (column.kind is not Kind.TEXT and NUMBER.fullmatch(checked)):
        return _plain(name, as_number(name, checked, column), whole=True)
    if column.type_name.lower() not in _SEXAGESIMAL:
        return checked
    try:
        return without_rounding_error(float(Angle(checked, _SEXAGESIMAL[column.type_name.lower()]).deg))
    except ValueError as err:
        raise InvalidCriterionError(f"'{name}' has an invalid range limit: must be an angle, got {text!r}.") from err


def _is_after(low: object, high: object) -> bool:
    """Return whether the first end is greater than the second; False if they cannot be compared."""
    if isinstance(low, str) and isinstance(high, str):
        return _are_dates(low, high) and low[: len(high)] > high[: len(low)]
    return isinstance(low, int | float) and isinstance(high, int | float) and low > high


def _are_dates(*texts: str) -> bool:
    """Return whether the texts are ISO 8601 dates, which can be compared as text up to their common length."""
    return all(map(_DATE.match, texts))


def _single(name: str, value: Any, column: Column, outward: int) -> object:
    """Convert one value that is not text; a unit or time conversion is widened outward by its rounding error."""
    if isinstance(value, np.ndarray) and value.ndim == 0 and not isinstance(value, u.Quantity):
        value = value[()]
    refuse_missing(name, value)
    if isinstance(value, _TimeLike):
        return _time(name, value, column, outward)
    if isinstance(value, u.Quantity):
        return _quantity(name, value, column, outward)
    if isinstance(value, bool | np.bool_):
        return _boolean(name, bool(value), column)
    return _number(name, value, column)


def _number(name: str, value: Any, column: Column) -> int | float:
    """Return a number as the column takes it; a column of dates takes only years."""
    if isinstance(value, np.timedelta64) or not isinstance(value, int | float | np.integer | np.floating):
        raise InvalidCriterionError(
            f"'{name}' cannot be compared with {value!r} ({type(value).__name__}). Use a string, a number, a "
            "date, or a list of these."
        )
    if _holds_dates(column):
        return _year(name, value)
    if column.kind in {Kind.INTEGER, Kind.TEXT}:
        refuse_lost_digits(name, value)
    return _plain(name, value, whole=column.kind is Kind.INTEGER)


def _year(name: str, value: float | np.integer | np.floating) -> int:
    """Return a number for a column of dates, which must be a year."""
    if value not in _YEARS:
        raise InvalidCriterionError(f"'{name}' must be a date such as '2012-03-14', or a Time, got {value!r}.")
    return int(value)


def _plain(name: str, value: float | np.integer | np.floating, *, whole: bool = False) -> int | float:
    """Convert a Python or numpy number to a Python number; an integer stays an integer."""
    if isinstance(value, int | np.integer):
        return as_integer(name, int(value), 64 if whole else 1024)
    if not math.isfinite(value):
        raise InvalidCriterionError(f"'{name}' is {value}, which matches no rows. Omit the criterion.")
    return int(value) if whole and float(value).is_integer() else float(value)


def _time(name: str, value: _TimeLike, column: Column, outward: int) -> object:
    """Convert a time to the format of the column: text or Modified Julian Date."""
    if column.kind in _NUMBERS or (not column.type_name and column.name.lower().endswith("mjd")):
        return as_number(name, value, column if column.type_name else Column(column.name, is_time=True), outward)
    return as_iso(name, value)


def _quantity(name: str, value: u.Quantity, column: Column, outward: int) -> object:
    """Convert a quantity to the unit of the column."""
    if column.astropy_unit is None and value.unit != u.dimensionless_unscaled:
        raise InvalidCriterionError(f"The unit of '{name}' is unknown. Use a plain number instead of {value}.")
    return _plain(name, as_number(name, value, column, outward), whole=column.kind is Kind.INTEGER)


def _boolean(name: str, value: bool, column: Column) -> object:
    """Convert a boolean to the format of the column."""
    if column.kind is Kind.FLOAT or _holds_dates(column):
        raise InvalidCriterionError(f"'{name}' is not a boolean column, got {value}.")
    return int(value) if stores_booleans_as_integers(column) else value


def stores_booleans_as_integers(column: Column) -> bool:
    """Return whether a column holds booleans as 1 and 0, as the descriptions of some HST columns state."""
    return column.kind is Kind.INTEGER or "1 for yes" in column.description
