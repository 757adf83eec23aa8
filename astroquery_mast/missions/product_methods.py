"""The methods of `MastMissionsClass` that list, filter, open and download products.

In: datasets or products in any form.  Out: product tables, plans, files on disk and their manifest.  The work is done
by `astroquery_mast.downloads.product_flow`.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import requests
from astropy import units as u
from astropy.table import Row, Table

from ..downloads.download import DownloadRequest
from ..downloads.methods import BLOCK_SIZE, DownloadMethods
from ..downloads.product_files import ProductFiles
from ..downloads.product_flow import Downloads, ProductFlow
from ..products.file_names import PathTemplate
from ..products.manifest import Manifest
from ..service.core import MastClass
from ..service.parallel import RunOptions
from .product_source import MissionSource, service_of_manifest

if TYPE_CHECKING:
    from ..query.types import CriterionLike, ObservationsLike, ProductLike, ProductsLike


class MissionProductMethods(MastClass):
    """The product methods of `~astroquery_mast.MastMissionsClass`."""

    mission: str
    dataset_kwds: dict[str, str]
    _chosen: Callable[[str | None], str]

    verify_downloads = DownloadMethods.verify_downloads
    retry_downloads = DownloadMethods.retry_downloads
    get_headers = DownloadMethods.get_headers

    @property
    def _downloads(self) -> Downloads:
        """The downloads of this client; each file of a manifest is requested from the service of its mission."""
        return Downloads(self._service, partial(service_of_manifest, service=self._service, mission=self.mission))

    @property
    def _product_files(self) -> ProductFiles:
        """Access to the files of products."""
        return self._files_of(None)

    def _files_of(self, mission: str | None, block_size: int = BLOCK_SIZE) -> ProductFiles:
        """Return access to the product files of a mission."""
        chosen = self._chosen(mission)
        source = MissionSource(self._service, chosen, dict(self.dataset_kwds))
        of_manifest = partial(service_of_manifest, service=self._service, mission=chosen)
        return ProductFiles(self._service, source, block_size, of_manifest, takes_names=True)

    def _product_flow(self, mission: str | None = None) -> ProductFlow:
        """Return the product flow of one call."""
        return ProductFlow(self._service, MissionSource(self._service, self._chosen(mission), dict(self.dataset_kwds)))

    def get_product_list(
        self,
        datasets: ObservationsLike,
        *,
        batch_size: int = 1000,
        mission: str | None = None,
        verbose: bool = True,
        timeout: float | u.Quantity | None = None,
    ) -> Table:
        """Return the products (files) of datasets.

        A file that belongs to several of the datasets is listed once for each.

        Parameters
        ----------
        datasets : `~astropy.table.Table`, `~astropy.table.Row`, `~astropy.table.Column`, str, or iterable of these
            Datasets as returned by a query, or their identifiers.
        batch_size : int, default 1000
            The number of datasets in a request.  A request that is too large for MAST is split in half.
        mission : str, optional
            The mission, in any case, for this call only.  Defaults to the attribute ``mission``.
        verbose : bool, default True
            Whether to show a progress bar on a terminal if there are several requests.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the whole call may take, in seconds if it has no unit.  By default, only each request is
            limited, to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each product, in the order of the datasets; ``size`` is in bytes.

        Raises
        ------
        InvalidQueryError
            If no dataset is given, or an identifier is not valid.
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
        >>> from astroquery_mast import MastMissions
        >>> products = MastMissions.get_product_list("J97C01010", verbose=False)
        >>> "filename" in products.colnames, products["size"].unit
        (True, Unit("byte"))
        """
        flow = self._product_flow(mission)
        return flow.product_list(datasets, batch_size=batch_size, verbose=verbose, timeout=timeout)

    def get_product_list_async(
        self, datasets: ObservationsLike, *, batch_size: int = 1000, mission: str | None = None
    ) -> list[requests.Response]:
        """Return the HTTP responses of `get_product_list`.

        Parameters
        ----------
        datasets : `~astropy.table.Table`, `~astropy.table.Row`, `~astropy.table.Column`, str, or iterable of these
            Datasets as returned by a query, or their identifiers.
        batch_size : int, default 1000
            The number of datasets in a request.  A request that is too large for MAST is split in half.
        mission : str, optional
            The mission, in any case, for this call only.  Defaults to the attribute ``mission``.

        Returns
        -------
        list of `requests.Response`
            One response for each request, in order.

        Raises
        ------
        InvalidQueryError
            If no dataset is given, or an identifier is not valid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``conf.timeout``.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> responses = MastMissions.get_product_list_async("J97C01010")
        >>> [response.status_code for response in responses]
        [200]
        """
        return self._product_flow(mission).responses(datasets, batch_size)

    def get_unique_product_list(
        self,
        datasets: ObservationsLike,
        *,
        batch_size: int = 1000,
        mission: str | None = None,
        verbose: bool = True,
        timeout: float | u.Quantity | None = None,
    ) -> Table:
        """Return the products (files) of datasets, each file name once.

        Parameters
        ----------
        datasets : `~astropy.table.Table`, `~astropy.table.Row`, `~astropy.table.Column`, str, or iterable of these
            Datasets as returned by a query, or their identifiers.
        batch_size : int, default 1000
            The number of datasets in a request.  A request that is too large for MAST is split in half.
        mission : str, optional
            The mission, in any case, for this call only.  Defaults to the attribute ``mission``.
        verbose : bool, default True
            Whether to show a progress bar on a terminal if there are several requests.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the whole call may take, in seconds if it has no unit.  By default, only each request is
            limited, to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each file: its first row in `get_product_list`, in the same order; ``size`` is in bytes.

        Raises
        ------
        InvalidQueryError
            If no dataset is given, or an identifier is not valid.
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
        >>> from astroquery_mast import MastMissions
        >>> products = MastMissions.get_unique_product_list("J97C01010", verbose=False)
        >>> len(set(products["filename"])) == len(products)
        True
        """
        flow = self._product_flow(mission)
        return flow.unique_product_list(datasets, batch_size=batch_size, verbose=verbose, timeout=timeout)

    def filter_products(
        self, products: Table, *, extension: str | Iterable[str] | None = None, **filters: CriterionLike
    ) -> Table:
        """Return the products that match all filters.

        Parameters
        ----------
        products : `~astropy.table.Table`
            Products, as returned by `get_product_list`.
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
        >>> from astroquery_mast import MastMissions
        >>> products = MastMissions.get_product_list("J97C01010", verbose=False)
        >>> print(*MastMissions.filter_products(products, extension="_drz.fits")["filename"])
        j97c01010_drz.fits
        """
        return self._product_flow().filter_products(products, {"extension": extension, **filters})

    def download_file(
        self,
        uri: str,
        *,
        local_path: str | os.PathLike[str] | None = None,
        cache: bool = True,
        mission: str | None = None,
        verbose: bool = True,
        overwrite: str | None = None,
    ) -> tuple[str, str | None, str | None]:
        """Download one file by its name, its dataURI or its address.

        Parameters
        ----------
        uri : str
            The name or URI of a file as in a list of products; for missions other than HST, JWST and Roman a full URI
            such as ``mast:HLSP/...``; or an address returned by `get_product_urls` or in a plan (``dry_run=True``).
        local_path : path-like, optional
            The file or folder to write to.  Defaults to the current folder.  A path that does not exist is a folder if
            it ends in a separator or has no extension.  Folders are created as needed.
        cache : bool, default True
            Whether to keep a file that is on disk if the file at MAST has the same size.
        mission : str, optional
            The mission, in any case, for this call only.  Defaults to the attribute ``mission``.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
        overwrite : {"never", "if-changed", "always"}, optional
            How to handle files that are on disk.  ``"never"`` keeps them without a request; ``"if-changed"`` checks
            each, and downloads it if it has another size or is older than the file at MAST; ``"always"`` downloads it
            again, like ``cache=False``.  By default, ``cache`` decides.

        Returns
        -------
        status : str
            ``"COMPLETE"`` or ``"ERROR"``.
        message : str or None
            The reason for a failure.
        url : str or None
            The address of a file that failed.

        Raises
        ------
        InvalidQueryError
            If ``uri`` does not name a file, or another argument is not valid.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> status, message, url = MastMissions.download_file(
        ...     "J97C01010/j97c01010_drc.fits", verbose=False
        ... )
        >>> status
        'COMPLETE'
        """
        flow = self._product_flow(mission)
        return flow.download_file(uri, local_path=local_path, cache=cache, overwrite=overwrite, verbose=verbose)

    def download_products(
        self,
        products: ProductsLike,
        *,
        download_dir: str | os.PathLike[str] | None = None,
        flat: bool = False,
        cache: bool = True,
        extension: str | Iterable[str] | None = None,
        verbose: bool = True,
        mission: str | None = None,
        dry_run: bool = False,
        path_template: PathTemplate | None = None,
        overwrite: str | None = None,
        max_workers: int | None = None,
        executor: Executor | None = None,
        timeout: float | u.Quantity | None = None,
        on_error: str = "warn",
        **filters: CriterionLike,
    ) -> Manifest | Table | None:
        """Download the files of products.

        Parameters
        ----------
        products : `~astropy.table.Table`, `~astropy.table.Row`, str, path-like, list of dict, or iterable of these
            Products; datasets or their identifiers, all of whose products are used; or the file list that MAST sends to
            subscribers, as the path of the ``.json`` file or as its contents.
        download_dir : path-like, optional
            The folder to download to; ``~`` is expanded.  Defaults to the current folder.  An address such as
            ``s3://bucket/prefix`` is an object store; see `astroquery_mast.downloads.store`.
        flat : bool, default False
            Whether to write all files directly to that folder, instead of to ``mastDownload/<mission>/<dataset>/`` in
            it.  Files with the same name are given longer names.
        cache : bool, default True
            Whether to keep files that are on disk: without a request if the size is that of the catalog, otherwise if
            the file at MAST has the same size.  With False, all files are downloaded again.
        extension : str or iterable of str, optional
            The end of the file name, such as ``"fits"`` or ``"_uncal.fits"``; ``!`` before it excludes such files.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
        mission : str, optional
            The mission of products without a column ``mission``, in any case.  Defaults to the attribute ``mission``.
        dry_run : bool, default False
            Whether to return the plan of the download without downloading anything.
        path_template : str or callable, optional
            Where to write files in the download folder: a template with columns of the products, such as
            ``"{dataset}/{filename}"``, or a function that takes a row and returns a relative path; see
            `astroquery_mast.products.file_names`.
        overwrite : {"never", "if-changed", "always"}, optional
            How to handle files that are on disk.  ``"never"`` keeps them without a request; ``"if-changed"`` checks
            each, and downloads it if it has another size or is older than the file at MAST; ``"always"`` downloads it
            again, like ``cache=False``.  By default, ``cache`` decides.
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
            Filters: the name of a column and the value to select, a list of alternatives, or a range; see
            `astroquery_mast.products.filters`.

        Returns
        -------
        `~astroquery_mast.products.manifest.Manifest`, `~astropy.table.Table` or None
            The manifest, with one row for each file and its ``mission``; or None if no product is left.  With
            ``dry_run``, the plan: ``Local Path``, ``URL`` (percent-encoded), ``Size`` (bytes), ``Action``, ``Reason``,
            ``Rights`` and ``Accessible``.

        Raises
        ------
        InvalidQueryError
            If a filter or another argument is not valid, or ``products`` contains neither products nor datasets.
        DownloadError
            With ``on_error="raise"``, if a file failed; its attribute ``manifest`` has all rows.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If no product is left.
        `~astroquery.exceptions.AuthenticationWarning`
            If exclusive files are requested and the token in the environment is not accepted.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> manifest = MastMissions.download_products(
        ...     "J97C01010", extension="_drc.fits", verbose=False
        ... )
        >>> print(*manifest["Status"])
        COMPLETE
        """
        flow = self._product_flow(mission)
        request = DownloadRequest(download_dir, flat, path_template, cache, overwrite, dry_run)
        options = RunOptions(verbose, max_workers, executor, timeout, on_error)
        filters = filters if extension is None else {"extension": extension, **filters}
        return flow.download_products(products, request, options, filters)

    def download_products_iter(
        self,
        products: ProductsLike,
        *,
        download_dir: str | os.PathLike[str] | None = None,
        flat: bool = False,
        cache: bool = True,
        extension: str | Iterable[str] | None = None,
        verbose: bool = True,
        mission: str | None = None,
        path_template: PathTemplate | None = None,
        overwrite: str | None = None,
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
        products : `~astropy.table.Table`, `~astropy.table.Row`, str, path-like, list of dict, or iterable of these
            Products; datasets or their identifiers, all of whose products are used; or the file list that MAST sends to
            subscribers, as the path of the ``.json`` file or as its contents.
        download_dir : path-like, optional
            The folder to download to; ``~`` is expanded.  Defaults to the current folder.  An address such as
            ``s3://bucket/prefix`` is an object store; see `astroquery_mast.downloads.store`.
        flat : bool, default False
            Whether to write all files directly to that folder, instead of to ``mastDownload/<mission>/<dataset>/`` in
            it.  Files with the same name are given longer names.
        cache : bool, default True
            Whether to keep files that are on disk: without a request if the size is that of the catalog, otherwise if
            the file at MAST has the same size.  With False, all files are downloaded again.
        extension : str or iterable of str, optional
            The end of the file name, such as ``"fits"`` or ``"_uncal.fits"``; ``!`` before it excludes such files.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
        mission : str, optional
            The mission of products without a column ``mission``, in any case.  Defaults to the attribute ``mission``.
        path_template : str or callable, optional
            Where to write files in the download folder: a template with columns of the products, such as
            ``"{dataset}/{filename}"``, or a function that takes a row and returns a relative path; see
            `astroquery_mast.products.file_names`.
        overwrite : {"never", "if-changed", "always"}, optional
            How to handle files that are on disk.  ``"never"`` keeps them without a request; ``"if-changed"`` checks
            each, and downloads it if it has another size or is older than the file at MAST; ``"always"`` downloads it
            again, like ``cache=False``.  By default, ``cache`` decides.
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
            Filters: the name of a column and the value to select, a list of alternatives, or a range; see
            `astroquery_mast.products.filters`.

        Returns
        -------
        generator of `~astropy.table.Row`
            Rows of a manifest, with the ``mission``, in the order in which the files arrive or fail.  The first four
            columns are the absolute local path, the status, the message and the address.  `read_product` opens the file
            of a row.

        Raises
        ------
        InvalidQueryError
            If a filter or another argument is not valid; raised by the call, before the iteration.
        DownloadError
            With ``on_error="raise"``, after the last row, if a file failed; its attribute ``manifest`` has all rows.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> for row in MastMissions.download_products_iter(
        ...     "J97C01010", extension="_drc.fits", verbose=False
        ... ):
        ...     print(row["Status"])
        COMPLETE
        """
        request = DownloadRequest(download_dir, flat, path_template, cache, overwrite)
        options = RunOptions(verbose, max_workers, executor, timeout, on_error)
        filters = {"extension": extension, **filters}
        return self._product_flow(mission).download_products_iter(products, request, options, filters)

    def get_product_urls(
        self,
        products: ProductsLike,
        *,
        extension: str | Iterable[str] | None = None,
        mission: str | None = None,
        verbose: bool = True,
        **filters: CriterionLike,
    ) -> list[str]:
        """Return the addresses of products, without downloading them.

        `download_file`, `open_product` and `read_product` take each of these addresses.

        Parameters
        ----------
        products : `~astropy.table.Table`, `~astropy.table.Row`, str, path-like, list of dict, or iterable of these
            Products; datasets or their identifiers, all of whose products are used; or the file list that MAST sends to
            subscribers, as the path of the ``.json`` file or as its contents.
        extension : str or iterable of str, optional
            The end of the file name, such as ``"fits"`` or ``"_uncal.fits"``; ``!`` before it excludes such files.
        mission : str, optional
            The mission of products without a column ``mission``, in any case.  Defaults to the attribute ``mission``.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
        **filters : str, number, or list
            Filters: the name of a column and the value to select, a list of alternatives, or a range; see
            `astroquery_mast.products.filters`.

        Returns
        -------
        list of str
            One percent-encoded https address for each file, in the order of the products.  Products without a URI are
            left out, with a warning.

        Raises
        ------
        InvalidQueryError
            If a filter or another argument is not valid, or ``products`` contains neither products nor datasets.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If no product is left.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> urls = MastMissions.get_product_urls("J97C01010", extension="_drc.fits", verbose=False)
        >>> len(urls)
        1
        """
        filters = {"extension": extension, **filters}
        return self._product_flow(mission).product_urls(products, filters, verbose=verbose)

    def open_product(
        self, product: ProductLike, *, mission: str | None = None, block_size: int = BLOCK_SIZE
    ) -> io.BufferedReader:
        """Open the file of a product for reading, without downloading it.

        Only the parts that are read are transferred.

        Parameters
        ----------
        product : str, `~astropy.table.Row`, `~astropy.table.Table`, path-like, or file
            A row of a product list, or a table of one row; a row of a manifest, whose file is read from disk if it is
            there; the name of a file as `download_file` takes it, which is read from MAST even if a file on disk has
            the same name; a dataURI (``"mast:..."``); an address in MAST's public bucket
            (``"s3://stpubdata/..."``), which is read without a login; an address that begins with ``https://``, to
            which the login token is sent only if it is MAST's; the path of a file; or a file that is open in binary
            mode, which is returned as it is.
        mission : str, optional
            The mission, in any case.  Defaults to the attribute ``mission``.
        block_size : int, default 65536
            The smallest number of bytes to request at a time.  Larger blocks make fewer requests.

        Returns
        -------
        `io.BufferedReader`
            A file to read and seek in.  ``fits.open(file)`` reads headers as they are needed, and data when they are
            used: all of an HDU with ``hdu.data``, some rows of an image with ``hdu.section[10:20]``.

        Raises
        ------
        InvalidQueryError
            If this is not one product, or there is no such file.
        LoginError
            If the file is exclusive.
        RemoteServiceError
            If MAST fails, including while the file is read.

        Examples
        --------
        >>> from astropy.io import fits
        >>> from astroquery_mast import MastMissions
        >>> with MastMissions.open_product("J97C01010/j97c01010_drc.fits") as file:
        ...     print(fits.getheader(file)["INSTRUME"])
        ACS
        """
        return cast("io.BufferedReader", self._files_of(mission, block_size).open(product))

    def read_product(self, product: ProductLike, *, mission: str | None = None, **kwargs: Any) -> Any:
        """Read a product as an object of the matching type, without writing it to disk.

        Parameters
        ----------
        product : str, `~astropy.table.Row`, `~astropy.table.Table`, path-like, or file
            A row of a table of products or of a manifest, a name, a dataURI, an address, a path, or an open file, as
            `open_product` takes them.  The kind is detected from the name of the file (also with ``.gz``), or from the
            first bytes of the file if an address has no such name.
        mission : str, optional
            The mission, in any case.  Defaults to the attribute ``mission``.
        **kwargs : object
            Arguments for the reader: `astropy.io.fits.open`, ``asdf.open``, `astropy.table.Table.read`,
            ``PIL.Image.open``, or `json.load`; ``encoding`` (default UTF-8) for text; ``ignore_unrecognized`` (default
            True) for ASDF, False to be warned of tags for which no package is installed.

        Returns
        -------
        object
            `~astropy.io.fits.HDUList` for ``.fits`` and ``.fits.gz``; ``asdf.AsdfFile`` for ``.asdf``;
            `~astropy.table.Table` for ``.csv``, ``.ecsv`` and ``.vot``; ``PIL.Image.Image`` for ``.jpg``, ``.png`` and
            ``.gif``; the contents of ``.json``; a str for ``.txt``.  Uncompressed FITS and ASDF files are read as
            needed and stay open until you close them; all others are read at once.

        Raises
        ------
        InvalidQueryError
            If this is not one product, there is no such file or no reader for it, or a package is missing.
        LoginError
            If the file is exclusive; the message includes the release date if the row has one.
        RemoteServiceError
            If MAST fails, or the file is damaged.

        Warns
        -----
        AstropyUserWarning
            If a part of a FITS file is damaged or missing; issued by `astropy.io.fits`, possibly when the data are
            used.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> with MastMissions.read_product("J97C01010/j97c01010_drc.fits") as hdus:
        ...     print(hdus[0].header["INSTRUME"], hdus["SCI"].data.ndim)
        ACS 2
        """
        return self._files_of(mission).read(product, kwargs)
