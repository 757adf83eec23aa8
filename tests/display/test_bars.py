"""Plots of observations as bars in time and wavelength, checked through their matplotlib artists."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, QTable, Table
from astroquery.exceptions import InvalidQueryError

from astroquery_mast import Observations, display
from astroquery_mast.display import plot_timeline, plot_wavelengths
from astroquery_mast.sandbox import Sandbox

plt = pytest.importorskip("matplotlib.pyplot")

EPOCH = 40587
NEXT_CENTURY = 88069.0
MASK = [False, False, False, True]


def observations(**changed: Any) -> Table:
    """Return two executed observations, a planned one, and one without values."""
    cells: dict[str, Any] = {
        "instrument_name": MaskedColumn(["NIRCAM/IMAGE", "ACS/WFC", "NIRCAM/IMAGE", "NIRCAM/IMAGE"], mask=MASK),
        "filters": MaskedColumn(["F200W", "F814W", "F444W", "F444W"], mask=MASK),
        "calib_level": MaskedColumn([2, 3, -1, 2], mask=MASK),
        "t_min": MaskedColumn([59800.0, 52600.0, 61700.0, 0.0], mask=MASK, unit="d"),
        "t_max": MaskedColumn([59800.5, 52601.0, 61700.2, 0.0], mask=MASK, unit="d"),
        "t_obs_release": MaskedColumn([NEXT_CENTURY, 52966.0, 0.0, 0.0], mask=[False, False, True, True], unit="d"),
        "t_exptime": MaskedColumn([1200.0, 300.0, 900.0, 0.0], mask=MASK, unit="s"),
        "em_min": MaskedColumn([1755.0, 703.0, 3881.0, 0.0], mask=MASK, unit="nm"),
        "em_max": MaskedColumn([2226.0, 965.0, 4982.0, 0.0], mask=MASK, unit="nm"),
    }
    return Table({**cells, **changed}, masked=True)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close all figures after each test."""
    yield
    plt.close("all")


def bars(ax: Any) -> list[tuple[float, float, float, bool]]:
    """Return the ends and the middle of all bars, and whether they have dashed outlines."""
    found = []
    for drawn in ax.collections:
        for path in drawn.get_paths():
            (left, low), (right, high) = path.vertices.min(axis=0), path.vertices.max(axis=0)
            found.append((left, right, (low + high) / 2, drawn.get_linestyle()[0][1] is not None))
    return sorted(found)


def lanes(ax: Any) -> list[str]:
    """Return the labels of the lanes, from the top."""
    return [label.get_text() for label in ax.get_yticklabels()]


def test_observations_are_bars_in_time() -> None:
    """Bars extend from start to end in the lane of the instrument, the earliest at the top, planned ones dashed."""
    ax = plot_timeline(observations())
    assert lanes(ax) == ["ACS/WFC (1)", "NIRCAM/IMAGE (2)"]
    assert bars(ax) == [
        (52600 - EPOCH, 52601 - EPOCH, pytest.approx(0), False),
        (59800 - EPOCH, 59800.5 - EPOCH, pytest.approx(1), False),
        (61700 - EPOCH, pytest.approx(61700.2 - EPOCH), pytest.approx(1), True),
    ]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    assert ax.get_title() == "3 observations (1 more without a date)"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Date (UTC)", "Instrument")
    ax.figure.canvas.draw()


def test_release_dates_are_marked() -> None:
    """Past release dates are open, future ones are filled, and a line from the observation leads to the latter."""
    ax = plot_timeline(observations())
    marks = {(x, line.get_markerfacecolor() == "none") for line in ax.lines if line.get_marker() == "^"
             for x in line.get_xdata()}  # fmt: skip
    assert marks == {(52966 - EPOCH, True), (NEXT_CENTURY - EPOCH, False)}
    waiting = [list(line.get_xdata()) for line in ax.lines if line.get_linestyle() == "-"]
    assert waiting == [[59800.5 - EPOCH, NEXT_CENTURY - EPOCH]]
    said = [text.get_text() for text in ax.figure.legends[0].get_texts()]
    assert said == ["planned", "released", "exclusive until then", "today"]


def test_equal_release_dates_are_marked_once() -> None:
    """A thousand observations with the same release date have one triangle."""
    made = Table({"instrument_name": ["A"] * 1000, "t_min": 59800 + np.arange(1000) / 500})
    made["t_max"], made["t_obs_release"] = made["t_min"] + 0.001, 60165.0 + np.arange(1000) / 5000
    ax = plot_timeline(made)
    assert sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() == "^") == 1


def test_observations_are_bars_in_wavelength() -> None:
    """Bars are in micrometers in the lane of the filter, the shortest at the top, colored by exposure time."""
    ax = plot_wavelengths(observations(), by="filters")
    assert lanes(ax) == ["F814W (1)", "F200W (1)", "F444W (1)"]
    found = bars(ax)
    assert [(round(left, 3), round(right, 3), dashed) for left, right, _, dashed in found] == [
        (0.703, 0.965, False),
        (1.755, 2.226, False),
        (3.881, 4.982, True),
    ]
    assert ax.get_xscale() == "log"
    assert ax.get_title() == "3 observations (1 more without wavelengths)"
    (bar,) = [other for other in ax.figure.axes if other is not ax]
    assert bar.get_ylabel() == "Longest exposure (s)"
    assert bar.get_ylim() == (300, 1200)
    ax.figure.canvas.draw()


def test_a_range_has_the_color_of_its_longest_exposure() -> None:
    """The color is not that of the sum; each range is drawn once, the narrow ones after the wide ones."""
    table = Table({"instrument_name": ["A"] * 4, "t_exptime": [10.0, 100.0, 50.0, 5000.0]})
    table["em_min"], table["em_max"] = [500.0, 400.0, 400.0, 300.0], [600.0, 900.0, 900.0, 310.0]
    ax = plot_wavelengths(table)
    (drawn,) = ax.collections
    starts = [round(float(path.vertices[:, 0].min()), 3) for path in drawn.get_paths()]
    assert starts == [0.4, 0.5, 0.3]
    colors = [tuple(color[:3]) for color in drawn.get_facecolor()]
    scale = ax.figure.axes[1]._colorbar.mappable
    assert colors == [tuple(scale.to_rgba(seconds)[:3]) for seconds in (100.0, 10.0, 5000.0)]


@pytest.mark.parametrize("plot", [plot_timeline, plot_wavelengths])
def test_quantities_and_other_units_give_the_same_plot(plot: Any) -> None:
    """Quantities are drawn like numbers, and wavelengths in other units are converted."""
    plain = observations()[:3]
    other = QTable(plain)
    other["em_min"], other["em_max"] = other["em_min"].to(u.AA), other["em_max"].to(u.AA)
    np.testing.assert_allclose(np.array(bars(plot(other))), np.array(bars(plot(plain))))


@pytest.mark.parametrize("plot", [plot_timeline, plot_wavelengths])
def test_rare_values_share_a_lane(plot: Any) -> None:
    """The plot remains readable with hundreds of filters."""
    table = Table({"filters": [f"F{number}W" for number in range(300)] * 2 + ["F1W"] * 5})
    table["t_min"] = table["t_max"] = 59000.0 + np.arange(605)
    table["em_min"] = table["em_max"] = 300.0 + np.arange(605)
    ax = plot(table, by="filters")
    assert len(lanes(ax)) == 40
    assert "F1W (7)" in lanes(ax)
    assert lanes(ax)[-1] == "261 others (522)"
    assert ax.figure.get_size_inches()[1] < 15
    assert len({middle for _, _, middle, _ in bars(ax)}) == 40


@pytest.mark.parametrize("plot", [plot_timeline, plot_wavelengths])
def test_the_axes_of_the_user_are_used(plot: Any) -> None:
    """No figure is created, and a single row can be drawn, too."""
    ax = plt.figure().add_subplot()
    assert plot(observations()[0], ax) is ax
    assert len(bars(ax)) == 1
    assert plt.get_fignums() == [ax.figure.number]


@pytest.mark.parametrize("plot", [plot_timeline, plot_wavelengths])
@pytest.mark.parametrize("name", observations().colnames)
def test_masked_cells_never_raise(plot: Any, name: str) -> None:
    """A column without values gives a plot of the other values, or an error that there are no values."""
    table = observations()
    table[name].mask = True
    try:
        plot(table).figure.canvas.draw()
    except InvalidQueryError as err:
        assert "None of the rows has" in str(err)
    else:
        assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize(
    ("plot", "table", "options", "reason"),
    [
        (plot_timeline, observations()[:0], {}, "The table has no rows"),
        (plot_wavelengths, observations()[:0], {}, "The table has no rows"),
        (plot_timeline, observations()[3:], {}, "None of the rows has a date"),
        (plot_wavelengths, observations()[3:], {}, "None of the rows has wavelengths"),
        (plot_timeline, observations(), {"by": "filter"}, "no column 'filter'. Did you mean 'filters'"),
        (plot_wavelengths, Table({"em_min": [1.0]}), {}, "no column 'em_max'"),
        (plot_timeline, "M51", {}, "must be a Table of observations, not str"),
        (plot_timeline, observations(t_min=["a", "b", "c", "d"]), {}, "'t_min' is not numeric"),
        (plot_wavelengths, observations(em_min=[1, 2, 3, 4] * u.kg), {}, "'em_min' is in kg"),
        (plot_timeline, observations(), {"ax": "picture"}, "must be matplotlib axes"),
    ],
)
def test_invalid_bar_plots_raise(plot: Any, table: Any, options: Any, reason: str) -> None:
    """The error has the reason, and no figure stays open."""
    with pytest.raises(InvalidQueryError, match=reason):
        plot(table, **options)
    assert not plt.get_fignums()


@pytest.mark.parametrize("day", [1e9, -1e9, np.inf])
def test_invalid_dates_are_skipped(day: float) -> None:
    """Other observations are drawn."""
    table = observations()[:2]
    table["t_min"][0] = table["t_max"][0] = table["t_obs_release"][0] = day
    ax = plot_timeline(table)
    ax.figure.canvas.draw()
    assert [bar[:2] for bar in bars(ax)] == [(52600 - EPOCH, 52601 - EPOCH)]


def test_search_results_can_be_plotted(mast_sandbox: Sandbox) -> None:
    """Every row of the result is in the plot or counted as missing."""
    found = Observations.query_object("M101", radius="0.2 deg")
    dated = int((~np.ma.getmaskarray(found["t_min"])).sum())
    assert plot_timeline(found).get_title() == f"{dated} observations ({len(found) - dated} more without a date)"
    assert plot_wavelengths(found, by="filters").get_title().startswith(f"{len(found)} observations")
    assert mast_sandbox.url


def test_the_examples_run() -> None:
    """The examples in the docstrings print the documented output."""
    for name in ("plot_footprints", "plot_timeline", "plot_wavelengths"):
        for example in doctest.DocTestFinder().find(getattr(display, name), name):
            outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=lambda _text: None)
            assert outcome.attempted > 0
            assert not outcome.failed


def test_completion_has_only_public_names() -> None:
    """Submodules are not in dir(), and a wrong name raises AttributeError."""
    assert dir(display) == sorted(display.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'plot_time'"):
        display.plot_time  # noqa: B018 - accessed for its error
