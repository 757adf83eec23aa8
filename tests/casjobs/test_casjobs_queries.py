"""Queries and jobs of CasJobs: in the quick queue, as a job, interrupted, and retrieved later."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import requests
from astropy import units as u
from astropy.table import Table
from astropy.time import Time
from astroquery.exceptions import InvalidQueryError, NoResultsWarning, RemoteServiceError, TimeoutError
from casjobs_users import Where, logged_in

from astroquery_mast import CasJobsClass
from astroquery_mast.casjobs.refusals import QuickLimitError
from astroquery_mast.exceptions import BadRequestError, InvalidArgumentError, QueryTimeoutError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service.jobs import JobStatus

PS1 = "PanSTARRS_DR2"
STARS = "SELECT TOP 40 objID, raMean, decMean FROM ObjectThin ORDER BY objID"
TIME_IS_OVER = Fault.answer(
    "System.Exception: Timeout expired. ---> System.Data.SqlClient.SqlException: Timeout expired.\r\n   at System.Run",
    status=500,
    content_type="text/plain",
)
Operations = Callable[[], list[str]]
Select = Callable[[str], Where]


def quick(sql_part: str) -> Where:
    """Return a condition for the quick queries that contain a string."""
    return lambda record: sql_part in (record.value("qry") or "") and record.path.endswith("/ExecuteQuickJob")


# -- queries ---------------------------------------------------------------------------------------------------------


def test_a_query_is_one_request(casjobs: CasJobsClass, operations: Operations) -> None:
    """The table has the types of the database, and the query in its metadata."""
    table = casjobs.query(STARS, context=PS1)
    assert isinstance(table, Table)
    assert len(table) == 40
    assert [table[name].dtype for name in table.colnames] == [np.int64, np.float64, np.float64]
    assert table.meta["sql"] == STARS
    assert (table.meta["context"], table.meta["mode"]) == (PS1, "sync")
    assert table.meta["service"].endswith("/ps1casjobs")
    assert operations() == ["ExecuteQuickJob"]


def test_the_context_of_the_client_is_the_default(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """The context of a call takes precedence over that of the client."""
    client = CasJobsClass(PS1)
    assert len(client.query(STARS)) == 40
    with pytest.raises(InvalidQueryError):
        client.query(STARS, context="mydb")
    sent = [record.value("context") for record in mast_sandbox.requests.of("casjobs")]
    assert sent == [PS1, "MYDB"]


def test_get_query_payload_returns_the_request(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """The request contains neither the password nor the number of the user, and is not sent."""
    client: Any = casjobs
    payload = client.query(STARS, context=PS1, get_query_payload=True)
    address = f"{mast_sandbox.url}/ps1casjobs/services/jobs.asmx/ExecuteQuickJob"
    assert payload == {"url": address, "qry": STARS, "context": PS1}
    assert client.query(STARS, run_async=True, get_query_payload=True)["url"].endswith("/SubmitJob")
    assert len(mast_sandbox.requests) == 0


def test_an_empty_result_causes_a_warning(casjobs: CasJobsClass) -> None:
    """An empty result has its columns."""
    with pytest.warns(NoResultsWarning):
        table = casjobs.query("SELECT objID FROM ObjectThin WHERE objID = -1", context=PS1)
    assert table.colnames == ["objID"]


def test_a_rejected_query_raises_the_message_of_the_server(casjobs: CasJobsClass, operations: Operations) -> None:
    """A rejected query raises an error of one line after one request."""
    with pytest.raises(BadRequestError, match="Invalid object name 'NoSuchTable'") as caught:
        casjobs.query("SELECT a FROM NoSuchTable", context=PS1)
    assert "--->" not in str(caught.value)
    assert operations() == ["ExecuteQuickJob"]


@pytest.mark.parametrize(
    "arguments", [{"sql": ""}, {"sql": None}, {"context": "a b"}, {"context": ""}, {"timeout": -1}]
)
def test_invalid_arguments_are_not_sent(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, arguments: dict[str, Any]
) -> None:
    """The error describes the invalid argument."""
    call: Any = casjobs.query
    with pytest.raises(InvalidArgumentError):
        call(**{"sql": STARS, **arguments})
    assert len(mast_sandbox.requests) == 0


# -- from the quick queue to a job -----------------------------------------------------------------------------------


def test_a_query_too_long_for_the_quick_queue_becomes_a_job(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operations: Operations
) -> None:
    """The result is the same, and no table is left in MyDB."""
    at_once = casjobs.query(STARS, context=PS1)
    mast_sandbox.faults.add("casjobs", TIME_IS_OVER, where=quick("TOP 40"))
    table = casjobs.query(STARS, context=PS1)
    assert table.meta["mode"] == "async"
    assert sorted(table["objID"]) == sorted(at_once["objID"])
    assert [table[name].dtype for name in table.colnames] == [at_once[name].dtype for name in at_once.colnames]
    assert operations().count("SubmitJob") == 1
    assert len(casjobs.list_tables()) == 0


def test_a_work_limit_of_the_quick_queue_leads_to_a_job(hasty: Sandbox) -> None:
    """A query that exceeds the limit of the quick queue runs as a job."""
    client = logged_in(hasty)
    pairs = "(SELECT TOP 1500 objID FROM ObjectThin) a CROSS JOIN (SELECT TOP 400 objID FROM ObjectThin) b"
    sql = f"SELECT a.objID, COUNT(b.objID) AS others FROM {pairs} GROUP BY a.objID"
    with pytest.raises(QuickLimitError, match="run_async=True"):
        client.query(sql, context=PS1, run_async=False)
    table = client.query(sql, context=PS1)
    assert table.meta["mode"] == "async"
    assert len(table) == 1500
    assert set(table["others"]) == {400}


@pytest.mark.parametrize("fault", [Fault.gateway_timeout(), TIME_IS_OVER])
def test_a_gateway_timeout_leads_to_a_job(mast_sandbox: Sandbox, casjobs: CasJobsClass, fault: Fault) -> None:
    """The query is not sent to the quick queue again."""
    mast_sandbox.faults.add("casjobs", fault, where=quick("TOP 40"), times=None)
    assert len(casjobs.query(STARS, context=PS1)) == 40
    assert len([record for record in mast_sandbox.requests if quick("TOP 40")(record)]) == 1


def test_run_async_runs_a_job_directly(casjobs: CasJobsClass, operations: Operations) -> None:
    """The quick queue is not used."""
    table = casjobs.query(STARS, context=PS1, run_async=True)
    assert len(table) == 40
    assert operations()[0] == "SubmitJob"
    assert len(casjobs.list_tables()) == 0


def test_unnamed_columns_have_the_same_names_in_a_job(casjobs: CasJobsClass) -> None:
    """Columns without a name are named as in the quick queue."""
    sql = "SELECT COUNT(*), MAX(objID) AS top_id, MIN(raMean) FROM ObjectThin"
    at_once, job = (casjobs.query(sql, context=PS1, run_async=each) for each in (False, True))
    assert job.colnames == at_once.colnames
    assert [tuple(row) for row in job] == [tuple(row) for row in at_once]


def test_a_statement_without_rows_does_not_become_a_job(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """A statement that may have been executed is not submitted again."""
    mast_sandbox.faults.add("casjobs", TIME_IS_OVER)
    with pytest.raises(QuickLimitError, match=r"submit\(\)"):
        casjobs.query("CREATE TABLE five (a int)")
    with pytest.raises(InvalidArgumentError, match="run_async=True: The query already has an INTO"):
        casjobs.query("SELECT 1 AS a INTO MyDB.b", run_async=True)


def test_a_failed_job_raises_the_message_of_the_server(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select
) -> None:
    """The error has the message of the job, and no table is left to drop."""
    mast_sandbox.faults.add("casjobs", Fault.job("failed", "Divide by zero."), where=operation("SubmitJob"))
    with pytest.raises(BadRequestError, match=r"job \d+\).*Divide by zero"):
        casjobs.query(STARS, context=PS1, run_async=True)
    assert len(casjobs.list_tables()) == 0


def test_a_job_that_exceeds_its_estimate_raises_with_advice(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select
) -> None:
    """The error recommends a longer estimate, which selects the queue."""
    fault = Fault.job("failed", "Query execution time limit exceeded.")
    mast_sandbox.faults.add("casjobs", fault, where=operation("SubmitJob"))
    with pytest.raises(InvalidQueryError, match="To allow more time, use a longer estimate"):
        casjobs.submit(STARS, context=PS1, estimate=1).result()


def test_a_job_that_was_canceled_elsewhere_raises(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select
) -> None:
    """A job that was canceled by someone else has no rows."""
    mast_sandbox.faults.add("casjobs", Fault.job("cancelled"), where=operation("SubmitJob"))
    with pytest.raises(RemoteServiceError, match="ABORTED"):
        casjobs.query(STARS, context=PS1, run_async=True)


def test_a_job_continues_after_a_timeout(mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select) -> None:
    """The message says how to return to the job, and where its rows will be."""
    mast_sandbox.faults.add("casjobs", Fault.job("started"), where=operation("SubmitJob"))
    with pytest.raises(QueryTimeoutError, match=r"CasJobs.get_job\('http.*=\d+'\).*download\('astroquery_mast_"):
        casjobs.query(STARS, context=PS1, run_async=True, timeout=0.5)
    (job,) = casjobs.list_jobs(status="executing")
    assert casjobs.get_job(job["url"]).status == "EXECUTING"


# -- Ctrl-C ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["GetJobStatus", "GetJobs"])
def test_ctrl_c_stops_the_job_and_drops_the_table(
    mast_sandbox: Sandbox,
    casjobs: CasJobsClass,
    operation: Select,
    interrupted: Callable[..., requests.Session],
    caplog: pytest.LogCaptureFixture,
    moment: str,
) -> None:
    """Ctrl-C stops the job, and there is no message that it continues."""
    if moment == "GetJobStatus":
        mast_sandbox.faults.add("casjobs", Fault.job("started"), where=operation("SubmitJob"))
    client = CasJobsClass(session=interrupted(moment))
    caplog.set_level(logging.INFO)
    with pytest.raises(KeyboardInterrupt):
        client.query(STARS, context=PS1, run_async=True)
    (job,) = casjobs.list_jobs()
    assert job["task"].startswith("query ")
    assert job["status"] == ("ABORTED" if moment == "GetJobStatus" else "COMPLETED")
    assert len(casjobs.list_tables()) == 0
    assert "still running" not in caplog.text


@pytest.mark.parametrize("arrives", [False, True])
def test_ctrl_c_during_the_submission_stops_the_job(
    mast_sandbox: Sandbox,
    casjobs: CasJobsClass,
    operation: Select,
    interrupted: Callable[..., requests.Session],
    *,
    arrives: bool,
) -> None:
    """The job is found by the name of its task, if the request has arrived."""
    mast_sandbox.faults.add("casjobs", Fault.job("started"), where=operation("SubmitJob"))
    client = CasJobsClass(session=interrupted("SubmitJob", arrives=arrives))
    with pytest.raises(KeyboardInterrupt):
        client.query(STARS, context=PS1, run_async=True)
    assert list(casjobs.list_jobs()["status"]) == (["ABORTED"] if arrives else [])


def test_ctrl_c_does_not_stop_a_submitted_job(
    mast_sandbox: Sandbox,
    casjobs: CasJobsClass,
    operation: Select,
    interrupted: Callable[..., requests.Session],
) -> None:
    """Ctrl-C only ends the wait for the job."""
    mast_sandbox.faults.add("casjobs", Fault.job("started"), where=operation("SubmitJob"))
    client = CasJobsClass(session=interrupted("GetJobStatus"))
    job = client.submit(STARS, context=PS1)
    with pytest.raises(KeyboardInterrupt):
        job.wait()
    assert not JobStatus(job.status).finished


# -- jobs ------------------------------------------------------------------------------------------------------------


def test_a_job_has_the_methods_of_a_job_handle(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """Its result is the table, which stays in MyDB until it is dropped."""
    job = casjobs.submit(STARS, context=PS1, into="forty")
    assert job.url.startswith(f"{mast_sandbox.url}/ps1casjobs/jobdetails.aspx?id=")
    assert repr(job) == f"<JobHandle at {job.url}>"
    assert job.wait() is job
    assert job.status == "COMPLETED"
    result = job.result()
    assert len(result) == 40
    assert result.meta["job"] == job.url
    assert "INTO MyDB.[forty]" in result.meta["sql"]
    assert list(casjobs.list_tables()["table_name"]) == ["forty"]
    assert len(casjobs.query("SELECT objID FROM forty")) == 40
    casjobs.drop("forty")


def test_a_job_is_found_by_number_or_url(casjobs: CasJobsClass) -> None:
    """A job is found whether or not its query has an INTO of its own."""
    jobs = [
        casjobs.submit("SELECT TOP 7 objID INTO MyDB.seven FROM ObjectThin", context=PS1),
        casjobs.submit("SELECT TOP 7 objID FROM ObjectThin", context=PS1),
    ]
    for job in jobs:
        number = int(job.url.rpartition("=")[2])
        for given in (number, str(number), job.url):
            assert len(CasJobsClass().get_job(given).result()) == 7
    assert len(casjobs.list_tables()) == 2


@pytest.mark.parametrize(
    "given", ["x", "", -3, None, "http://[", "https://elsewhere.org/ps1casjobs/jobdetails.aspx?id=5"]
)
def test_an_invalid_job_raises(mast_sandbox: Sandbox, casjobs: CasJobsClass, given: Any) -> None:
    """The URL of another server is not valid either."""
    with pytest.raises(InvalidArgumentError, match="is not a job of"):
        casjobs.get_job(given)
    assert len(mast_sandbox.requests) == 0


def test_an_unknown_job_raises(casjobs: CasJobsClass) -> None:
    """The error is one of the query, not of the server."""
    job = casjobs.get_job(7)
    for call in (lambda: job.status, job.wait, job.cancel, job.result):
        with pytest.raises(InvalidQueryError, match="7"):
            call()


def test_a_job_can_be_canceled(mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select) -> None:
    """The result of a canceled job raises an error; canceling it again does nothing."""
    mast_sandbox.faults.add("casjobs", Fault.job("started"), where=operation("SubmitJob"))
    job = casjobs.submit(STARS, context=PS1)
    assert job.status == "EXECUTING"
    job.cancel()
    assert job.wait().status == "ABORTED"
    with pytest.raises(RemoteServiceError, match="ABORTED"):
        job.result()
    job.cancel()
    assert len([record for record in mast_sandbox.requests if operation("CancelJob")(record)]) == 1


def test_a_job_without_rows_has_no_result(casjobs: CasJobsClass) -> None:
    """Waiting for such a job works."""
    job = casjobs.submit("CREATE TABLE five (a int)").wait()
    with pytest.raises(InvalidArgumentError, match="returns no rows"):
        job.result()


@pytest.mark.parametrize(
    "arguments",
    [
        {"into": "a b"},
        {"into": "x; DROP TABLE y"},
        {"sql": "SELECT 1 AS a INTO b", "into": "c"},
        {"sql": "DROP TABLE b", "into": "c"},
        {"estimate": 0},
        {"estimate": 1.5},
        {"estimate": "long"},
        {"context": "x]"},
    ],
)
def test_an_invalid_submission_raises(mast_sandbox: Sandbox, casjobs: CasJobsClass, arguments: dict[str, Any]) -> None:
    """The error is raised before a request."""
    call: Any = casjobs.submit
    with pytest.raises(InvalidArgumentError):
        call(**{"sql": STARS, **arguments})
    assert len(mast_sandbox.requests) == 0


def test_jobs_are_listed(mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select) -> None:
    """Jobs are listed from new to old, with times, and can be selected by status or age."""
    mast_sandbox.faults.add("casjobs", Fault.job("failed", "No."), where=operation("SubmitJob"))
    jobs = [casjobs.submit(STARS, context=PS1).wait() for _ in range(3)]
    listed = casjobs.list_jobs()
    assert list(listed["url"]) == [job.url for job in reversed(jobs)]
    assert list(listed["status"]) == ["COMPLETED", "COMPLETED", "ERROR"]
    assert listed["error"][2] == "No."
    assert list(listed["rows"])[:2] == [40, 40]
    assert set(listed["context"]) == {PS1}
    assert isinstance(listed["submitted"], Time)
    assert not np.any(listed["ended"].mask)
    assert len(casjobs.list_jobs(status="completed")) == 2
    assert len(casjobs.list_jobs(status="QUEUED")) == 0
    moment = listed["submitted"][0]
    assert len(casjobs.list_jobs(since=moment - 1 * u.day)) == 3
    assert len(casjobs.list_jobs(since="2020-01-01")) == 3
    assert len(casjobs.list_jobs(since=moment + 1 * u.hour)) == 0


def test_a_job_that_has_not_started_has_masked_times(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select
) -> None:
    """Missing times are masked."""
    mast_sandbox.faults.add("casjobs", Fault.job("ready"), where=operation("SubmitJob"))
    casjobs.submit(STARS, context=PS1)
    listed = casjobs.list_jobs()
    assert listed["status"][0] == "QUEUED"
    assert listed["started"].mask[0]
    assert listed["ended"].mask[0]
    assert not np.any(listed["submitted"].mask)


@pytest.mark.parametrize("arguments", [{"status": "done"}, {"since": "yesterday"}, {"since": 5.5j}])
def test_invalid_arguments_of_list_jobs_raise(casjobs: CasJobsClass, arguments: dict[str, Any]) -> None:
    """The error lists the valid values."""
    call: Any = casjobs.list_jobs
    with pytest.raises(InvalidArgumentError, match=r"COMPLETED|a Time or a date"):
        call(**arguments)


def test_a_timeout_raises_the_timeout_error_of_astroquery(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """A request without a response ends with the call."""
    mast_sandbox.faults.add("casjobs", Fault.delay(30))
    with pytest.raises(TimeoutError):
        casjobs.list_contexts(timeout=0.3)


# -- contexts, tables and columns ------------------------------------------------------------------------------------


def test_contexts_are_listed(mast_sandbox: Sandbox, casjobs: CasJobsClass, operation: Select) -> None:
    """The contexts are those of the server, or the known ones if the server cannot list them."""
    listed = casjobs.list_contexts()
    assert listed["context"][0] == "MyDB"
    assert PS1 in listed["context"]
    assert listed["longest_job"].unit == u.min
    assert listed["longest_job"].max() == 500
    unknown = "System.InvalidOperationException: Request format is unrecognized for URL ending in '/GetQueues'.\r\n"
    answer = Fault.answer(unknown, status=500, content_type="text/plain")
    mast_sandbox.faults.add("casjobs", answer, where=operation("GetQueues"))
    known = casjobs.list_contexts()
    assert {"MyDB", PS1, "HSCv3"} <= set(known["context"])
    assert all(known["longest_job"].mask)


def test_tables_and_columns_are_listed(casjobs: CasJobsClass) -> None:
    """Views are distinguished from tables, and names may be in any case."""
    tables = casjobs.list_tables(PS1)
    kinds = dict(zip(tables["table_name"], tables["type"], strict=True))
    assert (kinds["ObjectThin"], kinds["MeanObjectView"]) == ("table", "view")
    columns = casjobs.list_columns("objectthin", PS1)
    types = dict(zip(columns["column_name"], columns["datatype"], strict=True))
    assert (types["objID"], types["raMean"]) == ("bigint", "float")
    assert casjobs.list_columns("dbo.ObjectThin", PS1).colnames == ["column_name", "datatype", "length"]
    with pytest.raises(
        InvalidArgumentError, match=r"Table 'ObjectThick' not found in PanSTARRS_DR2. Did you mean 'ObjectThin"
    ):
        casjobs.list_columns("ObjectThick", PS1)
    with pytest.raises(InvalidArgumentError, match="name of a table"):
        casjobs.list_columns("x' OR 1=1 --", PS1)


def test_mydb_is_empty_at_first(casjobs: CasJobsClass) -> None:
    """An empty list has its columns."""
    assert casjobs.list_tables().colnames == ["table_name", "type"]
    assert len(casjobs.list_tables()) == 0


def test_drop_removes_a_table(casjobs: CasJobsClass) -> None:
    """A missing table raises an error unless missing_ok is set."""
    casjobs.query("CREATE TABLE Five (a int)")
    casjobs.drop("five")
    assert len(casjobs.list_tables()) == 0
    with pytest.raises(InvalidArgumentError, match="Table 'five' not found in MyDB"):
        casjobs.drop("five")
    casjobs.drop("MyDB.five", missing_ok=True)


@pytest.mark.parametrize("name", ["x; DROP TABLE y", "x'--", "x y", "HSCv3.dbo.x", "", None, 5])
@pytest.mark.parametrize("missing_ok", [False, True])
def test_drop_rejects_an_invalid_name(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, name: Any, *, missing_ok: bool
) -> None:
    """The error is raised before a request."""
    with pytest.raises(InvalidArgumentError):
        casjobs.drop(name, missing_ok=missing_ok)
    assert len(mast_sandbox.requests) == 0
