"""What may have been meant, when a query finds nothing."""

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


def test_misspelled_value_is_named_with_its_likeness() -> None:
    """A value that the archive does not have is named with the one that is spelled alike."""
    assert hints("obs_collection", "JSWT") == ["No observations have obs_collection='JSWT'; did you mean 'JWST'?"]


def test_part_of_a_value_finds_the_most_frequent_first() -> None:
    """A value that is part of others finds at most four of them, those with most rows first."""
    (sentence,) = hints("INSTRUMENT_NAME", "nircam")
    assert sentence.startswith(
        "No observations have INSTRUMENT_NAME='nircam'; did you mean 'NIRCAM/WFSS', 'NIRCAM/IMAGE', "
    )
    assert sentence.count("NIRCAM") == 4


@pytest.mark.parametrize("value", ["HST", "hst"])
def test_value_that_exists_gives_no_hint(value: str) -> None:
    """Values that the archive has, in any case, are not to blame."""
    assert hints("obs_collection", value) == []


def test_columns_of_several_values_are_taken_apart() -> None:
    """A value among several in a cell exists; one that is like it is found."""
    assert hints("filters", "F606W", "NUV", separator=";") == []
    assert hints("filters", "F607W", separator=";") == ["No observations have filters='F607W'; did you mean 'F606W'?"]


@pytest.mark.parametrize("value", ["", "  "])
def test_empty_text_gives_no_hint(value: str) -> None:
    """Empty text gives no sentence instead of any four values."""
    assert hints("obs_collection", value) == []


def test_a_value_like_no_other_lists_those_there_are() -> None:
    """Few values are listed; for many there is `list_values`."""
    assert hints("obs_collection", "qqqqqq") == [
        "No observations have obs_collection='qqqqqq'; the values are 'HLSP', 'HST', 'JWST', 'TESS'."
    ]
    many = {"filters": {f"F{number}": 1 for number in range(40)}}
    (sentence,) = suggestions(Criteria((Filter("filters", values=("qqqqqq",)),)), many)
    assert sentence == "No observations have filters='qqqqqq'; list_values('filters') shows the values."


@pytest.mark.parametrize(("word", "name"), [("Hubble", "HST"), ("HUBBLE", "HST"), ("webb", "JWST")])
def test_missions_are_known_by_what_they_are_called(word: str, name: str) -> None:
    """The name of the telescope finds the name of the collection."""
    (sentence,) = hints("obs_collection", word)
    assert sentence.startswith(f"No observations have obs_collection='{word}'; did you mean '{name}'")


def test_values_that_exist_but_not_together_are_told_apart() -> None:
    """If every value exists the numbers of each are told, so that it is seen which of them to leave out."""
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
    """A value in a form that this column never has is told how it is written."""
    (sentence,) = hints(column, value)
    assert words in sentence
    assert hints("proposal_id", "99999") == []


def test_unknown_columns_and_other_filters_give_no_hint() -> None:
    """Ranges, patterns and columns that the archive does not count are passed over."""
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
def test_hints_name_only_what_the_archive_has(values: list[str], counts: dict[str, int], separator: str) -> None:
    """Any values and counts give at most a sentence for each value, which offers values that exist."""
    each = Filter("x", values=tuple(values), separator=separator)
    found = suggestions(Criteria((each,)), {"X": counts})
    assert len(found) <= len(values)
    assert all(sentence.startswith("No observations have x=") for sentence in found)
    tokens = {token.strip() for value in counts for token in (value.split(separator) if separator else [value])}
    for sentence in found:
        assert any(repr(token) in sentence for token in tokens)
