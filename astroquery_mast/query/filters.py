"""Write criteria as filters of Mashup services, and as parameters of Catalogs.MAST.

In: keywords and column metadata, or for `~astroquery_mast.MastClass.mast_query` only keywords.  Out: frozen filters,
or ``column.operator`` → value.  See https://mast.stsci.edu/api/v0/_services.html.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from astropy.time import Time

from ..exceptions import InputWarning, InvalidCriterionError, UnsupportedCriterionError
from ..tables.columns import Column, Columns, Kind, find_column, snapshot
from ..warn import warn_user
from .conditions import (
    LOWER_ENDS,
    UPPER_ENDS,
    Comparison,
    Condition,
    holds_numbers,
    read_condition,
    warn_exact,
)
from .request import as_plain
from .selection import unknown_filter
from .values import WHOLE, as_members, as_utc, refuse_missing, wildcard_test

# The value for an open end of a range.  MAST documents only ranges with two ends.  This value and its negative are
# beyond all numbers in its tables, and still within single precision, in which some columns are stored.
OPEN_END = 1e30


@dataclass(frozen=True)
class Filter:
    """One filter: a column, and values or ranges, one of which must match."""

    column: str
    values: tuple[str, ...] = ()
    ranges: tuple[tuple[float, float], ...] = ()
    free_text: str = ""
    separator: str = ""

    def payload(self) -> dict[str, object]:
        """Return the filter in MAST's format."""
        entry: dict[str, object] = {"paramName": self.column}
        if self.separator:
            entry["separator"] = self.separator
        entry["values"] = [*self.values, *({"min": low, "max": high} for low, high in self.ranges)]
        if self.free_text:
            entry["freeText"] = self.free_text
        return entry


@dataclass(frozen=True)
class Criteria:
    """The filters of a query, which are all required."""

    filters: tuple[Filter, ...] = ()

    def payload(self) -> list[dict[str, object]]:
        """Return the filters in MAST's format."""
        return [each.payload() for each in self.filters]


def _divided(texts: Iterable[str], test: Callable[[str], bool]) -> tuple[list[str], list[str]]:
    """The texts that pass a test, and the others."""
    passing: list[str] = []
    others: list[str] = []
    for text in texts:
        (passing if test(text) else others).append(text)
    return passing, others


def _column(name: str, columns: Columns, arguments: Sequence[str] = ()) -> Column:
    """The column of a criterion."""
    column = find_column(name, columns)
    if column is None or not column.shown:
        raise unknown_filter(name, columns, arguments)
    return column


# -- Mashup --------------------------------------------------------------------------------------------------------


# Returns the values of a text column at MAST, or None if MAST does not list them.
Vocabulary: TypeAlias = Callable[[str], Iterable[str] | None]


def mashup_criteria(
    criteria: Mapping[str, Any],
    columns: Columns,
    vocabulary: Vocabulary = lambda _: None,
    arguments: Sequence[str] = (),
) -> Criteria:
    """Return the filters of a Mashup service."""
    conditions = (read_condition(name, value, _column(name, columns, arguments)) for name, value in criteria.items())
    return Criteria(tuple(_mashup_filter(condition, vocabulary) for condition in conditions))


def _mashup_filter(condition: Condition, vocabulary: Vocabulary) -> Filter:
    """Write a condition as a filter."""
    if condition.excluded:
        return _remaining_filter(condition, vocabulary)
    if condition.column.continuous or condition.alternatives[0][0].operator in LOWER_ENDS | UPPER_ENDS:
        return _range_filter(condition)
    return _value_filter(condition, vocabulary)


def _range_filter(condition: Condition) -> Filter:
    """Write a condition as ranges, one of which must match."""
    name, column = condition.name, condition.column
    integral = column.kind is Kind.INTEGER
    if not column.continuous and not integral:
        raise InvalidCriterionError(f"'{name}' is a text column and accepts no range. List the values instead.")
    ranges = tuple(_inclusive(name, each, integral) for each in condition.alternatives)
    return Filter(name, ranges=ranges, separator=column.separator if column.continuous else "")


def _value_filter(condition: Condition, vocabulary: Vocabulary) -> Filter:
    """Write a condition as values, one of which must match.

    MAST accepts one value with wildcards.  Several are replaced by the matching values from its list.
    """
    name = condition.name
    texts = [_mashup_text(comparison) for (comparison,) in condition.alternatives]
    exact = _exact_texts(condition.alternatives)
    values, patterns = _divided(texts, lambda text: text in exact or not set(text) & {"*", "%"})
    if len(patterns) > 1:
        return Filter(name, values=_listed_values(condition, patterns, vocabulary) or tuple(texts))
    return Filter(
        name,
        values=tuple(values),
        free_text=patterns[0].replace("*", "%") if patterns else "",
        separator=condition.column.separator,
    )


def _listed_values(condition: Condition, patterns: Sequence[str], vocabulary: Vocabulary) -> tuple[str, ...]:
    """The values in MAST's list that match a condition with several patterns."""
    known = None if condition.column.separator else vocabulary(condition.column.name)
    if known is None:
        raise UnsupportedCriterionError(
            f"Only one wildcarded value may be used per filter, but '{condition.name}' has {len(patterns)} "
            f"({', '.join(patterns)}). Run one query per pattern, or list the values."
        )
    return _matching(known, condition.alternatives)


def _exact_texts(alternatives: Iterable[Sequence[Comparison]]) -> set[str]:
    """The texts to compare exactly, even if they contain wildcard characters."""
    return {str(comparison.operand) for (comparison,) in alternatives if comparison.operator == "eq"}


def _mashup_text(comparison: Comparison) -> str:
    return f"*{comparison.operand}*" if comparison.operator == "contains" else str(comparison.operand)


def _inclusive(name: str, comparisons: Sequence[Comparison], integral: bool) -> tuple[float, float]:
    """The range that matches comparisons, including both ends."""
    ends = {each.operator: _inclusive_end(each, integral) for each in comparisons}
    if "eq" in ends:
        return ends["eq"], ends["eq"]
    low = _end_of(ends, LOWER_ENDS, -OPEN_END)
    high = _end_of(ends, UPPER_ENDS, OPEN_END)
    if low >= OPEN_END or high <= -OPEN_END or low > high:
        raise InvalidCriterionError(f"'{name}' has an empty range: minimum {low!r} > maximum {high!r}.")
    return max(low, -OPEN_END), min(high, OPEN_END)


def _end_of(ends: Mapping[str, float], operators: Iterable[str], open_end: float) -> float:
    """The end given by one of several operators, or that of an open range."""
    return next((ends[operator] for operator in operators if operator in ends), open_end)


def _inclusive_end(comparison: Comparison, integral: bool) -> float:
    """The extreme number that matches a comparison."""
    number = comparison.operand
    match comparison.operator:
        case "gt":
            return float(math.floor(number) + 1 if integral else np.nextafter(number, math.inf))
        case "lt":
            return float(math.ceil(number) - 1 if integral else np.nextafter(number, -math.inf))
    return float(number)


# -- exclusions, which Mashup does not support, as the remaining ranges or values -----------------------------------


def _remaining_filter(condition: Condition, vocabulary: Vocabulary) -> Filter:
    """Write a condition with exclusions as the remaining ranges or values."""
    if holds_numbers(condition.column):
        left = Filter(condition.name, ranges=_remaining_ranges(condition))
    else:
        left = Filter(condition.name, values=_remaining_values(condition, vocabulary))
    if not (left.ranges or left.values):
        raise InvalidCriterionError(f"'{condition.name}' excludes all of its own values.")
    return left


def _remaining_ranges(condition: Condition) -> tuple[tuple[float, float], ...]:
    """The ranges that match a condition on a numeric column; rows with missing values match none of them."""
    integral = not condition.column.continuous
    whole = [(-OPEN_END, OPEN_END)]
    ranges = [_inclusive(condition.name, each, integral) for each in condition.alternatives] or whole
    for (excluded,) in condition.excluded:
        ranges = _ranges_without(excluded.operand, ranges, integral)
    return tuple(dict.fromkeys(ranges))


def _ranges_without(number: float, ranges: Iterable[tuple[float, float]], integral: bool) -> list[tuple[float, float]]:
    """The parts of ranges below and above a number."""
    below, above = (number - 1, number + 1) if integral else np.nextafter(number, [-math.inf, math.inf])
    parts = (part for low, high in ranges for part in ((low, min(high, below)), (max(low, above), high)))
    return [(float(low), float(high)) for low, high in parts if low <= high]


def _remaining_values(condition: Condition, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The values of a text column that match a condition."""
    column = condition.column
    known = ("True", "False") if column.kind is Kind.BOOLEAN else vocabulary(column.name)
    if known is None or column.separator:
        raise UnsupportedCriterionError(
            f"'{condition.name}' excludes {_excluded(condition)}, which MAST does not support for this "
            f"column. {_leave_out(condition)}"
        )
    excluded = _matching(known, condition.excluded)
    wanted = _matching(known, condition.alternatives) if condition.alternatives else tuple(known)
    return tuple(value for value in wanted if value not in excluded)


def _matching(values: Iterable[str], texts: Iterable[Sequence[Comparison]]) -> tuple[str, ...]:
    """The values that match one of several texts, which may have wildcards, ignoring case."""
    exact = set(map(str.casefold, _exact_texts(texts)))
    patterns = (str(each.operand).casefold() for (each,) in texts if each.operator != "eq")
    tests = [exact.__contains__, *(wildcard_test(pattern, "*%") for pattern in patterns)]
    return tuple(value for value in values if any(test(value.casefold()) for test in tests))


def _excluded(condition: Condition) -> str:
    """The excluded values, for a message."""
    return ", ".join(repr(each.operand) for (each,) in condition.excluded)


def _leave_out(condition: Condition) -> str:
    """A sentence on how to remove the rows from the result."""
    operand = condition.excluded[0][0].operand
    return f"Omit the criterion and filter the result: table[table['{condition.name}'] != {operand!r}]."


# -- Catalogs.MAST -------------------------------------------------------------------------------------------------


def catalogs_mast_filters(
    criteria: Mapping[str, Any], columns: Columns, arguments: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the parameters of Catalogs.MAST, which are all required."""
    found: dict[str, Any] = {}
    for name, value in criteria.items():
        found.update(_parameters(read_condition(name, value, _column(name, columns, arguments))))
    return found


def _parameters(condition: Condition) -> dict[str, Any]:
    """Write a condition as parameters."""
    name, column, alternatives = condition.name, condition.column, condition.alternatives
    if condition.excluded:
        return {f"{column.name}.neq": _only_exclusion(condition)}
    first = alternatives[0]
    if any(each.operator == "pattern" for each in chain.from_iterable(alternatives)):
        return _pattern_parameter(condition)
    if column.continuous and len(alternatives) > 1:
        raise UnsupportedCriterionError(f"'{name}' has {len(alternatives)} ranges, but the service accepts only one.")
    if first[0].operator != "eq":
        return {f"{column.name}.{each.operator}": each.operand for each in first}
    return _value_parameter(condition)


def _only_exclusion(condition: Condition) -> Any:
    """The value of a condition that only excludes a single value; others raise an error."""
    (first, *_), *others = condition.excluded
    if condition.alternatives or others or first.operator == "pattern":
        raise UnsupportedCriterionError(
            f"'{condition.name}' excludes {_excluded(condition)}, but the service can only exclude a single "
            f"value without wildcards. {_leave_out(condition)}"
        )
    return first.operand


def _pattern_parameter(condition: Condition) -> dict[str, Any]:
    """Write text with wildcards as a parameter."""
    name, column, alternatives = condition.name, condition.column, condition.alternatives
    if len(alternatives) > 1 or holds_numbers(column):
        error = InvalidCriterionError if holds_numbers(column) else UnsupportedCriterionError
        raise error(
            f"'{name}' has a pattern, which only works on text columns and cannot be combined with other values."
        )
    return {f"{column.name}.like": alternatives[0][0].operand.replace("*", "%")}


def _value_parameter(condition: Condition) -> dict[str, Any]:
    """Write values, one of which must match, as a parameter."""
    column = condition.column
    values = [_exact(comparison.operand, column) for (comparison,) in condition.alternatives]
    return {column.name: values[0] if len(values) == 1 else values}


def _exact(value: Any, column: Column) -> Any:
    """A value to compare exactly, with integers in text converted to numbers."""
    whole = isinstance(value, str) and holds_numbers(column) and WHOLE.fullmatch(value)
    return int(value) if whole else value


# -- any service, without column metadata --------------------------------------------------------------------------


# https://mast.stsci.edu/api/v0/class_mashup_1_1_mashup_request.html
_PROPERTIES = frozenset(
    {
        "cache",
        "cachebreaker",
        "clearcache",
        "data",
        "filename",
        "format",
        "page",
        "pagesize",
        "removecache",
        "removenullcolumns",
        "timeout",
    }
)
_POSITION = frozenset({"ra", "dec", "radius", "position"})


def split_parameters(
    service: str, columns: str | Iterable[str] | None, keywords: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split the keywords of a query into parameters of the service and properties of the request."""
    property_names, names = _divided(keywords, lambda key: key.lower() in _PROPERTIES)
    properties, rest = _chosen(keywords, property_names), _chosen(keywords, names)
    if "filtered" in service.lower():
        return _filtered_parameters(service, columns, rest), properties
    if columns is not None:
        warn_user(f"'columns' parameter is ignored for non-filtered services, such as {service}.", InputWarning)
    return rest, properties


def _filtered_parameters(
    service: str, columns: str | Iterable[str] | None, keywords: Mapping[str, Any]
) -> dict[str, Any]:
    """The parameters of a filtered service, for which every keyword is part of a position or a filter."""
    positional = ".position" in service.lower()
    place, names = _divided(keywords, lambda key: _is_position(key, keywords[key], positional))
    if not names:
        raise InvalidCriterionError("Please provide at least one filter.")
    chosen = columns if isinstance(columns, str) else ",".join(columns or ())
    filters = [_plain_filter(key, keywords[key]) for key in names]
    _warn_exact_values(service, filters)
    return {"columns": chosen or "*", "filters": filters, **_chosen(keywords, place)}


def _warn_exact_values(service: str, filters: Iterable[Mapping[str, Any]]) -> None:
    """Warn about exact values for a continuous column, if the columns of the service are known."""
    columns = snapshot()["Mast.Caom.Cone"] if service.lower().startswith("mast.caom.") else {}
    for each in filters:
        column = find_column(each["paramName"], columns)
        exact = [value for value in each["values"] if not isinstance(value, Mapping)]
        if exact and column is not None and column.continuous:
            warn_exact(each["paramName"], exact, '{"min": ..., "max": ...}')


def _chosen(keywords: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Some of the keywords."""
    return {name: keywords[name] for name in names}


def _is_position(key: str, value: Any, positional: bool) -> bool:
    """Whether a keyword is part of a position; a range or list for ``ra`` or ``dec`` is a filter of that column."""
    if key.lower() == "position":
        return True
    return positional and key.lower() in _POSITION and _is_single(value)


def _is_single(value: Any) -> bool:
    """Whether a value is a scalar; a scalar position, time or numpy number is not iterable although it claims to be."""
    if isinstance(value, str | bytes):
        return True
    return not isinstance(value, Iterable) or getattr(value, "shape", None) == ()


def _plain_filter(key: str, value: Any) -> dict[str, Any]:
    """One filter, with the values as given."""
    if isinstance(value, Mapping):
        if not {"min", "max"} <= value.keys():
            raise InvalidCriterionError(f'Range filter for "{key}" must be a dictionary with "min" and "max" keys.')
        return {"paramName": key, "values": [as_plain({end: _number(key, at) for end, at in value.items()}, key)]}
    return {"paramName": key, "values": [_member(key, member) for member in as_members(key, value)]}


def _member(key: str, value: Any) -> Any:
    """One value of a filter."""
    if isinstance(value, Mapping):
        return _plain_filter(key, value)["values"][0]
    refuse_missing(key, value)
    plain = as_plain(_number(key, value), key)
    if isinstance(plain, list):
        raise InvalidCriterionError(f"'{key}' contains a nested list: {plain!r}. Use a flat list of values.")
    return plain


def _number(key: str, value: Any) -> Any:
    """A time as the Modified Julian Date that MAST uses; any other value unchanged."""
    return float(as_utc(key, value).mjd) if isinstance(value, Time) else value
