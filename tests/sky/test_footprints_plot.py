"""The picture of footprints, looked at through what it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table
from astropy.wcs import WCS
from astroquery.exceptions import InvalidQueryError

from astroquery_mast.footprints import plot_footprints

plt = pytest.importorskip("matplotlib.pyplot")

TEXTS = [
    "POLYGON 359.9 0 0.1 0 0.1 0.2 359.9 0.2",
    "POLYGON 0 0 0.1 0 0.1 0.1 POLYGON -0.2 0 -0.1 0 -0.1 0.1",
    "CIRCLE 0 0 0.3",
    "",
    "POINT 0.05 0.05",
]
TABLE = Table({"instrument_name": ["A", "A", "B", "B", "C"], "calib_level": [2, -1, 3, 1, 1], "s_region": TEXTS})


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Leave no figure open."""
    yield
    plt.close("all")


def lines(ax: Any) -> dict[str, list[SkyCoord]]:
    """Return the outlines in a picture, by label, as positions on the sky."""
    found = {}
    for drawn in ax.collections:
        ways = [path.vertices for path in drawn.get_paths()]
        found[drawn.get_label()] = [ax.wcs.pixel_to_world(*way[np.isfinite(way).all(axis=1)].T) for way in ways]
    return found


def test_a_column_with_a_unit_colors_as_its_numbers_do() -> None:
    """In a table of quantities as in any other."""
    table = Table(TABLE, copy=True)
    table["t_exptime"] = [1.5, 2.5, 1.5, 1.5, 7.0]
    table["t_exptime"].unit = "s"
    drawn = [list(lines(plot_footprints(each, by="t_exptime"))) for each in (table, QTable(table))]
    assert drawn == [["1.5", "2.5", "7.0"]] * 2


def test_footprints_are_drawn_by_instrument() -> None:
    """Each in its color, at its place, inside of the picture, with a legend; planned ones are dashed."""
    ax = plot_footprints(TABLE)
    ax.figure.canvas.draw()
    drawn = lines(ax)
    assert {label: len(each) for label, each in drawn.items()} == {"A": 3, "B": 1, "C": 1}
    assert len({tuple(each.get_edgecolor()[0]) for each in ax.collections}) == 3
    corners = SkyCoord([359.9, 0.1, 0.1, 359.9], [0, 0, 0.2, 0.2], unit="deg")
    assert max(drawn["A"], key=lambda way: way[0].separation(way[2]))[:-1].separation(corners).max().arcsec < 1e-5
    circle = drawn["B"][0].separation(SkyCoord(0, 0, unit="deg")).deg
    assert circle == pytest.approx(np.full(len(circle), 0.3))
    for way in (path.vertices for each in ax.collections for path in each.get_paths()):
        assert (np.abs(way) <= ax.get_xlim()[1]).all()
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["A (2)", "B (2)", "C (1)", "planned"]
    dashes = [style[1] is not None for style in ax.collections[0].get_linestyles()]
    assert sorted(dashes) == [False, True, True]


def test_footprints_are_drawn_over_an_image() -> None:
    """The axes given are used, and keep their limits."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt, wcs.wcs.crval = ["GLON-TAN", "GLAT-TAN"], [-0.01, 0.01], [96.3, -60.2]
    own = plt.figure().add_subplot(projection=wcs, xlim=(0, 7), ylim=(0, 9))
    ax = plot_footprints(TABLE[:1], own, by=None)
    assert ax is own
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 7), (0, 9))
    ((way,),) = lines(ax).values()
    assert way.icrs[2].separation(SkyCoord(0.1, 0.2, unit="deg")).arcsec < 1e-5
    assert ax.get_legend() is None
    plot_footprints(TABLE[:1], own)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["A (1)"]
    assert not ax.figure.legends


@pytest.mark.parametrize(("away", "code"), [([0, 20], "TAN"), ([0, 90], "ZEA"), ([0, 90, 180, 270], "AIT")])
def test_the_picture_is_as_wide_as_the_footprints(away: list[int], code: str) -> None:
    """A field, a hemisphere or the whole sky, and all of it is inside."""
    texts = [f"CIRCLE {100 + ra} {dec} 3" for ra in away for dec in (-10, 10)]
    ax = plot_footprints(Table({"s_region": texts}))
    ax.figure.canvas.draw()
    assert all(str(name).endswith(code) for name in ax.wcs.wcs.ctype)
    for ways in lines(ax).values():
        assert len(ways) == len(texts)
    for way in (path.vertices for each in ax.collections for path in each.get_paths()):
        assert (np.abs(way[np.isfinite(way).all(axis=1)]) <= ax.get_xlim()[1]).all()


def test_outlines_are_torn_at_the_edge_of_the_sky() -> None:
    """A footprint that leaves the map on one side and comes back on the other is not drawn across it."""
    texts = ["CIRCLE 180 0 5", "CIRCLE 0 0 1", "CIRCLE 90 0 1", "CIRCLE 270 0 1", "POLYGON 170 20 190 20 190 40 170 40"]
    ax = plot_footprints(Table({"s_region": texts}))
    width = np.diff(ax.get_xlim())[0]
    torn = 0
    for way in (path.vertices for each in ax.collections for path in each.get_paths()):
        steps = np.linalg.norm(np.diff(way, axis=0), axis=1)
        torn += int(np.isnan(steps).any())
        assert np.nanmax(steps) < width / 5
    assert torn >= 1


@pytest.mark.parametrize(
    ("table", "options", "reason"),
    [
        (TABLE, {"by": "filters"}, "no column 'filters'"),
        (Table({"ra": [1]}), {}, "no column 's_region'"),
        (TABLE[3:4], {}, "None of the rows"),
    ],
)
def test_what_cannot_be_drawn_is_refused(table: Table, options: Any, reason: str) -> None:
    """The message says what is missing."""
    with pytest.raises(InvalidQueryError, match=reason):
        plot_footprints(table, **options)


def test_axes_without_a_sky_are_refused() -> None:
    """Ordinary axes do not know where a position is."""
    with pytest.raises(InvalidQueryError, match="no sky coordinates"):
        plot_footprints(TABLE, plt.figure().add_subplot())
