"""Criteria on observations: comparisons as for catalogs, and nothing sent that the archive cannot compare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.time import Time

from astroquery_mast import Observations
from astroquery_mast.exceptions import InputWarning, InvalidCriterionError
from astroquery_mast.query.filters import OPEN_END, observation_criteria
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.tables.columns import snapshot

COLUMNS = snapshot()["Mast.Caom.Cone"]


def values_of(name: str, value: Any) -> Any:
    """Return the values of the one filter for a keyword."""
    (entry,) = observation_criteria({name: value}, COLUMNS).payload()
    return entry.get("freeText", entry["values"])


def between(low: float, high: float) -> list[dict[str, float]]:
    """Return one range as the archive takes it."""
    return [{"min": low, "max": high}]


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("calib_level", ">=2", between(2, OPEN_END)),
        ("calib_level", " > 2 ", between(3, OPEN_END)),
        ("calib_level", "<3", between(-OPEN_END, 2)),
        ("calib_level", "2..3", between(2, 3)),
        ("calib_level", "2..", between(2, OPEN_END)),
        ("calib_level", ("gte", 2), between(2, OPEN_END)),
        ("calib_level", [("gte", 2), ("lt", 5)], between(2, 4)),
        ("calib_level", (2, None), between(2, OPEN_END)),
        ("calib_level", ("eq", 2), ["2"]),
        ("t_exptime", ">=1000", between(1000, OPEN_END)),
        ("t_exptime", [[1, 2], ("10", None)], [*between(1, 2), *between(10, OPEN_END)]),
        ("t_exptime", {"min": 5, "max": np.inf}, between(5, OPEN_END)),
        ("t_min", ">=2022-01-01", between(59580, OPEN_END)),
        ("t_min", (None, Time("2022-01-01")), between(-OPEN_END, 59580)),
        ("target_name", ">=2", [">=2"]),
        ("target_name", ("gte", "2"), ["gte", "2"]),
    ],
    ids=repr,
)
def test_columns_of_numbers_take_comparisons(name: str, value: Any, sent: Any) -> None:
    """They become ranges; text is what it is where the column holds text."""
    assert values_of(name, value) == sent


@pytest.mark.parametrize(
    ("value", "sent"),
    [("2.0", ["2"]), (" 2", ["2"]), (b"+2", ["2"]), (["2", 3.0], ["2", "3"]), ("%200%", "%200%"), ("2*", "2%")],
    ids=repr,
)
def test_whole_numbers_may_be_written_as_text(value: Any, sent: Any) -> None:
    """Whatever the spelling, they are sent as digits; wildcards stay wildcards."""
    assert values_of("obsid", value) == sent
    assert values_of("obsid", str(2**63 - 1)) == [str(2**63 - 1)]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("calib_level", "two", "'two' is not one"),
        ("calib_level", "2.5", "integers"),
        ("calib_level", "", "integers"),
        ("calib_level", ["2", "x"], "'x' is not one"),
        ("calib_level", ["2", ">=3"], "comparisons in a list"),
        ("obsid", "abc", "integers"),
        ("sequence_number", "inf", "integers"),
    ],
)
def test_text_that_is_no_whole_number_is_not_sent(mast_sandbox: Sandbox, name: str, value: Any, says: str) -> None:
    """The archive would answer with an error of its database."""
    with pytest.raises(InvalidCriterionError, match=says):
        Observations.query_criteria_count(obs_collection="HST", **{name: value})
    assert len(mast_sandbox.requests) == 0


def test_a_comparison_counts_what_its_values_count(mast_sandbox: Sandbox) -> None:
    """The archive applies the range to whole numbers."""
    count = Observations.query_criteria_count
    assert count(obs_collection="HST", calib_level=">=2") == count(obs_collection="HST", calib_level=[2, 3, 4])


def test_the_portals_own_column_is_no_criterion(mast_sandbox: Sandbox) -> None:
    """It is not offered, and not sent."""
    with pytest.raises(InvalidCriterionError, match="'_selected_' does not exist") as caught:
        Observations.query_criteria_count(_selected_=True)
    assert "_selected_" not in str(caught.value).partition("exist.")[2]
    assert mast_sandbox.requests.of("invoke") == []


def test_a_year_as_text_is_told_from_a_day() -> None:
    """It is a number, and a Modified Julian Date, which is hardly meant."""
    with pytest.warns(InputWarning, match=r"t_min: 2022 .* 1864; for the year write '2022-01-01'"):
        assert values_of("t_min", ["2022", "59000"]) == between(2022, 59000)
    assert values_of("t_min", ["59000", "2022-01-01"]) == between(59000, 59580)
    assert values_of("t_exptime", ["2000", "2022"]) == between(2000, 2022)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mission", "obs_collection"),
        ("telescope", "obs_collection"),
        ("instrument", "instrument_name"),
        ("filter", "filters"),
        ("exptime", "t_exptime"),
        ("pi", "proposal_pi"),
        ("program", "proposal_id"),
        ("target", "target_name"),
    ],
)
def test_words_of_other_archives_find_the_column(mast_sandbox: Sandbox, name: str, meant: str) -> None:
    """A usual word for a column is answered with the column."""
    with pytest.raises(InvalidCriterionError, match=rf"Filter '{name}' does not exist\. Did you mean '{meant}'"):
        Observations.query_criteria(**{name: "x"})


@pytest.mark.parametrize("name", ["ra", "dec", "coord"])
def test_a_position_is_no_criterion(mast_sandbox: Sandbox, name: str) -> None:
    """Who looks for a column of positions is told the arguments."""
    with pytest.raises(InvalidCriterionError, match=rf"Filter '{name}' does not exist\. Give the position as coord"):
        Observations.query_criteria(obs_collection="HST", **{name: 202.4})
