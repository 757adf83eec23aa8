"""What CasJobs says when something goes wrong, and the errors that are made of it."""

from __future__ import annotations

import pytest
from astroquery.exceptions import InvalidQueryError, LoginError, RemoteServiceError
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.casjobs.refusals import QuickLimitError, check_answer, is_page, page_error, refusal
from astroquery_mast.exceptions import BadRequestError, MastError, NetworkError, ServerError
from astroquery_mast.service.retrying import is_transient

CODE = (
    "\r\n   at System.Data.SqlClient.SqlConnection.OnError(SqlException exception)\r\n   at CasJobs.Services.Run(Int64)"
)
FIREWALL = (
    '<html style="height:100%"><head><META NAME="ROBOTS" CONTENT="NOINDEX"></head><body>Request unsuccessful. '
    "Incapsula incident ID: 533000120119861-244713498<br></body></html>"
)


def raised(body: str, status: int = 500, content_type: str = "text/plain") -> MastError:
    """Return the error of an answer."""
    with pytest.raises(MastError) as caught:
        check_answer(status, {"Content-Type": content_type}, body.encode(), "CasJobs (X)")
    assert "\n" not in str(caught.value)
    assert "   at " not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("trace", "words"),
    [
        (
            f"System.Exception: Invalid object name 'foo'. ---> System.Data.SqlClient.SqlException: Invalid{CODE}",
            "Invalid object name 'foo'.",
        ),
        (
            "System.Web.Services.Protocols.SoapException: Server was unable to process request. ---> System.Exception: "
            f"Incorrect syntax near ')'. ---> System.Data.SqlClient.SqlException: Incorrect{CODE}",
            "Incorrect syntax near ')'.",
        ),
        (f"System.Data.SqlClient.SqlException (0x80131904): Divide by zero error encountered.{CODE}", "Divide by zero"),
        (f"System.Exception: Invalid column name &#39;a &lt; b&#39;. ---> System.Exception: x{CODE}", "name 'a < b'."),
        ("System.InvalidOperationException: Missing parameter: qry.\r\n", "Missing parameter: qry."),
        (
            "System.ArgumentException: Cannot convert x to System.Int64.\r\nParameter name: type ---> y",
            "Cannot convert x",
        ),
        (f"System.Exception: Invalid column name 'password'. ---> System.Exception: x{CODE}", "column name 'password'"),
        (f"System.Exception: Invalid object name 'wsid'. ---> System.Exception: x{CODE}", "object name 'wsid'"),
        (
            f"System.Exception: Cannot drop the table 't', because it does not exist ---> x{CODE}",
            "Cannot drop the table",
        ),
        ("System.Exception: ---> System.Data.SqlClient.SqlException: the inner words", "the inner words"),
    ],
)
def test_the_words_before_the_arrow_are_the_message(trace: str, words: str) -> None:
    """What the server finds wrong is told in its own words, without code, and is not tried again."""
    error = raised(trace)
    assert isinstance(error, BadRequestError)
    assert isinstance(error, InvalidQueryError)
    assert words in str(error)
    assert not is_transient(error)
    assert error.status == 500


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("Invalid object name 'context'", "list_tables"),
        ("Invalid column name 'raMeen'", "list_columns"),
        ("There is already an object named 'five' in the database", "drop"),
        ("The context 'HSC' does not exist", "list_contexts"),
        ("Incorrect syntax near 'Invalid column name'", ""),
    ],
)
def test_what_was_not_found_is_listed_by_a_call_that_is_named(words: str, advice: str) -> None:
    """After the words of the database; what is in quotes is a name, and no reason for advice."""
    said = str(refusal(words, "CasJobs"))
    assert f"{words}. " in f"{said} "
    assert said.endswith(f"{words}.") if not advice else f"CasJobs.{advice}(" in said.partition(words)[2]


@pytest.mark.parametrize(
    "words",
    [
        "Login failed. Please check your WSID and password.",
        "Invalid WSID or password",
        "The user name or password is incorrect.",
        "User ID 12345 not found",
        "WebServicesID does not exist",
    ],
)
def test_a_wrong_password_is_an_error_of_the_login(words: str) -> None:
    """Whatever operation found it out."""
    error = raised(f"System.Exception: {words} ---> System.Exception: {words}{CODE}")
    assert isinstance(error, LoginError)
    assert not isinstance(error, InvalidQueryError)
    assert not is_transient(error)


@pytest.mark.parametrize(
    "words",
    [
        "Timeout expired. The timeout period elapsed prior to completion of the operation.",
        "Query results exceed memory limit",
        "The query exceeded the time limit of 60 seconds.",
        "Maximum request length exceeded.",
    ],
)
def test_a_limit_of_the_quick_queue_is_known(words: str) -> None:
    """A batch job may help."""
    assert isinstance(raised(f"System.Exception: {words} ---> x{CODE}"), QuickLimitError)
    assert isinstance(refusal(words, "CasJobs"), QuickLimitError)


@pytest.mark.parametrize(
    "trace",
    [
        f"System.Data.SqlClient.SqlException: Could not find prepared statement with handle -1.{CODE}",
        f"System.Exception: Transaction was deadlocked ---> x{CODE}",
        f"System.NullReferenceException: Object reference not set to an instance of an object.{CODE}",
        "Service Unavailable",
        "<html><head><title>Runtime Error</title></head></html>",
    ],
)
def test_a_failure_of_the_server_is_no_fault_of_the_query(trace: str) -> None:
    """It may be over at the next try."""
    error = raised(trace)
    assert isinstance(error, ServerError)
    assert is_transient(error)


@pytest.mark.parametrize(("body", "status"), [(FIREWALL, 403), (FIREWALL, 200), (FIREWALL, 503), ("", 403), ("", 401)])
def test_a_firewall_is_told_with_what_can_be_done(body: str, status: int) -> None:
    """It is no wrong password, and sending it again does not help."""
    error = page_error(body, "CasJobs (X)") if status == 200 else raised(body, status, "text/html")
    assert isinstance(error, NetworkError)
    assert isinstance(error, RemoteServiceError)
    assert not isinstance(error, LoginError)
    assert not is_transient(error)
    assert "another network" in str(error)
    assert ("533000120119861-244713498" in str(error)) is bool(body)


def test_another_page_is_an_error_with_its_title() -> None:
    """A page for people is no answer."""
    error = page_error("<html><title>We will be\n back</title></html>", "CasJobs (X)")
    assert isinstance(error, ServerError)
    assert "web page instead of data (We will be back)" in str(error)


def test_a_long_message_is_cut() -> None:
    """A query that the server repeats does not fill the screen."""
    assert len(str(raised(f"System.Exception: {'x ' * 5000} ---> y"))) < 700


@given(st.text(max_size=300), st.sampled_from([400, 401, 403, 404, 408, 429, 500, 502, 503, 504]))
def test_whatever_comes_is_an_error_of_this_package(body: str, status: int) -> None:
    """No answer leads to anything else."""
    with pytest.raises(MastError):
        check_answer(status, {}, body.encode("utf-8", "replace"), "CasJobs (X)")


@given(st.text(max_size=300))
def test_whatever_a_job_says_is_an_error_of_this_package(words: str) -> None:
    """Also nothing at all."""
    assert isinstance(refusal(words, "CasJobs"), MastError)
    assert isinstance(is_page(words), bool)
