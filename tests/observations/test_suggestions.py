"""Suggestions for queries without results."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.observations.suggestions import suggestions
from astroquery_mast.query.filters import Criteria, Filter

VALUES = {
    "obs_collection": {"HST": 10, "JWST": 5, "TESS": 7, "HLSP": 1},
    "instrument_name": {"NIRCAM/IMAGE": 5, "NIRCAM/WFSS": 9, "NIRCAM/TSO": 1, "NIRCAM/X": 2, "NIRCAM/Y": 3},
    "filters": {"F814W;F606W": 3, " NUV ": 1, "": 4},
}


def hints(column: str, *values: str, separator: str = "") -> list[str]:
    """Return the sentences for one filter."""
    return suggestions(Criteria((Filter(column, values=values, separator=separator),)), VALUES)


def test_a_misspelled_value_suggests_a_similar_one() -> None:
    """A value that MAST does not have is named with a similarly spelled one."""
    assert hints("obs_collection", "JSWT") == ["No observations have obs_collection='JSWT'; did you mean 'JWST'?"]


def test_part_of_a_value_finds_the_most_frequent_first() -> None:
    """Part of a value suggests up to four values that contain it, most frequent first."""
    (sentence,) = hints("INSTRUMENT_NAME", "nircam")
    assert sentence.startswith(
        "No observations have INSTRUMENT_NAME='nircam'; did you mean 'NIRCAM/WFSS', 'NIRCAM/IMAGE', "
    )
    assert sentence.count("NIRCAM") == 4


@pytest.mark.parametrize("value", ["HST", "hst"])
def test_value_that_exists_gives_no_hint(value: str) -> None:
    """Existing values, in any case, give no hint."""
    assert hints("obs_collection", value) == []


def test_cells_with_several_values_are_split() -> None:
    """Each value in a cell with several values counts as existing."""
    assert hints("filters", "F606W", "NUV", separator=";") == []
    assert hints("filters", "F607W", separator=";") == ["No observations have filters='F607W'; did you mean 'F606W'?"]


@pytest.mark.parametrize("value", ["", "  "])
def test_empty_text_gives_no_hint(value: str) -> None:
    """Empty text gives no hint."""
    assert hints("obs_collection", value) == []


def test_a_value_without_similar_ones_lists_all() -> None:
    """A value without similar ones lists all values if they are few, and mentions `list_values` otherwise."""
    assert hints("obs_collection", "qqqqqq") == [
        "No observations have obs_collection='qqqqqq'; the values are 'HLSP', 'HST', 'JWST', 'TESS'."
    ]
    many = {"filters": {f"F{number}": 1 for number in range(40)}}
    (sentence,) = suggestions(Criteria((Filter("filters", values=("qqqqqq",)),)), many)
    assert sentence == "No observations have filters='qqqqqq'; list_values('filters') shows the values."


@pytest.mark.parametrize(("word", "name"), [("Hubble", "HST"), ("HUBBLE", "HST"), ("webb", "JWST")])
def test_common_names_of_missions_suggest_their_collection(word: str, name: str) -> None:
    """The common name of a mission suggests its collection."""
    (sentence,) = hints("obs_collection", word)
    assert sentence.startswith(f"No observations have obs_collection='{word}'; did you mean '{name}'")


def test_values_that_do_not_occur_together_give_their_counts() -> None:
    """If all values exist but not together, the hint gives the number of observations with each."""
    criteria = Criteria((Filter("obs_collection", values=("HST",)), Filter("instrument_name", values=("NIRCAM/X",))))
    assert suggestions(criteria, VALUES) == [
        "Each criterion alone matches observations (obs_collection=HST has 10, instrument_name=NIRCAM/X has 2), "
        "but all together match none."
    ]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("target_name", "Messier 51", "To search by position, use object_name"),
        ("proposal_id", "GO-10452", "a number such as '10452'"),
    ],
)
def test_columns_that_are_often_misunderstood_are_explained(column: str, value: str, words: str) -> None:
    """A value in a form that its column never has gives a hint on the right form."""
    (sentence,) = hints(column, value)
    assert words in sentence
    assert hints("proposal_id", "99999") == []


def test_unknown_columns_and_other_filters_give_no_hint() -> None:
    """Ranges, patterns and columns without listed values give no hint."""
    criteria = Criteria(
        (
            Filter("t_min", ranges=((1.0, 2.0),)),
            Filter("obs_collection", free_text="JSWT%"),
            Filter("obs_id", values=("JSWT",)),
        )
    )
    assert suggestions(criteria, VALUES) == []


@given(
    values=st.lists(st.text(max_size=5), max_size=4),
    counts=st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=6),
    separator=st.sampled_from(["", ";", "||"]),
)
def test_hints_only_suggest_existing_values(values: list[str], counts: dict[str, int], separator: str) -> None:
    """Any values and counts give at most one sentence per value, with values that exist."""
    each = Filter("x", values=tuple(values), separator=separator)
    found = suggestions(Criteria((each,)), {"X": counts})
    assert len(found) <= len(values)
    assert all(sentence.startswith("No observations have x=") for sentence in found)
    tokens = {token.strip() for value in counts for token in (value.split(separator) if separator else [value])}
    for sentence in found:
        assert any(repr(token) in sentence for token in tokens)
