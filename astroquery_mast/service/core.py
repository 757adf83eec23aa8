"""`MastClass`: the session, the login, and any service of the Mashup API by name.

The only module that touches `astroquery.query.BaseQuery`, from which it takes the session, the user agent and the
conventions; everything else of the flow is put together here from the modules below it.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

import requests
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.utils.decorators import deprecated_renamed_argument
from astroquery import log
from astroquery.query import BaseQuery
from requests.adapters import HTTPAdapter

from ..config import Endpoints, count_setting
from ..exceptions import InvalidQueryError
from ..query.mashup import split_parameters
from ..query.request import MashupRequest
from ..sky.position import as_coordinate, looks_like_coordinates
from ..tables.columns import Columns
from ..tables.table import TableBuilder
from ..warn import warn_no_results
from . import token as auth
from .cache import AnswerCache, CachingClient
from .columns import ColumnMetadata
from .deadline import Deadline, as_seconds
from .http import AnswerPage
from .large import CountedPage, LargeAnswer, PageLimits
from .login import Login
from .login_methods import LoginMethods
from .names import as_text
from .resolver import Resolver, warn_unused_resolver

__all__ = ["Mast", "MastClass"]

# Connections kept open to one host: enough for several calls at once, each with its own side-by-side pages.
_POOL = 32


class MastClass(LoginMethods, BaseQuery):  # type: ignore[misc, unused-ignore]
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

    _session: requests.Session
    # What turns the configuration into addresses; in `compat` they can be assigned, too.
    _endpoints_class: type[Endpoints] = Endpoints

    def __init__(
        self, mast_token: str | None = None, *, server: str | None = None, session: requests.Session | None = None
    ) -> None:
        super().__init__()
        if session is None:
            for scheme in ("https://", "http://"):
                self._session.mount(scheme, HTTPAdapter(pool_maxsize=_POOL))
        else:
            self._session = session
        self._endpoints = self._endpoints_class(server)
        own = auth.SHARED if mast_token is None else auth.Credentials()
        self._user = Login(self._send, self._endpoints, own)
        self._answers = AnswerCache(self._answer_folder, self._endpoints, self._answer_owner)
        self._wire = CachingClient(self._send, self._endpoints, self._user.advice, self._answers)
        self._columns = ColumnMetadata(self._wire, self._endpoints)
        self._resolver = Resolver(self._wire, self._endpoints)
        if mast_token is not None:
            self.login(mast_token)

    def __repr__(self) -> str:
        """Name the class and the server."""
        return f"<{type(self).__name__} at {self._endpoints.server}>"

    # -- the network ---------------------------------------------------------------------------------------------

    def _send(
        self, method: str, url: str, *, credentials: auth.Credentials | None = None, **keywords: Any
    ) -> requests.Response:
        """Send through the session, with the token where it may be seen.

        The session is used directly and not through ``BaseQuery._request``, whose switching of the cache setting is
        not safe in threads.
        """
        own = self._user.credentials if credentials is None else credentials
        token = auth.TokenAuth(own, self._endpoints)
        try:
            response: requests.Response = self._session.request(method, url, auth=token, **keywords)
        except requests.RequestException as err:
            if err.request is not None:
                err.request.headers.pop("Authorization", None)
            raise
        return auth.strip_token(response)

    def _answer_folder(self) -> Path:
        """Where answers are kept: astroquery's place for it."""
        return Path(self.cache_location)

    def _answer_owner(self) -> str | None:
        """For whom."""
        return self._user.credentials.owner

    def clear_cache(self) -> None:
        """Remove all answers of this class that were kept on disk.

        Raises
        ------
        InvalidQueryError
            If ``cache_location`` is no folder, or its files cannot be removed.
        """
        try:
            super().clear_cache()
            self._answers.clear()
        except OSError as err:
            raise InvalidQueryError(f"The kept answers cannot be removed: {err}") from err

    def _response_hook(self, response: requests.Response, *_args: Any, **_keywords: Any) -> None:
        """Log an exchange at DEBUG level, without headers that hold secrets and without decoding the body."""
        if log.isEnabledFor(logging.DEBUG):
            request = response.request
            size = response.headers.get("Content-Length", "?")
            log.debug("%s %s → %s, %s bytes", request.method, request.url, response.status_code, size)

    def _deadline(self, timeout: float | u.Quantity | None) -> Deadline:
        """Start the clock of a call."""
        return Deadline.start(as_seconds(timeout))

    # -- questions and answers -----------------------------------------------------------------------------------

    def _request_for(
        self, service: str, params: Mapping[str, Any], pagesize: int | None, page: int | None, **properties: Any
    ) -> MashupRequest:
        """Make a request with the configured page size."""
        asked: dict[str, Any] = {"format": properties.pop("format", None) or "json"}
        breaker = properties.pop("cacheBreaker", None) or properties.pop("cachebreaker", None)
        if breaker is not None:
            asked["cache_breaker"] = str(breaker)
        if (cache := properties.pop("cache", None)) is not None:
            asked["cache"] = cache
        size = count_setting("pagesize") if pagesize is None else pagesize
        first = 1 if page is None else page
        return MashupRequest(service, params, pagesize=size, page=first, properties=properties, **asked)

    def _sent(self, request: MashupRequest, pace: PageLimits, *, divisible: bool = False) -> Generator[CountedPage]:
        """The pages of an answer, however large it is; see `LargeAnswer.pages`."""
        return cast("Generator[CountedPage]", LargeAnswer(self._wire).pages(request, pace, divisible=divisible))

    def _whole_answer(
        self, request: MashupRequest, *, deadline: Deadline, every_page: bool = True, divisible: bool = False
    ) -> Iterator[AnswerPage]:
        """Give the pages of an answer, proven complete; one that is too large is asked for in parts, if it has any."""
        if not every_page:
            yield from self._wire.pages(request, deadline=deadline, every_page=False)
            return
        with closing(self._sent(request, PageLimits(deadline), divisible=divisible)) as stream:
            # No page is held here once it has been used: it may be tens of megabytes.
            yield from map(attrgetter("exchange"), stream)

    def _responses(
        self, request: MashupRequest, *, deadline: Deadline, every_page: bool = True, divisible: bool = False
    ) -> list[requests.Response]:
        """Return the responses that hold the answer, one per page, proven complete."""
        exchanges = self._whole_answer(request, deadline=deadline, every_page=every_page, divisible=divisible)
        return [exchange.response for exchange in exchanges]

    def _collect(
        self,
        request: MashupRequest,
        *,
        deadline: Deadline,
        every_page: bool = True,
        columns_id: str | None = None,
        columns: Columns | None = None,
    ) -> Table:
        """Return the table of an answer, proven complete; no rows are no reason for a warning here."""
        if columns is None:
            columns = self._columns.get(columns_id or request.service)
        builder = TableBuilder(request, columns)
        for exchange in self._whole_answer(request, deadline=deadline, every_page=every_page):
            builder.add(exchange.page)
        return builder.table()

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
            https://mast.stsci.edu/api/v0/class_mashup_1_1_mashup_request.html.  ``cache`` says whether an answer that
            was kept on disk will do, ``conf.cache`` if not given; it is not sent.

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
        request = self._request_for(service, params, pagesize, page, **kwargs)
        if get_query_payload:
            return request.payload()
        if request.format.lower() not in {"json", "extjs"}:
            raise InvalidQueryError(f"format={request.format!r} is not read into a table: use service_request_async.")
        table = self._collect(request, deadline=self._deadline(None), every_page=page is None)
        if not len(table):
            warn_no_results()
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
        request = self._request_for(service, params, pagesize, page, **kwargs)
        return self._responses(request, deadline=self._deadline(None), every_page=page is None)

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
        params, properties = split_parameters(service, columns, kwargs)
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
        deadline = self._deadline(timeout)
        name = as_text(object_name)
        if not isinstance(name, str):
            return self._resolver.many(object_name, deadline=deadline, resolver=resolver, resolve_all=resolve_all)
        if not resolve_all:
            return self._resolver.one(name, deadline=deadline, resolver=resolver)
        if resolver is None:
            return self._resolver.all_of_one(name, deadline=deadline)
        return self._resolver.many([name], deadline=deadline, resolver=resolver, resolve_all=True)[name]

    def _located(self, coordinates: Any, deadline: Deadline, resolver: str | None = None) -> SkyCoord:
        """Return a position; text that is none is taken for the name of an object, as astroquery does."""
        if isinstance(coordinates, str) and not looks_like_coordinates(coordinates):
            return self._resolver.one(coordinates, deadline=deadline, resolver=resolver)
        warn_unused_resolver(resolver)
        return as_coordinate(coordinates)


Mast = MastClass()
