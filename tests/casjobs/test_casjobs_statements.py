"""The analysis of SQL statements, and the names that are allowed in them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.casjobs.statements import checked_context, plain_name, read_statement
from astroquery_mast.exceptions import InvalidArgumentError

PIECES = st.lists(
    st.sampled_from(
        [
            *("SELECT", "FROM", "INTO", "WHERE", "a", "b.c", "'it''s FROM'", "[x INTO y]", '"q"', "-- SELECT INTO z\n"),
            *(
                "/* FROM */",
                "(SELECT 1 FROM t)",
                "f(a, b)",
                "CASE",
                "END",
                ",",
                "*",
                "1",
                "UNION",
                ";",
                "@v",
                "=",
                "ORDER BY",
            ),
        ]
    ),
    max_size=12,
)


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        ("SELECT a FROM t", "SELECT a\nINTO MyDB.[new]\nFROM t"),
        (
            "select top 5 * from t where a in (select b from c)",
            "select top 5 *\nINTO MyDB.[new]\nfrom t where a in (se",
        ),
        ("SELECT 1 AS a -- from here", "SELECT 1 AS a -- from here\nINTO MyDB.[new]\n"),
        ("SELECT 'into x' AS [from], a FROM t", "SELECT 'into x' AS [from], a\nINTO MyDB.[new]\nFROM t"),
        (
            "WITH c AS (SELECT a FROM b) SELECT a FROM c",
            "WITH c AS (SELECT a FROM b) SELECT a\nINTO MyDB.[new]\nFROM c",
        ),
        ("SELECT a FROM t UNION SELECT a FROM u", "SELECT a\nINTO MyDB.[new]\nFROM t UNION SELECT a FROM u"),
        ("DECLARE @r float; SELECT @r = 1; SELECT x FROM f(@r)", "DECLARE @r float; SELECT @r = 1; SELECT x\nINTO MyD"),
        ("SELECT 1 AS a;", "SELECT 1 AS a\nINTO MyDB.[new]\n;"),
        ("SELECT (SELECT MAX(b) FROM u) AS m FROM t", "SELECT (SELECT MAX(b) FROM u) AS m\nINTO MyDB.[new]\nFROM t"),
        (
            "SELECT COUNT(*), a, MAX(b) m, dbo.f(a) FROM t",
            "SELECT COUNT(*) AS Column1, a, MAX(b) m, dbo.f(a) AS Column2\n",
        ),
        (
            "SELECT TOP (5) (a), [f](a) AS c, CASE WHEN (a = 1) THEN 2 END",
            "SELECT TOP (5) (a), [f](a) AS c, CASE WHEN (a = 1) THEN 2 END AS Column1\nINTO",
        ),
        (
            "SELECT DISTINCT (a), COUNT(*) OVER (PARTITION BY b) -- n",
            "SELECT DISTINCT (a), COUNT(*) OVER (PARTITION BY b) AS Column1 -- n\nINTO",
        ),
        ("/* SELECT INTO */ SELECT a FROM t", "/* SELECT INTO */ SELECT a\nINTO MyDB.[new]\nFROM t"),
    ],
)
def test_an_into_is_added_after_the_columns(sql: str, written: str) -> None:
    """The INTO follows the columns of the outer SELECT, and is never added to text, comments or subqueries."""
    assert read_statement(sql).with_into("new").startswith(written)


@pytest.mark.parametrize(
    ("sql", "into"),
    [
        ("SELECT a INTO MyDB.five FROM t", "five"),
        ("select a into [MyDB].[dbo].[my table] from t", "my table"),
        ("SELECT a INTO five FROM t", "five"),
        ("INSERT INTO MyDB.five SELECT a FROM t", "five"),
        ("SELECT a INTO five", "five"),
        ("SELECT a INTO", None),
        ("UPDATE five SET a = 1", None),
        ("DROP TABLE five", None),
        ("EXEC spDoIt", None),
    ],
)
def test_statements_without_rows_are_recognized(sql: str, into: str | None) -> None:
    """No INTO can be added to such a statement, and it is not sent twice."""
    statement = read_statement(sql)
    assert statement.into == into
    assert not statement.only_reads
    with pytest.raises(InvalidArgumentError, match="The query already has an INTO" if into else "no rows"):
        statement.with_into("new")


@pytest.mark.parametrize("sql", ["", "  \n", None, 5, b"SELECT 1"])
def test_a_query_must_be_text(sql: Any) -> None:
    """Other values raise an error before a request."""
    with pytest.raises(InvalidArgumentError, match="must be a string of SQL"):
        read_statement(sql)


@given(PIECES)
def test_only_an_into_is_added_to_a_statement(pieces: list[str]) -> None:
    """The rest of the statement is unchanged, and the INTO is found when the statement is read again."""
    sql = " ".join(["SELECT x", *pieces])
    statement = read_statement(sql)
    if statement.place is not None:
        written = statement.with_into("new_table")
        less = re.sub(r" AS Column\d+", "", written.replace("\nINTO MyDB.[new_table]\n", "", 1))
        assert re.sub(r"\s+", "", less) == re.sub(r"\s+", "", sql)
        assert read_statement(written).into == "new_table"
        assert read_statement(written).place is None


@given(st.one_of(st.text(), st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True)))
def test_a_name_is_plain_or_raises(name: str) -> None:
    """Only names can become part of a statement."""
    plain = re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) is not None and len(name) <= 128
    if plain:
        assert plain_name(name) == name
        assert read_statement("SELECT a FROM t").with_into(name).count(f"[{name}]") == 1
    else:
        with pytest.raises(InvalidArgumentError, match="is not a valid name of a table"):
            plain_name(name)


@pytest.mark.parametrize("name", ["x; DROP TABLE y", "x]]", "x'--", "x y", "1x", "", "é", "x" * 129, None, 5, "a.b.c"])
def test_an_invalid_table_name_raises(name: Any) -> None:
    """No quote, bracket, blank or comment can get into SQL as part of a name."""
    with pytest.raises(InvalidArgumentError):
        read_statement("SELECT a FROM t").with_into(name)


def test_mydb_may_be_written_in_any_case() -> None:
    """The service knows it as MYDB; other contexts are not changed."""
    assert [checked_context(name) for name in ("MyDB", "mydb", "MYDB", "HSCv3")] == ["MYDB", "MYDB", "MYDB", "HSCv3"]
    with pytest.raises(InvalidArgumentError, match="name of a context"):
        checked_context("HSCv3; DROP")
