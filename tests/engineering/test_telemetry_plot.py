"""Plots of telemetry: panels, units, text as steps, and gaps between exposures."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from astropy.table import Table

from astroquery_mast import EngineeringClass
from astroquery_mast.exceptions import InvalidQueryError

plt = pytest.importorskip("matplotlib.pyplot")
SPAN = ("2022-12-27T04:00", "2022-12-27T06:00")


@pytest.fixture(autouse=True)
def no_figures_left() -> Iterator[None]:
    """Close all figures."""
    yield
    plt.close("all")


def test_numbers_are_a_line_with_unit_and_description(engineering: EngineeringClass) -> None:
    """The curve has as many points as samples, at their times."""
    series = engineering.query_mnemonics("SE_ZIMIRICEA", *SPAN)
    ax = engineering.plot_mnemonics(series)
    (line,) = ax.get_lines()
    assert np.array_equal(line.get_ydata(), series["SE_ZIMIRICEA"].value)
    assert np.array_equal(np.asarray(line.get_xdata(), dtype="datetime64[us]"), series.time.datetime64)
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("A", "Time (UTC)")
    assert ax.get_title(loc="left") == "SE_ZIMIRICEA: Current, IMIRICEA"
    ax.figure.draw_without_rendering()


def test_text_is_drawn_as_steps(engineering: EngineeringClass) -> None:
    """Each category has its own height."""
    series = engineering.query_mnemonics("IMIR_HK_FW_CUR_POS", *SPAN)
    ax = engineering.plot_mnemonics(series)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == sorted(set(series["IMIR_HK_FW_CUR_POS"].tolist()))
    (line,) = ax.get_lines()
    assert line.get_drawstyle() == "steps-post"
    heights = np.asarray(line.get_ydata()).astype(int)
    assert [labels[height] for height in heights] == series["IMIR_HK_FW_CUR_POS"].tolist()


def test_mnemonics_of_the_same_unit_share_a_panel(engineering: EngineeringClass) -> None:
    """Mnemonics with text have separate panels; only the given axes are used."""
    names = ["SE_ZIMIRICEA", "SE_ZIMIRFPEA", "SE_ZBUSVLT", "IMIR_HK_FW_CUR_POS"]
    found = engineering.query_mnemonics(names, *SPAN)
    axes = engineering.plot_mnemonics(found)
    assert [len(ax.get_lines()) for ax in axes] == [2, 1, 1]
    assert axes[0].get_legend() is not None
    _, given = plt.subplots(3)
    assert list(engineering.plot_mnemonics(found, ax=given)) == list(given)
    figure, one = plt.subplots()
    assert engineering.plot_mnemonics(found["SE_ZBUSVLT"], ax=one) is one
    assert figure.axes == [one]
    with pytest.raises(InvalidQueryError, match="3 matplotlib axes"):
        engineering.plot_mnemonics(found, ax=one)


def test_an_aligned_result_is_plotted(engineering: EngineeringClass) -> None:
    """Masked values leave a gap."""
    names = ["SE_ZBUSVLT", "IMIR_HK_FW_CUR_POS"]
    series = engineering.query_mnemonics(names, *SPAN, align="previous")
    axes = engineering.plot_mnemonics(series)
    assert [len(ax.get_lines()[0].get_xdata()) for ax in axes] == [len(series)] * 2


def test_exposures_are_not_connected(engineering: EngineeringClass) -> None:
    """The line of a mnemonic has a part for each exposure, in one color."""
    rows = Table({"obs_id": ["a", "b"], "t_min": [59940.2, 59940.25], "t_max": [59940.21, 59940.26]})
    ax = engineering.plot_mnemonics(engineering.during(rows, "SE_ZBUSVLT"))
    assert len(ax.get_lines()) == 2
    assert len({line.get_color() for line in ax.get_lines()}) == 1


def test_many_categories_have_few_labels(engineering: EngineeringClass) -> None:
    """The labels are readable, and not interpreted as mathematics."""
    series = engineering.query_mnemonics("ICTM_EVENT_MSG", *SPAN)
    assert len(set(series["ICTM_EVENT_MSG"].tolist())) > 50
    series["ICTM_EVENT_MSG"][0] = "costs $5 or $x_$"
    ax = engineering.plot_mnemonics(series)
    assert 5 < len(ax.get_yticklabels()) <= 16
    ax.figure.draw_without_rendering()


@pytest.mark.parametrize("result", [None, "SE_ZBUSVLT", Table({"a": [1]}), {}, {"x": 5}])
def test_other_results_raise(engineering: EngineeringClass, result: Any) -> None:
    """The error describes what is required."""
    with pytest.raises(InvalidQueryError):
        engineering.plot_mnemonics(result)


def test_without_matplotlib_the_error_has_an_install_command(
    engineering: EngineeringClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Matplotlib is an optional dependency."""
    series = engineering.query_mnemonics("SE_ZIMIRICEA", *SPAN)
    original = builtins.__import__

    def importing(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return original(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(InvalidQueryError, match="plot"):
        engineering.plot_mnemonics(series)
