"""What all clients use to talk to MAST: session, token, HTTP, cache, column metadata and names, in one object.

In: a question, a position or a name as users write it.  Out: responses, tables, cones.  A client makes one
`MastService`; the parts of the client that do the work are given it, and never the client itself.

The metadata of columns come from the package's snapshot first, and from MAST when that is not enough.  A query never
depends on the archive's: if they cannot be had, columns have no units and descriptions, and types are those that the
answer itself declares.
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
from .cache import AnswerCache
from .connections import MastSession, prepare_session
from .http import AnswerPage, HttpClient, PageLimits
from .pages import get_pages
from .parallel import RunOptions, map_or_stop
from .resolver import Resolver, warn_unused_resolver
from .retrying import Deadline, as_seconds
from .token import Login

Asked: TypeAlias = dict[str, object] | list[dict[str, object]]
"""A request, or those for many targets: what ``get_query_payload=True`` returns."""

# Metadata are small and never worth waiting for longer.
_PATIENCE = 20.0
# After a failure the archive is left alone for this long, so that not every query waits for another failure.
_REST = 60.0
# Of the columns that the package knows at least this part must be in a list that is to be believed: of those recorded
# the one with the least, of disk detectives, has 47 %.
_KNOWN_PART = 0.25


@dataclass(frozen=True)
class CallOptions:
    """How a query method does its work; the fields are parameters of the query methods."""

    timeout: float | None = None
    get_query_payload: bool = False
    max_workers: int | None = None
    executor: Executor | None = None
    verbose: bool = False

    def for_run(self) -> RunOptions:
        """Return what there is to say about many requests of one call."""
        return RunOptions(self.verbose, self.max_workers, self.executor, self.timeout)


# -- columns ---------------------------------------------------------------------------------------------------------


class NoColumnsError(InvalidResponseError):
    """An answer without columns: what the archive sends for a name that it does not know."""


class ColumnSource(Protocol):
    """Asks one of the archive's services for columns; `ColumnMetadata` does the rest."""

    def fetch(self, name: str, deadline: Deadline) -> Columns:
        """Ask for the columns that have a name, such as that of a service or a mission."""

    def server(self, name: str) -> str:
        """Return the server that is asked."""


class ColumnMetadata:
    """Gives the columns of services, and remembers what the archive said."""

    def __init__(self, source: ColumnSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        # By server, too, because the configuration may be pointed elsewhere at any time.
        self._read: dict[tuple[str, str], Columns] = {}
        self._failed: dict[tuple[str, str], float] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy without what was read, which can be read again."""
        return type(self), (self._source,)

    def columns_for(self, name: str, wanted: Iterable[str]) -> Columns:
        """Return the columns that are known under a name, and the newest if one that is wanted is not among them.

        If nothing is known and the archive cannot say, the reason is raised: names that nobody can check are not sent.
        """
        names = list(wanted)
        if not names:
            return self.known(name) or {}
        columns = self.get(name) or self.refresh(name)
        if any(find_name(each, columns) is None for each in names):
            columns = {**columns, **self.newest(name)}
        return columns

    def known(self, name: str) -> Columns | None:
        """Return what is known of a service's columns without asking, or None."""
        with self._lock:
            read = self._read.get(self._key(name))
        return read if read is not None else snapshot().get(name)

    def get(self, name: str) -> Columns:
        """Return the columns of a service, asking the archive if they are not known; empty if it cannot say."""
        known = self.known(name)
        return self.newest(name) if known is None else known

    def newest(self, name: str, deadline: Deadline | None = None) -> Columns:
        """Return the columns as the archive has them now, asking once in a session; those known if it cannot say."""
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
        """Return what the archive was asked for: its name of the columns → columns."""
        with self._lock:
            return {name: columns for (_, name), columns in self._read.items()}

    def forget(self) -> None:
        """Forget what was read, so that it is asked for anew."""
        with self._lock:
            self._read.clear()
            self._failed.clear()

    def refresh(self, name: str, deadline: Deadline | None = None) -> Columns:
        """Ask the archive for the columns of a service."""
        columns = self._source.fetch(name, Deadline.within(deadline).part(_PATIENCE))
        known = snapshot().get(name, {})
        # What the package knows stays known: the archive's list may add to it, and never take from it.
        every = {**_described_as_before(columns, known), **{key: c for key, c in known.items() if key not in columns}}
        with self._lock:
            self._read[self._key(name)] = every
        return columns

    def _key(self, name: str) -> tuple[str, str]:
        return self._source.server(name), name


def _described_as_before(columns: Columns, known: Columns) -> Columns:
    """The columns with the descriptions that tables have had so far: with others they would not stack quietly."""
    return {
        name: replace(column, description=known[name].description, label=known[name].label) if name in known else column
        for name, column in columns.items()
    }


@dataclass(frozen=True)
class MashupColumns:
    """The columns of Mashup's services."""

    http: HttpClient
    endpoints: Endpoints

    def server(self, name: str) -> str:
        """Return the server that is asked."""
        return self.endpoints.server

    def fetch(self, name: str, deadline: Deadline) -> Columns:
        """Ask for the columns of a service."""
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
    """The configuration in an answer; for a name that it does not know the archive sends an empty one."""
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
    """Raise unless this is a configuration of columns, and of those that the package knows by that name."""
    if not all(isinstance(entry, Mapping) for entry in config.values()):
        said = ", ".join(f"{name}: {entry}" for name, entry in config.items() if isinstance(entry, str))
        raise InvalidResponseError(f"MAST returned no column list for {config_id}: {said[:200]}")
    known = snapshot().get(config_id, {})
    if len(config.keys() & known.keys()) < _KNOWN_PART * len(known):
        raise InvalidResponseError(f"The column list of {config_id} is incomplete.")


# -- one client ------------------------------------------------------------------------------------------------------


class MastService:
    """The conversation of one client with MAST."""

    def __init__(
        self,
        endpoints: Endpoints,
        cache_folder: Callable[[], Path],
        credentials: auth.Credentials = auth.SHARED,
    ) -> None:
        self._session: requests.Session = MastSession()
        self.endpoints = endpoints
        self.login = Login(self.send, endpoints, credentials)
        self.cache = AnswerCache(cache_folder, self._cache_owner)
        self.http = HttpClient(self.send, endpoints, self.login.advice, cache=self.cache)
        self.columns = ColumnMetadata(MashupColumns(self.http, endpoints))
        self.resolver = Resolver(self.http, endpoints)

    @property
    def session(self) -> requests.Session:
        """The session through which everything is sent."""
        return self._session

    @session.setter
    def session(self, session: requests.Session) -> None:
        self._session = prepare_session(session)

    def send(
        self, method: str, url: str, *, credentials: auth.Credentials | None = None, **keywords: Any
    ) -> requests.Response:
        """Send through the session, with the token where it may be seen.

        The session is used directly and not through ``BaseQuery._request``, whose switching of the cache setting is
        not safe in threads.
        """
        own = self.login.credentials if credentials is None else credentials
        return send_with_token(self.session, own, self.endpoints, method, url, **keywords)

    def _cache_owner(self) -> str | None:
        """For whom answers are cached."""
        own = self.login.credentials
        return "" if own and not own.serves(self.endpoints) else own.owner

    def deadline(self, timeout: float | u.Quantity | None) -> Deadline:
        """Start the clock of a call."""
        return Deadline.start(as_seconds(timeout))

    # -- requests and responses --------------------------------------------------------------------------------------

    def request_for(
        self, service: str, params: Mapping[str, Any], pagesize: int | None, page: int | None, **properties: Any
    ) -> MashupRequest:
        """Make a request with the configured page size."""
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
        """Give the pages of an answer, proven complete; see `~astroquery_mast.service.pages`."""
        asked = question if every_page else question.first_page()
        return get_pages(self.http, asked, PageLimits(deadline, divisible=divisible))

    def pages_of_all(self, questions: Sequence[Question], *, deadline: Deadline) -> Generator[AnswerPage]:
        """Give the pages of several answers, asked for side by side, one answer after the other."""
        if len(questions) == 1:
            yield from self.pages(questions[0], deadline=deadline)
            return

        def ask(question: Question) -> list[AnswerPage]:
            """Ask one question, page by page: the questions are side by side already."""
            return list(get_pages(self.http, question, PageLimits(deadline, workers=1)))

        with closing(map_or_stop(deadline, ask, questions, count_setting("max_workers"))) as answers:
            yield from chain.from_iterable(answers)

    def page(self, question: Question, deadline: Deadline) -> AnswerPage:
        """Return the first page of an answer."""
        (answer,) = self.pages(question, deadline=deadline, every_page=False)
        return answer

    def responses(
        self, question: Question, *, deadline: Deadline, every_page: bool = True, divisible: bool = False
    ) -> list[requests.Response]:
        """Return the responses that hold the answer, one per page, proven complete."""
        pages = self.pages(question, deadline=deadline, every_page=every_page, divisible=divisible)
        return [answer.response for answer in pages]

    def count(self, question: Question, deadline: Deadline) -> int:
        """Return the number that is the answer to a question for a count."""
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
        """Return the table of an answer, proven complete; no rows are no reason for a warning here."""
        if columns is None:
            columns = self.columns.get(columns_id or question.service)
        builder = TableBuilder(question, columns)
        for answer in self.pages(question, deadline=deadline, every_page=every_page):
            builder.add(answer.page)
        return builder.table()

    # -- positions ---------------------------------------------------------------------------------------------------

    def locate(self, coordinates: Any, deadline: Deadline, resolver: str | None = None) -> SkyCoord:
        """Return a position; text that is none is taken for the name of an object, as astroquery does."""
        if isinstance(coordinates, str) and not looks_like_coordinates(coordinates):
            return self.resolver.one(coordinates, deadline=deadline, resolver=resolver)
        if resolver is not None:
            warn_unused_resolver(resolver)
        return as_coordinate(coordinates)

    def cone(
        self, coordinates: Any, object_name: Any, radius: Any, resolver: str | None, deadline: Deadline
    ) -> Cone | None:
        """Return the cone to look in, or None if no position is given."""
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
    """Tell whether there is a token for a server."""
    return credentials.token is not None and credentials.serves(endpoints)


def send_with_token(
    session: requests.Session,
    credentials: auth.Credentials,
    endpoints: Endpoints,
    method: str,
    url: str,
    **keywords: Any,
) -> requests.Response:
    """Send through a session; the token is neither in what is raised, nor in the response, nor in what is logged."""
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
    """Add nothing; without this, requests would send what the user's ``.netrc`` has for the host."""
    return request


def _strip_history(response: requests.Response | None) -> None:
    """Take the token out of all requests that have led to a response."""
    if response is not None:
        for each in (*response.history, response):
            _strip_token(each.request)


def _strip_token(request: requests.Request | requests.PreparedRequest | None) -> None:
    """Take the token out of a request, so that what remembers it can be printed or pickled."""
    if request is not None:
        request.headers.pop("Authorization", None)


def _log_exchange(response: requests.Response) -> None:
    """Log an exchange at DEBUG level, without headers that hold secrets and without decoding the body."""
    for each in (*response.history, response):
        size = presentable(each.headers.get("Content-Length", "?"))
        log.debug("%s %s → %s, %s bytes", each.request.method, presentable(each.request.url), each.status_code, size)


def refuse_two_positions(coordinates: Any, object_name: Any) -> None:
    """Raise `InvalidQueryError` if both coordinates and the name of an object are given."""
    if coordinates is not None and object_name is not None:
        raise InvalidArgumentError("Only one of object_name and coordinates may be specified.")
