"""TAP jobs: asynchronous queries that are monitored, canceled and retrieved later."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import pytest
from astropy.table import Table
from astroquery.exceptions import InvalidQueryError, MaxResultsWarning, RemoteServiceError, TimeoutError
from tap_catalogs import Serve, of_jobs, sources

from astroquery_mast import VO, conf
from astroquery_mast.exceptions import BadRequestError, InvalidArgumentError, QueryTimeoutError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service import parallel
from astroquery_mast.service.jobs import JobHandle, JobStatus
from astroquery_mast.service.retrying import Deadline

query: Any = VO.query_tap
ALL = "SELECT id, name, mag FROM dbo.sources"


def never_ends(sandbox: Sandbox) -> None:
    """Let the next job run forever."""
    sandbox.faults.add("vo_tap", Fault.job("EXECUTING"), where=lambda record: record.path.endswith("/async"))


def test_a_job_has_the_same_result_as_a_synchronous_query(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The tables are equal, and a finished job is removed."""
    catalog = serve(sources(50))
    at_once, job = (query(f"{ALL} ORDER BY id", catalog=catalog, run_async=each) for each in (False, True))
    assert list(at_once["name"]) == list(job["name"])
    assert [job[name].unit for name in job.colnames] == [at_once[name].unit for name in at_once.colnames]
    assert (at_once.meta["mode"], job.meta["mode"]) == ("sync", "async")
    assert job.meta["adql"] == at_once.meta["adql"]
    assert len(VO.list_jobs(catalog)) == 0


def test_a_job_is_returned_before_it_finishes(mast_sandbox: Sandbox, serve: Serve) -> None:
    """Its handle waits, has a status, and returns the result any number of times."""
    job = query(f"{ALL} ORDER BY id", catalog=serve(sources(50)), job=True)
    assert job.url.startswith(f"{mast_sandbox.url}/vo-tap/")
    assert repr(job) == f"<JobHandle at {job.url}>"
    assert job.wait() is job
    assert job.status == "COMPLETED"
    assert list(job.result()["id"]) == list(job.result()["id"]) == list(range(50))
    assert job.result().meta["job"] == job.url
    assert job.result().meta["adql"] == f"{ALL} ORDER BY id"


def test_a_job_is_found_in_another_process(serve: Serve) -> None:
    """Only the URL of the job is needed."""
    job = query(ALL, catalog=serve(sources(50)), job=True)
    code = "import sys; from astroquery_mast import VO; print(len(VO.get_job(sys.argv[1]).result()))"
    process = subprocess.run([sys.executable, "-c", code, job.url], check=True, capture_output=True, text=True)
    assert process.stdout.strip() == "50"


def test_jobs_are_listed(mast_sandbox: Sandbox, serve: Serve) -> None:
    """Each job is listed with its URL."""
    catalog = serve(sources(5))
    jobs = [query(ALL, catalog=catalog, job=True).wait() for _ in range(3)]
    listed = VO.list_jobs(catalog)
    assert sorted(listed["url"]) == sorted(job.url for job in jobs)
    assert set(listed["status"]) == {"COMPLETED"}
    assert all(each.startswith("20") for each in listed["created"])


def test_a_job_can_be_canceled(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The result of a canceled job raises an error; canceling it again does nothing."""
    never_ends(mast_sandbox)
    job = query(ALL, catalog=serve(sources(5)), job=True)
    assert not JobStatus(job.status).finished
    job.cancel()
    assert job.wait().status == "ABORTED"
    with pytest.raises(RemoteServiceError, match="ABORTED"):
        job.result()
    job.cancel()
    assert len([record for record in of_jobs(mast_sandbox) if b"ABORT" in record.body]) == 1


def test_a_finished_job_is_not_canceled(serve: Serve) -> None:
    """A finished job keeps its result."""
    job = query(ALL, catalog=serve(sources(5)), job=True).wait()
    job.cancel()
    assert len(job.result()) == 5


def test_more_rows_than_a_job_returns_cause_a_warning(serve: Serve) -> None:
    """The warning is the same as for other queries."""
    with pytest.warns(MaxResultsWarning, match="more than these 10 rows"):
        table = query(ALL, catalog=serve(sources(50)), maxrec=10, run_async=True)
    assert table.meta["overflow"]
    with pytest.warns(MaxResultsWarning):
        assert len(query(ALL, catalog=serve(sources(50)), maxrec=10, job=True).result()) == 10


def test_several_pages_are_requested_as_jobs(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The number of rows is requested synchronously."""
    table = query(ALL, catalog=serve(sources(100)), limit=None, maxrec=40)
    assert len(set(table["id"])) == 100
    assert table.meta["mode"] == "async"
    created = [record for record in of_jobs(mast_sandbox) if record.path.endswith("/async")]
    assert len(created) == 3


def test_a_job_with_too_many_rows_is_not_submitted(mast_sandbox: Sandbox) -> None:
    """The error says which argument to omit."""
    with pytest.raises(InvalidArgumentError, match="Omit job=True"):
        query(ALL, limit=None, job=True)
    assert not mast_sandbox.requests.of("vo_tap")


@pytest.mark.parametrize(
    "url", ["", "caom", "https://x/async/", "ftp://x/async/1", "https://mast.stsci.edu/vo-tap", None]
)
def test_an_invalid_job_url_raises(url: Any) -> None:
    """The error is raised without a request."""
    with pytest.raises(InvalidArgumentError, match="is not the URL of a job"):
        VO.get_job(url)


def test_the_url_of_a_result_leads_to_its_job() -> None:
    """The handle is the same as for the URL of the job."""
    address = "https://x.example/tap/async/5"
    assert VO.get_job(f" {address}/results/result ").url == VO.get_job(address).url == address


@pytest.mark.parametrize("verbose", [True, False])
def test_the_progress_of_a_job_is_shown_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verbose: bool
) -> None:
    """It is shown with verbose=True on a terminal only."""
    monkeypatch.setattr(parallel, "is_interactive", lambda: True)
    monkeypatch.setattr(parallel, "DELAY", 0)
    JobHandle("other:5", Other(JobStatus.QUEUED, JobStatus.COMPLETED)).wait(verbose=verbose)
    captured = capsys.readouterr()
    assert ("QUEUED" in captured.err) is verbose
    assert (captured.out, verbose or captured.err) == ("", verbose or "")


def test_a_handle_can_be_pickled() -> None:
    """A handle works in another process."""
    job = VO.get_job("https://x.example/tap/async/5")
    assert pickle.loads(pickle.dumps(job)).url == job.url


def test_an_unknown_job_raises(mast_sandbox: Sandbox) -> None:
    """The call does not wait for the job."""
    job = VO.get_job(f"{mast_sandbox.url}/vo-tap/api/v0.1/caom/async/nothing")
    for ask in (lambda: job.status, job.wait, job.result, job.cancel):
        with pytest.raises(InvalidQueryError):
            ask()


def test_a_longer_timeout_is_requested(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The execution time of a job is as long as the timeout."""
    query(ALL, catalog=serve(sources(5)), run_async=True, timeout=3600)
    (request,) = [record for record in of_jobs(mast_sandbox) if b"EXECUTIONDURATION" in record.body.upper()]
    assert 3500 < int(parse_qs(request.body.decode())["EXECUTIONDURATION"][0]) <= 3600


class Other:
    """A protocol other than TAP."""

    how_to_return = "Other.get_job"

    def __init__(self, *states: JobStatus | BaseException) -> None:
        self.states = list(states)

    def status(self, url: str, deadline: Deadline) -> JobStatus:
        """Return the statuses one after the other; the last one is repeated."""
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, BaseException):
            raise state
        return state

    def cancel(self, url: str, deadline: Deadline) -> None:
        """Stop it."""
        self.states = [JobStatus.ABORTED]

    def result(self, url: str, deadline: Deadline) -> Table:
        """Return a table."""
        return Table({"x": [1]})


def test_a_handle_works_with_any_protocol() -> None:
    """The handle requests the status until the job has finished."""
    job = JobHandle("other:5", Other(JobStatus.QUEUED, JobStatus.EXECUTING, JobStatus.COMPLETED))
    assert job.status == "QUEUED"
    assert len(job.result()) == 1
    job.cancel()
    assert job.status == "ABORTED"


def test_ctrl_c_leaves_the_job_and_logs_its_url(caplog: pytest.LogCaptureFixture) -> None:
    """The wait can be interrupted and continued later."""
    job = JobHandle("https://x/async/5", Other(JobStatus.EXECUTING, KeyboardInterrupt(), JobStatus.COMPLETED))
    with caplog.at_level(logging.INFO), pytest.raises(KeyboardInterrupt):
        job.wait()
    assert "Reconnect with Other.get_job('https://x/async/5')" in caplog.text
    assert len(job.result()) == 1


def test_ctrl_c_during_a_query_logs_the_url_of_its_job(
    mast_sandbox: Sandbox, serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The URL is logged even if the user has not requested a job."""
    from astroquery_mast.service import retrying

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    catalog = serve(sources(5))
    VO.list_tables(catalog)
    never_ends(mast_sandbox)
    monkeypatch.setattr(retrying, "pause", interrupted)
    with caplog.at_level(logging.INFO), pytest.raises(KeyboardInterrupt):
        query(ALL, catalog=catalog, run_async=True)
    (url,) = VO.list_jobs(catalog)["url"]
    assert f"Reconnect with VO.get_job({str(url)!r})" in caplog.text


def test_parallel_queries_have_their_own_results(serve: Serve) -> None:
    """A client can be used in many threads, synchronously and with jobs."""
    catalog = serve(sources(100))

    def ask(number: int) -> list[Any]:
        text = f"SELECT id FROM dbo.sources WHERE id < {number} ORDER BY id"
        return list(query(text, catalog=catalog, run_async=bool(number % 2)))

    with ThreadPoolExecutor(4) as pool:
        for number, found in zip(range(1, 17), pool.map(ask, range(1, 17)), strict=True):
            assert [row["id"] for row in found] == list(range(number))


def test_a_job_continues_after_a_timeout(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The error says how to return to the job."""
    never_ends(mast_sandbox)
    job = query(ALL, catalog=serve(sources(5)), job=True)
    with pytest.raises(TimeoutError, match=r"The job has not finished within 0.3 s.*VO\.get_job\('http") as caught:
        job.result(timeout=0.3)
    assert isinstance(caught.value, QueryTimeoutError)
    assert job.url in str(caught.value)
    assert VO.get_job(job.url).status == "EXECUTING"


@pytest.mark.parametrize("timeout", [0, -1, "soon"])
def test_an_invalid_timeout_raises(timeout: Any) -> None:
    """The error is raised before a request."""
    with pytest.raises(InvalidArgumentError, match="timeout must be"):
        JobHandle("x", Other(JobStatus.QUEUED)).wait(timeout=timeout)


def test_a_rejected_query_raises_the_same_message_as_a_job(serve: Serve) -> None:
    """The error is not one of the server."""
    with pytest.raises(BadRequestError, match="nowhere"):
        query("SELECT 1 FROM nowhere", catalog=serve(sources(5)), run_async=True)


def test_the_timeout_setting_limits_the_wait(mast_sandbox: Sandbox, serve: Serve) -> None:
    """Without the argument timeout, a call waits as long as conf.timeout."""
    never_ends(mast_sandbox)
    job = query(ALL, catalog=serve(sources(5)), job=True)
    with conf.set_temp("timeout", 0.2), pytest.raises(TimeoutError, match=r"within 0\.2 s"):
        job.wait()
