"""Zero points of the times of light curves.

In: an open file and its layout.  Out: a Julian date.
"""

from __future__ import annotations

import re
from typing import Any

from astropy.io import fits

from ..exceptions import InvalidArgumentError
from .light_curve_layouts import LightCurveLayout

# Zero points of BTJD and BKJD (JD).
_TIME_ZERO = {"TESS": 2457000.0, "Kepler": 2454833.0}
_IN_UNIT = re.compile(r"\b[BH]?JD(?:_TDB)?\s*-\s*(\d{6,7}(?:\.\d+)?)", re.IGNORECASE)
_REFERENCES = (("BJDREF", 0.0), ("MJDREF", 2400000.5), ("JDREF", 0.0))
# Zero points by column name.
_NAMED = {"btjd": 2457000.0, "bkjd": 2454833.0, "bjd": 0.0, "jd": 0.0, "mjd": 2400000.5}


def time_reference(hdus: fits.HDUList, table: Any, layout: LightCurveLayout) -> tuple[float, float]:
    """Return the zero point of the times as the integer part and the fraction of a Julian date.

    It is read from the header, else from the unit of the column, else it is that of the mission or column name.
    """
    if layout.zero is not None:
        return layout.zero, 0.0
    column = next(column for column in table.columns if column.name.lower() == layout.time)
    found = _in_header(table.header) or _in_header(hdus[0].header) or _in_unit(str(column.unit or ""))
    if found is not None:
        return found
    known = _TIME_ZERO.get(layout.mission, _NAMED.get(layout.time))
    if known is None:
        raise InvalidArgumentError(
            "The file does not define the zero point of its times, neither by BJDREFI, MJDREF or JDREF in its headers "
            f"nor by the unit of its column {column.name}."
        )
    return known, 0.0


def _in_header(header: fits.Header) -> tuple[float, float] | None:
    """Return the zero point in a header, which has an integer and a fraction, or one number."""
    for key, base in _REFERENCES:
        whole, fraction, both = (_number(header.get(f"{key}{part}")) for part in ("I", "F", ""))
        if whole is not None:
            return whole + base, fraction or 0.0
        if both is not None:
            return base, both
    return None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _in_unit(unit: str) -> tuple[float, float] | None:
    """Return the zero point in a unit such as ``BJD - 2457000, days``."""
    said = _IN_UNIT.search(unit)
    return (float(said[1]), 0.0) if said else None
