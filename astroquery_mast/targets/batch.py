"""Many queries of one service, several at a time, run in this process or by an executor.

In: queries.  Out: the pages of their responses, in order; from these an `~astropy.table.Table`, and the range of its
rows for each query.  A failed query does not stop the others, unless the service seems to be down.  A query that is too
large for MAST is split in half, if possible.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt
from astropy.table import MaskedColumn, Table

from ..config import count_setting, seconds_setting
from ..exceptions import MastError, QueryTimeoutError, ServerError, TooManyRowsError
from ..products.listing import is_too_much
from ..query.request import Question
from ..service.http import HttpClient, PageLimits
from ..service.pages import get_pages
from ..service.parallel import DownServers, Job, JobFailure, RunOptions, SharedState, UnfinishedError, progress_bar, run
from ..service.retrying import Deadline
from ..tables.columns import PORTAL_COLUMNS, Columns
from ..tables.mashup import Page
from ..tables.rows import RowNumbers
from ..tables.table import RequestInfo, TableBuilder, TwoNamedMeta, stack_tables

if TYPE_CHECKING:
    from ..downloads.sessions import SessionRecipe
    from ..service.mast_service import MastService


# The number of consecutive server errors per worker that is considered an outage.
_OUTAGE = 3
# How often a query is split: enough to isolate the one row in a thousand that is too large for MAST, but not so often
# that every row is requested separately.
_HALVINGS = 24


class DivisibleQuestion(Protocol):
    """A query that may be too large for MAST."""

    @property
    def request(self) -> Question:
        """The request to send."""

    def halves(self) -> Sequence[Any]:
        """Return two smaller queries that together are equal to this one; empty if it cannot be split."""


AnyQuestion = TypeVar("AnyQuestion", bound=DivisibleQuestion)
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class IndivisibleQuestion:
    """A query that cannot be split here.  If several targets share it, each of them can be queried separately."""

    request: Question
    shared: bool = False

    def halves(self) -> Sequence[IndivisibleQuestion]:
        """Return an empty sequence."""
        return ()


@dataclass(frozen=True)
class PartialAnswer(Generic[AnyQuestion]):
    """The response to a query, or to a part of it."""

    asked: AnyQuestion
    pages: Sequence[Page] = ()
    error: MastError | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class QueryWork:
    """Runs the queries of one call, with the client of this process or with sessions of its own."""

    http: HttpClient | None
    state: SharedState
    timeout: float
    row_limit: int
    recipe: SessionRecipe | None = None

    def __call__(self, question: AnyQuestion) -> list[PartialAnswer[AnyQuestion]]:
        """Run a query; split it repeatedly if it is too large for MAST."""
        if self.http is not None:
            return self._in_parts(question, self.http)
        assert self.recipe is not None
        with self.recipe.open_url(self.state.deadline) as session:
            return self._in_parts(question, session.wire)

    def _in_parts(self, question: AnyQuestion, http: HttpClient) -> list[PartialAnswer[AnyQuestion]]:
        """Run a query as a whole, or in parts if that fails."""
        waiting: deque[AnyQuestion] = deque([question])
        halvings = _HALVINGS
        parts: list[PartialAnswer[AnyQuestion]] = []
        while waiting:
            query = waiting.popleft()
            try:
                parts.append(self._whole(query, http))
            except MastError as err:
                # A query that is known to have too many rows is split as often as necessary.
                known = isinstance(err, TooManyRowsError)
                halves = query.halves() if (known or halvings > 0) and is_too_much(err) else ()
                if not halves:
                    parts.append(PartialAnswer(query, error=err))
                    continue
                halvings -= not known
                waiting.extendleft(reversed(halves))
        return parts

    def _whole(self, query: AnyQuestion, http: HttpClient) -> PartialAnswer[AnyQuestion]:
        """Return all pages of a query, one after the other, because other queries are running; check completeness."""
        notes: list[str] = []
        divisible = bool(query.halves()) or (isinstance(query, IndivisibleQuestion) and query.shared)
        limits = PageLimits(
            self.state.deadline.part(self.timeout),
            workers=1,
            rows=self.row_limit,
            divisible=divisible,
            tell=notes.append,
        )
        pages = [_without_document_rows(answer.page) for answer in get_pages(http, query.request, limits)]
        return PartialAnswer(query, pages, notes=tuple(notes))


def _without_document_rows(page: Page) -> Page:
    """Return a page with only the columns of its document, which would otherwise hold the rows twice."""
    if not page.fields or page.document is None:
        return page
    return replace(page, document={name: page.document[name] for name in ("fields",) if name in page.document})


def run_queries(
    questions: Sequence[AnyQuestion],
    service: MastService,
    options: RunOptions,
    deadline: Deadline,
    what: str,
    unit: str,
) -> Iterator[list[PartialAnswer[AnyQuestion]]]:
    """Run many queries, several at a time, and yield their responses in order."""
    state = SharedState(deadline)
    work = portable_query(
        QueryWork(service.http, state, seconds_setting("timeout"), count_setting("server_row_limit")),
        service,
        options,
    )
    outcomes = run_unless_down(questions, work, options, state, what, unit, _outage_of)
    with closing(outcomes):
        for question, outcome in outcomes:
            yield [PartialAnswer(question, error=outcome)] if isinstance(outcome, MastError) else outcome
            del outcome


def run_unless_down(
    items: Sequence[Item],
    work: Callable[[Item], Result],
    options: RunOptions,
    state: SharedState,
    what: str,
    unit: str,
    outage_of: Callable[[Result], MastError | None] = lambda _: None,
) -> Generator[tuple[Item, Result | MastError], None, None]:
    """Do the work for many items, several at a time, and yield each item in order, with its result or its error.

    The remaining items fail if MAST seems to be down: if several items in a row end with a server error, which
    ``work`` raises or ``outage_of`` finds in a result.
    """
    servers: DownServers[MastError] = DownServers(max(6, _OUTAGE * options.workers))
    finished = 0

    def unfinished() -> MastError:
        """Return the error for an item that was not sent or has no response."""
        for error in servers.down.values():
            message = f"Not queried, because {servers.in_a_row} queries in a row failed. Last error: {error}"
            return ServerError(message, service=error.service, status=error.status)
        return QueryTimeoutError(f"Timed out after {state.deadline.seconds:g} s, before this target was queried.")

    with progress_bar(len(items), what, unit, shown=options.verbose) as bar:

        def note(_job: Job[Item], outcome: Result | JobFailure) -> None:
            """Count a finished item, and check whether MAST seems to be down."""
            bar.update(1)
            if isinstance(outcome, JobFailure):
                servers.note({"": outcome.error if _is_outage(outcome.error) else None})
            else:
                servers.note({"": outage_of(outcome)})

        pending = takewhile(lambda _: not servers.down, items)
        with closing(run(pending, work, options, state, ordered=True, on_end=note)) as ended:
            for job, outcome in ended:
                finished += 1
                if not isinstance(outcome, JobFailure):
                    yield job.item, outcome
                elif isinstance(outcome.error, UnfinishedError):
                    yield job.item, unfinished()
                else:
                    yield job.item, _error_of(outcome, options)
                del outcome
    for item in items[finished:]:
        yield item, unfinished()


def portable_query(
    work: QueryWork, service: MastService, options: RunOptions
) -> Callable[[AnyQuestion], list[PartialAnswer[AnyQuestion]]]:
    """Return the work in a form that can be sent to an executor."""
    if options.executor is None:
        return work
    from ..downloads.sessions import SessionRecipe  # noqa: PLC0415 - only executors need it
    from ..service.executors import PortableWork  # noqa: PLC0415 - only executors need it

    return PortableWork(work, {"http": None, "recipe": SessionRecipe.of(service)})


def _outage_of(parts: Sequence[PartialAnswer[AnyQuestion]]) -> MastError | None:
    """Return the server error of a query if all of its parts failed with one, or None."""
    errors = [part.error for part in parts if _is_outage(part.error)]
    return errors[0] if len(errors) == len(parts) else None


def _is_outage(error: Exception | None) -> TypeGuard[ServerError]:
    """Return whether an error indicates that the server is down; errors that it reports itself do not."""
    return isinstance(error, ServerError) and error.status != 200


def _error_of(failure: JobFailure, options: RunOptions) -> MastError:
    """Return the error of a job.  Unexpected errors in threads of this process, such as bugs, are raised."""
    error = failure.error
    if isinstance(error, MastError):
        return error
    if options.executor is None:
        raise error
    return ServerError(f"Worker failed: {type(error).__name__}: {error}", status=200)


# -- one table from many responses -----------------------------------------------------------------------------------


class TargetMeta(TwoNamedMeta):
    """The ``meta`` of a table for many targets, with lists of the targets without rows.

    Targets for which nothing was found are listed in ``meta["nomatch"]``, because keywords in FITS files have at most
    eight characters.  In memory, ``meta["unmatched"]`` returns the same list.
    """

    def __missing__(self, key: str) -> Any:
        """Return the list under its longer name."""
        if key == "unmatched" and "nomatch" in self:
            return self["nomatch"]
        raise KeyError(key)

    def note(self, *, failed: Iterable[str], unmatched: Iterable[int] | None = None) -> None:
        """Record the targets without rows."""
        self["failed"] = [" ".join(line.split()).encode("ascii", "backslashreplace").decode() for line in failed]
        if unmatched is not None:
            self["nomatch"] = list(unmatched)


@dataclass
class AskedTargets:
    """The common part of many requests, for the ``meta`` of a table.

    It is read when the table is made.  Until then, values that are known only after all queries can be filled in.
    """

    request: RequestInfo
    targets: int
    requests: int
    without: tuple[str, ...] = ()
    groups: int = 0

    @property
    def service(self) -> str:
        """The name of the service."""
        return self.request.service

    def payload(self) -> dict[str, object]:
        """Return the common parameters of the requests, and their number."""
        payload = self._common(self.request.payload())
        params = payload.get("params")
        if isinstance(params, dict):
            payload["params"] = self._common(params)
        groups = {"groups": self.groups} if self.groups else {}
        return {**payload, "targets": self.targets, "requests": self.requests, **groups}

    def _common(self, values: dict[str, object]) -> dict[str, object]:
        """Return the values in which the requests do not differ."""
        return {name: value for name, value in values.items() if name not in self.without}


@dataclass
class _SameColumns:
    """The results that have the same columns."""

    builder: TableBuilder
    rows: int = 0


@dataclass
class AnswerCollector:
    """Collects results, whose columns may differ, in one table."""

    question: RequestInfo
    columns: Columns
    _kinds: dict[tuple[tuple[str, str], ...], _SameColumns] = field(default_factory=dict)
    _places: dict[int, list[tuple[_SameColumns, int, int]]] = field(default_factory=dict)
    _empty: Page | None = None

    def add(self, key: int, pages: Sequence[Page]) -> None:
        """Add a complete result, or a part of one."""
        places: list[tuple[_SameColumns, int, int]] = []
        for page in pages:
            if not len(page.rows):
                # The columns of an empty page are used only if all pages are empty; its types are not reliable.
                self._empty = page if self._empty is None or not self._empty.fields else self._empty
                continue
            fields = tuple(column for column in page.fields if column[0] not in PORTAL_COLUMNS)
            alike = self._kinds.get(fields) or _SameColumns(TableBuilder(self.question, self.columns))
            alike.builder.add(page)
            # Not earlier, because add() raises if the page cannot be read.
            self._kinds[fields] = alike
            places.append((alike, alike.rows, alike.rows + len(page.rows)))
            alike.rows += len(page.rows)
        self._places.setdefault(key, []).extend(places)

    def table(self) -> tuple[Table, dict[int, RowNumbers]]:
        """Return all results as a table, and the rows of each key.  Call it only once: the table takes the rows."""
        if not self._kinds and self._empty is not None:
            builder = TableBuilder(self.question, self.columns)
            builder.add(self._empty)
            self._kinds[()] = _SameColumns(builder)
        kinds = list(self._kinds.values())
        starts = np.cumsum([0, *(alike.rows for alike in kinds)])
        first_row = {id(alike): int(start) for alike, start in zip(kinds, starts, strict=False)}
        found = {
            key: _joined([(first_row[id(alike)] + first, first_row[id(alike)] + last) for alike, first, last in places])
            for key, places in self._places.items()
        }
        tables = [alike.builder.table() for alike in kinds]
        table = stack_tables(tables)
        if tables:
            # One entry for the call, as for a single query.
            table.meta = {**tables[0].meta, "rows": [len(table)]}
        return table, found


def _joined(ranges: Sequence[tuple[int, int]]) -> RowNumbers:
    """Return the numbers in several ranges."""
    return np.concatenate([np.arange(0), *(np.arange(first, last) for first, last in ranges)]).astype(np.int64)


def with_leading_columns(
    table: Table, rows: RowNumbers, columns: dict[str, tuple[npt.NDArray[Any], Any, str]]
) -> Table:
    """Return some rows of a table, with new columns in front."""
    whole = len(rows) == len(table) and bool((rows == np.arange(len(table))).all())
    taken = table if whole else table[rows]
    for name in set(columns) & set(taken.colnames):
        taken.rename_column(name, f"catalog_{name}")
    front = [
        MaskedColumn(values, name=name, unit=unit, description=description)
        for name, (values, unit, description) in columns.items()
    ]
    taken.add_columns(front, indexes=[0] * len(front))
    return taken
