"""The search for JWST files by header keywords, with one request for each instrument, and one table as the result.

In: criteria, instruments, suffixes. Out: a table of files, in which columns that an instrument lacks are masked for its
files; the number of files; the values of a column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from astropy.table import MaskedColumn, Table
from astroquery import log

from ..config import count_setting
from ..exceptions import (
    InvalidArgumentError,
    InvalidCriterionError,
    InvalidQueryError,
    InvalidResponseError,
    MastError,
)
from ..observations.values import counted, value_table
from ..query.filters import Filter, mashup_criteria
from ..query.request import COUNT_COLUMNS
from ..query.selection import (
    Selection,
    arranged,
    first_rows,
    named_column,
    names_of,
    row_limit,
    sort_keys,
)
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..tables.columns import Columns, alternatives, closest, find_column, find_name
from ..tables.mashup import Page, first_value
from ..tables.table import TableBuilder, stack_tables
from ..warn import warn_no_results
from .keyword_columns import MJD, NO_FILE, InstrumentColumns, services_of
from .keyword_question import (
    ALL_COLUMNS,
    FILE_NAME,
    NEEDED_COLUMNS,
    QUERY_ARGUMENTS,
    CriterionFilters,
    FileQuestion,
    ServiceQuestion,
    all_columns,
    in_column_form,
    no_service,
    without_criterion,
)

URI_PREFIX = "mast:JWST/product/"
"""The prefix of a file name in its dataURI."""
# Limits of the search for suggestions: number of rows, number of criteria, and time in seconds.
_ROWS_FOR_HINTS, _MOST_HINTS, _PATIENCE = 20_000, 6, 20.0


@dataclass
class _Collected:
    """The tables received so far, and the total number of files."""

    builders: dict[str, TableBuilder] = field(default_factory=dict)
    total: int = 0

    def add(self, page: Page) -> None:
        """Add a page; the first page of a request has the number of files."""
        self.builders[page.service].add(page)
        if page.paging is None or page.paging.page <= 1:
            self.total += page.total

    def table(self) -> Table:
        """Return all files in one table."""
        tables = [builder.table() for builder in self.builders.values()]
        return stack_tables([table for table in tables if len(table)] or tables)


class KeywordSearch:
    """Searches for JWST files by header keywords."""

    def __init__(self, service: MastService) -> None:
        self._service = service
        self.instruments = InstrumentColumns(service)

    # -- results -------------------------------------------------------------------------------------------------

    def table(self, question: FileQuestion, deadline: Deadline) -> Table:
        """Return the files, with a warning if there are none."""
        queries = self._service_queries(question, deadline)
        order = sort_keys(question.sort_by, question.sort_desc)
        row_limit(question.limit)
        text = self._columns_text(question, queries, [key.column for key in order])
        limit = None if order else question.limit
        found = self._collected(queries, text, question.cache, limit, deadline)
        table = _with_uris(_with_endings(found.table(), question.endings), names_of(question.columns))
        if order:
            table = arranged(table, Selection(order=order))
        if question.limit is not None:
            table = first_rows(table, question.limit, found.total)
        if not len(table):
            warn_no_results(self._hints(queries))
        return table

    def payload(self, question: FileQuestion, deadline: Deadline) -> dict[str, object] | list[dict[str, object]]:
        """Return the request; a list if several services are queried."""
        queries = self._service_queries(question, deadline)
        order = [key.column for key in sort_keys(question.sort_by, question.sort_desc)]
        text = self._columns_text(question, queries, order)
        sent = [request for each in queries for request in each.requests(self._service, text, None, None)]
        payloads = [request.payload() for request in sent]
        return payloads[0] if len(payloads) == 1 else payloads

    def count(self, question: FileQuestion, deadline: Deadline) -> int:
        """Return the number of files."""
        queries = self._service_queries(question, deadline)
        if question.suffix is None:
            return sum(self._counts(queries, deadline, question.cache))
        # In MAST's patterns, an underscore matches any character, so that its count may be too high.
        names = self._collected(queries, FILE_NAME, question.cache, None, deadline).table()
        return len(_with_endings(names, question.endings))

    def values(self, column: str, question: FileQuestion, deadline: Deadline) -> Table:
        """Return the values of a column among the files, with the number of files for each."""
        queries = [
            each for each in self._service_queries(question, deadline) if find_column(column, each.columns) is not None
        ]
        known = self.instruments.of(services_of(question.instrument), deadline)
        found = named_column(column, all_columns(known.values()))
        if found.continuous or f"{found.name}{MJD}" in all_columns(known.values()):
            raise InvalidArgumentError(
                f"'{found.name}' is continuous and has no list of values. Use a range as a criterion."
            )
        counts = self._value_counts(queries, found.name, deadline, question.cache)
        table = value_table(counted(counts.items(), found), found)
        table["count"].description = "Number of files"
        if not len(table):
            warn_no_results(self._hints(queries))
        return table

    def columns(self, instrument: Any, deadline: Deadline) -> dict[str, Columns]:
        """Return the columns of instruments."""
        return self.instruments.of(services_of(instrument), deadline)

    # -- requests ------------------------------------------------------------------------------------------------

    def _collected(
        self, queries: Sequence[ServiceQuestion], text: str, cache: bool | None, limit: int | None, deadline: Deadline
    ) -> _Collected:
        """Query all services in parallel; with a limit, request only that number of files."""
        rows = limit if limit is not None and limit <= count_setting("pagesize") else None
        found, requests = _Collected(), []
        for each in queries:
            made = each.requests(self._service, text, cache, rows)
            found.builders[each.service] = TableBuilder(made[0], each.columns)
            requests += made if rows is None else [request.first_page() for request in made]
        with closing(self._service.pages_of_all(requests, deadline=deadline)) as answers:
            for answer in answers:
                found.add(answer.page)
        return found

    def _counts(self, queries: Sequence[ServiceQuestion], deadline: Deadline, cache: bool | None = None) -> list[int]:
        """Return the number of files for each request."""
        requests = [request for each in queries for request in each.requests(self._service, COUNT_COLUMNS, cache, None)]
        if not requests:
            return []
        with closing(self._service.pages_of_all(requests, deadline=deadline)) as answers:
            return [first_value(answer.page) for answer in answers]

    def _value_counts(
        self, queries: Sequence[ServiceQuestion], column: str, deadline: Deadline, cache: bool | None = None
    ) -> Counter[Any]:
        """Return the number of files for each value of a column; raise if too many files match."""
        rows, limit = sum(self._counts(queries, deadline, cache)), count_setting("server_row_limit")
        if rows > limit:
            raise InvalidQueryError(
                f"{rows} files match the criteria, but the values of '{column}' can be listed for at most "
                f"{limit}. Add more criteria."
            )
        counts: Counter[Any] = Counter()
        for each in queries if rows else ():
            text = f"{FILE_NAME},{column}" if any(each.endings) else column
            table = _with_endings(self._collected([each], text, cache, None, deadline).table(), each.endings)
            counts.update(_cells_of(table, column).compressed().astype(str).tolist())
        return counts

    # -- conversion of the query ---------------------------------------------------------------------------------

    def _service_queries(self, question: FileQuestion, deadline: Deadline) -> list[ServiceQuestion]:
        """Return the query in the terms of each service that has all the columns."""
        if not question.criteria and question.suffix is None and question.instrument is None:
            raise InvalidQueryError("Specify a criterion, such as program=1783, or an instrument.")
        columns = self.instruments.of(services_of(question.instrument), deadline)
        fitting = {
            service: known
            for service, known in columns.items()
            if all(find_column(name, known) is not None for name in question.criteria)
        }
        if not fitting:
            raise no_service(question.criteria, columns)
        return [self._in_terms_of(service, known, question, deadline) for service, known in fitting.items()]

    def _in_terms_of(
        self, service: str, columns: Columns, question: FileQuestion, deadline: Deadline
    ) -> ServiceQuestion:
        """Return the query in the terms of one service."""
        wanted = in_column_form(question.criteria, columns)
        if question.suffix is not None and FILE_NAME in wanted:
            raise InvalidCriterionError("suffix and filename both select file names. Use one of them.")
        read = {name: CriterionFilters.of(name, value, columns) for name, value in wanted.items()}
        plain = tuple(each for criterion in read.values() if not criterion.listed for each in criterion.filters)

        def vocabulary(column: str) -> list[str]:
            # MAST does not list values, so those of the files that meet the other criteria are used.
            others = without_criterion(ServiceQuestion(service, columns, plain, question.endings), column)
            return list(self._value_counts([others], column, deadline))

        listed = {name: wanted[name] for name, criterion in read.items() if criterion.listed}
        try:
            filters = (*plain, *mashup_criteria(listed, columns, vocabulary, QUERY_ARGUMENTS).filters)
        except InvalidCriterionError:
            # The criterion is valid, but no existing value matches.
            filters = (Filter(FILE_NAME, (NO_FILE,)),)
        return ServiceQuestion(service, columns, filters, question.endings)

    @staticmethod
    def _columns_text(question: FileQuestion, queries: Sequence[ServiceQuestion], order: Sequence[str]) -> str:
        """Return the columns to request; raise if a column that is specified does not exist."""
        union = all_columns(each.columns for each in queries)
        names = [named_column(name, union, "columns").name for name in names_of(question.columns)]
        for name in order:
            named_column(name, union, "sort_by")
        return ",".join(dict.fromkeys((*names, *NEEDED_COLUMNS, *order))) if names else ALL_COLUMNS

    # -- advice for empty results --------------------------------------------------------------------------------

    def _hints(self, queries: Sequence[ServiceQuestion]) -> list[str]:
        """Return advice on the criteria without which files would match."""
        names = dict.fromkeys(each.column for one in queries for each in one.filters)
        deadline = Deadline.start(_PATIENCE)
        try:
            hints = [self._hint(queries, name, deadline) for name in list(names)[:_MOST_HINTS]]
        except MastError as err:
            log.debug("Could not find out why no files match: %s", err)
            return []
        return list(filter(None, hints))

    def _hint(self, queries: Sequence[ServiceQuestion], column: str, deadline: Deadline) -> str | None:
        """Return a sentence on a criterion without which files would match; None if there are none."""
        others = [without_criterion(each, column) for each in queries]
        rows = sum(self._counts(others, deadline))
        if not rows:
            return None
        message = f"Without {column} there are {rows} files"
        wanted = next(each for one in queries for each in one.filters if each.column == column)
        if wanted.ranges or not wanted.values or rows > _ROWS_FOR_HINTS:
            return f"{message}."
        return f"{message}{_suggestion(wanted, list(self._value_counts(others, column, deadline)))}"


def _suggestion(wanted: Filter, values: Sequence[str]) -> str:
    """Return the existing values that are similar to a criterion, or some of all existing values."""
    near = closest(wanted.values[0], values)
    if near:
        return f". Did you mean {wanted.column}={alternatives(near)}?"
    few = sorted(values)[:_MOST_HINTS]
    return f", with {wanted.column} {', '.join(map(repr, few))}{', ...' if len(values) > len(few) else ''}."


def _cells_of(table: Table, column: str) -> Any:
    """Return a column that was requested."""
    name = find_name(column, table.colnames)
    if name is None:
        raise InvalidResponseError(
            f"MAST did not return the column '{column}'. Received columns: {', '.join(table.colnames)}."
        )
    return np.ma.asarray(table[name])


def _names_in(table: Table) -> np.ndarray[Any, np.dtype[np.str_]]:
    """Return the names of files; empty where a name is missing."""
    return np.ma.filled(_cells_of(table, FILE_NAME).astype(str), "")


def _with_endings(table: Table, endings: Sequence[str]) -> Table:
    """Return the files whose names have one of the endings; MAST's patterns match any character for the underscore."""
    if not any(endings) or not len(table):
        return table
    lowered = tuple(ending.lower() for ending in endings)
    return table[np.array([name.lower().endswith(lowered) for name in _names_in(table).tolist()], dtype=bool)]


def _with_uris(table: Table, wanted: Sequence[str]) -> Table:
    """Return the files with the dataURI as the first column, followed by the columns that were specified."""
    names = _names_in(table)
    uris = MaskedColumn(np.char.add(URI_PREFIX, names), name="dataURI", description="URI of the file")
    uris.mask = names == ""
    if "dataURI" not in table.colnames:
        table["dataURI"] = uris
    first = [name for each in wanted if (name := find_name(each, table.colnames)) is not None]
    return table[list(dict.fromkeys(("dataURI", *first, *table.colnames)))]
