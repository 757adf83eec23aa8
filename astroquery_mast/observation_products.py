"""The product flow behind `ObservationsClass`: listing → filters → plan → transfer → manifest.

In: observations or products in any form that users hold. Out: product tables, files on disk and their manifest. The
steps are in `astroquery_mast.products`; here they are put together and given the archive.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import requests
from astropy.table import Table
from astroquery import log

from .config import conf
from .exceptions import InputWarning, InvalidCriterionError, InvalidQueryError, NoResultsWarning
from .products.download import LOCAL_DISK, download, local_target
from .products.filters import filter_products, unique_products
from .products.listing import as_obsids, as_table, ask_in_batches, list_products
from .products.manifest import Manifest, as_manifest
from .products.plan import Action, PlannedFile, plan, single_file
from .products.transfer import transfer
from .warn import warn_no_results

if TYPE_CHECKING:
    from .core import MastClass as _Client
    from .query.request import MashupRequest
else:
    _Client = object

__all__ = ["ObservationProducts"]

_SERVICE = "Mast.Caom.Products"
_NO_CLOUD = "`cloud_only` is True but cloud data access is not enabled: the files are fetched from MAST itself."


class ObservationProducts(_Client):
    """The files of observations; a part of `~astroquery_mast.ObservationsClass`."""

    # -- which files there are -----------------------------------------------------------------------------------

    def get_product_list(self, observations: Any, *, batch_size: int = 500, verbose: bool = True) -> Table:
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
            If the time was not enough for a single observation.
        """
        products = self._list(observations, batch_size, verbose)
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
            return self._responses(self._products_request(obsids), deadline=self._deadline(None))

        batches = ask_in_batches(
            as_obsids(observations), ask, batch_size=batch_size, max_workers=int(conf.max_workers), verbose=False
        )
        return [response for responses in batches for response in responses]

    def get_unique_product_list(self, observations: Any, *, batch_size: int = 500, verbose: bool = True) -> Table:
        """Return the products of observations, each file once.

        Parameters
        ----------
        observations, batch_size, verbose
            As `get_product_list`.

        Returns
        -------
        `~astropy.table.Table`
            The first row of each file, in the order of `get_product_list`.
        """
        return self._unique(self.get_product_list(observations, batch_size=batch_size, verbose=verbose))

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
            Keep only files whose name ends so: ``"fits"``, ``"_uncal.fits"``.
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
            raise InvalidCriterionError(f"A table of products is needed, not a {type(products).__name__}.")
        return filter_products(table, mrp_only=mrp_only, extension=extension, **filters)

    # -- the files -----------------------------------------------------------------------------------------------

    def download_file(
        self,
        uri: str,
        *,
        local_path: str | os.PathLike[str] | None = None,
        base_url: str | None = None,
        cache: bool = True,
        cloud_only: bool = False,
        force_on_prem: bool = False,
        verbose: bool = True,
    ) -> tuple[str, str | None, str | None]:
        """Fetch one file by its dataURI.

        Parameters
        ----------
        uri : str
            The dataURI, e.g. ``mast:JWST/product/jw00736-o039_t001_miri_ch1-long_x1d.fits``.
        local_path : path-like, optional
            A file or a folder; the current folder if not given.  A path that does not exist is a folder if it ends in a
            separator or has no ending.  Folders are made as needed.
        base_url : str, optional
            Address of another download service.
        cache : bool
            Keep a file that is on disk if it is as long as the archive's.
        cloud_only : bool
            Skip what has no copy in the cloud, where cloud access is enabled.
        force_on_prem : bool
            Fetch from MAST itself even where cloud access is enabled.
        verbose : bool
            Whether to show a bar on a terminal, and to log the outcome.

        Returns
        -------
        status : str
            ``COMPLETE``, ``ERROR`` or ``SKIPPED``.
        message : str or None
            What went wrong.
        url : str or None
            The address, where something went wrong.

        Raises
        ------
        InvalidQueryError
            If there is no URI, or the arguments contradict each other.
        """
        if not isinstance(uri, str) or not uri.strip():
            raise InvalidQueryError(f"A dataURI is needed, such as 'mast:HST/product/x.fits', and not {uri!r}.")
        if cloud_only and force_on_prem:
            raise InvalidQueryError("cloud_only=True and force_on_prem=True contradict each other: set one to False.")
        if cloud_only:
            warnings.warn(_NO_CLOUD, InputWarning, stacklevel=2)
        target = local_target(local_path, PurePosixPath(uri).name)
        server = base_url or self._endpoints.download
        planned = single_file(uri, target, download_url=server, cache=cache, disk=LOCAL_DISK)
        result = download([planned], self._open, verbose=verbose, pause=self._wire.pause)[0]
        return str(result.status), result.message, result.url

    def download_products(
        self,
        products: Any,
        *,
        download_dir: str | os.PathLike[str] | None = None,
        flat: bool = False,
        cache: bool = True,
        curl_flag: bool = False,
        mrp_only: bool = False,
        cloud_only: bool = False,
        verbose: bool = True,
        **filters: Any,
    ) -> Manifest | None:
        """Fetch the files of products.

        Parameters
        ----------
        products : `~astropy.table.Table`, `~astropy.table.Row`, or what `get_product_list` takes
            Products; or observations, all of whose products are taken.
        download_dir : path-like, optional
            The folder to use; the current one if not given.
        flat : bool
            Put all files into that folder, instead of ``mastDownload/<obs_collection>/<obs_id>/`` in it.  Files of the
            same name get longer names.
        cache : bool
            Keep files that are on disk: without asking the archive if they have the catalogued size, else if the
            archive's file is as long.
        curl_flag : bool
            Fetch a script that fetches the files, instead of the files.
        mrp_only : bool
            Take only the "Minimum Recommended Products".
        cloud_only : bool
            Skip what has no copy in the cloud, where cloud access is enabled.
        verbose : bool
            Whether to show a bar on a terminal, and to log the outcome.
        **filters
            As `filter_products`, ``extension`` among them.

        Returns
        -------
        Manifest or None
            One row for each file; None, with a warning, if no product is left.

        Raises
        ------
        InvalidQueryError
            If the filters cannot be applied, or what was given is neither products nor observations.
        """
        table = self.filter_products(self._products_of(products, verbose), mrp_only=mrp_only, **filters)
        table = self._unique(table)
        if not len(table):
            warnings.warn("No products to download.", NoResultsWarning, stacklevel=2)
            return None
        if cloud_only:
            warnings.warn(_NO_CLOUD, InputWarning, stacklevel=2)
        folder = Path(download_dir or ".")
        if curl_flag:
            if flat:
                warnings.warn("flat=True has no effect on a curl script.", InputWarning, stacklevel=2)
            return self._fetch_script(table, folder)
        planned = plan(
            table,
            base_dir=folder if flat else folder / "mastDownload",
            download_url=self._endpoints.download,
            disk=LOCAL_DISK,
            flat=flat,
            cache=cache,
        )
        return as_manifest(download(planned, self._open, verbose=verbose, pause=self._wire.pause))

    # -- how -----------------------------------------------------------------------------------------------------

    def _products_request(self, obsids: Sequence[str]) -> MashupRequest:
        """The question for the products of some observations."""
        return self._request_for(_SERVICE, {"obsid": ",".join(obsids)}, None, None)

    def _list(self, observations: Any, batch_size: int, verbose: bool) -> Table:
        """The products of observations, without a warning where there are none."""

        def fetch(obsids: Sequence[str]) -> Table:
            # Each batch has a deadline of its own, or halving the first one that is late would come too late.
            return self._collect(self._products_request(obsids), deadline=self._deadline(None))

        return list_products(
            as_obsids(observations), fetch, batch_size=batch_size, max_workers=int(conf.max_workers), verbose=verbose
        )

    def _products_of(self, given: Any, verbose: bool) -> Table:
        """The product table that is meant, whatever was given."""
        table = as_table(given)
        if table is not None and "dataURI" in table.colnames:
            return table
        if table is not None:
            log.info("These %d rows are observations (they have no dataURI): listing all their products.", len(table))
        return self._list(given if table is None else table, 500, verbose)

    def _unique(self, products: Table) -> Table:
        """Each file once, and a word about the others."""
        unique = unique_products(products)
        repeated = len(products) - len(unique)
        if repeated:
            log.info("%d of %d products are listed more than once; each is taken once.", repeated, len(products))
        return unique

    def _open(self, url: str, headers: Mapping[str, str], method: str = "GET", data: Any = None) -> requests.Response:
        """Open an address, its body unread."""
        deadline = self._deadline(None)
        return self._wire.request(
            method, url, data=data, headers=headers, deadline=deadline, service="MAST download", stream=True
        )

    def _fetch_script(self, products: Table, folder: Path) -> Manifest:
        """Fetch the script that fetches the files."""
        address = f"{self._endpoints.bundle}.sh"
        pairs = [("uri", uri) for uri in products["dataURI"].tolist() if isinstance(uri, str) and uri.strip()]

        def post(url: str, headers: Mapping[str, str]) -> requests.Response:
            return self._open(url, headers, "POST", pairs)

        planned = PlannedFile(
            index=0,
            uri=None,
            data_url=address,
            url=address,
            local_path=_script_path(folder),
            size=None,
            action=Action.FETCH if pairs else Action.REFUSE,
            reason="the script for these products" if pairs else "no product has a dataURI",
        )
        return as_manifest([transfer(planned, post, pause=self._wire.pause)])


def _script_path(folder: Path) -> Path:
    """A name for a script that is not taken yet: two calls may fall into one second."""
    stem = f"mastDownload_{time.strftime('%Y%m%d%H%M%S')}"
    path, number = folder / f"{stem}.sh", 0
    while path.exists():
        number += 1
        path = folder / f"{stem}_{number}.sh"
    return path
