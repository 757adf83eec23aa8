"""Layouts of spectra by mission: the roles of columns, and the flags of bad points.

In: the primary header of a file.  Out: a `Layout`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

Flags = NDArray[Any]
Names = tuple[str, ...]

# The flags that CALSTIS treats as serious if the header does not define them: all but 1024 and 32768.
_SERIOUS = 31743
_DO_NOT_USE = 1
# The most serious flag of NEWSIPS: points without a photometric correction.
_UNCORRECTED = -16384


class MaskRule(NamedTuple):
    """A column of flags, the rule for bad values in words, and the function that applies it."""

    column: str
    words: str
    is_bad: Callable[[Flags, fits.Header], NDArray[np.bool_]]


def _serious(flags: Flags, header: fits.Header) -> NDArray[np.bool_]:
    """Return a mask of the flags that are serious according to the header of the extension."""
    serious = header.get("SDQFLAGS")
    return np.asarray((flags.astype(np.int64) & (serious if isinstance(serious, int) else _SERIOUS)) != 0)


_HST = (
    MaskRule("DQ_WGT", "DQ_WGT is 0", lambda weight, _: weight == 0),
    MaskRule("DQ", "DQ has a flag that is in SDQFLAGS", _serious),
)
_JWST = MaskRule("DQ", "DQ has the flag DO_NOT_USE (1)", lambda flags, _: (flags.astype(np.int64) & _DO_NOT_USE) != 0)
_FUSE = MaskRule("QUALITY", "QUALITY is 0", lambda percent, _: percent <= 0)
_IUE = MaskRule("QUALITY", "QUALITY is -16384 or less", lambda flags, _: flags <= _UNCORRECTED)
_OTHERS = (
    MaskRule("EFF_EXPTIME", "EFF_EXPTIME is 0", lambda seconds, _: ~(seconds > 0)),
    MaskRule("DATAQUAL", "DATAQUAL is 0", lambda flags, _: flags == 0),
    MaskRule("DQ", "DQ is not 0", lambda flags, _: flags != 0),
)

_ERRORS = ("ERROR", "FLUX_ERROR", "FLUX_ERR", "ERR", "SIGMA", "STATERROR", "UNCERTAINTY", "ERRORS")


@dataclass(frozen=True)
class Layout:
    """Columns by role, in order of preference; with ``zero_is_missing``, fluxes of exactly 0 are masked."""

    wavelength: Names = ("WAVELENGTH", "WAVE", "LAMBDA", "WAVELENGTHS")
    flux: Names = ("FLUX", "FLUX_DENSITY", "FLAM", "FLUXES", "ABS_CAL")
    errors: Names = _ERRORS
    rules: tuple[MaskRule, ...] = _OTHERS
    zero_is_missing: bool = False


_LAYOUTS = {
    "HST": Layout(rules=(*_HST, *_OTHERS)),
    "JWST": Layout(rules=(_JWST,)),
    "FUSE": Layout(rules=(_FUSE, *_OTHERS)),
    "IUE": Layout(rules=(_IUE,), zero_is_missing=True),
}
#: Labels of the spectra in a file, and the columns and keywords with their values.
LABELS: dict[str, Names] = {
    "segment": ("SEGMENT",),
    "order": ("SPORDER", "SPECTRAL_ORDER", "ORDER"),
    "integration": ("INT_NUM",),
    "source_id": ("SOURCE_ID", "SOURCEID"),
    "slit": ("SLTNAME",),
    "aperture": ("APERTURE",),
    "extension": ("EXTVER",),
}
#: Columns with the number of valid points in a longer row.
LENGTHS = ("NELEM", "NPOINTS", "NELEMENTS")
#: Error columns whose names do not follow from that of the flux.
ERRORS_OF: dict[str, Names] = {"SURF_BRIGHT": ("SB_ERROR",), "BACKGROUND": ("BKGD_ERROR",)}
#: Endings of column utypes, in lower case, in tables that follow the IVOA spectral data model.
UTYPES = {
    "spectralaxis.value": "WAVELENGTH",
    "fluxaxis.value": "FLUX",
    "fluxaxis.accuracy.staterror": "ERROR",
}


def layout_of(primary: fits.Header) -> Layout:
    """Return the layout of the spectra of a file."""
    return _LAYOUTS.get(str(primary.get("TELESCOP", "")).strip().upper(), Layout())
