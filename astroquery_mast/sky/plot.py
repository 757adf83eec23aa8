"""Plot footprints on the sky, colored by a column.

In: a table of observations, the search, an image.  Out: matplotlib axes with sky coordinates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.table import Table
from astropy.wcs import WCS

from ..exceptions import InvalidArgumentError
from ..tables.rows import Array
from .coloring import Coloring, distinct_parts, drawable_outlines
from .outlines import Outlines
from .picture import INSTRUMENT, count_of, draw_color_bar, drawable_table, ink, planned_rows, short_label
from .shapes import Circle
from .sky_axes import (
    SkyView,
    angle_text,
    axes_pixels,
    check_sky_axes,
    circle_line,
    draw_search,
    image_axes,
    search_circle,
    torn_line,
)
from .sphere import separation

# The longest step along a side, in degrees.
_STEP = 1.0
# Line widths; dashed lines and lines on an image are wider.
_THIN, _STRONG = 0.7, 1.1
# Opacity of lines and areas, and its lower limits.  The more footprints, the less opaque each one is, so that they do
# not merge into a single patch.
_LINE_ALPHA, _LEAST_LINE, _AREA_ALPHA, _LEAST_AREA = 0.9, 0.35, 0.3, 0.01


def plot_footprints(
    table: Table,
    ax: Any = None,
    *,
    by: str | None = INSTRUMENT,
    coordinates: Any = None,
    radius: Any = None,
    image: Any = None,
    wcs: WCS | None = None,
) -> Any:
    """Draw the footprints of observations on the sky.

    Identical footprints of one color are drawn once. Planned observations (``calib_level`` -1) have dashed outlines.

    Parameters
    ----------
    table : `~astropy.table.Table` or `~astropy.table.Row`
        Observations with the column ``s_region``. Rows without a footprint are skipped and counted in the title.
    ax : `~astropy.visualization.wcsaxes.WCSAxes`, optional
        The axes to draw on. Their limits do not change. By default, new axes show all footprints.
    by : str, optional
        The column that sets the colors; None for a single color. If it has more than 20 values, the 19 most frequent
        ones get a color and all others are gray. A floating-point column with more than 5 values gets a color bar.
        Defaults to ``"instrument_name"``.
    coordinates : `~astropy.coordinates.SkyCoord` or str, optional
        The target, or the center of the search, as in `ObservationsClass.query_region`. A cross marks it.
        Object names are not resolved here: use `ObservationsClass.resolve_object`.
    radius : float, str or `~astropy.units.Quantity`, optional
        The search radius around ``coordinates``; a number is in degrees. The circle is drawn, and new axes show this
        circle only.
    image : `~numpy.ndarray`, optional
        An image of the sky to draw behind the footprints, with the shape ``(ny, nx)``, or ``(ny, nx, 3)`` for RGB.
    wcs : `~astropy.wcs.WCS`, optional
        The WCS of ``image``.

    Returns
    -------
    `~astropy.visualization.wcsaxes.WCSAxes`
        The axes. There is one `~matplotlib.collections.LineCollection` per color, labeled with the column's value.

    Raises
    ------
    InvalidArgumentError
        If the table is empty or lacks a column, or if an argument is invalid.
    InvalidQueryError
        If no row has a footprint, if ``ax`` has no sky coordinates, or if matplotlib is not installed.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from astroquery_mast.display import plot_footprints
    >>> fields = Table({"filters": ["F200W"], "s_region": ["CIRCLE 202.47 47.2 0.05"]})
    >>> ax = plot_footprints(
    ...     fields, by="filters", coordinates="202.47 47.20", radius="6 arcmin"
    ... )
    >>> ax.get_title()
    '1 observation, search radius 6 arcmin'
    """
    if by == INSTRUMENT and isinstance(table, Table) and by not in table.colnames:
        by = None
    table = drawable_table(table, "s_region", *([by] if by else []))
    search = search_circle(coordinates, radius)
    outlines = drawable_outlines(table)
    own = ax is None
    ax = _axes(ax, image, wcs, outlines, search)
    if own:
        ax.set_title(_title(table, outlines, search), fontsize="medium")
    coloring = Coloring.of(table, by)
    planned = planned_rows(table)
    parts = distinct_parts(outlines, coloring.keys, planned)
    for label, rows in coloring.groups.items():
        _draw(ax, outlines, parts[np.isin(outlines.owner[parts], rows)], planned, coloring.colors, label)
    if search is not None:
        draw_search(ax, search, on_image=bool(ax.images))
    _add_legend(ax, coloring, _legend_entries(coloring, outlines.owner, planned), own=own)
    return ax


def _axes(ax: Any, image: Any, wcs: Any, outlines: Outlines, search: Circle | None) -> Any:
    """Return the user's axes, or new ones."""
    if ax is None:
        if image is None and wcs is None:
            return SkyView.of(outlines, search).new_axes()
        return image_axes(image, wcs, search)
    if image is not None or wcs is not None:
        raise InvalidArgumentError(
            "ax and image cannot be combined. To use your own axes, draw the image on them first."
        )
    return check_sky_axes(ax)


def _title(table: Table, outlines: Outlines, search: Circle | None) -> str:
    """Return the title: the number of observations and the search radius."""
    seen = len(np.unique(outlines.owner))
    words = count_of(seen, "observation")
    if search is not None and search.radius > 0:
        words += f", search radius {angle_text(search.radius)}"
    return words if seen == len(table) else f"{words} ({len(table) - seen:,} more without a footprint)"


def _legend_entries(coloring: Coloring, seen: Array, planned: Array) -> list[Any]:
    """Return the legend entries for the colors and for planned observations."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - an optional dependency
    from matplotlib.patches import Patch  # noqa: PLC0415 - an optional dependency

    entries: list[tuple[str, Any]] = []
    if coloring.scale is not None:
        entries = [("no value", coloring.colors[row, :3]) for row in seen[np.isinf(coloring.keys[seen])][:1]]
    elif coloring.title:
        named = coloring.groups.items()
        entries = [(f"{short_label(label)} ({len(rows):,})", coloring.colors[rows[0], :3]) for label, rows in named]
    signs: list[Any] = [Patch(facecolor=(*color, _AREA_ALPHA), edgecolor=color, label=text) for text, color in entries]
    if planned[seen].any():
        signs.append(Line2D([], [], color=ink(), linestyle="--", linewidth=1.0, label="planned"))
    return signs


def _add_legend(ax: Any, coloring: Coloring, signs: list[Any], *, own: bool) -> None:
    """Add the color bar or the legend; the legend is next to new axes, but inside the user's axes."""
    if coloring.scale is not None:
        draw_color_bar(ax, coloring.scale, coloring.title)
    title = coloring.title if coloring.scale is None else None
    if signs and own:
        place = "outside right upper" if coloring.scale is None else "outside lower center"
        columns = 1 if coloring.scale is None else len(signs)
        ax.figure.legend(handles=signs, title=title, fontsize="small", loc=place, ncols=columns)
    elif signs:
        ax.legend(handles=signs, title=title, fontsize="small")


def _draw(ax: Any, outlines: Outlines, parts: Array, dashed: Array, colors: Array, label: str) -> None:
    """Draw some parts, each in the color of its row."""
    from matplotlib.collections import LineCollection  # noqa: PLC0415 - an optional dependency

    if not len(parts):
        return
    rows = outlines.owner[parts]
    lines = [_outline(outlines, int(part)) for part in parts]
    ends = np.cumsum([len(each) for each in lines])[:-1]
    pixels = np.split(axes_pixels(ax, np.concatenate(lines)), ends)
    drawn = [torn_line(line, way) for line, way in zip(lines, pixels, strict=True)]
    edges = colors[rows].copy()
    areas = edges.copy()
    edges[:, 3] = np.where(dashed[rows], _LINE_ALPHA, max(_LINE_ALPHA / len(parts) ** 0.25, _LEAST_LINE))
    # Do not fill outlines that are torn (they have no inside in the picture) or wider than the picture (they would tint
    # all of it), planned observations, and anything drawn over an image.
    width = np.ptp(ax.get_xlim())
    filled = np.array([np.ptp(way, axis=0).max() < width for way in drawn]) & ~dashed[rows] & (not ax.images)
    areas[:, 3] = np.where(filled, max(_AREA_ALPHA / len(parts) ** 0.7, _LEAST_AREA), 0.0)
    styles = ["--" if dashed[row] else "-" for row in rows]
    widths = np.where(dashed[rows] | bool(ax.images), _STRONG, _THIN)
    # Matplotlib draws a single outline as a marker, with dash-like notches, unless a property has two values.
    style: dict[str, Any] = {"linestyles": styles, "linewidths": widths, "antialiaseds": [True, True], "label": label}
    ax.add_collection(LineCollection(drawn, colors=edges, facecolors=areas, capstyle="round", **style), autolim=False)


def _outline(outlines: Outlines, part: int) -> Array:
    """Return positions along the outline of a part, closed: the last position is the first."""
    vertices = outlines.vertices[outlines.first[part] : outlines.first[part + 1]]
    if outlines.radius[part] >= 0:
        return circle_line(vertices[0], float(outlines.radius[part]))
    following = np.roll(vertices, -1, axis=0)
    counts = np.ceil(np.degrees(separation(vertices, following)) / _STEP).astype(int).clip(1)
    ends = zip(vertices, following, counts.tolist(), strict=True)
    sides = [np.linspace(begin, end, count, endpoint=False) for begin, end, count in ends]
    return np.concatenate([*sides, vertices[:1]])
