"""Time spans, from user input to the file names of MAST.

In: two times of any kind.  Out: a `TimeSpan` in UTC, or an error before a request is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..exceptions import InputWarning, InvalidArgumentError, InvalidCriterionError
from ..query.values import as_iso, is_missing
from ..warn import warn_user

DAY = np.timedelta64(1, "D")
_SECOND = np.timedelta64(1, "s")
LAUNCH = np.datetime64("2021-12-25T12:20:00", "us")
# Telemetry arrives with a delay.  Days that are more recent than this are treated as incomplete.
_ARRIVING = 7 * DAY


@dataclass(frozen=True)
class TimeSpan:
    """A time span (UTC, microseconds)."""

    start: np.datetime64
    end: np.datetime64

    def file_name(self, mnemonic: str) -> str:
        """Return the name of MAST's file with samples; the times of the span must be integer seconds."""
        return f"{mnemonic}-{_compact(self.start)}-{_compact(self.end)}.csv"


def _compact(moment: np.datetime64) -> str:
    """Return a time as in file names."""
    return str(moment.astype("datetime64[s]")).replace("-", "").replace(":", "")


def in_whole_seconds(span: TimeSpan) -> TimeSpan:
    """Return the shortest span of integer seconds that contains another one."""
    end = span.end.astype("datetime64[s]")
    end = end if end == span.end else end + _SECOND
    return TimeSpan(span.start.astype("datetime64[s]").astype("datetime64[us]"), end.astype("datetime64[us]"))


def is_whole_day(span: TimeSpan) -> bool:
    """Return whether a span is one day, from midnight to midnight."""
    return bool(span.end - span.start == DAY and span.start == span.start.astype("datetime64[D]"))


def merged_spans(spans: Sequence[TimeSpan], gap: np.timedelta64) -> list[TimeSpan]:
    """Return spans that cover all the given ones, separated by more than a gap."""
    merged: list[TimeSpan] = []
    for span in sorted(spans, key=lambda each: each.start):
        if merged and span.start - merged[-1].end <= gap:
            merged[-1] = TimeSpan(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


# -- user input ------------------------------------------------------------------------------------------------------


def as_span(start: Any, end: Any) -> TimeSpan:
    """Return the span between two times; raise unless there can be telemetry in it."""
    span = TimeSpan(_moment("start", start), _moment("end", end))
    if span.start >= span.end:
        raise InvalidArgumentError(f"end={_shown(span.end)} must be after start={_shown(span.start)}.")
    now = current_time()
    if span.start >= now:
        raise InvalidArgumentError(f"start={_shown(span.start)} is in the future. No telemetry is available yet.")
    if span.start < LAUNCH:
        warn_user(
            f"start={_shown(span.start)} is before the launch of JWST ({_shown(LAUNCH)}). Very little "
            "telemetry is available for that time.",
            InputWarning,
        )
    if span.end > now:
        warn_user(
            f"end={_shown(span.end)} is in the future. Telemetry is only available up to the present.", InputWarning
        )
    return TimeSpan(span.start, min(span.end, now))


def _moment(name: str, given: Any) -> np.datetime64:
    """Return a time in UTC."""
    if not (is_missing(given) or isinstance(given, int | float | np.number)):
        try:
            return moment_of(as_iso(name, given))
        except InvalidCriterionError:
            if not isinstance(given, str):
                raise
    raise InvalidArgumentError(
        f"{name} must be a Time, a datetime, or a string such as '2022-07-12T06:30' (UTC), got {given!r}. "
        "For a Modified Julian Date, use Time(number, format='mjd')."
    )


def moment_of(iso: str) -> np.datetime64:
    """Return the time for an ISO text."""
    return np.datetime64(iso, "us")


def current_time() -> np.datetime64:
    """Return the current time of this computer, in UTC."""
    return np.datetime64("now", "us")


def complete_before() -> np.datetime64:
    """Return the time before which days are treated as complete."""
    return current_time() - _ARRIVING


def _shown(moment: np.datetime64) -> str:
    """Return a time as in messages."""
    return str(moment.astype("datetime64[s]"))
