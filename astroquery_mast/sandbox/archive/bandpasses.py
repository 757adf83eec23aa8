"""Filters and gratings: the wavelengths they pass.

In: filter names as the archive spells them. Out: limits in nanometers and the spectral region. Limits are
those of the instrument handbooks, rounded.
"""

from __future__ import annotations

import re

from .packaged import packaged

_SPECIAL: dict[str, tuple[float, float]] = packaged("instruments")["bandpasses"]
_RELATIVE_WIDTH = {"W": 0.14, "M": 0.05, "N": 0.006, "LP": 0.2}
_NUMBERED = re.compile(r"F(\d{3,4})(W|M|N|LP)$")
_OPEN = frozenset({"CLEAR", "CLEAR1L", "CLEAR2L", "CLEAR1S", "CLEAR2S", "GRISMR", "GRISMC", "GR150C", "GR150R"})


def limits(filters: str, mission: str) -> tuple[float, float]:
    """Wavelength limits (nm) of filters joined by ``;``; `ValueError` if nothing is known about any of them.

    JWST numbers its filters in hundredths of a micrometer, HST in nanometers, or for WFC3/IR (F098M to F167N) in
    hundredths of a micrometer.
    """
    if filters in _SPECIAL:
        return _SPECIAL[filters]
    bands = [_single(name, mission) for name in filters.split(";") if name not in _OPEN]
    if not bands:
        raise ValueError(f"No bandpass in {filters!r}")
    # Light passes all elements of a combination: the narrowest one decides.
    return min(bands, key=lambda band: band[1] - band[0])


def _single(name: str, mission: str) -> tuple[float, float]:
    if mission != "JWST" and name in _SPECIAL:
        return _SPECIAL[name]
    numbered = _NUMBERED.match(name)
    if numbered is None:
        if name in _SPECIAL:
            return _SPECIAL[name]
        raise ValueError(f"Unknown filter {name!r}")
    number, width = int(numbered[1]), _RELATIVE_WIDTH[numbered[2]]
    center = number * 10.0 if mission == "JWST" or number < 200 else float(number)
    return round(center * (1 - width), 1), round(center * (1 + width), 1)


def spectral_region(shortest: float, longest: float) -> str:
    """Name of the spectral region (``wavelength_region``) of a wavelength range in nm."""
    middle = (shortest + longest) / 2
    regions = ((10, "XRAY"), (100, "EUV"), (320, "UV"), (1000, "OPTICAL"))
    name = next((region for limit, region in regions if middle < limit), "INFRARED")
    if name == "OPTICAL" and shortest < 320:
        return "UV;OPTICAL"
    return name
