"""Several things at a time: the pages of an answer, the files of a download, the questions about many targets.

In: jobs, and the function that does one.  Out: for each job its result, or why there is none, in order or as they end;
one bar for the whole of a call, or none: bars are for people who are watching a terminal or a notebook.

No more jobs are handed over than may run at a time, so that what has been learned from the finished ones (the server is
down, the time is over) still counts for the others.  What an executor in other processes needs is in "executors".
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
"""Seconds that jobs under way are given to end when they are told to."""
THREAD_NAME = "astroquery_mast"
ON_ERROR = ("raise", "warn", "ignore")
"""What may be done about jobs that failed."""
DELAY = 1.0
"""Seconds after which a bar appears: what takes less leaves none behind in a saved notebook."""
# How long Ctrl-C may go unnoticed where waiting for a lock cannot be interrupted, as on Windows (seconds).
_GLANCE = 0.5


@dataclass(frozen=True)
class RunOptions:
    """How the jobs of a call are run, as users say it; what makes no sense is refused before anything is sent."""

    verbose: bool = True
    max_workers: int | None = None
    executor: Executor | None = None
    timeout: Any = None
    on_error: str = "warn"
    since: float | None = None

    def __post_init__(self) -> None:
        """Check the arguments; the time is a number of seconds from here on."""
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
        """How many jobs at a time."""
        return number_of_workers(self.max_workers, self.executor)

    def deadline(self) -> Deadline:
        """Start the clock of the whole call, unless a part of it has been done."""
        since = time.monotonic() if self.since is None else self.since
        return Deadline() if self.timeout is None else Deadline(self.timeout, since)

    def until(self, deadline: Deadline) -> RunOptions:
        """Return the same options for the rest of the call."""
        return replace(self, since=deadline.started)


def number_of_workers(max_workers: int | None, executor: Executor | None = None) -> int:
    """Return how many jobs are to be under way at a time."""
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
    """Which servers cannot be reached, or whether the disk is full, from what one job after the other has found."""

    def __init__(self, in_a_row: int) -> None:
        self.down: dict[str, Item] = {}
        self.in_a_row = in_a_row
        self._failures: dict[str, int] = {}

    def note(self, reached: Mapping[str, Item | None]) -> None:
        """Take in what one job has found out: server → the error, or None if it answered."""
        for server, error in reached.items():
            self._failures[server] = 0 if error is None else self._failures.get(server, 0) + 1
            if error is not None and self._failures[server] >= self.in_a_row:
                self.down.setdefault(server, error)


class SharedState:
    """What the workers of one call share, as far as they are in this process: the clock, and what is known by now."""

    def __init__(self, deadline: Deadline, down: Mapping[str, Any] | None = None) -> None:
        self.deadline = deadline
        self.down: Mapping[str, Any] = {} if down is None else down
        # What tells workers in other processes that the call is over.
        self.over = CallFile()

    def stop(self) -> None:
        """End what is under way: between two pieces, in waiting, and while a server is silent."""
        self.deadline.stop()
        self.over.set()


# -- jobs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job(Generic[Item]):
    """One of many things to do, and its place among them."""

    number: int
    item: Item


class UnfinishedError(Exception):
    """A job whose turn did not come, or that did not end, before the call did."""


@dataclass(frozen=True)
class JobFailure:
    """Why a job has no result."""

    error: Exception


def map_in_threads(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Do the same work for many items, several at a time, and give the results in the order of the items.

    The first failure ends it.  Few results wait to be taken: they may be large.
    """
    if workers <= 1:
        yield from map(work, items)
        return
    with _threads(workers) as pool:
        # Not waiting for what is under way makes Ctrl-C prompt; a request ends by its own timeout.
        running = _Run(_numbered(items), work, pool, workers + 1, SharedState(Deadline()), grace=0)
        with closing(running.in_order(bounded=True)) as outcomes:
            for _, outcome in outcomes:
                if isinstance(outcome, JobFailure):
                    raise outcome.error
                yield outcome
                # No answer is held here once it has been used: it may be tens of megabytes.
                del outcome


def map_or_stop(
    deadline: Deadline, work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[Result, None, None]:
    """Do the same, and stop the whole call if it is left before the end."""
    complete = False
    try:
        yield from map_in_threads(work, items, workers)
        complete = True
    finally:
        if not complete:
            deadline.stop()


def map_all(deadline: Deadline, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Do the same work for many items, as many at a time as ``conf.max_workers`` says; return all results in order."""
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
    """Do the same work for many items, several at a time, and give each job with its result, or with a `JobFailure`.

    The jobs come as they end, or in order; ``on_end`` hears of each as it ends, in the thread of the caller.  After the
    deadline all others have an `UnfinishedError`.  Whoever leaves before the end, as by Ctrl-C, stops all workers.
    ``first`` are results that are known already.  Where there may be such, jobs are under way whenever a result is
    given, even with one worker: the caller takes time to use it.  ``grace`` is how long jobs under way are waited
    for when the time is over (seconds), `GRACE` if not given.
    """
    most = options.workers if workers is None else workers
    own = _threads(most) if options.executor is None else _borrowed(options.executor, state)
    with own as pool:
        running = _Run(_numbered(items), work, pool, most, state, grace=grace, first=first, on_end=on_end)
        with closing(running.in_order() if ordered else running.as_completed()) as outcomes:
            yield from outcomes


def _numbered(items: Iterable[Item]) -> Iterator[Job[Item]]:
    """The jobs, made when they are needed."""
    return (Job(number, item) for number, item in enumerate(items))


class Threads(ThreadPoolExecutor):
    """Threads of our own; if the system starts no more of them, the caller does the work, and it takes longer."""

    def submit(self, work: Callable[..., Result], /, *args: Any, **keywords: Any) -> Future[Result]:
        """Hand over a job."""
        future: Future[Result] = Future()
        begun = threading.Lock()

        def once() -> None:
            """Do the job, unless it has been begun: it stays in the queue if no thread could be started for it."""
            if not begun.acquire(blocking=False) or not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work(*args, **keywords))
            except BaseException as err:  # noqa: BLE001 - Ctrl-C, too, is the outcome of a job
                future.set_exception(err)

        try:
            super().submit(once)
        except RuntimeError:
            once()
        return future


@contextmanager
def _threads(workers: int) -> Iterator[Executor]:
    """Threads for one call, which are not waited for when the call is broken off."""
    executor = Threads(max_workers=workers, thread_name_prefix=THREAD_NAME)
    try:
        yield executor
    finally:
        # All that can be waited for has been; what still runs is stuck in the network.
        executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _borrowed(executor: Executor, state: SharedState) -> Iterator[Executor]:
    """An executor of the user's; what its processes still do when the call is over is in vain, and ends."""
    if not isinstance(executor, ThreadPoolExecutor):
        state.over = CallFile.create()
    try:
        yield executor
    finally:
        state.over.set()


class _Run(Generic[Item, Result]):
    """The jobs of one call on their way through an executor."""

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
        # Results that are there before their turn, and how much room they take from those under way.
        self._early: dict[int, tuple[Job[Item], Result | JobFailure]] = {}
        self._bounded = False

    def in_order(self, *, bounded: bool = False) -> Generator[tuple[Job[Item], Result | JobFailure], None, None]:
        """Give each job when those before it have been given."""
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
        """Give each job as it ends."""
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
                del future  # it holds the answer, and would do so while others are given
                if self._first is not None:
                    self._begin()
                yield outcome.pop()
            complete = not self._under_way
        finally:
            if not complete:
                self._state.stop()
                for future in list(self._under_way):
                    future.cancel()
                # Not only for tidiness: what is under way leaves a part that can be resumed.
                late = list(self._settled())
        if not complete:
            yield from map(self._outcome, late)
        for job in [*self._under_way.values(), *self._jobs]:
            yield self._told(job, JobFailure(UnfinishedError()))

    def _begin(self) -> None:
        """Hand over jobs until enough are under way."""
        while self._room() and self._state.deadline.remaining() > 0:
            job = next(self._jobs, None)
            if job is None:
                return
            future = self._submitted(job.item)
            self._under_way[future] = job
            future.add_done_callback(self._ended.put)

    def _room(self) -> bool:
        """Whether one more may be under way."""
        return len(self._under_way) + (len(self._early) if self._bounded else 0) < self._most

    def _submitted(self, item: Item) -> Future[Result]:
        """The future of a job; a failed one if the executor takes no more, because it is broken or was shut down."""
        try:
            return self._executor.submit(self._work, item)
        except RuntimeError as err:
            failed: Future[Result] = Future()
            failed.set_exception(err)
            return failed

    def _next(self, remaining: Callable[[], float]) -> Future[Result] | None:
        """The next job that ends; None when the time is over before."""
        while True:
            left = remaining()
            try:
                return self._ended.get(timeout=max(0.0, min(left, _GLANCE)))
            except Empty:
                if left <= 0:
                    return None

    def _settled(self) -> Iterator[Future[Result]]:
        """What ends within the time of grace."""
        until = time.monotonic() + self._grace
        waited_for = len(self._under_way)
        for _ in range(waited_for):
            future = self._next(lambda: until - time.monotonic())
            if future is None:
                return
            yield future

    def _outcome(self, future: Future[Result]) -> tuple[Job[Item], Result | JobFailure]:
        """A job and what it came to; a worker that dies takes nobody with it."""
        job = self._under_way.pop(future)
        if future.cancelled():
            return self._told(job, JobFailure(UnfinishedError()))
        error = future.exception()
        if error is None:
            return self._told(job, future.result())
        if not isinstance(error, Exception):
            # Ctrl-C reaches processes of the same terminal, too.
            raise error
        return self._told(job, JobFailure(error))

    def _told(self, job: Job[Item], outcome: Result | JobFailure) -> tuple[Job[Item], Result | JobFailure]:
        """The same, when whoever wants to know has been told."""
        if self._on_end is not None:
            self._on_end(job, outcome)
        return job, outcome


# -- what people see of it -------------------------------------------------------------------------------------------


def _in_notebook() -> bool:
    """Whether a notebook shows what is written."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config


def someone_watches() -> bool:
    """Tell whether a bar would be seen: on a terminal or in a notebook, outside of a continuous-integration job."""
    if os.environ.get("CI"):
        return False
    return _in_notebook() or (sys.stderr is not None and sys.stderr.isatty())


class NoBar:
    """A bar for nobody: `tqdm` leaves a thread of its own behind even for one that draws nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Leave nothing."""

    def update(self, n: float = 1) -> None:
        """Count nothing."""

    def set_postfix_str(self, s: str = "", refresh: bool = True) -> None:
        """Draw nothing."""

    def close(self) -> None:
        """Leave nothing."""


def progress_bar(total: int | None, what: str, unit: str, *, shown: bool = True) -> tqdm | NoBar:
    """Make the bar of a call."""
    if not (shown and someone_watches()):
        return NoBar()
    # Imported late: whoever only asks need not wait for it, and ``tqdm.auto`` looks for a notebook.
    import tqdm  # noqa: PLC0415

    with warnings.catch_warnings():
        # A notebook without widgets gets a bar of letters, and needs no advice on what to install.
        warnings.simplefilter("ignore", tqdm.TqdmWarning)
        from tqdm.auto import tqdm as suitable  # noqa: PLC0415
    return suitable(total=total, desc=what, unit=unit, unit_scale=unit == "B", leave=False, delay=DELAY)
