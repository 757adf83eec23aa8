"""What the cutout services answer besides cutouts: sectors, surveys, and words where there is nothing to cut out.

In: a decoded JSON answer, or the bytes that came where a zip file was due.  Out: a `Page` of sectors, names of surveys,
or the service's words; an exception if the words are those of a refusal or a failure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..exceptions import BadRequestError, InvalidResponseError, ServerError
from ..tables.columns import Column
from ..tables.mashup import Page

__all__ = ["NO_SECTOR", "NO_SURVEY", "SECTOR_COLUMNS", "sector_page", "surveys", "words_for_nothing", "words_of"]

NO_SECTOR = "Coordinates are not in any TESS sector."
NO_SURVEY = "Coordinates are not in an available deep field survey."

SECTOR_COLUMNS = {
    column.name: column
    for column in (
        Column("sectorName", type_name="string", description="Sector, camera and CCD, as in the names of cutouts"),
        Column("sector", type_name="int", description="Number of the observing sector"),
        Column("camera", type_name="int", description="Number of the camera, 1 to 4"),
        Column("ccd", type_name="int", description="Number of the CCD of the camera, 1 to 4"),
    )
}

# The services answer with status 200 and a sentence in all cases.  An empty list of results beside it means "no data";
# without one the kind has to be read from the words, and those that fit nowhere are taken for "no data", as
# astroquery.mast takes them all.  Seen: "No FFIs found for input target. Cutout not performed.", and the same with
# "Missing HAP files".
_NOTHING = re.compile(
    r"\bcutouts? not performed\b|\bno [\w\s]*\bfound\b"
    r"|\bno (\w+ )?(data|results?|cutouts?|images?|files?|sectors?|surveys?|footprints?|match\w*)\b"
    r"|\bnot (in|on|within|found|observed|available|covered)\b|\boutside\b",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"\b(invalid|illegal|malformed|required|unsupported|unrecogni[sz]ed|must|exceed\w*|cannot be parsed)\b"
    r"|\bmissing (parameter|argument|value|field)s?\b"
    r"|\btoo (large|big|many|small|long)\b|\bnot (a |an )?(valid|supported|allowed|permitted)\b",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"\b(internal|unexpected|server) error\b|\b(exception|traceback|timed out|time-?out|failed|failure)\b"
    r"|\b(temporarily|currently) unavailable\b|\btry again\b",
    re.IGNORECASE,
)
_EXCERPT = 80


def words_for_nothing(body: bytes, service: str) -> str:
    """Return what a service says that has nothing to cut out."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise _unreadable(service, body) from err
    words = words_of(document, service)
    if words is None and _is_empty(document):
        return f"{service} found nothing to cut out."
    if words is None:
        raise _unreadable(service, body)
    return words


def _unreadable(service: str, body: bytes) -> InvalidResponseError:
    """The error for bytes that are neither cutouts nor words."""
    start = body[:_EXCERPT].decode("utf-8", "replace")
    message = f"{service} answered with something else than cutouts, beginning {start!r}."
    return InvalidResponseError(message, service=service, status=200)


def words_of(document: Any, service: str) -> str | None:
    """Return what a service says in a JSON answer."""
    words = document.get("msg") if isinstance(document, dict) else None
    if not isinstance(words, str) or not words.strip():
        return None
    words = " ".join(words.split())
    if not _is_empty(document) and not _NOTHING.search(words):
        if _REFUSED.search(words):
            raise BadRequestError(f"{service} refused the request: {words}", service=service, status=200)
        if _FAILED.search(words):
            raise ServerError(f"{service} failed: {words}", service=service, status=200)
    return words


def _is_empty(document: Any) -> bool:
    """Whether an answer says, without words, that there is nothing."""
    return isinstance(document, dict) and document.get("results") == []


def sector_page(document: Any, service: str) -> Page:
    """Return the sectors of an answer."""
    rows = [_sector_row(entry, service) for entry in _list_of(document, "results", service)]
    fields = tuple((column.name, column.type_name) for column in SECTOR_COLUMNS.values())
    return Page(service, "COMPLETE", fields, rows, document={"fields": fields})


def _list_of(document: Any, key: str, service: str) -> list[Any]:
    """A list of an answer; empty if the answer has words for "nothing" in its place."""
    found = document.get(key) if isinstance(document, dict) else None
    if found is None and words_of(document, service) is not None:
        return []
    if not isinstance(found, list):
        raise InvalidResponseError(f"{service} answered without a list of {key!r}.", service=service)
    return found


def _sector_row(entry: Any, service: str) -> Mapping[str, object]:
    """One row; the archive writes numbers as text, with zeros before some of them."""
    if not isinstance(entry, dict):
        raise InvalidResponseError(f"{service} listed {entry!r} where a sector was due.", service=service)
    row: dict[str, object] = {"sectorName": entry.get("sectorName")}
    for name in ("sector", "camera", "ccd"):
        value = entry.get(name)
        try:
            row[name] = None if value is None else int(value)
        except (TypeError, ValueError) as err:
            raise InvalidResponseError(f"{service} listed {name} {value!r}, no number.", service=service) from err
    return row


def surveys(document: Any, service: str) -> list[str]:
    """Return the surveys of an answer."""
    return [str(name) for name in _list_of(document, "surveys", service)]
