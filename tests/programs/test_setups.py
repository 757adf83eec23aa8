"""Instruments, fields and filters of JWST: user input and comparisons."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidArgumentError
from astroquery_mast.programs.setups import (
    as_filters,
    as_instrument,
    effective_elements,
    elements_of,
    family_of,
    field_of,
    known_setups,
    modes_of,
    overlap,
    passband,
)
from astroquery_mast.programs.solar_system import is_moving, is_named, pattern_of

BANDS = st.tuples(st.floats(0.5, 28), st.floats(0.01, 10)).map(lambda band: (band[0], band[0] + band[1]))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NIRCAM", "NIRCAM"),
        ("nircam", "NIRCAM"),
        ("NIRCam imaging", "NIRCAM/IMAGE"),
        ("NIRCAM/IMAGE", "NIRCAM/IMAGE"),
        ("MIRI MRS", "MIRI/IFU"),
        ("NIRSpec MOS", "NIRSPEC/MSA"),
        ("nirspec_ifu", "NIRSPEC/IFU"),
        ("NIRISS WFSS", "NIRISS/WFSS"),
        ("NIRCam WFSS", "NIRCAM/GRISM"),
        ("MIRI LRS", "MIRI/SLIT"),
    ],
)
def test_instruments_are_read_in_common_spellings(written: str, meant: str) -> None:
    """The names are those of MAST and of the JWST documentation."""
    assert as_instrument(written) == meant


@pytest.mark.parametrize("wrong", ["ACS", "NIRCAM/MSA", "", None, 5, "NIRCAMERA", ["NIRCAM"]])
def test_an_invalid_instrument_raises_with_the_valid_ones(wrong: Any) -> None:
    """The error lists instruments or modes."""
    with pytest.raises(InvalidArgumentError, match=r"^instrument(=| must be)") as raised:
        as_instrument(wrong)
    assert "NIRCAM" in str(raised.value)


def test_filters_are_read_singly_in_lists_and_in_combinations() -> None:
    """Elements may be separated by semicolons, commas, slashes or blanks, in any case."""
    assert as_filters("f200w", None) == [frozenset({"F200W"})]
    assert as_filters(["F200W", "F290LP;G395H"], None) == [frozenset({"F200W"}), frozenset({"F290LP", "G395H"})]
    assert as_filters("F150W2 / F162M", "NIRCAM") == [frozenset({"F150W2", "F162M"})]


@pytest.mark.parametrize("wrong", ["F814W", "F200", "", [], 5, [None], ["F200W", ""]])
def test_an_invalid_filter_raises(wrong: Any) -> None:
    """Observations are not compared with an unknown filter."""
    with pytest.raises(InvalidArgumentError, match="filters"):
        as_filters(wrong, None)


def test_a_filter_must_be_one_of_the_instrument() -> None:
    """MIRI has no F200W, and the error suggests similar filters."""
    with pytest.raises(InvalidArgumentError, match="'F200W' is not a filter of MIRI"):
        as_filters("F200W", "MIRI/IMAGE")


def test_empty_positions_are_ignored() -> None:
    """A filter combined with CLEAR is equivalent to the filter."""
    assert effective_elements("CLEAR;F200W") == effective_elements("F200W") == {"F200W"}
    assert elements_of(None) == frozenset()


def test_the_passband_is_transmitted_by_all_elements() -> None:
    """A medium filter in the pupil wheel restricts the wide one."""
    assert passband(elements_of("F150W2;F162M"), "NIRCAM") == passband(elements_of("F162M"), "NIRCAM")
    assert passband(elements_of("F070LP;G140M"), "NIRSPEC") == (0.7, 1.27)
    assert passband(elements_of("CLEAR;PRISM"), "NIRSPEC") == (0.6, 5.3)
    assert passband(elements_of("GR150C;F115W"), "NIRISS") == passband(elements_of("F115W"), "NIRISS")


def test_unknown_filters_have_the_limits_of_mast() -> None:
    """The limits of MAST are returned, or None if there are none."""
    assert passband(elements_of("F999X"), "NIRCAM", (1.0, 2.0)) == (1.0, 2.0)
    assert passband(elements_of("F999X"), "NIRCAM") is None
    assert passband(frozenset(), None, (5.0, 6.0)) == (5.0, 6.0)


def test_the_tables_are_consistent() -> None:
    """Passbands are ordered and agree with the names, and every mode has a field and a type."""
    for table in known_setups()["passbands"].values():
        for name, (low, high) in table.items():
            assert 0.5 < low < high < 30
            digits = "".join(filter(str.isdigit, name[1:].rstrip("2"))) if name.startswith("F") else ""
            if digits and not name.endswith("LP"):
                assert low * 0.98 <= int(digits) / 100 <= high * 1.02, name
    for mode in known_setups()["modes"]:
        outer, inner = field_of(mode)
        assert 0 < inner <= outer
        assert family_of(mode)


def test_an_unknown_mode_has_the_largest_field() -> None:
    """No observation is missed because an instrument has a new mode."""
    assert field_of("NIRCAM/NEW")[0] == max(field_of(mode)[0] for mode in modes_of("NIRCAM"))
    assert field_of("OTHER")[0] == field_of("")[0] == pytest.approx(math.hypot(310, 132) / 2)


@given(BANDS, BANDS)
def test_overlap_is_a_symmetric_fraction(one: tuple[float, float], other: tuple[float, float]) -> None:
    """The overlap is between 0 and 1, and 1 for a passband with itself."""
    assert 0 <= overlap(one, other) <= 1 + 1e-9
    assert overlap(one, other) == overlap(other, one)
    assert overlap(one, one) == pytest.approx(1)


@pytest.mark.parametrize(
    "name", ["Io", "io", "NEPTUNE", "1 Ceres", "(1) Ceres", "67P", "1P/Halley", "C/2017 K2", "2003 UB313", "2I/Borisov"]
)
def test_moving_targets_are_recognized_by_name(name: str) -> None:
    """Planets, moons, comets and asteroids move."""
    assert is_moving(name)


@pytest.mark.parametrize(
    "name", ["M51", "Iota Cen", "NGC 1365", "Neptune Nebula", "3C 273", "HD 209458", "2MASS J1", ""]
)
def test_fixed_targets_are_not_moving(name: str) -> None:
    """Stars and galaxies have fixed positions."""
    assert not is_moving(name)


@pytest.mark.parametrize(
    ("name", "target", "same"),
    [
        ("Io", "IO", True),
        ("Io", "IO-ECLIPSE", True),
        ("Io", "JUPITER-IO", True),
        ("Io", "IO2", True),
        ("Io", "IOTA-CEN", False),
        ("Io", "ORION", False),
        ("Titan", "TITANIA", False),
        ("1 Ceres", "CERES", True),
        ("67P", "67P-CHURYUMOV", True),
        ("C/2017 K2", "C-2017-K2", True),
        ("C/2017 K2", "C-2017-K21X", False),
    ],
)
def test_a_name_must_be_a_word_of_the_target_name(name: str, target: str, same: bool) -> None:
    """Other words may follow, but longer words do not match; MAST's pattern finds all of them."""
    assert is_named(name, target) is same
    if same:
        assert all(part in target for part in pattern_of(name).upper().split("*"))
