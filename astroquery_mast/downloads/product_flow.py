"""The product flow of all clients: listing → filters → plan → transfer → manifest.

In: products in all forms in which users may have them, or what they belong to (observations, datasets). Out: product
tables, plans, files on disk and their manifest. What differs between clients is in a `ProductSource`; the steps are in
`astroquery_mast.products`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import requests
from astropy.table import MaskedColumn, Table
from astroquery import log

from ..config import count_setting
from ..exceptions import (
    AuthenticationWarning,
    DownloadError,
    InvalidArgumentError,
    LoginError,
    MastError,
    NoResultsWarning,
)
from ..products.bundle import SCRIPT, Bundle
from ..products.file_names import PathTemplate
from ..products.listing import as_product_table, as_table, ask_in_batches, hints_of_planned, unique_products, values_of
from ..products.manifest import Manifest, Status, TransferResult, as_manifest, plan_table
from ..products.plan import (
    ASKED,
    Action,
    DownloadService,
    PlannedFile,
    as_overwrite,
    only_in_cloud,
    plan,
    single_file,
    total_bytes,
)
from ..service import token as auth
from ..service.http import AnswerPage, HttpClient
from ..service.mast_service import MastService
from ..service.parallel import RunOptions
from ..service.retrying import Deadline
from ..tables.mashup import Page
from ..warn import warn_no_results, warn_user
from .destination import destination, file_system_at, is_remote, local_target, warn_of_little_space
from .download import complain, download
from .sessions import SessionRecipe
from .verify_and_retry import as_written, retry_downloads

# Start of the message for a file that needs a login.
_DENIED = "HTTPError: 401"
_EXCLUSIVE = "EXCLUSIVE_ACCESS"


def anonymous_http(service: MastService) -> HttpClient:
    """Return an HTTP client that never sends the token, whatever the address."""
    return HttpClient(partial(service.send, credentials=auth.Credentials()), service.endpoints)


class Downloads:
    """The downloads of one client, and what can be done with their manifests."""

    def __init__(self, service: MastService, source_of: Callable[[Table], str | DownloadService] | None = None) -> None:
        self._service = service
        self._source_of = source_of

    def run(self, planned: Sequence[PlannedFile], options: RunOptions) -> list[TransferResult]:
        """Carry out a plan."""
        self.log_in_for(planned)
        return download(planned, SessionRecipe.of(self._service), options)

    def run_one(self, planned: PlannedFile, *, verbose: bool, on_error: str = "warn") -> TransferResult:
        """Download a file without a manifest, of which it is not known whether it needs a login."""
        options = RunOptions(verbose=verbose, on_error="ignore")
        result = self.run([planned], options)[0]
        refused = result.status is Status.ERROR and (result.message or "").startswith(_DENIED)
        if refused and self._log_in_by_environment():
            result = self.run([planned], options)[0]
        if result.status is Status.ERROR and on_error == "warn":
            log.warning("%s could not be downloaded. %s", planned.local_path.name, result.message)
        return result

    def run_bundle(self, bundle: Bundle, file: PlannedFile, options: RunOptions) -> list[TransferResult]:
        """Download many products in one file."""
        # A script is asked for without the token, so that none can be in it.
        http = anonymous_http(self._service) if bundle.kind == SCRIPT else self._service.http

        def post(url: str, headers: Mapping[str, str]) -> requests.Response:
            limit = self._service.deadline(options.timeout)
            return http.request(
                "POST", url, data=bundle.form, headers=headers, deadline=limit, service="MAST download", stream=True
            )

        results = bundle.results(download([file], post, replace(options, on_error="ignore"))[0])
        complain(results, on_error=options.on_error)
        return results

    def retry(self, manifest: Table, options: RunOptions) -> Manifest:
        """Download the files of a manifest that failed, or that were found missing or changed."""
        manifest = as_written(manifest)
        messages = manifest["Message"] if "Message" in manifest.colnames else ()
        if any(str(message).startswith(_DENIED) for message in messages):
            self._log_in_by_environment()
        return retry_downloads(
            manifest,
            SessionRecipe.of(self._service),
            download_url=self._service.endpoints.download if self._source_of is None else self._source_of(manifest),
            options=options,
        )

    def log_in_for(self, planned: Iterable[PlannedFile]) -> None:
        """Log in with the token of the environment if exclusive files are among those to download."""
        if any(file.rights == _EXCLUSIVE and file.action in ASKED for file in planned):
            self._log_in_by_environment()

    def _log_in_by_environment(self) -> bool:
        """Log in with the token of the environment unless another one is in use; return whether that worked."""
        if self._service.login.accepted or not auth.environment_has_token():
            return False
        try:
            self._service.login.login()
        except (LoginError, MastError) as err:
            message = f"The token of the environment is not accepted, and exclusive files will not come: {err}"
            warn_user(message, AuthenticationWarning)
            return False
        return True


T = TypeVar("T")

FileOutcome = tuple[str, str | None, str | None]
"""What ``download_file`` returns: status, message, URL."""


@dataclass(frozen=True)
class DownloadRequest:
    """Where the files of a download go, and which of them are fetched; arguments of ``download_products``."""

    download_dir: str | os.PathLike[str] | None = None
    flat: bool = False
    path_template: PathTemplate | None = None
    cache: bool = True
    overwrite: str | None = None
    dry_run: bool = False
    bundle: str | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself before anything is sent."""
        as_overwrite(self.cache, self.overwrite)

    @property
    def in_folders(self) -> bool:
        """Whether files go to the folders of their observations."""
        return not self.flat and self.path_template is None


@dataclass(frozen=True)
class FileSource:
    """Where the files of one download come from, and which of them cannot or must not be fetched."""

    download_url: str | DownloadService
    cloud_urls: Mapping[str, str] = field(default_factory=dict)
    cloud_only: bool = False
    refusals: Mapping[int, str] = field(default_factory=dict)
    """Number of a file in the plan → why it is refused."""
    missions: Sequence[str] | None = None
    """What the manifest must have as well, so that the files can be fetched again later."""

    def checked(self, planned: Iterable[PlannedFile]) -> list[PlannedFile]:
        """Return the plan without what cannot or must not be fetched."""
        if self.cloud_only:
            return [only_in_cloud(file) for file in planned]
        return [
            replace(file, action=Action.REFUSE, reason=self.refusals[file.index])
            if file.index in self.refusals
            else file
            for file in planned
        ]

    def completed(self, manifest: Manifest) -> Manifest:
        """Return the manifest with the missions of the files, where these are needed."""
        if self.missions is not None:
            manifest["mission"] = MaskedColumn(np.array(self.missions, dtype=np.str_))
        return manifest


class ProductSource(Protocol):
    """What differs between the clients: how their products are listed, and where files come from."""

    batch_size: ClassVar[int]
    """How many observations or datasets to ask for at once, where the user does not say."""
    key: ClassVar[str]
    """The column that tells files apart."""
    product_columns: ClassVar[tuple[str, ...]]
    """A table that has one of these is a table of products."""

    def identifiers(self, given: Any) -> list[str]:
        """Return the identifiers of what products belong to, each once, in all forms in which they may be given."""

    def pages(self, identifiers: Sequence[str], deadline: Deadline) -> Iterable[AnswerPage]:
        """Ask for the products of some observations or datasets."""

    def table(self, identifiers: Sequence[str], batches: Iterable[Sequence[Page]]) -> Table:
        """Return all answers as one table, in the order of the identifiers."""

    def products_in(self, given: Any, verbose: bool) -> Table | None:
        """Return products that were given; None if it is observations or datasets, whose products are wanted."""

    def annotated(self, products: Table, given: Any) -> Table:
        """Return listed products with what the observations tell about them."""

    def filtered(self, products: Table, filters: Mapping[str, Any]) -> Table:
        """Return the products that pass all filters."""

    def files(self, products: Table, *, in_folders: bool) -> tuple[Table, FileSource]:
        """Return products as the plan wants them, each file once, and where they come from."""

    def file(self, uri: str) -> FileSource:
        """Return where a single file comes from; raise if that is not known of this URI."""


class ProductFlow:
    """Products of one client: they are listed, filtered, planned and downloaded."""

    def __init__(self, service: MastService, source: ProductSource) -> None:
        self._service = service
        self._source = source
        self._downloads = Downloads(service)

    # -- listing -------------------------------------------------------------------------------------------------

    def product_list(self, given: Any, *, batch_size: int, verbose: bool, timeout: float | None) -> Table:
        """Return the products of observations or datasets, each once for everything that it belongs to."""
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
        """Return the responses that hold the products, of every page of every batch, in order."""
        identifiers = self._source.identifiers(given)
        batches = self._batches(identifiers, batch_size, False, None, lambda answer: answer.response)
        return [response for responses in batches for response in responses]

    def _list(self, given: Any, batch_size: int, verbose: bool, whole: Deadline | None) -> Table:
        """The products of observations or datasets, without a warning where there are none."""
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
        """Ask in batches, and give one part of the answers to each."""

        def ask(batch: Sequence[str]) -> list[T]:
            # With a deadline of its own, or halving the first batch that is late would come too late.
            return [part(answer) for answer in self._source.pages(batch, Deadline.within(whole))]

        workers = count_setting("max_workers")
        return ask_in_batches(identifiers, ask, batch_size=batch_size, max_workers=workers, verbose=verbose)

    # -- filters -------------------------------------------------------------------------------------------------

    def filter_products(self, products: Any, filters: Mapping[str, Any]) -> Table:
        """Return the products that pass all filters."""
        table = as_table(products)
        if table is None:
            raise InvalidArgumentError(f"A table of products is needed, not a {type(products).__name__}.")
        found = self.passing(table, filters)
        if len(table) and not len(found):
            warn_user(self._why_none(table, filters), NoResultsWarning)
        return found

    def listed(self, given: Any, verbose: bool, deadline: Deadline | None) -> Table:
        """Return the products that were given, or those of the observations that were given."""
        given = as_product_table(given, self._source.product_columns)
        products = self._source.products_in(given, verbose)
        if products is None:
            products = self._source.annotated(self._list(given, self._source.batch_size, verbose, deadline), given)
        return products

    def passing(self, products: Table, filters: Mapping[str, Any]) -> Table:
        """Return the products that pass all filters; none of them may."""
        return self._source.filtered(products, filters) if filters else products

    def _why_none(self, products: Table, filters: Mapping[str, Any]) -> str:
        """Say why no product passes the filters, with the values that there are."""
        asked = {name: wanted for name, wanted in filters.items() if wanted is not None and wanted is not False}
        left = {name: len(self.passing(products, {name: wanted})) for name, wanted in asked.items()}
        alone = [values_of(products, name) for name, rows in left.items() if not rows]
        each = ", ".join(f"{name} leaves {rows}" for name, rows in left.items())
        return f"None of {len(products)} products passes the filters. {' '.join(alone) or f'Alone, {each}.'}"

    # -- files ---------------------------------------------------------------------------------------------------

    def download_file(
        self,
        uri: str,
        *,
        local_path: str | os.PathLike[str] | None,
        cache: bool,
        overwrite: str | None,
        verbose: bool,
    ) -> FileOutcome:
        """Download one file by its name or URI."""
        files = self._source.file(uri)
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

    def download_products(
        self, given: Any, request: DownloadRequest, options: RunOptions, filters: Mapping[str, Any]
    ) -> Manifest | Table | None:
        """Download the files of products, or show the plan; None, with a warning, if no product is left."""
        deadline = options.deadline()
        listed = self.listed(given, options.verbose, deadline)
        wanted = self.passing(listed, filters)
        if not len(wanted):
            hints = [self._why_none(listed, filters)] if len(listed) else hints_of_planned(given)
            warn_user(" ".join(("No products to download.", *hints)), NoResultsWarning)
            return None
        products, files = self._source.files(wanted, in_folders=request.in_folders)
        _log_repeated(wanted, products, options.verbose)
        folder = destination(request.download_dir)
        planned = files.checked(self._plan(products, files, folder, request))
        if request.bundle is not None:
            bundle = Bundle.of(products, request.bundle)
            file = bundle.planned(self._service.endpoints.bundle, folder)
            if request.dry_run:
                return plan_table(bundle.shown(planned, file))
            self._downloads.log_in_for(planned)
            return as_manifest(self._downloads.run_bundle(bundle, file, options.until(deadline)))
        if request.dry_run:
            return plan_table(planned)
        warn_of_little_space(folder, total_bytes(planned))
        try:
            manifest = as_manifest(self._downloads.run(planned, options.until(deadline)))
        except DownloadError as err:
            err.manifest = _placed(files.completed(err.manifest), folder)
            raise
        return _placed(files.completed(manifest), folder)

    @staticmethod
    def _plan(products: Table, files: FileSource, folder: Path, request: DownloadRequest) -> list[PlannedFile]:
        """Decide what is done for each file."""
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


def _placed(manifest: Manifest, folder: Path) -> Manifest:
    """The manifest with where its paths are counted from, and where everything was downloaded to."""
    if not is_remote(folder):
        manifest.meta.update(workdir=[str(Path.cwd())], base_dir=[str(folder.absolute())])
    return manifest


def _log_repeated(products: Table, unique: Table, verbose: bool) -> None:
    """Log how many products are listed more than once."""
    repeated = len(products) - len(unique)
    if repeated and verbose:
        log.info("%d of %d products are listed more than once; each is taken once.", repeated, len(products))
