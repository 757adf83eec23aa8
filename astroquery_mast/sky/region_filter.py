"""The exact cut: of the observations that the archive sent for a circle, those that are in the region.

In: a table with ``s_ra``, ``s_dec`` and ``s_region``, and what was asked for.  Out: the rows that remain, with a
sentence in ``meta["cut"]`` that says how many there were.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Row, Table

from ..exceptions import FootprintParseError, InvalidArgumentError
from ..tables.dataframes import as_astropy
from ..tables.rows import Array
from .outlines import Outlines, outlines_of
from .position import Cone
from .positions import degrees
from .region import Region, ShapeRegion
from .shapes import Circle, Shape, parse_s_region
from .sphere import unit_vectors

# What a cut looks at.
CUT_COLUMNS = ("s_ra", "s_dec", "s_region")
OVERLAPS = ("footprint", "center")


def check_overlap(overlap: str) -> None:
    """Raise `InvalidArgumentError` unless it is one of the two that there are."""
    if overlap not in OVERLAPS:
        raise InvalidArgumentError(f"overlap must be {' or '.join(map(repr, OVERLAPS))}, got {overlap!r}.")


@dataclass(frozen=True)
class RegionFilter:
    """What is kept of a table of observations."""

    region: Region
    overlap: str

    def of(self, table: Table) -> Table:
        """Return the rows that remain."""
        kept, doubts = rows_in_region(table, self.region, self.overlap)
        cut = table[kept]
        cut.meta["cut"] = [*table.meta.get("cut", []), self.words(len(table), int(kept.sum()), doubts)]
        rows = table.meta.get("rows")
        if isinstance(rows, list) and sum(rows) == len(table):
            cut.meta["rows"] = [int(part.sum()) for part in np.split(kept, np.cumsum(rows)[:-1])]
        return cut

    def words(self, sent: int, kept: int, doubts: str = "") -> str:
        """Say how many rows there were, and how many remain."""
        how = "a footprint that overlaps" if self.overlap == "footprint" else "a position in"
        return f"{kept} of {sent} rows have {how} {self.region}{doubts}"


def cone_filter(cone: Cone) -> RegionFilter:
    """Return the filter for positions in a cone."""
    return RegionFilter(ShapeRegion((Circle(cone.ra, cone.dec, cone.radius),)), "center")


def rows_in_region(table: Table, region: Region, overlap: str) -> tuple[Array, str]:
    """Tell which rows of a table of observations are in a region."""
    ra, _ = degrees(_column(table, "s_ra"), "right ascension")
    dec, _ = degrees(_column(table, "s_dec"), "declination")
    placed = np.isfinite(ra) & np.isfinite(dec)
    if overlap == "center":
        kept = np.zeros(len(table), dtype=bool)
        kept[placed] = region.contains(unit_vectors(ra[placed], dec[placed]))
        return kept, _doubts(0, int((~placed).sum()))
    shapes = shapes_of(_column(table, "s_region").tolist())
    outlines = outlines_of(shapes, ra, dec)
    bare = ~np.fromiter(map(bool, shapes), dtype=bool, count=len(shapes))
    doubts = _doubts(int((bare & placed).sum()), int((bare & ~placed).sum()))
    return _rows(outlines, region.overlaps(outlines), len(table)), doubts


def footprint_texts(table: Any) -> list[Any]:
    """Return the texts of the footprints of whatever was given."""
    table = as_astropy(table)
    if table is None or isinstance(table, str | bytes):
        return [table]
    if isinstance(table, Table | Row):
        if "s_region" not in table.colnames:
            raise InvalidArgumentError("Column 's_region' not found in the table.")
        table = table["s_region"] if isinstance(table, Table) else [table["s_region"]]
    if hasattr(table, "tolist"):
        members = table.tolist()
        return list(members) if isinstance(members, list) else [members]
    if isinstance(table, Iterable):
        return list(table)
    raise InvalidArgumentError(f"Footprints must be a table, a column or a string, got a {type(table).__name__}.")


def shapes_of(texts: Sequence[Any], errors: str = "skip", problems: dict[int, str] | None = None) -> list[list[Shape]]:
    """Return the shapes of many footprints; what is left out is noted for each row if there is a place for that."""
    known: dict[Any, tuple[list[Shape], str]] = {}
    made = []
    for row, text in enumerate(texts):
        key = text if isinstance(text, str) else None
        read = known.get(key) if key is not None else None
        if read is None:
            read = _read(text, errors) if problems is None else _noted(text)
            if key is not None:
                known[key] = read
        made.append(read[0])
        if problems is not None and read[1]:
            problems[row] = read[1]
    return made


def _read(text: Any, errors: str) -> tuple[list[Shape], str]:
    return parse_s_region(text, errors=errors), ""


def _noted(text: Any) -> tuple[list[Shape], str]:
    """What can be read of a footprint, and why not all of it."""
    try:
        return _read(text, "raise")
    except FootprintParseError as err:
        return parse_s_region(text), str(err)


def _column(table: Table, name: str) -> Any:
    """A column that is needed."""
    if name not in table.colnames:
        raise InvalidArgumentError(f"Column '{name}', with the positions of the observations, not found in the table.")
    return table[name]


def _rows(outlines: Outlines, met: Array, count: int) -> Array:
    """The rows that have a part for which something holds."""
    rows = np.zeros(count, dtype=bool)
    rows[outlines.owner[met]] = True
    return rows


def _doubts(by_position: int, unknown: int) -> str:
    """What is to be said of rows without a footprint."""
    said = ""
    if by_position:
        said += f"; {by_position} without a readable footprint were selected by position"
    if unknown:
        said += f"; {unknown} without a position were removed"
    return said
