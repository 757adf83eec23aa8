"""Cone searches in ADQL: the box includes all rows of the circle, wherever it is."""

from __future__ import annotations

import sqlite3

import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.query.cones import box_conditions, cone_condition

NAMES = "s_ra", "s_dec"


def found(ra: float, dec: float, radius: float, at: tuple[float, float]) -> bool:
    """Return whether a database finds a position in the box around a circle."""
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE sky (s_ra REAL, s_dec REAL)")
        database.execute("INSERT INTO sky VALUES (?, ?)", at)
        where = " AND ".join(box_conditions(ra, dec, radius, NAMES))
        ((number,),) = database.execute(f"SELECT COUNT(*) FROM sky WHERE {where}")
    return bool(number)


@given(
    ra=st.floats(0, 360, exclude_max=True),
    dec=st.floats(-90, 90) | st.sampled_from([-90.0, -89.95, -89.0, 0.0, 89.0, 89.99, 90.0]),
    radius=st.floats(0, 180) | st.floats(0, 0.01),
    angle=st.floats(0, 360),
    part=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_a_box_includes_its_circle(ra: float, dec: float, radius: float, angle: float, part: float) -> None:
    """Positions in a circle, including its edge, are in the box, also across 0h and over the poles."""
    center = SkyCoord(ra, dec, unit="deg")
    inside = center.directional_offset_by(angle * u.deg, part * radius * u.deg)
    assert found(ra, dec, radius, (float(inside.ra.deg) % 360, float(inside.dec.deg)))


@pytest.mark.parametrize(
    ("cone", "outside"),
    [
        ((10.0, 0.0, 1.0), (11.01, 0.0)),
        ((10.0, 60.0, 1.0), (12.1, 60.0)),
        ((0.5, 0.0, 1.0), (180.0, 0.0)),
        ((359.5, 0.0, 1.0), (358.4, 0.0)),
        ((10.0, 89.95, 0.01), (10.0, 89.9)),
    ],
)
def test_a_box_is_hardly_larger_than_its_circle(cone: tuple[float, float, float], outside: tuple[float, float]) -> None:
    """Positions outside of a circle are not in the box, which would otherwise be useless."""
    assert not found(*cone, outside)


def test_the_box_precedes_the_circle() -> None:
    """The condition has the box first, and then the circle."""
    assert cone_condition(10.0, 0.0, 1.0, NAMES).startswith(
        "s_dec BETWEEN -1.0000001 AND 1.0000001 AND s_ra BETWEEN 8.9999999 AND 11.0000001 AND "
    )
    assert cone_condition(10.0, 0.0, 1.0, NAMES).endswith(
        " AND CONTAINS(POINT('ICRS', s_ra, s_dec), CIRCLE('ICRS', 10, 0, 1)) = 1"
    )
    assert "(s_ra >= 359.4999999 OR s_ra <= 1.5000001)" in cone_condition(0.5, 0.0, 1.0, NAMES)
    assert "s_ra BETWEEN" not in cone_condition(0.5, 89.0, 1.0, NAMES)
