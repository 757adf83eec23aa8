"""Sizes, sectors, targets and image parameters, valid and invalid."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Angle
from astropy.table import Column, MaskedColumn
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.cutouts.protocol import (
    CutoutSize,
    CutoutTarget,
    as_format,
    as_sectors,
    as_size,
    image_params,
    moving_target_named,
    one_target,
)
from astroquery_mast.exceptions import InvalidQueryError, MastError
from astroquery_mast.sky.position import Cone

# -- size ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size",
    [
        (7, 5),
        [7, 5],
        np.array([7, 5]),
        np.array([7, 5], dtype=np.float32),
        (np.int16(7), 5.0),
        [7, 5] * u.pix,
        [7 * u.pixel, 5 * u.pix],
        (0.007 * u.kpix, 5 * u.pix),
        Column([7, 5]),
        Column([7, 5], unit="pix"),
        (7 * u.pix, 5),
        iter((7, 5)),
    ],
)
def test_two_sides_are_rows_and_columns(size: Any) -> None:
    """A pair of any type is (ny, nx), and integer pixels are sent as integers."""
    assert as_size(size).params() == {"y": 7, "x": 5, "units": "px"}
    assert all(type(side) is int for side in (as_size((7, 5)).y, as_size([7, 5] * u.pix).x))


@pytest.mark.parametrize(
    "size", [5, 5.0, np.int64(5), np.float32(5), np.array(5), np.array([5]), (5,), [5], 5 * u.pix, [5] * u.pix]
)
def test_one_side_gives_a_square(size: Any) -> None:
    """A single size is used for both sides."""
    assert as_size(size) == CutoutSize(5, 5, "px")


@pytest.mark.parametrize(
    ("size", "degrees"),
    [
        (1 * u.arcmin, (1 / 60, 1 / 60)),
        ((1 * u.deg, 30 * u.arcmin), (1.0, 0.5)),
        ([60, 120] * u.arcsec, (1 / 60, 1 / 30)),
        (Angle("0d30m"), (0.5, 0.5)),
        (Column([1.0, 2.0], unit="arcmin"), (1 / 60, 1 / 30)),
        (np.pi * u.rad, (180.0, 180.0)),
    ],
)
def test_angles_are_sent_in_degrees(size: Any, degrees: tuple[float, float]) -> None:
    """Any angular unit is converted, including that of a table column."""
    found = as_size(size)
    assert (found.y, found.x) == pytest.approx(degrees)
    assert found.units == "d"


@pytest.mark.parametrize(
    "size",
    [
        0,
        -1,
        math.nan,
        math.inf,
        True,
        None,
        "5",
        "1 arcmin",
        b"5",
        {5},
        {5: 5},
        (),
        [],
        (5, 5, 5),
        [1, 2, 3] * u.arcmin,
        (5, math.nan),
        (5, -5),
        (5, "5"),
        (5, None),
        (5, True),
        [[5, 5], [5, 5]],
        [[5, 5], [5, 5]] * u.pix,
        (5 * u.pix, 1 * u.arcmin),
        (5, 1 * u.arcmin),
        1 * u.m,
        5 * u.dimensionless_unscaled,
        -1 * u.arcmin,
        math.nan * u.pix,
        np.ma.masked,
        np.ma.masked_array([5, 5], mask=[False, True]),
        MaskedColumn([5, 5], mask=[True, False], unit="pix"),
        5 + 0j,
        object(),
        Ellipsis,
    ],
)
def test_invalid_sizes_raise(size: Any) -> None:
    """Anything but positive sizes raises an error that names the value."""
    with pytest.raises(InvalidQueryError, match="size="):
        as_size(size)


_NUMBERS = st.one_of(st.integers(), st.floats(), st.fractions(), st.booleans(), st.none(), st.text(max_size=3))
_UNITS = st.sampled_from([None, u.pix, u.deg, u.arcsec, u.rad, u.m, u.one])


@given(st.lists(st.tuples(_NUMBERS, _UNITS), max_size=4))
def test_any_size_is_converted_or_raises(sides: list[tuple[Any, Any]]) -> None:
    """Any input gives a positive size or an InvalidQueryError, and converting a size again does not change it."""
    size = [u.Quantity(float(number), unit) if unit and isinstance(number, float) else number for number, unit in sides]
    try:
        found = as_size(size)
    except InvalidQueryError as err:
        assert isinstance(err, MastError)
        return
    assert 0 < found.x < math.inf
    assert 0 < found.y < math.inf
    unit = {"px": u.pix, "d": u.deg}[found.units]
    assert as_size((found.y * unit, found.x * unit)) == found


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_pixels_are_sent_exactly(y: int, x: int) -> None:
    """Rows and columns are never swapped or rounded."""
    assert as_size((y, x)) == CutoutSize(y, x, "px")
    assert as_size((Fraction(y), np.uint32(x))) == CutoutSize(y, x, "px")


# -- sectors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sector",
    [(3, 1, 3), [1, 3], np.array([3, 1, 1]), {1, 3}, range(1, 4, 2), ["0001", "3"], Column([3.0, 1.0]), iter([3, 1])],
)
def test_sectors_are_sorted_and_unique(sector: Any) -> None:
    """Lists, arrays and columns give sectors in the order of the cutouts."""
    assert as_sectors(sector) == (1, 3)


@pytest.mark.parametrize("sector", [4, np.int32(4), np.int64(4), 4.0, "4", "0004", np.array(4), np.array([4]), [4]])
def test_one_sector(sector: Any) -> None:
    """A sector is an integer, also a numpy integer from a table or array."""
    found = as_sectors(sector)
    assert found == (4,)
    assert type(found[0]) is int


def test_none_means_all_sectors() -> None:
    """None is the default, and stays None."""
    assert as_sectors(None) is None


@pytest.mark.parametrize(
    "sector",
    [
        0,
        -1,
        1.5,
        math.nan,
        math.inf,
        True,
        [],
        (),
        "",
        "s1",
        "²",
        [1, 0],
        [1, None],
        np.array([]),
        np.ma.masked,
        b"1",
        1j,
    ],
)
def test_invalid_sectors_raise(sector: Any) -> None:
    """Zero and an empty list do not mean all sectors, as they did in astroquery.mast."""
    with pytest.raises(InvalidQueryError, match="sector="):
        as_sectors(sector)


# -- targets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mt_type", ["smallbody", "small_body", "Small Body", "SMALL-BODY"])
def test_a_moving_target_has_a_name_and_a_type(mt_type: str) -> None:
    """The type can be spelled in all usual ways."""
    target = moving_target_named("Eleonora", mt_type)
    assert target.moves
    assert target.params == {"obj_id": "Eleonora", "obj_type": "smallbody"}
    assert moving_target_named(354, None).params == {"obj_id": "354"}


@pytest.mark.parametrize("name", ["", "  ", True, 3.5, b"Ceres", ["Ceres"]])
def test_a_moving_target_requires_a_name(name: Any) -> None:
    """A name is a string or a number."""
    with pytest.raises(InvalidQueryError, match="object name or ID"):
        moving_target_named(name, None)


def test_an_unknown_type_raises() -> None:
    """The message lists the two types."""
    with pytest.raises(InvalidQueryError, match="mt_type must be 'majorbody', 'smallbody' or None, got"):
        moving_target_named("Ceres", "comet")


@pytest.mark.parametrize(
    ("coordinates", "name", "moving", "words"),
    [
        ("1 2", "Ceres", True, "moving_target and coordinates"),
        ("1 2", None, True, "moving_target and coordinates"),
        (None, None, True, "specify the object name or ID"),
        ("1 2", "M1", False, "remove object_name"),
        (None, None, False, "object_name or coordinates"),
    ],
)
def test_exactly_one_target_is_required(coordinates: Any, name: Any, moving: bool, words: str) -> None:
    """Two targets, or none, raise an error."""
    with pytest.raises(InvalidQueryError, match=words):
        one_target(coordinates, name, moving)


def test_a_position_is_a_target_without_radius() -> None:
    """The radius is ignored, because cutouts have a size."""
    target = CutoutTarget.at(Cone(10.0, -5.0, 0.3))
    assert not target.moves
    assert target.params == {"ra": 10.0, "dec": -5.0}


# -- images --------------------------------------------------------------------------------------------------------


def test_image_parameters_are_sent_as_the_service_expects() -> None:
    """Ranges are two numbers in brackets, and parameters that are None are not sent."""
    given = {"stretch": "Log", "minmax_percent": (0.5, 99), "minmax_value": np.array([1, 2]), "invert": np.True_}
    assert image_params(given) == {
        "stretch": "log",
        "minmax_percent": "[0.5, 99.0]",
        "minmax_value": "[1.0, 2.0]",
        "invert": "True",
    }
    assert image_params({"stretch": None, "invert": False}) == {"invert": "False"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"strech": "log"}, "Did you mean 'stretch'"),
        ({"stretch": "cubic"}, "'asinh'"),
        ({"minmax_percent": (0, 101)}, "between 0 and 100"),
        ({"minmax_percent": (-1, 50)}, "between 0 and 100"),
        ({"minmax_value": (2, 1)}, "not a range"),
        ({"minmax_value": (1, math.nan)}, "not a range"),
        ({"minmax_value": 3}, "not a pair"),
        ({"minmax_value": "12"}, "not a pair"),
        ({"minmax_value": (1, "2")}, "not a pair"),
        ({"invert": "yes"}, "True or False"),
        ({"invert": 1}, "True or False"),
    ],
)
def test_invalid_image_parameters_raise(given: dict[str, Any], words: str) -> None:
    """No parameter is ignored silently."""
    with pytest.raises(InvalidQueryError, match=words):
        image_params(given)


def test_formats() -> None:
    """Formats can be spelled in all usual ways."""
    assert [as_format(name) for name in ("fits", "JPG", ".png", "jpeg")] == ["fits", "jpg", "png", "jpg"]
    with pytest.raises(InvalidQueryError, match="'jpg'"):
        as_format("tiff")
