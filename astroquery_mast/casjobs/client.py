"""`CasJobsClass`: queries in SQL of MAST's catalogs, and a database of one's own beside them.

In: SQL, tables, names.  Out: tables and jobs.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import requests
from astropy import units as u
from astropy.table import Table
from astropy.time import Time
from astroquery import log

from ..config import Endpoints
from ..exceptions import InvalidArgumentError, presentable
from ..service import token as auth
from ..service.core import MastClass
from ..service.jobs import JobHandle
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..service.token_sources import without_repr
from ..warn import warn_no_results
from . import transfer
from .batch import USUAL_ESTIMATE, batch_query, checked_minutes, read_result, with_target
from .columns import read_csv
from .inventory import context_list, existing_table, job_list, table_columns, table_list
from .login import SHARED_LOGIN, find_account, store_account
from .protocol import CasJobsCalls
from .refusals import QuickLimitError
from .statements import MYDB, Statement, checked_context, read_statement
from .temporary import drop_tables

__all__ = ["CasJobs", "CasJobsClass"]


class CasJobsClass(MastClass):
    """CasJobs: any query in SQL of MAST's catalogs, and MyDB, a database for tables of one's own.

    An account of CasJobs is needed, which is another one than that of MAST: it is made at
    https://mastweb.stsci.edu/mcasjobs/CreateAccount.aspx.  All objects of this class in a process share the login.

    Parameters
    ----------
    context : str
        The database that is queried if no other is given, in any case; ``"MyDB"`` is the user's own.
    server : str, optional
        The server for this client alone, instead of ``conf.casjobs_server``; with a path, such as
        ``"https://mastweb.stsci.edu/mcasjobs"``, the CasJobs there.
    session : `requests.Session`, optional
        The session to use, e.g. with proxies or certificates of your own.

    Raises
    ------
    InvalidQueryError
        If the context cannot be the name of one.
    """

    _starting_points = ("query", "submit", "list_tables")

    def __init__(
        self, context: str = "MyDB", *, server: str | None = None, session: requests.Session | None = None
    ) -> None:
        self.context = checked_context(context)
        super().__init__(server=server, session=session)

    def _asked_place(self) -> str:
        """What is asked: a context, at an address."""
        return f"at {self._calls.url}, context {self.context}"

    def _new_service(self, server: str | None, credentials: auth.Credentials) -> MastService:
        """Make what talks to the archive; the server is that of CasJobs."""
        return MastService(Endpoints(casjobs_server=server), self._cache_folder, credentials)

    @cached_property
    def _calls(self) -> CasJobsCalls:
        """The operations of CasJobs."""
        return CasJobsCalls(self._service, SHARED_LOGIN, read_result)

    # -- the user ------------------------------------------------------------------------------------------------

    def login(  # type: ignore[override]
        self,
        username: str | None = None,
        password: str | None = None,
        *,
        wsid: int | str | None = None,
        store_password: bool = False,
        reenter_password: bool = False,
    ) -> bool:
        """Log in to CasJobs, for all clients of CasJobs in this process.

        The password is checked before it is kept.  It stays in memory, and goes to this server only, over https.

        Parameters
        ----------
        username : str, optional
            The user name of CasJobs.  If neither it nor ``wsid`` is given, it is taken from the environment variable
            ``CASJOBS_USERID`` (or a WSID from ``CASJOBS_WSID``), or is that of the password that was stored last, or
            is asked for.
        password : str, optional
            If not given it is taken from the environment variable ``CASJOBS_PW``, from the system's keyring, or asked
            for.
        wsid : int or str, optional
            Instead of the user name, the number that the profile page of CasJobs shows as "WSID".
        store_password : bool
            Whether to write it to the system's keyring.
        reenter_password : bool
            Whether to ask for the password even if the environment or the keyring has one.

        Returns
        -------
        bool
            True.

        Raises
        ------
        LoginError
            If there is no password, or CasJobs does not accept it.
        RemoteServiceError
            If CasJobs fails.

        Examples
        --------
        A sandbox has users of its own:

        >>> from astroquery_mast import CasJobs
        >>> from astroquery_mast.sandbox import Sandbox
        >>> with Sandbox() as archive:
        ...     CasJobs.login(archive.casjobs_user, archive.casjobs_password)
        INFO: CasJobs has accepted the password of hubble. ...
        True
        """
        secret = without_repr(password)
        del password
        account = find_account(username, secret, wsid, reenter=reenter_password)
        user = self._calls.accept(account, self._service.deadline(None))
        SHARED_LOGIN.keep(user)
        if store_password:
            store_account(account)
        log.info("CasJobs has accepted the password of %s.", presentable(account.name))
        return True

    def logout(self) -> None:
        """Forget the password; all clients of CasJobs in this process are logged out.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> CasJobs.logout()
        >>> CasJobs.authenticated()
        False
        """
        SHARED_LOGIN.keep(None)

    def authenticated(self) -> bool:
        """Return whether there is a user whom this CasJobs has accepted.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> CasJobs.authenticated()
        True
        """
        return SHARED_LOGIN.serves(self._calls.url)

    def session_info(self, verbose: bool = True) -> dict[str, Any]:
        """Return who is logged in to CasJobs.

        Parameters
        ----------
        verbose : bool
            Whether to log it as well.

        Returns
        -------
        dict
            ``username`` (None after a login by WSID), ``wsid``, and ``server``.

        Raises
        ------
        LoginError
            If nobody is logged in.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> sorted(CasJobs.session_info(verbose=False))
        ['server', 'username', 'wsid']
        """
        user = SHARED_LOGIN.user_for(self._calls.url)
        told = {"username": user.username, "wsid": user.wsid, "server": self._calls.url}
        if verbose:
            for key, value in told.items():
                log.info("%s: %s", key, presentable(value))
        return told

    # -- queries -------------------------------------------------------------------------------------------------

    def query(
        self,
        sql: str,
        *,
        context: str | None = None,
        run_async: bool | None = None,
        timeout: float | u.Quantity | None = None,
        verbose: bool = False,
        get_query_payload: bool = False,
    ) -> Table | dict[str, object]:
        """Return the rows of a query in SQL, the dialect of SQL Server.

        CasJobs is asked to answer at once.  If that takes longer than its quick queue allows (a minute), or the answer
        is too large for it, the query runs as a batch job that puts its rows into a temporary table of MyDB, which is
        fetched and dropped.  Ctrl-C stops the job.

        Parameters
        ----------
        sql : str
            The query.  Tables of MyDB are ``MyDB.name`` in other contexts.
        context : str, optional
            The database that is queried, one of `list_contexts`; the ``context`` of this object if not given.
        run_async : bool, optional
            True for a batch job from the start, False for the quick queue only.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.  A job goes on after that; the message says
            how to return to it.
        verbose : bool
            Whether to show on a terminal how far a job is.
        get_query_payload : bool
            Whether to return the request, without number and password of the user, instead of sending it.

        Returns
        -------
        `~astropy.table.Table` or dict
            The rows; what is NULL is masked.  CasJobs knows no units.  ``meta`` has the query (``"sql"``),
            ``"context"``, the address (``"service"``), and how it was asked (``"mode"``, ``"sync"`` or ``"async"``).
            Or the request.  A statement that returns no rows, such as ``CREATE TABLE``, gives what
            CasJobs says of it: how many rows have changed, or a table without columns.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or CasJobs refuses the query; its own words are in the message.
        LoginError
            If nobody is logged in.
        RemoteServiceError
            If CasJobs fails.
        TimeoutError
            If the time was not enough.

        Warns
        -----
        NoResultsWarning
            If there are no rows.

        Notes
        -----
        A batch job needs a name for each column: results of functions are named if the query does not, other
        expressions have to be (``a + b AS total``).  Its rows come in the order in which the database stores them,
        whatever ``ORDER BY`` says.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> table = CasJobs.query("SELECT TOP 3 objID, raMean, decMean FROM ObjectThin", context="PanSTARRS_DR2")
        >>> table.colnames, len(table)
        (['objID', 'raMean', 'decMean'], 3)
        """
        statement, where = read_statement(sql), self._context(context)
        if run_async and statement.place is None:
            raise InvalidArgumentError(f"run_async=True: {statement.why_no_place} Use submit().")
        if get_query_payload:
            return self._payload(statement, where, run_async=bool(run_async))
        deadline = self._service.deadline(timeout)
        table, mode = self._rows(statement, where, run_async, deadline, verbose=verbose)
        table.meta = {**table.meta, "sql": sql, "context": where, "service": self._calls.url, "mode": mode}
        if table.colnames and not len(table):
            warn_no_results()
        return table

    def _rows(
        self, statement: Statement, context: str, run_async: bool | None, deadline: Deadline, *, verbose: bool
    ) -> tuple[Table, str]:
        """The rows of a query, and how they were asked for."""
        if not run_async:
            try:
                return read_csv(self._calls.quick(statement.text, context, deadline)), "sync"
            except QuickLimitError as err:
                if run_async is False or statement.place is None:
                    how = "run_async=True" if statement.place is not None else "submit()"
                    err.args = (f"{err} As a job it may take longer: {how}.",)
                    raise
                log.info("The quick queue of CasJobs is not enough, so that the query runs as a job: %s", err)
        return batch_query(self._calls, statement, context, deadline, verbose=verbose), "async"

    def _payload(self, statement: Statement, context: str, *, run_async: bool) -> dict[str, object]:
        """What is sent for a query, without the user."""
        operation = "SubmitJob" if run_async else "ExecuteQuickJob"
        return {"url": self._calls.operation_url(operation), "qry": statement.text, "context": context}

    def _context(self, given: str | None) -> str:
        """The context of a call."""
        return checked_context(self.context if given is None else given)

    def submit(
        self,
        sql: str,
        *,
        context: str | None = None,
        into: str | None = None,
        estimate: int = USUAL_ESTIMATE,
        timeout: float | u.Quantity | None = None,
    ) -> JobHandle:
        """Have CasJobs work on a statement as a batch job, and return the job without waiting for it.

        Parameters
        ----------
        sql : str
            The statement: a query, or one that changes MyDB.
        context : str, optional
            As `query`.
        into : str, optional
            The table of MyDB for the rows, which must not be there yet.  Leave it out if the query has an ``INTO`` of
            its own; a query without either gets a name that begins with ``astroquery_mast_``.
        estimate : int
            Minutes that the job may take, by default 30: CasJobs chooses the queue by it.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        JobHandle
            Its ``status``, ``wait``, ``cancel`` and ``result`` ask the server.  ``result()`` returns the rows of the
            table, which stays in MyDB until it is dropped.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or CasJobs refuses the statement.
        LoginError
            If nobody is logged in.
        RemoteServiceError
            If CasJobs fails.  The statement is not sent twice; if no answer came, the message says whether there is a
            job.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> job = CasJobs.submit("SELECT TOP 5 objID FROM ObjectThin", context="PanSTARRS_DR2", into="five")
        >>> len(job.result())
        5
        >>> job.status
        'COMPLETED'
        >>> CasJobs.drop("five")
        """
        text = with_target(read_statement(sql), into)
        minutes = checked_minutes(estimate)
        where, deadline = self._context(context), self._service.deadline(timeout)
        return self._calls.job(self._calls.submit(text, where, deadline, estimate=minutes, task="submit"))

    def get_job(self, job: int | str) -> JobHandle:
        """Return the handle of a job that was submitted before, in whatever session or on the web page.

        Parameters
        ----------
        job : int or str
            Its number, or its address, which the handle has as ``url``.

        Returns
        -------
        JobHandle
            Its ``status``, ``wait``, ``cancel`` and ``result`` ask the server; this call does not.

        Raises
        ------
        InvalidQueryError
            If it is neither, or the address is one of another server.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> job = CasJobs.submit("SELECT TOP 5 objID FROM ObjectThin", context="PanSTARRS_DR2", into="some")
        >>> CasJobs.get_job(job.url).wait().status
        'COMPLETED'
        >>> CasJobs.drop("some")
        """
        return self._calls.job(self._calls.job_number(job))

    def list_jobs(
        self,
        *,
        status: str | None = None,
        since: Time | str | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> Table:
        """Return the jobs of the user, the newest first.

        Parameters
        ----------
        status : str, optional
            Only those with this status, in any case: ``"QUEUED"``, ``"EXECUTING"``, ``"COMPLETED"``, ``"ERROR"`` or
            ``"ABORTED"``.
        since : `~astropy.time.Time` or str, optional
            Only those that were submitted at this time or later; text is a date such as ``"2026-11-01"``.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astropy.table.Table`
            ``job_id``, ``status``, ``task``, ``context``, ``rows``, ``submitted``, ``started`` and ``ended`` (times as
            the server's clock shows them, masked if they have not come), ``query``, ``error``, and ``url``, which
            `get_job` takes.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid.
        LoginError
            If nobody is logged in.
        RemoteServiceError
            If CasJobs fails.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> CasJobs.list_jobs(status="completed").colnames[:4]
        ['job_id', 'status', 'task', 'context']
        """
        return job_list(self._calls, status, since, self._service.deadline(timeout))

    # -- what is there -------------------------------------------------------------------------------------------

    def list_contexts(self, *, timeout: float | u.Quantity | None = None) -> Table:
        """Return the databases that the user may query.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astropy.table.Table`
            ``context``, and ``longest_job``, the time that a job may take there, masked if it is not known.  A CasJobs
            that cannot list them is taken to have the contexts of MAST that this package knows.

        Raises
        ------
        LoginError
            If nobody is logged in.
        RemoteServiceError
            If CasJobs fails.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> "HSCv3" in CasJobs.list_contexts()["context"]
        True
        """
        return context_list(self._calls, self._service.deadline(timeout))

    def list_tables(self, context: str = "MyDB", *, timeout: float | u.Quantity | None = None) -> Table:
        """Return the tables and views of a database.

        Parameters
        ----------
        context : str
            The database, by default the user's own.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astropy.table.Table`
            ``table_name`` and ``type`` (``"table"`` or ``"view"``), by name.

        Raises
        ------
        InvalidQueryError
            If there is no such context.
        LoginError
            If nobody is logged in.
        RemoteServiceError
            If CasJobs fails.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> "MeanObjectView" in CasJobs.list_tables("PanSTARRS_DR2")["table_name"]
        True
        """
        return table_list(self._calls, checked_context(context), self._service.deadline(timeout))

    def list_columns(self, table: str, context: str = "MyDB", *, timeout: float | u.Quantity | None = None) -> Table:
        """Return the columns of a table or view.

        Parameters
        ----------
        table : str
            Its name, in any case.
        context : str
            The database, by default the user's own.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astropy.table.Table`
            ``column_name``, ``datatype`` (the name in SQL Server), and ``length`` of text in characters, masked for
            other types; -1 is text of any length.

        Raises
        ------
        InvalidQueryError
            If there is no such context or table.
        LoginError
            If nobody is logged in.
        RemoteServiceError
            If CasJobs fails.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> "objID" in CasJobs.list_columns("ObjectThin", "PanSTARRS_DR2")["column_name"]
        True
        """
        return table_columns(self._calls, table, checked_context(context), self._service.deadline(timeout))

    # -- tables of one's own -------------------------------------------------------------------------------------

    def upload(
        self,
        table: Table,
        name: str,
        *,
        overwrite: bool = False,
        append: bool = False,
        timeout: float | u.Quantity | None = None,
        verbose: bool = False,
    ) -> None:
        """Store a table in MyDB, with its types.

        It is sent in pieces, so that its size has no limit but that of MyDB.  `download` returns an equal table.

        Parameters
        ----------
        table : `~astropy.table.Table` or DataFrame
            The rows: numbers, truth values, text and `~astropy.time.Time`, one value in a cell.  Masked values become
            NULL.  CasJobs keeps neither units nor descriptions.  Times are stored in UTC, to 100 ns; integers of a type
            that SQL Server does not have, such as ``uint16``, in the next larger one.
        name : str
            The name in MyDB: letters, digits and underscores.
        overwrite : bool
            Whether to replace a table of that name, False by default.
        append : bool
            Whether to add the rows to a table of that name, which has the same columns; it is created if
            necessary.  False by default.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        verbose : bool
            Whether to show a bar on a terminal.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, there is a table of that name, or something cannot be stored.
        LoginError
            If nobody is logged in.
        RemoteServiceError
            If CasJobs fails.
        TimeoutError
            If the time was not enough.

        Warns
        -----
        InputWarning
            If there are NaN or infinite numbers, which CasJobs has not: they become NULL.

        Examples
        --------
        >>> from astropy.table import Table
        >>> from astroquery_mast import CasJobs
        >>> stars = Table({"name": ["a", "b c"], "ra": [10.5, 210.25]})
        >>> CasJobs.upload(stars, "stars")
        >>> CasJobs.download("stars").pprint()
        name   ra
        ---- ------
           a   10.5
         b c 210.25
        >>> CasJobs.drop("stars")
        """
        deadline = self._service.deadline(timeout)
        transfer.upload(
            self._calls, table, name, overwrite=overwrite, append=append, deadline=deadline, verbose=verbose
        )

    def download(self, name: str, *, timeout: float | u.Quantity | None = None, verbose: bool = False) -> Table:
        """Return a table of MyDB, all of it.

        Parameters
        ----------
        name : str
            Its name in MyDB, in any case.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        verbose : bool
            Whether to show on a terminal how far it is.

        Returns
        -------
        `~astropy.table.Table`
            The rows; NULL is masked.

        Raises
        ------
        InvalidQueryError
            If there is no such table.
        LoginError
            If nobody is logged in.
        RemoteServiceError
            If CasJobs fails.
        TimeoutError
            If the time was not enough.

        Examples
        --------
        >>> from astropy.table import Table
        >>> from astroquery_mast import CasJobs
        >>> CasJobs.upload(Table({"id": [2**60, 3]}), "numbers")
        >>> int(CasJobs.download("numbers")["id"].max()) == 2**60
        True
        >>> CasJobs.drop("numbers")
        """
        return transfer.download_table(self._calls, name, self._service.deadline(timeout), verbose=verbose)

    def drop(self, name: str, *, missing_ok: bool = False, timeout: float | u.Quantity | None = None) -> None:
        """Remove a table from MyDB.

        Parameters
        ----------
        name : str
            Its name in MyDB, in any case.
        missing_ok : bool
            Whether to ignore a table that does not exist, False by default.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Raises
        ------
        InvalidQueryError
            If the name is not valid, or there is no such table.
        LoginError
            If nobody is logged in.
        RemoteServiceError
            If CasJobs fails.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> CasJobs.drop("what_was_never_there", missing_ok=True)
        """
        deadline = self._service.deadline(timeout)
        found = name if missing_ok else existing_table(self._calls, name, MYDB, deadline)
        drop_tables(self._calls, [found], deadline)


CasJobs = CasJobsClass()
