"""What values there are: the archive's counts, or a column's own values → tables for the reader.

In: the decoded answer of ``Mast.Caom.All``, or values and how often each occurs.  Out: tables of values and of columns.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from astropy.table import MaskedColumn, Table

from ..exceptions import InvalidResponseError
from ..tables.columns import Column, Columns, Kind

__all__ = ["Ranges", "column_table", "counted", "ranges_of", "value_table"]

Ranges = Mapping[str, tuple[float, float]]
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def ranges_of(document: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Read the ranges of continuous columns from the answer of a ``...All`` service."""
    found = {}
    try:
        for column in document["data"]["Tables"][0]["Columns"]:
            histogram = (column.get("ExtendedProperties") or {}).get("histObj") or {}
            if histogram.get("type") != "numeric":
                continue
            low, high = float(histogram["min"]), float(histogram["max"])
            if math.isfinite(low) and math.isfinite(high):
                found[str(column["dataIndex"])] = low, high
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError) as err:
        raise InvalidResponseError("The archive's list of ranges is unreadable.") from err
    return found


def counted(values: Iterable[tuple[Any, int]], column: Column) -> dict[Any, int]:
    """Return how often each value of a discrete column occurs."""
    counts: Counter[Any] = Counter()
    for cell, number in values:
        text = str(cell)
        for token in text.split(column.separator) if column.separator else [text]:
            if token.strip():
                counts[_value(token.strip(), column)] += int(number)
    # Values that should be numbers and are none come last.
    ordered = sorted(counts.items(), key=lambda item: (-item[1], isinstance(item[0], str), item[0]))
    return dict(ordered)


def _value(text: str, column: Column) -> Any:
    """A value as what the column holds."""
    if column.kind is Kind.BOOLEAN:
        return _TRUTH.get(text.lower(), text)
    if column.kind is not Kind.INTEGER:
        return text
    try:
        return int(text)
    except ValueError:
        return text


def value_table(counts: Mapping[Any, int], column: Column) -> Table:
    """Return values and their counts as a table."""
    values = list(counts)
    if len({type(value) for value in values}) != 1:
        values = [str(value) for value in values]
    kinds: dict[Kind | None, type] = {Kind.INTEGER: np.int64, Kind.BOOLEAN: np.bool_}
    kind = kinds.get(column.kind, np.str_) if not values else None
    number = np.fromiter(counts.values(), dtype=np.int64, count=len(counts))
    about = column.description or column.label
    return Table(
        [
            MaskedColumn(np.array(values, dtype=kind), name="value", description=f"{column.name}: {about}"),
            MaskedColumn(number, name="count", description="Number of observations"),
        ],
        masked=True,
        copy=False,
    )


def column_table(columns: Columns, counts: Mapping[str, Mapping[Any, int]], ranges: Ranges) -> Table:
    """Return the columns with the extent of their values as a table."""
    shown = [column for column in columns.values() if column.shown]
    known = [counts.get(column.name) for column in shown]
    spans = [ranges.get(column.name) for column in shown]
    number = np.ma.MaskedArray([len(each or ()) for each in known], mask=[each is None for each in known], dtype=int)
    ends = np.ma.MaskedArray([each or (np.nan, np.nan) for each in spans], dtype=float)
    ends.mask = np.array([[each is None] * 2 for each in spans])
    return Table(
        [
            MaskedColumn([column.name for column in shown], name="name", description="Name of the column"),
            MaskedColumn([column.kind.value if column.kind else "" for column in shown], name="kind"),
            MaskedColumn([column.unit or column.vo_unit for column in shown], name="unit"),
            MaskedColumn([column.description or column.label for column in shown], name="description"),
            MaskedColumn(number, name="values", description="Number of different values"),
            MaskedColumn(ends[:, 0], name="min", description="Least value"),
            MaskedColumn(ends[:, 1], name="max", description="Greatest value"),
        ],
        masked=True,
        copy=False,
    )
