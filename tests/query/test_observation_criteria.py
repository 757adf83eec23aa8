"""Criteria on observations: the names of their columns, and only values that MAST can compare."""

from __future__ import annotations

import fnmatch
from typing import Any

import pytest
from astropy import units as u
from astropy.table import Column as TableColumn
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import Observations
from astroquery_mast.exceptions import InputWarning, InvalidCriterionError
from astroquery_mast.products.filters import cells_of, condition_mask, read_filter
from astroquery_mast.query.filters import OPEN_END, Criteria, mashup_criteria
from astroquery_mast.query.values import wildcard_test
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.tables.columns import columns_of, find_column, snapshot

COLUMNS = {**snapshot()["Mast.Caom.Cone"], **columns_of({"secret": {"type": "string", "remove": True}})}
NUMBERS = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)
PLAIN_TEXT = st.text(st.characters(exclude_characters="*%"), min_size=1, max_size=6)


def payload(**criteria: Any) -> list[dict[str, Any]]:
    """Return the filters of the request for keywords."""
    return mashup_criteria(criteria, COLUMNS).payload()


def values_of(name: str, value: Any) -> Any:
    """Return the values of the only filter for a keyword."""
    (entry,) = payload(**{name: value})
    return entry.get("freeText", entry["values"])


def between(low: float, high: float) -> list[dict[str, float]]:
    """Return one range in MAST's format."""
    return [{"min": low, "max": high}]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("calib_level", "two", "got 'two'"),
        ("calib_level", ["2", "x"], "got 'x'"),
        ("obsid", "abc", "integer"),
        ("sequence_number", "inf", "integer"),
    ],
)
def test_text_that_is_not_an_integer_is_not_sent(mast_sandbox: Sandbox, name: str, value: Any, says: str) -> None:
    """MAST's database would return an error."""
    with pytest.raises(InvalidCriterionError, match=says):
        Observations.query_criteria_count(obs_collection="HST", **{name: value})
    assert len(mast_sandbox.requests) == 0


def test_a_comparison_matches_the_same_rows_as_its_values(mast_sandbox: Sandbox) -> None:
    """MAST applies the range to integers."""
    count = Observations.query_criteria_count
    assert count(obs_collection="HST", calib_level=">=2") == count(obs_collection="HST", calib_level=[2, 3, 4])


def test_the_portals_own_column_is_not_a_criterion(mast_sandbox: Sandbox) -> None:
    """The column is neither listed nor sent."""
    with pytest.raises(InvalidCriterionError, match="'_selected_' does not exist") as caught:
        Observations.query_criteria_count(_selected_=True)
    assert "_selected_" not in str(caught.value).partition("exist.")[2]
    assert mast_sandbox.requests.of("invoke") == []


def test_a_year_as_text_warns() -> None:
    """A year is a number, and would be read as a Modified Julian Date, which is hardly intended."""
    with pytest.warns(InputWarning, match="t_min=2022 .*For the year, use '2022-01-01'"):
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
def test_names_of_other_archives_suggest_the_column(mast_sandbox: Sandbox, name: str, meant: str) -> None:
    """The error for a common name of a column suggests the column."""
    with pytest.raises(InvalidCriterionError, match=rf"Filter '{name}' does not exist\. Did you mean '{meant}'"):
        Observations.query_criteria(**{name: "x"})


@pytest.mark.parametrize("name", ["ra", "dec", "coord"])
def test_a_position_is_not_a_criterion(mast_sandbox: Sandbox, name: str) -> None:
    """The error for a position column suggests the arguments for positions."""
    with pytest.raises(
        InvalidCriterionError, match=rf"Filter '{name}' does not exist\. To search by position, use coord"
    ):
        Observations.query_criteria(obs_collection="HST", **{name: 202.4})


def test_columns_with_several_values_have_a_separator() -> None:
    """The filter of a column with several values in a cell has a separator; other filters do not."""
    assert payload(filters=["NUV", "FUV"], obs_id="a") == [
        {"paramName": "filters", "separator": ";", "values": ["NUV", "FUV"]},
        {"paramName": "obs_id", "values": ["a"]},
    ]


@pytest.mark.parametrize(
    ("name", "says"),
    [("obs_colection", "Did you mean 'obs_collection'?"), ("qqqq", "Available: intentType"), ("secret", "not exist")],
)
def test_an_unknown_column_raises_with_similar_names(name: str, says: str) -> None:
    """The error for a missing or hidden column lists similar columns."""
    with pytest.raises(InvalidCriterionError, match=f"Filter '{name}' does not exist") as caught:
        payload(**{name: "x"})
    assert says in str(caught.value)


def test_column_is_found_in_any_case() -> None:
    """The exact spelling is preferred, then any case."""
    columns = columns_of({"ID": {}, "id": {}, "Tmag": {}})
    assert [find_column(name, columns) for name in ("id", "ID", "tMAG", "x")] == [
        columns["id"],
        columns["ID"],
        columns["Tmag"],
        None,
    ]


def test_no_criteria_give_no_filters() -> None:
    """No criteria give no filters; the query itself raises the error for that."""
    assert mashup_criteria({}, COLUMNS) == Criteria()
    assert Criteria().payload() == []


@given(
    texts=st.lists(PLAIN_TEXT, min_size=1, max_size=4),
    whole=st.lists(st.integers(-(2**63), 2**63), min_size=1, max_size=4),
    ends=st.tuples(NUMBERS, NUMBERS).map(sorted),
)
def test_accepted_criteria_are_in_the_payload(texts: list[str], whole: list[int], ends: list[float]) -> None:
    """Every criterion has its filter with every value, and no filter is lost or added."""
    found = payload(obs_id=texts, calib_level=whole, t_exptime=ends)
    assert [entry["paramName"] for entry in found] == ["obs_id", "calib_level", "t_exptime"]
    assert found[0]["values"] == list(dict.fromkeys(texts))
    assert found[1]["values"] == [str(number) for number in dict.fromkeys(whole)]
    assert found[2]["values"] == between(*ends)


@given(st.text(alphabet="ab*", max_size=8), st.text(alphabet="ab", max_size=10))
def test_wildcards_match_as_shells_match(pattern: str, text: str) -> None:
    """A pattern matches the same text as `fnmatch`."""
    assert wildcard_test(pattern)(text) == fnmatch.fnmatchcase(text, pattern)


def test_many_wildcards_are_fast() -> None:
    """A pattern that would take regular expressions minutes is fast, also in a local filter."""
    assert not wildcard_test("*a" * 40 + "*b")("a" * 100_000)
    cells = cells_of("obs_id", TableColumn(["a" * 1000]))
    assert not condition_mask(read_filter("*a" * 40 + "*b", cells), cells).any()


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (["V* EV Lac", "V* XX Cha"], ["V* EV Lac", "V* XX Cha"]),
        ("* alf Cen", ["* alf Cen"]),
        ("** STF 60", ["** STF 60"]),
        ("V* EV*", "V% EV%"),
        ("M51*", "M51%"),
    ],
)
def test_the_asterisk_of_a_star_is_not_a_wildcard(value: Any, sent: Any) -> None:
    """Names in SIMBAD's format are names, also if there are several; a later asterisk is a wildcard."""
    assert values_of("target_name", value) == sent


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ([1, 2] * u.eV, 619.920992, 1239.841984),
        ([(1 * u.eV), (2 * u.eV)], 619.920992, 1239.841984),
        ([100 * u.GHz, None], -OPEN_END, 2997924.58),
        ([None, 100 * u.GHz], 2997924.58, OPEN_END),
        (("gte", 1 * u.eV), -OPEN_END, 1239.841984),
        ([("gte", 1 * u.eV), ("lte", 2 * u.eV)], 619.920992, 1239.841984),
        ({"max": 1e4 / u.cm}, 1000, OPEN_END),
        ([0 * u.eV, 1 * u.eV], 1239.841984, OPEN_END),
        ([500 * u.nm, 1 * u.eV], 500, 1239.841984),
    ],
    ids=repr,
)
def test_wavelengths_accept_frequencies_and_energies(value: Any, low: float, high: float) -> None:
    """A lower end for frequencies is an upper end for wavelengths."""
    (found,) = values_of("em_min", value)
    assert (found["min"], found["max"]) == pytest.approx((low, high), rel=1e-8)


def test_only_wavelengths_accept_frequencies() -> None:
    """Only wavelengths accept frequencies, and the error for an empty range of energies shows the user's values."""
    with pytest.raises(
        InvalidCriterionError, match=r"'t_exptime' has the unit s, and 1.0 eV cannot be converted to it"
    ):
        values_of("t_exptime", [1 * u.eV, None])
    with pytest.raises(InvalidCriterionError, match=r"has an empty range: minimum <Quantity 2. eV> > maximum"):
        values_of("em_min", [2 * u.eV, 1 * u.eV])
