"""The connection of a client to MAST: session, token, HTTP, cache, column metadata and name resolution in one object.

In: a query, or a position or name as users write it.  Out: responses, tables, cones.  Each client creates one
`MastService`, and passes it, never itself, to the parts that do the work.

Column metadata come from the snapshot in the package, and from MAST if that is not sufficient.  Queries do not depend
on MAST's metadata: if they cannot be retrieved, columns have no units and descriptions, and the types that the response
declares.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import requests
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astroquery import log

from ..config import Endpoints, count_setting
from ..exceptions import InvalidArgumentError, InvalidResponseError, MastError, presentable
from ..query.request import MashupRequest, Question
from ..sky.position import Cone, as_coordinate, cone_around, looks_like_coordinates
from ..sky.radii import DEFAULT_RADIUS
from ..tables.columns import Columns, columns_of, find_name, snapshot
from ..tables.mashup import first_value
from ..tables.table import TableBuilder
from . import token as auth
from .cache import ResponseCache
from .connections import MastSession, prepare_session
from .http import AnswerPage, HttpClient, PageLimits
from .pages import get_pages
from .parallel import RunOptions, map_or_stop
from .resolver import Resolver, warn_unused_resolver
from .retrying import Deadline, as_seconds
from .token import Login

Asked: TypeAlias = dict[str, object] | list[dict[str, object]]
"""A request, or a list of those for many targets, as returned by ``get_query_payload=True``."""

# The timeout of requests for metadata, which are small (seconds).
_PATIENCE = 20.0
# The time after a failure without further requests for metadata, so that not every query waits for one (seconds).
_REST = 60.0
# The smallest fraction of the columns in the snapshot that a valid column list has.  Of the recorded lists, that of
# disk detectives has the smallest fraction, 47 %.
_KNOWN_PART = 0.25


@dataclass(frozen=True)
class CallOptions:
    """Options of a query; the fields are parameters of the query methods."""

    timeout: float | None = None
    get_query_payload: bool = False
    max_workers: int | None = None
    executor: Executor | None = None
    verbose: bool = False

    def for_run(self) -> RunOptions:
        """Return the options for many requests of one call."""
        return RunOptions(self.verbose, self.max_workers, self.executor, self.timeout)


# -- columns ---------------------------------------------------------------------------------------------------------


class NoColumnsError(InvalidResponseError):
    """Raised for a response without columns, which MAST sends for an unknown name."""


class ColumnSource(Protocol):
    """A service of MAST that returns columns, for `ColumnMetadata`."""

    def fetch(self, name: str, deadline: Deadline) -> Columns:
        """Request the columns of a service or a mission by its name."""

    def server(self, name: str) -> str:
        """Return the server to query."""


class ColumnMetadata:
    """The columns of services, from the snapshot and from MAST, kept in memory."""

    def __init__(self, source: ColumnSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        # Also by server, because the configured server may change at any time.
        self._read: dict[tuple[str, str], Columns] = {}
        self._failed: dict[tuple[str, str], float] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy without the columns that were read, which can be requested again."""
        return type(self), (self._source,)

    def columns_for(self, name: str, wanted: Iterable[str]) -> Columns:
        """Return the known columns of a name, and request the newest if a column in ``wanted`` is not among them.

        If none are known and the request fails, its error is raised: unchecked column names are not sent.
        """
        names = list(wanted)
        if not names:
            return self.known(name) or {}
        columns = self.get(name) or self.refresh(name)
        if any(find_name(each, columns) is None for each in names):
            columns = {**columns, **self.newest(name)}
        return columns

    def known(self, name: str) -> Columns | None:
        """Return the known columns of a service without a request, or None."""
        with self._lock:
            read = self._read.get(self._key(name))
        return read if read is not None else snapshot().get(name)

    def get(self, name: str) -> Columns:
        """Return the columns of a service, requested from MAST if they are not known; empty if that fails."""
        known = self.known(name)
        return self.newest(name) if known is None else known

    def newest(self, name: str, deadline: Deadline | None = None) -> Columns:
        """Return MAST's current columns, requested once per session; the known ones if that fails."""
        key = self._key(name)
        with self._lock:
            read, failed = self._read.get(key), self._failed.get(key)
        if read is not None:
            return read
        if failed is None or time.monotonic() - failed >= _REST:
            try:
                self.refresh(name, deadline)
            except MastError as err:
                log.debug("No column metadata for %s: %s", name, err)
                with self._lock:
                    self._failed[key] = time.monotonic()
        return self.known(name) or {}

    def read(self) -> dict[str, Columns]:
        """Return all columns that were requested from MAST: name → columns."""
        with self._lock:
            return {name: columns for (_, name), columns in self._read.items()}

    def forget(self) -> None:
        """Forget the columns that were read, so that they are requested again."""
        with self._lock:
            self._read.clear()
            self._failed.clear()

    def refresh(self, name: str, deadline: Deadline | None = None) -> Columns:
        """Request the columns of a service from MAST."""
        columns = self._source.fetch(name, Deadline.within(deadline).part(_PATIENCE))
        known = snapshot().get(name, {})
        # MAST's list can add to the columns of the snapshot, but not remove any.
        every = {**_described_as_before(columns, known), **{key: c for key, c in known.items() if key not in columns}}
        with self._lock:
            self._read[self._key(name)] = every
        return columns

    def _key(self, name: str) -> tuple[str, str]:
        return self._source.server(name), name


def _described_as_before(columns: Columns, known: Columns) -> Columns:
    """The columns with the descriptions of the snapshot, because stacking tables with different ones would warn."""
    return {
        name: replace(column, description=known[name].description, label=known[name].label) if name in known else column
        for name, column in columns.items()
    }


@dataclass(frozen=True)
class MashupColumns:
    """The columns of Mashup services."""

    http: HttpClient
    endpoints: Endpoints

    def server(self, name: str) -> str:
        """Return the server to query."""
        return self.endpoints.server

    def fetch(self, name: str, deadline: Deadline) -> Columns:
        """Request the columns of a service."""
        columns = self.http.request(
            "POST",
            self.endpoints.columns_config,
            data={"colConfigId": name},
            headers={"Accept": "text/plain"},
            deadline=deadline,
            service=f"columnsconfig of {name}",
            attempts=1,
            read=lambda response: columns_of(_decoded(response.content, name)),
        )
        if not columns:
            raise NoColumnsError(f"MAST has no column list named {name}.")
        return columns


def _decoded(body: bytes, config_id: str) -> Mapping[str, object]:
    """The configuration in a response; for an unknown name, MAST sends an empty one."""
    try:
        config = json.loads(body) if body.strip() else {}
    except ValueError as err:
        raise InvalidResponseError(f"The column list of {config_id} is not valid JSON.") from err
    if not config:
        return {}
    if not isinstance(config, dict):
        raise InvalidResponseError(f"The column list of {config_id} is malformed (a {type(config).__name__}).")
    _check_columns(config, config_id)
    return config


def _check_columns(config: Mapping[str, object], config_id: str) -> None:
    """Raise an error unless this is a column configuration with most of the columns in the snapshot."""
    if not all(isinstance(entry, Mapping) for entry in config.values()):
        said = ", ".join(f"{name}: {entry}" for name, entry in config.items() if isinstance(entry, str))
        raise InvalidResponseError(f"MAST returned no column list for {config_id}: {said[:200]}")
    known = snapshot().get(config_id, {})
    if len(config.keys() & known.keys()) < _KNOWN_PART * len(known):
        raise InvalidResponseError(f"The column list of {config_id} is incomplete.")


# -- one client ------------------------------------------------------------------------------------------------------


class MastService:
    """The connection of one client to MAST."""

    def __init__(
        self,
        endpoints: Endpoints,
        cache_folder: Callable[[], Path],
        credentials: auth.Credentials = auth.SHARED,
    ) -> None:
        self._session: requests.Session = MastSession()
        self.endpoints = endpoints
        self.login = Login(self.send, endpoints, credentials)
        self.cache = ResponseCache(cache_folder, self._cache_owner)
        self.http = HttpClient(self.send, endpoints, self.login.advice, cache=self.cache)
        self.columns = ColumnMetadata(MashupColumns(self.http, endpoints))
        self.resolver = Resolver(self.http, endpoints)

    @property
    def session(self) -> requests.Session:
        """The session that sends all requests."""
        return self._session

    @session.setter
    def session(self, session: requests.Session) -> None:
        self._session = prepare_session(session)

    def send(
        self, method: str, url: str, *, credentials: auth.Credentials | None = None, **keywords: Any
    ) -> requests.Response:
        """Send a request through the session, with the token if the server may receive it.

        This uses the session instead of ``BaseQuery._request``, which changes the cache setting and is not thread-safe.
        """
        own = self.login.credentials if credentials is None else credentials
        return send_with_token(self.session, own, self.endpoints, method, url, **keywords)

    def _cache_owner(self) -> str | None:
        """The owner of cached responses: empty without a token, None if the owner of the token is unknown."""
        own = self.login.credentials
        return "" if own and not own.serves(self.endpoints) else own.owner

    def deadline(self, timeout: float | u.Quantity | None) -> Deadline:
        """Start the clock of a call."""
        return Deadline.start(as_seconds(timeout))

    # -- requests and responses --------------------------------------------------------------------------------------

    def request_for(
        self, service: str, params: Mapping[str, Any], pagesize: int | None, page: int | None, **properties: Any
    ) -> MashupRequest:
        """Return a request with the configured page size."""
        breaker = properties.pop("cacheBreaker", None) or properties.pop("cachebreaker", None)
        own: dict[str, Any] = {} if breaker is None else {"cache_breaker": str(breaker)}
        return MashupRequest(
            service,
            params,
            format=properties.pop("format", None) or "json",
            page=1 if page is None else page,
            pagesize=count_setting("pagesize") if pagesize is None else pagesize,
            cache=properties.pop("cache", None),
            properties=properties,
            **own,
        )

    def pages(
        self, question: Question, *, deadline: Deadline, every_page: bool = True, divisible: bool = False
    ) -> Generator[AnswerPage]:
        """Yield the pages of a response, verified to be complete; see `~astroquery_mast.service.pages`."""
        asked = question if every_page else question.first_page()
        return get_pages(self.http, asked, PageLimits(deadline, divisible=divisible))

    def pages_of_all(self, questions: Sequence[Question], *, deadline: Deadline) -> Generator[AnswerPage]:
        """Yield the pages of several responses, requested concurrently, one response after the other."""
        if len(questions) == 1:
            yield from self.pages(questions[0], deadline=deadline)
            return

        def ask(question: Question) -> list[AnswerPage]:
            """Request the pages of one query one by one, since the queries are concurrent already."""
            return list(get_pages(self.http, question, PageLimits(deadline, workers=1)))

        with closing(map_or_stop(deadline, ask, questions, count_setting("max_workers"))) as answers:
            yield from chain.from_iterable(answers)

    def page(self, question: Question, deadline: Deadline) -> AnswerPage:
        """Return the first page of a response."""
        (answer,) = self.pages(question, deadline=deadline, every_page=False)
        return answer

    def responses(
        self, question: Question, *, deadline: Deadline, every_page: bool = True, divisible: bool = False
    ) -> list[requests.Response]:
        """Return the HTTP responses of a query, one per page, verified to be complete."""
        pages = self.pages(question, deadline=deadline, every_page=every_page, divisible=divisible)
        return [answer.response for answer in pages]

    def count(self, question: Question, deadline: Deadline) -> int:
        """Return the result of a query for a count."""
        return first_value(self.page(question, deadline).page)

    def table(
        self,
        question: Question,
        *,
        deadline: Deadline,
        every_page: bool = True,
        columns_id: str | None = None,
        columns: Columns | None = None,
    ) -> Table:
        """Return the table of a response, verified to be complete; an empty table does not warn here."""
        if columns is None:
            columns = self.columns.get(columns_id or question.service)
        builder = TableBuilder(question, columns)
        for answer in self.pages(question, deadline=deadline, every_page=every_page):
            builder.add(answer.page)
        return builder.table()

    # -- positions ---------------------------------------------------------------------------------------------------

    def locate(self, coordinates: Any, deadline: Deadline, resolver: str | None = None) -> SkyCoord:
        """Return a position; text that is not a position is resolved as the name of an object, as in astroquery."""
        if isinstance(coordinates, str) and not looks_like_coordinates(coordinates):
            return self.resolver.one(coordinates, deadline=deadline, resolver=resolver)
        if resolver is not None:
            warn_unused_resolver(resolver)
        return as_coordinate(coordinates)

    def cone(
        self, coordinates: Any, object_name: Any, radius: Any, resolver: str | None, deadline: Deadline
    ) -> Cone | None:
        """Return the cone to search, or None if no position is given."""
        refuse_two_positions(coordinates, object_name)
        if object_name is not None:
            return cone_around(self.resolver.one(object_name, resolver=resolver, deadline=deadline), radius)
        if coordinates is not None:
            return cone_around(self.locate(coordinates, deadline, resolver), radius)
        if resolver is not None:
            warn_unused_resolver(resolver)
        if radius is not DEFAULT_RADIUS:
            raise InvalidArgumentError(
                f"radius={radius!r} requires a position. Specify coordinates or object_name as well."
            )
        return None


def has_token(credentials: auth.Credentials, endpoints: Endpoints) -> bool:
    """Return whether there is a token for a server."""
    return credentials.token is not None and credentials.serves(endpoints)


def send_with_token(
    session: requests.Session,
    credentials: auth.Credentials,
    endpoints: Endpoints,
    method: str,
    url: str,
    **keywords: Any,
) -> requests.Response:
    """Send a request through a session; exceptions, the response, and the log do not contain the token."""
    token = auth.TokenAuth(credentials, endpoints) if has_token(credentials, endpoints) else _no_token
    try:
        response: requests.Response = session.request(method, url, auth=token, **keywords)
    except requests.RequestException as err:
        _strip_token(err.request)
        _strip_history(err.response)
        if isinstance(err.__context__, requests.RequestException):
            _strip_history(err.__context__.response)
        raise
    if log.isEnabledFor(logging.DEBUG):
        _log_exchange(response)
    _strip_history(response)
    return response


def _no_token(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add nothing; without this, requests would send the credentials that the user's ``.netrc`` has for the host."""
    return request


def _strip_history(response: requests.Response | None) -> None:
    """Remove the token from all requests that led to a response."""
    if response is not None:
        for each in (*response.history, response):
            _strip_token(each.request)


def _strip_token(request: requests.Request | requests.PreparedRequest | None) -> None:
    """Remove the token from a request, so that objects that refer to it can be printed or pickled."""
    if request is not None:
        request.headers.pop("Authorization", None)


def _log_exchange(response: requests.Response) -> None:
    """Log a request and its response at DEBUG level, without headers that may have secrets, and without the body."""
    for each in (*response.history, response):
        size = presentable(each.headers.get("Content-Length", "?"))
        log.debug("%s %s → %s, %s bytes", each.request.method, presentable(each.request.url), each.status_code, size)


def refuse_two_positions(coordinates: Any, object_name: Any) -> None:
    """Raise `InvalidArgumentError` if both coordinates and the name of an object are given."""
    if coordinates is not None and object_name is not None:
        raise InvalidArgumentError("Only one of object_name and coordinates may be specified.")
