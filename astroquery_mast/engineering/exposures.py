"""Exposures of JWST, as the times during which telemetry is wanted.

In: rows of a table of observations.  Out: for each its name and its span.
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
# Two requests cost more than the samples in a pause of such a length.
_PAUSE = np.timedelta64(10, "m")


@dataclass(frozen=True)
class Exposure:
    """One row of a table of observations."""

    obs_id: str
    span: TimeSpan


def as_margin(margin: Any) -> np.timedelta64:
    """Return the time that is added before and after an exposure, in microseconds."""
    try:
        seconds = float((u.Quantity(margin) if isinstance(margin, str) else margin).to_value(u.s))
    except (AttributeError, TypeError, ValueError):
        seconds = np.nan
    if not 0 <= seconds < np.inf:
        raise InvalidArgumentError(f"margin must be a time >= 0, such as 30 * u.s or '2 min', got {margin!r}.")
    return np.timedelta64(round(seconds * 1e6), "us")


def exposures_of(rows: Any, margin: np.timedelta64) -> list[Exposure]:
    """Return the exposures of rows; those without times are left out, with a warning."""
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
        said = f"Rows without exposure times (t_min, t_max) are skipped: {_examples(names, timed)}."
        warn_user(said, InputWarning)
    return [
        Exposure(names[row], TimeSpan(_moment(begins[row]) - margin, _moment(ends[row]) + margin))
        for row in np.flatnonzero(timed)
    ]


def _check_columns(table: Table) -> None:
    """Raise unless these are observations of JWST, as far as the table tells."""
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
    """The names of some rows without times; they are planned observations, mostly."""
    left_out = [names[row] for row in np.flatnonzero(~timed).tolist()]
    return f"{few_names(left_out)} (planned, perhaps)"


def _moment(mjd: float) -> np.datetime64:
    """A Modified Julian Date (UTC) as a moment."""
    return moment_of(as_iso("t_min", Time(mjd, format="mjd", scale="utc")))


def spans_to_fetch(exposures: Sequence[Exposure]) -> list[tuple[TimeSpan, list[int]]]:
    """Return the spans in which exposures are that overlap or follow each other, with their numbers."""
    spans = merged_spans([each.span for each in exposures], _PAUSE)
    starts = [span.start for span in spans]
    places = np.searchsorted(starts, [each.span.start for each in exposures], "right") - 1
    return [(span, np.flatnonzero(places == number).tolist()) for number, span in enumerate(spans)]
