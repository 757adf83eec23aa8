"""Every form of a criterion, and what each service is sent for it: the tables of `query/test_criteria`.

The last part has the forms for a column of a response, and the rows that match the same filter in it.

A row is a form, and what is sent for it: to the portal services (separately for observations and catalogs if they
differ), to Pan-STARRS, to the mission search, and to any service by `~astroquery_mast.MastClass.mast_query`.  ``...``
repeats the previous item, missing items at the end mean the form itself, and a single error applies to all services.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import EllipsisType
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Column as TableColumn
from astropy.table import MaskedColumn
from astropy.time import Time, TimeDelta

from astroquery_mast.products.filters import cells_of, condition_mask, read_filter

OPEN = 1e30


class no(str):  # noqa: N801 - a word of the tables
    """An error, with its message as a regular expression."""


@dataclass(frozen=True)
class told:  # noqa: N801
    """A request with the warning that an exact value of a continuous column matches hardly any rows."""

    cell: Any


class ends(dict[str, Any]):  # noqa: N801
    """The parameters of Pan-STARRS, by operator."""


def span(low: float = -OPEN, high: float = OPEN) -> list[dict[str, float]]:
    """Return one range in the format of the portal."""
    return [{"min": low, "max": high}]


def like(free_text: str, *values: str) -> dict[str, Any]:
    """Return text with wildcards, and other values, in the format of the portal."""
    return {"values": list(values), "freeText": free_text}


def as_it_is(form: Any) -> list[Any]:
    """Return the values that any service is sent for a form."""
    if isinstance(form, np.ndarray):
        return as_it_is(form.tolist())
    found = sorted(form) if isinstance(form, set) else list(form) if isinstance(form, list | tuple) else [form]
    return [each.decode() if isinstance(each, bytes) else each for each in found]


UNCLEAR = no("to apply all of them")
NO_LIST = no("Use a flat list of values")
RANGE = no('must be a dictionary with "min" and "max" keys')
NO_MAPPING = no("is a mapping")
NO_VALUE = no("has an empty range: minimum")
NULL = no("missing value|NoneType|must be True or False")
BOTH_OPEN = no("has a range without limits")
NO_NUMBER = no("must be a (number|date), got .*You can also use a comparison")
OPERATOR = no("has the operator .*which is not available in mission searches")
TOO_LARGE = no("more than (64|1024) bits")
NO_UNIT = no("has a unit")
BELOW_10, ABOVE_8, ABOVE_10 = (math.nextafter(*ends) for ends in ((10, 0), (8, 9), (10, 11)))

# -- columns of numbers that are continuous ----------------------------------------------------------------------------

NUMBERS: list[Sequence[Any]] = [
    ([10, 20], span(10, 20), ends(gte=10, lte=20), told("10,20")),
    ((10, 20.5), span(10, 20.5), ends(gte=10, lte=20.5), "10..20.5"),
    (["10", "1e3"], span(10, 1000), ends(gte=10, lte=1000), told("10,1e3")),
    (("900", "1000"), span(900, 1000), ends(gte=900, lte=1000), "900..1000"),
    (np.array([8.0, 10.0]), span(8, 10), ends(gte=8, lte=10), told("8.0,10.0")),
    ([0, 0], span(0, 0), 0, told("0")),
    ([[1, 2], (3, 4)], span(1, 2) + span(3, 4), no("2 ranges"), no("cannot be compared"), NO_LIST),
    (np.array([[1, 2], [3, 4]]), span(1, 2) + span(3, 4), no("2 ranges"), no("cannot be compared"), NO_LIST),
    ([[1, 2], ("10", None)], span(1, 2) + span(10), no("2 ranges"), no("cannot be compared"), NO_LIST),
    ([{"min": 1, "max": 2}, (5, None)], span(1, 2) + span(5), no("2 ranges"), no("cannot be compared"), NO_LIST),
    ([(1, 2), (5, 6), ">100"], UNCLEAR, ..., "1..2,5..6,>100", NO_LIST),
    ({"min": 1, "max": 2}, span(1, 2), ends(gte=1, lte=2), NO_MAPPING),
    ({"max": 5}, span(high=5), ends(lte=5), NO_MAPPING, RANGE),
    ({"min": 5, "max": math.inf}, span(5), ends(gte=5), NO_MAPPING, no("inf")),
    ({"min": 1, "max": math.nan}, no("NaN"), ..., NO_MAPPING, no("nan|missing")),
    ((None, 5), span(high=5), ends(lte=5), "<=5", NULL),
    ([8, None], span(8), ends(gte=8), NULL, NULL),
    ((5, math.inf), span(5), ends(gte=5), ">=5", no("inf")),
    ((-math.inf, 5), span(high=5), ends(lte=5), "<=5", no("inf")),
    ("8..10", span(8, 10), ends(gte=8, lte=10), "8..10"),
    ("-1.5..2e1", span(-1.5, 20), ends(gte=-1.5, lte=20), "-1.5..20"),
    ("..10", span(high=10), ends(lte=10), "<=10"),
    ("1e3..", span(1000), ends(gte=1000), ">=1000"),
    ("!..5", no("must be a number, got '..5'"), ..., "!<=5"),
    (">=8", span(8), ends(gte=8), ">=8"),
    (" <= 10 ", span(high=10), ends(lte=10), "<= 10"),
    ("<10", span(high=BELOW_10), ends(lt=10), "<10"),
    (">8", span(ABOVE_8), ends(gt=8), ">8"),
    (("gte", "8"), span(8), ends(gte=8), OPERATOR),
    ([("min", 8), ("lt", 10)], span(8, BELOW_10), ends(gte=8, lt=10), OPERATOR, NO_LIST),
    ("!10", span(high=BELOW_10) + span(ABOVE_10), ends(neq=10), "!10"),
    (["5..12", "!10"], span(5, BELOW_10) + span(ABOVE_10, 12), no("excludes 10.0"), "5..12,!10"),
    *((form, told(span(100, 100)), told(100), 100) for form in (100, [100], np.array([100]), np.array(100))),
    *((form, told(span(100, 100)), told(100), 100.0) for form in (100.0, np.float64(100))),
    ("100", told(span(100, 100)), told(100), "100"),
    (None, NULL),
    (math.nan, no("NaN"), ..., no("nan"), no("nan")),
    ([1, math.nan], no("NaN"), ..., no("nan"), no("nan")),
    ((math.nan, 3), no("NaN"), ..., no("nan"), no("nan")),
    (np.float32("inf"), no("infinite"), ..., no("inf"), no("inf")),
    ((None, None), BOTH_OPEN, ..., ..., NULL),
    ("..", BOTH_OPEN, ..., ...),
    ((-math.inf, math.inf), BOTH_OPEN, ..., ..., no("inf")),
    ((math.inf, None), NO_VALUE, ..., ..., no("inf")),
    ((2, 1), NO_VALUE, ..., ...),
    ("10..8", NO_VALUE, ..., ...),
    ((1, 2, 3), no("3 values"), ..., no("for a range, and a list for several values")),
    ((1, [2, 3]), no("list"), ..., no("has an invalid range limit: must be a number or a date, got"), NO_LIST),
    (((1, 2), 3), no("tuple"), ..., no("has an invalid range limit: must be a number or a date, got"), NO_LIST),
    ((">1", 3), UNCLEAR, ..., no("has an invalid range limit: must be a number or a date, got")),
    ({1, 2}, no("no order"), ..., told("1,2")),
    ({"min": 1, "mx": 5}, no("mx"), ..., NO_MAPPING, RANGE),
    ({"min": 1, "step": 2}, no("keys step"), ..., NO_MAPPING, RANGE),
    ((1, True), no("True"), ..., no("True")),
    ((1, "two"), no("'two'"), ..., no("'two'")),
    ((5, -math.inf), NO_VALUE, ..., ..., no("inf")),
    *((form, TOO_LARGE, ..., ..., as_it_is(form)) for form in (10**400, [-(10**400)])),
    ((1, 10**400), TOO_LARGE, ..., ..., [1, 10**400]),
    ("1e400", no("is infinite"), ..., NO_NUMBER),
    (">=1e400", no("Omit this end of the range"), ..., NO_NUMBER),
    (
        True,
        no("must be a number, got True"),
        ...,
        no("is not a boolean column"),
    ),
    ("-inf..5", span(high=5), ends(lte=5), NO_NUMBER),
    (np.complex128(1 + 2j), no("must be a number, got"), ..., no("complex"), no("complex")),
    ((np.ma.masked, 2), no("masked"), ..., ..., no("masked")),
    ((1 * u.m, 2 * u.m), no("cannot be converted"), ..., ..., NO_UNIT),
    (3 * u.m, no("cannot be converted"), ..., ..., NO_UNIT),
    (([1] * u.s, 2), no("must have one scalar quantity per limit of the range, got"), ..., ..., NO_UNIT),
    ({"min": [1, 2] * u.s}, no("must have one scalar quantity per limit of the range, got"), ..., NO_MAPPING, RANGE),
    (Time(["2020-01-01", "2020-01-02"]), no("not a time"), ..., ..., [58849, 58850]),
    ((date(2020, 1, 1), None), no("not a time"), ..., ..., no("date")),
    ((np.datetime64("2020-01-01", "ns"), None), no("not a time"), ..., ..., no("datetime64")),
    (("2020-01-01", None), no("must be a number, got"), ..., NO_NUMBER, NULL),
    ([">=8", "<10"], UNCLEAR, ..., ">=8,<10"),
    ([8, "<10"], UNCLEAR, ..., "8,<10"),
    ([("gte", 8), ("gt", 9)], no("Only one lower limit and one upper limit can be combined"), ..., OPERATOR, NO_LIST),
    ([("gte", 8), ("eq", 9)], no("Only one lower limit and one upper limit can be combined"), ..., OPERATOR, NO_LIST),
    ([("gte", 8), ("lt", 8)], NO_VALUE, ..., OPERATOR, NO_LIST),
    (("geq", 8), no("'geq' is not a valid operator for .*min, gte"), ..., OPERATOR),
    (("like", "8%"), no("is a numeric column"), ..., OPERATOR),
    ("1...", no("must be a number, got"), ..., NO_NUMBER),
    ("<inf", no("Omit this end of the range"), ..., NO_NUMBER),
    (("gte", math.nan), no("NaN"), ..., OPERATOR, no("nan")),
    (("gte", None), no("must be a number, got"), ..., OPERATOR, NULL),
    ("bright", no("must be a number, got"), ..., NO_NUMBER),
    (object(), no("must be a number, got"), ..., no("cannot be compared"), no("is a object")),
]

# -- columns of whole numbers, which are compared by value -------------------------------------------------------------

WHOLE: list[Sequence[Any]] = [
    (12556, ["12556"], 12556, 12556),
    ([3], ["3"], 3, 3),
    ([12556, 8794], ["12556", "8794"], [12556, 8794], "12556,8794"),
    ((3, 4), ["3", "4"], [3, 4], "3..4"),
    ((5, 1), ["5", "1"], [5, 1], NO_VALUE),
    (12556.0, ["12556"], 12556, 12556),
    ("12556", ["12556"], 12556, "12556"),
    (["2", "3"], ["2", "3"], [2, 3], "2,3"),
    ("2.0", ["2"], 2, "2"),
    (" 2", ["2"], 2, "2"),
    (b"+2", ["2"], 2, "2"),
    (["2", 3.0], ["2", "3"], [2, 3], "2,3"),
    ([48, "32"], ["48", "32"], [48, 32], "48,32"),
    (np.int64(12556), ["12556"], 12556, 12556),
    (np.uint8(48), ["48"], 48, 48),
    (np.array(3), ["3"], 3, 3),
    (np.array([2, 3]), ["2", "3"], [2, 3], "2,3"),
    (TableColumn([12556, 8794]), ["12556", "8794"], [12556, 8794], "12556,8794"),
    (-1, ["-1"], -1, -1),
    (2**63 - 1, [str(2**63 - 1)], 2**63 - 1, 2**63 - 1),
    (str(2**63 - 1), [str(2**63 - 1)], 2**63 - 1, str(2**63 - 1)),
    (">68960059717834079", span(68960059717834080.0), ends(gt=68960059717834079), ">68960059717834079"),
    ({"min": 2}, span(2), ends(gte=2), NO_MAPPING, RANGE),
    ((2, None), span(2), ends(gte=2), ">=2", NULL),
    ((None, 12000), span(high=12000), ends(lte=12000), "<=12000", NULL),
    ((-math.inf, 12000), span(high=12000), ends(lte=12000), "<=12000", no("inf")),
    ((2, math.inf), span(2), ends(gte=2), ">=2", no("inf")),
    ((math.inf, None), NO_VALUE, ..., ..., no("inf")),
    ((None, 10**400), TOO_LARGE, ..., ..., NULL),
    *((form, TOO_LARGE, ..., ..., as_it_is(form)) for form in (10**400, 2**64, [3, 10**400])),
    *((form, TOO_LARGE, ..., ...) for form in ("9" * 25, "1e25")),
    ("9" * 5000, TOO_LARGE, ..., NO_NUMBER),
    (">" + "9" * 25, TOO_LARGE, ..., ">" + "9" * 25),
    (2**64 - 1, [str(2**64 - 1)], 2**64 - 1, 2**64 - 1),
    (">=2", span(2), ends(gte=2), ">=2"),
    (" > 2 ", span(3), ends(gt=2), "> 2"),
    ("<3", span(high=2), ends(lt=3), "<3"),
    ("2..5", span(2, 5), ends(gte=2, lte=5), "2..5"),
    ("2..", span(2), ends(gte=2), ">=2"),
    (">=2.5", span(2.5), ends(gte=2.5), ">=2.5"),
    (("gte", 2), span(2), ends(gte=2), OPERATOR),
    (("max", 5), span(high=5), ends(lte=5), OPERATOR),
    (("eq", 2), ["2"], 2, OPERATOR),
    ([("gte", "1")], span(1), ends(gte=1), OPERATOR, NO_LIST),
    ([("gte", 2), ("lt", 5)], span(2, 4), ends(gte=2, lt=5), OPERATOR, NO_LIST),
    ([("gt", 2), ("lte", 5)], span(3, 5), ends(gt=2, lte=5), OPERATOR, NO_LIST),
    ("!0", span(high=-1) + span(1), ends(neq=0), "!0"),
    ([2, "!2"], no("excludes all of its own values"), no("excludes 2"), "2,!2"),
    ("2*", like("2%"), no("has a pattern, which only works on text columns and cannot be"), "2*"),
    ("%200%", like("%200%"), no("has a pattern, which only works on text columns and cannot be"), NO_NUMBER),
    (2.5, no("integer"), ..., ...),
    (math.inf, no("integers or text"), ..., no("matches no rows"), no("inf")),
    (math.nan, no("nan")),
    ([1, math.nan], no("nan")),
    (True, no("True"), ..., 1),
    ([1, [2, 3]], no("list"), ..., ..., NO_LIST),
    ({}, BOTH_OPEN, ..., NO_MAPPING, RANGE),
    ({"min": 2, "step": 1}, no("step"), ..., NO_MAPPING, RANGE),
    ("two", no("got 'two'"), ..., NO_NUMBER),
    ("2.5", no("integer"), ..., ...),
    ("", no("integer"), ..., no("empty")),
    (["1", "two"], no("got 'two'"), ..., NO_NUMBER),
    (["2", ">=3"], no("list of comparisons"), ..., "2,>=3"),
    ([2, ("gte", 5)], UNCLEAR, ..., OPERATOR, NO_LIST),
    ("inf", no("integer"), ..., NO_NUMBER),
    ((np.timedelta64(2, "s"), None), no("timedelta"), ..., ..., no("timedelta")),
]

# -- columns of text ------------------------------------------------------------

MISSING = no("missing value")
TEXTS: list[Sequence[Any]] = [
    ("ACS", ["ACS"], ..., "ACS", "ACS"),
    (b"ACS", ["ACS"], ..., "ACS", "ACS"),
    ("", [""], ..., "", no("empty")),
    (["A", "B", "A"], ["A", "B"], ..., ["A", "B"], "A,B"),
    (("A",), ["A"], ..., "A", "A"),
    (("A", "B"), ["A", "B"], ..., ["A", "B"], "A,B"),
    ({"B", "A"}, ["A", "B"], ..., ["A", "B"], "A,B"),
    (np.array(["A", "B"]), ["A", "B"], ..., ["A", "B"], "A,B"),
    (np.array("A"), ["A"], ..., "A", "A"),
    (TableColumn(["a", "b"]), ["a", "b"], ..., ["a", "b"], "a,b"),
    (TableColumn([b"a", b"b"]), ["a", "b"], ..., ["a", "b"], "a,b"),
    (MaskedColumn(["a", "b"], mask=[False, False]), ["a", "b"], ..., ["a", "b"], "a,b"),
    (lambda: iter("ab"), ["a", "b"], ..., ["a", "b"], "a,b", ["a", "b"]),
    ("stis, acs ,wfc3", ["stis, acs ,wfc3"], ..., "stis, acs ,wfc3", "stis,acs,wfc3"),
    ("NIRCAM*", like("NIRCAM%"), ..., ends(like="NIRCAM%"), "NIRCAM*"),
    ("%200%", like("%200%"), ..., ends(like="%200%"), "%200%"),
    ("*GAL*", like("%GAL%"), ..., ends(like="%GAL%"), "*GAL*"),
    (
        ["ACS*", "WFC3"],
        like("ACS%", "WFC3"),
        ...,
        no("has a pattern, which only works on text columns and cannot be"),
        "ACS*,WFC3",
    ),
    (
        ["WFC3", "*CS*", "STIS"],
        like("%CS%", "WFC3", "STIS"),
        ...,
        no("has a pattern, which only works on text columns and cannot be"),
        "WFC3,*CS*,STIS",
    ),
    (["A*", "A*"], like("A%"), ..., ends(like="A%"), "A*"),
    (
        ["A*", "B*", "C"],
        no(r"^Only one wildcarded value .* has 2 \(A\*, B\*\)"),
        ...,
        no("has a pattern, which only works on text columns and cannot be"),
        "A*,B*,C",
    ),
    ("!STAR", no("excludes 'STAR'.*Omit the criterion and filter the result: table"), ..., ends(neq="STAR"), "!STAR"),
    (
        ["!COS", "!FGS"],
        no("excludes 'COS', 'FGS'"),
        ...,
        no("but the service can only exclude a single value without wildcards."),
        "!COS,!FGS",
    ),
    (15, ["15"], ..., "15", 15),
    (1.5, ["1.5"], ..., "1.5", 1.5),
    (np.int64(15), ["15"], ..., "15", 15),
    ([8880, np.int32(1039), "007"], ["8880", "1039", "007"], ..., ["8880", "1039", "007"], "8880,1039,007"),
    (8880.0, ["8880"], ..., "8880", 8880.0),
    (("eq", "STAR"), ["STAR"], ..., "STAR", OPERATOR),
    (("like", "0123%"), like("0123%"), ..., ends(like="0123%"), OPERATOR),
    (("contains", "+45"), like("%+45%"), ..., ends(contains="+45"), OPERATOR),
    (("neq", "STAR"), no("excludes 'STAR'"), ..., ends(neq="STAR"), OPERATOR),
    ([("like", "A*"), "B"], UNCLEAR, ..., ..., OPERATOR, NO_LIST),
    (("M", 31), ["M", "31"], ..., ["M", "31"], "M,31"),
    (("gte", "2"), no("is a text column"), ..., ..., OPERATOR),
    ("2..5", ["2..5"], ..., "2..5", "2..5"),
    (">=2", [">=2"], ..., ">=2", ">=2"),
    (None, MISSING),
    (["a", None], MISSING),
    ([None], MISSING),
    (("eq", None), MISSING, ..., ..., OPERATOR, MISSING),
    (np.ma.masked, no("masked")),
    (np.ma.array(["ACS", "X"], mask=[False, True]), no("masked")),
    (MaskedColumn(["a", "b"], mask=[False, True]), no("masked")),
    (math.nan, no("nan")),
    ([["a"]], no("list"), ..., ..., no("cannot be compared"), NO_LIST),
    ({"min": 1}, no("accepts no range"), ..., ..., NO_MAPPING, RANGE),
    (b"\xff", no("cannot be decoded as text")),
    (SkyCoord(1, 2, unit="deg"), no("SkyCoord")),
    ([SkyCoord(1, 2, unit="deg")], no("SkyCoord")),
    (np.complex128(1 + 2j), no("complex")),
    (3 * u.s, no("Quantity"), ..., ..., no("unit"), NO_UNIT),
    ([1, 2] * u.s, no("Quantity"), ..., ..., no("unit"), NO_UNIT),
    ("ACS,,STIS", ["ACS,,STIS"], ..., "ACS,,STIS", no("is empty or contains an empty value")),
    (["GALAXY, EXT", "ISM"], ["GALAXY, EXT", "ISM"], ..., ["GALAXY, EXT", "ISM"], no("comma separates")),
    (object(), no("cannot be compared"), ..., ..., ..., no("is a object")),
]

# -- columns of times --------------------------------------------------------------------------------------------------

DAY = Time(59000, format="mjd")
DAYS = ends(gte=59000, lte=59001)
JANUARY = ends(gte=58849, lte=58850)
MOMENT = no("must have one scalar time per limit of the range, got")
NO_DATE = no("must be a date such as '2012-03-14', or a Time, got")
DATES = ["2020-01-01", "2020-01-02"]
TIMES: list[Sequence[Any]] = [
    (DAY + [0, 1] * u.day, span(59000, 59001), DAYS, "2020-05-31T00:00:00..2020-06-01T00:00:00", [59000, 59001]),
    ([DAY, None], span(59000), ends(gte=59000), MISSING, MISSING),
    ((Time("2012-01-01"), None), span(55927), ends(gte=55927), ">=2012-01-01T00:00:00", MISSING),
    ((None, Time("2022-01-01")), span(high=59580), ends(lte=59580), "<=2022-01-01T00:00:00", MISSING),
    ({"min": DAY, "max": DAY + 1 * u.day}, span(59000, 59001), DAYS, NO_MAPPING, span(59000, 59001)),
    (DATES, span(58849, 58850), JANUARY, "2020-01-01,2020-01-02"),
    (
        ("2020-01-01", "2020-01-02T12:00"),
        span(58849, 58850.5),
        ends(gte=58849, lte=58850.5),
        "2020-01-01..2020-01-02T12:00",
    ),
    (
        [date(2020, 1, 1), datetime(2020, 1, 2, tzinfo=UTC)],
        span(58849, 58850),
        JANUARY,
        "2020-01-01,2020-01-02T00:00:00",
        no("date"),
    ),
    (
        ("2012-01", "2012"),
        no("must be a date such as '2012-03-14' or a Modified Julian Date, got"),
        ...,
        "2012-01..2012",
    ),
    (
        (datetime(2012, 1, 1, 6, tzinfo=UTC), None),
        span(55927.25),
        ends(gte=55927.25),
        ">=2012-01-01T06:00:00",
        no("datetime"),
    ),
    (
        np.array(DATES, "datetime64[D]"),
        span(58849, 58850),
        JANUARY,
        told("2020-01-01T00:00:00,2020-01-02T00:00:00"),
        no("datetime64"),
    ),
    ([np.datetime64("2020-01-01T00:00:00", "ns"), None], span(58849), ends(gte=58849), MISSING, no("datetime64")),
    ((None, np.datetime64("2012-01-01T06")), span(high=55927.25), ends(lte=55927.25), "<=2012-01-01T06:00:00", MISSING),
    (np.array([59000, 59001]), span(59000, 59001), DAYS, NO_DATE, [59000, 59001]),
    (">=2022-01-01", span(59580), ends(gte=59580), ">=2022-01-01"),
    (TimeDelta(3, format="jd"), no("TimeDelta")),
    ({"min": DAY + [0, 1] * u.day, "max": 3}, MOMENT, ..., NO_MAPPING, MOMENT),
    ((np.datetime64("NaT", "s"), None), MOMENT, ..., ..., no("datetime64")),
    (np.datetime64("NaT"), MOMENT, ..., ..., no("datetime64")),
    (Time(np.ma.masked_array(59000.0, mask=True), format="mjd"), MOMENT),
    (Time(DATES)[:0], no("empty list")),
]

# -- truths, and lists of nothing --------------------------------------------------------------------------------------

TRUTHS: list[Sequence[Any]] = [
    (True, ["True"], 1),
    (np.bool_(False), ["False"], 0),
    (np.array(True), ["True"], 1),
    ([False, True], ["False", "True"], "0,1"),
    (["true", 0, "F"], ["True", "False"], "true,0,F"),
    ("perhaps", no("must be True or False"), "perhaps"),
    (2, no("must be True or False"), 2),
    (None, NULL),
]
NOTHING: list[Any] = [[], (), set(), np.array([])]
EMPTY: list[Sequence[Any]] = [
    (form, no("is an empty list|is a set, which has no order|tuple of length 0"))
    for form in (*NOTHING, lambda: iter(()))
]

# -- the columns that stand for all of their kind, those of one cell together ------------------------------------------

NUMERIC = [["observations t_exptime", "catalogs Tmag"], ["Pan-STARRS gMeanPSFMag"], ["missions sci_actual_duration"]]
INTEGRAL = [
    ["observations calib_level", "observations obsid", "catalogs KIC"],
    ["Pan-STARRS nDetections", "Pan-STARRS qualityFlag"],
    ["missions sci_pep_id"],
]
TEXTUAL = [
    ["observations obs_id", "observations instrument_name"],
    ["catalogs objType", "catalogs TWOMASS", "catalogs ID"],
    ["Pan-STARRS objName"],
    ["missions sci_targname", "missions sci_instrume"],
]
TEMPORAL = [["observations t_min"], ["Pan-STARRS epochMean"], ["missions sci_start_time"]]
LOGICAL = [["observations mtFlag"], ["missions sci_hapnum"]]
TABLES = [
    (NUMERIC, NUMBERS),
    (INTEGRAL, WHOLE),
    (TEXTUAL, TEXTS),
    (TEMPORAL, TIMES),
    (LOGICAL, TRUTHS),
    *((columns, EMPTY) for columns in (NUMERIC, INTEGRAL, TEXTUAL, LOGICAL)),
]


def cases() -> Iterator[tuple[str, Any, Any]]:
    """Yield every column of every table with each form, and the expected request."""
    for columns, rows in TABLES:
        for form, *cells in rows:
            given = cells * (len(columns) + 1) if len(cells) == 1 else cells
            given = given if len(given) > len(columns) else [*given, as_it_is(form)]
            before = None
            for names, cell in zip([*columns, ["any x"]], given, strict=True):
                before = before if isinstance(cell, EllipsisType) else cell
                yield from ((name, form, before) for name in names)
            if isinstance(before, no):
                yield "any ra", form, before


# -- forms for the values of an answer, and the rows that they keep ----------------------------------------------------


def forms(values: list[Any], *, numbers: bool, continuous: bool) -> list[Any]:
    """Return the valid forms for a column with these values."""
    first, middle, last = values[0], values[len(values) // 2], values[-1]
    if numbers:
        low, high = sorted((first, middle))
        ranges = [
            f"{low}..{high}",
            f">={middle}",
            f"<={middle}",
            f">{middle}",
            f"<{middle}",
            f"!{middle}",
            [f"!{middle}"],
        ]
        return ranges if continuous else [*ranges, middle, [first, last], str(middle), [first, middle, f"!{middle}"]]
    if isinstance(middle, bool):
        return [middle, str(middle), [middle], f"!{middle}"]
    stem = str(middle)[:4]
    return [
        middle,
        [first, last],
        f"{stem}*",
        f"*{str(middle)[-3:]}",
        f"!{middle}",
        [f"!{stem}*"],
        [f"{stem}*", f"!{middle}"],
    ]


def meeting(column: MaskedColumn, form: Any) -> Any:
    """Return which cells of a column match a criterion, by the filters of products; missing values never match."""
    cells = cells_of(column.name or "", column)
    known = ~np.ma.getmaskarray(column) & (column.data.data.astype(str) != "")
    return condition_mask(read_filter(form, cells), cells) & known
