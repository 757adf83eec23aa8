"""The products of single missions, as far as they differ from others: how they are listed, where files come from.

In: datasets and products in all forms in which users may have them. Out: what the product flow needs, see
`astroquery_mast.downloads.product_flow`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from astropy.table import Table

from ..downloads.product_flow import FileSource
from ..exceptions import InvalidArgumentError, InvalidQueryError
from ..products.listing import as_table, identifiers
from ..query.request import ApiRequest
from ..service.deadline import Deadline
from ..service.http import AnswerPage
from ..service.mast_service import MastService
from ..tables.mashup import Page
from .files import MissionService, filter_mission_products, mission_files, refusal_of
from .product_list import as_subscription, products_table, read_products

__all__ = ["MissionSource", "service_of_manifest"]

# Where tables of a mission whose column is not known may have the dataset identifier.
_ELSEWHERE = ("dataset", "fileset")


@dataclass(frozen=True)
class MissionSource:
    """Products of one mission, for one call; a `~astroquery_mast.downloads.product_flow.ProductSource`."""

    service: MastService
    mission: str
    dataset_columns: Mapping[str, str]

    batch_size: ClassVar = 1000
    key: ClassVar = "filename"
    product_columns: ClassVar[tuple[str, ...]] = ("filename", "uri")

    def identifiers(self, given: Any) -> list[str]:
        """Return the identifiers of datasets."""
        found = list(dict.fromkeys(identifiers(given, self._dataset_ids, "dataset")))
        if not found:
            raise InvalidQueryError("Dataset list is empty, no associated products.")
        return found

    def pages(self, identifiers: Sequence[str], deadline: Deadline) -> list[AnswerPage]:
        """Ask for the products of some datasets."""
        return [self.service.page(self._request(identifiers), deadline)]

    def table(self, identifiers: Sequence[str], batches: Iterable[Sequence[Page]]) -> Table:
        """Return all answers as one table, in the order of the datasets."""
        pages = [page for batch in batches for page in batch]
        return products_table(self._request(identifiers), pages, identifiers)

    def products_in(self, given: Any, verbose: bool) -> Table | None:
        """Return products that were given, also in the list that MAST mails to subscribers; None if it is datasets."""
        del verbose
        table = as_table(given)
        if table is not None:
            return table if set(self.product_columns) & set(table.colnames) else None
        table = as_subscription(given)
        if table is None and (given is None or (isinstance(given, Sequence) and not len(given))):
            raise InvalidQueryError("No products specified for download.")
        return table

    def annotated(self, products: Table, given: Any) -> Table:
        """Return listed products as they are."""
        del given
        return products

    def filtered(self, products: Table, filters: Mapping[str, Any]) -> Table:
        """Return the products that pass all filters."""
        columns = {name: wanted for name, wanted in filters.items() if name != "extension"}
        return filter_mission_products(products, filters.get("extension"), columns)

    def files(self, products: Table, *, in_folders: bool) -> tuple[Table, FileSource]:
        """Return products as the plan wants them, each file once, and where they come from."""
        return mission_files(products, self.service.endpoints, self.mission, in_folders=in_folders)

    def file(self, uri: str) -> FileSource:
        """Return where a single file comes from."""
        if not isinstance(uri, str) or not uri.strip():
            raise InvalidQueryError(f"The name or URI of a file is needed, and not {uri!r}.")
        reason = refusal_of(uri, self.mission)
        if reason is not None:
            raise InvalidQueryError(reason)
        return FileSource(MissionService(self.service.endpoints, self.mission))

    def _dataset_ids(self, table: Table) -> list[object]:
        """The identifiers in a table of datasets."""
        own = self.dataset_columns.get(self.mission)
        candidates = [own] if own else [*self.dataset_columns.values()]
        by_name = {name.lower(): name for name in table.colnames}
        name = next((by_name[each.lower()] for each in (*candidates, *_ELSEWHERE) if each.lower() in by_name), None)
        if name is None:
            raise InvalidArgumentError(
                f'Dataset keyword not found for mission "{self.mission}": a table of its datasets has a column '
                f"{own or 'that is not known here'!r}, and this one has {', '.join(table.colnames)}. Give the "
                "identifiers as text, a list, or a column."
            )
        return list(np.ma.asarray(table[name]).tolist())

    def _request(self, datasets: Sequence[str]) -> ApiRequest:
        """The request for the products of datasets."""
        url = f"{self.service.endpoints.mission(self.mission)}/post_list_products"
        return ApiRequest(
            f"MAST product list ({self.mission})", url, {"dataset_ids": list(datasets)}, reader=read_products
        )


def service_of_manifest(manifest: Table, service: MastService, mission: str) -> MissionService:
    """Return where the files of a manifest come from; it has the missions, unless it was cut."""
    if not {"mission", "dataURI"} <= set(manifest.colnames):
        return MissionService(service.endpoints, mission)
    pairs = zip(*(np.ma.asarray(manifest[name]).tolist() for name in ("dataURI", "mission")), strict=True)
    return MissionService(service.endpoints, mission, {str(uri): str(own) for uri, own in pairs if uri and own})
