"""Read Mashup responses, and verify that the pages of a response are complete.

In: HTTP status, headers and body.  Out: a frozen `Page` of rows or an exception, and `Completeness`, which counts rows.
This module does not use the network, so that tests can try all kinds of broken responses.
"""

from __future__ import annotations

import html
import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from ..exceptions import (
    AccessDeniedError,
    BadRequestError,
    IncompleteResultError,
    InvalidResponseError,
    MastError,
    NetworkError,
    ResponseTooLargeError,
    ServerError,
)
from .rows import Rows, decoded_with_rows

T = TypeVar("T")

# Exceptions of code that reads unexpected data.
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
# Phrases in ERROR messages that mean that the user has no access to the data.
_DENIED = ("must be logged in", "not authorized", "not authorised", "unauthorized", "access denied")
_EXCERPT = 500
# The number of bytes of a response that are searched for the error message.
_SEARCHED = 65_536
# The error message in a VOTable.
_VOTABLE_ERROR = re.compile(r"<INFO\b[^>]*\bQUERY_STATUS\b[^>]*>(.*?)</INFO\s*>", re.DOTALL | re.IGNORECASE)
# Names of JSON members that may contain an error message.
_MESSAGES = ("msg", "message", "detail", "error", "description")
# The services with an empty status, which omit the list of rows if it is empty.
_NAMES = "Mast.Name."
_ASK_AGAIN = "Try again. If the error persists, narrow the query or split it."


@contextmanager
def reading(what: str, *passing: type[Exception]) -> Iterator[None]:
    """Convert exceptions that a response causes to errors of this package, in case the readers miss a check."""
    try:
        yield
    except MastError:
        raise
    except passing:
        raise
    except MemoryError as err:
        raise ResponseTooLargeError(f"The response of {what} does not fit into memory.", service=what) from err
    except _UNREADABLE as err:
        raise InvalidResponseError(
            f"{what} returned a response that cannot be read ({type(err).__name__}: {err}).", service=what
        ) from err


@dataclass(frozen=True)
class Paging:
    """The number of a page and the total numbers of a response, named as in MAST's ``paging`` object."""

    page: int
    pages: int
    rows: int
    total: int


@dataclass(frozen=True)
class Page:
    """One page of a response."""

    service: str
    status: str
    fields: tuple[tuple[str, str], ...] = ()
    rows: Sequence[Mapping[str, Any]] = ()
    paging: Paging | None = None
    document: Mapping[str, Any] | None = None
    time: str | None = None

    @property
    def executing(self) -> bool:
        """Whether MAST is still working on the response."""
        return self.status == "EXECUTING"

    @property
    def total(self) -> int:
        """The total number of rows of the response, or of this page if MAST does not specify it."""
        return len(self.rows) if self.paging is None else self.paging.total

    @property
    def has_others(self) -> bool:
        """Whether the response has other pages."""
        return self.paging is not None and self.paging.pages > 1


class Completeness:
    """Counts the rows of the pages of a response, and verifies that they are complete.

    Pages are either numbered, or slices of the rows, with an offset and a size.
    """

    def __init__(self, service: str, announced: int | None = None) -> None:
        self.service = service
        self.announced = announced
        self.rows = 0
        # A reason to suspect more rows, although none is known to be missing; and whether completeness is certain.
        self.doubt = ""
        self.proven = True
        self._skipped: int | None = None
        self._seen: set[int] = set()

    def add(self, page: Page, number: int | None = None) -> None:
        """Count the rows of a page, and check its number."""
        self.rows += len(page.rows)
        if page.paging is None:
            return
        # The paging of an empty response may contain only zeros.
        if number is not None and page.paging.page not in {number, 0}:
            raise self.incomplete(f"requested page {number}, got page {page.paging.page}")
        if self.announced not in {None, page.paging.total}:
            raise self.incomplete(
                f"the number of rows changed from {self.announced} to {page.paging.total} between pages"
            )
        self.announced = page.paging.total

    def add_slice(self, page: Page, skipped: int, most: int, *, alone: bool) -> None:
        """Count a page with up to ``most`` rows after the first ``skipped``; ``alone`` if it is the only page."""
        if page.paging is not None:
            due = min(most, max(0, page.paging.total - skipped))
            if len(page.rows) < due:
                raise self._short(due, skipped, len(page.rows))
        if self._skipped is None:
            self._skipped = skipped
        self.add(page)
        if not alone:
            self.compare(
                page, "Rows with equal values in all requested columns have the same effect: request more columns."
            )

    def close(self) -> None:
        """Verify that all announced rows were received."""
        if self.announced is None:
            return
        if self._skipped is None:
            if self.announced != self.rows:
                raise self.incomplete(f"{self.announced} rows were announced and {self.rows} received")
        elif self.rows < self.announced - self._skipped:
            raise self._short(self.announced - self._skipped, self._skipped, self.rows)

    def incomplete(self, what: str, advice: str = _ASK_AGAIN) -> IncompleteResultError:
        """Return the error for an incomplete response."""
        return IncompleteResultError(
            f"The response of {self.service} is incomplete: {what}. {advice}", service=self.service
        )

    def _short(self, due: int, skipped: int, received: int) -> IncompleteResultError:
        """The error for missing rows."""
        return self.incomplete(f"{due} rows were expected after row {skipped}, got {received}")

    def compare(self, page: Page, advice: str = _ASK_AGAIN) -> None:
        """Raise an error if a row was also on an earlier page."""
        rows = page.rows
        # For rows that are not decoded yet, comparing their text is sufficient and fast.
        marks = set(map(hash, map(bytes, rows.raw))) if isinstance(rows, Rows) else set(map(_mark, rows))
        if not marks.isdisjoint(self._seen):
            raise self.incomplete("a row is on two pages, so another row may be missing", advice)
        self._seen |= marks


def _mark(row: Mapping[str, Any]) -> int:
    """A hash that identifies a row."""
    try:
        return hash(frozenset(row.items()))
    except TypeError:  # a cell that is a list
        return hash(json.dumps(row, sort_keys=True))


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds in the ``Retry-After`` header, or None."""
    text = (headers.get("Retry-After") or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        moment = http_date(text)
        return None if moment is None else max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
    return max(0.0, seconds) if math.isfinite(seconds) else None


def http_date(text: str) -> datetime | None:
    """Return the date in an HTTP header; None if it cannot be read."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


PROXY_LOGIN = "The proxy requires a login: set HTTPS_PROXY (HTTP_PROXY for http://) to http://user:password@host:port."


def check_status(status: int, headers: Mapping[str, str], body: bytes, service: str) -> None:
    """Raise the error for an HTTP status of 400 or above."""
    if status < 400:
        return
    said = _server_words(headers, body)
    if status in {401, 403}:
        raise AccessDeniedError(f"{service} refused access (HTTP {status}){said}", service=service, status=status)
    if status in {408, 425, 429} or status >= 500:
        raise ServerError(
            f"{service} failed (HTTP {status}){said}",
            service=service,
            status=status,
            retry_after=retry_after_seconds(headers),
        )
    if status == 407:
        raise NetworkError(f"The request to {service} was not sent. {PROXY_LOGIN}", service=service, status=status)
    raise BadRequestError(f"{service} refused the request (HTTP {status}){said}", service=service, status=status)


def _server_words(headers: Mapping[str, str], body: bytes) -> str:
    """The error message of the server as the end of a sentence, in one line; nothing for a page of HTML."""
    if "html" in (headers.get("Content-Type") or "").lower():
        return "."
    text = " ".join(message_in(body[:_SEARCHED].decode("utf-8", "replace")).split())
    words = text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"
    return f": {words.rstrip('.')}." if words else "."


def message_in(text: str) -> str:
    """Return the error message in a JSON object or a VOTable; any other text unchanged."""
    found = map(_sentence, map(json_object(text).get, _MESSAGES))
    sentence = next(filter(None, found), "")
    if not sentence and (told := _VOTABLE_ERROR.search(text)):
        sentence = html.unescape(told[1]).strip()
    return sentence or text


def _sentence(given: object) -> str:
    """The error message in a JSON member, which may be text or a list of parameters and their errors."""
    if isinstance(given, list):
        faults = [each for each in given if isinstance(each, dict) and "msg" in each]
        return "; ".join(f"{'.'.join(map(str, each.get('loc') or ()))}: {each['msg']}" for each in faults)
    return given if isinstance(given, str) and given.strip() else ""


def json_object(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object in a text; an empty one if the text is something else."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def parse_page(status: int, headers: Mapping[str, str], body: bytes, service: str, *, partial: bool = False) -> Page:
    """Return the page in a Mashup response, with ``partial`` also the rows of an unfinished one."""
    check_status(status, headers, body, service)
    document = decoded_with_rows(body, service, status)
    if not isinstance(document, dict):
        raise InvalidResponseError(
            f"{service} returned a {type(document).__name__} instead of an object.", service=service
        )
    return _page_of(document, service, partial=partial)


def _page_of(document: dict[str, Any], service: str, *, partial: bool = False) -> Page:
    """The page in a decoded response."""
    state = str(document.get("status") or "COMPLETE").upper()
    if state == "ERROR":
        raise _failure(document, service)
    if state == "EXECUTING" and not (partial and document.get("fields")):
        return Page(service, state)
    data = document.get("data")
    return _extjs_page(document, data, service) if isinstance(data, dict) else _page_of_rows(document, state, service)


def _page_of_rows(document: dict[str, Any], state: str, service: str) -> Page:
    """A page in the ``json`` format, whose rows are objects."""
    given = _given_rows(document, service)
    rows: Sequence[Any] = [] if given is None else given
    paging = _paging(document.get("paging"), len(rows), service)
    if given is None:
        _check_without_rows(document, paging, service)
    fields = fields_of(document.get("fields"), rows, service)
    if not (fields or rows):
        _check_without_columns(document, service)
    _check_count(paging, len(rows), service)
    if isinstance(rows, Rows):
        # Remove the rows from the document, so that their text is freed with the page.
        document = {name: value for name, value in document.items() if name != "data"}
    return Page(service, state, fields, rows, paging, document)


def _given_rows(document: Mapping[str, Any], service: str) -> Sequence[Any] | None:
    """The rows in a response; None if it has no list of rows."""
    data = document.get("data")
    if data is None:
        data = document.get("resolvedCoordinate")  # name resolution has its own name for the rows
    if isinstance(data, Rows):
        return data
    if not isinstance(data, list):
        return None
    if not all(isinstance(row, dict) for row in data):
        raise InvalidResponseError(f"{service} returned rows that are not objects.", service=service)
    return data


def _check_without_rows(document: Mapping[str, Any], paging: Paging | None, service: str) -> None:
    """Raise an error for columns without rows, unless the paging shows that the response is empty."""
    if "fields" in document and (document.get("data") is not None or paging is None):
        raise InvalidResponseError(f"{service} returned columns, but no list of rows.", service=service)


def _check_without_columns(document: Mapping[str, Any], service: str) -> None:
    """Raise an error for a response without status, columns and rows, which is not a valid empty response."""
    if not (document.get("status") or service.startswith(_NAMES)):
        raise InvalidResponseError(f"{service} returned neither a status nor columns nor rows.", service=service)


def _check_count(paging: Paging | None, received: int, service: str) -> None:
    """Raise an error unless the page has as many rows as it announces."""
    if paging is not None and paging.rows != received:
        raise IncompleteResultError(
            f"{service} announced {paging.rows} rows on page {paging.page}, but returned {received}.", service=service
        )


def _failure(document: Mapping[str, Any], service: str) -> MastError:
    """The exception for a response with the status ERROR, with MAST's message."""
    words = str(document.get("msg") or "no reason given").strip()
    kind = AccessDeniedError if any(word in words.lower() for word in _DENIED) else ServerError
    return kind(f"{service} reported an error: {words}", service=service, status=200)


def fields_of(declared: object, rows: Sequence[Mapping[str, Any]], service: str) -> tuple[tuple[str, str], ...]:
    """Return the names and types of the declared columns, or the names in the rows if none are declared."""
    if declared is None:
        names = dict.fromkeys(name for row in rows for name in row)
        return tuple((name, "") for name in names)
    first: dict[str, str] = {}
    for name, type_name, _ in declared_columns(declared, service):
        first.setdefault(name, type_name)
    return tuple(first.items())


def declared_columns(declared: object, service: str) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return the name, the type, and the complete entry of each column that a response declares."""
    try:
        return [(*_name_and_type(entry), entry) for entry in declared]  # type: ignore[attr-defined]
    except (TypeError, KeyError, AttributeError) as err:
        raise InvalidResponseError(f"{service} returned an unreadable list of columns.", service=service) from err


def _name_and_type(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The name and the type of a declared column, for which services have different keys."""
    return str(entry.get("column_name") or entry["name"]), str(entry.get("type") or entry.get("db_type") or "")


def _paging(found: object, received: int, service: str) -> Paging | None:
    """The paging object; missing members get the values of a single page."""
    if not isinstance(found, Mapping) or not found:
        return None
    try:
        rows = int(found.get("rows", received))
        return Paging(
            page=int(found.get("page", 1)),
            pages=int(found.get("pagesFiltered", 1)),
            rows=rows,
            total=int(found.get("rowsFiltered", rows)),
        )
    except (TypeError, ValueError, OverflowError) as err:
        raise InvalidResponseError(f"{service} returned unreadable paging: {found!r}.", service=service) from err


def _extjs_page(document: dict[str, Any], data: Mapping[str, Any], service: str) -> Page:
    """A page in the ``extjs`` format, whose rows are arrays in the order of its fields."""
    try:
        table = data["Tables"][0]
        fields = fields_of(table["Fields"], [], service)
        names = [str(entry["name"]) for entry in table["Fields"]]
        rows = [_extjs_row(names, row) for row in table["Rows"]]
        paging = _paging((table.get("ExtendedProperties") or {}).get("Paging"), len(rows), service)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as err:
        raise InvalidResponseError(f"{service} returned an unreadable extjs table.", service=service) from err
    # The histogram services return no rows, and a paging of zeros.
    return Page(service, "COMPLETE", fields, rows, paging if paging and paging.pages > 1 else None, document)


def _extjs_row(names: Sequence[str], row: object) -> dict[str, Any]:
    """A row of an ``extjs`` table; if a name occurs twice, the first value is used, as in `fields_of`."""
    if not isinstance(row, list):
        raise TypeError(f"a row is a {type(row).__name__}")
    return dict(reversed(list(zip(names, row, strict=True))))


def histograms(document: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return the values of discrete columns in the response of a ``...All`` service."""
    return read_histograms(document, _counts_in, "values")


def _counts_in(histogram: Mapping[str, Any]) -> dict[str, int] | None:
    """Value → rows; None for a column whose values are not listed."""
    entries = histogram.get("hist")
    if not isinstance(entries, list):
        return None
    # The key null counts the rows with missing values.
    return {str(entry["key"]): int(entry["count"]) for entry in entries if entry["key"] is not None}


def read_histograms(
    document: Mapping[str, Any], read: Callable[[Mapping[str, Any]], T | None], what: str
) -> dict[str, T]:
    """Apply ``read`` to the histogram of each column in the response of a ``...All`` service; omit None."""
    try:
        found = ((column, read(_histogram_of(column))) for column in document["data"]["Tables"][0]["Columns"])
        return {str(column["dataIndex"]): content for column, content in found if content is not None}
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError) as err:
        raise InvalidResponseError(f"MAST's list of {what} is unreadable.") from err


def _histogram_of(column: Mapping[str, Any]) -> Mapping[str, Any]:
    """The histogram of a column; empty if it has none."""
    return (column.get("ExtendedProperties") or {}).get("histObj") or {}


def first_value(page: Page) -> int:
    """Return the number in a response to ``COUNT_BIG(*)``."""
    number = -1
    with suppress(IndexError, StopIteration, TypeError, ValueError, OverflowError):
        number = int(next(iter(page.rows[0].values())))
    if not 0 <= number <= sys.maxsize:
        raise InvalidResponseError(f"The response of {page.service} contains no count.", service=page.service)
    return number
