"""Catalog queries by TAP: arguments → one query in ADQL → a table, a count, or the query itself.

In: `TapOptions` and `~astroquery_mast.catalogs.search.CatalogArguments`, from the query methods.  Out: the results.  If
ADQL or the service cannot express a condition, such as a polygon if only circles are supported, a wider query is sent
and its rows are filtered locally.  All rows are then fetched before a limit is applied.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from astropy.table import Table, vstack
from astropy.utils.exceptions import AstropyDeprecationWarning
from astroquery import log

from ..exceptions import InputWarning, InvalidArgumentError
from ..query.adql import AdqlQuery, TextTest, adql_clauses, identifier, polygon_text, table_identifier, within_text
from ..query.cones import cone_condition
from ..query.scan import Scan
from ..query.selection import Selection, SortKey, arranged, names_of, row_limit, sort_keys
from ..query.values import is_integer
from ..service.mast_service import CallOptions, MastService
from ..service.retrying import Deadline
from ..sky.position import Cone, TargetInput
from ..sky.positions import degrees
from ..sky.region import Region, ShapeRegion
from ..sky.region_input import as_strict_region
from ..sky.shapes import Circle, Polygon, Shape
from ..sky.sphere import unit_vectors
from ..tables.columns import Columns, did_you_mean, find_name
from ..tables.result_table import ResultTable
from ..tables.rows import Array
from ..tables.table import table_meta
from ..targets.batch import TargetMeta
from ..vo.paging import Pager
from ..vo.tap import ROW_CAP
from ..warn import warn_no_results, warn_of_limit, warn_user
from .collections import Collections, TapTable
from .search import DEFAULT_LIMIT, DEFAULT_OFFSET, TABLE_OPTIONS, CatalogArguments, TapOptions

_ONE_PLACE = "Only one of coordinates, object_name and region may be specified."
_ARGUMENTS = (
    *(each.name for described in (TargetInput, TapOptions, CallOptions) for each in fields(described)),
    *("catalog", "columns", "sort_by"),
)
# Key of ``meta`` in the next version of astroquery.mast → key in this package.  The values are lists, like all values
# of ``meta``, because lists survive stacking.
_LONGER = {"adql_query": "adql", "collection": "coll", "catalog": "table"}


class TapMeta(TargetMeta):
    """The ``meta`` of a TAP result, in which the query, the collection and the catalog have two keys each."""

    def __missing__(self, key: str) -> Any:
        """Return the value of a longer key."""
        short = _LONGER.get(key, "")
        return self[short][0] if short in self else super().__missing__(key)


# -- one query -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TapQuery:
    """One query of one table; ``tests`` and ``region`` filter its rows locally, with the help of hidden columns."""

    table: TapTable
    adql: AdqlQuery
    run_async: bool | None = None
    tests: tuple[TextTest, ...] = ()
    region: Region | None = None
    hidden: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """The name of the service in tables."""
        return self.table.tap.what

    @property
    def filters_locally(self) -> bool:
        """Whether rows are filtered locally."""
        return bool(self.tests) or self.region is not None

    @property
    def fits_one_response(self) -> bool:
        """Whether a single response can have all rows, in order."""
        limit = self.adql.limit
        return limit is not None and limit <= ROW_CAP and not self.filters_locally

    def at(self, place: Cone | Region | None, shapes: frozenset[str]) -> TapQuery:
        """Return the same query for a cone or a region."""
        if place is None:
            return self
        if self.table.position is None or not shapes:
            raise InvalidArgumentError(f"{self.table.title} cannot be searched by position.")
        sent, region = _shapes_to_send(place, shapes)
        clauses = [_within(shape, self.table.position) for shape in sent]
        clause = clauses[0] if len(clauses) == 1 else f"({' OR '.join(f'({each})' for each in clauses)})"
        adql = replace(self.adql, clauses=(clause, *self.adql.clauses))
        return replace(self, adql=adql, region=region).with_hidden(self.table.position if region else ())

    def with_hidden(self, names: Sequence[str]) -> TapQuery:
        """Return the same query with columns that are removed from the result, unless they are selected anyway."""
        wanted = self.adql.columns
        new = [name for name in names if wanted and name not in wanted]
        return replace(self, adql=replace(self.adql, columns=(*wanted, *new)), hidden=(*self.hidden, *new))

    def shown(self, tap_options: TapOptions) -> Any:
        """Return the query or the request."""
        text = self.adql.count_text if tap_options.count_only else self.adql.text
        return text if tap_options.return_adql else self._sent(text)

    def payload(self) -> dict[str, object]:
        """Return the request for the rows."""
        return self._sent(self.adql.text)

    def _sent(self, text: str) -> dict[str, object]:
        return self.table.tap.payload(text, min(self.adql.limit or ROW_CAP, ROW_CAP), self.run_async)

    def scan(self) -> Scan:
        """Return the query for all rows, in any order."""
        table, adql = self.table, self.adql
        ra_dec = None if table.position is None else (identifier(table.position[0]), identifier(table.position[1]))
        key = None if table.key is None else identifier(table.key)
        columns = tuple(map(identifier, adql.columns))
        return Scan(table_identifier(table.name), columns, adql.clauses, key=key, position=ra_dec)

    def filtered(self, table: Table) -> Table:
        """Return the rows and columns that belong to the result."""
        keep = self._rows_to_keep(table)
        return self.without_hidden(table if keep.all() else table[keep])

    def where(self, clause: str) -> TapQuery:
        """Return the same query with another condition."""
        return replace(self, adql=replace(self.adql, clauses=(*self.adql.clauses, clause)))

    def without_hidden(self, table: Table) -> Table:
        """Return the table without the hidden columns."""
        table.remove_columns([found for name in self.hidden if (found := find_name(name, table.colnames))])
        return table

    def _rows_to_keep(self, table: Table) -> Array:
        """Return which rows belong to the result."""
        keep = np.ones(len(table), dtype=bool)
        for test in self.tests:
            keep &= test.of(table)
        if self.region is not None and self.table.position is not None:
            keep &= _inside(table, self.table.position, self.region)
        return keep


def _shapes_to_send(place: Cone | Region, known: frozenset[str]) -> tuple[list[Shape], Region | None]:
    """Return the shapes to send, and the region for local filtering (None if the service can select it exactly)."""
    if isinstance(place, Cone):
        return [Circle(place.ra, place.dec, place.radius)], None
    if not isinstance(place, ShapeRegion):
        return [_circle_around(place)], place
    sent = [
        _circle_around(ShapeRegion((shape,))) if isinstance(shape, Polygon) and "POLYGON" not in known else shape
        for shape in place.shapes
    ]
    return sent, None if tuple(sent) == place.shapes else place


def _circle_around(region: Region) -> Circle:
    cone = region.cone()
    return Circle(cone.ra, cone.dec, cone.radius)


def _within(shape: Shape, position: tuple[str, str]) -> str:
    """Return the condition that a position is in a shape; a point is a circle with a radius of zero."""
    names = identifier(position[0]), identifier(position[1])
    if isinstance(shape, Polygon):
        return within_text(names, polygon_text(shape.vertices))
    return cone_condition(shape.ra, shape.dec, shape.radius if isinstance(shape, Circle) else 0.0, names)


def _inside(table: Table, position: tuple[str, str], region: Region) -> Array:
    """Return which rows have a position in a region."""
    ra, dec = (
        degrees(table[find_name(name, table.colnames) or name], axis)[0]
        for name, axis in zip(position, ("right ascension", "declination"), strict=True)
    )
    placed = np.isfinite(ra) & np.isfinite(dec)
    kept = np.zeros(len(table), dtype=bool)
    kept[placed] = region.contains(unit_vectors(ra[placed], dec[placed]))
    return kept


# -- arguments -------------------------------------------------------------------------------------------------------


def limit_and_offset(selection: Selection, tap_options: TapOptions) -> tuple[int | None, int]:
    """Return the limit and the offset, also from the page arguments of the older services."""
    if not is_integer(tap_options.offset, 0):
        raise InvalidArgumentError(f"offset must be an integer >= 0, got {tap_options.offset!r}.")
    if selection.pagesize is not None:
        return _limit_and_offset_of_page(selection.pagesize, selection.page or 1, tap_options)
    if selection.page is not None:
        warn_user("page is ignored without pagesize. Use limit and offset instead.", InputWarning)
    return row_limit(tap_options.limit), int(tap_options.offset)


def _limit_and_offset_of_page(pagesize: int, page: int, tap_options: TapOptions) -> tuple[int | None, int]:
    """Return the limit and the offset of a page; an explicit limit or offset takes precedence."""
    warn_user("pagesize and page are deprecated for TAP. Use limit and offset.", AstropyDeprecationWarning)
    if tap_options.limit is not DEFAULT_LIMIT:
        return row_limit(tap_options.limit), tap_options.offset
    return pagesize, tap_options.offset or (page - 1) * pagesize


def all_criteria(arguments: CatalogArguments, tap_options: TapOptions, table: TapTable) -> dict[str, Any]:
    """Return the criteria, including those in ``filters``; raise if a column has two."""
    criteria = _without_version(arguments, table)
    for name in TABLE_OPTIONS:
        if name in criteria and find_name(name, table.columns) is None:
            raise InvalidArgumentError(
                f"{name} belongs to the older Pan-STARRS service. For TAP, use collection= and catalog=, "
                "such as collection='ps1_dr2', catalog='mean_object'. See get_collections() and "
                "get_catalogs()."
            )
    filters = {} if tap_options.filters is None else tap_options.filters
    if not isinstance(filters, Mapping):
        raise InvalidArgumentError(f"filters must be a dictionary of columns and criteria, got {filters!r}.")
    others = {str(name): value for name, value in filters.items()}
    twice = [name for name in others if find_name(name, criteria) is not None]
    if twice:
        raise InvalidArgumentError(f"'{twice[0]}' is specified twice, in filters and as a criterion. Specify it once.")
    return {**criteria, **others}


def _without_version(arguments: CatalogArguments, table: TapTable) -> dict[str, Any]:
    """Return the criteria without ``version``, unless the catalog has a column of this name."""
    criteria = dict(arguments.criteria)
    name = find_name("version", criteria) if find_name("version", table.columns) is None else None
    if name is not None or arguments.version is not None:
        criteria.pop(name or "", None)
        warn_user(
            f"version is deprecated for TAP, where each version is a collection. Using {table.collection!r}.",
            AstropyDeprecationWarning,
        )
    return criteria


def selected_names(selection: Selection, tap_options: TapOptions, columns: Columns) -> tuple[str, ...]:
    """Return the selected columns; empty for all columns."""
    if tap_options.select_cols is None:
        return selection.spelled(columns).columns
    if selection.columns:
        raise InvalidArgumentError("columns and select_cols have the same meaning. Use one of them.")
    found = {name: find_name(name, columns) for name in names_of(tap_options.select_cols, "select_cols")}
    _report_missing([name for name, spelled in found.items() if spelled is None], len(found), columns)
    return tuple(dict.fromkeys(filter(None, found.values())))


def _report_missing(missing: Sequence[str], requested: int, columns: Columns) -> None:
    """Warn of columns that do not exist; raise if all selected columns are missing."""
    hints = " ".join(f"Column {name!r} not found. {did_you_mean(name, columns)}" for name in missing)
    if missing and len(missing) == requested:
        raise InvalidArgumentError(f"select_cols contains no column of the catalog. {hints}")
    if missing:
        warn_user(f"select_cols: {hints}", InputWarning)


def sort_order(selection: Selection, tap_options: TapOptions, table: TapTable, offset: int) -> tuple[SortKey, ...]:
    """Return the columns to sort by."""
    order = selection.order
    if tap_options.sort_desc is not None:
        order = sort_keys([key.column for key in order] or None, tap_options.sort_desc)
    order = tuple(key.spelled(table.columns) for key in order)
    paged = tap_options.offset is not DEFAULT_OFFSET or selection.pagesize is not None
    return _stable_order(order, table, offset) if paged or order else order


def _stable_order(order: tuple[SortKey, ...], table: TapTable, offset: int) -> tuple[SortKey, ...]:
    """Return an order that is the same in every response, so that an offset is well defined."""
    if table.key is not None:
        return order if table.key in {key.column for key in order} else (*order, SortKey(table.key))
    if not order and offset:
        raise InvalidArgumentError(f"offset requires sort_by, because {table.title} has no identifier column.")
    return order


# -- results ---------------------------------------------------------------------------------------------------------


class TapSearch:
    """Builds and checks TAP queries, and returns their tables, counts or text."""

    def __init__(self, service: MastService) -> None:
        self.service = service
        self.collections = Collections(service)

    def answer(
        self,
        table: TapTable,
        arguments: CatalogArguments,
        tap_options: TapOptions,
        options: CallOptions,
        deadline: Deadline,
    ) -> Any:
        """Return the result for one cone, region or neither; or the query, or the request."""
        query = self.query(table, arguments, tap_options)
        place = self._place(arguments, tap_options, deadline)
        query = query.at(place, self.shapes(table, deadline) if place is not None else frozenset())
        if tap_options.return_adql or options.get_query_payload:
            return query.shown(tap_options)
        if tap_options.count_only:
            return self.count(query, deadline)
        found, more = self.rows(query, deadline, verbose=options.verbose)
        if more:
            warn_of_limit(len(found))
        return self.finished(found, query, options, deadline)

    def query(self, table: TapTable, arguments: CatalogArguments, tap_options: TapOptions) -> TapQuery:
        """Build a query to which a cone or a region can be added."""
        selection, columns = arguments.selection, table.columns
        limit, offset = limit_and_offset(selection, tap_options)
        clauses = adql_clauses(all_criteria(arguments, tap_options, table), columns, _ARGUMENTS)
        wanted = selected_names(selection, tap_options, columns)
        order = sort_order(selection, tap_options, table, offset)
        adql = AdqlQuery(table.name, wanted, clauses.texts, order, limit, offset)
        query = TapQuery(table, adql, tap_options.run_async, clauses.tests)
        return query.with_hidden([test.column for test in clauses.tests])

    def shapes(self, table: TapTable, deadline: Deadline) -> frozenset[str]:
        """Return the geometry functions that a service supports."""
        return self.collections.shapes(table, deadline)

    def _place(self, arguments: CatalogArguments, tap_options: TapOptions, deadline: Deadline) -> Cone | Region | None:
        """Return the cone or the region to search, or None."""
        target = arguments.target
        if tap_options.region is not None and (target.coordinates is not None or target.object_name is not None):
            raise InvalidArgumentError(_ONE_PLACE)
        cone = self.service.cone(target.coordinates, target.object_name, target.radius, target.resolver, deadline)
        if tap_options.region is not None:
            return as_strict_region(tap_options.region)
        if cone is None and not arguments.filtered:
            raise InvalidArgumentError("Specify coordinates (with radius) or region.")
        return cone

    def count(self, query: TapQuery, deadline: Deadline) -> int:
        """Return the number of rows without the limit; locally filtered rows are counted locally."""
        if query.filters_locally:
            needed = [test.column for test in query.tests]
            needed += query.table.position or () if query.region is not None else ()
            bare = replace(query.adql, columns=tuple(dict.fromkeys(needed)), order=(), limit=None, offset=0)
            return len(self.rows(replace(query, adql=bare, hidden=()), deadline)[0])
        table = query.table.tap.rows(query.adql.count_text, deadline, run_async=query.run_async)
        return int(table[0][0])

    def rows(self, query: TapQuery, deadline: Deadline, *, verbose: bool = False) -> tuple[Table, bool]:
        """Return the rows, and whether the limit has cut off some."""
        if not query.fits_one_response:
            return self._all_rows(query, deadline, verbose)
        first = query.adql.order[0].column if query.adql.order else query.table.key
        if first is None or first == query.table.key:
            return self._one_response(query, deadline, verbose)
        query = query.with_hidden([first])
        table, more = self._one_response(query, deadline, verbose)
        if self._may_start_with_nulls(query, table, first, deadline):
            table = self._nulls_last(query, identifier(first), deadline)
        return query.without_hidden(table), more

    def _may_start_with_nulls(self, query: TapQuery, table: Table, name: str, deadline: Deadline) -> bool:
        """Return whether rows without a value in a column may come first, as some databases sort them."""
        if query.adql.offset:
            return self.count(query.where(f"{identifier(name)} IS NULL"), deadline) > 0
        return len(table) > 0 and bool(np.ma.getmaskarray(table[find_name(name, table.colnames) or name])[0])

    def _nulls_last(self, query: TapQuery, name: str, deadline: Deadline) -> Table:
        """Return the rows with a value in a column, then those without, up to the limit."""
        adql, filled = query.adql, query.where(f"{name} IS NOT NULL")
        assert adql.limit is not None
        table, _ = self._one_response(filled, deadline)
        wanted = adql.limit - len(table)
        if not wanted:
            return table
        before = self.count(filled, deadline) if adql.offset else len(table)
        rest = replace(adql, limit=wanted, offset=max(0, adql.offset - before))
        blank, _ = self._one_response(replace(query, adql=rest).where(f"{name} IS NULL"), deadline)
        return vstack([table, blank], join_type="exact", metadata_conflicts="silent")

    def _one_response(self, query: TapQuery, deadline: Deadline, verbose: bool = False) -> tuple[Table, bool]:
        """Return the rows of one response, including hidden columns, and whether the limit has cut off some."""
        adql, tap = query.adql, query.table.tap
        assert adql.limit is not None
        # An extra row shows whether there are more than the limit.
        most = adql.limit + 1
        table = tap.rows(
            replace(adql, limit=most).text,
            deadline,
            maxrec=min(most, ROW_CAP),
            run_async=query.run_async,
            verbose=verbose,
        )
        return _limited(table, adql.limit, bool(table.meta["overflow"]))

    def _all_rows(self, query: TapQuery, deadline: Deadline, verbose: bool) -> tuple[Table, bool]:
        """Return the rows of several responses, sorted and limited locally."""
        query = query.with_hidden([key.column for key in query.adql.order])
        adql = query.adql
        tap, discovery = query.table.tap, self.collections.discovery
        pager = Pager(tap, discovery, lambda: deadline, ROW_CAP, query.run_async, verbose)
        unsorted = not (query.filters_locally or adql.order or adql.offset)
        table = pager.everything(query.scan(), adql.limit if unsorted else None)
        more = bool(table.meta["overflow"])
        table = arranged(table, Selection(order=adql.order))
        table = query.filtered(table)[adql.offset :]
        return (table, more) if adql.limit is None else _limited(table, adql.limit, more)

    def finished(self, table: Table, query: TapQuery, options: CallOptions, deadline: Deadline) -> Table:
        """Return the table with its ``meta``; warn if it is empty."""
        table = ResultTable(table, masked=True, copy=False)
        table.meta = meta_of(query, len(table))
        if options.verbose:
            log.info("%d rows of %s in %.1f s.", len(table), query.table.title, deadline.elapsed())
        if not len(table):
            warn_no_results()
        return table


def _limited(table: Table, limit: int, more: bool) -> tuple[Table, bool]:
    """Return the first rows of a table, and whether there are more."""
    return (table[:limit], True) if len(table) > limit else (table, more)


def meta_of(query: TapQuery, rows: int, **more: object) -> TapMeta:
    """Return the ``meta`` of a table."""
    meta = TapMeta(table_meta(query, rows, ()))
    meta["request"] = [json.dumps({**query.payload(), **more})]
    meta.update(adql=[query.adql.text], coll=[query.table.collection], table=[query.table.name])
    return meta
