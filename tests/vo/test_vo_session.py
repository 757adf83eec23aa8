"""What pyvo sends goes through the connections of the package, and comes back as an answer or as one of its errors."""

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
    """Return a VOTable that pyvo has for its own tests."""
    return (resources.files("pyvo.dal.tests") / "data" / "query" / "basic.xml").read_bytes()


def ask() -> pyvo.dal.DALResults:
    """Ask with pyvo."""
    with translated("The service"):
        return pyvo.dal.DALQuery(URL, session=VOSession(VO._service, Deadline(60), "The service"), QUERY="x").execute()


@responses.activate
def test_pyvo_reads_its_own_recorded_answer() -> None:
    """With pyvo it works through the session: named in the user agent, without cookies and token."""
    responses.get(URL, answer(), headers={"Set-Cookie": "mast_token=secret"})
    assert len(ask()) == len(ask()) == 3
    headers = responses.calls[1].request.headers
    assert headers["User-Agent"].startswith("astroquery/")
    assert headers["User-Agent"].endswith(f"pyVO/{pyvo.__version__}")
    assert not {"Cookie", "Authorization"} & set(headers)


@responses.activate
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_what_may_pass_is_tried_again(status: int) -> None:
    """A failure of a moment is not seen by the user."""
    responses.get(URL, status=status)
    responses.get(URL, answer())
    assert len(ask()) == 3


@responses.activate
def test_a_web_page_with_status_200_is_a_failure_of_the_server() -> None:
    """The page of a gateway is named as what it is, and is tried again first."""
    page = responses.get(URL, HTML)
    with pytest.raises(ServerError, match=r"a web page instead of data \(502 Bad Gateway\)\. Tried 4 times"):
        ask()
    assert page.call_count == 4


@responses.activate
def test_a_document_that_breaks_off_is_never_half_a_table() -> None:
    """Whoever sent it may have fallen over: it is asked for again, and is an error in the end."""
    responses.get(URL, answer()[:-200])
    responses.get(URL, answer())
    assert len(ask()) == 3
    responses.replace(responses.GET, URL, answer()[:-200])
    with pytest.raises(RemoteServiceError, match="was truncated after"):
        ask()


@responses.activate
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, REFUSED, "Column <tmagg> does not exist"),
        (200, REFUSED, "refused the query: Column <tmagg> does not exist"),
        (422, b'{"detail":[{"loc":["query","lang"],"msg":"Field required"}]}', "query.lang: Field required"),
        (400, b"no such table", "no such table"),
    ],
)
def test_what_the_server_says_of_a_bad_query_is_passed_on(status: int, body: bytes, said: str) -> None:
    """In whatever form it says so, the words are there, and it is not asked again."""
    refusal = responses.get(URL, body, status=status)
    with pytest.raises(InvalidQueryError, match=said) as caught:
        ask()
    assert type(caught.value) is BadRequestError
    assert refusal.call_count == 1


@responses.activate
def test_an_answer_has_a_limit_of_bytes_that_can_be_raised() -> None:
    """The setting is named in the message."""
    responses.get(URL, answer())
    with conf.set_temp("max_response_size", 100), pytest.raises(MastError, match=r"increase conf\.max_response_size"):
        ask()


@responses.activate
def test_the_time_of_the_call_is_the_time_of_pyvo() -> None:
    """What pyvo gives as a time-out of its own is not what counts."""
    responses.get(URL, answer())
    with pytest.raises(TimeoutError, match="Timeout limit of 60 s exceeded by The service"):
        VOSession(VO._service, Deadline(60, started=-1e6), "The service").get(URL, timeout=100)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b'{"a": "<b"}', b"plain < text", b"<a/>", b"<!-- <x> --><vo:A>1</vo:A> \n"]
)
def test_a_whole_document_of_any_kind_passes(text: bytes) -> None:
    """Only the two ends are looked at, and the reader finds the file at its beginning."""
    file = io.BytesIO(text)
    check_document(file, "it")
    assert file.read() == text


@pytest.mark.parametrize("text", [b"<a>" + 5000 * b"<b/>", b'<?xml version="1.0"?><uws:job><uws:phase>'])
def test_a_document_without_its_end_does_not_pass(text: bytes) -> None:
    """That holds for the state of a job as well."""
    with pytest.raises(IncompleteResultError):
        check_document(io.BytesIO(text), "it")


def test_a_page_passes_where_pages_are_wanted() -> None:
    """Examples of queries come as such."""
    check_document(io.BytesIO(HTML), "it", web_pages=True)
