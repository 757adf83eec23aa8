"""The catalog searches of `CatalogsClass`: arguments → a checked query → table, responses or count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import requests
from astropy.table import Table
from astroquery import log

from ..config import count_setting
from ..exceptions import BadRequestError, InvalidCriterionError, ServerError, UnsupportedCriterionError
from ..query.filters import catalogs_mast_filters, mashup_criteria
from ..query.known_catalogs import CATALOGS, Catalog, catalog_key, collection_of, find_catalog, shown_names
from ..query.request import MashupRequest
from ..query.selection import Selection, arranged
from ..service.http import warn_of_more
from ..service.mast_service import CallOptions, ColumnMetadata, MastService, NoColumnsError, refuse_two_positions
from ..service.retrying import Deadline
from ..sky.position import TargetInput
from ..tables.columns import Columns, closest, did_you_mean
from ..tables.mashup import Page
from ..tables.table import TableBuilder
from ..warn import warn_no_results
from .catalog_query import (
    CatalogColumns,
    CatalogQuery,
    Listing,
    answer_columns,
    catalogs_mast_query,
    cone_query,
    filtered_query,
    with_separation,
)

_NO_CRITERION = "At least one non-positional criterion must be supplied."
# Error messages for a service that does not exist.
_UNKNOWN = re.compile(r"unknown service|service\b.*\b(?:not found|does not exist|unknown)", re.IGNORECASE)
# The HTTP status with which MAST reports errors of its services.
_ANSWERED = 200
# The options that select the table of a Catalogs.MAST catalog.
TABLE_OPTIONS = ("data_release", "table")
# The arguments of which an unknown keyword may be a misspelling.
_ARGUMENTS = (
    *(each.name for described in (TargetInput, Selection, CallOptions) for each in fields(described)),
    *("catalog", "sort_by", *TABLE_OPTIONS),
)


@dataclass(frozen=True)
class CatalogArguments:
    """The arguments of a query as the user wrote them; the fields are parameters of `CatalogsClass.query_criteria`.

    Unless ``filtered`` is True, ``criteria`` are the additional parameters of `CatalogsClass.query_region`.
    """

    catalog: Any
    criteria: Mapping[str, Any]
    target: TargetInput
    selection: Selection
    version: int | None = None
    filtered: bool = False


class _Default(int):
    """The default of a number, which can be distinguished from the same number given by the user."""


DEFAULT_LIMIT = _Default(5000)
DEFAULT_OFFSET = _Default(0)


@dataclass(frozen=True)
class TapOptions:
    """The arguments that only TAP supports; the fields are parameters of `CatalogsClass.query_criteria`."""

    collection: str | None = None
    region: Any = None
    limit: int | None = DEFAULT_LIMIT
    offset: int = DEFAULT_OFFSET
    count_only: bool = False
    select_cols: Any = None
    sort_desc: Any = None
    filters: Mapping[str, Any] | None = None
    run_async: bool | None = None
    return_adql: bool = False

    @property
    def given(self) -> list[str]:
        """The names of the arguments that are given, except the collection."""
        others = (each for each in fields(self) if each.name != "collection")
        return [each.name for each in others if getattr(self, each.name) is not each.default]


class CatalogSearch:
    """Builds and checks catalog queries, and returns their tables, responses or counts."""

    def __init__(self, service: MastService) -> None:
        self.service = service
        self.columns = ColumnMetadata(CatalogColumns(service.http, service.endpoints))
        service.columns = self.columns

    # -- calls ---------------------------------------------------------------------------------------------------

    def table(self, arguments: CatalogArguments, options: CallOptions) -> Table | dict[str, object]:
        """Return the rows, or the request."""
        deadline = self.service.deadline(options.timeout)
        query = self._build_query(arguments, deadline)
        return query.payload() if options.get_query_payload else self.table_of(query, deadline, options.verbose)

    def responses(
        self, arguments: CatalogArguments, timeout: float | None
    ) -> list[requests.Response] | requests.Response:
        """Return the responses with the rows."""
        deadline = self.service.deadline(timeout)
        return self.responses_to(self._build_query(arguments, deadline), deadline)

    def count(self, arguments: CatalogArguments, options: CallOptions) -> int | dict[str, object]:
        """Return the number of rows that meet the criteria, or the request."""
        deadline = self.service.deadline(options.timeout)
        query = self._build_query(arguments, deadline, count=True)
        return query.payload() if options.get_query_payload else self.count_of(query, deadline)

    # -- queries -------------------------------------------------------------------------------------------------

    def _build_query(self, arguments: CatalogArguments, deadline: Deadline, *, count: bool = False) -> CatalogQuery:
        """Build a query for one target or none.  All other arguments are checked before names are resolved."""
        target = arguments.target
        if arguments.filtered:
            refuse_two_positions(target.coordinates, target.object_name)
        positional = not arguments.filtered or target.coordinates is not None or target.object_name is not None
        query = self.query(arguments, positional=positional, count=count)
        cone = self.service.cone(target.coordinates, target.object_name, target.radius, target.resolver, deadline)
        return query if cone is None and arguments.filtered else query.at(cone)

    def query(self, arguments: CatalogArguments, *, positional: bool, count: bool = False) -> CatalogQuery:
        """Build a query to which a position can be added."""
        if not arguments.filtered:
            return self._region_query(arguments)
        with _pointing_to_tap(arguments.catalog):
            return self._criteria_query(arguments, positional=positional, count=count)

    def _region_query(self, arguments: CatalogArguments) -> CatalogQuery:
        """Build a query around a position, which is added later."""
        found, selection = find_catalog(arguments.catalog), arguments.selection
        given, version = arguments.criteria, arguments.version
        if found.path:
            found.versioned({0: found.path}, version)  # warns if a version is given, because there are none
            return self._table_query(found, given, selection, positional=True)
        if found.columns_id:
            selection = selection.spelled(self.columns.columns_for(found.columns_id, selection.named))
        return cone_query(found, version, given, selection, count_setting("pagesize"))

    def _criteria_query(self, arguments: CatalogArguments, *, positional: bool, count: bool) -> CatalogQuery:
        """Build a query by criteria, to which a position can be added."""
        found, selection, criteria = find_catalog(arguments.catalog), arguments.selection, arguments.criteria
        if found.path and not count:
            if not criteria or not (positional or _without_options(criteria)):
                raise InvalidCriterionError(_NO_CRITERION)
            return self._table_query(found, criteria, selection, positional=positional)
        found.filtered_service(positional=positional, count=count)  # raises if there is no such service
        if not criteria:
            raise InvalidCriterionError(_NO_CRITERION)
        columns = self.columns.columns_for(found.columns_id, [*criteria, *selection.named])
        return filtered_query(
            found,
            mashup_criteria(criteria, columns, arguments=_ARGUMENTS),
            selection.spelled(columns),
            count_setting("pagesize"),
            positional=positional,
            count=count,
        )

    def _table_query(
        self, catalog: Catalog, given: Mapping[str, Any], selection: Selection, *, positional: bool
    ) -> CatalogQuery:
        """Build a query of a Catalogs.MAST table."""
        criteria = _without_options(given)
        options = {name.lower(): value for name, value in given.items() if name not in criteria}
        release, table = catalog.table(options.get("data_release"), options.get("table"))
        columns_id = f"{catalog.path}/{release}/{table}"
        # The separation is not in the list of columns, but in all responses with a position.
        named = [name for name in selection.named if not positional or name != catalog.separation[0]]
        columns = self.columns.columns_for(columns_id, [*criteria, *named])
        filters = catalogs_mast_filters(criteria, columns, _ARGUMENTS)
        selection = selection.spelled(with_separation(columns, catalog) if positional else columns)
        server = self.service.endpoints.catalogs
        pagesize, known = count_setting("pagesize"), self.columns.known(columns_id) or {}
        return catalogs_mast_query(catalog, columns_id, server, filters, selection, pagesize, known)

    def metadata(self, catalog: str, release: str | None, table: str | None) -> Columns:
        """Return the columns of a catalog, as currently listed by MAST if possible."""
        found = find_catalog(catalog)
        if found.path:
            columns_id = "/".join((found.path, *found.table(release, table)))
        else:
            columns_id = found.columns_id or found.cone()
        try:
            return self.columns.newest(columns_id) or self.columns.refresh(columns_id)
        except NoColumnsError as err:
            if found in CATALOGS.values():
                raise
            raise _no_such_catalog(found, str(err)) from err

    # -- results -------------------------------------------------------------------------------------------------

    def table_of(self, query: CatalogQuery, deadline: Deadline, verbose: bool) -> Table:
        """Return the table of a query; warn if it is empty, or if a limit may have cut off rows."""
        with suggesting_catalogs(query.catalog):
            table = self._collected(query, deadline)
        if verbose:
            log.info("%d rows of %s in %.1f s.", len(table), query.catalog.name, deadline.elapsed())
        self._warn_if_limited(query, len(table))
        if not len(table):
            warn_no_results()
        return arranged(table, query.selection)

    def _collected(self, query: CatalogQuery, deadline: Deadline) -> Table:
        """Return all rows of a query."""
        builder: TableBuilder | None = None
        for answer in self.service.pages(query.request, deadline=deadline, every_page=query.every_page):
            if builder is None:
                builder = TableBuilder(query.request, self.columns_of(query, answer.page))
            builder.add(answer.page)
        assert builder is not None
        return builder.table()

    def columns_of(self, query: CatalogQuery, page: Page) -> Columns:
        """Return the columns of a result, according to its first page."""
        if isinstance(query.request, Listing):
            columns: Columns = answer_columns(page, query.request.known)
        else:
            columns = self.columns.get(query.columns_id)
        return with_separation(columns, query.catalog)

    def responses_to(self, query: CatalogQuery, deadline: Deadline) -> list[requests.Response] | requests.Response:
        """Return the responses to a query; only one for Catalogs.MAST, as in ``astroquery.mast``."""
        request = query.request
        if isinstance(request, MashupRequest):
            with suggesting_catalogs(query.catalog):
                return self.service.responses(request, deadline=deadline, every_page=query.every_page)
        answer = self.service.page(request, deadline)
        rows = len(answer.page.rows)
        if not self._warn_if_limited(query, rows) and query.every_page and rows == query.pagesize:
            warn_of_more(
                f"{request.service} has more than the {rows} rows of this page. Use page=2, ... for the others."
            )
        return answer.response

    def count_of(self, query: CatalogQuery, deadline: Deadline) -> int:
        """Return the number of rows."""
        assert isinstance(query.request, MashupRequest)
        return self.service.count(query.request, deadline)

    def _warn_if_limited(self, query: CatalogQuery, rows: int) -> bool:
        """Warn and return True if the row limit may have cut off rows."""
        message = query.limited(rows)
        if message is not None:
            warn_of_more(message)
        return message is not None


def _without_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the criteria without the options that select a table."""
    return {name: value for name, value in given.items() if name.lower() not in TABLE_OPTIONS}


@contextmanager
def suggesting_catalogs(catalog: Catalog) -> Iterator[None]:
    """Suggest similar catalogs in the error for a service that does not exist."""
    try:
        yield
    except ServerError as err:
        if catalog in CATALOGS.values() or err.status != _ANSWERED:
            raise
        if _UNKNOWN.search(str(err)):
            raise _no_such_catalog(catalog, str(err)) from err
        near = closest(catalog.name, shown_names())
        if near:
            err.args = (f"{err} {did_you_mean(catalog.name, near)}",)
        raise


@contextmanager
def _pointing_to_tap(catalog: Any) -> Iterator[None]:
    """Refer to TAP in the error for a criterion that a service cannot express, if TAP has the catalog."""
    try:
        yield
    except UnsupportedCriterionError as err:
        collection = collection_of(catalog_key(catalog) or "")
        if collection is not None:
            err.args = (f"{err} TAP supports this query: use collection={collection!r}.",)
        raise


def _no_such_catalog(catalog: Catalog, message: str) -> BadRequestError:
    """Return the error for a name that neither this package nor MAST knows."""
    hint = did_you_mean(catalog.name, shown_names())
    return BadRequestError(f"{message} {hint}", status=_ANSWERED)
