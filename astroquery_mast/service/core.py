"""`MastClass`: the session, the login, and any service of the Mashup API by name.

This is the only module that uses `astroquery.query.BaseQuery`, from which it takes the user agent, the cache folder,
and the conventions of clients.  The modules below it do the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

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
    """Query any service of MAST's Mashup API; the base class of all clients.

    Parameters
    ----------
    mast_token : str, optional
        A token for this client alone.  By default, the client shares the login of all others.
    server : str, optional
        The address of the server for this client alone.  Defaults to ``conf.server``.
    session : `requests.Session`, optional
        The session that sends the requests, e.g. with proxies or certificates.  By default, a new one is created.

    Raises
    ------
    LoginError
        If the token is not accepted.

    Examples
    --------
    >>> from astroquery_mast import MastClass
    >>> client = MastClass()
    >>> client.authenticated()
    False
    """

    # The methods that the repr of a client lists.
    _starting_points: tuple[str, ...] = ("service_request", "resolve_object", "status")

    def __init__(
        self, mast_token: str | None = None, *, server: str | None = None, session: requests.Session | None = None
    ) -> None:
        if mast_token is not None:
            mast_token = token_sources.without_repr(mast_token)
        super().__init__()
        # Only the headers of astroquery's session are used: its hook decodes every body to log it, while
        # `MastService.send` logs exchanges without that.
        self._headers = self.__dict__.pop("_astroquery_session").headers
        if server is not None or mast_token is not None:
            self._make_service(server, auth.SHARED if mast_token is None else auth.Credentials())
        if session is not None:
            self._session = session
        if mast_token is not None:
            self.login(mast_token)

    def __repr__(self) -> str:
        """Show the class, the server, the login, and the main methods, without sending a request."""
        login = "logged in" if self.authenticated() else "not logged in"
        begin = ", ".join(f".{name}()" for name in self._starting_points)
        return f"<{type(self).__name__} {self._server_text()}, {login}; see {begin}>"

    def _server_text(self) -> str:
        """The server, as shown in the repr."""
        return f"at {presentable(self._service.endpoints.server)}"

    def __copy__(self) -> Self:
        """Copy deeply: the copy has its own connections, and does not keep a token that only this client has."""
        return deepcopy(self)

    @property
    def _session(self) -> requests.Session:
        """The session that sends all requests; while `astroquery.query.BaseQuery` initializes, its own session."""
        return self.__dict__.get("_astroquery_session") or self._service.session

    @_session.setter
    def _session(self, session: requests.Session) -> None:
        if "_headers" in self.__dict__:
            self._service.session = session
        else:
            self._astroquery_session = session

    @cached_property
    def _service(self) -> mast_service.MastService:
        """The connection to MAST, created on first use to keep the import fast."""
        return self._make_service(None, auth.SHARED)

    def _make_service(self, server: str | None, credentials: auth.Credentials) -> mast_service.MastService:
        """Create the connection to MAST; threads that use it first at the same time share one."""
        service = self._new_service(server, credentials)
        service.session.headers.update(self._headers)
        shared: mast_service.MastService = self.__dict__.setdefault("_service", service)
        return shared

    def _new_service(self, server: str | None, credentials: auth.Credentials) -> mast_service.MastService:
        """Create the service object; `compat` overrides this with one whose addresses can be assigned."""
        return mast_service.MastService(Endpoints(server), self._cache_folder, credentials)

    def _cache_folder(self) -> Path:
        """The folder of cached responses, which is astroquery's."""
        return Path(self.cache_location)

    def clear_cache(self) -> None:
        """Remove all cached responses of this class from disk.

        Raises
        ------
        InvalidQueryError
            If ``cache_location`` is not a folder, or its files cannot be removed.

        Examples
        --------
        >>> from astroquery_mast import Mast
        >>> Mast.clear_cache()
        """
        try:
            super().clear_cache()
            self._service.cache.clear()
        except OSError as err:
            raise InvalidQueryError(f"Cannot clear the cache: {err}") from err

    # -- the user ------------------------------------------------------------------------------------------------

    def login(self, token: str | None = None, store_token: bool = False, reenter_token: bool = False) -> bool:
        """Log in with a MAST API token, for all clients of this process that have no token of their own.

        The token is verified before it is stored.  It is sent to MAST's own servers only.

        Parameters
        ----------
        token : str, optional
            The token.  By default, it is read from the environment variable ``MAST_API_TOKEN``, from the file named by
            ``MAST_API_TOKEN_FILE``, from the system's keyring, or from a prompt, in this order.
        store_token : bool, default False
            Whether to store the token in the system's keyring.
        reenter_token : bool, default False
            Whether to prompt for the token even if the environment or the keyring has one.

        Returns
        -------
        bool
            True.

        Raises
        ------
        LoginError
            If there is no token, or MAST does not accept it.

        Warns
        -----
        `~astroquery.exceptions.AuthenticationWarning`
            If the file with the token is readable by every user of the computer, or the token cannot be stored.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.login("your-token")  # doctest: +SKIP
        """
        token = token_sources.without_repr(token)
        self._service.login.login(token, store=store_token, reenter=reenter_token)
        return True

    def logout(self) -> None:
        """Log out: discard the token, for all clients that share the login.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.logout()
        >>> Observations.authenticated()
        False
        """
        self._service.login.credentials.keep(None)
        if isinstance(self._session, connections.MastSession):
            self._session.cookies.clear()

    def authenticated(self) -> bool:
        """Return whether the client has a token that MAST has accepted.

        Returns
        -------
        bool
            True if the client is logged in.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.authenticated()
        False
        """
        return self._service.login.accepted

    def session_info(self, verbose: bool = True) -> dict[str, object]:
        """Return what MAST knows about the user who is logged in.

        Parameters
        ----------
        verbose : bool, default True
            Whether to log the information as well.

        Returns
        -------
        dict
            Properties of the user, such as ``anon`` (True without a login), ``eppn``, ``ezid``, ``scopes`` and
            ``attrib``.  The token is shortened.

        Raises
        ------
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``conf.timeout``.

        Examples
        --------
        >>> from astroquery_mast import Mast
        >>> Mast.session_info(verbose=False)["anon"]
        True
        """
        user = self._service.login.whoami()
        if verbose:
            for key, value in user.items():
                log.info("%s: %s", presentable(key), presentable(value))
        return user

    def status(self, *, timeout: float | u.Quantity | None = None) -> Table:
        """Return the status of MAST's services.

        One small request is sent to each service, all at the same time, without the token and without retries.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to 5 s.

        Returns
        -------
        `~astropy.table.Table`
            One row for each service: ``service``; ``status``, which is ``"ok"``, ``"failed"`` or ``"timed out"``;
            ``time``, the response time in ms, masked without a response; ``server``; and ``message``, which is set if
            the status is not ``"ok"``.

        Raises
        ------
        InvalidQueryError
            If ``timeout`` is not a time.  A service that does not respond raises no error.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> table = Observations.status(timeout=60)
        >>> table["service", "status"][:3].pprint()
            service      status
        ---------------- ------
        queries (Mashup)     ok
               downloads     ok
                   login     ok
        """
        from .status import status_table  # noqa: PLC0415 - not needed for queries

        return status_table(self._service, timeout)

    # -- any service ---------------------------------------------------------------------------------------------

    def service_request(
        self,
        service: str,
        params: Mapping[str, object],
        *,
        pagesize: int | None = None,
        page: int | None = None,
        get_query_payload: bool = False,
        **kwargs: object,
    ) -> Table | dict[str, object]:
        """Query a service of the Mashup API and return the response as a table.

        Parameters
        ----------
        service : str
            The name of the service; see https://mast.stsci.edu/api/v0/_services.html.
        params : mapping
            The parameters of the service.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        **kwargs : object
            Further properties of the request, such as ``timeout`` (seconds after which the server reports that it is
            still working), ``clearcache`` or ``removenullcolumns``; see
            https://mast.stsci.edu/api/v0/class_mashup_1_1_mashup_request.html.  ``cache``, which is not sent, sets
            whether a cached response is used, and defaults to ``conf.cache``.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each row of the response, with the columns and units that the service describes; or the request.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the request.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``conf.timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If nothing is found.

        Examples
        --------
        >>> from astroquery_mast import Mast
        >>> params = {"ra": 202.4696, "dec": 47.1952, "radius": 0.05}
        >>> table = Mast.service_request("Mast.Caom.Cone", params, pagesize=5, page=1)
        >>> len(table), "obs_id" in table.colnames
        (5, True)
        """
        kwargs.pop("verbose", None)
        request = self._service.request_for(service, params, pagesize, page, **kwargs)
        if get_query_payload:
            return request.payload()
        if request.format.lower() not in {"json", "extjs"}:
            raise InvalidQueryError(
                f"format={request.format!r} cannot be converted to a table. Use service_request_async."
            )
        table = self._service.table(request, deadline=self._service.deadline(None), every_page=page is None)
        if not len(table):
            warn.warn_no_results()
        return table

    def service_request_async(
        self,
        service: str,
        params: Mapping[str, object],
        *,
        pagesize: int | None = None,
        page: int | None = None,
        **kwargs: object,
    ) -> list[requests.Response]:
        """Query a service of the Mashup API and return the HTTP responses.

        Parameters
        ----------
        service : str
            The name of the service; see https://mast.stsci.edu/api/v0/_services.html.
        params : mapping
            The parameters of the service.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        **kwargs : object
            Further properties of the request, such as ``format``, ``clearcache`` or ``removenullcolumns``; see
            https://mast.stsci.edu/api/v0/class_mashup_1_1_mashup_request.html.

        Returns
        -------
        list of `requests.Response`
            One response for each page.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the request.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``conf.timeout``.

        Examples
        --------
        >>> from astroquery_mast import Mast
        >>> params = {"ra": 202.4696, "dec": 47.1952, "radius": 0.05}
        >>> responses = Mast.service_request_async("Mast.Caom.Cone", params, pagesize=5, page=1)
        >>> [response.status_code for response in responses]
        [200]
        """
        request = self._service.request_for(service, params, pagesize, page, **kwargs)
        return self._service.responses(request, deadline=self._service.deadline(None), every_page=page is None)

    def mast_query(
        self,
        service: str,
        columns: str | Iterable[str] | None = None,
        *,
        get_query_payload: bool = False,
        **kwargs: object,
    ) -> Table | dict[str, object]:
        """Query a service of the Mashup API, with its parameters and filters as keywords.

        Parameters
        ----------
        service : str
            The name of the service; see https://mast.stsci.edu/api/v0/_services.html.
        columns : str or iterable of str, optional
            The columns to return, for filtered services only.  By default, all columns are returned.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        **kwargs : object
            Parameters of the service and properties of the request, as in `service_request`.  For filtered services,
            every other keyword is a filter: a value, a list of values, or ``{"min": low, "max": high}``.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each row of the response, with the columns and units that the service describes; or the request.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, a filtered service has no filter, or the service rejects the request.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``conf.timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If nothing is found.

        Examples
        --------
        >>> from astroquery_mast import Mast
        >>> table = Mast.mast_query(
        ...     "Mast.Caom.Filtered",
        ...     columns="obsid, filters",
        ...     proposal_id=["10452"],
        ...     calib_level=[3],
        ... )
        >>> table.colnames
        ['filters', 'obsid']
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
        timeout: float | u.Quantity | None = None,
    ) -> SkyCoord | dict[str, SkyCoord | dict[str, SkyCoord]]:
        """Return the position of an object, or of several.

        Parameters
        ----------
        object_name : str or iterable of str
            The name or names.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        resolve_all : bool, default False
            Whether to return the positions from all resolvers.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.coordinates.SkyCoord` or dict
            For one name, the position in ICRS, or with ``resolve_all`` a dictionary of resolver → position.  For an
            iterable of names, a dictionary of name → one of these; names that cannot be resolved are left out.

        Raises
        ------
        InvalidQueryError
            If no name is given, or an argument is not valid.
        ResolverError
            If no name can be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        `~astroquery.exceptions.InputWarning`
            Once, if some of several names cannot be resolved.

        Examples
        --------
        >>> from astroquery_mast import Mast
        >>> position = Mast.resolve_object("M51")
        >>> print(position.to_string("decimal", precision=3))
        202.470 47.195
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
