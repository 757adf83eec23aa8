"""`MastClass`: the session, the login, and any service of the Mashup API by name.

The only module that touches `astroquery.query.BaseQuery`, from which it takes the session, the user agent and the
conventions; everything else of the flow is put together here from the modules below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import requests
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.utils.decorators import deprecated_renamed_argument
from astroquery import log
from astroquery.query import BaseQuery

from ..config import Endpoints
from ..deferred import deferred
from ..exceptions import InvalidQueryError, presentable

if TYPE_CHECKING:
    from .. import warn
    from ..query import filters, values
    from . import connections, mast_service, token_sources
    from . import token as auth
else:
    auth, connections, mast_service, token_sources, filters, values, warn = deferred(
        __package__, ".token .connections .mast_service .token_sources ..query.filters ..query.values ..warn"
    )

__all__ = ["Mast", "MastClass"]


class MastClass(BaseQuery):  # type: ignore[misc, unused-ignore]
    """Any service of MAST's Mashup API, and what all clients of MAST have in common.

    Parameters
    ----------
    mast_token : str, optional
        A token for this client alone.  Without it the client shares the login of all others.
    server : str, optional
        The server for this client alone, instead of ``conf.server``.
    session : `requests.Session`, optional
        The session to use, e.g. with proxies or certificates of your own.

    Raises
    ------
    LoginError
        If the token is not accepted.
    """

    # The methods that whoever looks at a client is pointed to.
    _starting_points: tuple[str, ...] = ("service_request", "resolve_object", "status")

    def __init__(
        self, mast_token: str | None = None, *, server: str | None = None, session: requests.Session | None = None
    ) -> None:
        if mast_token is not None:
            mast_token = token_sources.without_repr(mast_token)
        super().__init__()
        # Of astroquery's session only these are taken over: `MastService.send` logs exchanges, while the hook of that
        # session decodes every body for it.
        self._headers = self.__dict__.pop("_astroquery_session").headers
        if server is not None or mast_token is not None:
            self._make_service(server, auth.SHARED if mast_token is None else auth.Credentials())
        if session is not None:
            self._session = session
        if mast_token is not None:
            self.login(mast_token)

    def __repr__(self) -> str:
        """Say what this is, whether there is a login, and where to begin; nothing is asked for that."""
        login = "logged in" if self.authenticated() else "not logged in"
        begin = ", ".join(f".{name}()" for name in self._starting_points)
        return f"<{type(self).__name__} {self._asked_place()}, {login}; see {begin}>"

    def _asked_place(self) -> str:
        """What is asked."""
        return f"at {presentable(self._service.endpoints.server)}"

    def __copy__(self) -> Self:
        """Copy deeply: a copy has connections of its own, and a token of one client alone is left behind."""
        return deepcopy(self)

    @property
    def _session(self) -> requests.Session:
        """The session through which everything is sent; for `astroquery.query.BaseQuery` the one that it makes."""
        return self.__dict__.get("_astroquery_session") or self._service.session

    @_session.setter
    def _session(self, session: requests.Session) -> None:
        if "_headers" in self.__dict__:
            self._service.session = session
        else:
            self._astroquery_session = session

    @cached_property
    def _service(self) -> mast_service.MastService:
        """The conversation with the archive, made when it is first used: an import is quick without it."""
        return self._make_service(None, auth.SHARED)

    def _make_service(self, server: str | None, credentials: auth.Credentials) -> mast_service.MastService:
        """Make the conversation with the archive, once: threads that are first to use it at the same time share it."""
        service = self._new_service(server, credentials)
        service.session.headers.update(self._headers)
        shared: mast_service.MastService = self.__dict__.setdefault("_service", service)
        return shared

    def _new_service(self, server: str | None, credentials: auth.Credentials) -> mast_service.MastService:
        """Make what talks to the archive; `compat` makes one whose addresses can be assigned."""
        return mast_service.MastService(Endpoints(server), self._cache_folder, credentials)

    def _cache_folder(self) -> Path:
        """Where answers are cached: astroquery's place for it."""
        return Path(self.cache_location)

    def clear_cache(self) -> None:
        """Remove all answers of this class that were kept on disk.

        Raises
        ------
        InvalidQueryError
            If ``cache_location`` is not a folder, or its files cannot be removed.
        """
        try:
            super().clear_cache()
            self._service.cache.clear()
        except OSError as err:
            raise InvalidQueryError(f"The kept answers cannot be removed: {err}") from err

    # -- the user ------------------------------------------------------------------------------------------------

    def login(self, token: str | None = None, store_token: bool = False, reenter_token: bool = False) -> bool:
        """Log in with a token, which then serves all clients of this process.

        The token is checked with the archive before it is kept or stored, and goes to MAST's own servers only.

        Parameters
        ----------
        token : str, optional
            The token.  If not given it is taken from the environment variable ``MAST_API_TOKEN``, from the file that
            ``MAST_API_TOKEN_FILE`` names, from the system's keyring, or asked for.
        store_token : bool
            Whether to write it to the system's keyring.
        reenter_token : bool
            Whether to ask even if the environment or the keyring has one.

        Returns
        -------
        bool
            True.

        Raises
        ------
        LoginError
            If there is no token, or the archive does not accept it.

        Warns
        -----
        `~astroquery.exceptions.AuthenticationWarning`
            If every user of the computer can read the file with the token, or the token cannot be stored.
        """
        token = token_sources.without_repr(token)
        self._service.login.login(token, store=store_token, reenter=reenter_token)
        return True

    def logout(self) -> None:
        """Forget the token; all clients that shared it are logged out."""
        self._service.login.credentials.keep(None)
        if isinstance(self._session, connections.MastSession):
            self._session.cookies.clear()

    def authenticated(self) -> bool:
        """Return whether there is a token that the archive has accepted."""
        return self._service.login.accepted

    def session_info(self, verbose: bool = True) -> dict[str, Any]:
        """Return what the archive knows of the user who is logged in.

        Parameters
        ----------
        verbose : bool
            Whether to log it as well.

        Returns
        -------
        dict
            ``anon``, ``eppn``, ``ezid``, ``scopes``, ``attrib`` and more; the token itself is shortened.
        """
        user = self._service.login.whoami()
        if verbose:
            for key, value in user.items():
                log.info("%s: %s", presentable(key), presentable(value))
        return user

    def status(self, *, timeout: float | u.Quantity | None = None) -> Table:
        """Return which services of MAST answer now.

        One small request is sent to each service, to all at the same time, without the token and without retries.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take, by default 5.

        Returns
        -------
        `~astropy.table.Table`
            One row for each service: ``service``; ``status``, which is ``"ok"``, ``"failed"`` or ``"timed out"``;
            ``time`` until the answer (ms, masked without one); ``server``; and a ``message`` for what is not ok.

        Raises
        ------
        InvalidQueryError
            If ``timeout`` is not a time.  A service that does not answer raises nothing.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> table = Observations.status(timeout=60)
        >>> print(table["service", "status"][:3])
            service      status
        ---------------- ------
        queries (Mashup)     ok
               downloads     ok
                   login     ok
        """
        from .status import status_table  # noqa: PLC0415 - queries do without it

        return status_table(self._service, timeout)

    # -- any service ---------------------------------------------------------------------------------------------

    def service_request(
        self,
        service: str,
        params: Mapping[str, Any],
        *,
        pagesize: int | None = None,
        page: int | None = None,
        get_query_payload: bool = False,
        **kwargs: Any,
    ) -> Table | dict[str, object]:
        """Ask a service of the Mashup API and return its answer as a table.

        Parameters
        ----------
        service : str
            Name of the service, from https://mast.stsci.edu/api/v0/_services.html.
        params : mapping
            Its parameters.
        pagesize : int, optional
            Rows in a page; ``conf.pagesize`` if not given.
        page : int, optional
            Give only this page, counted from 1, instead of all.
        get_query_payload : bool
            Return the request instead of sending it.
        **kwargs : object
            Further properties of the request, such as ``timeout`` (seconds that the server may hold it before it
            reports that it is still working), ``clearcache`` or ``removenullcolumns``; see
            https://mast.stsci.edu/api/v0/class_mashup_1_1_mashup_request.html.  ``cache`` says whether an answer
            from the cache is used, ``conf.cache`` if not given; it is not sent.

        Returns
        -------
        `~astropy.table.Table` or dict
            All rows, or the request.

        Raises
        ------
        InvalidQueryError
            If the request cannot be made or is refused.
        RemoteServiceError
            If the archive fails, or the answer is not complete.
        TimeoutError
            If ``conf.timeout`` seconds were not enough.
        """
        kwargs.pop("verbose", None)
        request = self._service.request_for(service, params, pagesize, page, **kwargs)
        if get_query_payload:
            return request.payload()
        if request.format.lower() not in {"json", "extjs"}:
            raise InvalidQueryError(f"format={request.format!r} is not read into a table: use service_request_async.")
        table = self._service.table(request, deadline=self._service.deadline(None), every_page=page is None)
        if not len(table):
            warn.warn_no_results()
        return table

    def service_request_async(
        self,
        service: str,
        params: Mapping[str, Any],
        *,
        pagesize: int | None = None,
        page: int | None = None,
        **kwargs: Any,
    ) -> list[requests.Response]:
        """Ask a service of the Mashup API and return the responses, one per page.

        Parameters
        ----------
        service, params, pagesize, page, **kwargs
            As `service_request`.

        Returns
        -------
        list of `requests.Response`
        """
        request = self._service.request_for(service, params, pagesize, page, **kwargs)
        return self._service.responses(request, deadline=self._service.deadline(None), every_page=page is None)

    def mast_query(
        self,
        service: str,
        columns: str | Iterable[str] | None = None,
        *,
        get_query_payload: bool = False,
        **kwargs: Any,
    ) -> Table | dict[str, object]:
        """Ask a service of the Mashup API, with its parameters and filters as keywords.

        Parameters
        ----------
        service : str
            Name of the service.
        columns : str or iterable of str, optional
            The columns to return; all if not given.  Only filtered services can choose.
        get_query_payload : bool
            Return the request instead of sending it.
        **kwargs : object
            Parameters of the service and properties of the request.  For filtered services every keyword that is
            neither is a filter: a value, a list of values, or ``{"min": low, "max": high}``.

        Returns
        -------
        `~astropy.table.Table` or dict
            All rows, or the request.

        Raises
        ------
        InvalidQueryError
            If a filtered service is given no filter, or one that cannot be applied.
        """
        kwargs.pop("verbose", None)
        params, properties = filters.split_parameters(service, columns, kwargs)
        return self.service_request(service, params, get_query_payload=get_query_payload, **properties)

    # -- names ---------------------------------------------------------------------------------------------------

    @deprecated_renamed_argument("objectname", "object_name", since="0.4.12")  # type: ignore[untyped-decorator]
    def resolve_object(
        self,
        object_name: str | Iterable[str],
        *,
        resolver: str | None = None,
        resolve_all: bool = False,
        timeout: float | None = None,
    ) -> SkyCoord | dict[str, Any]:
        """Return the position of an object, or of several.

        Parameters
        ----------
        object_name : str or iterable of str
            The name or names.
        resolver : str, optional
            ``"NED"`` or ``"SIMBAD"``; whichever knows the name first if not given.
        resolve_all : bool
            Whether to return what every resolver has.
        timeout : float, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astropy.coordinates.SkyCoord` or dict
            For one name its position, or with ``resolve_all`` a dictionary resolver → position.  For an iterable of
            names, also of a single one, a dictionary name → one of those; names without a position are left out, with
            one warning for all of them.

        Raises
        ------
        InvalidQueryError
            If there is no name.
        ResolverError
            If nothing could be resolved.
        """
        deadline = self._service.deadline(timeout)
        name = values.as_unicode(object_name)
        if not isinstance(name, str):
            return self._service.resolver.many(
                object_name, deadline=deadline, resolver=resolver, resolve_all=resolve_all
            )
        if not resolve_all:
            return self._service.resolver.one(name, deadline=deadline, resolver=resolver)
        if resolver is None:
            return self._service.resolver.all_of_one(name, deadline=deadline)
        return self._service.resolver.many([name], deadline=deadline, resolver=resolver, resolve_all=True)[name]


Mast = MastClass()
