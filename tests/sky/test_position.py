"""Positions and radii of all supported types."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import (
    CIRS,
    FK4,
    FK5,
    GCRS,
    HCRS,
    ICRS,
    TETE,
    AltAz,
    Angle,
    CartesianRepresentation,
    Galactic,
    SkyCoord,
)
from astropy.time import Time
from astropy.utils.masked import Masked
from hypothesis import example, given
from hypothesis import strategies as st

from astroquery_mast import Observations
from astroquery_mast.exceptions import InvalidArgumentError, InvalidQueryError, MastError
from astroquery_mast.sky.position import (
    DEFAULT_RADIUS,
    Cone,
    as_coordinate,
    as_radius,
    cone_around,
    looks_like_coordinates,
    two_numbers,
)
from astroquery_mast.sky.positions import as_positions

M101 = (210.8, 54.348888888888894)


@pytest.mark.parametrize(
    "text",
    [
        "210.8 54.348888888888894",
        "210.8, 54.348888888888894",
        "210.8,54.348888888888894",
        " 210.8   +54.348888888888894 ",
        "210.8d 54.348888888888894d",
        "210.8deg 54.348888888888894deg",
        "14h03m12s +54d20m56s",
        "14h03m12s, +54d20m56s",
    ],
)
def test_strings_are_parsed_in_all_usual_forms(text: str) -> None:
    """Degrees with or without a comma, and sexagesimal strings with units, give the same position."""
    assert looks_like_coordinates(text)
    found = as_coordinate(text)
    assert (found.ra.deg, found.dec.deg) == pytest.approx(M101, abs=1e-9)


@pytest.mark.parametrize(
    "name",
    [
        "M31",
        "M 31",
        "TIC 261136679",
        "NGC 5139",
        "3C 273",
        "HD 209458",
        "30 Dor",
        "55 Cnc",
        "47 Tuc",
        "24 Sex",
        "K2-18",
        "4U 1700-37",
        "S 106",
        "W 49",
        "SDSS J140312+542056",
        "Barnard's Star",
        "",
        " ",
        ",",
        "12.5",
        "1820-30",
        "0957+561",
        "0102-72",
    ],
)
def test_object_names_are_not_positions(name: str) -> None:
    """Names are left to the resolver, even if they begin with a number."""
    assert not looks_like_coordinates(name)
    with pytest.raises(InvalidArgumentError, match="as a position"):
        as_coordinate(name)


@pytest.mark.parametrize(
    "coordinates",
    [
        SkyCoord(*M101, unit="deg"),
        SkyCoord(*M101, unit="deg").galactic,
        SkyCoord([M101[0]], [M101[1]], unit="deg"),
        SkyCoord([[M101[0]]], [[M101[1]]], unit="deg"),
        SkyCoord(M101[0] * u.deg, M101[1] * u.deg, distance=6.4 * u.Mpc),
        ICRS(M101[0] * u.deg, M101[1] * u.deg),
        SkyCoord(*M101, unit="deg").transform_to(Galactic()).frame,
        SkyCoord(*M101, unit="deg").transform_to(FK5(equinox="J1975")),
    ],
    ids=repr,
)
def test_objects_of_any_frame_become_one_scalar_icrs_position(coordinates: Any) -> None:
    """One position of any frame and shape becomes a scalar in ICRS."""
    found = as_coordinate(coordinates)
    assert found.isscalar
    assert found.frame.name == "icrs"
    assert (found.ra.deg, found.dec.deg) == pytest.approx(M101, abs=1e-9)


@pytest.mark.parametrize("size", [0, 2])
def test_array_of_positions_raises(size: int) -> None:
    """Several positions, or an empty array, raise an error instead of being written to the request."""
    with pytest.raises(InvalidArgumentError, match=f"must be one position, got {size}"):
        as_coordinate(SkyCoord(np.zeros(size), np.zeros(size), unit="deg"))


@pytest.mark.parametrize(
    "coordinates",
    [
        None,
        M101,
        [*M101],
        210.8,
        ICRS(),
        AltAz(),
        AltAz(alt=1 * u.deg, az=2 * u.deg),
        SkyCoord(math.nan, 1, unit="deg"),
        Angle(1, "deg"),
    ],
    ids=repr,
)
def test_invalid_positions_raise(coordinates: Any) -> None:
    """Numbers, frames without data or location, and NaN raise the documented error."""
    with pytest.raises(InvalidArgumentError, match="coordinates"):
        as_coordinate(coordinates)


@example(text="400,0")
@given(text=st.text(max_size=16) | st.from_regex(r"[-+0-9dhms:. ,]{0,16}", fullmatch=True))
def test_any_string_is_a_position_or_the_documented_error(text: str) -> None:
    """Any string is parsed or raises the documented error, and two numbers always count as a position."""
    readable = looks_like_coordinates(text)
    try:
        found = as_coordinate(text)
    except MastError:
        assert not readable or two_numbers(text) is not None
    else:
        assert readable
        assert 0 <= found.ra.deg < 360
        assert -90 <= found.dec.deg <= 90


@given(ra=st.floats(0, 359.999), dec=st.floats(-90, 90), radius=st.floats(0, 180))
def test_cone_is_written_with_all_its_digits(ra: float, dec: float, radius: float) -> None:
    """The position string and the parameters have the same numbers at full precision, and can be parsed again."""
    cone = cone_around(SkyCoord(ra, dec, unit="deg"), radius)
    assert cone.params() == {"ra": cone.ra, "dec": cone.dec, "radius": radius}
    assert tuple(float(part) for part in cone.position().split(", ")) == (cone.ra, cone.dec, radius)
    assert (cone.ra, cone.dec) == pytest.approx((ra, dec), abs=1e-12)
    assert cone_around(f"{cone.ra:.15f} {cone.dec:.15f}", radius).ra == pytest.approx(cone.ra, abs=1e-12)


def test_cone_has_plain_floats() -> None:
    """Requests do not contain numpy scalars."""
    cone = cone_around("1 2", np.float32(0.5))
    assert cone == Cone(1.0, 2.0, 0.5)
    assert cone.position() == "1.0, 2.0, 0.5"
    assert {type(number) for number in cone.params().values()} == {float}


@pytest.mark.parametrize(
    ("radius", "degrees"),
    [
        (0.2, 0.2),
        (0, 0),
        ("0.2", 0.2),
        (".02 deg", 0.02),
        ("2 arcmin", 2 / 60),
        ("5m", 5 / 60),
        ("5 min", 5 / 60),
        ("40s", 40 / 3600),
        ("0s", 0),
        ("5'", 5 / 60),
        ('5"', 5 / 3600),
        ("0.1d", 0.1),
        (3 * u.arcmin, 0.05),
        (np.float32(0.5), 0.5),
        (np.array(3), 3),
        (Angle("0.5d"), 0.5),
        (180, 180),
        (DEFAULT_RADIUS, 0.2),
    ],
    ids=repr,
)
def test_radius_is_parsed_in_all_usual_forms(radius: Any, degrees: float) -> None:
    """A plain number is in degrees; strings and quantities have a unit."""
    assert as_radius(radius).deg == pytest.approx(degrees, abs=1e-12)


@pytest.mark.parametrize(
    "radius",
    [None, "", "wide", "nan", [0.2], [1, 2], (1, 2, 3), math.nan, -1, 181, 3 * u.m, u.Quantity(1), object()],
    ids=repr,
)
def test_invalid_radius_raises(radius: Any) -> None:
    """A radius that is not one angle from 0 to 180 degrees raises an error that names the argument."""
    with pytest.raises(InvalidArgumentError, match=r"^(Cannot parse )?radius(=| must be )"):
        as_radius(radius)


@given(text=st.text(max_size=12) | st.from_regex(r"[-+0-9dhms:.' ]{0,12}", fullmatch=True))
def test_any_radius_string_is_an_angle_or_the_documented_error(text: str) -> None:
    """Any string is parsed as a radius or raises the documented error."""
    try:
        angle = as_radius(text)
    except MastError:
        return
    assert 0 <= angle.deg <= 180


@pytest.mark.parametrize("text", ["14:03:12 +54:20:56", "14:03:12, +54:20:56", "14 03 12 +54 20 56", "J140312+542056"])
def test_hours_minutes_and_seconds_without_units_are_hours(text: str) -> None:
    """Right ascension in sexagesimal notation without units is in hours."""
    position = as_coordinate(text)
    assert position.ra.deg == pytest.approx(210.8)
    assert position.dec.deg == pytest.approx(54.34889, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("10 95", "declination"),
        ("10, -90.5", "declination"),
        ("999 99", "right ascension"),
        ("400 20", "right ascension"),
        ("nan nan", "right ascension"),
        ("5 inf", "declination"),
    ],
)
def test_two_numbers_out_of_range_are_not_a_name(text: str, wrong: str) -> None:
    """Two numbers are always a position; the error names the invalid number, and the resolver is not queried."""
    assert looks_like_coordinates(text)
    with pytest.raises(InvalidArgumentError, match=wrong):
        as_coordinate(text)


@given(ra=st.floats(-360, 360), dec=st.floats(-90, 90), between=st.sampled_from([" ", ",", ", ", " , "]))
def test_two_numbers_are_degrees_however_they_are_written(ra: float, dec: float, between: str) -> None:
    """Exponents and signs are parsed, and the declination is not changed."""
    found = as_coordinate(f"{ra!r}{between}{dec!r}")
    assert found.dec.deg == pytest.approx(dec, abs=1e-12)
    assert (found.ra.deg - ra + 180) % 360 - 180 == pytest.approx(0, abs=1e-9)


def test_a_position_without_a_blank_needs_decimals() -> None:
    """A name such as 1820-30, from a position in hours, is not parsed as degrees."""
    assert as_coordinate("210.8+54.3").ra.deg == pytest.approx(210.8)
    assert not looks_like_coordinates("1820-30")


@pytest.mark.parametrize(
    "place",
    [
        SkyCoord(x=1, y=2, z=3, unit="kpc", representation_type="cartesian"),
        SkyCoord(ICRS(CartesianRepresentation(1, 2, 3))),
        ICRS(CartesianRepresentation(1 * u.kpc, 2 * u.kpc, 3 * u.kpc), representation_type="cartesian"),
    ],
    ids=["SkyCoord", "without unit", "frame"],
)
def test_cartesian_positions_are_positions(place: Any) -> None:
    """A position in x, y, z has the right ascension and declination of its direction."""
    found = as_coordinate(place)
    assert found.ra.deg == pytest.approx(63.434948822922)
    assert found.dec.deg == pytest.approx(53.300774799510)


def test_a_masked_position_is_not_a_position() -> None:
    """The value under the mask of a scalar SkyCoord is not used."""
    both = SkyCoord(Masked([202.47, 210.8], [False, True]) * u.deg, Masked([47.195, 54.35], [False, True]) * u.deg)
    assert float(as_coordinate(both[0]).ra.deg) == pytest.approx(202.47)
    with pytest.raises(InvalidArgumentError, match="masked"):
        as_coordinate(both[1])


def test_a_pair_of_numbers_raises_with_advice() -> None:
    """The message shows two ways to specify the position."""
    with pytest.raises(InvalidQueryError, match=r"coordinates=.*SkyCoord\(10, 20, unit='deg'\) or '10 20'"):
        Observations.query_region((10, 20))


def test_a_frame_without_time_raises_with_the_missing_attributes() -> None:
    """Horizontal coordinates without time and location raise an error that names these."""
    with pytest.raises(InvalidArgumentError, match="obstime, location or distance"):
        as_coordinate(AltAz(alt=1 * u.deg, az=1 * u.deg))


_MOVING = {"pm_ra_cosdec": -0.8 * u.arcsec / u.yr, "pm_dec": 10.3 * u.arcsec / u.yr}


def test_a_moving_star_is_where_it_was_at_its_own_epoch() -> None:
    """Proper motion is not applied; the result of `apply_space_motion` is used unchanged."""
    star = SkyCoord(269.45 * u.deg, 4.69 * u.deg, distance=1.8 * u.pc, obstime=Time("J2000"), **_MOVING)
    later = star.apply_space_motion(new_obstime=Time("J2016"))
    assert cone_around(star, 1).position() == "269.45, 4.69, 1.0"
    assert cone_around(later, 1).dec == pytest.approx(4.69 + 16 * 10.3 / 3600, abs=1e-6)
    assert as_positions([star, later]).dec.tolist() == [4.69, cone_around(later, 1).dec]


_FRAMES = [ICRS(), FK4(), FK5(equinox="J1975"), GCRS(obstime="J2016"), CIRS(obstime="J2016"), TETE(obstime="J2016")]


@pytest.mark.parametrize("frame", _FRAMES, ids=lambda frame: frame.name)
@pytest.mark.parametrize("number", [np.nan, 1e30])
def test_a_missing_motion_or_distance_does_not_change_the_position(frame: Any, number: float) -> None:
    """Stars without a parallax, proper motion or radial velocity keep their positions, next to others with these."""
    ra, dec = [10, 20] * u.deg, [5, 6] * u.deg
    plain = as_positions(SkyCoord(ra, dec, frame=frame))
    motion = {"pm_ra_cosdec": [1, number] * u.mas / u.yr, "pm_dec": [1, number] * u.mas / u.yr}
    speed = [5, np.nan] * u.km / u.s
    for stars in (
        SkyCoord(ra, dec, frame=frame, **motion),
        SkyCoord(ra, dec, frame=frame, radial_velocity=speed, **motion),
        SkyCoord(ra, dec, frame=frame, radial_velocity=speed, distance=[9e8, np.nan] * u.pc, **motion),
        SkyCoord(ra, dec, frame=frame, distance=[9e8, np.inf] * u.pc),
        SkyCoord(ra, dec, frame=frame, distance=[9e8, np.nan]),
    ):
        found = as_positions(stars)
        assert found.problems == {}
        assert found.ra == pytest.approx(plain.ra, abs=1e-9)
        assert found.dec == pytest.approx(plain.dec, abs=1e-9)
        assert as_coordinate(stars[1]).ra.deg == pytest.approx(plain.ra[1], abs=1e-9)


def test_a_frame_that_requires_distances_raises_without_them() -> None:
    """Directions from the Sun cannot be converted to ICRS without distances."""
    with pytest.raises(InvalidArgumentError, match=r"cannot be transformed to ICRS .*do not have length units"):
        as_coordinate(SkyCoord(10 * u.deg, 20 * u.deg, frame=HCRS(obstime="J2016")))
