"""The product flow of all clients: listing → filters → plan → transfer → manifest.

In: products in any form, or the observations or datasets that they belong to. Out: product tables, plans, files on disk
and their manifest. A `ProductSource` has everything that differs between clients; the steps are in
`astroquery_mast.products`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Protocol, TypeVar

import requests
from astropy.table import Row, Table
from astroquery import log

from ..config import count_setting, seconds_setting
from ..exceptions import (
    AuthenticationWarning,
    DownloadError,
    InvalidArgumentError,
    LoginError,
    MastError,
    NoResultsWarning,
)
from ..products.addresses import addressed_products, refuse_to_bundle
from ..products.bundle import SCRIPT, Bundle
from ..products.file_names import column_as_text
from ..products.listing import as_product_table, as_table, ask_in_batches, hints_of_planned, unique_products, values_of
from ..products.manifest import Manifest, Status, TransferResult, as_manifest, plan_table
from ..products.plan import (
    ASKED,
    EXCLUSIVE,
    DownloadService,
    PlannedFile,
    plan,
    single_file,
    total_bytes,
)
from ..service.http import AnswerPage
from ..service.mast_service import MastService
from ..service.parallel import RunOptions
from ..service.retrying import Deadline
from ..service.token_sources import environment_has_token
from ..tables.mashup import Page
from ..warn import warn_no_results, warn_user
from .destination import destination, file_system_at, free_space, is_remote, local_target, warn_of_little_space
from .download import (
    DownloadRequest,
    FileSource,
    PreparedDownload,
    complain,
    download,
    results_as_completed,
    warn_of_no_access,
)
from .sessions import PostedForm, SessionRecipe, anonymous_http
from .verify_and_retry import as_written, retry_downloads

# The start of the message for a file that requires a login.
_DENIED = "HTTPError: 401"


class Downloads:
    """The downloads of one client, from plans or manifests."""

    def __init__(self, service: MastService, source_of: Callable[[Table], str | DownloadService] | None = None) -> None:
        self._service = service
        self._source_of = source_of

    def run(self, planned: Sequence[PlannedFile], options: RunOptions) -> list[TransferResult]:
        """Carry out a plan, and return the results in its order."""
        self.log_in_for(planned)
        return download(planned, SessionRecipe.of(self._service), options)

    def results(self, planned: Sequence[PlannedFile], options: RunOptions) -> Generator[TransferResult]:
        """Carry out a plan, and yield each result as soon as it is known."""
        self.log_in_for(planned)
        yield from results_as_completed(planned, SessionRecipe.of(self._service), options)

    def run_one(self, planned: PlannedFile, *, verbose: bool, on_error: str = "warn") -> TransferResult:
        """Download a single file without a manifest; log in if MAST requires it."""
        options = RunOptions(verbose=verbose, on_error="ignore")
        result = self.run([planned], options)[0]
        refused = result.status is Status.ERROR and (result.message or "").startswith(_DENIED)
        if refused and self.log_in_by_environment():
            result = self.run([planned], options)[0]
        if result.status is Status.ERROR and on_error == "warn":
            log.warning("%s could not be downloaded. %s", planned.local_path.name, result.message)
        return result

    def run_bundle(self, bundle: Bundle, file: PlannedFile, options: RunOptions) -> list[TransferResult]:
        """Download many products in one file."""
        # Scripts are requested without the token, so that they cannot contain it.
        http = anonymous_http(self._service) if bundle.kind == SCRIPT else self._service.http
        opener = PostedForm(http, bundle.form, seconds_setting("timeout") if options.timeout is None else math.inf)
        results = bundle.results(download([file], opener, replace(options, on_error="ignore"))[0])
        complain(results, on_error=options.on_error)
        return results

    def retry(self, manifest: Table, options: RunOptions) -> Manifest:
        """Download the files of a manifest that failed, are missing or have changed."""
        manifest = as_written(manifest)
        messages = manifest["Message"] if "Message" in manifest.colnames else ()
        if any(str(message).startswith(_DENIED) for message in messages):
            self.log_in_by_environment()
        return retry_downloads(
            manifest,
            SessionRecipe.of(self._service),
            download_url=self._service.endpoints.download if self._source_of is None else self._source_of(manifest),
            options=options,
        )

    def log_in_for(self, planned: Iterable[PlannedFile]) -> None:
        """Log in with the token in the environment if there are exclusive files to download."""
        if any(file.rights == EXCLUSIVE and file.action in ASKED for file in planned):
            self.log_in_by_environment()

    def log_in_by_environment(self) -> bool:
        """Log in with the token in the environment unless already logged in; return whether a login took place."""
        if self._service.login.accepted or not environment_has_token():
            return False
        try:
            self._service.login.login()
        except (LoginError, MastError) as err:
            message = (
                f"The token in the environment was not accepted. Exclusive-access files will not be downloaded: {err}"
            )
            warn_user(message, AuthenticationWarning)
            return False
        return True


T = TypeVar("T")

FileOutcome = tuple[str, str | None, str | None]
"""The return value of ``download_file``: status, message, URL."""


class ProductSource(Protocol):
    """Everything that differs between clients: how products are listed, and where files come from."""

    batch_size: ClassVar[int]
    """The default number of observations or datasets per request."""
    key: ClassVar[str]
    """The column that identifies files."""
    product_columns: ClassVar[tuple[str, ...]]
    nothing_left: ClassVar[str]
    """The message if no product passes the filters, with the wording of ``astroquery.mast``."""
    """Columns of product tables: a table that has one of them is a product table."""

    def identifiers(self, given: Any) -> list[str]:
        """Return the unique identifiers of observations or datasets given in any form."""

    def pages(self, identifiers: Sequence[str], deadline: Deadline) -> Iterable[AnswerPage]:
        """Request the products of some observations or datasets."""

    def table(self, identifiers: Sequence[str], batches: Iterable[Sequence[Page]]) -> Table:
        """Return all responses as one table, in the order of the identifiers."""

    def products_in(self, given: Any, verbose: bool) -> Table | None:
        """Return the given products; None if observations or datasets were given, whose products must be requested."""

    def filtered(self, products: Table, filters: Mapping[str, Any]) -> Table:
        """Return the products that pass all filters."""

    def files(self, products: Table, *, in_folders: bool) -> tuple[Table, FileSource]:
        """Return products in the form that the plan needs, each file once, and the source of the files."""

    def file(self, given: Any) -> tuple[str, FileSource]:
        """Return the URI of a file given by URI or address, and the source of the file; raise for anything else."""


class ProductFlow:
    """Lists, filters, plans and downloads the products of one client."""

    def __init__(self, service: MastService, source: ProductSource) -> None:
        self._service = service
        self._source = source
        self._downloads = Downloads(service)

    # -- listing -------------------------------------------------------------------------------------------------

    def product_list(self, given: Any, *, batch_size: int, verbose: bool, timeout: float | None) -> Table:
        """Return the products of observations or datasets; a product has a row for each one that it belongs to."""
        products = self._list(given, batch_size, verbose, None if timeout is None else self._service.deadline(timeout))
        if not len(products):
            warn_no_results(hints_of_planned(given))
        return products

    def unique_product_list(self, given: Any, *, batch_size: int, verbose: bool, timeout: float | None) -> Table:
        """Return the products of observations or datasets, each file once."""
        products = self.product_list(given, batch_size=batch_size, verbose=verbose, timeout=timeout)
        unique = unique_products(products, self._source.key)
        _log_repeated(products, unique, verbose)
        return unique

    def responses(self, given: Any, batch_size: int) -> list[requests.Response]:
        """Return the HTTP responses with the products: all pages of all batches, in order."""
        identifiers = self._source.identifiers(given)
        batches = self._batches(identifiers, batch_size, False, None, lambda answer: answer.response)
        return [response for responses in batches for response in responses]

    def _list(self, given: Any, batch_size: int, verbose: bool, whole: Deadline | None) -> Table:
        """Return the products of observations or datasets, without a warning if there are none."""
        identifiers = self._source.identifiers(given)
        pages = self._batches(identifiers, batch_size, verbose, whole, lambda answer: answer.page)
        return self._source.table(identifiers, pages)

    def _batches(
        self,
        identifiers: Sequence[str],
        batch_size: int,
        verbose: bool,
        whole: Deadline | None,
        part: Callable[[AnswerPage], T],
    ) -> Iterator[list[T]]:
        """Request the products in batches, and yield ``part`` of the responses to each batch."""
        whole = Deadline() if whole is None else whole

        def ask(batch: Sequence[str]) -> list[T]:
            # Each batch has its own deadline, so that a batch that times out can be split in time.
            return [part(answer) for answer in self._source.pages(batch, Deadline.within(whole))]

        workers = count_setting("max_workers")
        return ask_in_batches(
            identifiers, ask, batch_size=batch_size, max_workers=workers, verbose=verbose, deadline=whole
        )

    # -- filters -------------------------------------------------------------------------------------------------

    def filter_products(self, products: Any, filters: Mapping[str, Any]) -> Table:
        """Return the products that pass all filters."""
        table = as_table(products)
        if table is None:
            raise InvalidArgumentError(f"products must be a table, got a {type(products).__name__}.")
        found = self.passing(table, filters)
        if len(table) and not len(found):
            warn_user(self._no_match_message(table, filters), NoResultsWarning)
        return found

    def listed(self, given: Any, verbose: bool, deadline: Deadline | None) -> Table:
        """Return the given products, or the products of the given observations."""
        marks, service = self._source.product_columns, f"{self._service.endpoints.download}?uri="
        given = as_product_table(addressed_products(given, marks, service), marks, service)
        products = self._source.products_in(given, verbose)
        if products is None:
            products = self._list(given, self._source.batch_size, verbose, deadline)
        return products

    def passing(self, products: Table, filters: Mapping[str, Any]) -> Table:
        """Return the products that pass all filters, without a warning if there are none."""
        return self._source.filtered(products, filters) if filters else products

    def _no_match_message(self, products: Table, filters: Mapping[str, Any]) -> str:
        """Return a message that explains why no product passes the filters, with the available values."""
        matches = self._matches_of_each(products, filters)
        alone = [values_of(products, name, filters[name]) for name, rows in matches.items() if not rows]
        each = f"Individually, {', '.join(f'{name} matches {rows}' for name, rows in matches.items())}."
        return f"None of the {len(products)} products matches the filters. {' '.join(alone) or each}"

    def _matches_of_each(self, products: Table, filters: Mapping[str, Any]) -> dict[str, int]:
        """Return the number of products that pass each filter by itself."""
        asked = ((name, wanted) for name, wanted in filters.items() if wanted is not None and wanted is not False)
        return {name: len(self.passing(products, {name: wanted})) for name, wanted in asked}

    # -- files ---------------------------------------------------------------------------------------------------

    def download_file(
        self,
        given: str,
        *,
        local_path: str | os.PathLike[str] | None,
        cache: bool,
        overwrite: str | None,
        verbose: bool,
    ) -> FileOutcome:
        """Download one file, given by its name, URI or address."""
        uri, files = self._source.file(given)
        target = local_target(local_path, PurePosixPath(uri).name)
        planned = single_file(
            uri,
            target,
            download_url=files.download_url,
            disk=file_system_at(target),
            cache=cache,
            overwrite=overwrite,
            cloud_url=files.cloud_urls.get(uri),
        )
        result = self._downloads.run_one(files.checked([planned])[0], verbose=verbose)
        return str(result.status), result.message, result.url

    def product_urls(
        self, given: Any, filters: Mapping[str, Any], *, verbose: bool, in_cloud: Callable[[str], str] = str
    ) -> list[str]:
        """Return the addresses of products, each once; ``in_cloud`` converts the address of a cloud copy."""
        wanted = self.passing(self.listed(given, verbose, None), filters)
        products, files = self._source.files(wanted, in_folders=False)
        pairs = zip(*(column_as_text(products, name) for name in ("dataURI", "dataRights")), strict=True)
        urls = list(filter(None, (files.address(uri, rights, in_cloud) for uri, rights in pairs)))
        if len(urls) < max(len(products), 1):
            lacking = "no open copy in the cloud" if files.cloud_only else "no dataURI"
            absent = len(products) - len(urls)
            message = f"{absent} of {len(products)} products have {lacking} and are skipped."
            warn_user(message if absent else "No products specified.", NoResultsWarning)
        return urls

    def download_products(
        self, given: Any, request: DownloadRequest, options: RunOptions, filters: Mapping[str, Any]
    ) -> Manifest | Table | None:
        """Download the files of products, or return the plan; None, with a warning, if no product is left."""
        deadline = options.deadline()
        prepared = self._prepared(given, request, options, filters, deadline)
        if prepared is None:
            return None
        planned, options = prepared.planned, options.until(deadline)
        if request.bundle is not None:
            refuse_to_bundle(prepared.files.download_url)
            bundle = Bundle.of(prepared.products, request.bundle)
            file = bundle.planned(self._service.endpoints.bundle, prepared.folder)
            shown = bundle.shown(planned, file)
            if request.dry_run:
                return self._plan_table(prepared.folder, shown)
            self._warn_beforehand(prepared.folder, shown)
            self._downloads.log_in_for(planned)
            return as_manifest(self._downloads.run_bundle(bundle, file, options))
        if request.dry_run:
            return self._plan_table(prepared.folder, planned)
        self._warn_beforehand(prepared.folder, planned)
        try:
            return prepared.completed(as_manifest(self._downloads.run(planned, options)), range(len(planned)))
        except DownloadError as err:
            err.manifest = prepared.completed(err.manifest, range(len(prepared.planned)))
            raise

    def download_products_iter(
        self, given: Any, request: DownloadRequest, options: RunOptions, filters: Mapping[str, Any]
    ) -> Generator[Row]:
        """Prepare a download now, and carry it out while the rows of its manifest are iterated over."""
        deadline = options.deadline()
        folder = destination(request.download_dir)
        # The caller may change the working directory during the download.
        request = replace(request, download_dir=folder if is_remote(folder) else folder.absolute())
        prepared = self._prepared(given, request, options, filters, deadline)
        if prepared is not None:
            self._warn_beforehand(prepared.folder, prepared.planned)
        return self._rows(prepared, options.until(deadline))

    def _plan_table(self, folder: Path, planned: Sequence[PlannedFile]) -> Table:
        """Return the plan as a table, with the free disk space and whether the user has access to the files."""
        self._warn_beforehand(folder, planned)
        return plan_table(planned, free=free_space(folder), refusal=self._service.login.exclusive_refusal)

    def _warn_beforehand(self, folder: Path, planned: Sequence[PlannedFile]) -> None:
        """Warn about insufficient disk space or missing access before the download starts."""
        warn_of_little_space(folder, total_bytes(planned))
        warn_of_no_access(planned, self._service.login.exclusive_refusal)

    def _rows(self, prepared: PreparedDownload | None, options: RunOptions) -> Generator[Row]:
        """Yield the manifest row of each file as soon as it is known."""
        if prepared is None:
            return
        try:
            with closing(self._downloads.results(prepared.planned, options)) as results:
                for result in results:
                    yield prepared.completed(as_manifest([result]), [result.index])[0]
        except DownloadError as err:
            err.manifest = prepared.completed(err.manifest, range(len(prepared.planned)))
            raise

    def _prepared(
        self,
        given: Any,
        request: DownloadRequest,
        options: RunOptions,
        filters: Mapping[str, Any],
        deadline: Deadline,
    ) -> PreparedDownload | None:
        """Return the prepared download of products; None, with a warning, if no product is left."""
        listed = self.listed(given, options.verbose, deadline)
        wanted = self.passing(listed, filters)
        if not len(wanted):
            hints = [self._no_match_message(listed, filters)] if len(listed) else hints_of_planned(given)
            warn_user(" ".join((self._source.nothing_left, *hints)), NoResultsWarning)
            return None
        products, files = self._source.files(wanted, in_folders=request.in_folders)
        _log_repeated(wanted, products, options.verbose)
        folder = destination(request.download_dir)
        return PreparedDownload(products, files, folder, files.checked(self._plan(products, files, folder, request)))

    @staticmethod
    def _plan(products: Table, files: FileSource, folder: Path, request: DownloadRequest) -> list[PlannedFile]:
        """Return the plan for each file."""
        return plan(
            products,
            base_dir=folder / "mastDownload" if request.in_folders else folder,
            download_url=files.download_url,
            disk=file_system_at(folder),
            download_dir=folder,
            flat=request.flat,
            path_template=request.path_template,
            cache=request.cache,
            overwrite=request.overwrite,
            cloud_urls=files.cloud_urls,
        )


def _log_repeated(products: Table, unique: Table, verbose: bool) -> None:
    """Log how many products are listed more than once."""
    repeated = len(products) - len(unique)
    if repeated and verbose:
        log.info("%d of %d products are duplicates and are downloaded once.", repeated, len(products))
