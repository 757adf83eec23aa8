"""Requests of pyvo use the connections of the package, and return a response or raise one of its errors."""

from __future__ import annotations

import io
from importlib import resources

import pytest
import pyvo
import responses
from astroquery.exceptions import InvalidQueryError, RemoteServiceError, TimeoutError

from astroquery_mast import VO, conf
from astroquery_mast.exceptions import BadRequestError, IncompleteResultError, MastError, ServerError
from astroquery_mast.service.retrying import Deadline
from astroquery_mast.vo.session import VOSession, check_document, translated

URL = "https://tap.example/sync"
HTML = b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>sorry</body></html>"
REFUSED = b"""<?xml version="1.0"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">
<INFO name="QUERY_STATUS" value="ERROR">Column &lt;tmagg&gt; does not exist</INFO></RESOURCE></VOTABLE>"""


def answer() -> bytes:
    """Return a VOTable of pyvo's own tests."""
    return (resources.files("pyvo.dal.tests") / "data" / "query" / "basic.xml").read_bytes()


def ask() -> pyvo.dal.DALResults:
    """Send a query with pyvo."""
    with translated("The service"):
        return pyvo.dal.DALQuery(URL, session=VOSession(VO._service, Deadline(60), "The service"), QUERY="x").execute()


@responses.activate
def test_pyvo_reads_a_recorded_response() -> None:
    """Pyvo works with the session: it is named in the user agent, and no cookies or tokens are sent."""
    responses.get(URL, answer(), headers={"Set-Cookie": "mast_token=secret"})
    assert len(ask()) == len(ask()) == 3
    headers = responses.calls[1].request.headers
    assert headers["User-Agent"].startswith("astroquery/")
    assert headers["User-Agent"].endswith(f"pyVO/{pyvo.__version__}")
    assert not {"Cookie", "Authorization"} & set(headers)


@responses.activate
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_transient_failure_is_retried(status: int) -> None:
    """The user does not see a transient failure."""
    responses.get(URL, status=status)
    responses.get(URL, answer())
    assert len(ask()) == 3


@responses.activate
def test_a_web_page_with_status_200_raises_a_server_error() -> None:
    """The page of a gateway is retried first, and the error describes it."""
    page = responses.get(URL, HTML)
    with pytest.raises(ServerError, match=r"a web page instead of data \(502 Bad Gateway\)\. Tried 4 times"):
        ask()
    assert page.call_count == 4


@responses.activate
def test_a_truncated_document_raises() -> None:
    """A truncated document is requested again before the error is raised."""
    responses.get(URL, answer()[:-200])
    responses.get(URL, answer())
    assert len(ask()) == 3
    responses.replace(responses.GET, URL, answer()[:-200])
    with pytest.raises(RemoteServiceError, match="was truncated after"):
        ask()


@responses.activate
@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (400, REFUSED, "Column <tmagg> does not exist"),
        (200, REFUSED, "refused the query: Column <tmagg> does not exist"),
        (422, b'{"detail":[{"loc":["query","lang"],"msg":"Field required"}]}', "query.lang: Field required"),
        (400, b"no such table", "no such table"),
    ],
)
def test_the_message_of_a_rejected_query_is_raised(status: int, body: bytes, message: str) -> None:
    """The message is found in any format, and the request is not repeated."""
    refusal = responses.get(URL, body, status=status)
    with pytest.raises(InvalidQueryError, match=message) as caught:
        ask()
    assert type(caught.value) is BadRequestError
    assert refusal.call_count == 1


@responses.activate
def test_a_response_has_a_configurable_size_limit() -> None:
    """The error names the setting."""
    responses.get(URL, answer())
    with conf.set_temp("max_response_size", 100), pytest.raises(MastError, match=r"increase conf\.max_response_size"):
        ask()


@responses.activate
def test_the_timeout_of_the_call_applies_to_pyvo() -> None:
    """Pyvo's own timeout is ignored."""
    responses.get(URL, answer())
    with pytest.raises(TimeoutError, match="Timeout limit of 60 s exceeded by The service"):
        VOSession(VO._service, Deadline(60, started=-1e6), "The service").get(URL, timeout=100)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b'{"a": "<b"}', b"plain < text", b"<a/>", b"<!-- <x> --><vo:A>1</vo:A> \n"]
)
def test_a_complete_document_of_any_kind_is_accepted(text: bytes) -> None:
    """Only the two ends are checked, and the file is read from its beginning."""
    file = io.BytesIO(text)
    check_document(file, "it")
    assert file.read() == text


@pytest.mark.parametrize("text", [b"<a>" + 5000 * b"<b/>", b'<?xml version="1.0"?><uws:job><uws:phase>'])
def test_a_truncated_document_of_any_kind_raises(text: bytes) -> None:
    """The same is true for the status of a job."""
    with pytest.raises(IncompleteResultError):
        check_document(io.BytesIO(text), "it")


def test_web_pages_are_accepted_on_request() -> None:
    """Examples of queries are web pages."""
    check_document(io.BytesIO(HTML), "it", web_pages=True)
