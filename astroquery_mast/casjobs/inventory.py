"""The contexts, tables, columns and jobs of CasJobs.

In: a context, a name, conditions.  Out: tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.table import MaskedColumn, Table
from astropy.time import Time, TimeDelta

from ..exceptions import BadRequestError, InvalidArgumentError
from ..service.jobs import JobStatus
from ..service.retrying import Deadline
from ..tables.columns import find_name, no_such
from ..tables.result_table import ResultTable
from .columns import read_csv
from .moments import times_from
from .protocol import CasJobsCalls, job_status, status_codes
from .sql import plain_table_name
from .statements import MYDB, plain_name
from .wire import Record

# The contexts of MAST's CasJobs, for a server that cannot list them.
_KNOWN_CONTEXTS = (
    *("MyDB", "GAIA_DR1", "GALEX_Catalogs", "GALEX_GR6Plus7", "GALEX_UV_BKGD", "HLSP_47Tuc", "HLSP_PS1_STRM"),
    *("HLSP_WISE_PS1_STRM", "HSLP_GSWLC", "HSCv1", "HSCv2", "HSCv3", "Kepler", "PHATv2", "PanSTARRS_DR1"),
    *("PanSTARRS_DR2", "SDSS_DR12"),
)
_NO_OPERATION = re.compile(r"unrecognized|not valid|not found|HTTP 40[45]", re.IGNORECASE)
_FRACTION = re.compile(r"(?<=\.\d{6})\d+")
_TABLES = "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.tables ORDER BY TABLE_NAME"
_NO_TIME = "2000-01-01T00:00:00"


def context_list(calls: CasJobsCalls, deadline: Deadline) -> Table:
    """Return the contexts, with the time limit of the jobs in each."""
    minutes: dict[str, int] = {}
    try:
        for queue in calls.queues(deadline):
            longest = queue.get("Timeout", "")
            name = _shown(queue.get("Context", ""))
            minutes[name] = max(minutes.get(name, 0), int(longest) if longest.isdecimal() else 0)
    except BadRequestError as err:
        if not _NO_OPERATION.search(str(err)):
            raise
        minutes = dict.fromkeys(_KNOWN_CONTEXTS, 0)
    names = sorted(filter(None, minutes), key=lambda name: (name.upper() != MYDB, name.lower()))
    longest_job = [minutes[name] for name in names]
    return ResultTable(
        {
            "context": np.array(names, dtype=str),
            "longest_job": MaskedColumn(longest_job, mask=[not each for each in longest_job], dtype=int, unit=u.min),
        }
    )


def table_list(calls: CasJobsCalls, context: str, deadline: Deadline) -> Table:
    """Return the tables and views of a context."""
    names, kinds = _texts(calls, _TABLES, context, deadline)
    types = ["view" if "VIEW" in kind.upper() else "table" for kind in kinds]
    return ResultTable({"table_name": np.array(names, dtype=str), "type": np.array(types, dtype=str)})


def existing_table(calls: CasJobsCalls, name: str, context: str, deadline: Deadline) -> str:
    """Return the name of a table as it is spelled in the context."""
    wanted = plain_table_name(name) if context == MYDB else plain_name(_without_schema(name))
    tables = table_list(calls, context, deadline)
    found = find_name(wanted, tables["table_name"].tolist())
    if found is None:
        raise no_table(wanted, context, tables)
    return found


def no_table(wanted: str, context: str, tables: Table) -> InvalidArgumentError:
    """Return the error for a table that is not in a context; ``tables`` is the `table_list` of that context."""
    return no_such(f"Table {wanted!r} not found in {_shown(context)}.", wanted, tables["table_name"].tolist())


def table_columns(calls: CasJobsCalls, table: str, context: str, deadline: Deadline) -> Table:
    """Return the columns of a table or view."""
    name = existing_table(calls, table, context, deadline)
    sql = (
        "SELECT COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH FROM information_schema.columns "
        f"WHERE TABLE_NAME = '{name.replace(chr(39), chr(39) * 2)}' ORDER BY ORDINAL_POSITION"
    )
    names, types, lengths = _texts(calls, sql, context, deadline)
    numbers = [int(each) if each.lstrip("-").isdecimal() else 0 for each in lengths]
    return ResultTable(
        {
            "column_name": np.array(names, dtype=str),
            "datatype": np.array(types, dtype=str),
            "length": MaskedColumn(numbers, mask=[not each for each in numbers], dtype=int),
        }
    )


def _texts(calls: CasJobsCalls, sql: str, context: str, deadline: Deadline) -> list[list[str]]:
    """Return the columns of a result as lists of text, empty where there is no value."""
    answer = read_csv(calls.quick(sql, context, deadline, task="list"))
    return [[str(cell or "") for cell in np.ma.asarray(answer[name]).tolist()] for name in answer.colnames]


def _without_schema(name: object) -> object:
    """Return the name of a table without the names of the database and the schema."""
    return name.rpartition(".")[2].strip("[]") if isinstance(name, str) else name


def _shown(context: str) -> str:
    """Return the usual spelling of the name of a context."""
    return "MyDB" if context.upper() == MYDB else context


# -- jobs ------------------------------------------------------------------------------------------------------------


def job_list(calls: CasJobsCalls, status: str | None, since: Time | str | None, deadline: Deadline) -> Table:
    """Return the jobs of the user with a status, submitted after a time, the newest first."""
    conditions, moment = ["JobID : 0,"], None if since is None else _moment(since)
    if status is not None:
        conditions.append(f"Status : {'|'.join(_codes(status))}")
    if moment is not None:
        # One day is subtracted because the clocks may differ.  The condition must not contain a colon.
        conditions.append(f"TimeSubmit : {(moment - TimeDelta(1 * u.day)).strftime('%Y-%m-%d')},")
    records = sorted(calls.records(deadline, conditions), key=lambda record: -int(record["JobID"]))
    table = _jobs_table(calls, records)
    if moment is None:
        return table
    return table[[not late and when >= moment for when, late in zip(table["submitted"], _unknown(table), strict=True)]]


def _unknown(table: Table) -> list[bool]:
    """Return for each job whether its time of submission is unknown."""
    return list(np.broadcast_to(table["submitted"].mask, len(table)))


def _moment(since: Time | str) -> Time:
    """Return the time that a user gave."""
    try:
        moment = Time(since).utc if isinstance(since, Time | str) else None
    except ValueError:
        moment = None
    if moment is None or not moment.isscalar:
        raise InvalidArgumentError(f"since must be a Time or a date such as '2026-11-01', got {since!r}.")
    return moment


def _codes(status: str) -> list[str]:
    """Return the numbers of a status in CasJobs."""
    known = [each for each in JobStatus if status_codes(each)]
    name = find_name(str(status), known)
    if name is None:
        raise no_such(f"status={status!r} is not a valid job status.", str(status), map(str, known), listed=True)
    return status_codes(JobStatus(name))


def _jobs_table(calls: CasJobsCalls, records: Sequence[Record]) -> Table:
    """Return the table of some jobs."""

    def texts(name: str, read: Callable[[str], str] = str) -> npt.NDArray[np.str_]:
        return np.array([read(record.get(name, "")) for record in records], dtype=str)

    rows = [record.get("Rows", "") for record in records]
    return ResultTable(
        {
            "job_id": np.array([int(record["JobID"]) for record in records], dtype=np.int64),
            "status": texts("Status", job_status),
            "task": texts("TaskName"),
            "context": texts("Context"),
            "rows": MaskedColumn(
                [int(each) if each.isdecimal() else 0 for each in rows],
                mask=[not each.isdecimal() for each in rows],
                dtype=np.int64,
            ),
            "submitted": _times(records, "TimeSubmit"),
            "started": _times(records, "TimeStart"),
            "ended": _times(records, "TimeEnd"),
            "query": texts("Query"),
            "error": texts("Error"),
            "url": texts("JobID", calls.job_url),
        }
    )


def _times(records: Sequence[Record], name: str) -> Time:
    """Return a column of times, masked where a job has none."""
    found = [_iso(record.get(name, "")) for record in records]
    mask = np.array([not each for each in found], dtype=bool)
    return times_from(np.array([each or _NO_TIME for each in found], dtype=str), mask if mask.any() else None)


def _iso(text: str) -> str:
    """Return a time in ISO 8601, in UTC if its zone is known; empty for no time, which .NET writes with the year 1."""
    try:
        moment = datetime.fromisoformat(_FRACTION.sub("", text.strip()))
    except ValueError:
        return ""
    if moment.year == 1:
        return ""
    return (moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)).isoformat()
