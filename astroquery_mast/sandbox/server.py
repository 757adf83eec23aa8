"""`Sandbox`: a small MAST on a loopback port, started and stopped from a test, a notebook or the command line."""

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

#: How soon a server that is told to stop notices it (seconds).
POLL_INTERVAL = 0.02
#: Settings of the client that are pointed here.
_SERVERS = (
    *("server", "catalogs_server", "resolver_server", "hla_server", "archive_server", "gsss_server"),
    *("casjobs_server", "programs_server"),
)
RANGE_HEADERS = ("range", "if-range")

_archives: dict[int, Archive] = {}
_archives_lock = threading.Lock()


def shared_archive(extra_observations: int = 0) -> Archive:
    """Return the archive with that many extra observations, built once per process and closed at its end."""
    with _archives_lock:
        if extra_observations not in _archives:
            archive = Archive(extra_observations=extra_observations)
            atexit.register(archive.close)
            _archives[extra_observations] = archive
        return _archives[extra_observations]


class Sandbox:
    """A MAST in a box, served over HTTP on 127.0.0.1.

    As a context manager it also points the configuration of `astroquery_mast` at itself and puts it back at the end.

    Parameters
    ----------
    port : int
        0 lets the system choose a free one.
    extra_observations : int
        Further synthetic observations, for paging and benchmarks.
    archive : Archive, optional
        The holdings to serve; the caller closes them.
    row_limit : int
        The most rows that the result of a Mashup service may have; as at MAST the connection is dropped beyond.
    cuts : bool
        Whether such a result is cut to ``row_limit`` rows instead.
    tap_limit : int
        The most rows that the result of a TAP query may have.
    tap_rows : int
        Rows of a further table ``big.source`` of the TAP service ``mast_catalogs``; 0 for none. It is made when it is
        first asked for, which takes some seconds for a million.
    engineering_login : bool
        Whether data of the JWST Engineering Database are sent to those only who have a valid token.
    casjobs_quick_seconds : float
        How long a query of CasJobs' quick queue may take. It is a measure of work, the same on every computer: a
        million steps of the database are a second. Reading 100,000 rows of 8 columns is about one.
    casjobs_upload_limit : int
        The most bytes that CasJobs takes in one upload.
    casjobs_questions : int
        How often a job of CasJobs has to be asked for its state before it ends; 0 lets it end at once.

    Attributes
    ----------
    archive : Archive
    requests : RequestLog
        What was asked, oldest first.
    faults : Faults
        What is going to go wrong.
    token : str
        A valid token; its owner may read everything.
    outsider_token : str
        A valid token of somebody without exclusive access.
    expired_token : str
    casjobs_user, casjobs_password, casjobs_wsid : str
        An account of CasJobs: user name, password, and number.
    casjobs_other_user, casjobs_other_password, casjobs_other_wsid : str
        Another one.

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
        self._mistakes = _Mistakes()
        self._server: LoopbackServer | None = None
        self._thread: threading.Thread | None = None
        self._settings = ExitStack()
        self._is_active = False
        self._url = ""

    @property
    def url(self) -> str:
        """Address of the server, without a closing slash; once started it stays known after `stop`."""
        if not self._url:
            raise RuntimeError("The sandbox is not running. Call start() first.")
        return self._url

    @property
    def cloud_url(self) -> str:
        """Address of the public cloud copy: another host, like the real one, so that tokens are not sent to it."""
        return f"{self.url.replace('127.0.0.1', 'localhost')}{BUCKET}"

    def start(self) -> Self:
        """Start the server, and point the clients of `astroquery_mast` at it until `stop`; for notebooks.

        In a script, ``with Sandbox() as archive:`` does the same until the end of the block.  A sandbox that has been
        started already stays as it is.

        Returns
        -------
        Sandbox
            The sandbox itself.

        Raises
        ------
        OSError
            If the port is taken.

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
            The sandbox itself.

        Raises
        ------
        OSError
            If the port is taken.
        """
        if self._server is None:
            self.faults.allow_waits()
            self._server = LoopbackServer(self._port, self._respond, self._mistakes.keep)
            self._url = f"http://127.0.0.1:{self._server.port}"
            self._thread = threading.Thread(
                target=self._server.serve_forever, args=(POLL_INTERVAL,), name="mast-sandbox-listener", daemon=True
            )
            self._thread.start()
        return self

    def stop(self) -> None:
        """Point the clients back at what they used before, end every delay and connection, then `check`."""
        self._settings.close()
        self._is_active = False
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is not None and thread is not None:
            server.shutdown()
            thread.join()
            self.faults.end_waits()
            self._routes.end()
            server.hang_up()
        self.check()

    def check(self) -> None:
        """Raise, here in the calling thread, the first exception that answering a request raised since the last check.

        The client of that request was answered with status 500.
        """
        mistake = self._mistakes.take()
        if mistake is not None:
            raise mistake

    def reset(self) -> None:
        """End what is under way, and forget faults and requests, for the next test; then `check`."""
        self.faults.clear()
        if self._server is not None:
            # A request of a client that has given up may not have been read yet.
            self.faults.end_waits()
            self._routes.end()
            self._server.hang_up()
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
        """Replace FITS files by new versions, as a pipeline does that processes observations again.

        The bytes of the files change, and with them checksums, sizes, ``ETag`` and ``Last-Modified``, in files and in
        the answers of all services.  Like everything that time does to a sandbox this holds for this one only, until
        `reset`; jobs and results of earlier queries that it keeps are dropped.

        Parameters
        ----------
        pattern : str
            An ``obs_id``, all of whose own FITS files are replaced, or the name of a file, whatever the case; with
            wildcards as in a shell, such as ``"jw01783*"``.
        cal_ver : str, optional
            The new ``CAL_VER`` in headers, ``cal_ver`` of the keyword services and ``prvversion`` of products; as
            before if not given.
        crds_ctx : str, optional
            The new ``CRDS_CTX`` (JWST); as before if not given.
        date : str, optional
            When that happened, in ISO form (UTC); now if not given.
        same_size : bool
            Whether the new files are as long as the old ones, so that only their bytes tell that they are new.
            Otherwise they are 2880 bytes longer.
        calib_level : int, optional
            The new ``calib_level`` of the observations, with the products of that level.  A planned observation, of
            level -1, is made by this.

        Returns
        -------
        list of str
            The ``obs_id`` of the observations, or the names of the files.

        Raises
        ------
        ValueError
            If nothing has such a name, or no FITS file is there.

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
        """Make observations public that were exclusive, with their files, or single files.

        Parameters
        ----------
        pattern : str
            An ``obs_id`` or the name of a file, as for `reprocess`.
        date : str, optional
            When they became public, in ISO form (UTC); now if not given.

        Returns
        -------
        list of str
            The ``obs_id`` of the observations, or the names of the files.

        Raises
        ------
        ValueError
            If nothing has such a name.
        """
        return self._change(partial(changes.release, pattern=pattern, day=modified_julian(date)))

    def add(self, like: str, obs_id: str, **columns: object) -> list[str]:
        """Add an observation, with files of its own kind.

        Parameters
        ----------
        like : str
            The ``obs_id`` of the observation whose columns it has, but for those that are given.
        obs_id : str
            Its own ``obs_id``, from which its files have their names.
        **columns : object
            Columns of observations, such as ``t_min=61000.5`` or ``target_name="M 101"``.

        Returns
        -------
        list of str
            The ``obs_id``.

        Raises
        ------
        ValueError
            If there is no observation to be like, one of that ``obs_id`` already, or no such column.
        """
        return self._change(partial(changes.add, like=like, obs_id=obs_id, columns=columns))

    def remove(self, pattern: str) -> list[str]:
        """Take observations with their files out of the archive, or single files.

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
            If nothing has such a name.
        """
        return self._change(partial(changes.remove, pattern=pattern))

    def _change(self, happen: Callable[[sqlite3.Connection], list[str]]) -> list[str]:
        """Serve a copy of the archive to which something has happened, from the next request on."""
        with self._changing:
            archive = ChangedArchive(self.archive, happen)
            ended, self.archive, self._routes = self._routes, archive, self._routes_for(archive)
        ended.end()
        return archive.changed

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Point the configuration of `astroquery_mast` at this sandbox, and put it back at the end."""
        # Imported here: the sandbox is written from the protocol and shares nothing else with the client.
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
        """Return a proxy on a port of its own, to be used as a context manager: all hosts behind it are this sandbox.

        `astroquery_mast` goes to 127.0.0.1 and localhost without a proxy; set its server to another name, which need
        not exist.

        Parameters
        ----------
        login : str, optional
            ``"user:password"``, without which everything is answered with 407.

        Returns
        -------
        Proxy
            Its ``url`` is a value for ``http_proxy``; ``requests`` is what it was asked. ``CONNECT`` is refused.

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
        return Proxy(self._respond, self._mistakes.keep, login)

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
        with self._mistakes:
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
    """Hide logins of the environment, which are for the real archive; those set meanwhile are for the sandbox."""
    names = (
        *("MAST_API_TOKEN", "MAST_TOKEN", "MAST_API_TOKEN_FILE"),
        *("CASJOBS_USERID", "CASJOBS_WSID", "CASJOBS_PW"),
    )
    hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


class _Mistakes:
    """A place for exceptions of the server's threads; as a context manager it catches them there."""

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
