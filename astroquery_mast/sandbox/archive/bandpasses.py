"""Filters and gratings: the wavelengths they pass.

In: filter names as the archive spells them. Out: limits in nanometres and the spectral region. Limits are
those of the instrument handbooks, rounded.
"""

from __future__ import annotations

import re

_SPECIAL: dict[str, tuple[float, float]] = {
    "F435W": (360.0, 488.0),
    "F475W": (395.0, 558.0),
    "F502N": (498.0, 508.0),
    "F550M": (517.0, 609.0),
    "F555W": (458.0, 621.0),
    "F606W": (463.0, 718.0),
    "F625W": (544.0, 710.0),
    "F658N": (651.0, 666.0),
    "F775W": (680.0, 864.0),
    "F814W": (695.0, 964.0),
    "F850LP": (801.0, 1087.0),
    "F115LP": (115.0, 190.0),
    "F125LP": (125.0, 200.0),
    "F140LP": (138.0, 200.0),
    "F150LP": (146.0, 200.0),
    "F165LP": (160.0, 200.0),
    "F25QTZ": (160.0, 320.0),
    "50CCD": (200.0, 1030.0),
    "MIRVIS": (164.0, 317.0),
    "G102": (800.0, 1150.0),
    "G141": (1075.0, 1700.0),
    "G130M": (115.0, 145.0),
    "G160M": (140.5, 177.5),
    "G185M": (170.0, 210.0),
    "G230L": (165.0, 320.0),
    "G285M": (250.0, 320.0),
    "G140L": (115.0, 173.0),
    "G140M": (114.0, 174.0),
    "E140M": (114.4, 171.0),
    "E230M": (157.0, 311.0),
    "E230H": (162.0, 315.0),
    "G430L": (290.0, 570.0),
    "G430M": (302.0, 561.0),
    "G750L": (524.0, 1027.0),
    "G750M": (545.0, 1014.0),
    "PRISM": (600.0, 5300.0),
    "F100LP;G140M": (970.0, 1890.0),
    "F100LP;G140H": (970.0, 1890.0),
    "F070LP;G140M": (700.0, 1270.0),
    "F170LP;G235M": (1660.0, 3170.0),
    "F170LP;G235H": (1660.0, 3170.0),
    "F290LP;G395M": (2870.0, 5270.0),
    "F290LP;G395H": (2870.0, 5270.0),
    "GR700XD": (600.0, 2800.0),
    "P750L": (5000.0, 14000.0),
    "CH1": (4900.0, 7650.0),
    "CH2": (7510.0, 11700.0),
    "CH3": (11550.0, 17980.0),
    "CH4": (17700.0, 27900.0),
    "F150W2": (1007.0, 2380.0),
    "NUV": (169.3, 300.7),
    "FUV": (134.0, 180.6),
    "TESS": (600.0, 1000.0),
}
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
    centre = number * 10.0 if mission == "JWST" or number < 200 else float(number)
    return round(centre * (1 - width), 1), round(centre * (1 + width), 1)


def spectral_region(shortest: float, longest: float) -> str:
    """Name of the spectral region (``wavelength_region``) of a wavelength range in nm."""
    middle = (shortest + longest) / 2
    regions = ((10, "XRAY"), (100, "EUV"), (320, "UV"), (1000, "OPTICAL"))
    name = next((region for limit, region in regions if middle < limit), "INFRARED")
    if name == "OPTICAL" and shortest < 320:
        return "UV;OPTICAL"
    return name
