"""Concurrent jobs on any executor: never too many, each reported once, and stopped when necessary."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from astroquery_mast.exceptions import BadRequestError
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.service.parallel import (
    Job,
    JobFailure,
    RunOptions,
    SharedState,
    UnfinishedError,
    map_in_threads,
    run,
)
from astroquery_mast.service.retrying import Deadline


class Crowd:
    """Count the concurrent workers."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now = self.most = 0

    def __call__(self, task: int) -> int:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        with self.lock:
            self.now -= 1
        return task * task


class ByHand(Executor):
    """An executor whose tasks end when the test says so."""

    def __init__(self) -> None:
        self.futures: list[Future[object]] = []

    def submit(self, _work: object, *_args: object, **_keywords: object) -> Future[object]:  # type: ignore[override]
        self.futures.append(Future())
        return self.futures[-1]


class Stopping(SharedState):
    """A state that records when it is stopped."""

    def __init__(self, deadline: Deadline | None = None, then: Callable[[], object] = lambda: None) -> None:
        super().__init__(deadline or Deadline())
        self.stopped = 0
        self.then = then

    def stop(self) -> None:
        self.stopped += 1
        super().stop()
        self.then()


def unlimited() -> Stopping:
    """A state without a deadline."""
    return Stopping(then=pytest.fail)


@pytest.mark.parametrize("window", [1, 3, 50])
def test_every_job_is_reported_once_within_the_limit(window: int) -> None:
    """All results are yielded, and the limit is never exceeded, even if the executor has more threads."""
    crowd = Crowd()
    with ThreadPoolExecutor(20) as executor:
        options = RunOptions(max_workers=window, executor=executor)
        ended = run(range(40), crowd, options, unlimited())
        found = {job.item: outcome for job, outcome in ended}
    assert found == {number: number * number for number in range(40)}
    assert crowd.most <= window


def test_jobs_run_while_the_caller_uses_known_results() -> None:
    """The same holds for the result of a single worker; the limit is kept, and each result is yielded once."""
    executor = ByHand()
    options = RunOptions(max_workers=1, executor=executor)
    known = [(Job(place, place), -place) for place in (2, 3)]
    with closing(run([0, 1], abs, options, unlimited(), first=known)) as given:
        assert [next(given)[1], len(executor.futures)] == [-2, 1]
        executor.futures[0].set_result(10)
        assert [next(given)[1], len(executor.futures)] == [-3, 1]
        job, outcome = next(given)
        assert (job.number, outcome, len(executor.futures)) == (0, 10, 2)
        executor.futures[1].set_result(11)
        assert [(job.number, outcome) for job, outcome in given] == [(1, 11)]


def test_jobs_can_be_yielded_in_order() -> None:
    """The durations do not matter, and on_end is called for each job as it ends."""
    gates = [threading.Event() for _ in range(12)]
    heard: list[int] = []

    def work(number: int) -> int:
        if number % 2 == 0:
            assert gates[number].wait(5)  # even jobs wait for the odd one after them
        else:
            gates[number - 1].set()
        return number

    options = RunOptions(max_workers=2)
    ended = run(range(12), work, options, unlimited(), ordered=True, on_end=lambda job, _: heard.append(job.number))
    assert [(job.number, outcome) for job, outcome in ended] == [(number, number) for number in range(12)]
    assert sorted(heard) == list(range(12))


def test_jobs_are_read_only_as_needed() -> None:
    """The outcome of one job can still affect the next, which has not been submitted yet."""
    read: list[int] = []
    items = (read.append(number) or number for number in range(100))
    executor = ByHand()
    ended = run(items, abs, RunOptions(max_workers=2, executor=executor), Stopping())
    with closing(ended):
        threading.Timer(0.01, lambda: executor.futures[1].set_result(7)).start()
        job, outcome = next(ended)
        assert (job.item, outcome) == (1, 7)
        assert read == [0, 1]


def test_a_failed_job_does_not_affect_others() -> None:
    """An exception is the outcome of its job only; the others continue."""
    ended = run([1, 0, 2], lambda n: 1 / n, RunOptions(max_workers=2), unlimited())
    found = {job.item: outcome for job, outcome in ended}
    failure = found.pop(0)
    assert isinstance(failure, JobFailure)
    assert isinstance(failure.error, ZeroDivisionError)
    assert found == {1: 1.0, 2: 0.5}


def test_a_broken_executor_fails_each_job() -> None:
    """With an executor that was shut down or broke, every job fails, instead of one exception for all."""
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    ended = run(range(3), abs, RunOptions(max_workers=2, executor=executor), unlimited())
    assert Counter(type(outcome.error) for _job, outcome in ended if isinstance(outcome, JobFailure)) == {
        RuntimeError: 3
    }


def test_the_deadline_ends_the_call_with_unfinished_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the deadline, no job starts and waiting ones are canceled; all of these are unfinished."""
    monkeypatch.setattr("astroquery_mast.service.parallel.GRACE", 0.05)
    executor, state = ByHand(), Stopping(Deadline(0.2))
    ended = run(range(9), abs, RunOptions(max_workers=3, executor=executor), state)
    with closing(ended):
        threading.Timer(0.01, lambda: executor.futures[0].set_result(5)).start()
        job, outcome = next(ended)
        assert (job.item, outcome) == (0, 5)
        executor.futures[1].set_running_or_notify_cancel()  # running: cannot be canceled
        rest = {job.item: outcome for job, outcome in ended}
    assert state.stopped == 1
    assert sorted(rest) == list(range(1, 9))
    assert all(isinstance(outcome.error, UnfinishedError) for outcome in rest.values())
    assert [future.cancelled() for future in executor.futures[1:]] == [False] + [True] * (len(executor.futures) - 2)
    assert len(executor.futures) < 9


def test_leaving_the_loop_stops_the_jobs() -> None:
    """Leaving the loop, as by an exception, stops running jobs and cancels waiting ones."""
    executor, state = ByHand(), Stopping()
    ended = run(range(9), abs, RunOptions(max_workers=3, executor=executor), state)
    threading.Timer(0.01, lambda: executor.futures[0].set_result(5)).start()
    with closing(ended):
        next(ended)
    assert state.stopped == 1
    assert [future.cancelled() for future in executor.futures] == [False, True, True]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads on this system")
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_while_waiting_is_noticed_at_once() -> None:
    """KeyboardInterrupt reaches the caller although no job ends, and the jobs are stopped."""
    go_on = threading.Event()
    state = Stopping(then=go_on.set)

    def interrupt(_item: int) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        assert go_on.wait(10)

    with pytest.raises(KeyboardInterrupt):
        list(run([1], interrupt, RunOptions(max_workers=1), state))
    assert state.stopped == 1


def test_executors_are_imported_only_if_given() -> None:
    """The module for ``executor=`` is imported only if that is given."""
    code = (
        "import sys, astroquery_mast.observations.many, astroquery_mast.catalogs.many, "
        "astroquery_mast.targets.crossmatch, astroquery_mast.downloads.product_flow; "
        "sys.exit('astroquery_mast.service.executors' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


# -- results in order, and few of them waiting ---------------------------------------------------------------------


def test_in_order_keeps_the_order_and_the_limit() -> None:
    """The results are in the order of the items, whatever their durations, and only a few run at once."""
    running, most = 0, 0
    lock = threading.Lock()
    gates = [threading.Event() for _ in range(12)]

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        if number % 2 == 0:
            gates[number].wait(5)  # even items wait for the odd one after them
        else:
            gates[number - 1].set()
        with lock:
            running -= 1
        return number

    assert list(map_in_threads(work, range(12), 4)) == list(range(12))
    assert most <= 4


def test_an_exception_can_be_a_result() -> None:
    """A returned exception is not raised."""
    errors = [ValueError("a"), KeyError("b")]
    assert list(map_in_threads(lambda error: error, errors, 2)) == errors


def test_in_order_stops_at_the_first_failure() -> None:
    """A failure ends the work, and no further item starts."""
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 1:
            raise BadRequestError("no")
        return number

    with pytest.raises(BadRequestError):
        list(map_in_threads(work, range(1000), 2))
    assert len(begun) < 20


NO_THREADS = """
import sys, threading
from astropy.table import Table
from astroquery_mast import MastMissions, Observations, Tesscut, conf
conf.server = conf.resolver_server = sys.argv[1]
most = int(sys.argv[2])
begin, started = threading.Thread.start, []

def begin_few(thread):
    if len(started) >= most:
        raise RuntimeError("can't start new thread")
    started.append(thread)
    begin(thread)

threading.Thread.start = begin_few
found = Observations.query_criteria(proposal_id=10452, pagesize=20)
names = Observations.resolve_object([f"M{number}" for number in range(1, 100)])
targets = Observations.query_object(["M51", "M101", "HUDF"], radius=0.01, merge_nearby=False)
products = Observations.get_product_list(list(found["obsid"][:4]), batch_size=1, verbose=False)
files = Observations.download_products(products[:5], download_dir=sys.argv[3], verbose=False)
cutouts = Tesscut.download_cutouts(coordinates="84.291187 -80.469125", sector=[1, 2], size=2, path=sys.argv[3])
sys.stdout.write(f"{len(found)} {len(names)} {len(targets)} {len(products)} "
    f"{set(files['Status'])} {set(cutouts['Status'])} {len(started)}")
"""


def test_calls_work_if_no_thread_can_be_started(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """If the system cannot start threads, pages, names, targets, products and files are still processed."""
    script = tmp_path / "threads.py"
    script.write_text(NO_THREADS)
    told = []
    for most in (0, 1, 100):
        command = [sys.executable, str(script), mast_sandbox.url, str(most), str(tmp_path / str(most))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        told.append(done.stdout.rpartition(" "))
        assert "COMPLETE" in done.stdout, done.stderr
    assert [each[0] for each in told] == [told[-1][0]] * 3
    assert [int(each[2]) for each in told[:2]] == [0, 1]
    assert int(told[2][2]) > 10
