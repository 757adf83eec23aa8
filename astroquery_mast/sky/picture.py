"""Tools for all plots of observations: matplotlib, and columns as numbers, groups, colors and titles.

In: a table of observations and the name of a column.  Out: arrays and strings to draw.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Row, Table
from astropy.time import Time

from ..exceptions import InvalidArgumentError, InvalidQueryError, presentable
from ..tables.columns import did_you_mean
from ..tables.rows import Array

INSTRUMENT = "instrument_name"
_PLANNED = -1
_NO_VALUE = "no value"
_LONGEST_LABEL = 32
# Opacity of background lines, and the sum of red, green and blue above which text implies a dark background.
_FAINT, _BRIGHT = 0.15, 1.5
# Values that span more than this factor get a logarithmic color scale.
_DECADE = 10
# Titles of columns; other titles are derived from the column names.
_TITLES = {
    "instrument_name": "Instrument",
    "obs_collection": "Mission",
    "filters": "Filters",
    "proposal_id": "Program",
    "target_name": "Target",
    "t_exptime": "Exposure time",
    "t_min": "Start time (MJD)",
    "t_max": "End time (MJD)",
    "t_obs_release": "Release date (MJD)",
}


def pyplot() -> Any:
    """Import matplotlib.pyplot."""
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415 - an optional dependency
    except ImportError as err:
        message = "Pictures need matplotlib. Install it with: pip install 'astroquery_mast[plot]'"
        raise InvalidQueryError(message) from err
    return plt


def ink() -> Any:
    """Return the text color of the current style, which contrasts with light and dark backgrounds."""
    return pyplot().rcParams["text.color"]


def faint_lines() -> dict[str, Any]:
    """Return the style of grid lines."""
    return {"color": ink(), "alpha": _FAINT, "linewidth": 0.5}


def depth_colors() -> str:
    """Return the name of the color map whose largest numbers stand out from the background."""
    from matplotlib.colors import to_rgb  # noqa: PLC0415 - an optional dependency

    return "viridis" if sum(to_rgb(ink())) > _BRIGHT else "viridis_r"


def drawable_table(table: Any, *needed: str) -> Table:
    """Return a table with at least one row and the given columns; a row becomes a table."""
    if isinstance(table, Row):
        table = Table(table, masked=True)
    if not isinstance(table, Table):
        raise InvalidArgumentError(f"table must be a Table of observations, not {type(table).__name__}.")
    for name in needed:
        if name not in table.colnames:
            raise InvalidArgumentError(f"The table has no column '{name}'. {did_you_mean(str(name), table.colnames)}")
    if not len(table):
        raise InvalidArgumentError("The table has no rows.")
    return table


def numbers_of(table: Table, name: str, unit: u.UnitBase | None = None) -> Array:
    """Return a numeric column with NaN for masked values, converted to ``unit`` if the column has a unit."""
    column = table[name]
    if isinstance(column, Time):
        return np.ma.filled(np.ma.asarray(column.mjd, dtype=float), np.nan)
    values, mask = _without_mask(column)
    try:
        numbers = np.array(values, dtype=float)
    except (TypeError, ValueError) as err:
        raise InvalidArgumentError(f"The column '{name}' is not numeric.") from err
    numbers[mask] = np.nan
    own = getattr(column, "unit", None)
    if unit is None or own is None:
        return numbers
    try:
        return np.asarray((numbers * own).to_value(unit, u.spectral()))
    except u.UnitConversionError as err:
        raise InvalidArgumentError(f"The column '{name}' is in {own}, which cannot be converted to {unit}.") from err


def _without_mask(column: Any) -> tuple[Array, Array]:
    """Return the values of a column and its mask."""
    bare = getattr(column, "unmasked", column)
    values = np.ma.getdata(getattr(bare, "value", bare))
    return values, np.broadcast_to(np.asarray(getattr(column, "mask", False)), values.shape)


def is_continuous(table: Table, name: str, most: int) -> bool:
    """Return whether a column is floating-point and has more than ``most`` distinct values."""
    values, mask = _without_mask(table[name])
    return values.dtype.kind == "f" and len(np.unique(values[~mask])) > most


def rows_by_value(table: Table, name: str, most: int) -> dict[str, Array]:
    """Return the row numbers of each value of a column, most frequent first; rare values form a last group."""
    values, mask = _without_mask(table[name])
    texts = [_NO_VALUE if gone or not str(each).strip() else str(each) for each, gone in zip(values, mask, strict=True)]
    ranked = [text for text, _ in Counter(texts).most_common()]
    number = {text: place for place, text in enumerate(ranked)}
    places = np.fromiter(map(number.__getitem__, texts), dtype=np.intp, count=len(texts))
    alone = ranked if len(ranked) <= most else ranked[: most - 1]
    found = {text: np.flatnonzero(places == place) for place, text in enumerate(alone)}
    if len(alone) < len(ranked):
        found[f"{len(ranked) - len(alone)} others"] = np.flatnonzero(places >= len(alone))
    return found


def color_scale(numbers: Array, colors: str) -> Any:
    """Return a color scale for numbers, logarithmic for a wide range; None if no number is finite."""
    from matplotlib.cm import ScalarMappable  # noqa: PLC0415 - an optional dependency
    from matplotlib.colors import LogNorm, Normalize  # noqa: PLC0415 - an optional dependency

    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return None
    least, most = float(known.min()), float(known.max())
    # A single number is the end of a scale that starts at 0.
    wide = (least, most) if least < most else (min(0.0, least), max(0.0, most) or 1.0)
    return ScalarMappable(LogNorm(least, most) if 0 < _DECADE * least < most else Normalize(*wide), colors)


def draw_color_bar(axes: Any, scale: Any, title: str) -> None:
    """Draw a color bar with plain numbers next to the axes or a list of axes."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter  # noqa: PLC0415 - as above

    figure = (axes[0] if isinstance(axes, list) else axes).figure
    bar = figure.colorbar(scale, ax=axes, label=title, pad=0.02, shrink=0.9)
    bar.ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    if bar.norm.vmin > 0 and bar.norm.vmax > _DECADE * bar.norm.vmin:
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        bar.ax.yaxis.set_minor_formatter(NullFormatter())


def planned_rows(table: Table) -> Array:
    """Return a mask of the rows that are planned observations."""
    if "calib_level" not in table.colnames:
        return np.zeros(len(table), dtype=bool)
    return np.asarray(numbers_of(table, "calib_level") == _PLANNED)


def column_title(table: Table, name: str) -> str:
    """Return the title of a column: a readable name and the unit."""
    words = _TITLES.get(name) or drawn_text(name.replace("_", " ").capitalize())
    unit = getattr(table[name], "unit", None)
    return words if unit is None or "(" in words else f"{words} ({drawn_text(str(unit))})"


def drawn_text(text: str, most: int | None = None) -> str:
    """Return a string as one line for matplotlib, with control characters and dollar signs escaped."""
    line = " ".join(presentable(text).split())
    return (line if most is None or len(line) <= most else f"{line[: most - 1]}…").replace("$", r"\$")


def short_label(text: str) -> str:
    """Return a string as one short line for a label."""
    return drawn_text(text, _LONGEST_LABEL)


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
