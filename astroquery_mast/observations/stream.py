"""Observations in any number, page by page, for results that would not fit into memory.

In: `QueryArguments`.  Out: an iterator of tables, or the request.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing

from astropy import units as u
from astropy.table import Table

from ..exceptions import InvalidArgumentError
from ..query.request import MashupRequest, from_one
from ..service.http import PageLimits
from ..service.mast_service import MastService
from ..service.pages import get_pages
from ..service.retrying import Deadline
from ..tables.table import TableBuilder
from ..warn import warn_no_results
from .search import CAOM_CONE, ObservationQuery, ObservationSearch, QueryArguments

# Pages fetched while one is in use: enough to keep requests in flight, few enough to use little memory.
_AHEAD = 2


class ObservationStream:
    """Iterates over observations in any number, page by page."""

    def __init__(self, service: MastService, search: ObservationSearch) -> None:
        self._service = service
        self._search = search

    def tables(
        self,
        arguments: QueryArguments,
        *,
        timeout: float | u.Quantity | None,
        max_workers: int | None,
        get_query_payload: bool,
    ) -> Iterator[Table] | dict[str, object]:
        """Return an iterator of tables, one per page, or the request; invalid arguments raise before the iteration."""
        seconds = self._service.deadline(timeout).seconds
        workers = _AHEAD if max_workers is None else from_one("max_workers", max_workers)
        arguments.require_criterion()
        if arguments.place.many:
            raise InvalidArgumentError(
                "query_criteria_iter accepts only one position. For several positions, use query_criteria."
            )
        query = self._search.query(arguments, Deadline(seconds))
        request = self._search.request(query)
        if get_query_payload:
            return request.payload()
        return self._tables(query, request, PageLimits(Deadline(math.inf), seconds, workers))

    def _tables(self, query: ObservationQuery, request: MashupRequest, limits: PageLimits) -> Iterator[Table]:
        """Yield the tables of the pages, one after the other."""
        columns = self._service.columns.get(CAOM_CONE)
        number, rows, kept = 0, 0, 0
        with closing(get_pages(self._service.http, request, limits)) as pages:
            for sent in pages:
                builder = TableBuilder(request, columns)
                builder.add(sent.page)
                table = builder.table()
                number, rows = number + 1, rows + len(table)
                table.meta.update(page=[number], total=[sent.page.total])
                # Free each page before its table is used, and each table before the next is made.
                del builder, sent
                tables = [query.finished(table)]
                kept += len(tables[0])
                del table
                yield tables.pop()
        if not rows:
            warn_no_results(self._search.hints(query.criteria))
        elif not kept and query.region_filter is not None:
            warn_no_results([f"{query.region_filter.words(rows, 0)}."])
