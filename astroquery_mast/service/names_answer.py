"""What the archive's name resolver answers: a body in, positions out.

In: the JSON of SANTA, an entry for each name and source.  Out: entries that have a position, sorted by name or source.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from astropy.coordinates import SkyCoord

from ..exceptions import InvalidResponseError, ServerError
from ..tables.mashup import decoded
from .names import case_folded_name

__all__ = ["Entry", "by_name", "by_source", "coordinate_of", "place_of", "read_entries", "with_place"]

_SERVICE = "MAST name resolver"

Entry = Mapping[str, Any]


def read_entries(body: bytes) -> list[Entry]:
    """Read an answer."""
    document = decoded(body, f"The {_SERVICE}")
    entries = document.get("resolvedCoordinate") if isinstance(document, dict) else ""
    if not isinstance(entries, list | None):
        raise InvalidResponseError(f"The {_SERVICE} sent no list of positions.", service=_SERVICE)
    if not entries and "error" in str(document.get("status")).lower():
        words = document.get("msg") or document["status"]
        raise ServerError(f"The {_SERVICE} reported an error: {words}", service=_SERVICE, status=200)
    return [entry for entry in entries or [] if isinstance(entry, dict)]


def place_of(entry: Entry) -> tuple[float, float]:
    """Return the position of an entry in degrees; raise `InvalidResponseError` if it is none."""
    try:
        ra, dec = float(entry["ra"]), float(entry["decl"])
    except (KeyError, TypeError, ValueError) as err:
        raise InvalidResponseError(f"The {_SERVICE} sent an entry without a position.", service=_SERVICE) from err
    if not (math.isfinite(ra) and abs(dec) <= 90):
        raise InvalidResponseError(f"The {_SERVICE} sent an impossible position: {ra}, {dec}.", service=_SERVICE)
    return ra, dec


def coordinate_of(entry: Entry) -> SkyCoord:
    """Return the position of an entry; see `place_of`."""
    return SkyCoord(*place_of(entry), unit="deg")


def by_source(entries: Sequence[Entry]) -> dict[str, SkyCoord]:
    """Return the positions that the sources have for a name: source → position."""
    return {str(entry.get("resolver")): coordinate_of(entry) for entry in entries}


def with_place(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries of one name that have a position."""
    usable: list[Entry] = []
    problem: InvalidResponseError | None = None
    for entry in entries:
        try:
            place_of(entry)
        except InvalidResponseError as err:
            problem = problem or err
        else:
            usable.append(entry)
    if problem is not None and not usable:
        raise problem
    return usable


def by_name(names: Sequence[str], entries: Sequence[Entry]) -> dict[str, list[Entry] | InvalidResponseError]:
    """Return what came for each of several names."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(case_folded_name(str(entry.get("searchString", ""))), []).append(entry)
    # The entries for one name are all its own, however it is spelled.
    own = [entries] if len(names) == 1 else [found.get(case_folded_name(name), []) for name in names]
    return {name: _with_place_or_error(each) for name, each in zip(names, own, strict=True)}


def _with_place_or_error(entries: Sequence[Entry]) -> list[Entry] | InvalidResponseError:
    try:
        return with_place(entries)
    except InvalidResponseError as err:
        return err
