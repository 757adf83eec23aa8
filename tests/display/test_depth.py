"""Depth maps, compared with a test of each pixel with each footprint."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, QTable, Table
from astropy.wcs import WCS
from astroquery.exceptions import InvalidQueryError
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from astroquery_mast import Observations
from astroquery_mast.display import plot_depth
from astroquery_mast.footprints import parse_s_region
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.sky.region import ShapeRegion
from astroquery_mast.sky.sphere import unit_vectors

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close all figures after each test."""
    yield
    plt.close("all")


def observed(*regions: str, seconds: Any = None, **columns: Any) -> Table:
    """Return observations with these footprints."""
    table = Table({"s_region": list(regions), **columns})
    table["t_exptime"] = seconds or [10.0 * 2**number for number in range(len(regions))]
    return table


def depth(ax: Any) -> Any:
    """Return the map in a plot."""
    return ax.images[-1].get_array()


def positions(ax: Any) -> Any:
    """Return the positions of the pixel centers of a map from the axes."""
    ny, nx = depth(ax).shape
    left, right, low, high = ax.images[-1].get_extent()
    x, y = left + (np.arange(nx) + 0.5) * (right - left) / nx, low + (np.arange(ny) + 0.5) * (high - low) / ny
    sky = ax.wcs.pixel_to_world(*np.meshgrid(x, y)).icrs
    return unit_vectors(sky.ra.deg, sky.dec.deg)


def brute_force(ax: Any, table: Table) -> Any:
    """Return the sums at all pixels by a test of each with each footprint."""
    vectors = positions(ax)
    flat, total = vectors.reshape(-1, 3), np.zeros(vectors.shape[:2])
    known = np.isfinite(flat).all(axis=1)
    for row in table:
        inside = np.zeros(len(flat), dtype=bool)
        inside[known] = ShapeRegion(tuple(parse_s_region(row["s_region"]))).contains(flat[known])
        total += row["t_exptime"] * inside.reshape(total.shape)
    return total


def at(ax: Any, ra: float, dec: float) -> float:
    """Return the value of the map at a position, or 0 if it is empty."""
    distance = np.linalg.norm(np.nan_to_num(positions(ax), nan=9.0) - unit_vectors(ra, dec), axis=-1)
    return float(depth(ax).filled(0.0)[np.unravel_index(distance.argmin(), distance.shape)])


def test_overlapping_squares_add_up() -> None:
    """The map has the sum in the overlap, single values elsewhere, and nothing outside."""
    ax = plot_depth(observed("POLYGON 10 0 11 0 11 1 10 1", "POLYGON 10.5 0 11.5 0 11.5 1 10.5 1"))
    assert [at(ax, ra, 0.5) for ra in (9.9, 10.2, 10.7, 11.2, 11.7)] == [0.0, 10.0, 30.0, 20.0, 0.0]
    assert set(depth(ax).compressed().tolist()) == {10.0, 20.0, 30.0}
    # Half a square degree of each type.
    counts = [(depth(ax) == value).sum() for value in (10.0, 30.0, 20.0)]
    assert counts == pytest.approx([np.mean(counts)] * 3, rel=0.02)
    assert ax.get_title() == "2 observations, up to 30 s"
    ax.figure.canvas.draw()


FIELDS = {
    "0h": ["POLYGON 359.9 0 0.1 0 0.1 0.2 359.9 0.2", "POLYGON -0.05 -0.1 0.3 -0.1 0.3 0.1", "CIRCLE 359.95 0.1 0.1"],
    "pole": ["POLYGON 0 89.8 120 89.8 240 89.8", "CIRCLE 77 89.9 0.15", "POLYGON 10 89.7 30 89.7 200 89.9"],
    "south pole": ["CIRCLE 0 -90 0.2", "POLYGON 0 -89.8 240 -89.9 120 -89.7", "CIRCLE 200 -89.9 0.05"],
    "parts": [
        "POLYGON 50 20 50.1 20 50.1 20.1 50 20.1 POLYGON 50.05 20.05 50.15 20.05 50.15 20.15 50.05 20.15",
        "CIRCLE 50 20 0.05 CIRCLE 50.02 20 0.05 POLYGON 50 20 50.1 20 50.1 20.1 50 20.1",
    ],
    "concave": ["POLYGON 80 -40 80.4 -40 80.2 -39.9 80.4 -39.6 80 -39.6 80.1 -39.8", "CIRCLE 80.2 -39.8 0.1"],
    "a few arcseconds": ["CIRCLE 150 2 0.0003", "POLYGON 150 2 150.0005 2 150.0005 2.0005 150 2.0005"],
    "wide": ["POLYGON 100 0 150 0 150 50 100 50", "CIRCLE 125 10 20", "POLYGON 110 -30 140 -30 125 40"],
    "half of the sky": [
        "CIRCLE 100 -60 20",
        "CIRCLE 100 60 20",
        "POLYGON 60 -20 140 -20 100 60",
    ],
    "the whole sky": ["CIRCLE 0 0 20", "CIRCLE 180 0 30", "POLYGON 170 -40 200 -40 185 40", "CIRCLE 90 85 20"],
}


@pytest.mark.parametrize("place", FIELDS)
def test_maps_equal_brute_force(place: str) -> None:
    """Maps agree anywhere on the sky and in all projections, and overlapping parts of an observation count once."""
    table = observed(*FIELDS[place])
    ax = plot_depth(table, pixels=151)
    expected = brute_force(ax, table)
    assert (expected > 0).any()
    np.testing.assert_allclose(depth(ax).filled(0.0), expected)
    np.testing.assert_array_equal(np.ma.getmaskarray(depth(ax)), expected == 0)


@pytest.mark.parametrize("code", ["TAN", "TAN-SIP", "SIN", "CAR"])
def test_any_sky_axes_are_used(code: str) -> None:
    """Axes can be galactic, rotated or distorted; their limits are kept, and footprints may extend beyond them."""
    wcs = WCS(naxis=2)
    suffix = "-SIP" if code.endswith("SIP") else ""
    wcs.wcs.ctype = [f"GLON-{code[:3]}{suffix}", f"GLAT-{code[:3]}{suffix}"]
    wcs.wcs.pc, wcs.wcs.cdelt = [[0.8, -0.6], [0.6, 0.8]], [-0.01, 0.01]
    wcs.wcs.crval, wcs.wcs.crpix = [96.3, -60.2], [30, 20]
    if suffix:
        from astropy.wcs import Sip

        bent = np.zeros((3, 3))
        bent[2, 0] = 1e-3
        wcs.sip = Sip(bent, bent, None, None, wcs.wcs.crpix)
    own = plt.figure().add_subplot(projection=wcs, xlim=(-0.5, 60), ylim=(45, -0.5))
    table = observed(*FIELDS["0h"], "CIRCLE 0 0 170", "CIRCLE 0.2 0 30")
    assert plot_depth(table, own, pixels=101) is own
    assert (own.get_xlim(), own.get_ylim()) == ((-0.5, 60), (45, -0.5))
    np.testing.assert_allclose(depth(own).filled(0.0), brute_force(own, table))
    own.figure.canvas.draw()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), ra=st.floats(0, 360), dec=st.floats(-90, 90))
def test_maps_of_random_footprints_equal_brute_force(seed: int, ra: float, dec: float) -> None:
    """Maps of circles and polygons, some with several parts, agree anywhere."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(6):
        parts = []
        for _ in range(int(rng.integers(1, 4))):
            center = np.clip(dec + rng.uniform(-0.3, 0.3), -90, 90)
            if rng.random() < 0.4:
                parts.append(f"CIRCLE {ra + rng.uniform(0, 0.3)} {center} {rng.uniform(0.05, 0.3)}")
                continue
            angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
            east = ra + 0.2 * np.cos(angles) / max(np.cos(np.radians(center)), 0.1)
            north = np.clip(center + 0.2 * np.sin(angles), -90, 90)
            parts.append("POLYGON " + " ".join(f"{x} {y}" for x, y in zip(east, north, strict=True)))
        texts.append(" ".join(parts))
    table = observed(*texts)
    ax = plot_depth(table, pixels=60)
    found, expected = depth(ax).filled(0.0), [brute_force(ax, table[[row]]) for row in range(len(table))]
    plt.close("all")
    # Footprints without any pixel center, such as slivers at the poles, are the subject of the next test.
    assume(all(each.any() for each in expected))
    np.testing.assert_allclose(found, sum(expected))


def test_a_footprint_smaller_than_a_pixel_is_in_one_pixel() -> None:
    """Small footprints and points are visible, unless they are outside of the map."""
    table = observed("CIRCLE 10 20 9", "CIRCLE 12.003 21 0.001", "POINT 12.003 21 POINT 12.003 21", "POINT 50 20")
    ax = plot_depth(table, coordinates="10 20", radius=4, pixels=100)
    assert at(ax, 12.003, 21) == 70.0
    assert (depth(ax) != 10.0).sum() == 1


def test_observations_are_counted_without_a_weight() -> None:
    """Exposure times have no effect."""
    table = observed("CIRCLE 10 20 0.1", "CIRCLE 10.1 20 0.1", "CIRCLE 10 20 0.1", seconds=[0.0, np.nan, 5.0])
    ax = plot_depth(table, weight=None)
    assert set(depth(ax).compressed().tolist()) == {1.0, 2.0, 3.0}
    assert ax.get_title() == "3 observations, up to 3"
    assert ax.figure.axes[1].get_ylabel() == "Observations"


def test_skipped_observations_are_in_the_title() -> None:
    """The title counts planned observations, and those without a footprint or an exposure time."""
    region = "CIRCLE 10 20 0.1"
    table = observed(region, region, "", region, region, calib_level=[2, -1, 2, 2, 3])
    table["t_exptime"] = MaskedColumn([60.0, 60.0, 60.0, 0.0, 1.0], mask=[False] * 4 + [True], unit="s")
    ax = plot_depth(table, coordinates="10 20", radius="6 arcmin")
    assert ax.get_title() == (
        "1 observation, up to 60 s, search radius 6 arcmin (1 planned, 1 without a footprint, 2 without t_exptime)"
    )
    assert {line.get_label() for line in ax.lines} == {"target", "search"}
    assert depth(ax).max() == 60.0


def test_units_are_converted_and_labeled() -> None:
    """Minutes are converted to seconds, and other columns keep their units."""
    table = QTable(observed("CIRCLE 10 20 0.1"))
    table["t_exptime"] = [2.0] * u.min
    table["sky"] = [3.0] * u.mJy
    ax = plot_depth(table)
    assert (depth(ax).max(), ax.figure.axes[1].get_ylabel()) == (120.0, "Exposure time (s)")
    ax = plot_depth(table, weight="sky")
    assert (depth(ax).max(), ax.figure.axes[1].get_ylabel()) == (3.0, "Sky (mJy)")
    assert ax.get_title() == "1 observation, up to 3 mJy"


def test_a_large_range_is_logarithmic() -> None:
    """A small range is linear."""
    regions = ["CIRCLE 10 20 0.1", "CIRCLE 11 20 0.1"]
    for deep, scale in ((500.0, "LogNorm"), (50.0, "Normalize")):
        ax = plot_depth(observed(*regions, seconds=[10.0, deep]))
        assert type(ax.images[0].norm).__name__ == scale
        assert ax.figure.axes[1].get_ylim() == pytest.approx((10.0, deep))


def test_each_value_has_a_panel() -> None:
    """All panels have the same limits and colors, and their sum is the total map."""
    regions = [f"CIRCLE {10 + number / 50} 20 0.1" for number in range(12)]
    table = observed(*regions, filters=["F200W"] * 5 + ["F444W"] * 4 + ["F115W"] * 3)
    whole = plot_depth(table)
    axes = plot_depth(table, by="filters")
    assert [ax.get_title() for ax in axes] == ["F200W (5)", "F444W (4)", "F115W (3)"]
    np.testing.assert_allclose(sum(depth(ax).filled(0.0) for ax in axes), depth(whole).filled(0.0))
    assert len({(ax.get_xlim(), ax.get_ylim(), ax.images[0].get_clim()) for ax in axes}) == 1
    (figure,) = {ax.figure for ax in axes}
    assert len(figure.axes) == 4
    deepest = max(float(depth(ax).max()) for ax in axes)
    assert figure.get_suptitle() == f"12 observations, up to {deepest:,.0f} s"
    figure.canvas.draw()
    table["filters"] = [f"F{number}W" for number in range(12)]
    assert [ax.get_title() for ax in plot_depth(table, by="filters")][-1] == "4 others (4)"


def test_an_empty_search_circle_is_drawn() -> None:
    """An empty map has no color bar."""
    ax = plot_depth(observed("CIRCLE 10 20 0.1"), coordinates="50 20", radius=1)
    assert not ax.images
    assert ax.get_title() == "1 observation, up to 0 s, search radius 1 deg"


@pytest.mark.parametrize(
    ("table", "options", "reason"),
    [
        (observed("CIRCLE 10 20 1")[:0], {}, "The table has no rows"),
        (observed(""), {}, "No footprints to draw in the table"),
        (
            observed("CIRCLE 10 20 1", seconds=[0.0]),
            {},
            "completed observation with a footprint and a positive 't_exptime'",
        ),
        (observed("CIRCLE 10 20 1", calib_level=[-1]), {"weight": None}, "completed observation with a footprint."),
        (observed("CIRCLE 10 20 1"), {"weight": "exptime"}, "no column 'exptime'"),
        (observed("CIRCLE 10 20 1"), {"by": "filters"}, "no column 'filters'"),
        (observed("CIRCLE 10 20 1"), {"by": 5}, "no column '5'"),
        (observed("CIRCLE 10 20 1"), {"weight": "s_region"}, "'s_region' is not numeric"),
        (observed("CIRCLE 10 20 1"), {"pixels": 1}, "pixels=1 must be an integer from 2 to 4,000"),
        (observed("CIRCLE 10 20 1"), {"pixels": 5000}, "pixels=5000"),
        (observed("CIRCLE 10 20 1"), {"radius": 1}, "radius requires coordinates, the center of the circle"),
        (observed("CIRCLE 10 20 1"), {"ax": 1}, "no sky coordinates"),
        (observed("CIRCLE 10 20 1"), {"ax": 1, "by": "s_region"}, "ax and by cannot be combined"),
        ("M51", {}, "must be a Table of observations, not str"),
    ],
)
def test_invalid_maps_raise(table: Any, options: Any, reason: str) -> None:
    """The error has the reason, and no figure stays open."""
    with pytest.raises(InvalidQueryError, match=reason):
        plot_depth(table, **options)
    assert not plt.get_fignums()


def test_the_map_of_a_search_is_drawn(mast_sandbox: Sandbox) -> None:
    """The result of a query can be plotted directly."""
    found = Observations.query_object("M101", radius="0.2 deg")
    made = found[(found["calib_level"] == 2) & (found["obs_collection"] == "HST")]
    ax = plot_depth(made, coordinates="210.802 54.349", radius="0.2 deg")
    assert ax.get_title().startswith(f"{len(made)} observations, up to ")
    assert 0 < depth(ax).max() <= made["t_exptime"].sum()
    assert mast_sandbox.url


def test_the_examples_of_depth_maps_run() -> None:
    """The examples in the docstring print the documented output."""
    for example in doctest.DocTestFinder().find(plot_depth, "plot_depth"):
        outcome = doctest.DocTestRunner().run(example, out=lambda _text: None)
        assert outcome.attempted > 0
        assert not outcome.failed
