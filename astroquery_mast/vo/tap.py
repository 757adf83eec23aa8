"""A TAP service: ADQL queries that return tables, synchronously or as jobs.

In: a query as text.  Out: a table with units, UCDs and descriptions, or an error of this package.  The protocol is
implemented by pyvo.  This module chooses between the two modes and converts the results.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urljoin

import numpy as np
from astropy.table import Table
from astroquery import log
from pyvo.dal import TAPService
from pyvo.dal.tap import TAPResults
from pyvo.io import uws

from ..config import seconds_setting
from ..exceptions import BadRequestError, InvalidArgumentError, MastError, ServerError
from ..service.jobs import JobHandle, JobStatus
from ..service.mast_service import MastService
from ..service.retrying import Deadline, took_too_long
from ..tables.result_table import ResultTable
from .results import correct_wavelengths, table_of
from .session import VOSession, translated

ROW_CAP = 100_000
"""The maximum number of rows in a response of MAST's TAP services."""
# The default time limit of a job (seconds).
_USUAL_DURATION = 600


@dataclass(frozen=True)
class TapService:
    """A TAP service, queried over the connections of a client.

    Parameters
    ----------
    service : MastService
            The service that sends the requests.
    url : str
        The address of the service, without ``/sync``.
    what : str
            The name of the service in messages.
    """

    service: MastService
    url: str
    what: str
    # The method that returns the handle of a job for its URL, for messages.
    how_to_return: ClassVar[str] = "VO.get_job"

    # -- queries -----------------------------------------------------------------------------------------------------

    def rows(
        self,
        adql: str,
        deadline: Deadline,
        *,
        maxrec: int = ROW_CAP,
        run_async: bool | None = None,
        verbose: bool = False,
    ) -> Table:
        """Return the rows of a query, at most ``maxrec``, without a warning if there are more.

        By default, the query is sent synchronously, and again as a job if that takes too long; ``run_async`` selects
        one of these modes.  ``meta`` has the query, the service, the mode (``"sync"`` or ``"async"``), and whether
        there are more rows.
        """
        if not run_async:
            # Half of the time is left for a job.
            patience = None if run_async is False else min(seconds_setting("read_timeout"), deadline.remaining() / 2)
            try:
                return self._at_once(adql, maxrec, deadline, patience=patience, hopeless=took_too_long)
            except MastError as err:
                if run_async is False and took_too_long(err):
                    err.args = (f"{err} To allow more time, run the query as a job: run_async=True.",)
                if run_async is False or not took_too_long(err):
                    raise
            log.info("%s did not respond in time. Sending the query again as a job, which may run longer.", self.what)
        job = self.submit(adql, maxrec=maxrec, deadline=deadline)
        table = job.fetch(deadline, verbose=verbose)
        with suppress(MastError):  # The server removes the job eventually.
            self.session(deadline, allow_redirects=False).delete(job.url)
        return table

    def _at_once(self, adql: str, maxrec: int, deadline: Deadline, **options: Any) -> Table:
        """Return the result of a synchronous query."""
        session = self.session(deadline, **options)
        query = TAPService(self.url, session=session).create_query(adql, maxrec=maxrec)
        with session, translated(self.what):
            return self._table(TAPResults(query.execute_votable(), url=query.queryurl, session=session), adql, "sync")

    def payload(self, adql: str, maxrec: int, run_async: bool | None) -> dict[str, object]:
        """Return the request for a query: the address as ``url``, and the parameters."""
        query = TAPService(self.url).create_query(adql, maxrec=maxrec, mode="async" if run_async else "sync")
        return {"url": query.queryurl, **query}

    def session(self, deadline: Deadline, **options: Any) -> VOSession:
        """Return the session for the requests of pyvo during a call."""
        return VOSession(self.service, deadline, self.what, **options)

    def _table(self, results: TAPResults, adql: str, mode: str) -> Table:
        """Return the table of a result."""
        table = table_of(results)
        correct_wavelengths(table, adql)
        table.meta = {"adql": adql, "service": self.url, "mode": mode, **table.meta}
        return table

    # -- jobs --------------------------------------------------------------------------------------------------------

    def submit(self, adql: str, *, maxrec: int = ROW_CAP, deadline: Deadline) -> JobHandle:
        """Submit a query as a job."""
        session = self.session(deadline, allow_redirects=False)
        longer = _USUAL_DURATION < deadline.remaining() < np.inf
        options = {"EXECUTIONDURATION": int(deadline.remaining())} if longer else {}
        query = TAPService(self.url, session=session).create_query(adql, mode="async", maxrec=maxrec, **options)
        with translated(self.what):
            created = query.submit()
            url = urljoin(created.url, created.headers["Location"])
        self._set_phase(url, "RUN", deadline, unless=JobStatus.PENDING)
        return JobHandle(url, self)

    def _set_phase(self, url: str, phase: str, deadline: Deadline, unless: JobStatus) -> None:
        """Set the phase of a job; a refusal is only an error if the job still has the status ``unless``."""
        try:
            self.session(deadline, allow_redirects=False).post(f"{url}/phase", data={"PHASE": phase})
        except BadRequestError:  # The phase may be set already if the request was sent twice.
            if self.status(url, deadline) == unless:
                raise

    def status(self, url: str, deadline: Deadline) -> JobStatus:
        """Return the status of a job."""
        phase = str(self._summary(url, deadline).phase).upper()
        return JobStatus(phase) if phase in JobStatus.__members__ else JobStatus.UNKNOWN

    def cancel(self, url: str, deadline: Deadline) -> None:
        """Cancel a job that has not finished."""
        status = self.status(url, deadline)
        if not status.finished:
            self._set_phase(url, "ABORT", deadline, unless=status)

    def result(self, url: str, deadline: Deadline) -> Table:
        """Return the result of a finished job, or raise the reason why there is no result."""
        summary = self._summary(url, deadline)
        if summary.phase != JobStatus.COMPLETED:
            raise self._failure(summary, url)
        found = [each.href for each in summary.results or () if each.href and "result" in (each.id_, each.href[-6:])]
        if not found:
            raise ServerError(f"{self.what} has no result for the job {url}.", service=self.what)
        with self.session(deadline) as session, translated(self.what):
            results = TAPResults.from_result_url(urljoin(url, found[0]), session=session)
            table = self._table(results, _parameter(summary, "query"), "async")
        table.meta["job"] = url
        return table

    def _failure(self, summary: Any, url: str) -> MastError:
        """Return the error of a job without a result."""
        error = summary.errorsummary
        words = str(getattr(getattr(error, "message", None), "content", None) or "").strip().rstrip(".")
        if summary.phase != JobStatus.ERROR:
            return ServerError(
                f"The job {url} is {summary.phase}{words and ': '}{words}. Submit it again.", service=url
            )
        kind = ServerError if getattr(error, "type_", "") == "transient" else BadRequestError
        return kind(f"{self.what} could not run the query: {words or 'no reason given'}.", service=self.what)

    def _summary(self, url: str, deadline: Deadline) -> Any:
        """Return the description of a job by the server."""
        with translated(self.what):
            return uws.parse_job(self.session(deadline).get(url, stream=True).raw.read)

    def jobs(self, deadline: Deadline) -> Table:
        """Return the jobs that the server lists."""
        with translated(self.what):
            found = TAPService(self.url, session=self.session(deadline)).get_job_list()
        rows = [(each.jobid, each.phase, str(each.creationtime or ""), self.job_url(each.jobid)) for each in found]
        return ResultTable(rows=rows, names=("job_id", "status", "created", "url"), dtype=(str, str, str, str))

    def job_url(self, job_id: str) -> str:
        """Return the URL of a job."""
        return f"{self.url}/async/{job_id}"

    # -- examples ----------------------------------------------------------------------------------------------------

    def examples(self, deadline: Deadline) -> list[str]:
        """Return the example queries of the service."""
        with translated(self.what):
            try:
                found = TAPService(self.url, session=self.session(deadline, web_pages=True)).examples
            except BadRequestError as err:
                if err.status != 404:
                    raise
                return []
            return [str(each["QUERY"]).strip() for each in found]


def job_at(service: MastService, url: str) -> JobHandle:
    """Return the handle of a job from its URL, or from the URL of its result."""
    base, found, rest = str(url).strip().rpartition("/async/")
    job = rest.partition("/")[0]
    if not (found and job and base.startswith(("https://", "http://"))):
        raise InvalidArgumentError(f"{url!r} is not the URL of a job. It should look like https://…/async/<job>.")
    tap = TapService(service, base, f"TAP service {base.rpartition('/')[2]}")
    return JobHandle(tap.job_url(job), tap)


def _parameter(summary: Any, name: str) -> str:
    """Return the value of a parameter of a job."""
    return next((str(each.content) for each in summary.parameters or () if str(each.id_).lower() == name), "")
