"""The words of the product filter language: one value given by a user becomes one test of a column's cells.

In: a value such as ``"!PREVIEW"``, ``"*_flc*"``, ``">=10"``, ``"1e3..1e6"`` or ``3``, and the column it is meant for.
Out: a frozen `Condition`, which answers for every cell of the column at once.  Products flow, step "filters".
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from numpy.typing import NDArray

from ..exceptions import InvalidCriterionError

__all__ = ["Cells", "Condition", "as_values", "cells_of", "combine", "read_condition"]

_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf"
# One of the ends may be left out; "1..." is more likely a slip.
_RANGE = re.compile(rf"\s*(?=.*\w)(?!.*\.\.\.\s*$)({_NUMBER})?\s*\.\.\s*({_NUMBER})?\s*", re.IGNORECASE)
_COMPARISON = re.compile(rf"\s*(>=|<=|>|<)\s*({_NUMBER})\s*", re.IGNORECASE)
_SINGLE = re.compile(rf"\s*({_NUMBER})\s*", re.IGNORECASE)
_BOOLEANS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True)
class Cells:
    """A column as conditions see it."""

    name: str
    kind: str
    values: NDArray[Any]
    missing: NDArray[np.bool_]
    unit: u.UnitBase | None = None


@dataclass(frozen=True)
class Condition:
    """One value of a filter."""

    test: Callable[[NDArray[Any]], NDArray[np.bool_]]
    negated: bool = False


def _is_missing(cell: object) -> bool:
    """Tell whether a cell of an object column stands for no value: None, a mask, or pandas' NaN."""
    return cell is None or cell is np.ma.masked or (isinstance(cell, float) and math.isnan(cell))


def _folded(cell: object) -> str:
    """A cell as text that ignores case; bytes come from tables read from FITS or HDF5."""
    text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
    return text.casefold()


def cells_of(name: str, column: Any) -> Cells:
    """Prepare a column for conditions."""
    array = np.ma.asarray(column)
    missing = np.ma.getmaskarray(array).copy()
    if array.dtype.kind in "iuf":
        # Sizes are bytes also where a table has lost its units, as one that was read from CSV.
        unit = getattr(column, "unit", None) or (u.byte if name == "size" else None)
        return Cells(name, "number", array.data, missing, unit)
    if array.dtype.kind == "b":
        return Cells(name, "boolean", array.data, missing)
    cells = array.data.tolist()
    if array.dtype.kind == "O":
        missing |= np.fromiter(map(_is_missing, cells), dtype=bool, count=len(cells))
    values = np.empty(len(cells), dtype=object)
    values[:] = [_folded(cell) for cell in cells]
    return Cells(name, "text", values, missing)


def as_values(name: str, given: object) -> list[object]:
    """The values of a filter, one by one."""
    if isinstance(given, Mapping):
        raise InvalidCriterionError(f"The filter for column '{name}' is a mapping: give a value or a list of values.")
    return [_plain_value(name, member) for member in _members(given)]


def _members(given: object) -> Iterable[object]:
    """Whatever was given, one by one."""
    if isinstance(given, u.Quantity):
        return [u.Quantity(number, given.unit) for number in np.ma.asarray(given.value).ravel().tolist()]
    if isinstance(given, np.ndarray):
        # Columns and masked arrays among them; a masked cell becomes None.
        return list(np.ma.asarray(given).ravel().tolist())
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        return [given]
    try:
        return list(given)
    except TypeError:  # a single moment claims to be iterable
        return [given]


def _plain_value(name: str, value: object) -> object:
    """One value as a Python object, or a complaint when it is none."""
    if _is_missing(value):
        raise InvalidCriterionError(
            f"A filter for column '{name}' is {value}, and a missing value matches nothing: "
            "leave the filter out, or give a value."
        )
    if isinstance(value, u.Quantity):
        return value
    if isinstance(value, np.generic | np.ndarray) and value.ndim == 0:
        return _plain_value(name, value.item())
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value


def read_condition(value: object, cells: Cells) -> Condition:
    """Read one value of a filter."""
    negated = isinstance(value, str) and value.startswith("!")
    wanted = value[1:] if negated and isinstance(value, str) else value
    if isinstance(wanted, u.Quantity):
        wanted = _in_unit(wanted, cells)
    readers = {"number": _number_test, "boolean": _boolean_test, "text": _text_test}
    return Condition(readers[cells.kind](wanted, cells.name), negated)


def _in_unit(quantity: u.Quantity, cells: Cells) -> float:
    """A quantity as a number of the column's unit."""
    if cells.kind != "number":
        raise InvalidCriterionError(f"The filter {quantity!r} is for numbers, and column '{cells.name}' holds none.")
    try:
        number = float(quantity.to_value(cells.unit or u.dimensionless_unscaled))
    except (u.UnitConversionError, TypeError, ValueError) as err:
        raise InvalidCriterionError(
            f"The filter {quantity!r} for column '{cells.name}' has no meaning: {err}."
        ) from err
    # 4.1 kB are 4100 bytes, and not 4099.999999999999.
    whole = round(number) if math.isfinite(number) else number
    return whole if math.isclose(number, whole, rel_tol=1e-12) else number


def combine(conditions: Collection[Condition], cells: Cells) -> NDArray[np.bool_]:
    """Apply the conditions of one column."""
    if not conditions:
        return np.zeros(len(cells.values), dtype=bool)
    passed = np.ones(len(cells.values), dtype=bool)
    positive = [condition for condition in conditions if not condition.negated]
    if positive:
        passed = np.logical_or.reduce([condition.test(cells.values) for condition in positive]) & ~cells.missing
    for condition in conditions:
        if condition.negated:
            passed &= ~condition.test(cells.values) | cells.missing
    return passed


def _number(text: str) -> int | float:
    """A number; whole ones stay exact, because identifiers may have 19 digits."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def _number_test(value: object, name: str) -> Callable[[NDArray[Any]], NDArray[np.bool_]]:
    """The test of a numeric column: equality, a comparison, or a closed range."""
    if isinstance(value, int | float):
        return lambda column: np.asarray(column == value)
    # A moment, for instance, has a text that may look like a number.
    text = value if isinstance(value, str) else ""
    if match := _COMPARISON.fullmatch(text):
        compare, bound = _COMPARISONS[match[1]], _number(match[2])
        return lambda column: np.asarray(compare(column, bound))
    if match := _RANGE.fullmatch(text):
        low = -math.inf if match[1] is None else _number(match[1])
        high = math.inf if match[2] is None else _number(match[2])
        if low > high:
            raise InvalidCriterionError(f"The filter {value!r} for column '{name}' is a range in which no number lies.")
        return lambda column: np.asarray((column >= low) & (column <= high))
    if match := _SINGLE.fullmatch(text):
        number = _number(match[1])
        return lambda column: np.asarray(column == number)
    raise InvalidCriterionError(
        f"Could not read the filter {value!r} for the numeric column '{name}': give a number, a comparison as '>=10', "
        "a range as '10..20' or '10..', or a list of these."
    )


def _boolean_test(value: object, name: str) -> Callable[[NDArray[Any]], NDArray[np.bool_]]:
    """The test of a column of booleans."""
    wanted = _BOOLEANS.get(str(value).strip().casefold())
    if wanted is None:
        raise InvalidCriterionError(f"The filter {value!r} for the boolean column '{name}' is neither true nor false.")
    return lambda column: np.asarray(column == wanted)


def _text_test(value: object, name: str) -> Callable[[NDArray[Any]], NDArray[np.bool_]]:
    """The test of a text column: equality without regard to case, or a pattern where ``*`` is any run of characters."""
    if isinstance(value, float) and value.is_integer():
        # The identifiers of a table that went through pandas: 123.0 is the text '123'.
        value = int(value)
    if not isinstance(value, str | int | float):
        raise InvalidCriterionError(
            f"The filter {value!r} for column '{name}' is a {type(value).__name__}: "
            "give text, a number, or a list of these."
        )
    wanted = str(value).casefold()
    if "*" not in wanted:
        return lambda column: np.fromiter((cell == wanted for cell in column), dtype=bool, count=len(column))
    pattern = re.compile(".*".join(map(re.escape, wanted.split("*"))), re.DOTALL)
    return lambda column: np.fromiter(
        (pattern.fullmatch(cell) is not None for cell in column), dtype=bool, count=len(column)
    )
