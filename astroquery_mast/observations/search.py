"""The search for observations: query arguments → a request → a table, a count, or responses.

In: `QueryArguments`, from the query methods.  Out: the results from MAST.  An `ObservationQuery` comes between them:
criteria, columns and position in the form that MAST takes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

import requests
from astropy.table import Table
from astroquery import log

from ..config import count_setting
from ..exceptions import InvalidArgumentError, InvalidResponseError, MastError
from ..query.filters import Criteria, mashup_criteria
from ..query.request import COUNT_COLUMNS, MashupRequest
from ..query.selection import (
    ColumnSelection,
    Selection,
    SortKey,
    arranged,
    first_rows,
    names_of,
    row_limit,
    select_columns,
    sort_keys,
)
from ..service.mast_service import CallOptions, MastService, refuse_two_positions
from ..service.resolver import warn_unused_resolver
from ..service.retrying import Deadline
from ..sky.position import Cone, TargetInput
from ..sky.radii import DEFAULT_RADIUS
from ..sky.region_filter import CUT_COLUMNS, RegionFilter, check_overlap, cone_filter
from ..sky.region_input import as_region
from ..tables.columns import metadata_table
from ..tables.mashup import Completeness, histograms
from ..tables.table import TableBuilder
from ..warn import warn_no_results
from .suggestions import suggestions

CAOM_CONE = "Mast.Caom.Cone"
CAOM_FILTERED = "Mast.Caom.Filtered"
CAOM_FILTERED_POSITION = "Mast.Caom.Filtered.Position"
CAOM_PRODUCTS = "Mast.Caom.Products"
CAOM_VALUES = "Mast.Caom.All"

# Seconds that a query without results may spend on suggestions.
_PATIENCE = 20.0
# Server → the time of retrieval and the values; for suggestions and exclusions, values up to an hour old are used.
KNOWN_VALUES: dict[str, tuple[float, dict[str, dict[str, int]]]] = {}
_VALUES_SECONDS = 3600.0
TWO_PLACES = "Only one of coordinates, object_name and region may be specified."
_NO_CRITERION = "At least one non-positional criterion must be supplied."
_NO_PLACE = "Specify coordinates (with radius) or region."


@dataclass(frozen=True)
class Place(TargetInput):
    """Where to search, as the user wrote it; the fields are parameters of `ObservationsClass.query_criteria`."""

    region: Any = None
    overlap: str = "footprint"

    @property
    def given(self) -> bool:
        """Whether a position or a region is given."""
        return any(each is not None for each in (self.coordinates, self.object_name, self.region))

    @property
    def needs_filter(self) -> bool:
        """Whether rows that MAST returns are removed here because of their position or footprint."""
        return self.region is not None or self.overlap != "footprint"


@dataclass(frozen=True)
class QueryArguments:
    """A query as the user wrote it; the fields are parameters of `ObservationsClass.query_criteria`.

    Without ``criteria``, this is a query by position only; an empty mapping is a criteria query without criteria.
    """

    place: Place
    criteria: Mapping[str, Any] | None = None
    columns: Any = None
    pagesize: int | None = None
    page: int | None = None
    cache: bool | None = None
    merge_nearby: bool = True
    limit: int | None = None
    sort_by: Any = None
    sort_desc: Any = None

    def __post_init__(self) -> None:
        """Raise for arguments that cannot be combined."""
        if self.page is not None and (self.limit is not None or self.sort_by is not None):
            raise InvalidArgumentError(
                f"page={self.page!r} cannot be combined with limit or sort_by, because MAST orders the pages."
            )

    @property
    def positional(self) -> bool:
        """Whether the rows have a distance from a position."""
        return self.criteria is None or self.place.given

    def require_criterion(self) -> None:
        """Raise `InvalidQueryError` if this is a criteria query without criteria."""
        if self.criteria is None or self.criteria:
            return
        refuse_two_positions(self.place.coordinates, self.place.object_name)
        advice = "Add a criterion, such as obs_collection='HST'."
        if self.place.given:
            method = "query_region" if self.place.object_name is None else "query_object"
            advice = f"{advice[:-1]}, or use {method} to search by position only."
        raise InvalidArgumentError(f"{_NO_CRITERION} {advice}")


# Keywords of a query that are not columns.
OBSERVATION_ARGUMENTS = tuple(
    each.name
    for described in (Place, QueryArguments, CallOptions)
    for each in fields(described)
    if each.name not in {"place", "criteria"}
)


@dataclass(frozen=True)
class ObservationQuery:
    """A query in MAST's terms: which observations, where, and which columns and rows to return.

    Without ``criteria``, it is a query to the cone search service, which always returns all columns.
    """

    criteria: Criteria | None = None
    cone: Cone | None = None
    region_filter: RegionFilter | None = None
    columns: ColumnSelection | None = None
    pagesize: int | None = None
    page: int | None = None
    cache: bool | None = None
    order: tuple[SortKey, ...] = ()
    limit: int | None = None

    @property
    def enough(self) -> int | None:
        """The number of rows to retrieve that is sufficient; None if all rows are needed."""
        too_many = self.limit is not None and self.limit >= count_setting("server_row_limit")
        return None if self.order or self.region_filter is not None or too_many else self.limit

    def finished(self, table: Table, total: int = 0) -> Table:
        """Return the rows in the region, sorted, limited in number, and with the requested columns."""
        if self.region_filter is not None:
            table, total = self.region_filter.of(table), 0
        if self.order:
            table = arranged(table, Selection(order=self.order))
        if self.limit is not None:
            table = first_rows(table, self.limit, total)
        return table if self.columns is None else self.columns.of(table)

    def for_many(self) -> ObservationQuery:
        """Return the same query for a table of many targets, in which the rows of each target are sorted."""
        return replace(self, order=(SortKey("input_row"), *self.order)) if self.order else self


class ObservationSearch:
    """Queries MAST for observations around one position, or anywhere."""

    def __init__(self, service: MastService) -> None:
        self._service = service

    # -- results -------------------------------------------------------------------------------------------------------

    def table(self, arguments: QueryArguments, options: CallOptions) -> Table | dict[str, object]:
        """Return the table of observations, or the request; warn if there are no matches."""
        deadline = self._service.deadline(options.timeout)
        arguments.require_criterion()
        query = self.query(arguments, deadline)
        request = self.request(query)
        if options.get_query_payload:
            return request.payload()
        sent, total = self._sent(query, request, deadline)
        table = query.finished(sent, total)
        if options.verbose:
            log.info("%d observations in %.1f s.", len(table), deadline.elapsed())
        if not len(table):
            warn_no_results([f"{table.meta['cut'][-1]}."] if len(sent) else self._hints_for(query, request, total))
        return table

    def _hints_for(self, query: ObservationQuery, request: MashupRequest, total: int) -> list[str]:
        """Return hints on why MAST returned no rows."""
        if not total:
            return self.hints(query.criteria)
        pages = -(-total // request.pagesize)
        return [f"Page {request.page} does not exist: the result has {pages} with {total} rows."]

    def count(self, arguments: QueryArguments, options: CallOptions) -> int | dict[str, object]:
        """Return the number of observations, or the request."""
        deadline = self._service.deadline(options.timeout)
        query = self.query(arguments, deadline)
        request = self.count_request(query)
        if options.get_query_payload:
            return request.payload()
        if query.region_filter is None:
            return self._service.count(request, deadline)
        table = self._service.table(request, deadline=deadline, columns_id=CAOM_CONE)
        return len(query.region_filter.of(table))

    def responses(self, arguments: QueryArguments, timeout: float | None) -> list[requests.Response]:
        """Return the responses, one per page."""
        deadline = self._service.deadline(timeout)
        arguments.require_criterion()
        request = self.request(self.query(arguments, deadline))
        return self._service.responses(request, deadline=deadline, every_page=arguments.page is None)

    def metadata(self, query_type: str) -> Table:
        """Return the columns of observations or of products, as MAST describes them now."""
        config_ids = {"observations": CAOM_CONE, "products": CAOM_PRODUCTS}
        config_id = config_ids.get(str(query_type).lower())
        if config_id is None:
            raise InvalidArgumentError(
                f"Unknown query type {query_type!r}. Valid types are 'observations' and 'products'."
            )
        try:
            columns = self._service.columns.refresh(config_id)
        except MastError as err:
            log.warning("Using the columns known to this version of the package: %s", err)
            columns = self._service.columns.get(config_id)
        return metadata_table(columns)

    def _sent(self, query: ObservationQuery, request: MashupRequest, deadline: Deadline) -> tuple[Table, int]:
        """Return the rows that MAST sends, and the total number of matching rows."""
        if query.enough is not None:
            return self._first_rows(request, query.enough, deadline)
        if query.page is None:
            table = self._service.table(request, deadline=deadline, columns_id=CAOM_CONE)
            return table, len(table)
        builder = TableBuilder(request, self._service.columns.get(CAOM_CONE))
        page = self._service.page(request, deadline).page
        builder.add(page)
        return builder.table(), page.total

    def _first_rows(self, request: MashupRequest, limit: int, deadline: Deadline) -> tuple[Table, int]:
        """Return the first rows of a result and its total number of rows; only the pages needed are requested."""
        builder = TableBuilder(request, self._service.columns.get(CAOM_CONE))
        found = Completeness(request.service)
        first = self._service.page(request, deadline)
        due = min(limit, first.page.total)
        others = [request.at_page(number) for number in range(2, -(-due // request.pagesize) + 1)]
        with closing(self._service.pages_of_all(others, deadline=deadline)) as answers:
            for asked, answer in zip([request, *others], chain([first], answers), strict=True):
                builder.add(answer.page)
                asked.check(answer.page, found)
        if found.rows < due:
            raise found.incomplete(f"expected {due} rows, received {found.rows}")
        return builder.table(), first.page.total + bool(found.doubt)

    # -- from arguments to requests ------------------------------------------------------------------------------------

    def query(self, arguments: QueryArguments, deadline: Deadline) -> ObservationQuery:
        """Return the query, with the cone that MAST searches and the filter for the rows that it returns."""
        query = self.query_anywhere(arguments)
        place = arguments.place
        if place.region is not None:
            return _in_region(query, place)
        cone = self._service.cone(place.coordinates, place.object_name, place.radius, place.resolver, deadline)
        if cone is None:
            _refuse_anywhere(arguments)
            return query
        return replace(query, cone=cone, region_filter=cone_filter(cone) if place.overlap == "center" else None)

    def query_anywhere(self, arguments: QueryArguments) -> ObservationQuery:
        """Check everything except the position, before names are resolved and observations requested."""
        if arguments.place.overlap != "footprint":
            check_overlap(arguments.place.overlap)
        sorted_here = arguments.sort_by is not None or arguments.sort_desc is not None
        order = self._order(arguments) if sorted_here else ()
        return ObservationQuery(
            criteria=None if arguments.criteria is None else self._criteria(arguments.criteria),
            columns=None if arguments.columns is None else self._columns(arguments, order),
            pagesize=arguments.pagesize,
            page=arguments.page,
            cache=arguments.cache,
            order=order,
            limit=None if arguments.limit is None else row_limit(arguments.limit),
        )

    def request(self, query: ObservationQuery) -> MashupRequest:
        """Return the request for the observations, with pages no larger than needed."""
        request = self._whole_request(query)
        if query.enough is None:
            return request
        pages = -(-query.enough // request.pagesize)
        return replace(request, pagesize=-(-query.enough // pages))

    def _whole_request(self, query: ObservationQuery) -> MashupRequest:
        """Return the request for all rows."""
        if query.columns is not None:
            return self.filtered_request(query, query.columns.text)
        if query.criteria is not None:
            return self.filtered_request(query)
        assert query.cone is not None
        return self._service.request_for(CAOM_CONE, query.cone.params(), query.pagesize, query.page, cache=query.cache)

    def count_request(self, query: ObservationQuery) -> MashupRequest:
        """Return the request for the number of rows, or for the columns needed to count them here."""
        columns = COUNT_COLUMNS if query.region_filter is None else ",".join(CUT_COLUMNS)
        return self.filtered_request(query, columns)

    def filtered_request(self, query: ObservationQuery, columns: str = "*") -> MashupRequest:
        """Return the request for columns, or an expression, of the observations that match the criteria."""
        filters = [] if query.criteria is None else query.criteria.payload()
        params: dict[str, object] = {"columns": columns, "filters": filters}
        service = CAOM_FILTERED
        if query.cone is not None:
            params["position"] = query.cone.position()
            service = CAOM_FILTERED_POSITION
        return self._service.request_for(service, params, query.pagesize, query.page, cache=query.cache)

    def _criteria(self, criteria: Mapping[str, Any]) -> Criteria:
        """Convert keywords to filters; retrieve MAST's columns before rejecting a keyword as unknown."""
        columns = self._service.columns.columns_for(CAOM_CONE, criteria)
        return mashup_criteria(criteria, columns, self._vocabulary, OBSERVATION_ARGUMENTS)

    def _vocabulary(self, column: str) -> list[str] | None:
        """Return the nonempty values of a text column; None if MAST does not list them."""
        values = self.values(Deadline.start(None)).get(column)
        return None if values is None else [value for value in values if value.strip()]

    def _columns(self, arguments: QueryArguments, order: Sequence[SortKey]) -> ColumnSelection | None:
        """Return the selected columns, None for all; retrieve MAST's columns before rejecting one as unknown."""
        also = [*(CUT_COLUMNS if arguments.place.needs_filter else ()), *(key.column for key in order)]
        names = names_of(arguments.columns)
        known = self._service.columns.columns_for(CAOM_CONE, names)
        return select_columns(names, known, positional=arguments.positional, also=also)

    def _order(self, arguments: QueryArguments) -> tuple[SortKey, ...]:
        """Return the keys by which to sort the rows."""
        keys = sort_keys(arguments.sort_by, arguments.sort_desc)
        known = self._service.columns.columns_for(CAOM_CONE, [key.column for key in keys])
        return tuple(key.spelled(known, positional=arguments.positional) for key in keys)

    # -- values of columns ---------------------------------------------------------------------------------------------

    def values(self, deadline: Deadline) -> dict[str, dict[str, int]]:
        """Return column → value → number of observations, as MAST lists them; requested at most once an hour."""
        server, now = self._service.endpoints.server, time.monotonic()
        known = KNOWN_VALUES.get(server)
        if known is None or now - known[0] > _VALUES_SECONDS:
            return self.remember(self.distribution(self.distribution_request(), deadline)[0])
        return known[1]

    def remember(self, document: Mapping[str, Any]) -> dict[str, dict[str, int]]:
        """Keep the values of a distribution for the session, and return them."""
        values = histograms(document)
        KNOWN_VALUES[self._service.endpoints.server] = time.monotonic(), values
        return values

    def distribution_request(self, cache: bool | None = None) -> MashupRequest:
        """Return the request for the distribution of the values of all columns."""
        return self._service.request_for(CAOM_VALUES, {}, None, None, format="extjs", cache=cache)

    def distribution(self, request: MashupRequest, deadline: Deadline) -> tuple[Mapping[str, Any], str | None]:
        """Return the distribution of the values of all columns, and when it was retrieved, if it is cached."""
        page = self._service.page(request, deadline).page
        if page.document is None:
            raise InvalidResponseError(f"{request.service} returned no list of values.", service=request.service)
        return page.document, page.time

    def hints(self, criteria: Criteria | None) -> list[str]:
        """Return suggestions for a query without results; an empty list if MAST does not respond."""
        if criteria is None:
            return []
        try:
            return suggestions(criteria, self.values(Deadline.start(_PATIENCE)))
        except MastError as err:
            log.debug("Could not read the list of values from MAST: %s", err)
            return []


def _in_region(query: ObservationQuery, place: Place) -> ObservationQuery:
    """Return the query for the circle around a region, with the filter for the region itself."""
    if place.coordinates is not None or place.object_name is not None:
        raise InvalidArgumentError(TWO_PLACES)
    if place.radius is not DEFAULT_RADIUS:
        raise InvalidArgumentError(f"radius={place.radius!r} cannot be combined with region. It requires a position.")
    if place.resolver is not None:
        warn_unused_resolver(place.resolver)
    kept = RegionFilter(as_region(place.region), place.overlap)
    return replace(query, cone=kept.region.cone(), region_filter=kept)


def _refuse_anywhere(arguments: QueryArguments) -> None:
    """Raise for a query that requires a position but has none."""
    if arguments.place.overlap != "footprint":
        raise InvalidArgumentError(f"overlap={arguments.place.overlap!r} requires coordinates, object_name or region.")
    if arguments.criteria is None:
        raise InvalidArgumentError(_NO_PLACE)
    arguments.require_criterion()
