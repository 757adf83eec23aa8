"""CasJobs in trouble: what is tried again, what is not, and what each failure becomes."""

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
# A document that is ten billion letters when it is read.
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
def test_a_query_survives_a_broken_answer(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operations: Operations, fault: Fault
) -> None:
    """What only reads is sent again."""
    mast_sandbox.faults.add("casjobs", fault)
    assert len(casjobs.query(STARS, context=PS1)) == 4
    assert operations() == ["ExecuteQuickJob"] * 2


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("call", ["query", "change", "submit", "status", "list", "login"])
def test_a_service_that_stays_broken_is_one_error(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, fault: Fault, call: str
) -> None:
    """Of the service, in a sentence of one line, whatever was called."""
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


# -- what is sent once -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reset", "html", "503", "cut XML"])
def test_a_change_is_not_sent_twice(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operations: Operations, name: str
) -> None:
    """It may have been made although no answer came."""
    mast_sandbox.faults.add("casjobs", BROKEN[name])
    with pytest.raises(RemoteServiceError):
        casjobs.query("CREATE TABLE five (a int)")
    assert operations() == ["ExecuteQuickJob"]


def test_a_change_that_was_not_taken_is_sent_again(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operations: Operations
) -> None:
    """A server that asks for patience has done nothing."""
    mast_sandbox.faults.add("casjobs", Fault.status(503, retry_after=0))
    casjobs.query("CREATE TABLE five (a int)")
    assert operations() == ["ExecuteQuickJob"] * 2
    assert list(casjobs.list_tables()["table_name"]) == ["five"]


def lost(kept: Fault) -> Fault:
    """Return a fault that does what is asked, and then loses the answer."""
    return replace(kept, canned=None, bends=(lambda reply: _lost(kept, reply),))


def _lost(kept: Fault, reply: Reply) -> Reply:
    return kept.canned if kept.canned is not None else kept.bend(reply)


@pytest.mark.parametrize("name", ["reset", "html", "500", "503", "cut XML", "nothing"])
def test_a_job_whose_number_got_lost_is_found(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select, operations: Operations, name: str
) -> None:
    """It is looked for by the name of its task, and never submitted twice."""
    mast_sandbox.faults.add("casjobs", lost(BROKEN[name]), where=operation("SubmitJob"))
    job = casjobs.submit("SELECT TOP 4 objID INTO MyDB.four FROM ObjectThin", context=PS1)
    assert operations() == ["SubmitJob", "GetJobs"]
    assert len(job.result()) == 4
    assert len(casjobs.list_jobs()) == 1


@pytest.mark.parametrize("name", ["html", "500", "503", "nothing"])
def test_a_job_that_is_not_there_can_be_submitted_again(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select, operations: Operations, name: str
) -> None:
    """By the user, who is told so."""
    mast_sandbox.faults.add("casjobs", BROKEN[name], where=operation("SubmitJob"))
    with pytest.raises(RemoteServiceError, match="CasJobs does not list the job, so you can submit it again"):
        casjobs.submit(STARS, context=PS1)
    assert operations() == ["SubmitJob", "GetJobs"]


def test_a_job_about_which_nobody_knows_is_told_of(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """When the list cannot be had either."""
    mast_sandbox.faults.add("casjobs", Fault.status(500), times=None)
    with pytest.raises(RemoteServiceError, match="Check list_jobs"):
        casjobs.submit(STARS, context=PS1)


def test_a_query_that_cannot_be_submitted_is_not_looked_for(casjobs: CasJobsClass, operations: Operations) -> None:
    """The server has said why."""
    with pytest.raises(InvalidQueryError):
        casjobs.submit("SELECT a FROM x", context="NoSuchContext").result()
    assert operations().count("SubmitJob") == 1


# -- firewalls, passwords --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 200])
def test_a_firewall_is_told_of_once(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operations: Operations, status: int
) -> None:
    """With its number, and what may help; it is no wrong password."""
    mast_sandbox.faults.add("casjobs", Fault.firewall(status), times=None)
    with pytest.raises(
        NetworkError,
        match=r"firewall.*533000120119861-244713498.*Rewrite the query, try from another network, or contact the MAST",
    ):
        casjobs.query(STARS, context=PS1)
    assert operations() == ["ExecuteQuickJob"]


def test_a_password_that_was_changed_meanwhile_is_an_error_of_the_login(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select
) -> None:
    """In whatever operation it shows."""
    words = "Login failed. Please check your WSID and password."
    trace = f"System.Exception: {words} ---> System.UnauthorizedAccessException: {words}\r\n   at CasJobs.Run()"
    mast_sandbox.faults.add("casjobs", Fault.answer(trace, status=500, content_type="text/plain"), times=None)
    for call in (lambda: casjobs.query(STARS), casjobs.list_jobs, lambda: casjobs.submit(STARS), casjobs.list_tables):
        with pytest.raises(LoginError, match="check your WSID"):
            call()


# -- requests and answers --------------------------------------------------------------------------------------------


def test_everything_is_post(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """Nothing of a form is in an address, which proxies and logs of servers keep."""
    casjobs.query(STARS, context=PS1)
    casjobs.submit(STARS, context=PS1).wait()
    casjobs.list_jobs()
    assert {record.method for record in mast_sandbox.requests} == {"POST"}
    assert not any(record.query for record in mast_sandbox.requests)


def test_marks_and_letters_of_all_kinds_arrive(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """A form has percent signs, ampersands, plus signs and all of Unicode in it."""
    text = "a+b&c=d;e%20f%%,~é漢😀\t\"<>'' \n"
    casjobs.query(f"SELECT '{text}' AS a")
    (record,) = mast_sandbox.requests
    assert record.value("qry") == f"SELECT '{text}' AS a"
    assert record.value("pw") == mast_sandbox.casjobs_password


def test_half_a_character_is_not_sent(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """It is an error of the query."""
    with pytest.raises(InvalidArgumentError, match="The text contains an unpaired surrogate at position"):
        casjobs.query("SELECT '\ud800' AS a")
    assert len(mast_sandbox.requests) == 0


def test_a_list_of_jobs_with_odd_records_is_read(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select
) -> None:
    """Records without a number are left out; what is missing is masked."""
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


def test_the_output_of_a_job_is_fetched_without_the_password(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """From wherever it is; pages and missing files are errors."""
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
