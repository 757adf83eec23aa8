"""Read spectra of all missions as objects of specutils.

In: a product in any form, or a file.  Out: one `specutils.Spectrum`, or a list of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import StdDevUncertainty
from astropy.table import Table

from ..downloads.contents import readable
from ..downloads.fits_headers import header_text
from ..exceptions import CorruptDataWarning, InvalidArgumentError, InvalidQueryError
from ..tables.columns import did_you_mean
from ..warn import warn_user
from .grouped_spectra import GROUPED, grouped_spectra
from .opened import opened_fits
from .rectified_spectra import rectified_spectra
from .spectrum_layouts import LABELS, layout_of
from .spectrum_tables import Candidate, SpectrumArrays, UnitChoice, table_spectra
from .unreadable import product_name

if TYPE_CHECKING:
    import specutils

# Number of labels that a message lists.
_SHOWN = 20
# Extensions of light curves and of target pixels.
_TIME_SERIES = frozenset({"LIGHTCURVE", "PIXELS", "TARGETTABLES"})


def read_spectrum(
    product: Any,
    *,
    client: Any = None,
    flux_column: str | None = None,
    flux_unit: u.UnitBase | str | None = None,
    spectral_unit: u.UnitBase | str | None = None,
    **select: Any,
) -> specutils.Spectrum | specutils.SpectrumList:
    """Read the spectra of a product: fluxes with units, uncertainties and masks.

    This function reads spectra of HST (STIS, COS, FOS, GHRS, and coadded ones), JWST (``x1d``, ``x1dints``, ``c1d``,
    ``s2d``), FUSE, IUE and high-level science products. Points with bad quality flags are masked, and padding in table
    rows is removed. `Reading spectra`_ lists the columns and flags of each mission.

    .. _Reading spectra: https://astroquery-mast.readthedocs.io/en/latest/reading_spectra.html

    Parameters
    ----------
    product : `~astropy.table.Row`, `~astropy.table.Table`, str, `~pathlib.Path` or `~astropy.io.fits.HDUList`
        A row of a product table, a table with one row, the URI or URL of a file, the path of a file, or an open FITS
        file. Only the required parts of the file are read. FOS and GHRS have separate files for wavelengths, fluxes,
        errors and flags: pass them together, as a table or a list.
    client : object, optional
        The client that opens the file, such as ``Observations``. By default, it is inferred from the product.
    flux_column : str, optional
        The column to read as flux, such as ``"NET"``. Defaults to the calibrated flux, or to the surface brightness for
        extended sources of JWST.
    flux_unit, spectral_unit : `~astropy.units.Unit` or str, optional
        The units of the flux and of the wavelengths, for files in which they are missing or wrong.
    **select
        Labels that select spectra in a file with several, each a value or a list of values: ``segment`` (COS),
        ``order`` (echelle spectra, slitless spectra of JWST), ``integration`` and ``source_id`` (JWST), ``slit``
        (NIRSpec), ``aperture`` (IUE), ``extension`` (the number among the extensions of the same name). Other spectra
        are not read.

    Returns
    -------
    spectrum : `specutils.Spectrum` or `specutils.SpectrumList`
        A single spectrum, or a list of all spectra in the order of the file if there are several. The spectral axis is
        in the unit of the file. ``uncertainty`` is a `~astropy.nddata.StdDevUncertainty` in the unit of the flux, or
        None. ``mask`` is True for bad points. ``meta`` has the labels, ``header`` (of the file), ``extension_header``,
        ``target``, ``telescope``, ``instrument``, ``product`` (the name of the file), ``flux_column``,
        ``error_column``, ``mask_rule`` (in words), and ``medium`` (``"vacuum"`` or ``"air"``) if the header specifies
        it. Rectified spectra (``s2d``) have two dimensions, with the spectral axis last.

    Raises
    ------
    ~astroquery.exceptions.InvalidQueryError
        If specutils is not installed, if the file has no spectrum, if no spectrum has the labels, or if an argument is
        not valid.
    ~astroquery.exceptions.RemoteServiceError
        If the file is damaged, or cannot be downloaded.

    Warns
    -----
    ~astroquery_mast.exceptions.CorruptDataWarning
        If wavelengths are repeated. The first point of each is kept.

    Examples
    --------
    >>> from astroquery_mast import Observations
    >>> from astroquery_mast.readers import read_spectrum
    >>> observations = Observations.query_criteria(
    ...     target_name="3C273", instrument_name="COS/FUV", calib_level=3
    ... )
    >>> products = Observations.get_product_list(observations[:1])
    >>> combined = Observations.filter_products(products, productSubGroupDescription="X1DSUM")
    >>> [segment.meta["segment"] for segment in read_spectrum(combined[0])]
    ['FUVA', 'FUVB']
    >>> read_spectrum(combined[0], segment="FUVA").flux.unit
    Unit("erg / (Angstrom s cm2)")
    """
    made = _specutils()
    choice = UnitChoice(flux_column, _as_unit(flux_unit, "flux_unit"), _as_unit(spectral_unit, "spectral_unit"))
    products = _products(product)
    names = list(map(product_name, products))
    with readable(names[0]), ExitStack() as stack:
        files = [stack.enter_context(opened_fits(one, client)) for one in products]
        found = _read(made, files, names, choice, select)
    return found[0] if len(found) == 1 else made.SpectrumList(found)


def _read(
    made: Any, files: list[fits.HDUList], names: list[str], choice: UnitChoice, select: Mapping[str, Any]
) -> list[Any]:
    """Return the spectra of a file, or of files that belong together."""
    first, name = files[0], names[0]
    candidates = list(_candidates(first, choice) if len(files) == 1 else grouped_spectra(files, names, choice))
    if not candidates:
        raise InvalidQueryError(f"{name} has no spectrum: {_file_contents(first)}")
    headers = _Headers(name, first[0].header.copy())
    read = ((one, _without_padding(one.read())) for one in _selected(candidates, select))
    found = [_spectrum(made, one, arrays, headers) for one, arrays in read if arrays.wavelength.size]
    if not found:
        raise InvalidQueryError(f"{name} has no spectrum: all points are padding without a wavelength.")
    return found


def _products(product: Any) -> list[Any]:
    """Return the products of a spectrum: one, or several files of FOS and GHRS."""
    if not isinstance(product, Table | list | tuple):
        return [product]
    if not len(product):
        raise InvalidArgumentError("No product specified: product is empty.")
    return [product] if isinstance(product, fits.HDUList) else list(product)


def _specutils() -> Any:
    """Import specutils."""
    try:
        import specutils  # noqa: PLC0415 - an optional dependency, which takes a second to import
    except ImportError as err:
        message = f"read_spectrum requires specutils ({err}): pip install 'astroquery_mast[spectra]'"
        raise InvalidQueryError(message) from err
    return specutils


def _as_unit(unit: u.UnitBase | str | None, argument: str) -> u.UnitBase | None:
    try:
        return None if unit is None else u.Unit(unit)
    except (ValueError, TypeError) as err:
        raise InvalidArgumentError(f"{argument}={unit!r} is not a unit: {err}") from err


# -- selection -----------------------------------------------------------------------------------------------------


def _candidates(hdus: fits.HDUList, choice: UnitChoice) -> Iterator[Candidate]:
    """Yield the spectra of a file, in tables and in rectified images."""
    tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU | fits.TableHDU) and hdu.name != "ASDF"]
    for hdu in tables:
        yield from table_spectra(hdu, layout_of(hdus[0].header), choice)
    yield from rectified_spectra(hdus)


def _selected(candidates: list[Candidate], select: Mapping[str, Any]) -> list[Candidate]:
    """Return the spectra with the given labels."""
    for label, wanted in select.items():
        if label not in LABELS:
            raise InvalidArgumentError(f"{label!r} is not a label of spectra. {did_you_mean(label, LABELS)}")
        present = {one.labels.get(label): None for one in candidates}
        values = [wanted] if isinstance(wanted, str) or not np.iterable(wanted) else list(wanted)
        candidates = [one for one in candidates if one.labels.get(label) in values]
        if not candidates:
            known = ", ".join(map(repr, list(present)[:_SHOWN])) if set(present) != {None} else "no such label"
            raise InvalidArgumentError(f"No spectrum has {label}={wanted!r}: the file has {known}.")
    return candidates


def _file_contents(hdus: fits.HDUList) -> str:
    """Return a message with the contents of a file without spectra, and the reader to use."""
    extensions = ", ".join(f"{hdu.name or 'unnamed'} ({_form(hdu)})" for hdu in hdus)
    return f"it contains {extensions}. Try {_reader_of(hdus)}."


def _reader_of(hdus: fits.HDUList) -> str:
    """Return the reader for the contents of a file."""
    if str(hdus[0].header.get("INSTRUME")).strip() in GROUPED:
        return "its files of wavelengths (c0f) and fluxes (c1f) together"
    if {hdu.name for hdu in hdus} & _TIME_SERIES:
        return "read_light_curve"
    if any(hdu.is_image and len(hdu.shape) == 2 for hdu in hdus):
        return "read_image"
    return "read_product" if all(hdu.is_image or hdu.name == "ASDF" for hdu in hdus) else "read_catalog"


def _form(hdu: Any) -> str:
    """Return the contents of an extension in a few words."""
    if not hdu.is_image:
        return f"table of {hdu.header['NAXIS2']} rows"
    return "image of " + " x ".join(map(str, hdu.shape[::-1])) + " pixels" if hdu.shape else "header only"


# -- spectra as objects --------------------------------------------------------------------------------------------


class _Headers:
    """The headers for all spectra of a file, each copied once, because a file may have thousands of spectra."""

    def __init__(self, product: str, primary: fits.Header) -> None:
        self.primary = primary
        self._copies: dict[int, fits.Header] = {}
        self.common = {
            "target": header_text(primary, "TARGNAME", "TARGPROP", "OBJECT", "HLSPTARG", "LTARGET", "STARGET"),
            "telescope": header_text(primary, "TELESCOP"),
            "instrument": header_text(primary, "INSTRUME", "CAMERA"),
            "product": product,
            "header": primary,
        }

    def of_extension(self, header: fits.Header) -> fits.Header:
        """Return the copy of the header of an extension."""
        if id(header) not in self._copies:
            self._copies[id(header)] = header.copy()
        return self._copies[id(header)]


def _spectrum(made: Any, candidate: Candidate, arrays: SpectrumArrays, headers: _Headers) -> Any:
    """Return a spectrum as an object of specutils."""
    extension = headers.of_extension(candidate.header)
    meta = {**candidate.labels, **headers.common, **arrays.meta, "extension_header": extension}
    medium = _medium(extension) or _medium(headers.primary)
    return made.Spectrum(
        flux=arrays.flux,
        spectral_axis=arrays.wavelength,
        uncertainty=None if arrays.error is None else StdDevUncertainty(arrays.error),
        mask=arrays.mask,
        meta=meta if medium is None else {**meta, "medium": medium},
    )


def _without_padding(arrays: SpectrumArrays) -> SpectrumArrays:
    """Return a spectrum without padding, and with strictly increasing or decreasing wavelengths."""
    value = arrays.wavelength.value
    kept = np.flatnonzero(np.isfinite(value) & (value > 0))
    steps = np.diff(value[kept])
    if not ((steps > 0).all() or (steps < 0).all()):
        _, first = np.unique(value[kept], return_index=True)
        if len(first) < len(kept):
            said = f"{len(kept) - len(first)} of {len(kept)} points repeat a wavelength. The first of each is kept."
            warn_user(said, CorruptDataWarning)
        kept = kept[first]
    if len(kept) == len(value) and (np.diff(kept) == 1).all():
        return arrays
    return SpectrumArrays(
        wavelength=arrays.wavelength[kept],
        flux=arrays.flux[..., kept],
        error=None if arrays.error is None else arrays.error[..., kept],
        mask=arrays.mask[..., kept],
        meta={key: one[kept] if isinstance(one, u.Quantity) else one for key, one in arrays.meta.items()},
    )


def _medium(header: fits.Header) -> str | None:
    """Return whether the wavelengths are in vacuum or in air; None if the header does not specify it."""
    if isinstance(header.get("VACUUM"), bool):
        return "vacuum" if header["VACUUM"] else "air"
    said = (header_text(header, "AIRORVAC", "WAVETYPE", "WAVEMED") or "").lower()
    kind = (header_text(header, "CTYPE1", "TCTYP1") or "").upper()
    if said.startswith("vac") or kind.startswith("WAVE"):
        return "vacuum"
    return "air" if said.startswith("air") or kind.startswith("AWAV") else None
