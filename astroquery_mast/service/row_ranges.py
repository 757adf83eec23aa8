"""Split a query with too many rows for one response into queries for ranges of one column.

In: a request for observations, and its number of rows.  Out: requests that add a range of times, positions or
identifiers to it.  The ranges are disjoint and cover all values, so that their responses together are its response.  A
row without a value in the column is in none of them, which the counts of the parts show.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..query.filters import OPEN_END
from ..query.request import COUNT_COLUMNS, MashupRequest

CONE, FILTERED, FILTERED_POSITION = "Mast.Caom.Cone", "Mast.Caom.Filtered", "Mast.Caom.Filtered.Position"

# The catalog services whose rows can be counted: by cone, and by criteria.
_TESS_CONE = re.compile(r"Mast\.Catalogs\.(Tic|Ctl)\.Cone", re.IGNORECASE)
_TESS_FILTERED = re.compile(r"(Mast\.Catalogs\.Filtered\.(?:Tic|Ctl)(?:\.Position)?)(?:\.Rows)?", re.IGNORECASE)
# The parameters of services that limit the number of rows.
_OWN_LIMITS = ("nr", "maxrecords")

# The maximum number of ranges that are counted at a time.
_MOST_PIECES = 32
# The smallest width of a range, as a fraction of the typical range of the column: about a millisecond for times, and a
# micro-arcsecond for positions.
_RESOLUTION = 1e-12


@dataclass(frozen=True)
class Interval:
    """A range of numbers that includes both ends."""

    low: float
    high: float

    def divided(self, pieces: int, core: Interval) -> list[Interval]:
        """Return disjoint parts of this range, in order, which together cover it."""
        if self.is_single_value(core):
            return [self]
        cuts = sorted({cut for cut in self._cuts(max(2, pieces), core) if self.low < cut <= self.high})
        # MAST's ranges include both ends, so that each part ends at the last number before the next part.
        starts = [self.low, *(cuts or [max(self.low / 2 + self.high / 2, math.nextafter(self.low, math.inf))])]
        ends = [*(math.nextafter(start, -math.inf) for start in starts[1:]), self.high]
        return [Interval(low, high) for low, high in zip(starts, ends, strict=True)]

    def is_single_value(self, core: Interval) -> bool:
        """Return whether the ends are so close that all rows between them have the same value."""
        scale = max(core.high - core.low, abs(self.low), abs(self.high))
        return self.high - self.low <= _RESOLUTION * scale

    def _cuts(self, pieces: int, core: Interval) -> list[float]:
        """The values to cut at, some of which may be outside of the range."""
        low, high = max(self.low, core.low), min(self.high, core.high)
        if low < high:
            return _evenly(low, high, pieces)
        if self.high >= OPEN_END:
            return [self.low + step for step in _doubling(self.low, pieces)]
        if self.low <= -OPEN_END:
            return [self.high - step for step in _doubling(self.high, pieces)]
        return _evenly(self.low, self.high, pieces)


def _evenly(low: float, high: float, pieces: int) -> list[float]:
    """The ends of equal parts of a range."""
    return [low + (high - low) * number / pieces for number in range(pieces + 1)]


def _doubling(start: float, pieces: int) -> list[float]:
    """Distances from the closed end of an open range, each twice the previous one."""
    return [max(1.0, abs(start)) * 2.0**number for number in range(pieces - 1)]


RowCounts = list[tuple[Interval, int]]
"""Ranges, and the number of rows in each."""

SPLIT_COLUMNS: Mapping[str, Interval] = {
    # Modified Julian Dates, from the launch of IUE to the year 2036.
    "t_min": Interval(43500.0, 65000.0),
    "s_ra": Interval(0.0, 360.0),
    "s_dec": Interval(-90.0, 90.0),
    # Never null.
    "obsid": Interval(0.0, 3e9),
}
"""The columns for splitting queries for observations, in order of preference, with the usual ranges of their values."""
# Never null, and unique for each file.
_FILE_COLUMNS: Mapping[str, Interval] = {"archivefileid": Interval(0.0, 1e9)}
_FILES = re.compile(r"Mast\.Jwst\.Filtered\.\w+", re.IGNORECASE)


def split_columns(request: MashupRequest) -> Mapping[str, Interval]:
    """Return the columns for splitting a query, in order of preference."""
    return _FILE_COLUMNS if _FILES.fullmatch(request.service) else SPLIT_COLUMNS


@dataclass(frozen=True)
class RangeOfRows:
    """A part of a query, and its number of rows."""

    request: MashupRequest
    rows: int


def as_filtered(request: MashupRequest) -> MashupRequest | None:
    """Return the same query for a service with filters, or None if there is no such service."""
    params = request.params
    if request.service in {FILTERED, FILTERED_POSITION} or _FILES.fullmatch(request.service):
        return None if params.get("columns") == COUNT_COLUMNS else request
    if request.service != CONE or params.keys() != {"ra", "dec", "radius"}:
        return None
    position = f"{params['ra']}, {params['dec']}, {params['radius']}"
    asked = {"columns": "*", "filters": [], "position": position}
    return replace(request, service=FILTERED_POSITION, params=asked)


def counting(request: MashupRequest) -> MashupRequest:
    """Return the query for the number of rows of a filtered query, without the cache."""
    return replace(request, params={**request.params, "columns": COUNT_COLUMNS}, page=1, cache=False)


def counting_entries(request: MashupRequest) -> MashupRequest | None:
    """Return the query for the number of catalog entries of a query, or None if they cannot be counted."""
    cone = _TESS_CONE.fullmatch(request.service)
    if cone is not None and {"ra", "dec", "radius"} == request.params.keys():
        filtered = replace(request, params={**request.params, "filters": []})
        return replace(counting(filtered), service=f"Mast.Catalogs.Filtered.{cone[1]}.Position")
    named = _TESS_FILTERED.fullmatch(request.service)
    return None if named is None else replace(counting(request), service=named[1])


def limits_itself(request: MashupRequest, rows: int) -> bool:
    """Return whether a query limits its own response: it is a count, or has a maximum number of rows."""
    if request.params.get("columns") == COUNT_COLUMNS:
        return True
    limits = [str(value) for name, value in request.params.items() if name.lower() in _OWN_LIMITS]
    return any(limit.isdecimal() and rows >= int(limit) for limit in limits)


def spans_of(request: MashupRequest, column: str) -> list[Interval]:
    """Return the ranges of a column that a query selects, disjoint and in order; empty if they are not known."""
    found = [each for each in _filters(request) if _is_of(each, column)]
    if not found:
        return [Interval(-OPEN_END, OPEN_END)]
    values = found[0].get("values")
    if len(found) > 1 or found[0].get("freeText") or not isinstance(values, list):
        return []
    return _merged(map(_interval_of, values)) if all(map(_is_range, values)) else []


def restricted_to(request: MashupRequest, column: str, spans: Sequence[Interval]) -> MashupRequest:
    """Return a query for the rows whose values in a column are in the given ranges."""
    others = [each for each in _filters(request) if not _is_of(each, column)]
    values = [{"min": span.low, "max": span.high} for span in _merged(spans)]
    filters = [*others, {"paramName": column, "values": values}]
    return replace(request, params={**request.params, "filters": filters})


def pieces_for(rows: int, limit: int) -> int:
    """Return the number of pieces to divide a range into that has too many rows."""
    # More than would be enough for evenly distributed rows, which they are not.
    return max(2, min(_MOST_PIECES, math.ceil(1.2 * rows / limit)))


def as_parts(request: MashupRequest, column: str, counts: RowCounts, limit: int) -> list[RangeOfRows]:
    """Return the parts of a query, as few as the limit of rows allows."""
    groups: list[tuple[list[Interval], int]] = []
    for span, rows in counts:
        if not rows:
            continue
        if groups and groups[-1][1] + rows <= limit:
            spans, before = groups[-1]
            groups[-1] = ([*spans, span], before + rows)
        else:
            groups.append(([span], rows))
    return [RangeOfRows(restricted_to(request, column, spans), rows) for spans, rows in groups]


def _filters(request: MashupRequest) -> list[Mapping[str, Any]]:
    """The filters of a query."""
    found = request.params.get("filters")
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _is_of(each: Mapping[str, Any], column: str) -> bool:
    """Whether a filter is for a column; names are case-insensitive at MAST."""
    return str(each.get("paramName", "")).lower() == column


def _interval_of(value: Mapping[str, Any]) -> Interval:
    """The range that a filter value gives."""
    return Interval(float(value["min"]), float(value["max"]))


def _is_range(value: object) -> bool:
    """Whether a filter value is a range of numbers."""
    return isinstance(value, Mapping) and {"min", "max"} == value.keys()


def _merged(spans: Iterable[Interval]) -> list[Interval]:
    """The union of ranges as the smallest number of disjoint ranges, in order."""
    merged: list[Interval] = []
    for span in sorted(spans, key=lambda each: (each.low, each.high)):
        if merged and span.low <= math.nextafter(merged[-1].high, math.inf):
            merged[-1] = Interval(merged[-1].low, max(merged[-1].high, span.high))
        else:
            merged.append(span)
    return merged
