"""How planned files are downloaded, and looked at again later, for all clients.

In: plans, and manifests of earlier downloads. Out: results of transfers, after logging in where that is needed and
possible, and manifests.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import requests
from astropy import units as u
from astropy.table import Table
from astroquery import log

from ..exceptions import AuthenticationWarning, LoginError, MastError
from ..products.bundle import SCRIPT, Bundle
from ..products.manifest import Manifest, Status, TransferResult
from ..products.plan import Action, DownloadService, PlannedFile
from ..service import token as auth
from ..service.core import MastClass
from ..service.deadline import Deadline, as_seconds
from ..service.http import HttpClient
from ..service.mast_service import MastService
from ..warn import warn_user
from .download import complain, download
from .sessions import SessionRecipe
from .transfer import OpenUrl
from .verify_and_retry import as_written, retry_downloads, verify_downloads

__all__ = ["DownloadMethods", "DownloadOptions", "Downloads", "anonymous_http"]

# How the message of a file begins that nobody may have without logging in.
_DENIED = "HTTPError: 401"
_EXCLUSIVE = "EXCLUSIVE_ACCESS"
_ASKED = frozenset({Action.FETCH, Action.RESUME, Action.CHECK})


@dataclass(frozen=True)
class DownloadOptions:
    """How a download is carried out; arguments of `DownloadMethods.retry_downloads`."""

    verbose: bool = True
    max_workers: int | None = None
    executor: Executor | None = None
    seconds: float | None = None
    on_error: str = "warn"

    def __post_init__(self) -> None:
        """Refuse a wrong timeout before anything is sent; it may come as a `~astropy.units.Quantity`."""
        object.__setattr__(self, "seconds", as_seconds(self.seconds, "timeout"))

    def deadline(self) -> Deadline | None:
        """Start the clock of the call; None without a limit."""
        return None if self.seconds is None else Deadline(float(self.seconds))

    def until(self, deadline: Deadline | None) -> DownloadOptions:
        """The same options with the time that is left."""
        return self if deadline is None else replace(self, seconds=max(deadline.remaining(), 1e-3))


def anonymous_http(service: MastService) -> HttpClient:
    """Return an HTTP client that never sends the token, whatever the address."""
    return HttpClient(partial(service.send, credentials=auth.Credentials()), service.endpoints)


class Downloads:
    """The downloads of one client, and what can be done with their manifests."""

    def __init__(self, service: MastService, source_of: Callable[[Table], str | DownloadService] | None = None) -> None:
        self._service = service
        self._source_of = source_of

    def run(self, planned: Sequence[PlannedFile], options: DownloadOptions) -> list[TransferResult]:
        """Carry out a plan."""
        self.log_in_for(planned)
        return self._run(planned, SessionRecipe.of(self._service), options)

    def run_one(self, planned: PlannedFile, *, verbose: bool, on_error: str = "warn") -> TransferResult:
        """Download a file of which nobody knows whether it is exclusive, and which has no manifest."""
        options = DownloadOptions(verbose=verbose, on_error="ignore")
        result = self.run([planned], options)[0]
        refused = result.status is Status.ERROR and (result.message or "").startswith(_DENIED)
        if refused and self._log_in_by_environment():
            result = self.run([planned], options)[0]
        if result.status is Status.ERROR and on_error == "warn":
            log.warning("%s could not be downloaded. %s", planned.local_path.name, result.message)
        return result

    def run_bundle(self, bundle: Bundle, file: PlannedFile, options: DownloadOptions) -> list[TransferResult]:
        """Download many products in one file."""
        # A script is asked for without the token, so that none can be in it.
        http = anonymous_http(self._service) if bundle.kind == SCRIPT else self._service.http

        def post(url: str, headers: Mapping[str, str]) -> requests.Response:
            limit = options.deadline() or self._service.deadline(None)
            return http.request(
                "POST", url, data=bundle.form, headers=headers, deadline=limit, service="MAST download", stream=True
            )

        results = bundle.results(self._run([file], post, replace(options, on_error="ignore"))[0])
        complain(results, on_error=options.on_error)
        return results

    def retry(self, manifest: Table, options: DownloadOptions) -> Manifest:
        """Download the files of a manifest that did not come, or that were found missing or changed."""
        manifest = as_written(manifest)
        messages = manifest["Message"] if "Message" in manifest.colnames else ()
        if any(str(message).startswith(_DENIED) for message in messages):
            self._log_in_by_environment()
        return retry_downloads(
            manifest,
            SessionRecipe.of(self._service),
            download_url=self._service.endpoints.download if self._source_of is None else self._source_of(manifest),
            max_workers=options.max_workers,
            executor=options.executor,
            timeout=options.seconds,
            on_error=options.on_error,
            verbose=options.verbose,
        )

    def log_in_for(self, planned: Iterable[PlannedFile]) -> None:
        """Log in with the token of the environment if exclusive files are among those to download."""
        if any(file.rights == _EXCLUSIVE and file.action in _ASKED for file in planned):
            self._log_in_by_environment()

    def _run(
        self, planned: Sequence[PlannedFile], way: SessionRecipe | OpenUrl, options: DownloadOptions
    ) -> list[TransferResult]:
        """Download files."""
        return download(
            planned,
            way,
            max_workers=options.max_workers,
            executor=options.executor,
            timeout=options.seconds,
            on_error=options.on_error,
            verbose=options.verbose,
        )

    def _log_in_by_environment(self) -> bool:
        """Log in if nobody is logged in and the environment has a token; return whether that has worked."""
        if self._service.login.credentials or not any(os.environ.get(name) for name in auth.ENVIRONMENT):
            return False
        try:
            self._service.login.login()
        except (LoginError, MastError) as err:
            message = f"The token of the environment is not accepted, and exclusive files will not come: {err}"
            warn_user(message, AuthenticationWarning)
            return False
        return True


class DownloadMethods(MastClass):
    """A client that downloads files; see `~astroquery_mast.MastClass` for parameters."""

    @property
    def _downloads(self) -> Downloads:
        """What downloads, and knows where the files of a manifest come from."""
        return Downloads(self._service)

    def verify_downloads(self, manifest: Table, *, verbose: bool = True) -> Manifest:
        """Return the manifest of a download with what is on disk now; nothing is asked of the archive.

        Parameters
        ----------
        manifest : `~astropy.table.Table` or `~astropy.table.Row`
            As `download_products` returned it, or read from a file.
        verbose : bool
            Whether to show a bar on a terminal.

        Returns
        -------
        Manifest
            The same rows; ``Status`` is ``OK``, ``MISSING`` or ``CHANGED`` (another size or SHA-256).

        Raises
        ------
        InvalidQueryError
            If the table is no manifest, or its files are in a store (``s3://...``) and not on a disk.
        """
        return verify_downloads(manifest, verbose=verbose)

    def retry_downloads(
        self,
        manifest: Table,
        *,
        max_workers: int | None = None,
        executor: Executor | None = None,
        timeout: float | u.Quantity | None = None,
        on_error: str = "warn",
        verbose: bool = True,
    ) -> Manifest:
        """Fetch the files of a manifest that did not come, or that `verify_downloads` found missing or changed.

        Parameters
        ----------
        manifest : `~astropy.table.Table` or `~astropy.table.Row`
            As `download_products` or `verify_downloads` returned it, or read from a file.
        max_workers, executor, timeout, on_error, verbose
            As `download_products`.

        Returns
        -------
        Manifest
            The same rows in the same order, with what is known now.

        Raises
        ------
        InvalidQueryError
            If the table is no manifest, its files are in a store (``s3://...``), or an argument cannot be applied.
        DownloadError
            As `download_products`.
        """
        return self._downloads.retry(manifest, DownloadOptions(verbose, max_workers, executor, timeout, on_error))
