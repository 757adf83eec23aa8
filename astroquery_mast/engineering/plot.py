"""Plots of telemetry, with a panel for each unit and for each mnemonic with text values.

In: results of telemetry queries.  Out: matplotlib axes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Table
from astropy.time import Time
from astropy.timeseries import TimeSeries

from ..exceptions import InvalidArgumentError
from ..sky.picture import drawn_text, pyplot
from ..tables.rows import Array

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

_LABEL = "obs_id"
# The maximum number of labels on an axis of categories; if there are more categories, labels are skipped.
_MOST_LABELS = 16
_LONGEST_LABEL = 32
_LONGEST_TITLE = 100
_PANEL_HEIGHT = 2.6


@dataclass(frozen=True)
class _Curve:
    """The curve of a mnemonic, which is interrupted where a new exposure begins."""

    name: str
    times: Array
    values: Array
    unit: str
    description: str
    breaks: Array

    @property
    def categorical(self) -> bool:
        """Whether the values are categories."""
        return self.values.dtype.kind in "USOb"

    @property
    def panel(self) -> tuple[bool, str]:
        """The key of the panel: its curves share the unit, or are of the same mnemonic."""
        return self.categorical, self.name if self.categorical else self.unit

    @property
    def label(self) -> str:
        """The name and the description."""
        return f"{self.name}: {self.description}" if self.description else self.name

    def pieces(self) -> Iterator[tuple[Array, Array]]:
        """Yield the parts that are drawn as continuous lines."""
        yield from zip(np.split(self.times, self.breaks), np.split(self.values, self.breaks), strict=True)


def plot_telemetry(result: Any, ax: Any = None) -> Axes | npt.NDArray[np.object_]:
    """Plot time series of mnemonics; see `EngineeringClass.plot_mnemonics`."""
    panels: dict[tuple[bool, str], list[_Curve]] = {}
    for curve in _curves(result):
        panels.setdefault(curve.panel, []).append(curve)
    if not panels:
        raise InvalidArgumentError("The result has no mnemonic to plot.")
    axes = _new_axes(len(panels)) if ax is None else _given_axes(ax, len(panels))
    for each, curves in zip(axes, panels.values(), strict=True):
        _draw(each, curves)
    _label_times(axes[-1])
    return axes[0] if len(axes) == 1 else np.array(axes, dtype=object)


# -- curves ----------------------------------------------------------------------------------------------------------


def _curves(result: Any) -> list[_Curve]:
    """Return the curves of a result."""
    series = list(result.values()) if isinstance(result, Mapping) else [result]
    if not all(isinstance(each, Table) and "time" in each.colnames for each in series):
        raise InvalidArgumentError(
            "result must be a TimeSeries, or a dictionary of them, as returned by query_mnemonics."
        )
    return [_curve(each, name) for each in series for name in each.colnames if name not in {"time", _LABEL}]


def _curve(series: TimeSeries, name: str) -> _Curve:
    """Return the curve of one mnemonic of a time series."""
    column = series[name]
    unit = getattr(column, "unit", None)
    known = (column.info.meta or {}).get("unit", "")
    labels = np.asarray(series[_LABEL]) if _LABEL in series.colnames else np.empty(0)
    return _Curve(
        name,
        Time(series["time"]).utc.datetime64,
        _plain_values(column),
        str(known) if unit is None else unit.to_string(),
        column.info.description or "",
        np.flatnonzero(labels[1:] != labels[:-1]) + 1,
    )


def _plain_values(column: Any) -> Any:
    """Return the values of a column without their unit, as a masked array if the column has a mask."""
    mask = getattr(column, "mask", None)
    values = np.asarray(getattr(getattr(column, "unmasked", column), "value", column))
    return values if mask is None else np.ma.MaskedArray(values, mask=np.broadcast_to(mask, values.shape))


# -- panels ----------------------------------------------------------------------------------------------------------


def _new_axes(count: int) -> list[Any]:
    """Return new panels in one column."""
    size = (9, max(4.0, 0.8 + _PANEL_HEIGHT * count))
    _, axes = pyplot().subplots(count, 1, sharex=True, squeeze=False, figsize=size, layout="constrained")
    return list(axes[:, 0])


def _given_axes(ax: Any, count: int) -> list[Any]:
    """Return the axes that a user gives as a list."""
    axes = list(np.atleast_1d(np.asarray(ax, dtype=object)).ravel())
    if len(axes) != count or not all(hasattr(each, "plot") for each in axes):
        raise InvalidArgumentError(
            f"ax must be {count} matplotlib axes, one per unit and per mnemonic with text values, got {ax!r:.60}."
        )
    return axes


def _draw(ax: Any, curves: Sequence[_Curve]) -> None:
    """Draw the curves of a panel."""
    categories = _categories(curves[0]) if curves[0].categorical else None
    for curve in curves:
        _draw_curve(ax, curve, categories)
    ax.grid(color="0.9", linewidth=0.5)
    if categories is not None:
        _label_categories(ax, categories)
    else:
        ax.set_ylabel(drawn_text(curves[0].unit) or "value")
    if len(curves) == 1:
        ax.set_title(drawn_text(curves[0].label, _LONGEST_TITLE), fontsize="medium", loc="left")
    else:
        ax.legend(fontsize="small", loc="best")


def _label_times(ax: Any) -> None:
    """Label the time axis of the last panel with the shortest sufficient dates."""
    from matplotlib import dates  # noqa: PLC0415 - an optional dependency

    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(ax.xaxis.get_major_locator()))
    ax.set_xlabel("Time (UTC)")


def _draw_curve(ax: Any, curve: _Curve, categories: Sequence[str] | None) -> None:
    """Draw a curve in one color; categories and integers are drawn as steps, constant until the next sample."""
    color = None
    stepped = categories is not None or curve.values.dtype.kind in "iu"
    style = {"drawstyle": "steps-post"} if stepped else {}
    for times, values in curve.pieces():
        heights = values if categories is None else _places(values, categories)
        marker = "." if len(times) == 1 else None
        label = drawn_text(curve.label, _LONGEST_TITLE) if color is None else None
        (line,) = ax.plot(times, heights, label=label, color=color, linewidth=1.0, marker=marker, **style)
        color = line.get_color()


def _categories(curve: _Curve) -> list[str]:
    """Return the categories of a mnemonic, from bottom to top."""
    return sorted(set(map(str, np.ma.compressed(curve.values).tolist())))


def _places(values: Any, categories: Sequence[str]) -> Any:
    """Return the heights of categories; NaN where a value is masked."""
    place = {word: float(number) for number, word in enumerate(categories)}
    return np.array([np.nan if word is None else place[str(word)] for word in values.tolist()])


def _label_categories(ax: Any, categories: Sequence[str]) -> None:
    """Label the heights of the categories."""
    step = -(-len(categories) // _MOST_LABELS) or 1
    shown = range(0, len(categories), step)
    ax.set_yticks(list(shown), [drawn_text(categories[number] or "(empty)", _LONGEST_LABEL) for number in shown])
    ax.set_ylim(-0.5, max(len(categories), 1) - 0.5)
