"""What values there are: the columns of observations and their values, as the archive counts them.

In: the histograms of the archive; for a part of the observations the column itself, counted here.  Out: tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from astropy import units as u
from astropy.table import Table
from astroquery import log

from ..config import count_setting
from ..exceptions import InvalidArgumentError, InvalidQueryError, MastError
from ..query.columns_wanted import named_column
from ..query.request import MashupRequest
from ..service.deadline import Deadline
from ..sky.position import DEFAULT_RADIUS
from ..tables.columns import Column
from ..tables.mashup import histograms
from ..tables.table import TableBuilder, first_value, table_meta
from ..targets.targets import Where
from ..warn import warn_no_results
from .histogram import column_table, counted, ranges_of, value_table
from .stream import ObservationStream

__all__ = ["ObservationValues"]


class ObservationValues(ObservationStream):
    """What values observations have; see `MastClass` for parameters."""

    def list_columns(self, *, timeout: float | u.Quantity | None = None, cache: bool | None = None) -> Table:
        """Return the columns of observations, and the extent of their values.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        cache : bool, optional
            As `ObservationsClass.query_region`.

        Returns
        -------
        `~astropy.table.Table`
            A row for each column: ``name``, ``kind``, ``unit``, ``description``, ``values`` (how many different ones
            there are), ``min`` and ``max``.  The last three are masked where the archive does not tell them.
        """
        request = self._distribution_request(cache)
        columns = self._service.columns.newest(self._caom_cone)
        try:
            document, time = self._distribution(request, self._service.deadline(timeout))
            ranges, values = ranges_of(document), histograms(document)
        except MastError as err:
            log.warning("These are the columns, without the extent of their values: %s", err)
            ranges, values, time = {}, {}, None
        counts = {
            name: counted(cells.items(), columns[name])
            for name, cells in values.items()
            if columns.get(name) is not None
        }
        return _with_meta(column_table(columns, counts, ranges), request, [time])

    def list_values(
        self,
        column: str,
        /,
        *,
        coordinates: Any = None,
        object_name: str | None = None,
        radius: Any = DEFAULT_RADIUS,
        resolver: str | None = None,
        timeout: float | u.Quantity | None = None,
        cache: bool | None = None,
        **criteria: Any,
    ) -> Table:
        """Return the values that a column has, and how many observations have each.

        Without criteria or a position it is the archive's own count of all its observations.  With them the archive is
        asked for the column of all observations that meet them, up to ``conf.server_row_limit``, and they are counted
        here.

        Parameters
        ----------
        column : str
            A column of text, of whole numbers, or of yes and no; see `list_columns`.
        coordinates, object_name, radius, resolver, **criteria
            Which observations, as `ObservationsClass.query_criteria`; all if not given.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        cache : bool, optional
            As `ObservationsClass.query_region`.

        Returns
        -------
        `~astropy.table.Table`
            ``value`` and ``count``, the most frequent first.  A cell that holds several values, as in ``filters``, is
            counted for each of them.

        Raises
        ------
        InvalidQueryError
            If there is no such column, or it is continuous, or if too many observations meet the criteria.
        RemoteServiceError, TimeoutError
            If the archive fails, or has no list of the values.
        """
        deadline = self._service.deadline(timeout)
        found = self._column(column)
        if found.continuous:
            self._refuse_continuous(found, cache, deadline)
        where = Where(coordinates, object_name, radius, resolver)
        if where.many:
            raise InvalidQueryError("list_values takes one position.")
        if criteria or coordinates is not None or object_name is not None or radius is not DEFAULT_RADIUS:
            return self._values_of_part(found, where, criteria, cache, deadline)
        request = self._distribution_request(cache)
        document, time = self._distribution(request, deadline)
        cells = histograms(document).get(found.name)
        if cells is None:
            raise InvalidArgumentError(
                f"The archive does not list the values of '{found.name}': give criteria, and those of the observations "
                "that meet them are counted."
            )
        return _with_meta(value_table(counted(cells.items(), found), found), request, [time])

    # -- how -----------------------------------------------------------------------------------------------------

    def _column(self, name: str) -> Column:
        """The column of that name; the archive is asked before it is refused as unknown."""
        if not isinstance(name, str):
            raise InvalidArgumentError(f"The name of a column is needed, not {name!r}.")
        known = self._service.columns.get(self._caom_cone)
        try:
            return named_column(name, known)
        except InvalidArgumentError:
            return named_column(name, {**known, **self._service.columns.newest(self._caom_cone)})

    def _refuse_continuous(self, column: Column, cache: bool | None, deadline: Deadline) -> NoReturn:
        """Say between which numbers the values of a column are, instead of listing them."""
        said = ""
        try:
            low, high = ranges_of(self._distribution(self._distribution_request(cache), deadline)[0])[column.name]
            said = f", from {low:g} to {high:g} {column.unit or column.vo_unit}".rstrip()
        except (MastError, KeyError) as err:
            log.debug("The range of %s is not known: %s", column.name, err)
        raise InvalidArgumentError(
            f"'{column.name}' is continuous{said}: it has no list of values. Use [minimum, maximum] as a criterion."
        )

    def _values_of_part(
        self, column: Column, where: Where, criteria: Mapping[str, Any], cache: bool | None, deadline: Deadline
    ) -> Table:
        """The values of the observations that meet criteria."""
        asked = self._criteria(criteria)
        cone = self._service.cone(where.coordinates, where.object_name, where.radius, where.resolver, deadline)
        counting = replace(self._count_request(asked, cone, None), cache=cache)
        page = self._service.page(counting, deadline).page
        rows, limit = first_value(page), count_setting("server_row_limit")
        if rows > limit:
            raise InvalidQueryError(
                f"{rows} observations meet the criteria, and the values of up to {limit} are counted: give more "
                "criteria, or none for the values of the whole archive."
            )
        request = replace(self._filtered_request(asked, cone, columns=column.name), cache=cache)
        cells: Counter[Any] = Counter()
        times = [page.time]
        if rows:
            cells, times = self._cells(request, column, deadline)
        table = value_table(counted(cells.items(), column), column)
        if not len(table):
            warn_no_results(self._hints(asked))
        return _with_meta(table, request, times)

    def _cells(
        self, request: MashupRequest, column: Column, deadline: Deadline
    ) -> tuple[Counter[Any], list[str | None]]:
        """How often each cell of a column occurs, and when the archive said so; one page at a time is in memory."""
        cells: Counter[Any] = Counter()
        times: list[str | None] = []
        known = {column.name: column}
        with closing(self._service.pages(request, deadline=deadline)) as stream:
            for sent in stream:
                builder = TableBuilder(request, known)
                builder.add(sent.page)
                times.append(sent.page.time)
                values = next(iter(builder.table().itercols()))
                texts, numbers = np.unique(values.compressed().astype(str), return_counts=True)
                cells.update(dict(zip(texts.tolist(), numbers.tolist(), strict=True)))
        return cells, times


def _with_meta(table: Table, request: MashupRequest, times: Iterable[str | None]) -> Table:
    """A table that is made of the answer to a request, with what all tables tell of themselves."""
    table.meta = table_meta(request, len(table), times)
    return table
