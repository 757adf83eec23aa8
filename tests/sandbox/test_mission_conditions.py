"""The language of mission search conditions, on values and over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.sandbox.archive.mission import MissionColumn, columns
from astroquery_mast.sandbox.archive.search import RowSearch
from astroquery_mast.sandbox.mission_request import MissionError
from astroquery_mast.sandbox.missions import condition

TEXT, NUMBER, DATE, LONG_TEXT, FLAG = columns(
    (name, kind, "", name, "A column") for name, kind in zip(("t", "n", "d", "u", "b"), "sftub", strict=True)
)


def condition_on(column: MissionColumn, value: object) -> Callable[[object], bool]:
    """Return the condition as a test of a single value of the column."""
    clause = condition(column, value)
    return lambda cell: RowSearch([column.name], [(cell,)]).matching(clause) == [0]


@pytest.mark.parametrize(
    ("value", "cell", "passes"),
    [
        ("ACS", "ACS   ", True),
        ("acs", "ACS", True),
        ("AC", "ACS", False),
        ("STIS,ACS", "ACS", True),
        ("STIS, ACS", "ACS", True),
        ("STIS,COS", "ACS", False),
        ("!COS", "ACS", True),
        ("!ACS", "ACS   ", False),
        ("!ACS,!COS", "COS", False),
        ("!ACS,!COS", "STIS", True),
        ("A*,!ACS", "ACS", False),
        ("A*,!ACS", "AXS", True),
        ("*GAL*", "A galaxy", True),
        ("GAL*", "A galaxy", False),
        ("*", "", True),
        ("!*GAL*", "STAR", True),
        ("F(1)*", "f(1)x", True),
        (">M", "N", True),
        ("A..C", "b", True),
    ],
)
def test_text(value: str, cell: str, passes: bool) -> None:
    """Text comparison ignores case and blanks; stars are wildcards; negations are combined by AND."""
    test = condition_on(TEXT, value)
    assert test(cell) is passes
    assert not test(None)


@pytest.mark.parametrize("value", ["", "  ", ",", " , "])
def test_blank_is_no_condition(value: str) -> None:
    """An empty text matches everything, even null."""
    test = condition_on(TEXT, value)
    assert test("ACS")
    assert test(None)


def test_substring_columns() -> None:
    """A description is found by any part of it."""
    test = condition_on(LONG_TEXT, "spiral")
    assert test("GALAXY;SPIRAL")
    assert not test("STAR")


@given(low=st.floats(-1e6, 1e6), high=st.floats(-1e6, 1e6), cell=st.floats(-1e6, 1e6) | st.integers(-1000, 1000))
def test_numbers(low: float, high: float, cell: float) -> None:
    """Ranges include their limits; comparisons are numeric."""
    expected = {
        f"{low}..{high}": low <= cell <= high,
        f">{low}": cell > low,
        f">={cell}": True,
        f"< {high}": cell < high,
        f"<={high}": cell <= high,
        f"{cell}": True,
        f"!{low}": cell != low,
        f"<{low},>{high}": cell < low or cell > high,
    }
    for value, passes in expected.items():
        test = condition_on(NUMBER, value)
        assert test(cell) is passes, value
    test = condition_on(NUMBER, cell)
    assert test(cell)


@pytest.mark.parametrize("value", ["long", "1..", "..", "nan", ">", "1...5x", "inf", "*", True, None, [1], {"a": 1}])
def test_invalid_numbers(value: object) -> None:
    """A numeric column refuses text that is not a number."""
    with pytest.raises(MissionError):
        condition(NUMBER, value)


@pytest.mark.parametrize(
    ("value", "passes"),
    [
        ("2012", True),
        ("2012-05", True),
        ("2012-06", False),
        ("2012-05-06", True),
        ("2012-05-06 07:08", True),
        ("<2012", False),
        (">2012", True),
        (">2012-05-06T07:08:09.5", False),
        (">=2012-05-06T07:08:09.5", True),
        ("<=2012-05-06", False),
        ("2012..2013", True),
        ("2012-05-06..2012-05-07", True),
        ("2011..2012", False),
        ("!2012", False),
    ],
)
def test_dates(value: str, passes: bool) -> None:
    """A date alone matches the entire period; in comparisons it is its start."""
    test = condition_on(DATE, value)
    assert test("2012-05-06T07:08:09.500000") is passes


@pytest.mark.parametrize("value", ["2012-13", "yesterday", "<20", "2012-02-30", ">2012*"])
def test_invalid_dates(value: str) -> None:
    """A date column refuses text that is not a date."""
    with pytest.raises(MissionError):
        condition(DATE, value)


@pytest.mark.parametrize("value", ["1", 1, "true", True])
def test_flags(value: object) -> None:
    """Flags can be given as numbers or words."""
    test = condition_on(FLAG, value)
    assert test(1)
    assert not test(0)
