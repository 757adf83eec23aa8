"""Many questions at a time: on threads of our own, or on any executor that the caller gives.

In: questions, all for one service.  Out: their answers, in order.  A question that fails stops nobody else, unless it
looks as if all of them would.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from astropy import units as u

from ..config import count_setting
from ..downloads.sessions import SessionRecipe
from ..exceptions import InvalidArgumentError, MastError, QueryTimeoutError, ServerError
from ..service.deadline import Deadline, as_seconds
from ..service.pool import number_of_workers, run, threads
from ..service.progress import progress_bar
from .many_task import Askable, Call, Part, Task, answer

if TYPE_CHECKING:
    from ..service.mast_service import MastService

__all__ = ["Effort", "ask_many"]

Q = TypeVar("Q", bound=Askable)

# So many failures of the archive in a row, by worker, are taken for an outage.
_OUTAGE = 3


@dataclass(frozen=True)
class Effort:
    """How many questions are asked."""

    seconds: float | u.Quantity | None = None
    max_workers: int | None = None
    executor: Executor | None = None
    verbose: bool = True

    def __post_init__(self) -> None:
        """Refuse what makes no sense before anything is asked."""
        object.__setattr__(self, "seconds", as_seconds(self.seconds))
        if self.executor is not None and not hasattr(self.executor, "submit"):
            raise InvalidArgumentError(f"executor={self.executor!r}: a concurrent.futures.Executor is needed.")
        number_of_workers(self.max_workers, self.executor)

    @property
    def workers(self) -> int:
        """How many questions at a time."""
        return number_of_workers(self.max_workers, self.executor)

    def clock(self) -> Deadline:
        """Start the clock of the whole call."""
        seconds = as_seconds(self.seconds)
        return Deadline(math.inf if seconds is None else seconds)


def ask_many(
    questions: Sequence[Q],
    service: MastService,
    effort: Effort,
    deadline: Deadline,
    what: str,
    unit: str,
) -> Iterator[list[Part[Q]]]:
    """Ask many questions, several at a time, and give their answers."""
    call = Call(deadline, service.http)
    way = SessionRecipe.of(service)
    collected: _Collected[Q] = _Collected(effort.workers)
    limit = count_setting("server_row_limit")
    tasks = (Task(place, asked, way, call, limit) for place, asked in enumerate(questions) if not collected.outage)
    given = 0
    own = threads(min(effort.workers, len(questions)) or 1) if effort.executor is None else nullcontext(effort.executor)
    with progress_bar(len(questions), what, unit, shown=effort.verbose) as bar, own as pool:
        running = run(tasks, answer, executor=pool, window=effort.workers, deadline=deadline, stop=call.stop)
        with closing(running) as ended:
            for task, future in ended:
                collected.add(task, _outcome(task, future, own_threads=effort.executor is None))
                bar.update(1)
                while given in collected.waiting:
                    yield collected.waiting.pop(given)
                    given += 1
    for place in range(given, len(questions)):
        yield collected.waiting.get(place) or [Part(questions[place], error=collected.not_asked(deadline))]


class _Collected(Generic[Q]):
    """The answers that have come and whose turn has not, and whether the archive seems to be down."""

    def __init__(self, workers: int) -> None:
        self.waiting: dict[int, list[Part[Q]]] = {}
        self.outage: MastError | None = None
        self._in_a_row = 0
        self._most = max(6, _OUTAGE * workers)

    def add(self, task: Task[Q], parts: list[Part[Q]]) -> None:
        """Take the answer to a question."""
        self.waiting[task.place] = parts
        errors = [part.error for part in parts]
        failed = [error for error in errors if isinstance(error, ServerError) and error.status != 200]
        self._in_a_row = self._in_a_row + 1 if len(failed) == len(parts) else 0
        if self._in_a_row >= self._most and self.outage is None:
            self.outage = failed[0]

    def not_asked(self, deadline: Deadline) -> MastError:
        """Why a question was not asked, or has no answer."""
        if self.outage is not None:
            message = f"It was not asked, because {self._most} questions in a row have failed; the last: {self.outage}"
            return ServerError(message, service=self.outage.service, status=self.outage.status)
        return QueryTimeoutError(f"The {deadline.seconds:g} s of the call were over before its answer was there.")


def _outcome(task: Task[Q], future: Future[list[Part[Q]]], *, own_threads: bool) -> list[Part[Q]]:
    """What became of a task; a worker that dies takes nobody with it."""
    if future.cancelled():
        return [Part(task.asked, error=QueryTimeoutError("The call was ended before its answer was there."))]
    error = future.exception()
    if error is None:
        return future.result()
    if own_threads or not isinstance(error, Exception):
        # A mistake, or a warning that is an error; and Ctrl-C, which reaches processes of the same terminal, too.
        raise error
    message = f"The worker could not do it: {type(error).__name__}: {error}"
    return [Part(task.asked, error=ServerError(message, status=200))]
