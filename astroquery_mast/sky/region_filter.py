"""Filter the observations that MAST returned for a circle by an exact test of the region.

In: a table with ``s_ra``, ``s_dec`` and ``s_region``, and a region.  Out: the matching rows, with a sentence in
``meta["cut"]`` about how many there were.
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

# The columns that the filter needs.
CUT_COLUMNS = ("s_ra", "s_dec", "s_region")
OVERLAPS = ("footprint", "center")


def check_overlap(overlap: str) -> None:
    """Raise `InvalidArgumentError` unless the overlap is valid."""
    if overlap not in OVERLAPS:
        raise InvalidArgumentError(f"overlap must be {' or '.join(map(repr, OVERLAPS))}, got {overlap!r}.")


@dataclass(frozen=True)
class RegionFilter:
    """A filter of observations by region."""

    region: Region
    overlap: str

    def of(self, table: Table) -> Table:
        """Return the matching rows of a table."""
        kept, notes = rows_in_region(table, self.region, self.overlap)
        cut = table[kept]
        cut.meta["cut"] = [*table.meta.get("cut", []), self.words(len(table), int(kept.sum()), notes)]
        rows = table.meta.get("rows")
        if isinstance(rows, list) and sum(rows) == len(table):
            cut.meta["rows"] = [int(part.sum()) for part in np.split(kept, np.cumsum(rows)[:-1])]
        return cut

    def words(self, sent: int, kept: int, notes: str = "") -> str:
        """Return the sentence for ``meta["cut"]``."""
        how = "a footprint that overlaps" if self.overlap == "footprint" else "a position in"
        return f"{kept} of {sent} rows have {how} {self.region}{notes}"


def cone_filter(cone: Cone) -> RegionFilter:
    """Return the filter that keeps positions in a cone."""
    return RegionFilter(ShapeRegion((Circle(cone.ra, cone.dec, cone.radius),)), "center")


def rows_in_region(table: Table, region: Region, overlap: str) -> tuple[Array, str]:
    """Return a mask of the rows in a region, and a note about rows without a footprint or position."""
    ra, _ = degrees(_column(table, "s_ra"), "right ascension")
    dec, _ = degrees(_column(table, "s_dec"), "declination")
    placed = np.isfinite(ra) & np.isfinite(dec)
    if overlap == "center":
        kept = np.zeros(len(table), dtype=bool)
        kept[placed] = region.contains(unit_vectors(ra[placed], dec[placed]))
        return kept, _notes(0, int((~placed).sum()))
    shapes = shapes_of(_column(table, "s_region").tolist())
    outlines = outlines_of(shapes, ra, dec)
    bare = ~np.fromiter(map(bool, shapes), dtype=bool, count=len(shapes))
    notes = _notes(int((bare & placed).sum()), int((bare & ~placed).sum()))
    return _rows(outlines, region.overlaps(outlines), len(table)), notes


def footprint_texts(table: Any) -> list[Any]:
    """Return the footprint strings of a table, row, column, list or string."""
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
    """Return the shapes of each footprint; ``problems`` collects the errors by row."""
    known: dict[Any, tuple[list[Shape], str]] = {}
    made = []
    for row, text in enumerate(texts):
        key = text if isinstance(text, str) else None
        read = known.get(key) if key is not None else None
        if read is None:
            read = _read(text, errors) if problems is None else _read_with_problem(text)
            if key is not None:
                known[key] = read
        made.append(read[0])
        if problems is not None and read[1]:
            problems[row] = read[1]
    return made


def _read(text: Any, errors: str) -> tuple[list[Shape], str]:
    return parse_s_region(text, errors=errors), ""


def _read_with_problem(text: Any) -> tuple[list[Shape], str]:
    """Return the readable shapes of a footprint, and the error about the others."""
    try:
        return _read(text, "raise")
    except FootprintParseError as err:
        return parse_s_region(text), str(err)


def _column(table: Table, name: str) -> Any:
    """Return a required column."""
    if name not in table.colnames:
        raise InvalidArgumentError(f"Column '{name}', with the positions of the observations, not found in the table.")
    return table[name]


def _rows(outlines: Outlines, met: Array, count: int) -> Array:
    """Return a mask of the rows that own a matching part."""
    rows = np.zeros(count, dtype=bool)
    rows[outlines.owner[met]] = True
    return rows


def _notes(by_position: int, unknown: int) -> str:
    """Return the note about rows without a footprint or position."""
    said = ""
    if by_position:
        said += f"; {by_position} without a readable footprint were selected by position"
    if unknown:
        said += f"; {unknown} without a position were removed"
    return said
