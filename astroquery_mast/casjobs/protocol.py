"""Calls of the operations of CasJobs.

In: an operation and its parameters.  Out: a string, a number, the record of a job, a file; or an error of this package.
The body of each request contains the password.  Therefore requests are POST, over https or to this computer, and
redirects are not followed.  Operations that change something are repeated only if the request has not arrived.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, ClassVar, TypeAlias, TypeVar
from urllib.parse import urljoin

import requests
from astropy.table import Table

from ..exceptions import (
    BadRequestError,
    CredentialsError,
    InvalidArgumentError,
    InvalidQueryError,
    InvalidResponseError,
    LoginError,
    MastError,
    NetworkError,
    ServerError,
)
from ..service.connections import spooled_file
from ..service.http import Hopeless, HttpClient, is_limited
from ..service.jobs import JobHandle, JobStatus
from ..service.mast_service import MastService
from ..service.retrying import Deadline, never_connected, took_too_long
from ..service.token import Credentials, origin_of
from .login import Account, CasJobsLogin, CasJobsUser, check_address
from .refusals import QuickLimitError, check_answer, refusal
from .statements import MYDB, read_statement
from .wire import (
    Body,
    Record,
    check_no_page,
    encode_form,
    read_document,
    read_nothing,
    read_number,
    read_records,
    read_text,
)

T = TypeVar("T")
Read: TypeAlias = Callable[[Body, str], T]
"""Reads the body of a response; the second argument is the name of the request, for messages."""

QUERY = "query"
"""The name of the task for the queries of a user."""
_STATUSES = (
    *(JobStatus.QUEUED, JobStatus.EXECUTING, JobStatus.EXECUTING),
    *(JobStatus.ABORTED, JobStatus.ERROR, JobStatus.COMPLETED),
)
_JOB_NUMBER = re.compile(r"[?&]id=(\d+)", re.IGNORECASE)
# The part of a file that is checked for a web page (bytes).
_HEAD = 2048
# Seconds that remain, after the deadline, to check whether a job was submitted.
_GRACE = 20.0


@dataclass(frozen=True)
class CasJobsCalls:
    """The operations of CasJobs, sent over the connections of a client for the user who is logged in.

    Parameters
    ----------
    service : MastService
            The service that sends the requests.
    login : CasJobsLogin
            The login with the number and the password of the user.
    read_result : callable
            Returns the table of a finished job, given these calls, the record of the job and the deadline.
    """

    service: MastService
    login: CasJobsLogin
    read_result: Callable[[CasJobsCalls, Record, Deadline], Table] | None = None
    # The method that returns the handle of a job for its URL, for messages.
    how_to_return: ClassVar[str] = "CasJobs.get_job"

    @property
    def url(self) -> str:
        """The URL of CasJobs."""
        return self.service.endpoints.casjobs

    def operation_url(self, operation: str) -> str:
        """Return the URL of an operation."""
        return f"{self.url}/services/jobs.asmx/{operation}"

    # -- the user ----------------------------------------------------------------------------------------------------

    def accept(self, account: Account, deadline: Deadline) -> CasJobsUser:
        """Verify an account, and return its user."""
        origin = origin_of(self.url)
        if account.wsid is None:
            wsid = self._web_services_id(account, deadline)
            return CasJobsUser(wsid, account.username, account.password, origin)
        user = CasJobsUser(account.wsid, None, account.password, origin)
        login = CasJobsLogin()
        login.keep(user)
        CasJobsCalls(self.service, login).quick("SELECT 1 AS one", MYDB, deadline)
        return user

    def _web_services_id(self, account: Account, deadline: Deadline) -> str:
        """Return the number of a user, which all operations require instead of the name."""
        what, url = "The login of CasJobs", f"{self.url}/casusers.asmx/GetWebServiceId"
        form = {"userid": account.username or "", "password": account.password}
        number = self._post(url, form, deadline, what, _read_wsid)
        if number in {"", "-1"}:
            raise CredentialsError(f"CasJobs has no user {account.username} with this password.")
        return number

    # -- queries -----------------------------------------------------------------------------------------------------

    def quick(
        self, sql: str, context: str, deadline: Deadline, *, task: str = QUERY, repeatable: bool | None = None
    ) -> str:
        """Execute a statement in the quick queue, and return its rows as CSV with names and types in the first line.

        Only the task `QUERY` appears in the user's history of jobs.  ``repeatable`` says whether the statement may be
        sent again after a failure; by default, statements that only read may.

        Raises
        ------
        QuickLimitError
            If the statement takes too long, or returns too much.
        """
        again = read_statement(sql).only_reads if repeatable is None else repeatable
        fields = {"qry": sql, "context": context, "taskname": task, "isSystem": "false" if task == QUERY else "true"}
        hopeless = took_too_long if again else _may_have_arrived
        try:
            return self._operate("ExecuteQuickJob", fields, deadline, read_text, hopeless)
        except ServerError as err:
            if deadline.remaining() > 0 and took_too_long(err):
                raise QuickLimitError(str(err), service=err.service, status=err.status) from err
            raise

    def submit(self, sql: str, context: str, deadline: Deadline, *, estimate: int, task: str) -> int:
        """Submit a statement as a batch job, and return the number of the job.

        The request is sent once.  If there is no response, the job is searched for by the name of its task.
        """
        named = f"{task} {secrets.token_hex(6)}"
        fields = {"qry": sql, "context": context, "taskname": named, "estimate": str(estimate)}
        try:
            return self._operate("SubmitJob", fields, deadline, read_number, _may_have_arrived)
        except (InvalidQueryError, LoginError, NetworkError):
            raise
        except MastError as err:
            if never_connected(err):
                raise
            return self._submitted(named, err)
        except KeyboardInterrupt:
            with suppress(MastError):
                for job_id in self._named(named):
                    self.cancel(self.job_url(job_id), Deadline(_GRACE))
            raise

    def _submitted(self, task: str, error: MastError) -> int:
        """Return the number of a job that was submitted without a response; raise the error if there is no such job."""
        try:
            found = self._named(task)
        except MastError as err:
            error.args = (f"{error} The job may have been submitted. Check list_jobs(). ({err})",)
            raise error from err
        if not found:
            error.args = (f"{error} CasJobs does not list the job, so you can submit it again.",)
            raise error
        return found[0]

    def _named(self, task: str) -> list[int]:
        """Return the numbers of the jobs with a task of this name."""
        found = self.records(Deadline(_GRACE), [f"TaskName : {task}"])
        return [int(each["JobID"]) for each in found if each.get("TaskName") == task]

    def extract(self, table: str, form: str, deadline: Deadline) -> int:
        """Write a table of MyDB to a file on the server, and return the number of the job that does it."""
        return self._operate("SubmitExtractJob", {"tableName": table, "type": form}, deadline, read_number)

    def append(self, table: str, csv_text: str, deadline: Deadline) -> None:
        """Add rows to an existing table of MyDB."""
        fields = {"tableName": table, "data": csv_text, "tableExists": "true"}
        self._operate("UploadData", fields, deadline, read_nothing, _may_have_arrived)

    def queues(self, deadline: Deadline) -> list[Record]:
        """Return the queues of the contexts that the user may query: ``Context`` and ``Timeout`` (minutes)."""
        return self._operate("GetQueues", {}, deadline, partial(read_records, tag="CJQueue"))

    # -- jobs --------------------------------------------------------------------------------------------------------

    def job(self, job_id: int) -> JobHandle:
        """Return the handle of a job."""
        return JobHandle(self.job_url(job_id), self)

    def job_url(self, job_id: int | str) -> str:
        """Return the URL of a job: its web page."""
        return f"{self.url}/jobdetails.aspx?id={job_id}"

    def job_number(self, given: object) -> int:
        """Return the number of a job from its number or URL."""
        text = str(given).strip()
        if text.isdecimal():
            return int(text)
        found = _JOB_NUMBER.search(text)
        if found is None or not text.startswith(f"{self.url.rpartition('/')[0]}/"):
            raise InvalidArgumentError(
                f"{given!r} is not a job of {self.url}. Use a number or a URL ({self.job_url('<number>')})."
            )
        return int(found[1])

    def status(self, url: str, deadline: Deadline) -> JobStatus:
        """Return the status of a job."""
        return job_status(self._operate("GetJobStatus", {"jobid": str(self.job_number(url))}, deadline, read_number))

    def cancel(self, url: str, deadline: Deadline) -> None:
        """Cancel a job that has not finished."""
        if not self.status(url, deadline).finished:
            self._operate("CancelJob", {"jobid": str(self.job_number(url))}, deadline, read_nothing)

    def result(self, url: str, deadline: Deadline) -> Table:
        """Return the result of a finished job, or raise the reason why there is no result."""
        record = self.job_record(self.job_number(url), deadline)
        status = job_status(record.get("Status", ""))
        if status == JobStatus.ERROR:
            raise _failure(record)
        if status != JobStatus.COMPLETED:
            raise ServerError(f"The job {url} is {status}. Submit it again.", service=url)
        if self.read_result is None:
            raise InvalidArgumentError(f"The result of {url} is not a table.")
        table = self.read_result(self, record, deadline)
        table.meta["job"] = url
        return table

    def job_record(self, job_id: int, deadline: Deadline) -> Record:
        """Return the record of a job."""
        found = self.records(deadline, [f"JobID : {job_id}"])
        record = next((each for each in found if each.get("JobID") == str(job_id)), None)
        if record is None:
            raise BadRequestError(f"Job {job_id} not found for this CasJobs user.", service=self.url)
        return record

    def records(self, deadline: Deadline, conditions: Sequence[str]) -> list[Record]:
        """Return the records of the jobs that meet all conditions, such as ``"Status : 5"``."""
        user = self.login.user_for(self.url)
        form = {"owner_wsid": user.wsid, "owner_pw": user.password}
        form |= {"conditions": ";".join(conditions), "includeSystem": "false"}
        found = self._send_operation("GetJobs", form, deadline, partial(read_records, tag="CJJob"))
        return [each for each in found if each.get("JobID", "").isdecimal()]

    def output(self, job_id: int, deadline: Deadline) -> BinaryIO:
        """Return the file that a job has written; it is downloaded without the password."""
        what = f"The output of the CasJobs job {job_id}"
        address = self.job_record(job_id, deadline).get("OutputLoc", "")
        if not address:
            raise ServerError(f"{what} has no URL.", service=what)
        send = partial(self.service.send, credentials=Credentials())
        client = HttpClient(send, self.service.endpoints, check=check_answer)
        url = urljoin(f"{self.url}/", address)
        file = spooled_file(client.request("GET", url, deadline=deadline, service=what, spooled=True))
        check_no_page(memoryview(file.peek(_HEAD)), what)
        return file

    # -- requests ----------------------------------------------------------------------------------------------------

    def _operate(
        self,
        operation: str,
        fields: Mapping[str, str],
        deadline: Deadline,
        read: Read[T],
        hopeless: Hopeless | None = None,
    ) -> T:
        """Call an operation with the number and the password of the user."""
        user = self.login.user_for(self.url)
        return self._send_operation(
            operation, {"wsid": user.wsid, "pw": user.password, **fields}, deadline, read, hopeless
        )

    def _send_operation(
        self,
        operation: str,
        form: Mapping[str, str],
        deadline: Deadline,
        read: Read[T],
        hopeless: Hopeless | None = None,
    ) -> T:
        """Call an operation with all of its parameters."""
        return self._post(self.operation_url(operation), form, deadline, f"CasJobs ({operation})", read, hopeless)

    def _post(
        self,
        url: str,
        form: Mapping[str, str],
        deadline: Deadline,
        what: str,
        read: Read[T],
        hopeless: Hopeless | None = None,
    ) -> T:
        """Send a form and read the response; ``hopeless`` says after which errors it is not sent again."""
        check_address(url)
        return HttpClient(self._send, self.service.endpoints, check=check_answer).request(
            "POST",
            url,
            data=encode_form(form),
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/xml"},
            deadline=deadline,
            service=what,
            allow_redirects=False,
            hopeless=hopeless,
            read=lambda response: read(_body_of(response, what), what),
        )

    def _send(self, method: str, url: str, **keywords: Any) -> requests.Response:
        """Send a request without the MAST token, and remove the password from what is left of the request."""
        try:
            response = self.service.send(method, url, credentials=Credentials(), **keywords)
        except requests.RequestException as err:
            _strip_body(err.request)
            raise
        _strip_body(response.request)
        return response


def _read_wsid(body: Body, what: str) -> str:
    """Return the number of a user, which is text in the response and may be ``-1``."""
    number = (read_document(body, what, "string", "long", "int").text or "").strip()
    if number and not number.lstrip("-").isdecimal():
        raise InvalidResponseError(f"{what} did not return a number.", service=what)
    return number


def _failure(record: Record) -> MastError:
    """Return the error of a failed job."""
    error = refusal(record.get("Error") or record.get("Message") or "", f"CasJobs (job {record['JobID']})")
    if isinstance(error, QuickLimitError):
        error.args = (f"{error} To allow more time, use a longer estimate.",)
    return error


def job_status(code: object) -> JobStatus:
    """Return the job status for a number of CasJobs."""
    number = int(code) if str(code).isdecimal() else -1  # type: ignore[call-overload]
    return _STATUSES[number] if 0 <= number < len(_STATUSES) else JobStatus.UNKNOWN


def status_codes(status: JobStatus) -> list[str]:
    """Return the numbers of a status in CasJobs."""
    return [str(number) for number, each in enumerate(_STATUSES) if each == status]


def _strip_body(request: requests.Request | requests.PreparedRequest | None) -> None:
    """Remove the form from a request that has been sent."""
    if isinstance(request, requests.PreparedRequest):
        request.body = None


def _may_have_arrived(error: MastError) -> bool:
    """Return whether the server may have carried out the request, so that it must not be sent again."""
    return not never_connected(error) and not is_limited(error)


def _body_of(response: requests.Response, what: str) -> Body:
    """Return the body of a response, unless it is a redirect."""
    if 300 <= response.status_code < 400:
        target = urljoin(response.url, response.headers.get("Location", ""))
        raise NetworkError(
            f"{what} was redirected to {target}. The password was not sent there. If this is the correct "
            "server, set conf.casjobs_server.",
            service=what,
            status=response.status_code,
        )
    return memoryview(response.content)
