"""How planned files of observations are brought; a part of `ObservationsClass`.

In: plans. Out: results of transfers, after logging in where that is needed and possible.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import requests
from astropy.table import Table

from . import auth
from .exceptions import (
    AuthenticationWarning,
    InputWarning,
    InvalidCriterionError,
    InvalidQueryError,
    LoginError,
    MastError,
)
from .observation_listing import ObservationListing
from .products.bundle import KINDS, SCRIPT, Bundle
from .products.download import complain, download
from .products.fetch import fetch
from .products.layout import Layout
from .products.manifest import Status, TransferResult
from .products.plan import Action, PlannedFile
from .products.transport import Transport
from .wire import Deadline

__all__ = ["DENIED", "Effort", "ObservationFiles", "kind_of_bundle", "only_in_cloud", "refuse_contradiction", "uris_of"]

DENIED = "HTTPError: 401"
"""How the message of a file begins that nobody may have without logging in."""
_EXCLUSIVE = "EXCLUSIVE_ACCESS"
_NO_CLOUD = "`cloud_only` is True but cloud data access is not enabled: the files are fetched from MAST itself."
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
    seconds : float or None
        How long the whole call may take.
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
        if self.seconds is not None and not self.seconds > 0:
            raise InvalidCriterionError(f"deadline={self.seconds!r}: a time above zero is needed, in seconds.")

    def at(self, clock: Deadline | None) -> Effort:
        """The same effort with the time that is left."""
        return self if clock is None else replace(self, seconds=max(clock.remaining(), 1e-3))

    def clock(self) -> Deadline | None:
        """The clock of the call, started now; None without a limit."""
        return None if self.seconds is None else Deadline(float(self.seconds))


class ObservationFiles(ObservationListing):
    """The transfers of files; a part of `~astroquery_mast.ObservationsClass`."""

    def _in_cloud(self, cloud_only: bool, force_on_prem: bool) -> bool:
        """Whether to look into the cloud."""
        if cloud_only and not self._cloud_enabled:
            warnings.warn(_NO_CLOUD, InputWarning, stacklevel=3)
        return self._cloud_enabled and not force_on_prem

    def _log_in_for(self, planned: Iterable[PlannedFile]) -> None:
        """Log in with the token of the environment if exclusive files are among those to fetch."""
        if any(file.rights == _EXCLUSIVE and file.action in _ASKED for file in planned):
            self._log_in_by_environment()

    def _log_in_by_environment(self) -> bool:
        """Log in if nobody is logged in and the environment has a token; return whether that has worked."""
        if self._user.credentials or not any(os.environ.get(name) for name in auth.ENVIRONMENT):
            return False
        try:
            return self.login()
        except (LoginError, MastError) as err:
            message = f"The token of the environment is of no use, and exclusive files will not come: {err}"
            warnings.warn(message, AuthenticationWarning, stacklevel=4)
            return False

    def _fetch(self, planned: Sequence[PlannedFile], effort: Effort) -> list[TransferResult]:
        """Carry out a plan."""
        self._log_in_for(planned)
        return download(
            planned,
            Transport.of(self),
            max_workers=effort.max_workers,
            executor=effort.executor,
            deadline=effort.seconds,
            on_error=effort.on_error,
            verbose=effort.verbose,
            pause=self._wire.pause,
            carry_out=fetch,
        )

    def _fetch_one(self, planned: PlannedFile, verbose: bool) -> TransferResult:
        """Bring a file of which nobody knows whether it is exclusive."""
        result = self._fetch([planned], Effort(verbose=verbose))[0]
        refused = result.status is Status.ERROR and (result.message or "").startswith(DENIED)
        if refused and self._log_in_by_environment():
            return self._fetch([planned], Effort(verbose=verbose))[0]
        return result

    def _fetch_bundle(self, bundle: Bundle, file: PlannedFile, effort: Effort) -> list[TransferResult]:
        """Fetch many products in one file."""
        # A script is asked for without the token, so that none can be in it.
        wire = self._anonymous() if bundle.kind == SCRIPT else self._wire

        def post(url: str, headers: Mapping[str, str]) -> requests.Response:
            limit = self._deadline(None) if effort.seconds is None else Deadline(effort.seconds)
            return wire.request(
                "POST", url, data=bundle.form, headers=headers, deadline=limit, service="MAST download", stream=True
            )

        fetched = download(
            [file],
            post,
            deadline=effort.seconds,
            on_error="ignore",
            verbose=effort.verbose,
            pause=self._wire.pause,
            carry_out=fetch,
        )
        results = bundle.results(fetched[0])
        complain(results, on_error=effort.on_error)
        return results


def uris_of(table: Table) -> list[str]:
    """Return the dataURIs of products.

    Parameters
    ----------
    table : `~astropy.table.Table`
        Products.

    Returns
    -------
    list of str
        Without those that are missing.
    """
    return [uri for uri in table["dataURI"].tolist() if isinstance(uri, str) and uri.strip()]


def refuse_contradiction(cloud_only: bool, force_on_prem: bool) -> None:
    """Raise if the cloud alone, and never the cloud, is asked for.

    Parameters
    ----------
    cloud_only, force_on_prem : bool
        As `~astroquery_mast.ObservationsClass.download_products`.

    Raises
    ------
    InvalidQueryError
        If both are true.
    """
    if cloud_only and force_on_prem:
        raise InvalidQueryError("cloud_only=True and force_on_prem=True contradict each other: set one to False.")


def kind_of_bundle(curl_flag: bool, bundle: str | None, layout: Layout | None, flat: bool) -> str | None:
    """Return the kind of the one file that is wanted instead of many.

    Parameters
    ----------
    curl_flag, bundle, layout, flat : object
        As `~astroquery_mast.ObservationsClass.download_products`.

    Returns
    -------
    str or None
        None if many files are wanted.

    Raises
    ------
    InvalidCriterionError
        If there is no such kind, or two are asked for.
    """
    if curl_flag and bundle is not None:
        raise InvalidCriterionError("curl_flag=True and bundle=... contradict each other: leave one of them out.")
    if bundle is not None and bundle not in KINDS:
        raise InvalidCriterionError(f"bundle={bundle!r}: {' or '.join(map(repr, KINDS))} is needed.")
    kind = SCRIPT if curl_flag else bundle
    if kind is not None and (flat or layout is not None):
        name, what = "flat=True" if flat else "layout", "a curl script" if curl_flag else "a bundle"
        warnings.warn(f"{name} has no effect on {what}.", InputWarning, stacklevel=3)
    return kind


def only_in_cloud(file: PlannedFile) -> PlannedFile:
    """Return the same file, from the cloud or not at all.

    Parameters
    ----------
    file : PlannedFile
        The file.

    Returns
    -------
    PlannedFile
        Left out if it has no copy in the cloud and is not on disk.
    """
    if file.action in {Action.KEEP, Action.REFUSE}:
        return file
    if file.cloud_url is None:
        return replace(file, action=Action.SKIP, reason="not in the cloud")
    return replace(file, url=file.cloud_url)
