"""The methods of `MastMissionsClass` for products: listed, filtered and downloaded.

In: datasets or products in all forms in which users may have them. Out: product tables, plans, files on disk and their
manifest. The work is done by `astroquery_mast.downloads.product_flow`.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor
from functools import partial
from typing import Any, cast

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


class MissionProductMethods(MastClass):
    """What `~astroquery_mast.MastMissionsClass` has for products."""

    mission: str
    dataset_kwds: dict[str, str]
    _chosen: Callable[[str | None], str]

    verify_downloads = DownloadMethods.verify_downloads
    retry_downloads = DownloadMethods.retry_downloads
    get_headers = DownloadMethods.get_headers

    @property
    def _downloads(self) -> Downloads:
        """What downloads; the files of a manifest come from the services of their missions."""
        return Downloads(self._service, partial(service_of_manifest, service=self._service, mission=self.mission))

    @property
    def _product_files(self) -> ProductFiles:
        """What opens the files of products."""
        return self._files_of(None)

    def _files_of(self, mission: str | None, block_size: int = BLOCK_SIZE) -> ProductFiles:
        """What opens the files of a mission's products."""
        chosen = self._chosen(mission)
        source = MissionSource(self._service, chosen, dict(self.dataset_kwds))
        of_manifest = partial(service_of_manifest, service=self._service, mission=chosen)
        return ProductFiles(self._service, source, block_size, of_manifest, takes_names=True)

    def _product_flow(self, mission: str | None = None) -> ProductFlow:
        """The way that products go in one call."""
        return ProductFlow(self._service, MissionSource(self._service, self._chosen(mission), dict(self.dataset_kwds)))

    def get_product_list(
        self,
        datasets: Any,
        *,
        batch_size: int = 1000,
        mission: str | None = None,
        verbose: bool = True,
        timeout: float | None = None,
    ) -> Table:
        """Return the products of datasets: every file, once for each dataset that it belongs to.

        Parameters
        ----------
        datasets : str, Table, Row, Column, or iterable of these
            Datasets as a query returned them, or their identifiers.
        batch_size : int
            How many datasets to ask for at once.  Each such question has ``conf.timeout`` seconds; one that is too much
            for the archive is asked again in halves.
        mission : str, optional
            The mission; that of the attribute if not given.
        verbose : bool
            Whether to show a bar on a terminal when there are several questions.
        timeout : float, optional
            Seconds that the whole call may take; without it there is only the limit for each question.

        Returns
        -------
        `~astropy.table.Table`
            All products, in the order of the datasets; sizes in bytes.

        Raises
        ------
        InvalidQueryError
            If there is no dataset, or none in what was given.
        RemoteServiceError
            If the archive fails.
        TimeoutError
            If the time was not enough.
        """
        flow = self._product_flow(mission)
        return flow.product_list(datasets, batch_size=batch_size, verbose=verbose, timeout=timeout)

    def get_product_list_async(
        self, datasets: Any, *, batch_size: int = 1000, mission: str | None = None
    ) -> list[requests.Response]:
        """Return the responses of `get_product_list`, one for each batch, in order."""
        return self._product_flow(mission).responses(datasets, batch_size)

    def get_unique_product_list(
        self,
        datasets: Any,
        *,
        batch_size: int = 1000,
        mission: str | None = None,
        verbose: bool = True,
        timeout: float | None = None,
    ) -> Table:
        """Return the products of datasets, each file name once.

        Parameters
        ----------
        datasets, batch_size, mission, verbose, timeout
            As `get_product_list`.

        Returns
        -------
        `~astropy.table.Table`
            The first row of each file, in the order of `get_product_list`.
        """
        flow = self._product_flow(mission)
        return flow.unique_product_list(datasets, batch_size=batch_size, verbose=verbose, timeout=timeout)

    def filter_products(
        self, products: Table, *, extension: str | Iterable[str] | None = None, **filters: Any
    ) -> Table:
        """Return the products that pass all the filters.

        Parameters
        ----------
        products : `~astropy.table.Table`
            Products, as `get_product_list` returns them.
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
        """Fetch one file by its name, its URI or its address.

        Parameters
        ----------
        uri : str
            The name or URI as in a list of products; for missions other than HST, JWST and Roman a full URI, such as
            ``mast:HLSP/...``.  Also an address that `get_product_urls` or a plan (``dry_run=True``) has given.
        local_path : path-like, optional
            A file or a folder; the current folder if not given.  A path that does not exist is a folder if it ends in a
            separator or has no ending.  Folders are made as needed.
        cache : bool
            Keep a file that is on disk if it has the same size as the archive's.
        mission : str, optional
            The mission; that of the attribute if not given.
        verbose : bool
            Whether to show a bar on a terminal, and to log the outcome.
        overwrite : str, optional
            As `download_products`.

        Returns
        -------
        status : str
            ``COMPLETE`` or ``ERROR``.
        message : str or None
            What went wrong.
        url : str or None
            The address, where something went wrong.

        Raises
        ------
        InvalidQueryError
            If the file cannot be fetched by this name.
        """
        flow = self._product_flow(mission)
        return flow.download_file(uri, local_path=local_path, cache=cache, overwrite=overwrite, verbose=verbose)

    def download_products(
        self,
        products: Any,
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
        **filters: Any,
    ) -> Manifest | Table | None:
        """Fetch the files of products.

        Parameters
        ----------
        products : Table, Row, path, list of dict, or what `get_product_list` takes
            Products; datasets or their identifiers, all of whose products are taken; or the list of files that MAST
            mails to subscribers, as the path of its ``.json`` file or as what is in it.
        download_dir : path-like, optional
            The folder to use; the current one if not given.  An address such as ``s3://bucket/prefix`` is a place in
            a store.
        flat : bool
            Put all files into that folder, instead of ``mastDownload/<mission>/<dataset>/`` in it.
        cache, verbose, dry_run, overwrite, max_workers, executor, timeout, on_error
            As `~astroquery_mast.ObservationsClass.download_products`.
        extension : str or iterable of str, optional
            As `filter_products`.
        mission : str, optional
            The mission of products that do not tell theirs in a column ``mission``; that of the attribute if not given.
        path_template : str or callable, optional
            Where files go in the download folder, such as ``"{dataset}/{filename}"``; see
            `astroquery_mast.products.file_names`.
        **filters
            As `filter_products`.

        Returns
        -------
        Manifest or `~astropy.table.Table` or None
            One row for each file, as of `~astroquery_mast.ObservationsClass.download_products`, with its ``mission``;
            with ``dry_run`` a plan; None, with a warning, if no product is left.

        Raises
        ------
        InvalidQueryError
            If the filters or another argument cannot be applied, or neither products nor datasets were given.
        DownloadError
            With ``on_error="raise"``, if a file failed; its ``manifest`` has all rows.
        """
        flow = self._product_flow(mission)
        request = DownloadRequest(download_dir, flat, path_template, cache, overwrite, dry_run)
        options = RunOptions(verbose, max_workers, executor, timeout, on_error)
        filters = filters if extension is None else {"extension": extension, **filters}
        return flow.download_products(products, request, options, filters)

    def download_products_iter(
        self,
        products: Any,
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
        **filters: Any,
    ) -> Generator[Row]:
        """Fetch the files of products, and give the row of the manifest for each file when it is there.

        Parameters
        ----------
        products, download_dir, flat, cache, extension, verbose, mission, path_template, overwrite
            As `download_products`.
        max_workers, executor, timeout, on_error, **filters
            As `download_products`.

        Returns
        -------
        generator of `~astropy.table.Row`
            As `~astroquery_mast.ObservationsClass.download_products_iter`, with its ``mission``.

        Raises
        ------
        InvalidQueryError
            At once, as `download_products`.
        DownloadError
            With ``on_error="raise"``, after the last row, if a file failed.
        """
        request = DownloadRequest(download_dir, flat, path_template, cache, overwrite)
        options = RunOptions(verbose, max_workers, executor, timeout, on_error)
        filters = {"extension": extension, **filters}
        return self._product_flow(mission).download_products_iter(products, request, options, filters)

    def get_product_urls(
        self,
        products: Any,
        *,
        extension: str | Iterable[str] | None = None,
        mission: str | None = None,
        verbose: bool = True,
        **filters: Any,
    ) -> list[str]:
        """Return the addresses of products; nothing is fetched.

        Parameters
        ----------
        products, extension, mission, verbose, **filters
            As `download_products`.

        Returns
        -------
        list of str
            Percent-encoded https addresses, in the order of the products, each once; `download_file`, `open_product`
            and `read_product` take each of them.  What has no URI is left out, with a warning.

        Raises
        ------
        InvalidQueryError
            If the filters cannot be applied, or neither products nor datasets were given.
        """
        filters = {"extension": extension, **filters}
        return self._product_flow(mission).product_urls(products, filters, verbose=verbose)

    def open_product(
        self, product: Any, *, mission: str | None = None, block_size: int = BLOCK_SIZE
    ) -> io.BufferedReader:
        """Open the file of a product for reading, without downloading it.

        Only the parts that are read come over the network.

        Parameters
        ----------
        product : str, `~astropy.table.Row`, `~astropy.table.Table`, path-like, or file
            A row of a product list, or a table of one row; a row of a manifest, whose file is read from disk if it is
            there; the name of a file as `download_file` takes it, which is that of a file in the archive even if a
            file on disk has it as well; a dataURI (``"mast:..."``); an address in MAST's public bucket
            (``"s3://stpubdata/..."``), which is read without a login; an address that begins with ``https://``, to
            which the login token is sent only if it is MAST's; the path of a file; or a file that is open in binary
            mode, which is returned as it is.
        mission : str, optional
            The mission; that of the attribute if not given.
        block_size : int, default 65536
            The least number of bytes to request at a time.  Larger blocks make fewer requests.

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
            If the archive fails, also while the file is read.

        Examples
        --------
        >>> from astropy.io import fits
        >>> from astroquery_mast import MastMissions
        >>> with MastMissions.open_product("J97C01010/j97c01010_drc.fits") as file:
        ...     print(fits.getheader(file)["INSTRUME"])
        ACS
        """
        return cast("io.BufferedReader", self._files_of(mission, block_size).open(product))

    def read_product(self, product: Any, *, mission: str | None = None, **kwargs: Any) -> Any:
        """Open a product as the object that fits its kind, without writing it to disk.

        Parameters
        ----------
        product : str, `~astropy.table.Row`, `~astropy.table.Table`, path-like, or file
            A row of a table of products or of a manifest, a name, a dataURI, an address, a path, or an open file, as
            `open_product` takes them.  The kind is known by the name of the file (also with ``.gz``), and by how the
            file begins where an address has no such name.
        mission : str, optional
            The mission; that of the attribute if not given.
        **kwargs
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
            If the archive fails, or the file is damaged.

        Warns
        -----
        AstropyUserWarning
            By `astropy.io.fits`, also later, if a part of a FITS file is damaged or missing.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> with MastMissions.read_product("J97C01010/j97c01010_drc.fits") as hdus:
        ...     print(hdus[0].header["INSTRUME"], hdus["SCI"].data.ndim)
        ACS 2
        """
        return self._files_of(mission).read(product, kwargs)
