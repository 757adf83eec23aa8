"""Questions to catalogues, as values: built and looked at before anything is sent.

In: a `~astroquery_mast.query.known_catalogs.Catalog`, what is asked of it, and what of the answer is wanted.  Out: a
frozen `CatalogQuestion`, which a position can be put into.  Catalogues flow, third step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..exceptions import InvalidArgumentError
from ..query.filters import Criteria
from ..query.known_catalogs import Catalog
from ..query.request import COUNT_COLUMNS, ApiRequest, MashupRequest
from ..query.selection import Selection
from ..sky.position import Cone
from ..tables.columns import Column, Columns

__all__ = [
    "CatalogQuestion",
    "catalogs_mast_question",
    "cone_question",
    "filtered_question",
    "plain_question",
    "with_separation",
]


@dataclass(frozen=True)
class CatalogQuestion:
    """One question to a catalogue."""

    catalog: Catalog
    request: MashupRequest | ApiRequest
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
        return replace(self, request=replace(self.request, params={**cone.params(), **self.request.params}))

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
    catalog: Catalog, columns_id: str, server: str, filters: Mapping[str, Any], selection: Selection, pagesize: int
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
    question = CatalogQuestion(catalog, request, columns_id, Selection(), size, selection.page is None)
    if selection.page is None and selection.pagesize is not None:
        return replace(question, every_page=False, limit_name="pagesize", limit=selection.pagesize)
    return question


def with_separation(columns: Columns, catalog: Catalog) -> Columns:
    """Return columns with the unit of the separation from the position asked for, unless they have one."""
    name, unit = catalog.separation
    column = columns.get(name) or Column(name, label=name, type_name="float", continuous=True)
    if not name or column.astropy_unit is not None:
        return columns
    description = column.description or "Distance from the position asked for"
    return {**columns, name: replace(column, unit=unit, description=description)}
