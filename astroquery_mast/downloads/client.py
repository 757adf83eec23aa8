"""How planned files are brought, and looked at again later, for all clients.

In: plans, and manifests of earlier downloads. Out: results of transfers, after logging in where that is needed and
possible, and manifests.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

from astropy import units as u
from astropy.table import Table
from astroquery import log

from ..exceptions import AuthenticationWarning, LoginError, MastError
from ..products.manifest import Manifest, Status, TransferResult
from ..products.plan import Action, DownloadService, PlannedFile
from ..service import token as auth
from ..service.core import MastClass
from ..service.deadline import Deadline, as_seconds
from ..warn import warn_user
from .download import download
from .sessions import SessionRecipe
from .verify_and_retry import as_written, retry_downloads, verify_downloads

__all__ = ["DENIED", "Effort", "FileTransfers"]

DENIED = "HTTPError: 401"
"""How the message of a file begins that nobody may have without logging in."""
_EXCLUSIVE = "EXCLUSIVE_ACCESS"
_ASKED = frozenset({Action.FETCH, Action.RESUME, Action.CHECK})


@dataclass(frozen=True)
class Effort:
    """How a download is carried out.

    Parameters
    ----------
    verbose : bool
        Whether to show a bar on a terminal, and to log the outcome.
    max_workers : int or None
        How many files at a time.
    executor : `concurrent.futures.Executor` or None
        Who does the work.
    seconds : float, `~astropy.units.Quantity`, or None
        How long the whole call may take; a number afterwards.
    on_error : str
        What is done about files that did not come.
    """

    verbose: bool = True
    max_workers: int | None = None
    executor: Executor | None = None
    seconds: float | None = None
    on_error: str = "warn"

    def __post_init__(self) -> None:
        """Refuse a time that is none before anything is asked."""
        object.__setattr__(self, "seconds", as_seconds(self.seconds, "timeout"))

    def at(self, clock: Deadline | None) -> Effort:
        """The same effort with the time that is left."""
        return self if clock is None else replace(self, seconds=max(clock.remaining(), 1e-3))

    def clock(self) -> Deadline | None:
        """The clock of the call, started now; None without a limit."""
        return None if self.seconds is None else Deadline(float(self.seconds))


class FileTransfers(MastClass):
    """A client that fetches files; see `MastClass` for parameters."""

    def _log_in_for(self, planned: Iterable[PlannedFile]) -> None:
        """Log in with the token of the environment if exclusive files are among those to fetch."""
        if any(file.rights == _EXCLUSIVE and file.action in _ASKED for file in planned):
            self._log_in_by_environment()

    def _log_in_by_environment(self) -> bool:
        """Log in if nobody is logged in and the environment has a token; return whether that has worked."""
        if self._service.login.credentials or not any(os.environ.get(name) for name in auth.ENVIRONMENT):
            return False
        try:
            return self.login()
        except (LoginError, MastError) as err:
            message = f"The token of the environment is of no use, and exclusive files will not come: {err}"
            warn_user(message, AuthenticationWarning)
            return False

    def _fetch(self, planned: Sequence[PlannedFile], effort: Effort) -> list[TransferResult]:
        """Carry out a plan."""
        self._log_in_for(planned)
        return download(
            planned,
            SessionRecipe.of(self._service),
            max_workers=effort.max_workers,
            executor=effort.executor,
            timeout=effort.seconds,
            on_error=effort.on_error,
            verbose=effort.verbose,
        )

    def _fetch_one(self, planned: PlannedFile, verbose: bool, on_error: str = "warn") -> TransferResult:
        """Bring a file of which nobody knows whether it is exclusive, and which has no manifest."""
        effort = Effort(verbose=verbose, on_error="ignore")
        result = self._fetch([planned], effort)[0]
        refused = result.status is Status.ERROR and (result.message or "").startswith(DENIED)
        if refused and self._log_in_by_environment():
            result = self._fetch([planned], effort)[0]
        if result.status is Status.ERROR and on_error == "warn":
            log.warning("%s could not be downloaded. %s", planned.local_path.name, result.message)
        return result

    # -- afterwards ----------------------------------------------------------------------------------------------

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
        manifest = as_written(manifest)
        if any(str(message).startswith(DENIED) for message in _column(manifest, "Message")):
            self._log_in_by_environment()
        return retry_downloads(
            manifest,
            SessionRecipe.of(self._service),
            download_url=self._source_of(manifest),
            max_workers=max_workers,
            executor=executor,
            timeout=timeout,
            on_error=on_error,
            verbose=verbose,
        )

    def _source_of(self, manifest: Table) -> str | DownloadService:
        """Where the files of a manifest come from."""
        del manifest
        return self._service.endpoints.download


def _column(manifest: Table, name: str) -> list[Any]:
    """The cells of a column, if there is one."""
    return list(manifest[name]) if name in manifest.colnames else []
