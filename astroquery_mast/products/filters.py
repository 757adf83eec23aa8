"""The syntax of product filters, and the selection of rows of a product table.

In: a product table and the filters of a call.  Out: a new table with the rows that pass all filters, in their order.
Part of the product flow, between "listing" and "plan".

==============================  ============================================================================
filter                          matches
==============================  ============================================================================
``productType="SCIENCE"``       text, not case-sensitive
``obs_id="jw01*_nrs1"``         ``*`` matches any characters; there are no other wildcards
``calib_level=[2, 3]``          any of the values (list, tuple, set, array, column)
``size=">=1000"``               numbers: ``>=``, ``<=``, ``>``, ``<``
``size="1e3..1e6"``             an inclusive range; either limit may be omitted
``size=10 * u.kB``              a quantity, converted to the unit of the column
``productType="!PREVIEW"``      any other value; several negated values exclude all of them
``size=["<9000", "!14400"]``    any of the positive values, except the negated ones
``size=lambda column: ...``     rows for which the function returns True
``productType=[]``              nothing
``extension="!_drc.fits"``      file names that do not end with this
==============================  ============================================================================

A tuple of two numbers is a list of two values; a range is written ``"lo..hi"``.  A missing (masked) value does not
match a positive condition and passes a negated one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from astropy import units as u
from astropy.table import Table
from numpy.typing import NDArray

from ..exceptions import InvalidCriterionError
from ..query.conditions import NUMBER, Comparison, Condition, split_text
from ..query.values import (
    as_members,
    as_unicode,
    is_missing,
    refuse_lost_digits,
    refuse_missing,
    wildcard_test,
    without_rounding_error,
)
from ..tables.columns import Column
from ..tables.rows import TRUTHS
from .listing import product_column

Mask: TypeAlias = NDArray[np.bool_]

# The productGroupDescription of the products that most users need.
MINIMUM_RECOMMENDED = "Minimum Recommended Products"
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "gte": operator.ge,
    "lte": operator.le,
    "gt": operator.gt,
    "lt": operator.lt,
}
_INFINITE = frozenset({"inf", "+inf", "-inf"})


# -- columns of a table --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cells:
    """A column prepared for conditions."""

    name: str
    kind: str
    values: NDArray[Any]
    missing: Mask
    unit: u.UnitBase | None = None


def cells_of(name: str, column: Any) -> Cells:
    """Prepare a column for conditions."""
    array = np.ma.asarray(column)
    missing = np.ma.getmaskarray(array).copy()
    if array.dtype.kind in "iuf":
        # Sizes are in bytes even if the table has no units, for example after reading it from CSV.
        unit = getattr(column, "unit", None) or (u.byte if name == "size" else None)
        return Cells(name, "number", array.data, missing, unit)
    if array.dtype.kind == "b":
        return Cells(name, "boolean", array.data, missing)
    cells = array.data.tolist()
    if array.dtype.kind == "O":
        missing |= np.fromiter(map(is_missing, cells), dtype=bool, count=len(cells))
    values = np.empty(len(cells), dtype=object)
    values[:] = [_folded(cell) for cell in cells]
    return Cells(name, "text", values, missing)


def _folded(cell: object) -> str:
    """Return a cell as casefolded text; tables read from FITS or HDF5 may have bytes."""
    return str(as_unicode(cell)).casefold()


# -- parsing -------------------------------------------------------------------------------------------------------


def read_filter(given: Any, cells: Cells) -> Condition:
    """Return the condition for a filter of a column."""
    if isinstance(given, Mapping):
        raise InvalidCriterionError(
            f"The filter for column '{cells.name}' must be a value or a list of values, got a mapping."
        )
    if isinstance(given, np.ndarray) and given.ndim > 1:
        given = given.ravel()
    read = {"number": _number, "boolean": _boolean, "text": _text}[cells.kind]
    alternatives, excluded = [], []
    for member in as_members(cells.name, given, empty=True):
        refuse_missing(cells.name, member)
        value = _plain(member)
        if isinstance(value, str) and value.startswith("!"):
            excluded.append(read(value[1:], cells))
        else:
            alternatives.append(read(value, cells))
    return Condition(cells.name, Column(cells.name), tuple(alternatives), tuple(excluded))


def _plain(value: Any) -> Any:
    """Return a value as a Python object."""
    if isinstance(value, np.generic | np.ndarray) and value.ndim == 0 and not isinstance(value, u.Quantity):
        value = value.item()
    return as_unicode(value)


def _number(value: Any, cells: Cells) -> tuple[Comparison, ...]:
    """Return the comparisons for a filter value of a numeric column."""
    if isinstance(value, u.Quantity):
        return _equal_quantity(value, cells)
    if isinstance(value, int | float):
        return (Comparison("eq", value),)
    # Only strings: the text of other objects, such as a time, may look like a number.
    found = _compared_numbers(value) if isinstance(value, str) else ()
    if not found:
        raise InvalidCriterionError(
            f"Could not parse numeric filter {value!r} for column '{cells.name}'. Use a number, a comparison "
            "such as '>=10', a range such as '10..20' or '10..', or a list of these."
        )
    if found[0].operand > found[-1].operand:
        raise InvalidCriterionError(
            f"The filter {value!r} for column '{cells.name}' is an empty range (minimum > maximum)."
        )
    return found


def _compared_numbers(text: str) -> tuple[Comparison, ...]:
    """Parse comparisons with numbers; empty if the text is not valid."""
    parts = split_text(text)
    found = [Comparison(each, _exact(operand)) for each, operand in ([("eq", text)] if parts is None else parts)]
    return () if any(each.operand is None for each in found) else tuple(found)


def _exact(text: str) -> int | float | None:
    """Parse a number; integers stay exact because identifiers may have 19 digits."""
    text = text.strip()
    if text.lower() in _INFINITE:
        return float(text)
    if not NUMBER.fullmatch(text):
        return None
    try:
        return int(text)
    except ValueError:
        return float(text)


def _equal_quantity(quantity: u.Quantity, cells: Cells) -> tuple[Comparison, ...]:
    """Return the comparisons for a quantity in the unit of the column, within the rounding error of the conversion."""
    try:
        number = float(quantity.to_value(cells.unit or u.dimensionless_unscaled))
    except (u.UnitConversionError, TypeError, ValueError) as err:
        raise InvalidCriterionError(f"The filter {quantity!r} for column '{cells.name}' is not valid: {err}.") from err
    low, high = (without_rounding_error(number, side) for side in (-1, 1))
    return (Comparison("eq", low),) if low == high else (Comparison("gte", low), Comparison("lte", high))


def _boolean(value: Any, cells: Cells) -> tuple[Comparison, ...]:
    """Return the comparison for a filter value of a boolean column."""
    wanted = TRUTHS.get(str(value).strip().casefold())
    if wanted is None:
        raise InvalidCriterionError(
            f"The filter for the boolean column '{cells.name}' must be True or False, got {value!r}."
        )
    return (Comparison("eq", wanted),)


def _text(value: Any, cells: Cells) -> tuple[Comparison, ...]:
    """Return the comparison for a filter value of a text column: equality that ignores case, or a pattern."""
    refuse_lost_digits(cells.name, value)
    if isinstance(value, float) and value.is_integer():
        # pandas converts identifiers to floats: 123.0 is the text '123'.
        value = int(value)
    if not isinstance(value, str | int | float):
        raise InvalidCriterionError(
            f"The filter for column '{cells.name}' must be a string, a number, or a list of these, got "
            f"{value!r} ({type(value).__name__})."
        )
    wanted = str(value).casefold()
    return (Comparison("pattern" if "*" in wanted else "eq", wanted),)


# -- masks ---------------------------------------------------------------------------------------------------------


def condition_mask(condition: Condition, cells: Cells) -> Mask:
    """Return which cells match a condition."""
    if not condition.alternatives and not condition.excluded:
        return np.zeros(len(cells.values), dtype=bool)
    passed = np.ones(len(cells.values), dtype=bool)
    if condition.alternatives:
        met = [_meets(comparisons, cells.values) for comparisons in condition.alternatives]
        passed = np.logical_or.reduce(met) & ~cells.missing
    for comparisons in condition.excluded:
        passed &= ~_meets(comparisons, cells.values) | cells.missing
    return passed


def _meets(comparisons: Sequence[Comparison], values: NDArray[Any]) -> Mask:
    """Return which values match all comparisons."""
    met: Mask = np.logical_and.reduce([_compared(each, values) for each in comparisons])
    return met


def _compared(comparison: Comparison, values: NDArray[Any]) -> Mask:
    """Return which values match one comparison."""
    wanted = comparison.operand
    if values.dtype.kind != "O":
        return np.asarray(_OPERATORS[comparison.operator](values, wanted))
    tests: Mapping[str, Callable[[str], object]] = {
        "eq": wanted.__eq__,
        "pattern": wildcard_test(wanted),
        "ends": lambda text: text.endswith(wanted),
    }
    test = tests[comparison.operator]
    return np.fromiter((bool(test(text)) for text in values), dtype=bool, count=len(values))


def _called(name: str, column: Any, wanted: Callable[[Any], object]) -> Mask:
    """Return the result of a filter function for each row; masked results are False."""
    answer: Any = np.ma.asarray(wanted(column))
    if answer.shape != (len(column),) or answer.dtype.kind != "b":
        raise InvalidCriterionError(
            f"The filter function for column '{name}' must return one boolean per row ({len(column)}), but "
            f"returned {answer.dtype} of shape {answer.shape}."
        )
    return np.asarray(answer.filled(False))


def filter_mask(products: Table, filters: Mapping[str, object]) -> Mask:
    """Return which rows pass all filters; the docstring of the module describes their syntax."""
    passed = np.ones(len(products), dtype=bool)
    for name, wanted in filters.items():
        column = product_column(products, name)
        if callable(wanted):
            passed &= _called(name, column, wanted)
        else:
            cells = cells_of(name, column)
            passed &= condition_mask(read_filter(wanted, cells), cells)
    return passed


def extension_mask(names: Any, extension: str | Iterable[str]) -> Mask:
    """Return which file names have one of the endings (not case-sensitive), and none of those negated with ``!``."""
    endings = as_members("extension", extension, empty=True)
    if not all(isinstance(ending, str) for ending in endings):
        raise InvalidCriterionError(
            f"extension must be a string such as 'fits' or '_uncal.fits', or a list of strings, got {extension!r}."
        )
    condition = Condition(
        "extension",
        Column("extension"),
        tuple((_ending(ending),) for ending in endings if not ending.startswith("!")),
        tuple((_ending(ending[1:]),) for ending in endings if ending.startswith("!")),
    )
    return condition_mask(condition, cells_of("extension", names))


def _ending(text: str) -> Comparison:
    # "*.fits" can only mean ".fits"
    return Comparison("ends", str(text).removeprefix("*").casefold())


def filter_products(
    products: Table,
    *,
    mrp_only: bool = False,
    extension: str | Iterable[str] | None = None,
    **filters: object,
) -> Table:
    """Return a new table of the products that pass all filters, in their order."""
    passed = filter_mask(products, filters)
    if mrp_only:
        passed &= filter_mask(products, {"productGroupDescription": MINIMUM_RECOMMENDED})
    if extension is not None:
        passed &= extension_mask(product_column(products, "productFilename"), extension)
    return products[passed]
