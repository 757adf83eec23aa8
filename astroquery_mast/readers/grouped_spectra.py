"""Spectra of FOS and GHRS, which have separate files for wavelengths, fluxes, errors and flags.

In: the open files.  Out: `Candidate` spectra, one for each group in the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import numpy as np
from astropy import units as u
from astropy.io import fits

from ..exceptions import InvalidArgumentError
from .spectrum_tables import Candidate, Numbers, SpectrumArrays, UnitChoice, native
from .spectrum_units import spelled_unit

#: HST instruments whose spectra are in several files.
GROUPED = frozenset({"FOS", "HRS", "GHRS"})
_WAVELENGTHS, _FLUXES, _ERRORS, _FLAGS = "c0", "c1", "c2", "cq"
# Flags from this value on mean that a point is not useful: dead diodes, saturation, filled data.
_USELESS = 200


def grouped_spectra(files: list[fits.HDUList], names: list[str], choice: UnitChoice) -> Iterator[Candidate]:
    """Yield the spectra of files that belong together; their names show what each of them contains."""
    parts = _parts(files, names)
    arrays = {part: np.atleast_2d(np.asarray(hdu.data)) for part, hdu in parts.items()}
    if len({array.shape for array in arrays.values()}) > 1:
        shapes = ", ".join(f"{part} {array.shape}" for part, array in arrays.items())
        raise InvalidArgumentError(f"The files do not belong to one spectrum: their shapes are {shapes}.")
    units = {
        _WAVELENGTHS: choice.spectral_unit or _unit(parts[_WAVELENGTHS], "spectral_unit"),
        _FLUXES: choice.flux_unit or _unit(parts[_FLUXES], "flux_unit"),
    }
    for number in range(len(arrays[_FLUXES])):
        group = {part: array[number] for part, array in arrays.items()}
        yield Candidate({"integration": number + 1}, parts[_FLUXES].header, partial(_read, group, units))


def _parts(files: list[fits.HDUList], names: list[str]) -> dict[str, fits.PrimaryHDU]:
    """Return the files by content; wavelengths and fluxes are required, and each may occur only once."""
    parts = {_part(name): hdus[0] for name, hdus in zip(names, files, strict=True)}
    if len(parts) != len(files) or not {_WAVELENGTHS, _FLUXES} <= parts.keys():
        given = ", ".join(names)
        message = f"product must be one product, or the files c0f and c1f (and c2f, cqf) of FOS or GHRS, got {given}."
        raise InvalidArgumentError(message)
    return parts


def _part(name: str) -> str:
    """Return the content of a file from the end of its name: ``c1`` for ``y0nv0101t_c1f.fits``."""
    found = re.search(r"[_.](c[012q])[fhd]", name.lower())
    return found[1] if found else ""


def _unit(hdu: fits.PrimaryHDU, argument: str) -> u.UnitBase:
    text = str(hdu.header.get("BUNIT", ""))
    unit = spelled_unit(text)
    if not text or unit is None:
        raise InvalidArgumentError(f"The unit {text!r} is not valid. Specify {argument}=.")
    return unit


def _read(group: dict[str, Numbers], units: dict[str, u.UnitBase]) -> SpectrumArrays:
    """Return the arrays of a group."""
    floats = {part: native(array) for part, array in group.items()}
    mask, words = ~np.isfinite(floats[_FLUXES]), "flux is not finite"
    if _FLAGS in floats:
        mask, words = mask | (floats[_FLAGS] >= _USELESS), f"{words}, or the flag of cqf is {_USELESS} or more"
    return SpectrumArrays(
        wavelength=floats[_WAVELENGTHS] * units[_WAVELENGTHS],
        flux=floats[_FLUXES] * units[_FLUXES],
        error=floats[_ERRORS] * units[_FLUXES] if _ERRORS in floats else None,
        mask=mask,
        meta={"flux_column": "c1f", "error_column": "c2f" if _ERRORS in floats else None, "mask_rule": words},
    )
