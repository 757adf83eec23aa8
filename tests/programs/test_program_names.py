"""Programs as numbers, text and rows, and invalid ones."""

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
def test_programs_are_read_in_common_spellings(given_as: Any) -> None:
    """All of these are program 1783 of JWST."""
    assert as_program(given_as) == ProgramId("JWST", 1783)


@pytest.mark.parametrize("given_as", ["HST 10452", "HST-GO-10452", "hst 010452", "HST10452"])
def test_programs_of_hst(given_as: str) -> None:
    """The mission in the text is used."""
    assert as_program(given_as) == ProgramId("HST", 10452)


def test_the_mission_may_be_an_argument() -> None:
    """A number alone is a program of JWST, unless mission is given."""
    assert as_program(10452, "hst") == ProgramId("HST", 10452)
    with pytest.raises(InvalidArgumentError, match="is a program of JWST, which contradicts mission='HST'"):
        as_program("JWST 1783", "HST")
    with pytest.raises(InvalidArgumentError, match="mission must be 'JWST' or 'HST', got 'TESS'"):
        as_program(1783, "TESS")


@pytest.mark.parametrize(
    "wrong", ["", "0", "M51", "GO", "17-83", "1234567", "GO-1783-12", None, 1783.5, True, -3, [1783], 0, np.ma.masked]
)
def test_invalid_programs_raise(wrong: Any) -> None:
    """No program is guessed."""
    with pytest.raises(InvalidArgumentError, match=r"^program(=| must be)"):
        as_program(wrong)


def test_a_row_has_a_program_and_a_mission() -> None:
    """Rows of observations and of visits have a program."""
    table = Table({"proposal_id": ["1783", "10452"], "obs_collection": ["JWST", "HST"]})
    assert [as_program(row) for row in table] == [ProgramId("JWST", 1783), ProgramId("HST", 10452)]
    assert as_program(Table({"program": [1783]})[0]) == ProgramId("JWST", 1783)
    with pytest.raises(InvalidArgumentError, match="is a row of HST, which contradicts mission='JWST'"):
        as_program(table[1], "JWST")


def test_a_row_without_a_program_raises() -> None:
    """A masked program, a missing column, and other missions have no page."""
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
def test_the_number_is_found_after_any_prefix(number: int, mission: str, kind: str, between: str, zeros: int) -> None:
    """Mission, type and number in any combination are read."""
    text = between.join(filter(None, [mission, kind, "0" * zeros + str(number)]))
    assert as_program(text) == ProgramId(mission.upper() or "JWST", number)


@given(st.text(max_size=20))
def test_any_text_is_a_program_or_raises(text: str) -> None:
    """No string raises another exception."""
    try:
        found = as_program(text)
    except InvalidArgumentError:
        return
    assert str(found.number) in text or found.number > 0
