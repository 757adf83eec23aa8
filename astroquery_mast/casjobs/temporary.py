"""Temporary tables of MyDB, which are dropped after use, and jobs that are stopped.

In: the calls of CasJobs, and names or jobs.  Out: a clean MyDB, or a message with the names of what is left.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from astroquery import log

from ..exceptions import MastError
from ..service.jobs import JobHandle
from ..service.retrying import Deadline
from .protocol import CasJobsCalls
from .sql import table_name
from .statements import MYDB

CLEANUP_TIME = 30.0
"""Seconds that the cleanup may take after the deadline."""
_PREFIX = "astroquery_mast_"


def temporary_name() -> str:
    """Return a new, unique table name."""
    return f"{_PREFIX}{secrets.token_hex(8)}"


def drop_tables(calls: CasJobsCalls, names: Sequence[str], deadline: Deadline) -> None:
    """Drop those of the tables that exist in MyDB."""
    sql = f"DROP TABLE IF EXISTS {', '.join(map(table_name, names))}"
    calls.quick(sql, MYDB, deadline, task="drop", repeatable=True)


@contextmanager
def dropped_later(calls: CasJobsCalls, *names: str) -> Iterator[list[str]]:
    """Drop tables at the end, also after an error, except those that were removed from the list.

    If they cannot be dropped, the error or the log names the tables that may be left.
    """
    left = list(names)
    try:
        yield left
    except BaseException as err:
        add_words(err, _drop(calls, left))
        raise
    if words := _drop(calls, left):
        log.warning("%s", words)


def _drop(calls: CasJobsCalls, names: Sequence[str]) -> str:
    """Drop tables; return a message if they may still exist, and an empty string otherwise."""
    try:
        if names:
            drop_tables(calls, names, Deadline(CLEANUP_TIME))
    except MastError as err:
        log.debug("The temporary tables were not dropped: %s", err)
        return f"Temporary tables may be left in MyDB: {', '.join(names)}."
    return ""


def add_words(err: BaseException, words: str) -> None:
    """Add a sentence to the message of an error of this package; for other errors, log it."""
    if not words:
        return
    if isinstance(err, MastError):
        err.args = (f"{err} {words}",)
    else:
        log.warning("%s", words)


def stop_job(job: JobHandle) -> None:
    """Stop a job, and wait until it has stopped, because its tables cannot be dropped before."""
    try:
        job.cancel(timeout=CLEANUP_TIME)
        job.wait(timeout=CLEANUP_TIME)
    except MastError as err:
        log.warning("The job %s may still be running: %s", job.url, err)
