"""`Sandbox`: a mock MAST server on a loopback port, for tests, notebooks, and the command line."""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self

from .archive import Archive, changes
from .archive.archive import ChangedArchive
from .archive.products import Revision
from .cloud import BUCKET
from .connection import LoopbackServer, SandboxRequest
from .faults import Faults
from .identity import ACCOUNTS, EXPIRED_TOKEN, OUTSIDER_TOKEN, TOKEN
from .mashup import ROW_LIMIT, decode_request
from .mjd import modified_julian
from .proxy import Proxy
from .reply import Reply
from .requestlog import RequestLog, RequestRecord
from .routes import ENDPOINTS, QUICK_SECONDS, TAP_LIMIT, UPLOAD_LIMIT, Routes, endpoint_of

#: Interval at which a server checks whether it must stop (seconds).
POLL_INTERVAL = 0.02
#: Server settings of the client that are pointed at the sandbox.
_SERVERS = (
    *("server", "catalogs_server", "resolver_server", "hla_server", "archive_server", "gsss_server"),
    *("casjobs_server", "programs_server"),
)
RANGE_HEADERS = ("range", "if-range")

_archives: dict[int, Archive] = {}
_archives_lock = threading.Lock()


def shared_archive(extra_observations: int = 0) -> Archive:
    """Return the archive with the given number of extra observations; it is built once per process, closed at exit."""
    with _archives_lock:
        if extra_observations not in _archives:
            archive = Archive(extra_observations=extra_observations)
            atexit.register(archive.close)
            _archives[extra_observations] = archive
        return _archives[extra_observations]


class Sandbox:
    """A local mock MAST server, served over HTTP on 127.0.0.1.

    As a context manager it also points the configuration of `astroquery_mast` at itself, and restores it at the end.

    Parameters
    ----------
    port : int
        Port number. The default, 0, selects a free port.
    extra_observations : int
        Number of additional synthetic observations, for paging and benchmarks.
    archive : Archive, optional
        The holdings to serve. You must close a given archive yourself. By default a shared archive is used.
    row_limit : int
        Maximum number of rows in the result of a Mashup service; as at MAST, larger results drop the connection.
    cuts : bool
        Whether results larger than ``row_limit`` are truncated instead.
    tap_limit : int
        Maximum number of rows in the result of a TAP query.
    tap_rows : int
        Number of rows in an additional table ``big.source`` of the TAP service ``mast_catalogs``; 0 omits the table. It
        is created on first use, which takes a few seconds for a million rows.
    engineering_login : bool
        Whether the JWST Engineering Database requires a valid token.
    casjobs_quick_seconds : float
        Time limit of the quick queue of CasJobs, in units of work that are the same on every computer: one second is a
        million steps of the database. Reading 100,000 rows of 8 columns takes about one second.
    casjobs_upload_limit : int
        Maximum size of a CasJobs upload in bytes.
    casjobs_questions : int
        Number of status requests after which a CasJobs job ends; 0 ends it immediately.

    Attributes
    ----------
    archive : Archive
        The holdings that are served.
    requests : RequestLog
        The received requests, oldest first.
    faults : Faults
        The faults of future responses.
    token : str
        A valid token with access to all data.
    outsider_token : str
        A valid token without exclusive access.
    expired_token : str
        An expired token.
    casjobs_user, casjobs_password, casjobs_wsid : str
        A CasJobs account: user name, password, and WSID.
    casjobs_other_user, casjobs_other_password, casjobs_other_wsid : str
        A second CasJobs account.

    Examples
    --------
    >>> from astroquery_mast.sandbox import Sandbox
    >>> with Sandbox() as archive:
    ...     archive.url.startswith("http://127.0.0.1:")
    True
    """

    token = TOKEN
    outsider_token = OUTSIDER_TOKEN
    expired_token = EXPIRED_TOKEN
    casjobs_user, casjobs_password, casjobs_wsid = map(str, ACCOUNTS[0])
    casjobs_other_user, casjobs_other_password, casjobs_other_wsid = map(str, ACCOUNTS[1])

    def __init__(
        self,
        *,
        port: int = 0,
        extra_observations: int = 0,
        archive: Archive | None = None,
        row_limit: int = ROW_LIMIT,
        cuts: bool = False,
        tap_limit: int = TAP_LIMIT,
        tap_rows: int = 0,
        engineering_login: bool = False,
        casjobs_quick_seconds: float = QUICK_SECONDS,
        casjobs_upload_limit: int = UPLOAD_LIMIT,
        casjobs_questions: int = 0,
    ) -> None:
        self.archive = shared_archive(extra_observations) if archive is None else archive
        self.requests = RequestLog()
        self.faults = Faults()
        self._port = port
        self._routes_for = partial(
            Routes,
            row_limit=row_limit,
            cuts=cuts,
            tap_limit=tap_limit,
            tap_rows=tap_rows,
            engineering_login=engineering_login,
            casjobs=(casjobs_quick_seconds, casjobs_upload_limit, casjobs_questions),
        )
        self._routes = self._routes_for(self.archive)
        self._unchanged = self.archive, self._routes
        self._changing = threading.Lock()
        self._caught = _CaughtErrors()
        self._server: LoopbackServer | None = None
        self._thread: threading.Thread | None = None
        self._settings = ExitStack()
        self._is_active = False
        self._url = ""

    @property
    def url(self) -> str:
        """Address of the server without a trailing slash; it remains available after `stop`."""
        if not self._url:
            raise RuntimeError("The sandbox is not running. Call start() first.")
        return self._url

    @property
    def cloud_url(self) -> str:
        """Address of the public cloud copy: a different host, as at MAST, so that it receives no tokens."""
        return f"{self.url.replace('127.0.0.1', 'localhost')}{BUCKET}"

    def start(self) -> Self:
        """Start the server, and point the clients of `astroquery_mast` at it until `stop`; meant for notebooks.

        In a script, ``with Sandbox() as archive:`` does the same until the end of the block.  If the sandbox is already
        started, nothing happens.

        Returns
        -------
        Sandbox
            This sandbox.

        Raises
        ------
        OSError
            If the port is in use.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> from astroquery_mast.sandbox import Sandbox
        >>> archive = Sandbox().start()
        >>> Observations.query_criteria_count(proposal_id=10452)
        126
        >>> archive.stop()
        """
        self.serve()
        if not self._is_active:
            self._settings.enter_context(self.in_use())
            self._is_active = True
        return self

    def serve(self) -> Self:
        """Start the server without pointing the clients at it; do nothing if it is already running.

        Returns
        -------
        Sandbox
            This sandbox.

        Raises
        ------
        OSError
            If the port is in use.
        """
        if self._server is None:
            self.faults.allow_waits()
            self._server = LoopbackServer(self._port, self._respond, self._caught.keep)
            self._url = f"http://127.0.0.1:{self._server.port}"
            self._thread = threading.Thread(
                target=self._server.serve_forever, args=(POLL_INTERVAL,), name="mast-sandbox-listener", daemon=True
            )
            self._thread.start()
        return self

    def stop(self) -> None:
        """Restore the clients' configuration, end all delays and connections, then call `check`."""
        self._settings.close()
        self._is_active = False
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is not None and thread is not None:
            server.shutdown()
            thread.join()
            self.faults.end_waits()
            self._routes.end()
            server.close_connections()
        self.check()

    def check(self) -> None:
        """Raise, in the calling thread, the first exception raised by request handling since the last check.

        The client of that request received status 500.
        """
        mistake = self._caught.take()
        if mistake is not None:
            raise mistake

    def reset(self) -> None:
        """End pending responses and clear faults and requests for the next test; then call `check`."""
        self.faults.clear()
        if self._server is not None:
            # A request of a client that has given up may still be unread.
            self.faults.end_waits()
            self._routes.end()
            self._server.close_connections()
            self.faults.allow_waits()
        with self._changing:
            self.archive, self._routes = self._unchanged
        self.requests.clear()
        self.check()

    # -- time passes -----------------------------------------------------------------------------------------------

    def reprocess(
        self,
        pattern: str,
        *,
        cal_ver: str | None = None,
        crds_ctx: str | None = None,
        date: str | None = None,
        same_size: bool = False,
        calib_level: int | None = None,
    ) -> list[str]:
        """Replace FITS files by new versions, as a pipeline does when it reprocesses observations.

        The bytes of the files change, and with them checksums, sizes, ``ETag`` and ``Last-Modified``, both in the files
        and in the responses of all services.  Like all changes of the holdings, this affects only this sandbox, and
        only until `reset`; jobs and results of earlier queries are dropped.

        Parameters
        ----------
        pattern : str
            An ``obs_id``, which selects all FITS files of that observation, or the name of a file. It is not
            case-sensitive and may have shell-style wildcards, such as ``"jw01783*"``.
        cal_ver : str, optional
            The new ``CAL_VER`` in headers, ``cal_ver`` of the keyword services, and ``prvversion`` of products. By
            default it does not change.
        crds_ctx : str, optional
            The new ``CRDS_CTX`` (JWST). By default it does not change.
        date : str, optional
            Date of the reprocessing in ISO form (UTC). Defaults to now.
        same_size : bool
            Whether the new files have the size of the old ones, so that only their bytes differ. By default they are
            2880 bytes longer.
        calib_level : int, optional
            The new ``calib_level`` of the observations, which adds the products of that level. Planned observations
            (level -1) are executed this way.

        Returns
        -------
        list of str
            The ``obs_id`` of the observations, or the names of the files.

        Raises
        ------
        ValueError
            If nothing matches, or the matches include no FITS file.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> from astroquery_mast.sandbox import Sandbox
        >>> uri = "mast:JWST/product/jw01783-o001_t006_nircam_clear-f115w_i2d.fits"
        >>> with Sandbox() as box:
        ...     before = box.archive.checksum(uri)
        ...     box.reprocess("jw01783-o001_t006_nircam_clear-f115w", cal_ver="1.19.1")
        ...     after = box.archive.checksum(uri)
        ['jw01783-o001_t006_nircam_clear-f115w']
        >>> before == after
        False
        """
        made = Revision(1, cal_ver, crds_ctx, modified_julian(date), 0 if same_size else 1)
        return self._change(partial(changes.reprocess, pattern=pattern, made=made, calib_level=calib_level))

    def release(self, pattern: str, *, date: str | None = None) -> list[str]:
        """Make exclusive observations and their files, or single files, public.

        Parameters
        ----------
        pattern : str
            An ``obs_id`` or the name of a file, as for `reprocess`.
        date : str, optional
            Release date in ISO form (UTC). Defaults to now.

        Returns
        -------
        list of str
            The ``obs_id`` of the observations, or the names of the files.

        Raises
        ------
        ValueError
            If nothing matches.
        """
        return self._change(partial(changes.release, pattern=pattern, day=modified_julian(date)))

    def add(self, like: str, obs_id: str, **columns: object) -> list[str]:
        """Add an observation, with files of the same kind as those of an existing one.

        Parameters
        ----------
        like : str
            The ``obs_id`` of an existing observation, whose columns are copied except for those given.
        obs_id : str
            The ``obs_id`` of the new observation, which also determines the names of its files.
        **columns : object
            Column values of the observation, such as ``t_min=61000.5`` or ``target_name="M 101"``.

        Returns
        -------
        list of str
            The ``obs_id`` of the new observation.

        Raises
        ------
        ValueError
            If ``like`` does not exist, ``obs_id`` already exists, or a column does not exist.
        """
        return self._change(partial(changes.add, like=like, obs_id=obs_id, columns=columns))

    def remove(self, pattern: str) -> list[str]:
        """Remove observations and their files, or single files, from the archive.

        Parameters
        ----------
        pattern : str
            An ``obs_id`` or the name of a file, as for `reprocess`.

        Returns
        -------
        list of str
            The ``obs_id`` of the observations, or the names of the files.

        Raises
        ------
        ValueError
            If nothing matches.
        """
        return self._change(partial(changes.remove, pattern=pattern))

    def _change(self, happen: Callable[[sqlite3.Connection], list[str]]) -> list[str]:
        """Serve a changed copy of the archive from the next request on."""
        with self._changing:
            archive = ChangedArchive(self.archive, happen)
            ended, self.archive, self._routes = self._routes, archive, self._routes_for(archive)
        ended.end()
        return archive.changed

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Point the configuration of `astroquery_mast` at this sandbox, and restore it at the end."""
        # Imported here: the sandbox is written from the protocol and shares only the configuration with the client.
        from ..config import conf  # noqa: PLC0415

        with ExitStack() as settings:
            settings.enter_context(_without_tokens())
            for item in _SERVERS:
                settings.enter_context(conf.set_temp(item, self.url))
            other = ENDPOINTS["vo_other_registry"]["prefix"].rstrip("/")
            settings.enter_context(conf.set_temp("fallback_registry", f"{self.url}{other}"))
            settings.enter_context(conf.set_temp("cloud_server", self.cloud_url))
            yield

    def proxy(self, login: str | None = None) -> Proxy:
        """Return a proxy on its own port, for use as a context manager; it connects every host name to this sandbox.

        `astroquery_mast` does not use proxies for 127.0.0.1 and localhost; set its server to another name, which does
        not have to exist.

        Parameters
        ----------
        login : str, optional
            ``"user:password"``. Requests without this login receive status 407.

        Returns
        -------
        Proxy
            Its ``url`` is a value for ``http_proxy``; ``requests`` lists what it received. ``CONNECT`` is refused.

        Examples
        --------
        >>> import requests
        >>> from astroquery_mast.sandbox import Sandbox
        >>> with Sandbox() as archive, archive.proxy() as proxy:
        ...     address = "http://mast.example.org/whoami"
        ...     status = requests.get(address, proxies={"http": proxy.url}).status_code
        >>> status, proxy.requests[0].target, archive.requests[0].path
        (200, 'http://mast.example.org/whoami', '/whoami')
        """
        return Proxy(self._respond, self._caught.keep, login)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = f"at {self._url}" if self._server is not None else "stopped"
        return f"<Sandbox {state}>"

    def _respond(self, request: SandboxRequest) -> Reply:
        record = _record(request)
        ticket = self.requests.open(record)
        reply = Reply.text("Internal error of the sandbox. Call Sandbox.check() for the traceback.", 500)
        with self._caught:
            reply = self._answer(record, request.environ["REQUEST_URI"])
        self.requests.close(ticket, status=reply.status, sent=reply.payload(record.method).nbytes)
        return reply

    def _answer(self, record: RequestRecord, target: str) -> Reply:
        fault = self.faults.take(record)
        if fault is None:
            return self._routes.answer(record, target)
        if fault.seconds:
            self.faults.wait(fault.seconds)
        dropped = RANGE_HEADERS if fault.ignores_range else ()
        kept = {name: value for name, value in record.headers.items() if name not in dropped}
        record = replace(record, headers={**kept, **fault.told})
        return fault.bend(fault.canned or self._routes.answer(record, target).whole())


def _record(request: SandboxRequest) -> RequestRecord:
    endpoint = endpoint_of(request.path)
    query, form = request.args.to_dict(flat=False), request.form.to_dict(flat=False)
    record = RequestRecord(
        endpoint=endpoint,
        method=request.method,
        path=request.path,
        query=query,
        form=form,
        headers=request.environ["sandbox.headers"],
        body=request.environ["sandbox.body"],
        connection=request.environ["sandbox.connection"],
    )
    return replace(record, mashup=decode_request(record.value("request"))) if endpoint == "invoke" else record


@contextmanager
def _without_tokens() -> Iterator[None]:
    """Hide logins set in the environment, which are for the real archive; those set in the block are kept."""
    names = (
        *("MAST_API_TOKEN", "MAST_TOKEN", "MAST_API_TOKEN_FILE"),
        *("CASJOBS_USERID", "CASJOBS_WSID", "CASJOBS_PW"),
    )
    hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


class _CaughtErrors:
    """Exceptions of the server's threads; as a context manager it catches and keeps them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[BaseException] = []

    def keep(self, error: BaseException) -> None:
        with self._lock:
            self._kept.append(error)

    def take(self) -> BaseException | None:
        with self._lock:
            first = self._kept[0] if self._kept else None
            self._kept.clear()
            return first

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.keep(error)
        return True
