"""Common mistakes in ADQL queries, and the advice that is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from astroquery_mast import VO, Observations, VOClass
from astroquery_mast.exceptions import BadRequestError, InvalidArgumentError, MaxResultsWarning, NoResultsWarning
from astroquery_mast.query.mistakes import Known, advice, is_query
from astroquery_mast.sandbox import Fault, Sandbox

pytestmark = pytest.mark.usefixtures("mast_sandbox")

SELECT = "SELECT TOP 3 obs_id FROM dbo.obspointing"
KNOWN = Known(["dbo.obspointing"], {"obs_id": "char", "obs_collection": "char", "calib_level": "int"})

REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a table": (
        "SELECT obs_id FROM dbo.obspointings",
        {},
        "Table 'dbo.obspointings' not found. Did you mean 'dbo.obspointing'?",
    ),
    "a table without its schema": (
        "SELECT obs_id FROM obscore",
        {},
        "Table 'obscore' not found. Did you mean 'ivoa.obscore'?",
    ),
    "a table of another catalog": (
        "SELECT id FROM dbo.CatalogRecord",
        {},
        "Table 'dbo.CatalogRecord' not found. Available: ",
    ),
    "a column": (
        "SELECT obs_ids FROM dbo.obspointing",
        {},
        "Column 'obs_ids' not found. Did you mean 'obs_id', ",
    ),
    "a column of a joined table": (
        "SELECT a.datauris FROM dbo.obspointing AS o JOIN dbo.caomartifact AS a ON a.planetid = o.objid",
        {},
        "Column 'a.datauris' not found. Did you mean 'datauri'",
    ),
    "no quotation marks": (f"{SELECT} WHERE obs_collection = HST", {}, "Put text in quotes: 'HST'."),
    "double quotation marks": (
        f'{SELECT} WHERE obs_collection = "HST"',
        {},
        "Put text in single quotes: 'HST'. Double quotes are for column names.",
    ),
    "an open quotation mark": (f"{SELECT} WHERE obs_collection = 'HST", {}, "A quote is not closed."),
    "text for a number": (
        f"{SELECT} WHERE calib_level = 'three'",
        {},
        "'calib_level' is a numeric column, got 'three'",
    ),
    "a date for a day": (f"{SELECT} WHERE t_min > '2020-01-01'", {}, "Modified Julian Dates: Time('2020-01-01').mjd."),
    "LIMIT": ("SELECT obs_id FROM dbo.obspointing LIMIT 10", {}, "Start the query with SELECT TOP 10"),
    "two signs": (f"{SELECT} WHERE obs_collection == 'HST'", {}, "Use = instead of == in ADQL"),
    "as a job": ("SELECT obs_ids FROM dbo.obspointing", {"run_async": True}, "Did you mean 'obs_id', "),
    "in pages": ("SELECT obs_ids FROM dbo.obspointing", {"limit": None}, "Did you mean 'obs_id', "),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_rejected_query_raises_with_advice(mistake: str) -> None:
    """The message of the service is followed by a sentence on what is probably wrong."""
    adql, options, message = REFUSED[mistake]
    with pytest.raises(BadRequestError) as caught:
        VO.query_tap(adql, **options)
    assert message in str(caught.value)
    assert str(caught.value).count("There is no") <= 1


def test_a_rejected_query_in_pages_raises_with_advice() -> None:
    """The error is raised with the first page."""
    with pytest.raises(BadRequestError, match="Did you mean 'obs_id', "):
        next(VO.query_tap_iter("SELECT obs_ids FROM dbo.obspointing"))


NO_QUERIES = {
    "the name of a table": "dbo.obspointing",
    "a condition": "obs_collection = 'HST'",
    "something else": "DELETE FROM dbo.obspointing",
    "a comment alone": "-- SELECT",
}


@pytest.mark.parametrize("case", NO_QUERIES)
def test_text_that_is_not_a_query_is_not_sent(mast_sandbox: Sandbox, case: str) -> None:
    """The error says how a query must start."""
    with pytest.raises(InvalidArgumentError, match="adql must be a query that starts with SELECT, got"):
        VO.query_tap(NO_QUERIES[case])
    assert not mast_sandbox.requests.of("vo_tap")


FINE: dict[str, tuple[str, dict[str, Any]]] = {
    "a semicolon at the end": (f"{SELECT};  ", {}),
    "a number of numpy": (
        SELECT.replace("TOP 3 ", "") + " WHERE objid < 0 OR obs_id = 'j97c01010'",
        {"limit": np.int64(3)},
    ),
    "a catalog in capitals": ("SELECT TOP 3 id FROM dbo.CatalogRecord", {"catalog": " TIC "}),
    "names in any case": ("select top 3 OBS_ID from DBO.ObsPointing", {}),
    "a comment before it": (f"-- three\n{SELECT}", {}),
    "parentheses": ("WITH q AS (SELECT obs_id FROM dbo.obspointing) SELECT TOP 3 obs_id FROM q", {}),
}


@pytest.mark.parametrize("case", FINE)
def test_unambiguous_queries_are_accepted(case: str) -> None:
    """Semicolons, upper case, comments and numpy numbers are valid."""
    adql, options = FINE[case]
    assert 1 <= len(VO.query_tap(adql, **options)) <= 3


def test_a_semicolon_is_not_sent(mast_sandbox: Sandbox) -> None:
    """Services may read a semicolon as the beginning of another query."""
    VO.query_tap(f"{SELECT};\n")
    (sent,) = mast_sandbox.requests.of("vo_tap")
    assert b"%3B" not in sent.body
    assert b";" not in sent.body


def test_an_asterisk_in_a_pattern_causes_a_warning() -> None:
    """The asterisk is an ordinary character in ADQL and matches nothing."""
    with pytest.warns(NoResultsWarning, match=r"In LIKE, the wildcard is % and not \*, as in 'j97\*'"):
        VO.query_tap(f"{SELECT} WHERE obs_id LIKE 'j97*'")
    with pytest.warns(NoResultsWarning) as caught:
        VO.query_tap(f"{SELECT} WHERE obs_id LIKE 'nothing%'")
    assert "wildcard" not in str(caught[0].message)


def test_observations_give_the_same_advice() -> None:
    """Observations.query_tap uses the same code."""
    with pytest.raises(BadRequestError, match="Did you mean 'obs_id'"):
        Observations.query_tap("SELECT obs_ids FROM dbo.obspointing")
    with pytest.warns(MaxResultsWarning):
        assert len(Observations.query_tap(SELECT, limit=2)) == 2


def test_an_error_has_no_advice_if_the_columns_are_unknown(mast_sandbox: Sandbox) -> None:
    """The error is that of the query, without a delay."""
    mast_sandbox.faults.add("vo_tap", Fault.status(404), times=None, where=lambda record: b"tap_schema" in record.body)
    with pytest.raises(BadRequestError, match="obs_ids") as caught:
        VOClass().query_tap("SELECT obs_ids FROM dbo.obspointing")
    assert "Did you mean" not in str(caught.value)


WORDS: dict[str, tuple[str, str, list[str]]] = {
    "SQL Server, a column": (
        "SELECT obs_idd FROM dbo.obspointing",
        "Invalid column name 'obs_idd'.",
        ["Column 'obs_idd' not found. Did you mean 'obs_id'?"],
    ),
    "SQL Server, text": (
        f"{SELECT} WHERE obs_collection = HST",
        "Invalid column name 'HST'.",
        ["Put text in quotes: 'HST'."],
    ),
    "a name that is not in the query": (SELECT, "Invalid column name 'something'.", []),
    "words that name nothing": (SELECT, "Internal error.", []),
    "a column that is there": (SELECT, "Ambiguous column name 'obs_id'.", []),
    "no quotation marks in the message": (
        "SELECT o.obs_idd FROM dbo.obspointing AS o",
        "Unknown column: obs_idd.",
        ["Column 'o.obs_idd' not found. Did you mean 'obs_id'?"],
    ),
}


@pytest.mark.parametrize("case", WORDS)
def test_quoted_names_in_messages_are_used_for_advice(case: str) -> None:
    """A name that the service quotes is searched for in the query."""
    adql, message, expected = WORDS[case]
    assert advice(adql, ["dbo.obspointing"], message, KNOWN) == expected


@pytest.mark.parametrize(
    "text", ["SELECT 1", " with q as (select 1) select 1", "(SELECT 1) UNION (SELECT 2)", "--x\nSELECT"]
)
def test_queries_are_recognized(text: str) -> None:
    """Any string may precede the first keyword."""
    assert is_query(text)
