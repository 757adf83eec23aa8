"""Catalog queries as values, which can be inspected before they are sent; and how their responses are read.

In: a `~astroquery_mast.query.known_catalogs.Catalog`, the parameters of a query, and the selection of rows and columns.
Out: a frozen `CatalogQuery`, to which a position can be added; the `~astroquery_mast.tables.mashup.Page` of a
response; the `~astroquery_mast.tables.columns.Columns` of a catalog.  Mashup's column lists of some catalogs have no
types; their numeric columns are then those for which MAST has histograms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from astroquery import log

from ..config import Endpoints
from ..exceptions import InvalidArgumentError, InvalidCriterionError, InvalidResponseError, MastError
from ..query.filters import Criteria
from ..query.known_catalogs import Catalog
from ..query.request import COUNT_COLUMNS, ApiRequest, CacheKey, HttpRequest, MashupRequest
from ..query.selection import Selection
from ..service.http import HttpClient
from ..service.mast_service import MashupColumns
from ..service.retrying import Deadline
from ..sky.position import Cone
from ..tables.columns import Column, Columns, columns_of, described_column, find_column, snapshot
from ..tables.mashup import Completeness, Page, declared_columns
from ..tables.rows import decoded, is_null_word

# A server that returns fewer rows in a page than requested has a limit, which is taken to be a multiple of this.
_ROUND = 100
_EXCERPT = 200
_MEAN = "panstarrs/dr2/mean"
# Columns of the TIC that are declared as text but hold integer identifiers.
_NUMBERED = frozenset({"id", "gaia", "objid"})
_NAME_AND_NUMBER = re.compile(r"^\s*[A-Za-z](?:.*\s|[A-Za-z]*)(\d+)\s*$")


@dataclass(frozen=True)
class Listing:
    """A request for one or all pages of a Catalogs.MAST table, whose responses do not give the number of pages."""

    request: ApiRequest
    known: Columns
    pagesize: int
    every_page: bool
    number: int = 1
    before: Page | None = field(default=None, compare=False, repr=False)

    row_limited = False

    @property
    def service(self) -> str:
        """The name of the table."""
        return self.request.service

    @property
    def cache(self) -> bool | None:
        """Whether the response is cached; None for the default."""
        return self.request.cache

    def payload(self) -> dict[str, object]:
        """Return the request as a dictionary."""
        return self.request.payload()

    def http_request(self, endpoints: Endpoints) -> HttpRequest:
        """Return the HTTP request."""
        return self.request.http_request(endpoints)

    def read(self, body: bytes) -> Page:
        """Read the response."""
        return read_catalogs_mast(body, self.service, self.known)

    def check(self, page: Page, completeness: Completeness) -> bool:
        """Add a page.  A page that is empty or repeats the previous one does not belong to the result."""
        if self.before is not None and not page.rows:
            return False
        if self.before is not None and page.rows == self.before.rows:
            completeness.doubt = (
                f"{self.service} returned page {self.number - 1} again as page {self.number}. There may be more rows."
            )
            return False
        completeness.add(page)
        return True

    def after(self, page: Page) -> Sequence[Listing]:
        """Return the request for the next page, if there may be one."""
        rows, size = len(page.rows), self.pagesize
        if not self.every_page:
            return ()
        if rows != size:
            if not (self.number == 1 and 0 < rows < size and rows % _ROUND == 0):
                return ()
            size = rows
        number = self.number + 1
        request = replace(self.request, params={**self.request.params, "page": number, "pagesize": size})
        return (replace(self, request=request, pagesize=size, number=number, before=page),)

    def first_page(self) -> Listing:
        """Return the request for this page only."""
        return replace(self, every_page=False)

    def cache_key(self) -> CacheKey | None:
        """Return the cache key of the response."""
        return self.request.cache_key(self.every_page)

    def at(self, cone: Cone) -> Listing:
        """Return the same request for a cone."""
        return replace(self, request=replace(self.request, params={**cone.params(), **self.request.params}))


@dataclass(frozen=True)
class CatalogQuery:
    """One query of a catalog."""

    catalog: Catalog
    request: MashupRequest | Listing
    columns_id: str
    selection: Selection
    pagesize: int
    every_page: bool = True
    limit_name: str = ""
    limit: int = 0

    def at(self, cone: Cone | None) -> CatalogQuery:
        """Return the same query for a cone."""
        if cone is None:
            raise InvalidArgumentError("coordinates must be a position, got None.")
        request = self.request
        if isinstance(request, Listing):
            return replace(self, request=request.at(cone))
        return replace(self, request=replace(request, params={**cone.params(), **request.params}))

    def payload(self) -> dict[str, object]:
        """Return the request as a dictionary."""
        return self.request.payload()

    def limited(self, rows: int) -> str | None:
        """Return a message if the row limit may have cut off rows, or None."""
        if not self.limit_name or rows < self.limit:
            return None
        return (
            f"Maximum catalog results returned: {rows} rows of {self.catalog.name}, limited by "
            f"{self.limit_name}={self.limit}. There may be more. Increase {self.limit_name}, or narrow the "
            "query."
        )


def mashup_query(
    catalog: Catalog, service: str, params: Mapping[str, Any], selection: Selection, pagesize: int
) -> CatalogQuery:
    """Build a query of a Mashup service."""
    size = pagesize if selection.pagesize is None else selection.pagesize
    request = MashupRequest(service, params, pagesize=size, page=selection.page or 1, cache=selection.cache)
    columns_id = catalog.columns_id or service
    return CatalogQuery(catalog, request, columns_id, selection, size, selection.page is None)


def cone_query(
    catalog: Catalog, version: Any, given: Mapping[str, Any], selection: Selection, pagesize: int
) -> CatalogQuery:
    """Build a query around a position, which is added later."""
    params = catalog.parameters(given)
    query = mashup_query(catalog, catalog.cone(version), params, selection, pagesize)
    return replace(query, limit_name=catalog.limit, limit=params.get(catalog.limit, 0))


def filtered_query(
    catalog: Catalog,
    criteria: Criteria,
    selection: Selection,
    pagesize: int,
    *,
    positional: bool,
    count: bool = False,
) -> CatalogQuery:
    """Build a query by criteria, or one for the number of rows, which differs only in service and columns."""
    _refuse_names_for_numbers(criteria)
    params: dict[str, Any] = {}
    if catalog.chooses:
        params["columns"] = COUNT_COLUMNS if count else ", ".join(selection.needed) or "*"
    params["filters"] = criteria.payload()
    service = catalog.filtered_service(positional=positional, count=count)
    return mashup_query(catalog, service, params, selection, pagesize)


def catalogs_mast_query(
    catalog: Catalog,
    columns_id: str,
    server: str,
    filters: Mapping[str, Any],
    selection: Selection,
    pagesize: int,
    known: Columns,
) -> CatalogQuery:
    """Build a query of Catalogs.MAST, to which a position can be added."""
    params: dict[str, Any] = dict(filters)
    if selection.columns:
        params["columns"] = list(selection.columns)
    if selection.order:
        params["sort_by"] = [str(key) for key in selection.order]
    size = selection.pagesize or pagesize
    params["pagesize"] = size
    params["page"] = selection.page or 1
    request = ApiRequest(f"Catalogs.MAST {columns_id}", f"{server}/{columns_id}.json", params, selection.cache)
    # A page size without a page limits the number of rows.
    limited = selection.page is None and selection.pagesize is not None
    every_page = selection.page is None and not limited
    listing = Listing(request, known, size, every_page)
    query = CatalogQuery(catalog, listing, columns_id, Selection(), size, every_page)
    return replace(query, limit_name="pagesize", limit=size) if limited else query


def _refuse_names_for_numbers(criteria: Criteria) -> None:
    """Raise if a name such as "TIC 261136679" is given for a text column that holds integers."""
    for name, texts in ((each.column, each.values) for each in criteria.filters):
        wrong = [text for text in texts if name.lower() in _NUMBERED and not text.strip().isdecimal()]
        if wrong:
            instead = "".join(f": write {name}={number}" for number in _NAME_AND_NUMBER.findall(wrong[0]))
            raise InvalidCriterionError(f"'{name}' is an integer column, got {wrong[0]!r}{instead}.")


def with_separation(columns: Columns, catalog: Catalog) -> Columns:
    """Return columns with the unit of the separation from the requested position, unless it has one."""
    name, unit = catalog.separation
    column = columns.get(name) or Column(name, label=name, type_name="float", continuous=True)
    if not name or column.astropy_unit is not None:
        return columns
    description = column.description or "Distance from the requested position"
    return {**columns, name: replace(column, unit=unit, description=description)}


# -- responses of Catalogs.MAST --------------------------------------------------------------------------------------


def read_catalogs_mast(body: bytes, service: str, known: Columns) -> Page:
    """Read a response with rows."""
    document = decoded(body, service)
    rows = document.get("data") if isinstance(document, Mapping) else None
    if not isinstance(rows, list):
        excerpt = " ".join(body[: 4 * _EXCERPT].decode("utf-8", "replace").split())[:_EXCERPT]
        raise InvalidResponseError(f"{service} returned no list of rows, but {excerpt}", service=service)
    info = document.get("info") or []
    page = Page(service, "COMPLETE", document={"fields": info})
    columns = answer_columns(page, {} if rows else known)
    names = list(columns) if info else _names_in(rows, service) or list(known)
    fields = tuple((name, columns[name].type_name if name in columns else "") for name in names)
    return replace(page, fields=fields, rows=_rows(rows, names, service))


def _names_in(rows: Sequence[Any], service: str) -> list[str]:
    """Return the column names in the rows, for a response that does not list its columns."""
    if rows and not isinstance(rows[0], Mapping):
        raise InvalidResponseError(f"{service} returned rows without a description of their columns.", service=service)
    return list(dict.fromkeys(name for row in rows for name in row))


def answer_columns(page: Page, known: Columns) -> dict[str, Column]:
    """Return the columns of a response, with their properties from the response and from the known columns."""
    info = page.document["fields"] if page.document else None
    return _columns(info, known, page.service) if info else dict(known)


def _columns(info: object, known: Columns, service: str) -> dict[str, Column]:
    """Return the columns that a response lists."""
    found: dict[str, Column] = {}
    for name, type_name, entry in declared_columns(info, service):
        column = find_column(name, known) or Column(name, label=name)
        # The Pan-STARRS tables share many columns, but MAST gives units for only one of the tables.
        usual = described_column(name, snapshot()[_MEAN]) or column
        description = column.description or _text(entry.get("description"))
        unit = column.unit or _text(entry.get("unit")) or usual.unit
        found.setdefault(name, replace(column, name=name, type_name=type_name, description=description, unit=unit))
    return found


def _text(value: object) -> str:
    """Return a text in the metadata; empty if it is missing."""
    return value if isinstance(value, str) and not is_null_word(value) else ""


def _rows(rows: Sequence[Any], names: Sequence[str], service: str) -> list[Mapping[str, Any]]:
    """Return the rows, which may be dictionaries or arrays, as dictionaries."""
    try:
        return [row if isinstance(row, dict) else dict(zip(names, row, strict=True)) for row in rows]
    except (TypeError, ValueError) as err:
        raise InvalidResponseError(f"{service} returned rows that do not match its columns.", service=service) from err


def read_metadata(body: bytes, service: str) -> dict[str, Column]:
    """Read the columns of a table of Catalogs.MAST."""
    document = decoded(body, service)
    config: dict[str, dict[str, str]] = {}
    for entry in document if isinstance(document, list) else []:
        name = entry.get("column_name") or entry.get("name") if isinstance(entry, Mapping) else None
        if name:
            # "type" describes the values better than the database type.
            kind = _text(entry.get("type")) or _text(entry.get("db_type"))
            texts = {"unit": _text(entry.get("unit")), "vot.description": _text(entry.get("description"))}
            config[str(name)] = {"type": kind, **texts}
    if not config:
        raise InvalidResponseError(f"{service} did not return a list of columns.", service=service)
    return columns_of(config)


def continuous_columns(document: Mapping[str, Any], service: str) -> frozenset[str]:
    """Return the numeric columns, which are filtered by ranges, in the response of a ``...All`` service."""
    try:
        found = document["data"]["Tables"][0]["ExtendedProperties"]["continuousHistogram"]
        return frozenset(str(name) for name in found)
    except (KeyError, IndexError, TypeError) as err:
        raise InvalidResponseError(f"{service} returned no histograms.", service=service) from err


# -- columns ---------------------------------------------------------------------------------------------------------


# List of columns without types → service with histograms of its numeric columns.
_HISTOGRAMS = {
    "Mast.Catalogs.Tess.Cone": "Mast.Catalogs.All.Tic",
    "Mast.Catalogs.Dd.Cone": "Mast.Catalogs.All.DiskDetective",
}


@dataclass(frozen=True)
class CatalogColumns:
    """The columns of catalogs; those of Catalogs.MAST have names such as ``panstarrs/dr2/mean``."""

    http: HttpClient
    endpoints: Endpoints

    def server(self, name: str) -> str:
        """Return the server of a catalog."""
        return self.endpoints.catalogs_server if "/" in name else self.endpoints.server

    def fetch(self, name: str, deadline: Deadline) -> Columns:
        """Request the columns of a catalog."""
        known = snapshot().get(name, {})
        if "/" in name:
            columns = self._metadata(name, deadline)
        else:
            columns = self._typed(name, MashupColumns(self.http, self.endpoints).fetch(name, deadline), known, deadline)
        # The package's own list has types and units that astropy can read.
        return {**columns, **known}

    def _metadata(self, name: str, deadline: Deadline) -> Columns:
        """Request the columns of a Catalogs.MAST table."""
        service = f"The list of columns of {name}"
        url = f"{self.endpoints.catalogs}/{name}/metadata.json"
        return self.http.request(
            "GET",
            url,
            deadline=deadline,
            service=service,
            attempts=1,
            read=lambda response: read_metadata(response.content, service),
        )

    def _typed(self, name: str, columns: Columns, known: Columns, deadline: Deadline) -> Columns:
        """Return the same columns; those without a type are marked as numeric if they have a histogram."""
        untyped = [each for each, column in columns.items() if each not in known and not column.type_name]
        service = _HISTOGRAMS.get(name)
        if service is None or not untyped:
            return columns
        try:
            page = self.http.page(MashupRequest(service, format="extjs"), deadline).page
            numbers = continuous_columns(page.document or {}, service).intersection(untyped)
        except MastError as err:
            log.debug("Could not determine the numeric columns of %s: %s", name, err)
            return columns
        return {**columns, **{each: replace(columns[each], type_name="float", continuous=True) for each in numbers}}
