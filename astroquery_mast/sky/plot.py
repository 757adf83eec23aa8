"""A picture of footprints on the sky, colored by instrument.

In: a table of observations, the place that was searched, an image.  Out: axes of matplotlib with sky coordinates, on
which anything else may be drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.wcs import WCS

from ..exceptions import InvalidArgumentError, InvalidQueryError
from ..tables.rows import Array
from .outlines import Outlines, outlines_of
from .picture import (
    INSTRUMENT,
    color_scale,
    column_title,
    count_of,
    draw_color_bar,
    drawable_table,
    is_continuous,
    numbers_of,
    planned_rows,
    pyplot,
    rows_by_value,
    short_label,
)
from .position import as_coordinate, as_radius
from .region_filter import shapes_of
from .shapes import Circle
from .sphere import longitude_latitude, min_enclosing_circle, separation, tangents, unit_vectors

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
# So many values have colors of their own; the others are gray, as is what has no value.
_COLORS, _FEW_NUMBERS = 20, 5
_GRAY = (0.5, 0.5, 0.5, 1.0)
# Decimals of a unit vector at which outlines are compared: 2 milliarcseconds.
_EQUAL = 8
# How opaque lines and areas are; each of many is less so, that the picture does not become one patch.
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
    """Draw the footprints of observations.

    Equal footprints of one color are drawn once. Planned observations (``calib_level`` -1) have dashed outlines.

    Parameters
    ----------
    table : `~astropy.table.Table` or `~astropy.table.Row`
        Observations, with the column ``s_region``. Rows without a footprint are left out.
    ax : `~astropy.visualization.wcsaxes.WCSAxes`, optional
        Where to draw, whose limits are kept; new axes around all footprints if not given.
    by : str, optional
        The column by whose values they are colored, None for one color. Of more than 20 values the most frequent ones
        have colors, and the others are gray. A column of more than 5 different floating-point numbers has a color bar.
    coordinates : `~astropy.coordinates.SkyCoord` or str, optional
        The target, or the center of the search, as in `ObservationsClass.query_region`; marked by a cross.
    radius : float, str or `~astropy.units.Quantity`, optional
        The radius of the search around ``coordinates``, in degrees if it is a number. The circle is drawn, and new
        axes are limited to it.
    image : `~numpy.ndarray`, optional
        A picture of the sky to draw over, ``(ny, nx)`` or, with colors, ``(ny, nx, 3)``.
    wcs : `~astropy.wcs.WCS`, optional
        The sky coordinates of ``image``.

    Returns
    -------
    `~astropy.visualization.wcsaxes.WCSAxes`
        The axes, on which anything else may be drawn.

    Raises
    ------
    InvalidArgumentError
        If the table has no rows or no such column, if an argument is not valid, or without matplotlib.
    InvalidQueryError
        If none of the rows has a footprint, or the axes have no sky coordinates.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from astroquery_mast.display import plot_footprints
    >>> fields = Table({"filters": ["F200W"], "s_region": ["CIRCLE 202.47 47.2 0.05"]})
    >>> ax = plot_footprints(fields, by="filters", coordinates="202.47 47.20", radius="6 arcmin")
    >>> ax.get_title()
    '1 observation, search radius 6 arcmin'
    """
    if by == INSTRUMENT and isinstance(table, Table) and by not in table.colnames:
        by = None
    table = drawable_table(table, "s_region", *([by] if by else []))
    search = _search(coordinates, radius)
    outlines = _outlines_in(table)
    own = ax is None
    ax = _axes(ax, image, wcs, outlines, search)
    if own:
        ax.set_title(_title(table, outlines, search), fontsize="medium")
    coloring = _coloring(table, by)
    planned = planned_rows(table)
    parts = _distinct(outlines, coloring.keys, planned)
    for label, rows in coloring.groups.items():
        _draw(ax, outlines, parts[np.isin(outlines.owner[parts], rows)], planned, coloring.colors, label)
    if search is not None:
        _draw_search(ax, search)
    _explain(ax, coloring, _signs(coloring, planned=bool(planned[outlines.owner].any())), own=own)
    return ax


def _search(coordinates: Any, radius: Any) -> Circle | None:
    """Return the circle that was searched, with the radius 0 if only its center is known."""
    if coordinates is None:
        if radius is not None:
            raise InvalidArgumentError("radius is given without coordinates: around which position is it?")
        return None
    center = as_coordinate(coordinates)
    return Circle(center.ra.deg, center.dec.deg, 0.0 if radius is None else float(as_radius(radius).deg))


def _outlines_in(table: Table) -> Outlines:
    """Return the outlines of the rows that have a footprint."""
    shapes = shapes_of(table["s_region"].tolist())
    nowhere = np.full(len(shapes), np.nan)
    outlines = outlines_of(shapes, nowhere, nowhere)
    if not len(outlines):
        raise InvalidQueryError("None of the rows has a footprint that could be drawn.")
    return outlines


def _distinct(outlines: Outlines, keys: Array, planned: Array) -> Array:
    """Return the parts that are drawn: one of those that would look the same, the largest first."""
    seen: dict[tuple[Any, ...], int] = {}
    corners = np.split(outlines.vertices.round(_EQUAL) + 0.0, outlines.first[1:-1])
    radii = outlines.radius.round(_EQUAL).tolist()
    for part, (row, vertices, radius) in enumerate(zip(outlines.owner.tolist(), corners, radii, strict=True)):
        seen.setdefault((keys[row], planned[row], radius, vertices.tobytes()), part)
    parts = np.array(list(seen.values()), dtype=np.intp)
    return np.asarray(parts[np.argsort(-outlines.reach[parts], kind="stable")])


# -- colors ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Coloring:
    """The color of each row, a key that is equal for equal colors, and what a legend or a color bar says of them."""

    colors: Array
    keys: Array
    groups: dict[str, Array]
    title: str = ""
    scale: Any = None


def _coloring(table: Table, by: str | None) -> _Coloring:
    """Return the colors of all rows."""
    from matplotlib import colormaps  # noqa: PLC0415 - an optional dependency

    keys, colors = np.zeros(len(table)), np.tile(colormaps["tab10"](0), (len(table), 1))
    if by is None:
        return _Coloring(colors, keys, {"": np.arange(len(table))})
    title = column_title(table, by)
    if is_continuous(table, by, _FEW_NUMBERS):
        return _scale_of(numbers_of(table, by), title)
    groups = rows_by_value(table, by, _COLORS)
    # The strong colors first, then the pale ones.
    palette = [colormaps["tab20"](number) for number in (*range(0, _COLORS, 2), *range(1, _COLORS, 2))]
    for number, (label, rows) in enumerate(groups.items()):
        keys[rows] = number
        colors[rows] = _GRAY if label.endswith(" others") else palette[number]
    return _Coloring(colors, keys, groups, title)


def _scale_of(numbers: Array, title: str) -> _Coloring:
    """Return colors that grow with a number; what has none is gray."""
    known, scale = np.isfinite(numbers), color_scale(numbers, "viridis")
    colors = np.tile(_GRAY, (len(numbers), 1))
    colors[known] = scale.to_rgba(numbers[known])
    return _Coloring(colors, np.where(known, numbers, np.inf), {"": np.arange(len(numbers))}, title, scale)


def _signs(coloring: _Coloring, *, planned: bool) -> list[Any]:
    """Return what a legend says of colors and lines."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - an optional dependency
    from matplotlib.patches import Patch  # noqa: PLC0415 - an optional dependency

    signs: list[Any] = []
    for label, rows in coloring.groups.items() if coloring.title and coloring.scale is None else ():
        color = coloring.colors[rows[0], :3]
        text = f"{short_label(label)} ({len(rows):,})"
        signs.append(Patch(facecolor=(*color, _AREA_ALPHA), edgecolor=color, label=text))
    return [*signs, *([Line2D([], [], color="0.3", linestyle="--", linewidth=1.0, label="planned")] if planned else [])]


def _explain(ax: Any, coloring: _Coloring, signs: list[Any], *, own: bool) -> None:
    """Say what the colors and lines mean: beside the picture, if it is ours to make room there."""
    if coloring.scale is not None:
        draw_color_bar(ax, coloring.scale, coloring.title)
    title = coloring.title if coloring.scale is None else None
    if signs and own:
        place = "outside right upper" if coloring.scale is None else "outside lower center"
        ax.figure.legend(handles=signs, title=title, fontsize="small", loc=place)
    elif signs:
        ax.legend(handles=signs, title=title, fontsize="small")


# -- axes ------------------------------------------------------------------------------------------------------------


def _axes(ax: Any, image: Any, wcs: Any, outlines: Outlines, search: Circle | None) -> Any:
    """Return the axes that are given, or new ones."""
    if ax is None:
        if image is None and wcs is None:
            return _new_axes(outlines, search)
        return _image_axes(_as_pixels(image, wcs), wcs.celestial, search)
    if image is not None or wcs is not None:
        raise InvalidArgumentError("ax and image are both given: draw the image on the axes yourself, or leave ax out.")
    if not hasattr(ax, "wcs"):
        raise InvalidQueryError("ax has no sky coordinates: make it with projection=wcs.")
    return ax


def _new_axes(outlines: Outlines, search: Circle | None) -> Any:
    """Return axes with sky coordinates that hold the search, or else everything."""
    figure = pyplot().figure(figsize=(8, 6), layout="constrained")
    from astropy.visualization.wcsaxes.frame import EllipticalFrame  # noqa: PLC0415 - needs matplotlib

    center, reach = _extent(outlines, search)
    options = {"frame_class": EllipticalFrame} if reach > _HEMISPHERE else {}
    wcs, height = _projection(center, reach)
    ax = figure.add_subplot(projection=wcs, xlim=(-_HALF, _HALF), ylim=(-height, height), **options)
    ax.set(xlabel="Right ascension", ylabel="Declination", aspect="equal")
    ax.grid(color="0.85", linewidth=0.5)
    return ax


def _extent(outlines: Outlines, search: Circle | None) -> tuple[Array, float]:
    """Return the center of the picture, and its radius in degrees."""
    if search is not None and search.radius > 0:
        return unit_vectors(search.ra, search.dec), search.radius
    centers, reaches, vertices = outlines.center, outlines.reach, outlines.vertices
    if search is not None:
        target = unit_vectors([search.ra], [search.dec])
        centers, vertices = np.concatenate([centers, target]), np.concatenate([vertices, target])
        reaches = np.append(reaches, 0.0)
    cap = min_enclosing_circle(vertices)
    center = centers[0] if cap is None else cap[0]
    return center, min(180.0, float(np.degrees((separation(centers, center) + reaches).max())))


def _as_pixels(image: Any, wcs: Any) -> Array:
    """Return an image as an array, masked pixels of one without colors being NaN."""
    if image is None or not isinstance(wcs, WCS) or not wcs.has_celestial:
        raise InvalidArgumentError("image and wcs belong together: an array, and a WCS with sky coordinates for it.")
    try:
        pixels: Any = np.ma.asarray(image, dtype=float if np.ndim(image) == 2 else None)
    except (TypeError, ValueError) as err:
        raise InvalidArgumentError("image is not an array of numbers.") from err
    if pixels.ndim not in {2, 3} or (pixels.ndim == 3 and pixels.shape[2] not in {3, 4}):
        raise InvalidArgumentError(f"image has the shape {pixels.shape}: (ny, nx) or (ny, nx, 3) is needed.")
    return np.asarray(pixels.filled(np.nan) if pixels.ndim == 2 else pixels.data)


def _image_axes(pixels: Array, wcs: WCS, search: Circle | None) -> Any:
    """Return axes with an image, of which no more is shown than was searched."""
    ax = pyplot().figure(figsize=(8, 6), layout="constrained").add_subplot(projection=wcs)
    _show(ax, pixels)
    if search is not None and search.radius > 0:
        corners = _pixels(ax, _circle(unit_vectors(search.ra, search.dec), np.radians(search.radius * _ROOM)))
        (left, low), (right, high) = np.nanmin(corners, axis=0), np.nanmax(corners, axis=0)
        ax.set(xlim=(left, right), ylim=(low, high))
    if str(wcs.wcs.ctype[0]).startswith("RA"):
        ax.set(xlabel="Right ascension", ylabel="Declination")
    # The layout needs to know where the labels of the coordinates are, which is found when they are drawn.
    ax.figure.draw_without_rendering()
    return ax


def _show(ax: Any, pixels: Array) -> None:
    """Draw an image, dark on white so that colors stand out; one with colors as it is."""
    from astropy.visualization import simple_norm  # noqa: PLC0415 - needs matplotlib

    gray = pixels.ndim == 2 and np.isfinite(pixels).any()
    norm = simple_norm(pixels, "asinh", percent=99.5) if gray else None
    ax.imshow(pixels, norm=norm, cmap="gray_r", origin="lower")


def _title(table: Table, outlines: Outlines, search: Circle | None) -> str:
    """Return what is seen, in a line."""
    seen = len(np.unique(outlines.owner))
    words = count_of(seen, "observation")
    if search is not None and search.radius > 0:
        words += f", search radius {_angle(search.radius)}"
    return words if seen == len(table) else f"{words} ({len(table) - seen:,} more without a footprint)"


def _angle(degrees: float) -> str:
    """Return an angle in the unit in which it is a handy number."""
    for scale, unit in ((1, "deg"), (60, "arcmin")):
        if degrees * scale >= 1 - 1e-9:
            return f"{degrees * scale:.4g} {unit}"
    return f"{degrees * 3600:.4g} arcsec"


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


# -- lines -----------------------------------------------------------------------------------------------------------


def _draw(ax: Any, outlines: Outlines, parts: Array, dashed: Array, colors: Array, label: str) -> None:
    """Draw some parts, each in the color of its row."""
    from matplotlib.collections import LineCollection  # noqa: PLC0415 - an optional dependency

    if not len(parts):
        return
    rows = outlines.owner[parts]
    lines = [_outline(outlines, int(part)) for part in parts]
    ends = np.cumsum([len(each) for each in lines])[:-1]
    pixels = np.split(_pixels(ax, np.concatenate(lines)), ends)
    drawn = [_torn(line, way) for line, way in zip(lines, pixels, strict=True)]
    edges = colors[rows].copy()
    areas = edges.copy()
    edges[:, 3] = np.where(dashed[rows], _LINE_ALPHA, max(_LINE_ALPHA / len(parts) ** 0.25, _LEAST_LINE))
    # What is torn has no inside in the picture, what is larger than the picture would tint it; planned ones are lines,
    # and an image is to be seen.
    width = np.ptp(ax.get_xlim())
    filled = np.array([np.ptp(way, axis=0).max() < width for way in drawn]) & ~dashed[rows] & (not ax.images)
    areas[:, 3] = np.where(filled, max(_AREA_ALPHA / len(parts) ** 0.7, _LEAST_AREA), 0.0)
    styles = ["--" if dashed[row] else "-" for row in rows]
    style: dict[str, Any] = {"linestyles": styles, "linewidths": 0.7, "capstyle": "round", "label": label}
    ax.add_collection(LineCollection(drawn, colors=edges, facecolors=areas, **style), autolim=False)


def _draw_search(ax: Any, search: Circle) -> None:
    """Draw the circle that was searched, and a cross at its center."""
    center = unit_vectors(search.ra, search.dec)
    style = {"color": "black", "zorder": 4, "scalex": False, "scaley": False}
    ax.plot(*_pixels(ax, center[np.newaxis]).T, marker="+", markersize=11, linestyle="none", label="target", **style)
    if search.radius > 0:
        line = _circle(center, np.radians(search.radius))
        ax.plot(*_torn(line, _pixels(ax, line)).T, linestyle=":", linewidth=1.2, label="search", **style)


def _pixels(ax: Any, positions: Array) -> Array:
    """Return where unit vectors are in the picture, ``(n, 2)``."""
    ra, dec = longitude_latitude(positions)
    return np.column_stack(ax.wcs.world_to_pixel(SkyCoord(ra, dec, unit="deg")))


def _circle(center: Array, radius: float) -> Array:
    """Return positions along a circle with a radius in radians, the first one repeated at the end."""
    around = 2 * np.pi * np.arange(_ROUND + 1) / _ROUND
    aside = np.column_stack([np.cos(around), np.sin(around)]) @ tangents(center)
    return np.asarray(np.cos(radius) * center + np.sin(radius) * aside)


def _outline(outlines: Outlines, part: int) -> Array:
    """Return positions along the outline of a part, the first one repeated at the end."""
    vertices = outlines.vertices[outlines.first[part] : outlines.first[part + 1]]
    if outlines.radius[part] >= 0:
        return _circle(vertices[0], float(outlines.radius[part]))
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
