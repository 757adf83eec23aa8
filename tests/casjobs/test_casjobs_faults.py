"""Failures of CasJobs: which requests are repeated, which are not, and which errors are raised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from astroquery.exceptions import InvalidQueryError, LoginError, RemoteServiceError
from casjobs_users import Where

from astroquery_mast import CasJobsClass
from astroquery_mast.exceptions import (
    InvalidArgumentError,
    MastError,
    NetworkError,
    ServerError,
)
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.reply import Reply

PS1 = "PanSTARRS_DR2"
STARS = "SELECT TOP 4 objID FROM ObjectThin"
Operations = Callable[[], list[str]]
Select = Callable[[str], Where]

XML = "text/xml; charset=utf-8"
# An XML document that expands to ten billion characters.
GROWING = "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
TRACE = "System.NullReferenceException: Object reference not set to an instance of an object.\r\n   at CasJobs.Run()"
BROKEN = {
    "html": Fault.garbage(),
    "nothing": Fault.answer("", content_type=XML),
    "cut XML": Fault.answer('<?xml version="1.0"?>\n<string xmlns="x">[a]:int\n1', content_type=XML),
    "other XML": Fault.answer("<float>5</float>", content_type=XML),
    "no XML": Fault.answer("[a]:int\n1\n", content_type="text/csv"),
    "bytes": Fault.answer(bytes(range(256)), content_type=XML),
    "growing": Fault.answer(f'<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa">{GROWING}]><string>&j;</string>', content_type=XML),
    "strange encoding": Fault.answer('<?xml version="1.0" encoding="latin-17"?><string/>', content_type=XML),
    "cut body": Fault.cut(20),
    "reset": Fault.reset(),
    "500": Fault.status(500),
    "503": Fault.status(503),
    "trace of the server's own": Fault.answer(TRACE, status=500, content_type="text/plain"),
}


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
def test_a_query_is_repeated_after_an_invalid_response(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operations: Operations, fault: Fault
) -> None:
    """A request that only reads is sent again."""
    mast_sandbox.faults.add("casjobs", fault)
    assert len(casjobs.query(STARS, context=PS1)) == 4
    assert operations() == ["ExecuteQuickJob"] * 2


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("call", ["query", "change", "submit", "status", "list", "login"])
def test_a_persistent_failure_raises_one_error(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, fault: Fault, call: str
) -> None:
    """Every method raises an error of the service with a message of one line."""
    calls: dict[str, Callable[[], object]] = {
        "query": lambda: casjobs.query(STARS, context=PS1),
        "change": lambda: casjobs.query("CREATE TABLE five (a int)"),
        "submit": lambda: casjobs.submit(STARS, context=PS1),
        "status": lambda: casjobs.get_job(5).status,
        "list": casjobs.list_jobs,
        "login": lambda: casjobs.login("hubble", mast_sandbox.casjobs_password),
    }
    for endpoint in ("casjobs", "casjobs_login"):
        mast_sandbox.faults.add(endpoint, fault, times=None)
    with pytest.raises(RemoteServiceError) as caught:
        calls[call]()
    assert isinstance(caught.value, MastError)
    assert "\n" not in str(caught.value)


# -- requests that are sent once -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reset", "html", "503", "cut XML"])
def test_a_change_is_not_repeated(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operations: Operations, name: str
) -> None:
    """A change is not sent again, because the server may have made it although there was no response."""
    mast_sandbox.faults.add("casjobs", BROKEN[name])
    with pytest.raises(RemoteServiceError):
        casjobs.query("CREATE TABLE five (a int)")
    assert operations() == ["ExecuteQuickJob"]


def test_a_rejected_change_is_repeated(mast_sandbox: Sandbox, casjobs: CasJobsClass, operations: Operations) -> None:
    """A change is sent again if the server responds that it is too busy."""
    mast_sandbox.faults.add("casjobs", Fault.status(503, retry_after=0))
    casjobs.query("CREATE TABLE five (a int)")
    assert operations() == ["ExecuteQuickJob"] * 2
    assert list(casjobs.list_tables()["table_name"]) == ["five"]


def lost(kept: Fault) -> Fault:
    """Return a fault that processes the request and then loses the response."""
    return replace(kept, canned=None, bends=(lambda reply: _lost(kept, reply),))


def _lost(kept: Fault, reply: Reply) -> Reply:
    return kept.canned if kept.canned is not None else kept.bend(reply)


@pytest.mark.parametrize("name", ["reset", "html", "500", "503", "cut XML", "nothing"])
def test_a_job_is_found_if_its_number_was_lost(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select, operations: Operations, name: str
) -> None:
    """The job is found by the name of its task, and not submitted twice."""
    mast_sandbox.faults.add("casjobs", lost(BROKEN[name]), where=operation("SubmitJob"))
    job = casjobs.submit("SELECT TOP 4 objID INTO MyDB.four FROM ObjectThin", context=PS1)
    assert operations() == ["SubmitJob", "GetJobs"]
    assert len(job.result()) == 4
    assert len(casjobs.list_jobs()) == 1


@pytest.mark.parametrize("name", ["html", "500", "503", "nothing"])
def test_an_unlisted_job_can_be_submitted_again(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select, operations: Operations, name: str
) -> None:
    """The error says that the job can be submitted again."""
    mast_sandbox.faults.add("casjobs", BROKEN[name], where=operation("SubmitJob"))
    with pytest.raises(RemoteServiceError, match="CasJobs does not list the job, so you can submit it again"):
        casjobs.submit(STARS, context=PS1)
    assert operations() == ["SubmitJob", "GetJobs"]


def test_a_job_of_unknown_fate_raises(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """The error says that the job may exist if the list of jobs cannot be retrieved either."""
    mast_sandbox.faults.add("casjobs", Fault.status(500), times=None)
    with pytest.raises(RemoteServiceError, match="Check list_jobs"):
        casjobs.submit(STARS, context=PS1)


def test_a_rejected_job_is_not_searched_for(casjobs: CasJobsClass, operations: Operations) -> None:
    """A job that the server rejects is not searched for in the list of jobs."""
    with pytest.raises(InvalidQueryError):
        casjobs.submit("SELECT a FROM x", context="NoSuchContext").result()
    assert operations().count("SubmitJob") == 1


# -- firewalls and passwords -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 200])
def test_a_firewall_raises_without_a_retry(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operations: Operations, status: int
) -> None:
    """The error has the incident number and advice, and is not a login error."""
    mast_sandbox.faults.add("casjobs", Fault.firewall(status), times=None)
    with pytest.raises(
        NetworkError,
        match=r"firewall.*533000120119861-244713498.*Rewrite the query, try from another network, or contact the MAST",
    ):
        casjobs.query(STARS, context=PS1)
    assert operations() == ["ExecuteQuickJob"]


def test_a_password_that_has_changed_raises_a_login_error(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select
) -> None:
    """All operations raise a login error if the password is no longer valid."""
    words = "Login failed. Please check your WSID and password."
    trace = f"System.Exception: {words} ---> System.UnauthorizedAccessException: {words}\r\n   at CasJobs.Run()"
    mast_sandbox.faults.add("casjobs", Fault.answer(trace, status=500, content_type="text/plain"), times=None)
    for call in (lambda: casjobs.query(STARS), casjobs.list_jobs, lambda: casjobs.submit(STARS), casjobs.list_tables):
        with pytest.raises(LoginError, match="check your WSID"):
            call()


# -- requests and responses ------------------------------------------------------------------------------------------


def test_all_requests_are_post(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """Forms are not part of the URL, which proxies and server logs record."""
    casjobs.query(STARS, context=PS1)
    casjobs.submit(STARS, context=PS1).wait()
    casjobs.list_jobs()
    assert {record.method for record in mast_sandbox.requests} == {"POST"}
    assert not any(record.query for record in mast_sandbox.requests)


def test_special_characters_are_encoded(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """Percent signs, ampersands, plus signs and any Unicode characters arrive unchanged."""
    text = "a+b&c=d;e%20f%%,~é漢😀\t\"<>'' \n"
    casjobs.query(f"SELECT '{text}' AS a")
    (record,) = mast_sandbox.requests
    assert record.value("qry") == f"SELECT '{text}' AS a"
    assert record.value("pw") == mast_sandbox.casjobs_password


def test_an_unpaired_surrogate_is_not_sent(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """An unpaired surrogate raises an error of the query."""
    with pytest.raises(InvalidArgumentError, match="The text contains an unpaired surrogate at position"):
        casjobs.query("SELECT '\ud800' AS a")
    assert len(mast_sandbox.requests) == 0


def test_unusual_job_records_are_read(mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select) -> None:
    """Records without a number are skipped, and missing values are masked."""
    records = (
        "<CJJob><JobID>7</JobID><Status>9</Status><TimeSubmit>2026-11-01T10:00:00.1234567-05:00</TimeSubmit>"
        "<TimeStart>0001-01-01T00:00:00</TimeStart><TimeEnd/><Rows>-1</Rows></CJJob><CJJob/><CJJob><JobID>x</JobID></CJJob>"
    )
    answer = Fault.answer(f'<ArrayOfCJJob xmlns="http://Services.Cas.jhu.edu">{records}</ArrayOfCJJob>')
    mast_sandbox.faults.add("casjobs", answer, where=operation("GetJobs"))
    (job,) = casjobs.list_jobs()
    assert (job["job_id"], job["status"]) == (7, "UNKNOWN")
    assert job["submitted"].isot.startswith("2026-11-01T15:00:00.123")
    assert job["started"].mask
    assert job["ended"].mask


def test_the_output_of_a_job_is_downloaded_without_the_password(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """The output is downloaded from any server; web pages and missing files raise errors."""
    from astroquery_mast.service.retrying import Deadline

    casjobs.submit(STARS, context=PS1, into="four").wait()
    number = casjobs._calls.extract("four", "CSV", Deadline.start(None))
    casjobs.get_job(number).wait()
    with casjobs._calls.output(number, Deadline.start(None)) as file:
        assert file.read().count(b"\n") >= 4
        assert file.seek(0) == 0
        assert file.seekable()
    (record,) = mast_sandbox.requests.of("casjobs_output")
    assert (record.method, record.query, record.body) == ("GET", {}, b"")
    mast_sandbox.faults.add("casjobs_output", Fault.garbage())
    with pytest.raises(ServerError, match="web page"):
        casjobs._calls.output(number, Deadline.start(None))
    mast_sandbox.faults.add("casjobs_output", Fault.status(404))
    with pytest.raises(InvalidQueryError, match="404"):
        casjobs._calls.output(number, Deadline.start(None))
    assert len(casjobs.get_job(number).result()) == 4
