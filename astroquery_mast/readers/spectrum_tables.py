"""Spectra in tables: one in all rows, or one in each row.

In: a table of a FITS file and its `Layout`.  Out: `Candidate` spectra, whose arrays are read when they are wanted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from astropy import units as u
from astropy.io import fits
from numpy.typing import NDArray

from ..exceptions import InvalidArgumentError, InvalidResponseError
from .spectrum_layouts import ERRORS_OF, LABELS, LENGTHS, UTYPES, Layout
from .spectrum_units import spelled_unit

Numbers = NDArray[Any]
# More points than any spectrum has whose wavelengths are given as a step.
_LONGEST = 1_000_000


class UnitChoice(NamedTuple):
    """What the user says of the columns: the one with the flux, and units that override those of the file."""

    flux_column: str | None = None
    flux_unit: u.UnitBase | None = None
    spectral_unit: u.UnitBase | None = None


@dataclass
class SpectrumArrays:
    """A spectrum before it is an object: the last axis is the spectral one."""

    wavelength: u.Quantity
    flux: u.Quantity
    error: u.Quantity | None
    mask: NDArray[np.bool_]
    meta: dict[str, Any]


class Candidate(NamedTuple):
    """Labels of a spectrum in a file, the header of its extension, and how it is read."""

    labels: Mapping[str, Any]
    header: fits.Header
    read: Callable[[], SpectrumArrays]


class _Row(NamedTuple):
    """Columns of one spectrum: by name in capitals, with units and the header of the extension."""

    values: Callable[[str], Any]
    units: Mapping[str, str]
    header: fits.Header

    def first(self, names: tuple[str, ...]) -> str | None:
        """The first of some columns that is there."""
        return next((name for name in names if name in self.units), None)


def table_spectra(hdu: Any, layout: Layout, choice: UnitChoice) -> Iterator[Candidate]:
    """Yield the spectra of a table; none if it has no column of wavelengths or of fluxes."""
    names = _names(hdu)
    units = {name: hdu.columns[column].unit or "" for name, column in names.items()}
    row = _Row(lambda name: hdu.data[names[name]], units, hdu.header)
    flux = choice.flux_column.upper() if choice.flux_column else row.first(layout.flux)
    if row.first(layout.wavelength) is None or flux is None:
        return
    if flux not in units:
        raise InvalidArgumentError(f"There is no column {flux!r}: flux_column may be one of {', '.join(units)}.")
    for one in _rows(row, flux, len(hdu.data)):
        yield Candidate(_labels(one), hdu.header, partial(_read, one, layout, choice))


def _rows(row: _Row, flux: str, count: int) -> list[_Row]:
    """Rows that are spectra: those of the table if they hold arrays, otherwise all of them are one."""
    if count and np.ndim(row.values(flux)[0]):
        return [row._replace(values=partial(_cell, row, number)) for number in range(count)]
    return [row] if count else []


def _names(hdu: Any) -> dict[str, str]:
    """Columns by their names in capitals; those of the Virtual Observatory's spectra also by what they hold."""
    names = {column.name.upper(): column.name for column in hdu.columns}
    for number, column in enumerate(hdu.columns, 1):
        utype = str(hdu.header.get(f"TUTYP{number}", "")).lower()
        for ending, name in UTYPES.items():
            if utype.endswith(ending):
                names.setdefault(name, column.name)
    return names


def _cell(row: _Row, number: int, name: str) -> Any:
    return row.values(name)[number]


def _labels(row: _Row) -> dict[str, Any]:
    """What tells a spectrum from the others of its file: from its row, or from the header of its extension."""
    return label_values(row.header, lambda name: row.values(name) if name in row.units else None)


def label_values(header: fits.Header, value_of: Callable[[str], Any] = lambda _: None) -> dict[str, Any]:
    """Return the labels of a spectrum, from columns and from keywords."""
    found: dict[str, Any] = {}
    for label, names in LABELS.items():
        for name in names:
            value = value_of(name)
            value = header.get(name) if value is None or np.ndim(value) else value
            value = value.item() if isinstance(value, np.generic) else value
            if value is not None and value != "":
                found.setdefault(label, value.strip() if isinstance(value, str) else value)
    return found


def _read(row: _Row, layout: Layout, choice: UnitChoice) -> SpectrumArrays:
    """The arrays of a spectrum, without what pads its row."""
    flux_name = _flux_name(row, layout, choice)
    error_name = row.first(ERRORS_OF.get(flux_name, (f"{flux_name}_ERROR", *_plain_errors(flux_name, layout))))
    wavelength, part = _wavelength(row, layout)
    flux = _fluxes(row, flux_name, part, wavelength.shape)
    mask, words = _mask(row, layout, part, flux)
    flux_unit = choice.flux_unit or _unit(row, flux_name, "flux_unit")
    error = None
    if error_name is not None:
        said = spelled_unit(row.units[error_name]) if row.units[error_name] else None
        error = u.Quantity(_fluxes(row, error_name, part, wavelength.shape), choice.flux_unit or said or flux_unit)
        error = error.to(flux_unit) if error.unit.is_equivalent(flux_unit) else error.value * flux_unit
    arrays = SpectrumArrays(
        wavelength=u.Quantity(wavelength, choice.spectral_unit or _spectral_unit(row, layout)),
        flux=u.Quantity(flux, flux_unit),
        error=error,
        mask=mask,
        meta={"flux_column": flux_name, "error_column": error_name, "mask_rule": words},
    )
    if "ERROR_LOWER" in row.units and error_name == "ERROR":
        arrays.meta["error_lower"] = _fluxes(row, "ERROR_LOWER", part, wavelength.shape) * flux_unit
    return arrays


def _plain_errors(flux_name: str, layout: Layout) -> tuple[str, ...]:
    """Columns of errors that say not of what they are the errors: of the column that the layout prefers."""
    return layout.errors if flux_name in layout.flux else ()


def _flux_name(row: _Row, layout: Layout, choice: UnitChoice) -> str:
    """The column of the flux: for extended sources of JWST the surface brightness, as in specutils."""
    if choice.flux_column:
        return choice.flux_column.upper()
    kind = row.values("SOURCE_TYPE") if "SOURCE_TYPE" in row.units else row.header.get("SRCTYPE")
    if str(kind).strip().upper() == "EXTENDED" and "SURF_BRIGHT" in row.units:
        return "SURF_BRIGHT"
    return str(row.first(layout.flux))


def _wavelength(row: _Row, layout: Layout) -> tuple[Numbers, slice]:
    """Wavelengths of a spectrum, and which part of the other columns belongs to them."""
    name = str(row.first(layout.wavelength))
    counted = row.first(LENGTHS)
    count = None if counted is None or np.ndim(row.values(counted)) else _whole(row, counted)
    wavelength = _numbers(row, name)
    if wavelength.ndim:
        return wavelength[:count], slice(0, count)
    if "DELTAW" not in row.units:
        raise InvalidResponseError(f"{name} is a single number, and there is no step: it gives no wavelengths.")
    # IUE: the first wavelength and the step; high dispersion starts at a pixel that is counted from 1.
    first = _whole(row, "STARTPIX") - 1 if "STARTPIX" in row.units else 0
    steps = np.arange(min(count or 0, _LONGEST), dtype=np.float64)
    return wavelength + _scalar(row, "DELTAW") * steps, slice(first, first + len(steps))


def _scalar(row: _Row, name: str) -> float:
    """A single number."""
    number = _numbers(row, name)
    if number.ndim:
        raise InvalidResponseError(f"{name} is not a single number: {number}.")
    return float(number)


def _whole(row: _Row, name: str) -> int:
    """A number that counts points."""
    number = _scalar(row, name)
    if not 0 <= number < math.inf:
        raise InvalidResponseError(f"{name} is no number of points: {number}.")
    return int(number)


def _fluxes(row: _Row, name: str, part: slice, shape: tuple[int, ...]) -> Numbers:
    """A number for each wavelength."""
    fluxes = np.atleast_1d(_numbers(row, name))[part]
    if fluxes.shape != shape:
        raise InvalidResponseError(f"{name} has {fluxes.size} values for {math.prod(shape)} wavelengths.")
    return fluxes


def _numbers(row: _Row, name: str) -> Numbers:
    """Floating-point numbers of a column, in the order of the machine's bytes."""
    array = np.asarray(row.values(name))
    if array.dtype.kind not in "fiu":
        raise InvalidResponseError(f"{name} has no numbers.")
    return native(array)


def native(array: Numbers) -> Numbers:
    """Return floating-point numbers in the order of the machine's bytes, copied out of the file."""
    return array.astype(array.dtype.newbyteorder("=") if array.dtype.kind == "f" else np.float64)


def _mask(row: _Row, layout: Layout, part: slice, flux: Numbers) -> tuple[NDArray[np.bool_], str]:
    """Points that are bad, and the rule in words."""
    mask, words = ~np.isfinite(flux), "flux is not finite"
    if layout.zero_is_missing:
        mask, words = mask | (flux == 0), f"{words}, or exactly 0"
    for rule in layout.rules:
        if rule.column in row.units:
            flags = np.atleast_1d(np.asarray(row.values(rule.column)))[part]
            if flags.dtype.kind not in "fiu" or flags.shape != flux.shape:
                raise InvalidResponseError(f"{rule.column} has no flag for each flux.")
            return mask | rule.is_bad(flags, row.header), f"{words}, or {rule.words}"
    return mask, words


def _spectral_unit(row: _Row, layout: Layout) -> u.UnitBase:
    unit = _unit(row, str(row.first(layout.wavelength)), "spectral_unit")
    if not unit.is_equivalent(u.m, u.spectral()):
        message = f"{unit} is not a unit of wavelengths: give the right one as spectral_unit."
        raise InvalidArgumentError(message)
    return unit


def _unit(row: _Row, name: str, argument: str) -> u.UnitBase:
    """The unit of a column."""
    unit = spelled_unit(row.units[name])
    if unit is None:
        message = f"The unit of {name}, {row.units[name]!r}, is not known: give the right one as {argument}."
        raise InvalidArgumentError(message)
    return unit
