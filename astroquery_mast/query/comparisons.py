"""Criteria on the columns of catalogues: what users write in, and what each kind of service takes out.

In: keywords and the columns of the catalogue.  Out: the filters of a Mashup service, or the ``column.operator``
parameters of Catalogs.MAST.  Catalogues flow, second step.

The language is that of `astroquery_mast.query.filters`, and besides it there are comparisons, for observations, too:

================================  ==================================================================
a value                           means
================================  ==================================================================
``">=2"``, ``"<10"``              at least, less than, and so on: ``>``, ``>=``, ``<``, ``<=``
``"2..5"``, ``"2.."``             a range, both ends included; an end may be left out
``(None, 5)``, ``{"max": 5}``     the same, as values
``("gte", 2)``                    the same in the words of Catalogs.MAST; see `OPERATORS`
``[("gte", 2), ("lt", 5)]``       all of them
``"!x"``, ``("neq", "x")``        anything else than that; Catalogs.MAST only
================================  ==================================================================

A criterion is applied or refused, never dropped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..exceptions import InvalidCriterionError
from ..tables.columns import Column, Columns, Kind, find_column
from .filters import OPEN_END, Criteria, Filter, build_criteria, unknown_filter
from .values import as_number

__all__ = [
    "OPERATORS",
    "Comparison",
    "as_values",
    "catalogs_mast_filters",
    "is_operation",
    "mashup_criteria",
    "read_comparisons",
]

OPERATORS: Mapping[str, str] = {
    "min": "gte",
    "gte": "gte",
    "gt": "gt",
    "max": "lte",
    "lte": "lte",
    "lt": "lt",
    "eq": "eq",
    "neq": "neq",
    "like": "like",
    "contains": "contains",
}
"""The operators of Catalogs.MAST; two of them have two names each."""

_SYMBOLS = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt"}
_SYMBOLIC = re.compile(r"\s*(>=|<=|>|<)\s*(\S.*?)\s*")
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})?\s*\.\.\s*({_NUMBER})?\s*")
_WHOLE = re.compile(r"\s*[+-]?\d+\s*")
_LOWER, _UPPER = frozenset({"gte", "gt"}), frozenset({"lte", "lt"})
_STRICT = frozenset({"gt", "lt"})
_ON_TEXT = frozenset({"like", "contains"})
_NUMERIC = frozenset({Kind.FLOAT, Kind.INTEGER, Kind.BYTE})
_PAIR = 2


@dataclass(frozen=True)
class Comparison:
    """One comparison of a column with a value.

    Parameters
    ----------
    operator : str
        One of the values of `OPERATORS`.
    operand : str, int or float
        What is compared with, in the unit of the column.
    """

    operator: str
    operand: Any


# -- reading -------------------------------------------------------------------------------------------------------


def read_comparisons(name: str, value: Any, column: Column) -> tuple[Comparison, ...]:
    """Return the comparisons that a user's value stands for.

    Parameters
    ----------
    name : str
        The criterion, for messages.
    value : object
        What the user gave.
    column : Column
        The column.

    Returns
    -------
    tuple of Comparison
        All of which must hold; empty if it is a plain value, or several.

    Raises
    ------
    InvalidCriterionError
        If comparisons and plain values are mixed, contradict each other, or have no meaning for the column.
    """
    found = _comparisons(name, value, column)
    if not found and isinstance(value, list | tuple):
        members = [_comparisons(name, member, column) for member in value]
        if any(members) and not all(is_operation(member) for member in value):
            raise InvalidCriterionError(
                f"'{name}' has comparisons in a list, and it is not clear whether one or all of them must hold: "
                'give one of them, a range such as "2..5", or pairs such as [("gte", 2), ("lt", 5)], '
                "all of which must hold."
            )
        found = tuple(comparison for member in members for comparison in member)
    _refuse_contradiction(name, found)
    return found


def _comparisons(name: str, value: Any, column: Column) -> tuple[Comparison, ...]:
    """The comparisons of one value that is no list of them."""
    numeric = column.kind in _NUMERIC
    if isinstance(value, str):
        return _from_text(name, value, column)
    if is_operation(value):
        return (_operation(name, value[0], value[1], column),)
    if not numeric:
        return ()
    if isinstance(value, Mapping):
        others = sorted(str(key) for key in value if key not in {"min", "max"})
        if others:
            raise InvalidCriterionError(f"'{name}' has a range with {', '.join(others)}: give 'min' and 'max'.")
        return _range(name, value.get("min"), value.get("max"), column)
    # With None for an end these cannot be two values.
    if isinstance(value, list | tuple) and len(value) == _PAIR and any(end is None for end in value):
        return _range(name, value[0], value[1], column)
    return ()


def is_operation(value: Any) -> bool:
    """Tell whether a value is a pair of an operator and its operand, rather than two texts or numbers."""
    if not isinstance(value, tuple) or len(value) != _PAIR or not isinstance(value[0], str):
        return False
    operator = value[0].strip().lower()
    return operator in OPERATORS or (operator.isalpha() and not isinstance(value[1], str))


def _from_text(name: str, text: str, column: Column) -> tuple[Comparison, ...]:
    """The comparison that a text spells; none if it is a plain value."""
    if text.startswith("!") and text.strip("!= "):
        return (Comparison("neq", _operand(name, text[1:].lstrip("="), column)),)
    if column.kind not in _NUMERIC:
        return ()
    symbolic = _SYMBOLIC.fullmatch(text)
    if symbolic:
        return (Comparison(_SYMBOLS[symbolic[1]], _operand(name, symbolic[2], column)),)
    ends = _RANGE.fullmatch(text)
    return _range(name, ends[1], ends[2], column) if ends else ()


def _operation(name: str, operator: str, operand: Any, column: Column) -> Comparison:
    """A comparison in the words of Catalogs.MAST."""
    known = OPERATORS.get(operator.strip().lower())
    if known is None:
        raise InvalidCriterionError(f"'{name}' has the operator '{operator}': there are {', '.join(OPERATORS)}.")
    if known in _ON_TEXT and column.kind in _NUMERIC:
        raise InvalidCriterionError(f"'{name}' holds numbers, to which '{operator}' cannot be applied.")
    if known in _LOWER | _UPPER and column.kind not in _NUMERIC:
        raise InvalidCriterionError(f"'{name}' holds text, to which '{operator}' cannot be applied: give the values.")
    return Comparison(known, _operand(name, operand, column))


def _range(name: str, low: Any, high: Any, column: Column) -> tuple[Comparison, ...]:
    """A range, one end of which may be left out."""
    ends = [("gte", low), ("lte", high)]
    found = tuple(Comparison(operator, _operand(name, end, column)) for operator, end in ends if end is not None)
    if not found:
        raise InvalidCriterionError(f"'{name}' has a range that is open at both ends: leave the criterion out.")
    return found


def _operand(name: str, value: Any, column: Column) -> str | int | float:
    """What is compared with, in the unit of the column; whole numbers keep all their digits."""
    if column.kind not in _NUMERIC:
        text = _plain(name, value, column).values
        return text[0] if text else str(value)
    if column.kind is not Kind.FLOAT:
        if isinstance(value, int | np.integer) and not isinstance(value, bool):
            return int(value)
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            return int(value)
    number = as_number(name, value, column)
    if math.isinf(number):
        raise InvalidCriterionError(f"'{name}' is compared with {value!r}: leave this end of the range out.")
    return number


def _refuse_contradiction(name: str, comparisons: Sequence[Comparison]) -> None:
    """Raise if comparisons do not go together, or no value can meet all of them."""
    if len(comparisons) <= 1:
        return
    lower = [each for each in comparisons if each.operator in _LOWER]
    upper = [each for each in comparisons if each.operator in _UPPER]
    if len(lower) > 1 or len(upper) > 1 or len(lower) + len(upper) < len(comparisons):
        given = ", ".join(each.operator for each in comparisons)
        raise InvalidCriterionError(f"'{name}' has the comparisons {given}: one lower and one upper end go together.")
    low, high = lower[0], upper[0]
    strict = low.operator in _STRICT or high.operator in _STRICT
    if low.operand > high.operand or (strict and low.operand == high.operand):
        raise InvalidCriterionError(
            f"'{name}' has a range from {low.operand} to {high.operand}, in which no value lies."
        )


def _plain(name: str, value: Any, column: Column) -> Filter:
    """The filter of plain values, by the rules that hold for observations, too."""
    if column.kind is Kind.BYTE:
        column = replace(column, type_name="int")
    return build_criteria({name: value}, {name: replace(column, name=name)}).filters[0]


def _column(name: str, columns: Columns) -> Column:
    """The column of a criterion."""
    column = find_column(name, columns)
    if column is None or not column.shown:
        raise unknown_filter(name, columns)
    return column


# -- for Mashup ----------------------------------------------------------------------------------------------------


def mashup_criteria(criteria: Mapping[str, Any], columns: Columns) -> Criteria:
    """Return the filters of a Mashup service.

    Parameters
    ----------
    criteria : mapping
        Column name, whatever the case → what is wanted there.
    columns : mapping
        The columns of the catalogue.

    Returns
    -------
    Criteria

    Raises
    ------
    InvalidCriterionError
        If a column is unknown, or a value cannot be applied to it.
    """
    wanted = {}
    for name, value in criteria.items():
        comparisons = read_comparisons(name, value, _column(name, columns))
        wanted[name] = as_values(name, comparisons, columns) if comparisons else value
    return build_criteria(wanted, columns)


def as_values(name: str, comparisons: Sequence[Comparison], columns: Columns) -> Any:
    """Return the value that stands for comparisons where there are no operators.

    Parameters
    ----------
    name : str
        The criterion.
    comparisons : sequence of Comparison
        At least one.
    columns : mapping
        The columns.

    Returns
    -------
    object
        As `~astroquery_mast.query.filters.build_criteria` takes it.

    Raises
    ------
    InvalidCriterionError
        If there is none.
    """
    first = comparisons[0]
    match first.operator:
        case "neq":
            raise InvalidCriterionError(f"'{name}' excludes {first.operand!r}, which the service cannot.")
        case "eq" | "like":
            return first.operand
        case "contains":
            return f"*{first.operand}*"
    whole = _column(name, columns).kind is Kind.INTEGER
    return {("min" if each.operator in _LOWER else "max"): _inclusive(each, whole) for each in comparisons}


def _inclusive(comparison: Comparison, whole: bool) -> float:
    """The end of a range, to which it belongs, for one to which it does not: the next number there is."""
    number = comparison.operand
    if comparison.operator not in _STRICT:
        return float(number)
    upwards = comparison.operator == "gt"
    if whole:
        return float(math.floor(number) + 1 if upwards else math.ceil(number) - 1)
    return float(np.nextafter(number, math.inf if upwards else -math.inf))


# -- for Catalogs.MAST ---------------------------------------------------------------------------------------------


def catalogs_mast_filters(criteria: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """Return the parameters of Catalogs.MAST, all of which a row must meet.

    Parameters
    ----------
    criteria, columns : mapping
        As `mashup_criteria`.

    Returns
    -------
    dict
        ``column`` → a value or a list of values, of which a row must have one; ``column.operator`` → a value.

    Raises
    ------
    InvalidCriterionError
        As `mashup_criteria`.
    """
    found: dict[str, Any] = {}
    for name, value in criteria.items():
        column = _column(name, columns)
        comparisons = read_comparisons(name, value, column)
        if comparisons:
            found.update({_parameter(column.name, each.operator): each.operand for each in comparisons})
        else:
            found.update(_parameters(name, _plain(name, value, column), column))
    return found


def _parameter(column: str, operator: str) -> str:
    return column if operator == "eq" else f"{column}.{operator}"


def _parameters(name: str, plain: Filter, column: Column) -> dict[str, Any]:
    """The parameters for plain values: exact ones, a pattern, or a range."""
    if plain.ranges:
        if len(plain.ranges) > 1:
            raise InvalidCriterionError(f"'{name}' has {len(plain.ranges)} ranges, and the service takes one.")
        low, high = plain.ranges[0]
        if low == high:
            return {column.name: low}
        ends = {"gte": low, "lte": high}
        return {_parameter(column.name, key): end for key, end in ends.items() if abs(end) != OPEN_END}
    if plain.free_text:
        if plain.values or column.kind in _NUMERIC:
            raise InvalidCriterionError(f"'{name}' has a pattern, which only text has, and no other value beside it.")
        return {_parameter(column.name, "like"): plain.free_text}
    values = [int(text) if column.kind in _NUMERIC and _WHOLE.fullmatch(text) else text for text in plain.values]
    return {column.name: values[0] if len(values) == 1 else values}
