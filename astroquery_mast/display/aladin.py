"""Show footprints in Aladin Lite, the interactive sky atlas, inside a notebook.

In: a table of observations.  Out: an ipyaladin widget with one overlay for each color.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import count
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Row, Table

from ..exceptions import InvalidArgumentError
from ..sky.coloring import Coloring, distinct_parts, drawable_outlines
from ..sky.outlines import Outlines
from ..sky.picture import INSTRUMENT, drawable_table, planned_rows, pyplot
from ..sky.sky_axes import SkyView, search_circle
from ..sky.sphere import longitude_latitude
from ..tables.rows import Array, RowNumbers

# A widget is about twice as wide as high; its field of view is its width, at most 360 degrees.
_ASPECT, _WIDEST = 2.0, 360.0
# Number of colors in a color scale; each color is a separate overlay.
_STEPS = 8
# A point is drawn as a circle of this radius, in degrees.
_POINT = 1 / 3600
_LINE_WIDTH, _DASHES = 2, [6, 4]
_SEARCH_COLOR = "#ffffff"


def to_aladin(
    table: Table,
    *,
    aladin: Any = None,
    by: str | None = INSTRUMENT,
    coordinates: Any = None,
    radius: Any = None,
) -> Any:
    """Show the footprints of observations in Aladin Lite.

    All footprints of one color are a single overlay, which is sent to the browser in one message: the view stays fluid
    with 10,000 footprints, and you can hide or show each overlay in the list of layers. Identical footprints of one
    color are drawn once. Planned observations (``calib_level`` -1) are separate overlays with dashed lines.

    This function requires ipyaladin: ``pip install 'astroquery_mast[aladin]'``.

    Parameters
    ----------
    table : `~astropy.table.Table` or `~astropy.table.Row`
        Observations with the column ``s_region``. Rows without a footprint are skipped.
    aladin : ``ipyaladin.Aladin``, optional
        The widget to add the footprints to. By default, a new one.
    by : str, optional
        The column that sets the colors; None for a single color. If it has more than 20 values, the 19 most frequent
        ones get a color and all others are gray. A floating-point column with more than 5 values is divided into 8
        ranges. Defaults to ``"instrument_name"``.
    coordinates : `~astropy.coordinates.SkyCoord` or str, optional
        The center of the view, as in `ObservationsClass.query_region`. By default, the center of all footprints.
        Object names are not resolved here: use `ObservationsClass.resolve_object`.
    radius : float, str or `~astropy.units.Quantity`, optional
        The search radius around ``coordinates``; a number is in degrees. The view is limited to the search circle,
        which is a separate overlay. By default, the view shows all footprints.

    Returns
    -------
    ``ipyaladin.Aladin``
        The widget, with its target and field of view set. The notebook shows it if it is the last line of a cell.

    Raises
    ------
    InvalidArgumentError
        If the table is empty or lacks a column, if an argument is invalid, or if ipyaladin is not installed.
    InvalidQueryError
        If no row has a footprint, or if matplotlib, which provides the colors, is not installed.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from astroquery_mast.display import to_aladin
    >>> fields = Table({"instrument_name": ["NIRCAM", "MIRI"]})
    >>> fields["s_region"] = ["CIRCLE 202.47 47.2 0.05", "CIRCLE 202.5 47.2 0.02"]
    >>> aladin = to_aladin(fields)  # doctest: +SKIP
    >>> aladin.overlays  # doctest: +SKIP
    ['NIRCAM (1)', 'MIRI (1)']
    """
    if by == INSTRUMENT and isinstance(table, Row | Table) and by not in table.colnames:
        by = None
    table = drawable_table(table, "s_region", *([by] if by else []))
    search = search_circle(coordinates, radius)
    outlines = drawable_outlines(table)
    widget = _widget(aladin)
    pyplot()
    view = SkyView.of(outlines, search)
    ra, dec = longitude_latitude(view.center)
    widget.target = SkyCoord(float(ra), float(dec), unit="deg")
    widget.fov = min(_ASPECT * view.width, _WIDEST)
    for name, texts, style in _overlays(table, outlines, Coloring.of(table, by)):
        widget.add_graphic_overlay_from_stcs(texts, name=_free_name(widget, name), **style)
    if search is not None and search.radius > 0:
        style = {"color": _SEARCH_COLOR, "line_width": 1, "line_dash": _DASHES}
        name = _free_name(widget, "search")
        widget.add_graphic_overlay_from_stcs([_circle_text(search.ra, search.dec, search.radius)], name=name, **style)
    return widget


def _widget(aladin: Any) -> Any:
    """Return the user's widget, or a new one."""
    try:
        package = import_module("ipyaladin")
    except ImportError as err:
        message = "to_aladin needs ipyaladin. Install it with: pip install 'astroquery_mast[aladin]'"
        raise InvalidArgumentError(message) from err
    if aladin is not None and not isinstance(aladin, package.Aladin):
        raise InvalidArgumentError(f"aladin={aladin!r:.60} must be an ipyaladin.Aladin.")
    return package.Aladin() if aladin is None else aladin


def _free_name(widget: Any, name: str) -> str:
    """Return a name that is not in use in the widget."""
    names = (name if not number else f"{name} [{number + 1}]" for number in count())
    return next(each for each in names if each not in widget.overlays)


def _overlays(table: Table, outlines: Outlines, coloring: Coloring) -> Iterator[tuple[str, list[str], dict[str, Any]]]:
    """Yield the name, footprints and style of each overlay."""
    planned = planned_rows(table)
    parts = distinct_parts(outlines, coloring.keys, planned)
    for label, (rows, color) in _color_groups(coloring).items():
        for dashed in (False, True):
            mine = rows[planned[rows] == dashed]
            drawn = parts[np.isin(outlines.owner[parts], mine)]
            if not len(drawn):
                continue
            name = f"{label or 'footprints'}{' planned' if dashed else ''} ({len(mine):,})"
            style: dict[str, Any] = {"color": color, "line_width": _LINE_WIDTH}
            yield name, _texts(outlines, drawn), style | ({"line_dash": _DASHES} if dashed else {})


def _color_groups(coloring: Coloring) -> Mapping[str, tuple[RowNumbers, str]]:
    """Return the rows and the color of each group; the groups of a color scale are ranges of values."""
    if coloring.scale is None:
        return {label: (rows, _hex(coloring.colors[rows[0]])) for label, rows in coloring.groups.items()}
    numbers = coloring.keys
    known = np.isfinite(numbers)
    norm = coloring.scale.norm
    step = np.where(known, np.clip(np.asarray(norm(np.where(known, numbers, norm.vmin))) * _STEPS, 0, _STEPS - 1), -1)
    found: dict[str, tuple[RowNumbers, str]] = {}
    for number in range(_STEPS):
        rows = np.flatnonzero(known & (step.astype(int) == number))
        if len(rows):
            low, high = (float(norm.inverse((number + end) / _STEPS)) for end in (0, 1))
            middle = coloring.scale.to_rgba(norm.inverse((number + 0.5) / _STEPS))
            found[f"{coloring.title}: {low:,.3g} to {high:,.3g}"] = rows, _hex(middle)
    if not known.all():
        rows = np.flatnonzero(~known)
        found["no value"] = rows, _hex(coloring.colors[rows[0]])
    return found


def _hex(color: Any) -> str:
    """Return a color in hexadecimal notation."""
    return "#" + "".join(f"{round(255 * float(each)):02x}" for each in color[:3])


def _texts(outlines: Outlines, parts: Array) -> list[str]:
    """Return each part as a separate STC-S string, because Aladin Lite does not support unions."""
    ra, dec = longitude_latitude(outlines.vertices)
    texts = []
    for part in parts.tolist():
        here = slice(outlines.first[part], outlines.first[part + 1])
        radius = float(np.degrees(outlines.radius[part]))
        if radius >= 0:
            texts.append(_circle_text(float(ra[here][0]), float(dec[here][0]), radius or _POINT))
        else:
            corners = zip(ra[here].tolist(), dec[here].tolist(), strict=True)
            texts.append("POLYGON ICRS " + " ".join(f"{x:.7f} {y:.7f}" for x, y in corners))
    return texts


def _circle_text(ra: float, dec: float, radius: float) -> str:
    """Return a circle as STC-S."""
    return f"CIRCLE ICRS {ra:.7f} {dec:.7f} {radius:.7f}"
