"""What users ask for, column by column: keywords and column metadata in, frozen filters out.

A criterion is applied or refused, never dropped: whatever cannot become a filter raises `InvalidCriterionError` before
anything is sent.  The wire form of a filter is the archive's; see https://mast.stsci.edu/api/v0/_services.html.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.time import Time

from ..exceptions import InputWarning, InvalidCriterionError
from ..tables.columns import Column, Columns, Kind, find_column
from ..tables.names import no_such
from ..warn import warn_user
from .request import as_plain
from .values import as_number

__all__ = ["Criteria", "Filter", "as_members", "build_criteria", "unknown_filter"]

# What stands for an open end of a range.  The archive documents only ranges with two ends; these two are beyond any
# number it holds and still within single precision, in which some of its columns are stored.
OPEN_END = 1e30


@dataclass(frozen=True)
class Filter:
    """One filter: a column, and the values or ranges of which a row must have one."""

    column: str
    values: tuple[str, ...] = ()
    ranges: tuple[tuple[float, float], ...] = ()
    free_text: str = ""
    separator: str = ""

    def payload(self) -> dict[str, object]:
        """Return the filter as the archive takes it."""
        entry: dict[str, object] = {"paramName": self.column}
        if self.separator:
            entry["separator"] = self.separator
        entry["values"] = [*self.values, *({"min": low, "max": high} for low, high in self.ranges)]
        if self.free_text:
            entry["freeText"] = self.free_text
        return entry


@dataclass(frozen=True)
class Criteria:
    """All filters of a query; a row must pass every one."""

    filters: tuple[Filter, ...] = ()

    def payload(self) -> list[dict[str, object]]:
        """Return the filters as the archive takes them."""
        return [each.payload() for each in self.filters]


def build_criteria(criteria: Mapping[str, Any], columns: Columns) -> Criteria:
    """Turn keywords into filters."""
    return Criteria(tuple(_filter(name, value, columns) for name, value in criteria.items()))


def _filter(name: str, value: Any, columns: Columns) -> Filter:
    """The filter of one keyword."""
    column = find_column(name, columns)
    if column is None or not column.shown:
        raise unknown_filter(name, columns)
    if column.continuous:
        return Filter(name, ranges=tuple(_ranges(name, value, column)), separator=column.separator)
    return _discrete(name, value, column)


def unknown_filter(name: str, columns: Columns, also: Iterable[str] = ()) -> InvalidCriterionError:
    """Return the error for a column that does not exist."""
    known = [*(column.name for column in columns.values() if column.shown), *also]
    return no_such(f"Filter '{name}' does not exist.", name, known, error=InvalidCriterionError)


def as_members(name: str, value: Any) -> list[Any]:
    """Return the members of whatever iterable was given, a scalar being one of itself; sets in sorted order."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return [value]
    if isinstance(value, u.Quantity | Time) and value.ndim == 0:
        return [value]
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return [value[()]]
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise InvalidCriterionError(f"'{name}' has masked values; leave them out.")
    try:
        members = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
    except TypeError:  # single positions and spans of time claim to be iterable
        return [value]
    if not members:
        raise InvalidCriterionError(
            f"'{name}' is an empty list: no row could match. Leave the criterion out, or fill it."
        )
    return members


def _discrete(name: str, value: Any, column: Column) -> Filter:
    """A filter by values; one of them may have wildcards."""
    if isinstance(value, Mapping):
        if column.kind is not Kind.INTEGER:
            raise InvalidCriterionError(f"'{name}' holds text, which has no range: give the values.")
        return Filter(name, ranges=(_mapped(name, value, column),))
    values = list(dict.fromkeys(_text(name, member, column) for member in as_members(name, value)))
    patterns = [text for text in values if "*" in text or "%" in text]
    if len(patterns) > 1:
        raise InvalidCriterionError(
            f"'{name}' has {len(patterns)} values with wildcards ({', '.join(patterns)}), and the archive takes one: "
            "ask once for each, or list the values."
        )
    return Filter(
        name,
        values=tuple(text for text in values if text not in patterns),
        free_text=patterns[0].replace("*", "%") if patterns else "",
        separator=column.separator,
    )


def _text(name: str, value: Any, column: Column) -> str:
    """A value of a discrete column, as the text in which the archive takes it."""
    if isinstance(value, bytes):
        value = as_plain(value, name)
    if column.kind is Kind.BOOLEAN:
        return _boolean(name, value)
    if isinstance(value, str):
        return _whole_text(name, value) if column.kind is Kind.INTEGER else str(value)
    if isinstance(value, bool | np.bool_) and column.kind is not Kind.INTEGER:
        return str(bool(value))
    if isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return _whole_or_text(name, float(value), column)
    raise InvalidCriterionError(_cannot_use(name, value))


def _whole_text(name: str, text: str) -> str:
    """A whole number that is written as text, in the one spelling that the archive can read; or a pattern."""
    if "*" in text or "%" in text:
        return str(text)
    with suppress(ValueError):  # an identifier of 19 digits must not pass through a float
        return str(int(text))
    with suppress(ValueError):
        if (number := float(text)).is_integer():
            return str(int(number))
    raise InvalidCriterionError(f"'{name}' holds whole numbers; {text!r} is none.")


def _whole_or_text(name: str, number: float, column: Column) -> str:
    """A floating-point number as text; 3 and 3.0 are the same."""
    if number.is_integer():
        return str(int(number))
    if math.isfinite(number) and column.kind is not Kind.INTEGER:
        return repr(number)
    raise InvalidCriterionError(f"'{name}' cannot be compared with {number!r}: it holds whole numbers or text.")


def _boolean(name: str, value: Any) -> str:
    """A yes-or-no value, as the archive spells it."""
    spelled = str(value).strip().lower()
    if spelled in {"true", "t", "1", "yes"}:
        return "True"
    if spelled in {"false", "f", "0", "no"}:
        return "False"
    raise InvalidCriterionError(f"'{name}' is either True or False; {value!r} is neither.")


def _cannot_use(name: str, value: Any) -> str:
    """Why a value is no value."""
    if value is None:
        return f"'{name}' is None, which no row can equal: leave the criterion out."
    if value is np.ma.masked:
        return f"'{name}' has a masked value; leave it out."
    return f"'{name}' cannot be compared with {value!r} (a {type(value).__name__})."


def _ranges(name: str, value: Any, column: Column) -> list[tuple[float, float]]:
    """The ranges of a continuous column: a pair, several pairs, a mapping with min and max, or one exact value."""
    if isinstance(value, Mapping):
        return [_mapped(name, value, column)]
    if isinstance(value, set | frozenset):
        raise InvalidCriterionError(f"'{name}' is a set, which has no order: give [minimum, maximum].")
    members = as_members(name, value)
    if all(_is_pair(member) for member in members):
        return [range_ for member in members for range_ in _ranges(name, member, column)]
    if len(members) == 1:
        return [_exactly(name, members[0], column)]
    if len(members) > 2:
        raise InvalidCriterionError(
            f"'{name}' is continuous, and {len(members)} values were given: give [minimum, maximum], or pairs."
        )
    return [_pair(name, members[0], members[1], column)]


def _exactly(name: str, value: Any, column: Column) -> tuple[float, float]:
    """One value of a continuous column, which hardly any row has exactly: applied, and said."""
    number = as_number(name, value, column)
    if math.isinf(number):
        raise InvalidCriterionError(f"'{name}' is infinite: give [minimum, maximum] for a range.")
    warn_user(
        f"{name} is continuous, and one value was given: only rows with exactly {value!r} match. "
        "Give [minimum, maximum] for a range.",
        InputWarning,
    )
    return number, number


def _is_pair(value: Any) -> bool:
    """Whether a member of a list is itself a range."""
    if isinstance(value, Mapping):
        return True
    if isinstance(value, u.Quantity | Time | np.ndarray):
        return value.ndim > 0
    return isinstance(value, list | tuple)


def _mapped(name: str, ends: Mapping[str, Any], column: Column) -> tuple[float, float]:
    """The range that a mapping describes, one of whose ends may be left out."""
    others = sorted(str(key) for key in ends if key not in {"min", "max"})
    if others:
        raise InvalidCriterionError(f"'{name}' has a range with {', '.join(others)}: give 'min' and 'max'.")
    return _pair(name, ends.get("min"), ends.get("max"), column)


def _pair(name: str, low: Any, high: Any, column: Column) -> tuple[float, float]:
    """One range; an end that is None or infinite is open."""
    ends = [
        -OPEN_END if low is None else as_number(name, low, column),
        OPEN_END if high is None else as_number(name, high, column),
    ]
    bottom, top = (max(-OPEN_END, min(OPEN_END, end)) for end in ends)
    if (bottom, top) == (-OPEN_END, OPEN_END):
        raise InvalidCriterionError(f"'{name}' has a range that is open at both ends: leave the criterion out.")
    if bottom > top or bottom == OPEN_END or top == -OPEN_END:
        raise InvalidCriterionError(f"'{name}' has a range from {low!r} to {high!r}, in which no value lies.")
    return bottom, top
