"""Footprints in Aladin Lite, checked through the messages that the widget sends to the browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table
from astroquery.exceptions import InvalidQueryError

from astroquery_mast.display import to_aladin
from astroquery_mast.footprints import parse_s_region

ipyaladin = pytest.importorskip("ipyaladin")
pytest.importorskip("matplotlib")


class Browser:
    """A mock browser that records the messages of a widget."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, dict[str, Any]]] = []

    def load(self, widget: Any) -> list[dict[str, Any]]:
        """Notify the widget that it is displayed, and return its messages so far."""
        widget._is_loaded = True
        return [message for sender, message in self.sent if sender is widget]


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    """Mock the notebook."""
    opened = Browser()

    def send(widget: Any, content: dict[str, Any], buffers: Any = None) -> None:
        assert buffers is None
        opened.sent.append((widget, content))

    monkeypatch.setattr(ipyaladin.Aladin, "send", send)
    # The calls of all widgets wait in one list that is never cleared.
    monkeypatch.setattr(ipyaladin.Aladin, "_call_store", type(ipyaladin.Aladin._call_store)())
    return opened


def stcs(message: dict[str, Any]) -> list[str]:
    """Return the footprints in a message."""
    assert message["event_name"] == "add_overlay"
    assert {each["region_type"] for each in message["regions_infos"]} == {"stcs"}
    return [each["infos"]["stcs"] for each in message["regions_infos"]]


def options(messages: list[dict[str, Any]], name: str) -> list[Any]:
    """Return an option of all overlays."""
    return [message["graphic_options"].get(name) for message in messages]


TABLE = Table(
    {
        "instrument_name": ["NIRCAM", "NIRCAM", "MIRI", "NIRCAM", "MIRI", "MIRI"],
        "calib_level": [3, 2, 3, -1, 2, 2],
        "s_region": [
            "POLYGON 359.9 0 0.1 0 0.1 0.2 359.9 0.2",
            "POLYGON ICRS 359.9 0 0.1 0 0.1 0.2 359.9 0.2",
            "POLYGON 0 0 0.1 0 0.1 0.1 CIRCLE 0.05 0.05 0.02",
            "CIRCLE 0 0.1 0.1",
            "POINT 0.02 0.03",
            "",
        ],
    }
)


def test_each_color_is_one_overlay(browser: Browser) -> None:
    """Equal footprints are in an overlay once, parts are separate, and planned ones are in a dashed overlay."""
    messages = browser.load(to_aladin(TABLE))
    assert options(messages, "name") == ["NIRCAM (2)", "NIRCAM planned (1)", "MIRI (3)"]
    assert [len(stcs(message)) for message in messages] == [1, 1, 3]
    assert options(messages, "color") == ["#1f77b4", "#1f77b4", "#ff7f0e"]
    assert [bool(each) for each in options(messages, "line_dash")] == [False, True, False]
    (polygon,) = stcs(messages[0])
    assert polygon.startswith("POLYGON ICRS 359.9")
    corners = SkyCoord(parse_s_region(polygon)[0].vertices, unit="deg")
    expected = SkyCoord([359.9, 0.1, 0.1, 359.9], [0, 0, 0.2, 0.2], unit="deg")
    assert corners.separation(expected).max().arcsec < 1e-3
    assert {text.split()[0] for text in stcs(messages[2])} == {"POLYGON", "CIRCLE"}
    # Aladin Lite expects words separated by blanks, and does not support unions.
    assert all(text.split()[1] == "ICRS" and "(" not in text for message in messages for text in stcs(message))


def test_ten_thousand_footprints_are_one_message(browser: Browser) -> None:
    """The message contains all footprints."""
    ra = np.linspace(10, 11, 10_000)
    widget = to_aladin(Table({"s_region": [f"CIRCLE {each} 20 0.01" for each in ra.tolist()]}))
    (message,) = browser.load(widget)
    found = [float(text.split()[2]) for text in stcs(message)]
    np.testing.assert_allclose(sorted(found), ra, atol=1e-7)
    assert widget.overlays == ["footprints (10,000)"]


def test_the_view_shows_all_footprints() -> None:
    """The view includes footprints across 0h, with a margin in a widget that is wider than high."""
    widget = to_aladin(TABLE[:1])
    assert widget.target.separation(SkyCoord(0, 0.1, unit="deg")).arcsec < 1
    assert 2 * 0.2 < widget.fov.deg < 4 * 0.3
    everywhere = Table({"s_region": ["CIRCLE 0 0 1", "CIRCLE 180 0 1"]})
    assert to_aladin(everywhere).fov.deg == 360


def test_the_search_is_drawn(browser: Browser) -> None:
    """The search is a separate overlay, and limits the view."""
    widget = to_aladin(TABLE, coordinates="0 0", radius="3 arcmin")
    *_, search = browser.load(widget)
    assert stcs(search) == ["CIRCLE ICRS 0.0000000 0.0000000 0.0500000"]
    assert search["graphic_options"]["name"] == "search"
    assert widget.target.separation(SkyCoord(0, 0, unit="deg")).arcsec < 1e-3
    assert widget.fov.deg == pytest.approx(4 * 1.08 * 0.05)


def test_footprints_are_added_to_a_widget(browser: Browser) -> None:
    """The same widget is returned, and existing overlays keep their names."""
    own = ipyaladin.Aladin(target="150 2", fov=1.0)
    for _ in range(2):
        assert to_aladin(TABLE[:1], aladin=own, by=None) is own
    assert own.overlays == ["footprints (1)", "footprints (1) [2]"]
    assert len(browser.load(own)) == 2
    assert own.fov.deg < 1.0


def test_numbers_are_colored_by_ranges(browser: Browser) -> None:
    """The names of overlays have the limits of the ranges, and rows without a number are gray."""
    table = Table({"s_region": [f"CIRCLE {number} 20 0.4" for number in range(30)]})
    table["t_exptime"] = MaskedColumn(10.0 * 1.5 ** np.arange(30), mask=np.arange(30) == 7, unit="s")
    messages = browser.load(to_aladin(table, by="t_exptime"))
    names = options(messages, "name")
    assert names[0] == "Exposure time (s): 10 to 43.5 (4)"
    assert names[-1] == "no value (1)"
    assert sum(len(stcs(message)) for message in messages) == 30
    assert len(set(options(messages, "color"))) == len(messages) == 9


@pytest.mark.parametrize(
    ("table", "given", "reason"),
    [
        (TABLE[:0], {}, "The table has no rows"),
        (TABLE[5:], {}, "No footprints to draw in the table"),
        (TABLE, {"by": "filters"}, "no column 'filters'"),
        (TABLE, {"radius": 1}, "radius requires coordinates, the center of the circle"),
        (TABLE, {"aladin": "sky"}, "aladin='sky' must be an ipyaladin.Aladin"),
    ],
)
def test_invalid_arguments_raise(table: Table, given: dict[str, Any], reason: str) -> None:
    """The error is raised before a widget is created."""
    with pytest.raises(InvalidQueryError, match=reason):
        to_aladin(table, **given)


def test_a_row_without_the_default_column_is_shown(browser: Browser) -> None:
    """A row is shown in one color, like a table without the column."""
    row = Table({"s_region": ["CIRCLE ICRS 10 10 0.1"]})[0]
    assert to_aladin(row).overlays == ["footprints (1)"]
