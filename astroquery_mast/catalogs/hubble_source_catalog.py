"""The Hubble Source Catalog: the detections that it combines into objects, and its spectra.

In: a MatchID, or rows of ``get_hsc_spectra``.  Out: tables, or files on disk and their manifest.  The files are at the
Hubble Legacy Archive, but are downloaded like all others.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from astropy import units as u
from astropy.table import MaskedColumn, Row, Table

from ..config import count_setting
from ..downloads.destination import destination, file_system_at, free_space
from ..downloads.download import complain
from ..downloads.methods import DownloadMethods
from ..downloads.product_flow import Downloads
from ..exceptions import InvalidArgumentError, InvalidResponseError
from ..products.bundle import SCRIPT, Bundle
from ..products.file_names import column_as_text, file_name_parts
from ..products.listing import as_table, unique_products
from ..products.manifest import Manifest, Status, TransferResult, as_manifest, plan_table
from ..products.plan import PlannedFile, plan
from ..query.known_catalogs import CATALOGS, HSC_MATCHES, HSC_SPECTRA
from ..query.request import MashupRequest
from ..query.selection import Selection
from ..query.values import is_integer
from ..service.core import MastClass
from ..service.mast_service import MastService
from ..service.parallel import RunOptions
from ..tables.columns import plain_cells
from ..warn import warn_no_results
from .catalog_query import CatalogQuery, mashup_query
from .search import CatalogSearch

_BUNDLE = "Mast.Bundle.Request"
_PATH_TEMPLATE = "HSC/"
_ROOT = "mastDownload"
# Spectra with this ``SpectrumType`` or a higher one are from the ST-ECF, others from the Hubble Legacy Archive.
_FIRST_ECF_TYPE = 2


class _SpectrumAddresses:
    """The source of files whose URIs are addresses."""

    def data_url(self, uri: str) -> str:
        """Return the address of a file as shown in manifests."""
        return uri

    def escaped_url(self, uri: str) -> str:
        """Return the address of a file as requested."""
        return uri


class HubbleSpectra:
    """The spectra of the catalog, which are at the Hubble Legacy Archive."""

    def __init__(self, service: MastService, downloads: Downloads) -> None:
        self._service = service
        self._downloads = downloads

    def download(
        self,
        spectra: Table | Row | Sequence[Row],
        download_dir: str | os.PathLike[str] | None,
        options: RunOptions,
        *,
        cache: bool,
        script: bool,
        dry_run: bool,
    ) -> Manifest | Table:
        """Download spectra, or a script that downloads them; return the manifest or the plan."""
        products = self._products(spectra)
        if not len(products):
            warn_no_results()
        folder = destination(download_dir)
        planned = plan(
            products,
            base_dir=folder / _ROOT,
            download_url=_SpectrumAddresses(),
            disk=file_system_at(folder),
            download_dir=folder,
            path_template=_PATH_TEMPLATE,
            # The Hubble Legacy Archive does not report sizes, so files on disk cannot be compared.
            overwrite="never" if cache else "always",
            cache=cache,
        )
        if dry_run:
            return plan_table(planned, free=free_space(folder))
        if script and planned:
            return as_manifest(self._script(products, planned, folder, options))
        return as_manifest(self._downloads.run(planned, options))

    def _products(self, given: Any) -> Table:
        """Return the spectra as products, each once, with their addresses as URIs."""
        table = as_table(given)
        if table is None or not {"DatasetName", "SpectrumType"} <= set(table.colnames):
            what = f"a {type(given).__name__}" if table is None else "a table without DatasetName and SpectrumType"
            raise InvalidArgumentError(f"spectra must be a table from get_hsc_spectra, got {what}.")
        names = [name.strip() for name in column_as_text(table, "DatasetName")]
        addresses = list(map(self._address, names, plain_cells(table["SpectrumType"])))
        products = {
            "dataURI": MaskedColumn(addresses, mask=[not address for address in addresses], dtype=str),
            "productFilename": MaskedColumn([f"{name}.fits" for name in names], dtype=str),
        }
        return unique_products(Table(products, masked=True))

    def _address(self, name: str, kind: Any) -> str:
        """Return the address of a spectrum; empty if it is unknown, so that the plan rejects it."""
        try:
            from_ecf = int(kind) >= _FIRST_ECF_TYPE
        except (TypeError, ValueError):
            return ""
        if not name:
            return ""
        where = f"{self._service.endpoints.hla_server}/cgi-bin"
        escaped = quote(name, safe="")
        if not from_ecf:
            return f"{where}/getdata.cgi?config=ops&dataset={escaped}"
        return f"{where}/ecfproxy?file_id={escaped}.fits"

    def _script(
        self, products: Table, planned: Sequence[PlannedFile], folder: Path, options: RunOptions
    ) -> list[TransferResult]:
        """Download a script, and return one result for each spectrum in it."""
        bundle = Bundle(SCRIPT, file_name_parts(products, _PATH_TEMPLATE))
        file = bundle.planned(self._service.endpoints.server, folder)
        wanted = [each for each in planned if each.uri]
        document = self._bundled(wanted, folder, file.local_path.stem, options)
        url = document.get("url")
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise InvalidResponseError(f"{_BUNDLE} returned no script URL.", service=_BUNDLE)
        fetched = self._downloads.run([replace(file, url=url, data_url=url)], replace(options, on_error="ignore"))[0]
        states = document.get("statusList")
        results = [
            _script_result(result, states if isinstance(states, Mapping) else {}) for result in bundle.results(fetched)
        ]
        complain(results, on_error=options.on_error)
        return results

    def _bundled(
        self, wanted: Sequence[PlannedFile], folder: Path, stem: str, options: RunOptions
    ) -> Mapping[str, Any]:
        """Request a script.  MAST takes lists as text with commas, so that commas in paths are replaced."""
        paths = [each.local_path.relative_to(folder / _ROOT).as_posix() for each in wanted]
        params = {
            "urlList": ",".join(str(each.url) for each in wanted),
            "filename": stem,
            "pathList": ",".join(f"{stem}/{path.replace(',', '_')}" for path in paths),
            "descriptionList": [""] * len(wanted),
            "productTypeList": ["spectrum"] * len(wanted),
            "extension": "curl",
        }
        limit = self._service.deadline(options.timeout)
        document = self._service.page(MashupRequest(_BUNDLE, params), limit).page.document
        return document or {}


class CatalogHsc(MastClass):
    """Query the Hubble Source Catalog, and download its spectra.

    Parameters
    ----------
    mast_token : str, optional
        A token for this client alone.  By default, the client shares the login of all others.
    server : str, optional
        The address of the server for this client alone.  Defaults to ``conf.server``.
    session : `requests.Session`, optional
        The session that sends the requests.  By default, a new one is created.
    """

    verify_downloads = DownloadMethods.verify_downloads
    retry_downloads = DownloadMethods.retry_downloads

    def __init__(
        self, mast_token: str | None = None, *, server: str | None = None, session: requests.Session | None = None
    ) -> None:
        super().__init__(mast_token, server=server, session=session)
        self._search: CatalogSearch = CatalogSearch(self._service)

    @property
    def _downloads(self) -> Downloads:
        """The downloads of this client; the URIs of a manifest are addresses."""
        return Downloads(self._service, lambda _manifest: _SpectrumAddresses())

    def query_hsc_matchid(
        self,
        match: int | str | Row,
        *,
        version: int | None = 3,
        pagesize: int | None = None,
        page: int | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        cache: bool | None = None,
    ) -> Table | dict[str, object]:
        """Return the detections that the Hubble Source Catalog combines into one object.

        Parameters
        ----------
        match : int, str, or `~astropy.table.Row`
            The ``MatchID`` of the object, or its row in a table of the catalog.
        version : {2, 3}, default 3
            The version of the catalog.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        verbose : bool, default False
            Whether to log the number of rows.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each detection, or the request.

        Raises
        ------
        InvalidQueryError
            If ``match`` is not a MatchID, or another argument is not valid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If nothing is found.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> sources = Catalogs.query_region("202.4696 47.1952", radius="5 arcsec", catalog="HSC")
        >>> detections = Catalogs.query_hsc_matchid(sources[0])
        >>> detections["Instrument", "Filter", "StartMJD", "MagAper2"][:2].pprint()
        Instrument Filter    StartMJD    MagAper2
                                d          mag
        ---------- ------ -------------- --------
               ACS  F555W 53388.30848258  12.7208
               ACS  F658N 53388.35596406  12.3428
        """
        deadline = self._service.deadline(timeout)
        query = _match_query(match, version, Selection.of(None, None, pagesize, page, cache))
        return query.payload() if get_query_payload else self._search.table_of(query, deadline, verbose)

    def query_hsc_matchid_async(
        self,
        match: int | str | Row,
        *,
        version: int | None = 3,
        pagesize: int | None = None,
        page: int | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> list[requests.Response] | requests.Response:
        """Return the HTTP responses of `query_hsc_matchid`.

        Parameters
        ----------
        match : int, str, or `~astropy.table.Row`
            The ``MatchID`` of the object, or its row in a table of the catalog.
        version : {2, 3}, default 3
            The version of the catalog.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        list of `requests.Response`
            One response for each page.

        Raises
        ------
        InvalidQueryError
            If ``match`` is not a MatchID, or another argument is not valid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> sources = Catalogs.query_region("202.4696 47.1952", radius="5 arcsec", catalog="HSC")
        >>> responses = Catalogs.query_hsc_matchid_async(sources[0])
        >>> [response.status_code for response in responses]
        [200]
        """
        deadline = self._service.deadline(timeout)
        query = _match_query(match, version, Selection.of(None, None, pagesize, page))
        return self._search.responses_to(query, deadline)

    def get_hsc_spectra(
        self,
        *,
        pagesize: int | None = None,
        page: int | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        cache: bool | None = None,
    ) -> Table | dict[str, object]:
        """Return all spectra of the Hubble Source Catalog.

        Parameters
        ----------
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        verbose : bool, default False
            Whether to log the number of rows.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each spectrum, for use with `download_hsc_spectra`; or the request.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid; nothing is sent in this case.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If nothing is found.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> spectra = Catalogs.get_hsc_spectra()
        >>> spectra["MatchID", "DatasetName"][:2].pprint()
        MatchID                  DatasetName
        -------- --------------------------------------------
        13014586 HAG_J013340.34+303814.8_JB9U06010_V01.SPEC1D
         8853623 HAG_J013350.89+303936.6_JB9U01010_V01.SPEC1D
        """
        deadline = self._service.deadline(timeout)
        query = _hsc_query(HSC_SPECTRA, {}, Selection.of(None, None, pagesize, page, cache))
        return query.payload() if get_query_payload else self._search.table_of(query, deadline, verbose)

    def get_hsc_spectra_async(
        self, *, pagesize: int | None = None, page: int | None = None, timeout: float | u.Quantity | None = None
    ) -> list[requests.Response] | requests.Response:
        """Return the HTTP responses of `get_hsc_spectra`.

        Parameters
        ----------
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        list of `requests.Response`
            One response for each page.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid; nothing is sent in this case.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> responses = Catalogs.get_hsc_spectra_async()
        >>> [response.status_code for response in responses]
        [200]
        """
        deadline = self._service.deadline(timeout)
        query = _hsc_query(HSC_SPECTRA, {}, Selection.of(None, None, pagesize, page))
        return self._search.responses_to(query, deadline)

    def download_hsc_spectra(
        self,
        spectra: Table | Row | Sequence[Row],
        *,
        download_dir: str | os.PathLike[str] | None = None,
        cache: bool = True,
        curl_flag: bool = False,
        verbose: bool = True,
        dry_run: bool = False,
        max_workers: int | None = None,
        timeout: float | u.Quantity | None = None,
        on_error: str = "warn",
    ) -> Manifest | Table:
        """Download spectra of the Hubble Source Catalog.

        Parameters
        ----------
        spectra : `~astropy.table.Table`, `~astropy.table.Row`, or list of rows
            Spectra, as returned by `get_hsc_spectra`.
        download_dir : path-like, optional
            The folder to download to; files are written to ``mastDownload/HSC/`` in it.  Defaults to the current
            folder.  An address such as ``s3://bucket/prefix`` is an object store.
        cache : bool, default True
            Whether to keep files that are on disk.  With False, all files are downloaded again.
        curl_flag : bool, default False
            Whether to download a shell script that downloads the files, instead of the files.  The script reads the
            token from the environment variable ``MAST_API_TOKEN`` when it runs; it does not contain the token.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
        dry_run : bool, default False
            Whether to return the plan of the download without downloading anything.
        max_workers : int, optional
            The number of files to download at a time.  Defaults to ``conf.max_workers``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the whole call may take, in seconds if it has no unit.  Files that have not arrived by then
            are errors in the manifest.  By default, the time is not limited.
        on_error : {"warn", "raise", "ignore"}, default "warn"
            How to report failed downloads: log a warning, raise an error after all other files were downloaded, or do
            nothing.  Failed files are in the manifest in any case.

        Returns
        -------
        `~astroquery_mast.products.manifest.Manifest` or `~astropy.table.Table`
            The manifest, with one row for each spectrum; or with ``dry_run`` the plan.

        Raises
        ------
        InvalidQueryError
            If ``spectra`` does not have the columns of `get_hsc_spectra`, or another argument is not valid.
        DownloadError
            With ``on_error="raise"``, if a file failed; its attribute ``manifest`` has all rows.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If ``spectra`` is empty.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> spectra = Catalogs.get_hsc_spectra()
        >>> manifest = Catalogs.download_hsc_spectra(spectra[:1], verbose=False)
        >>> print(*manifest["Status"])
        COMPLETE
        """
        options = RunOptions(verbose, max_workers, None, timeout, on_error)
        files = HubbleSpectra(self._service, self._downloads)
        return files.download(spectra, download_dir, options, cache=cache, script=curl_flag, dry_run=dry_run)


def _hsc_query(service: str, params: Mapping[str, Any], selection: Selection) -> CatalogQuery:
    """Build a query of a service that only this catalog has."""
    return mashup_query(CATALOGS["hsc"], service, params, selection, count_setting("pagesize"))


def _match_query(match: int | str | Row, version: int | None, selection: Selection) -> CatalogQuery:
    """Build a query for the detections of an object."""
    service = CATALOGS["hsc"].versioned(HSC_MATCHES, version)
    return _hsc_query(service, {"input": _match_id(match)}, selection)


def _match_id(match: int | str | Row) -> str:
    """Return the identifier of an object as text, because it can have 19 digits."""
    if isinstance(match, Row) and "MatchID" in match.colnames:
        match = match["MatchID"]
    found = match.strip() if isinstance(match, str) else match
    if is_integer(found):
        found = str(int(found))
    if not isinstance(found, str) or not (found.isascii() and found.isdecimal()):
        raise InvalidArgumentError(f"match must be a MatchID, or a row of the catalog with a MatchID, got {match!r}.")
    return found


def _script_result(result: TransferResult, states: Mapping[str, Any]) -> TransferResult:
    """Return the result for one spectrum: an error if MAST did not include it in the script."""
    state = states.get(result.uri or "", "COMPLETE")
    if result.status is not Status.COMPLETE or state == "COMPLETE":
        return result
    message = f"MAST did not include this file in the script: {state}."
    return replace(result, status=Status.ERROR, message=message, url=result.uri, size=None, sha256=None, fetched=False)
