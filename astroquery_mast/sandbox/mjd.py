"""Conversion of Modified Julian Dates. In: ISO dates (UTC), or MJD. Out: MJD, or seconds since 1970."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Days = TypeVar("Days", "float", "NDArray[np.float64]")

#: MJD of 1970-01-01, and the length of a day in seconds.
MJD_1970, DAY = 40587, 86400.0


def modified_julian(date: str | None) -> float:
    """Return the MJD of an ISO date (UTC), or of the present moment if no date is given."""
    seconds = time.time() if date is None else datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()
    return seconds / DAY + MJD_1970


def unix_seconds(mjd: Days) -> Days:
    """Convert MJD to seconds since 1970."""
    return (mjd - MJD_1970) * DAY
