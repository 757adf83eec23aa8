"""The arguments of `VOClass.query_tap`: how they are checked, and how they become a single request, pages or a job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from astropy.table import Table

from ..exceptions import BadRequestError, InvalidArgumentError, MastError
from ..query.mistakes import Known, advice, empty_advice, is_query
from ..query.one_answer import OneAnswer
from ..query.request import from_one
from ..query.scan import Scan, scan_of, top_of
from ..service.jobs import JobHandle
from ..service.retrying import Deadline
from ..warn import warn_no_results, warn_of_limit
from .discovery import Discovery
from .paging import Pager
from .tap import ROW_CAP, TapService

__all__ = ["OneAnswer", "TapQuestion"]

_NAME = re.compile(r'[A-Za-z_]\w*|"[^"]+"')
# The time for advice about a rejected query (seconds).
_PATIENCE = 20.0


@dataclass(frozen=True)
class TapQuestion:
    """A query in ADQL, with the number of rows and the mode; the fields are parameters of `query_tap`."""

    adql: str
    limit: int | OneAnswer | None = OneAnswer.ONE_ANSWER
    key: str | None = None
    maxrec: int | None = None
    run_async: bool | None = None
    verbose: bool = False

    def __post_init__(self) -> None:
        """Check the arguments."""
        if not isinstance(self.adql, str) or not is_query(self.adql):
            raise InvalidArgumentError(f"adql must be a query that starts with SELECT, got {self.adql!r:.60}.")
        object.__setattr__(self, "adql", self.adql.rstrip("; \n\t"))
        if self.key is not None and not _NAME.fullmatch(str(self.key)):
            raise InvalidArgumentError(f"key must be the name of a column, got {self.key!r}.")
        for name, value in (("limit", self.limit), ("maxrec", self.maxrec)):
            if not isinstance(value, OneAnswer | None):
                object.__setattr__(self, name, from_one(name, value))

    @property
    def size(self) -> int:
        """The maximum number of rows in a response."""
        return ROW_CAP if self.maxrec is None else self.maxrec

    @property
    def rows(self) -> int | None:
        """The total number of rows to return; None for all rows."""
        limit = self.size if isinstance(self.limit, OneAnswer) else self.limit
        return top_of(self.adql) if limit is None else limit

    @property
    def in_one(self) -> bool:
        """Whether all of these rows fit in one response."""
        return self.rows is not None and self.rows <= self.size

    @property
    def sent(self) -> int:
        """The row limit that is sent with the query."""
        return self.size if self.limit is None else min(self.size, self.rows or self.size)

    def payload(self, tap: TapService) -> dict[str, object]:
        """Return the request for a query whose rows fit in one response."""
        return tap.payload(self.adql, self.sent, self.run_async)

    def submit(self, tap: TapService, deadline: Deadline) -> JobHandle:
        """Submit the query as a job."""
        if not self.in_one:
            raise InvalidArgumentError(
                f"limit={self.limit} exceeds the maximum of {self.size} rows of a job. Omit job=True."
            )
        return tap.submit(self.adql, maxrec=self.sent, deadline=deadline)

    def table(self, tap: TapService, discovery: Discovery, deadline: Deadline) -> Table:
        """Return the rows, and warn if there are more, or if there are none."""
        with self._advised(tap, discovery, deadline):
            table = self._table(tap, discovery, deadline)
        if table.meta["overflow"]:
            warn_of_limit(len(table))
        if not len(table):
            warn_no_results(empty_advice(self.adql))
        return table

    def _table(self, tap: TapService, discovery: Discovery, deadline: Deadline) -> Table:
        if self.in_one:
            return tap.rows(self.adql, deadline, maxrec=self.sent, run_async=self.run_async, verbose=self.verbose)
        pager = Pager(tap, discovery, lambda: deadline, self.size, self.run_async, self.verbose)
        table = pager.everything(scan_of(self.adql, self.key), self.rows)
        table.meta["adql"] = self.adql
        return table

    def pages(self, tap: TapService, discovery: Discovery, deadline: Deadline) -> Iterator[Table]:
        """Yield the rows page by page; the timeout applies to each page."""
        pager = Pager(tap, discovery, partial(Deadline.start, deadline.seconds), self.size, self.run_async)
        return self._with_advice(pager.pages(scan_of(self.adql, self.key), limit=self.rows), tap, discovery, deadline)

    def _with_advice(
        self, pages: Iterator[Table], tap: TapService, discovery: Discovery, deadline: Deadline
    ) -> Iterator[Table]:
        """Yield the pages, or raise an error with advice."""
        with self._advised(tap, discovery, deadline):
            yield from pages

    @contextmanager
    def _advised(self, tap: TapService, discovery: Discovery, deadline: Deadline) -> Iterator[None]:
        """Add advice to the error if the service rejects the query."""
        try:
            yield
        except BadRequestError as err:
            with suppress(MastError):  # The error is raised without advice then.
                tables = Scan(f"({self.adql})").tables
                known = _known(tables, tap, discovery, Deadline.within(deadline).part(_PATIENCE))
                err.args = (" ".join((str(err), *advice(self.adql, tables, str(err), known))),)
            raise


def _known(tables: list[str], tap: TapService, discovery: Discovery, deadline: Deadline) -> Known:
    """Return the tables of a service, and the columns of those that a query names."""
    names = [str(name) for name in discovery.tables(tap, deadline)["table_name"]]
    columns: dict[str, str] = {}
    for given in tables:
        with suppress(InvalidArgumentError):
            name = discovery.table_name(tap, given, deadline)
            described = discovery.columns(tap, name, deadline)
            columns |= zip(map(str, described["column_name"]), map(str, described["datatype"]), strict=True)
    return Known(names, columns)
