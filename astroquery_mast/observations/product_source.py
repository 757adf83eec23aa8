"""The products of observations, as far as they differ from others: how they are listed, where files come from.

In: observations and products in all forms in which users may have them. Out: what the product flow needs, see
`astroquery_mast.downloads.product_flow`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from astropy.table import MaskedColumn, Table
from astroquery import log

from ..downloads.product_flow import FileSource
from ..exceptions import InvalidQueryError
from ..products.filters import filter_products, unique_products
from ..products.listing import as_obsids, as_table
from ..query.request import MashupRequest
from ..service.http import AnswerPage
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..tables.mashup import Page
from ..targets.one_table import AnswerCollector
from .cloud import ANYWHERE, CloudChoice, CloudFiles
from .search import CAOM_PRODUCTS

_RELEASE = "t_obs_release"
# The observation by which a product was found; the one that owns it may be another.
_FOUND_BY = ("parent_obsid", "obsID")


@dataclass(frozen=True)
class ObservationSource:
    """Products of observations, for one call; a `~astroquery_mast.downloads.product_flow.ProductSource`."""

    service: MastService
    cloud: CloudFiles
    choice: CloudChoice = ANYWHERE
    cache: bool | None = None
    base_url: str | None = None

    batch_size: ClassVar = 500
    key: ClassVar = "dataURI"
    product_columns: ClassVar[tuple[str, ...]] = ("dataURI",)

    def identifiers(self, given: Any) -> list[str]:
        """Return the obsids of observations."""
        return as_obsids(given)

    def pages(self, identifiers: Sequence[str], deadline: Deadline) -> Iterator[AnswerPage]:
        """Ask for the products of some observations."""
        divisible = len(identifiers) > 1
        return self.service.pages(self._request(identifiers), deadline=deadline, divisible=divisible)

    def table(self, identifiers: Sequence[str], batches: Iterable[Sequence[Page]]) -> Table:
        """Return all answers as one table."""
        blocks = AnswerCollector(self._request(identifiers), self.service.columns.get(CAOM_PRODUCTS))
        for number, pages in enumerate(batches):
            blocks.add(number, pages)
        return blocks.table()[0]

    def products_in(self, given: Any, verbose: bool) -> Table | None:
        """Return products that were given; None if it is observations."""
        table = as_table(given)
        if table is None or "dataURI" in table.colnames:
            return table
        if verbose and "obsid" in table.colnames:
            log.info("These %d rows are observations (they have no dataURI): listing all their products.", len(table))
        return None

    def annotated(self, products: Table, given: Any) -> Table:
        """Return listed products with the release dates of their observations."""
        observations = as_table(given)
        return products if observations is None else add_release_dates(products, observations)

    def filtered(self, products: Table, filters: Mapping[str, Any]) -> Table:
        """Return the products that pass all filters."""
        return filter_products(products, **filters)

    def files(self, products: Table, *, in_folders: bool) -> tuple[Table, FileSource]:
        """Return products, each file once, and where they come from."""
        del in_folders
        unique = unique_products(products)
        return unique, self._files([uri for uri in unique["dataURI"].tolist() if isinstance(uri, str) and uri.strip()])

    def file(self, uri: str) -> FileSource:
        """Return where a single file comes from."""
        if not isinstance(uri, str) or not uri.strip():
            raise InvalidQueryError(f"A dataURI is needed, such as 'mast:HST/product/x.fits', and not {uri!r}.")
        return self._files([uri])

    def _files(self, uris: Sequence[str]) -> FileSource:
        """Where files come from."""
        urls = self.cloud.urls(uris, self.choice)
        only = self.choice.cloud_only and self.cloud.is_used(self.choice)
        return FileSource(self.base_url or self.service.endpoints.download, urls, only)

    def _request(self, obsids: Sequence[str]) -> MashupRequest:
        """The request for the products of some observations."""
        return self.service.request_for(CAOM_PRODUCTS, {"obsid": ",".join(obsids)}, None, None, cache=self.cache)


def add_release_dates(products: Table, observations: Table) -> Table:
    """Return products with the release dates of their observations, from which a refusal can name the day."""
    key = next((name for name in _FOUND_BY if name in products.colnames), None)
    if key is None or _RELEASE in products.colnames or not {"obsid", _RELEASE} <= set(observations.colnames):
        return products
    obsids, dates = (np.ma.asarray(observations[name]).tolist() for name in ("obsid", _RELEASE))
    known = {str(obsid): float(date) for obsid, date in zip(obsids, dates, strict=True) if date is not None}
    found = [known.get(str(obsid), np.nan) for obsid in np.ma.asarray(products[key]).tolist()]
    dated = products.copy(copy_data=False)
    dated[_RELEASE] = MaskedColumn(found, mask=np.isnan(found), dtype=float, unit="d")
    return dated
