"""Words of the command line as criteria: Python values, or text."""

from __future__ import annotations

from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.cli.criteria import parse_value, split_words, target_and_criteria

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda items: st.lists(items, max_size=4) | st.tuples(items, items),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("HST", "HST"),
        ("ACS/*", "ACS/*"),
        ("!EXCLUSIVE_ACCESS", "!EXCLUSIVE_ACCESS"),
        ("3", 3),
        ("-1", -1),
        ("0.5", 0.5),
        ("[2,3]", [2, 3]),
        ("(100, None)", (100, None)),
        ("('2022-07-01', None)", ("2022-07-01", None)),
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("[ACS/WFC,WFC3/UVIS]", ["ACS/WFC", "WFC3/UVIS"]),
        ("[F814W, ]", ["F814W"]),
        ("(2022-07-01, None)", ("2022-07-01", None)),
        ("'3'", "3"),
        ("True", True),
        ("None", None),
        ("", ""),
        ("007", "007"),
        ("1e5", "1e5"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("__import__('os').getcwd()", "__import__('os').getcwd()"),
        ("1+1", "1+1"),
        ("nan", "nan"),
        ("{'a': 1}", "{'a': 1}"),
    ],
)
def test_a_value_is_a_python_literal_or_text(text: str, value: Any) -> None:
    """Names that look like numbers stay text, and quotation marks are optional."""
    parsed = parse_value(text)
    assert (type(parsed), parsed) == (type(value), value)


@given(VALUES.filter(lambda value: isinstance(value, list | tuple) and value))
def test_lists_and_tuples_are_parsed(value: Any) -> None:
    """Lists and tuples of all values are parsed from their repr."""
    assert parse_value(repr(value)) == value


@given(st.text(max_size=40))
def test_every_text_is_a_value_or_a_clear_error(text: str) -> None:
    """Any text gives a value or the error of the command line."""
    try:
        parse_value(text)
    except click.ClickException as err:
        assert "closing" in err.message


def test_a_list_without_a_closing_bracket_raises() -> None:
    """The message names the missing bracket."""
    with pytest.raises(click.ClickException, match=r"closing '\]' is missing"):
        parse_value("[2,3")


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("t_exptime>100", "t_exptime", ">100"),
        ("t_exptime >= 100", "t_exptime", ">=100"),
        ("t_min<2022-07-01", "t_min", "<2022-07-01"),
        ("calib_level<=2", "calib_level", "<=2"),
        ("dataRights!=PUBLIC", "dataRights", "!PUBLIC"),
        ("target_name=a=b", "target_name", "a=b"),
        ("t_exptime=>100", "t_exptime", ">100"),
    ],
)
def test_comparisons_are_criteria(word: str, name: str, value: str) -> None:
    """Comparisons can be written as in Python."""
    assert split_words([word]) == ([], {name: value})


def test_other_words_are_the_target() -> None:
    """Words without an operator are joined, so that names and positions need no quotation marks."""
    assert target_and_criteria(["NGC", "calib_level=3", "1068"]) == ("NGC 1068", {"calib_level": 3})
    assert target_and_criteria([" -41.2"]) == ("-41.2", {})
    assert target_and_criteria([]) == (None, {})


def test_a_repeated_criterion_raises() -> None:
    """Otherwise, the second value would silently replace the first."""
    with pytest.raises(click.ClickException, match="filters is specified twice"):
        split_words(["filters=F814W", "filters=F555W"])


@given(st.lists(st.text(max_size=20), max_size=5))
def test_no_word_is_lost(words: list[str]) -> None:
    """Each word is a criterion or part of the target."""
    try:
        others, criteria = split_words(words)
    except click.ClickException:
        return
    assert len(others) + len(criteria) == len(words)
