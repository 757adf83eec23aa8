"""Usual mistakes in queries in ADQL, and what is said of them."""

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
def test_a_refusal_says_what_to_write_instead(mistake: str) -> None:
    """After the words of the service there is a sentence on what is probably wrong."""
    adql, options, said = REFUSED[mistake]
    with pytest.raises(BadRequestError) as caught:
        VO.query_tap(adql, **options)
    assert said in str(caught.value)
    assert str(caught.value).count("There is no") <= 1


def test_a_refusal_of_pages_says_so_as_well() -> None:
    """It comes with the first page."""
    with pytest.raises(BadRequestError, match="Did you mean 'obs_id', "):
        next(VO.query_tap_iter("SELECT obs_ids FROM dbo.obspointing"))


NO_QUERIES = {
    "the name of a table": "dbo.obspointing",
    "a condition": "obs_collection = 'HST'",
    "something else": "DELETE FROM dbo.obspointing",
    "a comment alone": "-- SELECT",
}


@pytest.mark.parametrize("case", NO_QUERIES)
def test_what_is_no_query_is_not_sent(mast_sandbox: Sandbox, case: str) -> None:
    """It is refused with what a query begins with."""
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
def test_what_is_meant_clearly_is_asked(case: str) -> None:
    """Semicolons, capitals, comments and numbers of numpy are no mistakes."""
    adql, options = FINE[case]
    assert 1 <= len(VO.query_tap(adql, **options)) <= 3


def test_a_semicolon_is_not_sent(mast_sandbox: Sandbox) -> None:
    """Services may take it for the beginning of another query."""
    VO.query_tap(f"{SELECT};\n")
    (sent,) = mast_sandbox.requests.of("vo_tap")
    assert b"%3B" not in sent.body
    assert b";" not in sent.body


def test_an_asterisk_in_a_pattern_is_told_of() -> None:
    """It finds nothing, because it is a letter as any other."""
    with pytest.warns(NoResultsWarning, match=r"In LIKE, the wildcard is % and not \*, as in 'j97\*'"):
        VO.query_tap(f"{SELECT} WHERE obs_id LIKE 'j97*'")
    with pytest.warns(NoResultsWarning) as caught:
        VO.query_tap(f"{SELECT} WHERE obs_id LIKE 'nothing%'")
    assert "wildcard" not in str(caught[0].message)


def test_mistakes_in_queries_for_observations_are_told_of_as_well() -> None:
    """It is the same road."""
    with pytest.raises(BadRequestError, match="Did you mean 'obs_id'"):
        Observations.query_tap("SELECT obs_ids FROM dbo.obspointing")
    with pytest.warns(MaxResultsWarning):
        assert len(Observations.query_tap(SELECT, limit=2)) == 2


def test_a_refusal_is_told_without_advice_if_the_service_does_not_say_what_it_has(mast_sandbox: Sandbox) -> None:
    """The error is still that of the query, at once."""
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
def test_words_of_other_services_are_understood_where_they_name_something(case: str) -> None:
    """What a service has in quotation marks is looked for in the query."""
    adql, said, expected = WORDS[case]
    assert advice(adql, ["dbo.obspointing"], said, KNOWN) == expected


@pytest.mark.parametrize(
    "text", ["SELECT 1", " with q as (select 1) select 1", "(SELECT 1) UNION (SELECT 2)", "--x\nSELECT"]
)
def test_queries_are_recognized(text: str) -> None:
    """Whatever stands before the first word."""
    assert is_query(text)
