"""Which products there are, and which of them are wanted; a part of `ObservationsClass`.

In: observations in any form that users hold. Out: product tables. The steps are in `astroquery_mast.products`; here
they are given the archive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import requests
from astropy.table import Table
from astroquery import log

from ..config import count_setting
from ..exceptions import InvalidArgumentError
from ..products.filters import filter_products, unique_products
from ..products.listing import as_obsids, as_table, ask_in_batches
from ..service.deadline import Deadline
from ..targets.one_table import Blocks
from ..warn import warn_no_results
from .release import add_release_dates

if TYPE_CHECKING:
    from ..query.request import MashupRequest
    from ..tables.mashup import Page
    from .cloud import CloudAccess as _Client
else:
    _Client = object

__all__ = ["ObservationListing"]

_SERVICE = "Mast.Caom.Products"


class ObservationListing(_Client):
    """The products of observations; a part of `~astroquery_mast.ObservationsClass`."""

    def get_product_list(
        self,
        observations: Any,
        *,
        batch_size: int = 500,
        verbose: bool = True,
        timeout: float | None = None,
        cache: bool | None = None,
    ) -> Table:
        """Return the products of observations: every file, once for each observation that it belongs to.

        Parameters
        ----------
        observations : Table, Row, Column, str, int, or iterable of these
            Observations as a query returned them, or their obsids (not obs_ids).
        batch_size : int
            How many observations to ask for at once.  Each such question has ``conf.timeout`` seconds; one that is too
            much for the archive is asked again in halves.
        verbose : bool
            Whether to show a bar on a terminal when there are several questions.
        timeout : float, optional
            Seconds that the whole call may take; without it there is only the limit for each question.
        cache : bool, optional
            Whether answers that were kept on disk will do, and these are to be kept; ``conf.cache`` if not given.

        Returns
        -------
        `~astropy.table.Table`
            All products, in the order of the observations; sizes in bytes.

        Raises
        ------
        InvalidQueryError
            If there is no observation, or what was given is no obsid.
        RemoteServiceError
            If the archive fails, or its answer is not complete.
        TimeoutError
            If the time was not enough for all, or for a single observation.
        """
        products = self._list(observations, batch_size, verbose, timeout, cache)
        if not len(products):
            warn_no_results()
        return products

    def get_product_list_async(self, observations: Any, *, batch_size: int = 500) -> list[requests.Response]:
        """Return the responses of `get_product_list`: of every page of every batch, in order.

        Parameters
        ----------
        observations, batch_size
            As `get_product_list`.

        Returns
        -------
        list of `requests.Response`
        """

        def ask(obsids: Sequence[str]) -> list[requests.Response]:
            """Ask for the products of some observations."""
            request, divisible = self._products_request(obsids), len(obsids) > 1
            return self._service.responses(request, deadline=self._service.deadline(None), divisible=divisible)

        batches = ask_in_batches(
            as_obsids(observations), ask, batch_size=batch_size, max_workers=count_setting("max_workers"), verbose=False
        )
        return [response for responses in batches for response in responses]

    def get_unique_product_list(
        self,
        observations: Any,
        *,
        batch_size: int = 500,
        verbose: bool = True,
        timeout: float | None = None,
        cache: bool | None = None,
    ) -> Table:
        """Return the products of observations, each file once.

        Parameters
        ----------
        observations, batch_size, verbose, timeout, cache
            As `get_product_list`.

        Returns
        -------
        `~astropy.table.Table`
            The first row of each file, in the order of `get_product_list`.
        """
        products = self.get_product_list(
            observations, batch_size=batch_size, verbose=verbose, timeout=timeout, cache=cache
        )
        return self._unique(products, verbose)

    def filter_products(
        self,
        products: Table,
        *,
        mrp_only: bool = False,
        extension: str | Iterable[str] | None = None,
        **filters: Any,
    ) -> Table:
        """Return the products that pass all the filters.

        Parameters
        ----------
        products : `~astropy.table.Table`
            Products, as `get_product_list` returns them.
        mrp_only : bool
            Keep only the "Minimum Recommended Products".
        extension : str or iterable of str, optional
            Keep only files whose name ends so: ``"fits"``, ``"_uncal.fits"``; with ``!`` before it, does not.
        **filters
            Column name and what is wanted there; see `astroquery_mast.products.filters`.

        Returns
        -------
        `~astropy.table.Table`
            A new table; the rows keep their order.

        Raises
        ------
        InvalidQueryError
            If there is no such column, or the value cannot be applied to it.
        """
        table = as_table(products)
        if table is None:
            raise InvalidArgumentError(f"A table of products is needed, not a {type(products).__name__}.")
        return filter_products(table, mrp_only=mrp_only, extension=extension, **filters)

    # -- how -----------------------------------------------------------------------------------------------------

    def _products_request(self, obsids: Sequence[str], cache: bool | None = None) -> MashupRequest:
        """The question for the products of some observations."""
        return self._service.request_for(_SERVICE, {"obsid": ",".join(obsids)}, None, None, cache=cache)

    def _list(
        self,
        observations: Any,
        batch_size: int,
        verbose: bool,
        timeout: float | None = None,
        cache: bool | None = None,
    ) -> Table:
        """The products of observations, without a warning where there are none."""
        whole = None if timeout is None else self._service.deadline(timeout)

        def ask(obsids: Sequence[str]) -> list[Page]:
            """Ask for the products of some observations."""
            # With a deadline of its own, or halving the first batch that is late would come too late.
            request, divisible = self._products_request(obsids, cache), len(obsids) > 1
            exchanges = self._service.pages(request, deadline=Deadline.within(whole), divisible=divisible)
            return [exchange.page for exchange in exchanges]

        obsids = as_obsids(observations)
        blocks = Blocks(self._products_request(obsids), self._service.columns.get(_SERVICE))
        answers = ask_in_batches(
            obsids, ask, batch_size=batch_size, max_workers=count_setting("max_workers"), verbose=verbose
        )
        for place, pages in enumerate(answers):
            blocks.add(place, pages)
        return blocks.table()[0]

    def _products_of(self, given: Any, verbose: bool, timeout: float | None = None) -> Table:
        """The product table that is meant, whatever was given."""
        table = as_table(given)
        if table is not None and "dataURI" in table.colnames:
            return table
        if table is None:
            return self._list(given, 500, verbose, timeout)
        if verbose and "obsid" in table.colnames:
            log.info("These %d rows are observations (they have no dataURI): listing all their products.", len(table))
        return add_release_dates(self._list(table, 500, verbose, timeout), table)

    def _unique(self, products: Table, verbose: bool = True) -> Table:
        """Each file once, and a word about the others."""
        unique = unique_products(products)
        repeated = len(products) - len(unique)
        if repeated and verbose:
            log.info("%d of %d products are listed more than once; each is taken once.", repeated, len(products))
        return unique
