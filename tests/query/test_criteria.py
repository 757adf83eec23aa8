"""Criteria are applied or raise an error, and are never ignored, for every form of ``criteria_forms`` and any value."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time
from criteria_forms import BOTH_OPEN, DAY, NO_VALUE, OPEN, cases, ends, no, span, told
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InputWarning, InvalidCriterionError, InvalidQueryError
from astroquery_mast.missions.conditions import build_conditions
from astroquery_mast.missions.search import columns_of_mission
from astroquery_mast.query.conditions import OPERATORS, Comparison, Condition, read_condition
from astroquery_mast.query.filters import catalogs_mast_filters, mashup_criteria, split_parameters
from astroquery_mast.tables.columns import Columns, columns_of, snapshot

OBSERVATIONS = {
    **snapshot()["Mast.Caom.Cone"],
    **columns_of({"rate": {"type": "decimal"}, "count": {"type": "int", "treatNumeric": True}, "untyped": {}}),
}
TIC = snapshot()["Mast.Catalogs.Tess.Cone"]
MEAN = snapshot()["panstarrs/dr2/mean"]


@lru_cache
def hst() -> Columns:
    """Return the columns of a mission, as MAST lists them."""
    listed = resources.files("astroquery.mast.tests") / "data" / "mission_columns.json"
    return columns_of_mission(json.loads(listed.read_bytes()), "hst")


# The requests of each service for keywords.
WRITERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "observations": lambda asked: mashup_criteria(asked, OBSERVATIONS).payload(),
    "catalogs": lambda asked: mashup_criteria(asked, TIC).payload(),
    "Pan-STARRS": lambda asked: catalogs_mast_filters(asked, MEAN),
    "missions": lambda asked: build_conditions(asked, hst()),
    "any": lambda asked: split_parameters("Mast.Caom.Filtered", None, asked)[0]["filters"],
}


def written(column: str, value: Any) -> Any:
    """Return what a service is sent for a value of a column, as JSON."""
    service, name = column.split()
    found = WRITERS[service]({name: value})
    assert service != "Pan-STARRS" or all(type(each) in {int, float, str, list} for each in found.values())
    return json.loads(json.dumps(found, allow_nan=False))


def whole(column: str, cell: Any) -> Any:
    """Return the complete request, of which the tables have only the relevant part."""
    service, name = column.split()
    if service == "Pan-STARRS":
        return {f"{name}.{operator}": end for operator, end in cell.items()} if type(cell) is ends else {name: cell}
    if service == "missions":
        return [{name: cell}]
    return [{"paramName": name, **(cell if isinstance(cell, dict) else {"values": cell})}]


# Cases for particular columns or services.
PARTICULAR = [
    ("observations rate", (0.5, 1), span(0.5, 1)),
    ("observations count", (1, 2), span(1, 2)),
    ("observations untyped", 1.5, ["1.5"]),
    ("observations untyped", True, ["True"]),
    ("observations t_exptime", 100 * u.s, told(span(100, 100))),
    ("observations distance", (1, np.timedelta64(2, "s")), no("timedelta")),
    ("observations t_min", ("yesterday", None), no("got 'yesterday'")),
    ("missions sci_start_time", ("yesterday", None), no("must be a date")),
    ("missions sci_start_time", ">=yesterday", no("must be a date")),
    *(
        (each, (Time(59000, format="mjd", scale="local"), None), no("UTC"))
        for each in ("observations t_min", "Pan-STARRS epochMean", "missions sci_start_time")
    ),
    ("catalogs objectType", "STAR", no("Did you mean 'objType'")),
    ("catalogs numcont", [5, 7], span(5, 7)),
    ("catalogs Tmag", [8 * u.mag, 10 * u.mag], span(8, 10)),
    ("Pan-STARRS obj_name", "x", no("Did you mean 'objName'")),
    ("Pan-STARRS epochMean", ("gte", Time(56000, format="mjd")), ends(gte=56000)),
    ("Pan-STARRS objID", 68960059717834079, 68960059717834079),
    ("Pan-STARRS objID", ">68960059717834079", ends(gt=68960059717834079)),
    ("missions sci_actual_duration", (1 * u.min, 2 * u.h), "60.0..7200.0"),
    ("missions sci_central_wavelength", (500 * u.nm, None), ">=5000.0"),
    ("observations t_exptime", (1 * u.min, math.inf * u.s), span(60)),
    ("missions sci_actual_duration", (1 * u.min, math.inf * u.s), ">=60.0"),
    ("missions sci_actual_duration", (math.inf * u.s, None), NO_VALUE),
    ("missions sci_ra", 10 * u.deg, 10.0),
    *(
        ("missions sci_ra", each, no("You can also use a comparison such as '>=10', a range such as"))
        for each in ("inf", "true", ">nan", "1e400", ["10", "bright"])
    ),
    ("missions sci_start_time", 2005, 2005),
    ("missions sci_start_time", (2005.0, 2006), "2005..2006"),
    *(("missions sci_start_time", each, no("must be a date")) for each in (59000, 5.5, "59000", ">=1e400", (1, 2006))),
    ("missions sci_start_time", True, no("'sci_start_time' is not a boolean column, got True")),
    ("observations mtFlag", ("neq", True), ["False"]),
    ("observations mtFlag", {"min": 1}, no("'mtFlag' is not numeric and accepts no range")),
    ("missions sci_ra", "12 30 00", "12 30 00"),
    ("missions sci_ra", "10..20", "10..20"),
    ("missions sci_ra", "12 00 00..12:30:00", "180.0..187.5"),
    ("missions sci_ra", "23h50m..0h10m", "357.5..360.0,0.0..2.5"),
    ("missions sci_ra", "!350..10", "!350.0..360.0,!0.0..10.0"),
    ("missions sci_ra", ["350..10", "20..30"], "350.0..360.0,0.0..10.0,20..30"),
    ("missions sci_ra_v1", "350..10, 20", "350.0..360.0,0.0..10.0,20"),
    ("missions sci_ra", ("350", "10"), "350.0..360.0,0.0..10.0"),
    ("missions sci_ra", "350..", ">=350"),
    ("missions sci_ra", "..", BOTH_OPEN),
    ("missions sci_ra", "M51..M52", no("must be an angle, got 'M51'")),
    ("missions sci_dec", "-5..5", "-5..5"),
    ("missions sci_dec", "-05 30 00..5", "-5.5..5"),
    ("missions sci_dec", "5..1", NO_VALUE),
    ("missions sci_dec", "05 00 00..04 59 59", NO_VALUE),
    ("missions sci_pep_id", "01039", "1039"),
    ("missions sci_pep_id", ["01039", "!08794"], "1039,!8794"),
    ("missions sci_pep_id", "10500..10000", NO_VALUE),
    ("missions sci_pep_id", [10452, 10452.5], no("is an integer column, got 10452.5")),
    ("missions sci_start_time", "2010..2012", "2010..2012"),
    ("missions sci_start_time", "2010-05..", ">=2010-05"),
    ("missions sci_start_time", "2013..2012-05", NO_VALUE),
    ("missions sci_start_time", ["2012-01-01", date(2012, 1, 2)], "2012-01-01,2012-01-02"),
    ("missions sci_ra", (None, None), BOTH_OPEN),
    ("missions sci_ra", (1, 2, 3), no("for a range, and a list for several values")),
    ("missions sci_ra", (math.nan, 3), no("nan")),
    ("missions sci_ra", ((1, 2), 3), no("has an invalid range limit: must be a number or a date, got")),
    ("missions sci_ra", (">1", 3), no("has an invalid range limit: must be a number or a date, got")),
    ("missions sci_ra", Time("2012-01-01"), no("not a time")),
    ("missions sci_dec", (5, 1), NO_VALUE),
    ("missions sci_refnum", 3 * u.m, no("The unit of 'sci_refnum' is unknown")),
    ("missions sci_start_time", "<2012", "<2012"),
    ("missions sci_start_time", (date(2012, 1, 1), "2013"), "2012-01-01..2013"),
    ("missions sci_start_time", ("2013", "2012-05"), NO_VALUE),
    (
        "missions sci_start_time",
        (Time("2012-01-01T12:00:00.25"), Time("2013-01-01")),
        "2012-01-01T12:00:00.25..2013-01-01T00:00:00",
    ),
    ("missions sci_haspnum", [False, True], "0,1"),
    ("missions sci_instrme", "ACS", no("Did you mean 'sci_instrume'")),
    ("missions search_pos", "30 30", no("search_pos.*' cannot be used as a criterion")),
    ("any x", {"min": None, "max": np.float64(2)}, [{"min": None, "max": 2.0}]),
    ("any x", {"min": 1, "max": 2, "separator": "range"}, [{"min": 1, "max": 2, "separator": "range"}]),
    ("any x", [{"min": 1, "max": 2}, {"min": 5, "max": 6}], span(1, 2) + span(5, 6)),
    ("any x", DAY, [59000]),
    ("any x", [DAY], [59000]),
]


def named(value: Any) -> str:
    """Return a short name for a value that is the same in every run."""
    return re.sub(r" at 0x\w+", "", " ".join(repr(value).split()))[:60]


@pytest.mark.parametrize(("column", "form", "expected"), [*PARTICULAR, *cases()], ids=named)
def test_a_form_is_sent_in_the_format_of_the_service_or_raises(column: str, form: Any, expected: Any) -> None:
    """A criterion is sent as valid JSON, or raises an error with the name of its column and the reason."""
    value = form() if callable(form) else form
    if isinstance(expected, told):
        with pytest.warns(InputWarning, match=f"^{column.split()[1]} is continuous"):
            assert written(column, value) == whole(column, expected.cell)
        return
    if not isinstance(expected, no):
        assert written(column, value) == whole(column, expected)
        return
    with pytest.raises(InvalidCriterionError, match=expected) as caught:
        written(column, value)
    assert re.search(f"['\"]{column.split()[1]}", str(caught.value))
    assert isinstance(caught.value, InvalidQueryError)


@pytest.mark.parametrize(
    "column",
    [
        "observations t_exptime",
        "observations calib_level",
        "observations obs_id",
        "Pan-STARRS nDetections",
        "missions sci_actual_duration",
        "missions sci_pep_id",
        "missions sci_targname",
    ],
)
@pytest.mark.parametrize("form", [10**5000, [-(10**5000)], (1, 10**5000), (None, 10**5000)], ids=type)
def test_too_large_integers_raise_a_readable_error(column: str, form: Any) -> None:
    """The message does not contain the number."""
    with pytest.raises(InvalidCriterionError, match=r"more than (64|1024) bits|missing value"):
        written(column, form)


@pytest.mark.parametrize(
    ("column", "value", "sent"),
    [
        ("observations t_min", [Time("2020-01-01", scale="tai"), 59001], [58849 - 37 / 86400, 59001]),
        ("observations t_exptime", [1, 2] * u.min, [60, 120]),
        ("observations t_exptime", [1 * u.min, 2 * u.hour], [60, 7200]),
        ("observations t_exptime", [[1, 2], [3, 4]] * u.min, [60, 120, 180, 240]),
        ("observations s_ra", [1 * u.hourangle, 1 * u.rad], [15, math.degrees(1)]),
        ("observations em_min", (0.5 * u.um, None), [500, OPEN]),
        ("observations srcDen", (np.float32(0.5), np.int8(2)), [0.5, 2]),
        ("Pan-STARRS raMean", [1 * u.rad, 60 * u.deg], {"raMean.gte": math.degrees(1), "raMean.lte": 60}),
    ],
    ids=named,
)
def test_times_and_quantities_are_converted(column: str, value: Any, sent: list[float] | dict[str, float]) -> None:
    """Times become Modified Julian Dates in UTC, and quantities numbers in the unit of the column, to within 0.1 ms."""
    found = written(column, value)
    if isinstance(sent, list):
        found = [end for each in found[0]["values"] for end in (each["min"], each["max"])]
    assert found == pytest.approx(sent, rel=1e-14)


@pytest.mark.parametrize(
    ("column", "sent"),
    [
        ("observations OBS_ID", [{"paramName": "OBS_ID", "values": ["2"]}]),
        ("catalogs id", [{"paramName": "id", "values": ["2"]}]),
        ("Pan-STARRS nstackdetections", {"nStackDetections": 2}),
        ("missions SCI_Instrume", [{"sci_instrume": "2"}]),
    ],
)
def test_a_column_is_found_in_any_case(column: str, sent: Any) -> None:
    """The portal accepts names in any case, and other services get MAST's spelling."""
    assert written(column, "2") == sent


def anything() -> Iterator[st.SearchStrategy[Any]]:
    """Return the kinds of values that users may pass."""
    yield from (st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=4))
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
COLUMNS = {
    "observations": ["obs_id", "calib_level", "mtFlag", "t_exptime", "t_min", "srcDen", "count"],
    "catalogs": ["Tmag", "objType"],
    "Pan-STARRS": ["gMeanPSFMag", "objName"],
    "missions": ["sci_targname", "sci_start_time"],
    "any": ["x"],
}


@pytest.mark.parametrize("column", [f"{service} {name}" for service, names in COLUMNS.items() for name in names])
@given(value=st.text() | ANYTHING)
def test_any_value_is_applied_or_raises_the_documented_error(column: str, value: Any) -> None:
    """Any value is sent as JSON and not empty, or raises an error with the name of the criterion."""
    service, name = column.split()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = written(column, value)
        except InvalidCriterionError as err:
            assert re.search(f"['\"]{name}", str(err))
        else:
            assert len(found)
            assert service in {"Pan-STARRS", "missions"} or found[0]["values"] or found[0]["freeText"]


@given(st.sampled_from(sorted(OPERATORS)), st.integers(-(2**63), 2**63 - 1))
def test_integers_keep_all_digits(operator: str, number: int) -> None:
    """An identifier with 19 digits is compared exactly, whether it is a number or text."""
    if operator in {"like", "contains"}:
        return
    column = MEAN["objID"]
    expected = Condition("objID", column, ((Comparison(OPERATORS[operator], number),),))
    if operator == "neq":
        expected = Condition("objID", column, (), ((Comparison("eq", number),),))
    assert read_condition("objID", (operator, number), column) == expected
    assert read_condition("objID", (operator, str(number)), column) == expected


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_range_as_text_equals_the_range_as_numbers(low: float, high: float) -> None:
    """``"a..b"`` and ``[a, b]`` are the same query, or both raise an error."""
    answers = []
    for value in ([low, high], f"{low!r}..{high!r}", {"min": low, "max": high}, [("gte", low), ("lte", high)]):
        try:
            answers.append(written("catalogs Tmag", value)[0]["values"])
        except InvalidCriterionError:
            answers.append(None)
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0] is None) == (low > high)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_strict_comparison_excludes_only_its_end(end: float, value: float) -> None:
    """The range that is sent for ``<`` and ``>`` contains exactly the numbers that match."""
    below = written("catalogs Tmag", ("lt", end))[0]["values"][0]
    above = written("catalogs Tmag", ("gt", end))[0]["values"][0]
    assert (below["min"] <= value <= below["max"]) == (value < end)
    assert (above["min"] <= value <= above["max"]) == (value > end)
