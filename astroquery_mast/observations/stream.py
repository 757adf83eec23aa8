"""Results that do not fit: tables page by page, and answers larger than the archive sends at once.

In: criteria, as for `ObservationsClass.query_criteria`.  Out: an iterator of tables.  What is split, and how, is in
`astroquery_mast.service.large`; here it is given the archive, for all questions about observations.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Table

from ..exceptions import InvalidQueryError
from ..query.columns_wanted import ColumnSelection
from ..query.filters import Criteria
from ..query.request import MashupRequest
from ..service.deadline import Deadline
from ..service.pages import PageLimits, get_pages
from ..sky.position import DEFAULT_RADIUS
from ..sky.region_filter import RegionFilter
from ..tables.table import TableBuilder
from ..targets.targets import Where
from ..warn import warn_no_results
from .search import NO_CRITERION, ObservationRequests

__all__ = ["ObservationStream"]

# Pages fetched while one is in use: enough to keep the archive busy, few enough for a small memory.
_AHEAD = 2


@dataclass(frozen=True)
class _Asked:
    """What a stream is about."""

    request: MashupRequest
    cut: RegionFilter | None
    choice: ColumnSelection | None
    criteria: Criteria


class ObservationStream(ObservationRequests):
    """Observations in any number; see `MastClass` for parameters."""

    def query_criteria_iter(
        self,
        *,
        coordinates: Any = None,
        object_name: str | None = None,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        resolver: str | None = None,
        region: Any = None,
        overlap: str = "footprint",
        columns: str | Iterable[str] | None = None,
        timeout: float | u.Quantity | None = None,
        max_workers: int | None = None,
        cache: bool | None = None,
        get_query_payload: bool = False,
        **criteria: Any,
    ) -> Iterator[Table] | dict[str, object]:
        """Return the observations that meet all criteria as many tables, one after the other, for small memories.

        Parameters
        ----------
        coordinates, object_name, radius, resolver, region, overlap, **criteria
            As `ObservationsClass.query_criteria`; for one position or region.
        pagesize : int, optional
            Most rows in a table; ``conf.pagesize`` if not given.  There are fewer in the last one, after a cut to an
            region, and where the answer had to be asked for in parts.
        columns, cache : object, optional
            As `ObservationsClass.query_region`.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that each page may take; ``conf.timeout`` if not given.
        max_workers : int, optional
            How many pages are fetched while one is in use; two if not given.
        get_query_payload : bool
            Return the request instead of sending it.

        Returns
        -------
        iterator of `~astropy.table.Table`
            The tables have the columns of `ObservationsClass.query_criteria`, and in ``meta`` the lists ``page`` (from
            1) and ``total``, the rows of all pages, which is known from the first.  If there is nothing, one table
            without rows.  Closing the iterator ends the requests.

        Raises
        ------
        InvalidQueryError
            As `ObservationsClass.query_criteria`, when it is called.
        RemoteServiceError, TimeoutError
            While it is read: if the archive fails, and at the end if rows are missing.
        """
        seconds = self._service.deadline(timeout).seconds
        workers = _AHEAD if max_workers is None else max_workers
        if isinstance(workers, bool) or not isinstance(workers, int | np.integer) or workers < 1:
            raise InvalidQueryError(f"max_workers={max_workers!r}: a whole number from 1 is needed.")
        if not criteria:
            raise InvalidQueryError(NO_CRITERION)
        if Where(coordinates, object_name, radius, resolver).many:
            raise InvalidQueryError("query_criteria_iter takes one position: for many use query_criteria.")
        wanted = self._criteria(criteria)
        somewhere = any(place is not None for place in (coordinates, object_name, region))
        choice = self._choice(columns, positional=somewhere, cuts=region is not None or overlap != "footprint")
        deadline = Deadline(seconds)
        cone, cut = self._place(coordinates, object_name, radius, resolver, deadline, region=region, overlap=overlap)
        named = "*" if choice is None else choice.text
        asking = self._filtered_request(wanted, cone, pagesize=pagesize, columns=named)
        asked = _Asked(replace(asking, cache=cache), cut, choice, wanted)
        if get_query_payload:
            return asked.request.payload()
        return self._tables(asked, PageLimits(Deadline(math.inf), seconds, int(workers)))

    def _tables(self, asked: _Asked, pace: PageLimits) -> Iterator[Table]:
        """The tables of a stream."""
        known = self._service.columns.get(self._caom_cone)
        number, rows, kept = 0, 0, 0
        with closing(get_pages(self._service.http, asked.request, pace)) as stream:
            for sent in stream:
                builder = TableBuilder(asked.request, known)
                builder.add(sent.page)
                paging = sent.page.paging
                table = builder.table()
                number, rows = number + 1, rows + len(table)
                table.meta.update(page=[number], total=[len(table) if paging is None else paging.total])
                # No page is held while its table is in use, and no table while the next is made.
                del builder, sent
                tables = [_finished(table, asked)]
                kept += len(tables[0])
                del table
                yield tables.pop()
        if not rows:
            warn_no_results(self._hints(asked.criteria))
        elif not kept and asked.cut is not None:
            warn_no_results([f"{asked.cut.words(rows, 0)}."])


def _finished(table: Table, asked: _Asked) -> Table:
    """A page's table as it is wanted."""
    if asked.cut is not None:
        table = asked.cut.of(table)
    return table if asked.choice is None else asked.choice.of(table)
