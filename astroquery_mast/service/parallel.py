"""Concurrent work: the pages of a response, the files of a download, the queries of many targets.

In: items, and the function that processes one.  Out: for each item its result or its error, in order or as completed;
and a progress bar for the call, if a user watches a terminal or a notebook.

No more jobs are submitted than may run at a time, so that the outcomes of finished jobs (the server is down, the time
is over) still affect the others.  The module "executors" has what executors in other processes need.
"""

from __future__ import annotations

import operator
import os
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ..config import count_setting
from ..exceptions import InvalidArgumentError
from .retrying import CallFile, Deadline, as_seconds

if TYPE_CHECKING:
    from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")

GRACE = 2.0
"""Seconds that running jobs have to end when the call is stopped."""
THREAD_NAME = "astroquery_mast"
ON_ERROR = ("raise", "warn", "ignore")
"""How to report failed jobs."""
DELAY = 1.0
"""Seconds after which a progress bar appears, so that saved notebooks have none of short calls."""
# Time within which Ctrl-C is noticed where waiting for a lock cannot be interrupted, as on Windows (seconds).
_GLANCE = 0.5


@dataclass(frozen=True)
class RunOptions:
    """The user's options for running the jobs of a call, checked before anything is sent."""

    verbose: bool = True
    max_workers: int | None = None
    executor: Executor | None = None
    timeout: Any = None
    on_error: str = "warn"
    since: float | None = None

    def __post_init__(self) -> None:
        """Check the arguments, and convert the timeout to seconds."""
        object.__setattr__(self, "timeout", as_seconds(self.timeout))
        if self.on_error not in ON_ERROR:
            raise InvalidArgumentError(
                f"on_error must be one of {', '.join(map(repr, ON_ERROR))}, got {self.on_error!r}."
            )
        if self.executor is not None and not hasattr(self.executor, "submit"):
            raise InvalidArgumentError(f"executor must be a concurrent.futures.Executor, got {self.executor!r}.")
        number_of_workers(self.max_workers, self.executor)

    @property
    def workers(self) -> int:
        """The number of concurrent jobs."""
        return number_of_workers(self.max_workers, self.executor)

    def deadline(self) -> Deadline:
        """Return the deadline of the call, which starts now, or at ``since`` if a part of it is done."""
        since = time.monotonic() if self.since is None else self.since
        return Deadline() if self.timeout is None else Deadline(self.timeout, since)

    def until(self, deadline: Deadline) -> RunOptions:
        """Return the same options for the rest of the call."""
        return replace(self, since=deadline.started)


def number_of_workers(max_workers: int | None, executor: Executor | None = None) -> int:
    """Return the number of concurrent jobs."""
    if max_workers is None:
        return int(getattr(executor, "_max_workers", None) or count_setting("max_workers"))
    try:
        workers = operator.index(max_workers)
    except TypeError:
        workers = 0
    if workers < 1:
        raise InvalidArgumentError(f"max_workers must be an integer >= 1, got {max_workers!r}.")
    return workers


# -- what the workers share ----------------------------------------------------------------------------------------


class DownServers(Generic[Item]):
    """The servers that cannot be reached, or a full disk, as determined from consecutive failures of jobs."""

    def __init__(self, in_a_row: int) -> None:
        self.down: dict[str, Item] = {}
        self.in_a_row = in_a_row
        self._failures: dict[str, int] = {}

    def note(self, reached: Mapping[str, Item | None]) -> None:
        """Record the outcome of one job: server → the error, or None if it responded."""
        for server, error in reached.items():
            self._failures[server] = 0 if error is None else self._failures.get(server, 0) + 1
            if error is not None and self._failures[server] >= self.in_a_row:
                self.down.setdefault(server, error)


class SharedState:
    """State that the workers of one call share in this process: the deadline, and the servers that are down."""

    def __init__(self, deadline: Deadline, down: Mapping[str, Any] | None = None) -> None:
        self.deadline = deadline
        self.down: Mapping[str, Any] = {} if down is None else down
        # Signals the end of the call to workers in other processes.
        self.over = CallFile()

    def stop(self) -> None:
        """Stop the running jobs: between two pieces of data, in pauses, and while waiting for a server."""
        self.deadline.stop()
        self.over.set()


# -- jobs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job(Generic[Item]):
    """One item of work, and its number."""

    number: int
    item: Item


class UnfinishedError(Exception):
    """A job that did not start, or did not end, before the end of the call."""


@dataclass(frozen=True)
class JobFailure:
    """Why a job has no result."""

    error: Exception


def map_in_threads(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Apply a function to many items concurrently, and yield the results in the order of the items.

    The first failure stops it.  Only a few results are kept until the caller takes them, because they may be large.
    """
    if workers <= 1:
        yield from map(work, items)
        return
    with _threads(workers) as pool:
        # Without a wait for running jobs, Ctrl-C takes effect at once; requests end by their own timeouts.
        running = _Run(_numbered(items), work, pool, workers + 1, SharedState(Deadline()), grace=0)
        with closing(running.in_order(bounded=True)) as outcomes:
            for _, outcome in outcomes:
                if isinstance(outcome, JobFailure):
                    raise outcome.error
                yield outcome
                # Do not keep a used result, which may have tens of megabytes.
                del outcome


def map_or_stop(
    deadline: Deadline, work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[Result, None, None]:
    """Do the same as `map_in_threads`, and stop the call if the caller stops iterating early."""
    complete = False
    try:
        yield from map_in_threads(work, items, workers)
        complete = True
    finally:
        if not complete:
            deadline.stop()


def map_all(deadline: Deadline, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Apply a function to many items, ``conf.max_workers`` at a time, and return all results in order."""
    with closing(map_or_stop(deadline, work, items, count_setting("max_workers"))) as results:
        return list(results)


def run(
    items: Iterable[Item],
    work: Callable[[Item], Result],
    options: RunOptions,
    state: SharedState,
    *,
    workers: int | None = None,
    ordered: bool = False,
    first: Iterable[tuple[Job[Item], Result]] | None = None,
    on_end: Callable[[Job[Item], Result | JobFailure], None] | None = None,
    grace: float | None = None,
) -> Generator[tuple[Job[Item], Result | JobFailure], None, None]:
    """Apply a function to many items concurrently, and yield each job with its result or a `JobFailure`.

    The jobs come as completed, or in order; ``on_end`` is called for each as it ends, in the caller's thread.  After
    the deadline, all remaining jobs have an `UnfinishedError`.  All workers stop if the caller stops iterating early,
    as by Ctrl-C.  ``first`` has results that are known already.  If it is given, jobs are running whenever a result is
    yielded, even with one worker, because the caller takes time to use it.  ``grace`` is the time to wait for running
    jobs after the deadline (seconds), by default `GRACE`.
    """
    most = options.workers if workers is None else workers
    own = _threads(most) if options.executor is None else _borrowed(options.executor, state)
    with own as pool:
        running = _Run(_numbered(items), work, pool, most, state, grace=grace, first=first, on_end=on_end)
        with closing(running.in_order() if ordered else running.as_completed()) as outcomes:
            yield from outcomes


def _numbered(items: Iterable[Item]) -> Iterator[Job[Item]]:
    """The jobs, created as they are needed."""
    return (Job(number, item) for number, item in enumerate(items))


class Threads(ThreadPoolExecutor):
    """A thread pool that, if the system cannot start more threads, does the work in the caller's thread."""

    def submit(self, work: Callable[..., Result], /, *args: Any, **keywords: Any) -> Future[Result]:
        """Submit a job."""
        future: Future[Result] = Future()
        begun = threading.Lock()

        def once() -> None:
            """Do the job unless it has started; a job for which no thread could be started stays in the queue."""
            if not begun.acquire(blocking=False) or not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work(*args, **keywords))
            except BaseException as err:  # noqa: BLE001 - Ctrl-C is an outcome of a job, too
                future.set_exception(err)

        try:
            super().submit(once)
        except RuntimeError:
            once()
        return future


@contextmanager
def _threads(workers: int) -> Iterator[Executor]:
    """Threads for one call, which does not wait for them if it is interrupted."""
    executor = Threads(max_workers=workers, thread_name_prefix=THREAD_NAME)
    try:
        yield executor
    finally:
        # All jobs that can end have ended; the others are blocked in the network.
        executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _borrowed(executor: Executor, state: SharedState) -> Iterator[Executor]:
    """The user's executor; its processes stop working for the call when the call is over."""
    if not isinstance(executor, ThreadPoolExecutor):
        state.over = CallFile.create()
    try:
        yield executor
    finally:
        state.over.set()


class _Run(Generic[Item, Result]):
    """The jobs of one call in an executor."""

    def __init__(
        self,
        jobs: Iterator[Job[Item]],
        work: Callable[[Item], Result],
        executor: Executor,
        most: int,
        state: SharedState,
        *,
        grace: float | None = None,
        first: Iterable[tuple[Job[Item], Result]] | None = None,
        on_end: Callable[[Job[Item], Result | JobFailure], None] | None = None,
    ) -> None:
        self._jobs = jobs
        self._work = work
        self._executor = executor
        self._most = most
        self._state = state
        self._grace = GRACE if grace is None else grace
        self._first = first
        self._on_end = on_end
        self._under_way: dict[Future[Result], Job[Item]] = {}
        self._ended: SimpleQueue[Future[Result]] = SimpleQueue()
        # Results that wait for earlier ones; if bounded, they count as running jobs.
        self._early: dict[int, tuple[Job[Item], Result | JobFailure]] = {}
        self._bounded = False

    def in_order(self, *, bounded: bool = False) -> Generator[tuple[Job[Item], Result | JobFailure], None, None]:
        """Yield the jobs in order."""
        self._bounded = bounded
        turn = 0
        with closing(self.as_completed()) as outcomes:
            for job, outcome in outcomes:
                self._early[job.number] = job, outcome
                del job, outcome
                while turn in self._early:
                    yield self._early.pop(turn)
                    turn += 1

    def as_completed(self) -> Generator[tuple[Job[Item], Result | JobFailure], None, None]:
        """Yield each job as it ends."""
        complete = False
        outcome: deque[tuple[Job[Item], Result | JobFailure]] = deque(maxlen=1)
        try:
            self._begin()
            yield from self._first or ()
            while True:
                self._begin()
                future = self._next(self._state.deadline.remaining) if self._under_way else None
                if future is None:
                    break
                outcome.append(self._outcome(future))
                del future  # it would keep the result in memory while others are yielded
                if self._first is not None:
                    self._begin()
                yield outcome.pop()
            complete = not self._under_way
        finally:
            if not complete:
                self._state.stop()
                for future in list(self._under_way):
                    future.cancel()
                # Running downloads need the time to leave partial files that can be resumed.
                late = list(self._settled())
        if not complete:
            yield from map(self._outcome, late)
        for job in [*self._under_way.values(), *self._jobs]:
            yield self._reported(job, JobFailure(UnfinishedError()))

    def _begin(self) -> None:
        """Submit jobs until enough are running."""
        while self._room() and self._state.deadline.remaining() > 0:
            job = next(self._jobs, None)
            if job is None:
                return
            future = self._submitted(job.item)
            self._under_way[future] = job
            future.add_done_callback(self._ended.put)

    def _room(self) -> bool:
        """Whether one more job may run."""
        return len(self._under_way) + (len(self._early) if self._bounded else 0) < self._most

    def _submitted(self, item: Item) -> Future[Result]:
        """The future of a job; a failed one if the executor is broken or was shut down."""
        try:
            return self._executor.submit(self._work, item)
        except RuntimeError as err:
            failed: Future[Result] = Future()
            failed.set_exception(err)
            return failed

    def _next(self, remaining: Callable[[], float]) -> Future[Result] | None:
        """The next job that ends; None if the time is over before."""
        while True:
            left = remaining()
            try:
                return self._ended.get(timeout=max(0.0, min(left, _GLANCE)))
            except Empty:
                if left <= 0:
                    return None

    def _settled(self) -> Iterator[Future[Result]]:
        """The jobs that end within the grace period."""
        until = time.monotonic() + self._grace
        waited_for = len(self._under_way)
        for _ in range(waited_for):
            future = self._next(lambda: until - time.monotonic())
            if future is None:
                return
            yield future

    def _outcome(self, future: Future[Result]) -> tuple[Job[Item], Result | JobFailure]:
        """A job and its outcome; a worker process that dies affects no other job."""
        job = self._under_way.pop(future)
        if future.cancelled():
            return self._reported(job, JobFailure(UnfinishedError()))
        error = future.exception()
        if error is None:
            return self._reported(job, future.result())
        if not isinstance(error, Exception):
            # Ctrl-C also reaches worker processes of the same terminal.
            raise error
        return self._reported(job, JobFailure(error))

    def _reported(self, job: Job[Item], outcome: Result | JobFailure) -> tuple[Job[Item], Result | JobFailure]:
        """The same job and outcome, after calling ``on_end``."""
        if self._on_end is not None:
            self._on_end(job, outcome)
        return job, outcome


# -- progress bars ---------------------------------------------------------------------------------------------------


def _in_notebook() -> bool:
    """Whether the output is shown in a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config


def is_interactive() -> bool:
    """Return whether a user would see a bar: on a terminal or in a notebook, but not in continuous integration."""
    if os.environ.get("CI"):
        return False
    return _in_notebook() or (sys.stderr is not None and sys.stderr.isatty())


class NoBar:
    """A bar that draws nothing; even a disabled bar of `tqdm` leaves a thread behind."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Do nothing."""

    def update(self, n: float = 1) -> None:
        """Do nothing."""

    def set_postfix_str(self, s: str = "", refresh: bool = True) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def progress_bar(total: int | None, what: str, unit: str, *, shown: bool = True) -> tqdm | NoBar:
    """Return the progress bar of a call."""
    if not (shown and is_interactive()):
        return NoBar()
    # Imported late, because queries do not need it, and ``tqdm.auto`` looks for a notebook.
    import tqdm  # noqa: PLC0415

    with warnings.catch_warnings():
        # A notebook without widgets gets a text bar, without a warning on what to install.
        warnings.simplefilter("ignore", tqdm.TqdmWarning)
        from tqdm.auto import tqdm as suitable  # noqa: PLC0415
    return suitable(total=total, desc=what, unit=unit, unit_scale=unit == "B", leave=False, delay=DELAY)
