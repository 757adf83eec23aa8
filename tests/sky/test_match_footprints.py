"""Matches of positions with footprints, compared with independent formulas."""

from __future__ import annotations

import gc
import sys
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord, angular_separation, position_angle
from astropy.table import QTable, Table
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast.exceptions import InputWarning, InvalidArgumentError
from astroquery_mast.footprints import match_footprints, match_footprints_iter
from astroquery_mast.sky.outlines import outlines_of
from astroquery_mast.sky.pair_distances import PairDistances
from astroquery_mast.sky.shapes import Circle, Point, Polygon, Shape, offset_positions, polygon_of, region_text

Pairs = set[tuple[int, int]]
SQUARE = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
# Typical footprints: detectors, an L of detectors, a slit, two triangles that touch, and a frame around a hole, which
# is entered and left along the same line.
OUTLINES = [
    SQUARE,
    np.array([(-1, -1), (1, -0.5), (0, 1)]),
    np.array([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)]),
    np.array([(-1, -0.01), (1, -0.01), (1, 0.01), (-1, 0.01)]),
    np.array([(-1, -1), (1, 1), (1, -1), (-1, 1)]),
    np.array([*SQUARE, SQUARE[0], *(SQUARE[[0, 3, 2, 1, 0]] / 2)]),
]
CENTERS = [(0.0, 0.0), (359.999, 60.0), (123.0, 90.0), (45.0, -89.95), (180.0, -30.0)]


def pairs_of(table: Table) -> list[tuple[int, int]]:
    """Return the pairs in the order of the table."""
    return list(zip(table["point"].tolist(), table["observation"].tolist(), strict=True))


def distances(shape: Shape, ra: Any, dec: Any) -> Any:
    """Return the distances of positions from a shape in degrees, negative inside, from angles at the positions."""
    ra, dec = np.radians(ra), np.radians(dec)
    if not isinstance(shape, Polygon):
        away = angular_separation(np.radians(shape.ra), np.radians(shape.dec), ra, dec)
        return np.degrees(away) - (shape.radius if isinstance(shape, Circle) else 0.0)
    corners = np.radians(shape.vertices)
    turned, nearest = np.zeros(len(ra)), np.full(len(ra), np.inf)
    for one, other in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        turn = position_angle(ra, dec, *other).value - position_angle(ra, dec, *one).value
        turned += (turn + np.pi) % (2 * np.pi) - np.pi
        to_one, to_other = (angular_separation(*corner, ra, dec) for corner in (one, other))
        # The components of the distance along and across the side.
        course = position_angle(*one, ra, dec).value - position_angle(*one, *other).value
        along = np.arctan2(np.sin(to_one) * np.cos(course), np.cos(to_one))
        beside = (along >= 0) & (along <= angular_separation(*one, *other))
        across = np.abs(np.arcsin(np.clip(np.sin(to_one) * np.sin(course), -1, 1)))
        nearest = np.minimum(nearest, np.where(beside, across, np.minimum(to_one, to_other)))
    mean = SkyCoord(*np.transpose(shape.vertices), unit="deg").cartesian.mean()
    center = SkyCoord(mean, representation_type="cartesian").spherical
    here = angular_separation(center.lon.rad, center.lat.rad, ra, dec) < np.pi / 2
    inside = here & (np.round(np.abs(turned) / (2 * np.pi)) % 2 == 1)
    return np.degrees(np.where(inside, -nearest, nearest))


def brute_force(footprints: list[list[Shape]], ra: Any, dec: Any, margin: float) -> tuple[Pairs, Pairs]:
    """Return the pairs, and the pairs that depend on rounding errors; the margin is in degrees."""
    found: Pairs = set()
    close: Pairs = set()
    for row, shapes in enumerate(footprints):
        for shape in shapes:
            away = distances(shape, ra, dec) - margin
            found |= {(int(point), row) for point in np.flatnonzero(away <= 0)}
            close |= {(int(point), row) for point in np.flatnonzero(np.abs(away) < 1e-7)}
    return found, close


def drawn(center: tuple[float, float], outline: Any, size: float, angle: float, offset: tuple[float, float]) -> Polygon:
    """Return a polygon near a position, rotated and shifted in the tangent plane."""
    sine, cosine = np.sin(angle), np.cos(angle)
    turned = np.asarray(outline) @ np.array([(cosine, sine), (-sine, cosine)])
    return polygon_of(offset_positions(center, turned * size + offset))


def crowd(center: tuple[float, float], rng: np.random.Generator) -> tuple[list[list[Shape]], Any, Any]:
    """Return 250 footprints of all types and 400 positions around a position: 100,000 pairs."""
    footprints: list[list[Shape]] = []
    for _ in range(250):
        offset, size = tuple(rng.uniform(-1, 1, 2)), 10 ** rng.uniform(-2, 0)
        outline = OUTLINES[rng.integers(len(OUTLINES))]
        shapes: list[Shape] = [drawn(center, outline, size, rng.uniform(0, 6), offset)]
        if rng.random() < 0.3:
            (ra, dec) = next(offset_positions(center, rng.uniform(-1, 1, (1, 2))))
            shapes.append(Circle(ra % 360, dec, float(size)))
        footprints.append(shapes)
    ra, dec = np.transpose([*offset_positions(center, rng.uniform(-1.5, 1.5, (400, 2)))])
    return footprints, ra, dec


@pytest.mark.parametrize("margin", [0.0, 90.0])
@pytest.mark.parametrize("center", CENTERS)
def test_a_hundred_thousand_pairs_are_those_of_brute_force(center: tuple[float, float], margin: float) -> None:
    """Polygons, circles and unions match as by brute force, at 0h and at the poles, with and without a margin."""
    footprints, ra, dec = crowd(center, np.random.default_rng(7))
    table = match_footprints(SkyCoord(ra, dec, unit="deg"), [region_text(each) for each in footprints], margin=margin)
    expected, close = brute_force(footprints, ra, dec, margin / 3600)
    pairs = pairs_of(table)
    assert len(expected) > 3000
    assert pairs == sorted(set(pairs))
    assert set(pairs) ^ expected <= close


PLACES = st.tuples(
    st.sampled_from([0.0, 359.9999, 180.0]) | st.floats(0, 359.99),
    st.sampled_from([-90.0, 90.0, 89.99, 0.0]) | st.floats(-90, 90),
)
OFFSETS = st.tuples(st.floats(-2, 2), st.floats(-2, 2))


@st.composite
def fields(draw: st.DrawFn) -> tuple[list[list[Shape]], list[tuple[float, float]]]:
    """Draw footprints and positions of the same scale around a position."""
    center, scale = draw(PLACES), draw(st.sampled_from([1e-3, 0.1, 5.0, 20.0]))
    footprints: list[list[Shape]] = []
    for _ in range(draw(st.integers(1, 4))):
        shapes: list[Shape] = []
        for outline in draw(st.lists(st.sampled_from([*OUTLINES, None]), max_size=3)):
            at = np.array(draw(OFFSETS)) * scale / 2
            if outline is None:
                (ra, dec) = next(offset_positions(center, at[np.newaxis]))
                shapes.append(Circle(ra % 360, dec, draw(st.floats(0, 1)) * scale))
            else:
                shapes.append(drawn(center, outline, scale / 2, draw(st.floats(0, 6)), (at[0], at[1])))
        footprints.append(shapes or [Point(*center)])
    offsets = np.array(draw(st.lists(OFFSETS, min_size=1, max_size=8))) * scale
    return footprints, [*offset_positions(center, offsets)]


@settings(deadline=None)
@given(fields(), st.sampled_from([0.0, 1.0, 3600.0]))
def test_the_pairs_are_those_of_brute_force(
    field: tuple[list[list[Shape]], list[tuple[float, float]]], margin: float
) -> None:
    """All pairs, and the first one of each position, are the same as by brute force."""
    footprints, positions = field
    ra, dec = np.transpose(positions)
    texts = [region_text(shapes) for shapes in footprints]
    points = Table({"ra": ra, "dec": dec})
    expected, close = brute_force(footprints, ra, dec, margin / 3600)
    pairs = pairs_of(match_footprints(points, texts, margin=margin))
    assert pairs == sorted(set(pairs))
    assert set(pairs) ^ expected <= close
    first = pairs_of(match_footprints(points, texts, margin=margin, which="first"))
    assert first == sorted(dict(reversed(pairs)).items())


@settings(deadline=None)
@given(fields())
def test_edges_and_corners_are_inside(field: tuple[list[list[Shape]], list[tuple[float, float]]]) -> None:
    """The corners of a polygon and the middles of its sides are inside."""
    polygons = [shape for shapes in field[0] for shape in shapes if isinstance(shape, Polygon)]
    for polygon in polygons:
        corners = SkyCoord(polygon.vertices, unit="deg")
        vectors = corners.cartesian.xyz.value
        middle = SkyCoord(*(vectors + np.roll(vectors, 1, axis=1)), representation_type="cartesian")
        middle.representation_type = "unitspherical"
        for points in (corners, middle):
            assert len(match_footprints(points, region_text([polygon]))) == len(polygon.vertices)


@pytest.mark.parametrize(
    "text",
    [
        "POLYGON -0.5 10 0.5 10 0.5 11 -0.5 11",
        "Polygon J2000 359.5 10 0.5 10 0.5 11 359.5 11 359.5 10",
        "POLYGON GSC1 -0.5 11.0 0.5 11 0.5 10 -0.5 10 ",
        "POLYGON ICRS 359.5 10 360 10 360 11 359.5 11 POLYGON ICRS 0 10 0.5 10 0.5 11 0 11",
        "UNION ICRS (POLYGON 359.5 10 0 10 0 11 359.5 11 CIRCLE 0.2 10.5 0.25)",
        "CIRCLE ICRS 0 10.5 0.5",
        "BOX ICRS 0 10.5 0.98 1",
    ],
)
def test_all_spellings_of_footprints_match(text: str) -> None:
    """A pair is returned once for any frame, negative right ascensions, either orientation, and several shapes."""
    points = SkyCoord([359.8, 0.2, 0.0, 180.2, 0.6, 0.2], [10.5, 10.5, 10.5, -10.5, 10.5, 11.2], unit="deg")
    assert pairs_of(match_footprints(points, [text, "CIRCLE 90 0 1", text])) == [
        (point, row) for point in (0, 1, 2) for row in (0, 2)
    ]


def test_a_hole_is_outside() -> None:
    """A polygon around a hole contains only positions between the two outlines."""
    text = region_text([drawn((0.0, 0.0), OUTLINES[-1], 1.0, 0.0, (0.0, 0.0))])
    points = SkyCoord([0.0, 0.75, 359.5, 0.0], [0.0, 0.0, 0.9, -0.3], unit="deg")
    assert pairs_of(match_footprints(points, text)) == [(1, 0), (2, 0)]
    assert pairs_of(match_footprints(points, text, margin=0.3 * u.deg)) == [(1, 0), (2, 0), (3, 0)]


def test_large_footprints() -> None:
    """A band over half of the sky, and a circle that covers most of the sky, match correctly."""
    corners = [0, 5, 10, 15, 80, 150]
    there, back = (" ".join(f"{ra} {dec}" for ra in corners[::step]) for step, dec in ((1, -10), (-1, 10)))
    points = SkyCoord([90.0, 1.0, 149.0, 270.0, 90.0, 0.0], [0.0, 0.0, 9.0, 0.0, 60.0, 90.0], unit="deg")
    assert pairs_of(match_footprints(points, [f"POLYGON {there} {back}", "CIRCLE 270 0 170"])) == [
        *((0, 0), (1, 0), (1, 1), (2, 0), (2, 1)),
        *((3, 1), (4, 1), (5, 1)),
    ]
    assert len(match_footprints(points, "CIRCLE 270 0 180")) == 6


def test_large_and_small_footprints_match_together() -> None:
    """Footprints of different sizes have the same matches together as separately."""
    rng = np.random.default_rng(11)
    texts = [
        region_text([drawn((10.0, 20.0), OUTLINES[kind], size, 1.0, (0.1, 0.2))])
        for kind in (0, 2)
        for size in (1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 40.0)
    ]
    away = 10 ** rng.uniform(-5, 1.5, (2, 500)) * rng.choice([-1, 1], (2, 500))
    ra, dec = np.transpose([*offset_positions((10.0, 20.0), away.T + np.array((0.1, 0.2)))])
    points = SkyCoord(ra, dec, unit="deg")
    alone = {(point, row) for row, text in enumerate(texts) for point, _ in pairs_of(match_footprints(points, text))}
    assert set(pairs_of(match_footprints(points, texts))) == alone


def test_block_sizes_do_not_change_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pairs are the same for any number of pairs per block."""
    footprints, ra, dec = crowd((0.0, 0.0), np.random.default_rng(3))
    texts, points = [region_text(each) for each in footprints], SkyCoord(ra, dec, unit="deg")
    whole = match_footprints(points, texts)
    monkeypatch.setattr("astroquery_mast.sky.zones._BLOCK", 37)
    assert pairs_of(match_footprints(points, texts)) == pairs_of(whole)


def test_distances_of_many_pairs_equal_those_of_single_pairs() -> None:
    """The distances of pairs equal those from the test of a single region."""
    footprints, ra, dec = crowd((200.0, 85.0), np.random.default_rng(5))
    outlines = outlines_of(footprints, *np.full((2, len(footprints)), np.nan))
    test, points = PairDistances.of(outlines), SkyCoord(ra, dec, unit="deg").cartesian.xyz.value.T
    for point in points[:40]:
        found = test.within(np.arange(len(outlines)), np.tile(point, (len(outlines), 1)), np.radians(0.3))
        expected = outlines.distances(point)
        assert np.allclose(found, np.where(expected <= np.radians(0.3), expected, np.inf), atol=1e-12)


def test_missing_footprints_are_reported() -> None:
    """Masked and unreadable footprints do not match, and are mentioned in a warning."""
    texts = ["CIRCLE 10 10 1", None, "POLYGON 1 2 3", "CIRCLE 10 10 1 POLYGON 5 5", "CIRCLE 10 10 1"]
    observations = Table({"s_region": np.ma.array(texts, mask=[False, True, False, False, True], dtype=object)})
    with pytest.warns(
        InputWarning, match="2 of 5 observations have no footprint.*2 of 5 footprints.*Row 2:.*odd number"
    ):
        table = match_footprints(SkyCoord(10, 10, unit="deg"), observations)
    assert pairs_of(table) == [(0, 0), (0, 3)]
    assert len(table.meta["left_out"]) == 2
    assert (table.meta["points"], table.meta["observations"]) == (1, 5)


def test_points_without_a_position_are_reported() -> None:
    """Other points keep their row numbers."""
    points = Table(
        {"RAJ2000": np.ma.array([10.0, 10.0, 10.0], mask=[True, False, False]), "DEJ2000": [10.0, 95.0, 10.0]}
    )
    with pytest.warns(InputWarning, match="2 of 3 points have no position"):
        table = match_footprints(points, "CIRCLE 10 10 1")
    assert pairs_of(table) == [(2, 0)]


def test_nothing_matches() -> None:
    """Without matches, the table has the same columns and no rows."""
    table = match_footprints(SkyCoord(10, 10, unit="deg"), ["CIRCLE 20 10 1"])
    assert (len(table), table.colnames, table["point"].dtype.kind) == (0, ["point", "observation"], "i")
    assert len(match_footprints(SkyCoord(10, 10, unit="deg"), Table({"s_region": np.array([], dtype=str)}))) == 0


@pytest.mark.parametrize(
    ("points", "observations", "options", "message"),
    [
        (SkyCoord(1, 1, unit="deg"), ["CIRCLE 1 1 1"], {"which": "best"}, "which must be 'all' or 'first', got 'best'"),
        (SkyCoord(1, 1, unit="deg"), ["CIRCLE 1 1 1"], {"margin": -1}, "margin must be"),
        (SkyCoord(1, 1, unit="deg"), ["CIRCLE 1 1 1"], {"margin": "1 parsec"}, "margin='1 parsec'"),
        (SkyCoord(1, 1, unit="deg"), Table({"obs_id": ["a"]}), {}, "Column 's_region' not found in the table"),
        (SkyCoord(1, 1, unit="deg"), 7, {}, "Footprints must be a table, a column or a string, got a int"),
        (Table({"a": [1.0]}), ["CIRCLE 1 1 1"], {}, "Cannot identify the columns with the positions: the table has"),
        (Table({"a": [1.0], "b": [1.0]}), ["CIRCLE 1 1 1"], {"ra_column": "a", "dec_column": "c"}, "dec_column='c'"),
        (["M51"], ["CIRCLE 1 1 1"], {}, "'M51' is not a position"),
        ("M51", ["CIRCLE 1 1 1"], {}, "points must be"),
        (7, ["CIRCLE 1 1 1"], {}, "Positions must be a SkyCoord, a Table or a list, got a"),
        (iter([]), ["CIRCLE 1 1 1"], {}, "points is empty"),
        (
            SkyCoord(1, 1, unit="deg", pm_ra_cosdec=1 * u.mas / u.yr, pm_dec=0 * u.mas / u.yr),
            ["CIRCLE 1 1 1"],
            {},
            "obstime",
        ),
    ],
)
def test_invalid_input_raises(points: Any, observations: Any, options: dict[str, Any], message: str) -> None:
    """The message explains the problem."""
    with pytest.raises(InvalidArgumentError, match=message):
        match_footprints(points, observations, **options)


# -- motion ----------------------------------------------------------------------------------------------------------


def stars() -> SkyCoord:
    """Return stars with proper motions up to 10 arcsec/yr, one of them at the pole, and one without a proper motion."""
    return SkyCoord(
        [269.45, 0.0001, 100.0, 200.0] * u.deg,
        [4.69, -60.0, 89.9999, 30.0] * u.deg,
        pm_ra_cosdec=[-802.8, -5000.0, 3000.0, np.nan] * u.mas / u.yr,
        pm_dec=[10362.5, 100.0, 2000.0, np.nan] * u.mas / u.yr,
        obstime=Time("J2016"),
        distance=[10.0] * 4 * u.pc,
    )


def test_points_are_propagated_to_the_time_of_each_observation() -> None:
    """Small circles at the positions from astropy contain the star only at the time of that position."""
    times = Time([1985.0, 2000.0, 2016.0, 2026.5], format="jyear")
    known = stars()[:3]
    there = [known.apply_space_motion(time) for time in times]
    texts = [f"CIRCLE {float(at.ra.deg)!r} {float(at.dec.deg)!r} 1e-6" for time in there for at in time]
    observations = Table({"s_region": texts, "t_min": np.repeat(times.mjd, 3)})
    expected = [(star, 3 * time + star) for star in range(3) for time in range(4)]
    assert pairs_of(match_footprints(known, observations)) == expected
    assert pairs_of(match_footprints(known.galactic, observations)) == expected
    assert pairs_of(match_footprints(Table({"star": known}), observations)) == expected
    quantities = QTable(observations)
    quantities["t_min"] = Time(observations["t_min"], format="mjd")
    assert pairs_of(match_footprints(known, quantities)) == expected
    still = SkyCoord(known.ra, known.dec)
    assert pairs_of(match_footprints(still, observations)) == [(star, 6 + star) for star in range(3)]


def test_an_unknown_motion_is_zero() -> None:
    """Stars without a proper motion do not move, and neither do others at an unknown time, with a warning."""
    texts = ["CIRCLE 200 30 1e-6", "CIRCLE 269.45 4.69 1e-6"]
    observations = Table({"s_region": texts, "t_min": np.ma.array([46000.0, 0.0], mask=[False, True])})
    with pytest.warns(InputWarning, match="1 of 2 observations have no t_min"):
        assert pairs_of(match_footprints(stars(), observations)) == [(0, 1), (3, 0)]


def test_epochs_may_differ() -> None:
    """Each position has its own epoch, and masked proper motions are zero."""
    moving = SkyCoord(
        [10.0, 10.0, 10.0] * u.deg,
        [0.0, 0.0, 0.0] * u.deg,
        pm_ra_cosdec=[1.0, 1.0, 0.0] * u.arcsec / u.yr,
        pm_dec=[0.0, 0.0, 0.0] * u.arcsec / u.yr,
        obstime=Time([2000.0, 2010.0, 2000.0], format="jyear"),
    )
    observations = Table(
        {"s_region": [f"CIRCLE {10 + 10 / 3600!r} 0 1e-5"], "t_min": [Time(2010.0, format="jyear").mjd]}
    )
    assert pairs_of(match_footprints(moving, observations)) == [(0, 0)]


# -- chunks ----------------------------------------------------------------------------------------------------------


def test_chunks_give_the_same_pairs() -> None:
    """Row numbers continue across chunks of any type, and empty chunks are skipped."""
    footprints, ra, dec = crowd((0.0, 0.0), np.random.default_rng(1))
    texts, whole = [region_text(each) for each in footprints], SkyCoord(ra, dec, unit="deg")
    points = Table({"ra": ra, "dec": dec})
    expected = pairs_of(match_footprints(whole, texts))
    assert pairs_of(match_footprints(iter([points[:150], points[150:150], whole[150:]]), texts)) == expected
    tables = [*match_footprints_iter(iter([points[:150], whole[150:]]), texts)]
    assert [pair for table in tables for pair in pairs_of(table)] == expected
    assert [table.meta["points"] for table in tables] == [150, 250]
    first = pairs_of(match_footprints(whole, texts, which="first"))
    assert pairs_of(match_footprints(iter([points[:150], points[150:]]), texts, which="first")) == first


def test_one_chunk_is_in_memory_at_a_time() -> None:
    """Previous chunks are released before the next one is read."""
    alive: list[weakref.ref[Any]] = []
    most = []

    def chunks() -> Iterator[Table]:
        for _ in range(6):
            chunk = Table({"ra": np.zeros(10), "dec": np.zeros(10)})
            alive.append(weakref.ref(chunk))
            gc.collect()
            most.append(sum(each() is not None for each in alive))
            yield chunk

    assert len(match_footprints(chunks(), "CIRCLE 0 0 1")) == 60
    assert max(most) <= 2


def test_problems_of_all_chunks_are_reported_once() -> None:
    """A single warning at the end has the totals."""
    chunk = Table({"ra": [np.nan, 0.0], "dec": [0.0, 0.0]})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tables = [*match_footprints_iter(iter([chunk, chunk]), ["CIRCLE 0 0 1", ""])]
    told = [str(each.message) for each in caught]
    assert told == ["1 of 2 observations have no footprint. 2 of 4 points have no position."]
    assert [pairs_of(table) for table in tables] == [[(1, 0)], [(3, 0)]]
    assert tables[0].meta["left_out"][1] == "1 of 2 points have no position."


def test_arguments_are_checked_before_the_first_chunk_is_read() -> None:
    """Invalid arguments raise before the iterator of points is used."""
    with pytest.raises(InvalidArgumentError, match="which must be"):
        match_footprints_iter(iter([]), ["CIRCLE 0 0 1"], which="none")


def test_a_data_frame_is_a_table() -> None:
    """Positions and observations can be DataFrames."""
    pandas = pytest.importorskip("pandas")
    points = pandas.DataFrame({"name": ["a", "b"], "ra": [10.0, 20.0], "dec": [0.0, 0.0]})
    observations = pandas.DataFrame({"s_region": ["CIRCLE 20 0 1"], "t_min": [55000.0]})
    assert pairs_of(match_footprints(points, observations)) == [(1, 0)]


def test_a_parquet_file_is_read_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the required columns are read, the pairs are the same as from memory, and nulls are reported."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    footprints, ra, dec = crowd((0.0, 0.0), np.random.default_rng(1))
    texts, path = [region_text(each) for each in footprints], tmp_path / "points.parquet"
    table = pa.table({"source_id": np.arange(400), "ra": ra, "dec": dec})
    pq.write_table(table, path)
    monkeypatch.setattr("astroquery_mast.sky.point_chunks._CHUNK", 90)
    expected = pairs_of(match_footprints(SkyCoord(ra, dec, unit="deg"), texts))
    assert pairs_of(match_footprints(path, texts)) == expected
    assert pairs_of(match_footprints(str(path), texts, ra_column="ra", dec_column="dec")) == expected
    assert pairs_of(match_footprints(table, texts)) == expected
    assert [part.meta["points"] for part in match_footprints_iter(path, texts)] == [90, 90, 90, 90, 40]
    pq.write_table(pa.table({"ra": [None, 1.0], "dec": [1.0, 1.0]}), path)
    with pytest.warns(InputWarning, match="1 of 2 points have no position"):
        assert pairs_of(match_footprints(path, "CIRCLE 1 1 1")) == [(1, 0)]
    pq.write_table(pa.table({"x": [1.0]}), path)
    with pytest.raises(InvalidArgumentError, match="Cannot identify the columns with the positions: the table has"):
        match_footprints(path, texts)
    path.write_text("no parquet")
    with pytest.raises(InvalidArgumentError, match="as a parquet file"):
        match_footprints(path, texts)


def test_without_pyarrow_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Reading a parquet file without pyarrow raises an error that says what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InvalidArgumentError, match=r"astroquery_mast\[parquet\]"):
        match_footprints(tmp_path / "points.parquet", "CIRCLE 0 0 1")
