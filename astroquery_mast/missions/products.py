"""The product flow behind `MastMissionsClass`: listing → filters → plan → transfer → manifest.

In: datasets or products in any form that users hold.  Out: product tables, plans, files on disk and their manifest.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import requests
from astropy import units as u
from astropy.table import Table
from astroquery import log

from ..config import count_setting
from ..downloads.client import Effort, FileTransfers
from ..downloads.destination import destination, file_system_at, local_target
from ..exceptions import DownloadError, InvalidArgumentError, InvalidQueryError, NoResultsWarning
from ..products.existing_files import as_overwrite
from ..products.file_names import PathTemplate
from ..products.filters import unique_products
from ..products.listing import as_product_table, as_table, ask_in_batches, identifiers
from ..products.manifest import Manifest, as_manifest
from ..products.plan import DownloadService, plan, plan_table, single_file
from ..query.request import ApiRequest
from ..service.deadline import Deadline
from ..service.http import AnswerPage
from ..warn import warn_no_results, warn_user
from .files import MissionFiles, MissionSource, filter_mission_products, trouble_with
from .product_list import products_table, read_products
from .search import MissionRequests
from .subscription import as_subscription

__all__ = ["MissionProducts"]

_BATCH = 1000
# Where tables of a mission whose column is not known may have the dataset identifier.
_ELSEWHERE = ("dataset", "fileset")


class MissionProducts(MissionRequests, FileTransfers):
    """The files of datasets; a part of `~astroquery_mast.MastMissionsClass`."""

    # -- listing -------------------------------------------------------------------------------------------------

    def get_product_list(
        self,
        datasets: Any,
        *,
        batch_size: int = _BATCH,
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
            If there is no dataset, or what was given has none.
        RemoteServiceError
            If the archive fails.
        TimeoutError
            If the time was not enough.
        """
        whole = None if timeout is None else self._service.deadline(timeout)
        table = self._list(datasets, self._chosen(mission), batch_size, verbose, whole)
        if not len(table):
            warn_no_results()
        return table

    def get_product_list_async(
        self, datasets: Any, *, batch_size: int = _BATCH, mission: str | None = None
    ) -> list[requests.Response]:
        """Return the responses of `get_product_list`, one for each batch, in order."""
        chosen = self._chosen(mission)
        asked = self._dataset_ids(datasets, chosen)
        exchanges = self._product_answers(asked, chosen, batch_size, False, None)
        return [exchange.response for exchange in exchanges]

    def get_unique_product_list(
        self,
        datasets: Any,
        *,
        batch_size: int = _BATCH,
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
        products = self.get_product_list(
            datasets, batch_size=batch_size, mission=mission, verbose=verbose, timeout=timeout
        )
        unique = unique_products(products, "filename")
        repeated = len(products) - len(unique)
        if repeated and verbose:
            log.info(
                "%d of %d products were duplicates. To return all products, use `MastMissions.get_product_list`.",
                repeated,
                len(products),
            )
        return unique

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
        table = as_table(products)
        if table is None:
            raise InvalidArgumentError(f"A table of products is needed, not a {type(products).__name__}.")
        return filter_mission_products(table, extension, filters)

    # -- files ---------------------------------------------------------------------------------------------------

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
        """Fetch one file by its name or URI.

        Parameters
        ----------
        uri : str
            The name or URI as in a list of products; for missions other than HST, JWST and Roman a full URI, such as
            ``mast:HLSP/...``.
        local_path : path-like, optional
            A file or a folder; the current folder if not given.  A path that does not exist is a folder if it ends in a
            separator or has no ending.  Folders are made as needed.
        cache : bool
            Keep a file that is on disk if it is as long as the archive's.
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
        if not isinstance(uri, str) or not uri.strip():
            raise InvalidQueryError(f"The name or URI of a file is needed, and not {uri!r}.")
        chosen = self._chosen(mission)
        trouble = trouble_with(uri, chosen)
        if trouble is not None:
            raise InvalidQueryError(trouble)
        target = local_target(local_path, PurePosixPath(uri).name)
        planned = single_file(
            uri,
            target,
            download_url=MissionSource(self._service.endpoints, chosen),
            disk=file_system_at(target),
            cache=cache,
            overwrite=overwrite,
        )
        result = self._fetch_one(planned, verbose)
        return str(result.status), result.message, result.url

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
            If the filters or another argument cannot be applied, or what was given is neither products nor datasets.
        DownloadError
            With ``on_error="raise"``, if a file did not come; its ``manifest`` has all rows.
        """
        chosen = self._chosen(mission)
        as_overwrite(cache, overwrite)
        effort = Effort(verbose, max_workers, executor, timeout, on_error)
        clock = effort.clock()
        listed = self._products_of(products, chosen, verbose, clock)
        wanted = filter_mission_products(listed, extension, filters)
        if not len(wanted):
            warn_user("No products to download.", NoResultsWarning)
            return None
        in_folders = not flat and path_template is None
        files = MissionFiles.of(wanted, chosen, in_folders=in_folders)
        folder = destination(download_dir)
        planned = files.checked(
            plan(
                files.table,
                base_dir=folder / "mastDownload" if in_folders else folder,
                download_url=files.source(self._service.endpoints, chosen),
                disk=file_system_at(folder),
                flat=flat,
                path_template=path_template,
                cache=cache,
                overwrite=overwrite,
            )
        )
        if dry_run:
            return plan_table(planned)
        try:
            return files.with_missions(as_manifest(self._fetch(planned, effort.at(clock))))
        except DownloadError as err:
            raise DownloadError(str(err), files.with_missions(err.manifest)) from err

    # -- how -----------------------------------------------------------------------------------------------------

    def _source_of(self, manifest: Table) -> str | DownloadService:
        """Where the files of a manifest come from; it has the missions, unless it was cut."""
        if not {"mission", "dataURI"} <= set(manifest.colnames):
            return MissionSource(self._service.endpoints, self.mission)
        pairs = zip(*(np.ma.asarray(manifest[name]).tolist() for name in ("dataURI", "mission")), strict=True)
        known = {str(uri): str(mission) for uri, mission in pairs if uri and mission}
        return MissionSource(self._service.endpoints, self.mission, known)

    def _dataset_ids(self, datasets: Any, mission: str) -> list[str]:
        """The identifiers of datasets, each once."""
        found = list(dict.fromkeys(identifiers(datasets, lambda table: self._ids_in(table, mission), "dataset")))
        if not found:
            raise InvalidQueryError("Dataset list is empty, no associated products.")
        return found

    def _ids_in(self, table: Table, mission: str) -> list[object]:
        """The identifiers in a table of datasets."""
        own = self.dataset_kwds.get(mission)
        candidates = [own] if own else [*self.dataset_kwds.values()]
        by_name = {name.lower(): name for name in table.colnames}
        name = next((by_name[each.lower()] for each in (*candidates, *_ELSEWHERE) if each.lower() in by_name), None)
        if name is None:
            raise InvalidArgumentError(
                f'Dataset keyword not found for mission "{mission}": a table of its datasets has a column '
                f"{own or 'that is not known here'!r}, and this one has {', '.join(table.colnames)}. Give the "
                "identifiers as text, a list, or a column."
            )
        return list(np.ma.asarray(table[name]).tolist())

    def _product_answers(
        self, datasets: Sequence[str], mission: str, batch_size: int, verbose: bool, whole: Deadline | None
    ) -> list[AnswerPage]:
        """The answers for datasets, asked for in batches."""

        def ask(batch: Sequence[str]) -> AnswerPage:
            """The answer for one batch."""
            # With a deadline of its own, or halving the first batch that is late would come too late.
            return self._service.http.part(
                self._product_question(batch, mission), read_products, deadline=Deadline.within(whole)
            )

        workers = count_setting("max_workers")
        return list(ask_in_batches(datasets, ask, batch_size=batch_size, max_workers=workers, verbose=verbose))

    def _product_question(self, datasets: Sequence[str], mission: str) -> ApiRequest:
        """The question for the products of datasets."""
        url = f"{self._service.endpoints.mission(mission)}/post_list_products"
        return ApiRequest(f"MAST product list ({mission})", url, {"dataset_ids": list(datasets)})

    def _list(self, datasets: Any, mission: str, batch_size: int, verbose: bool, whole: Deadline | None) -> Table:
        """The products of datasets, without a warning where there are none."""
        asked = self._dataset_ids(datasets, mission)
        answers = self._product_answers(asked, mission, batch_size, verbose, whole)
        return products_table(self._product_question(asked, mission), [answer.page for answer in answers], asked)

    def _products_of(self, given: Any, mission: str, verbose: bool, clock: Deadline | None) -> Table:
        """The product table that is meant, whatever was given."""
        given = as_product_table(given, ("filename", "uri"))
        table = as_table(given)
        if table is None:
            table = as_subscription(given)
        elif not {"filename", "uri"} & set(table.colnames):
            table = None
        if table is not None:
            return table
        if given is None or (isinstance(given, Sequence) and not len(given)):
            raise InvalidQueryError("No products specified for download.")
        return self._list(given, mission, _BATCH, verbose, clock)
