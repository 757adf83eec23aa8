"""List the columns of observations and their values, as MAST counts them.

In: the decoded response of ``Mast.Caom.All``; for a subset of the observations, the column itself, whose values are
counted here.  Out: tables of values and of columns.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np
from astropy import units as u
from astropy.table import MaskedColumn, Table
from astroquery import log

from ..config import count_setting
from ..exceptions import InvalidArgumentError, InvalidQueryError, MastError
from ..query.request import MashupRequest
from ..query.selection import ColumnSelection, named_column
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..sky.radii import DEFAULT_RADIUS
from ..sky.region_filter import CUT_COLUMNS
from ..tables.columns import Column, Columns, Kind, shown_columns
from ..tables.mashup import first_value, read_histograms
from ..tables.result_table import ResultTable
from ..tables.rows import TRUTHS
from ..tables.table import TableBuilder, table_meta
from ..warn import warn_no_results
from .search import CAOM_CONE, ObservationQuery, ObservationSearch, QueryArguments
from .suggestions import token_counts

Ranges = Mapping[str, tuple[float, float]]


class ObservationValues:
    """Lists the columns of observations and their values."""

    def __init__(self, service: MastService, search: ObservationSearch) -> None:
        self._service = service
        self._search = search

    def missions(self) -> list[str]:
        """Return the missions in alphabetical order."""
        return sorted(filter(None, self._search.values(self._service.deadline(None)).get("obs_collection", {})))

    def columns(self, timeout: float | u.Quantity | None, cache: bool | None) -> Table:
        """Return the columns and the ranges of their values."""
        request = self._search.distribution_request(cache)
        columns = self._service.columns.newest(CAOM_CONE)
        try:
            document, time = self._search.distribution(request, self._service.deadline(timeout))
            ranges, values = ranges_of(document), self._search.remember(document)
        except MastError as err:
            log.warning("Listing the columns without the ranges of their values: %s", err)
            ranges, values, time = {}, {}, None
        counts = {name: counted(cells.items(), columns[name]) for name, cells in values.items() if name in columns}
        return _with_meta(column_table(columns, counts, ranges), request, [time])

    def values(self, column: str, arguments: QueryArguments, timeout: float | u.Quantity | None) -> Table:
        """Return the values of a column and the number of observations with each; of all observations or a subset."""
        deadline, place = self._service.deadline(timeout), arguments.place
        found = self._column(column)
        if found.continuous:
            self._refuse_continuous(found, arguments.cache, deadline)
        if place.many:
            raise InvalidQueryError("list_values accepts only one position or region.")
        if arguments.criteria or place.given or place.needs_filter or place.radius is not DEFAULT_RADIUS:
            return self._values_of_part(found, arguments, deadline)
        request = self._search.distribution_request(arguments.cache)
        document, time = self._search.distribution(request, deadline)
        cells = _listed(found, self._search.remember(document))
        return _with_meta(value_table(counted(cells.items(), found), found), request, [time])

    def _column(self, name: str) -> Column:
        """Return the column of that name; MAST's columns are retrieved before the name is rejected as unknown."""
        if not isinstance(name, str):
            raise InvalidArgumentError(f"The column name must be a string, got {name!r}.")
        return named_column(name, self._service.columns.columns_for(CAOM_CONE, [name]))

    def _refuse_continuous(self, column: Column, cache: bool | None, deadline: Deadline) -> NoReturn:
        """Raise an error that gives the range of a continuous column."""
        said = ""
        try:
            document, _ = self._search.distribution(self._search.distribution_request(cache), deadline)
            low, high = ranges_of(document)[column.name]
            said = f", from {low:g} to {high:g} {column.unit_text}".rstrip()
        except (MastError, KeyError) as err:
            log.debug("Could not retrieve the range of %s: %s", column.name, err)
        raise InvalidArgumentError(
            f"'{column.name}' is continuous{said} and has no list of values. Use [minimum, maximum] as a criterion."
        )

    def _values_of_part(self, column: Column, arguments: QueryArguments, deadline: Deadline) -> Table:
        """Return the values of the observations that match criteria or are in a region."""
        also = CUT_COLUMNS if arguments.place.needs_filter else ()
        query = replace(self._search.query(arguments, deadline), columns=ColumnSelection((column.name,), also))
        page = self._service.page(self._search.count_request(replace(query, region_filter=None)), deadline).page
        rows, limit = first_value(page), count_setting("server_row_limit")
        if rows > limit:
            raise InvalidQueryError(
                f"{rows} observations match the criteria, but values can be counted for at most {limit}. Use "
                "more criteria or a smaller area, or omit all criteria to list the values of all MAST "
                "observations."
            )
        request = self._search.request(query)
        found = self._cells(query, request, column, deadline) if rows else _Cells([page.time])
        table = value_table(counted(found.counts.items(), column), column)
        if not len(table):
            self._warn_of_no_values(query, rows, found.rows)
        return _with_meta(table, request, found.times)

    def _warn_of_no_values(self, query: ObservationQuery, sent: int, kept: int) -> None:
        """Warn that there are no values, and why."""
        cut = query.region_filter if sent and not kept else None
        warn_no_results(self._search.hints(query.criteria) if cut is None else [f"{cut.words(sent, 0)}."])

    def _cells(self, query: ObservationQuery, request: MashupRequest, column: Column, deadline: Deadline) -> _Cells:
        """Count the cells of a column, with one page at a time in memory."""
        found = _Cells()
        with closing(self._service.pages(request, deadline=deadline)) as pages:
            for sent in pages:
                builder = TableBuilder(request, {column.name: column})
                builder.add(sent.page)
                found.add(query.finished(builder.table()), sent.page.time)
        return found


@dataclass
class _Cells:
    """The number of times each cell of a column occurs, the number of rows, and the times of retrieval."""

    times: list[str | None] = field(default_factory=list)
    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, table: Table, time: str | None) -> None:
        """Count the cells of the last column."""
        texts, numbers = np.unique(table.columns[-1].compressed().astype(str), return_counts=True)
        self.counts.update(dict(zip(texts.tolist(), numbers.tolist(), strict=True)))
        self.rows += len(table)
        self.times.append(time)


def _listed(column: Column, values: Mapping[str, Mapping[str, int]]) -> Mapping[str, int]:
    """Return the values that MAST lists for a column."""
    if column.name not in values:
        raise InvalidArgumentError(
            f"MAST does not list the values of '{column.name}'. Specify criteria to count the values of the "
            "matching observations."
        )
    return values[column.name]


def ranges_of(document: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Read the ranges of continuous columns from the response of a ``...All`` service."""
    return read_histograms(document, _range_in, "ranges")


def _range_in(histogram: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the minimum and maximum; None for a column that is not continuous or has no values."""
    if histogram.get("type") != "numeric":
        return None
    low, high = float(histogram["min"]), float(histogram["max"])
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def counted(values: Iterable[tuple[Any, int]], column: Column) -> dict[Any, int]:
    """Return how often each value of a discrete column occurs."""
    counts: Counter[Any] = Counter()
    for token, number in token_counts(values, column.separator).items():
        counts[_value(token, column)] += number
    # Values of integer columns that are not numbers come last.
    ordered = sorted(counts.items(), key=lambda item: (-item[1], isinstance(item[0], str), item[0]))
    return dict(ordered)


def _value(text: str, column: Column) -> Any:
    """Return a value as the type of the column."""
    if column.kind is Kind.BOOLEAN:
        return TRUTHS.get(text.lower(), text)
    if column.kind is not Kind.INTEGER:
        return text
    try:
        return int(text)
    except ValueError:
        return text


def value_table(counts: Mapping[Any, int], column: Column) -> Table:
    """Return values and their counts as a table."""
    values = list(counts)
    if len({type(value) for value in values}) != 1:
        values = [str(value) for value in values]
    kinds: dict[Kind | None, type] = {Kind.INTEGER: np.int64, Kind.BOOLEAN: np.bool_}
    kind = kinds.get(column.kind, np.str_) if not values else None
    number = np.fromiter(counts.values(), dtype=np.int64, count=len(counts))
    return ResultTable(
        [
            MaskedColumn(np.array(values, dtype=kind), name="value", description=f"{column.name}: {column.about}"),
            MaskedColumn(number, name="count", description="Number of observations"),
        ],
        masked=True,
        copy=False,
    )


def column_table(columns: Columns, counts: Mapping[str, Mapping[Any, int]], ranges: Ranges) -> Table:
    """Return the columns and the ranges of their values as a table."""
    shown = shown_columns(columns)
    names = [column.name for column in shown]
    low, high = _ends_of(names, ranges)
    return ResultTable(
        [
            MaskedColumn(names, name="name", description="Name of the column"),
            MaskedColumn([column.kind.value if column.kind else "" for column in shown], name="kind"),
            MaskedColumn([column.unit_text for column in shown], name="unit"),
            MaskedColumn([column.about for column in shown], name="description"),
            MaskedColumn(_sizes_of(names, counts), name="values", description="Number of different values"),
            MaskedColumn(low, name="min", description="Minimum value"),
            MaskedColumn(high, name="max", description="Maximum value"),
        ],
        masked=True,
        copy=False,
    )


def _sizes_of(names: Sequence[str], counts: Mapping[str, Mapping[Any, int]]) -> np.ma.MaskedArray[Any, Any]:
    """Return the number of different values of each column, masked where unknown."""
    unknown = [name not in counts for name in names]
    return np.ma.MaskedArray([len(counts.get(name, ())) for name in names], mask=unknown, dtype=int)


def _ends_of(names: Sequence[str], ranges: Ranges) -> Sequence[np.ma.MaskedArray[Any, Any]]:
    """Return the minimum and maximum of each column, masked where unknown."""
    unknown = [name not in ranges for name in names]
    ends = np.array([ranges.get(name, (np.nan, np.nan)) for name in names], dtype=float).reshape(-1, 2)
    return [np.ma.MaskedArray(end, mask=unknown) for end in ends.T]


def _with_meta(table: Table, request: MashupRequest, times: Iterable[str | None]) -> Table:
    """Return a table with the ``meta`` that all tables have."""
    table.meta = table_meta(request, len(table), times)
    return table
