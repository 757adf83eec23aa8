"""Plot observation times and wavelength ranges as bars in lanes.

In: a table of observations.  Out: matplotlib axes with one lane for each value of a column.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Table

from ..exceptions import InvalidArgumentError
from ..sky.picture import (
    INSTRUMENT,
    color_scale,
    column_title,
    count_of,
    depth_colors,
    draw_color_bar,
    drawable_table,
    faint_lines,
    ink,
    numbers_of,
    planned_rows,
    pyplot,
    rows_by_value,
    short_label,
)
from ..tables.rows import Array

# Maximum number of lanes; rare values share the last one.
_LANES = 40
_WIDTH, _LANE_HEIGHT, _MARGIN, _LEAST_HEIGHT = 9.0, 0.26, 1.3, 2.6
# The height of a bar, and the offset of release dates below its middle, as fractions of a lane.
_BAR, _RELEASE = 0.56, 0.39
# Matplotlib dates are days since 1970, limited to the years 1 to 9999.
_EPOCH, _FIRST_DAY, _LAST_DAY = 40587.0, -719162.0, 2932896.0
_DAY = 86400.0
# Release dates closer than the time range divided by this number share a marker.
_MARKS = 400
# The color of observations without an exposure time.
_UNKNOWN = (0.75, 0.75, 0.75, 0.85)

# The ends of a bar, and the number of its lane.
_Range = tuple[float, float, int]


def plot_timeline(observations: Table, ax: Any = None, *, by: str = INSTRUMENT) -> Any:
    """Plot a timeline of observations and their release dates.

    Each observation is a bar from its start to its end, or a thin line if it is short, in the lane of its instrument.
    Planned observations (``calib_level`` -1) have dashed outlines. Triangles below the bars mark release dates: open
    triangles in the past, and filled ones in the future. A line leads to the latter from the end of the first
    observation that is still under exclusive access. A dotted line marks today.

    Parameters
    ----------
    observations : `~astropy.table.Table` or `~astropy.table.Row`
        Observations with the columns ``t_min`` and ``t_max`` (MJD), and optionally ``t_obs_release`` (MJD) for the
        release dates. Rows without a date are skipped and counted in the title.
    ax : `~matplotlib.axes.Axes`, optional
        The axes to draw on. By default, new axes.
    by : str
        The column that sets the lanes, such as ``"filters"`` or ``"proposal_id"``. Each value has one lane, the
        earliest at the top. If there are more than 40 values, the rarest share the last lane. Defaults to
        ``"instrument_name"``.

    Returns
    -------
    `~matplotlib.axes.Axes`
        The axes. Their x coordinates are matplotlib dates.

    Raises
    ------
    InvalidArgumentError
        If the table is empty or lacks a column, if no row has a date, or if ``ax`` is invalid.
    InvalidQueryError
        If matplotlib is not installed.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from astroquery_mast.display import plot_timeline
    >>> exposures = Table({"t_min": [59800.0, 59960.5], "t_max": [59800.2, 59960.6]})
    >>> exposures["instrument_name"] = ["NIRCAM/IMAGE", "MIRI/IMAGE"]
    >>> ax = plot_timeline(exposures)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['NIRCAM/IMAGE (1)', 'MIRI/IMAGE (1)']
    """
    table = drawable_table(observations, "t_min", "t_max", by)
    begin, end = _days(table, "t_min"), _days(table, "t_max")
    begin, end = np.fmin(begin, end), np.fmax(begin, end)
    placed = np.isfinite(begin)
    if not placed.any():
        raise InvalidArgumentError("None of the rows has a date in t_min or t_max.")
    lanes = _lanes(table, by, begin)
    own, ax = ax is None, _lane_axes(ax, lanes, column_title(table, by))
    planned = planned_rows(table)
    _draw_times(ax, lanes, (begin, end), planned)
    entries = _planned_entry(planned[placed])
    if "t_obs_release" in table.colnames:
        entries += _draw_releases(ax, lanes, end, _days(table, "t_obs_release"))
    _label_dates(ax)
    _title(ax, placed, "a date")
    _legend(ax, entries, own=own)
    return ax


def plot_wavelengths(observations: Table, ax: Any = None, *, by: str = INSTRUMENT) -> Any:
    """Plot the wavelength ranges of observations, colored by exposure time.

    Each wavelength range of an instrument is a bar. Its color is the longest exposure time of a single observation in
    that range. It is not the sum, which would count exposures again in combined images. Narrow bars are in front of
    wide ones. Ranges that have only planned observations (``calib_level`` -1) have dashed outlines.

    Parameters
    ----------
    observations : `~astropy.table.Table` or `~astropy.table.Row`
        Observations with the columns ``em_min`` and ``em_max``, in nm unless the columns have another unit, and
        optionally ``t_exptime`` in s. Rows without wavelengths are skipped and counted in the title.
    ax : `~matplotlib.axes.Axes`, optional
        The axes to draw on. By default, new axes.
    by : str
        The column that sets the lanes, such as ``"filters"``. Each value has one lane, the shortest wavelengths at the
        top. If there are more than 40 values, the rarest share the last lane. Defaults to ``"instrument_name"``.

    Returns
    -------
    `~matplotlib.axes.Axes`
        The axes. Their x coordinates are wavelengths in micrometers, on a logarithmic scale.

    Raises
    ------
    InvalidArgumentError
        If the table is empty or lacks a column, if no row has wavelengths, or if ``ax`` is invalid.
    InvalidQueryError
        If matplotlib is not installed.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from astroquery_mast.display import plot_wavelengths
    >>> exposures = Table({"filters": ["F200W", "F444W"], "t_exptime": [1200.0, 3600.0]})
    >>> exposures["em_min"], exposures["em_max"] = [1755.0, 3880.0], [2226.0, 4981.0]
    >>> ax = plot_wavelengths(exposures, by="filters")
    >>> ax.get_xlabel()
    'Wavelength (µm)'
    """
    table = drawable_table(observations, "em_min", "em_max", by)
    one, other = _micrometers(table, "em_min"), _micrometers(table, "em_max")
    low, high = np.fmin(one, other), np.fmax(one, other)
    placed = np.isfinite(low)
    if not placed.any():
        raise InvalidArgumentError("None of the rows has wavelengths in em_min or em_max.")
    lanes = _lanes(table, by, low)
    exposure = numbers_of(table, "t_exptime", u.s) if "t_exptime" in table.colnames else np.full(len(table), np.nan)
    own, ax = ax is None, _lane_axes(ax, lanes, column_title(table, by))
    ax.set_xscale("log")
    planned = planned_rows(table)
    _draw_ranges(ax, _ranges(lanes, low, high), exposure, planned)
    _label_wavelengths(ax)
    _title(ax, placed, "wavelengths")
    _legend(ax, _planned_entry(planned[placed]), own=own)
    return ax


# -- data and axes ---------------------------------------------------------------------------------------------------


def _days(table: Table, name: str) -> Array:
    """Return a column of dates as matplotlib dates; invalid dates are NaN."""
    days = numbers_of(table, name, u.d) - _EPOCH
    days[~((days >= _FIRST_DAY) & (days <= _LAST_DAY))] = np.nan
    return days


def _micrometers(table: Table, name: str) -> Array:
    """Return a column of wavelengths in micrometers; invalid values are NaN."""
    lengths = numbers_of(table, name, u.um)
    if getattr(table[name], "unit", None) is None:
        lengths = lengths / 1000.0
    lengths[~(np.isfinite(lengths) & (lengths > 0))] = np.nan
    return np.asarray(lengths)


def _lanes(table: Table, by: str, start: Array) -> dict[str, Array]:
    """Return the row numbers of each lane, sorted by the smallest start; rows without a start are not in any lane."""
    groups = rows_by_value(table[np.isfinite(start)], by, _LANES)
    placed = np.flatnonzero(np.isfinite(start))
    lanes = {label: placed[rows] for label, rows in groups.items()}
    ordered = sorted(lanes.items(), key=lambda lane: (lane[0].endswith(" others"), float(start[lane[1]].min())))
    return dict(ordered)


def _lane_axes(ax: Any, lanes: dict[str, Array], title: str) -> Any:
    """Return the user's axes, or new ones, with a label for each lane."""
    if ax is None:
        height = max(_LEAST_HEIGHT, _MARGIN + _LANE_HEIGHT * len(lanes))
        ax = pyplot().figure(figsize=(_WIDTH, height), layout="constrained").add_subplot()
    elif not hasattr(ax, "add_collection") or hasattr(ax, "wcs"):
        raise InvalidArgumentError(f"ax={ax!r:.60} must be matplotlib axes without sky coordinates.")
    labels = [f"{short_label(label)} ({len(rows):,})" for label, rows in lanes.items()]
    ax.set_yticks(range(len(lanes)), labels, fontsize="small" if len(lanes) > _LANES // 4 else "medium")
    ax.set_ylim(len(lanes) - 0.4, -0.6)
    ax.set_ylabel(title)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", **faint_lines())
    ax.set_axisbelow(True)
    return ax


def _title(ax: Any, placed: Array, what: str) -> None:
    """Set the title to the number of plotted and skipped observations."""
    missing = int((~placed).sum())
    words = count_of(int(placed.sum()), "observation")
    ax.set_title(words if not missing else f"{words} ({missing:,} more without {what})", fontsize="medium")


def _draw_bars(ax: Any, bars: Sequence[_Range], **style: Any) -> None:
    """Draw bars in lanes."""
    from matplotlib.collections import PolyCollection  # noqa: PLC0415 - an optional dependency

    half = _BAR / 2
    corners = [
        [(left, lane - half), (right, lane - half), (right, lane + half), (left, lane + half)]
        for left, right, lane in bars
    ]
    if corners:
        # The automatic limits of matplotlib 3.10 are wrong on a logarithmic scale.
        ax.add_collection(PolyCollection(corners, **style), autolim=False)
        ax.update_datalim(np.concatenate(corners))


def _bar_style(color: str, *, planned: bool) -> dict[str, Any]:
    """Return the style of bars, whose edges are visible even if the observation is short."""
    if planned:
        return {"facecolors": "none", "edgecolors": color, "linewidths": 1.0, "linestyles": "--"}
    return {"facecolors": (color, 0.5), "edgecolors": (color, 0.6), "linewidths": 1.1}


def _planned_entry(planned: Array) -> list[Any]:
    """Return the legend entry for planned observations, if there are any."""
    from matplotlib.patches import Patch  # noqa: PLC0415 - an optional dependency

    return [Patch(facecolor="none", edgecolor=ink(), linestyle="--", label="planned")] if planned.any() else []


def _legend(ax: Any, entries: list[Any], *, own: bool) -> None:
    """Add the legend: below new axes, or inside the user's axes."""
    if entries and own:
        ax.figure.legend(
            handles=entries, fontsize="small", ncols=len(entries), frameon=False, loc="outside lower center"
        )
    elif entries:
        ax.legend(handles=entries, fontsize="small")


# -- time ------------------------------------------------------------------------------------------------------------


def _draw_times(ax: Any, lanes: dict[str, Array], spans: tuple[Array, Array], planned: Array) -> None:
    """Draw the observations of all lanes, and set the limits around them."""
    begin, end = spans
    for number, rows in enumerate(lanes.values()):
        for dashed in (False, True):
            chosen = rows[planned[rows] == dashed]
            bars = sorted({(float(begin[row]), float(end[row]), number) for row in chosen})
            _draw_bars(ax, bars, **_bar_style(f"C{number % 10}", planned=dashed))
    ax.autoscale_view(scaley=False)


def _draw_releases(ax: Any, lanes: dict[str, Array], end: Array, release: Array) -> list[Any]:
    """Mark release dates, with one marker for nearby dates; return the legend entries."""
    today = time.time() / _DAY
    known = np.isfinite(release)
    shown = np.concatenate([release[known], end[np.isfinite(end)]])
    step = max(float(np.ptp(shown)) / _MARKS, 1.0)
    for number, rows in enumerate(lanes.values()):
        dated = rows[known[rows]]
        _, first = np.unique(np.round(release[dated] / step), return_index=True)
        dates = release[dated[first]]
        color, height = f"C{number % 10}", number + _RELEASE
        for passed in (True, False):
            chosen = dates[(dates <= today) == passed]
            ax.plot(chosen, np.full(len(chosen), height), **_release_style(color, passed=passed))
        waiting = dated[release[dated] > today]
        if len(waiting):
            since = np.nanmin(end[waiting])
            ax.plot([since, release[waiting].max()], [height, height], color=color, linewidth=0.8)
    ax.axvline(today, color=ink(), linewidth=1.0, linestyle=":")
    return _release_entries(release[known] <= today)


def _release_style(color: str, *, passed: bool) -> dict[str, Any]:
    """Return the style of release dates."""
    face = "none" if passed else color
    return {"color": color, "linestyle": "none", "marker": "^", "markersize": 4, "mew": 0.8, "markerfacecolor": face}


def _release_entries(passed: Array) -> list[Any]:
    """Return the legend entries for release dates."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - an optional dependency

    words = {True: "released", False: "exclusive until then"}
    entries = [
        Line2D([], [], **_release_style(ink(), passed=each), label=words[each])
        for each in sorted({*passed.tolist()}, reverse=True)
    ]
    return [*entries, Line2D([], [], color=ink(), linewidth=1.0, linestyle=":", label="today")]


def _label_dates(ax: Any) -> None:
    """Label the axis with concise dates."""
    from matplotlib import dates  # noqa: PLC0415 - an optional dependency

    ax.xaxis_date()
    locator = dates.AutoDateLocator()
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    ax.set_xlabel("Date (UTC)")


# -- wavelength ------------------------------------------------------------------------------------------------------


def _draw_ranges(ax: Any, ranges: Mapping[_Range, Array], exposure: Array, planned: Array) -> None:
    """Draw all ranges, the wide ones first."""
    exposure = np.where(exposure > 0, exposure, np.nan)
    scale = color_scale(exposure[~planned], depth_colors())
    bars: dict[bool, list[_Range]] = {False: [], True: []}
    colors = []
    for span in sorted(ranges, key=lambda span: span[0] - span[1]):
        made = exposure[ranges[span][~planned[ranges[span]]]]
        bars[not len(made)].append(span)
        if len(made):
            known = made[np.isfinite(made)]
            colors.append(scale.to_rgba(known.max(), alpha=0.85) if len(known) else _UNKNOWN)
    _draw_bars(ax, bars[False], facecolors=colors, edgecolors=ink(), linewidths=0.5)
    _draw_bars(ax, bars[True], **_bar_style(ink(), planned=True))
    ax.autoscale_view(scaley=False)
    if scale is not None:
        draw_color_bar(ax, scale, "Longest exposure (s)")


def _ranges(lanes: dict[str, Array], low: Array, high: Array) -> dict[_Range, Array]:
    """Return the row numbers of each wavelength range in each lane."""
    found: dict[_Range, list[int]] = {}
    for number, rows in enumerate(lanes.values()):
        for row in rows.tolist():
            found.setdefault((round(float(low[row]), 6), round(float(high[row]), 6), number), []).append(row)
    return {span: np.array(rows) for span, rows in found.items()}


def _label_wavelengths(ax: Any) -> None:
    """Label the axis with wavelengths as plain numbers."""
    from matplotlib import ticker  # noqa: PLC0415 - an optional dependency

    ax.xaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(ticker.NullFormatter())
    ax.set_xlabel("Wavelength (µm)")
