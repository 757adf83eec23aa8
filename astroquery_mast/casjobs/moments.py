"""Times as the database of CasJobs stores them: in UTC, for the years 1 to 9999, with a resolution of 100 ns.

In: a column of `~astropy.time.Time` or of numpy dates, or strings in ISO 8601.  Out: the converse.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import erfa  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt
from astropy.time import Time

from ..exceptions import InvalidArgumentError

_FIRST_YEAR, _LAST_YEAR = 1, 9999
# The value in place of a masked time (Julian date).
_FILL = 2451545.0
_FILL_TEXT = "2000-01-01T12:00:00"
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2})((?::\d\d){1,2}) ([AP]M)")
_AS_ISO = "%04d-%02d-%02dT%02d:%02d:%02d.%07d"


@contextmanager
def _any_year() -> Iterator[None]:
    """Ignore the warnings of erfa for years in which UTC is undefined or not known yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", erfa.ErfaWarning)
        yield


def check_moments(column: Any, name: str) -> None:
    """Raise if the database cannot store the times of a column."""
    if isinstance(column, Time):
        _calendar(column, name)
    else:
        _check_years(column.astype("M8[Y]"), name)


def iso_texts(column: Any, mask: npt.NDArray[np.bool_] | None, name: str) -> list[str]:
    """Return the times of a column in ISO 8601, to 100 ns; the strings of masked times are arbitrary."""
    if isinstance(column, Time):
        return [_AS_ISO % row for row in zip(*(part.tolist() for part in _calendar(column, name)), strict=True)]
    values = column if mask is None else np.where(mask, np.datetime64(_FILL_TEXT), column)
    seconds = values.astype("M8[s]")
    ticks = (values.astype("M8[100ns]") - seconds.astype("M8[100ns]")).astype(np.int64)
    return [f"{text}.{tick:07d}" for text, tick in zip(np.datetime_as_string(seconds), ticks.tolist(), strict=True)]


def _calendar(times: Time, name: str) -> tuple[npt.NDArray[Any], ...]:
    """Return years, months, days, hours, minutes, seconds and units of 100 ns."""
    if times.scale == "ut1":
        raise InvalidArgumentError(f"Column {name!r} is in UT1. CasJobs stores UTC. Convert the column with times.utc.")
    mask = np.broadcast_to(np.asarray(times.mask, dtype=bool), times.shape)
    valid = times.unmasked if mask.any() else times
    with _any_year():
        utc = valid if valid.scale in {"utc", "local"} else valid.utc
        jd1, jd2 = np.where(mask, _FILL, utc.jd1), np.where(mask, 0.0, utc.jd2)
        if not np.isfinite(jd1 + jd2).all():
            raise InvalidArgumentError(f"Column {name!r} has times that are not finite. Mask them.")
        year, month, day, clock = erfa.d2dtf("UTC" if utc.scale == "utc" else "TAI", 7, jd1, jd2)
    _check_years(year, name)
    if (clock["s"] > 59).any():
        raise InvalidArgumentError(f"Column {name!r} has a time within a leap second, which CasJobs cannot store.")
    return year, month, day, clock["h"], clock["m"], clock["s"], clock["f"]


def _check_years(years: npt.NDArray[Any], name: str) -> None:
    """Raise if a year, given as a number or a numpy date, is outside the range of the database."""
    if years.dtype.kind == "M":
        years = years[~np.isnat(years)].astype(np.int64) + 1970
    if years.size and not (years.min() >= _FIRST_YEAR and years.max() <= _LAST_YEAR):
        raise InvalidArgumentError(
            f"Column {name!r} has times outside the years {_FIRST_YEAR} to {_LAST_YEAR}, which CasJobs cannot store."
        )


def _iso_of_american(found: re.Match[str]) -> str:
    """Return in ISO 8601 a time that .NET has written in the US format."""
    month, day, year, hour, rest, half = found.groups()
    return f"{year}-{month:0>2}-{day:0>2}T{int(hour) % 12 + (12 if half == 'PM' else 0):02d}{rest}"


def times_from(texts: npt.NDArray[Any], mask: npt.NDArray[np.bool_] | None) -> Time:
    """Return strings in ISO 8601, or in the US format of .NET, as times in UTC; raise `ValueError` for others."""
    filled = texts if mask is None else np.where(mask, _FILL_TEXT, texts)
    cells = [_AMERICAN.sub(_iso_of_american, text).replace(" ", "T") for text in filled.tolist()]
    with _any_year():
        times = Time(cells, format="isot", scale="utc") if cells else Time(filled.astype(np.float64), format="mjd")
    if mask is not None:
        times[mask] = np.ma.masked
    return times
