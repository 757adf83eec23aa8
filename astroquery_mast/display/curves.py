"""Plot spectra and light curves: values with units, and uncertainties as bands or error bars.

In: objects of specutils, lightkurve or astropy.  Out: matplotlib axes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import StdDevUncertainty
from astropy.time import Time, TimeDelta
from astropy.timeseries import TimeSeries

from ..exceptions import InvalidArgumentError
from ..sky.picture import numbers_of, pyplot
from ..tables.rows import Array
from .captions import flat_metadata, unit_label

_WIDTH, _HEIGHT = 9.0, 4.2
# Maximum number of spectra in a plot; more could not be distinguished.
_MOST_SPECTRA = 100
# Up to this number, spectra have distinct colors; more spectra get a color gradient.
_COLORS = 12
# Maximum number of points with error bars.
_MOST_BARS = 400
# The limits enclose these percentiles, and all other values within a multiple of their range; the last number is the
# margin.
_PERCENT, _FAR, _ROOM = (0.3, 99.7), 10.0, 0.08
# Columns of brightness, the best one first.
_FLUXES = ("flux", "pdcsap_flux", "cal_psf_flux", "cal_aper_flux", "sap_flux", "kspsap_flux", "det_flux", "mag")
_QUALITIES = ("quality", "sap_quality", "dquality")
# The name and zero point (Julian date) of the time of a mission, by mission or time format.
_ZEROS = {
    "TESS": ("BTJD", 2457000.0),
    "BTJD": ("BTJD", 2457000.0),
    "KEPLER": ("BKJD", 2454833.0),
    "K2": ("BKJD", 2454833.0),
    "BKJD": ("BKJD", 2454833.0),
}
_MJD = ("MJD", 2400000.5)


@dataclass(frozen=True)
class SpectrumLine:
    """A spectrum to plot: wavelengths, fluxes and errors (or None); masked points are NaN."""

    wavelength: u.Quantity
    flux: u.Quantity
    error: u.Quantity | None = None


# -- spectra ----------------------------------------------------------------------------------------------------------


def is_spectrum(content: Any) -> bool:
    """Return whether an object is a spectrum of specutils, or a list of spectra."""
    several = content if isinstance(content, list) and content else [content]
    return all(hasattr(each, "spectral_axis") and hasattr(each, "flux") for each in several)


def lines_of_spectra(content: Any) -> list[SpectrumLine]:
    """Return the spectra in an object of specutils: one spectrum, several on a common axis, a list, or a collection."""
    several = content if isinstance(content, list) else [content]
    return [line for each in several for line in _lines_of_spectrum(each)]


def _lines_of_spectrum(spectrum: Any) -> Iterator[SpectrumLine]:
    """Yield the spectra in an object of specutils."""
    axis, flux = u.Quantity(spectrum.spectral_axis), u.Quantity(spectrum.flux)
    return lines_of_arrays(axis, flux, _errors_of(spectrum, flux), getattr(spectrum, "mask", None))


def lines_of_arrays(
    wavelength: u.Quantity, flux: u.Quantity, error: u.Quantity | None, mask: Array | None
) -> Iterator[SpectrumLine]:
    """Yield the spectra in arrays with one row per spectrum; all spectra may share the wavelengths."""
    bad = np.zeros(flux.shape, dtype=bool) if mask is None else np.broadcast_to(np.asarray(mask, bool), flux.shape)
    values = np.where(bad, np.nan, flux.value.astype(float))
    for row in np.ndindex(values.shape[:-1]):
        axis = wavelength[row] if wavelength.ndim > 1 else wavelength
        yield SpectrumLine(axis, values[row] * flux.unit, None if error is None else error[row])


def _errors_of(spectrum: Any, flux: u.Quantity) -> u.Quantity | None:
    """Return the standard deviations in the unit of the flux, or None without uncertainties."""
    uncertainty = getattr(spectrum, "uncertainty", None)
    if uncertainty is None:
        return None
    deviation = uncertainty.represent_as(StdDevUncertainty)
    return u.Quantity(deviation.quantity, flux.unit)


def draw_spectra(spectra: Sequence[SpectrumLine], ax: Any, title: str) -> Any:
    """Plot spectra as lines with error bands; return the axes."""
    from matplotlib import colormaps  # noqa: PLC0415 - an optional dependency

    if not spectra:
        raise InvalidArgumentError("The file contains no spectrum to plot.")
    if len(spectra) > _MOST_SPECTRA:
        title += f"\nthe first {_MOST_SPECTRA} of {len(spectra):,} spectra"
    shown, ax = spectra[:_MOST_SPECTRA], _new_axes(ax)
    x_unit, y_unit = shown[0].wavelength.unit, shown[0].flux.unit
    values = []
    for number, line in enumerate(shown):
        x, y = line.wavelength.to_value(x_unit, u.spectral()), line.flux.to_value(y_unit)
        color = f"C{number}" if len(shown) <= _COLORS else colormaps["viridis"](number / len(shown))
        ax.plot(x, y, drawstyle="steps-mid", linewidth=0.8, color=color)
        if line.error is not None:
            error = line.error.to_value(y_unit)
            ax.fill_between(x, y - error, y + error, step="mid", alpha=0.25, linewidth=0, color=color)
        values.append(y)
    _limit(ax, np.concatenate(values))
    physical = {"length": "Wavelength", "frequency": "Frequency", "energy": "Energy"}
    ax.set_xlabel(unit_label(physical.get(str(x_unit.physical_type), "Spectral axis"), x_unit))
    ax.set_ylabel(unit_label("Flux", y_unit))
    ax.set_title(title, fontsize="medium")
    ax.ticklabel_format(axis="y", useMathText=True)
    ax.margins(x=0.01)
    return ax


# -- light curves -----------------------------------------------------------------------------------------------------


def draw_light_curve(series: TimeSeries, ax: Any, title: str) -> Any:
    """Plot a time series as points, with flagged points in gray; return the axes."""
    name = _brightness(series)
    values = numbers_of(series, name)
    times, label = _times(series)
    good = np.isfinite(values) & np.isfinite(times)
    if not good.any():
        raise InvalidArgumentError(f"The column '{name}' has no valid values to plot.")
    flagged = good & _flagged(series)
    # If all points are flagged, ignore the flags.
    plain = good & ~flagged if (good & ~flagged).any() else good
    ax = _new_axes(ax)
    style = {"linestyle": "none", "marker": ".", "markersize": 2.5 if good.sum() > _MOST_BARS else 5}
    if (flagged & ~plain).any():
        ax.plot(times[flagged], values[flagged], color="0.75", label=f"{flagged.sum():,} flagged", **style)
    _draw_points(ax, series, name, (times, values, plain), style)
    _limit(ax, values[plain])
    ax.set_xlabel(label)
    ax.set_ylabel(unit_label(name.replace("_", " ").replace("flux", "Flux"), getattr(series[name], "unit", None)))
    if "mag" in name.lower():
        ax.invert_yaxis()
    ax.set_title(title, fontsize="medium")
    if ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize="small", loc="upper right", markerscale=3)
    return ax


def _draw_points(ax: Any, series: TimeSeries, name: str, points: tuple[Array, Array, Array], style: Any) -> None:
    """Draw the good points, with error bars if there are not too many."""
    times, values, plain = points
    errors = f"{name}_err"
    if errors in series.colnames and plain.sum() <= _MOST_BARS:
        heights = numbers_of(series, errors, getattr(series[name], "unit", None))[plain]
        # A negative error means that the error is unknown; matplotlib does not accept it.
        heights = np.where(heights >= 0, heights, np.nan)
        ax.errorbar(times[plain], values[plain], heights, color="C0", elinewidth=0.6, **style)
    else:
        ax.plot(times[plain], values[plain], color="C0", **style)


def _brightness(series: TimeSeries) -> str:
    """Return the name of the column to plot."""
    others = [name for name in series.colnames if name != "time" and _is_brightness(series[name])]
    known = {name.lower(): name for name in others}
    found = next((known[name] for name in _FLUXES if name in known), next(iter(others), None))
    if found is None:
        raise InvalidArgumentError(f"No column of fluxes or magnitudes among {', '.join(series.colnames)}.")
    return str(found)


def _is_brightness(column: Any) -> bool:
    """Return whether a column has one floating-point number per time."""
    return bool(getattr(column, "ndim", 0) == 1 and getattr(column, "dtype", np.dtype("O")).kind == "f")


def _flagged(series: TimeSeries) -> Array:
    """Return a mask of the points with a nonzero quality flag."""
    names = {name.lower(): name for name in series.colnames}
    name = next((names[each] for each in _QUALITIES if each in names), None)
    return np.zeros(len(series), dtype=bool) if name is None else np.nan_to_num(numbers_of(series, name)) != 0


def _times(series: TimeSeries) -> tuple[Array, str]:
    """Return the times as numbers, and the label of the axis."""
    time = series.time
    if isinstance(time, TimeDelta):
        return np.ma.filled(np.ma.asarray(time.to_value("jd"), dtype=float), np.nan), "Time since the epoch (d)"
    if not isinstance(time, Time):
        return numbers_of(series, "time"), unit_label("Phase", getattr(time, "unit", None))
    facts = flat_metadata(series.meta)
    mission = str(facts.get("TELESCOP") or facts.get("MISSION") or "").upper()
    known = _ZEROS.get(str(time.format).upper()) or _ZEROS.get(mission) if time.scale == "tdb" else None
    name, zero = known or _MJD
    numbers = (np.ma.asarray(time.jd1) - zero) + np.ma.asarray(time.jd2)
    label = f"Time ({name}, BJD - {zero:.0f} d)" if known else f"Time ({name} {time.scale.upper()})"
    return np.ma.filled(np.ma.asarray(numbers, dtype=float), np.nan), label


# -- axes -------------------------------------------------------------------------------------------------------------


def _new_axes(ax: Any) -> Any:
    """Return the user's axes, or new ones."""
    if ax is None:
        return pyplot().figure(figsize=(_WIDTH, _HEIGHT), layout="constrained").add_subplot()
    if not hasattr(ax, "plot") or hasattr(ax, "wcs"):
        raise InvalidArgumentError(f"ax={ax!r:.60} must be matplotlib axes without sky coordinates.")
    return ax


def _limit(ax: Any, values: Array) -> None:
    """Set the limits so that a few outliers do not dominate the plot."""
    known = values[np.isfinite(values)]
    if not len(known):
        raise InvalidArgumentError("There are no valid values to plot.")
    low, high = np.percentile(known, _PERCENT)
    reach = _FAR * (high - low)
    near = known[(known >= low - reach) & (known <= high + reach)]
    room = _ROOM * float(np.ptp(near)) or 0.05 * abs(high) or 1.0
    ax.set_ylim(near.min() - room, near.max() + room)
