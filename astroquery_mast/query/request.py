"""Requests to MAST as values, which can be built, inspected, sent, and repeated for the next page.

In: the name of a service and its parameters.  Out: a frozen `MashupRequest`, or an `ApiRequest` for services that do
not belong to Mashup.  Both implement `~astroquery_mast.query.request.Question`.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self
from urllib.parse import quote

import numpy as np
from astropy import units as u

from ..config import Endpoints
from ..exceptions import InvalidArgumentError, InvalidCriterionError, InvalidResponseError
from ..tables.mashup import Completeness, Page, parse_page


@dataclass(frozen=True)
class HttpRequest:
    """One HTTP request, not sent yet."""

    url: str
    data: str
    headers: Mapping[str, str]
    method: str = "POST"


@dataclass(frozen=True)
class CacheKey:
    """The properties that identify a query in the cache, and whether to replace a cached response."""

    parts: Mapping[str, object]
    fresh: bool = False


class Question(Protocol):
    """A query to one service, for its complete response or one page."""

    @property
    def service(self) -> str:
        """The name of the service in messages."""

    @property
    def cache(self) -> bool | None:
        """Whether to cache the response; None to use the configuration."""

    @property
    def every_page(self) -> bool:
        """Whether to request all pages."""

    @property
    def row_limited(self) -> bool:
        """Whether MAST returns at most ``conf.server_row_limit`` rows in total."""

    def payload(self) -> dict[str, object]:
        """Return the request as a dictionary, for the user."""

    def http_request(self, endpoints: Endpoints) -> HttpRequest:
        """Return the HTTP request to send."""

    def read(self, body: bytes) -> Page:
        """Return the page in the body of a response."""

    def check(self, page: Page, completeness: Completeness) -> bool:
        """Count a page; return False if it is not part of the response, which then has ended."""

    def after(self, page: Page) -> Sequence[Self]:
        """Return the queries for the pages that follow a page, which may be requested concurrently."""

    def first_page(self) -> Self:
        """Return the query for this page only."""

    def cache_key(self) -> CacheKey | None:
        """Return the key of the response in the cache; None if it must not be cached."""


# The column expression for which filtered services return a count instead of rows.
COUNT_COLUMNS = "COUNT_BIG(*)"
# The formats that the package reads; csv and votable are left to the caller.
_READABLE = frozenset({"json", "extjs"})
# Columns with identifiers that are unique among the rows of a service.
_IDENTIFIERS = frozenset({"obsid", "ID", "objID", "objid", "MatchID", "source_id", "ArchiveFileID"})
# The maximum number of pages; more are an error of the server, and the queries for them would not fit into memory.
_MOST_PARTS = 100_000
# Properties that do not change the rows of a response.
_IRRELEVANT = frozenset({"timeout", "clearcache", "removecache"})
# Lists in JSON requests whose order may matter for rows or columns; other lists contain conditions or alternatives.
_ORDERED = frozenset(
    {"columns", "select_cols", "sort_by", "sort_desc", "target", "search_key", "user_fields", "dataset_ids"}
)


def as_plain(value: object, where: str) -> object:
    """Convert a value to types that JSON supports."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return as_plain(_without_numpy(value, where), where)
    if isinstance(value, bytes):
        return _decoded(value, where)
    if isinstance(value, float):
        return _finite(value, where)
    if isinstance(value, Mapping):
        return {str(key): as_plain(member, f"{where}.{key}") for key, member in value.items()}
    return [as_plain(member, where) for member in _members(value, where)]


def _members(value: object, where: str) -> Iterator[object]:
    """The members of an iterable; those of a set in sorted order."""
    if isinstance(value, set | frozenset):
        return iter(sorted(value, key=str))
    try:
        return iter(value)  # type: ignore[call-overload, no-any-return]
    except TypeError as err:  # also for scalar positions and times, which claim to be iterable
        raise InvalidCriterionError(_not_supported(value, where)) from err


def _finite(value: float, where: str) -> float:
    if not math.isfinite(value):
        raise InvalidCriterionError(f"'{where}' is {value}, which cannot be sent in a request.")
    return value


def _decoded(value: bytes, where: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as err:
        raise InvalidCriterionError(f"'{where}' has bytes that cannot be decoded as text: {value!r}.") from err


def _without_numpy(value: np.generic | np.ndarray[Any, Any], where: str) -> object:
    """The same scalar or array in Python types, which JSON may still not support."""
    if np.ma.is_masked(value):
        raise InvalidCriterionError(f"'{where}' is masked: missing values cannot be sent in a request.")
    if isinstance(value, u.Quantity):
        raise InvalidCriterionError(f"'{where}' has a unit, which cannot be sent in a request. Pass a plain number.")
    if value.dtype.kind in "cmM":
        raise InvalidCriterionError(_not_supported(value, where))
    return float(value) if isinstance(value, np.floating) else value.tolist()


def _not_supported(value: object, where: str) -> str:
    return (
        f"'{where}' is a {type(value).__name__}, which cannot be sent in a request. Use a string, a number, or a list."
    )


def _choice(name: str, value: object) -> bool | None:
    """True, False, or None; any other value, such as the word "false", raises an error."""
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    raise InvalidArgumentError(f"{name} must be True, False, or None (use the configuration), got {value!r}.")


def from_one(name: str, number: object) -> int:
    """Return a positive integer, such as a number of rows or pages; raise an error for any other value."""
    if isinstance(number, bool | np.timedelta64) or not isinstance(number, int | np.integer) or number < 1:
        raise InvalidArgumentError(f"{name} must be an integer >= 1, got {number!r}.")
    return int(number)


class _Plain(Mapping[str, object]):
    """A copy of a mapping, converted to types that JSON supports; it is not copied again."""

    def __init__(self, given: object, where: str) -> None:
        plain = as_plain(given, where)
        if not isinstance(plain, dict):
            raise InvalidArgumentError(f"{where} must be a dictionary, got {given!r}.")
        self._members = plain

    def __getitem__(self, name: str) -> object:
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return repr(self._members)


def _copied(given: object, where: str) -> _Plain:
    """A copy of a mapping, so that later changes of the caller's dictionary have no effect."""
    return given if isinstance(given, _Plain) else _Plain(given, where)


@dataclass(frozen=True)
class ApiRequest:
    """One query to a JSON service that does not belong to Mashup; its response is a single page."""

    service: str
    url: str
    params: Mapping[str, object] = field(default_factory=dict)
    cache: bool | None = field(default=None, compare=False)
    reader: Callable[[bytes, str], Page] | None = field(default=None, compare=False, repr=False)

    every_page = False
    row_limited = False

    def __post_init__(self) -> None:
        """Copy the parameters, and raise an error for values that cannot be sent."""
        object.__setattr__(self, "params", _copied(self.params, "params"))
        object.__setattr__(self, "cache", _choice("cache", self.cache))

    def payload(self) -> dict[str, object]:
        """Return the body as a dictionary."""
        return {name: as_plain(value, name) for name, value in self.params.items()}

    def body(self) -> str:
        """Return the body as JSON text."""
        return json.dumps(self.payload(), allow_nan=False)

    def http_request(self, _endpoints: Endpoints) -> HttpRequest:
        """Return the HTTP request to send."""
        return HttpRequest(self.url, self.body(), {"Content-Type": "application/json", "Accept": "application/json"})

    def read(self, body: bytes) -> Page:
        """Return the page in the body of a response."""
        assert self.reader is not None
        return self.reader(body, self.service)

    def check(self, page: Page, completeness: Completeness) -> bool:
        """Count the only page."""
        completeness.add(page)
        return True

    def after(self, _page: Page) -> Sequence[Self]:
        """Return an empty tuple, because the response is a single page."""
        return ()

    def first_page(self) -> Self:
        """Return the same query."""
        return self

    def cache_key(self, every_page: bool = False) -> CacheKey:
        """Return the cache key, which does not depend on the order of conditions and alternatives."""
        params = {
            name: sorted(map(_condition, value)) if isinstance(value, list) and name not in _ORDERED else value
            for name, value in self.params.items()
        }
        return CacheKey({"service": self.service, "params": params, "pages": every_page})


def possible_parts(numbers: range, service: str) -> range:
    """Return the numbers of the pages of a response; raise an error if there are too many."""
    if numbers[_MOST_PARTS:]:
        raise InvalidResponseError(f"{service} reported more than {_MOST_PARTS} pages.", service=service)
    return numbers


@dataclass(frozen=True)
class MashupRequest:
    """One query to the Mashup API, for the complete response or a single page."""

    service: str
    params: Mapping[str, object] = field(default_factory=dict)
    format: str = "json"
    page: int = 1
    pagesize: int = 50000
    # Not shown, because the properties of some services include a token.
    properties: Mapping[str, object] = field(default_factory=dict, repr=False)
    cache_breaker: str = field(default_factory=lambda: str(uuid.uuid4()), compare=False)
    cache: bool | None = field(default=None, compare=False)
    every_page: bool = field(default=True, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Copy the parameters, and raise an error for values that cannot be sent."""
        for name in ("page", "pagesize"):
            object.__setattr__(self, name, from_one(name, getattr(self, name)))
        object.__setattr__(self, "cache", _choice("cache", self.cache))
        for name in ("params", "properties"):
            object.__setattr__(self, name, _copied(getattr(self, name), name))

    @property
    def row_limited(self) -> bool:
        """Whether MAST returns at most ``conf.server_row_limit`` rows in total; a single page is never too large."""
        return self.every_page

    def payload(self) -> dict[str, object]:
        """Return the request as a dictionary, without the cache breaker that makes each request unique."""
        document = {
            "service": self.service,
            "params": as_plain(self.params, "params"),
            "format": self.format,
            "pagesize": self.pagesize,
            "page": self.page,
        }
        document.update({name: as_plain(value, name) for name, value in self.properties.items()})
        return document

    def body(self) -> str:
        """Return the form body to post."""
        document = {"cacheBreaker": self.cache_breaker, **self.payload()}
        return f"request={quote(json.dumps(document, allow_nan=False))}"

    def http_request(self, endpoints: Endpoints) -> HttpRequest:
        """Return the HTTP request to send."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/plain"}
        return HttpRequest(endpoints.invoke, self.body(), headers)

    def read(self, body: bytes) -> Page:
        """Return the page in the body of a response; formats other than JSON are left to the caller."""
        if self.format.lower() not in _READABLE:
            return Page(self.service, "COMPLETE")
        return parse_page(200, {}, body, self.service)

    def check(self, page: Page, completeness: Completeness) -> bool:
        """Count a page; a page without columns is the result of an action, such as staging files, and is not cached."""
        completeness.add(page, self.page)
        if page.paging is None and self.every_page and len(page.rows) == self.pagesize:
            completeness.doubt = f"{self.service} returned a full page of {self.pagesize} rows. There may be more."
        if page.has_others and not _IDENTIFIERS.isdisjoint(name for name, _ in page.fields):
            completeness.compare(page)
        completeness.proven = completeness.proven and bool(page.fields)
        return True

    def after(self, page: Page) -> list[Self]:
        """Return the queries for all other pages, whose number is in the first page."""
        if not self.every_page or page.paging is None:
            return []
        numbers = range(self.page + 1, page.paging.pages + 1)
        return [self.at_page(number) for number in possible_parts(numbers, self.service)]

    def at_page(self, page: int) -> Self:
        """Return the same query for a single page."""
        return replace(self, page=page, every_page=False)

    def first_page(self) -> Self:
        """Return the query for this page only."""
        return replace(self, every_page=False)

    def cache_key(self) -> CacheKey | None:
        """Return the cache key, which does not depend on the order of filters and their values."""
        if self.format.lower() not in _READABLE:
            return None
        parts = {
            "service": self.service.lower(),
            "params": _filters_in_order(self.params),
            "format": self.format.lower(),
            "pages": [self.pagesize, self.page, self.every_page],
            "properties": {name: value for name, value in self.properties.items() if name not in _IRRELEVANT},
        }
        return CacheKey(parts, fresh=str(self.properties.get("clearcache", "")).lower() in {"true", "1"})


def _filters_in_order(params: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a service, independent of the order of filters and their values, and of the case of names."""
    filters = params.get("filters")
    if not isinstance(filters, list):
        return dict(params)
    return {**params, "filters": sorted(map(_filter, filters))}


def _filter(given: object) -> str:
    """A filter as text, with sorted values and the column in lower case; any other value unchanged."""
    if not isinstance(given, Mapping):
        return _text(given)
    name, values = str(given.get("paramName", "")).lower(), given.get("values")
    listed = sorted(map(_text, values)) if isinstance(values, list) else values
    return _text({**given, "paramName": name, "values": listed})


def _condition(condition: object) -> str:
    """A condition of a mission search as text, with its comma-separated alternatives sorted; other values unchanged."""
    if not isinstance(condition, Mapping):
        return _text(condition)
    return _text(
        {name: sorted(value.split(",")) if isinstance(value, str) else value for name, value in condition.items()}
    )


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)
