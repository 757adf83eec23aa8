"""`CasJobsClass`: SQL queries of MAST's catalogs, and MyDB, the database of the user.

In: SQL, tables, names.  Out: tables and jobs.
"""

from __future__ import annotations

from functools import cached_property

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
from .batch import DEFAULT_ESTIMATE, batch_query, checked_minutes, read_result, with_target
from .columns import read_csv
from .inventory import context_list, existing_table, job_list, table_columns, table_list
from .login import SHARED_LOGIN, find_account, store_account
from .protocol import CasJobsCalls
from .refusals import QuickLimitError
from .statements import MYDB, Statement, checked_context, read_statement
from .temporary import drop_tables

__all__ = ["CasJobs", "CasJobsClass"]


class CasJobsClass(MastClass):
    """Query MAST's catalogs in SQL with CasJobs, and store tables in MyDB, your own database.

    CasJobs requires an account of its own, separate from that of MAST; see
    https://mastweb.stsci.edu/mcasjobs/CreateAccount.aspx.  All clients of CasJobs in a process share the login.

    Parameters
    ----------
    context : str, default "MyDB"
        The database to query by default, in any case; ``"MyDB"`` is that of the user.
    server : str, optional
        The address of the server for this client alone, with or without a path, such as
        ``"https://mastweb.stsci.edu/mcasjobs"``.  Defaults to ``conf.casjobs_server``.
    session : `requests.Session`, optional
        The session that sends the requests, e.g. with proxies or certificates.  By default, a new one is created.

    Raises
    ------
    InvalidQueryError
        If ``context`` is not valid.

    Examples
    --------
    >>> from astroquery_mast import CasJobsClass
    >>> CasJobsClass(context="PanSTARRS_DR2").context
    'PanSTARRS_DR2'
    """

    _starting_points = ("query", "submit", "list_tables")

    def __init__(
        self, context: str = "MyDB", *, server: str | None = None, session: requests.Session | None = None
    ) -> None:
        self.context = checked_context(context)
        super().__init__(server=server, session=session)

    def _server_text(self) -> str:
        """Return the address and the context that are queried."""
        return f"at {self._calls.url}, context {self.context}"

    def _new_service(self, server: str | None, credentials: auth.Credentials) -> MastService:
        """Create the service that sends the requests to the CasJobs server."""
        return MastService(Endpoints(casjobs_server=server), self._cache_folder, credentials)

    @cached_property
    def _calls(self) -> CasJobsCalls:
        """The operations of CasJobs for this client."""
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

        The password is verified before it is stored.  It stays in memory, and is sent to this server only, over https.

        Parameters
        ----------
        username : str, optional
            The user name.  If neither it nor ``wsid`` is given, it is read from the environment variable
            ``CASJOBS_USERID`` (or the WSID from ``CASJOBS_WSID``), from the password stored last, or from a prompt, in
            this order.
        password : str, optional
            The password.  By default, it is read from the environment variable ``CASJOBS_PW``, from the system's
            keyring, or from a prompt, in this order.
        wsid : int or str, optional
            The number that the profile page of CasJobs shows as "WSID", instead of the user name.
        store_password : bool, default False
            Whether to store the password in the system's keyring.
        reenter_password : bool, default False
            Whether to prompt for the password even if the environment or the keyring has one.

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
        The sandbox has users of its own:

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
        """Log out: discard the password, for all clients of CasJobs in this process.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> CasJobs.logout()
        >>> CasJobs.authenticated()
        False
        """
        SHARED_LOGIN.keep(None)

    def authenticated(self) -> bool:
        """Return whether a user is logged in to this CasJobs.

        Returns
        -------
        bool
            True if a user is logged in.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> CasJobs.authenticated()
        True
        """
        return SHARED_LOGIN.serves(self._calls.url)

    def session_info(self, verbose: bool = True) -> dict[str, object]:
        """Return the user who is logged in to CasJobs.

        Parameters
        ----------
        verbose : bool, default True
            Whether to log the information as well.

        Returns
        -------
        dict
            ``username`` (None after a login by WSID), ``wsid`` and ``server``.

        Raises
        ------
        LoginError
            If no user is logged in.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> sorted(CasJobs.session_info(verbose=False))
        ['server', 'username', 'wsid']
        """
        user = SHARED_LOGIN.user_for(self._calls.url)
        information: dict[str, object] = {"username": user.username, "wsid": user.wsid, "server": self._calls.url}
        if verbose:
            for key, value in information.items():
                log.info("%s: %s", key, presentable(value))
        return information

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

        The query runs in the quick queue of CasJobs.  If that takes longer than the queue allows (a minute), or the
        result is too large for it, the query runs as a batch job with a temporary table of MyDB, which is retrieved and
        dropped.  Ctrl-C cancels the job.

        Parameters
        ----------
        sql : str
            The query.  Tables of MyDB are ``MyDB.name`` in other contexts.
        context : str, optional
            The database to query: one of `list_contexts`.  Defaults to the attribute ``context``.
        run_async : bool, optional
            True to run the query as a batch job, False to use only the quick queue.  By default, the quick queue is
            used first.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.  A job
            continues after that; the message describes how to return to it.
        verbose : bool, default False
            Whether to show the progress of a job on a terminal.
        get_query_payload : bool, default False
            Whether to return the request, without the user's number and password, without sending it.

        Returns
        -------
        `~astropy.table.Table` or dict
            The rows, where NULL is masked, or the request.  CasJobs has no units.  ``meta`` has the query (``"sql"``),
            ``"context"``, the address (``"service"``), and the mode (``"mode"``, ``"sync"`` or ``"async"``).  A
            statement that returns no rows, such as ``CREATE TABLE``, returns the report of CasJobs: the number of
            changed rows, or a table without columns.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or CasJobs rejects the query; the message includes that of CasJobs.
        LoginError
            If no user is logged in.
        RemoteServiceError
            If CasJobs fails.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        NoResultsWarning
            If there are no rows.

        Notes
        -----
        A batch job requires a name for each column: results of functions are named automatically, other expressions
        must be named (``a + b AS total``).  Its rows are in the order in which the database stores them, regardless of
        ``ORDER BY``.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> sql = "SELECT TOP 2 objID, raMean, decMean FROM ObjectThin ORDER BY objID"
        >>> CasJobs.query(sql, context="PanSTARRS_DR2").pprint()
              objID         raMean     decMean
        ----------------- ---------- ------------
        71400034712816498 3.47128152 -30.49458451
        71400034872643510 3.48726485 -30.49707424
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
        """Return the rows of a query, and its mode, ``"sync"`` or ``"async"``."""
        if not run_async:
            try:
                return read_csv(self._calls.quick(statement.text, context, deadline)), "sync"
            except QuickLimitError as err:
                if run_async is False or statement.place is None:
                    how = "run_async=True" if statement.place is not None else "submit()"
                    err.args = (f"{err} To allow more time, run the query as a job: {how}.",)
                    raise
                log.info("The query exceeds the quick queue of CasJobs. Running it as a job: %s", err)
        return batch_query(self._calls, statement, context, deadline, verbose=verbose), "async"

    def _payload(self, statement: Statement, context: str, *, run_async: bool) -> dict[str, object]:
        """Return the request for a query, without the user."""
        operation = "SubmitJob" if run_async else "ExecuteQuickJob"
        return {"url": self._calls.operation_url(operation), "qry": statement.text, "context": context}

    def _context(self, given: str | None) -> str:
        """Return the context of a call."""
        return checked_context(self.context if given is None else given)

    def submit(
        self,
        sql: str,
        *,
        context: str | None = None,
        into: str | None = None,
        estimate: int = DEFAULT_ESTIMATE,
        timeout: float | u.Quantity | None = None,
    ) -> JobHandle:
        """Submit a statement as a batch job, and return the job without waiting for it.

        Parameters
        ----------
        sql : str
            The statement: a query, or one that changes MyDB.
        context : str, optional
            The database to query: one of `list_contexts`.  Defaults to the attribute ``context``.
        into : str, optional
            The new table of MyDB for the rows.  Omit it if the query has an ``INTO`` of its own.  By default, the table
            has a name that begins with ``astroquery_mast_``.
        estimate : int, default 30
            The time that the job may take, in minutes, by which CasJobs selects the queue.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        JobHandle
            The job.  Its ``status``, ``wait``, ``cancel`` and ``result`` send requests.  ``result()`` returns the rows
            of the table, which stays in MyDB until it is dropped.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or CasJobs rejects the statement.
        LoginError
            If no user is logged in.
        RemoteServiceError
            If CasJobs fails.  The statement is not sent again; if there is no response, the message says whether the
            job exists.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> job = CasJobs.submit(
        ...     "SELECT TOP 5 objID FROM ObjectThin", context="PanSTARRS_DR2", into="five"
        ... )
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
        """Return the handle of a job that was submitted earlier, in this or another session or on the web page.

        Parameters
        ----------
        job : int or str
            The number of the job, or its address: the ``url`` of its handle.

        Returns
        -------
        JobHandle
            The job.  Its ``status``, ``wait``, ``cancel`` and ``result`` send requests; this call does not.

        Raises
        ------
        InvalidQueryError
            If ``job`` is neither, or the address is one of another server.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> job = CasJobs.submit(
        ...     "SELECT TOP 5 objID FROM ObjectThin", context="PanSTARRS_DR2", into="some"
        ... )
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
            The status of the jobs, in any case: ``"QUEUED"``, ``"EXECUTING"``, ``"COMPLETED"``, ``"ERROR"`` or
            ``"ABORTED"``.
        since : `~astropy.time.Time` or str, optional
            The earliest time of submission; text is a date such as ``"2026-11-01"``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each job: ``job_id``, ``status``, ``task``, ``context``, ``rows``, ``submitted``, ``started``
            and ``ended`` (in the time of the server, masked if in the future), ``query``, ``error``, and ``url``, which
            `get_job` takes.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid.
        LoginError
            If no user is logged in.
        RemoteServiceError
            If CasJobs fails.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> CasJobs.list_jobs(status="completed").colnames[:4]
        ['job_id', 'status', 'task', 'context']
        """
        return job_list(self._calls, status, since, self._service.deadline(timeout))

    # -- contexts, tables and columns ----------------------------------------------------------------------------

    def list_contexts(self, *, timeout: float | u.Quantity | None = None) -> Table:
        """Return the databases that the user can query.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each database: ``context``, and ``longest_job``, the time that a job may take, masked if
            unknown.  If CasJobs does not list them, the contexts of MAST known to this package are returned.

        Raises
        ------
        LoginError
            If no user is logged in.
        RemoteServiceError
            If CasJobs fails.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> print(*CasJobs.list_contexts()["context"])
        MyDB GAIA_DR1 GALEX_GR6Plus7 HSCv2 HSCv3 PanSTARRS_DR1 PanSTARRS_DR2
        """
        return context_list(self._calls, self._service.deadline(timeout))

    def list_tables(self, context: str = "MyDB", *, timeout: float | u.Quantity | None = None) -> Table:
        """Return the tables and views of a database.

        Parameters
        ----------
        context : str, default "MyDB"
            The database.  The default is that of the user.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each, sorted by name: ``table_name`` and ``type`` (``"table"`` or ``"view"``).

        Raises
        ------
        InvalidQueryError
            If there is no such context.
        LoginError
            If no user is logged in.
        RemoteServiceError
            If CasJobs fails.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> print(*CasJobs.list_tables("PanSTARRS_DR2")["table_name"][:4])
        Detection Filter ForcedMeanObject ForcedMeanObjectView
        """
        return table_list(self._calls, checked_context(context), self._service.deadline(timeout))

    def list_columns(self, table: str, context: str = "MyDB", *, timeout: float | u.Quantity | None = None) -> Table:
        """Return the columns of a table or view.

        Parameters
        ----------
        table : str
            The name of the table, in any case.
        context : str, default "MyDB"
            The database.  The default is that of the user.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each column: ``column_name``, ``datatype`` (of SQL Server), and ``length`` of text in characters
            (-1 for any length), masked for other types.

        Raises
        ------
        InvalidQueryError
            If there is no such context or table.
        LoginError
            If no user is logged in.
        RemoteServiceError
            If CasJobs fails.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> CasJobs.list_columns("ObjectThin", "PanSTARRS_DR2")[:2].pprint()
        column_name datatype length
        ----------- -------- ------
            objName nvarchar     32
        objAltName1 nvarchar     32
        """
        return table_columns(self._calls, table, checked_context(context), self._service.deadline(timeout))

    # -- tables of MyDB ------------------------------------------------------------------------------------------

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

        The table is sent in parts, so that its size is limited only by that of MyDB. `download` returns an equal table.

        Parameters
        ----------
        table : `~astropy.table.Table` or DataFrame
            The rows: numbers, booleans, text and `~astropy.time.Time`, one value in a cell.  Masked values become NULL.
            CasJobs does not store units and descriptions.  Times are stored in UTC, to 100 ns; integers of a type that
            SQL Server does not have, such as ``uint16``, are stored in the next larger one.
        name : str
            The name of the table in MyDB: letters, digits and underscores.
        overwrite : bool, default False
            Whether to replace an existing table of that name.
        append : bool, default False
            Whether to append the rows to an existing table with the same columns; it is created if necessary.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        verbose : bool, default False
            Whether to show a progress bar on a terminal.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, a table of that name exists, or a value cannot be stored.
        LoginError
            If no user is logged in.
        RemoteServiceError
            If CasJobs fails.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        InputWarning
            If there are NaN or infinite numbers, which CasJobs cannot store: they become NULL.

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
        """Return a table of MyDB, with all of its rows.

        Parameters
        ----------
        name : str
            The name of the table in MyDB, in any case.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        verbose : bool, default False
            Whether to show the progress on a terminal.

        Returns
        -------
        `~astropy.table.Table`
            The rows, where NULL is masked.

        Raises
        ------
        InvalidQueryError
            If there is no such table.
        LoginError
            If no user is logged in.
        RemoteServiceError
            If CasJobs fails.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astropy.table import Table
        >>> from astroquery_mast import CasJobs
        >>> CasJobs.upload(Table({"id": [1152921504606846977, 3], "g": [17.25, 18.5]}), "numbers")
        >>> CasJobs.download("numbers").pprint()
                 id           g
        ------------------- -----
        1152921504606846977 17.25
                          3  18.5
        >>> CasJobs.drop("numbers")
        """
        return transfer.download_table(self._calls, name, self._service.deadline(timeout), verbose=verbose)

    def drop(self, name: str, *, missing_ok: bool = False, timeout: float | u.Quantity | None = None) -> None:
        """Remove a table from MyDB.

        Parameters
        ----------
        name : str
            The name of the table in MyDB, in any case.
        missing_ok : bool, default False
            Whether to ignore a table that does not exist.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Raises
        ------
        InvalidQueryError
            If the name is not valid, or there is no such table.
        LoginError
            If no user is logged in.
        RemoteServiceError
            If CasJobs fails.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import CasJobs
        >>> CasJobs.drop("no_such_table", missing_ok=True)
        """
        deadline = self._service.deadline(timeout)
        found = name if missing_ok else existing_table(self._calls, name, MYDB, deadline)
        drop_tables(self._calls, [found], deadline)


CasJobs = CasJobsClass()
