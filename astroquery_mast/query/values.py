"""Values of continuous columns: whatever astronomers compute with, as the plain number that the archive compares.

In: a number, text, `~astropy.units.Quantity`, `~astropy.time.Time`, `datetime.datetime` or numpy scalar.  Out: a float
in the unit of the column.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import numpy as np
from astropy import units as u
from astropy.time import Time

from ..exceptions import InvalidCriterionError
from .columns import Column

__all__ = ["as_number"]


def as_number(name: str, value: Any, column: Column) -> float:
    """Return a value as the number in which the archive holds the column.

    Parameters
    ----------
    name : str
        The criterion, for messages.
    value : object
        A number, numeric text, `~astropy.units.Quantity`, and for columns of times also `~astropy.time.Time`,
        `~datetime.datetime`, or a date as text (UTC, as the archive's own Modified Julian Dates).
    column : Column
        The column.

    Returns
    -------
    float
        May be infinite, never NaN.

    Raises
    ------
    InvalidCriterionError
        If the value has no meaning for the column.
    """
    number = _number(name, value, column)
    if math.isnan(number):
        raise InvalidCriterionError(f"'{name}' is not a number (NaN): no row could match.")
    return number


def _number(name: str, value: Any, column: Column) -> float:
    if isinstance(value, Time):
        return _mjd(name, value, column)
    if isinstance(value, date | datetime):
        return _mjd(name, Time(datetime(*value.timetuple()[:6]) if type(value) is date else value), column)
    if isinstance(value, u.Quantity):
        return _in_column_unit(name, value, column)
    if isinstance(value, str):
        return _from_text(name, value, column)
    if value is np.ma.masked or isinstance(value, bool | np.bool_):
        raise InvalidCriterionError(f"'{name}' needs a number; {value!r} is none.")
    try:
        return float(value)
    except (TypeError, ValueError) as err:
        raise InvalidCriterionError(f"'{name}' needs a number; {value!r} (a {type(value).__name__}) is none.") from err


def _mjd(name: str, moment: Time, column: Column) -> float:
    """A moment as a Modified Julian Date, UTC."""
    if not column.is_time:
        raise InvalidCriterionError(f"'{name}' is not a time; {moment!r} cannot be compared with it.")
    if moment.size != 1 or np.any(moment.mask):
        raise InvalidCriterionError(f"'{name}' needs one moment for each end of the range; {moment!r} is not one.")
    return float(moment.reshape(()).utc.mjd)


def _in_column_unit(name: str, quantity: u.Quantity, column: Column) -> float:
    """A quantity in the column's unit; a bare number of the column's unit is meant where it has none."""
    unit = column.astropy_unit or u.dimensionless_unscaled
    try:
        return float(quantity.to_value(unit))
    except u.UnitConversionError as err:
        raise InvalidCriterionError(
            f"'{name}' is in {unit or 'no unit'}; {quantity} cannot be converted to it."
        ) from err
    except TypeError as err:
        raise InvalidCriterionError(
            f"'{name}' needs one quantity for each end of the range, not {quantity!r}."
        ) from err


def _from_text(name: str, text: str, column: Column) -> float:
    """A number written as text, or a date where the column is a time."""
    try:
        return float(text)
    except ValueError:
        pass
    if column.is_time:
        try:
            return float(Time(text).utc.mjd)
        except ValueError as err:
            raise InvalidCriterionError(
                f"'{name}' needs a date or a Modified Julian Date; {text!r} is neither."
            ) from err
    raise InvalidCriterionError(f"'{name}' needs a number; {text!r} is none.")
