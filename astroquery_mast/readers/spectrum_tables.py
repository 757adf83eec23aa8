"""Spectra in tables: one spectrum in all rows, or one in each row.

In: a table of a FITS file and its `Layout`.  Out: `Candidate` spectra, whose arrays are read on demand.
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
# Limit on the number of points for wavelengths defined by a step; no spectrum has more.
_LONGEST = 1_000_000


class UnitChoice(NamedTuple):
    """The user's choice of the flux column, and units that override those of the file."""

    flux_column: str | None = None
    flux_unit: u.UnitBase | None = None
    spectral_unit: u.UnitBase | None = None


@dataclass
class SpectrumArrays:
    """A spectrum as arrays; the spectral axis is the last one."""

    wavelength: u.Quantity
    flux: u.Quantity
    error: u.Quantity | None
    mask: NDArray[np.bool_]
    meta: dict[str, Any]


class Candidate(NamedTuple):
    """The labels of a spectrum in a file, the header of its extension, and the function that reads it."""

    labels: Mapping[str, Any]
    header: fits.Header
    read: Callable[[], SpectrumArrays]


class _Row(NamedTuple):
    """The columns of a spectrum by name in upper case, with units and the header of the extension."""

    values: Callable[[str], Any]
    units: Mapping[str, str]
    header: fits.Header

    def first(self, names: tuple[str, ...]) -> str | None:
        """Return the first of the columns that exists, or None."""
        return next((name for name in names if name in self.units), None)


def table_spectra(hdu: Any, layout: Layout, choice: UnitChoice) -> Iterator[Candidate]:
    """Yield the spectra of a table; none without a column of wavelengths or fluxes."""
    names = _names(hdu)
    units = {name: hdu.columns[column].unit or "" for name, column in names.items()}
    row = _Row(lambda name: hdu.data[names[name]], units, hdu.header)
    flux = choice.flux_column.upper() if choice.flux_column else row.first(layout.flux)
    if row.first(layout.wavelength) is None or flux is None:
        return
    if flux not in units:
        raise InvalidArgumentError(f"flux_column={flux!r} is not a column of the table. Columns: {', '.join(units)}.")
    for one in _rows(row, flux, len(hdu.data)):
        yield Candidate(_labels(one), hdu.header, partial(_read, one, layout, choice))


def _rows(row: _Row, flux: str, count: int) -> list[_Row]:
    """Return one item per row if the rows contain arrays, otherwise one item for the whole table."""
    if count and np.ndim(row.values(flux)[0]):
        return [row._replace(values=partial(_cell, row, number)) for number in range(count)]
    return [row] if count else []


def _names(hdu: Any) -> dict[str, str]:
    """Return the columns by their names in upper case, and columns with IVOA utypes also by standard names."""
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
    """Return the labels of a spectrum, from its row or from the header of its extension."""
    return label_values(row.header, lambda name: row.values(name) if name in row.units else None)


def label_values(header: fits.Header, value_of: Callable[[str], Any] = lambda _: None) -> dict[str, Any]:
    """Return the labels of a spectrum, from columns or from keywords."""
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
    """Return the arrays of a spectrum without padding."""
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
    """Return generic error columns, which belong to the flux columns of the layout only."""
    return layout.errors if flux_name in layout.flux else ()


def _flux_name(row: _Row, layout: Layout, choice: UnitChoice) -> str:
    """Return the flux column; the surface brightness for extended sources of JWST, as in specutils."""
    if choice.flux_column:
        return choice.flux_column.upper()
    kind = row.values("SOURCE_TYPE") if "SOURCE_TYPE" in row.units else row.header.get("SRCTYPE")
    if str(kind).strip().upper() == "EXTENDED" and "SURF_BRIGHT" in row.units:
        return "SURF_BRIGHT"
    return str(row.first(layout.flux))


def _wavelength(row: _Row, layout: Layout) -> tuple[Numbers, slice]:
    """Return the wavelengths of a spectrum, and the corresponding part of the other columns."""
    name = str(row.first(layout.wavelength))
    counted = row.first(LENGTHS)
    count = None if counted is None or np.ndim(row.values(counted)) else _point_count(row, counted)
    wavelength = _numbers(row, name)
    if wavelength.ndim:
        return wavelength[:count], slice(0, count)
    if "DELTAW" not in row.units:
        raise InvalidResponseError(f"{name} is a single number, and there is no wavelength step DELTAW.")
    # IUE: the first wavelength and the step; high-dispersion spectra also have the first pixel, counted from 1.
    first = _point_count(row, "STARTPIX") - 1 if "STARTPIX" in row.units else 0
    steps = np.arange(min(count or 0, _LONGEST), dtype=np.float64)
    return wavelength + _scalar(row, "DELTAW") * steps, slice(first, first + len(steps))


def _scalar(row: _Row, name: str) -> float:
    """Return a column value that must be a single number."""
    number = _numbers(row, name)
    if number.ndim:
        raise InvalidResponseError(f"{name} is not a single number: {number}.")
    return float(number)


def _point_count(row: _Row, name: str) -> int:
    """Return a number of points."""
    number = _scalar(row, name)
    if not 0 <= number < math.inf:
        raise InvalidResponseError(f"{name} is not a valid number of points: {number}.")
    return int(number)


def _fluxes(row: _Row, name: str, part: slice, shape: tuple[int, ...]) -> Numbers:
    """Return a column with one number per wavelength."""
    fluxes = np.atleast_1d(_numbers(row, name))[part]
    if fluxes.shape != shape:
        raise InvalidResponseError(f"{name} has {fluxes.size} values for {math.prod(shape)} wavelengths.")
    return fluxes


def _numbers(row: _Row, name: str) -> Numbers:
    """Return the floating-point numbers of a column in native byte order."""
    array = np.asarray(row.values(name))
    if array.dtype.kind not in "fiu":
        raise InvalidResponseError(f"{name} is not numeric.")
    return native(array)


def native(array: Numbers) -> Numbers:
    """Return a copy as floating-point numbers in native byte order."""
    return array.astype(array.dtype.newbyteorder("=") if array.dtype.kind == "f" else np.float64)


def _mask(row: _Row, layout: Layout, part: slice, flux: Numbers) -> tuple[NDArray[np.bool_], str]:
    """Return the mask of bad points, and the rule in words."""
    mask, words = ~np.isfinite(flux), "flux is not finite"
    if layout.zero_is_missing:
        mask, words = mask | (flux == 0), f"{words}, or exactly 0"
    for rule in layout.rules:
        if rule.column in row.units:
            flags = np.atleast_1d(np.asarray(row.values(rule.column)))[part]
            if flags.dtype.kind not in "fiu" or flags.shape != flux.shape:
                raise InvalidResponseError(f"{rule.column} does not have one flag per flux value.")
            return mask | rule.is_bad(flags, row.header), f"{words}, or {rule.words}"
    return mask, words


def _spectral_unit(row: _Row, layout: Layout) -> u.UnitBase:
    unit = _unit(row, str(row.first(layout.wavelength)), "spectral_unit")
    if not unit.is_equivalent(u.m, u.spectral()):
        message = f"{unit} is not a spectral unit. Specify spectral_unit=."
        raise InvalidArgumentError(message)
    return unit


def _unit(row: _Row, name: str, argument: str) -> u.UnitBase:
    """Return the unit of a column."""
    unit = spelled_unit(row.units[name])
    if unit is None:
        message = f"The unit of {name}, {row.units[name]!r}, is not valid. Specify {argument}=."
        raise InvalidArgumentError(message)
    return unit
