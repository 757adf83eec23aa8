"""Criteria on the columns of observations: keywords in, the filters of Mashup's services out.

Besides the language of `astroquery_mast.query.filters` the columns of numbers take comparisons (``">=2"``, ``"2..5"``,
``("gte", 2)``), as those of catalogues do: there is one language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..tables.columns import Columns, Kind, find_column
from .comparisons import as_values, is_operation, read_comparisons
from .filters import Criteria, build_criteria

__all__ = ["observation_criteria"]


def observation_criteria(criteria: Mapping[str, Any], columns: Columns) -> Criteria:
    """Return the filters for observations."""
    return build_criteria({name: _ranged(name, value, columns) for name, value in criteria.items()}, columns)


def _ranged(name: str, value: Any, columns: Columns) -> Any:
    """A comparison as the range that stands for it; any other value as it is."""
    column = find_column(name, columns)
    if column is None or not (column.continuous or column.kind is Kind.INTEGER) or not _may_compare(value):
        return value
    comparisons = read_comparisons(name, value, column)
    return as_values(name, comparisons, columns) if comparisons else value


def _may_compare(value: Any) -> bool:
    """Whether a value may spell a comparison; pairs of numbers do not, of which there may be several."""
    if is_operation(value):
        return True
    members = value if isinstance(value, list | tuple) else [value]
    return any(member is None or isinstance(member, str) or is_operation(member) for member in members)
