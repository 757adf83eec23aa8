"""How planned files are brought, for all clients.

In: plans. Out: results of transfers, after logging in where that is needed and possible.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from . import auth
from .core import MastClass
from .exceptions import AuthenticationWarning, InvalidCriterionError, LoginError, MastError
from .products.download import download
from .products.fetch import fetch
from .products.manifest import Status, TransferResult
from .products.plan import Action, PlannedFile
from .products.transport import Transport
from .wire import Deadline

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


class FileTransfers(MastClass):
    """A client that fetches files; see `MastClass` for parameters."""

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
