"""Criteria in ADQL: the clause for each form, and that no input can change the structure of a query."""

from __future__ import annotations

import math
import sqlite3
import warnings
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import numpy as np
import pytest
import sqlglot
from astropy import units as u
from astropy.table import Column as TableColumn
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from criteria_forms import DAY, no, told
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from astroquery_mast.exceptions import InputWarning, InvalidQueryError
from astroquery_mast.query.adql import (
    AdqlQuery,
    adql_clauses,
    circle_text,
    identifier,
    polygon_text,
    table_identifier,
    within_text,
)
from astroquery_mast.query.selection import SortKey
from astroquery_mast.tables.columns import Column, Kind, kind_of


def column(name: str, type_name: str, unit: str = "", *, is_time: bool = False) -> Column:
    """Return a column as a TAP service describes it."""
    continuous = kind_of(type_name) is Kind.FLOAT
    return Column(name, name, type_name, unit, continuous=continuous, is_time=is_time)


COLUMNS = {
    each.name: each
    for each in (
        column("id", "long"),
        column("tmag", "float", "mag"),
        column("ra", "double", "deg"),
        column("teff", "real", "K"),
        column("objtype", "char(16)"),
        column("numcont", "short"),
        column("primary", "boolean"),
        column("observed", "timestamp", is_time=True),
        column("t_min", "double", "d", is_time=True),
        column("odd", "region"),
    )
}

WRITTEN: list[tuple[str, Any, Any]] = [
    ("tmag", 10, told("tmag = 10")),
    ("tmag", 10.5, told("tmag = 10.5")),
    ("tmag", [10, 20], "tmag BETWEEN 10 AND 20"),
    ("tmag", (10, 20.5), "tmag BETWEEN 10 AND 20.5"),
    ("tmag", np.array([8.0, 10.0]), "tmag BETWEEN 8 AND 10"),
    ("tmag", "8..10", "tmag BETWEEN 8 AND 10"),
    ("tmag", "-1.5..2e1", "tmag BETWEEN -1.5 AND 20"),
    ("tmag", "5..", "tmag >= 5"),
    ("tmag", (None, 5), "tmag <= 5"),
    ("tmag", {"min": 5, "max": math.inf}, "tmag >= 5"),
    ("tmag", "<10", "tmag < 10"),
    ("tmag", ("gte", 8), "tmag >= 8"),
    ("tmag", [("min", 8), ("lt", 10)], "tmag >= 8 AND tmag < 10"),
    ("tmag", ["<10", ">18"], "(tmag < 10 OR tmag > 18)"),
    ("tmag", np.array(["<10", ">18"]), "(tmag < 10 OR tmag > 18)"),
    ("tmag", ["5..6", "8..9", "!8.5"], "(tmag BETWEEN 5 AND 6 OR tmag BETWEEN 8 AND 9) AND NOT (tmag = 8.5)"),
    ("tmag", [[1, 2], (3, 4)], "(tmag BETWEEN 1 AND 2 OR tmag BETWEEN 3 AND 4)"),
    ("tmag", "!<5", "NOT (tmag < 5)"),
    ("tmag", "!5..6", "NOT (tmag BETWEEN 5 AND 6)"),
    ("tmag", ["!<5", "!>9"], "NOT (tmag < 5) AND NOT (tmag > 9)"),
    ("tmag", [["<5", 3]], no("must be a number, got")),
    ("tmag", ["<5", ("neq", 3)], no("' combines 'neq' with other values")),
    ("tmag", [5, ("gt", 6)], no("to apply all of them")),
    ("tmag", {5, 6}, no("no order")),
    ("tmag", (1, 2, 3), no("3 values")),
    ("tmag", None, no("must be a number, got")),
    ("tmag", math.nan, no("NaN")),
    ("tmag", [], no("empty list")),
    ("tmag", "1..2 OR 1=1", no("must be a number, got")),
    ("tmag", "<10; DROP TABLE x", no("must be a number, got")),
    ("tmag", "!<10)--", no("must be a number, got")),
    ("tmag", "5*", no("must be a number, got")),
    ("tmag", True, no("must be a number, got")),
    ("tmag", 3 * u.m, no("cannot be converted")),
    ("teff", 5000 * u.K, told("teff = 5000")),
    ("teff", (3 * u.kK, None), "teff >= 3000"),
    ("ra", (350, 10), "(ra BETWEEN 350 AND 360 OR ra BETWEEN 0 AND 10)"),
    ("ra", "!350..10", "NOT (ra BETWEEN 350 AND 360) AND NOT (ra BETWEEN 0 AND 10)"),
    ("id", 261136679, "id = 261136679"),
    ("id", "261136679", "id = 261136679"),
    ("id", 2**63 - 1, f"id = {2**63 - 1}"),
    ("id", [3, 1, 3], "id IN (3, 1)"),
    ("id", (1, 2), "id IN (1, 2)"),
    ("id", np.array([1, 2]), "id IN (1, 2)"),
    ("id", {1, 2}, "id IN (1, 2)"),
    ("id", TableColumn([1, 2]), "id IN (1, 2)"),
    ("id", MaskedColumn([1, 2], mask=[False, True]), no("masked")),
    ("id", [7, ">=9"], "(id = 7 OR id >= 9)"),
    ("id", ["!7", "!8"], "NOT (id = 7) AND NOT (id = 8)"),
    ("id", ["7*"], no("Patterns work on text columns only")),
    ("id", 1e17, no("which cannot represent such a large integer exactly")),
    ("id", "1 OR 1=1", no("'id' is an integer column, got '1 OR 1=1'")),
    ("numcont", ">=2.5", "numcont >= 2.5"),
    ("numcont", True, "numcont = 1"),
    ("numcont", ("neq", 3), "NOT (numcont = 3)"),
    ("primary", True, '"primary" = 1'),
    ("primary", [False, True], '"primary" IN (0, 1)'),
    ("primary", "maybe", no("'primary' must be True or False, got 'maybe'")),
    ("objtype", "STAR", "objtype = 'STAR'"),
    ("objtype", b"STAR", "objtype = 'STAR'"),
    ("objtype", 5, "objtype = '5'"),
    ("objtype", "it's", "objtype = 'it''s'"),
    ("objtype", "' OR '1'='1", "objtype = ''' OR ''1''=''1'"),
    ("objtype", ["STAR", "EXTENDED"], "objtype IN ('STAR', 'EXTENDED')"),
    ("objtype", "V* EV Lac", "objtype = 'V* EV Lac'"),
    ("objtype", "S*R", "objtype LIKE 'S%R'"),
    ("objtype", "S%'--", "objtype LIKE 'S%''--'"),
    ("objtype", "S_R", "objtype = 'S_R'"),
    ("objtype", ["S**", "EXT", "G"], "(objtype IN ('EXT', 'G') OR objtype LIKE 'S%')"),
    ("objtype", ["NIR*", "!NIRISS*"], "objtype LIKE 'NIR%' AND NOT (objtype LIKE 'NIRISS%')"),
    ("objtype", ("contains", "TA"), "objtype LIKE '%TA%'"),
    ("objtype", ("like", "STA%"), "objtype LIKE 'STA%'"),
    ("objtype", ("like", "STAR"), "objtype LIKE 'STAR'"),
    ("objtype", "!STAR", "NOT (objtype = 'STAR')"),
    ("objtype", "<10", "objtype = '<10'"),
    ("objtype", None, no("missing value")),
    ("objtype", "a\nb", no("contains non-printable characters, which are not allowed in a query")),
    ("objtype", "a\0b", no("contains non-printable characters, which are not allowed in a query")),
    ("odd", "x", "odd = 'x'"),
    ("observed", Time("2020-01-01"), told("observed >= '2020-01-01 00:00:00' AND observed < '2020-01-01 00:00:01'")),
    (
        "observed",
        (date(2020, 1, 1), "2020-02-01T12:00:00.5"),
        "observed BETWEEN '2020-01-01 00:00:00' AND '2020-02-01 12:00:00.500'",
    ),
    ("observed", "2020-01-01..", "observed >= '2020-01-01 00:00:00'"),
    ("observed", ">2020-01-01", "observed > '2020-01-01 00:00:00'"),
    ("observed", [Time("2020-01-01"), None], "observed >= '2020-01-01 00:00:00'"),
    ("observed", "!2020-01-01..2020-01-02", "NOT (observed BETWEEN '2020-01-01 00:00:00' AND '2020-01-02 00:00:00')"),
    ("observed", "yesterday", no("must be a date such as '2012-03-14' or a Modified Julian Date, got")),
    ("observed", ">1e30", no("which cannot be converted to a calendar date")),
    ("t_min", (DAY, None), "t_min >= 59000"),
    ("t_min", ">=2022-01-01", "t_min >= 59580"),
    ("t_min", datetime(2020, 1, 1, 12), told("t_min = 58849.5")),
    ("TMAG", "<10", "tmag < 10"),
    ("tmg", "<10", no("Did you mean 'tmag'")),
    ("tmag) OR (1=1", "<10", no("does not exist")),
]


@pytest.mark.filterwarnings("ignore:.*is matched as text:astroquery.exceptions.InputWarning")
@pytest.mark.parametrize(("name", "value", "expected"), WRITTEN, ids=[f"{n}={v!r}"[:60] for n, v, _ in WRITTEN])
def test_each_form_is_a_clause_or_raises(name: str, value: Any, expected: Any) -> None:
    """A value for a column becomes one clause, or an error."""
    if isinstance(expected, no):
        with pytest.raises(InvalidQueryError, match=expected), warnings.catch_warnings():
            warnings.simplefilter("ignore", InputWarning)
            adql_clauses({name: value}, COLUMNS)
    elif isinstance(expected, told):
        with pytest.warns(InputWarning, match="is continuous"):
            assert adql_clauses({name: value}, COLUMNS).texts == (expected.cell,)
    else:
        found = adql_clauses({name: value}, COLUMNS)
        assert (found.texts, found.tests) == ((expected,), ())


@pytest.mark.parametrize(
    ("value", "text", "kept"),
    [
        ("A_*", "objtype LIKE 'A_%'", ["A_1"]),
        ("*[1]", "objtype LIKE '%_1_'", ["b[1]"]),
        ("!A_*", "", ["Ab1", "b[1]", "B1"]),
        (["A_*", "B1"], "(objtype = 'B1' OR objtype LIKE 'A_%')", ["A_1", "B1"]),
        (["B*", "!B_*"], "objtype LIKE 'B%'", ["b[1]", "B1"]),
    ],
)
def test_an_underscore_matches_only_itself(value: Any, text: str, kept: list[str]) -> None:
    """An underscore in LIKE matches any character, so that only the matching rows of the response are kept."""
    found = adql_clauses({"objType": value}, COLUMNS)
    assert found.texts == ((text,) if text else ())
    (test,) = found.tests
    table = Table({"OBJTYPE": MaskedColumn(["A_1", "Ab1", "b[1]", "B1", "?"], mask=[0, 0, 0, 0, 1])})
    assert table["OBJTYPE"][test.of(table)].tolist() == kept


def test_the_clauses_of_a_query_are_in_order() -> None:
    """The order is columns, table, conditions, sorting, and offset; a count has only conditions."""
    query = AdqlQuery(
        "tic_v82.source", ("id", "order"), ("tmag < 10", "id = 3"), (SortKey("tmag", descending=True),), 10, 20
    )
    source = "FROM tic_v82.source WHERE tmag < 10 AND id = 3"
    assert query.text == f'SELECT TOP 10 id, "order" {source} ORDER BY tmag DESC OFFSET 20'
    assert query.count_text == f"SELECT COUNT(*) AS count_all {source}"
    assert replace(query, columns=(), clauses=(), order=(), limit=None, offset=0).text == "SELECT * FROM tic_v82.source"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ra", "ra"),
        ("A_F475W", "A_F475W"),
        ("order", '"order"'),
        ("3d", '"3d"'),
        ("a b", '"a b"'),
        ('a"b', '"a""b"'),
        ('"size"', '"size"'),
    ],
)
def test_unusual_names_are_quoted(name: str, text: str) -> None:
    """Columns may have reserved words or blanks in their names."""
    assert identifier(name) == text


def test_names_of_tables_have_parts() -> None:
    """The schema and the table are quoted separately."""
    assert table_identifier("dbo.obspointing") == "dbo.obspointing"
    assert table_identifier("3dhst.order") == '"3dhst"."order"'
    assert table_identifier('dbo."a.b"') == 'dbo."a.b"'


def test_coordinates_are_exact() -> None:
    """Numbers are written with all digits."""
    circle, triangle = circle_text(10.684708, -41.26875, 1e-05), polygon_text([(359, -1), (1, 0), (359, 1)])
    assert circle == "CIRCLE('ICRS', 10.684708, -41.26875, 1e-05)"
    assert triangle == "POLYGON('ICRS', 359, -1, 1, 0, 359, 1)"
    assert within_text(("ra", '"dec"'), circle) == f"CONTAINS(POINT('ICRS', ra, \"dec\"), {circle}) = 1"


# -- whatever is given -------------------------------------------------------------------------------------------------

SPITE = ["' OR 1=1 --", "'; DROP TABLE source; --", "/* */", "\\'", "' UNION SELECT * FROM x --", "1)--", '"', "*_%[a]"]
TEXT = (
    st.text(max_size=12) | st.sampled_from(SPITE) | st.builds("".join, st.lists(st.sampled_from(list("A_*%!'<>=.5"))))
)
NUMBER = st.floats(width=32) | st.integers(-(2**63), 2**63 - 1)
SCALAR = TEXT | NUMBER | st.none() | st.booleans() | st.binary(max_size=4) | st.datetimes()
VALUE = (
    SCALAR
    | st.lists(SCALAR, max_size=4)
    | st.tuples(SCALAR, SCALAR)
    | st.sets(st.integers(0, 9) | st.text(max_size=3), max_size=3)
    | st.builds(lambda low, high: f"{low}..{high}", SCALAR, SCALAR)
    | st.builds(lambda operator, end: f"{operator}{end}", st.sampled_from(["<", ">=", "!", "!<", "!="]), SCALAR)
)


NAMES = """\
Select Star From Table Identifier Where Limit And Or Paren Not Column Literal In Between Like Neg EQ LT LTE GT GTE
"""
NODES = tuple(
    getattr(exp, name)
    for name in [
        "Select",
        "Star",
        "From",
        "Table",
        "Identifier",
        "Where",
        "Limit",
        "And",
        "Or",
        "Paren",
        "Not",
        "Column",
        "Literal",
        "In",
        "Between",
        "Like",
        "Neg",
        "EQ",
        "LT",
        "LTE",
        "GT",
        "GTE",
    ]
)


def parsed(text: str) -> exp.Expression:
    """Return the single statement in a text."""
    statements = sqlglot.parse(text, dialect="tsql")
    assert len(statements) == 1
    (statement,) = statements
    assert isinstance(statement, exp.Select)
    return statement


@given(st.dictionaries(st.sampled_from(sorted(COLUMNS)), VALUE, min_size=1, max_size=3))
def test_any_value_gives_one_select_of_known_names_or_raises(criteria: dict[str, Any]) -> None:
    """No value can end a text, or add a statement, a comment or a name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            clauses = adql_clauses(criteria, COLUMNS)
    except InvalidQueryError:
        return
    text = AdqlQuery("tic_v82.source", (), clauses.texts, limit=5).text
    statement = parsed(text)
    assert {each.name for each in statement.find_all(exp.Column)} <= set(criteria)
    assert [each.name for each in statement.find_all(exp.Table)] == ["source"]
    assert not any(node.comments for node in statement.walk())
    assert all(isinstance(node, NODES) for node in statement.walk())


CELLS = ["STAR", "S_AR", "STTAR", "it's", "A*", "A", "", "<10", "5", None]
ROWS = [(number, tmag, cell) for number, tmag in [(1, 5.0), (2, 6.5), (3, None)] for cell in CELLS]
SQL = sqlite3.connect(":memory:", check_same_thread=False)
SQL.execute("CREATE TABLE source (id INTEGER, tmag REAL, objtype TEXT)")
SQL.executemany("INSERT INTO source VALUES (?, ?, ?)", ROWS)
PIECES = st.lists(st.sampled_from(["S", "T", "A", "R", "_", "*", "%", "it's", "[", "5"]), max_size=5).map("".join)


def matches(pattern: str, text: str) -> bool:
    """Return whether a text matches a pattern, by trying all ways."""
    if not pattern:
        return not text
    if pattern[0] in "*%":
        return any(matches(pattern[1:], text[place:]) for place in range(len(text) + 1))
    return bool(text) and pattern[0].lower() == text[0].lower() and matches(pattern[1:], text[1:])


def rows_found(criteria: dict[str, Any]) -> list[Any]:
    """Return the rows that a database sends, without those that the tests of the package remove."""
    clauses = adql_clauses(criteria, COLUMNS)
    found = SQL.execute(AdqlQuery("source", (), clauses.texts).text).fetchall()
    if not found:
        return []
    table = Table({"objtype": MaskedColumn([row[2] or "" for row in found], mask=[row[2] is None for row in found])})
    keep = [all(tests) for tests in zip(*(test.of(table) for test in clauses.tests), strict=True)] or [True] * len(
        found
    )
    return [row for row, kept in zip(found, keep, strict=True) if kept]


@given(st.lists(PIECES, min_size=1, max_size=3), st.lists(PIECES.filter(bool), max_size=2))
def test_text_criteria_match_the_right_rows(wanted: list[str], excluded: list[str]) -> None:
    """A database and the tests of the package keep the rows that match one of the patterns, and no excluded ones."""
    meant = [
        row
        for row in ROWS
        if row[2] is not None
        and any(matches(each, row[2]) if set(each) & {"*", "%"} else each == row[2] for each in wanted)
        and not any(matches(each, row[2]) if set(each) & {"*", "%"} else each == row[2] for each in excluded)
    ]
    assert rows_found({"objtype": [*wanted, *(f"!{each}" for each in excluded)]}) == meant


@given(st.floats(4, 8), st.floats(4, 8), st.booleans(), st.integers(1, 3))
def test_numeric_criteria_match_the_right_rows(one: float, other: float, negated: bool, number: int) -> None:
    """Ranges and their negations match the right rows, and rows without a number match neither."""
    low, high = sorted((one, other))
    sign = "!" if negated else ""
    meant = [row for row in ROWS if row[1] is not None and (low <= row[1] <= high) is not negated and row[0] >= number]
    assert rows_found({"tmag": f"{sign}{low!r}..{high!r}", "id": f">={number}"}) == meant
