"""Questions to catalogs, as values: built and looked at before anything is sent.

In: a `~astroquery_mast.query.known_catalogs.Catalog`, what is asked of it, and what of the answer is wanted.  Out: a
frozen `CatalogQuestion`, which a position can be put into.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..config import Endpoints
from ..exceptions import InvalidArgumentError
from ..query.filters import Criteria
from ..query.known_catalogs import Catalog
from ..query.request import COUNT_COLUMNS, ApiRequest, CacheKey, HttpRequest, MashupRequest
from ..query.selection import Selection
from ..sky.position import Cone
from ..tables.columns import Column, Columns
from ..tables.mashup import Completeness, Page
from .answer import read_catalogs_mast

# A server's own limit on the rows of a page, below the size that was asked for, is a round number.
_ROUND = 100


@dataclass(frozen=True)
class Listing:
    """A question to a table of Catalogs.MAST, which does not say how many pages there are, about all or one of them."""

    request: ApiRequest
    known: Columns
    pagesize: int
    every_page: bool
    number: int = 1
    before: Page | None = field(default=None, compare=False, repr=False)

    row_limited = False

    @property
    def service(self) -> str:
        """The table."""
        return self.request.service

    @property
    def cache(self) -> bool | None:
        """Whether the answer is kept."""
        return self.request.cache

    def payload(self) -> dict[str, object]:
        """Return what is asked as a dictionary."""
        return self.request.payload()

    def http_request(self, endpoints: Endpoints) -> HttpRequest:
        """Return what is sent."""
        return self.request.http_request(endpoints)

    def read(self, body: bytes) -> Page:
        """Read an answer."""
        return read_catalogs_mast(body, self.service, self.known)

    def check(self, page: Page, completeness: Completeness) -> bool:
        """Add a page; one without rows, or with those of the page before once more, is not one of the answer."""
        if self.before is not None and not page.rows:
            return False
        if self.before is not None and page.rows == self.before.rows:
            completeness.doubt = (
                f"{self.service} sent page {self.number - 1} once more as page {self.number}: there may be more rows."
            )
            return False
        completeness.add(page)
        return True

    def after(self, page: Page) -> Sequence[Listing]:
        """Return the question for the next page, if there may be one."""
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
        """Return the question for this page only."""
        return replace(self, every_page=False)

    def cache_key(self) -> CacheKey | None:
        """Return the key of the answer."""
        return self.request.cache_key(self.every_page)

    def at(self, cone: Cone) -> Listing:
        """Return the same question about what is around a position."""
        return replace(self, request=replace(self.request, params={**cone.params(), **self.request.params}))


@dataclass(frozen=True)
class CatalogQuestion:
    """One question to a catalog."""

    catalog: Catalog
    request: MashupRequest | Listing
    columns_id: str
    selection: Selection
    pagesize: int
    every_page: bool = True
    limit_name: str = ""
    limit: int = 0

    def at(self, cone: Cone | None) -> CatalogQuestion:
        """Return the same question about what is around a position."""
        if cone is None:
            raise InvalidArgumentError("coordinates=None: a position is needed.")
        request = self.request
        if isinstance(request, Listing):
            return replace(self, request=request.at(cone))
        return replace(self, request=replace(request, params={**cone.params(), **request.params}))

    def payload(self) -> dict[str, object]:
        """Return what is sent, as a dictionary."""
        return self.request.payload()

    def limited(self, rows: int) -> str | None:
        """Return a sentence for the reader if the row limit has cut the answer short, as far as can be told."""
        if not self.limit_name or rows < self.limit:
            return None
        return (
            f"{self.catalog.name} returned {rows} rows, as many as {self.limit_name}={self.limit} lets through: "
            f"there may be more. Raise {self.limit_name}, or ask for less."
        )


def plain_question(
    catalog: Catalog, service: str, params: Mapping[str, Any], selection: Selection, pagesize: int
) -> CatalogQuestion:
    """Return a question to a Mashup service."""
    size = pagesize if selection.pagesize is None else selection.pagesize
    request = MashupRequest(service, params, pagesize=size, page=selection.page or 1, cache=selection.cache)
    columns_id = catalog.columns_id or service
    return CatalogQuestion(catalog, request, columns_id, selection, size, selection.page is None)


def cone_question(
    catalog: Catalog, version: Any, given: Mapping[str, Any], selection: Selection, pagesize: int
) -> CatalogQuestion:
    """Return a question about what is around a position, which is still to be put in."""
    params = catalog.parameters(given)
    question = plain_question(catalog, catalog.cone(version), params, selection, pagesize)
    return replace(question, limit_name=catalog.limit, limit=params.get(catalog.limit, 0))


def filtered_question(
    catalog: Catalog,
    criteria: Criteria,
    selection: Selection,
    pagesize: int,
    *,
    positional: bool,
    count: bool = False,
) -> CatalogQuestion:
    """Return a question by criteria, or how many rows meet them: the same but for service and columns."""
    params: dict[str, Any] = {}
    if catalog.chooses:
        params["columns"] = COUNT_COLUMNS if count else ", ".join(selection.needed) or "*"
    params["filters"] = criteria.payload()
    service = catalog.filtered_service(positional=positional, count=count)
    return plain_question(catalog, service, params, selection, pagesize)


def catalogs_mast_question(
    catalog: Catalog,
    columns_id: str,
    server: str,
    filters: Mapping[str, Any],
    selection: Selection,
    pagesize: int,
    known: Columns,
) -> CatalogQuestion:
    """Return a question to Catalogs.MAST, into which a position may be put."""
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
    question = CatalogQuestion(catalog, listing, columns_id, Selection(), size, every_page)
    return replace(question, limit_name="pagesize", limit=size) if limited else question


def with_separation(columns: Columns, catalog: Catalog) -> Columns:
    """Return columns with the unit of the separation from the position asked for, unless they have one."""
    name, unit = catalog.separation
    column = columns.get(name) or Column(name, label=name, type_name="float", continuous=True)
    if not name or column.astropy_unit is not None:
        return columns
    description = column.description or "Distance from the position asked for"
    return {**columns, name: replace(column, unit=unit, description=description)}
