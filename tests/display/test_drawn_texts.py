"""Texts in plots, without control characters from names in MAST."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import NDData
from astropy.table import Table
from astropy.timeseries import TimeSeries

from astroquery_mast.display import (
    plot_depth,
    plot_previews,
    plot_timeline,
    plot_wavelengths,
    quicklook,
    write_previews,
)
from astroquery_mast.engineering.plot import plot_telemetry
from astroquery_mast.footprints import plot_footprints

plt = pytest.importorskip("matplotlib.pyplot")

NAME = "M\n51\x1b[2J\x07\u202e$x$"
SHOWN = r"M 51\x1b[2J\x07\u202e"


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close all figures after each test."""
    yield
    plt.close("all")


def observations() -> Table:
    """Return observations whose names contain terminal control sequences and a dollar sign."""
    table = Table({"s_region": ["CIRCLE 0 0 1", "CIRCLE 0 1 1"], "t_exptime": [1.0, 2.0], "target_name": [NAME, "b"]})
    table["t_min"], table["t_max"], table["em_min"], table["em_max"] = 59000.0, 59001.0, 300.0, 400.0
    table["obs_id"], table["jpegURL"] = [NAME, "b"], ""
    return table


def telemetry() -> TimeSeries:
    """Return a mnemonic with string values."""
    times = ["2024-01-01T00:00:00", "2024-01-02T00:00:00"]
    series = TimeSeries(time=times, data={"X": [NAME, "b"]})
    series["X"].info.description = NAME
    return series


PICTURES: dict[str, Callable[[], Any]] = {
    "depth": lambda: plot_depth(observations(), by="target_name", pixels=10),
    "footprints": lambda: plot_footprints(observations(), by="target_name"),
    "timeline": lambda: plot_timeline(observations(), by="target_name"),
    "wavelengths": lambda: plot_wavelengths(observations(), by="target_name"),
    "previews": lambda: plot_previews(observations()),
    "image": lambda: quicklook(NDData(np.eye(5), meta={"OBJECT": NAME})),
    "telemetry": lambda: plot_telemetry(telemetry()),
}


@pytest.mark.parametrize("picture", PICTURES)
def test_control_characters_of_names_are_escaped_in_plots(picture: str) -> None:
    """All titles and labels have escaped characters, as in tables."""
    PICTURES[picture]()
    figure = plt.gcf()
    figure.canvas.draw()
    texts = [each.get_text() for each in figure.findobj(plt.Text)]
    assert all(line.isprintable() for text in texts for line in text.split("\n"))
    assert any(SHOWN in text.replace("\n", "") and r"\$x\$" in text for text in texts)


def test_a_unit_and_a_column_with_control_characters_are_escaped() -> None:
    """The color bar has the escaped name and unit."""
    table = observations()
    table["odd\x1b$"] = [1.0, 2.0]
    table["odd\x1b$"].unit = u.Unit("x\x07", parse_strict="silent")
    plot_depth(table, weight="odd\x1b$", pixels=10)
    plt.gcf().canvas.draw()
    labels = [each.get_text() for each in plt.gcf().findobj(plt.Text)]
    assert r"Odd\x1b\$ (x\x07)" in labels


def test_captions_of_a_contact_sheet_are_escaped(tmp_path: Path) -> None:
    """The HTML page has no control characters, either."""
    write_previews(observations(), tmp_path / "sheet.html")
    assert "\x1b" not in (tmp_path / "sheet.html").read_text("utf-8")
