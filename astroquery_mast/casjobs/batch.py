"""Batch jobs: queries that store their rows in a table of MyDB, and the results of finished jobs.

In: a statement, or the record of a job.  Out: a table.  A query that takes too long for the quick queue becomes a job
that stores its rows in a table with a unique name.  The table is downloaded and dropped.
"""

from __future__ import annotations

import math
import operator
from typing import BinaryIO

from astropy.table import Table

from ..exceptions import InvalidArgumentError, QueryTimeoutError
from ..service.retrying import Deadline
from . import transfer
from .protocol import CasJobsCalls
from .sql import plain_table_name
from .statements import Statement, read_statement
from .temporary import add_words, dropped_later, stop_job, temporary_name
from .wire import Record

DEFAULT_ESTIMATE = 30
"""The default time that a job may run, in minutes."""
# The time limit of the longest queue (minutes).
_LONGEST = 500


def estimate_for(deadline: Deadline) -> int:
    """Return the time in minutes that a job may run, from the deadline of the call that waits for it."""
    left = deadline.remaining() / 60
    return _LONGEST if math.isinf(left) else min(_LONGEST, max(DEFAULT_ESTIMATE, math.ceil(left)))


def checked_minutes(estimate: object) -> int:
    """Return an estimate as CasJobs requires it: an integer number of minutes."""
    try:
        minutes = operator.index(estimate)  # type: ignore[arg-type]
    except TypeError:
        minutes = 0
    if minutes < 1:
        raise InvalidArgumentError(f"estimate must be an integer >= 1 (minutes), got {estimate!r}.")
    return minutes


def with_target(statement: Statement, into: str | None) -> str:
    """Return a statement that stores its rows, if it returns any, in a table of MyDB."""
    if into is None and statement.place is None:
        return statement.text
    return statement.with_into(temporary_name() if into is None else plain_table_name(into))


def batch_query(
    calls: CasJobsCalls, statement: Statement, context: str, deadline: Deadline, *, verbose: bool = False
) -> Table:
    """Return the rows of a query that runs as a job.

    Ctrl-C stops the job.  After a timeout the job continues, and the message says how to retrieve its rows.
    """
    name = temporary_name()
    with dropped_later(calls, name) as tables:
        estimate = estimate_for(deadline)
        job = calls.job(calls.submit(statement.with_into(name), context, deadline, estimate=estimate, task="query"))
        try:
            return job.fetch(deadline, verbose=verbose, kept=False)
        except QueryTimeoutError as err:
            tables.remove(name)
            add_words(err, f"Its rows are stored in the table {name} of MyDB. Get them with download({name!r}).")
            raise
        except KeyboardInterrupt:
            stop_job(job)
            raise


def _form_of(file: BinaryIO) -> str:
    """Return the format of a file that a job has written, from its first bytes."""
    head = file.read(64).lstrip(b"\xef\xbb\xbf \r\n")
    file.seek(0)
    return "FITS" if head.startswith(b"SIMPLE") else "VOTable" if head.startswith(b"<") else "CSV"


def read_result(calls: CasJobsCalls, record: Record, deadline: Deadline) -> Table:
    """Return the table that a finished job stored in MyDB or in a file."""
    number, query = record["JobID"], record.get("Query", "")
    if record.get("OutputLoc"):
        with calls.output(int(number), deadline) as file:
            return transfer.read_output(file, _form_of(file))
    into = read_statement(query).into if query.strip() else None
    if into is None:
        raise InvalidArgumentError(f"The job {number} returns no rows: {query!r} has no INTO.")
    table = transfer.download_table(calls, into, deadline)
    table.meta |= {"sql": query, "context": record.get("Context", ""), "service": calls.url}
    return table
