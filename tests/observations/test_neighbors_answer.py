"""A shared response is divided among the members, and uncertain members are left out."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast.observations.neighbors import MemberRows, SharedCone, divide_answer, share_cones
from astroquery_mast.sky.outlines import outlines_of
from astroquery_mast.sky.position import Cone
from astroquery_mast.sky.region_filter import shapes_of
from astroquery_mast.sky.sphere import unit_vectors

ARCSEC = 1 / 3600
FIELDS = [(202.47, 47.195), (0.0, 0.0), (77.0, 89.98), (359.99, -89.99)]


def beside(center: tuple[float, float], east: float, north: float) -> tuple[float, float]:
    """Return a position offset from another by some degrees."""
    place = SkyCoord(*center, unit="deg")
    angle, away = np.arctan2(east, north) * u.rad, np.hypot(east, north) * u.deg
    moved = place.directional_offset_by(angle, away)
    return float(moved.ra.deg), float(moved.dec.deg)


def square(center: tuple[float, float], east: float, north: float, half: float) -> str:
    """Return a square footprint offset from a position."""
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    places = [beside(center, east + x, north + y) for x, y in corners]
    return "POLYGON ICRS " + " ".join(f"{ra:.10f} {dec:.10f}" for ra, dec in places)


def answer(regions: list[str | None], **columns: object) -> Table:
    """Return a response with these footprints."""
    missing = [region is None for region in regions]
    column = MaskedColumn([region or "" for region in regions], mask=missing, dtype=str)
    number = len(regions)
    given = {"s_ra": np.full(number, np.nan), "s_dec": np.full(number, np.nan), "obsid": np.arange(number).astype(str)}
    return Table({**given, "s_region": column, **columns}, masked=True)


def everything(cones: list[Cone]) -> SharedCone:
    """Return one group of all cones."""
    return SharedCone(Cone(cones[0].ra, cones[0].dec, 1.0), np.arange(len(cones)))


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.sampled_from(FIELDS), st.sampled_from([0.0, 5 * ARCSEC, 0.02]))
def test_certain_members_get_the_rows_of_their_own_query(seed: int, field: tuple[float, float], radius: float) -> None:
    """Anywhere on the sky, a certain member gets the rows that its own query would return."""
    dice = np.random.default_rng(seed)
    regions: list[str | None] = [
        square(field, *dice.normal(scale=0.05, size=2), dice.choice([0.002, 0.02, 0.05])) for _ in range(12)
    ]
    for _ in range(3):
        ra, dec = beside(field, *dice.normal(scale=0.05, size=2))
        regions.append(f"CIRCLE ICRS {ra:.10f} {dec:.10f} {dice.uniform(0, 0.05):.6f}")
    regions.append(f"{regions[0]} {regions[1]}")
    cones = [Cone(*beside(field, *dice.normal(scale=0.05, size=2)), radius) for _ in range(10)]
    found = divide_answer(answer(regions), everything(cones), cones, "footprint")
    nowhere = np.full(len(regions), np.nan)
    outlines = outlines_of(shapes_of(regions), nowhere, nowhere)
    for member, share in found.items():
        point = unit_vectors(cones[member].ra, cones[member].dec)
        met = np.unique(outlines.owner[outlines.within(point, np.radians(radius))])
        assert sorted(share.rows.tolist()) == met.tolist()
        assert (np.diff(share.distance) >= 0).all()
        assert (share.distance <= radius * 3600 + 1e-6).all()


def alone(
    regions: list[str | None], radius: float = 5 * ARCSEC, overlap: str = "footprint", **columns: object
) -> MemberRows | None:
    """Return the rows of a single cone."""
    cones = [Cone(10.0, 20.0, radius)]
    return divide_answer(answer(regions, **columns), everything(cones), cones, overlap).get(0)


@pytest.mark.parametrize(
    ("gap", "rows"), [(0.0, [0]), (4.0, [0]), (4.9, None), (5.0, None), (5.1, None), (6.0, [])], ids=str
)
def test_an_edge_at_the_radius_is_uncertain(gap: float, rows: list[int] | None) -> None:
    """A footprint edge within tenths of an arcsecond of the radius is uncertain."""
    share = alone([square((10.0, 20.0), 0.01 + gap * ARCSEC, 0.0, 0.01)])
    if gap == 0.0:  # the edge would pass through the center
        share = alone([square((10.0, 20.0), 0.009, 0.0, 0.01)])
    assert (None if share is None else share.rows.tolist()) == rows
    if share is not None and rows:
        assert share.distance[0] == pytest.approx(gap, abs=1e-4)


def test_an_edge_at_the_position_is_uncertain_for_radius_zero() -> None:
    """With a radius of 0, a footprint edge next to the position is uncertain."""
    assert alone([square((10.0, 20.0), 0.009, 0.0, 0.01)], radius=0.0) is not None
    assert alone([square((10.0, 20.0), 0.01 - 0.1 * ARCSEC, 0.0, 0.01)], radius=0.0) is None


def test_circles_have_a_wider_margin() -> None:
    """Circular footprints have a margin of a hundredth of their radius, because MAST treats them as polygons."""
    for gap, known in ((-25.0, True), (-10.0, False), (1.0, False), (12.0, False), (25.0, True)):
        ra, dec = beside((10.0, 20.0), 0.5 + (5 + gap) * ARCSEC, 0.0)
        share = alone([f"CIRCLE ICRS {ra!r} {dec!r} 0.5"])
        assert (share is not None) == known


def test_long_sides_have_a_wider_margin() -> None:
    """Long sides have a wider margin, because great circles differ from straight lines in RA and Dec."""
    wide = "POLYGON ICRS 4 20 16 20 16 26 4 26"
    away = Cone(10.0, 20.0 - 30 * ARCSEC, 5 * ARCSEC)
    assert divide_answer(answer([wide]), everything([away]), [away], "footprint") == {}
    inside = Cone(10.0, 22.0, 5 * ARCSEC)
    assert divide_answer(answer([wide]), everything([inside]), [inside], "footprint")[0].rows.tolist() == [0]


@pytest.mark.parametrize("region", [None, "", "POLYGON ICRS 1 2 3", "CIRCLE ICRS 1 2", "NOT CIRCLE 1 2 3"], ids=str)
def test_an_unreadable_footprint_makes_all_members_uncertain(region: str | None) -> None:
    """A row without a readable footprint makes all members uncertain, unless its position excludes it."""
    near = square((10.0, 20.0), 0.0, 0.0, 0.01)
    assert alone([near, region]) is None
    half = answer([near, f"{near} CIRCLE ICRS 1 2"])
    assert divide_answer(half, everything([Cone(10.0, 20.0, 0.1)]), [Cone(10.0, 20.0, 0.1)], "footprint") == {}
    places = {"s_ra": [10.0, 10.3], "s_dec": [20.0, 20.0]}
    share = alone([near, region], 0.1, "center", **places)
    assert share is not None
    assert share.rows.tolist() == [0]
    assert alone([near, region], 0.1, "center", s_ra=[10.0, 10.05], s_dec=[20.0, 20.0]) is None


def test_positions_are_compared_without_a_margin() -> None:
    """With ``overlap="center"``, rows need their position within the radius and a footprint that meets the cone."""
    around, beyond = square((10.0, 20.0), 0.0, 0.0, 0.2), square((10.0, 20.0), 0.5, 0.0, 0.01)
    rims = [beside((10.0, 20.0), 0.0, 0.1 * (1 - 1e-9)), beside((10.0, 20.0), 0.0, 0.1 * (1 + 1e-6))]
    share = alone(
        [around, around, beyond, around],
        0.1,
        "center",
        s_ra=[rims[0][0], rims[1][0], 10.0, np.nan],
        s_dec=[rims[0][1], rims[1][1], 20.0, np.nan],
    )
    assert share is not None
    assert share.rows.tolist() == [0]


def test_the_margin_increases_if_distances_disagree() -> None:
    """If MAST's distance differs from that to the footprint, the margin increases accordingly."""
    far = square((10.0, 20.0), 0.1, 0.0, 0.01)  # 324 arcsec away
    cones = [Cone(10.0, 20.0, 1 * ARCSEC), Cone(*beside((10.0, 20.0), 0.08, 0.0), 5 * ARCSEC)]
    for distance, decided in ((324.0, [0, 1]), (334.0, [0, 1]), (344.0, [0]), (0.0, []), (np.nan, [0, 1])):
        table = answer([far], distance=MaskedColumn([distance], mask=[bool(np.isnan(distance))]))
        assert sorted(divide_answer(table, everything(cones), cones, "footprint")) == decided


def test_rows_are_ordered_by_distance_and_obsid() -> None:
    """Rows are ordered by distance and then obsid, regardless of the center of the group."""
    regions: list[str | None] = [square((10.0, 20.0), x, 0.0, 0.01) for x in (0.02, 0.0, 0.015, 0.0)]
    share = alone(regions, 0.1, obsid=["9", "100", "8", "20"])
    assert share is not None
    assert share.rows.tolist() == [3, 1, 2, 0]
    assert share.distance.tolist() == pytest.approx([0, 0, 18, 36], abs=0.01)


def test_an_empty_response_is_certain_for_all_members() -> None:
    """An empty response is certain for all members, but one without footprints is for none."""
    share = alone([])
    assert share is not None
    assert share.rows.tolist() == []
    cones = [Cone(10.0, 20.0, 0.1)]
    assert divide_answer(Table({"obsid": ["1"]}, masked=True), everything(cones), cones, "footprint") == {}


def test_a_polygon_of_half_of_the_sky_is_uncertain() -> None:
    """A polygon of half of the sky is uncertain, because its inside is ambiguous."""
    assert alone(["POLYGON ICRS 0 0 120 0 240 0"]) is None


def test_recorded_distances_agree_with_the_footprints(recorded: Callable[[str], bytes]) -> None:
    """Recorded distances agree with those to the footprints: exactly for polygons, within the margin for circles."""
    for name, center in (("caom.json", (23.34086, 60.6583)), ("advSearchPos.json", (210.80227, 54.34895))):
        rows = json.loads(recorded(name))["data"]
        table = answer([row["s_region"] for row in rows])
        cone = Cone(*center, 0.5)
        found = divide_answer(table, SharedCone(cone, np.array([0])), [cone], "footprint")[0]
        told = np.array([rows[place]["distance"] for place in found.rows])
        round_ = np.array([rows[place]["s_region"].startswith("CIRCLE") for place in found.rows])
        assert sorted(found.rows.tolist()) == list(range(len(rows)))
        assert told[~round_] == pytest.approx(found.distance[~round_], abs=1e-6)
        off = (told - found.distance)[round_]
        assert (off >= 0).all()
        assert (off < 0.005 * 2250).all()


def test_recorded_rows_are_divided_by_their_recorded_distances(recorded: Callable[[str], bytes]) -> None:
    """Cones around a recorded position get the recorded rows within their radius, or are uncertain."""
    rows = json.loads(recorded("caom.json"))["data"]
    told = np.array([float(row["distance"]) for row in rows])
    cones = [Cone(23.34086, 60.6583, radius * ARCSEC) for radius in np.linspace(280, 440, 81).tolist()]
    table = answer([row["s_region"] for row in rows], distance=told)
    found = divide_answer(table, SharedCone(Cone(23.34086, 60.6583, 0.2), np.arange(len(cones))), cones, "footprint")
    assert len(found) > 70
    for member, share in found.items():
        assert sorted(share.rows.tolist()) == np.flatnonzero(told <= cones[member].radius * 3600).tolist()
    assert len(share_cones(cones)) == 1
