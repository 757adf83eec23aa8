"""Jobs: queries on which a server works by itself, watched, stopped, found again."""

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
    """Let the next job go on without end."""
    sandbox.faults.add("vo_tap", Fault.job("EXECUTING"), where=lambda record: record.path.endswith("/async"))


def test_a_query_as_a_job_has_the_same_result(mast_sandbox: Sandbox, serve: Serve) -> None:
    """Whether at once or as a job makes no difference to the table, and a job that is done with is removed."""
    catalog = serve(sources(50))
    at_once, job = (query(f"{ALL} ORDER BY id", catalog=catalog, run_async=each) for each in (False, True))
    assert list(at_once["name"]) == list(job["name"])
    assert [job[name].unit for name in job.colnames] == [at_once[name].unit for name in at_once.colnames]
    assert (at_once.meta["mode"], job.meta["mode"]) == ("sync", "async")
    assert job.meta["adql"] == at_once.meta["adql"]
    assert len(VO.list_jobs(catalog)) == 0


def test_a_job_is_returned_before_it_is_done(mast_sandbox: Sandbox, serve: Serve) -> None:
    """Its handle waits, tells how far it is and gives the result, as often as it is asked."""
    job = query(f"{ALL} ORDER BY id", catalog=serve(sources(50)), job=True)
    assert job.url.startswith(f"{mast_sandbox.url}/vo-tap/")
    assert repr(job) == f"<JobHandle at {job.url}>"
    assert job.wait() is job
    assert job.status == "COMPLETED"
    assert list(job.result()["id"]) == list(job.result()["id"]) == list(range(50))
    assert job.result().meta["job"] == job.url
    assert job.result().meta["adql"] == f"{ALL} ORDER BY id"


def test_a_job_is_found_again_in_another_process(serve: Serve) -> None:
    """Its address is all that has to be kept."""
    job = query(ALL, catalog=serve(sources(50)), job=True)
    code = "import sys; from astroquery_mast import VO; print(len(VO.get_job(sys.argv[1]).result()))"
    said = subprocess.run([sys.executable, "-c", code, job.url], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "50"


def test_jobs_are_listed(mast_sandbox: Sandbox, serve: Serve) -> None:
    """Each with the address by which it is found."""
    catalog = serve(sources(5))
    jobs = [query(ALL, catalog=catalog, job=True).wait() for _ in range(3)]
    listed = VO.list_jobs(catalog)
    assert sorted(listed["url"]) == sorted(job.url for job in jobs)
    assert set(listed["status"]) == {"COMPLETED"}
    assert all(each.startswith("20") for each in listed["created"])


def test_a_job_can_be_cancelled(mast_sandbox: Sandbox, serve: Serve) -> None:
    """Its result is then an error that says so; to cancel it again is none, and sends nothing that stops it."""
    never_ends(mast_sandbox)
    job = query(ALL, catalog=serve(sources(5)), job=True)
    assert not JobStatus(job.status).finished
    job.cancel()
    assert job.wait().status == "ABORTED"
    with pytest.raises(RemoteServiceError, match="ABORTED"):
        job.result()
    job.cancel()
    assert len([record for record in of_jobs(mast_sandbox) if b"ABORT" in record.body]) == 1


def test_a_job_that_is_done_is_not_cancelled(serve: Serve) -> None:
    """It keeps its result."""
    job = query(ALL, catalog=serve(sources(5)), job=True).wait()
    job.cancel()
    assert len(job.result()) == 5


def test_more_rows_than_a_job_returns_are_told_of(serve: Serve) -> None:
    """The result of a job that was waited for warns as any other."""
    with pytest.warns(MaxResultsWarning, match="more than these 10 rows"):
        table = query(ALL, catalog=serve(sources(50)), maxrec=10, run_async=True)
    assert table.meta["overflow"]
    with pytest.warns(MaxResultsWarning):
        assert len(query(ALL, catalog=serve(sources(50)), maxrec=10, job=True).result()) == 10


def test_pages_are_jobs_if_there_are_several(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The number is asked for at once."""
    table = query(ALL, catalog=serve(sources(100)), limit=None, maxrec=40)
    assert len(set(table["id"])) == 100
    assert table.meta["mode"] == "async"
    created = [record for record in of_jobs(mast_sandbox) if record.path.endswith("/async")]
    assert len(created) == 3


def test_what_does_not_fit_into_a_job_is_not_submitted(mast_sandbox: Sandbox) -> None:
    """The message says what to leave out."""
    with pytest.raises(InvalidArgumentError, match="Omit job=True"):
        query(ALL, limit=None, job=True)
    assert not mast_sandbox.requests.of("vo_tap")


@pytest.mark.parametrize(
    "url", ["", "caom", "https://x/async/", "ftp://x/async/1", "https://mast.stsci.edu/vo-tap", None]
)
def test_what_is_no_address_of_a_job_is_refused(url: Any) -> None:
    """No request is needed to see that."""
    with pytest.raises(InvalidArgumentError, match="is not the URL of a job"):
        VO.get_job(url)


def test_the_address_of_a_result_is_that_of_its_job() -> None:
    """Whichever of the two somebody has kept."""
    address = "https://x.example/tap/async/5"
    assert VO.get_job(f" {address}/results/result ").url == VO.get_job(address).url == address


@pytest.mark.parametrize("verbose", [True, False])
def test_how_far_a_job_is_can_be_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verbose: bool
) -> None:
    """Only by somebody who wants to, on a terminal."""
    monkeypatch.setattr(parallel, "someone_watches", lambda: True)
    monkeypatch.setattr(parallel, "DELAY", 0)
    JobHandle("other:5", Other(JobStatus.QUEUED, JobStatus.COMPLETED)).wait(verbose=verbose)
    said = capsys.readouterr()
    assert ("QUEUED" in said.err) is verbose
    assert (said.out, verbose or said.err) == ("", verbose or "")


def test_a_handle_can_be_pickled() -> None:
    """It says the same in another process."""
    job = VO.get_job("https://x.example/tap/async/5")
    assert pickle.loads(pickle.dumps(job)).url == job.url


def test_a_job_that_the_server_does_not_know_is_refused(mast_sandbox: Sandbox) -> None:
    """Nobody waits for it."""
    job = VO.get_job(f"{mast_sandbox.url}/vo-tap/api/v0.1/caom/async/nothing")
    for ask in (lambda: job.status, job.wait, job.result, job.cancel):
        with pytest.raises(InvalidQueryError):
            ask()


def test_a_longer_timeout_is_asked_for(mast_sandbox: Sandbox, serve: Serve) -> None:
    """A job may run for as long as the caller wants to wait."""
    query(ALL, catalog=serve(sources(5)), run_async=True, timeout=3600)
    (asked,) = [record for record in of_jobs(mast_sandbox) if b"EXECUTIONDURATION" in record.body.upper()]
    assert 3500 < int(parse_qs(asked.body.decode())["EXECUTIONDURATION"][0]) <= 3600


class Other:
    """A protocol that is not TAP's."""

    how_to_return = "Other.get_job"

    def __init__(self, *states: JobStatus | BaseException) -> None:
        self.states = list(states)

    def status(self, url: str, deadline: Deadline) -> JobStatus:
        """Give one state after the other; the last stays."""
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, BaseException):
            raise state
        return state

    def cancel(self, url: str, deadline: Deadline) -> None:
        """Stop it."""
        self.states = [JobStatus.ABORTED]

    def result(self, url: str, deadline: Deadline) -> Table:
        """Give a table."""
        return Table({"x": [1]})


def test_a_handle_works_with_any_protocol() -> None:
    """It asks until the job has finished."""
    job = JobHandle("other:5", Other(JobStatus.QUEUED, JobStatus.EXECUTING, JobStatus.COMPLETED))
    assert job.status == "QUEUED"
    assert len(job.result()) == 1
    job.cancel()
    assert job.status == "ABORTED"


def test_ctrl_c_leaves_the_job_and_says_where_it_is(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever waits may stop waiting, and come back later."""
    job = JobHandle("https://x/async/5", Other(JobStatus.EXECUTING, KeyboardInterrupt(), JobStatus.COMPLETED))
    with caplog.at_level(logging.INFO), pytest.raises(KeyboardInterrupt):
        job.wait()
    assert "Reconnect with Other.get_job('https://x/async/5')" in caplog.text
    assert len(job.result()) == 1


def test_ctrl_c_during_a_query_says_where_its_job_is(
    mast_sandbox: Sandbox, serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the caller has not asked for a job."""
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


def test_queries_side_by_side_have_their_own_results(serve: Serve) -> None:
    """One client serves many threads, at once and as jobs."""
    catalog = serve(sources(100))

    def ask(number: int) -> list[Any]:
        text = f"SELECT id FROM dbo.sources WHERE id < {number} ORDER BY id"
        return list(query(text, catalog=catalog, run_async=bool(number % 2)))

    with ThreadPoolExecutor(4) as pool:
        for number, found in zip(range(1, 17), pool.map(ask, range(1, 17)), strict=True):
            assert [row["id"] for row in found] == list(range(number))


def test_a_job_that_does_not_end_in_time_goes_on(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The error says how to return to it."""
    never_ends(mast_sandbox)
    job = query(ALL, catalog=serve(sources(5)), job=True)
    with pytest.raises(TimeoutError, match=r"The job has not finished within 0.3 s.*VO\.get_job\('http") as caught:
        job.result(timeout=0.3)
    assert isinstance(caught.value, QueryTimeoutError)
    assert job.url in str(caught.value)
    assert VO.get_job(job.url).status == "EXECUTING"


@pytest.mark.parametrize("timeout", [0, -1, "soon"])
def test_a_timeout_that_is_no_time_is_refused(timeout: Any) -> None:
    """Nothing is asked."""
    with pytest.raises(InvalidArgumentError, match="timeout must be"):
        JobHandle("x", Other(JobStatus.QUEUED)).wait(timeout=timeout)


def test_a_bad_query_fails_as_a_job_with_the_same_words(serve: Serve) -> None:
    """It is no failure of the server."""
    with pytest.raises(BadRequestError, match="nowhere"):
        query("SELECT 1 FROM nowhere", catalog=serve(sources(5)), run_async=True)


def test_the_setting_bounds_the_waiting(mast_sandbox: Sandbox, serve: Serve) -> None:
    """Without a timeout of its own a call waits as long as any other."""
    never_ends(mast_sandbox)
    job = query(ALL, catalog=serve(sources(5)), job=True)
    with conf.set_temp("timeout", 0.2), pytest.raises(TimeoutError, match=r"within 0\.2 s"):
        job.wait()
