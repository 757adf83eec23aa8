"""Criteria of mission searches: their conversion to conditions, and the values that are rejected."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import MastMissions
from astroquery_mast.exceptions import InputWarning, InvalidQueryError, NoResultsWarning
from astroquery_mast.missions.conditions import build_conditions
from astroquery_mast.missions.search import columns_of_mission
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.tables.columns import Column, Columns

ROMAN = {name: Column(name, type_name="integer") for name in ("pass", "program")}


@pytest.fixture
def hst(recorded: Callable[[str], bytes]) -> Columns:
    return columns_of_mission(json.loads(recorded("mission_columns.json")), "hst")


def test_times_in_columns_of_numbers_are_modified_julian_dates() -> None:
    """Times are sent as MJD to columns of MJD, even if only the name of the column shows that it holds MJD."""
    known = columns_of_mission(
        [{"column_name": "date_obs_mjd", "qual_type": "float", "description": "", "queryable": "yes"}], "jwst"
    )
    criteria = {"date_obs_mjd": (Time(59000, format="mjd"), None)}
    assert build_conditions(criteria, known) == build_conditions(criteria, {}) == [{"date_obs_mjd": ">=59000.0"}]


def test_a_column_named_like_a_python_keyword() -> None:
    """`pass_id` is sent as `pass`, whether or not the columns are known."""
    assert build_conditions({"pass_id": 3}, ROMAN) == [{"pass": 3}]
    assert build_conditions({"pass_id": 3}, {}) == [{"pass": 3}]
    own = {**ROMAN, "pass_id": Column("pass_id", type_name="integer")}
    assert build_conditions({"pass_id": 3}, own) == [{"pass_id": 3}]


def test_without_the_list_of_columns_values_are_sent_as_they_are() -> None:
    """Without the list of columns, values are sent unchecked."""
    criteria = {
        "anything": "abc",
        "truth": True,
        "range": (1, 2),
        "texts": ("a", "b"),
        "since": (date(2020, 1, 1), None),
    }
    assert build_conditions(criteria, {}) == [
        {"anything": "abc"},
        {"truth": True},
        {"range": "1..2"},
        {"texts": "a,b"},
        {"since": ">=2020-01-01"},
    ]


# -- right ascensions, exact values, commas ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pair"),
    [("350..10", (350, 10)), ("-10..10", (-10, 10)), ("350..370", (350, 370)), ("23 20 00..00 40 00", (350, 10))],
)
def test_a_text_range_across_0h_is_equal_to_the_tuple(
    mast_sandbox: Sandbox, text: str, pair: tuple[float, float]
) -> None:
    """A range across 0h returns the rows on both sides, as text and as a tuple."""
    search = MastMissions(mission="hst").query_criteria
    sides = [search(sci_ra=side, count_only=True) for side in ((pair[0] % 360, 360), (0, pair[1] % 360))]
    assert search(sci_ra=text, count_only=True) == search(sci_ra=pair, count_only=True) == sum(sides) > 0
    everything = search(sci_ra=(0, 360), count_only=True)
    assert search(sci_ra=f"!{text}", count_only=True) == everything - sum(sides)


@pytest.mark.parametrize(
    ("name", "values", "shown"),
    [
        (
            "sci_start_time",
            [Time("2005-01-01"), datetime(2006, 1, 1, tzinfo=UTC)],
            "2005-01-01T00:00:00 or 2006-01-01T",
        ),
        ("sci_actual_duration", [5, 10.0], "5 or 10.0"),
        ("sci_actual_duration", [5 * u.min, 10 * u.min], "300.0 or 600.0"),
        ("sci_ra", np.array([1.5, 2.5, 3.5]), "1.5 or 2.5 or 3.5"),
    ],
    ids=str,
)
def test_a_list_of_exact_values_of_a_continuous_column_warns(hst: Columns, name: str, values: Any, shown: str) -> None:
    """The warning explains how to write a range."""
    with pytest.warns(InputWarning, match=rf"{name} is continuous, .*exactly {shown}.*\(minimum, maximum\)"):
        build_conditions({name: values}, hst)


def test_a_pi_name_with_a_comma_matches(mast_sandbox: Sandbox) -> None:
    """A value with a comma that is copied from a table matches its rows, as text and in a list."""
    search = MastMissions(mission="jwst").query_criteria
    name = search(program=1039)["pi_name"][0]
    assert "," in name
    expected = search(pi_name=f"{name.split(',')[0]}*", count_only=True)
    assert search(pi_name=name, count_only=True) == search(pi_name=[name], count_only=True) == expected > 0
    everyone = search(pi_name="*", count_only=True)
    assert search(pi_name=f"!{name}", count_only=True) == everyone - expected


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("Last, First", "Last,First,Last*First"),
        ("Last", "Last"),
        (["Last, First", "Other, Name"], "Last*First,Other*Name"),
        (["Last, First"], "Last*First"),
        ("!Last, First", "!Last*First"),
        ("!Last, !Other", "!Last,!Other"),
        ("Last*, Other*", "Last*,Other*,Last**Other*"),
    ],
    ids=str,
)
def test_a_comma_in_a_column_whose_values_have_commas(value: Any, sent: str) -> None:
    """In text, a comma may separate values or belong to one value; in a list it belongs to the value."""
    columns = {"pi_name": Column("pi_name", type_name="string")}
    assert (
        build_conditions({"pi_name": value}, columns) == build_conditions({"pi_name": value}, {}) == [{"pi_name": sent}]
    )
    with pytest.raises(InvalidQueryError, match="comma separates"):
        build_conditions({"pi_name": ["!A, !B"]}, columns)
    numbers = {"productLevel": Column("productLevel", type_name="integer")}
    assert build_conditions({"productLevel": "1, 2"}, numbers) == [{"productLevel": "1,2"}]


def test_an_empty_result_for_a_text_with_a_comma_explains_it(mast_sandbox: Sandbox) -> None:
    """The warning lists the separate values and suggests a wildcard for the comma, but not for lists and numbers."""
    search = MastMissions(mission="hst").query_criteria
    expected = (
        r"sci_targname='NGC 5194, M 51' is interpreted as the values 'NGC 5194' and 'M 51'\. .*: 'NGC 5194\*M 51'\.$"
    )
    with pytest.warns(NoResultsWarning, match=expected):
        assert len(search(sci_targname="NGC 5194, M 51", sci_pep_id="1, 2", sci_start_time="1970, 1971")) == 0
    with pytest.warns(NoResultsWarning, match=r"returned no results\.$"):
        assert len(search(sci_targname=["NGC 5194", "M 51"])) == 0


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**19), 10**19)
    | st.floats()
    | st.text(max_size=6)
    | st.dates(date(1975, 1, 1), date(2020, 1, 1))
    | st.just(np.ma.masked),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=5,
)


@given(kind=st.sampled_from(["string", "substring", "integer", "float", "ra", "datetime", "boolean", ""]), value=VALUES)
def test_any_value_is_sent_as_plain_json_or_refused(kind: str, value: Any) -> None:
    """Any value becomes text, a finite number or a boolean, or raises an error that names the column."""
    columns = {"c": Column("c", type_name=kind)} if kind else {}
    try:
        conditions = build_conditions({"c": value}, columns)
    except InvalidQueryError as err:
        assert "'c'" in str(err)
        return
    sent = json.loads(json.dumps(conditions, allow_nan=False))[0]["c"]
    assert isinstance(sent, str | int | float | bool)
    assert sent != ""


@given(low=st.floats(-1e9, 1e9), high=st.floats(-1e9, 1e9))
def test_a_range_is_written_with_all_its_digits(low: float, high: float) -> None:
    """The ends of a range can be read back without loss."""
    low, high = sorted((low, high))
    (condition,) = build_conditions({"c": (low, high)}, {"c": Column("c", type_name="float")})
    assert [float(end) for end in str(condition["c"]).split("..")] == [low, high]
