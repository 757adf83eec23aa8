"""The methods of `ObservationsClass` for products: listed, filtered, downloaded, found in the cloud, read in place.

In: observations or products in all forms in which users may have them. Out: product tables, plans, files on disk and
their manifest; addresses in the cloud, and files that are read without being fetched. The work is done by
`astroquery_mast.downloads.product_flow` and `astroquery_mast.observations.product_source`.
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
    from ..service import parallel
    from .product_source import CloudChoice, CloudFiles
else:
    parallel, warn = deferred(__package__, "..service.parallel ..warn")

_NO_FILTERS: Mapping[str, Any] = MappingProxyType({})


class ObservationProductMethods(MastClass):
    """What `~astroquery_mast.ObservationsClass` has for products.

    The cloud is used only on request: by downloads after `enable_cloud_dataset` was called, and by the methods that
    are about the cloud.  No account and no further package is needed.
    """

    verify_downloads = DownloadMethods.verify_downloads
    retry_downloads = DownloadMethods.retry_downloads
    get_headers = DownloadMethods.get_headers

    query_criteria: Callable[..., Any]

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
            All products, in the order of the observations; sizes in bytes.  What describes a collection of high-level
            science products (README) comes before its data.

        Raises
        ------
        InvalidQueryError
            If there is no observation, or what was given is not an obsid.
        RemoteServiceError
            If the archive fails, or its answer is not complete.
        TimeoutError
            If the time was not enough for all, or for a single observation.
        """
        flow = self._product_flow(cache=cache)
        return flow.product_list(observations, batch_size=batch_size, verbose=verbose, timeout=timeout)

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
        return self._product_flow().responses(observations, batch_size)

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
        flow = self._product_flow(cache=cache)
        return flow.unique_product_list(observations, batch_size=batch_size, verbose=verbose, timeout=timeout)

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
        """Fetch one file by its dataURI or its address.

        Parameters
        ----------
        uri : str
            The dataURI, e.g. ``mast:JWST/product/jw00736-o039_t001_miri_ch1-long_x1d.fits``, or an address that
            `get_product_urls`, `get_cloud_uris` or a plan (``dry_run=True``) has given.
        local_path : path-like, optional
            A file or a folder; the current folder if not given.  A path that does not exist is a folder if it ends in a
            separator or has no ending.  Folders are made as needed.  Addresses such as ``s3://bucket/x.fits`` are
            those of a store, as in `download_products`.
        base_url : str, optional
            Address of another download service.
        cache : bool
            Keep a file that is on disk if it has the same size as the archive's.
        cloud_only : bool
            Skip what has no copy in the cloud, where cloud access is enabled.
        force_on_prem : bool
            Fetch from MAST itself even where cloud access is enabled.
        verbose : bool
            Whether to show a bar on a terminal, and to log the outcome.
        overwrite : str, optional
            As `download_products`.

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
            If that is not a URI or address, or the arguments contradict each other.
        """
        from .product_source import CloudChoice  # noqa: PLC0415 - queries need nothing of downloads

        flow = self._product_flow(choice=CloudChoice(cloud_only, force_on_prem), base_url=base_url)
        return flow.download_file(uri, local_path=local_path, cache=cache, overwrite=overwrite, verbose=verbose)

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
        dry_run: bool = False,
        path_template: PathTemplate | None = None,
        overwrite: str | None = None,
        bundle: str | None = None,
        force_on_prem: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        timeout: float | u.Quantity | None = None,
        on_error: str = "warn",
        **filters: Any,
    ) -> Manifest | Table | None:
        """Fetch the files of products.

        Parameters
        ----------
        products : `~astropy.table.Table`, `~astropy.table.Row`, iterable of these, or what `get_product_list` takes
            Products; or observations, all of whose products are taken.
        download_dir : path-like, optional
            The folder to use, ``~`` being one's own; the current one if not given.  An address such as
            ``s3://bucket/prefix`` is a place in a store; see `astroquery_mast.downloads.store`.
        flat : bool
            Put all files into that folder, instead of ``mastDownload/<obs_collection>/<obs_id>/`` in it.  Files of the
            same name get longer names, and so does one whose name a file of an earlier call has.
        cache : bool
            Keep files that are on disk: without asking the archive if they have the size in the catalog, else if
            the archive's file has the same size.  False fetches all files anew.
        curl_flag : bool
            Fetch a script that fetches the files, instead of the files.  It takes the token from the environment
            variable ``MAST_API_TOKEN`` when it is run, and holds none.
        mrp_only : bool
            Take only the "Minimum Recommended Products".
        cloud_only : bool
            Skip what has no copy in the cloud, where cloud access is enabled.
        verbose : bool
            Whether to show a bar on a terminal, and to log the outcome.
        dry_run : bool
            Fetch nothing, and return what would be done.
        path_template : str or callable, optional
            Where files go in the download folder: a template such as
            ``"{obs_collection}/{proposal_id}/{productFilename}"`` with any column of the products, or a function that
            takes a row and returns a relative path; see `astroquery_mast.products.file_names`.
        overwrite : str, optional
            What to do with files that are on disk: ``"never"`` always keeps them, without asking;
            ``"if-changed"`` asks the archive about each, and fetches those that have another size or are older than
            the archive's; ``"always"`` fetches all anew, as ``cache=False``.
        bundle : str, optional
            ``"zip"`` or ``"tar.gz"``: fetch one such file that holds all the files.
        force_on_prem : bool
            Fetch from MAST itself even where cloud access is enabled.
        max_workers : int, optional
            How many files are fetched at a time; ``conf.max_workers`` if not given.
        executor : `concurrent.futures.Executor`, optional
            Who does the work, instead of threads of this process: a process pool, or the workers of a cluster, which
            must see the download folder.  The token is not sent to them: they take theirs from the environment.
        timeout : float or `~astropy.units.Quantity`, optional
            Time, in seconds without a unit, that the whole call may take; files that have not arrived by then are
            errors in the manifest.
        on_error : str
            For files that failed, ``"warn"`` logs a warning, ``"raise"`` raises when all the others have been fetched,
            and ``"ignore"`` does nothing.  The manifest has them in any case.
        **filters
            As `filter_products`, ``extension`` among them.

        Returns
        -------
        Manifest or `~astropy.table.Table` or None
            One row for each file; None, with a warning, if no product is left.  With ``dry_run`` a plan: ``Local
            Path``, ``URL`` (percent-encoded), ``Cloud URL`` (where cloud access is enabled), ``Size`` (bytes),
            ``Action``, ``Reason``, ``Rights`` and ``Accessible``: True for public files, False for exclusive ones if
            nobody is logged in or the token was made without access to such, and masked where only the archive knows.
            Its ``meta`` has ``files``, how many would be asked for; of these, ``total_bytes``, which would be fetched,
            ``unknown_sizes``, for how many files that is not known, and ``exclusive``, how many are exclusive; and
            ``free_bytes``, which the disk has left (None for a store).

        Raises
        ------
        InvalidQueryError
            If the filters or another argument cannot be applied, or neither products nor observations
            were given.
        DownloadError
            With ``on_error="raise"``, if a file failed; its ``manifest`` has all rows.
        """
        from ..downloads.download import DownloadRequest  # noqa: PLC0415 - queries need nothing of downloads
        from .product_source import CloudChoice  # noqa: PLC0415

        choice, kind = CloudChoice(cloud_only, force_on_prem), None
        if curl_flag or bundle is not None:
            from ..products.bundle import kind_of_bundle  # noqa: PLC0415 - few ask for one

            kind = kind_of_bundle(curl_flag, bundle, path_template, flat)
            # It is made by MAST itself.
            choice = CloudChoice(force_on_prem=True)
        flow = self._product_flow(choice=choice)
        request = DownloadRequest(download_dir, flat, path_template, cache, overwrite, dry_run, kind)
        options = parallel.RunOptions(verbose, max_workers, executor, timeout, on_error)
        filters = {"mrp_only": mrp_only, **filters} if mrp_only else filters
        return flow.download_products(products, request, options, filters)

    def download_products_iter(
        self,
        products: Any,
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
        **filters: Any,
    ) -> Generator[Row]:
        """Fetch the files of products, and give the row of the manifest for each file when it is there.

        What is done with a file overlaps with the transfer of the next ones.  Leaving the loop ends the download, and
        so does ``close()``, or `contextlib.closing` around it: what is under way is broken off, and can be resumed.

        Parameters
        ----------
        products, download_dir, flat, cache, mrp_only, cloud_only, verbose, path_template, overwrite, force_on_prem
            As `download_products`.
        max_workers, executor, timeout, on_error, **filters
            As `download_products`.

        Returns
        -------
        generator of `~astropy.table.Row`
            Rows of a manifest, in the order in which the files end, failed ones among them.  The first four cells are
            the local path, which is absolute, the status, the message and the address.  `read_product` opens the file
            of a row.

        Raises
        ------
        InvalidQueryError
            At once, as `download_products`.
        DownloadError
            With ``on_error="raise"``, after the last row, if a file failed.

        Examples
        --------
        >>> for row in Observations.download_products_iter(products, extension="fits"):  # doctest: +SKIP
        ...     if row["Status"] == "COMPLETE":
        ...         reduce(row["Local Path"])
        """
        from ..downloads.download import DownloadRequest  # noqa: PLC0415 - queries need nothing of downloads
        from .product_source import CloudChoice  # noqa: PLC0415

        flow = self._product_flow(choice=CloudChoice(cloud_only, force_on_prem))
        request = DownloadRequest(download_dir, flat, path_template, cache, overwrite)
        options = parallel.RunOptions(verbose, max_workers, executor, timeout, on_error)
        return flow.download_products_iter(products, request, options, {"mrp_only": mrp_only, **filters})

    def get_product_urls(
        self,
        products: Any,
        *,
        mrp_only: bool = False,
        cloud_only: bool = False,
        include_bucket: bool = True,
        full_url: bool = False,
        verbose: bool = True,
        **filters: Any,
    ) -> list[str]:
        """Return the addresses of products; nothing is fetched.

        `download_file`, `open_product` and `read_product` take each of them.

        Parameters
        ----------
        products
            As `download_products`.
        mrp_only : bool
            Take only the "Minimum Recommended Products".
        cloud_only : bool
            Leave out what has no open copy in the cloud, where cloud access is enabled.
        include_bucket : bool
            Return addresses in the cloud as ``s3://<bucket>/<key>``; else the key alone.
        full_url : bool
            Return addresses in the cloud over https; needs ``include_bucket=False``, as `get_cloud_uris`.
        verbose : bool
            Whether to show a bar on a terminal, and to log what is listed.
        **filters
            As `filter_products`, ``extension`` among them.

        Returns
        -------
        list of str
            In the order of the products, each once: the address in the cloud after `enable_cloud_dataset` if there is
            an open copy, else the percent-encoded https address at MAST.  What has no address is left out, with a
            warning.

        Raises
        ------
        InvalidQueryError
            If the filters cannot be applied, or neither products nor observations were given.
        """
        from .product_source import AddressForm, CloudChoice  # noqa: PLC0415 - queries need nothing of downloads

        form = AddressForm(include_bucket, full_url, check=False)
        flow = self._product_flow(choice=CloudChoice(cloud_only))
        in_cloud = self._cloud.addressed(form)
        return flow.product_urls(products, {"mrp_only": mrp_only, **filters}, verbose=verbose, in_cloud=in_cloud)

    # -- the cloud, and reading over the network ----------------------------------------------------------------------

    def enable_cloud_dataset(self, provider: str = "AWS", profile: str | None = None, verbose: bool = True) -> None:
        """Let downloads use the public cloud copy of a file where there is one.

        A file that the cloud does not have, or fails to deliver, comes from MAST itself, unless ``cloud_only`` is
        asked for.  Without this call downloads do not look into the cloud, regardless of
        ``conf.enable_cloud_dataset``, which exists for code written for ``astroquery.mast``.

        Parameters
        ----------
        provider : str
            There is only ``"AWS"``.
        profile : str, optional
            Not used: the public data need no account.
        verbose : bool
            Whether to log it.
        """
        self._cloud.enable(provider, profile, verbose=verbose)

    def disable_cloud_dataset(self) -> None:
        """Let downloads come from MAST itself again."""
        self._cloud.enabled = False

    def list_cloud_datasets(self) -> list[str]:
        """Return the missions and projects of which the cloud has copies.

        Returns
        -------
        list of str
            Folders of the public bucket, such as ``"hst"`` or ``"mast/hlsp/qlp"``.

        Raises
        ------
        RemoteServiceError
            If the bucket cannot be listed.
        """
        return self._cloud.datasets()

    def get_cloud_uri(
        self, data_product: Any, *, include_bucket: bool = True, full_url: bool = False, check: bool = False
    ) -> str | None:
        """Return the address of a product in the cloud.

        Parameters
        ----------
        data_product : str or `~astropy.table.Row`
            A dataURI, or a row of a product table.
        include_bucket, full_url, check
            As `get_cloud_uris`.

        Returns
        -------
        str or None
            None, with a warning, if there is no copy.
        """
        from .product_source import AddressForm  # noqa: PLC0415 - queries need nothing of downloads

        return self._cloud.find_one(data_product, AddressForm(include_bucket, full_url, check))

    def get_cloud_uris(
        self,
        data_products: Any = None,
        *,
        include_bucket: bool = True,
        full_url: bool = False,
        pagesize: int | None = None,
        page: int | None = None,
        mrp_only: bool = False,
        extension: str | Iterable[str] | None = None,
        filter_products: Mapping[str, Any] = _NO_FILTERS,
        return_uri_map: bool = False,
        verbose: bool = True,
        check: bool = False,
        **criteria: Any,
    ) -> list[str] | dict[str, str | None] | None:
        """Return the addresses of products in the cloud.

        Parameters
        ----------
        data_products : `~astropy.table.Table`, `~astropy.table.Row`, str, or iterable of these, optional
            Products, or dataURIs; or observations, all of whose products are taken.  Without them the products of the
            observations that meet ``criteria`` are taken.
        include_bucket : bool
            Return addresses ``s3://<bucket>/<key>``; else the key alone.
        full_url : bool
            Return https addresses; needs ``include_bucket=False``, as in ``astroquery.mast``.
        pagesize, page, **criteria
            As `~astroquery_mast.ObservationsClass.query_criteria`.
        mrp_only, extension
            As `~astroquery_mast.ObservationsClass.filter_products`.
        filter_products : mapping
            Further filters: column name and what is wanted there, ``extension`` among them.
        return_uri_map : bool
            Return a dictionary instead.
        verbose : bool
            Whether to warn of products that have no copy.
        check : bool
            Ask the bucket for every product whether it is really there and public.  Otherwise the archive's answer is
            used, which is made for whole collections and is right for nearly all of their files.

        Returns
        -------
        list of str, or dict
            In the order of the products, each once, without those that have no copy, or that are exclusive according
            to their ``dataRights``, so that their copy is not open; or dataURI → address, None for those.  None, with
            a warning, if there was no product to ask for.

        Raises
        ------
        InvalidQueryError
            If there are neither products nor criteria, or a filter cannot be applied.
        RemoteServiceError
            If the archive does not answer.
        """
        if criteria or data_products is None:
            data_products = self._products_or_observations(data_products, criteria, pagesize, page)
        if data_products is None:
            return None
        filters: list[Mapping[str, Any]] = []
        if mrp_only or extension is not None:
            filters.append({"mrp_only": mrp_only, "extension": extension})
        # Apart, because these may hold an extension of their own.
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
        product: Any,
        *,
        cloud_only: bool = False,
        force_on_prem: bool = False,
        block_size: int = BLOCK_SIZE,
        use_fsspec: bool = False,
    ) -> io.BufferedReader | fits.HDUList:
        """Open the file of a product for reading, without downloading it.

        Only the parts that are read come over the network.

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
            The least number of bytes to request at a time.  Larger blocks make fewer requests.
        use_fsspec : bool, default False
            Whether to return what ``fits.open(..., use_fsspec=True)`` returns instead of a file.  `fsspec` then reads
            the bytes, by connections of its own and without a token: for public files only.

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
            If the archive fails, also while the file is read.

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
        self, product: Any, *, cloud_only: bool = False, force_on_prem: bool = False, **kwargs: Any
    ) -> Any:
        """Open a product as the object that fits its kind, without writing it to disk.

        Parameters
        ----------
        product : str, `~astropy.table.Row`, `~astropy.table.Table`, path-like, or file
            A row of a table of products or of a manifest, a dataURI, an address, a path, or an open file, as
            `open_product` takes them.  The kind is known by the name of the file (also with ``.gz``), and by how the
            file begins where an address has no such name.
        cloud_only, force_on_prem : bool, default False
            As `open_product`.
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
        >>> from astroquery_mast import Observations
        >>> with Observations.read_product("mast:HST/product/j97c01010_drc.fits") as hdus:
        ...     print(hdus[0].header["INSTRUME"], hdus["SCI"].data.ndim)
        ACS 2
        """
        return self._files_of(cloud_only, force_on_prem).read(product, kwargs)

    # -- what is in catalogs ---------------------------------------------------------------------------------------

    def crossmatch_detections(
        self,
        table: Any,
        *,
        obs_collection: str | Iterable[str] = "JWST",
        radius: Any = DETECTION_RADIUS,
        best: bool = False,
        dry_run: bool = False,
        download_dir: str | os.PathLike[str] | None = None,
        max_size: int | None = 2_000_000_000,
        ra_column: str | None = None,
        dec_column: str | None = None,
        timeout: float | u.Quantity | None = None,
        max_workers: int | None = None,
        verbose: bool = True,
        **criteria: Any,
    ) -> Table:
        """Return the sources that were detected at each of many positions, from the catalogs of observations there.

        The observations whose footprints are within ``radius`` of a position are asked for, then their products, of
        which the source catalogs are read, each once: ``*_cat.ecsv`` of JWST, the point and segment catalogs of the
        Hubble Advanced Products, and catalogs in FITS, ECSV, CSV or VOTable among other products.

        Parameters
        ----------
        table : `~astropy.table.Table`, `~astropy.coordinates.SkyCoord`, or list
            The positions, as in `ObservationsClass.crossmatch`.
        obs_collection : str or iterable of str
            Whose catalogs: ``"JWST"``, ``"HST"``, ``"HLSP"`` or another collection, or several.  ``"HSC"`` is the
            Hubble Source Catalog, with which the archive matches the positions.
        radius : `~astropy.units.Quantity`, str, or number
            How far from a position a source may be, by default 1 arcsec; a plain number is in degrees.
        best : bool
            Whether to return only the nearest source of each position.
        dry_run : bool
            Whether to return the catalogs that would be read, without reading them.
        download_dir : path-like, optional
            A folder to download the catalogs to, where they are not fetched again; they are read over the network, and
            not kept, if not given.
        max_size : int, optional
            Catalogs of more bytes are not read, with a warning; None for no limit.
        ra_column, dec_column : str, optional
            The columns of the table, if they have other names.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the whole call may take; without it each request has ``conf.timeout``.
        max_workers : int, optional
            Requests, and catalogs, at a time; ``conf.max_workers`` if not given.
        verbose : bool
            Whether to show a progress bar on a terminal, and to log the outcome.
        **criteria : object
            Criteria for the observations, as in `ObservationsClass.query_criteria`, e.g. ``filters="F444W"``.  Those of
            JWST and HST have ``dataproduct_type="image"`` and ``calib_level=[3, 4]``, and those of HST
            ``project="HAP"``, unless other values are given.

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
            if a catalog that covers them was read; ``meta["nocat"]``, if they are covered, and no catalog was read
            there; ``meta["outside"]``, if no observation covers them; ``meta["failed"]``, with the reason, if they have
            no position or no answer.  ``meta["catalogs"]`` lists what was read, and ``meta["skipped"]`` what was not.

            With ``dry_run``, a row for each catalog: ``dataURI``, ``obs_collection``, ``obs_id``, ``size`` (byte),
            ``positions``, the number of positions that its observation covers, ``action`` (``"read"`` or ``"skip"``)
            and ``reason``; ``meta["total_bytes"]`` is the size of all that would be read.

        Raises
        ------
        InvalidQueryError
            If there are no positions, or an argument cannot be applied; nothing was sent then.
        RemoteServiceError, TimeoutError
            If there is no answer for any position, or no catalog can be read.

        Warns
        -----
        NoResultsWarning
            If nothing was found, with the number of positions that are not covered.
        AuthenticationWarning, InputWarning
            If catalogs were not read: because they are exclusive, too large, or damaged.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from astroquery_mast import Observations
        >>> mine = SkyCoord([202.4696], [47.1952], unit="deg")
        >>> plan = Observations.crossmatch_detections(mine, filters="F200W", dry_run=True)
        >>> sorted(set(plan["action"].tolist()))
        ['read']
        """
        from .detections import DetectionQuery, DetectionSearch  # noqa: PLC0415 - other calls do without

        columns = {"ra_column": ra_column, "dec_column": dec_column}
        asked = DetectionQuery(table, radius, obs_collection, criteria, best, max_size, download_dir, columns)
        search = DetectionSearch(self._service, self._product_flow(), self.read_product)
        options = parallel.RunOptions(verbose, max_workers, None, timeout)
        return search.plan(asked, options) if dry_run else search.table(asked, options)

    # -- how -----------------------------------------------------------------------------------------------------

    @property
    def _downloads(self) -> Downloads:
        """What downloads; the URIs of a manifest are enough to find its files."""
        from ..downloads.product_flow import Downloads  # noqa: PLC0415 - queries need nothing of downloads
        from ..products.addresses import files_of_manifest  # noqa: PLC0415

        return Downloads(self._service, lambda each: files_of_manifest(self._service.endpoints.download, each))

    @property
    def _product_files(self) -> ProductFiles:
        """What opens the files of products."""
        return self._files_of(False, False)

    def _files_of(self, cloud_only: bool, force_on_prem: bool, block_size: int = BLOCK_SIZE) -> ProductFiles:
        """What opens the files of products, from the cloud where that is wanted."""
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
        """The way that products go in one call."""
        from ..downloads.product_flow import ProductFlow  # noqa: PLC0415 - queries need nothing of downloads
        from .product_source import ANYWHERE, ObservationSource  # noqa: PLC0415

        source = ObservationSource(self._service, self._cloud, choice or ANYWHERE, cache, base_url)
        return ProductFlow(self._service, source)

    def _products_or_observations(
        self, products: Any, criteria: Mapping[str, Any], pagesize: int | None, page: int | None
    ) -> Any:
        """Products if they were given, or the observations that meet criteria; None if there are none."""
        if products is not None:
            warn.warn_user(f"The criteria {', '.join(criteria)} are not applied: products were given.", InputWarning)
            return products
        if not criteria:
            raise InvalidArgumentError("Please provide either a table of data products or query criteria.")
        observations = self.query_criteria(pagesize=pagesize, page=page, **criteria)
        return observations if len(observations) else None


def cloud_state(client: ObservationProductMethods) -> ProcessState:
    """Return whether files come from the cloud, for a ready-made client."""

    def write(enabled: bool) -> None:
        client._cloud.enabled = enabled

    return ProcessState(lambda: client._cloud.enabled, write, False)
