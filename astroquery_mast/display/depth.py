"""Depth maps: how long, or how often, each position on the sky was observed.

In: a table of observations.  Out: matplotlib axes with sky coordinates and an image of the sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Table

from ..exceptions import InvalidArgumentError
from ..query.values import is_integer
from ..sky.coloring import drawable_outlines
from ..sky.depth import depth_sums
from ..sky.outlines import Outlines
from ..sky.picture import (
    color_scale,
    column_title,
    count_of,
    depth_colors,
    draw_color_bar,
    drawable_table,
    drawn_text,
    numbers_of,
    planned_rows,
    pyplot,
    rows_by_value,
    short_label,
)
from ..sky.shapes import Circle
from ..sky.sky_axes import SkyView, angle_text, axes_pixels, check_sky_axes, draw_search, search_circle
from ..sky.sphere import unit_vectors
from ..tables.rows import Array, Floats, RowNumbers

_EXPOSURE = "t_exptime"
# Default and maximum number of pixels along the longer side; more would not fit on any screen.
_PIXELS, _MOST_PIXELS = 500, 4000
# With `by`: the maximum number of panels, the panels per row, and the size of a panel in inches.
_PANELS, _PER_ROW, _PANEL = 9, 3, 3.4
# Numbers from this value on are written without decimals.
_LARGE = 100


def plot_depth(
    table: Table,
    ax: Any = None,
    *,
    coordinates: Any = None,
    radius: Any = None,
    by: str | None = None,
    weight: str | None = _EXPOSURE,
    pixels: int = _PIXELS,
) -> Any:
    """Plot an exposure map: how long, or how often, each position on the sky was observed.

    The value of a pixel is the sum over all observations whose footprints contain the center of the pixel, computed
    exactly on the sphere. An observation whose footprint contains no pixel center adds to the nearest pixel. The color
    scale is logarithmic if the values differ by more than a factor of 10. Pixels without any observation are empty.

    A combined image and its individual exposures are separate observations at different calibration levels. Select one
    level first, such as ``table[table["calib_level"] == 3]``, or their exposure times count twice.

    Parameters
    ----------
    table : `~astropy.table.Table` or `~astropy.table.Row`
        Observations with the column ``s_region``. Planned observations (``calib_level`` -1), rows without a footprint
        and rows without a positive ``weight`` are skipped and counted in the title.
    ax : `~astropy.visualization.wcsaxes.WCSAxes`, optional
        The axes to draw on. Their limits do not change. By default, new axes show all footprints.
    coordinates : `~astropy.coordinates.SkyCoord` or str, optional
        The target, or the center of the search, as in `ObservationsClass.query_region`. A cross marks it.
        Object names are not resolved here: use `ObservationsClass.resolve_object`.
    radius : float, str or `~astropy.units.Quantity`, optional
        The search radius around ``coordinates``; a number is in degrees. The circle is drawn, and new axes show this
        circle only.
    by : str, optional
        Plot one panel for each value of this column, such as ``"filters"`` or ``"instrument_name"``, with the same
        limits and colors. If the column has more than 9 values, the rarest share the last panel. By default, there is a
        single panel.
    weight : str, optional
        The column to add up. Defaults to ``"t_exptime"``, in seconds. With None, observations are counted.
    pixels : int
        The number of pixels along the longer side of the map, from 2 to 4,000. Defaults to 500.

    Returns
    -------
    `~astropy.visualization.wcsaxes.WCSAxes` or list of them
        The axes; with ``by``, a list with one for each panel. ``ax.images[-1].get_array()`` is the map, a masked array
        of shape ``(ny, nx)`` with the bottom row first.

    Raises
    ------
    InvalidArgumentError
        If the table is empty or lacks a column, if an argument is invalid, or if no observation can be plotted.
    InvalidQueryError
        If no row has a footprint, if ``ax`` has no sky coordinates, or if matplotlib is not installed.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from astroquery_mast.display import plot_depth
    >>> fields = Table({"t_exptime": [1200.0, 300.0]})
    >>> fields["s_region"] = ["CIRCLE 202.47 47.2 0.05", "CIRCLE 202.48 47.2 0.05"]
    >>> ax = plot_depth(fields)
    >>> ax.get_title()
    '2 observations, up to 1,500 s'
    >>> depth = ax.images[0].get_array()
    >>> float(depth.max())
    1500.0
    """
    _check(pixels, ax, by)
    table = drawable_table(table, "s_region", *filter(None, (weight, by)))
    search = search_circle(coordinates, radius)
    exposures = _Exposures.of(table, weight)
    panels = _panels(table, by, exposures.rows)
    axes = _axes(ax, SkyView.of(exposures.outlines, search), panels)
    deepest = _draw_maps(axes, exposures, panels, pixels)
    if search is not None:
        for each in axes:
            draw_search(each, search)
    words = exposures.summary(deepest, search)
    if by is not None:
        axes[0].figure.suptitle(words, fontsize="medium")
        return axes
    if ax is None:
        axes[0].set_title(words, fontsize="medium")
    return axes[0]


def _check(pixels: Any, ax: Any, by: str | None) -> None:
    """Raise if the arguments are invalid."""
    if not is_integer(pixels, 2) or pixels > _MOST_PIXELS:
        raise InvalidArgumentError(f"pixels={pixels!r} must be an integer from 2 to {_MOST_PIXELS:,}.")
    if by is not None and ax is not None:
        raise InvalidArgumentError("ax and by cannot be combined: by plots several panels in a new figure.")


@dataclass(frozen=True)
class _Exposures:
    """The completed observations, their weights in the map, and why other rows are skipped."""

    rows: RowNumbers
    # The outlines are those of the selected rows; the weights are those of all rows.
    outlines: Outlines
    weights: Floats
    title: str
    unit: str
    skipped: str

    @classmethod
    def of(cls, table: Table, weight: str | None) -> _Exposures:
        """Select the observations and read their weights."""
        weights, title, unit = _weights(table, weight)
        outlines = drawable_outlines(table)
        planned, known = planned_rows(table), np.isfinite(weights) & (weights > 0)
        placed = np.isin(np.arange(len(table)), outlines.owner)
        made = placed & known & ~planned
        if not made.any():
            lacks = "" if weight is None else f" and a positive '{weight}'"
            raise InvalidArgumentError(f"None of the rows is a completed observation with a footprint{lacks}.")
        reasons = {
            "planned": planned,
            "without a footprint": ~planned & ~placed,
            f"without {weight}": ~planned & placed & ~known,
        }
        skipped = ", ".join(f"{rows.sum():,} {why}" for why, rows in reasons.items() if rows.any())
        taken = outlines.take(np.flatnonzero(made[outlines.owner]))
        return cls(np.flatnonzero(made), taken, weights, title, unit, skipped)

    def depth(self, grid: _Grid, rows: RowNumbers) -> Any:
        """Return the map of the given rows, masked where nothing was observed."""
        outlines = self.outlines.take(np.flatnonzero(np.isin(self.outlines.owner, rows)))
        sums, counts = depth_sums(outlines, self.weights, grid.vectors, grid.nearest(outlines), grid.tangent)
        return np.ma.masked_where(counts == 0, sums)

    def summary(self, deepest: float, search: Circle | None) -> str:
        """Return the title of the map."""
        words = f"{count_of(len(self.rows), 'observation')}, up to {_number_text(deepest)}{self.unit}"
        if search is not None and search.radius > 0:
            words += f", search radius {angle_text(search.radius)}"
        return f"{words} ({self.skipped})" if self.skipped else words


def _weights(table: Table, weight: str | None) -> tuple[Floats, str, str]:
    """Return the weight of each row, the title of the color bar, and the unit with a leading space."""
    if weight is None:
        return np.ones(len(table)), "Observations", ""
    title = column_title(table, weight)
    if weight == _EXPOSURE:
        return numbers_of(table, weight, u.s), f"{title.partition(' (')[0]} (s)", " s"
    unit = getattr(table[weight], "unit", None)
    return numbers_of(table, weight), title, f" {drawn_text(str(unit))}" if unit else ""


def _panels(table: Table, by: str | None, rows: RowNumbers) -> dict[str, RowNumbers]:
    """Return the row numbers of each panel."""
    if by is None:
        return {"": rows}
    return {label: rows[some] for label, some in rows_by_value(table[rows], by, _PANELS).items()}


@dataclass(frozen=True)
class _Grid:
    """The pixels of a map on the axes: the limits in x and y, and the directions of the pixel centers."""

    ax: Any
    x: tuple[float, float]
    y: tuple[float, float]
    # ``(ny, nx, 3)``; NaN where there is no sky.
    vectors: Array

    @classmethod
    def of(cls, ax: Any, pixels: int) -> _Grid:
        """Divide the picture into pixels."""
        x, y = sorted(ax.get_xlim()), sorted(ax.get_ylim())
        width, height = x[1] - x[0], y[1] - y[0]
        nx, ny = (max(2, round(pixels * each / max(width, height))) for each in (width, height))
        at_x, at_y = x[0] + (np.arange(nx) + 0.5) * width / nx, y[0] + (np.arange(ny) + 0.5) * height / ny
        sky = ax.wcs.pixel_to_world(*np.meshgrid(at_x, at_y)).icrs
        return cls(ax, (x[0], x[1]), (y[0], y[1]), unit_vectors(sky.ra.deg, sky.dec.deg))

    @property
    def tangent(self) -> Array | None:
        """The tangent point of a gnomonic projection; None for other projections."""
        wcs = getattr(self.ax.wcs, "wcs", None)
        if wcs is None or not all(str(name).endswith("TAN") for name in wcs.ctype):
            return None
        sky = self.ax.wcs.pixel_to_world(*(wcs.crpix - 1)).icrs
        return unit_vectors(sky.ra.deg, sky.dec.deg)

    def nearest(self, outlines: Outlines) -> RowNumbers:
        """Return the index of the pixel with the center of each part, -1 outside of the picture."""
        ny, nx = self.vectors.shape[:2]
        at = axes_pixels(self.ax, outlines.center)
        column = (at[:, 0] - self.x[0]) / (self.x[1] - self.x[0]) * nx
        row = (at[:, 1] - self.y[0]) / (self.y[1] - self.y[0]) * ny
        inside = (column >= 0) & (column < nx) & (row >= 0) & (row < ny)
        place = np.floor(np.where(inside, row, 0)) * nx + np.floor(np.where(inside, column, 0))
        return np.where(inside, place, -1).astype(np.int64)


def _axes(ax: Any, view: SkyView, panels: Mapping[str, RowNumbers]) -> list[Any]:
    """Return the user's axes, or new ones, in one figure with a title for each panel."""
    if ax is not None:
        return [check_sky_axes(ax)]
    if panels.keys() == {""}:
        return [view.new_axes()]
    across = min(len(panels), _PER_ROW)
    down = -(-len(panels) // across)
    figure = pyplot().figure(figsize=(_PANEL * across + 1.2, _PANEL * down + 1.0), layout="constrained")
    axes = [view.add_axes(figure, down, across, number) for number in range(1, len(panels) + 1)]
    for number, (each, (label, rows)) in enumerate(zip(axes, panels.items(), strict=True)):
        each.set_title(f"{short_label(label)} ({len(rows):,})", fontsize="small")
        if number + across < len(panels):
            each.coords[0].set_ticklabel_visible(False)
            each.set_xlabel(" ", fontsize=1)
        if number % across:
            each.coords[1].set_ticklabel_visible(False)
            each.set_ylabel(" ", fontsize=1)
    return axes


def _draw_maps(axes: list[Any], exposures: _Exposures, panels: Mapping[str, RowNumbers], pixels: int) -> float:
    """Draw all maps with the same color scale, with a color bar unless they are empty; return the largest value."""
    grids = [_Grid.of(ax, pixels) for ax in axes]
    maps = [exposures.depth(grid, rows) for grid, rows in zip(grids, panels.values(), strict=True)]
    values = np.concatenate([each.compressed() for each in maps])
    scale = color_scale(values, depth_colors())
    if scale is None:
        return 0.0
    for ax, grid, depth in zip(axes, grids, maps, strict=True):
        kept = {"xlim": ax.get_xlim(), "ylim": ax.get_ylim(), "aspect": ax.get_aspect()}
        style = {"cmap": scale.cmap, "norm": scale.norm, "interpolation": "nearest", "origin": "lower"}
        ax.imshow(depth, extent=(*grid.x, *grid.y), **style)
        ax.set(**kept)
    draw_color_bar(axes if len(axes) > 1 else axes[0], scale, exposures.title)
    return float(values.max())


def _number_text(number: float) -> str:
    """Return a number as a string: an integer from 100 on, and four digits below."""
    return f"{number:,.0f}" if number >= _LARGE else f"{number:.4g}"
