"""The conditions of a mission search: what a column's values must be.

In: a column and the value of its condition (``"STIS,ACS"``, ``"!COS"``, ``">0"``, ``"1000..2000"``, ``"*GAL*"``, or a
number). Out: a test of one value. Alternatives are OR-ed, negations AND-ed; null passes neither.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from .archive.mission import MissionColumn, Value
from .missionrequest import MissionError

__all__ = ["Test", "condition", "folded"]

Test = Callable[[Value], bool]
_Comparison = Callable[[Any, Any], bool]

_COMPARISONS: dict[str, _Comparison] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_COMPARED = re.compile(r"(>=|<=|>|<)\s*(.*)$")
_DATE = re.compile(r"(\d{4})(-\d\d)?(-\d\d)?(?:[T ](\d\d)(:\d\d)?(:\d\d)?(\.\d+)?)?$")
_WORDS = {"true": 1.0, "false": 0.0}


def condition(column: MissionColumn, value: object) -> Test | None:
    """Return the test of a column's condition; None for blank text, which is no condition."""
    if not isinstance(value, str | int | float):
        raise MissionError(f"The condition of {column.name} must be text or a number, not {value!r}.")
    terms = [term.strip() for term in str(value).split(",") if term.strip()]
    if not terms:
        return None
    wanted = [_test(column, term) for term in terms if not term.startswith("!")]
    unwanted = [_test(column, term[1:].strip()) for term in terms if term.startswith("!")]

    def passes(cell: Value) -> bool:
        if cell is None:
            return False
        one = not wanted or any(test(cell) for test in wanted)
        return one and not any(test(cell) for test in unwanted)

    return passes


def folded(value: Value) -> Value:
    """Return text as it is compared: without regard to case and to blanks at its end."""
    return value.rstrip().casefold() if isinstance(value, str) else value


def _test(column: MissionColumn, term: str) -> Test:
    if column.qual_type in {"integer", "float", "ra", "dec", "boolean"}:
        return _comparing(column, term, _number, float)
    if column.qual_type == "datetime":
        return _dated(column, term)
    if "*" in term:
        pattern = re.compile(".*".join(re.escape(part) for part in term.casefold().split("*")), re.DOTALL)
        return lambda cell: pattern.fullmatch(str(folded(cell))) is not None
    if column.qual_type == "substring" and not _COMPARED.match(term):
        return lambda cell: term.casefold() in str(folded(cell))
    return _comparing(column, term, lambda _, text: text.casefold(), folded)


def _comparing(
    column: MissionColumn, term: str, read: Callable[[MissionColumn, str], Any], prepare: Callable[[Any], Any]
) -> Test:
    """A comparison, a range that holds its ends, or equality; ``read`` reads terms, ``prepare`` the column's values."""
    compared = _COMPARED.match(term)
    if compared:
        compare, bound = _COMPARISONS[compared[1]], read(column, compared[2])
        return lambda cell: compare(prepare(cell), bound)
    first, dots, last = term.partition("..")
    if dots:
        low, high = read(column, first.strip()), read(column, last.strip())
        return lambda cell: bool(low <= prepare(cell) <= high)
    exact = read(column, term)
    return lambda cell: bool(prepare(cell) == exact)


def _number(column: MissionColumn, text: str) -> float:
    if column.qual_type == "boolean" and text.casefold() in _WORDS:
        return _WORDS[text.casefold()]
    try:
        number = float(text)
    except ValueError as err:
        raise MissionError(f"{column.name} is a number; {text!r} is none.") from err
    if not math.isfinite(number):
        raise MissionError(f"{column.name} cannot be {text!r}.")
    return number


def _dated(column: MissionColumn, term: str) -> Test:
    """Dates: a bare one means the whole of its year, month, day, and so on; in comparisons it means its beginning."""
    if _COMPARED.match(term) or ".." in term:
        return _comparing(column, term, _moment, lambda cell: _without_zeros(str(cell)))
    _moment(column, term)
    beginning = term.replace(" ", "T")
    return lambda cell: str(cell).startswith(beginning)


def _moment(column: MissionColumn, text: str) -> str:
    """ISO date and time, completed, so that the order of texts is that of times."""
    parts = _DATE.match(text)
    if parts is None:
        raise MissionError(f"{column.name} is a date; {text!r} is none.")
    year, month, day, hour, minute, second, fraction = parts.groups()
    whole = f"{year}{month or '-01'}{day or '-01'}T{hour or '00'}{minute or ':00'}{second or ':00'}"
    try:
        datetime.fromisoformat(whole)
    except ValueError as err:
        raise MissionError(f"{column.name} is a date; {text!r} is none.") from err
    return _without_zeros(whole + (fraction or ""))


def _without_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
