"""Quality flags of TESS and Kepler: the bits of cadences to remove.

In: a layout, and the user's ``quality_bitmask``.  Out: a bitmask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exceptions import InvalidArgumentError
from .light_curve_layouts import DETRENDED, LightCurveLayout

# Quality bits that are filtered out.  TESS: EXP-TESS-ARC-ICD-0014, table 28; Kepler and K2: Kepler Archive Manual,
# table 2-3.  The selections and their names are those of TessQualityFlags and KeplerQualityFlags in lightkurve.
_TESS_DEFAULT = 1 | 2 | 4 | 8 | 16 | 32 | 128 | 512 | 16384
_KEPLER_DEFAULT = 1 | 2 | 4 | 8 | 32 | 256 | 16384 | 65536 | 1048576
BITMASKS: Mapping[str, Mapping[str, int]] = {
    "TESS": {
        "none": 0,
        "default": _TESS_DEFAULT,
        "hard": _TESS_DEFAULT | 64 | 1024 | 2048 | 4096,
        "hardest": 65535,
    },
    "Kepler": {
        "none": 0,
        "default": _KEPLER_DEFAULT,
        "hard": _KEPLER_DEFAULT | 1024 | 128 | 8192 | 524288,
        "hardest": 2096639,
    },
}


def bitmask_for(layout: LightCurveLayout, choice: str | int, sector: int) -> int:
    """Return the quality bits of cadences to remove; see `check_bitmask` for the choices."""
    if not layout.has_bits:
        allowed = {"default"} if layout.quality is not None else {"default", "none"}
        if choice not in allowed:
            raise InvalidArgumentError(
                f"{layout.author} light curves have no quality bits: quality_bitmask must be 'default'."
            )
        return 0
    if isinstance(choice, int):
        return choice
    return BITMASKS[layout.mission][choice] | _own_bits(layout, choice, sector)


def _own_bits(layout: LightCurveLayout, choice: str, sector: int) -> int:
    """Return additional bits that are specific to a pipeline."""
    if layout.author == "QLP" and choice in {"hard", "hardest"}:
        # Points of low precision.
        return 2**30 if sector >= DETRENDED else 2**12
    if "ELEANOR" in layout.author and choice == "hardest":
        return 2**17 | 2**18
    return 0


def check_bitmask(choice: Any) -> str | int:
    """Return a valid ``quality_bitmask``: one of the four names, or an integer."""
    if isinstance(choice, str) and choice in BITMASKS["TESS"]:
        return choice
    if hasattr(choice, "__index__") and not isinstance(choice, bool) and int(choice) >= 0:
        return int(choice)
    names = ", ".join(map(repr, BITMASKS["TESS"]))
    raise InvalidArgumentError(f"quality_bitmask must be one of {names}, or a non-negative integer, got {choice!r}.")
