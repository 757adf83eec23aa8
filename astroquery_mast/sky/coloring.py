"""Colors of footprints by the values of a column, and the footprints to draw without duplicates.

In: a table of observations and a column name.  Out: a color and a group for each row; the parts to draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Table

from ..exceptions import InvalidQueryError
from ..tables.rows import Array
from .outlines import Outlines, outlines_of
from .picture import color_scale, column_title, is_continuous, numbers_of, rows_by_value
from .region_filter import shapes_of

# Number of colors for the groups of a column (rarer values are gray, as are rows without a number), and the number of
# distinct values above which a floating-point column gets a color scale.
_COLORS, _FEW_NUMBERS = 20, 5
_GRAY = (0.5, 0.5, 0.5, 1.0)
# Decimals of unit vectors when outlines are compared: 2 milliarcseconds.
_EQUAL = 8


@dataclass(frozen=True)
class Coloring:
    """The color of each row, a key that is equal for equal colors, and the contents of the legend or color bar."""

    colors: Array
    keys: Array
    groups: dict[str, Array]
    title: str = ""
    scale: Any = None

    @classmethod
    def of(cls, table: Table, by: str | None) -> Coloring:
        """Assign colors to all rows."""
        from matplotlib import colormaps  # noqa: PLC0415 - an optional dependency

        keys, colors = np.zeros(len(table)), np.tile(colormaps["tab10"](0), (len(table), 1))
        if by is None:
            return cls(colors, keys, {"": np.arange(len(table))})
        title = column_title(table, by)
        if is_continuous(table, by, _FEW_NUMBERS):
            return cls._by_number(numbers_of(table, by), title)
        groups = rows_by_value(table, by, _COLORS)
        # Strong colors come first, then the pale ones.
        palette = [colormaps["tab20"](number) for number in (*range(0, _COLORS, 2), *range(1, _COLORS, 2))]
        for number, (label, rows) in enumerate(groups.items()):
            keys[rows] = number
            colors[rows] = _GRAY if label.endswith(" others") else palette[number]
        return cls(colors, keys, groups, title)

    @classmethod
    def _by_number(cls, numbers: Array, title: str) -> Coloring:
        """Assign colors along a scale."""
        known, scale = np.isfinite(numbers), color_scale(numbers, "viridis")
        colors = np.tile(_GRAY, (len(numbers), 1))
        colors[known] = scale.to_rgba(numbers[known])
        return cls(colors, np.where(known, numbers, np.inf), {"": np.arange(len(numbers))}, title, scale)


def drawable_outlines(table: Table) -> Outlines:
    """Return the outlines of the rows that have a footprint."""
    shapes = shapes_of(table["s_region"].tolist())
    nowhere = np.full(len(shapes), np.nan)
    outlines = outlines_of(shapes, nowhere, nowhere)
    if not len(outlines):
        raise InvalidQueryError("No footprints to draw in the table.")
    return outlines


def distinct_parts(outlines: Outlines, keys: Array, planned: Array) -> Array:
    """Return the parts to draw, largest first; of parts that would look the same, only one."""
    seen: dict[tuple[Any, ...], int] = {}
    corners = np.split(outlines.vertices.round(_EQUAL) + 0.0, outlines.first[1:-1])
    radii = outlines.radius.round(_EQUAL).tolist()
    for part, (row, vertices, radius) in enumerate(zip(outlines.owner.tolist(), corners, radii, strict=True)):
        seen.setdefault((keys[row], planned[row], radius, vertices.tobytes()), part)
    parts = np.array(list(seen.values()), dtype=np.intp)
    return np.asarray(parts[np.argsort(-outlines.reach[parts], kind="stable")])
