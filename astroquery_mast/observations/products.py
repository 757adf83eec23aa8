"""The product flow behind `ObservationsClass`: listing → filters → plan → transfer → manifest.

In: observations or products in any form that users hold. Out: plans, files on disk and their manifest. The steps are in
`astroquery_mast.products`; here they are put together and given the archive.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path, PurePosixPath
from typing import Any

from astropy import units as u
from astropy.table import Table

from ..downloads.client import Effort
from ..downloads.destination import destination, file_system_at, local_target
from ..exceptions import InvalidQueryError, NoResultsWarning
from ..products.bundle import Bundle
from ..products.existing_files import as_overwrite
from ..products.file_names import PathTemplate
from ..products.listing import as_product_table
from ..products.manifest import Manifest, as_manifest
from ..products.plan import PlannedFile, plan, plan_table, single_file
from ..service.deadline import Deadline
from ..warn import warn_user
from .files import ObservationFiles, kind_of_bundle, only_in_cloud, refuse_contradiction, uris_of

__all__ = ["ObservationProducts"]


class ObservationProducts(ObservationFiles):
    """The files of observations; a part of `~astroquery_mast.ObservationsClass`."""

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
            Keep a file that is on disk if it is as long as the archive's.
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
        if not isinstance(uri, str) or not uri.strip():
            raise InvalidQueryError(f"A dataURI is needed, such as 'mast:HST/product/x.fits', and not {uri!r}.")
        refuse_contradiction(cloud_only, force_on_prem)
        in_cloud = self._in_cloud(cloud_only, force_on_prem)
        target = local_target(local_path, PurePosixPath(uri).name)
        planned = single_file(
            uri,
            target,
            download_url=base_url or self._service.endpoints.download,
            disk=file_system_at(target),
            cache=cache,
            overwrite=overwrite,
            cloud_url=self._cloud_urls([uri]).get(uri) if in_cloud else None,
        )
        planned = only_in_cloud(planned) if in_cloud and cloud_only else planned
        result = self._fetch_one(planned, verbose)
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
            Keep files that are on disk: without asking the archive if they have the catalogued size, else if the
            archive's file is as long.  False fetches all files anew.
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
            What becomes of files that are on disk: ``"never"`` keeps them whatever they are, without asking;
            ``"if-changed"`` asks the archive about each, and fetches those that are of another length or older than
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
            Time, in seconds without a unit, that the whole call may take; what has not come by then is an error in the
            manifest.
        on_error : str
            About files that did not come, ``"warn"`` logs a warning, ``"raise"`` raises when all the others have come,
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
            If the filters or another argument cannot be applied, or what was given is neither products nor
            observations.
        DownloadError
            With ``on_error="raise"``, if a file did not come; its ``manifest`` has all rows.
        """
        refuse_contradiction(cloud_only, force_on_prem)
        kind = kind_of_bundle(curl_flag, bundle, path_template, flat)
        as_overwrite(cache, overwrite)
        effort = Effort(verbose, max_workers, executor, timeout, on_error)
        clock = effort.clock()
        table = self._selected(products, verbose, mrp_only, filters, clock)
        if table is None:
            return None
        folder = destination(download_dir)
        whole = None if kind is None else Bundle.of(table, kind)
        in_cloud = whole is None and self._in_cloud(cloud_only, force_on_prem)
        planned = plan(
            table,
            base_dir=folder if flat or path_template is not None else folder / "mastDownload",
            download_url=self._service.endpoints.download,
            disk=file_system_at(folder),
            flat=flat,
            path_template=path_template,
            cache=cache,
            overwrite=overwrite,
            cloud_urls=self._cloud_urls(uris_of(table)) if in_cloud else None,
        )
        if in_cloud and cloud_only:
            planned = [only_in_cloud(file) for file in planned]
        if whole is not None:
            return self._bundled(whole, planned, folder, None if dry_run else effort.at(clock))
        return plan_table(planned) if dry_run else as_manifest(self._fetch(planned, effort.at(clock)))

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
        products, download_dir, flat, mrp_only, layout, verbose, **filters
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

    # -- how -----------------------------------------------------------------------------------------------------

    def _selected(
        self, products: Any, verbose: bool, mrp_only: bool, filters: Mapping[str, Any], clock: Deadline | None
    ) -> Table | None:
        """The products that are wanted, each file once; None, with a warning, if there is none."""
        given = as_product_table(products, ("dataURI",))
        listed = self._products_of(given, verbose, None if clock is None else clock.seconds)
        table = self._unique(self.filter_products(listed, mrp_only=mrp_only, **filters), verbose)
        if not len(table):
            warn_user("No products to download.", NoResultsWarning)
            return None
        return table

    def _bundled(self, bundle: Bundle, planned: list[PlannedFile], folder: Path, effort: Effort | None) -> Table:
        """Fetch many products in one file, or without an effort show what would be fetched."""
        file = bundle.planned(self._service.endpoints.bundle, folder)
        if effort is None:
            return plan_table(bundle.shown(planned, file))
        self._log_in_for(planned)
        return as_manifest(self._fetch_bundle(bundle, file, effort))
