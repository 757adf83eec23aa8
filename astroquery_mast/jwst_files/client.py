"""`JwstFilesClass`: JWST files by their header keywords, and updates of files on disk.

In: criteria on header keywords; files on disk. Out: tables of files, which can be downloaded and verified with the MD5
digests of MAST; manifests.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import Executor
from functools import cached_property
from typing import TYPE_CHECKING

from astropy import units as u
from astropy.table import Table

from ..deferred import FreshAttribute
from ..downloads.methods import BLOCK_SIZE, DownloadMethods
from ..query.criterion import CriteriaNamespace, Criterion
from ..service.core import MastClass
from ..service.parallel import RunOptions
from .keyword_columns import column_list, known_columns
from .keyword_question import FileQuestion, all_columns
from .keyword_search import KeywordSearch
from .known_criteria import file_criteria

if TYPE_CHECKING:
    from ..downloads.product_files import ProductFiles
    from ..downloads.product_flow import Downloads, ProductFlow
    from ..products.file_names import PathTemplate
    from ..products.manifest import Manifest
    from ..query.types import CriterionLike, ProductsLike, SortLike

__all__ = ["JwstFiles", "JwstFilesClass"]


class JwstFilesClass(MastClass):
    """Search the FITS files of JWST by the keywords of their headers.

    Parameters
    ----------
    mast_token : str, optional
        A token for this client alone.  By default, the client shares the login of all others.
    server : str, optional
        The address of the server for this client alone.  Defaults to ``conf.server``.
    session : `requests.Session`, optional
        The session that sends the requests.  By default, a new one is created.

    Examples
    --------
    >>> from astroquery_mast import JwstFiles
    >>> files = JwstFiles.query_criteria(
    ...     program=1386, instrument="MIRI", suffix="i2d", filter="F1140C"
    ... )
    >>> len(files)
    3
    """

    _starting_points = ("query_criteria", "list_columns", "help")

    verify_downloads = DownloadMethods.verify_downloads
    retry_downloads = DownloadMethods.retry_downloads
    open_product = DownloadMethods.open_product
    read_product = DownloadMethods.read_product
    get_headers = DownloadMethods.get_headers

    @cached_property
    def _search(self) -> KeywordSearch:
        """The search for files."""
        return KeywordSearch(self._service)

    @property
    def _downloads(self) -> Downloads:
        """The downloads."""
        from ..downloads.product_flow import Downloads  # noqa: PLC0415 - downloads are optional

        return Downloads(self._service)

    @property
    def _product_files(self) -> ProductFiles:
        """The object that opens the files of products."""
        from ..downloads.product_files import ArchiveFiles, ProductFiles  # noqa: PLC0415 - queries do not need it

        return ProductFiles(self._service, ArchiveFiles(self._service), BLOCK_SIZE)

    def _product_flow(self) -> ProductFlow:
        """Return the steps of a product download."""
        from ..downloads.product_flow import ProductFlow  # noqa: PLC0415 - queries do not need downloads
        from ..observations.product_source import CloudFiles, ObservationSource  # noqa: PLC0415

        return ProductFlow(self._service, ObservationSource(self._service, CloudFiles(self._service)))

    # -- queries ---------------------------------------------------------------------------------------------------

    def query_criteria(
        self,
        *,
        instrument: str | Iterable[str] | None = None,
        suffix: str | Iterable[str] | None = None,
        columns: str | Iterable[str] | None = None,
        limit: int | None = None,
        sort_by: SortLike | None = None,
        sort_desc: bool | Iterable[bool] | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        cache: bool | None = None,
        **criteria: CriterionLike,
    ) -> Table | dict[str, object] | list[dict[str, object]]:
        """Return the FITS files whose headers meet all criteria.

        For example, ``query_criteria(program=1783, instrument="NIRCam", productLevel="3", suffix="i2d")`` returns all
        files of a program, an instrument, a level and a type.

        Parameters
        ----------
        instrument : str or iterable of str, optional
            The instruments, in any case: ``"NIRCam"``, ``"NIRISS"``, ``"NIRSpec"``, ``"MIRI"``, ``"FGS"``,
            ``"GuideStar"`` (guiding) or ``"Wss"`` (wavefront sensing).  Defaults to the first five.
        suffix : str or iterable of str, optional
            The ends of file names before ``.fits``, such as ``"i2d"`` or ``["cal", "rate"]``.
        columns : str or iterable of str, optional
            The columns to return; ``dataURI``, ``filename``, ``fileSize``, ``checksum`` and ``isRestricted``, which
            downloads require, are always included.  By default, all columns are returned.
        limit : int, optional
            The largest number of files to return; a warning is issued if there are more.  By default, all files are
            returned.
        sort_by : str, tuple, or list of these, optional
            The columns to sort by, or pairs such as ``("desc", "date_obs")``.
        sort_desc : bool or iterable of bool, optional
            Whether to sort in descending order: one value for all columns, or one for each.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        get_query_payload : bool, default False
            Whether to return the request without sending it; a list if there are several.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.
        **criteria : object
            Columns of `list_columns`, in any case, with the values to select: a value or a list of alternatives, text
            with ``*`` as a wildcard, ``"!x"`` to exclude, ``">=5"``, or ``(minimum, maximum)`` where None leaves an end
            open.  True and False match the letters ``t`` and ``f``, as in ``is_psf=True``.  Dates are
            `~astropy.time.Time`, `~datetime.datetime` or text, as in ``date_obs=("2022-07-01", None)``.
            ``productLevel`` is ``1b``, ``2a``, ``2b``, ``2c`` or ``3``; 2 matches all that begin with it.
            `~astropy.units.Quantity` is converted to the unit of the column.  An instrument without one of the columns
            is not queried.

        Returns
        -------
        `~astropy.table.Table`, dict, or list of dict
            One row for each file, or the request.  ``dataURI`` is the first column; `download_products`, also that of
            `~astroquery_mast.ObservationsClass`, takes the table or its rows.  Columns that an instrument does not have
            are masked.  ``checksum`` is the MD5 digest of the file, and ``fileSize`` is in bytes.

        Raises
        ------
        InvalidQueryError
            If there is no such instrument or column, or a criterion is not valid; no search is sent in this case.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If nothing is found.
        `~astroquery.exceptions.MaxResultsWarning`
            If there are more rows than ``limit``.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles
        >>> references = JwstFiles.query_criteria(program=1386, is_psf=True, suffix="cal")
        >>> references["filename", "exp_type", "targprop"][:2].pprint()
                          filename                   exp_type  targprop
        ------------------------------------------- --------- ---------
        jw01386003001_02101_00001_nrcalong_cal.fits NRC_CORON HIP-68245
        jw01386003001_02101_00002_nrcalong_cal.fits NRC_CORON HIP-68245
        """
        question = FileQuestion(criteria, instrument, suffix, columns, limit, sort_by, sort_desc, cache)
        deadline = self._service.deadline(timeout)
        if get_query_payload:
            return self._search.payload(question, deadline)
        return self._search.table(question, deadline)

    def query_criteria_count(
        self,
        *,
        instrument: str | Iterable[str] | None = None,
        suffix: str | Iterable[str] | None = None,
        timeout: float | u.Quantity | None = None,
        cache: bool | None = None,
        **criteria: CriterionLike,
    ) -> int:
        """Return the number of FITS files whose headers meet all criteria.

        Parameters
        ----------
        instrument : str or iterable of str, optional
            The instruments, in any case: ``"NIRCam"``, ``"NIRISS"``, ``"NIRSpec"``, ``"MIRI"``, ``"FGS"``,
            ``"GuideStar"`` (guiding) or ``"Wss"`` (wavefront sensing).  Defaults to the first five.
        suffix : str or iterable of str, optional
            The ends of file names before ``.fits``, such as ``"i2d"`` or ``["cal", "rate"]``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.
        **criteria : object
            Columns of `list_columns`, in any case, with the values to select: a value or a list of alternatives, text
            with ``*`` as a wildcard, ``"!x"`` to exclude, ``">=5"``, or ``(minimum, maximum)`` where None leaves an end
            open.  True and False match the letters ``t`` and ``f``, as in ``is_psf=True``.  Dates are
            `~astropy.time.Time`, `~datetime.datetime` or text, as in ``date_obs=("2022-07-01", None)``.
            ``productLevel`` is ``1b``, ``2a``, ``2b``, ``2c`` or ``3``; 2 matches all that begin with it.
            `~astropy.units.Quantity` is converted to the unit of the column.  An instrument without one of the columns
            is not queried.

        Returns
        -------
        int
            The number of files.

        Raises
        ------
        InvalidQueryError
            If there is no such instrument or column, or a criterion is not valid; no search is sent in this case.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles
        >>> JwstFiles.query_criteria_count(program=1386, exp_type="MIR_4QPM", productLevel="3")
        6
        """
        question = FileQuestion(criteria, instrument, suffix, cache=cache)
        return self._search.count(question, self._service.deadline(timeout))

    def list_columns(
        self, instrument: str | Iterable[str] | None = None, *, timeout: float | u.Quantity | None = None
    ) -> Table:
        """Return the columns that `query_criteria` takes as criteria and returns.

        Parameters
        ----------
        instrument : str or iterable of str, optional
            The instruments, in any case: ``"NIRCam"``, ``"NIRISS"``, ``"NIRSpec"``, ``"MIRI"``, ``"FGS"``,
            ``"GuideStar"`` (guiding) or ``"Wss"`` (wavefront sensing).  Defaults to the first five.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each column: ``name``, ``kind``, ``unit``, ``description``, and the ``instruments`` that have
            it.

        Raises
        ------
        InvalidQueryError
            If there is no such instrument.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles
        >>> columns = JwstFiles.list_columns()
        >>> columns[columns["name"] == "grating"]["kind", "description", "instruments"].pprint()
         kind  description instruments
        ------ ----------- -----------
        string     Grating     NIRSpec
        """
        return column_list(self._search.columns(instrument, self._service.deadline(timeout)))

    @FreshAttribute
    def criteria(self) -> CriteriaNamespace:
        """The criteria of `query_criteria` that this version of the package knows, for completion with Tab.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles
        >>> "grating" in JwstFiles.criteria
        True
        """
        return file_criteria(known_columns(), self._service.endpoints.server)

    def help(
        self,
        name: str | None = None,
        /,
        *,
        instrument: str | Iterable[str] | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> Criterion | CriteriaNamespace:
        """Return the values that a criterion of `query_criteria` takes, or a list of all criteria.

        The columns of the instruments are requested from MAST, unless they are known from an earlier call.

        Parameters
        ----------
        name : str, optional
            The criterion, in any case.  By default, all criteria are returned.
        instrument : str or iterable of str, optional
            The instruments, in any case: ``"NIRCam"``, ``"NIRISS"``, ``"NIRSpec"``, ``"MIRI"``, ``"FGS"``,
            ``"GuideStar"`` (guiding) or ``"Wss"`` (wavefront sensing).  Defaults to the first five.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astroquery_mast.query.criterion.Criterion` or `~astroquery_mast.query.criterion.CriteriaNamespace`
            An object with a display for terminals and notebooks.

        Raises
        ------
        InvalidQueryError
            If there is no such instrument or criterion; the message suggests similar names.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles
        >>> JwstFiles.help("grating", instrument="NIRSpec").data_type
        'text'
        """
        columns = self._search.columns(instrument, self._service.deadline(timeout))
        every = file_criteria(all_columns(columns.values()), self._service.endpoints.server)
        return every if name is None else every[name]

    def list_values(
        self,
        column: str,
        /,
        *,
        instrument: str | Iterable[str] | None = None,
        suffix: str | Iterable[str] | None = None,
        timeout: float | u.Quantity | None = None,
        cache: bool | None = None,
        **criteria: CriterionLike,
    ) -> Table:
        """Return the values of a column among the files that meet all criteria, and the number of files for each.

        The column is retrieved for these files, up to ``conf.server_row_limit``, and its values are counted locally.

        Parameters
        ----------
        column : str
            A column of text, integers or booleans; see `list_columns`.
        instrument : str or iterable of str, optional
            The instruments, in any case: ``"NIRCam"``, ``"NIRISS"``, ``"NIRSpec"``, ``"MIRI"``, ``"FGS"``,
            ``"GuideStar"`` (guiding) or ``"Wss"`` (wavefront sensing).  Defaults to the first five.
        suffix : str or iterable of str, optional
            The ends of file names before ``.fits``, such as ``"i2d"`` or ``["cal", "rate"]``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.
        **criteria : object
            Columns of `list_columns`, in any case, with the values to select: a value or a list of alternatives, text
            with ``*`` as a wildcard, ``"!x"`` to exclude, ``">=5"``, or ``(minimum, maximum)`` where None leaves an end
            open.  True and False match the letters ``t`` and ``f``, as in ``is_psf=True``.  Dates are
            `~astropy.time.Time`, `~datetime.datetime` or text, as in ``date_obs=("2022-07-01", None)``.
            ``productLevel`` is ``1b``, ``2a``, ``2b``, ``2c`` or ``3``; 2 matches all that begin with it.
            `~astropy.units.Quantity` is converted to the unit of the column.  An instrument without one of the columns
            is not queried.

        Returns
        -------
        `~astropy.table.Table`
            The columns ``value`` and ``count``, in order of decreasing count.

        Raises
        ------
        InvalidQueryError
            If the column does not exist or is continuous, a criterion is not valid, or too many files match.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles
        >>> JwstFiles.list_values("subarray", program=1386).pprint()
           value    count
        ----------- -----
        SUB320A335R    46
           MASK1140    23
           MASK1550    23
        """
        question = FileQuestion(criteria, instrument, suffix, cache=cache)
        return self._search.values(column, question, self._service.deadline(timeout))

    # -- files -----------------------------------------------------------------------------------------------------

    def download_products(
        self,
        products: ProductsLike,
        *,
        download_dir: str | os.PathLike[str] | None = None,
        flat: bool = False,
        cache: bool = True,
        verbose: bool = True,
        dry_run: bool = False,
        path_template: PathTemplate | None = None,
        overwrite: str | None = None,
        max_workers: int | None = None,
        executor: Executor | None = None,
        timeout: float | u.Quantity | None = None,
        on_error: str = "warn",
        **filters: CriterionLike,
    ) -> Manifest | Table | None:
        """Download files, and verify each with the MD5 digest listed by MAST.

        A file with another digest is rejected and deleted.  A file that is on disk is kept if its digest matches, and
        is downloaded again otherwise.

        Parameters
        ----------
        products : `~astropy.table.Table`, `~astropy.table.Row`, or list of str
            Files as returned by `query_criteria`.  Products of `~astroquery_mast.ObservationsClass` and dataURIs are
            accepted, too, without known digests.
        download_dir : path-like, optional
            The folder to download to; ``~`` is expanded.  Defaults to the current folder.  An address such as
            ``s3://bucket/prefix`` is an object store; see `astroquery_mast.downloads.store`.
        flat : bool, default False
            Whether to write all files directly to that folder, instead of to ``mastDownload/JWST/<obs_id>/`` in it.
        cache : bool, default True
            Whether to keep files that are on disk: without a request if the size is that of the catalog, otherwise if
            the file at MAST has the same size.  With False, all files are downloaded again.
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
            Filters: the name of a column of the table and the value to select, a list of alternatives, or a range; see
            `astroquery_mast.products.filters`.

        Returns
        -------
        `~astroquery_mast.products.manifest.Manifest`, `~astropy.table.Table` or None
            The manifest, with one row for each file and its ``Checksum``; or None if no file is left.  With
            ``dry_run``, the plan: ``Local Path``, ``URL`` (percent-encoded), ``Size`` (bytes), ``Action``, ``Reason``,
            ``Rights`` and ``Accessible``.

        Raises
        ------
        InvalidQueryError
            If a filter or another argument is not valid, or ``products`` does not contain files.
        DownloadError
            With ``on_error="raise"``, if a file failed; its attribute ``manifest`` has all rows.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If no file is left.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles
        >>> mosaics = JwstFiles.query_criteria(
        ...     program=1386, instrument="MIRI", suffix="i2d", filter="F1140C"
        ... )
        >>> manifest = JwstFiles.download_products(mosaics, verbose=False)
        >>> print(*manifest["Status"])
        COMPLETE COMPLETE COMPLETE
        """
        from ..downloads.download import DownloadRequest  # noqa: PLC0415 - queries do not need downloads

        request = DownloadRequest(download_dir, flat, path_template, cache, overwrite, dry_run)
        options = RunOptions(verbose, max_workers, executor, timeout, on_error)
        return self._product_flow().download_products(products, request, options, filters)

    def refresh(
        self,
        files: str | os.PathLike[str] | Table | Iterable[str | os.PathLike[str]],
        *,
        replace: bool = False,
        dry_run: bool = False,
        verbose: bool = True,
        max_workers: int | None = None,
        executor: Executor | None = None,
        timeout: float | u.Quantity | None = None,
        on_error: str = "warn",
    ) -> Manifest:
        """Update files on disk: download the files that have been reprocessed since.

        A file is compared with that of MAST by its size and its MD5 digest or, if MAST lists no digest, by ``CAL_VER``
        and ``CRDS_CTX`` of its header.  The new file replaces the old one after it is complete and verified.  If a
        download fails, the old file is not changed.

        Parameters
        ----------
        files : path-like, `~astropy.table.Table`, or iterable of path-like
            A folder, searched recursively for FITS files whose names begin with ``jw`` and a program number; a
            manifest, as returned by a download or as the path of its file; or files.
        replace : bool, default False
            Whether to delete the old files.  Otherwise each is moved to a folder ``superseded-<date>`` next to the new
            file.
        dry_run : bool, default False
            Whether to report the files that are out of date without downloading anything.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
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

        Returns
        -------
        `~astroquery_mast.products.manifest.Manifest`
            One row for each file.  ``Status`` is ``OK`` (up to date), ``COMPLETE`` (a new file was downloaded),
            ``CHANGED`` (out of date, with ``dry_run``), ``ERROR``, ``MISSING`` (not on disk), or ``SKIPPED`` (not a
            file of JWST, or unknown to MAST).  ``Reason`` explains the status, and ``Kept As`` is the path of an old
            file.  `retry_downloads` downloads the files that are out of date or failed.

        Raises
        ------
        InvalidQueryError
            If ``files`` is neither files nor a manifest.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.
        DownloadError
            With ``on_error="raise"``, if a file failed; its attribute ``manifest`` has all rows.

        Warns
        -----
        `~astroquery.exceptions.InputWarning`
            If MAST does not know a file.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles
        >>> guiding = JwstFiles.query_criteria(program=1386, instrument="GuideStar", observtn=1)
        >>> manifest = JwstFiles.download_products(guiding, verbose=False)
        >>> JwstFiles.refresh(manifest)["Status", "Reason"].pprint()
        Status      Reason
        ------ ----------------
            OK MD5 matches MAST
            OK MD5 matches MAST
        """
        from .refresh import Refresh  # noqa: PLC0415 - queries do not need downloads

        options = RunOptions(verbose, max_workers, executor, timeout, on_error)
        work = Refresh(self._service, self._search.instruments, self._downloads, options)
        return work.manifest(files, keep_old=not replace, dry_run=dry_run)


JwstFiles = JwstFilesClass()
