"""Many tasks at a time: on threads of our own, or on any executor that the caller gives.

In: tasks, and the function that does one.  Out: finished tasks as they end.  Products flow, around "transfer"; knows
nothing of files.

There are never more tasks with the executor than may run at a time, so that what has been learnt from the finished
ones (the server is down, the time is over) still counts for the others.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TypeVar

from ..config import count_setting
from ..exceptions import InvalidArgumentError
from .deadline import Deadline

__all__ = ["GRACE", "THREAD_NAME", "number_of_workers", "run", "threads"]

T = TypeVar("T")
R = TypeVar("R")

GRACE = 2.0
"""Seconds that tasks under way are given to end when they are told to."""
THREAD_NAME = "astroquery_mast"
# How long Ctrl-C may go unnoticed where waiting for a lock cannot be interrupted, as on Windows (seconds).
_GLANCE = 0.5


def number_of_workers(max_workers: int | None, executor: Executor | None) -> int:
    """Return how many tasks are to be under way at a time."""
    if max_workers is None:
        return int(getattr(executor, "_max_workers", None) or count_setting("max_workers"))
    try:
        workers = operator.index(max_workers)
    except TypeError:
        workers = 0
    if workers < 1:
        raise InvalidArgumentError(f"max_workers={max_workers!r}: a whole number above zero is needed.")
    return workers


@contextmanager
def threads(workers: int) -> Iterator[Executor]:
    """Threads for one call, which are not waited for when the call is broken off."""
    executor = ThreadPoolExecutor(max_workers=workers, thread_name_prefix=THREAD_NAME)
    try:
        yield executor
    finally:
        # `run` has waited for all that can be waited for; what still runs is stuck in the network.
        executor.shutdown(wait=False, cancel_futures=True)


def run(
    tasks: Iterable[T],
    work: Callable[[T], R],
    *,
    executor: Executor,
    window: int,
    deadline: Deadline,
    stop: Callable[[], None],
) -> Generator[tuple[T, Future[R]], None, None]:
    """Do all tasks, several at a time, and give each as it ends."""
    ended: SimpleQueue[Future[R]] = SimpleQueue()
    under_way: dict[Future[R], T] = {}
    remaining = iter(tasks)
    complete = False
    try:
        while True:
            _fill(under_way, ended, remaining, work, executor, window, deadline)
            future = _next(ended, deadline) if under_way else None
            if future is None:
                break
            yield under_way.pop(future), future
        complete = not under_way
    finally:
        if not complete:
            stop()
            _cancel(under_way)
            # Not only for tidiness: what is under way leaves a part that can be resumed.
            late = list(_settled(under_way, ended))
    if not complete:
        yield from late


def _fill(
    under_way: dict[Future[R], T],
    ended: SimpleQueue[Future[R]],
    remaining: Iterator[T],
    work: Callable[[T], R],
    executor: Executor,
    window: int,
    deadline: Deadline,
) -> None:
    """Hand over tasks until enough are under way."""
    while len(under_way) < window and deadline.remaining() > 0:
        for task in remaining:
            future = _submitted(executor, work, task)
            under_way[future] = task
            future.add_done_callback(ended.put)
            break
        else:
            return


def _submitted(executor: Executor, work: Callable[[T], R], task: T) -> Future[R]:
    """The future of a task; a failed one if the executor takes no more, because it is broken or was shut down."""
    try:
        return executor.submit(work, task)
    except RuntimeError as err:
        failed: Future[R] = Future()
        failed.set_exception(err)
        return failed


def _next(ended: SimpleQueue[Future[R]], deadline: Deadline) -> Future[R] | None:
    """The next task that ends; None when the deadline passes before."""
    while True:
        left = deadline.remaining()
        try:
            return ended.get(timeout=max(0.0, min(left, _GLANCE)))
        except Empty:
            if left <= 0:
                return None


def _cancel(under_way: Iterable[Future[R]]) -> None:
    """Take back what has not begun."""
    for future in list(under_way):
        future.cancel()


def _settled(under_way: dict[Future[R], T], ended: SimpleQueue[Future[R]]) -> Iterator[tuple[T, Future[R]]]:
    """What ends within the time of grace."""
    until = time.monotonic() + GRACE
    while under_way:
        try:
            future = ended.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            return
        yield under_way.pop(future), future
