"""Exposures of JWST as time spans, during which samples are retrieved.

In: rows of a table of observations.  Out: the name and the span of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Table
from astropy.time import Time

from ..exceptions import InputWarning, InvalidArgumentError
from ..products.file_names import column_as_text
from ..products.listing import as_table
from ..query.values import as_iso
from ..tables.columns import few_names, plain_floats
from ..warn import warn_user
from .spans import LAUNCH, TimeSpan, merged_spans, moment_of

_NEEDED = ("obs_id", "t_min", "t_max")
_MISSION = "JWST"
# Samples in shorter gaps take less time to retrieve than another request.
_PAUSE = np.timedelta64(10, "m")


@dataclass(frozen=True)
class Exposure:
    """An exposure: one row of a table of observations."""

    obs_id: str
    span: TimeSpan


def as_margin(margin: Any) -> np.timedelta64:
    """Return a margin in microseconds, the time that is added before and after an exposure."""
    try:
        seconds = float((u.Quantity(margin) if isinstance(margin, str) else margin).to_value(u.s))
    except (AttributeError, TypeError, ValueError):
        seconds = np.nan
    if not 0 <= seconds < np.inf:
        raise InvalidArgumentError(f"margin must be a time >= 0, such as 30 * u.s or '2 min', got {margin!r}.")
    return np.timedelta64(round(seconds * 1e6), "us")


def exposures_of(rows: Any, margin: np.timedelta64) -> list[Exposure]:
    """Return the exposures of rows; rows without times are skipped with a warning."""
    table = as_table(rows)
    if table is None or not len(table):
        raise InvalidArgumentError(
            f"rows must be rows of a table of JWST observations from Observations.query_criteria, got {rows!r:.60}."
        )
    _check_columns(table)
    names = column_as_text(table, "obs_id")
    begins, ends = (plain_floats(getattr(table[name], "value", table[name])) for name in _NEEDED[1:])
    now = Time.now().mjd
    timed = (begins >= Time(LAUNCH).mjd) & (begins <= ends) & (begins < now) & (ends < now + 1)
    if not timed.any():
        raise InvalidArgumentError(f"No row has exposure times (t_min, t_max): {_examples(names, timed)}.")
    if not timed.all():
        message = f"Rows without exposure times (t_min, t_max) are skipped: {_examples(names, timed)}."
        warn_user(message, InputWarning)
    return [
        Exposure(names[row], TimeSpan(_moment(begins[row]) - margin, _moment(ends[row]) + margin))
        for row in np.flatnonzero(timed)
    ]


def _check_columns(table: Table) -> None:
    """Raise unless the rows have the required columns and, if they name the mission, are observations of JWST."""
    missing = [name for name in _NEEDED if name not in table.colnames]
    if missing:
        raise InvalidArgumentError(f"Column {' and column '.join(map(repr, missing))} not found in the rows.")
    others = {*column_as_text(table, "obs_collection")} - {_MISSION, ""}
    if others:
        raise InvalidArgumentError(
            f"Telemetry is only available for JWST, but some rows are of {', '.join(sorted(others))}. Select "
            "the rows with obs_collection == 'JWST'."
        )


def _examples(names: Sequence[str], timed: Any) -> str:
    """Return a message with some of the rows without times, most of which are planned observations."""
    left_out = [names[row] for row in np.flatnonzero(~timed).tolist()]
    return f"{few_names(left_out)} (planned, perhaps)"


def _moment(mjd: float) -> np.datetime64:
    """Convert a Modified Julian Date (UTC)."""
    return moment_of(as_iso("t_min", Time(mjd, format="mjd", scale="utc")))


def spans_to_fetch(exposures: Sequence[Exposure]) -> list[tuple[TimeSpan, list[int]]]:
    """Return spans that cover exposures which overlap or follow each other closely, with the indices of these."""
    spans = merged_spans([each.span for each in exposures], _PAUSE)
    starts = [span.start for span in spans]
    places = np.searchsorted(starts, [each.span.start for each in exposures], "right") - 1
    return [(span, np.flatnonzero(places == number).tolist()) for number, span in enumerate(spans)]
