"""Jobs of CasJobs: their states, and the list of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.etree import ElementTree

import pytest
import requests

from astroquery_mast.sandbox import Fault, RequestRecord, Sandbox

CasJobsCall = Callable[..., requests.Response]
Quick = Callable[..., tuple[list[str], list[list[str | None]]]]
NAMESPACE = "{http://Services.Cas.jhu.edu}"
READY, STARTED, CANCELING, CANCELLED, FAILED, FINISHED = map(str, range(6))


@pytest.fixture
def slow() -> Iterator[Sandbox]:
    """A sandbox whose jobs end with the third status request."""
    with Sandbox(casjobs_questions=2) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def value(casjobs: CasJobsCall) -> Callable[..., str]:
    """Return the content of the only element of a response."""

    def read(operation: str, **form: object) -> str:
        answer = casjobs(operation, **form)
        assert answer.status_code == 200, answer.text
        return ElementTree.fromstring(answer.content).text or ""

    return read


@pytest.fixture(scope="session")
def submit(value: Callable[..., str]) -> Callable[..., str]:
    """Submit a query and return the number of its job."""

    def send(query: str, context: str = "MYDB", task: str = "task", **options: object) -> str:
        return value("SubmitJob", qry=query, context=context, taskname=task, estimate=1, **options)

    return send


@pytest.fixture(scope="session")
def listed(casjobs: CasJobsCall) -> Callable[..., list[dict[str, str]]]:
    """Return the jobs that match conditions."""

    def read(conditions: str = "", system: str = "false", **form: object) -> list[dict[str, str]]:
        answer = casjobs("GetJobs", conditions=conditions, includeSystem=system, **form)
        assert answer.status_code == 200, answer.text
        root = ElementTree.fromstring(answer.content)
        assert root.tag == f"{NAMESPACE}ArrayOfCJJob"
        return [{each.tag.removeprefix(NAMESPACE): each.text or "" for each in job} for job in root]

    return read


Value = Callable[..., str]
Listed = Callable[..., list[dict[str, str]]]


def submissions(record: RequestRecord) -> bool:
    """Return whether a request submits a job."""
    return record.path.endswith("/SubmitJob")


def test_a_job_has_ended_at_the_first_status_request(box: Sandbox, value: Value, submit: Value, quick: Quick) -> None:
    """By default tests do not need to wait, and the table of the job exists."""
    number = submit("SELECT TOP 3 objID INTO MyDB.few FROM ObjectThin", "PanSTARRS_DR2")
    assert value("GetJobStatus", jobid=number) == FINISHED
    assert quick("SELECT COUNT(*) FROM few")[1] == [["3"]]


def test_a_job_may_need_several_status_requests(
    slow: Sandbox, value: Value, submit: Value, quick: Quick, listed: Listed
) -> None:
    """Its table does not exist until it has ended; both kinds of status requests advance the job."""
    number = submit("CREATE TABLE t (a int)", where=slow)
    assert quick("SELECT * FROM information_schema.tables", where=slow)[1] == []
    assert value("GetJobStatus", jobid=number, where=slow) == READY
    assert listed(f"jobid : {number}", where=slow)[0]["Status"] == STARTED
    assert value("GetJobStatus", jobid=number, where=slow) == FINISHED
    assert quick("SELECT TABLE_NAME FROM information_schema.tables", where=slow)[1] == [["t"]]


def test_a_cancelled_job_does_nothing(
    slow: Sandbox, casjobs: CasJobsCall, value: Value, submit: Value, quick: Quick
) -> None:
    """A job changes from canceling to cancelled; a job that has ended cannot be cancelled."""
    number = submit("CREATE TABLE t (a int)", where=slow)
    answer = casjobs("CancelJob", jobid=number, where=slow)
    assert (answer.status_code, answer.content) == (200, b"")
    assert [value("GetJobStatus", jobid=number, where=slow) for _ in range(3)] == [CANCELING, CANCELLED, CANCELLED]
    assert quick("SELECT * FROM information_schema.tables", where=slow)[1] == []
    ended = submit("CREATE TABLE t (a int)", where=slow)
    for _ in range(3):
        value("GetJobStatus", jobid=ended, where=slow)
    casjobs("CancelJob", jobid=ended, where=slow)
    assert value("GetJobStatus", jobid=ended, where=slow) == FINISHED


def test_a_failed_job_has_a_message(box: Sandbox, value: Value, submit: Value, listed: Listed) -> None:
    """The list of jobs contains the message of the database."""
    number = submit("SELECT * INTO MyDB.x FROM nowhere")
    assert value("GetJobStatus", jobid=number) == FAILED
    assert listed(f"jobid : {number}")[0]["Error"] == "Invalid object name 'nowhere'."


@pytest.mark.parametrize(
    ("phase", "status"),
    [("failed The disk is full.", FAILED), ("cancelled", CANCELLED), ("started", STARTED), ("ready", READY)],
)
def test_faults_decide_how_a_job_ends(
    box: Sandbox, value: Value, submit: Value, casjobs: CasJobsCall, phase: str, status: str, quick: Quick
) -> None:
    """A fault fails a job, or keeps it from ending unless it is cancelled; in both cases there is no table."""
    box.faults.add("casjobs", Fault.job(*phase.split(" ", 1)), where=submissions)
    number = submit("CREATE TABLE t (a int)")
    assert [value("GetJobStatus", jobid=number) for _ in range(4)] == [status] * 4
    casjobs("CancelJob", jobid=number)
    assert value("GetJobStatus", jobid=number) in {status, CANCELLED} - {STARTED, READY}
    assert quick("SELECT * FROM information_schema.tables")[1] == []


def test_the_list_describes_every_job(box: Sandbox, submit: Value, listed: Listed, quick: Quick) -> None:
    """The list has query, context, number of rows, and created table; empty elements are omitted."""
    number = submit("SELECT TOP 7 * INTO MyDB.few FROM ObjectThin", "PanSTARRS_DR1", "seven & more")
    (job,) = listed(f"jobid : {number}")
    times = [job.pop(name) for name in ("TimeSubmit", "TimeStart", "TimeEnd")]
    assert times == sorted(times)
    assert job == {
        "JobID": number,
        "Rows": "7",
        "WebServicesID": box.casjobs_wsid,
        "Status": FINISHED,
        "Queue": "500",
        "TaskName": "seven & more",
        "Query": "SELECT TOP 7 * INTO MyDB.few FROM ObjectThin",
        "Context": "PanSTARRS_DR1",
        "Type": "QUERY",
        "CreatedTable": "few",
    }
    quick("SELECT 1")
    assert [job["Queue"] for job in listed()] == ["500", "1"]


def test_conditions_select_jobs(box: Sandbox, submit: Value, listed: Listed) -> None:
    """Conditions can be values, alternatives, and ranges, are combined by AND, and are not case-sensitive."""
    first, second, third = (submit("SELECT 1 AS a", task=name) for name in ("one", "two", "three"))
    submit("SELECT nothing", task="two")

    def found(conditions: str) -> list[str]:
        return [job["JobID"] for job in listed(conditions)]

    assert found(f"jobid : {first};") == [first]
    assert found(f"JobID : {first}|{third}") == [first, third]
    assert found(f"jobid : {second},") == [second, third, str(int(third) + 1)]
    assert found(f"jobid : ,{second}") == [first, second]
    assert found(f"jobid : {first},{second} ; taskname : TWO") == [second]
    assert found("taskname : two; status : 5") == [second]
    assert found("TimeSubmit : 2008-04-05,") == [first, second, third, str(int(third) + 1)]
    assert found("TimeSubmit : ,2008-04-05") == []


@pytest.mark.parametrize("conditions", ["nothing : 1", "jobid", "jobid : x", "timestart : yesterday,"])
def test_invalid_conditions_are_refused(box: Sandbox, casjobs: CasJobsCall, conditions: str) -> None:
    """Invalid conditions return the trace of an exception."""
    answer = casjobs("GetJobs", conditions=conditions, includeSystem="false")
    assert answer.status_code == 500
    assert "--->" in answer.text


def test_system_jobs_are_listed_on_request(box: Sandbox, casjobs: CasJobsCall, listed: Listed) -> None:
    """A quick query can be hidden from the list."""
    casjobs("ExecuteQuickJob", qry="SELECT 1", context="MYDB", taskname="hidden", isSystem="true")
    assert listed() == []
    assert [job["TaskName"] for job in listed(system="true")] == ["hidden"]


def test_a_failed_quick_query_is_in_the_history(box: Sandbox, listed: Listed, casjobs_refusal: Value) -> None:
    """A failed quick query is listed with its message."""
    casjobs_refusal("SELECT * FROM nowhere")
    assert [(job["Status"], job["Error"]) for job in listed()] == [(FAILED, "Invalid object name 'nowhere'.")]


@pytest.mark.parametrize("operation", ["GetJobStatus", "CancelJob"])
def test_jobs_of_others_cannot_be_reached(
    box: Sandbox, casjobs: CasJobsCall, submit: Value, listed: Listed, operation: str
) -> None:
    """Jobs of other users cannot be queried, cancelled, or listed."""
    number = submit("SELECT 1 AS a")
    other = {"wsid": box.casjobs_other_wsid, "pw": box.casjobs_other_password}
    answer = casjobs(operation, jobid=number, **other)
    assert answer.status_code == 500
    assert "does not exist" in answer.text
    assert listed(**{f"owner_{name}": text for name, text in other.items()}) == []


def test_queues_of_all_contexts(box: Sandbox, casjobs: CasJobsCall) -> None:
    """Every context has a quick queue and a long queue."""
    root = ElementTree.fromstring(casjobs("GetQueues").content)
    queues = [(each.findtext(f"{NAMESPACE}Context"), each.findtext(f"{NAMESPACE}Timeout")) for each in root]
    assert ("HSCv3", "1") in queues
    assert ("MyDB", "500") in queues
