"""What only the Hubble Source Catalog has: the detections behind its objects, and spectra.

In: a MatchID; or rows of ``get_hsc_spectra``.  Out: tables; or files on disk and their manifest, by the way that all
files go, although they lie at the Hubble Legacy Archive and not at MAST's own service.
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
from .question import CatalogQuestion, plain_question
from .search import CatalogSearch

_BUNDLE = "Mast.Bundle.Request"
_PATH_TEMPLATE = "HSC/"
_ROOT = "mastDownload"
# From this ``SpectrumType`` on a spectrum is one of the ST-ECF's, below one of the Hubble Legacy Archive's own.
_FOREIGN = 2


class _SpectrumAddresses:
    """The source of files whose URIs are addresses."""

    def data_url(self, uri: str) -> str:
        """Return the address of a file as manifests show it."""
        return uri

    def escaped_url(self, uri: str) -> str:
        """Return the address of a file as it is asked for."""
        return uri


class HubbleSpectra:
    """The spectra of the catalog, which lie at the Hubble Legacy Archive."""

    def __init__(self, service: MastService, downloads: Downloads) -> None:
        self._service = service
        self._downloads = downloads

    def download(
        self,
        spectra: Any,
        download_dir: str | os.PathLike[str] | None,
        options: RunOptions,
        *,
        cache: bool,
        script: bool,
        dry_run: bool,
    ) -> Manifest | Table:
        """Download spectra, or a script that does; return the manifest, or the plan."""
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
            # The Hubble Legacy Archive does not tell sizes, so that there is nothing to compare with.
            overwrite="never" if cache else "always",
            cache=cache,
        )
        if dry_run:
            return plan_table(planned, free=free_space(folder))
        if script and planned:
            return as_manifest(self._script(products, planned, folder, options))
        return as_manifest(self._downloads.run(planned, options))

    def _products(self, given: Any) -> Table:
        """The spectra as products, whose URI is their address, each once."""
        table = as_table(given)
        if table is None or not {"DatasetName", "SpectrumType"} <= set(table.colnames):
            what = f"a {type(given).__name__}" if table is None else "a table without DatasetName and SpectrumType"
            raise InvalidArgumentError(f"Spectra are needed, as get_hsc_spectra returns them, and not {what}.")
        names = [name.strip() for name in column_as_text(table, "DatasetName")]
        addresses = list(map(self._address, names, plain_cells(table["SpectrumType"])))
        products = {
            "dataURI": MaskedColumn(addresses, mask=[not address for address in addresses], dtype=str),
            "productFilename": MaskedColumn([f"{name}.fits" for name in names], dtype=str),
        }
        return unique_products(Table(products, masked=True))

    def _address(self, name: str, kind: Any) -> str:
        """Where a spectrum is; empty if that cannot be told, so that it is refused."""
        try:
            foreign = int(kind) >= _FOREIGN
        except (TypeError, ValueError):
            return ""
        if not name:
            return ""
        where = f"{self._service.endpoints.hla_server}/cgi-bin"
        escaped = quote(name, safe="")
        if not foreign:
            return f"{where}/getdata.cgi?config=ops&dataset={escaped}"
        return f"{where}/ecfproxy?file_id={escaped}.fits"

    def _script(
        self, products: Table, planned: Sequence[PlannedFile], folder: Path, options: RunOptions
    ) -> list[TransferResult]:
        """Fetch a script, and tell what is in it."""
        bundle = Bundle(SCRIPT, file_name_parts(products, _PATH_TEMPLATE))
        file = bundle.planned(self._service.endpoints.server, folder)
        wanted = [each for each in planned if each.uri]
        document = self._bundled(wanted, folder, file.local_path.stem, options)
        url = document.get("url")
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise InvalidResponseError(f"{_BUNDLE} sent no address of a script.", service=_BUNDLE)
        fetched = self._downloads.run([replace(file, url=url, data_url=url)], replace(options, on_error="ignore"))[0]
        states = document.get("statusList")
        told = [_told(result, states if isinstance(states, Mapping) else {}) for result in bundle.results(fetched)]
        complain(told, on_error=options.on_error)
        return told

    def _bundled(
        self, wanted: Sequence[PlannedFile], folder: Path, stem: str, options: RunOptions
    ) -> Mapping[str, Any]:
        """Have a script made; everything that is asked for is a list in one text, so commas have no place in paths."""
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
    """Questions to the Hubble Source Catalog, and its spectra; see `MastClass` for parameters."""

    verify_downloads = DownloadMethods.verify_downloads
    retry_downloads = DownloadMethods.retry_downloads

    def __init__(
        self, mast_token: str | None = None, *, server: str | None = None, session: requests.Session | None = None
    ) -> None:
        super().__init__(mast_token, server=server, session=session)
        self._search: CatalogSearch = CatalogSearch(self._service)

    @property
    def _downloads(self) -> Downloads:
        """What downloads; the URIs of a manifest are addresses already."""
        return Downloads(self._service, lambda _manifest: _SpectrumAddresses())

    def query_hsc_matchid(
        self,
        match: Any,
        *,
        version: int | None = 3,
        pagesize: int | None = None,
        page: int | None = None,
        timeout: float | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        cache: bool | None = None,
    ) -> Table | dict[str, object]:
        """Return the detections that the Hubble Source Catalog has put together into one object.

        Parameters
        ----------
        match : int, str, or `~astropy.table.Row`
            The ``MatchID`` of the object, or its row in a table of the catalog.
        version : int, optional
            The version of the catalog, 2 or 3.
        pagesize, page, timeout, get_query_payload, verbose, cache
            As `query_region`.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each detection, or the request.

        Raises
        ------
        InvalidQueryError
            If it is no MatchID.
        """
        deadline = self._service.deadline(timeout)
        question = _match_question(match, version, Selection.of(None, None, pagesize, page, cache))
        return question.payload() if get_query_payload else self._search.table_of(question, deadline, verbose)

    def query_hsc_matchid_async(
        self,
        match: Any,
        *,
        version: int | None = 3,
        pagesize: int | None = None,
        page: int | None = None,
        timeout: float | None = None,
    ) -> list[requests.Response] | requests.Response:
        """Return the responses of `query_hsc_matchid`, one per page."""
        deadline = self._service.deadline(timeout)
        question = _match_question(match, version, Selection.of(None, None, pagesize, page))
        return self._search.responses_to(question, deadline)

    def get_hsc_spectra(
        self,
        *,
        pagesize: int | None = None,
        page: int | None = None,
        timeout: float | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        cache: bool | None = None,
    ) -> Table | dict[str, object]:
        """Return all spectra of the Hubble Source Catalog, for `download_hsc_spectra`.

        Parameters
        ----------
        pagesize, page, timeout, get_query_payload, verbose, cache
            As `query_region`.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each spectrum, or the request.
        """
        deadline = self._service.deadline(timeout)
        question = _hsc_question(HSC_SPECTRA, {}, Selection.of(None, None, pagesize, page, cache))
        return question.payload() if get_query_payload else self._search.table_of(question, deadline, verbose)

    def get_hsc_spectra_async(
        self, *, pagesize: int | None = None, page: int | None = None, timeout: float | None = None
    ) -> list[requests.Response] | requests.Response:
        """Return the responses of `get_hsc_spectra`, one per page."""
        deadline = self._service.deadline(timeout)
        question = _hsc_question(HSC_SPECTRA, {}, Selection.of(None, None, pagesize, page))
        return self._search.responses_to(question, deadline)

    def download_hsc_spectra(
        self,
        spectra: Any,
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
        """Fetch spectra of the Hubble Source Catalog.

        Parameters
        ----------
        spectra : `~astropy.table.Table`, `~astropy.table.Row`, or list of rows
            Spectra, as `get_hsc_spectra` returns them.
        download_dir : path-like, optional
            The folder to use, in which files go to ``mastDownload/HSC/``; the current one if not given.  An address
            such as ``s3://bucket/prefix`` is a place in a store.
        cache : bool
            Keep files that are on disk.
        curl_flag : bool
            Fetch a script that fetches the files, instead of the files.
        verbose : bool
            Whether to show a bar on a terminal, and to log the outcome.
        dry_run : bool
            Fetch nothing, and return what would be done.
        max_workers : int, optional
            How many files are fetched at a time; ``conf.max_workers`` if not given.
        timeout : float or `~astropy.units.Quantity`, optional
            Time, in seconds without a unit, that the whole call may take.
        on_error : str
            About files that did not come, ``"warn"`` logs a warning, ``"raise"`` raises when all the others have come,
            and ``"ignore"`` does nothing.

        Returns
        -------
        Manifest or `~astropy.table.Table`
            One row for each spectrum; with ``dry_run`` the plan.

        Raises
        ------
        InvalidQueryError
            If what was given are no spectra.
        DownloadError
            With ``on_error="raise"``, if a file did not come; its ``manifest`` has all rows.
        """
        options = RunOptions(verbose, max_workers, None, timeout, on_error)
        files = HubbleSpectra(self._service, self._downloads)
        return files.download(spectra, download_dir, options, cache=cache, script=curl_flag, dry_run=dry_run)


def _hsc_question(service: str, params: Mapping[str, Any], selection: Selection) -> CatalogQuestion:
    """A question to one of the services that only this catalog has."""
    return plain_question(CATALOGS["hsc"], service, params, selection, count_setting("pagesize"))


def _match_question(match: Any, version: int | None, selection: Selection) -> CatalogQuestion:
    """A question about the detections of an object."""
    service = CATALOGS["hsc"].versioned(HSC_MATCHES, version)
    return _hsc_question(service, {"input": _match_id(match)}, selection)


def _match_id(match: Any) -> str:
    """The identifier of an object, as text, because the archive's numbers have up to 19 digits."""
    if isinstance(match, Row) and "MatchID" in match.colnames:
        match = match["MatchID"]
    found = match.strip() if isinstance(match, str) else match
    if is_integer(found):
        found = str(int(found))
    if not isinstance(found, str) or not (found.isascii() and found.isdecimal()):
        raise InvalidArgumentError(f"A MatchID is needed, or a row of the catalog that has one, and not {match!r}.")
    return found


def _told(result: TransferResult, states: Mapping[str, Any]) -> TransferResult:
    """What became of one spectrum, with what the archive says of it."""
    state = states.get(result.uri or "", "COMPLETE")
    if result.status is not Status.COMPLETE or state == "COMPLETE":
        return result
    message = f"MAST left it out of the script: {state}."
    return replace(result, status=Status.ERROR, message=message, url=result.uri, size=None, sha256=None, fetched=False)
