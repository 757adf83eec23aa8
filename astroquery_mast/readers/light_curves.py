"""Read light curves as `lightkurve.LightCurve`, or as `~astropy.timeseries.TimeSeries` without lightkurve.

In: a product.  Out: a time series, with the same columns and values in both cases.

lightkurve reads the formats that it supports.  This module creates the `TimeSeries`, because astropy's own readers
(``kepler.fits``, ``tess.fits``) only support local files of two pipelines, and no quality flags.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import Column, Table
from astropy.time import Time
from astropy.timeseries import TimeSeries

from ..exceptions import InvalidArgumentError, InvalidResponseError
from .light_curve_layouts import LightCurveLayout, is_target_pixels, light_curve_layout, names_in, sector_of
from .opened import opened_fits
from .quality_flags import bitmask_for, check_bitmask
from .time_references import time_reference
from .unreadable import contents, fitting_reader, one_product, product_name, reading_file

# Units in the spelling of pipelines.
_UNITS = {
    "e-/s": u.electron / u.s,
    "electrons/s": u.electron / u.s,
    "pixels": u.pix,
    "adu": u.adu,
    "degcelcius": u.deg_C,
    "ppm": u.def_unit("ppm", 1e-6 * u.dimensionless_unscaled),
}
_DAY = 86400.0
# Larger times are Julian dates regardless of the header; mission times have a later zero point.
_JULIAN = 2.4e6


def read_light_curve(
    product: Any,
    *,
    client: Any = None,
    flux_column: str | None = None,
    quality_bitmask: str | int = "default",
    as_time_series: bool = False,
) -> TimeSeries:
    """Read a light curve of TESS, Kepler or K2, or a high-level science product made from their data.

    Files are identified by their headers and columns: SPOC (also with 20 s cadence), TESS-SPOC, QLP, TGLC, ELEANOR,
    GSFC-ELEANOR-LITE, PATHOS, CDIPS, TASOC, Kepler, K2, K2SFF, K2SC, EVEREST and KEPSEISMIC.  Other FITS tables are
    supported if they have a time column with a defined zero point, and a flux column.

    Parameters
    ----------
    product : str, `~astropy.table.Row`, `~astropy.table.Table`, path-like, file-like or `~astropy.io.fits.HDUList`
        A row of a product table or manifest, a table with one row, a data URI, an https or s3 URL, the path of a file,
        or an open file.
    client : optional
        The client that opens the product, such as `Observations`.  By default, it is inferred from the product.
    flux_column : str, optional
        The column of the file to use as ``flux``, in upper or lower case, such as ``"sap_flux"``.  Defaults to the
        column that lightkurve uses for the pipeline: ``pdcsap_flux`` for SPOC and Kepler.
    quality_bitmask : {"none", "default", "hard", "hardest"} or int, default "default"
        Which cadences to remove by their quality flags: ``"default"`` removes useless cadences, ``"hard"`` also some
        that may be useful, and ``"hardest"`` all flagged ones; an integer is the bitmask itself.  The names are defined
        in ``TessQualityFlags`` and ``KeplerQualityFlags`` of lightkurve.  Only ``"default"`` and ``"none"`` are valid
        for K2SFF, TASOC and KEPSEISMIC, which have no flags, and only ``"default"`` for CDIPS.
    as_time_series : bool, default False
        Whether to return a `~astropy.timeseries.TimeSeries` even if lightkurve is installed.

    Returns
    -------
    ``lightkurve.LightCurve`` or `~astropy.timeseries.TimeSeries`
        One row per cadence, with ``time`` (`~astropy.time.Time`, usually barycentric and in the TDB scale), ``flux``
        and ``flux_err`` (NaN if the file has no uncertainties), and all columns of the file, in lower case and with
        their units.  Cadences without a time are removed.  A missing flux is NaN, or masked by lightkurve.  ``meta``
        has the keywords of both headers (such as ``SECTOR``, ``QUARTER``, ``CAMPAIGN``, ``CAMERA``, ``CCD``), and
        ``LABEL`` (the name of the target), ``TARGETID`` (its TIC, KIC or EPIC number), ``MISSION``, ``AUTHOR`` (the
        pipeline), ``FILENAME``, ``FLUX_ORIGIN`` (the column), ``EXPTIME`` (s), and ``QUALITY_BITMASK``.

        With lightkurve, the result is a ``TessLightCurve`` or a ``KeplerLightCurve``, which are subclasses of
        `TimeSeries`.

    Raises
    ------
    InvalidQueryError
        If there are several products, if the file does not contain a light curve (the message lists its contents and
        suggests a reader) or the column, or if ``quality_bitmask`` is not valid.
    LoginError
        If the file is under exclusive access.
    RemoteServiceError
        If the server fails, or the file is damaged.

    Examples
    --------
    >>> from astroquery_mast import Observations, readers
    >>> found = Observations.query_criteria(
    ...     target_name="307210830", provenance_name="SPOC", sequence_number=1
    ... )
    >>> products = Observations.get_product_list(found, verbose=False)
    >>> row = products[products["productSubGroupDescription"] == "LC"][0]
    >>> curve = readers.read_light_curve(row, as_time_series=True)
    >>> print(len(curve), curve["flux"].unit)
    3695 electron / s
    """
    chosen = check_bitmask(quality_bitmask)
    product = one_product(product, "read_light_curve")
    name = product_name(product)
    with reading_file(name), opened_fits(product, client) as hdus:
        layout = light_curve_layout(hdus, flux_column)
        if layout is None:
            raise InvalidArgumentError(_no_light_curve(hdus, name))
        _require_columns(hdus[layout.hdu], layout, name)
        bits = bitmask_for(layout, chosen, sector_of(hdus))
        if as_time_series or find_spec("lightkurve") is None:
            series = _time_series(hdus, layout, bits)
        else:
            series = _light_curve(hdus, layout, bits, chosen)
        _add_metadata(series.meta, hdus, layout, name, chosen)
    return series


def _no_light_curve(hdus: fits.HDUList, name: str) -> str:
    """Return the message for a file that is not a light curve, with the reader to use."""
    if is_target_pixels(hdus):
        advice = f"Download it, and use lightkurve.read. It contains {contents(hdus)}."
        return f"{name} is a target pixel file of TESS or Kepler, not a light curve. {advice}"
    return f"{name} does not contain a light curve, but {contents(hdus)}. Try readers.{fitting_reader(hdus)}."


def _require_columns(table: Any, layout: LightCurveLayout, name: str) -> None:
    """Raise if the file lacks the flux or time column."""
    columns = ", ".join(table.columns.names).lower()
    if layout.flux not in names_in(table):
        raise InvalidArgumentError(f"{name} has no column {layout.flux!r}. Columns: {columns}.")
    if layout.time not in names_in(table):
        raise InvalidResponseError(f"{name} has no time column. Columns: {columns}.")


# -- by lightkurve ---------------------------------------------------------------------------------------------------


def _light_curve(hdus: fits.HDUList, layout: LightCurveLayout, bits: int, chosen: str | int) -> Any:
    """Return a light curve of lightkurve, read by lightkurve if it supports the layout."""
    with warnings.catch_warnings():
        # lightkurve warns of missing optional dependencies.
        warnings.simplefilter("ignore")
        lightkurve = import_module("lightkurve")
    if not layout.in_lightkurve:
        kinds = {"TESS": lightkurve.TessLightCurve, "Kepler": lightkurve.KeplerLightCurve}
        return kinds.get(layout.mission, lightkurve.LightCurve)(data=_time_series(hdus, layout, bits))
    options: dict[str, Any] = {} if layout.author == "K2SFF" else {"flux_column": layout.flux}
    if layout.author == "KEPSEISMIC":
        options = {}
    if layout.has_bits:
        options["quality_bitmask"] = chosen
    if layout.author == "CDIPS":
        options["include_inst_errs"] = bool(layout.error)
    # Read the data first, so that network errors are not reported as a damaged file.
    _ = hdus[layout.hdu].data, len(hdus)
    try:
        curve = lightkurve.read(hdus, **options)
    except lightkurve.LightkurveError as err:
        cause = err.__cause__ or err
        raise ValueError(f"{type(cause).__name__}: {cause}") from err
    if str(curve.meta.get("FLUX_ORIGIN")).lower() != layout.flux or "flux" in names_in(hdus[layout.hdu]) - {
        layout.flux
    }:
        # Some readers of lightkurve support only one flux column.
        curve["flux"] = _as_quantity(curve[layout.flux])
    return curve


# -- by astropy ------------------------------------------------------------------------------------------------------


def _time_series(hdus: fits.HDUList, layout: LightCurveLayout, bits: int) -> TimeSeries:
    """Return a time series with the same columns as from lightkurve."""
    hdu = hdus[layout.hdu]
    table = Table.read(hdu, format="fits", unit_parse_strict="silent", mask_invalid=False)
    table.rename_columns(table.colnames, [name.lower() for name in table.colnames])
    for name in table.colnames:
        table[name].unit = _unit_of(table[name], layout.units.get(name))
    days = _days(table[layout.time])
    kept = np.isfinite(days)
    if bits or (layout.quality is not None and not layout.has_bits):
        kept &= _is_good(table, layout, bits)
    table.remove_column(layout.time)
    time = _times(days[kept], hdus, hdu, layout)
    series = TimeSeries(time=time, data=table[kept])
    series.meta = _cards(hdu, hdus[0])
    return _with_standard_columns(series, layout)


def _unit_of(column: Column, assigned: str | None) -> Any:
    """Return the unit of a column; None if it is not valid."""
    if column.unit is None or str(column.unit).lower() in {"", "unitless"}:
        return u.Unit(assigned) if assigned else None
    unit = _UNITS.get(str(column.unit).lower(), column.unit)
    unit = u.Unit(unit, parse_strict="silent")
    return None if isinstance(unit, u.UnrecognizedUnit) else unit


def _days(column: Column) -> Any:
    """Return times in days, with NaN for missing values."""
    if column.ndim != 1 or column.dtype.kind not in "fiu":
        raise ValueError(f"column {column.name} has values of type {column.dtype} instead of times")
    values = np.ma.filled(np.ma.asarray(column.data).astype(float), np.nan)
    is_duration = column.unit is not None and column.unit.is_equivalent(u.d)
    return values * column.unit.to(u.d) if is_duration else values


def _is_good(table: Table, layout: LightCurveLayout, bits: int) -> Any:
    """Return a mask of the cadences without any of the given quality bits."""
    if layout.quality not in table.colnames:
        return np.ones(len(table), dtype=bool)
    flags = np.ma.filled(np.ma.asarray(table[layout.quality].data), 0)
    if layout.has_bits:
        return flags.astype(np.int64) & bits == 0
    # CDIPS: G is good; frames of momentum dumps and coarse pointing are not in the files.
    return np.isin(flags.astype(str), ["G", "0"])


def _times(days: Any, hdus: fits.HDUList, hdu: Any, layout: LightCurveLayout) -> Time:
    """Return times in the scale named in the header."""
    whole, fraction = time_reference(hdus, hdu, layout)
    if len(days) and days.min() > _JULIAN:
        whole, fraction = 0.0, 0.0
    scale = str(hdu.header.get("TIMESYS") or hdus[0].header.get("TIMESYS") or "tdb").lower()
    if scale not in Time.SCALES:
        raise InvalidArgumentError(f"TIMESYS={scale!r} is not a time scale of astropy.")
    return Time(np.full(len(days), whole), days + fraction, format="jd", scale=scale)


def _cards(*hdus: Any) -> dict[str, Any]:
    """Return the keywords of headers without those about the storage of tables; later headers take precedence."""
    cards: dict[str, Any] = {}
    for hdu in hdus:
        for key in dict.fromkeys(hdu.header):
            value = hdu.header[key]
            text = key in {"COMMENT", "HISTORY"}
            cards[key] = "\n".join(map(str, value)) if text else None if isinstance(value, fits.Undefined) else value
    return {key: value for key, value in cards.items() if key and not _is_storage(key)}


def _is_storage(key: str) -> bool:
    stored = key.rstrip("0123456789")
    return stored in {"NAXIS", "TTYPE", "TFORM", "TUNIT", "TDISP", "TNULL", "TDIM", "TSCAL", "TZERO"} or key in {
        "SIMPLE",
        "XTENSION",
        "BITPIX",
        "PCOUNT",
        "GCOUNT",
        "TFIELDS",
        "EXTEND",
        "CHECKSUM",
        "DATASUM",
    }


def _with_standard_columns(series: TimeSeries, layout: LightCurveLayout) -> TimeSeries:
    """Return a time series with the standard columns of light curves in front of those of the file."""
    flux = _as_quantity(series[layout.flux])
    named = [name for name in (layout.error, "flux_err") if name in series.colnames]
    error = _as_quantity(series[named[0]]) if named else u.Quantity(np.full(len(series), np.nan), flux.unit)
    if "ELEANOR" in layout.author:
        # FLUX_ERR is the error of RAW_FLUX; relative errors are the same for all fluxes.
        series["raw_flux_err"] = error
        error = error if layout.flux == "raw_flux" else flux * error / _as_quantity(series["raw_flux"])
    columns = {"flux": flux, "flux_err": error, **_aliases(series, layout)}
    columns |= {name: series[name] for name in series.colnames if name not in {"time", *columns}}
    return TimeSeries(time=series.time, data=columns, meta=series.meta)


def _aliases(series: TimeSeries, layout: LightCurveLayout) -> dict[str, Any]:
    """Return columns of the file under their standard names."""
    aliases = {"quality": layout.quality, "cadenceno": layout.cadence}
    aliases |= dict(zip(("centroid_col", "centroid_row"), layout.centroids, strict=True))
    return {
        name: series[column].copy()
        for name, column in aliases.items()
        if column in series.colnames and name not in series.colnames
    }


def _as_quantity(column: Any) -> u.Quantity:
    """Return a numeric column with NaN for missing values."""
    values = getattr(column, "unmasked", column)
    values = values.value if isinstance(values, u.Quantity) else np.asarray(values)
    numbers = u.Quantity(values, column.unit or u.dimensionless_unscaled)
    missing = getattr(column, "mask", False)
    return np.where(missing, np.nan, numbers) if np.any(missing) else numbers


# -- metadata --------------------------------------------------------------------------------------------------------


def _add_metadata(meta: Any, hdus: fits.HDUList, layout: LightCurveLayout, name: str, chosen: str | int) -> None:
    """Add metadata about the target and the file to ``meta``, with the keys of lightkurve."""
    primary = hdus[0].header
    number = _number(meta)
    said = {
        "LABEL": primary.get("OBJECT", f"TIC {number}" if "TIC_ID" in meta else None),
        "MISSION": primary.get("MISSION", primary.get("TELESCOP")),
        "RA": primary.get("RA_OBJ"),
        "DEC": primary.get("DEC_OBJ"),
        "TARGETID": number,
        "QUALITY_BITMASK": chosen if layout.has_bits else None,
        "EXPTIME": _exposure(hdus[layout.hdu].header, primary),
    }
    if layout.normalized is not None:
        said["NORMALIZED"] = layout.normalized
    for key, value in said.items():
        if meta.get(key) is None:
            meta[key] = None if isinstance(value, fits.Undefined) else value
    meta |= {"AUTHOR": _author(layout, name), "FILENAME": name, "FLUX_ORIGIN": layout.flux}


def _number(meta: Any) -> Any:
    """Return the number of the target in the TIC, KIC or EPIC."""
    keys = ("TICID", "TIC_ID", "KEPLERID", "TARGETID")
    number = next((meta[key] for key in keys if meta.get(key) is not None), None)
    return int(str(number)) if str(number).isdecimal() else number


def _author(layout: LightCurveLayout, name: str) -> str:
    """Return the pipeline, from the file name if the headers are ambiguous."""
    return "TESS-SPOC" if layout.author == "SPOC" and "tess-spoc" in name.lower() else layout.author


def _exposure(*headers: fits.Header) -> float | None:
    """Return the exposure time of a cadence in seconds, as in the column ``t_exptime``."""
    for header in headers:
        frame, frames = header.get("FRAMETIM"), header.get("NUM_FRM")
        if isinstance(frame, int | float) and isinstance(frames, int | float):
            return round(float(frame * frames), 6)
    for header in headers:
        if isinstance(header.get("EXPTIME"), int | float):
            return float(header["EXPTIME"])
        if isinstance(header.get("TIMEDEL"), int | float):
            return round(float(header["TIMEDEL"]) * _DAY, 3)
    return None
