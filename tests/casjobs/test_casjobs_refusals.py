"""Error messages of CasJobs, and the exceptions that are raised for them."""

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
    """Return the error for a response."""
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
def test_the_message_is_the_text_before_the_arrow(trace: str, words: str) -> None:
    """The error has the message of the server without the stack trace, and is not retried."""
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
def test_errors_about_names_recommend_a_method(words: str, advice: str) -> None:
    """The advice follows the message of the database, and quoted names in the message do not cause advice."""
    message = str(refusal(words, "CasJobs"))
    assert f"{words}. " in f"{message} "
    assert message.endswith(f"{words}.") if not advice else f"CasJobs.{advice}(" in message.partition(words)[2]


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
def test_a_wrong_password_raises_a_login_error(words: str) -> None:
    """The operation in which it occurs does not matter."""
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
def test_limits_of_the_quick_queue_are_recognized(words: str) -> None:
    """Such an error means that a batch job may help."""
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
def test_a_server_failure_is_not_an_error_of_the_query(trace: str) -> None:
    """Such an error is transient."""
    error = raised(trace)
    assert isinstance(error, ServerError)
    assert is_transient(error)


@pytest.mark.parametrize(("body", "status"), [(FIREWALL, 403), (FIREWALL, 200), (FIREWALL, 503), ("", 403), ("", 401)])
def test_a_firewall_raises_with_advice(body: str, status: int) -> None:
    """It is not a login error, and is not retried."""
    error = page_error(body, "CasJobs (X)") if status == 200 else raised(body, status, "text/html")
    assert isinstance(error, NetworkError)
    assert isinstance(error, RemoteServiceError)
    assert not isinstance(error, LoginError)
    assert not is_transient(error)
    assert "another network" in str(error)
    assert ("533000120119861-244713498" in str(error)) is bool(body)


def test_another_web_page_raises_with_its_title() -> None:
    """A web page is not a valid response."""
    error = page_error("<html><title>We will be\n back</title></html>", "CasJobs (X)")
    assert isinstance(error, ServerError)
    assert "web page instead of data (We will be back)" in str(error)


def test_a_long_message_is_shortened() -> None:
    """A query that the server repeats does not fill the screen."""
    assert len(str(raised(f"System.Exception: {'x ' * 5000} ---> y"))) < 700


@given(st.text(max_size=300), st.sampled_from([400, 401, 403, 404, 408, 429, 500, 502, 503, 504]))
def test_any_error_response_raises_an_error_of_this_package(body: str, status: int) -> None:
    """No response raises another exception."""
    with pytest.raises(MastError):
        check_answer(status, {}, body.encode("utf-8", "replace"), "CasJobs (X)")


@given(st.text(max_size=300))
def test_any_job_error_becomes_an_error_of_this_package(words: str) -> None:
    """Any message, even an empty one, becomes an error of this package."""
    assert isinstance(refusal(words, "CasJobs"), MastError)
    assert isinstance(is_page(words), bool)
