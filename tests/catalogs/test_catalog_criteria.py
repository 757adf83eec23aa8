"""Criteria on the columns of catalogs: the user's values in, what the services take out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time
from astroquery.exceptions import InputWarning, InvalidQueryError
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.query.conditions import OPERATORS, Comparison, Condition, read_condition
from astroquery_mast.query.filters import catalogs_mast_filters, mashup_criteria
from astroquery_mast.tables.columns import snapshot

TIC = snapshot()["Mast.Catalogs.Tess.Cone"]
MEAN = snapshot()["panstarrs/dr2/mean"]
OPEN = 1e30


def mashup(**criteria: Any) -> dict[str, Any]:
    """Return the filters of a Mashup service, by column."""
    return {entry["paramName"]: entry for entry in mashup_criteria(criteria, TIC).payload()}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([8, 10], [{"min": 8, "max": 10}]),
        ((None, 10), [{"min": -OPEN, "max": 10}]),
        ([8, None], [{"min": 8, "max": OPEN}]),
        ({"max": 10}, [{"min": -OPEN, "max": 10}]),
        ("8..10", [{"min": 8, "max": 10}]),
        ("-1.5..2e1", [{"min": -1.5, "max": 20}]),
        ("..10", [{"min": -OPEN, "max": 10}]),
        (">=8", [{"min": 8, "max": OPEN}]),
        (" <= 10 ", [{"min": -OPEN, "max": 10}]),
        ("<10", [{"min": -OPEN, "max": math.nextafter(10, 0)}]),
        (">8", [{"min": math.nextafter(8, 9), "max": OPEN}]),
        (("gte", "8"), [{"min": 8, "max": OPEN}]),
        ([("min", 8), ("lt", 10)], [{"min": 8, "max": math.nextafter(10, 0)}]),
        ([8 * u.mag, 10 * u.mag], [{"min": 8, "max": 10}]),
        (np.array([8.0, 10.0]), [{"min": 8, "max": 10}]),
        ([[8, 9], [10, 11]], [{"min": 8, "max": 9}, {"min": 10, "max": 11}]),
        ([[8, 9], (10, None)], [{"min": 8, "max": 9}, {"min": 10, "max": OPEN}]),
        ({"min": 8, "max": math.inf}, [{"min": 8, "max": OPEN}]),
    ],
    ids=repr,
)
def test_every_spelling_of_a_range_for_mashup(value: Any, expected: Any) -> None:
    """Ranges, open ranges and comparisons of a column of numbers all become ranges with two ends."""
    assert mashup(Tmag=value)["Tmag"]["values"] == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ID", 261136679, {"values": ["261136679"]}),
        ("ID", np.array([1, 2]), {"values": ["1", "2"]}),
        ("id", ["1", 2], {"values": ["1", "2"]}),
        ("objType", "STAR", {"values": ["STAR"]}),
        ("objType", ("STAR", "EXTENDED"), {"values": ["STAR", "EXTENDED"]}),
        ("TWOMASS", "0123*", {"values": [], "freeText": "0123%"}),
        ("TWOMASS", ("like", "0123%"), {"values": [], "freeText": "0123%"}),
        ("TWOMASS", ("contains", "+45"), {"values": [], "freeText": "%+45%"}),
        ("objType", ("eq", "STAR"), {"values": ["STAR"]}),
        ("KIC", [5, 6], {"values": ["5", "6"]}),
        ("KIC", ">5", {"values": [{"min": 6, "max": OPEN}]}),
        ("KIC", "<5", {"values": [{"min": -OPEN, "max": 4}]}),
        ("KIC", "5..7", {"values": [{"min": 5, "max": 7}]}),
        ("numcont", [5, 7], {"values": [{"min": 5, "max": 7}]}),
        ("objType", "2..5", {"values": ["2..5"]}),
    ],
    ids=repr,
)
def test_discrete_columns_of_mashup(name: str, value: Any, expected: dict[str, Any]) -> None:
    """Identifiers and words are compared by value; whole numbers also by range, if that is what is written."""
    assert mashup(**{name: value})[name] == {"paramName": name, **expected}


@pytest.mark.parametrize(
    ("criteria", "text"),
    [
        ({"objType": "!STAR"}, "'objType' excludes 'STAR'"),
        ({"Tmag": [">=8", "<10"]}, "one or all of them"),
        ({"Tmag": [8, "<10"]}, "one or all of them"),
        ({"Tmag": [("gte", 8), ("gt", 9)]}, "one lower and one upper"),
        ({"Tmag": [("gte", 8), ("eq", 9)]}, "one lower and one upper"),
        ({"Tmag": "10..8"}, "in which no value lies"),
        ({"Tmag": [("gte", 8), ("lt", 8)]}, "in which no value lies"),
        ({"Tmag": ("geq", 8)}, "operator 'geq': there are min, gte"),
        ({"Tmag": ("like", "8%")}, "holds numbers"),
        ({"objType": ("gte", "A")}, "holds text"),
        ({"Tmag": (None, None)}, "open at both ends"),
        ({"Tmag": ".."}, "open at both ends"),
        ({"Tmag": "1..."}, "needs a number"),
        ({"Tmag": {"min": 1, "step": 2}}, "range with step"),
        ({"Tmag": "<inf"}, "leave this end"),
        ({"Tmag": ("gte", float("nan"))}, "NaN"),
        ({"Tmag": ("gte", None)}, "needs a number"),
        ({"objType": ("eq", None)}, "None"),
        ({"Tmag": "bright"}, "needs a number"),
        ({"Tmag": []}, "empty list"),
        ({"Tmag": [1 * u.K, 2 * u.K]}, "cannot be converted"),
        ({"objectType": "STAR"}, "Did you mean 'objType'"),
    ],
    ids=repr,
)
def test_what_cannot_be_applied_is_refused(criteria: dict[str, Any], text: str) -> None:
    """A criterion is applied or refused, never dropped."""
    with pytest.raises(InvalidQueryError, match=text):
        mashup_criteria(criteria, TIC)


def test_one_value_of_a_continuous_column_is_applied_and_said() -> None:
    """A single magnitude selects exactly that, with the warning that observations give (B4)."""
    with pytest.warns(InputWarning, match="^Tmag is continuous"):
        assert mashup(Tmag=10)["Tmag"]["values"] == [{"min": 10, "max": 10}]


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"nStackDetections": [("gte", 2)]}, {"nStackDetections.gte": 2}),
        ({"nstackdetections": [("gte", "1")]}, {"nStackDetections.gte": 1}),
        ({"nDetections": ("max", 5)}, {"nDetections.lte": 5}),
        ({"nDetections": [("gt", 2), ("lte", 5)]}, {"nDetections.gt": 2, "nDetections.lte": 5}),
        ({"nDetections": "2..5"}, {"nDetections.gte": 2, "nDetections.lte": 5}),
        ({"nDetections": (None, 5)}, {"nDetections.lte": 5}),
        ({"nDetections": {"min": 2}}, {"nDetections.gte": 2}),
        ({"nDetections": "!0"}, {"nDetections.neq": 0}),
        ({"nDetections": ">=2.5"}, {"nDetections.gte": 2.5}),
        ({"qualityFlag": 48}, {"qualityFlag": 48}),
        ({"qualityFlag": [48, "32"]}, {"qualityFlag": [48, 32]}),
        ({"qualityFlag": np.uint8(48)}, {"qualityFlag": 48}),
        ({"qualityFlag": ("eq", 48)}, {"qualityFlag": 48}),
        ({"objID": 68960059717834079}, {"objID": 68960059717834079}),
        ({"objID": ">68960059717834079"}, {"objID.gt": 68960059717834079}),
        ({"gMeanPSFMag": [15, 20]}, {"gMeanPSFMag.gte": 15, "gMeanPSFMag.lte": 20}),
        ({"gMeanPSFMag": [None, 20]}, {"gMeanPSFMag.lte": 20}),
        ({"gMeanPSFMag": "<20"}, {"gMeanPSFMag.lt": 20}),
        ({"raMean": [1 * u.rad, 60 * u.deg]}, {"raMean.gte": math.degrees(1), "raMean.lte": 60}),
        ({"epochMean": ("gte", Time(56000, format="mjd"))}, {"epochMean.gte": 56000}),
        ({"objName": "PSO J0*"}, {"objName.like": "PSO J0%"}),
        ({"objName": ("contains", "J0")}, {"objName.contains": "J0"}),
        ({"objName": "!x"}, {"objName.neq": "x"}),
        ({"objName": ["a", "b"]}, {"objName": ["a", "b"]}),
    ],
    ids=repr,
)
def test_criteria_of_catalogs_mast(criteria: dict[str, Any], expected: dict[str, Any]) -> None:
    """Values, ranges and comparisons become columns with operators, in the archive's spelling and with all digits."""
    found = catalogs_mast_filters(criteria, MEAN)
    assert found == pytest.approx(expected) if "raMean" in criteria else found == expected
    assert all(type(value) in {int, float, str, list} for value in found.values())


@pytest.mark.parametrize(
    ("criteria", "text"),
    [
        ({"obj_name": "x"}, "Did you mean 'objName'"),
        ({"gMeanPSFMag": [[1, 2], [3, 4]]}, "2 ranges"),
        ({"qualityFlag": "4*"}, "pattern, which only text has"),
        ({"objName": ["a*", "b"]}, "no other value beside it"),
        ({"nDetections": [2, ("gte", 5)]}, "one or all of them"),
        ({"nDetections": []}, "empty list"),
        ({"nDetections": 2.5}, "integers"),
    ],
    ids=repr,
)
def test_what_catalogs_mast_cannot_is_refused(criteria: dict[str, Any], text: str) -> None:
    """What has no form there is not sent in another meaning."""
    with pytest.raises(InvalidQueryError, match=text):
        catalogs_mast_filters(criteria, MEAN)


@given(st.sampled_from(sorted(OPERATORS)), st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers_keep_all_their_digits(operator: str, number: int) -> None:
    """An identifier of 19 digits is compared as it is, whether it comes as a number or as text."""
    if operator in {"like", "contains"}:
        return
    column = MEAN["objID"]
    expected = Condition("objID", column, ((Comparison(OPERATORS[operator], number),),))
    if operator == "neq":
        expected = Condition("objID", column, (), ((Comparison("eq", number),),))
    assert read_condition("objID", (operator, number), column) == expected
    assert read_condition("objID", (operator, str(number)), column) == expected


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_range_as_text_is_the_range_as_numbers(low: float, high: float) -> None:
    """``"a..b"`` and ``[a, b]`` are the same question, or both are refused."""
    answers = []
    for value in ([low, high], f"{low!r}..{high!r}", {"min": low, "max": high}, [("gte", low), ("lte", high)]):
        try:
            answers.append(mashup(Tmag=value)["Tmag"]["values"])
        except InvalidQueryError:
            answers.append(None)
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0] is None) == (low > high)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_strict_comparison_leaves_out_its_end_and_nothing_else(end: float, value: float) -> None:
    """The range sent for ``<`` and ``>`` holds exactly the numbers that meet it."""
    below = mashup(Tmag=("lt", end))["Tmag"]["values"][0]
    above = mashup(Tmag=("gt", end))["Tmag"]["values"][0]
    assert (below["min"] <= value <= below["max"]) == (value < end)
    assert (above["min"] <= value <= above["max"]) == (value > end)


@given(st.text())
def test_text_never_breaks_the_reader(text: str) -> None:
    """Whatever is written, it is applied or refused in the package's own words."""
    for name, columns, build in ("Tmag", TIC, mashup_criteria), ("objType", TIC, mashup_criteria):
        try:
            build({name: text}, columns)
        except InvalidQueryError as err:
            assert name in str(err)
        except InputWarning:
            pass  # a number, which is applied
