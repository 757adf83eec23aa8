"""The methods of `ObservationsClass` for products: listed, filtered and downloaded.

In: observations or products in all forms in which users may have them. Out: product tables, plans, files on disk and
their manifest. The work is done by `astroquery_mast.downloads.product_flow`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

import requests
from astropy import units as u
from astropy.table import Table

from ..service.parallel import RunOptions
from .cloud_methods import ObservationCloudMethods

if TYPE_CHECKING:
    from ..products.file_names import PathTemplate
    from ..products.manifest import Manifest


class ObservationProductMethods(ObservationCloudMethods):
    """What `~astroquery_mast.ObservationsClass` has for products."""

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
        """Fetch one file by its dataURI.

        Parameters
        ----------
        uri : str
            The dataURI, e.g. ``mast:JWST/product/jw00736-o039_t001_miri_ch1-long_x1d.fits``.
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
            If there is no URI, or the arguments contradict each other.
        """
        from .cloud import CloudChoice  # noqa: PLC0415 - queries need nothing of downloads

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
            One row for each file; with ``dry_run`` a plan as `get_download_urls` returns it; None, with a warning, if
            no product is left.

        Raises
        ------
        InvalidQueryError
            If the filters or another argument cannot be applied, or neither products nor observations
            were given.
        DownloadError
            With ``on_error="raise"``, if a file failed; its ``manifest`` has all rows.
        """
        from ..downloads.product_flow import DownloadRequest  # noqa: PLC0415 - queries need nothing of downloads
        from ..products.bundle import kind_of_bundle  # noqa: PLC0415
        from .cloud import CloudChoice  # noqa: PLC0415

        choice = CloudChoice(cloud_only, force_on_prem)
        kind = kind_of_bundle(curl_flag, bundle, path_template, flat)
        # A bundle is made by MAST itself.
        flow = self._product_flow(choice=choice if kind is None else CloudChoice(force_on_prem=True))
        request = DownloadRequest(download_dir, flat, path_template, cache, overwrite, dry_run, kind)
        options = RunOptions(verbose, max_workers, executor, timeout, on_error)
        filters = {"mrp_only": mrp_only, **filters}
        return flow.download_products(products, request, options, filters)

    def get_download_urls(
        self,
        products: Any,
        *,
        download_dir: str | os.PathLike[str] | None = None,
        flat: bool = False,
        mrp_only: bool = False,
        path_template: PathTemplate | None = None,
        verbose: bool = True,
        **filters: Any,
    ) -> Table | None:
        """Return the addresses of products, and where `download_products` would put them; nothing is fetched.

        Parameters
        ----------
        products, download_dir, flat, mrp_only, path_template, verbose, **filters
            As `download_products`.

        Returns
        -------
        `~astropy.table.Table` or None
            One row for each file: ``Local Path``, ``URL`` (percent-encoded), ``Cloud URL`` (where cloud access is
            enabled), ``Size`` (bytes), ``Action``, ``Reason``, ``Rights``; ``meta`` has ``total_bytes``, which would be
            fetched, and ``unknown_sizes``, for how many files that is not known.  None, with a warning, if no product
            is left.

        Raises
        ------
        InvalidQueryError
            As `download_products`.
        """
        return self.download_products(
            products,
            download_dir=download_dir,
            flat=flat,
            mrp_only=mrp_only,
            path_template=path_template,
            verbose=verbose,
            dry_run=True,
            **filters,
        )
