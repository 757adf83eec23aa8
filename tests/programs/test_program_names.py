"""Which program is meant: numbers, texts, rows, and what is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidArgumentError
from astroquery_mast.programs.program import ProgramId, as_program


@pytest.mark.parametrize(
    "given_as",
    [
        1783,
        np.int64(1783),
        np.str_("1783"),
        "1783",
        "01783",
        " 1783 ",
        "JWST 1783",
        "jwst-1783",
        "GO-1783",
        "GO 1783",
        "GO1783",
        "JWST-GO-1783",
        "JWST GO 1783",
        "GTO/WTS 1783",
        "Program 1783",
        b"GO-1783",
        "jw01783001001_03101_00001_nrca1",
        "jw01783-o001_t001_nircam_clear-f115w",
        "jw01783",
    ],
)
def test_a_program_is_known_in_the_forms_in_which_people_write_it(given_as: Any) -> None:
    """All of these are program 1783 of JWST."""
    assert as_program(given_as) == ProgramId("JWST", 1783)


@pytest.mark.parametrize("given_as", ["HST 10452", "HST-GO-10452", "hst 010452", "HST10452"])
def test_a_program_of_hst_says_so(given_as: str) -> None:
    """The mission that is named counts."""
    assert as_program(given_as) == ProgramId("HST", 10452)


def test_the_mission_may_be_told_apart_from_the_number() -> None:
    """A number alone is a program of JWST, unless mission says otherwise."""
    assert as_program(10452, "hst") == ProgramId("HST", 10452)
    with pytest.raises(InvalidArgumentError, match="is a program of JWST, which contradicts mission='HST'"):
        as_program("JWST 1783", "HST")
    with pytest.raises(InvalidArgumentError, match="mission must be 'JWST' or 'HST', got 'TESS'"):
        as_program(1783, "TESS")


@pytest.mark.parametrize(
    "wrong", ["", "0", "M51", "GO", "17-83", "1234567", "GO-1783-12", None, 1783.5, True, -3, [1783], 0, np.ma.masked]
)
def test_what_is_no_program_is_refused(wrong: Any) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidArgumentError, match=r"^program(=| must be)"):
        as_program(wrong)


def test_a_row_tells_its_program_and_mission() -> None:
    """Rows of observations and of visits have a program."""
    table = Table({"proposal_id": ["1783", "10452"], "obs_collection": ["JWST", "HST"]})
    assert [as_program(row) for row in table] == [ProgramId("JWST", 1783), ProgramId("HST", 10452)]
    assert as_program(Table({"program": [1783]})[0]) == ProgramId("JWST", 1783)
    with pytest.raises(InvalidArgumentError, match="is a row of HST, which contradicts mission='JWST'"):
        as_program(table[1], "JWST")


def test_a_row_without_a_program_is_refused() -> None:
    """A masked program, no column, and other missions have no page."""
    masked = Table({"proposal_id": ["1783"]}, masked=True)
    masked["proposal_id"].mask = True
    for row in (masked[0], Table({"obs_id": ["x"]})[0]):
        with pytest.raises(InvalidArgumentError, match="without a program"):
            as_program(row)
    with pytest.raises(InvalidArgumentError, match="a row of TESS"):
        as_program(Table({"proposal_id": ["1"], "obs_collection": ["TESS"]})[0])


@given(
    st.integers(1, 999_999),
    st.sampled_from(["", "JWST", "jwst", "HST"]),
    st.sampled_from(["", "GO", "DD", "SM4/ERO", "Cal"]),
    st.sampled_from([" ", "-", "  ", "_"]),
    st.integers(0, 3),
)
def test_whatever_stands_before_it_the_number_is_found(
    number: int, mission: str, kind: str, between: str, zeros: int
) -> None:
    """Mission, kind and number in any combination are read back."""
    text = between.join(filter(None, [mission, kind, "0" * zeros + str(number)]))
    assert as_program(text) == ProgramId(mission.upper() or "JWST", number)


@given(st.text(max_size=20))
def test_any_text_is_a_program_or_refused(text: str) -> None:
    """No text leads to another error."""
    try:
        found = as_program(text)
    except InvalidArgumentError:
        return
    assert str(found.number) in text or found.number > 0
