"""What the archive answered: bytes in, a `Page` or an exception out.

In: HTTP status, headers and body.  Out: a frozen `Page` of rows.  Nothing here touches the network, so that every kind
of broken answer can be tried without one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ..exceptions import (
    AccessDeniedError,
    BadRequestError,
    IncompleteResultError,
    InvalidResponseError,
    MastError,
    ServerError,
)
from .json_rows import Rows, decoded, decoded_with_rows

__all__ = ["Page", "Paging", "check_status", "decoded", "histograms", "parse_page", "retry_after_seconds"]

# Words in an ERROR message with which the archive says that it is the reader who may not see the data.
_DENIED = ("must be logged in", "not authorized", "not authorised", "unauthorized", "access denied")
_EXCERPT = 200
# Services whose status is empty, and which leave the list of rows out if there is none.
_NAMES = "Mast.Name."


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


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Read the ``Retry-After`` header."""
    text = (headers.get("Retry-After") or "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def check_status(status: int, headers: Mapping[str, str], body: bytes, service: str) -> None:
    """Raise if the HTTP status says that this is not an answer."""
    if status < 400:
        return
    words = _server_words(headers, body)
    said = f": {words.rstrip('.')}." if words else "."
    if status in {401, 403}:
        raise AccessDeniedError(f"{service} refused access (HTTP {status}){said}", service=service, status=status)
    if status in {408, 425, 429} or status >= 500:
        raise ServerError(
            f"{service} could not answer (HTTP {status}){said}",
            service=service,
            status=status,
            retry_after=retry_after_seconds(headers),
        )
    raise BadRequestError(f"{service} refused the request (HTTP {status}){said}", service=service, status=status)


def _server_words(headers: Mapping[str, str], body: bytes) -> str:
    """What the archive itself says about a failure, in one line; nothing when it only sends a page of HTML."""
    if "html" in (headers.get("Content-Type") or "").lower():
        return ""
    text = " ".join(body[: 4 * _EXCERPT].decode("utf-8", "replace").split())
    return text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"


def parse_page(status: int, headers: Mapping[str, str], body: bytes, service: str) -> Page:
    """Turn an HTTP answer of the Mashup API into a page."""
    check_status(status, headers, body, service)
    document = decoded_with_rows(body, service, status)
    if not isinstance(document, dict):
        raise InvalidResponseError(
            f"{service} answered with a {type(document).__name__} where an object was due.", service=service
        )
    return _page_of(document, service)


def _page_of(document: dict[str, Any], service: str) -> Page:
    """The page that a decoded answer holds."""
    state = str(document.get("status") or "COMPLETE").upper()
    if state == "ERROR":
        raise _failure(document, service)
    if state == "EXECUTING":
        return Page(service, state)
    data = document.get("data")
    if isinstance(data, dict):
        return _extjs_page(document, data, service)
    if data is None and isinstance(document.get("resolvedCoordinate"), list):
        data = document["resolvedCoordinate"]  # name look-up: rows under a name of their own
    rows: Sequence[Any] = data if isinstance(data, list | Rows) else []
    if isinstance(rows, list) and not all(isinstance(row, dict) for row in rows):
        raise InvalidResponseError(f"{service} sent rows that are not objects.", service=service)
    paging = _paging(document.get("paging"), len(rows), service)
    if "fields" in document and data is not rows and (data is not None or paging is None):
        # Columns without rows are an empty answer only if the archive says so.
        raise InvalidResponseError(f"{service} sent columns, and no list of rows.", service=service)
    fields = _fields(document.get("fields"), rows, service)
    if not (fields or rows or document.get("status") or service.startswith(_NAMES)):
        # Without a word of the archive this may be anything, and no empty result.
        raise InvalidResponseError(f"{service} sent neither a status nor columns nor rows.", service=service)
    if isinstance(data, Rows):
        # The text of the rows is let go with the page, and nobody else has a hold on it.
        document = {name: value for name, value in document.items() if name != "data"}
    page = Page(service, state, fields, rows, paging, document)
    if page.paging is not None and page.paging.rows != len(rows):
        raise IncompleteResultError(
            f"{service} announced {page.paging.rows} rows on page {page.paging.page} and sent {len(rows)}.",
            service=service,
        )
    return page


def _failure(document: Mapping[str, Any], service: str) -> MastError:
    """The exception for an answer whose status is ERROR, with the archive's own words."""
    words = str(document.get("msg") or "no reason given").strip()
    kind = AccessDeniedError if any(word in words.lower() for word in _DENIED) else ServerError
    return kind(f"{service} reported an error: {words}", service=service, status=200)


def _fields(declared: object, rows: Sequence[Mapping[str, Any]], service: str) -> tuple[tuple[str, str], ...]:
    """Column names and types, as declared, or as found in the rows where nothing is declared."""
    if declared is None:
        names = dict.fromkeys(name for row in rows for name in row)
        return tuple((name, "") for name in names)
    try:
        pairs = [(str(entry["name"]), str(entry.get("type") or "")) for entry in declared]  # type: ignore[attr-defined]
    except (TypeError, KeyError, AttributeError) as err:
        raise InvalidResponseError(f"{service} sent an unreadable list of columns.", service=service) from err
    first: dict[str, tuple[str, str]] = {}
    for name, kind in pairs:
        first.setdefault(name, (name, kind))
    return tuple(first.values())


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
        fields = _fields(table["Fields"], [], service)
        names = [str(entry["name"]) for entry in table["Fields"]]
        rows = [_extjs_row(names, row) for row in table["Rows"]]
        paging = _paging((table.get("ExtendedProperties") or {}).get("Paging"), len(rows), service)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as err:
        raise InvalidResponseError(f"{service} sent an unreadable extjs table.", service=service) from err
    # The services of histograms send no rows and a paging of zeros.
    return Page(service, "COMPLETE", fields, rows, paging if paging and paging.pages > 1 else None, document)


def _extjs_row(names: Sequence[str], row: object) -> dict[str, Any]:
    """A row of an ``extjs`` table; of a name that comes twice the first value counts, as for `_fields`."""
    if not isinstance(row, list):
        raise TypeError(f"a row is a {type(row).__name__}")
    return dict(reversed(list(zip(names, row, strict=True))))


def histograms(document: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Read the values that discrete columns have, from the answer of a ``...All`` service."""
    try:
        columns = document["data"]["Tables"][0]["Columns"]
        found = {}
        for column in columns:
            entries = ((column.get("ExtendedProperties") or {}).get("histObj") or {}).get("hist")
            if isinstance(entries, list):
                # A key of null counts the rows without a value.
                values = {str(entry["key"]): int(entry["count"]) for entry in entries if entry["key"] is not None}
                found[str(column["dataIndex"])] = values
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError) as err:
        raise InvalidResponseError("The archive's list of values is unreadable.") from err
    return found
