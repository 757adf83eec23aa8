"""Parameters of a Mashup service, read.

In: what the request says. Out: numbers, positions, lists of columns; `ServiceError` for what makes no sense.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from .dataset import Columns, Dataset, ServiceError
from .filters import column_named

__all__ = [
    "Params",
    "check_cone",
    "columns_asked",
    "count_dataset",
    "finite",
    "identifier",
    "is_true",
    "number",
    "whole_number",
]

Params = Mapping[str, object]

#: Digits of the largest bigint.
LONGEST_ID = 18
COUNT_COLUMNS: Columns = (("Column1", "string"),)
EVERYTHING = frozenset({"*", "c.*", "r.*"})


def number(params: Params, name: str, default: float | None = None) -> float:
    """Return a parameter as a float; without a default it must be there."""
    value = params.get(name, default)
    if value is None:
        raise ServiceError(f"The parameter '{name}' is missing.")
    return finite(name, value)


def whole_number(params: Params, name: str, default: int) -> int:
    """Return a parameter as an integer that is not negative."""
    value = number(params, name, default)
    if value < 0 or not value.is_integer():
        raise ServiceError(f"The parameter '{name}' is not a number of things: '{params.get(name)}'.")
    return int(value)


def finite(name: str, value: object) -> float:
    """Return the value of the parameter ``name`` as a float."""
    try:
        parsed = float(str(value))
    except ValueError as error:
        raise ServiceError(f"The parameter '{name}' is not a number: '{value}'.") from error
    if not math.isfinite(parsed):
        raise ServiceError(f"The parameter '{name}' is not a number: '{value}'.")
    return parsed


def identifier(text: str) -> int:
    """Return a number of the database, written in digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_ID):
        raise ServiceError(f"Error converting data type varchar to bigint: '{text}'.")
    return int(text)


def is_true(value: object) -> bool:
    """Return whether a parameter says yes."""
    return str(value).strip().lower() in ("true", "1")


def check_cone(dec: float, radius: float, largest: float = math.inf) -> None:
    """Refuse a cone that is none, or wider than ``largest`` degrees."""
    if not -90 <= dec <= 90:
        raise ServiceError(f"Dec must be between -90 and 90 degrees, not {dec}.")
    if radius < 0:
        raise ServiceError(f"Radius must not be negative, but is {radius}.")
    if radius > largest:
        raise ServiceError(f"Radius must not be larger than {largest:g} degrees, but is {radius}.")


def columns_asked(params: Params, known: Columns, default: str | None = None) -> Columns | None:
    """Return the columns asked for, in the order of the service; None where a count is."""
    asked = params.get("columns", default)
    if not isinstance(asked, str) or not asked.strip():
        raise ServiceError("The parameter 'columns' is missing.")
    if asked.replace(" ", "").upper() == "COUNT_BIG(*)":
        return None
    if asked.strip() in EVERYTHING:
        return known
    names = (name.strip().removeprefix("c.").removeprefix("r.") for name in asked.split(","))
    wanted = {column_named(name, known)[0] for name in names}
    return tuple(column for column in known if column[0] in wanted)


def count_dataset(count: object) -> Dataset:
    """Return the answer to a count: a number in a column that is declared as text."""
    return Dataset(COUNT_COLUMNS, [(count,)])
