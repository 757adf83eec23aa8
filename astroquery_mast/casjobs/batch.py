"""Batch jobs: a query whose rows go through a table of MyDB, and what a finished job has left.

In: a statement, or the record of a job.  Out: a table.  A query that is too long for the quick queue becomes a job
that puts its rows into a table of a name that nobody else has; the table is fetched and dropped.
"""

from __future__ import annotations

import math
import operator
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from astropy.table import Table
from astroquery import log

from ..exceptions import InvalidArgumentError, MastError, QueryTimeoutError
from ..service.jobs import JobHandle
from ..service.retrying import Deadline
from . import transfer
from .protocol import CasJobsCalls
from .sql import plain_table_name, table_name
from .statements import MYDB, Statement, read_statement
from .wire import Record

USUAL_ESTIMATE = 30
"""Minutes that a job may run, if nothing else is said."""
# The longest queue (minutes).
_LONGEST = 500
_PREFIX = "astroquery_mast_"
# Seconds that cleaning up may take after everything else.
_GRACE = 30.0


def temporary_name() -> str:
    """Return the name of a table that is not there."""
    return f"{_PREFIX}{secrets.token_hex(8)}"


def estimate_for(deadline: Deadline) -> int:
    """Return the minutes that a job may run for which somebody waits."""
    left = deadline.remaining() / 60
    return _LONGEST if math.isinf(left) else min(_LONGEST, max(USUAL_ESTIMATE, math.ceil(left)))


def checked_minutes(estimate: object) -> int:
    """Return an estimate as the service takes it: a whole number of minutes."""
    try:
        minutes = operator.index(estimate)  # type: ignore[arg-type]
    except TypeError:
        minutes = 0
    if minutes < 1:
        raise InvalidArgumentError(f"estimate={estimate!r}: minutes are needed, an integer of at least 1.")
    return minutes


def with_target(statement: Statement, into: str | None) -> str:
    """Return a statement whose rows, if it has any, go into a table of MyDB."""
    if into is None and statement.place is None:
        return statement.text
    return statement.with_into(temporary_name() if into is None else plain_table_name(into))


def batch_query(
    calls: CasJobsCalls, statement: Statement, context: str, deadline: Deadline, *, verbose: bool = False
) -> Table:
    """Return the rows of a query that runs as a job.

    After Ctrl-C the job is stopped.  When the time is over it goes on, and the message says how to return to it.
    """
    name = temporary_name()
    with _dropped(calls, name) as begun:
        number = calls.submit(
            statement.with_into(name), context, deadline, estimate=estimate_for(deadline), task="query"
        )
        job = calls.job(number)
        begun.append(job)
        return job.fetch(deadline, verbose=verbose, kept=False)


@contextmanager
def _dropped(calls: CasJobsCalls, name: str) -> Iterator[list[JobHandle]]:
    """Drop a table at the end, and stop the job that makes it; it is kept for those whose time was not enough."""
    begun: list[JobHandle] = []
    try:
        yield begun
    except QueryTimeoutError as err:
        if not begun:
            raise
        err.args = (
            f"{err} Its rows are, or will be, in the table {name} of MyDB: fetch them with download({name!r}).",
        )
        raise
    except KeyboardInterrupt:
        _stop(begun)
        _drop_quietly(calls, name)
        raise
    except MastError:
        _drop_quietly(calls, name)
        raise
    else:
        _drop_quietly(calls, name)


def _stop(jobs: list[JobHandle]) -> None:
    """Stop jobs, and wait until they have stopped: before, their tables cannot be dropped."""
    for job in jobs:
        try:
            job.cancel(timeout=_GRACE)
            job.wait(timeout=_GRACE)
        except MastError as err:
            log.warning("The job may still be running: %s", err)


def _drop_quietly(calls: CasJobsCalls, name: str) -> None:
    """Drop a table; if that fails, say so, for it takes room in MyDB."""
    try:
        drop_table(calls, name, Deadline(_GRACE))
    except MastError as err:
        log.warning("The temporary table %s of MyDB could not be dropped: %s", name, err)


def drop_table(calls: CasJobsCalls, name: str, deadline: Deadline) -> None:
    """Drop a table of MyDB if it is there."""
    calls.quick(f"DROP TABLE IF EXISTS {table_name(name)}", MYDB, deadline, task="drop", repeatable=True)


def _form_of(file: BinaryIO) -> str:
    """What kind of file a job has written, by its beginning."""
    head = file.read(64).lstrip(b"\xef\xbb\xbf \r\n")
    file.seek(0)
    return "FITS" if head.startswith(b"SIMPLE") else "VOTable" if head.startswith(b"<") else "CSV"


def read_result(calls: CasJobsCalls, record: Record, deadline: Deadline) -> Table:
    """Return the table that a finished job has left: in MyDB, or in a file."""
    number, query = record["JobID"], record.get("Query", "")
    if record.get("OutputLoc"):
        with calls.output(int(number), deadline) as file:
            return transfer.read_output(file, _form_of(file))
    into = read_statement(query).into if query.strip() else None
    if into is None:
        raise InvalidArgumentError(f"The job {number} has no rows to return: there is no INTO in {query!r}.")
    table = transfer.download_table(calls, into, deadline)
    table.meta |= {"sql": query, "context": record.get("Context", ""), "service": calls.url}
    return table
