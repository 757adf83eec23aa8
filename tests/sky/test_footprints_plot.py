"""Plots of footprints, checked through their matplotlib artists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
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


SKY = WCS(naxis=2)
SKY.wcs.ctype = ["RA---TAN", "DEC--TAN"]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close all figures after each test."""
    yield
    plt.close("all")


def lines(ax: Any) -> dict[str, list[SkyCoord]]:
    """Return the outlines in a plot, by label, as positions on the sky."""
    found = {}
    for drawn in ax.collections:
        ways = [path.vertices for path in drawn.get_paths()]
        found[drawn.get_label()] = [ax.wcs.pixel_to_world(*way[np.isfinite(way).all(axis=1)].T) for way in ways]
    return found


def test_a_column_with_a_unit_has_the_same_colors() -> None:
    """The colors are the same in a QTable and in a Table."""
    table = Table(TABLE, copy=True)
    table["t_exptime"] = [1.5, 2.5, 1.5, 1.5, 7.0]
    table["t_exptime"].unit = "s"
    drawn = [list(lines(plot_footprints(each, by="t_exptime"))) for each in (table, QTable(table))]
    assert drawn == [["1.5", "2.5", "7.0"]] * 2


def test_footprints_are_drawn_by_instrument() -> None:
    """Footprints have the colors of their instruments, correct positions and a legend; planned ones are dashed."""
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
    """The user's axes are used and keep their limits."""
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


def test_equal_footprints_are_drawn_once() -> None:
    """Equal footprints of a color are drawn once, planned ones separately; the legend counts the observations."""
    texts = [
        "CIRCLE 10 20 0.1",
        "CIRCLE ICRS 10.0 20.0 0.1",
        "CIRCLE 10 20 0.1",
        "CIRCLE 10 20 0.1",
        "CIRCLE 10 20 0.2",
    ]
    table = Table({"s_region": texts, "filters": ["A", "A", "A", "B", "A"], "calib_level": [2, 3, -1, 2, 2]})
    ax = plot_footprints(table, by="filters")
    assert {label: len(each) for label, each in lines(ax).items()} == {"A": 3, "B": 1}
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["A (4)", "B (1)", "planned"]
    (drawn,) = plot_footprints(table[:2], by=None).collections
    assert len(drawn.get_paths()) == 1


def test_footprints_are_translucent_and_planned_ones_empty() -> None:
    """Many overlapping footprints remain visible."""
    crowd = Table({"s_region": [f"CIRCLE {10 + number / 1000} 20 0.1" for number in range(300)]})
    (drawn,) = plot_footprints(crowd, by=None).collections
    assert 0 < drawn.get_facecolor()[:, 3].max() < 0.02
    crowd["calib_level"] = -1
    (drawn,) = plot_footprints(crowd, by=None).collections
    assert drawn.get_facecolor()[:, 3].max() == 0
    assert drawn.get_edgecolor()[:, 3].min() > 0.5


@pytest.mark.parametrize("center", ["0 0", SkyCoord(0, 0, unit="deg"), "0h +0d"])
def test_the_plot_is_limited_to_the_search(center: Any) -> None:
    """The circle and its center are drawn, and a much larger footprint does not change the limits."""
    table = Table({"s_region": [*TEXTS, "CIRCLE 0 0 20"]})
    ax = plot_footprints(table, coordinates=center, radius="6 arcmin")
    drawn = {line.get_label(): line for line in ax.lines}
    circle = ax.wcs.pixel_to_world(*drawn["search"].get_xydata().T)
    assert circle.separation(SkyCoord(0, 0, unit="deg")).deg == pytest.approx(np.full(len(circle), 0.1))
    left, right = ax.get_xlim()
    assert 0.85 * right < drawn["search"].get_xydata().max() < right == -left
    assert drawn["target"].get_xydata() == pytest.approx(0, abs=1e-6)
    assert ax.get_title() == "5 observations, search radius 6 arcmin (1 more without a footprint)"
    sizes, areas = zip(
        *(
            (float(np.ptp(path.vertices, axis=0).max()), float(area[3]))
            for each in ax.collections
            for path, area in zip(each.get_paths(), each.get_facecolor(), strict=True)
        ),
        strict=True,
    )
    assert [area for size, area in zip(sizes, areas, strict=True) if size > 2 * right] == [0.0, 0.0]


def test_a_target_outside_of_all_footprints_is_marked() -> None:
    """The limits include the target."""
    ax = plot_footprints(TABLE[:1], coordinates="2 0")
    (target,) = ax.lines
    assert target.get_label() == "target"
    assert (np.abs(target.get_xydata()) < ax.get_xlim()[1]).all()


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3)])
def test_an_image_is_behind_the_footprints(shape: tuple[int, ...]) -> None:
    """The image has its own limits or those of the search, and footprints do not hide it."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [-0.01, 0.01], [30.5, 20.5]
    image = np.ma.masked_less(np.linspace(0, 1, int(np.prod(shape))).reshape(shape), 0.1)
    ax = plot_footprints(TABLE, image=image, wcs=wcs)
    assert ax.images[0].get_array().shape == shape
    assert (ax.get_xlim(), ax.get_ylim()) == ((-0.5, 59.5), (-0.5, 39.5))
    assert all((each.get_facecolor()[:, 3] == 0).all() for each in ax.collections)
    ax = plot_footprints(TABLE, image=image, wcs=wcs, coordinates="0 0", radius=0.1)
    assert ax.get_xlim() == pytest.approx((29.5 - 10.8, 29.5 + 10.8), abs=0.05)
    assert ax.get_ylim() == pytest.approx((19.5 - 10.8, 19.5 + 10.8), abs=0.05)


def test_floating_point_columns_have_a_color_bar() -> None:
    """The color bar has the name and unit of the column, and masked values are gray."""
    table = Table({"s_region": [f"CIRCLE {number} 20 0.4" for number in range(30)]})
    table["t_exptime"] = MaskedColumn(np.arange(30) * 100.0 + 1, mask=np.arange(30) == 7, unit="s")
    for each in (table, QTable(table)):
        ax = plot_footprints(each, by="t_exptime")
        (bar,) = [other for other in ax.figure.axes if other is not ax]
        assert (bar.get_ylabel(), bar.get_ylim()) == ("Exposure time (s)", pytest.approx((1, 2901)))
        (drawn,) = ax.collections
        assert len({tuple(color) for color in drawn.get_edgecolor().tolist()}) == 30
        assert sum(len(set(color[:3])) == 1 for color in drawn.get_edgecolor().tolist()) == 1
        assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["no value"]
    assert not plot_footprints(table[8:], by="t_exptime").figure.legends


@pytest.mark.parametrize("style", ["default", "dark_background", "ggplot"])
def test_the_search_is_visible_in_any_style(style: str) -> None:
    """The search contrasts with the background, and is black with a white edge on an image."""
    to_rgb = pytest.importorskip("matplotlib.colors").to_rgb
    with plt.style.context(style):
        ax = plot_footprints(TABLE, coordinates="0 0", radius=0.1)
        background = np.array(to_rgb(ax.get_facecolor()))
        for line in ax.lines:
            assert np.abs(background - to_rgb(line.get_color())).max() > 0.8
        (planned,) = [sign for sign in ax.figure.legends[0].legend_handles if sign.get_label() == "planned"]
        assert np.abs(background - to_rgb(planned.get_color())).max() > 0.8
        ax = plot_footprints(TABLE, coordinates="0 0", image=np.eye(9), wcs=SKY)
        assert [line.get_color() for line in ax.lines] == ["black"]


def test_a_single_outline_is_not_drawn_as_a_marker() -> None:
    """A marker would have notches that look like the dashes of planned observations."""
    (drawn,) = plot_footprints(TABLE[:1], by=None).collections
    renderer = plt.gcf().canvas.get_renderer()
    calls: list[str] = []
    renderer.draw_markers = lambda *_: calls.append("markers")
    drawn.draw(renderer)
    assert not calls


def test_rare_values_are_gray() -> None:
    """The legend remains readable with a hundred targets."""
    table = Table({"s_region": [f"CIRCLE {number / 100} 20 0.4" for number in range(100)]})
    table["target_name"] = MaskedColumn([f"$T_{number}" for number in range(100)], mask=np.arange(100) < 2)
    ax = plot_footprints(table, by="target_name")
    said = [text.get_text() for text in ax.figure.legends[0].get_texts()]
    assert (len(said), said[0], said[-1]) == (20, "no value (2)", "80 others (80)")
    ax.figure.canvas.draw()


@pytest.mark.parametrize(("away", "code"), [([0, 20], "TAN"), ([0, 90], "ZEA"), ([0, 90, 180, 270], "AIT")])
def test_the_plot_is_as_wide_as_the_footprints(away: list[int], code: str) -> None:
    """All footprints are inside the plot, in a field, a hemisphere, or the whole sky."""
    texts = [f"CIRCLE {100 + ra} {dec} 3" for ra in away for dec in (-10, 10)]
    ax = plot_footprints(Table({"s_region": texts}))
    ax.figure.canvas.draw()
    assert all(str(name).endswith(code) for name in ax.wcs.wcs.ctype)
    for ways in lines(ax).values():
        assert len(ways) == len(texts)
    for way in (path.vertices for each in ax.collections for path in each.get_paths()):
        assert (np.abs(way[np.isfinite(way).all(axis=1)]) <= ax.get_xlim()[1]).all()


def test_outlines_are_torn_at_the_edge_of_the_sky() -> None:
    """A footprint that crosses the edge of the map is not drawn across it."""
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
        (Table({"ra": [1]}), {}, "The table has no column 's_region'"),
        (TABLE[3:4], {}, "No footprints to draw in the table"),
        (TABLE[:0], {}, "The table has no rows"),
        ("M51", {}, "must be a Table of observations, not str"),
        (TABLE, {"radius": 1}, "radius requires coordinates, the center of the circle"),
        (TABLE, {"coordinates": "M101"}, r"use coordinates=Observations.resolve_object\('M101'\)\.$"),
        (TABLE, {"coordinates": "202.5 95"}, "Cannot parse coordinates='202.5 95' as a position"),
        (TABLE, {"image": np.zeros((2, 2))}, "image and wcs must be used together: a 2D array and its celestial WCS"),
        (TABLE, {"wcs": SKY}, "image and wcs must be used together: a 2D array and its celestial WCS"),
        (TABLE, {"image": np.zeros(3), "wcs": SKY}, "image must have the shape"),
        (TABLE, {"image": [["a"]], "wcs": SKY}, "image is not a numeric array"),
        (TABLE, {"image": np.zeros((2, 2)), "wcs": SKY, "ax": 1}, "ax and image cannot be combined"),
    ],
)
def test_tables_without_footprints_raise(table: Table, options: Any, reason: str) -> None:
    """The message names what is missing."""
    with pytest.raises(InvalidQueryError, match=reason):
        plot_footprints(table, **options)


def test_axes_without_sky_coordinates_raise() -> None:
    """Axes without sky coordinates raise an error."""
    with pytest.raises(InvalidQueryError, match="no sky coordinates"):
        plot_footprints(TABLE, plt.figure().add_subplot())
