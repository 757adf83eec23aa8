"""The syntax of criteria.

In: a column, and the value that a user gives for it.  Out: a `Condition`.

================================  ==================================================================
value                             meaning
================================  ==================================================================
``"a"``, ``["a", "b"]``           the value, or any of the values; ``*`` and ``%`` match any characters, except
                                  for the asterisk in the name of a star: ``"V* EV Lac"``
``[2, 5]``, ``(None, 5)``         a range of a continuous column, including both ends; None is an open end
``{"min": 2, "max": 5}``          the same
``[[2, 5], [8, 9]]``              any of the ranges
``">=2"``, ``"<10"``, ``"2..5"``  for a numeric column: a comparison, a range; ``"2.."`` has an open end
``("gte", 2)``                    the same with the operators of Catalogs.MAST; see `OPERATORS`
``[("gte", 2), ("lt", 5)]``       all of the comparisons
``"!x"``, ``("neq", "x")``        any other value; in a list, any of the plain values and none of the negated ones
================================  ==================================================================

Values are converted to the unit of the column.  A criterion is never ignored: values that are not valid for the column
raise `InvalidCriterionError` here, and conditions that a service does not support raise it where they are written for
the service: `astroquery_mast.query.filters`, `astroquery_mast.missions.conditions`, `astroquery_mast.products.filters`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from astropy import units as u
from astropy.time import Time

from ..exceptions import InputWarning, InvalidCriterionError, UnsupportedCriterionError
from ..tables.columns import Column, Kind
from ..warn import warn_user
from .values import (
    OUTWARD,
    WHOLE,
    as_integer,
    as_members,
    as_number,
    as_text,
    has_wildcards,
    is_integer,
    is_spectral,
    members_of,
    refuse_lost_digits,
    sign_of_infinity,
    turned_ranges,
)

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
"""The operators of Catalogs.MAST, two of which have two names."""

LOWER_ENDS, UPPER_ENDS = frozenset({"gte", "gt"}), frozenset({"lte", "lt"})
"""The operators for the lower and the upper end of a range."""

# The operators for wavelengths that correspond to those for frequencies, energies or wavenumbers.
_MIRRORED = {"gte": "lte", "gt": "lt", "lte": "gte", "lt": "gt"}

NUMERIC_KINDS = frozenset({Kind.FLOAT, Kind.INTEGER, Kind.BYTE})
"""The kinds of columns that contain numbers."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
NUMBER = re.compile(_NUMBER, re.IGNORECASE)
"""A finite number written as text."""
_END = rf"({_NUMBER}|[+-]?inf)?"
# One of the ends may be missing; "1..." is more likely a typo.
_RANGE = re.compile(rf"\s*(?!.*\.\.\.\s*$){_END}\s*\.\.\s*{_END}\s*", re.IGNORECASE)
_DATES = re.compile(r"\s*(|[^.](?:.*?[^.])?)\s*\.\.\s*(|[^.](?:.*?[^.])?)\s*")
_COMPARISON = re.compile(r"\s*(>=|<=|>|<|=)\s*(\S.*?)\s*")
_SYMBOLS = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt", "=": "eq"}
_ON_TEXT = frozenset({"like", "contains"})
_PAIR = 2


@dataclass(frozen=True)
class Comparison:
    """One comparison of a column with a value in its unit.

    The operator is one of the values of `OPERATORS`, or "pattern" for text with wildcards.
    """

    operator: str
    operand: Any


@dataclass(frozen=True)
class Condition:
    """A condition on a column: one alternative must match, and none that is excluded; each is a set of comparisons."""

    name: str
    column: Column
    alternatives: tuple[tuple[Comparison, ...], ...] = ()
    excluded: tuple[tuple[Comparison, ...], ...] = ()


# -- syntax that all services share --------------------------------------------------------------------------------


def split_text(text: str) -> list[tuple[str, str]] | None:
    """Return the operators and operands in text such as ">=5" or "2..5", or None if it is a plain value."""
    if symbolic := _COMPARISON.fullmatch(text):
        return [(_SYMBOLS[symbolic[1]], symbolic[2])]
    if ends := _RANGE.fullmatch(text):
        return [(operator, end) for operator, end in (("gte", ends[1]), ("lte", ends[2])) if end is not None]
    return None


# -- reading -------------------------------------------------------------------------------------------------------


def read_condition(name: str, value: Any, column: Column, *, nested: bool = False) -> Condition:
    """Return the condition that a user's value describes.

    ``nested`` is for services that support OR and NOT: each text in a list may be a comparison, one of which must
    match, and comparisons and ranges can be negated.
    """
    if isinstance(value, Iterator):
        value = list(value)
    negated = [member for member in members_of(value) if _is_negation(member)]
    if nested:
        condition = _nested(name, value, column, negated)
    else:
        condition = _with_exclusions(name, value, column, negated) if negated else _read(name, value, column)
    alternatives, excluded = (
        tuple(chain.from_iterable(_turned(comparisons, column) for comparisons in several))
        for several in (condition.alternatives, condition.excluded)
    )
    return replace(condition, alternatives=alternatives, excluded=excluded)


def _is_negation(member: Any) -> bool:
    return isinstance(member, str) and member.startswith("!") and bool(member.strip("!= "))


def _with_exclusions(name: str, value: Any, column: Column, negated: Sequence[str]) -> Condition:
    """The condition for a list with negated values: any of the other values, if any, and none of the negated ones."""
    others = [member for member in members_of(value) if member not in negated]
    asked = others[0] if len(others) == 1 else others
    given = _read(name, asked, column) if others else Condition(name, column)
    operands = [_operand(name, text[1:].lstrip("="), column) for text in negated]
    return replace(given, excluded=(*given.excluded, *((_plain(each),) for each in operands)))


def _nested(name: str, value: Any, column: Column, negated: Sequence[str]) -> Condition:
    """The condition for a service that supports OR and NOT."""
    parts = [_read(name, part, column) for part in _parts(value, column, negated)]
    without = tuple(chain.from_iterable(part.excluded for part in parts))
    if without and len(parts) > 1:
        raise InvalidCriterionError(f"'{name}' combines 'neq' with other values. Put '!' before the value instead.")
    alternatives = chain.from_iterable(part.alternatives for part in parts)
    excluded = (_excluded(name, text[1:].lstrip("="), column) for text in negated)
    return Condition(name, column, tuple(alternatives), (*without, *excluded))


def _parts(value: Any, column: Column, negated: Sequence[str]) -> list[Any]:
    """The parts of a value that are read separately: each member if one is a comparison, or else all together."""
    if isinstance(value, Mapping) or is_operation(value, column):
        return [value]
    wanted = [member for member in members_of(value) if not _is_negation(member)]
    if any(_is_comparison(member, column) for member in wanted):
        return wanted
    whole = [wanted] if negated else [value]
    return whole if wanted or not negated else []


def _is_comparison(member: Any, column: Column) -> bool:
    """Whether a text is a comparison or a range."""
    return isinstance(member, str) and _split(member, column) is not None


def _excluded(name: str, text: str, column: Column) -> tuple[Comparison, ...]:
    """The comparisons in a negated text."""
    return tuple(_from_text(name, text, column)) or (_plain(_operand(name, text, column)),)


def _read(name: str, value: Any, column: Column) -> Condition:
    """The condition, before ranges of right ascension are normalized."""
    comparisons = _comparisons(name, value, column)
    if comparisons:
        return _condition(name, column, comparisons)
    if column.continuous:
        return Condition(name, column, tuple(_ranges(name, value, column)))
    return _discrete(name, value, column)


def _discrete(name: str, value: Any, column: Column) -> Condition:
    """A condition on a discrete column: its values, or a mapping that describes a numeric range."""
    if isinstance(value, Mapping):
        if not holds_numbers(column):
            raise InvalidCriterionError(f"'{name}' is not numeric and accepts no range. List the values instead.")
        return Condition(name, column, (_mapped(name, value, column),))
    texts = dict.fromkeys(as_text(name, member, column) for member in as_members(name, value))
    return Condition(name, column, tuple((_plain(text),) for text in texts))


def _plain(text: str | float) -> Comparison:
    """A comparison with a value; text with wildcards is a pattern."""
    if not isinstance(text, str):
        return Comparison("eq", text)
    return Comparison("pattern" if has_wildcards(text) else "eq", text)


def _condition(name: str, column: Column, comparisons: Sequence[Comparison]) -> Condition:
    """A condition with comparisons that are all required."""
    first = comparisons[0]
    if first.operator == "neq":
        return Condition(name, column, (), ((_plain(first.operand),),))
    if first.operator == "eq" and column.continuous:
        warn_exact(name, first.operand)
    return Condition(name, column, (tuple(comparisons),))


# -- right ascensions ----------------------------------------------------------------------------------------------


def _turned(comparisons: tuple[Comparison, ...], column: Column) -> list[tuple[Comparison, ...]]:
    """The equivalent ranges between 0h and 24h."""
    if [each.operator for each in comparisons] != ["gte", "lte"]:
        return [comparisons]
    ranges = turned_ranges(comparisons[0].operand, comparisons[1].operand, column)
    return [(Comparison("gte", low), Comparison("lte", high)) for low, high in ranges]


# -- comparisons ---------------------------------------------------------------------------------------------------


def _comparisons(name: str, value: Any, column: Column) -> Sequence[Comparison]:
    """The comparisons in a value, which are all required; none if it contains plain values."""
    if not isinstance(value, list | tuple) or is_operation(value, column):
        return _single_comparison(name, value, column)
    if holds_numbers(column) and _has_open_end(value):
        return _pair(name, value[0], value[1], column)
    return _listed_comparisons(name, value, column)


def _listed_comparisons(name: str, value: Sequence[Any], column: Column) -> Sequence[Comparison]:
    """The comparisons in a list, which are all required; none if its members are plain values."""
    members = [_single_comparison(name, member, column) for member in value]
    if any(members) and not all(is_operation(member, column) for member in value):
        raise UnsupportedCriterionError(
            f"'{name}' has a list of comparisons, which is ambiguous. Use one comparison, a range such as "
            '"2..5", or pairs such as [("gte", 2), ("lt", 5)] to apply all of them.'
        )
    found = list(chain.from_iterable(members))
    _refuse_contradiction(name, found)
    return found


def _single_comparison(name: str, value: Any, column: Column) -> Sequence[Comparison]:
    """The comparisons in a text or in a pair of operator and operand; two for a range."""
    if is_operation(value, column):
        return [_operation(name, value[0], value[1], column)]
    if isinstance(value, str):
        return _from_text(name, value, column)
    return ()


def _has_open_end(value: Sequence[Any]) -> bool:
    """Whether two members are a range and not two values, because one of them is None or infinite."""
    return len(value) == _PAIR and any(end is None or sign_of_infinity(end) for end in value)


def is_operation(value: Any, column: Column) -> bool:
    """Return whether a value is a pair of an operator and its operand, rather than two texts or numbers."""
    if not isinstance(value, tuple) or len(value) != _PAIR or not isinstance(value[0], str):
        return False
    operator = value[0].strip().lower()
    misspelled = holds_numbers(column) and operator.isalpha() and not isinstance(value[1], str | None)
    return operator in OPERATORS or misspelled


def _operation(name: str, operator: str, operand: Any, column: Column) -> Comparison:
    """A comparison from an operator of Catalogs.MAST and its operand."""
    known = OPERATORS.get(operator.strip().lower())
    if known is None:
        raise InvalidCriterionError(
            f"'{operator}' is not a valid operator for '{name}'. Valid operators: {', '.join(OPERATORS)}."
        )
    if is_spectral(operand, column):
        known = _MIRRORED.get(known, known)
    if known in _ON_TEXT and holds_numbers(column):
        raise InvalidCriterionError(f"'{name}' is a numeric column: the operator '{operator}' cannot be used.")
    if known in LOWER_ENDS | UPPER_ENDS and not holds_numbers(column):
        raise InvalidCriterionError(
            f"'{name}' is a text column: the operator '{operator}' cannot be used. List the values instead."
        )
    return Comparison(known, _operand(name, operand, column, known))


def _from_text(name: str, text: str, column: Column) -> Sequence[Comparison]:
    """The comparisons in a text; none if it is a plain value."""
    parts = _split(text, column)
    if parts is None:
        return ()
    if len(parts) == 1 and text.lstrip()[0] in "<>=":
        ((operator, operand),) = parts
        return [Comparison(operator, _operand(name, operand, column))]
    ends = dict(parts)
    return _pair(name, ends.get("gte"), ends.get("lte"), column)


def _split(text: str, column: Column) -> list[tuple[str, str]] | None:
    """The operators and operands in a text, where ends of ranges may be dates; None if it is a plain value."""
    parts = split_text(text) if holds_numbers(column) else None
    if parts is None and column.is_time and (dates := _DATES.fullmatch(text)):
        return [(operator, end) for operator, end in (("gte", dates[1]), ("lte", dates[2])) if end]
    return parts


def _operand(name: str, value: Any, column: Column, operator: str = "eq") -> str | int | float:
    """The operand of a comparison, in the unit of the column."""
    if not holds_numbers(column):
        return as_text(name, value, column)
    number = _number(name, value, column, operator)
    if math.isinf(number):
        raise InvalidCriterionError(f"'{name}' cannot be compared with {value!r}. Omit this end of the range.")
    return number


def _number(name: str, value: Any, column: Column, operator: str = "eq") -> int | float:
    """A number in the unit of the column; integers keep all their digits."""
    if column.kind in {Kind.INTEGER, Kind.BYTE}:
        if is_integer(value) or (isinstance(value, str) and WHOLE.fullmatch(value)):
            return as_integer(name, value)
        refuse_lost_digits(name, value)
    return as_number(name, value, column, OUTWARD.get(operator, 0))


def holds_numbers(column: Column) -> bool:
    """Return whether a column is compared with numbers."""
    return column.continuous or column.kind in NUMERIC_KINDS


def _refuse_contradiction(name: str, comparisons: Sequence[Comparison]) -> None:
    """Raise an error if comparisons cannot be combined, or no value can match all of them."""
    if len(comparisons) <= 1:
        return
    low, high = _both_ends(name, comparisons)
    strict = low.operator == "gt" or high.operator == "lt"
    if low.operand > high.operand or (strict and low.operand == high.operand):
        raise InvalidCriterionError(f"'{name}' has an empty range: minimum {low.operand} > maximum {high.operand}.")


def _both_ends(name: str, comparisons: Sequence[Comparison]) -> tuple[Comparison, Comparison]:
    """The lower and the upper end of the range that several comparisons describe."""
    low, high = _first_of(LOWER_ENDS, comparisons), _first_of(UPPER_ENDS, comparisons)
    if low is None or high is None or len(comparisons) > _PAIR:
        given = ", ".join(each.operator for each in comparisons)
        raise InvalidCriterionError(
            f"'{name}' has the comparisons {given}. Only one lower limit and one upper limit can be combined."
        )
    return low, high


def _first_of(operators: Container[str], comparisons: Sequence[Comparison]) -> Comparison | None:
    """The first comparison with one of the given operators."""
    return next((each for each in comparisons if each.operator in operators), None)


# -- ranges of continuous columns ----------------------------------------------------------------------------------


def _ranges(name: str, value: Any, column: Column) -> list[tuple[Comparison, ...]]:
    """The ranges of a continuous column: a pair, several pairs, a mapping with min and max, or one exact value."""
    if isinstance(value, Mapping):
        return [_mapped(name, value, column)]
    if isinstance(value, set | frozenset):
        raise InvalidCriterionError(f"'{name}' is a set, which has no order. Use [minimum, maximum].")
    members = as_members(name, value)
    if all(_is_pair(member) for member in members):
        return list(chain.from_iterable(_ranges(name, member, column) for member in members))
    return [_between(name, members, column)]


def _between(name: str, members: Sequence[Any], column: Column) -> tuple[Comparison, ...]:
    """The range between two values; an exact value if they are equal, or if there is only one."""
    if len(members) == 1:
        return _exactly(name, members[0], column)
    if len(members) > _PAIR:
        raise InvalidCriterionError(
            f"{name} is continuous, and filters based on min and max values: '{name}' has {len(members)} "
            "values. Use [minimum, maximum], or a list of such pairs."
        )
    pair = _pair(name, members[0], members[1], column)
    is_single = len(pair) == _PAIR and pair[0].operand == pair[1].operand
    return (Comparison("eq", pair[0].operand),) if is_single else pair


def _exactly(name: str, value: Any, column: Column) -> tuple[Comparison, ...]:
    """An exact value of a continuous column; for a converted value, a range as wide as the rounding error."""
    low, high = (_number(name, value, column, operator) for operator in ("gte", "lte"))
    if math.isinf(low):
        raise InvalidCriterionError(f"'{name}' is infinite. Use [minimum, maximum] for a range.")
    warn_exact(name, value)
    return (Comparison("eq", low),) if low == high else (Comparison("gte", low), Comparison("lte", high))


def warn_exact(name: str, value: Any, form: str = "[minimum, maximum]") -> None:
    """Warn that an exact value of a continuous column matches hardly any rows."""
    given = f"{len(value)} values were" if isinstance(value, list) and len(value) > 1 else "one value was"
    warn_user(
        f"{name} is continuous, and filters based on min and max values: {given} given, so only rows with "
        f"exactly {value!r} match. Use {form} for a range.",
        InputWarning,
    )


def _is_pair(value: Any) -> bool:
    """Whether a member of a list is itself a range."""
    if isinstance(value, Mapping):
        return True
    if isinstance(value, u.Quantity | Time | np.ndarray):
        return value.ndim > 0
    return isinstance(value, list | tuple)


def _mapped(name: str, ends: Mapping[str, Any], column: Column) -> tuple[Comparison, ...]:
    """The range that a mapping describes, in which one of the ends may be missing."""
    others = sorted(str(key) for key in ends if key not in {"min", "max"})
    if others:
        raise InvalidCriterionError(f"'{name}' has a range with the keys {', '.join(others)}. Use 'min' and 'max'.")
    return _pair(name, ends.get("min"), ends.get("max"), column)


def _pair(name: str, low: Any, high: Any, column: Column) -> tuple[Comparison, ...]:
    """One range; an end that is None or infinite is open."""
    lower, upper = (high, low) if _are_mirrored(low, high, column) else (low, high)
    bottom, top = _end(name, lower, column, "gte", -math.inf), _end(name, upper, column, "lte", math.inf)
    if (bottom, top) == (-math.inf, math.inf):
        raise InvalidCriterionError(f"'{name}' has a range without limits. Omit the criterion.")
    if bottom == math.inf or top == -math.inf or _is_crossed(bottom, top, column):
        raise InvalidCriterionError(f"'{name}' has an empty range: minimum {low!r} > maximum {high!r}.")
    ends = [("gte", bottom), ("lte", top)]
    return tuple(Comparison(operator, end) for operator, end in ends if math.isfinite(end))


def _is_crossed(low: float, high: float, column: Column) -> bool:
    """Whether the lower end of a range is above its upper end."""
    return any(start > end for start, end in turned_ranges(low, high, column))


def _are_mirrored(low: Any, high: Any, column: Column) -> bool:
    """Whether a range of wavelengths is given as frequencies, energies or wavenumbers, and so in reverse order."""
    return all(end is None or is_spectral(end, column) for end in (low, high))


def _end(name: str, value: Any, column: Column, operator: str, open_end: float) -> float:
    """One end of a range; None leaves it open."""
    return open_end if value is None else _number(name, value, column, operator)
