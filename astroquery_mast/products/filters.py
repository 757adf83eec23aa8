"""The product filter language: which rows of a product table are wanted.

In: a product table and the filters of a call.  Out: a new table with the rows that pass all of them, in their order.
Products flow, between "listing" and "plan".

==============================  ============================================================================
a filter                        matches
==============================  ============================================================================
``productType="SCIENCE"``       text, whatever its case
``obs_id="jw01*_nrs1"``         ``*`` stands for any run of characters; nothing else is special
``calib_level=[2, 3]``          any of the values (list, tuple, set, array, column)
``size=">=1000"``               numbers: ``>=``, ``<=``, ``>``, ``<``
``size="1e3..1e6"``             numbers from the first to the second, both included; either may be left out
``size=10 * u.kB``              a quantity, converted to the unit of the column
``productType="!PREVIEW"``      everything else; several negations rule out all of their values
``size=["<9000", "!14400"]``    (any of the positive values) and none of the negated ones
``size=lambda column: ...``     where the function returns True
``productType=[]``              nothing
``extension="!_drc.fits"``      file names that do not end so
==============================  ============================================================================

A tuple of two numbers is two values, as a list is; the range is written ``"lo..hi"``.  A missing (masked) cell meets no
positive condition, and passes a negated one: it is not the value that is ruled out.
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

# What the archive writes into productGroupDescription for the products that most people want.
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
    """A column as conditions see it."""

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
        # Sizes are bytes also where a table has lost its units, as one that was read from CSV.
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
    """A cell as text that ignores case; bytes come from tables read from FITS or HDF5."""
    return str(as_unicode(cell)).casefold()


# -- reading -------------------------------------------------------------------------------------------------------


def read_filter(given: Any, cells: Cells) -> Condition:
    """Return the condition that a filter of a column stands for."""
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
    """One value as a Python object."""
    if isinstance(value, np.generic | np.ndarray) and value.ndim == 0 and not isinstance(value, u.Quantity):
        value = value.item()
    return as_unicode(value)


def _number(value: Any, cells: Cells) -> tuple[Comparison, ...]:
    """The comparisons that a value of a numeric column stands for."""
    if isinstance(value, u.Quantity):
        return _equal_quantity(value, cells)
    if isinstance(value, int | float):
        return (Comparison("eq", value),)
    # A moment, for instance, has a text that may look like a number.
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
    """The comparisons with numbers that a text spells; empty if it cannot be read."""
    parts = split_text(text)
    found = [Comparison(each, _exact(operand)) for each, operand in ([("eq", text)] if parts is None else parts)]
    return () if any(each.operand is None for each in found) else tuple(found)


def _exact(text: str) -> int | float | None:
    """A number; integers stay exact, because identifiers may have 19 digits."""
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
    """The numbers of the column's unit that a quantity may stand for, within the error of the conversion."""
    try:
        number = float(quantity.to_value(cells.unit or u.dimensionless_unscaled))
    except (u.UnitConversionError, TypeError, ValueError) as err:
        raise InvalidCriterionError(f"The filter {quantity!r} for column '{cells.name}' is not valid: {err}.") from err
    low, high = (without_rounding_error(number, side) for side in (-1, 1))
    return (Comparison("eq", low),) if low == high else (Comparison("gte", low), Comparison("lte", high))


def _boolean(value: Any, cells: Cells) -> tuple[Comparison, ...]:
    """The comparison that a value of a column of booleans stands for."""
    wanted = TRUTHS.get(str(value).strip().casefold())
    if wanted is None:
        raise InvalidCriterionError(
            f"The filter for the boolean column '{cells.name}' must be True or False, got {value!r}."
        )
    return (Comparison("eq", wanted),)


def _text(value: Any, cells: Cells) -> tuple[Comparison, ...]:
    """The comparison that a value of a text column stands for: equality without regard to case, or a pattern."""
    refuse_lost_digits(cells.name, value)
    if isinstance(value, float) and value.is_integer():
        # The identifiers of a table that went through pandas: 123.0 is the text '123'.
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
    """Tell which cells meet a condition."""
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
    """Tell which values meet all the comparisons."""
    met: Mask = np.logical_and.reduce([_compared(each, values) for each in comparisons])
    return met


def _compared(comparison: Comparison, values: NDArray[Any]) -> Mask:
    """Tell which values meet one comparison."""
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
    """What a function given as filter says of each row; a masked answer is no."""
    answer: Any = np.ma.asarray(wanted(column))
    if answer.shape != (len(column),) or answer.dtype.kind != "b":
        raise InvalidCriterionError(
            f"The filter function for column '{name}' must return one boolean per row ({len(column)}), but "
            f"returned {answer.dtype} of shape {answer.shape}."
        )
    return np.asarray(answer.filled(False))


def filter_mask(products: Table, filters: Mapping[str, object]) -> Mask:
    """Tell which rows pass all the filters; see the module's table for what is wanted in each column."""
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
    """Tell which file names end as wanted, whatever their case, or with ``!`` before the ending, do not."""
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
    """Return a new table of the products that pass all the filters, in their order."""
    passed = filter_mask(products, filters)
    if mrp_only:
        passed &= filter_mask(products, {"productGroupDescription": MINIMUM_RECOMMENDED})
    if extension is not None:
        passed &= extension_mask(product_column(products, "productFilename"), extension)
    return products[passed]
