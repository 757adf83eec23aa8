"""What is asked of the archive, as a value: built, looked at, sent, and asked again for the next page.

In: a service name and its parameters.  Out: a frozen `MashupRequest`, or an `ApiRequest` for the services that are not
Mashup's, which knows its payload and its encoded body.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np
from astropy import units as u

from ..exceptions import InvalidArgumentError, InvalidCriterionError

__all__ = ["COUNT_COLUMNS", "ApiRequest", "MashupRequest", "Question", "as_plain"]

# The column expression with which filtered services answer a count instead of rows.
COUNT_COLUMNS = "COUNT_BIG(*)"


def as_plain(value: object, where: str) -> object:
    """Turn a value into what JSON can carry."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return as_plain(_without_numpy(value, where), where)
    if isinstance(value, bytes):
        return _decoded(value, where)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidCriterionError(f"'{where}' is {value}, which a request cannot carry.")
        return value
    if isinstance(value, Mapping):
        return {str(key): as_plain(member, f"{where}.{key}") for key, member in value.items()}
    if isinstance(value, set | frozenset):
        return [as_plain(member, where) for member in sorted(value, key=str)]
    try:
        members = iter(value)  # type: ignore[call-overload]
    except TypeError as err:  # also of single positions and times, which claim to be iterable
        raise InvalidCriterionError(_cannot_carry(value, where)) from err
    return [as_plain(member, where) for member in members]


def _decoded(value: bytes, where: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as err:
        raise InvalidCriterionError(f"'{where}' holds bytes that are no text: {value!r}.") from err


def _without_numpy(value: np.generic | np.ndarray[Any, Any], where: str) -> object:
    """The same scalar or array in Python's own types, which may still be those that JSON does not know."""
    if np.ma.is_masked(value):
        raise InvalidCriterionError(f"'{where}' is masked: a request cannot carry a missing value.")
    if isinstance(value, u.Quantity):
        raise InvalidCriterionError(f"'{where}' has a unit, which a request cannot carry: give the bare number.")
    if value.dtype.kind in "cmM":
        raise InvalidCriterionError(_cannot_carry(value, where))
    return float(value) if isinstance(value, np.floating) else value.tolist()


def _cannot_carry(value: object, where: str) -> str:
    return f"'{where}' is a {type(value).__name__}, which a request cannot carry: give text, a number, or a list."


def _choice(name: str, value: object) -> bool | None:
    """Yes, no, or nothing said; a word such as "false" is neither."""
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    raise InvalidArgumentError(f"{name}={value!r}: True or False is needed, or None for the configuration's.")


class Question(Protocol):
    """Any request, as far as the table made from its answer tells of it."""

    @property
    def service(self) -> str:
        """What is asked."""

    def payload(self) -> dict[str, object]:
        """Return the request as a dictionary."""


@dataclass(frozen=True)
class ApiRequest:
    """One question to a service that takes JSON, or a query, and that is not Mashup's."""

    service: str
    url: str
    params: Mapping[str, object] = field(default_factory=dict)
    cache: bool | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Copy what was given, and refuse what cannot be sent."""
        plain = as_plain(self.params, "params")
        assert isinstance(plain, dict)
        object.__setattr__(self, "params", MappingProxyType(plain))
        object.__setattr__(self, "cache", _choice("cache", self.cache))

    def payload(self) -> dict[str, object]:
        """Return what is sent, as a dictionary."""
        return {name: as_plain(value, name) for name, value in self.params.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as what it is made of."""
        return type(self), (self.service, self.url, dict(self.params), self.cache)

    def body(self) -> str:
        """Return what is sent, as JSON text."""
        return json.dumps(self.payload(), allow_nan=False)


@dataclass(frozen=True)
class MashupRequest:
    """One question to the Mashup API, and a page of its answer."""

    service: str
    params: Mapping[str, object] = field(default_factory=dict)
    format: str = "json"
    page: int = 1
    pagesize: int = 50000
    # Not shown: some services are given a token as a property.
    properties: Mapping[str, object] = field(default_factory=dict, repr=False)
    cache_breaker: str = field(default_factory=lambda: str(uuid.uuid4()), compare=False)
    cache: bool | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Copy what was given, so that a later change of the caller's dictionaries changes nothing here."""
        for name in ("page", "pagesize"):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
                raise InvalidArgumentError(f"{name}={number!r}: a whole number from 1 is needed.")
            object.__setattr__(self, name, int(number))
        object.__setattr__(self, "cache", _choice("cache", self.cache))
        for name in ("params", "properties"):
            plain = as_plain(getattr(self, name), name)
            if not isinstance(plain, dict):
                raise InvalidArgumentError(f"{name}={getattr(self, name)!r}: a dictionary is needed.")
            object.__setattr__(self, name, MappingProxyType(plain))

    def payload(self) -> dict[str, object]:
        """Return the request as a dictionary, without the cache breaker that makes each sending unique."""
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

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as what it is made of: the mappings of a frozen request cannot be."""
        plain = (self.service, dict(self.params), self.format, self.page, self.pagesize)
        return type(self), (*plain, dict(self.properties), self.cache_breaker, self.cache)

    def at_page(self, page: int) -> MashupRequest:
        """Return the same question, asked for another page."""
        return replace(self, page=page)
