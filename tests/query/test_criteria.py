"""Keywords become filters: applied or refused, never dropped."""

from __future__ import annotations

import fnmatch
import json
import math
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Column as TableColumn
from astropy.table import MaskedColumn
from astropy.time import Time, TimeDelta
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InputWarning, InvalidCriterionError, InvalidQueryError
from astroquery_mast.products.filters import cells_of, condition_mask, read_filter
from astroquery_mast.query.conditions import wildcard_test
from astroquery_mast.query.filters import OPEN_END, Criteria, observation_criteria
from astroquery_mast.tables.columns import columns_of, find_column, snapshot

COLUMNS = {
    **snapshot()["Mast.Caom.Cone"],
    **columns_of(
        {
            "rate": {"type": "decimal"},
            "count": {"type": "int", "treatNumeric": True},
            "untyped": {},
            "secret": {"type": "string", "remove": True},
        }
    ),
}
NUMBERS = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)
PLAIN_TEXT = st.text(st.characters(exclude_characters="*%"), min_size=1, max_size=6)


def payload(**criteria: Any) -> list[dict[str, Any]]:
    """Return the filters of the request for those keywords, as JSON would carry them."""
    made: list[dict[str, Any]] = json.loads(
        json.dumps(observation_criteria(criteria, COLUMNS).payload(), allow_nan=False)
    )
    return made


def values_of(name: str, value: Any) -> list[Any]:
    """Return the values of the one filter for a keyword."""
    (entry,) = payload(**{name: value})
    assert entry["paramName"] == name
    values: list[Any] = entry["values"]
    return values


def between(low: float, high: float) -> list[dict[str, float]]:
    """Return one range as the archive takes it."""
    return [{"min": low, "max": high}]


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("obs_collection", "HST", ["HST"]),
        ("obs_collection", ["HST", "JWST", "HST"], ["HST", "JWST"]),
        ("obs_collection", ("HST",), ["HST"]),
        ("obs_collection", {"JWST", "HST"}, ["HST", "JWST"]),
        ("obs_collection", np.array(["HST", "JWST"]), ["HST", "JWST"]),
        ("obs_collection", np.array("HST"), ["HST"]),
        ("obs_id", TableColumn(["a", "b"]), ["a", "b"]),
        ("obs_id", TableColumn([b"a", b"b"]), ["a", "b"]),
        ("obs_id", MaskedColumn(["a", "b"], mask=[False, False]), ["a", "b"]),
        ("obs_id", (name for name in "ab"), ["a", "b"]),
        ("obs_id", b"a", ["a"]),
        ("obs_id", "", [""]),
        ("OBS_ID", "a", ["a"]),
        ("target_name", 141914082, ["141914082"]),
        ("proposal_id", [8880, np.int32(1039), "007"], ["8880", "1039", "007"]),
        ("proposal_id", 8880.0, ["8880"]),
        ("target_name", 1.5, ["1.5"]),
        ("untyped", 1.5, ["1.5"]),
        ("untyped", True, ["True"]),
        ("calib_level", [3], ["3"]),
        ("calib_level", ["2", "3"], ["2", "3"]),
        ("calib_level", np.array([2, 3]), ["2", "3"]),
        ("calib_level", np.array(3), ["3"]),
        ("calib_level", -1, ["-1"]),
        ("obsid", 2**63 - 1, [str(2**63 - 1)]),
        ("calib_level", {"min": 2}, between(2, OPEN_END)),
        ("mtFlag", True, ["True"]),
        ("mtFlag", np.bool_(False), ["False"]),
        ("mtFlag", np.array(True), ["True"]),
        ("mtFlag", ["true", 0, "F"], ["True", "False"]),
    ],
    ids=repr,
)
def test_values_of_discrete_columns_are_sent_as_text(name: str, value: Any, sent: list[Any]) -> None:
    """One value or many, from Python or numpy, are the values of the filter, each once."""
    assert values_of(name, value) == sent


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("t_exptime", [10, 20], between(10, 20)),
        ("t_exptime", (10, 20.5), between(10, 20.5)),
        ("t_exptime", ["10", "1e3"], between(10, 1000)),
        ("t_exptime", [[1, 2], (3, 4)], between(1, 2) + between(3, 4)),
        ("t_exptime", np.array([[1, 2], [3, 4]]), between(1, 2) + between(3, 4)),
        ("t_exptime", {"min": 1, "max": 2}, between(1, 2)),
        ("t_exptime", [{"min": 1, "max": 2}, (5, None)], between(1, 2) + between(5, OPEN_END)),
        ("t_exptime", (None, 5), between(-OPEN_END, 5)),
        ("t_exptime", (5, math.inf), between(5, OPEN_END)),
        ("t_exptime", (-math.inf, 5), between(-OPEN_END, 5)),
        ("t_exptime", {"max": 5}, between(-OPEN_END, 5)),
        ("t_exptime", [0, 0], between(0, 0)),
        ("rate", (0.5, 1), between(0.5, 1)),
        ("count", (1, 2), between(1, 2)),
    ],
    ids=repr,
)
def test_ranges_of_continuous_columns_are_sent_as_numbers(name: str, value: Any, sent: list[Any]) -> None:
    """A pair, several pairs, a mapping, an open end: each is a range of finite numbers."""
    assert values_of(name, value) == sent


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("t_min", Time([59000, 59001], format="mjd"), between(59000, 59001)),
        ("t_min", [Time(59000, format="mjd"), None], between(59000, OPEN_END)),
        ("t_min", [Time("2020-01-01", scale="tai"), 59001], between(58849 - 37 / 86400, 59001)),
        ("t_min", ["2020-01-01", "2020-01-02T12:00:00"], between(58849, 58850.5)),
        ("t_min", [date(2020, 1, 1), datetime(2020, 1, 2, tzinfo=UTC)], between(58849, 58850)),
        ("t_min", np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"), between(58849, 58850)),
        ("t_min", [np.datetime64("2020-01-01T00:00:00", "ns"), None], between(58849, OPEN_END)),
        ("t_min", np.array([59000, 59001]), between(59000, 59001)),
        ("t_exptime", [1, 2] * u.min, between(60, 120)),
        ("t_exptime", [1 * u.min, 2 * u.hour], between(60, 7200)),
        ("t_exptime", [[1, 2], [3, 4]] * u.min, between(60, 120) + between(180, 240)),
        ("s_ra", [1 * u.hourangle, 1 * u.rad], between(15, 180 / math.pi)),
        ("em_min", (0.5 * u.um, None), between(500, OPEN_END)),
        ("srcDen", (np.float32(0.5), np.int8(2)), between(0.5, 2)),
    ],
    ids=repr,
)
def test_time_quantity_numpy_and_infinity_are_converted(name: str, value: Any, sent: list[dict[str, float]]) -> None:
    """Times become Modified Julian Dates in UTC, quantities numbers in the column's unit, to better than 0.1 ms."""
    found = values_of(name, value)
    assert [set(each) for each in found] == [set(each) for each in sent]
    for got, due in zip(found, sent, strict=True):
        assert (got["min"], got["max"]) == pytest.approx((due["min"], due["max"]), rel=1e-14)


def test_second_wildcard_is_refused_not_sent_as_literal() -> None:
    """Two patterns in one criterion are refused, both named, wherever they stand."""
    with pytest.raises(InvalidCriterionError, match=r"2 values with wildcards \(A\*, B\*\)"):
        payload(obs_id=["A*", "B*", "C"])


@pytest.mark.parametrize(
    ("value", "free_text", "values"),
    [
        ("NIRCAM*", "NIRCAM%", []),
        ("%200%", "%200%", []),
        (["ACS*", "WFC3"], "ACS%", ["WFC3"]),
        (["WFC3", "*CS*", "STIS"], "%CS%", ["WFC3", "STIS"]),
        (["A*", "A*"], "A%", []),
    ],
)
def test_one_wildcard_goes_beside_the_values(value: Any, free_text: str, values: list[str]) -> None:
    """The one pattern is free text, the other values stay values."""
    (entry,) = payload(instrument_name=value)
    assert entry["freeText"] == free_text
    assert entry["values"] == values


def test_separator_goes_with_columns_of_several_values() -> None:
    """A column whose cells hold several values says what separates them; others say nothing."""
    assert payload(filters=["NUV", "FUV"], obs_id="a") == [
        {"paramName": "filters", "separator": ";", "values": ["NUV", "FUV"]},
        {"paramName": "obs_id", "values": ["a"]},
    ]


@pytest.mark.parametrize(
    "value", [100, 100.0, [100], "100", np.float64(100), np.array([100]), 100 * u.s, np.array(100)]
)
def test_single_value_on_float_column_is_not_dropped(value: Any) -> None:
    """One value is asked for exactly, with a warning that begins with the column's name."""
    with pytest.warns(InputWarning, match=r"^t_exptime is continuous"):
        assert values_of("t_exptime", value) == between(100, 100)


@pytest.mark.parametrize("name", ["proposal_id", "t_exptime", "calib_level", "mtFlag"])
@pytest.mark.parametrize("value", [[], (), set(), np.array([]), [], iter([])])
def test_empty_list_is_refused(name: str, value: Any) -> None:
    """A list of no values, often a failed selection, never widens a query."""
    with pytest.raises(InvalidCriterionError, match=f"'{name}' is "):
        payload(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("obs_id", None, r"missing value \(None\)"),
        ("obs_id", ["a", None], r"missing value \(None\)"),
        ("obs_id", np.ma.masked, "masked"),
        ("obs_id", MaskedColumn(["a", "b"], mask=[False, True]), "masked"),
        ("obs_id", float("nan"), "nan"),
        ("obs_id", [["a"]], "list"),
        ("obs_id", {"min": 1}, "no range"),
        ("obs_id", b"\xff", "no text"),
        ("obs_id", SkyCoord(1, 2, unit="deg"), "SkyCoord"),
        ("obs_id", np.complex128(1 + 2j), "complex"),
        ("obs_id", 3 * u.s, "Quantity"),
        ("calib_level", 2.5, "integers"),
        ("calib_level", math.inf, "integers"),
        ("calib_level", True, "True"),
        ("calib_level", {"min": 2, "step": 1}, "step"),
        ("calib_level", {}, "open at both ends"),
        ("mtFlag", "perhaps", "neither"),
        ("mtFlag", 2, "neither"),
        ("mtFlag", None, "neither"),
        ("t_exptime", None, "None"),
        ("t_exptime", float("nan"), "NaN"),
        ("t_exptime", [1, float("nan")], "NaN"),
        ("t_exptime", math.inf, "infinite"),
        ("t_exptime", (None, None), "both ends"),
        ("t_exptime", (-math.inf, math.inf), "both ends"),
        ("t_exptime", (math.inf, None), "no value lies"),
        ("t_exptime", (2, 1), "no value lies"),
        ("t_exptime", (1, 2, 3), "3 values"),
        ("t_exptime", (1, [2, 3]), "list"),
        ("t_exptime", {1, 2}, "no order"),
        ("t_exptime", {"min": 1, "mx": 5}, "mx"),
        ("t_exptime", (1, True), "True"),
        ("t_exptime", (1, "two"), "'two'"),
        ("t_exptime", (1, 10**400), "needs a number"),
        ("t_exptime", np.complex128(1 + 2j), "needs a number"),
        ("t_exptime", (np.ma.masked, 2), "masked"),
        ("distance", (1, np.timedelta64(2, "s")), "timedelta"),
        ("calib_level", (np.timedelta64(2, "s"), None), "timedelta"),
        ("t_exptime", (1 * u.m, 2 * u.m), "cannot be converted"),
        ("t_exptime", ([1] * u.s, 2), "list|quantity|Quantity"),
        ("t_exptime", {"min": [1, 2] * u.s}, "one quantity"),
        ("t_exptime", Time(["2020-01-01", "2020-01-02"]), "not a time"),
        ("t_exptime", (date(2020, 1, 1), None), "not a time"),
        ("t_exptime", (np.datetime64("2020-01-01", "ns"), None), "not a time"),
        ("t_exptime", ("2020-01-01", None), "needs a number"),
        ("t_min", ("yesterday", None), "neither"),
        ("t_min", TimeDelta(3, format="jd"), "TimeDelta"),
        ("t_min", (Time(59000, format="mjd", scale="local"), None), "UTC"),
        ("t_min", {"min": Time([59000, 59001], format="mjd")}, "one moment"),
        ("t_min", (np.datetime64("NaT", "s"), None), "NaN|one moment|neither"),
    ],
    ids=repr,
)
def test_value_that_cannot_be_applied_is_refused(name: str, value: Any, says: str) -> None:
    """What has no meaning for a column is refused by name, with the reason, and never narrowed or widen_type."""
    with pytest.raises(InvalidCriterionError, match=says) as caught:
        payload(**{name: value})
    assert f"'{name}'" in str(caught.value)
    assert isinstance(caught.value, InvalidQueryError)


@pytest.mark.parametrize(
    ("name", "says"),
    [("obs_colection", "Did you mean 'obs_collection'?"), ("qqqq", "There are: intentType"), ("secret", "not exist")],
)
def test_unknown_column_is_refused_with_the_likeliest_names(name: str, says: str) -> None:
    """A column that does not exist, or is hidden, is named together with what there is."""
    with pytest.raises(InvalidCriterionError, match=f"Filter '{name}' does not exist") as caught:
        payload(**{name: "x"})
    assert says in str(caught.value)


def test_column_is_found_in_any_case() -> None:
    """The exact spelling goes first, then any case, then nothing."""
    columns = columns_of({"ID": {}, "id": {}, "Tmag": {}})
    assert [find_column(name, columns) for name in ("id", "ID", "tMAG", "x")] == [
        columns["id"],
        columns["ID"],
        columns["Tmag"],
        None,
    ]


def test_no_criteria_are_no_filters() -> None:
    """Nothing asked is nothing sent; the guard against it belongs to the query."""
    assert observation_criteria({}, COLUMNS) == Criteria()
    assert Criteria().payload() == []


@given(
    texts=st.lists(PLAIN_TEXT, min_size=1, max_size=4),
    whole=st.lists(st.integers(-(2**63), 2**63), min_size=1, max_size=4),
    ends=st.tuples(NUMBERS, NUMBERS).map(sorted),
)
def test_whatever_is_accepted_is_in_the_payload(texts: list[str], whole: list[int], ends: list[float]) -> None:
    """Every criterion has its filter and every value its place in it; nothing is dropped, nothing invented."""
    found = payload(obs_id=texts, calib_level=whole, t_exptime=ends)
    assert [entry["paramName"] for entry in found] == ["obs_id", "calib_level", "t_exptime"]
    assert found[0]["values"] == list(dict.fromkeys(texts))
    assert found[1]["values"] == [str(number) for number in dict.fromkeys(whole)]
    assert found[2]["values"] == between(*ends)


def anything() -> Iterator[st.SearchStrategy[Any]]:
    """Give the kinds of values that users may pass."""
    yield from (st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.binary(max_size=4))
    yield st.floats(-1e3, 1e3).map(np.float32)
    yield st.integers(-5, 5).map(np.array)
    yield st.floats(-1e3, 1e3).map(lambda number: number * u.s)
    yield st.floats(40_000, 60_000).map(lambda number: Time(number, format="mjd"))
    yield st.datetimes(datetime(1970, 1, 1), datetime(2024, 1, 1))
    yield st.sampled_from([np.ma.masked, np.array([]), object(), np.datetime64("NaT", "s"), {"min": 1}])


ANYTHING = st.recursive(
    st.one_of(*anything()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(["min", "max", "x"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@pytest.mark.parametrize("name", ["obs_id", "calib_level", "mtFlag", "t_exptime", "t_min", "srcDen", "count"])
@given(value=ANYTHING)
def test_any_value_is_a_filter_or_the_documented_error(name: str, value: Any) -> None:
    """Whatever is passed gives a filter with something in it, or the error that is promised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            (entry,) = payload(**{name: value})
        except InvalidCriterionError as err:
            assert f"'{name}'" in str(err)
        else:
            assert entry["values"] or entry["freeText"]


@given(st.text(alphabet="ab*", max_size=8), st.text(alphabet="ab", max_size=10))
def test_wildcards_match_as_shells_match(pattern: str, text: str) -> None:
    """A pattern matches what `fnmatch` matches."""
    assert wildcard_test(pattern)(text) == fnmatch.fnmatchcase(text, pattern)


def test_many_wildcards_take_no_time() -> None:
    """A pattern that regular expressions need minutes for is told at once, by a local filter as well."""
    assert not wildcard_test("*a" * 40 + "*b")("a" * 100_000)
    cells = cells_of("obs_id", TableColumn(["a" * 1000]))
    assert not condition_mask(read_filter("*a" * 40 + "*b", cells), cells).any()
