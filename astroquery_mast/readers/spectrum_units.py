"""Units in the spelling of headers of spectra.

In: the value of a TUNIT or BUNIT keyword.  Out: an astropy unit, or None if the value is not a unit.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

from astropy import units as u

# Words in lower case.  In a spectrum, "A" is never the ampere and "S" never the siemens.
_WORDS = {
    **dict.fromkeys(("a", "aa", "ang", "angs", "angstrom", "angstroms"), "Angstrom"),
    **dict.fromkeys(("micron", "microns", "um", "micrometer", "micrometers"), "um"),
    **dict.fromkeys(("nanometer", "nanometers"), "nm"),
    **dict.fromkeys(("erg", "ergs"), "erg"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("jansky", "janskys", "jy"), "Jy"),
    **dict.fromkeys(("count", "counts"), "ct"),
    **{word: word for word in ("cm", "nm", "sr")},
    "hz": "Hz",
    "flam": "erg s-1 cm-2 Angstrom-1",
    "fnu": "erg s-1 cm-2 Hz-1",
}
_NO_UNIT = frozenset({"unitless", "dimensionless", "none", "normalized", "relative"})


@lru_cache(maxsize=256)
def spelled_unit(text: str) -> u.UnitBase | None:
    """Return the unit of a string such as "ANGSTROMS", "ERG/CM2/S/A", "erg /s /cm**2 /Angstrom" or "FLAM".

    An empty string means dimensionless.
    """
    spelled = text.strip()
    if spelled.lower() in _NO_UNIT:
        return u.dimensionless_unscaled
    spelled = re.sub(r"[A-Za-z]+", lambda word: _WORDS.get(word[0].lower(), word[0]), spelled.replace("^", "**"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", u.UnitsWarning)
        try:
            unit = u.Unit(re.sub(r"\s*/\s*", "/", spelled))
        except (ValueError, TypeError):
            return None
    return unit if isinstance(unit, u.UnitBase) else None
