"""One call of an operation of CasJobs: what is sent, and what the answer says.

In: an operation and its parameters.  Out: a text, a number, a record of a job, a file; or an error of this package.
The password is in the body of each request, so that requests are POST, over https or to this computer, and redirects
are not followed with it.  Operations that change something are sent once: only what has not arrived is sent again.
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
"""Reads the body of an answer; the second argument is the name of what was asked, for messages."""

QUERY = "query"
"""The name of the task of a user's own query."""
_STATUSES = (
    *(JobStatus.QUEUED, JobStatus.EXECUTING, JobStatus.EXECUTING),
    *(JobStatus.ABORTED, JobStatus.ERROR, JobStatus.COMPLETED),
)
_JOB_NUMBER = re.compile(r"[?&]id=(\d+)", re.IGNORECASE)
# What is looked at of a file (bytes).
_HEAD = 2048
# Seconds that remain, after everything else, to find out whether a job was submitted.
_GRACE = 20.0


@dataclass(frozen=True)
class CasJobsCalls:
    """The operations of CasJobs, through the connections of a client and in the name of the user who is logged in.

    Parameters
    ----------
    service : MastService
        The client's conversation with the archive.
    login : CasJobsLogin
        Who the user is.
    read_result : callable
        Makes a table of what a finished job has left: given these calls, the record of the job and the deadline.
    """

    service: MastService
    login: CasJobsLogin
    read_result: Callable[[CasJobsCalls, Record, Deadline], Table] | None = None
    # The call that makes a job's handle from its address.
    how_to_return: ClassVar[str] = "CasJobs.get_job"

    @property
    def url(self) -> str:
        """The address of this CasJobs."""
        return self.service.endpoints.casjobs

    def operation_url(self, operation: str) -> str:
        """The address of an operation."""
        return f"{self.url}/services/jobs.asmx/{operation}"

    # -- the user ----------------------------------------------------------------------------------------------------

    def accept(self, account: Account, deadline: Deadline) -> CasJobsUser:
        """Have an account checked, and return its user."""
        origin = origin_of(self.url)
        if account.wsid is None:
            wsid = self._web_services_id(account, deadline)
            return CasJobsUser(wsid, account.username, account.password, origin)
        user = CasJobsUser(account.wsid, None, account.password, origin)
        asked = CasJobsLogin()
        asked.keep(user)
        CasJobsCalls(self.service, asked).quick("SELECT 1 AS one", MYDB, deadline)
        return user

    def _web_services_id(self, account: Account, deadline: Deadline) -> str:
        """The number of a user, which all operations want instead of the name."""
        what, url = "The login of CasJobs", f"{self.url}/casusers.asmx/GetWebServiceId"
        form = {"userid": account.username or "", "password": account.password}
        number = self._post(url, form, deadline, what, _read_wsid)
        if number in {"", "-1"}:
            raise LoginError(f"CasJobs has no user {account.username} with this password.")
        return number

    # -- queries -----------------------------------------------------------------------------------------------------

    def quick(
        self, sql: str, context: str, deadline: Deadline, *, task: str = QUERY, repeatable: bool | None = None
    ) -> str:
        """Have a statement executed at once, and return its rows as CSV with a line of names and types before them.

        The user's history of jobs has no other task than `QUERY`.  ``repeatable`` says whether the statement may be
        sent again after a failure; if it is not given, those that only read are.

        Raises
        ------
        QuickLimitError
            If that takes too long, or there is too much to return.
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
        """Have CasJobs work on a statement by itself, and return the number of the job.

        It is sent once.  If no number comes back, the job is looked for by the name of its task.
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
        """The number of a job that was submitted without an answer; raise what happened if it was not."""
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
        """The numbers of the jobs whose task has a name."""
        found = self.records(Deadline(_GRACE), [f"TaskName : {task}"])
        return [int(each["JobID"]) for each in found if each.get("TaskName") == task]

    def extract(self, table: str, form: str, deadline: Deadline) -> int:
        """Have CasJobs write a table of MyDB to a file, and return the number of that job."""
        return self._operate("SubmitExtractJob", {"tableName": table, "type": form}, deadline, read_number)

    def append(self, table: str, csv_text: str, deadline: Deadline) -> None:
        """Add rows to a table of MyDB that is there."""
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
        """Return the address of a job: the page that shows it to people."""
        return f"{self.url}/jobdetails.aspx?id={job_id}"

    def job_number(self, given: object) -> int:
        """Return the number of a job that is given by number or address."""
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
        """Ask how far a job is."""
        return job_status(self._operate("GetJobStatus", {"jobid": str(self.job_number(url))}, deadline, read_number))

    def cancel(self, url: str, deadline: Deadline) -> None:
        """Have the server stop a job."""
        if not self.status(url, deadline).finished:
            self._operate("CancelJob", {"jobid": str(self.job_number(url))}, deadline, read_nothing)

    def result(self, url: str, deadline: Deadline) -> Table:
        """Fetch the result of a job that has finished, or raise why it has none."""
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
        """Return what CasJobs knows of a job."""
        found = self.records(deadline, [f"JobID : {job_id}"])
        record = next((each for each in found if each.get("JobID") == str(job_id)), None)
        if record is None:
            raise BadRequestError(f"Job {job_id} not found for this CasJobs user.", service=self.url)
        return record

    def records(self, deadline: Deadline, conditions: Sequence[str]) -> list[Record]:
        """Return what CasJobs knows of the jobs that meet all conditions, such as ``"Status : 5"``."""
        user = self.login.user_for(self.url)
        form = {"owner_wsid": user.wsid, "owner_pw": user.password}
        form |= {"conditions": ";".join(conditions), "includeSystem": "false"}
        found = self._send_operation("GetJobs", form, deadline, partial(read_records, tag="CJJob"))
        return [each for each in found if each.get("JobID", "").isdecimal()]

    def output(self, job_id: int, deadline: Deadline) -> BinaryIO:
        """Return the file that a job has written; it is fetched without the password."""
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
        """Call an operation in the name of the user."""
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
        """Call an operation with everything that it is told."""
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
        """Send a form and read the answer; ``hopeless`` tells after which failures it is not sent again."""
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
        """Send without the token of MAST; nothing that is left of the request has the password."""
        try:
            response = self.service.send(method, url, credentials=Credentials(), **keywords)
        except requests.RequestException as err:
            _strip_body(err.request)
            raise
        _strip_body(response.request)
        return response


def _read_wsid(body: Body, what: str) -> str:
    """The number of a user, which comes as text; it may be ``-1``."""
    number = (read_document(body, what, "string", "long", "int").text or "").strip()
    if number and not number.lstrip("-").isdecimal():
        raise InvalidResponseError(f"{what} did not return a number.", service=what)
    return number


def _failure(record: Record) -> MastError:
    """Why a job has failed."""
    error = refusal(record.get("Error") or record.get("Message") or "", f"CasJobs (job {record['JobID']})")
    if isinstance(error, QuickLimitError):
        error.args = (f"{error} To allow more time, use a longer estimate.",)
    return error


def job_status(code: object) -> JobStatus:
    """Return the status that CasJobs has a number for."""
    number = int(code) if str(code).isdecimal() else -1  # type: ignore[call-overload]
    return _STATUSES[number] if 0 <= number < len(_STATUSES) else JobStatus.UNKNOWN


def status_codes(status: JobStatus) -> list[str]:
    """Return the numbers that CasJobs has for a status."""
    return [str(number) for number, each in enumerate(_STATUSES) if each == status]


def _strip_body(request: requests.Request | requests.PreparedRequest | None) -> None:
    """Take the form out of a request that has been sent."""
    if isinstance(request, requests.PreparedRequest):
        request.body = None


def _may_have_arrived(error: MastError) -> bool:
    """Whether what was sent may have been done, so that it is not sent again."""
    return not never_connected(error) and not is_limited(error)


def _body_of(response: requests.Response, what: str) -> Body:
    """The body of an answer that is none of somebody else."""
    if 300 <= response.status_code < 400:
        target = urljoin(response.url, response.headers.get("Location", ""))
        raise NetworkError(
            f"{what} was redirected to {target}. The password was not sent there. If this is the correct "
            "server, set conf.casjobs_server.",
            service=what,
            status=response.status_code,
        )
    return memoryview(response.content)
