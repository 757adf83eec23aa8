"""Many questions for one service, asked several at a time, in this process or wherever an executor takes them.

In: questions.  Out: the pages of their answers, in order; of these an `~astropy.table.Table`, and a range of its rows
for each question.  A question that fails stops nobody else, unless it looks as if all of them would.  One that is too
much for the archive is asked in halves, if it has any.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from astropy.table import MaskedColumn, Table

from ..config import count_setting, seconds_setting
from ..exceptions import CorruptDataWarning, MastError, QueryTimeoutError, ServerError, TooManyRowsError
from ..products.listing import is_too_much
from ..query.request import Question
from ..service.http import HttpClient, PageLimits
from ..service.pages import get_pages
from ..service.parallel import DownServers, Job, JobFailure, RunOptions, SharedState, UnfinishedError, progress_bar, run
from ..service.retrying import Deadline
from ..tables.columns import PORTAL_COLUMNS, Columns
from ..tables.mashup import Page
from ..tables.result_table import ResultTable
from ..tables.rows import ColumnBlock, RowNumbers, joined
from ..tables.table import RequestInfo, TableBuilder, TwoNamedMeta
from ..warn import warn_user

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


def watch_for_outage(options: RunOptions) -> DownServers[MastError]:
    """Return what tells from one answer after the other whether the archive seems to be down."""
    return DownServers(max(6, _OUTAGE * options.workers))


def ask_many(
    questions: Sequence[AnyQuestion],
    service: MastService,
    options: RunOptions,
    deadline: Deadline,
    what: str,
    unit: str,
) -> Iterator[list[PartialAnswer[AnyQuestion]]]:
    """Ask many questions, several at a time, and give their answers in order."""
    servers = watch_for_outage(options)
    state = SharedState(deadline)
    given = 0

    def unfinished() -> MastError:
        """Return why a question was not asked, or has no answer."""
        for error in servers.down.values():
            message = f"Not queried, because {servers.in_a_row} queries in a row failed. Last error: {error}"
            return ServerError(message, service=error.service, status=error.status)
        return QueryTimeoutError(f"Timed out after {deadline.seconds:g} s, before this target was queried.")

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
    return ServerError(f"Worker failed: {type(error).__name__}: {error}", status=200)


# -- one table of many answers ---------------------------------------------------------------------------------------


class TargetMeta(TwoNamedMeta):
    """The ``meta`` of a table about many targets, with those that have no row in it.

    The targets for which nothing was found are in the list ``meta["nomatch"]``, because FITS files have no names of
    more than eight letters; in memory it is also called ``meta["unmatched"]``.
    """

    def __missing__(self, key: str) -> Any:
        """Return the list under its longer name."""
        if key == "unmatched" and "nomatch" in self:
            return self["nomatch"]
        raise KeyError(key)

    def note(self, *, failed: Iterable[str], unmatched: Iterable[int] | None = None) -> None:
        """Note the targets without a row."""
        self["failed"] = [" ".join(line.split()).encode("ascii", "backslashreplace").decode() for line in failed]
        if unmatched is not None:
            self["nomatch"] = list(unmatched)


@dataclass
class AskedTargets:
    """What was asked in many requests, as far as they are all the same: what goes into a table's ``meta``.

    It is read when the table is made, so that what is known only when all was asked can be filled in until then.
    """

    request: RequestInfo
    targets: int
    requests: int
    without: tuple[str, ...] = ()
    groups: int = 0

    @property
    def service(self) -> str:
        """The service."""
        return self.request.service

    def payload(self) -> dict[str, object]:
        """Return what the requests have in common, and their number."""
        payload = self._common(self.request.payload())
        params = payload.get("params")
        if isinstance(params, dict):
            payload["params"] = self._common(params)
        groups = {"groups": self.groups} if self.groups else {}
        return {**payload, "targets": self.targets, "requests": self.requests, **groups}

    def _common(self, values: dict[str, object]) -> dict[str, object]:
        """Those in which the requests do not differ."""
        return {name: value for name, value in values.items() if name not in self.without}


@dataclass
class _SameColumns:
    """The answers that have the same columns."""

    builder: TableBuilder
    rows: int = 0


@dataclass
class AnswerCollector:
    """Collects answers, whose columns may differ, in one table."""

    question: RequestInfo
    columns: Columns
    _kinds: dict[tuple[tuple[str, str], ...], _SameColumns] = field(default_factory=dict)
    _places: dict[int, list[tuple[_SameColumns, int, int]]] = field(default_factory=dict)
    _empty: Page | None = None

    def add(self, key: int, pages: Sequence[Page]) -> None:
        """Take a complete answer, or a part of one."""
        places: list[tuple[_SameColumns, int, int]] = []
        for page in pages:
            if not len(page.rows):
                # Its columns are of interest only if nothing else comes; its types say nothing.
                self._empty = page if self._empty is None or not self._empty.fields else self._empty
                continue
            fields = tuple(column for column in page.fields if column[0] not in PORTAL_COLUMNS)
            alike = self._kinds.get(fields) or _SameColumns(TableBuilder(self.question, self.columns))
            alike.builder.add(page)
            # Only now: a page that cannot be read is none.
            self._kinds[fields] = alike
            places.append((alike, alike.rows, alike.rows + len(page.rows)))
            alike.rows += len(page.rows)
        self._places.setdefault(key, []).extend(places)

    def table(self) -> tuple[Table, dict[int, RowNumbers]]:
        """Return everything that was added; to be called once, because the rows are handed over."""
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
        return stack_tables([alike.builder.table() for alike in kinds], int(starts[-1])), found


def _joined(ranges: Sequence[tuple[int, int]]) -> RowNumbers:
    """The numbers in some ranges."""
    return np.concatenate([np.arange(0), *(np.arange(first, last) for first, last in ranges)]).astype(np.int64)


def stack_tables(tables: Sequence[Table], rows: int) -> Table:
    """The tables, whose columns differ, in one."""
    if len(tables) < 2:
        return tables[0] if tables else ResultTable(masked=True)
    names = dict.fromkeys(name for table in tables for name in table.colnames)
    # One call is one entry, as for a single question.
    meta = {**tables[0].meta, "rows": [rows]}
    return ResultTable([_stacked_column(name, tables) for name in names], masked=True, copy=False, meta=meta)


def _stacked_column(name: str, tables: Sequence[Table]) -> MaskedColumn:
    """A column of several tables, of what its parts can all be; masked where a table does not have it."""
    having = [table[name] for table in tables if name in table.colnames]
    values, mask = joined([_part_of_column(table, name, having[0].dtype) for table in tables])
    if values.dtype.kind == "U" and any(map(_has_no_text, having)):
        warn_user(
            f"Column '{name}' is text in some of the results and not in others. It is returned as text.",
            CorruptDataWarning,
        )
    unit = having[0].unit if values.dtype.kind in "iuf" else None
    return MaskedColumn(values, name, mask=mask, unit=unit, description=having[0].description, copy=False)


def _part_of_column(table: Table, name: str, otherwise: np.dtype[Any]) -> ColumnBlock:
    """The values of a column of a table; nothing but masked ones if it does not have it."""
    if name not in table.colnames:
        return np.zeros(len(table), otherwise), np.ones(len(table), dtype=bool)
    return table[name].data.data, np.ma.getmaskarray(table[name])


def _has_no_text(column: MaskedColumn) -> bool:
    """Whether a column has values that are no text."""
    return column.dtype.kind != "U" and not column.mask.all()


def with_leading_columns(
    table: Table, rows: RowNumbers, columns: dict[str, tuple[npt.NDArray[Any], Any, str]]
) -> Table:
    """Return some rows of a table behind new columns."""
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
