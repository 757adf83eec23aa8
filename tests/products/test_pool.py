"""Many tasks at a time on any executor: never too many, all of them told of, and ended when they have to be."""

from __future__ import annotations

import math
import signal
import threading
from collections import Counter
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing

import pytest

from astroquery_mast.service.deadline import Deadline
from astroquery_mast.service.pool import run, threads


class Crowd:
    """Counts who is at work at the same time."""

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


def unlimited() -> Deadline:
    return Deadline(math.inf)


def nothing() -> None:
    """Have nothing to stop."""


@pytest.mark.parametrize("window", [1, 3, 50])
def test_every_task_is_told_of_once_and_no_more_are_under_way_than_allowed(window: int) -> None:
    """All results come, and the window is never exceeded even if the executor has more threads."""
    crowd = Crowd()
    with threads(20) as executor:
        ended = run(range(40), crowd, executor=executor, window=window, deadline=unlimited(), stop=pytest.fail)
        found = {task: future.result() for task, future in ended}
    assert found == {task: task * task for task in range(40)}
    assert crowd.most <= window


def test_tasks_are_read_no_faster_than_they_are_done() -> None:
    """What is found out from one task can still change the next: it has not been handed over yet."""
    read: list[int] = []
    tasks = (read.append(number) or number for number in range(100))
    executor = ByHand()
    ended = run(tasks, abs, executor=executor, window=2, deadline=unlimited(), stop=nothing)
    with closing(ended):
        threading.Timer(0.01, lambda: executor.futures[1].set_result(7)).start()
        task, future = next(ended)
        assert (task, future.result()) == (1, 7)
        assert read == [0, 1]


def test_failure_of_a_task_is_its_own() -> None:
    """An exception stays in its future; the others go on."""
    with threads(2) as executor:
        ended = run([1, 0, 2], lambda n: 1 / n, executor=executor, window=2, deadline=unlimited(), stop=pytest.fail)
        errors = {task: future.exception() for task, future in ended}
    assert isinstance(errors[0], ZeroDivisionError)
    assert errors[1] is None
    assert errors[2] is None


def test_executor_that_takes_no_more_fails_each_task() -> None:
    """An executor that was shut down or broke gives every task a failure instead of an exception for all."""
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    ended = run(range(3), abs, executor=executor, window=2, deadline=unlimited(), stop=pytest.fail)
    assert Counter(type(future.exception()) for _task, future in ended) == {RuntimeError: 3}


def test_deadline_ends_it_with_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time is over nothing more begins, what can be taken back is, and what is stuck is left out."""
    monkeypatch.setattr("astroquery_mast.service.pool.GRACE", 0.05)
    deadline, executor, stopped = Deadline(0.2), ByHand(), []
    ended = run(range(9), abs, executor=executor, window=3, deadline=deadline, stop=lambda: stopped.append(1))
    with closing(ended):
        threading.Timer(0.01, lambda: executor.futures[0].set_result(5)).start()
        first, future = next(ended)
        assert (first, future.result()) == (0, 5)
        executor.futures[1].set_running_or_notify_cancel()  # stuck: cannot be taken back
        rest = {task: future.cancelled() for task, future in ended}
    assert stopped == [1]
    assert 1 not in rest
    assert all(rest.values())
    assert len(executor.futures) < 9


def test_caller_who_leaves_stops_the_tasks() -> None:
    """Leaving the loop, as an exception does, tells the tasks to end and takes back those that wait."""
    executor, stopped = ByHand(), []
    ended = run(range(9), abs, executor=executor, window=3, deadline=unlimited(), stop=lambda: stopped.append(1))
    threading.Timer(0.01, lambda: executor.futures[0].set_result(5)).start()
    with closing(ended):
        next(ended)
    assert stopped == [1]
    assert [future.cancelled() for future in executor.futures] == [False, True, True]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads on this system")
def test_ctrl_c_while_waiting_is_noticed_at_once() -> None:
    """KeyboardInterrupt reaches the caller although no task ends, and the tasks are told."""
    go_on, stopped = threading.Event(), []

    def interrupt(_task: int) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        assert go_on.wait(10)

    def stop() -> None:
        stopped.append(1)
        go_on.set()

    with threads(1) as executor, pytest.raises(KeyboardInterrupt):
        list(run([1], interrupt, executor=executor, window=1, deadline=unlimited(), stop=stop))
    assert stopped == [1]
