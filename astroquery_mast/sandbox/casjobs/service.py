"""The operations of CasJobs over HTTP, in the formats of its web service (ASMX).

In: requests by GET or POST with a form. Out: XML with one element, or status 500 with the trace of a .NET exception.
"""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from urllib.parse import urlencode

from ..identity import ACCOUNTS, Account
from ..reply import Refusal, Reply
from ..requestlog import RequestRecord
from .contexts import CONTEXTS
from .jobs import FATE, CasJob, ConditionError, selected
from .mydb import UserDatabase
from .names import MYDB
from .outputs import FORMS, quick_text, tab_text
from .relations import Relation, SqlError
from .sqltypes import ConversionError
from .uploads import read_upload

#: Steps of SQLite per second of the quick queue: independent of the speed and load of the computer.
STEPS_PER_SECOND = 1_000_000
OUTPUT_PREFIX = "/CasOutPut/"
NAMESPACE = "http://Services.Cas.jhu.edu"
#: IIS responds with "not found" to URLs with longer queries.
_LONGEST_QUERY = 2048
_FIRST_JOB = 41_000_001
#: Time limits of jobs in minutes: in the quick queue, and in the long queue.
_QUEUES = (1, 500)
_XML = "text/xml; charset=utf-8"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f]")
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'


class CasJobsError(Refusal):
    """A request that ends in an exception, as shown by the service: the message, then the trace."""

    def __init__(self, message: str, inner: str = "System.Data.SqlClient.SqlException") -> None:
        super().__init__(message, 500)
        self._inner = inner

    def reply(self) -> Reply:
        """Return the trace; its text is escaped for HTML."""
        told = html.escape(str(self))
        trace = (
            f"System.Exception: {told} ---> {self._inner}: {told}\r\n"
            "   at System.Data.SqlClient.SqlConnection.OnError(SqlException exception, Boolean breakConnection)\r\n"
            "   --- End of inner exception stack trace ---\r\n"
            "   at CasJobs.Services.Jobs.Execute(Int64 wsid, String pw)\r\n"
        )
        return Reply.text(trace, 500, "text/plain; charset=utf-8")


class FormError(CasJobsError):
    """A request that the web service does not understand."""

    def reply(self) -> Reply:
        """Return the exception of ASP.NET."""
        trace = (
            f"{self._inner}: {self}\r\n"
            "   at System.Web.Services.Protocols.HttpServerProtocol.ReadParameters()\r\n"
            "   at System.Web.Services.Protocols.WebServiceHandler.CoreProcessRequest()\r\n"
        )
        return Reply.text(trace, 500, "text/plain; charset=utf-8")


class CasJobsService:
    """Answer the requests of all users.

    ``quick_seconds`` is the time limit of the quick queue, ``upload_limit`` the maximum size of an upload in bytes, and
    ``questions`` the number of status requests until a job ends.
    """

    def __init__(self, quick_seconds: float, upload_limit: int, questions: int) -> None:
        self._quick_steps = quick_seconds * STEPS_PER_SECOND
        self._upload_limit = upload_limit
        self._questions = questions
        self._lock = threading.RLock()
        self._databases: dict[str, UserDatabase] = {}
        self._jobs: dict[int, CasJob] = {}
        self._outputs: dict[str, Reply] = {}
        self._numbers = count(_FIRST_JOB)
        self._operations: Mapping[str, Callable[[RequestRecord], Reply]] = {
            "ExecuteQuickJob": self._quick,
            "SubmitJob": self._submit,
            "GetJobStatus": self._status,
            "CancelJob": self._cancel,
            "GetJobs": self._list,
            "SubmitExtractJob": self._extract,
            "UploadData": self._upload,
            "GetQueues": self._queues,
        }
        self._endpoints: Mapping[str, Callable[[RequestRecord], Reply]] = {
            "casjobs": self._operation,
            "casjobs_login": _web_service_id,
            "casjobs_output": self._output,
            "casjobs_fast": self._fast,
        }

    def end(self) -> None:
        """Delete all tables, jobs, and files."""
        with self._lock:
            for database in self._databases.values():
                database.close()
            for kept in (self._databases, self._jobs, self._outputs):
                kept.clear()

    def answer(self, record: RequestRecord) -> Reply:
        """Answer a request."""
        if len(urlencode(record.query, doseq=True)) > _LONGEST_QUERY:
            return Reply.text("<html><body><h2>404 - File or directory not found.</h2></body></html>", 404, "text/html")
        with self._lock:
            return self._endpoints[record.endpoint](record)

    def _operation(self, record: RequestRecord) -> Reply:
        name = record.path.rpartition("/")[2]
        if name not in self._operations:
            raise FormError(
                f"Request format is unrecognized for URL unexpectedly ending in '/{name}'.",
                "System.InvalidOperationException",
            )
        return self._operations[name](record)

    def _database(self, account: Account) -> UserDatabase:
        if account.user not in self._databases:
            self._databases[account.user] = UserDatabase()
        return self._databases[account.user]

    def _quick(self, record: RequestRecord) -> Reply:
        account, query, context = _user(record), _text(record, "qry"), _text(record, "context")
        job = self._job(record, query, context, lambda job: None)
        job.is_system, job.queue = _flag(record, "isSystem"), _QUEUES[0]
        with _refused(job):
            result = self._database(account).execute(query, context, self._quick_steps)
            job.rows, job.created = result.count, result.created
        job.begin()
        return _element("string", quick_text(result))

    def _submit(self, record: RequestRecord) -> Reply:
        account, query, context = _user(record), _text(record, "qry"), _text(record, "context")
        _number(record, "estimate")

        def run(job: CasJob) -> None:
            result = self._database(account).execute(query, context)
            job.rows, job.created = result.count, result.created

        return self._started(record, self._job(record, query, context, run))

    def _extract(self, record: RequestRecord) -> Reply:
        account, table, form = _user(record), _text(record, "tableName"), _text(record, "type")
        if form not in FORMS:
            raise CasJobsError(f"The output type '{form}' is not supported.", "System.ArgumentException")
        host = record.headers.get("host", "")

        def run(job: CasJob) -> None:
            write, ending, kind = FORMS[form]
            result = self._database(account).rows(_table_name(table))
            path = f"{OUTPUT_PREFIX}{form.upper()}/{_table_name(table)}_{account.user}_{job.id}.{ending}"
            self._outputs[path] = Reply(200, (("Content-Type", kind),), write(result))
            job.rows, job.output = len(result.rows), f"http://{host}{path}"

        return self._started(record, self._job(record, f"{table} {form}", MYDB, run))

    def _job(self, record: RequestRecord, query: str, context: str, run: Callable[[CasJob], None]) -> CasJob:
        """Record a job, which fails with the message of the database."""

        def guarded(job: CasJob) -> None:
            try:
                run(job)
            except (SqlError, ConversionError) as error:
                job.error = str(error)

        wsid = _number(record, "wsid")
        is_query = record.value("qry") is not None
        task, kind = (_text(record, "taskname"), "QUERY") if is_query else ("", "OUTPUT")
        job = CasJob(next(self._numbers), wsid, task, query, context, kind, guarded)
        self._jobs[job.id] = job
        return job

    def _started(self, record: RequestRecord, job: CasJob) -> Reply:
        job.questions, job.fate, job.queue = self._questions, record.headers.get(FATE, ""), _QUEUES[-1]
        job.begin()
        return _element("long", str(job.id))

    def _own_job(self, record: RequestRecord) -> CasJob:
        account, number = _user(record), _number(record, "jobid")
        job = self._jobs.get(number)
        if job is None or job.wsid != account.wsid:
            raise CasJobsError(f"Job {number} does not exist or is not yours.", "System.Exception")
        return job

    def _status(self, record: RequestRecord) -> Reply:
        return _element("int", str(self._own_job(record).poll()))

    def _cancel(self, record: RequestRecord) -> Reply:
        self._own_job(record).cancel()
        return Reply(200, (("Content-Type", _XML),))

    def _list(self, record: RequestRecord) -> Reply:
        account = _user(record, "owner_wsid", "owner_pw")
        hidden = not _flag(record, "includeSystem")
        mine = [job for job in self._jobs.values() if job.wsid == account.wsid and not (hidden and job.is_system)]
        try:
            found = selected(mine, _text(record, "conditions"))
        except ConditionError as error:
            raise CasJobsError(str(error), "System.FormatException") from error
        for job in found:
            job.poll()
        listed = "".join(f"<CJJob>{_children(job.summary())}</CJJob>" for job in found)
        return _element("ArrayOfCJJob", listed, escaped=True)

    def _queues(self, record: RequestRecord) -> Reply:
        _user(record)
        queues = ({"Context": name, "Timeout": minutes} for name in (MYDB, *CONTEXTS) for minutes in _QUEUES)
        listed = "".join(f"<CJQueue>{_children(queue)}</CJQueue>" for queue in queues)
        return _element("ArrayOfCJQueue", listed, escaped=True)

    def _upload(self, record: RequestRecord) -> Reply:
        account, table = _user(record), _table_name(_text(record, "tableName"))
        data, exists = _text(record, "data"), _flag(record, "tableExists")
        if len(data) > self._upload_limit:
            raise FormError("Maximum request length exceeded.", "System.Web.HttpException")
        database = self._database(account)
        with _refused():
            known = database.table(table) if exists else None
            upload = read_upload(data)
            if known is not None:
                database.append(table, upload.rows(known))
            else:
                columns = upload.guessed()
                database.create(table, columns, upload.rows(Relation("", table, tuple(columns))))
        return Reply(200, (("Content-Type", _XML),))

    def _output(self, record: RequestRecord) -> Reply:
        found = self._outputs.get(record.path)
        return found if found is not None else Reply.text("The resource cannot be found.", 404, "text/html")

    def _fast(self, record: RequestRecord) -> Reply:
        account = next((each for each in ACCOUNTS if each.user == record.value("userid")), None)
        if account is None or account.password != record.value("pw"):
            return Reply.text("Incorrect CasJobs username/password\n", 401)
        try:
            result = self._database(account).rows(_table_name(record.value("table") or ""))
        except SqlError as error:
            return Reply.text(f"{error}\n", 404)
        return Reply.text(tab_text(result), content_type="text/tab-separated-values; charset=utf-8")


def _web_service_id(record: RequestRecord) -> Reply:
    user, password = _text(record, "userid"), _text(record, "password")
    found = (each for each in ACCOUNTS if each.user.lower() == user.lower() and each.password == password)
    account = next(found, None)
    return _element("long", "-1" if account is None else str(account.wsid))


@contextmanager
def _refused(job: CasJob | None = None) -> Iterator[None]:
    """Convert a refusal of the database to the error of the service; an optional job fails."""
    try:
        yield
    except (SqlError, ConversionError) as error:
        if job is not None:
            job.fate = f"failed {error}"
            job.begin()
        raise CasJobsError(str(error)) from error


def _user(record: RequestRecord, number: str = "wsid", password: str = "pw") -> Account:  # noqa: S107 - a parameter's name
    wsid, given = _number(record, number), _text(record, password)
    account = next((each for each in ACCOUNTS if each.wsid == wsid), None)
    if account is None or account.password != given:
        raise CasJobsError("Login failed. Please check your WSID and password.", "System.UnauthorizedAccessException")
    return account


def _text(record: RequestRecord, name: str) -> str:
    value = record.value(name)
    if value is None:
        raise FormError(f"Missing parameter: {name}.", "System.InvalidOperationException")
    return value


def _number(record: RequestRecord, name: str) -> int:
    text = _text(record, name)
    try:
        return int(text)
    except ValueError:
        raise FormError(
            f"Cannot convert {text} to System.Int64.\r\nParameter name: type ---> System.FormatException: "
            "Input string was not in a correct format.",
            "System.ArgumentException",
        ) from None


def _flag(record: RequestRecord, name: str) -> bool:
    text = _text(record, name).strip().lower()
    if text not in {"true", "false"}:
        raise FormError(
            f"Cannot convert {text} to System.Boolean.\r\nParameter name: type ---> System.FormatException: "
            "String was not recognized as a valid Boolean.",
            "System.ArgumentException",
        )
    return text == "true"


def _table_name(table: str) -> str:
    """Return the name of a table of MyDB, which may include the database."""
    name = table.strip().rpartition(".")[2] if table.strip().lower().startswith("mydb.") else table.strip()
    return name.strip("[]")


def _escaped(text: str) -> str:
    """Return text of an element; characters not allowed in XML are written as by .NET, which no parser accepts."""
    return _CONTROLS.sub(lambda found: f"&#x{ord(found[0]):X};", html.escape(text, quote=False))


def _element(name: str, content: str, *, escaped: bool = False) -> Reply:
    inner = content if escaped else _escaped(content)
    return Reply.text(f'{_HEAD}<{name} xmlns="{NAMESPACE}">{inner}</{name}>', content_type=_XML)


def _children(values: Mapping[str, object]) -> str:
    return "".join(f"<{name}>{_escaped(str(value))}</{name}>" for name, value in values.items())
