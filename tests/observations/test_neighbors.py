"""Cones are grouped where that is cheaper, and each group's cone contains those of its members."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.observations.neighbors import FOOTPRINT, LARGEST, SharedCone, is_cheaper, share_cones
from astroquery_mast.sky.position import Cone

CENTERS = [(0.0, 0.0), (359.999, -5.0), (202.47, 47.195), (120.0, 90.0), (33.0, -89.99), (180.0, 0.0)]


@st.composite
def fields(draw: st.DrawFn) -> list[Cone]:
    """Generate cones in a few fields, including at the poles and at RA = 0h."""
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    number = draw(st.integers(1, 60))
    spread = draw(st.sampled_from([0.0, 0.001, 0.05, 0.4, 3.0, 40.0]))
    largest = draw(st.sampled_from([0.0, 5 / 3600, 0.05, 0.7]))
    chosen = np.array(CENTERS)[dice.integers(len(CENTERS), size=number)]
    away = dice.normal(scale=spread, size=number)
    around = SkyCoord(*chosen.T, unit="deg").directional_offset_by(
        dice.uniform(0, 360, number) * u.deg,
        np.clip(np.abs(away), 0, 170) * u.deg,
    )
    radii = dice.uniform(0, largest, number) if draw(st.booleans()) else np.full(number, largest)
    return [Cone(*map(float, each)) for each in zip(around.ra.deg, around.dec.deg, radii, strict=True)]


def contains_members(group: SharedCone, cones: list[Cone]) -> bool:
    """Return whether the cone of a group contains all of its members, computed with astropy."""
    members = [cones[place] for place in group.members]
    center = SkyCoord(group.cone.ra, group.cone.dec, unit="deg")
    places = SkyCoord([cone.ra for cone in members], [cone.dec for cone in members], unit="deg")
    reach = places.separation(center).deg + [cone.radius for cone in members]
    return bool((reach <= group.cone.radius).all())


@given(fields())
def test_each_cone_is_in_one_group_that_contains_it(cones: list[Cone]) -> None:
    """Each cone is in exactly one group, which contains it and is cheaper than its members."""
    groups = share_cones(cones)
    assert sorted(np.concatenate([group.members for group in groups]).tolist()) == list(range(len(cones)))
    assert [int(group.members[0]) for group in groups] == sorted(int(group.members[0]) for group in groups)
    for group in groups:
        if not group.shared:
            assert group.cone is cones[group.members[0]]
            continue
        assert contains_members(group, cones)
        radii = np.array([cones[place].radius for place in group.members])
        typical = np.sqrt(np.mean(radii**2))
        assert group.cone.radius <= LARGEST
        assert (group.cone.radius + FOOTPRINT) ** 2 <= len(radii) * (typical + FOOTPRINT) ** 2


def test_a_crowded_field_is_one_group() -> None:
    """Hundreds of positions in one field form one group, and distant positions stay alone."""
    dice = np.random.default_rng(1)
    crowd = [Cone(202.47 + x, 47.2 + y, 5 / 3600) for x, y in dice.normal(scale=0.05, size=(300, 2)).tolist()]
    far = [Cone(float(ra), -30.0, 5 / 3600) for ra in range(0, 360, 20)]
    shared, *others = sorted(share_cones([*far, *crowd]), key=lambda group: -len(group.members))
    assert set(shared.members.tolist()) >= set(range(len(far), len(far) + 290))
    assert shared.cone.radius < 0.3
    assert sum(len(group.members) == 1 for group in others) >= len(far)


@pytest.mark.parametrize("number", [2, 10_000])
def test_neighbors_are_grouped_across_0h_and_at_the_pole(number: int) -> None:
    """Neighbors are grouped across RA = 0h and at the pole."""
    ra = np.linspace(-0.02, 0.02, number) % 360
    assert len(share_cones([Cone(float(each), 10.0, 0.01) for each in ra])) == 1
    around = np.linspace(0, 350, number)
    (group,) = share_cones([Cone(float(each), 89.99, 0.01) for each in around])
    assert group.cone.dec > 89.98
    assert group.cone.radius < 0.03


def test_distant_and_large_cones_stay_alone() -> None:
    """Distant small cones, and a cone larger than the limit, stay alone."""
    assert not is_cheaper(0.2, np.array([0.001, 0.001]))
    assert is_cheaper(0.06, np.array([0.05, 0.05]))
    assert not is_cheaper(0.6, np.array([0.6, 0.6]))
    apart = [Cone(10.0, 0.0, 0.001), Cone(10.2, 0.0, 0.001), Cone(10.0, 0.0, 0.6), Cone(10.0, 0.0, 0.7)]
    assert [group.members.tolist() for group in share_cones(apart)] == [[0], [1], [2], [3]]
    assert [group.cone for group in share_cones(apart)] == apart
    assert share_cones([]) == []
