"""`JwstFilesClass`: the files of JWST by what their headers say, and whether the files on disk are the newest.

In: criteria on header keywords; files on disk. Out: tables of files that can be downloaded and are verified against the
archive's own MD5; manifests.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import Executor
from functools import cached_property
from typing import TYPE_CHECKING, Any

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

__all__ = ["JwstFiles", "JwstFilesClass"]


class JwstFilesClass(MastClass):
    """Files of JWST by the keywords of their headers, one row for each FITS file.

    Parameters
    ----------
    mast_token, server, session : object, optional
        As `MastClass`.
    """

    _starting_points = ("query_criteria", "list_columns", "help")

    verify_downloads = DownloadMethods.verify_downloads
    retry_downloads = DownloadMethods.retry_downloads
    open_product = DownloadMethods.open_product
    read_product = DownloadMethods.read_product
    get_headers = DownloadMethods.get_headers

    @cached_property
    def _search(self) -> KeywordSearch:
        """What asks for files."""
        return KeywordSearch(self._service)

    @property
    def _downloads(self) -> Downloads:
        """What downloads."""
        from ..downloads.product_flow import Downloads  # noqa: PLC0415 - queries need nothing of downloads

        return Downloads(self._service)

    @property
    def _product_files(self) -> ProductFiles:
        """What opens the files of products."""
        from ..downloads.product_files import ArchiveFiles, ProductFiles  # noqa: PLC0415 - queries need nothing of it

        return ProductFiles(self._service, ArchiveFiles(self._service), BLOCK_SIZE)

    def _product_flow(self) -> ProductFlow:
        """The way that products go in one call."""
        from ..downloads.product_flow import ProductFlow  # noqa: PLC0415 - queries need nothing of downloads
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
        sort_by: Any = None,
        sort_desc: bool | Iterable[bool] | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        cache: bool | None = None,
        **criteria: Any,
    ) -> Table | dict[str, object] | list[dict[str, object]]:
        """Return the FITS files whose headers meet all criteria.

        All files of a program, an instrument, a level and a kind in one call are
        ``query_criteria(program=1783, instrument="NIRCam", productLevel="3", suffix="i2d")``.

        Parameters
        ----------
        instrument : str or iterable of str, optional
            ``"NIRCam"``, ``"NIRISS"``, ``"NIRSpec"``, ``"MIRI"``, ``"FGS"``, ``"GuideStar"`` (files about guiding) or
            ``"Wss"`` (wavefronts), whatever the case.  The first five if not given; they are asked side by side.
        suffix : str or iterable of str, optional
            The ends of file names, before ``.fits``: ``"i2d"``, or ``["cal", "rate"]``.
        columns : str or iterable of str, optional
            The columns to return, all if not given; ``dataURI``, ``filename``, ``fileSize``, ``checksum`` and
            ``isRestricted``, which downloads need, always come.
        limit : int, optional
            How many files to return at most; a warning tells if there are more.
        sort_by : str or iterable, optional
            Columns to sort by, as in `~astroquery_mast.ObservationsClass.query_criteria`.
        sort_desc : bool or iterable of bool, optional
            Whether the largest comes first; one for all columns, or one for each.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        get_query_payload : bool, default False
            Return the request instead of sending it; a list of them if there are several.
        cache : bool, optional
            Whether to use answers that were kept on disk, and to keep this one; ``conf.cache`` if not given.
        **criteria : object
            Columns of `list_columns`, whatever the case of their letters, in the language of all criteria: a value, a
            list of values, ``*`` as a wildcard, ``"!x"`` for anything else, ``(minimum, maximum)`` with None for an
            open end, ``">=5"``.

            - True and False stand for the letters ``t`` and ``f``, as in ``is_psf=True``.
            - Dates are `~astropy.time.Time`, `~datetime.datetime` or text: ``date_obs=("2022-07-01", None)``.  They
              are compared with the number beside the date (``date_obs_mjd``).
            - ``productLevel`` is ``1b``, ``2a``, ``2b``, ``2c`` or ``3``; 2 stands for all that begin with it.
            - `~astropy.units.Quantity` is converted to the unit of the column.

            An instrument that lacks one of the columns has no such files and is not asked.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each file.  ``dataURI`` comes first; `download_products`, also that of
            `~astroquery_mast.ObservationsClass`, takes the table or rows of it.  What an instrument has no column for
            is masked.  ``checksum`` is the archive's MD5 digest, ``fileSize`` is in bytes.

        Raises
        ------
        InvalidQueryError
            If there is no such instrument or column, or a criterion cannot be applied; nothing was searched then.
        RemoteServiceError
            If the archive fails, or an answer is not complete.
        TimeoutError
            If the time was not enough.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles
        >>> references = JwstFiles.query_criteria(program=1386, is_psf=True, suffix="cal")
        >>> sorted(set(references["exp_type"].tolist()))
        ['MIR_4QPM', 'NRC_CORON']
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
        **criteria: Any,
    ) -> int:
        """Return how many FITS files meet all criteria.

        Parameters
        ----------
        instrument, suffix, timeout, cache, **criteria
            As `query_criteria`.

        Returns
        -------
        int

        Raises
        ------
        InvalidQueryError, RemoteServiceError, TimeoutError
            As `query_criteria`.

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
        """Return the columns: what can be a criterion of `query_criteria`, and comes back.

        Parameters
        ----------
        instrument : str or iterable of str, optional
            As `query_criteria`.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astropy.table.Table`
            A row for each column: ``name``, ``kind``, ``unit``, ``description``, and the ``instruments`` that have it.

        Raises
        ------
        InvalidQueryError
            If there is no such instrument.
        RemoteServiceError, TimeoutError
            If the archive fails, or the time was not enough.

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
        """The criteria of `query_criteria` that this version of the package knows, to complete with Tab.

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
        """Return what a criterion of `query_criteria` takes, or a list of all criteria.

        The archive is asked for the columns of the instruments, unless they are known from a call before.

        Parameters
        ----------
        name : str, optional
            The criterion, whatever its case; all of them if not given.
        instrument : str or iterable of str, optional
            As `query_criteria`.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astroquery_mast.query.criterion.Criterion` or `~astroquery_mast.query.criterion.CriteriaNamespace`
            An object that shows itself in a terminal and a notebook, as that of `ObservationsClass.help`.

        Raises
        ------
        InvalidQueryError
            If there is no such instrument or criterion; the message names those that may be meant.
        RemoteServiceError, TimeoutError
            If the archive fails, or the time was not enough.

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
        **criteria: Any,
    ) -> Table:
        """Return the values that a column has among the files that meet criteria, with the number of files.

        The column is fetched for these files, up to ``conf.server_row_limit``, and counted by this package.

        Parameters
        ----------
        column : str
            A column of text, integers or booleans; see `list_columns`.
        instrument, suffix, timeout, cache, **criteria
            As `query_criteria`.

        Returns
        -------
        `~astropy.table.Table`
            ``value`` and ``count``, the most frequent first.

        Raises
        ------
        InvalidQueryError
            If there is no such column, if it is continuous, or if too many files meet the criteria.
        RemoteServiceError, TimeoutError
            If the archive fails, or the time was not enough.

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
        products: Any,
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
        **filters: Any,
    ) -> Manifest | Table | None:
        """Fetch files, each of which must have the MD5 digest that the archive has for it.

        A file with another digest is refused and not kept.  A file that is on disk is kept if its digest is the
        archive's, and fetched anew otherwise.

        Parameters
        ----------
        products : Table, Row, or list of dataURIs
            Files as `query_criteria` returned them.  Products of `~astroquery_mast.ObservationsClass` and dataURIs are
            taken, too; their digests are not known.
        download_dir : path-like, optional
            The folder to use; the current one if not given.
        flat : bool, default False
            Put all files into that folder, instead of ``mastDownload/JWST/<obs_id>/`` in it.
        cache, verbose, dry_run, path_template, overwrite, max_workers, executor, timeout, on_error
            As `~astroquery_mast.ObservationsClass.download_products`.
        **filters
            Columns of the table, with the values that are wanted.

        Returns
        -------
        Manifest or `~astropy.table.Table` or None
            One row for each file, as of `~astroquery_mast.ObservationsClass.download_products`; with ``dry_run`` a
            plan; None, with a warning, if no file is left.

        Raises
        ------
        InvalidQueryError
            If an argument cannot be applied, or these are no files.
        DownloadError
            With ``on_error="raise"``, if a file failed; its ``manifest`` has all rows.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles
        >>> mosaics = JwstFiles.query_criteria(program=1386, instrument="MIRI", suffix="i2d", filter="F1140C")
        >>> manifest = JwstFiles.download_products(mosaics, verbose=False)
        >>> manifest["Status"].tolist(), (manifest["Checksum"] == mosaics["checksum"]).tolist()
        (['COMPLETE', 'COMPLETE', 'COMPLETE'], [True, True, True])
        """
        from ..downloads.download import DownloadRequest  # noqa: PLC0415 - queries need nothing of downloads

        request = DownloadRequest(download_dir, flat, path_template, cache, overwrite, dry_run)
        options = RunOptions(verbose, max_workers, executor, timeout, on_error)
        return self._product_flow().download_products(products, request, options, filters)

    def refresh(
        self,
        files: Any,
        *,
        replace: bool = False,
        dry_run: bool = False,
        verbose: bool = True,
        max_workers: int | None = None,
        executor: Executor | None = None,
        timeout: float | u.Quantity | None = None,
        on_error: str = "warn",
    ) -> Manifest:
        """Bring files on disk up to date: fetch those, and only those, that the archive has made anew since.

        A file is compared with the archive's by its size and its MD5 digest; where the archive gives no digest, by
        ``CAL_VER`` and ``CRDS_CTX`` of its header.  A new file takes the place of the old one in one step, once it is
        whole and verified; what fails leaves the old file as it is.

        Parameters
        ----------
        files : path-like, `~astropy.table.Table`, or iterable of path-like
            A folder, with all folders in it; a manifest, as downloads return it or as the path of its file; or files.
            In a folder, FITS files whose names begin with ``jw`` and a program number are looked at.
        replace : bool, default False
            Whether the old files are given up.  If not, each is kept in a folder ``superseded-<date>`` beside the new
            one.
        dry_run : bool, default False
            Only tell which files are out of date; nothing is fetched.
        verbose, max_workers, executor, timeout, on_error
            As `~astroquery_mast.ObservationsClass.download_products`.

        Returns
        -------
        Manifest
            One row for each file.  ``Status`` is ``OK`` (it is the archive's), ``COMPLETE`` (a new one was fetched),
            ``CHANGED`` (out of date, with ``dry_run``), ``ERROR``, ``MISSING`` (not on disk), or ``SKIPPED`` (not a
            file of JWST, or the archive does not know it, which is warned of).  ``Reason`` says why, in words, and
            ``Kept As`` where an old file is now.  `retry_downloads` fetches those that are out of date or failed.

        Raises
        ------
        InvalidQueryError
            If these are neither files nor a manifest.
        RemoteServiceError, TimeoutError
            If the archive does not say what is newest.
        DownloadError
            With ``on_error="raise"``, if a file failed; its ``manifest`` has all rows.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles
        >>> guiding = JwstFiles.query_criteria(program=1386, instrument="GuideStar", observtn=1)
        >>> manifest = JwstFiles.download_products(guiding, verbose=False)
        >>> JwstFiles.refresh(manifest)["Status", "Reason"].pprint()
        Status          Reason
        ------ ------------------------
            OK its MD5 is the archive's
            OK its MD5 is the archive's
        """
        from .refresh import Refresh  # noqa: PLC0415 - queries need nothing of downloads

        options = RunOptions(verbose, max_workers, executor, timeout, on_error)
        work = Refresh(self._service, self._search.instruments, self._downloads, options)
        return work.manifest(files, keep_old=not replace, dry_run=dry_run)


JwstFiles = JwstFilesClass()
