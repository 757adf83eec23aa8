"""The methods of `ObservationsClass` for products: list, filter, download, find in the cloud, and read remotely.

In: observations or products in any form that users pass.  Out: product tables, plans, files on disk and their manifest;
addresses in the cloud, and files that are read without downloading them.  `astroquery_mast.downloads.product_flow` and
`astroquery_mast.observations.product_source` do the work.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Executor
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import requests
from astropy import units as u
from astropy.io import fits
from astropy.table import Row, Table

from ..config import ProcessState
from ..deferred import deferred
from ..downloads.methods import BLOCK_SIZE, DownloadMethods
from ..exceptions import InputWarning, InvalidArgumentError
from ..service.core import MastClass
from ..sky.radii import DETECTION_RADIUS

if TYPE_CHECKING:
    from .. import warn
    from ..downloads.product_files import ProductFiles
    from ..downloads.product_flow import Downloads, ProductFlow
    from ..products.file_names import PathTemplate
    from ..products.manifest import Manifest
    from ..query.types import AngleLike, CriterionLike, ObservationsLike, PositionsLike, ProductLike, ProductsLike
    from ..service import parallel
    from .product_source import CloudChoice, CloudFiles
else:
    parallel, warn = deferred(__package__, "..service.parallel ..warn")

_NO_FILTERS: Mapping[str, Any] = MappingProxyType({})


class ObservationProductMethods(MastClass):
    """Methods of `~astroquery_mast.ObservationsClass` for products.

    The cloud is used only on request: by downloads after a call of `enable_cloud_dataset`, and by the methods for cloud
    addresses.  It requires neither an account nor another package.
    """

    verify_downloads = DownloadMethods.verify_downloads
    retry_downloads = DownloadMethods.retry_downloads
    get_headers = DownloadMethods.get_headers

    query_criteria: Callable[..., Any]

    def get_product_list(
        self,
        observations: ObservationsLike,
        *,
        batch_size: int = 500,
        verbose: bool = True,
        timeout: float | u.Quantity | None = None,
        cache: bool | None = None,
    ) -> Table:
        """Return the products (files) of observations.

        A file that belongs to several of the observations is listed once for each.

        Parameters
        ----------
        observations : `~astropy.table.Table`, `~astropy.table.Row`, `~astropy.table.Column`, str, int, or iterable of
        these
            Observations as returned by a query, or their obsids (not obs_ids).
        batch_size : int, default 500
            The number of observations in a request.  A request that is too large for MAST is split in half.
        verbose : bool, default True
            Whether to show a progress bar on a terminal if there are several requests.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the whole call may take, in seconds if it has no unit.  By default, only each request is
            limited, to ``conf.timeout``.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each product, in the order of the observations; ``size`` is in bytes.  Files that describe a
            collection of high-level science products (README) come before its data.

        Raises
        ------
        InvalidQueryError
            If no observation is given, or an identifier is not an obsid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``, or a request longer than ``conf.timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If nothing is found.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> observations = Observations.query_criteria(proposal_id=10452, obs_id="j97c01010")
        >>> products = Observations.get_product_list(observations, verbose=False)
        >>> print(products["productFilename", "productType", "size"][:2])
         productFilename   productType  size
        ------------------ ----------- ------
        j97c01010_drz.fits SCIENCE     1.0 MB
        j97c01010_drc.fits SCIENCE     1.0 MB
        2 rows x 3 columns
        """
        flow = self._product_flow(cache=cache)
        return flow.product_list(observations, batch_size=batch_size, verbose=verbose, timeout=timeout)

    def get_product_list_async(
        self, observations: ObservationsLike, *, batch_size: int = 500
    ) -> list[requests.Response]:
        """Return the HTTP responses of `get_product_list`.

        Parameters
        ----------
        observations : `~astropy.table.Table`, `~astropy.table.Row`, `~astropy.table.Column`, str, int, or iterable of
        these
            Observations as returned by a query, or their obsids (not obs_ids).
        batch_size : int, default 500
            The number of observations in a request.  A request that is too large for MAST is split in half.

        Returns
        -------
        list of `requests.Response`
            One response for each page of each request, in order.

        Raises
        ------
        InvalidQueryError
            If no observation is given, or an identifier is not an obsid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``conf.timeout``.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> observations = Observations.query_criteria(proposal_id=10452, obs_id="j97c01010")
        >>> responses = Observations.get_product_list_async(observations)
        >>> [response.status_code for response in responses]
        [200]
        """
        return self._product_flow().responses(observations, batch_size)

    def get_unique_product_list(
        self,
        observations: ObservationsLike,
        *,
        batch_size: int = 500,
        verbose: bool = True,
        timeout: float | u.Quantity | None = None,
        cache: bool | None = None,
    ) -> Table:
        """Return the products (files) of observations, each file once.

        Parameters
        ----------
        observations : `~astropy.table.Table`, `~astropy.table.Row`, `~astropy.table.Column`, str, int, or iterable of
        these
            Observations as returned by a query, or their obsids (not obs_ids).
        batch_size : int, default 500
            The number of observations in a request.  A request that is too large for MAST is split in half.
        verbose : bool, default True
            Whether to show a progress bar on a terminal if there are several requests.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the whole call may take, in seconds if it has no unit.  By default, only each request is
            limited, to ``conf.timeout``.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each file: its first row in `get_product_list`, in the same order; ``size`` is in bytes.

        Raises
        ------
        InvalidQueryError
            If no observation is given, or an identifier is not an obsid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``, or a request longer than ``conf.timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If nothing is found.

        Examples
        --------
        The products of an association include the files of its exposures.

        >>> from astroquery_mast import Observations
        >>> observations = Observations.query_criteria(obs_id=["j97c01010", "j97c01aaq"])
        >>> len(Observations.get_product_list(observations, verbose=False))
        48
        >>> len(Observations.get_unique_product_list(observations, verbose=False))
        40
        """
        flow = self._product_flow(cache=cache)
        return flow.unique_product_list(observations, batch_size=batch_size, verbose=verbose, timeout=timeout)

    def filter_products(
        self,
        products: Table,
        *,
        mrp_only: bool = False,
        extension: str | Iterable[str] | None = None,
        **filters: CriterionLike,
    ) -> Table:
        """Return the products that match all filters.

        Parameters
        ----------
        products : `~astropy.table.Table`
            Products, as returned by `get_product_list`.
        mrp_only : bool, default False
            Whether to select only the Minimum Recommended Products.
        extension : str or iterable of str, optional
            The end of the file name, such as ``"fits"`` or ``"_uncal.fits"``; ``!`` before it excludes such files.
        **filters : str, number, or list
            Filters: the name of a column and the value to select, a list of alternatives, or a range; see
            `astroquery_mast.products.filters`.

        Returns
        -------
        `~astropy.table.Table`
            A new table with the matching rows, in the same order.

        Raises
        ------
        InvalidQueryError
            If a column does not exist, or a value is not valid for it.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If nothing is found.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> observations = Observations.query_criteria(proposal_id=10452, obs_id="j97c01010")
        >>> products = Observations.get_product_list(observations, verbose=False)
        >>> drizzled = Observations.filter_products(
        ...     products, productSubGroupDescription="DRZ", extension="fits"
        ... )
        >>> print(drizzled["productFilename", "size"])
         productFilename    size
        ------------------ ------
        j97c01010_drz.fits 1.0 MB
        1 row x 2 columns
        """
        return self._product_flow().filter_products(products, {"mrp_only": mrp_only, "extension": extension, **filters})

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
        overwrite: str | None = None,
    ) -> tuple[str, str | None, str | None]:
        """Download one file by its dataURI or its address.

        Parameters
        ----------
        uri : str
            The dataURI, such as ``mast:JWST/product/jw00736-o039_t001_miri_ch1-long_x1d.fits``, or an address returned
            by `get_product_urls`, by `get_cloud_uris` or in a plan (``dry_run=True``).
        local_path : path-like, optional
            The file or folder to write to.  Defaults to the current folder.  A path that does not exist is a folder if
            it ends in a separator or has no extension.  Folders are created as needed.  An address such as
            ``s3://bucket/x.fits`` is an object store; see `astroquery_mast.downloads.store`.
        base_url : str, optional
            The address of another download service.
        cache : bool, default True
            Whether to keep a file that is on disk if the file at MAST has the same size.
        cloud_only : bool, default False
            Whether to skip files that have no copy in the cloud, after `enable_cloud_dataset`.
        force_on_prem : bool, default False
            Whether to download from MAST even after `enable_cloud_dataset`.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
        overwrite : {"never", "if-changed", "always"}, optional
            How to handle files that are on disk.  ``"never"`` keeps them without a request; ``"if-changed"`` checks
            each, and downloads it if it has another size or is older than the file at MAST; ``"always"`` downloads it
            again, like ``cache=False``.  By default, ``cache`` decides.

        Returns
        -------
        status : str
            ``"COMPLETE"``, ``"ERROR"`` or ``"SKIPPED"``.
        message : str or None
            The reason of a failure.
        url : str or None
            The address of a file that failed.

        Raises
        ------
        InvalidQueryError
            If ``uri`` is neither a dataURI nor an address, or arguments contradict each other.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If the file is skipped because the cloud does not have it.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> status, message, url = Observations.download_file(
        ...     "mast:HST/product/j97c01010_drc.fits", verbose=False
        ... )
        >>> status
        'COMPLETE'
        """
        from .product_source import CloudChoice  # noqa: PLC0415 - queries need nothing of downloads

        flow = self._product_flow(choice=CloudChoice(cloud_only, force_on_prem), base_url=base_url)
        return flow.download_file(uri, local_path=local_path, cache=cache, overwrite=overwrite, verbose=verbose)

    def download_products(
        self,
        products: ProductsLike,
        *,
        download_dir: str | os.PathLike[str] | None = None,
        flat: bool = False,
        cache: bool = True,
        curl_flag: bool = False,
        mrp_only: bool = False,
        cloud_only: bool = False,
        verbose: bool = True,
        dry_run: bool = False,
        path_template: PathTemplate | None = None,
        overwrite: str | None = None,
        bundle: str | None = None,
        force_on_prem: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        timeout: float | u.Quantity | None = None,
        on_error: str = "warn",
        **filters: CriterionLike,
    ) -> Manifest | Table | None:
        """Download the files of products.

        Parameters
        ----------
        products : `~astropy.table.Table`, `~astropy.table.Row`, str, or iterable of these
            Products, or dataURIs; or observations or obsids, all of whose products are used.
        download_dir : path-like, optional
            The folder to download to; ``~`` is expanded.  Defaults to the current folder.  An address such as
            ``s3://bucket/prefix`` is an object store; see `astroquery_mast.downloads.store`.
        flat : bool, default False
            Whether to write all files directly to that folder, instead of to
            ``mastDownload/<obs_collection>/<obs_id>/`` in it.  Files with the same name are given longer names.
        cache : bool, default True
            Whether to keep files that are on disk: without a request if the size is that of the catalog, otherwise if
            the file at MAST has the same size.  With False, all files are downloaded again.
        curl_flag : bool, default False
            Whether to download a shell script that downloads the files, instead of the files.  The script reads the
            token from the environment variable ``MAST_API_TOKEN`` when it runs; it does not contain the token.
        mrp_only : bool, default False
            Whether to select only the Minimum Recommended Products.
        cloud_only : bool, default False
            Whether to skip files that have no copy in the cloud, after `enable_cloud_dataset`.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
        dry_run : bool, default False
            Whether to return the plan of the download without downloading anything.
        path_template : str or callable, optional
            Where to write files in the download folder: a template with columns of the products, such as
            ``"{obs_collection}/{proposal_id}/{productFilename}"``, or a function that takes a row and returns a
            relative path; see `astroquery_mast.products.file_names`.
        overwrite : {"never", "if-changed", "always"}, optional
            How to handle files that are on disk.  ``"never"`` keeps them without a request; ``"if-changed"`` checks
            each, and downloads it if it has another size or is older than the file at MAST; ``"always"`` downloads it
            again, like ``cache=False``.  By default, ``cache`` decides.
        bundle : {"zip", "tar.gz"}, optional
            Download one file of this format that contains all files.
        force_on_prem : bool, default False
            Whether to download from MAST even after `enable_cloud_dataset`.
        max_workers : int, optional
            The number of files to download at a time.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that downloads, such as a process pool or the workers of a cluster, which must see the download
            folder.  The token is not sent to them: they read it from their environment.  By default, threads of this
            process download.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the whole call may take, in seconds if it has no unit.  Files that have not arrived by then
            are errors in the manifest.  By default, the time is not limited.
        on_error : {"warn", "raise", "ignore"}, default "warn"
            How to report failed downloads: log a warning, raise an error after all other files were downloaded, or do
            nothing.  Failed files are in the manifest in any case.
        **filters : str, number, or list
            Filters for products, as the name of a column and the value to select, a list of alternatives, or a range;
            ``extension`` selects by the end of the file name.  See `astroquery_mast.products.filters`.

        Returns
        -------
        `~astroquery_mast.products.manifest.Manifest`, `~astropy.table.Table` or None
            The manifest, with one row for each file; or None if no product is left.  With ``dry_run``, the plan:
            ``Local Path``, ``URL`` (percent-encoded), ``Cloud URL`` (after `enable_cloud_dataset`), ``Size`` (bytes),
            ``Action``, ``Reason``, ``Rights`` and ``Accessible``, which is False for exclusive files without a login or
            with a token that does not allow access to them, and masked if only MAST knows.  ``meta`` of the plan has
            ``files``, the number of files to request; ``total_bytes`` to download; ``unknown_sizes``, the number of
            files of unknown size; ``exclusive``, the number of exclusive files; and ``free_bytes`` on the disk (None
            for an object store).

        Raises
        ------
        InvalidQueryError
            If a filter or another argument is not valid, or ``products`` contains neither products nor observations.
        DownloadError
            With ``on_error="raise"``, if a file failed; its attribute ``manifest`` has all rows.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If no product is left, or a file is skipped because the cloud does not have it.
        `~astroquery.exceptions.AuthenticationWarning`
            If exclusive files are requested and the token in the environment is not accepted.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> manifest = Observations.download_products(
        ...     "mast:HST/product/j97c01010_drc.fits", verbose=False
        ... )
        >>> manifest["Local Path", "Status"].pprint()
                          Local Path                   Status
        --------------------------------------------- --------
        mastDownload/HST/j97c01010/j97c01010_drc.fits COMPLETE
        """
        from ..downloads.download import DownloadRequest  # noqa: PLC0415 - queries need nothing of downloads
        from .product_source import CloudChoice  # noqa: PLC0415

        choice, kind = CloudChoice(cloud_only, force_on_prem), None
        if curl_flag or bundle is not None:
            from ..products.bundle import kind_of_bundle  # noqa: PLC0415 - few downloads need it

            kind = kind_of_bundle(curl_flag, bundle, path_template, flat)
            # MAST makes the bundle or script itself.
            choice = CloudChoice(force_on_prem=True)
        flow = self._product_flow(choice=choice)
        request = DownloadRequest(download_dir, flat, path_template, cache, overwrite, dry_run, kind)
        options = parallel.RunOptions(verbose, max_workers, executor, timeout, on_error)
        filters = {"mrp_only": mrp_only, **filters} if mrp_only else filters
        return flow.download_products(products, request, options, filters)

    def download_products_iter(
        self,
        products: ProductsLike,
        *,
        download_dir: str | os.PathLike[str] | None = None,
        flat: bool = False,
        cache: bool = True,
        mrp_only: bool = False,
        cloud_only: bool = False,
        verbose: bool = True,
        path_template: PathTemplate | None = None,
        overwrite: str | None = None,
        force_on_prem: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        timeout: float | u.Quantity | None = None,
        on_error: str = "warn",
        **filters: CriterionLike,
    ) -> Generator[Row]:
        """Download the files of products, and return an iterator with the row of the manifest of each file.

        Each row is returned as soon as its file has arrived, while the next files are downloaded.  Leaving the loop, or
        closing the iterator, stops the download; interrupted transfers can be resumed.

        Parameters
        ----------
        products : `~astropy.table.Table`, `~astropy.table.Row`, str, or iterable of these
            Products, or dataURIs; or observations or obsids, all of whose products are used.
        download_dir : path-like, optional
            The folder to download to; ``~`` is expanded.  Defaults to the current folder.  An address such as
            ``s3://bucket/prefix`` is an object store; see `astroquery_mast.downloads.store`.
        flat : bool, default False
            Whether to write all files directly to that folder, instead of to
            ``mastDownload/<obs_collection>/<obs_id>/`` in it.  Files with the same name are given longer names.
        cache : bool, default True
            Whether to keep files that are on disk: without a request if the size is that of the catalog, otherwise if
            the file at MAST has the same size.  With False, all files are downloaded again.
        mrp_only : bool, default False
            Whether to select only the Minimum Recommended Products.
        cloud_only : bool, default False
            Whether to skip files that have no copy in the cloud, after `enable_cloud_dataset`.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
        path_template : str or callable, optional
            Where to write files in the download folder: a template with columns of the products, such as
            ``"{obs_collection}/{proposal_id}/{productFilename}"``, or a function that takes a row and returns a
            relative path; see `astroquery_mast.products.file_names`.
        overwrite : {"never", "if-changed", "always"}, optional
            How to handle files that are on disk.  ``"never"`` keeps them without a request; ``"if-changed"`` checks
            each, and downloads it if it has another size or is older than the file at MAST; ``"always"`` downloads it
            again, like ``cache=False``.  By default, ``cache`` decides.
        force_on_prem : bool, default False
            Whether to download from MAST even after `enable_cloud_dataset`.
        max_workers : int, optional
            The number of files to download at a time.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that downloads, such as a process pool or the workers of a cluster, which must see the download
            folder.  The token is not sent to them: they read it from their environment.  By default, threads of this
            process download.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the whole call may take, in seconds if it has no unit.  Files that have not arrived by then
            are errors in the manifest.  By default, the time is not limited.
        on_error : {"warn", "raise", "ignore"}, default "warn"
            How to report failed downloads: log a warning, raise an error after all other files were downloaded, or do
            nothing.  Failed files are in the manifest in any case.
        **filters : str, number, or list
            Filters for products, as the name of a column and the value to select, a list of alternatives, or a range;
            ``extension`` selects by the end of the file name.  See `astroquery_mast.products.filters`.

        Returns
        -------
        generator of `~astropy.table.Row`
            Rows of a manifest, in the order in which the files arrive or fail.  The first four columns are the absolute
            local path, the status, the message and the address.  `read_product` opens the file of a row.

        Raises
        ------
        InvalidQueryError
            If a filter or another argument is not valid; raised by the call, before the iteration.
        DownloadError
            With ``on_error="raise"``, after the last row, if a file failed; its attribute ``manifest`` has all rows.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> for row in Observations.download_products_iter(
        ...     "mast:HST/product/j97c01010_drc.fits", verbose=False
        ... ):
        ...     print(row["Status"], row["Size"])
        COMPLETE 1025280
        """
        from ..downloads.download import DownloadRequest  # noqa: PLC0415 - queries need nothing of downloads
        from .product_source import CloudChoice  # noqa: PLC0415

        flow = self._product_flow(choice=CloudChoice(cloud_only, force_on_prem))
        request = DownloadRequest(download_dir, flat, path_template, cache, overwrite)
        options = parallel.RunOptions(verbose, max_workers, executor, timeout, on_error)
        return flow.download_products_iter(products, request, options, {"mrp_only": mrp_only, **filters})

    def get_product_urls(
        self,
        products: ProductsLike,
        *,
        mrp_only: bool = False,
        cloud_only: bool = False,
        include_bucket: bool = True,
        full_url: bool = False,
        verbose: bool = True,
        **filters: CriterionLike,
    ) -> list[str]:
        """Return the addresses of products, without downloading them.

        `download_file`, `open_product` and `read_product` take each of these addresses.

        Parameters
        ----------
        products : `~astropy.table.Table`, `~astropy.table.Row`, str, or iterable of these
            Products, or dataURIs; or observations or obsids, all of whose products are used.
        mrp_only : bool, default False
            Whether to select only the Minimum Recommended Products.
        cloud_only : bool, default False
            Whether to leave out files that have no public copy in the cloud, after `enable_cloud_dataset`.
        include_bucket : bool, default True
            Whether cloud addresses include the bucket, ``s3://<bucket>/<key>``; otherwise they are the key alone.
        full_url : bool, default False
            Whether cloud addresses use https; requires ``include_bucket=False``, as in ``astroquery.mast``.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
        **filters : str, number, or list
            Filters for products, as the name of a column and the value to select, a list of alternatives, or a range;
            ``extension`` selects by the end of the file name.  See `astroquery_mast.products.filters`.

        Returns
        -------
        list of str
            One address for each file, in the order of the products: after `enable_cloud_dataset`, the address in the
            cloud if there is a public copy; otherwise the percent-encoded https address at MAST. Products without an
            address are left out, with a warning.

        Raises
        ------
        InvalidQueryError
            If a filter or another argument is not valid, or ``products`` contains neither products nor observations.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If no product is left.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> urls = Observations.get_product_urls(
        ...     "mast:HST/product/j97c01010_drc.fits", verbose=False
        ... )
        >>> urls
        ['.../api/v0.1/Download/file?uri=mast:HST/product/j97c01010_drc.fits']
        """
        from .product_source import AddressForm, CloudChoice  # noqa: PLC0415 - queries need nothing of downloads

        form = AddressForm(include_bucket, full_url, check=False)
        flow = self._product_flow(choice=CloudChoice(cloud_only))
        in_cloud = self._cloud.addressed(form)
        return flow.product_urls(products, {"mrp_only": mrp_only, **filters}, verbose=verbose, in_cloud=in_cloud)

    # -- the cloud, and reading over the network ----------------------------------------------------------------------

    def enable_cloud_dataset(self, provider: str = "AWS", profile: str | None = None, verbose: bool = True) -> None:
        """Download from the public cloud copy of a file if there is one.

        A file that the cloud does not have, or that fails to download from there, is downloaded from MAST, unless
        ``cloud_only`` is set.  Without this call, downloads do not use the cloud, regardless of
        ``conf.enable_cloud_dataset``, which exists for compatibility with ``astroquery.mast``.

        Parameters
        ----------
        provider : str, default "AWS"
            The cloud provider; only ``"AWS"`` is available.
        profile : str, optional
            Not used: the public data do not require an account.
        verbose : bool, default True
            Whether to log that the cloud is used.

        Warns
        -----
        `~astroquery.exceptions.InputWarning`
            If ``provider`` is not ``"AWS"``; AWS is used.
        `~astropy.utils.exceptions.AstropyDeprecationWarning`
            If ``profile`` is given.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.enable_cloud_dataset(verbose=False)
        >>> Observations.disable_cloud_dataset()
        """
        self._cloud.enable(provider, profile, verbose=verbose)

    def disable_cloud_dataset(self) -> None:
        """Download from MAST itself again, after `enable_cloud_dataset`.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.disable_cloud_dataset()
        """
        self._cloud.enabled = False

    def list_cloud_datasets(self) -> list[str]:
        """Return the missions and projects that have copies in the cloud.

        Returns
        -------
        list of str
            Folders of the public bucket, such as ``"hst"`` or ``"mast/hlsp/qlp"``.

        Raises
        ------
        RemoteServiceError
            If the bucket cannot be listed.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.list_cloud_datasets()
        ['galex', 'hst', 'jwst', 'k2', 'kepler', ..., 'tess']
        """
        return self._cloud.datasets()

    def get_cloud_uri(
        self, data_product: str | Row, *, include_bucket: bool = True, full_url: bool = False, check: bool = False
    ) -> str | None:
        """Return the address of a product in the cloud.

        Parameters
        ----------
        data_product : str or `~astropy.table.Row`
            A dataURI, or a row of a table of products.
        include_bucket : bool, default True
            Whether cloud addresses include the bucket, ``s3://<bucket>/<key>``; otherwise they are the key alone.
        full_url : bool, default False
            Whether cloud addresses use https; requires ``include_bucket=False``, as in ``astroquery.mast``.
        check : bool, default False
            Whether to check in the bucket that each file exists and is public.  By default, MAST's list is used, which
            covers entire collections and is correct for nearly all of their files.

        Returns
        -------
        str or None
            The address; None if there is no copy in the cloud.

        Raises
        ------
        InvalidQueryError
            If ``data_product`` is not one product, or arguments contradict each other.
        RemoteServiceError
            If MAST or the bucket fails.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If there is no copy in the cloud.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.get_cloud_uri("mast:HST/product/j97c01010_drc.fits")
        's3://stpubdata/hst/public/j97c/j97c01010/j97c01010_drc.fits'
        """
        from .product_source import AddressForm  # noqa: PLC0415 - queries need nothing of downloads

        return self._cloud.find_one(data_product, AddressForm(include_bucket, full_url, check))

    def get_cloud_uris(
        self,
        data_products: ProductsLike | None = None,
        *,
        include_bucket: bool = True,
        full_url: bool = False,
        pagesize: int | None = None,
        page: int | None = None,
        mrp_only: bool = False,
        extension: str | Iterable[str] | None = None,
        filter_products: Mapping[str, CriterionLike] = _NO_FILTERS,
        return_uri_map: bool = False,
        verbose: bool = True,
        check: bool = False,
        **criteria: CriterionLike,
    ) -> list[str] | dict[str, str | None] | None:
        """Return the addresses of products in the cloud.

        Parameters
        ----------
        data_products : `~astropy.table.Table`, `~astropy.table.Row`, str, or iterable of these, optional
            Products, or dataURIs; or observations, all of whose products are used.  By default, the products of the
            observations that meet ``criteria`` are used.
        include_bucket : bool, default True
            Whether cloud addresses include the bucket, ``s3://<bucket>/<key>``; otherwise they are the key alone.
        full_url : bool, default False
            Whether cloud addresses use https; requires ``include_bucket=False``, as in ``astroquery.mast``.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        mrp_only : bool, default False
            Whether to select only the Minimum Recommended Products.
        extension : str or iterable of str, optional
            The end of the file name, such as ``"fits"`` or ``"_uncal.fits"``; ``!`` before it excludes such files.
        filter_products : mapping, optional
            Further filters: the name of a column, or ``extension``, and the value to select; see
            `astroquery_mast.products.filters`.
        return_uri_map : bool, default False
            Whether to return a dictionary.
        verbose : bool, default True
            Whether to warn about products without a copy in the cloud.
        check : bool, default False
            Whether to check in the bucket that each file exists and is public.  By default, MAST's list is used, which
            covers entire collections and is correct for nearly all of their files.
        **criteria : object
            Criteria for the observations, as keywords of `~astroquery_mast.ObservationsClass.query_criteria`; used if
            ``data_products`` is not given.

        Returns
        -------
        list of str, dict, or None
            One address for each product, in order; products that have no copy, or whose copy is not public because
            ``dataRights`` is exclusive, are left out.  With ``return_uri_map``, a dictionary of dataURI → address,
            which is None for these.  None if there are no products.

        Raises
        ------
        InvalidQueryError
            If neither products nor criteria are given, or a filter is not valid.
        RemoteServiceError
            If the service fails or the response is incomplete.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If there are no products, or some have no copy.
        `~astroquery.exceptions.InputWarning`
            If ``criteria`` are ignored because products were given.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.get_cloud_uris(["mast:HST/product/j97c01010_drc.fits"])
        ['s3://stpubdata/hst/public/j97c/j97c01010/j97c01010_drc.fits']
        """
        if criteria or data_products is None:
            data_products = self._products_or_observations(data_products, criteria, pagesize, page)
        if data_products is None:
            return None
        filters: list[Mapping[str, Any]] = []
        if mrp_only or extension is not None:
            filters.append({"mrp_only": mrp_only, "extension": extension})
        # Kept separate, because these filters may have an extension of their own.
        if filter_products:
            filters.append(filter_products)
        from .product_source import AddressForm  # noqa: PLC0415 - queries need nothing of downloads

        form = AddressForm(include_bucket, full_url, check, verbose)
        found = self._cloud.find(data_products, self._product_flow(), filters, form)
        if found is None or return_uri_map:
            return found
        return list(filter(None, found.values()))

    def open_product(
        self,
        product: ProductLike,
        *,
        cloud_only: bool = False,
        force_on_prem: bool = False,
        block_size: int = BLOCK_SIZE,
        use_fsspec: bool = False,
    ) -> io.BufferedReader | fits.HDUList:
        """Open the file of a product for reading, without downloading it.

        Only the parts that are read are transferred.

        Parameters
        ----------
        product : str, `~astropy.table.Row`, `~astropy.table.Table`, path-like, or file
            A row of a table of products, or a table of one row; a row of a manifest, whose file is read from disk if
            it is there; a dataURI (``"mast:..."``); an address in MAST's public bucket (``"s3://stpubdata/..."``),
            which is read without a login; an address that begins with ``https://``, to which the login token is sent
            only if it is MAST's; the path of a file; or a file that is open in binary mode, which is returned as it is.
        cloud_only : bool, default False
            Whether to fail if the file is not in the public cloud copy, instead of reading it from MAST itself.
        force_on_prem : bool, default False
            Whether to read from MAST itself even after `enable_cloud_dataset`.
        block_size : int, default 65536
            The smallest number of bytes to request at a time.  Larger blocks make fewer requests.
        use_fsspec : bool, default False
            Whether to return the result of ``fits.open(..., use_fsspec=True)`` instead of a file.  `fsspec` then reads
            the file, with its own connections and without a token, so that this works for public files only.

        Returns
        -------
        `io.BufferedReader` or `~astropy.io.fits.HDUList`
            A file to read and seek in.  ``fits.open(file)`` reads headers as they are needed, and data when they are
            used: all of an HDU with ``hdu.data``, some rows of an image with ``hdu.section[10:20]``.

        Raises
        ------
        InvalidQueryError
            If this is not one product, there is no such file, or the arguments contradict each other.
        LoginError
            If the file is exclusive; the message says until when, if the row has the release date.
        RemoteServiceError
            If the service fails, also while the file is read.

        Examples
        --------
        >>> from astropy.io import fits
        >>> from astroquery_mast import Observations
        >>> with Observations.open_product("mast:HST/product/j97c01010_drc.fits") as file:
        ...     print(fits.getheader(file)["INSTRUME"])
        ACS
        """
        files = self._files_of(cloud_only, force_on_prem, block_size)
        return files.open_by_fsspec(product) if use_fsspec else files.open(product)

    def read_product(
        self, product: ProductLike, *, cloud_only: bool = False, force_on_prem: bool = False, **kwargs: Any
    ) -> Any:
        """Read a product as an object of the matching type, without writing it to disk.

        Parameters
        ----------
        product : str, `~astropy.table.Row`, `~astropy.table.Table`, path-like, or file
            A row of a table of products or of a manifest, a dataURI, an address, a path, or an open file, as
            `open_product` takes them.  The kind is detected from the name of the file (also with ``.gz``), or from the
            first bytes of the file if an address has no such name.
        cloud_only : bool, default False
            Whether to fail if the file is not in the public cloud copy, instead of reading it from MAST itself.
        force_on_prem : bool, default False
            Whether to read from MAST itself even after `enable_cloud_dataset`.
        **kwargs : object
            Arguments for the reader: `astropy.io.fits.open`, ``asdf.open``, `astropy.table.Table.read`,
            ``PIL.Image.open``, or `json.load`; ``encoding`` (default UTF-8) for text; ``ignore_unrecognized`` (default
            True) for ASDF, False to be warned of tags for which no package is installed.

        Returns
        -------
        object
            `~astropy.io.fits.HDUList` for ``.fits`` and ``.fits.gz``; ``asdf.AsdfFile`` for ``.asdf``;
            `~astropy.table.Table` for ``.csv``, ``.ecsv`` and ``.vot``; ``PIL.Image.Image`` for ``.jpg``, ``.png`` and
            ``.gif``; the contents of ``.json``; a str for ``.txt``.  Uncompressed FITS and ASDF files are read as far
            as they are used, and stay open until they are closed; all others are read at once.

        Raises
        ------
        InvalidQueryError
            If this is not one product, there is no such file or no reader for it, or a package is missing.
        LoginError
            If the file is exclusive; the message says until when, if the row has the release date.
        RemoteServiceError
            If the service fails, or the file is damaged.

        Warns
        -----
        AstropyUserWarning
            If a part of a FITS file is damaged or missing; issued by `astropy.io.fits`, possibly when the data are
            used.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> with Observations.read_product("mast:HST/product/j97c01010_drc.fits") as hdus:
        ...     print(hdus[0].header["INSTRUME"], hdus["SCI"].data.ndim)
        ACS 2
        """
        return self._files_of(cloud_only, force_on_prem).read(product, kwargs)

    # -- sources in catalogs -------------------------------------------------------------------------------------------

    def crossmatch_detections(
        self,
        table: PositionsLike,
        *,
        obs_collection: str | Iterable[str] = "JWST",
        radius: AngleLike = DETECTION_RADIUS,
        best: bool = False,
        dry_run: bool = False,
        download_dir: str | os.PathLike[str] | None = None,
        max_size: int | None = 2_000_000_000,
        ra_column: str | None = None,
        dec_column: str | None = None,
        timeout: float | u.Quantity | None = None,
        max_workers: int | None = None,
        verbose: bool = True,
        **criteria: CriterionLike,
    ) -> Table:
        """Return the sources detected at each of many positions, from the source catalogs of observations.

        The method searches for observations whose footprints are within ``radius`` of a position, lists their products,
        and reads each source catalog once: ``*_cat.ecsv`` of JWST, the point and segment catalogs of the Hubble
        Advanced Products, and catalogs in FITS, ECSV, CSV or VOTable of other collections.

        Parameters
        ----------
        table : `~astropy.table.Table`, `~astropy.coordinates.SkyCoord`, or list
            The positions: a table with a `~astropy.coordinates.SkyCoord` column, or with right ascension and
            declination columns of the usual names (in degrees, unless the columns have a unit or are text in hours and
            degrees); a `~astropy.coordinates.SkyCoord` array; or a list of positions.
        obs_collection : str or iterable of str, default "JWST"
            The collections to use: ``"JWST"``, ``"HST"``, ``"HLSP"`` or others.  ``"HSC"`` is the Hubble Source
            Catalog, which MAST cross-matches with the positions.
        radius : `~astropy.units.Quantity`, str, or float, default 1 arcsec
            The largest separation of a source from a position; a number is in degrees.
        best : bool, default False
            Whether to return only the nearest source of each position.
        dry_run : bool, default False
            Whether to return the catalogs that would be read, without reading them.
        download_dir : path-like, optional
            The folder to download the catalogs to, where they are reused.  By default, catalogs are read over the
            network and are not stored.
        max_size : int or None, default 2000000000
            The largest size of a catalog in bytes.  Larger ones are skipped with a warning.  None means no limit.
        ra_column, dec_column : str, optional
            The columns with right ascension and declination, if they have unusual names.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the whole call may take, in seconds if it has no unit.  By default, only each request is
            limited, to ``conf.timeout``.
        max_workers : int, optional
            The number of requests, and of catalogs, to process at a time.  Defaults to ``conf.max_workers``.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
        **criteria : object
            Criteria for the observations, as in `ObservationsClass.query_criteria`, such as ``filters="F444W"``.  For
            JWST and HST, ``dataproduct_type`` defaults to ``"image"`` and ``calib_level`` to ``[3, 4]``; for HST,
            ``project`` defaults to ``"HAP"``.

        Returns
        -------
        `~astropy.table.Table`
            A row for each source within the radius of a position, by position and separation: ``input_row``, the row of
            the position in the input; ``separation`` (arcsec); ``obs_collection``, ``obs_id`` and ``dataURI`` of the
            catalog, the latter two masked for ``"HSC"``; and the columns of all catalogs with their units, masked where
            a catalog does not have them.  A column of positions becomes two, such as ``sky_centroid.ra`` and
            ``sky_centroid.dec``.  Columns of the same name are converted to the same unit; if that is impossible, the
            unit is added to the name of the later one.

            Rows of the input without a source are in one of these lists: ``meta["unmatched"]`` (in files ``nomatch``),
            if a catalog that covers them was read; ``meta["nocat"]``, if they are covered, but no catalog was read
            there; ``meta["outside"]``, if no observation covers them; ``meta["failed"]``, with the reason, if they have
            no position or no response.  ``meta["catalogs"]`` lists the catalogs that were read, and ``meta["skipped"]``
            those that were not.

            With ``dry_run``, a row for each catalog: ``dataURI``, ``obs_collection``, ``obs_id``, ``size`` (byte),
            ``positions``, the number of positions that its observation covers, ``action`` (``"read"`` or ``"skip"``)
            and ``reason``; ``meta["total_bytes"]`` is the total size of the catalogs to read.

        Raises
        ------
        InvalidQueryError
            If no position is given, or an argument is not valid; nothing is sent in this case.
        RemoteServiceError, TimeoutError
            If no position has a response, or no catalog can be read.

        Warns
        -----
        NoResultsWarning
            If nothing is found; the message has the number of positions that are not covered.
        AuthenticationWarning, InputWarning
            If catalogs are skipped because they are exclusive, too large, or damaged.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from astroquery_mast import Observations
        >>> mine = SkyCoord([202.4696], [47.1952], unit="deg")
        >>> plan = Observations.crossmatch_detections(mine, filters="F200W", dry_run=True)
        >>> plan["obs_id", "size", "action"].pprint()
                       obs_id                 size action
                                              byte
        ------------------------------------ ----- ------
        jw01783-o001_t006_nircam_clear-f200w 40960   read
        jw02107-o001_t006_nircam_clear-f200w 40960   read
        """
        from .detections.search import DetectionQuery, DetectionSearch  # noqa: PLC0415 - other calls do not need it

        columns = {"ra_column": ra_column, "dec_column": dec_column}
        query = DetectionQuery(table, radius, obs_collection, criteria, best, max_size, download_dir, columns)
        search = DetectionSearch(self._service, self._product_flow(), self.read_product)
        options = parallel.RunOptions(verbose, max_workers, None, timeout)
        return search.plan(query, options) if dry_run else search.table(query, options)

    # -- implementation ------------------------------------------------------------------------------------------------

    @property
    def _downloads(self) -> Downloads:
        """The download methods; the URIs in a manifest are enough to find its files."""
        from ..downloads.product_flow import Downloads  # noqa: PLC0415 - queries need nothing of downloads
        from ..products.addresses import files_of_manifest  # noqa: PLC0415

        return Downloads(self._service, lambda each: files_of_manifest(self._service.endpoints.download, each))

    @property
    def _product_files(self) -> ProductFiles:
        """The object that opens the files of products."""
        return self._files_of(False, False)

    def _files_of(self, cloud_only: bool, force_on_prem: bool, block_size: int = BLOCK_SIZE) -> ProductFiles:
        """Return the object that opens the files of products, from the cloud if requested."""
        from ..downloads.product_files import ProductFiles  # noqa: PLC0415 - queries need nothing of downloads
        from .product_source import CloudChoice, ObservationSource  # noqa: PLC0415

        choice = CloudChoice(cloud_only, force_on_prem)
        source = ObservationSource(self._service, self._cloud.for_opening(choice), choice)
        return ProductFiles(self._service, source, block_size)

    @cached_property
    def _cloud(self) -> CloudFiles:
        """The cloud, and whether downloads use it."""
        from .product_source import CloudFiles  # noqa: PLC0415 - queries need nothing of downloads

        return CloudFiles(self._service)

    def _product_flow(
        self, *, choice: CloudChoice | None = None, cache: bool | None = None, base_url: str | None = None
    ) -> ProductFlow:
        """Return the product flow for one call."""
        from ..downloads.product_flow import ProductFlow  # noqa: PLC0415 - queries need nothing of downloads
        from .product_source import ANYWHERE, ObservationSource  # noqa: PLC0415

        source = ObservationSource(self._service, self._cloud, choice or ANYWHERE, cache, base_url)
        return ProductFlow(self._service, source)

    def _products_or_observations(
        self, products: Any, criteria: Mapping[str, Any], pagesize: int | None, page: int | None
    ) -> Any:
        """Return the given products, or the observations that match criteria; None if there are no matches."""
        if products is not None:
            warn.warn_user(f"The criteria {', '.join(criteria)} are ignored because products were given.", InputWarning)
            return products
        if not criteria:
            raise InvalidArgumentError("Please provide either a table of data products or query criteria.")
        observations = self.query_criteria(pagesize=pagesize, page=page, **criteria)
        return observations if len(observations) else None


def cloud_state(client: ObservationProductMethods) -> ProcessState:
    """Return whether downloads use the cloud, as process state for a default client."""

    def write(enabled: bool) -> None:
        client._cloud.enabled = enabled

    return ProcessState(lambda: client._cloud.enabled, write, False)
