"""What the archive answered: bytes in, a `Page` or an exception out; and whether the pages of an answer are all of it.

In: HTTP status, headers and body.  Out: a frozen `Page` of rows, and `Completeness`, which counts them.  Nothing here
touches the network, so that every kind of broken answer can be tried without one.
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

# What code raises that reads something else than it was made for.
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
# Words in an ERROR message with which the archive says that it is the reader who may not see the data.
_DENIED = ("must be logged in", "not authorized", "not authorised", "unauthorized", "access denied")
_EXCERPT = 500
# How much of an answer is searched for the server's words (bytes).
_SEARCHED = 65_536
# Where a VOTable says why it is no answer.
_VOTABLE_ERROR = re.compile(r"<INFO\b[^>]*\bQUERY_STATUS\b[^>]*>(.*?)</INFO\s*>", re.DOTALL | re.IGNORECASE)
# Where services put a sentence for the reader.
_MESSAGES = ("msg", "message", "detail", "error", "description")
# Services whose status is empty, and which leave the list of rows out if there is none.
_NAMES = "Mast.Name."
_ASK_AGAIN = "Ask again; if it stays so, ask for less at a time."


@contextmanager
def reading(what: str, *passing: type[Exception]) -> Iterator[None]:
    """Turn whatever an answer leads to into an error of the package: the last net, below the checks of the readers."""
    try:
        yield
    except MastError:
        raise
    except passing:
        raise
    except MemoryError as err:
        raise ResponseTooLargeError(f"{what} sent more than there is memory for.", service=what) from err
    except _UNREADABLE as err:
        raise InvalidResponseError(
            f"{what} sent a response that cannot be read ({type(err).__name__}: {err}).", service=what
        ) from err


@dataclass(frozen=True)
class Paging:
    """Where a page stands in its answer; names as in the archive's ``paging`` object."""

    page: int
    pages: int
    rows: int
    total: int


@dataclass(frozen=True)
class Page:
    """One page of an answer."""

    service: str
    status: str
    fields: tuple[tuple[str, str], ...] = ()
    rows: Sequence[Mapping[str, Any]] = ()
    paging: Paging | None = None
    document: Mapping[str, Any] | None = None
    time: str | None = None

    @property
    def executing(self) -> bool:
        """Whether the archive is still working on the answer."""
        return self.status == "EXECUTING"

    @property
    def total(self) -> int:
        """The rows of the whole answer, as far as the archive says."""
        return len(self.rows) if self.paging is None else self.paging.total

    @property
    def has_others(self) -> bool:
        """Whether the answer has other pages."""
        return self.paging is not None and self.paging.pages > 1


class Completeness:
    """Counts the rows of an answer that comes in pages, and proves that together they are all of it.

    Pages are either numbered, or slices of the rows: so many after so many.
    """

    def __init__(self, service: str, announced: int | None = None) -> None:
        self.service = service
        self.announced = announced
        self.rows = 0
        # Why there may be more, although nothing is known to be missing; and whether this is a whole answer at all.
        self.doubt = ""
        self.proven = True
        self._skipped: int | None = None
        self._seen: set[int] = set()

    def add(self, page: Page, number: int | None = None) -> None:
        """Take a page into account."""
        self.rows += len(page.rows)
        if page.paging is None:
            return
        # A page of zeros is how an empty answer may look.
        if number is not None and page.paging.page not in {number, 0}:
            raise self.incomplete(f"requested page {number}, got page {page.paging.page}")
        if self.announced not in {None, page.paging.total}:
            raise self.incomplete(
                f"the number of rows changed from {self.announced} to {page.paging.total} between its parts"
            )
        self.announced = page.paging.total

    def add_slice(self, page: Page, skipped: int, most: int, *, alone: bool) -> None:
        """Take a page into account that is up to so many rows after so many; it may be alone, or one of several."""
        if page.paging is not None:
            due = min(most, max(0, page.paging.total - skipped))
            if len(page.rows) < due:
                raise self._short(due, skipped, len(page.rows))
        if self._skipped is None:
            self._skipped = skipped
        self.add(page)
        if not alone:
            self.compare(
                page, "Rows that are alike in all columns asked for look so, too: ask for more columns (select_cols)."
            )

    def close(self) -> None:
        """Prove that all rows announced have been received."""
        if self.announced is None:
            return
        if self._skipped is None:
            if self.announced != self.rows:
                raise self.incomplete(f"{self.announced} rows were announced and {self.rows} received")
        elif self.rows < self.announced - self._skipped:
            raise self._short(self.announced - self._skipped, self._skipped, self.rows)

    def incomplete(self, what: str, advice: str = _ASK_AGAIN) -> IncompleteResultError:
        """Return the error for an answer that is not complete."""
        return IncompleteResultError(
            f"The answer of {self.service} is not complete: {what}. {advice}", service=self.service
        )

    def _short(self, due: int, skipped: int, received: int) -> IncompleteResultError:
        """The error for rows that are missing."""
        return self.incomplete(f"{due} rows were due after row {skipped}, and {received} came")

    def compare(self, page: Page, advice: str = _ASK_AGAIN) -> None:
        """Raise if a row has come on an earlier page."""
        rows = page.rows
        # The text of rows that are not decoded yet will do, and costs little.
        marks = set(map(hash, map(bytes, rows.raw))) if isinstance(rows, Rows) else set(map(_mark, rows))
        if not marks.isdisjoint(self._seen):
            raise self.incomplete("a row came in two parts, so that another one may be missing", advice)
        self._seen |= marks


def _mark(row: Mapping[str, Any]) -> int:
    """What tells a row from others, in little room."""
    try:
        return hash(frozenset(row.items()))
    except TypeError:  # a cell that is a list
        return hash(json.dumps(row, sort_keys=True))


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Read the ``Retry-After`` header."""
    text = (headers.get("Retry-After") or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        moment = http_date(text)
        return None if moment is None else max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
    return max(0.0, seconds) if math.isfinite(seconds) else None


def http_date(text: str) -> datetime | None:
    """Read a date as HTTP headers have it; None if it cannot be read."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


PROXY_LOGIN = "The proxy wants a login: set HTTPS_PROXY (HTTP_PROXY for http://) to http://user:password@host:port."


def check_status(status: int, headers: Mapping[str, str], body: bytes, service: str) -> None:
    """Raise if the HTTP status says that this is not an answer."""
    if status < 400:
        return
    said = _server_words(headers, body)
    if status in {401, 403}:
        raise AccessDeniedError(f"{service} refused access (HTTP {status}){said}", service=service, status=status)
    if status in {408, 425, 429} or status >= 500:
        raise ServerError(
            f"{service} could not answer (HTTP {status}){said}",
            service=service,
            status=status,
            retry_after=retry_after_seconds(headers),
        )
    if status == 407:
        raise NetworkError(f"{service} was not asked. {PROXY_LOGIN}", service=service, status=status)
    raise BadRequestError(f"{service} refused the request (HTTP {status}){said}", service=service, status=status)


def _server_words(headers: Mapping[str, str], body: bytes) -> str:
    """The end of a sentence: what the archive itself says of a failure, in one line; nothing for a page of HTML."""
    if "html" in (headers.get("Content-Type") or "").lower():
        return "."
    text = " ".join(message_in(body[:_SEARCHED].decode("utf-8", "replace")).split())
    words = text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"
    return f": {words.rstrip('.')}." if words else "."


def message_in(text: str) -> str:
    """Return the sentence of a server in a JSON object or a VOTable; any other text as it is."""
    found = map(_sentence, map(json_object(text).get, _MESSAGES))
    sentence = next(filter(None, found), "")
    if not sentence and (told := _VOTABLE_ERROR.search(text)):
        sentence = html.unescape(told[1]).strip()
    return sentence or text


def _sentence(given: object) -> str:
    """What a JSON object has for the reader under one of its names: text, or a list of parameters and their faults."""
    if isinstance(given, list):
        faults = [each for each in given if isinstance(each, dict) and "msg" in each]
        return "; ".join(f"{'.'.join(map(str, each.get('loc') or ()))}: {each['msg']}" for each in faults)
    return given if isinstance(given, str) and given.strip() else ""


def json_object(text: str | bytes) -> dict[str, Any]:
    """Return a JSON object; an empty one for anything else."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def parse_page(status: int, headers: Mapping[str, str], body: bytes, service: str, *, partial: bool = False) -> Page:
    """Turn an HTTP answer of the Mashup API into a page, ``partial`` with the rows of one that is still growing."""
    check_status(status, headers, body, service)
    document = decoded_with_rows(body, service, status)
    if not isinstance(document, dict):
        raise InvalidResponseError(
            f"{service} answered with a {type(document).__name__} where an object was due.", service=service
        )
    return _page_of(document, service, partial=partial)


def _page_of(document: dict[str, Any], service: str, *, partial: bool = False) -> Page:
    """The page that a decoded answer holds."""
    state = str(document.get("status") or "COMPLETE").upper()
    if state == "ERROR":
        raise _failure(document, service)
    if state == "EXECUTING" and not (partial and document.get("fields")):
        return Page(service, state)
    data = document.get("data")
    return _extjs_page(document, data, service) if isinstance(data, dict) else _page_of_rows(document, state, service)


def _page_of_rows(document: dict[str, Any], state: str, service: str) -> Page:
    """A page in the ``json`` form, whose rows are objects."""
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
        # The text of the rows is let go with the page, and nobody else has a hold on it.
        document = {name: value for name, value in document.items() if name != "data"}
    return Page(service, state, fields, rows, paging, document)


def _given_rows(document: Mapping[str, Any], service: str) -> Sequence[Any] | None:
    """The rows in an answer; None if it has no list of them."""
    data = document.get("data")
    if data is None:
        data = document.get("resolvedCoordinate")  # name look-up: rows under a name of their own
    if isinstance(data, Rows):
        return data
    if not isinstance(data, list):
        return None
    if not all(isinstance(row, dict) for row in data):
        raise InvalidResponseError(f"{service} sent rows that are not objects.", service=service)
    return data


def _check_without_rows(document: Mapping[str, Any], paging: Paging | None, service: str) -> None:
    """Raise for columns without rows, which are an empty answer only if the archive says so."""
    if "fields" in document and (document.get("data") is not None or paging is None):
        raise InvalidResponseError(f"{service} sent columns, and no list of rows.", service=service)


def _check_without_columns(document: Mapping[str, Any], service: str) -> None:
    """Raise for nothing at all: without a word of the archive it may be anything, and no empty result."""
    if not (document.get("status") or service.startswith(_NAMES)):
        raise InvalidResponseError(f"{service} sent neither a status nor columns nor rows.", service=service)


def _check_count(paging: Paging | None, received: int, service: str) -> None:
    """Raise unless as many rows came as the page announces."""
    if paging is not None and paging.rows != received:
        raise IncompleteResultError(
            f"{service} announced {paging.rows} rows on page {paging.page} and sent {received}.", service=service
        )


def _failure(document: Mapping[str, Any], service: str) -> MastError:
    """The exception for an answer whose status is ERROR, with the archive's own words."""
    words = str(document.get("msg") or "no reason given").strip()
    kind = AccessDeniedError if any(word in words.lower() for word in _DENIED) else ServerError
    return kind(f"{service} reported an error: {words}", service=service, status=200)


def fields_of(declared: object, rows: Sequence[Mapping[str, Any]], service: str) -> tuple[tuple[str, str], ...]:
    """Return column names and types, as declared, or as found in the rows where nothing is declared."""
    if declared is None:
        names = dict.fromkeys(name for row in rows for name in row)
        return tuple((name, "") for name in names)
    first: dict[str, str] = {}
    for name, type_name, _ in declared_columns(declared, service):
        first.setdefault(name, type_name)
    return tuple(first.items())


def declared_columns(declared: object, service: str) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return the name and the type of each column that an answer declares, and all that it says of the column."""
    try:
        return [(*_name_and_type(entry), entry) for entry in declared]  # type: ignore[attr-defined]
    except (TypeError, KeyError, AttributeError) as err:
        raise InvalidResponseError(f"{service} sent an unreadable list of columns.", service=service) from err


def _name_and_type(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The name and the type of a declared column, by whichever names the service has for them."""
    return str(entry.get("column_name") or entry["name"]), str(entry.get("type") or entry.get("db_type") or "")


def _paging(found: object, received: int, service: str) -> Paging | None:
    """The paging object, read tolerantly: a member that is missing takes the value of a single page."""
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
        raise InvalidResponseError(f"{service} sent unreadable paging: {found!r}.", service=service) from err


def _extjs_page(document: dict[str, Any], data: Mapping[str, Any], service: str) -> Page:
    """A page in the ``extjs`` form, whose rows are arrays in the order of its fields."""
    try:
        table = data["Tables"][0]
        fields = fields_of(table["Fields"], [], service)
        names = [str(entry["name"]) for entry in table["Fields"]]
        rows = [_extjs_row(names, row) for row in table["Rows"]]
        paging = _paging((table.get("ExtendedProperties") or {}).get("Paging"), len(rows), service)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as err:
        raise InvalidResponseError(f"{service} sent an unreadable extjs table.", service=service) from err
    # The services of histograms send no rows and a paging of zeros.
    return Page(service, "COMPLETE", fields, rows, paging if paging and paging.pages > 1 else None, document)


def _extjs_row(names: Sequence[str], row: object) -> dict[str, Any]:
    """A row of an ``extjs`` table; of a name that comes twice the first value counts, as for `fields_of`."""
    if not isinstance(row, list):
        raise TypeError(f"a row is a {type(row).__name__}")
    return dict(reversed(list(zip(names, row, strict=True))))


def histograms(document: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Read the values that discrete columns have, from the answer of a ``...All`` service."""
    return read_histograms(document, _counts_in, "values")


def _counts_in(histogram: Mapping[str, Any]) -> dict[str, int] | None:
    """Value → rows; None for a column whose values are not listed."""
    entries = histogram.get("hist")
    if not isinstance(entries, list):
        return None
    # A key of null counts the rows without a value.
    return {str(entry["key"]): int(entry["count"]) for entry in entries if entry["key"] is not None}


def read_histograms(
    document: Mapping[str, Any], read: Callable[[Mapping[str, Any]], T | None], what: str
) -> dict[str, T]:
    """Read something from the histogram of each column that has it, in the answer of a ``...All`` service."""
    try:
        found = ((column, read(_histogram_of(column))) for column in document["data"]["Tables"][0]["Columns"])
        return {str(column["dataIndex"]): content for column, content in found if content is not None}
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError) as err:
        raise InvalidResponseError(f"The archive's list of {what} is unreadable.") from err


def _histogram_of(column: Mapping[str, Any]) -> Mapping[str, Any]:
    """The histogram of a column; empty if it has none."""
    return (column.get("ExtendedProperties") or {}).get("histObj") or {}


def first_value(page: Page) -> int:
    """Return the number that an answer to ``COUNT_BIG(*)`` holds."""
    number = -1
    with suppress(IndexError, StopIteration, TypeError, ValueError, OverflowError):
        number = int(next(iter(page.rows[0].values())))
    if not 0 <= number <= sys.maxsize:
        raise InvalidResponseError(f"The response of {page.service} contains no count.", service=page.service)
    return number
