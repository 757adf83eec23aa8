"""How planned files are downloaded, and looked at again later, for all clients.

In: plans, and manifests of earlier downloads. Out: results of transfers, after logging in where that is needed and
possible, and manifests.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import Protocol

import requests
from astropy import units as u
from astropy.table import Table
from astroquery import log

from ..exceptions import AuthenticationWarning, LoginError, MastError
from ..products.bundle import SCRIPT, Bundle
from ..products.existing_files import Action
from ..products.manifest import Manifest, Status, TransferResult
from ..products.plan import DownloadService, PlannedFile
from ..service import token as auth
from ..service.http import HttpClient
from ..service.mast_service import MastService
from ..service.parallel import RunOptions
from ..warn import warn_user
from .download import complain, download
from .sessions import SessionRecipe
from .verify_and_retry import as_written, retry_downloads, verify_downloads

# Start of the message for a file that needs a login.
_DENIED = "HTTPError: 401"
_EXCLUSIVE = "EXCLUSIVE_ACCESS"
_ASKED = frozenset({Action.FETCH, Action.RESUME, Action.CHECK})


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
        if any(file.rights == _EXCLUSIVE and file.action in _ASKED for file in planned):
            self._log_in_by_environment()

    def _log_in_by_environment(self) -> bool:
        """Log in with the token of the environment unless another one is in use; return whether that worked."""
        if self._service.login.credentials or not any(os.environ.get(name) for name in auth.ENVIRONMENT):
            return False
        try:
            self._service.login.login()
        except (LoginError, MastError) as err:
            message = f"The token of the environment is not accepted, and exclusive files will not come: {err}"
            warn_user(message, AuthenticationWarning)
            return False
        return True


class DownloadMethods(Protocol):
    """The methods that all clients with files have: each takes them over by name, and has `_downloads`."""

    @property
    def _downloads(self) -> Downloads:
        """What downloads, and knows where the files of a manifest come from."""

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
            If the table is not a manifest, or its files are in a store (``s3://...``) and not on a disk.
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
        """Fetch the files of a manifest that failed, or that `verify_downloads` found missing or changed.

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
            If the table is not a manifest, its files are in a store (``s3://...``), or an argument cannot be applied.
        DownloadError
            As `download_products`.
        """
        return self._downloads.retry(manifest, RunOptions(verbose, max_workers, executor, timeout, on_error))
