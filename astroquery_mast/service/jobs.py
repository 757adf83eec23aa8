"""Asynchronous jobs of a server: monitor a job, cancel it, and fetch its result, now or in another session.

In: the address of a job, and an implementation of its protocol.  Out: a `JobHandle`, which is the same for every
protocol.  A job is not lost when its status cannot be read for a while, or when the caller stops waiting for it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol, Self

from astropy import units as u
from astropy.table import Table
from astroquery import log

from ..exceptions import MastError, QueryTimeoutError
from ..warn import warn_of_limit
from .http import POLL
from .parallel import progress_bar
from .retrying import Deadline, as_seconds, is_transient, retrying


class JobStatus(StrEnum):
    """The status of a job, with the names of the Virtual Observatory's UWS standard."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    HELD = "HELD"
    SUSPENDED = "SUSPENDED"
    EXECUTING = "EXECUTING"
    UNKNOWN = "UNKNOWN"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"
    ARCHIVED = "ARCHIVED"

    @property
    def finished(self) -> bool:
        """Whether the job has ended, successfully or not."""
        return self in {self.COMPLETED, self.ERROR, self.ABORTED, self.ARCHIVED}


class JobProtocol(Protocol):
    """The methods that a protocol implements for `JobHandle`."""

    @property
    def how_to_return(self) -> str:
        """The method that returns the handle of a job by its address, such as ``VO.get_job``."""

    def status(self, url: str, deadline: Deadline) -> JobStatus:
        """Return the status of a job."""

    def cancel(self, url: str, deadline: Deadline) -> None:
        """Cancel a job."""

    def result(self, url: str, deadline: Deadline) -> Table:
        """Return the result of a job that has ended, or raise the error that explains why there is none."""


class JobHandle:
    """A job of a server, which continues to run independently of this process.

    Parameters
    ----------
    url : str
        The address of the job, by which it can be found again.
    protocol : JobProtocol
        The protocol of the server.
    """

    def __init__(self, url: str, protocol: JobProtocol) -> None:
        self.url = url
        self._protocol = protocol

    def __repr__(self) -> str:
        return f"<JobHandle at {self.url}>"

    @property
    def status(self) -> str:
        """The current status of the job (str): ``"QUEUED"``, ``"EXECUTING"``, ``"COMPLETED"``, ``"ERROR"``, …"""
        return str(self._protocol.status(self.url, Deadline.start(None)))

    def wait(self, *, timeout: float | u.Quantity | None = None, verbose: bool = False) -> Self:
        """Wait until the job has finished, successfully or not.

        Ctrl-C and a timeout end the wait, and the job continues.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        verbose : bool, default False
            Whether to show the progress of the job on a terminal.

        Returns
        -------
        JobHandle
            The job itself.

        Raises
        ------
        TimeoutError
            If the job has not finished in time; the message describes how to return to it.
        InvalidQueryError
            If the server does not know the job.
        """
        self._watch(Deadline.start(as_seconds(timeout)), verbose=verbose)
        return self

    def cancel(self, *, timeout: float | u.Quantity | None = None) -> None:
        """Cancel the job; a job that has finished is not changed.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        """
        self._protocol.cancel(self.url, Deadline.start(as_seconds(timeout)))

    def result(self, *, timeout: float | u.Quantity | None = None, verbose: bool = False) -> Table:
        """Wait for the job and return its result.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        verbose : bool, default False
            Whether to show the progress of the job on a terminal.

        Returns
        -------
        `~astropy.table.Table`
            The rows, with units and descriptions.

        Raises
        ------
        InvalidQueryError
            If the server rejects the query.
        RemoteServiceError
            If the job failed or was canceled.
        TimeoutError
            If the job has not finished in time.

        Warns
        -----
        MaxResultsWarning
            If there are more rows than the job may return.
        """
        table = self.fetch(Deadline.start(as_seconds(timeout)), verbose=verbose)
        if table.meta.get("overflow"):
            warn_of_limit(len(table))
        return table

    def fetch(self, deadline: Deadline, *, verbose: bool = False, kept: bool = True) -> Table:
        """Return the result before a deadline, without a warning about rows over the limit.

        ``kept`` says whether the job continues after Ctrl-C, which is then logged; if not, the caller must cancel it.
        """
        self._watch(deadline, verbose=verbose, kept=kept)
        return self._protocol.result(self.url, deadline)

    def _watch(self, deadline: Deadline, *, verbose: bool, kept: bool = True) -> None:
        """Poll the status until the job has ended; transient errors are retried."""
        status = JobStatus.UNKNOWN
        try:
            with progress_bar(None, "Job", "question", shown=verbose) as bar:

                def ask() -> JobStatus:
                    nonlocal status
                    status = self._protocol.status(self.url, deadline)
                    bar.set_postfix_str(status)
                    bar.update()
                    return status

                retrying(
                    ask,
                    deadline=deadline,
                    on_error=is_transient,
                    on_result=lambda status: not status.finished,
                    stop=lambda _: deadline.remaining() <= 0,
                    wait=POLL,
                )
        except KeyboardInterrupt:
            if kept:
                log.info("Stopped waiting for the job. %s", self._return_to_it())
            raise
        except MastError as err:
            if deadline.remaining() > 0:
                raise
            log.debug("Could not read the status of %s in time: %s", self.url, err)
        if not status.finished:
            late = f"The job has not finished within {deadline.seconds:g} s (status: {status})."
            raise QueryTimeoutError(
                f"{late} {self._return_to_it()}",
                service=self.url,
                elapsed=deadline.elapsed(),
            )

    def _return_to_it(self) -> str:
        """Sentences that describe how to return to the job."""
        return f"It is still running. Reconnect with {self._protocol.how_to_return}({self.url!r})."
