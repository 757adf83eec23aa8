"""Many questions for one service, asked several at a time, in this process or wherever an executor takes them.

In: questions.  Out: the pages of their answers, in order.  A question that fails stops nobody else, unless it looks
as if all of them would.  One that is too much for the archive is asked in halves, if it has any.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ..config import count_setting, seconds_setting
from ..exceptions import MastError, QueryTimeoutError, ServerError, TooManyRowsError
from ..products.listing import is_too_much
from ..query.request import Question
from ..service.http import HttpClient, PageLimits
from ..service.pages import get_pages
from ..service.parallel import DownServers, Job, JobFailure, RunOptions, SharedState, UnfinishedError, progress_bar, run
from ..service.retrying import Deadline
from ..tables.mashup import Page

if TYPE_CHECKING:
    from ..downloads.sessions import SessionRecipe
    from ..service.mast_service import MastService


# So many failures of the archive in a row, by worker, are taken for an outage.
_OUTAGE = 3
# How often a question is cut in two: often enough to find the one row in a thousand that is too much for the archive,
# and not so often that in the end each row is asked for by itself.
_HALVINGS = 24


class DivisibleQuestion(Protocol):
    """A question that may be too much for the archive."""

    @property
    def request(self) -> Question:
        """What is sent."""

    def halves(self) -> Sequence[Any]:
        """Return two smaller questions, which together are this one; none if it cannot be made smaller."""


AnyQuestion = TypeVar("AnyQuestion", bound=DivisibleQuestion)


@dataclass(frozen=True)
class IndivisibleQuestion:
    """A question that cannot be made smaller here; one that several targets share can be asked for each of them."""

    request: Question
    shared: bool = False

    def halves(self) -> Sequence[IndivisibleQuestion]:
        """Return nothing."""
        return ()


@dataclass(frozen=True)
class PartialAnswer(Generic[AnyQuestion]):
    """The answer to a question, or to a part of it."""

    asked: AnyQuestion
    pages: Sequence[Page] = ()
    error: MastError | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class QueryWork:
    """The work of one call: asks a question, with the client of this process or with a session of its own."""

    http: HttpClient | None
    state: SharedState
    timeout: float
    row_limit: int
    recipe: SessionRecipe | None = None

    def __call__(self, question: AnyQuestion) -> list[PartialAnswer[AnyQuestion]]:
        """Ask a question; in halves, and halves of these, as long as that is what the archive seems to need."""
        if self.http is not None:
            return self._in_parts(question, self.http)
        assert self.recipe is not None
        with self.recipe.open_url(self.state.deadline) as session:
            return self._in_parts(question, session.wire)

    def _in_parts(self, question: AnyQuestion, http: HttpClient) -> list[PartialAnswer[AnyQuestion]]:
        """Ask a question as a whole, and in parts where that fails."""
        waiting: deque[AnyQuestion] = deque([question])
        halvings = _HALVINGS
        parts: list[PartialAnswer[AnyQuestion]] = []
        while waiting:
            asked = waiting.popleft()
            try:
                parts.append(self._whole(asked, http))
            except MastError as err:
                # What is known to have too many rows is halved as often as that is so.
                known = isinstance(err, TooManyRowsError)
                halves = asked.halves() if (known or halvings > 0) and is_too_much(err) else ()
                if not halves:
                    parts.append(PartialAnswer(asked, error=err))
                    continue
                halvings -= not known
                waiting.extendleft(reversed(halves))
        return parts

    def _whole(self, asked: AnyQuestion, http: HttpClient) -> PartialAnswer[AnyQuestion]:
        """The pages of an answer, proven complete; one after the other, because other questions are under way."""
        notes: list[str] = []
        divisible = bool(asked.halves()) or (isinstance(asked, IndivisibleQuestion) and asked.shared)
        limits = PageLimits(
            self.state.deadline.part(self.timeout),
            workers=1,
            rows=self.row_limit,
            divisible=divisible,
            tell=notes.append,
        )
        pages = [_without_rows_twice(answer.page) for answer in get_pages(http, asked.request, limits)]
        return PartialAnswer(asked, pages, notes=tuple(notes))


def _without_rows_twice(page: Page) -> Page:
    """The same page, of whose document only the columns are left: the rows are in it once more."""
    if not page.fields or page.document is None:
        return page
    return replace(page, document={name: page.document[name] for name in ("fields",) if name in page.document})


def ask_many(
    questions: Sequence[AnyQuestion],
    service: MastService,
    options: RunOptions,
    deadline: Deadline,
    what: str,
    unit: str,
) -> Iterator[list[PartialAnswer[AnyQuestion]]]:
    """Ask many questions, several at a time, and give their answers in order."""
    most = max(6, _OUTAGE * options.workers)
    servers: DownServers[MastError] = DownServers(most)
    state = SharedState(deadline)
    given = 0

    def unfinished() -> MastError:
        """Return why a question was not asked, or has no answer."""
        for error in servers.down.values():
            message = f"It was not asked, because {most} questions in a row have failed; the last: {error}"
            return ServerError(message, service=error.service, status=error.status)
        return QueryTimeoutError(f"The {deadline.seconds:g} s of the call were over before its answer was there.")

    with progress_bar(len(questions), what, unit, shown=options.verbose) as bar:

        def note(_job: Job[AnyQuestion], outcome: list[PartialAnswer[AnyQuestion]] | JobFailure) -> None:
            """Count a question that has ended, and look whether the archive seems to be down."""
            bar.update(1)
            if isinstance(outcome, list):
                servers.note({"": _outage_of(outcome)})

        asked = takewhile(lambda _: not servers.down, questions)
        work = portable_query(
            QueryWork(service.http, state, seconds_setting("timeout"), count_setting("server_row_limit")),
            service,
            options,
        )
        with closing(run(asked, work, options, state, ordered=True, on_end=note)) as ended:
            for job, outcome in ended:
                given += 1
                if not isinstance(outcome, JobFailure):
                    yield outcome
                elif isinstance(outcome.error, UnfinishedError):
                    yield [PartialAnswer(job.item, error=unfinished())]
                else:
                    yield [PartialAnswer(job.item, error=_worker_failed(outcome.error, options))]
                del outcome
    for question in questions[given:]:
        yield [PartialAnswer(question, error=unfinished())]


def portable_query(
    work: QueryWork, service: MastService, options: RunOptions
) -> Callable[[AnyQuestion], list[PartialAnswer[AnyQuestion]]]:
    """Return the work as an executor gets it."""
    if options.executor is None:
        return work
    from ..downloads.sessions import SessionRecipe  # noqa: PLC0415, because only few need it
    from ..service.executors import PortableWork  # noqa: PLC0415

    return PortableWork(work, {"http": None, "recipe": SessionRecipe.of(service)})


def _outage_of(parts: Sequence[PartialAnswer[AnyQuestion]]) -> MastError | None:
    """The failure of the archive to answer a question at all."""
    errors = [part.error for part in parts]
    failed = [error for error in errors if isinstance(error, ServerError) and error.status != 200]
    return failed[0] if failed and len(failed) == len(parts) else None


def _worker_failed(error: Exception, options: RunOptions) -> MastError:
    """Why an executor gives nothing back; in threads of our own that is a mistake, or a warning made an error."""
    if options.executor is None:
        raise error
    return ServerError(f"The worker could not do it: {type(error).__name__}: {error}", status=200)
