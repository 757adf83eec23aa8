"""The query of a saved search: a public method of a client, with its arguments.

In: a method, such as ``Observations.query_criteria``, and its arguments; or the contents of a file.  Out: a
`QueryCall`, which can be written to a file and run.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from astropy.table import Table

from ..exceptions import InvalidArgumentError, SavedSearchError
from ..service.core import MastClass
from ..service.retrying import Deadline
from ..tables.result_table import ResultTable
from .arguments import read_argument, write_argument

_PACKAGE = __name__.partition(".")[0]
_QUERIES = "query_"
_OTHERS = frozenset({"crossmatch", "find_duplications", "get_product_list", "get_unique_product_list", "get_visits"})
_NO_TABLES = ("_async", "_count", "_iter")
# Arguments that would omit rows, which would then look deleted, or not return a current table.
_REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("limit", "page", "offset"), "with partial results, missing rows look like deleted rows"),
    **dict.fromkeys(("get_query_payload", "count_only", "job"), "there would be no table to compare"),
    "cache": "a saved search always queries MAST",
    "executor": "an executor ends with its program",
    "timeout": "it is an argument of run, peek and changes",
}
# Arguments that default to an attribute of the client.
_CHOSEN = ("mission", "collection", "catalog")
_SOON, _NO_DEADLINE = 1e-3, 1e9


@dataclass(frozen=True)
class QueryCall:
    """A method of a client with its arguments."""

    method: Callable[..., Any]
    name: str
    """The name that users write: ``Observations.query_criteria``."""
    positional: tuple[Any, ...]
    keywords: Mapping[str, Any]

    @property
    def client(self) -> Any:
        """The client of the method."""
        return getattr(self.method, "__self__", None)

    @property
    def written(self) -> dict[str, Any]:
        """The query as written to the file."""
        listed = [write_argument(f"argument {place}", value) for place, value in enumerate(self.positional, 1)]
        named = {name: write_argument(name, value) for name, value in self.keywords.items()}
        return {"call": self.name, **({"positional": listed} if listed else {}), "arguments": named}

    def table(self, deadline: Deadline) -> Table:
        """Run the query and return its current result."""
        return self._result_of(self.method, self.positional, self.keywords, deadline)

    def products(self, found: Table, deadline: Deadline) -> Table:
        """Return the products of the rows that the query found."""
        if not len(found):
            return ResultTable()
        named = {"mission": self.keywords["mission"]} if "mission" in self.keywords else {}
        return self._result_of(self.client.get_product_list, (found,), {**named, "verbose": False}, deadline)

    def _result_of(
        self, method: Callable[..., Any], positional: Sequence[Any], keywords: Mapping[str, Any], deadline: Deadline
    ) -> Table:
        """Call a method within the remaining time, for all rows and columns, without the cache."""
        known = inspect.signature(method).parameters
        own: dict[str, Any] = {"cache": False, "timeout": min(max(deadline.remaining(), _SOON), _NO_DEADLINE)}
        own |= {name: value for name, value in _EVERYTHING.items() if known.get(name, _EMPTY).default != value}
        found = method(*positional, **{**{name: value for name, value in own.items() if name in known}, **keywords})
        if not isinstance(found, Table):
            raise InvalidArgumentError(f"{self.name} returned a {type(found).__name__} instead of a table.")
        return found


_EMPTY = inspect.Parameter("_", inspect.Parameter.KEYWORD_ONLY)
# All rows, and all columns of missions: the default columns have neither versions nor processing dates.
_EVERYTHING: Mapping[str, Any] = {"limit": None, "select_cols": "*"}


def as_call(method: Any, positional: Sequence[Any], keywords: Mapping[str, Any]) -> QueryCall:
    """Return a query with its arguments, without sending it."""
    client = getattr(method, "__self__", None)
    name = _name_of(client, getattr(method, "__name__", ""))
    if name is None:
        raise InvalidArgumentError(
            f"{method!r:.80} cannot be saved. Use a query method that returns a table, such as "
            "Observations.query_criteria."
        )
    known = inspect.signature(method).parameters
    _refuse_unsaved(keywords, known)
    chosen = {each: getattr(client, each, None) for each in _CHOSEN if each in known and each not in keywords}
    complete = {**{each: value for each, value in chosen.items() if value is not None}, **keywords}
    try:
        inspect.signature(method).bind(*positional, **complete)
    except TypeError as err:
        raise InvalidArgumentError(f"{name} cannot be called like this: {err}.") from err
    return QueryCall(method, name, tuple(positional), complete)


def _refuse_unsaved(keywords: Mapping[str, Any], known: Container[str]) -> None:
    """Raise for an argument that would omit rows to compare, or whose name says that it is secret."""
    secret = next((each for each in keywords if "token" in each.lower() or "password" in each.lower()), None)
    if secret is not None:
        raise InvalidArgumentError(
            f"'{secret}' cannot be saved: saved searches do not contain passwords or tokens. Log in with the client "
            "instead."
        )
    refused = next((each for each in _REFUSED if each in known and _is_chosen(keywords.get(each))), None)
    if refused is not None:
        raise InvalidArgumentError(f"'{refused}' cannot be saved: {_REFUSED[refused]}.")


def _is_chosen(value: object) -> bool:
    """Return whether an argument has a value other than those that mean "unset"."""
    return value is not None and value is not False and not (isinstance(value, int) and value == 0)


def call_named(written: Mapping[str, Any]) -> QueryCall:
    """Return the query from its written name and arguments."""
    client_name, _, method_name = str(written.get("call")).partition(".")
    package = sys.modules.get(_PACKAGE) or import_module(_PACKAGE)
    client = getattr(package, client_name, None) if client_name in package.__all__ else None
    listed, named = written.get("positional", []), written.get("arguments", {})
    if not isinstance(listed, list) or not isinstance(named, Mapping):
        raise SavedSearchError("'positional' must be a list, and 'arguments' must have names.")
    if _name_of(client, method_name) is None:
        raise SavedSearchError(f"{written.get('call')!r} is not a query that can be saved.")
    arguments = tuple(map(read_argument, listed))
    return as_call(getattr(client, method_name), arguments, {str(key): read_argument(named[key]) for key in named})


def fingerprint(written: Mapping[str, Any]) -> str:
    """Return a checksum that identifies a search."""
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()


def _name_of(client: Any, method: str) -> str | None:
    """Return the name that users write for a method; None if it is not a query of this package."""
    kind = type(client)
    public = kind.__name__.removesuffix("Class")
    is_client = isinstance(client, MastClass) and kind.__module__.partition(".")[0] == _PACKAGE
    is_query = (method.startswith(_QUERIES) and not method.endswith(_NO_TABLES)) or method in _OTHERS
    known = is_client and is_query and hasattr(client, method) and public in sys.modules[_PACKAGE].__all__
    return f"{public}.{method}" if known else None
