"""A picture of footprints on the sky, colored by instrument.

In: a table of observations.  Out: axes of matplotlib with sky coordinates, on which anything else may be drawn.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.wcs import WCS

from ..exceptions import InvalidQueryError
from ..tables.columns import plain_cells
from ..tables.rows import Array
from .outlines import Outlines, outlines_of
from .region_filter import shapes_of
from .sphere import longitude_latitude, min_enclosing_circle, separation, tangents

_COLOR_BY = "instrument_name"
# Pixels from the center of the picture's coordinates to its edge, and the room around the footprints.
_HALF, _ROOM = 500.0, 1.08
# Beyond these radii in degrees the plane that touches the sky is too much stretched, and a disc as well.
_WIDE, _HEMISPHERE = 40.0, 90.0
# The smallest radius of a picture in degrees, where there are only points.
_SMALLEST = 1 / 3600
# Corners of a circle as it is drawn, and the longest step along a side, in degrees.
_ROUND, _STEP = 90, 1.0
# An outline is torn where it runs so many times faster across the picture than elsewhere: at the edge of the sky.
_TORN = 10.0
_PLANNED = -1


def plot_footprints(table: Table, ax: Any = None, *, by: str | None = _COLOR_BY) -> Any:
    """Draw the footprints of observations.

    Parameters
    ----------
    table : `~astropy.table.Table`
        Observations, with the column ``s_region``.
    ax : `~astropy.visualization.wcsaxes.WCSAxes`, optional
        Where to draw, e.g. over an image; new axes around all footprints if not given.
    by : str, optional
        The column by whose values they are colored; None for one color.

    Returns
    -------
    `~astropy.visualization.wcsaxes.WCSAxes`
        Planned observations (``calib_level`` -1) have dashed outlines.

    Raises
    ------
    InvalidQueryError
        If there is nothing to draw, no such column, no sky coordinates in the axes, or no matplotlib.
    """
    if by == _COLOR_BY and by not in table.colnames:
        by = None
    outlines = _outlines_in(table, by)
    own = ax is None
    if own:
        ax = _new_axes(outlines)
    elif not hasattr(ax, "wcs"):
        raise InvalidQueryError("ax has no sky coordinates: make it with projection=wcs.")
    groups = _groups(table, by)
    dashed = _planned(table)
    for number, (value, rows) in enumerate(groups.items()):
        parts = np.flatnonzero(np.isin(outlines.owner, rows))
        _draw(ax, outlines, parts, dashed, f"C{number % 10}", value)
    if by and own:
        # Beside the picture, for which the figure makes room.
        ax.figure.legend(title=by, fontsize="small", loc="outside right upper")
    elif by:
        ax.legend(title=by, fontsize="small")
    return ax


def _outlines_in(table: Table, by: str | None) -> Outlines:
    """Return the outlines of the rows that have a footprint."""
    for needed in ("s_region", *([by] if by else [])):
        if needed not in table.colnames:
            raise InvalidQueryError(f"The table has no column '{needed}'.")
    shapes = shapes_of(table["s_region"].tolist())
    nowhere = np.full(len(shapes), np.nan)
    outlines = outlines_of(shapes, nowhere, nowhere)
    if not len(outlines):
        raise InvalidQueryError("None of the rows has a footprint that could be drawn.")
    return outlines


def _new_axes(outlines: Outlines) -> Any:
    """Return axes with sky coordinates that hold everything."""
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415 - an optional dependency
        from astropy.visualization.wcsaxes.frame import EllipticalFrame  # noqa: PLC0415 - needs it, too
    except ImportError as err:
        message = "Pictures need matplotlib: pip install 'astroquery_mast[plot]' brings it."
        raise InvalidQueryError(message) from err
    cap = min_enclosing_circle(outlines.vertices)
    center = outlines.center[0] if cap is None else cap[0]
    reach = min(180.0, float(np.degrees((separation(outlines.center, center) + outlines.reach).max())))
    figure = plt.figure(figsize=(8, 6), layout="constrained")
    options = {"frame_class": EllipticalFrame} if reach > _HEMISPHERE else {}
    wcs, height = _projection(center, reach)
    ax = figure.add_subplot(projection=wcs, xlim=(-_HALF, _HALF), ylim=(-height, height), **options)
    ax.set(xlabel="Right ascension", ylabel="Declination", aspect="equal")
    ax.grid(color="0.85", linewidth=0.5)
    return ax


def _projection(center: Array, reach: float) -> tuple[WCS, float]:
    """Return sky coordinates around a position that reach as far as the edge of the picture, and its half height."""
    ra, dec = (float(degrees) for degrees in longitude_latitude(center))
    if reach < _WIDE:
        code, at_edge = "TAN", np.degrees(np.tan(np.radians(reach)))
    elif reach <= _HEMISPHERE:
        code, at_edge = "ZEA", np.degrees(2 * np.sin(np.radians(reach) / 2))
    else:
        code, at_edge, dec = "AIT", np.degrees(np.sqrt(8)), 0.0
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{code}", f"DEC--{code}"]
    wcs.wcs.crval, wcs.wcs.crpix = [ra, dec], [1.0, 1.0]
    scale = max(float(at_edge), _SMALLEST) * (1.0 if code == "AIT" else _ROOM) / _HALF
    wcs.wcs.cdelt = [-scale, scale]
    return wcs, _HALF / 2 if code == "AIT" else _HALF


def _groups(table: Table, by: str | None) -> dict[str, list[int]]:
    """Return the rows of each value of a column, the most frequent first."""
    if by is None:
        return {"": list(range(len(table)))}
    cells = plain_cells(getattr(table[by], "value", table[by]))  # of a quantity the numbers
    values = ["" if value is None else str(value) for value in cells]
    return {
        value: [row for row, each in enumerate(values) if each == value] for value, _ in Counter(values).most_common()
    }


def _planned(table: Table) -> Array:
    """Which rows are planned observations."""
    if "calib_level" not in table.colnames:
        return np.zeros(len(table), dtype=bool)
    return np.ma.filled(np.ma.asarray(table["calib_level"]) == _PLANNED, fill_value=False)


def _draw(ax: Any, outlines: Outlines, parts: Array, dashed: Array, color: str, label: str) -> None:
    """Draw some parts in one color."""
    from matplotlib.collections import LineCollection  # noqa: PLC0415 - an optional dependency

    if not len(parts):
        return
    lines = [_outline(outlines, int(part)) for part in parts]
    ra, dec = longitude_latitude(np.concatenate(lines))
    pixels = np.column_stack(ax.wcs.world_to_pixel(SkyCoord(ra, dec, unit="deg")))
    ends = np.cumsum([len(each) for each in lines])[:-1]
    drawn = [_torn(line, way) for line, way in zip(lines, np.split(pixels, ends), strict=True)]
    styles = ["--" if dashed[row] else "-" for row in outlines.owner[parts]]
    ax.add_collection(
        LineCollection(drawn, colors=color, linestyles=styles, linewidths=1.0, label=label), autolim=False
    )


def _outline(outlines: Outlines, part: int) -> Array:
    """Return positions along the outline of a part, the first one repeated at the end."""
    vertices = outlines.vertices[outlines.first[part] : outlines.first[part + 1]]
    if outlines.radius[part] >= 0:
        radius, around = float(outlines.radius[part]), 2 * np.pi * np.arange(_ROUND + 1) / _ROUND
        aside = np.column_stack([np.cos(around), np.sin(around)]) @ tangents(vertices[0])
        return np.asarray(np.cos(radius) * vertices[0] + np.sin(radius) * aside)
    following = np.roll(vertices, -1, axis=0)
    counts = np.ceil(np.degrees(separation(vertices, following)) / _STEP).astype(int).clip(1)
    ends = zip(vertices, following, counts.tolist(), strict=True)
    sides = [np.linspace(begin, end, count, endpoint=False) for begin, end, count in ends]
    return np.concatenate([*sides, vertices[:1]])


def _torn(line: Array, pixels: Array) -> Array:
    """Return the way of an outline across the picture, with a gap where it leaves it on one side for another."""
    moved = np.linalg.norm(np.diff(pixels, axis=0), axis=1)
    speed = moved / np.maximum(np.linalg.norm(np.diff(line, axis=0), axis=1), np.finfo(float).tiny)
    jumps = np.flatnonzero(speed > _TORN * np.nanmedian(speed)) + 1
    return np.insert(pixels, jumps, np.nan, axis=0)
